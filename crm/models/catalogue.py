"""What the company sells and for how much: product categories, products, price books. What may happen to them: ``crm.rules``."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.models.columns import ChoiceField, ChoicesField, CodeField, MoneyField, NumberField, named
from core.models.record import Line, Record
from core.models.structure import Link, Node
from crm.models.parties import ACCOUNT_ROLES


class ProductCategory(Node):
    """A place of products in a tree."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(parent=None) | ~models.Q(parent=models.F("id")), name="category_is_not_its_own_parent",
                violation_error_message=_("A category cannot stand below itself."),
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["sort_key", "id"], name="category_sorted")]


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
        indexes = [models.Index(fields=["sort_key", "id"], name="product_sorted"), named("product")]

    def __str__(self):
        return self.name


class PriceBook(Record):
    """Prices in one currency for those accounts that have one of the roles (none named: for all), while it is valid."""

    name = models.CharField(pgettext_lazy("thing", "Name"), max_length=200)
    sort_key = models.CharField(max_length=400, default="", editable=False)
    currency = CodeField(_("Currency"), standard="currency")
    customer_roles = ChoicesField(_("For accounts that are"), options=ACCOUNT_ROLES)
    valid_from = models.DateField(_("Valid from"), null=True, blank=True)
    valid_to = models.DateField(_("Valid to"), null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(valid_from=None) | models.Q(valid_to=None) | models.Q(valid_from__lte=models.F("valid_to")),
                name="price_book_ends_after_it_begins", violation_error_message=_("A price book ends after it begins."),
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["sort_key", "id"], name="price_book_sorted")]

    def __str__(self):
        return self.name


class PriceBookEntry(Line):
    """The price of one product from a quantity on."""

    price_book = models.ForeignKey(PriceBook, models.CASCADE, related_name="entries")
    product = models.ForeignKey(Product, models.PROTECT, verbose_name=_("Product"), related_name="+")
    min_quantity = NumberField(_("From quantity"), default=1)
    unit_price = MoneyField(_("Unit price"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["price_book", "product", "min_quantity"], name="price_book_step_is_unique"),
            models.CheckConstraint(
                condition=models.Q(unit_price__gte=0), name="price_book_price_is_not_negative", violation_error_message=_("A price cannot be negative."),
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["product"], name="price_book_entry_product")]
