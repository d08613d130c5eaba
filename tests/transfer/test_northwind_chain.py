"""What Northwind shipped: deliveries, invoices and stock through the API, against sums made of the files by plain Python."""

import io
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest

from core import context, doctor
from erp.rules import stock
from tests import people
from tests.servers import WORKER
from tests.transfer import northwind

pytestmark = pytest.mark.skipif(not northwind.FOLDER.is_dir(), reason=northwind.MISSING)
ZERO = Decimal(0)


@pytest.fixture(scope="module")
def company():
    with context.bind(northwind.company(f"northchain{WORKER}", io.StringIO(), io.StringIO())) as made:
        yield made


@pytest.fixture(scope="module")
def api(company):
    return people.api(people.owner_of(company), company)


@pytest.fixture(scope="module")
def lines():
    return northwind.shipped()


def ask(api, key, **words):
    answer = api.get(f"kpis/{key}/value/", {"period": "all", **words})
    assert answer.status_code == 200, answer.content
    return answer.json()


def everything(api, slug, **words):
    """All records of a list, page by page."""
    found, page = [], api.get(f"{slug}/", {"limit": "200", **words}).json()
    found += page["results"]
    while page["next"]:
        page = api.get(page["next"]).json()
        found += page["results"]
    return found


def by_month(lines):
    sums = defaultdict(lambda: ZERO)
    for line in lines:
        sums[line["shipped_date"][:7]] += line["net"]
    return dict(sums)


@pytest.mark.parametrize("key", ["delivered", "invoiced-net"])
def test_what_was_shipped_was_delivered_and_billed_to_the_cent(api, lines, key):
    answer = ask(api, key, group_by="month")
    assert Decimal(answer["value"]) == sum(line["net"] for line in lines)
    assert {g["keys"][0]: Decimal(g["value"]) for g in answer["groups"] if Decimal(g["value"])} == by_month(lines)
    assert Decimal(api.get(answer["drill"]).json()["sums"]["value"]) == Decimal(answer["value"])


@pytest.mark.parametrize("key", ["delivered", "invoiced-net"])
def test_products_and_employees_have_their_part(api, lines, key):
    products = {row["product_id"]: row["product_name"] for row in northwind.rows("products")}
    names = {row["employee_id"]: f"{row['first_name']} {row['last_name']}" for row in northwind.rows("employees")}
    for dimension, label in (("product", lambda line: products[line["product_id"]]), ("person", lambda line: names[line["employee_id"]])):
        wanted = defaultdict(lambda: ZERO)
        for line in lines:
            wanted[label(line)] += line["net"]
        assert {g["labels"][0]: Decimal(g["value"]) for g in ask(api, key, group_by=dimension)["groups"]} == wanted


def test_orders_left_in_time_as_the_files_say(api):
    expected = northwind.expected()
    answer = ask(api, "on-time-delivery")
    on_time, due = (Decimal(api.get(answer["drills"][part]).json()["sums"]["value"]) for part in ("numerator", "denominator"))
    assert (on_time, due) == (expected["orders_shipped_on_time"], expected["orders_shipped"])
    assert Decimal(answer["value"]) == (on_time / due).quantize(Decimal("0.000001"))
    waiting = [o for o in everything(api, "orders") if any(Decimal(line["open"]) for line in o["lines"])]
    assert len(waiting) == expected["orders_not_shipped"]


def test_everything_billed_is_receivable_with_its_freight(api, lines):
    freight = sum(Decimal(row["freight"]) for row in northwind.rows("orders") if row["shipped_date"])
    assert Decimal(ask(api, "receivables")["value"]) == sum(line["net"] for line in lines) + freight
    page = api.get("invoices/", {"count": "exact", "sum": "charges_total,net,open", "status": "posted", "limit": "1"}).json()
    assert page["count"] == northwind.expected()["orders_shipped"]
    assert Decimal(page["sums"]["charges_total"]) == freight
    assert Decimal(ask(api, "cash-received")["value"]) == 0


def test_nobody_says_what_it_cost_so_there_is_no_margin(api, lines):
    answer = ask(api, "gross-margin")
    assert answer["value"] is None
    assert answer["lineage"]["without_cost"] == len(lines)


def test_what_lies_in_stock_is_what_the_files_say(api):
    on_hand = {row["product_id"]: int(row["units_in_stock"]) for row in northwind.rows("products")}
    skus = {row["id"]: row["sku"] for row in everything(api, "products")}
    levels = {skus[row["product"]["id"]]: row for row in everything(api, "stock-levels")}
    assert {sku: Decimal(levels[sku]["on_hand"]) if sku in levels else ZERO for sku in on_hand} == on_hand
    open_units = Counter()
    waiting = {row["order_id"] for row in northwind.rows("orders") if not row["shipped_date"]}
    for line in northwind.rows("order_details"):
        if line["order_id"] in waiting:
            open_units[line["product_id"]] += int(line["quantity"])
    assert {sku: Decimal(row["reserved"]) for sku, row in levels.items() if Decimal(row["reserved"])} == open_units
    assert stock.differences() == []


def test_opening_stock_came_in_before_the_first_order(api):
    receipts = everything(api, "stock-moves", kind="receipt")
    day = date.fromisoformat(min(row["order_date"] for row in northwind.rows("orders"))) - timedelta(days=1)
    assert {row["date"] for row in receipts} == {day.isoformat()}
    left = Counter()
    for line in northwind.shipped():
        left[line["product_id"]] += int(line["quantity"])
    skus = {row["id"]: row["sku"] for row in everything(api, "products")}
    wanted = {row["product_id"]: int(row["units_in_stock"]) + left[row["product_id"]] for row in northwind.rows("products")}
    assert {skus[row["product"]["id"]]: Decimal(row["quantity"]) for row in receipts} == {sku: n for sku, n in wanted.items() if n}


def test_documents_carry_the_day_of_shipping_and_the_past_knows_them(api, lines):
    days = {row["order_id"]: row["shipped_date"] for row in northwind.rows("orders") if row["shipped_date"]}
    orders = {row["id"]: row["external_number"] for row in everything(api, "orders")}
    assert {orders[row["order"]["id"]]: row["date"] for row in everything(api, "deliveries", status="shipped")} == days
    assert {orders[row["order"]["id"]]: row["invoice_date"] for row in everything(api, "invoices", status="posted")} == days
    known = sum(line["net"] for line in lines if line["shipped_date"] <= "1997-06-30")
    for key in ("delivered", "invoiced-net"):
        assert Decimal(ask(api, key, as_of="1997-06-30")["value"]) == known


def test_the_doctor_finds_nothing(company):
    report = doctor.examine()
    assert [(r.name, r.error, [str(d) for d in r.found[:3]]) for r in report.results if r.differences or r.error] == []
