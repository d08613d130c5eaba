"""What a folder of files is declared with: a shape says which files belong together and in which steps their rows become records.

Files are recognised by their headers, not their names. Which shapes there are, the floors above say, at start; how one is
loaded: ``core.transfer.folders``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from django.utils.translation import gettext as _


class Row(dict[str, str]):
    """Heading -> cell of one row; a heading that the file does not have counts as empty."""

    def __init__(self, cells: Iterable[tuple[str, str]], number: int):
        super().__init__(cells)
        self.number = number

    def __missing__(self, heading: str) -> str:
        return ""


class Folder(Protocol):
    """What a source may ask of the folder on its way in. ``made``: step -> id in the file -> id of the record; ``roles``: key -> id."""

    made: Mapping[str, Mapping[str, UUID]]
    roles: Mapping[str, UUID]

    def values_of(self, file: str, column: str) -> set[str]: ...


class Source(Protocol):
    """Where the value of a field comes from. ``columns`` name it in errors."""

    columns: tuple[str, ...]

    def read(self, row: Row, folder: Folder) -> Any: ...


@dataclass(frozen=True)
class Column:
    """A cell, through a converter where files spell it in a way of their own."""

    name: str
    convert: Callable[[str], str] = str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.name,)

    def read(self, row: Row, folder: Folder) -> Any:
        return self.convert(row[self.name]) if row[self.name] else None


@dataclass(frozen=True)
class Text:
    """A pattern over cells: ``{first_name} {last_name}``; one without braces is the same for every row."""

    pattern: str
    convert: Callable[[str], str] = str
    columns: tuple[str, ...] = ()

    def read(self, row: Row, folder: Folder) -> Any:
        return self.convert(self.pattern.format_map(row))


@dataclass(frozen=True)
class Made:
    """The record that an earlier step made of the row these columns name; the first column that names one counts."""

    step: str
    columns: tuple[str, ...]

    def read(self, row: Row, folder: Folder) -> Any:
        named = [folder.made[self.step].get(row[column]) for column in self.columns if row[column]]
        ids = [str(ident) for ident in named if ident]
        if named and not ids:
            raise ValueError(_("No row has this id in the file that it refers to."))
        return ids[0] if ids else None


@dataclass(frozen=True)
class DefaultRole:
    """One of the roles every company starts with, by its key."""

    key: str
    columns: tuple[str, ...] = ()

    def read(self, row: Row, folder: Folder) -> Any:
        return [str(folder.roles[self.key])]


@dataclass(frozen=True)
class NamedIn:
    """True for rows whose id stands in a column of the same or another file: people who are somebody's manager."""

    file: str
    column: str
    id: str

    def holds(self, row: Row, folder: Folder) -> bool:
        return row[self.id] in folder.values_of(self.file, self.column)


@dataclass(frozen=True)
class Either:
    """One source for rows that pass a test, another for the rest."""

    test: NamedIn
    then: Source
    otherwise: Source

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.then.columns, *self.otherwise.columns)

    def read(self, row: Row, folder: Folder) -> Any:
        return (self.then if self.test.holds(row, folder) else self.otherwise).read(row, folder)


@dataclass(frozen=True)
class Children:
    """Lines of a record: the rows of another file that name it in ``by``; or one line from its own row, where ``file`` is empty."""

    fields: dict[str, Source]
    file: str = ""
    by: str = ""
    unless_zero: str = ""  # a column; without an amount in it there is no such line


@dataclass(frozen=True)
class Step:
    """Rows of a file become records of a type, in order.

    ``id`` is the column that names a row, ``above`` the column that names the row it stands below (those come first).
    ``onto_root``: where one row alone stands at the top, it becomes the company's own top unit. ``change`` names an
    earlier step whose records get further fields. ``acts`` are done to each record afterwards, as of then.
    """

    name: str
    type: str
    file: str
    id: str
    fields: dict[str, Source]
    where: NamedIn | None = None
    above: str = ""
    order: tuple[str, ...] = ()
    onto_root: bool = False
    change: str = ""
    lines: dict[str, Children] = field(default_factory=dict)
    acts: dict[str, dict[str, Source]] = field(default_factory=dict)


@dataclass(frozen=True)
class Shape:
    """A set of files known by their headers, and the steps that load them."""

    key: str
    label: Any
    files: dict[str, tuple[str, ...]]
    steps: tuple[Step, ...]


_shapes: dict[str, Shape] = {}


def register(shape: Shape) -> None:
    """Make a shape known; for apps at start."""
    if shape.key in _shapes:
        raise RuntimeError(f"The shape {shape.key} is registered twice.")
    _shapes[shape.key] = shape


def extend(key: str, files: dict[str, tuple[str, ...]], steps: tuple[Step, ...]) -> None:
    """Further files and steps of a shape that a floor below registered."""
    shape = _shapes[key]
    _shapes[key] = Shape(shape.key, shape.label, shape.files | files, (*shape.steps, *steps))


def every() -> list[Shape]:
    """The shapes that are known."""
    return list(_shapes.values())
