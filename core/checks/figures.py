"""Verified of figures: each is the sum of the facts behind it, its parts add up to it, and an earlier answer is still the same."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import access, kpi, listings, query, registry
from core.doctor import Check, Difference, register, text
from core.kpi import Answer, Definition

ZERO = Decimal(0)
EVERYTHING = {"period": "all"}


def _ask(definition: Definition, **words: str) -> Answer:
    return kpi.value(access.system("doctor"), definition, kpi.question(EVERYTHING | words), compared=False)


def _difference(definition: Definition, what: Any, expected: Any, found: Any) -> Iterator[Difference]:
    if expected != found:
        yield Difference(definition.name, str(what), text(expected), text(found), "kpis", definition.key)


def figures_add_up() -> Iterator[Difference]:
    """Sums over everything; balances by unit alone. Cost: about a dozen queries for each KPI that is no ratio."""
    for definition in kpi.every_definition():
        if definition.is_ratio:
            continue
        if definition.composed:
            yield from _of_rows(definition)
            continue
        whole = _ask(definition)
        if whole.unknown and whole.value is None:
            continue
        yield from _difference(definition, _("Facts behind it"), whole.value, _listed(whole.drill))
        yield from _difference(definition, _("The same, asked again"), whole.value, _ask(definition, as_of=whole.as_of.token).value)
        splits = [d for d in ("month", "unit") if d in definition.dimensions and (d != "month" or definition.is_additive)]
        for split in splits:
            parts = _ask(definition, group_by=split)
            if all(g.value is not None for g in parts.groups):  # of a part of which nothing is known, the amount is not told
                yield from _difference(definition, registry.dimensions[split].label, whole.value, sum((g.value for g in parts.groups), ZERO))
        if "unit" in definition.dimensions:
            yield from _tree(definition, whole.value)


def _of_rows(definition: Definition) -> Iterator[Difference]:
    """A number or a sum of records, against the list of them. Other aggregates stand in it, which no sum can tell."""
    built = definition.built
    if built.then or built.of.aggregate not in ("count", "sum"):
        return
    whole = _ask(definition)
    page = query.page(access.system("doctor"), registry.get(whole.drill.slug), listings.listing([*parse_qsl(whole.drill), ("limit", "1")]))
    if built.of.aggregate == "count":
        yield from _difference(definition, _("Rows behind it"), whole.value, Decimal(page.count))
    elif page.sums:
        yield from _difference(definition, _("Rows behind it"), whole.value, next(iter(page.sums.values())))


def _listed(drill: str) -> Decimal:
    """What the list of facts at this address says they come to."""
    wanted = listings.listing([*parse_qsl(drill), ("limit", "1")])
    return query.page(access.system("doctor"), registry.types["facts"], wanted).sums["value"]


def _tree(definition: Definition, value: Decimal | None) -> Iterator[Difference]:
    answer = _ask(definition, group_by="unit", rollup="true")
    if any(g.value is None or g.own is None for g in answer.groups):
        return
    below: dict[Any, Decimal] = defaultdict(Decimal)
    for group in answer.groups:
        if group.parent is not None:
            below[group.parent] += group.value
    yield from _difference(definition, _("Own amounts of all units"), value, sum((g.own for g in answer.groups), ZERO))
    for group in answer.groups:
        own_and_below = group.own + below[group.keys[0]]
        yield from _difference(definition, group.labels[0], own_and_below, group.value)


register(
    Check(
        "figures", gettext_lazy("Every figure is the sum of the facts behind it, of its months and units; each unit is its own and those below it."),
        figures_add_up,
    ),
)  # fmt: skip
