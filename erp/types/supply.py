"""Goods: deliveries, warehouses, what lies in them and every move; and what they let the company measure."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core import access
from core.registry import Act, Field, Lines, Measure, ObjectType, Paper, ShippedKpi, named, register
from erp.models import DELIVERY_STATES, Delivery, DeliveryLine, Reservation, StockLevel, StockMove, Warehouse
from erp.rules import deliveries as rules
from erp.rules import papers, stock
from erp.types.orders import DATE

GOODS = _("Goods")
OF_LINE = ("product", "description", "unit_price", "discount", "net", "base_net", "unit_cost")

register(
    ObjectType(
        "deliveries", Delivery, _("Delivery"), _("Deliveries"), ("order", "date", "warehouse", "owner", "external_number"),
        shown=("number", "kind", "status", "account", "origin", "base_net"), columns=("number", "kind", "account", "order", "status", "date", "owner"),
        title="number", title_else="external_number", search=("number", "external_number"), icon="truck-delivery", group=GOODS, statuses=DELIVERY_STATES,
        lines=(
            Lines(
                "lines", DeliveryLine, "delivery", ("order_line", named("quantity", minimum=0, required=True), named("delivery_line", unasked=True)),
                shown=OF_LINE, label=_("Lines"),
            ),
        ),
        acts=(
            Act("ship", _("Ship"), ("draft",), "shipped", fields=(DATE,), together=rules.ship, icon="truck-delivery", primary=True),
            Act(
                "return", _("Return"), ("shipped",), fields=(DATE,), takes=(Lines("lines", DeliveryLine, "delivery", ("delivery_line", "quantity")),),
                offers=rules.offer_delivery_lines, guard=rules.demand_outward, run=rules.back, makes="deliveries", icon="arrow-back-up",
            ),
        ),
        prepare=rules.prepare, check=rules.check, facts=rules.facts, moves=rules.moves, locked=rules.locked, follows=("order", "origin"), remains=rules.remains,
        paper=Paper(papers.delivery, papers.language, papers.OF_DELIVERY, papers.mark_draft),
        aside=("warehouse", "external_number", "owner"), keys=("external_number",), filters=("status", "kind", "account", "order", "date"),
        related=(("stock-moves", "delivery"),),
    ),
    ObjectType(
        "delivery-lines", DeliveryLine, _("Delivery line"), _("Delivery lines"), (),
        shown=(named("delivery", label=_("Delivery")), "order_line", "quantity", *OF_LINE), columns=("delivery", "product", "quantity", "net"),
        title="description", writable=False,
        deletable=False, archivable=False, rows=access.lines_of("deliveries", "lines", "delivery"), referable=True, icon="list-details", filters=("product",),
    ),
    ObjectType(
        "warehouses", Warehouse, _("Warehouse"), _("Warehouses"), ("name", "allow_negative"), columns=("name", "allow_negative"), search=("name",), owner=None,
        settled=True, icon="building-warehouse", group=GOODS, sort=("name",), keys=("name",),
        related=(("stock-levels", "warehouse"), ("stock-moves", "warehouse")),
    ),
    ObjectType(
        "stock-levels", StockLevel, _("Stock level"), _("Stock levels"), (),
        shown=(
            "warehouse", "product", "on_hand", "reserved", Field("free", "number", _("Free"), compute=lambda level: level.on_hand - level.reserved),
            "average_cost",
        ),
        columns=("product", "warehouse", "on_hand", "reserved", "free", "average_cost"), title="product", writable=False, deletable=False, archivable=False,
        rows=access.as_of_type("stock-moves", StockLevel, along=("product",)), icon="packages", group=GOODS, filters=("warehouse", "product"),
    ),
    ObjectType(
        "reservations", Reservation, _("Reservation"), _("Reservations"), (), shown=("order_line", "quantity"),
        columns=("order_line", "quantity"), title="order_line", writable=False, deletable=False, archivable=False,
        rows=access.as_of_type("order-lines", Reservation, "order_line", ("order_line",)), icon="bookmark", filters=(),
    ),
    ObjectType(
        "stock-moves", StockMove, _("Stock move"), _("Stock moves"),
        (
            "warehouse", "product", named("quantity", required=True), named("unit_cost", minimum=0), named("date", required=False),
            "kind", "note",
        ),
        shown=("delivery",), columns=("date", "kind", "product", "warehouse", "quantity", "unit_cost", "delivery"), title="kind", owner=None,
        icon="arrows-exchange-2", group=GOODS, deletable=False, archivable=False, prepare=stock.prepare_moves, check=stock.check_move, after=stock.apply_move,
        locked=stock.frozen_move, filters=("warehouse", "product", "kind", "date"), sort=("-date",),
    ),
    Measure("delivered", pgettext_lazy("figure", "Delivered"), "deliveries", reveals=("account", "owner", "unit", "date", "status", "lines", "base_net")),
    ShippedKpi(
        "delivered", pgettext_lazy("figure", "Delivered"), "delivered", _("Net of the order lines shipped, less what came back, in base currency."),
        _("Day of shipping; returns on theirs"),
    ),
)  # fmt: skip
