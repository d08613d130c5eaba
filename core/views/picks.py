"""Controls that choose: one of some options, and the member of a dimension by which figures are narrowed."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from core import access, dimensions, kpi, read, registry
from core.access import Actor
from core.registry import Dimension, ObjectType
from core.views import lookups


def choice(name: str, label: str, options: list[dict[str, Any]], required: bool = False) -> dict[str, Any]:
    return {"name": name, "kind": "choice", "label": label, "options": options, "required": required}


def options(pairs: Iterable[tuple[str, Any]], chosen: str) -> list[dict[str, Any]]:
    return [{"value": value, "label": label, "selected": value == chosen} for value, label in pairs]


def splits(actor: Actor, wanted: kpi.Definition, chosen: str, able: Callable[[Dimension], bool] = lambda dimension: True) -> list[dict[str, Any]]:
    """Options for what a figure is split by: its dimensions first, then those of the records they name, of each what is ``able``. Cost: none."""
    own = [d for d in map(wanted.dimension, wanted.dimensions) if kpi.may_split(actor, wanted, d) and able(d)]
    head = wanted.built.of.object_type if wanted.composed else registry.types["facts"]
    pairs = [(d.key, str(d.label), head.plural) for d in own]
    pairs += [(d.key, str(d.label), wanted.dimension(d.key.partition(".")[0]).label) for d in kpi.further(actor, wanted) if able(d)]
    if chosen and chosen not in {k for k, _label, _group in pairs} and (other := wanted.dimension(chosen)) is not None:
        pairs.append((chosen, str(other.label), _("Not visible to you")))
    return [{"value": key, "label": label, "group": group, "selected": key == chosen} for key, label, group in pairs]


def pick(actor: Actor, dimension: Dimension, chosen: str, sought: str | None = "") -> dict[str, Any]:
    """A control that narrows the figure to one value of a dimension.

    Of records it lists those whose names match what is ``sought``, the first ones where that is empty; where it is None none but the chosen one:
    a script asks for them when the control is opened (core.views.lookups), somebody without one looks for them. Cost: one query for the records listed,
    one for a chosen one that is not among them.
    """
    slug, choices = dimensions.members(dimension)
    field = {"name": f"f.{dimension.key}", "label": dimension.label, "kind": "choice", "chosen": chosen}
    if not slug and not choices:
        return {**field, "kind": "text", "value": chosen}
    if not slug:
        return {**field, "options": options([(k, v) for k, v in choices.items()], chosen)}
    target = registry.get(slug)
    if not access.allows(actor, target, "view"):
        return {**field, "options": options([(chosen, chosen)] if chosen else [], chosen)}
    pairs = _listed(actor, target, sought) if sought is not None else {}
    if chosen and chosen not in pairs:
        pairs[chosen] = value_in_words(actor, dimension, chosen)
    return {**field, "kind": "ref", "lookup": f"/lookup/{slug}/", "options": options(pairs.items(), chosen)}


def _listed(actor: Actor, target: ObjectType, sought: str) -> dict[str, str]:
    """Id -> name of the records that match, or of the first ones. Cost: one query."""
    if sought:
        return {str(r.pk): read.label(actor, target, r) for r in lookups.matching(actor, target, sought)}
    names = read.label_fields(actor, target)
    rows = access.rows(actor, target)
    if any(f.name == "archived_at" for f in target.model._meta.fields):
        rows = rows.filter(archived_at=None)
    some = rows.order_by(names[0])[: lookups.FOUND].values_list("pk", *names)
    return {str(pk): next((str(t) for t in texts if t), "") for pk, *texts in some}


def value_in_words(actor: Actor, dimension: Dimension | None, value: Any) -> str:
    """One value of a filter; a record by its name, if the reader sees it. Cost: one query for a record."""
    slug, choices = dimensions.members(dimension) if dimension else ("", {})
    if slug:
        found = read.labels(actor, {slug: {UUID(str(value))}}).get(slug, {}) if is_id(value) else {}
        return next((name for name in found.values()), str(value))
    return str(choices.get(value, value))


def is_id(value: Any) -> bool:
    """Whether this can be the id of a record."""
    try:
        registry.KINDS["ref"].clean(registry.Field("id", "ref"), value)
    except ValueError:
        return False
    return True
