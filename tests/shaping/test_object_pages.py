"""Objects made in the browser, without a script: one sheet makes the object and gives the rights; archived and restored, never deleted."""

import re
from html import unescape
from pathlib import Path

import pytest
from django.utils import translation

from core import objects
from core.models import CustomObject, CustomRecord, Grant, Role, TrailEntry
from core.views import icons
from tests import people

NEW = "/settings/objects/new/"


@pytest.fixture
def client(alice, client_for):
    return client_for(alice)


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


def made(client, **sent):
    answer = client.post(NEW, {"label": "Test drive", **sent})
    assert answer.status_code == 302, answer.content.decode()[:2000]
    return CustomObject.objects.get(pk=answer["Location"].split("/")[3])


def errors(answer):
    return re.findall(r'class="error"[^>]*>.*?<span>(.*?)</span>', answer.content.decode(), re.S)


def test_a_name_is_enough(client):
    """Plural and key follow from it, every role works with it, and the page of its fields opens."""
    row = made(client)
    assert (row.plural, row.key, row.pattern) == ("Test drives", "test-drives", "")
    grants = {g.role.key: (g.scope, "change" in g.actions) for g in Grant.objects.filter(type="test-drives").select_related("role")}
    everything = {r.key for r in Role.objects.filter(grants__type="*")}
    assert grants == {r.key: ("all", True) for r in Role.objects.all() if r.key not in everything} and grants
    told = client.get(f"/settings/objects/{row.pk}/").content.decode()
    assert f'href="/custom-fields/new/?type=test-drives&amp;next=/settings/objects/{row.pk}/"' in told
    assert client.get(unescape(re.search(r'href="(/custom-fields/new/[^"]*)"', told)[1])).status_code == 200
    assert client.get("/test-drives/new/").status_code == 200
    listed = client.get("/settings/objects/").content.decode()
    assert "Test drives" in listed and '<a href="/test-drives/">0 records</a>' in listed and "0 fields" in listed
    assert 'href="/settings/objects/"' in client.get("/").content.decode(), "the menu leads to it"


def test_pictures_are_told_and_found_by_a_word_of_the_readers_language(client):
    listed = (Path(icons.__file__).parents[1] / "static" / "src" / "icons.txt").read_text().split()
    assert set(icons.ICONS) <= set(listed), "those that no template names are built only from the list"
    shown = client.get(NEW).content.decode()
    assert 'data-name="steering wheel steering-wheel"' in shown and 'aria-label="Steering wheel"' in shown
    with translation.override("zh-hans"):
        offered = {one["name"]: one for one in icons.offered("rainbow")}
        assert str(offered["car"]["label"]) == "汽车" and offered["car"]["words"] == "汽车 car" and offered["rainbow"]["label"] == "rainbow"


def test_rights_are_given_role_by_role_and_kept_beside_those_there_are(client, alice, api):
    sales, finance = Role.objects.get(key="sales"), Role.objects.get(key="finance")
    before = {r.pk: set(r.grants.values_list("pk", flat=True)) for r in (sales, finance)}
    made(client, label="Lease", everyone="none", **{f"role.{sales.pk}": "own", f"role.{finance.pk}": "look"})
    given = {g.role.key: (g.scope, sorted(g.actions)) for g in Grant.objects.filter(type="leases").select_related("role")}
    work = ["add", "archive", "change", "delete", "export", "import", "restore", "view"]
    assert given == {"sales": ("own", work), "finance": ("all", ["export", "view"])}
    for role in (sales, finance):
        assert before[role.pk] < set(role.grants.values_list("pk", flat=True))
    told = TrailEntry.objects.filter(about_type="roles", about_id=sales.pk).latest("id")
    assert told.act == "change" and "leases" in str(told.changes) and told.actor == alice.pk


def test_it_is_named_in_both_languages_and_numbered(client, client_for):
    row = made(
        client, label="Repair", titled="numbered", pattern="R-{year}-{000}", title_label="Number", icon="tool",
        **{"labels.zh-Hans": "维修", "plurals.zh-Hans": "维修单"},
    )  # fmt: skip
    assert (row.labels, row.plurals, row.icon) == ({"zh-Hans": "维修"}, {"zh-Hans": "维修单"}, "tool")
    chinese = client_for(people.new_user("Li", "owner", language="zh-Hans"))
    assert "维修单" in chinese.get("/").content.decode() and "<h1>维修单</h1>" in chinese.get("/repairs/").content.decode()
    assert 'name="name"' not in client.get("/repairs/new/").content.decode()
    assert client.post("/repairs/new/", {"whole": "1"}).status_code == 302
    assert re.fullmatch(r"R-\d{4}-001", CustomRecord.objects.get(object="repairs").name)


@pytest.mark.parametrize(("name", "plural", "key"), [
    ("Test trip", "Test trips", "test-trips"), ("Party", "Parties", "parties"), ("Day", "Days", "days"), ("Box", "Boxes", "boxes"),
    ("试驾", "试驾", "shi-jia"), ("Größe (cm)", "Größe (cm)", "grosse-cm"), ("2nd hand car", "2nd hand cars", "nd-hand-cars"),
    ("Account", "Accounts", "accounts-2"),
    ("!!!", "!!!", ""), ("w" * 60, "w" * 60 + "s", "w" * 41),
])  # fmt: skip
def test_what_is_suggested(company, client, name, plural, key):
    assert objects.suggested_plural(name) == plural and objects.suggested_key(plural) == key
    told = client.get("/settings/objects/suggest/", {"label": name}).content.decode()
    assert f'name="key" value="{key}"' in told and "<html" not in told


def test_a_suggestion_never_overwrites_what_was_typed(client):
    told = client.get("/settings/objects/suggest/", {"label": "Car", "plural": "Autos", "was_plural": "Ca", "key": "cas", "was_key": "cas"}).content.decode()
    assert 'name="plural" value="Autos"' in told and 'name="key" value="autos"' in told
    assert "TD-0007" not in told and "The first will be C-001." in client.get("/settings/objects/example/", {"pattern": "C-{000}"}).content.decode()
    assert client.get("/settings/objects/example/", {"pattern": "C-{000"}).content.decode().strip() == ""


@pytest.mark.parametrize(("sent", "sentence"), [
    ({"label": ""}, "This field is required."), ({"label": "x" * 81}, None), ({"label": "!!!"}, None),
    ({"label": "Thing", "key": "accounts"}, "This key is taken by the product itself."),
    ({"label": "Thing", "titled": "numbered", "pattern": ""}, "This field is required."), ({"label": "Thing", "titled": "numbered", "pattern": "{0"}, None),
])  # fmt: skip
def test_a_refused_sheet_keeps_what_was_typed(client, sent, sentence):
    before = CustomObject.objects.count(), Grant.objects.count(), TrailEntry.objects.count()
    answer = client.post(NEW, {"icon": "car", "labels.zh-Hans": "车", "everyone": "own", **sent})
    told = answer.content.decode()
    assert answer.status_code == 422 and errors(answer) and (sentence is None or sentence in errors(answer))
    assert f'name="label" value="{sent["label"]}"' in told and 'value="车"' in told
    assert 'value="car" checked' in told and '<option value="own" selected' in told
    assert (CustomObject.objects.count(), Grant.objects.count(), TrailEntry.objects.count()) == before


def test_it_is_changed_and_a_stale_sheet_overwrites_nothing(client, api):
    row = made(client, label="Vehicle")
    fuel = {"key": "fuel", "kind": "choice", "label": "Fuel", "options": [{"key": "petrol", "label": "Petrol"}]}
    for own in ({"key": "vin", "kind": "text", "label": "VIN"}, fuel):
        assert api.post("custom-fields/", {"type": "vehicles", **own}).status_code == 201
    place = f"/settings/objects/{row.pk}/edit/"
    form = client.get(place).content.decode()
    assert 'name="columns" value="vin" checked' in form and '<option value="fuel"' in form and 'id="id_key"' not in form
    sent = {"label": "Car", "plural": "Cars", "icon": "car", "columns": ["fuel"], "board": "fuel", "version": "1", "plurals.zh-Hans": "汽车"}
    assert client.post(place, sent).status_code == 302
    row.refresh_from_db()
    assert (row.label, row.key, row.columns, row.board, row.plurals, row.version) == ("Car", "vehicles", ["fuel"], "fuel", {"zh-Hans": "汽车"}, 2)
    assert "<h1>Cars</h1>" in client.get("/vehicles/").content.decode()
    stale = client.post(place, sent | {"plural": "Lorries"})
    assert stale.status_code == 412 and "nothing was saved" in stale.content.decode() and 'value="Lorries"' in stale.content.decode()
    row.refresh_from_db()
    assert (row.plural, row.version) == ("Cars", 2)


def test_it_is_archived_and_restored_by_its_page(client):
    row = made(client, label="Boat")
    assert client.post(f"/settings/objects/{row.pk}/archive/", {"version": "7"}).status_code == 412
    assert client.post(f"/settings/objects/{row.pk}/archive/", {"version": "1"})["Location"] == "/settings/objects/"
    assert client.get("/boats/").status_code == 404 and "Boats" in client.get("/settings/objects/").content.decode()
    assert client.get(f"/settings/objects/{row.pk}/").status_code == 200
    assert client.post(f"/settings/objects/{row.pk}/delete/", {"version": "2"}).status_code == 404
    assert client.post(f"/settings/objects/{row.pk}/restore/", {"version": "2"}).status_code == 302
    assert client.get("/boats/").status_code == 200


def test_who_may_not_shape_sees_and_makes_nothing(client, bob, carol, client_for, other_company, dave):
    row = made(client, label="Plane")
    before = CustomObject.objects.count()
    for person, code in ((bob, 404), (carol, 403)):
        theirs = client_for(person)
        assert theirs.get(NEW).status_code == code and theirs.post(NEW, {"label": "Mine"}).status_code == code
        assert theirs.post(f"/settings/objects/{row.pk}/archive/", {"version": "1"}).status_code == code
        assert theirs.get(f"/settings/objects/{row.pk}/edit/").status_code == code
        assert theirs.get("/settings/objects/suggest/?label=Car").status_code == code
    assert client_for(carol).get("/settings/objects/").status_code == 200 and client_for(bob).get("/settings/objects/").status_code == 404
    stranger = client_for(dave, other_company)
    for path in ("", "edit/"):
        assert stranger.get(f"/settings/objects/{row.pk}/{path}").status_code == 404
    assert stranger.post(f"/settings/objects/{row.pk}/archive/", {"version": "1"}).status_code == 404
    assert CustomObject.objects.count() == before and CustomObject.objects.get(pk=row.pk).archived_at is None


def test_who_shapes_gives_no_more_than_he_has(api, company, client_for):
    """Z-08: one who may make objects and change roles, but may not work with all records, gives nobody that right."""
    grants = [{"type": t, "actions": ["view", "add", "change"], "scope": "all"} for t in ("custom-objects", "roles")]
    role = api.post("roles/", {"name": "Shaper", "grants": grants}).json()["id"]
    shaper = people.new_user("Shay")
    assert api.patch(f"users/{shaper.pk}/", {"roles": [role]}, If_Match="*").status_code == 200
    before = CustomObject.objects.count(), Grant.objects.count()
    refused = client_for(shaper).post(NEW, {"label": "Secret thing"})
    assert refused.status_code == 422 and "You may not grant more than you may do yourself." in refused.content.decode()
    assert (CustomObject.objects.count(), Grant.objects.count()) == before
    assert client_for(shaper).post(NEW, {"label": "Secret thing", "everyone": "none"}).status_code == 302


def test_letters_after_g_are_one_places_each(client):
    told = client.get("/").content.decode()
    letters = re.findall(r'data-go="(.)"', told)
    assert len(letters) == len(set(letters)) and letters
