"""A day's work in single operations, by the API and as pages, each beside its floor: those of ``performance.md`` of the design (ping, a to h), and search.

What is asked for is drawn once for all three, so that they can be compared: a reading operation answers the same three times, or the run ends.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any
from urllib.parse import urlencode

from tests.bench.clients import Client
from tests.bench.floor import Floor
from tests.bench.shape import SYLLABLES

PAGE, CARDS, FOUND, SUGGESTED, RECENT = 50, 20, 80, 8, 30

Asked = dict[str, Any]


@dataclass
class World:
    """What there is to ask for in the measured company, by id. ``deals`` are open ones, each with the place of its stage when the run began."""

    accounts: list[str]
    deals: list[tuple[str, int]]
    goods: list[str]
    owners: list[str]
    stages: list[str]
    pipeline: str
    tax: str
    year: int
    moved: dict[str, int] = field(default_factory=dict)

    def next_stage(self, deal: str, place: int) -> str:
        """The stage after the one in which the deal was put last."""
        self.moved[deal] = place = (self.moved.get(deal, place) + 1) % len(self.stages)
        return self.stages[place]


@dataclass(frozen=True)
class Workload:
    """One operation: its letter, what it is, what is drawn for it, and how a program, a person and the floor do it.

    ``shown``: the records of which the page shows some, where it puts others first than the API does.
    """

    key: str
    label: str
    draw: Callable[[Random, World], Asked]
    api: Callable[[Client, Asked], Any] | None
    page: Callable[[Client, Asked], Any]
    floor: Callable[[Floor, Asked], Any]
    writes: bool = False
    shown: Callable[[Floor, Asked], Any] | None = None


# What is drawn ------------------------------------------------------------------------------------------------------


def _term(random: Random, world: World) -> Asked:
    return {"term": random.choice(SYLLABLES) + random.choice(SYLLABLES)}


def _account(random: Random, world: World) -> Asked:
    return {"account": random.choice(world.accounts)}


def _deal(random: Random, world: World) -> Asked:
    return {"account": random.choice(world.accounts), "amount": str(random.randint(100, 99_999)), "owner": random.choice(world.owners)}


def _move(random: Random, world: World) -> Asked:
    deal, place = random.choice(world.deals)
    return {"deal": deal, "stage": world.next_stage(deal, place)}


def _order(random: Random, world: World) -> Asked:
    lines = [{"product": p, "quantity": random.randint(1, 20), "tax_code": world.tax} for p in random.sample(world.goods, min(3, len(world.goods)))]
    return {"account": random.choice(world.accounts), "lines": lines}


# By the API ---------------------------------------------------------------------------------------------------------


def _ids(answer: dict[str, Any]) -> list[str]:
    return [row["id"] for row in answer["results"]]


def _list(c: Client, slug: str, **words: Any) -> dict[str, Any]:
    return c.api("GET", f"{slug}/?{urlencode(words)}")


def _deals(c: Client, w: Asked) -> Any:
    found = _list(c, "opportunities", stage=w["stage"], owner=w["owner"], sort="-amount", limit=PAGE, count="exact")
    return found["count"], _ids(found)


def _board(c: Client, w: Asked) -> Any:
    """Each column is a group of the list, with its count and sum: one request, as a program asks for a board."""
    mine = {"owner": w["owner"]} if "owner" in w else {}
    groups = _list(c, "opportunities", group_by="stage", status="open", limit=CARDS, count="exact", sum="amount", **mine)["groups"]
    found = {g["key"]: (g["count"], Decimal(g["sums"]["amount"]), _ids(g)) for g in groups}
    return [found.get(stage, (0, Decimal(0), [])) for stage in w["stages"]]


def _customer(c: Client, w: Asked) -> Any:
    """The record, its people, what is open and ordered, and what was said last: five reads of one moment, in one request."""
    account = w["account"]
    read = c.api("POST", "reads/", [
        f"accounts/{account}/",
        f"contacts/?account={account}&limit={PAGE}&count=exact",
        f"opportunities/?account={account}&status=open&limit=1&count=exact&sum=amount",
        f"orders/?account={account}&limit=1&count=exact&sum=total",
        f"activities/?about={account}&limit={RECENT}",
    ])  # fmt: skip
    record, people, deals, orders, said = (one["body"] for one in read["answers"])
    return (
        record["name"], people["count"], sorted(_ids(people)), deals["count"], Decimal(deals["sums"]["amount"]), orders["count"],
        Decimal(orders["sums"]["total"]), sorted(_ids(said)),
    )  # fmt: skip


def _found(c: Client, **words: Any) -> Any:
    found = _list(c, "accounts", limit=FOUND, count="exact", **words)
    return found["count"], _ids(found)


def _new_deal(c: Client, w: Asked) -> Any:
    made = c.api("POST", "opportunities/", {"name": "Measured deal", **w})
    _demand(Decimal(made["amount"]) == Decimal(w["amount"]), made)


def _moved(c: Client, w: Asked) -> Any:
    made = c.api("POST", f"opportunities/{w['deal']}/move/", {"stage": w["stage"]})
    _demand(made["stage"]["id"] == w["stage"], made)


def _ordered(c: Client, w: Asked) -> Any:
    made = c.api("POST", "orders/", {"account": w["account"], "currency": "EUR", "lines": w["lines"]})
    made = c.api("POST", f"orders/{made['id']}/confirm/", {})
    _demand(made["status"] == "confirmed" and len(made["lines"]) == len(w["lines"]), made)


def _intake(c: Client, w: Asked) -> Any:
    found = c.api("GET", f"kpis/order-intake/value/?{_figure(w)}")
    return {tuple(g["keys"]): Decimal(g["value"]) for g in found["groups"] if Decimal(g["value"])}


def _demand(holds: bool, answer: Any) -> None:
    if not holds:
        raise RuntimeError(f"An answer that cannot be: {str(answer)[:500]}")


# As pages -----------------------------------------------------------------------------------------------------------


def _figure(w: Asked) -> str:
    return urlencode({"period": w["year"], "group_by": "month,person"})


def _ident(address: str) -> str:
    """The record an address is of."""
    return next(part for part in address.split("?")[0].split("/") if len(part) == 36)


def _order_page(c: Client, w: Asked) -> None:
    form: dict[str, Any] = {"whole": "1", "account": w["account"], "currency": "EUR"}
    for n, line in enumerate(w["lines"]):
        form |= {f"lines.{n}.{name}": value for name, value in line.items()}
    there = c.page("/orders/new/", form)
    c.page(f"/orders/{_ident(there)}/confirm/", {"whole": "1", "version": "1"})


def _page(path: str, *names: str, **words: Any) -> Callable[[Client, Asked], Any]:
    """A page whose address is filled in from what is drawn; ``names`` of it go into the query string."""
    return lambda c, w: c.page(path.format(**w) + (f"?{urlencode({**words, **{n: w[n] for n in names}})}" if names or words else ""))


WORKLOADS = (
    Workload(
        "ping", "one record of one field", lambda r, w: {"tax": w.tax}, lambda c, w: Decimal(c.api("GET", f"tax-codes/{w['tax']}/")["rate"]),
        _page("/notices/count/"), Floor.ping,
    ),
    Workload(
        "a", "list: 50 deals by stage and owner, largest first, with their number",
        lambda r, w: {"stage": r.choice(w.stages), "owner": r.choice(w.owners)}, _deals, _page("/opportunities/", "stage", "owner", sort="-amount"), Floor.a,
    ),
    Workload("b", "board of the company: sums and first cards of each stage", lambda r, w: {"stages": w.stages, "pipeline": w.pipeline}, _board,
             _page("/opportunities/", "pipeline", view="board", sort="-created_at"), Floor.b),
    Workload("b2", "board of one seller", lambda r, w: {"stages": w.stages, "pipeline": w.pipeline, "owner": r.choice(w.owners)}, _board,
             _page("/opportunities/", "pipeline", "owner", view="board", sort="-created_at"), Floor.b),
    Workload("c", "a customer: record, people, figures, what was said", _account, _customer, _page("/accounts/{account}/"), Floor.c),
    Workload("d", "accounts whose name contains some letters", _term, lambda c, w: _found(c, name__contains=w["term"]),
             lambda c, w: c.page(f"/accounts/?name__contains={w['term']}"), Floor.d),
    Workload("d2", "accounts found by search", _term, lambda c, w: _found(c, q=w["term"]), lambda c, w: c.page(f"/accounts/?q={w['term']}"), Floor.d2),
    Workload("d3", "eight suggestions while typing", _term, lambda c, w: _ids(_list(c, "accounts", q=w["term"], limit=SUGGESTED)),
             lambda c, w: c.page(f"/lookup/accounts/?q={w['term']}"), Floor.d3, shown=Floor.found),
    Workload("s", "search over everything", _term, None, lambda c, w: c.page(f"/search/?format=json&q={w['term']}"), Floor.s),
    Workload("h", "order intake of a year by month and person", lambda r, w: {"year": w.year}, _intake,
             _page("/kpis/order-intake/?period={year}&group_by=month,person"), Floor.h),
    Workload("e", "a new deal", _deal, _new_deal, lambda c, w: c.page("/opportunities/new/", {"whole": "1", "name": "Measured deal", **w}), Floor.e, True),
    Workload("f", "a deal into the next stage", _move, _moved, lambda c, w: c.page(f"/opportunities/{w['deal']}/move/", {"stage": w["stage"]}), Floor.f, True),
    Workload("g", "an order of three lines, confirmed", _order, _ordered, _order_page, Floor.g, True),
)  # fmt: skip
