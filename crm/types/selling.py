"""What may become an order: leads, pipelines with their stages, opportunities; and what they let the company measure."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core import access, entering
from core.registry import Act, Dimension, Excerpt, Field, Intake, Lines, Measure, ObjectType, ShippedKpi, extend, named, register
from crm.models import LEAD_STATES, OPPORTUNITY_STATES, Lead, Opportunity, OpportunityLine, OpportunitySummary, Pipeline, Stage
from crm.rules import duplicates, prices
from crm.rules import leads as lead_rules
from crm.rules import opportunities as rules
from crm.types.parties import ALIKE_BY, SALES

DATE = Field("date", "date", _("Date"))
REASON = Field("reason", "text", _("Reason"), required=True, max_length=500)
ASKS = named("required_fields", kind="choices", options=entering.fields_of("opportunities"))
FROM_LEAD = _("Choose one you have already, or leave it: a new one is made from what the lead says.")
WHOSE_LEAD = ("owner", "unit", "created_at", "status")  # every fact of a lead tells these of it
WHOSE = ("account", "owner", "unit", "status", "opened_on", "close_date", "ended_on")
PERIODS = ("month", "quarter", "year")
OF_LEADS = ("person", "unit", "country", "lead_source", *PERIODS)
OF_DEALS = ("account", "person", "unit", "country", "lead_source", "pipeline", "stage", *PERIODS)

register(
    ObjectType(
        "leads", Lead, _("Lead"), _("Leads"),
        ("name", "company", "email", "phone", "lead_source", "campaign", "country", "need", "owner"),
        shown=(
            "status", "first_response_at", Field("hours_waited", "number", _("Hours waited"), compute=lead_rules.hours_waited), "converted_on", "reason",
            "account", "contact", "opportunity",
        ),
        columns=("name", "company", "status", "lead_source", "first_response_at", "hours_waited", "owner"),
        search=("name", "company", "email", "phone"), icon="user-plus", group=SALES, statuses=LEAD_STATES,
        acts=(
            Act(
                "convert", _("Convert"), ("open",), "converted",
                fields=(
                    Field("account", "refnew", _("Account"), target="accounts", help=FROM_LEAD),
                    Field("contact", "refnew", _("Contact"), target="contacts", help=FROM_LEAD),
                    Field("opportunity", "refnew", _("Opportunity"), target="opportunities", options=(("none", _("None")),)),
                ),
                run=lead_rules.convert, icon="arrows-exchange", primary=True,
            ),
            Act("lose", pgettext_lazy("lead", "Mark as lost"), ("open",), "lost", fields=(REASON,), run=lead_rules.lose, icon="x", danger=True),
            Act("reopen", _("Reopen"), ("lost",), "open", run=lead_rules.reopen, icon="rotate"),
        ),
        prepare=duplicates.key_leads, facts=lead_rules.facts, remains=lead_rules.remains, deletable=False, keys=("email",),
        alike=duplicates.alike, alike_by=ALIKE_BY, filters=("status", "lead_source", "first_response_at", "owner", "country"),
        related=(("opportunities", "lead"),),
        intake=Intake(
            _("Get in touch"), _("Tell us who you are and what you need. Somebody will answer you soon."),
            _("Thank you. Your message has arrived, and somebody will answer you soon."),
            ("name", "company", "email", "phone", "country", "need"), required=("email",), carried=("campaign",), given=lead_rules.given_by_form,
        ),
    ),
    ObjectType(
        "opportunities", Opportunity, _("Opportunity"), _("Opportunities"),
        (
            "name", "account", "contact", "pipeline", "stage", named("amount", minimum=0, help=_("With lines it is their net.")),
            named("currency", required=False), "close_date", "opened_on",
            named("probability", minimum=0, maximum=1, help=_("Empty: that of the stage.")), "lead_source", "campaign", "owner", "external_id",
        ),
        shown=(
            "lead", "status", "rate", "base_amount", named("weighted", in_base=True), "ended_on", "reason", "stage_since",
            Field("days_open", "integer", _("Days open"), compute=rules.days_open),
            Field("days_in_stage", "integer", _("Days in this stage"), compute=rules.days_in_stage),
            Field("next_activity", "ref", _("Next activity"), target="activities", compute=rules.next_activity),
            Field("next_due", "datetime", _("Next activity due"), compute=rules.next_due),
        ),
        columns=("name", "account", "stage", "status", "amount", "weighted", "close_date", "next_due", "owner"),
        search=("name", "external_id", "campaign"), icon="target-arrow", group=SALES, statuses=OPPORTUNITY_STATES,
        lines=(
            Lines(
                "lines", OpportunityLine, "opportunity",
                (
                    "product", "description", named("quantity", minimum=0, required=False), named("unit_price", minimum=0, required=False),
                    named("discount", minimum=0, maximum=1, required=False), "tax_code",
                ),
                shown=("net", "base_net", "price_trace"), reasons=prices.WHY, label=_("Lines"),
            ),
        ),
        acts=(
            Act(
                "move", _("Move"), ("open",), fields=(Field("stage", "ref", _("Stage"), target="stages", required=True),), run=rules.move,
                icon="arrow-right",
            ),
            Act("win", pgettext_lazy("deal", "Mark as won"), ("open",), "won", fields=(DATE,), run=rules.end, icon="trophy", primary=True),
            Act("lose", pgettext_lazy("deal", "Mark as lost"), ("open",), "lost", fields=(REASON, DATE), run=rules.end, icon="x", danger=True),
            Act("reopen", _("Reopen"), ("won", "lost"), "open", run=rules.reopen, icon="rotate"),
        ),
        redact=prices.redact, prepare=rules.prepare, check=rules.check, totals=rules.count, facts=rules.facts, locked=rules.locked, gather=rules.look_ahead,
        gathers=rules.looks_ahead,
        follows=("lead",), remains=rules.remains, deletable=False, keys=("external_id",),
        aside=("lead_source", "campaign", "opened_on", "currency", "external_id"),
        filters=("status", "pipeline", "stage", "owner", "close_date", "account", "lead_source"),
        summary=OpportunitySummary, board="stage", board_act="move", board_groups="pipeline", board_hides=("won", "lost"), board_asks="required_fields",
        card=("account", "amount", "weighted", "close_date", "next_activity", "next_due", "days_in_stage", "owner"),
    ),
    ObjectType(
        "pipelines", Pipeline, _("Pipeline"), _("Pipelines"), ("name",), columns=("name",), search=("name",), owner=None, icon="filter", group=SALES,
        lines=(
            Lines(
                "stages", Stage, "pipeline", ("name", named("probability", minimum=0, maximum=1, required=False), named("order", required=False), ASKS),
                label=_("Stages"),
            ),
        ),
        prepare=rules.number_stages, check=rules.check_pipeline, after=rules.weigh_anew, moves=rules.reweighed, sort=("name",), keys=("name",),
        related=(("opportunities", "pipeline"),), figures=(("pipeline", "pipeline"), ("weighted-pipeline", "pipeline"), ("won", "pipeline")),
        packed=rules.is_shaped, settled=True,
    ),
    ObjectType(
        "stages", Stage, _("Stage"), _("Stages"), (), shown=("name", named("pipeline", label=_("Pipeline")), "probability", "order", ASKS),
        columns=("name", "pipeline", "probability", "required_fields"),
        rows=access.lines_of("pipelines", "stages", "pipeline"), referable=True, writable=False, deletable=False, archivable=False, owner=None,
        sort=("pipeline", "order"), grouped="pipeline", icon="filter", figures=(("pipeline", "stage"), ("weighted-pipeline", "stage")), settled=True,
    ),
    Measure("leads-created", _("Leads created"), "leads", money=False, reveals=WHOSE_LEAD),
    Measure("leads-converted", _("Leads converted"), "leads", money=False, reveals=(*WHOSE_LEAD, "converted_on", "account")),
    Measure("pipeline", pgettext_lazy("figure", "Pipeline"), "opportunities", reveals=(*WHOSE, "amount", "base_amount")),
    Measure("weighted-pipeline", _("Weighted pipeline"), "opportunities", reveals=(*WHOSE, "amount", "base_amount", "weighted", "probability")),
    Measure("won", pgettext_lazy("figure", "Won"), "opportunities", reveals=(*WHOSE, "amount", "base_amount")),
    Measure("lost", pgettext_lazy("figure", "Lost"), "opportunities", reveals=(*WHOSE, "amount", "base_amount")),
    Measure("won-count", _("Opportunities won"), "opportunities", money=False, reveals=WHOSE),
    Measure("lost-count", _("Opportunities lost"), "opportunities", money=False, reveals=WHOSE),
    Measure("sales-cycle-days", _("Days from opening to winning"), "opportunities", money=False, reveals=WHOSE),
    Dimension("lead_source", _("Lead source"), ways=(("source_id", "leads", "lead_source"), ("source_id", "opportunities", "lead_source"))),
    Dimension("pipeline", _("Pipeline"), ways=(("source_id", "opportunities", "pipeline"),)),
    Dimension("stage", _("Stage"), ways=(("source_id", "opportunities", "stage"),)),
    ShippedKpi("leads-created", _("Leads created"), "leads-created", _("Number of leads made."), _("The day the lead was made"), OF_LEADS),
    ShippedKpi(
        "lead-conversion", _("Lead conversion"), "leads-converted", _("Leads converted in the period, divided by leads made in it."),
        _("Conversions on their day; leads on the day they were made"), OF_LEADS, per="leads-created", format="percent",
    ),
    ShippedKpi(
        "pipeline", pgettext_lazy("figure", "Pipeline"), "pipeline", _("Amount of the open opportunities expected to close in the period, in base currency."),
        _("Expected close; without one, the day it was opened"), OF_DEALS,
    ),
    ShippedKpi(
        "weighted-pipeline", _("Weighted pipeline"), "weighted-pipeline",
        _("Amount x probability of the open opportunities expected to close in the period, rounded for each, in base currency."),
        _("Expected close; without one, the day it was opened"), OF_DEALS,
    ),
    ShippedKpi("won", pgettext_lazy("figure", "Won"), "won", _("Amount of the opportunities won, in base currency."), _("The day it was won"), OF_DEALS),
    ShippedKpi(
        "lost", pgettext_lazy("figure", "Lost"), "lost", _("Amount of the opportunities lost, in base currency."), _("The day it was lost"), OF_DEALS,
        up_is_good=False,
    ),
    ShippedKpi(
        "win-rate", _("Win rate"), "won-count", _("Number of opportunities won, divided by those won or lost."), _("The day it was won or lost"), OF_DEALS,
        per=("won-count", "lost-count"), format="percent",
    ),
    ShippedKpi(
        "sales-cycle-days", _("Sales cycle"), "sales-cycle-days", _("Days from opening to winning, on average over the opportunities won."),
        _("The day it was won"), OF_DEALS, up_is_good=False, per="won-count", format="days",
    ),
)  # fmt: skip
extend(
    "accounts", related=(("opportunities", "account"), ("leads", "account")),
    figures=(("pipeline", "account"), ("weighted-pipeline", "account"), ("won", "account")),
    overview=(Excerpt("opportunities", "account", _("Open opportunities"), ["status", "eq", "open"], ("name", "stage", "amount", "close_date")),),
)  # fmt: skip
extend("contacts", related=(("opportunities", "contact"),))
