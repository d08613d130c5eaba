"""The sheet of targets by hand: arrows and Enter, a table pasted from a spreadsheet, sums that follow; also on a phone, and with no script at all."""

import pytest
from playwright.sync_api import expect

from core.models import Target

SHEET = "/targets/sheet/?kpi=order-intake&year=2028"
PASTE = """([selector, text]) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  document.querySelector(selector).dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
}"""


def cell(page, who, period):
    return page.locator(f"[name='c.{who}.{period}']")


def focused(page):
    return page.evaluate("document.activeElement.name")


def test_a_sheet_is_filled_by_keys_and_by_pasting(screen, company, alice, bob):
    tab = screen(company, alice)
    page = tab.open(f"{SHEET}&by=person")
    one, other = sorted((alice, bob), key=lambda u: u.name)
    cell(page, one.pk, "2028-01").focus()
    page.keyboard.type("1000")
    page.keyboard.press("Enter")
    assert focused(page) == f"c.{other.pk}.2028-01"
    page.keyboard.type("500")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    assert focused(page) == f"c.{one.pk}.2028-02" and cell(page, one.pk, "2028-01").input_value() == "1,000"
    rows = "\r\n".join("\t".join(str(n * 100 + m) for m in range(2, 13)) for n in (1, 2)) + "\r\n"
    page.evaluate(PASTE, [f"[name='c.{one.pk}.2028-02']", rows])
    assert cell(page, other.pk, "2028-12").input_value() == "212" and cell(page, one.pk, "2028").input_value() == "2,177"
    assert page.locator("tr[data-sum] td").nth(2).inner_text() == "1,500" and page.locator("tr[data-sum] td").nth(1).inner_text() == "4,954"
    assert not tab.problems()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("24 targets were saved.").wait_for()
    assert Target.objects.filter(period__startswith="2028").count() == 24
    assert not tab.problems()
    page.get_by_role("button", name="Undo").click()
    page.wait_for_url(lambda url: "saved=" not in url)
    assert not Target.objects.filter(period__startswith="2028", archived_at=None).exists()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_year_is_spread_on_a_phone_with_and_without_a_script(screen, company, alice, javascript):
    tab = screen(company, alice, width=390, theme="dark", javascript=javascript)
    page = tab.open(SHEET.replace("2028", "2029"))
    cell(page, "", "2029").fill("100")
    page.get_by_role("button", name="Spread the year of Company").click()
    page.locator("input.changed[name='c..2029-12']").wait_for()
    assert cell(page, "", "2029-12").input_value() == "8.33" and cell(page, "", "2029-01").input_value() == "8.34"
    if javascript:
        assert not tab.problems()
        cell(page, "", "2029-01").fill("9.34")
        expect(cell(page, "", "2029")).to_have_value("101")
    else:
        cell(page, "", "2029-01").fill("8.34")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Undo").click()
    page.wait_for_url(lambda url: "saved=" not in url)
    assert not Target.objects.filter(period__startswith="2029", archived_at=None).exists()
