"""How a figure is checked against its own facts: by value, by part and by place in a tree (N1). Makes no records."""

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from urllib.parse import parse_qsl

from core import door, kpi, listings, query, registry
from core.access import Actor


def listed(actor: Actor, drill: str) -> tuple[Decimal, int]:
    """What the list of facts behind a drill adds up to, and how many there are; each page of it is read."""
    facts, pairs = registry.get("facts"), parse_qsl(drill)
    first = query.page(actor, facts, listings.listing([*pairs, ("count", "exact"), ("limit", "200")]))
    seen, page = [r.value for r in first.records], first
    while page.next:
        page = query.page(actor, facts, listings.listing([*pairs, ("limit", "200"), ("cursor", page.next)]))
        seen += [r.value for r in page.records]
    assert len(seen) == first.count
    assert sum(seen) == first.sums["value"]
    return first.sums["value"], first.count


def ask(actor: Actor, key: str, **words: str) -> kpi.Answer:
    """A figure in a snapshot of its own."""
    return door.reading(lambda: kpi.value(actor, kpi.definition(key), kpi.question(words)))


def drilled(actor: Actor, definition: kpi.Definition, drill: str | kpi.Drills) -> Decimal | None:
    """What the facts behind a figure come to, read later under the token: of a ratio both lists, one by the other."""
    if not isinstance(drill, kpi.Drills):
        return door.reading(lambda: listed(actor, drill))[0]
    top, bottom = (door.reading(lambda one=one: listed(actor, one))[0] for one in drill)
    return (top * definition.scale / bottom).quantize(Decimal("0.000001"), ROUND_HALF_UP) if bottom else None


def demand_agreement(actor: Actor, answer: kpi.Answer) -> None:
    """The figure, its comparisons and each of its parts are the sums of their drills, or the one by the other of a ratio."""
    definition = answer.definition
    if not definition.is_ratio:
        assert door.reading(lambda: listed(actor, answer.drill))[1] == answer.rows
    everything = [answer, *(other for other in (answer.previous, answer.year_ago) if other), *answer.groups]
    for one in everything:
        assert one.value in (drilled(actor, definition, one.drill), *([None] if answer.unknown is not None else [])), (definition.key, answer.dimensions, one)


def demand_partition(answer: kpi.Answer) -> None:
    """The parts of a figure add up to it, and none is there twice."""
    keys = [tuple(map(str, g.keys)) for g in answer.groups]
    assert len(set(keys)) == len(keys)
    assert sum((g.value for g in answer.groups), Decimal(0)) == answer.value


def demand_tree(answer: kpi.Answer) -> None:
    """In a roll-up the own parts add up to the figure; with the tree of now each node is its own and its children's."""
    assert sum((g.own for g in answer.groups), Decimal(0)) == answer.value
    below: dict = defaultdict(Decimal)
    for group in answer.groups:
        if group.parent is not None:
            below[group.parent] += group.value
    for group in answer.groups:
        assert group.value == group.own + below[group.keys[0]], group
