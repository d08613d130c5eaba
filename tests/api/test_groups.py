"""A list by groups says of each value what the list of this value alone says: number, sums, first records, and how to go on."""

import random
from decimal import Decimal

import pytest
from django.db import connection

from crm.models import Stage
from tests import factories, people

WORDS = ("count", "sums", "results")
ASKED = {"count": "exact", "sum": "amount"}


@pytest.fixture(scope="module", autouse=True)
def _deals(api, alice, bob):
    """Thirty deals of two owners, in each stage, some in another currency, some archived, with a yes-or-no and a choice of the company's own."""
    chance = random.Random(7)
    options = [{"key": "hot", "label": "Hot"}, {"key": "cold", "label": "Cold"}]
    for stated in ({"key": "heat", "kind": "choice", "label": "Heat", "options": options}, {"key": "urgent", "kind": "yesno", "label": "Urgent"}):
        assert api.post("custom-fields/", {"type": "opportunities", **stated}).status_code == 201
    factories.make("exchange-rates", api, currency="CHF", date="2020-01-01", rate="2")
    accounts = [factories.make("accounts", api, name=f"Account {n}")["id"] for n in range(3)]
    stages = [str(pk) for pk in Stage.objects.values_list("pk", flat=True)[:3]]
    for n in range(30):
        own = {"heat": chance.choice(["hot", "cold", None]), "urgent": chance.choice([True, False, None])}
        made = factories.make(
            "opportunities", api, account=chance.choice(accounts), stage=chance.choice(stages), amount=str(n * 10), name=f"Deal {n}",
            owner=str(chance.choice([alice, bob]).pk), currency=chance.choice(["USD", "USD", "CHF"]), **{k: v for k, v in own.items() if v is not None},
        )  # fmt: skip
        if n % 7 == 0:
            assert api.post(f"{made['url']}archive/").status_code == 200


def by(api, field, **words):
    answer = api.get("opportunities/", {**ASKED, **words, "group_by": field})
    assert answer.status_code == 200, answer.content
    return answer.json()["groups"]


def word(key):
    return str(key).lower() if isinstance(key, bool) else key


@pytest.mark.parametrize("field", ["stage", "owner", "account", "contact", "status", "heat", "urgent"])
def test_each_group_is_its_own_list(field, api, bobs):
    chance = random.Random(field)
    for _each in range(4):
        words = {"limit": str(chance.choice([1, 2, 20])), "sort": chance.choice(["-amount", "name", "account", "heat", ""])}
        words |= chance.choice([{}, {"amount__gt": "60"}, {"heat": "hot"}, {"archived": "true"}, {"filter": '["urgent","eq",true]'}])
        for one in (api, bobs):
            told = by(one, field, **words)
            for group in told:
                alone = {f"{field}__empty": "true"} if group["key"] is None else {field: word(group["key"])}
                single = one.get("opportunities/", {**ASKED, **words, **alone}).json()
                assert {w: group[w] for w in WORDS} == {w: single[w] for w in WORDS}
                assert (group["next"] is None) == (single["next"] is None)
                if group["next"]:
                    assert one.get(group["next"]).json() == one.get(single["next"]).json()
            whole = one.get("opportunities/", {**words, "count": "exact"}).json()
            assert sum(group["count"] for group in told) == whole["count"]


def test_groups_are_in_the_order_of_options_or_names_and_none_is_last(api):
    assert [(g["key"], g["label"]) for g in by(api, "heat")] == [("hot", "Hot"), ("cold", "Cold"), (None, "")]
    labels = [g["label"] for g in by(api, "account")]
    assert labels == sorted(labels)
    assert by(api, "stage", amount__gt="100000") == []


def test_nobody_groups_by_what_he_does_not_see_or_what_is_no_group(company, api, monkeypatch):
    role = api.post("roles/", {"name": "Without stages", "grants": [{"type": "opportunities", "actions": ["view"], "scope": "all", "hidden": ["stage"]}]})
    eve = people.new_user("Eve")
    assert api.patch(f"users/{eve.pk}/", {"roles": [role.json()["id"]]}, If_Match="*").status_code == 200
    eves = people.api(eve, company)
    assert [g["label"] for g in by(eves, "owner")] == ["", ""]  # whose names he does not see
    for one, words in ((eves, {"group_by": "stage"}), (api, {"group_by": "amount"}), (api, {"group_by": "none"}), (api, {"group_by": "stage", "limit": "51"}),
                       (api, {"group_by": ""}), (api, {"group_by": "stage", "cursor": "WzBd"})):  # fmt: skip
        answer = one.get("opportunities/", words)
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["group_by"])
    assert api.get("facts/", {"group_by": "person"}).status_code == 422
    monkeypatch.setattr("core.grouping.MOST", 2)
    assert api.get("opportunities/", {"group_by": "account", "limit": "2"}).status_code == 422


def test_which_currencies_there_are_is_asked_only_where_one_is_not_the_companys(api):
    """That takes half as long again as to add amounts up; once some were found, it is asked at once."""

    def asked(currency):
        adds = []

        def note(execute, text, params, many, context):
            adds.extend([text] if "SUM(" in text else [])
            return execute(text, params, many, context)

        with connection.execute_wrapper(note):
            told = api.get("opportunities/", {"limit": "1", "count": "exact", "sum": "amount", "currency": currency}).json()
        alone = [Decimal(row["amount"]) for row in api.get("opportunities/", {"limit": "200", "currency": currency}).json()["results"]]
        assert (told["count"], Decimal(told["sums"]["amount"])) == (len(alone), sum(alone)) and alone
        return len(adds), any("MAX(" in one for one in adds)

    with connection.cursor() as cursor:
        cursor.execute("UPDATE core_edition SET mark = gen_random_uuid()")
    assert [asked(c) for c in ("USD", "USD", "CHF", "CHF", "USD")] == [(1, False), (1, False), (2, True), (1, True), (1, True)]
