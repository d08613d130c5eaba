"""The embedded servers: they come back after any end, keep what they were given, and serve only whom they should."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import psycopg
import pytest
import redis

from deploy import addresses, launcher
from deploy.home import PROJECT, Home, HomeError
from deploy.launcher import database, ports
from deploy.launcher import postgres as embedded
from deploy.launcher.postgres import Postgres
from deploy.launcher.valkey import Valkey
from tests.deploy.conftest import end

pytestmark = pytest.mark.servers
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to drop")


def connect(home: Home, name: str = addresses.DATABASE) -> psycopg.Connection:
    return psycopg.connect(addresses.database_url(home, name), autocommit=True)


def valkey(home: Home) -> redis.Redis:
    return redis.Redis.from_url(addresses.valkey_url(home))


def pids(home: Home) -> tuple[int, int]:
    postgres, store = Postgres(home), Valkey(home)
    assert postgres.runs() and store.runs()
    return int((postgres.data / "postmaster.pid").read_text().split()[0]), int((store.data / "valkey.pid").read_text())


def kill(home: Home) -> None:
    """SIGKILL both, and wait until nothing of them runs; who was to reap them may take its time."""
    killed = [psutil.Process(pid) for pid in pids(home)]
    for process in killed:
        process.kill()
    end = time.monotonic() + 10
    while any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in killed):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_look_at_ten_thousand_rows_of_many_wakes_no_other_process(folder):
    """How many rows a list has is told as far as ten thousand (``core.query``): PostgreSQL thinks of all of them, and of a helper that takes longer."""
    with connect(folder) as connection:
        connection.execute("CREATE TABLE crowd AS SELECT n, repeat('x', 300) AS filling, NULL::date AS gone FROM generate_series(1, 300000) n")
        connection.execute("ANALYZE crowd")
        asked = "SELECT count(*) FROM crowd WHERE gone IS NULL AND NOT EXISTS (SELECT FROM crowd WHERE gone IS NULL OFFSET 10000 LIMIT 1)"
        plan = [line for (line,) in connection.execute(f"EXPLAIN {asked}")]
        assert any("One-Time Filter" in line for line in plan) and not any("Gather" in line for line in plan), plan
        long = "SELECT count(*) FROM crowd WHERE md5(filling) = md5(reverse(filling)) AND sha256(filling::bytea) <> sha512(filling::bytea)"
        assert any("Gather" in line for (line,) in connection.execute(f"EXPLAIN {long}")), "what takes long is shared as ever"
        connection.execute("DROP TABLE crowd")


def test_killed_servers_come_back_with_their_data(folder):
    with connect(folder) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('here')")
    valkey(folder).set("kept", "here")
    time.sleep(1.2)  # Valkey promises what is older than a second
    before = pids(folder)
    kill(folder)
    launcher.start(folder)
    assert not set(before) & set(pids(folder))
    with connect(folder) as connection:
        assert connection.execute("SELECT word FROM kept").fetchall() == [("here",)]
    assert valkey(folder).get("kept") == b"here"


def test_the_database_takes_a_third_of_the_memory_there_is(folder, monkeypatch):
    with connect(folder) as connection:
        blocks = int(connection.execute("SELECT setting FROM pg_settings WHERE name = 'shared_buffers'").fetchone()[0])
    assert blocks * 8192 <= max(psutil.virtual_memory().total // 3, 128 * 2**20)
    assert [embedded._buffers(gigabytes * 2**30) for gigabytes in (0, 1, 6, 24, 512)] == [128, 341, 2048, 8192, 8192]
    monkeypatch.setattr(embedded.Path, "read_text", lambda path: str(2**30) if path.name == "memory.max" else "max")
    assert embedded._memory() == min(2**30, psutil.virtual_memory().total)


def test_a_start_while_they_run_changes_nothing(folder):
    before = pids(folder)
    started = time.monotonic()
    launcher.start(folder)
    assert pids(folder) == before
    assert time.monotonic() - started < 5


def test_the_number_of_a_dead_server_may_be_anyones(folder):
    postgres, store = Postgres(folder), Valkey(folder)
    kill(folder)
    # A living process of the very account, so that the server could take it for itself.
    other = subprocess.Popen(["/bin/sleep", "60"], cwd="/", **postgres.account.identity())
    try:
        lock = postgres.data / "postmaster.pid"
        lock.write_text("\n".join([str(other.pid), *lock.read_text().splitlines()[1:]]) + "\n")
        (store.data / "valkey.pid").write_text(str(other.pid))
        assert not postgres.runs() and not store.runs()
        launcher.start(folder)
        assert postgres.ready() and store.ready()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_start_that_died_halfway_is_waited_for(folder):
    kill(folder)
    postgres = Postgres(folder)
    # As if the process that started it had been killed while the server was recovering.
    command = [postgres.programs / "pg_ctl", "-W", "-D", postgres.data, "-l", postgres.log, "start"]
    assert postgres.account.run(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    launcher.start(folder)
    assert postgres.ready()


def test_a_data_folder_made_halfway_does_not_count(fresh):
    fresh.make()
    draft = fresh.path / "postgres.init"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n")
    launcher.start(fresh)
    assert Postgres(fresh).ready()
    assert not draft.exists()


def test_a_taken_port_is_left_to_its_owner(fresh):
    with socket.socket() as taken, socket.socket() as also_taken:
        for name, one in (("postgres", taken), ("valkey", also_taken)):
            one.bind(("127.0.0.1", 0))
            one.listen()
            fresh.make()
            fresh.remember_port(name, one.getsockname()[1])
        wanted = fresh.ports()
        launcher.start(fresh)
        given = fresh.ports()
        assert not set(wanted.values()) & set(given.values())
        with connect(fresh) as connection:
            assert connection.info.port == given["postgres"]
        assert valkey(fresh).ping()
    launcher.stop(fresh)
    launcher.start(fresh)
    assert fresh.ports() == given  # remembered, though the ports wanted first are free again


def test_the_last_user_stops_them(folder):
    again = "import sys; from deploy import launcher; from deploy.home import Home\nwith launcher.servers_running(Home(sys.argv[1])): pass"
    launcher.stop(folder)
    with launcher.servers_running(folder):
        before = pids(folder)
        subprocess.run([sys.executable, "-c", again, str(folder)], cwd=PROJECT, check=True, timeout=60)
        assert pids(folder) == before
    assert not Postgres(folder).runs() and not Valkey(folder).runs()
    subprocess.run([sys.executable, "-c", again, str(folder)], cwd=PROJECT, check=True, timeout=60)
    assert not Postgres(folder).runs() and not Valkey(folder).runs()


def test_a_dead_server_is_started_again_while_it_is_needed(folder):
    said = []
    with launcher.servers_running(folder):
        launcher.restart_dead(folder, said.append)
        assert said == []
        kill(folder)
        launcher.restart_dead(folder, said.append)
        assert len(said) == 1
        assert Postgres(folder).ready() and Valkey(folder).ready()


def test_who_may_connect_and_as_what(folder):
    with connect(folder) as connection:
        role = "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        assert connection.execute(role).fetchone() == (False,) * 5
        connection.execute("CREATE SCHEMA ours")
        assert connection.execute("SELECT has_schema_privilege('public', 'public', 'CREATE')").fetchone() == (False,)
        assert connection.execute("SELECT extensions.show_trgm('中文客户')").fetchone()[0]
        assert connection.execute("SHOW data_checksums").fetchone() == ("on",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE ROLE another")
    port = folder.ports()["postgres"]
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"host=127.0.0.1 port={port} user=postgres password=guessed dbname=postgres")
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=folder.ports()["valkey"]).ping()
    settings = valkey(folder).config_get("*")
    assert {settings[name] for name in ("maxmemory-policy", "appendonly", "appendfsync", "bind")} == {
        "noeviction", "yes", "everysec", "127.0.0.1"
    }  # fmt: skip
    for pid in pids(folder):
        process = psutil.Process(pid)
        assert {connection.laddr.ip for connection in process.net_connections() if connection.status == "LISTEN"} == {"127.0.0.1"}
        assert process.uids().effective != 0


@pytest.mark.parametrize(
    "locale",
    [
        "LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'",
        "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LC_COLLATE 'C' LC_CTYPE 'C'",
        "LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C' ENCODING 'SQL_ASCII'",
    ],
)
def test_a_locale_that_cannot_search_chinese_is_refused(folder, monkeypatch, locale):
    postgres = Postgres(folder)
    database.drop(postgres, "wrong")
    with psycopg.connect(postgres.superuser_dsn(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE wrong OWNER odos TEMPLATE template0 {locale}")
    monkeypatch.setenv("DATABASE_URL", addresses.database_url(folder, "wrong"))
    with pytest.raises(HomeError, match="locale"):
        launcher.start(folder)


def test_a_server_that_is_not_there_is_named(folder, monkeypatch):
    absent, nobody = addresses.database_url(folder, "absent"), f"redis://127.0.0.1:{ports.choose('127.0.0.1', 6379)}/0"
    monkeypatch.setenv("DATABASE_URL", absent)
    with pytest.raises(HomeError, match="DATABASE_URL names cannot be reached"):
        launcher.start(folder)
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("REDIS_URL", nobody)
    with pytest.raises(HomeError, match="REDIS_URL names cannot be reached"):
        launcher.start(folder)


def test_an_old_server_is_refused():
    old = SimpleNamespace(info=SimpleNamespace(server_version=170_006))
    with pytest.raises(HomeError, match=r"PostgreSQL 17 is too old: Odos needs PostgreSQL 18 or newer\."):
        database.check(old)


def test_a_given_server_is_equipped_and_nothing_else_is_started(folder, monkeypatch):
    postgres = Postgres(folder)
    with psycopg.connect(postgres.superuser_dsn(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE given OWNER odos TEMPLATE template0")
    url = addresses.database_url(folder, "given")
    monkeypatch.setenv("REDIS_URL", addresses.valkey_url(folder))
    monkeypatch.setenv("DATABASE_URL", url)
    with tempfile.TemporaryDirectory() as path:
        other = Home(Path(path) / "home")
        with launcher.servers_running(other):
            assert not (other.path / "postgres").exists() and not (other.path / "valkey").exists()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT extensions.show_trgm('中文')").fetchone()[0]
    assert postgres.ready()  # it is not ours to stop


def test_secrets_are_made_once_and_for_their_owner_alone(fresh):
    ask = "import sys, json; from deploy.home import Home; print(json.dumps(Home(sys.argv[1]).secrets))"
    asked = [subprocess.Popen([sys.executable, "-c", ask, str(fresh)], cwd=PROJECT, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    answers = [json.loads(process.communicate(timeout=30)[0]) for process in asked]
    assert all(answer == answers[0] for answer in answers)
    assert len(set(answers[0].values())) == len(answers[0])
    assert stat.S_IMODE((fresh.path / "secrets").stat().st_mode) == 0o600
    assert [path.name for path in fresh.path.glob("secrets*")] == ["secrets"]


@as_root
def test_roots_home_stays_closed():
    """A checkout in a folder that only root may enter: the servers' data lie elsewhere, and no folder above is opened."""
    with tempfile.TemporaryDirectory(prefix="odos-test-") as path:
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o700
        home = Home(Path(path) / "home")
        try:
            with launcher.servers_running(home):
                assert Postgres(home).ready() and Valkey(home).ready()
                assert (home.path / "postgres").is_symlink()
                assert stat.S_IMODE(Path(path).stat().st_mode) == 0o700
            with launcher.servers_running(home):
                assert Postgres(home).ready()
        finally:
            end(home)


@as_root
def test_it_runs_without_root():
    """As another account. A capability lets it read the interpreter where that lies in a closed folder; it gives no other right."""
    setpriv = shutil.which("setpriv")
    alone = ["--reuid=65534", "--regid=65534", "--clear-groups"]
    may_read = ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search", "--bounding-set=-all,+dac_read_search"]
    if not setpriv or subprocess.run([setpriv, *alone, *may_read, sys.executable, "-c", ""], capture_output=True).returncode:
        pytest.skip("setpriv cannot run this interpreter as another account here")
    script = (
        "import os, sys; from deploy import launcher; from deploy.home import Home\n"
        "assert os.geteuid() == 65534\n"
        "with launcher.servers_running(Home(sys.argv[1])) as home:\n"
        "    print(launcher.Postgres(home).ready(), launcher.Valkey(home).ready(), launcher.Postgres(home).data.stat().st_uid)\n"
    )
    with tempfile.TemporaryDirectory(prefix="odos-test-") as path:
        os.chown(path, 65534, 65534)
        command = [setpriv, *alone, *may_read, sys.executable, "-B", "-c", script, f"{path}/home"]
        ran = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60)
        assert ran.stdout.split() == ["True", "True", "65534"], ran.stderr


def test_a_data_folder_that_cannot_be_made_is_refused_in_one_sentence():
    with pytest.raises(HomeError, match=r"^The data folder /proc/odos cannot be used .*: set ODOS_HOME to a folder you may write to\.$"):
        Home("/proc/odos").make()


def test_a_free_port_is_free():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not ports.is_free("127.0.0.1", port)
        assert ports.is_free("127.0.0.1", ports.choose("127.0.0.1", port))
    assert ports.choose("127.0.0.1", port) == port


def test_only_a_killed_process_leaves_its_servers(folder):
    """SIGTERM to a command stops what it started; SIGKILL cannot, and the next command finds the servers and uses them."""
    hold = (
        "import sys, time; from deploy import launcher; from deploy.home import Home\n"
        "with launcher.servers_running(Home(sys.argv[1])):\n    print('up', flush=True); time.sleep(60)\n"
    )
    launcher.stop(folder)
    process = subprocess.Popen([sys.executable, "-c", hold, str(folder)], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    before = pids(folder)
    with launcher.servers_running(folder):
        assert pids(folder) == before
    assert not Postgres(folder).runs() and not Valkey(folder).runs()
