"""A car dealer's admin makes his objects by hand, at a desk and on a phone, and says what a role may do with them."""

import pytest
from playwright.sync_api import expect

from core.models import CustomObject, Grant, Role
from tests import people

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [1440, 390])
def test_the_dealers_objects_are_made_by_hand(screen, new_company, width):
    company = new_company()
    with people.context.bind(company):
        alice = people.owner_of(company)
        tab = screen(company, alice, width=width)
        page = tab.open("/settings/objects/")
        page.get_by_role("link", name="New object").first.click()
        page.get_by_label("Name of one *", exact=True).fill("Vehicle")
        page.locator("#id_key[value=vehicles]").wait_for()
        expect(page.locator("#id_plural")).to_have_value("Vehicles")
        page.get_by_placeholder("Search icons").fill("car")
        expect(page.locator(".picker-item:visible")).to_have_count(2)
        page.get_by_placeholder("Search icons").press("Enter")
        assert tab.problems() == []
        page.get_by_role("button", name="Create and add fields").click()
        page.get_by_role("heading", name="Vehicles").wait_for()
        assert tab.problems() == []
        row = CustomObject.objects.get(key="vehicles")
        assert row.icon == "car" and Grant.objects.filter(type="vehicles", scope="all").exists()
        tab.open("/settings/objects/new/")
        page.get_by_label("Name of one *", exact=True).fill("试驾")
        page.locator("#id_key[value=shi-jia]").wait_for()
        page.locator("#id_key").fill("test-drives")
        page.get_by_label("It is numbered without gaps").check()
        page.get_by_label("Numbered as").fill("TD-{year}-{0000}")
        page.get_by_text("The first will be TD-").wait_for()
        page.get_by_role("button", name="Create and add fields").click()
        page.get_by_role("heading", name="试驾").wait_for()
        tab.open("/settings/objects/")
        expect(page.get_by_role("link", name="试驾").first).to_be_visible()
        assert tab.problems() == []
        _a_drive_is_moved(tab, company, alice, width)
        _a_role_gets_its_rights(tab, row)


def _a_drive_is_moved(tab, company, alice, width):
    """Its board is there with its first choice; on a phone a card is moved by its menu."""
    api = people.api(alice, company)
    stages = [{"key": "planned", "label": "Planned"}, {"key": "driven", "label": "Driven"}]
    assert api.post("custom-fields/", {"type": "test-drives", "key": "stage", "kind": "choice", "label": "Stage", "options": stages}).status_code == 201
    drive = api.post("test-drives/", {"stage": "planned"}).json()
    page = tab.open("/test-drives/?view=board")
    card = page.locator(f"[data-card='{drive['id']}']")
    if width > 600:
        card.drag_to(page.locator("[data-column=driven]"))
    else:
        card.locator("[data-move]").click()
        page.locator("#board-menu").get_by_role("button", name="Driven").click()
    page.get_by_text("is now in Driven").wait_for()
    page.locator(f"[data-column=driven] [data-card='{drive['id']}']").wait_for()
    assert api.get(drive["url"]).json()["stage"] == "driven" and tab.problems() == []


def _a_role_gets_its_rights(tab, row):
    sales = Role.objects.get(key="sales")
    page = tab.open(f"/settings/roles/{sales.pk}/")
    assert tab.problems() == []
    page.get_by_role("link", name="Vehicles", exact=True).last.click()
    page.get_by_label("Whose records").select_option("own")
    page.get_by_label("Delete", exact=True).uncheck()
    assert tab.problems() == []
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(f"**/settings/roles/{sales.pk}/")
    grant = Grant.objects.get(role=sales, type=row.key)
    assert grant.scope == "own" and "delete" not in grant.actions and "change" in grant.actions
