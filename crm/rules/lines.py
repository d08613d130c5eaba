"""What a line of any document leaves out comes from its product, and what is refused at a line."""

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from core.cleaning import Cleaned
from core.errors import RuleError
from core.models.record import Record
from crm.models import Product


def fill_lines(wanted: Iterable[tuple[Record, date, list[Cleaned]]]) -> None:
    """Description, price and tax code of new lines, for documents ``(document, its day, rows)``; ``tax_code: null`` means none.

    Cost: one query for the products of all documents.
    """
    wanted = list(wanted)
    products = Product.objects.in_bulk({row.values["product"] for _d, _day, rows in wanted for row in rows if row.values.get("product")})
    for _document, _day, rows in wanted:
        for row in rows:
            product = products.get(row.values.get("product"))
            if product is None:
                continue
            for name, value in (("description", product.name), ("unit_price", product.unit_price), ("tax_code", product.tax_code_id)):
                if name not in row.values and name not in row.errors and value is not None:
                    row.values[name] = value


def demand_active(rows: Iterable[Any], present: Iterable[UUID] = ()) -> None:
    """A line newly put on a document names an active product. Cost: one query."""
    rows, present = list(rows), set(present)
    fresh = {r.product_id for r in rows if r.product_id and r.product_id not in present}
    inactive = set(Product.objects.filter(pk__in=fresh, active=False).values_list("pk", flat=True)) if fresh else set()
    errors = {f"lines.{i}.product": [_("This product is no longer sold.")] for i, r in enumerate(rows) if r.product_id in inactive}
    if errors:
        raise RuleError(errors)
