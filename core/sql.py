"""The raw SQL of core: what the ORM cannot say. Every identifier goes through ``psycopg.sql``; no value is ever interpolated."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction
from psycopg import sql

from core.context import company_or_none
from core.prepared import listed


def take_number(table: str, key: str, count: int = 1) -> int:
    """Add to a series and return the last number taken; the row stays locked until commit, so no number is ever lost."""
    query = sql.SQL(
        "INSERT INTO {table} (key, last) VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET last = {table}.last + excluded.last RETURNING last"
    ).format(table=sql.Identifier(table))
    return _one(query.as_string(connection.connection), key, count)


def _one(statement: str, *values: object) -> Any:
    """The first value that a statement answers with; nothing where it finds no row."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return (cursor.fetchone() or (None,))[0]


FIXED = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
EDITION = "SELECT mark, pg_current_snapshot()::text FROM core_edition"


@contextmanager
def snapshot() -> Iterator[tuple[UUID, str] | None]:
    """One consistent, read-only view of the database for everything inside: what GET and every streamed answer run in.

    Gives the edition of the bound company's set-up in it (``core.edition``), and its own name. Cost: one statement.
    """
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("; ".join((FIXED, EDITION) if company_or_none() else (FIXED,)))
            told = cursor.fetchone() if cursor.nextset() else None
        yield told


def edition() -> UUID:
    """The mark of the bound company's set-up, as this transaction sees it."""
    return _one(EDITION)


def current_snapshot() -> str:
    """The snapshot this transaction reads in, as PostgreSQL writes it: ``xmin:xmax:xip``."""
    return _one("SELECT pg_current_snapshot()::text")


def lock(company_id: UUID, purpose: str) -> None:
    """Hold this purpose of this company until the transaction ends. Locks are global to the database, so the key has both (I-30)."""
    _one("SELECT pg_advisory_xact_lock(%s)", _lock_key(company_id, purpose))


def lock_shared(company_id: UUID, purpose: str) -> None:
    """Hold it beside others who share it; who wants it alone (``lock``) waits for all of them, and they for him."""
    _one("SELECT pg_advisory_xact_lock_shared(%s)", _lock_key(company_id, purpose))


def _lock_key(company_id: UUID, purpose: str) -> int:
    digest = hashlib.sha256(f"{company_id}:{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


@dataclass(frozen=True)
class OwnIndex:
    """An index on a company's own field: its table, and of a table that several types share only the rows of one (``among``).

    ``form`` is text, numeric or boolean, as the field's values compare, or list.
    """

    table: str
    key: str
    form: str = "text"
    among: tuple[tuple[str, str], ...] = ()

    def name(self, mark: str) -> str:
        """``u`` of one that keeps values unique; ``f`` and ``d`` of those that lists are sorted by, upwards and downwards."""
        words = ":".join((self.table, self.key, *(value for _column, value in self.among)))
        return f"{mark}_own_{hashlib.sha256(words.encode()).hexdigest()[:20]}"

    def _value(self) -> sql.Composable:
        """The very expression that filters and sorts use."""
        if self.form == "list":
            return sql.SQL("(custom -> {key})").format(key=sql.Literal(self.key))
        value = sql.SQL("(custom ->> {key})").format(key=sql.Literal(self.key))
        cast = {"text": "", "numeric": "::numeric", "boolean": "::boolean"}[self.form]
        return sql.SQL("({value}{cast})").format(value=value, cast=sql.SQL(cast)) if cast else value

    def _where(self) -> list[sql.Composable]:
        return [sql.SQL("{column} = {value}").format(column=sql.Identifier(column), value=sql.Literal(value)) for column, value in self.among]

    def keep_unique(self) -> None:
        """Let no two records share a value, from now on. Errors: IntegrityError where two do."""
        where = sql.SQL(" AND ").join([*self._where(), sql.SQL("custom ? {key}").format(key=sql.Literal(self.key))])
        _run(sql.SQL("CREATE UNIQUE INDEX IF NOT EXISTS {name} ON {table} ({value}) WHERE {where}").format(
            name=sql.Identifier(self.name("u")), table=sql.Identifier(self.table), value=self._value(), where=where,
        ))  # fmt: skip

    def build(self, sorted_too: bool = True) -> None:
        """Build what filters and sorts by it need, beside all who work; outside of a transaction. What a killed build left is dropped first.

        Lists end with what is empty whichever way they run, so each way has an index of its own; a reference that is only followed needs one.
        """
        where = self._where()
        limit = sql.SQL(" WHERE ") + sql.SQL(" AND ").join(where) if where else sql.SQL("")
        forms = {"f": "USING gin ({value})"} if self.form == "list" else {"f": "({value}, id)", "d": "({value} DESC NULLS LAST, id)"}
        with _without_timeouts():
            for mark, form in [*forms.items()][: 2 if sorted_too else 1]:
                name = sql.Identifier(self.name(mark))
                _run(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {name}").format(name=name))
                _run(sql.SQL("CREATE INDEX CONCURRENTLY {name} ON {table} {form}{limit}").format(
                    name=name, table=sql.Identifier(self.table), form=sql.SQL(form).format(value=self._value()), limit=limit,
                ))  # fmt: skip

    def drop(self, *marks: str) -> None:
        for mark in marks:
            _run(sql.SQL("DROP INDEX IF EXISTS {name}").format(name=sql.Identifier(self.name(mark))))

    def progress(self) -> float | None:
        """How much of the running build is done, from 0 to 1; nothing where none runs. Cost: one query."""
        names = [self.name("f"), self.name("d")]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT c.relname, p.blocks_done, p.blocks_total FROM pg_stat_progress_create_index p JOIN pg_class c ON c.oid = p.index_relid "
                "WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(%s)", [names],
            )  # fmt: skip
            row = cursor.fetchone()
        if row is None:
            return None
        share = row[1] / row[2] if row[2] else 0
        return share if self.form == "list" else (names.index(row[0]) + share) / 2

    def is_ready(self) -> bool:
        """Whether all that ``build`` makes is there and valid. Cost: one query."""
        names = [self.name(mark) for mark in (("f",) if self.form == "list" else ("f", "d"))]
        return len(names) == _one(
            "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
            "WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(%s) AND i.indisvalid", names,
        )  # fmt: skip

    def has_duplicates(self) -> bool:
        """Whether two records share a value."""
        where = sql.SQL(" AND ").join([*self._where(), sql.SQL("custom ? {key}").format(key=sql.Literal(self.key))])
        query = sql.SQL("SELECT 1 FROM {table} WHERE {where} GROUP BY {value} HAVING count(*) > 1 LIMIT 1").format(
            table=sql.Identifier(self.table), where=where, value=self._value()
        )
        return _one(query.as_string(connection.connection)) is not None


def _run(statement: sql.Composable) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement.as_string(connection.connection))


@contextmanager
def _without_timeouts() -> Iterator[None]:
    """Statements outside of a transaction that take as long as they need; the connection is as before after them."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SET lock_timeout = 0")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET statement_timeout; RESET lock_timeout")


def be_patient() -> None:
    """Let the statements of this transaction take, and wait, as long as they need: for what reads or writes very much, never for a request."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")


@contextmanager
def much_written(tables: list[str]) -> Iterator[None]:
    """Inside, more of what is written waits to be sorted into these tables' indexes of words, which takes less; at the end all of it is sorted in.

    Whoever looks meanwhile goes through what waits, 4 MB in 2 ms. Cost: two statements.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL gin_pending_list_limit = 4096")
        yield
        cursor.execute(
            "SET LOCAL gin_pending_list_limit TO DEFAULT; SELECT count(gin_clean_pending_list(i.indexrelid)) FROM pg_index i "
            "JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam WHERE i.indrelid = ANY(%s::regclass[]) AND a.amname = 'gin'", [tables],
        )  # fmt: skip


@models.UUIDField.register_lookup
@models.ForeignKey.register_lookup
class Among(models.Lookup):
    """``account__among=ids``: as ``in``, of any number of ids sent as one value, where each of their own takes both sides time."""

    lookup_name = "among"
    prepare_rhs = False
    words = "{} = ANY(%s::uuid[])"

    def as_sql(self, compiler, connection):
        left, params = self.process_lhs(compiler, connection)
        return self.words.format(left), [*params, self.rhs if isinstance(self.rhs, str) else texts_array([str(one) for one in self.rhs])]


@models.CharField.register_lookup
class AmongTexts(Among):
    """The same for text."""

    words = "{} = ANY(%s::text[])"


@models.CharField.register_lookup
class Caseless(Among):
    """``email__caseless=texts``: one of these texts, in whatever case, by an index of the column in capitals."""

    lookup_name = "caseless"
    words = "UPPER({}::text) = ANY(ARRAY(SELECT UPPER(one) FROM unnest(%s::text[]) one))"


def texts_array(values: Sequence[str]) -> str:
    """These texts as PostgreSQL writes an array of them."""
    text = '","'.join(values)
    if "\\" in text or text.count('"') != 2 * max(len(values) - 1, 0):
        text = '","'.join(value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return f'{{"{text}"}}' if values else "{}"


def texts_of(wanted: Mapping[str, tuple[type[models.Model], Sequence[str], Sequence[UUID]]]) -> list[tuple[str, UUID, list[str]]]:
    """Columns of text of the named rows of several tables, each row with the word its table is asked for by. Cost: one query."""
    parts, values = [], []
    for word, (model, names, ids) in wanted.items():
        parts.append(_texts(model, tuple(names)))
        values += [word, listed(ids)]
    with connection.cursor() as cursor:
        cursor.execute(_kept(" UNION ALL ".join(parts), len(values)), values)
        return cursor.fetchall()


@cache
def _kept(text: str, values: int) -> str:
    """The statement as the server may keep it, all of whose values are texts."""
    return connection.kept(text, [""] * values, range(values))


def found_of(
    slugs: Sequence[str], grams: Sequence[str], words: Sequence[str], few: int, room: tuple[int, int] | None, apart: tuple[str, ...]
) -> list[tuple[int, int, str, str | None]]:  # fmt: skip
    """Which of these types hold all grams and words: place of the type, how many ids so far, slug, the ids of what holds them, as PostgreSQL writes an array
    of them; None where those are more than ``few``. ``room`` is up to how many of a type count, and at how many no further type is looked at; ``apart``
    are types with an index of their own.

    Each type is looked at by itself and no further than that, so it takes no longer the more there are. What holds the words is asked for as if all of it were
    wanted: else, hoping to meet so many soon, PostgreSQL reads the whole table, for each type that holds few. Cost: one query.
    """
    each, enough = room or (1, len(slugs) + 1)
    told = [*([list(grams)] if grams else []), *(f"%{connection.ops.prep_for_like_query(word)}%" for word in words)]
    looks = len(apart) + 1 if words else 1
    with connection.cursor() as cursor:
        cursor.execute(_finding(bool(grams), len(words), apart), [each, list(slugs), *told * looks, few + 1, len(slugs), enough, few])
        return cursor.fetchall()


@cache
def _finding(grams: bool, words: int, apart: tuple[str, ...]) -> str:
    """The statement of ``found_of``: words are looked for in the index of the type or, for types of few, in that of all of those."""
    tests = [*([sql.SQL("grams @> %s::varchar(8)[]")] if grams else []), *[sql.SQL("text LIKE %s")] * words]
    looks = [sql.SQL("about_type = one.slug")]
    if words:
        own = [sql.Literal(slug) for slug in apart]
        looks = [sql.SQL("one.slug = {0} AND about_type = {0}").format(slug) for slug in own]
        looks.append(sql.SQL("about_type = one.slug AND about_type NOT IN ({})").format(sql.SQL(", ").join(own)))
    holding = [sql.SQL("SELECT about_id FROM core_searchentry WHERE {}").format(sql.SQL(" AND ").join([look, *tests])) for look in looks]
    query = sql.SQL(
        "WITH RECURSIVE looked AS (SELECT 0 AS at, ''::text AS slug, '{{}}'::uuid[] AS ids, 0 AS held UNION ALL "
        "SELECT at + 1, one.slug, found.ids, held + least(cardinality(found.ids), %s) "
        "FROM looked, LATERAL (SELECT (%s::text[])[at + 1] AS slug OFFSET 0) AS one, LATERAL (SELECT ARRAY("
        "WITH holding AS MATERIALIZED ({holding}) SELECT about_id FROM holding LIMIT %s"
        ") AS ids OFFSET 0) AS found WHERE at < %s AND held < %s) "
        "SELECT at, held, slug, CASE WHEN cardinality(ids) <= %s THEN ids::text END FROM looked WHERE ids <> '{{}}'"
    ).format(holding=sql.SQL(" UNION ALL ").join(holding))
    return _kept(query.as_string(connection.connection), 6 + len(tests) * len(looks))


@cache
def _texts(model: type[models.Model], names: tuple[str, ...]) -> str:
    """What asks for these columns of text of a table's rows, put into words once."""
    columns = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(model._meta.get_field(name).column)) for name in names)
    return sql.SQL("SELECT %s::text, {key}, ARRAY[{columns}] FROM {table} WHERE {key} = ANY(%s::uuid[])").format(
        key=sql.Identifier(model._meta.pk.column), columns=columns, table=sql.Identifier(model._meta.db_table),
    ).as_string(connection.connection)  # fmt: skip


def entered_schema() -> str:
    """The schema in which an unqualified name is looked for first."""
    return _one("SELECT current_schema()")


def rename_in_trail(trail: str, taken_by: str, old: str, new: str) -> None:
    """What the trail tells of a type under its old slug, it tells under the new one; entries about rows of ``taken_by``, whose slug the old one is now, stay.

    The one statement that changes the trail: what was done, by whom and when is not touched. Its trigger sleeps within this transaction alone.
    """
    name = sql.Identifier(trail)
    _run(sql.SQL("ALTER TABLE {trail} DISABLE TRIGGER trail_only_grows").format(trail=name))
    _run(sql.SQL("UPDATE {trail} SET about_type = {new} WHERE about_type = {old} AND NOT EXISTS (SELECT 1 FROM {taken_by} t WHERE t.id = about_id)").format(
        trail=name, new=sql.Literal(new), old=sql.Literal(old), taken_by=sql.Identifier(taken_by),
    ))  # fmt: skip
    _run(sql.SQL("ALTER TABLE {trail} ENABLE TRIGGER trail_only_grows").format(trail=name))


def silent_triggers() -> list[tuple[str, str]]:
    """(table, trigger) of triggers of the bound schema that are switched off."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal AND t.tgenabled <> 'O' ORDER BY 1, 2"
        )
        return cursor.fetchall()


# Values of an own field as they were and as they become: the newest row [id, was, becomes] of each record among the parts of a run.
_TOLD = sql.SQL(
    "told AS (SELECT DISTINCT ON (one ->> 0) (one ->> 0)::uuid AS ident, one -> {was} AS was, one -> {becomes} AS becomes "
    "FROM {parts}, jsonb_array_elements(rows) one WHERE run_id = {run} ORDER BY one ->> 0, position DESC)"
)


@dataclass(frozen=True)
class Exchange:
    """The values of an own field exchanged for others, or back, as the parts of a run say: rows of [id, one value, the other], null for none."""

    table: str
    key: str
    parts: str
    run: UUID
    back: bool = False
    among: tuple[tuple[str, str], ...] = ()

    # How many rows the parts hold, the planner cannot know: a loop over all of them for each record would never end. Until the transaction does.
    JOIN = "SET LOCAL enable_nestloop = off"

    def _said(self, text: str, most: int = 1) -> str:
        """The statement, over ``told``; ``text`` is one of those below."""
        was, becomes = (2, 1) if self.back else (1, 2)
        told = _TOLD.format(was=sql.Literal(was), becomes=sql.Literal(becomes), parts=sql.Identifier(self.parts), run=sql.Literal(self.run))
        where = [sql.SQL("{column} = {value}").format(column=sql.Identifier(column), value=sql.Literal(value)) for column, value in self.among]
        made = sql.SQL(text).format(
            told=told, table=sql.Identifier(self.table), key=sql.Literal(self.key), where=sql.SQL(" AND ").join([*where, sql.SQL("true")]),
            most=sql.Literal(most),
        )  # fmt: skip
        return made.as_string(connection.connection)

    def unsaid(self, most: int) -> list[tuple[UUID, object]]:
        """(id, value) of records whose present value no row speaks of, so many at most: those written since."""
        with connection.cursor() as cursor:
            cursor.execute(self.JOIN)
            cursor.execute(self._said(
                "WITH {told} SELECT t.id, t.custom -> {key} FROM {table} t LEFT JOIN told ON told.ident = t.id "
                "WHERE {where} AND t.custom ? {key} AND (told.was IS NULL OR told.was <> t.custom -> {key}) LIMIT {most}",
                most,
            ))  # fmt: skip
            return [(ident, json.loads(value) if isinstance(value, str) else value) for ident, value in cursor.fetchall()]

    def shares(self) -> bool:
        """Whether two records would come to the same value."""
        return _one(self._said("WITH {told} SELECT 1 FROM told WHERE becomes <> 'null' GROUP BY becomes HAVING count(*) > 1 LIMIT 1")) is not None

    def do(self) -> None:
        """Exchange the values of all records that still have the one the rows speak of. Cost: one statement for any number."""
        with connection.cursor() as cursor:
            cursor.execute(self.JOIN)
            cursor.execute(self._said(
                "WITH {told} UPDATE {table} t SET custom = CASE WHEN told.becomes = 'null' THEN t.custom - {key} "
                "ELSE jsonb_set(t.custom, ARRAY[{key}], told.becomes) END "
                "FROM told WHERE t.id = told.ident AND {where} AND COALESCE(t.custom -> {key}, 'null') = told.was"
            ))  # fmt: skip
