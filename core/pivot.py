"""A pivot table: how many records, or what they add up to, by up to two fields down and two across. One grouped query.

Only what the actor sees is counted. Dates are grouped by month in the database and by the company's own quarters and years here, so that
totals and periods are sums of the same cells. Each cell knows the conditions whose list holds exactly its records (N1).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, DateField, DateTimeField, Max, Min, Sum
from django.db.models.functions import Cast, TruncMonth
from django.utils.translation import gettext as _

from core import access, context, periods, query, read, registry, schema, structures
from core.access import Actor
from core.errors import RuleError
from core.listings import Listing
from core.registry import Field, ObjectType

PERIODS = ("month", "quarter", "year")
AGGREGATES = ("count", "sum", "average", "min", "max")
DEEP = 2
ROWS, COLUMNS = 500, 60  # more than these nobody reads
KINDS = ("choice", "code", "ref", "user", "yesno", "date", "datetime")


@dataclass(frozen=True)
class Dimension:
    """A field to group by; of a date also the period."""

    field: Field
    period: str = ""

    @property
    def key(self) -> str:
        return f"{self.field.name}:{self.period}" if self.period else self.field.name

    def fold(self, value: Any) -> Any:
        """The group of a value as the database gave it: of a month the period that holds it; nothing and no text are the same."""
        if value in (None, ""):
            return None
        if not self.period:
            return value
        day = value.astimezone(context.company().zone).date() if isinstance(value, datetime) else value
        return periods.containing(day, self.period, context.company().fiscal_year_start).key

    def words(self, value: Any) -> list[tuple[str, str]]:
        """The words of an address that hold of exactly this group."""
        name = self.field.name
        if value is None:
            return [(f"{name}__empty", "true")]
        if not self.period:
            return [(name, {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value))]
        found = periods.parse(value, structures.today(), context.company().fiscal_year_start)
        clock = "T00:00" if self.field.kind == "datetime" else ""
        return [(f"{name}__gte", f"{found.start}{clock}"), (f"{name}__lt", f"{found.end}{clock}")]


@dataclass
class Cell:
    """What the records of a group come to: how many, how many of them have the value, its sum, least and most."""

    count: int = 0
    filled: int = 0
    sum: Decimal = Decimal(0)
    least: Decimal | None = None
    most: Decimal | None = None

    def add(self, other: "Cell") -> None:
        self.count += other.count
        self.filled += other.filled
        self.sum += other.sum
        self.least = min((v for v in (self.least, other.least) if v is not None), default=None)
        self.most = max((v for v in (self.most, other.most) if v is not None), default=None)

    def value(self, aggregate: str) -> Decimal | int | None:
        if aggregate == "count":
            return self.count
        if aggregate == "sum":
            return self.sum
        if aggregate == "average":
            return self.sum / self.filled if self.filled else None
        return self.least if aggregate == "min" else self.most


@dataclass
class Table:
    """Groups down and across in their order, cells by (down, across); ``()`` stands for the total of a side."""

    rows: list[Dimension]
    cols: list[Dimension]
    value: Field | None
    aggregate: str
    down: list[tuple] = field(default_factory=list)
    across: list[tuple] = field(default_factory=list)
    cells: dict[tuple[tuple, tuple], Cell] = field(default_factory=dict)
    labels: dict[tuple[str, Any], str] = field(default_factory=dict)

    def words(self, down: tuple, across: tuple) -> list[tuple[str, str]]:
        """The words whose list holds exactly the records of a cell."""
        pairs = [*zip(self.rows, down, strict=False), *zip(self.cols, across, strict=False)]
        found = [word for dimension, value in pairs for word in dimension.words(value)]
        return [*found, ("sum", self.value.name)] if self.value is not None and self.aggregate == "sum" else found

    def text(self, cell: Cell | None) -> str:
        value = (cell or Cell()).value(self.aggregate)
        if cell is None or value is None:
            return ""
        f = self.value if self.aggregate != "count" else None
        return f.rules.text(f, value, context.company().currency) if f is not None else registry.KINDS["integer"].text(None, value)

    def label(self, dimension: Dimension, value: Any) -> str:
        return self.labels.get((dimension.key, value), "")


def dimensions(actor: Actor, object_type: ObjectType) -> dict[str, Field]:
    """The fields a table can be grouped by. Cost: none."""
    known = access.fields(actor, object_type)
    return {n: f for n, f in known.items() if n != "id" and f.kind in KINDS and f.is_in_sql and not f.is_looked_up and f.rules.ops}


def values(actor: Actor, object_type: ObjectType) -> dict[str, Field]:
    """The fields that can be added up."""
    known = access.fields(actor, object_type)
    return {n: f for n, f in known.items() if f.rules.sums and f.is_in_sql and not f.is_looked_up and n != "version"}


def read_dimensions(actor: Actor, object_type: ObjectType, names: Iterable[str], word: str) -> list[Dimension]:
    """Dimensions by their keys, such as ``owner`` and ``close_date:quarter``. Errors: RuleError at the word."""
    known, found = dimensions(actor, object_type), []
    for key in dict.fromkeys(n for n in names if n):
        name, _colon, period = key.partition(":")
        f = known.get(name)
        if f is None or (period and (period not in PERIODS or f.kind not in ("date", "datetime"))):
            raise RuleError({word: [_("%(type)s cannot be grouped by “%(name)s”.") % {"type": object_type.plural, "name": name[:80]}]})
        found.append(Dimension(f, period or ("month" if f.kind in ("date", "datetime") else "")))
    if len(found) > DEEP:
        raise RuleError({word: [_("Name at most %(n)d fields.") % {"n": DEEP}]})
    return found


def table(actor: Actor, object_type: ObjectType, wanted: Listing, rows: list[Dimension], cols: list[Dimension], value: str, aggregate: str) -> Table:
    """The table over all that match. Cost: one query, and one for the names of each type referred to. Errors: RuleError."""
    able = values(actor, object_type)
    if aggregate not in AGGREGATES or (aggregate != "count" and value not in able):
        raise RuleError({"value": [_("Choose a number to add up.")]})
    f = _in_base(able, able[value]) if aggregate != "count" else None
    made = Table(rows, cols, f, aggregate)
    grouped = query.matching(actor, object_type, wanted).order_by()
    names = [f"_d{i}" for i in range(len(rows) + len(cols))]
    grouped = grouped.annotate(**{n: _group(d) for n, d in zip(names, (*rows, *cols), strict=True)}).values(*names)
    found = grouped.annotate(_count=Count("pk"), **(_measures(access.fields(actor, object_type), f) if f is not None else {}))
    for row in found:
        groups = tuple(d.fold(row[n]) for n, d in zip(names, (*rows, *cols), strict=True))
        cell = Cell(row["_count"])
        if f is not None:
            cell = Cell(row["_count"], row["_filled"], row["_sum"] or Decimal(0), row["_min"], row["_max"])
        down, across = groups[: len(rows)], groups[len(rows) :]
        for place in {(down, across), (down, ()), ((), across), ((), ())}:
            made.cells.setdefault(place, Cell()).add(cell)
    _name(actor, made)
    made.down = _ordered(made, rows, {d for d, _a in made.cells if d or not rows})
    made.across = _ordered(made, cols, {a for _d, a in made.cells if a or not cols})
    if len(made.down) > ROWS or len(made.across) > COLUMNS:
        raise RuleError({"_": [_("This makes more than %(rows)d rows or %(cols)d columns: choose fewer fields, or longer periods.") % {
            "rows": ROWS, "cols": COLUMNS}]})  # fmt: skip
    return made


def _group(dimension: Dimension) -> Any:
    """What the database groups by: the value, of a date its month."""
    f = dimension.field
    expr = f.rules.expr(f)
    if not dimension.period:
        return expr
    if f.kind == "datetime":
        return TruncMonth(Cast(expr, DateTimeField()) if f.custom else expr, tzinfo=context.company().zone, output_field=DateTimeField())
    return TruncMonth(Cast(expr, DateField()) if f.custom else expr, output_field=DateField())


def _in_base(able: dict[str, Field], f: Field) -> Field:
    """An amount in its document's currency is added up in the company's, where the documents keep that."""
    return schema.twin(able, f) or f if f.kind == "money" and not f.is_base else f


def _measures(known: dict[str, Field], f: Field) -> dict[str, Any]:
    expr = schema.in_base(known, f)
    return {"_filled": Count(expr), "_sum": Sum(expr), "_min": Min(expr), "_max": Max(expr)}


def _name(actor: Actor, made: Table) -> None:
    """Words for every group. Cost: one query for each type referred to."""
    sides = [(d, {down[i] for down, _a in made.cells if down}) for i, d in enumerate(made.rows)]
    sides += [(d, {across[i] for _d, across in made.cells if across}) for i, d in enumerate(made.cols)]
    wanted: dict[str, set] = {}
    for dimension, found in sides:
        if dimension.field.is_reference:
            wanted.setdefault(dimension.field.target, set()).update(_ident(v) for v in found if v is not None)
    names = read.labels(actor, wanted)
    for dimension, found in sides:
        f = dimension.field
        for value in found:
            text = _("(empty)") if value is None else str(value)
            if value is not None and f.is_reference:
                text = names.get(f.target, {}).get(_ident(value)) or _("(not visible)")
            elif value is not None and not dimension.period:
                text = f.rules.text(f, value)
            made.labels[(dimension.key, value)] = text


def _ident(value: Any) -> Any:
    return registry.KINDS["ref"].clean(Field("id"), value) if isinstance(value, str) else value


def _ordered(made: Table, dimensions_: list[Dimension], groups: set[tuple]) -> list[tuple]:
    """Choices in their own order, all else by name; what is empty comes last."""

    def place(group: tuple) -> list:
        found = []
        for dimension, value in zip(dimensions_, group, strict=True):
            options = list(dimension.field.choices()) if dimension.field.kind == "choice" else []
            found.append((value is None, options.index(value) if value in options else len(options), made.label(dimension, value)))
        return found

    return sorted(groups, key=place)
