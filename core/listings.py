"""What is asked of a list: filters, search, order, page, sums. Its words are the same in the browser's address and in the API (contract, Lists)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from core import conditions
from core.errors import RuleError

PAGE, MOST, NAMES = 50, 200, 20
RESERVED = ("q", "filter", "sort", "limit", "cursor", "count", "sum", "format", "archived", "as_of")


@dataclass(frozen=True)
class Listing:
    """What is asked for. ``conditions`` holds the filters as the filter language has them, all of which must hold.

    ``within``: the number and the sums are worked out only of so many rows at most, so that they cost as much in any company; 0: however many there are.
    """

    conditions: tuple = ()
    q: str = ""
    sort: tuple[str, ...] = ()
    limit: int = PAGE
    cursor: str = ""
    count: bool = False
    sums: tuple[str, ...] = ()
    archived: bool = False
    as_of: str = ""
    within: int = 0
    extra: dict = field(default_factory=dict)


def listing(pairs: Iterable[tuple[str, str]], ignored: Iterable[str] = ()) -> Listing:
    """A query string's pairs as a Listing. Names are checked later, by who may name them. Errors: RuleError at the word."""
    wanted: dict[str, Any] = {}
    found: list = []
    ignored = set(ignored)
    for name, value in pairs:
        if "\x00" in name or "\x00" in value:
            raise RuleError({"_": [_("Remove the control characters.")]})
        if name in ignored:
            continue
        if name == "filter":
            found.append(conditions.parse(value))
        elif name not in RESERVED:
            path, mark, op = name.rpartition("__")
            if not mark:
                path, op = name, "eq"
            elif op not in conditions.OPS:
                raise RuleError({name: [_("There is no operator “%(op)s”.") % {"op": op[:40]}]})
            found.append([path, op, value])
        else:
            wanted[name] = value
    return Listing(
        conditions=tuple(found), q=wanted.get("q", "").strip()[:200], sort=_names(wanted, "sort"), limit=_limit(wanted.get("limit")),
        cursor=wanted.get("cursor", ""), count=_one_of("count", wanted.get("count"), {"exact": True, None: False, "": False}),
        sums=_names(wanted, "sum"), as_of=wanted.get("as_of", ""),
        archived=_one_of("archived", wanted.get("archived"), {"true": True, "false": False, None: False, "": False}),
    )  # fmt: skip


def _names(wanted: dict[str, str], word: str) -> tuple[str, ...]:
    found = tuple(n.strip() for n in wanted.get(word, "").split(",") if n.strip())
    if len(found) > NAMES:
        raise RuleError({word: [_("Name at most %(n)d fields.") % {"n": NAMES}]})
    return found


def _one_of(name: str, value: str | None, known: dict) -> Any:
    if value not in known:
        raise RuleError({name: [_("“%(value)s” is not possible here.") % {"value": str(value)[:40]}]})
    return known[value]


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= MOST:
        raise RuleError({"limit": [_("A page holds 1 to %(n)d records.") % {"n": MOST}]})
    return int(text)
