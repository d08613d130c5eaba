"""The connection reaches the bound company and nothing else, whatever breaks while it changes over (I-01, I-02)."""

import random
import threading
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.backends.postgresql.base import Cursor
from django.db.utils import NotSupportedError, OperationalError, ProgrammingError
from django_tenants.postgresql_backend import base as stock
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from psycopg.pq import Format
from psycopg.types.datetime import TimestamptzLoader

from core import context
from tenants import binding
from tenants.backend import base as guarded
from tests import people
from tests.tenancy.conftest import LONG, beside, emails

pytestmark = pytest.mark.usefixtures("unbound")


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


def connection_of(backend, cursors: type = CancelledSet) -> object:
    """A connection of this backend outside of Django's own, without a pool, with such cursors: by default ones that can be cancelled."""
    given = {**connection.settings_dict, "OPTIONS": {**connection.settings_dict["OPTIONS"], "cursor_factory": cursors}}
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


class Noted(Cursor):
    """A cursor that notes what is sent."""

    sent: list[str] = []

    def execute(self, query, params=None, **options):
        Noted.sent.append(str(query))
        return super().execute(query, params, **options)


def test_the_path_and_the_beginning_travel_with_the_first_query(pair):
    """One message where the query may stand beside others, and what follows is alone; a change gets a message after theirs."""
    (first, seen), (second, _seen) = pair
    db = connection_of(guarded, Noted)
    try:
        for company, statement in ((first, "SELECT email FROM core_user"), (second, "UPDATE core_user SET version = version")):
            Noted.sent.clear()
            with context.bind(company):
                db.set_autocommit(False)
                with db.cursor() as cursor:
                    cursor.execute(statement)
                    assert company is second or cursor.fetchone()[0] == seen[0]
                    cursor.execute("SELECT 1")
                    assert cursor.fetchone() == (1,) and cursor.nextset() is None
                db.rollback()
                db.set_autocommit(True)
                assert Noted.sent[-1] == "SELECT 1" and Noted.sent[-2].endswith(statement)
                assert Noted.sent[0].startswith(f"SET search_path = {company.schema}, extensions; BEGIN") and len(Noted.sent) == (2 if company is first else 3)
    finally:
        db.close()


def test_a_stream_within_a_transaction_is_not_stored_first(pair):
    with context.bind(pair[0][0]), transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute("SELECT email FROM core_user")
        assert cursor.fetchone()[0] == pair[0][1][0]
        with connection.cursor() as other:
            other.execute("SELECT count(*) FROM pg_cursors WHERE is_holdable")
            assert other.fetchone() == (0,)


def test_times_are_read_by_the_driver_itself_and_are_in_utc(pair):
    asked = "SELECT '2026-03-01 00:30+02'::timestamptz"
    for cursors in (connection.cursor, connection.chunked_cursor):
        with context.bind(pair[0][0]), transaction.atomic(), cursors() as cursor:
            cursor.execute(asked)
            at = cursor.fetchone()[0]
            assert at == datetime(2026, 2, 28, 22, 30, tzinfo=UTC) and at.tzinfo is UTC
    assert not issubclass(connection.connection.adapters.get_loader(1184, Format.TEXT), TimestamptzLoader), "written in C"


def test_a_path_the_server_does_not_take_is_an_error(pair, monkeypatch):
    monkeypatch.setattr(binding, "search_path", lambda: "pg_catalog,pg_temp")  # the server reports it with a space
    for statement in ("SELECT 1", "CREATE TEMP TABLE never (x int)"):  # the path travels with the one, and before the other
        with pytest.raises(DatabaseError, match="did not enter"), connection.cursor() as cursor:
            cursor.execute(statement)


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
