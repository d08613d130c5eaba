"""What a company sets up for itself: own fields, tax codes, exchange rates, number sequences."""

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.models.columns import ChoiceField, CodeField, NumberField, PercentField, RateField
from core.models.record import Record, SealedModel

FIELD_KINDS = (
    ("text", _("Text")), ("longtext", _("Long text")), ("number", pgettext_lazy("kind of field", "Number")), ("integer", _("Whole number")),
    ("money", _("Money")), ("percent", _("Percent")), ("date", _("Date")), ("datetime", _("Date and time")),
    ("yesno", _("Yes or no")), ("choice", _("Choice")), ("ref", _("Reference")), ("user", _("Person")),
    ("email", _("E-mail")), ("phone", _("Phone")), ("url", _("Web address")), ("choices", _("Several choices")), ("refs", _("Several references")),
    ("file", _("File")), ("image", _("Image")), ("address", _("Address")), ("geo", _("Place on the map")), ("barcode", _("Barcode")),
    ("autonumber", _("Auto number")), ("formula", _("Formula")), ("rollup", _("Roll-up")),
)  # fmt: skip


class CustomField(Record):
    """A field of the company's own on one type. ``key`` never changes; ``label`` may."""

    type = models.CharField(_("Type"), max_length=60)
    key = models.CharField(_("Key"), max_length=41)
    kind = ChoiceField(_("Kind"), choices=FIELD_KINDS)
    label = models.CharField(_("Label"), max_length=200)
    required = models.BooleanField(_("Required"), default=False)
    unique = models.BooleanField(_("Unique"), default=False)
    fast = models.BooleanField(_("Fast filter and sort"), default=False)
    options = models.JSONField(_("Options"), default=list, blank=True)
    default = models.JSONField(_("Default"), null=True, blank=True, default=None)
    help = models.CharField(_("Help"), max_length=500, blank=True, default="")
    target = models.CharField(_("Refers to"), max_length=60, blank=True, default="")
    labels = models.JSONField(_("Label in other languages"), default=dict, blank=True)
    helps = models.JSONField(_("Help in other languages"), default=dict, blank=True)
    position = models.PositiveIntegerField(pgettext_lazy("position", "Order"), default=0)
    formula = models.TextField(_("Formula"), blank=True, default="", max_length=4000)
    returns = models.CharField(_("Result"), max_length=20, blank=True, default="", editable=False)  # the kind a formula's or roll-up's value is of
    rollup = models.JSONField(_("Roll-up"), null=True, blank=True, default=None)
    pattern = models.CharField(_("Numbered as"), max_length=60, blank=True, default="", help_text=_("Such as TD-{year}-{0000}."))
    depends_on = models.CharField(_("Options depend on"), max_length=41, blank=True, default="")
    personal = models.BooleanField(_("Personal data"), default=False)
    sensitive = models.BooleanField(_("Sensitive"), default=False)
    seen_by = models.JSONField(_("Seen by the roles"), default=list, blank=True)
    edited_by = models.JSONField(_("Edited by the roles"), default=list, blank=True)
    minimum = NumberField(_("At least"), null=True, blank=True)
    maximum = NumberField(_("At most"), null=True, blank=True)
    fast_state = models.CharField(_("Index"), max_length=10, blank=True, default="", editable=False)  # building, ready, failed

    class Meta:
        constraints = [models.UniqueConstraint("type", "key", name="custom_field_key_is_unique")]

    def __str__(self):
        return self.label


class TaxCode(Record):
    """A rate of tax by the name people know it by. ``rate`` is a fraction."""

    code = models.CharField(_("Code"), max_length=40)
    rate = PercentField(pgettext_lazy("tax", "Rate"), default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint("code", name="tax_code_code_is_unique"),
            models.CheckConstraint(condition=models.Q(rate__gte=0, rate__lt=10), name="tax_code_rate_is_a_fraction"),
        ]

    def __str__(self):
        return self.code


class Currency(Record):
    """A currency there is (ISO 4217), and how many decimals its amounts have."""

    code = models.CharField(_("Code"), max_length=3, unique=True)
    places = models.PositiveSmallIntegerField(_("Decimals"), default=2)

    def __str__(self):
        return self.code


class ExchangeRate(Record):
    """What one unit of a currency is worth in the company's own, from this date on."""

    currency = CodeField(_("Currency"), standard="currency", blank=False, default=models.NOT_PROVIDED)
    date = models.DateField(_("Date"))
    rate = RateField(pgettext_lazy("currency", "Rate"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["currency", "date"], name="exchange_rate_is_unique"),
            models.CheckConstraint(
                condition=models.Q(rate__gt=0), name="exchange_rate_is_positive", violation_error_message=_("A rate is more than zero."),
            ),
        ]  # fmt: skip

    def __str__(self):
        return f"{self.currency} {self.date}"


class Sequence(SealedModel):
    """The last number given in a series; locked in the transaction that takes the next one, so there are no gaps (M-06)."""

    key = models.CharField(primary_key=True, max_length=60)
    last = models.PositiveIntegerField(default=0)


class Edition(SealedModel):
    """One row, whose mark triggers renew whenever the set-up changes (``core.edition``). Nobody else writes it."""

    id = models.SmallIntegerField(primary_key=True)
    mark = models.UUIDField(db_default=RandomUUID())
