"""The filter language on a record in hand gives what the database finds; a record that is not stored is judged as if it were."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import access, conditions, door, registry, write
from core.errors import RuleError
from tests import people
from tests.core.test_conditions import leaves, world  # noqa: F401 - the sixty accounts with own fields of all kinds

LONG = bool(os.environ.get("ODOS_LONG"))
FRESH = ("all", "any")


def nodes(world):  # noqa: F811
    return st.recursive(leaves(world), lambda parts: st.builds(lambda w, ps: {w: ps}, st.sampled_from(FRESH), st.lists(parts, max_size=3)), max_leaves=5)


@given(data=st.data())
@settings(max_examples=1500 if LONG else 60, deadline=None)
def test_what_holds_in_hand_is_what_the_database_finds(world, data):  # noqa: F811
    accounts, node = registry.get("accounts"), data.draw(nodes(world))

    def both():
        found = set(accounts.all().filter(conditions.compile(accounts, node, conditions.EVERYTHING)).values_list("pk", flat=True))
        held = {r.pk for r in accounts.all() if conditions.holds(accounts, node, r)}
        return found, held

    found, held = door.reading(both)
    assert held == found, node


def test_a_record_not_stored_is_judged_by_what_it_holds(world):  # noqa: F811
    accounts = registry.get("accounts")
    fields = conditions.EVERYTHING.fields(accounts)

    def judged():
        record = accounts.new()
        fields["name"].put(record, "Straße")
        fields["payment_days"].put(record, 45)
        fields["own_choice"].put(record, "b")
        parent = next(r for r in accounts.all() if r.name == "Acme")
        fields["parent"].put(record, parent.pk)
        holds = lambda *node: conditions.holds(accounts, list(node), record)  # noqa: E731
        assert holds("payment_days", "gt", 30)
        assert not holds("payment_days", "lt", 45)
        assert holds("name", "contains", "STRAßE")
        assert holds("own_choice", "in", "a,b")
        assert holds("own_choice", "ne", "c")
        assert holds("own_date", "empty", True)
        assert holds("own_date", "ne", "2026-01-01")
        assert holds("parent.name", "eq", "Acme")
        assert not holds("parent.name", "eq", "acme")
        assert not conditions.holds(accounts, {"any": []}, record)
        assert conditions.holds(accounts, {"all": []}, record)
        fields["parent"].put(record, None)
        assert not holds("parent.name", "ne", "Acme")

    door.reading(judged)


def test_what_the_asker_does_not_see_cannot_be_named_and_is_not_found_through_a_path(world):  # noqa: F811
    accounts = registry.get("accounts")
    blind = people.new_user("Blind", "read-only")
    actor = access.actor_for(blind)
    sight = conditions.Sight(
        lambda t: {n: f for n, f in access.fields(actor, t).items() if n != "industry"}, lambda t: t.all().exclude(name="Acme") if t == accounts else t.all()
    )

    def judged():
        record = next(r for r in accounts.all() if r.parent_id and r.parent.name == "Acme")
        with pytest.raises(RuleError):
            conditions.holds(accounts, ["industry", "eq", "x"], record, sight)
        assert conditions.holds(accounts, ["parent.name", "eq", "Acme"], record)
        assert not conditions.holds(accounts, ["parent.name", "eq", "Acme"], record, sight)
        every, sides = list(accounts.all()), []
        for name in ("parent", "own_ref", "owner"):
            for empty in (True, False):
                node = [f"{name}.id", "empty", empty]
                found = set(accounts.all().filter(conditions.compile(accounts, node, sight)).values_list("pk", flat=True))
                assert found == {r.pk for r in every if conditions.holds(accounts, node, r, sight)}, node
                sides.append(found)
        for without, with_one in zip(sides[::2], sides[1::2], strict=True):
            assert not without & with_one and len(without) + len(with_one) == len(every), "a reference leads to a record one sees, or to none"
        assert record.pk in sides[0], "what one does not see is as if it was not there"

    door.reading(judged)


def test_several_references_and_addresses(company, alice):
    """A user's roles, several of them, and an own address by its parts."""
    actor = access.actor_for(alice)
    users = registry.get("users")
    several = people.new_user("Several", "sales", "finance")
    people.writing(lambda: write.create(actor, registry.get("custom-fields"), {"type": "users", "key": "home", "kind": "address", "label": "Home"}))
    people.writing(lambda: write.change(actor, users, several.pk, {"home": {"city": "Köln", "country": "DE"}}, several.version))
    roles = registry.get("roles")

    def both():
        sales, owner = (roles.all().get(key=key).pk for key in ("sales", "owner"))
        for node in (
            ["roles", "eq", str(sales)], ["roles", "ne", str(owner)], ["roles", "in", [str(owner)]], ["roles", "empty", False], ["roles.name", "eq", "Sales"],
            ["roles.name", "contains", "own"], ["home", "contains", "KÖLN"], ["home.city", "eq", "Köln"], ["home.country", "ne", "DE"],
            ["home", "empty", True], ["home.street", "empty", True],
        ):  # fmt: skip
            found = set(users.all().filter(conditions.compile(users, node, conditions.EVERYTHING)).values_list("pk", flat=True))
            held = {r.pk for r in users.all() if conditions.holds(users, node, r)}
            assert held == found, node

    door.reading(both)
