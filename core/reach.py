"""Rows by their ids, as far as somebody reaches them: what every write asks, put into words once for all whose grants have the same scopes.

The answers are those of ``core.access.rows``; where a grant has a filter, or a type a row rule of its own, Django words it each time.
"""

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from django.db.models import Model, QuerySet, UUIDField

from core import access, edition
from core.access import Actor
from core.errors import Missing
from core.prepared import Asked, Prepared, listed
from core.registry import ObjectType


def records(actor: Actor, object_type: ObjectType, ids: Collection[UUID], action: str = "view", lock: bool = False) -> dict[UUID, Model]:
    """Id -> record, of those the actor may do this with; locked in the order of their ids where that is asked. Cost: one query."""
    worded = _worded(actor, object_type, action, "locked" if lock else "records")
    if worded is not None:
        return {record.pk: record for record in worded.records(*_values(actor, ids))}
    return {record.pk: record for record in _asked(access.rows(actor, object_type, action), ids, "locked" if lock else "records")}


def present(actor: Actor, object_type: ObjectType, ids: Collection[UUID], action: str = "view") -> set[UUID]:
    """Those of these ids with whose records the actor may do this. Cost: one query, none for one of a settled type that anybody named in this edition."""
    if len(ids) == 1 and _is_of_the_setup(actor, object_type, action):
        try:
            return edition.keep(("is there", object_type.slug, *ids), lambda: _found(actor, object_type, ids, action))
        except Missing:  # nothing is kept of what is tried
            return set()
    return _present(actor, object_type, ids, action)


def asked_present(actor: Actor, object_type: ObjectType, ids: Collection[UUID]) -> list[Asked]:
    """What ``present`` asks of the database, where that is in words, to be asked together with more."""
    worded = None if len(ids) == 1 and _is_of_the_setup(actor, object_type, "view") else _worded(actor, object_type, "view", "ids")
    return [] if worded is None else [(worded, _values(actor, ids))]


def _is_of_the_setup(actor: Actor, object_type: ObjectType, action: str) -> bool:
    """Whether which records there are hangs on the set-up alone, as far as this actor sees them: the row that refers to one still needs it to be there."""
    return object_type.settled and action == "view" and access.sees_all(actor, object_type)


def _found(actor: Actor, object_type: ObjectType, ids: Collection[UUID], action: str) -> set[UUID]:
    found = _present(actor, object_type, ids, action)
    if not found:
        raise Missing
    return found


def _present(actor: Actor, object_type: ObjectType, ids: Collection[UUID], action: str) -> set[UUID]:
    worded = _worded(actor, object_type, action, "ids")
    if worded is not None:
        return {pk for (pk,) in worded.rows(*_values(actor, ids))}
    return {pk for (pk,) in _asked(access.rows(actor, object_type, action), ids, "ids")}


def asked(actor: Actor, object_type: ObjectType, ids: Collection[UUID], lock: bool = False) -> list[Asked]:
    """What ``records`` asks of the database, where that is in words, to be asked together with more."""
    worded = _worded(actor, object_type, "view", "locked" if lock else "records")
    return [] if worded is None else [(worded, _values(actor, ids))]


def _asked(rows: QuerySet, ids: Collection[UUID] | str, form: str) -> QuerySet:
    found = rows.filter(pk__among=ids) if isinstance(rows.model._meta.pk, UUIDField) else rows.filter(pk__in=ids)
    if form == "ids":
        return found.order_by().values_list("pk")
    return found.order_by("pk").select_for_update(of=("self",)) if form == "locked" else found


def _values(actor: Actor, ids: Collection[UUID]) -> tuple[str, UUID, UUID]:
    """What stands for the marks of a query; whose scopes are all names nobody in it."""
    return listed(ids), actor.id or NOBODY, actor.unit_id or NOBODY


NOBODY = UUID(int=0)


def _worded(actor: Actor, object_type: ObjectType, action: str, form: str) -> Prepared | None:
    """The query in words for all who have the same scopes; nothing where more than scopes says which rows they are."""
    scopes = _scopes(actor, object_type, action)
    if scopes is None or not isinstance(object_type.model._meta.pk, UUIDField):
        return None
    held, key = object_type.__dict__.setdefault("reached", {}), (form, scopes, action if scopes else "")
    if key not in held:

        def make(ids: str, me: UUID, unit: UUID) -> QuerySet:
            if not scopes:
                return _asked(object_type.all(), ids, form)
            marked = replace(actor, id=me, unit_id=actor.unit_id and unit, is_mark=True)
            return _asked(access.rows(marked, object_type, action), ids, form)

        held[key] = Prepared(make, "ids", NOBODY, NOBODY)
    return held[key]


def _scopes(actor: Actor, object_type: ObjectType, action: str) -> tuple | None:
    """What of the actor's grants says which rows he reaches: nothing for all of them, None where it is more than their scopes."""
    if actor.system:
        return ()
    if object_type.rows:
        return () if action == "view" and access.sees_all(actor, object_type) else None
    if object_type.personal or actor.id is None:
        return None
    if access.is_unlimited(actor, object_type, "view") and access.is_unlimited(actor, object_type, action):
        return ()
    held = [access.permissions(actor, object_type, asked) for asked in ("view", action)]
    if not all(held) or any(p.filter for granted in held for p in granted):
        return None
    return (actor.unit_id is None, *(frozenset(p.scope for p in granted) for granted in held))
