"""How fast much data comes in and goes out, all rules applied: seconds of CPU of this process and of its database connection. ``ODOS_LONG`` alone.

``ODOS_LONG=1 ODOS_ROWS=100000 pytest tests/transfer/test_speed.py -s`` prints a table for each kind of work.
"""

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from django.db import connection

from core import access, bulk, export, jobs, listings, registry
from core.models import Import, SearchEntry, TrailEntry
from core.transfer import uploads
from core.transfer.mapping import Mapping
from crm.models import Contact
from tests.people import writing
from tests.transfer.test_loading import new

pytestmark = pytest.mark.skipif(not os.environ.get("ODOS_LONG"), reason="a hundred thousand records take minutes")
ROWS = int(os.environ.get("ODOS_ROWS", 20_000))
SYLLABLES = (
    "ba", "ko", "ri", "ten", "mal", "do", "ves", "lin", "gar", "su", "pel", "nor", "ta", "mi", "cha", "ruv", "zen", "fo", "dra", "kel",
    "bru", "os", "an", "wel", "tor", "hi", "ska", "lu", "mer", "pa",
)  # fmt: skip
FAMILIES, GIVEN = "王李张刘陈杨黄赵周吴徐孙马朱胡郭何高林罗", "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂香建华文玉国志红"
TICKS = os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="module")
def owner(alice):
    actor = access.actor_for(alice)
    for n in range(50):
        new(actor, "accounts", name=f"Speedy {n} Ltd", external_id=f"SPEED-{n}")
        new(actor, "products", sku=f"SPEED-{n}", name=f"Thing {n}", unit_price="12.50")
    return actor


def measured(what: str, rows: int, work: Callable[[], None]) -> None:
    """Do it and print a line: rows a second of CPU, this process and the database's together."""
    backend = connection.connection.info.backend_pid
    start, here, there = time.perf_counter(), time.process_time(), _cpu_of(backend)
    work()
    here, there, passed = time.process_time() - here, _cpu_of(backend) - there, time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    cost = f"Python {here:6.1f} s  database {there:6.1f} s  {rows / (here + there):8.0f} rows/s"
    print(f"\n{what:<40} {rows:>7} rows  {cost}  passed {passed:6.1f} s  peak {peak} MB")


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def contacts(kind: str, rows: int) -> str:
    draw = Random(7)

    def word() -> str:
        return "".join(draw.choice(SYLLABLES) for _ in range(draw.randint(2, 3))).capitalize()

    made = []
    for n in range(rows):
        name = f"{word()} {word()}" if kind == "latin" else draw.choice(FAMILIES) + "".join(draw.choice(GIVEN) for _ in range(draw.randint(1, 2)))
        title = draw.choice(("Buyer", "Head of Sales", "")) if kind == "latin" else draw.choice(("采购经理", "总经理", ""))
        phone, mobile = f"+49 30 {draw.randint(100000, 999999)}", f"+86 138 {draw.randint(1000, 9999)} {draw.randint(1000, 9999)}" if n % 2 else ""
        made.append(f"{name},Speedy {n % 50} Ltd,{title},{kind}{n}@example.com,{phone},{mobile},{kind}-{n}\n")
    return "name,account,title,email,phone,mobile,external_id\n" + "".join(made)


def brought(actor, slug: str, text: str, what: str, **options) -> Import:
    """A file all the way in, by the jobs of the pages and the API; both jobs are measured."""
    object_type, rows = registry.get(slug), text.count("\n") - 1
    row = writing(lambda: uploads.receive(actor, object_type, "file.csv", text.encode()))
    chosen = Mapping.from_json({**row.mapping, **options})
    writing(lambda: uploads.check(actor, object_type, Import.objects.get(pk=row.pk), chosen))
    measured(f"{what}: checked", rows, jobs.run_due)
    writing(lambda: uploads.confirm(actor, object_type, Import.objects.get(pk=row.pk)))
    measured(f"{what}: written", rows, jobs.run_due)
    done = Import.objects.get(pk=row.pk)
    assert done.status == "done", done.report
    return done


@pytest.mark.parametrize("kind", ["latin", "chinese"])
def test_contacts(owner, kind):
    row = brought(owner, "contacts", contacts(kind, ROWS), f"contacts, {kind} names")
    found = Contact.objects.filter(external_id__startswith=f"{kind}-")
    assert found.count() == ROWS and TrailEntry.objects.filter(batch=row.report["batch"]).count() == ROWS
    assert SearchEntry.objects.filter(about_id__in=found.values("pk")).count() == ROWS


def test_order_lines(owner):
    rows = ROWS // 5
    text = "".join(f"O-{n // 3},Speedy {n % 150 // 3} Ltd,2026-03-05,SPEED-{n % 50},{n % 7 + 1}\n" for n in range(rows))
    brought(owner, "orders", f"external_number,account,order_date,lines.product,lines.quantity\n{text}", "order lines, three to an order")


def test_bulk_and_both_undone(owner):
    found = Contact.objects.filter(external_id__startswith="latin-").count()
    chosen = bulk.selection({"filter": ["external_id", "starts", "latin-"]})
    run = writing(lambda: bulk.ask(owner, registry.get("contacts"), chosen, "change", {"title": "Changed together"}))
    measured("bulk edit: tried", found, lambda: run_all())
    writing(lambda: bulk.confirm(owner, run.pk))
    measured("bulk edit: done", found, lambda: run_all())
    assert Contact.objects.filter(title="Changed together").count() == found
    writing(lambda: bulk.take_back(owner, run.pk))
    measured("bulk edit: undone", found, lambda: run_all())
    assert not Contact.objects.filter(title="Changed together").exists()


def run_all() -> None:
    while jobs.run_due():
        pass


def test_out(owner, alice):
    wanted = listings.listing([("external_id__starts", "latin-")])
    columns = ["name", "account", "title", "email", "phone", "mobile", "external_id", "created_at"]
    found = Contact.objects.filter(external_id__startswith="latin-").count()
    for form, (made, _media) in export.FORMS.items():
        for as_read in (False, True):
            size: list[int] = []

            def read_all(made=made, as_read=as_read, size=size):
                size.extend(len(piece) for piece in made(alice, registry.get("contacts"), wanted, columns, as_read))

            measured(f"{form}, {'as read' if as_read else 'as the API has it'}", found, read_all)
            assert sum(size) > found * 20


def test_an_import_undone(owner):
    """The last one, of records that nobody touched since: those of the first were edited together."""
    row = Import.objects.filter(status="done", type="contacts").latest("created_at")
    writing(lambda: uploads.take_back(owner, Import.objects.get(pk=row.pk)))
    measured("import undone", row.report["new"], run_all)
    assert Import.objects.get(pk=row.pk).report["left"] == 0
    assert not Contact.objects.filter(external_id__startswith="chinese-").exists()
