"""What a currency is worth in the company's own on a day: the newest exchange rate that is not after it."""

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from core import context
from core.errors import RuleError
from core.models import ExchangeRate

ONE = Decimal(1)


def rate_for(currency: str, day: date) -> Decimal:
    """Base units for one unit of ``currency``; 1 for the company's own. Cost: one query for another. Errors: RuleError at ``currency``."""
    if currency == context.company().currency:
        return ONE
    found = ExchangeRate.objects.filter(currency=currency, date__lte=day, archived_at=None).order_by("-date").values_list("rate", flat=True).first()
    if found is None:
        raise RuleError({"currency": [_("There is no exchange rate for %(currency)s on %(day)s; add one, or use %(base)s.") % {
            "currency": currency, "day": day, "base": context.company().currency,
        }]})  # fmt: skip
    return found
