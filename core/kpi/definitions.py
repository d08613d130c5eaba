"""The KPIs of a company as they are computed: its own rows, with the parts and words that the registry ships."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils.translation import gettext as _

from core import access, registry
from core.access import Actor
from core.errors import Missing
from core.measuring import Measure, Part, ShippedKpi
from core.models import Kpi

SIX_PLACES = Decimal("0.000001")
NOTHING = Part(())


@dataclass(frozen=True)
class Definition:
    """A KPI as it is computed. ``top`` is its sum; ``bottom`` what it is divided by, ``known`` and ``unknown`` whether it has a value.

    A part without measures is always 0 and costs nothing.
    """

    key: str
    name: str
    measure: Measure
    filter: Any
    formula: str
    date_basis: str
    dimensions: tuple[str, ...]
    up_is_good: bool = True
    top: Part = NOTHING
    bottom: Part = NOTHING
    known: Part = NOTHING
    unknown: Part = NOTHING
    scale: int = 1
    format: str = "number"
    unknown_called: str = ""

    @property
    def parts(self) -> tuple[Part, Part, Part, Part]:
        return self.top, self.bottom, self.known, self.unknown

    @property
    def measures(self) -> list[str]:
        """What it is made of, each once."""
        return list(dict.fromkeys((*self.top.measures, *self.bottom.measures)))

    @property
    def is_ratio(self) -> bool:
        return bool(self.bottom.measures)

    @property
    def is_additive(self) -> bool:
        """Whether the figures of months add up to that of their quarter."""
        return not self.is_ratio and self.top.over == "period"

    @property
    def in_money(self) -> bool:
        return self.format == "money"

    def worth(self, amounts: tuple[Decimal, ...]) -> Decimal | None:
        """The value that the sums of the four parts come to; None where there is nothing to divide by, or nothing is known."""
        top, bottom, known, unknown = amounts
        if unknown > 0 and known == 0:
            return None
        if not self.is_ratio:
            return top
        return (top * self.scale / bottom).quantize(SIX_PLACES, ROUND_HALF_UP) if bottom else None


def definition(key: str) -> Definition:
    """The KPI of this company with this key. Cost: one query. Errors: Missing."""
    row = Kpi.objects.filter(key=key).first() if "\x00" not in key else None
    if row is None and key in registry.kpis:
        row = _shipped_row(key)
    if row is None or row.archived_at is not None or not _computable(row):
        raise Missing
    return _define(row)


def every_definition() -> list[Definition]:
    """In the company's order; what is shipped since it was made comes last. Cost: one query."""
    rows = list(Kpi.objects.order_by("position", "key"))
    known = {row.key for row in rows}
    rows += [_shipped_row(key) for key in registry.kpis if key not in known]
    return [_define(row) for row in rows if row.archived_at is None and _computable(row)]


def may(actor: Actor, wanted: Definition) -> bool:
    """Whether the actor sees any of the documents the KPI is made of. Cost: none."""
    slugs = {slug for key in wanted.top.measures for slug in registry.measures[key].sources}
    return any(access.allows(actor, registry.get(slug), "view") for slug in slugs)


def _shipped_row(key: str) -> Kpi:
    return Kpi(key=key, measure=registry.kpis[key].top.measures[0])


def _computable(row: Kpi) -> bool:
    return row.key in registry.kpis or row.measure in registry.measures


def _define(row: Kpi) -> Definition:
    shipped = registry.kpis.get(row.key)
    if shipped is None:
        shipped = ShippedKpi(row.key, row.name, row.measure, registry.measures[row.measure].label, _("business date"))
    measure = registry.measures[shipped.top.measures[0]]
    return Definition(
        row.key, row.name or str(shipped.label), measure, row.filter, str(shipped.formula), str(shipped.date_basis),
        tuple(d for d in shipped.dimensions if d in registry.dimensions), shipped.up_is_good,
        shipped.top, shipped.bottom or NOTHING, Part(shipped.known_by, shipped.over), Part(shipped.unknown_by, shipped.over),
        shipped.scale, shipped.format or ("money" if measure.money else "number"), shipped.unknown_called,
    )  # fmt: skip
