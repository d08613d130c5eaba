"""From lines and charges to the totals of a document. Pure arithmetic: no tables, no company, one rounding policy (M-04).

Line net = round(quantity x unit_price x (1 - discount)); tax once for each tax code of a document; base amount =
round(document amount x rate).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.money import ZERO, round_money


@dataclass(frozen=True)
class Totals:
    """Amounts of a document in its own currency, and its net and total in the company's."""

    net: Decimal
    tax: Decimal
    charges_total: Decimal
    total: Decimal
    base_net: Decimal
    base_total: Decimal


def line_net(quantity: Decimal, unit_price: Decimal, discount: Decimal, currency: str) -> Decimal:
    return round_money(quantity * unit_price * (1 - discount), currency)


def line_discount(quantity: Decimal, unit_price: Decimal, net: Decimal, currency: str) -> Decimal:
    """What the discount took off this line: its full price, rounded, less its net."""
    return round_money(quantity * unit_price, currency) - net


def add_up(
    lines: Iterable[tuple[Decimal, Any, Decimal]],
    charges: Iterable[tuple[Decimal, Any, Decimal]],
    currency: str,
    base_currency: str,
    rate: Decimal,
) -> Totals:
    """Totals over ``(net, tax key, tax rate)`` of lines and ``(amount, tax key, tax rate)`` of charges; a key of None bears no tax."""
    net = charged = ZERO
    taxable: dict[Any, Decimal] = defaultdict(lambda: ZERO)
    rates: dict[Any, Decimal] = {}
    for amount, key, tax_rate in lines:
        net += amount
        taxable[key] += amount
        rates[key] = tax_rate
    for amount, key, tax_rate in charges:
        charged += amount
        taxable[key] += amount
        rates[key] = tax_rate
    tax = sum((round_money(amount * rates[key], currency) for key, amount in taxable.items() if key is not None), ZERO)
    total = net + charged + tax
    return Totals(net, tax, charged, total, round_money(net * rate, base_currency), round_money(total * rate, base_currency))
