"""The types of erp: sales orders; and what they let the company measure."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.registry import Act, Field, Lines, Measure, ObjectType, ShippedKpi, named, register
from erp.models import ORDER_STATES, OrderCharge, OrderLine, SalesOrder
from erp.rules import orders as rules

DATE = Field("date", "date", _("Date"))
WHOSE = ("account", "owner", "unit", "order_date", "status")  # every fact of an order tells these of it
MOVED = (("shipped", _("Shipped")), ("returned", _("Returned")), ("invoiced", _("Invoiced")), ("credited", _("Credited")))
REASON = Field("reason", "text", _("Reason"), required=True, max_length=500)

register(
    ObjectType(
        "orders", SalesOrder, _("Order"), _("Orders"),
        (
            "account", "contact", named("currency", required=False), "order_date", "requested_date", "ship_name", "ship_street", "ship_city",
            "ship_region", "ship_postal_code", "ship_country", "owner", "external_number",
        ),
        shown=(
            "number", "status", "revision", "ended_on", "reason", "rate", "net", "tax", "charges_total", "total", "base_net", "base_total", "line_count",
            "units",
        ),
        columns=("number", "account", "status", "order_date", "owner", "total"), title="number", title_else="external_number",
        search=("number", "external_number", "ship_name", "ship_city"), icon="shopping-cart", group=_("Sales"), statuses=ORDER_STATES,
        lines=(
            Lines(
                "lines", OrderLine, "order",
                (
                    "product", "description", named("quantity", minimum=0, required=False), named("unit_price", minimum=0, required=False),
                    named("discount", minimum=0, maximum=1, required=False), "tax_code",
                ),
                shown=(
                    "net", "base_net", *(Field(n, "number", label, compute=rules.moved_quantity) for n, label in MOVED),
                    Field("cancelled", "number", pgettext_lazy("quantity", "Cancelled"), compute=rules.cancelled_quantity),
                    Field("open", "number", pgettext_lazy("quantity", "Open"), compute=rules.open_quantity),
                ),
                label=_("Lines"),
            ),
            Lines("charges", OrderCharge, "order", ("name", named("amount", minimum=0, required=True), "tax_code"), label=_("Charges")),
        ),
        acts=(
            Act("confirm", _("Confirm"), ("draft",), "confirmed", fields=(DATE,), run=rules.confirm, icon="check", primary=True),
            Act("amend", _("Amend"), ("confirmed",), "", fields=(DATE,), lines=("lines", "charges"), run=rules.amend, icon="pencil"),
            Act("close", _("Close"), ("confirmed",), "closed", fields=(DATE,), run=rules.end, icon="lock"),
            Act("cancel", _("Cancel order"), ("confirmed",), "cancelled", fields=(REASON, DATE), run=rules.end, icon="x", danger=True),
        ),
        prepare=rules.prepare, check=rules.check, totals=rules.add_up, facts=rules.facts, locked=rules.locked,
        aside=(
            "ship_name", "ship_street", "ship_city", "ship_region", "ship_postal_code", "ship_country", "currency", "external_number", "owner",
        ),
        keys=("external_number",), filters=("status", "account", "owner", "order_date"),
    ),
    Measure("ordered", _("Ordered"), "orders", reveals=(*WHOSE, "net", "lines", "base_net")),
    Measure("orders", pgettext_lazy("figure", "Orders"), "orders", money=False, reveals=WHOSE),
    Measure("discount", pgettext_lazy("figure", "Discount"), "orders", reveals=(*WHOSE, "lines")),
    ShippedKpi(
        "order-intake", _("Order intake"), "ordered",
        _("Net of the lines of confirmed orders in base currency; amendments count on their own date, cancellations take back what was not shipped."),
        _("Order date; amendments and cancellations on theirs"),
    ),
    ShippedKpi(
        "orders", pgettext_lazy("figure", "Orders"), "orders",
        _("Number of orders confirmed; an order cancelled before anything was shipped is taken off on the day it was cancelled."),
        _("Order date; cancellations on theirs"), ("account", "person", "unit", "country", "month", "quarter", "year"),
    ),
    ShippedKpi(
        "discount-given", _("Discount given"), "discount", _("Quantity x unit price less net of the lines of confirmed orders; moves as order intake does."),
        _("Order date; amendments and cancellations on theirs"), up_is_good=False,
    ),
)  # fmt: skip
