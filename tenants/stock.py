"""Schemas made ahead: an empty one waits, under an id of its own, for the company that comes next, so that who signs up need not wait for its tables.

A worker fills the stock. Where it is empty, or made by another version, ``tenants.provision`` makes the schema at once.
"""

from uuid import UUID

from django.db import transaction

from core import context
from tenants import binding, versions
from tenants.backend import schemas
from tenants.models import EmptySchema, PreparedCopy

SIZE = 8  # about 6 MB each


def take() -> UUID | None:
    """The id of a company whose schema is there already; None where there is none. Runs in the transaction that makes the company: undone with it."""
    mine = EmptySchema.objects.filter(fingerprint=versions.fingerprint())
    found = mine.select_for_update(skip_locked=True).order_by("id").first()  # of two sign-ups at once each takes another
    if found is None:
        return None
    ident = found.id
    found.delete()
    return ident


def fill() -> int:
    """Make what is missing, each in its own transaction; returns how many. Cost: two queries where none is missing, else half a second each."""
    with context.bind_public():
        copy = PreparedCopy.objects.filter(fingerprint=versions.fingerprint()).first()
        if copy is None or _count(copy) >= SIZE:
            return 0
        made = 0
        with schemas.locked("stock"):
            while _count(copy) < SIZE:
                with transaction.atomic():
                    new = EmptySchema.objects.create(fingerprint=copy.fingerprint)
                    schemas.replay(copy.sql, copy.template, binding.schema_of(new.id))
                made += 1
    return made


def _count(copy: PreparedCopy) -> int:
    return EmptySchema.objects.filter(fingerprint=copy.fingerprint).count()


def throw_away() -> None:
    """Drop what other versions have made, each in its own transaction."""
    for old in EmptySchema.objects.exclude(fingerprint=versions.fingerprint()):
        with transaction.atomic():
            if EmptySchema.objects.filter(id=old.id).delete()[0]:  # unless somebody just took it
                schemas.drop(binding.schema_of(old.id))
