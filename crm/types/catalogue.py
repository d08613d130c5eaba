"""What the company sells: product categories and products; and the dimensions they give to facts."""

from django.utils.translation import gettext_lazy as _

from core.registry import Dimension, ObjectType, named, register
from core.structures import demand_tree, keep_links
from crm.models import Product, ProductCategory

CATALOGUE = _("Catalogue")

register(
    ObjectType(
        "product-categories", ProductCategory, _("Product category"), _("Product categories"), ("name", "parent"), columns=("name", "parent"),
        search=("name",), owner=None, icon="category", group=CATALOGUE, check=demand_tree, after=keep_links,
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
        figures=(("order-intake", "product"), ("discount-given", "product")),
    ),
    Dimension("product", _("Product"), column="product", target="products"),
    Dimension("product_category", _("Product category"), column="product", target="products", through="category", tree=ProductCategory),
)  # fmt: skip
