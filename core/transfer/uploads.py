"""An uploaded file on its way in: stored, mapped, rehearsed by a job, confirmed, written by another, undone by a third. Its pages: ``core.views.imports``.

uploaded -> checking -> checked -> writing -> done -> undoing -> undone, or uploaded -> writing at once; with errors -> refused, from where
it is mapped anew, or its good rows are written. Each belongs to who uploaded it, and its jobs run with the rights this person holds then.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from redis.exceptions import RedisError
from uuid_utils.compat import uuid7

from core import access, context, jobs, registry, sql, undo
from core.access import Actor
from core.errors import Missing, OdosError, RuleError, WrongState
from core.models import Import, Job
from core.models.record import permit
from core.registry import ObjectType
from core.transfer import cells, loading, mapping, options, reading, refusals
from core.transfer.loading import Fault, Report
from core.transfer.mapping import Mapping
from core.transfer.reading import Reading, Table

log = logging.getLogger("odos.import")
MAPPABLE = ("uploaded", "checked", "refused")
AT_WORK = ("checking", "writing", "undoing")
WRITTEN = ("done", "undoing", "undone")
KEPT, KEPT_WRITTEN = timedelta(days=30), timedelta(days=365)
REMEMBERED = 3600  # seconds that progress stays readable
CONFLICTS = 1000  # that are kept of an undo
DAYS_LOOKED_AT = 500  # rows that tell how a file writes days


def possible(actor: Actor, object_type: ObjectType) -> bool:
    """Whether the actor may import into this type at all."""
    writes = access.allows(actor, object_type, "add") or access.allows(actor, object_type, "change")
    return object_type.writable and writes and access.allows(actor, object_type, "import")


def receive(actor: Actor, object_type: ObjectType, name: str, content: bytes) -> Import:
    """Store a file that can be read, with the mapping its headings suggest. Errors: RuleError, Denied. Cost: four statements.

    Uploads of this person go after thirty days, those that were imported after a year.
    """
    _demand(actor, object_type)
    table = reading.explored(content)
    if not table.size:
        raise RuleError(_("The file names its columns but holds no records."))
    name = "".join(c for c in name if c.isprintable())[-200:] or "import.csv"
    row = Import(type=object_type.slug, owner_id=actor.id, file_name=name, content=content)
    row.mapping = {"digest": hashlib.sha256(content).hexdigest(), **_suggested(actor, object_type, table)}
    now = timezone.now()
    old = Q(created_at__lt=now - KEPT_WRITTEN) | Q(created_at__lt=now - KEPT) & ~Q(status__in=WRITTEN)
    with permit():
        Import.objects.filter(old, owner_id=actor.id).exclude(status__in=AT_WORK).delete()
        row.save(force_insert=True)
    return row


def _suggested(actor: Actor, object_type: ObjectType, table: Table) -> dict[str, Any]:
    """How the file is read, and the mapping last used for a file with these headings, else the one they suggest. Cost: one query."""
    heads = refusals.heads_of(table)
    written = Import.objects.filter(type=object_type.slug, status__in=WRITTEN, mapping__heads=heads).order_by("-created_at").values_list("owner_id", "mapping")
    used = sorted(written[:20], key=lambda pair: pair[0] != actor.id)  # one's own before other people's
    chosen = _remembered(actor, object_type, used[0][1]) if used else mapping.suggest(actor, object_type, heads)
    chosen = replace(chosen, empties=chosen.empties if used else "leave", days=_days(actor, object_type, table, chosen) or chosen.days)
    return {**chosen.as_json(), "heads": heads, "reading": table.as_read().as_json(), "rows": table.size, "known": bool(used)}


def _remembered(actor: Actor, object_type: ObjectType, held: dict) -> Mapping:
    """A mapping used before, as far as its fields are still there for this person."""
    known, was = mapping.targets(actor, object_type), Mapping.from_json(held)
    columns = {position: name for position, name in was.columns.items() if name in known}
    key = was.key if was.key in mapping.keys(actor, object_type) and set(was.keys) <= set(columns.values()) else ""
    adds = was.options if options.possible(actor, object_type) else "refuse"
    return Mapping(columns, key, was.mode if key else "both", was.empties, was.days, adds)


def _days(actor: Actor, object_type: ObjectType, table: Table, chosen: Mapping) -> str:
    known = mapping.targets(actor, object_type)
    positions = [p for p, name in chosen.columns.items() if known[name].kind in ("date", "datetime")]
    return cells.order_of_days(row.cells[p].strip() for row in table.sample(DAYS_LOOKED_AT) for p in positions) if positions else ""


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


def seen(actor: Actor, object_type: ObjectType, ident: UUID, lock: bool = False) -> Import:
    """The actor's own upload, or what somebody else imported where the actor may delete such records. Errors: Missing. Cost: one query."""
    found = Import.objects.filter(_shown(actor, object_type), pk=ident, type=object_type.slug).defer("content")
    row = (found.select_for_update(of=("self",)) if lock else found).first()
    if row is None:
        raise Missing
    return row


def _shown(actor: Actor, object_type: ObjectType) -> Q:
    own = Q(owner_id=actor.id)
    return own | Q(status__in=WRITTEN) if access.allows(actor, object_type, "delete") else own


def anywhere(actor: Actor, ident: UUID, lock: bool = False) -> tuple[ObjectType, Import]:
    """As ``seen``, whatever it was imported into. Errors: Missing. Cost: two queries."""
    slug = Import.objects.filter(pk=ident).values_list("type", flat=True).first()
    object_type = registry.get(slug) if slug else None
    if object_type is None or not possible(actor, object_type):
        raise Missing
    return object_type, seen(actor, object_type, ident, lock)


def recent(actor: Actor, object_type: ObjectType, most: int = 10) -> list[Import]:
    """The latest uploads the actor may look at. Cost: one query."""
    found = Import.objects.filter(_shown(actor, object_type), type=object_type.slug).select_related("owner").defer("content", "mapping")
    return list(found.order_by("-created_at")[:most])


def again(actor: Actor, row: Import) -> datetime | None:
    """When the very same file was imported before, and not undone. Cost: one query."""
    same = Import.objects.filter(type=row.type, status="done", mapping__digest=row.mapping.get("digest")).exclude(pk=row.pk)
    return same.order_by("-created_at").values_list("created_at", flat=True).first()


def table_of(row: Import) -> Table:
    """The file as it was uploaded, read as was chosen. Cost: one query, as large as the file."""
    return replace(reading.read(bytes(row.content), Reading(**row.mapping.get("reading", {}))), counted=row.mapping.get("rows", 0))


def reread(actor: Actor, object_type: ObjectType, row: Import, asked: Reading) -> None:
    """Read the file otherwise: in another encoding, another sheet. Errors: RuleError, WrongState."""
    _demand_mappable(row)
    table = reading.read(bytes(row.content), asked)
    row.mapping = {**row.mapping, **_suggested(actor, object_type, table)}
    row.status, row.report = "uploaded", {}
    _save(row)


def check(actor: Actor, object_type: ObjectType, row: Import, wanted: Mapping, write: bool = False) -> None:
    """Take the mapping and promise the rehearsal, or the writing of all of it where nothing is wrong with any row, in one go.

    Errors: RuleError by column or at ``key``, WrongState.
    """
    _demand(actor, object_type)
    _demand_mappable(row)
    mapping.demand(actor, object_type, wanted, len(table_of(row).headers))
    row.mapping = {**row.mapping, **wanted.as_json()}
    _promise(actor, row, "writing" if write else "checking")


def _demand_mappable(row: Import) -> None:
    if row.status not in MAPPABLE:
        raise WrongState(_("This file is being processed, or was imported already."))


def confirm(actor: Actor, object_type: ObjectType, row: Import, partly: bool = False) -> None:
    """Promise the writing of a file that was found in order, or ``partly`` of the rows that were. Errors: WrongState."""
    _demand(actor, object_type)
    if row.status != "checked" and not (partly and row.status == "refused" and report_of(row).good):
        raise WrongState(_("Only a file that was checked and found in order can be imported."))
    _promise(actor, row, "writing", partly)


def take_back(actor: Actor, row: Import) -> None:
    """Promise the undoing of all that was written. Errors: WrongState."""
    if row.status != "done" or not row.report.get("batch"):
        raise WrongState(_("Only what was imported can be undone, and once."))
    _promise(actor, row, "undoing")


def reopen(row: Import) -> None:
    """Back to the mapping. Errors: WrongState."""
    _demand_mappable(row)
    row.status, row.report = "uploaded", {}
    _save(row)


def _promise(actor: Actor, row: Import, status: str, partly: bool = False) -> None:
    row.status, row.report = status, row.report if status == "undoing" else {}
    payload = {"import": str(row.pk), "language": translation.get_language() or "", "partly": partly}
    row.job = jobs.promise("import", payload, actor).pk
    _tell(row.pk, 0, 0)
    _save(row)


def _save(row: Import) -> None:
    with permit():
        row.save(update_fields=["status", "report", "mapping", "job", *(["content"] if row.status == "done" else [])])


@jobs.does("import")
def work(actor: Actor, payload: dict[str, Any], progress: Callable[[int, int], None]) -> None:
    """Rehearse, write or undo an uploaded file, all of it in the job's one transaction: a worker that dies leaves nothing of it."""
    sql.be_patient()
    row = Import.objects.select_for_update().get(pk=payload["import"])
    object_type = registry.get(row.type)
    if row.status not in AT_WORK or object_type is None:
        return
    with translation.override(payload["language"] or None):
        if row.status == "undoing":
            _undo(actor, row)
        else:
            _write(actor, object_type, row, payload.get("partly", False), progress)


def _write(actor: Actor, object_type: ObjectType, row: Import, partly: bool, progress: Callable[[int, int], None]) -> None:
    keep, batch = row.status == "writing", uuid7()
    if keep:  # one file of a type at a time: the second finds what the first has made
        sql.lock(context.company().id, f"import:{row.type}")
    with context.calling(context.Call(channel="import", batch=batch if keep else None)):
        report, said, table = _load(actor, object_type, row, keep, partly)
    row.report = {**report.as_json(), "said": said}
    sound = not said and (not report.errors or (partly and keep))
    row.status = ("done" if keep else "checked") if sound else "refused"
    if row.status == "done":
        row.report["batch"] = str(batch)
        row.content = refusals.as_csv(table, report) if report.bad else b""  # the other records are here now; they are not needed again
    _save(row)
    progress(report.rows, report.rows)


def _load(actor: Actor, object_type: ObjectType, row: Import, keep: bool, partly: bool) -> tuple[Report, list[str], Table | None]:
    """The report, the sentences that belong to no cell, and the file."""
    table = None
    try:
        table, chosen = table_of(row), Mapping.from_json(row.mapping)
        return loading.load(actor, object_type, table, chosen, keep, lambda done, total: _tell(row.pk, done, total), partly), [], table
    except OdosError as error:
        return Report(), _by_column(error, table) if isinstance(error, RuleError) and table else error.sentences, None


def _by_column(error: RuleError, table: Table) -> list[str]:
    """The sentences of a refusal, those about a column with its heading: the form that would show them there is closed by now."""
    heads = {str(position): heading for position, heading in enumerate(refusals.heads_of(table))}
    column = _("Column “%(column)s”: %(sentence)s")
    return [column % {"column": heads[at], "sentence": said} if at in heads else said for at, found in error.errors.items() for said in found]


def _undo(actor: Actor, row: Import) -> None:
    with context.calling(context.Call(channel="import")):
        conflicts = undo.batch(actor, UUID(row.report["batch"]), lambda done, total: _tell(row.pk, done, total))
    kept = [[slug, str(ident), sentence] for slug, ident, sentence in conflicts[:CONFLICTS]]
    row.report = {**row.report, "conflicts": kept, "left": len(conflicts)}
    row.status = "undone"
    _save(row)


def refused_rows(row: Import) -> bytes:
    """The refused rows as CSV with their reasons. Errors: Missing where there are none. Cost: reads the file once, until it was imported."""
    report = report_of(row)
    if not report.bad or row.status in AT_WORK:
        raise Missing
    return bytes(row.content) if row.status in WRITTEN else refusals.as_csv(table_of(row), report)


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
    held = {name: row.report[name] for name in Report.__dataclass_fields__ if name in row.report}
    return Report(**{**held, "faults": [Fault(**fault) for fault in held.get("faults", ())]})
