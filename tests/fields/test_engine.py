"""What stands under own fields: indexes and how lists use them, uniqueness by object, and who sees what."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.db.models import Q, QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import access, constraints, cursors, files, jobs, listings, ordering, own_values, query, registry, sql
from core.models import CustomField, Role
from tests import people


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
    wanted = listings.Listing(conditions=tuple([n, "eq", v] for n, v in filters.items()), sort=(sort,) if sort else ())
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        try:
            return query.ordered(actor, accounts, wanted)[:50].explain()
        finally:
            cursor.execute("RESET enable_seqscan")


def plan_of(rows: QuerySet | str) -> str:
    """How it is done where an index can be read in order."""
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off")
        try:
            if isinstance(rows, QuerySet):
                return rows.explain()
            cursor.execute(f"EXPLAIN {rows}")
            return "\n".join(line for (line,) in cursor.fetchall())
        finally:
            cursor.execute("RESET enable_seqscan; RESET enable_bitmapscan; RESET enable_sort")


def plans_from(value, sort: str) -> list[str]:
    """How the pages after and before a row with this value are read, each way."""
    actor, accounts = access.system("plan"), registry.get("accounts")
    wanted = listings.Listing(sort=(sort,))
    keys, found = ordering.keys(actor, accounts, wanted.sort), query.matching(actor, accounts, wanted)
    values = [cursors._decode_one(keys[0], value), "0190b0c0-0000-7000-8000-000000000000"]
    return [plan_of(ordering.by(found, keys, back).filter(q)[:50]) for back in (False, True) for q in cursors.beyond(keys, values, back)]


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
        for sort, form in ((key, "f"), (f"-{key}", "d")):
            after, empty, before = plans_from(value, sort)
            assert all(made.name(form) in told and "Index Cond" in told and "Sort" not in told for told in (after, empty, before)), (after, empty, before)
    assert made.name("f") in plan(**{key: value}) or made.name("d") in plan(**{key: value})
    version = api.get(f"custom-fields/{row['id']}/").json()["version"]
    assert api.patch(f"custom-fields/{row['id']}/", {"fast": False}, version).json()["fast_state"] == ""
    assert not made.is_ready()


def test_the_newest_come_from_an_index_on_the_first_page_and_deep_down(api):
    """Of every type, own objects included: no page of the list that opens first reads or sorts the table. All is said to PostgreSQL, so it may choose."""
    made = api.post("custom-objects/", {"key": "drive", "label": "Drive", "plural": "Drives"})
    assert made.status_code == 201, made.json()
    actor, checked = access.system("plan"), 0
    for object_type in registry.every():
        keys = ordering.keys(actor, object_type, ())
        if len(keys) < 2 or object_type.rows:  # ledgers run by id
            continue
        found, values = query.matching(actor, object_type, listings.Listing()), [timezone.now(), "0190b0c0-0000-7000-8000-000000000000"]
        for (beyond,), backwards in (([Q()], False), (cursors.beyond(keys, values, False), False), (cursors.beyond(keys, values, True), True)):
            told = plan_of(ordering.by(found, keys, backwards).filter(beyond)[:50])
            newest = "custom_record_newest" if object_type.among else f"{object_type.model._meta.db_table}_created_at"
            assert f"using {newest}" in told and ("created_at" in told.partition("Index Cond")[2].partition("\n")[0] or not beyond), told
        checked += 1
    assert checked > 30


@pytest.mark.parametrize("op", ["ne", "gt", "empty"])
@pytest.mark.parametrize("sort", ["", "name", "-created_at"])
def test_what_a_roll_up_filters_is_sorted_and_not_read_along_an_index(api, op, sort):
    """However the planner guesses what a roll-up leaves, it never goes through all children for each row of an order."""
    if not CustomField.objects.filter(key="heads").exists():
        add(api, "accounts", "heads", "rollup", rollup={"type": "contacts", "field": "account", "aggregate": "count"})
    wanted = listings.Listing(conditions=(["heads", op, "3" if op != "empty" else True],), sort=(sort,) if sort else ())
    rows = query.ordered(access.system("plan"), registry.get("accounts"), wanted)[:50]
    told = plan_of(rows)
    assert "Sort Key" in told and "Presorted" not in told, told


def asked(actor, wanted: listings.Listing) -> tuple[query.Page, list[str]]:
    """A page of accounts and the statements that read them."""
    with CaptureQueriesContext(connection) as queries:
        page = query.page(actor, registry.get("accounts"), wanted)
    return page, [one["sql"] for one in queries if 'FROM "crm_account"' in one["sql"]]


def plan_by_many(statement: str) -> str:
    """How it is done where further processes cost nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET enable_indexscan = off")
        try:
            cursor.execute(f"EXPLAIN {statement}")
            return "\n".join(line for (line,) in cursor.fetchall())
        finally:
            cursor.execute("RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size; RESET enable_indexscan")


@pytest.fixture(scope="module")
def searched(api) -> list[str]:
    """Fields to search by, and ids: the oldest alone holds what is rare; all hold what is not."""
    add(api, "accounts", "s_text", "text")
    add(api, "accounts", "s_number", "number")
    add(api, "accounts", "s_place", "address")
    add(api, "accounts", "s_often", "text")
    add(api, "accounts", "s_formula", "formula", formula="s_number * 3 + 1")
    add(api, "contacts", "s_of", "ref", target="accounts")
    add(api, "accounts", "s_heads", "rollup", rollup={"type": "contacts", "field": "s_of", "aggregate": "count"})
    made = []
    for n in range(7):
        rare = {"s_text": "Rare bird", "s_number": "5", "s_place": {"city": "Bonn", "country": "DE"}} if n == 0 else {"s_place": {"city": "Ulm"}}
        answer = api.post("accounts/", {"name": f"Searched {n}", "s_often": "often", **rare})
        assert answer.status_code == 201, answer.json()
        made.append(answer.json()["id"])
    assert api.post("contacts/", {"name": "Head", "s_of": made[0]}).status_code == 201
    return made


RARE = (["s_text", "eq", "Rare bird"], ["s_text", "contains", "BIRD"], ["s_number", "in", ["5"]], ["s_place", "contains", "bonn d"],
        ["s_formula", "eq", "16"], ["s_heads", "gt", "0"])  # fmt: skip


@pytest.mark.parametrize("sort", ["", "name", "-s_number"])
@pytest.mark.parametrize("condition", RARE, ids=lambda c: f"{c[0]}-{c[1]}")
def test_what_is_rare_is_found_and_counted_by_one_look_at_all_rows(searched, monkeypatch, condition, sort):
    """Not along the order, row by row, and then once more; and many processes share the look."""
    monkeypatch.setattr(query, "NEWEST", 3)
    page, statements = asked(access.system("plan"), listings.Listing(conditions=(condition,), sort=(sort,) if sort else (), count=True))
    assert ([str(r.pk) for r in page.records], page.count) == (searched[:1], 1)
    looks = [one for one in statements if "OVER ()" in one]
    assert len(looks) == 1 and not any("COUNT(*)" in one for one in statements if one not in looks), statements
    told = plan_of(looks[0])
    assert "Sort Key" in told and "Presorted" not in told, told
    told = plan_by_many(looks[0])
    assert "Parallel Seq Scan on crm_account" in told, told


@pytest.mark.parametrize("condition", RARE, ids=lambda c: f"{c[0]}-{c[1]}")
def test_the_same_look_adds_up_what_is_rare(searched, monkeypatch, condition):
    """As pages ask for it: the sums of a list that is not too long."""
    monkeypatch.setattr(query, "NEWEST", 3)
    wanted = listings.Listing(conditions=(condition,), count=True, sums=("s_number", "s_heads"), within=10)
    page, statements = asked(access.system("plan"), wanted)
    assert (page.count, page.sums, page.beyond) == (1, {"s_number": Decimal(5), "s_heads": Decimal(1)}, 0)
    assert len([one for one in statements if '"_count"' in one]) == 1, statements


def test_what_is_rare_in_many_is_not_added_up_beyond_the_limit(searched, monkeypatch):
    monkeypatch.setattr(query, "NEWEST", 1)
    wanted = listings.Listing(conditions=(["s_often", "eq", "often"],), count=True, sums=("s_number",), within=6)
    page, _statements = asked(access.system("plan"), wanted)
    assert (len(page.records), page.count, page.sums, page.beyond) == (7, None, None, 6)
    page, _statements = asked(access.system("plan"), replace(wanted, within=7))
    assert (page.count, page.sums, page.beyond) == (7, {"s_number": Decimal(5)}, 0)


@pytest.mark.parametrize(("within", "told"), [(7, (7, {"s_number": Decimal(5)}, 0)), (6, (None, None, 6)), (0, (7, {"s_number": Decimal(5)}, 0))])
def test_what_is_frequent_is_added_up_while_it_is_found_to_be_few_enough(searched, monkeypatch, within, told):
    monkeypatch.setattr(query, "NEWEST", 3)
    wanted = listings.Listing(conditions=(["s_often", "eq", "often"],), count=True, sums=("s_number",), limit=2, within=within)
    page, statements = asked(access.system("plan"), wanted)
    assert (page.count, page.sums, page.beyond) == told
    [added] = [one for one in statements if "SUM(" in one]
    assert added.count("s_often") == 1, added  # the filter is tried once a row, not once to count and once more to add up


@pytest.mark.parametrize(("within", "told"), [(7, (7, 0)), (6, (None, 6)), (0, (7, 0))])
def test_rows_are_counted_while_they_are_found_to_be_few_enough(searched, within, told):
    """By a field that no index need lead to: they are gone through once, not once to see whether they are few and once more to count them."""
    page, statements = asked(access.system("plan"), listings.Listing(conditions=(["name", "starts", "Searched"],), count=True, limit=2, within=within))
    assert (page.count, page.beyond) == told
    [counted] = [one for one in statements if "COUNT(" in one]
    assert counted.upper().count("SEARCHED%") == 1, counted


@pytest.mark.parametrize(("sort", "first"), [("", -1), ("name", 0), ("-s_number", 0)])
def test_what_is_frequent_is_found_among_the_newest(searched, monkeypatch, sort, first):
    monkeypatch.setattr(query, "NEWEST", 3)
    wanted = listings.Listing(conditions=(["s_often", "eq", "often"],), sort=(sort,) if sort else (), count=True, limit=2)
    page, statements = asked(access.system("plan"), wanted)
    assert (str(page.records[0].pk), len(page.records), page.count) == (searched[first], 2, 7)
    assert not any("OVER ()" in one for one in statements), statements
    told = plan_of(statements[0])
    assert "created_at" in told.partition("Index Cond: (created_at >= ")[1], told


@pytest.mark.parametrize("sort", ["s_place", "-s_place", "s_formula", "-s_formula"])
def test_deep_in_an_order_that_is_worked_out_each_row_is_worked_out_once(searched, sort):
    actor, wanted = access.system("plan"), listings.Listing(sort=(sort,), limit=3)
    everyone = [r.pk for r in query.ordered(actor, registry.get("accounts"), wanted)]
    page, walked = query.page(actor, registry.get("accounts"), wanted), []
    walked += page.records
    while page.next:
        page, statements = asked(actor, listings.Listing(sort=(sort,), limit=3, cursor=page.next))
        walked += page.records
        for one in statements:
            told = plan_by_many(one)
            tests = [line for line in told.split("\n") if "Filter:" in line and "archived_at" not in line]
            assert tests and all("_sort0" in line and "custom" not in line for line in tests), told
            assert "Parallel Seq Scan on crm_account" in told, told
    assert [r.pk for r in walked] == everyone and len(walked) > 6
    page = query.page(actor, registry.get("accounts"), listings.Listing(sort=(sort,), limit=3, cursor=page.previous))
    assert [r.pk for r in page.records] == everyone[-(len(everyone) % 3 or 3) - 3 :][:3]


@pytest.mark.parametrize("kind", ["ref", "refs"])
def test_what_a_reference_leads_to_is_looked_up_by_its_id(api, kind):
    """A filter through an own reference reads one index for each row, with or without statistics, and never all rows that are referred to."""
    add(api, "accounts", f"friend_{kind}", kind, target="contacts")
    rows = query.matching(access.system("plan"), registry.get("accounts"), listings.Listing(conditions=([f"friend_{kind}.name", "lt", "Zed"],)))
    told = plan_of(rows)
    assert "crm_contact_pkey" in told and "Index Cond: (id = " in told.partition("crm_contact_pkey")[2], told


def test_how_many_there_are_is_asked_where_a_page_does_not_say_it(api):
    actor, accounts = access.system("count"), registry.get("accounts")
    for n in range(3):
        assert api.post("accounts/", {"name": f"Counted {n}", "industry": "Counted"}).status_code == 201
    for limit, counts in ((2, 1), (3, 0)):
        with CaptureQueriesContext(connection) as queries:
            assert query.page(actor, accounts, listings.Listing(conditions=(["industry", "eq", "Counted"],), count=True, limit=limit)).count == 3
        assert sum("COUNT(" in asked["sql"] for asked in queries) == counts


def test_a_build_that_failed_is_tried_again(api, company, alice, monkeypatch):
    build = sql.OwnIndex.build

    def broken(self, sorted_too):
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


def test_a_reference_is_indexed_as_a_declared_one_is(api):
    row = add(api, "contacts", "advises", "ref", target="accounts")
    add(api, "accounts", "advisers", "rollup", rollup={"type": "contacts", "field": "advises", "aggregate": "count"})
    jobs.run_due()
    made, accounts = own_values.index_of(registry.get("contacts"), fresh(row)), registry.get("accounts")
    counted = accounts.all().annotate(_n=access.fields(access.system("plan"), accounts)["advisers"].expression)  # as a page's records have it
    assert row["fast_state"] == "" and made.name("f") in plan_of(counted)
    fast = api.patch(f"custom-fields/{row['id']}/", {"fast": True}, row["version"]).json()
    jobs.run_due()
    assert made.is_ready()
    assert api.patch(f"custom-fields/{row['id']}/", {"fast": False}, fast["version"]).status_code == 200
    jobs.run_due()
    assert not made.is_ready() and made.name("f") in plan_of(counted)


def test_at_most_eight_are_fast(api):
    for n in range(8):
        add(api, "products", f"quick_{n}", "text", fast=True)
    assert "At most 8 fast fields" in str(add(api, "products", "quick_8", "text", 422, fast=True))


def looked_up(work, word: str) -> str:
    """The plans of the statements of this work that name the word, where reading a whole table costs most."""
    with CaptureQueriesContext(connection) as queries:
        work()
    named = [one["sql"] for one in queries if word in one["sql"] and one["sql"].lstrip("(").startswith("SELECT")]
    assert named
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        try:
            told = []
            for one in named:
                cursor.execute(f"EXPLAIN {one}")
                told += [line for (line,) in cursor.fetchall()]
            return "\n".join(told)
        finally:
            cursor.execute("RESET enable_seqscan")


UNIQUE = (("u_tag", "barcode", ("A-1", "A-2")), ("u_size", "integer", (1, 2)), ("u_day", "date", ("2026-01-01", "2026-01-02")))


@pytest.mark.parametrize(("key", "kind", "values"), UNIQUE)
def test_what_is_unique_is_looked_up_by_the_index_that_keeps_it_so(api, key, kind, values):
    """By a filter, and by every write that brings a value: else each would read all records there are."""
    made = add(api, "accounts", key, kind, unique=True)
    index = own_values.index_of(registry.get("accounts"), fresh(made)).name("u")
    assert index in plan(**{key: str(values[0])})
    one = {"name": "One", key: values[0]}
    assert index in looked_up(lambda: api.post("accounts/", one), f"'{key}'")
    again = api.post("accounts/", one)
    assert (again.status_code, again.json()["errors"]) == (422, {key: ["Another record has this value already."]})
    assert api.post("accounts/", {"name": "Two", key: values[1]}).status_code == 201


def test_who_refers_to_a_record_is_found_by_the_index_of_the_reference(api):
    made = add(api, "contacts", "f_of", "ref", target="accounts")
    jobs.run_due()
    index = own_values.index_of(registry.get("contacts"), fresh(made)).name("f")
    account = api.post("accounts/", {"name": "Referred"}).json()["id"]
    assert api.post("contacts/", {"name": "Refers", "f_of": account}).status_code == 201
    assert index in looked_up(lambda: constraints.pointed_to(registry.get("accounts"), [UUID(account)]), "'f_of'")
    assert constraints.pointed_to(registry.get("accounts"), [UUID(account)]) == {UUID(account)}


@pytest.mark.parametrize("kind", ["file", "image"])
def test_who_holds_a_file_is_found_by_an_index(api, alice, kind):
    """Every picture that a page shows is asked for."""
    made = add(api, "accounts", f"h_{kind}", kind)
    jobs.run_due()
    index = own_values.index_of(registry.get("accounts"), fresh(made)).name("f")
    assert index in looked_up(lambda: files.is_held(access.actor_for(alice), uuid4()), f"'h_{kind}'")


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
