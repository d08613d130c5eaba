"""The designer of layouts by hand: everything is dragged with the mouse at a desk, and moved by keys and menus on a phone."""

import json

import pytest
from playwright.sync_api import expect

from core.models import Role
from tests import factories, people
from tests.browser.hand import drag

pytestmark = pytest.mark.browser

HOME = "/settings/layouts/accounts/"
FIELDS = {"A": ["name", "phone", "email"], "B": ["website", "industry"], "C": ["city", "country"]}


def start():
    """Two tabs: of the first the sections A and B, of the second C."""
    made = {label: {"label": label, "columns": 2, "items": [{"field": name} for name in names]} for label, names in FIELDS.items()}
    return {"tabs": [{"key": "", "label": "One", "sections": [made["A"], made["B"]]}, {"key": "two", "label": "Two", "sections": [made["C"]]}]}


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


@pytest.fixture(scope="module", autouse=True)
def account(company, alice):
    return factories.make("accounts", people.access.actor_for(alice), name="Alder Works", roles=["customer"], payment_days=14)


@pytest.fixture
def layout(api):
    """A stored layout of accounts for all; gone afterwards."""
    made = api.post("layouts/", {"type": "accounts", "content": start()}).json()
    yield made
    for row in api.get("layouts/?type=accounts").json()["results"]:
        assert api.delete(f"layouts/{row['id']}/", version=row["version"]).status_code == 204


def section(page, label):
    return page.locator(".layout-section", has=page.get_by_role("heading", name=label, exact=True))


def tab(page, label):
    return page.locator(".layout-tab", has=page.get_by_role("heading", name=label, exact=True, level=2))


def item(place, label):
    return place.locator(".layout-item", has_text=label)


def content(page):
    return json.loads(page.locator("form[data-layout] [name=content]").input_value())


def names(page):
    """Tab -> section -> what it holds, as the form would send it."""
    return {t["label"]: {s["label"]: [next(iter(i.values())) for i in s["items"]] for s in t["sections"]} for t in content(page)["tabs"]}


def test_fields_are_dragged_within_and_between_sections_and_tabs(company, alice, layout, screen):
    desk = screen(company, alice)
    page = desk.open(HOME)
    drag(page, item(section(page, "A"), "E-mail"), item(section(page, "A"), "Name"))
    assert names(page)["One"]["A"] == ["email", "name", "phone"]
    drag(page, item(section(page, "A"), "Phone"), item(section(page, "B"), "Website"), low=True)
    assert names(page)["One"] == {"A": ["email", "name"], "B": ["website", "phone", "industry"]}
    drag(page, item(section(page, "B"), "Website"), item(section(page, "C"), "City"))
    assert names(page) == {"One": {"A": ["email", "name"], "B": ["phone", "industry"]}, "Two": {"C": ["website", "city", "country"]}}
    page.keyboard.press("Control+z")
    assert names(page)["Two"] == {"C": ["city", "country"]}
    assert desk.problems() == []


def test_from_the_palette_come_fields_lists_and_figures(company, alice, layout, screen):
    desk = screen(company, alice)
    page = desk.open(HOME)
    palette = page.locator(".layout-palette")
    drag(page, item(palette, "Payment days"), item(section(page, "B"), "Website"))
    assert names(page)["One"]["B"] == ["payment_days", "website", "industry"]
    expect(item(palette, "Payment days")).to_be_hidden()
    frame = page.frame_locator("iframe[name=preview]")
    frame.get_by_text("Payment days").first.wait_for()
    palette.get_by_text("Related lists").click()
    drag(page, palette.locator("[data-palette=related] .layout-item").first, item(section(page, "C"), "Country"), low=True)
    palette.get_by_text("Figures").click()
    drag(page, palette.locator("[data-palette=figure] .layout-item").first, item(section(page, "A"), "Name"))
    kinds = [next(iter(i)) for t in content(page)["tabs"] for s in t["sections"] for i in s["items"]]
    assert kinds.count("related") == kinds.count("figure") == 1
    item(section(page, "B"), "Payment days").get_by_role("button").click()
    page.locator("#layout-menu").get_by_role("button", name="Take off").click()
    assert names(page)["One"]["B"] == ["website", "industry"]
    drag(page, item(palette, "Payment days"), item(section(page, "A"), "Phone"))
    assert "payment_days" in names(page)["One"]["A"]
    assert desk.problems() == []


def test_an_empty_section_takes_what_is_dragged_into_it(company, alice, layout, screen):
    desk = screen(company, alice)
    page = desk.open(HOME)
    tab(page, "One").get_by_role("button", name="Section").first.click()
    page.locator("#layout-rename input").first.fill("Empty")
    page.locator("#layout-rename").get_by_role("button", name="Apply").click()
    empty = section(page, "Empty").locator("[data-items]")
    drag(page, item(section(page, "A"), "Phone"), empty)
    assert names(page)["One"]["Empty"] == ["phone"]
    drag(page, item(page.locator(".layout-palette"), "Payment days"), empty)
    assert sorted(names(page)["One"]["Empty"]) == ["payment_days", "phone"]


def test_sections_and_tabs_are_dragged(company, alice, layout, screen):
    desk = screen(company, alice)
    page = desk.open(HOME)
    drag(page, section(page, "B").locator(".layout-section-head"), section(page, "A"))
    assert list(names(page)["One"]) == ["B", "A"]
    drag(page, section(page, "A").locator(".layout-section-head"), section(page, "C"), low=True)
    assert list(names(page)["Two"]) == ["C", "A"]
    drag(page, tab(page, "Two").locator(".card-head"), tab(page, "One").locator(".card-head"))
    assert list(names(page)) == ["Two", "One"]
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("The layout of Accounts is saved.").wait_for()
    assert list(names(page)) == ["Two", "One"]
    assert desk.problems() == []


def test_the_preview_is_as_wide_as_a_desk_or_a_phone_and_shows_page_or_form(company, alice, layout, screen):
    desk = screen(company, alice)
    page = desk.open(HOME)
    frame = page.frame_locator("iframe[name=preview]")
    frame.get_by_role("heading", name="Alder Works").first.wait_for()
    assert page.locator("iframe").evaluate("frame => frame.contentWindow.innerWidth") == 1280
    page.get_by_label("Width of the preview").select_option("390")
    assert page.locator("iframe").evaluate("frame => frame.contentWindow.innerWidth") == 390
    assert frame.locator("html").evaluate("page => page.scrollWidth <= page.clientWidth")
    page.get_by_label("What the preview shows").select_option("form")
    frame.get_by_label("Website").wait_for()
    assert desk.problems(axe=False) == []


def test_each_role_and_record_type_has_its_own_and_goes_back_to_the_standard(company, alice, api, layout, screen):
    sort = api.post("record-types/", {"type": "accounts", "key": "dealer", "label": "Dealer"}).json()
    role = Role.objects.get(key="sales")
    desk = screen(company, alice)
    page = desk.open(HOME)
    page.get_by_label("For the role").select_option(label=role.name)
    page.wait_for_url(f"**role={role.pk}**")
    page.get_by_label("For the record type").select_option(label="Dealer")
    page.wait_for_url("**record_type=dealer**")
    page.get_by_text("Standard", exact=True).wait_for()
    first = page.locator(".layout-section").filter(has=page.locator(".layout-item")).nth(1)
    drag(page, first.locator(".layout-item").last, first.locator(".layout-item").first)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("The layout of Accounts is saved.").wait_for()
    stored = {(row["role"] and row["role"]["id"], row["record_type"]) for row in api.get("layouts/?type=accounts").json()["results"]}
    assert stored == {(None, ""), (str(role.pk), "dealer")}
    page.get_by_role("button", name="Reset to standard").click()
    page.locator("dialog[open]").get_by_role("button").last.click()
    page.get_by_text("look like the standard again").wait_for()
    assert [row["record_type"] for row in api.get("layouts/?type=accounts").json()["results"]] == [""]
    api.delete(f"record-types/{sort['id']}/", version=sort["version"])
    assert desk.problems() == []


def test_on_a_phone_all_is_done_by_menus_and_keys(company, alice, layout, screen):
    phone = screen(company, alice, width=390)
    page = phone.open(HOME)

    def do(place, deed):
        place.get_by_role("button", name="What to do with").first.press("Enter")
        page.locator("#layout-menu").get_by_role("button", name=deed, exact=True).press("Enter")

    item(section(page, "A"), "Phone").get_by_role("button").click()
    assert page.locator("#layout-menu").bounding_box()["width"] == 390
    page.keyboard.press("Escape")
    # "toggle" comes a moment after the menu opened: who has moved on in it by then is not taken back to its first item
    went_on = """(button) => new Promise((told) => {
      const menu = document.getElementById("layout-menu");
      menu.addEventListener("toggle", () => requestAnimationFrame(() => told(document.activeElement.textContent.trim())), { once: true });
      button.click();
      menu.querySelector("[data-do=after]").focus();
    })"""
    assert item(section(page, "A"), "E-mail").get_by_role("button").evaluate(went_on) == "To the section after"
    page.keyboard.press("Escape")
    do(item(section(page, "A"), "Phone"), "Move up")
    assert names(page)["One"]["A"] == ["phone", "name", "email"]
    assert page.evaluate("document.activeElement.ariaLabel") == "What to do with: Phone"
    do(item(section(page, "A"), "E-mail"), "To the section after")
    do(item(section(page, "B"), "Industry"), "To the section after")
    assert names(page) == {"One": {"A": ["phone", "name"], "B": ["email", "website"]}, "Two": {"C": ["industry", "city", "country"]}}
    do(section(page, "B").locator(".layout-section-head"), "Move up")
    do(section(page, "B").locator(".layout-section-head"), "One column")
    assert [(s["label"], s["columns"]) for s in content(page)["tabs"][0]["sections"]] == [("B", 1), ("A", 2)]
    do(tab(page, "Two").locator(".card-head"), "Move up")
    assert list(names(page)) == ["Two", "One"]
    section(page, "A").locator("[data-menu]").first.focus()
    page.get_by_role("button", name="Place: Payment days").press("Enter")
    assert names(page)["One"]["A"] == ["phone", "name", "payment_days"]
    assert phone.problems() == []
