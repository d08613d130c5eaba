"""Invoices out of orders and by hand, credit notes, payments over several invoices: what is taken, what is refused, what is left."""

from decimal import Decimal

import pytest

from core import context
from core.models import TrailEntry
from tests import people
from tests.erp import trading
from tests.erp.trading import add, allocate, bill, do, figure, ok, pay, read, ship, stated

D = Decimal


@pytest.fixture(scope="module")
def company():
    with context.bind(people.new_company(currency="EUR", country="DE")) as made:
        yield made


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


@pytest.fixture
def customer(api):
    return add(api, "accounts", name="Customer", payment_days=14)


@pytest.fixture
def thing(api):
    return trading.product(api, "10.00", cost="6.00")


def refused(response, *names: str) -> None:
    assert response.status_code == 422 and set(response.json()["errors"]) == set(names), response.content


def test_drafts_count_as_taken_and_charges_go_onto_the_first(api, customer, thing):
    sold = trading.order(api, customer, [{"product": thing["id"], "quantity": "10"}], "2026-02-01", charges=[{"name": "Freight", "amount": "7.00"}])
    ok(api.post(f"orders/{sold['id']}/invoice/", {"basis": "delivered"}), 409)
    ship(api, sold, "2026-02-02", {0: "4"})
    first = do(api, "orders", sold, "invoice", 201, basis="delivered", date="2026-02-03")
    assert first["status"] == "draft" and first["number"] == "" and first["invoice_date"] == "2026-02-03"
    assert (D(first["net"]), D(first["charges_total"]), D(first["total"])) == (40, 7, 47)
    assert first["lines"][0]["order_line"]["id"] == sold["lines"][0]["id"]
    ok(api.post(f"orders/{sold['id']}/invoice/", {"basis": "delivered"}), 409)
    rest = do(api, "orders", sold, "invoice", 201, basis="ordered")
    assert D(rest["lines"][0]["quantity"]) == 6 and rest["charges"] == []
    ok(api.delete(f"invoices/{rest['id']}/", rest["version"]), 204)
    posted = do(api, "invoices", first, "post")
    assert posted["number"].startswith("INV-2026-") and posted["due_date"] == "2026-02-17"
    assert D(read(api, "orders", sold)["lines"][0]["invoiced"]) == 4
    assert D(do(api, "orders", sold, "invoice", 201, basis="ordered")["lines"][0]["quantity"]) == 6
    refused(api.post(f"orders/{sold['id']}/invoice/", {}), "basis")
    refused(api.post(f"orders/{sold['id']}/invoice/", {"basis": "guessed"}), "basis")


def test_no_more_is_billed_than_was_ordered(api, customer, thing):
    sold = trading.order(api, customer, [{"product": thing["id"], "quantity": "10", "discount": "0.1"}], "2026-02-01")
    other = trading.order(api, customer, [{"product": thing["id"], "quantity": "10"}], "2026-02-01")
    line = sold["lines"][0]["id"]
    made = {"account": customer["id"], "order": sold["id"]}
    refused(api.post("invoices/", {**made, "lines": [{"order_line": line, "quantity": "11"}]}), "lines.0.quantity")
    refused(api.post("invoices/", {**made, "lines": [{"order_line": line, "quantity": "6"}, {"order_line": line, "quantity": "5"}]}), "lines.1.quantity")
    refused(api.post("invoices/", {**made, "lines": [{"order_line": other["lines"][0]["id"], "quantity": "1"}]}), "lines.0.order_line")
    refused(api.post("invoices/", {"account": customer["id"], "lines": [{"order_line": line, "quantity": "1"}]}), "lines.0.order_line")
    refused(api.post("invoices/", {**made, "lines": [{"order_line": line, "quantity": "0"}]}), "lines.0.quantity")
    refused(api.post("invoices/", {**made, "account": add(api, "accounts", name="Other")["id"], "lines": []}), "account")
    first = add(api, "invoices", **made, lines=[{"order_line": line, "quantity": "6"}])
    assert first["currency"] == "EUR" and (D(first["lines"][0]["unit_price"]), D(first["lines"][0]["net"])) == (10, 54)  # price and discount of the order
    refused(api.post("invoices/", {**made, "lines": [{"order_line": line, "quantity": "5"}]}), "lines.0.quantity")
    second = add(api, "invoices", **made, lines=[{"order_line": line, "quantity": "4"}, {"description": "Packing", "unit_price": "2"}])
    do(api, "invoices", first, "post", date="2026-02-05")
    do(api, "orders", sold, "cancel", reason="No longer needed", date="2026-02-06")
    refused(api.post(f"invoices/{second['id']}/post/", {}), "lines.0.quantity")  # nothing of it is ordered any more
    assert read(api, "invoices", second)["status"] == "draft"


def test_a_credit_note_takes_back_what_is_left(api, customer, thing):
    tax = add(api, "tax-codes", code="C7", rate="0.07")
    invoice = add(api, "invoices", account=customer["id"], lines=[
        {"product": thing["id"], "quantity": "5", "tax_code": tax["id"]}, {"description": "Work", "quantity": "2", "unit_price": "30"},
    ], charges=[{"name": "Freight", "amount": "4.00", "tax_code": tax["id"]}])  # fmt: skip
    ok(api.post(f"invoices/{invoice['id']}/credit/", {}), 409)
    refused(api.post("credit-notes/", {"invoice": invoice["id"], "lines": []}), "invoice")
    posted = do(api, "invoices", invoice, "post", date="2026-03-01")
    goods, work = (line["id"] for line in posted["lines"])
    assert D(posted["total"]) == D("117.78")
    part = do(api, "invoices", posted, "credit", 201, lines=[{"invoice_line": goods, "quantity": "2"}])
    assert (D(part["net"]), D(part["tax"]), D(part["total"])) == (20, D("1.40"), D("21.40")) and part["charges"] == []
    refused(api.post(f"invoices/{invoice['id']}/credit/", {"lines": [{"invoice_line": goods, "quantity": "3.5"}]}), "lines.0.quantity")
    refused(api.post("credit-notes/", {"invoice": invoice["id"], "lines": [{"invoice_line": goods, "quantity": "4"}]}), "lines.0.quantity")
    do(api, "credit-notes", part, "post", date="2026-03-02")
    assert (D(read(api, "invoices", invoice)["credited"]), D(read(api, "invoices", invoice)["open"])) == (D("21.40"), D("96.38"))
    rest = do(api, "invoices", invoice, "credit", 201)
    assert {line["invoice_line"]["id"]: D(line["quantity"]) for line in rest["lines"]} == {goods: 3, work: 2}
    assert [(c["name"], D(c["amount"])) for c in rest["charges"]] == [("Freight", 4)]
    ok(api.post(f"invoices/{invoice['id']}/credit/", {}), 409)
    refused(api.post("credit-notes/", {"invoice": invoice["id"], "charges": [{"name": "Freight", "amount": "0.01"}]}), "charges.0.amount")
    refused(api.post("credit-notes/", {"invoice": invoice["id"], "charges": [{"name": "Gift", "amount": "0.01"}]}), "charges.0.name")
    rest = do(api, "credit-notes", rest, "post", date="2026-03-03")
    assert rest["number"].startswith("CN-2026-") and D(rest["unallocated"]) == 0
    assert D(read(api, "invoices", invoice)["open"]) == 0
    assert stated("receivable", account=customer["id"]) == stated("invoiced", account=customer["id"]) == stated("cost-of-sales", account=customer["id"]) == 0


def test_what_a_credit_note_finds_nothing_open_for_stays_the_accounts(api, customer, thing):
    invoice = do(api, "invoices", add(api, "invoices", account=customer["id"], lines=[{"product": thing["id"], "quantity": "5"}]), "post", date="2026-03-01")
    allocate(api, pay(api, customer, "30.00", "2026-03-02"), (invoice, "30.00"))
    note = do(api, "credit-notes", do(api, "invoices", invoice, "credit", 201), "post", date="2026-03-03")
    assert (D(note["total"]), D(note["unallocated"])) == (50, 30)
    invoice = read(api, "invoices", invoice)
    assert (D(invoice["paid"]), D(invoice["credited"]), D(invoice["open"])) == (30, 20, 0)
    assert figure(api, "receivables", filter=f'["account","eq","{customer["id"]}"]') == -30
    pay(api, customer, "30.00", "2026-03-04", direction="out")
    assert figure(api, "receivables", filter=f'["account","eq","{customer["id"]}"]') == 0


def test_a_payment_settles_several_invoices_in_part(api, customer, thing):
    invoices = [
        do(api, "invoices", add(api, "invoices", account=customer["id"], lines=[{"product": thing["id"], "quantity": q}]), "post", date="2026-03-01")
        for q in ("3", "5")
    ]
    draft = add(api, "payments", account=customer["id"], date="2026-03-10", amount="70.00")
    assert draft["currency"] == "EUR" and draft["direction"] == "in" and draft["number"] == ""
    ok(api.post(f"payments/{draft['id']}/allocate/", {"items": [{"invoice": invoices[0]["id"], "amount": "1"}]}), 409)
    payment = do(api, "payments", draft, "post")
    assert payment["number"].startswith("PAY-2026-") and D(payment["unallocated"]) == 70
    path = f"payments/{payment['id']}/allocate/"
    for items, name in (
        ([], "items"), (None, "items"), ([{"invoice": invoices[0]["id"], "amount": "30.01"}], "items.0.amount"),
        ([{"invoice": invoices[0]["id"], "amount": "0"}], "items.0.amount"), ([{"invoice": invoices[0]["id"], "amount": "-1"}], "items.0.amount"),
        ([{"invoice": invoices[0]["id"], "amount": "30"}, {"invoice": invoices[1]["id"], "amount": "40.01"}], "items.1.amount"),
        ([{"invoice": invoices[0]["id"], "amount": "20"}, {"invoice": invoices[0]["id"], "amount": "20"}], "items.1.amount"),
        ([{"invoice": payment["id"], "amount": "1"}], "items.0.invoice"), ([{"amount": "1"}], "items.0.invoice"),
        ([{"invoice": invoices[0]["id"]}], "items.0.amount"),
    ):  # fmt: skip
        refused(api.post(path, {"items": items}), name)
    assert D(read(api, "payments", payment)["unallocated"]) == 70  # nothing of what was refused stayed
    after = allocate(api, payment, (invoices[0], "30"), (invoices[1], "25"))
    assert D(after["unallocated"]) == 15
    assert D(read(api, "invoices", invoices[1])["open"]) == 25
    assert figure(api, "receivables", filter=f'["account","eq","{customer["id"]}"]') == 10  # 25 open, 15 waiting
    allocate(api, payment, (invoices[1], "15"))
    refused(api.post(path, {"items": [{"invoice": invoices[1]["id"], "amount": "1"}]}), "items.0.amount")
    entry = TrailEntry.objects.filter(about_id=invoices[1]["id"]).order_by("-at").first()
    assert (entry.act, entry.changes) == ("allocate", {"paid": ["25.00", "40.00"], "open": ["25.00", "10.00"], "base_open": ["25.00", "10.00"]})
    out = pay(api, customer, "5", "2026-03-11", direction="out")
    assert D(out["unallocated"]) == 0
    ok(api.post(f"payments/{out['id']}/allocate/", {"items": [{"invoice": invoices[1]["id"], "amount": "1"}]}), 409)
    stranger = pay(api, add(api, "accounts", name="Stranger"), "5", "2026-03-11")
    refused(api.post(f"payments/{stranger['id']}/allocate/", {"items": [{"invoice": invoices[1]["id"], "amount": "1"}]}), "items.0.invoice")


def test_foreign_money_follows_its_day_until_it_is_posted(api, customer, thing):
    for day, rate in (("2026-01-01", "0.9"), ("2026-05-01", "0.95")):
        add(api, "exchange-rates", currency="USD", date=day, rate=rate)
    made = {"account": customer["id"], "currency": "USD", "lines": [{"description": "Work", "quantity": "3", "unit_price": "111.11"}]}
    draft = add(api, "invoices", **made, invoice_date="2026-04-30")
    assert (D(draft["rate"]), D(draft["base_total"])) == (D("0.9"), D("300.00"))
    posted = do(api, "invoices", draft, "post", date="2026-05-01")
    assert (D(posted["rate"]), D(posted["base_total"]), posted["invoice_date"]) == (D("0.95"), D("316.66"), "2026-05-01")
    fixed = add(api, "invoices", **made, rate="1.1")
    assert D(do(api, "invoices", fixed, "post", date="2026-05-01")["base_total"]) == D("366.66")
    refused(api.post("invoices/", {**made, "currency": "JPY"}), "currency")
    refused(api.post("payments/", {"account": customer["id"], "date": "2025-12-31", "amount": "1", "currency": "USD"}), "currency")
    refused(api.post("payments/", {"account": customer["id"], "date": "2026-05-01", "amount": "0.001"}), "amount")
    euros = pay(api, customer, "100", "2026-05-02")
    refused(api.post(f"payments/{euros['id']}/allocate/", {"items": [{"invoice": posted["id"], "amount": "1"}]}), "items.0.invoice")
    dollars = pay(api, customer, "333.33", "2026-04-30", currency="USD")
    allocate(api, dollars, (posted, "100"), (posted, "233.33"))
    assert figure(api, "exchange-gain", filter=f'["account","eq","{customer["id"]}"]') == D("-16.66")
    after = read(api, "invoices", posted)
    assert (D(after["open"]), D(after["base_open"])) == (0, 0)


def test_due_items_are_the_posted_invoices_one_sees(api, company, customer, thing):
    add(api, "invoices", account=customer["id"], lines=[{"product": thing["id"]}])
    posted = do(api, "invoices", add(api, "invoices", account=customer["id"], lines=[{"product": thing["id"]}]), "post", date="2026-03-01")
    found = ok(api.get("due-items/", {"account": customer["id"], "sum": "open,amount", "count": "exact"}))
    assert found["count"] == 1 and (D(found["sums"]["open"]), D(found["sums"]["amount"])) == (10, 10)
    item = found["results"][0]
    assert item["invoice"]["id"] == posted["id"] and item["due_date"] == "2026-03-15" and item["days_overdue"] > 0
    assert ok(api.get("due-items/", {"invoice": posted["id"], "due_date__lt": "2026-03-16"}))["results"] == [item]
    assert api.post("due-items/", {}).status_code in (403, 405)
    sales = people.api(people.new_user("Sal", "sales"), company)
    assert ok(sales.get("due-items/"))["results"] == []
    finance = people.api(people.new_user("Fin", "finance"), company)
    assert ok(finance.get("due-items/", {"account": customer["id"]}))["results"][0]["open"] == "10.00"


def test_documents_are_their_accounts_owners(api, company, customer, thing):
    sal = people.new_user("Sally", "sales")
    ok(api.patch(f"accounts/{customer['id']}/", {"owner": str(sal.pk)}, read(api, "accounts", customer)["version"]))
    finance = people.api(people.new_user("Finn", "finance"), company)
    invoice = add(finance, "invoices", account=customer["id"], lines=[{"product": thing["id"], "quantity": "2"}])
    assert invoice["owner"]["id"] == str(sal.pk)
    invoice = do(finance, "invoices", invoice, "post", date="2026-03-01")
    payment = pay(finance, customer, "25", "2026-03-02")
    assert payment["owner"]["id"] == str(sal.pk)
    allocate(finance, payment, (invoice, "20"))
    seller = people.api(sal, company)
    assert figure(seller, "cash-received") == 25 and figure(seller, "receivables") == -5 and figure(seller, "invoiced-net") == 20
    assert [row["id"] for row in ok(seller.get("payments/"))["results"]] == [payment["id"]]
    ok(seller.post(f"payments/{payment['id']}/allocate/", {"items": []}), 403)
    ok(seller.post("invoices/", {"account": customer["id"]}), 403)
    groups = ok(finance.get("kpis/receivables/value/", {"period": "all", "group_by": "person", "filter": f'["account","eq","{customer["id"]}"]'}))["groups"]
    assert [(g["keys"], D(g["value"])) for g in groups] == [([str(sal.pk)], D(-5))]


def test_margin_says_how_many_lines_have_no_known_cost(api, customer, thing):
    nameless = trading.product(api, "7.00", kind="service")
    only = add(api, "accounts", name="Unknown costs")
    where = {"filter": f'["account","eq","{only["id"]}"]'}
    do(api, "invoices", add(api, "invoices", account=only["id"], lines=[{"product": nameless["id"]}]), "post", date="2026-03-01")
    assert figure(api, "gross-margin", **where) is None
    do(api, "invoices", add(api, "invoices", account=only["id"], lines=[{"product": thing["id"], "quantity": "2"}]), "post", date="2026-03-01")
    answer = ok(api.get("kpis/gross-margin/value/", {"period": "all", **where}))
    assert D(answer["value"]) == 7 + 20 - 12 and answer["lineage"]["without_cost"] == 1


def test_goods_billed_before_they_are_shipped_cost_when_they_leave(api, customer, thing):
    sold = trading.order(api, customer, [{"product": thing["id"], "quantity": "10"}], "2026-02-01")
    invoice = bill(api, sold, "2026-02-02", basis="ordered")
    of = {"account": customer["id"], "measure": "cost-of-sales"}
    assert stated(**of) == 0
    ship(api, sold, "2026-02-20", {0: "4"})
    assert stated(**of, business_date="2026-02-20") == -24
    note = do(api, "invoices", invoice, "credit", 201, lines=[{"invoice_line": invoice["lines"][0]["id"], "quantity": "8"}])
    do(api, "credit-notes", note, "post", date="2026-02-25")
    assert stated(**of) == -12 and stated(**of, business_date="2026-02-25") == 12
    ship(api, sold, "2026-03-01")
    assert stated(**of) == -12  # the rest was credited before it left
    bill(api, sold, "2026-03-05")
    assert stated(**of) == -60 and stated(**of, business_date="2026-03-05") == -48
