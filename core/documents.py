"""What commercial documents do alike: their rate, the nets of their lines, their sums. Which lines there are, and when, their own rules say."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from core import context, totals
from core.cleaning import Cleaned
from core.errors import RuleError
from core.models import Document, TaxCode
from core.money import round_money
from core.prepared import columns
from core.rates import rate_for

SUMS = ("net", "tax", "charges_total", "total", "base_net", "base_total")
LIMIT = Decimal(10) ** 15


def demand_quantities(made: Cleaned) -> None:
    """A quantity is more than zero. The database refuses others too, but cannot say at which line."""
    for position, row in enumerate(made.lines.get("lines", ())):
        quantity = row.values.get("quantity")
        if quantity is not None and quantity <= 0:
            made.refuse(f"lines.{position}.quantity", _("A quantity is more than zero."))


def note_rate(document: Any, made: Cleaned) -> None:
    """Remember whether somebody says which rate holds; an emptied one follows the date again. In ``prepare``."""
    if "rate" in made.values:
        document.rate_fixed = made.values["rate"] is not None
        if made.values["rate"] is not None and made.values["rate"] <= 0:
            made.refuse("rate", _("A rate is more than zero."))


def take_rate(document: Any, day: date) -> None:
    """The rate of the day, unless somebody fixed another one. Cost: one query for a foreign currency. Errors: as ``rate_for``."""
    if document.currency == context.company().currency:
        document.rate, document.rate_fixed = Decimal(1), False
    elif not document.rate_fixed or not document.rate:
        document.rate = rate_for(document.currency, day)


def tax_rates(rows: Iterable[Any]) -> dict[Any, Decimal]:
    """Tax code id -> its rate now. Cost: one query where tax codes are used that this use-case has not met."""
    known = context.memo().setdefault("tax rates", {})
    codes = {r.tax_code_id for r in rows if r.tax_code_id}
    if unknown := codes - known.keys():
        known.update((code, rate) for code, (rate,) in columns(TaxCode, unknown, "rate").items())
    return {code: known[code] for code in codes if code in known}


def forget_tax(actor: Any, code: TaxCode, changed: dict) -> None:
    """The ``after`` hook of tax codes: their rates are read anew inside this use-case."""
    context.memo().pop("tax rates", None)


def value_lines(document: Any, lines: Iterable[Any]) -> None:
    """Net and base net of each line, at the document's currency and rate."""
    base = context.company().currency
    for row in lines:
        row.net = totals.line_net(row.quantity, row.unit_price, row.discount, document.currency)
        row.base_net = round_money(row.net * document.rate, base)


def count(document: Document, lines: list, charges: list, rates: dict[Any, Decimal] | None = None) -> None:
    """Nets of lines and sums of the document, at the tax rates of now or those given. Cost: one query where tax codes are used.

    Errors: RuleError at ``lines`` where the amounts cannot be held.
    """
    base = context.company().currency
    rates = tax_rates((*lines, *charges)) if rates is None else rates
    value_lines(document, lines)
    for row in charges:
        row.amount = round_money(row.amount, document.currency)
    sums = totals.add_up(
        [(r.net, r.tax_code_id, rates.get(r.tax_code_id, Decimal(0))) for r in lines],
        [(r.amount, r.tax_code_id, rates.get(r.tax_code_id, Decimal(0))) for r in charges],
        document.currency, base, document.rate,
    )  # fmt: skip
    for name in SUMS:
        if abs(getattr(sums, name)) >= LIMIT:
            raise RuleError({"lines": [_("The amounts of this document are too large.")]})
        setattr(document, name, getattr(sums, name))
