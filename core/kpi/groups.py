"""A figure in parts: by members of dimensions, and through time, where a balance is read at each end of a month, quarter or year."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property, partial
from heapq import nlargest
from operator import add, itemgetter
from typing import Any, NamedTuple

from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, DateField, F, Func, IntegerField, QuerySet, Sum, Value, Window
from django.db.models.functions import Abs
from django.utils.translation import gettext as _

from core import context, dimensions, facts, periods, read
from core.access import Actor
from core.asof import AsOf
from core.errors import RuleError
from core.kpi.definitions import Definition
from core.kpi.drills import Address, Drills, drill, of_member
from core.kpi.tally import ZERO, days_of, in_days, measured, of_parts, same, seen
from core.measuring import Dimension
from core.periods import Period

GROUP_LIMIT = 50_000
FINEST = ("month", "quarter", "year")


@dataclass(frozen=True)
class Group:
    """One part of a figure. ``keys`` are ids, codes or periods, None for none; a roll-up's also tell their place.

    ``where`` its facts are, or how that is put into words once it is asked for. ``counted`` is what it adds to the figure of the whole,
    also where it has no value of its own.
    """

    keys: list
    labels: list[str]
    value: Decimal | None
    where: Address | Drills | Callable[[], Address | Drills]
    own: Decimal | None = None
    parent: Any = None
    level: int | None = None
    target: Decimal | None = None
    counted: Decimal = ZERO

    @cached_property
    def drill(self) -> Address | Drills:
        return self.where() if callable(self.where) else self.where


@dataclass(frozen=True)
class Asked:
    """A question as it is worked out: whose, of what, over which days, under which conditions, in which snapshot."""

    actor: Actor
    wanted: Definition
    splits: list[Dimension]
    period: Period
    extra: list
    as_of: AsOf
    today: date
    structure: str = "now"
    rollup: bool = False
    most: int = 0

    @property
    def takes_largest(self) -> bool:
        """Whether but some of its groups are asked for."""
        return bool(self.most) and len(self.splits) == 1 and not self.splits[0].period and not self.rollup

    @property
    def reads_largest(self) -> bool:
        """Whether the database finds out which these are: of records, by what is a sum of facts and nothing else."""
        summed = not self.wanted.is_ratio and not self.wanted.unknown.measures
        return self.takes_largest and summed and not self.splits[0].looks and bool(dimensions.members(self.splits[0])[0])

    def drill(self, period: Period | None = None, more: list | None = None) -> Address | Drills:
        return drill(self.wanted, self.extra, period or self.period, self.today, self.as_of, more)

    @property
    def alike(self) -> Hashable:
        """What it has in common with others whose parts are read together; nothing where they are read alone: by members, over the same days."""
        days = {days_of(part, self.period, self.today) for part in self.wanted.parts if part.measures}
        if not self.splits or self.through_time or self.rollup or self.reads_largest or len(days) != 1:
            return None
        return (same(self.extra, self.as_of), tuple(d.key for d in self.splits), self.period, *days)

    @property
    def through_time(self) -> list[Dimension]:
        return [d for d in self.splits if d.period]


class Amounts(NamedTuple):
    """Sums of the four parts of a KPI, and how many facts its first two are made of."""

    sums: tuple[Decimal, ...] = (ZERO, ZERO, ZERO, ZERO)
    rows: tuple[int, ...] = (0, 0)

    def plus(self, other: "Amounts") -> "Amounts":
        return Amounts(tuple(map(add, self.sums, other.sums)), tuple(map(add, self.rows, other.rows)))


NONE_YET = Amounts()


Found = dict[tuple[tuple, Period | None], Amounts]  # by members, and by the finest period where time splits


class _Month(Func):
    """The first day of a date's month."""

    template = "date_trunc('month', %(expressions)s::timestamp)::date"
    output_field = DateField()


class _Days(Func):
    """These days as an array of PostgreSQL."""

    template = "ARRAY[%(expressions)s]::date[]"
    output_field = ArrayField(DateField())


class Parts(NamedTuple):
    """What the parts come to, and how many there are with those that were left out."""

    found: Found
    count: int


def parts(asked: Asked) -> Parts:
    """Cost: one query, one more for each dimension that is looked up. Errors: RuleError where they are too many."""
    if asked.reads_largest:
        return _largest(asked)
    members = [d for d in asked.splits if not d.period]
    if not asked.through_time:
        every = {(keys, None): amounts for keys, _day, amounts in by_members(asked, members)}
    elif all(part.over == "period" for part in asked.wanted.parts if part.measures):
        every = _folded(asked, _by_month(asked, members))
    else:
        every = _at_each_end(asked, by_members(asked, members, F("business_date")))
    made = {key: amounts for key, amounts in every.items() if any(amounts.rows)}
    if len(made) > GROUP_LIMIT:
        raise _too_many()
    return Parts(made, len(made))


def _largest(asked: Asked) -> Parts:
    """The members that come to most, which the database sorts out. Cost: one query."""
    rows = facts_of(asked, False).annotate(_by=dimensions.expression(asked.actor, asked.splits[0])).values("_by").annotate(**columns(asked, False))
    rows = list(rows.annotate(_all=Window(Count("*"))).order_by(Abs("s0").desc(nulls_last=True), "_by")[: asked.most])
    return Parts({((row["_by"],), None): amounts_of(row) for row in rows}, rows[0]["_all"] if rows else 0)


def _too_many() -> RuleError:
    return RuleError({"group_by": [_("More than %(n)d groups; narrow the period or the filter.") % {"n": GROUP_LIMIT}]})


def made_of(asked: Asked, found: Found) -> list[Group]:
    """Groups with their labels and drills, largest first, periods in their order. Cost: one query for the names of each dimension."""
    if asked.takes_largest and len(found) > asked.most:
        found = dict(nlargest(asked.most, found.items(), key=lambda one: abs(asked.wanted.worth(one[1].sums) or ZERO)))
    members = [d for d in asked.splits if not d.period]
    named = {d.key: labels(asked.actor, d, {keys[i] for keys, _span in found}) for i, d in enumerate(members)}
    made, spans = [], {}
    for (keys, span), amounts in found.items():
        if span not in spans:  # many groups are of the same month
            where = clipped(span, asked.period) if span else asked.period
            spans[span] = where, {d.key: period_key(d, span) for d in asked.splits if d.period}
        where, times = spans[span]
        by = {d.key: key for d, key in zip(members, keys, strict=True)} | times
        told = [by[d.key] for d in asked.splits]
        words = [key if d.period else named[d.key].get(key, "") for d, key in zip(asked.splits, told, strict=True)]
        more = [of_member(d, by[d.key]) for d in members]
        made.append(Group(told, words, asked.wanted.worth(amounts.sums), partial(asked.drill, where, more), counted=amounts.sums[0]))
    return in_order(made, asked.splits)


def in_order(made: list[Group], splits: list[Dimension]) -> list[Group]:
    """Through time as it passes; the largest first."""
    times = [bool(d.period) for d in splits]

    def order(group: Group) -> tuple:
        through = tuple(str(k) if time else "" for k, time in zip(group.keys, times, strict=True))
        return (*through, group.value is None, -(group.value or ZERO), str(group.labels))

    return sorted(made, key=order)


def period_key(dimension: Dimension, span: Period) -> str:
    return periods.containing(span.start, dimension.period, context.company().fiscal_year_start).key


def clipped(span: Period, period: Period) -> Period:
    """As much of a month, quarter or year as lies inside the period asked for; it keeps its name."""
    if period.start is None:
        return span
    return replace(span, start=max(span.start, period.start), end=min(span.end, period.end))


def finest(asked: Asked) -> str:
    """Months lie in quarters and quarters in years: by the finest, the others are told."""
    return next(shape for shape in FINEST if any(d.period == shape for d in asked.splits))


# Reading ------------------------------------------------------------------------------------------------------------


def facts_of(asked: Asked, dated: bool) -> QuerySet:
    """The facts of all parts; of their measures alone where each day is told, since then the days are taken apart later."""
    wanted = asked.wanted
    parts = [p for p in wanted.parts if p.measures]
    found = seen(asked.actor, asked.extra, asked.as_of, facts.sees_all(asked.actor, {m for p in parts for m in p.measures}))
    if not dated:
        return found.filter(of_parts(parts, asked.period, asked.today)[0])
    found = found.filter(measure__in={m for p in parts for m in p.measures})
    if all(p.over == "period" for p in parts):
        return found.filter(in_days(days_of(wanted.top, asked.period, asked.today)))
    return found.filter(business_date__lte=asked.period.last) if asked.period.last else found


def columns(asked: Asked, dated: bool) -> dict[str, Any]:
    """What each part sums, and how many facts the first two are made of."""
    parts = {i: part for i, part in enumerate(asked.wanted.parts) if part.measures}
    inside = [measured(p.measures) for p in parts.values()] if dated else of_parts(parts.values(), asked.period, asked.today)[1]
    made: dict[str, Any] = {}
    for i, sums in zip(parts, inside if len(parts) > 1 else [None], strict=True):  # alone, each fact that is read is one of it
        made |= {f"s{i}": Sum("value", filter=sums)} | ({f"n{i}": Count("measure", filter=sums)} if i < 2 else {})
    return made


def amounts_of(row: dict) -> Amounts:
    return Amounts(tuple(row.get(f"s{i}") or ZERO for i in range(4)), (row.get("n0", 0), row.get("n1", 0)))


def by_members(asked: Asked, members: list[Dimension], day: F | Func | None = None):
    """(keys of the members, the day or the first of its month or None, amounts). Cost: one query, one more for each dimension that is looked up."""
    merged: dict[tuple, Amounts] = {}  # no text and nothing are the same member
    dated = day is not None
    for *key, row in _told(asked, members, facts_of(asked, dated), columns(asked, dated), day):
        amounts, before = amounts_of(row), merged.get(tuple(key))
        merged[tuple(key)] = amounts if before is None else before.plus(amounts)
    return [(*key, amounts) for key, amounts in merged.items()]


def _by_month(asked: Asked, members: list[Dimension]) -> list[tuple[tuple, date, Amounts]]:
    """(keys of the members, the first day of a month or of the period in it, amounts). Cost: one query, as ``by_members``."""
    start, last = asked.period.start, asked.period.last
    if start is None or last is None:
        return by_members(asked, members, _Month("business_date"))
    days = [max(start, month.start) for month in periods.inside(start, last, "month", context.company().fiscal_year_start)]
    place = Func("business_date", _Days(*map(Value, days)), function="width_bucket", output_field=IntegerField())  # half the time of finding the month
    return [(keys, days[at - 1], amounts) for keys, at, amounts in by_members(asked, members, place)]


def _told(asked: Asked, members: list[Dimension], found: QuerySet, added: dict[str, Any], day: F | Func | None = None) -> Iterator[tuple[tuple, Any, dict]]:
    """Keys of the members, the day and what is added up, as the database tells it."""
    dated = day is not None
    looked_up = {} if dated else {i: way for i, d in enumerate(members) if (way := dimensions.looked_up_by(asked.actor, d))}
    by = {f"_by{i}": F(looked_up[i][0]) if i in looked_up else dimensions.expression(asked.actor, d) for i, d in enumerate(members)}
    by |= {"_day": day} if dated else {}
    rows = list(found.annotate(**by).values(*by).annotate(**added))
    said = {i: dict(there.filter(pk__among={row[f"_by{i}"] for row in rows} - {None})) for i, (_column, there) in looked_up.items()}
    for row in rows:
        told = (said[i].get(row[f"_by{i}"]) if i in said else row[f"_by{i}"] for i in range(len(members)))
        yield tuple(dimensions.key(d, value) for d, value in zip(members, told, strict=True)), row.get("_day"), row


def together(several: Sequence[Asked]) -> list[Parts]:
    """The parts of figures that are split alike over the same days: their facts are gone through once, and what several add up is added up once.

    Cost: as that of ``parts`` of one. Errors: RuleError where they are too many.
    """
    asked, names = several[0], {}
    for part in (p for one in several for p in one.wanted.parts if p.measures):
        names.setdefault(part, str(len(names)))
    added: dict[str, Any] = {}
    any_part, inside = of_parts(names, asked.period, asked.today)
    for name, sums in zip(names.values(), inside, strict=True):
        added |= {f"s{name}": Sum("value", filter=sums, default=ZERO), f"n{name}": Count("measure", filter=sums)}
    measures = {m for part in names for m in part.measures}
    found = seen(asked.actor, asked.extra, asked.as_of, facts.sees_all(asked.actor, measures)).filter(any_part)
    four = [[names.get(part) for part in one.wanted.parts] for one in several]
    told = [(itemgetter(*(f"s{n}" if n else "" for n in parts)), itemgetter(*(f"n{n}" if n else "0" for n in parts[:2]))) for parts in four]
    merged: dict[tuple, list[Amounts]] = {}
    for keys, _day, row in _told(asked, asked.splits, found, added):
        row |= {"": ZERO, "0": 0}
        amounts = [Amounts(sums(row), rows(row)) for sums, rows in told]
        before = merged.get(keys)
        merged[keys] = amounts if before is None else [a.plus(b) for a, b in zip(before, amounts, strict=True)]
    if len(merged) > GROUP_LIMIT:
        raise _too_many()
    made = ({(keys, None): amounts[i] for keys, amounts in merged.items() if any(amounts[i].rows)} for i in range(len(several)))
    return [Parts(one, len(one)) for one in made]


def _folded(asked: Asked, rows) -> Found:
    fiscal, shape = context.company().fiscal_year_start, finest(asked)
    found: dict[tuple, Amounts] = defaultdict(Amounts)
    spans: dict[date, Period] = {}
    for keys, day, amounts in rows:
        span = spans.get(day) or spans.setdefault(day, periods.containing(day, shape, fiscal))
        found[keys, span] = found[keys, span].plus(amounts)
    return found


def _at_each_end(asked: Asked, rows) -> Found:
    """What the parts come to in each month, quarter or year asked for: facts of the days up to its end, of the days before it, or in it."""
    by_member: dict[tuple, dict[date, Amounts]] = defaultdict(dict)
    for keys, day, amounts in rows:
        by_member[keys][day] = amounts
    days = [day for told in by_member.values() for day in told]
    last = min(asked.period.last or asked.today, asked.today)
    first = asked.period.start or min(days, default=last)
    found: dict[tuple, Amounts] = {}
    for keys, told in by_member.items():
        line, start = Line(told), max(first, min(told))
        for span in periods.inside(start, last, finest(asked), context.company().fiscal_year_start) if start <= last else ():
            found[keys, span] = line.of(asked.wanted, clipped(span, asked.period), asked.today)
        if len(found) > GROUP_LIMIT:
            raise _too_many()
    return found


class Line:
    """Amounts by day, summed from the first day on, so that any stretch of days is one difference."""

    def __init__(self, told: dict[date, Amounts]):
        self._days = sorted(told)
        self._until = [NONE_YET]
        for day in self._days:
            self._until.append(self._until[-1].plus(told[day]))

    def of(self, wanted: Definition, period: Period, today: date) -> Amounts:
        sums, rows = [], []
        for i, part in enumerate(wanted.parts):
            days = days_of(part, period, today)
            start = bisect_left(self._days, days.first) if days.first else 0
            end = bisect_right(self._days, days.last) if days.last else len(self._days)
            before, after = self._until[min(start, end)], self._until[end]
            sums.append(after.sums[i] - before.sums[i])
            rows += [after.rows[i] - before.rows[i]] if i < len(before.rows) else []
        return Amounts(tuple(sums), tuple(rows))


# Names --------------------------------------------------------------------------------------------------------------


def labels(actor: Actor, dimension: Dimension, keys: set) -> dict:
    """Key -> its name, as far as the actor sees it. Cost: one query for records, none for choices."""
    none = {None: str(_("None"))}
    slug, choices = dimensions.members(dimension)
    if not slug:
        return none | {k: str(choices.get(k, k)) for k in keys if k is not None}
    return none | read.labels(actor, {slug: {k for k in keys if k is not None}}).get(slug, {})
