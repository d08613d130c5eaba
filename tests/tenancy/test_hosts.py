"""A host leads to one company or to nothing (I-15, I-16, I-17); suspended companies are shut at once."""

import itertools
import os
from importlib import import_module

import pytest
from django.conf import settings
from django.db.utils import OperationalError
from django.test import Client, RequestFactory

from core import context
from core.models import User
from tenants import directory
from tenants.middleware import COMPANY_URLCONF, PUBLIC_URLCONF, HostMiddleware
from tenants.models import Company
from tests import people


@pytest.fixture(scope="module")
def pair():
    return [people.new_company(), people.new_company()]


def resolve(host: str | None, path: str = "/", **meta):
    """What the middleware makes of a Host header: a company's subdomain, "public", or a status code."""
    seen: list = []

    def view(request):
        company = context.company_or_none()
        seen.append(company.subdomain if company else "public")
        assert request.urlconf == (COMPANY_URLCONF if company else PUBLIC_URLCONF)
        assert (company is None) == context.public_is_bound()
        return HttpResponseStub()

    request = RequestFactory().get(path)
    request.META.pop("HTTP_HOST", None)
    request.META |= {"SERVER_NAME": "unknown.example", **({} if host is None else {"HTTP_HOST": host}), **meta}
    response = HostMiddleware(view)(request)
    assert context.company_or_none() is None and not context.public_is_bound()
    return seen[0] if seen else response.status_code


class HttpResponseStub(dict):
    streaming = False
    headers = property(lambda self: self)

    def has_header(self, name):
        return name in self


def variants(subdomain: str) -> dict[str, object]:
    """Host headers and what each must lead to."""
    ports = dict.fromkeys(["", ":80", ":8000", ":65535"], True) | dict.fromkeys([":0", ":65536", ":", ":8a", ":-1", ":99999999"], False)
    right = {f"{subdomain}.localhost", f"{subdomain}.LOCALHOST", f"{subdomain.upper()}.Localhost"}
    expected: dict[str, object] = {}
    for host, (port, good) in itertools.product(sorted(right), ports.items()):
        expected[host + port] = subdomain if good else 404
    for host in ("localhost", "LOCALHOST", "127.0.0.1", "[::1]"):
        for port, good in ports.items():
            expected[host + port] = "public" if good else 404
    own = f"{subdomain}.localhost"
    near = [
        f"{own}.", f"{subdomain}..localhost", f".{own}", f"www.{own}", f"{subdomain}localhost", f"{own}.evil.example",
        f"{own}@evil.example", f"evil.example#{own}", f"{own},localhost", f"{own}, {own}", f" {own}", f"{own} ", f"http://{own}",
        f"{own}/", f"{own}\\", f"{own}\x00", f"{own}\r\nX: y", f"{subdomain}%2elocalhost", f"{subdomain}.local", subdomain,
        f"{subdomain}.LOCALHOST.", f"{subdomain}.loсalhost", f"{subdomain}。localhost", f"{subdomain}.localhoſt",
        f"{subdomain}_x.localhost", f"-{own}", "", ":8000", "*", "*.localhost", "%.localhost", "_.localhost", "localhost.",
        "0.0.0.0", "127.0.0.2", "127.1", "2130706433", "0x7f000001", "[::]", "[::1", "::1", "[::ffff:127.0.0.1]", "[::1]x",
        "example.com", "unknown.localhost", "public.localhost", f"t_{'a' * 26}.localhost", "no_tenant.localhost",
        f"{'a' * 63}.localhost", f"{'a' * 300}.localhost", "x" * 70_000, "' OR 1=1 --.localhost", "localhost' OR '1'='1", "..",
        ".", "xn--80ak6aa92e.localhost", "localhost:8000:8000", "user:pw@localhost", "localhost\t", "\x7f", "ünknown.localhost",
    ]  # fmt: skip
    expected |= dict.fromkeys(near, 404)
    return expected


def test_every_spelling_of_a_host_leads_to_the_right_company_or_to_nothing(pair):
    """I-17: some hundred Host headers, asked for several paths."""
    cases = {**variants(pair[0].subdomain), **variants(pair[1].subdomain)}
    assert len(cases) > 150
    paths = ["/", "/api/v1/users/", "/signup/", "//evil.example/", "/%2e%2e/"] if os.environ.get("ODOS_LONG") else ["/", "//evil.example/"]
    wrong = {(host[:80], path): got for host, want in cases.items() for path in paths if (got := resolve(host, path)) != want}
    assert wrong == {}


def test_headers_of_proxies_do_not_decide(pair):
    """I-17: only Host does."""
    first, second = (directory.host_of(company.subdomain) for company in pair)
    spoofed = ("HTTP_X_FORWARDED_HOST", "HTTP_X_HOST", "HTTP_FORWARDED", "HTTP_X_ORIGINAL_URL", "HTTP_X_FORWARDED_SERVER", "SERVER_NAME")
    for name in spoofed:
        assert resolve(first, **{name: f"host={second}" if name == "HTTP_FORWARDED" else second}) == pair[0].subdomain
        assert resolve("unknown.example", **{name: first}) == 404
        assert resolve(None, **{name: first}) == 404


def test_a_request_line_with_a_whole_address_is_not_served(pair):
    first, second = (directory.host_of(company.subdomain) for company in pair)
    request = RequestFactory().get("/", headers={"host": first})
    request.path_info = f"http://{second}/"
    response = HostMiddleware(lambda request: pytest.fail("It was served."))(request)
    assert response.status_code == 404


def test_an_unknown_host_gets_a_plain_404_without_a_word_of_the_database(pair):
    response = people.browser(host="unknown.localhost").get("/")
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.content == b"There is nothing at this address.\n"
    assert "Set-Cookie" not in response.headers


def test_a_company_that_is_suspended_is_shut(pair):
    company = people.new_company()
    assert resolve(directory.host_of(company.subdomain)) == company.subdomain
    with context.bind_public():
        Company.objects.filter(id=company.id).update(status=Company.Status.SUSPENDED)
    directory.forget()
    assert resolve(directory.host_of(company.subdomain)) == 404
    with pytest.raises(context.Unbound):
        context.find(company.id)


def test_other_processes_forget_a_suspended_company_within_seconds(pair, monkeypatch):
    company = people.new_company()
    assert resolve(directory.host_of(company.subdomain)) == company.subdomain
    with context.bind_public():
        Company.objects.filter(id=company.id).update(status=Company.Status.SUSPENDED)
    now = directory.time.monotonic()
    monkeypatch.setattr(directory.time, "monotonic", lambda: now + directory.TTL + 0.1)
    assert directory.TTL <= 10
    assert resolve(directory.host_of(company.subdomain)) == 404


def test_a_database_that_is_away_is_said_in_a_sentence(pair, monkeypatch):
    def away(host):
        raise OperationalError("connection refused")

    monkeypatch.setattr(directory, "by_host", away)
    assert resolve("unknown.localhost") == 503


# Cookies --------------------------------------------------------------------------------------------------------------


def who(client: Client) -> User | None:
    """The user this browser is taken for at its host."""
    return client.get("/").wsgi_request.user


def test_a_session_cookie_means_nothing_at_another_host(pair):
    """I-15: at the sibling company, on the public site, by IP address: anonymous."""
    first, second = pair
    client = people.signed_in(people.owner_of(first), first)
    assert who(client) == people.owner_of(first)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    for host in (directory.host_of(second.subdomain), "localhost", "127.0.0.1"):
        other = people.browser(host=host)
        other.cookies[settings.SESSION_COOKIE_NAME] = cookie
        page = other.get("/", follow=True)
        assert people.owner_of(first).email.encode() not in page.content
        assert who(other) is None


def test_a_session_row_copied_into_another_company_is_refused(pair):
    """I-15: the session names its company; the very same row and user elsewhere sign nobody in."""
    first, second = pair
    client = people.signed_in(people.owner_of(first), first)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    store = import_module(settings.SESSION_ENGINE).SessionStore
    with context.bind(first):
        data = dict(store(key).load())
    with context.bind(second):
        forged = store()
        forged.update({**data, "user": str(User.objects.get().pk), "stamp": User.objects.get().get_session_auth_hash()})
        forged.save()
    other = people.browser(second)
    other.cookies[settings.SESSION_COOKIE_NAME] = forged.session_key
    assert who(other) is None


def test_cookies_belong_to_one_host_and_not_to_its_neighbours(pair):
    """I-15, I-16: no Domain attribute, so the browser sends none of them to a sibling."""
    client = people.signed_in(people.owner_of(pair[0]), pair[0])
    client.get("/")
    public = people.browser()
    public.get("/signup/?lang=en")
    set_cookies = [*client.cookies.values(), *public.cookies.values()]
    assert {settings.CSRF_COOKIE_NAME} <= set(public.cookies)
    assert all(morsel["domain"] == "" for morsel in set_cookies)
    assert settings.SESSION_COOKIE_DOMAIN is None and settings.CSRF_COOKIE_DOMAIN is None


def test_a_form_of_a_sibling_company_changes_nothing(pair):
    """I-16: a page of another company posts with the visitor's cookies, and even with a tossed CSRF cookie: 403."""
    first, second = pair
    victim = people.signed_in(people.owner_of(first), first)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies, strict.defaults = victim.cookies, victim.defaults
    token = "a" * 32
    strict.cookies[settings.CSRF_COOKIE_NAME] = token
    origin = f"http://{directory.host_of(second.subdomain)}"
    for headers in ({}, {"origin": origin}, {"origin": "null"}, {"referer": f"{origin}/"}):
        form = {"theme": "dark", "csrfmiddlewaretoken": token if "origin" in headers else ""}
        answer = strict.post("/preferences/", form, headers=headers)
        assert answer.status_code == 403, headers
    assert settings.CSRF_TRUSTED_ORIGINS == []
