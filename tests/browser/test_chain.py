"""By clicking: from nothing to a signed-in dashboard, and from a figure to its facts, a record and its trail (N1)."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from core import access, door, registry, structures, write
from tests import people
from tests.people import PASSWORD


@pytest.fixture(scope="module")
def orders(company, alice):
    """Three confirmed orders of this month and the last."""
    actor = access.actor_for(alice)

    def make():
        account = write.create(actor, registry.get("accounts"), {"name": "Hafenwerk GmbH", "country": "DE"})
        product = write.create(actor, registry.get("products"), {"sku": "P-1", "name": "Winch", "unit_price": "1234.56"})
        for back, quantity in ((0, "3"), (0, "2"), (35, "1")):
            lines = [{"product": str(product.pk), "quantity": quantity}]
            order = write.create(actor, registry.get("orders"), {"account": str(account.pk), "lines": lines})
            day = structures.today() - timedelta(days=back)
            write.act(actor, registry.get("orders"), order.pk, "confirm", {"date": day.isoformat()})

    door.writing(make)


def amount(text: str) -> Decimal:
    return Decimal(re.sub(r"[^\d.]", "", text))


def test_a_visitor_signs_up_and_lands_on_a_dashboard(screen, port):
    visitor = screen()
    page = visitor.open("/signup/")
    subdomain = f"web{port}"
    values = {"email": "nora@example.com", "user_name": "Nora Berg", "name": "Nordlys AS", "subdomain": subdomain, "password": PASSWORD}
    for name, value in values.items():
        page.fill(f"[name={name}]", value)
    page.select_option("[name=country]", "NO")
    page.select_option("[name=currency]", "NOK")
    page.select_option("[name=timezone]", "Europe/Oslo")
    page.get_by_role("button", name="Create the company").click()
    page.wait_for_url(f"http://{subdomain}.localhost:{port}/")
    expect(page.locator("h1")).to_contain_text("Nora Berg")
    expect(page.locator(".as-of")).to_contain_text("Europe/Oslo, NOK")
    assert visitor.problems() == []


def test_signing_in_by_hand_and_out_again(screen, company, alice):
    tab = screen(company)
    page = tab.open("/kpis/")
    page.fill("[name=email]", alice.email)
    page.fill("[name=password]", "not it")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/kpis/")
    page.locator("[popovertarget=menu-me]").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")
    tab.wrong.clear()  # the refused attempt was answered with 422, which the console tells
    assert tab.problems(axe=False) == []


def test_from_a_figure_to_its_facts_to_a_record_to_its_trail(screen, company, alice, orders):
    tab = screen(company, alice)
    page = tab.open("/")
    tile = page.get_by_role("article", name="Order intake").first.locator(".kpi-value")
    figure = amount(tile.get_attribute("title"))
    assert figure == Decimal("6172.80")
    tile.click()
    page.wait_for_url("**/facts/?**")
    assert amount(page.locator(".figures b").inner_text()) == figure
    rows = page.locator("[data-list] tbody tr")
    assert sum(amount(text) for text in rows.locator("td:last-child").all_inner_texts()) == figure
    rows.first.get_by_role("link", name=re.compile("^SO-")).click()
    page.wait_for_url("**/orders/*/")
    expect(page.locator("h1")).to_have_text(re.compile(r"^\s*SO-"))
    expect(page.locator("main")).to_contain_text("Hafenwerk GmbH")
    expect(page.locator(".timeline li").nth(1)).to_be_visible()  # the record shows who made and confirmed it
    expect(page.locator(".timeline")).to_contain_text("Alice")
    assert tab.problems(axe=False) == []


def test_a_bar_of_the_chart_leads_to_its_facts(screen, company, alice, orders):
    tab = screen(company, alice)
    page = tab.open("/")
    chart = page.locator("[data-chart]").first
    chart.locator("svg").wait_for()
    box = chart.bounding_box()
    # The last column of twelve is this month; the whole column is its target.
    page.mouse.click(box["x"] + box["width"] - 40, box["y"] + box["height"] / 2)
    page.wait_for_url("**/facts/?**")
    assert amount(page.locator(".figures b").inner_text()) == Decimal("6172.80")
    assert tab.problems(axe=False) == []


def test_the_page_of_a_figure_is_asked_by_its_form(screen, company, alice, orders):
    tab = screen(company, alice)
    page = tab.open("/kpis/order-intake/")
    page.select_option("[name=period]", "all")
    page.select_option("[name='by.1']", "product")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**by.1=product**")
    assert amount(page.locator("#value").inner_text()) == Decimal("7407.36")
    page.locator("#groups tbody td.num a").first.click()
    page.wait_for_url("**/facts/?**")
    assert amount(page.locator(".figures b").inner_text()) == Decimal("7407.36")
    assert tab.problems(axe=False) == []


def test_the_search_box_finds_by_keyboard(screen, company, alice, orders):
    tab = screen(company, alice)
    page = tab.open("/")
    page.keyboard.press("Control+k")
    page.keyboard.type("hafen")
    page.get_by_role("option", name=re.compile("Hafenwerk GmbH")).wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/accounts/*/")
    expect(page.locator("h1")).to_have_text(re.compile(r"^\s*Hafenwerk GmbH"))
    assert tab.problems(axe=False) == []


def test_another_companys_session_opens_nothing(screen, company, other_company, alice):
    tab = screen(other_company)
    cookie = people.signed_in(alice, company).cookies["session"].value
    tab.page.context.add_cookies([{"name": "session", "value": cookie, "url": tab.origin}])
    tab.open("/")
    assert "/sign-in/" in tab.page.url
