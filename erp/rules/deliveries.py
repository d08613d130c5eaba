"""What may happen to deliveries: out of an order, shipped, brought back; and the facts they state."""

from collections import defaultdict
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, Q, Sum
from django.utils.translation import gettext as _

from core import access, context, numbering, totals, write
from core.access import Actor
from core.cleaning import Cleaned
from core.errors import RuleError, WrongState
from core.facts import Statement
from core.models.record import permit
from core.money import round_money
from core.registry import get
from core.structures import today
from erp.models import Delivery, DeliveryLine, OrderLine, SalesOrder
from erp.rules import costs, stock
from erp.rules.orders import demand_left, open_quantity

ZERO = Decimal(0)
RETURN = "return"
FROZEN = frozenset({"order", "date", "warehouse", "lines", "owner", "external_number", "delete"})


def locked(delivery: Delivery) -> frozenset[str]:
    """Nothing of a shipped delivery changes; a return keeps what it brings back."""
    if delivery.status == "shipped":
        return FROZEN
    return frozenset({"order"}) if not delivery._state.adding else frozenset()


# Out of an order


def left_of_order(order: SalesOrder, besides: UUID | None = None) -> dict[UUID, Decimal]:
    """Order line -> what is open and on no draft delivery. Cost: two queries."""
    drafts = DeliveryLine.objects.filter(order_line__order=order, delivery__status="draft", delivery__kind="delivery", delivery__archived_at=None)
    taken = dict(drafts.exclude(delivery=besides).values_list("order_line").annotate(q=Sum("quantity")))
    lines = OrderLine.objects.filter(order=order).order_by("position", "pk")
    return {row.pk: row.quantity - row.shipped - row.cancelled - taken.get(row.pk, ZERO) for row in lines}


def offer_order_lines(actor: Actor, order: SalesOrder) -> dict[str, list]:
    return {"lines": [{"order_line": pk, "quantity": left} for pk, left in left_of_order(order).items() if left > 0]}


def of_order(actor: Actor, order: SalesOrder, data: dict) -> Delivery:
    """A draft delivery of all that is open, or of the lines named. Errors: WrongState, RuleError at ``lines.0.quantity``."""
    wanted = demand_left(left_of_order(order), data.get("lines"), "order_line")
    made: dict[str, Any] = {"order": str(order.pk), "lines": [{"order_line": str(pk), "quantity": q} for pk, q in wanted.items()]}
    return write.create(access.on_behalf(actor), get("deliveries"), made | ({"date": data["date"]} if data.get("date") else {}))


# Back again


def left_of_delivery(delivery: Delivery, besides: UUID | None = None) -> dict[UUID, Decimal]:
    """Delivery line -> what no return took yet, drafts included. Cost: two queries."""
    returns = DeliveryLine.objects.filter(delivery_line__delivery=delivery, delivery__archived_at=None).exclude(delivery=besides)
    taken = dict(returns.values_list("delivery_line").annotate(q=Sum("quantity")))
    lines = DeliveryLine.objects.filter(delivery=delivery).order_by("position", "pk")
    return {row.pk: row.quantity - taken.get(row.pk, ZERO) for row in lines}


def offer_delivery_lines(actor: Actor, delivery: Delivery) -> dict[str, list]:
    return {"lines": [{"delivery_line": pk, "quantity": left} for pk, left in left_of_delivery(delivery).items() if left > 0]}


def demand_outward(actor: Actor, delivery: Delivery) -> None:
    if delivery.kind == RETURN:
        raise WrongState(_("A return cannot be returned."))


def back(actor: Actor, delivery: Delivery, data: dict) -> Delivery:
    """A draft that brings these lines back, or all that is left. Errors: WrongState, RuleError at ``lines.0.quantity``."""
    wanted = demand_left(left_of_delivery(delivery), data.get("lines"), "delivery_line")
    order_lines = dict(DeliveryLine.objects.filter(pk__in=wanted).values_list("pk", "order_line"))
    lines = [{"order_line": str(order_lines[pk]), "quantity": q, "delivery_line": str(pk)} for pk, q in wanted.items()]
    made: dict[str, Any] = {"order": str(delivery.order_id), "warehouse": str(delivery.warehouse_id) if delivery.warehouse_id else None, "lines": lines}
    return write.create(access.on_behalf(actor), get("deliveries"), made | ({"date": data["date"]} if data.get("date") else {}))


# As any record


def prepare(actor: Actor, pairs: list) -> None:
    """The order's account, owner and, without lines, all that is open of it; the order's row is locked first. Cost: two queries an order."""
    ids = sorted({delivery.order_id for delivery, _made in pairs if delivery.order_id})
    orders = {o.pk: o for o in SalesOrder.objects.filter(pk__in=ids).order_by("pk").select_for_update(of=("self",))}
    for delivery, made in pairs:
        order = orders.get(delivery.order_id)
        if order is None:
            continue
        if delivery._state.adding:
            delivery.account_id = order.account_id
            if "owner" not in made.values:
                delivery.owner_id, delivery.unit_id = order.owner_id, order.unit_id
            if "lines" not in made.lines:
                left = left_of_order(order)
                made.lines["lines"] = [Cleaned({"order_line": pk, "quantity": q}) for pk, q in left.items() if q > 0]


def check(actor: Actor, delivery: Delivery, changed: dict, rows: dict) -> None:
    """What it takes is open on its order, or was shipped before where it brings back. Cost: a few queries."""
    lines = rows.get("lines")
    if lines is None:
        return
    origins = {row.delivery_line_id for row in lines if row.delivery_line_id}
    if delivery._state.adding and origins:
        _become_return(delivery, lines)
    if not lines:
        raise RuleError({"lines": [_("A delivery needs at least one line.")]})
    known = {row.pk: row for row in OrderLine.objects.filter(order=delivery.order_id)}
    if delivery.kind == RETURN:
        left, key = left_of_delivery(delivery.origin, delivery.pk), "delivery_line_id"
    else:
        if delivery.order.status != "confirmed":
            raise RuleError({"order": [_("Only a confirmed order is delivered.")]})
        left, key = left_of_order(delivery.order, delivery.pk), "order_line_id"
    errors: dict[str, list[str]] = {}
    for position, row in enumerate(lines):
        line = known.get(row.order_line_id)
        if line is None or getattr(row, key) not in left:
            errors[f"lines.{position}.order_line"] = [_("This line belongs to another document.")]
            continue
        row.product_id, row.description = line.product_id, line.description
        left[getattr(row, key)] -= row.quantity
        if row.quantity <= 0:
            errors[f"lines.{position}.quantity"] = [_("A quantity is more than zero.")]
        elif left[getattr(row, key)] < 0:
            there = max(left[getattr(row, key)] + row.quantity, ZERO)
            errors[f"lines.{position}.quantity"] = [_("At most %(left)s are left.") % {"left": f"{there.normalize():f}"}]
    if errors:
        raise RuleError(errors)


def _become_return(delivery: Delivery, lines: list[DeliveryLine]) -> None:
    """Lines that name what they bring back make the document a return, of one shipped delivery of the same order."""
    shipped = DeliveryLine.objects.filter(pk__in=[row.delivery_line_id for row in lines if row.delivery_line_id], delivery__status="shipped")
    origins = set(shipped.filter(delivery__kind="delivery", delivery__order=delivery.order_id).values_list("delivery", flat=True))
    if len(origins) != 1 or any(row.delivery_line_id is None for row in lines):
        raise RuleError({"lines": [_("A return brings back lines of one shipped delivery of this order.")]})
    delivery.kind, delivery.origin_id = RETURN, origins.pop()


# Shipping


def ship(actor: Actor, delivery: Delivery, data: dict) -> None:
    """Goods leave, or come in again; the order's lines follow. Errors: WrongState, RuleError at ``lines.0.quantity``."""
    order = SalesOrder.objects.select_for_update(of=("self",)).get(pk=delivery.order_id)
    delivery.order = order
    rows = list(DeliveryLine.objects.filter(delivery=delivery).order_by("position", "pk"))
    lines = {row.pk: row for row in OrderLine.objects.filter(order=order)}
    for line in lines.values():
        line.order = order
    delivery.date = data.get("date") or delivery.date or today()
    warehouse = delivery.warehouse or order.warehouse or stock.own_warehouse()
    if warehouse is None:
        raise RuleError({"warehouse": [_("There is no warehouse that goods could leave from.")]})
    delivery.warehouse = warehouse
    if delivery.kind == RETURN:
        _bring_back(delivery, rows, lines)
        stock.put_back(warehouse, rows, delivery.date)
    else:
        _send_off(delivery, order, rows, lines)
        stock.take_out(warehouse, rows, delivery.date)
    delivery.base_net = sum((row.base_net for row in rows), ZERO)
    _store(rows, [lines[row.order_line_id] for row in rows])
    delivery.number = numbering.next_number("RT" if delivery.kind == RETURN else "DO", delivery.date)


def _send_off(delivery: Delivery, order: SalesOrder, rows: list[DeliveryLine], lines: dict[UUID, OrderLine]) -> None:
    if order.status != "confirmed":
        raise WrongState(_("The order is no longer open."))
    base = context.company().currency
    for position, row in enumerate(rows):
        line = lines[row.order_line_id]
        if row.quantity > open_quantity(line):
            raise RuleError({f"lines.{position}.quantity": [_("At most %(left)s are left.") % {"left": f"{open_quantity(line).normalize():f}"}]})
        line.shipped += row.quantity
        row.product_id, row.description = line.product_id, line.description
        row.unit_price, row.discount = line.unit_price, line.discount
        row.net = totals.line_net(row.quantity, row.unit_price, row.discount, order.currency)
        row.base_net = round_money(row.net * order.rate, base)


def _bring_back(delivery: Delivery, rows: list[DeliveryLine], lines: dict[UUID, OrderLine]) -> None:
    left, order = left_of_delivery(delivery.origin, delivery.pk), delivery.order
    sent = DeliveryLine.objects.in_bulk([row.delivery_line_id for row in rows])
    for position, row in enumerate(rows):
        origin = sent[row.delivery_line_id]
        left[origin.pk] -= row.quantity
        if left[origin.pk] < 0:
            raise RuleError({f"lines.{position}.quantity": [_("More would come back than was shipped.")]})
        lines[row.order_line_id].returned += row.quantity
        row.product_id, row.description, row.unit_cost = origin.product_id, origin.description, origin.unit_cost
        row.unit_price, row.discount = origin.unit_price, origin.discount
        row.net = totals.line_net(row.quantity, row.unit_price, row.discount, order.currency)
        row.base_net = round_money(row.net * order.rate, context.company().currency)


def _store(rows: list[DeliveryLine], lines: list[OrderLine]) -> None:
    with permit():
        DeliveryLine.objects.bulk_update(
            rows, ["product", "description", "unit_price", "discount", "net", "base_net", "unit_cost"], batch_size=500,
        )  # fmt: skip
        OrderLine.objects.bulk_update(list({line.pk: line for line in lines}.values()), ["shipped", "returned"], batch_size=500)


# Facts and what hangs on them


def facts(deliveries: list[Delivery]) -> dict[UUID, list[Statement]]:
    """Net of what was shipped, at its date; what came back is taken off at its own. Cost: one query."""
    shipped = {d.pk: d for d in deliveries if d.status == "shipped"}
    said: dict[UUID, list[Statement]] = defaultdict(list)
    for row in DeliveryLine.objects.filter(delivery__in=shipped):
        one = shipped[row.delivery_id]
        amount = -row.base_net if one.kind == RETURN else row.base_net
        if amount:
            said[one.pk].append(Statement(
                "delivered", amount, one.date, person=one.owner_id, unit=one.unit_id, account=one.account_id, product=row.product_id, source_line=row.pk,
            ))  # fmt: skip
    return said


def moves(deliveries: list[Delivery]) -> dict[str, list]:
    """Orders and bills whose facts hang on what was shipped."""
    ids = {d.order_id for d in deliveries if d.status == "shipped"}
    return {"orders": list(SalesOrder.objects.filter(pk__in=ids)), **costs.touched_by(ids)} if ids else {}


def sent_and_back(order_lines: Q) -> dict[UUID, tuple[Decimal, Decimal]]:
    """Order line -> shipped and returned, as shipped deliveries say. Cost: one query. For the doctor."""
    rows = DeliveryLine.objects.filter(order_lines, delivery__status="shipped").values_list("order_line", "delivery__kind").annotate(q=Sum(F("quantity")))
    found: dict[UUID, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    for line, kind, quantity in rows:
        found[line][kind == RETURN] += quantity
    return {line: (sent, back_again) for line, (sent, back_again) in found.items()}


def remains(delivery: Delivery) -> list[tuple[str, str]]:
    """What of a shipped delivery was brought back. Cost: one query."""
    brought = DeliveryLine.objects.filter(delivery__origin=delivery, delivery__status="shipped").aggregate(q=Sum("quantity"))["q"]
    return [(_("Returned"), f"{brought.normalize():f}")] if brought else []
