"""The sample many times over, inside the database: every copy is whole in itself, with ids, numbers and names of its own.

Hand-written SQL, since a hundred times what the engine makes in half a minute would take it an hour. What a copy refers to is
the copy's own where that is copied too (its account, its lines), and the same where it is not (its owner, its products).
Its trail has its own name and number, and otherwise tells what that of its original does.
"""

import hashlib
from collections.abc import Callable, Iterator
from uuid import UUID

from django.apps import apps
from django.db import connection, models
from psycopg import sql

from core import collation
from core.models import Fact, SearchEntry, TrailEntry
from core.registry import get
from crm.models import Account, Activity, Contact, Lead, Opportunity
from crm.rules.duplicates import company_key
from erp.models import Invoice, InvoiceLine, OrderLine, OrderRevision, Reservation, SalesOrder, StockLevel, StockMove
from tests.bench.shape import name

# Parents before children. Ledgers without foreign keys say which of their columns are ids of copied rows.
COPIED = (Account, Contact, Lead, Opportunity, SalesOrder, OrderLine, OrderRevision, Reservation, Invoice, InvoiceLine, StockMove, Activity)
LEDGERS = {Fact: ("account", "source_id", "source_line", "entry"), TrailEntry: ("about_id",), SearchEntry: ("about_id",)}
NAMED = {"accounts": ("account", " GmbH"), "contacts": ("contact", ""), "leads": ("lead", ""), "opportunities": ("deal", "")}
# Whose trail and search are copied with them; what there is of all others stays as it is.
TOLD = ("accounts", "contacts", "leads", "opportunities", "orders", "invoices", "activities")

SPREAD = """
CREATE FUNCTION pg_temp.spread(at timestamptz, id uuid, k int) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT date_trunc('day', at, 'UTC') + ('x' || left(md5(id::text || ':at:' || k), 8))::bit(32)::bigint / 4294967296.0 * interval '24 hours'
$$
"""
REVISED = """
(SELECT coalesce(jsonb_agg(e || jsonb_build_object('line', pg_temp.copy_of((e ->> 'line')::uuid, k)) ORDER BY n), '[]')
   FROM jsonb_array_elements({}) WITH ORDINALITY _(e, n))
"""
RETOLD = """
t.changes || CASE WHEN t.changes #>> '{number,1}' <> '' THEN jsonb_build_object('number', jsonb_build_array('', (t.changes #>> '{number,1}') || '-' || k))
             ELSE '{}' END
          || CASE WHEN named.name IS NOT NULL AND t.changes ? 'name' THEN jsonb_build_object('name', jsonb_build_array(t.changes #> '{name,0}', named.name))
             ELSE '{}' END
"""
COPY_OF = """
CREATE FUNCTION pg_temp.copy_of(id uuid, k int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (left(id::text, 14) || '7' || substr(m, 1, 3) || '-b' || substr(m, 4, 3) || '-' || substr(m, 7, 12))::uuid
      FROM (SELECT md5(id::text || ':' || k) m) _
$$
"""


def copy_of(ident: UUID, k: int) -> UUID:
    """The id of a record's copy; the function of the same name in the database says the same."""
    digest = hashlib.md5(f"{ident}:{k}".encode()).hexdigest()  # an even spread, no secret
    return UUID(f"{str(ident)[:14]}7{digest[:3]}-b{digest[3:6]}-{digest[6:18]}")


def tables() -> list[str]:
    """Of all that is copied."""
    return [model._meta.db_table for model in (*COPIED, *LEDGERS)]


def make(copies: int, say: Callable[[str], None]) -> None:
    """Let there be so many of the sample in the bound company, itself included. Runs in the caller's transaction."""
    _demand_whole()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL synchronous_commit = off; SET LOCAL maintenance_work_mem = '512MB'")
        cursor.execute(COPY_OF + ";" + SPREAD)
        say(f"Names for {copies} times the sample ...")
        _names(cursor, copies)
        again = [*_without_indexes(cursor), *_without_references(cursor)]
        _guards(cursor, "DISABLE")
        cursor.execute("ALTER TABLE crm_opportunity ENABLE TRIGGER counts_new")  # what boards show of all deals is counted as ever
        _spread(cursor)
        for model in (*COPIED, *LEDGERS):
            say(f"Copying {model._meta.db_table} ...")
            cursor.execute(_statement(model).as_string(cursor.connection), {"copies": copies})
        cursor.execute(_levels().as_string(cursor.connection), [copies, copies])
        _guards(cursor, "ENABLE")
        for statement in again:
            say(f"{statement[:100]} ...")
            cursor.execute(statement)


def _spread(cursor) -> None:
    """What came in one batch came at one moment; people's records come one after the other, and so do the sample's now, on the same days."""
    for model in COPIED:
        if any(f.name == "created_at" for f in model._meta.fields):
            statement = sql.SQL("UPDATE {} SET created_at = pg_temp.spread(created_at, id, 0)").format(sql.Identifier(model._meta.db_table))
            cursor.execute(statement.as_string(cursor.connection))


def _demand_whole() -> None:
    """Whatever has rows and points to what is copied is copied too, or a copy would lack what its original has. Errors: RuntimeError."""
    for model in apps.get_models():
        points = any(f.is_relation and f.many_to_one and f.related_model in COPIED for f in model._meta.fields)
        if points and not model._meta.proxy and model not in COPIED and model.objects.exists():
            raise RuntimeError(f"The sample has rows of {model._meta.db_table}, which no copy would have.")


def _guards(cursor, word: str) -> None:
    """Ledgers refuse rows that come after their document is posted; the sample's were there before, and so are their copies."""
    for model in (*COPIED, *LEDGERS):
        cursor.execute(sql.SQL("ALTER TABLE {} {} TRIGGER USER").format(sql.Identifier(model._meta.db_table), sql.SQL(word)).as_string(cursor.connection))


def _names(cursor, copies: int) -> None:
    cursor.execute("CREATE TEMP TABLE named (id uuid PRIMARY KEY, name text, sort_key text, match_key text, text text, grams text[]) ON COMMIT DROP")
    samples = [(slug, salt, suffix, _parts(slug)) for slug, (salt, suffix) in NAMED.items()]  # nothing can be asked while rows stream in
    with cursor.copy("COPY named FROM STDIN") as copy:
        for sample in samples:
            for row in _named(copies, *sample):
                copy.write_row(row)
    cursor.execute("ANALYZE named")


def _parts(slug: str) -> list[tuple[UUID, str, list[str | None]]]:
    """Of each record of the sample its id, its match key, and what it is found by; none where its name stands."""
    object_type = get(slug)
    return [
        (record.pk, getattr(record, "match_key", ""), [None if f == "name" else str(object_type.fields[f].value(record) or "") for f in object_type.search])
        for record in object_type.all().order_by("id")
    ]


def _named(copies: int, slug: str, salt: str, suffix: str, sample: list[tuple[UUID, str, list[str | None]]]) -> Iterator[tuple]:
    for k in range(1, copies):
        for n, (ident, match, parts) in enumerate(sample):
            called = f"{name(k * len(sample) + n, salt)}{suffix}"
            text = collation.search_text([called if part is None else part for part in parts])
            yield copy_of(ident, k), called, collation.sort_key(called), company_key(called) if slug == "accounts" else match, text, collation.grams(text)


def _statement(model: type[models.Model]) -> sql.Composable:
    table, columns = sql.Identifier(model._meta.db_table), []
    ids = LEDGERS.get(model, ())
    named = model in (SearchEntry, TrailEntry) or (model in COPIED and any(f.name == "sort_key" for f in model._meta.fields))
    for f in model._meta.concrete_fields:
        if isinstance(f, models.AutoField) or type(f).__name__ == "Xid8Field":
            continue
        columns.append((f.column, _expression(model, f, ids, named)))
    key = sql.SQL("t.{}").format(sql.Identifier("about_id" if "about_id" in ids else model._meta.pk.column))
    joined = sql.SQL(" LEFT JOIN named ON named.id = pg_temp.copy_of({}, k)").format(key) if named else sql.SQL("")
    apart = sql.SQL(" WHERE t.about_type = ANY(ARRAY[{}])").format(sql.SQL(", ").join(map(sql.Literal, TOLD))) if "about_id" in ids else sql.SQL("")
    return sql.SQL("INSERT INTO {t} ({columns}) SELECT {values} FROM {t} t CROSS JOIN generate_series(1, %(copies)s - 1) k{joined}{apart}").format(
        t=table, columns=sql.SQL(", ").join(sql.Identifier(c) for c, _e in columns), values=sql.SQL(", ").join(e for _c, e in columns), joined=joined,
        apart=apart,
    )  # fmt: skip


def _expression(model: type[models.Model], f: models.Field, ids: tuple[str, ...], named: bool) -> sql.Composable:
    column = sql.SQL("t.{}").format(sql.Identifier(f.column))
    own = f.primary_key and model in COPIED
    refers = f.is_relation and f.related_model in COPIED
    if own or refers or f.name in ids or (model is Activity and f.name == "about_id"):
        return sql.SQL("pg_temp.copy_of({}, k)").format(column)
    if f.name == "created_at" and model in COPIED:
        return sql.SQL("pg_temp.spread({}, t.id, k)").format(column)
    if model is TrailEntry and f.name == "changes":
        return sql.SQL(RETOLD)
    if model is OrderRevision and f.name == "lines":
        return sql.SQL(REVISED).format(column)
    if f.name == "number" and model in COPIED:
        return sql.SQL("CASE WHEN {c} = '' THEN '' ELSE {c} || '-' || k END").format(c=column)
    if named and f.name in ("name", "sort_key", "match_key", "text", "grams"):
        return sql.SQL("COALESCE(named.{}, {})").format(sql.Identifier(f.name), column)
    return column


def _levels() -> sql.Composable:
    """A level is the sum of its moves and reservations."""
    return sql.SQL("UPDATE {} SET on_hand = on_hand * %s, reserved = reserved * %s").format(sql.Identifier(StockLevel._meta.db_table))


def _without_indexes(cursor) -> list[str]:
    """Drop the indexes that are costly to keep row by row; returns the statements that make them again."""
    cursor.execute(
        "SELECT i.indexname, i.indexdef FROM pg_indexes i"
        " LEFT JOIN pg_constraint c ON c.conname = i.indexname AND c.connamespace = current_schema()::regnamespace"
        " WHERE i.schemaname = current_schema() AND i.tablename = ANY(%s) AND c.oid IS NULL AND i.indexdef NOT LIKE '%% UNIQUE %%'", [tables()],
    )  # fmt: skip
    found = cursor.fetchall()
    for index, _definition in found:
        cursor.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(index)).as_string(cursor.connection))
    return [definition for _index, definition in found]


def _without_references(cursor) -> list[str]:
    """Drop the foreign keys, which a million rows would check one by one; returns the statements that make, and check, them again."""
    cursor.execute(
        "SELECT c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid"
        " WHERE c.contype = 'f' AND t.relnamespace = current_schema()::regnamespace AND t.relname = ANY(%s)", [tables()],
    )  # fmt: skip
    found, again = cursor.fetchall(), []
    for table, constraint, definition in found:
        table = sql.SQL(table)  # as PostgreSQL itself writes it
        cursor.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(table, sql.Identifier(constraint)).as_string(cursor.connection))
        add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(table, sql.Identifier(constraint), sql.SQL(definition))
        again.append(add.as_string(cursor.connection))
    return again
