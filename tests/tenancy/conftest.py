"""What the tests of the binding share: two companies, and eyes beside Django's own connection."""

import os

import psycopg
import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from core import context
from core.models import User
from tests import people

LONG = bool(os.environ.get("ODOS_LONG"))


@pytest.fixture(scope="module")
def pair():
    """Two companies and what a query of each must answer: its owner's address."""
    made = [people.new_company(), people.new_company()]
    return [(company, [people.owner_of(company).email]) for company in made]


@pytest.fixture
def unbound():
    """These tests bind for themselves."""
    assert context.company_or_none() is None and not context.public_is_bound()
    yield
    connection.close()


def emails() -> list[str]:
    return list(User.objects.values_list("email", flat=True))


def beside() -> psycopg.Connection:
    """A second connection to the same database, which Django knows nothing of."""
    given = connection.settings_dict
    return psycopg.connect(
        make_conninfo(dbname=given["NAME"], user=given["USER"], password=given["PASSWORD"], host=given["HOST"], port=given["PORT"]),
        autocommit=True,
    )
