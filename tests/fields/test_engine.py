"""What stands under own fields: indexes and how lists use them, uniqueness by object, who sees what, and fifty random fields against plain Python."""

import os
import random
import string
import time
from decimal import Decimal

import pytest
from django.db import connection

from core import access, context, jobs, own_values, query, registry, sql
from core.models import CustomField, Role
from core.models.record import permit
from crm.models import Account
from tests import people

N = 100_000 if os.environ.get("ODOS_LONG") else 300


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


def add(api, slug: str, key: str, kind: str, status: int = 201, **more) -> dict:
    made = api.post("custom-fields/", {"type": slug, "key": key, "kind": kind, "label": key.title(), **more})
    assert made.status_code == status, made.json()
    return made.json()


def fresh(row: dict) -> CustomField:
    return CustomField.objects.get(pk=row["id"])


def plan(sort: str = "", **filters) -> str:
    actor, accounts = access.system("plan"), registry.get("accounts")
    wanted = query.Listing(conditions=tuple([n, "eq", v] for n, v in filters.items()), sort=(sort,) if sort else ())
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        try:
            return query.ordered(actor, accounts, wanted)[:50].explain()
        finally:
            cursor.execute("RESET enable_seqscan")


@pytest.mark.parametrize(("kind", "value", "more"), [
    ("text", "x", {}), ("number", "5", {}), ("date", "2026-03-05", {}), ("yesno", True, {}), ("money", "5", {}),
    ("choices", "a", {"options": [{"key": "a", "label": "A"}]}), ("refs", "0190b0c0-0000-7000-8000-000000000000", {"target": "accounts"}),
])  # fmt: skip
def test_a_fast_field_has_an_index_that_its_list_uses(api, kind, value, more):
    key = f"fast_{kind}"
    row = add(api, "accounts", key, kind, fast=True, **more)
    assert row["fast_state"] == "building"
    jobs.run_due()
    assert fresh(row).fast_state == "ready"
    index = registry.get("accounts")
    made = own_values.index_of(index, fresh(row))
    assert made.is_ready()
    if kind not in ("choices", "refs"):
        assert made.name("f") in plan(sort=key)
        assert made.name("d") in plan(sort=f"-{key}")
    assert made.name("f") in plan(**{key: value}) or made.name("d") in plan(**{key: value})
    version = api.get(f"custom-fields/{row['id']}/").json()["version"]
    assert api.patch(f"custom-fields/{row['id']}/", {"fast": False}, version).json()["fast_state"] == ""
    assert not made.is_ready()


def test_a_build_that_failed_is_tried_again(api, company, alice, monkeypatch):
    build = sql.OwnIndex.build

    def broken(self):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(sql.OwnIndex, "build", broken)
    row = add(api, "contacts", "tried", "text", fast=True)
    jobs.run_due()
    assert fresh(row).fast_state == "failed"
    page = people.signed_in(alice, company)
    assert "Index failed" in page.get("/settings/fields/contacts/").content.decode()
    monkeypatch.setattr(sql.OwnIndex, "build", build)
    assert page.post(f"/settings/fields/{row['id']}/retry/").status_code == 302
    jobs.run_due()
    assert fresh(row).fast_state == "ready"


def test_at_most_eight_are_fast(api):
    for n in range(8):
        add(api, "products", f"quick_{n}", "text", fast=True)
    assert "At most 8 fast fields" in str(add(api, "products", "quick_8", "text", 422, fast=True))


def test_unique_is_an_index_and_one_for_each_object(api):
    for slug in ("boats", "planes"):
        assert api.post("custom-objects/", {"key": slug, "label": slug[:-1], "plural": slug}).status_code == 201
        add(api, slug, "plate", "text", unique=True)
        assert api.post(f"{slug}/", {"name": "One", "plate": "AB 1"}).status_code == 201
        assert set(api.post(f"{slug}/", {"name": "Two", "plate": "AB 1"}).json()["errors"]) == {"plate"}
    row = CustomField.objects.get(type="boats", key="plate")
    assert api.patch(f"custom-fields/{row.pk}/", {"unique": False}, row.version).status_code == 200
    assert api.post("boats/", {"name": "Two", "plate": "AB 1"}).status_code == 201
    assert api.post("planes/", {"name": "Two", "plate": "AB 1"}).status_code == 422
    again = api.patch(f"custom-fields/{row.pk}/", {"unique": True}, row.version + 1)
    assert "Some records share a value" in again.json()["errors"]["unique"][0]
    made = api.post("planes/batch/", [{"name": "A", "plate": "X"}, {"name": "B", "plate": "X"}])
    assert made.status_code == 422


def test_required_asks_for_the_records_there_are(api):
    api.post("leads/", {"name": "There already"})
    assert "1 record has no value" in str(add(api, "leads", "source_of", "text", 422, required=True))
    row = add(api, "leads", "source_of", "text", required=True, default="fair")
    assert [r["source_of"] for r in api.get("leads/").json()["results"]] == ["fair"]
    assert api.post("leads/", {"name": "New"}).json()["source_of"] == "fair"
    later = add(api, "leads", "later", "text")
    assert "2 records have no value" in api.patch(f"custom-fields/{later['id']}/", {"required": True}, 1).json()["errors"]["required"][0]
    assert row["required"]


def test_a_field_is_seen_and_edited_by_its_roles_alone(api, company, alice, bob):
    sales = Role.objects.get(key="sales")
    add(api, "accounts", "salary", "money", sensitive=True)
    add(api, "accounts", "quota", "number", edited_by=[str(Role.objects.get(key="owner").pk)])
    hidden = add(api, "accounts", "secret_of", "text", seen_by=[str(sales.pk)])
    seller = people.api(bob, company)
    made = seller.post("accounts/", {"name": "Of Bob", "secret_of": "told"}).json()
    assert "salary" not in made and made["secret_of"] == "told" and made["quota"] is None
    assert set(seller.patch(f"accounts/{made['id']}/", {"quota": "5"}, made["version"]).json()["errors"]) == {"quota"}
    assert api.patch(f"accounts/{made['id']}/", {"quota": "5", "salary": "9"}, made["version"]).status_code == 200
    for words in ({"salary": "9"}, {"sort": "salary"}, {"sum": "salary"}, {"filter": '["salary","gt",1]'}):
        assert seller.get("accounts/", words).status_code == 422, words
    trail = seller.get("trail/", {"about": made["id"]}).json()["results"]
    assert trail and not any("salary" in (entry["changes"] or {}) for entry in trail)
    text = b"".join(people.api(alice, company).get("accounts/?format=csv").streaming_content).decode()
    assert "salary" in text.split("\r\n")[0] and "secret_of" not in text.split("\r\n")[0], "the owner is not among those who see it"
    opened = api.patch(f"custom-fields/{hidden['id']}/", {"seen_by": []}, hidden["version"])
    assert "Only those who see this field" in opened.json()["errors"]["seen_by"][0]


# Fifty random fields ------------------------------------------------------------------------------------------------

KINDS = ("text", "number", "integer", "money", "percent", "date", "yesno", "choice", "choices", "email")


def _value(kind: str, draw: random.Random):
    if draw.random() < 0.15:
        return None
    letters = "".join(draw.choice(string.ascii_lowercase) for _n in range(draw.randint(1, 6)))
    return {
        "text": letters, "number": str(Decimal(draw.randint(-9999, 9999)) / 100), "integer": draw.randint(-50, 50),
        "money": f"{draw.randint(-999, 999)}.{draw.randint(0, 99):02}", "percent": str(Decimal(draw.randint(0, 99)) / 100),
        "date": f"20{draw.randint(10, 29)}-0{draw.randint(1, 9)}-{draw.randint(10, 28)}", "yesno": draw.random() < 0.5,
        "choice": draw.choice("abc"), "choices": sorted(draw.sample("abc", draw.randint(1, 3))), "email": f"{letters}@example.com",
    }[kind]  # fmt: skip


def _plain(kind: str, value):
    return Decimal(str(value)) if kind in ("number", "integer", "money", "percent") else value


def test_fifty_random_fields_filter_and_sort_as_plain_python_does(company, alice, api):
    draw = random.Random(4)
    options = [{"key": k, "label": k.upper()} for k in "abc"]
    fields = {f"r{n}_{(kind := draw.choice(KINDS))}": kind for n in range(50)}
    for key, kind in fields.items():
        add(api, "accounts", key, kind, **({"options": options} if kind in ("choice", "choices") else {}))
    rows = {}
    for start in range(0, N, 1000):
        items = []
        for n in range(start, min(start + 1000, N)):
            given = {key: _value(kind, draw) for key, kind in fields.items()}
            items.append({"name": f"Random {n:06}", "external_id": "random", **{k: v for k, v in given.items() if v is not None}})
        made = api.post("accounts/batch/", items)
        assert made.status_code == 201, made.json()
        rows |= {r["id"]: item for r, item in zip(made.json()["results"], items, strict=True)}
    actor, accounts = access.actor_for(alice), registry.get("accounts")

    def found(*conditions, sort: str = "") -> list[str]:
        wanted = query.Listing(conditions=(["external_id", "eq", "random"], *conditions), sort=(sort,) if sort else ())
        return [str(pk) for pk in query.ordered(actor, accounts, wanted).values_list("pk", flat=True)]

    with context.remembering():
        _compare(draw, fields, rows, found)


def _compare(draw: random.Random, fields: dict[str, str], rows: dict[str, dict], found) -> None:
    for key, kind in fields.items():
        has = {i: _plain(kind, item[key]) for i, item in rows.items() if key in item}
        one = draw.choice(list(has.values()))
        asked = one[0] if kind == "choices" else str(one) if isinstance(one, Decimal) else one
        equal = {i for i, v in has.items() if (asked in v if kind == "choices" else v == one)}
        assert set(found([key, "eq", asked])) == equal, key
        assert set(found([key, "ne", asked])) == rows.keys() - equal, key
        assert set(found([key, "empty", True])) == rows.keys() - has.keys(), key
        if kind not in ("choice", "choices", "yesno"):
            assert set(found([key, "gt", asked])) == {i for i, v in has.items() if v > one}, key
            assert set(found([key, "lte", asked])) == {i for i, v in has.items() if v <= one}, key
        if kind != "choices":
            empty = sorted(rows.keys() - has.keys())
            assert found(sort=key) == [*sorted(has, key=lambda i: (has[i], i)), *empty], key
            falling = sorted(sorted(has), key=lambda i: has[i], reverse=True)
            assert found(sort=f"-{key}") == [*falling, *empty], key



@pytest.mark.skipif(not os.environ.get("ODOS_LONG"), reason="a million records take minutes")
def test_a_million_records_are_filtered_and_sorted_in_time(company, alice, api):
    add(api, "accounts", "slow_text", "text")
    add(api, "accounts", "slow_number", "number")
    with permit():
        for start in range(0, 1_000_000, 20_000):
            Account.objects.bulk_create(
                [Account(name=f"M {n}", sort_key=f"m {n}", owner=alice, custom={"slow_text": f"t{n % 5003}", "slow_number": str(n % 7919)})
                 for n in range(start, start + 20_000)], batch_size=2000)  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    actor, accounts = access.actor_for(alice), registry.get("accounts")
    for wanted in (
        query.Listing(conditions=(["slow_text", "eq", "t77"],), count=True), query.Listing(conditions=(["slow_number", "gt", "7000"],), count=True),
        query.Listing(sort=("slow_text",)), query.Listing(sort=("-slow_number",)),
    ):  # fmt: skip
        begun = time.perf_counter()
        query.page(actor, accounts, wanted)
        assert time.perf_counter() - begun < 1.5, wanted
