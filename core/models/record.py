"""What every stored thing shares: the seal, the company's stamp, and the columns of a record. No rule of any type.

``core.write`` is the one module that opens the seal, around single statements; everything else that tries to change a
row gets Sealed. Rows and queries remember the company they were made for and refuse to work in another (I-07, I-08).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from operator import itemgetter
from typing import Any, Self
from uuid import UUID

from django.db import models
from django.db.models.base import ModelState
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from uuid_utils.compat import uuid7

from core import batches, prepared
from core.context import CompanyMismatch, company_or_none


class Sealed(RuntimeError):
    """A row was about to change outside ``core.write``: a defect."""


NOW = timezone.now  # what columns that say when a row was made start with
_open: ContextVar[bool] = ContextVar("odos_seal_open", default=False)


@contextmanager
def permit() -> Iterator[None]:
    """Open the seal for the statement inside the block. For ``core.write`` and the ledgers it drives, nobody else."""
    token = _open.set(True)
    try:
        yield
    finally:
        _open.reset(token)
        prepared.forget()


def _demand_open_seal(what: str) -> None:
    if not _open.get():
        raise Sealed(f"{what} changes only through core.write.")


def new_id() -> UUID:
    """A UUIDv7: sortable by time of creation, and makeable on a phone without asking."""
    return uuid7()


def _bound_id() -> UUID | None:
    bound = company_or_none()
    return bound.id if bound else None


def _demand_same_company(stamp: UUID | None, what: str) -> None:
    if stamp != _bound_id():
        raise CompanyMismatch(f"{what} was made for another company than the one bound now.")


@cache
def _starts(model: type[models.Model]) -> tuple[dict[str, Any], list[tuple[str, Callable[[], Any]]], list[str]]:
    """What the columns of a new row hold, by name: what is the same for each, what is made anew, and which say when it was made."""
    columns = [f for f in model._meta.concrete_fields if not f.generated]
    made = {f.attname: f.get_default for f in columns if (f.has_default() and callable(f.default)) or f.has_db_default()}
    made |= {f.attname: f.default for f in columns if f.attname in made and f.has_default() and callable(f.default)}  # without Django's way to it
    moments = [name for name, make in made.items() if make is NOW]
    return {f.attname: f.get_default() for f in columns if f.attname not in made}, [one for one in made.items() if one[0] not in moments], moments


@cache
def _attnames(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(f.attname for f in model._meta.concrete_fields)


class Rows(models.QuerySet):
    """A queryset that belongs to the company it was built for and changes nothing while the seal is closed."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._company = _bound_id()

    def _clone(self):
        clone = super()._clone()
        clone._company = self._company
        return clone

    def _demand_same_company(self):
        _demand_same_company(self._company, f"A query of {self.model.__name__}")

    def _demand_own(self, records):
        """This query and every one of these records belong to the bound company."""
        self._demand_same_company()
        for record in records:
            if record._company is not self._company:
                _demand_same_company(record._company, type(record).__name__)

    def _fetch_all(self):
        if self._result_cache is None:
            self._demand_same_company()
        super()._fetch_all()

    def iterator(self, *args, **kwargs):
        self._demand_same_company()
        return super().iterator(*args, **kwargs)

    def aggregate(self, *args, **kwargs):
        self._demand_same_company()
        return super().aggregate(*args, **kwargs)

    def count(self):
        self._demand_same_company()
        return super().count()

    def exists(self):
        self._demand_same_company()
        return super().exists()

    def update(self, **values):
        self._demand_same_company()
        _demand_open_seal(self.model.__name__)
        return super().update(**values)

    update.alters_data = True

    def delete(self):
        self._demand_same_company()
        _demand_open_seal(self.model.__name__)
        return super().delete()

    delete.alters_data = True
    delete.queryset_only = True

    def erase(self):
        """Delete rows that nothing hangs on, as the caller knows. Cost: one statement."""
        self._demand_same_company()
        _demand_open_seal(self.model.__name__)
        return self._raw_delete(self.db)

    erase.alters_data = True
    erase.queryset_only = True

    def bulk_create(self, objs, *args, **kwargs):
        self._demand_own(objs := list(objs))
        _demand_open_seal(self.model.__name__)
        return super().bulk_create(objs, *args, **kwargs)

    def bulk_update(self, objs, *args, **kwargs):
        self._demand_own(objs := list(objs))
        _demand_open_seal(self.model.__name__)
        return super().bulk_update(objs, *args, **kwargs)

    def add(self, objs, key="", updating=()):
        """Insert these rows, or update what has the ``key`` of one. Keys that the database counts are not read back. Cost: one statement for a thousand."""
        self._demand_own(objs := list(objs))
        _demand_open_seal(self.model.__name__)
        for names, some in batches.alike(self.model, objs):
            values = itemgetter(*names)  # of a row in hand nothing is deferred
            self.add_values(names, [values(one.__dict__) for one in some], key, updating)
        db = self.db
        for made in objs:
            made._state.adding, made._state.db = False, db

    def add_values(self, names, rows, key="", updating=()):
        """The same for rows that are no more than the values of these columns; the others start as the database says.

        Rows without a ``key`` may be made while the first are on their way, unless it takes the database to make them.
        """
        self._demand_same_company()
        _demand_open_seal(self.model.__name__)
        batches.add(self.model, names, rows, key, updating)

    def store(self, objs, names=()):
        """Write these columns, or all, of these rows, which exist already. Cost: one statement for any number."""
        self._demand_own(objs := list(objs))
        _demand_open_seal(self.model.__name__)
        if objs:
            batches.store(self.model, objs, names)


class SealedModel(models.Model):
    """A table of a company whose rows change only while the seal is open."""

    objects = models.Manager.from_queryset(Rows)()

    class Meta:
        abstract = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._company = _bound_id()

    @classmethod
    def from_db(cls, db, field_names, values):
        """As Django's, whose way through ``__init__`` takes three times as long where all columns were read."""
        if len(values) != len(cls._meta.concrete_fields):
            return super().from_db(db, field_names, values)
        row = cls.__new__(cls)
        row.__dict__.update(zip(_attnames(cls), values, strict=True))
        row._state, row._company = ModelState(), _bound_id()
        row._state.adding, row._state.db = False, db
        return row

    @classmethod
    def blank(cls) -> Self:
        """A new row with what its columns start with: what calling the class gives, for a fifth of the time."""
        constant, made, moments = _starts(cls)
        row = cls.__new__(cls)
        held = row.__dict__
        held.update(constant)
        for name, make in made:
            held[name] = make()
        if moments:
            held.update(dict.fromkeys(moments, NOW()))
        row._state, row._company = ModelState(), _bound_id()
        return row

    def save(self, *args, **kwargs):
        _demand_same_company(self._company, type(self).__name__)
        _demand_open_seal(type(self).__name__)
        super().save(*args, **kwargs)

    def delete(self, *args, **kwargs):
        _demand_same_company(self._company, type(self).__name__)
        _demand_open_seal(type(self).__name__)
        return super().delete(*args, **kwargs)


class Record(SealedModel):
    """A thing people work with: it has an id of its own, a version, a trail, and the company's own fields in ``custom``.

    ``custom`` holds JSON values by field key; an absent key means empty, null is never stored.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    version = models.PositiveIntegerField(_("Version"), default=1, editable=False)
    created_at = models.DateTimeField(pgettext_lazy("time", "Created"), default=timezone.now, editable=False, db_index=True)  # lists start with the newest
    updated_at = models.DateTimeField(pgettext_lazy("time", "Updated"), default=timezone.now, editable=False)
    archived_at = models.DateTimeField(pgettext_lazy("time", "Archived"), null=True, blank=True, editable=False)
    custom = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        abstract = True


class OwnedRecord(Record):
    """A record that somebody is responsible for. Access looks at ``owner`` and ``unit``; the unit is stamped from the owner."""

    owner = models.ForeignKey("core.User", models.PROTECT, null=True, blank=True, verbose_name=_("Owner"), related_name="+")
    unit = models.ForeignKey("core.OrgUnit", models.PROTECT, null=True, blank=True, verbose_name=_("Unit"), related_name="+")

    class Meta:
        abstract = True


class Line(SealedModel):
    """A row that belongs to one record and lives and dies with it; ``position`` counts from 0."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    position = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        abstract = True
