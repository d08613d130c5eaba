"""``make bench-companies``: a thousand companies side by side. What one more costs, a migration over all, memory, and whether they slow each other down.

Companies stay in the data folder and are found again, so that a second run measures at once.
"""

import json
import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from django.conf import settings
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader

from core import access, context, keys, write
from core.models import User
from core.registry import get
from tenants import migrate, provision
from tenants.models import Company
from tests.bench import report
from tests.bench.clients import TOKEN, Client, loop
from tests.bench.meters import Watched, private, unshared
from tests.bench.shape import name

PASSWORD = "measured-by-the-clock"
SIGNED_UP, VISITED, AT_ONCE = 40, 500, 20  # companies by the public form; visited by one process; at work at once
WARMING = 8  # sign-ups before any is measured: each web worker has had some, and the stock of empty schemas is used up
ACCOUNTS = 30  # of each company
GOALS = {
    "sign-up p95, s": 1.0, "one migration over all, s": 10.0, "web process after all visits, MB": 300.0, "largest database backend, MB": 150.0,
    "p95 of twenty companies to that of one": 2.0,
}  # fmt: skip

Served = Callable[..., AbstractContextManager[tuple[int, int]]]
Say = Callable[[str], None]


def measure(count: int, served: Served, say: Say) -> dict[str, Any]:
    """Make them, measure, tell beside the goals. Cost: about half a second a company the first time, then some minutes."""
    provision.prepare(progress=say)
    migrate.migrate_companies(progress=say)
    _anew()
    known = ensure(count, say)
    found: dict[str, Any] = {"companies": count}
    with served() as (pid, port):
        for _warm in range(WARMING):
            sign_up(port, f"warm{time.time_ns()}")
        watched = Watched(pid)
        before = watched.spent()
        took = sorted(sign_up(port, f"new{time.time_ns()}") for _ in range(SIGNED_UP))
        spent = watched.spent() - before
        found["sign-up p50, s"], found["sign-up p95, s"] = took[len(took) // 2], took[int(len(took) * 0.95)]
        found["sign-up, s of processor time"] = (spent.web + spent.database) / SIGNED_UP
        say(f"Sign-up to the first page: {found['sign-up p50, s']:.2f} s, p95 {found['sign-up p95, s']:.2f} s.")
        found |= together(port, dict(list(known.items())[:AT_ONCE]), say)
    with served(ODOS_WEB_WORKERS="1") as (pid, port):
        found |= visited(pid, port, dict(list(known.items())[:VISITED]), say)
    found["one migration over all, s"] = migration(say)
    run = {"date": time.strftime("%Y-%m-%d"), "machine": report.machine(), "load": report.load(), "found": found, "goals": GOALS}
    for what, value in found.items():
        say(f"{what}: {value:,.2f}" + (f" (goal: {GOALS[what]:g})" if what in GOALS else ""))
    return run


def as_markdown(run: dict[str, Any]) -> str:
    rows = [f"| {what} | {value:,.2f} | {run['goals'].get(what, '')} |" for what, value in run["found"].items()]
    return "\n".join([f"Measured on {run['date']}, {run['machine']}, load {run['load']}.", "", "| what | found | goal |", "|---|---:|---:|", *rows, ""])


def ensure(count: int, say: Say) -> dict[str, str]:
    """So many companies with some accounts each; the subdomain of each with a key to its API."""
    mark = settings.HOME.run / "bench-companies.json"
    known = json.loads(mark.read_text()) if mark.exists() else {}
    with context.bind_public():
        there = set(Company.objects.values_list("subdomain", flat=True))
    known = {subdomain: key for subdomain, key in known.items() if subdomain in there}
    for n in range(count):
        subdomain = f"many{n}"
        if subdomain not in known:
            if subdomain in there:
                with context.bind_public():
                    provision.drop_company(Company.objects.get(subdomain=subdomain).frozen())
            known[subdomain] = _make(subdomain)
            if n % 20 == 19:
                mark.write_text(json.dumps(known))
                _anew()
                say(f"{n + 1} companies ...")
    mark.write_text(json.dumps(known))
    return {f"many{n}": known[f"many{n}"] for n in range(count)}


def _make(subdomain: str) -> str:
    found = []

    def fill(owner: access.Actor) -> None:
        write.create_many(owner, get("accounts"), [{"name": f"{name(n, subdomain)} GmbH", "roles": ["customer"]} for n in range(ACCOUNTS)])
        found.append(keys.issue(User.objects.get(pk=owner.id)))

    provision.create_company(subdomain=subdomain, name=subdomain, email=_owner(subdomain), password=PASSWORD, fill=fill, vouched=True)
    return found[0]


def _anew() -> None:
    """Go on over another connection: a backend remembers hundreds of schemas it made or migrated, in 200 MB, and the next takes it five times as long."""
    connection.close()
    connection.close_pool()


def _owner(subdomain: str) -> str:
    return f"owner@{subdomain}.example"


def sign_up(port: int, subdomain: str) -> float:
    """Seconds from sending the public form to the new company's first page. Errors: RuntimeError."""
    public, company = Client(f"{settings.DOMAIN}:{port}", port), Client(f"{subdomain}.{settings.DOMAIN}:{port}", port)
    public.token = TOKEN.search(public.page("/signup/")).group(1)
    form = {
        "email": _owner(subdomain), "user_name": "Owner", "name": subdomain, "subdomain": subdomain, "password": PASSWORD, "country": "DE", "currency": "EUR",
        "timezone": "Europe/Berlin", "language": "en",
    }  # fmt: skip
    start = time.perf_counter()
    there = public.page("/signup/", form)
    company.follow(re.sub(r"^https?://[^/]+", "", there))
    company.page("/")
    return time.perf_counter() - start


def together(port: int, known: dict[str, str], say: Say) -> dict[str, float]:
    """The same load on so many companies at once and on one alone: lists of accounts by the API, everyone as fast as possible."""
    found = {}
    first = next(iter(known))
    for what, subdomains in (("one company", [first] * len(known)), ("twenty companies", list(known))):
        clients = [Client(f"{subdomain}.{settings.DOMAIN}:{port}", port, key=known[subdomain]) for subdomain in subdomains]
        for seconds in (1.0, 6.0):  # the first to warm up
            run = loop(clients, lambda c: c.api("GET", "accounts/?limit=20"), seconds, 100)
        found |= {f"{what} at once: p95, ms": run.quantile(0.95), f"{what} at once: requests/s": run.rate}
        say(f"{what} at once: p95 {run.quantile(0.95):.0f} ms, {run.rate:.0f} requests/s.")
    return found | {"p95 of twenty companies to that of one": found["twenty companies at once: p95, ms"] / found["one company at once: p95, ms"]}


def visited(pid: int, port: int, known: dict[str, str], say: Say) -> dict[str, float]:
    """Memory after one web process has served all of these in turn, a page of a signed-in person and the API of each."""
    watched = Watched(pid)
    before, largest = max(map(private, watched.of("granian"))), 0.0
    for n, (subdomain, key) in enumerate(known.items()):
        client = Client(f"{subdomain}.{settings.DOMAIN}:{port}", port, key=key)
        client.sign_in(_owner(subdomain), PASSWORD)
        client.page("/accounts/")
        client.api("GET", "accounts/?limit=20")
        client.close()
        if n % 20 == 19:
            largest = max(largest, *map(unshared, watched.database()))
        if n % 100 == 99:
            say(f"{n + 1} companies visited ...")
    return {
        "companies visited": len(known), "web process before, MB": before, "web process after all visits, MB": max(map(private, watched.of("granian"))),
        "largest database backend, MB": max(largest, *map(unshared, watched.database())),
    }  # fmt: skip


def migration(say: Say) -> float:
    """Seconds in which all companies get one migration more: a column and an index on it. Errors: RuntimeError where one fails."""
    mark, original = f"bench_{time.time_ns()}", MigrationLoader.load_disk
    column, index = models.IntegerField(null=True), models.Index(fields=[mark], name=mark[:30])

    def load(self: MigrationLoader) -> None:
        original(self)
        made = migrations.Migration(f"9999_{mark}", "crm")
        made.dependencies = [("crm", max(migration for app, migration in self.disk_migrations if app == "crm"))]
        made.operations = [migrations.AddField("lead", mark, column), migrations.AddIndex("lead", index)]
        self.disk_migrations["crm", made.name] = made

    say("One migration over all ...")
    with patch.object(MigrationLoader, "load_disk", load):
        start = time.perf_counter()
        done = migrate.migrate_companies()
        took = time.perf_counter() - start
    if done.failed:
        raise RuntimeError(f"Of {len(done.migrated) + len(done.failed)} companies {len(done.failed)} failed: {list(done.failed.items())[:3]}")
    return took
