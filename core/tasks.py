"""Celery's side of jobs: a task always names its company, and refuses to run without one (I-12). JSON and ids only."""

from uuid import UUID

from celery import Task, shared_task

from core import access, context, doctor, door, jobs, registry, search


class CompanyTask(Task):
    """A task of one company: its first argument is the company's id; the body runs bound to it, or not at all."""

    abstract = True

    def __call__(self, company_id: str, *args, **kwargs):
        company = context.find(UUID(str(company_id)))  # raises Unbound for an unknown or suspended one
        with context.bind(company), context.calling(context.Call(channel="task", request_id=self.request.id or "")):
            return super().__call__(company_id, *args, **kwargs)


@shared_task(base=CompanyTask, name="odos.run_jobs", ignore_result=True)
def run_jobs(company_id: str) -> None:
    """Do what is due in this company, then look again."""
    jobs.run_due()


@shared_task(base=CompanyTask, name="odos.daily", ignore_result=True)
def daily(company_id: str) -> None:
    """What every company does once a day, each work in a transaction of its own: one that fails leaves the others done."""
    failed = []
    for work in registry.daily:
        try:
            door.writing(lambda work=work: work(access.system("daily")))
        except Exception as error:  # whatever it was: the others are done first, then the task says that it failed
            failed.append(error)
    if failed:
        raise failed[0]


@shared_task(base=CompanyTask, name="odos.verify", ignore_result=True)
def verify(company_id: str) -> None:
    """Verify the company's books and keep what was found. May take minutes; lost, it is done the next night."""
    doctor.nightly()


def hint(company_id: UUID) -> None:
    """Tell a worker that a company has work; a lost message costs a minute, not the work."""
    run_jobs.apply_async([str(company_id)], retry=False)


jobs.use_hint(hint)


@jobs.does("reindex")
def reindex(actor, payload, progress) -> None:
    """Index a type's search entries anew after what roles hide has changed."""
    for object_type in registry.every():
        if payload["type"] in (object_type.slug, "*"):
            search.reindex(object_type.slug)
