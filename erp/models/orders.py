"""Sales orders with their lines, charges and revisions. What may happen to them: ``erp.rules``."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.models.columns import ChoiceField, CodeField, NumberField
from core.models.document import Document, DocumentCharge, DocumentLine
from core.models.record import SealedModel, new_id

ORDER_STATES = (
    ("draft", _("Draft"), "grey"), ("confirmed", _("Confirmed"), "green"), ("closed", _("Closed"), "blue"), ("cancelled", _("Cancelled"), "red"),
)  # fmt: skip


class SalesOrder(Document):
    """A customer's order. Once confirmed, its account, currency, lines and charges change only by ``amend``."""

    account = models.ForeignKey("crm.Account", models.PROTECT, verbose_name=_("Account"), related_name="orders")
    contact = models.ForeignKey("crm.Contact", models.PROTECT, null=True, blank=True, verbose_name=_("Contact"), related_name="+")
    quote = models.ForeignKey("crm.Quote", models.PROTECT, null=True, blank=True, verbose_name=_("Quote"), related_name="orders")
    warehouse = models.ForeignKey("erp.Warehouse", models.PROTECT, null=True, blank=True, verbose_name=_("Warehouse"), related_name="+")
    status = ChoiceField(_("Status"), choices=tuple(s[:2] for s in ORDER_STATES), default="draft", editable=False)
    revision = models.PositiveIntegerField(_("Revision"), default=0, editable=False)
    order_date = models.DateField(_("Order date"), null=True, blank=True)
    requested_date = models.DateField(_("Requested date"), null=True, blank=True)
    ended_on = models.DateField(_("Ended on"), null=True, blank=True, editable=False)
    reason = models.CharField(_("Reason"), max_length=500, blank=True, default="", editable=False)
    line_count = models.PositiveIntegerField(_("Number of lines"), default=0, editable=False)
    units = NumberField(_("Sum of quantities"), default=0, editable=False)
    ship_name = models.CharField(_("Ship to"), max_length=200, blank=True, default="")
    ship_street = models.CharField(_("Street"), max_length=300, blank=True, default="")
    ship_city = models.CharField(_("City"), max_length=100, blank=True, default="")
    ship_region = models.CharField(_("Region"), max_length=100, blank=True, default="")
    ship_postal_code = models.CharField(_("Postal code"), max_length=20, blank=True, default="")
    ship_country = CodeField(_("Country"), standard="country")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["number"], name="order_number_is_unique", condition=~models.Q(number="")),
            models.CheckConstraint(
                condition=models.Q(status="draft", number="") | (~models.Q(status="draft") & models.Q(order_date__isnull=False)),
                name="order_draft_has_no_number", violation_error_message=_("A draft has no number; a confirmed order has a date."),
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["external_number"], name="order_external_number", condition=~models.Q(external_number="")),
            models.Index(models.F("order_date").desc(nulls_last=True), name="order_latest"),
        ]


class OrderLine(DocumentLine):
    """A line of an order, and what became of it: quantity = shipped + open + cancelled (N18); a return reopens nothing.

    These columns change under the lock of the order's row. What stock is kept for it: ``Reservation``.
    """

    order = models.ForeignKey(SalesOrder, models.CASCADE, related_name="lines")
    product = models.ForeignKey("crm.Product", models.PROTECT, null=True, blank=True, verbose_name=_("Product"), related_name="+")
    quote_line = models.ForeignKey("crm.QuoteLine", models.PROTECT, null=True, blank=True, verbose_name=_("Quote line"), related_name="+")
    shipped = NumberField(_("Shipped"), default=0, editable=False)
    returned = NumberField(_("Returned"), default=0, editable=False)
    invoiced = NumberField(_("Invoiced"), default=0, editable=False)
    credited = NumberField(_("Credited"), default=0, editable=False)
    cancelled = NumberField(pgettext_lazy("quantity", "Cancelled"), default=0, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(shipped__gte=0, cancelled__gte=0, returned__gte=0, credited__gte=0)
                & models.Q(quantity__gte=models.F("shipped") + models.F("cancelled"))
                & models.Q(returned__lte=models.F("shipped")) & models.Q(credited__lte=models.F("invoiced")),
                name="order_line_quantities_are_conserved", violation_error_message=_("More would be shipped, returned or credited than there is."),
            ),
            models.CheckConstraint(
                condition=models.Q(quantity__gt=0), name="order_line_quantity_is_positive", violation_error_message=_("A quantity is more than zero."),
            ),
            models.CheckConstraint(
                condition=models.Q(discount__gte=0, discount__lte=1), name="order_line_discount_is_a_fraction",
                violation_error_message=_("A discount is between 0 and 100 %."),
            ),
        ]  # fmt: skip

    def __str__(self):
        return self.description


class OrderCharge(DocumentCharge):
    """Freight and the like on an order; not part of its intake."""

    order = models.ForeignKey(SalesOrder, models.CASCADE, related_name="charges")


class OrderRevision(SealedModel):
    """The lines of an order as one revision left them, and the day it counts from. Facts are read from these (decisions, Facts).

    ``lines`` holds ``{line, product, quantity, net, discount}`` each, amounts in base currency as strings. Ending an order is
    its last revision: each line with the quantity that was shipped.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.ForeignKey(SalesOrder, models.CASCADE, related_name="revisions")
    revision = models.PositiveIntegerField()
    date = models.DateField()
    lines = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "revision"], name="order_revision_is_unique")]
