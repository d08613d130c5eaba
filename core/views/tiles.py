"""What stands on a dashboard: each tile a figure as number, bars, line, funnel, map, pivot or league table, narrowed by what its reader chose.

A tile that cannot be told says why in its place; the others stand. Computes nothing.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from core import conditions, context, dimensions, figures, kpi, periods, registry, steering
from core.access import Actor
from core.errors import OdosError
from core.kpi.definitions import ALIKE
from core.money import plain
from core.registry import Dimension
from core.views import map_tiles

LEAGUE_ROWS = 10
PIVOT_ROWS, PIVOT_COLUMNS = 30, 12
Tiles = list[tuple[kpi.Definition, dict[str, Any]]]  # a tile's KPI, and its words


@dataclass(frozen=True)
class Tile:
    """One figure of the page, with its comparisons, its target and the line of its last twelve months."""

    label: str
    url: str  # the figure's own page
    number: figures.Number
    comparisons: list[figures.Comparison]
    spark: str
    hidden: str
    goal: figures.Goal | None = None


@dataclass(frozen=True)
class League:
    """A figure split by one dimension: the largest groups, and where all of them are."""

    title: str
    url: str
    rows: list[figures.Row]


def period_choices(today: date) -> list[tuple[str, str]]:
    """The periods to choose between, as KPIs name them, and their words; the first is the usual one."""
    fiscal = context.company().fiscal_year_start
    return [
        ("this-month", _("This month")), ("last-30-days", _("Last 30 days")),
        (periods.containing(today, "quarter", fiscal).key, _("This quarter")),
        (periods.containing(today, "year", fiscal).key, _("This year")), ("all", _("All time")),
    ]  # fmt: skip


def twelve_months(today: date) -> str:
    """The period of this month and the eleven before it."""
    index = today.year * 12 + today.month - 12
    first, this = date(index // 12, index % 12 + 1, 1), periods.month(today.year, today.month)
    return periods.range_of(first, this.last).key


def tile(answer: kpi.Answer, year: kpi.Answer | None, today: date, period: str) -> Tile:
    definition = answer.definition
    line = figures.spark([value for _label, value, _url in figures.months(year, today)]) if year else ""
    return Tile(
        definition.name, f"/kpis/{definition.key}/?period={period}", figures.shown(answer), figures.compare(answer), line,
        figures.hidden(answer.hidden), figures.goal(definition, answer.value, answer.target),
    )  # fmt: skip


def tables(actor: Actor, shown: Tiles, period: str, token: str) -> list[League]:
    """Largest groups that come to something, and trees with all below each node, as far as the reader may split by them."""
    usable = []
    for definition, words in shown:
        dimension = definition.dimension(words.get("group_by", ""))
        if dimension is not None and kpi.may_split(actor, definition, dimension):
            usable.append((definition, words.get("period") or period, dimension, words["shape"] == "tree"))
    asked = [(d, kpi.Question(when, (by.key,), as_of=token, rollup=is_tree, most=LEAGUE_ROWS, whole=False)) for d, when, by, is_tree in usable]
    found = []
    for answer, (definition, when, by, is_tree) in zip(kpi.values(actor, asked, compared=False), usable, strict=True):
        title = _("%(kpi)s by %(dimension)s, with all below") if is_tree else _("%(kpi)s by %(dimension)s")
        url = f"/kpis/{definition.key}/?period={when}&group_by={by.key}" + ("&rollup=true" if is_tree else "")
        groups = [g for g in answer.groups if g.labels[0]] if is_tree else [g for g in answer.groups if g.value][:LEAGUE_ROWS]
        found.append(League(title % {"kpi": definition.name, "dimension": str(by.label).lower()}, url, figures.rows(answer, groups)))
    return found


# Laid out by somebody -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """A number of a pivot table, or nothing."""

    number: figures.Number | None = None


@dataclass(frozen=True)
class Placed:
    """A tile where it stands: its shape, and what that shape shows. ``wrong`` says why it shows nothing."""

    shape: str
    title: str
    url: str
    x: int
    w: int
    h: int
    tile: Tile | None = None
    chart: dict[str, Any] | None = None
    league: League | None = None
    heads: list[str] = field(default_factory=list)
    rows: list[tuple[str, list[Cell]]] = field(default_factory=list)
    left_out: bool = False
    wrong: list[str] = field(default_factory=list)
    unfiltered: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Look:
    """What all tiles of a page share: whose, when, in which snapshot, narrowed to which members."""

    actor: Actor
    period: str
    token: str
    today: date
    chosen: tuple[tuple[str, str], ...] = ()

    def question(self, wanted: kpi.Definition, words: dict[str, Any], group_by: Iterable[str] = (), months: bool = False, most: int = 0) -> kpi.Question:
        """What a tile asks; only a number by itself is compared with others. ``most``: so many groups have room."""
        when = twelve_months(self.today) if months else steering.period_of(words.get("period") or self.period)
        nodes = [[name, "eq", value] for key, value in self.chosen if (name := _known(wanted, key))]
        tree, narrowed = words.get("shape") == "tree", {"all": nodes} if nodes else None
        return kpi.Question(when, tuple(group_by), narrowed, self.token, rollup=tree, compared=not group_by, most=most, whole=not group_by)


def _known(wanted: kpi.Definition, key: str) -> str:
    """The dimension as this figure calls it; nothing where it has none such."""
    return next((k for k in (key, ALIKE.get(key, key)) if k in wanted.dimensions), "")


def is_placed(tiles: list[dict[str, Any]]) -> bool:
    """Whether somebody laid these out; the others are shown in the order in which they came."""
    return any("w" in tile for tile in tiles)


def placed(look: Look, shown: Tiles) -> list[Placed]:
    """The tiles from top to bottom, left to right.

    Cost: some ten queries whatever their number; for each tile that is split by more than time two more, for each figure of records some four.
    """
    ordered = [_Making(look, *one) for one in sorted(shown, key=lambda one: (one[1].get("y", 0), one[1].get("x", 0)))]
    asked = [(making, one) for making in ordered for one in making.asked]
    for (making, one), answer in zip(asked, _answers(look.actor, [one for _making, one in asked]), strict=True):
        making.told[one] = answer
    return [making.placed() for making in ordered]


@dataclass(frozen=True, eq=False)
class Asked:
    """One question of a tile."""

    wanted: kpi.Definition
    question: kpi.Question


def _answers(actor: Actor, asked: list[Asked]) -> list[kpi.Answer | OdosError]:
    """All read together; where one cannot be told, by halves until it is known which."""
    if not asked:
        return []
    try:
        return list(kpi.values(actor, [(one.wanted, one.question) for one in asked]))
    except OdosError as error:
        half = len(asked) // 2
        return [*_answers(actor, asked[:half]), *_answers(actor, asked[half:])] if half else [error]


class _Making:
    """A tile being made: its shape says first what it asks, then what it makes of the answers."""

    def __init__(self, look: Look, wanted: kpi.Definition, words: dict[str, Any]):
        self.look, self.wanted, self.words = look, wanted, words
        self.shape = steering.OLD_SHAPES.get(words.get("shape", "number"), words.get("shape", "number"))
        self.by = [k for k in (words.get("group_by") or "").split(",") if k]
        self.told: dict[Asked, kpi.Answer | OdosError] = {}
        self.error: OdosError | None = None
        self.asked: list[Asked] = []
        try:
            self.usual = look.question(wanted, words)
            self.shown = SHOWN[self.shape](look, wanted, words, self.by)
            self.asked = next(self.shown)
        except OdosError as error:
            self.error = error

    def placed(self) -> Placed:
        words, wanted = self.words, self.wanted
        missing = [_label(key) for key, _value in self.look.chosen if not _known(wanted, key)]
        made = {
            "shape": self.shape, "title": words.get("title") or wanted.name, "x": words.get("x", 0), "w": words.get("w", 4), "h": words.get("h", 1),
            "unfiltered": missing,
        }  # fmt: skip
        error = self.error or next((told for told in self.told.values() if isinstance(told, OdosError)), None)
        if error is not None:
            return Placed(**made, url=f"/kpis/{wanted.key}/", wrong=error.sentences or [_("This figure cannot be shown.")])
        asked, by = self.usual, self.by
        where = {"period": asked.period} | ({"group_by": ",".join(by)} if by else {}) | ({"filter": conditions.text(asked.filter)} if asked.filter else {})
        url = f"/kpis/{wanted.key}/?" + urlencode(where | ({"rollup": "true"} if self.shape == "tree" else {}))
        return Placed(**made, url=url, **self._parts())

    def _parts(self) -> dict[str, Any]:
        try:
            self.shown.send([self.told[one] for one in self.asked])
        except StopIteration as done:
            return done.value
        raise RuntimeError(f"The shape {self.shape} asks twice.")


def _label(key: str) -> str:
    return str(registry.dimensions[key].label) if key in registry.dimensions else key


Making = Generator[list[Asked], list[kpi.Answer], dict[str, Any]]  # yields its questions once, and returns what the tile shows


def _number(look: Look, wanted: kpi.Definition, words: dict[str, Any], by: list[str]) -> Making:
    months = [Asked(wanted, look.question(wanted, words, ["month"], months=True))] if "month" in wanted.dimensions else []
    answer, *years = yield [Asked(wanted, look.question(wanted, words)), *months]
    made = tile(answer, years[0] if years else None, look.today, answer.question.period)
    return {"tile": replace(made, label=words.get("title") or made.label)}


def _bars(look: Look, wanted: kpi.Definition, words: dict[str, Any], by: list[str]) -> Making:
    title = words.get("title") or wanted.name
    if not by or by == ["month"]:
        [answer] = yield [Asked(wanted, look.question(wanted, words, ["month"], months=True))]
        drawn = "line" if words["shape"] == "line" else "bar"
        return {"chart": figures.chart(wanted, title, drawn, _("Month"), figures.months(answer, look.today))}
    [answer] = yield [Asked(wanted, look.question(wanted, words, by[:1], most=figures.BARS))]
    return {"chart": figures.group_chart(answer, title)}


def _league(look: Look, wanted: kpi.Definition, words: dict[str, Any], by: list[str]) -> Making:
    [answer] = yield [Asked(wanted, look.question(wanted, words, by[:1] or _first(wanted), most=LEAGUE_ROWS))]
    groups = [g for g in answer.groups if g.labels[0]] if words["shape"] == "tree" else [g for g in answer.groups if g.value][:LEAGUE_ROWS]
    return {"league": League(words.get("title") or wanted.name, "", figures.rows(answer, groups))}


def _first(wanted: kpi.Definition) -> list[str]:
    """Where nobody said how to split it: by the first that is not time."""
    return [k for k in wanted.dimensions if not wanted.dimension(k).period][:1] or ["month"]


def _map(look: Look, wanted: kpi.Definition, words: dict[str, Any], by: list[str]) -> Making:
    where = map_tiles.ground(look.actor, wanted, by[0] if by else "")
    [answer] = yield [Asked(wanted, look.question(wanted, words, [where.dimension.key]))]
    return {"chart": map_tiles.chart(look.actor, answer, where, words.get("title") or wanted.name)}


def _funnel(look: Look, wanted: kpi.Definition, words: dict[str, Any], by: list[str]) -> Making:
    """Groups in the order of their choices, else the largest first, each with its share of the first."""
    split = by[:1] or _first(wanted)
    order = {key: i for i, key in enumerate(dimensions.members(wanted.dimension(split[0]))[1])}
    [answer] = yield [Asked(wanted, look.question(wanted, words, split, most=0 if order else LEAGUE_ROWS))]
    groups = sorted((g for g in answer.groups if g.value), key=lambda g: order.get(g.keys[0], len(order)))[:LEAGUE_ROWS]
    first = groups[0].value if groups else None
    rows = [(row.label, [Cell(row.number)], _share(group.value, first), row.share) for row, group in zip(figures.rows(answer, groups), groups, strict=True)]
    return {"rows": rows}


def _share(value: Decimal, first: Decimal | None) -> str:
    return f"{plain((value * 100 / first).quantize(Decimal(1), ROUND_HALF_UP))} %" if first else ""


def _pivot(look: Look, wanted: kpi.Definition, words: dict[str, Any], by: list[str]) -> Making:
    """Rows by the first dimension, columns by the second, through time by default; the largest rows first."""
    down = by[0] if by else _first(wanted)[0]
    across = by[1] if len(by) > 1 else "month" if down != "month" else "quarter"
    [answer] = yield [Asked(wanted, look.question(wanted, words, [down, across]))]
    named = [wanted.dimension(k) for k in (down, across)]
    cells = {tuple(g.keys): g for g in answer.groups}
    every = [_keys(answer, i, named[i]) for i in (0, 1)]
    columns = every[1][-PIVOT_COLUMNS:] if named[1].period else every[1][:PIVOT_COLUMNS]
    rows = [(label, [_cell(answer, cells.get((key, other))) for other, _label in columns]) for key, label in every[0][:PIVOT_ROWS]]
    return {
        "heads": [str(named[0].label), *(label for _key, label in columns)], "rows": rows,
        "left_out": len(columns) < len(every[1]) or len(rows) < len(every[0]),
    }  # fmt: skip


def _keys(answer: kpi.Answer, at: int, dimension: Dimension) -> list[tuple[Any, str]]:
    """The members on one side of a pivot table: periods in their order, others the largest first."""
    totals: dict[Any, Decimal] = {}
    labels: dict[Any, str] = {}
    for group in answer.groups:
        totals[group.keys[at]] = totals.get(group.keys[at], Decimal(0)) + (group.value or Decimal(0))
        labels[group.keys[at]] = figures.key_label(dimension, group.keys[at], group.labels[at])
    ordered = sorted(totals) if dimension.period else sorted(totals, key=lambda k: (k is None, -totals[k], labels[k]))
    return [(key, labels[key]) for key in ordered]


def _cell(answer: kpi.Answer, group: kpi.Group | None) -> Cell:
    return Cell(figures.number(answer.definition, group.value, group.drill, figures.group_page(answer, group))) if group else Cell()


SHOWN = {"number": _number, "bar": _bars, "line": _bars, "league": _league, "tree": _league, "funnel": _funnel, "map": _map, "pivot": _pivot}
