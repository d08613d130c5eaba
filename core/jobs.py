"""Work promised in a transaction and done outside of it. The row is the truth; a message is only a hint (X-01).

A worker claims a row with a lease and does it in one transaction that also marks it done, so a killed worker leaves
either nothing or everything. The sweeper hands out again what nobody holds. Where messages go, ``core.tasks`` says.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core import access, context, door
from core.access import Actor
from core.models import Job, User
from core.models.record import permit

LEASE = timedelta(minutes=10)
ATTEMPTS = 8

Work = Callable[[Actor, dict[str, Any], Callable[[int, int], None]], None]
_works: dict[str, Work] = {}
_apart: set[str] = set()
LONG = timedelta(hours=6)
_hints: list[Callable[[UUID], None]] = []


def does(kind: str, apart: bool = False) -> Callable[[Work], Work]:
    """Declare who does jobs of a kind: ``work(actor, payload, progress)``. It may run again after a crash, from the start.

    What no transaction can hold runs ``apart``: each of its statements is by itself, and it may take as long as it needs.
    """

    def declare(work: Work) -> Work:
        if kind in _works:
            raise RuntimeError(f"Two works of kind {kind}.")
        _works[kind] = work
        if apart:
            _apart.add(kind)
        return work

    return declare


def use_hint(send: Callable[[UUID], None]) -> None:
    """Called once by ``core.tasks``: how a worker is told that a company has work."""
    _hints[:] = [send]


def promise(kind: str, payload: dict[str, Any], actor: Actor) -> Job:
    """Write the job in the running transaction; a worker is told after the commit. Cost: one statement."""
    job = Job(kind=kind, payload=payload, actor=actor.id)
    with permit():
        job.save(force_insert=True)
    bound = context.company()
    transaction.on_commit(lambda: [send(bound.id) for send in _hints], robust=True)
    return job


def claim() -> Job | None:
    """Take the next job that is due and held by no living worker. Cost: two statements."""

    def take() -> Job | None:
        now = timezone.now()
        due = Q(state="waiting", not_before__lte=now) | Q(state="running", lease_until__lt=now)
        job = Job.objects.filter(due).order_by("not_before", "id").select_for_update(skip_locked=True).first()
        if job is None:
            return None
        job.attempts += 1
        job.state = "running" if job.attempts <= ATTEMPTS else "failed"
        job.lease_until = now + (LONG if job.kind in _apart else LEASE)
        if job.state == "failed":
            job.error = job.error or "The worker died each time."
        with permit():
            job.save()
        return job

    return door.writing(take)


def run_due(most: int = 100) -> int:
    """Do what is due in the bound company; returns how many jobs were taken."""
    for taken in range(most):
        job = claim()
        if job is None:
            return taken
        if job.state == "running":
            _run(job)
    return most


def _run(job: Job) -> None:
    held_attempt = job.attempts

    def do() -> None:
        held = Job.objects.select_for_update().get(pk=job.pk)
        if held.state != "running" or held.attempts != held_attempt:
            return  # its lease ran out and another worker took it
        _works[held.kind](_actor_of(held), held.payload, lambda done, total: _progress(held.pk, done, total))
        held.state, held.finished_at = "done", timezone.now()
        with permit():
            held.save(update_fields=["state", "finished_at"])

    try:
        if job.kind in _apart:
            _do_apart(job)
        else:
            door.writing(do)
    except Exception as error:  # whatever it was: the row says so, and the job is tried again later
        door.writing(partial(_failed, job, error))


def _do_apart(job: Job) -> None:
    with context.remembering():
        _works[job.kind](_actor_of(job), job.payload, lambda done, total: _progress(job.pk, done, total))
    with permit():
        Job.objects.filter(pk=job.pk, attempts=job.attempts, state="running").update(state="done", finished_at=timezone.now())


def _failed(job: Job, error: Exception) -> None:
    wait = timedelta(seconds=min(2**job.attempts, 3600))
    state = "failed" if job.attempts >= ATTEMPTS else "waiting"
    sentence = f"{type(error).__name__}: {error}"[:2000]
    with permit():
        Job.objects.filter(pk=job.pk, attempts=job.attempts).update(state=state, not_before=timezone.now() + wait, error=sentence)


def _progress(job_id: UUID, done: int, total: int) -> None:
    """Progress is shown while the work's transaction is open, so it goes into the answer of the row, at its end, too."""
    with permit():
        Job.objects.filter(pk=job_id).update(done=done, total=total, lease_until=timezone.now() + LEASE)


def _actor_of(job: Job) -> Actor:
    """Whoever asked for it, with the rights he holds now (Z-10); the system where nobody did."""
    if job.actor is None:
        return access.system(job.kind)
    return access.actor_for(User.objects.get(pk=job.actor))


def waiting() -> int:
    """Jobs that are not finished. Cost: one query."""
    return Job.objects.filter(state__in=["waiting", "running"]).count()


__all__ = ["claim", "does", "promise", "run_due", "use_hint", "waiting"]
