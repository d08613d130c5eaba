"""Several lists, records and figures in one request, all of one moment: what a screen shows together agrees, and costs one way to the server."""

import json
from copy import copy
from typing import Any
from urllib.parse import unquote

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _

from core import limits
from core.access import Actor
from core.api import answers, kpis, lists, parsing, views
from core.errors import Missing, OdosError, RuleError


class Reads(views.Endpoint):
    """``/reads/``: an array of addresses below the API's root, each of a list, of one record or of a figure, as a GET has them."""

    http_method_names = ("post", "options")

    def post(self, request) -> HttpResponse:
        asked, plain = request.data, request._request
        if not isinstance(asked, list) or not all(isinstance(one, str) for one in asked):
            raise RuleError(_("What is read together is an array of addresses, such as “accounts/?limit=5”."))
        limits.demand("reads", len(asked), _("addresses"))
        return answers.answer({"answers": self.reading(lambda actor: _answers(actor, asked, plain))})


def _answers(actor: Actor, asked: list[str], request: HttpRequest) -> list[dict[str, Any]]:
    """What a GET of each of these addresses would answer: its status and its body."""
    found = [_answer(actor, address, request) for address in asked]
    bodies = iter(lists.bodies(actor, [one for _status, one in found if isinstance(one, lists.Answer)], request))
    return [{"status": status, "body": next(bodies) if isinstance(one, lists.Answer) else one} for status, one in found]


def _answer(actor: Actor, address: str, request: HttpRequest) -> tuple[int, lists.Answer | dict[str, Any]]:
    path, _mark, words = address.partition("?")
    part = copy(request)
    part.GET = QueryDict(words)
    try:
        return 200, _read(actor, [unquote(one) for one in path.split("/")], part)
    except OdosError as error:
        refused = answers.refusal(part, error)
        return refused.status_code, json.loads(refused.content)


def _read(actor: Actor, path: list[str], request: HttpRequest) -> lists.Answer | dict[str, Any]:
    """Errors: Missing where no list, no record and no figure lives there."""
    match path:
        case ["kpis", key, "value", ""]:
            return kpis.value(actor, key, request)
        case ["kpis" | "files", *_more]:
            raise Missing
        case [slug, ""] if "format" not in request.GET:
            return lists.found(actor, views.type_at(slug), lists.wanted(request.GET), request)
        case [slug, ident, ""]:
            object_type = views.type_at(slug)
            return views.record(actor, object_type, parsing.record_id(object_type, ident))
    raise Missing
