"""Statements that the server keeps with their plan: to make one takes it as long as to find the rows of a page, or longer.

What a connection is asked again and again, for the same company, is prepared on it by name, planned once for whatever values. For some values another
plan may be the better one. Whose plan would go through a large table to find what a value says is asked in full, or for somebody with ten records of a
hundred thousand it would read all of them. And now and then each is asked in full all the same, and by its name only as long as that takes no longer on
the average, as it might for an owner of half of all records.

No company ever meets another's plan (I-03): each has its own names, and the server itself makes a plan anew where the search path is another.
"""

import json
import math
import re
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import psycopg

MOST = 200  # statements kept by a connection, the least used given up first: of a page's each takes the server some 50 kB
AFTER = 2  # times a statement is asked before it is worth a name
ASKED = 2000  # statements of which is known how long they take
IN_FULL = 16  # of so many times one is asked in full
NEWEST = 0.2  # the weight of the newest time in an average
FADES = 0.97  # by which what was slower by its name is forgotten, each time it is asked in full
LARGE = 300  # in the planner's own measure, some three milliseconds: a table that costs no more may be gone through for a value
PART = 3000  # or what another value says of one, such as the deals of an owner
LOOK_AGAIN = 5000  # times asked until its plan is looked at again: tables grow

OPEN = re.compile(r"\$\d")  # a value that is not known yet
PLACES = re.compile(r"%(?:%|s)")

def written(connection: psycopg.Connection, text: str, params: Sequence[Any], places: Collection[int]) -> str:
    """The statement with places, ``%s``, for these of its params alone, and all others written into it."""
    wire, rest, number = psycopg.ClientCursor(connection), list(params), iter(range(len(params)))

    def said(found: re.Match) -> str:
        if found[0] == "%%" or (place := next(number)) in places:
            return found[0]
        return wire.mogrify("%s", [rest[place]]).replace("%", "%%")

    return PLACES.sub(said, text)


class Kept(str):
    """A statement that the server may keep; ``types`` are those of its values as PostgreSQL calls them, of a text what it is taken for where it stands."""

    types: Sequence[str]
    parts: Sequence["Kept"]  # itself; of several in one message each of them

    @classmethod
    def of(cls, text: str, like: Sequence[Any]) -> "Kept":
        """The statement whose values are of the kinds of these."""
        kept = cls(text)
        kept.types = tuple("uuid" if isinstance(one, UUID) else "date" if isinstance(one, date) else "unknown" for one in like)
        kept.parts = (kept,)
        return kept

    @classmethod
    def each(cls, statements: Sequence["Kept"]) -> "Kept":
        """Several as one message, whose values follow one another."""
        message = cls("; ".join(statements))
        message.parts = tuple(statements)
        return message

    def plan(self, name: str) -> str:
        """What asks for the plan by which its name is called, with a place for each value."""
        return f"EXPLAIN (FORMAT JSON) {self.call(name)}"

    def call(self, name: str) -> str:
        """What asks for it by its name, with a place for each value."""
        return f"EXECUTE {name}({', '.join(['%s'] * len(self.types))})" if self.types else f"EXECUTE {name}"

    def preparation(self, name: str) -> str:
        """What gives it this name."""
        number = iter(range(1, len(self.types) + 1))
        body = PLACES.sub(lambda found: f"${next(number)}" if found[0] == "%s" else found[0], self)
        return f"PREPARE {name}{'(' + ', '.join(self.types) + ')' if self.types else ''} AS {body}"


@dataclass
class Pace:
    """How often a statement was asked, and how many seconds it takes in full and by its name, on the average of late."""

    asked: int = 0
    full: float = 0.0
    named: float = 0.0
    is_sound: bool | None = None  # whether the plan it is named for finds its rows whatever the values; not known yet

    def is_by_name(self) -> bool:
        """Whether to ask by its name the next time."""
        self.asked += 1
        if self.asked % LOOK_AGAIN == 0:
            self.is_sound = None
        if self.asked <= AFTER or self.asked % IN_FULL == 0 or self.is_sound is False:
            return False
        if self.named > self.full:
            self.named *= FADES
            return False
        return True

    def took(self, seconds: float, by_name: bool) -> None:
        before = self.named if by_name else self.full
        after = before + NEWEST * (seconds - before) if before else seconds
        if by_name:
            self.named = after
        else:
            self.full = after

    def cannot_be_named(self) -> None:
        """Its name was not taken: what it is made of may be told by its values alone."""
        self.named = math.inf


def is_sound(told: str | list) -> bool:
    """Whether a plan, as the server tells it, looks for what its values say in an index, but where little is left to go through."""
    [plan] = json.loads(told) if isinstance(told, str) else told
    return _finds(plan["Plan"])


def _finds(node: dict[str, Any]) -> bool:
    tested, looked_up = (" ".join(node.get(name, "") for name in names) for names in (("Filter", "Join Filter"), ("Index Cond", "Recheck Cond")))
    much = node["Total Cost"] > (PART if OPEN.search(looked_up) else LARGE)
    return not (much and OPEN.search(tested)) and all(map(_finds, node.get("Plans", ())))


_paces: dict[tuple[str, str], Pace] = {}  # (path, statement) -> its own in this process, on whichever connection


def pace(path: str, statement: str) -> Pace:
    """That of a statement in this search path."""
    found = _paces.get((path, statement))
    if found is None:
        if len(_paces) >= ASKED:
            _paces.clear()
        found = _paces[path, statement] = Pace()
    return found


class Shelf:
    """The statements that one connection keeps."""

    def __init__(self) -> None:
        self._named: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._serial = 0
        self.in_doubt = False  # whether the server may know other names than these; until all are given up, none is used

    @classmethod
    def of(cls, connection: psycopg.Connection) -> "Shelf":
        shelf = getattr(connection, "odos_shelf", None)
        if shelf is None:
            shelf = connection.odos_shelf = cls()
        return shelf

    def names(self) -> list[str]:
        """What the server was told to keep."""
        return [*self._named.values()]

    def take(self, path: str, statement: Kept) -> tuple[str, list[str]]:
        """The name of a statement in this search path, and what has to be said before it is called the first time. Cost: none."""
        key = path, statement
        if (name := self._named.get(key)) is not None:
            self._named.move_to_end(key)
            return name, []
        self._serial += 1
        said = [f"DEALLOCATE {self._named.popitem(last=False)[1]}"] if len(self._named) >= MOST else []
        name = self._named[key] = f"odos_{self._serial}"
        return name, [*said, statement.preparation(name)]

    def give_up(self) -> list[str]:
        """What has to be said before the next borrower, where it is not certain what the server keeps: then it is to keep nothing."""
        if not self.in_doubt:
            return []
        self.__init__()
        return ["DEALLOCATE ALL"]
