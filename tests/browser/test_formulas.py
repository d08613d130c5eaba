"""The formula editor as people use it: by keyboard, at both widths, in light and dark; a rule made with it is kept at once."""

import re

import pytest
from playwright.sync_api import expect

from core import access, door, registry, write
from core.models import Rule


@pytest.fixture(scope="module")
def accounts(company, alice):
    actor = access.actor_for(alice)
    door.writing(lambda: [write.create(actor, registry.get("accounts"), {"name": name, "payment_days": days}) for name, days in (("Acme", 30), ("Zoo", 7))])


def test_a_rule_is_written_by_keyboard_with_what_is_proposed(screen, company, alice, accounts):
    tab = screen(company, alice)
    page = tab.open("/rules/new/")
    page.select_option("[name=type]", "accounts")
    page.fill("[name=name]", "Soon")
    page.fill("[name=message]", "Too late.")
    area = page.locator("[name=condition]")
    area.focus()
    page.keyboard.type("paym")
    page.locator(".options .option", has_text="payment_days").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(area).to_have_value("payment_days")
    page.keyboard.type(" > ")
    page.keyboard.press("Escape")
    page.locator(".formula-said", has_text="not finished").wait_for()
    page.keyboard.type("90")
    page.locator(".formula-said", has_text="This gives yes or no.").wait_for()
    expect(page.locator(".formula-tried dt")).to_have_text(["Zoo", "Acme"])
    page.keyboard.type(" AND par")
    page.locator(".options .option", has_text="parent").first.wait_for()
    page.keyboard.press("Escape")
    for _letter in " AND par":
        page.keyboard.press("Backspace")
    page.locator(".formula-said", has_text="This gives yes or no.").wait_for()
    assert tab.problems() == []
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/rules/*-*/")
    assert Rule.objects.get(name="Soon").condition == "payment_days > 90"
    page = tab.open("/accounts/new/")
    page.fill("[name=name]", "Late")
    page.locator("details summary", has_text="More").click()
    page.fill("[name=payment_days]", "91")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Too late.").wait_for()


def test_a_list_that_is_late_proposes_what_fits_and_replaces_what_was_typed(screen, company, alice, accounts):
    """Who types on while the list of the first letter is there, and the next never comes, chooses among what still fits."""
    tab = screen(company, alice)
    page = tab.open("/rules/new/?type=accounts")
    page.select_option("[name=type]", "accounts")
    area = page.locator("[name=condition]")
    area.focus()
    page.keyboard.type("p")
    page.locator(".options .option", has_text="parent").first.wait_for()
    page.route("**/formulas/complete/**", lambda route: None)  # no answer any more
    page.keyboard.type("aym")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(area).to_have_value("payment_days")


def test_what_a_function_does_is_said_whole_on_a_phone(screen, company, alice, accounts):
    page = screen(company, alice, width=390).open("/rules/new/?type=accounts")
    page.select_option("[name=type]", "accounts")
    page.locator("[name=condition]").focus()
    page.keyboard.type("p")
    page.locator(".options .option", has_text="POWER").wait_for()
    assert page.locator(".options:popover-open").evaluate("list => list.scrollWidth <= list.clientWidth")


def test_fields_and_functions_are_put_in_from_the_list_beside_it(screen, company, alice, accounts):
    tab = screen(company, alice)
    page = tab.open("/rules/new/?type=accounts")
    page.select_option("[name=type]", "accounts")
    page.get_by_text("Fields and functions").click()
    page.get_by_role("button", name="ISEMPTY(a)").click()
    page.get_by_role("button", name="industry", exact=True).click()
    page.keyboard.type(")")
    expect(page.locator("[name=condition]")).to_have_value("ISEMPTY(industry)")
    page.locator(".formula-said", has_text="This gives yes or no.").wait_for()
    assert tab.problems() == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_what_is_wrong_is_shown_where_it_is(screen, company, alice, accounts, width, theme):
    tab = screen(company, alice, width=width, theme=theme)
    page = tab.open("/rules/new/")
    page.select_option("[name=type]", "accounts")
    page.get_by_text("Fields and functions").click()
    page.fill("[name=condition]", "payment_dais > 7 AND industry = 'Metal'")
    page.locator("mark", has_text="payment_dais").wait_for()
    assert tab.problems() == []
    expect(page.locator(".formula-said")).to_have_text(re.compile(r"^\s*" + re.escape("There is no field “payment_dais”. Did you mean “payment_days”?")))
