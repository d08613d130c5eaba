"""KPIs nobody thought of: random definitions over records and facts, asked at random by everybody, each number against its own lists (N1)."""

import os
import random
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest

from core import access, door, kpi, registry, structures, write
from core.errors import Denied, RuleError
from tests import people
from tests.erp import figures
from tests.kpi import drills

LONG = bool(os.environ.get("ODOS_LONG"))
KPIS = 1000 if LONG else 25
RECORDS = 400 if LONG else 40
PARTS = 1000 if LONG else 6  # of each answer whose lists are read one by one
COMPUTED = {"margin": "amount - cost", "big": "amount > 500", "each": "amount / seats", "due_on": "close_date"}


def create(actor: Any, slug: str, **values: Any) -> Any:
    return people.writing(lambda: write.create(actor, registry.get(slug), values))


def act(actor: Any, slug: str, ident: Any, name: str, **data: Any) -> Any:
    return people.writing(lambda: write.act(actor, registry.get(slug), ident, name, data))


@pytest.fixture(scope="module")
def readers(company, alice):
    """The owner, a manager of a unit, a seller in it, one who may read everything, and one whose grants leave out rows and fields."""
    owner = access.actor_for(alice)
    unit = create(owner, "org-units", name="North", parent=str(alice.unit_id))
    made = [people.new_user(name, role, unit=str(unit.pk)) for name, role in (("Mia", "sales-manager"), ("Bob", "sales"))]
    create(owner, "custom-fields", type="opportunities", key="seats", kind="number", label="Seats")
    sees = {"actions": ["view"], "scope": "all"}
    grants = [
        {"type": "opportunities", **sees, "filter": ["amount", "gt", "300"], "hidden": ["seats"]}, {"type": "orders", **sees, "filter": ["net", "gte", "20"]},
        {"type": "accounts", **sees, "filter": ["country", "eq", "DE"]}, {"type": "activities", **sees}, {"type": "users", **sees},
    ]  # fmt: skip
    role = create(owner, "roles", name="Partly", grants=grants)
    partly = create(owner, "users", name="Dan", email="dan.partly@example.com", password=people.PASSWORD, roles=[str(role.pk)])
    return [owner, *(access.actor_for(u) for u in made), access.actor_for(people.new_user("Carol", "read-only")), access.actor_for(partly)]


@pytest.fixture(scope="module")
def records(company, readers):
    """Opportunities in two currencies with fields of the company's own, computed ones too, activities, and confirmed orders, spread over two years."""
    rng, owner, today = random.Random(5), readers[0], structures.today()
    create(owner, "custom-fields", type="opportunities", key="partner", kind="ref", target="accounts", label="Partner")
    grades = {"options": [{"key": k, "label": k} for k in "ab"]}
    for key, kind, more in (("grade", "choice", grades), ("listed", "yesno", {}), ("backer", "user", {}), ("site", "address", {})):
        create(owner, "custom-fields", type="accounts", key=key, kind=kind, label=key.title(), **more)
    for key, kind, more in (
        ("cost", "money", {}), ("hot", "yesno", {}), ("demo_on", "date", {}),
        ("size", "choice", {"options": [{"key": k, "label": k.title()} for k in ("small", "large")]}),
        *((key, "formula", {"formula": text}) for key, text in COMPUTED.items()),
    ):
        create(owner, "custom-fields", type="opportunities", key=key, kind=kind, label=key.title(), **more)
    deals = {"type": "opportunities", "field": "account"}
    for key, more in (("deals", {"aggregate": "count"}), ("worth", {"aggregate": "sum", "of": "amount"}), ("hottest", {"aggregate": "max", "of": "seats"})):
        create(owner, "custom-fields", type="accounts", key=key, kind="rollup", label=key.title(), rollup={**deals, **more})
    other = "USD" if company.currency != "USD" else "EUR"
    create(owner, "exchange-rates", currency=other, date="2000-01-01", rate="0.9")
    sellers = [str(r.id) for r in readers[:3]]
    accounts = []
    for n in range(5):
        own = {
            "industry": rng.choice(["Retail", "retail", ""]), "grade": rng.choice("ab"), "listed": rng.random() < 0.5, "backer": rng.choice(sellers),
            "site": {"city": rng.choice(["Kiel", "Ulm"]), "country": rng.choice(["DE", "AT"])},
        }  # fmt: skip
        some = {k: v for k, v in own.items() if rng.random() < 0.7}
        accounts.append(create(owner, "accounts", name=f"Account {n}", country=["DE", "CN", ""][n % 3], owner=rng.choice(sellers), **some).pk)

    def some_day() -> date:
        return today - timedelta(days=rng.randrange(760))

    for n in range(RECORDS):
        own = {
            "seats": str(rng.randrange(9)), "cost": f"{rng.randrange(90_000) / 100:.2f}", "hot": rng.random() < 0.5, "size": rng.choice(["small", "large"]),
            "demo_on": str(some_day()), "partner": str(rng.choice(accounts)),
        }  # fmt: skip
        create(
            owner, "opportunities", name=f"Deal {n}", account=str(rng.choice(accounts)), amount=f"{rng.randrange(100_000) / 100:.2f}",
            owner=rng.choice(sellers), currency=rng.choice([company.currency, other]), close_date=str(some_day()),
            **{k: v for k, v in own.items() if rng.random() < 0.7},
        )  # fmt: skip
        create(
            owner, "activities", kind=rng.choice(["call", "task"]), subject=f"Call {n}", owner=rng.choice(sellers), done=rng.random() < 0.5,
            **({"due_at": f"{some_day()}T09:30:00Z"} if rng.random() < 0.8 else {}),
        )  # fmt: skip
    for _order in range(RECORDS // 4):
        lines = [{"description": "x", "quantity": str(rng.randrange(1, 5)), "unit_price": f"{rng.randrange(1000) / 10:.2f}"}]
        order = create(owner, "orders", account=str(rng.choice(accounts)), owner=rng.choice(sellers), lines=lines)
        act(owner, "orders", order.pk, "confirm", date=str(some_day()))
    return accounts


FIELDS = {
    "opportunities": (
        ["amount", "seats", "probability", "base_amount", "cost", "margin", "each"], ["close_date", "created_at", "demo_on", "due_on"],
        ["owner", "size", "account", "lead_source", "amount", "big", "margin", "partner"],
    ),
    "accounts": (["deals", "worth", "hottest"], ["created_at"], ["country", "owner", "deals"]),
    "activities": ([], ["due_at", "created_at"], ["owner", "kind", "subject"]),
    "orders": (["net", "base_net"], ["created_at"], ["account", "owner", "status"]),
}
FILTERS = {
    "opportunities": [["hot", "eq", True], ["amount", "gt", "300"], {"any": [["size", "eq", "small"], ["seats", "lt", "4"]]}, ["account.country", "eq", "DE"],
                      ["margin", "gt", "0"], ["big", "eq", True], ["account.deals", "gt", "2"]],
    "accounts": [["worth", "gt", "500"], ["deals", "gte", "1"]],
    "activities": [["done", "eq", False], ["kind", "eq", "call"]],
    "orders": [["status", "eq", "confirmed"], ["net", "gte", "50"]],
}


def piece(rng: random.Random, bottom: bool = False) -> dict:
    over = rng.choice(["period", "period", "period", "until", 90])
    if rng.random() < 0.3:
        measures, aggregate = rng.sample(["ordered", "orders", "discount"], rng.choice([1, 2])), rng.choice(["sum", "count", "average", "max", "median"])
        made = {"of": {"measure": measures}, "aggregate": aggregate, "over": over}
        if rng.random() < 0.2:
            made |= {"aggregate": "distinct", "field": rng.choice(["account", "person"])}
        return made
    slug = rng.choice(list(FIELDS))
    numbers, dates, others = FIELDS[slug]
    aggregate = rng.choice(["count", "distinct", *(["sum", "average", "min", "max", "median"] if numbers else [])])
    made = {"of": {"type": slug}, "aggregate": aggregate, "date": rng.choice(dates), "over": over}
    if aggregate != "count":
        made["field"] = rng.choice(others if aggregate == "distinct" else numbers)
    if rng.random() < 0.5:
        made["filter"] = rng.choice(FILTERS[slug])
    return made


def definition(rng: random.Random) -> dict:
    made, luck = piece(rng), rng.random()
    if luck < 0.3:
        return made | {"per": piece(rng), "scale": rng.choice([1, 100])}
    if luck < 0.45:
        return made | {"then": rng.choice(["year-on-year", "running", {"average": 3}]), "over": "period"}
    return made


def question(rng: random.Random, reader: Any, wanted: kpi.Definition, accounts: list) -> kpi.Question:
    today = structures.today()
    periods = ["all", "this-month", str(today.year), f"{today.year - 1}-Q4", f"{today - timedelta(days=400)}..{today - timedelta(days=3)}", "last-30-days"]
    period = rng.choice(periods)
    times = [d for d in wanted.dimensions if wanted.dimension(d).period]
    members = [d for d in wanted.dimensions if not wanted.dimension(d).period]
    beyond = [d.key for d in kpi.further(reader, wanted)]
    by = rng.choice([
        [], [rng.choice(times)], *([[rng.choice(members)], [rng.choice(members), rng.choice(times)]] if members else []),
        *([[rng.choice(beyond)], [rng.choice(beyond), rng.choice(times)], rng.sample(beyond, 2)] if len(beyond) > 1 else []),
    ])  # fmt: skip
    filters = [None, None, ["month", "eq", f"{today:%Y-%m}"]]
    if "account" in wanted.dimensions:
        filters.append(["account", "in", [str(a) for a in accounts[:2]]])
    if "owner" in wanted.dimensions:
        filters.append(["owner", "empty", False])
    return kpi.Question(period, tuple(by), rng.choice(filters))


def test_whatever_figure_is_built_and_asked_its_lists_say_the_same(readers, records):
    rng, told, refused = random.Random(20), 0, 0
    for n in range(KPIS):
        given = definition(rng)
        row = create(readers[0], "kpis", name=f"Random {n}", definition=given)
        wanted = kpi.definition(row.key)
        for reader in readers:
            asked = door.reading(lambda reader=reader, wanted=wanted: question(rng, reader, wanted, records))
            try:
                answer = door.reading(lambda reader=reader, wanted=wanted, asked=asked: kpi.value(reader, wanted, asked))
            except (Denied, RuleError):
                refused += 1
                continue
            told += answer.value is not None
            drills.demand_agreement(reader, answer, PARTS)
            drills.demand_partition(answer)
    assert told > KPIS * 2 and refused < KPIS * 2


def split(actor: Any, key: str, *by: str, **asked: Any) -> dict[Any, Any]:
    """Members of a figure of all there is and what they come to, each as its list says."""
    answer = door.reading(lambda: kpi.value(actor, kpi.definition(key), kpi.Question("all", by, **asked)))
    (drills if answer.definition.composed else figures).demand_agreement(actor, answer)
    (drills if answer.definition.composed else figures).demand_partition(answer)
    return {g.keys[0] if len(by) == 1 else tuple(g.keys): g.value for g in answer.groups}


def test_records_are_split_by_the_fields_of_those_they_refer_to(readers, records):
    """Of the account, its own fields, what an own reference leads to: where it leads to nothing one sees, there is nothing."""
    owner, partly = readers[0], readers[4]
    create(owner, "kpis", key="any-deals", name="Any deals", definition={"of": {"type": "opportunities"}, "aggregate": "count"})
    seen = list(door.reading(lambda: list(access.rows(owner, registry.get("opportunities")).select_related("account"))))
    by_account = Counter(d.account.industry or None for d in seen)
    assert len(by_account) > 1 and split(owner, "any-deals", "account.industry") == by_account
    assert split(owner, "any-deals", "account.grade") == Counter(d.account.custom.get("grade") for d in seen)
    assert split(owner, "any-deals", "account.site.country") == Counter((d.account.custom.get("site") or {}).get("country") for d in seen)
    assert split(owner, "any-deals", "account.owner") == Counter(d.account.owner_id for d in seen)
    held = {str(a.pk): a for a in door.reading(lambda: list(access.rows(owner, registry.get("accounts"))))}
    led = Counter(held[p].country or None if (p := d.custom.get("partner")) else None for d in seen)
    assert split(owner, "any-deals", "partner.country") == led
    create(owner, "kpis", key="any-accounts", name="Any accounts", definition={"of": {"type": "accounts"}, "aggregate": "count"})
    assert split(owner, "any-accounts", "site.city") == Counter((a.custom.get("site") or {}).get("city") for a in held.values()), "a part of its own"
    german = {pk for pk, a in held.items() if a.country == "DE"}
    mine = door.reading(lambda: list(access.rows(partly, registry.get("opportunities"))))
    told = split(partly, "any-deals", "account.country")
    assert told == Counter("DE" if str(d.account_id) in german else None for d in mine) and told[None], "an account out of sight says nothing"
    assert split(partly, "any-deals", "partner.country") == Counter("DE" if d.custom.get("partner") in german else None for d in mine)


def test_facts_are_split_by_the_fields_of_those_they_are_of(readers, records):
    """A shipped figure and one of another aggregate, by the account's fields and its owner's."""
    owner, partly = readers[0], readers[4]
    create(owner, "kpis", key="largest", name="Largest", definition={"of": {"measure": "ordered"}, "aggregate": "max"})
    for reader in (owner, partly):
        for key in ("order-intake", "largest"):
            for by in (["account.industry"], ["account.grade", "month"], ["account.backer", "account.listed"], ["person.unit"]):
                assert split(reader, key, *by)


def test_what_a_reader_does_not_see_he_does_not_split_by(readers, records):
    """Hidden fields, records of a type he sees none of, and steps too many are refused with what there is; nobody is offered them."""
    create(readers[0], "kpis", key="more-deals", name="More deals", definition={"of": {"type": "opportunities"}, "aggregate": "count"})
    view = {"actions": ["view"], "scope": "all"}
    for name, grants in (
        ("Blind", [{"type": "opportunities", **view}, {"type": "accounts", **view, "hidden": ["industry"]}]), ("Bare", [{"type": "opportunities", **view}]),
        ("Closed", [{"type": "opportunities", **view, "hidden": ["account"]}, {"type": "accounts", **view}]),
    ):  # fmt: skip
        role = create(readers[0], "roles", name=name, grants=grants)
        reader = access.actor_for(people.new_user(name, roles=[str(role.pk)]))
        assert "account.industry" not in door.reading(lambda reader=reader: [d.key for d in kpi.further(reader, kpi.definition("more-deals"))])
        with pytest.raises(RuleError):
            split(reader, "more-deals", "account.industry")
    wrong = ("account.name", "account.owner.unit", "account.nothing", "account.", "account.site", "account.site.street", "account.id")
    for key in (*wrong, "month.name", "nothing.industry"):
        with pytest.raises(RuleError):
            split(readers[0], "more-deals", key)


def test_each_reader_gets_his_own_number_and_a_count_of_what_is_left_out_that_tells_nothing(readers, records):
    count = {"of": {"type": "opportunities"}, "aggregate": "count"}
    create(readers[0], "kpis", key="deals", name="Deals", definition=count)
    everything, bobs = (door.reading(lambda r=r: kpi.value(r, kpi.definition("deals"), kpi.Question("all"))) for r in (readers[0], readers[2]))
    assert everything.value == RECORDS and everything.hidden == 0
    assert 0 < bobs.value < RECORDS and bobs.hidden == RECORDS - bobs.value
    for limit in ("0", "500", "100000"):
        row = create(readers[0], "kpis", name=f"Above {limit}", definition=count | {"filter": ["amount", "gt", limit]})
        narrowed = door.reading(lambda row=row: kpi.value(readers[2], kpi.definition(row.key), kpi.Question("all")))
        assert narrowed.hidden == bobs.hidden, "what is left out follows no condition: it would tell what it says"


def test_records_have_no_past_and_facts_do(readers, records):
    create(readers[0], "kpis", key="calls", name="Calls", definition={"of": {"type": "activities"}, "aggregate": "count"})
    create(readers[0], "kpis", key="biggest", name="Biggest", definition={"of": {"measure": "ordered"}, "aggregate": "max"})
    with pytest.raises(RuleError, match="earlier"):
        door.reading(lambda: kpi.value(readers[0], kpi.definition("calls"), kpi.Question("all", as_of="2020-01-01")))
    before = door.reading(lambda: kpi.value(readers[0], kpi.definition("biggest"), kpi.Question("all", as_of="2020-01-01")))
    assert before.value is None and before.rows == 0
