"""What stands on a quote that leaves the company, and what its link says and takes."""

from datetime import datetime

from django.utils.translation import gettext as _

from core import paper
from core.kinds import KINDS
from core.showing import Printed
from core.structures import today
from crm.models import Product, Quote
from crm.rules import addresses

REVEALS = (
    *addresses.REVEALS, "contact", "contact.name", "lines", "number", "net", "tax", "total", "currency", "valid_until", "quote_date", "revision", "terms",
)  # fmt: skip


def write(quote: Quote) -> Printed:
    """The ``write`` of its paper. Cost: five queries."""
    rows = quote.__dict__.get("_lines")  # those of a quote that is just being sent are not stored yet
    rows = list(quote.lines.order_by("position", "pk")) if rows is None else rows
    products = Product.objects.in_bulk({row.product_id for row in rows if row.product_id})
    for row in rows:
        row.product = products.get(row.product_id)
    owner = quote.owner
    facts = [
        (_("Number"), quote.number or _("Draft")), *([(_("Version"), str(quote.revision))] if quote.revision > 1 else []),
        (_("Date"), paper.day(quote.quote_date or today())), *([(_("Valid until"), paper.day(quote.valid_until))] if quote.valid_until else []),
        *([(_("Your reference"), quote.external_number)] if quote.external_number else []),
        *([(_("Your contact"), owner.name), (_("E-mail"), owner.email)] if owner else []),
    ]  # fmt: skip
    return paper.commercial(
        quote, rows, title=_("Quote"), number=quote.number or _("Draft"), party=addresses.block(quote.account, quote.contact), party_label=_("For"),
        facts=tuple(facts), notes=((_("Terms"), quote.terms),) if quote.terms else (),
    )  # fmt: skip


def mark(quote: Quote) -> str:
    if quote.status == "draft":
        return _("Draft: this quote has not been sent yet.")
    return _("This version has been replaced by a newer one.") if quote.is_superseded else ""


def language(quote: Quote) -> str:
    return addresses.language(quote.account)


def kept(quote: Quote) -> dict | None:
    return quote.evidence.get("sent")


# The link


def is_open(quote: Quote) -> bool:
    return quote.status != "draft"


def may_answer(quote: Quote) -> bool:
    return quote.status == "sent" and not quote.is_superseded and quote.valid_until >= today()


def state(quote: Quote) -> tuple[str, str] | None:
    """What became of it, for whoever reads it under the link."""
    if quote.status == "accepted":
        told = quote.evidence.get("accepted", {})
        words = {"name": told.get("name") or quote.account.name, "when": moment(quote.decided_at)}
        return "up", _("Accepted by %(name)s on %(when)s. Thank you.") % words
    if quote.status == "declined":
        return "warn", _("Declined on %(when)s.") % {"when": moment(quote.decided_at)}
    if quote.is_superseded:
        return "warn", _("This version has been replaced by a newer one, which you will find in a later message.")
    if quote.status == "expired" or quote.valid_until < today():
        return "warn", _("This quote was valid until %(day)s. Please ask us for a new one.") % {"day": paper.day(quote.valid_until)}
    return None


def addressee(quote: Quote) -> tuple[str, str] | None:
    """Whom the link is mailed to: the contact, else the account, where they have an address."""
    for whom in (quote.contact, quote.account):
        if whom is not None and whom.email:
            return whom.name, whom.email
    return None


def moment(at: datetime) -> str:
    return KINDS["datetime"].text(None, at)
