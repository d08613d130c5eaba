"""The page on which targets are set as in a spreadsheet: figure, dimension and year are chosen, then typed, pasted or spread, and saved at once.

A form over ``core.target_grid``; a browser without a script sends the same form. Saving is one batch, which its maker may take back.
"""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from babel.dates import format_skeleton
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import access, context, dimensions, figures, kpi, periods, registry, structures, target_grid, undo
from core.access import Actor
from core.errors import Missing, OdosError, RuleError, WrongState
from core.kinds import locale
from core.periods import Period
from core.target_grid import NOTHING, Place, Seen, Sheet
from core.views import pages
from core.views.picks import choice, is_id, options, pick

HOME = "/targets/sheet/"
ROWS = 100  # on one page
YEARS = range(-2, 3)  # around this one
CELL, SEEN = "c.", "seen"
EVENLY, PATTERN = "evenly", "pattern"


@dataclass(frozen=True)
class Typed:
    """What a form sent: the cells that were changed, and what stood in all of them."""

    cells: dict[Place, str] = field(default_factory=dict)
    seen: dict[Place, Seen] = field(default_factory=dict)


def show(request: HttpRequest, actor: Actor, error: OdosError | None = None) -> HttpResponse:
    """The sheet, with what was typed where something is still to be done. Cost: some ten queries and two figures."""
    words = request.POST if error is not None else request.GET
    targets = registry.types["targets"]
    if not access.allows(actor, targets, "view"):
        raise Missing
    known = [d for d in kpi.every_definition() if kpi.may(actor, d)]
    sheet = _sheet(actor, words, known)
    values: dict[str, Any] = {"title": _("Targets"), "form": _form(words, known, sheet), "list": pages.address(targets), "sheet": sheet, "notes": []}
    if sheet is not None:
        typed = _typed(words) if error is not None else Typed()
        wrong = _wrong(error) if isinstance(error, RuleError) else {}
        if isinstance(error, pages.Again):
            typed, wrong, values["notes"] = _spread(sheet, typed, words)
        again = isinstance(error, pages.Again)
        values |= _table(sheet, words, typed, wrong, again)
        values |= {"errors": [] if error is None or again else _told(error, wrong), "saved": _saved(actor, request.GET.get("saved", ""))}
    return pages.render(request, actor, "pages/target_sheet.html", values)


def save(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Store what was changed, or take a batch back; the buttons that spread only ask for the form again."""
    sent = request.POST
    if sent.get("undo"):
        return _undo(request, actor, sent["undo"])
    if sent.get("do"):
        raise pages.Again
    sheet = _sheet(actor, sent, [d for d in kpi.every_definition() if kpi.may(actor, d)])
    if sheet is None:
        raise Missing
    typed = _typed(sent)
    made = target_grid.save(sheet, typed.cells, typed.seen)
    told = ngettext("%(n)d target is saved.", "%(n)d targets are saved.", made.count) % {"n": made.count} if made.count else _("Nothing has changed.")
    return pages.done(request, _address(sent) + (f"&saved={made.batch}" if made.count else ""), told)


page = pages.page(show, save)


def _undo(request: HttpRequest, actor: Actor, text: str) -> HttpResponse:
    count = target_grid.of_batch(actor, UUID(text)) if is_id(text) else 0
    if not count:
        raise Missing
    if conflicts := undo.batch(actor, UUID(text)):
        raise WrongState(" ".join(dict.fromkeys(sentence for _slug, _ident, sentence in conflicts)))
    told = ngettext("%(n)d target is as it was before.", "%(n)d targets are as they were before.", count) % {"n": count}
    return pages.done(request, _address(request.POST), told)


def _saved(actor: Actor, text: str) -> dict[str, Any] | None:
    count = target_grid.of_batch(actor, UUID(text)) if is_id(text) else 0
    if not count:
        return None
    return {"batch": text, "told": ngettext("%(n)d target was saved.", "%(n)d targets were saved.", count) % {"n": count}}


# What is asked for --------------------------------------------------------------------------------------------------


def _sheet(actor: Actor, words: QueryDict, known: list[kpi.Definition]) -> Sheet | None:
    """The sheet that the words name; where they name none, that of the first figure."""
    wanted = next((d for d in known if d.key == words.get("kpi")), known[0] if known else None)
    if wanted is None:
        return None
    dimension = wanted.dimension(words.get("by", ""))
    if dimension is not None and (dimension.period or not kpi.may_split(actor, wanted, dimension)):
        dimension = None
    fiscal = context.company().fiscal_year_start
    this = periods.containing(structures.today(), "year", fiscal)
    number = words.get("year", "")
    year = periods.year(int(number), fiscal) if number.isascii() and number.isdigit() and 1900 < int(number[:6]) < 2200 else this
    return Sheet(actor, wanted, dimension, year, "quarter" if words.get("parts") == "quarter" else "month")


def _form(words: QueryDict, known: list[kpi.Definition], sheet: Sheet | None) -> list[dict[str, Any]]:
    if sheet is None:
        return []
    wanted = sheet.wanted
    splits = [d for d in map(wanted.dimension, wanted.dimensions) if not d.period and kpi.may_split(sheet.actor, wanted, d)]
    fiscal = context.company().fiscal_year_start
    this = periods.containing(structures.today(), "year", fiscal)
    years = sorted({sheet.year.key, *(periods.year(this.start.year + n, fiscal).key for n in YEARS)})
    shapes = options([("month", _("Months")), ("quarter", _("Quarters"))], sheet.shape)
    return [
        choice("kpi", _("Figure"), options([(d.key, d.name) for d in known], wanted.key), required=True),
        {**choice("by", _("Set for"), options([(d.key, d.label) for d in splits], sheet.dimension.key if sheet.dimension else "")), "blank": _("the company")},
        choice("year", _("Year"), options([(y, y) for y in years], sheet.year.key), required=True),
        choice("parts", _("In"), shapes, required=True),
    ]


def _words(sent: QueryDict) -> dict[str, Any]:
    words = {name: sent.get(name, "")[:60] for name in ("kpi", "by", "year", "parts", "page") if sent.get(name)}
    return words | {"add": sent.getlist("add")[:ROWS]}


def _address(sent: QueryDict) -> str:
    return f"{HOME}?{urlencode(_words(sent), doseq=True)}"


def _typed(sent: QueryDict) -> Typed:
    """The cells that no longer say what stood in them."""
    try:
        given = json.loads(sent.get(SEEN) or "{}")
    except ValueError:
        given = {}
    seen: dict[Place, Seen] = {}
    for name, told in given.items() if isinstance(given, dict) else ():
        if isinstance(told, list) and len(told) == 2 and isinstance(told[0], str) and isinstance(told[1], int):
            seen[tuple(name.rpartition("|")[::2])] = Seen(*told)
    places = {tuple(name[len(CELL) :].rpartition(".")[::2]): sent[name].replace("\x00", "").strip()[:60] for name in sent if name.startswith(CELL)}
    return Typed({place: text for place, text in places.items() if text != seen.get(place, NOTHING).text}, seen)


def _wrong(error: RuleError) -> dict[Place, str]:
    return {tuple(name.rpartition("|")[::2]): " ".join(sentences) for name, sentences in error.errors.items() if "|" in name}


def _told(error: OdosError, wrong: dict[Place, str]) -> list[str]:
    if wrong:
        return [ngettext("Nothing is saved yet: %(n)d cell needs a look.", "Nothing is saved yet: %(n)d cells need a look.", len(wrong)) % {"n": len(wrong)}]
    return error.sentences


# Spreading ----------------------------------------------------------------------------------------------------------


def _spread(sheet: Sheet, typed: Typed, sent: QueryDict) -> tuple[Typed, dict[Place, str], list[str]]:
    """The form with the years of one row, or of all, spread over their parts."""
    verb, _colon, at = sent.get("do", "").partition(":")
    if verb not in ("spread", "spread-all"):
        return typed, {}, []
    years = {subject: text for (subject, period), text in _years(sheet, sent).items() if text and (verb == "spread-all" or subject == at)}
    if not years:
        return typed, {(at, sheet.year.key): _("Type the figure of the year first, then spread it.")} if verb == "spread" else {}, []
    pattern = sheet.pattern() if sent.get("how") == PATTERN else {}
    wrong, cells, without = {}, dict(typed.cells), 0
    for subject, text in years.items():
        try:
            total = sheet.number(text)
        except ValueError as error:
            wrong[subject, sheet.year.key] = str(error)
            continue
        weights = pattern.get(subject, ())
        without += sent.get("how") == PATTERN and not any(w > 0 for w in weights)
        for span, value in zip(sheet.spans, sheet.spread(total, weights), strict=True):
            cells[subject, span.key] = sheet.text(value)
    notes = []
    if without:
        notes.append(ngettext(
            "%(n)d row had nothing in the year before: it is spread evenly.", "%(n)d rows had nothing in the year before: they are spread evenly.", without
        ) % {"n": without})  # fmt: skip
    return Typed(cells, typed.seen), wrong, notes


def _years(sheet: Sheet, sent: QueryDict) -> dict[Place, str]:
    places = {tuple(name[len(CELL) :].rpartition(".")[::2]): sent[name] for name in sent if name.startswith(CELL)}
    return {place: text.strip() for place, text in places.items() if place[1] == sheet.year.key}


# The table ----------------------------------------------------------------------------------------------------------


def _table(sheet: Sheet, words: QueryDict, typed: Typed, wrong: dict[Place, str], again: bool) -> dict[str, Any]:
    added = [ident for ident in words.getlist("add")[:ROWS] if is_id(ident)]
    if (one := words.get("new", "")) and is_id(one):
        added.append(one)
    every = sheet.members(added)
    page = int(words["page"][:6]) if words.get("page", "").isascii() and words.get("page", "").isdigit() else 1
    shown = every[max(0, page - 1) * ROWS :][:ROWS]
    opened, past = sheet.opened([subject for subject, _name in shown]), sheet.past()
    seen: dict[str, list] = {}
    rows = [_row(sheet, member, typed, wrong, again, seen, past, member[0] in opened) for member in shown]
    slug = dimensions.members(sheet.dimension)[0] if sheet.dimension else ""
    on_page = {subject for subject, _name in shown}
    steps = [(_("Previous"), page - 1)] * (page > 1) + [(_("Next"), page + 1)] * (page * ROWS < len(every))
    asked = _words(words) | {"add": added}
    return {
        "heads": [_head(p) for p in sheet.periods], "rows": rows, "seen": json.dumps(seen, ensure_ascii=False), "edits": bool(opened),
        "totals": _totals(sheet, rows, on_page) if sheet.adds and sheet.dimension is not None else [],
        "meant": _company(sheet) if sheet.adds and sheet.dimension is not None else [],
        "how": choice("how", _("Spread"), options([(EVENLY, _("evenly")), (PATTERN, _("as the year before"))], words.get("how", EVENLY)), required=True),
        "unit": context.company().currency if sheet.wanted.in_money else "%" if sheet.is_percent else sheet.wanted.unit,
        "add": {**pick(sheet.actor, sheet.dimension, ""), "name": "new", "label": _("One more row")} if slug else None,
        "carried": [(name, v) for name, value in asked.items() for v in (value if isinstance(value, list) else [value]) if name != "page"],
        "page": page, "pages": [{"label": label, "url": f"{HOME}?{urlencode(asked | {'page': at}, doseq=True)}"} for label, at in steps],
        "before": periods.previous(sheet.year, context.company().fiscal_year_start).key,
        "url": f"/kpis/{sheet.wanted.key}/?{urlencode({'period': sheet.year.key} | ({'group_by': sheet.dimension.key} if sheet.dimension else {}))}",
    }  # fmt: skip


def _head(period: Period) -> dict[str, str]:
    if period.shape == "year":
        return {"short": _("Whole year"), "full": figures.period_label(period)}
    short = format_skeleton("MMM", period.start, locale=locale()) if period.shape == "month" else period.key[-2:]
    return {"short": short, "full": figures.period_label(period)}


def _row(
    sheet: Sheet, member: tuple[str, str], typed: Typed, wrong: dict[Place, str], again: bool, seen: dict[str, list], past: dict, opened: bool
) -> dict[str, Any]:  # fmt: skip
    subject, name = member
    cells = []
    for period in sheet.periods:
        place, own = (subject, period.key), sheet.live((subject, period.key))
        made = sheet.of_parts(subject, period) if own is None else None
        told = Seen(sheet.text(own.value if own else made), own.version if own else 0)
        if again and place in typed.cells:
            told = typed.seen.get(place, told)
        if told != NOTHING:
            seen["|".join(place)] = [told.text, told.version]
        cells.append({
            "name": f"{CELL}{subject}.{period.key}", "value": typed.cells.get(place, told.text), "year": period is sheet.year,
            "label": f"{name}, {figures.period_label(period)}", "error": wrong.get(place, ""), "changed": place in typed.cells,
            "readonly": not opened or (made is not None and period is not sheet.year),
        })  # fmt: skip
    before = past.get(subject)
    return {
        "subject": subject, "name": name, "cells": cells, "opened": opened, "before": figures.full(sheet.wanted, before) if before is not None else "",
        "spreads": opened and not any(c["readonly"] for c in cells), "errors": [(c["label"], c["error"]) for c in cells if c["error"]],
    }  # fmt: skip


def _totals(sheet: Sheet, rows: list[dict[str, Any]], on_page: set[str]) -> list[dict[str, str]]:
    """Each column's sum, and how much of it is on other pages."""
    found = []
    others = {subject for subject, _key in sheet.stored} - on_page
    for at, period in enumerate(sheet.periods):
        rest = sum((sheet.value(subject, period) or Decimal(0) for subject in others), Decimal(0))
        here = sum((_number(sheet, row["cells"][at]["value"]) for row in rows), Decimal(0))
        found.append({"text": sheet.text(rest + here), "rest": sheet.text(rest) or "0"})
    return found


def _number(sheet: Sheet, text: str) -> Decimal:
    try:
        return sheet.number(text) or Decimal(0)
    except ValueError:
        return Decimal(0)


def _company(sheet: Sheet) -> list[str]:
    """What the company as a whole is meant to come to; nothing where that is not said. Cost: one query."""
    whole = Sheet(sheet.actor, sheet.wanted, None, sheet.year, sheet.shape)
    told = [sheet.text(whole.value("", period)) for period in whole.periods]
    return told if any(told) else []
