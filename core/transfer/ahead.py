"""The rows of a file that come next, read and understood while the database stores those before; what is wrong is said when their turn has come."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from core.batches import Busy
from core.errors import OdosError
from core.transfer.reading import Row

PIECE = 25  # rows at a time, so that what is sent to the database flows on


class Understood(NamedTuple):
    """The values of a row's cells that do not point to records, and what those that hold anything are as their kinds store them."""

    values: dict[str, Any]
    stored: dict[str, Any]


class Ahead:
    """An iterator over rows that can run ahead of whoever asks for them, by ``most`` rows; ``understand`` is None where it only reads.

    ``work`` may be called while the connection is busy. It raises nothing and asks the database for nothing.
    """

    def __init__(self, rows: Iterator[Row], most: int, understand: Callable[[Row], Understood] | None):
        self._rows, self._most, self._understand = rows, most, understand
        self._held: deque[Row] = deque()
        self._waiting: deque[Row] = deque()  # of those held and those given out, the ones nobody tried to understand yet
        self._understood: dict[int, Understood] = {}
        self._error: Exception | None = None

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        if self._held:
            return self._held.popleft()
        if self._error is not None:
            raise self._error
        return next(self._rows)

    def understood(self, row: Row) -> Understood | None:
        """What a row says, where somebody had the time to find out and all of it was in order; told once."""
        return self._understood.pop(row.number, None)

    def work(self) -> bool:
        """One piece of what is to be done next; False where nothing is left for now."""
        if self._waiting:
            for _turn in range(min(PIECE, len(self._waiting))):
                self._try(self._waiting.popleft())
            return True
        room = min(PIECE, self._most - len(self._held))
        for _turn in range(room if self._error is None else 0):
            try:
                row = next(self._rows)
            except Exception as error:
                self._error = error
                break
            self._held.append(row)
            if self._understand is not None:
                self._waiting.append(row)
        return bool(self._waiting) or (self._error is None and len(self._held) < self._most)

    def _try(self, row: Row) -> None:
        try:
            self._understood[row.number] = self._understand(row)
        except (ValueError, OdosError, Busy):  # its turn comes, with all that it takes
            pass
