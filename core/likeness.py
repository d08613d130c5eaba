"""Whether something like it was entered before: asks the types whose records can be alike, names what they find. Never refuses."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from core import read, registry
from core.access import Actor
from core.registry import ObjectType

LONGEST = 300  # characters of a text that are looked at


@dataclass(frozen=True)
class Alike:
    """A record that may be the same thing, and why, in words."""

    type: ObjectType
    id: UUID
    label: str
    why: str


def names() -> list[str]:
    """What can be told of something to look for, over all types."""
    return list(dict.fromkeys(name for t in registry.every() if t.alike for name in t.alike_by))


def find(actor: Actor, stated: Mapping[str, str], of: ObjectType | None = None, without: UUID | None = None) -> list[Alike]:
    """Records the actor sees that may be what ``stated`` tells of: as one type's rule has it, or any type's. ``without`` is itself.

    Cost: that of the rules, and one query for each type found.
    """
    told = {name: text.replace("\x00", "")[:LONGEST] for name, text in stated.items() if text.strip()}
    if not told:
        return []
    rules = {of.alike} if of is not None else {t.alike for t in registry.every()}
    found = dict.fromkeys(hit for rule in rules if rule is not None for hit in rule(actor, told) if hit[1] != without)
    wanted: dict[str, set] = {}
    for slug, ident, _why in found:
        wanted.setdefault(slug, set()).add(ident)
    labels = read.labels(actor, wanted)
    return [Alike(registry.get(slug), ident, labels[slug][ident], why) for slug, ident, why in found if ident in labels.get(slug, {})]
