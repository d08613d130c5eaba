"""The browser of the tests: where it is, and, run as ``python -m deploy.chromium``, its installation where there is none.

Odos itself needs no browser. Prints what it did and never fails: without a browser its tests are skipped with the reason,
except with ``--check``, which installs nothing and fails where none is found.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PACKAGES = ("chromium", "fonts-noto-cjk")  # the font, because pictures of Chinese pages would show boxes


def find() -> str | None:
    """The path of a Chromium: ODOS_CHROMIUM, the machine's own, or the one that Playwright has downloaded."""
    given = os.environ.get("ODOS_CHROMIUM", "").strip()
    if given:
        return given if os.access(given, os.X_OK) else None
    for name in _NAMES:
        if path := shutil.which(name):
            return path
    return _downloaded()


def install() -> None:
    """Try the machine's packages as root, then Playwright's own download."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *_PACKAGES]):
            subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    if find() is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], stdin=subprocess.DEVNULL)


def _downloaded() -> str | None:
    default = "~/Library/Caches/ms-playwright" if sys.platform == "darwin" else "~/.cache/ms-playwright"
    folder = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or default).expanduser()
    found = [*folder.glob("chromium-*/chrome-*/chrome"), *folder.glob("chromium-*/chrome-*/*.app/Contents/MacOS/*")]
    return str(max(found)) if found else None


def main(arguments: list[str]) -> int:
    if find() is None and "--check" not in arguments:
        print("Installing a Chromium for the browser tests ...", file=sys.stderr, flush=True)
        install()
    path = find()
    print(f"Browser tests use {path}." if path else "No Chromium could be found or installed: browser tests are skipped.", file=sys.stderr)
    return 1 if path is None and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
