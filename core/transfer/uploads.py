"""An uploaded file on its way in: stored, mapped, rehearsed by a job, confirmed, written by another. What pages show of it: ``core.views.imports``.

uploaded -> checking -> checked -> writing -> done; with errors -> refused, from where it is mapped anew. Each belongs to
who uploaded it, and its jobs run with the rights this person holds then.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from core import access, context, jobs, registry
from core.access import Actor
from core.errors import Missing, OdosError, RuleError, WrongState
from core.models import Import, Job
from core.models.record import permit
from core.registry import ObjectType
from core.transfer import loading, mapping, reading
from core.transfer.loading import Fault, Report
from core.transfer.mapping import Mapping

log = logging.getLogger("odos.import")
MAPPABLE = ("uploaded", "checked", "refused")
AT_WORK = ("checking", "writing")
KEPT = timedelta(days=30)
REMEMBERED = 3600  # seconds that progress stays readable


def possible(actor: Actor, object_type: ObjectType) -> bool:
    """Whether the actor may import into this type at all."""
    writes = access.allows(actor, object_type, "add") or access.allows(actor, object_type, "change")
    return object_type.writable and writes and access.allows(actor, object_type, "import")


def receive(actor: Actor, object_type: ObjectType, name: str, content: bytes) -> Import:
    """Store a file that can be read, with the mapping its headings suggest. Errors: RuleError, Denied. Cost: two statements.

    Uploads of this person that are older than thirty days go.
    """
    _demand(actor, object_type)
    table = reading.read(content)
    if not table.size:
        raise RuleError(_("The file names its columns but holds no records."))
    name = "".join(c for c in name if c.isprintable())[-200:] or "import.csv"
    suggested = mapping.suggest(actor, object_type, table.headers)
    row = Import(type=object_type.slug, owner_id=actor.id, file_name=name, content=content, mapping=suggested.as_json())
    with permit():
        Import.objects.filter(owner_id=actor.id, created_at__lt=timezone.now() - KEPT).exclude(status__in=AT_WORK).delete()
        row.save(force_insert=True)
    return row


def _demand(actor: Actor, object_type: ObjectType) -> None:
    access.demand(actor, object_type, "import")
    if not possible(actor, object_type):
        access.demand(actor, object_type, "add")


def mine(actor: Actor, object_type: ObjectType, ident: UUID, lock: bool = False) -> Import:
    """The actor's own upload with this id, without its content. Errors: Missing. Cost: one query."""
    found = Import.objects.filter(pk=ident, owner_id=actor.id, type=object_type.slug).defer("content")
    row = (found.select_for_update() if lock else found).first()
    if row is None:
        raise Missing
    return row


def recent(actor: Actor, object_type: ObjectType, most: int = 10) -> list[Import]:
    """The actor's latest uploads. Cost: one query."""
    return list(Import.objects.filter(owner_id=actor.id, type=object_type.slug).defer("content", "mapping").order_by("-created_at")[:most])


def table_of(row: Import) -> reading.Table:
    """The file as it was uploaded. Cost: one query, as large as the file."""
    return reading.read(bytes(row.content))


def check(actor: Actor, object_type: ObjectType, row: Import, wanted: Mapping) -> None:
    """Take the mapping and promise the rehearsal. Errors: RuleError by column or at ``key``, WrongState."""
    _demand(actor, object_type)
    if row.status not in MAPPABLE:
        raise WrongState(_("This file is being processed, or was imported already."))
    mapping.demand(actor, object_type, wanted, len(table_of(row).headers))
    row.mapping = wanted.as_json()
    _promise(actor, row, "checking")


def confirm(actor: Actor, object_type: ObjectType, row: Import) -> None:
    """Promise the writing of a file that was found in order. Errors: WrongState."""
    _demand(actor, object_type)
    if row.status != "checked":
        raise WrongState(_("Only a file that was checked and found in order can be imported."))
    _promise(actor, row, "writing")


def reopen(row: Import) -> None:
    """Back to the mapping. Errors: WrongState."""
    if row.status not in MAPPABLE:
        raise WrongState(_("This file is being processed, or was imported already."))
    row.status, row.report = "uploaded", {}
    _save(row)


def _promise(actor: Actor, row: Import, status: str) -> None:
    row.status, row.report = status, {}
    row.job = jobs.promise("import", {"import": str(row.pk), "language": translation.get_language() or ""}, actor).pk
    _tell(row.pk, 0, 0)
    _save(row)


def _save(row: Import) -> None:
    with permit():
        row.save(update_fields=["status", "report", "mapping", "job", *(["content"] if row.status == "done" else [])])


@jobs.does("import")
def work(actor: Actor, payload: dict[str, Any], progress: Callable[[int, int], None]) -> None:
    """Rehearse or write an uploaded file, all of it in the job's one transaction."""
    row = Import.objects.select_for_update().get(pk=payload["import"])
    object_type = registry.get(row.type)
    if row.status not in AT_WORK or object_type is None:
        return
    keep = row.status == "writing"
    with translation.override(payload["language"] or None), context.calling(context.Call(channel="import")):
        report, said = _load(actor, object_type, row, keep)
    row.report = {**report.as_json(), "said": said}
    sound = not report.errors and not said
    row.status = ("done" if keep else "checked") if sound else "refused"
    if row.status == "done":
        row.content = b""  # its records are here now; the file is not needed again
    _save(row)
    progress(report.rows, report.rows)


def _load(actor: Actor, object_type: ObjectType, row: Import, keep: bool) -> tuple[Report, list[str]]:
    """The report, and the sentences that belong to no cell."""
    try:
        table = table_of(row)
        return loading.load(actor, object_type, table, Mapping.from_json(row.mapping), keep, lambda done, total: _tell(row.pk, done, total)), []
    except RuleError as error:
        return Report(), [s for sentences in error.errors.values() for s in sentences]
    except OdosError as error:
        return Report(), [str(error)]


def _tell(ident: UUID, done: int, total: int) -> None:
    """How far it is, through the cache: the row itself changes only at the end, in the work's own transaction."""
    try:
        cache.set(f"import:{ident}", [done, total], REMEMBERED)
    except RedisError:
        log.warning("The cache does not answer: the progress of an import is not shown.")


def progress_of(row: Import) -> tuple[int, int]:
    """``(done, total)`` rows; zeros where nothing is known yet."""
    try:
        done, total = cache.get(f"import:{row.pk}") or (0, 0)
    except RedisError:
        return 0, 0
    return done, total


def gave_up(row: Import) -> bool:
    """Whether the job died each time it was tried, which is a defect of ours. Cost: one query."""
    return row.status in AT_WORK and Job.objects.filter(pk=row.job, state="failed").exists()


def report_of(row: Import) -> Report:
    """What was found of the file."""
    held = {name: value for name, value in row.report.items() if name != "said"}
    return Report(**{**held, "faults": [Fault(**fault) for fault in held.get("faults", ())]})
