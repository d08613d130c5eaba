"""Verified of goods: levels against their moves and reservations, moves against deliveries, and the average cost worked out anew from the first move on."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.checks.ledgers import told_elsewhere
from core.doctor import CHUNK, Check, Difference, chunks, compare, differs, label_of, register, text
from core.models import TrailEntry
from erp.models import DeliveryLine, Reservation, StockLevel, StockMove

ZERO, MICRO = Decimal(0), Decimal("0.000001")


def _of_level(level: StockLevel, what: Any, expected: Any, found: Any) -> Iterator[Difference]:
    if expected != found:
        yield Difference(f"{level.product.sku} / {level.warehouse.name}", str(what), text(expected), text(found), "products", str(level.product_id))


def levels_are_their_moves() -> Iterator[Difference]:
    """On hand = sum of moves, reserved = sum of reservations, neither below zero where that is not allowed. Cost: three queries for every 500 levels."""
    for levels in chunks(StockLevel.objects.select_related("warehouse", "product")):
        products = [level.product_id for level in levels]
        moved = {(w, p): q for w, p, q in StockMove.objects.filter(product__in=products).values_list("warehouse", "product").annotate(q=Sum("quantity"))}
        kept = dict(Reservation.objects.filter(level__in=[level.pk for level in levels]).values_list("level").annotate(q=Sum("quantity")))
        for level in levels:
            yield from _of_level(level, label_of(StockLevel, "on_hand"), moved.get((level.warehouse_id, level.product_id), ZERO), level.on_hand)
            yield from _of_level(level, label_of(StockLevel, "reserved"), kept.get(level.pk, ZERO), level.reserved)
            if not level.warehouse.allow_negative and level.on_hand < 0:
                yield from _of_level(level, label_of(StockLevel, "on_hand"), ">= 0", level.on_hand)
            if not level.warehouse.allow_negative and level.reserved > max(level.on_hand, ZERO):
                yield from _of_level(level, label_of(StockLevel, "reserved"), f"<= {text(level.on_hand)}", level.reserved)
    placeless = StockMove.objects.exclude(product__in=StockLevel.objects.filter(warehouse=OuterRef("warehouse")).values("product"))
    for move in placeless.select_related("product")[:1000]:
        yield differs(move, _("Stock level"), move.product.sku, None)


def reservations_are_open() -> Iterator[Difference]:
    """Stock is kept only for what is open of a confirmed order's line, of the same product. Cost: one query for every 500."""
    for held in chunks(Reservation.objects.select_related("order_line__order", "level")):
        for one in held:
            line = one.order_line
            left = line.quantity - line.shipped - line.cancelled if line.order.status == "confirmed" else ZERO
            if one.quantity > left or one.quantity <= 0:
                yield differs(line.order, label_of(StockLevel, "reserved"), f"<= {text(left)}", one.quantity, line)
            yield from compare(line.order, [(label_of(StockLevel, "product"), line.product_id, one.level.product_id)], line)


def goods_move_when_shipped() -> Iterator[Difference]:
    """Every shipped line of goods has one move, and every move of a delivery such a line. Cost: two queries for every 500 lines, two more.

    Products that were made goods, or services, at a later time are left out: what they were then nobody told.
    """
    changed = TrailEntry.objects.filter(about_type="products", changes__has_key="kind").exclude(act="add").values("about_id")
    for lines in chunks(DeliveryLine.objects.filter(delivery__status="shipped").exclude(product__in=changed).select_related("delivery", "product")):
        moves: dict[Any, list[StockMove]] = defaultdict(list)
        for move in StockMove.objects.filter(delivery_line__in=[row.pk for row in lines]):
            moves[move.delivery_line_id].append(move)
        for row in lines:
            yield from _moves_of(row, moves[row.pk])
    astray = StockMove.objects.filter(kind__in=("delivery", "return")).exclude(delivery_line__delivery__status="shipped")
    by_hand = StockMove.objects.exclude(kind__in=("delivery", "return")).filter(delivery__isnull=False)
    for move in (astray | by_hand)[:1000]:
        yield differs(move, label_of(StockMove, "delivery"), _("shipped"), move.delivery_id)


def _moves_of(row: DeliveryLine, moves: list[StockMove]) -> Iterator[Difference]:
    delivery, is_good = row.delivery, row.product is not None and row.product.kind == "good"
    if len(moves) != is_good:
        yield differs(delivery, _("Stock moves"), int(is_good), len(moves), row)
        return
    for move in moves:
        out = -row.quantity if delivery.kind == "delivery" else row.quantity
        yield from compare(delivery, [
            (label_of(StockMove, "quantity"), out, move.quantity), (label_of(StockMove, "product"), row.product_id, move.product_id),
            (label_of(StockMove, "warehouse"), delivery.warehouse_id, move.warehouse_id), (label_of(StockMove, "unit_cost"), row.unit_cost, move.unit_cost),
            (label_of(StockMove, "date"), delivery.date, move.date), (label_of(StockMove, "kind"), delivery.kind, move.kind),
        ], row)  # fmt: skip


def average_costs_are_replayed() -> Iterator[Difference]:
    """Moving average from the first move on; what left took the average of its moment. Cost: one query over all moves, one for each level that differs.

    Where the average began with the product's own cost (a receipt that says none), a level whose product's cost was changed is left out.
    """
    changed = set(TrailEntry.objects.filter(about_type="products", changes__has_key="cost").exclude(act="add").values_list("about_id", flat=True))
    stored = StockLevel.objects.filter(warehouse=OuterRef("warehouse"), product=OuterRef("product")).values("pk")[:1]
    moves = _in_order(StockMove.objects.annotate(level=Subquery(stored)))
    moves = moves.values_list("level", "product_id", "kind", "quantity", "unit_cost", "product__cost", "delivery_id", "delivery__number")
    for ident, rows in groupby(moves.iterator(CHUNK), key=lambda move: move[0]):
        wrong = _replay(rows, changed)
        level = StockLevel.objects.select_related("warehouse", "product").filter(pk=ident).first() if ident else None
        if level is not None and wrong is not None:
            average, odd = wrong
            yield from _of_level(level, label_of(StockLevel, "average_cost"), average, level.average_cost)
            for expected, found, delivery, number in odd:
                what = f"{label_of(StockMove, 'unit_cost')}, {level.product.sku}"
                yield Difference(number, what, text(expected), text(found), "deliveries", str(delivery))


def _in_order(moves: QuerySet) -> QuerySet:
    """Moves of each level in the order in which they were made: that of the trail, written under the lock of the level."""
    made = TrailEntry.objects.filter(about_id=Coalesce(OuterRef("delivery_id"), OuterRef("pk")), act__in=("ship", "add", "import"))
    return moves.annotate(turn=Subquery(made.order_by("-id").values("id")[:1])).order_by("level", "turn", "pk")


def _replay(rows: Any, changed: set) -> tuple[Decimal | None, list] | None:
    """(average at the end, [(expected, found, delivery, its number) of what left]), or None where it cannot be told. Consumes the rows."""
    on_hand, average, odd, told = ZERO, None, [], True
    for _level, product, kind, quantity, cost, own, *delivery in rows:
        if quantity < 0:
            if kind == "delivery" and average is not None and cost != average and told:
                odd.append((average, cost, *delivery))
            on_hand += quantity
            continue
        if cost is None and kind in ("receipt", "adjustment"):
            told = told and not (average is None and product in changed)
            cost = own if average is None else average
        if cost is not None and (kind == "receipt" or average is not None):
            before = max(on_hand, ZERO)
            known = cost if average is None else average
            average = ((before * known + quantity * cost) / (before + quantity)).quantize(MICRO, ROUND_HALF_UP)
        on_hand += quantity
    return (average, odd) if told else None


told_elsewhere["stock-moves"] = Q(delivery__isnull=False)
register(
    Check(
        "stock-levels", gettext_lazy("What lies in stock is the sum of its moves, what is reserved the sum of what is kept for orders."),
        levels_are_their_moves,
    ),
    Check("stock-kept", gettext_lazy("Stock is kept only for what is open of confirmed orders."), reservations_are_open),
    Check("stock-moves", gettext_lazy("Every shipped line of goods moved stock once, and nothing else did in its name."), goods_move_when_shipped),
    Check(
        "stock-costs", gettext_lazy("Average costs are what the moves, one after the other, come to; what left took the average of its moment."),
        average_costs_are_replayed,
    ),
)  # fmt: skip
