"""Trees and how they change: keeps a dated closure in step with its nodes, and answers who stands below whom, and when.

A move closes the links it breaks at the day it happens and opens new ones, so that a roll-up can take the tree as it is
or as it was. Cost of a move: three statements, whatever the size of the subtree.
"""

from datetime import date

from django.db.models import Q
from django.utils.translation import gettext as _

from core import clock, context
from core.errors import RuleError
from core.models.record import permit
from core.models.structure import BEGINNING, END, Link, Node


def today() -> date:
    """Today where the company is."""
    return clock.now().astimezone(context.company().zone).date()


def link_of(node_model: type[Node]) -> type[Link]:
    """The closure table of a tree."""
    return node_model._meta.get_field("links_down").related_model


def _current(links: type[Link]) -> Q:
    return Q(valid_to=END)


def below(node_model: type[Node], ancestor_id):
    """Ids of the node and all that stands below it now, as a subquery. Cost: none until used."""
    links = link_of(node_model)
    return links.objects.filter(_current(links), ancestor_id=ancestor_id).values("descendant_id")


def demand_no_circle(node: Node) -> None:
    """Raise where the node's new parent stands below it. Cost: one query."""
    if node.parent_id is None:
        return
    links = link_of(type(node))
    if node.parent_id == node.pk or links.objects.filter(_current(links), ancestor_id=node.pk, descendant_id=node.parent_id).exists():
        raise RuleError({"parent": [_("A unit cannot stand below itself.")]})


def plant(node: Node) -> None:
    """Links of a new node: to itself and to all above it, for all the past."""
    links = link_of(type(node))
    above = [] if node.parent_id is None else links.objects.filter(descendant_id=node.parent_id).values("ancestor_id", "depth", "valid_from", "valid_to")
    rows = [links(ancestor_id=node.pk, descendant_id=node.pk, depth=0)]
    rows += [
        links(ancestor_id=a["ancestor_id"], descendant_id=node.pk, depth=a["depth"] + 1, valid_from=a["valid_from"], valid_to=a["valid_to"])
        for a in above
    ]
    with permit():
        links.objects.bulk_create(rows)


def move(node: Node, on: date | None = None) -> None:
    """The node's ``parent_id`` has changed: from ``on`` (today) its subtree stands below the new parent.

    Callers hold the tree's lock (``lock``), so that two moves cannot make a circle together.
    """
    links, on = link_of(type(node)), on or today()
    inside = list(links.objects.filter(_current(links), ancestor_id=node.pk).values_list("descendant_id", "depth"))
    ids = [descendant for descendant, _depth in inside]
    broken = links.objects.filter(_current(links), descendant_id__in=ids).exclude(ancestor_id__in=ids)
    with permit():
        broken.filter(valid_from__gte=on).delete()
        broken.filter(valid_from__lt=on).update(valid_to=on)
    if node.parent_id is None:
        return
    above = list(links.objects.filter(_current(links), descendant_id=node.parent_id).values_list("ancestor_id", "depth"))
    with permit():
        links.objects.bulk_create(
            [
                links(ancestor_id=a, descendant_id=d, depth=up + down + 1, valid_from=on, valid_to=END)
                for a, up in above
                for d, down in inside
            ]
        )


def lock(node_model: type[Node]) -> None:
    """Let one change of this tree happen at a time: locks its roots. Cost: one query."""
    list(node_model.objects.filter(parent=None).order_by("pk").select_for_update().values_list("pk"))


def keep_links(actor, node: Node, changed: dict) -> None:
    """The ``after`` hook of every tree's type: new nodes are planted, moved ones move."""
    if not link_of(type(node)).objects.filter(descendant_id=node.pk).exists():
        plant(node)
    elif "parent" in changed:
        move(node)


def demand_tree(actor, node: Node, changed: dict, rows: dict) -> None:
    """The ``check`` hook of every tree's type."""
    if "parent" in changed:
        lock(type(node))
        demand_no_circle(node)


__all__ = ["BEGINNING", "END", "below", "demand_tree", "keep_links", "link_of", "lock", "move", "plant", "today"]
