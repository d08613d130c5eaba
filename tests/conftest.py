"""The suite's fixtures. Servers start before anything of Django is imported, since its settings hold their addresses.

Nothing is rolled back after a test: each module works in a company of its own, bound while its tests run.
"""

import os
from collections.abc import Callable, Iterator

from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests import servers

# The short suite draws the same every time, so that a change is judged by itself; the long one explores.
hypothesis_settings.register_profile("short", max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
hypothesis_settings.register_profile("long", max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
hypothesis_settings.load_profile("long" if os.environ.get("ODOS_LONG") else "short")
servers.start()

import pytest  # noqa: E402 - and all that follows needs what was started
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

from core import context  # noqa: E402
from core.models import User  # noqa: E402
from tenants.backend.plans import Shelf  # noqa: E402
from tests import order, people  # noqa: E402


def pytest_configure(config: pytest.Config) -> None:
    """Modules go to the workers in the order of ``tests.order``, not by how many tests they have."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: order.place(item.nodeid))


@pytest.fixture(scope="session")
def new_company() -> Callable[..., context.Company]:
    """``new_company(**stated)``: see ``people.new_company``."""
    return people.new_company


@pytest.fixture(scope="module")
def company() -> Iterator[context.Company]:
    """A fresh company for the module's tests, bound while they run."""
    with context.bind(people.new_company()) as made:
        yield made


@pytest.fixture(scope="module")
def other_company() -> context.Company:
    """A second company, whose rows nobody of the first may ever see. Not bound."""
    return people.new_company()


@pytest.fixture(scope="module")
def alice(company: context.Company) -> User:
    """The owner of the company."""
    return people.owner_of(company)


@pytest.fixture(scope="module")
def bob(company: context.Company) -> User:
    """Sales: sees and changes what is his own."""
    return people.new_user("Bob", "sales")


@pytest.fixture(scope="module")
def carol(company: context.Company) -> User:
    """May read, and change nothing."""
    return people.new_user("Carol", "read-only")


@pytest.fixture(scope="module")
def dave(other_company: context.Company) -> User:
    """The owner of the other company."""
    return people.owner_of(other_company)


@pytest.fixture
def client_for(company: context.Company) -> Callable[..., Client]:
    """``client_for(user)``: a browser at the company's host, or at ``company=``, in which this user has signed in."""
    return lambda user, company=company: people.signed_in(user, company)


@pytest.fixture
def api_for(company: context.Company) -> Callable[..., people.Api]:
    """``api_for(user)``: a client of the company's API, or that of ``company=``, with a key of this user."""
    return lambda user, company=company: people.api(user, company)


LEFT = """
SELECT 'cursor ' || name FROM pg_cursors WHERE is_holdable UNION ALL SELECT 'prepared statement ' || name FROM pg_prepared_statements
WHERE NOT name = ANY(%s)
UNION ALL SELECT 'temporary table ' || relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'
"""


@pytest.fixture(autouse=True)
def _nothing_is_left_on_the_connection() -> Iterator[None]:
    """After each test its connection holds no open cursor, temporary table or prepared statement but those it knows of (I-31)."""
    yield
    own = connection.connection
    if own is not None and not own.closed and not connection.in_atomic_block:
        assert [name for (name,) in own.execute(LEFT, [Shelf.of(own).names()])] == []
