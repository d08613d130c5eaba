"""Who may do what: which rows, which fields, which acts. Every door asks here, nobody answers elsewhere.

Rights are grants of roles: type, actions, scope (own, unit, subtree, all), an optional filter, hidden and read-only fields.
They become SQL predicates; nothing is fetched and then checked. Cost of an actor: one query for each edition of the set-up; of a question: none.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _

from core import conditions, context, derived, edition, prepared, registry, schema, structures
from core.errors import Denied
from core.models import OrgUnit, User
from core.registry import Field, ObjectType

UNITS = 500  # as many of a scope are named; more are looked up
WIDTH = {"own": 0, "unit": 1, "subtree": 2, "all": 3}
COMMON_ACTIONS = ("view", "add", "change", "delete", "export", "import", "archive", "restore")


@dataclass(frozen=True)
class Permission:
    """A grant as it is asked: one row of a role."""

    type: str
    actions: frozenset[str]
    scope: str
    filter: list | dict | None = field(default=None, hash=False)
    hidden: frozenset[str] = frozenset()
    readonly: frozenset[str] = frozenset()

    def covers(self, slug: str, action: str) -> bool:
        return self.type in (slug, "*") and (action in self.actions or "*" in self.actions)


@dataclass(frozen=True)
class Actor:
    """Whoever does something: a user, through a page or a key, or the system itself. An argument, never a global."""

    id: UUID | None
    name: str
    unit_id: UUID | None
    language: str
    permissions: tuple[Permission, ...]
    company_id: UUID | None
    system: bool = False
    roles: frozenset[str] = frozenset()  # ids of the roles he holds, and the keys of the default ones among them
    is_mark: bool = False  # stands for all who have the same scopes: their ids take the places of its own (core.reach)

    @cached_property
    def granted(self) -> dict[Any, Any]:
        """His permissions by slug and action, as they were asked for so far, and his mark."""
        return {}


READER = "reader"
RIGHTS = "rights"
GRANTED = ("role_id", "role__key", *(f"role__grants__{name}" for name in ("type", "actions", "scope", "filter", "hidden", "readonly")))
HELD = prepared.Prepared(lambda user: User.roles.through.objects.filter(user_id=user, role__archived_at=None).values_list(*GRANTED), UUID(int=0))


def actor_for(user: User) -> Actor:
    """The user with the grants of the roles he holds now; an archived user holds none. Cost: one query for each edition of the set-up."""
    permissions, roles = edition.keep(("held", user.pk), lambda: _held(user.pk)) if user.archived_at is None else ((), frozenset())
    bound = context.company_or_none()
    return Actor(user.pk, user.name, user.unit_id, user.language, permissions, bound.id if bound else None, roles=roles)


def _held(user_id: UUID) -> tuple[tuple[Permission, ...], frozenset[str]]:
    """The permissions of a user, and his roles. Who holds the same roles shares them. Cost: one query."""
    permissions, roles = [], set()
    for role, key, slug, actions, scope, limit, hidden, readonly in HELD.rows(user_id):
        roles |= {str(role), key} if key else {str(role)}
        if slug is not None:
            permissions.append(Permission(slug, frozenset(actions), scope, limit, frozenset(hidden), frozenset(readonly)))
    found = frozenset(roles)
    return edition.keep(("permissions", found), lambda: (tuple(permissions), found))


def system(reason: str) -> Actor:
    """An actor that may do everything, for work nobody asked for (a new company's seeds). ``reason`` names it in the trail."""
    bound = context.company_or_none()
    return Actor(None, reason, None, "", (), bound.id if bound else None, system=True)


def on_behalf(actor: Actor) -> Actor:
    """The system doing what the actor's act entails, under his name: who may deliver an order may thereby make the delivery."""
    return replace(actor, system=True)


def reader(actor: Actor) -> object:
    """A mark of all of an actor that decides what he sees, the same in each use-case for as long as the set-up stays. Cost: none."""
    if READER not in actor.granted:
        actor.granted[READER] = edition.keep((READER, actor.id, actor.unit_id, actor.system, actor.permissions, actor.roles), object)
    return actor.granted[READER]


def rights(actor: Actor) -> object:
    """A mark of what an actor may do wherever it does not matter who he is: the same for all who hold the same roles, so that there are few. Cost: none."""
    if RIGHTS not in actor.granted:
        key = (RIGHTS, actor.id is None, actor.unit_id is None, actor.system, actor.permissions, actor.roles)
        actor.granted[RIGHTS] = edition.keep(key, object)
    return actor.granted[RIGHTS]


def permissions(actor: Actor, object_type: ObjectType, action: str) -> list[Permission]:
    key = (object_type.slug, action)
    if key not in actor.granted:
        actor.granted[key] = [p for p in actor.permissions if p.covers(*key)]
    return actor.granted[key]


def allows(actor: Actor, object_type: ObjectType, action: str) -> bool:
    """Whether the actor may do this at all, on some row."""
    if object_type.rows and not actor.system:
        return action in ("view", "export")
    if object_type.personal and action in COMMON_ACTIONS:
        return True
    return actor.system or bool(permissions(actor, object_type, action))


def demand(actor: Actor, object_type: ObjectType, action: str) -> None:
    if not allows(actor, object_type, action):
        raise Denied(_("You may not do this with %(type)s.") % {"type": object_type.plural})


def rows(actor: Actor, object_type: ObjectType, action: str = "view") -> QuerySet:
    """The rows on which the actor may do this action, all of them visible to him. Cost: none until used."""
    everything = object_type.all()
    if actor.system:
        return everything
    if object_type.rows:
        return object_type.rows(actor) if action in ("view", "export") else everything.none()
    if object_type.personal:
        return everything.filter(object_type.personal(actor, "view"), object_type.personal(actor, action))
    visible = _predicate(actor, object_type, "view")
    if action != "view":
        visible &= _predicate(actor, object_type, action)
    return everything.filter(visible)


def sees_all(actor: Actor, object_type: ObjectType) -> bool:
    """Whether the reader sees every row of the type's table, whatever rows there are. Cost: none, once for each edition of the set-up what wording takes."""

    def make() -> bool:
        return allows(actor, object_type, "view") and not rows(actor, object_type).query.where

    return edition.keep(("sees all", object_type.slug, rights(actor)), make)


def is_unlimited(actor: Actor, object_type: ObjectType, action: str) -> bool:
    """Whether the actor may do this with whichever row he sees, so that no row need be asked for. Cost: none."""
    if actor.system:
        return True
    return not (object_type.rows or object_type.personal) and not _predicate(actor, object_type, action)


def _predicate(actor: Actor, object_type: ObjectType, action: str) -> Q:
    key = ("unlimited", object_type.slug, action)
    if key in actor.granted:
        return Q()
    allowed = Q(pk__in=[])
    for permission in permissions(actor, object_type, action):
        mine = scope_predicate(actor, object_type, permission.scope)
        if permission.filter:
            mine &= conditions.compile(object_type, permission.filter, conditions.EVERYTHING)
        if not mine:
            actor.granted[key] = True
            return Q()
        allowed |= mine
    return allowed


def scope_predicate(actor: Actor, object_type: ObjectType, scope: str) -> Q:
    """Rows of a scope. Types that nobody owns are the same for everyone who may see them."""
    return Q() if object_type.owner is None else _scope(actor, scope, object_type.owner, object_type.unit)


def scope_of_facts(actor: Actor, object_type: ObjectType, scope: str) -> Q:
    """Facts of a scope: by their own person and unit, whatever became of their document since."""
    return Q() if object_type.owner is None else _scope(actor, scope, "person", "unit")


def scope_through(actor: Actor, object_type: ObjectType, action: str, owner: str, unit: str | None) -> Q:
    """Other records, as far as a record of this type that is theirs would lie in the actor's scope; ``owner`` and ``unit`` are columns of them."""
    if actor.system:
        return Q()
    scopes = {p.scope for p in permissions(actor, object_type, action)}
    if "all" in scopes:
        return Q()
    reached = Q(pk__in=[])
    for scope in scopes if owner else ():
        reached |= _scope(actor, scope, owner, unit)
    return reached


def _scope(actor: Actor, scope: str, owner: str, unit: str | None) -> Q:
    if scope == "all":
        return Q()
    mine = Q(**{owner: actor.id})
    if scope == "own" or unit is None or actor.unit_id is None:
        return mine
    if scope == "unit":
        return mine | Q(**{unit: actor.unit_id})
    return mine | Q(**{f"{unit}__in": _below(actor)})


def _below(actor: Actor) -> list[UUID] | QuerySet:
    """The units of an actor's scope, by name where they are known to be these: of a subquery nobody knows how many rows it leaves, so all would be read.

    Units are of the set-up, so in a snapshot these are they for as long as its edition lasts. Cost: one query for each edition and unit.
    """
    below = structures.below(OrgUnit, actor.unit_id)
    if actor.is_mark or not edition.is_fixed():
        return below
    named = edition.keep(("units below", actor.unit_id), lambda: sorted(below.values_list("descendant_id", flat=True)[: UNITS + 1]))
    return named if len(named) <= UNITS else below


def hidden_names(actor: Actor, object_type: ObjectType) -> frozenset[str]:
    """Names the actor does not see on this type.

    A field is shown only where a grant as wide as the widest shows it: a narrow grant never opens a field on the rows of
    a wider one.
    """
    if actor.system:
        return frozenset()
    memo, key = context.memo(), ("hidden", reader(actor), object_type.slug)
    if key not in memo:
        kept = (f.name for f in schema.own_fields(object_type) if f.seen_by and not f.seen_by & actor.roles)
        memo[key] = _closed(actor, object_type, "view", lambda p: p.hidden).union(kept)
    return memo[key]


def readonly_names(actor: Actor, object_type: ObjectType, action: str = "change") -> frozenset[str]:
    kept = () if actor.system else (f.name for f in schema.own_fields(object_type) if f.edited_by and not f.edited_by & actor.roles)
    return _closed(actor, object_type, action, lambda p: p.hidden | p.readonly).union(hidden_names(actor, object_type), kept)


def _closed(actor: Actor, object_type: ObjectType, action: str, names) -> frozenset[str]:
    granted = permissions(actor, object_type, action)
    if actor.system or not granted:
        return frozenset()
    widest = max(WIDTH[p.scope] for p in granted)
    as_wide = [names(p) for p in granted if WIDTH[p.scope] == widest and not p.filter] or [names(p) for p in granted]
    unfiltered = any(WIDTH[p.scope] == widest and not p.filter for p in granted)
    return frozenset.intersection(*as_wide) if unfiltered else frozenset.union(*as_wide)


def fields(actor: Actor, object_type: ObjectType) -> dict[str, Field]:
    """The fields of a type that the actor sees: pages, API, exports and filters are built from these alone (Z-05, Z-06)."""
    memo = context.memo()
    key = ("visible", reader(actor), object_type.slug)
    if key not in memo:
        if sees_alike(object_type):
            memo[key] = edition.keep(("visible", rights(actor), object_type.slug), lambda: _seen(actor, object_type))
        else:
            seen = _seen(actor, object_type)
            memo[key] = seen if actor.system else _for_reader(actor, object_type, seen)
    return memo[key]


def sees_alike(object_type: ObjectType) -> bool:
    """Whether the fields of a type are the same for all who have the same rights: none of them is computed, or looked up, as its reader sees it."""
    return edition.keep(("alike", object_type.slug), lambda: object_type.looks_alike and not any(map(derived.is_computed, schema.fields(object_type).values())))


def _seen(actor: Actor, object_type: ObjectType) -> dict[str, Field]:
    hidden = hidden_names(actor, object_type)
    known = schema.fields(object_type) | (object_type.looked_up(actor) if object_type.looked_up else {})
    return {name: f for name, f in known.items() if name not in hidden}


def lines(actor: Actor, object_type: ObjectType) -> list[registry.Lines]:
    hidden = hidden_names(actor, object_type)
    return [entry for entry in object_type.lines if entry.name not in hidden]

def _for_reader(actor: Actor, object_type: ObjectType, seen: dict[str, Field]) -> dict[str, Field]:
    """The fields with those computed as this reader computes them: out of what he sees himself."""
    if not any(derived.is_computed(f) for f in seen.values()):
        return seen
    memo = context.memo()
    key = ("derived", actor.id, actor.permissions, actor.roles)
    if key not in memo:
        memo[key] = derived.Derived(conditions.Sight(lambda other: _stored(actor, other), lambda other: rows(actor, other)))
    own = memo[key].of(object_type)
    return {name: own[name] if derived.is_computed(f) else f for name, f in seen.items() if not derived.is_computed(f) or name in own}


def _stored(actor: Actor, object_type: ObjectType) -> dict[str, Field]:
    """The fields he sees, computed ones as they are set up."""
    hidden = hidden_names(actor, object_type) if allows(actor, object_type, "view") else None
    return {} if hidden is None else {name: f for name, f in schema.stored_fields(object_type).items() if name not in hidden}



def acts(actor: Actor, object_type: ObjectType) -> list[registry.Act]:
    """The acts of a type the actor may do on some row, in the order declared."""
    return [a for a in object_type.acts if allows(actor, object_type, a.name)]


def sight(actor: Actor) -> conditions.Sight:
    """What the actor's filters may name."""
    return conditions.Sight(lambda object_type: fields(actor, object_type), lambda object_type: rows(actor, object_type))


def covers_role(actor: Actor, grants) -> bool:
    """Whether the actor holds all that these grants give, so that nobody hands out more than he has (Z-08)."""
    if actor.system:
        return True
    for grant in grants:
        slugs = [t.slug for t in registry.every()] if grant.type == "*" else [grant.type]
        for slug in slugs:
            for action in grant.actions:
                held = [p for p in actor.permissions if p.covers(slug, action) and not p.filter and WIDTH[p.scope] >= WIDTH[grant.scope]]
                if not any(p.hidden <= set(grant.hidden) and p.readonly <= set(grant.readonly) | set(grant.hidden) for p in held):
                    return False
    return True


def lines_of(slug: str, name: str, parent: str) -> Callable[[Actor], QuerySet]:
    """The row rule of a type whose records are the lines ``name`` of another type's: they are seen with their record."""

    def seen(actor: Actor) -> QuerySet:
        owner = registry.get(slug)
        entry = next(entry for entry in owner.lines if entry.name == name)
        if not allows(actor, owner, "view") or entry not in lines(actor, owner):
            return entry.model.objects.none()
        records = rows(actor, owner)
        found = entry.model.objects.select_related(parent)  # a line says what its record's state makes of it
        return found.filter(**{f"{parent}__in": records}) if records.query.where else found

    return seen


def as_of_type(slug: str, model: type[Model], field: str = "", along: tuple[str, ...] = ()) -> Callable[[Actor], QuerySet]:
    """The row rule of a ledger that is seen by whoever sees another type: all of it, or its rows that refer by ``field`` to seen ones.

    ``along`` names what is read with each row, since it names the row.
    """

    def seen(actor: Actor) -> QuerySet:
        other = registry.get(slug)
        if not allows(actor, other, "view"):
            return model.objects.none()
        records = rows(actor, other) if field else None
        found = model.objects.select_related(*along) if along else model.objects.all()
        return found.filter(**{f"{field}__in": records}) if records is not None and records.query.where else found

    return seen
