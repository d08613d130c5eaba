"""``make`` works with the fastest Python there is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy" / "python.sh"


@pytest.mark.parametrize(
    ("told", "taken"),
    [
        (["900 /slow", "700 /fast"], "/fast"),
        (["740 /first", "700 /second"], "/first"),  # it is on the way first, and as good
        (["", "900 /only"], "/only"),  # one that is too old says nothing
        (["1000000000 /without venv", "700 /with"], "/with"),
        (["1000000000 /without venv"], "/without venv"),  # make says what it lacks
        ([], ""),
    ],
)
def test_the_first_of_the_fastest(tmp_path: Path, told: list[str], taken: str):
    folders = [tmp_path / str(n) for n in range(len(told))]
    for folder, line in zip(folders, told, strict=True):
        folder.mkdir()
        (folder / "python3").write_text(f"#!/bin/sh\n{f'echo {line}' if line else 'exit 1'}\n")
        (folder / "python3").chmod(0o755)
    assert _asked([*folders, _tools(tmp_path)]) == taken


def test_a_real_one_is_asked(tmp_path: Path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(sys.executable)
    assert Path(_asked([tmp_path / "bin", _tools(tmp_path)])).exists()


def _tools(tmp_path: Path) -> Path:
    """What the script needs beside a Python, without the machine's own."""
    folder = tmp_path / "tools"
    folder.mkdir()
    (folder / "awk").symlink_to(next(p for d in os.get_exec_path() if (p := Path(d) / "awk").exists()))
    return folder


def _asked(folders: list[Path]) -> str:
    found = subprocess.run(["/bin/sh", str(SCRIPT)], env={"PATH": ":".join(map(str, folders))}, capture_output=True, text=True, timeout=60, check=True)
    return found.stdout.strip()
