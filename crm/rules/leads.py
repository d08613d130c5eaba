"""What may happen to leads: answered, converted into account, contact and opportunity, lost, reopened; and the facts they state."""

from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any
from uuid import UUID

from django.utils import translation
from django.utils.translation import gettext as _

from core import access, clock, context, registry, structures, write
from core.access import Actor
from core.errors import RuleError
from core.facts import Statement
from core.mail import INTERFACE
from core.models import OrgUnit, Role, User
from core.models.record import Record, permit
from core.money import plain
from crm.models import Contact, Lead, Opportunity

TENTH = Decimal("0.1")
Given = UUID | dict[str, Any] | bool | None


# The first-response clock


def respond(lead_id: UUID) -> None:
    """Somebody answered: stop the clock of an open lead, once. Cost: one query, two where it stops."""
    lead = Lead.objects.select_for_update().filter(pk=lead_id, status="open", first_response_at=None).first()
    if lead is not None:
        with permit():
            Lead.objects.filter(pk=lead.pk).update(first_response_at=clock.now())


def hours_waited(lead: Lead) -> Decimal:
    """Hours until the first response; as long as there is none, until now."""
    seconds = ((lead.first_response_at or clock.now()) - lead.created_at).total_seconds()
    return (Decimal(max(0, int(seconds))) / 3600).quantize(TENTH, ROUND_DOWN)


# Acts


def convert(actor: Actor, lead: Lead, data: dict) -> None:
    """Account, contact and opportunity come of the lead: those named, those described, else new ones from what the lead says.

    All of it by the actor's own rights, in the act's transaction. Errors: RuleError at ``account.name`` and the like, Denied.
    """
    contact, opportunity = data.get("contact"), data.get("opportunity")
    account = data.get("account") or _account_of(contact, opportunity, data.get("account"))
    lead.account_id = _account(actor, lead, account)
    lead.contact_id = _contact(actor, lead, contact)
    if opportunity is not False:
        lead.opportunity_id = _opportunity(actor, lead, opportunity)
    lead.converted_on = structures.today()
    lead.first_response_at = lead.first_response_at or clock.now()


def _account_of(contact: Given, opportunity: Given, account: Given) -> Given:
    """Who names a contact or an opportunity names its account too, unless he describes a new one."""
    if account is not None:
        return account
    if isinstance(opportunity, UUID):
        return Opportunity.objects.filter(pk=opportunity).values_list("account_id", flat=True).first()
    if isinstance(contact, UUID):
        return Contact.objects.filter(pk=contact).values_list("account_id", flat=True).first()
    return None


def _account(actor: Actor, lead: Lead, given: Given) -> UUID:
    if isinstance(given, UUID):
        return given
    told = {"name": lead.company or lead.name, "roles": ["prospect"], "phone": lead.phone, "email": lead.email, "country": lead.country}
    return _make(actor, "account", "accounts", given, _carried(actor, "accounts", lead, told)).pk


def _contact(actor: Actor, lead: Lead, given: Given) -> UUID:
    if isinstance(given, UUID):
        found = Contact.objects.filter(pk=given).values_list("account_id", flat=True).first()
        if found is not None and found != lead.account_id:
            raise RuleError({"contact": [_("This contact belongs to another account.")]})
        return given
    told = {"name": lead.name, "phone": lead.phone, "email": lead.email}
    return _make(actor, "contact", "contacts", given, _carried(actor, "contacts", lead, told), {"account": str(lead.account_id)}).pk


def _opportunity(actor: Actor, lead: Lead, given: Given) -> UUID:
    """Cost of a named one: its lock, and one statement where the lead is the first it came of."""
    opportunities = registry.types["opportunities"]
    if isinstance(given, UUID):
        found = write.locked_row(actor, opportunities, given, "change")
        if found.account_id != lead.account_id:
            raise RuleError({"opportunity": [_("This opportunity belongs to another account.")]})
    else:
        told = {"name": lead.company or lead.name, "lead_source": lead.lead_source, "campaign": lead.campaign}
        linked = {"account": str(lead.account_id), "contact": str(lead.contact_id)}
        linked |= _carried(actor, "opportunities", None, {"lead_source": lead.lead_source, "campaign": lead.campaign})
        found = _make(actor, "opportunity", "opportunities", given, _carried(actor, "opportunities", lead, told), linked)
    if found.lead_id is None:
        with permit():
            Opportunity.objects.filter(pk=found.pk).update(lead=lead.pk)
    return found.pk


def _carried(actor: Actor, slug: str, lead: Lead | None, told: dict[str, Any]) -> dict[str, Any]:
    """Of what the lead says, and whose it is, what the actor may write of such a record."""
    object_type = registry.get(slug)
    if lead is not None and lead.owner_id is not None:
        told = {**told, "owner": str(lead.owner_id)}
    may = write.writable(actor, object_type, "add") if access.allows(actor, object_type, "add") else {}
    return {name: value for name, value in told.items() if value and name in may}


def _make(actor: Actor, name: str, slug: str, given: Given, from_lead: dict[str, Any], linked: dict[str, Any] | None = None) -> Record:
    """A new record as it is described, or where nothing is said from the lead; either way linked. Errors are named below ``name``."""
    linked = linked or {}
    described = {**linked, **(given if isinstance(given, dict) else from_lead)}
    try:
        made = write.create(actor, registry.get(slug), described)
    except RuleError as error:
        raise RuleError({(name if field == "_" else f"{name}.{field}"): told for field, told in error.errors.items()}) from None
    if "account" in linked and str(made.account_id) != linked["account"]:
        raise RuleError({f"{name}.account": [_("It belongs to the account the lead becomes.")]})
    return made


def lose(actor: Actor, lead: Lead, data: dict) -> None:
    lead.reason = data["reason"]
    lead.first_response_at = lead.first_response_at or clock.now()


def reopen(actor: Actor, lead: Lead, data: dict) -> None:
    lead.reason = ""


def remains(lead: Lead) -> list[tuple[str, str]]:
    """How long somebody has been waiting for a first word."""
    if lead.status != "open" or lead.first_response_at is not None:
        return []
    return [(_("Unanswered"), _("%(n)s hours") % {"n": plain(hours_waited(lead))})]


# From outside


def given_by_form() -> dict[str, Any]:
    """What the public form says of every lead: where it came from and who takes care of it.

    A sales manager hands leads out: the one who has been here longest; in a company without one whoever heads its first unit,
    else an owner. Cost: at most three queries.
    """
    with translation.override(INTERFACE.get(context.company().language, "en")):  # a word of the company's, whoever wrote
        return {"lead_source": _("Web form"), "owner": str(_dispatcher())}


def _dispatcher() -> UUID:
    def longest(key: str) -> UUID | None:
        holders = User.roles.through.objects.filter(role__in=Role.objects.filter(key=key, archived_at=None), user__archived_at=None)
        return holders.order_by("user__created_at", "user_id").values_list("user_id", flat=True).first()

    heads = OrgUnit.objects.filter(parent=None, archived_at=None, manager__archived_at=None).exclude(manager=None)
    return longest("sales-manager") or heads.order_by("created_at", "pk").values_list("manager_id", flat=True).first() or longest("owner")


# Facts


def _day(moment: datetime) -> date:
    return moment.astimezone(context.company().zone).date()


def facts(leads: list[Lead]) -> dict[UUID, list[Statement]]:
    """One lead on the day it was made, one conversion on the day it was converted, for its account. Cost: none."""
    return {lead.pk: list(_statements(lead)) for lead in leads}


def _statements(lead: Lead):
    who = {"person": lead.owner_id, "unit": lead.unit_id}
    yield Statement("leads-created", Decimal(1), _day(lead.created_at), **who)
    if lead.status == "converted":
        yield Statement("leads-converted", Decimal(1), lead.converted_on, account=lead.account_id, **who)
