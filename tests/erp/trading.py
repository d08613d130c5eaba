"""A small trade through the API: what is sold to whom, shipped, billed and paid. Asserts only that each step was accepted."""

from decimal import Decimal
from itertools import count
from typing import Any

from core.models import Fact
from tests.people import Api

_number = count(1)


def ok(response: Any, status: int = 200) -> Any:
    """The answer's body, which came with this status."""
    assert response.status_code == status, (response.status_code, response.content)
    return response.json() if response.content else None


def add(api: Api, slug: str, **values: Any) -> dict:
    return ok(api.post(f"{slug}/", values), 201)


def do(api: Api, slug: str, record: Any, act: str, status: int = 200, **inputs: Any) -> Any:
    """An act on a record, given as it was read or by its id."""
    ident = record["id"] if isinstance(record, dict) else record
    return ok(api.post(f"{slug}/{ident}/{act}/", inputs), status)


def read(api: Api, slug: str, record: Any) -> dict:
    return ok(api.get(f"{slug}/{record['id'] if isinstance(record, dict) else record}/"))


def product(api: Api, price: str, **values: Any) -> dict:
    number = next(_number)
    return add(api, "products", **{"sku": f"T-{number}", "name": f"Thing {number}", "unit_price": price, **values})


def order(api: Api, account: dict, lines: list[dict], day: str, **values: Any) -> dict:
    """A confirmed order."""
    made = add(api, "orders", account=account["id"], lines=lines, **values)
    return do(api, "orders", made, "confirm", date=day)


def ship(api: Api, sold: dict, day: str, quantities: dict[int, str] | None = None) -> dict:
    """Ship these quantities, by position of the order's lines, or all that is open."""
    inputs = {"lines": [{"order_line": sold["lines"][i]["id"], "quantity": q} for i, q in quantities.items()]} if quantities else {}
    return do(api, "deliveries", do(api, "orders", sold, "deliver", 201, **inputs), "ship", date=day)


def bill(api: Api, sold: dict, day: str, basis: str = "delivered") -> dict:
    """A posted invoice of what the order has to bill."""
    return do(api, "invoices", do(api, "orders", sold, "invoice", 201, basis=basis), "post", date=day)


def pay(api: Api, account: dict, amount: Any, day: str, **values: Any) -> dict:
    """A posted payment."""
    made = add(api, "payments", account=account["id"], amount=str(amount), date=day, **values)
    return do(api, "payments", made, "post")


def allocate(api: Api, payment: dict, *items: tuple[dict, Any]) -> dict:
    return do(api, "payments", payment, "allocate", items=[{"invoice": invoice["id"], "amount": str(amount)} for invoice, amount in items])


def figure(api: Api, key: str, **words: str) -> Decimal | None:
    """What a KPI answers; its drill adds up to it, where it has one."""
    answer = ok(api.get(f"kpis/{key}/value/", {"period": "all", **words}))
    if answer.get("drill") and answer["value"] is not None:
        drilled = ok(api.get(answer["drill"] + "&sum=value"))
        assert Decimal(drilled["sums"]["value"]) == Decimal(answer["value"])
    return None if answer["value"] is None else Decimal(answer["value"])


def stated(measure: str, **where: Any) -> Decimal:
    """The sum of a measure's facts."""
    return sum(Fact.objects.filter(measure=measure, **where).values_list("value", flat=True), Decimal(0))


__all__ = ["add", "allocate", "bill", "do", "figure", "ok", "order", "pay", "product", "read", "ship", "stated"]
