"""Goods: warehouses, what lies in them, every move in or out, and deliveries. What may happen to them: ``erp.rules``."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.models.columns import ChoiceField, MoneyField, NumberField, PercentField
from core.models.record import Line, OwnedRecord, Record, SealedModel, new_id
from erp.models.orders import OrderLine, SalesOrder

DELIVERY_STATES = (("draft", _("Draft"), "grey"), ("shipped", _("Shipped"), "green"))
DELIVERY_KINDS = (("delivery", pgettext_lazy("delivery", "Delivery")), ("return", pgettext_lazy("delivery", "Return")))
MOVE_KINDS = (("receipt", _("Receipt")), ("adjustment", _("Adjustment")), *DELIVERY_KINDS)


class Warehouse(Record):
    """A place where goods lie. Unless ``allow_negative``, nothing leaves that is not there."""

    name = models.CharField(pgettext_lazy("thing", "Name"), max_length=200)
    sort_key = models.CharField(max_length=400, default="", editable=False)
    allow_negative = models.BooleanField(_("May go below zero"), default=False)

    class Meta:
        indexes = [models.Index(fields=["sort_key", "id"], name="warehouse_sorted")]

    def __str__(self):
        return self.name


class StockLevel(SealedModel):
    """What of a product lies in a warehouse: always the sum of its moves. ``average_cost`` is empty before the first receipt.

    Moves lock this row first, so two that want the last piece come one after the other.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, verbose_name=_("Warehouse"), related_name="levels")
    product = models.ForeignKey("crm.Product", models.PROTECT, verbose_name=_("Product"), related_name="+")
    on_hand = NumberField(_("On hand"), default=0)
    reserved = NumberField(_("Reserved"), default=0)
    average_cost = NumberField(_("Average cost"), null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["warehouse", "product"], name="stock_level_is_unique"),
            models.CheckConstraint(condition=models.Q(reserved__gte=0), name="stock_reserved_is_not_negative"),
        ]


class Reservation(SealedModel):
    """Stock kept for what is open of an order line. Changes under the lock of its level; a level's ``reserved`` is their sum."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order_line = models.OneToOneField(OrderLine, models.CASCADE, verbose_name=_("Order line"), related_name="reservation")
    level = models.ForeignKey(StockLevel, models.CASCADE, related_name="reservations")
    quantity = NumberField(_("Quantity"))

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(quantity__gt=0), name="reservation_is_positive")]


class Delivery(OwnedRecord):
    """Goods that leave for an order, or come back (kind ``return``). Shipped, it never changes."""

    number = models.CharField(_("Number"), max_length=40, blank=True, default="", editable=False)
    external_number = models.CharField(_("External number"), max_length=100, blank=True, default="")
    kind = ChoiceField(_("Kind"), choices=DELIVERY_KINDS, default="delivery", editable=False)
    order = models.ForeignKey(SalesOrder, models.PROTECT, verbose_name=_("Order"), related_name="deliveries")
    account = models.ForeignKey("crm.Account", models.PROTECT, verbose_name=_("Account"), related_name="deliveries", editable=False)
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, null=True, blank=True, verbose_name=_("Warehouse"), related_name="+")
    origin = models.ForeignKey("self", models.PROTECT, null=True, blank=True, verbose_name=_("Returned from"), related_name="returns", editable=False)
    status = ChoiceField(_("Status"), choices=tuple(s[:2] for s in DELIVERY_STATES), default="draft", editable=False)
    date = models.DateField(_("Date"), null=True, blank=True)
    base_net = MoneyField(_("Net in base currency"), default=0, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["number"], name="delivery_number_is_unique", condition=~models.Q(number="")),
            models.CheckConstraint(
                condition=models.Q(status="draft", number="") | models.Q(status="shipped", date__isnull=False), name="delivery_draft_has_no_number",
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["external_number"], name="delivery_external_number", condition=~models.Q(external_number=""))]

    def __str__(self):
        return self.number or self.external_number or str(_("Draft"))


class DeliveryLine(Line):
    """So much of an order line. At shipping it takes price and discount of that line, and the cost the goods left with."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(OrderLine, models.PROTECT, verbose_name=_("Order line"), related_name="delivery_lines")
    delivery_line = models.ForeignKey("self", models.PROTECT, null=True, blank=True, verbose_name=_("Returned line"), related_name="return_lines")
    product = models.ForeignKey("crm.Product", models.PROTECT, null=True, blank=True, verbose_name=_("Product"), related_name="+", editable=False)
    description = models.CharField(_("Description"), max_length=500, blank=True, default="", editable=False)
    quantity = NumberField(_("Quantity"))
    unit_price = MoneyField(_("Unit price"), default=0, editable=False)
    discount = PercentField(_("Discount"), default=0, editable=False)
    net = MoneyField(_("Net"), default=0, editable=False)
    base_net = MoneyField(_("Net in base currency"), default=0, editable=False)
    unit_cost = NumberField(_("Unit cost"), null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(quantity__gt=0), name="delivery_line_quantity_is_positive", violation_error_message=_("A quantity is more than zero."),
            ),
        ]  # fmt: skip


class StockMove(Record):
    """Goods in (more than zero) or out (less), with what one unit cost in base currency. Never changed: a mistake is moved back."""

    warehouse = models.ForeignKey(Warehouse, models.PROTECT, verbose_name=_("Warehouse"), related_name="moves")
    product = models.ForeignKey("crm.Product", models.PROTECT, verbose_name=_("Product"), related_name="+", db_index=False)
    quantity = NumberField(_("Quantity"))
    unit_cost = NumberField(_("Unit cost"), null=True, blank=True)
    date = models.DateField(_("Date"), blank=True)
    kind = ChoiceField(_("Kind"), choices=MOVE_KINDS, default="receipt")
    note = models.CharField(_("Note"), max_length=500, blank=True, default="")
    delivery = models.ForeignKey(Delivery, models.PROTECT, null=True, blank=True, verbose_name=_("Delivery"), related_name="moves", editable=False)
    delivery_line = models.ForeignKey(DeliveryLine, models.PROTECT, null=True, blank=True, related_name="+", editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(quantity=0), name="stock_move_moves_something", violation_error_message=_("A move moves something."),
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["product", "warehouse"], name="stock_move_place"),
            models.Index(fields=["product", "-created_at", "-id"], name="stock_move_newest"),
        ]

    def __str__(self):
        return f"{self.kind} {self.date}"
