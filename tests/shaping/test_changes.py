"""Every change of the set-up is told with what was before, and can be undone where nothing changed since."""

import re


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
