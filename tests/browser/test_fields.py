"""From "+ field" to the field in use everywhere, by clicks that are counted, at a desk and on a phone; and its kind changed in the browser."""

import os
import re

import pytest
from playwright.sync_api import expect

from core import jobs
from core.models import CustomField
from tests import factories, people

CLICKS = 30  # of the whole way; at six seconds a click, with what is typed, three minutes


class Hand:
    """Somebody at a page: every click, tap and choice of an option is counted, and what is typed."""

    def __init__(self, page):
        self.page, self.clicks, self.keys = page, 0, 0

    def click(self, selector: str = "", **role) -> None:
        self.clicks += 1
        found = self.page.locator(selector) if selector else self.page.get_by_role(role.pop("role"), **role)
        found.first.click()

    def type(self, selector: str, text: str) -> None:
        self.keys += len(text)
        self.page.locator(selector).first.fill(text)

    def choose(self, selector: str, value: str) -> None:
        self.clicks += 2
        self.page.locator(selector).first.select_option(value)


def look(tab, name: str, width: int, problems: list) -> None:
    problems.extend(tab.problems())
    if folder := os.environ.get("ODOS_PICTURES"):
        tab.page.screenshot(path=f"{folder}/field-{name}-{width}.png", full_page=True)


@pytest.mark.parametrize("width", [1440, 390])
def test_from_plus_field_to_the_field_in_use_everywhere(screen, company, alice, tmp_path, width):
    api, problems = people.api(alice, company), []
    factories.make("contacts", api, name="There Already")
    tab = screen(company, alice, width=width)
    page = tab.open("/contacts/" if width > 600 else "/contacts/new/")
    hand, label = Hand(page), f"Shoe size {width}"
    # made: from the head of the list, on a phone from the form
    hand.click(role="link", name="Add a field" if width > 600 else "Field", exact=True)
    hand.type("#id_label", label)
    hand.click("label.kind-item:has([value=number])")
    look(tab, "sheet", width, problems)
    hand.click("#field-form button.btn-primary")
    page.get_by_role("status").get_by_text(f"“{label}”").wait_for()
    key = CustomField.objects.get(label=label).key
    # form
    if width > 600:
        expect(page.get_by_role("columnheader", name=label)).to_be_visible()  # the list shows it
        hand.click(role="link", name="New Contact")
    hand.type("#id_name", "Anna Big")
    hand.type(f"[name={key}]", "42.5")
    hand.click(role="button", name="Save", exact=True)
    page.get_by_role("heading", name="Anna Big").wait_for()
    expect(page.get_by_text("42.5").first).to_be_visible()
    look(tab, "record", width, problems)
    # list and filter
    tab.open("/contacts/")
    hand.click("[popovertarget=menu-filter]")
    hand.click(f"#menu-filter a:text-is('{label}')")
    hand.type("#id_filter-value", "42.5")
    hand.click(role="button", name="Apply")
    expect(page.get_by_role("link", name="There Already")).to_have_count(0)
    expect(page.get_by_role("link", name="Anna Big").first).to_be_visible()
    look(tab, "filtered", width, problems)
    # export
    hand.click("[popovertarget=menu-export]")
    with page.expect_download() as held:
        hand.clicks += 1
        page.get_by_role("link", name="Text (CSV)").click()
    exported = held.value.path().read_text(encoding="utf-8-sig")
    assert label in exported.splitlines()[0].split(",") and "42.5" in exported
    # import: what was exported comes back under the field's label
    file = tmp_path / "shoes.csv"
    file.write_text(f"Name,{label}\nBen Small,38\n", encoding="utf-8")
    tab.open("/contacts/import/")
    hand.clicks += 1
    page.set_input_files("input[type=file]", file)
    hand.click("main form button.btn-primary")
    expect(page.locator("select[name='column.1']")).to_have_value(key)  # found by its label
    for button in ("check", "confirm"):
        hand.click(f"button[value={button}]")
        page.locator("main progress").wait_for()
        assert jobs.run_due() == 1
        page.reload()
    expect(page.locator("[data-count=new]")).to_have_text("1")
    # a figure
    tab.open("/kpis/new/")
    hand.type("[name=name]", f"Size sold {width}")
    for control, value in (("of", "t:contacts"), ("aggregate", "sum"), ("field", key)):
        page.locator(f"[name={control}] option[value='{value}']").wait_for(state="attached")
        with page.expect_response(lambda answer: "/kpis/build/" in answer.url):  # what else can be chosen follows from it
            hand.choose(f"[name={control}]", value)
        page.wait_for_load_state("networkidle")
    page.get_by_text("80.5").first.wait_for()
    look(tab, "figure", width, problems)
    hand.click("#kpi-builder button.btn-primary")
    page.wait_for_url(re.compile(r"/kpis/[a-z0-9-]+/$"))
    # the API, in one request
    answer = api.get("contacts/", {f"{key}__gte": "40", "sum": key}).json()
    assert [r["name"] for r in answer["results"]] == ["Anna Big"] and answer["sums"] == {key: "42.5"}
    assert problems == [], "\n".join(problems)
    assert hand.clicks <= CLICKS, hand.clicks


def test_its_kind_is_changed_where_fields_are_kept(screen, company, alice):
    api, problems = people.api(alice, company), []
    made = api.post("custom-fields/", {"type": "leads", "key": "seats", "kind": "text", "label": "Seats"}).json()
    api.post("leads/batch/", [{"name": f"Lead {n}", "seats": seats} for n, seats in enumerate(["4", "about 5", "6"])])
    for width, theme in ((1440, "light"), (390, "dark")):
        tab = screen(company, alice, width=width, theme=theme)
        page = tab.open("/settings/fields/leads/")
        look(tab, "fields", width, problems)
        page.get_by_role("link", name="Change type…").first.click()
        page.locator("label.kind-item:has([value=ref])").click()
        expect(page.locator("#id_target")).to_be_visible()
        page.locator("label.kind-item:has([value=integer])").click()
        expect(page.locator("#id_target")).to_be_hidden()
        look(tab, "conversion-sheet", width, problems)
        page.get_by_role("button", name="Try it").click()
        page.locator("progress").wait_for()
        look(tab, "conversion-busy", width, problems)
        jobs.run_due()
        page.get_by_text("about 5").wait_for()  # the page asks by itself
        look(tab, "conversion-tried", width, problems)
    page.get_by_role("button", name="Convert, and empty").click()
    page.get_by_role("button", name="Continue").click()
    page.locator("progress").wait_for()
    jobs.run_due()
    page.get_by_role("button", name="Undo").wait_for()
    look(tab, "conversion-done", 390, problems)
    assert api.get("leads/", {"sum": "seats"}).json()["sums"] == {"seats": "10"}
    assert api.get(f"custom-fields/{made['id']}/").json()["kind"] == "integer"
    assert problems == [], "\n".join(problems)


def test_a_figure_over_a_computed_field(company, alice):
    """A sum over a formula is that of the records, by whatever it is asked."""
    api = people.api(alice, company)
    api.post("custom-fields/", {"type": "products", "key": "boxes", "kind": "number", "label": "Boxes"})
    formula = {"type": "products", "key": "bottles", "kind": "formula", "label": "Bottles", "formula": "boxes * 12"}
    assert api.post("custom-fields/", formula).status_code == 201
    for boxes in ("1", "2.5", None):
        factories.make("products", api, boxes=boxes)
    definition = {"of": {"type": "products"}, "aggregate": "sum", "field": "bottles", "date": "created_at"}
    assert api.post("kpis/", {"key": "bottles", "name": "Bottles", "definition": definition}).status_code == 201
    told = api.get("kpis/bottles/value/", {"period": "all"}).json()
    assert told["value"] == "42", told
    many = {**definition, "filter": ["bottles", "gt", 12]}
    assert api.post("kpis/", {"key": "many-bottles", "name": "Many bottles", "definition": many}).status_code == 201
    assert api.get("kpis/many-bottles/value/", {"period": "all"}).json()["value"] == "30"
    assert api.get("products/", {"sum": "bottles"}).json()["sums"] == {"bottles": "42"}
