"""What may happen to sales orders: prices from products, totals, confirm, amend, cancel, close; and the facts they state."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from core import context, numbering, totals
from core.access import Actor
from core.cleaning import Cleaned
from core.errors import RuleError
from core.facts import Statement
from core.models import TaxCode
from core.models.record import permit
from core.money import round_money
from core.structures import today
from crm.models import Account, Contact, Product
from erp.models import OrderCharge, OrderLine, OrderRevision, SalesOrder

FROZEN = frozenset({"account", "currency", "lines", "charges", "order_date"})


def locked(order: SalesOrder) -> frozenset[str]:
    """What of an order no longer changes by a plain save."""
    return frozenset() if order.status == "draft" else FROZEN


# Filling in


def prepare(actor: Actor, pairs: list) -> None:
    """Currency from the account or company; description, price and tax of a line from its product. Cost: two queries a batch."""
    for _order, made in pairs:
        _demand_quantities(made)
    accounts = Account.objects.in_bulk({order.account_id for order, made in pairs if order.account_id and not order.currency})
    fill_lines([row for order, made in pairs for row in made.lines.get("lines", ()) if row.id is None or order._state.adding])
    for order, _made in pairs:
        if not order.currency:
            account = accounts.get(order.account_id)
            order.currency = (account.currency if account else "") or context.company().currency


def _demand_quantities(made: Cleaned) -> None:
    """The database refuses a quantity of zero too, but cannot say at which line."""
    for position, row in enumerate(made.lines.get("lines", ())):
        quantity = row.values.get("quantity")
        if quantity is not None and quantity <= 0:
            made.refuse(f"lines.{position}.quantity", _("A quantity is more than zero."))


def fill_lines(rows: list) -> None:
    """What a new line leaves out comes from its product; ``tax_code: null`` means none."""
    products = Product.objects.in_bulk({row.values["product"] for row in rows if row.values.get("product")})
    for row in rows:
        product = products.get(row.values.get("product"))
        if product is None:
            continue
        for name, value in (("description", product.name), ("unit_price", product.unit_price), ("tax_code", product.tax_code_id)):
            if name not in row.values and name not in row.errors and value is not None:
                row.values[name] = value


def check(actor: Actor, order: SalesOrder, changed: dict, rows: dict) -> None:
    """The contact belongs to the account; the currency is one there is a rate for."""
    errors: dict[str, list[str]] = {}
    if order.contact_id and {"contact", "account"} & changed.keys():
        contact = Contact.objects.filter(pk=order.contact_id).values_list("account_id", flat=True).first()
        if contact is not None and contact != order.account_id:
            errors["contact"] = [_("This contact belongs to another account.")]
    if order.currency != context.company().currency:
        errors["currency"] = [_("There is no exchange rate for this currency; use %(currency)s.") % {"currency": context.company().currency}]
    if errors:
        raise RuleError(errors)


def demand_active(rows: list[OrderLine], present: Iterable[UUID] = ()) -> None:
    """A line newly put on an order names an active product."""
    present = set(present)
    fresh = {r.product_id for r in rows if r.product_id and r.product_id not in present}
    inactive = set(Product.objects.filter(pk__in=fresh, active=False).values_list("pk", flat=True))
    errors = {f"lines.{i}.product": [_("This product is no longer sold.")] for i, r in enumerate(rows) if r.product_id in inactive}
    if errors:
        raise RuleError(errors)


def add_up(order: SalesOrder, rows: dict[str, list]) -> None:
    """The ``totals`` hook. A confirmed order keeps its sums until it is amended, whatever became of its tax codes since."""
    if order.status == "draft":
        count(order, rows)


def count(order: SalesOrder, rows: dict[str, list]) -> None:
    """Nets of lines and sums of the document at the rates of today. Cost: one query where tax codes are used."""
    lines, charges = rows.get("lines"), rows.get("charges")
    if lines is None or charges is None:
        return
    base = context.company().currency
    codes = {r.tax_code_id for r in (*lines, *charges) if r.tax_code_id}
    rates = dict(TaxCode.objects.filter(pk__in=codes).values_list("pk", "rate")) if codes else {}
    for row in lines:
        row.net = totals.line_net(row.quantity, row.unit_price, row.discount, order.currency)
        row.base_net = round_money(row.net * order.rate, base)
    for row in charges:
        row.amount = round_money(row.amount, order.currency)
    sums = totals.add_up(
        [(r.net, r.tax_code_id, rates.get(r.tax_code_id, Decimal(0))) for r in lines],
        [(r.amount, r.tax_code_id, rates.get(r.tax_code_id, Decimal(0))) for r in charges],
        order.currency, base, order.rate,
    )  # fmt: skip
    for name in ("net", "tax", "charges_total", "total", "base_net", "base_total"):
        if abs(getattr(sums, name)) >= Decimal(10) ** 15:
            raise RuleError({"lines": [_("The amounts of this order are too large.")]})
        setattr(order, name, getattr(sums, name))
    order.line_count, order.units = len(lines), sum((r.quantity for r in lines), Decimal(0))


# Acts


def confirm(actor: Actor, order: SalesOrder, data: dict) -> None:
    """Number and date are given; the lines become revision 1. What was confirmed long ago may hold products no longer sold."""
    lines = list(data["rows"]["lines"].now)
    if not lines:
        raise RuleError({"lines": [_("An order needs at least one line to be confirmed.")]})
    if not data["history"].settled:
        demand_active(lines)
    count(order, {n: r.now for n, r in data["rows"].items()})
    order.order_date = data.get("date") or order.order_date or today()
    order.number = numbering.next_number("SO", order.order_date)
    _revise(order, lines, order.order_date)


def amend(actor: Actor, order: SalesOrder, data: dict) -> None:
    """Lines and charges as they are from this date on; what differs counts then."""
    rows = data["rows"]["lines"]
    lines = list(rows.now)
    if not lines:
        raise RuleError({"lines": [_("An order needs at least one line; cancel it instead.")]})
    fill_now = {line["product"] for line in _revision(order).lines}
    demand_active(lines, {UUID(p) for p in fill_now if p})
    on = data.get("date") or max(today(), _revision(order).date)
    if on < _revision(order).date:
        raise RuleError({"date": [_("An amendment cannot come before the revision it amends (%(date)s).") % {"date": _revision(order).date}]})
    count(order, {n: r.now for n, r in data["rows"].items()})
    _revise(order, lines, on)


def end(actor: Actor, order: SalesOrder, data: dict) -> None:
    """Cancel or close: what is open is taken back on this date."""
    on = data.get("date") or max(today(), _revision(order).date)
    if on < _revision(order).date:
        raise RuleError({"date": [_("This cannot be before the order's last revision (%(date)s).") % {"date": _revision(order).date}]})
    order.ended_on = on
    order.reason = data.get("reason") or ""


def _revision(order: SalesOrder) -> OrderRevision:
    return order.revisions.get(revision=order.revision)


def _revise(order: SalesOrder, lines: list[OrderLine], on: date) -> None:
    order.revision += 1
    with permit():
        snapshot(order, lines, on).save(force_insert=True)


def snapshot(order: SalesOrder, lines: list[OrderLine], on: date) -> OrderRevision:
    """The revision that holds these lines as they are."""
    base = context.company().currency
    held = []
    for row in lines:
        discount = totals.line_discount(row.quantity, row.unit_price, row.net, order.currency)
        held.append({
            "line": str(row.pk), "product": str(row.product_id) if row.product_id else None, "net": str(row.base_net),
            "discount": str(round_money(discount * order.rate, base)),
        })  # fmt: skip
    return OrderRevision(order=order, revision=order.revision, date=on, lines=held)


# Facts


def facts(orders: list[SalesOrder]) -> dict[UUID, list[Statement]]:
    """What orders state: each revision's differences at its date, and what ending took back at its own. Cost: one query."""
    revisions: dict[UUID, list[OrderRevision]] = defaultdict(list)
    for revision in OrderRevision.objects.filter(order__in=[o.pk for o in orders]).order_by("order", "revision"):
        revisions[revision.order_id].append(revision)
    return {order.pk: list(_statements(order, revisions[order.pk])) for order in orders}


def _statements(order: SalesOrder, revisions: list[OrderRevision]):
    if not revisions:
        return
    who = {"person": order.owner_id, "unit": order.unit_id, "account": order.account_id}
    before: dict[tuple, Decimal] = {}
    steps: list[tuple[date, list]] = [(r.date, r.lines) for r in revisions]
    if order.ended_on:
        steps.append((order.ended_on, []))
    for on, held in steps:
        now = _amounts(held)
        for key in before.keys() | now.keys():
            difference = now.get(key, Decimal(0)) - before.get(key, Decimal(0))
            if difference:
                measure, line, product = key
                yield Statement(measure, difference, on, product=product, source_line=line, **who)
        before = now
    yield Statement("orders", Decimal(1), revisions[0].date, **who)
    if order.ended_on and order.status == "cancelled":  # a closed order was one, though what was open is taken back
        yield Statement("orders", Decimal(-1), order.ended_on, **who)


def _amounts(held: list[dict[str, Any]]) -> dict[tuple, Decimal]:
    found: dict[tuple, Decimal] = {}
    for row in held:
        line, product = UUID(row["line"]), UUID(row["product"]) if row["product"] else None
        found["ordered", line, product] = Decimal(row["net"])
        found["discount", line, product] = Decimal(row["discount"])
    return found


def open_quantity(line: OrderLine) -> Decimal:
    return line.quantity if line.order.status == "confirmed" else Decimal(0)


def moved_quantity(line: OrderLine) -> Decimal:
    """What was shipped, returned, invoiced or credited of a line: nothing, as long as no document that could do so exists."""
    return Decimal(0)


def cancelled_quantity(line: OrderLine) -> Decimal:
    return line.quantity if line.order.ended_on else Decimal(0)


__all__ = [
    "OrderCharge", "add_up", "amend", "cancelled_quantity", "check", "confirm", "count", "demand_active", "end", "facts", "fill_lines",
    "locked", "moved_quantity", "open_quantity", "prepare", "snapshot",
]  # fmt: skip
