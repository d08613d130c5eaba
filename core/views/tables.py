"""Records as rows of a table: one cell a column, with its link, its mark or its figure. The same on lists and related tabs."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from core import access, context, derived, read, registry
from core.access import Actor
from core.read import Ref, Shown
from core.registry import Field, ObjectType
from core.views import pages

OWN_COLUMNS = 3  # so many of the company's own fields stand in a list that nobody chose columns for
TONES = {"green": "up", "blue": "info", "red": "late", "amber": "warn", "purple": "busy"}  # a status's colour -> what it means to the eye


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
    """One row a record: its address and its cells. Cost: that of ``read.present``, the same for five records and fifty."""
    edits = object_type.writable and access.allows(actor, object_type, "change")
    shown = read.present(actor, object_type, records, only={c.name for c in shown_columns})
    return [_row(object_type, one, shown_columns, edits) for one in shown]


def _row(object_type: ObjectType, shown: Shown, shown_columns: list[Column], edits: bool) -> dict[str, Any]:
    url = pages.address(object_type, shown.id)
    cells = [_cell(object_type, shown, c) for c in shown_columns]
    source = next((c["url"] for c in cells if c["source"] and c["url"]), "") if object_type.rows else ""
    title = next((c for c in cells if c["css"] == "c-title"), None)
    if title is not None and not title["source"]:
        title |= {"url": source or url, "text": title["text"] or shown.label}
    return {"id": shown.id, "label": shown.label, "url": source or url, "edit": f"{url}edit/" if edits else "", "cells": cells}


def _cell(object_type: ObjectType, shown: Shown, column: Column) -> dict[str, Any]:
    f, value = column.field, shown.values[column.name]
    cell = {
        "css": column.css, "num": column.num, "label": f.label, "text": "", "url": "", "status": None, "person": None, "source": False,
        "yes": None,
    }  # fmt: skip
    if isinstance(value, Ref):
        cell |= {"text": value.label, "url": pages.address(value.slug, value.id) if value.seen else "", "person": None}
        if f.kind == "user" and value.label:
            cell["person"] = {"initials": pages.initials(value.label), "hue": pages.hue(value.label)}
        cell["source"] = f.kind == "anyref"
        return cell
    if f.kind == "yesno":
        return cell | {"yes": value, "text": f.rules.text(f, value)}
    if column.name == "status" and object_type.has_status:
        return cell | {"status": tone(object_type, value), "text": status_label(object_type, value)}
    cell["text"] = figure(shown, column) if column.name == "value" else shown.text(column.name)
    if cell["text"] and column.css != "c-title":
        cell["url"] = derived.drill(f, shown.id)
    if f.looks and f.kind == "choice":
        cell["dot"] = next((o.get("color", "") for o in f.looks if o["key"] == value), "")
    if f.kind in ("email", "phone") and value:
        cell["url"] = f"{'mailto' if f.kind == 'email' else 'tel'}:{value}" if column.css != "c-title" else ""
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
