"""Records as rows of a table: one cell a column, with its link, its mark or its figure. The same on lists and related tabs."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
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
    ticks, heads = _("Select: %(name)s"), [_head(c) for c in shown_columns]
    return [_row(object_type, one, shown_columns, heads, edits) | {"ticks": ticks % {"name": one.label}} for one in shown]


def _head(column: Column) -> str:
    """How each cell of a column begins."""
    return format_html('<td class="{}{}" data-l="{}">', column.css, " num" if column.num else "", column.field.label)


def _row(object_type: ObjectType, shown: Shown, shown_columns: list[Column], heads: list[str], edits: bool) -> dict[str, Any]:
    url = pages.address(object_type, shown.id)
    cells = [_cell(object_type, shown, c) for c in shown_columns]
    source = next((c.url for c in cells if c.source and c.url), "") if object_type.rows else ""
    drawn = [_title(cell, source or url, shown.label) if c.css == "c-title" else _drawn(cell) for c, cell in zip(shown_columns, cells, strict=True)]
    row = format_html_join("", "{}{}</td>", zip(heads, drawn, strict=True))
    return {"id": shown.id, "url": source or url, "edit": f"{url}edit/" if edits else "", "cells": row}


@dataclass(slots=True)
class Cell:
    """What a cell says, and how: ``status`` is its tone, ``yes`` one of two marks, ``person`` a name with an avatar, ``dot`` a colour."""

    text: str = ""
    url: str = ""
    status: str | None = None
    yes: bool | None = None
    person: bool = False
    dot: str = ""
    source: bool = False  # the record a ledger's entry came from


def _title(cell: Cell, url: str, label: str) -> str:
    """The cell that names its record and leads there; of a ledger's entry to where it came from."""
    text, there = (cell.text, cell.url or url) if cell.source else (cell.text or label, url)
    return format_html('<a href="{}">{}</a>', there, text or "–")


def _drawn(cell: Cell) -> str:
    """A cell's content. Made here, since a list has hundreds, and a template takes ten times as long for each."""
    text = cell.text
    if cell.status is not None:
        return format_html('<span class="status{}">{}</span>', f" status-{cell.status}" if cell.status else "", text)
    if cell.yes:
        return format_html('<svg class="icon up" role="img" aria-label="{}"><use href="{}#check"></use></svg>', text, _icons())
    if cell.yes is not None:
        return format_html('<span class="none" role="img" aria-label="{}">–</span>', text)
    if not text:
        return NOTHING
    if cell.url:
        text = format_html('<a href="{}">{}</a>', cell.url, text)
    if cell.dot:
        text = format_html('<span class="dot dot-{}" aria-hidden="true"></span>{}', cell.dot, text)
    if cell.person:
        initials, hue = pages.initials(cell.text), pages.hue(cell.text)
        text = format_html('<span class="avatar avatar-xs av{}" aria-hidden="true">{}</span> {}', hue, initials, text)
    return text


@cache
def _icons() -> str:
    """Where the icons are, as long as this process runs."""
    return static("dist/icons.svg")


def _cell(object_type: ObjectType, shown: Shown, column: Column) -> Cell:
    f, value = column.field, shown.values[column.name]
    if isinstance(value, Ref):
        url = pages.address(value.slug, value.id) if value.seen else ""
        return Cell(value.label, url, person=f.kind == "user" and bool(value.label), source=f.kind == "anyref")
    if f.kind == "yesno":
        return Cell(f.rules.text(f, value), yes=value)
    if column.name == "status" and object_type.has_status:
        return Cell(status_label(object_type, value), status=tone(object_type, value))
    cell = Cell(figure(shown, column) if column.name == "value" else shown.text(column.name))
    if cell.text:
        cell.url = derived.drill(f, shown.id)
    if f.looks and f.kind == "choice":
        cell.dot = next((o.get("color", "") for o in f.looks if o["key"] == value), "")
    if f.kind in ("email", "phone") and value:
        cell.url = f"{'mailto' if f.kind == 'email' else 'tel'}:{value}"
    return cell


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
