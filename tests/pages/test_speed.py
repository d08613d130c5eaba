"""What pages cost: milliseconds of CPU of this process and of its database connection, rendering included. ``ODOS_LONG`` alone.

``ODOS_LONG=1 pytest tests/pages/test_speed.py -s`` prints a line for each page.
"""

import os
import time
from random import Random

import pytest
from django.db import connection

from core import access, registry, write
from tests import factories
from tests.people import writing
from tests.transfer.test_speed import _cpu_of as cpu_of

pytestmark = pytest.mark.skipif(not os.environ.get("ODOS_LONG"), reason="each page is asked for often enough to measure it")
TIMES = int(os.environ.get("ODOS_TIMES", 40))


@pytest.fixture(scope="module")
def owner(alice):
    return access.actor_for(alice)


@pytest.fixture(scope="module")
def account(owner):
    """A customer with contacts, a hundred opportunities and some orders."""
    draw = Random(7)
    made = writing(lambda: write.create(owner, registry.types["accounts"], {"name": "Speedy Ltd", "roles": ["customer"], "city": "Bonn", "country": "DE"}))
    for n in range(5):
        factories.make("contacts", owner, account=str(made.pk), name=f"Contact {n}")
        factories.make("orders", owner, account=str(made.pk))
    given = {"account": str(made.pk), "lead_source": "fair"}
    deals = [{"name": f"Deal {n}", "amount": f"{draw.randint(100, 99_999)}.50", "close_date": f"2026-08-{1 + n % 28:02}", **given} for n in range(100)]
    writing(lambda: write.create_many(owner, registry.types["opportunities"], deals))
    return made


@pytest.mark.parametrize("page", [
    "/opportunities/?sort=-amount", "/opportunities/?view=board", "/opportunities/new/", "/accounts/", "/accounts/{account}/", "/accounts/{account}/edit/",
    "/orders/", "/orders/{order}/", "/settings/fields/accounts/", "/settings/layouts/accounts/", "/", "/search/?q=speedy",
])  # fmt: skip
def test_of_a_page(page, company, alice, account, client_for):
    order = registry.types["orders"].all().filter(account_id=account.pk).first()
    path = page.format(account=account.pk, order=order.pk)
    client = client_for(alice)
    for _each in range(3):
        answer = client.get(path)
        assert answer.status_code == 200, answer.content
    backend = connection.connection.info.backend_pid
    here, there = time.process_time(), cpu_of(backend)
    for _each in range(TIMES):
        client.get(path)
    here, there = (time.process_time() - here) / TIMES * 1000, (cpu_of(backend) - there) / TIMES * 1000
    print(f"\n{page:<34} Python {here:6.1f} ms  database {there:6.1f} ms  {len(answer.content) / 1024:6.1f} KB")
