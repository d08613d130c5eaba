"""The scheduler's rounds reach every active company and no other, and what they start does its work there alone."""

from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.conf import settings
from django.utils import timezone

from core import context, registry, tasks
from core.models import Checkup
from deploy import tasks as rounds
from deploy.celery import app
from tenants.models import Company
from tests.people import new_company


@pytest.fixture
def sent(monkeypatch) -> list[str]:
    """The companies that a round sends a message to."""
    companies: list[str] = []
    for task in (tasks.run_jobs, tasks.daily, rounds.forget_sessions):
        monkeypatch.setattr(task, "apply_async", lambda arguments, **options: companies.extend(arguments))
    return companies


@pytest.fixture(scope="module")
def two():
    return new_company(), new_company()


@pytest.mark.parametrize("round_", [rounds.sweep, rounds.tidy, rounds.day])
def test_a_round_reaches_active_companies_alone(two, sent, round_):
    active, suspended = two
    with context.bind_public():
        Company.objects.filter(id=suspended.id).update(status=Company.Status.SUSPENDED)
    try:
        round_()
    finally:
        with context.bind_public():
            Company.objects.filter(id=suspended.id).update(status=Company.Status.ACTIVE)
    assert sent.count(str(active.id)) == 1
    assert str(suspended.id) not in sent


def test_expired_sessions_go_in_their_company_alone(two):
    store = import_module(settings.SESSION_ENGINE).SessionStore
    kept, past = timezone.now() + timedelta(days=1), timezone.now() - timedelta(days=1)
    for company in two:
        with context.bind(company):
            for name, ends in (("kept", kept), ("past", past)):
                store.get_model_class().objects.create(session_key=f"{name}-of-a-test", session_data="", expire_date=ends)
    rounds.forget_sessions(str(two[0].id))
    for company, left in zip(two, ({"kept-of-a-test"}, {"kept-of-a-test", "past-of-a-test"}), strict=True):
        with context.bind(company):
            assert set(store.get_model_class().objects.values_list("session_key", flat=True)) == left


def test_one_work_of_the_day_that_fails_leaves_the_others_done(two, monkeypatch):
    done = []

    def fails(actor):
        raise LookupError("on purpose")

    first, last = lambda actor: done.append(("first", actor.system)), lambda actor: done.append(("last", context.company().id))
    monkeypatch.setattr(registry, "daily", [first, fails, last])
    with pytest.raises(LookupError):
        tasks.daily(str(two[0].id))
    assert done == [("first", True), ("last", two[0].id)]


def test_the_schedule_names_tasks_that_exist():
    app.loader.import_default_modules()
    assert app.conf.beat_schedule
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)


def test_messages_are_json_and_results_are_not_kept():
    assert app.conf.accept_content == ["json"] and app.conf.task_serializer == "json"
    assert app.conf.result_backend is None and app.conf.task_ignore_result
    assert app.conf.task_acks_late and app.conf.task_reject_on_worker_lost and app.conf.worker_prefetch_multiplier == 1


def test_books_are_verified_at_night_where_the_company_is(two, monkeypatch):
    companies: list[str] = []
    monkeypatch.setattr(tasks.verify, "apply_async", lambda arguments, **options: companies.extend(arguments))
    with context.bind_public():
        Company.objects.filter(id=two[0].id).update(timezone="Asia/Shanghai")
        Company.objects.filter(id=two[1].id).update(timezone="America/New_York")
    for hour, expected in ((19, two[0]), (8, two[1]), (12, None)):  # in January: 3 a.m. in Shanghai, in New York, nowhere of these
        companies.clear()
        monkeypatch.setattr(rounds.timezone, "now", lambda hour=hour: datetime(2026, 1, 15, hour, 20, tzinfo=UTC))
        rounds.night()
        assert [one for one in two if str(one.id) in companies] == ([expected] if expected else [])


def test_a_verification_is_kept_in_its_company_alone(two):
    tasks.verify(str(two[0].id))
    for company, kept in zip(two, (1, 0), strict=True):
        with context.bind(company):
            assert Checkup.objects.count() == kept
