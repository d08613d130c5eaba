"""The ledger's door: a document states what is true now, core appends the difference to what it had stated before.

So the sum of a document's facts always equals what it says, the past is never rewritten, and an earlier day's knowledge
stays readable. Reading facts follows the access to their documents.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.utils.translation import gettext as _

from core import access, clock, conditions, context, edition, registry
from core.access import Actor
from core.errors import RuleError
from core.models import Fact
from core.models.record import permit
from core.prepared import Prepared, listed
from core.registry import ObjectType

DIMENSIONS = ("person", "unit", "account", "product", "campaign", "work", "ledger")
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2999, 12, 31)  # every period around one has a name
GROUPED = ("measure", "business_date", *DIMENSIONS, "entry", "source_line")


@dataclass(frozen=True)
class Statement:
    """One thing a document says: so much of a measure, on a business date, for these dimensions, from this line of it."""

    measure: str
    value: Decimal
    business_date: date
    person: UUID | None = None
    unit: UUID | None = None
    account: UUID | None = None
    product: UUID | None = None
    campaign: UUID | None = None
    work: UUID | None = None
    ledger: UUID | None = None
    entry: UUID | None = None
    source_line: UUID | None = None

    def key(self) -> tuple:
        return tuple(getattr(self, name) for name in GROUPED)


_moved: list[Callable[[UUID], None]] = []


def when_moved(tell: Callable[[UUID], None]) -> None:
    """Called once by ``core.watches``: who hears, after the commit, that figures of a company moved. What fails in it is logged and no more."""
    _moved[:] = [tell]


def state(object_type: ObjectType, records: Iterable, fresh: bool = False, history: bool = False) -> int:
    """Append what these documents state beyond what they had stated; returns how many facts were added.

    ``fresh`` documents have stated nothing yet. ``history`` records each fact as known on its business date (decisions,
    History loads). Callers hold the documents' rows. Cost: two statements for any number of documents.
    """
    records = list(records)
    if object_type.facts is None or not records:
        return 0
    stated = {} if fresh else _stated([r.pk for r in records])
    said = object_type.facts(records)
    if any(not FIRST_DAY <= s.business_date <= LAST_DAY for statements in said.values() for s in statements):
        raise RuleError({"date": [_("A business date is between %(first)s and %(last)s.") % {"first": FIRST_DAY, "last": LAST_DAY}]})
    zone = context.company().zone
    added = []
    for record in records:
        now: dict[tuple, Decimal] = defaultdict(Decimal)
        for statement in said.get(record.pk, ()):
            now[statement.key()] += statement.value
        before = stated.get(record.pk, {})
        for key in now.keys() | before.keys():
            difference = now.get(key, Decimal(0)) - before.get(key, Decimal(0))
            if difference:
                added.append((*key, difference, object_type.slug, record.pk))
    if not added:
        return 0
    _tell_once()
    added.sort(key=lambda values: (str(values[-1]), values[1], values[0], str(values[len(GROUPED) - 1])))  # document, day, measure, line
    names = (*GROUPED, "value", "source_type", "source_id")
    if history or clock.told():
        names, now = (*names, "recorded_at"), clock.now()  # what is expected of days to come is known now
        added = [(*values, min(datetime.combine(values[1], time(), zone), now) if history else now) for values in added]
    with permit():
        Fact.objects.add_values(names, added)
    return len(added)


def _tell_once() -> None:
    """After the commit those hear of it who asked for it: once for all facts of a transaction, or of a savepoint, which may yet be rolled back."""
    memo, bound, here = context.memo(), context.company().id, transaction.get_connection()
    promised = (here.run_on_commit, *here.savepoint_ids)  # a list of its own for each transaction; a rollback begins a new one
    known = memo.get("facts moved", (None,))
    if known[0] is not promised[0] or known[1:] != promised[1:]:
        memo["facts moved"] = promised
        transaction.on_commit(lambda: [tell(bound) for tell in _moved], robust=True)


STATED = Prepared(lambda ids: Fact.objects.filter(source_id__among=ids).values_list("source_id", *GROUPED).annotate(value=Sum("value")), "ids")


def _stated(ids: list) -> dict[Any, dict[tuple, Decimal]]:
    grouped: dict[Any, dict[tuple, Decimal]] = defaultdict(dict)
    for source, *key, value in STATED.rows(listed(ids)):
        grouped[source][tuple(key)] = value
    return grouped


def pointed_to(object_type: ObjectType, ids: Iterable) -> set:
    """Those of these records that any fact comes from, or counts for. Cost: a query for each way in which facts may name records of the type."""
    ids, found = [str(ident) for ident in ids], set()
    others = {d.column for d in registry.dimensions.values() if d.target and d.target != object_type.slug}
    for name in ("source_id", *(n for n in DIMENSIONS if n not in others)):
        found |= set(Fact.objects.filter(**{f"{name}__among": ids}).values_list(name, flat=True).distinct())
    return found


def visible(actor: Actor) -> QuerySet:
    """Facts the actor may see: those of documents of a type he sees, within his scope by the fact's own person and unit."""
    allowed = Q(pk__in=[])
    for slug in dict.fromkeys(s for m in registry.measures.values() for s in m.sources):
        object_type = registry.get(slug)
        told = _told(actor, object_type)
        if not told or not access.allows(actor, object_type, "view"):
            continue
        scopes = [_within(actor, object_type, p) for p in access.permissions(actor, object_type, "view")]
        seen = Q() if actor.system or Q() in scopes else reduce(or_, scopes)
        allowed |= Q(source_type=slug) & told_condition(slug, told) & seen
    return Fact.objects.filter(allowed)


def sees_all(actor: Actor, measures: Iterable[str]) -> bool:
    """Whether none of the facts of these measures is kept from the actor. Cost: none."""
    measures = frozenset(measures)
    return actor.system or edition.keep(("sees facts", measures, access.rights(actor)), lambda: _sees_all(actor, measures))


def _sees_all(actor: Actor, measures: frozenset[str]) -> bool:
    for object_type in (registry.get(slug) for slug in {s for m in measures for s in registry.measures[m].sources}):
        free = any(_within(actor, object_type, p) == Q() for p in access.permissions(actor, object_type, "view"))
        if not free or told_condition(object_type.slug, _told(actor, object_type)):
            return False
    return True


def _told(actor: Actor, object_type: ObjectType) -> set[str]:
    """Measures of this source that reveal no field hidden from the actor."""
    hidden = access.hidden_names(actor, object_type)
    return {m.key for m in registry.measures.values() if object_type.slug in m.sources and not hidden & set(m.reveals)}


def told_condition(slug: str, told: set[str]) -> Q:
    """No condition at all where every measure of the source is told: a plain condition is a fast one."""
    every = {m.key for m in registry.measures.values() if slug in m.sources}
    return Q() if told == every else Q(measure__in=sorted(told))


def _within(actor: Actor, object_type: ObjectType, permission) -> Q:
    scope = access.scope_of_facts(actor, object_type, permission.scope)
    if permission.filter:
        documents = object_type.all().filter(conditions.compile(object_type, permission.filter, conditions.EVERYTHING))
        scope &= Q(source_id__in=documents.values("pk"))
    return scope
