"""Rows of one's unit and below are found by the names of these units, so that the database knows how many there are; a tree that changes is another at once."""

import pytest

from core import access, door, listings, query, reach, registry, structures, write
from core.models import Role
from tests import people


@pytest.fixture(scope="module")
def tree(company, alice):
    """Twelve units, each below the one before, and someone who leads the sixth."""
    actor = access.actor_for(alice)

    def make():
        found, parent = [], str(alice.unit_id)
        for n in range(12):
            found.append(write.create(actor, registry.get("org-units"), {"name": f"Level {n}", "parent": parent}).pk)
            parent = str(found[-1])
        return found

    units = door.writing(make)
    boss, leaf = people.new_user("Boss", "sales-manager", unit=units[5]), people.new_user("Leaf", "sales", unit=units[11])
    ours = door.writing(lambda: write.create(actor, registry.get("accounts"), {"name": "Ours", "owner": str(leaf.pk)}))
    theirs = door.writing(lambda: write.create(actor, registry.get("accounts"), {"name": "Theirs", "owner": str(alice.pk)}))
    assert Role.objects.get(key="sales-manager").grants.filter(type="accounts", scope="subtree").exists()
    return actor, units, boss, ours, theirs


def seen(user) -> list:
    actor = access.actor_for(user)
    return [r.name for r in door.reading(lambda: query.page(actor, registry.get("accounts"), listings.Listing(sort=("name",))).records)]


def test_units_of_a_scope_are_named_where_one_snapshot_is_read(tree):
    _actor, units, boss, ours, _theirs = tree
    assert seen(boss) == ["Ours"]
    said = door.reading(lambda: str(access.rows(access.actor_for(boss), registry.get("accounts")).query))
    assert "descendant_id" not in said and str(units[11].hex) in said.replace("-", ""), said
    assert "descendant_id" in door.writing(lambda: str(access.rows(access.actor_for(boss), registry.get("accounts")).query))
    assert set(door.reading(lambda: reach.records(access.actor_for(boss), registry.get("accounts"), [ours.pk, _theirs.pk]))) == {ours.pk}


def test_more_units_than_are_named_are_looked_up(tree, monkeypatch):
    _actor, _units, boss, _ours, _theirs = tree
    monkeypatch.setattr(access, "UNITS", 3)
    said = door.reading(lambda: str(access.rows(access.actor_for(boss), registry.get("accounts")).query))
    assert "descendant_id" in said and seen(boss) == ["Ours"]


def test_a_unit_that_moves_takes_its_records_along_at_once(tree):
    actor, units, boss, _ours, _theirs = tree
    units_type = registry.get("org-units")

    def move(parent):
        unit = units_type.all().get(pk=units[8])
        write.change(actor, units_type, unit.pk, {"parent": str(parent)}, unit.version)

    assert seen(boss) == ["Ours"]
    door.writing(lambda: move(units[0]))
    assert seen(boss) == []
    door.writing(lambda: move(units[7]))
    assert seen(boss) == ["Ours"]
    assert structures.below(units_type.model, units[5]).count() == 7
