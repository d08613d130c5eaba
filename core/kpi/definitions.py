"""The KPIs of a company as they are computed: its own rows, with the parts and words that the registry ships or the company built."""

from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from core import access, dimensions, edition, prepared, registry
from core.access import Actor
from core.errors import Missing, RuleError
from core.kpi import built
from core.kpi.built import Built, Piece
from core.kpi.wording import date_in_words, in_words
from core.labels import in_language
from core.measuring import Dimension, Measure, Part, ShippedKpi
from core.models import Kpi
from core.registry import Field

SIX_PLACES = Decimal("0.000001")
NOTHING = Part(())
ALIKE = {"person": "owner", "owner": "person"}  # facts count for a person, records have an owner


@dataclass(frozen=True)
class Definition:
    """A KPI as it is computed. ``top`` is its sum; ``bottom`` what it is divided by, ``known`` and ``unknown`` whether it has a value.

    A part without measures is always 0 and costs nothing. One that is ``composed`` has no such parts: ``built`` says what it is.
    """

    key: str
    name: str
    measure: Measure | None
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
    built: Built | None = None
    own: tuple[tuple[str, Dimension], ...] = ()  # dimensions that are fields of a type
    unit: str = ""
    thresholds: tuple = ()
    row_id: UUID | None = None
    version: int = 0
    about: str = ""
    given: Any = field(default=None, compare=False, hash=False)  # the definition as it was written

    @property
    def parts(self) -> tuple[Part, Part, Part, Part]:
        return self.top, self.bottom, self.known, self.unknown

    @property
    def measures(self) -> list[str]:
        """What it is made of, each once."""
        if self.composed:
            return list(dict.fromkeys(m for p in self.built.pieces for m in p.measures))
        return list(dict.fromkeys((*self.top.measures, *self.bottom.measures)))

    @property
    def composed(self) -> bool:
        """Whether it is more than sums of facts, see ``core.kpi.composed``."""
        return self.built is not None and not self.built.is_plain

    @property
    def is_shipped(self) -> bool:
        return self.key in registry.kpis

    @property
    def has_past(self) -> bool:
        """Whether it can be read as of an earlier time: facts can, records are as they are."""
        return not self.composed or all(p.of_facts for p in self.built.pieces)

    @property
    def is_ratio(self) -> bool:
        if self.composed:
            return self.built.per is not None or self.built.then == "year-on-year"
        return bool(self.bottom.measures)

    @property
    def is_additive(self) -> bool:
        """Whether the figures of months add up to that of their quarter."""
        if self.composed:
            return self.built.per is None and not self.built.then and self.built.of.adds and self.built.of.over == "period"
        return not self.is_ratio and self.top.over == "period"

    @property
    def partitions(self) -> bool:
        """Whether the members of a dimension add up to the whole."""
        if self.composed:
            return self.built.per is None and self.built.then in ("", "running") and self.built.of.adds
        return not self.is_ratio

    @property
    def nothing(self) -> Decimal | None:
        """What it is where there is nothing."""
        if self.composed and (self.is_ratio or self.built.of.nothing is None):
            return None
        return None if self.is_ratio else Decimal(0)

    @property
    def in_money(self) -> bool:
        return self.format == "money"

    def dimension(self, key: str) -> Dimension | None:
        """The dimension of this key, if the KPI is split by it; ``account.industry`` is a field of the records of one."""
        known = dict(self.own)
        if key in self.dimensions:  # a field, also a part of an address: ``site.country``
            return known.get(key) or registry.dimensions.get(key)
        head, _dot, name = key.partition(".")
        found = (known.get(head) or registry.dimensions.get(head)) if head in self.dimensions else None
        return dimensions.beyond(found, name) if found else None

    def per_dimension(self, dimension: Dimension) -> Dimension:
        """The same dimension in the part it is divided by."""
        if dimension.period or self.built.per is None:
            return dimension
        per = dict(_own_dimensions(self.built.per)) if not self.built.per.of_facts else registry.dimensions
        if dimension.key in per:
            return per[dimension.key]
        head, dot, name = dimension.key.partition(".")
        found = per.get(head) or per.get(ALIKE.get(head, head))
        return (dimensions.beyond(found, name) if dot and found else found) or dimension

    def tone(self, value: Decimal | None) -> str:
        """The tone of the highest threshold that the value has reached; none below the first."""
        tone = ""
        for step in self.thresholds:
            if value is not None and value >= Decimal(str(step["from"])):
                tone = step["tone"]
        return tone

    def worth(self, amounts: tuple[Decimal, ...]) -> Decimal | None:
        """The value that the sums of the four parts come to; None where there is nothing to divide by, or nothing is known."""
        top, bottom, known, unknown = amounts
        if unknown > 0 and known == 0:
            return None
        if not self.is_ratio:
            return top
        return (top * self.scale / bottom).quantize(SIX_PLACES, ROUND_HALF_UP) if bottom else None


def definition(key: str) -> Definition:
    """The KPI of this company with this key. Cost: one query for each edition of the set-up. Errors: Missing."""
    row = next((row for row in _rows() if row.key == key), None)
    if row is None or row.archived_at is not None or (found := _defined(row)) is None:
        raise Missing
    return found


def every_definition() -> list[Definition]:
    """In the company's order; what is shipped since it was made comes last. Cost: one query for each edition of the set-up."""
    return [found for row in _rows() if row.archived_at is None and (found := _defined(row)) is not None]


ROWS = prepared.Prepared(lambda: Kpi.objects.order_by("position", "key"))


def _rows() -> list[Kpi]:
    return edition.keep("figures", _read)


def _read() -> list[Kpi]:
    rows = ROWS.records()
    known = {row.key for row in rows}
    return rows + [_shipped_row(key) for key in registry.kpis if key not in known]


def _defined(row: Kpi) -> Definition | None:
    """What a stored row means. A shipped figure means the same for as long as the set-up stays; a built one may name fields that do not."""
    if row.key not in registry.kpis:
        return define(row)
    return edition.keep(("figure", row.key, get_language()), lambda: define(row))


def may(actor: Actor, wanted: Definition) -> bool:
    """Whether the actor sees what the KPI is made of: any of its documents, and of one that was built all it names. Cost: none."""
    if wanted.built is not None:
        more = [wanted.filter] if wanted.filter else []
        return built.seen(actor, wanted.built, lambda piece: more if piece == wanted.built.of else [])
    slugs = {slug for key in wanted.top.measures for slug in registry.measures[key].sources}
    return any(access.allows(actor, registry.get(slug), "view") for slug in slugs)


def may_split(actor: Actor, wanted: Definition, dimension: Dimension) -> bool:
    """Whether the actor may split it by this dimension of it. Cost: none."""
    if dimension.period:
        return True
    if not wanted.composed:
        return dimensions.usable(actor, dimension)
    for i, piece in enumerate(wanted.built.pieces):
        own = dimension if i == 0 else wanted.per_dimension(dimension)
        if own.key.partition(".")[0] not in access.fields(actor, piece.object_type):
            return False
        if (piece.of_facts or own.looks) and not dimensions.usable(actor, own):
            return False
    return True


def further(actor: Actor, wanted: Definition) -> list[Dimension]:
    """The fields of the records it is split by, by which the actor may split it as well: those of both that he sees. Cost: none."""
    known = [d for key in wanted.dimensions if (d := wanted.dimension(key)) is not None]
    return [more for d in known for more in dimensions.every_beyond(d) if may_split(actor, wanted, more)]


def _shipped_row(key: str) -> Kpi:
    return Kpi(key=key, measure=registry.kpis[key].top.measures[0])


def define(row: Kpi) -> Definition | None:
    """What a row means; None where nothing knows what it is of any more."""
    shipped = registry.kpis.get(row.key)
    found = {"row_id": None if row._state.adding else row.pk, "version": row.version or 0, "about": row.about, "thresholds": tuple(row.thresholds or ())}
    if shipped is None and row.definition is not None:
        try:
            return _define_built(row, built.read(row.definition), found)
        except RuleError:
            return None
    if shipped is None and row.measure not in registry.measures:
        return None
    if shipped is None:
        shipped = ShippedKpi(row.key, row.name, row.measure, registry.measures[row.measure].label, _("business date"))
    measure = registry.measures[shipped.top.measures[0]]
    return Definition(
        row.key, str(in_language(row.name, row.labels)) or str(shipped.label), measure, row.filter, str(shipped.formula), str(shipped.date_basis),
        tuple(d for d in shipped.dimensions if d in registry.dimensions), shipped.up_is_good,
        shipped.top, shipped.bottom or NOTHING, Part(shipped.known_by, shipped.over), Part(shipped.unknown_by, shipped.over),
        shipped.scale, shipped.format or ("money" if measure.money else "number"), shipped.unknown_called, **found,
    )  # fmt: skip


# Built ones ---------------------------------------------------------------------------------------------------------


def _define_built(row: Kpi, made: Built, found: dict[str, Any]) -> Definition:
    built.demand_sense(made)
    of, per = made.of, made.per
    measure = registry.measures[of.measures[0]] if of.of_facts else None
    formula = str(in_words(made))
    known = Definition(
        row.key, str(in_language(row.name, row.labels)) or row.key, measure, _both(row.filter, of.filter if made.is_plain else None), formula,
        date_in_words(made), (), row.up_is_good, scale=made.scale, format=row.format or usual_format(made), built=made, unit=row.unit_of_measure,
        given=row.definition, **found,
    )  # fmt: skip
    if made.is_plain:
        bottom = Part(per.measures, per.over) if per else NOTHING
        return replace(known, top=Part(of.measures, of.over), bottom=bottom, dimensions=tuple(registry.dimensions))
    own = tuple(_own_dimensions(of)) if not of.of_facts else ()
    keys = [k for k, _d in own] if not of.of_facts else [d.key for d in registry.dimensions.values() if not d.period]
    if per is not None:
        others = {k: d.target for k, d in (_own_dimensions(per) if not per.of_facts else registry.dimensions.items())}
        targets = {k: (dict(own).get(k) or registry.dimensions.get(k)).target for k in keys}
        keys = [k for k in keys if _shared(k, targets[k], others)]
    return replace(known, own=own, dimensions=(*keys, "month", "quarter", "year"))


def _shared(key: str, target: str, others: dict[str, str]) -> bool:
    """Whether both parts of a ratio are split by it."""
    return any(k in others and others[k] == target for k in (key, ALIKE.get(key, key)))


def _own_dimensions(piece: Piece) -> list[tuple[str, Dimension]]:
    """The fields of a type by which its records are split. Cost: none after the first."""
    found, known = [], built.fields_of(piece)
    for name in dimensions.names(known):
        f = dimensions.named(known, name)
        splits = f.kind in dimensions.SPLITS or "." in name
        if splits and name not in ("id", "month", "quarter", "year") and built.usable(known[name.partition(".")[0]]) and f.rules.ops:
            found.append((f.name, Dimension(f.name, f.label, column=f.name, target=f.target if f.is_reference else "", choices=_choices(f))))
    return found


def _choices(f: Field) -> Any:
    if f.is_reference:
        return None
    return dimensions.yes_no if f.kind == "yesno" else f.choices


def _both(one: Any, other: Any) -> Any:
    return {"all": [one, other]} if one and other else one or other


def usual_format(made: Built) -> str:
    """How its value is written where nobody said: a ratio of two amounts of money and a change as percent, money as money."""
    if made.then == "year-on-year":
        return "percent"
    kinds = [piece_format(p) for p in made.pieces]
    if made.per is None:
        return kinds[0]
    if kinds[0] == kinds[1] and made.scale == 1:
        return "percent"
    return "money" if kinds == ["money", "number"] else "number"


def piece_format(piece: Piece) -> str:
    """How what one part comes to is written: money as money, a percent as a percent, all else as a number."""
    if piece.aggregate in ("count", "distinct"):
        return "number"
    if piece.of_facts and piece.field == "value":
        return "money" if registry.measures[piece.measures[0]].money else "number"
    f = built.fields_of(piece).get(piece.field)
    return f.kind if f is not None and f.kind in ("money", "percent") else "number"
