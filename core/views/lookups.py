"""What the lists of references ask for while somebody types: records by name, as JSON. Only what the asker sees."""

from typing import Any

from django.http import HttpRequest, JsonResponse

from core import access, query, read
from core.access import Actor
from core.registry import ObjectType
from core.views import controls, pages

FOUND = 20


@pages.page
def lookup(request: HttpRequest, actor: Actor, slug: str) -> JsonResponse:
    """``{"results": [{id, label, hint?, fill?}]}``. Of ``any`` type an id is ``<slug>:<id>``. Cost: one query a type, one for hints."""
    q = request.GET.get("q", "").replace("\x00", "").strip()
    if slug == "any":
        found = controls.of_any(actor, q)[:FOUND]
        return JsonResponse({"results": [{"id": o["value"], "label": o["label"], "hint": o["hint"]} for o in found]})
    object_type = pages.type_or_missing(slug, actor)
    if object_type.rows:
        raise pages.Missing
    records = _records(actor, object_type, q, FOUND)
    seen = access.fields(actor, object_type)
    filled = [seen[n] for n in controls.FILLS if n in seen] if "fill" in request.GET else []


    def result(record: Any) -> dict[str, Any]:
        fill = {f.name: f.rules.to_form(f, f.value(record)) for f in filled}
        return {"id": str(record.pk), "label": read.label(actor, object_type, record), "hint": _hint(object_type, seen, record), "fill": fill}

    return JsonResponse({"results": [result(r) for r in records]})


def _records(actor: Actor, object_type: ObjectType, q: str, limit: int) -> list[Any]:
    seen = access.fields(actor, object_type)
    if object_type.title not in seen:
        return []
    sort = (object_type.title,) if seen[object_type.title].rules.sorts else ()
    return query.page(actor, object_type, query.Listing(q=q[:200], sort=sort, limit=limit)).records


def _hint(object_type: ObjectType, seen: dict, record: Any) -> str:
    """What tells two records of one name apart: the first text beside the name."""
    for name in (*object_type.search, *object_type.columns):
        f = seen.get(name)
        if f is not None and name != object_type.title and f.kind in ("text", "email", "phone") and f.value(record):
            return f.rules.text(f, f.value(record))
    return ""
