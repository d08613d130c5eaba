"""Nothing of a company changes outside of ``core.write``: every table refuses every way Django offers, while the seal is closed."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import transaction

from core.models import SealedModel, TrailEntry
from core.models.record import Sealed, permit

TABLES = sorted((m for m in apps.get_models() if issubclass(m, SealedModel)), key=lambda m: m._meta.label)
WAYS = {
    "save": lambda model, row: row.save(),
    "force": lambda model, row: row.save(force_insert=True),
    "delete": lambda model, row: row.delete(),
    "create": lambda model, row: model.objects.create(),
    "update": lambda model, row: model.objects.update(pk=row.pk),
    "delete all": lambda model, row: model.objects.all().delete(),
    "bulk create": lambda model, row: model.objects.bulk_create([row]),
    "bulk update": lambda model, row: model.objects.bulk_update([row], [model._meta.fields[-1].name]),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model", TABLES, ids=lambda m: m._meta.label)
def test_a_table_changes_through_write_alone(company, model, way):
    before = list(model.objects.order_by("pk").values())
    row = model.objects.order_by("pk").first() or model(pk=model._meta.pk.get_default() or 1)
    with pytest.raises(Sealed):
        WAYS[way](model, row)
    assert list(model.objects.order_by("pk").values()) == before


def test_the_seal_closes_again_after_an_error_too(company):
    model = TABLES[0]
    with pytest.raises(ZeroDivisionError), permit():
        raise ZeroDivisionError
    with pytest.raises(Sealed):
        model.objects.all().delete()


def test_rows_that_leave_different_columns_to_the_database_are_added_together(company):
    """What one row leaves out is no matter of the row beside it."""
    told = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    rows = [TrailEntry(about_type="accounts", about_id=uuid4(), act="create", changes={"n": n}, **({"at": told} if n in (1, 4) else {})) for n in range(6)]
    with transaction.atomic(), permit():
        TrailEntry.objects.add(rows)
        found = list(TrailEntry.objects.filter(about_id__in=[row.about_id for row in rows]).order_by("pk"))
        transaction.set_rollback(True)
    assert [entry.changes["n"] for entry in found] == list(range(6))
    assert [entry.at == told for entry in found] == [False, True, False, False, True, False]
