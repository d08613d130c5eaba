"""The addresses of the facts behind figures: query strings of the list of facts, under the same conditions and the same snapshot."""

from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote_plus

from core import conditions
from core.asof import AsOf
from core.kpi.definitions import Definition
from core.kpi.tally import Days, days_of
from core.measuring import Dimension, Part
from core.periods import Period

ALL, COMMA, END = quote_plus('{"all":['), quote_plus(","), quote_plus("]}")


class Address(str):
    """The query string of a list, and which list it is of: the facts unless it says otherwise."""

    slug = "facts"

    @classmethod
    def of(cls, slug: str, query: str) -> "Address":
        made = cls(query)
        made.slug = slug
        return made

    @property
    def path(self) -> str:
        return f"/{self.slug}/?{self}"


class Drills(NamedTuple):
    """A ratio has two lists of facts: those it divides and those it divides by."""

    numerator: Address
    denominator: Address


def between(first: date | None, last: date | None) -> list:
    found = [] if first is None else [["business_date", "gte", first.isoformat()]]
    return found if last is None else [*found, ["business_date", "lte", last.isoformat()]]


def of_member(dimension: Dimension, key: Any) -> list | dict:
    """The condition that only the facts of this member pass. A record nobody sees says as little as none: both are the member nothing."""
    if key is not None:
        return [dimension.key, "eq", str(key)]
    nothing = [dimension.key, "empty", True]
    head, dot, _name = dimension.key.partition(".")
    return {"any": [[f"{head}.id", "empty", True], nothing]} if dot and dimension.through else nothing


def drill(wanted: Definition, extra: list, period: Period, today: date, as_of: AsOf, more: list | None = None) -> Address | Drills:
    """Where the facts are that add up to this figure, or to the two it is made of."""
    top = _list(wanted.top, days_of(wanted.top, period, today), extra, as_of, more or [])
    if not wanted.is_ratio:
        return top
    return Drills(top, _list(wanted.bottom, days_of(wanted.bottom, period, today), extra, as_of, more or []))


def _list(part: Part, days: Days, extra: list, as_of: AsOf, more: list) -> Address:
    every = COMMA.join([_fixed(part.measures, days), *(quoted(conditions.text(one)) for one in (*extra, *more))])
    return Address.of("facts", f"filter={ALL}{every}{END}&as_of={quoted(as_of.token)}&sum=value")


@lru_cache(maxsize=2000)
def _fixed(measures: tuple[str, ...], days: Days) -> str:
    """Which facts these are, whatever they are narrowed by, as an address holds it: figures share it, and pages."""
    named = ["measure", "in", list(measures)] if len(measures) > 1 else ["measure", "eq", measures[0]]
    return quoted(",".join(map(conditions.text, (named, *between(*days)))))


quoted = lru_cache(maxsize=4000)(quote_plus)  # groups share their members, and what they are narrowed by
