"""Queries and records remember the company they were made in and refuse to work in another (I-07, I-08)."""

import random

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from core import context
from core.context import CompanyMismatch
from core.models import OrgUnit, Role, User
from core.models.record import permit
from tenants.backend import schemas
from tests import people


@pytest.fixture(scope="module")
def pair():
    return [people.new_company(), people.new_company()]


QUERIES = {
    "list": lambda rows: list(rows),
    "values": lambda rows: list(rows.values_list("pk")),
    "first": lambda rows: rows.first(),
    "get": lambda rows: rows.get(),
    "count": lambda rows: rows.count(),
    "exists": lambda rows: rows.exists(),
    "iterator": lambda rows: list(rows.iterator()),
    "filtered": lambda rows: list(rows.filter(name="x")),
    "union": lambda rows: list(rows.union(rows)),
    "in_bulk": lambda rows: rows.in_bulk(),
    "locked": lambda rows: list(rows.select_for_update()),
    "slice": lambda rows: rows[0],
    "update": lambda rows: rows.update(name="x"),
    "delete": lambda rows: rows.delete(),
}


@pytest.mark.parametrize("use", QUERIES)
@pytest.mark.parametrize("place", ["another company", "public", "nowhere"])
def test_a_query_made_in_one_company_refuses_to_run_elsewhere(pair, use, place):
    """I-07. The seal is open here, so that it is the stamp that refuses."""
    first, second = pair
    with context.bind(first):
        rows = User.objects.all()
    there = {"another company": lambda: context.bind(second), "public": context.bind_public, "nowhere": permit}[place]
    with there(), permit(), pytest.raises(CompanyMismatch):
        QUERIES[use](rows)


def test_a_query_kept_at_module_level_refuses_to_run_in_a_company(pair):
    rows = User.objects.all()
    with context.bind(pair[0]), pytest.raises(CompanyMismatch):
        list(rows)


def test_rows_that_were_read_stay_readable_but_cannot_be_saved_elsewhere(pair):
    first, second = pair
    with context.bind(first):
        user = User.objects.get()
    with context.bind(second):
        assert user.name == "Alice"
        with permit(), pytest.raises(CompanyMismatch):
            user.save()
        with pytest.raises(User.DoesNotExist):
            user.refresh_from_db()


WRITES = {
    "save": lambda record, model: record.save(),
    "insert": lambda record, model: record.save(force_insert=True),
    "update one field": lambda record, model: record.save(update_fields=["name"]),
    "delete": lambda record, model: record.delete(),
    "bulk_create": lambda record, model: model.objects.bulk_create([record]),
    "bulk_update": lambda record, model: model.objects.bulk_update([record], ["name"]),
}


def digest(company) -> list:
    with context.bind(company):
        return [list(model.objects.order_by("pk").values_list()) for model in (OrgUnit, Role, User)]


@given(draw=st.data())
def test_a_foreign_record_is_never_written(pair, draw):
    """I-08: any record of one company, any way to write it, in the other: refused, and both companies are as before."""
    home, away = random.sample(pair, 2)
    model = draw.draw(st.sampled_from([OrgUnit, Role, User]), "model")
    way = draw.draw(st.sampled_from(list(WRITES)), "way")
    with context.bind(home):
        record = draw.draw(st.sampled_from(list(model.objects.order_by("pk"))), "record")
    before = digest(home), digest(away)
    record.name = "Changed"
    with context.bind(away), permit(), pytest.raises(CompanyMismatch):
        WRITES[way](record, model)
    assert (digest(home), digest(away)) == before


def test_a_foreign_id_matches_nothing(pair):
    first, second = pair
    with context.bind(first):
        ids = list(User.objects.values_list("pk", flat=True)) + list(Role.objects.values_list("pk", flat=True))
    with context.bind(second):
        assert not User.objects.filter(pk__in=ids).exists()
        assert not Role.objects.filter(pk__in=ids).exists()


def test_no_table_of_a_company_is_a_table_of_public(pair):
    """Table names of the two kinds are disjoint, so no path could ever confuse them."""
    with context.bind_public():
        shared = schemas.tables("public") - {"django_migrations"}
        assert not shared & schemas.tables(pair[0].schema)
        assert {"tenants_company", "tenants_domain"} <= shared
    connection.close()
