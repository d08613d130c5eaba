"""The public site: it says what Odos is, makes companies, and loses nothing that someone typed."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.test import override_settings

from core import codes, context
from core.models import User
from tenants import directory, provision, signup
from tenants.models import Company, SignInToken
from tests import people

FORM = {
    "email": "li.wei@example.com", "user_name": "李伟", "name": "蓝色山丘", "subdomain": "blue-hills", "password": people.PASSWORD,
    "country": "CN", "currency": "CNY", "timezone": "Asia/Shanghai", "language": "zh-Hans",
}  # fmt: skip


@pytest.fixture
def visitor():
    return people.browser(HTTP_ACCEPT_LANGUAGE="en", HTTP_HOST="localhost:8000")


def text_of(answer) -> str:
    return unescape(answer.content.decode())


def errors_at(page: str) -> set[str]:
    """Names of the fields under which the page shows sentences."""
    return set(re.findall(r'id="id_([a-z_]+)-error"', page))


def company_at(subdomain: str) -> Company | None:
    with context.bind_public():
        return Company.objects.filter(subdomain=subdomain).first()


def test_the_front_page_says_what_it_is_and_leads_to_sign_up(visitor):
    page = visitor.get("/")
    assert page.status_code == 200
    assert 'href="/signup/"' in text_of(page)
    assert '<html lang="en"' in text_of(page)


@pytest.mark.parametrize("path", ["/", "/signup/"])
def test_the_site_speaks_the_readers_language(visitor, path):
    """As the browser asks; by a link, which is remembered; and both languages really differ."""
    english, chinese = text_of(visitor.get(path)), text_of(visitor.get(path, headers={"accept-language": "zh-CN,zh;q=0.9"}))
    assert '<html lang="en"' in english and '<html lang="zh-hans"' in chinese
    heading = re.compile(r"<h1[^>]*>([^<]+)<")
    assert heading.search(english)[1] != heading.search(chinese)[1]
    assert re.search(r"[\u4e00-\u9fff]", heading.search(chinese)[1])
    assert '<html lang="zh-hans"' in text_of(visitor.get(path, {"lang": "zh-hans"}))
    assert visitor.cookies[settings.LANGUAGE_COOKIE_NAME].value == "zh-hans"
    assert '<html lang="zh-hans"' in text_of(visitor.get(path))
    assert '<html lang="en"' in text_of(visitor.get(path, {"lang": "en"}))
    assert '<html lang="en"' in text_of(visitor.get(path, {"lang": "klingon"}))


def test_language_and_theme_are_kept_without_javascript(visitor):
    answer = visitor.post("/preferences/", {"language": "zh-hans", "theme": "dark", "next": "/signup/"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/signup/")
    page = text_of(visitor.get("/signup/"))
    assert '<html lang="zh-hans" data-theme="dark"' in page
    for elsewhere in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        assert visitor.post("/preferences/", {"theme": "light", "next": elsewhere}).headers["Location"] == "/"


def test_the_form_starts_with_what_fits_the_browser(visitor):
    page = text_of(visitor.get("/signup/", headers={"accept-language": "zh-CN"}))
    for value in ("CN", "CNY", "Asia/Shanghai", "zh-Hans"):
        assert f'<option value="{value}" selected>' in page
    assert signup.guess("de-CH,en;q=0.5") == {"country": "CH", "currency": "CHF", "timezone": "Europe/Zurich"}
    for odd in ("", "*", "xx-YY", "\x00", "a" * 9999, "en-\ud800", "-", "zh-Hans-CN-x-private", ",,,;q=", "en-001"):
        assert set(signup.guess(odd)) == {"country", "currency", "timezone"}


def test_someone_signs_up_and_is_in_his_company(visitor):
    """From the form to the company's host, signed in as its owner, by links and buttons alone."""
    answer = visitor.post("/signup/", FORM)
    assert answer.status_code == 302, text_of(answer)
    place = urlsplit(answer.headers["Location"])
    assert (place.scheme, place.netloc, place.path) == ("http", "blue-hills.localhost:8000", "/welcome/")
    token = parse_qs(place.query)["token"][0]
    owner = people.browser(HTTP_HOST=place.netloc)
    arrived = owner.get("/welcome/", {"token": token})
    assert (arrived.status_code, arrived.headers["Location"]) == (302, "/")
    company = company_at("blue-hills").frozen()
    assert (company.name, company.country, company.currency, company.timezone, company.language) == (
        "蓝色山丘", "CN", "CNY", "Asia/Shanghai", "zh-Hans",
    )  # fmt: skip
    user = owner.get("/").wsgi_request.user
    assert (user.email, user.name) == ("li.wei@example.com", "李伟")
    with context.bind(company):
        assert user.roles.get().key == "owner" and User.objects.count() == 1


def test_the_forms_page_lets_its_answer_lead_to_the_companys_host(visitor):
    """Browsers hold a redirect after a form to the page's own policy."""
    policy = visitor.get("/signup/").headers["Content-Security-Policy"]
    directive = next(part.strip() for part in policy.split(";") if part.strip().startswith("form-action"))
    assert directive == "form-action 'self' http://*.localhost:8000"
    assert "unsafe" not in policy


WRONG = [
    ("email", "nobody"), ("user_name", ""), ("name", ""), ("subdomain", "www"), ("subdomain", "A B"), ("password", "short"),
    ("country", "ZZ"), ("currency", "BTC"), ("timezone", "Mars/Base"), ("language", "tlh"), ("name", "\x00"),
    ("email", "x" * 500 + "@example.com"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_mistake_is_shown_at_its_field_and_nothing_typed_is_lost(visitor, field, value):
    answer = visitor.post("/signup/", {**FORM, "subdomain": "never-made", field: value})
    page = text_of(answer)
    assert answer.status_code == 422
    assert errors_at(page) == {field}
    kept = {**FORM, "subdomain": "never-made", field: value}
    for name in ("email", "user_name", "name", "subdomain"):
        if kept[name].isprintable():
            assert f'value="{kept[name]}"' in page
    for name in {"country", "currency", "timezone", "language"} - {field}:
        assert f'<option value="{kept[name]}" selected>' in page
    assert people.PASSWORD not in page
    assert company_at("never-made") is None


def test_all_mistakes_are_shown_at_once(visitor):
    answer = visitor.post("/signup/", {})
    assert answer.status_code == 422
    assert errors_at(text_of(answer)) == set(FORM)


def test_a_taken_subdomain_is_said_at_the_subdomain(visitor):
    taken = people.new_company()
    answer = visitor.post("/signup/", {**FORM, "subdomain": taken.subdomain})
    assert answer.status_code == 422 and errors_at(text_of(answer)) == {"subdomain"}


def test_what_is_typed_is_shown_as_text(visitor):
    page = visitor.post("/signup/", {**FORM, "name": "<script>alert(1)</script>", "email": "x"}).content.decode()
    assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"email=%ff%fe&name=%00", b"a=1&" * 5000, b"{}"])
def test_hostile_bytes_are_refused_and_never_break_the_page(visitor, body):
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json"):
        assert 400 <= visitor.generic("POST", "/signup/", body, kind).status_code < 500


def test_the_form_needs_its_token():
    strict = people.browser()
    strict.handler.enforce_csrf_checks = True
    assert strict.post("/signup/", {**FORM, "subdomain": "forged-form"}).status_code == 403
    assert company_at("forged-form") is None


def test_sign_ups_from_one_address_are_limited():
    """Companies are counted, not the tries of someone who mistypes; and another address has its own count."""

    def sign_up(subdomain: str, address: str = "192.0.2.7"):
        return people.browser().post("/signup/", {**FORM, "subdomain": subdomain}, REMOTE_ADDR=address)

    with override_settings(SIGNUPS_PER_HOUR=2):
        assert [sign_up(f"limited-{n}").status_code for n in ("a", "?", "?", "?", "b", "?", "c")] == [302, 422, 422, 422, 302, 422, 429]
        assert FORM["name"] in text_of(sign_up("limited-d"))
        assert company_at("limited-b") and company_at("limited-c") is None and company_at("limited-d") is None
        assert sign_up("limited-e", "192.0.2.8").status_code == 302


def test_the_front_page_leads_to_ones_own_company(visitor):
    assert visitor.get("/open/", {"subdomain": " Acme "}).headers["Location"] == "http://acme.localhost:8000/"
    for odd in ("", "evil.example/", "a@b", "//evil.example", "a" * 99, "\r\nX: y", "<script>"):
        place = visitor.get("/open/", {"subdomain": odd}).headers["Location"]
        assert place.startswith("/?wrong=") and place.endswith("#open")
        page = visitor.get(place)
        assert page.status_code == 200 and "id_open-error" in page.content.decode() and b'<script>"' not in page.content


def test_the_public_site_has_nothing_of_a_company(visitor):
    company = people.new_company()
    for path in ("/welcome/", "/api/v1/users/", "/users/", "/healthy/"):
        assert visitor.get(path).status_code == 404
    assert visitor.get("/signup/").wsgi_request.user is None
    assert directory.by_host(directory.host_of(company.subdomain)) is not None


def test_lists_are_closed_and_labelled_in_the_readers_language(visitor):
    assert "DE" in codes.countries() and "ZZ" not in codes.countries()
    page = text_of(visitor.get("/signup/", {"lang": "zh-hans"}))
    assert "德国" in page and "人民币" in page


def test_tokens_that_nobody_used_do_not_pile_up(visitor):
    company = people.new_company()
    with context.bind_public():
        SignInToken.issue("welcome", company.id, people.owner_of(company).pk)
        SignInToken.objects.update(expires_at="2020-01-01T00:00:00Z")
        SignInToken.issue("welcome", company.id, people.owner_of(company).pk)
        assert SignInToken.objects.filter(company=company.id).count() == 1
    assert provision.is_prepared()
