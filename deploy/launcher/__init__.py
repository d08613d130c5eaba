"""The embedded servers as one thing: up for as long as anyone needs them. Which server does what is in the modules beside this.

Whoever uses the servers holds a shared lock on the data folder; the last one to leave stops them. Addresses given in
DATABASE_URL and REDIS_URL are used as they are, and then nothing is started.
"""

import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from deploy import addresses, home
from deploy.home import Home, HomeError
from deploy.launcher import database
from deploy.launcher.postgres import Postgres
from deploy.launcher.valkey import Valkey


def start(folder: Home, *, durable: bool = True) -> tuple[Postgres | None, Valkey | None]:
    """Start what is not given by address and not running, ready to use when this returns; several processes may call at once.

    Returns the two embedded servers, None for one whose address is given.
    """
    folder.make()
    with folder.locked("start"):
        postgres = valkey = None
        if os.environ.get("DATABASE_URL", "").strip():
            database.reach(os.environ["DATABASE_URL"].strip())
        else:
            postgres = Postgres(folder, durable=durable)
            postgres.start()
            database.make(postgres)
        if os.environ.get("REDIS_URL", "").strip():
            _reach(addresses.valkey_url(folder))
        else:
            valkey = Valkey(folder)
            valkey.start()
        return postgres, valkey


def stop(folder: Home) -> None:
    """Stop the embedded servers of a folder, Valkey before PostgreSQL; idempotent."""
    with folder.locked("start"):
        _stop(folder)


def restart_dead(folder: Home, say: Callable[[str], None]) -> None:
    """Start an embedded server again that has died while it was needed. Cost: a look at two processes."""
    dead = [server.__class__.__name__ for server in _embedded(folder) if not server.runs()]
    if dead:
        say(f"{' and '.join(dead)} ended and starts again.")
        start(folder)


@contextmanager
def servers_running(folder: Home | None = None, *, durable: bool = True) -> Iterator[Home]:
    """The servers run inside the block. They are stopped after it, unless another process still uses them."""
    folder = folder or home.current()
    with folder.locked("servers", shared=True) as handle:
        start(folder, durable=durable)
        try:
            yield folder
        finally:
            with folder.locked("start"):
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    pass  # someone else still uses them and will stop them
                else:
                    _stop(folder)


def _stop(folder: Home) -> None:
    for server in _embedded(folder):
        server.stop()


def _embedded(folder: Home) -> list[Valkey | Postgres]:
    """The servers of this folder that are ours to start and stop, in the order in which they are stopped."""
    servers: list[Valkey | Postgres] = []
    if not os.environ.get("REDIS_URL", "").strip() and (folder.path / "valkey").exists():
        servers.append(Valkey(folder))
    if not os.environ.get("DATABASE_URL", "").strip() and (folder.path / "postgres").exists():
        servers.append(Postgres(folder))
    return servers


def _reach(url: str) -> None:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379), 5).close()
    except OSError as error:
        raise HomeError(f"The Valkey or Redis that REDIS_URL names cannot be reached: {error.strerror or error}.") from error
