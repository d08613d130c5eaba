"""From the bytes of a file, CSV or XLSX, to rows of text: encoding, delimiter, sheet, header, limits. What a cell means is not known here."""

import csv
import io
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from django.utils.translation import gettext as _

from core.errors import RuleError
from core.export import FORMULA
from core.transfer import encodings, workbooks

MEGABYTES = 25
ROWS, COLUMNS, CELL = 200_000, 500, 100_000
DELIMITERS = ",;\t|"
HEAD_WITHIN = 20  # rows in which the heading is looked for

csv.field_size_limit(sys.maxsize)  # the limit of a cell is ours, so that the error names its column


@dataclass(frozen=True)
class Reading:
    """How a file is to be read. What is empty is found out; ``header`` counts rows as a spreadsheet does."""

    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    header: int = 0

    def as_json(self) -> dict:
        return asdict(self)


class Row(NamedTuple):
    """One row of cells, as many as the header has. ``number`` counts as a spreadsheet does: the first row is 1."""

    number: int
    cells: list[str]


@dataclass(frozen=True)
class Table:
    """A file that was understood so far: its headers, and its rows, which are read anew each time they are asked for."""

    headers: list[str]
    encoding: str
    delimiter: str
    _source: "_Text | workbooks.Sheet" = field(repr=False)
    header: int = 1
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    counted: int = 0  # its rows, where they were counted before

    def rows(self) -> Iterator[Row]:
        """The rows that hold anything, in order. Errors: RuleError that names row and column. Cost: constant memory."""
        width, found = len(self.headers), 0
        for number, cells in self._source.records():
            whole = "".join(cells)  # tells faster than each cell whether there is anything to look at
            if number <= self.header or not whole:
                continue
            found += 1
            if found > ROWS:
                raise RuleError(_("The file has more than %(n)d rows; divide it.") % {"n": ROWS})
            if len(cells) > width or len(whole) > CELL:
                self._demand_sane(number, cells)
            if "'" in whole:
                cells = [restored(cell) for cell in cells]
            if len(cells) != width:
                cells = cells[:width] + [""] * (width - len(cells))
            yield Row(number, cells)

    def _demand_sane(self, number: int, cells: list[str]) -> None:
        for position, cell in enumerate(cells):
            if position >= len(self.headers) and cell.strip():
                raise RuleError(self._too_many(number))
            if len(cell) > CELL:
                named = self.headers[position] if position < len(self.headers) else position + 1
                raise RuleError(_("Row %(row)d, column “%(column)s”: a cell holds at most %(n)d characters.") % {"row": number, "column": named, "n": CELL})

    def _too_many(self, number: int) -> str:
        if self.sheets:
            return _("Row %(row)d has more cells than the header; name each column in row %(header)d.") % {"row": number, "header": self.header}
        return _("Row %(row)d has more cells than the header; is a text with “%(mark)s” not in quotes?") % {"row": number, "mark": self.delimiter}

    @cached_property
    def size(self) -> int:
        """How many rows there are. Cost: reads the file once, unless they were counted before."""
        return self.counted or sum(1 for _row in self.rows())

    def sample(self, most: int = 5) -> list[Row]:
        """The first rows."""
        return list(islice(self.rows(), most))

    def as_read(self) -> Reading:
        """How it was read, so that it is read in the same way again."""
        return Reading(self.encoding, self.delimiter if not self.sheets else "", self.sheet, self.header)


@dataclass(frozen=True)
class _Text:
    """The text of a CSV file."""

    text: str = field(repr=False)
    delimiter: str
    skipped: int  # 1 where a spreadsheet program wrote its delimiter first

    def records(self) -> Iterator[tuple[int, list[str]]]:
        return islice(_records(self.text, self.delimiter), self.skipped, None)


def read(content: bytes, asked: Reading = Reading()) -> Table:
    """The table these bytes are, its header in the first row that holds anything. Errors: RuleError with a sentence.

    Cost: of a CSV file no more than the header is parsed, a workbook is checked and parsed whole.
    """
    if len(content) > MEGABYTES * 2**20:
        raise RuleError(_("The file is larger than %(n)d MB; divide it.") % {"n": MEGABYTES})
    if workbooks.is_one(content):
        return _of_workbook(content, asked)
    text, encoding = encodings.decode(content, asked.encoding)
    text = text.replace("\x00", "")  # programs with fields of a fixed width fill them up so; nothing could store it
    if asked.delimiter not in ("", *DELIMITERS):
        raise RuleError(_("Choose one of the marks that divide columns."))
    if text[:4].lower() == "sep=" and len(text) > 5:  # what a spreadsheet program writes for itself
        source = _Text(text, asked.delimiter or text[4], 1)
    else:
        source = _Text(text, asked.delimiter or _delimiter(text), 0)
    number, cells = _header(source.records(), asked.header)
    return Table(_headers(cells), encoding, source.delimiter, source, number)


def _of_workbook(content: bytes, asked: Reading) -> Table:
    book = workbooks.opened(content)
    sheet = book.sheet(asked.sheet)
    number, cells = _header(sheet.records(), asked.header)
    return Table(_headers(cells), "", ",", sheet, number, sheet.name, tuple(book.names))


def explored(content: bytes) -> Table:
    """The table these bytes are, its header in the row that looks like one: below a title and a date that stand above. Errors and cost: as of ``read``."""
    table = read(content)
    rows = list(islice((pair for pair in table._source.records() if any(c.strip() for c in pair[1])), HEAD_WITHIN))
    width = max(sum(1 for c in cells if c.strip()) for _number, cells in rows)
    for number, cells in rows:
        named = [c.strip() for c in cells if c.strip()]
        if len(named) >= max(2, width * 0.6) and len(set(named)) == len(named) and not any(_is_figure(c) for c in named):
            return table if number == table.header else read(content, Reading(sheet=table.sheet, header=number))
    return table


def _is_figure(cell: str) -> bool:
    return not any(c.isalpha() for c in cell)


def _header(records: Iterable[tuple[int, list[str]]], wanted: int) -> tuple[int, list[str]]:
    for number, cells in records:
        if any(cell.strip() for cell in cells) and number >= wanted:
            if wanted and number != wanted:
                break
            return number, cells
    if wanted:
        raise RuleError(_("Row %(row)d holds nothing; choose the row that names the columns.") % {"row": wanted})
    raise RuleError(_("The file is empty. Its first row names the columns, each further row is a record."))


def _delimiter(text: str) -> str:
    """The delimiter that divides the first row into most columns, or one of the next where a title stands first; a comma where none does."""
    best = (0, ",")
    for delimiter in DELIMITERS:
        widths = []
        try:
            for _number, cells in islice((pair for pair in _records(text, delimiter) if any(pair[1])), HEAD_WITHIN):
                widths.append(len(cells))
        except RuleError:  # a quote in an odd place under this delimiter; another one may make sense of it
            pass
        if widths:
            best = max(best, (widths[0] if widths[0] > 1 else max(widths), delimiter), key=lambda pair: pair[0])
    return best[1]


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Row number -> cells. A broken quote is an error at its row."""
    number = 0
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), start=1):
            yield number, cells
    except csv.Error:
        raise RuleError(_("Row %(row)d cannot be read: a quotation mark opens or closes in an odd place.") % {"row": number + 1}) from None


def _headers(cells: list[str]) -> list[str]:
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) > COLUMNS:
        raise RuleError(_("The file has more than %(n)d columns.") % {"n": COLUMNS})
    names = [" ".join("".join(c if c.isprintable() else " " for c in restored(cell)).split())[:200] for cell in cells]
    return [name or _("Column %(n)d") % {"n": position} for position, name in enumerate(names, start=1)]


def restored(cell: str) -> str:
    """A cell without the apostrophe that our own export puts before what looks like a formula (F-07)."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell.lstrip("'")) else cell
