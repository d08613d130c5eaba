"""Figures over five million facts of five years, asked through the API by one who sees them all. ``ODOS_LONG`` alone; ``-s`` prints what each took.

One seller has half of all facts, one product three hundred thousand, and the units stand twelve deep.
"""

import os
import time
from urllib.parse import urlencode

import pytest
from django.db import connection

from core import access, registry, write
from tests import factories, people
from tests.kpi.test_plans import settled
from tests.people import writing

pytestmark = pytest.mark.skipif(not os.environ.get("ODOS_LONG"), reason="five million facts take minutes")
ROWS = int(os.environ.get("ODOS_ROWS", 5_000_000))
PEOPLE, DEEP, ACCOUNTS, PRODUCTS, TIMES = 40, 12, 4000, 200, 20

FILL = """
INSERT INTO core_fact (measure, value, business_date, person, unit, account, product, source_type, source_id)
SELECT (%s::text[])[1 + n %% %s], 1 + n %% 997, date '2022-01-01' + (n::bigint * 7919 %% 1826)::int,
       (%s::uuid[])[who], (%s::uuid[])[who], (%s::uuid[])[1 + n::bigint * 104729 %% %s],
       CASE WHEN n %% 17 = 0 THEN (%s::uuid[])[1] ELSE (%s::uuid[])[2 + n::bigint * 31 %% (%s - 1)] END, 'orders', lpad(to_hex(n / 4), 32, '0')::uuid
FROM (SELECT n, CASE WHEN n %% 2 = 0 THEN 1 ELSE 2 + (n::bigint * 15485863 %% (%s - 1))::int END AS who FROM generate_series(%s, %s) n) AS drawn
"""


@pytest.fixture(scope="module")
def ledger(company, alice):
    """The people, units, customers and products there are, and facts of theirs written by SQL; gives an account and the product of many."""
    owner, unit = access.actor_for(alice), str(alice.unit_id)
    units = [unit := str(factories.make("org-units", owner, name=f"Unit {n}", parent=unit).pk) for n in range(DEEP)]
    sellers = [people.new_user(f"Seller{n}", "sales", unit=units[n % DEEP]) for n in range(PEOPLE)]
    accounts = []
    for at in range(0, ACCOUNTS, 1000):
        some = [{"name": f"Customer {at + n}"} for n in range(1000)]
        accounts += [a.pk for a in writing(lambda some=some: write.create_many(owner, registry.types["accounts"], some))]
    products = [factories.make("products", owner).pk for _n in range(PRODUCTS)]
    measures = sorted(registry.measures)[:20]
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for first in range(1, ROWS, 500_000):
            cursor.execute(FILL, [
                measures, len(measures), [u.pk for u in sellers], [u.unit_id for u in sellers], accounts, ACCOUNTS, products, products, PRODUCTS, PEOPLE,
                first, min(first + 499_999, ROWS),
            ])  # fmt: skip
        settled(cursor)
        cursor.execute("RESET statement_timeout")
    return accounts[7], products[0]


@pytest.fixture
def api(api_for, alice):
    return api_for(alice)


def asked(api, key: str, **words: str) -> float:
    """Seconds that an answer took, as a figure's own request."""
    begun = time.perf_counter()
    answer = api.get(f"/api/v1/kpis/{key}/value/?{urlencode(words)}")
    assert answer.status_code == 200, answer.content[:500]
    assert answer.json()["groups"]
    return time.perf_counter() - begun


def late(took: list[float], what: str) -> float:
    """The 95th of a hundred, told."""
    took = sorted(took)
    print(f"\n{what}: median {took[len(took) // 2] * 1000:.0f} ms, p95 {took[int(len(took) * 0.95)] * 1000:.0f} ms")
    return took[int(len(took) * 0.95)]


@pytest.mark.parametrize(("what", "limit", "words"), [
    ("a year by month and person", 0.15, {"period": "2025", "group_by": "month,person"}),
    ("a year by unit with all below, as it was then", 0.25, {"period": "2025", "group_by": "unit", "rollup": "true", "structure": "then"}),
])  # fmt: skip
def test_a_year(ledger, api, what, limit, words):
    asked(api, "order-intake", **words)
    assert late([asked(api, "order-intake", **words) for _ in range(TIMES)], what) < limit


def test_four_measures_of_the_whole_history_by_customer(ledger, api):
    keys = ("order-intake", "invoiced-net", "discount-given", "orders")
    rounds = [sum(asked(api, key, period="all", group_by="account") for key in keys) for _ in range(5)]
    assert late(rounds[1:], "four measures by customer, in four requests") < 1.2


@pytest.mark.parametrize("what", ["account", "product"])
def test_a_page_of_one(ledger, client_for, alice, what):
    """The page of a customer of a thousand facts, and of the product of three hundred thousand."""
    ident = dict(zip(("account", "product"), ledger, strict=True))[what]
    client, took = client_for(alice), []
    for _ in range(TIMES):
        begun = time.perf_counter()
        assert client.get(f"/{what}s/{ident}/").status_code == 200
        took.append(time.perf_counter() - begun)
    assert late(took[1:], f"the page of one {what}") < (0.1 if what == "account" else 0.5)
