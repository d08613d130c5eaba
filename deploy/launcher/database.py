"""What a database must be and have before Odos uses it: version, locale, role, extensions. The only SQL of ``deploy``.

The application's role is no superuser: it owns its database and the schemas it makes there, nothing else.
"""

import psycopg
from psycopg import sql

from deploy.addresses import DATABASE, ROLE
from deploy.home import HomeError
from deploy.launcher.postgres import Postgres

OLDEST = 18
EXTENSIONS = ("pg_trgm", "btree_gin", "btree_gist")


def make(server: Postgres, name: str = DATABASE) -> None:
    """Bring the application's role and this database to what they should be; idempotent. Cost: two connections, some statements."""
    with psycopg.connect(server.superuser_dsn(), autocommit=True) as connection:
        role = sql.Identifier(ROLE)
        if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", ROLE):
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        rights = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD"
        connection.execute(sql.SQL(f"ALTER ROLE {{}} {rights} {{}}").format(role, server.home.secrets["database"]))
        if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", name):
            new = sql.Identifier(name)
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(new, role))
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(new))
    with psycopg.connect(server.superuser_dsn(name), autocommit=True) as connection:
        equip(connection)
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA extensions TO {}").format(role))


def drop(server: Postgres, name: str) -> None:
    """Remove a database and whatever is in it, connections to it included: for tests, which make one each."""
    with psycopg.connect(server.superuser_dsn(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def equip(connection: psycopg.Connection) -> None:
    """Check the server behind a connection and install the extensions; raises HomeError with what to do."""
    check(connection)
    try:
        if not _exists(connection, "SELECT 1 FROM pg_namespace WHERE nspname = %s", "extensions"):
            connection.execute("CREATE SCHEMA extensions")
        for extension in EXTENSIONS:
            connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {} SCHEMA extensions").format(sql.Identifier(extension)))
        words = connection.execute("SELECT extensions.show_trgm(%s)", ["中文客户"]).fetchone()[0]
    except psycopg.Error as error:
        raise HomeError(
            f"The database lacks what Odos needs ({error.diag.message_primary or error}): as its owner or a superuser, "
            "make the schema 'extensions' and in it the extensions pg_trgm, btree_gin and btree_gist."
        ) from error
    if not words:
        raise HomeError(_LOCALE)


_LOCALE = (
    "The database has a locale Odos cannot search and sort in: create it with ENCODING 'UTF8' LOCALE_PROVIDER builtin "
    "BUILTIN_LOCALE 'C.UTF-8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8' TEMPLATE template0."
)


def check(connection: psycopg.Connection) -> None:
    """Refuse a server that is too old, or a database that does not sort by code point and know all letters."""
    version = connection.info.server_version
    if version < OLDEST * 10_000:
        raise HomeError(f"PostgreSQL {version // 10_000} is too old: Odos needs PostgreSQL {OLDEST} or newer.")
    if connection.info.parameter_status("server_encoding") != "UTF8":
        raise HomeError(_LOCALE)
    if connection.execute("SELECT 'B' < 'a' AND '张' > 'z' AND lower('É') = 'é'").fetchone() != (True,):
        raise HomeError(_LOCALE)


def reach(url: str) -> None:
    """Check and equip the server that DATABASE_URL names; raises HomeError where it cannot be reached."""
    try:
        with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
            equip(connection)
    except psycopg.OperationalError as error:
        raise HomeError(f"The database that DATABASE_URL names cannot be reached: {str(error).strip().splitlines()[-1]}") from error


def _exists(connection: psycopg.Connection, query: str, name: str) -> bool:
    return connection.execute(query, [name]).fetchone() is not None
