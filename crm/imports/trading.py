"""A trading company's database, as the Northwind sample has it: who works there, whom it deals with, what it sells. Orders: ``erp.imports``.

Each manager heads a unit of his own name, the top one the company's; managers belong to their own unit, others to their manager's.
"""

from django.utils.translation import gettext_lazy as _

from core.transfer import cells
from core.transfer.shapes import Column, DefaultRole, Either, Made, NamedIn, Shape, Step, Text, register

TRADING = "trading"
HEADS = NamedIn("employees", "reports_to", "employee_id")
FULL_NAME = Text("{first_name} {last_name}", columns=("first_name", "last_name"))
ADDRESS = {
    "street": Column("address", lambda text: cells.newlines(text).replace("\n", ", ")), "city": Column("city"), "region": Column("region"),
    "postal_code": Column("postal_code"), "country": Column("country", cells.country), "phone": Column("phone"),
}  # fmt: skip


def _address_part(text: str) -> str:
    """A name as it stands in an e-mail address: without spaces, in lower case."""
    return "".join(text.split()).lower()


register(
    Shape(
        TRADING,
        _("a trading company's database"),
        {
            "employees": ("employee_id", "first_name", "last_name", "reports_to"),
            "customers": ("customer_id", "company_name", "contact_name", "country"),
            "suppliers": ("supplier_id", "company_name", "contact_name", "country"),
            "categories": ("category_id", "category_name"),
            "products": ("product_id", "product_name", "category_id", "unit_price", "discontinued"),
        },
        (
            Step(
                "units", "org-units", "employees", "employee_id", {"name": FULL_NAME, "parent": Made("units", ("reports_to",))},
                where=HEADS, above="reports_to", onto_root=True,
            ),
            Step(
                "people", "users", "employees", "employee_id",
                {
                    "name": FULL_NAME, "email": Text("{first_name}.{last_name}@northwind.example", _address_part, ("first_name", "last_name")),
                    "unit": Either(HEADS, Made("units", ("employee_id",)), Made("units", ("reports_to",))),
                    "roles": Either(HEADS, DefaultRole("sales-manager"), DefaultRole("sales")), "manager": Made("people", ("reports_to",)),
                },
                above="reports_to",
            ),
            Step("managers", "org-units", "employees", "employee_id", {"manager": Made("people", ("employee_id",))}, where=HEADS, change="units"),
            Step(
                "customers", "accounts", "customers", "customer_id",
                {"name": Column("company_name"), "external_id": Column("customer_id"), "roles": Text("customer"), **ADDRESS},
            ),
            Step(
                "customers' contacts", "contacts", "customers", "customer_id",
                {"name": Column("contact_name"), "title": Column("contact_title"), "account": Made("customers", ("customer_id",))},
            ),
            Step(
                "suppliers", "accounts", "suppliers", "supplier_id",
                {"name": Column("company_name"), "external_id": Column("supplier_id"), "roles": Text("supplier"), **ADDRESS},
            ),
            Step(
                "suppliers' contacts", "contacts", "suppliers", "supplier_id",
                {"name": Column("contact_name"), "title": Column("contact_title"), "account": Made("suppliers", ("supplier_id",))},
            ),
            Step("categories", "product-categories", "categories", "category_id", {"name": Column("category_name")}),
            Step(
                "products", "products", "products", "product_id",
                {
                    "sku": Column("product_id"), "name": Column("product_name"), "category": Made("categories", ("category_id",)),
                    "unit_price": Column("unit_price"), "uom": Column("quantity_per_unit"), "active": Column("discontinued", cells.opposite),
                },
            ),
        ),
    )
)  # fmt: skip
