"""The data folder (ODOS_HOME): where everything lives that is not code, and the secrets and ports remembered there.

Standard library only, so that any process may read it before Django or a server runs. Starts nothing.
"""

import fcntl
import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
_SECRETS = {"django": 32, "database": 32, "superuser": 32, "valkey": 32, "demo": 6}  # bytes; the last one is typed by a person


class HomeError(SystemExit):
    """The data folder cannot be used; the message says in one sentence what to do. Ends the command with it."""


class Home:
    """One data folder. Attributes are paths in it; the folder is made when first used."""

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path).expanduser().absolute()
        self.log = self.path / "log"
        self.mail = self.path / "mail"
        self.static = self.path / "static"
        self.files = self.path / "files"
        self.run = self.path / "run"

    def __str__(self) -> str:
        return str(self.path)

    def make(self) -> None:
        """Make the folder and the ones inside; idempotent. As root it stays passable, because the servers drop root's rights."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
            for folder in (self.log, self.mail, self.static, self.files, self.run):
                folder.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise HomeError(f"The data folder {self.path} cannot be used ({error.strerror}): set ODOS_HOME to a folder you may write to.") from error

    def keep_compiled(self) -> None:
        """Keep compiled modules here, for this process and those it starts, where the environment forbids to keep them beside their sources.

        Otherwise each of them compiles a thousand modules, for seconds, before it can answer. Does nothing before the folder is made.
        """
        if sys.dont_write_bytecode and self.run.is_dir():
            sys.dont_write_bytecode, sys.pycache_prefix = False, str(self.run / "compiled")
            os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
            os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix

    @cached_property
    def secrets(self) -> dict[str, str]:
        """The passwords and the signing key, made at first use. Two processes that come at once read the same ones."""
        place = self.path / "secrets"
        try:
            return json.loads(place.read_text())
        except FileNotFoundError:
            pass
        except PermissionError as error:
            raise HomeError(f"{place} belongs to another user: run as the user who started Odos first, or choose another ODOS_HOME.") from error
        self.make()
        draft = self.path / f"secrets.{os.getpid()}.{secrets.token_hex(4)}"
        write_private(draft, json.dumps({name: secrets.token_hex(length) for name, length in _SECRETS.items()}))
        try:
            os.link(draft, place)  # fails where another process was first: then its file is the one
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return json.loads(place.read_text())

    def ports(self) -> dict[str, int]:
        """The ports the servers of this folder were last given, by name."""
        try:
            return json.loads((self.path / "ports.json").read_text())
        except FileNotFoundError:
            return {}

    def remember_port(self, server: str, port: int) -> None:
        draft = self.path / f"ports.{os.getpid()}"
        draft.write_text(json.dumps({**self.ports(), server: port}))
        draft.replace(self.path / "ports.json")

    @contextmanager
    def locked(self, name: str, *, shared: bool = False, wait: bool = True) -> Iterator[int]:
        """Hold the folder's lock of that name inside the block; it ends with the process, however that ends.

        Raises BlockingIOError where another process holds it and ``wait`` is off.
        """
        self.make()
        handle = os.open(self.run / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
            yield handle
        finally:
            os.close(handle)


def write_private(place: Path, text: str) -> None:
    """Write a file that only its owner may read, on disk when this returns. The file must not exist."""
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def current() -> Home:
    """The data folder of this process: ODOS_HOME, or ``.data`` beside the code."""
    return Home(os.environ.get("ODOS_HOME") or PROJECT / ".data")


def number(name: str, default: int) -> int:
    """A whole number from the environment; ends the command with a sentence where it is none."""
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit():
        raise HomeError(f"{name} must be a whole number, not '{text}'.")
    return int(text)


def switch(name: str) -> bool:
    """A yes-or-no setting from the environment: 1, true, yes or on mean yes."""
    return os.environ.get(name, "").strip().lower() in ("1", "true", "yes", "on")
