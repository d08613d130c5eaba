"""Whom the embedded servers run as, and where their programs and data may lie. As root, rights are dropped to a system account.

PostgreSQL refuses to run as root. Only its subprocesses change the account, never Python itself.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from deploy.home import Home, HomeError

OWN_ACCOUNT = "odos"
SYSTEM = Path("/var/lib/odos")  # used by root only, where the account cannot reach the data folder or the programs
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


@dataclass(frozen=True)
class Account:
    """The account that servers run as; ``user`` is None where that is simply whoever runs this."""

    user: int | None = None
    group: int | None = None

    def identity(self) -> dict:
        """The arguments of subprocess.run that take this account on."""
        return {} if self.user is None else {"user": self.user, "group": self.group, "extra_groups": []}

    def run(self, *command, **options) -> subprocess.CompletedProcess:
        """Run a program as this account in a plain environment; its output is captured as text."""
        options = {"cwd": "/", "env": _ENVIRONMENT, "text": True, "stdin": subprocess.DEVNULL, **options}
        if "stdout" not in options:
            options["capture_output"] = True
        return subprocess.run([str(part) for part in command], **self.identity(), **options)

    def give(self, path: Path) -> None:
        """Make the account the owner of a file or folder that root has made."""
        if self.user is not None:
            os.chown(path, self.user, self.group)

    def reaches(self, path: Path) -> bool:
        """True where the account may read the file or enter the folder, and pass all folders above it."""
        if self.user is None:
            return os.access(path, os.X_OK if path.is_dir() else os.R_OK)
        return self.run("/bin/sh", "-c", 'if test -d "$0"; then test -x "$0"; else test -r "$0"; fi', path).returncode == 0


def choose(data: Path) -> Account:
    """The account for a data folder: its owner where it exists; as root our own system account, made when missing."""
    owner = data.stat().st_uid if data.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise HomeError(f"{data} belongs to the account '{_name(owner)}': run Odos as it was started first, or choose another ODOS_HOME.")
        return Account()
    if owner:
        return _account(pwd.getpwuid(owner))
    for name in (OWN_ACCOUNT, None, "postgres", "_postgres", "nobody"):
        if name is None:
            _make_account()
            name = OWN_ACCOUNT
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    raise HomeError("PostgreSQL does not run as root and no other account exists: make one with 'useradd --system odos'.")


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_uid, entry.pw_gid)


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def _make_account() -> None:
    """Try to make the system account with the tools at hand; where none works, the caller looks for another account."""
    tools = (
        ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", OWN_ACCOUNT],
        ["adduser", "-S", "-D", "-H", "-h", "/nonexistent", "-s", "/sbin/nologin", OWN_ACCOUNT],
    )
    for command in tools:
        program = shutil.which(command[0], path=_ENVIRONMENT["PATH"])
        if program and subprocess.run([program, *command[1:]], capture_output=True, stdin=subprocess.DEVNULL).returncode == 0:
            return


def place(home: Home, name: str) -> tuple[Path, Account]:
    """Where a server's data lie and who owns them: in the data folder, or, where root's account cannot get there, in SYSTEM.

    A link in the data folder leads to the latter, so that the folder still shows where everything is.
    """
    home.make()
    inside = home.path / name
    data = inside.resolve() if inside.is_symlink() else inside
    account = choose(data)
    if inside.is_symlink() or inside.exists():
        _check_passable(account, data)
        return data, account
    if not account.reaches(home.path):
        mark = hashlib.sha256(str(home.path).encode()).hexdigest()[:12]
        folder = SYSTEM / "data" / mark
        _make_public(folder)
        data = folder / name
        inside.symlink_to(data)
    return data, account


def _check_passable(account: Account, data: Path) -> None:
    if data.exists() and not account.reaches(data):
        raise HomeError(
            f"The account '{_name(account.user)}', which owns {data}, can no longer reach it: "
            "make the folders above it passable again (chmod o+x), or choose another ODOS_HOME."
        )


def programs(folder: Path, package: str, account: Account) -> Path:
    """A package's folder of programs, where the account can run them; a copy is made once where it cannot reach them.

    A virtual environment under /root is out of reach for every other account; opening root's home would be wrong.
    """
    if account.reaches(folder) and all(account.reaches(file) for file in folder.iterdir()):
        return folder
    copy = SYSTEM / "programs" / f"{package}-{version(package)}" / folder.name
    if not copy.exists():
        _make_public(copy.parent)
        draft = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copytree(folder, draft, symlinks=True)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            draft.rename(copy)
        except OSError:  # another process was first
            shutil.rmtree(draft)
    return copy


def _make_public(folder: Path) -> None:
    """Make the folder and those above it up to SYSTEM, passable for every account, whatever the umask."""
    for path in reversed([folder, *folder.parents]):
        if path == SYSTEM or SYSTEM in path.parents:
            path.mkdir(exist_ok=True, parents=True)
            path.chmod(0o755)
