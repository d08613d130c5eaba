"""What the product says to PostgreSQL about schemas as such: make, replay, drop, look into the catalog, hold a lock.

Takes only names that ``tenants.binding`` makes. Which company a schema belongs to, and when to do what, is ``tenants.provision``.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import connection

from tenants.binding import COMPANY_SCHEMA, EXTENSIONS, PUBLIC, TEMPLATE_SCHEMA

EXTENSION_NAMES = ("pg_trgm", "btree_gin", "btree_gist")
SCHEMAS_PER_QUERY = 500

# One row per object of the schema that is bound to an object of another one; PostgreSQL's own and the extensions are everyone's.
STRANGERS = """
WITH here AS (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s),
     friends AS (SELECT oid FROM pg_namespace WHERE nspname IN (%(schema)s, %(extensions)s, 'pg_catalog', 'pg_toast'))
SELECT 'foreign key ' || k.conname || ' on ' || k.conrelid::regclass || ' points to ' || k.confrelid::regclass
  FROM pg_constraint k JOIN pg_class a ON a.oid = k.conrelid JOIN pg_class b ON b.oid = k.confrelid
 WHERE k.contype = 'f' AND a.relnamespace <> b.relnamespace
   AND (a.relnamespace IN (SELECT oid FROM here) OR b.relnamespace IN (SELECT oid FROM here))
UNION ALL
SELECT 'the default of ' || d.adrelid::regclass || '.' || c.attname || ' uses ' || p.refobjid::regclass
  FROM pg_attrdef d JOIN pg_class t ON t.oid = d.adrelid JOIN pg_attribute c ON c.attrelid = d.adrelid AND c.attnum = d.adnum
  JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid AND p.refclassid = 'pg_class'::regclass
  JOIN pg_class s ON s.oid = p.refobjid
 WHERE t.relnamespace IN (SELECT oid FROM here) AND s.relnamespace NOT IN (SELECT oid FROM friends)
UNION ALL
SELECT 'trigger ' || g.tgname || ' on ' || g.tgrelid::regclass || ' calls ' || f.oid::regprocedure
  FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid JOIN pg_proc f ON f.oid = g.tgfoid
 WHERE t.relnamespace IN (SELECT oid FROM here) AND f.pronamespace NOT IN (SELECT oid FROM friends)
UNION ALL
SELECT 'view ' || v.oid::regclass || ' reads ' || p.refobjid::regclass
  FROM pg_rewrite r JOIN pg_class v ON v.oid = r.ev_class
  JOIN pg_depend p ON p.classid = 'pg_rewrite'::regclass AND p.objid = r.oid AND p.refclassid = 'pg_class'::regclass
  JOIN pg_class s ON s.oid = p.refobjid
 WHERE v.relnamespace IN (SELECT oid FROM here) AND s.relnamespace NOT IN (SELECT oid FROM friends)
UNION ALL
SELECT 'table ' || i.inhrelid::regclass || ' inherits from ' || i.inhparent::regclass
  FROM pg_inherits i JOIN pg_class a ON a.oid = i.inhrelid JOIN pg_class b ON b.oid = i.inhparent
 WHERE a.relnamespace <> b.relnamespace AND (a.relnamespace IN (SELECT oid FROM here) OR b.relnamespace IN (SELECT oid FROM here))
UNION ALL
SELECT 'column ' || t.oid::regclass || '.' || c.attname || ' is of type ' || y.oid::regtype
  FROM pg_attribute c JOIN pg_class t ON t.oid = c.attrelid JOIN pg_type y ON y.oid = c.atttypid
 WHERE t.relnamespace IN (SELECT oid FROM here) AND c.attnum > 0 AND NOT c.attisdropped
   AND y.typnamespace NOT IN (SELECT oid FROM friends)
UNION ALL
SELECT 'function ' || f.oid::regprocedure || ' speaks of another schema'
  FROM pg_proc f
 WHERE f.pronamespace IN (SELECT oid FROM here)
   AND replace(f.prosrc, %(schema)s, '') ~ '\\m(t|tpl)_[a-z0-9]{26}\\M'
"""


def create(schema: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {_checked(schema)}")


def drop(schema: str) -> None:
    """Drop a schema and all in it, if it is there. Holds a lock on every object of it until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {_checked(schema)} CASCADE")


def replay(sql: str, template: str, schema: str) -> None:
    """Make ``schema`` by the SQL that once made ``template``. Cost: one round trip of some hundred statements."""
    text = sql.replace(_checked(template), _checked(schema))
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL search_path = ''; SET LOCAL check_function_bodies = off; SET LOCAL statement_timeout = '60s';\n{text}")


def ensure_extensions() -> None:
    """The extensions every company uses, in a schema of their own. They are trusted: no superuser is needed."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {EXTENSIONS}")
        for name in EXTENSION_NAMES:
            cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {name} SCHEMA {EXTENSIONS}")


def leftover_templates() -> list[str]:
    """Template schemas that a killed run left behind."""
    with connection.cursor() as cursor:
        cursor.execute(r"SELECT nspname FROM pg_namespace WHERE nspname LIKE 'tpl\_%'")
        return [name for (name,) in cursor.fetchall() if TEMPLATE_SCHEMA.match(name)]


def applied(schemas: Iterable[str]) -> dict[str, frozenset[tuple[str, str]]]:
    """Schema -> the (app, name) of its migrations. Cost: one query per 500 schemas. A schema without the table is left out."""
    names, found = [schema if schema == PUBLIC else _checked(schema) for schema in schemas], {}
    with connection.cursor() as cursor:
        for start in range(0, len(names), SCHEMAS_PER_QUERY):
            some = names[start : start + SCHEMAS_PER_QUERY]
            cursor.execute("SELECT s FROM unnest(%s::text[]) s WHERE to_regclass(s || '.django_migrations') IS NOT NULL", [some])
            there = [name for (name,) in cursor.fetchall()]
            if there:
                cursor.execute(" UNION ALL ".join(f"SELECT '{name}', app, name FROM {name}.django_migrations" for name in there))
                for name in there:
                    found[name] = set()
                for schema, app, migration in cursor.fetchall():
                    found[schema].add((app, migration))
    return {schema: frozenset(rows) for schema, rows in found.items()}


def holding(schemas: Iterable[str], table: str, column: str, values: Iterable[str]) -> frozenset[str]:
    """Those of these schemas whose table holds one of the values. Cost: two queries per 500 schemas. One without the table holds none."""
    names, found = [_checked(schema) for schema in schemas], set()
    with connection.cursor() as cursor:
        for start in range(0, len(names), SCHEMAS_PER_QUERY):
            some = names[start : start + SCHEMAS_PER_QUERY]
            cursor.execute("SELECT s FROM unnest(%s::text[]) s WHERE to_regclass(s || '.' || %s) IS NOT NULL", [some, table])
            parts = [f"SELECT '{name}' FROM {name}.{table} WHERE {column} = ANY(%(values)s)" for (name,) in cursor.fetchall()]
            if parts:
                cursor.execute(" UNION ".join(parts), {"values": list(values)})
                found |= {name for (name,) in cursor.fetchall()}
    return frozenset(found)


def run(statements: str, lock_timeout: str = "3s", notes: Iterable[tuple[str, str]] = ()) -> None:
    """Statements collected from migrations, in the bound schema and the open transaction; waits for a table's lock at most so long.

    ``notes`` are the (app, name) of migrations to be noted as applied. The commit does not wait for the disk: what a crash loses lags behind
    afterwards, as if it had not been come to. Cost: one round trip.
    """
    limits = f"SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '{lock_timeout}'; SET LOCAL synchronous_commit = off;"
    noted = [connection.ops.compose_sql("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now());", note) for note in notes]
    with connection.cursor() as cursor:
        cursor.execute("\n".join((limits, statements, *noted)))


def strangers(schema: str) -> list[str]:
    """What binds this schema to objects of another one, a sentence each; empty is as it must be (I-29)."""
    with connection.cursor() as cursor:
        cursor.execute(STRANGERS, {"schema": _checked(schema), "extensions": EXTENSIONS})
        return [sentence for (sentence,) in cursor.fetchall()]


def tables(schema: str) -> frozenset[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
        return frozenset(name for (name,) in cursor.fetchall())


def named(schema: str) -> frozenset[str]:
    """Names of all tables, indexes, constraints and triggers of a schema. Cost: one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = %(schema)s::regnamespace "
            "UNION SELECT conname FROM pg_constraint WHERE connamespace = %(schema)s::regnamespace "
            "UNION SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = %(schema)s::regnamespace",
            {"schema": _checked(schema)},
        )
        return frozenset(name for (name,) in cursor.fetchall())


@contextmanager
def locked(purpose: str) -> Iterator[None]:
    """Only one process of all that use this database is inside; the others wait, however long it takes.

    The lock belongs to the connection: it ends with the process, however that ends. Must not be entered in a transaction.
    """
    key = int.from_bytes(hashlib.sha256(f"odos {purpose}".encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 0; SET statement_timeout = 0")
        cursor.execute("SELECT pg_advisory_lock(%s)", [key])
    try:
        yield
    except BaseException:
        connection.close()  # whatever state it is in: the lock ends with it
        raise
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s); RESET lock_timeout; RESET statement_timeout", [key])


def _checked(name: str) -> str:
    if not (COMPANY_SCHEMA.match(name) or TEMPLATE_SCHEMA.match(name)):
        raise ValueError(f"{name!r} is not the name of a company's schema.")
    return name


# A dump as a copy's source ------------------------------------------------------------------------------------------

_CONSTRAINT = re.compile(r"^ALTER TABLE ONLY (\S+)\n    ADD CONSTRAINT (.*?);\n", re.DOTALL | re.MULTILINE)
_SETTINGS = (
    "statement_timeout|lock_timeout|idle_in_transaction_session_timeout|transaction_timeout|client_encoding|standard_conforming_strings|"
    "check_function_bodies|xmloption|client_min_messages|row_security|default_tablespace|default_table_access_method"
)
# Exactly what pg_dump itself writes around the objects: a line of a function's body that merely starts alike stays.
_FRAME = re.compile(
    rf"(SET ({_SETTINGS}) = [^;]*;|SELECT pg_catalog\.set_config\('search_path', '', false\);|\\(un)?restrict \S+|"
    r"--|-- (Name|Data for Name): .*; Type: .*|-- PostgreSQL database dump.*|-- Dumped (from|by) .*)\Z"
)


def condense(dump: str) -> str:
    """A dump of one schema as the SQL to replay: settings and comments left out, each table's constraints added at once.

    Keys come before the first index and foreign keys last, as in the dump; merging saves some hundred statements.
    """
    body = "\n".join(line for line in dump.split("\n") if not _FRAME.match(line)) + "\n"
    keys: dict[str, list[str]] = {}
    references: dict[str, list[str]] = {}
    for table, constraint in _CONSTRAINT.findall(body):
        (references if "FOREIGN KEY" in constraint else keys).setdefault(table, []).append(constraint)
    body = _CONSTRAINT.sub("", body)
    start = re.search(r"^CREATE (UNIQUE )?INDEX ", body, re.MULTILINE)
    place = start.start() if start else len(body)
    return body[:place] + _alter(keys) + body[place:] + _alter(references)


def _alter(constraints: dict[str, list[str]]) -> str:
    lines = []
    for table, some in constraints.items():
        lines.append(f"ALTER TABLE ONLY {table}\n    " + ",\n    ".join(f"ADD CONSTRAINT {c}" for c in some) + ";\n")
    return "".join(lines)
