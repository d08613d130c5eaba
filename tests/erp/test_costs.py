"""What billed goods cost, against a model that keeps every single unit: which invoice line holds it, what it cost, when it left."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from erp.rules.costs import Event, Layer, recognise

FIRST = date(2026, 1, 1)
D = Decimal


def on(day: int) -> date:
    return FIRST + timedelta(days=day)


def line(number: int) -> UUID:
    return UUID(int=number)


layers = st.lists(st.builds(Layer, st.integers(1, 6).map(D), st.integers(0, 60).map(on), st.one_of(st.none(), st.decimals(0, 99, places=3))), max_size=5)
deeds = st.lists(st.tuples(st.booleans(), st.integers(1, 7), st.integers(0, 60), st.integers(0, 9)), max_size=14)


def by_units(row: list[Layer], events: list[Event]):
    """The same, unit by unit: ``(line, day) -> cost``, lines with a unit of unknown cost, line -> units that have not left."""
    units = [layer for layer in row for _ in range(int(layer.quantity))] + [None] * 200
    holder: list[UUID | None] = [None] * len(units)
    billed_on, amounts, unknown, pending = {}, defaultdict(Decimal), set(), defaultdict(int)
    for event in events:
        if event.of is None:
            taken = [i for i, owner in enumerate(holder) if owner is None][: int(event.quantity)]
            billed_on[event.line] = event.on
        else:
            taken = [i for i, owner in enumerate(holder) if owner == event.of][-int(event.quantity) :]
        for i in taken:
            holder[i] = event.line if event.of is None else None
            since = event.on if event.of is None else max(event.on, billed_on[event.of])
            if units[i] is None:
                pending[event.line] += 1
            elif units[i].unit_cost is None:
                unknown.add(event.line)
            else:
                amounts[event.line, max(since, units[i].on)] += units[i].unit_cost
    return {key: amount for key, amount in amounts.items() if amount}, unknown, dict(pending)


@given(layers, deeds)
def test_every_unit_costs_what_it_left_with(row, wanted):
    events, open_quantity = [], {}
    for number, (is_bill, quantity, day, which) in enumerate(wanted):
        if is_bill or not open_quantity:
            events.append(Event(line(number), D(quantity), on(day)))
            open_quantity[line(number)] = quantity
        else:
            of = list(open_quantity)[which % len(open_quantity)]
            quantity = min(quantity, open_quantity[of])
            if quantity:
                events.append(Event(line(number), D(quantity), on(day), of))
                open_quantity[of] -= quantity
    found = recognise(row, events)
    amounts, unknown, pending = by_units(row, events)
    assert {(pk, day): amount for pk, cost in found.items() for day, amount in cost.by_day.items() if amount} == amounts
    assert {pk for pk, cost in found.items() if not cost.known} == unknown
    assert {pk: int(cost.pending) for pk, cost in found.items() if cost.pending} == pending


@given(layers, st.integers(1, 20), st.integers(0, 60), st.integers(0, 60))
def test_what_is_billed_and_all_credited_cost_nothing(row, quantity, billed, credited):
    found = recognise(row, [Event(line(1), D(quantity), on(billed)), Event(line(2), D(quantity), on(credited), line(1))])
    assert sum(found[line(1)].by_day.values()) == sum(found[line(2)].by_day.values())


def test_units_given_back_are_billed_again_first():
    row = [Layer(D(4), on(0), D(60)), Layer(D(6), on(5), D(70))]
    found = recognise(row, [Event(line(1), D(4), on(1)), Event(line(2), D(1), on(3), line(1)), Event(line(3), D(6), on(6))])
    assert dict(found[line(1)].by_day) == {on(1): D(240)}
    assert dict(found[line(2)].by_day) == {on(3): D(60)}
    assert dict(found[line(3)].by_day) == {on(6): D(60 + 5 * 70)}


def test_goods_billed_before_they_leave_count_on_the_day_they_leave():
    events = [Event(line(1), D(3), on(1))]
    assert not recognise([], events)[line(1)].by_day and recognise([], events)[line(1)].pending == 3
    assert dict(recognise([Layer(D(2), on(9), D(5))], events)[line(1)].by_day) == {on(9): D(10)}
    halves = [Layer(D("0.5"), on(0), D(1)), Layer(D("2.5"), on(2), D(3))]
    assert dict(recognise(halves, events)[line(1)].by_day) == {on(1): D("0.5"), on(2): D("7.5")}
