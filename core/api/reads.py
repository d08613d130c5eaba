"""Several lists, records and figures in one request, all of one moment: what a screen shows together agrees, and costs one way to the server."""

import json
from collections.abc import Callable
from copy import copy
from itertools import chain
from typing import Any
from urllib.parse import unquote

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _

from core import limits, query
from core.access import Actor
from core.api import answers, kpis, lists, parsing, views
from core.errors import Missing, OdosError, RuleError
from core.prepared import Asked, ask_together


class Reads(views.Endpoint):
    """``/reads/``: an array of addresses below the API's root, each of a list, of one record or of a figure, as a GET has them."""

    http_method_names = ("post", "options")
    only_reads = True

    def post(self, request) -> HttpResponse:
        asked, plain = request.data, request._request
        if not isinstance(asked, list) or not all(isinstance(one, str) for one in asked):
            raise RuleError(_("What is read together is an array of addresses, such as “accounts/?limit=5”."))
        limits.demand("reads", len(asked), _("addresses"))
        return answers.answer({"answers": self.reading(lambda actor: _answers(actor, asked, plain))})


Told = lists.Answer | dict[str, Any]
Begun = tuple[list[Asked], Callable[[], Told]]  # what it asks of the database first, and what reads it


def _answers(actor: Actor, asked: list[str], request: HttpRequest) -> list[dict[str, Any]]:
    """What a GET of each of these addresses would answer: its status and its body."""
    parts = [(address.partition("?"), copy(request)) for address in asked]
    for (_path, _mark, words), part in parts:
        part.GET = QueryDict(words)
    begun = [_kept(part, lambda path=path, part=part: _begin(actor, [unquote(one) for one in path.split("/")], part)) for (path, *_more), part in parts]
    ask_together(chain.from_iterable(one[0] for status, one in begun if status == 200))
    found = [_kept(part, one[1]) if status == 200 else (status, one) for (_address, part), (status, one) in zip(parts, begun, strict=True)]
    bodies = iter(lists.bodies(actor, [one for _status, one in found if isinstance(one, lists.Answer)], request))
    return [{"status": status, "body": next(bodies) if isinstance(one, lists.Answer) else one} for status, one in found]


def _kept(request: HttpRequest, work: Callable[[], Any]) -> tuple[int, Any]:
    """What the work comes to, or what a GET that is refused would answer."""
    try:
        return 200, work()
    except OdosError as error:
        refused = answers.refusal(request, error)
        return refused.status_code, json.loads(refused.content)


def _begin(actor: Actor, path: list[str], request: HttpRequest) -> Begun:
    """Errors: Missing where no list, no record and no figure lives there."""
    match path:
        case ["kpis", key, "value", ""]:
            return [], lambda: kpis.value(actor, key, request)
        case ["kpis" | "files", *_more]:
            raise Missing
        case [slug, ""] if "format" not in request.GET:
            object_type, wanted = views.type_at(slug), lists.wanted(request.GET)
            begun = lists.begin(actor, object_type, wanted, request)
            return begun.asked() if begun else [], lambda: lists.found(actor, object_type, wanted, request, begun)
        case [slug, ident, ""]:
            object_type = views.type_at(slug)
            known = parsing.record_id(object_type, ident)
            return query.asked_for_one(actor, object_type, known), lambda: views.record(actor, object_type, known)
    raise Missing
