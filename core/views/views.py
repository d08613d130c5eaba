"""Saved views above a list: which there are, which is open, whether what is seen differs from it, and the deeds that keep, share and order them.

An address names a view by ``view=<id>``. With ``view-as=<kind>`` beside it all other words of the address are what is seen, changes on top
of the view; without it the view is seen as it was saved. ``view=board`` and the like show a kind without any saved view.
"""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _

from core import access, conditions, deleting, listings, read, registry, saved_views, write
from core.access import Actor
from core.errors import Missing, RuleError
from core.models import Role, SavedView
from core.registry import ObjectType
from core.views import edits, filters, pages

ADDRESSED = {
    "by": "by-field", "date": "by-date", "until": "by-until", "span": "span", "place": "by-place",
    "rows": "pivot-rows", "cols": "pivot-cols", "value": "pivot-value", "aggregate": "pivot-of",
}  # fmt: skip
ICONS = {"list": "table", "board": "layout-kanban", "calendar": "calendar", "map": "map-pin", "pivot": "table-options"}


@dataclass
class Opened:
    """What a list is opened with: its kind, the saved view if any, whether it was changed since, whether its filter is refused to this reader."""

    kind: str
    view: SavedView | None = None
    changed: bool = False
    refused: bool = False
    views: list[SavedView] = field(default_factory=list)


def has_views(object_type: ObjectType) -> bool:
    return object_type.is_listed


def opened(request: HttpRequest, actor: Actor, object_type: ObjectType) -> Opened:
    """What the address asks for. The words of a saved view join those of the address. Errors: Missing. Cost: one query, and one for roles."""
    views = saved_views.of_type(actor, object_type) if has_views(object_type) else []
    asked = request.GET.get("view", "")
    if not request.GET:
        view = saved_views.first(actor, views, actor.roles)
    elif asked in filters.KINDS or not asked:
        kind = asked if asked in saved_views.kinds(actor, object_type, request.GET.get("by-field", "")) else "list"
        return Opened(kind, views=views)
    else:
        view = next((v for v in views if str(v.pk) == asked), None)
        if view is None:
            raise Missing
    if view is None:
        return Opened("list", views=views)
    found = saved_views.usable(actor, object_type, view.content)
    known = saved_views.kinds(actor, object_type, request.GET.get("by-field", "") or found.content.get("by", ""))
    saved = words_of(found.content, view.kind if view.kind in known else "list", str(view.pk))
    if "view-as" not in request.GET:
        going = [(n, v) for n, v in filters.pairs(request) if n in (*filters.PAGING, "format", "on-day", "map-box")]
        request.GET = _query([*saved, *going])
    changed = _compared(request.GET) != _compared(_query(saved))
    kind = request.GET["view-as"]
    return Opened(kind if kind in known else "list", view, changed, found.refused, views)


# Content and address ------------------------------------------------------------------------------------------------


def _query(words: list[tuple[str, str]]) -> QueryDict:
    made = QueryDict(mutable=True)
    for name, value in words:
        made.appendlist(name, value)
    return made


def words_of(content: dict[str, Any], kind: str, ident: str = "") -> list[tuple[str, str]]:
    """A view's content as the words of an address."""
    words = [("view", ident), ("view-as", kind)] if ident else [("view", kind)]
    tree = content.get("filter")
    parts = tree["all"] if conditions.joining(tree) == "all" else [tree] if tree else []
    words += [_word(part) for part in parts]
    words += [(name, content["q"]) for name in ("q",) if content.get("q")]
    words += [(name, ",".join(content[name])) for name in ("sort", "columns") if content.get(name)]
    if content.get("archived"):
        words.append(("archived", "true"))
    for name, word in ADDRESSED.items():
        value = content.get(name)
        if value:
            words.append((word, ",".join(value) if isinstance(value, list) else value))
    return words


def _word(part: Any) -> tuple[str, str]:
    """One condition as a word of the address; what no word can say, as a filter in JSON."""
    if isinstance(part, list) and len(part) == 3 and isinstance(part[0], str) and part[0].partition(".")[0] not in (*listings.RESERVED, *filters.OWN_WORDS):
        path, op, value = part
        text = {True: "true", False: "false", None: ""}.get(value, value) if not isinstance(value, list | dict) else value
        if isinstance(text, list) and op == "in" and all(isinstance(v, str) and "," not in v for v in text):
            text = ",".join(text)
        if isinstance(text, str | int | float):
            return (path if op == "eq" else f"{path}__{op}", str(text))
    return ("filter", conditions.text(part))


def content_of(words: QueryDict) -> dict[str, Any]:
    """What an address shows, as a view keeps it. Errors: RuleError, Unparsable."""
    pairs = [(name, value) for name, values in words.lists() for value in values]
    wanted = listings.listing(pairs, ignored=filters.OWN_WORDS)
    parts = [p for node in wanted.conditions for p in (node["all"] if conditions.joining(node) == "all" else [node])]
    content: dict[str, Any] = {"q": wanted.q, "sort": list(wanted.sort), "columns": filters.columns_of(words), "archived": wanted.archived}
    content["filter"] = {"all": parts} if len(parts) > 1 else parts[0] if parts else None
    for name, word in ADDRESSED.items():
        text = ",".join(words.getlist(word)) if name in saved_views.LISTS else words.get(word, "")
        content[name] = [n for n in text.split(",") if n] if name in saved_views.LISTS else text
    return {name: value for name, value in content.items() if value}


def _compared(words: QueryDict) -> Any:
    """What makes one view differ from another: not the order of its conditions."""
    try:
        content = content_of(words)
    except RuleError:
        return None
    tree = content.pop("filter", None)
    parts = tree["all"] if conditions.joining(tree) == "all" else [tree] if tree else []
    return (words.get("view-as"), content, sorted(json.dumps(_word(part)) for part in parts))


# The strip ----------------------------------------------------------------------------------------------------------


def strip(request: HttpRequest, actor: Actor, object_type: ObjectType, now: Opened) -> dict[str, Any] | None:
    """What object/views.html reads; None where a type has no views. Cost: one query for roles where defaults can be set."""
    if not has_views(object_type):
        return None
    home = pages.address(object_type)
    everything = f"{home}?view=list" if now.views else home
    tabs = [{"label": _("All"), "url": everything, "current": now.view is None, "icon": "", "note": ""}]
    others = read.labels(actor, {"users": {v.owner_id for v in now.views} - {None, actor.id}})
    tabs += [_tab(actor, home, view, now, others.get("users", {})) for view in now.views]
    narrowed = bool(content_of(request.GET)) or now.kind != "list"
    return {
        "tabs": tabs, "view": _deeds(request, actor, object_type, now) if now.view is not None else None, "changed": now.changed, "refused": now.refused,
        "state": request.GET.urlencode(), "home": f"{home}views/", "keeps": saved_views.may_keep(actor), "saves": now.view is not None or narrowed,
        "discard": f"{home}?view={now.view.pk}" if now.view is not None else "",
    }  # fmt: skip


def _tab(actor: Actor, home: str, view: SavedView, now: Opened, people: dict[Any, str]) -> dict[str, Any]:
    names = people | {actor.id: actor.name}
    whose = _("Only you see this view.") if view.owner_id == actor.id and not view.shared \
        else _("Shared by %(name)s.") % {"name": names.get(view.owner_id) or _("(not visible)")} if view.owner_id else _("A view of the company.")  # fmt: skip
    icon = ICONS[view.kind] if view.kind != "list" else "lock" if view.owner_id == actor.id and not view.shared else ""
    return {"label": view.name, "url": f"{home}?view={view.pk}", "current": now.view is not None and now.view.pk == view.pk, "icon": icon, "note": whose}


def _deeds(request: HttpRequest, actor: Actor, object_type: ObjectType, now: Opened) -> dict[str, Any]:
    """What the reader may do with the open view."""
    view = now.view
    own = view.owner_id == actor.id
    may = own or (view.owner_id is None and saved_views.may_keep(actor, "change"))
    roles = []
    if may and not own:
        known = access.rows(actor, registry.types["roles"]).filter(archived_at=None).order_by("sort_key") if _sees_roles(actor) else Role.objects.none()
        roles = [{"value": str(r.pk), "label": r.name, "selected": str(r.pk) in view.default_for} for r in known]
    return {
        "id": view.pk, "name": view.name, "version": view.version, "url": f"{pages.address(object_type)}views/{view.pk}/", "may": may, "own": own,
        "shared": view.shared, "roles": roles, "first": own and str(actor.id) in view.default_for,
        "deletes": own or (view.owner_id is None and saved_views.may_keep(actor, "delete")), "lost": now.refused,
    }  # fmt: skip


def _sees_roles(actor: Actor) -> bool:
    return access.allows(actor, registry.types["roles"], "view")


# Deeds --------------------------------------------------------------------------------------------------------------


def _type() -> ObjectType:
    return registry.types[saved_views.SLUG]


def _state(request: HttpRequest) -> QueryDict:
    return QueryDict(request.POST.get("state", "")[:20_000])


@pages.deed
def keep(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """What is seen now, under a new name."""
    object_type = pages.type_or_missing(slug, actor)
    state = _state(request)
    data = {"type": slug, "name": request.POST.get("name", ""), "kind": _kind(state), "content": content_of(state)}
    if request.POST.get("whose") == "company":
        data["owner"] = None
    data["shared"] = request.POST.get("whose") == "shared"
    view = write.create(actor, _type(), data)
    return pages.done(request, f"{pages.address(object_type)}?view={view.pk}", _("The view “%(name)s” is saved.") % {"name": view.name})


def _kind(state: QueryDict) -> str:
    asked = state.get("view-as") or state.get("view", "")
    return asked if asked in filters.KINDS else "list"


@pages.deed
def change(request: HttpRequest, actor: Actor, slug: str, ident: UUID) -> HttpResponse:
    """A deed on a saved view: ``do`` names it."""
    object_type = pages.type_or_missing(slug, actor)
    view = next((v for v in saved_views.of_type(actor, object_type) if v.pk == ident), None)
    if view is None:
        raise Missing
    do, home, here = request.POST.get("do", ""), pages.address(object_type), f"{pages.address(object_type)}?view={view.pk}"
    if do == "delete":
        deleting.delete(actor, _type(), view.pk, edits.version_of(request))
        return pages.done(request, home, _("The view “%(name)s” is deleted.") % {"name": view.name})
    if do in ("earlier", "later"):
        for place, one in enumerate(saved_views.ordered_among(actor, view, -1 if do == "earlier" else 1)):
            if one.position != place:
                write.change(actor, _type(), one.pk, {"position": place}, one.version)
        return pages.done(request, here)
    state = _state(request)
    data = {
        "save": lambda: {"content": content_of(state), "kind": _kind(state)},
        "rename": lambda: {"name": request.POST.get("name", "")},
        "share": lambda: {"shared": True}, "unshare": lambda: {"shared": False},
        "first": lambda: {"default_for": [str(actor.id)]}, "unfirst": lambda: {"default_for": []},
        "roles": lambda: {"default_for": request.POST.getlist("roles")},
    }.get(do)  # fmt: skip
    if data is None:
        raise Missing
    write.change(actor, _type(), view.pk, data(), edits.version_of(request))
    return pages.done(request, here, _("The view “%(name)s” is saved.") % {"name": request.POST.get("name") or view.name})


__all__ = ["ICONS", "Opened", "change", "content_of", "has_views", "keep", "opened", "strip", "words_of"]
