"""Whether the books still say what the documents say: named checks over one snapshot, each naming what differs and where it stands.

Floors declare checks; nothing here knows an order. A check finds nothing where all is as it must be (N18). Each is written
apart from the rules it verifies, so that a mistake in those does not hide itself.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import Model, QuerySet
from django.utils import timezone, translation

from core import context, door, registry, sql
from core.access import Actor
from core.models import Checkup
from core.models.record import permit
from core.money import plain

T = TypeVar("T")
log = logging.getLogger(__name__)

CHUNK = 500  # records in hand at once
SHOWN = 100  # differences of one check that are kept; all are counted
KEPT = timedelta(days=90)


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it must be: of what, what of it, and both values as texts. ``slug`` and ``ident`` lead to the record."""

    where: str
    what: str
    expected: str
    found: str
    slug: str = ""
    ident: str = ""

    @property
    def address(self) -> str:
        return f"/{self.slug}/{self.ident}/" if self.slug and self.ident else ""


@dataclass(frozen=True)
class Check:
    """``look()`` yields what differs, read in the snapshot that is open. ``sentence`` says what holds where it finds nothing."""

    name: str
    sentence: Any
    look: Callable[[], Iterable[Difference]]


@dataclass
class Result:
    """What became of one check. ``error`` is set where it could not be done to its end."""

    name: str
    seconds: float = 0.0
    differences: int = 0
    found: list[Difference] = field(default_factory=list)
    error: str = ""


@dataclass
class Report:
    at: datetime
    seconds: float = 0.0
    results: list[Result] = field(default_factory=list)

    @property
    def differences(self) -> int:
        """How many things differ; a check that could not be done counts as one."""
        return sum(r.differences + bool(r.error) for r in self.results)


checks: dict[str, Check] = {}  # in the order of the floors
alarms: list[Callable[[Report], None]] = []  # told of a nightly report that found something, in a transaction of their own


def register(*things: Check) -> None:
    for check in things:
        if check.name in checks:
            raise RuntimeError(f"The check {check.name} is registered twice.")
        checks[check.name] = check


# Naming what differs


def text(value: Any) -> str:
    """A value as a finding tells it."""
    if value is None:
        return "–"
    return plain(value) if isinstance(value, Decimal) else str(value)


def differs(record: Model, what: Any, expected: Any, found: Any, line: Any = None) -> Difference:
    """What differs on a record of a type, or on one of its lines. Cost: none where the record and its line are in hand."""
    where = str(record)
    if where == "" or where.startswith(type(record).__name__):
        where = str(record.pk)
    if line is not None:
        where += f" / {line.position + 1}"
    return Difference(where, str(what), text(expected), text(found), registry.type_of(record).slug, str(record.pk))


def compare(record: Model, pairs: Iterable[tuple[Any, Any, Any]], line: Any = None) -> Iterator[Difference]:
    """A Difference for each ``(what, expected, found)`` whose two sides are not equal."""
    for what, expected, found in pairs:
        if expected != found:
            yield differs(record, what, expected, found, line)


def label_of(model: type[Model], name: str) -> str:
    """The label of a column."""
    return str(model._meta.get_field(name).verbose_name)


def chunks(rows: QuerySet, size: int = CHUNK) -> Iterator[list]:
    """The rows by their keys, so many in hand at once. Cost: one query for each chunk."""
    last = None
    while True:
        found = list((rows if last is None else rows.filter(pk__gt=last)).order_by("pk")[:size])
        if found:
            yield found
        if len(found) < size:
            return
        last = found[-1].pk


# Examining


def examine(progress: Callable[[str, int, int], None] = lambda name, done, of: None, only: Iterable[str] = ()) -> Report:
    """All checks of the bound company, or those named, in one read-only snapshot; ``progress(name, done, of)`` is told before each.

    Memory does not grow with the company. A check that fails is reported and the others go on. Must not run in a transaction.
    """
    chosen = [c for c in checks.values() if not set(only) or c.name in set(only)]
    report, began = Report(timezone.now()), time.monotonic()

    def look() -> None:
        sql.be_patient()
        for done, check in enumerate(chosen):
            progress(check.name, done, len(chosen))
            report.results.append(_do(check))

    door.reading(look)
    report.seconds = time.monotonic() - began
    return report


def _do(check: Check) -> Result:
    result, began = Result(check.name), time.monotonic()
    try:
        with transaction.atomic():
            for difference in check.look():
                result.differences += 1
                if len(result.found) < SHOWN:
                    result.found.append(difference)
    except Exception as error:  # one check that breaks, on whatever data, keeps no other from being done
        log.exception("The check %s broke.", check.name)
        result.error = f"{type(error).__name__}: {error}"[:500]
        if connection.needs_rollback:
            raise
    result.seconds = time.monotonic() - began
    return result


def nightly() -> Checkup:
    """Examine the bound company, keep what was found where people see it, and tell those who should know. In its own transactions."""
    with translation.override(context.company().language):
        report = examine()
        kept = door.writing(lambda: keep(report))
        for alarm in alarms if report.differences else ():
            door.writing(lambda alarm=alarm: alarm(report))
    return kept


def keep(report: Report) -> Checkup:
    """Store a report, and forget those that are old. Cost: two statements."""
    results = [
        {
            "name": r.name, "seconds": round(r.seconds, 3), "differences": r.differences, "error": r.error,
            "found": [{"where": d.where, "what": d.what, "expected": d.expected, "found": d.found, "address": d.address} for d in r.found],
        }
        for r in report.results
    ]  # fmt: skip
    made = Checkup(at=report.at, seconds=round(report.seconds, 3), checks=len(results), differences=report.differences, results=results)
    with permit():
        Checkup.objects.filter(at__lt=timezone.now() - KEPT).delete()
        made.save(force_insert=True)
    return made


def latest() -> Checkup | None:
    """The last verification. Cost: one query."""
    return Checkup.objects.order_by("-at").first()


def may_read(actor: Actor) -> bool:
    """Findings name records of every type, so they are for those who see all of them."""
    return actor.system or any(
        p.type == "*" and {"view", "*"} & p.actions and p.scope == "all" and not (p.filter or p.hidden) for p in actor.permissions
    )


__all__ = [
    "Check", "Difference", "Report", "Result", "alarms", "checks", "chunks", "compare", "differs", "examine", "keep", "label_of", "latest", "may_read",
    "nightly", "register", "text",
]  # fmt: skip
