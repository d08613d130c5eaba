"""Calendar and map by hand: a record is dragged to another day, moved by keys and on a phone; the map is zoomed; one saves what one sees."""

import re

import pytest
from playwright.sync_api import expect

from core import access, context
from crm.models import Activity
from tests import factories

pytestmark = pytest.mark.browser

HERE = "/activities/?view=calendar&by-date=due_at&on-day=2026-03-10"


@pytest.fixture
def visit(company, alice):
    return factories.make("activities", access.actor_for(alice), subject="Visit the yard", kind="task", due_at="2026-03-10T08:15")


def day(page, text):
    return page.locator(f"[data-column='{text}']")


def card(place, record):
    return place.locator(f"[data-card='{record.pk}']")


def due(record):
    return Activity.objects.get(pk=record.pk).due_at.astimezone(context.company().zone).strftime("%m-%d %H:%M")


def test_a_record_is_dragged_to_another_day_and_keeps_its_time(company, alice, visit, screen):
    tab = screen(company, alice)
    page = tab.open(HERE)
    card(page, visit).drag_to(day(page, "2026-03-19"))
    card(day(page, "2026-03-19"), visit).wait_for()
    page.get_by_role("status").get_by_text("Visit the yard is now on").wait_for()
    assert due(visit) == "03-19 08:15"
    assert tab.problems() == []


def test_keys_and_a_phone_move_it_by_its_menu(company, alice, visit, screen):
    desk = screen(company, alice, theme="dark")
    page = desk.open(HERE)
    card(page, visit).get_by_role("link", name="Visit the yard").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#board-menu").wait_for()
    page.locator("#board-menu").get_by_role("button", name="A week later").press("Enter")
    card(day(page, "2026-03-17"), visit).wait_for()
    assert due(visit) == "03-17 08:15"
    assert desk.problems() == []
    phone = screen(company, alice, width=390)
    page = phone.open(HERE)
    expect(day(page, "2026-03-12")).to_be_hidden()  # an agenda: only days that hold something
    card(page, visit).get_by_role("button", name="Move").click()
    page.locator("#move-to").fill("2026-03-12")
    page.locator("#board-menu").get_by_role("button", name="Move", exact=True).click()
    card(day(page, "2026-03-12"), visit).wait_for()
    assert due(visit) == "03-12 08:15"
    assert phone.problems() == []


def test_weeks_are_leafed_through_and_saved_as_a_view(company, alice, visit, screen):
    tab = screen(company, alice)
    page = tab.open(HERE)
    page.get_by_role("link", name="Week", exact=True).click()
    page.wait_for_url(re.compile("span=week"))
    expect(page.locator(".calendar-day")).to_have_count(7)
    page.get_by_role("link", name="Later").click()
    page.wait_for_url(re.compile("on-day=2026-03-17"))
    page.get_by_role("button", name="Save view").first.click()
    page.get_by_label("Name of the view").fill("My weeks")
    page.locator("#menu-view-new").get_by_role("button", name="Save view").click()
    page.get_by_role("link", name="My weeks").wait_for()
    expect(page.locator(".calendar-day")).to_have_count(7)
    assert tab.problems() == []


@pytest.mark.parametrize("width", [1440, 390])
def test_the_map_zooms_and_its_spots_lead_to_records(company, alice, screen, width):
    for name, country in (("Alder", "DE"), ("Birch", "DE"), ("Cedar", "AU")):
        factories.make("accounts", access.actor_for(alice), name=f"{name} {width}", country=country, industry=f"Wood {width}")
    tab = screen(company, alice, width=width, theme="dark" if width == 390 else "light")
    page = tab.open(f"/accounts/?view=map&industry=Wood+{width}")
    assert tab.problems() == []
    expect(page.locator(".map-spot")).to_have_count(2)
    page.get_by_role("link", name="Zoom out").click()
    page.wait_for_url(re.compile("map-box"))
    page.get_by_role("link", name="Show all", exact=True).click()
    page.wait_for_url(lambda url: "map-box" not in url)
    page.get_by_role("link", name="Germany: 2 records").click()
    page.wait_for_url(re.compile("country=DE"))
    expect(page.locator("[data-list] tbody tr")).to_have_count(2)
    assert tab.problems() == []
