"""What bad input gets in the set-up: a sentence, and nothing half done. Circles through two types, nothing to divide by, long and odd names, spoilt packs."""

import copy
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given
from hypothesis import strategies as st

from core import access, context, limits, packs
from core.models import CustomField, CustomObject, CustomRecord, Kpi, Layout, Pack, Role, Rule, SavedView, TrailEntry
from tests import dealer, people

SET_UP = (CustomObject, CustomField, Rule, Layout, SavedView, Kpi, Role, Pack, CustomRecord, TrailEntry)


def counts() -> list[int]:
    """How much there is; the trail among it, so that a refusal that left anything shows."""
    return [model.objects.count() for model in SET_UP]


def refused(answer, *words: str) -> str:
    """The sentences of a refusal, which hold these words."""
    assert answer.status_code == 422, answer.content
    said = " ".join(sentence for found in answer.json()["errors"].values() for sentence in found)
    assert all(word in said for word in words), said
    assert "Traceback" not in said and "Error" not in said
    return said


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


def own(api, slug: str, key: str, kind: str, **more) -> dict:
    answer = api.post("custom-fields/", {"type": slug, "key": key, "kind": kind, "label": key.capitalize(), **more})
    assert answer.status_code == 201, answer.content
    return answer.json()


# Formulas -----------------------------------------------------------------------------------------------------------


def test_a_circle_through_another_type_and_back_is_refused(api):
    own(api, "contacts", "worth", "number")
    own(api, "accounts", "together", "rollup", rollup={"type": "contacts", "field": "account", "aggregate": "sum", "of": "worth"})
    share = own(api, "contacts", "share", "formula", formula="worth / account.together")
    through = own(api, "accounts", "shares", "rollup", rollup={"type": "contacts", "field": "account", "aggregate": "sum", "of": "share"})
    before = counts()
    refused(api.patch(share["url"], {"formula": "worth / account.shares"}, share["version"]), "Share", "Shares", "→")
    refused(api.post("custom-fields/", {"type": "accounts", "key": "itself", "kind": "formula", "label": "Itself", "formula": "itself + 1"}), "itself")
    assert counts() == before
    assert api.get(share["url"]).json()["formula"] == "worth / account.together"
    assert api.get(through["url"]).json()["version"] == through["version"]


def test_nothing_to_divide_by_and_empty_values_are_empty_everywhere(api, alice, client_for):
    for key in ("top", "bottom"):
        own(api, "leads", key, "number")
    own(api, "leads", "ratio", "formula", formula="top / bottom")
    for name, top, bottom in (("Whole", "6", "3"), ("Zero", "6", "0"), ("Without", "6", None), ("Nothing", None, None)):
        assert api.post("leads/", {"name": name, "top": top, "bottom": bottom}).status_code == 201
    told = {r["name"]: r["ratio"] for r in api.get("leads/").json()["results"]}
    assert {n: told[n] and float(told[n]) for n in ("Whole", "Zero", "Without", "Nothing")} == {"Whole": 2.0, "Zero": None, "Without": None, "Nothing": None}
    found = api.get("leads/", {"filter": json.dumps(["ratio", "empty", True]), "sort": "-ratio"}).json()["results"]
    assert {r["name"] for r in found} == {"Zero", "Without", "Nothing"}
    assert [r["name"] for r in api.get("leads/", {"filter": json.dumps(["ratio", "gte", "2"])}).json()["results"]] == ["Whole"]
    page = client_for(alice).get("/leads/?columns=name,ratio&sort=ratio")
    assert page.status_code == 200
    rule = {"type": "leads", "name": "Half", "condition": "top / bottom < 1", "message": "Less than one."}
    assert api.post("rules/", rule).status_code == 201
    assert api.post("leads/", {"name": "Still", "top": "1", "bottom": "0"}).status_code == 201, "what is empty breaks no rule"
    refused(api.post("leads/", {"name": "Less", "top": "1", "bottom": "2"}), "Less than one.")


def test_an_option_of_several_that_is_in_use_stays(api):
    options = [{"key": "a", "label": "First"}, {"key": "b", "label": "Second"}]
    field = own(api, "contacts", "marks", "choices", options=options)
    assert api.post("contacts/", {"name": "Marked", "marks": ["a", "b"]}).status_code == 201
    before = counts()
    refused(api.patch(field["url"], {"options": options[:1]}, field["version"]), "is in use by 1 record")
    assert counts() == before
    assert api.get(field["url"]).json()["options"] == options


# Names --------------------------------------------------------------------------------------------------------------

NAMES = {
    "Chinese": "客户「甲」的试驾", "quotes": "It's \"so\" 'called' “x”", "angles": "<script>alert(1)</script>", "braces": "{{ 7*7 }} %(name)s {0} %s",
    "emoji": "Cars 🚗🇨🇳",
}  # fmt: skip


def test_a_unique_field_has_no_default(api):
    """With one, only one record could be made without saying more, and a required one would fail on those there are."""
    for more in ({}, {"required": True}):
        answer = api.post("custom-fields/", {"type": "accounts", "key": "serial", "kind": "text", "label": "Serial", "unique": True, "default": "x", **more})
        assert answer.status_code == 422 and "unique field" in answer.json()["errors"]["default"][0], answer.json()


@pytest.mark.parametrize("what", NAMES)
def test_a_name_is_shown_as_it_was_typed(api, alice, client_for, what):
    name, key = NAMES[what], f"n-{sorted(NAMES).index(what)}"
    made = api.post("custom-objects/", {"key": key, "label": name, "plural": name}).json()
    field = own(api, key, "named", "text", label=name)
    assert api.post("rules/", {"type": key, "name": name, "condition": 'named = "x"', "message": name}).status_code == 201
    assert api.post("saved-views/", {"type": key, "name": name, "kind": "list", "content": {}}).status_code == 201
    assert api.post("roles/", {"name": name, "grants": [{"type": key, "actions": ["view"], "scope": "all"}]}).status_code == 201
    assert [made["label"], made["plural"], field["label"]] == [name] * 3
    assert refused(api.post(f"{key}/", {"name": "A", "named": "x"})) == name
    browser = client_for(alice)
    for page in (f"/{key}/", f"/{key}/new/", "/settings/changes/", "/settings/packs/export/", f"/settings/fields/{key}/", "/settings/objects/", "/rules/"):
        told = browser.get(page)
        assert told.status_code == 200, page
        assert "<script>alert" not in told.content.decode(), page


def test_a_name_that_is_too_long_says_how_long_it_may_be(api):
    long = "长" * 200
    assert own(api, "contacts", "lengthy", "text", label=long)["label"] == long
    before = counts()
    refused(api.post("custom-fields/", {"type": "contacts", "key": "over", "kind": "text", "label": long + "x"}), "200")
    refused(api.post("custom-objects/", {"key": "over", "label": long, "plural": long}), "80")
    refused(api.post("rules/", {"type": "contacts", "name": long, "condition": "true", "message": "x"}), "120")
    refused(api.post("saved-views/", {"type": "contacts", "name": long, "kind": "list", "content": {}}), "120")
    refused(api.post("custom-fields/", {"type": "contacts", "key": "spaces", "kind": "text", "label": "   "}))
    assert counts() == before


# Where fields and words belong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", ["rules", "custom-fields", "kpis", "saved-views", "roles", "stock-levels", "nonsense"])
def test_what_says_how_the_company_works_takes_no_fields(api, slug):
    before = counts()
    refused(api.post("custom-fields/", {"type": slug, "key": "extra", "kind": "text", "label": "Extra"}))
    assert counts() == before


def test_people_and_their_units_take_fields(api):
    assert own(api, "users", "badge", "text")["type"] == "users"
    assert own(api, "org-units", "floor", "integer")["type"] == "org-units"


@pytest.mark.parametrize(
    ("slug", "body"),
    [
        ("custom-fields", {"type": "contacts", "key": "odd", "kind": "text", "label": "Odd", "labels": {"tlh": "x"}}),
        ("custom-fields", {"type": "contacts", "key": "odd", "kind": "choice", "label": "Odd", "options": [{"key": "a", "labels": {"tlh": "x"}}]}),
        ("custom-objects", {"key": "oddities", "label": "Oddity", "plural": "Oddities", "plurals": {"tlh": "x"}}),
        ("rules", {"type": "contacts", "name": "Odd", "condition": "FALSE", "message": "Odd", "messages": {"tlh": "x"}}),
        ("layouts", {"type": "contacts", "content": {"tabs": [{"key": "", "labels": {"tlh": "x"}, "sections": []}]}}),
        ("dashboards", {"name": "Odd", "tiles": [], "labels": {"tlh": "x"}}),
    ],
)
def test_words_in_a_language_nobody_reads_here_are_refused(api, slug, body):
    before = counts()
    refused(api.post(f"{slug}/", body), "tlh", "zh-Hans")
    assert counts() == before


def test_a_batch_does_not_slip_past_the_limits(api, monkeypatch):
    monkeypatch.setitem(limits.SAFETY, "custom_fields_per_type", CustomField.objects.filter(type="leads", archived_at=None).count() + 2)
    monkeypatch.setitem(limits.SAFETY, "custom_objects", CustomObject.objects.filter(archived_at=None).count() + 2)
    before = counts()
    refused(api.post("custom-fields/batch/", [{"type": "leads", "key": f"many{i}", "kind": "text", "label": "Many"} for i in range(3)]), "At most")
    refused(api.post("custom-objects/batch/", [{"key": f"many-{i}", "label": "Many", "plural": "Many"} for i in range(3)]), "At most")
    assert counts() == before
    two = api.post("custom-fields/batch/", [{"type": "leads", "key": f"many{i}", "kind": "text", "label": "Many"} for i in range(2)])
    assert two.status_code == 201, two.content


def test_a_record_that_names_thousands_of_fields_is_refused_in_one_sentence(api):
    answer = api.post("contacts/", {"name": "Ann", **{f"field{i}": "x" for i in range(5000)}})
    assert refused(answer, "1000") and len(answer.content) < 1000


# Packs --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def content(company, api, alice):
    """A car dealer's set-up with a rule, a layout and a view, as a file has it."""
    dealer.build(api)
    rule = {"type": "vehicles", "name": "Sensible", "condition": "price < 0", "message": "A price is not below zero."}
    assert api.post("rules/", rule).status_code == 201
    tabs = [{"key": "", "label": "First", "sections": [{"label": "What", "items": [{"field": "vin"}, {"field": "fuel"}, {"block": "timeline"}]}]}]
    assert api.post("layouts/", {"type": "vehicles", "content": {"tabs": tabs}}).status_code == 201
    shows = {"type": "vehicles", "name": "Electric", "kind": "list", "content": {"filter": ["fuel", "eq", "electric"]}, "owner": None}
    assert api.post("saved-views/", shows).status_code == 201
    actor = access.actor_for(alice)
    chosen = [s.id for steps in packs.parts_of(actor).values() for s in steps if "vehicles" in s.id or "test-drives" in s.id]
    return packs.export(actor, {"key": "dealer", "name": "Car dealer"}, chosen)


@pytest.fixture(scope="module")
def there():
    """A second company: its owner's API and browser."""
    made = people.new_company()
    owner = people.owner_of(made)
    with context.bind(made):
        yield people.api(owner, made), people.signed_in(owner, made)


def swapped(content: dict, slug: str, /, **values) -> dict:
    """The pack with other values in the first part of this type."""
    first, *rest = content["parts"][slug]
    return {**content, "parts": {**content["parts"], slug: [{**first, **values}, *rest]}}


def twice(content: dict) -> dict:
    return {**content, "parts": {**content["parts"], "rules": content["parts"]["rules"] * 2}}


TAB = {"key": "", "sections": [{"items": [{"field": "nothing_of_this_name"}]}]}
SPOILT = {
    "newer": (lambda c: {**c, "odos_pack": 2}, "made by a newer version of Odos"),
    "names no texts": (lambda c: {**c, "names": ["x"]}, "written as"),
    "no letters": (lambda c: {**c, "key": "a\x00b"}, "control characters"),
    "no number": (lambda c: {**c, "odos_pack": "1"}, "This file is no pack."),
    "twice": (twice, "is in the pack twice"),
    "type unknown": (lambda c: {**c, "parts": {"spells": [{"name": "x"}]}}, "A pack cannot hold “spells”."),
    "field unknown": (lambda c: swapped(c, "rules", evil="1"), "has no field “evil”"),
    "role missing": (lambda c: swapped(c, "layouts", role="Nobody"), "There is no role “Nobody” here."),
    "role of a field": (lambda c: swapped(c, "custom-fields", seen_by=["Nobody"]), "There is no role “Nobody” here."),
    "role of a view": (lambda c: swapped(c, "saved-views", default_for=["Nobody"]), "There is no role “Nobody” here."),
    "target missing": (lambda c: swapped(c, "custom-fields", kind="ref", target="spaceships", unique=False), ""),
    "placed nowhere": (lambda c: swapped(c, "layouts", content={"tabs": [TAB]}), "nothing_of_this_name"),
    "rule of nothing": (lambda c: swapped(c, "rules", condition="nothing > 1"), "nothing"),
    "rule of no sense": (lambda c: swapped(c, "rules", condition="((("), "character"),
    "label no text": (lambda c: swapped(c, "custom-fields", label={"a": 1}), ""),
    "options no list": (lambda c: swapped(c, "custom-fields", kind="choice", unique=False, options="abc"), ""),
    "too long": (lambda c: swapped(c, "custom-objects", label="x" * 500), "80"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_spoilt_pack_is_refused_whole_by_api_and_page(content, there, what):
    spoil, words = SPOILT[what]
    api, browser = there
    spoilt = spoil(copy.deepcopy(content))
    before = counts()
    refused(api.post("packs/", {"content": spoilt}), words)
    page = browser.post("/settings/packs/look/", {"content": json.dumps(spoilt), "do": "install"})
    assert page.status_code == 422
    assert page.content.decode().count('role="alert"') == 1
    assert counts() == before


@pytest.mark.parametrize("file", [b"{", b"", b"\xff\xfe\x00", b"[" * 100_000, b'{"odos_pack": 1, "parts": {}', b"null", b'"pack"', b"1e999"])
def test_a_file_that_is_no_pack_says_so(there, file):
    _api, browser = there
    before = counts()
    page = browser.post("/settings/packs/look/", {"file": SimpleUploadedFile("a.json", file)})
    assert page.status_code in (200, 422)
    assert 'role="alert"' in page.content.decode()
    assert counts() == before


ODD = (None, True, 5, -1, 2**70, 1.5, "", "x" * 5000, "\x00", "\ud800", [], [None], [[]], {}, {"a": {"b": 1}}, "客户", "'; drop table core_user; --")


@given(st.data())
def test_any_value_put_anywhere_is_a_sentence_or_works(content, there, data):
    api, browser = there
    spoilt = copy.deepcopy(content)
    slug = data.draw(st.sampled_from(sorted(spoilt["parts"])))
    part = data.draw(st.sampled_from(spoilt["parts"][slug]))
    while inner := [one for v in part.values() for one in (v if isinstance(v, list) else [v]) if one and isinstance(one, dict)]:
        if data.draw(st.booleans()):
            break
        part = data.draw(st.sampled_from(inner))
    part[data.draw(st.sampled_from(sorted(part)))] = data.draw(st.sampled_from(ODD))
    before = counts()
    assert browser.post("/settings/packs/look/", {"content": json.dumps(spoilt)}).status_code in (200, 422)
    assert counts() == before
    answer = api.post("packs/", {"content": spoilt})
    if answer.status_code == 201:
        taken = api.post(f"{answer.json()['url']}uninstall/", {"force": True})
        assert taken.status_code == 200, taken.content
    else:
        assert answer.status_code in (400, 422), answer.content
        assert counts() == before
