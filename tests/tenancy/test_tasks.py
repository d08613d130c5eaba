"""A task runs bound to the company its first argument names, or not at all (I-12)."""

import os
import random
import time
from uuid import uuid4

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from django.conf import settings
from django.db import connections
from django.db.utils import ProgrammingError

from core import access, context, jobs, tasks
from core.models import Job, User
from tenants import directory
from tenants.models import Company
from tests import people

DRAWS = 5000 if os.environ.get("ODOS_LONG") else 60


@pytest.fixture(scope="module")
def companies():
    return [people.new_company() for _ in range(3)]


@pytest.fixture(scope="module")
def application():
    """An application of the tests' own with a task that tells where it ran."""
    app = Celery("tests", broker=settings.CELERY_BROKER_URL, set_as_current=False)
    app.conf.update(task_ignore_result=True, task_serializer="json", accept_content=["json"], broker_connection_retry_on_startup=True)
    app.conf.task_default_queue = f"tests-{uuid4().hex}"
    return app


@pytest.fixture(scope="module")
def seen():
    return []


@pytest.fixture(scope="module")
def tell(application, seen):
    @application.task(base=tasks.CompanyTask, bind=True, max_retries=2, name="tests.tell")
    def tell(self, company_id, fails=0):
        seen.append((company_id, str(context.company().id), User.objects.get().email))
        if self.request.retries < fails:
            raise self.retry(countdown=0, args=[company_id], kwargs={"fails": fails})

    return tell


def test_a_task_runs_in_its_company_and_leaves_nothing_bound(companies, tell, seen):
    seen.clear()
    for company in companies:
        tell(str(company.id))
        assert context.company_or_none() is None
    assert seen == [(str(c.id), str(c.id), people.owner_of(c).email) for c in companies]


@pytest.mark.parametrize("company_id", ["", "public", "t_" + "a" * 26, None, 7, "0198c000-0000-7000-8000-000000000000"])
def test_a_task_without_a_company_refuses(tell, seen, company_id):
    seen.clear()
    with pytest.raises((context.Unbound, ValueError)):
        tell(company_id)
    assert seen == []


def test_a_task_called_without_any_argument_refuses(tell, seen):
    seen.clear()
    with pytest.raises(TypeError):
        tell()
    assert seen == []


def test_a_task_of_a_suspended_company_refuses(tell, seen):
    company = people.new_company()
    with context.bind_public():
        Company.objects.filter(id=company.id).update(status=Company.Status.SUSPENDED)
    directory.forget()
    seen.clear()
    with pytest.raises(context.Unbound):
        tell(str(company.id))
    assert seen == []


def test_a_task_of_one_company_called_inside_another_returns_to_it(companies, tell, seen):
    seen.clear()
    first, second, _ = companies
    with context.bind(first):
        tell(str(second.id))
        assert context.company() == first
    assert seen[0][1] == str(second.id)


def test_a_message_without_a_company_reaches_no_table():
    """Code of a task that is not a company's is bound to nothing."""
    app = Celery("bare", set_as_current=False)

    @app.task(name="tests.bare")
    def bare():
        return User.objects.count()

    with pytest.raises(ProgrammingError, match="does not exist"):
        bare()


def test_through_broker_and_worker_every_task_is_done_in_its_own_company(companies, application, tell, seen):
    """I-12: random companies, retries included, by a real worker; effects per company are those that were asked for."""
    seen.clear()
    expected = []
    emails = {str(c.id): people.owner_of(c).email for c in companies}
    for _ in range(DRAWS):
        company, fails = random.choice(companies), random.choice([0, 0, 0, 1, 2])
        expected += [str(company.id)] * (fails + 1)
        tell.apply_async([str(company.id)], {"fails": fails})
    tell.apply_async([str(uuid4())])  # an unknown company: no effect
    with start_worker(application, pool="solo", perform_ping_check=False, shutdown_timeout=30):
        for _ in range(600):
            if len(seen) >= len(expected):
                break
            time.sleep(0.1)
    connections.close_all()
    assert sorted(ran for _, ran, _ in seen) == sorted(expected)
    assert all(asked == ran and email == emails[ran] for asked, ran, email in seen)


def test_a_job_is_done_in_the_company_that_promised_it(companies, monkeypatch):
    """The row is in the company's own schema; the hint carries the company's id alone."""
    hints, worked = [], []
    monkeypatch.setattr(jobs, "_hints", [hints.append])
    monkeypatch.setitem(jobs._works, "tests", lambda actor, payload, progress: worked.append((context.company().id, payload)))
    first, second, _ = companies
    for company in (first, second):
        with context.bind(company):
            people.writing(lambda company=company: jobs.promise("tests", {"of": str(company.id)}, access.system("tests")))
            assert Job.objects.filter(kind="tests").count() == 1
    assert hints == [first.id, second.id]
    tasks.run_jobs(str(second.id))
    assert worked == [(second.id, {"of": str(second.id)})]
    with context.bind(first):
        assert Job.objects.get(kind="tests").state == "waiting"
