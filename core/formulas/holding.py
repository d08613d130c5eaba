"""What the fields of a record in hand hold, stored or not, as formulas ask for them: through references, and for computed fields."""

from collections.abc import Callable
from typing import Any

from django.db.models import Model

from core import registry
from core.formulas.formula import Moment, made, moment
from core.formulas.scopes import Sight, scope
from core.registry import Field, ObjectType

MOST = 8  # computed fields within one another


def held(object_type: ObjectType, record: Model, sight: Sight, at: Moment | None = None, met: dict | None = None, depth: int = 0) -> Callable[[tuple], Any]:
    """``get(path)`` for ``Formula.value``. Cost: one query for each record a path leads to (``met`` remembers them for others),
    and for each roll-up. A formula field is worked out of what the record holds now; a roll-up is what the database knows.
    """  # fmt: skip
    at, met = at or moment(), {} if met is None else met

    def get(path: tuple[str, ...]) -> Any:
        f = sight.fields(object_type)[path[0]]
        if len(path) == 1:
            return _value(object_type, f, record, sight, at, met, depth)
        target = registry.get(f.target)
        other = _referred(target, f.value(record), sight, met)
        return held(target, other, sight, at, met, depth)(path[1:]) if other is not None else None

    return get


def _referred(target: ObjectType, ident: Any, sight: Sight, met: dict) -> Model | None:
    if not ident:
        return None
    key = (target.slug, str(ident))
    if key not in met:
        met[key] = sight.rows(target).filter(pk=ident).first()
    return met[key]


def _value(object_type: ObjectType, f: Field, record: Model, sight: Sight, at: Moment, met: dict, depth: int) -> Any:
    if f.expression is None:
        return f.value(record)
    if getattr(f.source, "kind", "") == "formula" and depth < MOST:
        return made(f.source.formula, scope(object_type, sight)).value(held(object_type, record, sight, at, met, depth + 1), at)
    return object_type.all().filter(pk=record.pk).annotate(_held=f.expression).values_list("_held", flat=True).first()
