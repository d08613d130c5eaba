"""The values of a company's own field over all records of its type: counted, numbered, filled in, indexed. The long of it is done in jobs."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.fields.json import HasAnyKeys, KeyTransform

from core import access, context, door, jobs, numbering, registry, schema, sql, structures, trail
from core.access import Actor
from core.models import CustomField
from core.models.record import permit
from core.registry import ObjectType

AT_ONCE = 1000  # records that are filled in the transaction that asks; more wait for a job
FORMS = {"numeric": "numeric", "boolean": "boolean"}

Progress = Callable[[int, int], None]


def index_of(object_type: ObjectType, own: CustomField) -> sql.OwnIndex:
    """The index of a field, on the expression its filters and sorts use."""
    rules = registry.KINDS[own.kind]
    form = "list" if rules.empty == [] else FORMS.get(rules.cast or "", "text")
    return sql.OwnIndex(object_type.model._meta.db_table, own.key, form, tuple(object_type.among.items()))


def indexes(own: CustomField) -> tuple[str, ...]:
    """The marks of the indexes a field has for filters and sorts. One reference is indexed as a declared one is: roll-ups and related lists follow it,

    and who opens a file is asked for the records that hold it.
    """
    if own.archived_at is not None:
        return ()
    return ("f", "d") if own.fast else ("f",) if own.kind in ("ref", "user", "file", "image") else ()


def without_value(object_type: ObjectType, own: CustomField) -> QuerySet:
    """The living records that have none."""
    return object_type.all().filter(~Q(custom__has_key=own.key), archived_at=None)


def with_option(object_type: ObjectType, own: CustomField, key: str) -> QuerySet:
    """The records, archived ones too, that have this option."""
    if own.kind == "choices":
        return object_type.all().filter(HasAnyKeys(KeyTransform(own.key, "custom"), [key]))
    return object_type.all().filter(**{f"custom__{own.key}": key})


# Numbers and first values -------------------------------------------------------------------------------------------


def series_of(field_id: UUID) -> str:
    return f"own:{field_id.hex}"


def number_later(actor: Actor, object_type: ObjectType, own: CustomField) -> None:
    """Give every record without a number one: now where they are few, else in a job."""
    _now_or_later("number-own-field", actor, object_type, own, number)


def fill_later(actor: Actor, object_type: ObjectType, own: CustomField) -> None:
    """Give every record without a value the default."""
    _now_or_later("fill-own-field", actor, object_type, own, fill)


def _now_or_later(kind: str, actor: Actor, object_type: ObjectType, own: CustomField, work: Callable) -> None:
    if len(object_type.all().filter(~Q(custom__has_key=own.key)).values_list("pk")[: AT_ONCE + 1]) > AT_ONCE:
        jobs.promise(kind, {"field": str(own.pk)}, actor)
    else:
        work(actor, object_type, own, lambda done, total: None)


def number(actor: Actor, object_type: ObjectType, own: CustomField, progress: Progress) -> None:
    """Number the records that have none, in the order they were made. Cost: four statements for a thousand."""
    on = structures.today()

    def values(count: int) -> list[str]:
        return numbering.patterned(series_of(own.pk), own.pattern, on, count)

    _put_everywhere(actor, object_type, own, values, progress)


def fill(actor: Actor, object_type: ObjectType, own: CustomField, progress: Progress) -> None:
    _put_everywhere(actor, object_type, own, lambda count: [own.default] * count, progress)


def _put_everywhere(actor: Actor, object_type: ObjectType, own: CustomField, values: Callable[[int], list], progress: Progress) -> None:
    """Put values where there are none. Nobody's form goes stale by it: a version counts what people changed."""
    empty = object_type.all().filter(~Q(custom__has_key=own.key)).order_by("created_at", "pk")
    total, done = empty.count(), 0
    while True:
        records = list(empty.select_for_update(of=("self",))[:AT_ONCE])
        if not records:
            return
        entries = []
        for record, value in zip(records, values(len(records)), strict=True):
            record.custom[own.key] = value
            entries.append(trail.entry(actor, object_type, record, "change", {own.key: [None, value]}))
        with permit():
            object_type.all().store(records, ["custom"])
        trail.note(entries)
        done += len(records)
        progress(done, max(total, done))


def _field_of(payload: dict[str, Any]) -> tuple[ObjectType | None, CustomField | None]:
    own = CustomField.objects.filter(pk=payload["field"], archived_at=None).first()
    return (registry.get(own.type), own) if own else (None, None)


def _work(kind: str, work: Callable) -> None:
    def do(actor: Actor, payload: dict[str, Any], progress: Progress) -> None:
        object_type, own = _field_of(payload)
        if object_type is not None:
            sql.be_patient()
            sql.lock_shared(context.company().id, schema.lock_of(own.type))  # what its values mean is changed before or after, never meanwhile
            own.refresh_from_db()
            work(access.on_behalf(actor), object_type, own, progress)

    jobs.does(kind)(do)


_work("number-own-field", number)
_work("fill-own-field", fill)


def number_new(object_type: ObjectType, records: list) -> None:
    """Give new records their numbers, without gaps (M-06). Cost: one statement for each auto number of the type."""
    for f in schema.own_fields(object_type):
        if f.kind == "autonumber":
            given = numbering.patterned(series_of(f.source), f.pattern, structures.today(), len(records))
            for record, value in zip(records, given, strict=True):
                record.custom[f.name] = value


# Indexes ------------------------------------------------------------------------------------------------------------


@jobs.does("index-own-field", apart=True)
def build_index(actor: Actor, payload: dict[str, Any], progress: Progress) -> None:
    """Build what a fast field needs while all others work. It says ``ready``, or ``failed`` until the next try."""
    object_type, own = _field_of(payload)
    if object_type is None or not indexes(own):
        return
    try:
        index_of(object_type, own).build(sorted_too=own.fast)
    except Exception:
        _say(own.pk, "failed")
        raise
    _say(own.pk, "ready")


def index_later(actor: Actor, of: ObjectType, own: CustomField) -> None:
    """Build the index of a fast field anew, where it failed. Errors: Denied."""
    access.demand(actor, of, "change")
    if own.fast and own.archived_at is None:
        with permit():
            CustomField.objects.filter(pk=own.pk).update(fast_state="building")
        jobs.promise("index-own-field", {"field": str(own.pk)}, actor)


def _say(field_id: UUID, state: str) -> None:
    """Note how far the index is; where somebody no longer wants it, it goes."""

    def note() -> None:
        own = CustomField.objects.select_for_update().filter(pk=field_id).first()
        object_type = registry.get(own.type) if own else None
        if own is not None and own.fast and own.archived_at is None:
            with permit():
                CustomField.objects.filter(pk=field_id).update(fast_state=state)
        elif object_type is not None:
            index_of(object_type, own).drop(*({"f", "d"} - set(indexes(own))))

    door.writing(note)


def state_of(object_type: ObjectType, own: CustomField) -> tuple[str, int]:
    """(state, percent done) of a fast field's index. Cost: none, but one query while it is built."""
    if own.fast_state != "building":
        return own.fast_state, 100 if own.fast_state == "ready" else 0
    return "building", int(100 * (index_of(object_type, own).progress() or 0))

