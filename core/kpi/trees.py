"""A figure over a tree: one row for each node with its own facts and with all below it, by the tree of now or of each fact's day."""

from collections import defaultdict
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from core import dimensions, read, structures
from core.kpi.drills import of_member
from core.kpi.groups import Amounts, Asked, Group, amounts_of, by_members, columns, facts_of
from core.measuring import Dimension
from core.models.structure import END


def rolled_up(asked: Asked) -> list[Group]:
    """Nodes depth first. Cost: three queries, and one for their names."""
    dimension, then = asked.splits[0], asked.structure == "then"
    own: dict[Any, Amounts] = defaultdict(Amounts)
    total: dict[Any, Amounts] = defaultdict(Amounts)
    places = _places(structures.link_of(dimension.tree), then)
    for node, day, amounts in _by_node(asked, dimension) if not then else _by_node_and_day(asked, dimension):
        own[node] = own[node].plus(amounts)
        for ancestor, start, end in places.get(node, ()) if node else ():
            if day is None or start <= day < end:
                total[ancestor] = total[ancestor].plus(amounts)
    every = dimension.tree.objects.values_list("pk", "parent_id", "archived_at")
    parents = {pk: parent for pk, parent, archived in every if archived is None or pk in own or pk in total}
    parents |= {k: None for k in own if k is not None and k not in parents}
    slug, _choices = dimensions.members(dimension)
    named = read.labels(asked.actor, {slug: set(parents)}).get(slug, {})
    worth, made = asked.wanted.worth, []
    for node in _in_tree_order(parents, named):
        where = asked.drill(more=[[dimensions.tree_field(dimension.key, asked.structure), "eq", str(node)]])
        made.append(Group([node], [named.get(node, "")], worth(total[node].sums), where, worth(own[node].sums), parents[node], _level(parents, node)))
    if None in own:
        amount = worth(own[None].sums)
        made.append(Group([None], [str(_("None"))], amount, asked.drill(more=[of_member(dimension, None)]), amount, None, 0))
    return made


def _by_node(asked: Asked, dimension: Dimension):
    return ((node, None, amounts) for (node,), _day, amounts in by_members(asked, [dimension]))


def _by_node_and_day(asked: Asked, dimension: Dimension):
    facts = facts_of(asked, False).annotate(_by=dimensions.expression(asked.actor, dimension)).values("_by", "business_date")
    return ((row["_by"], row["business_date"], amounts_of(row)) for row in facts.annotate(**columns(asked, False)))


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
