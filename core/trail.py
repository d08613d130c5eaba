"""Writing the trail: one entry for each write, in its transaction. Reading it follows the record it is about."""

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from core import access, clock, context, registry
from core.access import Actor
from core.models import TrailEntry
from core.models.record import permit
from core.registry import ObjectType

ACTS = {
    "add": _("Created"), "change": _("Changed"), "archive": _("Archived"), "restore": _("Restored"), "delete": _("Deleted"), "import": _("Imported"),
    "view": _("Viewed"),
}  # fmt: skip


def act_choices() -> dict:
    """Act -> what people call it, over all types."""
    return {**{a.name: a.label for t in registry.every() for a in t.acts}, **ACTS}


def entry(actor: Actor, object_type: ObjectType, record, act: str, changes: dict) -> TrailEntry:
    call = context.call()
    moment = {"at": clock.now()} if clock.told() else {}  # else the database's own
    return TrailEntry(
        **moment, actor=actor.id, about_type=object_type.slug, about_id=record.pk, act=act, changes=changes, version=getattr(record, "version", 1),
        channel=call.channel, request_id=call.request_id, address=call.address, batch=call.batch,
    )  # fmt: skip


def note(entries: list[TrailEntry]) -> None:
    """Write entries made in this transaction. Cost: one statement for a thousand."""
    with permit():
        TrailEntry.objects.add(entries)


def visible(actor: Actor) -> QuerySet:
    """Entries about records the actor sees."""
    allowed = Q(pk__in=[])
    for object_type in registry.every():
        if object_type.rows is None and access.allows(actor, object_type, "view"):
            seen = access.rows(actor, object_type)
            about = Q(about_type=object_type.slug)
            allowed |= about & Q(about_id__in=seen.values("pk")) if seen.query.where else about
    return TrailEntry.objects.filter(allowed)


def readable_changes(actor: Actor, about_type: str, changes: dict) -> dict:
    """The changes without fields the actor does not see (Z-05)."""
    object_type = registry.get(about_type)
    if object_type is None:
        return {}
    seen = {*access.fields(actor, object_type), *(entry.name for entry in access.lines(actor, object_type))}
    return {name: change for name, change in changes.items() if name in seen and name not in object_type.untold}


def redact(actor: Actor, shown) -> None:
    """The ``redact`` hook of the type of entries."""
    changes = shown.values.get("changes")
    if changes:
        shown.values["changes"] = readable_changes(actor, shown.record.about_type, changes)
