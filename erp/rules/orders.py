"""What may happen to sales orders: confirm, amend, cancel, close, out of a quote; and the facts they state."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, Case, Exists, F, Max, OuterRef, Q, Sum, When
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import access, context, documents, numbering, totals, write
from core.access import Actor
from core.errors import RuleError, WrongState
from core.facts import Statement
from core.models.record import permit
from core.money import round_money
from core.prepared import Prepared, columns, listed
from core.registry import Field, get
from core.structures import today
from crm.models import Account, Contact, Product, Quote, QuoteLine
from crm.rules.lines import demand_active, fill_lines
from erp.models import Delivery, OrderLine, OrderRevision, SalesOrder
from erp.rules import stock

FROZEN = frozenset({"account", "currency", "rate", "quote", "warehouse", "lines", "charges", "order_date"})
ZERO = Decimal(0)


def locked(order: SalesOrder) -> frozenset[str]:
    """What of an order no longer changes by a plain save."""
    return frozenset() if order.status == "draft" else FROZEN


# Filling in


def prepare(actor: Actor, pairs: list) -> None:
    """Currency from the account or company; description, price and tax of a line from its product. Cost: a few queries a batch."""
    accounts = columns(Account, {order.account_id for order, _made in pairs if not order.currency}, "currency", "roles")
    for order, made in pairs:
        documents.demand_quantities(made)
        documents.note_rate(order, made)
        if not order.currency:
            order.currency = accounts.get(order.account_id, ("",))[0] or context.company().currency
    fresh = [(order, order.order_date or today(), [r for r in made.lines.get("lines", ()) if r.id is None or order._state.adding]) for order, made in pairs]
    fill_lines(fresh, accounts)


def check(actor: Actor, order: SalesOrder, changed: dict, rows: dict) -> None:
    """The contact belongs to the account, the quote too; the currency is one there is a rate for."""
    errors: dict[str, list[str]] = {}
    if order.contact_id and {"contact", "account"} & changed.keys():
        contact = Contact.objects.filter(pk=order.contact_id).values_list("account_id", flat=True).first()
        if contact is not None and contact != order.account_id:
            errors["contact"] = [_("This contact belongs to another account.")]
    if order.quote_id and {"quote", "account"} & changed.keys() and not Quote.objects.filter(pk=order.quote_id, account=order.account_id).exists():
        errors["quote"] = [_("This quote was made for another account.")]
    errors |= _strangers(order, rows.get("lines", ()))
    if errors:
        raise RuleError(errors)
    if order.status == "draft":
        documents.take_rate(order, order.order_date or today())


def _strangers(order: SalesOrder, lines: Iterable[OrderLine]) -> dict[str, list[str]]:
    """Lines that say they come from a quote come from this order's. Cost: one query where any does."""
    named = {position: row.quote_line_id for position, row in enumerate(lines) if row.quote_line_id}
    known = set(QuoteLine.objects.filter(pk__in=named.values(), quote=order.quote_id).values_list("pk", flat=True)) if named else set()
    return {f"lines.{position}.quote_line": [_("This line belongs to another document.")] for position, line in named.items() if line not in known}


def add_up(order: SalesOrder, rows: dict[str, list]) -> None:
    """The ``totals`` hook. A confirmed order keeps its sums until it is amended, whatever became of its tax codes since."""
    if order.status == "draft":
        count(order, rows)


def count(order: SalesOrder, rows: dict[str, list]) -> None:
    """Nets of lines and sums of the document at the tax rates of today. Cost: one query where tax codes are used."""
    lines, charges = rows.get("lines"), rows.get("charges")
    if lines is None or charges is None:
        return
    documents.count(order, lines, charges)
    order.line_count, order.units = len(lines), sum((r.quantity for r in lines), ZERO)


# Acts


def confirm(actor: Actor, asked: list[tuple[SalesOrder, dict]]) -> list[RuleError | None]:
    """Number and date are given, stock is kept; the lines become revision 1. What is long settled may hold products no longer sold.

    Cost: eight statements, and at most three for each order.
    """
    lines = {order.pk: list(data["rows"]["lines"].now) for order, data in asked}
    products = columns(Product, {row.product_id for rows in lines.values() for row in rows}, "active", "kind")
    errors = [_confirm_one(order, lines[order.pk], data, products) for order, data in asked]
    if any(errors):
        return errors
    _keep([_next_revision(order, lines[order.pk], order.order_date) for order, _data in asked])
    stock.reserve([(order, lines[order.pk]) for order, _data in asked], kept={product for product, (_active, kind) in products.items() if kind == "good"})
    for order, _data in asked:
        order.number = numbering.next_number("SO", order.order_date)  # last: whoever waits for a number waits for nothing else
    return errors


def _confirm_one(order: SalesOrder, lines: list[OrderLine], data: dict, products: dict[UUID, tuple]) -> RuleError | None:
    if not lines:
        return RuleError({"lines": [_("An order needs at least one line to be confirmed.")]})
    try:
        if not data["history"].settled:
            demand_active(lines, known=products)
        order.order_date = data.get("date") or order.order_date or today()
        documents.take_rate(order, order.order_date)
        count(order, {n: r.now for n, r in data["rows"].items()})
    except RuleError as error:
        return error
    return None


def amend(actor: Actor, order: SalesOrder, data: dict) -> None:
    """Lines and charges as they are from this date on; what differs counts then. What left or was billed stays."""
    rows = data["rows"]["lines"]
    lines = list(rows.now)
    if not lines:
        raise RuleError({"lines": [_("An order needs at least one line; cancel it instead.")]})
    held = _revision(order)
    demand_active(lines, {UUID(line["product"]) for line in held.lines if line["product"]})
    _demand_done_stays(rows)
    on = data.get("date") or max(today(), held.date)
    if on < held.date:
        raise RuleError({"date": [_("An amendment cannot come before the revision it amends (%(date)s).") % {"date": held.date}]})
    count(order, {n: r.now for n, r in data["rows"].items()})
    _keep([_next_revision(order, lines, on)])
    stock.reserve([(order, lines)], removed=[row.pk for row in rows.removed])


def _demand_done_stays(rows: Any) -> None:
    """No line falls below what was shipped or invoiced of it, changes its product then, or goes."""
    errors: dict[str, list[str]] = {}
    before = {UUID(told["id"]): told for told in rows.before}
    for position, row in enumerate(rows.now):
        done = max(row.shipped, row.invoiced - row.credited)
        if row.quantity < done:
            errors[f"lines.{position}.quantity"] = [_("%(done)s were shipped or invoiced already.") % {"done": f"{done.normalize():f}"}]
        told = before.get(row.pk)
        if told and (row.shipped or row.invoiced) and str(row.product_id or "") != str(told.get("product") or ""):
            errors[f"lines.{position}.product"] = [_("This line was shipped or invoiced already; its product stays.")]
    for row in rows.removed:
        if row.shipped or row.invoiced or row.delivery_lines.exists() or row.invoice_lines.exists():
            errors.setdefault("lines", []).append(_("A line that is on a delivery or an invoice cannot be removed."))
    if errors:
        raise RuleError(errors)


def end(actor: Actor, order: SalesOrder, data: dict) -> None:
    """Cancel or close: what was not shipped is taken back on this date; it is the order's last revision."""
    held, lines = _revision(order), list(data["rows"]["lines"].now)
    on = data.get("date") or max(today(), held.date)
    if on < held.date:
        raise RuleError({"date": [_("This cannot be before the order's last revision (%(date)s).") % {"date": held.date}]})
    order.ended_on = on
    order.reason = data.get("reason") or ""
    for row in lines:
        row.cancelled = row.quantity - row.shipped
    _keep([snapshot(order, order.revision + 1, lines, on, shipped=True)])
    stock.release([row.pk for row in lines if row.cancelled])  # for what was shipped in full nothing is kept


def _revision(order: SalesOrder) -> OrderRevision:
    return order.revisions.get(revision=order.revision)


def _next_revision(order: SalesOrder, lines: list[OrderLine], on: date) -> OrderRevision:
    order.revision += 1
    return snapshot(order, order.revision, lines, on)


def _keep(revisions: list[OrderRevision]) -> None:
    with permit():
        OrderRevision.objects.add(revisions)


def snapshot(order: SalesOrder, number: int, lines: list[OrderLine], on: date, shipped: bool = False) -> OrderRevision:
    """The revision that holds these lines as they are, or with the quantities that were shipped of them."""
    base, held = context.company().currency, []
    for row in lines:
        quantity = row.shipped if shipped else row.quantity
        net = totals.line_net(quantity, row.unit_price, row.discount, order.currency)
        discount = totals.line_discount(quantity, row.unit_price, net, order.currency)
        held.append({
            "line": str(row.pk), "product": str(row.product_id) if row.product_id else None, "quantity": f"{quantity:f}",
            "net": str(round_money(net * order.rate, base)), "discount": str(round_money(discount * order.rate, base)),
        })  # fmt: skip
    return OrderRevision(order=order, revision=number, date=on, lines=held)


# Out of a quote


def left_of_quote(quote: Quote) -> dict[UUID, Decimal]:
    """Quote line -> what no order took yet; drafts count as taken, what was cancelled is free again. Cost: two queries."""
    taken = OrderLine.objects.filter(quote_line__quote=quote, order__archived_at=None).values("quote_line").annotate(
        taken=Sum(F("quantity") - F("cancelled"))).values_list("quote_line", "taken")  # fmt: skip
    by_line = dict(taken)
    return {pk: quantity - by_line.get(pk, ZERO) for pk, quantity in QuoteLine.objects.filter(quote=quote).order_by("position").values_list("pk", "quantity")}


def offer_quote_lines(actor: Actor, quote: Quote) -> dict[str, list]:
    return {"lines": [{"quote_line": pk, "quantity": left} for pk, left in left_of_quote(quote).items() if left > 0]}


def demand_newest(actor: Actor, quote: Quote) -> None:
    if quote.is_superseded:
        raise WrongState(_("A newer version of this quote was sent; order from that one."))


def of_quote(actor: Actor, quote: Quote, data: dict) -> SalesOrder:
    """A draft order for all that is left of the quote, or the lines named. Errors: WrongState, RuleError at ``lines.0.quantity``."""
    wanted = demand_left(left_of_quote(quote), data.get("lines"), "quote_line")
    rows = QuoteLine.objects.in_bulk(wanted)
    lines = [
        {
            "product": str(row.product_id) if row.product_id else None, "description": row.description, "quantity": wanted[row.pk],
            "unit_price": row.unit_price, "discount": row.discount, "tax_code": str(row.tax_code_id) if row.tax_code_id else None,
            "quote_line": str(row.pk),
        }
        for row in sorted(rows.values(), key=lambda r: r.position)
    ]  # fmt: skip
    made = {
        "account": str(quote.account_id), "contact": str(quote.contact_id) if quote.contact_id else None, "quote": str(quote.pk),
        "currency": quote.currency, "owner": str(quote.owner_id) if quote.owner_id else None, "lines": lines,
    } | ({"rate": quote.rate} if quote.rate_fixed else {})  # fmt: skip
    return write.create(access.on_behalf(actor), get("orders"), made)


def demand_left(left: dict[UUID, Decimal], asked: list[dict] | None, key: str) -> dict[UUID, Decimal]:
    """Line -> quantity: what is asked for, or all that is left. Errors: WrongState where nothing is; RuleError at ``lines.0...``."""
    if asked is None:
        wanted = {pk: quantity for pk, quantity in left.items() if quantity > 0}
        if not wanted:
            raise WrongState(_("Nothing is left to be done here."))
        return wanted
    if not asked:
        raise RuleError({"lines": [_("Name at least one line.")]})
    if not any(quantity > 0 for quantity in left.values()):
        raise WrongState(_("Nothing is left to be done here."))
    errors, wanted = {}, {}
    for position, row in enumerate(asked):
        line, quantity = row.get(key), row.get("quantity")
        if line not in left:
            errors[f"lines.{position}.{key}"] = [_("There is no such line here.")]
        elif quantity is None or quantity <= 0:
            errors[f"lines.{position}.quantity"] = [_("A quantity is more than zero.")]
        elif wanted.get(line, ZERO) + quantity > left[line]:
            errors[f"lines.{position}.quantity"] = [_("At most %(left)s are left.") % {"left": f"{max(left[line], ZERO).normalize():f}"}]
        else:
            wanted[line] = wanted.get(line, ZERO) + quantity
    if errors:
        raise RuleError(errors)
    return wanted


# Facts


REVISIONS = Prepared(lambda ids: OrderRevision.objects.filter(order__among=ids).order_by("order", "revision"), "ids")


def facts(orders: list[SalesOrder]) -> dict[UUID, list[Statement]]:
    """What orders state: each revision's differences at its date, and whether all was shipped in time. Cost: at most three queries."""
    revisions: dict[UUID, list[OrderRevision]] = defaultdict(list)
    if confirmed := [o.pk for o in orders if o.revision]:
        for revision in REVISIONS.records(listed(confirmed)):
            revisions[revision.order_id].append(revision)
    shipped = _shipped_on([o.pk for o in orders if o.requested_date and o.status != "draft"])
    return {order.pk: list(_statements(order, revisions[order.pk], shipped.get(order.pk))) for order in orders}


def _shipped_on(ids: list[UUID]) -> dict[UUID, date]:
    """Order -> the day the last of it was shipped, of those orders that are shipped in full."""
    if not ids:
        return {}
    waiting = OrderLine.objects.filter(Q(order__in=ids) & ~Q(shipped=F("quantity"))).values("order")
    return dict(
        Delivery.objects.filter(order__in=ids, status="shipped", kind="delivery").exclude(order__in=waiting).values("order").annotate(last=Max("date"))
        .values_list("order", "last")
    )  # fmt: skip


def _statements(order: SalesOrder, revisions: list[OrderRevision], shipped_on: date | None):
    if not revisions:
        return
    who = {"person": order.owner_id, "unit": order.unit_id, "account": order.account_id}
    before: dict[tuple, Decimal] = {}
    for revision in revisions:
        now = _amounts(revision.lines)
        for key in before.keys() | now.keys():
            difference = now.get(key, ZERO) - before.get(key, ZERO)
            if difference:
                measure, line, product = key
                yield Statement(measure, difference, revision.date, product=product, source_line=line, **who)
        before = now
    yield Statement("orders", Decimal(1), revisions[0].date, **who)
    nothing_shipped = not any(Decimal(line["quantity"]) for line in revisions[-1].lines)
    if order.status == "cancelled" and nothing_shipped:  # a closed order was one, though what was open is taken back
        yield Statement("orders", Decimal(-1), order.ended_on, **who)
    if shipped_on:
        yield Statement("orders-due", Decimal(1), shipped_on, **who)
        if shipped_on <= order.requested_date:
            yield Statement("orders-on-time", Decimal(1), shipped_on, **who)


def _amounts(held: list[dict[str, Any]]) -> dict[tuple, Decimal]:
    found: dict[tuple, Decimal] = {}
    for row in held:
        line, product = UUID(row["line"]), UUID(row["product"]) if row["product"] else None
        found["ordered", line, product] = Decimal(row["net"])
        found["discount", line, product] = Decimal(row["discount"])
    return found


# What is left


def open_quantity(line: OrderLine) -> Decimal:
    """What is still to be shipped of a line."""
    return line.quantity - line.shipped - line.cancelled if line.order.status == "confirmed" else ZERO


def to_invoice(line: OrderLine) -> Decimal:
    """What was shipped and kept, and not yet billed (N18)."""
    return line.shipped - line.returned - line.invoiced + line.credited


def remains(order: SalesOrder) -> list[tuple[str, str]]:
    """What is left to ship and to invoice, in units, and what of it waits for goods. Cost: at most three queries."""
    lines = list(OrderLine.objects.filter(order=order).select_related("order__warehouse"))
    to_ship = sum((open_quantity(row) for row in lines), ZERO)
    told = [(_("To ship"), to_ship), (_("To invoice"), sum((to_invoice(row) for row in lines), ZERO))]
    if to_ship and order.warehouse and not order.warehouse.allow_negative:
        told.insert(1, (_("Waits for stock"), stock.missing([row for row in lines if open_quantity(row)])))
    return [(label, f"{quantity.normalize():f}") for label, quantity in told if quantity]


def looked_up(actor: Actor) -> dict[str, Field]:
    """What orders can be filtered by besides their columns: whether anything is left to ship, or shipped and not yet billed."""
    return _looked_up()


@cache
def _looked_up() -> dict[str, Field]:
    lines = OrderLine.objects.filter(order=OuterRef("pk"))
    to_ship = Q(status="confirmed") & Exists(lines.filter(quantity__gt=F("shipped") + F("cancelled")))
    billable = Exists(lines.filter(shipped__gt=F("returned") + F("invoiced") - F("credited")))
    return {
        name: Field(name, "yesno", label, expression=Case(When(condition, then=True), default=False, output_field=BooleanField()), readonly=True)
        for name, label, condition in (("to_ship", gettext_lazy("To ship"), to_ship), ("to_invoice", gettext_lazy("To invoice"), Q(billable)))
    }


def conserved(order: SalesOrder) -> list[str]:
    """What does not add up about an order's lines; nothing, unless a ledger was broken. Cost: one query."""
    return [
        _("Line %(n)d: ordered is not shipped + open + cancelled.") % {"n": row.position + 1}
        for row in OrderLine.objects.filter(order=order).select_related("order")
        if order.status != "draft" and row.quantity != row.shipped + open_quantity(row) + row.cancelled
    ]
