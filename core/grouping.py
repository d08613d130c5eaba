"""A list by groups: of each value of a field how many records have it, their sums, and the first of them; a board, as programs ask for it."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.utils.translation import gettext as _

from core import access, derived, query, read
from core.access import Actor
from core.errors import RuleError
from core.listings import Listing
from core.registry import Field, ObjectType

MOST = 50  # groups, and records of each
KINDS = ("choice", "ref", "user", "yesno")


@dataclass(frozen=True)
class Group:
    """The records that have one value; none is None. Count and sums are over all of them, as in the list of this value alone."""

    value: Any
    label: str
    words: tuple[str, str]  # what a query string says to get this list alone
    page: query.Page


def field(actor: Actor, object_type: ObjectType, name: str) -> Field:
    """The field a list may be grouped by. Errors: RuleError."""
    f = access.fields(actor, object_type).get(name)
    if f is None or f.kind not in KINDS or f.is_looked_up or derived.is_computed(f) or not f.rules.ops or object_type.rows:
        raise RuleError({"group_by": [_("%(type)s cannot be grouped by “%(name)s”.") % {"type": object_type.plural, "name": name[:80]}]})
    return f


def groups(actor: Actor, object_type: ObjectType, wanted: Listing, by: Field) -> list[Group]:
    """The values that occur: options in their order, records by their names, none last.

    Cost: three queries, however many groups. Errors: RuleError where they are more than ``MOST``.
    """
    if wanted.cursor or wanted.limit > MOST:
        raise RuleError({"group_by": [_("Of each group the first %(n)d records are shown at most; “next” leads to the others.") % {"n": MOST}]})
    added = {_plain(by, value): told for value, told in query.added_by_value(actor, object_type, wanted, by, MOST + 1)}
    if len(added) > MOST:
        raise RuleError({"group_by": [_("These are more than %(n)d groups. Narrow the filter.") % {"n": MOST}]})
    labels = _labels(actor, by, added)
    values = sorted(added, key=lambda value: (value is None, *_place(by, value, labels)))
    tests = {value: [by.name, "empty", True] if value is None else [by.name, "eq", _word(value)] for value in values}
    first: dict[Any, list[Model]] = defaultdict(list)
    for record in query.first_of_each(actor, object_type, wanted, tests.values(), wanted.limit + 1):
        first[_plain(by, by.value(record))].append(record)
    return [
        Group(value, labels.get(value, ""), (by.name, _word(value)) if value is not None else (f"{by.name}__empty", "true"),
              query.first_page(actor, object_type, wanted, first[value], *added[value]))
        for value in values
    ]  # fmt: skip


def _plain(by: Field, value: Any) -> Any:
    """A value as a record holds it, whichever way it was read."""
    if by.is_reference and isinstance(value, str) and value:
        return UUID(value)
    return None if value == "" else value


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _labels(actor: Actor, by: Field, values: Any) -> dict[Any, str]:
    if by.is_reference:
        return read.labels(actor, {by.target: {v for v in values if v is not None}}).get(by.target, {})
    return {v: by.rules.text(by, v) for v in values if v is not None}


def _place(by: Field, value: Any, labels: dict[Any, str]) -> tuple:
    options = list(by.choices())
    return (options.index(value) if value in options else len(options), labels.get(value, ""), str(value))
