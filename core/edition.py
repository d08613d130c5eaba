"""What is made of a company's set-up stays in this process for as long as the set-up stays as it is: nobody reads and builds it anew for each request.

The edition of a set-up is a mark in the company's own schema. Triggers on the tables of the set-up renew it in the transaction that changes a row of
them, so nobody can forget to; a mark never comes again. Who reads therefore knows by one look whether what was made before still holds.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from core import context, sql

T = TypeVar("T")
MOST = 300  # editions, so about as many companies; of those the oldest is made anew when it is asked for again
MOST_A_DAY = 5000  # things made for a day of one edition; beyond it the memory starts anew
JUST_NOW = 1.0  # seconds; a file that is sent slowly takes longer, and rights may have gone by then
TODAY = "today"  # on a shelf: the day, and what was made for it
SNAPSHOT = "snapshot"  # in the memory of a use-case that reads one
NAME = "edition"  # in the memory of a use-case

_lock = threading.Lock()
_shelves: OrderedDict[tuple[UUID, UUID], dict] = OrderedDict()


@dataclass
class _Reading:
    """The edition a use-case works with. ``shared`` is what everyone made of it; ``own`` what this one made, and may have read of a newer one."""

    mark: UUID
    shared: dict
    is_fixed: bool = False  # in a snapshot: whatever is read in it, and whenever, is of this edition
    own: dict = field(default_factory=dict)
    since: float = field(default_factory=time.monotonic)


def enter(told: tuple[UUID, str] | None) -> None:
    """This use-case reads a snapshot of this name, in which the set-up is of this edition; none where no company is bound. Cost: none."""
    if told is not None:
        context.memo()[NAME] = _Reading(told[0], _shelf(told[0]), is_fixed=True)
        context.memo()[SNAPSHOT] = told[1]


Begun = _Reading | None


def begun() -> Begun:
    """The edition by which it was found just now who asks, for the use-case that he begins; none where that is longer ago. Cost: none."""
    found = context.memo().get(NAME)
    return found if found is not None and time.monotonic() - found.since < JUST_NOW else None


def go_on(begun: Begun) -> None:
    """This use-case begins with that edition. What is newer by now it meets as what becomes newer while it works. Cost: none."""
    if begun is not None:
        context.memo()[NAME] = begun


def keep(key: Any, make: Callable[[], T]) -> T:
    """What ``make`` makes of the set-up and of nothing else, once for each edition.

    Cost: one query for a use-case that reads no snapshot, else none, but what it takes to make it; outside of a use-case nothing is kept.
    """
    reading = _reading()
    if reading is None:
        return make()
    if key in reading.shared:
        return reading.shared[key]
    if key in reading.own:
        return reading.own[key]
    made = make()
    (reading.shared if reading.is_fixed else reading.own)[key] = made
    return made


def keep_today(key: Any, day: date, make: Callable[[], T]) -> T:
    """What ``make`` makes of the set-up and of which day it is where the company is. Of another day, all that was made is forgotten."""
    reading = _reading()
    if reading is None or not reading.is_fixed:
        return make() if reading is None else keep((key, day), make)
    held = reading.shared.get(TODAY)
    if held is None or held[0] != day or len(held[1]) > MOST_A_DAY:
        held = reading.shared[TODAY] = day, {}
    if key not in held[1]:
        held[1][key] = make()
    return held[1][key]


def is_fixed() -> bool:
    """Whether this use-case reads one snapshot of the bound company, in which nothing ever changes. Cost: none."""
    reading = context.memo().get(NAME)
    return reading is not None and reading.is_fixed


def moved() -> bool:
    """Whether the set-up is of another edition by now than this use-case took it for. Cost: one query."""
    reading = _reading()
    return reading is not None and sql.edition() != reading.mark


def publish() -> None:
    """Let others have what this use-case made, before its transaction ends. Cost: one query where it made anything, else none.

    Where the mark is the same after all was read, all that was read was of that edition. What a transaction made of its own changes
    bears a mark of its own: where it is rolled back after all, nobody ever sees that mark.
    """
    reading = context.memo().get(NAME)
    if reading is not None and reading.own and sql.edition() == reading.mark:
        reading.shared.update(reading.own)


def _reading() -> _Reading | None:
    memo = context.memo()
    found = memo.get(NAME)
    if found is None and context.is_remembering() and context.company_or_none() is not None:
        mark = sql.edition()
        found = memo[NAME] = _Reading(mark, _shelf(mark))
    return found


def _shelf(mark: UUID) -> dict:
    """What was made of this edition of the bound company's set-up; the one not asked for longest goes where there are too many."""
    key = (context.company().id, mark)
    with _lock:
        shelf = _shelves.setdefault(key, {})
        _shelves.move_to_end(key)
        if len(_shelves) > MOST:
            _shelves.popitem(last=False)
    return shelf
