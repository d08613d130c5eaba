"""``make bench ARGS="--where a:api,c:page,i"``: where the time of an operation goes, by the rooms of the code; asked in this process, without a server.

A timer that runs on processor time looks every few milliseconds at what is being done; what is done lies with the innermost room of the code that is known
here. The database's own time is its processes'. One client, no network: what a request costs with them, ``docs/benchmarks.md`` has.
"""

import io
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from types import FrameType
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import connection

from core import access, context, door, jobs, registry
from core.models import Import, User
from core.transfer import uploads
from core.transfer.mapping import Mapping
from deploy.wsgi import application
from tests.bench import measuring, report, streams
from tests.bench.clients import Client
from tests.bench.company import Built
from tests.bench.meters import Watched
from tests.bench.sample import EMAIL, PASSWORD
from tests.bench.workloads import WORKLOADS, World

TICK = 0.001  # seconds of processor time between two looks; the system's own clock may be coarser
DATABASE, REST = "the database itself", "all else: the way through Django, parsing, JSON"
# The innermost frame of which one of these is part of the path tells what is being done. Order matters: the first that fits is it.
PARTS = {
    "the driver: statements out, rows in": ("/psycopg", "/tenants/backend", "/django/db/backends", "/django/db/utils", "/django/db/transaction"),
    "sign-in, keys, brakes": (
        "/core/sessions", "/core/keys", "/core/limits", "/core/attempts", "/core/api/authentication", "/core/api/throttle", "/contrib/sessions",
        "/contrib/auth", "/redis/",
    ),
    "the file: rows and cells": ("/core/transfer", "/csv.py", "/core/workbooks", "/xlsxwriter"),
    "search: keys and grams": ("/core/search", "/core/collation", "/pypinyin"),
    "rules, trail, facts": (
        "/core/trail", "/core/facts", "/core/validation", "/core/entering", "/core/form_rules", "/core/documents", "/core/rules", "/core/steering",
        "/core/watches", "/core/numbering", "/crm/rules", "/erp/rules",
    ),
    "writing: cleaning, filling, rows": (
        "/core/write", "/core/cleaning", "/core/filling", "/core/lines", "/core/batches", "/core/constraints", "/core/own_values",
    ),
    "access and the company's set-up": (
        "/core/access", "/core/derived", "/core/reach", "/core/edition", "/core/schema", "/core/shaped", "/core/layouts", "/core/fields", "/core/registry",
        "/core/context", "/tenants/",
    ),
    "putting questions into words": (
        "/core/query", "/core/prepared", "/core/worded", "/core/conditions", "/core/ordering", "/core/sums", "/core/grouping", "/core/cursors", "/core/kpi",
        "/core/dimensions", "/core/periods", "/core/formulas", "/core/models", "/django/db/models",
    ),
    "values into words": (
        "/core/kinds", "/core/read", "/core/showing", "/core/figures", "/core/labels", "/core/money", "/babel/", "/core/api/answers",
    ),
    "rendering the page": (
        "/core/views", "/core/forms", "/django/template", "/django_cotton", "/template_partials", "/django/utils/html", "/django/utils/safestring",
    ),
}  # fmt: skip

Say = Callable[[str], None]


class Inside(Client):
    """A client that asks the application in this process, without a server between."""

    def _exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, list[tuple[str, str]], bytes]:
        place, _mark, words = path.partition("?")
        asked: dict[str, Any] = {
            "REQUEST_METHOD": method, "PATH_INFO": place, "QUERY_STRING": words, "SERVER_NAME": "127.0.0.1", "SERVER_PORT": str(self.port),
            "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "CONTENT_LENGTH": str(len(body or b"")), "wsgi.input": io.BytesIO(body or b""),
            "wsgi.url_scheme": "http", "wsgi.errors": sys.stderr,
        }  # fmt: skip
        for name, value in {"Host": self.host, **headers}.items():
            key = name.upper().replace("-", "_")
            asked[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        told: list[Any] = []
        answer = application(asked, lambda status, headers, error=None: told.extend((status, headers)))
        try:
            text = b"".join(answer)
        finally:
            answer.close()
        return int(told[0].split()[0]), told[1], text


def part_of(frame: FrameType | None) -> str:
    """What is being done there."""
    while frame is not None:
        path = frame.f_code.co_filename
        found = next((part for part, places in PARTS.items() if any(place in path for place in places)), None)
        if found:
            return found
        frame = frame.f_back
    return REST


@contextmanager
def looking() -> Iterator[Counter[str]]:
    """How often each part was met while this lasts. In the main thread alone, which the timer interrupts."""
    seen: Counter[str] = Counter()
    before = signal.signal(signal.SIGPROF, lambda _number, frame: seen.update((part_of(frame),)))
    signal.setitimer(signal.ITIMER_PROF, TICK, TICK)
    try:
        yield seen
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def measure(work: Callable[[], Any], watched: Watched, seconds: float, count: int = 1) -> dict[str, Any]:
    """Do it again and again for so long: milliseconds each part takes of one, where one ``work`` does ``count`` of them; and its statements."""
    statements = 0

    def told(execute: Callable, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        nonlocal statements
        statements += 1
        return execute(sql, params, many, context)

    done, there, own, end = 0, watched.spent().database, time.process_time(), time.perf_counter() + seconds
    with looking() as seen, connection.execute_wrapper(told):
        while not done or time.perf_counter() < end:
            work()
            done += count
    own, there = time.process_time() - own, watched.spent().database - there
    whole = sum(seen.values()) or 1
    parts = {part: 1000 * own / done * seen[part] / whole for part in (*PARTS, REST) if seen[part]}
    return {"n": done, "cpu": 1000 * (own + there) / done, "statements": statements / done, "parts": {**parts, DATABASE: 1000 * there / done}}


def run(asked: str, built: Built, say: Say, seconds: float = 10.0) -> dict[str, dict[str, Any]]:
    """Operations by their letters, each by the API, as a page, or both: ``a``, ``c:page``; ``i`` is a hundred contacts of a file. Errors: SystemExit."""
    with context.bind(built.company):
        world, watched = measuring.world_of(), Watched(os.getpid())
    connection.close()
    parted = [one.strip().partition(":") for one in asked.split(",")]
    wanted = [(letter, by) for letter, _mark, given in parted for by in ((given,) if given else ("api",) if letter == "i" else ("api", "page"))]
    known = {workload.key: workload for workload in WORKLOADS}
    found = {}
    for letter, by in wanted:
        if letter == "i":
            found["i, 100 rows"] = measure(lambda: bring(built, 2000), watched, seconds, 20)
        elif letter not in known or by not in ("api", "page"):
            raise SystemExit(f"{letter}:{by} is no operation: they are {', '.join(known)} and i, each with :api or :page.")
        elif getattr(known[letter], by) is not None:
            found[f"{letter} by {by}"] = _operation(known[letter], by, built, world, watched, seconds)
    for name, told in found.items():
        say(f"{name}: {told['cpu']:.2f} ms of processor time, {told['statements']:.1f} statements")
    return found


def _operation(workload: Any, by: str, built: Built, world: World, watched: Watched, seconds: float) -> dict[str, Any]:
    client = Inside(f"{built.company.subdomain}.{settings.DOMAIN}:{settings.PORT}", settings.PORT, key=built.key if by == "api" else "")
    if by == "page":
        client.sign_in(EMAIL.format(0), PASSWORD)
    draws, do = Random(7), getattr(workload, by)
    for _warm in range(20):
        do(client, workload.draw(draws, world))
    return measure(lambda: do(client, workload.draw(draws, world)), watched, seconds)


def bring(built: Built, rows: int) -> None:
    """A file of contacts all the way in, its jobs done here. Errors: RuntimeError where it would not come in."""
    with context.bind(built.company):
        actor, contacts = access.actor_for(User.objects.get(email=EMAIL.format(0))), registry.get("contacts")
        text = streams.contacts("latin", rows, uuid4().hex[:8])
        row = door.writing(lambda: uploads.receive(actor, contacts, "bench.csv", text.encode()))
        door.writing(lambda: uploads.check(actor, contacts, row, Mapping.from_json(row.mapping), write=True))
        jobs.run_due()
        status = Import.objects.get(pk=row.pk).status
    connection.close()
    if status != "done":
        raise RuntimeError(f"The import is {status}.")


def as_text(found: dict[str, dict[str, Any]]) -> str:
    """A column for each operation, in milliseconds."""
    parts = [part for part in (*PARTS, REST, DATABASE) if any(part in told["parts"] for told in found.values())]
    rows = [[part, *(f"{told['parts'].get(part, 0):.2f}" for told in found.values())] for part in parts]
    whole = [["all, ms", *(f"{told['cpu']:.2f}" for told in found.values())], ["statements", *(f"{told['statements']:.1f}" for told in found.values())]]
    lines = [["where", *found], ["---", *("---:" for _name in found)], *rows, *whole]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def as_markdown(found: dict[str, dict[str, Any]], scale: float) -> str:
    """The part of docs/speed.md that a run writes."""
    measured = f"measured on {time.strftime('%Y-%m-%d')}, {report.machine()}, load {report.load()}"
    return f"Milliseconds of processor time, {measured}, in {scale:g} of the whole company.\n\n{as_text(found)}\n"
