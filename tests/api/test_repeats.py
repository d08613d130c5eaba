"""Requests that come twice, at the same time, or too often: one effect, and everyone is told (C-01, C-02, I-25)."""

import json
from datetime import timedelta
from itertools import count

import pytest
from django.conf import settings
from django.utils import timezone
from redis.exceptions import ConnectionError as ValkeyDown

from core import context
from core.models import IdempotencyKey
from core.models.record import permit
from crm.models import Account
from tests import factories, people


def test_fifty_identical_posts_have_one_effect(api, company):
    """C-01."""
    body = {"name": "Fifty", "industry": "C-01"}
    answers = people.at_once(company, api.key, 50, lambda one, _n: one.post("accounts/", body, idempotency_key="c-01"))
    assert Account.objects.filter(industry="C-01").count() == 1
    assert {a.status_code for a in answers} <= {201, 409}
    made = [a for a in answers if a.status_code == 201]
    assert len({a.content for a in made}) == 1 and {a["Location"] for a in made} == {made[0].json()["url"]} and {a["ETag"] for a in made} == {'"1"'}


def test_the_same_answer_again_and_another_body_refused(api):
    first = api.post("accounts/", {"name": "One"}, idempotency_key="k1")
    again = api.post("accounts/", {"name": "One"}, idempotency_key="k1")
    assert (again.status_code, again.content, again["Location"], again["ETag"]) == (201, first.content, first["Location"], '"1"')
    other = api.post("accounts/", {"name": "Two"}, idempotency_key="k1")
    assert other.status_code == 422 and "Idempotency-Key" in other.json()["errors"]
    elsewhere = api.post("contacts/", {"name": "One"}, idempotency_key="k1")
    assert elsewhere.status_code == 201 and elsewhere.json()["id"] != first.json()["id"]
    assert api.post("accounts/", {"name": "X"}, idempotency_key="é" * 10).status_code == 422
    assert api.post("accounts/", {"name": "X"}, idempotency_key="k" * 201).status_code == 422


def test_an_act_and_a_batch_happen_once_too(api):
    order = factories.make("orders", api)
    first = api.post(f"{order['url']}confirm/", {"date": "2026-02-02"}, idempotency_key="act")
    again = api.post(f"{order['url']}confirm/", {"date": "2026-02-02"}, idempotency_key="act")
    assert first.status_code == again.status_code == 200 and first.content == again.content
    assert api.post(f"{order['url']}confirm/").status_code == 409
    items = [{"name": "A", "industry": "Once"}, {"name": "B", "industry": "Once"}]
    answers = [api.post("accounts/batch/", items, idempotency_key="batch") for _each in range(2)]
    assert answers[0].content == answers[1].content and Account.objects.filter(industry="Once").count() == 2


def test_a_refusal_is_not_kept(api):
    assert api.post("accounts/", {}, idempotency_key="later").status_code == 422
    assert api.post("accounts/", {"name": "Now"}, idempotency_key="later").status_code == 201


def test_a_key_is_the_users_own_and_lasts_a_day(api, bobs):
    mine = api.post("accounts/", {"name": "Mine"}, idempotency_key="shared").json()
    assert bobs.post("accounts/", {"name": "Mine"}, idempotency_key="shared").json()["id"] != mine["id"]
    almost, past = timezone.now() - timedelta(hours=23), timezone.now() - timedelta(hours=25)
    for at, same in ((almost, True), (past, False)):
        with permit():
            IdempotencyKey.objects.filter(key="shared").update(created_at=at)
        again = api.post("accounts/", {"name": "Mine"}, idempotency_key="shared").json()
        assert (again["id"] == mine["id"]) is same
    with permit():
        IdempotencyKey.objects.update(created_at=past)
    api.post("accounts/", {"name": "Sweeper"}, idempotency_key="sweeper")
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["sweeper"]


def test_the_same_key_in_two_companies_is_two_results(api, daves, other_company):
    """I-25."""
    mine = api.post("accounts/", {"name": "Both"}, idempotency_key="i-25").json()
    theirs = daves.post("accounts/", {"name": "Both"}, idempotency_key="i-25").json()
    assert mine["id"] != theirs["id"] and mine["owner"]["id"] != theirs["owner"]["id"]
    with context.bind(other_company):
        assert Account.objects.filter(pk=theirs["id"]).exists() and not Account.objects.filter(pk=mine["id"]).exists()


def test_of_two_who_confirm_the_same_order_one_wins(api, company):
    """C-02, on eight threads; the numbers given are without gaps."""
    numbers = []
    for _round in range(5):
        order = factories.make("orders", api)
        answers = people.at_once(company, api.key, 8, lambda one, _n, order=order: one.post(f"{order['url']}confirm/", {"date": "2025-06-01"}))
        assert sorted(a.status_code for a in answers) == [200, *[409] * 7]
        numbers.append(next(a.json()["number"] for a in answers if a.status_code == 200))
        facts = api.get(f"facts/?source={order['id']}&measure=orders&sum=value").json()
        assert facts["sums"] == {"value": "1"} and len(facts["results"]) == 1
    assert [int(n.rsplit("-", 1)[1]) for n in numbers] == [1, 2, 3, 4, 5]


def test_of_eight_who_change_the_same_version_one_wins(api, company):
    """C-05."""
    made = factories.make("accounts", api)
    answers = people.at_once(company, api.key, 8, lambda one, n: one.patch(made["url"], {"city": f"City {n}"}, 1))
    assert sorted(a.status_code for a in answers) == [200, *[412] * 7]
    won = next(a.json() for a in answers if a.status_code == 200)
    assert api.get(made["url"]).json() == won and all(json.loads(a.content)["current"] == won for a in answers if a.status_code == 412)


@pytest.fixture
def limited(settings_of):
    settings_of(RATE_LIMIT=5)


@pytest.fixture
def settings_of(monkeypatch):
    def change(**values):
        for name, value in values.items():
            monkeypatch.setattr(settings, name, value)

    return change


_seconds = count(4_000_000_000)


@pytest.fixture
def still_clock(monkeypatch):
    """A second that does not end while the test counts."""
    second = next(_seconds)
    monkeypatch.setattr("core.api.throttle.time.time", lambda: second)


def test_a_key_has_so_many_requests_a_second_and_others_theirs(api, bobs, daves, limited, still_clock):
    """I-25: what one key or company uses up, the others keep."""
    assert [api.get("accounts/?limit=1").status_code for _each in range(6)] == [200] * 5 + [429]
    refused = api.get("accounts/?limit=1")
    assert refused["Retry-After"] == "1" and refused.json()["errors"]["_"]
    assert bobs.get("accounts/").status_code == daves.get("accounts/").status_code == 200


def test_without_valkey_each_process_counts_for_itself(api, bobs, limited, still_clock, monkeypatch):
    def down(*args, **kwargs):
        raise ValkeyDown("refused")

    monkeypatch.setattr("core.api.throttle.cache.add", down)
    assert [api.get("accounts/?limit=1").status_code for _each in range(6)] == [200] * 5 + [429]
    assert bobs.get("accounts/").status_code == 200


def test_zero_lifts_the_limit(api, settings_of):
    settings_of(RATE_LIMIT=0)
    assert {api.get("accounts/?limit=1").status_code for _each in range(30)} == {200}
