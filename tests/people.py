"""Companies, people and clients for tests, made through the product's own doors. Asserts nothing."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import count
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.test.client import ClientHandler

from core import access, context, door, keys, registry, sessions, write
from core.models import Role, User
from tenants import directory, provision
from tests.servers import WORKER

PASSWORD = "plum-orchard-lantern"

T = TypeVar("T")
_number = count(1)


def new_company(**stated: str) -> context.Company:
    """A company with its owner Alice, by the product's own way. A fraction of a second. Not bound."""
    number = next(_number)
    values = {
        "subdomain": f"test{number}{WORKER}", "name": f"Test company {number}", "email": f"alice{number}{WORKER}@example.com",
        "password": PASSWORD, "user_name": "Alice",
    }  # fmt: skip
    return provision.create_company(**{**values, **stated}).frozen()


def owner_of(company: context.Company) -> User:
    with context.bind(company):
        return User.objects.order_by("created_at", "pk").first()


def new_user(name: str, *role_keys: str, **values: Any) -> User:
    """A person of the bound company with these default roles."""
    roles = [str(pk) for pk in Role.objects.filter(key__in=role_keys).values_list("pk", flat=True)]
    if len(roles) != len(role_keys):
        raise LookupError(f"Not each of {role_keys} is a default role.")
    stated = {"name": name, "email": f"{name.lower()}{next(_number)}@example.com", "password": PASSWORD, "roles": roles}
    return writing(lambda: write.create(access.system("tests"), registry.get("users"), {**stated, **values}))


def writing(work: Callable[[], T]) -> T:
    """Do it in a transaction, as a request would."""
    return door.writing(work)


def browser(company: context.Company | None = None, host: str = "localhost", **defaults: str) -> Client:
    """A browser without JavaScript, at a company's host or the public site's; signed in nowhere."""
    client = Client(raise_request_exception=False)
    client.handler._middleware_chain = _chain()
    client.defaults |= {"HTTP_HOST": directory.host_of(company.subdomain) if company else host, **defaults}
    return client


@cache
def _chain() -> Callable[[HttpRequest], HttpResponse]:
    """The product's middleware, made once as in a server's process, and not again for each browser."""
    handler = ClientHandler()
    handler.load_middleware()
    return handler._middleware_chain


def signed_in(user: User, company: context.Company) -> Client:
    """A browser at the company's host in which this user has signed in."""
    client = browser(company)
    request = RequestFactory(**client.defaults).post("/")
    with context.bind(company):
        request.session = import_module(settings.SESSION_ENGINE).SessionStore()
        sessions.sign_in(request, user)
        request.session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = request.session.session_key
    return client


@dataclass
class Api:
    """A program with a key. Paths are below /api/v1/, or addresses the API gave; bodies are values, or bytes sent as they are."""

    client: Client
    key: str

    def get(self, path: str, query: dict | None = None, **headers: str) -> HttpResponse:
        return self.send("GET", path, query=query, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """``idempotency_key="..."`` and the like become headers."""
        return self.send("POST", path, body, **headers)

    def patch(self, path: str, body: Any, version: int | None = None, **headers: str) -> HttpResponse:
        return self.send("PATCH", path, body, version=version, **headers)

    def delete(self, path: str, version: int | None = None, **headers: str) -> HttpResponse:
        return self.send("DELETE", path, version=version, **headers)

    def send(
        self, method: str, path: str, body: Any = None, query: dict | None = None, version: int | None = None, **headers: str
    ) -> HttpResponse:
        if "://" in path:
            path = "/" + path.split("/", 3)[3]
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"Authorization": f"Bearer {self.key}"}
        if version is not None:
            sent["If-Match"] = f'"{version}"'
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        place = path if path.startswith("/") else f"/api/v1/{path}"
        return self.client.generic(method, place, data, "application/json", headers=sent, query_params=query or {})


def api(user: User, company: context.Company) -> Api:
    """A client of the company's API with a new key of this user."""
    with context.bind(company):
        key = writing(lambda: keys.issue(user))
    return Api(browser(company), key)


def at_once(company, key, times, ask):
    """Answers of ``ask(api, number)`` from this many threads, each with a client and a connection of its own."""

    def one(number):
        try:
            return ask(Api(browser(company), key), number)
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))
