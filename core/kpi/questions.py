"""What is asked of a KPI, in the contract's words, and what of it this KPI and this reader can be asked."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from core import access, conditions, context, dimensions, periods, registry, structures
from core.access import Actor
from core.errors import RuleError
from core.kpi.definitions import Definition
from core.kpi.drills import between
from core.measuring import Dimension


@dataclass(frozen=True)
class Question:
    """What is asked of a KPI, as the contract words it."""

    period: str = ""
    group_by: tuple[str, ...] = ()
    filter: Any = None
    as_of: str = ""
    structure: str = "now"
    rollup: bool = False


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
        dimension = registry.dimensions.get(key) if key in wanted.dimensions else None
        if dimension is None or not dimensions.usable(actor, dimension):
            raise RuleError({"group_by": [_("%(kpi)s is split by: %(known)s.") % {"kpi": wanted.name, "known": ", ".join(wanted.dimensions)}]})
        found.append(dimension)
    if asked.rollup and (len(found) != 1 or found[0].tree is None):
        raise RuleError({"rollup": [_("A roll-up needs one dimension that is a tree, such as unit.")]})
    return found


def filters(actor: Actor, wanted: Definition, asked: Question) -> list:
    """The conditions besides measures and days: the KPI's own and the reader's. Errors: RuleError where no list could have them."""
    found = [wanted.filter] if wanted.filter else []
    if asked.filter is not None:
        found.append(_over_dimensions(wanted, asked.filter, 0))
    # The list of facts behind a figure or group filters by one condition more for the measures, and two for each period.
    conditions.compile(registry.types["facts"], {"all": [*[["measure", "eq", "-"]] * 7, *found]}, access.sight(actor))
    return found


def subject(asked: Question) -> tuple[str, str] | None:
    """The one member of a dimension the question is about: ("", "") for the company, None where it is about neither."""
    node = asked.filter
    if node is None:
        return "", ""
    if (word := conditions.joining(node)) and len(node[word]) == 1:
        node = node[word][0]
    if isinstance(node, list) and len(node) == 3 and node[1] == "eq" and node[0] in registry.dimensions:
        return None if registry.dimensions[node[0]].period else (node[0], str(node[2]))
    return None


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
    return {"any": [{"all": between(p.start, p.last)} for p in found]}
