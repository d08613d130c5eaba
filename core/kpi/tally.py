"""Sums of facts, many at once: each of a measure over some days, read in one query whatever their number."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, IntegerField, Q, QuerySet, Sum, Value

from core import access, asof, conditions, facts, registry, worded
from core.access import Actor
from core.asof import AsOf
from core.kpi.definitions import Definition
from core.measuring import Part
from core.models import Fact
from core.periods import Period

ZERO = Decimal(0)
IDENT = re.compile('"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"')
ODD = re.compile(r'"0\d{3}-')  # days nobody means
written = json.JSONEncoder(sort_keys=True, default=str).encode  # conditions as one text; made once, since making it takes longer than what it writes


class Days(NamedTuple):
    """Business dates from the first to the last, both included; None: without end on that side."""

    first: date | None
    last: date | None


class Added(NamedTuple):
    """What facts add up to, and how many they are."""

    value: Decimal
    rows: int


def days_of(part: Part, period: Period, today: date) -> Days:
    """Over which business dates a part is summed when a period is asked for."""
    if part.over == "period":
        return Days(period.start, period.last)
    last = min(period.last or today, today)
    return Days(None if part.over == "until" else last - timedelta(days=int(part.over) - 1), last)


def in_days(days: Days) -> Q:
    found = Q() if days.first is None else Q(business_date__gte=days.first)
    return found if days.last is None else found & Q(business_date__lte=days.last)


def of_parts(parts: Iterable[Part], period: Period, today: date) -> tuple[Q, list[Q]]:
    """The facts that any of these parts sums, and of those the ones that each sums; none where a part has no measures.

    Those of the same days are named together, since by measures and days a range of the index is read, but by either of two of them all of it.
    """
    parts, by_days = list(parts), defaultdict(list)
    for part in parts:
        by_days[days_of(part, period, today)] += part.measures
    alone, anything = len(by_days) == 1, Q()
    for days, measures in by_days.items():
        anything |= measured(measures) & in_days(days)
    return anything, [measured(p.measures) & (Q() if alone else in_days(days_of(p, period, today))) for p in parts]


def measured(measures: Iterable[str]) -> Q:
    some = list(dict.fromkeys(measures))
    return Q(measure=some[0]) if len(some) == 1 else Q(measure__in=some)


def seen(actor: Actor, extra: list, as_of: AsOf, every_row: bool = False) -> QuerySet:
    """Facts the actor sees (or all there are) that pass these conditions and were known then. Cost: none until used."""
    facts_type = registry.types["facts"]
    found = Fact.objects.all() if every_row else access.rows(actor, facts_type)
    for condition in extra:
        found = found.filter(conditions.compile(facts_type, condition, access.sight(actor)))
    return asof.narrow(found, as_of)


def _after(days: Days) -> date | None:
    """The day after the last one; None: there is none."""
    return None if days.last in (None, date.max) else days.last + timedelta(days=1)


def _sums(found: QuerySet, edges: Sequence[date], asked: dict[int, list[str]]) -> QuerySet:
    """Of each measure the sum of its facts, and their number, in each stretch of days between two of the edges that it is ``asked`` for in, by its place.

    Each fact is added up once, however many spans share it. Each stretch is read by itself, along the index: of all in one condition PostgreSQL reads
    every fact there is.
    """
    several = []
    for place, measures in asked.items():
        days = Q(business_date__gte=edges[place - 1]) if place else Q()
        days &= Q(business_date__lt=edges[place]) if place < len(edges) else Q()
        inside = found.filter(days, measure__in=measures).order_by()
        several.append(inside.values_list("measure", Value(place, IntegerField())).annotate(_sum=Sum("value"), _rows=Count("*")))
    return several[0].union(*several[1:], all=True) if several[1:] else several[0]


def _inside(span: Days, edges: list[date]) -> range:
    """The places of what lies in a span: 0 is what lies before the first edge, the last what lies after all of them."""
    after = _after(span)
    return range(0 if span.first is None else edges.index(span.first) + 1, (len(edges) if after is None else edges.index(after)) + 1)


def _marked(extra: list) -> tuple[str, list[UUID]]:
    """Conditions as text with a place for each id they name, and the ids: those of other records are asked in the same words."""
    text = written(extra).replace("%", "%%")
    return IDENT.sub('"%s"', text), [UUID(found) for found in IDENT.findall(text)]


class Tally:
    """Sums asked for first and read together. All of one reader, under the same conditions and the same snapshot."""

    def __init__(self, actor: Actor, extra: list, as_of: AsOf, every_row: bool = False):
        self._actor, self._extra, self._as_of, self._every_row = actor, extra, as_of, every_row
        self._wanted: dict[Days, set[str]] = defaultdict(set)
        self._found: dict[tuple[str, Days], Added] = {}

    def want(self, wanted: Definition, period: Period, today: date, parts: Iterable[Part] = ()) -> None:
        for part in parts or wanted.parts:
            if part.measures:
                self._wanted[days_of(part, period, today)].update(part.measures)

    @property
    def measures(self) -> list[str]:
        return sorted({m for found in self._wanted.values() for m in found})

    def know(self, measure: str, days: Days, added: Added) -> None:
        """A sum that was found otherwise, of the same facts: it is not read."""
        self._found[measure, days] = added

    def sees_all(self) -> bool:
        """Whether the reader sees every fact of what was asked for. Cost: none."""
        return facts.sees_all(self._actor, self.measures)

    def read(self) -> None:
        """Cost: one query, however many spans of days."""
        if self._wanted:
            self._read(list(self._wanted), self._every_row or self.sees_all())

    def take(self, other: "Tally") -> None:
        """What another one has read, which knows of all that was asked for here."""
        self._found |= other._found

    def _read(self, spans: list[Days], free: bool) -> None:
        as_of, (text, ids) = self._as_of, _marked(self._extra)
        edges = sorted({day for span in spans for day in (span.first, _after(span)) if day is not None})
        inside = {span: _inside(span, edges) for span in spans}
        asked = self._asked(inside)

        def make(*values: str | UUID | date) -> QuerySet:
            known, values = (as_of, values) if as_of.present else (replace(as_of, snapshot=values[0]), values[1:])
            extra = json.loads(text % tuple(map(str, values[: len(ids)])))
            return _sums(seen(self._actor, extra, known, free), values[len(ids) :], asked)

        key = None if as_of.known_by or ODD.search(text) else ("tally", free, text, str(asked))
        snapshot = () if as_of.present else (as_of.snapshot,)
        found = {
            (measure, place): Added(value, rows) for measure, place, value, rows in worded.rows(self._actor, key, make, *snapshot, *ids, *edges)
        }  # fmt: skip
        for span, places in inside.items():
            for measure in self._wanted[span]:
                parts = [found[measure, place] for place in places if (measure, place) in found]
                if parts:
                    self._found[measure, span] = Added(sum((p.value for p in parts), ZERO), sum(p.rows for p in parts))

    def _asked(self, inside: dict[Days, range]) -> dict[int, list[str]]:
        """The place of a stretch between the edges -> the measures that are asked for in it."""
        found: dict[int, set[str]] = defaultdict(set)
        for span, places in inside.items():
            for place in places:
                found[place] |= self._wanted[span]
        return {place: sorted(found[place]) for place in sorted(found)}

    def amounts(self, wanted: Definition, period: Period, today: date) -> tuple[Decimal, ...]:
        """The sums of the KPI's four parts."""
        return tuple(sum((self._sum(m, part, period, today).value for m in part.measures), ZERO) for part in wanted.parts)

    def rows(self, wanted: Definition, period: Period, today: date) -> int:
        """How many facts the figure is made of, those of both parts of a ratio counted once."""
        parts = (wanted.top, wanted.bottom)
        return sum(self._found.get(key, Added(ZERO, 0)).rows for key in {(m, days_of(p, period, today)) for p in parts for m in p.measures})

    def _sum(self, measure: str, part: Part, period: Period, today: date) -> Added:
        return self._found.get((measure, days_of(part, period, today)), Added(ZERO, 0))


def same(extra: list, as_of: AsOf) -> tuple[str, str]:
    """What figures share that may be read together."""
    return as_of.token, written(extra)
