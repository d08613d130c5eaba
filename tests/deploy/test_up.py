"""``manage.py up`` as a person uses it: it starts, answers, survives, stops, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import psutil
import pytest

from deploy.home import PROJECT, Home
from deploy.launcher import ports
from deploy.launcher.postgres import Postgres
from deploy.launcher.valkey import Valkey
from deploy.processes import MARK

pytestmark = pytest.mark.servers


class Up:
    """One ``manage.py up`` and what it prints; every process below it can be found."""

    def __init__(self, home: Home, port: int):
        self.home, self.port = home, port
        own = {
            "ODOS_HOME": str(home),
            "ODOS_PORT": str(port),
            "ODOS_WEB_WORKERS": "1",
            "ODOS_TASK_WORKERS": "1",
            "ODOS_DOMAIN": "localhost",
        }
        self.environment = {**os.environ, **own}
        self.process: subprocess.Popen | None = None
        self.lines: list[str] = []

    def start(self, *options: str) -> float:
        """Start it and wait for the line that says it runs; returns the seconds that took."""
        started, self.lines = time.monotonic(), []
        self.process = self.spawn("up", *options)
        threading.Thread(target=self._listen, daemon=True).start()
        while not any(line.startswith("Odos runs:") for line in self.lines):
            assert self.process.poll() is None and time.monotonic() < started + 90, "".join(self.lines)
            time.sleep(0.05)
        return time.monotonic() - started

    def spawn(self, *arguments: str) -> subprocess.Popen:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.Popen(command, cwd=PROJECT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)

    def run(self, *arguments: str) -> tuple[int, str]:
        process = self.spawn(*arguments)
        try:
            output, _ = process.communicate(timeout=60)
        finally:
            process.kill()
        return process.returncode, output

    def stop(self, with_signal: int) -> int:
        self.process.send_signal(with_signal)
        return self.process.wait(40)

    def children(self) -> dict[int, str]:
        """The number and command line of each living process that this data folder's supervisor started, and theirs."""
        found = {}
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == str(self.home.path) and process.status() != psutil.STATUS_ZOMBIE:
                    found[process.pid] = " ".join(process.cmdline())
            except psutil.Error:
                continue
        return found

    def get(self, path: str, host: str = "localhost") -> int:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers={"Host": host})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def serves(self, host: str) -> bool:
        """True where the host is a company's: its API then asks who is there, elsewhere there is nothing."""
        return self.get("/api/v1/accounts/", host) == 401

    def is_stopped(self) -> bool:
        servers = Postgres(self.home).runs() or Valkey(self.home).runs()
        return not self.children() and not servers and ports.is_free("127.0.0.1", self.port)

    def _listen(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line)
        self.process.stdout.close()


@pytest.fixture
def up(shared):
    running = Up(shared, ports.choose("127.0.0.1", 0))
    yield running
    if running.process is not None and running.process.poll() is None:
        running.stop(signal.SIGTERM)


def until(holds, seconds: float = 30.0):
    end = time.monotonic() + seconds
    while not (value := holds()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return value


def test_it_serves_and_stops_cleanly(up):
    up.start()
    assert up.get("/healthz") == up.get("/readyz") == 200
    assert up.get("/readyz", host="nobody.example") == 200  # whoever watches need not know a host
    assert up.get("/", host="nobody.example") == 404 and not up.serves("nobody.example")

    code, output = up.run("up")
    assert code == 1
    assert output.strip() == f"Odos already runs with the data folder {up.home}: stop it first, or set ODOS_HOME to another."

    code, output = up.run("company", "create", "harbour", "--name", "Harbour", "--email", "ann@example.com", "--password", "plum-orchard-7")
    assert code == 0, output
    assert up.serves("harbour.localhost")

    def workers() -> set[int]:
        return {pid for pid, command in up.children().items() if " worker " in command}

    before = until(workers)
    for pid in before:
        psutil.Process(pid).kill()
    until(lambda: workers() and not workers() & before)
    until(lambda: any("The worker process ended (signal SIGKILL) and starts again" in line for line in up.lines))

    assert up.stop(signal.SIGINT) == 0
    assert up.is_stopped()


def test_it_comes_back_after_kill_nine_of_everything(up):
    create = ["company", "create", "anchor", "--name", "Anchor", "--email", "ann@example.com", "--password", "plum-orchard-7"]
    code, output = up.run(*create)  # also without a running Odos
    assert code == 0, output
    seconds = up.start()
    assert seconds < 15 * max(1.0, os.getloadavg()[0] / os.cpu_count())  # where the machine has nothing else to do
    postmaster = int((Postgres(up.home).data / "postmaster.pid").read_text().split()[0])
    store = int((Valkey(up.home).data / "valkey.pid").read_text())
    for pid in (up.process.pid, *up.children(), postmaster, store):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue  # its parent was first
    up.process.wait(10)

    up.start()
    assert up.get("/readyz") == 200
    assert up.serves("anchor.localhost")
    # Killed alone, it takes the web server with it: the port is not kept.
    assert up.stop(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: not up.children() and ports.is_free("127.0.0.1", up.port))

    # A command finds the servers that were left, and, being the last to need them, stops them.
    code, output = up.run("company", "list")
    assert code == 0 and "anchor" in output
    assert up.is_stopped()


def test_a_taken_port_is_said_in_one_sentence(up):
    with ports.socket.socket() as taken:
        taken.bind(("127.0.0.1", up.port))
        taken.listen()
        code, output = up.run("up")
    assert code == 1
    assert output.strip().endswith(f"Port {up.port} is in use: stop what uses it, or set ODOS_PORT to another.")
    assert "Traceback" not in output


def test_what_was_compiled_once_is_read_by_the_next_start(tmp_path):
    """Also where the environment forbids to keep it beside the sources: then in the data folder, once that is there."""
    code = "import sys; from deploy.home import Home; Home(sys.argv[1]).keep_compiled(); from deploy import child; print(sys.pycache_prefix, child.__cached__)"
    asked = [sys.executable, "-B", "-c", code, str(tmp_path)]

    def ask() -> list[str]:
        return subprocess.run(asked, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split()

    assert ask()[0] == "None"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "run").mkdir()
    prefix, kept = ask()
    assert prefix == str(tmp_path / "run" / "compiled") and kept.startswith(prefix)
    assert os.path.exists(kept)


def test_help_is_quick_and_names_every_command():
    ran = subprocess.run([sys.executable, "-X", "importtime", "manage.py", "--help"], cwd=PROJECT, capture_output=True, text=True)
    assert ran.returncode == 0
    assert not any(name in ran.stderr for name in ("django", "psycopg", "celery"))
    named = {line.split()[0] for line in ran.stdout.splitlines() if line.startswith("  ")}
    assert {"up", "company", "apikey", "migrate_companies"} <= named
    assert all(len(line.split(maxsplit=1)) == 2 for line in ran.stdout.splitlines() if line.startswith("  "))
