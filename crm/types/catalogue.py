"""What the company sells and for how much: product categories, products, price books; and the dimensions they give to facts."""

from django.utils.translation import gettext_lazy as _

from core.registry import Dimension, Lines, ObjectType, named, register
from core.structures import demand_tree, keep_links
from crm.models import PriceBook, PriceBookEntry, Product, ProductCategory
from crm.rules import prices

CATALOGUE = _("Catalogue")

register(
    ObjectType(
        "product-categories", ProductCategory, _("Product category"), _("Product categories"), ("name", "parent"), columns=("name", "parent"),
        search=("name",), owner=None, settled=True, icon="category", group=CATALOGUE, check=demand_tree, after=keep_links,
        sort=("name",), keys=("name",), related=(("products", "category"),), figures=(("order-intake", "product_category"),),
    ),
    ObjectType(
        "products", Product, _("Product"), _("Products"),
        (
            "sku", "name", "category", "kind", named("unit_price", minimum=0), named("cost", minimum=0), "currency", "uom", "tax_code", "active",
            "external_id",
        ),
        columns=("name", "sku", "category", "unit_price", "active"), search=("name", "sku", "external_id"), owner=None, icon="package",
        group=CATALOGUE, sort=("name",), keys=("sku",), filters=("category", "kind", "active"),
        figures=(("order-intake", "product"), ("discount-given", "product")), fills=prices.fill,
    ),
    ObjectType(
        "price-books", PriceBook, _("Price book"), _("Price books"), ("name", "currency", "customer_roles", "valid_from", "valid_to"),
        columns=("name", "currency", "customer_roles", "valid_from", "valid_to"), search=("name",), owner=None, icon="tag", group=CATALOGUE,
        lines=(
            Lines(
                "entries", PriceBookEntry, "price_book",
                ("product", named("min_quantity", minimum=0, required=False), named("unit_price", minimum=0, required=True)), label=_("Prices"),
            ),
        ),
        prepare=prices.prepare, check=prices.check, sort=("name",), keys=("name",), filters=("currency", "customer_roles"),
    ),
    Dimension("product", _("Product"), column="product", target="products"),
    Dimension("product_category", _("Product category"), column="product", target="products", through="category", tree=ProductCategory),
)  # fmt: skip
