"""Columns whose kind a plain Django field cannot tell: money, percent, quantity, phone, and the closed sets of ISO codes.

In migrations they are the plain fields they extend. What their values mean lives in ``core.kinds``.
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.expressions import OrderBy
from django.db.models.functions import Collate, Upper
from django.db.models.indexes import IndexExpression

IndexExpression.register_wrappers(OrderBy, OpClass, Collate)  # as django.contrib.postgres would, which asks each new connection for types that nothing here has


class _PlainInMigrations:
    """A migration names Django's own field, so that a class here can be renamed without touching history."""

    def deconstruct(self):
        name, _path, args, kwargs = super().deconstruct()
        plain = next(c for c in type(self).__mro__ if c.__module__.startswith("django."))
        kwargs.pop("choices", None)
        path = f"{plain.__module__}.{plain.__qualname__}"
        for inner, outer in (("django.db.models.fields", "django.db.models"), ("models.json.", "models."), ("postgres.fields.array.", "postgres.fields.")):
            path = path.replace(inner, outer)  # as Django itself spells it, else every comparison finds a change
        return name, path, args, kwargs


class MoneyField(_PlainInMigrations, models.DecimalField):
    """An amount of money, in the currency of its document or company."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"max_digits": 19, "decimal_places": 4, **kwargs})


class PercentField(_PlainInMigrations, models.DecimalField):
    """A fraction: 0.15 is 15 %."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"max_digits": 9, "decimal_places": 6, **kwargs})


class NumberField(_PlainInMigrations, models.DecimalField):
    """A quantity or any other decimal number."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"max_digits": 24, "decimal_places": 6, **kwargs})


class RateField(_PlainInMigrations, models.DecimalField):
    """What one unit of a currency is worth in another: small where a currency's units are."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"max_digits": 24, "decimal_places": 10, **kwargs})


class ChoiceField(_PlainInMigrations, models.CharField):
    """One of a declared set; ``choices`` never reach a migration."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"max_length": 40, "blank": True, "default": "", **kwargs})


class ChoicesField(_PlainInMigrations, ArrayField):
    """Several of a declared set, without order."""

    def __init__(self, verbose_name=None, *, options=(), **kwargs):
        self.options = options
        super().__init__(**{"base_field": models.CharField(max_length=40), "verbose_name": verbose_name, "default": list, "blank": True, **kwargs})


class WordsField(_PlainInMigrations, ArrayField):
    """A list of short words."""

    def __init__(self, verbose_name=None, **kwargs):
        super().__init__(**{"base_field": models.CharField(max_length=60), "verbose_name": verbose_name, "default": list, "blank": True, **kwargs})


class CodeField(_PlainInMigrations, models.CharField):
    """A code of an international standard: ``standard`` is country, currency or language (ISO 3166-1, ISO 4217, BCP 47)."""

    def __init__(self, *args, standard="country", **kwargs):
        self.standard = standard
        super().__init__(*args, **{"max_length": 8, "blank": True, "default": "", **kwargs})


class PhoneField(_PlainInMigrations, models.CharField):
    """A telephone number, E.164 where it parses, else as typed."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"max_length": 60, "blank": True, "default": "", **kwargs})


class SecretField(_PlainInMigrations, models.CharField):
    """A hash of something that is never shown again."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"max_length": 128, "blank": True, "default": "", **kwargs})


class FilterField(_PlainInMigrations, models.JSONField):
    """A condition in the filter language, or null."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"null": True, "blank": True, "default": None, **kwargs})


def named(model: str) -> GinIndex:
    """An index by which lists are filtered by what a name contains, whatever their number."""
    return GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name=f"{model}_named")
