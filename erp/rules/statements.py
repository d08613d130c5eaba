"""What accounts owe: by age on a day, in base currency; and one account's statement, in the currencies it was billed in.

Read from documents and allocations as their reader may see them. An allocation counts from the day of its payment or credit note,
as its facts do, so the table of ages adds up to the receivables of the same day.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import DecimalField, OuterRef, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from core import access, context, periods
from core.access import Actor
from core.errors import RuleError
from core.registry import get
from core.reporting import Heading, Link, Section
from core.structures import today
from crm.models import Account
from erp.models import Allocation

ZERO = Decimal(0)
AMOUNT = DecimalField(max_digits=19, decimal_places=4)
LIMITS = (0, 30, 60, 90)  # days overdue up to which a bucket goes; the last has no end
BUCKETS = (
    gettext_lazy("Not due"), gettext_lazy("1 to 30 days"), gettext_lazy("31 to 60 days"), gettext_lazy("61 to 90 days"), gettext_lazy("Over 90 days"),
)  # fmt: skip
TOLD = {
    "invoices": {"account", "invoice_date", "due_date", "total", "base_total", "open", "base_open", "currency", "status"},
    "credit-notes": {"account", "date", "total", "unallocated", "base_unallocated", "currency", "status"},
    "payments": {"account", "date", "amount", "base_amount", "unallocated", "base_unallocated", "currency", "direction", "status"},
}  # fmt: skip


def sees(actor: Actor) -> bool:
    """Who sees invoices with what they say of money."""
    invoices = get("invoices")
    return access.allows(actor, invoices, "view") and not access.hidden_names(actor, invoices) & TOLD["invoices"]


def _posted(actor: Actor, slug: str, **where: Any):
    """Posted documents the reader sees; none of a type that hides from him what is told here."""
    object_type = get(slug)
    if access.hidden_names(actor, object_type) & TOLD[slug]:
        return object_type.all().none()
    return access.rows(actor, object_type).filter(status="posted", **where)


# By age


def bucket(due: date, on: date) -> int:
    """Which bucket something due on a day falls into on another."""
    late = (on - due).days
    return next((i for i, limit in enumerate(LIMITS) if late <= limit), len(LIMITS))


def ages(actor: Actor, on: date) -> dict[UUID, list[Decimal]]:
    """Account -> what is open by bucket, then what no invoice took (less than zero), in base currency. Cost: three queries."""
    settled = Allocation.objects.filter(invoice=OuterRef("pk"), date__lte=on).order_by().values("invoice").annotate(s=Sum("base_settled")).values("s")
    found: dict[UUID, list[Decimal]] = defaultdict(lambda: [ZERO] * (len(BUCKETS) + 1))
    rows = _posted(actor, "invoices", invoice_date__lte=on).order_by()
    rows = rows.annotate(left=Coalesce(Subquery(settled, output_field=AMOUNT), Value(ZERO, AMOUNT)))
    for account, due, total, gone in rows.values_list("account", "due_date", "base_total", "left"):
        if total != gone:
            found[account][bucket(due, on)] += total - gone
    for slug in ("credit-notes", "payments"):
        waiting = _posted(actor, slug, date__lte=on).order_by().values("account")
        for row in waiting.annotate(amount=Sum("base_unallocated")):
            found[row["account"]][-1] -= row["amount"]
    for row in _posted(actor, "payments", date__lte=on, direction="out").order_by().values("account").annotate(amount=Sum("base_amount")):
        found[row["account"]][-1] += row["amount"]
    return {account: amounts for account, amounts in found.items() if any(amounts)}


def ageing_inputs() -> list[tuple[str, Any, Any]]:
    return [("on", _("On"), today())]


def ageing(actor: Actor, record: None, words: dict[str, Any]) -> list[Section]:
    """A row for each account that owes or is owed something, the largest first. Cost: four queries."""
    on, found = words["on"], ages(actor, words["on"])
    names = dict(access.rows(actor, get("accounts")).filter(pk__in=found).values_list("pk", "name"))
    rows, nobody = [], [ZERO] * (len(BUCKETS) + 1)
    for account, amounts in sorted(found.items(), key=lambda item: (-sum(item[1]), names.get(item[0], ""), item[0])):
        if account in names:
            rows.append((Link(names[account], "accounts", account, page="statement"), *_linked(amounts, account, on), sum(amounts)))
        else:
            nobody = [a + b for a, b in zip(nobody, amounts, strict=True)]
    if any(nobody):
        rows.append((_("Accounts you may not see"), *nobody, sum(nobody)))
    sums = [sum((amounts[i] for amounts in found.values()), ZERO) for i in range(len(BUCKETS) + 1)]
    words_of = (("period", f"{on}..{on}"),)
    last = (_("All accounts"), *_linked(sums, None, on), Link(sum(sums, ZERO), "kpis", "receivables", words_of))
    headings = (Heading(_("Account")), *(Heading(label, "money") for label in (*BUCKETS, _("Unallocated"), _("Receivables"))))
    return [Section(headings, rows, context.company().currency, last=last)] if rows else []


def _linked(amounts: list[Decimal], account: UUID | None, on: date) -> list[Any]:
    """Each amount with the due items it is of, where these are as they were on that day."""
    if on != today():
        return list(amounts)
    cells: list[Any] = []
    for i, amount in enumerate(amounts[:-1]):
        words = [("account", str(account))] if account else []
        if i > 0:
            words.append(("due_date__lt", str(on - timedelta(days=LIMITS[i - 1]))))
        if i < len(LIMITS):
            words.append(("due_date__gte", str(on - timedelta(days=LIMITS[i]))))
        cells.append(Link(amount, "due-items", None, (*words, ("open__ne", "0"))) if amount else amount)
    return [*cells, amounts[-1]]


# Of one account


@dataclass(frozen=True)
class Entry:
    """A document on a statement: what it adds to what the account owes in its currency."""

    on: date
    slug: str
    id: UUID
    number: str
    due: date | None
    amount: Decimal


KINDS = {
    "invoices": gettext_lazy("Invoice"), "credit-notes": gettext_lazy("Credit note"), "payments": gettext_lazy("Payment"),
    "refunds": gettext_lazy("Refund"),
}  # fmt: skip


def entries(actor: Actor, account: Account, until: date) -> dict[str, list[Entry]]:
    """Currency -> the account's posted documents up to a day, in order. Cost: three queries."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for i in _posted(actor, "invoices", account=account, invoice_date__lte=until):
        found[i.currency].append(Entry(i.invoice_date, "invoices", i.pk, i.number, i.due_date, i.total))
    for n in _posted(actor, "credit-notes", account=account, date__lte=until):
        found[n.currency].append(Entry(n.date, "credit-notes", n.pk, n.number, None, -n.total))
    for p in _posted(actor, "payments", account=account, date__lte=until):
        kind, amount = ("payments", -p.amount) if p.direction == "in" else ("refunds", p.amount)
        found[p.currency].append(Entry(p.date, kind, p.pk, p.number, None, amount))
    order = list(KINDS)
    return {currency: sorted(held, key=lambda e: (e.on, order.index(e.slug), e.number)) for currency, held in sorted(found.items())}


def statement_inputs() -> list[tuple[str, Any, Any]]:
    year = periods.containing(today(), "year", context.company().fiscal_year_start)
    return [("from", pgettext("period", "from"), year.start), ("to", _("to"), today())]


def statement(actor: Actor, account: Account, words: dict[str, Any]) -> list[Section]:
    """For each currency: what was owed before, the documents in order with what is owed after each, what is owed then. Cost: three queries."""
    first, until = words["from"], words["to"]
    if until < first:
        raise RuleError({"to": [_("The last day comes before the first.")]})
    headings = (
        Heading(_("Date"), "date"), Heading(_("Document")), Heading(_("Number")), Heading(_("Due date"), "date"), Heading(_("Billed"), "money"),
        Heading(_("Paid or credited"), "money"), Heading(_("Balance"), "money"),
    )  # fmt: skip
    sections = []
    for currency, held in entries(actor, account, until).items():
        balance = opening = sum((e.amount for e in held if e.on < first), ZERO)
        rows = []
        for e in (e for e in held if e.on >= first):
            balance += e.amount
            more, less = (e.amount, None) if e.amount >= 0 else (None, -e.amount)
            slug = "payments" if e.slug == "refunds" else e.slug
            rows.append((e.on, str(KINDS[e.slug]), Link(e.number, slug, e.id), e.due, more, less, balance))
        if rows or opening:
            start = (first, _("Opening balance"), None, None, None, None, opening)
            end = (until, _("Closing balance"), None, None, None, None, balance)
            sections.append(Section(headings, rows, currency, currency, start, end))
    return sections


__all__ = ["ageing", "ageing_inputs", "ages", "bucket", "entries", "sees", "statement", "statement_inputs"]
