"""Records go: deleted where nothing points to them, archived where something does."""

from uuid import UUID

from django.db import IntegrityError
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from core import constraints, facts, search, trail, write
from core.access import Actor
from core.errors import VersionRequired, WrongState
from core.models.record import permit
from core.registry import ObjectType


def delete(actor: Actor, object_type: ObjectType, record_id: UUID, version: int | None) -> bool:
    """Delete one record; True where it went, False where it was archived since others or facts point to it, or its type keeps all."""
    return delete_many(actor, object_type, [(record_id, version)])[0]


def delete_many(actor: Actor, object_type: ObjectType, items: list[tuple[UUID, int | None]]) -> list[bool]:
    """Delete records, each ``(id, version)`` once, all or none: True for each that went. Cost: a query for each way to refer to them, whatever their number."""
    records = write.locked_rows(actor, object_type, [record_id for record_id, _version in items], "delete")
    for record, (_id, version) in zip(records, items, strict=True):
        if version is None:
            raise VersionRequired(_("Say which version you delete: send it in If-Match."))
        write.demand_version(record, version)
        if "delete" in object_type.locked(record):
            raise WrongState(_("This record can no longer be deleted."))
    kept = {record.pk: record for record in records}
    while kept and object_type.deletable and (free := kept.keys() - _pointed_to(object_type, list(kept))):  # with one goes what it pointed to
        going = [record for record in records if record.pk in free]
        trail.note(trail.entries(actor, object_type, "delete", ((record, {"label": [str(record), None]}) for record in going)))
        search.forget(free)
        try:
            with permit():
                rows = object_type.all().filter(pk__among=free)
                rows.erase() if constraints.stand_alone(object_type.model) else rows.delete()
        except (ProtectedError, IntegrityError):
            raise WrongState(_("Another record refers to this one; archive it instead.")) from None
        kept = {ident: record for ident, record in kept.items() if ident not in free}
    if kept:
        write.put_away(actor, object_type, list(kept.values()))
    return [record.pk not in kept for record in records]


def _pointed_to(object_type: ObjectType, ids: list[UUID]) -> set[UUID]:
    return constraints.pointed_to(object_type, ids) | facts.pointed_to(object_type, ids)
