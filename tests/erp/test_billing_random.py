"""Random histories of billing, crediting and paying in two currencies, after each step of which everything adds up (N18, M-04).

Walked through ``core.write``; what must hold is computed anew from documents and allocations, never from the facts themselves.
"""

import os
from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core import access, context, door, registry, write
from core.errors import RuleError, WrongState
from erp.models import Allocation, CreditNote, CreditNoteLine, Invoice, InvoiceLine, OrderLine, Payment
from tests import people
from tests.erp import figures, trading

LONG = bool(os.environ.get("ODOS_LONG"))
D, CENT = Decimal, Decimal("0.01")
FIRST = date(2026, 1, 1)
days = st.integers(0, 120).map(lambda n: (FIRST + timedelta(days=n)).isoformat())
quantities = st.sampled_from(["1", "2", "3", "0.5", "7.25"])
picks = st.integers(0, 1000)
order_lines = st.lists(st.tuples(st.integers(0, 3), quantities, st.booleans()), min_size=1, max_size=3)
RATES = {"2025-12-01": "0.9137", "2026-02-01": "0.8871333", "2026-03-01": "1.0000007"}


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


class Billing(RuleBasedStateMachine):
    """One company; documents are picked by number, so that a shorter history stays a history."""

    @initialize()
    def begin(self):
        self.bound = context.bind(people.new_company(currency="EUR", country="DE"))
        company = self.bound.__enter__()
        self.actor = access.actor_for(people.owner_of(company))
        self.taxes = [self.make("tax-codes", code=code, rate=rate) for code, rate in (("A", "0.19"), ("B", "0.0733"))]
        self.products = [self.make("products", sku=f"P{n}", name=f"P{n}", unit_price=price, cost=cost, kind=kind) for n, (price, cost, kind) in enumerate(
            [("3.33", "1.117", "good"), ("99.99", "42", "good"), ("12.50", None, "good"), ("80", "31.3333", "service")])]  # fmt: skip
        self.accounts = [self.make("accounts", name=f"A{n}", payment_days=n * 20) for n in range(2)]
        for day, rate in RATES.items():
            self.make("exchange-rates", currency="USD", date=day, rate=rate)
        self.orders, self.refused = [], 0

    def teardown(self):
        if hasattr(self, "bound"):
            self.settle_all()
            self.bound.__exit__(None, None, None)

    def make(self, slug: str, **values):
        return door.writing(lambda: write.create(self.actor, registry.get(slug), values))

    def act(self, slug: str, record, name: str, **data):
        return door.writing(lambda: write.act(self.actor, registry.get(slug), record.pk, name, data))

    def attempt(self, slug: str, record, name: str, **data):
        """An act that the rules may refuse; then nothing happened."""
        try:
            return self.act(slug, record, name, **data)
        except (RuleError, WrongState):
            self.refused += 1
            return None

    def pick(self, rows, which: int):
        rows = list(rows.order_by("pk"))
        return rows[which % len(rows)] if rows else None

    # What happens

    @rule(account=st.integers(0, 1), day=days, dollars=st.booleans(), lines=order_lines, freight=st.booleans())
    def order(self, account, day, dollars, lines, freight):
        rows = [
            {"product": str(self.products[p].pk), "quantity": q, "discount": "0.0725" if off else "0", "tax_code": str(self.taxes[p % 2].pk)}
            for p, q, off in lines
        ]
        charges = [{"name": "Freight", "amount": "4.95", "tax_code": str(self.taxes[0].pk)}] if freight else []
        made = self.make("orders", account=str(self.accounts[account].pk), currency="USD" if dollars else "EUR", lines=rows, charges=charges)
        self.orders.append(self.act("orders", made, "confirm", date=day))

    @precondition(lambda self: self.orders)
    @rule(which=picks, day=days, whole=st.booleans())
    def ship(self, which, day, whole):
        order = self.orders[which % len(self.orders)]
        line = order.lines.order_by("position").first()
        named = {} if whole else {"lines": [{"order_line": str(line.pk), "quantity": "1"}]}
        delivery = self.attempt("orders", order, "deliver", **named)
        if delivery:
            self.act("deliveries", delivery, "ship", date=day)

    @precondition(lambda self: self.orders)
    @rule(which=picks, day=days, basis=st.sampled_from(["ordered", "delivered"]))
    def bill(self, which, day, basis):
        draft = self.attempt("orders", self.orders[which % len(self.orders)], "invoice", basis=basis)
        if draft:
            self.act("invoices", draft, "post", date=day)

    @rule(account=st.integers(0, 1), day=days, dollars=st.booleans(), product=st.integers(0, 3), quantity=quantities)
    def bill_without_order(self, account, day, dollars, product, quantity):
        line = {"product": str(self.products[product].pk), "quantity": quantity, "tax_code": str(self.taxes[0].pk)}
        draft = self.make("invoices", account=str(self.accounts[account].pk), currency="USD" if dollars else "EUR", lines=[line])
        self.act("invoices", draft, "post", date=day)

    @rule(which=picks, day=days, part=st.sampled_from([None, "0.5", "1", "3"]))
    def credit(self, which, day, part):
        invoice = self.pick(Invoice.objects.filter(status="posted"), which)
        if invoice is None:
            return
        line = invoice.lines.order_by("position").first()
        named = {} if part is None or line is None else {"lines": [{"invoice_line": str(line.pk), "quantity": part}]}
        draft = self.attempt("invoices", invoice, "credit", **named)
        if draft:
            self.act("credit-notes", draft, "post", date=day)

    @rule(account=st.integers(0, 1), day=days, dollars=st.booleans(), amount=st.decimals("0.01", 400, places=2), out=st.booleans())
    def pay(self, account, day, dollars, amount, out):
        made = self.make("payments", account=str(self.accounts[account].pk), currency="USD" if dollars else "EUR", date=day, amount=str(amount),
                         direction="out" if out else "in")  # fmt: skip
        self.act("payments", made, "post")

    @rule(which=picks, other=picks, share=st.decimals("0.05", "1.2", places=2))
    def allocate(self, which, other, share):
        payment = self.pick(Payment.objects.filter(status="posted", unallocated__gt=0), which)
        invoice = payment and self.pick(Invoice.objects.filter(account=payment.account, currency=payment.currency, open__gt=0), other)
        if not invoice:
            return
        room = min(payment.unallocated, invoice.open)
        amount = room if share >= 1 else max(cents(room * share), CENT)
        done = self.attempt("payments", payment, "allocate", items=[{"invoice": str(invoice.pk), "amount": str(amount + (CENT if share > 1 else 0))}])
        assert (done is None) == (share > 1)

    # What holds

    @invariant()
    def documents_add_up(self):
        if not hasattr(self, "orders"):
            return
        for slug in ("invoices", "credit-notes", "payments", "orders"):
            object_type = registry.get(slug)
            for record in object_type.model.objects.all():
                assert not object_type.conserved(record), (slug, object_type.conserved(record))
        for invoice in Invoice.objects.filter(status="posted"):
            made = list(invoice.allocations.all())
            assert invoice.total == invoice.paid + invoice.credited + invoice.open
            assert invoice.base_open == invoice.base_total - sum(a.base_settled for a in made)
            assert invoice.open or not invoice.base_open, "settled in one currency and not in the other"
        for line in OrderLine.objects.all():
            posted = InvoiceLine.objects.filter(order_line=line, invoice__status="posted")
            assert line.invoiced == sum(r.quantity for r in posted)
            assert line.credited == sum(r.credited for r in posted) <= line.invoiced
            assert line.invoiced - line.credited <= line.quantity - line.returned

    @invariant()
    def facts_say_what_documents_say(self):
        if not hasattr(self, "orders"):
            return
        posted = {"status": "posted"}
        invoices, notes, payments = Invoice.objects.filter(**posted), CreditNote.objects.filter(**posted), Payment.objects.filter(**posted)
        assert trading.stated("invoiced") == sum(r.base_net for r in InvoiceLine.objects.filter(invoice__in=invoices)) - sum(
            r.base_net for r in CreditNoteLine.objects.filter(credit_note__in=notes))  # fmt: skip
        assert trading.stated("invoiced-gross") == sum(i.base_total for i in invoices) - sum(n.base_total for n in notes)
        assert trading.stated("cash") == sum(p.base_amount if p.direction == "in" else -p.base_amount for p in payments)
        assert trading.stated("exchange-gain") == sum(a.base_used - a.base_settled for a in Allocation.objects.all())
        owed = defaultdict(Decimal)
        for i in invoices:
            owed[i.account_id] += i.base_open
        for source in (*notes, *payments):
            owed[source.account_id] -= source.base_unallocated
        for p in payments.filter(direction="out"):
            owed[p.account_id] += p.base_amount
        for account in self.accounts:
            assert trading.stated("receivable", account=account.pk) == owed[account.pk]

    @invariant()
    def balances_are_those_of_the_day(self):
        """Overdue at the end of a few days, from invoices and what settled them until then."""
        if not hasattr(self, "orders"):
            return
        for day in (FIRST + timedelta(days=n) for n in (20, 70, 130)):
            late = Decimal(0)
            for i in Invoice.objects.filter(status="posted", due_date__lt=day, invoice_date__lte=day):
                late += i.base_total - sum(a.base_settled for a in i.allocations.filter(date__lte=day))
            assert figures.ask(self.actor, "overdue", period=f"{day}..{day}").value == late

    def settle_all(self):
        """Whoever pays all of it owes nothing, in either currency."""
        for account in self.accounts:
            for currency in ("EUR", "USD"):
                open_ones = list(Invoice.objects.filter(account=account, currency=currency, open__gt=0))
                due = sum(i.open for i in open_ones)
                if due:
                    payment = self.make("payments", account=str(account.pk), currency=currency, date="2026-04-30", amount=str(due))
                    self.act("payments", payment, "post")
                    self.act("payments", payment, "allocate", items=[{"invoice": str(i.pk), "amount": str(i.open)} for i in open_ones])
                    payment.refresh_from_db()
                    assert (payment.unallocated, payment.base_unallocated) == (0, 0)
        assert not Invoice.objects.exclude(open=0, base_open=0).exists()
        self.documents_add_up()
        self.facts_say_what_documents_say()


TestBilling = Billing.TestCase
TestBilling.settings = settings(max_examples=60 if LONG else 4, stateful_step_count=50 if LONG else 18, deadline=None)
