"""How facts are split: by a column of theirs, by what another record says now, by period, by a place in a tree.

Grouping and the filter of a drill use the same expression, so the rows of a group add up to it by construction.
"""

from collections.abc import Callable
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, Subquery, TextField, Value
from django.db.models.functions import Cast, Coalesce, NullIf

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
        if dimension.looks:
            through = valued(dimension)
            found[dimension.key] = Field(
                dimension.key, "ref" if through.is_reference else through.kind, dimension.label, options=through.options,
                target=through.target, expression=expression, readonly=True,
            )  # fmt: skip
        if dimension.tree is not None:
            for name, then in ((f"{dimension.key}_within", False), (f"{dimension.key}_within_then", True)):
                found[name] = Field(name, "within", dimension.label, options=_within(actor, dimension, then), expression=expression, readonly=True)
    return found


def valued(dimension: Dimension) -> Field:
    """The field of another type whose value a looked-up dimension is. All its ways are of one kind."""
    _column, slug, name = dimension.looks[0]
    return registry.get(slug).fields[name]


def members(dimension: Dimension) -> tuple[str, dict[str, Any]]:
    """What the members of a dimension are: the slug of the type whose records they are, or else choices by their key."""
    if not dimension.looks:
        return dimension.target, dimension.choices() if dimension.choices else {}
    through = valued(dimension)
    return (through.target, {}) if through.is_reference else ("", through.choices() if through.options else {})


def usable(actor: Actor, dimension: Dimension) -> bool:
    """Whether the actor may split by it."""
    return bool(dimension.period) or expression(actor, dimension) is not None


def _expression(actor: Actor, dimension: Dimension, outer: Outer) -> Any:
    """The dimension's value for one fact: its column, or the first look-up that says something; None where all are closed."""
    if not dimension.looks:
        return outer(dimension.column) if dimension.column else None
    ways = [found for way in dimension.looks if (found := _look(actor, way, outer)) is not None]
    if len(ways) < 2:
        return ways[0] if ways else None
    if valued(dimension).is_reference:
        return Coalesce(*ways)
    return Coalesce(*(NullIf(Cast(way, TextField()), Value("")) for way in ways), output_field=TextField())


def _look(actor: Actor, way: tuple[str, str, str], outer: Outer) -> Any:
    column, slug, name = way
    target = registry.get(slug)
    if not access.allows(actor, target, "view") or name in access.hidden_names(actor, target):
        return None
    reference = OuterRef(column) if outer is F else OuterRef(OuterRef(column))
    return Subquery(access.rows(actor, target).filter(pk=reference).values(target.fields[name].path)[:1])


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
