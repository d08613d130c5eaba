"""Running child processes until told to stop: their output, their restarts, their end. Knows nothing of what they do.

Each child has a process group of its own, so that Ctrl-C reaches the supervisor alone and a child's own children end with it.
"""

import logging
import logging.handlers
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

MARK = "ODOS_CHILD_OF"  # in a child's environment: the data folder whose supervisor started it
_SOON, _LATE = 1.0, 30.0  # seconds before a restart; it doubles while a child keeps dying
_STEADY = 60.0  # seconds after which a child counts as having run well


class Child:
    """One program that shall run. Start, stop and look are called from the supervisor's one thread."""

    def __init__(self, name: str, command: list[str], folder: Path, log: Path, environment: dict[str, str]):
        self.name, self.command, self.folder = name, command, folder
        self.environment = environment
        self.process: subprocess.Popen | None = None
        self.started, self.pause, self.due = 0.0, _SOON, 0.0
        self.log = logging.getLogger(f"odos.child.{name}")
        self.log.propagate = False
        self.log.setLevel(logging.INFO)
        file = logging.handlers.RotatingFileHandler(log / f"{name}.log", maxBytes=10_000_000, backupCount=3, encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        self.log.handlers = [file]

    def start(self) -> None:
        wrapper = [sys.executable, "-E", "-S", str(Path(__file__).with_name("child.py")), str(os.getpid())]
        self.process = subprocess.Popen(
            [*wrapper, *self.command],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.started = time.monotonic()
        threading.Thread(target=self._listen, args=(self.process.stdout,), daemon=True).start()

    def look(self) -> None:
        """Start the child again where it has died, after a pause that grows while it keeps dying."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.due:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            return
        self._end_group()
        self.process = None
        self.pause = _SOON if now - self.started > _STEADY else min(self.pause * 2, _LATE)
        self.due = now + self.pause
        say(f"The {self.name} process ended ({_reason(code)}) and starts again in {self.pause:.0f} s.")

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        if self.alive():
            self.process.terminate()

    def stop(self, patience: float) -> None:
        """Wait for the child to end, at most so many seconds, and then end whatever is left of it."""
        if self.process is None:
            return
        try:
            self.process.wait(max(patience, 0.1))
        except subprocess.TimeoutExpired:
            say(f"The {self.name} process does not end by itself and is killed.")
        self._end_group()
        self.process.wait()
        self.process = None

    def _end_group(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass  # nothing is left of it

    def _listen(self, stream) -> None:
        for line in stream:
            text = line.decode("utf-8", "replace").rstrip()
            if text:
                self.log.info(text)
                say(f"{self.name:>6} | {text}")
        stream.close()


def say(text: str) -> None:
    """Tell the person at the terminal; a terminal that is gone stops nothing."""
    try:
        print(text, flush=True)
    except (BrokenPipeError, OSError):
        pass


def end_leftovers(home: Path) -> int:
    """End the children that a killed supervisor of this data folder left behind; returns how many there were."""
    left = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(home) and process.pid != os.getpid():
                process.terminate()
                left.append(process)
        except psutil.Error:
            continue  # another account's, or gone
    _, stubborn = psutil.wait_procs(left, timeout=5)
    for process in stubborn:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            pass
    psutil.wait_procs(stubborn, timeout=5)
    return len(left)


def _reason(code: int) -> str:
    if code < 0:
        try:
            return f"signal {signal.Signals(-code).name}"
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}"
