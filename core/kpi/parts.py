"""Aggregates over the rows a reader sees, many spans of days in one query, and the address of the list of exactly those rows.

Value and list are made of the same conditions, so they agree by construction (N1). Rows have no past: they are as they are now;
facts, asked in the same way, keep their snapshot.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import Aggregate, Count, DecimalField, Max, Min, Q, QuerySet, Sum

from core import access, asof, conditions, context, dimensions, listings, query, schema
from core.access import Actor
from core.asof import AsOf
from core.kpi.built import Piece
from core.kpi.drills import Address
from core.kpi.tally import Days, days_of
from core.measuring import Dimension, Part
from core.models import Fact
from core.periods import Period
from core.registry import Field

SIX_PLACES = Decimal("0.000001")
AT_ONCE = 200  # spans of days in one statement, each up to three columns of it
ZERO = Decimal(0)


class Amount(NamedTuple):
    """What rows come to, and how many they are. None: there is nothing to say."""

    value: Decimal | None
    rows: int


class Lower(Aggregate):
    """The middle value from below; with the one from above it makes the exact median."""

    function = "percentile_disc"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"


class Upper(Lower):
    """The middle value from above."""

    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s DESC)"


@dataclass(frozen=True)
class Source:
    """A part as one reader asks it: with the reader's own conditions, in a snapshot."""

    actor: Actor
    piece: Piece
    extra: tuple
    as_of: AsOf

    @property
    def known(self) -> dict[str, Field]:
        return access.fields(self.actor, self.piece.object_type)

    def days(self, period: Period, today: date) -> Days:
        return days_of(Part((), self.piece.over), period, today)

    def dated(self, days: Days) -> list:
        """The conditions that hold of these days. A row without the date is in no period."""
        name = self.piece.date
        found: list = [] if days.first is None else [[name, "gte", days.first.isoformat()]]
        if days.last is not None and self.known[name].kind == "datetime":
            found.append([name, "lt", (days.last + timedelta(days=1)).isoformat()])
        elif days.last is not None:
            found.append([name, "lte", days.last.isoformat()])
        return found or ([[name, "empty", False]] if "empty" in self.known[name].rules.ops and not _never_empty(self.known[name]) else [])

    def standing(self) -> list:
        """The conditions whatever the days."""
        piece = self.piece
        found: list = [["measure", "in", list(piece.measures)]] if piece.of_facts else []
        if piece.field and not _never_empty(self.known[piece.field]):
            found.append([piece.field, "empty", False])
        return [*found, *([piece.filter] if piece.filter is not None else []), *self.extra]

    def rows(self) -> QuerySet:
        """The rows the reader sees under the standing conditions. Cost: none until used."""
        wanted = listings.Listing(conditions=tuple(self.standing()), as_of=self.as_of.token if self.piece.of_facts else "")
        return query.matching(self.actor, self.piece.object_type, wanted).order_by()

    def inside(self, days: Days) -> Q:
        sight = access.sight(self.actor)
        return conditions.compile(self.piece.object_type, {"all": self.dated(days)}, sight) if self.dated(days) else Q()

    def drill(self, days: Days, more: Iterable = ()) -> Address:
        """The list of exactly these rows: of a sum with it, of the smallest or largest with that first, always with their number."""
        piece, every = self.piece, [*self.standing(), *self.dated(days), *more]
        words = {"filter": conditions.text({"all": every}), "count": "exact"}
        if piece.of_facts:
            words["as_of"] = self.as_of.token
        if summed := self._summed():
            words["sum"] = summed
        f = self.known.get(piece.field)
        if f is not None and piece.aggregate in ("min", "max", "median", "distinct") and f.rules.sorts and not f.expression and not f.compute:
            words["sort"] = f"-{f.name}" if piece.aggregate == "max" else f.name
        return Address.of(piece.type, urlencode(words))

    def _summed(self) -> str:
        f = self.known.get(self.piece.field)
        if f is None or self.piece.aggregate not in ("sum", "average"):
            return ""
        if not schema.is_foreign(self.known, f):
            return f.name
        kept = schema.twin(self.known, f)
        return kept.name if kept else ""

    def amount(self) -> Any:
        """What is aggregated; money of documents in the company's currency."""
        f = self.known[self.piece.field]
        if self.piece.aggregate == "distinct":
            return dimensions.said(f)
        return schema.in_base(self.known, f)

    def split(self, rows: QuerySet, by: dict[str, Dimension]) -> QuerySet:
        """The rows, each with its member of every dimension under these names."""
        for name, dimension in by.items():
            f = dimensions.named(self.known, dimension.key)
            if f is not None:
                rows = rows.annotate(**{name: dimensions.said(f)})
                continue
            if reference := self.known.get(dimension.key.partition(".")[0]) if "." in dimension.key else None:
                rows = rows.alias(**{f"_of{name}": dimensions.said(reference)})
                dimension = replace(dimension, column=f"_of{name}")
            rows = rows.annotate(**{name: dimensions.expression(self.actor, dimension)})
        return rows

    def bounds(self) -> tuple[date | None, date | None]:
        """The first and last day there is anything of. Cost: one query."""
        f = self.known[self.piece.date]
        found = self.rows().aggregate(first=Min(f.rules.expr(f)), last=Max(f.rules.expr(f)))
        return _day(f, found["first"]), _day(f, found["last"])

    def hidden(self, spans: Iterable[Days]) -> int:
        """How many are left out since the reader may not see them. Cost: none to two queries.

        Of records only how many there are at all, whatever is asked: a number that followed the conditions would tell what they say.
        """
        object_type = self.piece.object_type
        if self.piece.of_facts:
            every = Fact.objects.all()
            for condition in self.standing():
                every = every.filter(conditions.compile(object_type, condition, access.sight(self.actor)))
            inside = [self.inside(days) for days in spans]
            mine = self.rows()
            return sum(asof.narrow(every.filter(q), self.as_of).count() - mine.filter(q).count() for q in inside)
        seen, every = access.rows(self.actor, object_type), object_type.all()
        if not seen.query.where or str(seen.query.where) == str(every.query.where):
            return 0
        if any(f.name == "archived_at" for f in object_type.model._meta.fields):
            seen, every = seen.filter(archived_at=None), every.filter(archived_at=None)
        return every.count() - seen.count()


def _never_empty(f: Field) -> bool:
    """What every row has: asking whether it is there would cost and say nothing."""
    return f.name in ("created_at", "updated_at", "business_date", "recorded_at", "value")


def _day(f: Field, value: Any) -> date | None:
    if value is None:
        return None
    if isinstance(value, str):
        value = f.rules.from_json(f, value)
    return value.astimezone(context.company().zone).date() if f.kind == "datetime" else value


def read(source: Source, splits: list[Dimension], spans: list[Days]) -> dict[tuple, list[Amount]]:
    """Members -> what it comes to in each span. Cost: one query for each two hundred spans."""
    found: dict[tuple, list[Amount]] = {}
    nothing = Amount(None if source.piece.nothing is None else ZERO, 0)
    for at in range(0, len(spans), AT_ONCE):
        some = spans[at : at + AT_ONCE]
        for keys, amounts in _read(source, splits, some):
            found.setdefault(keys, [nothing] * len(spans))[at : at + len(some)] = amounts
    return found


def _read(source: Source, splits: list[Dimension], spans: list[Days]):
    by = {f"_by{i}": d for i, d in enumerate(splits)}
    columns: dict[str, Any] = {}
    for i, days in enumerate(spans):
        inside = source.inside(days)
        columns |= {f"{name}{i}": made for name, made in _columns(source, inside or None).items()}
    rows = source.rows()
    if spans:
        whole = Days(
            None if any(d.first is None for d in spans) else min(d.first for d in spans),
            None if any(d.last is None for d in spans) else max(d.last for d in spans),
        )
        rows = rows.filter(source.inside(whole))
    told = source.split(rows, by).values(*by).annotate(**columns) if by else [rows.aggregate(**columns)]
    for row in told:
        keys = tuple(dimensions.key(d, row[name]) for name, d in by.items())
        yield keys, [_amount(source.piece, row, i) for i in range(len(spans))]


def _columns(source: Source, inside: Q | None) -> dict[str, Any]:
    made: dict[str, Any] = {"n": Count("pk", filter=inside)}
    aggregate = source.piece.aggregate
    if aggregate == "count":
        return made
    amount = source.amount()
    if aggregate in ("sum", "average"):
        made["s"] = Sum(amount, filter=inside)
    elif aggregate == "distinct":
        made["s"] = Count(amount, distinct=True, filter=inside)
    elif aggregate == "median":
        output = DecimalField(max_digits=30, decimal_places=10)
        made |= {"s": Lower(amount, filter=inside, output_field=output), "t": Upper(amount, filter=inside, output_field=output)}
    else:
        made["s"] = (Min if aggregate == "min" else Max)(amount, filter=inside)
    return made


def _amount(piece: Piece, row: dict, i: int) -> Amount:
    rows = row[f"n{i}"]
    if piece.aggregate == "count":
        return Amount(Decimal(rows), rows)
    value = row[f"s{i}"]
    if value is None:
        return Amount(None if piece.nothing is None else ZERO, rows)
    value = Decimal(value)
    if piece.aggregate == "average":
        value = (value / rows).quantize(SIX_PLACES, ROUND_HALF_UP) if rows else None
    elif piece.aggregate == "median":
        value = (value + Decimal(row[f"t{i}"])) / 2
    return Amount(value, rows)
