"""A car dealer's own objects, as its admin makes them through the API: vehicles, and the test drives that contacts take in them."""

from itertools import count
from typing import Any

from core import door, listings, query, registry, write
from core.access import Actor
from tests.people import Api

SLUGS = ("vehicles", "test-drives")
_number = count(1)

OBJECTS: list[dict[str, Any]] = [
    {
        "key": "vehicles", "label": "Vehicle", "plural": "Vehicles", "labels": {"zh-Hans": "车辆"}, "plurals": {"zh-Hans": "车辆"}, "icon": "car",
        "title_label": "Model",
    },
    {
        "key": "test-drives", "label": "Test drive", "plural": "Test drives", "labels": {"zh-Hans": "试驾"}, "plurals": {"zh-Hans": "试驾"},
        "icon": "road",
    },
]  # fmt: skip

FUELS = [{"key": "petrol", "label": "Petrol"}, {"key": "electric", "label": "Electric"}, {"key": "hybrid", "label": "Hybrid"}]
STAGES = [{"key": "planned", "label": "Planned"}, {"key": "driven", "label": "Driven"}, {"key": "dropped", "label": "Dropped"}]

FIELDS: dict[str, list[dict[str, Any]]] = {
    "vehicles": [
        {"key": "vin", "kind": "text", "label": "VIN", "unique": True},
        {"key": "fuel", "kind": "choice", "label": "Fuel", "options": FUELS},
        {"key": "price", "kind": "money", "label": "Price"},
        {"key": "mileage", "kind": "integer", "label": "Mileage"},
        {"key": "range_km", "kind": "number", "label": "Range"},
        {"key": "rebate", "kind": "percent", "label": "Rebate"},
        {"key": "registered_on", "kind": "date", "label": "First registered"},
        {"key": "in_stock", "kind": "yesno", "label": "In stock"},
        {"key": "notes", "kind": "longtext", "label": "Notes"},
        {"key": "sheet", "kind": "url", "label": "Data sheet"},
        {"key": "replaces", "kind": "ref", "label": "Replaces", "target": "vehicles"},
    ],
    "test-drives": [
        {"key": "contact", "kind": "ref", "label": "Contact", "target": "contacts", "required": True},
        {"key": "vehicle", "kind": "ref", "label": "Vehicle", "target": "vehicles", "required": True},
        {"key": "opportunity", "kind": "ref", "label": "Opportunity", "target": "opportunities"},
        {"key": "stage", "kind": "choice", "label": "Stage", "options": STAGES, "default": "planned"},
        {"key": "starts_at", "kind": "datetime", "label": "Starts at"},
        {"key": "seller", "kind": "user", "label": "Seller"},
        {"key": "mail", "kind": "email", "label": "E-mail"},
        {"key": "mobile", "kind": "phone", "label": "Mobile"},
    ],
}


def build(by: Api | Actor) -> None:
    """Both objects with their fields, and the board of test drives by their stage."""
    for stated in OBJECTS:
        _make(by, "custom-objects", stated)
    for slug, fields in FIELDS.items():
        for stated in fields:
            _make(by, "custom-fields", {"type": slug, **stated})
    if isinstance(by, Actor):
        objects = registry.get("custom-objects")
        row = query.page(by, objects, listings.Listing(conditions=(["key", "eq", "test-drives"],))).records[0]
        door.writing(lambda: write.change(by, objects, row.pk, {"board": "stage"}, row.version))
        return
    drives = by.get("custom-objects/?key=test-drives").json()["results"][0]
    answer = by.patch(drives["url"], {"board": "stage"}, drives["version"])
    assert answer.status_code == 200, answer.content


def _make(by: Api | Actor, slug: str, stated: dict[str, Any]) -> None:
    if isinstance(by, Actor):
        door.writing(lambda: write.create(by, registry.get(slug), stated))
        return
    answer = by.post(f"{slug}/", stated)
    assert answer.status_code == 201, (stated, answer.content)


def vehicle() -> dict[str, Any]:
    """The fields of a valid vehicle."""
    n = next(_number)
    return {
        "name": f"Model {n}", "vin": f"WVWZZZ{n:011}", "fuel": FUELS[n % 3]["key"], "price": f"{20000 + n}.50", "mileage": n, "range_km": f"{400 + n}.5",
        "rebate": "0.05", "registered_on": f"2026-03-{1 + n % 28:02}", "in_stock": n % 2 == 0, "notes": f"Garage {n}",
        "sheet": f"https://example.com/{n}",
    }  # fmt: skip


def test_drive(contact: str, vehicle: str, opportunity: str | None = None) -> dict[str, Any]:
    """The fields of a valid test drive of this contact in this vehicle."""
    n = next(_number)
    return {
        "name": f"Drive {n}", "contact": contact, "vehicle": vehicle, "opportunity": opportunity, "stage": STAGES[n % 3]["key"],
        "starts_at": f"2026-05-{1 + n % 28:02}T09:30:00Z", "mail": f"driver{n}@example.com", "mobile": f"+49 228 {1000 + n}",
    }  # fmt: skip


test_drive.__test__ = False  # a maker of data, whatever its name
