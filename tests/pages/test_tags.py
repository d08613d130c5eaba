"""What the tags of templates work out once says the same as what they would say each time: to each reader in his language, of each value its own."""

import pytest
from django.template import engines
from django.templatetags.static import static
from django.utils import translation

from core.figures import Goal
from core.views.kpis import Line, Told
from core.views.tags import Marked


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


def test_a_kept_part_tells_two_lists_that_never_change_from_each_other():
    said, one, other = made("{% kept items %}{% for item in items %}{{ item }};{% endfor %}{% endkept %}"), Marked("ab"), Marked("c")
    assert [said(items=items) for items in (one, other, one, ["c"])] == ["a;b;", "c;", "a;b;", "c;"]


def test_a_row_of_a_figures_groups_is_escaped_and_says_its_goal_as_a_tile_does():
    goal = Goal("€5", "50% of €5", "50.0", True)
    line = Line([("<A>", "/a/?x=1&y"), ("B", "/a/")], Told("1", "/facts/?a&b"), Told("2"), 3, goal)
    text = made("{% kpi_rows lines goals %}")(lines=[line, line._replace(goal=None, own=None)], goals=True)
    first, second = text.splitlines()
    head = '<tr><th scope="row" class="level-3"><a href="/a/?x=1&amp;y">&lt;A&gt;</a></th><td>B</td>'
    assert first.startswith(f'{head}<td class="num">2</td><td class="num"><a href="/facts/?a&amp;b">1</a></td>')
    drawn = made('{% include "parts/goal.html" %}')(goal=goal).strip()
    assert first.endswith(f'<td class="goal-cell">{drawn}</td></tr>')
    assert second == f'{head}<td class="num"><a href="/facts/?a&amp;b">1</a></td><td class="goal-cell"></td></tr>'
