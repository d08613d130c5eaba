"""Files into a type, over HTTP: brought at the type, then looked at, checked, confirmed and undone at the import they became.

The steps are those of the pages (``core.views.imports``); the work itself is ``core.transfer``.
"""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from rest_framework.parsers import MultiPartParser

from core import access, door
from core.access import Actor
from core.api import answers, files
from core.api.idempotency import Reply
from core.api.views import Endpoint, type_at
from core.errors import Missing, RuleError
from core.models import Import
from core.registry import ObjectType
from core.transfer import mapping, reading, uploads
from core.transfer.mapping import Mapping

WORDS = ("columns", "key", "mode", "empties", "days", "options")
FAULTS = 1000


class Imports(Endpoint):
    """``POST /<slug>/import/``: a CSV or XLSX file in the part ``file``. 201 with the import, its columns assigned as the headings suggest."""

    parser_classes = (MultiPartParser,)
    content_negotiation_class = files.Multipart
    http_method_names = ("post", "options")

    def post(self, request, slug: str) -> HttpResponse:
        object_type, given, plain = type_at(slug), request.data.get("file"), request._request
        if given is None or not hasattr(given, "read"):
            raise RuleError({"file": [_("Send the file as the part “file” of a multipart form.")]})
        if given.size > reading.MEGABYTES * 2**20:
            raise RuleError({"file": [_("The file is larger than %(n)d MB; divide it.") % {"n": reading.MEGABYTES}]})
        content = given.read()

        def work(actor: Actor) -> Reply:
            if not access.allows(actor, object_type, "view"):
                raise Missing
            row = uploads.receive(actor, object_type, given.name, content)
            return _reply(201, actor, object_type, row, plain)

        reply = door.writing(lambda: work(access.actor_for(self.request.user)))
        return HttpResponse(reply.body, status=reply.status, content_type="application/json", headers=reply.headers)


class Single(Endpoint):
    """``GET /imports/<id>/``: how far it is, and what was found."""

    http_method_names = ("get", "head", "options")

    def get(self, request, ident: UUID) -> HttpResponse:
        return answers.answer(self.reading(lambda actor: told(actor, *uploads.anywhere(actor, ident), request._request)))


class Refused(Endpoint):
    """``GET /imports/<id>/refused/``: the rows that were refused, with their reasons, as CSV. One's own only."""

    http_method_names = ("get", "head", "options")

    def get(self, request, ident: UUID) -> HttpResponse:
        def work(actor: Actor) -> bytes:
            object_type, _row = uploads.anywhere(actor, ident)
            return uploads.refused_rows(uploads.mine(actor, object_type, ident))

        return HttpResponse(self.reading(work), content_type="text/csv; charset=utf-8")


class Deed(Endpoint):
    """``POST /imports/<id>/check/``, ``confirm/``, ``undo/``: 202, the work is done in the background."""

    deed = ""
    http_method_names = ("post", "options")

    def post(self, request, ident: UUID) -> HttpResponse:
        sent, plain = {} if request.data is None else request.data, request._request
        if not isinstance(sent, dict):
            raise RuleError(_("Send an object."))

        def work(actor: Actor) -> Reply:
            object_type, row = uploads.anywhere(actor, ident, lock=True)
            DEEDS[self.deed](actor, object_type, row, sent)
            return _reply(202, actor, object_type, row, plain)

        return self.writing(work)


def _check(actor: Actor, object_type: ObjectType, row: Import, sent: dict[str, Any]) -> None:
    _demand_words(sent, (*WORDS, "write"))
    row = uploads.mine(actor, object_type, row.pk)
    uploads.check(actor, object_type, row, _mapping(row, sent), _yes_or_no(sent, "write"))


def _confirm(actor: Actor, object_type: ObjectType, row: Import, sent: dict[str, Any]) -> None:
    _demand_words(sent, ("partly",))
    uploads.confirm(actor, object_type, uploads.mine(actor, object_type, row.pk), _yes_or_no(sent, "partly"))


def _undo(actor: Actor, object_type: ObjectType, row: Import, sent: dict[str, Any]) -> None:
    _demand_words(sent, ())
    uploads.take_back(actor, row)


DEEDS = {"check": _check, "confirm": _confirm, "undo": _undo}


def _demand_words(sent: dict[str, Any], known: tuple[str, ...]) -> None:
    if strange := [name for name in sent if name not in known]:
        raise RuleError({str(name)[:100]: [_("There is no such word here.")] for name in strange})


def _yes_or_no(sent: dict[str, Any], name: str) -> bool:
    if not isinstance(said := sent.get(name, False), bool):
        raise RuleError({name: [_("“%(name)s” is true or false.") % {"name": name}]})
    return said


def _mapping(row: Import, sent: dict[str, Any]) -> Mapping:
    """The mapping as it stands with what was sent; ``columns`` is a list, a field or null for each heading. Errors: RuleError."""
    columns = sent.get("columns")
    if columns is not None and not (isinstance(columns, list) and len(columns) <= reading.COLUMNS and all(isinstance(n, str | None) for n in columns)):
        raise RuleError({"columns": [_("Name a field, or null, for each column of the file, in their order.")]})
    for name in WORDS[1:]:
        if not isinstance(sent.get(name, ""), str):
            raise RuleError({name: [_("Enter text.")]})
    given = {} if columns is None else {"columns": {str(position): name for position, name in enumerate(columns) if name}}
    return Mapping.from_json({**row.mapping, **sent, **given})


def _reply(status: int, actor: Actor, object_type: ObjectType, row: Import, request: HttpRequest) -> Reply:
    made = told(actor, object_type, uploads.seen(actor, object_type, row.pk), request)
    return Reply(status, answers.written(made).decode(), {"Location": made["url"]})


def told(actor: Actor, object_type: ObjectType, row: Import, request: HttpRequest) -> dict[str, Any]:
    """An import as programs read it; what stood in the file only to who brought it. Cost: one query where it failed or is at work."""
    report, own, chosen = uploads.report_of(row), row.owner_id == actor.id, Mapping.from_json(row.mapping)
    done, total = uploads.progress_of(row) if row.status in uploads.AT_WORK else (report.rows, report.rows)
    heads = row.mapping.get("heads", [])
    counts = {name: getattr(report, name) for name in ("rows", "new", "changed", "unchanged", "skipped", "errors")}
    return {
        "id": str(row.pk), "type": object_type.slug, "file_name": row.file_name, "state": row.status, "done": done, "total": total, **counts,
        "headings": heads if own else [], "columns": [chosen.columns.get(position) for position in range(len(heads))] if own else [],
        **{name: getattr(chosen, name) for name in WORDS[1:]}, "keys": list(mapping.keys(actor, object_type)),
        "faults": [vars(fault) for fault in report.faults[:FAULTS]] if own else [], "bad_rows": report.bad if own else [], "added": report.added,
        "said": row.report.get("said", []) if own else [], "conflicts": row.report.get("left", 0), "gave_up": uploads.gave_up(row),
        "url": answers.address(request, f"imports/{row.pk}/"),
    }  # fmt: skip


__all__ = ["Deed", "Imports", "Refused", "Single", "told"]
