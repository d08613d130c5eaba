"""The main questions to the ledger of facts are answered along their indexes: fails when one of them comes to read the whole ledger."""

import json
import re
from datetime import date
from uuid import UUID

import pytest
from django.db import connection

from core import access, asof, door
from core.kpi import tally
from core.models import Fact

ROWS, OF_ONE = 20_000, 50  # facts, and how many of them are of one account and one product
ONE = UUID(int=7)
MEASURES = "(ARRAY['ordered', 'invoiced', 'pipeline', 'won', 'lost', 'receivable', 'overdue', 'orders'])"


@pytest.fixture(scope="module")
def ledger(company, alice):
    """Facts of four hundred accounts and products over four years, written by SQL, since they only have to be there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_fact (measure, value, business_date, person, unit, account, product, source_type, source_id) "
            f"SELECT {MEASURES}[1 + n %% 8], n, date '2023-01-01' + (n * 7919) %% 1461, lpad((n %% 40)::text, 32, '0')::uuid, NULL, "
            f"lpad(to_hex(n %% {ROWS // OF_ONE}), 32, '0')::uuid, lpad(to_hex(n %% {ROWS // OF_ONE}), 32, '0')::uuid, 'orders', "
            "lpad(n::text, 32, '0')::uuid FROM generate_series(1, %s) n",
            [ROWS],
        )
        settled(cursor)
    return access.actor_for(alice)


def settled(cursor) -> None:
    """As after some time: the first look freezes what has just come, the second then marks its pages, so that an index alone answers."""
    cursor.execute("VACUUM (FREEZE) core_fact")
    cursor.execute("VACUUM ANALYZE core_fact")


def explained(found) -> tuple[str, set[str]]:
    """The plan as text, and the tables that are read from end to end."""
    sql, values = found.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + sql, values)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    return plan, set(re.findall(r"Seq Scan on (\w+)", plan))


def sums(actor, extra: list):
    """What a figure of a page sums: one measure over a year."""
    edges = (date(2025, 1, 1), date(2026, 1, 1))
    return tally._sums(tally.seen(actor, json.loads(json.dumps(extra, default=str)), asof.now(), True), edges, {1: ["ordered"]})


@pytest.mark.parametrize(("extra", "index"), [
    ([["account", "eq", ONE]], "fact_account"),
    ([["product", "eq", ONE]], "fact_product"),
    ([], "fact_measure_date"),
    ([["person", "eq", ONE]], "fact_measure_date"),
])  # fmt: skip
def test_a_figure_is_added_up_along_an_index(ledger, extra, index):
    plan, whole = door.reading(lambda: explained(sums(ledger, extra)))
    assert f"Index Only Scan using {index}" in plan and not whole, plan


def test_of_many_figures_only_what_they_sum_is_read(ledger):
    """As a dashboard's: some of a month and the year before it, some of all there ever was. In one condition, all facts would be gone through for them."""
    months = [date(2025 + m // 12, 1 + m % 12, 1) for m in range(14)]
    some, ever = ["invoiced", "ordered", "won"], ["overdue", "receivable"]
    asked = {0: ever, **{place: sorted(some + ever) for place in range(1, 14)}}
    plan, whole = door.reading(lambda: explained(tally._sums(tally.seen(ledger, [], asof.now(), True), months, asked)))
    assert plan.count("Index Only Scan using fact_measure_date") == len(asked) and not whole, plan
    assert not re.search("Filter|Sort|Parallel", plan), plan


def test_a_documents_facts_are_found_by_it(ledger):
    plan, whole = door.reading(lambda: explained(Fact.objects.filter(source_id=ONE)))
    assert "fact_source" in plan and not whole, plan
