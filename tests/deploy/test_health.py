"""/healthz and /readyz: what they answer when something is missing, and that nothing else is answered by them."""

import json

import pytest
import redis
from django.conf import settings
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import RequestFactory

from deploy import health
from deploy.launcher import ports


@pytest.fixture
def ask():
    """``ask(path)``: status and body; what is not health's own is answered 299."""
    middleware = health.HealthMiddleware(lambda request: HttpResponse(status=299))

    def answer(path: str, method: str = "get", **checks) -> tuple[int, dict]:
        for name, value in checks.items():
            setattr(middleware.checks, name, value)
        response = middleware(getattr(RequestFactory(HTTP_HOST="nobody.example"), method)(path))
        return response.status_code, json.loads(response.content or b"{}")

    return answer


def test_all_is_well(ask):
    assert ask("/healthz") == (200, {"status": "ok", "process": "ok"})
    assert ask("/readyz") == (200, {"status": "ok", "database": "ok", "valkey": "ok", "migrations": "ok"})


def test_without_valkey_it_runs_but_is_not_ready(ask):
    nobody = redis.Redis(port=ports.choose("127.0.0.1", 0), **settings.CACHES["default"]["OPTIONS"])
    assert ask("/readyz", valkey=nobody) == (503, {"status": "unavailable", "database": "ok", "valkey": "missing", "migrations": "ok"})
    assert ask("/healthz")[0] == 200


def test_without_a_database_nothing_is_said_of_its_migrations(ask, monkeypatch):
    def refuse():
        raise OperationalError("secret reason")

    monkeypatch.setattr(connection, "ensure_connection", refuse)
    status, said = ask("/readyz")
    assert (status, said["database"], said["migrations"]) == (503, "missing", "missing")
    assert "secret" not in json.dumps(said)


def test_migrations_are_asked_for_until_they_are_there(ask, monkeypatch):
    monkeypatch.setattr(health.provision, "is_prepared", lambda: False)
    assert ask("/readyz")[1]["migrations"] == "missing"
    monkeypatch.setattr(health.provision, "is_prepared", lambda: True)
    assert ask("/readyz")[0] == 200
    monkeypatch.setattr(health.provision, "is_prepared", lambda: False)
    assert ask("/readyz")[0] == 200


@pytest.mark.parametrize("path", ["/", "/readyz/", "/healthz/x", "/api/readyz"])
def test_other_paths_pass(ask, path):
    assert ask(path)[0] == 299


def test_only_reading(ask):
    assert ask("/readyz", "post")[0] == 405
    assert ask("/healthz", "head")[0] == 200
