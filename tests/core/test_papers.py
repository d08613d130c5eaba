"""Papers: that every character is printed, that no text is ever run, who gets one, and that the same says the same."""

import re
import time
import zlib

import pytest

from core import paper
from core.paper import press
from tests import factories, people

CHINESE = "报价单 编号 日期 有效期至 数量 单价 折扣 税 金额 合计 条款 上海龘骉机械股份有限公司 浦东新区世纪大道 龍 頁 ，。：；！？（）《》“”￥％"
LATIN = "Ærøskøbing Łódź Çelik ñandú Größe Ўзбекистон Ελλάδα €£¥₽ – — “quoted” № ½ ×"


def contents(**over):
    told = {
        "title": "Quote", "number": "QU-2026-00001", "company": "Test company", "language": "en", "pages": "Page {page} of {pages}", "mark": "",
        "party_label": "For", "party": ["Somebody"], "facts": [["Number", "1"]], "columns": [
            {"label": "No.", "align": "left", "wide": False}, {"label": "Description", "align": "left", "wide": True},
            {"label": "Amount", "align": "right", "wide": False},
        ],
        "rows": [["1", ["Lamp", "SKU-1"], "10.00"]], "sums": [["Total", "10.00", True]], "notes": [["Terms", "None"]],
    }  # fmt: skip
    return told | over


def glyphs(text: str) -> list[str]:
    """The shapes a paper shows for a text, as typst names them in SVG."""
    empty = {"party": [], "facts": [], "rows": [], "sums": [], "notes": [], "title": "", "number": "", "company": "", "pages": "", "party_label": ""}
    pages = press.render(contents(**empty, mark=text), "svg")
    drawn = pages if isinstance(pages, list) else [pages]
    return [name for page in drawn for name in re.findall(r'<use [^>]*href="#(g[0-9A-Fa-f]+)"', page.decode())]


@pytest.mark.parametrize("text", [CHINESE, LATIN])
def test_every_character_has_a_shape_of_its_own(text):
    boxes = set(glyphs("\ue123\ue124"))
    assert len(boxes) == 1, "what the face lacks is a box"
    characters = sorted({c for c in text if not c.isspace()})
    for character in characters:
        assert not boxes & set(glyphs(character)), f"{character} is printed as a box"


def streams(pdf: bytes) -> bytes:
    """The PDF with what is compressed laid open."""
    found = [pdf]
    for match in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            found.append(zlib.decompress(match[1]))
        except zlib.error:
            continue
    return b"\n".join(found)


def test_chinese_is_printed_in_the_face_of_the_package_alone():
    pdf = streams(press.pdf(contents(language="zh-Hans", party=[CHINESE])))
    fonts = set(re.findall(rb"/(?:BaseFont|FontName)\s*/([^\s/<>\[\]()]+)", pdf))
    assert fonts and all(b"NotoSansSC" in name for name in fonts), fonts


def test_a_missing_face_is_said_and_not_printed_as_boxes(monkeypatch):
    monkeypatch.setattr(press, "FACE", "Missing.otf")
    with pytest.raises(RuntimeError, match="missing"):
        press.face()


HOSTILE = [
    "#panic(\"run\")", "#read(\"/etc/passwd\")", "$ sum_(i=0)^n $", "= Heading", "#import \"@preview/x:0.1.0\": *", "\\u{41} \\", "]#panic()[",
    "*bold* _it_ `raw` <label> @ref", "\"; #panic(); \"", "{{ 7 * 7 }} {% load x %}", "\x00\x01\x1b[31m\u202edrow\u2066", "\ud800 half",
    "A" * 500, "字" * 500, "{page} {pages}", "-" * 300,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_are_printed_and_never_run(text):
    told = contents(
        title=text, number=text, company=text, party=[text] * 3, facts=[[text, text]], rows=[["1", [text, text], text]] * 2, sums=[[text, text, True]],
        notes=[[text, text]], mark=text,
    )  # fmt: skip
    assert press.pdf(told).startswith(b"%PDF-")


def test_markup_comes_out_letter_by_letter():
    assert len(glyphs("#panic()")) == len("#panic()") and len(glyphs("*bold*")) == len("*bold*")


def test_the_same_contents_make_the_same_bytes():
    assert press.pdf(contents()) == press.pdf(contents()) != press.pdf(contents(number="QU-2026-00002"))
    assert paper.digest({"a": 1, "b": "ü"}) == paper.digest({"b": "ü", "a": 1}) != paper.digest({"a": 1, "b": "u"})


def test_the_head_of_the_table_stands_on_every_page():
    def drawn(label):
        told = contents(rows=[[str(n), ["Lamp", ""], "1.00"] for n in range(120)])
        told["columns"][1]["label"] = label
        return [len(re.findall(r"<use ", page.decode())) for page in press.render(told, "svg")]

    short, whole = drawn("D"), drawn("Description")
    assert len(short) > 2 and [b - a for a, b in zip(short, whole, strict=True)] == [len("escription")] * len(short)


def test_a_paper_of_three_hundred_lines_is_printed_in_a_second():
    rows = [[str(n), ["Lamp " * 8, f"SKU-{n}"], "1,234.00"] for n in range(330)]
    press.pdf(contents())
    started = time.monotonic()
    press.pdf(contents(rows=rows))
    assert time.monotonic() - started < 5


# Who gets one -------------------------------------------------------------------------------------------------------


def test_staff_gets_the_pdf_of_what_it_sees(alice, bob, carol, company, client_for):
    quote = factories.make("quotes", people.api(alice, company))
    place = f"/quotes/{quote['id']}/pdf/"
    response = client_for(alice).get(place)
    assert response.status_code == 200 and response.content.startswith(b"%PDF-") and response["Cache-Control"] == "no-store"
    assert client_for(alice).get(f"{place}?language=zh-Hans").content != response.content
    assert client_for(carol).get(place).status_code == 200 and client_for(bob).get(place).status_code == 404
    assert people.browser(company).get(place).status_code == 302
    assert client_for(alice).get(f"/accounts/{quote['account']['id']}/pdf/").status_code == 404


def test_who_does_not_see_all_of_it_gets_no_paper(alice, company, client_for):
    api = people.api(alice, company)
    quote = factories.make("quotes", api)
    for hidden in ({"quotes": ["total"]}, {"accounts": ["street"]}, {"accounts": None}):
        grants = [
            {"type": t, "actions": ["view"], "scope": "all", "hidden": hidden.get(t) or []} for t in ("quotes", "accounts") if hidden.get(t, []) is not None
        ]  # fmt: skip
        reader = people.new_user("Reader", roles=[factories.make("roles", api, grants=grants)["id"]])
        assert client_for(reader).get(f"/quotes/{quote['id']}/pdf/").status_code == 403, hidden
        page = client_for(reader).get(f"/quotes/{quote['id']}/").content.decode()
        assert "/pdf/" not in page
