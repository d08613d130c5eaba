"""Forms as people use them: an order by keyboard alone, with sums that run along; and all of it without JavaScript."""

import re
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from core import access, door, registry, write
from core.models import TrailEntry
from erp.models import SalesOrder


@pytest.fixture(scope="module")
def catalogue(company, alice):
    actor = access.actor_for(alice)

    def make():
        write.create(actor, registry.get("accounts"), {"name": "Nordlys Marine", "roles": ["customer"]})
        goods = [("W-1", "Winch", "1234.56"), ("R-1", "Rope", "0.35"), *((f"B-{n}", f"Bolt {n}", "1") for n in range(30))]
        for sku, name, price in goods:  # more than a plain list shows: a combobox is what people meet
            write.create(actor, registry.get("products"), {"sku": sku, "name": name, "unit_price": price})

    door.writing(make)


def amount(text: str) -> Decimal:
    return Decimal(re.sub(r"[^\d.]", "", text))


def choose(page, text: str) -> None:
    """In the combobox that has the focus: type, wait for the hit, take it."""
    page.keyboard.type(text)
    page.get_by_role("option", name=re.compile(text)).first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")


def test_an_order_by_keyboard_alone(screen, company, alice, catalogue):
    tab = screen(company, alice)
    page = tab.open("/orders/new/")
    page.locator("#id_account").focus()
    page.keyboard.type("Nordlys")  # few accounts are a plain list, which goes to what is typed
    page.locator("[name='lines.0.product']").locator("xpath=..").locator("input").focus()
    choose(page, "Winch")
    row = page.locator("[data-lines=lines] [data-rows] [data-line]")
    page.wait_for_function("document.querySelector('[name=\"lines.0.unit_price\"]').value !== ''")
    page.locator("[name='lines.0.quantity']").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("3")
    assert amount(page.locator("[data-total=net]").inner_text()) == Decimal("3703.68")
    page.keyboard.press("Enter")  # the next row, which Enter makes where there is none
    before_typing = page.evaluate("document.activeElement.name")
    assert before_typing == "lines.1.quantity"
    page.keyboard.type("7")
    page.locator("[name='lines.1.product']").locator("xpath=..").locator("input").focus()
    choose(page, "Rope")
    page.wait_for_function("document.querySelector('[name=\"lines.1.unit_price\"]').value !== ''")
    page.locator("[name='lines.1.discount']").focus()
    page.keyboard.type("10")
    running = {key: amount(page.locator(f"[data-total={key}]").inner_text()) for key in ("net", "total")}
    assert running["net"] == Decimal("3705.89")  # 3 x 1234.56 + 7 x 0.35 less ten percent: 2.205, up
    assert row.count() >= 2
    page.keyboard.press("Control+s")
    page.wait_for_url(re.compile(r"/orders/[0-9a-f-]{36}/$"))
    saved = SalesOrder.objects.get(pk=page.url.split("/")[-2])
    assert {"net": saved.net, "total": saved.total} == running
    assert tab.problems(axe=False) == []


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(screen, company, alice, catalogue):
    tab = screen(company, alice)
    page = tab.open("/orders/new/")
    page.fill("[name='lines.0.quantity']", "many")
    page.locator("summary", has_text="More").click()
    page.fill("[name=ship_city]", "Bergen")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("alert").first.wait_for()
    expect(page.locator("[name='lines.0.quantity']")).to_have_value("many")
    expect(page.locator("[name=ship_city]")).to_have_value("Bergen")
    expect(page.locator("[aria-invalid=true]").nth(1)).to_be_visible()  # the account is missing and the quantity is no number
    tab.wrong.clear()  # the answer's 422 is told by the console
    assert tab.problems() == []


def test_without_javascript_an_account_and_an_order_are_made_and_confirmed(screen, company, alice, catalogue):
    tab = screen(company, alice, javascript=False)
    page = tab.open("/accounts/new/")
    page.fill("[name=name]", "Plain Paper Ltd")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("h1")).to_have_text(re.compile(r"^\s*Plain Paper Ltd"))
    tab.open("/orders/new/")
    page.select_option("[name=account]", label="Plain Paper Ltd")
    page.select_option("[name='lines.0.product']", label="Winch")
    page.fill("[name='lines.0.quantity']", "2")
    page.locator("button[name=add][value=lines]").click()
    last = page.locator("[name^='lines.'][name$='.quantity']").last.get_attribute("name").split(".")[1]
    page.select_option(f"[name='lines.{last}.product']", label="Rope")
    page.fill(f"[name='lines.{last}.quantity']", "10")
    expect(page.locator("[name='lines.0.quantity']")).to_have_value("2")  # adding a line lost nothing
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile(r"/orders/[0-9a-f-]{36}/$"))
    page.get_by_role("link", name="Confirm").or_(page.get_by_role("button", name="Confirm")).first.click()
    if "/confirm/" in page.url:
        page.locator("main form .btn-primary").click()
    page.wait_for_url(re.compile(r"/orders/[0-9a-f-]{36}/$"))
    saved = SalesOrder.objects.get(pk=page.url.split("/")[-2])
    assert (saved.status, saved.net) == ("confirmed", Decimal("2472.62"))
    expect(page.locator("h1")).to_have_text(re.compile(rf"^\s*{saved.number}"))
    assert TrailEntry.objects.filter(about_id=saved.pk, act="confirm").count() == 1


def test_an_order_in_a_foreign_currency_takes_the_rate_of_the_day(screen, company, alice, catalogue):
    rate = {"currency": "NOK", "date": "2020-01-01", "rate": "0.0857"}
    door.writing(lambda: write.create(access.actor_for(alice), registry.get("exchange-rates"), rate))
    page = screen(company, alice).open("/orders/new/")
    page.select_option("[name=account]", label="Nordlys Marine")
    page.locator("summary", has_text="More").click()
    expect(page.locator("[name=rate]")).to_have_value("")  # a rate nobody gave follows the date
    page.select_option("[name=currency]", "NOK")
    page.fill("[name='lines.0.description']", "Hire")
    page.fill("[name='lines.0.quantity']", "1")
    page.fill("[name='lines.0.unit_price']", "1000")
    expect(page.locator("dt.total")).to_have_text(re.compile(r"NOK\s*$"))
    page.select_option("[name=currency]", "JPY")
    expect(page.locator("dt.total")).to_have_text(re.compile(r"JPY\s*$"))
    expect(page.locator("[data-total=total]")).to_have_text("1,000")
    page.select_option("[name=currency]", "NOK")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile(r"/orders/[0-9a-f-]{36}/$"))
    saved = SalesOrder.objects.get(pk=page.url.split("/")[-2])
    assert (saved.rate, saved.net, saved.base_net) == (Decimal("0.0857"), Decimal("1000.00"), Decimal("85.70"))


def test_what_is_typed_while_an_answer_is_on_its_way_stays(company, alice, screen):
    """The answer renders the form anew as it was when asked; the name and the tick came later."""
    tab = screen(company, alice)
    page, held = tab.open("/kpis/new/?of=t:accounts"), []
    page.route(re.compile("/kpis/build/$"), lambda route: held.append(route))
    page.get_by_label(re.compile("^Take")).first.select_option(label="Number of different values")
    wait_until(page, lambda: held)
    page.get_by_label(re.compile("^Name")).first.fill("Kept")
    page.get_by_label("More is better").uncheck()
    held[0].continue_()
    page.get_by_label("Field", exact=True).wait_for()
    expect(page.get_by_label(re.compile("^Name")).first).to_have_value("Kept")
    expect(page.get_by_label("More is better")).not_to_be_checked()
    assert tab.problems() == []


def wait_until(page, happened):
    for _try in range(200):
        if happened():
            return
        page.wait_for_timeout(25)
    raise AssertionError("It did not happen.")
