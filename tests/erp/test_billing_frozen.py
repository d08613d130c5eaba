"""What is shipped or posted no longer changes, whoever asks: by the API, and by the database itself (M-02)."""

import pytest
from django.db import IntegrityError, transaction

from core.models.record import permit
from erp.models import Allocation, CreditNoteLine, Delivery, DeliveryLine, Invoice, InvoiceCharge, InvoiceLine, Payment, StockMove
from tests import people
from tests.erp import trading
from tests.erp.trading import add, allocate, bill, do, ok, pay, read, ship


@pytest.fixture(scope="module")
def trade(company, alice):
    """One order, shipped, billed, credited in part, paid in part."""
    api = people.api(alice, company)
    customer = add(api, "accounts", name="Frozen")
    sold = trading.order(api, customer, [{"product": trading.product(api, "10.00", cost="4")["id"], "quantity": "5"}], "2026-03-01",
                         charges=[{"name": "Freight", "amount": "3.00"}])  # fmt: skip
    delivery = ship(api, sold, "2026-03-02")
    invoice = bill(api, sold, "2026-03-03")
    note = do(api, "invoices", invoice, "credit", 201, lines=[{"invoice_line": invoice["lines"][0]["id"], "quantity": "1"}])
    do(api, "credit-notes", note, "post", date="2026-03-04")
    payment = pay(api, customer, "20.00", "2026-03-05")
    allocate(api, payment, (invoice, "15.00"))
    return {"api": api, "invoices": invoice, "deliveries": delivery, "credit-notes": note, "payments": payment}


def refused(work) -> None:
    with pytest.raises(IntegrityError, match=r"never changes|only grows"), transaction.atomic(), permit():
        work()


@pytest.mark.parametrize(("model", "values"), [
    (Invoice, {"total": 1}), (Invoice, {"owner": None}), (Invoice, {"status": "draft"}), (Invoice, {"custom": {"a": 1}}),
    (Invoice, {"due_date": "2027-01-01"}), (Delivery, {"date": "2026-01-01"}), (Payment, {"amount": 1}), (Payment, {"base_amount": 1}),
    (InvoiceLine, {"quantity": 1}), (InvoiceLine, {"unit_cost": 1}), (InvoiceCharge, {"amount": 1}), (CreditNoteLine, {"quantity": 2}),
    (DeliveryLine, {"quantity": 1}), (StockMove, {"quantity": 1}), (Allocation, {"amount": 1}),
])  # fmt: skip
def test_no_statement_changes_what_is_posted(trade, model, values):
    assert model.objects.exists()
    refused(lambda: model.objects.update(**values))


@pytest.mark.parametrize("model", [Invoice, Delivery, Payment, InvoiceLine, InvoiceCharge, CreditNoteLine, DeliveryLine, StockMove, Allocation])
def test_no_statement_deletes_what_is_posted(trade, model):
    for row in model.objects.all():
        refused(lambda row=row: model.objects.filter(pk=row.pk)._raw_delete("default"))


def test_no_line_enters_a_posted_invoice(trade):
    row = InvoiceLine.objects.filter(invoice=trade["invoices"]["id"]).first()
    refused(lambda: InvoiceLine.objects.create(invoice_id=row.invoice_id, product_id=row.product_id, quantity=1, unit_price=1))


def test_a_line_of_a_draft_does_not_move_to_a_posted_invoice(trade):
    api = trade["api"]
    draft = add(api, "invoices", account=read(api, "invoices", trade["invoices"])["account"]["id"], lines=[{"description": "x", "unit_price": "1"}])
    refused(lambda: InvoiceLine.objects.filter(invoice=draft["id"]).update(invoice=trade["invoices"]["id"]))


@pytest.mark.parametrize("slug", ["invoices", "credit-notes", "payments", "deliveries"])
def test_the_api_says_so(trade, slug):
    api = trade["api"]
    record = read(api, slug, trade[slug])
    changes = {"external_number": "X"} | ({"lines": []} if slug in ("invoices", "credit-notes") else {})
    response = api.patch(f"{slug}/{record['id']}/", changes, record["version"])
    assert response.status_code == 422 and set(response.json()["errors"]) == set(changes), response.content
    assert api.delete(f"{slug}/{record['id']}/", record["version"]).status_code == 409
    assert api.post(f"{slug}/{record['id']}/{'ship' if slug == 'deliveries' else 'post'}/", {}).status_code == 409
    after = read(api, slug, record)
    assert after["version"] == record["version"] and after["external_number"] == ""


def test_an_owners_change_leaves_what_is_posted(trade):
    api = trade["api"]
    taker = add(api, "users", name="Taker", email="taker@example.com")
    response = api.patch(f"invoices/{trade['invoices']['id']}/", {"owner": taker["id"]}, read(api, "invoices", trade["invoices"])["version"])
    assert response.status_code == 422 and set(response.json()["errors"]) == {"owner"}
    order = read(api, "orders", trade["invoices"]["order"]["id"])
    ok(api.patch(f"orders/{order['id']}/", {"owner": taker["id"]}, order["version"]))
    assert read(api, "invoices", trade["invoices"])["owner"]["id"] != taker["id"]


def test_a_draft_goes(trade):
    api = trade["api"]
    account = read(api, "payments", trade["payments"])["account"]["id"]
    draft = add(api, "invoices", account=account, lines=[{"description": "Work", "unit_price": "5"}], charges=[{"name": "Freight", "amount": "1"}])
    changed = ok(api.patch(f"invoices/{draft['id']}/", {"lines": [{"id": draft["lines"][0]["id"], "quantity": "2", "unit_price": "5"}]}, draft["version"]))
    assert changed["net"] == "10.00" and changed["total"] == "11.00"
    ok(api.delete(f"invoices/{draft['id']}/", changed["version"]), 204)
    assert api.get(f"invoices/{draft['id']}/").status_code == 404
