"""Formulas and roll-ups: shown, filtered, sorted, added up and exported as one figure, out of what their reader sees and nothing else."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import access, context, listings, query, read, registry, sql, write
from core.models import Role
from tests import people


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


def add(api, slug: str, key: str, kind: str, **more) -> dict:
    made = api.post("custom-fields/", {"type": slug, "key": key, "kind": kind, "label": key.title(), **more})
    assert made.status_code == 201, made.json()
    return made.json()


@pytest.fixture(scope="module")
def fleet(api):
    """Accounts with contacts, a bonus of each, and what they come to."""
    add(api, "contacts", "bonus", "money")
    add(api, "contacts", "level", "choice", options=[{"key": "gold", "label": "Gold"}, {"key": "tin", "label": "Tin"}])
    add(api, "accounts", "people", "rollup", rollup={"type": "contacts", "field": "account", "aggregate": "count"})
    gold = {"of": "bonus", "filter": ["level", "eq", "gold"]}
    add(api, "accounts", "bonuses", "rollup", rollup={"type": "contacts", "field": "account", "aggregate": "sum", **gold})
    add(api, "accounts", "dearest", "rollup", rollup={"type": "contacts", "field": "account", "aggregate": "max", "of": "bonus"})
    add(api, "accounts", "doubled", "formula", formula="bonuses * 2")
    made = {}
    for name, bonuses in (("One", []), ("Two", [("10.50", "gold"), ("4", "tin")]), ("Three", [("1", "gold"), ("2", "gold"), ("3", "tin")])):
        made[name] = api.post("accounts/", {"name": name, "external_id": "fleet"}).json()["id"]
        for bonus, level in bonuses:
            assert api.post("contacts/", {"name": f"{name} {bonus}", "account": made[name], "bonus": bonus, "level": level}).status_code == 201
    return made


def test_a_computed_field_is_a_field_like_every_other(api, fleet, alice, client_for):
    listed = {r["name"]: r for r in api.get("accounts/", {"external_id": "fleet"}).json()["results"]}
    assert {n: (r["people"], r["bonuses"], r["dearest"], r["doubled"]) for n, r in listed.items()} == {
        "One": (0, "0.00", None, "0.00"), "Two": (2, "10.50", "10.50", "21.00"), "Three": (3, "3.00", "3.00", "6.00"),
    }  # fmt: skip

    def names(**words):
        answer = api.get("accounts/", {"external_id": "fleet", **words})
        assert answer.status_code == 200, answer.json()
        return [r["name"] for r in answer.json()["results"]]

    assert names(people__gte="1", sort="-people") == ["Three", "Two"]
    assert names(sort="doubled") == ["One", "Three", "Two"]
    assert names(sort="-dearest") == ["Two", "Three", "One"]
    assert names(dearest__empty="true") == ["One"]
    assert names(doubled="21") == ["Two"]
    first = api.get("accounts/", {"external_id": "fleet", "sort": "doubled", "limit": "1", "sum": "bonuses,people"}).json()
    assert first["sums"] == {"bonuses": "13.50", "people": "5"}
    assert [r["name"] for r in api.get(first["next"]).json()["results"]] == ["Three"]
    text = b"".join(api.get("accounts/?external_id=fleet&format=csv&sort=name").streaming_content).decode()
    assert "21.00" in text and "10.50" in text
    page = client_for(alice).get(f"/accounts/{fleet['Two']}/").content.decode()
    assert "$21.00" in page
    assert api.post("accounts/", {"name": "X", "doubled": "1"}).status_code == 422
    properties = api.get("schema/").json()["components"]["schemas"]
    assert "doubled" in properties["accounts"]["properties"] and "doubled" not in properties["accounts.new"]["properties"]


def test_the_list_behind_a_roll_up_adds_up_to_it(api, fleet, alice, client_for):
    page = client_for(alice).get(f"/accounts/{fleet['Three']}/").content.decode()
    address = f"/contacts/?account={fleet['Three']}&amp;filter=%5B%22level%22%2C%22eq%22%2C%22gold%22%5D&amp;sum=bonus"
    assert address in page
    behind = api.get("contacts/", {"account": fleet["Three"], "filter": '["level","eq","gold"]', "sum": "bonus"}).json()
    assert behind["sums"] == {"bonus": "3.00"}
    assert len(behind["results"]) == 2


def test_it_counts_what_its_reader_sees(company, api, fleet, bob):
    api.patch(f"accounts/{fleet['Two']}/", {"owner": str(bob.pk)}, api.get(f"accounts/{fleet['Two']}/").json()["version"])
    mine = api.get("contacts/", {"account": fleet["Two"], "level": "tin"}).json()["results"][0]
    api.patch(f"contacts/{mine['id']}/", {"owner": str(bob.pk)}, mine["version"])
    seen = people.api(bob, company).get(f"accounts/{fleet['Two']}/").json()
    assert (seen["people"], seen["bonuses"], seen["doubled"]) == (1, "0.00", "0.00")
    whole = api.get(f"accounts/{fleet['Two']}/").json()
    assert (whole["people"], whole["bonuses"]) == (2, "10.50")


def test_a_whole_list_adds_all_children_up_once_and_a_narrowed_one_each_record_by_itself(alice, fleet):
    def joined(*conditions) -> tuple[int, list[str]]:
        with sql.snapshot(), context.remembering():
            wanted = listings.Listing(conditions=conditions, sort=("-doubled", "-people"))
            found = query.ordered(access.actor_for(alice), registry.get("accounts"), wanted)
            return str(found.query).count("LEFT OUTER JOIN (SELECT"), [row.name for row in found if row.external_id == "fleet"]

    assert joined(["people", "gte", "0"], ["doubled", "gte", "0"]) == (2, ["Two", "Three", "One"])  # one for each roll-up, however often it is named
    assert joined({"any": [["people", "gte", "0"], ["external_id", "eq", "fleet"]]}) == (2, ["Two", "Three", "One"])
    assert joined(["people", "gte", "0"], ["external_id", "eq", "fleet"]) == (0, ["Two", "Three", "One"])


def test_what_is_hidden_is_not_told_by_what_is_made_of_it(company, api, fleet):
    api.post("roles/", {"name": "No money", "grants": [{"type": "*", "actions": ["view", "export"], "scope": "all", "hidden": ["bonus"]}]})
    role = Role.objects.get(name="No money")
    stated = {"name": "Eve", "email": "eve@example.com", "password": people.PASSWORD, "roles": [str(role.pk)]}
    reader = people.writing(lambda: write.create(access.system("tests"), registry.get("users"), stated))
    eve = people.api(reader, company)
    seen = eve.get(f"accounts/{fleet['Three']}/").json()
    assert seen["people"] == 3
    assert {"bonuses", "dearest", "doubled"}.isdisjoint(seen)
    for words in ({"doubled__gt": "1"}, {"sort": "bonuses"}, {"sum": "bonuses"}):
        assert eve.get("accounts/", words).status_code == 422, words
    assert "doubled" not in eve.get("schema/").json()["components"]["schemas"]["accounts"]["properties"]


def test_what_makes_no_sense_is_refused_in_words(api, fleet):
    def refused(**field) -> dict:
        answer = api.post("custom-fields/", {"type": "accounts", "key": "odd", "label": "Odd", **field})
        assert answer.status_code == 422, answer.json()
        return answer.json()["errors"]

    assert set(refused(kind="formula", formula="nonsense +")) == {"formula"}
    assert set(refused(kind="formula", formula="nobody * 2")) == {"formula"}
    assert set(refused(kind="formula", formula="doubled", required=True)) == {"required"}
    by = {"type": "contacts", "field": "account"}
    for rollup in (
        None, [], {"type": "contacts"}, {**by, "field": "name", "aggregate": "count"}, {**by, "aggregate": "sum"}, {**by, "aggregate": "sum", "of": "name"},
        {**by, "aggregate": "count", "filter": ["nobody", "eq", "1"]}, {"type": "facts", "field": "account", "aggregate": "count"},
    ):  # fmt: skip
        assert set(refused(kind="rollup", rollup=rollup)) == {"rollup"}, rollup


def test_circles_are_refused_with_their_names(api, fleet):
    add(api, "accounts", "round", "formula", formula="people + 1")
    other = add(api, "accounts", "trip", "formula", formula="round + 1")
    first = api.get("custom-fields/", {"type": "accounts", "key": "round"}).json()["results"][0]
    answer = api.patch(f"custom-fields/{first['id']}/", {"formula": "trip + 1"}, first["version"])
    assert answer.status_code == 422
    assert "Round → Trip → Round" in answer.json()["errors"]["formula"][0]
    again = api.patch(f"custom-fields/{first['id']}/", {"formula": "round + 1"}, first["version"])
    assert again.status_code == 422
    used = api.post(f"custom-fields/{first['id']}/archive/")
    assert used.status_code == 422 and "Trip" in used.json()["errors"]["_"][0]
    assert api.post(f"custom-fields/{other['id']}/archive/").status_code == 200
    assert api.post(f"custom-fields/{first['id']}/archive/").status_code == 200


def test_two_who_make_a_circle_together_do_not(api, company):
    """Each alone makes none; at the same time the second is told."""
    add(api, "leads", "ahead", "number")
    mine, yours = (add(api, "leads", key, "formula", formula="1") for key in ("mine", "yours"))
    for _round in range(4):
        asked = [(mine, "yours + 1"), (yours, "mine + 1")]

        def ask(one, n, asked=asked):
            field, text = asked[n]
            return one.patch(field["url"], {"formula": text}, field["version"])

        answers = people.at_once(company, api.key, 2, ask)
        assert sorted(a.status_code for a in answers) == [200, 422], [a.json() for a in answers]
        assert "circle" in next(a.json() for a in answers if a.status_code == 422)["errors"]["formula"][0]
        mine, yours = (api.patch(f["url"], {"formula": "1"}, api.get(f["url"]).json()["version"]).json() for f in (mine, yours))


def test_a_page_of_many_costs_one_query_for_all_its_computed_fields(company, alice, api, fleet):
    def present(limit: int) -> int:
        with sql.snapshot(), context.remembering():
            actor, accounts = access.actor_for(alice), registry.get("accounts")
            records = list(access.rows(actor, accounts)[:limit])
            read.present(actor, accounts, records[:1])  # what is read once
            with CaptureQueriesContext(connection) as caught:
                read.present(actor, accounts, records)
            return len(caught)

    assert present(1) == present(3) <= 4
