"""The chain of documents as a drawing: columns in its order, a box for each document, a line for each link. No script, no inline style.

Boxes are as high as their lines of text, which the style sheet and this room count alike, so that lines meet them.
"""

from datetime import date
from typing import Any

from babel.dates import format_date, format_skeleton
from django.utils.translation import gettext as _

from core import chain, structures
from core.access import Actor
from core.chain import Chain, Key, Node
from core.kinds import locale
from core.models.record import Record
from core.registry import ObjectType
from core.views import pages, tables

# In pixels, as in css/chain.css.
WIDTH, BETWEEN = 164, 32  # of a column, and from one to the next
HEAD, LINE, GAP = 82, 20, 12  # of a box without lines of what is left, of each such line, and from one box to the next
MOST_LINES = 4


def card(actor: Actor, object_type: ObjectType, record: Record) -> dict[str, Any] | None:
    """What templates/object/chain.html reads; nothing for a record without a chain. Cost: that of ``core.chain.around``."""
    if not chain.is_part(object_type):
        return None
    found = chain.around(actor, object_type, record)
    if len(found.nodes) < 2 and not any(node.remains or node.differs for node in found.nodes.values()):
        return None
    columns = _columns(found)
    places = {node.key: (x, y, _height(node)) for x, nodes in enumerate(columns) for node, y in _stacked(nodes)}
    height = max(y + h for _x, y, h in places.values())
    return {
        "columns": [[_box(node, found.start) for node in nodes] for nodes in columns], "width": len(columns) * (WIDTH + BETWEEN) - BETWEEN, "height": height,
        "lines": [_line(places[early], places[late]) for early, late in found.edges if early in places and late in places],
        "badge": _badge(found), "differs": found.differs, "more": found.more,
    }  # fmt: skip


def _columns(found: Chain) -> list[list[Node]]:
    """Documents by their place in the chain; within a column near what they came from."""
    ranks = sorted({node.rank for node in found.nodes.values()})
    row_of: dict[Key, float] = {}
    columns = []
    for rank in ranks:
        nodes = [n for n in found.nodes.values() if n.rank == rank]
        nodes.sort(key=lambda n: min((row_of[early] for early, late in found.edges if late == n.key and early in row_of), default=0))
        row_of |= {node.key: row for row, node in enumerate(nodes)}
        columns.append(nodes)
    return columns


def _stacked(nodes: list[Node]) -> list[tuple[Node, int]]:
    placed, y = [], 0
    for node in nodes:
        placed.append((node, y))
        y += _height(node) + GAP
    return placed


def _height(node: Node) -> int:
    return HEAD + LINE * min(len(node.remains), MOST_LINES)


def _line(early: tuple[int, int, int], late: tuple[int, int, int]) -> str:
    """From the right of the earlier box to the left of the later; down the side where both stand in one column."""
    (from_x, from_y, from_height), (to_x, to_y, to_height) = early, late
    start, end = from_y + min(from_height, HEAD) // 2, to_y + min(to_height, HEAD) // 2
    if from_x == to_x:
        left = from_x * (WIDTH + BETWEEN)
        return f"M{left} {start}h-8V{end}h8"
    x, right = from_x * (WIDTH + BETWEEN) + WIDTH, to_x * (WIDTH + BETWEEN)
    bend = right - BETWEEN // 2
    return f"M{x} {start}H{bend - 6}C{bend} {start} {bend} {start} {bend} {(start + end) // 2}S{bend} {end} {bend + 6} {end}H{right}"


def _box(node: Node, start: Key) -> dict[str, Any]:
    shown = node.shown
    status = ""
    if shown is not None and node.type.has_status and "status" in shown.fields:
        status = {"label": tables.status_label(node.type, node.record.status), "tone": tables.tone(node.type, node.record.status)}
    return {
        "type": node.type.label, "label": shown.label if shown else "", "url": pages.address(*node.key), "current": node.key == start,
        "status": status, "date": _day(shown.values[node.date]) if shown and node.date else "",
        "amount": shown.text(node.amount) if shown and node.amount else "",
        "remains": [{"label": label, "text": text} for label, text in node.remains[:MOST_LINES]], "lines": min(len(node.remains), MOST_LINES),
        "differs": bool(node.differs),
    }  # fmt: skip


def _day(value: date | None) -> str:
    """Short enough to stand beside an amount: without the year where that is the present one."""
    if not value:
        return ""
    return format_skeleton("Md", value, locale=locale()) if value.year == structures.today().year else format_date(value, "short", locale())


def _badge(found: Chain) -> dict[str, str] | None:
    """Whether the amounts of the chain are conserved, in a word; nothing where no type of it says."""
    if not found.verified:
        return None
    return {"text": _("differs"), "tone": "late"} if found.differs else {"text": _("adds up"), "tone": "up"}
