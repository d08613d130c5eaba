"""The connection whose search path is what ``core.context`` binds, checked with the server before every statement.

PostgreSQL 18 reports its search path to the client, so the check costs no round trip and no flag of ours can go stale after
a rollback, a cancelled statement or a connection's return to the pool. An error while setting the path is never swallowed.
"""

from contextlib import contextmanager
from contextvars import copy_context
from functools import partial

from django.db.backends.postgresql.base import CursorDebugWrapper
from django.db.backends.utils import CursorWrapper
from django.db.utils import DatabaseError, NotSupportedError
from django_tenants.postgresql_backend import base as django_tenants_backend
from psycopg.pq import TransactionStatus

from tenants import binding

OLDEST_SERVER = 180000
MOST_SCHEMAS = 100  # a server process keeps what it learned of every schema's tables until its connection closes


class _Guarded:
    """A cursor that outlives its binding still reaches only what is bound when it executes."""

    def _execute_with_wrappers(self, sql, params, many, executor):
        self.db.enter_bound_schema()
        return super()._execute_with_wrappers(sql, params, many, executor)

    @contextmanager
    def copy(self, statement):
        """psycopg's own way to send many rows, guarded as a statement is."""
        self.db.validate_no_broken_transaction()
        self.db.enter_bound_schema()
        with self.db.wrap_database_errors, self.cursor.copy(statement) as rows:
            yield rows


class GuardedCursor(_Guarded, CursorWrapper):
    pass


class GuardedDebugCursor(_Guarded, CursorDebugWrapper):
    @contextmanager
    def copy(self, statement):
        """A stream is a statement as well where statements are counted."""
        with self.debug_sql(statement.as_string(self.cursor)), super().copy(statement) as rows:
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

    def on_commit(self, func, robust=False):
        """As Django's, but the callback runs in the binding in which it was registered, whatever is bound at commit."""
        if not callable(func):
            raise TypeError("on_commit()'s callback must be a callable.")
        super().on_commit(partial(copy_context().run, func), robust)

    def _handle_search_path(self, cursor=None):
        self.enter_bound_schema()

    def enter_bound_schema(self) -> None:
        """Make the server's search path the bound one, or raise. Cost: nothing where it is right, else one round trip.

        In a failed transaction the server refuses every statement but a rollback, so there is nothing to set and nothing to leak.
        """
        wanted = binding.search_path()
        with self.wrap_database_errors:
            pgconn = self.connection.pgconn
            if self._reported_path(pgconn) == wanted:
                return
            self._refuse_old_server(self.connection)
            if pgconn.transaction_status == TransactionStatus.INERROR:
                return
            with self.connection.cursor() as cursor:
                cursor.execute(f"SET search_path = {wanted}")
            if self._reported_path(pgconn) != wanted:
                raise DatabaseError(f"The server did not enter {wanted}: it reports {self._reported_path(pgconn)}.")
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
        """A pooled connection that has seen many companies is closed instead of returned: only that frees the server's memory."""
        if self.connection is not None and self.pool and len(getattr(self.connection, "odos_served", ())) > MOST_SCHEMAS:
            with self.wrap_database_errors:
                self.connection.close()
        super()._close()
