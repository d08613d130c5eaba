"""What a page reads grows with the page, not with the company: counted are the rows that its statements take out of tables of thousands.

A table that is read from end to end, or an index walked for what a filter then throws away, fails here, whatever the machine.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlparse
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import context
from core.models import User
from crm.models import Contact
from erp.models import Invoice, SalesOrder
from tests import people
from tests.bench import company, measuring
from tests.bench.sample import EMAIL
from tests.bench.shape import Shape
from tests.servers import WORKER

SHAPE = Shape(copies=150, accounts=16, contacts=32, leads=20, opportunities=80, orders=20, goods=40, services=3)
MANY = 12_000  # opportunities, the largest table of records
OF_A_PAGE = 1000  # fifty records, those they name, what stands beside them
COUNTED = 10_001  # how far a list looks before it counts and adds up unasked, see core.views.lists
SUMMED = re.compile(r"\b(COUNT|SUM|MIN|MAX)\(")


@pytest.fixture(scope="module")
def built():
    assert SHAPE.opportunities * SHAPE.copies == MANY
    return company.build(SHAPE, lambda sentence: None, subdomain=f"growth{WORKER}")


@pytest.fixture(scope="module")
def ask(built) -> Callable[[str], list[str]]:
    """Asks for a page as a seller who sees all; answers the statements that were made for it, as they were sent."""
    with context.bind(built.company):
        world = measuring.world_of()
        things = {
            "account": world.accounts[0], "deal": world.deals[0][0], "stage": world.stages[0], "owner": world.owners[0], "pipeline": world.pipeline,
            "order": SalesOrder.objects.filter(status="confirmed")[0].pk, "contact": Contact.objects.all()[0].pk,
            "product": world.goods[0], "invoice": Invoice.objects.all()[0].pk,
        }  # fmt: skip
        users = {mail: User.objects.get(email=mail) for mail in (EMAIL.format(0), f"owner@growth{WORKER}.example")}
    seller, owner = (people.signed_in(user, built.company) for user in users.values())

    def asked(path: str) -> list[str]:
        with CaptureQueriesContext(connection) as sent:
            answer = (owner if path.startswith("/settings/") else seller).get(path.format(**things))
            assert answer.status_code == 200, answer.content[:500]
            told = [sql for sent_together in sent for sql in sqlparse.split(sent_together["sql"])]
        return [sql for sql in told if sql.lstrip("( ").upper().startswith(("SELECT", "WITH")) and "tenants_" not in sql]

    return asked


def taken(node: dict[str, Any]) -> Iterator[int]:
    """The rows that each part of a plan takes out of a table or an index, also those it throws away."""
    if "Relation Name" in node:
        thrown = sum(node.get(f"Rows Removed by {why}", 0) for why in ("Filter", "Index Recheck"))
        yield int((node["Actual Rows"] + thrown) * node["Actual Loops"])
    for below in node.get("Plans", ()):
        yield from taken(below)


def read(sql: str) -> tuple[int, str]:
    """How many rows a statement takes out of tables, and its plan."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + sql)
        plan = cursor.fetchone()[0]
    plan = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    return sum(taken(plan)), json.dumps(plan, indent=1)


@pytest.mark.parametrize("path", [
    "/opportunities/", "/opportunities/?stage={stage}&owner={owner}&sort=-amount", "/opportunities/?sort=-amount", "/opportunities/?sort=close_date",
    "/opportunities/?sort=amount", "/opportunities/?sort=-close_date", "/orders/?sort=-order_date", "/invoices/?sort=-invoice_date", "/invoices/?sort=due_date",
    "/facts/?sort=-business_date", "/trail/?sort=at", "/opportunities/?sort=name", "/opportunities/?sort=-name",
    "/opportunities/?account={account}", "/opportunities/?name__contains=tenmal",
    "/accounts/", "/accounts/?name__contains=tenmal", "/accounts/?q=tenmal", "/lookup/accounts/?q=tenmal", "/search/?q=tenmal",
    "/contacts/?sort=name", "/contacts/?account={account}", "/leads/", "/leads/?name__contains=tenmal", "/activities/", "/activities/?about={account}",
    "/orders/", "/orders/?account={account}", "/orders/?status=confirmed", "/invoices/", "/stock-moves/", "/stock-moves/?product={product}", "/stock-levels/",
    "/facts/?account={account}", "/facts/?product={product}&measure=ordered", "/trail/?about={account}",
    "/accounts/{account}/", "/contacts/{contact}/", "/opportunities/{deal}/", "/orders/{order}/", "/invoices/{invoice}/",
    "/accounts/{account}/edit/", "/opportunities/new/", "/orders/new/", "/deliveries/new/", "/invoices/new/", "/credit-notes/new/",
    "/quotes/new/", "/notices/count/", "/settings/changes/", "/activities/?view=calendar",
])  # fmt: skip
def test_a_page_reads_what_it_shows(built, ask, path):
    sent = ask(path)
    with context.bind(built.company):
        for sql in sent:
            rows, plan = read(sql)
            assert rows <= (2 * COUNTED if SUMMED.search(sql) else OF_A_PAGE), f"{rows} rows by {sql}\n{plan}"


@pytest.mark.parametrize("path", ["/opportunities/?view=board&pipeline={pipeline}", "/opportunities/?view=board&pipeline={pipeline}&owner={owner}"])
def test_a_board_goes_through_no_more_deals_than_it_shows(built, ask, path):
    """Its sums are of all there is, and read where they stand ready."""
    sent = ask(path)
    assert [sql for sql in sent if "crm_opportunitysummary" in sql and SUMMED.search(sql)]
    with context.bind(built.company):
        for sql in sent:
            rows, plan = read(sql)
            assert rows <= OF_A_PAGE, f"{rows} rows by {sql}\n{plan}"


def test_a_table_read_from_end_to_end_is_seen(built):
    with context.bind(built.company):
        assert read("SELECT id FROM crm_opportunity ORDER BY md5(name) LIMIT 1")[0] == MANY
