"""A dashboard is laid out by hand: tiles are dragged by a real mouse, moved by keys alone, and stand where they were put."""

import pytest
from playwright.sync_api import expect

from core.models import Dashboard
from tests import factories, people
from tests.browser.hand import drag

WIDE = 6


def laid_out(page):
    return [tile.inner_text() for tile in page.locator("[data-tile] h2").all()]


def add_tile(page, figure, number):
    page.get_by_role("button", name="Tile", exact=True).click()
    page.locator(f"[name='t{number}.kpi']").wait_for()
    page.locator(f"[name='t{number}.kpi']").select_option(label=figure)
    page.locator("[data-tile] h2", has_text=figure).wait_for()


def test_tiles_are_dragged_moved_by_keys_and_kept(screen, company, alice):
    tab = screen(company, alice)
    page = tab.open("/dashboards/new/")
    page.get_by_label("Name", exact=True).fill("By hand")
    for number, figure in enumerate(("Order intake", "Orders", "Won")):
        add_tile(page, figure, number)
    assert laid_out(page) == ["Order intake", "Orders", "Won"]
    page.locator("[data-tile]").first.get_by_text("What it shows").click()
    page.locator("[name='t0.w']").select_option(str(WIDE))
    assert "span-6" in page.locator("[data-tile]").first.get_attribute("class"), "a tile is as wide as was chosen"
    drag(page, page.locator("[data-tile]").nth(2).locator("[data-handle]"), page.locator("[data-tile]").first)
    page.wait_for_function("document.querySelector('[data-tile] h2').textContent === 'Won'")
    assert laid_out(page) == ["Won", "Order intake", "Orders"]
    page.get_by_role("button", name="Move tile 3 earlier").focus()
    assert not tab.problems()
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/?board=*")
    row = Dashboard.objects.get(name="By hand")
    assert [(t["kpi"], t["w"]) for t in row.tiles] == [("won", 3), ("order-intake", 6), ("orders", 3)]
    assert not tab.problems()
    page = tab.open(f"/dashboards/{row.pk}/edit/")
    page.get_by_role("button", name="Move tile 3 earlier").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('[data-tile] h2')[1].textContent === 'Orders'")
    page.get_by_role("button", name="Save", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/?board=*")
    row.refresh_from_db()
    assert [t["kpi"] for t in row.tiles] == ["won", "orders", "order-intake"]


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_a_map_is_made_by_choosing_and_its_marks_lead_to_their_lists(screen, company, alice, width, theme):
    api = people.api(alice, company)
    if width == 1440:
        for country in ("DE", "DE", "CN", "BR"):
            factories.make("accounts", api, country=country)
        api.post("kpis/", {"name": "Customers", "key": "customers", "definition": {"of": {"type": "accounts"}, "aggregate": "count"}})
    tab = screen(company, alice, width=width, theme=theme)
    page = tab.open("/dashboards/new/")
    page.get_by_label("Name", exact=True).fill(f"Where at {width}")
    page.get_by_role("button", name="Tile", exact=True).click()
    page.locator("[name='t0.kpi']").select_option(label="Customers")
    page.locator("[name='t0.by'] option[value=owner]").wait_for(state="attached")
    page.locator("[name='t0.shape']").select_option(label="Map")
    page.locator("[name='t0.by'] option[value=owner]").wait_for(state="detached")
    page.locator("[name='t0.by']").select_option(label="Country")
    page.locator("[name='t0.period']").select_option(label="All time")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/?board=*")
    page.get_by_role("link", name="Germany: 2").wait_for()
    assert not tab.problems()
    page.get_by_text("Show as table").click()
    expect(page.get_by_role("row", name="Germany").get_by_role("link", name="2", exact=True)).to_have_count(1)
    page.get_by_role("link", name="Germany: 2").click()
    page.wait_for_url("**/accounts/?filter=*")
    expect(page.locator("tbody tr[data-href]")).to_have_count(2)
