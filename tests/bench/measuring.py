"""Every workload by API and as pages, for one, eight and thirty-two who ask at once; beside it the floor, then what is done in bulk."""

import re
import time
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from operator import attrgetter, itemgetter
from random import Random
from typing import Any

from django.conf import settings

from core import context
from core.models import Fact, User
from crm.models import Account, Opportunity, Pipeline, Product
from erp.models import Reservation, SalesOrder, StockLevel
from tests.bench import report, streams
from tests.bench.clients import Client, loop
from tests.bench.company import Built
from tests.bench.floor import Floor, Spent
from tests.bench.meters import Watched, yardstick
from tests.bench.sample import EMAIL, PASSWORD
from tests.bench.shape import OWNERS, PEOPLE
from tests.bench.workloads import WORKLOADS, Workload, World

LEVELS = {1: (1.4, 20), 8: (3.0, 40), 32: (3.0, 64)}  # clients -> seconds, operations at least
ROUNDS = (1, 8, 1, 32, 1)  # clients at once; one alone three times, since whoever shares such a machine may slow it down by a half for minutes
SOME = 5000  # records of each type that are asked for
ALIKE = 3  # answers of each reading workload that must be the floor's
IDENT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LEAST_PING = 3.0  # milliseconds; the goals count from this, or from our own ping where that is more

Say = Callable[[str], None]


def measure(launched: int, port: int, built: Built, given: Namespace, say: Say) -> dict[str, Any]:
    """The whole run, as ``report`` tells and keeps it. The company is served at the port by what was ``launched``."""
    with context.bind(built.company):
        world, before, watched = world_of(), _orders(), Watched(launched)
    floor, asking = Floor(address(), built.company.schema), people_and_programs(port, built, given.clients)
    run: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d"), "machine": report.machine(), "scale": given.scale, "counts": built.counts, "cells": [], "streams": [],
        "memory": {"at the start": watched.memory()},
    }  # fmt: skip
    say("Filling the tables of the floor ...")
    floor.fill()
    chosen = [w for w in WORKLOADS if not given.only or w.key in given.only.split(",")]
    for workload in chosen:
        agree(workload, asking["api"][0], asking["page"][0], floor, world)
    with context.bind(built.company):
        run["cells"] = _cells(chosen, asking, floor, world, watched, given, say)
        _demand_kept(before, sum(c["made"] for c in run["cells"] if c["key"] == "g"))
        if not given.only or "i" in given.only.split(","):
            run["streams"] = streams.measure(asking["api"][0], floor, watched, world, given.scale, say, given.before)
    run["ping"] = max([LEAST_PING, *(c["p50"] for c in run["cells"] if (c["key"], c["by"], c["clients"]) == ("ping", "api", 1))])
    run["memory"]["at the end"] = watched.memory()
    run["load"] = report.load()
    floor.close()
    return run


def agree(workload: Workload, program: Client, person: Client, floor: Floor, world: World) -> None:
    """The API answers what hand-written SQL answers, and the page shows records of it, or what is measured is something else. Errors: RuntimeError."""
    if workload.writes or workload.api is None:
        return
    for n in range(ALIKE):
        asked = workload.draw(Random(n), world)
        told, expected = workload.api(program, asked), workload.floor(floor, asked)
        if told != expected:
            raise RuntimeError(f"{workload.key} ({asked}) answers {_apart(told, expected)} and by hand-written SQL {_apart(expected, told)}")
        page, ids = workload.page(person, asked), set(IDENT.findall(str(workload.shown(floor, asked) if workload.shown else expected)))
        if ids and not any(ident in page for ident in ids):
            raise RuntimeError(f"The page of {workload.key} ({asked}) shows none of {len(ids)} records.")


def _apart(one: Any, other: Any) -> str:
    """What of an answer the other has not, as far as a sentence goes."""
    if isinstance(one, dict):
        one = {key: value for key, value in one.items() if other.get(key) != value}
    return str(one)[:500]


def _cells(
    chosen: list[Workload], asking: dict[str, list[Client]], floor: Floor, world: World, watched: Watched, given: Namespace, say: Say
) -> list[dict[str, Any]]:  # fmt: skip
    """Each workload in each way, beside the floor. Of what is measured several times, minutes apart, the quickest counts, of the floor as well."""
    found: dict[tuple[int, str, int], dict[str, Any]] = {}
    works: dict[tuple[int, str, int], Callable[[], dict[str, Any]]] = {}
    bottoms: dict[int, Spent] = {}
    for clients in [level for level in ROUNDS if level <= given.clients]:
        for place, workload in enumerate(chosen):
            if clients == 1:
                draws = Random(7)
                bottom = floor.measure(partial(_by_hand, workload, floor, draws, world), given.seconds / 2)
                bottoms[place] = min(bottoms.get(place, bottom), bottom, key=attrgetter("p50"))
            for by, do in (("api", workload.api), ("page", workload.page)):
                if do is None:
                    continue
                named, (seconds, least) = (place, by, clients), LEVELS[clients]
                work = partial(_asked, workload, do, world)
                works[named] = partial(_cell, work, asking[by][:clients], watched, seconds * given.seconds / 2, least)
                cell = works[named]()
                found[named] = _better(found[named], cell, itemgetter("p50")) if named in found else cell
                say(f"{workload.key:5} {by:5} {clients:3} clients: p50 {cell['p50']:8.1f} ms, CPU {cell['cpu']:7.1f} ms, {cell['statements']:5.1f} statements")
    then = {(c["key"], c["by"]): c for c in (given.before or {"cells": ()})["cells"] if c["clients"] == 1}
    return [
        {"key": chosen[place].key, "by": by, "clients": clients, **_beside(bottoms[place])}
        | _sure(found[place, by, clients], works[place, by, clients], _beside(bottoms[place]), then.get((chosen[place].key, by)) if clients == 1 else None)
        for place, by, clients in sorted(found)
    ]


def _by_hand(workload: Workload, floor: Floor, draws: Random, world: World) -> Any:
    return workload.floor(floor, workload.draw(draws, world))


def _asked(workload: Workload, do: Callable[[Client, Any], Any], world: World, client: Client) -> Any:
    return do(client, workload.draw(client.random, world))


def _better(one: dict[str, Any], other: dict[str, Any], by: Callable[[dict[str, Any]], float]) -> dict[str, Any]:
    """That of the smaller figure; what both made is there."""
    return min(one, other, key=by) | {"made": one["made"] + other["made"]}


def _sure(cell: dict[str, Any], again: Callable[[], dict[str, Any]], beside: dict[str, float], then: dict[str, Any] | None) -> dict[str, Any]:
    """What was measured; where it is worse than then, the best of some turns, so that a moment in which others worked is no alarm."""

    def against(cell: dict[str, Any]) -> dict[str, float]:
        return report.of_cell(cell | beside)

    for _turn in range(report.TURNS if then else 0):
        if not report.is_worse(against(cell), report.of_cell(then)):
            break
        cell = _better(cell, again(), lambda c: report.ratio(against(c)))
    return cell


def _beside(bottom: Spent) -> dict[str, float]:
    return {"floor": bottom.p50, "floor_p95": bottom.p95, "floor_cpu": bottom.cpu}


def _cell(operation: Callable[[Client], Any], clients: list[Client], watched: Watched, seconds: float, least: int) -> dict[str, Any]:
    operation(clients[0])  # what a process reads once, it has read
    yard = yardstick() if len(clients) == 1 else 0.0
    before = watched.spent()
    found = loop(clients, operation, seconds, least)
    spent, count = watched.spent() - before, len(found.took)
    return {
        "n": count, "made": count + 1, "yard": yard, "p50": found.quantile(0.5), "p95": found.quantile(0.95), "rate": found.rate,
        "cpu": 1000 * (spent.web + spent.database) / count, "cpu_web": 1000 * spent.web / count, "cpu_database": 1000 * spent.database / count,
        "statements": found.meter.statements / count, "sql": found.meter.milliseconds / count, "requests": found.meter.requests / count,
    }  # fmt: skip


def people_and_programs(port: int, built: Built, most: int) -> dict[str, list[Client]]:
    """So many of each: programs with the company's key, and people who have signed in."""
    host = f"{built.company.subdomain}.{settings.DOMAIN}:{port}"
    programs = [Client(host, port, key=built.key, random=Random(n)) for n in range(most)]
    people = [Client(host, port, random=Random(100 + n)) for n in range(most)]
    for n, client in enumerate(people):
        client.sign_in(EMAIL.format(n % PEOPLE), PASSWORD)
    return {"api": programs, "page": people}


def world_of() -> World:
    """What the bound company has to ask for."""
    pipeline = Pipeline.objects.get(name="Measured")
    stages = [str(pk) for pk in pipeline.stages.all().order_by("order").values_list("pk", flat=True)]
    places = {stage: place for place, stage in enumerate(stages)}
    deals = Opportunity.objects.filter(status="open", stage__in=stages).order_by("id").values_list("pk", "stage")[:SOME]
    levels = StockLevel.objects.values("product")
    return World(
        accounts=_some(Account.objects.all()), deals=[(str(pk), places[str(stage)]) for pk, stage in deals],
        goods=_some(Product.objects.filter(pk__in=levels)), stages=stages, pipeline=str(pipeline.pk),
        owners=_some(User.objects.filter(email__in=[EMAIL.format(n) for n in range(OWNERS)])),
        tax=str(Product.objects.filter(sku="B-0000").values_list("tax_code", flat=True)[0]), year=2026,
    )  # fmt: skip


def _some(rows: Any) -> list[str]:
    return [str(pk) for pk in rows.order_by("id").values_list("pk", flat=True)[:SOME]]


def _orders() -> int:
    return SalesOrder.objects.exclude(status="draft").count()


def _demand_kept(before: int, made: int) -> None:
    """Nothing is lost under many writers: every order is there, its intake stated, its goods reserved. Errors: RuntimeError."""
    if not made:
        return
    kept = _orders() - before
    if kept != made:
        raise RuntimeError(f"{made} orders were confirmed and {kept} are there.")
    new = SalesOrder.objects.exclude(status="draft").order_by("-created_at")[:made]
    nets = sum(new.values_list("base_net", flat=True))
    stated = sum(Fact.objects.filter(measure="ordered", source_id__in=[o.pk for o in new]).values_list("value", flat=True))
    if nets != stated:
        raise RuntimeError(f"The new orders come to {nets}, their facts to {stated}.")
    for level in StockLevel.objects.all():
        held = sum(Reservation.objects.filter(level=level).values_list("quantity", flat=True))
        if held != level.reserved:
            raise RuntimeError(f"Of product {level.product_id} {level.reserved} are reserved, and its reservations come to {held}.")


def address() -> dict[str, Any]:
    """Where the database is, as psycopg wants it."""
    known = settings.DATABASES["default"]
    return {"host": known["HOST"], "port": known["PORT"], "dbname": known["NAME"], "user": known["USER"], "password": known["PASSWORD"]}
