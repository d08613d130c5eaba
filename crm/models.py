"""Whom the company deals with, what is agreed with them, and what it sells. What may happen to them: ``crm.rules``."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.models.columns import ChoiceField, ChoicesField, CodeField, MoneyField, PhoneField
from core.models.record import OwnedRecord, Record
from core.models.structure import Link, Node

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
        indexes = [models.Index(fields=["external_id"], name="account_external_id", condition=~models.Q(external_id=""))]

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
        indexes = [models.Index(fields=["about_id", "-created_at"], name="activity_about")]

    def __str__(self):
        return self.subject


class ProductCategory(Node):
    """A place of products in a tree."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(parent=None) | ~models.Q(parent=models.F("id")), name="category_is_not_its_own_parent",
                violation_error_message=_("A category cannot stand below itself."),
            ),
        ]  # fmt: skip


class ProductCategoryLink(Link):
    ancestor = models.ForeignKey(ProductCategory, models.CASCADE, related_name="links_down")
    descendant = models.ForeignKey(ProductCategory, models.CASCADE, related_name="links_up")

    class Meta:
        constraints = [models.UniqueConstraint("ancestor", "descendant", "valid_from", name="category_link_is_unique")]


class Product(Record):
    """Something sold: a good or a service, with the price it has where no price book says otherwise."""

    sku = models.CharField(_("SKU"), max_length=60)
    name = models.CharField(_("Name"), max_length=200)
    sort_key = models.CharField(max_length=400, default="", editable=False)
    category = models.ForeignKey(ProductCategory, models.PROTECT, null=True, blank=True, verbose_name=_("Category"), related_name="products")
    kind = ChoiceField(_("Kind"), choices=(("good", _("Good")), ("service", _("Service"))), default="good")
    unit_price = MoneyField(_("Unit price"), null=True, blank=True)
    cost = MoneyField(_("Cost"), null=True, blank=True)
    currency = CodeField(_("Currency"), standard="currency")
    uom = models.CharField(_("Unit of measure"), max_length=60, blank=True, default="")
    tax_code = models.ForeignKey("core.TaxCode", models.PROTECT, null=True, blank=True, verbose_name=_("Tax code"), related_name="+")
    active = models.BooleanField(_("Active"), default=True)
    external_id = models.CharField(_("External id"), max_length=100, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint("sku", name="product_sku_is_unique"),
            models.CheckConstraint(
                condition=models.Q(unit_price=None) | models.Q(unit_price__gte=0), name="product_price_is_not_negative",
                violation_error_message=_("A price cannot be negative."),
            ),
        ]  # fmt: skip

    def __str__(self):
        return self.name
