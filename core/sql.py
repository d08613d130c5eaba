"""The raw SQL of core: what the ORM cannot say. Every identifier goes through ``psycopg.sql``; no value is ever interpolated."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection, models, transaction
from psycopg import sql


def take_number(table: str, key: str) -> int:
    """Add one to a series and return it; the row stays locked until commit, so no number is ever lost."""
    query = sql.SQL(
        "INSERT INTO {table} (key, last) VALUES (%s, 1) ON CONFLICT (key) DO UPDATE SET last = {table}.last + 1 RETURNING last"
    ).format(table=sql.Identifier(table))
    with connection.cursor() as cursor:
        cursor.execute(query.as_string(connection.connection), [key])
        return cursor.fetchone()[0]


@contextmanager
def snapshot() -> Iterator[None]:
    """One consistent, read-only view of the database for everything inside: what GET and every streamed answer run in."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def current_snapshot() -> str:
    """The snapshot this transaction reads in, as PostgreSQL writes it: ``xmin:xmax:xip``."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_snapshot()::text")
        return cursor.fetchone()[0]


def lock(company_id: UUID, purpose: str) -> None:
    """Hold this purpose of this company until the transaction ends. Locks are global to the database, so the key has both (I-30)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_lock_key(company_id, purpose)])


def lock_shared(company_id: UUID, purpose: str) -> None:
    """Hold it beside others who share it; who wants it alone (``lock``) waits for all of them, and they for him."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_lock_key(company_id, purpose)])


def _lock_key(company_id: UUID, purpose: str) -> int:
    digest = hashlib.sha256(f"{company_id}:{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def index_name(table: str, key: str, unique: bool) -> str:
    digest = hashlib.sha256(f"{table}:{key}".encode()).hexdigest()[:20]
    return f"{'u' if unique else 'f'}_own_{digest}"


def index_own_field(table: str, key: str, cast: str | None, unique: bool) -> None:
    """Build the index of a company's own field, on the very expression that filters and sorts use."""
    value = sql.SQL("(custom ->> {key})").format(key=sql.Literal(key))
    if cast:
        value = sql.SQL("({value}::{cast})").format(value=value, cast=sql.SQL({"numeric": "numeric", "boolean": "boolean"}[cast]))
    query = sql.SQL("CREATE {unique} INDEX IF NOT EXISTS {name} ON {table} ({value}) WHERE custom ? {key}").format(
        unique=sql.SQL("UNIQUE" if unique else ""), name=sql.Identifier(index_name(table, key, unique)), table=sql.Identifier(table),
        value=value, key=sql.Literal(key),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(query.as_string(connection.connection))


def drop_own_index(table: str, key: str, unique: bool) -> None:
    query = sql.SQL("DROP INDEX IF EXISTS {name}").format(name=sql.Identifier(index_name(table, key, unique)))
    with connection.cursor() as cursor:
        cursor.execute(query.as_string(connection.connection))


def has_duplicates(table: str, key: str) -> bool:
    """Whether two records share a value of a company's own field."""
    query = sql.SQL("SELECT 1 FROM {table} WHERE custom ? %s GROUP BY custom ->> %s HAVING count(*) > 1 LIMIT 1").format(table=sql.Identifier(table))
    with connection.cursor() as cursor:
        cursor.execute(query.as_string(connection.connection), [key, key])
        return cursor.fetchone() is not None


def be_patient() -> None:
    """Let the statements of this transaction take, and wait, as long as they need: for what reads or writes very much, never for a request."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")


def store_rows(model: type[models.Model], rows: Iterable[models.Model]) -> None:
    """Write all columns of these rows, which exist. The table says what type each value is of. Cost: one statement for any number."""
    columns = [f for f in model._meta.concrete_fields if not f.generated]
    key = model._meta.pk.column
    given = [{f.column: _as_json(f, getattr(row, f.attname)) for f in columns} for row in rows]
    names = [sql.Identifier(f.column) for f in columns if not f.primary_key]
    query = sql.SQL(
        "UPDATE {table} SET ({names}) = ROW ({values}) FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb) AS given WHERE {table}.{key} = given.{key}"
    ).format(
        table=sql.Identifier(model._meta.db_table), names=sql.SQL(", ").join(names), key=sql.Identifier(key),
        values=sql.SQL(", ").join(sql.SQL("given.{}").format(name) for name in names),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(query.as_string(connection.connection), [json.dumps(given)])


def _as_json(column: models.Field, value: object) -> object:
    """A value of this column such that PostgreSQL reads it back as it is: numbers and times as their text, JSON as it stands."""
    if isinstance(column, models.JSONField):
        return value if column.encoder is None else json.loads(json.dumps(value, cls=column.encoder))
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, bytes | memoryview):
        return f"\\x{bytes(value).hex()}"
    if isinstance(value, list | tuple):
        return [_as_json(column.base_field, one) for one in value]
    return str(value) if not hasattr(value, "isoformat") else value.isoformat()


def entered_schema() -> str:
    """The schema in which an unqualified name is looked for first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return cursor.fetchone()[0]


def silent_triggers() -> list[tuple[str, str]]:
    """(table, trigger) of triggers of the bound schema that are switched off."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal AND t.tgenabled <> 'O' ORDER BY 1, 2"
        )
        return cursor.fetchall()
