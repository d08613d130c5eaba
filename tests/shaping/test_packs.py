"""Packs: the set-up of one company as a file, installed in another, compared, updated and taken away; nothing half done."""

import copy
import html
import re

import pytest

from core import access, context, packs
from core.models import CustomField, CustomObject, Grant, Pack
from tests import dealer, people


@pytest.fixture(scope="module")
def content(company, alice):
    """A car dealer's set-up, exported from the company that made it by hand."""
    api = people.api(alice, company)
    dealer.build(api)
    sales = api.get("roles/?name=Sales").json()["results"][0]
    grants = [{n: g[n] for n in ("id", "type", "actions", "scope")} for g in api.get(sales["url"]).json()["grants"]]
    answer = api.patch(sales["url"], {"grants": [*grants, {"type": "vehicles", "actions": ["view"], "scope": "all"}]}, sales["version"])
    assert answer.status_code == 200, answer.json()
    actor = access.actor_for(alice)
    chosen = [step.id for steps in packs.parts_of(actor).values() for step in steps]
    return packs.export(actor, {"key": "dealer", "name": "Car dealer", "names": {"zh-Hans": "汽车经销商"}}, chosen)


@pytest.fixture
def there():
    """A second company and its owner's API."""
    made = people.new_company()
    with context.bind(made):
        yield people.api(people.owner_of(made), made)


def plain(api) -> dict:
    """The set-up of a company as a pack has it."""
    actor = access.actor_for(people.owner_of(context.company()))
    return packs.export(actor, {"key": "x", "name": "x"}, [step.id for steps in packs.parts_of(actor).values() for step in steps])["parts"]


def test_what_is_installed_elsewhere_is_what_was_exported(content, there):
    answer = there.post("packs/", {"content": content})
    assert answer.status_code == 201, answer.json()
    assert plain(there) == content["parts"]
    assert Grant.objects.filter(role__key="sales", type="vehicles").count() == 1
    made = there.post("vehicles/", {"name": "Roadster", "vin": "1", "fuel": "petrol"})
    assert made.status_code == 201, made.json()
    again = there.post("packs/", {"content": content})
    assert again.status_code in (409, 422)
    assert Pack.objects.count() == 1


def test_uninstalling_leaves_nothing_but_the_data_and_installing_again_brings_it_back(content, there):
    pack = there.post("packs/", {"content": content}).json()
    car = there.post("vehicles/", {"name": "Roadster", "vin": "77"}).json()
    assert there.post(f"{pack['url']}uninstall/", {}).status_code == 200
    assert plain(there) == {}
    assert there.get("vehicles/").status_code == 404
    assert not Grant.objects.filter(type="vehicles").exists()
    assert there.post("packs/", {"content": content}).status_code == 201
    assert plain(there) == content["parts"]
    assert there.get(car["url"]).json()["vin"] == "77"


@pytest.mark.parametrize("key", list(packs.shipped()))
def test_each_shipped_pack_comes_goes_and_comes_again(key, there):
    """Its views go with its objects, and come back with them."""
    shipped = packs.shipped()[key]
    pack = there.post("packs/", {"content": shipped}).json()
    first = plain(there)
    assert first["saved-views"] and there.post(f"{pack['url']}uninstall/", {}).status_code == 200
    assert plain(there) == {}
    again = there.post("packs/", {"content": shipped})
    assert again.status_code == 201, again.json()
    assert plain(there) == first


def test_what_has_changed_since_is_named_and_stays(content, there):
    pack = there.post("packs/", {"content": content}).json()
    field = there.get("custom-fields/?key=fuel").json()["results"][0]
    assert there.patch(field["url"], {"label": "Propulsion"}, field["version"]).status_code == 200
    refused = there.post("packs/", {"content": content | {"key": "other"}})
    assert refused.status_code == 422
    assert "vehicles / fuel" in str(refused.json())
    taken = there.post("packs/", {"content": content | {"key": "other"}, "take": ["custom-fields:vehicles / fuel"]})
    assert taken.status_code == 201
    assert there.get(field["url"]).json()["label"] == "Fuel"
    other = taken.json()
    assert there.post(f"{other['url']}uninstall/", {}).status_code == 200
    assert there.get(field["url"]).json()["label"] == "Propulsion"
    assert there.get(pack["url"]).status_code == 200


def test_another_edition_adds_and_takes_away(content, there):
    pack = there.post("packs/", {"content": content}).json()
    newer = copy.deepcopy(content) | {"edition": 2}
    fields = newer["parts"]["custom-fields"]
    newer["parts"]["custom-fields"] = [f for f in fields if f["key"] != "rebate"] + [{"type": "vehicles", "key": "doors", "kind": "integer", "label": "Doors"}]
    answer = there.post(f"{pack['url']}update/", {"content": newer})
    assert answer.status_code == 200, answer.json()
    assert answer.json()["edition"] == 2
    keys = set(CustomField.objects.filter(type="vehicles", archived_at=None).values_list("key", flat=True))
    assert "doors" in keys
    assert "rebate" not in keys


FAULTS = {
    "no pack": lambda c: ["a", "list"],
    "a newer format": lambda c: c | {"odos_pack": 99},
    "no format": lambda c: c | {"odos_pack": 0},
    "an unknown type": lambda c: c | {"parts": {**c["parts"], "users": [{"email": "x@example.com"}]}},
    "an unknown field": lambda c: c | {"parts": {**c["parts"], "custom-objects": [{"key": "a", "label": "A", "plural": "A", "evil": 1}]}},
    "a kind nobody knows": lambda c: c | {"parts": {**c["parts"], "custom-fields": [{"type": "accounts", "key": "a", "kind": "magic", "label": "A"}]}},
    "the same part twice": lambda c: c | {"parts": {**c["parts"], "custom-objects": c["parts"]["custom-objects"] * 2}},
    "a role nobody has": lambda c: c | {"parts": {**c["parts"], "roles": [{"key": "nobody", "grants": [{"type": "vehicles", "actions": ["view"]}]}]}},
    "no name": lambda c: {k: v for k, v in c.items() if k != "name"},
    "parts that are no lists": lambda c: c | {"parts": {"custom-fields": {"a": 1}}},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_edited_by_hand_is_refused_whole(content, there, fault):
    answer = there.post("packs/", {"content": FAULTS[fault](copy.deepcopy(content))})
    assert answer.status_code == 422, answer.json()
    assert all(sentence[0].isupper() or sentence[0] in "“c" or ":" in sentence for found in answer.json()["errors"].values() for sentence in found)
    assert not CustomObject.objects.exists()
    assert not CustomField.objects.exists()
    assert not Pack.objects.exists()


SHIPPED = sorted(packs.shipped())


@pytest.mark.parametrize("key", SHIPPED)
def test_a_shipped_pack_installs_works_and_goes(there, key):
    answer = there.post("packs/", {"content": packs.shipped()[key]})
    assert answer.status_code == 201, answer.json()
    again = packs.plan(access.actor_for(people.owner_of(context.company())), packs.shipped()[key])
    assert [(step.id, step.fields) for step in again if step.state != "same"] == []
    for stated in packs.shipped()[key]["parts"]["custom-objects"]:
        assert there.get(f"{stated['key']}/").status_code == 200
    names, stated = _shown_names(answer.json()), packs.shipped()[key]["parts"]
    assert {"Sales", *(one["plural"] for one in stated["custom-objects"]), *(one["name"] for one in stated["kpis"])} <= set(names)
    assert not [name for name in names if " / " in name], "parts are called as people call them"
    assert there.post(f"{answer.json()['url']}uninstall/", {}).status_code == 200
    assert plain(there) == {}


def _shown_names(pack: dict) -> list[str]:
    """What the page of an installed pack calls its parts."""
    company = context.company()
    shown = people.signed_in(people.owner_of(company), company).get(f"/settings/packs/{pack['id']}/").content.decode()
    return [html.unescape(name).strip() for name in re.findall(r'<a href="/[^"]+"><span>([^<]+)', shown)]


def test_four_packs_are_offered_and_say_everything_in_both_languages():
    assert SHIPPED == ["car-dealer", "equipment-maker", "software-services", "trading"]
    for content in packs.shipped().values():
        assert content["names"]["zh-Hans"]
        assert content["abouts"]["zh-Hans"]
        for parts in content["parts"].values():
            assert all(values["labels"]["zh-Hans"] for values in parts if "label" in values)
