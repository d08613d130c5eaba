"""Child processes: restarted when they die, ended when they are told to, never left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from deploy import processes
from deploy.home import PROJECT
from deploy.processes import MARK, Child, end_leftovers

pytestmark = pytest.mark.servers

# A program with a child of its own; both end at once when asked.
FAMILY = (
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "print('child', child.pid, flush=True); time.sleep(60)"
)
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def make(tmp_path):
    """``make(code)``: a child that runs this Python, ended after the test."""
    made = []

    def child(code: str) -> Child:
        environment = {**os.environ, MARK: str(tmp_path)}
        made.append(Child("probe", [sys.executable, "-c", code], PROJECT, tmp_path, environment))
        made[-1].start()
        return made[-1]

    yield child
    for one in made:
        one.stop(0)


def written(folder: Path) -> str:
    log = folder / "probe.log"
    return log.read_text() if log.exists() else ""


def grandchild(folder: Path) -> int:
    until(lambda: "child " in written(folder))
    return int(written(folder).rsplit("child ", 1)[1].split()[0])


def test_a_dead_child_starts_again_after_a_growing_pause(make, monkeypatch, capfd):
    monkeypatch.setattr(processes, "_SOON", 0.05)
    child = make("print('here', flush=True)")
    child.pause = 0.05
    pauses = []
    for _ in range(3):
        until(lambda: not child.alive())
        child.look()
        assert child.process is None
        pauses.append(child.pause)
        until(lambda: child.look() or child.process is not None)
    assert pauses == [0.1, 0.2, 0.4]
    assert "The probe process ended (exit code 0) and starts again" in capfd.readouterr().out


def test_what_a_child_says_is_kept_and_shown(make, tmp_path, capfd):
    child = make("print('héllo 你好', flush=True)")
    until(lambda: not child.alive() and "你好" in written(tmp_path))
    assert " probe | héllo 你好" in capfd.readouterr().out


def test_stopping_ends_the_childs_own_children(make, tmp_path):
    child = make(FAMILY)
    pid = grandchild(tmp_path)
    child.ask_to_stop()
    child.stop(5)
    until(lambda: is_gone(pid))
    assert not child.alive()


def test_a_killed_child_leaves_nothing(make, tmp_path):
    child = make(FAMILY)
    pid = grandchild(tmp_path)
    child.process.kill()
    until(lambda: not child.alive())
    child.look()
    until(lambda: is_gone(pid))


def test_a_child_that_does_not_listen_is_killed(make, tmp_path, capfd):
    child = make(DEAF)
    until(lambda: "deaf" in written(tmp_path))
    child.ask_to_stop()
    child.stop(0.3)
    assert not child.alive()
    assert "is killed" in capfd.readouterr().out


def test_leftovers_are_those_of_the_same_data_folder(make, tmp_path):
    mine = make(FAMILY)
    pid = grandchild(tmp_path)
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env={**os.environ, MARK: str(tmp_path / "other")})
    try:
        assert end_leftovers(tmp_path) == 2
        until(lambda: not mine.alive() and is_gone(pid))
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death; elsewhere the next start ends it")
def test_children_end_with_a_killed_supervisor(tmp_path):
    supervise = (
        "import os, sys, time; from pathlib import Path; from deploy.processes import Child\n"
        "command = [sys.executable, '-c', 'import time; time.sleep(60)']\n"
        f"child = Child('probe', command, Path('/'), Path({str(tmp_path)!r}), dict(os.environ))\n"
        "child.start(); print(child.process.pid, flush=True); time.sleep(60)\n"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", supervise], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    pid = int(supervisor.stdout.readline())
    assert not is_gone(pid)
    supervisor.send_signal(signal.SIGKILL)
    supervisor.wait()
    supervisor.stdout.close()
    until(lambda: is_gone(pid))
