"""How facts are split: by a column of theirs, by what a column's record says now, by period, by a place in a tree.

Grouping and the filter of a drill use the same expression, so the rows of a group add up to it by construction.
"""

from collections.abc import Callable
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, Subquery

from core import access, registry
from core.access import Actor
from core.models.structure import END
from core.registry import Dimension, Field
from core.structures import link_of

Outer = Callable[[str], Any]


def looked_up(actor: Actor) -> dict[str, Field]:
    """Fields of facts that are looked up through other records, as far as the actor sees those. Cost: none."""
    found: dict[str, Field] = {}
    for dimension in registry.dimensions.values():
        expression = _expression(actor, dimension, F)
        if expression is None:
            continue
        if dimension.through:
            through = registry.types[dimension.target].fields[dimension.through]
            found[dimension.key] = Field(
                dimension.key, "ref" if through.is_reference else through.kind, dimension.label, options=through.options,
                target=through.target, expression=expression, readonly=True,
            )  # fmt: skip
        if dimension.tree is not None:
            for name, then in ((f"{dimension.key}_within", False), (f"{dimension.key}_within_then", True)):
                found[name] = Field(name, "within", dimension.label, options=_within(actor, dimension, then), expression=expression, readonly=True)
    return found


def _expression(actor: Actor, dimension: Dimension, outer: Outer) -> Any:
    """The dimension's value for one fact: its column, or a look-up through the record the column names; None where closed."""
    if not dimension.column:
        return None
    if not dimension.through:
        return outer(dimension.column)
    target = registry.types[dimension.target]
    if not access.allows(actor, target, "view") or dimension.through in access.hidden_names(actor, target):
        return None
    reference = OuterRef(dimension.column) if outer is F else OuterRef(OuterRef(dimension.column))
    return Subquery(access.rows(actor, target).filter(pk=reference).values(target.fields[dimension.through].path)[:1])


def _within(actor: Actor, dimension: Dimension, then: bool) -> Callable[[Any], Q]:
    links = link_of(dimension.tree)

    def condition(ancestor_id: Any) -> Q:
        place = links.objects.filter(ancestor_id=ancestor_id, descendant_id=_expression(actor, dimension, OuterRef))
        if then:
            place = place.filter(valid_from__lte=OuterRef("business_date"), valid_to__gt=OuterRef("business_date"))
        else:
            place = place.filter(valid_to=END)
        return Q(Exists(place))

    return condition


def expression(actor: Actor, dimension: Dimension) -> Any:
    """What facts are grouped by; None where the actor does not see it."""
    return _expression(actor, dimension, F)


def tree_field(key: str, structure: str) -> str:
    """The name by which a drill says "this node or below it"."""
    return f"{key}_within_then" if structure == "then" else f"{key}_within"


