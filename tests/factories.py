"""Valid records of every writable type, for tests that do not care which: ``make("orders", api)`` or ``make("orders", actor)``.

What a type needs stands in ``DATA``; references it needs are made first. Asserts only that making worked.
"""

from collections.abc import Callable
from itertools import count
from typing import Any

from core import door, registry, write
from core.access import Actor
from tests.people import Api

_number = count(1)
Make = Callable[..., str]  # make(slug, **over) -> id


def _order(make: Make, n: int) -> dict[str, Any]:
    line = {"product": make("products"), "quantity": "2", "unit_price": "12.50", "discount": "0.1"}
    return {"account": make("accounts"), "order_date": "2026-03-05", "lines": [line], "charges": [{"name": "Freight", "amount": "4.20"}]}


def _role(make: Make, n: int) -> dict[str, Any]:
    return {"name": f"Role {n}", "grants": [{"type": "accounts", "actions": ["view"], "scope": "own"}]}


DATA: dict[str, Callable[[Make, int], dict[str, Any]]] = {
    "org-units": lambda make, n: {"name": f"Unit {n}"},
    "users": lambda make, n: {"name": f"Person {n}", "email": f"person{n}@example.com"},
    "roles": _role,
    "custom-fields": lambda make, n: {"type": "contacts", "key": f"own_{n}", "kind": "text", "label": f"Own {n}"},
    "tax-codes": lambda make, n: {"code": f"VAT {n}", "rate": "0.19"},
    "accounts": lambda make, n: {"name": f"Account {n}", "roles": ["customer"], "industry": "Tools", "city": "Bonn", "country": "DE"},
    "contacts": lambda make, n: {"name": f"Contact {n}", "email": f"contact{n}@example.com", "phone": "+49 228 9999"},
    "activities": lambda make, n: {"kind": "call", "subject": f"Call {n}", "due_at": "2026-05-04T09:30:00Z"},
    "product-categories": lambda make, n: {"name": f"Category {n}"},
    "products": lambda make, n: {"sku": f"SKU-{n}", "name": f"Product {n}", "unit_price": "10.00", "cost": "6.5"},
    "orders": _order,
}


def data(slug: str, by: Api | Actor, **over: Any) -> dict[str, Any]:
    """The fields of a valid new record; names in ``over`` replace them."""

    def make_one(other: str, **more: Any) -> str:
        made = make(other, by, **more)
        return made["id"] if isinstance(made, dict) else str(made.pk)

    return DATA[slug](make_one, next(_number)) | over


def make(slug: str, by: Api | Actor, **over: Any) -> Any:
    """A new record: through the API as it answers it (a dict), or through ``core.write`` as it stores it."""
    stated = data(slug, by, **over)
    if isinstance(by, Actor):
        return door.writing(lambda: write.create(by, registry.types[slug], stated))
    response = by.post(f"{slug}/", stated)
    assert response.status_code == 201, (slug, response.content)
    return response.json()


def writable() -> list[str]:
    """Slugs of the types whose records people make."""
    return [t.slug for t in registry.every() if t.writable]
