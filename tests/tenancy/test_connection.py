"""The connection reaches the bound company and nothing else, whatever breaks while it changes over (I-01 to I-04, I-06)."""

import asyncio
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from contextvars import copy_context
from uuid import uuid4

import psycopg
import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.db.backends.postgresql.base import Cursor
from django.db.utils import NotSupportedError, OperationalError, ProgrammingError
from django_tenants.postgresql_backend import base as stock
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from psycopg.conninfo import make_conninfo

from core import context
from core.models import User
from tenants import binding
from tenants.backend import base as guarded
from tests import people

LONG = bool(os.environ.get("ODOS_LONG"))


@pytest.fixture(scope="module")
def pair():
    """Two companies and what a query of each must answer: its owner's address."""
    made = [people.new_company(), people.new_company()]
    return [(company, [people.owner_of(company).email]) for company in made]


@pytest.fixture(autouse=True)
def unbound():
    """These tests bind for themselves."""
    assert context.company_or_none() is None and not context.public_is_bound()
    yield
    connection.close()


def emails() -> list[str]:
    return list(User.objects.values_list("email", flat=True))


def beside() -> psycopg.Connection:
    """A second connection to the same database, which Django knows nothing of."""
    given = connection.settings_dict
    return psycopg.connect(
        make_conninfo(dbname=given["NAME"], user=given["USER"], password=given["PASSWORD"], host=given["HOST"], port=given["PORT"]),
        autocommit=True,
    )


# I-01: a cancelled statement ------------------------------------------------------------------------------------------


def test_random_cancels_never_show_a_row_of_the_other_company(pair):
    """I-01: queries of two companies in turn on one connection, while a second session cancels at random."""
    with context.bind(pair[0][0]):
        emails()
    stopped, served = threading.Event(), {"pid": connection.connection.info.backend_pid}

    def cancel() -> None:
        with beside() as other:
            while not stopped.wait(random.uniform(0, 0.001)):
                other.execute("SELECT pg_cancel_backend(%s)", [served["pid"]])

    canceller = threading.Thread(target=cancel)
    canceller.start()
    right = wrong = errors = 0
    start = time.monotonic()
    try:
        while (taken := time.monotonic() - start) < (60 if LONG else 4) or (min(right, errors) < 20 and taken < 120):
            company, expected = pair[(right + errors) % 2]
            with context.bind(company):
                try:
                    seen = emails()
                except DatabaseError:
                    errors += 1
                    continue
                served["pid"] = connection.connection.info.backend_pid
                right, wrong = right + (seen == expected), wrong + (seen != expected)
    finally:
        stopped.set()
        canceller.join()
    assert wrong == 0
    assert min(right, errors) >= 20, "The test must see both answers and cancelled statements."


class CancelledSet(Cursor):
    """A cursor whose next change of the search path is cancelled by the server while it runs."""

    armed = False

    def execute(self, query, params=None, **options):
        if CancelledSet.armed and str(query).startswith("SET search_path"):
            CancelledSet.armed = False
            killer = threading.Thread(target=_cancel_sleeper, args=[self.connection.info.backend_pid])
            killer.start()
            try:
                return super().execute(f"SELECT pg_sleep(30); {query}", params, **options)
            finally:
                killer.join()
        return super().execute(query, params, **options)


def _cancel_sleeper(pid: int) -> None:
    with beside() as other:
        for _ in range(1000):
            sleeps = other.execute("SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone()
            if sleeps and sleeps[0]:
                other.execute("SELECT pg_cancel_backend(%s)", [pid])
                return
            time.sleep(0.01)


def connection_of(backend) -> object:
    """A connection of this backend outside of Django's own, without a pool, whose cursors can be cancelled."""
    given = {**connection.settings_dict, "OPTIONS": {**connection.settings_dict["OPTIONS"], "cursor_factory": CancelledSet}}
    given["OPTIONS"].pop("pool")
    return backend.DatabaseWrapper(given, "default")


def first_email(db) -> str:
    with db.cursor() as cursor:
        cursor.execute("SELECT email FROM core_user")
        return cursor.fetchone()[0]


def test_control_the_stock_backend_reads_the_other_company_after_a_cancelled_set(pair):
    """I-01, control: what the guard is for. With django-tenants' own backend the same cancel shows a foreign row."""
    (first, seen_first), (second, _) = pair
    db = connection_of(stock)
    try:
        db.set_schema(first.schema)
        assert first_email(db) == seen_first[0]
        db.set_schema(second.schema)
        CancelledSet.armed = True
        assert first_email(db) == seen_first[0], "The stock backend swallows the error and stays with the first company."
    finally:
        CancelledSet.armed = False
        db.close()


def test_a_cancelled_set_is_an_error_and_the_next_query_is_right(pair):
    """I-01: the very same cancel, on our backend."""
    (first, seen_first), (second, seen_second) = pair
    db = connection_of(guarded)
    try:
        with context.bind(first):
            assert first_email(db) == seen_first[0]
        with context.bind(second):
            CancelledSet.armed = True
            with pytest.raises(OperationalError):
                first_email(db)
            assert not CancelledSet.armed, "The change of path was the statement that was cancelled."
            assert first_email(db) == seen_second[0]
    finally:
        CancelledSet.armed = False
        db.close()


def test_a_path_the_server_does_not_take_is_an_error(pair, monkeypatch):
    monkeypatch.setattr(binding, "search_path", lambda: "pg_catalog,pg_temp")  # the server reports it with a space
    with pytest.raises(DatabaseError, match="did not enter"):
        connection.cursor()


def test_an_old_server_is_refused_in_one_sentence(pair, monkeypatch):
    monkeypatch.setattr("tenants.backend.base.OLDEST_SERVER", 990000)
    with pytest.raises(NotSupportedError, match=r"^Odos needs PostgreSQL 18 or newer, and this server is version \d+\.$"):
        connection_of(guarded).cursor()


def test_a_missing_table_is_an_error_even_where_public_has_one_of_that_name(pair):
    """Never silently another schema's table: public is not on a company's path."""
    company = people.new_company()
    with context.bind_public(), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE core_user (email text); INSERT INTO core_user VALUES ('nobody@public.example')")
    try:
        with context.bind(company), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE core_user RENAME TO core_user_gone")
        with context.bind(company), pytest.raises(ProgrammingError, match="does not exist"):
            emails()
        with pytest.raises(ProgrammingError, match="does not exist"):
            emails()
    finally:
        with context.bind_public(), connection.cursor() as cursor:
            cursor.execute("DROP TABLE core_user")


def test_a_cursor_made_in_one_company_works_in_the_one_bound_now(pair):
    (first, seen_first), (second, seen_second) = pair
    with context.bind(first):
        cursor = connection.cursor()
    with context.bind(second):
        cursor.execute("SELECT email FROM core_user")
        assert cursor.fetchone()[0] == seen_second[0]
    with pytest.raises(ProgrammingError, match="does not exist"):
        cursor.execute("SELECT email FROM core_user")
    with context.bind(first):
        cursor.execute("SELECT email FROM core_user")
        assert cursor.fetchone()[0] == seen_first[0]


def test_nobody_can_set_a_company_on_the_connection(pair):
    with pytest.raises(RuntimeError, match=r"core\.context"):
        connection.set_schema(pair[0][0].schema)


@pytest.mark.parametrize("name", ["t_x", "public; DROP SCHEMA public", "pg_catalog", 't_"aaaaaaaaaaaaaaaaaaaaaaaaa', "T_" + "a" * 26, ""])
def test_only_our_own_schema_names_reach_sql(name):
    with pytest.raises(ValueError, match="is not the name"), binding.schema(name):
        pass
    forged = context.Company(id=uuid4(), schema=name, name="Forged", subdomain="forged")
    with context.bind(forged), pytest.raises(context.Unbound):
        connection.cursor()


def test_a_schema_entered_by_name_admits_no_company(pair):
    with binding.schema(pair[0][0].schema), context.bind(pair[1][0]), pytest.raises(context.Unbound):
        emails()


# I-02: any order of entering, leaving, failing ------------------------------------------------------------------------


class Changeover(RuleBasedStateMachine):
    """Bindings and transactions opened and closed in any order; the model is a stack of what is bound."""

    places: dict[str, context.Company | None] = {}

    def __init__(self):
        super().__init__()
        self.bound: list[tuple[str, ExitStack]] = []
        self.atomics: list[transaction.Atomic] = []
        self.promised: list[tuple[str | None, list]] = []

    @property
    def wanted(self) -> str | None:
        """What current_schema() must answer."""
        if not self.bound:
            return None
        company = self.places[self.bound[-1][0]]
        return company.schema if company else "public"

    @rule(place=st.sampled_from(["first", "second", "public"]))
    def enter(self, place):
        stack, company = ExitStack(), self.places[place]
        stack.enter_context(context.bind(company) if company else context.bind_public())
        self.bound.append((place, stack))

    @precondition(lambda self: self.bound)
    @rule(by_error=st.booleans())
    def leave(self, by_error):
        _, stack = self.bound.pop()
        if by_error:
            error = ValueError("leaving")
            with suppress(ValueError):
                stack.__exit__(ValueError, error, None)
        else:
            stack.close()

    @precondition(lambda self: len(self.atomics) < 3)
    @rule()
    def begin(self):
        block = transaction.atomic()
        block.__enter__()
        self.atomics.append(block)

    @precondition(lambda self: self.atomics)
    @rule(keep=st.booleans())
    def end(self, keep):
        block = self.atomics.pop()
        block.__exit__(*((None, None, None) if keep else (ValueError, ValueError("undone"), None)))
        if not keep:
            self.promised.clear()
        elif not self.atomics:
            for expected, ran in self.promised:
                assert ran == [expected], "A callback ran in another binding than the one that registered it (I-06)."
            self.promised.clear()

    @precondition(lambda self: self.atomics)
    @rule()
    def promise(self):
        ran: list = []
        transaction.on_commit(lambda: ran.append(current_schema()))
        self.promised.append((self.wanted, ran))

    @rule(statement=st.sampled_from(["SELECT 1/0", "SELECT * FROM there_is_no_such_table"]))
    def fail(self, statement):
        with suppress(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    @rule(statement=st.sampled_from(["RESET ALL", "SET search_path = public", "RESET search_path", "SET search_path = {other}"]))
    def meddle(self, statement):
        other = self.places["second" if self.wanted == self.places["first"].schema else "first"]
        with connection.cursor() as cursor:
            cursor.execute(statement.format(other=other.schema))

    @precondition(lambda self: not self.atomics)
    @rule()
    def close(self):
        connection.close()

    @precondition(lambda self: not self.atomics and connection.connection is not None)
    @rule()
    def kill(self):
        with beside() as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
        with pytest.raises(OperationalError):
            current_schema()
        connection.close()

    @invariant()
    def the_server_is_where_the_model_is(self):
        assert current_schema() == self.wanted

    def teardown(self):
        while self.atomics:
            self.atomics.pop().__exit__(ValueError, ValueError("undone"), None)
        while self.bound:
            self.bound.pop()[1].close()


def current_schema() -> str | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return cursor.fetchone()[0]


def test_any_order_of_bindings_transactions_and_accidents_stays_right(pair):
    """I-02, I-06: hypothesis looks for an order of steps after which the server is elsewhere than the code."""
    Changeover.places = {"first": pair[0][0], "second": pair[1][0], "public": None}
    steps = 50 if LONG else 25
    run_state_machine_as_test(Changeover, settings=hypothesis_settings(stateful_step_count=steps))


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
    """I-03, I-31: settings, temporary tables, prepared statements, cursors, channels and locks."""
    with context.bind(pair[0][0]), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE left_behind (x int); PREPARE left_behind AS SELECT 1; LISTEN left_behind; "
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
                    "(SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_cursors WHERE is_holdable), "
                    "(SELECT count(*) FROM pg_listening_channels()), "
                    "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()), "
                    "(SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema())"
                ).fetchone()
                break
        time.sleep(0.05)
    assert found == (binding.NOWHERE, "UTC", "15s", 0, 0, 0, 0, 0)


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
