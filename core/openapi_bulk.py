"""The part of the API's description about work on many records, how it is asked for, followed and confirmed, and about several reads at once.

See ``core.openapi``.
"""

from typing import Any

from django.utils.translation import gettext as _

from core import bulk, converting, limits
from core.access import Actor
from core.registry import ObjectType

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
COUNT: Json = {"type": "integer"}
COUNTS = ("total", "done", "changed", "unchanged", "archived", "refused")


def type_paths(actor: Actor, object_type: ObjectType) -> Json:
    """The address that asks for the same on many records of a type, where this reader may do anything to many."""
    if not bulk.possible(actor, object_type, False):
        return {}
    yes = {"type": "boolean"}
    properties = {
        "filter": {}, "q": TEXT, "archived": yes, "ids": {"type": "array", "items": TEXT, "maxItems": 100_000}, "set": {"type": "object"}, "act": TEXT,
        "data": {"type": "object"}, "dry_run": {**yes, "default": True},
    }  # fmt: skip
    described = {"type": "object", "additionalProperties": False, "properties": properties}
    asks = {
        **_operation(f"{object_type.slug}.bulk", object_type.slug, _("Do the same to many, tried first"), "202", (400, 403, 404, 422)),
        "parameters": [{"$ref": "#/components/parameters/Idempotency-Key"}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": described}}},
    }
    return {f"/{object_type.slug}/bulk/": {"post": asks}} | (_conversion() if object_type.slug == "custom-fields" else {})


def _conversion() -> Json:
    """The address at which a field becomes one of another kind."""
    properties = {
        "kind": TEXT, "options": {"type": "array", "items": {"type": "object"}}, "target": TEXT, "rest": {**TEXT, "enum": list(converting.RESTS)},
        "dry_run": {"type": "boolean", "default": True},
    }  # fmt: skip
    described = {"type": "object", "additionalProperties": False, "properties": properties, "required": ["kind"]}
    asks = {
        **_operation("custom-fields.convert", "custom-fields", _("Let a field be of another kind, tried first"), "202", (400, 403, 404, 409, 422)),
        "parameters": [{"$ref": "#/components/parameters/Idempotency-Key"}, {"name": "id", "in": "path", "required": True, "schema": TEXT}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": described}}},
    }
    return {"/custom-fields/{id}/convert/": {"post": asks}}


def reads_path() -> Json:
    """The address that answers several others at once, all of one moment."""
    asked = {"type": "array", "items": TEXT, "maxItems": limits.limit("reads")}
    page = _object(answers={"type": "array", "items": _object(status={"type": "integer"}, body={"type": "object"})})
    answer = {"200": {"description": _("What a GET of each address alone would answer, in their order."), "content": {"application/json": {"schema": page}}}}
    operation = _operation("reads.read", "reads", _("Lists, records and figures of one moment, each by its address"), "200", (422,))
    body = {"required": True, "content": {"application/json": {"schema": asked}}}
    return {"/reads/": {"post": {**operation, "requestBody": body, "responses": operation["responses"] | answer}}}


def job_paths() -> Json:
    """The addresses at which work on many records is followed and confirmed."""
    ident = {"parameters": [{"name": "id", "in": "path", "required": True, "schema": TEXT}]}
    return {
        "/jobs/{id}/": {**ident, "get": _operation("jobs.read", "jobs", _("How far it is, and what is refused why"), "200", (404,))},
        "/jobs/{id}/confirm/": {**ident, "post": _operation("jobs.confirm", "jobs", _("Do what was tried"), "202", (404, 409))},
        "/jobs/{id}/undo/": {**ident, "post": _operation("jobs.undo", "jobs", _("Take back what was done"), "202", (404, 409))},
    }


def schemas() -> Json:
    reason = _object(kind=TEXT, reason=TEXT, count=COUNT)
    return {
        "Job": _object(
            id=TEXT, type=TEXT, do=TEXT, state=TEXT, url=TEXT, **dict.fromkeys(COUNTS, COUNT), reasons={"type": "array", "items": reason},
            refusals={"type": "array", "items": _refusal()},
        )
    }  # fmt: skip


def _refusal() -> Json:
    """A record left as it is; of a conversion with the value that cannot be converted."""
    made = _object(id=TEXT, kind=TEXT, reason=TEXT)
    return {**made, "properties": {**made["properties"], "value": TEXT}}


def _object(**properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": [*properties]}


def _operation(name: str, tag: str, summary: str, status: str, refusals: tuple[int, ...]) -> Json:
    answer = {status: {"description": _("How far it is."), "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Job"}}}}}
    refused = {str(code): {"$ref": f"#/components/responses/{code}"} for code in sorted({401, 429, *refusals})}
    return {"operationId": name, "tags": [tag], "summary": summary, "responses": {**answer, **refused}}
