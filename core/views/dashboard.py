"""The page people land on: their own dashboard, their role's or everybody's, with what waits for them.

All numbers are of one snapshot, whose instant is shown; each is a link to the facts that add up to it. Computes nothing.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from babel.dates import format_skeleton
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core import asof, context, dimensions, figures, kpi, periods, registry, structures
from core.access import Actor
from core.kinds import locale
from core.models import Dashboard, Role, User
from core.views import pages
from core.views.overview import to_do

LEAGUES = ("account", "person", "product_category")
LEAGUE_ROWS = 10
Tiles = list[tuple[kpi.Definition, dict[str, str]]]  # a tile's KPI, and its words


@dataclass(frozen=True)
class Board:
    """A dashboard somebody may look at. ``ident`` is how its address names it."""

    ident: str
    name: str
    tiles: list[dict[str, str]]
    role: str = ""
    owner_id: UUID | None = None
    is_default: bool = False


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


@pages.page
def dashboard(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Cost: some twenty queries whatever the number of figures; two more for each table of groups."""
    today = structures.today()
    choices = period_choices(today)
    chosen = request.GET.get("period", "")
    period = chosen if chosen in [key for key, _label in choices] else choices[0][0]
    taken, boards = asof.now(), boards_of(actor)
    board = next((b for b in boards if b.ident == request.GET.get("board")), boards[0] if boards else None)
    shown = watched(actor, board)
    stay = f"&board={board.ident}" if board and board is not boards[0] else ""
    values: dict[str, Any] = {
        "greeting": greeting(actor.name), "today": format_skeleton("yMMMMEEEEd", today, locale=locale()), "as_of": figures.as_of(taken),
        "periods": [{"label": label, "url": f"/?period={key}{stay}", "current": key == period} for key, label in choices],
        "boards": [{"label": b.name, "url": f"/?board={b.ident}&period={period}", "current": b is board} for b in boards],
        "to_do": to_do(actor), "tiles": [], "charts": [], "tables": [],
    }  # fmt: skip
    if shown:
        values |= _figures(actor, shown, period, taken.token, today)
        values["period"] = figures.period_label(periods.parse(period, today, context.company().fiscal_year_start))
    return pages.render(request, actor, "pages/dashboard.html", values)


# Which dashboard ----------------------------------------------------------------------------------------------------


def boards_of(actor: Actor) -> list[Board]:
    """Dashboards the actor may look at; the one he lands on first: his own, his role's, everybody's. Cost: two queries."""
    of_user = User.roles.through.objects.filter(user_id=actor.id).values("role_id")
    roles = set(Role.objects.filter(pk__in=of_user, archived_at=None).exclude(key="").values_list("key", flat=True))
    rows = list(Dashboard.objects.filter(Q(owner=actor.id) | Q(owner=None)).order_by("created_at"))
    known = {(row.key, row.role) for row in rows}
    found = [Board(str(r.pk), _name(r), r.tiles, r.role, r.owner_id, r.is_default) for r in rows if r.archived_at is None]
    for shipped in registry.dashboards.values():  # what is shipped since the company was made, and was not put away by it
        found += [
            Board(f"{shipped.key}.{role}", str(shipped.label), list(shipped.tiles), role)
            for role in shipped.roles or ("",) if (shipped.key, role) not in known
        ]  # fmt: skip
    mine = [b for b in found if b.owner_id == actor.id and actor.id is not None]
    of_role = [b for b in found if b.owner_id is None and b.role and b.role in roles]
    everybody = sorted((b for b in found if b.owner_id is None and not b.role), key=lambda b: not b.is_default)
    ordered = [*mine, *of_role, *everybody]
    return [b for i, b in enumerate(ordered) if b.name not in [other.name for other in ordered[:i]]]


def _name(row: Dashboard) -> str:
    shipped = registry.dashboards.get(row.key)
    return row.name or (str(shipped.label) if shipped else str(_("Company")))


def watched(actor: Actor, board: Board | None) -> Tiles:
    """Tiles of a dashboard, those left out whose documents the reader may not see at all. Cost: one query."""
    known = {d.key: d for d in kpi.every_definition() if kpi.may(actor, d)}
    tiles = [(known[t["kpi"]], t) for t in (board.tiles if board else []) if t.get("kpi") in known]
    if any(t.get("shape", "number") != "number" for _definition, t in tiles) or not tiles:
        return tiles
    first = tiles[0][0]  # one that only has numbers: the first of them is told in more detail
    more = [{"shape": "months"}, *({"shape": "groups", "group_by": key} for key in LEAGUES), {"shape": "tree", "group_by": "unit"}]
    return tiles + [(first, {"kpi": first.key, **t}) for t in more]


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


def greeting(name: str) -> str:
    """By the hour where the company is."""
    hour = datetime.now(context.company().zone).hour
    if 4 <= hour < 12:
        return _("Good morning, %(name)s") % {"name": name}
    if 12 <= hour < 18:
        return _("Good afternoon, %(name)s") % {"name": name}
    return _("Good evening, %(name)s") % {"name": name}


# Figures ------------------------------------------------------------------------------------------------------------


def _figures(actor: Actor, shown: Tiles, period: str, token: str, today: date) -> dict[str, Any]:
    """Numbers in one reading, all lines of months in another, and the tables."""
    numbers = [one for one in shown if one[1].get("shape", "number") == "number"]
    months = [one for one in shown if one[1].get("shape") == "months" and "month" in one[0].dimensions]
    answers = kpi.values(actor, [(d, kpi.Question(t.get("period") or period, as_of=token)) for d, t in numbers])
    lines = {d.key: d for d, _t in (*numbers, *months) if "month" in d.dimensions}
    asked = [(d, kpi.Question(twelve_months(today), ("month",), as_of=token)) for d in lines.values()]
    years = dict(zip(lines, kpi.values(actor, asked, compared=False), strict=True))
    return {
        "tiles": [tile(answer, years.get(answer.definition.key), today, t.get("period") or period) for answer, (_d, t) in zip(answers, numbers, strict=True)],
        "charts": [_chart(years[d.key], today) for d, _t in months],
        "tables": tables(actor, [one for one in shown if one[1].get("shape") in ("groups", "tree")], period, token),
    }


def _chart(year: kpi.Answer, today: date) -> dict[str, Any]:
    definition = year.definition
    drawn = figures.month_chart(year, today, _("%(kpi)s by month") % {"kpi": definition.name})
    return {"url": f"/kpis/{definition.key}/?period={twelve_months(today)}&group_by=month", "chart": drawn}


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
        dimension = registry.dimensions.get(words.get("group_by", ""))
        if dimension is not None and dimension.key in definition.dimensions and dimensions.usable(actor, dimension):
            usable.append((definition, words.get("period") or period, dimension, words["shape"] == "tree"))
    asked = [(d, kpi.Question(when, (by.key,), as_of=token, rollup=is_tree)) for d, when, by, is_tree in usable]
    found = []
    for answer, (definition, when, by, is_tree) in zip(kpi.values(actor, asked, compared=False), usable, strict=True):
        title = _("%(kpi)s by %(dimension)s, with all below") if is_tree else _("%(kpi)s by %(dimension)s")
        url = f"/kpis/{definition.key}/?period={when}&group_by={by.key}" + ("&rollup=true" if is_tree else "")
        groups = [g for g in answer.groups if g.labels[0]] if is_tree else [g for g in answer.groups if g.value][:LEAGUE_ROWS]
        found.append(League(title % {"kpi": definition.name, "dimension": str(by.label).lower()}, url, figures.rows(answer, groups)))
    return found
