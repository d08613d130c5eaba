"""Whom the company deals with: accounts, their people, leads, and what was said and done. What may happen to them: ``crm.rules``."""

from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.models.columns import ChoiceField, ChoicesField, CodeField, PhoneField, named
from core.models.record import OwnedRecord

ACCOUNT_ROLES = (
    ("customer", _("Customer")), ("prospect", _("Prospect")), ("supplier", _("Supplier")), ("partner", _("Partner")),
    ("agent", _("Agent")), ("consultant", _("Consultant")), ("competitor", _("Competitor")),
)  # fmt: skip
ACTIVITY_KINDS = (
    ("call", _("Call")), ("meeting", _("Meeting")), ("task", _("Task")), ("visit", _("Visit")),
    ("email", pgettext_lazy("activity", "E-mail")), ("note", _("Note")),
)  # fmt: skip


class Account(OwnedRecord):
    """A company or person outside: customer, supplier, partner, often several of these at once."""

    name = models.CharField(_("Name"), max_length=200)
    sort_key = models.CharField(max_length=400, default="", editable=False)
    match_key = models.CharField(max_length=200, default="", editable=False, db_index=True)  # see crm.rules.duplicates
    roles = ChoicesField(pgettext_lazy("account", "Roles"), options=ACCOUNT_ROLES)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, verbose_name=_("Parent account"), related_name="+")
    industry = models.CharField(_("Industry"), max_length=100, blank=True, default="")
    website = models.URLField(_("Website"), max_length=300, blank=True, default="")
    phone = PhoneField(_("Phone"))
    email = models.EmailField(_("E-mail"), max_length=200, blank=True, default="")
    tax_id = models.CharField(_("Tax id"), max_length=60, blank=True, default="")
    street = models.CharField(_("Street"), max_length=300, blank=True, default="")
    city = models.CharField(_("City"), max_length=100, blank=True, default="")
    region = models.CharField(_("Region"), max_length=100, blank=True, default="")
    postal_code = models.CharField(_("Postal code"), max_length=20, blank=True, default="")
    country = CodeField(_("Country"), standard="country")
    currency = CodeField(_("Currency"), standard="currency")
    payment_days = models.PositiveIntegerField(_("Payment days"), null=True, blank=True)
    external_id = models.CharField(_("External id"), max_length=100, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(parent=None) | ~models.Q(parent=models.F("id")), name="account_is_not_its_own_parent",
                violation_error_message=_("An account cannot be its own parent."),
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["sort_key", "id"], name="account_sorted"),
            models.Index(fields=["external_id"], name="account_external_id", condition=~models.Q(external_id="")),
            named("account"),
        ]

    def __str__(self):
        return self.name


class Contact(OwnedRecord):
    """A person at an account."""

    name = models.CharField(pgettext_lazy("person", "Name"), max_length=200)
    sort_key = models.CharField(max_length=400, default="", editable=False)
    account = models.ForeignKey(Account, models.PROTECT, null=True, blank=True, verbose_name=_("Account"), related_name="contacts")
    title = models.CharField(_("Job title"), max_length=200, blank=True, default="")
    email = models.EmailField(_("E-mail"), max_length=200, blank=True, default="")
    phone = PhoneField(_("Phone"))
    mobile = PhoneField(_("Mobile"))
    external_id = models.CharField(_("External id"), max_length=100, blank=True, default="")

    class Meta:
        indexes = [
            models.Index(fields=["sort_key", "id"], name="contact_sorted"),
            models.Index(fields=["external_id"], name="contact_external_id", condition=~models.Q(external_id="")),
            models.Index(Upper("email"), name="contact_email"),
            named("contact"),
        ]

    def __str__(self):
        return self.name


class Activity(OwnedRecord):
    """Something done or to be done: a call, a meeting, a task, a note; about a record of any type, or none."""

    kind = ChoiceField(_("Kind"), choices=ACTIVITY_KINDS, blank=False, default=models.NOT_PROVIDED)
    subject = models.CharField(_("Subject"), max_length=300)
    about_type = models.CharField(max_length=60, blank=True, default="", editable=False)
    about_id = models.UUIDField(null=True, blank=True, editable=False)
    due_at = models.DateTimeField(_("Due"), null=True, blank=True)
    done = models.BooleanField(_("Done"), default=False)
    body = models.TextField(_("Notes"), max_length=20_000, blank=True, default="")

    class Meta:
        indexes = [
            models.Index(fields=["about_id", "-created_at"], name="activity_about"),
            models.Index(fields=["due_at", "id"], name="activity_due", condition=models.Q(archived_at=None, due_at__isnull=False)),  # a calendar
            models.Index(  # what somebody has to do, the first due first
                fields=["owner", "due_at", "id"], name="activity_to_do", condition=models.Q(done=False, archived_at=None, due_at__isnull=False),
            ),
        ]  # fmt: skip

    def __str__(self):
        return self.subject


LEAD_STATES = (("open", pgettext_lazy("lead", "Open"), "blue"), ("converted", _("Converted"), "green"), ("lost", pgettext_lazy("lead", "Lost"), "red"))


class Lead(OwnedRecord):
    """Somebody who may become a customer, before anybody knows. Converted, it keeps the records that came of it, and they keep it."""

    name = models.CharField(pgettext_lazy("person", "Name"), max_length=200)
    sort_key = models.CharField(max_length=400, default="", editable=False)
    match_key = models.CharField(max_length=200, default="", editable=False, db_index=True)
    company = models.CharField(_("Company"), max_length=200, blank=True, default="")
    email = models.EmailField(_("E-mail"), max_length=200, blank=True, default="")
    phone = PhoneField(_("Phone"))
    lead_source = models.CharField(_("Lead source"), max_length=100, blank=True, default="")
    campaign = models.CharField(_("Campaign"), max_length=100, blank=True, default="")
    country = CodeField(_("Country"), standard="country")
    need = models.TextField(_("Need"), max_length=5000, blank=True, default="")
    status = ChoiceField(_("Status"), choices=tuple(s[:2] for s in LEAD_STATES), default="open", editable=False)
    first_response_at = models.DateTimeField(_("First response"), null=True, blank=True, editable=False)
    converted_on = models.DateField(_("Converted on"), null=True, blank=True, editable=False)
    reason = models.CharField(_("Reason"), max_length=500, blank=True, default="", editable=False)
    account = models.ForeignKey(Account, models.PROTECT, null=True, blank=True, verbose_name=_("Account"), related_name="+", editable=False)
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, blank=True, verbose_name=_("Contact"), related_name="+", editable=False)
    opportunity = models.ForeignKey(
        "crm.Opportunity", models.PROTECT, null=True, blank=True, verbose_name=_("Opportunity"), related_name="+", editable=False,
    )  # fmt: skip

    class Meta:
        indexes = [models.Index(fields=["sort_key", "id"], name="lead_sorted"), models.Index(Upper("email"), name="lead_email"), named("lead")]

    def __str__(self):
        return self.name
