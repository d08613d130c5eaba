"""What a type's records come to, kept ready: see ``core.summaries``."""

from django.db import models

from core.models.columns import MoneyField
from core.models.record import SealedModel


class SumField(MoneyField):
    """A sum of amounts, with room for more of them than one amount has."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"max_digits": 30, "default": 0, **kwargs})


class Summary(SealedModel):
    """How many records that are not archived have the values of the other columns, and in each ``SumField`` the sum of theirs.

    Only triggers write here: a change of a record takes it from one row and adds it to another, by further rows, which are folded into one now and then.
    So what stands here is the sum of several rows, and nobody waits for another who changes a record of the same kind.
    """

    records = models.IntegerField(default=0)

    class Meta:
        abstract = True

    @classmethod
    def key_columns(cls) -> tuple[str, ...]:
        """The columns by which records are told apart."""
        return tuple(f.attname for f in cls._meta.concrete_fields if not f.primary_key and f.name != "records" and not isinstance(f, SumField))

    @classmethod
    def sum_columns(cls) -> tuple[str, ...]:
        return tuple(f.attname for f in cls._meta.concrete_fields if isinstance(f, SumField))
