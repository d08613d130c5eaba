"""What may happen to payments: posted, allocated to invoices; and the facts they state."""

from collections import defaultdict
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Sum
from django.utils.translation import gettext as _

from core import context, documents, numbering
from core.access import Actor
from core.errors import RuleError, WrongState
from core.facts import Statement
from core.money import round_money
from core.registry import get
from crm.models import Account
from erp.models import Allocation, CreditNote, Invoice, Payment
from erp.rules import invoices, settling
from erp.rules.credits import settlements

ZERO = Decimal(0)
OFFERED = 100  # invoices that the form of an allocation lists


def locked(payment: Payment) -> frozenset[str]:
    return invoices.everything("payments") if payment.status == "posted" else frozenset()


def prepare(actor: Actor, pairs: list) -> None:
    """Currency and owner are the account's, where nobody says otherwise. Cost: two queries a batch."""
    accounts = Account.objects.in_bulk({p.account_id for p, _m in pairs if p.account_id})
    for payment, made in pairs:
        documents.note_rate(payment, made)
        account = accounts.get(payment.account_id)
        if not payment.currency:
            payment.currency = (account.currency if account else "") or context.company().currency
    invoices.own([(payment, made, accounts.get(payment.account_id)) for payment, made in pairs])


def check(actor: Actor, payment: Payment, changed: dict, rows: dict) -> None:
    """An amount in whole minor units, on a day that has a rate."""
    settling.demand_day("date", payment.date)
    payment.amount = round_money(payment.amount, payment.currency)
    if payment.amount <= 0:
        raise RuleError({"amount": [_("An amount is more than zero.")]})


def add_up(payment: Payment, rows: dict[str, list]) -> None:
    """The ``totals`` hook: a draft follows the rate of its date."""
    if payment.status == "draft":
        _value(payment)


def _value(payment: Payment) -> None:
    documents.take_rate(payment, payment.date)
    payment.base_amount = round_money(payment.amount * payment.rate, context.company().currency)
    if abs(payment.base_amount) >= documents.LIMIT:
        raise RuleError({"amount": [_("This amount is too large.")]})


def post(actor: Actor, payment: Payment, data: dict) -> None:
    """Number, date and rate for good; what came in waits to be allocated."""
    payment.date = data.get("date") or payment.date
    settling.demand_day("date", payment.date)
    _value(payment)
    if payment.direction == "in":
        payment.unallocated, payment.base_unallocated = payment.amount, payment.base_amount
    payment.number = numbering.next_number("PAY", payment.date)


def demand_received(actor: Actor, payment: Payment) -> None:
    if payment.direction != "in":
        raise WrongState(_("Only what was received is allocated to invoices."))


def allocate(actor: Actor, payment: Payment | CreditNote, data: dict) -> None:
    """Settle parts of invoices, by a payment or by what a credit note has left over.

    Locks them in the order of their ids, after the payment. Cost: four statements an invoice.

    Errors: RuleError at ``items.0.invoice``, ``items.0.amount``.
    """
    items = data.get("items") or []
    if not items:
        raise RuleError({"items": [_("Name at least one invoice and amount.")]})
    wanted = {item.get("invoice") for item in items}
    found = {i.pk: i for i in Invoice.objects.filter(pk__in=wanted).order_by("pk").select_for_update(of=("self",))}
    errors: dict[str, list[str]] = {}
    for position, item in enumerate(items):
        invoice = found.get(item.get("invoice"))
        if invoice is None or invoice.status != "posted" or invoice.account_id != payment.account_id or invoice.currency != payment.currency:
            errors[f"items.{position}.invoice"] = [_("Choose a posted invoice of the same account and currency.")]
            continue
        amount = round_money(item.get("amount") or ZERO, payment.currency)
        if amount <= 0:
            errors[f"items.{position}.amount"] = [_("An amount is more than zero.")]
        elif amount > min(invoice.open, payment.unallocated):
            most = min(invoice.open, payment.unallocated)
            errors[f"items.{position}.amount"] = [_("At most %(left)s can be allocated.") % {"left": f"{most.normalize():f}"}]
        elif not errors:
            settling.settle(actor, payment, invoice, amount, payment.date)
    if errors:
        raise RuleError(errors)


def offer_items(actor: Actor, payment: Payment | CreditNote) -> dict[str, list]:
    """The account's open invoices, the oldest first, filled as far as the payment goes: what the form starts with. Cost: one query."""
    left, items, known = payment.unallocated, [], get("invoices").fields
    amount_of, date_of = known["open"], known["due_date"]
    open_ones = Invoice.objects.filter(account=payment.account_id, currency=payment.currency, status="posted", open__gt=0, archived_at=None)
    for invoice in open_ones.order_by("due_date", "number")[:OFFERED]:
        amount = min(left, invoice.open)
        told = {"amount": amount_of.rules.text(amount_of, invoice.open, invoice.currency), "date": date_of.rules.text(date_of, invoice.due_date)}
        items.append({"invoice": invoice.pk, "amount": amount or None, "hint": _("open %(amount)s, due %(date)s") % told})
        left -= amount
    return {"items": items}


# Facts


def facts(payments: list[Payment]) -> dict[UUID, list[Statement]]:
    """What posted payments state: cash, and what of receivables they take off. Cost: one query for any number."""
    posted = [p for p in payments if p.status == "posted"]
    settled: dict[UUID, list[Allocation]] = defaultdict(list)
    for row in Allocation.objects.filter(payment__in=posted).select_related("invoice").order_by("pk") if posted else ():
        settled[row.payment_id].append(row)
    return {p.pk: list(_statements(p, settled[p.pk])) for p in posted}


def _statements(payment: Payment, settled: list[Allocation]):
    mine = invoices.who(payment)
    if payment.direction == "out":
        yield Statement("cash", -payment.base_amount, payment.date, **mine)
        yield Statement("receivable", payment.base_amount, payment.date, **mine)
        return
    yield Statement("cash", payment.base_amount, payment.date, **mine)
    yield Statement("receivable", -payment.base_unallocated, payment.date, **mine)
    yield from settlements(settled)


# Reading


def remains(payment: Payment) -> list[tuple[Any, str]]:
    """What of it no invoice took."""
    f = get("payments").fields["unallocated"]
    return [(_("Unallocated"), f.rules.text(f, payment.unallocated, payment.currency))] if payment.unallocated else []


def chained(payments: list[Payment]) -> list[tuple]:
    """Invoices these payments settled something of. Cost: one query."""
    made = Allocation.objects.filter(payment__in=[p.pk for p in payments]).select_related("invoice").order_by("pk")
    return [invoices.link(row) for row in made]


def conserved(payment: Payment) -> list[str]:
    """What of a posted payment does not add up, in both currencies. Cost: one query."""
    if payment.status != "posted" or payment.direction != "in":
        return []
    made = Allocation.objects.filter(payment=payment).aggregate(amount=Sum("amount"), base=Sum("base_used"))
    if (payment.amount, payment.base_amount) != (payment.unallocated + (made["amount"] or ZERO), payment.base_unallocated + (made["base"] or ZERO)):
        return [_("Its amount is not what was allocated + unallocated.")]
    return []
