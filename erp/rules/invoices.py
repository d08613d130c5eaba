"""What may happen to invoices: out of an order or by hand, posted, settled; and the facts they state."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, Q, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from core import access, clock, context, documents, numbering, schema
from core.access import Actor
from core.cleaning import Cleaned
from core.errors import RuleError, WrongState
from core.facts import Statement
from core.models import User
from core.models.record import permit
from core.registry import get
from core.structures import today
from crm.models import Account
from crm.rules.lines import demand_active, fill_lines
from erp.models import Allocation, DueItem, Invoice, InvoiceLine, OrderCharge, OrderLine, SalesOrder
from erp.rules import costs, settling

ZERO, ONE = Decimal(0), Decimal(1)
BASES = (("delivered", gettext_lazy("What was delivered")), ("ordered", gettext_lazy("What was ordered")))
COPIED = ("product", "description", "unit_price", "discount", "tax_code")


def locked(invoice: Invoice) -> frozenset[str]:
    """Nothing of a posted invoice changes: it is credited."""
    return everything("invoices") if invoice.status == "posted" else frozenset()


def everything(slug: str) -> frozenset[str]:
    """All that people write of a type, its own fields and its lines, and that it can be deleted."""
    object_type = get(slug)
    return frozenset({*schema.fields(object_type), *(entry.name for entry in object_type.lines), "delete"})


# Filling in


def prepare(actor: Actor, pairs: list) -> None:
    """What is left out comes from the order or the account: currency, owner; of a line from its order line or product.

    Cost: five queries a batch.
    """
    orders = SalesOrder.objects.in_bulk({i.order_id for i, _m in pairs if i.order_id})
    accounts = Account.objects.in_bulk({i.account_id for i, _m in pairs if i.account_id})
    for invoice, made in pairs:
        documents.demand_quantities(made)
        documents.note_rate(invoice, made)
        order, account = orders.get(invoice.order_id), accounts.get(invoice.account_id)
        if not invoice.currency:
            invoice.currency = order.currency if order else (account.currency if account else "") or context.company().currency
    own([(invoice, made, orders.get(invoice.order_id) or accounts.get(invoice.account_id)) for invoice, made in pairs])
    fresh = [(i, [row for row in made.lines.get("lines", ()) if row.id is None or i._state.adding]) for i, made in pairs]
    _fill_from_order([row for _i, rows in fresh for row in rows])
    _read_ahead([invoice for invoice, _made in pairs if invoice._state.adding and invoice.order_id])
    fill_lines((i, i.invoice_date or today(), rows) for i, rows in fresh)


def own(wanted: list[tuple[Any, Cleaned, Any]]) -> None:
    """A new document whose owner nobody says belongs to the owner of what it comes from. Cost: at most one query."""
    left = [(d, source.owner_id) for d, made, source in wanted if d._state.adding and not made.values.get("owner") and source and source.owner_id]
    units = dict(User.objects.filter(pk__in={owner for _d, owner in left}).values_list("pk", "unit_id")) if left else {}
    for document, owner in left:
        document.owner_id, document.unit_id = owner, units.get(owner)


def _read_ahead(invoices: list[Invoice]) -> None:
    """The orders new invoices bill, locked, and what is left of them: those of one batch take from the same. Cost: three queries."""
    if not invoices:
        return
    orders = lock_orders(invoices)
    lines: dict[UUID, dict[UUID, OrderLine]] = defaultdict(dict)
    for row in OrderLine.objects.filter(order__in=orders):
        lines[row.order_id][row.pk] = row
    every = [row for held in lines.values() for row in held.values()]
    left = billable(every, "ordered", _on_drafts(every))
    for invoice in invoices:
        invoice.__dict__["_order"], invoice.__dict__["_left"] = orders.get(invoice.order_id), (lines[invoice.order_id], left)


def _fill_from_order(rows: list[Cleaned]) -> None:
    """A line that bills an order line takes from it what it leaves out. Cost: one query."""
    lines = OrderLine.objects.in_bulk({row.values["order_line"] for row in rows if row.values.get("order_line")})
    for row in rows:
        source = lines.get(row.values.get("order_line"))
        for name in COPIED if source else ():
            if name not in row.values and name not in row.errors:
                row.values[name] = getattr(source, f"{name}_id" if name in ("product", "tax_code") else name)


# What of an order can be billed


def _on_drafts(lines: Iterable[OrderLine], besides: UUID | None = None) -> dict[UUID, Decimal]:
    """Order line -> what draft invoices bill of it. Cost: one query."""
    held = InvoiceLine.objects.filter(order_line__in=[r.pk for r in lines], invoice__status="draft", invoice__archived_at=None)
    return dict(held.exclude(invoice=besides).values_list("order_line").annotate(q=Sum("quantity")))


def billable(lines: Iterable[OrderLine], basis: str, taken: dict[UUID, Decimal]) -> dict[UUID, Decimal]:
    """Order line -> what may still be billed of it by what was ordered or delivered; ``taken`` counts as billed."""
    found = {}
    for row in lines:
        due = row.shipped if basis == "delivered" else row.quantity - row.cancelled
        found[row.pk] = due - row.returned - row.invoiced + row.credited - taken.get(row.pk, ZERO)
    return found


def demand_billable(actor: Actor, order: SalesOrder) -> None:
    """Something of it was not billed yet. Cost: one query."""
    kept = F("quantity") - F("cancelled") - F("returned")
    if not OrderLine.objects.filter(order=order, invoiced__lt=kept + F("credited")).exists():
        raise WrongState(_("Nothing is left to be invoiced."))


def of_orders(actor: Actor, asked: list[tuple[SalesOrder, dict]]) -> list[dict[str, Any] | RuleError]:
    """What drafts bill of each order: all that may be billed; an order's charges go onto its first invoice. Cost: four queries.

    Errors: WrongState where nothing is left.
    """
    ids = [order.pk for order, _data in asked]
    rows: dict[UUID, list[OrderLine]] = defaultdict(list)
    for row in OrderLine.objects.filter(order__in=ids).order_by("position", "pk"):
        rows[row.order_id].append(row)
    taken = _on_drafts(row for held in rows.values() for row in held)
    billed = set(Invoice.objects.filter(order__in=ids, archived_at=None).values_list("order", flat=True))
    charges: dict[UUID, list] = defaultdict(list)
    for charge in OrderCharge.objects.filter(order__in=ids).exclude(order__in=billed).order_by("position"):
        charges[charge.order_id].append(charge)
    found = []
    for order, data in asked:
        try:
            settling.demand_day("date", data.get("date"))
            found.append(_draft_of(order, rows[order.pk], billable(rows[order.pk], data["basis"], taken), charges[order.pk], data))
        except RuleError as error:
            found.append(error)
    return found


def _draft_of(order: SalesOrder, rows: list[OrderLine], left: dict[UUID, Decimal], charges: list, data: dict) -> dict[str, Any]:
    lines = [_line_of(row, left[row.pk]) for row in rows if left[row.pk] > 0]
    if not lines:
        raise WrongState(_("Nothing is left to be invoiced."))
    made: dict[str, Any] = {"account": str(order.account_id), "order": str(order.pk), "currency": order.currency, "lines": lines}
    if charges:
        made["charges"] = [{"name": c.name, "amount": c.amount, "tax_code": c.tax_code_id and str(c.tax_code_id)} for c in charges]
    if order.rate_fixed:
        made["rate"] = order.rate
    if data.get("date"):
        made["invoice_date"] = data["date"]
    return made


def _line_of(row: OrderLine, quantity: Decimal) -> dict[str, Any]:
    return {
        "order_line": str(row.pk), "product": row.product_id and str(row.product_id), "description": row.description, "quantity": quantity,
        "unit_price": row.unit_price, "discount": row.discount, "tax_code": row.tax_code_id and str(row.tax_code_id),
    }  # fmt: skip


def check(actor: Actor, invoice: Invoice, changed: dict, rows: dict) -> None:
    """It is of the order's account and currency, and bills no more of it than was ordered. Locks the order. Cost: four queries."""
    for name in ("invoice_date", "due_date"):
        settling.demand_day(name, getattr(invoice, name))
    order = invoice.__dict__.get("_order") or lock_order(invoice)
    errors: dict[str, list[str]] = {}
    if order and order.account_id != invoice.account_id:
        errors["account"] = [_("The order is of another account.")]
    if order and order.currency != invoice.currency:
        errors["currency"] = [_("The order is in %(currency)s.") % {"currency": order.currency}]
    if order and order.status == "draft":
        errors["order"] = [_("This order is not confirmed yet.")]
    if errors:
        raise RuleError(errors)
    if "lines" in rows:
        lines = rows["lines"]
        present = set() if invoice._state.adding else set(InvoiceLine.objects.filter(invoice=invoice).values_list("product", flat=True))
        demand_active(lines, present | {r.product_id for r in lines if r.order_line_id})  # what was ordered is billed, sold any more or not
        _demand_billable(lines, *(invoice.__dict__.get("_left") or _left_of(invoice, lines)))
    documents.take_rate(invoice, invoice.invoice_date or today())


def lock_orders(invoices: Iterable[Invoice]) -> dict[UUID, SalesOrder]:
    """Whoever bills orders decides under the locks of their rows. Cost: one query, if any has an order."""
    ids = {invoice.order_id for invoice in invoices if invoice.order_id}
    found = SalesOrder.objects.filter(pk__in=ids).order_by("pk").select_for_update(of=("self",)) if ids else ()
    return {order.pk: order for order in found}


def lock_order(invoice: Invoice) -> SalesOrder | None:
    return lock_orders([invoice]).get(invoice.order_id)


def _left_of(invoice: Invoice, lines: list[InvoiceLine]) -> tuple[dict[UUID, OrderLine], dict[UUID, Decimal]]:
    """The order lines these bill, and what may be billed of each besides this invoice. Cost: two queries."""
    named = {r.order_line_id for r in lines if r.order_line_id}
    found = {r.pk: r for r in OrderLine.objects.filter(pk__in=named, order=invoice.order_id)} if named and invoice.order_id else {}
    return found, billable(found.values(), "ordered", _on_drafts(found.values(), besides=invoice.pk) if found else {})


def _demand_billable(lines: list[InvoiceLine], found: dict[UUID, OrderLine], left: dict[UUID, Decimal]) -> None:
    """None of these bills more of an order line than is left; it is left no more then. Errors: RuleError at ``lines.0...``."""
    errors: dict[str, list[str]] = {}
    for position, row in enumerate(lines):
        if row.order_line_id is None:
            continue
        if row.order_line_id not in found:
            errors[f"lines.{position}.order_line"] = [_("This line is not of the invoice's order.")]
        elif row.product_id != found[row.order_line_id].product_id:
            errors[f"lines.{position}.product"] = [_("The order line is of another product.")]
        elif row.quantity > left[row.order_line_id]:
            most = max(left[row.order_line_id], ZERO)
            errors[f"lines.{position}.quantity"] = [_("At most %(left)s can be invoiced.") % {"left": f"{most.normalize():f}"}]
        else:
            left[row.order_line_id] -= row.quantity
    if errors:
        raise RuleError(errors)


def add_up(invoice: Invoice, rows: dict[str, list]) -> None:
    """The ``totals`` hook: a posted invoice keeps its sums, whatever became of its tax codes since."""
    if invoice.status == "draft" and "lines" in rows:
        documents.count(invoice, rows["lines"], rows["charges"])


# Acts


def post(actor: Actor, asked: list[tuple[Invoice, dict]]) -> list[RuleError | None]:
    """They get numbers, dates, rates and sums for good, and the orders' lines are billed. Cost: seven statements, and one or two for each invoice."""
    invoices = [invoice for invoice, _data in asked]
    every = [(data["rows"]["lines"].now, data["rows"]["charges"].now) for _invoice, data in asked]
    orders = lock_orders(invoices)
    accounts = Account.objects.in_bulk({invoice.account_id for invoice in invoices})
    billed = OrderLine.objects.in_bulk({row.order_line_id for lines, _charges in every for row in lines if row.order_line_id})
    left = billable(billed.values(), "ordered", {})
    rates = documents.tax_rates(row for lines, charges in every for row in (*lines, *charges))
    known = costs.unit_costs((row, orders.get(invoice.order_id)) for invoice, (lines, _charges) in zip(invoices, every, strict=True) for row in lines)
    errors = []
    for (invoice, data), (lines, charges) in zip(asked, every, strict=True):
        mine = {pk: row for pk, row in billed.items() if row.order_id == invoice.order_id}
        invoice.account = accounts[invoice.account_id]
        try:
            _demand_billable(lines, mine, left)
            _post_one(invoice, data, lines, charges, rates)
            errors.append(None)
        except RuleError as error:
            errors.append(error)
            continue
        for row in lines:
            row.unit_cost = known.get(row.pk)
            if row.order_line_id:
                billed[row.order_line_id].invoiced += row.quantity
    if not any(errors):
        with permit():
            OrderLine.objects.store(billed.values(), ["invoiced"])
        for invoice in invoices:
            invoice.number = numbering.next_number("INV", invoice.invoice_date)
    return errors


def _post_one(invoice: Invoice, data: dict, lines: list[InvoiceLine], charges: list, rates: dict) -> None:
    if not lines and not charges:
        raise RuleError({"lines": [_("An invoice needs at least one line to be posted.")]})
    invoice.invoice_date = data.get("date") or invoice.invoice_date or today()
    if invoice.due_date is None:
        invoice.due_date = invoice.invoice_date + timedelta(days=invoice.account.payment_days or 0)
    settling.demand_day("date", invoice.invoice_date)
    settling.demand_day("due_date", invoice.due_date)
    documents.take_rate(invoice, invoice.invoice_date)
    documents.count(invoice, lines, charges, rates)
    for row in (*lines, *charges):
        row.tax_rate = rates.get(row.tax_code_id, ZERO)
    invoice.open, invoice.base_open = invoice.total, invoice.base_total
    invoice.posted_at = clock.now()


# Facts


def who(document: Any) -> dict[str, Any]:
    """Whose facts a document states."""
    return {"person": document.owner_id, "unit": document.unit_id, "account": document.account_id}


def facts(invoices: list[Invoice]) -> dict[UUID, list[Statement]]:
    """What posted invoices state. Cost: five queries for any number."""
    posted = {i.pk: i for i in invoices if i.status == "posted"}
    lines = list(InvoiceLine.objects.filter(invoice__in=posted).order_by("position", "pk")) if posted else []
    for row in lines:
        row.invoice = posted[row.invoice_id]
    found = costs.of_lines(lines, []) if lines else {}
    said: dict[UUID, list[Statement]] = {pk: list(_statements(i)) for pk, i in posted.items()}
    for row in lines:
        said[row.invoice_id] += _line_statements(row, found[row.pk])
    return said


def _statements(invoice: Invoice):
    mine = who(invoice)
    for measure, on in (("invoiced-gross", invoice.invoice_date), ("receivable", invoice.invoice_date), ("overdue", settling.overdue_from(invoice))):
        yield Statement(measure, invoice.base_total, on, **mine)


def _line_statements(row: InvoiceLine, cost: costs.Cost):
    mine = who(row.invoice)
    on = row.invoice.invoice_date
    yield Statement("invoiced", row.base_net, on, product=row.product_id, source_line=row.pk, **mine)
    yield Statement("costed-lines" if cost.known else "uncosted-lines", ONE, on, product=row.product_id, source_line=row.pk, **mine)
    yield from costs.statements(cost, 1, mine, row)


# Reading


def due_items(actor: Actor):
    """Posted invoices the actor sees; none where something a due item tells is hidden from him."""
    return _as_invoices(actor, DueItem, "pk", {"account", "due_date", "total", "open", "base_open", "currency", "rate", "status"})


def allocations(actor: Actor):
    """What settled the invoices the actor sees."""
    return _as_invoices(actor, Allocation, "invoice", {"paid", "credited", "open", "base_total"})


def _as_invoices(actor: Actor, model: Any, field: str, told: set[str]):
    invoices = get("invoices")
    if not access.allows(actor, invoices, "view") or access.hidden_names(actor, invoices) & told:
        return model.objects.none()
    return model.objects.filter(**{f"{field}__in": access.rows(actor, invoices).values("pk")})


def days_overdue(item: Invoice) -> int:
    return max((today() - item.due_date).days, 0) if item.open > 0 and item.due_date else 0


def _money(invoice: Invoice, name: str) -> str:
    f = get("invoices").fields[name]
    return f.rules.text(f, getattr(invoice, name), invoice.currency)


def remains(invoice: Invoice) -> list[tuple[Any, str]]:
    """What is still to be paid."""
    return [(pgettext("amount", "Open"), _money(invoice, "open"))] if invoice.status == "posted" and invoice.open else []


def chained(invoices: list[Invoice]) -> list[tuple]:
    """Payments that settled something of these invoices. Cost: one query."""
    made = Allocation.objects.filter(invoice__in=[i.pk for i in invoices], payment__isnull=False).select_related("invoice").order_by("pk")
    return [link(row) for row in made]


def link(row: Allocation) -> tuple:
    """An allocation as a link of the chain."""
    f = get("invoices").fields["open"]
    return ("invoices", row.invoice_id), ("payments", row.payment_id), f.rules.text(f, row.amount, row.invoice.currency)


def conserved(invoice: Invoice) -> list[str]:
    """What of a posted invoice does not add up: total = paid + credited + open, in both currencies; its lines. Cost: four queries."""
    if invoice.status != "posted":
        return []
    made = Allocation.objects.filter(invoice=invoice)
    paid = made.filter(payment__isnull=False).aggregate(s=Sum("amount"))["s"] or ZERO
    credited = made.filter(payment=None).aggregate(s=Sum("amount"))["s"] or ZERO
    settled = made.aggregate(s=Sum("base_settled"))["s"] or ZERO
    wrong = []
    if (paid, credited) != (invoice.paid, invoice.credited):
        wrong.append(_("What was paid and credited differs from what was allocated to it."))
    if invoice.total != invoice.paid + invoice.credited + invoice.open:
        wrong.append(_("Its total is not paid + credited + open."))
    if invoice.base_open != invoice.base_total - settled or (not invoice.open and invoice.base_open):
        wrong.append(_("What is open in base currency is not its total less what was settled."))
    back = Q(credit_lines__credit_note__status="posted")
    for row in InvoiceLine.objects.filter(invoice=invoice).annotate(back=Sum("credit_lines__quantity", filter=back)).order_by("position"):
        if row.credited != (row.back or ZERO):
            wrong.append(_("Line %(n)d was credited otherwise than its credit notes say.") % {"n": row.position + 1})
    return wrong


__all__ = [
    "BASES", "add_up", "allocations", "billable", "chained", "check", "conserved", "days_overdue", "demand_billable",
    "due_items", "everything", "facts", "link", "lock_order", "locked", "of_orders", "own", "post", "prepare", "remains", "who",
]  # fmt: skip
