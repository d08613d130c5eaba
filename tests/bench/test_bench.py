"""The benchmark measures what it says: its company's books are right, and each operation answers what hand-written SQL answers. At a size of seconds."""

import threading
from random import Random
from socketserver import ThreadingMixIn
from types import SimpleNamespace
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from core import context, doctor
from core.models import Role
from crm.models import Account, Opportunity
from deploy.timing import TimingMiddleware
from deploy.wsgi import application
from tests.bench import companies, company, measuring, meters, report, streams, where
from tests.bench.clients import TIMING, loop
from tests.bench.floor import Floor
from tests.bench.shape import Shape
from tests.bench.workloads import WORKLOADS
from tests.servers import WORKER

SHAPE = Shape(copies=3, accounts=6, contacts=12, leads=6, opportunities=20, orders=20, goods=9, services=3)
CELL = {
    "key": "a", "by": "api", "clients": 1, "n": 9, "made": 10, "yard": 2.0, "p50": 8.0, "p95": 9.0, "rate": 100.0, "cpu": 6.0, "cpu_web": 5.0,
    "cpu_database": 1.0, "statements": 7.0, "sql": 2.0, "requests": 1.0, "floor": 1.0, "floor_p95": 1.5, "floor_cpu": 1.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def built():
    return company.build(SHAPE, lambda sentence: None, subdomain=f"bench{WORKER}")


@pytest.fixture(scope="module")
def port():
    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_):
            """Nothing: a test says what failed."""

    with make_server("127.0.0.1", 0, application, Server, Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def asking(built, port):
    return measuring.people_and_programs(port, built, 1)


@pytest.fixture(scope="module")
def world(built):
    with context.bind(built.company):
        return measuring.world_of()


@pytest.fixture(scope="module")
def floor(built):
    made = Floor(measuring.address(), built.company.schema)
    made.fill()
    yield made
    made.close()


def test_copies_are_whole(built):
    with context.bind(built.company):
        assert Opportunity.objects.count() == SHAPE.told["opportunities"]
        assert Account.objects.values("name").distinct().count() == SHAPE.told["accounts"]
        wrong = [(r.name, r.error, r.found[:3]) for r in doctor.examine().results if r.found or r.error]
        assert [name for name, *_rest in wrong] == ["trail"], wrong  # which tells of the references of what was copied


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda w: w.key)
def test_an_operation_answers_what_hand_written_sql_answers(workload, asking, floor, world):
    measuring.agree(workload, asking["api"][0], asking["page"][0], floor, world)
    draws = Random(1)
    for by in ("api", "page"):
        if (do := getattr(workload, by)) is not None:
            done = loop(asking[by][:1], lambda client, do=do: do(client, workload.draw(draws, world)), 0.01, 1)
            assert done.took and done.meter.requests
    spent = floor.measure(lambda: workload.floor(floor, workload.draw(draws, world)), 0.0, 2)
    assert 0 < spent.p50 <= spent.p95


def test_the_floor_takes_and_gives_contacts(built, floor):
    with context.bind(built.company):
        before, text = streams._floor_out(floor), streams.contacts("chinese", 5, "mark")
        streams._floor_in(floor, text)
        assert streams._floor_out(floor) == before + 5
        assert len(streams.order_lines(4, "mark").splitlines()) == 5


def test_signing_up_is_timed(port):
    assert companies.sign_up(port, f"benchnew{WORKER}") > 0


def run(**cell) -> dict:
    cells = [{**CELL, "key": "ping", "cpu": 2.0, "p50": 3.0}, {**CELL, **cell}]
    stream = {"what": "export", "rows": 10, "seconds": 1.0, "rate": 10.0, "cpu": 0.1, "cpu_database": 0.05, "floor": 0.5, "yard": 2.0}
    return {
        "date": "2026-11-01", "machine": "2 cores", "load": 0.1, "scale": 0.1, "counts": {"accounts": 2000}, "cells": cells, "streams": [stream],
        "ping": 3.0, "memory": {"at the end": {"web": 200}},
    }  # fmt: skip


def test_a_fifth_worse_is_told():
    assert report.ratios(run(), run()["cells"][1]) == (2.0, 2.0)
    assert report.worse(run(), run()) == [] == report.worse(run(cpu=7.1), run())
    assert report.worse(run(cpu=9.0), run()) == ["a by api costs 3.00 times yardstick and floor; it was 2.00."]
    slow = run()
    slow["streams"][0]["cpu"] = 0.13
    assert report.worse(slow, run()) == ["export costs 650.00 times yardstick and floor; it was 500.00."]
    whole = {**run(cpu=9.0), "scale": 1.0}
    assert report.worse(whole, run()) == [] and "not compared" in report.comparable(whole, run()) and not report.comparable(run(), run())


def test_a_slower_machine_is_no_alarm_nor_is_a_ping_that_got_cheaper():
    assert report.worse(run(cpu=9.0, yard=3.5, floor_cpu=1.5), run()) == []  # everything takes longer, yardstick and floor too
    cheaper = run()
    cheaper["cells"][0]["cpu"] = 0.5
    assert report.worse(cheaper, run()) == []
    dearer = run()
    dearer["cells"][0]["cpu"] = 4.0
    assert report.worse(dearer, run()) == ["ping by api costs 1.33 times yardstick and floor; it was 0.67."]
    old = run(yard=0.0)
    old["cells"][0]["yard"] = old["streams"][0]["yard"] = 0.0
    assert report.worse(run(cpu=9.0), old) == [] and "no yardstick" in report.comparable(run(), old)


def test_what_seems_worse_is_measured_again_and_nothing_done_is_forgotten():
    turns = [{**CELL, "cpu": cpu} for cpu in (9.0, 8.5, 6.2, 5.0)]
    cell = measuring._sure(turns.pop(0), lambda: turns.pop(0), {"floor_cpu": 1.0}, CELL)
    assert (cell["cpu"], cell["made"], len(turns)) == (6.2, 30, 1)
    turns = [{**CELL, "cpu": cpu} for cpu in (6.5, 9.0)]
    assert measuring._sure(turns.pop(0), lambda: turns.pop(0), {"floor_cpu": 1.0}, CELL)["cpu"] == 6.5 and len(turns) == 1
    assert meters.yardstick(3) > 0
    before = run()["streams"][0]
    turns = [{**before, "cpu": cpu} for cpu in (0.2, 0.15, 0.11)]
    assert streams._sure(lambda: turns.pop(0), {"export": before})["cpu"] == 0.11 and turns == []


def test_a_run_is_put_into_its_page(tmp_path):
    page = tmp_path / "benchmarks.md"
    page.write_text("Before\n<!-- the last run -->\nold\n<!-- end of the last run -->\nAfter\n")
    report.put(page, report.as_markdown(run()))
    text = page.read_text()
    assert text.startswith("Before\n") and text.endswith("After\n") and "old" not in text
    assert "| a | api | 1 | 8.0 |" in text and "2,000 accounts" in text and "times floor" in report.as_text(run())


@pytest.mark.usefixtures("company")
def test_an_answer_tells_what_its_statements_cost():
    def page(request):
        list(Role.objects.all()[:1])
        list(Role.objects.all()[:2])
        return HttpResponse()

    answer = TimingMiddleware(page)(RequestFactory().get("/"))
    ((_duration, count),) = TIMING.findall(answer["Server-Timing"])
    assert count == "2"


# Where the time goes


def test_the_parts_of_an_operation_are_told_apart_and_add_up(built):
    found = where.run("a,e:api,i", built, lambda sentence: None, seconds=1.0)
    assert list(found) == ["a by api", "a by page", "e by api", "i, 100 rows"]
    for name, told in found.items():
        assert abs(sum(told["parts"].values()) - told["cpu"]) < 0.01 * told["cpu"] and told["n"] and told["statements"], name
    assert found["a by page"]["parts"]["rendering the page"] > 0 == found["a by api"]["parts"].get("rendering the page", 0)
    assert found["i, 100 rows"]["parts"]["the file: rows and cells"] > 0 and found["e by api"]["parts"][where.DATABASE] >= 0
    head, _line, *rows = where.as_text(found).splitlines()
    assert head == "| where | a by api | a by page | e by api | i, 100 rows |" and rows[-2].startswith("| all, ms |")
    assert head in where.as_markdown(found, 0.1) and "in 0.1 of the whole company" in where.as_markdown(found, 0.1)
    with pytest.raises(SystemExit, match="z:api is no operation"):
        where.run("z:api", built, lambda sentence: None)


def test_what_is_done_lies_with_the_innermost_room_that_is_known():
    def frame(path, back=None):
        return SimpleNamespace(f_code=SimpleNamespace(co_filename=path), f_back=back)

    page = frame("/odos/core/views/lists.py", frame("/lib/django/core/handlers/base.py"))
    assert where.part_of(page) == "rendering the page" and where.part_of(frame("/lib/decimal.py", page)) == "rendering the page"
    assert where.part_of(frame("/lib/psycopg/rows.py", frame("/odos/core/query.py", page))) == "the driver: statements out, rows in"
    assert where.part_of(frame("/lib/django/core/handlers/base.py")) == where.REST == where.part_of(None)
