"""Pipelines and opportunities through the API: where a deal stands, what it weighs, what its end says, and its figures."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import access, context, door, registry, structures, write
from core.models import Fact, TrailEntry
from crm.models import Opportunity, Pipeline
from tests import people
from tests.core.racing import race


@pytest.fixture(scope="module")
def company():
    with context.bind(people.new_company(currency="EUR")) as made:
        yield made


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


@pytest.fixture(scope="module")
def account(api):
    return post(api, "accounts/", {"name": "Bauer AG"})


def post(api, path, body=None, status=201):
    answer = api.post(path, body if body is not None else {})
    assert answer.status_code == status, (path, answer.content)
    return answer.json()


def deal(api, account, **over):
    return post(api, "opportunities/", {"name": "Deal", "account": account["id"], **over})


def change(api, record, status=200, **values):
    answer = api.patch(record["url"], values, api.get(record["url"]).json()["version"])
    assert answer.status_code == status, answer.content
    return answer.json()


def errors(api, path, body):
    return list(post(api, path, body, 422)["errors"])


def pipeline(api, name, *stages):
    return post(api, "pipelines/", {"name": name, "stages": [{"name": n, "probability": p} for n, p in stages]})


def test_a_deal_begins_in_the_first_stage_of_the_oldest_pipeline(api, account):
    made = deal(api, account, amount="999.99")
    assert (made["pipeline"]["label"], made["stage"]["label"], made["status"]) == ("Sales", "Qualified", "open")
    assert made["opened_on"] == structures.today().isoformat() and made["stage_since"] and made["currency"] == "EUR"
    assert (made["base_amount"], made["weighted"], made["probability"]) == ("999.99", "100.00", None)  # 10 %, half up
    assert api.get(made["stage"]["url"]).json()["probability"] == "0.1"
    assert (made["days_open"], made["days_in_stage"], made["next_activity"], made["next_due"]) == (0, 0, None, None)


def test_with_lines_the_amount_is_their_net(api, account):
    lines = [{"description": "A", "quantity": "3", "unit_price": "33.335"}, {"description": "B", "quantity": "1", "unit_price": "10", "discount": "0.1"}]
    made = deal(api, account, amount="5", probability="0.5", lines=lines)
    assert [row["net"] for row in made["lines"]] == ["100.01", "9.00"]
    assert (made["amount"], made["base_amount"], made["weighted"]) == ("109.01", "109.01", "54.51")
    kept = change(api, made, lines=[{"id": made["lines"][1]["id"]}])
    assert (kept["amount"], kept["weighted"]) == ("9.00", "4.50")
    assert change(api, made, lines=[], amount="20")["amount"] == "20.00"
    assert errors(api, "opportunities/", {"name": "X", "account": account["id"], "lines": [{"quantity": "0"}]}) == ["lines.0.quantity"]


def test_a_foreign_amount_counts_at_the_rate_of_today(api, account):
    assert errors(api, "opportunities/", {"name": "X", "account": account["id"], "currency": "USD", "amount": "1"}) == ["currency"]
    today = structures.today()
    for days, rate in ((10, "0.90"), (1, "0.95"), (-5, "0.5")):
        post(api, "exchange-rates/", {"currency": "USD", "date": (today - timedelta(days=days)).isoformat(), "rate": rate})
    made = deal(api, account, currency="USD", amount="333.33")
    assert (made["base_amount"], made["weighted"]) == ("316.66", "31.67")
    sums = api.get(f"opportunities/?sum=amount,weighted&name=Deal&id__in={made['id']},{deal(api, account, amount='100')['id']}").json()["sums"]
    assert {name: Decimal(v) for name, v in sums.items()} == {"amount": Decimal("416.66"), "weighted": Decimal("41.67")}


def test_a_stage_belongs_to_its_pipeline(api, account):
    other = pipeline(api, "Repairs", ("Seen", "0.3"), ("Offered", "0.6"))
    seen, offered = (row["id"] for row in other["stages"])
    made = deal(api, account, stage=offered)
    assert (made["pipeline"]["label"], made["stage"]["label"]) == ("Repairs", "Offered")
    plain = deal(api, account, amount="100")
    assert errors(api, f"{plain['url']}move/", {"stage": offered}) == ["stage"]
    assert errors(api, f"{plain['url']}move/", {}) == ["stage"] == errors(api, f"{plain['url']}move/", {"stage": account["id"]})
    assert list(change(api, plain, 422, stage=offered)["errors"]) == ["stage"]
    moved = change(api, plain, pipeline=other["id"])
    assert moved["stage"]["id"] == seen and moved["weighted"] == "30.00"
    told = TrailEntry.objects.filter(about_id=moved["id"], act="change").latest("id").changes
    assert told["stage"] == [plain["stage"]["id"], seen]
    there = post(api, f"{plain['url']}move/", {"stage": offered}, 200)
    assert there["weighted"] == "60.00" and there["stage_since"] > moved["stage_since"]
    assert post(api, f"{plain['url']}move/", {"stage": offered}, 200)["stage_since"] == there["stage_since"]


def test_a_pipeline_changes_with_its_deals_in_step(api, account):
    made = pipeline(api, "Fairs", ("Met", "0.2"), ("Invited", "0.5"))
    assert [row["order"] for row in made["stages"]] == [1, 2]
    met, invited = made["stages"]
    one = deal(api, account, stage=met["id"], amount="100")
    own = deal(api, account, stage=met["id"], amount="100", probability="0.9")
    assert list(change(api, made, 422, stages=[{"id": invited["id"]}])["errors"]) == ["stages"]
    changed = change(api, made, stages=[{"id": met["id"], "probability": "0.35"}, {"name": "Visited", "probability": "0.4"}])
    assert [row["name"] for row in changed["stages"]] == ["Met", "Visited"]
    assert [api.get(o["url"]).json()["weighted"] for o in (one, own)] == ["35.00", "90.00"]
    assert Fact.objects.filter(source_id=one["id"], measure="weighted-pipeline").count() == 2
    assert api.get(f"kpis/weighted-pipeline/value/?period=all&filter=[\"pipeline\",\"eq\",\"{made['id']}\"]").json()["value"] == "125.00"
    assert list(change(api, made, 422, stages=[{"name": "Met", "probability": "1.5"}])["errors"]) == ["stages.0.probability"]


def test_a_pipeline_without_stages_takes_deals_too(api, account):
    empty = post(api, "pipelines/", {"name": "Plain"})
    made = deal(api, account, pipeline=empty["id"], amount="10")
    assert (made["stage"], made["weighted"]) == (None, "0.00")


def test_stages_are_read_and_never_written_by_themselves(api, account):
    stage = api.get("stages/?limit=1").json()["results"][0]
    assert api.get(f"pipelines/{stage['pipeline']['id']}/").status_code == 200
    assert api.post("stages/", {"name": "X"}).status_code == 403
    assert api.delete(stage["url"], 1).status_code in (403, 404)


def test_won_lost_reopened(api, account):
    made, on = deal(api, account, amount="500", opened_on="2026-01-10"), "2026-03-01"
    won = post(api, f"{made['url']}win/", {"date": on}, 200)
    assert (won["status"], won["ended_on"], won["days_open"], won["days_in_stage"]) == ("won", on, 50, None)
    stated = {(f.measure, str(f.business_date)): f.value for f in Fact.objects.filter(source_id=made["id"], business_date=on)}
    assert stated == {("won", on): 500, ("won-count", on): 1, ("sales-cycle-days", on): 50}
    for act in ("win", "lose", "move"):
        body = {"lose": {"reason": "x"}, "move": {"stage": made["stage"]["id"]}}.get(act, {})
        assert api.post(f"{made['url']}{act}/", body).status_code == 409, act
    assert list(change(api, made, 422, amount="600")["errors"]) == ["amount"]
    assert change(api, made, name="Renamed")["name"] == "Renamed"
    back = post(api, f"{made['url']}reopen/", status=200)
    assert (back["status"], back["ended_on"]) == ("open", None)
    assert errors(api, f"{made['url']}lose/", {}) == ["reason"]
    lost = post(api, f"{made['url']}lose/", {"reason": "Price", "date": on}, 200)
    assert (lost["status"], lost["reason"], lost["ended_on"]) == ("lost", "Price", on)
    assert api.post(f"{back['url']}win/").status_code == 409


def test_what_comes_next_is_the_earliest_open_activity_one_sees(api, account, company, bob):
    made = deal(api, account)
    about = {"type": "opportunities", "id": made["id"]}
    soon, later = ((timezone.now() + timedelta(days=d)).isoformat() for d in (2, 5))
    post(api, "activities/", {"kind": "note", "subject": "No date", "about": about})
    post(api, "activities/", {"kind": "call", "subject": "Later", "about": about, "due_at": later})
    first = post(api, "activities/", {"kind": "task", "subject": "Soon", "about": about, "due_at": soon})
    seen = api.get(made["url"]).json()
    assert (seen["next_activity"]["id"], seen["next_activity"]["label"], seen["next_due"]) == (first["id"], "Soon", first["due_at"])
    post(api, f"{first['url']}finish/", status=200)
    assert api.get(made["url"]).json()["next_activity"]["label"] == "Later"
    assert change(api, made, owner=str(bob.pk))["next_activity"]
    assert people.api(bob, company).get(made["url"]).json()["next_activity"] is None, "it is Alice's"


def test_a_page_of_deals_asks_once_for_what_comes_next(api, account):
    for _each in range(3):
        deal(api, account)
    asked = []
    for limit in (2, 10):
        with CaptureQueriesContext(connection) as queries:
            api.get(f"opportunities/?limit={limit}")
        asked.append(sum('"crm_activity"' in q["sql"] and "due_at" in q["sql"] for q in queries))
    assert asked == [1, 1]


def test_an_archived_open_deal_is_no_longer_expected(api, account):
    made = deal(api, account, amount="70", close_date="2031-05-05")
    ask = "kpis/pipeline/value/?period=2031-05"
    assert api.get(ask).json()["value"] == "70.00"
    assert api.delete(made["url"], 1).status_code == 204
    assert api.get(ask).json()["value"] == "0" and api.get(made["url"]).json()["archived_at"]
    post(api, f"{made['url']}restore/", status=200)
    assert api.get(ask).json()["value"] == "70.00"


def test_what_a_deal_points_to_is_archived_and_never_in_the_way(api, account):
    contact = post(api, "contacts/", {"name": "Only here", "account": account["id"]})
    other = pipeline(api, "Used", ("In use", "0.3"))
    made = deal(api, account, contact=contact["id"], pipeline=other["id"])
    for record in (contact, other):
        assert api.delete(record["url"], 1).status_code == 204
        assert api.get(record["url"]).json()["archived_at"]
    assert api.get(made["url"]).json()["stage"]["label"] == "In use"


def test_the_figures_of_selling_are_those_of_their_table(api, account, alice, bob):
    """In a quarter of their own: two won, one lost, two open, of which one in USD."""
    def ask(key, query="period=2028-Q2"):
        answer = api.get(f"kpis/{key}/value/?{query}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    one = deal(api, account, amount="1000", opened_on="2028-04-01", lead_source="fair")
    two = deal(api, account, amount="500", opened_on="2028-04-11", owner=str(bob.pk))
    three = deal(api, account, amount="250", opened_on="2028-04-02")
    deal(api, account, amount="800", probability="0.333", close_date="2028-06-30")
    deal(api, account, amount="100", currency="USD", close_date="2028-05-31", lead_source="fair")
    post(api, f"{one['url']}win/", {"date": "2028-05-01"}, 200)
    post(api, f"{two['url']}win/", {"date": "2028-05-02"}, 200)
    post(api, f"{three['url']}lose/", {"reason": "x", "date": "2028-05-03"}, 200)
    told = {key: Decimal(ask(key)["value"]) for key in ("won", "lost", "win-rate", "sales-cycle-days", "pipeline", "weighted-pipeline")}
    assert told == {
        "won": 1500, "lost": 250, "win-rate": Decimal("0.666667"), "sales-cycle-days": Decimal("25.5"), "pipeline": 895,
        "weighted-pipeline": Decimal("266.40") + Decimal("9.50"),
    }  # fmt: skip
    for key in ("won", "lost", "pipeline", "weighted-pipeline"):
        answer = ask(key)
        assert Decimal(api.get(answer["drill"]).json()["sums"]["value"]) == Decimal(answer["value"])
    rate = ask("win-rate")["drills"]
    assert [Decimal(api.get(rate[part]).json()["sums"]["value"]) for part in ("numerator", "denominator")] == [2, 3]
    people_ = ask("won", "period=2028-Q2&group_by=person")["groups"]
    assert {g["keys"][0]: Decimal(g["value"]) for g in people_} == {str(alice.pk): 1000, str(bob.pk): 500}
    by_source = ask("pipeline", "period=2028-Q2&group_by=lead_source")["groups"]
    assert {g["keys"][0]: Decimal(g["value"]) for g in by_source} == {None: 800, "fair": 95}
    by_stage = ask("pipeline", "period=2028-Q2&group_by=stage")["groups"]
    assert [(g["labels"][0], Decimal(g["value"])) for g in by_stage] == [("Qualified", 895)]
    assert ask("win-rate", "period=2027-Q1")["value"] is None and ask("won", "period=2027-Q1")["value"] == "0"


def test_of_two_who_end_a_deal_at_once_one_does(api, account, alice):
    actor, made = access.actor_for(alice), deal(api, account, amount="10")
    acts = (("win", {}), ("lose", {"reason": "x"}), ("win", {}))
    found = race(*[lambda n=n, d=d: door.writing(lambda: write.act(actor, registry.get("opportunities"), UUID(made["id"]), n, d)) for n, d in acts])
    assert sorted(type(one).__name__ for one in found) == ["Opportunity", "WrongState", "WrongState"]


def test_a_stage_that_changes_while_deals_come_in_leaves_none_behind(api, account, alice):
    """Whoever comes first, in the end every open deal weighs what its stage says, and the ledger agrees."""
    actor = access.actor_for(alice)
    made = pipeline(api, "Busy", ("Only", "0.1"))
    ident, stage = UUID(made["id"]), made["stages"][0]["id"]

    def weigh(probability):
        version = Pipeline.objects.get(pk=ident).version
        return write.change(actor, registry.get("pipelines"), ident, {"stages": [{"id": stage, "probability": probability}]}, version)

    def come():
        return write.create(actor, registry.get("opportunities"), {"name": "B", "account": account["id"], "stage": stage, "amount": "100"})

    for probability in ("0.3", "0.6", "0.7"):
        found = race(lambda p=probability: door.writing(lambda: weigh(p)), *[lambda: door.writing(come)] * 3)
        assert not [one for one in found if isinstance(one, Exception)], found
        expected = 100 * Decimal(probability)
        assert set(Opportunity.objects.filter(stage=stage).values_list("weighted", flat=True)) == {expected}
        total = sum(Fact.objects.filter(measure="weighted-pipeline", source_id__in=Opportunity.objects.filter(stage=stage)).values_list("value", flat=True))
        assert total == expected * Opportunity.objects.filter(stage=stage).count()
