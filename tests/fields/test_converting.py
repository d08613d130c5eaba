"""A field becomes one of another kind: what is told before is what happens, no write is lost, what uses it is named, and the way back brings all."""

import os
import threading
from datetime import UTC, datetime

import pytest
from django.db import connections
from hypothesis import given, settings
from hypothesis import strategies as st

from core import access, context, converting, door, jobs, registry, schema
from core.kinds import KINDS
from core.models import BulkRun, CustomField, Job, TrailEntry
from core.retelling import BECOMES, POINTS, Retelling
from tests import people


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


@pytest.fixture(scope="module")
def things(api):
    """An object of the company's own: its records are nobody else's in this module."""
    assert api.post("custom-objects/", {"key": "things", "label": "Thing", "plural": "Things"}).status_code == 201
    return "things"


_count = iter(range(10_000))


def field(api, kind: str, values: list, **more) -> tuple[str, str, list[str]]:
    """A new field of things, and a record for each value: the field's id and key, and the records' ids."""
    key = f"f{next(_count)}"
    made = api.post("custom-fields/", {"type": "things", "key": key, "kind": kind, "label": key.upper(), **more})
    assert made.status_code == 201, made.json()
    records = api.post("things/batch/", [{"name": f"{key} {n}", key: value} for n, value in enumerate(values)])
    assert records.status_code == 201, records.json()
    return made.json()["id"], key, [r["id"] for r in records.json()["results"]]


def done() -> None:
    jobs.run_due()
    assert list(Job.objects.exclude(error="").values_list("error", flat=True)) == []


def convert(api, ident: str, kind: str, status: int = 202, **more) -> dict:
    asked = api.post(f"custom-fields/{ident}/convert/", {"kind": kind, **more})
    assert asked.status_code == status, asked.json()
    if status == 202:
        done()
        return api.get(f"jobs/{asked.json()['id']}/").json()
    return asked.json()


def deed(api, run: dict, name: str) -> dict:
    answer = api.post(f"jobs/{run['id']}/{name}/", {})
    assert answer.status_code == 202, answer.json()
    done()
    return api.get(f"jobs/{run['id']}/").json()


def values(api, key: str) -> list:
    found = api.get("things/", {"filter": f'["name","starts","{key} "]', "limit": "200", "sort": "created_at"}).json()["results"]
    return [r[key] for r in sorted(found, key=lambda r: int(r["name"].split()[1]))]


def test_it_is_tried_first_then_done_and_taken_back(api, things):
    ident, key, records = field(api, "text", ["12", "12 t", "", "1.5", None])
    run = convert(api, ident, "number")
    assert (run["state"], run["changed"], run["refused"], run["total"]) == ("checked", 2, 1, 3)
    assert run["refusals"] == [{"id": records[1], "kind": "value", "reason": "Enter a number.", "value": "12 t"}]
    assert values(api, key) == ["12", "12 t", "", "1.5", ""], "nothing happened yet"
    assert api.post(f"jobs/{run['id']}/confirm/", {}).status_code == 409, "some would be lost"
    assert api.get(f"custom-fields/{ident}/").json()["kind"] == "text"
    run = convert(api, ident, "number", rest="empty", dry_run=False)
    assert (run["state"], run["changed"], run["refused"]) == ("done", 2, 1)
    assert values(api, key) == ["12", None, None, "1.5", None]
    assert [r["name"] for r in api.get("things/", {"filter": f'["{key}","gt",2]'}).json()["results"]] == [f"{key} 0"]
    told = api.get("trail/", {"about": ident, "sort": "-at"}).json()["results"][0]
    assert told["changes"]["kind"] == ["text", "number"] and str(TrailEntry.objects.get(pk=told["id"]).batch) == run["id"]
    lost = api.get("trail/", {"about": records[1], "sort": "-at"}).json()["results"][0]["changes"]
    assert lost == {key: ["12 t", None]}
    written = api.patch(f"things/{records[0]}/", {key: "13"}, 1)
    assert written.status_code == 200, written.json()
    run = deed(api, run, "undo")
    assert run["state"] == "undone"
    assert values(api, key) == ["13", "12 t", "", "1.5", ""], "with what was lost, and what was written since"
    assert api.get(f"custom-fields/{ident}/").json()["kind"] == "text"


def test_texts_become_options_and_labels_again(api, things):
    ident, key, _records = field(api, "text", ["Red", "red ", "Blue; dark", "红色"])
    run = convert(api, ident, "choice", dry_run=False)
    assert run["state"] == "done"
    assert run["options"] == [{"key": "blue_dark", "label": "Blue; dark"}, {"key": "red", "label": "Red"}, {"key": "hong_se", "label": "红色"}]
    assert values(api, key) == ["red", "red", "blue_dark", "hong_se"]
    run = convert(api, ident, "text", dry_run=False)
    assert values(api, key) == ["Red", "Red", "Blue; dark", "红色"]
    assert deed(api, run, "undo")["state"] == "undone"
    assert convert(api, ident, "choices", dry_run=False)["state"] == "done"
    assert values(api, key)[0] == ["red"]


def test_references_are_found_by_name_and_named(api, things):
    api.post("accounts/", {"name": "Only One Ltd"})
    for _n in range(2):
        api.post("accounts/", {"name": "Twice AG"})
    ident, key, records = field(api, "text", ["Only One Ltd", "Twice AG", "Nobody"])
    run = convert(api, ident, "ref", target="accounts")
    assert (run["changed"], {r["id"] for r in run["refusals"]}) == (1, set(records[1:]))
    assert any("2 records are called" in r["reason"] for r in run["refusals"])
    run = convert(api, ident, "ref", target="accounts", rest="empty", dry_run=False)
    assert values(api, key)[0]["label"] == "Only One Ltd"
    assert convert(api, ident, "refs", dry_run=False)["state"] == "done"
    assert convert(api, ident, "longtext", dry_run=False)["state"] == "done"
    assert values(api, key)[0] == "Only One Ltd"


def test_what_would_break_is_named(api, things):
    ident, key, _records = field(api, "number", ["5"])
    formula = api.post("custom-fields/", {"type": "things", "key": f"{key}_twice", "kind": "formula", "label": "Twice it", "formula": f"{key} * 2"})
    view = api.post("saved-views/", {"type": "things", "name": "Big ones", "kind": "list", "content": {"filter": [key, "gt", 1]}})
    rule = api.post("form-rules/", {"type": "things", "name": "Ask more", "condition": [key, "gt", 3], "effect": "require", "fields": [key]})
    kpi = {"key": f"sum-{key}", "name": "Sum of it", "definition": {"of": {"type": "things"}, "aggregate": "sum", "field": key}}
    assert {formula.status_code, view.status_code, rule.status_code, api.post("kpis/", kpi).status_code} == {201}
    told = convert(api, ident, "text", 422)["errors"]["_"][0]
    assert all(name in told for name in ("Twice it", "Big ones", "Ask more", "Sum of it")), told
    assert convert(api, ident, "integer", dry_run=False)["state"] == "done", "a whole number is a number to all of them"


def test_a_conversion_that_makes_no_sense_is_refused(api, things):
    ident, _key, _records = field(api, "date", ["2026-01-01"])
    assert "can become one of" in convert(api, ident, "refs", 422)["errors"]["kind"][0]
    assert "rest" in convert(api, ident, "text", 422, rest="guess")["errors"]
    assert "colour" in convert(api, ident, "text", 422, colour="red")["errors"]
    required, _key, _records = field(api, "text", ["1"], required=True, default="1")
    assert "required" in convert(api, required, "number", 422, rest="empty")["errors"]["rest"][0]


def test_unique_and_fast_follow(api, things):
    ident, key, _records = field(api, "text", ["1", "2", "1.0"], unique=True, fast=True)
    jobs.run_due()
    run = convert(api, ident, "number", dry_run=False)
    assert run["state"] == "checked" and "share a value" in run["sentence"]
    assert api.post(f"jobs/{run['id']}/confirm/", {}).status_code == 409
    three = api.get("things/", {"filter": f'["{key}","eq","1.0"]'}).json()["results"][0]
    assert api.patch(f"things/{three['id']}/", {key: "3"}, three["version"]).status_code == 200
    assert convert(api, ident, "number", dry_run=False)["state"] == "done"
    jobs.run_due()
    row = CustomField.objects.get(pk=ident)
    assert (row.unique, row.fast_state) == (True, "ready")
    assert set(api.post("things/", {"name": "again", key: "1"}).json()["errors"]) == {key}
    assert converting.own_values.index_of(registry.get("things"), row).is_ready()


def test_only_who_sees_it_all_may(api, company, alice, things, bob):
    ident, _key, _records = field(api, "text", ["1"])
    people_of = people.api(bob, company)
    assert people_of.post(f"custom-fields/{ident}/convert/", {"kind": "number"}).status_code in (403, 404)
    hidden = api.post("custom-fields/", {"type": "things", "key": "hidden_one", "kind": "text", "label": "Hidden", "seen_by": [registry_role("sales")]})
    refused = api.post(f"custom-fields/{hidden.json()['id']}/convert/", {"kind": "number"})
    assert "Only who sees this field" in refused.json()["errors"]["_"][0]


def registry_role(key: str) -> str:
    return str(registry.get("roles").all().get(key=key).pk)


def test_what_is_written_meanwhile_is_neither_lost_nor_mixed(api, company, alice, things, monkeypatch):
    """Between the trying and the exchange people write: their values are converted too, new records, changed and emptied ones."""
    monkeypatch.setattr(converting, "PART", 2)
    ident, key, records = field(api, "text", ["1", "2", "3", "4", "5"])
    run = api.post(f"custom-fields/{ident}/convert/", {"kind": "number", "dry_run": True}).json()
    done()
    assert api.patch(f"things/{records[0]}/", {key: "10"}, 1).status_code == 200
    assert api.patch(f"things/{records[1]}/", {key: None}, 1).status_code == 200
    assert api.post("things/", {"name": f"{key} 5", key: "60"}).status_code == 201
    assert deed(api, run, "confirm")["state"] == "done"
    assert values(api, key) == ["10", None, "3", "4", "5", "60"]
    again = api.post(f"custom-fields/{ident}/convert/", {"kind": "integer", "dry_run": True}).json()
    done()
    assert api.patch(f"things/{records[0]}/", {key: "10.5"}, 2).status_code == 200
    stopped = deed(api, again, "confirm")
    assert stopped["state"] == "checked" and "cannot be converted" in stopped["sentence"]
    assert values(api, key)[0] == "10.5" and api.get(f"custom-fields/{ident}/").json()["kind"] == "number"


def test_writers_beside_it_see_one_kind_or_the_other(company, alice, api, things):
    """Six writers, all the time: each write is refused by the kind of its moment or kept, and in the end all values are numbers."""
    ident, key, records = field(api, "text", [str(n) for n in range(60)])
    stop, seen = threading.Event(), []

    def write(at: int) -> None:
        with context.bind(company):
            mine, client = records[at], people.api(alice, company)
            n = 0
            while not stop.is_set():
                n += 1
                version = client.get(f"things/{mine}/").json()["version"]
                answer = client.patch(f"things/{mine}/", {key: str(1000 * at + n)}, version)
                seen.append(answer.status_code)
                if answer.status_code == 200:
                    last[at] = str(1000 * at + n)
            connections.close_all()

    last: dict[int, str] = {}
    threads = [threading.Thread(target=write, args=(at,)) for at in range(1, 4)]
    for thread in threads:
        thread.start()
    try:
        for kind in ("number", "text", "integer"):
            assert convert(api, ident, kind, dry_run=False)["state"] == "done"
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert set(seen) <= {200, 409} and last
    stored = values(api, key)
    assert all(isinstance(v, int) for v in stored) and {at: str(stored[at]) for at in last} == last


# Every pair of kinds ------------------------------------------------------------------------------------------------

FIRST = datetime.fromisoformat("0003-01-01")
OPTIONS = [{"key": "a", "label": "Alpha"}, {"key": "b", "label": "12"}, {"key": "c", "label": "2026-01-05"}]
TEXT = st.one_of(st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20), st.sampled_from(
    ["12", "1,5", "1.234,5", "2026-03-05", "5.3.2026", "yes", "否", "a@b.de", "+49 30 123456", "example.com", "31.2, 121.4", "Alpha", "Alpha, 12", "15%"],
))  # fmt: skip
FIGURE = st.decimals(-10**6, 10**6, allow_nan=False, places=4).map(str)
VALUES = {
    **dict.fromkeys(("text", "longtext", "barcode"), TEXT), "email": st.sampled_from(["a@b.de", "x.y@example.com"]), "phone": TEXT,
    "url": st.sampled_from(["example.com", "https://a.de/x?y=1"]), "number": FIGURE, "money": FIGURE,
    "integer": st.integers(-10**9, 10**9), "percent": st.decimals(-9, 9, places=4).map(str), "date": st.dates().map(str),
    "datetime": st.datetimes(FIRST, timezones=st.just(UTC)).map(lambda d: d.isoformat()), "yesno": st.booleans(),
    "choice": st.sampled_from("abc"), "choices": st.lists(st.sampled_from("abc"), min_size=1, max_size=3),
    "autonumber": st.integers(1, 99).map(lambda n: f"N-{n}"),
    "address": st.fixed_dictionaries({"street": st.sampled_from(["Main 1", "长安街"]), "country": st.sampled_from(["DE", "CN"])}),
    "geo": st.fixed_dictionaries({"lat": st.floats(-90, 90).map(str), "lng": st.floats(-180, 180).map(str)}),
}  # fmt: skip


def made_field(kind: str) -> registry.Field:
    row = CustomField(type="things", key="x", kind=kind, label="X", options=OPTIONS if kind in ("choice", "choices") else [], target="accounts")
    return schema.as_field(row)


@pytest.mark.parametrize("old", [k for k in BECOMES if k in VALUES])
@given(data=st.data())
def test_whatever_is_told_is_a_value_of_the_new_kind(company, old, data):
    """What comes of any value is what a form of the new kind would store, and stays it when it is read again; all else has a sentence."""
    before = made_field(old)
    try:
        cleaned = before.rules.clean(before, data.draw(VALUES[old]))
    except ValueError:
        return
    if before.rules.is_empty(cleaned):
        return
    stored = before.rules.to_json(before, cleaned)
    for new in BECOMES[old]:
        if new in POINTS:
            continue  # what is there to refer to, other tests know
        after = made_field(new)
        made, why = Retelling(access.system("test"), before, after).tell([stored])[0]
        assert (made is None) == bool(why), (old, new, stored)
        if made is not None:
            value = after.rules.from_json(after, made)
            assert after.rules.to_json(after, after.rules.clean(after, value)) == made, (old, new, stored)
            assert after.rules.text(after, value) is not None


def test_every_kind_that_holds_values_has_somewhere_to_go(company):
    own = {k for k, _label in CustomField._meta.get_field("kind").choices} - {*schema.COMPUTED}
    assert set(BECOMES) == own
    for old, kinds in BECOMES.items():
        assert kinds and set(kinds) <= own - {old, "autonumber"} and all(k in KINDS for k in kinds), old


LONG = bool(os.environ.get("ODOS_LONG"))


@pytest.mark.parametrize("old", [k for k in BECOMES if k in VALUES and k != "autonumber"])
@settings(max_examples=20 if LONG else 2)
@given(data=st.data())
def test_what_is_told_before_is_what_happens(api, things, old, data):
    """The counts and the reasons of the trial are those of the conversion, value by value, and the way back brings all of them."""
    new = data.draw(st.sampled_from([k for k in BECOMES[old] if k not in POINTS]))
    f = made_field(old)
    kept = [v for v in data.draw(st.lists(VALUES[old], min_size=4, max_size=8)) if cleans(f, v)]
    options = {"options": OPTIONS} if new in ("choice", "choices") else {}
    ident, key, _records = field(api, old, kept, **({"options": OPTIONS} if old in ("choice", "choices") else {}))
    before = values(api, key)
    tried = convert(api, ident, new, **options)
    run = convert(api, ident, new, rest="empty", dry_run=False, **options)
    assert run["state"] == "done", run
    assert [(r["id"], r["reason"]) for r in tried["refusals"]] == [(r["id"], r["reason"]) for r in run["refusals"]]
    assert sum(v not in (None, "", []) for v in values(api, key)) == tried["changed"] == run["changed"], (old, new, kept)
    assert deed(api, run, "undo")["state"] == "undone"
    assert values(api, key) == before


def cleans(f, value) -> bool:
    try:
        return not f.rules.is_empty(f.rules.clean(f, value))
    except ValueError:
        return False


def test_runs_of_conversions_are_their_own_kind(api, things):
    ident, _key, _records = field(api, "text", [])
    run = convert(api, ident, "number", dry_run=False)
    assert (run["state"], run["total"], run["do"]) == ("done", 0, "convert-field")
    assert deed(api, run, "undo")["state"] == "undone"
    assert door.reading(lambda: BulkRun.objects.get(pk=run["id"]).state) == "undone"


# In the browser -----------------------------------------------------------------------------------------------------


def test_the_pages_lead_from_the_field_to_the_other_kind_and_back(api, company, alice, things):
    page = people.signed_in(alice, company)
    ident, key, records = field(api, "text", ["12", "many", "7"])
    assert f"/custom-fields/{ident}/convert/" in page.get("/settings/fields/things/").content.decode()
    sheet = page.get(f"/custom-fields/{ident}/convert/").content.decode()
    assert 'value="number"' in sheet and 'value="rollup"' not in sheet
    refused = page.post(f"/custom-fields/{ident}/convert/", {"kind": "ref", "target": ""})
    assert refused.status_code == 422 and "Name the type this refers to." in refused.content.decode()
    there = page.post(f"/custom-fields/{ident}/convert/", {"kind": "number"}).headers["Location"]
    assert 'hx-trigger="load delay:1s"' in page.get(there).content.decode()
    done()
    told = page.get(there).content.decode()
    assert "many" in told and "Enter a number." in told and "Convert, and empty the other 1" in told
    run = there.rstrip("/").rpartition("/")[2]
    named = page.get(f"/things/bulk/{run}/refused.csv").content.decode()
    assert f"{records[1]},{key} 1,Enter a number.,many" in named
    assert page.get(f"/things/bulk/{run}/").status_code == 404
    assert page.post(there, {}).status_code == 409, "without a word about the rest nothing is done"
    assert page.post(there, {"rest": "empty"}).status_code == 302
    done()
    assert "Undo" in page.get(there).content.decode() and values(api, key) == ["12", None, "7"]
    assert page.get(f"/things/{records[1]}/?tab=history").status_code == 200
    assert "many" in page.get(f"/things/{records[1]}/?tab=history").content.decode(), "what it was is told in its history"
    assert page.post(there, {"do": "undo"}).status_code == 302
    done()
    assert values(api, key) == ["12", "many", "7"]


def test_a_stale_form_of_before_is_shown_beside_the_other_kind(api, company, alice, things):
    page = people.signed_in(alice, company)
    ident, key, records = field(api, "text", ["abc"])
    assert api.patch(f"things/{records[0]}/", {key: "12"}, 1).status_code == 200
    assert convert(api, ident, "number", dry_run=False)["state"] == "done"
    stale = page.post(f"/things/{records[0]}/edit/", {"version": "1", "name": "x", key: "abc"})
    assert stale.status_code in (412, 422)
