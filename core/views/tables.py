"""Records as rows of a table: one cell a column, with its link, its mark or its figure. The same on lists and related tabs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from core import access, context, derived, read, registry
from core.access import Actor
from core.read import Ref, Shown
from core.registry import Field, ObjectType
from core.views import pages

OWN_COLUMNS = 3  # so many of the company's own fields stand in a list that nobody chose columns for
TONES = {"green": "up", "blue": "info", "red": "late", "amber": "warn", "purple": "busy"}  # a status's colour -> what it means to the eye
NOTHING = SafeString('<span class="none" aria-hidden="true">–</span>')


@dataclass(frozen=True)
class Column:
    """A column: its field, and its place in the two lines a phone shows of a row."""

    name: str
    field: Field
    css: str
    num: bool


def columns(actor: Actor, object_type: ObjectType, chosen: Iterable[str] = ()) -> list[Column]:
    """The columns of a list: those chosen, else the type's and the first of the company's own. Only what the actor sees."""
    known = {n: f for n, f in access.fields(actor, object_type).items() if f.kind != "secret" and not f.is_looked_up}
    names = [n for n in chosen if n in known]
    if not names:
        own = [] if object_type.own else [n for n, f in known.items() if f.custom][:OWN_COLUMNS]
        names = [n for n in (*object_type.columns, *own) if n in known]
    places = _places(object_type, {n: known[n] for n in names})
    # Figures stand at the right, dates too, unless the list begins with them.
    right = {n for i, n in enumerate(names) if known[n].rules.sums or (i and known[n].kind in ("date", "datetime"))}
    return [Column(n, known[n], places.get(n, ""), n in right) for n in names]


def _places(object_type: ObjectType, known: dict[str, Field]) -> dict[str, str]:
    """Column -> its class: title and main figure above, what says more and the date below."""
    left = dict(known)

    def take(css: str, *tests) -> None:
        for test in tests:
            name = next((n for n, f in left.items() if test(n, f)), None)
            if name is not None:
                found[name] = css
                del left[name]
                return

    found: dict[str, str] = {}
    take("c-title", lambda n, f: n == object_type.title, lambda n, f: f.kind == "anyref", lambda n, f: True)
    take("c-main", lambda n, f: f.kind == "money", lambda n, f: f.rules.sums, lambda n, f: n == "status", lambda n, f: f.kind == "yesno")
    take("c-sub", lambda n, f: f.is_reference and f.kind == "ref", lambda n, f: f.kind in ("text", "email", "choice"), lambda n, f: True)
    take("c-meta", lambda n, f: n == "status", lambda n, f: f.kind in ("date", "datetime"), lambda n, f: True)
    return found


def rows(actor: Actor, object_type: ObjectType, records: list, shown_columns: list[Column]) -> list[dict[str, Any]]:
    """One row a record: its address, what its tick is called, its cells drawn. Cost: that of ``read.present``, the same for five records and fifty."""
    edits = object_type.writable and access.allows(actor, object_type, "change")
    shown = read.present(actor, object_type, records, only={c.name for c in shown_columns})
    ticks, home = _("Select: %(name)s"), pages.address(object_type)
    drawers = [(_head(c), _drawer(object_type, c)) for c in shown_columns]
    sources = [c.name for c in shown_columns if c.field.kind == "anyref"] if object_type.rows else []
    found = []
    for one in shown:
        url = f"{home}{one.id}/"
        there = next((_address(one.values[name]) for name in sources if _address(one.values[name])), url)
        cells = "".join([f"{head}{drawn(one, there)}</td>" for head, drawn in drawers])
        edit = f"{url}edit/" if edits else ""
        found.append({"id": one.id, "url": there, "edit": edit, "ticks": ticks % {"name": one.label}, "cells": SafeString(cells)})
    return found


def _head(column: Column) -> str:
    """How each cell of a column begins."""
    return format_html('<td class="{}{}" data-l="{}">', column.css, " num" if column.num else "", column.field.label)


# A cell, drawn: what hangs on its column is worked out once for all rows, and no template is asked, which takes ten times as long for each.
Drawer = Callable[[Shown, str], str]


def _drawer(object_type: ObjectType, column: Column) -> Drawer:
    """How a column's cell is drawn, given its record and where its row leads."""
    if column.css == "c-title":
        return _title(column)
    if column.field.kind == "yesno":
        return _mark(column)
    if column.name == "status" and object_type.has_status:
        return _status(object_type)
    return _said(column)


def _title(column: Column) -> Drawer:
    """The cell that names its record and leads there; of a ledger's entry to where it came from."""

    def draw(shown: Shown, there: str) -> str:
        value = shown.values[column.name]
        if column.field.kind == "anyref" and isinstance(value, Ref):
            text, there = value.label, _address(value) or there
        else:
            text = _text(shown, column) or shown.label
        return f'<a href="{escape(there)}">{escape(text or "–")}</a>'

    return draw


def _mark(column: Column) -> Drawer:
    """One of two marks."""
    yes, no = (escape(column.field.rules.text(column.field, value)) for value in (True, False))
    ticked = f'<svg class="icon up" role="img" aria-label="{yes}"><use href="{static("dist/icons.svg")}#check"></use></svg>'
    empty = f'<span class="none" role="img" aria-label="{no}">–</span>'
    drawn = {True: ticked, False: empty, None: NOTHING}
    return lambda shown, there: drawn[shown.values[column.name]]


def _status(object_type: ObjectType) -> Drawer:
    drawn: dict[str, str] = {}

    def draw(shown: Shown, there: str) -> str:
        status = shown.values["status"]
        if status not in drawn:
            kind = tone(object_type, status)
            drawn[status] = f'<span class="status{f" status-{kind}" if kind else ""}">{escape(status_label(object_type, status))}</span>'
        return drawn[status]

    return draw


def _said(column: Column) -> Drawer:
    """A text: a person's with his avatar, a choice's with its colour, one that leads somewhere with its link."""
    f, name = column.field, column.name
    colours = {o["key"]: o["color"] for o in f.looks if o.get("color")} if f.kind == "choice" else {}
    scheme = {"email": "mailto:", "phone": "tel:"}.get(f.kind, "")
    drills = derived.drills(f)

    def draw(shown: Shown, there: str) -> str:
        text, value = _text(shown, column), shown.values[name]
        if not text:
            return NOTHING
        said = escape(text)
        url = _address(value) if isinstance(value, Ref) else f"{scheme}{value}" if scheme and value else derived.drill(f, shown.id) if drills else ""
        if url:
            said = f'<a href="{escape(url)}">{said}</a>'
        if value and colours and value in colours:
            said = f'<span class="dot dot-{escape(colours[value])}" aria-hidden="true"></span>{said}'
        if f.kind == "user":
            said = f'<span class="avatar avatar-xs av{pages.hue(text)}" aria-hidden="true">{escape(pages.initials(text))}</span> {said}'
        return said

    return draw


def _text(shown: Shown, column: Column) -> str:
    return figure(shown, column) if column.name == "value" else shown.text(column.name)


def _address(value: Any) -> str:
    """The page of the record referred to, if its reader sees it."""
    return pages.address(value.slug, value.id) if isinstance(value, Ref) and value.seen else ""


def figure(shown: Shown, column: Column) -> str:
    """The value of a ledger's entry: money where its measure is money."""
    measure = registry.measures.get(getattr(shown.record, "measure", ""))
    if measure is None or not measure.money:
        return shown.text(column.name)
    return registry.KINDS["money"].text(column.field, shown.values[column.name], context.company().currency)


def tone(object_type: ObjectType, status: str) -> str:
    found = next((s[2] for s in object_type.statuses if s[0] == status), "")
    return TONES.get(found, "")


def status_label(object_type: ObjectType, status: str) -> str:
    return str(next((s[1] for s in object_type.statuses if s[0] == status), status))
