"""The example of the issue, through the API: one quote, two orders, two currencies, and every figure it must come to.

The company counts in EUR; a dollar is worth 0.90, then 0.95. Dates lie in the past, so that balances have been reached.
"""

from decimal import Decimal

import pytest

from core import context
from tests import people
from tests.erp import trading
from tests.erp.trading import add, allocate, bill, do, figure, ok, pay, read, ship

D = Decimal


@pytest.fixture(scope="module")
def company():
    with context.bind(people.new_company(currency="EUR", country="DE")) as made:
        yield made


@pytest.fixture(scope="module")
def api(company):
    return people.api(people.owner_of(company), company)


def amounts(document: dict, *names: str) -> tuple[Decimal, ...]:
    return tuple(D(document[name]) for name in names or ("net", "tax", "total"))


def test_the_worked_example(api):
    tax = add(api, "tax-codes", code="VAT 19", rate="0.19")
    a = trading.product(api, "100.00", cost="60.00", tax_code=tax["id"])
    b = trading.product(api, "9.99", cost="4.00", tax_code=tax["id"])
    for day, rate in (("2026-01-01", "0.90"), ("2026-03-01", "0.95")):
        add(api, "exchange-rates", currency="USD", date=day, rate=rate)
    customer = add(api, "accounts", name="Customer", roles=["customer"], payment_days=30)

    quote = add(api, "quotes", account=customer["id"], lines=[
        {"product": a["id"], "quantity": "10", "discount": "0.05"}, {"product": b["id"], "quantity": "7"},
    ])  # fmt: skip
    assert amounts(quote) == (D("1019.93"), D("193.79"), D("1213.72"))
    do(api, "quotes", quote, "send")
    do(api, "quotes", quote, "accept")
    order = do(api, "orders", do(api, "quotes", quote, "order", 201), "confirm", date="2026-01-10")
    assert amounts(order) == amounts(quote)
    assert figure(api, "order-intake") == D("1019.93")

    delivery = ship(api, order, "2026-01-15", {0: "4", 1: "7"})
    first = bill(api, order, "2026-01-16")
    assert amounts(first) == (D("449.93"), D("85.49"), D("535.42"))
    ship(api, order, "2026-01-20", {0: "6"})
    back = do(api, "deliveries", delivery, "return", 201, lines=[{"delivery_line": delivery["lines"][0]["id"], "quantity": "1"}])
    do(api, "deliveries", back, "ship", date="2026-01-22")
    note = do(api, "invoices", first, "credit", 201, lines=[{"invoice_line": first["lines"][0]["id"], "quantity": "1"}])
    note = do(api, "credit-notes", note, "post", date="2026-01-23")
    assert amounts(note, "net", "tax") == (D("95.00"), D("18.05"))
    second = bill(api, order, "2026-01-25")
    assert [D(row["quantity"]) for row in second["lines"]] == [D(6)]
    assert amounts(second) == (D("570.00"), D("108.30"), D("678.30"))
    ok(api.post(f"orders/{order['id']}/invoice/", {"basis": "delivered"}), 409)

    assert figure(api, "order-intake") == D("1019.93")
    assert figure(api, "delivered") == D("924.93")
    assert figure(api, "invoiced-net") == D("924.93")
    assert figure(api, "receivables") == D("1100.67")
    payment = pay(api, customer, "1000.00", "2026-02-20")
    allocate(api, payment, (first, "422.37"), (second, "577.63"))
    assert figure(api, "receivables") == D("100.67")
    assert amounts(read(api, "invoices", first), "paid", "credited", "open") == (D("422.37"), D("113.05"), D("0.00"))
    assert D(read(api, "invoices", second)["open"]) == D("100.67")
    assert D(read(api, "payments", payment)["unallocated"]) == 0
    assert figure(api, "gross-margin") == D("356.93")
    for day, late in (("2026-02-15", 0), ("2026-02-16", D("422.37")), ("2026-02-20", 0), ("2026-02-24", 0), ("2026-02-25", D("100.67"))):
        assert figure(api, "overdue", period=f"{day}..{day}") == late, day  # due on 15 and 24 February
    assert figure(api, "exchange-gain") == 0

    export = trading.order(api, customer, [{"product": a["id"], "quantity": "3", "unit_price": "111.11", "tax_code": None}], "2026-02-01", currency="USD")
    assert amounts(export, "net", "total", "rate") == (D("333.33"), D("333.33"), D("0.90"))
    assert figure(api, "order-intake") == D("1319.93")
    ship(api, export, "2026-02-03")
    dollars = bill(api, export, "2026-02-04")
    assert amounts(dollars, "total", "base_total") == (D("333.33"), D("300.00"))
    assert figure(api, "receivables") == D("400.67")
    paid = pay(api, customer, "333.33", "2026-03-10", currency="USD")
    assert D(paid["base_amount"]) == D("316.66")
    allocate(api, paid, (dollars, "333.33"))
    settled = read(api, "invoices", dollars)
    assert amounts(settled, "open", "base_open") == (0, 0)
    assert figure(api, "exchange-gain") == D("16.66")
    assert figure(api, "receivables") == D("100.67")
    assert figure(api, "cash-received") == D("1316.66")


def test_past_periods_do_not_move(api):
    """Cancelled after part delivery, amended downwards, given to somebody else: the day of the change carries the difference."""
    customer = add(api, "accounts", name="Second customer")
    thing = trading.product(api, "10.00", cost="6.00")
    line = {"product": thing["id"], "quantity": "10"}
    cancelled, amended, given = (trading.order(api, customer, [line], "2026-04-10") for _ in range(3))
    before = figure(api, "order-intake", period="2026-04")
    ship(api, cancelled, "2026-04-12", {0: "4"})
    do(api, "orders", cancelled, "cancel", reason="No longer needed", date="2026-05-05")
    assert figure(api, "order-intake", period="2026-04") == before
    assert figure(api, "order-intake", period="2026-05") == D("-60.00")
    do(api, "orders", amended, "amend", lines=[{"id": amended["lines"][0]["id"], "product": thing["id"], "quantity": "7"}], date="2026-05-20")
    assert figure(api, "order-intake", period="2026-04") == before
    assert figure(api, "order-intake", period="2026-05") == D("-90.00")
    taker = people.new_user("Taker", "sales")
    version = read(api, "orders", given)["version"]
    ok(api.patch(f"orders/{given['id']}/", {"owner": str(taker.pk)}, version))
    assert figure(api, "order-intake", period="2026-04") == before
    split = ok(api.get("kpis/order-intake/value/", {"period": "2026-04", "group_by": "person"}))["groups"]
    assert {row["keys"][0]: D(row["value"]) for row in split}[str(taker.pk)] == D("100.00")
    bill(api, cancelled, "2026-04-30")
    assert figure(api, "invoiced-net", period="2026-04") == D("40.00")
    ok(api.post(f"orders/{cancelled['id']}/invoice/", {"basis": "ordered"}), 409)
