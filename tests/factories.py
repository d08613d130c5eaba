"""Valid records of every writable type, for tests that do not care which: ``make("orders", api)`` or ``make("orders", actor)``.

What a type needs is read off its fields, so a new type needs nothing here; ``DATA`` holds those whose rules ask for more, or
whose values tests know. References a record needs are made first. Asserts only that making worked.
"""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import count
from typing import Any

from core import door, registry, write
from core.access import Actor
from core.registry import Field, ObjectType
from tests import dealer
from tests.people import Api

_number = count(1)
Make = Callable[..., str]  # make(slug, *acts, **over) -> id of a record to which these acts were done


def _order(make: Make, n: int) -> dict[str, Any]:
    line = {"product": make("products"), "quantity": "2", "unit_price": "12.50", "discount": "0.1"}
    return {"account": make("accounts"), "order_date": "2026-03-05", "lines": [line], "charges": [{"name": "Freight", "amount": "4.20"}]}


def _quote(make: Make, n: int) -> dict[str, Any]:
    line = {"product": make("products"), "quantity": "2", "unit_price": "12.50", "discount": "0.1"}
    return {"account": make("accounts"), "terms": "Payable within 30 days.", "lines": [line]}


def _price_book(make: Make, n: int) -> dict[str, Any]:
    entries = [{"product": make("products"), "min_quantity": "10", "unit_price": "8.25"}]
    return {"name": f"Price book {n}", "customer_roles": ["partner"], "valid_from": "2026-01-01", "entries": entries}


def _invoice(make: Make, n: int) -> dict[str, Any]:
    line = {"product": make("products"), "quantity": "2", "unit_price": "12.50"}
    return {"account": make("accounts"), "invoice_date": "2026-03-05", "lines": [line], "charges": [{"name": "Freight", "amount": "4.20"}]}


def _role(make: Make, n: int) -> dict[str, Any]:
    return {"name": f"Role {n}", "grants": [{"type": "accounts", "actions": ["view"], "scope": "own"}]}


DATA: dict[str, Callable[[Make, int], dict[str, Any]]] = {
    "org-units": lambda make, n: {"name": f"Unit {n}"},
    "users": lambda make, n: {"name": f"Person {n}", "email": f"person{n}@example.com"},
    "roles": _role,
    "custom-fields": lambda make, n: {"type": "contacts", "key": f"own_{n}", "kind": "text", "label": f"Own {n}"},
    "record-types": lambda make, n: {"type": "accounts", "key": f"sort_{n}", "label": f"Sort {n}"},
    "layouts": lambda make, n: {"type": "accounts", "role": make("roles"), "content": {"tabs": [{"sections": [{"items": [{"field": "name"}]}]}]}},
    "form-rules": lambda make, n: {"type": "accounts", "name": f"Rule {n}", "condition": ["name", "eq", "?"], "effect": "require", "fields": ["industry"]},
    "packs": lambda make, n: {"content": {"odos_pack": 1, "key": f"pack-{n}", "name": f"Pack {n}", "parts": {}}},
    "rules": lambda make, n: {"type": "accounts", "name": f"No account {n}", "condition": f"name = '?{n}'", "message": "No.", "field": "name"},
    "exchange-rates": lambda make, n: {"currency": "SEK", "date": str(date(1950, 1, 1) + timedelta(n)), "rate": "0.095"},
    "targets": lambda make, n: {"kpi": "order-intake", "period": str(1900 + n), "value": "1000.00"},
    "kpis": lambda make, n: {"name": f"Figure {n}", "definition": {"of": {"type": "accounts"}, "aggregate": "count"}},
    "dashboards": lambda make, n: {"name": f"Dashboard {n}", "tiles": [{"kpi": "order-intake", "x": 0, "y": 0, "w": 3, "h": 1}]},
    "watches": lambda make, n: {"name": f"Watch {n}", "kpi": "order-intake", "value": f"{n}.5"},
    "tax-codes": lambda make, n: {"code": f"VAT {n}", "rate": "0.19"},
    "accounts": lambda make, n: {"name": f"Account {n}", "roles": ["customer"], "industry": "Tools", "city": "Bonn", "country": "DE"},
    "contacts": lambda make, n: {"name": f"Contact {n}", "email": f"contact{n}@example.com", "phone": "+49 228 9999"},
    "activities": lambda make, n: {"kind": "call", "subject": f"Call {n}", "due_at": "2026-05-04T09:30:00Z"},
    "product-categories": lambda make, n: {"name": f"Category {n}"},
    "products": lambda make, n: {"sku": f"SKU-{n}", "name": f"Product {n}", "unit_price": "10.00", "cost": "6.5"},
    "leads": lambda make, n: {"name": f"Lead {n}", "company": f"Company {n}", "email": f"lead{n}@example.com", "lead_source": "fair", "country": "DE"},
    "pipelines": lambda make, n: {"name": f"Pipeline {n}", "stages": [{"name": "First", "probability": "0.2"}, {"name": "Second", "probability": "0.6"}]},
    "opportunities": lambda make, n: {
        "name": f"Opportunity {n}", "account": make("accounts"), "amount": f"{n}00.50", "close_date": f"2026-08-{1 + n % 28:02}", "lead_source": "fair",
    },
    "quotes": _quote, "price-books": _price_book,
    "orders": _order, "invoices": _invoice, "deliveries": lambda make, n: {"order": make("orders", "confirm")},
    "credit-notes": lambda make, n: {"invoice": make("invoices", "post"), "charges": [{"name": "Freight", "amount": "4.20"}]},
    "payments": lambda make, n: {"account": make("accounts"), "date": "2026-03-05", "amount": f"{n}.50"},
    "custom-objects": lambda make, n: {"key": f"own-{n}", "label": f"Own {n}", "plural": f"Owns {n}"},
}

# Types that exist only where a test made them: those of a company's own.
OWN: dict[str, Callable[[Make, int], dict[str, Any]]] = {
    "vehicles": lambda make, n: dealer.vehicle(),
    "test-drives": lambda make, n: dealer.test_drive(make("contacts"), make("vehicles"), make("opportunities")),
}

# A valid value of each kind that a form can hold, by the record's number. References and choices depend on their field.
VALUES: dict[str, Callable[[int], Any]] = {
    "text": lambda n: f"Text {n}", "longtext": lambda n: f"Long text {n}", "email": lambda n: f"mail{n}@example.com",
    "phone": lambda n: f"+49 228 {1000 + n}", "url": lambda n: f"https://example.com/{n}", "number": lambda n: f"{n}.5",
    "money": lambda n: f"{n}.50", "percent": lambda n: "0.05", "integer": lambda n: n, "yesno": lambda n: n % 2 == 0,
    "date": lambda n: f"2026-03-{1 + n % 28:02}", "datetime": lambda n: f"2026-05-{1 + n % 28:02}T09:30:00Z", "words": lambda n: [f"word{n}"],
}  # fmt: skip


def _derived(object_type: ObjectType, make: Make, n: int) -> dict[str, Any]:
    """A value for every plain field, and for each reference without which there is no record."""
    fields = {name: f for name, f in object_type.fields.items() if not (f.readonly or f.compute)}
    values = {name: _value(f, make, n) for name, f in fields.items()}
    return {name: value for name, value in values.items() if value is not None}


def _value(f: Field, make: Make, n: int) -> Any:
    if f.options:
        first = next(iter(f.choices()))
        return [first] if f.kind == "choices" else first
    if f.kind in ("ref", "refs") and f.required:
        made = make(f.target)
        return [made] if f.kind == "refs" else made
    value = VALUES[f.kind](n) if f.kind in VALUES else None
    return value[-f.max_length :] if f.max_length and isinstance(value, str) else value


def data(slug: str, by: Api | Actor, **over: Any) -> dict[str, Any]:
    """The fields of a valid new record; names in ``over`` replace them."""

    def make_one(other: str, *acts: str, **more: Any) -> str:
        made = make(other, by, **more)
        for act in acts:
            _do(other, made, act, by)
        return made["id"] if isinstance(made, dict) else str(made.pk)

    number = next(_number)
    known = DATA.get(slug) or OWN.get(slug)
    stated = known(make_one, number) if known else _derived(registry.get(slug), make_one, number)
    return stated | over


def make(slug: str, by: Api | Actor, **over: Any) -> Any:
    """A new record: through the API as it answers it (a dict), or through ``core.write`` as it stores it."""
    stated = data(slug, by, **over)
    if isinstance(by, Actor):
        return door.writing(lambda: write.create(by, registry.get(slug), stated))
    response = by.post(f"{slug}/", stated)
    assert response.status_code == 201, (slug, response.content)
    return response.json()


def _do(slug: str, record: Any, act: str, by: Api | Actor) -> None:
    if isinstance(by, Actor):
        door.writing(lambda: write.act(by, registry.get(slug), record.pk, act))
        return
    response = by.post(f"{slug}/{record['id']}/{act}/", {})
    assert response.status_code == 200, (slug, act, response.content)


def writable() -> list[str]:
    """Slugs of the types whose records people make."""
    return [t.slug for t in registry.every() if t.writable]
