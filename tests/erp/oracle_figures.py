"""What the oracle's documents come to: their facts, and every KPI of the chain made of those. Plain Python after the contract's table."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from tests.erp.oracle import ZERO, Delivery, Invoice, Line, Note, Order, Payment, cents
from tests.erp.oracle_money import Oracle

DAY = timedelta(days=1)
STEP = Decimal("0.5")  # quantities of the histories are whole numbers of these, so units can be laid side by side
SUMS = {
    "order-intake": ("ordered",), "orders": ("orders",), "discount-given": ("discount",), "delivered": ("delivered",), "invoiced-net": ("invoiced",),
    "cash-received": ("cash",), "gross-margin": ("invoiced", "cost-of-sales"), "profit": ("invoiced", "cost-of-sales"), "exchange-gain": ("exchange-gain",),
}  # fmt: skip
BALANCES = {"receivables": ("receivable",), "overdue": ("overdue",)}
NO_PRODUCT = {"orders", "cash-received", "receivables", "overdue", "exchange-gain", "dso", "on-time-delivery"}
KPIS = (*SUMS, *BALANCES, "dso", "on-time-delivery")


class Said(NamedTuple):
    """One thing a document says."""

    measure: str
    value: Decimal
    on: date
    account: str
    person: str
    unit: str
    product: str | None = None


def facts(world: Oracle) -> list[Said]:
    found: list[Said] = []
    for paper, tell in ((Order, of_order), (Delivery, of_delivery), (Invoice, of_invoice), (Note, of_note), (Payment, of_payment)):
        for one in world.all(paper):
            if one.status != "draft":
                found += tell(one)
    return found + [said for order in world.all(Order) for line in order.lines for said in of_costs(line)]


def of_whom(paper) -> dict:
    return {"account": paper.account.id, "person": paper.owner.id, "unit": paper.unit}


def of_order(order: Order) -> Iterator[Said]:
    before: dict = {}
    for day, held in order.revisions:
        for name, place in (("ordered", 2), ("discount", 3)):
            for ident in before.keys() | held.keys():
                was, now = before.get(ident), held.get(ident)
                if was and now and was[0] is now[0]:
                    yield Said(name, now[place] - was[place], day, product=now[0] and now[0].id, **of_whom(order))
                    continue
                if was:
                    yield Said(name, -was[place], day, product=was[0] and was[0].id, **of_whom(order))
                if now:
                    yield Said(name, now[place], day, product=now[0] and now[0].id, **of_whom(order))
        before = held
    yield Said("orders", Decimal(1), order.revisions[0][0], **of_whom(order))
    if order.status == "cancelled" and not any(line.shipped for line in order.lines):
        yield Said("orders", Decimal(-1), order.ended, **of_whom(order))
    if order.requested and all(line.shipped == line.quantity for line in order.lines):
        last = max(d.on for d in order.deliveries if d.status == "shipped" and not d.origin)
        yield Said("orders-due", Decimal(1), last, **of_whom(order))
        yield Said("orders-on-time", Decimal(last <= order.requested), last, **of_whom(order))


def of_delivery(delivery: Delivery) -> Iterator[Said]:
    for row in delivery.lines:
        yield Said("delivered", -row.base if delivery.origin else row.base, delivery.on, product=row.product and row.product.id, **of_whom(delivery))


def overdue_from(invoice: Invoice) -> date:
    return max(invoice.due + DAY, invoice.on)


def of_invoice(invoice: Invoice) -> Iterator[Said]:
    yield Said("invoiced-gross", invoice.base_total, invoice.on, **of_whom(invoice))
    yield Said("receivable", invoice.base_total, invoice.on, **of_whom(invoice))
    yield Said("overdue", invoice.base_total, overdue_from(invoice), **of_whom(invoice))
    for row in invoice.lines:
        yield Said("invoiced", row.base, invoice.on, product=row.product and row.product.id, **of_whom(invoice))
        if not of_stock(row):
            yield from plainly(row, row.cost, invoice, invoice.on, -1)


def of_note(note: Note) -> Iterator[Said]:
    yield Said("invoiced-gross", -note.base_total, note.on, **of_whom(note))
    yield Said("receivable", -note.base_left, note.on, **of_whom(note))
    yield from settlements(note)
    for row in note.lines:
        yield Said("invoiced", -row.base, note.on, product=row.product and row.product.id, **of_whom(note))
        if not of_stock(row.of) and row.of.cost is not None:
            cost = cents(row.quantity * row.of.cost)
            yield Said("cost-of-sales", cost, max(note.on, note.invoice.on), product=row.product and row.product.id, **of_whom(note))


def of_payment(payment: Payment) -> Iterator[Said]:
    sign = 1 if payment.direction == "in" else -1
    yield Said("cash", sign * payment.base_amount, payment.on, **of_whom(payment))
    yield Said("receivable", -payment.base_left if sign > 0 else payment.base_amount, payment.on, **of_whom(payment))
    yield from settlements(payment)


def settlements(source: Note) -> Iterator[Said]:
    for invoice, day, off, used in source.settled:
        yield Said("receivable", -off, day, **of_whom(invoice))
        yield Said("overdue", -off, max(day, overdue_from(invoice)), **of_whom(invoice))
        yield Said("exchange-gain", used - off, day, **of_whom(invoice))


# What goods cost that were billed: each unit of an order line is laid beside the one that left at that place


def of_stock(row: Line) -> bool:
    return row.of is not None and row.product is not None and row.product.kind == "good"


def plainly(row: Line, cost: Decimal | None, paper, day: date, sign: int) -> Iterator[Said]:
    yield Said("uncosted-lines" if cost is None else "costed-lines", Decimal(1), paper.on, product=row.product and row.product.id, **of_whom(paper))
    if cost is not None:
        yield Said("cost-of-sales", sign * cents(row.quantity * cost), day, product=row.product and row.product.id, **of_whom(paper))


def of_costs(line: Line) -> Iterator[Said]:
    """Of an order line's billed goods: the lowest units that nobody has are taken, the last ones of an invoice line come back."""
    if not line.billed or not line.product or line.product.kind != "good":
        return
    left = [(day, cost) for day, quantity, cost in line.left_with for _unit in range(int(quantity / STEP))]
    held: dict[int, list[int]] = {}
    for deed, row in line.billed:
        steps, paper = int(row.quantity / STEP), row.order
        if deed == "take":
            taken = {unit for units in held.values() for unit in units}
            free = (unit for unit in range(10**9) if unit not in taken)
            units = held[id(row)] = [next(free) for _each in range(steps)]
            first = paper.on
        else:
            units = held[id(row.of)][-steps:]
            held[id(row.of)] = held[id(row.of)][:-steps]
            first = max(paper.on, row.of.order.on)
        known = all(unit >= len(left) or left[unit][1] is not None for unit in units)
        known = known and not (deed == "take" and row.cost is None and any(unit >= len(left) for unit in units))
        if deed == "take":
            yield Said("costed-lines" if known else "uncosted-lines", Decimal(1), paper.on, product=row.product.id, **of_whom(paper))
        by_day: dict[date, Decimal] = defaultdict(Decimal)
        for unit in units:
            if unit < len(left) and left[unit][1] is not None:
                by_day[max(first, left[unit][0])] += STEP * left[unit][1]
        for day, amount in by_day.items():
            yield Said("cost-of-sales", cents(amount) * (-1 if deed == "take" else 1), day, product=row.product.id, **of_whom(paper))


# Figures


def total(said: list[Said], measures: tuple[str, ...], until: date, since: date = date.min) -> Decimal:
    return sum((s.value for s in said if s.measure in measures and since <= s.on <= until), ZERO)


def value(key: str, said: list[Said], first: date, last: date, today: date) -> Decimal | None:
    """The KPI over these days, of what was said."""
    end = min(last, today)
    if key in BALANCES:
        return total(said, BALANCES[key], end)
    if key == "dso":
        return ratio(total(said, ("receivable",), end) * 90, total(said, ("invoiced-gross",), end, end - 89 * DAY))
    if key == "on-time-delivery":
        return ratio(total(said, ("orders-on-time",), last, first), total(said, ("orders-due",), last, first))
    if key in ("gross-margin", "profit") and not total(said, ("costed-lines",), last, first) and total(said, ("uncosted-lines",), last, first):
        return None
    return total(said, SUMS[key], last, first)


def ratio(top: Decimal, bottom: Decimal) -> Decimal | None:
    return (top / bottom).quantize(Decimal("0.000001"), ROUND_HALF_UP) if bottom else None


def grouped(key: str, said: list[Said], by: str, first: date, last: date, today: date) -> dict[str | None, Decimal | None]:
    """Member -> its part. Months of a balance are read at each end."""
    if by == "month":
        months = {s.on.strftime("%Y-%m") for s in said if first <= s.on <= last}
        spans = {m: month(m) for m in months}
        return {m: value(key, said, max(first, since), min(last, until), today) for m, (since, until) in spans.items()}
    of: Callable = lambda s: getattr(s, by)  # noqa: E731 - a short name for a short thing
    return {member: value(key, [s for s in said if of(s) == member], first, last, today) for member in {of(s) for s in said}}


def month(name: str) -> tuple[date, date]:
    first = date.fromisoformat(f"{name}-01")
    return first, (first + 31 * DAY).replace(day=1) - DAY
