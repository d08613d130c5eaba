"""The body of a list, as the contract writes it: records, where it goes on, and what all of it comes to; or the same by the values of a field."""

from dataclasses import replace
from itertools import islice
from typing import Any

from django.http import HttpRequest, QueryDict

from core import access, grouping, query, read
from core.access import Actor
from core.api import answers
from core.registry import ObjectType

GROUPS = "group_by"


def wanted(words: QueryDict) -> query.Listing:
    """What a query string asks for. Errors: RuleError at the word."""
    return query.listing((name, value) for name, values in words.lists() for value in values)


def shown(actor: Actor, object_type: ObjectType, records: list, request: HttpRequest) -> list[dict[str, Any]]:
    """Records as the contract writes them."""
    url = answers.addresser(request)
    found = list(records)
    told = read.written(actor, object_type, found, url)
    for record, one in zip(found, told, strict=True):
        one["url"] = url(object_type.slug, record.pk)
    return told


def body(actor: Actor, object_type: ObjectType, listing: query.Listing, request: HttpRequest) -> dict[str, Any]:
    """One page of the list that the request's query string asks for. Cost: as of ``query.page``, and the names of what is referred to."""
    by = request.GET.get(GROUPS)
    if by is not None and GROUPS not in access.fields(actor, object_type):
        return _groups(actor, object_type, replace(listing, conditions=tuple(c for c in listing.conditions if c != [GROUPS, "eq", by])), by, request)
    page = query.page(actor, object_type, listing)
    found: dict[str, Any] = {
        "results": shown(actor, object_type, page.records, request),
        "next": _at(request, object_type, page.next),
        "previous": _at(request, object_type, page.previous),
    }
    return found | _told(actor, object_type, page)


def _groups(actor: Actor, object_type: ObjectType, listing: query.Listing, by: str, request: HttpRequest) -> dict[str, Any]:
    """The same list by the values of a field: of each what its own list would say first."""
    f = grouping.field(actor, object_type, by)
    found = grouping.groups(actor, object_type, listing, f)
    rows = iter(shown(actor, object_type, [record for group in found for record in group.page.records], request))
    return {"groups": [
        {
            "key": None if group.value is None else f.rules.to_json(f, group.value), "label": group.label,
            **_told(actor, object_type, group.page), "results": list(islice(rows, len(group.page.records))),
            "next": _at(request, object_type, group.page.next, dict([group.words])),
        }
        for group in found
    ]}  # fmt: skip


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
    words = request.GET.copy()
    if more is not None:
        del words[GROUPS]
    for name, value in {**(more or {}), "cursor": cursor}.items():
        words[name] = value
    return answers.address(request, f"{object_type.slug}/?{words.urlencode()}")
