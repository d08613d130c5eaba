"""What a formula may name: the fields of a type and, through its references, of others. And how a field is found in SQL and in Python."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from django.db.models import CharField, F, OuterRef, QuerySet, Subquery, UUIDField
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Cast

from core import registry
from core.formulas.values import LIST, OUTPUT, TYPE_OF, normal_sql
from core.kinds.references import held_id
from core.registry import Field, ObjectType


class Scope(Protocol):
    """The fields a formula of one type may name."""

    slug: str
    object_type: ObjectType

    def field(self, name: str) -> Field | None: ...

    def through(self, name: str) -> "Scope | None": ...

    def names(self) -> Iterable[Field]: ...


class Sight(Protocol):
    """See ``core.conditions.Sight``."""

    fields: Callable[[ObjectType], dict[str, Field]]
    rows: Callable[[ObjectType], QuerySet]


def usable(f: Field) -> bool:
    """Whether formulas can work with this field: it has a value in the database, of a kind they know."""
    return f.kind in TYPE_OF and (f.compute is None or f.expression is not None) and not (f.kind == "choices" and f.expression is not None)


@dataclass(frozen=True)
class TypeScope:
    """What this reader's formulas of a type may name, by his sight."""

    object_type: ObjectType
    sight: Any

    @property
    def slug(self) -> str:
        return self.object_type.slug

    def field(self, name: str) -> Field | None:
        f = self.sight.fields(self.object_type).get(name)
        return f if f is not None and usable(f) else None

    def through(self, name: str) -> "TypeScope | None":
        f = self.field(name)
        target = registry.get(f.target) if f is not None and f.kind in ("ref", "user") and f.target else None
        return TypeScope(target, self.sight) if target is not None else None

    def names(self) -> list[Field]:
        return [f for f in self.sight.fields(self.object_type).values() if usable(f)]


def scope(object_type: ObjectType, sight: Sight) -> TypeScope:
    return TypeScope(object_type, sight)


def resolver(object_type: ObjectType, sight: Sight) -> Callable[[tuple[str, ...]], Any]:
    """``resolve(path)``: the expression of a field over rows of the type; a path looks only into rows of the sight.

    Cost: for a path one sub-query a row, by primary key.
    """

    def resolve(path: tuple[str, ...]) -> Any:
        f = sight.fields(object_type)[path[0]]
        if len(path) == 1:
            return _own(f)
        target = registry.get(f.target)
        inner = resolver(target, sight)(path[1:])
        type_ = TYPE_OF[_last(object_type, path, sight).kind]
        rows = sight.rows(target).filter(pk=_reference(f)).order_by().annotate(_formula=normal_sql(type_, inner))
        return Subquery(rows.values("_formula")[:1], output_field=OUTPUT[type_])

    return resolve


def _last(object_type: ObjectType, path: tuple[str, ...], sight: Sight) -> Field:
    for name in path[:-1]:
        object_type = registry.get(sight.fields(object_type)[name].target)
    return sight.fields(object_type)[path[-1]]


def _own(f: Field) -> Any:
    if f.expression is None and TYPE_OF[f.kind] == LIST:
        return KeyTransform(f.name, F("custom")) if f.custom else F(f.path)
    return f.rules.expr(f)


def _reference(f: Field) -> Any:
    """The id a reference holds, seen from inside the rows it refers to."""
    if f.custom:
        return held_id(f)
    return Cast(Cast(OuterRef(f.path), CharField()), UUIDField()) if f.model is None else OuterRef(f.path)
