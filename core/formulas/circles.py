"""Whether formulas need one another in a circle. Pure."""

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)


def circle(needs: Mapping[Name, Iterable[Name]], start: Name | None = None) -> list[Name]:
    """The names of a circle in the order they need each other, the first again at the end; empty where there is none.

    ``needs`` maps a name to those its formula names. With ``start``, only what can be reached from it is looked at.
    """
    done: set[Name] = set()
    for first in [start] if start is not None else list(needs):
        if found := _from(first, needs, done):
            return found
    return []


def _from(first: Name, needs: Mapping[Name, Iterable[Name]], done: set[Name]) -> list[Name]:
    way, waiting = {first: None}, [iter(needs.get(first, ()))]  # a dict keeps the order and finds at once
    while waiting:
        name = next(waiting[-1], None)
        if name is None:
            done.add(way.popitem()[0])
            waiting.pop()
        elif name in way:
            names = list(way)
            return [*names[names.index(name) :], name]
        elif name not in done:
            way[name] = None
            waiting.append(iter(needs.get(name, ())))
    return []
