"""What a folder of files is declared with: a shape says which files belong together and in which steps their rows become records.

Files are recognised by their headers, not their names. Which shapes there are, the floors above say, at start; how one is
loaded: ``core.transfer.folders``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
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

    def rows_by(self, file: str, column: str) -> Mapping[str, list[Row]]: ...

    def oldest(self, slug: str) -> UUID | None: ...


class Source(Protocol):
    """Where the value of a field comes from. ``columns`` name it in errors."""

    columns: tuple[str, ...]

    def read(self, row: Row, folder: Folder) -> Any: ...


class Test(Protocol):
    """Which rows are meant."""

    def holds(self, row: Row, folder: Folder) -> bool: ...


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
class Filled:
    """True for rows with something in a column: orders that were shipped."""

    column: str

    def holds(self, row: Row, folder: Folder) -> bool:
        return bool(row[self.column].strip())


@dataclass(frozen=True)
class MoreThanZero:
    """True for rows for which an amount is more than zero; for those whose amount cannot be read too, so that reading them says why."""

    amount: "Sum"

    def holds(self, row: Row, folder: Folder) -> bool:
        try:
            return self.amount.read(row, folder) > 0
        except ValueError:
            return True


@dataclass(frozen=True)
class Number:
    """A cell as a number, nothing as zero: a part of a ``Sum``."""

    name: str
    convert: Callable[[str], str] = str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.name,)

    def read(self, row: Row, folder: Folder) -> Decimal:
        return _decimal(self.convert(row[self.name]))


@dataclass(frozen=True)
class Total:
    """The sum of a column over the rows of another file that name this row's ``id`` in ``by``.

    ``among`` leaves out those whose own row in a further file, ``(file, id column, test)``, fails the test: lines of orders that were
    shipped. A cell there that is no number counts nothing here; where its own row is read, that is said.
    """

    file: str
    column: str
    by: str
    id: str
    among: tuple[str, str, Test] | None = None
    columns: tuple[str, ...] = ()  # what may be wrong is in another file

    def read(self, row: Row, folder: Folder) -> Decimal:
        found = folder.rows_by(self.file, self.by).get(row[self.id], ())
        return sum((_counted(other[self.column]) for other in found if self._counts(other, folder)), Decimal(0))

    def _counts(self, other: Row, folder: Folder) -> bool:
        if self.among is None:
            return True
        file, key, test = self.among
        return any(test.holds(owner, folder) for owner in folder.rows_by(file, key).get(other[key], ()))


@dataclass(frozen=True)
class Sum:
    """Several numbers added up."""

    parts: tuple[Number | Total, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(column for part in self.parts for column in part.columns)

    def read(self, row: Row, folder: Folder) -> Decimal:
        return sum((part.read(row, folder) for part in self.parts), Decimal(0))


@dataclass(frozen=True)
class DayBefore:
    """The day before the earliest in a column of a file: when what happened there began."""

    file: str
    column: str
    convert: Callable[[str], str]
    columns: tuple[str, ...] = ()

    def read(self, row: Row, folder: Folder) -> str | None:
        days = [self.convert(cell) for cell in folder.values_of(self.file, self.column)]
        if not days:
            return None
        try:
            return (date.fromisoformat(min(days)) - timedelta(days=1)).isoformat()
        except ValueError:
            return None  # a day that cannot be read is named where its own row is


@dataclass(frozen=True)
class Oldest:
    """The record of a type that has been there longest: a company's own warehouse."""

    slug: str
    columns: tuple[str, ...] = ()

    def read(self, row: Row, folder: Folder) -> str | None:
        found = folder.oldest(self.slug)
        return str(found) if found else None


def _decimal(cell: str) -> Decimal:
    """A cell as a number; nothing is zero. Errors: ValueError with a sentence."""
    try:
        number = Decimal(cell.strip() or 0)
    except ArithmeticError:
        raise ValueError(_("Enter a number.")) from None
    if not number.is_finite():
        raise ValueError(_("Enter a number."))
    return number


def _counted(cell: str) -> Decimal:
    try:
        return _decimal(cell)
    except ValueError:
        return Decimal(0)


@dataclass(frozen=True)
class Either:
    """One source for rows that pass a test, another for the rest."""

    test: Test
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
    earlier step whose records get further fields. ``out_of`` names an earlier step and an act that makes a record of this
    type out of each of its records; ``fields`` are then what the act takes. ``acts`` are done to each record afterwards, as of then.
    """

    name: str
    type: str
    file: str
    id: str
    fields: dict[str, Source]
    where: Test | None = None
    above: str = ""
    order: tuple[str, ...] = ()
    onto_root: bool = False
    change: str = ""
    out_of: tuple[str, str] = ()
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
