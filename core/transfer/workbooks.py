"""XLSX workbooks: checked as zip files and as XML before anything reads them (F-04, N-07), then read by calamine into rows of text.

The check counts what is unpacked, not what the file says of itself, and how large a sheet would be that its cells span.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cached_property
from typing import Any
from xml.etree import ElementTree

from django.utils.translation import gettext as _
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from core.errors import RuleError
from core.money import plain

BROKEN = "#ERROR!"  # stands for a cell whose formula failed; no field takes it
UNPACKED, ENTRIES, RATIO = 200 * 2**20, 1_000, 100
HARMLESS = 2**20  # so much may be packed as tightly as it likes
SPANNED = 10_000_000  # cells between the first and the last that hold anything
PIECE = 2**20
OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
CELL = re.compile(rb"""<(?:[\w.-]+:)?(row|c)((?:\s+[^\s=<>"']+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(/?)>""")
REFERENCE = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]*)(\d+)["']""")
FAILED = re.compile(rb"""\st\s*=\s*["']e["']""")
TAIL = 2**16  # bytes of a piece that are looked at again with the next one: an element may be cut
FAILURES = 10_000
RELATED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def is_one(content: bytes) -> bool:
    """Whether these bytes are a workbook, or claim to be, whatever their file is called."""
    return content[:4] in (b"PK\x03\x04", b"PK\x05\x06") or content.startswith(OLD)


def opened(content: bytes) -> "Book":
    """The workbook these bytes are. Errors: RuleError where they are none, or would take more than a workbook should."""
    if content.startswith(OLD):
        raise RuleError(_("The workbook is in the old format, or protected by a password. Save it as XLSX without one."))
    failed = _check(content)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    except (CalamineError, ValueError, OSError):
        raise _damaged() from None
    names = [s.name for s in book.sheets_metadata if s.typ == SheetTypeEnum.WorkSheet and s.visible == SheetVisibleEnum.Visible]
    if not names:
        raise RuleError(_("The workbook has no sheet to read."))
    return Book(book, names, _by_sheet(content, failed) if failed else {})


@dataclass(frozen=True)
class Book:
    """An open workbook, the names of its visible sheets, and for each of them the cells that failed, as (row, column) from 1."""

    book: CalamineWorkbook
    names: list[str]
    failed: dict[str, set[tuple[int, int]]]

    def sheet(self, name: str = "") -> "Sheet":
        """The sheet of this name; without one the first that holds anything. Errors: RuleError."""
        if name and name not in self.names:
            raise RuleError(_("The workbook has no sheet “%(name)s”.") % {"name": name[:60]})
        for one in [name] if name else self.names:
            found = Sheet(self.book, one, self.failed.get(one, set()))
            if name or found.cells.height:
                return found
        return Sheet(self.book, self.names[0], set())


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook."""

    book: CalamineWorkbook
    name: str
    failed: set[tuple[int, int]]

    @cached_property
    def cells(self) -> Any:
        try:
            return self.book.get_sheet_by_name(self.name)
        except (CalamineError, ValueError, OSError):
            raise _damaged() from None

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Row number -> cells as text. Columns before the first that holds anything are left out."""
        first = (self.cells.start or (0, 0))[1] + 1
        for number, cells in enumerate(self.cells.iter_rows(), start=1):
            if not self.failed:
                yield number, [text(value) for value in cells]
            else:
                yield number, [BROKEN if (number, place) in self.failed else text(value) for place, value in enumerate(cells, start=first)]


def text(value: Any) -> str:
    """What a cell holds, as a file of text would: the result of a formula, days and times as ISO, numbers as people see them, to 15 digits."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return plain(Decimal(format(value, ".15g")))
    if isinstance(value, datetime):
        return value.replace(microsecond=0).isoformat() if value.time() != time() else value.date().isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


# The check ------------------------------------------------------------------------------------------------------------


def _check(content: bytes) -> dict[str, set[tuple[int, int]]]:
    """Unpack every entry once, counting, and look at what the sheets span. The cells that failed, by the file they stand in. Errors: RuleError."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError, UnicodeDecodeError):
        raise _damaged() from None
    names = [entry.filename for entry in entries]
    if not any(n.endswith("workbook.xml") for n in names):
        raise RuleError(_("The file is no XLSX workbook. Save it as XLSX or as CSV."))
    if len(entries) > ENTRIES or sum(e.file_size for e in entries) > UNPACKED:
        raise _bomb()
    whole = min(e.header_offset for e in entries) == 0 and content[-22:-18] == b"PK\x05\x06" and len(set(names)) == len(names)
    if not whole or any(e.flag_bits & 1 for e in entries):  # others might read it otherwise: something before or behind it, names twice, encrypted
        raise _damaged()
    return _unpack(content, entries)


def _unpack(content: bytes, entries: list[zipfile.ZipInfo]) -> dict[str, set[tuple[int, int]]]:
    unpacked, failed = 0, {}
    for entry in entries:
        look, size = _Look() if entry.filename.lower().endswith((".xml", ".rels")) else None, 0
        for piece in _pieces(content, entry):
            size += len(piece)
            if unpacked + size > UNPACKED or size > entry.file_size:
                raise _bomb()
            if look:
                look.at(piece)
        if size != entry.file_size:
            raise _damaged()
        unpacked += size
        if look and look.failed:
            failed[entry.filename] = look.failed
    if unpacked > HARMLESS and unpacked > RATIO * len(content):
        raise _bomb()
    return failed


def _by_sheet(content: bytes, failed: dict[str, set[tuple[int, int]]]) -> dict[str, set[tuple[int, int]]]:
    """The same by the names of sheets, as the workbook's list of its files has them. Reads what ``_check`` found harmless."""
    archive = zipfile.ZipFile(io.BytesIO(content))
    try:
        files = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        target = {e.get("Id"): f"xl/{e.get('Target', '').removeprefix('/xl/')}" for e in files}
        sheets = [e for e in ElementTree.fromstring(archive.read("xl/workbook.xml")).iter() if e.tag.endswith("}sheet")]
    except (KeyError, ElementTree.ParseError):
        raise _damaged() from None
    return {e.get("name", ""): failed[file] for e in sheets if (file := target.get(e.get(RELATED), "")) in failed}


def _pieces(content: bytes, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """What an entry holds, a megabyte at a time, whatever its header says of its size."""
    head = content[entry.header_offset : entry.header_offset + 30]
    if len(head) < 30 or head[:4] != b"PK\x03\x04" or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _damaged()
    start = entry.header_offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    packed = content[start : start + entry.compress_size]
    if entry.compress_type == zipfile.ZIP_STORED:
        yield packed
        return
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        while packed and not stream.eof:
            yield stream.decompress(packed, PIECE)
            packed = stream.unconsumed_tail
        if not stream.eof:
            yield stream.flush()
    except zlib.error:
        raise _damaged() from None


class _Look:
    """What the XML of a workbook would cost its reader: entities that multiply, and a sheet spanned by two cells far apart."""

    def __init__(self):
        self.rest, self.failed = b"", set()
        self.row, self.column, self.rows, self.columns = 0, 0, 0, 0

    def at(self, piece: bytes) -> None:
        seen = self.rest + piece
        if seen.startswith((b"\xff\xfe", b"\xfe\xff")) or b"<!DOCTYPE" in seen or b"<!ENTITY" in seen:
            raise RuleError(_("The workbook holds XML that no spreadsheet program writes. Save it again as XLSX."))
        end = 0
        for found in CELL.finditer(seen):
            self._element(found)
            end = found.end()
        self.rest = seen[max(end, len(seen) - TAIL, 0) :] if seen.rfind(b"<") > end else b""

    def _element(self, found: re.Match[bytes]) -> None:
        """Where a row or cell stands; what is empty spans nothing."""
        place = REFERENCE.search(found[2])
        number = int(place[2]) if place and len(place[2]) < 9 else 0
        if found[1] == b"row":
            self.row, self.column = number or self.row + 1, 0
            return
        self.column = _column(place[1]) if place and place[1] else self.column + 1
        self.row = number or self.row
        if found[3]:
            return
        self.rows, self.columns = max(self.rows, self.row), max(self.columns, self.column)
        if self.rows * self.columns > SPANNED:
            raise RuleError(_("The cells of the workbook lie too far apart. Copy what is to be imported into a new workbook."))
        if FAILED.search(found[2]) and len(self.failed) < FAILURES:
            self.failed.add((self.row, self.column))


def _column(letters: bytes) -> int:
    """``A`` as 1, ``XFD`` as 16384."""
    number = 0
    for letter in letters.upper()[:4]:
        number = number * 26 + letter - 64
    return number


def _bomb() -> RuleError:
    return RuleError(_("Unpacked, the file would be far larger than a workbook should be, so it was not opened."))


def _damaged() -> RuleError:
    return RuleError(_("The workbook cannot be read. Open it in a spreadsheet program and save it again as XLSX."))
