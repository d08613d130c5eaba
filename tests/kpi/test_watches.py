"""A crossing is told once, to each in his own sight; a dashboard is mailed to each with his own numbers, and only from a verified company."""

import time
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import transaction
from django.test import override_settings

from core import access, context, facts, jobs, registry, watches, write
from core.models import Dashboard, Notice, Watch
from tests import factories, people

DEALS = {"of": {"type": "opportunities"}, "aggregate": "count"}


@pytest.fixture(scope="module")
def api(company, alice):
    api = people.api(alice, company)
    assert api.post("kpis/", {"key": "deals", "name": "Deals", "definition": DEALS}).status_code == 201
    return api


def look():
    return people.writing(watches.look)


def test_a_crossing_is_told_once_and_again_when_it_comes_back(api, client_for, alice):
    made = api.post("watches/", {"name": "Busy", "kpi": "deals", "op": "gt", "value": "1", "period": "all"})
    assert made.status_code == 201 and made.json()["users"] == [str(alice.pk)]
    first = factories.make("opportunities", api)
    assert look() == 0
    second = factories.make("opportunities", api)
    assert look() == 1 and look() == 0
    notice = Notice.objects.get(user=alice)
    assert "Deals" in notice.text and "2" in notice.text and notice.url.startswith("/kpis/deals/")
    page = client_for(alice).get("/notices/").content.decode()
    assert "Busy" in page and "1" in client_for(alice).get("/notices/count/").content.decode()
    assert client_for(alice).post("/notices/").status_code == 302
    assert "bell-count" not in client_for(alice).get("/notices/count/").content.decode()
    assert api.post(f"{second['url']}archive/").status_code == 200
    assert look() == 0
    factories.make("opportunities", api)
    assert look() == 1 and first


def test_each_is_told_of_his_own_and_a_task_is_one(api, alice, company):
    bob = people.new_user("Bob", "sales")
    both = [str(alice.pk), str(bob.pk)]
    made = api.post("watches/", {"name": "All", "kpi": "deals", "op": "lt", "value": "1", "period": "all", "users": both, "owner": None, "makes": "task"})
    assert made.status_code == 201, made.content
    assert look() == 1, "Alice sees deals, Bob has none of his own"
    tasks = api.get(f"activities/?owner={bob.pk}").json()["results"]
    assert len(tasks) == 1 and "Deals" in tasks[0]["subject"] and tasks[0]["done"] is False and tasks[0]["due_at"]
    blind = people.new_user("Blind")
    watch = Watch.objects.get(name="All")
    assert api.patch(f"watches/{watch.pk}/", {"users": [str(blind.pk)]}, If_Match="*").status_code == 200
    assert look() == 0, "who does not see what it is made of is told nothing"
    bobs = people.api(bob, company)
    assert bobs.post("watches/", {"name": "X", "kpi": "deals", "value": "1", "users": both}).status_code == 422
    assert bobs.get("watches/").json()["results"] == []


def test_a_figure_that_moves_is_looked_at_in_minutes_once_however_often_it_moves(api, company, monkeypatch):
    asked = []
    monkeypatch.setattr(watches.look_soon, "apply_async", lambda words, **how: asked.append((words, how["countdown"])))

    def another_process(looked: bool = False) -> None:
        """That knows nothing yet of when the watches are looked at; or all know nothing, since they were ``looked`` at."""
        watches._awaited.clear()
        if looked:
            cache.delete("watches-soon")

    another_process(looked=True)
    for _n in range(2):
        factories.make("opportunities", api, amount="5")
    another_process()
    factories.make("opportunities", api, amount="5")
    assert asked == [([str(company.id)], watches.SOON)]
    assert 0 < watches._awaited[company.id] - time.time() <= watches.SOON
    factories.make("accounts", api)
    another_process(looked=True)
    factories.make("accounts", api)
    assert len(asked) == 1, "what states no facts moves no figure of facts"


WRONG = [{"kpi": "nothing"}, {"value": None}, {"period": "soon"}, {"users": "x"}, {"users": ["nobody"]}, {"filter": ["nothing", "eq", "1"]}]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_watch_that_makes_no_sense_is_refused(api, wrong):
    assert api.post("watches/", {"name": "Wrong", "kpi": "deals", "value": "1", **wrong}).status_code == 422


def test_a_dashboard_is_mailed_to_each_in_his_own_sight(api, alice, company):
    bob = people.new_user("Bert", "sales")
    factories.make("opportunities", api, owner=str(bob.pk))
    to = [str(alice.pk), str(bob.pk)]
    tiles = [{"kpi": "deals", "period": "all", "shape": "league", "group_by": "owner", "x": 0, "y": 0, "w": 6, "h": 1}]
    made = api.post("dashboards/", {"name": "Weekly", "owner": None, "tiles": tiles, "schedule": {"every": "day", "hour": 0, "to": to}})
    assert made.status_code == 201, made.content
    with context.bind(replace(company, verified=False)):
        assert people.writing(watches.promise_mails) == 0
    with context.bind(replace(company, verified=True)):
        assert people.writing(watches.promise_mails) == 2 and people.writing(watches.promise_mails) == 0
        with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
            mail.outbox = []
            jobs.run_due()
    sent = {m.to[0]: m for m in mail.outbox}
    assert sent.keys() == {alice.email, bob.email}
    count = registry.get("opportunities").model.objects.filter(archived_at=None).count()
    assert f">{count}</a>" in sent[alice.email].alternatives[0][0] and ">1</a>" in sent[bob.email].alternatives[0][0]
    assert "/kpis/deals/" in sent[bob.email].body and "Alice" not in sent[bob.email].alternatives[0][0].replace(bob.name, "")
    assert Dashboard.objects.get(name="Weekly").sent_on is not None


def test_a_mail_tells_the_newest_months_and_the_largest_of_all_else():
    class Dated:
        def dimension(self, key):
            return registry.dimensions[key]

    answer = SimpleNamespace(groups=list(range(12)))
    month, other = next(k for k, d in registry.dimensions.items() if d.period), next(k for k, d in registry.dimensions.items() if not d.period)
    assert watches._of_interest(Dated(), answer, [month]) == list(range(2, 12))
    assert watches._of_interest(Dated(), answer, [other]) == list(range(10))


def test_when_a_dashboard_is_due():
    monday = datetime(2026, 6, 1, 8, 0)  # noqa: DTZ001 - a day and an hour where the company is
    assert all(watches.is_due({"every": every, "hour": 7, "to": []}, monday) for every in ("day", "week", "month"))
    assert not watches.is_due({"every": "day", "hour": 9, "to": []}, monday)
    assert not watches.is_due({"every": "week", "hour": 7, "to": []}, monday.replace(day=2))


def test_every_transaction_of_a_long_work_says_that_figures_moved(api, alice, monkeypatch):
    """Once for all facts of one, again for the next, also after one that was taken back."""
    told: list = []
    monkeypatch.setattr(facts, "_moved", [told.append])
    actor, opportunities = access.actor_for(alice), registry.get("opportunities")
    items = [factories.data("opportunities", api) for _n in range(4)]
    with context.remembering():
        with transaction.atomic():
            write.create(actor, opportunities, items[0])
            write.create(actor, opportunities, items[1])
        assert len(told) == 1
        with suppress(ZeroDivisionError), transaction.atomic():
            write.create(actor, opportunities, items[2])
            raise ZeroDivisionError
        assert len(told) == 1
        with transaction.atomic():
            with suppress(ZeroDivisionError), transaction.atomic():
                write.create(actor, opportunities, items[2])
                raise ZeroDivisionError
            write.create(actor, opportunities, items[3])
        assert len(told) == 2
