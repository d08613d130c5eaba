"""The designer's page and preview, by HTTP: who may, what is saved, and two people at once."""

import json
import re

import pytest

from core import registry
from tests import people

HOME = "/settings/layouts/accounts/"
MINE = {"tabs": [{"label": "Mine", "sections": [{"items": [{"field": "name"}]}]}]}
THEIRS = {"tabs": [{"label": "Theirs", "sections": [{"items": [{"field": "phone"}]}]}]}


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


def version_of(page):
    return re.search(r'name="version" value="(\d*)"', page.content.decode())[1]


def test_only_who_may_shape_pages_sees_it(company, alice, bob, carol, client_for):
    assert client_for(alice).get(HOME).status_code == 200
    assert client_for(alice).get("/settings/layouts/").status_code == 200
    for user in (bob, carol):
        assert client_for(user).get(HOME).status_code in (403, 404)
        assert client_for(user).post(f"{HOME}preview/", {"content": json.dumps(MINE)}).status_code in (403, 404)
    assert client_for(alice).get("/settings/layouts/facts/").status_code == 404
    assert client_for(alice).get("/layouts/new/?type=accounts").headers["Location"] == HOME


def test_saved_reset_and_told(company, alice, api, client_for):
    client = client_for(alice)
    page = client.get(HOME)
    assert version_of(page) == ""
    assert client.post(HOME, {"do": "save", "version": "", "content": json.dumps(MINE)}).status_code == 302
    stored = api.get("layouts/?type=accounts").json()["results"]
    assert [row["content"] for row in stored] == [MINE]
    told = api.get(f"trail/?about={stored[0]['id']}").json()["results"]
    assert told[0]["act"] == "add"
    page = client.get(HOME)
    assert client.post(HOME, {"do": "reset", "version": version_of(page), "content": "{}"}).status_code == 302
    assert api.get("layouts/?type=accounts").json()["results"] == []
    bad = client.post(HOME, {"do": "save", "version": "", "content": json.dumps({"tabs": [{"sections": [{"items": [{"field": "x"}]}]}]})})
    assert bad.status_code == 422
    assert "There is no “x” to place here." in bad.content.decode()


def test_two_people_at_once(company, alice, api, client_for):
    zoe = people.new_user("Zoe", "admin")
    first, second = client_for(alice), client_for(zoe)
    opened = version_of(first.get(HOME))
    assert second.post(HOME, {"do": "save", "version": version_of(second.get(HOME)), "content": json.dumps(THEIRS)}).status_code == 302
    refused = first.post(HOME, {"do": "save", "version": opened, "content": json.dumps(MINE)})
    assert refused.status_code == 412
    text = refused.content.decode()
    assert "Zoe" in text
    assert "&quot;Mine&quot;" in text, "what was made is kept"
    assert [row["content"] for row in api.get("layouts/?type=accounts").json()["results"]] == [THEIRS]
    stale = first.post(HOME, {"do": "save", "version": opened or "0", "content": json.dumps(MINE)})
    assert stale.status_code == 412
    assert first.post(HOME, {"do": "save", "version": version_of(stale), "content": json.dumps(MINE)}).status_code == 302
    assert [row["content"] for row in api.get("layouts/?type=accounts").json()["results"]] == [MINE]
    gone = version_of(second.get(HOME))
    assert first.post(HOME, {"do": "reset", "version": version_of(first.get(HOME))}).status_code == 302
    late = second.post(HOME, {"do": "save", "version": gone, "content": json.dumps(THEIRS)})
    assert late.status_code == 409
    assert version_of(late) == ""
    assert second.post(HOME, {"do": "save", "version": "", "content": json.dumps(THEIRS)}).status_code == 302
    assert first.post(HOME, {"do": "reset", "version": version_of(first.get(HOME))}).status_code == 302


@pytest.mark.parametrize("kind", ["page", "form"])
def test_the_preview_is_the_real_thing_and_saves_nothing(company, alice, api, client_for, kind):
    ident = api.post("accounts/", {"name": "Shown Ltd", "city": "Bonn", "phone": "+49 228 4711"}).json()["id"]
    client = client_for(alice)
    said = {"tabs": [{"label": "Only", "sections": [{"label": "One section", "items": [{"field": "phone"}]}]}]}
    page = client.post(f"{HOME}preview/?record={ident}&as={kind}", {"content": json.dumps(said)})
    assert page.status_code == 200
    assert page.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in client.get(HOME).headers["Content-Security-Policy"]
    assert "One section" in page.content.decode()
    assert "<dd>Bonn<" not in page.content.decode()
    assert "value=\"Bonn\"" not in page.content.decode()
    assert api.get("layouts/?type=accounts").json()["results"] == []
    wrong = client.post(f"{HOME}preview/?record={ident}", {"content": "{"})
    assert wrong.status_code == 200
    assert "A layout" in wrong.content.decode()


@pytest.mark.parametrize("slug", ["accounts", "orders", "contacts", "activities", "users", "invoices"])
def test_every_type_can_be_laid_out(company, alice, client_for, slug):
    page = client_for(alice).get(f"/settings/layouts/{slug}/")
    assert page.status_code == 200
    assert str(registry.get(slug).plural) in page.content.decode()
