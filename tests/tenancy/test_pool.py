"""What a connection, a thread or a callback takes with it to the next company: nothing (I-03, I-04, I-06)."""

import asyncio
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest
from django.db import connection, connections, transaction
from django.db.utils import ProgrammingError

from core import context
from tenants import binding
from tests.tenancy.conftest import LONG, beside, emails

pytestmark = pytest.mark.usefixtures("unbound")


# I-03: the pool -------------------------------------------------------------------------------------------------------


def test_what_the_pool_lends_is_bound_to_nothing(pair):
    """I-03: taken and given back with random companies; who binds nothing gets no rows, whoever had the connection before."""
    for _ in range(10_000 if LONG else 300):
        company, expected = random.choice([*pair, (None, None)])
        if company is None:
            with pytest.raises(ProgrammingError, match="does not exist"):
                emails()
        else:
            with context.bind(company):
                assert emails() == expected
        connection.close()


def test_nothing_of_the_last_borrower_is_left_in_a_pooled_connection(pair):
    """I-03, I-31: settings, temporary tables, cursors, channels and locks; of statements their plans, and those are the company's own (test_plans.py)."""
    with context.bind(pair[0][0]), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE left_behind (x int); LISTEN left_behind; "
            "SET statement_timeout = 1234; SET TIME ZONE 'Asia/Tokyo'; SELECT pg_advisory_lock(77)"
        )
        cursor.execute("DECLARE left_behind CURSOR WITH HOLD FOR SELECT 1")
        pid = connection.connection.info.backend_pid
    pool = connection.pool
    connection.close()
    found = None
    for _ in range(50):
        with pool.connection() as lent:
            if lent.info.backend_pid == pid:
                found = lent.execute(
                    "SELECT current_setting('search_path'), current_setting('TimeZone'), current_setting('statement_timeout'), "
                    "(SELECT count(*) FROM pg_cursors WHERE is_holdable), "
                    "(SELECT count(*) FROM pg_listening_channels()), "
                    "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()), "
                    "(SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema())"
                ).fetchone()
                break
        time.sleep(0.05)
    assert found == (binding.NOWHERE, "UTC", "15s", 0, 0, 0, 0)


def test_a_connection_that_served_many_companies_is_not_given_back(pair, monkeypatch):
    """The server's memory of every schema's tables is freed only when its connection closes."""
    monkeypatch.setattr("tenants.backend.base.MOST_SCHEMAS", 1)
    for company, expected in pair:
        with context.bind(company):
            assert emails() == expected
    pid = connection.connection.info.backend_pid
    connection.close()
    with beside() as other:
        for _ in range(100):
            if other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone() is None:
                return
            time.sleep(0.02)
    pytest.fail("The connection is still open.")


# I-04: threads --------------------------------------------------------------------------------------------------------


def test_a_new_thread_is_bound_to_nothing(pair):
    """I-04: a thread that was not told its company reaches none."""
    caught: list[Exception] = []

    def work() -> None:
        try:
            emails()
        except Exception as error:
            caught.append(error)
        finally:
            connections.close_all()

    with context.bind(pair[0][0]):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert [type(error) for error in caught] == [ProgrammingError]


def test_threads_that_are_told_their_company_do_not_disturb_each_other(pair):
    """I-04: four threads, two companies, interleaved."""

    def work(number: int) -> list[bool]:
        company, expected = pair[number % 2]
        try:
            with context.bind(company):
                return [emails() == expected for _ in range(2500 if LONG else 50)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        assert all(all(answers) for answers in threads.map(work, range(4)))


def test_coroutines_keep_their_company(pair):
    def read() -> list[str]:
        try:
            return emails()
        finally:
            connections.close_all()

    async def work(company, expected) -> bool:
        with context.bind(company):
            await asyncio.sleep(0)
            return await asyncio.to_thread(read) == expected

    async def together() -> list[bool]:
        return await asyncio.gather(*(work(*pair[number % 2]) for number in range(8)))

    with ThreadPoolExecutor(1) as thread:  # of its own: a browser's driver may keep an event loop in this one
        assert all(thread.submit(lambda: asyncio.run(together())).result())


# I-06: what runs after a commit -----------------------------------------------------------------------------------------


def test_a_callback_runs_in_the_company_that_registered_it(pair):
    """I-06: also when it was registered inside another company's transaction, and from another callback."""
    (first, seen_first), (second, seen_second) = pair
    seen: list = []

    def outer() -> None:
        seen.append(emails())
        with context.bind(first):
            transaction.on_commit(lambda: seen.append(emails()))

    with context.bind(first), transaction.atomic():
        emails()
        with context.bind(second):
            transaction.on_commit(outer)
    assert seen == [seen_second, seen_first]


def test_a_callback_registered_nowhere_reaches_nothing(pair):
    seen: list = []

    def look() -> None:
        try:
            emails()
        except ProgrammingError as error:
            seen.append(type(error))

    with transaction.atomic():
        connection.ensure_connection()
        copy_context().run(lambda: transaction.on_commit(look))
        with context.bind(pair[0][0]):
            emails()
    assert seen == [ProgrammingError]
