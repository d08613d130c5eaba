"""The chain of documents around a record: what came before it and what came of it, across types, as far as its reader sees.

Made from what types declare: ``follows`` (the fields that name the document before), ``chained`` (links that no field names),
``remains`` (what is left at a step) and ``conserved`` (what does not add up). Shows nothing and knows no type.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from core import access, read, registry
from core.access import Actor
from core.models.record import Record
from core.read import Shown
from core.registry import ObjectType

MOST = 50  # documents of one chain
DEEPEST = 8  # steps away from the record asked for
ENDED = "ended_on"  # what is over shows the day it ended, not the one it was expected by

Key = tuple[str, Any]  # slug, id


@dataclass
class Node:
    """One document of the chain as its reader sees it."""

    key: Key
    type: ObjectType
    record: Record
    shown: Shown | None = None
    rank: int = 0  # how far along the chain its type stands
    date: str = ""  # name of the field that dates it
    amount: str = ""  # name of the field that is its worth
    remains: list[tuple[Any, Any]] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)


@dataclass
class Chain:
    """All documents found, by key in the order of the chain; ``edges`` lead from the earlier to the later, with what went over."""

    start: Key
    nodes: dict[Key, Node]
    edges: dict[tuple[Key, Key], str]
    verified: bool = False  # some of these types say whether they add up
    more: bool = False  # there are more documents than a chain shows

    @property
    def differs(self) -> list[str]:
        return [sentence for node in self.nodes.values() for sentence in node.differs]


def is_part(object_type: ObjectType) -> bool:
    """Whether documents of this type stand in chains at all."""
    plain = registry.ObjectType.__dataclass_fields__["chained"].default
    if object_type.follows or object_type.chained is not plain:
        return True
    return any(object_type.slug == other.fields[n].target for other in registry.every() for n in other.follows)


def around(actor: Actor, object_type: ObjectType, record: Record) -> Chain:
    """The chain a record stands in: all that came before it, and all that came of any of those.

    What came of them is not followed back again: a payment of many invoices does not drag in the chains of the others.
    Cost: up to three queries a type and step (at most eight steps), what ``remains`` and ``conserved`` of each document ask,
    and one for the names of those shown.
    """
    start = (object_type.slug, record.pk)
    walk = _Walk(actor, {start: Node(start, object_type, record)})
    for step in (walk.before, walk.after):
        fresh = list(walk.nodes)
        for _depth in range(DEEPEST):
            fresh = step(fresh)
            if not fresh:
                break
    chain = Chain(start, walk.nodes, {edge: text for edge, text in walk.edges.items() if set(edge) <= walk.nodes.keys()}, more=walk.more)
    _rank(chain)
    _tell(actor, chain)
    return chain


@dataclass
class _Walk:
    """What was found so far. A step takes the documents found last and returns those it found anew."""

    actor: Actor
    nodes: dict[Key, Node]
    edges: dict[tuple[Key, Key], str] = field(default_factory=dict)
    more: bool = False

    def before(self, fresh: list[Key]) -> list[Key]:
        """The documents before these."""
        return self._meet({early for early, late in self._links(fresh) if late in fresh})

    def after(self, fresh: list[Key]) -> list[Key]:
        """The documents that came of these: rows that name them, and what ``chained`` says."""
        found = self._meet({late for early, late in self._links(fresh) if early in fresh})
        by_slug = _grouped(fresh)
        for other in registry.every():
            if not other.follows or not access.allows(self.actor, other, "view"):
                continue
            seen = access.fields(self.actor, other)
            for f in (other.fields[n] for n in other.follows if n in seen):
                ids = by_slug.get(f.target, [])
                for row in access.rows(self.actor, other).filter(**{f"{f.path}__in": ids}).order_by("pk")[: MOST + 1] if ids else ():
                    key = (other.slug, row.pk)
                    self.edges.setdefault(((f.target, f.value(row)), key), "")
                    if self._keep(key, other, row):
                        found.append(key)
        return found

    def _links(self, keys: list[Key]) -> list[tuple[Key, Key]]:
        """Links that these documents say themselves: by their fields, and by ``chained``. Cost: that of ``chained``."""
        found = []
        for slug, ids in _grouped(keys).items():
            object_type = registry.get(slug)
            records = [self.nodes[(slug, i)].record for i in ids]
            seen = access.fields(self.actor, object_type)
            for f in (object_type.fields[n] for n in object_type.follows if n in seen):
                found += [((f.target, f.value(r)), (slug, r.pk), "") for r in records if f.value(r)]
            found += [(early, late, "" if self._is_closed(early, late) else str(text)) for early, late, text in object_type.chained(records)]
        for early, late, text in found:
            self.edges[(early, late)] = text or self.edges.get((early, late), "")
        return [(early, late) for early, late, _text in found]

    def _is_closed(self, *ends: Key) -> bool:
        """Whether a field of either end is hidden from the reader: a text may tell what a field must not."""
        return any(access.hidden_names(self.actor, registry.get(slug)) for slug, _id in ends)

    def _meet(self, keys: set[Key]) -> list[Key]:
        """Read those that are not known yet, of those the reader sees; returns which these are. Cost: a query a type."""
        fresh = []
        for slug, ids in _grouped([k for k in keys if k not in self.nodes]).items():
            object_type = registry.get(slug)
            if object_type is not None and access.allows(self.actor, object_type, "view"):
                rows = access.rows(self.actor, object_type).filter(pk__in=ids).order_by("pk")
                fresh += [(slug, row.pk) for row in rows if self._keep((slug, row.pk), object_type, row)]
        return fresh

    def _keep(self, key: Key, object_type: ObjectType, row: Record) -> bool:
        """Whether it is new and there is room for it."""
        if key in self.nodes:
            return False
        if len(self.nodes) >= MOST:
            self.more = True
            return False
        self.nodes[key] = Node(key, object_type, row)
        return True


def _grouped(keys: Any) -> dict[str, list]:
    found: dict[str, list] = defaultdict(list)
    for slug, ident in keys:
        found[slug].append(ident)
    return found


# What is told of it -------------------------------------------------------------------------------------------------


def _rank(chain: Chain) -> None:
    """How far along each type stands: one further than the furthest it comes from; and the documents in that order."""
    pairs = {(early[0], late[0]) for early, late in chain.edges if early[0] != late[0]}
    ranks = dict.fromkeys((key[0] for key in chain.nodes), 0)
    for _round in ranks:
        for early, late in pairs:
            ranks[late] = max(ranks[late], ranks[early] + 1)
    for node in chain.nodes.values():
        node.rank = ranks[node.key[0]]
    order = [t.slug for t in registry.every()]
    ordered = sorted(chain.nodes.values(), key=lambda n: (n.rank, order.index(n.key[0]), str(n.key[1])))
    chain.nodes = {node.key: node for node in ordered}


def _tell(actor: Actor, chain: Chain) -> None:
    """What each document is called, worth and dated, what is left of it, and what of it does not add up."""
    silent = registry.ObjectType.__dataclass_fields__["conserved"].default
    for slug, ids in _grouped(chain.nodes).items():
        object_type = registry.get(slug)
        known = access.fields(actor, object_type)
        date = _first(object_type, known, ("date",))
        amount = _first(object_type, known, ("money",))
        names = {n for n in (object_type.title, "status", "currency", date, amount, ENDED) if n in known}
        nodes = [chain.nodes[(slug, i)] for i in ids]
        closed = access.hidden_names(actor, object_type)
        for node, shown in zip(nodes, read.present(actor, object_type, [n.record for n in nodes], only=names), strict=True):
            node.shown, node.date, node.amount = shown, ENDED if shown.values.get(ENDED) else date, amount
            if not closed:
                node.remains, node.differs = list(object_type.remains(node.record)), list(object_type.conserved(node.record))
        chain.verified |= not closed and object_type.conserved is not silent


def _first(object_type: ObjectType, known: dict, kinds: tuple[str, ...]) -> str:
    """The field of these kinds that the list of the type shows first, else the first it declares."""
    names = (*object_type.columns, *(n for n in ("total", "amount") if n in known), *object_type.fields)
    return next((n for n in names if n in known and known[n].kind in kinds and not known[n].compute), "")


def as_json(chain: Chain, url: Any) -> dict[str, Any]:
    """The chain as the API writes it; ``url(slug, id)`` gives addresses."""
    nodes = []
    for node in chain.nodes.values():
        slug, ident = node.key
        values = read.as_json(node.shown, url) if node.shown else {}
        nodes.append({
            "type": slug, "id": str(ident), "label": node.shown.label if node.shown else "", "url": url(slug, ident), "status": values.get("status", ""),
            "date": values.get(node.date) if node.date else None, "amount": values.get(node.amount) if node.amount else None,
            "currency": node.shown.currency if node.shown else "",
            "remains": [{"label": str(label), "value": str(text)} for label, text in node.remains], "differs": [str(s) for s in node.differs],
        })  # fmt: skip
    edges = [{"from": _plain(early), "to": _plain(late), "text": text} for (early, late), text in chain.edges.items()]
    return {"nodes": nodes, "edges": edges, "adds_up": not chain.differs if chain.verified else None, "more": chain.more}


def _plain(key: Key) -> dict[str, str]:
    return {"type": key[0], "id": str(key[1])}
