"""What a line of any document leaves out comes from its product, and what is refused at a line."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from core.cleaning import Cleaned
from core.errors import RuleError
from core.models.record import Record
from core.prepared import columns
from crm.models import Product
from crm.rules.prices import Prices, price_lines


def fill_lines(wanted: Iterable[tuple[Record, date, list[Cleaned]]], accounts: Mapping[UUID, tuple] | None = None) -> None:
    """Description, price and tax code of new lines, for documents ``(document, its day, rows)``; ``tax_code: null`` means none.

    Why a line has its price stays with it in ``price_trace``, which the rows' type must show. A document's currency and
    account stand before. ``accounts`` are those read already: id -> currency, roles.
    Cost: three queries for all documents, and one where prices are converted. Errors: as ``price_lines``.
    """
    wanted = list(wanted)
    ids = {row.values["product"] for _d, _day, rows in wanted for row in rows if row.values.get("product")}
    if not ids:
        return
    prices = Prices(ids, {document.currency for document, _day, _rows in wanted})
    price_lines(wanted, prices, accounts or {})
    for _document, _day, rows in wanted:
        for row in rows:
            product = prices.products.get(row.values.get("product"))
            if product is None:
                continue
            for name, value in (("description", product.name), ("tax_code", product.tax_code_id)):
                if name not in row.values and name not in row.errors and value is not None:
                    row.values[name] = value


def demand_active(rows: Iterable[Any], present: Iterable[UUID] = (), known: Mapping[UUID, tuple] | None = None) -> None:
    """A line newly put on a document names an active product. Cost: one query, none where it is ``known``: product -> whether it is active, and more."""
    rows, present = list(rows), set(present)
    fresh = {r.product_id for r in rows if r.product_id and r.product_id not in present}
    known = columns(Product, fresh, "active") if known is None else known
    inactive = {product for product in fresh if product in known and not known[product][0]}
    errors = {f"lines.{i}.product": [_("This product is no longer sold.")] for i, r in enumerate(rows) if r.product_id in inactive}
    if errors:
        raise RuleError(errors)
