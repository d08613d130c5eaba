"""Kinds whose value is a number: decimals, whole numbers, money, fractions. How money is rounded: core.money."""

from decimal import Decimal, InvalidOperation
from functools import cache

from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision
from django.db import models
from django.utils.translation import gettext as _

from core import context
from core.kinds.kind import EQUALITY, ORDER, Kind, locale
from core.money import plain

LARGEST = 40  # digits before the point, and zeros after it, of any number there can be


class Number(Kind):
    name = "number"
    ops = (*EQUALITY, *ORDER)
    cast, output, empty, sums = "numeric", models.DecimalField(max_digits=30, decimal_places=10), None, True
    widget = "number"
    schema = {"type": "string", "format": "decimal"}
    whole_digits, places = 18, 6

    def clean(self, field, value):
        if isinstance(value, bool | list | dict):
            raise ValueError(_("Enter a number."))
        try:
            number = Decimal(str(value).strip())
        except InvalidOperation:
            raise ValueError(_("Enter a number.")) from None
        if not number.is_finite():
            raise ValueError(_("Enter a number."))
        computed = field.expression is not None and self.places  # what is asked of a figure has as many decimals as working it out came to
        if number and number.adjusted() >= (LARGEST if computed else self.whole_digits):
            raise ValueError(_("This number is too large."))
        if number.adjusted() < -LARGEST or (not computed and -number.normalize().as_tuple().exponent > self.places):
            raise ValueError(_("Enter at most %(n)d decimals.") % {"n": self.places})
        if field.minimum is not None and number < field.minimum:
            raise ValueError(_("Enter at least %(n)s.") % {"n": plain(Decimal(field.minimum))})
        if field.maximum is not None and number > field.maximum:
            raise ValueError(_("Enter at most %(n)s.") % {"n": plain(Decimal(field.maximum))})
        return number + 0  # -0 becomes 0

    def to_json(self, field, value):
        return None if value is None else plain(value)

    def from_json(self, field, value):
        return None if value is None else Decimal(value)

    def text(self, field, value, currency=""):
        return "" if value is None else format_decimal(value, format="#,##0.######", locale=locale())


class Rate(Number):
    name = "rate"
    whole_digits, places, sums = 12, 10, False

    def text(self, field, value, currency=""):
        return "" if value is None else format_decimal(value, format="#,##0.##########", locale=locale())


class Integer(Number):
    name = "integer"
    output = models.DecimalField(max_digits=30, decimal_places=0)
    schema = {"type": "integer"}
    whole_digits, places = 15, 0

    def clean(self, field, value):
        return int(super().clean(field, value))

    def to_json(self, field, value):
        return value

    def from_json(self, field, value):
        return None if value is None else int(value)


class Money(Number):
    """An amount, told in ``currency``, unless its field is in the company's whatever the record's."""

    name = "money"
    widget = "money"
    whole_digits, places = 15, 4

    def to_json(self, field, value):
        return None if value is None else plain(value, 2)

    def text(self, field, value, currency=""):
        if value is None:
            return ""
        own = context.company().currency
        named = own if field is not None and field.is_base else currency or own
        value = value if isinstance(value, Decimal) else Decimal(str(value))
        before, after, places = _written(named, language := locale(), value.is_signed())
        if value != round(value, places):  # a price to the tenth of a cent
            return format_currency(value, named, locale=language, decimal_quantization=value == round(value, 2))
        return f"{before}{abs(value):,.{places}f}{after}"


def amount(value: Decimal, currency: str) -> str:
    """An amount to the minor unit in the reader's language, rounded to it, as ``format_currency`` of Babel writes it at a twentieth of the cost."""
    value = value if isinstance(value, Decimal) else Decimal(str(value))
    before, after, places = _written(currency, locale(), value.is_signed())
    return f"{before}{abs(value):,.{places}f}{after}"


@cache
def _written(currency: str, language: str, negative: bool) -> tuple[str, str, int]:
    """How CLDR writes an amount in a language that has the digits of English: what stands before it and after it, and how many decimals."""
    places = get_currency_precision(currency)
    before, after = format_currency(-1 if negative else 1, currency, locale=language).split(f"{1:.{places}f}")
    return before, after, places


class Percent(Number):
    """A fraction. People type and read it in percent; the API and files carry the fraction, files also take ``15%``."""

    name = "percent"
    widget = "percent"
    whole_digits, places = 3, 6

    def clean(self, field, value):
        if isinstance(value, str) and value.strip().endswith("%"):
            try:
                value = Decimal(value.strip()[:-1].strip()) / 100
            except InvalidOperation:
                raise ValueError(_("Enter a number.")) from None
        return super().clean(field, value)

    def from_form(self, field, text):
        return text if not text.strip() or text.strip().endswith("%") else f"{text.strip()}%"

    def to_form(self, field, value):
        return "" if value is None else plain(value * 100)

    def text(self, field, value, currency=""):
        return "" if value is None else format_percent(value, format="#,##0.####%", locale=locale())
