"""What the rows may say by which a company watches itself: KPIs it builds or changes, dashboards, watches; and whose they are."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from django.db.models import Q
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from core import access, context, figures, kpi, limits, periods, registry, structures
from core.access import Actor
from core.errors import RuleError
from core.kpi import built
from core.labels import wording_errors
from core.models import Dashboard, Kpi, Role, User, Watch

KEY = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
FORMATS = {
    "": gettext_lazy("As it is"), "number": gettext_lazy("Number"), "money": gettext_lazy("Money"), "percent": gettext_lazy("Percent"),
    "days": gettext_lazy("Days"), "hours": gettext_lazy("Hours"),
}  # fmt: skip
TONES = {"good": pgettext_lazy("tone", "Good"), "warn": gettext_lazy("Look out"), "late": gettext_lazy("Bad")}
SHAPES = {
    "number": gettext_lazy("Tile"), "bar": gettext_lazy("Bars"), "line": gettext_lazy("Line"), "funnel": gettext_lazy("Funnel"),
    "pivot": gettext_lazy("Pivot table"), "league": gettext_lazy("League table"), "tree": gettext_lazy("Tree"), "map": gettext_lazy("Map"),
}  # fmt: skip
OLD_SHAPES = {"months": "bar", "groups": "league"}  # as dashboards were written before they were laid out
WIDTH, HEIGHT, LOWEST, TILES = 12, 12, 400, 60
STEPS, FILTERS, READERS = 12, 8, 100
EVERY = {"day": gettext_lazy("every day"), "week": gettext_lazy("every Monday"), "month": gettext_lazy("on the first of the month")}
PERIODS = ("this-month", "last-month", "this-quarter", "this-year", "last-30-days", "all")

class _Shipped(Mapping):
    """Keys of what the product ships, each with its name in the reader's language."""

    def __init__(self, home: dict[str, Any]):
        self._home = home

    def __getitem__(self, key: str) -> Any:
        return self._home[key].label

    def __iter__(self) -> Iterator[str]:
        return iter(self._home)

    def __len__(self) -> int:
        return len(self._home)


def role_choices() -> dict[str, str]:
    """Key of a default role -> what the company calls it. Cost: one query, once for each use-case."""
    memo = context.memo()
    if "role-choices" not in memo:
        memo["role-choices"] = dict(Role.objects.exclude(key="").order_by("name").values_list("key", "name"))
    return memo["role-choices"]


SHIPPED_KPIS, SHIPPED_BOARDS = _Shipped(registry.kpis), _Shipped(registry.dashboards)  # filled when the floors above have declared theirs


# KPIs ---------------------------------------------------------------------------------------------------------------


def prepare_kpis(actor: Actor, pairs: list[tuple[Kpi, Any]]) -> None:
    """A new KPI without a key gets one from its name. Cost: one query for each."""
    for row, _made in pairs:
        if row._state.adding and not row.key:
            row.key = free_key(row.name)


def free_key(name: str) -> str:
    """A key that no KPI has, made of a name."""
    base = slugify(name)[:34].strip("-")
    base = base if KEY.fullmatch(base or "-") else "kpi"
    taken = set(Kpi.objects.filter(key__startswith=base).values_list("key", flat=True)) | registry.kpis.keys()
    return next(key for key in (base, *(f"{base}-{n}" for n in range(2, 100_000))) if key not in taken)


def check_kpi(actor: Actor, row: Kpi, changed: dict, rows: dict) -> None:
    """A built KPI makes sense; a shipped one keeps what it is. Cost: one query for a new one."""
    errors = wording_errors(labels=row.labels)
    if not KEY.fullmatch(row.key):
        errors["key"] = [_("A key is lower-case letters and digits, joined by single hyphens, and begins with a letter.")]
    if row.key in registry.kpis:
        sentence = _("What a shipped figure is does not change: copy it, and change the copy.")
        errors |= {name: [sentence] for name in ("definition", "format", "unit_of_measure", "up_is_good") if name in changed}
        if row._state.adding:
            errors["key"] = [_("This key is taken by the product itself.")]
    elif "definition" in changed or row._state.adding:
        errors |= _wrong_definition(row)
    if row.format not in FORMATS:
        errors["format"] = [_("A format is one of: %(known)s.") % {"known": ", ".join(f for f in FORMATS if f)}]
    if sentence := _wrong_thresholds(row.thresholds):
        errors["thresholds"] = [sentence]
    if row.key not in registry.kpis and not row.name.strip():
        errors["name"] = [_("Give the figure a name.")]
    if errors:
        raise RuleError(errors)


def keep_room(actor: Actor, row: Kpi, changed: dict) -> None:
    """A figure that is new finds room; all of a batch are stored by now, so each sees the others."""
    if row.version == 1:
        limits.demand("kpis", Kpi.objects.filter(archived_at=None).exclude(key__in=registry.kpis).count(), _("figures of your own"))


def _wrong_definition(row: Kpi) -> dict[str, list[str]]:
    if row.definition is None:
        return {} if row.measure in registry.measures else {"definition": [_("Say what the figure is made of.")]}
    try:
        built.demand_sense(built.read(row.definition))
    except RuleError as error:
        return error.errors
    return {}


def _wrong_thresholds(steps: Any) -> str:
    told = _("Thresholds are a list such as [{\"from\": \"0\", \"tone\": \"late\"}], upwards; tones are %(tones)s.") % {"tones": ", ".join(TONES)}
    if not isinstance(steps, list) or len(steps) > STEPS:
        return told
    numbers = []
    for step in steps:
        if not isinstance(step, dict) or step.keys() != {"from", "tone"} or step["tone"] not in list(TONES):
            return told
        try:
            numbers.append(Decimal(str(step["from"])))
        except InvalidOperation:
            return told
        if not numbers[-1].is_finite() or isinstance(step["from"], bool):
            return told
    return "" if all(a < b for a, b in pairwise(numbers)) else told


# Dashboards ---------------------------------------------------------------------------------------------------------


def whose_dashboards(actor: Actor, action: str) -> Q:
    """Everybody has his own and looks at those of the company that are for all or for a role of his; who has a grant for them changes those."""
    mine = Q(owner_id=actor.id) if actor.id else Q(pk__in=[])
    if actor.system or access.permissions(actor, registry.types["dashboards"], action):
        return mine | Q(owner_id=None)
    if action in ("view", "export"):
        return mine | Q(owner_id=None) & (Q(role="") | Q(role__in=actor.roles))
    return mine


def prepare_dashboards(actor: Actor, pairs: list[tuple[Dashboard, Any]]) -> None:
    """A new dashboard is its maker's own, unless it is said to be nobody's."""
    for row, made in pairs:
        if row._state.adding and "owner" not in made.values:
            row.owner_id = actor.id


def check_dashboard(actor: Actor, row: Dashboard, changed: dict, rows: dict) -> None:
    """Tiles, filters and schedule are well-formed; it is the actor's own, or the company's if he has a grant for that."""
    errors = wording_errors(labels=row.labels)
    _demand_owner(actor, "dashboards", row.owner_id, changed, errors)
    if not row.name.strip() and row.key not in registry.dashboards and not row.is_default:
        errors["name"] = [_("Give the dashboard a name.")]
    if "tiles" in changed and (sentence := _wrong_tiles(row.tiles)):
        errors["tiles"] = [sentence]
    if not isinstance(row.filters, list) or len(row.filters) > FILTERS or not all(isinstance(f, str) and len(f) <= 60 for f in row.filters):
        errors["filters"] = [_("Filters are the keys of at most %(n)d dimensions.") % {"n": FILTERS}]
    if "schedule" in changed and (sentence := _wrong_schedule(actor, row)):
        errors["schedule"] = [sentence]
    if errors:
        raise RuleError(errors)


def _demand_owner(actor: Actor, slug: str, owner: Any, changed: dict, errors: dict[str, list[str]]) -> None:
    if actor.system or "owner" not in changed:
        return
    if owner not in (None, actor.id):
        errors["owner"] = [_("It is your own, or the company's.")]
    elif owner is None and not access.permissions(actor, registry.types[slug], "change"):
        errors["owner"] = [_("You may keep it for yourself, but not for the whole company.")]


def _wrong_tiles(tiles: Any) -> str:
    if not isinstance(tiles, list) or len(tiles) > TILES:
        return _("A dashboard has at most %(n)d tiles.") % {"n": TILES}
    known = {d.key for d in kpi.every_definition()}
    for tile in tiles:
        if not isinstance(tile, dict) or not set(tile) <= {"kpi", "shape", "period", "group_by", "title", "x", "y", "w", "h"}:
            return _("A tile is an object of kpi, shape, period, group_by, title, x, y, w and h.")
        if not isinstance(tile.get("kpi"), str) or tile["kpi"] not in known:
            return _("There is no figure “%(key)s”.") % {"key": str(tile.get("kpi"))[:40]}
        if tile.get("shape", "number") not in (*SHAPES, *OLD_SHAPES):
            return _("A shape is one of: %(known)s.") % {"known": ", ".join(SHAPES)}
        if not all(isinstance(tile.get(n, ""), str) and len(tile.get(n, "")) <= 200 for n in ("period", "group_by", "title")) or not _fits(tile):
            return _("A tile stands in twelve columns: x and w are whole numbers of them, y and h of rows.")
        if tile.get("period") and not is_period(tile["period"]):
            return _("A period is 2026, 2026-Q3, 2026-07, 2026-07-01..2026-07-15, last-30-days, this-month or all.")
    return ""


def _fits(tile: dict) -> bool:
    place = [tile.get(n, 0) for n in "xy"] + [tile.get(n, 1) for n in "wh"]
    if not all(isinstance(n, int) and not isinstance(n, bool) for n in place):
        return False
    x, y, w, h = place
    return 0 <= x < WIDTH and 0 <= y <= LOWEST and 1 <= w <= WIDTH - x and 1 <= h <= HEIGHT


def is_period(word: str) -> bool:
    try:
        return bool(period_of(word))
    except RuleError:
        return False


def period_of(word: str) -> str:
    """A period as KPIs are asked for it; the words for what moves with the days become it. Errors: RuleError."""
    today, fiscal = structures.today(), context.company().fiscal_year_start
    if word == "last-month":
        return periods.previous(periods.containing(today, "month", fiscal), fiscal).key
    if word in ("this-quarter", "this-year"):
        return periods.containing(today, word.removeprefix("this-"), fiscal).key
    periods.parse(word, today, fiscal)
    return word


def moving_periods() -> dict[str, str]:
    """The periods that move with the days, and their words."""
    return {word: period_label(word) for word in PERIODS}


def period_label(word: str) -> str:
    """Such a word as people read it."""
    moving = {
        "this-month": _("This month"), "last-month": _("Last month"), "this-quarter": _("This quarter"), "this-year": _("This year"),
        "last-30-days": _("Last 30 days"), "all": _("All time"),
    }  # fmt: skip
    if word in moving:
        return moving[word]
    return figures.period_label(periods.parse(word, structures.today(), context.company().fiscal_year_start))


def _wrong_schedule(actor: Actor, row: Dashboard) -> str:
    plan = row.schedule
    if plan is None:
        return ""
    if not isinstance(plan, dict) or set(plan) != {"every", "hour", "to"} or plan["every"] not in list(EVERY):
        return _("A schedule is {\"every\": \"day\", \"hour\": 7, \"to\": [ids of people]}; every is day, week or month.")
    if not isinstance(plan["hour"], int) or isinstance(plan["hour"], bool) or not 0 <= plan["hour"] <= 23:
        return _("The hour is from 0 to 23, in the company's time zone.")
    if sentence := _wrong_readers(plan["to"]):
        return sentence
    if row.owner_id is not None and set(plan["to"]) - {str(row.owner_id)}:
        return _("Your own dashboard is sent to you alone; one of the company's goes to whom you choose.")
    return ""


def _wrong_readers(ids: Any) -> str:
    if not isinstance(ids, list) or not ids or len(ids) > READERS or not all(isinstance(i, str) for i in ids):
        return _("Choose between 1 and %(n)d people.") % {"n": READERS}
    clean = []
    for ident in ids:
        try:
            clean.append(registry.KINDS["ref"].clean(registry.Field("to", "ref"), ident))
        except ValueError:
            return _("Choose people from the list.")
    known = User.objects.filter(pk__in=clean, archived_at=None).count()
    return "" if known == len(set(clean)) == len(ids) else _("Choose people from the list.")


# Watches ------------------------------------------------------------------------------------------------------------


def whose_watches(actor: Actor, action: str) -> Q:
    """Everybody has his own; those of the company belong to who has a grant for them."""
    mine = Q(owner_id=actor.id) if actor.id else Q(pk__in=[])
    return mine | Q(owner_id=None) if actor.system or access.permissions(actor, registry.types["watches"], action) else mine


def prepare_watches(actor: Actor, pairs: list[tuple[Watch, Any]]) -> None:
    """A new watch is its maker's own and tells him, unless it says otherwise."""
    for row, made in pairs:
        if row._state.adding and "owner" not in made.values:
            row.owner_id = actor.id
        if row._state.adding and not row.users and actor.id:
            row.users = [str(actor.id)]


def check_watch(actor: Actor, row: Watch, changed: dict, rows: dict) -> None:
    """It is of a known figure the actor sees, over a known period; one's own tells oneself alone. Cost: two queries."""
    errors: dict[str, list[str]] = {}
    _demand_owner(actor, "watches", row.owner_id, changed, errors)
    wanted = next((d for d in kpi.every_definition() if d.key == row.kpi), None)
    if wanted is None or not (actor.system or kpi.may(actor, wanted)):
        errors["kpi"] = [_("There is no such figure.")]
    elif row.filter:
        try:
            kpi.demand_filter(actor, wanted, row.filter)
        except RuleError as error:
            errors["filter"] = error.sentences
    if not is_period(row.period):
        errors["period"] = [_("A period is 2026, 2026-Q3, 2026-07, 2026-07-01..2026-07-15, last-30-days, this-month or all.")]
    if sentence := _wrong_readers(row.users):
        errors["users"] = [sentence]
    elif row.owner_id is not None and row.users != [str(row.owner_id)]:
        errors["users"] = [_("Your own watch tells you alone; one of the company's tells whom you choose.")]
    if {"kpi", "period", "filter", "op", "value", "users", "active"} & changed.keys():
        row.states = {}
    if errors:
        raise RuleError(errors)
