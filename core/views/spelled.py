"""What the set-up holds as data, spelled out on its record's page: a line for each of its parts, by the names people gave them.

What of longer data changed, ``differences`` says.
"""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from core import kpi, pack_parts, read, registry, steering
from core.access import Actor
from core.errors import RuleError
from core.labels import in_language
from core.models import Role
from core.models.record import Record
from core.registry import Field, ObjectType
from core.views import composed, differences, filters
from core.views.rollups import AGGREGATES

LONG = ("content", "tiles", "options")  # of these a change says which parts differ
Lines = list[str]


def lines(actor: Actor, object_type: ObjectType, f: Field, record: Record) -> Lines | None:
    """A value as lines of words; None of what a field says itself. Cost: one query where it names roles, people or figures."""
    spell = SPELLED.get((object_type.slug, f.name))
    value = f.value(record)
    if spell is None or not value:
        return None
    return [line for line in spell(actor, _about(actor, object_type, record), value) if line]


def change(actor: Actor, object_type: ObjectType, f: Field, record: Record | None, pair: list[Any]) -> dict[str, Any] | None:
    """What was and what is, in words, where both are short; None of all else. Cost: as of ``lines``, twice."""
    spell = SPELLED.get((object_type.slug, f.name)) if f.name not in LONG else None
    if spell is None:
        return None
    about = _about(actor, object_type, record)
    try:
        old, new = ("; ".join(line for line in spell(actor, about, value) if line) if value else "" for value in pair)
    except (ValueError, TypeError, AttributeError, LookupError, RuleError):  # it is as it was written then
        return None
    return {"label": f.label, "old": old, "new": new}


def _about(actor: Actor, object_type: ObjectType, record: Record | None) -> ObjectType | None:
    return composed.about(actor, getattr(record, "key" if object_type.slug == "custom-objects" else "type", ""))


def _names(actor: Actor, about: ObjectType | None, names: list[Any]) -> str:
    return ", ".join(name for one in names if (name := differences.called(actor, about, one)))


def _labelled(label: Any, text: Any) -> str:
    return _("%(label)s: %(value)s") % {"label": label, "value": text} if str(text) else str(label)


def _layout(actor: Actor, about: ObjectType | None, content: Any) -> Lines:
    """Each section with its tab, and what stands in it."""
    told = []
    for i, tab in enumerate(content.get("tabs", ())):
        first = in_language(str(tab.get("label", "")), tab.get("labels")) or (_("More") if i else _("Overview"))
        for section in tab.get("sections", ()):
            head = " → ".join(str(word) for word in (first, in_language(str(section.get("label", "")), section.get("labels"))) if str(word))
            told.append(_labelled(head, _names(actor, about, section.get("items", []))))
    return told


def _tiles(actor: Actor, about: ObjectType | None, tiles: Any) -> Lines:
    known = {d.key: d for d in kpi.every_definition()}
    return [_tile(known.get(tile.get("kpi")), tile) for tile in tiles]


def _tile(wanted: kpi.Definition | None, tile: dict[str, Any]) -> str:
    shape = steering.SHAPES.get(steering.OLD_SHAPES.get(tile.get("shape", "number"), tile.get("shape", "number")), "")
    by = [d.label for key in str(tile.get("group_by") or "").split(",") if wanted is not None and (d := wanted.dimension(key)) is not None]
    period = [steering.period_label(tile["period"])] if tile.get("period") and steering.is_period(tile["period"]) else []
    title = tile.get("title") or (wanted.name if wanted else tile.get("kpi", ""))
    return _labelled(title, ", ".join(str(word) for word in (shape, *by, *period) if str(word)))


def _narrowed(actor: Actor, about: ObjectType | None, keys: Any) -> Lines:
    """The dimensions of a dashboard's filters."""
    every = kpi.every_definition()
    return [", ".join(str(next((d.label for one in every if (d := one.dimension(key)) is not None), key)) for key in keys)]


def _schedule(actor: Actor, about: ObjectType | None, plan: Any) -> Lines:
    return [f"{steering.EVERY.get(plan.get('every'), '')}, {int(plan.get('hour') or 0):02d}:00", *_people(actor, about, plan.get("to", []))]


def _people(actor: Actor, about: ObjectType | None, ids: Any) -> Lines:
    cleaned = [registry.KINDS["ref"].clean(registry.Field("to", "ref"), ident) for ident in ids]
    return [", ".join(read.labels(actor, {"users": set(cleaned)}).get("users", {}).values())]


def _roles(actor: Actor, about: ObjectType | None, ids: Any) -> Lines:
    return [", ".join(Role.objects.filter(pk__in=ids).order_by("name").values_list("name", flat=True))]


def _of_facts(actor: Actor, about: ObjectType | None, node: Any) -> Lines:
    return [filters.sentence(actor, registry.types["facts"], node)]


def _view(actor: Actor, about: ObjectType | None, content: Any) -> Lines:
    """What a saved view shows, by the words of the page on which it is made."""
    if about is None:
        return []
    called = {
        "filter": _("Filter"), "q": _("Search"), "sort": _("Sorted by"), "columns": _("Columns"), "by": _("Group by"), "date": _("On the day of"),
        "until": _("Until"), "place": _("Placed by"), "rows": _("Rows"), "cols": _("Columns"), "value": _("Value"), "aggregate": _("Worked out as"),
    }  # fmt: skip
    told = []
    for word in (one for one in called if content.get(one)):
        value = content[word]
        if word == "filter":
            text = filters.sentence(actor, about, value)
        elif word == "aggregate":
            text = str(dict(AGGREGATES).get(value, value))
        elif isinstance(value, list):
            text = ", ".join(_column(actor, about, str(name)) for name in value)
        else:
            text = value if word == "q" else _column(actor, about, str(value))
        told.append(_labelled(called[word], text))
    return told


def _column(actor: Actor, about: ObjectType, name: str) -> str:
    """A field by its label; after a minus, downwards."""
    bare = name.removeprefix("-").partition(":")[0]
    label = differences.called(actor, about, bare)
    return _("%(label)s (downwards)") % {"label": label} if name.startswith("-") else label


def _options(actor: Actor, about: ObjectType | None, options: Any) -> Lines:
    named = (str(in_language(o["label"], o.get("labels"))) + (f" ({_('Archived')})" if o.get("archived") else "") for o in options)
    return [", ".join(named)]


def _rollup(actor: Actor, about: ObjectType | None, said: Any) -> Lines:
    other = composed.about(actor, said.get("type"))
    if other is None:
        return []
    of = differences.called(actor, other, said["of"]) if said.get("of") else ""
    told = [" · ".join(str(word) for word in (dict(AGGREGATES).get(said.get("aggregate"), ""), other.plural, of) if str(word))]
    return [*told, filters.sentence(actor, other, said["filter"])] if said.get("filter") else told


def _fields(actor: Actor, about: ObjectType | None, names: Any) -> Lines:
    return [_names(actor, about, names if isinstance(names, list) else [names])]


def _pack(actor: Actor, about: ObjectType | None, content: Any) -> Lines:
    """How much of what is in the file."""
    parts = content.get("parts") or {}
    told = []
    for slug in pack_parts.kinds():
        if parts.get(slug):
            told.append(_labelled(registry.types[slug].plural, len(parts[slug])))
    return told


SPELLED: dict[tuple[str, str], Callable[[Actor, ObjectType | None, Any], Lines]] = {
    ("layouts", "content"): _layout, ("dashboards", "tiles"): _tiles, ("dashboards", "filters"): _narrowed, ("dashboards", "schedule"): _schedule,
    ("watches", "users"): _people, ("watches", "filter"): _of_facts, ("saved-views", "content"): _view, ("saved-views", "default_for"): _roles,
    ("custom-fields", "options"): _options, ("custom-fields", "rollup"): _rollup, ("custom-fields", "seen_by"): _roles,
    ("custom-fields", "edited_by"): _roles, ("custom-objects", "columns"): _fields, ("custom-objects", "board"): _fields,
    ("packs", "content"): _pack,
}  # fmt: skip
