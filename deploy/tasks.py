"""The scheduler's rounds over all companies. What is done in one company is its own task, bound to it: ``core.tasks``.

A round only sends messages, one a company, and each is as harmless lost as sent twice.
"""

from importlib import import_module
from uuid import UUID
from zoneinfo import ZoneInfo

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from core import context
from core.tasks import CompanyTask, daily, run_jobs, verify
from core.watches import hourly
from tenants.models import Company

SWEEP = 60  # seconds: what a lost hint, or a job that is to be tried again, waits at most beyond its time
TIDY = 86_400  # seconds
NIGHT = 3  # the hour at which a company's books are verified, on its own clock


@shared_task(name="odos.sweep")
def sweep() -> None:
    """Let every active company look for jobs that are due. Cost: one query, and one message a company."""
    for company_id in _active():
        run_jobs.apply_async([str(company_id)], expires=SWEEP)  # a round that is late is not done twice


@shared_task(name="odos.tidy")
def tidy() -> None:
    """Let every active company throw away what has expired. Cost: one query, and one message a company."""
    for company_id in _active():
        forget_sessions.apply_async([str(company_id)], expires=TIDY)


@shared_task(name="odos.day")
def day() -> None:
    """Let every active company do what its types do once a day. Cost: one query, and one message a company."""
    for company_id in _active():
        daily.apply_async([str(company_id)], expires=TIDY)


@shared_task(name="odos.hour")
def hour() -> None:
    """Let every active company look at its watches and send the dashboards that are due. Cost: one query, and one message a company."""
    for company_id in _active():
        hourly.apply_async([str(company_id)], expires=TIDY)


@shared_task(name="odos.night")
def night() -> None:
    """Verify the books of those companies where it is night now; sent every hour. Cost: one query, and a message for each of those."""
    now = timezone.now()
    with context.bind_public():
        zones = list(Company.objects.filter(status=Company.Status.ACTIVE).values_list("id", "timezone"))
    for company_id, zone in zones:
        if now.astimezone(ZoneInfo(zone)).hour == NIGHT:
            verify.apply_async([str(company_id)], expires=TIDY)


@shared_task(base=CompanyTask, name="odos.forget_sessions")
def forget_sessions(company_id: str) -> None:
    """Delete the sessions that have expired. Cost: one statement."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()


def _active() -> list[UUID]:
    with context.bind_public():
        return list(Company.objects.filter(status=Company.Status.ACTIVE).values_list("id", flat=True))
