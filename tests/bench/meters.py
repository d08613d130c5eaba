"""What it costs the machine: processor time and memory of web server, worker and database, read from the system."""

import json
import time
from dataclasses import dataclass
from statistics import median

import psutil
from django.db import connection

from core import context


@dataclass(frozen=True)
class Spent:
    """Processor time in seconds."""

    web: float
    worker: float
    database: float

    def __sub__(self, other: "Spent") -> "Spent":
        return Spent(self.web - other.web, self.worker - other.worker, self.database - other.database)

    @property
    def whole(self) -> float:
        return self.web + self.worker + self.database


class Watched:
    """The processes of one running Odos: those that ``manage.py up`` started, by what they run, with all below them; and PostgreSQL."""

    def __init__(self, launcher: int):
        with context.bind_public():
            connection.ensure_connection()
        backend = psutil.Process(connection.connection.info.backend_pid)
        self.launcher, self.postmaster = psutil.Process(launcher), backend.parent()

    def of(self, program: str) -> list[psutil.Process]:
        found = [p for p in self.launcher.children() if program in " ".join(_command(p))]
        return [p for top in found for p in (top, *_below(top))]

    def database(self) -> list[psutil.Process]:
        return [self.postmaster, *_below(self.postmaster)]

    def spent(self) -> Spent:
        """So far, by processes that ended as well."""
        return Spent(*(sum(map(_time, some)) for some in (self.of("granian"), self.of("celery"), self.database())))

    def memory(self) -> dict[str, float]:
        """Megabytes each holds, shared pages divided among those who share them; of the database its shared buffers too."""
        kinds = {"web": self.of("granian"), "worker": self.of("celery"), "database": self.database()}
        return {name: round(sum(map(held, some))) for name, some in kinds.items()}


def _below(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _time(process: psutil.Process) -> float:
    """Of the process and of those of its children that ended."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system + getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)


def held(process: psutil.Process) -> float:
    """Megabytes a process holds, shared pages divided among those who share them."""
    try:
        memory = process.memory_full_info()
    except psutil.Error:
        return 0.0
    return getattr(memory, "pss", memory.uss) / 2**20


def private(process: psutil.Process) -> float:
    """Megabytes that a process holds for itself alone."""
    try:
        return process.memory_full_info().uss / 2**20
    except psutil.Error:
        return 0.0


def unshared(process: psutil.Process) -> float:
    """Megabytes that no other process could see: of a database backend all but the shared buffers, which count as its own while only it has touched them."""
    try:
        memory = process.memory_info()
    except psutil.Error:
        return 0.0
    return (memory.rss - memory.shared) / 2**20


def yardstick(times: int = 15) -> float:
    """Milliseconds of processor time that a fixed piece of work takes here and now: texts, tables and sorting, as a request does. Cost: a tenth of a second.

    A slower machine, and one whose cores others share, shows in it as in what is measured; what Odos costs does not.
    """
    took = []
    for _turn in range(times):
        start = time.process_time()
        rows = [{"id": n * 7919 % 1009, "name": f"Row {n:04d} of many", "amount": n / 7, "tags": ["a", str(n % 13)]} for n in range(600)]
        text = json.dumps(sorted(rows, key=lambda row: (row["id"], row["name"])))
        sum(len(row["name"].upper().replace("ROW", "line").split()) for row in json.loads(text))
        took.append(1000 * (time.process_time() - start))
    return median(took)
