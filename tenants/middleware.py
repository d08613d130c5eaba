"""A request's host decides its company, before anything else looks at the request. Reads no session and no user.

The company stays bound around the whole request, and around each step of a streamed answer, which outlives this middleware.
"""

import re
from collections.abc import Callable, Iterator
from contextvars import Context, copy_context
from functools import partial

from django.db.utils import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from core import context
from tenants import directory

HOST = re.compile(r"(?P<name>[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?|\[[0-9a-f:]{2,45}\])(:(?P<port>[0-9]{1,5}))?\Z", re.IGNORECASE)

COMPANY_URLCONF = "tenants.urls_company"
PUBLIC_URLCONF = "tenants.urls_public"


class HostMiddleware:
    """Binds the company of the request's Host header, matched as a whole; any other host gets a plain 404 (I-17).

    X-Forwarded-Host and the like are not read. Cost: one query for a host not seen within the directory's memory.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        host = _host(request)
        if host is None:
            return _plain(404, "There is nothing at this address.")
        name, port = host
        if name in directory.public_hosts():
            _serve_as(request, name, port, PUBLIC_URLCONF)
            with context.bind_public():
                return _keep_bound(self.get_response(request))
        try:
            company = directory.by_host(name)
        except (OperationalError, InterfaceError):
            return _plain(503, "Odos cannot reach its database at the moment: please try again in a minute.")
        if company is None:
            return _plain(404, "There is nothing at this address.")
        _serve_as(request, name, port, COMPANY_URLCONF)
        with context.bind(company):
            return _keep_bound(self.get_response(request))


def _host(request: HttpRequest) -> tuple[str, str] | None:
    """The host in lower case and its port with the colon, or None where the header is missing, doubled or malformed."""
    match = HOST.match(request.META.get("HTTP_HOST", ""))
    if match is None or int(match["port"] or 1) not in range(1, 65536) or not request.path_info.startswith("/"):
        return None
    return match["name"].lower(), f":{match['port']}" if match["port"] else ""


def _serve_as(request: HttpRequest, name: str, port: str, urlconf: str) -> None:
    """From here on everyone sees the one spelling of the host, so cookies, CSRF and links agree."""
    request.META["HTTP_HOST"] = name + port
    request.META.pop("HTTP_X_FORWARDED_HOST", None)
    request.urlconf = urlconf


def _keep_bound(response: HttpResponseBase) -> HttpResponseBase:
    patch_vary_headers(response, ["Host"])
    if response.streaming:
        here = copy_context()
        # What closes the stream may leave context managers that its steps entered: it runs where they ran.
        response._resource_closers = [partial(here.run, closer) for closer in response._resource_closers]
        response.streaming_content = _BoundStream(here, response.streaming_content)
    return response


class _BoundStream(Iterator):
    """A stream whose every step runs in the binding in which it was made (I-05), whoever asks for the step."""

    def __init__(self, here: Context, steps):
        self._here, self._steps = here, iter(steps)

    def __next__(self):
        return self._here.run(next, self._steps)


def _plain(status: int, sentence: str) -> HttpResponse:
    response = HttpResponse(sentence + "\n", status=status, content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = "no-store"
    return response
