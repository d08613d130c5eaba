"""Which price a line gets, against a plain model over random books; why, in words; and what it costs."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from core import access, context, door, registry, write
from tests import factories, people

FIRST = date(2026, 1, 1)
RATES = {"USD": {FIRST: Decimal("0.9"), FIRST + timedelta(days=20): Decimal("0.8")}, "JPY": {FIRST + timedelta(days=5): Decimal("0.006")}}
ROLES = ("customer", "partner", "prospect")


@pytest.fixture(scope="module")
def company():
    with context.bind(people.new_company(currency="EUR")) as made:
        yield made


@pytest.fixture(scope="module")
def owner(alice):
    return access.actor_for(alice)


@pytest.fixture(scope="module")
def api(alice, company):
    made = people.api(alice, company)
    for currency, rates in RATES.items():
        for day, rate in rates.items():
            assert made.post("exchange-rates/", {"currency": currency, "date": day.isoformat(), "rate": str(rate)}).status_code == 201
    return made


def order(api, account, lines, **head):
    response = api.post("orders/", {"account": account, "order_date": FIRST.isoformat(), "lines": lines, **head})
    assert response.status_code == 201, response.content
    return response.json()


def book(api, entries, **fields):
    response = api.post("price-books/", {"name": "Book", "entries": entries, **fields})
    assert response.status_code == 201, response.content
    return response.json()


# Against a plain model ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True)
class Book:
    currency: str
    roles: tuple[str, ...]
    start: date | None
    end: date | None
    entries: tuple[Entry, ...]


def rate_on(currency, day):
    known = [(at, rate) for at, rate in RATES.get(currency, {FIRST - timedelta(days=1): Decimal(1)}).items() if at <= day]
    return max(known)[1] if known else None


def expected(books, own, own_currency, roles, currency, day, quantity):
    """The rule as the design says it, word for word and without care for speed."""
    offers = []
    for one in books:
        right_time = (one.start is None or one.start <= day) and (one.end is None or day <= one.end)
        right_roles = not one.roles or bool(set(one.roles) & set(roles))
        reached = [e for e in one.entries if e.quantity <= quantity]
        if one.currency == currency and right_time and right_roles and reached:
            offers.append((one, max(reached, key=lambda e: e.quantity).price))
    if offers:
        named = [o for o in offers if o[0].roles] or offers
        latest = max(o[0].start or date.min for o in named)
        return min(price for one, price in named if (one.start or date.min) == latest)
    if own is None:
        return None
    if own_currency == currency:
        return own
    there, here = rate_on(own_currency, day), rate_on(currency, day)
    if there is None or here is None:
        return None
    return (own * there / here).quantize(Decimal(1) if currency == "JPY" else Decimal("0.01"), ROUND_HALF_UP)


money = st.decimals(min_value=0, max_value=500, places=4)
days = st.integers(0, 40).map(lambda n: FIRST + timedelta(days=n))
roles = st.lists(st.sampled_from(ROLES), unique=True, max_size=2).map(tuple)
currencies = st.sampled_from(["EUR", "USD", "JPY"])


@st.composite
def book_drawn(draw):
    start, end = draw(st.none() | days), draw(st.none() | days)
    if start and end and end < start:
        start, end = end, start
    entries = draw(st.lists(st.builds(Entry, st.sampled_from(["0", "1", "2.5", "10"]).map(Decimal), money), max_size=3, unique_by=lambda e: e.quantity))
    return Book(draw(currencies), draw(roles), start, end, tuple(entries))


@given(st.data())
def test_prices_are_those_of_a_plain_model(company, owner, api, data):
    books = data.draw(st.lists(book_drawn(), max_size=5))
    own, own_currency = data.draw(st.none() | money), data.draw(currencies)
    product = factories.make("products", owner, unit_price=None if own is None else str(own), currency=own_currency)

    def enter():
        rows = [{
            "name": "Drawn", "currency": b.currency, "customer_roles": list(b.roles), "valid_from": b.start, "valid_to": b.end,
            "entries": [{"product": str(product.pk), "min_quantity": str(e.quantity), "unit_price": str(e.price)} for e in b.entries],
        } for b in books]  # fmt: skip
        rows = [{**r, "valid_from": r["valid_from"] and r["valid_from"].isoformat(), "valid_to": r["valid_to"] and r["valid_to"].isoformat()} for r in rows]
        return write.create_many(owner, registry.types["price-books"], rows) if rows else []

    door.writing(enter)
    for _each in range(4):
        held, currency, day = data.draw(roles), data.draw(currencies), data.draw(days)
        quantity = data.draw(st.sampled_from(["0.5", "1", "2.5", "3", "12"]))
        account = factories.make("accounts", owner, roles=list(held))
        line = {"product": str(product.pk), "quantity": quantity}
        head = {"account": str(account.pk), "currency": currency, "order_date": day.isoformat(), "rate": "1.5" if currency != "EUR" else None}
        price = expected(books, own, own_currency, held, currency, day, Decimal(quantity))
        response = api.post("orders/", {**head, "lines": [line]})
        unconvertible = price is None and own is not None
        assert response.status_code == (422 if unconvertible else 201), response.content
        if unconvertible:
            assert "exchange rate" in response.json()["errors"]["lines"][0]
            continue
        made = response.json()["lines"][0]
        assert Decimal(made["unit_price"]) == (price or 0)
        last = made["price_trace"][-1]
        assert Decimal(last["price"]) == price if price is not None else last["rule"] == "none"


# The rules one by one -----------------------------------------------------------------------------------------------


def test_a_typed_price_is_told_beside_what_the_book_would_have_said(api):
    product, account = factories.make("products", api)["id"], factories.make("accounts", api)["id"]
    book(api, [{"product": product, "unit_price": "8.1234"}])
    typed, same, left = order(api, account, [
        {"product": product, "unit_price": "7"}, {"product": product, "unit_price": "8.1234"}, {"product": product},
    ])["lines"]  # fmt: skip
    assert [s["rule"] for s in typed["price_trace"]] == ["book", "typed"] and typed["price_trace"][-1]["price"] == "7.00"
    assert same["price_trace"] == left["price_trace"] and left["unit_price"] == "8.1234"
    assert [s["rule"] for s in left["price_trace"]] == ["book"]


def test_a_trace_is_not_written_by_anybody(api):
    product, account = factories.make("products", api)["id"], factories.make("accounts", api)["id"]
    made = order(api, account, [{"product": product, "price_trace": [{"rule": "typed", "price": "1"}]}])
    assert [s["rule"] for s in made["lines"][0]["price_trace"]] == ["product"]


def test_an_archived_book_has_no_say(api):
    product, account = factories.make("products", api)["id"], factories.make("accounts", api)["id"]
    gone = book(api, [{"product": product, "unit_price": "1"}])
    assert api.post(f"{gone['url']}archive/").status_code == 200
    assert order(api, account, [{"product": product}])["lines"][0]["unit_price"] == "10.00"


def test_a_book_has_one_price_from_each_quantity_on(api):
    product = factories.make("products", api)["id"]
    entries = [{"product": product, "min_quantity": "5", "unit_price": "1"}, {"product": product, "min_quantity": "5.000", "unit_price": "2"}]
    refused = api.post("price-books/", {"name": "Twice", "entries": entries})
    assert refused.status_code == 422 and "entries.1.min_quantity" in refused.json()["errors"]
    ends = api.post("price-books/", {"name": "Ends before", "valid_from": "2026-02-01", "valid_to": "2026-01-01"})
    assert ends.status_code == 422


def test_a_thousand_orders_are_priced_at_the_cost_of_one(owner, api):
    product, account = str(factories.make("products", owner).pk), str(factories.make("accounts", owner).pk)
    book(api, [{"product": product, "unit_price": "3"}])

    def cost(number):
        items = [{"account": account, "order_date": FIRST.isoformat(), "lines": [{"product": product}]} for _each in range(number)]
        with CaptureQueriesContext(connection) as queries:
            made = door.writing(lambda: write.create_many(owner, registry.types["orders"], items))
        assert len(made) == number
        return len(queries)

    assert cost(99) == cost(2) and cost(200) == cost(120), "from a hundred rows on each kind of them is a stream of its own"


# In words, and in the browser ---------------------------------------------------------------------------------------


def test_the_page_of_a_record_says_why_each_price_is_what_it_is(api, alice, client_for):
    product, account = factories.make("products", api, name="Lamp")["id"], factories.make("accounts", api)["id"]
    partners = book(api, [{"product": product, "unit_price": "6.50", "min_quantity": "2"}], name="Partners 2026")
    made = order(api, account, [{"product": product, "quantity": "3"}, {"product": product, "quantity": "3", "unit_price": "5"}])
    page = client_for(alice).get(f"/orders/{made['id']}/").content.decode()
    assert f'<a href="/price-books/{partners["id"]}/">Partners 2026</a>' in page
    assert "Entered by hand: €5.00." in page and "€6.50 from 2 on." in page
    assert "passed-over" not in page and "price_trace" not in page


def test_who_may_not_see_price_books_is_told_no_reasons(api, company, client_for):
    product, account = factories.make("products", api)["id"], factories.make("accounts", api)["id"]
    secret = book(api, [{"product": product, "unit_price": "6.66"}], name="Secret book")
    grants = [{"type": t, "actions": ["view"], "scope": "all"} for t in ("orders", "accounts", "products")]
    role = factories.make("roles", api, grants=grants)["id"]
    reader = people.new_user("Reader", roles=[role])
    made = order(api, account, [{"product": product, "unit_price": "9"}])
    seen = people.api(reader, company).get(made["url"]).json()
    assert seen["lines"][0]["unit_price"] == "9.00" and seen["lines"][0]["price_trace"] == []
    page = client_for(reader).get(f"/orders/{made['id']}/").content.decode()
    assert "Secret book" not in page and secret["id"] not in page and "6.66" not in page


def test_choosing_a_product_fills_in_the_price_it_would_get(api, alice, client_for):
    product = factories.make("products", api, name="Fountain pen")["id"]
    account = factories.make("accounts", api, roles=["partner"])["id"]
    book(api, [{"product": product, "unit_price": "4", "min_quantity": "10"}], customer_roles=["partner"], valid_from="2026-03-01")

    def filled(**asked):
        answer = client_for(alice).get("/lookup/products/", {"fill": "1", "q": "Fountain", **asked})
        return answer.json()["results"][0]["fill"]["unit_price"]

    assert filled() == "10.00"
    assert filled(account=account, quantity="10", order_date="2026-03-05") == "4.00"
    assert filled(account=account, quantity="10", order_date="2026-02-05") == "10.00"
    assert filled(account=account, quantity="ten", order_date="soon") == "10.00"
    assert filled(account="nobody", quantity="10") == "10.00"
    assert filled(currency="USD", date="2026-01-10") == "11.11"
