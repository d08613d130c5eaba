"""Queries put into words once for each reader, day and edition of the set-up: of the same question about another record only values differ."""

from collections.abc import Callable, Hashable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet
from django.utils.translation import get_language

from core import access, edition, structures
from core.access import Actor
from core.prepared import Asked, Bent, Prepared

FIRST = date(1, 1, 2)


def rows(actor: Actor, key: Hashable, make: Callable[..., QuerySet], *values: UUID | str | date) -> list[list]:
    """What the query that ``make`` makes of these values finds, as rows of its columns. Cost: one query.

    ``key`` names all else that it is made of, but for the reader, his language, the day and the company's set-up; None: it is asked but once.
    Days are told apart by their order alone. Where a value is bent on its way into the query, as in JSON, that is put into words each time.
    """
    prepared = _prepared(actor, key, make, values)
    return prepared.rows(*values) if prepared is not None else [list(row) for row in make(*values)]


def records(actor: Actor, key: Hashable, make: Callable[..., QuerySet], *values: UUID | str | date) -> list[Model]:
    """The same as records, of a query for all columns of a model."""
    prepared = _prepared(actor, key, make, values)
    return prepared.records(*values) if prepared is not None else list(make(*values))


def asked(actor: Actor, key: Hashable, make: Callable[..., QuerySet], *values: UUID | str | date) -> list[Asked]:
    """What ``rows`` and ``records`` ask of the database, where it is in words, to be asked together with more."""
    prepared = _prepared(actor, key, make, values)
    return [] if prepared is None else [(prepared, values)]


def _prepared(actor: Actor, key: Hashable, make: Callable[..., QuerySet], values: Sequence[Any]) -> Prepared | None:
    if key is None or len(set(values)) < len(values) or not all(isinstance(v, UUID | str | date) for v in values):
        return None
    whose = (access.reader(actor), get_language(), key, tuple(map(type, values)), _places(values))
    return edition.keep_today(("words", whose), structures.today(), lambda: _worded(make, values))


def _places(values: Sequence[Any]) -> tuple[int, ...]:
    """The place of each day among the days, in their order: what is asked of them may hang on which is the earlier one."""
    days = sorted(v for v in values if isinstance(v, date))
    return tuple(days.index(v) for v in values if isinstance(v, date))


def _worded(make: Callable[..., QuerySet], values: Sequence[Any]) -> Prepared | None:
    places = iter(_places(values))
    prepared = Prepared(make, *(FIRST + timedelta(days=next(places)) if isinstance(value, date) else value for value in values))
    try:
        return prepared if _takes(prepared) else None
    except Bent:
        return None


def _takes(prepared: Prepared) -> bool:
    """Whether each value has its places in the query, stands nowhere else, and nothing beside them is of this moment."""
    _text, params, places, _converters = prepared.words()
    held, told = {place for place, *_rest in places}, {n for _place, n, _way in places}
    others = [p for place, p in enumerate(params) if place not in held]
    bent = "\n".join(str(getattr(p, "obj", p)) for p in others)
    return len(told) == len(prepared.marks) and not any(str(m) in bent for m in prepared.marks) and not any(isinstance(p, datetime) for p in others)
