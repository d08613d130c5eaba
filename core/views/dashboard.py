"""The page people land on: their own dashboard, their role's or everybody's, with what waits for them.

All numbers are of one snapshot, whose instant is shown; each is a link to the facts that add up to it. Computes nothing.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from babel.dates import format_skeleton
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core import access, asof, context, figures, kpi, periods, registry, structures
from core.access import Actor
from core.kinds import locale
from core.labels import in_language
from core.models import Dashboard, Role, User
from core.views import pages
from core.views.overview import to_do
from core.views.picks import pick
from core.views.tiles import Look, Tiles, is_placed, period_choices, placed, tables, tile, twelve_months

LEAGUES = ("account", "person", "product_category")


@dataclass(frozen=True)
class Board:
    """A dashboard somebody may look at. ``ident`` is how its address names it."""

    ident: str
    name: str
    tiles: list[dict[str, str]]
    role: str = ""
    owner_id: UUID | None = None
    is_default: bool = False
    filters: tuple[str, ...] = ()
    stored: bool = False


@pages.page
def dashboard(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Cost: some twenty queries whatever the number of figures; two more for each table of groups."""
    today = structures.today()
    choices = period_choices(today)
    chosen = request.GET.get("period", "")
    period = chosen if chosen in [key for key, _label in choices] else choices[0][0]
    taken, boards = asof.now(), boards_of(actor)
    board = next((b for b in boards if b.ident == request.GET.get("board")), boards[0] if boards else None)
    laid_out = board is not None and is_placed(board.tiles)
    shown = chosen_tiles(actor, board) if laid_out else watched(actor, board)
    stay = f"&board={board.ident}" if board and board is not boards[0] else ""
    values: dict[str, Any] = {
        "greeting": greeting(actor.name), "today": format_skeleton("yMMMMEEEEd", today, locale=locale()), "as_of": figures.as_of(taken),
        "periods": [{"label": label, "url": f"/?period={key}{stay}", "current": key == period} for key, label in choices],
        "boards": [{"label": b.name, "url": f"/?board={b.ident}&period={period}", "current": b is board} for b in boards],
        "to_do": to_do(actor), "tiles": [], "charts": [], "tables": [], "board": board, "edits": edits(actor, board), "full": "full" in request.GET,
        "has_charts": laid_out,
    }  # fmt: skip
    if laid_out:
        picked = {key: request.GET.get(f"f.{key}", "").replace("\x00", "") for key in board.filters}
        look = Look(actor, period, taken.token, today, tuple((k, v) for k, v in picked.items() if v))
        more = "".join(f"&{name}" for name in [urlencode({f"f.{k}": v for k, v in picked.items() if v})] if name)
        values |= {"placed": placed(look, shown), "picks": _picks(actor, shown, picked), "stay": {"board": board.ident, "period": period}}
        values["periods"] = [{"label": label, "url": f"/?period={key}{stay}{more}", "current": key == period} for key, label in choices]
        values["period"] = figures.period_label(periods.parse(period, today, context.company().fiscal_year_start))
    elif shown:
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
    found = [Board(str(r.pk), called(r), r.tiles, r.role, r.owner_id, r.is_default, tuple(r.filters), True) for r in rows if r.archived_at is None]
    for shipped in registry.dashboards.values():  # what is shipped since the company was made, and was not put away by it
        found += [
            Board(f"{shipped.key}.{role}", str(shipped.label), list(shipped.tiles), role)
            for role in shipped.roles or ("",) if (shipped.key, role) not in known
        ]  # fmt: skip
    mine = [b for b in found if b.owner_id == actor.id and actor.id is not None]
    of_role = sorted((b for b in found if b.owner_id is None and b.role and b.role in roles), key=lambda b: not b.is_default)
    everybody = sorted((b for b in found if b.owner_id is None and not b.role), key=lambda b: not b.is_default)
    ordered = [*mine, *of_role, *everybody]
    made = {str(row.pk) for row in rows if not row.key}  # by people: two of one name are two
    return [b for i, b in enumerate(ordered) if b.ident in made or b.name not in [other.name for other in ordered[:i]]]


def called(row: Dashboard) -> str:
    """A dashboard's name in the reader's language."""
    shipped = registry.dashboards.get(row.key)
    return str(in_language(row.name, row.labels)) or (str(shipped.label) if shipped else str(_("Company")))


def watched(actor: Actor, board: Board | None) -> Tiles:
    """Tiles of a dashboard, those left out whose documents the reader may not see at all. Cost: one query."""
    known = {d.key: d for d in kpi.every_definition() if kpi.may(actor, d)}
    tiles = chosen_tiles(actor, board, known)
    if any(t.get("shape", "number") != "number" for _definition, t in tiles) or not tiles:
        return tiles
    first = tiles[0][0]  # one that only has numbers: the first of them is told in more detail
    more = [{"shape": "months"}, *({"shape": "groups", "group_by": key} for key in LEAGUES), {"shape": "tree", "group_by": "unit"}]
    return tiles + [(first, {"kpi": first.key, **t}) for t in more]


def chosen_tiles(actor: Actor, board: Board | None, known: dict[str, kpi.Definition] | None = None) -> Tiles:
    """The tiles of a dashboard, as far as the reader sees what they are made of. Cost: one query, none where the figures are ``known``."""
    if known is None:
        known = {d.key: d for d in kpi.every_definition() if kpi.may(actor, d)}
    return [(known[t["kpi"]], t) for t in (board.tiles if board else []) if t.get("kpi") in known]


def _picks(actor: Actor, shown: Tiles, picked: dict[str, str]) -> list[dict[str, Any]]:
    """A control for each filter of the dashboard that one of its figures knows. Cost: one or two queries each."""
    found = []
    for key, value in picked.items():
        dimension = next((d for wanted, _t in shown if (d := wanted.dimension(key)) is not None and kpi.may_split(actor, wanted, d)), None)
        if dimension is not None and not dimension.period:
            found.append({**pick(actor, dimension, value), "blank": _("All")})
    return found


def edits(actor: Actor, board: Board | None) -> list[dict[str, str]]:
    """What the reader may do with this dashboard: change it, make one like it or a new one. Cost: none."""
    found = []
    own = board is not None and board.stored and board.owner_id == actor.id and actor.id is not None
    company = board is not None and board.stored and board.owner_id is None and access.permissions(actor, registry.types["dashboards"], "change")
    if own or company:
        found.append({"label": _("Change this dashboard"), "icon": "edit", "url": f"/dashboards/{board.ident}/edit/"})
    if board is not None:
        found.append({"label": _("Make one like it"), "icon": "copy", "url": f"/dashboards/new/?copy={board.ident}"})
    return [*found, {"label": _("New dashboard"), "icon": "plus", "url": "/dashboards/new/"}]


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
    """Numbers and lines of months in one reading, and the tables."""
    numbers = [one for one in shown if one[1].get("shape", "number") == "number"]
    months = [one for one in shown if one[1].get("shape") == "months" and "month" in one[0].dimensions]
    lines = {d.key: d for d, _t in (*numbers, *months) if "month" in d.dimensions}
    alone = [(d, kpi.Question(t.get("period") or period, as_of=token)) for d, t in numbers]
    found = kpi.values(actor, [*alone, *((d, kpi.Question(twelve_months(today), ("month",), as_of=token, compared=False)) for d in lines.values())])
    answers, years = found[: len(alone)], dict(zip(lines, found[len(alone) :], strict=True))
    return {
        "tiles": [tile(answer, years.get(answer.definition.key), today, t.get("period") or period) for answer, (_d, t) in zip(answers, numbers, strict=True)],
        "charts": [_chart(years[d.key], today) for d, _t in months],
        "tables": tables(actor, [one for one in shown if one[1].get("shape") in ("groups", "tree")], period, token),
    }


def _chart(year: kpi.Answer, today: date) -> dict[str, Any]:
    definition = year.definition
    drawn = figures.month_chart(year, today, _("%(kpi)s by month") % {"kpi": definition.name})
    return {"url": f"/kpis/{definition.key}/?period={twelve_months(today)}&group_by=month", "chart": drawn}
