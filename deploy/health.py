"""Answers whoever watches the process: /healthz (it runs) and /readyz (it can serve). For any host, before any company is known.

Says what is missing by name, never why: the reasons are in the log.
"""

import logging
from collections.abc import Callable

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.utils import InterfaceError
from django.http import HttpRequest, HttpResponse, JsonResponse

from core import context
from tenants import provision

log = logging.getLogger("odos.health")


class HealthMiddleware:
    """The very first middleware: its two paths are answered here, everything else passes. GET and HEAD only."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response
        self.checks = Checks()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info not in ("/healthz", "/readyz"):
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
        if request.path_info == "/healthz":
            return _answer({"process": True})
        return _answer(self.checks.run())


class Checks:
    """What a process needs in order to serve. Cost: one query and a PING, five queries more until the migrations are there."""

    def __init__(self):
        cache = settings.CACHES["default"]
        self.valkey = redis.Redis.from_url(cache["LOCATION"], **cache["OPTIONS"])
        self.is_migrated = False  # stays true once seen: newer migrations come with newer code in a new process

    def run(self) -> dict[str, bool]:
        database = self._try(_database_answers)
        return {
            "database": database,
            "valkey": self._try(self.valkey.ping),
            "migrations": database and self._try(self._migrations_are_there),
        }

    def _migrations_are_there(self) -> bool:
        self.is_migrated = self.is_migrated or provision.is_prepared()
        return self.is_migrated

    def _try(self, check: Callable[[], bool]) -> bool:
        try:
            return bool(check())
        except (DatabaseError, InterfaceError, redis.RedisError, OSError) as error:
            log.warning("not ready: %s", error)
            return False


def _database_answers() -> bool:
    with context.bind_public():
        connection.ensure_connection()
        return connection.is_usable()


def _answer(checks: dict[str, bool]) -> HttpResponse:
    ready = all(checks.values())
    words = {name: "ok" if well else "missing" for name, well in checks.items()}
    response = JsonResponse({"status": "ok" if ready else "unavailable", **words}, status=200 if ready else 503)
    response["Cache-Control"] = "no-store"
    response._has_been_logged = True  # Checks has said why; whoever watches asks every second
    return response
