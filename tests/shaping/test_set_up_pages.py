"""What a company shaped is read on its own page in words: no data stands there, and from there one gets to where it is worked at."""

import html
import re

import pytest

from core.models import Dashboard, FormRule, Layout, SavedView, Watch
from tests import people, showroom


@pytest.fixture(scope="module")
def api(company, alice):
    made = people.api(alice, company)
    showroom.build(made)
    return made


def page_of(browser, slug, ident, tab=""):
    answer = browser.get(f"/{slug}/{ident}/{tab}")
    assert answer.status_code == 200, (slug, answer.status_code)
    text = html.unescape(answer.content.decode())
    return text[text.index("<main") : text.index("</main>")]


def said(page):
    """Label -> value of the fields of a page."""
    return {label: re.sub(r"<[^>]+>", "", text).strip() for label, text in re.findall(r"<dt>([^<]+)</dt><dd[^>]*>(.*?)</dd>", page, re.S)}


def test_every_page_of_the_set_up_is_in_words(api, client_for, alice):
    browser = client_for(alice)
    api.post("watches/", {"name": "None left", "kpi": "drives", "value": "1", "filter": ["stage", "eq", "planned"]})
    seen = 0
    for slug in ("custom-objects", "custom-fields", "record-types", "roles", "form-rules", "rules", "layouts", "saved-views", "dashboards", "watches"):
        for row in api.get(f"{slug}/?limit=200").json()["results"]:
            for tab in ("", "?tab=history"):
                page = page_of(browser, slug, row["id"], tab)
                text = re.sub(r"<(script|style|form).*?</\\1>|<[^>]+>", " ", page, flags=re.S)
                for data in ('{"', "{'", "[{", '["', "['", "[[", '": '):
                    assert data not in text, (slug, tab, data, text[max(0, text.find(data) - 80) :][:200])
                seen += 1
    assert seen > 40


def test_each_says_what_it_does(api, client_for, alice):
    browser = client_for(alice)
    layout = said(page_of(browser, "layouts", Layout.objects.get(type="drives").pk))
    assert layout["Layout"] == "The drive → What happened: Name, Stage, Rating, Contact"
    board = said(page_of(browser, "dashboards", Dashboard.objects.get(name="Showroom").pk))
    assert board["Tiles"] == "Drives: Tile, All time\nDrives: Bars, Stage"
    view = said(page_of(browser, "saved-views", SavedView.objects.get(name="To come").pk))
    assert view["What it shows"] == "Filter: Stage Planned\nSorted by: Rating (downwards)\nColumns: Name, Stage" and view["First for the roles"] == "Showroom"
    rule = said(page_of(browser, "form-rules", FormRule.objects.get(name="Rated once driven").pk))
    assert (rule["When"], rule["Fields"]) == ("Stage Driven", "Rating")
    watch = said(page_of(browser, "watches", Watch.objects.get(name="None left").pk))
    assert watch["Tell"] == "Alice"


def test_changes_name_people_roles_and_what_is_counted(api, client_for, alice):
    told = html.unescape(client_for(alice).get("/settings/changes/").content.decode())
    for words in ("<ins>How many · Test drives</ins>", "<ins>Showroom</ins>", "<ins>Alice</ins>"):
        assert words in told, words
    assert "(aggregate)" not in told and f"<ins>{alice.pk}" not in told


def test_a_pack_says_how_much_of_what_it_holds(api, company, client_for, alice):
    key = {"odos_pack": 1, "key": "few", "name": "Few", "parts": {"custom-fields": [{"type": "leads", "key": "few", "kind": "text", "label": "Few"}]}}
    pack = api.post("packs/", {"content": key}).json()
    page = page_of(client_for(alice), "packs", pack["id"])
    assert said(page)["File"] == "Fields: 1" and f"/settings/packs/{pack['id']}/" in page
    assert '"odos_pack"' not in page_of(client_for(alice), "packs", pack["id"], "?tab=history")


def test_from_its_page_one_gets_to_where_it_is_worked_at(api, client_for, alice):
    browser = client_for(alice)
    board, view = Dashboard.objects.get(name="Showroom"), SavedView.objects.get(name="To come")
    assert f"/?board={board.pk}" in page_of(browser, "dashboards", board.pk)
    assert f"/drives/?view={view.pk}" in page_of(browser, "saved-views", view.pk)
    edit = browser.get(f"/layouts/{Layout.objects.get(type='drives').pk}/edit/")
    assert edit.status_code == 302 and edit["Location"].startswith("/settings/layouts/drives/")
