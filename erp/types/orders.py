"""Sales orders, their lines as a type of their own, orders out of quotes; and what they let the company measure."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core import access
from core.registry import Act, Excerpt, Field, Lines, Measure, ObjectType, Paper, ShippedKpi, extend, named, register
from crm.models import QuoteLine
from crm.rules import prices
from erp.models import ORDER_STATES, DeliveryLine, OrderCharge, OrderLine, SalesOrder
from erp.rules import deliveries, papers
from erp.rules import orders as rules

DATE = Field("date", "date", _("Date"))
WHOSE = ("account", "owner", "unit", "order_date", "status")  # every fact of an order tells these of it
REASON = Field("reason", "text", _("Reason"), required=True, max_length=500)
DONE = (
    "shipped", "returned", "invoiced", "credited", "cancelled", Field("open", "number", pgettext_lazy("quantity", "Open"), compute=rules.open_quantity),
)  # fmt: skip

register(
    ObjectType(
        "orders", SalesOrder, _("Order"), _("Orders"),
        (
            "account", "contact", "quote", named("currency", required=False), named("rate", required=False, default=None), "order_date", "requested_date",
            "warehouse", "ship_name", "ship_street", "ship_city", "ship_region", "ship_postal_code", "ship_country", "owner", "external_number",
        ),
        shown=(
            "number", "status", "revision", "ended_on", "reason", "net", "tax", "charges_total", "total", "base_net", "base_total", "line_count", "units",
        ),
        columns=("number", "account", "status", "order_date", "owner", "total"), title="number", title_else="external_number",
        search=("number", "external_number", "ship_name", "ship_city"), icon="shopping-cart", group=_("Sales"), statuses=ORDER_STATES,
        lines=(
            Lines(
                "lines", OrderLine, "order",
                (
                    "product", "description", named("quantity", minimum=0, required=False), named("unit_price", minimum=0, required=False),
                    named("discount", minimum=0, maximum=1, required=False), "tax_code", named("quote_line", unasked=True),
                ),
                shown=("net", "base_net", *DONE, "price_trace"), reasons=prices.WHY, label=_("Lines"),
            ),
            Lines("charges", OrderCharge, "order", ("name", named("amount", minimum=0, required=True), "tax_code"), label=_("Charges")),
        ),
        acts=(
            Act("confirm", _("Confirm"), ("draft",), "confirmed", fields=(DATE,), together=rules.confirm, icon="check", primary=True),
            Act(
                "deliver", _("Deliver"), ("confirmed",), fields=(DATE,),
                takes=(Lines("lines", DeliveryLine, "delivery", ("order_line", "quantity")),), offers=deliveries.offer_order_lines,
                together=deliveries.of_orders, makes="deliveries", icon="truck-delivery", primary=True,
            ),
            Act("amend", _("Amend"), ("confirmed",), "", fields=(DATE,), lines=("lines", "charges"), run=rules.amend, icon="pencil"),
            Act("close", _("Close"), ("confirmed",), "closed", fields=(DATE,), run=rules.end, icon="lock"),
            Act("cancel", _("Cancel order"), ("confirmed",), "cancelled", fields=(REASON, DATE), run=rules.end, icon="x", danger=True),
        ),
        prepare=rules.prepare, check=rules.check, totals=rules.add_up, facts=rules.facts, locked=rules.locked, follows=("quote",), remains=rules.remains,
        redact=prices.redact,
        looked_up=rules.looked_up, conserved=rules.conserved, paper=Paper(papers.order, papers.language, papers.OF_ORDER, papers.mark_order),
        aside=(
            "ship_name", "ship_street", "ship_city", "ship_region", "ship_postal_code", "ship_country", "currency", "rate", "warehouse", "quote",
            "external_number", "owner",
        ),
        keys=("external_number",), filters=("status", "account", "owner", "order_date"), related=(("deliveries", "order"),),
    ),
    ObjectType(
        "order-lines", OrderLine, _("Order line"), _("Order lines"), (),
        shown=(named("order", label=_("Order")), "product", "description", "quantity", "unit_price", "discount", "net", "base_net", *DONE),
        columns=("order", "product", "quantity", "shipped", "open", "invoiced"), title="description", writable=False, deletable=False, archivable=False,
        rows=access.lines_of("orders", "lines", "order"), referable=True, icon="list-details", filters=("product",),
    ),
    ObjectType(
        "quote-lines", QuoteLine, _("Quote line"), _("Quote lines"), (),
        shown=(named("quote", label=_("Quote")), "product", "description", "quantity", "unit_price", "discount", "net", "base_net"),
        columns=("quote", "product", "quantity", "net"), title="description", writable=False, deletable=False, archivable=False,
        rows=access.lines_of("quotes", "lines", "quote"), referable=True, icon="list-details", filters=("product",),
    ),
    Measure("ordered", _("Ordered"), "orders", reveals=(*WHOSE, "net", "lines", "base_net")),
    Measure("orders", pgettext_lazy("figure", "Orders"), "orders", money=False, reveals=WHOSE),
    Measure("discount", pgettext_lazy("figure", "Discount"), "orders", reveals=(*WHOSE, "lines")),
    Measure("orders-due", _("Orders shipped that had a date"), "orders", money=False, reveals=(*WHOSE, "requested_date")),
    Measure("orders-on-time", _("Orders shipped in time"), "orders", money=False, reveals=(*WHOSE, "requested_date")),
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
    ShippedKpi(
        "on-time-delivery", _("On-time delivery"), "orders-on-time",
        _("Orders shipped in full by their requested date / orders shipped in full that have one."), _("Day the last of the order was shipped"),
        ("account", "person", "unit", "country", "month", "quarter", "year"), per="orders-due", format="percent",
    ),
)  # fmt: skip

extend(
    "accounts", related=(("orders", "account"),), figures=(("order-intake", "account"), ("orders", "account"), ("discount-given", "account")),
    overview=(
        Excerpt(
            "orders", "account", _("Orders to ship"), ["to_ship", "eq", True], ("number", "requested_date", "total"), ("order_date",),
            late="requested_date",
        ),
    ),
)  # fmt: skip
extend("contacts", related=(("orders", "contact"),))
extend(
    "quotes", related=(("orders", "quote"),),
    acts=(
        Act(
            "order", pgettext_lazy("act", "Order"), ("sent", "accepted"),
            takes=(Lines("lines", OrderLine, "order", (named("quote_line", required=True), "quantity")),),
            offers=rules.offer_quote_lines, guard=rules.demand_newest, run=rules.of_quote, makes="orders", icon="shopping-cart", primary=True,
        ),
    ),
)  # fmt: skip
