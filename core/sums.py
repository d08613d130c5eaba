"""What lists add up: the number of their rows, and sums of their fields in one currency or, where several are present, in the company's own."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from django.db.models import Aggregate, Count, Max, Min, Sum
from django.utils.translation import gettext as _

from core import access, schema
from core.access import Actor
from core.errors import RuleError
from core.registry import ObjectType


def asked(
    actor: Actor, object_type: ObjectType, names: Sequence[str]
) -> tuple[dict[str, Aggregate], Callable[[Mapping], tuple[int, dict[str, Decimal], str]]]:  # fmt: skip
    """What is asked of all rows for their number and sums, and how the answer is read."""
    known, amounts = access.fields(actor, object_type), {}
    for name in names:
        f = known.get(name)
        if f is None or not f.rules.sums or not f.is_in_sql:
            raise RuleError({"sum": [_("%(type)s cannot be summed by “%(name)s”.") % {"type": object_type.plural, "name": name[:80]}]})
        amounts[name] = f
    wanted: dict[str, Aggregate] = {"_count": Count("*")} | {f"_sum_{n}": Sum(f.rules.expr(f)) for n, f in amounts.items()}
    foreign = [n for n, f in amounts.items() if schema.is_foreign(known, f)]
    if foreign:
        wanted |= {"_first": Min("currency"), "_last": Max("currency")} | {f"_base_{n}": Sum(schema.in_base(known, amounts[n])) for n in foreign}

    def told(row: Mapping) -> tuple[int, dict[str, Decimal], str]:
        first, last = row.get("_first") or "", row.get("_last") or ""
        added = {n: row[f"_base_{n}" if n in foreign and first != last else f"_sum_{n}"] or Decimal(0) for n in amounts}
        return row["_count"], added, first if first == last else ""

    return wanted, told


def in_base(actor: Actor, object_type: ObjectType, names: Sequence[str]) -> dict[str, Sum]:
    """The sum of each of these fields, money in base currency."""
    known = access.fields(actor, object_type)
    return {f"_sum_{name}": Sum(schema.in_base(known, known[name])) for name in names}
