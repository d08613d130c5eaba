"""One run's PostgreSQL and Valkey, in a data folder of their own, and a database for each worker. Knows no company.

The process that was called starts and stops the servers; the workers it starts find them through the environment.
"""

import atexit
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import django
import psycopg
from django.conf import settings
from psycopg import sql

from tests import hashing

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
GIVEN = ("DATABASE_URL", "REDIS_URL")

_folder = ""
_owner = 0  # the process that stops the servers


def start() -> None:
    """Servers, database and Django, ready to be used when this returns. Some seconds once a run, half a second for each worker."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")
    if WORKER:
        _copy_database()
        _set_up()
    else:
        _start_servers()


def stop() -> None:
    """Stop what this process started and remove its files. Runs at exit, so that nothing stays behind however the run ends."""
    if os.getpid() != _owner:
        return  # a process that a test forked
    from deploy import home, launcher  # noqa: PLC0415 - reads ODOS_HOME

    for name in GIVEN:
        os.environ.pop(name, None)
    place = home.current()
    launcher.stop(place)
    for name in ("postgres", "valkey"):
        link = place.path / name
        if link.is_symlink():  # root's servers keep their files where their own account may reach them
            shutil.rmtree(link.resolve().parent, ignore_errors=True)
    shutil.rmtree(_folder, ignore_errors=True)


def _start_servers() -> None:
    global _folder, _owner
    _owner = os.getpid()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a run that is told to end stops its servers too
    _folder = tempfile.mkdtemp(prefix="odos-tests-")
    Path(_folder).chmod(0o711)  # the servers drop root's rights and must reach their files
    for name in GIVEN:
        os.environ.pop(name, None)
    os.environ |= {"ODOS_HOME": f"{_folder}/home", "ODOS_DOMAIN": "localhost", "ODOS_RATE_LIMIT": "0", "ODOS_SIGNUPS_PER_HOUR": "0"}
    from deploy import home, launcher  # noqa: PLC0415 - reads ODOS_HOME

    atexit.register(stop)
    launcher.start(home.current(), durable=False)
    _set_up()
    from django.core.management import call_command  # noqa: PLC0415 - needs settings
    from django.db import connection  # noqa: PLC0415 - needs settings

    from tenants import provision  # noqa: PLC0415 - needs settings

    call_command("collectstatic", interactive=False, verbosity=0)
    provision.prepare(lambda sentence: print(sentence, file=sys.stderr))
    connection.close()
    connection.close_pool()  # workers copy this database, and nobody may be connected to what is copied


def _set_up() -> None:
    django.setup()
    settings.PASSWORD_HASHERS = ["tests.hashing.Quick" if name == hashing.PRODUCT else name for name in settings.PASSWORD_HASHERS]


def _copy_database() -> None:
    """A copy of the prepared database and two of Valkey's databases, for this worker alone."""
    from deploy import addresses, home  # noqa: PLC0415 - reads ODOS_HOME
    from deploy.launcher.postgres import Postgres  # noqa: PLC0415 - reads ODOS_HOME

    folder, name = home.current(), f"odos_{WORKER}"
    parts = map(sql.Identifier, (name, addresses.DATABASE, addresses.ROLE))
    with psycopg.connect(Postgres(folder).superuser_dsn(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(*parts))
    database, valkey = addresses.database_url(folder, name), addresses.valkey_url(folder, 2 * (int(WORKER.removeprefix("gw")) % 8))
    os.environ |= {"DATABASE_URL": database, "REDIS_URL": valkey}
