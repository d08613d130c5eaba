"""Reports: the tables a floor declares, of a record or of the company, as a page and as a CSV file. What they say, the floor knows."""

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core import export, registry
from core.access import Actor
from core.errors import Missing, RuleError
from core.kinds import KINDS
from core.models.record import Record
from core.money import plain
from core.registry import Field, ObjectType
from core.reporting import Link, Report, Section
from core.views import pages

ROWS = 500  # of a section on the page; all of them are in its file


@pages.page
def of_record(request: HttpRequest, actor: Actor, slug: str, ident: str, key: str) -> HttpResponse:
    """``/<slug>/<id>/<key>/``. Cost: that of the report."""
    report, object_type = registry.reports[key], pages.type_or_missing(slug, actor)
    record = pages.record_or_missing(actor, object_type, ident)
    if not report.sees(actor):
        raise Missing
    crumbs = [{"label": object_type.plural, "url": pages.address(slug)}, {"label": str(record), "url": pages.address(slug, record.pk)}]
    return _answer(request, actor, report, record, crumbs)


@pages.page
def of_company(request: HttpRequest, actor: Actor, key: str) -> HttpResponse:
    """``/reports/<key>/``. Cost: that of the report."""
    report = registry.reports[key]
    if not report.sees(actor):
        raise Missing
    return _answer(request, actor, report, None, [{"label": _("Dashboard"), "url": "/"}])


def offered(actor: Actor, object_type: ObjectType, record: Record) -> list[dict[str, Any]]:
    """The reports of a record. Cost: none."""
    mine = [r for r in registry.reports.values() if r.slug == object_type.slug and r.sees(actor)]
    return [{"label": r.label, "icon": r.icon, "url": f"{pages.address(r.slug, record.pk)}{r.key}/"} for r in mine]


def _answer(request: HttpRequest, actor: Actor, report: Report, record: Record | None, crumbs: list[dict[str, str]]) -> HttpResponse:
    inputs = [(Field(name, "date", label), default) for name, label, default in report.inputs()]
    given = {f.name: request.GET.get(f.name, "").strip() for f, _default in inputs}
    values: dict[str, Any] = {"label": report.label, "explains": report.explains, "crumbs": crumbs, "about": str(record) if record else ""}
    status, words = 200, {}
    try:
        words = {f.name: _clean(f, given[f.name]) or default for f, default in inputs}
        sections = report.make(actor, record, words)
        if request.GET.get("format") == "csv":
            return _file(report, sections)
        values |= {"sections": [_shown(section) for section in sections], "csv": "?" + urlencode({n: str(v) for n, v in words.items()} | {"format": "csv"})}
    except RuleError as error:
        values |= {"errors": error.sentences}
        status = pages.status_of(error)
    values["form"] = [
        {"name": f.name, "kind": "date", "label": f.label, "value": given[f.name] or str(words.get(f.name, default))} for f, default in inputs
    ]
    return pages.render(request, actor, "pages/report.html", values, status)


def _clean(f: Field, text: str) -> date | None:
    """Errors: RuleError at the input."""
    if not text:
        return None
    try:
        return f.rules.clean(f, text)
    except ValueError as error:
        raise RuleError({f.name: [str(error)]}) from None


def _shown(section: Section) -> dict[str, Any]:
    """A section with the first of its rows, and how many more there are: these are in the file, and in the sums below."""
    lines = {"first": [section.first] if section.first else [], "rows": section.rows[:ROWS], "last": [section.last] if section.last else []}
    return {
        "heading": section.heading, "left_out": max(0, len(section.rows) - ROWS),
        "headings": [{"label": h.label, "num": h.kind == "money"} for h in section.headings],
        **{name: [[_cell(section, h.kind, value) for h, value in zip(section.headings, row, strict=True)] for row in rows] for name, rows in lines.items()},
    }  # fmt: skip


def _cell(section: Section, kind: str, value: Any) -> dict[str, Any]:
    url = ""
    if isinstance(value, Link):
        url = pages.address(value.slug, value.id) + (f"{value.page}/" if value.page else "") + ("?" + urlencode(value.words) if value.words else "")
        value = value.value
    told = value if isinstance(value, str) else KINDS[kind].text(Field("", kind), value, section.currency)
    return {"text": told, "url": url, "num": kind == "money", "less": isinstance(value, Decimal) and value < 0}


def _file(report: Report, sections: list[Section]) -> HttpResponse:
    """All sections below each other, the currency of each row in a column of its own; amounts stay plain, so that they add up."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for position, section in enumerate(sections):
        if position == 0:
            writer.writerow([export.safe(str(label)) for label in (_("Currency"), *(h.label for h in section.headings))])
        for row in [*([section.first] if section.first else []), *section.rows, *([section.last] if section.last else [])]:
            writer.writerow([section.currency, *(_plain(value) for value in row)])
    headers = {"Content-Disposition": f'attachment; filename="{report.key}.csv"'}
    return HttpResponse(export.BOM + text.getvalue().encode(), content_type="text/csv; charset=utf-8", headers=headers)


def _plain(value: Any) -> str:
    value = value.value if isinstance(value, Link) else value
    if value is None:
        return ""
    return plain(value, 2) if isinstance(value, Decimal) else export.safe(str(value))
