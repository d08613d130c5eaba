"""From the bytes of a CSV file to rows of text: encoding, delimiter, header, limits. What a cell means is not known here."""

import codecs
import csv
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from django.utils.translation import gettext as _

from core.errors import RuleError
from core.export import FORMULA

MEGABYTES = 50
ROWS, COLUMNS, CELL = 200_000, 500, 100_000
DELIMITERS = ",;\t"
MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

csv.field_size_limit(sys.maxsize)  # the limit of a cell is ours, so that the error names its column


@dataclass(frozen=True)
class Row:
    """One row of cells, as many as the header has. ``number`` counts as a spreadsheet does: the header is row 1."""

    number: int
    cells: list[str]


@dataclass(frozen=True)
class Table:
    """A file that was understood so far: its headers, and its rows, which are read anew each time they are asked for."""

    headers: list[str]
    encoding: str
    delimiter: str
    _text: str = field(repr=False)
    _skipped: int = 1  # rows up to and including the header

    def rows(self) -> Iterator[Row]:
        """The rows that hold anything, in order. Errors: RuleError that names row and column. Cost: constant memory."""
        width, found = len(self.headers), 0
        for number, cells in _records(self._text, self.delimiter):
            if number <= self._skipped or not any(cells):
                continue
            found += 1
            if found > ROWS:
                raise RuleError(_("The file has more than %(n)d rows; divide it.") % {"n": ROWS})
            self._demand_sane(number, cells)
            yield Row(number, [restored(cell) for cell in cells[:width]] + [""] * (width - len(cells)))

    def _demand_sane(self, number: int, cells: list[str]) -> None:
        for position, cell in enumerate(cells):
            if position >= len(self.headers) and cell.strip():
                raise RuleError(
                    _("Row %(row)d has more cells than the header; is a text with “%(mark)s” not in quotes?") % {"row": number, "mark": self.delimiter}
                )
            if len(cell) > CELL:
                named = self.headers[position] if position < len(self.headers) else position + 1
                raise RuleError(_("Row %(row)d, column “%(column)s”: a cell holds at most %(n)d characters.") % {"row": number, "column": named, "n": CELL})

    @cached_property
    def size(self) -> int:
        """How many rows there are. Cost: reads the file once."""
        return sum(1 for _row in self.rows())

    def sample(self, most: int = 5) -> list[Row]:
        """The first rows."""
        return [row for row, _n in zip(self.rows(), range(most), strict=False)]


def read(content: bytes) -> Table:
    """The table these bytes are. Errors: RuleError with a sentence. Cost: no more than the header is parsed."""
    if len(content) > MEGABYTES * 2**20:
        raise RuleError(_("The file is larger than %(n)d MB; divide it.") % {"n": MEGABYTES})
    text, encoding = _decode(content)
    if text[:4].lower() == "sep=" and len(text) > 5:  # what a spreadsheet program writes for itself
        skipped, delimiter = 1, text[4]
    else:
        skipped, delimiter = 0, _delimiter(text)
    for number, cells in _records(text, delimiter):
        if number > skipped and any(cell.strip() for cell in cells):
            return Table(_headers(cells), encoding, delimiter, text, number)
    raise RuleError(_("The file is empty. Its first row names the columns, each further row is a record."))


def _decode(content: bytes) -> tuple[str, str]:
    """By its mark, else UTF-8, else the Chinese encodings that spreadsheet programs still write."""
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return _strictly(content[len(mark) :], encoding), encoding
    for encoding in ("utf-8", "gb18030", "big5"):
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise RuleError(_("The file is not text in UTF-8, GB 18030 or Big5. Save it as “CSV UTF-8”."))


def _strictly(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise RuleError(
            _("The file says it is %(encoding)s, but at byte %(place)d it is not.") % {"encoding": encoding.upper(), "place": error.start}
        ) from None


def _delimiter(text: str) -> str:
    """The delimiter that divides the header into most columns; a comma where none does."""
    best = (0, ",")
    for delimiter in DELIMITERS:
        try:
            cells = next((cells for _number, cells in _records(text, delimiter) if any(cells)), [])
        except RuleError:  # a quote in an odd place under this delimiter; another one may make sense of it
            continue
        best = max(best, (len(cells), delimiter), key=lambda pair: pair[0])
    return best[1]


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Row number -> cells. A broken quote is an error at its row."""
    number = 0
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise RuleError(_("Row %(row)d cannot be read: a quotation mark opens or closes in an odd place.") % {"row": number + 1}) from None
        number += 1
        yield number, cells


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
