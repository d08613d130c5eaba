"""What a currency is worth in the company's own on a day: the newest exchange rate that is not after it."""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from core import context
from core.errors import RuleError
from core.models import ExchangeRate

ONE = Decimal(1)


def rate_for(currency: str, day: date) -> Decimal:
    """Base units for one unit of ``currency``; 1 for the company's own. Errors: RuleError at ``currency``.

    Cost: one query for another, once for each day and use-case.
    """
    if currency == context.company().currency:
        return ONE
    memo, key = context.memo(), ("rate", currency, day)
    if key not in memo:
        rates = ExchangeRate.objects.filter(currency=currency, date__lte=day, archived_at=None).order_by("-date").values_list("rate", flat=True)
        memo[key] = rates.first()
    found = memo[key]
    if found is None:
        raise RuleError({"currency": [_("There is no exchange rate for %(currency)s on %(day)s; add one, or use %(base)s.") % {
            "currency": currency, "day": day, "base": context.company().currency,
        }]})  # fmt: skip
    return found


def on_day(day: date) -> dict[str, Decimal]:
    """As ``rate_for``, for every currency that has a rate. Cost: one query for each use-case."""
    memo, key = context.memo(), ("rates on", day)
    if key not in memo:
        rows = ExchangeRate.objects.filter(date__lte=day, archived_at=None).order_by("currency", "-date").distinct("currency")
        memo[key] = dict(rows.values_list("currency", "rate"))
    return memo[key]


def forget(actor: Any, rate: ExchangeRate, changed: dict) -> None:
    """The ``after`` hook of rates: what a currency is worth is read anew inside this use-case."""
    memo = context.memo()
    for key in [k for k in memo if isinstance(k, tuple) and k[0] in ("rate", "rates on")]:
        del memo[key]


class Rates:
    """What these currencies are worth in the company's own on any day, for a whole batch. Cost: one query when first asked for another currency."""

    def __init__(self, currencies: Iterable[str]):
        self.base = context.company().currency
        self.currencies = {c for c in currencies if c} - {self.base}
        self._known: dict[str, tuple[list[date], list[Decimal]]] | None = None

    def on(self, currency: str, day: date) -> Decimal | None:
        """As ``rate_for``, but None where there is no rate."""
        if currency == self.base:
            return ONE
        if self._known is None:
            self._known = {c: ([], []) for c in self.currencies}
            rows = ExchangeRate.objects.filter(currency__in=self.currencies, archived_at=None).order_by("date")
            for code, at, rate in rows.values_list("currency", "date", "rate"):
                self._known[code][0].append(at)
                self._known[code][1].append(rate)
        days, rates = self._known.get(currency, ([], []))
        place = bisect_right(days, day)
        return rates[place - 1] if place else None
