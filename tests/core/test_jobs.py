"""Promised work is done once, whatever kills its worker and whatever becomes of the message about it (X-01)."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from core import access, context, jobs, tasks
from core.models import Job, TrailEntry
from core.models.record import permit
from deploy import tasks as rounds
from tests import people

LONG = bool(os.environ.get("ODOS_LONG"))
WORKS, KILLS = (5000, 60) if LONG else (80, 8)
ROOT = Path(__file__).parents[2]


@contextmanager
def workers(company: context.Company, lease: float, attempts: int):
    """``spawn()`` starts one more worker and returns its process id; all of them end with the block."""
    command = [sys.executable, "-m", "tests.core.job_worker", str(company.id), str(lease), str(attempts)]
    master = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    alive: list[int] = []

    def spawn() -> int:
        master.stdin.write("\n")
        alive.append(int(master.stdout.readline()))
        return alive[-1]

    try:
        assert master.stdout.readline() == "ready\n"
        yield spawn
    finally:
        for pid in alive:
            kill(pid)
        master.kill()
        master.wait()


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def promise(kind: str, idents: list[str]) -> None:
    people.writing(lambda: [jobs.promise(kind, {"id": i}, access.system("tests")) for i in idents])


def wait_until(holds, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, list(Job.objects.values_list("kind", "state", "attempts", "error"))
        time.sleep(0.05)


@pytest.fixture
def without_hints(monkeypatch):
    """Every message about a job is lost."""
    monkeypatch.setattr(jobs, "_hints", [])


def test_killed_workers_lose_nothing_and_double_nothing(company, without_hints):
    idents, draw = [str(uuid4()) for _ in range(WORKS)], random.Random(1)
    promise("effect", idents)

    def to_do() -> bool:
        return Job.objects.filter(kind="effect").exclude(state="done").exists()

    def at_work() -> bool:
        return Job.objects.filter(kind="effect", state="running", lease_until__gt=timezone.now()).exists()

    with workers(company, 0.5, 50) as spawn:
        running = [spawn(), spawn()]
        for _ in range(KILLS):
            wait_until(lambda: at_work() or not to_do(), 60)  # however long a busy machine takes until a worker has begun
            time.sleep(draw.uniform(0.05, 0.3))
            wait_until(lambda: at_work() or not to_do(), 60)
            kill(running.pop(draw.randrange(len(running))))
            running.append(spawn())
        wait_until(lambda: not to_do(), 120)
    effects = Counter(TrailEntry.objects.filter(about_id__in=idents).values_list("about_id", "act"))
    assert len(effects) == 2 * WORKS
    assert set(effects.values()) == {1}
    assert Job.objects.filter(kind="effect", attempts__gt=1).exists(), "no worker died at work: nothing was tested"


def test_work_that_kills_its_worker_ends_as_failed(company, without_hints):
    ident = str(uuid4())
    promise("poison", [ident])
    job = Job.objects.get(kind="poison")
    with workers(company, 0.2, 3) as spawn:
        for before in range(3):
            spawn()
            wait_until(lambda before=before: Job.objects.get(pk=job.pk).attempts > before and Job.objects.get(pk=job.pk).state == "running", 20)
            time.sleep(0.4)
        spawn()
        wait_until(lambda: Job.objects.get(pk=job.pk).state == "failed", 20)
    assert Job.objects.get(pk=job.pk).error
    assert not TrailEntry.objects.filter(about_id=ident).exists()


def declare(monkeypatch, kind: str, work) -> None:
    monkeypatch.setitem(jobs._works, kind, work)


def test_work_that_fails_is_undone_tried_later_and_given_up(company, without_hints, monkeypatch):
    ident = uuid4()

    def fail(actor, payload, progress):
        with permit():
            TrailEntry(about_type="accounts", about_id=ident, act="half").save(force_insert=True)
        raise ValueError("no luck")

    declare(monkeypatch, "failing", fail)
    promise("failing", [str(ident)])
    job = Job.objects.get(kind="failing")
    for attempt in range(1, jobs.ATTEMPTS + 1):
        jobs.run_due()
        job.refresh_from_db()
        assert job.attempts == attempt
        assert job.error == "ValueError: no luck"
        assert job.state == ("failed" if attempt == jobs.ATTEMPTS else "waiting")
        assert not TrailEntry.objects.filter(about_id=ident).exists()
        assert jobs.run_due() == 0, "it waits a while before the next try"
        with permit():
            Job.objects.filter(pk=job.pk).update(not_before=job.created_at)


def test_a_lost_message_is_made_good_by_the_next_round(company, new_company, without_hints, monkeypatch):
    done = []
    declare(monkeypatch, "seen", lambda actor, payload, progress: done.append((context.company().id, payload["id"])))
    monkeypatch.setattr(tasks.run_jobs, "apply_async", lambda args, **options: tasks.run_jobs(*args))
    other = new_company()
    promise("seen", ["1"])
    with context.bind(other):
        promise("seen", ["2"])
    token = context._company.set(None)  # the scheduler serves no company
    try:
        rounds.sweep()
        rounds.sweep()
    finally:
        context._company.reset(token)
    assert sorted(done, key=str) == sorted([(company.id, "1"), (other.id, "2")], key=str)


def test_what_is_rolled_back_was_never_promised(company, monkeypatch):
    told = []
    monkeypatch.setattr(jobs, "_hints", [told.append])
    before = Job.objects.count()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        jobs.promise("effect", {}, access.system("tests"))
        raise ZeroDivisionError
    assert (Job.objects.count(), told) == (before, [])
    people.writing(lambda: jobs.promise("effect", {"id": str(uuid4())}, access.system("tests")))
    assert told == [company.id]


def test_a_task_without_a_company_does_not_run(company):
    """I-12: no id, no such id, an id that is none."""
    for args, error in (((), TypeError), ((str(uuid4()),), context.Unbound), (("public",), ValueError), ((None,), ValueError)):
        with pytest.raises(error):
            tasks.run_jobs(*args)


def test_a_job_has_the_rights_its_asker_has_when_it_runs(company, without_hints, monkeypatch):
    seen = []
    declare(monkeypatch, "asks", lambda actor, payload, progress: seen.append((actor.id, len(actor.permissions), actor.system)))
    user = people.new_user("Asker", "sales")
    people.writing(lambda: jobs.promise("asks", {}, access.actor_for(user)))
    from core import registry, write  # noqa: PLC0415 - only this test writes records

    people.writing(lambda: write.act(access.system("tests"), registry.get("users"), user.pk, "archive"))
    jobs.run_due()
    assert seen == [(user.pk, 0, False)]
