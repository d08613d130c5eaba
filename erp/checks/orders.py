"""Verified of orders: what of each line was shipped, returned, invoiced, credited and cancelled, and that their revisions say the same (N18)."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import context
from core.doctor import Check, Difference, chunks, compare, differs, label_of, register, text
from core.money import minor_unit
from erp.models import CreditNoteLine, DeliveryLine, InvoiceLine, OrderLine, OrderRevision, SalesOrder

ZERO = Decimal(0)


def total(rows: Any, by: str, **conditions: Any) -> dict[Any, Decimal]:
    """Sum of quantities of rows by a column. Cost: one query."""
    found: dict[Any, Decimal] = defaultdict(Decimal)
    for key, quantity in rows.filter(**conditions).values_list(by, "quantity"):
        found[key] += quantity
    return found


def quantities_are_conserved() -> Iterator[Difference]:
    """Ordered = shipped + open + cancelled; nothing below zero, nothing beyond what it came from. Cost: two queries for every 500 lines."""
    for lines in chunks(OrderLine.objects.select_related("order")):
        for row in lines:
            order = row.order
            done = {name: getattr(row, name) for name in ("shipped", "returned", "invoiced", "credited", "cancelled")}
            for name, quantity in done.items():
                if quantity < 0 or (order.status == "draft" and quantity):
                    yield differs(order, label_of(OrderLine, name), ">= 0" if quantity < 0 else ZERO, quantity, row)
            for name, of in (("returned", row.shipped), ("credited", row.invoiced), ("cancelled", row.quantity)):
                if done[name] > of:
                    yield differs(order, label_of(OrderLine, name), f"<= {text(of)}", done[name], row)
            if row.invoiced - row.credited > row.quantity:
                yield differs(order, label_of(OrderLine, "invoiced"), f"<= {text(row.quantity + row.credited)}", row.invoiced, row)
            left = row.quantity - row.shipped - row.cancelled
            if left < 0 or (left and order.status in ("closed", "cancelled")):
                yield differs(order, _("Ordered"), row.shipped + row.cancelled, row.quantity, row)


def documents_say_what_was_done() -> Iterator[Difference]:
    """Shipped, returned, invoiced and credited are the sums of shipped deliveries and posted documents. Cost: five queries for every 500 lines."""
    for lines in chunks(OrderLine.objects.select_related("order")):
        mine = {"order_line__in": [row.pk for row in lines]}
        shipped = DeliveryLine.objects.filter(delivery__status="shipped", **mine)
        notes = CreditNoteLine.objects.filter(credit_note__status="posted", invoice_line__order_line__in=mine["order_line__in"])
        sums = {
            "shipped": total(shipped, "order_line", delivery__kind="delivery"), "returned": total(shipped, "order_line", delivery__kind="return"),
            "invoiced": total(InvoiceLine.objects, "order_line", invoice__status="posted", **mine), "credited": total(notes, "invoice_line__order_line"),
        }  # fmt: skip
        for row in lines:
            yield from compare(row.order, [(label_of(OrderLine, name), found[row.pk], getattr(row, name)) for name, found in sums.items()], row)


def nothing_comes_back_twice() -> Iterator[Difference]:
    """Shipped returns bring back no more than a delivery took out. Cost: two queries for every 500 lines."""
    for lines in chunks(DeliveryLine.objects.filter(delivery__kind="delivery", delivery__status="shipped").select_related("delivery")):
        back = total(DeliveryLine.objects, "delivery_line", delivery_line__in=[row.pk for row in lines], delivery__status="shipped")
        for row in lines:
            if back[row.pk] > row.quantity:
                yield differs(row.delivery, _("Returned"), f"<= {text(row.quantity)}", back[row.pk], row)


def deliveries_are_worth_their_lines() -> Iterator[Difference]:
    """Cost: two queries for every 500 lines."""
    base, at = context.company().currency, lambda amount, currency: amount.quantize(minor_unit(currency), ROUND_HALF_UP)
    for lines in chunks(DeliveryLine.objects.filter(delivery__status="shipped").select_related("delivery", "order_line__order")):
        for row in lines:
            order, source = row.order_line.order, row.order_line
            net = at(row.quantity * row.unit_price * (1 - row.discount), order.currency)
            yield from compare(row.delivery, [
                (_("Order"), row.delivery.order_id, source.order_id), (label_of(DeliveryLine, "product"), source.product_id, row.product_id),
                (label_of(DeliveryLine, "net"), net, row.net), (label_of(DeliveryLine, "base_net"), at(row.net * order.rate, base), row.base_net),
            ], row)  # fmt: skip


def revisions_are_the_order() -> Iterator[Difference]:
    """The last revision holds the lines as they are (ended: as far as shipped), revisions count from 1, their days do not run back.

    Cost: three queries for every 500 orders.
    """
    for orders in chunks(SalesOrder.objects.all()):
        revisions: dict[Any, list[OrderRevision]] = defaultdict(list)
        for revision in OrderRevision.objects.filter(order__in=[o.pk for o in orders]).order_by("order", "revision"):
            revisions[revision.order_id].append(revision)
        lines: dict[Any, list[OrderLine]] = defaultdict(list)
        for row in OrderLine.objects.filter(order__in=[o.pk for o in orders]):
            lines[row.order_id].append(row)
        for order in orders:
            yield from _revisions_of(order, revisions[order.pk], lines[order.pk])


def _revisions_of(order: SalesOrder, revisions: list[OrderRevision], lines: list[OrderLine]) -> Iterator[Difference]:
    ended = order.status in ("closed", "cancelled")
    wanted = order.revision + ended if order.status != "draft" else 0
    yield from compare(order, [(_("Revisions"), list(range(1, wanted + 1)), [r.revision for r in revisions])])
    if not revisions or order.status == "draft":
        return
    first, last = revisions[0], revisions[-1]
    yield from compare(order, [(label_of(SalesOrder, "order_date"), first.date, order.order_date)])
    if ended:
        yield from compare(order, [(label_of(SalesOrder, "ended_on"), last.date, order.ended_on)])
    days: list[date] = [r.date for r in revisions]
    if days != sorted(days):
        yield differs(order, _("Days of its revisions"), sorted(days), days)
    base = context.company().currency
    held = {row["line"]: row for row in last.lines}
    for row in lines:
        told = held.pop(str(row.pk), None)
        quantity = row.shipped if ended else row.quantity
        net = (quantity * row.unit_price * (1 - row.discount)).quantize(minor_unit(order.currency), ROUND_HALF_UP)
        worth = (net * order.rate).quantize(minor_unit(base), ROUND_HALF_UP)
        yield from compare(order, [
            (_("Quantity in its last revision"), quantity, Decimal(told["quantity"]) if told else None),
            (_("Amount in its last revision"), worth, Decimal(told["net"]) if told else None),
        ], row)  # fmt: skip
    for ident in held:
        yield differs(order, _("Line in its last revision"), None, ident)


register(
    Check("order-quantities", gettext_lazy("Of every order line: ordered = shipped + open + cancelled, and nothing is below zero."), quantities_are_conserved),
    Check(
        "order-documents",
        gettext_lazy("Shipped, returned, invoiced and credited of every order line are the sums of its deliveries, invoices and credit notes."),
        documents_say_what_was_done,
    ),
    Check("order-revisions", gettext_lazy("The last revision of every order holds its lines as they are."), revisions_are_the_order),
    Check("returns", gettext_lazy("No more came back than was delivered."), nothing_comes_back_twice),
    Check(
        "deliveries", gettext_lazy("Every shipped line has the product of its order line, and its worth at the order's rate."),
        deliveries_are_worth_their_lines,
    ),
)  # fmt: skip
