"""A plain model of the road from order to cash, written from the contract alone: it says what each deed answers and what stands after it.

Knows nothing of the product. Every deed returns the status it must be answered with and, where that is a success, has done it;
ids of what a deed made are given by ``name(...)``, since only the product chooses those.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from tests.erp.oracle_goods import Store

ZERO, ONE, CENT = Decimal(0), Decimal(1), Decimal("0.01")
OK, MADE, NOT_NOW, REFUSED = 200, 201, 409, 422


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


@dataclass
class Person:
    id: str
    unit: str


@dataclass
class Account:
    id: str
    currency: str
    days: int
    owner: Person


@dataclass
class Product:
    id: str
    kind: str
    price: Decimal
    cost: Decimal | None
    tax: str | None = None


@dataclass
class Line:
    """A line of an order, or with ``of`` of a document that comes from one."""

    product: Product | None
    quantity: Decimal
    price: Decimal = ZERO
    discount: Decimal = ZERO
    tax: str | None = None
    id: str = ""
    of: "Line | None" = None
    cost: Decimal | None = None
    net: Decimal = ZERO
    base: Decimal = ZERO
    order: "Order | None" = None
    shipped: Decimal = ZERO
    returned: Decimal = ZERO
    invoiced: Decimal = ZERO
    credited: Decimal = ZERO
    cancelled: Decimal = ZERO
    left_with: list = field(default_factory=list)  # of an order line: (day, quantity, unit cost) in the order they left
    billed: list = field(default_factory=list)  # of an order line: ("take", line) and ("give", line) in the order they were posted

    @property
    def open(self) -> Decimal:
        return self.quantity - self.shipped - self.cancelled if self.order.status == "confirmed" else ZERO

    def worth(self, quantity: Decimal) -> Decimal:
        return cents(quantity * self.price * (ONE - self.discount))


@dataclass
class Paper:
    """What all documents have."""

    account: Account
    owner: Person
    currency: str
    lines: list[Line] = field(default_factory=list)
    charges: list[tuple[str, Decimal, str | None]] = field(default_factory=list)
    id: str = ""
    status: str = "draft"
    on: date | None = None
    rate: Decimal = ONE
    number: str = ""
    version: int = 1
    unit: str = ""
    net: Decimal = ZERO
    tax: Decimal = ZERO
    charged: Decimal = ZERO
    total: Decimal = ZERO
    base_net: Decimal = ZERO
    base_total: Decimal = ZERO

    def __post_init__(self):
        self.unit = self.unit or self.owner.unit


@dataclass
class Order(Paper):
    warehouse: str = ""
    requested: date | None = None
    ended: date | None = None
    revisions: list[tuple[date, dict]] = field(default_factory=list)
    invoices: list["Invoice"] = field(default_factory=list)
    deliveries: list["Delivery"] = field(default_factory=list)


@dataclass
class Delivery(Paper):
    order: Order | None = None
    origin: "Delivery | None" = None
    returns: list["Delivery"] = field(default_factory=list)


@dataclass
class Invoice(Paper):
    order: Order | None = None
    due: date | None = None
    paid: Decimal = ZERO
    credited: Decimal = ZERO
    open: Decimal = ZERO
    base_open: Decimal = ZERO
    notes: list["Note"] = field(default_factory=list)


@dataclass
class Note(Paper):
    invoice: Invoice | None = None
    left: Decimal = ZERO
    base_left: Decimal = ZERO
    settled: list[tuple] = field(default_factory=list)  # (invoice, day, taken off it, taken off this), both in base currency


@dataclass
class Payment(Note):
    amount: Decimal = ZERO
    base_amount: Decimal = ZERO
    direction: str = "in"


class Chain:
    """A company. Rates: currency -> [(from day, rate)]; taxes: code -> rate."""

    def __init__(self, today: date, base: str, rates: dict, taxes: dict, warehouses: dict):
        self.today, self.base, self.rates, self.taxes = today, base, rates, taxes
        self.papers: dict[type, list] = {kind: [] for kind in (Order, Delivery, Invoice, Note, Payment)}
        self.series: dict[str, int] = {}
        self.store = Store(warehouses, self.waiting)
        self.own_warehouse = next(iter(warehouses))

    # What all deeds share

    def all(self, kind, *statuses):
        return [p for p in self.papers[kind] if not statuses or p.status in statuses]

    def keep(self, paper, made: str, lines: list[str]):
        """The product's ids of what a deed made."""
        paper.id = made
        for line, ident in zip(paper.lines, lines, strict=True):
            line.id = ident
        self.papers[type(paper)].append(paper)
        return paper

    def rate(self, currency: str, day: date) -> Decimal | None:
        if currency == self.base:
            return ONE
        return next((rate for since, rate in reversed(self.rates.get(currency, [])) if since <= day), None)

    def give_number(self, paper, prefix: str, day: date) -> None:
        series = f"{prefix}-{day.year}"
        self.series[series] = self.series.get(series, 0) + 1
        paper.number = f"{series}-{self.series[series]:05d}"

    def count(self, paper) -> None:
        taxed: dict = {}
        for line in paper.lines:
            line.net = line.worth(line.quantity)
            line.base = cents(line.net * paper.rate)
            taxed[line.tax] = taxed.get(line.tax, ZERO) + line.net
        for _name, amount, code in paper.charges:
            taxed[code] = taxed.get(code, ZERO) + amount
        paper.net = sum((line.net for line in paper.lines), ZERO)
        paper.charged = sum((amount for _n, amount, _c in paper.charges), ZERO)
        paper.tax = sum((cents(amount * self.taxes[code]) for code, amount in taxed.items() if code), ZERO)
        paper.total = paper.net + paper.charged + paper.tax
        paper.base_net, paper.base_total = cents(paper.net * paper.rate), cents(paper.total * paper.rate)

    def forget(self, paper) -> int:
        """DELETE: a draft goes, anything else stays."""
        if paper.status != "draft":
            return NOT_NOW
        self.papers[type(paper)].remove(paper)
        for holder in (getattr(paper, "order", None), getattr(paper, "origin", None), getattr(paper, "invoice", None)):
            for held in (getattr(holder, name, []) for name in ("deliveries", "invoices", "returns", "notes")):
                if paper in held:
                    held.remove(paper)
        return 204

    @staticmethod
    def left(lines: list[Line], free, wanted: dict[str, Decimal] | None) -> tuple[int, dict]:
        """What a document may take: all that is left, or what is wanted of it."""
        there = {line.id: free(line) for line in lines}
        if not any(quantity > 0 for quantity in there.values()):
            return NOT_NOW, {}
        if wanted is None:
            return MADE, {ident: quantity for ident, quantity in there.items() if quantity > 0}
        if any(ident not in there or quantity <= 0 or quantity > there[ident] for ident, quantity in wanted.items()):
            return REFUSED, {}
        return MADE, wanted

    # Orders

    def order(self, account, owner, currency, lines, charges, warehouse="", requested=None) -> Order:
        made = Order(account, owner, currency, lines, charges, warehouse=warehouse, requested=requested)
        for line in lines:
            line.order = made
        self.count_draft(made)
        return made

    def count_draft(self, order) -> None:
        order.rate = self.rate(order.currency, order.on or self.today)
        self.count(order)

    def confirm(self, order: Order, day: date) -> int:
        if order.status != "draft":
            return NOT_NOW
        rate = self.rate(order.currency, day)
        if rate is None:
            return REFUSED
        order.status, order.on, order.rate = "confirmed", day, rate
        order.warehouse = order.warehouse or self.own_warehouse
        self.count(order)
        self.give_number(order, "SO", day)
        self.revise(order, day)
        self.store.reserve(order, order.lines)
        return OK

    def revise(self, order: Order, day: date, shipped: bool = False) -> None:
        held = {}
        for line in order.lines:
            quantity = line.shipped if shipped else line.quantity
            net = line.worth(quantity)
            given = cents(quantity * line.price) - net
            held[line.id] = (line.product, quantity, cents(net * order.rate), cents(given * order.rate))
        order.revisions.append((day, held))

    def amend(self, order: Order, lines: list[Line], day: date) -> int:
        """``lines`` as they are to be; one that stays has the id of the one it was."""
        if order.status != "confirmed":
            return NOT_NOW
        before = {line.id: line for line in order.lines}
        stay = {line.id for line in lines if line.id}
        used = {row.of.id for paper in (*order.deliveries, *order.invoices) for row in paper.lines if row.of}
        if not lines or day < order.revisions[-1][0] or any(ident in used for ident in before.keys() - stay):
            return REFUSED
        for line in lines:
            old = before.get(line.id)
            if old and (line.quantity < max(old.shipped, old.invoiced - old.credited) or ((old.shipped or old.invoiced) and line.product is not old.product)):
                return REFUSED
        now = []
        for line in lines:
            old = before.get(line.id)
            if old:
                old.product, old.quantity, old.price, old.discount, old.tax = line.product, line.quantity, line.price, line.discount, line.tax
            line.order = order
            now.append(old or line)
        removed = [line for line in order.lines if line not in now]
        order.lines = now
        self.count(order)
        return self.after_amend(order, removed, day)

    def after_amend(self, order, removed, day) -> int:
        self.amended = (order, removed, day)  # new lines have no id until the product says which
        return OK

    def amend_named(self, ids: list[str]) -> None:
        order, removed, day = self.amended
        for line, ident in zip(order.lines, ids, strict=True):
            line.id = ident
        self.revise(order, day)
        self.store.reserve(order, order.lines, removed)

    def end(self, order: Order, status: str, day: date) -> int:
        if order.status != "confirmed":
            return NOT_NOW
        if day < order.revisions[-1][0]:
            return REFUSED
        order.status, order.ended = status, day
        for line in order.lines:
            line.cancelled = line.quantity - line.shipped
        self.revise(order, day, shipped=True)
        self.store.release(order.lines)
        return OK

    def give_to(self, order: Order, person: Person) -> int:
        order.owner, order.unit = person, person.unit
        return OK

    def waiting(self, warehouse, product, kept: bool = False) -> list[Line]:
        orders = sorted((o for o in self.all(Order, "confirmed") if o.warehouse == warehouse), key=lambda o: (o.on, o.number))
        return [line for o in orders for line in o.lines if line.product and line.product.id == product and (kept or line.open > 0)]

    # Deliveries

    def deliver(self, order: Order, wanted=None) -> tuple[int, Delivery | None]:
        if order.status != "confirmed":
            return NOT_NOW, None
        drafts = [row for d in order.deliveries if d.status == "draft" and not d.origin for row in d.lines]
        status, taken = self.left(order.lines, lambda line: line.open - sum((r.quantity for r in drafts if r.of is line), ZERO), wanted)
        if status != MADE:
            return status, None
        made = Delivery(order.account, order.owner, order.currency, order=order, unit=order.unit)
        made.lines = [Line(line.product, taken[line.id], of=line) for line in order.lines if line.id in taken]
        order.deliveries.append(made)
        return MADE, made

    def give_back(self, delivery: Delivery, wanted=None) -> tuple[int, Delivery | None]:
        if delivery.status != "shipped" or delivery.origin:
            return NOT_NOW, None
        back = [row for d in delivery.returns for row in d.lines]
        status, taken = self.left(delivery.lines, lambda line: line.quantity - sum((r.quantity for r in back if r.origin is line), ZERO), wanted)
        if status != MADE:
            return status, None
        order = delivery.order
        made = Delivery(order.account, order.owner, order.currency, order=order, origin=delivery, unit=order.unit)
        for line in delivery.lines:
            if line.id in taken:
                made.lines.append(Line(line.product, taken[line.id], of=line.of))
                made.lines[-1].origin = line
        order.deliveries.append(made)
        delivery.returns.append(made)
        return MADE, made

    def ship(self, delivery: Delivery, day: date) -> int:
        order = delivery.order
        if delivery.status != "draft" or (not delivery.origin and order.status != "confirmed"):
            return NOT_NOW
        if not delivery.origin:
            if any(row.quantity > row.of.open for row in delivery.lines):
                return REFUSED
            goods = [row for row in delivery.lines if row.of.product and row.of.product.kind == "good"]
            if not all(self.store.can_leave(order.warehouse, row.of, row.quantity) for row in goods) or self.together_too_much(order, goods):
                return REFUSED
        for row in delivery.lines:
            line, back = row.of, delivery.origin is not None
            source = row.origin if back else line
            row.product, row.price, row.discount = source.product, source.price, source.discount
            row.net = row.worth(row.quantity)
            row.base = cents(row.net * order.rate)
            if back:
                line.returned += row.quantity
                row.cost = row.origin.cost
                if row.product and row.product.kind == "good":
                    self.store.come_back(order.warehouse, row.product, row.quantity, row.cost)
            else:
                line.shipped += row.quantity
                if row.product and row.product.kind == "good":
                    row.cost = self.store.leave(order.warehouse, line, row.quantity)
                    line.left_with.append((day, row.quantity, row.cost))
        delivery.status, delivery.on, delivery.rate = "shipped", day, order.rate
        delivery.base_net = sum((row.base for row in delivery.lines), ZERO)
        self.give_number(delivery, "RT" if delivery.origin else "DO", day)
        return OK

    def together_too_much(self, order, goods) -> bool:
        """Lines of one product that could leave one by one, but not all."""
        if self.store.allow_negative[order.warehouse]:
            return False
        for product in {row.of.product.id for row in goods}:
            level, rows = self.store.level(order.warehouse, product), [row for row in goods if row.of.product.id == product]
            if sum((max(row.quantity - level.kept.get(row.of.id, ZERO), ZERO) for row in rows), ZERO) > level.free:
                return True
        return False
