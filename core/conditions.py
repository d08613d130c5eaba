"""The one filter language: ``[field, op, value]``, ``{"all": [...]}``, ``{"any": [...]}``, nested; and its SQL.

Lists, exports, the API, grants, KPIs and their drills all speak it. What may be named is up to a ``Sight``: the fields and
rows the asker sees. A path (``account.country``) looks only inside rows of the referred type that the asker sees: where
it leads to none of them, ``account.id`` is empty.
"""

import json
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any
from uuid import UUID

import orjson
from django.db.models import Exists, Model, OuterRef, Q, QuerySet, lookups
from django.utils.translation import gettext as _

from core import formulas, limits, registry, schema
from core.errors import RuleError, Unparsable
from core.formulas.operations import capital
from core.registry import Field, ObjectType

OPS = ("eq", "ne", "lt", "lte", "gt", "gte", "in", "contains", "starts", "empty")
DEPTH = 8
MAX_VALUES = 1000
ORDER = {"eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge}


@dataclass(frozen=True)
class Sight:
    """What the asker may name: the fields of a type, and its rows."""

    fields: Callable[[ObjectType], dict[str, Field]]
    rows: Callable[[ObjectType], QuerySet]


EVERYTHING = Sight(schema.fields, lambda object_type: object_type.all())


def parse(text: str) -> Any:
    """A filter from its JSON text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Unparsable(_("The filter is not valid JSON.")) from None


def text(node: Any) -> str:
    """A filter as an address holds it."""
    try:
        return orjson.dumps(node).decode()
    except TypeError:  # a number of more than 64 bits
        return json.dumps(node, separators=(",", ":"), ensure_ascii=False)


def joining(node: Any) -> str:
    """``all`` or ``any`` where the node joins filters by it, else nothing."""
    word = next(iter(node)) if isinstance(node, dict) and len(node) == 1 else ""
    return word if word in ("all", "any") and isinstance(node[word], list) else ""


def refuse(name: str, sentence: str) -> RuleError:
    return RuleError({name if isinstance(name, str) and name else "filter": [sentence]})


def compile(object_type: ObjectType, node: Any, sight: Sight) -> Q:
    """The filter as a predicate over the type's rows. Cost: none; sub-queries for paths. Errors: RuleError at the name."""
    count = [0]
    return _compile(object_type, node, sight, 0, count)


def _compile(object_type: ObjectType, node: Any, sight: Sight, depth: int, count: list[int]) -> Q:
    if depth > DEPTH:
        raise refuse("filter", _("This filter is nested too deeply."))
    if word := joining(node):
        parts = [_compile(object_type, part, sight, depth + 1, count) for part in node[word]]
        if word == "all":
            return reduce(and_, parts, Q())
        # Q() holds for every row, but "or" takes it for nothing at all; and nothing of nothing holds.
        return Q() if Q() in parts else reduce(or_, parts, Q(pk__in=[]))
    if isinstance(node, list) and len(node) == 3 and isinstance(node[0], str) and isinstance(node[1], str):
        count[0] += 1
        limits.demand("filter_conditions", count[0], _("conditions"))
        return _condition(object_type, node[0], node[1], node[2], sight)
    raise refuse("filter", _("A filter is [field, operator, value], or {\"all\": [...]} or {\"any\": [...]} of filters."))


def _condition(object_type: ObjectType, path: str, op: str, value: Any, sight: Sight, full_path: str = "") -> Q:
    full_path = full_path or path
    head, dot, rest = path.partition(".")
    f = sight.fields(object_type).get(head)
    if f is None or not f.is_in_sql or not f.rules.ops:
        raise refuse(full_path, _("%(type)s cannot be filtered by “%(name)s”.") % {"type": object_type.plural, "name": full_path[:80]})
    if dot and f.rules.parts:
        return _tested(_part(object_type, f, rest, full_path), op, value, full_path)
    if dot:
        return _through(object_type, f, rest, op, value, sight, full_path)
    return _tested(f, op, value, full_path)


def _part(object_type: ObjectType, f: Field, name: str, full_path: str) -> Field:
    """A part of an address or point as a field of its own."""
    found = f.rules.part(f, name)
    if found is None:
        raise refuse(full_path, _("%(type)s cannot be filtered by “%(name)s”.") % {"type": object_type.plural, "name": full_path[:80]})
    kind, expression, options = found
    return Field(name, kind, expression=expression, options=options, max_length=500)


def _tested(f: Field, op: str, value: Any, full_path: str) -> Q:
    if op not in f.rules.ops:
        known = ", ".join(f.rules.ops)
        raise refuse(full_path, _("“%(name)s” has no operator “%(op)s”; it has: %(known)s.") % {"name": full_path[:80], "op": op[:20], "known": known})
    try:
        cleaned = clean(f, op, value)
    except ValueError as error:
        raise refuse(full_path, str(error)) from None
    if cleaned is None and "empty" not in f.rules.ops:
        raise refuse(full_path, _("Name a value to compare with."))
    if cleaned is None:
        return f.rules.condition(f, "empty", op == "eq")
    return f.rules.condition(f, op, cleaned)


def _through(object_type: ObjectType, f: Field, rest: str, op: str, value: Any, sight: Sight, full_path: str) -> Q:
    target = registry.get(f.target) if f.is_reference and f.target else None
    if target is None or full_path.count(".") > 3:
        raise refuse(full_path, _("%(type)s cannot be filtered by “%(name)s”.") % {"type": object_type.plural, "name": full_path[:80]})
    inner = _condition(target, rest, op, value, sight, full_path)
    if rest == "id" and op == "empty" and f.kind != "refs" and clean(f, op, value):  # it leads to nothing the asker sees
        if not f.custom and f.expression is None:  # by a join: "not in" of many ids would be looked through for each row
            return Q(~Exists(sight.rows(target).filter(pk=OuterRef(f.path))))
        return ~_through(object_type, f, rest, op, False, sight, full_path) | Q(lookups.IsNull(f.rules.expr(f), True))
    found = sight.rows(target).filter(inner)
    if f.custom and (f.kind == "refs" or f.expression is None):
        return Q(f.rules.any_of(f, found))
    if f.expression is not None:
        return Q(lookups.In(f.expression, found.values("pk")))
    if f.kind == "refs":  # one of several; a join would show a record once for each
        return f.rules.condition(f, "in", found.values("pk"))
    return Q(**{f"{f.path}__in": found.values("pk")})


def clean(f: Field, op: str, value: Any) -> Any:
    """The operand in Python: a list for ``in``, a bool for ``empty``, None where equality with nothing is meant."""
    if op == "empty":
        known = {"true": True, "false": False, True: True, False: False}
        if not isinstance(value, bool | str) or value not in known:
            raise ValueError(_("“empty” is true or false."))
        return known[value]
    if op == "in":
        values = value.split(",") if isinstance(value, str) else value
        if not isinstance(values, list) or len(values) > MAX_VALUES:
            raise ValueError(_("“in” takes a list of at most %(n)d values.") % {"n": MAX_VALUES})
        return [_clean_one(f, v) for v in values if v not in ("", None)]
    if value is None or value == "":
        if op in ("eq", "ne"):
            return None
        raise ValueError(_("Name a value to compare with."))
    return _clean_one(f, value)


def _clean_one(f: Field, value: Any) -> Any:
    """One operand. Text is compared as given: a part of an address or number need not be a whole one."""
    rules = f.rules
    if f.kind in ("email", "phone", "url", "longtext", "address"):
        rules = registry.KINDS["text"]
    if f.kind in ("choices", "refs"):
        return rules.clean(f, value if isinstance(value, list) else [value])[0]
    if f.kind in ("text", "email", "phone", "url", "longtext") and isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return rules.clean(f, value)


def ids(known: dict[str, Field], nodes: Iterable) -> list[UUID] | None:
    """The ids that these conditions name; none where they are anything but references and choices that equal a value."""
    found = []
    for node in nodes:
        if not (isinstance(node, list) and len(node) == 3 and node[1] == "eq" and isinstance(node[0], str) and isinstance(node[2], str)):
            return None
        f = known.get(node[0])
        if f is None or f.custom or f.expression is not None or f.kind not in ("ref", "user", "anyref", "choice"):
            return None
        if f.kind != "choice":
            try:
                found.append(UUID(node[2] if len(node[2]) == 36 else ""))
            except ValueError:
                return None
        elif node[2] not in f.choices():
            return None
    return found


def holds(object_type: ObjectType, node: Any, record: Model, sight: Sight = EVERYTHING) -> bool:
    """Whether the filter holds for a record in hand, which may not be stored: the same answer in Python as ``compile`` in SQL.

    Cost: one query for each reference a path follows; what no record holds itself (a place in a tree, what is looked up) is
    asked of the database, and so of the stored record. Errors: as of ``compile``.
    """
    _compile(object_type, node, sight, 0, [0])
    return _holds(object_type, node, record, sight, {})


def _holds(object_type: ObjectType, node: Any, record: Model, sight: Sight, met: dict) -> bool:
    if word := joining(node):
        return (all if word == "all" else any)(_holds(object_type, part, record, sight, met) for part in node[word])
    path, op, value = node
    head, dot, rest = path.partition(".")
    f = sight.fields(object_type)[head]
    if f.kind == "within" or (f.expression is not None and f.compute is None):
        return object_type.all().filter(pk=record.pk).filter(_condition(object_type, path, op, value, sight)).exists()
    held = formulas.held(object_type, record, sight)((head,)) if f.expression is not None else f.value(record)
    if not dot:
        return _compares(f, held, op, clean(f, op, value))
    if not f.is_reference:  # a part of an address or point
        kind, _expression, options = f.rules.part(f, rest)
        part = Field(rest, kind, options=options, max_length=500)
        return _compares(part, part.rules.from_json(part, (held or {}).get(rest)), op, clean(part, op, value))
    target = registry.get(f.target)
    referred = _referred(target, held, sight, met)
    if rest == "id" and op == "empty" and f.kind != "refs" and clean(f, op, value):
        return not referred
    return any(_holds(target, [rest, op, value], other, sight, met) for other in referred)


def _referred(target: ObjectType, held: Any, sight: Sight, met: dict) -> list[Model]:
    """The records referred to, of those the asker sees. Cost: one query, once for the same ones."""
    ids = tuple(held) if isinstance(held, list | tuple) else (held,) if held else ()
    if ids and (target.slug, ids) not in met:
        met[target.slug, ids] = list(sight.rows(target).filter(pk__in=ids))
    return met.get((target.slug, ids), [])


def _compares(f: Field, held: Any, op: str, asked: Any) -> bool:
    """One field's value against a cleaned operand. What is empty equals nothing, differs from everything, and is neither more nor less."""
    nothing = f.rules.is_empty(held)
    if op == "empty" or asked is None:
        return nothing == (asked if op == "empty" else op == "eq")
    if f.kind == "anyref":
        return _points_to(held, op, asked)
    if f.kind in ("choices", "words", "refs"):
        among = {str(v) for v in held or ()}
        found = any(str(v) in among for v in (asked if isinstance(asked, list) else [asked]))
        return not found if op == "ne" else found
    if nothing:
        return op == "ne"
    if f.kind == "address":
        held = " ".join(held[name] for name in f.rules.parts if held.get(name))
    if op == "in":
        return held in asked
    if op in ("contains", "starts"):
        wanted, text = capital(str(asked)), capital(str(held))
        return text.startswith(wanted) if op == "starts" else wanted in text
    return ORDER[op](held, asked)


def _points_to(held: Any, op: str, asked: Any) -> bool:
    found = any(held and held[1] == ident and (not slug or held[0] == slug) for slug, ident in (asked if op == "in" else [asked]))
    return not found if op == "ne" else found
