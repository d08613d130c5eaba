"""Money: invoices, credit notes, payments, and which of them settled what. What may happen to them: ``erp.rules``."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.models.columns import ChoiceField, CodeField, MoneyField, NumberField, RateField
from core.models.document import Document, DocumentCharge, DocumentLine
from core.models.record import Line, OwnedRecord, Rows, SealedModel, new_id
from erp.models.orders import OrderLine, SalesOrder

POSTED_STATES = (("draft", _("Draft"), "grey"), ("posted", _("Posted"), "green"))
DIRECTIONS = (("in", _("Received")), ("out", _("Paid out")))
POSTED_CHOICES = tuple(s[:2] for s in POSTED_STATES)


class Invoice(Document):
    """What a customer owes. Posted it never changes, it is credited; ``paid``, ``credited`` and ``open`` add up to its total (N18).

    ``base_open`` is what of ``base_total`` is left: the allocation that settles the rest takes the rest, so both end at zero.
    """

    account = models.ForeignKey("crm.Account", models.PROTECT, verbose_name=_("Account"), related_name="invoices")
    order = models.ForeignKey(SalesOrder, models.PROTECT, null=True, blank=True, verbose_name=_("Order"), related_name="invoices")
    status = ChoiceField(_("Status"), choices=POSTED_CHOICES, default="draft", editable=False)
    invoice_date = models.DateField(_("Invoice date"), null=True, blank=True)
    due_date = models.DateField(_("Due date"), null=True, blank=True)
    paid = MoneyField(pgettext_lazy("amount", "Paid"), default=0, editable=False)
    credited = MoneyField(pgettext_lazy("amount", "Credited"), default=0, editable=False)
    open = MoneyField(pgettext_lazy("amount", "Open"), default=0, editable=False)
    base_open = MoneyField(_("Open in base currency"), default=0, editable=False)
    # Documents of an order take its units in the order of this.
    posted_at = models.DateTimeField(pgettext_lazy("time", "Posted"), null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["number"], name="invoice_number_is_unique", condition=~models.Q(number="")),
            models.CheckConstraint(
                condition=models.Q(status="draft", number="") | models.Q(status="posted", invoice_date__isnull=False, due_date__isnull=False),
                name="invoice_draft_has_no_number",
            ),
            models.CheckConstraint(
                condition=models.Q(status="draft")
                | models.Q(total=models.F("paid") + models.F("credited") + models.F("open"), open__gte=0, paid__gte=0, credited__gte=0),
                name="invoice_is_conserved", violation_error_message=_("More would be settled than is open."),
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["external_number"], name="invoice_external_number", condition=~models.Q(external_number="")),
            models.Index(fields=["account", "due_date"], name="invoice_open", condition=models.Q(open__gt=0)),
            models.Index(fields=["due_date"], name="invoice_due"),
            models.Index(models.F("invoice_date").desc(nulls_last=True), name="invoice_latest"),
        ]


class PostedRows(models.Manager.from_queryset(Rows)):
    """Posted invoices alone."""

    def get_queryset(self):
        return super().get_queryset().filter(status="posted")


class DueItem(Invoice):
    """A posted invoice as something to be paid by a day."""

    objects = PostedRows()

    class Meta:
        proxy = True


class InvoiceLine(DocumentLine):
    """A line of an invoice. ``unit_cost`` is what one unit cost in base currency when it was posted, where that was known."""

    invoice = models.ForeignKey(Invoice, models.CASCADE, related_name="lines")
    product = models.ForeignKey("crm.Product", models.PROTECT, null=True, blank=True, verbose_name=_("Product"), related_name="+")
    order_line = models.ForeignKey(OrderLine, models.PROTECT, null=True, blank=True, verbose_name=_("Order line"), related_name="invoice_lines")
    tax_rate = NumberField(_("Tax rate"), default=0, editable=False)
    unit_cost = NumberField(_("Unit cost"), null=True, blank=True, editable=False)
    credited = NumberField(pgettext_lazy("quantity", "Credited"), default=0, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(quantity__gt=0), name="invoice_line_quantity_is_positive", violation_error_message=_("A quantity is more than zero."),
            ),
            models.CheckConstraint(
                condition=models.Q(discount__gte=0, discount__lte=1), name="invoice_line_discount_is_a_fraction",
                violation_error_message=_("A discount is between 0 and 100 %."),
            ),
            models.CheckConstraint(
                condition=models.Q(credited__gte=0, credited__lte=models.F("quantity")), name="invoice_line_credited_fits",
                violation_error_message=_("More would be credited than was invoiced."),
            ),
        ]  # fmt: skip


class InvoiceCharge(DocumentCharge):
    """Freight and the like on an invoice: in its total, not in what was invoiced of products."""

    invoice = models.ForeignKey(Invoice, models.CASCADE, related_name="charges")
    tax_rate = NumberField(_("Tax rate"), default=0, editable=False)


class CreditNote(Document):
    """Takes back part of an invoice, or all of it. Its amounts are positive, its facts negative.

    ``unallocated`` is what the invoice had no open amount for: the account's credit.
    """

    account = models.ForeignKey("crm.Account", models.PROTECT, verbose_name=_("Account"), related_name="credit_notes", editable=False)
    invoice = models.ForeignKey(Invoice, models.PROTECT, verbose_name=_("Invoice"), related_name="credit_notes")
    status = ChoiceField(_("Status"), choices=POSTED_CHOICES, default="draft", editable=False)
    date = models.DateField(_("Date"), null=True, blank=True)
    unallocated = MoneyField(_("Unallocated"), default=0, editable=False)
    base_unallocated = MoneyField(_("Unallocated in base currency"), default=0, editable=False)
    posted_at = models.DateTimeField(pgettext_lazy("time", "Posted"), null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["number"], name="credit_note_number_is_unique", condition=~models.Q(number="")),
            models.CheckConstraint(
                condition=models.Q(status="draft", number="") | models.Q(status="posted", date__isnull=False), name="credit_note_draft_has_no_number",
            ),
            models.CheckConstraint(condition=models.Q(unallocated__gte=0), name="credit_note_unallocated_fits"),
        ]  # fmt: skip
        indexes = [models.Index(fields=["external_number"], name="credit_note_external_number", condition=~models.Q(external_number=""))]


class CreditNoteLine(Line):
    """So much of an invoice line, at the price it was invoiced at."""

    credit_note = models.ForeignKey(CreditNote, models.CASCADE, related_name="lines")
    invoice_line = models.ForeignKey(InvoiceLine, models.PROTECT, verbose_name=_("Invoice line"), related_name="credit_lines")
    product = models.ForeignKey("crm.Product", models.PROTECT, null=True, blank=True, verbose_name=_("Product"), related_name="+", editable=False)
    description = models.CharField(_("Description"), max_length=500, blank=True, default="", editable=False)
    quantity = NumberField(_("Quantity"))
    unit_price = MoneyField(_("Unit price"), default=0, editable=False)
    discount = NumberField(_("Discount"), default=0, editable=False)
    tax_code = models.ForeignKey("core.TaxCode", models.PROTECT, null=True, blank=True, verbose_name=_("Tax code"), related_name="+", editable=False)
    tax_rate = NumberField(_("Tax rate"), default=0, editable=False)
    net = MoneyField(_("Net"), default=0, editable=False)
    base_net = MoneyField(_("Net in base currency"), default=0, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(quantity__gt=0), name="credit_line_quantity_is_positive", violation_error_message=_("A quantity is more than zero."),
            ),
        ]  # fmt: skip


class CreditNoteCharge(DocumentCharge):
    """A charge of the invoice that is taken back."""

    credit_note = models.ForeignKey(CreditNote, models.CASCADE, related_name="charges")
    tax_rate = NumberField(_("Tax rate"), default=0, editable=False)


class Payment(OwnedRecord):
    """Money received from an account, or paid out to it. What no invoice took of it, ``unallocated``, is the account's credit."""

    number = models.CharField(_("Number"), max_length=40, blank=True, default="", editable=False)
    external_number = models.CharField(_("External number"), max_length=100, blank=True, default="")
    account = models.ForeignKey("crm.Account", models.PROTECT, verbose_name=_("Account"), related_name="payments")
    date = models.DateField(_("Date"))
    direction = ChoiceField(_("Direction"), choices=DIRECTIONS, default="in")
    amount = MoneyField(_("Amount"))
    currency = CodeField(_("Currency"), standard="currency")
    rate = RateField(_("Rate"), default=1, blank=True)
    rate_fixed = models.BooleanField(default=False, editable=False)
    base_amount = MoneyField(_("Amount in base currency"), default=0, editable=False)
    unallocated = MoneyField(_("Unallocated"), default=0, editable=False)
    base_unallocated = MoneyField(_("Unallocated in base currency"), default=0, editable=False)
    method = models.CharField(_("Method"), max_length=100, blank=True, default="")
    reference = models.CharField(_("Reference"), max_length=200, blank=True, default="")
    status = ChoiceField(_("Status"), choices=POSTED_CHOICES, default="draft", editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["number"], name="payment_number_is_unique", condition=~models.Q(number="")),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="payment_is_positive", violation_error_message=_("An amount is more than zero.")),
            models.CheckConstraint(condition=models.Q(unallocated__gte=0), name="payment_unallocated_fits"),
        ]  # fmt: skip
        indexes = [models.Index(fields=["external_number"], name="payment_external_number", condition=~models.Q(external_number=""))]

    def __str__(self):
        return self.number or self.reference or str(_("Draft"))


class Allocation(SealedModel):
    """So much of a payment or credit note settles so much of an invoice. Only ever added.

    ``base_settled`` is what it takes off the invoice at the invoice's rate, ``base_used`` what it takes off its source at the
    source's; their difference is the exchange gain. ``date`` is the day it counts for: that of the payment or note.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, related_name="allocations")
    credit_note = models.ForeignKey(CreditNote, models.PROTECT, null=True, related_name="allocations")
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="allocations")
    date = models.DateField()
    amount = MoneyField()
    base_settled = MoneyField()
    base_used = MoneyField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(payment=None, credit_note__isnull=False) | models.Q(payment__isnull=False, credit_note=None),
                name="allocation_has_one_source",
            ),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="allocation_is_positive"),
        ]  # fmt: skip
