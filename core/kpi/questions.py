"""What is asked of a KPI, in the contract's words, and what of it this KPI and this reader can be asked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from core import access, conditions, context, periods, registry, structures
from core.access import Actor
from core.errors import RuleError
from core.kpi.definitions import Definition, may_split
from core.kpi.drills import between
from core.kpi.tally import Days, written
from core.measuring import Dimension

Dated = Callable[[Days], list]


@dataclass(frozen=True)
class Question:
    """What is asked of a KPI, as the contract words it; ``compared`` spares the comparisons where nobody reads them.

    ``most``: of the members of one dimension so many, those that come to most, or least below nothing; 0: all. Without ``whole`` only the parts are
    told, and the figure itself is None.
    """

    period: str = ""
    group_by: tuple[str, ...] = ()
    filter: Any = None
    as_of: str = ""
    structure: str = "now"
    rollup: bool = False
    compared: bool = True
    most: int = 0
    whole: bool = True


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


def splits(actor: Actor, wanted: Definition, asked: Question) -> list[Dimension]:
    """The dimensions asked for, as far as they apply and the reader sees them. Errors: RuleError at the word."""
    if len(asked.group_by) > 2 or len(set(asked.group_by)) < len(asked.group_by):
        raise RuleError({"group_by": [_("Group by one or two dimensions.")]})
    found = []
    for key in asked.group_by:
        dimension = wanted.dimension(key)
        if dimension is None or not may_split(actor, wanted, dimension):
            raise RuleError({"group_by": [_("%(kpi)s is split by: %(known)s.") % {"kpi": wanted.name, "known": ", ".join(wanted.dimensions)}]})
        found.append(dimension)
    if asked.rollup and (len(found) != 1 or found[0].tree is None):
        raise RuleError({"rollup": [_("A roll-up needs one dimension that is a tree, such as unit.")]})
    return found


def filters(actor: Actor, wanted: Definition, asked: Question) -> list:
    """The conditions besides measures and days: the KPI's own and the reader's. Errors: RuleError where no list could have them."""
    found = [wanted.filter] if wanted.filter else []
    if asked.filter is not None:
        found.append(over_dimensions(wanted, asked.filter))
    demand_room(actor, "facts", found)
    return found


def demand_room(actor: Actor, slug: str, found: list) -> None:
    """The list behind a figure or group filters by some conditions more: for what is counted, and two for each period. Errors: RuleError."""
    memo, key = context.memo(), ("room", access.reader(actor), slug, written(found))
    if key not in memo:  # the figures of a page are mostly narrowed alike
        room = ["measure", "eq", "-"] if slug == "facts" else ["id", "empty", False]
        conditions.compile(registry.get(slug), {"all": [*[room] * 7, *found]}, access.sight(actor))
        memo[key] = True


def demand_filter(actor: Actor, wanted: Definition, node: Any) -> None:
    """Whether a figure can be narrowed by this. Errors: RuleError at the name. Cost: none."""
    told = over_dimensions(wanted, node, lambda days: [])
    demand_room(actor, wanted.built.of.type if wanted.composed else "facts", [told])


def subject(asked: Question) -> tuple[str, str] | None:
    """The one member of a dimension the question is about: ("", "") for the company, None where it is about neither."""
    node = asked.filter
    if node is None:
        return "", ""
    if (word := conditions.joining(node)) and len(node[word]) == 1:
        node = node[word][0]
    if isinstance(node, list) and len(node) == 3 and node[1] == "eq" and isinstance(node[0], str) and "." not in node[0]:
        known = registry.dimensions.get(node[0])
        return None if known is not None and known.period else (node[0], str(node[2]))
    return None


def over_dimensions(wanted: Definition, node: Any, dated: Dated = lambda days: between(*days), depth: int = 0) -> Any:
    """A reader's filter: over the KPI's dimensions only, periods rewritten as dates, as ``dated`` writes days."""
    if depth <= conditions.DEPTH and (word := conditions.joining(node)):
        return {word: [over_dimensions(wanted, part, dated, depth + 1) for part in node[word]]}
    if isinstance(node, list) and len(node) == 3 and isinstance(node[0], str):
        head = node[0] if node[0] in wanted.dimensions else node[0].partition(".")[0]
        if head not in wanted.dimensions:
            raise RuleError({node[0][:80] or "filter": [_("%(kpi)s is filtered by: %(known)s.") % {"kpi": wanted.name, "known": ", ".join(wanted.dimensions)}]})
        if wanted.dimension(head).period:
            return _dates(node, dated)
    return node


def _dates(node: list, dated: Dated) -> Any:
    name, op, given = node
    keys = given.split(",") if isinstance(given, str) else given
    if op not in ("eq", "in") or not isinstance(keys, list) or not all(isinstance(k, str) for k in keys):
        raise RuleError({name: [_("A period is compared by eq or in.")]})
    found = [periods.parse(k, structures.today(), context.company().fiscal_year_start) for k in keys]
    return {"any": [{"all": dated(Days(p.start, p.last))} for p in found]}
