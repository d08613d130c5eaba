"""What lies where: levels, reservations and moves of goods, each under the lock of its level; and the cost they are valued at.

A level is always the sum of its moves. Whoever wants stock locks the levels first, in the order of their ids, and looks then:
of two that want the last piece the second finds none.
"""

from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, Sum
from django.utils.translation import gettext as _

from core.access import Actor
from core.errors import RuleError
from core.models.record import permit
from core.prepared import Prepared, columns, in_bulk, listed
from core.structures import today
from crm.models import Product
from erp.models import OrderLine, Reservation, SalesOrder, StockLevel, StockMove, Warehouse

ZERO, MICRO = Decimal(0), Decimal("0.000001")
BY_HAND = ("receipt", "adjustment")

Levels = dict[UUID, StockLevel]  # by product
Place = tuple[UUID, UUID]  # warehouse, product


def own_warehouse() -> Warehouse | None:
    """The warehouse goods leave from where nobody says otherwise: the company's first. Cost: one query."""
    return next(iter(FIRST.records()), None)


FIRST = Prepared(lambda: Warehouse.objects.filter(archived_at=None).order_by("created_at", "pk")[:1])


def goods(products: Iterable[UUID | None]) -> set[UUID]:
    """Those of these products that lie in stock. Cost: one query."""
    return {product for product, (kind,) in columns(Product, products, "kind").items() if kind == "good"}


def lock_levels(warehouse: Warehouse, products: Iterable[UUID]) -> Levels:
    """The levels of these products in a warehouse, made where missing, locked. Cost: as of ``_lock_places``."""
    levels = {product: level for (_warehouse, product), level in _lock_places({(warehouse.pk, p) for p in products}).items()}
    for level in levels.values():
        level.warehouse = warehouse
    return levels


def _lock_places(places: set[Place]) -> dict[Place, StockLevel]:
    """The levels at any places, made where missing, locked in the order of their ids. Cost: one statement, three where any was missing."""
    if not places:
        return {}
    levels = _locked(places)
    if missing := sorted(places - levels.keys()):
        with permit():
            StockLevel.objects.bulk_create([StockLevel(warehouse_id=w, product_id=p) for w, p in missing], ignore_conflicts=True)
        levels = _locked(places)
    return levels


def _locked(places: set[Place]) -> dict[Place, StockLevel]:
    """Those there are. Some that nobody asked for may be among them: the warehouses and products are each one value."""
    return {(level.warehouse_id, level.product_id): level for level in LEVELS.records(listed({w for w, _p in places}), listed({p for _w, p in places}))}


LEVELS = Prepared(
    lambda warehouses, products: StockLevel.objects.filter(warehouse__among=warehouses, product__among=products).order_by("pk")
    .select_related("warehouse").select_for_update(of=("self",)),
    "warehouses", "products",
)  # fmt: skip


def store_levels(levels: dict[Any, StockLevel]) -> None:
    if levels:
        with permit():
            StockLevel.objects.store(levels.values(), ["on_hand", "reserved", "average_cost"])


# Cost


def unit_cost(level: StockLevel, product: Product) -> Decimal | None:
    """What one unit in stock is worth: the moving average, before any receipt the product's cost; None where neither is known."""
    return product.cost if level.average_cost is None else level.average_cost


def _take_in(level: StockLevel, quantity: Decimal, cost: Decimal | None, is_receipt: bool) -> None:
    """Goods come in at a cost. What lay below zero has no worth to average with; a return before any receipt begins no average."""
    before = max(level.on_hand, ZERO)
    if cost is not None and (is_receipt or level.average_cost is not None):
        known = cost if level.average_cost is None else level.average_cost
        level.average_cost = ((before * known + quantity * cost) / (before + quantity)).quantize(MICRO, ROUND_HALF_UP)
    level.on_hand += quantity


# Reservations


def reserve(wanted: list[tuple[SalesOrder, list[OrderLine]]], removed: list[UUID] | None = None, kept: set[UUID] | None = None) -> None:
    """Keep stock for what is open of these lines: all of it where stock may go below zero, else what is free.

    An amendment says which lines it ``removed``: an order's own lines take first what it gives up, then those that wait.
    ``kept`` are those of the products that lie in stock, where that was read.
    Cost: about seven statements for any number of orders.
    """
    before = None if removed is None else [*removed, *(row.pk for _order, lines in wanted for row in lines)]
    warehouses = in_bulk(Warehouse, {order.warehouse_id for order, _lines in wanted})
    own = own_warehouse() if any(not order.warehouse_id for order, _lines in wanted) else None
    for order, _lines in wanted:
        order.warehouse = warehouses.get(order.warehouse_id, own)
    kept = goods(row.product_id for _order, lines in wanted for row in lines) if kept is None else kept
    wanted = [(order.warehouse, row) for order, lines in wanted for row in lines if order.warehouse and row.product_id in kept]
    places = {(warehouse.pk, row.product_id) for warehouse, row in wanted}
    levels = _lock_places(places if before is None else places | _places_of(before))
    if not levels:
        return
    _give_back(before or [row.pk for _warehouse, row in wanted], levels)
    added = []
    for warehouse, row in wanted:
        level = levels[warehouse.pk, row.product_id]
        quantity = _free_for(warehouse, level, row.quantity - row.shipped - row.cancelled)
        if quantity > 0:
            level.reserved += quantity
            added.append(Reservation(order_line_id=row.pk, level=level, quantity=quantity))
    store_levels(levels)
    _after_lines(added)
    if before is not None:
        keep_for_waiting(levels.values(), besides=before)


def _places_of(lines: list[UUID]) -> set[Place]:
    """Where stock is kept for these lines, or may be by the time its level is locked. Cost: two queries."""
    stored = OrderLine.objects.filter(pk__in=lines, product__kind="good", order__warehouse__isnull=False).values_list("order__warehouse", "product")
    return {*stored, *Reservation.objects.filter(order_line__in=lines).values_list("level__warehouse", "level__product")}


def _after_lines(added: list[Reservation]) -> None:
    """Rows point to lines that an amendment stores only later in this transaction; the foreign keys are looked at when it commits."""
    with permit():
        Reservation.objects.add(added)


def _free_for(warehouse: Warehouse, level: StockLevel, wanted: Decimal) -> Decimal:
    return wanted if warehouse.allow_negative else min(wanted, max(level.on_hand - level.reserved, ZERO))


RESERVED = Prepared(lambda lines, levels: Reservation.objects.filter(order_line__among=lines, level__among=levels), "lines", "levels")


def _give_back(lines: list[UUID], levels: dict[Any, StockLevel]) -> None:
    """Forget what was kept for these lines in levels that are locked and in hand."""
    by_id = {level.pk: level for level in levels.values()}
    held = RESERVED.records(listed(lines), listed(by_id))
    for one in held:
        by_id[one.level_id].reserved -= one.quantity
    if held:
        with permit():
            Reservation.objects.filter(pk__in=[one.pk for one in held]).delete()


def release(lines: list[UUID]) -> None:
    """Forget what was kept for these lines, and keep it for others that wait.

    What becomes of the lines themselves is stored only later in this transaction, so they wait for nothing. The levels are
    locked before it is looked what is kept: until then somebody may keep more. Cost: four statements, some more where anything was kept.
    """
    levels = _lock_places(_places_of(lines))
    if not levels:
        return
    _give_back(lines, levels)
    store_levels(levels)
    keep_for_waiting(levels.values(), besides=lines)


def keep_for_waiting(levels: Iterable[StockLevel], besides: Iterable[UUID] = ()) -> None:
    """Give what is free of locked levels to the lines that wait for it, the oldest orders first. Cost: one query; two or three more if any wait."""
    free = {(level.warehouse_id, level.product_id): level for level in levels if level.on_hand > level.reserved and not level.warehouse.allow_negative}
    if not free:
        return
    waiting = (
        OrderLine.objects.filter(product__in={p for _w, p in free}, order__status="confirmed", order__warehouse__in={w for w, _p in free})
        .filter(quantity__gt=F("shipped") + F("cancelled")).exclude(pk__in=list(besides)).select_related("reservation")
        .annotate(_warehouse=F("order__warehouse")).order_by("order__order_date", "order__number", "position")
    )  # fmt: skip
    added, more, given = [], [], {}
    for row in waiting:
        level = free.get((row._warehouse, row.product_id))
        held = getattr(row, "reservation", None)
        wanted = min(level.on_hand - level.reserved, row.quantity - row.shipped - row.cancelled - (held.quantity if held else ZERO)) if level else ZERO
        if wanted <= 0:
            continue
        if held:
            held.quantity += wanted
            more.append(held)
        else:
            added.append(Reservation(order_line_id=row.pk, level=level, quantity=wanted))
        level.reserved += wanted
        given[level.pk] = level
    with permit():
        Reservation.objects.add(added)
        Reservation.objects.store(more, ["quantity"])
    store_levels(given)


def _fit_reservations(level: StockLevel) -> None:
    """Where less lies there than is kept, the youngest orders wait again."""
    excess = level.reserved - max(level.on_hand, ZERO)
    if level.warehouse.allow_negative or excess <= 0:
        return
    youngest = ("-order_line__order__order_date", "-order_line__order__number")
    for held in Reservation.objects.filter(level=level).select_related("order_line__order").order_by(*youngest):
        taken = min(excess, held.quantity)
        held.quantity -= taken
        level.reserved -= taken
        excess -= taken
        with permit():
            held.save(update_fields=["quantity"]) if held.quantity else held.delete()
        if excess <= 0:
            break


def missing(lines: Iterable[OrderLine]) -> Decimal:
    """How much of what is open of these lines no stock is kept for. Cost: two queries."""
    lines = [row for row in lines if row.product_id]
    lying = goods(row.product_id for row in lines)
    held = dict(Reservation.objects.filter(order_line__in=[row.pk for row in lines]).values_list("order_line", "quantity"))
    return sum((row.quantity - row.shipped - row.cancelled - held.get(row.pk, ZERO) for row in lines if row.product_id in lying), ZERO)


# Moves of deliveries


class Leaving:
    """Goods that leave with deliveries, ``(warehouse, delivery lines)`` each: all levels are locked at first and stored at last.

    Cost: about eight statements for any number.
    """

    def __init__(self, wanted: list[tuple[Warehouse, list[Any]]]):
        rows = [row for _warehouse, held in wanted for row in held]
        self.products = {p.pk: p for p in Product.objects.filter(pk__in={r.product_id for r in rows if r.product_id}, kind="good")}
        self.levels = _lock_places({(w.pk, r.product_id) for w, held in wanted for r in held if r.product_id in self.products})
        self.held = {one.order_line_id: one for one in Reservation.objects.filter(order_line__in=[r.order_line_id for r in rows])}
        self.moves: list[StockMove] = []
        self.touched: dict[UUID, Reservation] = {}
        self.elsewhere: list[UUID] = []

    def take_out(self, warehouse: Warehouse, rows: list[Any], on: date) -> None:
        """So much leaves; each row takes the cost it left with. Errors: RuleError at ``lines.0.quantity`` where that is not there, or is kept for others."""
        for position, row in enumerate(rows):
            level = self.levels.get((warehouse.pk, row.product_id))
            if level is None:
                continue
            mine = self.held.get(row.order_line_id)
            kept = mine.quantity if mine and mine.level_id == level.pk else ZERO
            there = level.on_hand if warehouse.allow_negative else kept + max(level.on_hand - level.reserved, ZERO)
            product = self.products[row.product_id]
            if not warehouse.allow_negative and row.quantity > there:
                raise RuleError({f"lines.{position}.quantity": [
                    _("Only %(there)s of %(product)s can leave %(warehouse)s.") % {
                        "there": f"{max(there, ZERO).normalize():f}", "product": product.name, "warehouse": warehouse.name,
                    }
                ]})  # fmt: skip
            row.unit_cost = unit_cost(level, product)
            level.on_hand -= row.quantity
            if kept:
                used = min(kept, row.quantity)
                mine.quantity -= used
                level.reserved -= used
                self.touched[mine.pk] = mine
            if mine and mine.level_id != level.pk:
                self.elsewhere.append(row.order_line_id)
            self.moves.append(_move_of(warehouse, row, -row.quantity, on, "delivery"))

    def store(self) -> None:
        """What was kept in another warehouse for lines that left from this one is free there again."""
        if not self.moves:
            return
        with permit():
            Reservation.objects.filter(pk__in=[one.pk for one in self.touched.values() if one.quantity <= 0]).delete()
            Reservation.objects.store([one for one in self.touched.values() if one.quantity > 0], ["quantity"])
        store_levels(self.levels)
        _note(self.moves)
        if self.elsewhere:
            release(self.elsewhere)


def put_back(warehouse: Warehouse, rows: list[Any], on: date) -> None:
    """Goods of these lines of a return come in again, at the cost they left with. Cost: about six statements."""
    levels = lock_levels(warehouse, goods(r.product_id for r in rows))
    moves = []
    for row in rows:
        level = levels.get(row.product_id)
        if level is not None:
            _take_in(level, row.quantity, row.unit_cost, False)
            moves.append(_move_of(warehouse, row, row.quantity, on, "return"))
    store_levels(levels)
    _note(moves)
    keep_for_waiting(levels.values())


def _move_of(warehouse: Warehouse, row: Any, quantity: Decimal, on: date, kind: str) -> StockMove:
    return StockMove(
        warehouse=warehouse, product_id=row.product_id, quantity=quantity, unit_cost=row.unit_cost, date=on, kind=kind,
        delivery_id=row.delivery_id, delivery_line_id=row.pk,
    )  # fmt: skip


def _note(moves: list[StockMove]) -> None:
    with permit():
        StockMove.objects.add(moves)


# Moves by hand


def prepare_moves(actor: Actor, pairs: list) -> None:
    """Today where no date is given."""
    for move, _made in pairs:
        move.date = move.date or today()


def check_move(actor: Actor, move: StockMove, changed: dict, rows: dict) -> None:
    """Receipts and adjustments of goods; deliveries and returns come of their documents."""
    errors: dict[str, list[str]] = {}
    if move.kind not in BY_HAND:
        errors["kind"] = [_("Enter a receipt or an adjustment; deliveries and returns move stock by themselves.")]
    if not move.quantity:
        errors["quantity"] = [_("A move moves something.")]
    elif move.kind == "receipt" and move.quantity < 0:
        errors["quantity"] = [_("A receipt is more than zero; use an adjustment for less.")]
    if move.unit_cost is not None and move.unit_cost < 0:
        errors["unit_cost"] = [_("A cost cannot be negative.")]
    if move.product_id and not goods([move.product_id]):
        errors["product"] = [_("Only goods lie in stock; this product is a service.")]
    if errors:
        raise RuleError(errors)


def apply_move(actor: Actor, move: StockMove, changed: dict) -> None:
    """The ``after`` hook: the level follows the move, and those that wait for goods get them. Errors: RuleError at ``quantity``."""
    level = lock_levels(move.warehouse, [move.product_id])[move.product_id]
    product = move.product
    if move.quantity > 0:
        _take_in(level, move.quantity, move.unit_cost if move.unit_cost is not None else unit_cost(level, product), move.kind == "receipt")
    else:
        level.on_hand += move.quantity
        if level.on_hand < 0 and not move.warehouse.allow_negative:
            there = f"{(level.on_hand - move.quantity).normalize():f}"
            raise RuleError({"quantity": [_("Only %(there)s are there, and this warehouse may not go below zero.") % {"there": there}]})
        _fit_reservations(level)
    store_levels({level.product_id: level})
    keep_for_waiting([level])


def frozen_move(move: StockMove) -> frozenset[str]:
    """A move is never changed and never goes."""
    return frozenset({"warehouse", "product", "quantity", "unit_cost", "date", "kind", "note", "delete"})


def differences() -> list[str]:
    """Levels that are not the sum of their moves or reservations, in sentences. Cost: three queries."""
    moved = {(w, p): q for w, p, q in StockMove.objects.values_list("warehouse", "product").annotate(q=Sum("quantity"))}
    kept = dict(Reservation.objects.values_list("level").annotate(q=Sum("quantity")))
    found = []
    for level in StockLevel.objects.select_related("warehouse", "product"):
        sums = moved.pop((level.warehouse_id, level.product_id), ZERO)
        where = {"product": level.product.sku, "warehouse": level.warehouse.name}
        if level.on_hand != sums:
            found.append(_("%(product)s in %(warehouse)s: %(level)s on hand, moves say %(sum)s.") % {**where, "level": level.on_hand, "sum": sums})
        if level.reserved != kept.get(level.pk, ZERO):
            found.append(_("%(product)s in %(warehouse)s: %(level)s reserved, orders say %(sum)s.") % {
                **where, "level": level.reserved, "sum": kept.get(level.pk, ZERO)})  # fmt: skip
        if not level.warehouse.allow_negative and (level.on_hand < 0 or level.reserved > level.on_hand):
            found.append(_("%(product)s in %(warehouse)s: below zero, or more reserved than there is.") % where)
    return found + [_("Moves without a level: %(n)d.") % {"n": len(moved)}] * bool(moved)


__all__ = [
    "Leaving", "apply_move", "check_move", "differences", "frozen_move", "goods", "keep_for_waiting", "lock_levels", "missing", "own_warehouse",
    "prepare_moves", "put_back", "release", "reserve", "unit_cost",
]  # fmt: skip
