"""A real company's history through the product's own importer: every figure comes out of the KPIs to the cent, and by its drill.

What it shipped is held against sums made of the files by plain Python.
"""

import io
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest

from core import access, context, doctor, door, kpi, listings, query, read, registry
from core.models import Fact, OrgUnit, Role, TrailEntry, User
from crm.models import Account, Contact, Product
from erp.models import SalesOrder
from erp.rules import stock
from tests import people
from tests.servers import WORKER
from tests.transfer import northwind

ZERO = Decimal(0)

pytestmark = pytest.mark.skipif(not northwind.FOLDER.is_dir(), reason=northwind.MISSING)


@pytest.fixture(scope="module")
def said():
    return io.StringIO()


@pytest.fixture(scope="module")
def company(said):
    with context.bind(northwind.company(f"northwind{WORKER}", io.StringIO(), said)) as made:
        yield made


@pytest.fixture(scope="module")
def owner(company):
    return access.actor_for(people.owner_of(company))


@pytest.fixture(scope="module")
def expected():
    return northwind.expected()


def ask(actor, key="order-intake", **words):
    words = {"period": "all", **words}
    return door.reading(lambda: kpi.value(actor, kpi.definition(key), kpi.question(words)))


def drilled(actor, address):
    """The sum of the list of facts at a drill's address."""
    facts = registry.get("facts")
    return door.reading(lambda: query.page(actor, facts, listings.listing(parse_qsl(address))).sums["value"])


def by_label(answer):
    return {label: group.value for group in answer.groups for label in group.labels[-1:]}


def money(figures):
    return {label: Decimal(value) for label, value in figures.items()}


def test_total_and_count_are_exact_and_drill_down_to_themselves(owner, expected):
    intake, orders = ask(owner), ask(owner, "orders")
    assert intake.value == Decimal(expected["net_sales"]) == drilled(owner, intake.drill)
    assert orders.value == expected["orders"] == drilled(owner, orders.drill)
    assert intake.hidden == 0


@pytest.mark.parametrize(
    ("dimension", "figure"),
    [
        ("person", "net_sales_by_employee"), ("account", "net_sales_by_customer"), ("product_category", "net_sales_by_category"),
        ("product", "net_sales_by_product"), ("country", "net_sales_by_country"), ("month", "net_sales_by_month"),
    ],
)  # fmt: skip
def test_each_split_is_exact_and_each_part_drills_down_to_itself(owner, expected, dimension, figure):
    answer = ask(owner, group_by=dimension)
    known = money(expected[figure])
    key = (lambda g: g.keys[0]) if dimension in ("country", "month") else (lambda g: g.labels[0])
    found = {key(g): g for g in answer.groups}
    assert {label: found[label].value for label in known} == known
    assert sum(g.value for g in answer.groups) == answer.value == Decimal(expected["net_sales"])
    some = next(iter(known))
    assert drilled(owner, found[some].drill) == known[some]


def test_units_roll_up(owner, expected):
    answer = ask(owner, group_by="unit", rollup="true")
    assert {g.labels[0]: g.value for g in answer.groups} == money(expected["net_sales_by_unit_rolled_up"])
    top, below = answer.groups
    assert (top.labels, top.parent, below.parent) == (["Andrew Fuller"], None, top.keys[0])
    assert drilled(owner, below.drill) == below.value


def test_counts_and_sums_of_lists_give_orders_lines_units_and_freight(owner, expected):
    page = query.page(owner, registry.get("orders"), listings.listing([("count", "exact"), ("sum", "line_count,units,charges_total"), ("status", "confirmed")]))
    assert page.count == expected["orders"]
    assert page.sums == {"line_count": expected["lines"], "units": Decimal(expected["units"]), "charges_total": Decimal(expected["freight"])}


def test_the_api_says_the_same(company, owner, expected):
    api = people.api(people.owner_of(company), company)
    answer = api.get("kpis/order-intake/value/", {"period": "all", "group_by": "person"}).json()
    assert Decimal(answer["value"]) == Decimal(expected["net_sales"])
    assert {g["labels"][0]: Decimal(g["value"]) for g in answer["groups"]} == money(expected["net_sales_by_employee"])
    facts = api.get(answer["drill"]).json()
    assert Decimal(facts["sums"]["value"]) == Decimal(expected["net_sales"])
    orders = api.get("orders/", {"count": "exact", "sum": "line_count,units,charges_total", "limit": "1"}).json()
    assert orders["count"] == expected["orders"]
    assert {name: Decimal(value) for name, value in orders["sums"].items()} == {
        "line_count": expected["lines"], "units": Decimal(expected["units"]), "charges_total": Decimal(expected["freight"]),
    }  # fmt: skip


def test_what_was_known_at_an_earlier_day(owner, expected):
    known = ask(owner, as_of="1997-01-01", group_by="month")
    wanted = {m: v for m, v in money(expected["net_sales_by_month"]).items() if m < "1997-01"}
    assert {m: v for m, v in by_label(known).items() if m < "1997-01"} == wanted
    on_the_day = sum(f.value for f in Fact.objects.filter(measure="ordered", business_date="1997-01-01"))
    assert known.value == sum(wanted.values()) + on_the_day


def test_people_stand_in_their_units_with_their_roles(company, owner):
    fuller, buchanan, king = (User.objects.get(email=f"{name}@northwind.example") for name in ("andrew.fuller", "steven.buchanan", "robert.king"))
    assert fuller.unit == OrgUnit.objects.get(name="Andrew Fuller", manager=fuller, parent=None)
    assert buchanan.unit == OrgUnit.objects.get(name="Steven Buchanan", manager=buchanan, parent=fuller.unit)
    assert (king.unit, king.manager, buchanan.manager) == (buchanan.unit, buchanan, fuller)
    assert Role.objects.get(key="sales-manager") in fuller.roles.all() and Role.objects.get(key="sales") in king.roles.all()
    assert not king.check_password("") and not king.check_password(people.PASSWORD)
    assert OrgUnit.objects.count() == 2 and User.objects.count() == 10
    sold = Decimal(ask(access.actor_for(buchanan)).value)
    assert sold == Decimal(northwind.expected()["net_sales_by_unit_rolled_up"]["Steven Buchanan"])


def test_customers_suppliers_and_products_are_whole(owner):
    customer = Account.objects.get(external_id="ALFKI")
    assert (customer.name, customer.roles, customer.country, customer.city) == ("Alfreds Futterkiste", ["customer"], "DE", "Berlin")
    assert Contact.objects.get(name="Maria Anders", account=customer).title == "Sales Representative"
    assert Account.objects.filter(roles__contains=["customer"]).count() == 91
    assert Account.objects.filter(roles__contains=["supplier"]).count() == 29
    assert not Account.objects.filter(country="").exists()
    chai = Product.objects.get(sku="1")
    assert (chai.name, chai.category.name, chai.unit_price, chai.active) == ("Chai", "Beverages", Decimal(18), False)
    assert Product.objects.count() == 77


def test_orders_are_confirmed_in_the_order_of_their_dates_and_have_their_trail(owner):
    orders = SalesOrder.objects.order_by("order_date", "external_number")
    assert not orders.exclude(status="confirmed").exists()
    numbers = list(orders.filter(order_date__year=1997).values_list("number", flat=True))
    assert numbers == sorted(numbers) and numbers[0] == "SO-1997-00001"
    first = orders.get(external_number="10248")
    assert (first.account.name, first.owner.name, first.ship_country) == ("Vins et alcools Chevalier", "Steven Buchanan", "FR")
    assert [e.act for e in TrailEntry.objects.filter(about_id=first.pk).order_by("pk")] == ["add", "confirm", "deliver", "invoice"]
    assert set(TrailEntry.objects.filter(about_id=first.pk).values_list("channel", flat=True)) == {"import"}
    shown = read.present(owner, registry.get("orders"), [first])[0]
    assert [row.text("name") for row in shown.lines["charges"]] == ["Freight"]


def test_progress_is_told(company, said):
    told = said.getvalue()
    assert "Recognised a trading company's database in" in told and "orders: 830 of 830" in told and "Not used: employee_territories.csv" in told


# What was shipped


@pytest.fixture(scope="module")
def api(company):
    return people.api(people.owner_of(company), company)


@pytest.fixture(scope="module")
def lines():
    return northwind.shipped()


def figure(api, key, **words):
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
    answer = figure(api, key, group_by="month")
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
        assert {g["labels"][0]: Decimal(g["value"]) for g in figure(api, key, group_by=dimension)["groups"]} == wanted


def test_orders_left_in_time_as_the_files_say(api):
    expected = northwind.expected()
    answer = figure(api, "on-time-delivery")
    on_time, due = (Decimal(api.get(answer["drills"][part]).json()["sums"]["value"]) for part in ("numerator", "denominator"))
    assert (on_time, due) == (expected["orders_shipped_on_time"], expected["orders_shipped"])
    assert Decimal(answer["value"]) == (on_time / due).quantize(Decimal("0.000001"))
    waiting = [o for o in everything(api, "orders") if any(Decimal(line["open"]) for line in o["lines"])]
    assert len(waiting) == expected["orders_not_shipped"]


def test_everything_billed_is_receivable_with_its_freight(api, lines):
    freight = sum(Decimal(row["freight"]) for row in northwind.rows("orders") if row["shipped_date"])
    assert Decimal(figure(api, "receivables")["value"]) == sum(line["net"] for line in lines) + freight
    page = api.get("invoices/", {"count": "exact", "sum": "charges_total,net,open", "status": "posted", "limit": "1"}).json()
    assert page["count"] == northwind.expected()["orders_shipped"]
    assert Decimal(page["sums"]["charges_total"]) == freight
    assert Decimal(figure(api, "cash-received")["value"]) == 0


def test_nobody_says_what_it_cost_so_there_is_no_margin(api, lines):
    answer = figure(api, "gross-margin")
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
        assert Decimal(figure(api, key, as_of="1997-06-30")["value"]) == known


def test_the_doctor_finds_nothing(company):
    report = doctor.examine()
    assert [(r.name, r.error, [str(d) for d in r.found[:3]]) for r in report.results if r.differences or r.error] == []
