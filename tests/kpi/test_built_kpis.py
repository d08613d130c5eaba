"""A KPI is built, changed and asked through the API; what makes no sense is refused in a sentence, what cannot be divided has no value."""

import pytest

from core import registry
from tests import factories, people

DEALS = {"of": {"type": "opportunities"}, "aggregate": "count", "date": "close_date"}


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


@pytest.fixture(scope="module")
def deals(api):
    """Three deals: 100 and 300 in March, 500 in April."""
    account = factories.make("accounts", api)["id"]
    told = [("100", "2026-03-02"), ("300", "2026-03-31"), ("500", "2026-04-01")]
    return [factories.make("opportunities", api, account=account, amount=a, close_date=d, probability="0.5")["id"] for a, d in told]


def build(api, **values):
    response = api.post("kpis/", values)
    assert response.status_code == 201, response.content
    return response.json()["key"]


def value(api, key, query="period=2026-03", status=200):
    response = api.get(f"kpis/{key}/value/?{query}")
    assert response.status_code == status, response.content
    return response.json()


def listed(api, drill):
    found = api.get(drill).json()
    return found["count"], found.get("sums")


EACH = [("sum", "400.00"), ("average", "200.00"), ("min", "100.00"), ("max", "300.00"), ("median", "200.00"), ("distinct", "2")]


@pytest.mark.parametrize(("aggregate", "told"), EACH)
def test_each_aggregate_over_records(api, deals, aggregate, told):
    key = build(api, name=f"Amounts {aggregate}", definition={**DEALS, "aggregate": aggregate, "field": "amount"})
    answer = value(api, key)
    assert answer["value"] == told and answer["lineage"]["rows"] == 2 == listed(api, answer["drill"])[0]
    months = value(api, key, "period=2026&group_by=month")["groups"]
    assert [g["keys"] for g in months] == [["2026-03"], ["2026-04"]] and months[0]["value"] == told
    assert months[1]["value"] == ("1" if aggregate == "distinct" else "500.00")


def test_a_ratio_a_running_total_an_average_and_a_change(api, deals):
    per = build(api, name="Mean deal", definition={**DEALS, "aggregate": "sum", "field": "amount", "per": DEALS}, format="money")
    assert value(api, per)["value"] == "200.00" and value(api, per, "period=2020")["value"] is None
    drills = value(api, per)["drills"]
    assert listed(api, drills["numerator"])[1] == {"base_amount": "400.00"} and listed(api, drills["denominator"])[0] == 2
    running = build(api, name="So far", definition={**DEALS, "then": "running"})
    assert [g["value"] for g in value(api, running, "period=2026&group_by=month")["groups"]][:2] == ["2", "3"]
    average = build(api, name="Two months", definition={**DEALS, "then": {"average": 2}})
    assert value(api, average, "period=2026-04")["value"] == "1.5" and value(api, average, "period=2026-03")["value"] == "1"
    assert value(api, average, "period=all")["value"] is None
    change = build(api, name="Growth", definition={**DEALS, "then": "year-on-year"})
    assert value(api, change)["value"] is None, "there was nothing a year ago"
    assert value(api, change)["measured_in"] == "ratio"
    balance = build(api, name="Ever", definition={**DEALS, "over": "until"})
    assert value(api, balance, "period=2026-04")["value"] == "3"


def test_facts_are_counted_too_and_keep_their_past(api):
    orders = [factories.make("orders", api, lines=[{"description": "x", "quantity": "1", "unit_price": p}]) for p in ("10", "30")]
    for order in orders:
        assert api.post(f"{order['url']}confirm/", {"date": "2026-03-09"}).status_code == 200
    key = build(api, name="Middle", definition={"of": {"measure": "ordered"}, "aggregate": "median"})
    answer = value(api, key)
    assert answer["value"] == "20.00" and listed(api, answer["drill"])[0] == 2
    assert value(api, key, f"period=2026-03&as_of={answer['as_of']}")["value"] == "20.00"
    plain = build(api, name="Ordered again", definition={"of": {"measure": ["ordered"]}})
    assert value(api, plain)["value"] == value(api, "order-intake")["value"] == "40.00"
    rate = build(api, name="Per order", definition={"of": {"measure": "ordered"}, "per": {"of": {"measure": "orders"}}})
    assert value(api, rate)["value"] == "20.00" and value(api, rate)["drills"]


@pytest.mark.parametrize("definition", [
    None, 3, {}, {"of": {"type": "nothing"}}, {"of": {"measure": "nothing"}}, {**DEALS, "aggregate": "mode"}, {**DEALS, "aggregate": "sum"},
    {**DEALS, "aggregate": "sum", "field": "name"}, {**DEALS, "date": "name"}, {**DEALS, "filter": ["nothing", "eq", "1"]}, {**DEALS, "filter": "x"},
    {**DEALS, "over": "later"}, {**DEALS, "over": 0}, {**DEALS, "then": "back"}, {**DEALS, "then": {"average": 1}}, {**DEALS, "scale": 0}, {**DEALS, "per": 3},
    {**DEALS, "more": 1}, {**DEALS, "per": DEALS, "then": "year-on-year"}, {**DEALS, "over": "until", "then": "running"}, {"of": {"measure": []}},
    {"of": {"type": ["opportunities"]}}, {"of": {"measure": [{}]}}, {**DEALS, "aggregate": ["count"]}, {**DEALS, "field": 5, "aggregate": "sum"},
    {"of": {"type": "facts"}, "aggregate": "count"}, {**DEALS, "aggregate": "sum", "field": "weighted_nothing"},
])
def test_what_makes_no_sense_is_refused_in_a_sentence(api, definition):
    response = api.post("kpis/", {"name": "Wrong", "definition": definition})
    assert response.status_code == 422, response.content
    assert all(s.strip() for found in response.json()["errors"].values() for s in found)


@pytest.mark.parametrize("wrong", [
    {"thresholds": [{"from": "9", "tone": "late"}, {"from": "1", "tone": "good"}]}, {"thresholds": [{"from": "x", "tone": "late"}]}, {"thresholds": {"a": 1}},
    {"thresholds": [{"from": "1", "tone": "pink"}]}, {"format": "roman"}, {"key": "Sh out"}, {"labels": {"zh-Hans": 3}}, {"name": ""},
])
def test_a_figure_is_dressed_sensibly(api, wrong):
    assert api.post("kpis/", {"name": "Dressed", "definition": DEALS, **wrong}).status_code == 422


def test_a_name_may_be_anything_and_makes_a_key(api):
    keys = [build(api, name=name, definition=DEALS) for name in ("成交 “数”", "x" * 200, "Twice", "Twice")]
    assert len(set(keys)) == 4 and all(k.isascii() for k in keys)
    labelled = build(api, name="Deals", labels={"zh-Hans": "商机数"}, definition=DEALS)
    assert api.get(f"kpis/{labelled}/").json()["name"] == "Deals"
    assert api.client.get("/api/v1/kpis/", HTTP_ACCEPT_LANGUAGE="zh-hans").status_code in (200, 401)


def test_a_figure_is_changed_by_its_key_with_its_version_and_a_shipped_one_keeps_what_it_is(api, deals):
    key = build(api, name="Changing", definition=DEALS)
    read = api.get(f"kpis/{key}/")
    assert read["ETag"] == '"1"' and read.json()["definition"]["aggregate"] == "count" and "Opportunities" in read.json()["formula"]
    assert api.patch(f"kpis/{key}/", {"name": "Changed"}, 1).status_code == 200
    assert api.patch(f"kpis/{key}/", {"name": "Late"}, 1).status_code == 412
    assert api.patch("kpis/order-intake/", {"definition": DEALS}, If_Match="*").status_code == 422
    assert api.patch("kpis/order-intake/", {"thresholds": [{"from": "10", "tone": "good"}]}, If_Match="*").status_code == 200
    assert api.get("kpis/order-intake/").json()["thresholds"] == [{"from": "10", "tone": "good"}]
    assert api.post(f"kpis/{key}/archive/").status_code == 200
    assert api.get(f"kpis/{key}/").status_code == 404 == api.get(f"kpis/{key}/value/").status_code


def test_who_may_not_see_what_it_is_made_of_does_not_see_the_figure(api, company, deals):
    key = build(api, name="Secret sum", definition={**DEALS, "aggregate": "sum", "field": "amount"})
    filtered = build(api, name="Where rich", definition={**DEALS, "filter": ["amount", "gt", "1"]})
    count = build(api, name="How many", definition=DEALS)
    grant = {"type": "opportunities", "actions": ["view"], "scope": "all", "hidden": ["amount", "base_amount"]}
    role = factories.make("roles", api, name="Blind", grants=[grant])
    blind = people.api(people.new_user("Blind", roles=[role["id"]]), company)
    other = people.api(people.new_user("Other"), company)
    for hidden in (key, filtered):
        assert blind.get(f"kpis/{hidden}/value/").status_code == 403 and blind.get(f"kpis/{hidden}/").status_code == 404
    assert value(blind, count)["value"] == "2"
    assert value(blind, count, 'filter=["amount","gt","1"]', 422)["errors"]
    assert other.get(f"kpis/{count}/value/").status_code == 403
    names = {one["key"] for one in blind.get("kpis/").json()["results"]}
    assert count in names and not {key, filtered} & names


def test_an_object_of_ones_own_is_counted_like_every_other(api):
    assert api.post("custom-objects/", {"key": "test-rides", "label": "Test ride", "plural": "Test rides"}).status_code == 201
    assert api.post("custom-fields/", {"type": "test-rides", "key": "km", "kind": "number", "label": "Distance"}).status_code == 201
    for km in ("3", "4.5", None):
        assert api.post("test-rides/", {"name": "Ride", **({"km": km} if km else {})}).status_code == 201
    key = build(api, name="Kilometres", unit_of_measure="km", definition={"of": {"type": "test-rides"}, "aggregate": "sum", "field": "km"})
    answer = value(api, key, "")
    assert answer["value"] == "7.5" and answer["measured_in"] == "km" and listed(api, answer["drill"]) == (2, {"km": "7.5"})
    assert [g["labels"] for g in value(api, key, "group_by=owner")["groups"]] == [["Alice"]]
    assert registry.get("test-rides") is not None
