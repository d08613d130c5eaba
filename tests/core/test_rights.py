"""Whatever somebody does with users, roles and units, he never sees or may do more than before (Z-08)."""

import os
import random

import pytest

from core import access, deleting, registry, write
from core.errors import OdosError
from core.models import Grant, Role, User
from tests import people
from tests.core.test_access import SLUGS, digest, role, system, with_roles, world

__all__ = ["world"]  # the fixture
LONG = bool(os.environ.get("ODOS_LONG"))


def effective(user_pk) -> dict:
    """What the person sees and may do, row by row, of what existed before: (type, action) -> ids."""
    actor = access.actor_for(User.objects.get(pk=user_pk))
    found = {}
    for slug in (*SLUGS, "users", "roles", "org-units"):
        object_type = registry.get(slug)
        for action in ("view", "change", "delete", "add"):
            found[slug, action] = set(access.rows(actor, object_type, action).values_list("pk", flat=True))
    return found


def attempts(draw, actor, units, roles_, folk):
    """One thing somebody might try to get more rights."""
    users, role_type, unit_type = registry.get("users"), registry.get("roles"), registry.get("org-units")
    big = {
        "type": draw.choice(["*", "accounts", "orders"]),
        "actions": [draw.choice(["*", "view", "change"])],
        "scope": draw.choice(["all", "subtree", "unit", "own"]),
    }
    who, some_role, unit, other = draw.choice([actor.id, *folk]), draw.choice(roles_), draw.choice(units), draw.choice([None, *units])
    version = lambda t, pk: t.model.objects.get(pk=pk).version  # noqa: E731 - one line each
    return draw.choice(
        [
            lambda: write.change(actor, users, who, {"roles": [str(some_role), str(draw.choice(roles_))]}, version(users, who)),
            lambda: write.change(actor, users, who, {"unit": str(unit)}, version(users, who)),
            lambda: write.change(actor, users, who, {"roles": [], "unit": str(unit)}, version(users, who)),
            lambda: write.change(actor, role_type, some_role, {"grants": [big]}, version(role_type, some_role)),
            lambda: write.create(actor, role_type, {"name": f"N{draw.random()}", "grants": [big]}),
            lambda: write.act(actor, role_type, some_role, draw.choice(["archive", "restore"])),
            lambda: deleting.delete(actor, role_type, some_role, version(role_type, some_role)),
            lambda: write.change(actor, unit_type, unit, {"parent": str(other) if other else None}, version(unit_type, unit)),
            lambda: write.change(
                actor, users, who, {"email": f"me{draw.randint(1, 10**9)}@example.com", "password": people.PASSWORD}, version(users, who)
            ),
            lambda: write.create(
                actor,
                users,
                {
                    "name": "Puppet",
                    "email": f"p{draw.randint(1, 10**9)}@example.com",
                    "password": people.PASSWORD,
                    "unit": str(unit),
                    "roles": [str(some_role)],
                },
            ),
            lambda: write.act(actor, users, who, draw.choice(["archive", "restore"])),
        ]
    )


@pytest.mark.parametrize("seed", range(40 if LONG else 4))
def test_no_sequence_of_writes_raises_ones_rights(world, alice, seed):
    """Somebody who keeps users, roles and units, but sees only his branch, tries whatever there is; puppets count as himself."""
    draw = random.Random(seed)
    keeper = role(
        {"type": "users", "actions": ["view", "add", "change", "archive", "restore"], "scope": "all"},
        {"type": "roles", "actions": ["view", "add", "change", "delete", "archive", "restore"], "scope": "all"},
        {"type": "org-units", "actions": ["view", "change"], "scope": "all"},
        {"type": "accounts", "actions": ["view", "change"], "scope": "subtree"},
        {"type": "orders", "actions": ["view"], "scope": draw.choice(["own", "unit"])},
    )
    strong = role({"type": "*", "actions": ["*"], "scope": "all"})
    me = people.new_user(f"Keeper{seed}", unit=str(world[draw.choice([0, 1, 3, 4])].unit_id))
    with_roles(me, keeper, strong)
    people.writing(lambda: write.act(system(), registry.get("roles"), strong.pk, "archive"))
    limit = effective(me.pk)
    before_users = set(User.objects.values_list("pk", flat=True))
    units = list(registry.get("org-units").model.objects.values_list("pk", flat=True))
    done = 0
    for _ in range(200 if LONG else 60):
        roles_ = list(Role.objects.values_list("pk", flat=True))[-8:] + [keeper.pk, strong.pk]
        actor = access.actor_for(User.objects.get(pk=me.pk))
        try:
            people.writing(attempts(draw, actor, units, roles_, [world[0].pk, world[4].pk, alice.pk]))
            done += 1
        except OdosError:
            continue
        for pk in {me.pk, *(set(User.objects.values_list("pk", flat=True)) - before_users)}:
            now = effective(pk)
            for key, rows in now.items():
                known = rows & everything(key[0], before_users, limit)
                assert known <= limit[key], (seed, key, pk == me.pk)
    assert done


def everything(slug: str, before_users: set, limit: dict) -> set:
    """Records that were there before: what one makes oneself is no right gained."""
    if slug in ("users", "roles", "org-units"):
        return set().union(*(rows for (s, _a), rows in limit.items() if s == slug))
    return set(registry.get(slug).model.objects.values_list("pk", flat=True))


def test_the_last_owner_and_the_owners_role_stay(world, alice):
    owner = access.actor_for(alice)
    role_ = Role.objects.get(key="owner")
    users, roles_ = registry.get("users"), registry.get("roles")
    before = digest()
    for deed in (
        lambda: write.act(owner, users, alice.pk, "archive"),
        lambda: deleting.delete(owner, users, alice.pk, User.objects.get(pk=alice.pk).version),
        lambda: write.change(owner, users, alice.pk, {"roles": []}, User.objects.get(pk=alice.pk).version),
        lambda: write.act(owner, roles_, role_.pk, "archive"),
        lambda: write.change(owner, roles_, role_.pk, {"grants": []}, role_.version),
    ):
        with pytest.raises(OdosError):
            people.writing(deed)
        assert digest() == before
    assert Grant.objects.filter(role=role_).count() == 1
