"""Trees that change over time against a plain parent map: below now, below on a day, no circle, also when two move at once."""

import os
from datetime import date, timedelta
from uuid import UUID

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core import access, context, door, registry, structures, write
from core.errors import OdosError, RuleError
from core.models import OrgUnit, OrgUnitLink
from core.models.record import permit
from tests import people
from tests.core.racing import race

LONG = bool(os.environ.get("ODOS_LONG"))


class Units(RuleBasedStateMachine):
    """Units come and move on later and later days; ``history`` holds each day's parents."""

    def __init__(self):
        super().__init__()
        self.bound = context.bind(people.new_company())
        self.bound.__enter__()
        self.system = access.system("tests")
        self.day = date(2020, 1, 1)
        self.history: list[tuple[date, dict[UUID, UUID | None]]] = []

    def teardown(self):
        self.bound.__exit__(None, None, None)

    @initialize()
    def begin(self):
        root = OrgUnit.objects.get()
        self.parents: dict[UUID, UUID | None] = {root.pk: None}
        self.firsts: dict[UUID, UUID | None] = {root.pk: None}
        self.history = [(structures.BEGINNING, dict(self.parents))]

    def above(self, parents: dict, unit: UUID) -> list[UUID]:
        found = []
        while unit is not None:
            found.append(unit)
            unit = parents.get(unit)
        return found

    @rule(data=st.data())
    def unit_comes(self, data):
        parent = data.draw(st.sampled_from([None, *self.parents]))
        made = people.writing(lambda: write.create(self.system, registry.get("org-units"), {"name": "U", "parent": str(parent) if parent else None}))
        self.parents[made.pk] = parent
        for _day, parents in self.history:  # its first place holds for all the past, below what its parent was below then
            parents[made.pk] = parent

    @precondition(lambda self: len(self.parents) > 1)
    @rule(data=st.data(), days=st.integers(0, 40))
    def unit_moves(self, data, days):
        unit = data.draw(st.sampled_from(list(self.parents)))
        parent = data.draw(st.sampled_from([None, *self.parents]))
        circle = parent is not None and unit in self.above(self.parents, parent)
        self.day += timedelta(days=days)

        def work():
            node = OrgUnit.objects.select_for_update().get(pk=unit)
            node.parent_id = parent
            structures.demand_tree(self.system, node, {"parent": None}, {})
            with permit():
                node.save()
            structures.move(node, self.day)

        if circle:
            try:
                people.writing(work)
            except RuleError as error:
                assert "parent" in error.errors
                return
            raise AssertionError("a circle was accepted")
        people.writing(work)
        self.parents[unit] = parent
        self.history.append((self.day, dict(self.parents)))

    def parents_on(self, day: date) -> dict:
        return [parents for since, parents in self.history if since <= day][-1]

    @invariant()
    def below_is_what_a_walk_finds(self):
        if not self.history:
            return
        for top in self.parents:
            wanted = {u for u in self.parents if top in self.above(self.parents, u)}
            assert set(OrgUnit.objects.filter(pk__in=structures.below(OrgUnit, top)).values_list("pk", flat=True)) == wanted
        links = list(OrgUnitLink.objects.values_list("ancestor", "descendant", "valid_from", "valid_to", "depth"))
        assert len([link for link in links if link[3] == structures.END]) == sum(len(self.above(self.parents, u)) for u in self.parents)
        days = {since for since, _parents in self.history} | {self.day - timedelta(days=1), self.day + timedelta(days=400), date(1990, 5, 5)}
        for day in days:
            parents = self.parents_on(day)
            wanted = {(a, u): depth for u in parents for depth, a in enumerate(self.above(parents, u))}
            found = [(a, d, depth) for a, d, start, end, depth in links if start <= day < end]
            assert len(found) == len(wanted), day
            assert {(a, d): depth for a, d, depth in found} == wanted, day


TestUnits = Units.TestCase
# Each run makes a company, so that looking for the shortest failure takes minutes: only the long suite does.
PHASES = tuple(Phase) if LONG else (Phase.explicit, Phase.reuse, Phase.generate)
TestUnits.settings = settings(max_examples=80 if LONG else 5, stateful_step_count=50 if LONG else 14, deadline=None, phases=PHASES)


def test_two_moves_at_once_make_no_circle(company, alice):
    """A below B and B below A at the same moment: one of them is refused."""
    owner, units = access.actor_for(alice), registry.get("org-units")
    for i in range(60 if LONG else 4):
        roots = i % 2
        parent = None if roots else str(alice.unit_id)
        a, b = (people.writing(lambda n=n, parent=parent: write.create(owner, units, {"name": n, "parent": parent})) for n in "AB")
        found = race(
            *(lambda x=x, y=y: door.writing(lambda: write.change(owner, units, x.pk, {"parent": str(y.pk)}, 1)) for x, y in ((a, b), (b, a)))
        )
        refused = [f for f in found if isinstance(f, Exception)]
        assert len(refused) == 1, found
        assert isinstance(refused[0], OdosError)
        parents = dict(OrgUnit.objects.filter(pk__in=[a.pk, b.pk]).values_list("pk", "parent_id"))
        assert not (parents[a.pk] == b.pk and parents[b.pk] == a.pk)
        for unit in (a, b):
            assert OrgUnitLink.objects.filter(ancestor=unit, descendant=unit, valid_to=structures.END).count() == 1


def test_a_category_below_itself_is_refused_at_its_field(company, alice):
    owner, categories = access.actor_for(alice), registry.get("product-categories")
    top = people.writing(lambda: write.create(owner, categories, {"name": "Top"}))
    inner = people.writing(lambda: write.create(owner, categories, {"name": "Inner", "parent": str(top.pk)}))
    for parent in (inner.pk, top.pk):
        try:
            people.writing(lambda parent=parent: write.change(owner, categories, top.pk, {"parent": str(parent)}, 1))
        except RuleError as error:
            assert "parent" in error.errors
        else:
            raise AssertionError("a circle was accepted")
