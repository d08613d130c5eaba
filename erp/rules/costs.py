"""What the goods cost that invoices bill and credit notes take back, and on which day that counts. The sums are pure functions of events.

The shipped units of an order line stand in a row, in the order they left, each with the cost it left with. An invoice takes the
lowest units that none has; a credit note gives back the last ones of its invoice line. A return takes nothing out of the row:
what comes back is worth again in stock, and is credited.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Min

from core import context
from core.facts import Statement
from core.money import round_money
from crm.models import Product
from erp.models import CreditNote, CreditNoteLine, DeliveryLine, Invoice, InvoiceLine, StockLevel
from erp.rules import stock

ZERO = Decimal(0)
Span = tuple[Decimal, Decimal | None]  # units from, up to; None: without end


@dataclass(frozen=True)
class Layer:
    """Units that left together: how many, on which day, what one of them cost (None: not known)."""

    quantity: Decimal
    on: date
    unit_cost: Decimal | None


@dataclass(frozen=True)
class Event:
    """An invoice line that takes units; or, with ``of``, a line of a credit note that gives back units of that invoice line."""

    line: UUID
    quantity: Decimal
    on: date
    of: UUID | None = None


@dataclass
class Cost:
    """What a line's units cost, by the day it counts on, and whether that is all known. ``pending`` units have not left yet."""

    by_day: dict[date, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    known: bool = True
    pending: Decimal = ZERO


def recognise(layers: Iterable[Layer], events: Iterable[Event]) -> dict[UUID, Cost]:
    """Line -> cost, for the events of one order line in the order they were posted. Exact; nothing is rounded.

    A unit counts from the later of its invoice's and its shipping's day; given back, from the later of that and the note's.
    """
    row, free, held, day = _stand(layers), [(ZERO, None)], {}, {}
    found: dict[UUID, Cost] = {}
    for event in events:
        cost = found[event.line] = Cost()
        if event.of is None:
            spans, free = _take(free, event.quantity)
            held[event.line], day[event.line] = spans, event.on
            first = event.on
        else:
            spans, held[event.of] = _take_last(held.get(event.of, []), event.quantity)
            free = _join(free, spans)
            first = max(event.on, day.get(event.of, event.on))
        for quantity, layer in _meet(spans, row):
            if layer is None:
                cost.pending += quantity
            elif layer.unit_cost is None:
                cost.known = False
            else:
                cost.by_day[max(first, layer.on)] += quantity * layer.unit_cost
    return found


def _stand(layers: Iterable[Layer]) -> list[tuple[Decimal, Decimal, Layer]]:
    row, at = [], ZERO
    for layer in layers:
        row.append((at, at + layer.quantity, layer))
        at += layer.quantity
    return row


def _take(free: list[Span], quantity: Decimal) -> tuple[list[Span], list[Span]]:
    """The lowest units of what is free, and what is free then."""
    taken, rest = [], []
    for start, end in free:
        here = min(quantity, end - start) if end is not None else quantity
        if here > 0:
            taken.append((start, start + here))
            quantity -= here
        if end is None or start + here < end:
            rest.append((start + here, end))
    return taken, rest


def _take_last(held: list[Span], quantity: Decimal) -> tuple[list[Span], list[Span]]:
    """The highest units of what a line holds, and what it holds then."""
    taken, rest = [], []
    for start, end in reversed(held):
        here = min(quantity, end - start)
        if here > 0:
            taken.append((end - here, end))
            quantity -= here
        if here < end - start:
            rest.append((start, end - here))
    return taken[::-1], rest[::-1]


def _join(free: list[Span], spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted([*free, *spans], key=lambda span: span[0]):
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _meet(spans: list[Span], row: list[tuple[Decimal, Decimal, Layer]]):
    """These units by the layer they are of; those that have not left come with None."""
    for start, end in spans:
        at = start
        for low, high, layer in row:
            upto = min(end, high)
            if low <= at < upto:
                yield upto - at, layer
                at = upto
        if at < end:
            yield end - at, None


# From the tables


def unit_costs(lines: Iterable[tuple[InvoiceLine, Any]]) -> dict[UUID, Decimal | None]:
    """Line -> what one unit of it costs now, for lines with their order or none.

    Goods of an order cost what its warehouse values them at, all else the product's cost; None where it is not known.
    Cost: two queries.
    """
    lines = [(row, order) for row, order in lines if row.product_id]
    products = Product.objects.in_bulk({row.product_id for row, _order in lines})
    goods = {pk for pk, p in products.items() if p.kind == "good"}
    warehouses = {order.warehouse_id for row, order in lines if row.product_id in goods and order is not None and order.warehouse_id}
    lying = StockLevel.objects.filter(warehouse__in=warehouses, product__in=goods) if warehouses else ()
    levels = {(level.warehouse_id, level.product_id): level for level in lying}
    found = {}
    for row, order in lines:
        level, product = levels.get((order.warehouse_id, row.product_id)) if order is not None else None, products[row.product_id]
        found[row.pk] = stock.unit_cost(level, product) if level else product.cost
    return found


def of_lines(lines: list[InvoiceLine], notes: list[CreditNoteLine]) -> dict[UUID, Cost]:
    """Line -> what it bills or takes back cost. Lines bring their invoice or note, those of notes their invoice line and its invoice.

    Cost: four queries for any number of lines.
    """
    billed = {r.pk: r for r in lines} | {r.invoice_line_id: r.invoice_line for r in notes}
    kept = stock.goods(r.product_id for r in billed.values() if r.order_line_id)
    tracked = {r.order_line_id for r in billed.values() if r.order_line_id and r.product_id in kept}
    found = _of_order_lines(tracked) if tracked else {}
    for row in lines:
        if row.order_line_id not in tracked:
            found[row.pk] = _plain(row.quantity, row.unit_cost, row.invoice.invoice_date)
        elif row.unit_cost is None and found[row.pk].pending:
            found[row.pk].known = False  # what has not left yet would cost what it cost at posting, had it been known
    for row in notes:
        if row.invoice_line.order_line_id not in tracked:
            on = max(row.credit_note.date, row.invoice_line.invoice.invoice_date)
            found[row.pk] = _plain(row.quantity, row.invoice_line.unit_cost, on)
    return found


def _plain(quantity: Decimal, unit_cost: Decimal | None, on: date) -> Cost:
    cost = Cost(known=unit_cost is not None)
    if unit_cost is not None:
        cost.by_day[on] += quantity * unit_cost
    return cost


def _of_order_lines(order_lines: set[UUID]) -> dict[UUID, Cost]:
    layers, events = defaultdict(list), defaultdict(list)
    left = DeliveryLine.objects.filter(order_line__in=order_lines, delivery__status="shipped", delivery__kind="delivery")
    left = left.annotate(moved_at=Min("delivery__moves__created_at")).select_related("delivery")
    for row in sorted(left, key=lambda r: (r.moved_at or r.delivery.created_at, r.delivery.number, r.position)):
        layers[row.order_line_id].append(Layer(row.quantity, row.delivery.date, row.unit_cost))
    billed = InvoiceLine.objects.filter(order_line__in=order_lines, invoice__status="posted").select_related("invoice")
    given_back = CreditNoteLine.objects.filter(invoice_line__order_line__in=order_lines, credit_note__status="posted")
    posted = [(r.invoice.posted_at, 0, r.invoice.number, r.position, r.order_line_id, Event(r.pk, r.quantity, r.invoice.invoice_date)) for r in billed]
    posted += [
        (
            r.credit_note.posted_at, 1, r.credit_note.number, r.position, r.invoice_line.order_line_id,
            Event(r.pk, r.quantity, r.credit_note.date, r.invoice_line_id),
        )
        for r in given_back.select_related("credit_note", "invoice_line")
    ]  # fmt: skip
    for *_when, order_line, event in sorted(posted, key=lambda p: p[:4]):
        events[order_line].append(event)
    found: dict[UUID, Cost] = {}
    for order_line in order_lines:
        found |= recognise(layers[order_line], events[order_line])
    return found


def statements(cost: Cost, sign: int, who: dict, row: Any):
    """What a line states of its cost, rounded for each day. Costs are negative, so that margin is a sum."""
    base = context.company().currency
    for on, amount in cost.by_day.items():
        yield Statement("cost-of-sales", -sign * round_money(amount, base), on, product=row.product_id, source_line=row.pk, **who)


def touched_by(orders: Iterable[UUID]) -> dict[str, list]:
    """The posted documents whose cost may count anew when something of these orders is shipped. Cost: two queries."""
    orders = {pk for pk in orders if pk}
    return {
        "invoices": list(Invoice.objects.filter(order__in=orders, status="posted")),
        "credit-notes": list(CreditNote.objects.filter(invoice__order__in=orders, status="posted")),
    }  # fmt: skip


__all__ = ["Cost", "Event", "Layer", "of_lines", "recognise", "statements", "touched_by", "unit_costs"]
