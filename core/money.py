"""Rounding of money: one policy, half up to the currency's minor unit, in Python and in PostgreSQL alike. Pure functions."""

from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from babel.numbers import get_currency_precision

ZERO = Decimal(0)


@cache
def minor_unit(currency: str) -> Decimal:
    """The smallest amount of a currency: 0.01 for EUR, 1 for JPY, 0.001 for KWD (ISO 4217, by CLDR)."""
    return Decimal(1).scaleb(-get_currency_precision(currency))


def round_money(amount: Decimal, currency: str) -> Decimal:
    """The amount in whole minor units, half up, away from zero."""
    return amount.quantize(minor_unit(currency), ROUND_HALF_UP)


def plain(value: Decimal, places: int = 0) -> str:
    """A number as the contract writes it: no exponent, no needless zeros beyond ``places`` decimals."""
    text = str(value)
    if places == 2 and text[-5:-4] == "." and text[-2:] == "00":  # as nearly all amounts come from the database
        return text[:-2]
    if "E" in text:
        text = f"{value:f}"
    if "." in text:
        whole, fraction = text.split(".")
        fraction = fraction.rstrip("0").ljust(places, "0")
        text = f"{whole}.{fraction}" if fraction else whole
    elif places:
        text = f"{text}.{'0' * places}"
    return "0" if text in ("-0", "") else text
