"""Rows by their ids, as somebody reaches them: worded once, they are those that access itself gives, for every type and whatever grants."""

from uuid import UUID, uuid4

import pytest
from django.db import models

from core import access, context, reach, registry, write
from core.access import Permission
from core.prepared import Bent, Prepared, columns, in_bulk, listed
from crm.models import Account, Opportunity
from tests import factories, people
from tests.people import writing


@pytest.fixture(scope="module")
def world(alice, bob):
    """Records of several types and owners, in two units."""
    actor = access.actor_for(alice)
    account = str(factories.make("accounts", actor).pk)
    for owner in (alice, bob, people.new_user("Zoe", "sales")):
        factories.make("accounts", actor, owner=str(owner.pk))
        factories.make("contacts", actor, account=account, owner=str(owner.pk))
        factories.make("opportunities", actor, account=account, owner=str(owner.pk))
    return actor


GRANTS = [
    ("own", "all", None), ("unit", "own", None), ("subtree", "unit", None), ("all", "subtree", None), ("all", "all", None), ("all", "", None),
    ("all", "own", ["name", "contains", "a"]),
]  # fmt: skip
SLUGS = ("accounts", "contacts", "opportunities", "orders", "stages", "users", "saved-views", "products", "activities", "facts", "roles", "notices")


def _actor(user, view, change, limit):
    permissions = (
        Permission("*", frozenset({"view"}), view),
        *((Permission("*", frozenset({"change", "move"}), change, limit),) if change else ()),
    )
    return access.Actor(user.pk, user.name, user.unit_id, "en", permissions, context.company().id)


@pytest.mark.parametrize(("view", "change", "limit"), GRANTS)
def test_they_are_those_of_access(company, alice, bob, world, view, change, limit):
    for user in (alice, bob):
        actor = _actor(user, view, change, limit)
        for object_type in (registry.types[slug] for slug in SLUGS if slug in registry.types):
            if limit and "name" not in object_type.fields:
                continue
            for action in ("view", "change"):
                every = list(object_type.all().values_list("pk", flat=True)[:200])
                allowed = set(access.rows(actor, object_type, action).filter(pk__in=every).values_list("pk", flat=True))
                for _again in range(2):
                    assert reach.present(actor, object_type, every, action) == allowed, (object_type.slug, action)
                if object_type.rows or not object_type.writable:
                    continue
                found = reach.records(actor, object_type, every, action)
                expected = {r.pk: r for r in object_type.all().filter(pk__in=allowed)}
                assert {pk: vars(r) | {"_state": None} for pk, r in found.items()} == {pk: vars(r) | {"_state": None} for pk, r in expected.items()}


def test_locked_ones_come_in_the_order_of_their_ids(company, alice, world):
    object_type = registry.get("opportunities")
    every = sorted(object_type.all().values_list("pk", flat=True), reverse=True)
    assert list(writing(lambda: reach.records(world, object_type, every, lock=True))) == sorted(every)
    assert write.all_within(world, object_type, "change", every)


def test_a_mark_is_only_what_it_is_itself(company, alice, world):
    ident = Account.objects.values_list("pk", flat=True).first()
    text = Prepared(lambda name, pk: Account.objects.filter(pk=pk).exclude(name=name).exclude(name="x").values_list("pk"), "x", UUID(int=0))
    assert text.rows("Nothing", ident) == [[ident]] and text.rows(in_bulk(Account, [ident])[ident].name, ident) == []
    with pytest.raises(ValueError, match="none of them nothing"):
        text.rows(None, ident)
    with pytest.raises(ValueError, match="values"):
        text.rows("Nothing")
    lost = Prepared(lambda pk: Opportunity.objects.filter(models.Q(name=models.Value(f"{pk}"[:16] + f"{pk}"[16:]))).values_list("pk"), "x")
    with pytest.raises(Bent):
        lost.rows("x")


def test_rows_by_their_ids(company, alice, world):
    every = list(Account.objects.all())
    assert in_bulk(Account, [None, *(r.pk for r in every), uuid4()]) == {r.pk: r for r in every}
    assert columns(Account, {r.pk for r in every}, "name", "roles") == {r.pk: (r.name, r.roles) for r in every}
    assert in_bulk(Account, [None]) == {} == columns(Account, [], "name") and listed([]) == "{}"
