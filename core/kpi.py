"""What it adds up to: KPIs over facts, each with the address of the facts that add up to exactly it (N1).

A value is one aggregate over the facts the reader sees, in one snapshot; its drill is the list of facts under the same
conditions and the same snapshot. Nothing is cached and nothing is ever evaluated from text.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, QuerySet, Sum
from django.utils.translation import gettext as _

from core import access, asof, conditions, context, dimensions, periods, read, registry, structures
from core.access import Actor
from core.asof import AsOf
from core.errors import Missing, RuleError
from core.models import Fact, Kpi
from core.models.structure import END
from core.periods import Period
from core.registry import Dimension, Measure, ShippedKpi

GROUP_LIMIT = 5000


@dataclass(frozen=True)
class Question:
    """What is asked of a KPI, as the contract words it."""

    period: str = ""
    group_by: tuple[str, ...] = ()
    filter: Any = None
    as_of: str = ""
    structure: str = "now"
    rollup: bool = False


@dataclass(frozen=True)
class Definition:
    """A KPI as it is computed: the company's row, with the words of the shipped one it came from."""

    key: str
    name: str
    measure: Measure
    filter: Any
    formula: str
    date_basis: str
    dimensions: tuple[str, ...]
    up_is_good: bool = True


@dataclass(frozen=True)
class Group:
    """One part of a figure. ``keys`` are ids, codes or periods, None for none; a roll-up's also tell their place."""

    keys: list
    labels: list[str]
    value: Decimal
    drill: str
    own: Decimal | None = None
    parent: Any = None
    level: int | None = None


@dataclass(frozen=True)
class Answer:
    """A figure, how it came about, and where its facts are. ``drill`` is a query string for the list of facts."""

    definition: Definition
    period: Period
    value: Decimal
    as_of: AsOf
    hidden: int
    rows: int
    drill: str
    previous: tuple[Period, Decimal, str] | None
    year_ago: tuple[Period, Decimal, str] | None
    filters: list
    groups: list[Group] = field(default_factory=list)
    dimensions: tuple[str, ...] = ()


def question(words: dict[str, str]) -> Question:
    """The words of a query string as a Question. Errors: RuleError at the word."""
    unknown = set(words) - {"period", "group_by", "filter", "as_of", "structure", "rollup"}
    if unknown:
        raise RuleError({min(unknown): [_("A KPI cannot be asked this way.")]})
    if words.get("structure", "now") not in ("now", "then") or words.get("rollup", "false") not in ("true", "false"):
        raise RuleError({"structure": [_("“structure” is now or then, “rollup” is true or false.")]})
    group_by = tuple(g.strip() for g in words.get("group_by", "").split(",") if g.strip())
    asked = conditions.parse(words["filter"]) if words.get("filter") else None
    return Question(words.get("period", ""), group_by, asked, words.get("as_of", ""), words.get("structure", "now"), words.get("rollup") == "true")


def definition(key: str) -> Definition:
    """The KPI of this company with this key. Cost: one query. Errors: Missing."""
    row = Kpi.objects.filter(key=key, archived_at=None).first() if "\x00" not in key else None
    if row is None or row.measure not in registry.measures:
        raise Missing
    return _define(row)


def every_definition() -> list[Definition]:
    return [_define(row) for row in Kpi.objects.filter(archived_at=None).order_by("position", "key") if row.measure in registry.measures]


def _define(row: Kpi) -> Definition:
    measure = registry.measures[row.measure]
    shipped = registry.kpis.get(row.key) or ShippedKpi(row.key, row.name, row.measure, measure.label, _("business date"))
    return Definition(
        row.key, row.name or str(shipped.label), measure, row.filter, str(shipped.formula), str(shipped.date_basis),
        tuple(d for d in shipped.dimensions if d in registry.dimensions), shipped.up_is_good,
    )  # fmt: skip


def value(actor: Actor, wanted: Definition, asked: Question, compared: bool = True) -> Answer:
    """The figure with its comparisons, parts and drills; ``compared=False`` spares those two where nobody reads them.

    Runs inside one snapshot. Cost: five queries, labels one for each type.
    """
    today, fiscal = structures.today(), context.company().fiscal_year_start
    period = periods.parse(asked.period, today, fiscal)
    as_of = asof.parse(asked.as_of)
    splits = _splits(actor, wanted, asked)
    extra = _filters(wanted, asked)
    _demand_drillable(actor, extra)
    seen = _facts(actor, wanted, extra, as_of)
    inside = _in_period(seen, period)
    total = inside.aggregate(value=Sum("value"), rows=Count("pk"))
    everyone = _in_period(_facts(actor, wanted, extra, as_of, every_row=True), period).count()

    def drill(p: Period, more: list | None = None) -> str:
        return _drill(wanted, extra, p, as_of, more or [])

    def compare(p: Period | None) -> tuple[Period, Decimal, str] | None:
        if p is None or not compared:
            return None
        return p, _in_period(seen, p).aggregate(value=Sum("value"))["value"] or Decimal(0), drill(p)

    groups = _groups(actor, wanted, asked, splits, inside, lambda more: drill(period, more)) if splits else []
    return Answer(
        wanted, period, total["value"] or Decimal(0), as_of, everyone - total["rows"], total["rows"], drill(period),
        compare(periods.previous(period, fiscal)), compare(periods.year_ago(period, fiscal)), extra, groups, asked.group_by,
    )  # fmt: skip


def _splits(actor: Actor, wanted: Definition, asked: Question) -> list[Dimension]:
    if len(asked.group_by) > 2 or len(set(asked.group_by)) < len(asked.group_by):
        raise RuleError({"group_by": [_("Group by one or two dimensions.")]})
    found = []
    for key in asked.group_by:
        dimension = registry.dimensions.get(key) if key in wanted.dimensions else None
        if dimension is None or (not dimension.period and dimensions.expression(actor, dimension) is None):
            raise RuleError({"group_by": [_("%(kpi)s is split by: %(known)s.") % {"kpi": wanted.name, "known": ", ".join(wanted.dimensions)}]})
        found.append(dimension)
    if asked.rollup and (len(found) != 1 or found[0].tree is None):
        raise RuleError({"rollup": [_("A roll-up needs one dimension that is a tree, such as unit.")]})
    return found


def _filters(wanted: Definition, asked: Question) -> list:
    """The conditions besides measure and period: the KPI's own and the reader's."""
    found = [wanted.filter] if wanted.filter else []
    if asked.filter is not None:
        found.append(_over_dimensions(wanted, asked.filter, 0))
    return found


def _demand_drillable(actor: Actor, extra: list) -> None:
    """The list of facts behind a figure or group filters by one condition more for the measure, and two for each period."""
    most = [["measure", "eq", "-"]] * 7
    conditions.compile(registry.types["facts"], {"all": [*most, *extra]}, access.sight(actor))


def _over_dimensions(wanted: Definition, node: Any, depth: int) -> Any:
    """A reader's filter: over the KPI's dimensions only, periods rewritten as dates."""
    if depth <= conditions.DEPTH and (word := conditions.joining(node)):
        return {word: [_over_dimensions(wanted, part, depth + 1) for part in node[word]]}
    if isinstance(node, list) and len(node) == 3 and isinstance(node[0], str):
        head = node[0].partition(".")[0]
        if head not in wanted.dimensions:
            raise RuleError({node[0][:80] or "filter": [_("%(kpi)s is filtered by: %(known)s.") % {"kpi": wanted.name, "known": ", ".join(wanted.dimensions)}]})
        if registry.dimensions[head].period:
            return _dates(node)
    return node


def _dates(node: list) -> Any:
    name, op, given = node
    keys = given.split(",") if isinstance(given, str) else given
    if op not in ("eq", "in") or not isinstance(keys, list) or not all(isinstance(k, str) for k in keys):
        raise RuleError({name: [_("A period is compared by eq or in.")]})
    found = [periods.parse(k, structures.today(), context.company().fiscal_year_start) for k in keys]
    return {"any": [{"all": _between(p)} for p in found]}


def _between(period: Period) -> list:
    if period.start is None:
        return []
    return [["business_date", "gte", period.start.isoformat()], ["business_date", "lte", period.last.isoformat()]]


def _facts(actor: Actor, wanted: Definition, extra: list, as_of: AsOf, every_row: bool = False) -> QuerySet:
    facts_type = registry.types["facts"]
    found = Fact.objects.all() if every_row else access.rows(actor, facts_type)
    found = found.filter(measure=wanted.measure.key)
    for condition in extra:
        found = found.filter(conditions.compile(facts_type, condition, access.sight(actor)))
    return asof.narrow(found, as_of)


def _in_period(found: QuerySet, period: Period) -> QuerySet:
    return found if period.start is None else found.filter(business_date__gte=period.start, business_date__lt=period.end)


def _drill(wanted: Definition, extra: list, period: Period, as_of: AsOf, more: list) -> str:
    """The query string of the list of facts that add up to a figure."""
    every = [["measure", "eq", wanted.measure.key], *_between(period), *extra, *more]
    return urlencode({"filter": json.dumps({"all": every}, separators=(",", ":"), ensure_ascii=False), "as_of": as_of.token, "sum": "value"})


def _groups(actor: Actor, wanted: Definition, asked: Question, splits: list[Dimension], inside: QuerySet, drill) -> list[Group]:
    if asked.rollup:
        return _rolled_up(actor, asked, splits[0], inside, drill)
    sums: dict[tuple, Decimal] = defaultdict(Decimal)
    fiscal = context.company().fiscal_year_start
    aliases = {f"_by{i}": dimensions.expression(actor, d) for i, d in enumerate(splits) if not d.period}
    columns = [f"_by{i}" if not d.period else "business_date" for i, d in enumerate(splits)]
    rows = inside.annotate(**aliases).values_list(*dict.fromkeys(columns)).annotate(value=Sum("value"))
    places = list(dict.fromkeys(columns))
    for *keys, amount in rows:
        by = dict(zip(places, keys, strict=True))
        sums[tuple(_key(d, by[c], fiscal) for d, c in zip(splits, columns, strict=True))] += amount
    if len(sums) > GROUP_LIMIT:
        raise RuleError({"group_by": [_("More than %(n)d groups; narrow the period or the filter.") % {"n": GROUP_LIMIT}]})
    named = [_labels(actor, d, {keys[i] for keys in sums}) for i, d in enumerate(splits)]
    made = []
    for keys, amount in sums.items():
        more = [c for d, k in zip(splits, keys, strict=True) for c in _condition(d, k)]
        made.append(Group(list(keys), [n.get(k, "") for n, k in zip(named, keys, strict=True)], amount, drill(more)))
    chronological = [bool(d.period) for d in splits]
    return sorted(made, key=lambda g: tuple(str(k) if c else "" for k, c in zip(g.keys, chronological, strict=True)) + (-g.value, str(g.labels)))


def _key(dimension: Dimension, found: Any, fiscal: int) -> Any:
    if dimension.period:
        return periods.containing(found, dimension.period, fiscal).key
    return found if found not in ("", None) else None


def _condition(dimension: Dimension, key: Any) -> list:
    """The filter that only the facts of this group pass."""
    if dimension.period:
        return _between(periods.parse(key, structures.today(), context.company().fiscal_year_start))
    return [[dimension.key, "empty", True]] if key is None else [[dimension.key, "eq", str(key)]]


def _labels(actor: Actor, dimension: Dimension, keys: set) -> dict:
    none = {None: str(_("None"))}
    if dimension.period:
        return {k: str(k) for k in keys}
    slug, through = dimension.target, None
    if dimension.through:
        through = registry.types[dimension.target].fields[dimension.through]
        slug = through.target if through.is_reference else ""
    if not slug:
        choices = through.choices() if through.options else {}
        return none | {k: str(choices.get(k, k)) for k in keys if k is not None}
    return none | read.labels(actor, {slug: {k for k in keys if k is not None}}).get(slug, {})


def _rolled_up(actor: Actor, asked: Question, dimension: Dimension, inside: QuerySet, drill) -> list[Group]:
    """One row for each node of the tree: its own facts, and with all below it."""
    then, links = asked.structure == "then", structures.link_of(dimension.tree)
    own: dict[Any, Decimal] = defaultdict(Decimal)
    total: dict[Any, Decimal] = defaultdict(Decimal)
    places = _places(links, then)
    columns = ("_by", "business_date") if then else ("_by",)
    for node, *day, amount in inside.annotate(_by=dimensions.expression(actor, dimension)).values_list(*columns).annotate(value=Sum("value")):
        own[node] += amount
        for ancestor, start, end in places.get(node, ()) if node else ():
            if not then or start <= day[0] < end:
                total[ancestor] += amount
    every = dimension.tree.objects.values_list("pk", "parent_id", "archived_at")
    nodes = {pk: parent for pk, parent, archived in every if archived is None or pk in own or pk in total}
    nodes |= {k: None for k in own if k is not None and k not in nodes}
    parents, slug = nodes, registry.types[dimension.target].slug if not dimension.through else registry.types[dimension.target].fields[dimension.through].target
    named = read.labels(actor, {slug: set(parents)}).get(slug, {})
    made = []
    for node in _in_tree_order(parents, named):
        more = [[dimensions.tree_field(dimension.key, asked.structure), "eq", str(node)]]
        level = _level(parents, node)
        made.append(Group([node], [named.get(node, "")], total[node], drill(more), own[node], parents[node], level))
    if None in own:
        made.append(Group([None], [str(_("None"))], own[None], drill([[dimension.key, "empty", True]]), own[None], None, 0))
    return made


def _places(links, then: bool) -> dict[Any, list[tuple[Any, date, date]]]:
    found: dict[Any, list] = defaultdict(list)
    rows = links.objects.all() if then else links.objects.filter(valid_to=END)
    for ancestor, descendant, start, end in rows.values_list("ancestor_id", "descendant_id", "valid_from", "valid_to"):
        found[descendant].append((ancestor, start, end))
    return found


def _level(parents: dict, node: Any) -> int:
    level = 0
    while (node := parents.get(node)) is not None:
        level += 1
    return level


def _in_tree_order(parents: dict, named: dict) -> list:
    """Nodes depth first, siblings by name."""
    below: dict[Any, list] = defaultdict(list)
    for node, parent in parents.items():
        below[parent if parent in parents else None].append(node)
    ordered, waiting = [], sorted(below[None], key=lambda n: named.get(n, ""), reverse=True)
    while waiting:
        node = waiting.pop()
        ordered.append(node)
        waiting += sorted(below[node], key=lambda n: named.get(n, ""), reverse=True)
    return ordered


__all__ = ["Answer", "Definition", "Group", "Question", "definition", "every_definition", "question", "value"]
