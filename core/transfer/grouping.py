"""Which rows of a file are one record: those with its lines stand below each other, the first has the head, the others leave it empty or repeat it.

Without a column for lines each row is a record of its own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from core.models.record import Record
from core.registry import ObjectType
from core.transfer.mapping import Mapping
from core.transfer.reading import Row


@dataclass
class Item:
    """A record on its way in: its rows, its values by field, some of them as they are stored, its lines, the record it changes, and whether a
    reference of it may still come to be."""

    rows: list[Row]
    values: dict[str, Any] = field(default_factory=dict)
    stored: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, list[tuple[Row, dict[str, Any]]]] = field(default_factory=dict)  # name of the lines -> each with the row it stands in
    record: Record | None = None
    waits: bool = False

    @property
    def row(self) -> Row:
        """The row that has the head."""
        return self.rows[0]

    def again(self) -> "Item":
        """The same rows, of which nothing is understood yet."""
        return Item(self.rows)


class Grouping:
    """How the rows of one file become records. ``heads`` maps a field to its column, ``lines`` the same for each kind of lines."""

    def __init__(self, object_type: ObjectType, mapping: Mapping):
        self.heads = {name: position for position, name in mapping.columns.items() if "." not in name}
        self.lines: dict[str, dict[str, int]] = {}
        for position, name in mapping.columns.items():
            entry, dot, inner = name.partition(".")
            if dot:
                self.lines.setdefault(entry, {})[inner] = position
        known_by = (name for name in (*object_type.keys, object_type.title_else, object_type.title) if name in self.heads)
        self.naming = [self.heads[name] for name in mapping.keys or list(known_by)[:1]]

    def batches(self, rows: Iterable[Row], size: int) -> Iterator[list[Item]]:
        """Records of so many rows together, or of one that has more. Cost: as much memory as a batch."""
        batch, held = [], 0
        for together in self._together(rows):
            if held and held + len(together) > size:
                yield batch
                batch, held = [], 0
            batch.append(Item(together))
            held += len(together)
        if batch:
            yield batch

    def _together(self, rows: Iterable[Row]) -> Iterator[list[Row]]:
        if not self.lines:
            yield from ([row] for row in rows)
            return
        together: list[Row] = []
        for row in rows:
            if together and not self._belongs(together[0], row):
                yield together
                together = []
            together.append(row)
        if together:
            yield together

    def _belongs(self, first: Row, row: Row) -> bool:
        """Whether a row goes on with the record above: by what the record is known by, else by a head that is empty or the same."""
        if any(row.cells[position].strip() for position in self.naming):
            return all(row.cells[position].strip() == first.cells[position].strip() for position in self.naming)
        return not any(self.otherwise(first, row))

    def otherwise(self, first: Row, row: Row) -> Iterator[str]:
        """The fields of the head of which a further row says something else than the first."""
        for name, position in self.heads.items():
            said = row.cells[position].strip()
            if said and said != first.cells[position].strip():
                yield name

    def lines_of(self, item: Item) -> Iterator[tuple[str, Row]]:
        """The rows in which lines stand, by the name of the lines."""
        for name, columns in self.lines.items():
            for row in item.rows:
                if any(row.cells[position].strip() for position in columns.values()):
                    yield name, row
