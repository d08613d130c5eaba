"""A version that ships a type under the key of a company's own object: the object goes on under another, with all it has. And upgrades leave set-up alone."""

from dataclasses import replace

import pytest
from django.db import connection

from core import access, context, doctor, door, registry, yielding
from core.models import CustomField, CustomObject, CustomRecord, Grant, Layout, TrailEntry
from core.models.record import permit
from tenants import migrate
from tests import dealer, factories, people


@pytest.fixture
def api(company, alice):
    return people.api(alice, company)


def test_an_object_gives_way_to_a_type_that_ships_later(api, alice, client_for, monkeypatch):
    dealer.build(api)
    drive = factories.make("test-drives", api)
    car = drive["vehicle"]["id"]
    gone = factories.make("vehicles", api)
    assert api.delete(gone["url"], 1).status_code == 204
    call = api.post("activities/", {"kind": "call", "subject": "About the car", "about": {"type": "vehicles", "id": car}}).json()
    role = api.post("roles/", {"name": "Drivers", "grants": [{"type": "vehicles", "actions": ["view"], "scope": "own", "hidden": ["price"]}]}).json()
    items = [{"related": "vehicles.replaces"}, {"block": "timeline"}]
    content = {"tabs": [{"key": "a", "label": "A", "sections": [{"label": "S", "columns": 1, "items": items}]}]}
    with permit():
        layout = Layout.objects.create(type="vehicles", content=content)
    before, trailed = api.get(f"vehicles/{car}/").json(), TrailEntry.objects.filter(about_type="vehicles").count()
    with monkeypatch.context() as later:
        later.setitem(registry.types, "vehicles", replace(registry.types["product-categories"], slug="vehicles"))
        assert api.get("vehicles/").json()["results"] == [], "the shipped type"
        assert door.writing(lambda: yielding.give_way(access.system("upgrade"))) == {"vehicles": "vehicles-own"}
        assert door.writing(lambda: yielding.give_way(access.system("upgrade"))) == {}
        after = api.get(f"vehicles-own/{car}/").json()
        assert {n: v for n, v in after.items() if n not in ("url", "replaces")} == {n: v for n, v in before.items() if n not in ("url", "replaces")}
        assert api.get(drive["url"]).json()["vehicle"] == {**drive["vehicle"], "url": after["url"]}
        assert api.get(f"vehicles/{car}/").status_code == 404
        assert api.get(call["url"]).json()["about"]["type"] == "vehicles-own"
        assert Grant.objects.get(role_id=role["id"]).type == "vehicles-own"
        layout.refresh_from_db()
        assert layout.type == "vehicles-own" and layout.content["tabs"][0]["sections"][0]["items"][0] == {"related": "vehicles-own.replaces"}
        assert not CustomField.objects.filter(type="vehicles").exists() and CustomField.objects.get(type="test-drives", key="vehicle").target == "vehicles-own"
        assert TrailEntry.objects.filter(about_type="vehicles-own").count() == trailed and not TrailEntry.objects.filter(about_type="vehicles").exists()
        page = client_for(alice).get(f"/vehicles-own/{car}/").content.decode()
        assert drive["name"] in page
        twice = api.post("vehicles-own/", dealer.vehicle() | {"vin": before["vin"]})
        assert twice.status_code == 422 and twice.json()["errors"]["vin"]
        told = TrailEntry.objects.filter(about_type="custom-objects", changes__has_key="key").latest("id").changes["key"]
        assert told == ["vehicles", "vehicles-own"]
        with connection.cursor() as cursor, pytest.raises(Exception, match="only grows"):
            cursor.execute("UPDATE core_trailentry SET act = 'x'")
        checked = doctor.examine(only=["triggers", "trail"] if "triggers" in doctor.checks else ["trail"]).results
        mine = ("vehicles", "vehicles-own", "test-drives", "custom-objects", "custom-fields", "activities")
        assert [d for r in checked for d in r.found if d.slug in mine or not d.slug] == [] and not any(r.error for r in checked)


def test_migrating_companies_leaves_what_they_set_up_alone(company, api):
    """Objects, fields, records, rights: rows and contents before and after, also for one that lags behind."""
    def everything():
        with connection.cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename LIKE 'core\\_%' ORDER BY 1")
            found = {}
            for (table,) in cursor.fetchall():
                cursor.execute(f"SELECT count(*), md5(coalesce(string_agg(md5(t::text), '' ORDER BY md5(t::text)), '')) FROM \"{table}\" t")
                found[table] = cursor.fetchone()
            return found

    assert CustomObject.objects.exists() and CustomRecord.objects.exists()
    before = everything()
    report = migrate.migrate_companies(only=[company.subdomain])
    assert report.failed == {} and everything() == before
    with context.bind_public():
        schema = migrate.Company.objects.get(subdomain=company.subdomain).schema_name
        migrate._settle(schema)
    assert everything() == before
