"""What was changed of the set-up: who, when, before and after, and the way back. The same entries stand on the history of each record."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from core import access, pack_parts, read, registry, trail
from core.access import Actor
from core.errors import Missing
from core.models import TrailEntry
from core.registry import ObjectType
from core.views import pages, timelines, undoing

LENGTH = 50


def types(actor: Actor) -> dict[str, ObjectType]:
    """The types that make up the set-up, as far as the actor sees them."""
    found = (t for t in registry.every() if t.writable and t.rows is None and (t.is_setup or t.slug in pack_parts.kinds()))
    return {t.slug: t for t in found if access.allows(actor, t, "view")}


def _show(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A page of changes, newest first. Cost: one query for the entries and one for each type they name."""
    if not access.allows(actor, registry.types["custom-fields"], "change"):
        raise Missing
    known = types(actor)
    chosen = request.GET.get("type", "")
    rows = access.rows(actor, registry.types["trail"]).filter(about_type__in=[chosen] if chosen in known else list(known)).order_by("-id")
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 19:
        rows = rows.filter(id__lt=int(before))
    found = list(rows[: LENGTH + 1])
    values = {
        "entries": _entries(actor, known, found[:LENGTH]), "next": f"?type={chosen}&before={found[LENGTH - 1].pk}" if len(found) > LENGTH else "",
        "kinds": [{"value": slug, "label": t.plural, "selected": slug == chosen} for slug, t in known.items()],
    }  # fmt: skip
    return pages.render(request, actor, "pages/changes.html", values)


def _entries(actor: Actor, known: dict[str, ObjectType], found: list[TrailEntry]) -> list[dict[str, Any]]:
    by_type: dict[str, list[TrailEntry]] = defaultdict(list)
    for one in found:
        by_type[one.about_type].append(one)
    names = read.labels(actor, {slug: {one.about_id for one in group} for slug, group in by_type.items()})
    told: dict[int, dict[str, Any]] = {}
    for slug, group in by_type.items():
        pairs = [(one, trail.readable_changes(actor, slug, one.changes)) for one in group]
        may = set(access.rows(actor, known[slug], "change").filter(pk__in=[one.about_id for one in group]).values_list("pk", flat=True))
        for entry, event in zip(group, timelines.of_entries(actor, known[slug], pairs), strict=True):
            told[entry.pk] = _about(known[slug], entry, event, names.get(slug, {}), entry.about_id in may, actor)
    return [told[one.pk] for one in found]


def _about(object_type: ObjectType, entry: TrailEntry, event: dict[str, Any], names: dict[UUID, str], may: bool, actor: Actor) -> dict[str, Any]:
    """An event with the name of what it is about, since no record stands above it."""
    name = names.get(entry.about_id, "")
    event["title"] = f"{object_type.label}: {name or '–'} · {event['title']}"
    event["url"] = pages.address(object_type, entry.about_id) if name else ""
    event["undo"] = undoing.offered(actor, entry) if may else ""
    return event


changes = pages.page(_show)
