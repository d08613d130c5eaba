"""The rights of a role as a matrix of words people know: each type's sheet changes the grants of that type and no other."""

import re

import pytest

from core.models import Grant, Role
from tests import dealer, people


@pytest.fixture(scope="module")
def api(company, alice):
    program = people.api(alice, company)
    dealer.build(program)
    return program


@pytest.fixture
def client(alice, client_for):
    return client_for(alice)


@pytest.fixture
def role(api):
    grants = [
        {"type": "contacts", "actions": ["view", "change"], "scope": "own", "hidden": ["email"], "readonly": ["phone"]},
        {"type": "contacts", "actions": ["view"], "scope": "all", "hidden": ["email", "phone"]},
        {"type": "orders", "actions": ["view"], "scope": "all", "filter": ["status", "eq", "confirmed"]},
    ]
    made = api.post("roles/", {"name": f"Sellers {Role.objects.count()}", "grants": grants}).json()
    return Role.objects.get(pk=made["id"])


def grants(role, slug=None):
    rows = role.grants.filter(type=slug) if slug else role.grants.all()
    return [(g.type, sorted(g.actions), g.scope, g.filter, sorted(g.hidden), sorted(g.readonly)) for g in rows.order_by("position", "pk")]


def test_the_matrix_names_every_type_the_companys_own_among_them(client, role):
    told = client.get(f"/settings/roles/{role.pk}/").content.decode()
    for words in ("Vehicles", "Test drives", "Contacts", "Own records · Everything", "Everything"):
        assert words in told, words
    assert f'href="/settings/roles/{role.pk}/test-drives/"' in told
    assert f'href="/settings/roles/{role.pk}/"' in client.get(f"/roles/{role.pk}/").content.decode()


def test_a_type_gets_its_rights_by_checkboxes(client, role, company):
    before = grants(role)
    place = f"/settings/roles/{role.pk}/vehicles/"
    form = client.get(place).content.decode()
    assert re.search(r'value="view">\s*<span>View', form) and ">Price</label>" in form and ">Archive</span>" in form
    fields = {"new.field.price": "hidden", "new.field.vin": "readonly", "new.field.fuel": ""}
    sent = {"version": "1", "new.scope": "own", "new.actions": ["view", "add", "change"], **fields}
    assert client.post(place, sent)["Location"] == f"/settings/roles/{role.pk}/"
    assert grants(role, "vehicles") == [("vehicles", ["add", "change", "view"], "own", None, ["price"], ["vin"])]
    assert [g for g in grants(role) if g[0] != "vehicles"] == before
    again = client.get(place).content.decode()
    assert '<option value="hidden" selected' in again and re.search(r'value="add" checked', again)


def test_each_of_several_grants_is_changed_alone(client, role):
    first, second = role.grants.filter(type="contacts").order_by("position", "pk")
    place = f"/settings/roles/{role.pk}/contacts/"
    form = client.get(place).content.decode()
    assert "Grant 1" in form and "Grant 2" in form
    sent = {"version": "1", f"{first.pk}.scope": "unit", f"{first.pk}.actions": ["view"], f"{first.pk}.field.email": "hidden"}
    assert client.post(place, sent).status_code == 302
    assert grants(role, "contacts") == [("contacts", ["view"], "unit", None, ["email"], []), ("contacts", ["view"], "all", None, ["email", "phone"], [])]
    gone = {"version": "2", f"{second.pk}.scope": "all"}
    assert client.post(place, gone).status_code == 302
    assert grants(role, "contacts") == [("contacts", ["view"], "unit", None, ["email"], [])]


def test_a_filter_that_was_not_sent_is_kept(client, role):
    grant = role.grants.get(type="orders")
    place = f"/settings/roles/{role.pk}/orders/"
    assert ".filter.0.field" in client.get(place).content.decode()
    assert client.post(place, {"version": "1", f"{grant.pk}.scope": "own", f"{grant.pk}.actions": ["view", "confirm"]}).status_code == 302
    assert grants(role, "orders") == [("orders", ["confirm", "view"], "own", ["status", "eq", "confirmed"], [], [])]


def test_what_is_stale_or_too_much_or_nonsense_changes_nothing(client, role, api, client_for):
    place, before = f"/settings/roles/{role.pk}/vehicles/", Grant.objects.count()
    stale = client.post(place, {"version": "7", "new.scope": "own", "new.actions": ["view"]})
    assert stale.status_code == 412 and "nothing was saved" in stale.content.decode() and re.search('value="view" checked', stale.content.decode())
    refused = client.post(place, {"version": "1", "new.scope": "own", "new.actions": ["fly"]})
    assert refused.status_code == 422 and "There is no action “fly”." in refused.content.decode()
    assert client.post(place, {"version": "1", "new.scope": "galaxy", "new.actions": ["view"]}).status_code == 422
    assert client.get(f"/settings/roles/{role.pk}/nothing/").status_code == 404
    keeper = api.post("roles/", {"name": f"Keeper {before}", "grants": [{"type": "roles", "actions": ["view", "change"], "scope": "all"}]}).json()
    kim = people.new_user(f"Kim{before}")
    assert api.patch(f"users/{kim.pk}/", {"roles": [keeper["id"]]}, If_Match="*").status_code == 200
    more = client_for(kim).post(place, {"version": "1", "new.scope": "own", "new.actions": ["view"]})
    assert more.status_code == 422 and "You may not grant more than you may do yourself." in more.content.decode()
    assert Grant.objects.count() == before + 1, "the keeper's own"
    owner = Role.objects.get(key="owner")
    assert client.post(f"/settings/roles/{owner.pk}/*/", {"version": owner.version, "new.scope": "own", "new.actions": ["view"]}).status_code == 422


def test_who_may_not_change_roles_only_looks_or_finds_nothing(role, bob, carol, client_for, dave, other_company):
    assert client_for(bob).get(f"/settings/roles/{role.pk}/").status_code == 404
    looking = client_for(carol).get(f"/settings/roles/{role.pk}/")
    assert looking.status_code == 200 and f"/settings/roles/{role.pk}/contacts/" not in looking.content.decode()
    assert client_for(carol).get(f"/settings/roles/{role.pk}/contacts/").status_code == 403
    assert client_for(carol).post(f"/settings/roles/{role.pk}/contacts/", {"version": "1"}).status_code == 403
    assert client_for(dave, other_company).get(f"/settings/roles/{role.pk}/").status_code == 404


def test_a_condition_of_a_grant_is_built_and_taken_away(client, role):
    place = f"/settings/roles/{role.pk}/orders/"
    grant = role.grants.get(type="orders")
    form = client.get(place).content.decode()
    assert f'name="{grant.pk}.filter.0.field"' in form and "confirmed" in form
    key = str(grant.pk)
    stated = {"version": "1", f"{key}.scope": "all", f"{key}.actions": ["view"], f"{key}.filter.join": "all"}
    row = {f"{key}.filter.0.field": "status", f"{key}.filter.0.op": "eq", f"{key}.filter.0.value": "draft"}
    again = client.post(place, {**stated, **row, f"{key}.filter.do": "add:"})
    assert again.status_code == 200 and f'name="{key}.filter.1.field"' in again.content.decode()
    assert grants(role, "orders") == [("orders", ["view"], "all", ["status", "eq", "confirmed"], [], [])]
    assert client.post(place, {**stated, **row}).status_code == 302
    assert grants(role, "orders") == [("orders", ["view"], "all", ["status", "eq", "draft"], [], [])]
    assert client.post(place, {**stated, "version": "2"}).status_code == 302
    assert grants(role, "orders") == [("orders", ["view"], "all", None, [], [])]


def test_the_form_of_a_role_asks_for_its_name_and_leads_to_its_rights(client, role):
    form = client.get(f"/roles/{role.pk}/edit/").content.decode()
    assert 'name="name"' in form and "grants." not in form
    before = grants(role)
    assert client.post(f"/roles/{role.pk}/edit/", {"name": "Renamed sellers", "version": "1"}).status_code == 302
    assert grants(role) == before
    made = client.post("/roles/new/", {"name": "Fresh role"}, follow=True)
    assert f'href="/settings/roles/{Role.objects.get(name="Fresh role").pk}/"' in made.content.decode()
