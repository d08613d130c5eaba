"""Every change of the set-up is told with what was before, and can be undone where nothing changed since."""

import html
import re

from django.utils import timezone


def test_a_change_is_told_and_undone(company, alice, bob, api_for, client_for):
    api, page = api_for(alice), client_for(alice)
    field = api.post("custom-fields/", {"type": "accounts", "key": "tier", "kind": "text", "label": "Tier"}).json()
    assert api.patch(field["url"], {"label": "Class"}, field["version"]).status_code == 200
    told = page.get("/settings/changes/").content.decode()
    assert "Tier" in told
    assert "<ins>Class</ins>" in told
    undo = re.findall(rf'action="(/custom-fields/{field["id"]}/undo/\d+/)"', told)
    assert len(undo) == 1
    assert page.post(undo[0], {"next": "/settings/changes/"}).status_code == 302
    assert api.get(field["url"]).json()["label"] == "Tier"


def test_what_changed_since_is_not_overwritten(company, alice, api_for, client_for):
    api, page = api_for(alice), client_for(alice)
    field = api.post("custom-fields/", {"type": "accounts", "key": "grade", "kind": "text", "label": "One"}).json()
    for label in ("Two", "Three"):
        assert api.patch(field["url"], {"label": label}, api.get(field["url"]).json()["version"]).status_code == 200
    first = min(int(n) for n in re.findall(rf"/custom-fields/{field['id']}/undo/(\d+)/", page.get("/settings/changes/?type=custom-fields").content.decode()))
    assert page.post(f"/custom-fields/{field['id']}/undo/{first}/", {}).status_code in (409, 422)
    assert api.get(field["url"]).json()["label"] == "Three"


def test_who_shapes_nothing_does_not_see_it(company, bob, client_for):
    assert client_for(bob).get("/settings/changes/").status_code == 404
    assert "/settings/changes/" not in client_for(bob).get("/").content.decode()


def test_it_goes_on_by_pages_and_by_type(company, alice, api_for, client_for):
    api, page = api_for(alice), client_for(alice)
    code = api.post("tax-codes/", {"code": "V0", "rate": "0"}).json()
    for n in range(55):
        assert api.patch(code["url"], {"code": f"V{n + 1}"}, n + 1).status_code == 200
    first = page.get("/settings/changes/?type=tax-codes").content.decode()
    assert first.count("<ins>V") == 50
    following = re.search(r'href="(\?type=tax-codes&amp;before=\d+)"', first)[1].replace("&amp;", "&")
    assert page.get(f"/settings/changes/{following}").content.decode().count("<ins>V") == 6


def test_structures_are_told_by_their_parts_and_never_as_data(company, alice, api_for, client_for):
    api, page = api_for(alice), client_for(alice)
    options = [{"key": "red", "label": "Red"}, {"key": "blue", "label": "Blue"}]
    field = api.post("custom-fields/", {"type": "contacts", "key": "colour", "kind": "choice", "label": "Colour", "options": options}).json()
    assert api.patch(field["url"], {"options": [options[0], {"key": "green", "label": "Green"}], "labels": {"zh-Hans": "颜色"}}, 1).status_code == 200
    tab = {"key": "", "label": "First", "sections": [{"label": "Who", "items": [{"field": "name"}]}]}
    layout = api.post("layouts/", {"type": "contacts", "content": {"tabs": [tab]}}).json()
    sections = [{"label": "Who", "items": [{"field": "name"}, {"field": "colour"}]}, {"label": "Where", "items": [{"field": "phone"}]}]
    assert api.patch(layout["url"], {"content": {"tabs": [{**tab, "sections": sections}]}}, 1).status_code == 200
    rule = {"type": "contacts", "name": "Seen", "effect": "show", "fields": ["colour"], "condition": ["name", "eq", "Li"]}
    assert api.post("form-rules/", rule).status_code == 201
    told = html.unescape(page.get("/settings/changes/").content.decode())
    for sentence in ("Added: Green.", "Removed: Blue.", "颜色 (简体中文)", "Sections added: Where.", "Added: Colour, Phone.", "<ins>Name Li</ins>"):
        assert sentence in told, sentence
    main = told[told.index("<main") : told.index("</main>")]
    for data in ('"key"', '{"', "[{", '["'):
        assert data not in main, data
    history = html.unescape(page.get(f"/layouts/{layout['id']}/?tab=history").content.decode())
    entries = history[history.index('<ol class="timeline"') :]
    assert "Sections added: Where." in entries[: entries.index("</ol>")] and '"items"' not in entries[: entries.index("</ol>")]


def test_it_is_narrowed_to_a_person_and_a_day(company, alice, bob, api_for, client_for):
    api, page = api_for(alice), client_for(alice)
    assert api.post("custom-fields/", {"type": "leads", "key": "narrow", "kind": "text", "label": "Narrowed"}).status_code == 201
    today = timezone.now().astimezone(company.zone).date()
    for words, there in ((f"who={alice.pk}", True), (f"who={bob.pk}", False), (f"day={today}", True), ("day=2001-02-03", False)):
        assert ("Narrowed" in page.get(f"/settings/changes/?{words}").content.decode()) is there, words
    for words in ("who=x", "day=x", "day=2001-99-99", "day=0001-01-01", "before=x", "type=nothing", "type=%00"):
        assert page.get(f"/settings/changes/?{words}").status_code == 200, words
