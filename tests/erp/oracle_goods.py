"""Goods in the oracle: what lies where, for whom it is kept, what it is worth. Plain Python after the contract, nothing of the product."""

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

ZERO = Decimal(0)


@dataclass
class Level:
    """A product in a warehouse. ``kept`` is by order line."""

    on_hand: Decimal = ZERO
    average: Decimal | None = None
    kept: dict = field(default_factory=dict)

    @property
    def reserved(self) -> Decimal:
        return sum(self.kept.values(), ZERO)

    @property
    def free(self) -> Decimal:
        return max(self.on_hand - self.reserved, ZERO)


class Store:
    """All warehouses. ``waiting(warehouse, product)`` gives the confirmed order lines with something open, the oldest order first."""

    def __init__(self, allow_negative, waiting):
        self.allow_negative = allow_negative  # warehouse -> whether it may go below zero
        self.waiting = waiting
        self.levels: dict[tuple, Level] = {}

    def level(self, warehouse, product) -> Level:
        return self.levels.setdefault((warehouse, product), Level())

    def cost(self, warehouse, product) -> Decimal | None:
        level = self.levels.get((warehouse, product.id))
        return product.cost if level is None or level.average is None else level.average

    # Keeping

    def reserve(self, order, lines, removed=()) -> None:
        """An order's own lines take first what an amendment gives up, then those that wait."""
        goods = [line for line in lines if line.product and line.product.kind == "good"]
        ids = {line.id for line in (*lines, *removed)}
        places = {place for place, level in self.levels.items() if ids & level.kept.keys()} | {(order.warehouse, line.product.id) for line in goods}
        for ident in ids:
            for level in self.levels.values():
                level.kept.pop(ident, None)
        for line in goods:
            level = self.level(order.warehouse, line.product.id)
            quantity = line.open if self.allow_negative[order.warehouse] else min(line.open, level.free)
            if quantity > 0:
                level.kept[line.id] = quantity
        for place in places:
            self.give_to_waiting(*place)

    def release(self, lines) -> None:
        ids = {line.id for line in lines}
        for (warehouse, product), level in self.levels.items():
            if ids & level.kept.keys():
                for ident in ids:
                    level.kept.pop(ident, None)
                self.give_to_waiting(warehouse, product)

    def give_to_waiting(self, warehouse, product) -> None:
        level = self.level(warehouse, product)
        if self.allow_negative[warehouse]:
            return
        for line in self.waiting(warehouse, product):
            more = min(level.free, line.open - level.kept.get(line.id, ZERO))
            if more > 0:
                level.kept[line.id] = level.kept.get(line.id, ZERO) + more

    # Moving

    def can_leave(self, warehouse, line, quantity: Decimal) -> bool:
        level = self.level(warehouse, line.product.id)
        return self.allow_negative[warehouse] or quantity <= level.kept.get(line.id, ZERO) + level.free

    def leave(self, warehouse, line, quantity: Decimal) -> Decimal | None:
        """Returns what one unit cost that left."""
        cost, level = self.cost(warehouse, line.product), self.level(warehouse, line.product.id)
        level.on_hand -= quantity
        kept = level.kept.pop(line.id, ZERO)
        if kept > quantity:
            level.kept[line.id] = kept - quantity
        return cost

    def come_back(self, warehouse, product, quantity: Decimal, cost: Decimal | None) -> None:
        self._take_in(warehouse, product, quantity, cost, False)

    def move(self, warehouse, product, quantity: Decimal, cost: Decimal | None, kind: str) -> bool:
        """A receipt or adjustment; whether it may be."""
        level = self.level(warehouse, product.id)
        if quantity > 0:
            self._take_in(warehouse, product, quantity, self.cost(warehouse, product) if cost is None else cost, kind == "receipt")
            return True
        if level.on_hand + quantity < 0 and not self.allow_negative[warehouse]:
            return False
        level.on_hand += quantity
        if not self.allow_negative[warehouse]:
            excess = level.reserved - max(level.on_hand, ZERO)
            for line in reversed(self.waiting(warehouse, product.id, kept=True)):
                taken = min(max(excess, ZERO), level.kept.get(line.id, ZERO))
                excess -= taken
                if taken and level.kept[line.id] == taken:
                    del level.kept[line.id]
                elif taken:
                    level.kept[line.id] -= taken
        return True

    def _take_in(self, warehouse, product, quantity, cost, is_receipt) -> None:
        level = self.level(warehouse, product.id)
        if cost is not None and (is_receipt or level.average is not None):
            before = max(level.on_hand, ZERO)
            worth = before * (level.average if level.average is not None else cost) + quantity * cost
            level.average = (worth / (before + quantity)).quantize(Decimal("0.000001"), ROUND_HALF_UP)
        level.on_hand += quantity
        self.give_to_waiting(warehouse, product.id)
