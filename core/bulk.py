"""The same done to many records: fields set, an act, archiving, deleting. Tried first, then done in the background, part by part.

Each part is one transaction of ``core.write`` with all its rules; a record that cannot be done is left as it is and named with the reason.
Trying does the same work and takes it back, so what it tells is what would happen. All writes of a run carry its id as their batch.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from core import access, cleaning, context, deleting, jobs, limits, piecemeal, query, registry, undo, write
from core.access import Actor
from core.errors import Denied, Missing, OdosError, RuleError, Stale, WrongState
from core.listings import Listing
from core.models import BulkPart, BulkRun
from core.models.record import Record, permit
from core.registry import Act, ObjectType

PART = 250  # records of one transaction: a part takes a second or two, so that progress is seen and nobody waits long for its locks
REASONS = 50  # different sentences a report tells apart
PLAIN = ("change", "delete")
BUSY = ("checking", "writing", "undoing")
Fault = list[Any]  # [id, kind, sentence], and the value it is about where there is one; kinds: gone, changed, left, denied, state, rule, value


class _TakenBack(Exception):
    """A part was only tried."""


@dataclass(frozen=True)
class Selection:
    """Which records: those named, or all that match a filter."""

    ids: tuple[UUID, ...] = ()
    filter: Any = None
    q: str = ""
    archived: bool = False

    def rows(self, actor: Actor, object_type: ObjectType) -> QuerySet:
        if self.ids:
            return access.rows(actor, object_type).filter(pk__in=self.ids)
        found = Listing(conditions=(self.filter,) if self.filter else (), q=self.q, archived=self.archived)
        return query.matching(actor, object_type, found)

    def stored(self) -> dict[str, Any]:
        return {"ids": [str(i) for i in self.ids], "filter": self.filter, "q": self.q, "archived": self.archived}


def selection(stored: dict[str, Any]) -> Selection:
    """A selection from what a run keeps, or a program sent. Errors: RuleError."""
    ids, q, archived = stored.get("ids") or (), stored.get("q") or "", stored.get("archived") or False
    if not isinstance(ids, list | tuple) or not isinstance(q, str) or not isinstance(archived, bool):
        raise RuleError({"ids": [_("Name the records by a list of ids, or by a filter.")]})
    limits.demand("bulk", len(ids), _("records"))
    try:
        found = tuple(dict.fromkeys(registry.KINDS["ref"].clean(registry.Field("id"), i) for i in ids))
    except ValueError as error:
        raise RuleError({"ids": [str(error)]}) from None
    return Selection(found, stored.get("filter"), q[:200], archived)


def deed_of(object_type: ObjectType, do: str) -> Act | None:
    """The act of a run, None where it sets fields or deletes. Errors: Missing for what there is not, RuleError for one that asks for rows."""
    if do in PLAIN:
        return None
    deed = (write.ARCHIVE.get(do) if object_type.archivable else None) or object_type.act(do)
    if deed is None:
        raise Missing
    if deed.lines or deed.takes:
        raise RuleError({"act": [_("“%(act)s” asks for rows of its own on each record, so it is done one by one.") % {"act": deed.label}]})
    return deed


def possible(actor: Actor, object_type: ObjectType, archived: bool) -> list[str]:
    """What the actor may do to many records of the type. Cost: none."""
    if not object_type.writable or object_type.rows:
        return []
    acts = [a.name for a in access.acts(actor, object_type) if not (a.lines or a.takes)]
    kept = ["restore" if archived else "archive"] if object_type.archivable else []
    return [do for do in ("change", *acts, *kept, *(["delete"] if object_type.deletable else [])) if access.allows(actor, object_type, do)]


# Asking -------------------------------------------------------------------------------------------------------------


def ask(actor: Actor, object_type: ObjectType, chosen: Selection, do: str, data: dict[str, Any], dry_run: bool = True) -> BulkRun:
    """A run over what is selected now, tried first unless ``dry_run`` is off. Cost: a dozen statements. Errors: RuleError, Denied, Missing."""
    if not object_type.writable or object_type.rows:
        raise Denied(_("%(type)s are written by the system alone.") % {"type": object_type.plural})
    deed = deed_of(object_type, do)
    access.demand(actor, object_type, do)
    _demand_clean(actor, object_type, deed, do, data)
    most = limits.limit("bulk")
    rows = list(chosen.rows(actor, object_type).order_by("pk").values_list("pk", "version")[: most + 1])
    limits.demand("bulk", len(rows), _("records"))
    if not rows:
        raise RuleError({"_": [_("Nothing is selected.")]})
    what = {**chosen.stored(), "do": do, "data": data}
    run = BulkRun(type=object_type.slug, owner_id=actor.id, what=what, state="checking" if dry_run else "writing", total=len(rows))
    parts = [
        BulkPart(run=run, position=at // PART, rows=[[str(pk), version] for pk, version in rows[at : at + PART]]) for at in range(0, len(rows), PART)
    ]
    with permit():
        run.save(force_insert=True)
        BulkPart.objects.bulk_create(parts, batch_size=100)
    jobs.promise("bulk", {"run": str(run.pk)}, actor)
    return run


def _demand_clean(actor: Actor, object_type: ObjectType, deed: Act | None, do: str, data: Any) -> None:
    """What is to be set, or the act's inputs, can be read and refer to what the actor sees. Errors: RuleError."""
    if not isinstance(data, dict):
        raise RuleError({"data": [_("A record is an object of fields.")]})
    if do == "delete":
        made = []
    elif deed is None:
        if not data:
            raise RuleError({"_": [_("Choose at least one field to set.")]})
        known = {n: f for n, f in write.writable(actor, object_type).items() if not f.unique}
        made = cleaning.clean(actor, known, [], [data], False)
    else:
        made = cleaning.inputs(actor, deed, [], [data])
    errors = {name: sentences for one in made for name, sentences in one.errors.items()}
    if errors:
        raise RuleError(errors)


def find(actor: Actor, ident: UUID, lock: bool = False) -> BulkRun:
    """A run of the actor's own. Errors: Missing."""
    runs = BulkRun.objects.select_for_update() if lock else BulkRun.objects.all()
    run = runs.filter(pk=ident, owner_id=actor.id).first()
    if run is None or registry.get(run.type) is None:
        raise Missing
    return run


def confirm(actor: Actor, ident: UUID) -> BulkRun:
    """Do what was tried. Errors: WrongState where it is not waiting for that."""
    run = find(actor, ident, lock=True)
    if run.state != "checked":
        raise WrongState(_("This was confirmed already, or is still being checked."))
    run.state, run.done, run.report = "writing", 0, {}
    with permit():
        run.save()
        run.parts.update(open=True, faults=[])
    jobs.promise("bulk", {"run": str(run.pk)}, actor)
    return run


def can_undo(run: BulkRun) -> bool:
    """Whether what was done can be taken back together: values and archiving can, acts have consequences of their own."""
    return run.state == "done" and run.what["do"] in ("change", *write.ARCHIVE) and bool(run.report.get("changed"))


def take_back(actor: Actor, ident: UUID) -> BulkRun:
    """Undo the whole run in the background, where nobody changed anything since. Errors: WrongState."""
    run = find(actor, ident, lock=True)
    if not can_undo(run):
        raise WrongState(_("This cannot be undone any more."))
    run.state, run.done = "undoing", 0
    with permit():
        run.save()
    jobs.promise("bulk-undo", {"run": str(run.pk)}, actor)
    return run


@jobs.does("bulk-undo")
def undo_work(actor: Actor, payload: dict[str, Any], progress: Callable[[int, int], None]) -> None:
    """Take back every write of a run; what cannot be is told like what could not be done."""
    run = BulkRun.objects.select_for_update().get(pk=payload["run"])
    if run.state != "undoing":
        return
    with translation.override(language_of(actor)):
        conflicts = [[str(pk), "changed", sentence] for _slug, pk, sentence in undo.batch(actor, run.pk, progress)]
    run.report = added({"changed": run.report["changed"] - len(conflicts)}, Counter(), conflicts)
    run.state, run.done, run.finished_at = "undone", run.total, timezone.now()
    with permit():
        run.parts.update(faults=[])
        run.parts.filter(position=0).update(faults=conflicts)
        run.save()


def language_of(actor: Actor) -> str:
    """The language in which reasons are kept: that of whoever asked."""
    return "zh-hans" if actor.language.startswith("zh") else "en"


def faults(run: BulkRun) -> Iterator[Fault]:
    """The records that are left as they are, with the reason, in the order of the run. Cost: one query, in pieces."""
    for part in run.parts.exclude(faults=[]).order_by("position").iterator(chunk_size=20):
        yield from part.faults


# Doing --------------------------------------------------------------------------------------------------------------


@jobs.does("bulk")
def work(actor: Actor, payload: dict[str, Any], progress: Callable[[int, int], None]) -> None:
    """One part of a run, and a job for the next: each is committed by itself, so that progress is seen and nothing is done twice."""
    run = BulkRun.objects.select_for_update().get(pk=payload["run"])
    object_type = registry.get(run.type)
    part_of_run = run.parts.filter(open=True).order_by("position").first() if run.state in ("checking", "writing") and object_type else None
    if part_of_run is None:
        return
    with translation.override(language_of(actor)):
        counts, part_of_run.faults = do_part(actor, object_type, run, part_of_run)
    part_of_run.open = False
    run.done += len(part_of_run.rows)
    run.report = added(run.report, counts, part_of_run.faults)
    more = run.parts.filter(open=True).exclude(pk=part_of_run.pk).exists()
    if not more:
        run.state = "checked" if run.state == "checking" else "done"
        run.finished_at = timezone.now()
    with permit():
        part_of_run.save()
        run.save()
    if more:
        jobs.promise("bulk", payload, actor)


def added(report: dict[str, Any], counts: Counter, new: list[Fault]) -> dict[str, Any]:
    """The report with one part more. Reasons beyond the first fifty are counted together by their kind."""
    summed = {name: report.get(name, 0) + counts[name] for name in ("changed", "unchanged", "archived")}
    reasons = {(kind, sentence): n for kind, sentence, n in report.get("reasons", [])}
    for _id, kind, sentence, *_more in new:
        key = (kind, sentence) if (kind, sentence) in reasons or len(reasons) < REASONS else (kind, "")
        reasons[key] = reasons.get(key, 0) + 1
    told = sorted(([kind, sentence, n] for (kind, sentence), n in reasons.items()), key=lambda r: (-r[2], r[0], r[1]))
    return {**summed, "refused": report.get("refused", 0) + len(new), "reasons": told}


def do_part(actor: Actor, object_type: ObjectType, run: BulkRun, one: BulkPart) -> tuple[Counter, list[Fault]]:
    """What became of the part's records. A run that is only tried takes it all back."""
    known = {UUID(pk): version for pk, version in one.rows}
    counts: Counter = Counter()
    refused: list[Fault] = []
    try:
        with transaction.atomic(), context.calling(replace(context.call(), batch=run.pk)), context.rehearsing(run.state == "checking"):
            able, refused = _able(actor, object_type, run, known)
            left = piecemeal.do(partial(_do, actor, object_type, run.what, counts), able)
            refused += [[str(pk), _kind(error), sentence_of(error)] for (pk, _version), error in left]
            if run.state == "checking":
                raise _TakenBack
    except _TakenBack:
        pass
    return counts, refused


def _able(actor: Actor, object_type: ObjectType, run: BulkRun, known: dict[UUID, int]) -> tuple[list[tuple[UUID, int]], list[Fault]]:
    """The records of a part that may be tried, locked, and the others with the reason. Cost: four statements."""
    do, deed = run.what["do"], deed_of(object_type, run.what["do"])
    found = access.rows(actor, object_type).filter(pk__in=list(known)).order_by("pk").select_for_update(of=("self",))
    present: dict[UUID, Record] = {r.pk: r for r in found}
    chosen = selection(run.what)
    still = set(present) if chosen.ids else set(chosen.rows(actor, object_type).filter(pk__in=list(present)).values_list("pk", flat=True))
    allowed = access.allows(actor, object_type, do)
    may = set(access.rows(actor, object_type, do).filter(pk__in=list(present)).values_list("pk", flat=True)) if allowed else set()
    able, refused = [], []
    for pk, version in known.items():
        record = present.get(pk)
        if record is None:
            refused.append([str(pk), "gone", _("It is no longer there, or you no longer see it.")])
        elif pk not in still:
            refused.append([str(pk), "left", _("It no longer matches the filter.")])
        elif record.version != version:
            refused.append([str(pk), "changed", _("Somebody changed it after it was selected.")])
        elif pk not in may:
            refused.append([str(pk), "denied", _("You may not do this with this record.")])
        elif sentence := _impossible(actor, object_type, deed, record):
            refused.append([str(pk), "state", sentence])
        else:
            able.append((pk, version))
    return able, refused


def _impossible(actor: Actor, object_type: ObjectType, deed: Act | None, record: Record) -> str:
    """Why an act is not possible from the record's present state; empty where it may be. ``core.write`` asks again."""
    if deed is None:
        return ""
    if deed.name in write.ARCHIVE and (record.archived_at is not None) == (deed.name == "archive"):
        return _("The record is archived already.") if deed.name == "archive" else _("The record is not archived.")
    if deed.sources and record.status not in deed.sources:
        state = write.state_label(object_type, record)
        return _("“%(act)s” is not possible while the record is %(state)s.") % {"act": deed.label, "state": state}
    try:
        deed.guard(actor, record)
    except (WrongState, RuleError) as error:
        return sentence_of(error)
    return ""


def _do(actor: Actor, object_type: ObjectType, what: dict[str, Any], counts: Counter, items: list[tuple[UUID, int]]) -> None:
    """The deed on these records, on all or none. Errors: whatever ``core.write`` refuses."""
    do, data = what["do"], what["data"]
    if do == "delete":
        gone = deleting.delete_many(actor, object_type, items)
        counts.update(changed=sum(gone), archived=len(gone) - sum(gone))
    elif do == "change":
        stored = write.change_many(actor, object_type, [(pk, dict(data), version) for pk, version in items])
        changed = sum(record.version != version for record, (_pk, version) in zip(stored, items, strict=True))
        counts.update(changed=changed, unchanged=len(items) - changed)
    else:
        write.act_many(actor, object_type, do, [(pk, dict(data)) for pk, _version in items], versions=dict(items))
        counts.update(changed=len(items))


def _kind(error: Exception) -> str:
    known = ((RuleError, "rule"), (Denied, "denied"), (Missing, "gone"), (Stale, "changed"))
    return next((kind for cls, kind in known if isinstance(error, cls)), "state")


def sentence_of(error: Exception) -> str:
    """A refusal in words."""
    if isinstance(error, Missing):
        return _("It is no longer there, or you no longer see it.")
    if isinstance(error, Stale):
        return _("Somebody changed it after it was selected.")
    return " ".join(error.sentences) if isinstance(error, OdosError) else _("A value is outside of what is possible.")


def told(run: BulkRun, most: int = 1000) -> dict[str, Any]:
    """A run as programs read it; of the records left as they are the first ones. Cost: one query."""
    first: Iterable[Fault] = (fault for _at, fault in zip(range(most), faults(run), strict=False))
    refusals = [{"id": pk, "kind": kind, "reason": why, **({"value": value[0]} if value else {})} for pk, kind, why, *value in first]
    counted = {name: run.report.get(name, 0) for name in ("changed", "unchanged", "archived", "refused")}
    reasons = [{"kind": kind, "reason": sentence, "count": n} for kind, sentence, n in run.report.get("reasons", [])]
    return {
        "id": str(run.pk), "type": run.type, "do": run.what["do"], "state": run.state, "total": run.total, "done": run.done, **counted,
        "reasons": reasons, "refusals": refusals,
    }  # fmt: skip


__all__ = [
    "BUSY", "PART", "Selection", "added", "ask", "can_undo", "confirm", "deed_of", "faults", "find", "possible", "selection", "sentence_of", "take_back",
    "told", "work",
]  # fmt: skip
