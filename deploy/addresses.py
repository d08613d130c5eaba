"""Where the servers are: addresses given by DATABASE_URL and REDIS_URL, or the embedded servers' own. Standard library only."""

import os
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from deploy.home import Home, HomeError

DATABASE = "odos"  # the embedded server's database and its one login role
ROLE = "odos"
POSTGRES_PORT = 54329  # wanted first; another is taken and remembered where it is in use
VALKEY_PORT = 54379


def database_url(home: Home, name: str = DATABASE) -> str:
    """DATABASE_URL, or the embedded server's address as the application's role."""
    given = os.environ.get("DATABASE_URL", "").strip()
    if given:
        return given
    port = home.ports().get("postgres", POSTGRES_PORT)
    return f"postgresql://{ROLE}:{home.secrets['database']}@127.0.0.1:{port}/{quote(name, safe='')}"


def valkey_url(home: Home, number: int = 0) -> str:
    """REDIS_URL, or the embedded server's address; ``number`` chooses one of its databases (0 broker, 1 cache)."""
    given = os.environ.get("REDIS_URL", "").strip()
    if not given:
        return f"redis://:{home.secrets['valkey']}@127.0.0.1:{home.ports().get('valkey', VALKEY_PORT)}/{number}"
    parts = urlsplit(given)
    if parts.scheme not in ("redis", "rediss", "valkey", "valkeys"):
        raise HomeError("REDIS_URL must look like redis://:password@host:6379/0.")
    scheme = parts.scheme.replace("valkey", "redis")
    first = parts.path.strip("/") or "0"
    if not first.isdigit():
        raise HomeError("REDIS_URL must end in the number of a database, such as /0.")
    return parts._replace(scheme=scheme, path=f"/{int(first) + number}").geturl()


def database_parts(url: str) -> dict:
    """A PostgreSQL address as Django's NAME, USER, PASSWORD, HOST, PORT and a dict of further connection OPTIONS."""
    parts = urlsplit(url)
    try:
        port = parts.port or 5432
    except ValueError:
        port = 0
    name = unquote(parts.path.lstrip("/"))
    if parts.scheme not in ("postgres", "postgresql") or not name or not port:
        raise HomeError("DATABASE_URL must look like postgresql://user:password@host:5432/database.")
    return {
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(port),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }
