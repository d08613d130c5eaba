"""The connection whose search path is what ``core.context`` binds, checked with the server before every statement.

PostgreSQL 18 reports its search path to the client, so the check costs no round trip and no flag of ours can go stale after
a rollback, a cancelled statement or a connection's return to the pool. An error while setting the path is never swallowed.

What has to come before a statement, the path and a transaction's beginning, travels with it where it is a query: the server takes the statements of one
message in turn, none after one that fails, and looks the names of each up when its turn has come.
"""

import time
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from itertools import islice

from django.db.backends.postgresql.base import CursorDebugWrapper, ServerSideCursor
from django.db.backends.utils import CursorWrapper
from django.db.utils import DatabaseError, NotSupportedError
from django_tenants.postgresql_backend import base as django_tenants_backend
from psycopg import ClientCursor
from psycopg.adapt import AdaptersMap
from psycopg.pq import TransactionStatus
from psycopg.types.datetime import TimestamptzLoader

from tenants import binding
from tenants.backend import plans
from tenants.backend.plans import Kept, Shelf
from tenants.backend.pool import reset

OLDEST_SERVER = 180000
QUERIES = ("SELECT ", "(SELECT ", "SET TRANSACTION ")  # what may travel with its preface: it changes nothing by itself, and stands in any transaction
LOST = ("0A000", "26000")  # a plan that is no longer what it was; a name that the server does not know
UNSAYABLE = "42"  # of what kind a value is, it did not find out
MOST_SCHEMAS = 100  # a server process keeps what it learned of every schema's tables until its connection closes


class _Guarded:
    """A cursor that outlives its binding still reaches only what is bound when it executes."""

    def _execute(self, sql, params, *ignored):
        self.db.validate_no_broken_transaction()
        path, first = self.db.preface()
        if isinstance(sql, Kept):
            return self._execute_kept(sql, params, path)
        if not first:
            return super()._execute(sql, params, *ignored)
        if not (isinstance(self.cursor, ClientCursor) and isinstance(sql, str) and sql.startswith(QUERIES)):
            self.db.send_preface(path, first)
            return super()._execute(sql, params, *ignored)
        with self.db.wrap_database_errors:
            self.cursor.execute(f"{'; '.join(first)}; {sql}", params)
            self.db.demand_path(path)
            self.cursor.set_result(len(first))
        return None

    def _execute_kept(self, message, params, path):
        """Each statement by its name, where that is the quicker way; what has to come before travels with it, as with any query."""
        shelf, values, calls, before, fresh = Shelf.of(self.db.connection), iter(params), [], [], []
        for statement in message.parts:
            own, pace = [*islice(values, len(statement.types))], plans.pace(path, statement)
            by_name = not shelf.in_doubt and pace.is_by_name() and self._is_sound(statement, pace, own, path)
            name, said = shelf.take(path, statement) if by_name else ("", [])
            calls.append(statement.call(name) if by_name else statement)
            before += said
            fresh += [pace] if said else []
        before = [*self.db.preface()[1], *before]
        began = time.perf_counter()
        self._say(path, before, calls, params, fresh)
        if not before and len(calls) == 1:
            pace.took(time.perf_counter() - began, by_name)

    def _is_sound(self, statement, pace, values, path):
        """Whether it is planned well for any values; looked at once in a while. Cost: one round trip then, else none."""
        if pace.is_sound is None:
            name, said = Shelf.of(self.db.connection).take(path, statement)
            self._say(path, [*self.db.preface()[1], *said], [statement.plan(name)], values, [pace] if said else [])
            pace.is_sound = plans.is_sound(self.cursor.fetchone()[0])
        return pace.is_sound

    def _say(self, path, before, calls, params, fresh):
        """One message: what has to come before, and the calls, whose answers are there then; ``fresh`` are those that are named in it."""
        shelf = Shelf.of(self.db.connection)
        with self.db.wrap_database_errors:
            try:
                self.cursor.execute("; ".join([*before, *calls]), params)
            except BaseException as error:
                code = getattr(error, "sqlstate", None) or ""
                shelf.in_doubt = shelf.in_doubt or bool(fresh) or code in LOST or not code
                for one in fresh if code.startswith(UNSAYABLE) else ():
                    one.cannot_be_named()
                raise
            if before:
                self.db.demand_path(path)
                self.cursor.set_result(len(before))

    def _executemany(self, sql, param_list, *ignored):
        self.db.send_preface(*self.db.preface())
        return super()._executemany(sql, param_list, *ignored)

    @contextmanager
    def copy(self, statement, writer=None):
        """psycopg's own way to send many rows, by a ``writer`` of its own, guarded as a statement is."""
        self.db.validate_no_broken_transaction()
        self.db.send_preface(*self.db.preface())
        with self.db.wrap_database_errors, self.cursor.copy(statement, writer=writer) as rows:
            yield rows


class GuardedCursor(_Guarded, CursorWrapper):
    pass


class GuardedDebugCursor(_Guarded, CursorDebugWrapper):
    def debug_sql(self, sql=None, params=None, use_last_executed_query=False, many=False):
        """What the server keeps is told in full, by whatever name it was asked."""
        if isinstance(sql, Kept):
            sql, use_last_executed_query = self.db.ops.compose_sql(sql, params), False
        return super().debug_sql(sql, params, use_last_executed_query, many)

    @contextmanager
    def copy(self, statement, writer=None):
        """A stream is a statement as well where statements are counted."""
        with self.debug_sql(statement.as_string(self.cursor)), super().copy(statement, writer) as rows:
            yield rows


class DatabaseWrapper(django_tenants_backend.DatabaseWrapper):
    @property
    def schema_name(self) -> str:
        """What django-tenants' router and introspection ask for."""
        return binding.bound_schema()

    @schema_name.setter
    def schema_name(self, value):
        """The library assigns None when a connection object is made; what is bound counts, nothing is kept here."""

    def set_tenant(self, tenant, include_public=True):
        raise RuntimeError("A company is bound with core.context.bind(company), never on the connection.")

    def set_schema_to_public(self):
        """The library's first act on a new connection object. Nothing is bound yet, so nothing is entered."""

    def check_database_version_supported(self):
        self._refuse_old_server(self.connection)

    def make_cursor(self, cursor):
        return GuardedCursor(cursor, self)

    def make_debug_cursor(self, cursor):
        return GuardedDebugCursor(cursor, self)

    def kept(self, text, params, places):
        """A statement for ``execute`` that the server may keep: the values in these places are given each time, all others stand in it."""
        self.ensure_connection()
        return Kept.of(plans.written(self.connection, text, params, places), [params[place] for place in places])

    def in_one_message(self, statements):
        """What ``kept`` gave, several of them, for one ``execute`` with the values of all."""
        return Kept.each(statements)

    def on_commit(self, func, robust=False):
        """As Django's, but the callback runs in the binding in which it was registered, whatever is bound at commit."""
        if not callable(func):
            raise TypeError("on_commit()'s callback must be a callable.")
        super().on_commit(partial(copy_context().run, func), robust)

    def _handle_search_path(self, cursor=None):
        """The library would set the path for each new cursor; here each statement brings its own."""
        with self.wrap_database_errors:
            if self._reported_path(self.connection.pgconn) != binding.search_path():
                self._refuse_old_server(self.connection)

    def create_cursor(self, name=None):
        """As Django's, for a connection whose times are all in UTC.

        That a cursor of the server is held beyond its transaction only where there is none, is asked of Django: the driver is always in autocommit,
        and would have every row of a stream stored first.
        """
        if name:
            return ServerSideCursor(self.connection, name=name, scrollable=False, withhold=self.autocommit)
        return self.connection.cursor()

    def get_connection_params(self):
        """As Django's, whose own way to read a time takes ten times as long as the driver's; both give it in UTC, as the server's session is."""
        params = super().get_connection_params()
        params["context"] = AdaptersMap(params["context"])
        params["context"].register_loader("timestamptz", TimestamptzLoader)
        return params

    def _set_autocommit(self, autocommit):
        """The driver stays in autocommit, or it would begin each transaction by a message of its own: ``preface`` begins it."""
        super()._set_autocommit(True)

    def preface(self) -> tuple[str, list[str]]:
        """The path that is bound, and what has to be said before the next statement: nothing, mostly. Cost: none.

        In a failed transaction the server refuses every statement but a rollback, so there is nothing to set and nothing to leak.
        """
        wanted, said = binding.search_path(), []
        with self.wrap_database_errors:
            pgconn = self.connection.pgconn
            status = pgconn.transaction_status
            if self._reported_path(pgconn) != wanted:
                self._refuse_old_server(self.connection)
                if status == TransactionStatus.INERROR:
                    return wanted, []
                said.append(f"SET search_path = {wanted}")
            if not self.autocommit and status == TransactionStatus.IDLE:
                said.append("BEGIN")
        return wanted, said

    def send_preface(self, path: str, said: list[str]) -> None:
        """Say it by itself, before what may not stand beside other statements. Cost: one round trip, none for nothing."""
        if said:
            with self.wrap_database_errors:
                with self.connection.cursor() as cursor:
                    cursor.execute("; ".join(said))
                self.demand_path(path)

    def demand_path(self, wanted: str) -> None:
        """Raise where the server is not where the preface sent it."""
        found = self._reported_path(self.connection.pgconn)
        if found != wanted:
            raise DatabaseError(f"The server did not enter {wanted}: it reports {found}.")
        self._count_schema(wanted)

    @staticmethod
    def _reported_path(pgconn) -> str | None:
        reported = pgconn.parameter_status(b"search_path")
        return reported.decode() if reported is not None else None

    @staticmethod
    def _refuse_old_server(connection) -> None:
        found = connection.info.server_version
        if found < OLDEST_SERVER:
            raise NotSupportedError(f"Odos needs PostgreSQL 18 or newer, and this server is version {found // 10000}.")

    def _count_schema(self, wanted: str) -> None:
        served = getattr(self.connection, "odos_served", None)
        if served is None:
            served = self.connection.odos_served = set()
        served.add(wanted)

    def _close(self):
        """Nothing is given back to the pool that is not as new. One that has seen many companies is closed: only that frees the server's memory."""
        if self.connection is not None and self.pool and not self.connection.closed:
            with self.wrap_database_errors:
                if len(getattr(self.connection, "odos_served", ())) > MOST_SCHEMAS:
                    self.connection.close()
                else:
                    reset(self.connection)
        super()._close()
