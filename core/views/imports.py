"""The pages of an import: choose a file, say what its columns are, see what would happen, confirm, undo. The work itself: ``core.transfer``."""

import csv
import io
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core import figures, read, workbooks
from core.access import Actor
from core.context import company
from core.errors import Denied, Missing, OdosError, RuleError
from core.export import BOM, safe
from core.models import Import
from core.registry import ObjectType
from core.transfer import encodings, mapping, options, reading, refusals, uploads
from core.transfer.mapping import ID, Mapping
from core.transfer.reading import Reading, Table
from core.views import pages

SHOWN_FAULTS = 200
SHOWN_CONFLICTS = 200
SAMPLES = 3
STATUS = {
    "uploaded": lambda: _("Columns to be assigned"), "checking": lambda: _("Being checked"), "checked": lambda: _("Ready to be imported"),
    "refused": lambda: _("Has errors"), "writing": lambda: _("Being imported"), "done": lambda: _("Imported"),
    "undoing": lambda: _("Being undone"), "undone": lambda: _("Undone"),
}  # fmt: skip


def _type(slug: str, actor: Actor) -> ObjectType:
    object_type = pages.type_or_missing(slug, actor, "import")
    if not uploads.possible(actor, object_type):
        raise Denied(_("You may not do this with %(type)s.") % {"type": object_type.plural})
    return object_type


def _address(object_type: ObjectType, row: Import | None = None) -> str:
    return f"{pages.address(object_type)}import/" + (f"{row.pk}/" if row else "")


# Choosing a file


def _show_upload(request: HttpRequest, actor: Actor, slug: str, error: OdosError | None = None) -> HttpResponse:
    object_type = _type(slug, actor)
    said = error.sentences if error else []
    recent = [
        {
            "name": row.file_name, "url": _address(object_type, row), "status": STATUS[row.status](), "day": _day(row.created_at),
            "who": "" if row.owner_id == actor.id else row.owner.name,
        }
        for row in uploads.recent(actor, object_type)
    ]  # fmt: skip
    limits = _("Excel workbook (XLSX) or CSV in any usual encoding, at most %(n)d MB and 200,000 rows. One row names the columns.")
    file = {"name": "file", "kind": "file", "label": _("File"), "required": True, "errors": said, "help": limits % {"n": reading.MEGABYTES}}
    fields = [{"key": name, "label": f.label, "required": f.required and f.default is None} for name, f in mapping.targets(actor, object_type).items()]
    return pages.render(request, actor, "import/upload.html", {**_place(object_type), "file": file, "fields": fields, "recent": recent})


def _day(moment: datetime) -> str:
    return figures.day(moment.astimezone(company().zone).date())


def _save_upload(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    object_type = _type(slug, actor)
    file = request.FILES.get("file")
    if file is None:
        raise RuleError({"file": [_("Choose a file.")]})
    if file.size > reading.MEGABYTES * 2**20:
        raise RuleError({"file": [_("The file is larger than %(n)d MB; divide it.") % {"n": reading.MEGABYTES}]})
    file.seek(0)  # the whole use-case may run again
    row = uploads.receive(actor, object_type, file.name or "", file.read())
    return pages.done(request, _address(object_type, row))


upload = pages.page(_show_upload, _save_upload)


def _place(object_type: ObjectType, row: Import | None = None) -> dict[str, Any]:
    """What every page of an import reads: where it is, and how far."""
    at = 1 if row is None else {"uploaded": 2, "checking": 3, "checked": 3, "refused": 3}.get(row.status, 4)
    words = (_("File"), _("Columns"), _("Check"), _("Import"))
    done = row is not None and row.status in uploads.WRITTEN
    steps = [{"label": word, "done": done or i < at, "current": i == at and not done} for i, word in enumerate(words, start=1)]
    return {"type": object_type, "list_url": pages.address(object_type), "import_url": _address(object_type), "steps": steps, "row": row}


# The steps after it


def _show_step(request: HttpRequest, actor: Actor, slug: str, ident: UUID, error: OdosError | None = None) -> HttpResponse:
    object_type = _type(slug, actor)
    row = uploads.seen(actor, object_type, ident)
    said = pages.sentences(error) if error else []
    if row.status in uploads.AT_WORK:
        return _show_progress(request, actor, object_type, row, said)
    if row.status == "uploaded":
        return _show_mapping(request, actor, object_type, row, error)
    return _show_report(request, actor, object_type, row, said)


def _show_mapping(request: HttpRequest, actor: Actor, object_type: ObjectType, row: Import, error: OdosError | None) -> HttpResponse:
    table = uploads.table_of(row)
    typed = error is not None and request.POST.get("do") in ("check", "write")
    chosen = _typed(request, len(table.headers)) if typed else Mapping.from_json(row.mapping)
    refused = error.errors if isinstance(error, RuleError) else {}
    known = mapping.targets(actor, object_type)
    samples, heads = table.sample(SAMPLES), refusals.heads_of(table)
    columns = [
        {
            "name": f"column.{position}", "kind": "choice", "label": heading, "errors": refused.get(str(position), []),
            "help": " · ".join(row.cells[position][:80] for row in samples if row.cells[position].strip()),
            "options": [{"value": n, "label": _label(n, f), "selected": chosen.columns.get(position) == n} for n, f in known.items()],
        }
        for position, heading in enumerate(heads)
    ]  # fmt: skip
    missing = mapping.missing_fields(known, chosen)
    before = uploads.again(actor, row)
    values = {
        **_place(object_type, row), "columns": columns, "choices": _choices(actor, object_type, chosen, refused), "readings": _readings(table),
        "rows": table.size, "encoding": encodings.KNOWN.get(table.encoding, "XLSX"), "known": row.mapping.get("known", False),
        "missing": ", ".join(str(f.label) for f in missing), "errors": pages.sentences(error) if error else [],
        "before": _day(before) if before else "", "lines": any("." in name for name in known),
    }  # fmt: skip
    return pages.render(request, actor, "import/mapping.html", values)


def _choice(name: str, label: str, chosen: str, options: dict[str, str], help: str = "", errors: list[str] | None = None) -> dict[str, Any]:
    """A select; the option without a value says what choosing nothing means, and where there is none something is chosen."""
    shown = [{"value": value, "label": said, "selected": value == chosen} for value, said in options.items() if value]
    told = {"label": label, "help": help, "errors": errors or [], "blank": options.get("", ""), "required": "" not in options}
    return {"name": name, "kind": "choice", "options": shown, **told}


def _choices(actor: Actor, object_type: ObjectType, chosen: Mapping, refused: dict[str, list[str]]) -> list[dict[str, Any]]:
    """How records are found, and what the file does to them."""
    keys = {n: " + ".join(_label(f.name, f) for f in fields) for n, fields in mapping.keys(actor, object_type).items()}
    modes = {"both": _("Make new records and change those found"), "create": _("Only make new records"), "update": _("Only change records there are")}
    empties = {"leave": _("Leave the field as it is"), "clear": _("Empty the field")}
    days = {"": _("With the year first, or as the file shows them"), "dmy": _("Day, month, year: 31.12.2026"), "mdy": _("Month, day, year: 12/31/2026")}
    found = _("A record that is found is changed; every other row becomes a new record. Empty: every row becomes a new record.")
    unknown = {"refuse": _("Refuse the row"), "add": _("Add it to the options of the field")}
    adds = [_choice("options", _("A value that is no option of its field"), chosen.options, unknown, "", refused.get("options", []))]
    return [
        _choice("key", _("Find existing records by"), chosen.key, {"": "", **keys}, found, refused.get("key", [])),
        _choice("mode", _("The file may"), chosen.mode, modes, _("Other rows are left out.")),
        _choice("empties", _("An empty cell of a record there is"), chosen.empties, empties),
        _choice("days", _("Days are written"), chosen.days, days),
        *(adds if options.possible(actor, object_type) or chosen.options != "refuse" else ()),
    ]


MARKS = {",": lambda: _("Comma"), ";": lambda: _("Semicolon"), "\t": lambda: _("Tab"), "|": lambda: _("Vertical bar")}


def _readings(table: Table) -> list[dict[str, Any]]:
    """How the file was read, to be changed where that was guessed wrong."""
    header = {"name": "header", "kind": "integer", "label": _("Row that names the columns"), "value": str(table.header), "errors": []}
    if table.sheets:
        return [_choice("sheet", _("Sheet"), table.sheet, {name: name for name in table.sheets}), header]
    marks = {mark: MARKS[mark]() for mark in reading.DELIMITERS}
    return [
        _choice("encoding", _("Encoding"), table.encoding, encodings.KNOWN),
        _choice("delimiter", _("Columns are divided by"), table.delimiter, marks), header,
    ]  # fmt: skip


def _asked(request: HttpRequest) -> Reading:
    posted, header = request.POST, request.POST.get("header", "").strip()
    if header and not (header.isascii() and header.isdigit() and len(header) < 7):
        raise RuleError(_("Name the row by its number."))
    return Reading(posted.get("encoding", ""), posted.get("delimiter", ""), posted.get("sheet", ""), int(header or 0))


def _label(name: str, f: Any) -> str:
    return f"{f.label}" if name != ID else _("Id")


def _typed(request: HttpRequest, width: int) -> Mapping:
    """The mapping as the form has it. Where two columns name a field, both stay: the refusal says so at the second."""
    columns = {position: name for position in range(width) if (name := request.POST.get(f"column.{position}", ""))}
    posted = request.POST
    said = {"mode": "both", "empties": "clear", "options": "refuse"}
    return Mapping(columns, posted.get("key", ""), days=posted.get("days", ""), **{name: posted.get(name) or usual for name, usual in said.items()})


def _show_progress(request: HttpRequest, actor: Actor, object_type: ObjectType, row: Import, said: list[str]) -> HttpResponse:
    """Asks itself anew every two seconds, by a header, so that it needs no script."""
    done, total = uploads.progress_of(row)
    gave_up = uploads.gave_up(row)
    values = {**_place(object_type, row), "done": done, "total": total, "writing": row.status == "writing", "gave_up": gave_up, "errors": said}
    values["undoing"] = row.status == "undoing"
    response = pages.render(request, actor, "import/progress.html", values)
    if not gave_up:
        response.headers["Refresh"] = "2"
    return response


def _show_report(request: HttpRequest, actor: Actor, object_type: ObjectType, row: Import, said: list[str]) -> HttpResponse:
    """What a file would do or did. Whoever did not upload it sees what became of it, and nothing of what stood in it."""
    report, own = uploads.report_of(row), row.owner_id == actor.id
    conflicts = row.report.get("conflicts", [])
    values = {
        **_place(object_type, row), "report": report, "faults": report.faults[:SHOWN_FAULTS] if own else [],
        "left": max(report.errors - SHOWN_FAULTS, 0), "errors": [*said, *(row.report.get("said", []) if own else [])], "own": own,
        "errors_url": f"{_address(object_type, row)}errors.csv", "rows_url": f"{_address(object_type, row)}rows" if own and report.bad else "",
        "bad": len(report.bad), "partly": own and row.status == "refused" and report.good, "undoes": row.status == "done" and report.good,
        "conflicts": _told(actor, conflicts[:SHOWN_CONFLICTS]), "conflicts_left": max(row.report.get("left", 0) - SHOWN_CONFLICTS, 0),
        "lines": any("." in name for name in Mapping.from_json(row.mapping).columns.values()), "added": report.added.items(),
        "undone": report.good - row.report.get("left", 0), "kept": row.report.get("left", 0),
    }  # fmt: skip
    return pages.render(request, actor, "import/report.html", values)


def _told(actor: Actor, conflicts: list[list[str]]) -> list[dict[str, str]]:
    """The records that undoing left, by name where the reader sees them. Cost: a query for each type."""
    wanted: dict[str, set[UUID]] = {}
    for slug, ident, _sentence in conflicts:
        wanted.setdefault(slug, set()).add(UUID(ident))
    labels = read.labels(actor, wanted)
    return [
        {"label": name or _("(not visible)"), "url": pages.address(slug, ident) if name else "", "sentence": sentence}
        for slug, ident, sentence in conflicts
        for name in [labels.get(slug, {}).get(UUID(ident), "")]
    ]


def _save_step(request: HttpRequest, actor: Actor, slug: str, ident: UUID) -> HttpResponse:
    object_type = _type(slug, actor)
    deed = request.POST.get("do", "")
    if deed == "undo":
        uploads.take_back(actor, uploads.seen(actor, object_type, ident, lock=True))
        return pages.done(request, _address(object_type, uploads.seen(actor, object_type, ident)))
    row = uploads.mine(actor, object_type, ident, lock=True)
    if deed in ("check", "write"):
        uploads.check(actor, object_type, row, _typed(request, reading.COLUMNS), write=deed == "write")
    elif deed in ("confirm", "partly"):
        uploads.confirm(actor, object_type, row, partly=deed == "partly")
    elif deed == "map":
        uploads.reopen(row)
    elif deed == "read":
        uploads.reread(actor, object_type, row, _asked(request))
    else:
        raise RuleError(_("Choose what to do with the file."))
    return pages.done(request, _address(object_type, row))


step = pages.page(_show_step, _save_step)


@pages.page
def errors(request: HttpRequest, actor: Actor, slug: str, ident: UUID) -> HttpResponse:
    """All errors kept of a file, as CSV."""
    row = uploads.mine(actor, _type(slug, actor), ident)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([_("Row"), _("Column"), _("Value"), _("Error")])
    for fault in uploads.report_of(row).faults:
        writer.writerow([fault.row, safe(fault.column), safe(fault.value), safe(fault.sentence)])
    response = HttpResponse(BOM + text.getvalue().encode("utf-8", "replace"), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{slug}-errors.csv"'
    return response


@pages.page
def refused(request: HttpRequest, actor: Actor, slug: str, ident: UUID, form: str) -> HttpResponse:
    """The rows of a file that were refused, with their reasons, as CSV or XLSX."""
    if form not in ("csv", "xlsx"):
        raise Missing
    content = uploads.refused_rows(uploads.mine(actor, _type(slug, actor), ident))
    headers = {"Content-Disposition": f'attachment; filename="{slug}-refused.{form}"'}
    if form == "csv":
        return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)
    return HttpResponse(b"".join(refusals.as_workbook(content)), content_type=workbooks.TYPE, headers=headers)


__all__ = ["errors", "refused", "step", "upload"]
