"""Searching everything one may see at once: a page, and the same as JSON for the box at the top of every page."""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Case, IntegerField, Model, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse, JsonResponse

from core import access, collation, prepared, read, registry, search, worded
from core.access import Actor
from core.registry import ObjectType
from core.views import pages

OF_EACH, OF_EACH_ON_PAGE, IN_BOX = 4, 20, 14


@pages.page
def everything(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Hits by type. Cost: one query, and one for each type that has any, in the box until it is full."""
    q = " ".join("".join(c if c.isprintable() else " " for c in request.GET.get("q", "")).split())[:200]
    if _wants_json(request):
        hits = chain.from_iterable(found for _type, found, _rest in _found(actor, q, OF_EACH)) if q else ()
        return JsonResponse({"results": list(islice(hits, IN_BOX))})  # types beyond those that fill the box are not asked
    groups = [
        {"label": str(t.plural), "icon": t.icon, "hits": found, "more": f"{pages.address(t)}?{urlencode({'q': q})}" if more else ""}
        for t, found, more in (_found(actor, q, OF_EACH_ON_PAGE) if q else ())
    ]
    return pages.render(request, actor, "pages/search.html", {"query": q, "groups": groups, "found": sum(len(g["hits"]) for g in groups)})


def _wants_json(request: HttpRequest) -> bool:
    first = request.headers.get("Accept", "").split(",")[0].split(";")[0].strip()
    return request.GET.get("format") == "json" or first == "application/json"


def _found(actor: Actor, q: str, most: int) -> Iterator[tuple[ObjectType, list[dict[str, Any]], bool]]:
    """Each type with hits, its best ones, and whether there are more."""
    among = {t.slug: t for t in registry.every() if t.search and not t.rows and access.allows(actor, t, "view")}
    held = search.of_types(among, q)
    for slug, object_type in among.items():
        if slug not in held or object_type.title in access.hidden_names(actor, object_type):
            continue
        records = _of_many(actor, object_type, q, most + 1) if held[slug] is None else _of_few(actor, object_type, q, held[slug], most + 1)
        if records:
            yield object_type, [_hit(actor, object_type, r) for r in records[:most]], len(records) > most


def _present(actor: Actor, object_type: ObjectType) -> QuerySet:
    return access.rows(actor, object_type).filter(archived_at=None)


def _of_few(actor: Actor, object_type: ObjectType, q: str, ids: list[UUID], count: int) -> list[Model]:
    """The very name first, then names that begin with it, then names that hold it, then the rest; each by name. Cost: one query."""
    title = object_type.fields[object_type.title]

    def ranked(q: str, ids: str) -> QuerySet:
        tests = [When(**{f"{title.path}__{op}": q}, then=Value(rank)) for rank, op in enumerate(("iexact", "istartswith", "icontains"))]
        found = _present(actor, object_type).filter(pk__among=ids).annotate(_rank=Case(*tests, default=Value(3), output_field=IntegerField()))
        return found.order_by("_rank", title.sort_path or title.path, "pk")[:count]

    return worded.records(actor, ("search", object_type.slug, count), ranked, q, prepared.listed(ids))


def _of_many(actor: Actor, object_type: ObjectType, q: str, count: int) -> list[Model]:
    """Of more than anybody reads: names that begin with it, the very name first, each by name; then the newest of the rest.

    Both run along an index, so that it takes no longer the more there are. Cost: one query, or two.
    """
    rows, title, found = _present(actor, object_type), object_type.fields[object_type.title], []
    if title.sort_path and title.name not in search.hidden_somewhere(object_type.slug):
        begins = rows.filter(**{f"{title.sort_path}__startswith": collation.sort_key(q), f"{title.path}__istartswith": q})
        found = list(begins.order_by(title.sort_path, "pk")[:count])
    if len(found) < count:
        newest = rows.filter(search.matches(object_type, q)).exclude(pk__in=[r.pk for r in found])
        found += newest.order_by("-created_at", "-pk")[: count - len(found)]
    return found


def _hit(actor: Actor, object_type: ObjectType, record: Any) -> dict[str, Any]:
    """A hit for the page and the box alike: ``hint`` tells records of one name apart."""
    seen, named_by = access.fields(actor, object_type), (object_type.title, object_type.title_else)
    told = [seen[n] for n in object_type.search if n in seen and n not in named_by and seen[n].kind != "longtext"]
    words = [str(object_type.label), *(f.rules.text(f, f.value(record)) for f in told if f.value(record))]
    return {
        "id": str(record.pk), "label": read.label(actor, object_type, record), "hint": " · ".join(words[:3]),
        "url": pages.address(object_type, record.pk), "icon": object_type.icon,
    }  # fmt: skip
