"""Searching everything one may see at once: a page, and the same as JSON for the box at the top of every page."""

from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse, JsonResponse

from core import access, collation, prepared, read, registry, search, worded
from core.access import Actor
from core.registry import ObjectType
from core.views import pages

OF_EACH, OF_EACH_ON_PAGE, IN_BOX = 4, 20, 14


@pages.page
def everything(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Hits by type. Cost: one query, and one for each type that has any; for the box as far as it has room."""
    q = " ".join("".join(c if c.isprintable() else " " for c in request.GET.get("q", "")).split())[:200]
    if _wants_json(request):
        hits = (hit for _type, found, _rest in _found(actor, q, OF_EACH, IN_BOX) for hit in found) if q else ()
        return JsonResponse({"results": list(islice(hits, IN_BOX))})
    groups = [
        {"label": str(t.plural), "icon": t.icon, "hits": found, "more": f"{pages.address(t)}?{urlencode({'q': q})}" if more else ""}
        for t, found, more in (_found(actor, q, OF_EACH_ON_PAGE) if q else ())
    ]
    return pages.render(request, actor, "pages/search.html", {"query": q, "groups": groups, "found": sum(len(g["hits"]) for g in groups)})


def _wants_json(request: HttpRequest) -> bool:
    first = request.headers.get("Accept", "").split(",")[0].split(";")[0].strip()
    return request.GET.get("format") == "json" or first == "application/json"


def _found(actor: Actor, q: str, most: int, room: int | None = None) -> Iterator[tuple[ObjectType, list[dict[str, Any]], bool]]:
    """Each type with hits, its best ones, and whether there are more; as far as there is ``room``, for whose last place no further type is asked."""
    among = {t.slug: t for t in registry.every() if t.search and not t.rows and _shows(actor, t)}
    left, told = list(among), 0
    while left and (room is None or told < room - 1):
        held, left = search.of_types(left, q, room and (most, room - 1 - told))
        for slug, ids in held.items():
            object_type = among[slug]
            records = _of_many(actor, object_type, q, most + 1) if ids is None else _of_few(actor, object_type, ids, q, most + 1)
            if records:
                told += min(len(records), most)
                yield object_type, [_hit(actor, object_type, r) for r in records[:most]], len(records) > most


def _shows(actor: Actor, object_type: ObjectType) -> bool:
    return access.allows(actor, object_type, "view") and object_type.title not in access.hidden_names(actor, object_type)


def _of_few(actor: Actor, object_type: ObjectType, ids: str, q: str, count: int) -> list[Any]:
    """The very name first, then names that begin with it, then names that hold it, then the rest; each by name. Cost: one query."""
    title = object_type.fields[object_type.title]

    def ranked(q: str, ids: str) -> QuerySet:
        tests = [When(**{f"{title.path}__{op}": q}, then=Value(rank)) for rank, op in enumerate(("iexact", "istartswith", "icontains"))]
        rows = _rows(actor, object_type).filter(pk__among=ids).annotate(_rank=Case(*tests, default=Value(3), output_field=IntegerField()))
        return rows.order_by("_rank", title.sort_path or title.path, "pk")[:count]

    return worded.records(actor, ("ranked", object_type.slug, count), ranked, q, ids)


def _rows(actor: Actor, object_type: ObjectType) -> QuerySet:
    return access.rows(actor, object_type).filter(archived_at=None)


def _of_many(actor: Actor, object_type: ObjectType, q: str, count: int) -> list[Any]:
    """Of more than anybody reads: names that begin with it, the very name first, each by name; then the newest of the rest.

    Both run along an index, so that it takes no longer the more there are. Cost: one query, or two.
    """
    title, found, key = object_type.fields[object_type.title], [], collation.sort_key(q)
    if title.sort_path and title.name not in search.hidden_somewhere(object_type.slug):

        def begins(key: str, q: str | None = None) -> QuerySet:
            rows = _rows(actor, object_type).filter(**{f"{title.sort_path}__startswith": key, f"{title.path}__istartswith": q or key})
            return rows.order_by(title.sort_path, "pk")[:count]

        found = worded.records(actor, ("begins", object_type.slug, count), begins, *dict.fromkeys((key, q)))
    if len(found) < count:

        def newest(ids: str, *words: str) -> QuerySet:
            rows = _rows(actor, object_type).filter(search.matches(object_type, " ".join(words))).exclude(pk__among=ids)
            return rows.order_by("-created_at", "-pk")[:count]

        words = search.long_words(q)  # others are looked for in ways that depend on what they are
        told = ("newest", object_type.slug, count) if words else None
        found += worded.records(actor, told, newest, prepared.listed(r.pk for r in found), *(words or [q]))[: count - len(found)]
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
