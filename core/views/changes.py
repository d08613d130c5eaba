"""What was changed of the set-up: who, when, before and after, and the way back. The same entries stand on the history of each record."""

from collections import defaultdict
from datetime import datetime, time, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db.models import F, Model
from django.http import HttpRequest, HttpResponse
from django.utils.dateparse import parse_date

from core import access, context, pack_parts, read, registry, trail
from core.access import Actor
from core.errors import Missing
from core.models import TrailEntry
from core.registry import ObjectType
from core.views import controls, pages, timelines, undoing

LENGTH = 50
PEOPLE = 200  # offered to choose from
NAMED = 3  # fields named on a line


def types(actor: Actor) -> dict[str, ObjectType]:
    """The types that make up the set-up, as far as the actor sees them."""
    found = (t for t in registry.every() if t.writable and t.rows is None and (t.is_setup or t.slug in pack_parts.kinds()))
    return {t.slug: t for t in found if access.allows(actor, t, "view")}


def _show(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A page of changes by day, newest first. Cost: one query for the entries and a few for each type they name."""
    if not access.allows(actor, registry.types["custom-fields"], "change"):
        raise Missing
    known = types(actor)
    asked = request.GET.copy()
    before = asked.pop("before", [""])[-1]
    rows = _asked(access.rows(actor, registry.types["trail"]), asked, known)
    if before.isascii() and before.isdigit() and len(before) < 19:
        rows = rows.filter(id__lt=int(before))
    found = list(rows.order_by((F("id") + 0).desc())[: LENGTH + 1])  # along the index of types: by the newest first, all that is no set-up would be passed by
    days = groupby(_entries(actor, known, found[:LENGTH]), key=lambda entry: entry["day"])
    last = found[LENGTH - 1].pk if len(found) > LENGTH else None
    people = controls.list_of(actor, registry.types["users"], PEOPLE).options
    values = {
        "days": [(day, list(entries)) for day, entries in days], "narrowed": any(asked.values()), "later": bool(before), "asked": asked.urlencode(),
        "next": f"{asked.urlencode()}{'&' if asked else ''}before={last}" if last else "", "day": asked.get("day", ""),
        "kinds": [{"value": slug, "label": t.plural, "selected": slug == asked.get("type")} for slug, t in known.items()],
        "people": [one | {"selected": one["value"] == asked.get("who")} for one in people],
    }  # fmt: skip
    return pages.render(request, actor, "pages/changes.html", values)


def _asked(rows: Any, asked: Any, known: dict[str, ObjectType]) -> Any:
    """Those of one type, by one person, on one day of the company; a word that says none of these leaves all."""
    chosen = asked.get("type", "")
    rows = rows.filter(about_type__in=[chosen] if chosen in known else list(known))
    try:
        rows = rows.filter(actor=UUID(asked["who"])) if asked.get("who") else rows
        day = parse_date(asked.get("day", ""))
    except ValueError:
        return rows
    if day is None or day.year < 1900 or day.year > 9000:
        return rows
    start = datetime.combine(day, time(), context.company().zone)
    return rows.filter(at__gte=start, at__lt=start + timedelta(days=1))


def _entries(actor: Actor, known: dict[str, ObjectType], found: list[TrailEntry]) -> list[dict[str, Any]]:
    by_type: dict[str, list[TrailEntry]] = defaultdict(list)
    for one in found:
        by_type[one.about_type].append(one)
    told: dict[int, dict[str, Any]] = {}
    for slug, group in by_type.items():
        pairs = [(one, trail.readable_changes(actor, slug, one.changes)) for one in group]
        idents = {one.about_id for one in group}
        records = {record.pk: record for record in access.rows(actor, known[slug]).filter(pk__in=idents)}
        may = set(access.rows(actor, known[slug], "change").filter(pk__in=idents).values_list("pk", flat=True))
        for entry, event in zip(group, timelines.of_entries(actor, known[slug], pairs, records), strict=True):
            told[entry.pk] = _about(actor, known[slug], entry, event, records.get(entry.about_id), entry.about_id in may)
    return [told[one.pk] for one in found]


def _about(actor: Actor, object_type: ObjectType, entry: TrailEntry, event: dict[str, Any], record: Model | None, may: bool) -> dict[str, Any]:
    """An event with the name of what it is about, since no record stands above it."""
    of = registry.get(str(getattr(record, "type", ""))) if record is not None else None
    name = read.label(actor, object_type, record) if record is not None else ""
    if object_type.title == "type":  # a layout is called by what it lays out
        of = None
    moment = entry.at.astimezone(context.company().zone)
    names = list(dict.fromkeys(str(change["label"]) for change in event["changes"]))
    return event | {
        "kind": object_type.label, "of": of.plural if of is not None else "", "name": name,
        "url": pages.address(object_type, entry.about_id) if record is not None else "", "undo": undoing.offered(actor, entry) if may else "",
        "day": registry.KINDS["date"].text(None, moment.date()), "time": moment.strftime("%H:%M"),
        "fields": names[:NAMED] if entry.act == "change" else [], "more": max(len(names) - NAMED, 0) if entry.act == "change" else 0,
    }  # fmt: skip


changes = pages.page(_show)
