"""Tokens that lead into a company are good once, there, for their purpose and for minutes (I-21)."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils.timezone import now

from core import context
from tenants.models import SignInToken
from tests import people


@pytest.fixture(scope="module")
def pair():
    return [people.new_company(), people.new_company()]


@pytest.fixture
def token(pair):
    owner = people.owner_of(pair[0])
    with context.bind_public():
        return SignInToken.issue("welcome", pair[0].id, owner.pk)


def redeem(company, token: str, purpose: str = "welcome"):
    with context.bind_public():
        return SignInToken.redeem(purpose, company.id, token)


def test_a_token_signs_in_its_user_once(pair, token):
    assert redeem(pair[0], token) == people.owner_of(pair[0]).pk
    assert redeem(pair[0], token) is None


def test_a_token_of_one_company_is_nothing_at_another(pair, token):
    """I-21: and the attempt does not use it up."""
    assert redeem(pair[1], token) is None
    assert redeem(pair[0], token, "another purpose") is None
    assert redeem(pair[0], token) is not None


def test_a_token_ends_after_five_minutes(pair, token):
    with context.bind_public():
        expires = SignInToken.objects.latest("expires_at").expires_at
    assert timedelta(minutes=4) < expires - now() <= timedelta(minutes=5)
    with context.bind_public():
        SignInToken.objects.update(expires_at=now() - timedelta(seconds=1))
    assert redeem(pair[0], token) is None


def test_only_a_hash_is_kept(pair, token):
    with context.bind_public():
        rows = [str(row) for row in SignInToken.objects.values_list()]
    assert rows and not any(token in row for row in rows)


@pytest.mark.parametrize("bad", ["", "x", "\x00", "é" * 5000, "\ud800", "' OR 1=1 --", "a" * 100_000])
def test_what_is_no_token_signs_nobody_in(pair, bad):
    assert redeem(pair[0], bad) is None


def test_of_two_that_come_at_once_one_gets_in(pair, token):
    together, answers = threading.Barrier(2), []

    def come() -> None:
        try:
            together.wait(30)
            answers.append(redeem(pair[0], token))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=come) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer is None for answer in answers) == [False, True]


def test_the_token_signs_in_once(pair, token):
    browser = people.browser(pair[0])
    assert browser.head("/welcome/", {"token": token}).status_code == browser.post("/welcome/", {"token": token}).status_code == 405
    answer = browser.get("/welcome/", {"token": token})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert answer.headers["Cache-Control"].count("no-store") and answer.headers["Referrer-Policy"] in ("no-referrer", "same-origin")
    assert browser.get("/").wsgi_request.user == people.owner_of(pair[0])
    stranger = people.browser(pair[0])
    assert stranger.get("/welcome/", {"token": token}).status_code == 410
    assert stranger.get("/").wsgi_request.user is None


def test_a_link_posted_at_another_company_signs_nobody_in(pair, token):
    stranger = people.browser(pair[1])
    assert stranger.get("/welcome/", {"token": token}).status_code == 410
    assert stranger.get("/").wsgi_request.user is None
