"""Forms that a company shaped, in a browser: one that changes while it is filled in."""

import pytest
from playwright.sync_api import expect

from tests import people

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


@pytest.mark.parametrize("width", [1440, 390])
def test_a_form_asks_for_more_once_it_matters(company, alice, api, screen, width):
    said = {"type": "contacts", "name": f"mobile {width}", "effect": "show", "fields": ["mobile"], "condition": ["title", "eq", "Dr"]}
    made = api.post("form-rules/", said).json()
    tab = screen(company, alice, width=width)
    page = tab.open("/contacts/new/")
    expect(page.locator("#id_mobile")).to_have_count(0)
    page.locator("#id_title").fill("Dr")
    page.locator("#id_title").press("Tab")
    page.locator("#id_mobile").wait_for()
    expect(page.locator("#form-said")).to_contain_text("Mobile")
    page.locator("#id_title").fill("Ms")
    page.locator("#id_title").press("Tab")
    page.locator("#id_mobile").wait_for(state="detached")
    assert tab.problems() == []
    assert api.delete(f"form-rules/{made['id']}/", version=made["version"]).status_code == 204
