"""A tile and a page have room for some groups alone: they are the largest of all, with the same values, whoever finds them; and all is counted."""

import pytest
from django.db import connection

from core import access, door, kpi, registry
from core.errors import RuleError
from core.kpi import groups
from core.reporting import Heading, Section
from core.views import reports
from tests import factories, people

FACTS, ACCOUNTS, PRODUCTS = 3000, 23, 7
FILL = """
INSERT INTO core_fact (measure, value, business_date, person, unit, account, product, source_type, source_id)
SELECT (%s::text[])[1 + n %% %s], (hashint4(n) %% 997)::numeric, date '2025-01-01' + n %% 365, %s, %s, (%s::uuid[])[1 + (n * 7919) %% %s],
       CASE WHEN n %% 11 > 0 THEN (%s::uuid[])[1 + (n * 104729) %% %s] END, 'orders', lpad(to_hex(n), 32, '0')::uuid
FROM generate_series(1, %s) n
"""
SPLITS = ("account", "product", "product_category", "country", "person")
ASKED = ("order-intake", "gross-margin", "orders", "on-time-delivery", "receivables")


@pytest.fixture(scope="module")
def facts(company, alice):
    """Facts of all measures, some below nothing, of customers in three countries and products in two categories."""
    owner = access.actor_for(alice)
    accounts = [factories.make("accounts", owner, name=f"Customer {n}", country=("DE", "CN", "FR", "")[n % 4]).pk for n in range(ACCOUNTS - 1)]
    categories = [str(factories.make("product-categories", owner).pk) for _n in range(2)]
    products = [factories.make("products", owner, category=categories[n % 2]).pk for n in range(PRODUCTS)]
    measures = sorted(registry.measures)
    with connection.cursor() as cursor:
        cursor.execute(FILL, [measures, len(measures), alice.pk, alice.unit_id, accounts, ACCOUNTS, products, PRODUCTS, FACTS])
    return owner


def asked(actor, key, split, most=0):
    return door.reading(lambda: kpi.value(actor, kpi.definition(key), kpi.Question("2025", (split,), most=most)))


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("key", ASKED)
def test_the_largest_are_those_of_all(facts, key, split):
    if split not in kpi.definition(key).dimensions:
        with pytest.raises(RuleError, match="is split by"):
            asked(facts, key, split)
        return
    every, some = asked(facts, key, split), asked(facts, key, split, most=2)
    assert (some.value, some.rows, some.count) == (every.value, every.rows, len(every.groups)) == (every.value, every.rows, every.count)
    by_size = sorted((abs(g.value or 0) for g in every.groups), reverse=True)
    assert sorted((abs(g.value or 0) for g in some.groups), reverse=True) == by_size[:2]
    whole = {g.keys[0]: (g.value, g.labels, str(g.drill).split("as_of")[0]) for g in every.groups}
    assert all(whole[g.keys[0]] == (g.value, g.labels, str(g.drill).split("as_of")[0]) for g in some.groups)
    assert [g.value for g in some.groups] == sorted((g.value for g in some.groups), key=lambda v: (v is None, -(v or 0)))


@pytest.mark.parametrize("split", ["account", "country", "product_category"])
def test_parts_add_up_to_the_whole(facts, split):
    answer = asked(facts, "order-intake", split)
    assert sum(g.value for g in answer.groups) == answer.value and None in {g.keys[0] for g in answer.groups}


def test_more_than_a_program_is_told_are_no_hindrance_to_a_page(company, facts, alice, client_for, monkeypatch):
    monkeypatch.setattr(groups, "GROUP_LIMIT", 5)
    browser = client_for(alice)
    answer = people.api(alice, company).get("/api/v1/kpis/order-intake/value/?period=2025&group_by=account")
    assert answer.status_code == 422 and "group_by" in answer.json()["errors"]
    assert browser.get("/?period=2025").status_code == 200
    monkeypatch.setattr("core.views.kpis.ROWS", 4)
    page = browser.get("/kpis/order-intake/?period=2025&group_by=account")
    assert page.status_code == 200 and f"{ACCOUNTS - 4} more groups" in page.content.decode()


def test_a_long_report_shows_its_first_rows_and_says_how_many_more(company):
    section = Section((Heading("Account"),), [("a",), ("b",), ("c",)], "EUR", last=("all",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reports, "ROWS", 2)
        shown = reports._shown(section)
    assert [row[0]["text"] for row in shown["rows"]] == ["a", "b"] and shown["left_out"] == 1 and shown["last"][0][0]["text"] == "all"

