"""How a built figure is checked against its own lists, in plain Python over the records on their pages (N1). Makes no records."""

import statistics
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import parse_qsl

from core import access, door, kpi, listings, query, registry
from core.access import Actor
from core.kpi.built import Built, Piece

SIX = Decimal("0.000001")


def listed(actor: Actor, drill: kpi.Address) -> tuple[list[Any], query.Page]:
    """All records behind a drill, page by page, and the first page with its count and sums."""
    object_type, pairs = registry.get(drill.slug), [*dict([*parse_qsl(drill), ("count", "exact")]).items()]
    first = query.page(actor, object_type, listings.listing([*pairs, ("limit", "200")]))
    seen, page = list(first.records), first
    while page.next:
        page = query.page(actor, object_type, listings.listing([*pairs, ("limit", "200"), ("cursor", page.next)]))
        seen += page.records
    assert len(seen) == first.count == len({r.pk for r in seen})
    return seen, first


def worth(actor: Actor, piece: Piece, drill: kpi.Address) -> Decimal | None:
    """What the records of a list come to, worked out one by one."""
    records, page = door.reading(lambda: listed(actor, drill))
    if piece.aggregate == "count":
        return Decimal(len(records))
    known = access.fields(actor, registry.get(drill.slug))
    f = known[piece.field]
    values = [f.value(r) for r in records]
    if piece.aggregate == "distinct":
        return Decimal(len({v for v in values if v not in (None, "")}))
    if f.kind == "money" and not f.is_base and "rate" in known:
        twin = known.get(f"base_{f.name}")
        values = [twin.value(r) if twin is not None and not twin.custom else f.value(r) * r.rate for r in records]
    numbers = [Decimal(v) for v in values]
    if piece.aggregate in ("sum", "average") and page.sums is not None:
        assert sum(numbers, Decimal(0)) == next(iter(page.sums.values()))
    return aggregated(piece.aggregate, numbers)


def aggregated(aggregate: str, numbers: list[Decimal]) -> Decimal | None:
    if aggregate == "sum":
        return sum(numbers, Decimal(0))
    if not numbers:
        return None
    if aggregate == "average":
        return (sum(numbers, Decimal(0)) / len(numbers)).quantize(SIX, ROUND_HALF_UP)
    return {"min": min, "max": max, "median": statistics.median}[aggregate](numbers)


def drilled(actor: Actor, built: Built, drill: Any) -> Decimal | None:
    """What a figure should be, by its lists."""
    if built.then == "year-on-year":
        now, then = (worth(actor, built.of, one) for one in drill) if isinstance(drill, kpi.Drills) else (None, None)
        return ((now - then) / abs(then)).quantize(SIX, ROUND_HALF_UP) if then and now is not None else None
    if built.per is not None:
        top, bottom = worth(actor, built.of, drill.numerator), worth(actor, built.per, drill.denominator)
        return (top * built.scale / bottom).quantize(SIX, ROUND_HALF_UP) if bottom and top is not None else None
    value = worth(actor, built.of, drill)
    if built.then == "average" and built.of.aggregate in ("count", "sum"):
        return (value / built.window).quantize(SIX, ROUND_HALF_UP)
    return value


def demand_agreement(actor: Actor, answer: kpi.Answer, most: int = 1000) -> None:
    """The figure, its comparisons and each part are what their lists say; of more parts than ``most`` only every so many."""
    built = answer.definition.built
    parts = answer.groups[:: len(answer.groups) // most + 1]
    if built.then == "average" and answer.period.start is None:
        assert answer.value is None, "all there is has no periods before it to be averaged with"
    else:
        parts = [answer, *parts]
    for one in [*(other for other in (answer.previous, answer.year_ago) if other), *parts]:
        assert one.value == drilled(actor, built, one.drill), (answer.definition.given, answer.dimensions, one)


def demand_partition(answer: kpi.Answer) -> None:
    """No group is there twice, and those of what adds up do."""
    keys = [tuple(map(str, g.keys)) for g in answer.groups]
    assert len(set(keys)) == len(keys)
    if not answer.dimensions:
        return
    through_time = any(answer.definition.dimension(d).period for d in answer.dimensions)
    if answer.definition.partitions and (answer.definition.is_additive or not through_time):
        assert sum((g.value for g in answer.groups), Decimal(0)) == answer.value, (answer.definition.given, answer.dimensions)
