"""What every answer of a company's host says to the browser: whence scripts may come, that nothing is kept, framed or guessed at."""

import pytest
from django.conf import settings
from django.test import override_settings

from core.models import TrailEntry
from tests import factories, people

ALWAYS = {
    "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
}  # fmt: skip


def policy_of(answer):
    """Directive -> its sources."""
    parts = (part.split() for part in answer.headers["Content-Security-Policy"].split(";"))
    return {name: set(sources) for name, *sources in parts}


@pytest.fixture(scope="module")
def answers(company, alice):
    """A page of each room, the API, a file, and refusals before and after the sign-in; by address."""
    account = factories.make("accounts", people.api(alice, company))["id"]
    signed_in, guest = people.signed_in(alice, company), people.browser(company)
    words = (
        "/ /accounts/ /accounts/new/ /accounts/ID/ /accounts/ID/edit/ /accounts/import/ /accounts/?format=csv /accounts/nothing/ /search/?q=a /kpis/ "
        "/kpis/order-intake/ /lookup/accounts/ /nowhere/ /api/v1/accounts/ /api/v1/nowhere/ /api/v1/docs/"
    )
    places = words.replace("ID", account).split()
    found = {place: signed_in.get(place) for place in places}
    strict = people.browser(company)
    strict.handler.enforce_csrf_checks = True
    refused = {"guest": guest.get("/accounts/"), "sign-in": guest.get("/sign-in/"), "api guest": guest.get("/api/v1/accounts/")}
    return found | refused | {"no token": strict.post("/sign-in/", {"email": "a@example.com", "password": "x"})}


def test_scripts_and_styles_come_from_here_alone(answers):
    assert answers["/"].status_code == answers["/kpis/order-intake/"].status_code == 200 and answers["no token"].status_code == 403
    for place, answer in answers.items():
        policy = policy_of(answer)
        assert policy["default-src"] == {"'none'"}, place
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == {"'self'"}, place
        assert policy["frame-ancestors"] == policy["base-uri"] == {"'none'"}, place
        assert not {source for sources in policy.values() for source in sources} - {"'self'", "'none'"}, place


def test_no_answer_is_kept_framed_or_taken_for_something_else(answers):
    for place, answer in answers.items():
        assert ALWAYS.items() <= dict(answer.headers).items(), place
        assert "no-store" in answer.headers["Cache-Control"], place
        assert answer.headers["Referrer-Policy"] in ("same-origin", "no-referrer"), place


def test_the_cookie_of_a_session_is_for_the_server_alone(company, alice):
    client = people.browser(company)
    client.post("/sign-in/", {"email": alice.email, "password": people.PASSWORD})
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and not cookie["domain"]


@pytest.mark.parametrize(("https", "expected"), [(False, "127.0.0.1"), (True, "203.0.113.9")])
def test_the_trail_names_who_asked_and_believes_a_proxy_only_where_there_is_one(company, alice, https, expected):
    """Whoever reaches the server directly may claim any address; the proxy of an HTTPS installation names the last one itself."""
    client = people.signed_in(alice, company)
    with override_settings(HTTPS=https):
        client.post("/accounts/new/", {"whole": "1", "name": f"From afar {https}"}, headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"})
    assert TrailEntry.objects.filter(about_type="accounts", act="add").latest("id").address == expected
