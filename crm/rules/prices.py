"""Which price a line gets that names none, and why: price books, the product's own price, conversion; the steps in words.

A trace is a list of steps free of language: ``{"rule", "price", ...}`` with amounts as strings and ids, in the order in which
they led to the price. The last step's ``price`` is what the line got.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from core import access, context, edition
from core.access import Actor
from core.cleaning import Cleaned
from core.columns import Table
from core.errors import RuleError
from core.kinds import KINDS
from core.money import plain, round_money
from core.prepared import Prepared, columns, in_bulk, listed
from core.rates import Rates
from core.registry import Reason, get
from core.showing import Sentence
from core.structures import today
from crm.models import Account, PriceBook, PriceBookEntry, Product

PASSED_OVER = 3  # so many other books that would have had a price are told
DATES = ("date", "order_date", "invoice_date")  # what the day of a document is called in its form
ONE = Decimal(1)


@dataclass(frozen=True)
class Asked:
    """What a price depends on. ``currency`` is never empty."""

    product: UUID
    quantity: Decimal
    currency: str
    day: date
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Price:
    """The price there is, if any, and the steps that led to it."""

    amount: Decimal | None
    steps: list[dict[str, Any]]


ENTRIES = Prepared(lambda ids: PriceBookEntry.objects.filter(product__among=ids, price_book__archived_at=None).select_related("price_book"), "ids")


class Prices:
    """All that the prices of some products depend on, read once for any number of lines.

    Cost: two queries, and one where a product's own price is in another currency than a document's.
    """

    def __init__(self, products: Iterable[UUID], currencies: Iterable[str]):
        base = context.company().currency
        self.products = in_bulk(Product, products)
        self.rates = Rates({*currencies, *(p.currency or base for p in self.products.values())})
        self.entries: dict[tuple[UUID, str], list[PriceBookEntry]] = defaultdict(list)
        if self.products:
            for entry in ENTRIES.records(listed(self.products)):
                self.entries[entry.product_id, entry.price_book.currency or base].append(entry)

    def of(self, asked: Asked) -> Price:
        """The price of so many of a product. The most special book wins: for certain roles before for all, later valid_from, lower price."""
        product = self.products.get(asked.product)
        if product is None:
            return Price(None, [])
        ranked = sorted(self._steps_that_hold(asked), key=_rank)
        if not ranked:
            return self._own_price(product, asked)
        steps = [_told_entry(entry, asked.currency, "passed-over") for entry in reversed(ranked[1 : 1 + PASSED_OVER])]
        return Price(ranked[0].unit_price, [*steps, _told_entry(ranked[0], asked.currency, "book")])

    def _steps_that_hold(self, asked: Asked) -> list[PriceBookEntry]:
        """Of each book that holds for these roles on this day its entry with the largest quantity that is reached."""
        best: dict[UUID, PriceBookEntry] = {}
        for entry in self.entries.get((asked.product, asked.currency), ()):
            if entry.min_quantity > asked.quantity or not _holds(entry.price_book, asked):
                continue
            if entry.price_book_id not in best or best[entry.price_book_id].min_quantity < entry.min_quantity:
                best[entry.price_book_id] = entry
        return list(best.values())

    def _own_price(self, product: Product, asked: Asked) -> Price:
        """The product's own price, converted through the base currency at the rates of the day where it is in another."""
        currency = product.currency or context.company().currency
        if product.unit_price is None:
            return Price(None, [{"rule": "none", "product": str(product.pk), "currency": asked.currency}])
        own = {"rule": "product", "product": str(product.pk), "price": plain(product.unit_price, 2), "currency": currency}
        if currency == asked.currency:
            return Price(product.unit_price, [own])
        there, here = self.rates.on(currency, asked.day), self.rates.on(asked.currency, asked.day)
        if there is None or here is None:
            missing = currency if there is None else asked.currency
            return Price(None, [own, {"rule": "no-rate", "currency": missing, "day": asked.day.isoformat()}])
        amount = round_money(product.unit_price * there / here, asked.currency)
        return Price(amount, [own, {
            "rule": "converted", "price": plain(amount, 2), "currency": asked.currency, "from": currency, "day": asked.day.isoformat(),
            "rates": [plain(there), plain(here)],
        }])  # fmt: skip


def _holds(book: PriceBook, asked: Asked) -> bool:
    if book.customer_roles and not asked.roles & set(book.customer_roles):
        return False
    return (book.valid_from or asked.day) <= asked.day <= (book.valid_to or asked.day)


def _rank(entry: PriceBookEntry) -> tuple:
    """The best first; the id last, so that equal ones never change places."""
    book = entry.price_book
    return (not book.customer_roles, -(book.valid_from or date.min).toordinal(), entry.unit_price, book.pk)


def _told_entry(entry: PriceBookEntry, currency: str, rule: str) -> dict[str, Any]:
    return {
        "rule": rule, "book": str(entry.price_book_id), "product": str(entry.product_id), "price": plain(entry.unit_price, 2), "currency": currency,
        "from_quantity": plain(entry.min_quantity), "roles": sorted(entry.price_book.customer_roles),
    }  # fmt: skip


# Lines of documents -------------------------------------------------------------------------------------------------


def price_lines(wanted: list[tuple[Any, date, list[Cleaned]]], prices: Prices, accounts: Mapping[UUID, tuple]) -> None:
    """Give new rows the price they lack, and every new row with a product its trace. Cost: one query for the roles of accounts not read already.

    A price that was typed stays; the trace then ends with it, unless it is the very price there is. Errors: RuleError at
    ``lines`` where a price would have to be converted and there is no rate.
    """
    roles = {account: roles for account, (_currency, roles) in accounts.items()}
    unread = {document.account_id for document, _day, _rows in wanted} - roles.keys()
    roles |= {account: roles for account, (roles,) in columns(Account, unread, "roles").items()}
    base = context.company().currency
    for document, day, rows in wanted:
        for row in rows:
            if row.values.get("product") not in prices.products:
                continue
            asked = Asked(
                row.values["product"], row.values.get("quantity") or ONE, document.currency or base, day, frozenset(roles.get(document.account_id) or ()),
            )  # fmt: skip
            _price_row(row, prices.of(asked), asked, prices.products[asked.product])


def _price_row(row: Cleaned, price: Price, asked: Asked, product: Product) -> None:
    typed = row.values.get("unit_price")
    if "unit_price" not in row.values and "unit_price" not in row.errors:
        if price.amount is None and price.steps[-1]["rule"] == "no-rate":
            raise RuleError({"lines": [_("There is no exchange rate for %(currency)s on %(day)s to convert the price of %(product)s; enter a price.") % {
                "currency": price.steps[-1]["currency"], "day": asked.day, "product": product.name,
            }]})  # fmt: skip
        if price.amount is not None:
            row.values["unit_price"] = price.amount
    steps = price.steps
    if typed is not None and typed != price.amount:
        steps = [*steps, {"rule": "typed", "price": plain(typed, 2), "currency": asked.currency}]
    row.values["price_trace"] = steps


def fill(actor: Actor, products: list[Product], asked: dict[str, str]) -> dict[UUID, dict[str, Any]]:
    """The ``fills`` hook of products: the price each would have in a document with this head. Cost: four queries for any number.

    ``asked`` holds texts of a form: ``account``, ``currency``, ``quantity``, one of ``DATES``; what is no such thing counts as not given.
    """
    seen = access.fields(actor, get("products"))
    account = _account(actor, asked.get("account", ""))
    currency = asked.get("currency") or (account.currency if account else "") or context.company().currency
    day = _value("date", next((asked[n] for n in DATES if asked.get(n)), ""), today())
    quantity = _value("number", asked.get("quantity"), ONE)
    prices = Prices([p.pk for p in products], [currency])
    filled = {}
    for product in products:
        price = prices.of(Asked(product.pk, quantity, currency, day, frozenset(account.roles if account else ())))
        given = {"unit_price": price.amount, "tax_code": product.tax_code_id, "description": product.name}
        filled[product.pk] = {n: v for n, v in given.items() if n in seen or n not in get("products").fields}
    return filled


def _account(actor: Actor, text: str) -> Account | None:
    try:
        return access.rows(actor, get("accounts")).filter(pk=UUID(text)).first() if access.allows(actor, get("accounts"), "view") else None
    except ValueError:
        return None


def _value(kind: str, text: str | None, otherwise: Any) -> Any:
    try:
        return KINDS[kind].clean(get("price-books").fields["valid_from"], text) if text else otherwise
    except ValueError:
        return otherwise


# In words -----------------------------------------------------------------------------------------------------------

HERE = "\x00"  # where in a sentence the name of a record stands


def tell(actor: Actor, document: Any, rows: list[Any]) -> dict[UUID, tuple[Sentence, ...]]:
    """Why each row has its price, for this reader. A price changed since says so. Cost: none; names are read by who shows it."""
    if not traces_are_seen(actor):
        return {}
    return {row.pk: _sentences(row) for row in rows if row.price_trace}


def _sentences(row: Any) -> tuple[Sentence, ...]:
    steps = list(row.price_trace)
    last = steps[-1]
    if "price" in last and Decimal(last["price"]) != row.unit_price:
        steps = [*(s for s in steps if s["rule"] != "typed"), {"rule": "typed", "price": plain(row.unit_price, 2), "currency": last["currency"]}]
    return tuple(_sentence(step) for step in steps)


def _sentence(step: dict[str, Any]) -> Sentence:
    """One step. Words stand on both sides of the name of the book or product."""
    words = {name: str(value) for name, value in step.items()} | {"record": HERE, "price": _money(step), "quantity": step.get("from_quantity", "")}
    if "rates" in step:
        words |= {"there": step["rates"][0], "here": step["rates"][1], "base": context.company().currency}
    told = TOLD[step["rule"]]() % words
    if HERE not in told:
        return (told,)
    record = ("price-books", UUID(step["book"])) if "book" in step else ("products", UUID(step["product"]))
    before, after = told.split(HERE, 1)
    return tuple(part for part in (before, record, after) if part)


def _money(step: dict[str, Any]) -> str:
    return KINDS["money"].text(None, Decimal(step["price"]), step["currency"]) if "price" in step else ""


TOLD = {
    "book": lambda: _("Price book %(record)s: %(price)s from %(quantity)s on."),
    "passed-over": lambda: _("%(record)s would give %(price)s from %(quantity)s on; another price book comes before it."),
    "product": lambda: _("The price of the product %(record)s itself: %(price)s."),
    "converted": lambda: _("Converted on %(day)s: %(price)s (1 %(from)s = %(there)s %(base)s, 1 %(currency)s = %(here)s %(base)s)."),
    "no-rate": lambda: _("There was no exchange rate for %(currency)s on %(day)s."),
    "none": lambda: _("Neither a price book nor the product %(record)s has a price."),
    "typed": lambda: _("Entered by hand: %(price)s."),
}


def traces_are_seen(actor: Actor) -> bool:
    """Whether the reader may know the prices that traces tell: all of price books and of products. Cost: none."""
    for slug, names in (("price-books", {"entries"}), ("products", {"unit_price"})):
        object_type = get(slug)
        if not access.allows(actor, object_type, "view") or names & access.hidden_names(actor, object_type):
            return False
        if not access.sees_all(actor, object_type):
            return False
    return True


def redact(actor: Actor, table: Table) -> None:
    """The ``redact`` hook of documents: no trace for whom it would tell what he may not see."""
    lines, _counts = table.lines.get("lines", (None, ()))
    if lines is None or not lines.records or "price_trace" not in lines.columns:
        return
    if not edition.keep(("traces are seen", access.rights(actor)), lambda: traces_are_seen(actor)):
        lines.columns["price_trace"] = [[] for _row in lines.records]


WHY = (Reason("unit_price", "price_trace", tell),)


# Price books --------------------------------------------------------------------------------------------------------


def prepare(actor: Actor, pairs: list) -> None:
    """A book without a currency is in the company's."""
    for book, _made in pairs:
        book.currency = book.currency or context.company().currency


def check(actor: Actor, book: PriceBook, changed: dict, rows: dict) -> None:
    """A product has one price from each quantity on."""
    met, errors = set(), {}
    for position, entry in enumerate(rows.get("entries", ())):
        key = (entry.product_id, entry.min_quantity)
        if key in met:
            errors[f"entries.{position}.min_quantity"] = [_("This book has a price of this product from this quantity on already.")]
        met.add(key)
    if errors:
        raise RuleError(errors)


__all__ = ["WHY", "Asked", "Price", "Prices", "check", "fill", "prepare", "price_lines", "redact", "tell", "traces_are_seen"]
