"""The body of a list, as the contract writes it: records, where it goes on, and what all of it comes to; or the same by the values of a field."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict

from core import access, grouping, listings, query, read
from core.access import Actor
from core.api import answers
from core.registry import ObjectType

GROUPS = "group_by"


def wanted(words: QueryDict) -> listings.Listing:
    """What a query string asks for. Errors: RuleError at the word."""
    return listings.listing((name, value) for name, values in words.lists() for value in values)


@dataclass(frozen=True)
class Answer:
    """What is answered of these records: ``body`` makes it of them as the contract writes them."""

    type: ObjectType
    records: list
    body: Callable[[list[dict[str, Any]]], dict[str, Any]]


def bodies(actor: Actor, found: Iterable[Answer], request: HttpRequest) -> list[dict[str, Any]]:
    """These answers, with the names of all they refer to. Cost: one query for each kind of lines, one for each type referred to, mostly one for all of them."""
    found, url = list(found), answers.addresser(request)
    told = read.written_each(actor, [(one.type, one.records) for one in found], url)
    for one, rows in zip(found, told, strict=True):
        for row in rows:
            row["url"] = url(one.type.slug, row["id"])
    return [one.body(rows) for one, rows in zip(found, told, strict=True)]


def shown(actor: Actor, object_type: ObjectType, records: list, request: HttpRequest) -> list[dict[str, Any]]:
    """Records as the contract writes them."""
    return bodies(actor, [Answer(object_type, records, lambda rows: rows)], request)[0]


def body(actor: Actor, object_type: ObjectType, listing: listings.Listing, request: HttpRequest) -> dict[str, Any]:
    """One page of the list that the request's query string asks for. Cost: as of ``query.page``, and the names of what is referred to."""
    return bodies(actor, [found(actor, object_type, listing, request)], request)[0]


def found(actor: Actor, object_type: ObjectType, listing: listings.Listing, request: HttpRequest, begun: query.Begun | None = None) -> Answer:
    """The same before its records are written; of one that ``begin`` began, read as that says."""
    by = request.GET.get(GROUPS)
    if by is not None and GROUPS not in access.fields(actor, object_type):
        return _groups(actor, object_type, replace(listing, conditions=tuple(c for c in listing.conditions if c != [GROUPS, "eq", by])), by, request)
    page = query.page(actor, object_type, listing) if begun is None else begun.page()
    around = {"next": _at(request, object_type, page.next), "previous": _at(request, object_type, page.previous), **_told(actor, object_type, page)}
    return Answer(object_type, page.records, lambda rows: {"results": rows, **around})


def begin(actor: Actor, object_type: ObjectType, listing: listings.Listing, request: HttpRequest) -> query.Begun | None:
    """The list before it is read; none where it is told by groups. Cost: none, mostly."""
    return None if GROUPS in request.GET else query.begin(actor, object_type, listing)


def _groups(actor: Actor, object_type: ObjectType, listing: listings.Listing, by: str, request: HttpRequest) -> Answer:
    """The same list by the values of a field: of each what its own list would say first."""
    f = grouping.field(actor, object_type, by)
    groups = grouping.groups(actor, object_type, listing, f)

    def whole(rows: list[dict[str, Any]]) -> dict[str, Any]:
        rest = iter(rows)
        return {"groups": [
            {
                "key": None if group.value is None else f.rules.to_json(f, group.value), "label": group.label,
                **_told(actor, object_type, group.page), "results": list(islice(rest, len(group.page.records))),
                "next": _at(request, object_type, group.page.next, dict([group.words])),
            }
            for group in groups
        ]}  # fmt: skip

    return Answer(object_type, [record for group in groups for record in group.page.records], whole)


def _told(actor: Actor, object_type: ObjectType, page: query.Page) -> dict[str, Any]:
    """Count and sums, where they were asked for."""
    found: dict[str, Any] = {} if page.count is None else {"count": page.count}
    if page.sums is not None:
        known = access.fields(actor, object_type)
        found["sums"] = {name: str(known[name].rules.to_json(known[name], total) if total else "0") for name, total in page.sums.items()}
    return found


def _at(request: HttpRequest, object_type: ObjectType, cursor: str, more: dict[str, str] | None = None) -> str | None:
    """The address of the same list from this cursor on; of a group's, with ``more`` words."""
    if not cursor:
        return None
    words = {name: values for name, values in request.GET.lists() if more is None or name != GROUPS}
    words |= {name: [value] for name, value in {**(more or {}), "cursor": cursor}.items()}
    return answers.address(request, f"{object_type.slug}/?{urlencode(words, doseq=True)}")
