"""The pages of an import: choose a file, say what its columns are, see what would happen, confirm. The work itself: ``core.transfer``."""

import csv
import io
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core import figures
from core.access import Actor
from core.context import company
from core.errors import Denied, OdosError, RuleError
from core.export import BOM, safe
from core.models import Import
from core.registry import ObjectType
from core.transfer import mapping, reading, uploads
from core.transfer.mapping import ID, Mapping
from core.views import pages

SHOWN_FAULTS = 200
SAMPLES = 3
STATUS = {
    "uploaded": lambda: _("Columns to be assigned"), "checking": lambda: _("Being checked"), "checked": lambda: _("Ready to be imported"),
    "refused": lambda: _("Has errors"), "writing": lambda: _("Being imported"), "done": lambda: _("Imported"),
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
    said = [s for found in error.errors.values() for s in found] if isinstance(error, RuleError) else pages.sentences(error) if error else []
    zone = company().zone
    recent = [
        {"name": row.file_name, "url": _address(object_type, row), "status": STATUS[row.status](), "day": figures.day(row.created_at.astimezone(zone).date())}
        for row in uploads.recent(actor, object_type)
    ]
    limits = _("In UTF-8 or a Chinese encoding, divided by commas, semicolons or tabs, at most %(n)d MB. Its first row names the columns.")
    file = {"name": "file", "kind": "file", "label": _("CSV file"), "required": True, "errors": said, "help": limits % {"n": reading.MEGABYTES}}
    fields = [{"key": name, "label": f.label, "required": f.required and f.default is None} for name, f in mapping.targets(actor, object_type).items()]
    return pages.render(request, actor, "import/upload.html", {**_place(object_type), "file": file, "fields": fields, "recent": recent})


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
    done = row is not None and row.status == "done"
    steps = [{"label": word, "done": done or i < at, "current": i == at and not done} for i, word in enumerate(words, start=1)]
    return {"type": object_type, "list_url": pages.address(object_type), "import_url": _address(object_type), "steps": steps, "row": row}


# The steps after it


def _show_step(request: HttpRequest, actor: Actor, slug: str, ident: UUID, error: OdosError | None = None) -> HttpResponse:
    object_type = _type(slug, actor)
    row = uploads.mine(actor, object_type, ident)
    said = pages.sentences(error) if error else []
    if row.status in uploads.AT_WORK:
        return _show_progress(request, actor, object_type, row, said)
    if row.status == "uploaded":
        return _show_mapping(request, actor, object_type, row, error)
    return _show_report(request, actor, object_type, row, said)


def _show_mapping(request: HttpRequest, actor: Actor, object_type: ObjectType, row: Import, error: OdosError | None) -> HttpResponse:
    table = uploads.table_of(row)
    chosen = _typed(request, len(table.headers)) if error else Mapping.from_json(row.mapping)
    refused = error.errors if isinstance(error, RuleError) else {}
    known = mapping.targets(actor, object_type)
    samples = table.sample(SAMPLES)
    columns = [
        {
            "name": f"column.{position}", "kind": "choice", "label": heading, "errors": refused.get(str(position), []),
            "help": " · ".join(row.cells[position][:80] for row in samples if row.cells[position].strip()),
            "options": [{"value": n, "label": _label(n, f), "selected": chosen.columns.get(position) == n} for n, f in known.items()],
        }
        for position, heading in enumerate(table.headers)
    ]  # fmt: skip
    keys = mapping.keys(actor, object_type)
    key = {
        "name": "key", "kind": "choice", "label": _("Find existing records by"), "errors": refused.get("key", []),
        "help": _("A record that is found is changed; every other row becomes a new record. Empty: every row becomes a new record."),
        "options": [{"value": n, "label": _label(n, f), "selected": chosen.key == n} for n, f in keys.items()],
    }  # fmt: skip
    missing = mapping.missing_fields(known, chosen)
    values = {
        **_place(object_type, row), "columns": columns, "key": key, "rows": table.size, "encoding": table.encoding.upper(),
        "missing": ", ".join(str(f.label) for f in missing), "errors": pages.sentences(error) if error else [],
    }  # fmt: skip
    return pages.render(request, actor, "import/mapping.html", values)


def _label(name: str, f: Any) -> str:
    return f"{f.label}" if name != ID else _("Id")


def _typed(request: HttpRequest, width: int) -> Mapping:
    """The mapping as the form has it. Where two columns name a field, both stay: the refusal says so at the second."""
    columns = {position: name for position in range(width) if (name := request.POST.get(f"column.{position}", ""))}
    return Mapping(columns, request.POST.get("key", ""))


def _show_progress(request: HttpRequest, actor: Actor, object_type: ObjectType, row: Import, said: list[str]) -> HttpResponse:
    """Asks itself anew every two seconds, by a header, so that it needs no script."""
    done, total = uploads.progress_of(row)
    gave_up = uploads.gave_up(row)
    values = {**_place(object_type, row), "done": done, "total": total, "writing": row.status == "writing", "gave_up": gave_up, "errors": said}
    response = pages.render(request, actor, "import/progress.html", values)
    if not gave_up:
        response.headers["Refresh"] = "2"
    return response


def _show_report(request: HttpRequest, actor: Actor, object_type: ObjectType, row: Import, said: list[str]) -> HttpResponse:
    report = uploads.report_of(row)
    values = {
        **_place(object_type, row), "report": report, "faults": report.faults[:SHOWN_FAULTS], "left": max(report.errors - SHOWN_FAULTS, 0),
        "errors": [*said, *row.report.get("said", [])], "errors_url": f"{_address(object_type, row)}errors.csv",
    }  # fmt: skip
    return pages.render(request, actor, "import/report.html", values)


def _save_step(request: HttpRequest, actor: Actor, slug: str, ident: UUID) -> HttpResponse:
    object_type = _type(slug, actor)
    row = uploads.mine(actor, object_type, ident, lock=True)
    deed = request.POST.get("do", "")
    if deed == "check":
        uploads.check(actor, object_type, row, _typed(request, reading.COLUMNS))
    elif deed == "confirm":
        uploads.confirm(actor, object_type, row)
    elif deed == "map":
        uploads.reopen(row)
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


__all__ = ["errors", "step", "upload"]
