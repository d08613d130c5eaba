"""What the API answers: JSON as the contract writes it, addresses, and every refusal in the one form of errors.

``refusal`` is the only place that turns what went wrong into a status. What is wrong, the doors of core say.
"""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import RawPostDataException, UnreadablePostError
from django.utils.translation import gettext as _
from rest_framework import exceptions

from core import errors

log = logging.getLogger("odos.api")

ROOT = "/api/v1/"
BUSY = ("55P03", "40001", "40P01")  # lock not available, serialization failure, deadlock
STATUS = {errors.Unparsable: 400, errors.Denied: 403, errors.WrongState: 409, errors.Stale: 412, errors.VersionRequired: 428}
SLOW = "57014"  # statement cancelled, by its timeout


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(written(body), status=status, content_type="application/json", headers=headers)


def written(body: Any) -> bytes:
    """JSON as it is sent, moments as the contract writes them. Half of a character is sent as a question mark, and a whole number may have any length."""
    try:
        return orjson.dumps(body, option=orjson.OPT_UTC_Z)  # in a twentieth of the time
    except TypeError:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), default=_moment).encode("utf-8", "replace")


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat()[:-6] + "Z"


def address(request: HttpRequest, path: str = "") -> str:
    """The absolute URL of a path below the API's root."""
    return f"{request.scheme}://{request.get_host()}{ROOT}{path}"


def addresser(request: HttpRequest) -> Callable[[str, Any], str]:
    """``url(slug, id)`` for ``read.as_json``."""
    root = address(request)
    return lambda slug, ident: f"{root}{slug}/{ident}/"


def errors_body(request: HttpRequest, found: dict[str, list]) -> dict[str, Any]:
    return {"errors": {str(k): [str(s) for s in v] for k, v in found.items()}, "request_id": getattr(request, "request_id", "")}


def refuse(request: HttpRequest, status: int, sentence: str | dict[str, list], headers: dict[str, str] | None = None) -> HttpResponse:
    return answer(errors_body(request, sentence if isinstance(sentence, dict) else {"_": [sentence]}), status, headers)


def refusal(request: HttpRequest, error: Exception) -> HttpResponse:
    """The answer to what went wrong. Cost: none; what is stale is shown by the caller."""
    if isinstance(error, errors.OdosError):
        return _ruled(request, error)
    if isinstance(error, exceptions.APIException | Http404):
        return _framed(request, error)
    if isinstance(error, SuspiciousOperation | BadRequest | MultiPartParserError | UnreadablePostError | RawPostDataException):
        return refuse(request, 400, _("The request cannot be read."))
    if isinstance(error, DataError):
        return refuse(request, 422, _("A value is outside of what is possible."))
    if isinstance(error, IntegrityError):
        return refuse(request, 409, _("Another record refers to this one, or changed at the same moment. Try again."))
    if isinstance(error, OperationalError | InterfaceError):
        return _unavailable(request, error)
    log.error("A request of the API failed: %s %s", request.method, request.path, exc_info=error)
    return refuse(request, 500, _("Something went wrong on our side. Nothing was changed."))


def _ruled(request: HttpRequest, error: errors.OdosError) -> HttpResponse:
    if isinstance(error, errors.RuleError):
        return refuse(request, 422, error.errors)
    if isinstance(error, errors.Missing):
        return refuse(request, 404, _("There is nothing here, or you may not see it."))
    return refuse(request, STATUS[type(error)], str(error))


def _framed(request: HttpRequest, error: Exception) -> HttpResponse:
    """What the framework refuses before the doors are reached."""
    if isinstance(error, Http404):
        return refuse(request, 404, _("There is nothing here, or you may not see it."))
    if isinstance(error, exceptions.NotAuthenticated):
        headers = {"WWW-Authenticate": "Bearer"}
        return refuse(request, 401, _("Send a key of this company as “Authorization: Bearer <key>”, or sign in."), headers)
    if isinstance(error, exceptions.AuthenticationFailed):
        return refuse(request, 401, str(error.detail), {"WWW-Authenticate": "Bearer"})
    if isinstance(error, exceptions.Throttled):
        return refuse(request, 429, _("Too many requests in this second; wait and send it again."), {"Retry-After": "1"})
    if isinstance(error, exceptions.MethodNotAllowed):
        return refuse(request, 405, _("This address does not take %(method)s.") % {"method": str(request.method)[:20]})
    if isinstance(error, exceptions.UnsupportedMediaType | exceptions.ParseError):
        return refuse(request, 400, _("The body is JSON in UTF-8, sent as application/json."))
    return refuse(request, error.status_code, str(error.detail))


def _unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
    state = getattr(error.__cause__, "sqlstate", None)
    if state in BUSY:
        return refuse(request, 409, _("Somebody else is changing the same at this moment. Try again."), {"Retry-After": "1"})
    if state == SLOW:
        return refuse(request, 503, _("This takes too long. Narrow the filter, or ask for less."), {"Retry-After": "5"})
    log.error("The database does not answer: %s %s", request.method, request.path, exc_info=error)
    return refuse(request, 503, _("Odos cannot reach its database at the moment. Please try again in a minute."), {"Retry-After": "5"})
