"""What the lists of references ask for while somebody types: records by name, as JSON. Only what the asker sees."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, JsonResponse

from core import access, listings, query, read
from core.access import Actor
from core.registry import ObjectType
from core.views import controls, pages

FOUND = 20


@pages.page
def lookup(request: HttpRequest, actor: Actor, slug: str) -> JsonResponse:
    """``{"results": [{id, label, hint?, fill?}]}``. Of ``any`` type an id is ``<slug>:<id>``.

    With ``fill`` the rest of the address is what stands in the form's head. Cost: one query a type, and that of what is filled in.
    """
    q = request.GET.get("q", "").replace("\x00", "").strip()
    if slug == "any":
        found = controls.of_any(actor, q)[:FOUND]
        return JsonResponse({"results": [{"id": o["value"], "label": o["label"], "hint": o["hint"]} for o in found]})
    object_type = pages.type_or_missing(slug, actor)
    if object_type.rows and not object_type.referable:
        raise pages.Missing
    records = _one(actor, object_type, request.GET["id"]) if "id" in request.GET else matching(actor, object_type, q)
    seen = access.fields(actor, object_type)
    filled = _filled(actor, object_type, seen, records, request.GET.dict()) if "fill" in request.GET else {}

    def result(record: Any) -> dict[str, Any]:
        hint = _hint(object_type, seen, record)
        return {"id": str(record.pk), "label": read.label(actor, object_type, record), "hint": hint, "fill": filled.get(record.pk, {})}

    return JsonResponse({"results": [result(r) for r in records]})


def matching(actor: Actor, object_type: ObjectType, q: str) -> list[Any]:
    """The first records in which these words are found, by name; without words the newest of what has a number for a name. Cost: one query."""
    title = access.fields(actor, object_type).get(object_type.title)
    if title is None:
        return []
    return query.page(actor, object_type, listings.Listing(q=q[:200], sort=controls.by_name(title, q), limit=FOUND)).records


def _one(actor: Actor, object_type: ObjectType, text: str) -> list[Any]:
    """The record with this id, for those who chose it before."""
    try:
        return list(access.rows(actor, object_type).filter(pk=UUID(text)))
    except ValueError:
        return []


def _filled(actor: Actor, object_type: ObjectType, seen: dict, records: list[Any], asked: dict[str, str]) -> dict[Any, dict[str, Any]]:
    """What each of these fills into the row it is chosen in, as controls hold it: what its type says, else fields of the same name."""
    if object_type.fills is None:
        return {r.pk: {n: seen[n].rules.to_form(seen[n], seen[n].value(r)) for n in controls.FILLS if n in seen} for r in records}
    known = object_type.fields
    found = object_type.fills(actor, records, asked)
    return {
        key: {n: known[n].rules.to_form(known[n], value) if n in known else str(value) for n, value in values.items()} for key, values in found.items()
    }


def _hint(object_type: ObjectType, seen: dict, record: Any) -> str:
    """What tells two records of one name apart: the first text beside the name."""
    for name in (*object_type.search, *object_type.columns):
        f = seen.get(name)
        if f is not None and name != object_type.title and f.kind in ("text", "email", "phone") and f.value(record):
            return f.rules.text(f, f.value(record))
    return ""
