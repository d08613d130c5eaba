"""What may happen to quotes: send, accept, decline, expire; numbers, rates, and the facts they state. Versions: ``crm.rules.versions``."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import access, clock, context, documents, mail, numbering, paper, sharing, write
from core.access import Actor
from core.errors import RuleError, WrongState
from core.facts import Statement
from core.models.record import Record
from core.registry import get
from core.showing import Note
from core.structures import today
from crm.models import Account, Contact, Opportunity, Quote
from crm.rules import quote_papers, versions
from crm.rules.lines import demand_active, fill_lines

FROZEN = frozenset({"account", "contact", "opportunity", "currency", "rate", "valid_until", "terms", "lines", "delete"})
VALID = timedelta(days=30)  # as long as nobody says otherwise
ROUND = 200  # so many quotes expire in one transaction
HOUR = Decimal(3600)


def locked(quote: Quote) -> frozenset[str]:
    """What was sent stays as it was sent; what changes is a new version."""
    return frozenset() if quote.status == "draft" else FROZEN


def prepare(actor: Actor, pairs: list) -> None:
    """Currency from the account or company; what lines leave out. Cost: a few queries a batch."""
    accounts = Account.objects.in_bulk({quote.account_id for quote, made in pairs if quote.account_id and not quote.currency})
    for quote, made in pairs:
        documents.demand_quantities(made)
        documents.note_rate(quote, made)
        if not quote.currency:
            account = accounts.get(quote.account_id)
            quote.currency = (account.currency if account else "") or context.company().currency
    fill_lines((quote, today(), [row for row in made.lines.get("lines", ()) if row.id is None or quote._state.adding]) for quote, made in pairs)


def check(actor: Actor, quote: Quote, changed: dict, rows: dict) -> None:
    """Contact and opportunity belong to the account; a draft has the rate of today, unless another was given."""
    errors: dict[str, list[str]] = {}
    if quote.contact_id and {"contact", "account"} & changed.keys():
        account = Contact.objects.filter(pk=quote.contact_id).values_list("account_id", flat=True).first()
        if account is not None and account != quote.account_id:
            errors["contact"] = [_("This contact belongs to another account.")]
    moved = quote.opportunity_id and {"opportunity", "account"} & changed.keys()
    if moved and not Opportunity.objects.filter(pk=quote.opportunity_id, account=quote.account_id).exists():
        errors["opportunity"] = [_("This opportunity belongs to another account.")]
    if errors:
        raise RuleError(errors)
    if quote.status == "draft":
        documents.take_rate(quote, today())


def add_up(quote: Quote, rows: dict[str, list]) -> None:
    """The ``totals`` hook. What was sent keeps its sums, whatever became of its tax codes since."""
    if quote.status == "draft" and rows.get("lines") is not None:
        documents.count(quote, rows["lines"], [])


# Acts


def send(actor: Actor, quote: Quote, data: dict) -> None:
    """Number, date and validity are given, what it says is kept for good, earlier versions that were sent are superseded.

    Errors: RuleError at ``lines``, ``valid_until``, ``mail``; WrongState as ``versions.supersede`` has it.
    """
    lines = list(data["rows"]["lines"].now)
    if not lines:
        raise RuleError({"lines": [_("A quote needs at least one line to be sent.")]})
    if not data["history"].settled:
        demand_active(lines)
    quote.quote_date = today()
    quote.valid_until = quote.valid_until or quote.quote_date + VALID
    if quote.valid_until < quote.quote_date:
        raise RuleError({"valid_until": [_("This quote would be sent after it ended on %(day)s; change the date first.") % {"day": quote.valid_until}]})
    documents.take_rate(quote, quote.quote_date)
    documents.count(quote, lines, [])
    quote.first_sent_at = clock.now()
    family = versions.supersede(actor, quote)
    if data.get("mail"):
        mail.promise_link(actor, quote)
    quote.number = versions.number(quote, family) or numbering.next_number("QU", quote.quote_date)  # last: whoever waits for it waits for nothing else
    quote.__dict__["_lines"] = lines  # as they are about to be stored
    quote.evidence = {"sent": paper.keep(get("quotes"), quote)}


def demand_answerable(actor: Actor, quote: Quote) -> None:
    """The guard of ``accept`` and ``decline``: only the newest version that was sent may be answered. Cost: none."""
    if quote.is_superseded:
        raise WrongState(_("A newer version of this quote has been sent."))


def demand_valid(actor: Actor, quote: Quote) -> None:
    demand_answerable(actor, quote)
    if quote.status == "sent" and quote.valid_until < today():
        raise WrongState(_("This quote was valid until %(day)s.") % {"day": quote.valid_until})


def accept(actor: Actor, quote: Quote, data: dict) -> None:
    """Keep who accepted, when, from where, and what was before him."""
    quote.decided_at = clock.now()
    quote.evidence = {**quote.evidence, "accepted": _evidence(actor, quote, data.get("name") or "")}


def decline(actor: Actor, quote: Quote, data: dict) -> None:
    quote.decided_at = clock.now()
    quote.reason = data.get("reason") or ""
    quote.evidence = {**quote.evidence, "declined": _evidence(actor, quote, "")}


def _evidence(actor: Actor, quote: Quote, name: str) -> dict[str, Any]:
    """``sha256`` covers what was sent in every language, which stands beside it and can be digested again."""
    call = context.call()
    return {
        "name": name, "at": quote.decided_at.isoformat(), "by": str(actor.id) if actor.id else None, "channel": call.channel,
        "address": call.address, "agent": call.agent, "sha256": paper.digest(quote.evidence.get("sent", {})),
    }  # fmt: skip


def demand_over(actor: Actor, quote: Quote) -> None:
    """The guard of ``expire``."""
    if quote.valid_until is None or quote.valid_until >= today():
        raise WrongState(_("This quote is still valid."))


def expire_all(actor: Actor) -> None:
    """The work of each day: what was sent and is over says so, superseded versions too. Cost: some statements a quote."""
    over = Quote.objects.filter(status="sent", valid_until__lt=today(), archived_at=None).order_by("pk").values_list("pk", flat=True)
    while due := list(over[:ROUND]):
        write.act_many(actor, get("quotes"), "expire", [(pk, None) for pk in due])


# Out of an opportunity


def of_opportunity(actor: Actor, opportunity: Opportunity, data: dict) -> Record:
    """The act ``quote``: a draft with the opportunity's account, contact, currency, owner and lines."""
    lines = [
        {
            "product": str(row.product_id) if row.product_id else None, "description": row.description, "quantity": row.quantity,
            "unit_price": row.unit_price, "discount": row.discount, "tax_code": str(row.tax_code_id) if row.tax_code_id else None,
        }
        for row in opportunity.lines.order_by("position", "pk")
    ]  # fmt: skip
    head = {
        "account": str(opportunity.account_id), "opportunity": str(opportunity.pk), "currency": opportunity.currency, "lines": lines,
        "contact": str(opportunity.contact_id) if opportunity.contact_id else None, "owner": str(opportunity.owner_id) if opportunity.owner_id else None,
    }  # fmt: skip
    return write.create(access.on_behalf(actor), get("quotes"), head)


# Facts


def facts(quotes: list[Quote]) -> dict[UUID, list[Statement]]:
    """What quotes state: sent once, and after how many hours. Later versions do not count again. Cost: none."""
    return {quote.pk: list(_statements(quote)) for quote in quotes}


def _statements(quote: Quote):
    if quote.first_sent_at is None or quote.origin_id is not None:
        return
    who = {"person": quote.owner_id, "unit": quote.unit_id, "account": quote.account_id}
    on = quote.first_sent_at.astimezone(context.company().zone).date()
    seconds = max(Decimal((quote.first_sent_at - quote.created_at).total_seconds()), Decimal(0))
    yield Statement("quotes-sent", Decimal(1), on, **who)
    yield Statement("quote-hours", (seconds / HOUR).quantize(Decimal("0.000001")), on, **who)


def remains(quote: Quote) -> list:
    """What is left at this step of the chain: the days in which it may be accepted."""
    if quote.status != "sent" or quote.is_superseded:
        return []
    days = (quote.valid_until - today()).days
    return [(_("Valid for"), ngettext("%(n)d day", "%(n)d days", days) % {"n": days})] if days >= 0 else [(_("Valid until"), str(quote.valid_until))]


def notes(actor: Actor, quote: Quote) -> tuple[Note, ...]:
    """The ``notes`` hook: the link to send, who answered and from where, the versions, what changed since the one before."""
    return tuple(note for note in (_link_note(quote), _answer_note(quote), versions.listed(actor, quote), versions.difference(actor, quote)) if note)


def _link_note(quote: Quote) -> Note | None:
    url = sharing.url(quote)
    if not url:
        return None
    seen = _("Not looked at yet.") if quote.viewed_at is None else _("First looked at %(when)s.") % {"when": quote_papers.moment(quote.viewed_at)}
    return Note(_("Link for the customer"), ((url,), (seen,)), ((_("Open as the customer sees it"), url, False),))


def _answer_note(quote: Quote) -> Note | None:
    told = quote.evidence.get("accepted") or quote.evidence.get("declined")
    if not told or quote.decided_at is None:
        return None
    accepted = "accepted" in quote.evidence
    said = [quote_papers.moment(quote.decided_at)]
    said += [told["name"]] if told["name"] else []
    said += [_("Reason: %(reason)s") % {"reason": quote.reason}] if quote.reason else []
    if told["channel"] == "public":
        said += [_("Under the link, from %(address)s with %(agent)s") % {"address": told["address"], "agent": told["agent"] or "?"}]
    said += [_("What was sent has the SHA-256 %(digest)s") % {"digest": told["sha256"]}]
    return Note(_("Accepted") if accepted else _("Declined"), tuple((sentence,) for sentence in said))
