"""What a role may do, as a matrix: one line a type, and for each a sheet of acts, whose records, and fields that are hidden or only read.

The same grants stand in the API as ``grants`` of a role. A sheet sends those of one type and leaves all others as they are.
"""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import access, registry, rules, schema, write
from core.access import Actor
from core.errors import Missing, OdosError, Stale
from core.models import Grant, Role
from core.models.people import SCOPES
from core.registry import ObjectType
from core.views import conditions, edits, pages

HOME = pages.DESKS["roles"].address
ALL = "*"
FIRST = ("view", "add", "change", "delete", "export", "import")  # the columns of the matrix; every other act is counted
SEEN = (("", gettext_lazy("Seen and changed")), ("readonly", gettext_lazy("Read only")), ("hidden", gettext_lazy("Hidden")))
LEDGER = ("view", "export")  # of what the system alone writes nothing else is possible
NEW = "new"


def _role(actor: Actor, ident: UUID, action: str = "change") -> Role:
    object_type = pages.type_or_missing("roles", actor)
    return pages.record_or_missing(actor, object_type, str(ident), action)


def _type(slug: str) -> ObjectType | None:
    """The type a grant is about, none for all of them. Errors: Missing."""
    if slug == ALL:
        return None
    object_type = registry.get(slug)
    if object_type is None or not object_type.is_listed:
        raise Missing
    return object_type


# The matrix ---------------------------------------------------------------------------------------------------------


@pages.page
def matrix(request: HttpRequest, actor: Actor, ident: UUID) -> HttpResponse:
    """All types by group, each with what the role may do. Cost: two queries."""
    role = _role(actor, ident, "view")
    held: dict[str, list[Grant]] = {}
    for grant in role.grants.order_by("position", "pk"):
        held.setdefault(grant.type, []).append(grant)
    groups: dict[str, list[dict[str, Any]]] = {}
    choices = registry.type_choices()
    for t in sorted((t for t in registry.every() if t.slug in choices), key=lambda t: t.is_setup):
        groups.setdefault(str(t.group), []).append(_line(role, t.slug, t.plural, t.icon, held.get(t.slug, [])))
    values = {
        "role": role, "groups": [{"label": label, "lines": lines} for label, lines in groups.items()], "owner": role.key == "owner",
        "everything": _line(role, ALL, _("Everything"), "world", held.get(ALL, [])), "heads": [rules.grant_actions()[name] for name in FIRST],
        "may": access.rows(actor, registry.types["roles"], "change").filter(pk=role.pk).exists() and role.key != "owner",
    }  # fmt: skip
    return pages.render(request, actor, "pages/role.html", values)


def _line(role: Role, slug: str, label: Any, icon: str, grants: list[Grant]) -> dict[str, Any]:
    scopes = dict(SCOPES)
    given = {a for g in grants for a in g.actions}
    marks = [{"label": rules.grant_actions()[name], "given": bool({name, ALL} & given)} for name in FIRST]
    return {
        "label": label, "icon": icon, "url": f"{HOME.format(row=role)}{slug}/", "marks": marks, "given": bool(given),
        "scopes": " · ".join(str(scopes[s]) for s in dict.fromkeys(g.scope for g in grants if g.actions)),
        "others": len(given - {*FIRST, ALL}), "all": ALL in given, "hidden": len({n for g in grants for n in (*g.hidden, *g.readonly)}),
    }  # fmt: skip


# The sheet of one type ----------------------------------------------------------------------------------------------


def _show(request: HttpRequest, actor: Actor, ident: UUID, slug: str, error: OdosError | None = None) -> HttpResponse:
    role, object_type = _role(actor, ident), _type(slug)
    grants = list(role.grants.filter(type=slug).order_by("position", "pk"))
    sent = request.POST if error is not None else None
    cards = [_card(actor, object_type, str(g.pk), g, sent) for g in grants]
    if not grants or (sent is None and "more" in request.GET) or (sent is not None and f"{NEW}.scope" in sent):
        cards.append(_card(actor, object_type, NEW, Grant(type=slug, actions=[], hidden=[], readonly=[], scope="own"), sent))
    told = error.sentences if error else []
    if isinstance(error, Stale):
        told = [_("Somebody changed this role after you opened this page, and nothing was saved. Open it again, and change it as it is now.")]
    values = {
        "role": role, "type": object_type, "name": object_type.plural if object_type else _("Everything"), "cards": cards, "sentences": told,
        "version": sent.get("version", "") if sent is not None else role.version, "home": HOME.format(row=role), "seen": SEEN,
    }  # fmt: skip
    return pages.render(request, actor, "pages/role_rights.html", values)


def _card(actor: Actor, object_type: ObjectType | None, key: str, grant: Grant, sent: Any) -> dict[str, Any]:
    """One grant as checkboxes, choices and conditions, as sent or as it stands."""
    if sent is not None:
        actions, scope, closed = _sent(object_type, key, sent)
    else:
        actions, scope, closed = list(grant.actions), grant.scope, {**dict.fromkeys(grant.readonly, "readonly"), **dict.fromkeys(grant.hidden, "hidden")}
    words = _actions(object_type)
    words |= {n: n for n in actions if n not in words}
    return {
        "key": key, "actions": [{"value": n, "label": label, "checked": n in actions} for n, label in words.items()],
        "scopes": [{"value": k, "label": label, "selected": k == scope} for k, label in SCOPES], "scoped": object_type is None or object_type.owner is not None,
        "condition": _condition(actor, object_type, key, grant, sent), "kept": bool(object_type is None and grant.filter),
        "fields": [{"name": n, "label": label, "closed": closed.get(n, "")} for n, label in _fields(object_type).items()],
        "open": any(closed.values()),
    }  # fmt: skip


def _condition(actor: Actor, object_type: ObjectType | None, key: str, grant: Grant, sent: Any) -> dict[str, Any] | None:
    """The control of the condition that a grant's records must pass; none of everything, whose types have no fields in common."""
    if object_type is None:
        return None
    name, label = f"{key}.filter", _("Only where")
    if sent is None or not conditions.is_sent(sent, name):
        return conditions.control(actor, object_type, grant.filter, name, label=label)
    return conditions.shown(actor, object_type, conditions.edited(actor, object_type, sent, name), name, label=label)


def _actions(object_type: ObjectType | None) -> dict[str, Any]:
    """What can be done with a type, in the words of its buttons."""
    words = rules.grant_actions()
    if object_type is None:
        return {n: words[n] for n in (ALL, *access.COMMON_ACTIONS)}
    names = access.COMMON_ACTIONS if object_type.writable else LEDGER
    return {ALL: words[ALL], **{n: words[n] for n in names}, **{a.name: a.label for a in object_type.acts}}


def _fields(object_type: ObjectType | None) -> dict[str, Any]:
    """The fields and rows that can be closed to a role; none of everything, whose types differ."""
    if object_type is None:
        return {}
    fields = {n: f.label for n, f in schema.fields(object_type).items() if n not in ("id", "version", object_type.title) and f.kind != "secret"}
    return fields | {entry.name: entry.label or entry.name for entry in object_type.lines}


def _sent(object_type: ObjectType | None, key: str, sent: Any) -> tuple[list[str], str, dict[str, str]]:
    known = _fields(object_type)
    closed = {n: sent.get(f"{key}.field.{n}", "") for n in known}
    return sent.getlist(f"{key}.actions"), sent.get(f"{key}.scope", "own"), closed


def _save(request: HttpRequest, actor: Actor, ident: UUID, slug: str) -> HttpResponse:
    """The grants of one type as sent, all others as they are; a grant without any act goes."""
    role, object_type, sent = _role(actor, ident), _type(slug), request.POST
    if conditions.is_edited(sent):
        raise pages.Again
    rows: list[dict[str, Any]] = []
    for grant in role.grants.order_by("position", "pk"):
        if grant.type != slug or f"{grant.pk}.scope" not in sent:
            rows.append({"id": str(grant.pk)})
            continue
        given = _given(actor, object_type, str(grant.pk), sent)
        unknown = set(_fields(object_type))  # what this sheet does not show (a field archived since) stays as it was
        for name in ("hidden", "readonly"):
            given[name] += [n for n in getattr(grant, name) if n not in unknown]
        if given["actions"]:
            rows.append({"id": str(grant.pk), **given})
    fresh = _given(actor, object_type, NEW, sent)
    if fresh["actions"]:
        rows.append({"type": slug, **fresh})
    write.change(actor, registry.types["roles"], role.pk, {"grants": rows}, edits.version_of(request))
    told = _("%(role)s: rights on %(things)s are saved.") % {"role": role.name, "things": object_type.plural if object_type else _("Everything")}
    return pages.done(request, HOME.format(row=role), told)


def _given(actor: Actor, object_type: ObjectType | None, key: str, sent: Any) -> dict[str, Any]:
    """What a card says of its grant; a condition only where the card had its control."""
    actions, scope, closed = _sent(object_type, key, sent)
    name = f"{key}.filter"
    only = {"filter": conditions.read(actor, object_type, sent, name)} if object_type is not None and conditions.is_sent(sent, name) else {}
    return {"actions": actions, "scope": scope, **only, **{name: [n for n, mark in closed.items() if mark == name] for name in ("hidden", "readonly")}}


rights = pages.page(_show, _save)
