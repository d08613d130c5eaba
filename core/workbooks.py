"""Writing XLSX workbooks: rows in, the pieces of a file out, in constant memory. What the cells mean their caller says.

Text is text, whatever it begins with: no cell is a formula, and one that looks like it keeps Excel's own mark for text (F-07).
"""

import re
import tempfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROWS = 1_048_576  # of a sheet; what is more goes on in the next
CELL = 32_767  # characters a cell may hold
PIECE = 2**16
FORMATS = {"date": "yyyy-mm-dd", "datetime": "yyyy-mm-dd hh:mm:ss", "percent": "0.######%"}
FIRST = date(1900, 3, 1)  # from here on all programs count days alike
MARKED = re.compile("[\\s\x00-\x1f]*[=+\\-@\uff1d\uff0b\uff0d\uff20]")
UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")

Row = Iterable[tuple[Any, str]]  # values with how they are shown: a name of FORMATS, or nothing


def pieces(heads: list[str], rows: Iterable[Row], sheet: str) -> Iterator[bytes]:
    """The file, once all rows were asked for. It stands on disk meanwhile: such a file ends with what it begins with."""
    with tempfile.TemporaryFile() as file:
        book = Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})
        writing = _Writing(book, heads, sheet)
        for row in rows:
            writing.add(row)
        book.close()
        file.seek(0)
        while piece := file.read(PIECE):
            yield piece


class _Writing:
    """A workbook being written, sheet after sheet."""

    def __init__(self, book: Workbook, heads: list[str], name: str):
        self.book, self.heads, self.name = book, heads, re.sub(r"[\[\]:*?/\\']", " ", name)[:25].strip() or "Data"
        self.formats = {key: book.add_format({"num_format": given}) for key, given in FORMATS.items()}
        self.marked, self.bold = book.add_format({"quote_prefix": True}), book.add_format({"bold": True})
        self.sheets, self.at = 0, ROWS
        self.sheet: Worksheet | None = None
        self._turn()

    def _turn(self) -> None:
        self.sheets += 1
        self.sheet = self.book.add_worksheet(self.name if self.sheets == 1 else f"{self.name} {self.sheets}")
        self.sheet.freeze_panes(1, 0)
        self.sheet.set_column(0, max(len(self.heads) - 1, 0), 18)
        for column, head in enumerate(self.heads):
            self.sheet.write_string(0, column, _clean(head), self.bold)
        self.at = 1

    def add(self, row: Row) -> None:
        if self.at == ROWS:
            self._turn()
        for column, (value, form) in enumerate(row):
            self._write(column, value, form)
        self.at += 1

    def _write(self, column: int, value: Any, form: str) -> None:
        shown = self.formats.get(form)
        if value is None or value == "":
            return
        if isinstance(value, bool):
            self.sheet.write_boolean(self.at, column, value)
        elif isinstance(value, int | Decimal) and _exact(value):
            self.sheet.write_number(self.at, column, float(value), shown)
        elif isinstance(value, datetime) and value.date() >= FIRST:
            self.sheet.write_datetime(self.at, column, value.replace(tzinfo=None), shown)
        elif isinstance(value, date) and not isinstance(value, datetime) and value >= FIRST:
            self.sheet.write_datetime(self.at, column, datetime(value.year, value.month, value.day), shown)  # noqa: DTZ001 - a cell has no zone
        else:
            text = _clean(str(value))
            self.sheet.write_string(self.at, column, text, self.marked if MARKED.match(text) else None)


def _exact(value: int | Decimal) -> bool:
    """Whether a spreadsheet's fifteen digits hold the number."""
    return Decimal(format(float(value), ".15g")) == value


def _clean(text: str) -> str:
    text = UNSPEAKABLE.sub("\ufffd", text)
    return text if len(text) <= CELL else f"{text[: CELL - 1]}…"
