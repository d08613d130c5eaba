"""The set-up of one company moves to another by hand: exported as a file, looked at with what differs, installed, compared, used and taken away."""

import pytest
from playwright.sync_api import expect

from core import context
from tests import people, showroom

TYPES = ("custom-objects", "custom-fields", "record-types", "roles", "form-rules", "rules", "layouts", "saved-views", "kpis", "dashboards")
OWN = ("id", "url", "value_url", "version", "created_at", "updated_at", "owner", "unit")


@pytest.fixture(scope="module")
def shaped(company, alice):
    """The API of a company that shaped something of every sort."""
    api = people.api(alice, company)
    showroom.build(api)
    return api


def setup_of(api):
    """All of a company's set-up as its API tells it, roles by their names, without what is no part of it."""
    roles = {r["id"]: r["name"] for r in api.get("roles/?limit=200").json()["results"]}

    def plain(value):
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items() if k not in OWN}
        return [plain(one) for one in value] if isinstance(value, list) else roles.get(value, value) if isinstance(value, str) else value

    found = {}
    for slug in TYPES:
        answer = api.get(f"{slug}/?limit=200").json()
        assert not answer.get("next"), slug
        whole = [plain(api.get(row["url"]).json()) for row in answer["results"]]
        found[slug] = sorted(whole, key=str)
    return found


@pytest.fixture
def there(other_company, dave):
    """The API of the second company, which has a field of the same key that says something else."""
    with context.bind(other_company):
        api = people.api(dave, other_company)
        showroom.make(api, "custom-fields", type="accounts", key="tier", kind="text", label="Class")
        yield api


def test_a_pack_moves_from_company_to_company_by_hand(screen, company, alice, shaped, other_company, dave, there, tmp_path):
    at_home = screen(company, alice)
    page = at_home.open("/settings/packs/")
    page.get_by_role("link", name="Make a pack").click()
    page.get_by_role("textbox", name="Name").fill("Showroom")
    page.get_by_role("textbox", name="Key").fill("showroom")
    assert not at_home.problems()
    with page.expect_download() as caught:
        page.get_by_role("button", name="Download").click()
    file = tmp_path / "showroom-1.odos.json"
    caught.value.save_as(file)
    assert caught.value.suggested_filename == file.name

    before = setup_of(there)
    elsewhere = screen(other_company, dave)
    page = elsewhere.open("/settings/packs/")
    page.get_by_label("Pack", exact=True).set_input_files(file)
    page.get_by_role("button", name="Look at it").click()
    page.get_by_role("heading", name="Showroom", exact=True, level=1).wait_for()
    expect(page.locator("[data-count=differs]")).to_have_text("1")
    conflict = page.get_by_role("row").filter(has_text="Accounts").filter(has_text="Tier")
    expect(conflict.locator("del").first).to_contain_text("Class")
    expect(conflict.locator("ins").first).to_contain_text("Tier")
    assert not elsewhere.problems()
    page.get_by_role("button", name="Install").click()
    page.get_by_role("alert").get_by_text("accounts / tier").wait_for()
    assert setup_of(there) == before, "what conflicts is asked about, and nothing is half done"
    conflict.get_by_label("Take the pack's").check()
    page.get_by_role("button", name="Install").click()
    page.get_by_role("status").get_by_text("is installed").wait_for()
    elsewhere.wrong.clear()  # the console tells of the 422 that named the conflict
    assert not elsewhere.problems()
    assert setup_of(there) == setup_of(shaped)

    page.get_by_role("complementary", name="Places").get_by_role("link", name="Test drives", exact=True).click()
    page.get_by_role("link", name="New Test drive").first.click()
    page.get_by_role("textbox", name="Name").fill("Round the block")
    page.get_by_label("Stage", exact=True).select_option(label="Driven")
    page.get_by_label("Rating", exact=True).fill("4")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("heading", name="Round the block").wait_for()
    expect(page.get_by_text("Twice the rating").locator("xpath=following-sibling::dd")).to_have_text("8")
    page = elsewhere.open("/kpis/drives/?period=all")
    expect(page.locator("#value")).to_have_text("1")

    page = elsewhere.open("/settings/packs/")
    page.get_by_role("link", name="Showroom").click()
    expect(page.get_by_text("Values that people entered are kept")).to_have_count(1)
    page.get_by_role("button", name="Uninstall").click()
    page.get_by_role("status").get_by_text("is taken away").wait_for()
    assert setup_of(there) == before
    expect(page.get_by_role("complementary", name="Places").get_by_role("link", name="Test drives", exact=True)).to_have_count(0)
    assert not elsewhere.problems()
