"""What may happen to deliveries: out of an order, shipped, brought back; and the facts they state."""

from collections import defaultdict
from collections.abc import Iterable
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
    return left_of_orders([order], besides)[order.pk]


def left_of_orders(orders: Iterable[SalesOrder], besides: UUID | None = None) -> dict[UUID, dict[UUID, Decimal]]:
    """Order -> order line -> what is open and on no draft delivery. Cost: two queries for any number."""
    found: dict[UUID, dict[UUID, Decimal]] = {order.pk: {} for order in orders}
    drafts = DeliveryLine.objects.filter(order_line__order__in=found, delivery__status="draft", delivery__kind="delivery", delivery__archived_at=None)
    taken = dict(drafts.exclude(delivery=besides).values_list("order_line").annotate(q=Sum("quantity")))
    for row in OrderLine.objects.filter(order__in=found).order_by("position", "pk"):
        found[row.order_id][row.pk] = row.quantity - row.shipped - row.cancelled - taken.get(row.pk, ZERO)
    return found


def offer_order_lines(actor: Actor, order: SalesOrder) -> dict[str, list]:
    return {"lines": [{"order_line": pk, "quantity": left} for pk, left in left_of_order(order).items() if left > 0]}


def of_orders(actor: Actor, asked: list[tuple[SalesOrder, dict]]) -> list[dict[str, Any] | RuleError]:
    """What drafts deliver of each order: all that is open, or the lines named. Cost: two queries. Errors: WrongState, RuleError at ``lines.0.quantity``."""
    left, found = left_of_orders(order for order, _data in asked), []
    for order, data in asked:
        try:
            wanted = demand_left(left[order.pk], data.get("lines"), "order_line")
        except RuleError as error:
            found.append(error)
            continue
        lines = [{"order_line": str(pk), "quantity": q} for pk, q in wanted.items()]
        found.append({"order": str(order.pk), "lines": lines} | ({"date": data["date"]} if data.get("date") else {}))
    return found


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
    """The order's account, owner and, without lines, all that is open of it; the order's row is locked first. Cost: four queries a batch."""
    orders = _locked_orders(delivery.order_id for delivery, _made in pairs)
    fresh = [(delivery, made, orders[delivery.order_id]) for delivery, made in pairs if delivery._state.adding and delivery.order_id in orders]
    left = left_of_orders(order for _d, _m, order in fresh) if fresh else {}
    for delivery, made, order in fresh:
        delivery.order, delivery.account_id = order, order.account_id
        if "owner" not in made.values:
            delivery.owner_id, delivery.unit_id = order.owner_id, order.unit_id
        if "lines" not in made.lines:
            made.lines["lines"] = [Cleaned({"order_line": pk, "quantity": q}) for pk, q in left[order.pk].items() if q > 0]
        delivery.__dict__["_left"] = left[order.pk]  # deliveries of one batch take from the same


def _locked_orders(ids: Iterable[UUID | None]) -> dict[UUID, SalesOrder]:
    found = SalesOrder.objects.filter(pk__in={i for i in ids if i}).select_related("warehouse").order_by("pk").select_for_update(of=("self",))
    return {order.pk: order for order in found}


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
    known = OrderLine.objects.in_bulk([row.order_line_id for row in lines])
    if delivery.kind == RETURN:
        left, key = left_of_delivery(delivery.origin, delivery.pk), "delivery_line_id"
    else:
        if delivery.order.status != "confirmed":
            raise RuleError({"order": [_("Only a confirmed order is delivered.")]})
        left, key = delivery.__dict__.get("_left") or left_of_order(delivery.order, delivery.pk), "order_line_id"
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


def ship(actor: Actor, asked: list[tuple[Delivery, dict]]) -> list[RuleError | None]:
    """Goods leave, or come in again; the orders' lines follow. Errors: WrongState, RuleError at ``lines.0.quantity``.

    Cost: a dozen statements and one for each delivery, some more for each return.
    """
    orders = _locked_orders(delivery.order_id for delivery, _data in asked)
    rows: dict[UUID, list[DeliveryLine]] = defaultdict(list)
    for row in DeliveryLine.objects.filter(delivery__in=[d.pk for d, _data in asked]).order_by("position", "pk"):
        rows[row.delivery_id].append(row)
    lines = OrderLine.objects.in_bulk([row.order_line_id for held in rows.values() for row in held])
    for line in lines.values():
        line.order = orders[line.order_id]
    own, errors = stock.own_warehouse(), []
    for delivery, data in asked:
        order = delivery.order = orders[delivery.order_id]
        delivery.date = data.get("date") or delivery.date or today()
        delivery.warehouse = (delivery.warehouse if delivery.warehouse_id else None) or order.warehouse or own
        errors.append(None if delivery.warehouse else RuleError({"warehouse": [_("There is no warehouse that goods could leave from.")]}))
    if any(errors):
        return errors
    leaving = stock.Leaving([(d.warehouse, rows[d.pk]) for d, _data in asked if d.kind != RETURN])
    errors = [_ship_one(delivery, rows[delivery.pk], lines, leaving) for delivery, _data in asked]
    if not any(errors):
        leaving.store()
        _store([row for held in rows.values() for row in held], list(lines.values()))
        for delivery, _data in asked:
            delivery.number = numbering.next_number("RT" if delivery.kind == RETURN else "DO", delivery.date)
    return errors


def _ship_one(delivery: Delivery, rows: list[DeliveryLine], lines: dict[UUID, OrderLine], leaving: stock.Leaving) -> RuleError | None:
    try:
        if delivery.kind == RETURN:
            _bring_back(delivery, rows, lines)
            stock.put_back(delivery.warehouse, rows, delivery.date)
        else:
            _send_off(delivery.order, rows, lines)
            leaving.take_out(delivery.warehouse, rows, delivery.date)
    except RuleError as error:
        return error
    delivery.base_net = sum((row.base_net for row in rows), ZERO)
    return None


def _send_off(order: SalesOrder, rows: list[DeliveryLine], lines: dict[UUID, OrderLine]) -> None:
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
        DeliveryLine.objects.store(rows, ["product", "description", "unit_price", "discount", "net", "base_net", "unit_cost"])
        OrderLine.objects.store({line.pk: line for line in lines}.values(), ["shipped", "returned"])


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
