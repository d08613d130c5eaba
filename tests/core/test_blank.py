"""A blank row of any table is what calling its class gives."""

from datetime import datetime
from uuid import UUID

import pytest
from django.apps import apps
from django.db.models.expressions import DatabaseDefault

from core.models.record import SealedModel

MODELS = [model for model in apps.get_models() if issubclass(model, SealedModel)]


def held(row):
    """What stands in it; of what is made anew for each row, its class."""
    values = vars(row) | {"_state": vars(row._state)}
    return {name: type(value) if isinstance(value, UUID | datetime | DatabaseDefault) else value for name, value in values.items()}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_blank_row_is_what_its_class_makes(company, model):
    made, blank = model(), model.blank()
    assert held(blank) == held(made) and type(blank) is model
    for name, value in vars(blank).items():
        if isinstance(value, list | dict):
            assert getattr(model.blank(), name) is not value, name
