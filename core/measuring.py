"""What is counted and how it is shown, as floors declare it: measures, dimensions, KPIs, dashboards, sheets. Computes nothing."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measure:
    """What a fact counts. ``money`` measures are in the company's currency. ``source`` is the slug whose documents state it, or several."""

    key: str
    label: Any
    source: str | tuple[str, ...]
    money: bool = True
    reveals: tuple[str, ...] = ()  # fields of the source: who may not see one of them does not see these facts

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source,) if isinstance(self.source, str) else self.source


@dataclass(frozen=True)
class Dimension:
    """A way to split facts. A column of ids of ``target`` records, a field looked up through one, or a calendar period.

    ``ways`` look it up in several places, the first that says something counts: (column of the fact, slug, field of that
    type), where the column ``source_id`` is the document that states the fact. ``tree`` names the dated closure by which
    values roll up.
    """

    key: str
    label: Any
    column: str = ""
    target: str = ""  # slug the ids belong to
    through: str = ""  # field of the target that is the value, instead of the record itself
    period: str = ""  # month, quarter, year
    tree: type | None = None
    ways: tuple[tuple[str, str, str], ...] = ()
    choices: Any = None  # called for {key: label}, where its members are neither records nor looked up

    @property
    def looks(self) -> tuple[tuple[str, str, str], ...]:
        """Where it is looked up; none where a column of the fact is the value."""
        return self.ways or (((self.column, self.target, self.through),) if self.through else ())


@dataclass(frozen=True)
class Part:
    """One sum of a KPI: of these measures, over which business dates.

    ``over`` is "period" (those asked for), "until" (all up to the earlier of the period's last day and today: a balance),
    or how many days that end there.
    """

    measures: tuple[str, ...]
    over: str | int = "period"


@dataclass(frozen=True)
class ShippedKpi:
    """A KPI every company has, and the words that explain it: a sum over one or several measures, or one by another.

    ``per`` makes it a ratio, times ``scale``. ``known_by`` and ``unknown_by`` are measures that count of how much of it the
    amount is known and is not: where all of it is unknown it has no value; ``unknown_called`` names the second in the lineage.
    """

    key: str
    label: Any
    measure: str | tuple[str, ...]
    formula: Any
    date_basis: Any
    dimensions: tuple[str, ...] = ("account", "product", "product_category", "person", "unit", "country", "month", "quarter", "year")
    up_is_good: bool = True
    over: str | int = "period"  # of the measures; see Part
    per: str | tuple[str, ...] | Part | None = None
    scale: int = 1
    format: str = ""  # money, number, percent, days, hours; empty: as the measure is
    known_by: tuple[str, ...] = ()
    unknown_by: tuple[str, ...] = ()
    unknown_called: str = ""

    @property
    def top(self) -> Part:
        return Part((self.measure,) if isinstance(self.measure, str) else self.measure, self.over)

    @property
    def bottom(self) -> Part | None:
        if self.per is None or isinstance(self.per, Part):
            return self.per
        return Part((self.per,) if isinstance(self.per, str) else self.per)


@dataclass(frozen=True)
class ShippedDashboard:
    """A dashboard every new company starts with, for those who hold one of these default roles; for none: everybody's.

    A tile is ``{kpi, shape, period, group_by}``; shapes: number (default), months, groups, tree. Only ``kpi`` is needed.
    """

    key: str
    label: Any
    tiles: tuple[dict[str, str], ...]
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """A page of several KPIs side by side, a row for each member of a dimension; the rows add up to the company's."""

    key: str
    label: Any
    columns: tuple[str, ...]  # keys of KPIs; those of money and numbers add up, ratios stand beside them
    by: tuple[str, ...]  # dimensions to choose from, the first is the usual one
    icon: str = "report-money"
    sort: str = ""  # key of the column its rows are ordered by, the largest first; empty: the last that adds up


def undeclared(types: dict, measures: dict, dimensions: dict, kpis: dict, dashboards: dict, sheets: dict) -> list[tuple[str, str]]:
    """Who names what is not there: a wrong word is a mistake of the start, not of the first reader."""
    named = [(k.key, m, measures) for k in kpis.values() for m in (*k.top.measures, *(k.bottom.measures if k.bottom else ()), *k.known_by, *k.unknown_by)]
    named += [(k.key, d, dimensions) for k in kpis.values() for d in k.dimensions]
    named += [(m.key, slug, types) for m in measures.values() for slug in m.sources]
    named += [(d.key, slug, types) for d in dimensions.values() for _column, slug, _name in d.looks]
    named += [(b.key, tile["kpi"], kpis) for b in dashboards.values() for tile in b.tiles]
    named += [(s.key, key, kpis) for s in sheets.values() for key in s.columns] + [(s.key, key, dimensions) for s in sheets.values() for key in s.by]
    named += [(t.slug, status, {s[0] for s in t.statuses}) for t in types.values() for status in t.waits]
    return [(who, name) for who, name, home in named if name not in home]
