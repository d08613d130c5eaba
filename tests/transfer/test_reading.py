"""Files as people's programs write them: encodings, delimiters, quotes, limits."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import RuleError
from core.export import safe
from core.registry import get
from core.transfer import reading
from core.transfer.cells import chooser, country, day, moment, number, order_of_days, ordered_day
from core.transfer.reading import Reading, explored, read, restored

TEXT = "名称,城市\n北京仪器有限公司,北京\nMüller,Köln\n"


def rows(content):
    return [row.cells for row in read(content).rows()]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (TEXT.encode(), "utf-8"), (codecs.BOM_UTF8 + TEXT.encode(), "utf-8"), (TEXT.encode("gb18030"), "gb18030"),
        (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), "utf-16-le"),
    ],
)  # fmt: skip
def test_the_encoding_is_found(content, encoding):
    table = read(content)
    assert (table.headers, table.encoding) == (["名称", "城市"], encoding)
    assert rows(content) == [["北京仪器有限公司", "北京"], ["Müller", "Köln"]]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("名称,城市\n北京仪器有限公司,北京\n", "gb18030"), ("名称;备注\n上海;好的，谢谢。\n", "gb18030"),
        ("客戶名稱,城市\n臺灣積體電路製造,新竹\n聯發科技,臺北\n", "big5"),
        ("Nom,Prénom,Ville\nMüller,Éloïse,Orléans\nGarçon,Zoë,Besançon\n", "windows-1252"),
        ("Name;Straße\nJürgen Groß;Königsstraße 5 – links\n", "windows-1252"),
        ("Name,City\nAnna,Bonn\n", "utf-16-le"), ("Name,城市\nAnna,波恩\n", "utf-16-be"), ("name,sign\n北京,ok\n", "utf-8"),
    ],
)  # fmt: skip
def test_encodings_without_a_mark_are_told_apart(text, encoding):
    found = read(text.encode(encoding))
    assert found.encoding == encoding
    assert "\n".join([found.delimiter.join(found.headers), *(found.delimiter.join(r.cells) for r in found.rows())]) == text.rstrip("\n")


def test_another_encoding_and_mark_can_be_chosen():
    content = "naïve|b\ncafé|1,5\n".encode("windows-1252")
    assert read(content, Reading(encoding="windows-1252", delimiter="|")).headers == ["naïve", "b"]
    assert read(content, Reading(encoding="windows-1252", delimiter=",")).headers == ["naïve|b"]
    refused = ((Reading(encoding="utf-8"), "at byte"), (Reading(encoding="klingon"), "of the encodings"), (Reading(delimiter="x"), "marks that divide"))
    for asked, said in refused:
        with pytest.raises(RuleError, match=said):
            read(content, asked)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("Name,City\nAnna,Bonn\n", 1), ("Customers of 2026\n\nName,City,Since\nAnna,Bonn,2020\n", 3), ("name\nAnna\n", 1),
        ("Report,\n1,2,3\nName,City,Zip\na,b,c\n", 3),
        ("sku,price\nA-1,2\n", 1),
    ],
)  # fmt: skip
def test_the_row_of_headings_is_found_below_titles(text, row):
    assert explored(text.encode()).header == row


def test_gbk_as_chinese_spreadsheets_write_it():
    assert rows("名称;城市\r\n上海;上海市\r\n".encode("gbk")) == [["上海", "上海市"]]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_delimiter_is_found_and_quotes_hold_it(mark):
    content = f'name{mark}note{mark}city\n"A{mark} B"{mark}"said ""so""\nand so"{mark}X\n'.encode()
    assert read(content).delimiter == mark
    assert rows(content) == [[f"A{mark} B", 'said "so"\nand so', "X"]]


def test_a_spreadsheets_own_mark_empty_rows_and_short_rows():
    content = b"sep=;\r\na;b;;\r\n1\r\n\r\n;\r\n2;3;\r\n"
    table = read(content)
    assert (table.headers, [(r.number, r.cells) for r in table.rows()]) == (["a", "b"], [(3, ["1", ""]), (6, ["2", "3"])])


def test_what_fills_up_fields_of_a_fixed_width_is_left_out():
    """No database stores it, so a check that met it never ended."""
    assert rows(b"name,code\x00\nA\x00\x00,1\n\x00,2\n") == [["A", "1"], ["", "2"]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"), (b"\n \n,,\n", "empty"), (b"\xff\xfea\x00\n", "at byte"), (b"a,b\n\x81\x30\xff", "UTF-8"), (b"a,b\n1,2,3\n", "Row 2 has more cells"),
        (b'a,b\n1,"x" y\n', "Row 2 cannot be read"), (b'a,b\n1,2\n3,"x\n', "Row 3 cannot be read"), (b"," * 501 + b"x\n", "500 columns"),
        (b"a,b\n1," + b"x" * 100_001, "Row 2, column \u201cb\u201d"),
    ],
)  # fmt: skip
def test_what_is_no_table_gets_a_sentence(content, said):
    with pytest.raises(RuleError) as refused:
        list(read(content).rows())
    assert said in str(refused.value)


def test_the_number_of_rows_has_a_limit(monkeypatch):
    monkeypatch.setattr(reading, "ROWS", 3)
    assert len(rows(b"a\n1\n2\n3\n")) == 3
    with pytest.raises(RuleError, match="more than 3 rows"):
        rows(b"a\n1\n2\n3\n4\n")


@given(st.one_of(st.text(max_size=12), st.text("'=+-@ \t09.a＝", max_size=8)))
def test_what_export_makes_safe_comes_back_as_it_was(text):
    assert restored(safe(text)) == text


def test_cells_in_other_spellings():
    assert [day(t) for t in ("2026/3/5", "2026年3月5日", "2026-03-05 00:00:00", "2026-03-05", "Mar 5, 2026", "5.3.2026")] == ["2026-03-05"] * 5 + ["5.3.2026"]
    spelled = ("2026/3/5 15:04", "Mar 5, 2026, 3:04\u202fPM", "2026年3月5日 15:04", "2026-03-05T15:04", "soon")
    assert [moment(t) for t in spelled] == ["2026-03-05T15:04"] * 4 + ["soon"]
    assert moment("Mar 5, 2026, 12:30:00 AM") == "2026-03-05T00:30:00"
    assert [number(t) for t in ("1,234.50", "-1,234,567", "1,5", "12.5")] == ["1234.50", "-1234567", "1,5", "12.5"]
    assert [number(t, decimal_comma=True) for t in ("1.234,50", "1,5", "12")] == ["1234.50", "1.5", "12"]
    assert [country(t) for t in ("USA", "UK", "germany", "德国", "fr", "DEU", "Atlantis")] == ["US", "GB", "DE", "DE", "FR", "DE", "Atlantis"]


def test_days_in_the_order_of_other_countries():
    assert [order_of_days(texts) for texts in (["31.12.2026"], ["12/31/2026"], ["1/2/2026"], ["1.2.2026"], ["2026-01-02"], ["01-13-2026 10:00"])] == [
        "dmy", "mdy", "", "dmy", "", "mdy",
    ]  # fmt: skip
    assert [day(ordered_day(t, "dmy")) for t in ("31.12.2026", "1/2/2026", "2026-01-02", "soon")] == ["2026-12-31", "2026-02-01", "2026-01-02", "soon"]
    assert moment(ordered_day("12/31/2026 3:04 PM", "mdy")) == "2026-12-31T15:04"
    assert moment(ordered_day("31.12.2026 15:04", "dmy")) == "2026-12-31T15:04"


def test_options_are_known_by_key_and_by_label_in_any_language():
    kind = get("activities").fields["kind"]
    assert [chooser(kind)(text) for text in ("call", "Call", "CALL", "电话", "smoke signal")] == ["call"] * 4 + ["smoke signal"]
