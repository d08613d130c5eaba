"""An import in a browser, at a desk and on a phone, with and without JavaScript: every page of it is sound."""

import os

import pytest
from playwright.sync_api import expect

from core import jobs
from crm.models import Contact

TEXT = "Name,E-mail,Hair\nAnna Andersson,anna{who},red\nBen,ben{who},brown\n{more}"


def ask(page, what):
    """Press the button, and wait until the server has taken the order."""
    page.locator(f"button[value={what}]").click()
    page.locator("main progress").wait_for()


def run_jobs(page):
    """What a worker would do, while the page waits."""
    assert jobs.run_due() == 1
    page.reload()


@pytest.mark.parametrize(("width", "javascript"), [(1440, True), (390, True), (1440, False)])
def test_a_file_from_choosing_to_the_list(screen, company, alice, tmp_path, width, javascript):
    tab = screen(company, alice, width=width, javascript=javascript)
    page, problems = tab.page, []

    def look(name):
        if javascript:
            problems.extend(tab.problems())
        if folder := os.environ.get("ODOS_PICTURES"):
            page.screenshot(path=f"{folder}/import-{name}-{width}-{javascript}.png", full_page=True)

    def upload(more):
        file = tmp_path / "people.csv"
        file.write_text(TEXT.format(who=f"{width}{javascript}@example.com", more=more), encoding="utf-8")
        page.set_input_files("input[type=file]", file)
        page.locator("main form button.btn-primary").click()

    tab.open("/contacts/import/")
    look("file")
    upload("Odd,nonsense,\n")
    expect(page.locator("select[name='column.0']")).to_have_value("name")
    look("columns")
    ask(page, "check")
    look("progress")
    run_jobs(page)
    expect(page.locator("#faults tbody tr")).to_have_count(1)
    look("errors")
    before = Contact.objects.count()
    page.locator("main form a.btn-ghost").click()
    upload("")
    ask(page, "check")
    run_jobs(page)
    look("checked")
    ask(page, "confirm")
    run_jobs(page)
    expect(page.locator("[data-count=new]")).to_have_text("2")
    look("done")
    page.locator("main a.btn-primary").click()
    assert Contact.objects.count() == before + 2
    expect(page.get_by_role("link", name="Anna Andersson").first).to_be_visible()
    assert problems == [], "\n".join(problems)
