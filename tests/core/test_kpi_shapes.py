"""KPIs of every shape over random facts and random questions, against plain Python: values, groups, balances at month ends, drills (N1)."""

import os
import random
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import access, context, door, kpi, periods, registry, structures, write
from core.measuring import Measure, Part, ShippedKpi
from core.models import Fact
from core.models.record import permit
from tests import people
from tests.erp import figures

LONG = bool(os.environ.get("ODOS_LONG"))
QUESTIONS = 2_000 if LONG else 90
FISCAL = 4
MEASURES = ("t-in", "t-out", "t-won", "t-lost", "t-known", "t-unknown")
DIMENSIONS = ("account", "country", "person", "unit", "month", "quarter", "year")
KPIS = [
    ShippedKpi("t-sum", "Sum", ("t-in", "t-out"), "f", "d", DIMENSIONS),
    ShippedKpi("t-left", "Left", ("t-in", "t-out"), "f", "d", DIMENSIONS, over="until"),
    ShippedKpi("t-rate", "Rate", "t-won", "f", "d", DIMENSIONS, per=("t-won", "t-lost"), format="percent"),
    ShippedKpi("t-days", "Days", "t-in", "f", "d", DIMENSIONS, over="until", per=Part(("t-lost",), 90), scale=90, format="days"),
    ShippedKpi("t-margin", "Margin", ("t-in", "t-out"), "f", "d", DIMENSIONS, known_by=("t-known",), unknown_by=("t-unknown",), unknown_called="without"),
]


@dataclass(frozen=True)
class Told:
    """A fact as the plain model holds it."""

    measure: str
    value: Decimal
    day: date
    account: UUID | None
    unit: UUID | None


@dataclass
class World:
    actor: access.Actor
    facts: list[Told]
    countries: dict[UUID, str]
    units: dict[UUID, UUID | None]  # each with its parent
    today: date


@pytest.fixture(scope="module", autouse=True)
def declared():
    """Measures and KPIs that only these tests know."""
    homes = [(registry.measures, [Measure(key, key, "orders", money=not key.endswith("known")) for key in MEASURES]), (registry.kpis, KPIS)]
    for home, things in homes:
        home |= {thing.key: thing for thing in things}
    yield
    for home, things in homes:
        for thing in things:
            del home[thing.key]


@pytest.fixture(scope="module")
def company():
    with context.bind(replace(people.new_company(), fiscal_year_start=FISCAL)) as made:
        yield made


@pytest.fixture(scope="module")
def world(declared, company, alice) -> World:
    actor, draw, today = access.actor_for(alice), random.Random(7), structures.today()
    make = lambda slug, **data: write.create(actor, registry.get(slug), data)  # noqa: E731 - three records

    def plant():
        countries = {make("accounts", name=f"In {c or 'nowhere'}", country=c).pk: c for c in ("DE", "FR", "")}
        root = alice.unit_id
        north = make("org-units", name="North", parent=str(root)).pk
        units = {root: None, north: root, make("org-units", name="Team", parent=str(north)).pk: north}
        facts = [
            Told(
                draw.choice(MEASURES), Decimal(draw.randint(-40_00, 100_00)) / 100, today + timedelta(days=draw.randint(-800, 60)),
                draw.choice([*countries, None]), draw.choice([*units, None]),
            )
            for _ in range(400)
        ]  # fmt: skip
        with permit():
            Fact.objects.bulk_create(
                Fact(
                    measure=f.measure, value=f.value, business_date=f.day, account=f.account, unit=f.unit, person=alice.pk, source_type="orders",
                    source_id=uuid4(),
                )
                for f in facts
            )  # fmt: skip
        return World(actor, facts, countries, units, today)

    return door.writing(plant)


# The plain model ----------------------------------------------------------------------------------------------------


def stretch(part: Part, period: periods.Period, today: date) -> tuple[date, date]:
    first, last = period.start or date.min, period.last or date.max
    if part.over == "period":
        return first, last
    last = min(last, today)
    return (date.min if part.over == "until" else last - timedelta(days=part.over - 1)), last


def total(facts: list[Told], part: Part | None, period: periods.Period, today: date) -> tuple[Decimal, int]:
    if part is None:
        return Decimal(0), 0
    first, last = stretch(part, period, today)
    found = [f.value for f in facts if f.measure in part.measures and first <= f.day <= last]
    return sum(found, Decimal(0)), len(found)


def worth(shipped: ShippedKpi, facts: list[Told], period: periods.Period, today: date) -> tuple[Decimal | None, bool]:
    """The value, and whether it is made of any fact at all."""
    (top, n), (bottom, m) = (total(facts, part, period, today) for part in (shipped.top, shipped.bottom))
    known, unknown = (total(facts, Part(measures, shipped.over), period, today)[0] for measures in (shipped.known_by, shipped.unknown_by))
    if unknown > 0 and known == 0:
        return None, bool(n)
    if shipped.bottom is None:
        return top, bool(n)
    return (top * shipped.scale / bottom).quantize(Decimal("0.000001"), ROUND_HALF_UP) if bottom else None, bool(n or m)


def spans(facts: list[Told], shape: str, period: periods.Period, today: date) -> dict[str, periods.Period]:
    """Name -> the days of it that are asked for. Balances end today, sums with the last fact."""
    days = [f.day for f in facts] + [today]
    first, last = max(period.start or date.min, min(days)), min(period.last or date.max, max(days))
    found: dict[str, periods.Period] = {}
    for day in (first + timedelta(days=n) for n in range((last - first).days + 1)):
        span = periods.containing(day, shape, FISCAL)
        start, end = max(span.start, period.start or date.min), min(span.end, period.end or date.max)
        found[span.key] = periods.Period(span.key, "range", start, end)
    return found


def member(world: World, dimension: str, fact: Told):
    return {"account": fact.account, "country": world.countries.get(fact.account) or None, "unit": fact.unit}[dimension]


def expected_groups(world: World, shipped: ShippedKpi, group_by: list[str], facts: list[Told], period: periods.Period) -> dict[tuple, Decimal | None]:
    members = [d for d in group_by if d not in ("month", "quarter", "year")]
    shapes = [d for d in ("month", "quarter", "year") if d in group_by]
    found = {}
    for key in {tuple(member(world, d, f) for d in members) for f in facts}:
        mine = [f for f in facts if tuple(member(world, d, f) for d in members) == key]
        named = dict(zip(members, key, strict=True))
        for span in spans(facts, shapes[0], period, world.today).values() if shapes else [period]:
            if shapes and any(p.over != "period" for p in (shipped.top, shipped.bottom) if p) and (span.start or date.min) > world.today:
                continue
            value, made = worth(shipped, mine, span, world.today)
            if made:
                told = named | {s: periods.containing(span.start, s, FISCAL).key for s in shapes}
                found[tuple(told[d] for d in group_by)] = value
    return found


# Questions ----------------------------------------------------------------------------------------------------------


def periods_of(today: date) -> list[str]:
    quarter, year = (periods.containing(today, shape, FISCAL).key for shape in ("quarter", "year"))
    return ["all", "this-month", "last-30-days", quarter, year, str(int(year) - 1), f"{today - timedelta(days=400)}..{today - timedelta(days=33)}",
            f"{today.year + 3}", f"{today - timedelta(days=20)}..{today + timedelta(days=20)}"]  # fmt: skip


SPLITS = ["", "account", "country", "unit", "month", "quarter", "year", "account,month", "quarter,year", "country,unit", "unit,quarter", "month,year"]


def filters_of(world: World) -> list:
    account = next(iter(world.countries))
    return [
        (None, lambda f: True),
        (["account", "eq", str(account)], lambda f: f.account == account),
        (["country", "in", ["DE", "FR"]], lambda f: world.countries.get(f.account) in ("DE", "FR")),
        ({"any": [["country", "eq", "FR"], ["account", "empty", True]]}, lambda f: f.account is None or world.countries[f.account] == "FR"),
        (["account.country", "eq", "DE"], lambda f: world.countries.get(f.account) == "DE"),
    ]


def test_random_questions_are_answered_as_plain_python_does(world):
    draw = random.Random(11)
    for _ in range(QUESTIONS):
        shipped, text, split = draw.choice(KPIS), draw.choice(periods_of(world.today)), draw.choice(SPLITS)
        asked, passes = draw.choice(filters_of(world))
        question = kpi.Question(text, tuple(filter(None, split.split(","))), asked)
        answer = door.reading(lambda s=shipped, q=question: kpi.value(world.actor, kpi.definition(s.key), q))
        facts = [f for f in world.facts if passes(f)]
        value, _made = worth(shipped, facts, answer.period, world.today)
        assert answer.value == value, (shipped.key, question)
        for other, span in ((answer.previous, periods.previous), (answer.year_ago, periods.year_ago)):
            if other is not None:
                assert other.period == span(answer.period, FISCAL)
                assert other.value == worth(shipped, facts, other.period, world.today)[0], (shipped.key, question, other)
        found = {tuple(g.keys): g.value for g in answer.groups}
        assert len(found) == len(answer.groups)
        assert found == (expected_groups(world, shipped, split.split(","), facts, answer.period) if split else {}), (shipped.key, question)
        assert answer.hidden == 0


def test_every_figure_is_its_drill_or_one_drill_by_the_other(world):
    """Value, comparisons and each group, each read again as the list of facts it links to."""
    draw = random.Random(13)
    for shipped in KPIS:
        for split in SPLITS:
            asked, _passes = draw.choice(filters_of(world))
            question = kpi.Question(draw.choice(periods_of(world.today)), tuple(filter(None, split.split(","))), asked)
            answer = door.reading(lambda s=shipped, q=question: kpi.value(world.actor, kpi.definition(s.key), q))
            figures.demand_agreement(world.actor, answer)


def test_groups_of_what_adds_up_are_a_partition(world):
    for key in ("t-sum", "t-left"):
        for split in ("account", "country", "unit", "country,unit", *(["month", "quarter,year", "account,month"] if key == "t-sum" else [])):
            for text in periods_of(world.today):
                figures.demand_partition(figures.ask(world.actor, key, period=text, group_by=split))


def test_a_balance_stands_at_the_end_of_each_month(world):
    """Also of those in which nothing moved, and of this one up to today."""
    year = periods.containing(world.today, "year", FISCAL)
    first = periods.month(year.start.year - 1, year.start.month).start
    found = figures.ask(world.actor, "t-left", period=f"{first}..{world.today}", group_by="month")
    assert len(found.groups) == len(periods.inside(first, world.today, "month", FISCAL))
    for group in found.groups:
        month = periods.parse(group.keys[0], world.today, FISCAL)
        last = min(month.last, world.today)
        assert group.value == sum(f.value for f in world.facts if f.measure in ("t-in", "t-out") and f.day <= last), group.keys
    assert found.groups[-1].value == found.value == figures.ask(world.actor, "t-left", period="all").value


def test_a_roll_up_counts_all_below_in_every_shape(world):
    below: dict[UUID, set] = {}
    for unit in world.units:
        node = unit
        while node is not None:
            below.setdefault(node, set()).add(unit)
            node = world.units[node]
    for shipped in KPIS:
        for structure in ("now", "then"):
            words = {"period": "all", "group_by": "unit", "rollup": "true", "structure": structure}
            answer = figures.ask(world.actor, shipped.key, **words)
            rows = {g.keys[0]: g for g in answer.groups}
            assert set(world.units) <= set(rows)
            for unit, units in below.items():
                assert rows[unit].value == worth(shipped, [f for f in world.facts if f.unit in units], answer.period, world.today)[0]
                assert rows[unit].own == worth(shipped, [f for f in world.facts if f.unit == unit], answer.period, world.today)[0]
            figures.demand_agreement(world.actor, answer)


def test_what_is_unknown_is_counted_and_alone_gives_no_value(world, alice):
    """Over all there is something known; in a month of its own there is only what is not."""
    day = date(2019, 5, 3)
    extra = [("t-in", "30"), ("t-unknown", "2")]
    with permit():
        Fact.objects.bulk_create(
            Fact(measure=m, value=Decimal(v), business_date=day, source_type="orders", source_id=uuid4(), person=alice.pk) for m, v in extra
        )
    alone = figures.ask(world.actor, "t-margin", period="2019-05", group_by="account")
    assert (alone.value, alone.unknown, [g.value for g in alone.groups]) == (None, 2, [None])
    assert figures.ask(world.actor, "t-sum", period="2019-05").value == 30
    assert figures.ask(world.actor, "t-margin", period="2019-06").value == 0
    with permit():
        Fact.objects.bulk_create(
            [Fact(measure="t-known", value=1, business_date=day, source_type="orders", source_id=uuid4(), account=next(iter(world.countries)))]
        )
    now = figures.ask(world.actor, "t-margin", period="2019-05", group_by="account")
    assert (now.value, [g.value for g in now.groups]) == (30, [None]), "the account's own is still unknown"


def test_many_figures_cost_no_more_than_a_few(world):
    """A page of twelve figures with comparisons and twelve lines of months."""
    year = periods.containing(world.today, "year", FISCAL).key
    tiles = [(kpi.definition(k.key), kpi.Question(text)) for k in KPIS for text in ("this-month", year, "all")]
    lines = [(kpi.definition(k.key), kpi.Question(year, ("month",))) for k in KPIS]

    def read():
        with CaptureQueriesContext(connection) as queries:
            found = kpi.values(world.actor, tiles), kpi.values(world.actor, lines, compared=False)
        assert len(queries) <= 10, [q["sql"][:200] for q in queries]
        return found

    several, months = door.reading(read)
    for (definition, question), answer in zip((*tiles, *lines), (*several, *months), strict=True):
        alone = door.reading(lambda d=definition, q=question: kpi.value(world.actor, d, q))
        assert (alone.value, alone.rows, alone.hidden) == (answer.value, answer.rows, answer.hidden)
        assert [(g.keys, g.value) for g in alone.groups] == [(g.keys, g.value) for g in answer.groups]


def test_a_figure_of_the_companys_own_adds_up_one_measure(world):
    """A row without a shipped definition: plain sum, with its own condition."""
    with permit():
        kpi.definitions.Kpi(key="own", name="Own", measure="t-in", filter=["account", "empty", False]).save(force_insert=True)
    answer = figures.ask(world.actor, "own", period="all", group_by="account")
    assert answer.value == sum(f.value for f in world.facts if f.measure == "t-in" and f.account)
    figures.demand_agreement(world.actor, answer)
    figures.demand_partition(answer)


def test_measures_in_two_units_are_seen_by_who_sees_their_documents(world):
    """N4 in every shape: one who sees only his own has the value of that, and hears how many facts he does not see."""
    eve = people.new_user("Eve", "sales")
    seller = access.actor_for(eve)
    with permit():
        Fact.objects.bulk_create(
            Fact(measure=m, value=Decimal(v), business_date=date(2018, 1, n), source_type="orders", source_id=uuid4(), person=who)
            for n, (m, v, who) in enumerate([("t-won", 3, eve.pk), ("t-lost", 1, eve.pk), ("t-won", 5, None), ("t-lost", 7, None)], 1)
        )
    whole, part = (figures.ask(actor, "t-rate", period="2018-01") for actor in (world.actor, seller))
    assert (whole.value, whole.hidden, whole.rows) == (Decimal("0.5"), 0, 4)
    assert (part.value, part.hidden, part.rows) == (Decimal("0.75"), 2, 2)
    figures.demand_agreement(seller, part)
