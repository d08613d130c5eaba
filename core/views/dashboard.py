"""The page people land on: the company's figures, who and what stands behind them, and what waits for the reader.

All numbers are of one snapshot, whose instant is shown; each is a link to the facts that add up to it. Computes nothing.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from babel.dates import format_skeleton
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core import access, asof, context, dimensions, figures, kpi, periods, query, read, registry, structures
from core.access import Actor
from core.kinds import locale
from core.models import Dashboard
from core.registry import ObjectType
from core.views import pages

LEAGUES = ("account", "person", "product_category")
LEAGUE_ROWS = 10
TO_DO_ROWS = 8
DUE = {"due_at", "done", "owner"}  # fields by which a type's records fall due


@dataclass(frozen=True)
class Tile:
    """One figure of the page, with its comparisons and the line of its last twelve months."""

    label: str
    url: str  # the figure's own page
    number: figures.Number
    comparisons: list[figures.Comparison]
    spark: str
    hidden: str


@dataclass(frozen=True)
class League:
    """A figure split by one dimension: the largest groups, and where all of them are."""

    title: str
    url: str
    rows: list[figures.Row]


@pages.page
def dashboard(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Cost: five queries for each figure shown and each table, one or two more for the names in it."""
    today = structures.today()
    choices = period_choices(today)
    chosen = request.GET.get("period", "")
    period = chosen if chosen in [key for key, _label in choices] else choices[0][0]
    taken = asof.now()
    shown = watched(actor)
    values: dict[str, Any] = {
        "greeting": greeting(actor.name), "today": format_skeleton("yMMMMEEEEd", today, locale=locale()), "as_of": figures.as_of(taken),
        "periods": [{"label": label, "url": f"/?period={key}", "current": key == period} for key, label in choices],
        "tiles": [], "tables": [], "to_do": to_do(actor),
    }  # fmt: skip
    for definition in shown:
        answer = kpi.value(actor, definition, kpi.Question(period, as_of=taken.token))
        year = kpi.value(actor, definition, kpi.Question(twelve_months(today), ("month",), as_of=taken.token), compared=False)
        values["tiles"].append(tile(answer, year, today, period))
        if definition is shown[0]:
            values["chart"] = figures.month_chart(year, today, _("%(kpi)s by month") % {"kpi": definition.name})
            values["chart_url"] = f"/kpis/{definition.key}/?period={twelve_months(today)}&group_by=month"
            values["period"] = figures.period_label(answer.period)
    if shown:
        values["tables"], values["tree"] = leagues(actor, shown[0], period, taken.token), rollup(actor, shown[0], period, taken.token)
    return pages.render(request, actor, "pages/dashboard.html", values)


def watched(actor: Actor) -> list[kpi.Definition]:
    """KPIs of the dashboard people land on, those left out whose documents the reader may not see at all. Cost: two queries."""
    board = Dashboard.objects.filter(is_default=True, archived_at=None).order_by("created_at").first()
    known = {d.key: d for d in kpi.every_definition()}
    wanted = [known[t["kpi"]] for t in (board.tiles if board else []) if t.get("kpi") in known]
    return [d for d in wanted if kpi.may(actor, d)]


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


def tile(answer: kpi.Answer, year: kpi.Answer, today: date, period: str) -> Tile:
    definition = answer.definition
    line = figures.spark([value for _label, value, _url in figures.months(year, today)])
    return Tile(
        definition.name, f"/kpis/{definition.key}/?period={period}", figures.shown(answer),
        figures.compare(answer), line, figures.hidden(answer.hidden),
    )  # fmt: skip


def leagues(actor: Actor, definition: kpi.Definition, period: str, token: str) -> list[League]:
    """The first figure's largest groups by account, person and product category, as far as the reader may split by them."""
    found = []
    for key in LEAGUES:
        dimension = registry.dimensions.get(key)
        if key not in definition.dimensions or dimension is None or not dimensions.usable(actor, dimension):
            continue
        answer = kpi.value(actor, definition, kpi.Question(period, (key,), as_of=token), compared=False)
        title = _("%(kpi)s by %(dimension)s") % {"kpi": definition.name, "dimension": str(dimension.label).lower()}
        url = f"/kpis/{definition.key}/?period={period}&group_by={key}"
        found.append(League(title, url, figures.rows(answer, answer.groups[:LEAGUE_ROWS])))
    return found


def rollup(actor: Actor, definition: kpi.Definition, period: str, token: str) -> League | None:
    """The first figure over the tree of units, each with all below it."""
    if "unit" not in definition.dimensions:
        return None
    answer = kpi.value(actor, definition, kpi.Question(period, ("unit",), as_of=token, rollup=True), compared=False)
    title = _("%(kpi)s by unit, with all below") % {"kpi": definition.name}
    groups = [g for g in answer.groups if g.labels[0]]
    return League(title, f"/kpis/{definition.key}/?period={period}&group_by=unit&rollup=true", figures.rows(answer, groups))


# What waits for the reader ------------------------------------------------------------------------------------------


def to_do(actor: Actor) -> dict[str, Any] | None:
    """What is due and not done of the reader's own, of the first type whose records fall due. Cost: two queries and labels."""
    object_type = next((t for t in registry.every() if t.fields.keys() >= DUE and access.allows(actor, t, "view")), None)
    if object_type is None or not access.fields(actor, object_type).keys() >= DUE:
        return None
    pairs = [("done", "false"), ("owner", str(actor.id)), ("due_at__empty", "false"), ("sort", "due_at")]
    found = query.page(actor, object_type, replace(query.listing(pairs), limit=TO_DO_ROWS, count=True))
    shown = read.present(actor, object_type, found.records, with_lines=False)
    address = pages.address(object_type)
    return {
        "title": _("Due for you"), "count": found.count, "url": f"{address}?done=false&owner={actor.id}&due_at__empty=false&sort=due_at",
        "rows": [_due(object_type, one) for one in shown], "plural": object_type.plural,
        "new": f"{address}new/" if access.allows(actor, object_type, "add") else "",
    }  # fmt: skip


def _due(object_type: ObjectType, one: read.Shown) -> dict[str, Any]:
    due = one.values["due_at"].astimezone(context.company().zone)
    now = datetime.now(context.company().zone)
    about = one.values.get("about")
    words = [one.text("kind") if "kind" in one.fields else "", about.label if isinstance(about, read.Ref) else ""]
    return {
        "label": one.label, "url": pages.address(object_type, one.id), "sub": " · ".join(w for w in words if w), "icon": object_type.icon,
        "when": format_skeleton("MMMd", due, locale=locale()) if due.year == now.year else figures.day(due.date()), "late": due < now,
        "at": due.isoformat(),
    }  # fmt: skip
