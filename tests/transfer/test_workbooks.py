"""XLSX in and out: what is typed stays typed, text stays text, and what is no honest workbook is refused before it is opened."""

import io
import struct
import time
import tracemalloc
import zipfile
from datetime import UTC, date, datetime
from datetime import time as clock_time
from decimal import Decimal

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from core import access, context, door, export, listings, registry, workbooks, write
from core.errors import RuleError
from core.transfer import loading, mapping, reading
from core.transfer.mapping import Mapping
from core.transfer.reading import Reading, explored, read
from core.transfer.workbooks import BROKEN
from crm.models import Account, Product
from tests.people import writing


def made(fill, **options):
    """The bytes of a workbook that ``fill(book)`` wrote."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, options)
    fill(book)
    book.close()
    return file.getvalue()


def sheet_of(*rows, **options):
    def fill(book):
        sheet = book.add_worksheet("One")
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, tuple):
                    value[0](sheet, book, number, column)
                else:
                    sheet.write(number, column, value)

    return made(fill, **{"strings_to_formulas": False, **options})


def formatted(value, shown):
    def write_it(sheet, book, number, column):
        writer = sheet.write_datetime if isinstance(value, date | datetime | clock_time) else sheet.write_number
        writer(number, column, value, book.add_format({"num_format": shown}))

    return (write_it,)


def formula(text, result):
    return (lambda sheet, book, number, column: sheet.write_formula(number, column, text, None, result),)


def rows(content, asked=Reading()):  # noqa: B008 - it is frozen
    return [row.cells for row in read(content, asked).rows()]


@pytest.mark.parametrize("counted_from_1904", [False, True])
def test_cells_come_as_what_they_are(counted_from_1904):
    content = sheet_of(
        list("abcdefghi"),
        [
            formatted(date(2026, 3, 5), "yyyy-mm-dd"), formatted(datetime.fromisoformat("2026-03-05T14:30"), "d.m.yy hh:mm"), 0.1 + 0.2,
            formatted(0.15, "0%"), True, formula("=1+1", 2), 1e15, "=not(a) formula", formatted(1.1 * 3, "0.00 €"),
        ],
        date_1904=counted_from_1904,
    )  # fmt: skip
    assert rows(content) == [["2026-03-05", "2026-03-05T14:30:00", "0.3", "0.15", "true", "2", "1000000000000000", "=not(a) formula", "3.3"]]


def test_a_formula_that_failed_is_told_at_its_cell_and_empties_nothing():
    content = made(lambda book: [book.add_worksheet("First"), failing(book.add_worksheet("Ünicode & more"))])
    table = read(content)
    assert (table.sheet, table.headers) == ("Ünicode & more", ["name", "price"])
    assert [row.cells for row in table.rows()] == [["A", BROKEN], ["B", "2"]]


def failing(sheet):
    sheet.write_row(1, 2, ["name", "price"])
    sheet.write_row(2, 2, ["A"])
    sheet.write_formula(2, 3, "=1/0", None, "#DIV/0!")
    sheet.write_row(3, 2, ["B", 2])


def test_a_sheet_and_a_heading_below_a_title_are_found_and_can_be_chosen():
    def fill(book):
        book.add_worksheet("Empty")
        book.add_worksheet("Secret").hide()
        sheet = book.add_worksheet("Customers")
        sheet.write(0, 0, "Customers of 2026")
        sheet.write_row(3, 0, ["Name", "City", "Since"])
        sheet.write_row(4, 0, ["Anna", "Bonn", 2020])
        book.add_worksheet("Other").write_row(0, 0, ["x", "y"])

    content = made(fill)
    table = explored(content)
    assert (table.sheet, table.sheets, table.header, table.headers) == ("Customers", ("Empty", "Customers", "Other"), 4, ["Name", "City", "Since"])
    assert [(r.number, r.cells) for r in table.rows()] == [(5, ["Anna", "Bonn", "2020"])]
    assert read(content, Reading(sheet="Other")).headers == ["x", "y"]
    for asked, said in ((Reading(sheet="Secret"), "no sheet"), (Reading(sheet="Customers", header=3), "Row 3 holds nothing")):
        with pytest.raises(RuleError, match=said):
            read(content, asked)
    with pytest.raises(RuleError, match="Row 2 has more cells"):
        rows(sheet_of(["a"], ["1", "2"]))


def zipped(entries, compression=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return file.getvalue()


def parts(content):
    archive = zipfile.ZipFile(io.BytesIO(content))
    return {name: archive.read(name) for name in archive.namelist()}


def with_sheet(xml):
    return zipped({**parts(sheet_of(["a"], ["1"])), "xl/worksheets/sheet1.xml": xml}.items())


def lying(content):
    """The same archive, its entries said to be a hundred bytes when unpacked: in its directory and before each entry."""
    changed = bytearray(content)
    for mark, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = changed.find(mark)
        while at >= 0:
            struct.pack_into("<I", changed, at + place, 100)
            at = changed.find(mark, at + 4)
    return bytes(changed)


SHEET = b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'
LAUGHS = b'<?xml version="1.0"?><!DOCTYPE lol [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]><worksheet>&b;</worksheet>'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (with_sheet(SHEET % (b" " * 250 * 2**20)), "far larger"),
        (with_sheet(SHEET % (b" " * 20 * 2**20)), "far larger"),
        (lying(with_sheet(SHEET % (b" " * 20 * 2**20))), "far larger"),
        (zipped([(f"xl/{n}.xml", b"x") for n in range(1500)] + [("xl/workbook.xml", b"<x/>")]), "far larger"),
        (with_sheet(LAUGHS), "no spreadsheet program"),
        (with_sheet(SHEET % b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'), "too far apart"),
        (with_sheet(SHEET % (b"<row>" + b"<c><v>1</v></c>" * 20_000 + b"</row>" + b"<row><c><v>1</v></c></row>" * 20_000)), "too far apart"),
        (zipped([("readme.txt", b"hello")]), "no XLSX"),
        (zipped([("../../etc/passwd", b"x"), ("xl/workbook.xml", b"<x/>")]), "cannot be read"),
        (zipped([("xl/workbook.xml", b"<x/>"), ("xl/workbook.xml", b"<y/>")]), "cannot be read"),
        (b"PK\x03\x04" + b"\x00" * 200, "cannot be read"),
        (sheet_of(["a"], ["1"])[:-40], "cannot be read"),
        (sheet_of(["a"], ["1"]) + b"GIF89a" * 20, "cannot be read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "old format"),
        (with_sheet(b"<worksheet><broken"), "cannot be read|empty"),
    ],
)  # fmt: skip
def test_what_is_no_honest_workbook_is_refused_at_once(content, said):
    assert len(content) < reading.MEGABYTES * 2**20
    begun = time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(RuleError, match=said):
            list(read(content).rows())
        assert tracemalloc.get_traced_memory()[1] < 40 * 2**20
    finally:
        tracemalloc.stop()
    assert time.monotonic() - begun < 20  # traced, and on a busy machine; a few hundredths otherwise


def test_more_than_25_megabytes_are_refused():
    with pytest.raises(RuleError, match="larger than 25 MB"):
        read(b"a\n" + b"x\n" * (13 * 2**20))


# Writing --------------------------------------------------------------------------------------------------------------

TEXTS = st.one_of(st.text(max_size=12), st.text("'=+-@ \t09.a＝", max_size=8))


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_text_that_is_written_is_text_and_comes_back_as_it_was(texts):
    content = b"".join(workbooks.pieces(["x"] * len(texts), [[(text, "") for text in texts]], "Data [1]"))
    sheet = parts(content)["xl/worksheets/sheet1.xml"].decode()
    assert "<f>" not in sheet
    (_head, *found) = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    wanted = [workbooks._clean(text).replace("\r\n", "\n").replace("\r", "\n") for text in texts]
    assert [[cell.replace("\r\n", "\n").replace("\r", "\n") for cell in row] for row in found] in ([wanted], [] if not any(wanted) else None)


def test_numbers_days_and_long_texts_are_written_as_a_spreadsheet_can_hold_them():
    values = [(Decimal("1234.5"), ""), (Decimal("12345678901234567890.12"), ""), (date(2026, 3, 5), "date"), (date(1850, 1, 1), "date"),
              (datetime(2026, 3, 5, 9, 30, tzinfo=UTC), "datetime"), (True, ""), (Decimal("0.15"), "percent"), ("x" * 40_000, ""), (None, "")]  # fmt: skip
    content = b"".join(workbooks.pieces(list("abcdefghi"), [values], "Data"))
    found = rows(content)[0]
    assert found[:7] == ["1234.5", "12345678901234567890.12", "2026-03-05", "1850-01-01", "2026-03-05T09:30:00", "true", "0.15"]
    assert len(found[7]) == 32_767 and found[7].endswith("…")


@pytest.fixture(scope="module")
def owner(alice):
    return access.actor_for(alice)


@pytest.mark.parametrize("as_read", [True, False])
def test_a_list_goes_out_and_comes_back_unchanged(owner, alice, as_read):
    with context.remembering():
        writing(lambda: write.create(owner, registry.get("accounts"), {"name": f"=1+1 {as_read}", "external_id": f"'X{as_read}", "payment_days": 30}))
        writing(lambda: write.create(owner, registry.get("products"), {"sku": f"P{as_read}", "name": "北京", "unit_price": "1234.5", "active": False}))
    for slug, key in (("accounts", "external_id"), ("products", "sku")):
        object_type = registry.get(slug)
        content = b"".join(export.workbook(alice, object_type, listings.listing([]), [n for n, f in object_type.fields.items() if not f.readonly], as_read))
        table = read(content)

        def load(object_type=object_type, table=table, key=key):
            found = mapping.suggest(owner, object_type, table.headers)
            return loading.load(owner, object_type, table, Mapping(found.columns, key), True)

        report = door.writing(load)
        assert (report.new, report.changed, report.errors, report.faults) == (0, 0, 0, []) and report.unchanged == table.size > 0
    assert Account.objects.filter(name=f"=1+1 {as_read}").exists() and Product.objects.filter(name="北京").exists()


def test_pages_and_api_hand_out_workbooks(alice, carol, client_for, api_for):
    said = client_for(alice).get("/accounts/?format=xlsx&columns=name")
    assert said.headers["Content-Type"] == workbooks.TYPE and said.headers["Content-Disposition"].endswith('.xlsx"')
    assert read(b"".join(said.streaming_content)).headers == ["Name"]
    api = api_for(alice)
    answer = api.get("accounts/", {"format": "xlsx"})
    assert answer.status_code == 200 and "external_id" in read(b"".join(answer.streaming_content)).headers
    assert api.get("accounts/", {"format": "pdf"}).status_code == 422
    assert "?format=xlsx" in client_for(alice).get("/accounts/").content.decode()
