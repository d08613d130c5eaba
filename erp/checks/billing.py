"""Verified of money: invoices, credit notes and payments against what was allocated, and against receivables and overdue amounts as facts tell them (N18)."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db.models import F, QuerySet, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import context
from core.doctor import Check, Difference, chunks, compare, differs, label_of, register, text
from core.models import Fact
from core.money import minor_unit
from crm.models import Account
from erp.models import Allocation, CreditNote, CreditNoteLine, Invoice, InvoiceLine, Payment

ZERO = Decimal(0)


def sums(rows: QuerySet, by: str, *names: str) -> dict[Any, tuple[Decimal, ...]]:
    """Key -> sums of columns. Cost: one query."""
    found: dict[Any, tuple[Decimal, ...]] = defaultdict(lambda: (ZERO,) * len(names))
    for key, *amounts in rows.order_by().values_list(by).annotate(*(Sum(name) for name in names)):
        found[key] = tuple(amount or ZERO for amount in amounts)
    return found


def invoices_are_conserved() -> Iterator[Difference]:
    """Total = paid + credited + open, each as allocated, in both currencies. Cost: three queries for every 500 invoices."""
    label = lambda name: label_of(Invoice, name)  # noqa: E731 - a short name for a long one
    for invoices in chunks(Invoice.objects.all()):
        mine = Allocation.objects.filter(invoice__in=[i.pk for i in invoices])
        paid, credited = (sums(mine.filter(payment__isnull=no), "invoice", "amount", "base_settled") for no in (False, True))
        for one in invoices:
            if one.status == "draft":
                yield from compare(one, [(label(name), ZERO, getattr(one, name)) for name in ("paid", "credited", "open", "base_open")])
                continue
            by_pay, by_note = paid[one.pk], credited[one.pk]
            yield from compare(one, [
                (label("paid"), by_pay[0], one.paid), (label("credited"), by_note[0], one.credited),
                (label("open"), one.total - one.paid - one.credited, one.open), (label("base_open"), one.base_total - by_pay[1] - by_note[1], one.base_open),
            ])  # fmt: skip
            if one.open < 0 or (not one.open and one.base_open):
                yield differs(one, label("base_open"), ">= 0" if one.open else ZERO, one.base_open if not one.open else one.open)


def credits_are_conserved() -> Iterator[Difference]:
    """What is unallocated of notes and payments is what no allocation took, in both currencies. Cost: two queries for every 500."""
    for model, by, amount, base in ((CreditNote, "credit_note", "total", "base_total"), (Payment, "payment", "amount", "base_amount")):
        for records in chunks(model.objects.all()):
            used = sums(Allocation.objects.filter(**{f"{by}__in": [r.pk for r in records]}), by, "amount", "base_used")
            for one in records:
                left = one.status == "posted" and getattr(one, "direction", "in") == "in"
                taken, base_taken = used[one.pk]
                yield from compare(one, [
                    (label_of(model, "unallocated"), getattr(one, amount) - taken if left else ZERO, one.unallocated),
                    (label_of(model, "base_unallocated"), getattr(one, base) - base_taken if left else ZERO, one.base_unallocated),
                ])  # fmt: skip
                if one.unallocated < 0 or (not one.unallocated and one.base_unallocated) or (taken and not left):
                    yield differs(one, label_of(model, "unallocated"), ">= 0", one.base_unallocated or one.unallocated)


def payments_are_at_their_rate() -> Iterator[Difference]:
    """Cost: one query for every 500 payments."""
    base = context.company().currency
    for payments in chunks(Payment.objects.all()):
        for one in payments:
            worth = (one.amount * one.rate).quantize(minor_unit(base), ROUND_HALF_UP)
            yield from compare(one, [(label_of(Payment, "base_amount"), worth, one.base_amount)])


def credited_lines() -> Iterator[Difference]:
    """What was credited of an invoice line is what posted notes say; notes are at its price. Cost: three queries for every 500 lines."""
    for lines in chunks(InvoiceLine.objects.filter(invoice__status="posted").select_related("invoice")):
        notes = CreditNoteLine.objects.filter(invoice_line__in=[row.pk for row in lines])
        posted: dict[Any, Decimal] = defaultdict(Decimal)
        for note in notes.select_related("credit_note"):
            if note.credit_note.status == "posted":
                posted[note.invoice_line_id] += note.quantity
        for row in lines:
            yield from compare(row.invoice, [(label_of(InvoiceLine, "credited"), posted[row.pk], row.credited)], row)
            if row.credited > row.quantity:
                yield differs(row.invoice, label_of(InvoiceLine, "credited"), f"<= {text(row.quantity)}", row.credited, row)
    apart = CreditNoteLine.objects.exclude(unit_price=F("invoice_line__unit_price"), discount=F("invoice_line__discount"))
    for row in apart.select_related("credit_note", "invoice_line")[:1000]:
        yield differs(row.credit_note, label_of(CreditNoteLine, "unit_price"), row.invoice_line.unit_price, row.unit_price, row)


def _owed() -> dict[Any, Decimal]:
    """Account -> what it owes as its documents say. Cost: four queries. Holds a number for each account in memory."""
    owed: dict[Any, Decimal] = defaultdict(Decimal)
    parts = (
        (Invoice.objects.filter(status="posted"), "base_open", 1), (CreditNote.objects.filter(status="posted"), "base_unallocated", -1),
        (Payment.objects.filter(status="posted", direction="in"), "base_unallocated", -1),
        (Payment.objects.filter(status="posted", direction="out"), "base_amount", 1),
    )  # fmt: skip
    for rows, name, sign in parts:
        for account, (amount,) in sums(rows, "account", name).items():
            owed[account] += sign * amount
    return owed


def receivables_are_what_is_open() -> Iterator[Difference]:
    """Cost: seven queries."""
    told = sums(Fact.objects.filter(measure="receivable"), "account", "value")
    yield from _by_account(_("Receivables"), _owed(), {account: amount for account, (amount,) in told.items()})
    told = sums(Fact.objects.filter(measure="overdue"), "account", "value")
    open_ = {account: amount for account, (amount,) in sums(Invoice.objects.filter(status="posted"), "account", "base_open").items()}
    yield from _by_account(_("Due amounts"), open_, {account: amount for account, (amount,) in told.items()})


def _by_account(what: str, expected: dict[Any, Decimal], found: dict[Any, Decimal]) -> Iterator[Difference]:
    wrong = [a for a in expected.keys() | found.keys() if expected.get(a, ZERO) != found.get(a, ZERO)]
    accounts = Account.objects.in_bulk([a for a in wrong[:1000] if a])
    for account in wrong:
        if account in accounts:
            yield differs(accounts[account], what, expected.get(account, ZERO), found.get(account, ZERO))
        else:
            yield Difference(str(account), what, text(expected.get(account, ZERO)), text(found.get(account, ZERO)))


def amounts_fall_overdue_on_their_day() -> Iterator[Difference]:
    """An invoice is overdue from the day after it is due, by all that is stated of it. Cost: two queries for every 500 invoices."""
    for invoices in chunks(Invoice.objects.filter(status="posted")):
        days: dict[Any, set] = defaultdict(set)
        told = Fact.objects.filter(measure="overdue", source_id__in=[i.pk for i in invoices]).values_list("source_id", "business_date")
        for source, day, amount in told.annotate(amount=Sum("value")):
            if amount:
                days[source].add(day)
        for one in invoices:
            expected = {max(one.due_date + timedelta(days=1), one.invoice_date)} if one.base_total else set()
            yield from compare(one, [(_("Overdue from"), sorted(map(str, expected)), sorted(map(str, days[one.pk])))])


register(
    Check(
        "invoices", gettext_lazy("Of every invoice: total = paid + credited + open, as allocated, and what is settled is settled in both currencies."),
        invoices_are_conserved,
    ),
    Check("credits", gettext_lazy("Of every payment and credit note: amount = allocated + unallocated, in both currencies."), credits_are_conserved),
    Check("credited-lines", gettext_lazy("Of every invoice line as much was credited as its credit notes say, at its price."), credited_lines),
    Check("payments", gettext_lazy("Every payment is worth its amount at its rate."), payments_are_at_their_rate),
    Check("receivables", gettext_lazy("What the facts say each account owes, and falls due, is what is open of its documents."), receivables_are_what_is_open),
    Check("overdue", gettext_lazy("Every invoice is overdue from the day after it is due."), amounts_fall_overdue_on_their_day),
)  # fmt: skip
