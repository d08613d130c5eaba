"""What lists add up: the number of their rows, and sums of their fields in one currency or, where several are present, in the company's own."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Aggregate, Count, Max, Min, Q, Sum
from django.utils.translation import gettext as _

from core import access, context, edition, schema
from core.access import Actor
from core.errors import RuleError
from core.registry import ObjectType

Added = tuple[int, dict[str, Decimal], str]  # how many rows, the sum of each field, and the currency all of them are in, if it is one
ALL, ELSE = "_count", "_foreign"


@dataclass(frozen=True)
class Question:
    """What is asked of rows: ``plainly`` is enough where all amounts are in the company's currency, which it tells; else ``closely``.

    Which currencies there are among a hundred thousand rows takes half as long again as to add them up.
    """

    slug: str
    names: tuple[str, ...]
    foreign: tuple[str, ...]
    base: str
    plainly: dict[str, Aggregate]
    closely: dict[str, Aggregate]

    def answers(self, ask: Callable[[dict[str, Aggregate]], Iterable[Mapping]]) -> list[Added]:
        """What is found, of each row that ``ask`` answers. Cost: one query; where there are amounts in other currencies two, later in the edition one."""
        rows = list(ask(asked := self.first()))
        if asked is not self.closely and any(row[ELSE] for row in rows if self.foreign):
            rows = list(ask(self.closely))
            self._several()[:] = [True]
        return [self._told(row) for row in rows]

    def first(self) -> dict[str, Aggregate]:
        """What is asked first."""
        return self.closely if self._several() else self.plainly

    def _several(self) -> list:
        """A hint where to begin, right or not."""
        return edition.keep(("several currencies", self.slug), list) if self.foreign else []

    def _told(self, row: Mapping) -> Added:
        first, last = (row["_first"] or "", row["_last"] or "") if "_first" in row else (self.base, self.base) if self.foreign and row[ALL] else ("", "")
        added = {n: row[f"_base_{n}" if n in self.foreign and first != last else f"_sum_{n}"] or Decimal(0) for n in self.names}
        return row[ALL], added, first if first == last else ""


def asked(actor: Actor, object_type: ObjectType, names: Sequence[str]) -> Question:
    """What is asked of all rows for their number and sums. Errors: RuleError."""
    known, amounts, base = access.fields(actor, object_type), {}, context.company().currency
    for name in names:
        f = known.get(name)
        if f is None or not f.rules.sums or not f.is_in_sql:
            raise RuleError({"sum": [_("%(type)s cannot be summed by “%(name)s”.") % {"type": object_type.plural, "name": name[:80]}]})
        amounts[name] = f
    wanted: dict[str, Aggregate] = {ALL: Count("*")} | {f"_sum_{n}": Sum(f.rules.expr(f)) for n, f in amounts.items()}
    foreign = tuple(n for n, f in amounts.items() if schema.is_foreign(known, f))
    if not foreign:
        return Question(object_type.slug, tuple(amounts), (), base, wanted, wanted)
    plainly = wanted | {ELSE: Count("currency", filter=~Q(currency=base))}
    closely = wanted | {"_first": Min("currency"), "_last": Max("currency")} | {f"_base_{n}": Sum(schema.in_base(known, amounts[n])) for n in foreign}
    return Question(object_type.slug, tuple(amounts), foreign, base, plainly, closely)


def in_base(actor: Actor, object_type: ObjectType, names: Sequence[str]) -> dict[str, Sum]:
    """The sum of each of these fields, money in base currency."""
    known = access.fields(actor, object_type)
    return {f"_sum_{name}": Sum(schema.in_base(known, known[name])) for name in names}
