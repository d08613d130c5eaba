"""What may happen to core's own types: people, roles, units, own fields. Reached through ``core.write`` alone."""

from dataclasses import replace

from django.utils.translation import gettext as _

from core import access, conditions, context, jobs, passwords, registry, schema, sql, structures
from core.access import Actor
from core.errors import RuleError
from core.models import ExchangeRate, Grant, OrgUnit, Role, User

BY_PLACE = ("unit", "subtree")  # scopes that mean more or less by where their holder stands


# People


def prepare_people(actor: Actor, pairs: list) -> None:
    """E-mails are compared in lower case."""
    for user, made in pairs:
        user.email = user.email.strip().lower()
        if "email" in made.values:
            made.values["email"] = user.email
        _check_password(user, made)


def _check_password(user: User, made) -> None:
    if made.values.get("password"):
        for sentence in passwords.faults(made.values["password"], user):
            made.refuse("password", sentence)


def check_user(actor: Actor, user: User, changed: dict, rows: dict) -> None:
    """Nobody hands out more rights than he holds (Z-08), nor changes the password of one who holds more."""
    if "roles" in changed:
        waiting = set(registry.types["users"].fields["roles"].value(user))
        added = waiting - set(changed["roles"] or ())
        if not access.covers_role(actor, Grant.objects.filter(role_id__in=added)):
            raise RuleError({"roles": [_("You may not give a role that may do more than you may yourself.")]})
    if {"roles", "unit"} & changed.keys() and not _may_place(actor, user):
        raise RuleError({"unit": [_("You may not place somebody where they would see more than you do.")]})
    if user.manager_id == user.pk:
        raise RuleError({"manager": [_("Nobody is his own manager.")]})
    touches_another = user.pk != actor.id and {"password", "email"} & changed.keys()
    if touches_another and not access.covers_role(actor, Grant.objects.filter(role__in=user.roles.through.objects.filter(user_id=user.pk).values("role_id"))):
        raise RuleError({next(iter({"password", "email"} & changed.keys())): [_("You may not change how somebody with more rights signs in.")]})


def _may_place(actor: Actor, user: User) -> bool:
    """Whether what the user's roles give by his unit is within what the actor holds there (Z-08). Cost: at most two queries."""
    if actor.system or user.unit_id is None:
        return True
    granted = [g for g in Grant.objects.filter(role_id__in=registry.types["users"].fields["roles"].value(user)) if g.scope in BY_PLACE]
    if not granted or user.unit_id == actor.unit_id:
        return True
    inside = actor.unit_id is not None and structures.below(OrgUnit, actor.unit_id).filter(descendant_id=user.unit_id).exists()
    return access.covers_role(actor, [_widened(g, "subtree" if inside else "all") for g in granted])


def _widened(grant: Grant, scope: str) -> access.Permission:
    return access.Permission(grant.type, frozenset(grant.actions), scope, None, frozenset(grant.hidden), frozenset(grant.readonly))


def locked_user(user: User) -> frozenset[str]:
    """The last active owner is never deleted. Cost: one query for an owner."""
    owners = set(User.roles.through.objects.filter(role__key="owner", user__archived_at=None).values_list("user_id", flat=True))
    return frozenset({"delete"}) if owners == {user.pk} else frozenset()


def keep_an_owner(actor: Actor, user: User, changed: dict) -> None:
    """A company never loses its last active owner."""
    if {"roles", "archived_at"} & changed.keys() and not actor.system:
        sql.lock(actor.company_id, "owners")
        owners = User.roles.through.objects.filter(role__key="owner", user__archived_at=None)
        if not owners.exists():
            raise RuleError({"roles": [_("A company needs at least one active owner.")]})


# Roles


def grant_types() -> dict:
    """What a grant may be about: one type, or everything."""
    return {"*": _("Everything"), **registry.type_choices()}


def grant_actions() -> dict:
    """What a grant may allow, over all types."""
    common = {
        "view": _("View"), "add": _("Add"), "change": _("Edit"), "delete": _("Delete"), "export": _("Export"), "import": _("Import"),
        "archive": _("Archive"), "restore": _("Restore"),
    }  # fmt: skip
    return {"*": _("Everything"), **common, **{a.name: a.label for t in registry.every() for a in t.acts}}


def check_role(actor: Actor, role: Role, changed: dict, rows: dict) -> None:
    """Grants name types, acts and fields that exist, and give nothing that the actor does not hold (Z-08)."""
    errors: dict[str, list[str]] = {}
    for position, grant in enumerate(rows.get("grants", ())):
        for name, sentence in _grant_errors(grant):
            errors.setdefault(f"grants.{position}.{name}", []).append(sentence)
    if errors:
        raise RuleError(errors)
    if not access.covers_role(actor, rows.get("grants", ())):
        raise RuleError({"grants": [_("You may not grant more than you may do yourself.")]})
    if role.key == "owner" and "grants" in rows:
        raise RuleError({"grants": [_("The owner's role always may do everything.")]})


def _grant_errors(grant: Grant):
    object_type = registry.get(grant.type)
    if object_type is None and grant.type != "*":
        yield "type", _("There is no type “%(slug)s”.") % {"slug": grant.type[:60]}
        return
    types = [object_type] if object_type else registry.every()
    known = {*access.COMMON_ACTIONS, "*", *(a.name for t in types for a in t.acts)}
    for action in grant.actions:
        if action not in known:
            yield "actions", _("There is no action “%(name)s”.") % {"name": action}
    names = {n for t in types for n in (*schema.fields(t), *(entry.name for entry in t.lines))}
    for column in ("hidden", "readonly"):
        for name in getattr(grant, column):
            if name not in names:
                yield column, _("There is no field “%(name)s”.") % {"name": name}
    if grant.filter:
        try:
            conditions.compile(object_type or registry.types["users"], grant.filter, conditions.EVERYTHING)
        except RuleError as error:
            yield "filter", " ".join(error.sentences)


def role_changed(actor: Actor, role: Role, changed: dict) -> None:
    """What a role hides is not found by searching either: the types concerned are indexed anew, in a job.

    A role that comes back gives its rights again, so it is given like a new one (Z-08); the owner's never goes.
    """
    if "archived_at" in changed and role.archived_at is not None and role.key == "owner":
        raise RuleError({"_": [_("The owner's role always may do everything.")]})
    if "archived_at" in changed and role.archived_at is None and not access.covers_role(actor, role.grants.all()):
        raise RuleError({"_": [_("You may not grant more than you may do yourself.")]})
    hides = Grant.objects.filter(role=role).exclude(hidden=[])
    # A role made anew may only have begun to hide; one that changed may have ceased to, on types its grants no longer name.
    slugs = set(hides.values_list("type", flat=True)) if role.version == 1 else set() if changed.keys() == {"name"} else {"*"}
    for slug in sorted(slugs):
        jobs.promise("reindex", {"type": slug}, actor)


# Money


def check_rate(actor: Actor, rate: ExchangeRate, changed: dict, rows: dict) -> None:
    """A rate is of a currency other than the company's own, and more than zero."""
    if rate.currency == context.company().currency:
        raise RuleError({"currency": [_("This is the company's own currency: its rate is always 1.")]})
    if rate.rate is not None and rate.rate <= 0:
        raise RuleError({"rate": [_("A rate is more than zero.")]})


# Units


def check_unit(actor: Actor, unit: OrgUnit, changed: dict, rows: dict) -> None:
    """No circle; and nobody takes a unit below his own whose records he could not see before (Z-08)."""
    structures.demand_tree(actor, unit, changed, rows)
    if "parent" not in changed or unit._state.adding or actor.system or actor.unit_id is None or unit.parent_id is None:
        return
    mine = structures.below(OrgUnit, actor.unit_id)
    enters = mine.filter(descendant_id=unit.parent_id).exists() and not mine.filter(descendant_id=unit.pk).exists()
    if enters and not access.covers_role(actor, [replace(p, scope="all") for p in actor.permissions if p.scope in BY_PLACE]):
        raise RuleError({"parent": [_("You may not move a unit below your own: you would see more than you do.")]})


keep_unit_links = structures.keep_links
