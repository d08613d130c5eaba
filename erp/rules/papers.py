"""What stands on the papers of erp: order confirmations, delivery notes, invoices and credit notes."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from core import paper
from core.showing import Column, Printed
from crm.models import Product
from crm.rules import addresses
from erp.models import CreditNote, Delivery, Invoice, SalesOrder

SUMS = ("lines", "charges", "number", "net", "tax", "charges_total", "total", "currency")
OF_ORDER = (*addresses.REVEALS, *SUMS, "order_date", "requested_date", "contact", "contact.name", "ship_name", "ship_street", "ship_city", "ship_country")
OF_DELIVERY = (*addresses.REVEALS, "lines", "number", "date", "order", "order.number")
OF_INVOICE = (*addresses.REVEALS, *SUMS, "invoice_date", "due_date", "order", "order.number", "account.tax_id")
OF_NOTE = (*addresses.REVEALS, *SUMS, "date", "invoice", "invoice.number", "account.tax_id")


def _rows(document: Any) -> list:
    """The lines with their products. Cost: two queries."""
    rows = list(document.lines.order_by("position", "pk"))
    products = Product.objects.in_bulk({row.product_id for row in rows if row.product_id})
    for row in rows:
        row.product = products.get(row.product_id)
    return rows


def _facts(*told: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((label, text) for label, text in told if text)


def _from(document: Any) -> tuple[tuple[str, str], ...]:
    """Who answers for it, and how they are reached."""
    owner = document.owner
    return ((_("Your contact"), owner.name), (_("E-mail"), owner.email)) if owner else ()


def _name(document: Any) -> str:
    return document.number or _("Draft")


def _day(day: Any) -> str:
    return paper.day(day) if day else ""


def order(document: SalesOrder) -> Printed:
    """An order confirmation. Cost: five queries."""
    place = (document.ship_name, document.ship_street, " ".join(p for p in (document.ship_postal_code, document.ship_city) if p), document.ship_region)
    goes_to = "\n".join(part for part in place if part)
    return paper.commercial(
        document, _rows(document), document.charges.order_by("position"), title=_("Order confirmation"), number=_name(document),
        party=addresses.block(document.account, document.contact), party_label=_("For"),
        facts=_facts(
            (_("Number"), _name(document)), (_("Date"), _day(document.order_date)), (_("Wanted by"), _day(document.requested_date)),
            (_("Your reference"), document.external_number), *_from(document),
        ),
        notes=_facts((_("Ship to"), goes_to)),
    )  # fmt: skip


def delivery(document: Delivery) -> Printed:
    """A delivery note: what is in the parcel, without prices. Cost: four queries."""
    returned = document.kind == "return"
    rows = [
        (str(position), (row.description or (row.product.name if row.product else ""), row.product.sku if row.product else ""),
         " ".join(part for part in (paper.figure(row.quantity), row.product.uom if row.product else "") if part))
        for position, row in enumerate(_rows(document), 1)
    ]  # fmt: skip
    source = document.order
    place = (source.ship_name, source.ship_street, " ".join(p for p in (source.ship_postal_code, source.ship_city) if p), source.ship_region)
    return Printed(
        title=_("Return note") if returned else _("Delivery note"), number=_name(document),
        party=tuple(part for part in place if part) or addresses.block(document.account), party_label=_("From") if returned else _("Ship to"),
        facts=_facts((_("Number"), _name(document)), (_("Date"), _day(document.date)), (_("Order"), _name(source)), *_from(document)),
        columns=(Column(_("No."), spare=True), Column(_("Description"), wide=True), Column(_("Quantity"), "right")), rows=tuple(rows),
    )  # fmt: skip


def invoice(document: Invoice) -> Printed:
    """An invoice as it is sent. Cost: five queries."""
    return paper.commercial(
        document, _rows(document), document.charges.order_by("position"), title=_("Invoice"), number=_name(document),
        party=addresses.block(document.account), party_label=pgettext("paper", "Bill to"),
        facts=_facts(
            (_("Number"), _name(document)), (_("Invoice date"), _day(document.invoice_date)), (_("Due date"), _day(document.due_date)),
            (_("Order"), _name(document.order) if document.order else ""), (_("Tax id"), document.account.tax_id), *_from(document),
        ),
    )  # fmt: skip


def credit_note(document: CreditNote) -> Printed:
    """A credit note as it is sent. Cost: five queries."""
    return paper.commercial(
        document, _rows(document), document.charges.order_by("position"), title=_("Credit note"), number=_name(document),
        party=addresses.block(document.account), party_label=pgettext("paper", "Bill to"),
        facts=_facts(
            (_("Number"), _name(document)), (_("Date"), _day(document.date)), (_("Invoice"), _name(document.invoice)),
            (_("Tax id"), document.account.tax_id), *_from(document),
        ),
    )  # fmt: skip


def language(document: Any) -> str:
    return addresses.language(document.account)


def mark_draft(document: Any) -> str:
    return _("Draft: not valid yet.") if document.status == "draft" else ""


def mark_order(document: SalesOrder) -> str:
    return _("This order was cancelled.") if document.status == "cancelled" else mark_draft(document)
