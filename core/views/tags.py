"""Tags of the templates that work out once what stays as it is while a process runs: addresses of static files, sentences, icons.

They write what the tags of the same names by Django and Cotton write, byte for byte. ``kept`` remembers a part by all that it reads.
"""

import json
from html import escape
from typing import Any

from django.template import Context, Library, Node, NodeList
from django.template.base import Parser, TextNode, Token
from django.templatetags import i18n, static
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation.trans_real import catalog
from django_cotton.templatetags import cotton

register = Library()
register.tags |= static.register.tags | i18n.register.tags
register.filters |= i18n.register.filters

BOX = '<input class="check" type="checkbox" name="selected" '
ICON = "icon"  # the component that shows its attributes and nothing else
OPTION = {"rate": "rate", "for": "goes_with"}  # of an option: the name of its attribute, and the word that holds it
MOST = 4_000_000  # characters that one ``kept`` remembers; beyond it the memory starts anew


class Once(Node):
    """A node whose text hangs on nothing but the language of its reader, and on whether it stands in a text or in a page."""

    def __init__(self, node: Node):
        self.node = node
        self.said: dict[tuple, str] = {}

    def render(self, context: Context) -> str:
        key = (catalog(), context.autoescape)
        said = self.said.get(key)
        if said is None:
            said = self.said[key] = self.node.render(context)
        return said


@register.tag("static")
def fixed_address(parser: Parser, token: Token) -> Node:
    """The address of a static file: text, where the file is named as it is."""
    node = static.do_static(parser, token)
    if node.varname is None and not node.path.is_var and not node.path.filters:
        return TextNode(conditional_escape(node.url(Context())))
    return node


@register.tag("trans")
@register.tag("translate")
def fixed_sentence(parser: Parser, token: Token) -> Node:
    """A sentence of the catalogues, looked up once for each language."""
    node = i18n.do_translate(parser, token)
    if node.noop or node.asvar is not None or node.message_context is not None:
        return node
    word = node.filter_expression
    return node if word.filters or word.var.literal is None else Once(node)


@register.tag("cotton")
def fixed_icon(parser: Parser, token: Token) -> Node:
    """A component; an icon that is named as it is, drawn once."""
    node = cotton.register.tags["cotton"](parser, token)
    fixed = node.component_name == ICON and not node.nodelist and all(_is_text(value) for value in node.attrs.values())
    return Once(node) if fixed else node


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value[:1] in ("'", '"') and "{" not in value


class Marked(list):
    """A list that never changes, such as the menu of a reader: told from others by being itself, whatever it holds."""

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


def _told_apart(value: object) -> object:
    """What two values share only where they are drawn alike: a text is itself, all else the JSON of it, marked as such."""
    if type(value) is str or type(value) is Marked:
        return value
    return json.dumps(value, default=str), ""


class Kept(Node):
    """A part that reads the values it names and nothing else, remembered by them: what it says of others it cannot say of these."""

    def __init__(self, names: list[str], nodelist: NodeList):
        self.names, self.nodelist = names, nodelist
        self.said: dict[tuple, str] = {}
        self.size = 0

    def render(self, context: Context) -> str:
        values = {name: context.get(name) for name in self.names}
        key = (catalog(), context.autoescape, *map(_told_apart, values.values()))
        said = self.said.get(key)
        if said is None:
            said = self.nodelist.render(context.new(values))
            self.size += len(said) + sum(len(part if isinstance(part, str | Marked) else part[0]) for part in key[2:])
            if self.size > MOST:
                self.said, self.size = {}, len(said)
            self.said[key] = said
        return said


@register.tag("kept")
def kept(parser: Parser, token: Token) -> Node:
    """``{% kept item %}...{% endkept %}``: of plain values such as texts, numbers and lists of them."""
    nodelist = parser.parse(("endkept",))
    parser.delete_first_token()
    return Kept(token.split_contents()[1:], nodelist)


@register.simple_tag
def table_rows(rows: list[dict[str, Any]], ticked: Any = None, spare: Any = None) -> SafeString:
    """Rows of a table of records (core.views.tables): each with a box to tick it by, and a cell under the head that adds a field, where there is one."""
    found, last = [], '<td class="add-field"></td></tr>\n' if spare else "</tr>\n"
    for row in rows:
        edit = f' data-edit="{escape(row["edit"])}"' if row["edit"] else ""
        box = f'<td class="c-check">{BOX}value="{row["id"]}" aria-label="{escape(row["ticks"])}"></td>' if ticked else ""
        found.append(f'<tr data-href="{escape(row["url"])}"{edit}>{box}{row["cells"]}{last}')
    return SafeString("".join(found))


@register.simple_tag
def board_cards(cards: list[dict[str, Any]]) -> SafeString:
    """Cards of a column of a board (core.views.boards), and how each is moved by a browser without a script."""
    return SafeString("".join(map(_Drawing().card, cards)))


class _Drawing:
    """What draws the cards of a column; what several of them bear alike, such as an icon or a person, is drawn once."""

    def __init__(self) -> None:
        self.sprite, self.moving = static.static("dist/icons.svg"), escape(_("Move “%(name)s” to …"))
        self.dots, self.drawn = self.icon("dots"), {}

    def card(self, card: dict[str, Any]) -> str:
        title = escape(str(card["title"]))
        head = _linked(card["url"], title, ' class="board-title"')
        if card["moves"]:
            classes = "btn btn-icon btn-ghost btn-sm"
            told = self.moving % {"name": title}
            head += f'<a class="{classes}" href="{escape(card["form"])}" draggable="false" data-move aria-label="{told}">{self.dots}</a>'
        refs = " · ".join([_linked(ref["url"], escape(str(ref["text"]))) for ref in card["refs"]])
        amount = f'<b class="num">{escape(card["amount"])}</b>' if card["amount"] else ""
        if status := card.get("status"):
            amount += f' <span class="badge{" badge-" + status["tone"] if status["tone"] else ""}">{escape(status["label"])}</span>'
        foot = "".join([self.note(note) for note in card["notes"]])
        who = self.person(card["person"]) if card["person"] else ""
        parts = [f'<div class="board-card-head">{head}</div>', refs and f'<p class="sub">{refs}</p>', amount and f'<p class="board-amount">{amount}</p>']
        if foot or who:
            parts.append(f'<div class="board-foot"><span class="board-notes">{foot}</span>{who}</div>')
        marks = f'data-card="{card["id"]}" data-version="{card["version"]}"{" data-moves" if card["moves"] else ""}'
        return f'<li class="board-card" {marks}>{"".join(parts)}</li>\n'

    def note(self, note: dict[str, Any]) -> str:
        """A piece of the small print; without a link, it is the same for all that say the same."""
        url, label = note.get("url", ""), note.get("label")
        key = note["tone"], label, note["icon"], note["text"]
        if url or key not in self.drawn:
            head = f' title="{escape(str(label))}"' if label else ""
            icon = self.icon(note["icon"]) if note["icon"] else ""
            drawn = f'<span class="{note["tone"]}"{head}>{icon}{_linked(url, escape(str(note["text"])))}</span>'
            if url:
                return drawn
            self.drawn[key] = drawn
        return self.drawn[key]

    def person(self, person: dict[str, Any]) -> str:
        key = person["name"]
        if key not in self.drawn:
            name, hue = escape(key), person["hue"]
            self.drawn[key] = f'<span class="avatar avatar-xs av{hue}" role="img" aria-label="{name}" title="{name}">{escape(person["initials"])}</span>'
        return self.drawn[key]

    def icon(self, name: str) -> str:
        return f'<svg class="icon" aria-hidden="true"><use href="{self.sprite}#{escape(name)}"></use></svg>'


def _linked(url: str, text: str, attributes: str = "") -> str:
    """An escaped text, with a link where it leads anywhere, which is not dragged instead of its card."""
    return f'<a{attributes} href="{escape(url)}" draggable="false">{text}</a>' if url else text


@register.simple_tag
def options(listed: list[dict[str, Any]]) -> SafeString:
    """The options of a select [{value, label, selected, rate?, goes_with?}]: made here, since a list of countries has hundreds."""
    made = [f'<option value="{conditional_escape(o["value"])}"{_option(o)}>{conditional_escape(o["label"])}</option>' for o in listed or ()]
    return SafeString("".join(made))


def _option(one: dict[str, Any]) -> str:
    said = " selected" if one.get("selected") else ""
    for name, word in OPTION.items():
        if one.get(word):
            said += f' data-{name}="{conditional_escape(one[word])}"'
    return said


@register.simple_tag(takes_context=True)
def timeline(context: Context, entries: list[dict[str, Any]]) -> SafeString:
    """What happened (core.views.timelines.Event), each with the form that takes it back, where it can be."""
    sprite, told = static.static("dist/icons.svg"), []
    for entry in entries:
        undo = context.template.engine.get_template("parts/undo.html").render(context.new({**context.flatten(), "entry": entry})) if entry.get("undo") else ""
        told.append(_event(entry, sprite, undo))
    return SafeString("".join(told))


def _event(entry: dict[str, Any], sprite: str, undo: str) -> str:
    text = f"<p>{escape(str(entry['text']))}</p>" if entry.get("text") else ""
    changes = "".join([_change(one) for one in entry.get("changes") or ()])
    who, when, at = (escape(str(entry.get(name) or "")) for name in ("who", "when", "at"))
    moment = f' datetime="{at}"' if at else ""
    return (
        f'<li><span class="timeline-icon {escape(entry.get("tone", ""))}"><svg class="icon" aria-hidden="true"><use href="{sprite}#{escape(entry["icon"])}">'
        f'</use></svg></span><div><div class="timeline-title">{_anchor(str(entry["title"]), entry.get("url", ""))}</div>{text}{changes}{undo}'
        f'<div class="sub">{who}{" · " if who and when else ""}<time{moment}>{when}</time></div></div></li>\n'
    )


def _change(change: dict[str, Any]) -> str:
    if change.get("said"):
        told = f"<span>{escape(str(change['said']))}</span>"
    else:
        before = f'<del>{escape(str(change["old"]))}</del><span aria-hidden="true">→</span>' if change.get("old") else ""
        told = f"{before}<ins>{escape(str(change.get('new') or '–'))}</ins>"
    return f'<div class="change"><span class="quiet-text">{escape(str(change["label"]))}</span>{told}</div>'


@register.simple_tag
def kpi_rows(lines: list[Any], goals: Any) -> SafeString:
    """Rows of the table of a figure's groups (core.views.kpis.Line), of which there are hundreds."""
    return SafeString("".join([_kpi_row(line, goals) for line in lines]))


def _kpi_row(line: Any, goals: Any) -> str:
    (text, url), *others = line.cells
    cells = f'<th scope="row" class="level-{line.level}">{_anchor(text, url)}</th>' + "".join([f"<td>{escape(other)}</td>" for other, _url in others])
    own = f'<td class="num">{_anchor(line.own.full, line.own.url)}</td>' if line.own else ""
    goal = f'<td class="goal-cell">{_goal(line.goal) if line.goal else ""}</td>' if goals else ""
    return f'<tr>{cells}{own}<td class="num"><a href="{escape(line.number.url)}">{escape(line.number.full)}</a></td>{goal}</tr>\n'


def _anchor(text: str, url: str) -> str:
    return f'<a href="{escape(url)}">{escape(text)}</a>' if url else escape(text)


def _goal(goal: Any) -> str:
    """As templates/parts/goal.html draws it."""
    words, bar = escape(goal.words), f'<progress max="100" value="{goal.bar}" aria-label="{escape(goal.words)}"></progress>'
    return f'<div class="goal{" reached" if goal.reached else ""}">{bar}<span title="{escape(goal.full)}">{words}</span></div>'



@register.simple_tag
def facts(told: list[dict[str, Any]]) -> SafeString:
    """Filled fields of a record (core.views.records): {label, text, links: [{text, url}], url, full, prose, image}."""
    return SafeString("".join(map(_fact, told)))


def _fact(fact: dict[str, Any]) -> str:
    if fact["links"]:
        value = ", ".join([_fact_link(link, fact["image"]) for link in fact["links"]])
    elif fact["url"]:
        value = f'<a href="{escape(fact["url"])}" rel="noreferrer">{escape(str(fact["text"]))}</a>'
    else:
        value = escape(str(fact["text"]))
    wide, prose = ' class="full"' if fact["full"] else "", ' class="prose"' if fact["prose"] else ""
    return f"<div{wide}><dt>{escape(str(fact['label']))}</dt><dd{prose}>{value}</dd></div>"


def _fact_link(link: dict[str, str], image: bool) -> str:
    url, text = escape(link["url"]), escape(str(link["text"]))
    thumb = f'<img class="thumb" src="{url}" alt="" loading="lazy"> ' if image else ""
    return f'<a href="{url}">{thumb}{text}</a>' if url else text


@register.simple_tag
def figure_strip(told: list[dict[str, Any]]) -> SafeString:
    """Figures about a record (core.views.records): {label, number, all, change, goal}; whole words of the catalogues are looked up once for all."""
    ever, before = escape(_("all time")), _("on %(period)s")
    return SafeString("".join([_figure(one, ever, before) for one in told]))


def _figure(one: dict[str, Any], ever: str, before: str) -> str:
    number, whole, change, goal, beside = one["number"], one["all"], one["change"], one["goal"], ""
    if change:
        tone = {"yes": "up", "no": "late"}.get(change.good, "")
        beside = f'<a class="{tone}" href="{escape(change.number.url)}">{escape(change.change)}</a> {before % {"period": escape(change.period)}} · '
    return (
        f'<div class="kpi">\n<span class="kpi-label">{escape(one["label"])}</span>\n'
        f'<a class="kpi-value" href="{escape(number.url)}" title="{escape(number.full)}">{escape(number.short)}</a>\n'
        f'<span class="kpi-sub">{beside}{ever} <a href="{escape(whole.url)}">{escape(whole.short)}</a></span>\n{_goal(goal) if goal else ""}</div>\n'
    )


@register.simple_tag
def excerpt_rows(rows: list[dict[str, Any]]) -> SafeString:
    """Rows of a short list (core.views.excerpts): {title, url, said: [{text, late}], reached, amount, avatar}."""
    sprite = static.static("dist/icons.svg")
    return SafeString("".join([_excerpt_row(row, sprite) for row in rows]))


def _excerpt_row(row: dict[str, Any], sprite: str) -> str:
    who = f'<span class="avatar av{row["avatar"]["hue"]}" aria-hidden="true">{escape(row["avatar"]["initials"])}</span>' if row["avatar"] else ""
    parts = [f'<span class="late">{text}</span>' if part["late"] else text for part in row["said"] for text in [escape(str(part["text"]))]]
    said = f'<span class="sub">{" · ".join(parts)}</span>' if parts else ""
    amount = f'<span class="num">{escape(row["amount"])}</span>' if row["amount"] else ""
    ways = "".join([_way(way, sprite) for way in row["reached"]])
    return f'<li>{who}<div class="excerpt-text"><a href="{escape(row["url"])}">{escape(row["title"])}</a>{said}</div>{amount}{ways}</li>\n'


def _way(way: dict[str, str], sprite: str) -> str:
    """How somebody is reached, as a button."""
    label, icon = escape(str(way["label"])), f'<svg class="icon" aria-hidden="true"><use href="{sprite}#{escape(way["icon"])}"></use></svg>'
    return f'<a class="btn btn-icon btn-ghost btn-sm" href="{escape(way["url"])}" aria-label="{label}" title="{label}">{icon}</a>'
