"""What is kept ready of deals is what the deals come to, whatever happens to them, and a question takes it only where it tells the answer."""

import random
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from core import context, summaries
from core.registry import every, get
from crm.models import Opportunity, OpportunitySummary, Stage
from tests import factories
from tests.core.racing import race

KEPT = OpportunitySummary._meta.db_table
DEALS = 40
ASKED = {"count": "exact", "sum": "amount"}


def run(statement: str, *values: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount


def demand_equal() -> dict[tuple, tuple]:
    kept = summaries.kept(OpportunitySummary)
    assert kept == summaries.counted(get("opportunities"))
    return kept


@pytest.fixture(scope="module")
def deals(api, alice, bob) -> list[str]:
    """Deals of two owners in three stages and two currencies."""
    factories.make("exchange-rates", api, currency="CHF", date="2020-01-01", rate="2")
    account = factories.make("accounts", api)["id"]
    stages, chance = [str(pk) for pk in Stage.objects.values_list("pk", flat=True)[:3]], random.Random(3)
    return [
        factories.make(
            "opportunities", api, account=account, stage=chance.choice(stages), owner=str(chance.choice([alice, bob]).pk),
            amount=chance.choice(["12.50", "700", None]), currency=chance.choice(["USD", "CHF"]),
        )["id"]
        for _n in range(DEALS)
    ]  # fmt: skip


def test_what_people_do_with_deals_is_counted(api, deals):
    assert sum(number for number, *_sums in demand_equal().values()) == DEALS
    stages = [str(pk) for pk in Stage.objects.values_list("pk", flat=True)[:3]]
    acts = {"win": {}, "lose": {"reason": "Price"}, "archive": {}, "move": {"stage": stages[1]}}
    for (act, given), ident in zip(acts.items(), deals, strict=False):
        answer = api.post(f"opportunities/{ident}/{act}/", given)
        assert answer.status_code == 200, answer.content
        demand_equal()
    assert sum(number for number, *_sums in demand_equal().values()) == DEALS - 1
    assert api.post(f"opportunities/{deals[2]}/restore/").status_code == 200
    version = api.get(f"opportunities/{deals[3]}/").json()["version"]
    assert api.patch(f"opportunities/{deals[3]}/", {"amount": "1.01"}, version=version).status_code == 200
    assert sum(number for number, *_sums in demand_equal().values()) == DEALS


CHANGES = (
    "UPDATE crm_opportunity SET stage_id = (SELECT id FROM crm_stage ORDER BY random() LIMIT 1), amount = nullif(round(random() * 3), 0) WHERE random() < .4",
    "UPDATE crm_opportunity SET owner_id = NULL, unit_id = NULL WHERE random() < .1",
    "UPDATE crm_opportunity SET archived_at = CASE WHEN archived_at IS NULL THEN now() END WHERE random() < .3",
    "UPDATE crm_opportunity SET base_amount = base_amount + 1, weighted = weighted - 1, version = version + 1 WHERE random() < .5",
    "UPDATE crm_opportunity SET version = version + 1",
    "INSERT INTO crm_opportunity SELECT (jsonb_populate_record(o, jsonb_build_object('id', uuidv7()))).* FROM crm_opportunity o WHERE random() < .3",
    "DELETE FROM crm_opportunity WHERE random() < .2",
)


def test_whatever_statement_changes_deals_is_counted(deals):
    """By SQL, in what order ever, several hundred rows at once, folded again and again."""
    chance = random.Random(11)
    with transaction.atomic():
        for _n in range(60):
            run(chance.choice(CHANGES))
            demand_equal()
        run("SET CONSTRAINTS ALL IMMEDIATE")
        run("TRUNCATE crm_opportunity CASCADE")
        assert demand_equal() == {} and run(f"SELECT 1 FROM {KEPT}") == 0
        transaction.set_rollback(True)
    assert demand_equal()


def test_a_change_of_nothing_that_is_counted_adds_no_row(deals):
    with transaction.atomic():
        rows = run(f"SELECT 1 FROM {KEPT}")
        assert run("UPDATE crm_opportunity SET version = version + 1") >= DEALS
        assert run(f"SELECT 1 FROM {KEPT}") == rows


def test_many_at_once_lose_nothing_and_wait_for_nobody(deals, company):
    """Eight change deals of the same stages at once, some of them in vain; whoever folds leaves alone what another holds."""

    def change(seed: int) -> None:
        chance = random.Random(seed)
        for n in range(60):
            with transaction.atomic():
                run("UPDATE crm_opportunity SET base_amount = base_amount + 1 WHERE id = %s", deals[(seed * 5 + n) % DEALS])
                run("UPDATE crm_opportunity SET weighted = weighted + 1 WHERE id = %s", deals[(seed * 5 + n) % DEALS])
                if chance.random() < 0.2:
                    transaction.set_rollback(True)

    assert race(*(lambda seed=seed: change(seed) for seed in range(8))) == [None] * 8
    demand_equal()


def test_rows_are_folded_now_and_then(deals):
    """Else each board would add up every change there ever was."""
    most, rows = 0, run(f"SELECT 1 FROM {KEPT}")
    for n in range(5000):  # about one in a hundred folds
        run("UPDATE crm_opportunity SET weighted = weighted + 1 WHERE id = %s", deals[n % DEALS])
        most, rows = rows, run(f"SELECT 1 FROM {KEPT}")
        if rows < most:
            break
    assert rows < most and rows == len(demand_equal())


def test_who_has_another_company_entered_changes_no_deal(deals, company, other_company):
    before = demand_equal()
    with context.bind(other_company), pytest.raises(DatabaseError, match="is entered"), transaction.atomic():
        run(f'UPDATE "{company.schema}".crm_opportunity SET base_amount = base_amount + 1')
    assert demand_equal() == before


@pytest.mark.parametrize(("words", "is_told"), [
    ({}, True), ({"status": "open"}, True), ({"owner": "{alice}"}, True), ({"stage__in": "{stages}"}, True), ({"currency": "CHF"}, True),
    ({"owner__empty": "true"}, True), ({"sum": "weighted"}, True), ({"amount__gt": "20"}, False), ({"name__contains": "1"}, False),
    ({"archived": "true"}, False), ({"account.name__contains": "a"}, False), ({"close_date__lt": "2026-08-15"}, False), ({"q": "Opportunity"}, False),
    ({"filter": '{"any":[["status","eq","won"],["amount","gt","20"]]}'}, False),
])
@pytest.mark.parametrize("by", ["stage", "owner", "status", "account"])
def test_a_question_takes_what_tells_its_answer(api, bobs, alice, deals, words, is_told, by):
    stages = ",".join(str(pk) for pk in Stage.objects.values_list("pk", flat=True)[:2])
    words = {k: v.replace("{alice}", str(alice.pk)).replace("{stages}", stages) for k, v in words.items()}
    for one, all_seen in ((api, True), (bobs, False)):
        with CaptureQueriesContext(connection) as sent:
            answer = one.get("opportunities/", {**ASKED, **words, "group_by": by})
        assert answer.status_code == 200, answer.content
        taken = any(KEPT in q["sql"] for q in sent)  # before the next request forgets them
        groups = answer.json()["groups"]
        for group in groups:
            alone = {f"{by}__empty": "true"} if group["key"] is None else {by: group["key"]}
            if by in words or f"{by}__empty" in words or f"{by}__in" in words:
                continue
            single = one.get("opportunities/", {**ASKED, **words, **alone}).json()
            assert (group["count"], group["sums"]) == (single["count"], single["sums"])
        if all_seen and groups:
            assert taken == (is_told and by != "account")


def test_groups_that_came_to_nothing_are_none(api, deals):
    """What left a stage leaves rows that add up to nothing; no group comes of them, and no currency."""
    with transaction.atomic():
        run("UPDATE crm_opportunity SET stage_id = (SELECT min(id::text)::uuid FROM crm_stage), currency = 'USD'")
    groups = api.get("opportunities/", {**ASKED, "group_by": "stage"}).json()["groups"]
    worth = sum(amount or 0 for amount in Opportunity.objects.values_list("amount", flat=True))  # in base currency it would be another sum
    assert [(group["count"], Decimal(group["sums"]["amount"])) for group in groups] == [(DEALS, worth)]


@pytest.mark.parametrize("slug", [t.slug for t in every() if t.summary])
def test_each_type_with_a_summary_keeps_it(api, slug):
    object_type = get(slug)
    before = summaries.kept(object_type.summary)
    factories.make(slug, api)
    after = summaries.kept(object_type.summary)
    assert after == summaries.counted(object_type) and sum(n for n, *_sums in after.values()) == sum(n for n, *_sums in before.values()) + 1
