"""The demo company's money: invoices of what was shipped, payments early, late, in parts and beyond, credit notes, a refund."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any

from core import write
from core.registry import get
from erp.demo import world
from erp.demo.agenda import Agenda
from erp.demo.opening import HISTORY, Opening
from erp.models import Invoice, InvoiceLine, OrderLine, Payment

# how a customer pays -> days from the due day, first and last of what is usual
DELAYS = {"prompt": (-6, 3), "slow": (2, 24), "late": (20, 85)}
Batch = list[tuple[date, Any]]


class Billing:
    """Handlers as in ``Selling``; all of it is Amara's work."""

    def __init__(self, there: Opening, agenda: Agenda):
        self.there, self.agenda, self.random = there, agenda, there.random
        self.actor = there.as_("amara")
        self.refunded = False

    def invoice(self, batch: Batch) -> None:
        """One invoice for each order of which something is to be billed, by what left or by what was ordered."""
        asked = {pk: (day, basis) for day, (pk, basis) in batch}
        due: dict[Any, Decimal] = defaultdict(Decimal)
        for row in OrderLine.objects.filter(order__in=asked):
            reached = row.shipped if asked[row.order_id][1] == "delivered" else row.quantity - row.cancelled
            due[row.order_id] += max(reached - row.returned - row.invoiced + row.credited, Decimal(0))
        items = [(pk, {"basis": basis, "date": day.isoformat()}) for pk, (day, basis) in asked.items() if due[pk]]
        drafts = write.act_many(self.actor, get("orders"), "invoice", items, HISTORY)
        posted = write.act_many(self.actor, get("invoices"), "post", [(draft.pk, {}) for draft in drafts], HISTORY)
        for invoice in posted:
            self._expect(invoice)
            self.agenda.plan(invoice.invoice_date + timedelta(days=self.random.randint(20, 35)), "close", invoice.order_id)
        if posted and self.random.random() < 0.02:
            self.agenda.plan(posted[0].invoice_date + timedelta(days=3), "correct", posted[0].pk)

    def _expect(self, invoice: Invoice) -> None:
        """When and how it will be paid: some late ones never, most of those that were due two to three months ago among them."""
        habit, age = self.there.habits[invoice.account_id], (self.there.today - invoice.due_date).days
        if habit == "late" and self.random.random() < (0.7 if 62 <= age <= 88 else 0.12):
            return
        day = max(invoice.due_date + timedelta(days=self.random.randint(*DELAYS[habit])), invoice.invoice_date + timedelta(days=2))
        how = self.random.choices(("full", "part", "more"), (93, 5, 2))[0]
        self.agenda.plan(day, "pay", (invoice.pk, how))

    def pay(self, batch: Batch) -> None:
        """One payment for all that a customer pays at once in one currency."""
        asked = {pk: (day, how) for day, (pk, how) in batch}
        together: dict[tuple, list[tuple[Invoice, Decimal]]] = defaultdict(list)
        more: dict[tuple, Decimal] = {}
        for invoice in Invoice.objects.filter(pk__in=asked, open__gt=0).order_by("due_date", "number"):
            day, how = asked[invoice.pk]
            key = (invoice.account_id, invoice.currency)
            amount = (invoice.open * Decimal("0.6")).quantize(Decimal("0.01")) if how == "part" and invoice.open > 100 else invoice.open
            together[key].append((invoice, amount))
            if amount < invoice.open:
                self.agenda.plan(day + timedelta(days=self.random.randint(14, 40)), "pay", (invoice.pk, "full"))
            if how == "more":
                more[key] = (invoice.open / 100).to_integral_value(ROUND_CEILING) * 100 - invoice.open
        days = {key: max(asked[invoice.pk][0] for invoice, _amount in held) for key, held in together.items()}
        items = [
            {
                "account": str(account), "currency": currency, "date": days[account, currency].isoformat(), "method": self.random.choice(world.METHODS),
                "amount": str(sum(amount for _invoice, amount in held) + more.get((account, currency), 0)), "reference": held[0][0].number,
            }
            for (account, currency), held in together.items()
        ]  # fmt: skip
        payments = self._post(items)
        allocated = [
            (payment.pk, {"items": [{"invoice": str(invoice.pk), "amount": str(amount)} for invoice, amount in held]})
            for payment, held in zip(payments, together.values(), strict=True)
        ]  # fmt: skip
        for payment in write.act_many(self.actor, get("payments"), "allocate", allocated, HISTORY):
            if payment.unallocated > 0 and not self.refunded:
                self.refunded = True
                self.agenda.plan(payment.date + timedelta(days=12), "refund", payment)

    def _post(self, items: list[dict[str, Any]]) -> list[Payment]:
        made = write.create_many(self.actor, get("payments"), items, HISTORY)
        return write.act_many(self.actor, get("payments"), "post", [(payment.pk, {}) for payment in made], HISTORY)

    def refund(self, batch: Batch) -> None:
        """What was paid beyond an invoice goes back."""
        self._post([
            {
                "account": str(payment.account_id), "currency": payment.currency, "date": day.isoformat(), "amount": str(payment.unallocated),
                "direction": "out", "method": "Bank transfer", "reference": f"Refund of {payment.number}",
            }
            for day, payment in batch
        ])  # fmt: skip

    def credit(self, batch: Batch) -> None:
        """What came back is credited, where it had been billed."""
        asked = {order_line: (day, quantity) for day, (order_line, quantity) in batch}
        items: dict[Any, tuple[date, list[dict[str, str]]]] = {}
        for row in InvoiceLine.objects.filter(order_line__in=asked, invoice__status="posted").order_by("invoice__number", "position"):
            day, quantity = asked[row.order_line_id]
            if row.quantity - row.credited >= quantity and row.invoice_id not in items:
                items[row.invoice_id] = (day, [{"invoice_line": str(row.pk), "quantity": str(quantity)}])
                asked[row.order_line_id] = (day, row.quantity * 2)  # once is enough
        self._credit([(pk, {"lines": lines}) for pk, (_day, lines) in items.items()], [day for day, _lines in items.values()])

    def correct(self, batch: Batch) -> None:
        """An invoice with the wrong address is credited whole; what was shipped is billed anew."""
        rows = Invoice.objects.filter(pk__in=[pk for _day, pk in batch], credited=0, paid=0)
        days = {pk: day for day, pk in batch}
        wrong = list(rows.order_by("pk"))
        self._credit([(invoice.pk, None) for invoice in wrong], [days[invoice.pk] for invoice in wrong])
        for invoice in wrong:
            self.agenda.plan(days[invoice.pk], "invoice", (invoice.order_id, "delivered"))

    def _credit(self, items: list[tuple[Any, dict | None]], days: list[date]) -> None:
        drafts = write.act_many(self.actor, get("invoices"), "credit", items, HISTORY)
        write.act_many(
            self.actor, get("credit-notes"), "post", [(draft.pk, {"date": day.isoformat()}) for draft, day in zip(drafts, days, strict=True)], HISTORY
        )
