"""Two at the same money at the same moment: an invoice is never settled twice, nothing is billed or credited twice (C-04)."""

import os
from decimal import Decimal
from uuid import UUID

import pytest

from core import access, door, registry, write
from core.errors import RuleError, WrongState
from erp.models import Allocation, CreditNote, Invoice, OrderLine, Payment
from tests import people
from tests.core.racing import race
from tests.erp import trading
from tests.erp.trading import add, do

ROUNDS = 100 if os.environ.get("ODOS_LONG") else 4


@pytest.fixture(scope="module")
def owner(alice):
    return access.actor_for(alice)


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


@pytest.fixture(scope="module")
def customer(api):
    return add(api, "accounts", name="Busy")


def act(owner, slug: str, ident: str, name: str, **data):
    return lambda: door.writing(lambda: write.act(owner, registry.get(slug), UUID(ident), name, data))


def failed(found: list) -> list:
    return [f for f in found if isinstance(f, BaseException)]


def posted_invoice(api, customer, amount: str) -> dict:
    return do(api, "invoices", add(api, "invoices", account=customer["id"], lines=[{"description": "Work", "unit_price": amount}]), "post", date="2026-03-01")


def test_two_payments_do_not_settle_an_invoice_twice(api, owner, customer):
    for _ in range(ROUNDS):
        invoice = posted_invoice(api, customer, "100")
        payments = [trading.pay(api, customer, "80", "2026-03-02") for _ in range(3)]
        items = [{"invoice": invoice["id"], "amount": "40"}]
        found = race(*(act(owner, "payments", p["id"], "allocate", items=items) for p in payments for _ in range(2)))
        assert len(failed(found)) == 4 and all(isinstance(f, RuleError) for f in failed(found)), found
        row = Invoice.objects.get(pk=invoice["id"])
        assert (row.paid, row.open) == (80, 20) and sum(a.amount for a in Allocation.objects.filter(invoice=row)) == 80
        for payment in Payment.objects.filter(pk__in=[p["id"] for p in payments]):
            assert payment.amount == payment.unallocated + sum(a.amount for a in payment.allocations.all())


def test_two_allocations_over_the_same_invoices_do_not_lock_each_other_out(api, owner, customer):
    for _ in range(ROUNDS):
        invoices = [posted_invoice(api, customer, "50") for _ in range(3)]
        payments = [trading.pay(api, customer, "60", "2026-03-02") for _ in range(2)]
        orders = (invoices, invoices[::-1])
        found = race(*(
            act(owner, "payments", p["id"], "allocate", items=[{"invoice": i["id"], "amount": "20"} for i in order])
            for p, order in zip(payments, orders, strict=True)
        ))  # fmt: skip
        assert not failed(found), found
        assert [i.open for i in Invoice.objects.filter(pk__in=[i["id"] for i in invoices])] == [10, 10, 10]


def test_a_draft_is_posted_once(api, owner, customer):
    for _ in range(ROUNDS):
        draft = add(api, "invoices", account=customer["id"], lines=[{"description": "Work", "unit_price": "10"}])
        found = race(*[act(owner, "invoices", draft["id"], "post", date="2026-03-01")] * 4)
        assert len(failed(found)) == 3 and all(isinstance(f, WrongState) for f in failed(found)), found
        assert trading.stated("receivable", source_id=draft["id"]) == 10
    numbers = sorted(Invoice.objects.filter(status="posted").values_list("number", flat=True))
    assert numbers == [f"INV-2026-{n:05d}" for n in range(1, len(numbers) + 1)]


def test_an_order_is_billed_once(api, owner, customer):
    thing = trading.product(api, "10", cost="6")
    for _ in range(ROUNDS):
        sold = trading.order(api, customer, [{"product": thing["id"], "quantity": "5"}], "2026-03-01")
        trading.ship(api, sold, "2026-03-02")
        found = race(*[act(owner, "orders", sold["id"], "invoice", basis="delivered")] * 4)
        assert len(failed(found)) == 3 and all(isinstance(f, WrongState) for f in failed(found)), found
        draft = next(f for f in found if not isinstance(f, BaseException))
        do(api, "invoices", str(draft.pk), "post", date="2026-03-03")
        assert OrderLine.objects.get(order=sold["id"]).invoiced == 5


def test_an_invoice_is_credited_once_while_it_is_paid(api, owner, customer):
    for _ in range(ROUNDS):
        invoice = posted_invoice(api, customer, "100")
        drafts = race(*[act(owner, "invoices", invoice["id"], "credit")] * 3)
        assert len(failed(drafts)) == 2 and all(isinstance(f, WrongState) for f in failed(drafts)), drafts
        note = next(f for f in drafts if not isinstance(f, BaseException))
        payment = trading.pay(api, customer, "70", "2026-03-02")
        race(
            act(owner, "credit-notes", str(note.pk), "post", date="2026-03-03"),
            act(owner, "payments", payment["id"], "allocate", items=[{"invoice": invoice["id"], "amount": "70"}]),
        )
        row, note, paid = Invoice.objects.get(pk=invoice["id"]), CreditNote.objects.get(pk=note.pk), Payment.objects.get(pk=payment["id"])
        assert row.total == row.paid + row.credited + row.open and row.open == 0 and note.status == "posted"
        assert (row.paid, row.credited, note.unallocated, paid.unallocated) in (
            (Decimal(70), Decimal(30), Decimal(70), Decimal(0)), (Decimal(0), Decimal(100), Decimal(0), Decimal(70)),
        )  # fmt: skip
