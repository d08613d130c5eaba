"""Verified of the amounts of documents: each is worked out anew from the quantities, prices, rates and codes that stand beside it."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy

from core import context, registry
from core.doctor import Check, Difference, chunks, compare, label_of, register
from core.models import Document
from core.models.document import DocumentCharge
from core.money import minor_unit
from core.registry import Lines, ObjectType

ZERO, ONE = Decimal(0), Decimal(1)


def rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(minor_unit(currency), ROUND_HALF_UP)


def documents_add_up() -> Iterator[Difference]:
    """Cost: for every 500 documents one query, and one for each kind of rows.

    Tax is worked out where its rates are kept with the rows, once posted; an order keeps its sums while a code's rate changes.
    """
    for object_type in registry.every():
        if object_type.rows is None and issubclass(object_type.model, Document):
            for documents in chunks(object_type.all()):
                rows = {entry.name: _rows(entry, documents) for entry in object_type.lines}
                for document in documents:
                    yield from _document(object_type, document, {name: found[document.pk] for name, found in rows.items()})


def _rows(entry: Lines, documents: list) -> dict[Any, list]:
    found: dict[Any, list] = defaultdict(list)
    for row in entry.model.objects.filter(**{f"{entry.parent}__in": [d.pk for d in documents]}).order_by("position", "pk"):
        found[getattr(row, f"{entry.parent}_id")].append(row)
    return found


def _document(object_type: ObjectType, document: Document, rows: dict[str, list]) -> Iterator[Difference]:
    base, currency = context.company().currency, document.currency
    label = partial(label_of, object_type.model)
    net, charged = ZERO, ZERO
    taxed: dict[Any, Decimal] = defaultdict(Decimal)
    rates: dict[Any, Decimal] = {}
    keeps_rates = False
    for row in (row for entry in object_type.lines for row in rows[entry.name]):
        if isinstance(row, DocumentCharge):
            charged, amount = charged + row.amount, row.amount
        else:
            amount = rounded(row.quantity * row.unit_price * (ONE - row.discount), currency)
            yield from compare(document, [
                (label_of(type(row), "net"), amount, row.net), (label_of(type(row), "base_net"), rounded(row.net * document.rate, base), row.base_net),
            ], row)  # fmt: skip
            net += row.net
        taxed[row.tax_code_id] += amount
        if document.status != "draft" and hasattr(row, "tax_rate"):
            keeps_rates, rates[row.tax_code_id] = True, row.tax_rate
    yield from compare(document, [
        (label("net"), net, document.net), (label("charges_total"), charged, document.charges_total),
        (label("total"), document.net + document.tax + document.charges_total, document.total),
        (label("base_net"), rounded(document.net * document.rate, base), document.base_net),
        (label("base_total"), rounded(document.total * document.rate, base), document.base_total),
    ])  # fmt: skip
    if keeps_rates:
        tax = sum((rounded(amount * rates[code], currency) for code, amount in taxed.items() if code is not None), ZERO)
        yield from compare(document, [(label("tax"), tax, document.tax)])


def base_currency_has_no_rate() -> Iterator[Difference]:
    """Cost: one query for each type of document."""
    base = context.company().currency
    for object_type in registry.every():
        if object_type.rows is None and issubclass(object_type.model, Document):
            for document in object_type.all().filter(currency=base).exclude(rate=1)[:1000]:
                yield from compare(document, [(label_of(object_type.model, "rate"), ONE, document.rate)])


register(
    Check(
        "documents", gettext_lazy("Lines are quantity x price less discount, documents are lines + charges + tax, base amounts are at the document's rate."),
        documents_add_up,
    ),
    Check("rates", gettext_lazy("Documents in the company's own currency are at rate 1."), base_currency_has_no_rate),
)  # fmt: skip
