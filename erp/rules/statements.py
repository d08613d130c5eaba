"""What accounts owe: by age on a day, in base currency; and one account's statement, in the currencies it was billed in.

Read from documents and allocations as their reader may see them. An allocation counts from the day of its payment or credit note,
as its facts do, so the table of ages adds up to the receivables of the same day.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Case, Sum, Value, When
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


def bucket(due: str, on: date) -> Case:
    """Which bucket something falls into on a day, by the column that says when it is due."""
    ends = (When(**{f"{due}__gte": on - timedelta(days=limit)}, then=Value(i)) for i, limit in enumerate(LIMITS))
    return Case(*ends, default=Value(len(LIMITS)))


def ages(actor: Actor, on: date) -> dict[UUID, list[Decimal]]:
    """Account -> what is open by bucket, then what no invoice took (less than zero), in base currency. Cost: five queries."""
    found: dict[UUID, list[Decimal]] = defaultdict(lambda: [ZERO] * (len(BUCKETS) + 1))
    billed = _posted(actor, "invoices", invoice_date__lte=on).order_by()
    settled = Allocation.objects.filter(date__lte=on, invoice__in=billed).order_by()
    for sign, rows, base, of in ((1, billed, "base_total", ""), (-1, settled, "base_settled", "invoice__")):
        parts = rows.values(f"{of}account").annotate(place=bucket(f"{of}due_date", on), amount=Sum(base))
        for account, place, amount in parts.values_list(f"{of}account", "place", "amount"):
            found[account][place] += sign * amount
    for slug in ("credit-notes", "payments"):
        waiting = _posted(actor, slug, date__lte=on).order_by().values("account")
        for row in waiting.annotate(amount=Sum("base_unallocated")):
            found[row["account"]][-1] -= row["amount"]
    for row in _posted(actor, "payments", date__lte=on, direction="out").order_by().values("account").annotate(amount=Sum("base_amount")):
        found[row["account"]][-1] += row["amount"]
    return {account: amounts for account, amounts in found.items() if any(amounts)}


def ageing_inputs() -> list[tuple[str, Any, Any]]:
    return [("on", _("On"), today())]


class Rows(Sequence):
    """The rows of a long table, each made when it is looked at: a page shows some of those that its file holds."""

    def __init__(self, made_of: Sequence, make: Callable[[Any], tuple]):
        self._made_of, self._make = made_of, make

    def __len__(self) -> int:
        return len(self._made_of)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self._make(one) for one in self._made_of[place]]
        return self._make(self._made_of[place])


def ageing(actor: Actor, record: None, words: dict[str, Any]) -> list[Section]:
    """A row for each account that owes or is owed something, the largest first. Cost: six queries."""
    on, found = words["on"], ages(actor, words["on"])
    names = dict(access.rows(actor, get("accounts")).filter(pk__among=found).values_list("pk", "name"))
    owing = sorted((item for item in found.items() if item[0] in names), key=lambda item: (-sum(item[1]), names[item[0]], item[0]))
    nobody = [sum(amounts) for amounts in zip(*(amounts for account, amounts in found.items() if account not in names), strict=True)]
    linked = _linking(on)
    hidden = [(_("Accounts you may not see"), *nobody, sum(nobody))] if any(nobody) else []

    def row(item: tuple[UUID, list[Decimal]] | None) -> tuple:
        if item is None:
            return hidden[0]
        account, amounts = item
        return (Link(names[account], "accounts", account, page="statement"), *linked(amounts, account), sum(amounts))

    sums = [sum((amounts[i] for amounts in found.values()), ZERO) for i in range(len(BUCKETS) + 1)]
    words_of = (("period", f"{on}..{on}"),)
    last = (_("All accounts"), *linked(sums, None), Link(sum(sums, ZERO), "kpis", "receivables", words_of))
    headings = (Heading(_("Account")), *(Heading(label, "money") for label in (*BUCKETS, _("Unallocated"), _("Receivables"))))
    rows = Rows([*owing, *(None for _one in hidden)], row)
    return [Section(headings, rows, context.company().currency, last=last)] if rows else []


def _linking(on: date) -> Callable[[list[Decimal], UUID | None], list[Any]]:
    """What makes of an account's amounts links to the due items each is of, where these are as they were on that day."""
    if on != today():
        return lambda amounts, account: list(amounts)
    spans = []
    for i in range(len(BUCKETS)):
        words = [("due_date__lt", str(on - timedelta(days=LIMITS[i - 1])))] if i > 0 else []
        spans.append((*words, *([("due_date__gte", str(on - timedelta(days=LIMITS[i])))] if i < len(LIMITS) else []), ("open__ne", "0")))

    def linked(amounts: list[Decimal], account: UUID | None) -> list[Any]:
        whose = (("account", str(account)),) if account else ()
        return [*(Link(a, "due-items", None, (*whose, *span)) if a else a for a, span in zip(amounts, spans, strict=False)), amounts[-1]]

    return linked


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
