"""What commercial documents share: number, status, currency, the totals over their lines and charges. No rule of any document."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.models.columns import CodeField, MoneyField, NumberField, PercentField, RateField
from core.models.record import Line, OwnedRecord


class Document(OwnedRecord):
    """Head of a document. Amounts are in ``currency``; ``base_`` amounts in the company's, at ``rate``, rounded once."""

    number = models.CharField(_("Number"), max_length=40, blank=True, default="", editable=False)
    external_number = models.CharField(_("External number"), max_length=100, blank=True, default="")
    currency = CodeField(_("Currency"), standard="currency")
    rate = RateField(_("Rate"), default=1, blank=True)
    rate_fixed = models.BooleanField(default=False, editable=False)  # somebody said which; else it follows the document's date
    net = MoneyField(_("Net"), default=0, editable=False)
    tax = MoneyField(_("Tax"), default=0, editable=False)
    charges_total = MoneyField(_("Charges"), default=0, editable=False)
    total = MoneyField(pgettext_lazy("document", "Total"), default=0, editable=False)
    base_net = MoneyField(_("Net in base currency"), default=0, editable=False)
    base_total = MoneyField(_("Total in base currency"), default=0, editable=False)

    class Meta:
        abstract = True

    def __str__(self):
        return self.number or self.external_number or str(_("Draft"))


class DocumentLine(Line):
    """One line: what, how much, at which price; ``net`` = round(quantity x unit_price x (1 - discount))."""

    description = models.CharField(_("Description"), max_length=500, blank=True, default="")
    quantity = NumberField(_("Quantity"), default=1)
    unit_price = MoneyField(_("Unit price"), default=0)
    discount = PercentField(_("Discount"), default=0)
    tax_code = models.ForeignKey("core.TaxCode", models.PROTECT, null=True, blank=True, verbose_name=_("Tax code"), related_name="+")
    net = MoneyField(_("Net"), default=0, editable=False)
    base_net = MoneyField(_("Net in base currency"), default=0, editable=False)
    price_trace = models.JSONField(_("Why this price"), default=list, blank=True, editable=False)

    class Meta:
        abstract = True


class DocumentCharge(Line):
    """Freight, packing and the like: on the document, not on a product."""

    name = models.CharField(_("Charge"), max_length=200)
    amount = MoneyField(_("Amount"), default=0)
    tax_code = models.ForeignKey("core.TaxCode", models.PROTECT, null=True, blank=True, verbose_name=_("Tax code"), related_name="+")

    class Meta:
        abstract = True
