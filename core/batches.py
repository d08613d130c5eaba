"""Rows as the database takes them fastest: some in one statement, several statements in one round trip, many as a stream.

Each statement is put into words once. Identifiers go through ``psycopg.sql``; no value is ever interpolated.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import cache
from itertools import chain, groupby, islice
from typing import Any
from uuid import UUID

import orjson
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models.expressions import DatabaseDefault
from psycopg import sql
from psycopg.copy import LibpqWriter

from core.prepared import forget
from core.sql import texts_array

AT_ONCE = 1000  # rows of one statement
MANY = 100  # rows from which a stream of them costs less than a statement


def store(model: type[models.Model], rows: Iterable[models.Model], only: Iterable[str] = ()) -> None:
    """Write all columns of these rows, which exist, or ``only`` some. The table says what type each value is of. Cost: one statement for any number."""
    query, columns = _updating(model, frozenset(only))
    _send([(query, _written([{f.column: _as_json(f, getattr(row, f.attname)) for f in columns} for row in rows]))])


@cache
def _updating(model: type[models.Model], wanted: frozenset[str]) -> tuple[str, list[models.Field]]:
    """The statement that writes these columns of rows, and which they are: put into words once."""
    key = model._meta.pk.column
    columns = [f for f in model._meta.concrete_fields if not f.generated and (not wanted or f.primary_key or f.name in wanted)]
    names = [sql.Identifier(f.column) for f in columns if not f.primary_key]
    query = sql.SQL(
        "UPDATE {table} SET ({names}) = ROW ({values}) FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb) AS given WHERE {table}.{key} = given.{key}"
    ).format(
        table=sql.Identifier(model._meta.db_table), names=sql.SQL(", ").join(names), key=sql.Identifier(key),
        values=sql.SQL(", ").join(sql.SQL("given.{}").format(name) for name in names),
    )  # fmt: skip
    return query.as_string(connection.connection), columns


def add(model: type[models.Model], given: Iterable[str], rows: Iterable[Sequence[Any]], key: str = "", updating: Iterable[str] = ()) -> None:
    """Insert these rows in their order, each the values of the columns ``given``; the database gives the others theirs. Cost: one statement for a thousand.

    Of a row whose ``key`` is there already, the columns ``updating`` take the new values instead.
    """
    walk = iter(rows)
    first = list(walk if key else islice(walk, MANY))
    if not first:
        return
    query, stream, columns = _inserting(model, tuple(given), key, tuple(updating))
    waiting = _waiting.get()
    if len(first) == MANY and not key:
        _send(waiting or [])
        _copy(stream, columns, chain(first, walk))
        return
    for start in range(0, len(first), AT_ONCE):
        written = [{f.column: _as_json(f, value) for f, value in zip(columns, row, strict=True)} for row in first[start : start + AT_ONCE]]
        said = query, _written(written)
        _send([said]) if waiting is None else waiting.append(said)


_waiting: ContextVar[list[tuple[str, str]] | None] = ContextVar("odos_rows_waiting", default=None)


@contextmanager
def together() -> Iterator[None]:
    """Rows added inside are sent when the block ends without an error, in their order and in one round trip; nothing inside may ask for them."""
    token = _waiting.set(waiting := [])
    try:
        yield
    finally:
        _waiting.reset(token)
    _send(waiting)


def _send(said: list[tuple[str, str]]) -> None:
    """These statements, each with its rows, in one round trip; none is left to be sent. Cost: as one statement."""
    if said:
        with connection.cursor() as cursor:
            cursor.execute(_kept(tuple(query for query, _rows in said)), [rows for _query, rows in said])
        said.clear()
        forget()


@cache
def _kept(queries: tuple[str, ...]) -> str:
    """These statements as one message, each of which the server may keep; the rows of each are its one value."""
    return connection.in_one_message([connection.kept(query, [""], [0]) for query in queries])


@cache
def _inserting(model: type[models.Model], given: tuple[str, ...], key: str, updating: tuple[str, ...]) -> tuple[str, sql.Composed, list[models.Field]]:
    """The statement that adds rows, the one that streams them, and the columns they bring: put into words once."""
    by_name = {f.attname: f for f in model._meta.concrete_fields}
    columns = [by_name[name] for name in given]
    names, table = sql.SQL(", ").join(sql.Identifier(f.column) for f in columns), sql.Identifier(model._meta.db_table)
    again = sql.SQL(" ON CONFLICT ({key}) DO UPDATE SET {changes}").format(
        key=sql.Identifier(key), changes=sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in updating),
    ) if key else sql.SQL("")  # fmt: skip
    query = sql.SQL("INSERT INTO {table} ({names}) SELECT {names} FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb){again}").format(
        table=table, names=names, again=again
    )
    return query.as_string(connection.connection), sql.SQL("COPY {table} ({names}) FROM STDIN").format(table=table, names=names), columns


def _copy(statement: sql.Composable, columns: list[models.Field], rows: Iterable[Sequence[Any]]) -> None:
    """Send rows as PostgreSQL's own stream, in which a thousand cost it a third; it stores the first while the next are made."""
    special = [(place, write) for place, f in enumerate(columns) if (write := _writer(f)) is not None]
    with connection.cursor() as cursor, cursor.copy(statement, _Writer(cursor.cursor)) as stream:
        for row in rows:
            values = list(row)
            for place, write in special:
                if values[place] is not None:
                    values[place] = write(values[place])
            stream.write_row(values)


class Busy(Exception):
    """Something was asked of the database while rows are on their way to it."""


_aside: ContextVar[Callable[[], bool] | None] = ContextVar("odos_work_aside", default=None)


@contextmanager
def meanwhile(work: Callable[[], bool]) -> Iterator[None]:
    """Inside, while the database stores a stream of rows, ``work`` is done piece by piece, as long as it says that there is more.

    It is not part of what is written: it raises nothing, and what it asks of the database is refused as ``Busy``.
    """
    token = _aside.set(work)
    try:
        yield
    finally:
        _aside.reset(token)


class _Writer(LibpqWriter):
    """The driver's own, but that it does what is to be done meanwhile before it waits until all rows are stored."""

    def finish(self, exc: BaseException | None = None) -> None:
        work = _aside.get()
        if work is not None and exc is None:
            with connection.execute_wrapper(_refuse):
                while work():
                    self._pgconn.flush()  # what the database was not yet ready to take
        super().finish(exc)


def _refuse(*_statement: Any) -> Any:
    raise Busy


def _writer(column: models.Field) -> Callable[[Any], str] | None:
    """How values of a column become text that PostgreSQL reads; none where the driver knows as well, and as fast."""
    if isinstance(column.target_field if column.is_relation else column, models.UUIDField):
        return lambda value: f"{value.int:032x}" if type(value) is UUID else value
    if isinstance(column, models.DateTimeField):
        return lambda value: str(value) if type(value) is datetime else value
    if isinstance(column, models.JSONField):
        encode = _written if column.encoder is None else column.encoder(ensure_ascii=False).encode
        return lambda value: encode(value) if value != {} else "{}"
    return texts_array if isinstance(column, ArrayField) and isinstance(column.base_field, models.CharField) else None


def alike(model: type[models.Model], rows: Iterable[models.Model]) -> Iterator[tuple[tuple[str, ...], list[models.Model]]]:
    """Neighbours among new rows that bring the same columns, rather than leaving some to the database; with the names of those."""
    columns = [f for f in model._meta.concrete_fields if not f.generated]
    optional = [f for f in columns if f.has_db_default() or isinstance(f, models.AutoField)]
    for left, some in groupby(rows, key=lambda row: [f for f in optional if _is_left_out(getattr(row, f.attname), f)]):
        yield tuple(f.attname for f in columns if f not in left), list(some)


def _is_left_out(value: object, column: models.Field) -> bool:
    """Whether the database itself gives this column its value: a counted key, a default of its own."""
    return isinstance(value, DatabaseDefault) or (value is None and isinstance(column, models.AutoField))


def _written(value: object) -> str:
    try:
        return orjson.dumps(value).decode()  # in a twentieth of the time
    except TypeError:  # a number of any length, half of a character: PostgreSQL says what is wrong with it
        return json.dumps(value)


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
