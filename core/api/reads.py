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
        return answers.answer({"answers": self.reading(lambda actor: [_answer(actor, address, plain) for address in asked])})


def _answer(actor: Actor, address: str, request: HttpRequest) -> dict[str, Any]:
    """What a GET of this address alone would answer: its status and its body."""
    path, _mark, words = address.partition("?")
    part = copy(request)
    part.GET = QueryDict(words)
    try:
        return {"status": 200, "body": _read(actor, [unquote(one) for one in path.split("/")], part)}
    except OdosError as error:
        refused = answers.refusal(part, error)
        return {"status": refused.status_code, "body": json.loads(refused.content)}


def _read(actor: Actor, path: list[str], request: HttpRequest) -> dict[str, Any]:
    """Errors: Missing where no list, no record and no figure lives there."""
    match path:
        case ["kpis", key, "value", ""]:
            return kpis.value(actor, key, request)
        case ["kpis" | "files", *_more]:
            raise Missing
        case [slug, ""] if "format" not in request.GET:
            return lists.body(actor, views.type_at(slug), lists.wanted(request.GET), request)
        case [slug, ident, ""]:
            object_type = views.type_at(slug)
            return views.record(actor, object_type, parsing.record_id(object_type, ident), request)
    raise Missing
