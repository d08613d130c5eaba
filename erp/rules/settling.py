"""How a payment or a credit note settles part of an invoice, in both currencies; and the days amounts fall due on."""

from datetime import date, timedelta
from decimal import Decimal

from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from core import context, trail
from core.access import Actor
from core.errors import RuleError
from core.facts import FIRST_DAY, LAST_DAY
from core.models.record import permit
from core.money import round_money
from core.registry import get
from erp.models import Allocation, CreditNote, Invoice, Payment

DAY = timedelta(days=1)


def demand_day(name: str, day: date | None) -> None:
    """Refuse days no ledger has a period for. Errors: RuleError at ``name``."""
    if day is not None and not FIRST_DAY <= day < LAST_DAY:
        raise RuleError({name: [_("A date is between %(first)s and %(last)s.") % {"first": FIRST_DAY, "last": LAST_DAY - DAY}]})


def overdue_from(invoice: Invoice) -> date:
    """The first day on which what is open of it is overdue."""
    return max(invoice.due_date + DAY, invoice.invoice_date)


def settle(actor: Actor, source: Payment | CreditNote, invoice: Invoice, amount: Decimal, on: date) -> Allocation:
    """Take so much off the locked invoice and off what its locked source has left. Cost: three statements.

    What settles the rest takes the rest in base currency too, on either side, so that both end at zero; what the sides differ
    by then is the exchange gain. The caller stores the source, and has checked the amount.
    """
    base = context.company().currency
    settled = invoice.base_open if amount == invoice.open else round_money(amount * invoice.rate, base)
    used = source.base_unallocated if amount == source.unallocated else round_money(amount * source.rate, base)
    source.unallocated -= amount
    source.base_unallocated -= used
    paid = isinstance(source, Payment)
    name = "paid" if paid else "credited"
    names = (name, "open", "base_open")
    before = [getattr(invoice, n) for n in names]
    setattr(invoice, name, before[0] + amount)
    invoice.open -= amount
    invoice.base_open -= settled
    invoice.version += 1
    invoice.updated_at = timezone.now()
    made = Allocation(invoice=invoice, date=on, amount=amount, base_settled=settled, base_used=used, **{"payment" if paid else "credit_note": source})
    with permit():
        made.save(force_insert=True)
        Invoice.objects.filter(pk=invoice.pk).update(
            **{name: F(name) + amount}, open=invoice.open, base_open=invoice.base_open, version=invoice.version, updated_at=invoice.updated_at
        )
    known = get("invoices").fields
    told = {n: [known[n].rules.to_json(known[n], v) for v in (was, getattr(invoice, n))] for n, was in zip(names, before, strict=True)}
    trail.note([trail.entry(actor, get("invoices"), invoice, "allocate" if paid else "credit", told)])
    return made
