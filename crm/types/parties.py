"""Whom the company deals with: accounts, contacts, activities; and the dimensions they give to facts."""

from django.utils.translation import gettext_lazy as _

from core.registry import Act, Dimension, Excerpt, Field, ObjectType, named, register
from crm.models import Account, Activity, Contact
from crm.rules import duplicates
from crm.rules import parties as rules

SALES = _("Sales")
ALIKE_BY = ("name", "company", "email", "phone", "mobile")

register(
    ObjectType(
        "accounts", Account, _("Account"), _("Accounts"),
        (
            "name", "roles", "parent", "industry", "website", "phone", "email", "tax_id", "street", "city", "region", "postal_code", "country",
            "currency", named("payment_days", minimum=0, maximum=3650), "owner", "external_id",
        ),
        columns=("name", "roles", "industry", "city", "country", "owner"), search=("name", "external_id", "email", "phone", "tax_id", "city"),
        aside=("parent", "tax_id", "currency", "payment_days", "external_id"), icon="building", group=SALES,
        prepare=duplicates.key_accounts, check=rules.check_account, keys=("external_id", "name"), filters=("roles", "industry", "country", "owner"),
        alike=duplicates.alike, alike_by=ALIKE_BY,
        related=(("contacts", "account"),),
        overview=(Excerpt("contacts", "account", _("People"), columns=("name", "title", "email", "phone"), sort=("name",), aside=True),),
    ),
    ObjectType(
        "contacts", Contact, _("Contact"), _("Contacts"), ("name", "account", "title", "email", "phone", "mobile", "owner", "external_id"),
        columns=("name", "account", "title", "email", "phone", "owner"), search=("name", "email", "phone", "mobile", "external_id"),
        icon="address-book", group=SALES, keys=("external_id", "email"), filters=("account", "owner"), alike=duplicates.alike,
        alike_by=ALIKE_BY,
    ),
    ObjectType(
        "activities", Activity, _("Activity"), _("Activities"),
        ("kind", "subject", Field("about", "anyref", _("About"), path="about"), "due_at", "done", "body", "owner"),
        columns=("subject", "kind", "about", "due_at", "done", "owner"), title="subject", search=("subject", "body"), icon="calendar",
        group=SALES, timeline="about", filters=("kind", "done", "owner"), after=rules.answer_lead,
        acts=(
            Act("finish", _("Mark as done"), run=rules.mark_done, guard=rules.demand_open, icon="check", primary=True),
            Act("reopen", _("Reopen"), run=rules.reopen, guard=rules.demand_done, icon="rotate"),
        ),
    ),
    Dimension("account", _("Account"), column="account", target="accounts"),
    Dimension("country", _("Country"), ways=(("account", "accounts", "country"), ("source_id", "leads", "country"))),
)  # fmt: skip
