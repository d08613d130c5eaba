"""Money documents: invoices, credit notes, payments, and what they leave due."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core import access
from core.registry import Act, Field, Lines, ObjectType, Paper, extend, named, register
from crm.rules import prices
from erp.models import (
    POSTED_STATES,
    Allocation,
    CreditNote,
    CreditNoteCharge,
    CreditNoteLine,
    DueItem,
    Invoice,
    InvoiceCharge,
    InvoiceLine,
    Payment,
)  # fmt: skip
from erp.rules import credits, invoices, papers, payments
from erp.types.orders import DATE

MONEY = pgettext_lazy("group", "Money")
SUMS = ("net", "tax", "charges_total", "total", "base_net", "base_total")
TAX_RATE = named("tax_rate", kind="percent")
CREDITED_LINE = ("product", "description", "unit_price", "discount", "tax_code", TAX_RATE, "net", "base_net")
ITEMS = Lines("items", Allocation, "payment", (named("invoice", label=_("Invoice")), named("amount", label=_("Amount"))), label=_("Invoices"))

register(
    ObjectType(
        "invoices", Invoice, _("Invoice"), _("Invoices"),
        (
            "account", named("order", once=True), "invoice_date", "due_date", named("currency", required=False), named("rate", required=False, default=None),
            "owner", "external_number",
        ),
        shown=("number", "status", *SUMS, "paid", "credited", "open", "base_open", "posted_at"),
        columns=("number", "account", "status", "invoice_date", "due_date", "total", "open"), title="number", title_else="external_number",
        search=("number", "external_number"), icon="file-invoice", group=MONEY, statuses=POSTED_STATES,
        lines=(
            Lines(
                "lines", InvoiceLine, "invoice",
                (
                    "product", "description", named("quantity", minimum=0, required=False), named("unit_price", minimum=0, required=False),
                    named("discount", minimum=0, maximum=1, required=False), "tax_code", named("order_line", unasked=True),
                ),
                shown=("net", "base_net", TAX_RATE, named("unit_cost", kind="money", in_base=True), "credited", "price_trace"), reasons=prices.WHY,
                label=_("Lines"),
            ),
            Lines(
                "charges", InvoiceCharge, "invoice", ("name", named("amount", minimum=0, required=True), "tax_code"), shown=(TAX_RATE,), label=_("Charges"),
            ),
        ),
        acts=(
            Act("post", _("Post"), ("draft",), "posted", fields=(DATE,), together=invoices.post, icon="check", primary=True),
            Act(
                "credit", _("Credit"), ("posted",), takes=(Lines("lines", CreditNoteLine, "credit_note", ("invoice_line", "quantity"), label=_("Lines")),),
                offers=credits.offer_lines, run=credits.draft_of_invoice, makes="credit-notes", icon="receipt-refund",
            ),
        ),
        prepare=invoices.prepare, check=invoices.check, totals=invoices.add_up, facts=invoices.facts, locked=invoices.locked, follows=("order",),
        remains=invoices.remains, chained=invoices.chained, conserved=invoices.conserved, redact=prices.redact,
        paper=Paper(papers.invoice, papers.language, papers.OF_INVOICE, papers.mark_draft),
        aside=("currency", "rate", "external_number", "owner"),
        keys=("external_number",), filters=("status", "account", "owner", "invoice_date", "due_date"),
        related=(("credit-notes", "invoice"), ("allocations", "invoice")),
    ),
    ObjectType(
        "invoice-lines", InvoiceLine, _("Invoice line"), _("Invoice lines"), (),
        shown=(
            named("invoice", label=_("Invoice")), "order_line", "product", "description", "quantity", "unit_price", "discount", "tax_code", TAX_RATE, "net",
            "base_net", "credited",
        ),
        columns=("invoice", "product", "quantity", "net", "credited"), title="description", writable=False, deletable=False, archivable=False,
        rows=access.lines_of("invoices", "lines", "invoice"), referable=True, icon="list-details", filters=("product",),
    ),
    ObjectType(
        "credit-notes", CreditNote, _("Credit note"), _("Credit notes"), (named("invoice", once=True), "date", "external_number"),
        shown=("number", "status", "account", "currency", "rate", *SUMS, "unallocated", "base_unallocated", "owner", "posted_at"),
        columns=("number", "account", "invoice", "status", "date", "total"), title="number", title_else="external_number",
        search=("number", "external_number"), icon="receipt-refund", group=MONEY, statuses=POSTED_STATES,
        lines=(
            Lines(
                "lines", CreditNoteLine, "credit_note", ("invoice_line", named("quantity", minimum=0, required=True)), shown=CREDITED_LINE, label=_("Lines"),
            ),
            Lines(
                "charges", CreditNoteCharge, "credit_note", ("name", named("amount", minimum=0, required=True)), shown=("tax_code", TAX_RATE),
                label=_("Charges"),
            ),
        ),
        acts=(
            Act("post", _("Post"), ("draft",), "posted", fields=(DATE,), run=credits.post, icon="check", primary=True),
            Act(
                "allocate", _("Allocate"), ("posted",), takes=(ITEMS,), offers=payments.offer_items, guard=credits.demand_left_over,
                run=payments.allocate, icon="arrows-split",
            ),
        ),
        prepare=credits.prepare, check=credits.check, totals=credits.add_up, facts=credits.facts, locked=credits.locked, follows=("invoice",),
        remains=credits.remains, conserved=credits.conserved,
        paper=Paper(papers.credit_note, papers.language, papers.OF_NOTE, papers.mark_draft), aside=("external_number",), keys=("external_number",),
        filters=("status", "account", "invoice", "date"), related=(("allocations", "credit_note"),),
    ),
    ObjectType(
        "payments", Payment, _("Payment"), _("Payments"),
        (
            "account", "date", "amount", named("currency", required=False), "direction", "method", "reference", named("rate", required=False, default=None),
            "owner", "external_number",
        ),
        shown=("number", "status", "base_amount", "unallocated", "base_unallocated"),
        columns=("number", "account", "direction", "status", "date", "amount", "unallocated"), title="number", title_else="reference",
        search=("number", "external_number", "reference"), icon="cash", group=MONEY, statuses=POSTED_STATES,
        acts=(
            Act("post", _("Post"), ("draft",), "posted", fields=(DATE,), run=payments.post, icon="check", primary=True),
            Act(
                "allocate", _("Allocate"), ("posted",), takes=(ITEMS,), offers=payments.offer_items, guard=payments.demand_received,
                run=payments.allocate, icon="arrows-split", primary=True,
            ),
        ),
        prepare=payments.prepare, check=payments.check, totals=payments.add_up, facts=payments.facts, locked=payments.locked, remains=payments.remains,
        chained=payments.chained, conserved=payments.conserved, aside=("rate", "external_number", "owner"), keys=("external_number",),
        filters=("status", "direction", "account", "date"), related=(("allocations", "payment"),),
    ),
    ObjectType(
        "due-items", DueItem, _("Due item"), _("Due items"), (),
        shown=(
            Field("invoice", "ref", _("Invoice"), target="invoices", path="id"), "account", "due_date",
            Field("amount", "money", _("Amount"), path="total"), "open", Field("days_overdue", "integer", _("Days overdue"), compute=invoices.days_overdue),
            "currency", "rate", "base_open", "owner",
        ),
        columns=("invoice", "account", "due_date", "days_overdue", "amount", "open"), title="due_date", writable=False, deletable=False, archivable=False,
        rows=invoices.due_items, sort=("due_date",), icon="calendar-due", group=MONEY, filters=("account", "due_date", "currency", "owner"),
    ),
    ObjectType(
        "allocations", Allocation, pgettext_lazy("thing", "Allocation"), _("Allocations"), (),
        shown=(
            named("invoice", label=_("Invoice")), named("payment", label=_("Payment")), named("credit_note", label=_("Credit note")),
            named("date", label=_("Date")), named("amount", label=_("Amount")),
            named("base_settled", label=_("Taken off the invoice, in base currency")), named("base_used", label=_("Taken off its source, in base currency")),
        ),
        columns=("date", "invoice", "payment", "credit_note", "amount"), title="date", writable=False, deletable=False, archivable=False,
        rows=invoices.allocations, sort=("-date",), icon="arrows-split", filters=("invoice", "payment", "date"),
    ),
)  # fmt: skip

extend(
    "orders", related=(("invoices", "order"),),
    acts=(
        Act(
            "invoice", _("Make invoice"), ("confirmed", "closed", "cancelled"),
            fields=(Field("basis", "choice", _("By"), required=True, options=invoices.BASES, default="delivered"), DATE), together=invoices.of_orders,
            guard=invoices.demand_billable, makes="invoices", icon="file-invoice",
        ),
    ),
)  # fmt: skip
