"""The columns of a list by hand: put in another order by the mouse and by buttons, with as many cells in a row as there are heads."""

import re

import pytest
from playwright.sync_api import expect

from core import access
from tests import factories
from tests.browser.hand import drag

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", autouse=True)
def account(company, alice):
    return factories.make("accounts", access.actor_for(alice), name="Alder", city="Bonn", industry="Wood")


def heads(page):
    return [text for text in page.locator("[data-list] thead th").all_inner_texts() if text.strip()]


def test_columns_are_put_in_order_by_dragging_and_by_buttons(company, alice, screen):
    tab = screen(company, alice)
    page = tab.open("/accounts/?columns=name,industry,city")
    assert heads(page) == ["Name", "Industry", "City"]
    page.get_by_role("button", name="Columns").click()
    menu = page.locator("#menu-columns")
    drag(page, menu.locator("li", has=page.locator("#column-city")).locator("[data-grip]"), menu.locator("li").first)
    assert menu.locator("li input").evaluate_all("boxes => boxes.slice(0, 3).map((box) => box.value)") == ["city", "name", "industry"]
    menu.get_by_role("button", name="Move up: Industry").press("Enter")
    menu.get_by_role("button", name="Apply").click()
    page.wait_for_url(re.compile("columns=city"))
    assert heads(page) == ["City", "Industry", "Name"]
    assert tab.problems() == []


def test_a_row_has_a_cell_for_every_head(company, alice, screen):
    page = screen(company, alice).open("/accounts/")
    expect(page.locator("[data-list] thead .add-field")).to_have_count(1)
    expect(page.locator("[data-list] tbody tr").first.locator("td")).to_have_count(page.locator("[data-list] thead th").count())
