"""A company's own objects: each is a type like every other, on every page and in the API, and nobody else's."""

import re

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from core import access, context, doctor, door, limits, registry, schema, write
from core.models import CustomField, CustomObject, CustomRecord, TrailEntry
from tests import dealer, factories, people


@pytest.fixture(scope="module")
def api(company, alice):
    """The owner's program, at a company that has the car dealer's objects."""
    program = people.api(alice, company)
    dealer.build(program)
    return program


@pytest.fixture(scope="module")
def drive(api):
    return factories.make("test-drives", api)


def page(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


# A type like every other --------------------------------------------------------------------------------------------


def test_an_object_is_a_type_like_every_other(api, alice, client_for):
    contact, car = factories.make("contacts", api, name="Ann Lee"), factories.make("vehicles", api, name="The blue one", price="31000")
    stated = {"name": "Ann in the blue one", "contact": contact["id"], "vehicle": car["id"], "stage": "planned"}
    made = api.post("test-drives/", stated)
    assert made.status_code == 201, made.json()
    assert made.json()["contact"]["label"] == "Ann Lee"
    listed = api.get("test-drives/?stage=planned&contact.name=Ann Lee&vehicle.price__gt=30000").json()
    assert [r["id"] for r in listed["results"]] == [made.json()["id"]]
    assert api.get("vehicles/?sum=price&name=The blue one").json()["sums"] == {"price": "31000.00"}
    client, place = client_for(alice), f"/test-drives/{made.json()['id']}/"
    for path in ("/test-drives/", place, f"{place}edit/", f"{place}?tab=history"):
        assert "Ann" in page(client, path), path
    assert "Ann in the blue one" in page(client, "/search/?q=blue one")
    assert {"label": "Ann in the blue one", "icon": "road"}.items() <= client.get("/search/?q=blue one&format=json").json()["results"][-1].items()


def test_its_names_are_in_the_readers_language(api, company, client_for):
    chinese = people.new_user("Wei", "owner", language="zh-hans")
    told = page(client_for(chinese), "/test-drives/")
    assert "<h1>试驾</h1>" in told and "<h1>Test drives</h1>" not in told


def test_a_new_name_is_everywhere_at_once_and_the_key_stays(api, alice, client_for):
    row = CustomObject.objects.get(key="vehicles")
    refused = api.patch(f"custom-objects/{row.pk}/", {"key": "cars"}, row.version)
    assert refused.status_code == 422 and "key" in refused.json()["errors"]
    assert api.patch(f"custom-objects/{row.pk}/", {"plural": "Motor cars", "icon": "car"}, row.version).status_code == 200
    client = client_for(alice)
    for path in ("/vehicles/", "/", "/roles/new/", "/custom-fields/new/"):
        assert "Motor cars" in page(client, path), path
    assert api.get("schema/").json()["paths"]["/vehicles/"]["get"]["tags"] == ["vehicles"]
    assert "Motor cars" in {t["description"] for t in api.get("schema/").json()["tags"]}
    assert api.patch(f"custom-objects/{row.pk}/", {"plural": "Vehicles"}, row.version + 1).status_code == 200


def test_another_company_does_not_know_it(api, other_company, dave, api_for, client_for):
    assert api.get("test-drives/").status_code == 200
    assert api_for(dave, other_company).get("test-drives/").status_code == 404
    assert client_for(dave, other_company).get("/test-drives/").status_code == 404
    with context.bind(people.new_company()):
        assert "test-drives" not in [t.slug for t in registry.every()]


def test_what_types_there_are_is_asked_once_for_each_edition_of_the_setup(api, alice, client_for):
    """Of a company without any such object by one query, and the one for the edition."""
    client = client_for(alice)
    page(client, "/accounts/")
    with CaptureQueriesContext(connections["default"]) as seen:
        page(client, "/accounts/")
    assert not [q["sql"] for q in seen.captured_queries if "core_customobject" in q["sql"] or "core_customfield" in q["sql"]]
    with context.bind(people.new_company()), context.remembering(), CaptureQueriesContext(connections["default"]) as seen:
        registry.every(), registry.get("nothing-of-the-kind"), registry.every()
    assert len([q for q in seen.captured_queries if q["sql"].startswith("SELECT")]) == 2


def test_numbers_of_a_title_run_without_gaps(api):
    stated = {"key": "repairs", "label": "Repair", "plural": "Repairs", "pattern": "R-{year}-{000}"}
    assert api.post("custom-objects/", stated).status_code == 201
    made = api.post("repairs/batch/", [{}, {}]).json()["results"] + [api.post("repairs/", {}).json()]
    assert [re.fullmatch(r"R-\d{4}-(\d{3})", r["name"])[1] for r in made] == ["001", "002", "003"]
    assert api.post("repairs/", {"name": "Mine"}).status_code == 422
    assert api.delete(made[0]["url"], 1).status_code == 204  # and so a series of a company's own may have gaps


# Relations ----------------------------------------------------------------------------------------------------------


def test_what_a_record_is_named_by_stands_on_its_page(api, drive, alice, client_for):
    client = client_for(alice)
    for slug, name in (("contacts", "contact"), ("vehicles", "vehicle"), ("opportunities", "opportunity")):
        ident = drive[name]["id"]
        told = page(client, f"/{slug}/{ident}/")
        assert re.search(rf'href="/{slug}/{ident}/\?tab=test-drives"[^>]*>\s*Test drives\s*<span class="count">1', told), slug
        assert f'href="/test-drives/{drive["id"]}/"' in told, "its timeline tells of the test drive"
        tab = page(client, f"/{slug}/{ident}/?tab=test-drives")
        assert drive["name"] in tab and f'href="/test-drives/new/?{name}={ident}"' in tab
        assert f'<option value="{ident}" selected' in page(client, f"/test-drives/new/?{name}={ident}")


def test_two_references_of_one_type_are_two_tabs(api, alice, client_for):
    own = {"type": "test-drives", "key": "second_driver", "kind": "ref", "label": "Second driver", "target": "contacts"}
    assert api.post("custom-fields/", own).status_code == 201
    contact = factories.make("contacts", api)["id"]
    factories.make("test-drives", api, second_driver=contact)
    client = client_for(alice)
    assert "Test drives: Second driver" in page(client, f"/contacts/{contact}/")
    assert re.search("/test-drives/[0-9a-f-]{36}/", page(client, f"/contacts/{contact}/?tab=test-drives.second_driver"))
    assert len(re.findall("/test-drives/[0-9a-f-]{36}/", page(client, f"/contacts/{contact}/"))) == 1


def test_who_may_not_see_the_object_sees_no_trace_of_it(api, drive, company, client_for):
    role = api.post("roles/", {"name": "Contacts only", "grants": [{"type": "contacts", "actions": ["view"], "scope": "all"}]}).json()
    nina = people.new_user("Nina")
    assert api.patch(f"users/{nina.pk}/", {"roles": [role["id"]]}, If_Match="*").status_code == 200
    told = page(client_for(nina), f"/contacts/{drive['contact']['id']}/")
    assert "Test drive" not in told and drive["name"] not in told and drive["id"] not in told
    program = people.api(nina, company)
    assert program.get("test-drives/").status_code == 403 and program.get(drive["url"]).status_code == 404
    assert "test-drives" not in program.get("").json()
    assert "/test-drives/" not in program.get("schema/").json()["paths"]


def test_what_is_pointed_to_is_archived_and_never_lost(api, drive):
    car = drive["vehicle"]["id"]
    assert api.delete(f"vehicles/{car}/", 1).status_code == 204
    assert api.get(f"vehicles/{car}/").json()["archived_at"], "a test drive names it"
    assert api.get(drive["url"]).json()["vehicle"]["label"]
    free = factories.make("vehicles", api)
    assert api.delete(free["url"], 1).status_code == 204 and api.get(free["url"]).status_code == 404


def test_what_a_record_of_an_archived_object_names_stays_as_well(api):
    made = factories.make("test-drives", api)
    row = CustomObject.objects.get(key="test-drives")
    assert api.post(f"custom-objects/{row.pk}/archive/").status_code == 200
    assert api.delete(f"contacts/{made['contact']['id']}/", 1).status_code == 204
    assert api.get(f"contacts/{made['contact']['id']}/").json()["archived_at"]
    assert api.post(f"custom-objects/{row.pk}/restore/").status_code == 200
    assert api.get(made["url"]).json() == made


# The board ----------------------------------------------------------------------------------------------------------


def test_a_card_is_moved_by_a_plain_change_with_its_version(api, alice, client_for):
    made, client = factories.make("test-drives", api, stage="planned"), client_for(alice)
    board = page(client, "/test-drives/?view=board")
    assert made["name"] in board and "data-mover" in board and f'href="/test-drives/{made["id"]}/to/?next=' in board
    sent = {"id": made["id"], "value": "driven", "version": "1"}
    assert client.post("/test-drives/?view=board", sent).status_code == 302
    after = api.get(made["url"]).json()
    assert (after["stage"], after["version"]) == ("driven", 2)
    stale = client.post("/test-drives/?view=board", sent | {"value": "dropped"})
    assert stale.status_code == 412 and api.get(made["url"]).json()["stage"] == "driven"
    nonsense = client.post("/test-drives/?view=board", sent | {"value": "stolen", "version": "2"})
    assert nonsense.status_code == 422 and api.get(made["url"]).json() == after


def test_any_choice_of_a_type_makes_a_board(api, alice, client_for):
    """A shipped type as well, by a choice of the company's own."""
    options = [{"key": "hot", "label": "Hot"}, {"key": "cold", "label": "Cold"}]
    own = {"type": "contacts", "key": "interest", "kind": "choice", "label": "Interest", "options": options}
    assert api.post("custom-fields/", own).status_code == 201
    made, client = factories.make("contacts", api, interest="hot"), client_for(alice)
    address = "/contacts/?view=board&by-field=interest"
    assert made["name"] in page(client, address)
    assert client.post(address, {"id": made["id"], "value": "cold", "version": "1"}).status_code == 302
    assert api.get(made["url"]).json()["interest"] == "cold"
    assert "data-board" not in page(client, "/contacts/?view=board&by-field=name")


def test_who_may_only_look_moves_nothing(api, company, client_for):
    reader = people.new_user("Rita", "read-only")
    made = factories.make("test-drives", api, stage="planned")
    board = page(client_for(reader), "/test-drives/?view=board")
    assert made["name"] in board and "data-mover" not in board
    answer = client_for(reader).post("/test-drives/?view=board", {"id": made["id"], "value": "driven", "version": "1"})
    assert answer.status_code == 403 and api.get(made["url"]).json() == made


# Whose records they are ---------------------------------------------------------------------------------------------


def rows():
    return {(r.pk, r.object, r.version, str(r.custom), r.archived_at) for r in CustomRecord.objects.all()}, TrailEntry.objects.count()


def test_a_record_of_one_object_is_nothing_under_another(api, drive, alice, client_for):
    """Z-03: page, API, acts, references, filters, import."""
    car, client = factories.make("vehicles", api), client_for(alice)
    before = rows()
    for slug, ident in (("test-drives", car["id"]), ("vehicles", drive["id"]), ("repairs", car["id"]), ("contacts", car["id"])):
        for path in ("", "edit/", "delete/", "archive/", "restore/", "?tab=history", "pdf/"):
            assert client.get(f"/{slug}/{ident}/{path}").status_code == 404, (slug, path)
        for path in ("edit", "delete", "archive"):
            assert client.post(f"/{slug}/{ident}/{path}/", {"version": "1", "whole": "1", "name": "Taken"}).status_code == 404
        assert api.get(f"{slug}/{ident}/").status_code == 404
        assert api.patch(f"{slug}/{ident}/", {"name": "Taken"}, 1).status_code == 404
        assert api.delete(f"{slug}/{ident}/", 1).status_code == 404
        assert api.post(f"{slug}/{ident}/archive/").status_code == 404
        assert api.get(f"{slug}/?id={ident}").json()["results"] == []
        assert client.get(f"/lookup/{slug}/?id={ident}").json()["results"] == []
    assert client.post("/test-drives/?view=board", {"id": car["id"], "value": "driven", "version": "1"}).status_code in (404, 409)
    refused = api.post("test-drives/", dealer.test_drive(drive["contact"]["id"], drive["id"]))
    assert refused.status_code == 422 and refused.json()["errors"]["vehicle"]
    refused = api.post("test-drives/", dealer.test_drive(car["id"], car["id"]))
    assert refused.status_code == 422 and refused.json()["errors"]["contact"]
    refused = api.post("vehicles/", dealer.vehicle() | {"id": drive["id"]})
    assert refused.status_code == 409
    refused = api.post("activities/", {"kind": "call", "subject": "X", "about": {"type": "vehicles", "id": drive["id"]}})
    assert refused.status_code == 422
    assert rows() == before


def test_grants_of_every_scope_are_kept(api, company):
    """Own, unit, subtree and all, by the owner of the record."""
    north = api.post("org-units/", {"name": "North"}).json()["id"]
    south = api.post("org-units/", {"name": "South", "parent": north}).json()["id"]
    seen = {}
    people_of = {}
    for scope, unit in (("own", south), ("unit", south), ("subtree", north), ("all", south)):
        grants = [{"type": "vehicles", "actions": ["view", "add", "change"], "scope": scope, "hidden": ["price"]}]
        role = api.post("roles/", {"name": f"Cars {scope}", "grants": grants}).json()["id"]
        user = people.new_user(f"Seller{scope}", unit=unit)
        assert api.patch(f"users/{user.pk}/", {"roles": [role]}, If_Match="*").status_code == 200
        people_of[scope] = people.api(user, company)
    made = {scope: program.post("vehicles/", {"name": f"Of {scope}", "vin": f"SCOPE{scope}"}).json()["id"] for scope, program in people_of.items()}
    for scope, program in people_of.items():
        found = program.get("vehicles/?limit=200&q=Of").json()["results"]
        seen[scope] = {r["id"] for r in found} & set(made.values())
        assert all("price" not in r for r in found)
        assert program.get("vehicles/?price__gt=1").status_code == 422
    assert seen["own"] == {made["own"]}
    assert seen["unit"] == {made["own"], made["unit"], made["all"]}
    assert seen["subtree"] == seen["all"] == set(made.values())
    stranger = next(i for s, i in made.items() if s == "subtree")
    assert people_of["own"].patch(f"vehicles/{stranger}/", {"name": "Taken"}, 1).status_code == 404
    given = people_of["own"].patch(f"vehicles/{made['own']}/", {"owner": str(people.owner_of(company).pk)}, 1)
    assert given.status_code == 422 and given.json()["errors"]["owner"]


# Set-up -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "given"), [
    ("key", {"key": "accounts"}), ("key", {"key": "settings"}), ("key", {"key": "Cars"}), ("key", {"key": "a b"}), ("key", {"key": "ä"}),
    ("key", {"key": "-a"}), ("key", {"key": "vehicles"}),
    ("pattern", {"pattern": "R-{000"}), ("pattern", {"pattern": "{month}-{000}"}), ("pattern", {"pattern": "R"}),
    ("plurals", {"plurals": ["x"]}), ("labels", {"labels": {"zh-Hans": 1}}), ("label", {"label": ""}), ("plural", {"plural": "x" * 81}),
    ("columns", {"columns": ["nothing"]}), ("columns", {"columns": "name"}), ("board", {"board": "name"}),
])  # fmt: skip
def test_what_makes_no_object_is_refused_with_a_sentence(api, name, given):
    before = CustomObject.objects.count(), TrailEntry.objects.count()
    answer = api.post("custom-objects/", {"key": "fresh", "label": "Fresh", "plural": "Freshes", **given})
    assert answer.status_code == 422 and list(answer.json()["errors"]) == [name] and answer.json()["errors"][name][0]
    assert (CustomObject.objects.count(), TrailEntry.objects.count()) == before


@pytest.mark.parametrize("name", ["试驾", 'The "big" one', "x" * 80, "<script>alert(1)</script>", "{{ 7*7 }}", "O'Neill & Søn"])
def test_names_of_any_sort(api, alice, client_for, name):
    key = f"any-{CustomObject.objects.count()}"
    made = api.post("custom-objects/", {"key": key, "label": name, "plural": name})
    assert made.status_code == 201 and made.json()["plural"] == name
    told = page(client_for(alice), f"/{key}/")
    assert "<script>alert" not in told and "49" not in re.findall("<h1>(.*?)</h1>", told)[0]
    assert api.post(f"custom-objects/{made.json()['id']}/archive/").status_code == 200


def test_an_archived_object_is_gone_and_comes_back_with_all_it_had(api, drive, alice, client_for):
    row, client, before = CustomObject.objects.get(key="test-drives"), client_for(alice), rows()[0]
    fields = list(CustomField.objects.filter(type="test-drives").values_list("pk", flat=True))
    assert api.delete(f"custom-objects/{row.pk}/", row.version).status_code == 204
    for path in ("/test-drives/", f"/test-drives/{drive['id']}/", "/test-drives/new/", "/test-drives/import/", "/lookup/test-drives/"):
        assert client.get(path).status_code == 404, path
    assert api.get("test-drives/").status_code == 404 and api.post("test-drives/", {"name": "X"}).status_code == 404
    assert "/test-drives/" not in page(client, "/") and drive["id"] not in page(client, f"/search/?q={drive['name']}")
    assert drive["name"] not in page(client, f"/contacts/{drive['contact']['id']}/")
    assert page(client, f"/vehicles/{drive['vehicle']['id']}/")
    assert rows()[0] == before
    assert api.post(f"custom-objects/{row.pk}/restore/").status_code == 200
    assert api.get(drive["url"]).json()["name"] == drive["name"] and drive["id"] in page(client, f"/search/?q={drive['name']}")
    assert list(CustomField.objects.filter(type="test-drives").values_list("pk", flat=True)) == fields
    assert rows()[0] == before


def test_a_company_has_as_many_objects_as_its_limit_says(api, monkeypatch):
    monkeypatch.setitem(limits.SAFETY, "custom_objects", CustomObject.objects.filter(archived_at=None).count())
    refused = api.post("custom-objects/", {"key": "one-more", "label": "One", "plural": "Ones"})
    assert refused.status_code == 422 and "objects of your own are possible here" in str(refused.json())
    archived = CustomObject.objects.exclude(archived_at=None).first()
    refused = api.post(f"custom-objects/{archived.pk}/restore/")
    assert refused.status_code == 422 and CustomObject.objects.get(pk=archived.pk).archived_at


def test_the_doctor_finds_the_books_sound(api, drive):
    """Own records are what their trail says; a company's own numbering is no series of documents."""
    report = doctor.examine(only=[name for name in doctor.checks if name != "figures"])
    assert {result.name: result.found or result.error for result in report.results if result.differences or result.error} == {}


def test_columns_that_nobody_chose_are_the_first_fields(api):
    with context.remembering():
        made = registry.get("vehicles")
        assert made.columns == ("name", "vin", "fuel", "price", "mileage", "owner") and made.board == "fuel"
        assert {*made.columns} <= {*schema.fields(made)}
    actor = access.system("tests")
    row = CustomObject.objects.get(key="vehicles")
    door.writing(lambda: write.change(actor, registry.get("custom-objects"), row.pk, {"columns": ["name", "price"]}, row.version))
    with context.remembering():
        assert registry.get("vehicles").columns == ("name", "price", "owner")
def test_a_unique_field_is_unique_within_its_object(api):
    own = {"type": "test-drives", "key": "vin", "kind": "text", "label": "VIN", "unique": True}
    assert api.post("custom-fields/", own).status_code == 201
    car = factories.make("vehicles", api)
    assert factories.make("test-drives", api, vin=car["vin"])["vin"] == car["vin"]
    again = api.post("vehicles/", dealer.vehicle() | {"vin": car["vin"]})
    assert again.status_code == 422 and again.json()["errors"]["vin"]


