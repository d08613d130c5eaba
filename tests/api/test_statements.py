"""How many statements each operation costs in a company whose set-up was read before: the benchmark's operations, so that none creeps up unseen.

What opens a transaction and what ends it are counted by nobody: they are no statements of ours. A figure may be lowered here, never raised without a reason.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from core import access
from crm.models import Opportunity, Stage
from tests import factories

Calls = Callable[[dict[str, Any]], Any]


@pytest.fixture(scope="module")
def world(alice) -> dict[str, Any]:
    """A customer with people, deals in two stages and an order; what they are sold."""
    actor = access.actor_for(alice)
    account = str(factories.make("accounts", actor).pk)
    for n in range(3):
        factories.make("contacts", actor, account=account)
        factories.make("opportunities", actor, account=account, name=f"Deal {n}")
    products = [str(factories.make("products", actor).pk) for _n in range(3)]
    tax = str(factories.make("tax-codes", actor).pk)
    stages = [str(pk) for pk in Stage.objects.order_by("order").values_list("pk", flat=True)[:2]]
    deal = str(Opportunity.objects.values_list("pk", flat=True).first())
    lines = [{"product": p, "quantity": "2", "tax_code": tax} for p in products]
    made = str(factories.make("orders", actor, account=account, lines=lines).pk)
    return {"order": made, "account": account, "tax": tax, "deal": deal, "stages": stages, "lines": lines, "alice": str(alice.pk), "n": 0}


def counted(work: Callable[[], Any]) -> list[str]:
    """What the work asks of the database when it is done for the second time."""
    work()
    seen: list[str] = []

    def note(execute, text, params, many, told):
        seen.append(text)
        return execute(text, params, many, told)

    with connection.execute_wrapper(note):
        work()
    return seen


def done(answer) -> Any:
    assert answer.status_code in (200, 201), answer.content
    return answer.json()


def order(api, w: dict[str, Any]) -> None:
    made = done(api.post("orders/", {"account": w["account"], "lines": w["lines"]}))
    done(api.post(f"orders/{made['id']}/confirm/", {}))


def moved(api, w: dict[str, Any]) -> None:
    w["n"] += 1
    done(api.post(f"opportunities/{w['deal']}/move/", {"stage": w["stages"][w["n"] % 2]}))


def deal(api, w: dict[str, Any]) -> None:
    done(api.post("opportunities/", {"name": "Measured", "account": w["account"], "amount": "10", "owner": w["alice"]}))


BY_PROGRAM = {
    "ping": (3, lambda api, w: done(api.get(f"tax-codes/{w['tax']}/"))),
    "list": (6, lambda api, w: done(api.get("opportunities/", {"stage": w["stages"][0], "owner": w["alice"], "sort": "-amount", "count": "exact"}))),
    "column of a board": (7, lambda api, w: done(api.get("opportunities/", {"stage": w["stages"][0], "count": "exact", "sum": "amount"}))),
    "board": (7, lambda api, w: done(api.get("opportunities/", {"group_by": "stage", "status": "open", "limit": "20", "count": "exact", "sum": "amount"}))),
    "search": (3, lambda api, w: done(api.get("accounts/", {"q": "account", "count": "exact"}))),
    "record": (3, lambda api, w: done(api.get(f"accounts/{w['account']}/"))),
    "figure": (5, lambda api, w: done(api.get("kpis/order-intake/value/", {"period": "2026", "group_by": "month,person"}))),
    "create": (13, deal),
    "move": (13, moved),
    "order, created and confirmed": (37, order),
}


@pytest.mark.parametrize("what", BY_PROGRAM)
def test_by_a_program(what, company, alice, api_for, world):
    most, work = BY_PROGRAM[what]
    api = api_for(alice)
    asked = counted(lambda: work(api, world))
    assert len(asked) <= most, "\n".join(asked)


BY_A_PERSON = {
    "/notices/count/": 4, "/opportunities/?sort=-amount": 7, "/opportunities/?stage={stage}&owner={alice}&sort=-amount": 7,
    "/opportunities/?view=board": 7, "/accounts/{account}/": 11, "/orders/{order}/": 15,
    "/opportunities/new/": 10, "/": 17, "/kpis/order-intake/": 7, "/kpis/order-intake/?period=2026&group_by=month,person": 6,
    "/search/?q=account": 5,
}  # fmt: skip


@pytest.mark.parametrize("path", BY_A_PERSON)
def test_as_a_page(path, company, alice, client_for, world):
    client = client_for(alice)
    made = path.format(**world, stage=world["stages"][0])
    assert client.get(made).status_code == 200
    asked = counted(lambda: client.get(made))
    assert len(asked) <= BY_A_PERSON[path], "\n".join(asked)
