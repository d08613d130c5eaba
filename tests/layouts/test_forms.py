"""Forms that change while they are filled in: what the server says is shown, required, locked and offered now."""

import re

import pytest

from tests import people


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


@pytest.fixture(scope="module")
def shaped(api):
    def rule(effect, fields, condition):
        made = api.post("form-rules/", {"type": "contacts", "name": effect, "effect": effect, "fields": fields, "condition": condition})
        assert made.status_code == 201, made.json()

    rule("show", ["mobile"], ["title", "eq", "Dr"])
    rule("require", ["email"], ["title", "eq", "Dr"])
    rule("lock", ["phone"], ["title", "eq", "Locked"])


def was(text):
    return dict(re.findall(r'name="(was\.[a-z_]+)" value="([^"]*)"', text))


def test_the_form_asks_only_for_what_is_shown(company, alice, api, shaped, client_for):
    client = client_for(alice)
    blank = client.get("/contacts/new/").content.decode()
    assert 'name="mobile"' not in blank
    assert 'hx-post="/live/contacts/"' in blank
    sent = {"whole": "1", "name": "Ann", "title": "Dr", "email": "", **was(blank)}
    live = client.post("/live/contacts/", sent)
    assert live.status_code == 200
    text = live.content.decode()
    assert 'name="mobile"' in text
    assert 'hx-swap-oob="outerHTML"' in text
    assert re.search(r'name="email"[^>]* required', text)
    assert 'name="phone"' not in text, "what is as it was is not sent again"
    assert "Look at these fields again" in text
    again = client.post("/live/contacts/", {**sent, **was(text)}).content.decode()
    assert "field-" not in again, "nothing differs any more"


def test_the_form_saves_what_the_rules_allow(company, alice, api, shaped, client_for):
    client = client_for(alice)
    blank = client.get("/contacts/new/").content.decode()
    ident = re.search(r'name="id" value="([^"]+)"', blank)[1]
    refused = client.post("/contacts/new/", {"whole": "1", "id": ident, "name": "Ann", "title": "Dr"})
    assert refused.status_code == 422
    assert "required in a record like this" in refused.content.decode()
    made = client.post("/contacts/new/", {"whole": "1", "id": ident, "name": "Ann", "title": "Dr", "email": "a@example.com", "mobile": "+49 170 1"})
    assert made.status_code == 302
    stored = api.get(f"contacts/{ident}/").json()
    assert stored["mobile"]
    sent = {"whole": "1", "version": "1", "name": "Ann", "title": "Ms", "email": "a@example.com", "mobile": "+49 170 2"}
    changed = client.post(f"/contacts/{ident}/edit/", sent)
    assert changed.status_code == 302, "what is no longer shown is not written"
    assert api.get(f"contacts/{ident}/").json()["mobile"] == stored["mobile"]


def test_a_locked_field_stands_there_and_is_not_sent(company, alice, api, shaped, client_for):
    client = client_for(alice)
    made = api.post("contacts/", {"name": "Bo", "title": "Locked", "phone": "+49 228 99"}).json()
    form = client.get(f"/contacts/{made['id']}/edit/").content.decode()
    assert re.search(r'name="phone"[^>]* readonly', form)
    sent = {"whole": "1", "version": "1", "name": "Bo", "title": "Free", "phone": "+49 228 11"}
    assert client.post(f"/contacts/{made['id']}/edit/", sent).status_code == 302
    assert api.get(f"contacts/{made['id']}/").json()["phone"] == made["phone"]


def test_options_and_layout_follow_the_record_type(company, alice, api, client_for):
    for key, label in (("firm", "Firm"), ("person", "Person")):
        kept = {"roles": ["customer", "prospect"]} if key == "firm" else {}
        assert api.post("record-types/", {"type": "accounts", "key": key, "label": label, "choices": kept, "is_default": key == "firm"}).status_code == 201
    for sort, name in (("firm", "tax_id"), ("person", "phone")):
        content = {"tabs": [{"sections": [{"items": [{"field": "name"}, {"field": "record_type"}, {"field": "roles"}, {"field": name}]}]}]}
        assert api.post("layouts/", {"type": "accounts", "record_type": sort, "content": content}).status_code == 201
    client = client_for(alice)
    firm = client.get("/accounts/new/").content.decode()
    assert 'name="tax_id"' in firm
    assert 'value="supplier"' not in firm
    person = client.get("/accounts/new/?record_type=person").content.decode()
    assert 'name="phone"' in person
    assert 'value="supplier"' in person
    sent = {"whole": "1", "name": "Typed", "record_type": "person", **was(firm)}
    live = client.post("/live/accounts/", sent).content.decode()
    assert 'id="form-body"' in live, "another sort is laid out anew"
    assert 'name="phone"' in live
    assert 'value="Typed"' in live


def test_rules_are_made_without_json(company, alice, api, client_for):
    client = client_for(alice)
    blank = client.get("/form-rules/new/?type=contacts").content.decode()
    assert 'name="condition.do"' in blank
    assert 'name="fields.names"' in blank
    ident = re.search(r'name="id" value="([^"]+)"', blank)[1]
    sent = {
        "whole": "1", "id": ident, "type": "contacts", "name": "By hand", "effect": "require", "active": "true",
        "condition.shape": "condition", "condition.join": "all", "condition.0.field": "title", "condition.0.op": "eq", "condition.0.value": "Prof",
        "fields.shape": "names", "fields.names": ["email", "phone"],
    }  # fmt: skip
    made = client.post("/form-rules/new/", sent)
    assert made.status_code == 302, made.content.decode()
    stored = api.get(f"form-rules/{ident}/").json()
    assert stored["condition"] == ["title", "eq", "Prof"]
    assert stored["fields"] == ["email", "phone"]
    page = client.get(f"/form-rules/{ident}/").content.decode()
    assert "&quot;title&quot;" not in page
    assert "Prof" in page
    edit = client.get(f"/form-rules/{ident}/edit/").content.decode()
    assert 'value="Prof"' in edit
    other = client.post("/live/form-rules/", {"whole": "1", "type": "orders", **was(blank)}).content.decode()
    assert 'value="requested_date"' in other, "another type has other fields"


def test_record_types_are_made_without_json(company, alice, api, client_for):
    client = client_for(alice)
    blank = client.get("/record-types/new/?type=leads").content.decode()
    assert 'name="labels.zh-Hans"' in blank
    ident = re.search(r'name="id" value="([^"]+)"', blank)[1]
    sent = {"whole": "1", "id": ident, "type": "leads", "key": "web", "label": "Web", "labels.shape": "words", "labels.zh-Hans": "网络"}
    sent["choices.shape"] = "options"
    assert client.post("/record-types/new/", sent).status_code == 302
    stored = api.get(f"record-types/{ident}/").json()
    assert stored["labels"] == {"zh-Hans": "网络"}
    assert stored["choices"] == {}
