"""Writing the trail: one entry for each write, in its transaction. Reading it follows the record it is about."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from core import access, clock, context, registry
from core.access import Actor
from core.columns import Table
from core.models import TrailEntry
from core.models.record import Record, permit
from core.registry import ObjectType

ACTS = {
    "add": _("Created"), "change": _("Changed"), "archive": _("Archived"), "restore": _("Restored"), "delete": _("Deleted"), "import": _("Imported"),
    "view": _("Viewed"),
}  # fmt: skip


def act_choices() -> dict:
    """Act -> what people call it, over all types."""
    return {**{a.name: a.label for t in registry.every() for a in t.acts}, **ACTS}


class Entry(NamedTuple):
    """An entry that is not written yet. ``at`` is empty where the database says when."""

    at: datetime | None
    actor: UUID | None
    about_type: str
    about_id: UUID
    act: str
    changes: dict[str, Any]
    version: int
    channel: str
    request_id: str
    address: str
    batch: UUID | None


def entry(actor: Actor, object_type: ObjectType, record, act: str, changes: dict) -> Entry:
    return next(entries(actor, object_type, act, [(record, changes)]))


def entries(actor: Actor, object_type: ObjectType, act: str, told: Iterable[tuple[Record, dict]]) -> Iterator[Entry]:
    """Of records that the same was done to together, with what changed of each."""
    call, at, who, slug = context.call(), clock.told(), actor.id, object_type.slug
    whence = (call.channel, call.request_id, call.address, call.batch)
    for record, changes in told:
        yield Entry(at, who, slug, record.pk, act, changes, getattr(record, "version", 1), *whence)


def note(entries: Iterable[Entry]) -> None:
    """Write entries made in this transaction; of a rehearsal none, nor are they made. Cost: one statement for a thousand."""
    if context.is_rehearsal() or not (entries := list(entries)):
        return
    timed = entries[0].at is not None
    with permit():
        TrailEntry.objects.add_values(Entry._fields if timed else Entry._fields[1:], entries if timed else [one[1:] for one in entries])


def visible(actor: Actor) -> QuerySet:
    """Entries about records the actor sees."""
    allowed = Q(pk__in=[])
    for object_type in registry.every():
        if object_type.rows is None and access.allows(actor, object_type, "view"):
            about = Q(about_type=object_type.slug)
            allowed |= about if access.sees_all(actor, object_type) else about & Q(about_id__in=access.rows(actor, object_type).values("pk"))
    return TrailEntry.objects.filter(allowed)


def about(object_type: ObjectType, ident: UUID) -> QuerySet:
    """Entries about a record that the reader is known to see, so that nobody asks for each type whether he sees it."""
    return TrailEntry.objects.filter(about_type=object_type.slug, about_id=ident)


def readable_changes(actor: Actor, about_type: str, changes: dict) -> dict:
    """The changes without fields the actor does not see (Z-05)."""
    object_type = registry.get(about_type)
    if object_type is None:
        return {}
    seen = {*access.fields(actor, object_type), *(entry.name for entry in access.lines(actor, object_type))}
    return {name: change for name, change in changes.items() if name in seen and name not in object_type.untold}


def redact(actor: Actor, table: Table) -> None:
    """The ``redact`` hook of the type of entries."""
    if "changes" in table.columns:
        told = zip(table.records, table.columns["changes"], strict=True)
        table.columns["changes"] = [readable_changes(actor, entry.about_type, changes) if changes else changes for entry, changes in told]
