"""The ledger of what happened, in numbers. Rows are only ever added; a correction is a further row (bitemporal)."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.models.columns import NumberField
from core.models.record import SealedModel


class Xid8Field(models.Field):
    """A PostgreSQL transaction id of 64 bits (``xid8``); never read into Python."""

    def db_type(self, connection):
        return "xid8"


class CurrentXact(models.Func):
    """The id of the transaction that writes the row, by which a snapshot knows whether it sees it."""

    function = "pg_current_xact_id"
    arity = 0
    output_field = Xid8Field()


class Fact(SealedModel):
    """One measured amount on one business date, from one line of one record.

    ``business_date`` is the day it counts for, ``recorded_at`` when the company came to know it, ``xact`` the writing
    transaction. Dimensions are plain ids without foreign keys: core does not know accounts or products.
    """

    id = models.BigAutoField(primary_key=True)
    measure = models.CharField(_("Measure"), max_length=40)
    value = NumberField(_("Value"))
    business_date = models.DateField(_("Business date"))
    recorded_at = models.DateTimeField(_("Recorded"), db_default=Now())
    xact = Xid8Field(db_default=CurrentXact(), editable=False)
    person = models.UUIDField(_("Person"), null=True)
    unit = models.UUIDField(_("Unit"), null=True)
    account = models.UUIDField(_("Account"), null=True)
    product = models.UUIDField(_("Product"), null=True)
    campaign = models.UUIDField(_("Campaign"), null=True)
    work = models.UUIDField(_("Work"), null=True)
    ledger = models.UUIDField(_("Ledger"), null=True)
    entry = models.UUIDField(null=True)
    source_type = models.CharField(max_length=60)
    source_id = models.UUIDField()
    source_line = models.UUIDField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["measure", "business_date"], name="fact_measure_date",
                include=["value", "person", "unit", "account", "product"],
            ),
            models.Index(fields=["source_id"], name="fact_source"),
            models.Index(fields=["business_date"], name="fact_date"),  # a list of all by day; equal days share their place, so it is small
            # the page of one account or product adds up its few facts out of all; of a person or unit there are so many that the first index does
            *(
                models.Index(fields=[one, "measure", "business_date"], name=f"fact_{one}", include=["value"], condition=models.Q(**{f"{one}__isnull": False}))
                for one in ("account", "product")
            ),
        ]  # fmt: skip
