"""Schemas made ahead: each becomes one company's, as if it had been made for it, whoever comes at once and whatever breaks in between."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from core import context
from core.models import User
from tenants import provision, stock
from tenants.backend import schemas
from tenants.binding import schema_of
from tenants.models import EmptySchema
from tenants.tasks import fill_stock
from tests import people


@pytest.fixture
def stocked(monkeypatch):
    """Two schemas in stock, and none afterwards."""
    monkeypatch.setattr(stock, "SIZE", 2)
    fill_stock()
    yield
    with context.bind_public():
        EmptySchema.objects.update(fingerprint="of an older version")
        stock.throw_away()


def waiting() -> set:
    with context.bind_public():
        return set(EmptySchema.objects.values_list("id", flat=True))


def test_a_company_gets_a_schema_that_waits_for_it(stocked, monkeypatch):
    there = waiting()
    assert len(there) == 2
    assert stock.fill() == 0  # full is full
    monkeypatch.setattr(schemas, "replay", lambda *arguments: pytest.fail("There was one in stock."))
    made = people.new_company()
    assert {made.id} == there - waiting()
    assert provision.catalog_problems(made.schema) == []
    with context.bind(made):
        assert User.objects.get().roles.get().key == "owner"


def test_two_at_once_get_one_each_and_a_third_has_its_own_made(stocked):
    there = waiting()
    with ThreadPoolExecutor(3) as threads:
        made = {company.id for company in threads.map(_sign_up, range(3))}
    assert len(made) == 3 and there < made
    assert waiting() == set()


def _sign_up(n: int) -> context.Company:
    try:
        return people.new_company()
    finally:
        connection.close()


def test_what_breaks_down_leaves_the_schema_in_stock(stocked, monkeypatch):
    there = waiting()
    monkeypatch.setattr(provision.seeds, "plant", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        people.new_company()
    assert waiting() == there


def test_a_run_that_is_broken_off_leaves_neither_row_nor_schema(stocked, monkeypatch):
    with context.bind_public(), transaction.atomic():
        taken = stock.take()
    there, attempts = waiting(), []

    def replay(sql, template, schema):
        attempts.append(schema)
        schemas.create(schema)
        raise ZeroDivisionError

    monkeypatch.setattr(schemas, "replay", replay)
    with pytest.raises(ZeroDivisionError):
        stock.fill()
    with context.bind_public():
        assert attempts and schemas.tables(attempts[0]) == frozenset()
        assert waiting() == there
        schemas.drop(schema_of(taken))


def test_what_another_version_made_is_not_used_and_is_thrown_away(stocked):
    there = waiting()
    with context.bind_public():
        EmptySchema.objects.update(fingerprint="of an older version")
        assert people.new_company().id not in there
        stock.throw_away()
        assert waiting() == set()
        assert all(schemas.tables(schema_of(ident)) == frozenset() for ident in there)
