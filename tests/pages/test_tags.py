"""What the tags of templates work out once says the same as what they would say each time: to each reader in his language, of each value its own."""

import pytest
from django.template import engines
from django.templatetags.static import static
from django.utils import translation


def made(text):
    """A template of this text; what it gives with these values."""
    template = engines["django"].from_string(text)
    return lambda **values: template.render(values)


def test_a_sentence_is_said_to_each_reader_in_his_language():
    said = made("{% translate 'Cancel' %}")
    for language, word in [("en", "Cancel"), ("zh-hans", "取消")] * 2:
        with translation.override(language):
            assert said() == word


def test_what_a_sentence_hangs_on_is_asked_each_time():
    said = made("{% translate word %}")
    assert [said(word=w) for w in ("Cancel", "Save")] == ["Cancel", "Save"]


def test_a_file_has_the_address_it_has_now():
    assert made("{% static 'dist/icons.svg' %}")() == static("dist/icons.svg")
    assert made("{% static name %}")(name="icon.svg") == static("icon.svg")


@pytest.mark.parametrize("most", [4096, 1])
def test_a_kept_part_says_of_each_value_its_own_and_reads_no_other(most, monkeypatch):
    monkeypatch.setattr("core.views.tags.MOST", most)
    said = made("{% for item in items %}{% kept item %}{{ item.label }}{% if item.on %}!{% endif %}{{ other }};{% endkept %}{% endfor %}")
    items = [{"label": "<a>", "on": True}, {"label": "<a>", "on": False}, {"label": "b", "on": "True"}]
    assert [said(items=items, other=other) for other in ("x", "y")] == ["&lt;a&gt;!;&lt;a&gt;;b!;"] * 2


def test_a_kept_part_is_said_to_each_reader_in_his_language():
    said = made("{% load i18n %}{% kept item %}{% blocktranslate with thing=item %}New {{ thing }}{% endblocktranslate %}{% endkept %}")
    texts = []
    for language in ("en", "zh-hans", "en"):
        with translation.override(language):
            texts.append(said(item="X"))
    assert texts[0] == texts[2] == "New X" != texts[1]


def test_options_are_escaped_and_say_what_they_go_with():
    listed = [{"value": 'a"', "label": "<A>", "selected": True}, {"value": "b", "label": "B", "goes_with": "x y", "rate": "0.19"}]
    wanted = '<option value="a&quot;" selected>&lt;A&gt;</option><option value="b" data-rate="0.19" data-for="x y">B</option>'
    assert made("{% options listed %}")(listed=listed) == wanted
    assert made("{% options nothing %}")() == ""
