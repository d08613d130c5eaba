"""How papers word figures, and the table that all commercial documents share: quote, order confirmation, invoice, credit note."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from babel.numbers import format_decimal
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from core.kinds import KINDS
from core.kinds.kind import locale
from core.models import TaxCode
from core.models.document import Document
from core.money import minor_unit, round_money
from core.showing import Column, Printed


def money(value: Decimal, currency: str) -> str:
    """An amount with its currency, as the paper's language writes it."""
    return KINDS["money"].text(None, value, currency)


def amount(value: Decimal, currency: str) -> str:
    """An amount in a column whose heading names the currency: its minor unit, or four places where a price has more."""
    places = -int(minor_unit(currency).as_tuple().exponent)
    least = places if value == round(value, places) else 4
    return format_decimal(value, format=f"#,##0.{'0' * places}{'#' * (least - places)}" if least else "#,##0", locale=locale(), decimal_quantization=False)


def figure(value: Decimal) -> str:
    return KINDS["number"].text(None, value)


def day(value: date | None) -> str:
    return KINDS["date"].text(None, value) if value else ""


def commercial(document: Document, lines: Iterable[Any], charges: Iterable[Any] = (), **told: Any) -> Printed:
    """The paper of a document with lines: its table and sums; ``told`` is the rest of it (title, number, party, facts, notes).

    ``lines`` have their ``product`` read along. Tax stands for each code where it adds up to the document's own; where codes
    have changed since, the document's sum stands alone. Cost: one query where tax codes are used.
    """
    lines, charges = list(lines), list(charges)
    codes = TaxCode.objects.in_bulk({r.tax_code_id for r in (*lines, *charges) if r.tax_code_id})
    discounted, taxed = any(line.discount for line in lines), bool(codes)
    currency = document.currency
    columns = [
        Column(_("No."), spare=True), Column(_("Description"), wide=True), Column(_("Quantity"), "right"), Column(_("Unit price"), "right"),
        *([Column(_("Discount"), "right")] if discounted else []), *([Column(pgettext("rate", "Tax"), "right")] if taxed else []),
        Column(_("Amount (%(currency)s)") % {"currency": currency}, "right"),
    ]  # fmt: skip
    rows = []
    for position, line in enumerate(lines, 1):
        product = line.product
        rate = _rate(line, codes)
        rows.append((
            str(position), (line.description or (product.name if product else ""), product.sku if product else ""),
            " ".join(part for part in (figure(line.quantity), product.uom if product else "") if part), amount(line.unit_price, currency),
            *([_percent(line.discount) if line.discount else ""] if discounted else []), *(["" if rate is None else _percent(rate)] if taxed else []),
            amount(line.net, currency),
        ))  # fmt: skip
    return Printed(columns=tuple(columns), rows=tuple(rows), sums=_sums(document, lines, charges, codes), **told)


def _rate(row: Any, codes: dict[Any, TaxCode]) -> Decimal | None:
    """The tax rate of a row: the one kept with it where rows keep theirs, else the code's now."""
    if row.tax_code_id not in codes:
        return None
    kept = getattr(row, "tax_rate", None)
    return codes[row.tax_code_id].rate if kept is None else kept


def _sums(document: Document, lines: list[Any], charges: list[Any], codes: dict[Any, TaxCode]) -> tuple[tuple[str, str, bool], ...]:
    currency = document.currency
    sums = [(_("Net"), money(document.net, currency), False)]
    sums += [(charge.name, money(charge.amount, currency), False) for charge in charges]
    taxable: dict[Any, Decimal] = defaultdict(Decimal)
    rates: dict[Any, Decimal] = {}
    for row, value in (*((line, line.net) for line in lines), *((charge, charge.amount) for charge in charges)):
        rate = _rate(row, codes)
        if rate is not None:
            taxable[row.tax_code_id] += value
            rates[row.tax_code_id] = rate
    taxes = [(codes[key].code, rates[key], value, round_money(value * rates[key], currency)) for key, value in taxable.items()]
    if sum((tax for _code, _rate, _value, tax in taxes), Decimal(0)) == document.tax:
        for code, rate, value, tax in sorted(taxes):
            words = {"code": code, "rate": _percent(rate), "amount": money(value, currency)}
            sums.append((_("%(code)s %(rate)s on %(amount)s") % words, money(tax, currency), False))
    else:
        sums.append((_("Tax"), money(document.tax, currency), False))
    return (*sums, (_("Total"), money(document.total, currency), True))


def _percent(value: Decimal) -> str:
    return KINDS["percent"].text(None, value)
