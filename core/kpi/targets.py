"""What figures are meant to come to: the targets set for exactly what is asked, or those of the months that make it up."""

from collections.abc import Iterable
from decimal import Decimal

from core import access, context, edition, periods, registry, structures
from core.access import Actor
from core.kpi.definitions import Definition
from core.periods import Period

SHAPES = ("month", "quarter", "year")
Member = tuple[str, str]  # dimension and the member's id or code; both empty for the company


class Targets:
    """The targets a reader sees, of some KPIs and periods. Cost: one query, none where the same was asked for in this edition of the set-up."""

    def __init__(self, actor: Actor, wanted: Iterable[Definition], asked: Iterable[Period], dimensions: Iterable[str]):
        self._fiscal = context.company().fiscal_year_start
        self._set: dict[tuple[str, str, str, str], Decimal] = {}
        keys = {key for p in asked if p.shape in SHAPES for key in self._names(p)}
        targets = registry.types["targets"]
        if keys and access.allows(actor, targets, "view"):
            named = {"kpi__in": frozenset(d.key for d in wanted), "period__in": frozenset(keys), "dimension__in": frozenset(dimensions)}

            def read() -> dict[tuple[str, str, str, str], Decimal]:
                found = access.rows(actor, targets).filter(archived_at=None, **named)
                return {tuple(member): value for *member, value in found.values_list("kpi", "dimension", "subject", "period", "value")}

            key = ("targets", access.reader(actor), *named.values())
            self._set = edition.keep_today(key, structures.today(), read) if edition.is_fixed() else read()  # who writes may have changed them

    def of(self, wanted: Definition, member: Member | None, period: Period) -> Decimal | None:
        """The target for exactly this; of a quarter or year without one the sum of its parts', if all of them have one."""
        if member is None or period.shape not in SHAPES or not self._set:
            return None
        own = self._set.get((wanted.key, *member, period.key))
        if own is not None or period.shape == "month" or not wanted.is_additive:
            return own
        months = [self._set.get((wanted.key, *member, p.key)) for p in self._parts(period, "month")]
        if None not in months:
            return sum(months, Decimal(0))
        if period.shape == "quarter":
            return None
        quarters = [self.of(wanted, member, p) for p in self._parts(period, "quarter")]
        return None if None in quarters else sum(quarters, Decimal(0))

    def _names(self, period: Period) -> list[str]:
        shapes = SHAPES[: SHAPES.index(period.shape)]
        return [period.key, *(p.key for shape in shapes for p in self._parts(period, shape))]

    def _parts(self, period: Period, shape: str) -> list[Period]:
        return periods.inside(period.start, period.last, shape, self._fiscal)
