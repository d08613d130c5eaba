"""Quotes and what leads to them; and what they let the company measure."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core import sharing
from core.registry import Act, Excerpt, Field, Lines, Measure, ObjectType, Paper, PublicAct, Shared, ShippedKpi, daily, extend, named, register
from crm.models import QUOTE_STATES, Quote, QuoteLine
from crm.rules import prices, versions
from crm.rules import quote_papers as papers
from crm.rules import quotes as rules
from crm.types.parties import SALES

WHOSE = ("account", "owner", "unit", "status")  # every fact of a quote tells these of it
OF_QUOTES = ("account", "person", "unit", "country", "month", "quarter", "year")

register(
    ObjectType(
        "quotes", Quote, _("Quote"), _("Quotes"),
        (
            "account", "contact", "opportunity", "valid_until", named("currency", required=False), named("rate", required=False, default=None), "terms",
            "owner", named("external_number", label=_("Their reference")),
        ),
        shown=(
            "number", "status", "revision", "origin", "is_superseded", "quote_date", "first_sent_at", "viewed_at", "decided_at", "reason",
            Field("public_url", "url", _("Link for the customer"), compute=sharing.url), "net", "tax", "charges_total", "total", "base_net", "base_total",
        ),
        columns=("number", "account", "status", "quote_date", "valid_until", "owner", "total"), title="number", title_else="external_number",
        search=("number", "external_number"), icon="file-text", group=SALES, statuses=QUOTE_STATES,
        lines=(
            Lines(
                "lines", QuoteLine, "quote",
                (
                    "product", "description", named("quantity", minimum=0, required=False), named("unit_price", minimum=0, required=False),
                    named("discount", minimum=0, maximum=1, required=False), "tax_code",
                ),
                shown=("net", "base_net", "price_trace"), reasons=prices.WHY, label=_("Lines"),
            ),
        ),
        acts=(
            Act(
                "send", _("Send"), ("draft",), "sent",
                fields=(Field("mail", "yesno", _("E-mail the link to the contact"), help=_("Where mails to customers are switched on for this company.")),),
                run=rules.send, icon="send", primary=True,
            ),
            Act(
                "accept", _("Accept"), ("sent",), "accepted", fields=(Field("name", "text", _("Accepted by"), max_length=200),), guard=rules.demand_valid,
                run=rules.accept, icon="check",
            ),
            Act("new-version", _("New version"), ("sent", "accepted", "declined", "expired"), run=versions.new_version, makes="quotes", icon="copy"),
            Act(
                "decline", _("Decline"), ("sent",), "declined", fields=(Field("reason", "text", _("Reason"), required=True, max_length=500),),
                guard=rules.demand_answerable, run=rules.decline, icon="x", danger=True,
            ),
            Act("expire", _("Mark as expired"), ("sent",), "expired", guard=rules.demand_over, icon="clock", danger=True),
        ),
        prepare=rules.prepare, check=rules.check, totals=rules.add_up, facts=rules.facts, locked=rules.locked, redact=prices.redact, notes=rules.notes,
        follows=("opportunity",), remains=rules.remains, aside=("currency", "rate", "external_number", "owner"),
        filters=("status", "account", "owner", "valid_until"),
        paper=Paper(papers.write, papers.language, papers.REVEALS, papers.mark, papers.kept),
        shared=Shared(
            papers.is_open,
            (
                PublicAct(
                    "accept", ("name",), lambda quote: quote.status == "accepted",
                    _("I accept this quote on behalf of the customer named in it, and I may do so."),
                ),
                PublicAct("decline", ("reason",), lambda quote: quote.status == "declined"),
            ),
            papers.may_answer, papers.state, "viewed_at", papers.addressee,
        ),
    ),
    Measure("quotes-sent", _("Quotes sent"), "quotes", money=False, reveals=(*WHOSE, "first_sent_at")),
    Measure("quote-hours", _("Hours until quotes were sent"), "quotes", money=False, reveals=(*WHOSE, "first_sent_at", "created_at")),
    ShippedKpi(
        "quote-turnaround-hours", pgettext_lazy("figure", "Quote turnaround"), "quote-hours",
        _("Hours from making a quote to first sending it, on average; later versions do not count again."), _("The day it was first sent"), OF_QUOTES,
        up_is_good=False, per="quotes-sent", format="hours",
    ),
)  # fmt: skip
OPEN = {"all": [["status", "in", ["draft", "sent"]], ["is_superseded", "eq", False]]}
extend(
    "accounts", related=(("quotes", "account"),),
    overview=(Excerpt("quotes", "account", _("Open quotes"), OPEN, ("number", "status", "valid_until", "total"), ("valid_until",), late="valid_until"),),
)  # fmt: skip
extend("contacts", related=(("quotes", "contact"),))
extend(
    "opportunities", related=(("quotes", "opportunity"),),
    acts=(Act("quote", pgettext_lazy("act", "Quote"), ("open",), run=rules.of_opportunity, makes="quotes", icon="file-text"),),
)  # fmt: skip
daily.append(rules.expire_all)
