"""The same done to many records, over HTTP: asked for at the type, followed and confirmed at the job it answers with."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core import bulk, converting
from core.access import Actor
from core.api import answers
from core.api.idempotency import Reply
from core.api.views import Endpoint, type_at
from core.errors import RuleError
from core.models import BulkRun

WORDS = ("filter", "ids", "q", "archived", "set", "act", "data", "dry_run")
DEEDS = {"confirm": "confirm", "undo": "take_back"}
CONVERSION = ("kind", "options", "target", "rest", "dry_run")


class Bulk(Endpoint):
    """``POST /<slug>/bulk/``: ``{filter or ids, set or act with data, dry_run}``. 202 with the job's address."""

    http_method_names = ("post", "options")

    def post(self, request, slug: str) -> HttpResponse:
        object_type, sent = type_at(slug), request.data
        chosen, do, data = _asked(sent)
        plain = request._request

        def work(actor: Actor) -> Reply:
            run = bulk.ask(actor, object_type, chosen, do, data, sent.get("dry_run", True))
            return Reply(202, answers.written(_told(run, plain)).decode(), {"Location": _address(run, plain)})

        return self.writing(work)


def _asked(sent: Any) -> tuple[bulk.Selection, str, Any]:
    """What to do to which records. Errors: RuleError."""
    if not isinstance(sent, dict):
        raise RuleError(_("Send an object with “filter” or “ids”, and “set” or “act”."))
    strange = [name for name in sent if name not in WORDS]
    if strange:
        raise RuleError({str(name)[:100]: [_("There is no such word here.")] for name in strange})
    if ("ids" in sent) == ("filter" in sent) or ("set" in sent) == ("act" in sent):
        raise RuleError(_("Send an object with “filter” or “ids”, and “set” or “act”."))
    if not isinstance(sent.get("dry_run", True), bool):
        raise RuleError({"dry_run": [_("“%(name)s” is true or false.") % {"name": "dry_run"}]})
    if "ids" in sent and not sent["ids"]:
        raise RuleError({"ids": [_("Nothing is selected.")]})
    act = sent.get("act", "change")
    if not isinstance(act, str) or ("act" in sent and act == "change"):
        raise RuleError({"act": [_("Name the act to do.")]})
    return bulk.selection(sent), act, sent["set"] if "set" in sent else sent.get("data", {})


def _address(run: BulkRun, request: HttpRequest) -> str:
    return answers.address(request, f"jobs/{run.pk}/")


def _told(run: BulkRun, request: HttpRequest) -> dict[str, Any]:
    return (converting if converting.is_one(run) else bulk).told(run) | {"url": _address(run, request)}


class Conversion(Endpoint):
    """``POST /custom-fields/<id>/convert/``: ``{kind, options, target, rest, dry_run}``. 202 with the job's address."""

    http_method_names = ("post", "options")

    def post(self, request, ident: UUID) -> HttpResponse:
        sent, plain = request.data, request._request

        def work(actor: Actor) -> Reply:
            run = converting.ask(actor, ident, *_conversion(sent))
            return Reply(202, answers.written(_told(run, plain)).decode(), {"Location": _address(run, plain)})

        return self.writing(work)


def _conversion(sent: Any) -> tuple[dict[str, Any], str, bool]:
    """What a field is to become, what becomes of the rest, whether it is only tried. Errors: RuleError."""
    if not isinstance(sent, dict):
        raise RuleError(_("Send an object with “kind”."))
    if strange := [name for name in sent if name not in CONVERSION]:
        raise RuleError({str(name)[:100]: [_("There is no such word here.")] for name in strange})
    for name in ("kind", "target", "rest"):
        if not isinstance(sent.get(name, ""), str):
            raise RuleError({name: [_("Enter text.")]})
    if not isinstance(sent.get("options", []), list):
        raise RuleError({"options": [_("Enter a list.")]})
    if not isinstance(sent.get("dry_run", True), bool):
        raise RuleError({"dry_run": [_("“%(name)s” is true or false.") % {"name": "dry_run"}]})
    return sent, sent.get("rest", "stop"), sent.get("dry_run", True)


class Run(Endpoint):
    """``/jobs/<id>/``: how far it is and what came of it. One's own only."""

    http_method_names = ("get", "head", "options")

    def get(self, request, ident: UUID) -> HttpResponse:
        return answers.answer(self.reading(lambda actor: _told(bulk.find(actor, ident), request._request)))


class Confirm(Endpoint):
    """``POST /jobs/<id>/confirm/``: do what was tried."""

    deed = "confirm"
    http_method_names = ("post", "options")

    def post(self, request, ident: UUID) -> HttpResponse:
        plain = request._request

        def work(actor: Actor) -> Reply:
            home = converting if converting.is_one(bulk.find(actor, ident)) else bulk
            run = getattr(home, DEEDS[self.deed])(actor, ident)
            return Reply(202, answers.written(_told(run, plain)).decode(), {"Location": _address(run, plain)})

        return self.writing(work)


class Undo(Confirm):
    """``POST /jobs/<id>/undo/``: take back what was done."""

    deed = "undo"
