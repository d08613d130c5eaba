"""Every kind of own field through every door: set up, written, read, filtered, sorted, described, exported and imported again."""

import csv
import io
import json
from itertools import count
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation

from core import access, files, jobs, openapi, own_values, registry, schema
from core.kinds import KINDS
from core.models.setup import FIELD_KINDS
from tests import people

_number = count(1)
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (3).to_bytes(4, "big") + (2).to_bytes(4, "big") + b"\x08\x06\x00\x00\x00rest"
OPTIONS = [{"key": "red", "label": "Red", "color": "red", "labels": {"zh-Hans": "红"}}, {"key": "blue", "label": "Blue"}]

# kind -> settings, then values as they are sent, in the order a list has them, and one that is refused
SAMPLES: dict[str, tuple[dict, list, Any]] = {
    "text": ({}, ["alpha", "beta 'quoted' \"twice\"", "名字"], ["no"]),
    "longtext": ({}, ["first\nsecond", "second"], 5.5),
    "number": ({"minimum": "-10", "maximum": "99"}, ["-1.5", "0", "12.25"], "100"),
    "integer": ({}, [-3, 0, 12], "1.5"),
    "money": ({}, ["-1.00", "0.00", "12.25"], "x"),
    "percent": ({}, ["-0.05", "0.1", "0.25"], "x"),
    "date": ({}, ["1999-12-31", "2026-03-05"], "5 March"),
    "datetime": ({}, ["2025-03-05T10:00:00.000000Z", "2026-03-05T10:00:00.000000Z"], "noon"),
    "yesno": ({}, [False, True], "perhaps"),
    "choice": ({"options": OPTIONS}, ["blue", "red"], "green"),
    "choices": ({"options": OPTIONS}, [["blue"], ["red", "blue"]], ["green"]),
    "ref": ({"target": "accounts"}, ["account", "other account"], "nobody"),
    "refs": ({"target": "accounts"}, [["account"], ["other account", "account"]], ["nobody"]),
    "user": ({}, ["alice", "bob"], "nobody"),
    "email": ({}, ["a@example.com", "b@example.com"], "nobody"),
    "phone": ({}, ["+49228999901", "+49228999902"], ["1"]),
    "url": ({}, ["https://a.example.com", "https://b.example.com"], "no address"),
    "file": ({}, ["file"], "nothing"),
    "image": ({}, ["image"], "file"),
    "address": ({}, [{"street": "Hauptstr. 1", "city": "Bonn", "country": "DE"}, {"city": "上海", "country": "CN"}], {"planet": "Mars"}),
    "geo": ({}, [{"lat": "31.2304", "lng": "121.4737"}, {"lat": "-5", "lng": "0.5"}], {"lat": "91", "lng": "0"}),
    "barcode": ({}, ["4006381333931", "ABC-1"], "a\nb"),
    "autonumber": ({"pattern": "TD-{year}-{0000}"}, [], None),
    "formula": ({"formula": "1 + 1"}, [], None),
    "rollup": ({"rollup": {"type": "contacts", "field": "account", "aggregate": "count"}}, [], None),
}
TYPED = [kind for kind, (_settings, values, _wrong) in SAMPLES.items() if values]


@pytest.fixture(scope="module")
def world(company, alice, bob):
    """Things to refer to by a word."""
    api = people.api(alice, company)
    found = {"alice": str(alice.pk), "bob": str(bob.pk), "nobody": "0190b0c0-0000-7000-8000-000000000000"}
    for word in ("account", "other account"):
        found[word] = api.post("accounts/", {"name": word.title()}).json()["id"]
    found["file"] = bring(api, "note.txt", b"some text")["id"]
    found["image"] = bring(api, "dot.png", PNG)["id"]
    return found


def bring(api, name: str, content: bytes) -> dict:
    headers = {"Authorization": f"Bearer {api.key}"}
    made = api.client.post("/api/v1/files/", {"file": SimpleUploadedFile(name, content)}, headers=headers)
    assert made.status_code == 201, made.content
    return made.json()


def add_field(api, kind: str, slug: str = "accounts", **more) -> str:
    key = more.pop("key", f"own_{kind}_{next(_number)}")
    made = api.post("custom-fields/", {"type": slug, "key": key, "kind": kind, "label": f"Own {kind}", **SAMPLES[kind][0], **more})
    assert made.status_code == 201, made.json()
    return key


def named(world: dict, value: Any) -> Any:
    if isinstance(value, list):
        return [named(world, v) for v in value]
    return world.get(value, value) if isinstance(value, str) else value


def plain(value: Any) -> Any:
    """A value as it is sent back: references as their ids."""
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value["id"] if isinstance(value, dict) and "label" in value else value


def test_every_kind_there_is_has_its_sample():
    assert set(SAMPLES) == {kind for kind, _label in FIELD_KINDS}


@pytest.mark.parametrize("kind", TYPED)
def test_a_kind_is_written_read_filtered_and_sorted(kind, company, alice, api_for, client_for, world):
    api = api_for(alice)
    key = add_field(api, kind)
    rules = KINDS[kind]
    values = named(world, SAMPLES[kind][1])
    ids = []
    for i, value in enumerate(values):
        made = api.post("accounts/", {"name": f"{kind} {i}", "external_id": key, key: value})
        assert made.status_code == 201, made.json()
        assert plain(made.json()[key]) == value
        ids.append(made.json()["id"])
    empty = api.post("accounts/", {"name": f"{kind} empty", "external_id": key}).json()
    assert plain(empty[key]) in (None, "", [])
    refused = api.post("accounts/", {"name": "Refused", key: named(world, SAMPLES[kind][2])})
    assert refused.status_code == 422, refused.json()
    assert set(refused.json()["errors"]) == {key}

    def found(**words) -> list[str]:
        answer = api.get("accounts/", {"external_id": key, **words})
        assert answer.status_code == 200, (words, answer.json())
        return [r["id"] for r in answer.json()["results"]]

    assert set(found(**{f"{key}__empty": "true"})) == {empty["id"]}
    assert set(found(**{f"{key}__empty": "false"})) == set(ids)
    for op in rules.ops:
        if op != "empty":
            answer = found(filter=json.dumps([key, op, _operand(op, values[0])]))
            assert set(answer) == _expected(kind, op, values, ids, empty["id"]), op
    if rules.sorts and kind not in ("ref", "user"):  # references sort by their ids
        assert found(sort=key) == [*ids, empty["id"]]
        assert found(sort=f"-{key}") == [*reversed(ids), empty["id"]]
        _page_through(api, key, [*ids, empty["id"]])
    version = api.get(f"accounts/{empty['id']}/").json()["version"]
    changed = api.patch(f"accounts/{empty['id']}/", {key: values[-1]}, version)
    assert changed.status_code == 200, changed.json()
    assert plain(changed.json()[key]) == values[-1]
    emptied = api.patch(f"accounts/{empty['id']}/", {key: None}, version + 1)
    assert plain(emptied.json()[key]) in (None, "", [])
    _shown(client_for(alice), key, ids[0])
    described = openapi.document(access.actor_for(alice), "x")["components"]["schemas"]
    assert key in described["accounts"]["properties"]
    assert key in described["accounts.new"]["properties"]


def _operand(op: str, first: Any) -> Any:
    first = first[0] if isinstance(first, list) else first
    first = "Bonn" if isinstance(first, dict) else first
    return [first] if op == "in" else first[:5] if isinstance(first, str) and op in ("contains", "starts") else first


def _expected(kind: str, op: str, values: list, ids: list[str], empty: str) -> set[str]:
    """By what each operator says, in plain Python: the values stand in their order, so a place tells more from less."""
    first = values[0][0] if isinstance(values[0], list) else values[0]
    has = {i for i, v in zip(ids, values, strict=True) if first in v} if isinstance(values[0], list) else {ids[0]}
    rest = {*ids, empty}
    return {"eq": has, "in": has, "ne": rest - has, "lt": set(), "lte": {ids[0]}, "gt": set(ids[1:]), "gte": set(ids),
            "contains": _texts(values, ids, has), "starts": _texts(values, ids, has)}[op]  # fmt: skip


def _texts(values: list, ids: list[str], has: set[str]) -> set[str]:
    if isinstance(values[0], str):
        return {i for i, v in zip(ids, values, strict=True) if values[0][:5] in v}
    return has


def _page_through(api, key: str, wanted: list[str]) -> None:
    seen, address = [], f"/api/v1/accounts/?external_id={key}&sort={key}&limit=1"
    while address:
        answer = api.get(address).json()
        seen += [r["id"] for r in answer["results"]]
        address = answer["next"]
    assert seen == wanted


def _shown(page, key: str, ident: str) -> None:
    for path in (f"/accounts/?columns=name,{key}", f"/accounts/{ident}/", f"/accounts/{ident}/edit/", "/accounts/new/", f"/accounts/?add={key}"):
        answer = page.get(path)
        assert answer.status_code == 200, (path, answer.content[:300])
    assert f'name="{key}' in page.get("/accounts/new/").content.decode()


@pytest.mark.parametrize("kind", TYPED)
def test_a_form_shows_and_saves_it(kind, company, alice, api_for, client_for, world):
    """What a form shows is sent back as it stands and changes nothing; what is typed arrives."""
    api, page = api_for(alice), client_for(alice)
    key = add_field(api, kind)
    value = named(world, SAMPLES[kind][1][-1])
    made = api.post("accounts/", {"name": f"Form {kind}", key: value}).json()
    sent = {"whole": "1", "name": f"Form {kind}", "version": str(made["version"])}
    sent |= {n: v for n, v in made.items() if isinstance(v, str) and n in ("country", "currency")} | _typed(kind, key, value)
    answer = page.post(f"/accounts/{made['id']}/edit/", sent)
    assert answer.status_code == 302, answer.content[:3000]
    assert plain(api.get(f"accounts/{made['id']}/").json()[key]) == value
    fresh = page.post("/accounts/new/", {"whole": "1", "name": f"Fresh {kind}", **_typed(kind, key, value)})
    assert fresh.status_code == 302, fresh.content[:3000]
    ident = fresh.headers["Location"].rstrip("/").rpartition("/")[2]
    assert plain(api.get(f"accounts/{ident}/").json()[key]) == value


def _typed(kind: str, key: str, value: Any) -> dict[str, Any]:
    """A value as a browser sends it."""
    if kind in ("address", "geo"):
        return {f"{key}.{part}": value.get(part, "") for part in KINDS[kind].parts}
    if kind == "yesno":
        return {key: "true"} if value else {}
    if kind == "percent":
        return {key: "25"}
    if kind == "datetime":
        return {key: "2026-03-05T10:00"}
    return {key: value}


@pytest.mark.parametrize("kind", [k for k in TYPED if k != "datetime"])
def test_what_is_exported_can_be_imported_again(kind, company, alice, api_for, world):
    api = api_for(alice)
    key = add_field(api, kind, "contacts")
    for i, value in enumerate(named(world, SAMPLES[kind][1])):
        assert api.post("contacts/", {"name": f"Export {kind} {i}", key: value}).status_code == 201
    text = b"".join(api.get(f"contacts/?format=csv&sort=name&name__starts=Export {kind} ").streaming_content).decode("utf-8-sig")
    rows = _rows(text)
    assert len(rows) == len(SAMPLES[kind][1])
    for row, value in zip(rows, named(world, SAMPLES[kind][1]), strict=True):
        made = api.post("contacts/", {"name": "Again", key: row[key] or None})
        assert made.status_code == 201, (row[key], made.json())
        assert plain(made.json()[key]) == value


def _rows(text: str) -> list[dict[str, str]]:
    return [{n: v.removeprefix("'") if v[:2] in ("'-", "'+", "'=") else v for n, v in row.items()} for row in csv.DictReader(io.StringIO(text))]


def test_an_auto_number_has_no_gaps_and_numbers_what_was_there(company, alice, api_for):
    api = api_for(alice)
    there = [api.post("leads/", {"name": f"Lead {i}"}).json()["id"] for i in range(3)]
    key = add_field(api, "autonumber", "leads", pattern="L-{000}")
    numbers = [api.get(f"leads/{i}/").json()[key] for i in there]
    assert numbers == ["L-001", "L-002", "L-003"]
    refused = api.post("leads/batch/", [{"name": "Good"}, {"name": ""}])
    assert refused.status_code == 422
    made = api.post("leads/batch/", [{"name": "Four"}, {"name": "Five"}]).json()["results"]
    assert [r[key] for r in made] == ["L-004", "L-005"]
    assert api.post("leads/", {"name": "Own number", key: "L-9"}).status_code == 422
    assert [r["name"] for r in api.get("leads/", {key: "L-005"}).json()["results"]] == ["Five"]


def test_many_are_numbered_in_a_job(company, alice, api_for, monkeypatch):
    monkeypatch.setattr(own_values, "AT_ONCE", 2)
    api = api_for(alice)
    for i in range(5):
        api.post("products/", {"name": f"Product {i}", "sku": f"P-{i}"})
    key = add_field(api, "autonumber", "products", pattern="{0}")
    before = api.get("products/", {f"{key}__empty": "true"}).json()["results"]
    assert len(before) == 5
    jobs.run_due()
    assert [r[key] for r in api.get("products/", {"sort": "created_at"}).json()["results"]] == ["1", "2", "3", "4", "5"]


def test_parts_of_an_address_and_of_a_place_are_filtered_by_their_names(company, alice, api_for):
    api = api_for(alice)
    site, place = add_field(api, "address"), add_field(api, "geo")
    one = api.post("accounts/", {"name": "In Bonn", site: {"city": "Bonn", "country": "DE"}, place: "50.7374, 7.0982"}).json()
    assert one[place] == {"lat": "50.7374", "lng": "7.0982"}
    for words in ({f"{site}.country": "DE"}, {f"{site}.city__contains": "onn"}, {f"{place}.lat__gt": "50", f"{place}.lng__lt": "8"}):
        assert [r["id"] for r in api.get("accounts/", words).json()["results"]] == [one["id"]], words
    assert api.get("accounts/", {f"{site}.planet": "Mars"}).status_code == 422


def test_several_references_are_found_through(company, alice, api_for, world):
    api = api_for(alice)
    key = add_field(api, "refs", "contacts")
    one = api.post("contacts/", {"name": "Refers", key: [world["other account"]]}).json()
    assert [r["id"] for r in api.get("contacts/", {f"{key}.name": "Other Account"}).json()["results"]] == [one["id"]]
    assert api.get("contacts/", {f"{key}.name": "Nobody"}).json()["results"] == []
    version = api.get(f"accounts/{world['other account']}/").json()["version"]
    assert api.delete(f"accounts/{world['other account']}/", version).status_code == 204
    assert api.get(f"accounts/{world['other account']}/").json()["archived_at"], "what somebody refers to is archived, not lost"
    restored = api.post(f"accounts/{world['other account']}/restore/")
    assert restored.status_code == 200


def test_files_are_seen_by_who_sees_their_record_and_run_nothing(company, alice, bob, api_for, client_for, other_company, dave):
    api, sales = api_for(alice), api_for(bob)
    key = add_field(api, "file")
    evil = bring(api, 'evil".svg', b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
    assert evil["media_type"] == "application/octet-stream"
    picture = bring(api, "图.png", PNG)
    assert (picture["media_type"], picture["width"], picture["height"]) == ("image/png", 3, 2)
    sent = api.get(f"files/{evil['id']}/")
    assert sent.headers["Content-Disposition"].startswith("attachment")
    assert sent.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in sent.headers["Content-Security-Policy"]
    assert api.get(f"files/{picture['id']}/").headers["Content-Type"] == "image/png"
    assert sales.get(f"files/{evil['id']}/").status_code == 404
    assert sales.post("accounts/", {"name": "Takes it", key: evil["id"]}).status_code == 422
    api.post("accounts/", {"name": "Not for Bob", key: evil["id"]})
    assert sales.get(f"files/{evil['id']}/").status_code == 404
    api.post("accounts/", {"name": "For Bob", key: evil["id"], "owner": str(bob.pk)})
    assert sales.get(f"files/{evil['id']}/").content == b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    assert client_for(bob).get(f"/files/{evil['id']}/").status_code == 200
    assert api_for(dave, other_company).get(f"files/{evil['id']}/").status_code == 404
    assert people.browser(company).get(f"/files/{evil['id']}/").status_code in (302, 404)


def test_too_large_or_empty_a_file_is_refused(company, alice, api_for, monkeypatch):
    monkeypatch.setattr(files, "LARGEST", 10)
    api = api_for(alice)
    headers = {"Authorization": f"Bearer {api.key}"}
    for content in (b"", b"x" * 11):
        assert api.client.post("/api/v1/files/", {"file": SimpleUploadedFile("a.txt", content)}, headers=headers).status_code == 422
    assert api.client.post("/api/v1/files/", {}, headers=headers).status_code == 422


def test_labels_are_in_the_readers_language(company, alice, api_for):
    api = api_for(alice)
    key = add_field(api, "choice", labels={"zh-Hans": "颜色"}, helps={"zh-Hans": "外观"}, help="How it looks")
    field = {f.name: f for f in _fields("accounts")}[key]
    assert (str(field.label), str(field.help)) == ("Own choice", "How it looks")
    with translation.override("zh-hans"):
        assert (str(field.label), str(field.help), str(field.choices()["red"])) == ("颜色", "外观", "红")


def _fields(slug: str):
    return schema.own_fields(registry.get(slug))
