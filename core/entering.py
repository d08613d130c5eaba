"""What a record must have filled in to enter a stage: a column of its type's board whose own record names the fields it asks for.

The type says by ``board_asks`` where they stand. Every door keeps it, since ``core.write`` asks here; rules of forms ask by condition besides.
"""

from collections.abc import Callable, Iterable
from copy import copy
from typing import Any

from django.utils.translation import gettext as _

from core import access, form_rules, prepared, registry, schema
from core.access import Actor
from core.cleaning import Cleaned
from core.models.record import Record
from core.registry import Field, ObjectType


def demand(actor: Actor, object_type: ObjectType, writes: Iterable[tuple[Record, Cleaned, Any]]) -> None:
    """Add to the errors of each record what the stage it enters asks for. ``writes`` are records as they will be, with the names that changed.

    A record that stands in a stage stays as it is, whatever the stage came to ask for since; but what it asks for is not
    emptied there. Cost: one query where a stage was not read with its record.
    """
    if not object_type.board_asks or actor.system:
        return
    by, writes = object_type.fields[object_type.board], [one for one in writes if not one[1].errors]
    stages = _stages(object_type, by, [record for record, _made, _changed in writes])
    for record, made, changed in writes:
        stage = stages.get(by.value(record))
        enters = record._state.adding or not {by.name, object_type.board_groups}.isdisjoint(changed)
        for f in _asked(object_type, stage) if stage is not None else ():
            if (enters or f.name in changed) and f.rules.is_empty(f.value(record)):
                _refuse(actor, object_type, made, f, stage)


def _refuse(actor: Actor, object_type: ObjectType, made: Cleaned, f: Field, stage: Record) -> None:
    if f.name in access.fields(actor, object_type):
        made.refuse(f.name, _("Fill in “%(field)s” to enter “%(stage)s”.") % {"field": f.label, "stage": stage})
    else:
        made.refuse("_", _("“%(stage)s” asks for a field that you do not see. Somebody who sees it has to fill it in first.") % {"stage": stage})


def _stages(object_type: ObjectType, by: Field, records: list[Record]) -> dict[Any, Record]:
    """The stages these records stand in, by id. Cost: one query for those that were not read with their record."""
    found = {r.pk: r for record in records if (r := record._state.fields_cache.get(by.path)) is not None}
    missing = {ident for record in records if (ident := by.value(record)) is not None} - found.keys()
    return found | (prepared.in_bulk(registry.get(by.target).model, missing))


def _asked(object_type: ObjectType, stage: Record) -> list[Field]:
    """The fields a stage asks for; one that was put away is not asked for any more."""
    known = schema.fields(object_type)
    return [known[n] for n in getattr(stage, object_type.board_asks) if n in known]


def missing(object_type: ObjectType, record: Record, by: Field, value: Any) -> list[Field]:
    """What this record would have to have filled in to stand in another column. ``value`` is a stage, or the key of a choice.

    Cost: that of the conditions of rules that require something; none where there are none.
    """
    moved = copy(record)
    if by.custom:
        moved.custom = dict(record.custom)
    by.put(moved, value.pk if by.is_reference else value)
    asked = _asked(object_type, value) if object_type.board_asks and by.name == object_type.board else []
    state, known = form_rules.state_of(object_type, moved), schema.fields(object_type)
    asked += [known[n] for n in sorted(state.required - state.hidden) if n in known and known[n] not in asked]
    return [f for f in asked if not f.compute and f.rules.is_empty(f.value(record))]


# What a stage may ask for -------------------------------------------------------------------------------------------


def fields_of(slug: str) -> Callable[[], dict[str, Any]]:
    """The options of the field in which a stage names what it asks for: name -> label of what people fill in on records of this type."""

    def offered() -> dict[str, Any]:
        object_type = registry.get(slug)
        placed = {object_type.board, object_type.board_groups, "record_type"}
        return {n: f.label for n, f in schema.fields(object_type).items() if _is_typed(f) and not (f.required and not f.custom) and n not in placed}

    return offered


def _is_typed(f: Field) -> bool:
    return not (f.readonly or f.compute or f.unasked or f.kind in ("secret", "yesno"))


def asking_for(slug: str, name: str) -> list[str]:
    """The names of the stages that ask for this field of the type. Cost: one query where the type's stages ask for anything."""
    object_type = registry.get(slug)
    if object_type is None or not object_type.board_asks:
        return []
    stages = registry.get(object_type.fields[object_type.board].target).model
    return [str(stage) for stage in stages.objects.filter(**{f"{object_type.board_asks}__contains": [name]})]


__all__ = ["asking_for", "demand", "fields_of", "missing"]
