"""The part of the API's description that is about files into a type: brought, checked, confirmed, undone. See ``core.openapi``."""

from typing import Any

from django.utils.translation import gettext as _

from core.access import Actor
from core.registry import ObjectType
from core.transfer import mapping, uploads

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
COUNT: Json = {"type": "integer"}
MAYBE: Json = {"type": ["string", "null"]}
CHOSEN: Json = {
    "key": TEXT, "mode": {**TEXT, "enum": list(mapping.MODES)}, "empties": {**TEXT, "enum": list(mapping.EMPTIES)},
    "days": {**TEXT, "enum": list(mapping.ORDERS)}, "options": {**TEXT, "enum": list(mapping.OPTIONS)},
}  # fmt: skip
COLUMNS: Json = {"type": "array", "items": MAYBE}


def type_paths(actor: Actor, object_type: ObjectType) -> Json:
    """The address that takes a file of this type's records, where this reader may import them."""
    if not uploads.possible(actor, object_type):
        return {}
    file = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}, "required": ["file"]}
    asks = {
        **_operation(f"{object_type.slug}.import", object_type.slug, _("Bring a CSV or XLSX file; nothing is written yet"), "201", (400, 403, 404, 422)),
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": file}}},
    }
    return {f"/{object_type.slug}/import/": {"post": asks}}


def paths() -> Json:
    """The addresses at which a file is followed, checked, confirmed and undone."""
    ident = {"parameters": [{"name": "id", "in": "path", "required": True, "schema": TEXT}]}
    refused = {"200": {"description": _("The file."), "content": {"text/csv": {"schema": TEXT}}}, **_refusals((404,))}
    said = _("A field or null for each column, how records are found, and what the file may do")
    return {
        "/imports/{id}/": {**ident, "get": _operation("imports.read", "imports", _("How far it is, and what is wrong in which cell"), "200", (404,))},
        "/imports/{id}/refused/": {
            **ident, "get": {"operationId": "imports.refused", "tags": ["imports"], "summary": _("The refused rows with their reasons"), "responses": refused},
        },
        "/imports/{id}/check/": {**ident, "post": _deed("check", said, {"columns": COLUMNS, **CHOSEN, "write": {"type": "boolean", "default": False}})},
        "/imports/{id}/confirm/": {**ident, "post": _deed("confirm", _("Write what was checked"), {"partly": {"type": "boolean", "default": False}})},
        "/imports/{id}/undo/": {**ident, "post": _deed("undo", _("Take back what was written, where nobody changed it since"), {})},
    }  # fmt: skip


def schemas() -> Json:
    fault = _object(row=COUNT, column=TEXT, value=TEXT, sentence=TEXT)
    counts = ("done", "total", "rows", "new", "changed", "unchanged", "skipped", "errors", "conflicts")
    texts = {"type": "array", "items": TEXT}
    return {
        "Import": _object(
            id=TEXT, type=TEXT, file_name=TEXT, state=TEXT, **dict.fromkeys(counts, COUNT), headings=texts, columns=COLUMNS, **CHOSEN, keys=texts,
            faults={"type": "array", "items": fault}, bad_rows={"type": "array", "items": COUNT},
            added={"type": "object", "additionalProperties": texts}, said=texts, gave_up={"type": "boolean"}, url=TEXT,
        )
    }  # fmt: skip


def _deed(name: str, summary: str, properties: Json) -> Json:
    described = {"type": "object", "additionalProperties": False, "properties": properties}
    return {
        **_operation(f"imports.{name}", "imports", summary, "202", (400, 403, 404, 409, 422)),
        "parameters": [{"$ref": "#/components/parameters/Idempotency-Key"}],
        "requestBody": {"required": False, "content": {"application/json": {"schema": described}}},
    }


def _object(**properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": [*properties]}


def _operation(name: str, tag: str, summary: str, status: str, refusals: tuple[int, ...]) -> Json:
    answer = {status: {"description": _("How far it is."), "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Import"}}}}}
    return {"operationId": name, "tags": [tag], "summary": summary, "responses": {**answer, **_refusals(refusals)}}


def _refusals(codes: tuple[int, ...]) -> Json:
    return {str(code): {"$ref": f"#/components/responses/{code}"} for code in sorted({401, 429, *codes})}
