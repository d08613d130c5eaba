"""What hangs on a record: how many records of each list on its page, and what they come to, counted in one statement."""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db.models import CharField, Count, DecimalField, QuerySet, Sum, Value
from django.db.models.functions import Cast

from core import access, listings, query, schema, worded
from core.access import Actor
from core.registry import ObjectType

NUMERIC = DecimalField(max_digits=30, decimal_places=10)


class Part(NamedTuple):
    """Records of a type that refer by this field to the one shown, and pass a filter; ``money`` is what is summed of them."""

    type: ObjectType
    field: str
    filter: list | dict | None = None
    money: str = ""

    def conditions(self, ident: UUID) -> dict:
        return {"all": [[self.field, "eq", str(ident)], *([self.filter] if self.filter else [])]}


class Added(NamedTuple):
    """How many there are, and their sum in base currency."""

    count: int
    sum: Decimal


NONE = Added(0, Decimal(0))


def added(actor: Actor, ident: UUID, parts: Mapping[str, Part]) -> dict[str, Added]:
    """Of each of these lists how many it holds, and their sum. Cost: one query for all."""
    if not parts:
        return {}

    def make(ident: UUID) -> QuerySet:
        first, *others = (_part(actor, name, part, ident) for name, part in parts.items())
        return first.union(*others, all=True) if others else first

    key = ("behind", *((name, p.type.slug, p.field, str(p.filter), p.money) for name, p in parts.items()))
    told = {name: Added(count, total or Decimal(0)) for name, count, total in worded.rows(actor, key, make, ident)}
    return {name: told.get(name, NONE) for name in parts}  # of what holds nothing for sure, nothing is asked


def _part(actor: Actor, name: str, part: Part, ident: UUID) -> QuerySet:
    rows = query.matching(actor, part.type, listings.Listing(conditions=(part.conditions(ident),))).order_by()
    known = access.fields(actor, part.type)
    total = Sum(schema.in_base(known, known[part.money])) if part.money else Cast(Value(None), NUMERIC)
    told = rows.annotate(_name=Value(name, output_field=CharField())).values("_name").annotate(_count=Count("pk"), _sum=total)
    return told.values_list("_name", "_count", "_sum")
