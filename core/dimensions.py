"""How facts are split: by a column of theirs, by what another record says now, by period, by a place in a tree.

Grouping and the filter of a drill use the same expression, so the rows of a group add up to it by construction.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, TextField, UUIDField, Value
from django.db.models.functions import Cast, Coalesce, NullIf
from django.utils.translation import gettext as _

from core import access, edition, registry, schema, structures
from core.access import Actor
from core.kinds.kind import LookedUp
from core.models.structure import END
from core.registry import Dimension, Field, ObjectType
from core.structures import link_of

Outer = Callable[[str], Any]
SPLITS = ("choice", "code", "yesno", "ref", "user")  # kinds of fields that records are split by; those that others refer to, by short text as well
PARTS = ("city", "region", "country")  # of an address, by which records are split


def looked_up(actor: Actor) -> dict[str, Field]:
    """Fields of facts that are looked up through other records, as far as the actor sees those. Cost: none; made once a day, edition and reader."""
    return edition.keep_today(("looked up", access.reader(actor)), structures.today(), lambda: _looked_up(actor))


def _looked_up(actor: Actor) -> dict[str, Field]:
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
    return registry.get(slug).fields.get(name) or named(schema.fields(registry.get(slug)), name)


def members(dimension: Dimension) -> tuple[str, dict[str, Any]]:
    """What the members of a dimension are: the slug of the type whose records they are, or else choices by their key."""
    if not dimension.looks:
        return dimension.target, dimension.choices() if dimension.choices else {}
    through = valued(dimension)
    if through.kind == "yesno":
        return "", yes_no()
    return (through.target, {}) if through.is_reference else ("", through.choices() if through.options else {})


def yes_no() -> dict[str, str]:
    """The members of a field that is answered by yes or no."""
    return {"true": _("Yes"), "false": _("No")}


def key(dimension: Dimension, value: Any) -> Any:
    """A member as the database told it, as the key of a group: nothing and no text are the same."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    refers = valued(dimension).is_reference if dimension.looks else dimension.target
    return UUID(str(value)) if refers and not isinstance(value, UUID) else value


# Parts of fields ------------------------------------------------------------------------------------------------------


def named(known: dict[str, Field], name: str) -> Field | None:
    """A field by its name; of an address also a part as a field of its own, such as ``site.country``."""
    head, dot, part = name.partition(".")
    f = known.get(head)
    if not dot or f is None:
        return f
    found = f.rules.part(f, part) if f.kind == "address" and part in PARTS else None
    if found is None:
        return None
    kind, expression, options = found
    label = _("%(label)s: %(value)s") % {"label": f.label, "value": f.rules.parts[part][0]}
    return Field(name, kind, label, expression=expression, options=options)


def names(known: dict[str, Field]) -> list[str]:
    """The names of all fields, and of the parts by which records are split."""
    return [name for own, f in known.items() for name in (own, *(f"{own}.{part}" for part in PARTS if f.kind == "address"))]


# Fields of the records that the members are ---------------------------------------------------------------------------


def beyond(dimension: Dimension, name: str) -> Dimension | None:
    """The dimension that is a field of the records that another one's members are, such as ``account.industry``; one step, whoever asks."""
    target = _target(dimension)
    f = named(schema.fields(target), name) if target is not None else None
    if f is None or not _splits(target, f):
        return None
    label = f"{dimension.label} → {f.label}"
    return Dimension(f"{dimension.key}.{name}", label, column=dimension.column, target=target.slug, through=name)


def every_beyond(dimension: Dimension) -> list[Dimension]:
    """All of them, whoever asks. Cost: none after the first of a use-case."""
    target = _target(dimension)
    return [found for name in (names(schema.fields(target)) if target is not None else ()) if (found := beyond(dimension, name)) is not None]


def _target(dimension: Dimension) -> ObjectType | None:
    return registry.get(dimension.target) if dimension.target and not dimension.looks else None


def _splits(target: ObjectType, f: Field) -> bool:
    """Whether records fall into groups by it: what names a record alone says nothing more than the record."""
    if f.name in ("id", target.title, target.title_else) or f.unique or not f.rules.ops or not f.is_in_sql:
        return False
    return f.kind in SPLITS or (f.kind == "text" and (f.expression is None or "." in f.name))


def said(f: Field) -> Any:
    """What a field says, for groups: no text as nothing, a company's own reference as the id it is."""
    expr = f.rules.expr(f)
    if f.is_reference:
        return Cast(NullIf(expr, Value("")), UUIDField()) if f.custom and f.expression is None else expr
    if f.rules.empty == "" and f.kind not in ("number", "money", "date", "datetime", "yesno"):
        return NullIf(expr, Value(""), output_field=TextField())  # own fields are read out of JSON: which type their text has, is said
    return expr


# In the database ------------------------------------------------------------------------------------------------------


def usable(actor: Actor, dimension: Dimension) -> bool:
    """Whether the actor may split by it."""
    if dimension.looks:
        return any(_field(actor, slug, name) is not None for _column, slug, name in dimension.looks)
    return bool(dimension.period or dimension.column)


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
    f = _field(actor, slug, name)
    if f is None:
        return None
    rows = access.rows(actor, registry.get(slug)).annotate(_said=said(f))
    return LookedUp(column, rows) if outer is F else Subquery(rows.filter(pk=OuterRef(OuterRef(column))).values("_said")[:1])


def _field(actor: Actor, slug: str, name: str) -> Field | None:
    """The field that is looked up, if the actor sees it; a declared one at no cost for what the company added to its type."""
    target = registry.get(slug)
    if not access.allows(actor, target, "view") or name.partition(".")[0] in access.hidden_names(actor, target):
        return None
    return target.fields.get(name) or named(access.fields(actor, target), name)


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


def looked_up_by(actor: Actor, dimension: Dimension) -> tuple[str, QuerySet] | None:
    """The column of facts by whose ids a dimension is looked up in one way alone, and the rows there: id, ``_said``. None where it is not.

    Facts are summed by that column first and its few ids looked up after: one look for each fact takes most of the time of a figure.
    """
    if len(dimension.looks) != 1:
        return None
    [(column, slug, name)] = dimension.looks
    f = _field(actor, slug, name)
    return (column, access.rows(actor, registry.get(slug)).annotate(_said=said(f)).values_list("pk", "_said")) if f is not None else None


def tree_field(key: str, structure: str) -> str:
    """The name by which a drill says "this node or below it"."""
    return f"{key}_within_then" if structure == "then" else f"{key}_within"
