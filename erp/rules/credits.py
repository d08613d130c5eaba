"""What may happen to credit notes: out of an invoice, posted; and the facts they state."""

from collections import defaultdict
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, Sum
from django.utils.translation import gettext as _

from core import access, clock, documents, numbering, write
from core.access import Actor
from core.cleaning import Cleaned
from core.errors import RuleError, WrongState
from core.facts import Statement
from core.models.record import permit
from core.registry import get
from core.structures import today
from erp.models import Allocation, CreditNote, CreditNoteCharge, CreditNoteLine, Invoice, InvoiceCharge, InvoiceLine, OrderLine
from erp.rules import costs, invoices, settling
from erp.rules.orders import demand_left

ZERO = Decimal(0)
TAKEN = ("product_id", "description", "unit_price", "discount", "tax_code_id", "tax_rate")  # columns of the invoice line


def locked(note: CreditNote) -> frozenset[str]:
    return invoices.everything("credit-notes") if note.status == "posted" else frozenset()


# Filling in


def prepare(actor: Actor, pairs: list) -> None:
    """Account, currency, rate, owner and prices are those of the invoice. Cost: three queries a batch."""
    found = Invoice.objects.in_bulk({note.invoice_id for note, _m in pairs if note.invoice_id})
    rows = [row for _n, made in pairs for row in made.lines.get("lines", ())]
    lines = InvoiceLine.objects.in_bulk({row.values["invoice_line"] for row in rows if row.values.get("invoice_line")})
    for row in rows:
        source = lines.get(row.values.get("invoice_line"))
        if source:
            row.values |= {name.removesuffix("_id"): getattr(source, name) for name in TAKEN}
    charges = {(c.invoice_id, c.name): c for c in InvoiceCharge.objects.filter(invoice__in=found).order_by("-position")}
    for note, made in pairs:
        documents.demand_quantities(made)
        for row in made.lines.get("charges", ()):
            charge = charges.get((note.invoice_id, row.values.get("name")))
            if charge:
                row.values |= {"tax_code": charge.tax_code_id, "tax_rate": charge.tax_rate}
        invoice = found.get(note.invoice_id)
        if invoice:
            _be_of(note, invoice, made)


def _be_of(note: CreditNote, invoice: Invoice, made: Cleaned) -> None:
    for name in ("account_id", "currency", "rate", "rate_fixed", "owner_id", "unit_id"):
        setattr(note, name, getattr(invoice, name))


def check(actor: Actor, note: CreditNote, changed: dict, rows: dict) -> None:
    """The invoice is posted; no line or charge goes beyond what is left of it. Locks the invoice. Cost: five queries."""
    settling.demand_day("date", note.date)
    invoice = Invoice.objects.select_for_update(of=("self",)).get(pk=note.invoice_id)
    if invoice.status != "posted":
        raise RuleError({"invoice": [_("This invoice is not posted yet; change it instead.")]})
    errors: dict[str, list[str]] = {}
    if "lines" in rows:
        errors |= _beyond(rows["lines"], left_of_lines(invoice, besides=note.pk))
    if "charges" in rows:
        errors |= _charges_beyond(rows["charges"], left_of_charges(invoice, besides=note.pk))
    if errors:
        raise RuleError(errors)


def _beyond(rows: list[CreditNoteLine], left: dict[UUID, Decimal]) -> dict[str, list[str]]:
    errors = {}
    for position, row in enumerate(rows):
        if row.invoice_line_id not in left:
            errors[f"lines.{position}.invoice_line"] = [_("This line is not of the credit note's invoice.")]
        elif row.quantity > left[row.invoice_line_id]:
            most = max(left[row.invoice_line_id], ZERO)
            errors[f"lines.{position}.quantity"] = [_("At most %(left)s can be credited.") % {"left": f"{most.normalize():f}"}]
        else:
            left[row.invoice_line_id] -= row.quantity
    return errors


def _charges_beyond(rows: list[CreditNoteCharge], left: dict[str, Decimal]) -> dict[str, list[str]]:
    errors = {}
    for position, row in enumerate(rows):
        if row.name not in left:
            errors[f"charges.{position}.name"] = [_("The invoice has no such charge.")]
        elif row.amount > left[row.name]:
            errors[f"charges.{position}.amount"] = [_("At most %(left)s can be credited.") % {"left": f"{max(left[row.name], ZERO).normalize():f}"}]
        else:
            left[row.name] -= row.amount
    return errors


def left_of_lines(invoice: Invoice, besides: UUID | None = None, drafts: bool = True) -> dict[UUID, Decimal]:
    """Invoice line -> what no credit note took, in its order; drafts count as taken. Cost: two queries."""
    taken = {}
    if drafts:
        held = CreditNoteLine.objects.filter(credit_note__invoice=invoice, credit_note__status="draft", credit_note__archived_at=None)
        taken = dict(held.exclude(credit_note=besides).values_list("invoice_line").annotate(q=Sum("quantity")))
    return {r.pk: r.quantity - r.credited - taken.get(r.pk, ZERO) for r in InvoiceLine.objects.filter(invoice=invoice).order_by("position", "pk")}


def left_of_charges(invoice: Invoice, besides: UUID | None = None, drafts: bool = True) -> dict[str, Decimal]:
    """Name of a charge -> what of it no credit note took. Cost: two queries."""
    left: dict[str, Decimal] = defaultdict(Decimal)
    for name, amount in InvoiceCharge.objects.filter(invoice=invoice).order_by("position").values_list("name", "amount"):
        left[name] += amount
    held = CreditNoteCharge.objects.filter(credit_note__invoice=invoice).exclude(credit_note=besides)
    held = held.exclude(credit_note__status="draft", credit_note__archived_at__isnull=False) if drafts else held.filter(credit_note__status="posted")
    for name, amount in held.values_list("name", "amount"):
        left[name] -= amount
    return dict(left)


def offer_lines(actor: Actor, invoice: Invoice) -> dict[str, list]:
    """What the form of the act starts with."""
    return {"lines": [{"invoice_line": pk, "quantity": left} for pk, left in left_of_lines(invoice).items() if left > 0]}


def draft_of_invoice(actor: Actor, invoice: Invoice, data: dict) -> CreditNote:
    """A draft credit note of all that is left, charges included, or of the lines named. Errors: WrongState, RuleError at ``lines.0...``."""
    asked, left = data.get("lines"), left_of_lines(invoice)
    charges = {name: amount for name, amount in left_of_charges(invoice).items() if amount > 0} if asked is None else {}
    only_charges = charges and not any(q > 0 for q in left.values())
    wanted = {} if only_charges else demand_left(left, asked, "invoice_line")
    made: dict[str, Any] = {
        "invoice": str(invoice.pk), "lines": [{"invoice_line": str(pk), "quantity": q} for pk, q in wanted.items()],
        "charges": [{"name": name, "amount": amount} for name, amount in charges.items()],
    }  # fmt: skip
    return write.create(access.on_behalf(actor), get("credit-notes"), made)


def add_up(note: CreditNote, rows: dict[str, list]) -> None:
    """The ``totals`` hook: at the prices and tax rates the invoice was posted with."""
    if note.status == "draft" and "lines" in rows:
        _count(note, rows["lines"], rows["charges"])


def _count(note: CreditNote, lines: list[CreditNoteLine], charges: list[CreditNoteCharge]) -> None:
    documents.count(note, lines, charges, {r.tax_code_id: r.tax_rate for r in (*charges, *lines) if r.tax_code_id})


# Acts


def post(actor: Actor, note: CreditNote, data: dict) -> None:
    """It lowers what is open of its invoice; what the invoice has not open stays the account's credit. Cost: about a dozen statements."""
    lines, charges = data["rows"]["lines"].now, data["rows"]["charges"].now
    if not lines and not charges:
        raise RuleError({"lines": [_("A credit note needs at least one line to be posted.")]})
    invoices.lock_order(Invoice.objects.get(pk=note.invoice_id))
    invoice = Invoice.objects.select_for_update(of=("self",)).get(pk=note.invoice_id)
    errors = _beyond(lines, left_of_lines(invoice, drafts=False)) | _charges_beyond(charges, left_of_charges(invoice, besides=note.pk, drafts=False))
    if errors:
        raise RuleError(errors)
    note.date = data.get("date") or note.date or today()
    settling.demand_day("date", note.date)
    _count(note, lines, charges)
    _take_back(lines)
    note.posted_at = clock.now()
    note.unallocated, note.base_unallocated = note.total, note.base_total
    amount = min(note.total, invoice.open)
    if amount > 0:
        settling.settle(actor, note, invoice, amount, note.date)
    note.number = numbering.next_number("CN", note.date)  # last: the series is held until commit


def demand_left_over(actor: Actor, note: CreditNote) -> None:
    """What its own invoice did not take of it may settle others of the account: ``payments.allocate`` does that."""
    if not note.unallocated:
        raise WrongState(_("Nothing of this credit note is left over."))


def _take_back(lines: list[CreditNoteLine]) -> None:
    """Count the quantities at the invoice's lines and at the order's. Cost: two statements a line."""
    order_lines = dict(InvoiceLine.objects.filter(pk__in=[r.invoice_line_id for r in lines]).values_list("pk", "order_line"))
    with permit():
        for row in lines:
            InvoiceLine.objects.filter(pk=row.invoice_line_id).update(credited=F("credited") + row.quantity)
            OrderLine.objects.filter(pk=order_lines[row.invoice_line_id]).update(credited=F("credited") + row.quantity)


# Facts


def facts(notes: list[CreditNote]) -> dict[UUID, list[Statement]]:
    """What posted credit notes state: the negative of an invoice, as far as it goes. Cost: six queries for any number."""
    posted = {n.pk: n for n in notes if n.status == "posted"}
    lines = list(CreditNoteLine.objects.filter(credit_note__in=posted).select_related("invoice_line__invoice").order_by("position", "pk")) if posted else []
    for row in lines:
        row.credit_note = posted[row.credit_note_id]
    found = costs.of_lines([], lines) if lines else {}
    settled = defaultdict(list)
    for made in Allocation.objects.filter(credit_note__in=posted).select_related("invoice") if posted else ():
        settled[made.credit_note_id].append(made)
    said: dict[UUID, list[Statement]] = {pk: list(_statements(n, settled[pk])) for pk, n in posted.items()}
    for row in lines:
        mine = invoices.who(row.credit_note)
        said[row.credit_note_id].append(
            Statement("invoiced", -row.base_net, row.credit_note.date, product=row.product_id, source_line=row.pk, **mine)
        )
        said[row.credit_note_id] += costs.statements(found[row.pk], -1, mine, row)
    return said


def _statements(note: CreditNote, settled: list[Allocation]):
    mine = invoices.who(note)
    yield Statement("invoiced-gross", -note.base_total, note.date, **mine)
    yield Statement("receivable", -note.base_unallocated, note.date, **mine)
    yield from settlements(settled)


def settlements(made: list[Allocation]):
    """What allocations state, of invoices that come along: for whom the invoice was, on the day they count for."""
    for row in made:
        mine = invoices.who(row.invoice)
        yield Statement("receivable", -row.base_settled, row.date, **mine)
        yield Statement("overdue", -row.base_settled, max(row.date, settling.overdue_from(row.invoice)), **mine)
        yield Statement("exchange-gain", row.base_used - row.base_settled, row.date, **mine)


# Reading


def remains(note: CreditNote) -> list[tuple[Any, str]]:
    """What is left of it for the account's other invoices."""
    f = get("credit-notes").fields["unallocated"]
    return [(_("Unallocated"), f.rules.text(f, note.unallocated, note.currency))] if note.unallocated else []


def conserved(note: CreditNote) -> list[str]:
    """What of a posted credit note does not add up, in both currencies. Cost: one query."""
    if note.status != "posted":
        return []
    made = Allocation.objects.filter(credit_note=note).aggregate(amount=Sum("amount"), base=Sum("base_used"))
    if (note.total, note.base_total) != (note.unallocated + (made["amount"] or ZERO), note.base_unallocated + (made["base"] or ZERO)):
        return [_("Its total is not what was allocated + unallocated.")]
    return []
