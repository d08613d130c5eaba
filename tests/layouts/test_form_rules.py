"""Rules of forms are kept by the server: what is shown, required and locked is the same by every door."""

import pytest

from tests import people

BIG = ["payment_days", "gte", 60]


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


def rule(api, effect, fields, condition, **more):
    made = api.post("form-rules/", {"type": "accounts", "name": f"{effect} {fields}", "effect": effect, "fields": fields, "condition": condition, **more})
    assert made.status_code == 201, made.json()
    return made.json()


def drop(api, made):
    assert api.delete(f"form-rules/{made['id']}/", version=made["version"]).status_code == 204


def test_a_rule_requires(api):
    made = rule(api, "require", ["tax_id"], BIG)
    assert api.post("accounts/", {"name": "Short", "payment_days": 30}).status_code == 201
    refused = api.post("accounts/", {"name": "Long", "payment_days": 90})
    assert refused.status_code == 422
    assert list(refused.json()["errors"]) == ["tax_id"]
    account = api.post("accounts/", {"name": "Long", "payment_days": 90, "tax_id": "DE1"}).json()
    assert list(api.patch(f"accounts/{account['id']}/", {"tax_id": ""}, version=1).json()["errors"]) == ["tax_id"]
    assert api.patch(f"accounts/{account['id']}/", {"tax_id": "", "payment_days": 14}, version=1).status_code == 200
    batch = api.post("accounts/batch/", [{"name": "A"}, {"name": "B", "payment_days": 61}])
    assert list(batch.json()["errors"]) == ["1.tax_id"]
    drop(api, made)
    assert api.post("accounts/", {"name": "Long again", "payment_days": 90}).status_code == 201


def test_a_rule_locks_by_what_stood_there_before(api):
    made = rule(api, "lock", ["tax_id"], BIG)
    account = api.post("accounts/", {"name": "New", "payment_days": 90, "tax_id": "DE1"}).json()
    refused = api.patch(f"accounts/{account['id']}/", {"tax_id": "DE2", "payment_days": 10}, version=1)
    assert refused.status_code == 422, "the lock held before the change"
    assert list(refused.json()["errors"]) == ["tax_id"]
    same = api.patch(f"accounts/{account['id']}/", {"tax_id": "DE1", "phone": "+49 228 12345"}, version=1)
    assert same.status_code == 200, same.json()
    assert api.patch(f"accounts/{account['id']}/", {"payment_days": 10}, version=2).status_code == 200
    assert api.patch(f"accounts/{account['id']}/", {"tax_id": "DE2", "payment_days": 80}, version=3).status_code == 200
    drop(api, made)


def test_what_is_not_shown_is_neither_asked_nor_changed(api):
    own = api.post("custom-fields/", {"type": "accounts", "key": "credit_note", "kind": "text", "label": "Credit note", "required": True, "default": "none"})
    assert own.status_code == 201, own.json()
    assert api.patch(own.json()["url"], {"default": None}, 1).status_code == 200, "records that were there have one now; new ones need it"
    made = rule(api, "show", ["tax_id", "credit_note"], {"any": [BIG, ["country", "eq", "DE"]]})
    assert api.post("accounts/", {"name": "Hidden"}).status_code == 201, "what is not shown is not required"
    refused = api.post("accounts/", {"name": "Hidden", "tax_id": "X"})
    assert list(refused.json()["errors"]) == ["tax_id"]
    assert list(api.post("accounts/", {"name": "Shown", "country": "DE"}).json()["errors"]) == ["credit_note"]
    account = api.post("accounts/", {"name": "Shown", "country": "DE", "credit_note": "ok", "tax_id": "DE1"}).json()
    kept = api.patch(f"accounts/{account['id']}/", {"country": "FR"}, version=1)
    assert kept.status_code == 200
    assert kept.json()["tax_id"] == "DE1", "its value is not changed"
    assert list(api.patch(f"accounts/{account['id']}/", {"tax_id": "FR1"}, version=2).json()["errors"]) == ["tax_id"]
    drop(api, made)
    field = own.json()
    assert api.post(f"custom-fields/{field['id']}/archive/").status_code == 200


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"fields": ["name"], "effect": "show"}, "fields"),
        ({"fields": ["nothing"]}, "fields"),
        ({"fields": "tax_id"}, "fields"),
        ({"fields": []}, "fields"),
        ({"fields": ["country"], "effect": "show"}, "fields"),
        ({"condition": ["nothing", "eq", 1]}, "condition"),
        ({"condition": None}, "condition"),
        ({"type": "facts"}, "type"),
        ({"effect": "paint"}, "effect"),
    ],
    ids=str,
)
def test_a_rule_that_makes_no_sense_is_refused_in_a_sentence(api, said, where):
    good = {"type": "accounts", "name": "Odd", "effect": "require", "fields": ["tax_id"], "condition": ["country", "eq", "DE"]}
    refused = api.post("form-rules/", {**good, **said})
    assert refused.status_code == 422
    assert where in refused.json()["errors"], refused.json()


def test_a_field_goes_only_after_the_rules_about_it(api):
    own = api.post("custom-fields/", {"type": "contacts", "key": "nick", "kind": "text", "label": "Nick"}).json()
    made = api.post("form-rules/", {"type": "contacts", "name": "n", "effect": "show", "fields": ["title"], "condition": ["nick", "eq", "Bo"]}).json()
    assert list(api.post("contacts/", {"name": "Ann", "title": "Dr"}).json()["errors"]) == ["title"]
    assert api.post(f"custom-fields/{own['id']}/archive/").status_code == 422
    drop(api, made)
    assert api.post(f"custom-fields/{own['id']}/archive/").status_code == 200
    assert api.post("contacts/", {"name": "Ann", "title": "Dr"}).status_code == 201


def test_every_type_has_its_rules(api):
    """A rule may be about a reference followed, and about an object of the company's own."""
    api.post("custom-objects/", {"key": "test-drives", "label": "Test drive", "plural": "Test drives"})
    for field in ({"key": "contact", "kind": "ref", "label": "Contact", "target": "contacts"}, {"key": "why", "kind": "text", "label": "Why"}):
        assert api.post("custom-fields/", {"type": "test-drives", **field}).status_code == 201
    said = {"type": "test-drives", "name": "why", "effect": "require", "fields": ["why"], "condition": ["contact.title", "eq", "Dr"]}
    assert api.post("form-rules/", said).status_code == 201
    doctor, other = (api.post("contacts/", {"name": "Ann", "title": title}).json()["id"] for title in ("Dr", ""))
    assert api.post("test-drives/", {"name": "One", "contact": other}).status_code == 201
    assert list(api.post("test-drives/", {"name": "Two", "contact": doctor}).json()["errors"]) == ["why"]
