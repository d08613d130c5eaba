"""An object of a company's own gives way to a type that ships later under its key: it goes on under another, with all that names it.

What refers to it by its key is renamed in one transaction: records, fields, rights, layouts, rules, views, figures, trail. Values are untouched.
"""

from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q

from core import jobs, lines, objects, own_values, registry, schema, search, sql, trail
from core.access import Actor
from core.models import (
    CustomField,
    CustomObject,
    CustomRecord,
    FormRule,
    Grant,
    Import,
    Kpi,
    Layout,
    Pack,
    RecordType,
    Rule,
    SavedView,
    Sequence,
    TrailEntry,
)
from core.models.record import Record, permit
from core.registry import ObjectType

NAMED = (
    (CustomField, "type"), (CustomField, "target"), (Grant, "type"), (Layout, "type"), (RecordType, "type"), (Rule, "type"), (FormRule, "type"),
    (SavedView, "type"), (Import, "type"), (CustomRecord, "object"), (search.SearchEntry, "about_type"),
)  # fmt: skip
HELD = ((Layout, "content"), (CustomField, "rollup"), (Kpi, "definition"), (Pack, "made"))  # JSON in which it is named


def give_way(actor: Actor) -> dict[str, str]:
    """Rename each object whose key a shipped type has now; old key -> new. Cost: one query where there is none. Runs in the caller's transaction."""
    renamed = {}
    for row in CustomObject.objects.filter(key__in=list(registry.types)).select_for_update().order_by("pk"):
        old, new = row.key, _free(row.key)
        ids = list(CustomRecord.objects.filter(object=old).values_list("pk", flat=True))
        _move_indexes(actor, row, old, new)
        named = _naming(old, ids)
        before = [_as_told(object_type, record) for object_type, record in named]
        with permit():
            _rename(old, new, ids)
            CustomObject.objects.filter(pk=row.pk).update(key=new)
            for _type, record in named:
                type(record).objects.filter(pk=record.pk).update(version=record.version + 1)
        sql.rename_in_trail(TrailEntry._meta.db_table, registry.types[old].model._meta.db_table, old, new)
        schema.forget()
        _note(actor, named, before)
        renamed[old] = new
    return renamed


def _naming(old: str, ids: list) -> list[tuple[ObjectType, Record]]:
    """Records of shipped types that name the object, with their types: their trail tells of the new name. Cost: one query a type."""
    found: list[tuple[ObjectType, Record]] = []
    for t in registry.types.values():
        if t.rows is not None or not t.writable or not issubclass(t.model, Record):
            continue
        asked = Q(pk__in=[])
        for model, column in (*NAMED, (CustomObject, "key")):
            if model is t.model:
                asked |= Q(**{column: old})
            asked |= reduce(or_, (Q(pk__in=e.model.objects.filter(**{column: old}).values(e.parent)) for e in t.lines if e.model is model), Q(pk__in=[]))
        for f in t.fields.values():
            if f.kind == "anyref":
                asked |= Q(**{f"{f.path}_type": old, f"{f.path}_id__in": ids})
        held = [column for model, column in HELD if model is t.model]
        found += [(t, r) for r in t.model.objects.filter(asked).order_by("pk")]
        if held:
            seen = {r.pk for _t, r in found}
            others = (r for r in t.model.objects.order_by("pk") if r.pk not in seen)
            found += [(t, r) for r in others if any(_renamed(getattr(r, c), old, "") != getattr(r, c) for c in held)]
    return found


def _as_told(object_type: ObjectType, record: Record) -> dict[str, Any]:
    """A stored record as the trail tells it, its rows included."""
    plain = {n: f.rules.to_json(f, f.value(record)) for n, f in object_type.fields.items() if not f.compute and f.kind not in ("secret", "refs")}
    return plain | lines.told_now(object_type, record)


def _note(actor: Actor, named: list[tuple[ObjectType, Record]], before: list[dict[str, Any]]) -> None:
    entries = []
    for (object_type, record), was in zip(named, before, strict=True):
        record.refresh_from_db()
        now = _as_told(object_type, record)
        entries.append(trail.entry(actor, object_type, record, "change", {n: [was[n], now[n]] for n in now if now[n] != was[n]}))
    trail.note(entries)


def _free(key: str) -> str:
    taken = {*registry.types, *objects.TAKEN, *CustomObject.objects.values_list("key", flat=True)}
    base = key[: objects.MOST - 8].rstrip("-")
    return next(name for n in range(1, 1000) if (name := f"{base}-own" if n == 1 else f"{base}-own-{n}") not in taken)


def _rename(old: str, new: str, ids: list) -> None:
    for model, column in NAMED:
        model.objects.filter(**{column: old}).update(**{column: new})
    for model, column in HELD:
        for row in model.objects.exclude(**{column: None}):
            told = _renamed(getattr(row, column), old, new)
            if told != getattr(row, column):
                model.objects.filter(pk=row.pk).update(**{column: told})
    for object_type in registry.types.values():
        for f in object_type.fields.values():
            if f.kind == "anyref" and object_type.rows is None:
                object_type.model.objects.filter(**{f"{f.path}_type": old, f"{f.path}_id__in": ids}).update(**{f"{f.path}_type": new})
    for series in Sequence.objects.filter(key__in=[old, *(key for key in Sequence.objects.values_list("key", flat=True) if key.startswith(f"{old}:"))]):
        Sequence.objects.filter(pk=series.pk).update(key=new + series.key[len(old) :])


def _renamed(value: Any, old: str, new: str) -> Any:
    """The same JSON in which the key, alone or before a dot, is the new one."""
    if isinstance(value, dict):
        return {k: _renamed(v, old, new) for k, v in value.items()}
    if isinstance(value, list):
        return [_renamed(v, old, new) for v in value]
    return new + value[len(old) :] if isinstance(value, str) and (value == old or value.startswith(f"{old}.")) else value


def _move_indexes(actor: Actor, row: CustomObject, old: str, new: str) -> None:
    """Indexes on its fields are of the rows of one object: those of the old key go, those of the new one come, fast ones in a job."""
    before, after = (objects.as_type(CustomObject(key=key, label=row.label, plural=row.plural), ()) for key in (old, new))
    for own in CustomField.objects.filter(type=old, archived_at=None):
        if own.unique:
            own_values.index_of(before, own).drop("u")
            own_values.index_of(after, own).keep_unique()
        if own_values.indexes(own):
            own_values.index_of(before, own).drop("f", "d")
            with permit():
                CustomField.objects.filter(pk=own.pk, fast=True).update(fast_state="building")
            jobs.promise("index-own-field", {"field": str(own.pk)}, actor)


def daily(actor: Actor) -> None:
    """What an upgrade did not come to is done the next night."""
    give_way(actor)


registry.daily.append(daily)
