"""The order of a list: by which fields, where the empty ones stand, and that no two rows are equal in it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from core import access, cursors, derived, rolling, worked_out
from core.access import Actor
from core.errors import RuleError
from core.registry import Field, ObjectType


def keys(actor: Actor, object_type: ObjectType, names: Sequence[str]) -> list[cursors.Key]:
    """The order these fields make, ``-`` before those that fall; the newest first without any. Errors: RuleError at ``sort``."""
    known, keys = access.fields(actor, object_type), []
    for name in names or (("-created_at",) if "created_at" in known else ()):
        bare = name.removeprefix("-")
        f = known.get(bare)
        if f is None or not f.is_in_sql or f.is_looked_up or not f.rules.sorts:
            raise RuleError({"sort": [_("%(type)s cannot be sorted by “%(name)s”.") % {"type": object_type.plural, "name": bare[:80]}]})
        expr = f.rules.sort_expr(f)
        keys.append(cursors.Key(f"_sort{len(keys)}", expr, name.startswith("-"), f, _is_nullable(object_type, expr)))
    # Ties run by id, upwards even where the last column falls; only the default, newest first, goes down to the last.
    return [*keys, cursors.Key("_pk", F("pk"), not names, None, False)]


def _is_nullable(object_type: ObjectType, expr: Any) -> bool:
    """Whether what a list is sorted by may be empty: anything, but a column that may not."""
    return not (isinstance(expr, F) and any(c.name == expr.name and not c.null for c in object_type.model._meta.concrete_fields))


def by(found: QuerySet, keys: list[cursors.Key], backwards: bool = False, fenced: bool = False) -> QuerySet:
    """The rows in this order, empty last, or all of it the other way; ``fenced``: by what is worked out first, not along an index."""
    # The planner guesses how many rows a roll-up leaves. Along an index of the order it would look each row up in a list of all children, so there is none.
    exprs = {k.alias: k.expr for k in keys}
    if fenced or rolling.has_joined(found):
        exprs = {alias: Coalesce(expr, expr) for alias, expr in exprs.items()}
    last = exprs.pop("_pk")
    found = found.annotate(**exprs)
    order = []
    for k in keys:
        ref = F(k.alias) if k.alias != "_pk" else last
        falls = k.falls != backwards
        # Empty comes last whichever way the list runs, so first when it is read backwards; an index on what is never empty has no say in it.
        nulls = {} if not k.nullable else {"nulls_first": True} if backwards else {"nulls_last": True}
        order.append(ref.desc(**nulls) if falls else ref.asc(**nulls))
    return found.order_by(*order)


def worked_out_once(found: QuerySet, keys: list[cursors.Key]) -> tuple[QuerySet, list[cursors.Key]]:
    """The rows and their order, to begin within it: what no index holds and takes time is worked out once a row, not each time the place is compared."""
    if not any(k.field is not None and _takes_time(k.field) for k in keys):
        return found, keys
    found, columns = worked_out.once(found, {k.alias: k.expr for k in keys if k.alias != "_pk"})
    return found, [replace(k, expr=columns.get(k.alias, k.expr)) for k in keys]


def _takes_time(f: Field) -> bool:
    return derived.is_computed(f) or (f.custom and not f.rules.indexed)
