"""Saved views: what of a list is seen, in which order and how, under a name. Whose they are, what they may hold, and what of one its reader may use.

The content of a view is ``{filter, q, sort, columns, archived}`` and, by kind, ``date``, ``until`` and ``span`` of a calendar, ``place`` of a map,
``rows``, ``cols``, ``value`` and ``aggregate`` of a pivot table. A view never tells its reader of a field that is hidden from him.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from core import access, calendars, conditions, edition, limits, pivot, places, registry, structures
from core.access import Actor
from core.columns import Table
from core.errors import Denied, RuleError
from core.models import Role, SavedView
from core.registry import ObjectType

SLUG = "saved-views"
LISTS = ("sort", "columns", "rows", "cols")  # words that hold a list of fields
TEXTS = ("q", "by", "date", "until", "span", "place", "value", "aggregate")
NAMES = ("by", "date", "until", "place", "value")  # texts that name a field
WORDS = ("filter", "archived", "unavailable", *LISTS, *TEXTS)
LONGEST = 200
MOST = 100  # views one person may keep of one type, and so many a company


# Whose they are -----------------------------------------------------------------------------------------------------


def personal(actor: Actor, action: str) -> Q:
    """Everybody has his own. What is shared and what is the company's is seen by all who see the type; the latter changes who has a grant for it."""
    mine = Q(owner_id=actor.id)
    if action in ("view", "export"):
        seen = [t.slug for t in registry.every() if access.allows(actor, t, "view")]
        return mine | (Q(owner_id=None) | Q(shared=True)) & Q(type__in=seen)
    return mine | Q(owner_id=None) if may_keep(actor, action) else mine


def may_keep(actor: Actor, action: str = "add") -> bool:
    """Whether the actor may make, or do this with, views of the company."""
    return actor.system or bool(access.permissions(actor, registry.types[SLUG], action))


# What they may hold -------------------------------------------------------------------------------------------------


def prepare(actor: Actor, pairs: list) -> None:
    """A new view is its maker's own, unless it is said to be nobody's."""
    for view, made in pairs:
        if view._state.adding and "owner" not in made.values:
            view.owner_id = actor.id


def check(actor: Actor, view: SavedView, changed: dict, rows: dict) -> None:
    """A view is of a type its maker sees, his own or the company's, and names only what he may name."""
    object_type = registry.get(view.type)
    if object_type is None or not access.allows(actor, object_type, "view"):
        raise RuleError({"type": [_("There is no such type.")]})
    errors: dict[str, list[str]] = {}
    if not actor.system and view.owner_id not in (None, actor.id):
        errors["owner"] = [_("A view is your own, or the company's.")]
    elif view.owner_id is None and "owner" in changed and not may_keep(actor):
        errors["owner"] = [_("You may keep views for yourself, but not for the whole company.")]
    if {"default_for", "owner"} & changed.keys() and not _are_readers(view):
        errors["default_for"] = [_("A view of the company comes first for roles; your own only for you.")]
    if {"content", "kind", "type"} & changed.keys():
        errors |= _faults(actor, object_type, view)
    if view._state.adding and SavedView.objects.filter(type=view.type, owner_id=view.owner_id, archived_at=None).count() >= MOST:
        errors["_"] = [_("At most %(allowed)d %(what)s are possible here.") % {"allowed": MOST, "what": _("saved views of one list")}]
    if errors:
        raise RuleError(errors)


def _are_readers(view: SavedView) -> bool:
    """Whether ``default_for`` holds ids of roles; of one's own view only one's own id."""
    ids = view.default_for
    if not isinstance(ids, list) or not all(isinstance(i, str) for i in ids) or len(ids) > MOST:
        return False
    if view.owner_id is not None:
        return ids in ([], [str(view.owner_id)])
    return len(set(ids)) == len(ids) and {str(pk) for pk in Role.objects.values_list("pk", flat=True)} >= set(ids)


def _faults(actor: Actor, object_type: ObjectType, view: SavedView) -> dict[str, list[str]]:
    """What is wrong with the content, by what its maker may name. Cost: none."""
    content = view.content
    if not isinstance(content, dict) or not content.keys() <= set(WORDS) or "unavailable" in content:
        return {"content": [_("A view holds %(words)s.") % {"words": ", ".join(w for w in WORDS if w != "unavailable")}]}
    shaped = all(isinstance(content.get(w, []), list) and all(isinstance(n, str) for n in content.get(w, [])) for w in LISTS)
    if not shaped or not all(isinstance(content.get(w, ""), str) and len(content.get(w, "")) <= LONGEST for w in TEXTS):
        return {"content": [_("Columns, order, rows and columns are lists of fields; all else of a view is text.")]}
    if not isinstance(content.get("archived", False), bool):
        return {"content": [_("“%(name)s” is true or false.") % {"name": "archived"}]}
    known = access.fields(actor, object_type)
    named = [n.removeprefix("-").partition(":")[0] for w in LISTS for n in content.get(w, [])] + [content[w] for w in NAMES if content.get(w)]
    unknown = [n for n in named if n not in known]
    if unknown:
        return {"content": [_("There is no field “%(name)s”.") % {"name": unknown[0][:80]}]}
    try:
        if content.get("filter"):
            conditions.compile(object_type, content["filter"], access.sight(actor))
        limits.demand("view_columns", max(len(content.get(w, [])) for w in LISTS), _("columns"))
    except RuleError as error:
        return {"content": error.sentences}
    if view.kind not in kinds(actor, object_type, content.get("by", "")):
        return {"kind": [_("This type has no such view.")]}
    return _unseen(actor, object_type, content)


def _unseen(actor: Actor, object_type: ObjectType, content: dict[str, Any]) -> dict[str, list[str]]:
    """What is wrong with the fields by which a calendar or a map would show records or a pivot add them up, and with the stretch of days."""
    able = {"date": calendars.fields, "until": calendars.fields, "place": places.fields}
    for word, fields in able.items():
        if content.get(word) and content[word] not in fields(actor, object_type):
            return {"content": [_("Records cannot be shown by “%(name)s”.") % {"name": content[word]}]}
    if content.get("span", "month") not in calendars.SPANS:
        return {"content": [_("“%(value)s” is not possible here.") % {"value": content["span"][:40]}]}
    if content.get("aggregate", "count") not in pivot.AGGREGATES:
        return {"content": [_("“%(value)s” is not possible here.") % {"value": content["aggregate"][:40]}]}
    if content.get("value") and content["value"] not in pivot.values(actor, object_type):
        return {"content": [_("Choose a number to add up.")]}
    return {}


def kinds(actor: Actor, object_type: ObjectType, by: str = "") -> list[str]:
    """How records of this type can be looked at by this reader: in a list always, the rest by the fields there are. ``by`` is a choice for a board."""
    known = access.fields(actor, object_type)
    found = ["list"]
    columns = known.get(by or object_type.board)
    if columns is not None and (columns.name == object_type.board or (columns.kind == "choice" and columns.rules.ops)):
        found.append("board")
    if object_type.rows:
        return found
    if any(n not in calendars.STAMPS for n in calendars.fields(actor, object_type)):
        found.append("calendar")
    if places.fields(actor, object_type):
        found.append("map")
    return [*found, "pivot"]


# What a reader may use of one ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Usable:
    """What of a view its reader may use; ``refused`` where it filters by what he may not see, so that it shows nothing."""

    content: dict[str, Any]
    refused: bool = False


def usable(actor: Actor, object_type: ObjectType, content: Any) -> Usable:
    """The content without columns and orders by fields that the reader does not see, or that are archived. Cost: none.

    With a filter by such a field all of it is refused: without that filter it would show other records than it was saved for.
    """
    known = access.fields(actor, object_type)
    kept = {w: content[w] for w in TEXTS if content.get(w) and (w not in NAMES or content[w] in known)}
    for word in LISTS:
        kept[word] = [n for n in content.get(word, []) if n.removeprefix("-").partition(":")[0] in known]
    kept["archived"] = bool(content.get("archived"))
    kept = {w: v for w, v in kept.items() if v}
    if not content.get("filter"):
        return Usable(kept)
    try:
        conditions.compile(object_type, content["filter"], access.sight(actor))
    except RuleError:
        return Usable(kept, refused=True)
    return Usable({"filter": content["filter"], **kept})


def redact(actor: Actor, table: Table) -> None:
    """The ``redact`` hook: of a view's content only what its reader may use; ``unavailable`` says that there is more."""
    if not actor.system and "content" in table.columns:
        told = zip(table.records, table.columns["content"], strict=True)
        table.columns["content"] = [content if content is None else _redacted(actor, registry.get(view.type), content) for view, content in told]


def _redacted(actor: Actor, object_type: ObjectType | None, content: Any) -> dict[str, Any]:
    if object_type is None or not isinstance(content, dict):
        return {"unavailable": True}
    found = usable(actor, object_type, content)
    lost = found.refused or any(content.get(w) and content[w] != found.content.get(w) for w in content)
    return found.content | ({"unavailable": True} if lost else {})


def of_type(actor: Actor, object_type: ObjectType) -> list[SavedView]:
    """The views of a type that the actor sees: the company's, then shared ones, then his own; each in its order.

    Cost: one query, in a snapshot none but the first time in an edition of the set-up.
    """

    def views() -> list[SavedView]:
        found = access.rows(actor, registry.types[SLUG]).filter(type=object_type.slug, archived_at=None)
        return sorted(found, key=lambda v: (v.owner_id is not None, v.owner_id == actor.id, v.position, v.created_at))

    if not edition.is_fixed():  # who writes changes them
        return views()
    return edition.keep_today((SLUG, object_type.slug, access.reader(actor)), structures.today(), views)


def first(actor: Actor, views: list[SavedView], roles: frozenset[str]) -> SavedView | None:
    """The view a list opens with: one's own before that of a role."""
    own = next((v for v in views if v.owner_id == actor.id and str(actor.id) in v.default_for), None)
    return own or next((v for v in views if v.owner_id is None and roles & set(v.default_for)), None)


def ordered_among(actor: Actor, view: SavedView, step: int) -> list[SavedView]:
    """The views among which this one has its place, as they stand after it moved by ``step``. Errors: Denied. Cost: one query."""
    if view.owner_id not in (None, actor.id) or (view.owner_id is None and not may_keep(actor, "change")):
        raise Denied(_("You may not do this with this record."))
    rest = [v for v in of_type(actor, registry.get(view.type)) if v.owner_id == view.owner_id]
    at = next(i for i, v in enumerate(rest) if v.pk == view.pk)
    moved = rest.pop(at)
    rest.insert(max(0, min(len(rest), at + step)), moved)
    return rest
