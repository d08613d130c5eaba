"""What the tags of templates work out once says the same as what they would say each time: to each reader in his language, of each value its own."""

import pytest
from django.template import engines
from django.templatetags.static import static
from django.utils import translation

from core.figures import Comparison, Goal, Number
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


def test_what_a_record_says_of_itself_is_escaped_and_leads_where_it_may():
    plain = {"label": "<L>", "text": "", "links": [], "url": "", "full": False, "prose": False, "image": False}
    links = [{"text": "<A>", "url": "/a/?x=1&y"}, {"text": "hidden", "url": ""}]
    told = [plain | {"text": "<b>", "full": True, "prose": True}, plain | {"links": links}, plain | {"text": "a@b", "url": "mailto:a@b"}]
    first, second, third = made("{% facts told %}")(told=told).replace("</div>", "</div>\n").splitlines()
    assert first == '<div class="full"><dt>&lt;L&gt;</dt><dd class="prose">&lt;b&gt;</dd></div>'
    assert second == '<div><dt>&lt;L&gt;</dt><dd><a href="/a/?x=1&amp;y">&lt;A&gt;</a>, hidden</dd></div>'
    assert third == '<div><dt>&lt;L&gt;</dt><dd><a href="mailto:a@b" rel="noreferrer">a@b</a></dd></div>'


def test_figures_about_a_record_are_escaped_and_said_in_the_readers_language():
    number, then = Number("€1", "€1.00", "/facts/?a&b"), Number("€2", "€2.00", "/facts/?c")
    change = Comparison("", "<2025>", "", then, "+3%", "up", "yes")
    told = [{"label": "<L>", "number": number, "all": then, "change": change, "goal": Goal("€5", "50% of €5", "50.0", False)}]
    said = made("{% figure_strip told %}")
    text = said(told=told)
    assert '<span class="kpi-label">&lt;L&gt;</span>' in text and '<a class="kpi-value" href="/facts/?a&amp;b" title="€1.00">€1</a>' in text
    assert '<a class="up" href="/facts/?c">+3%</a> on &lt;2025&gt; · all time <a href="/facts/?c">€2</a></span>' in text
    assert made('{% include "parts/goal.html" %}')(goal=told[0]["goal"]).strip() in text
    with translation.override("zh-hans"):
        assert "较&lt;2025&gt; · 累计 <a" in said(told=told)
    assert "progress" not in said(told=[told[0] | {"goal": None}])


def test_a_row_of_a_short_list_is_escaped_and_says_what_is_late():
    row = {"title": "<T>", "url": "/a/?x=1&y", "said": [{"text": "<s>", "late": False}, {"text": "due", "late": True}], "amount": "€1", "avatar": None}
    row["reached"] = [{"url": "tel:1", "icon": "phone", "label": '"P"'}]
    other = {"title": "B", "url": "/b/", "said": [], "reached": [], "amount": "", "avatar": {"hue": 3, "initials": "BB"}}
    text = made("{% excerpt_rows rows %}")(rows=[row, other])
    first, second = text.splitlines()
    said = '<span class="sub">&lt;s&gt; · <span class="late">due</span></span>'
    assert first.startswith(f'<li><div class="excerpt-text"><a href="/a/?x=1&amp;y">&lt;T&gt;</a>{said}</div><span class="num">€1</span><a class="btn')
    assert 'href="tel:1" aria-label="&quot;P&quot;" title="&quot;P&quot;"><svg' in first
    assert second == '<li><span class="avatar av3" aria-hidden="true">BB</span><div class="excerpt-text"><a href="/b/">B</a></div></li>'
