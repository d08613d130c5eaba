"""A pivot table as a page and as a file: which fields it can be made of, its cells, each with the list behind it. The figures: ``core.pivot``."""

import csv
import io
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core import access, context, export, pivot
from core.access import Actor
from core.errors import RuleError
from core.listings import Listing
from core.pivot import Dimension, Table
from core.registry import ObjectType
from core.views import filters

WORDS = ("pivot-rows", "pivot-cols", "pivot-value", "pivot-of")


def _asked(request: HttpRequest, actor: Actor, object_type: ObjectType, wanted: Listing) -> Table:
    """The table an address asks for; where it names no field, by the first that groups. Errors: RuleError."""
    words = request.GET
    rows, cols = _sides(request, actor, object_type)
    down = pivot.read_dimensions(actor, object_type, rows, "pivot-rows")
    across = [d for d in pivot.read_dimensions(actor, object_type, cols, "pivot-cols") if d.key not in {one.key for one in down}]
    value = words.get("pivot-value", "")
    aggregate = words.get("pivot-of", "") or ("sum" if value else "count")
    return pivot.table(actor, object_type, wanted, down, across, value, aggregate if value else "count")


def _sides(request: HttpRequest, actor: Actor, object_type: ObjectType) -> tuple[list[str], list[str]]:
    """The fields down and across that an address names; where it names none, the first that groups."""
    rows, cols = ([n for text in request.GET.getlist(word) for n in text.split(",") if n] for word in ("pivot-rows", "pivot-cols"))
    if not rows and not cols:
        known = pivot.dimensions(actor, object_type)
        rows = [next((n for n in ("status", *object_type.filters, *object_type.columns, *known) if n in known), "")]
    return rows, cols


def table(request: HttpRequest, actor: Actor, object_type: ObjectType, wanted: Listing) -> dict[str, Any]:
    """What templates/object/pivot.html reads. Cost: one query, and names."""
    values = {"controls": _controls(request, actor, object_type), "carried": filters.hidden(request, WORDS), "sentence": "", "rows": []}
    try:
        made = _asked(request, actor, object_type, wanted)
    except RuleError as error:
        return values | {"sentence": " ".join(error.sentences)}
    across = [*made.across, *([()] if made.cols else [])]
    rows = [_row(request, made, down, across) for down in made.down]
    if made.rows:
        rows.append(_row(request, made, (), across) | {"total": True})
    heads = [[made.label(d, group[i]) for group in made.across] for i, d in enumerate(made.cols)]
    return values | {
        "corner": [d.field.label for d in made.rows], "heads": heads, "rows": rows if made.cells else [], "totals": bool(made.cols), "title": _title(made),
        "export": filters.address(request, format="csv") if access.allows(actor, object_type, "export") else "",
    }  # fmt: skip


def _title(made: Table) -> str:
    if made.value is None:
        return _("Number of records")
    return _("%(how)s of %(value)s") % {"how": _how(made.aggregate), "value": made.value.label}


def _how(aggregate: str) -> str:
    return {"count": _("Number"), "sum": _("Sum"), "average": _("Average"), "min": _("Least"), "max": _("Most")}[aggregate]


def _row(request: HttpRequest, made: Table, down: tuple, across: list[tuple]) -> dict[str, Any]:
    labels = [made.label(d, value) for d, value in zip(made.rows, down, strict=False)] if down else [_("Total")] if made.rows else [""]
    cells = []
    for group in across:
        cell = made.cells.get((down, group))
        cells.append({"text": made.text(cell), "url": filters.behind(request, made.words(down, group), WORDS) if cell is not None else "", "total": not group})
    return {"labels": labels, "span": max(1, len(made.rows) - len(labels) + 1), "cells": cells, "total": False}


def _controls(request: HttpRequest, actor: Actor, object_type: ObjectType) -> list[dict[str, Any]]:
    """The choices a reader has: fields down and across, what is added up and how."""
    groups = []
    for name, f in pivot.dimensions(actor, object_type).items():
        dated = f.kind in ("date", "datetime")
        labels = {"month": _("month"), "quarter": _("quarter"), "year": _("year")}
        groups += [(f"{name}:{p}", f"{f.label} · {labels[p]}") for p in pivot.PERIODS] if dated else [(name, str(f.label))]
    numbers = [(n, str(f.label)) for n, f in pivot.values(actor, object_type).items()]

    rows, cols = _sides(request, actor, object_type)
    words = {"pivot-rows": rows, "pivot-cols": cols, **{word: request.GET.getlist(word) for word in ("pivot-value", "pivot-of")}}

    def one(word: str, at: int, label: str, options: list[tuple[str, str]], blank: str) -> dict[str, Any]:
        sent = [_whole(n, actor, object_type) for n in words[word] if n]
        chosen = sent[at] if at < len(sent) else ""
        listed = [{"value": v, "label": text, "selected": v == chosen} for v, text in options]
        return {"id": f"{word}-{at}", "name": word, "label": label, "blank": blank, "options": listed}

    return [
        one("pivot-rows", 0, _("Rows"), groups, "–"), one("pivot-rows", 1, _("Rows, within"), groups, "–"), one("pivot-cols", 0, _("Columns"), groups, "–"),
        one("pivot-cols", 1, _("Columns, within"), groups, "–"), one("pivot-value", 0, _("Value"), numbers, _("Number of records")),
        one("pivot-of", 0, _("Worked out as"), [(a, _how(a)) for a in pivot.AGGREGATES if a != "count"], "–"),
    ]  # fmt: skip


def _whole(name: str, actor: Actor, object_type: ObjectType) -> str:
    """A dimension's key with its period, also where the address left the period out."""
    f = pivot.dimensions(actor, object_type).get(name)
    return Dimension(f, "month").key if f is not None and f.kind in ("date", "datetime") else name


def file(request: HttpRequest, actor: Actor, object_type: ObjectType, wanted: Listing) -> HttpResponse:
    """The table as CSV: numbers plain, so that a spreadsheet can add them up."""
    access.demand(actor, object_type, "export")
    made = _asked(request, actor, object_type, wanted)
    across = [*made.across, *([()] if made.cols else [])]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for i, dimension in enumerate(made.cols):
        writer.writerow(["" for _d in made.rows] + [export.safe(made.label(dimension, g[i]) if g else _("Total")) for g in across])
    writer.writerow([export.safe(str(d.field.label)) for d in made.rows] + [export.safe(_title(made)) for _g in across])
    for down in [*made.down, *([()] if made.rows else [])]:
        labels = [made.label(d, v) for d, v in zip(made.rows, down, strict=False)] if down else [_("Total"), ""][: len(made.rows)]
        plain = [made.cells[(down, g)].value(made.aggregate) if (down, g) in made.cells else "" for g in across]
        writer.writerow([*map(export.safe, labels), *("" if v is None else str(v) for v in plain)])
    name = f"{object_type.slug}-{context.company().subdomain}-pivot.csv"
    body = export.BOM + text.getvalue().encode("utf-8", "replace")
    return HttpResponse(body, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'})


__all__ = ["file", "table"]
