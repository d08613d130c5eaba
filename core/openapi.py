"""The API's description in OpenAPI 3.1, made from the registry for one reader: his types, fields and acts, the company's own included.

The schema endpoint sends it, the docs page shows it. What the API does, ``core.api`` says; nothing is described twice.
"""

from typing import Any

from django.utils.translation import gettext as _

from core import access, chain, context, export, kpi, likeness, listings, openapi_bulk, openapi_imports, registry, workbooks, write
from core.access import Actor
from core.registry import Act, Field, ObjectType

VERSION = "1"
Json = dict[str, Any]
TEXT: Json = {"type": "string"}
MAYBE: Json = {"type": ["string", "null"]}


def document(actor: Actor, root: str) -> Json:
    """The whole description; ``root`` is the API's absolute address. Cost: two queries, whatever the number of types."""
    types = [t for t in registry.every() if access.allows(actor, t, "view")]
    paths: Json = {}
    schemas: Json = shared_schemas() | openapi_bulk.schemas() | openapi_imports.schemas()
    for object_type in types:
        schemas[object_type.slug] = record_schema(actor, object_type)
        if object_type.writable:
            schemas[f"{object_type.slug}.new"] = input_schema(actor, object_type, "add")
            schemas[f"{object_type.slug}.change"] = input_schema(actor, object_type, "change")
        paths |= type_paths(actor, object_type) | openapi_bulk.type_paths(actor, object_type) | openapi_imports.type_paths(actor, object_type)
    paths |= kpi_paths(paths) | openapi_bulk.reads_path() | duplicates_path() | openapi_bulk.job_paths() | openapi_imports.paths()
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{context.company().name} · Odos API", "version": VERSION, "description": _about()},
        "servers": [{"url": root.rstrip("/")}],
        "security": [{"key": []}],
        "tags": [{"name": t.slug, "description": str(t.plural)} for t in types]
        + [{"name": "kpis", "description": _("KPIs")}] * (registry.types["kpis"] not in types)
        + [{"name": "reads", "description": _("Several reads of one moment")}, {"name": "duplicates", "description": _("Duplicates")}]
        + [{"name": "jobs", "description": _("Work on many records")}, {"name": "imports", "description": _("Files into a type")}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": _("A key made by “manage.py apikey create”.")}},
            "schemas": schemas,
            "parameters": shared_parameters(),
            "headers": {"ETag": {"description": _("The record's version, quoted."), "schema": {"type": "string"}}},
            "responses": shared_responses(),
        },
    }


def _about() -> str:
    return " ".join((
        _("Money, quantities, percents and numbers are read as strings or numbers and written as strings."),
        _("A percent is a fraction. Dates are YYYY-MM-DD, times ISO 8601 in UTC."),
        _("References are written as an id and read as an object with id, label and url."),
    ))  # fmt: skip


# Fields -------------------------------------------------------------------------------------------------------------


def named(f: Field, described: Json) -> Json:
    """A field's schema with its label and help."""
    words = {"title": str(f.label)} if f.label else {}
    return {**words, **({"description": str(f.help)} if f.help else {}), **described}


def or_null(described: Json) -> Json:
    if "type" in described and isinstance(described["type"], str) and "enum" not in described:
        return {**described, "type": [described["type"], "null"]}
    return {"anyOf": [described, {"type": "null"}]}


def read_schema(f: Field) -> Json:
    """A field as it is read."""
    if f.name == "id":
        return named(f, {"type": "string"})
    if f.kind == "anyref":
        return named(f, or_null(_ref("AnyReference")))
    if f.kind == "refs":
        return named(f, {"type": "array", "items": _ref("Reference")})
    if f.is_reference:
        return named(f, or_null(_ref("Reference")))
    described = dict(f.rules.schema)
    if f.kind == "choice":
        described["enum"] = list(dict.fromkeys([*f.choices(), ""]))
    return named(f, or_null(described) if f.rules.empty is None and described else described)


def written_schema(f: Field, required: bool) -> Json:
    """A field as it is written; what is not required also takes null."""
    described = dict(f.rules.schema)
    if described.get("format") == "decimal":
        described = {"type": ["string", "number"]}
    elif described.get("type") == "integer":
        described = {"type": ["integer", "string"]}
    if f.kind == "choice":
        described["enum"] = [*f.choices(), *([] if required else ["", None])]
    elif f.kind == "choices":
        described["items"] = {"type": "string", "enum": list(f.choices())}
    if f.kind == "secret":
        described |= {"format": "password", "writeOnly": True}
    if f.max_length and described.get("type") == "string" and f.kind not in ("choice", "code"):
        described["maxLength"] = f.max_length
    if f.target:
        described["x-refers-to"] = f.target
    if not required and isinstance(described.get("type"), str) and "enum" not in described:
        described["type"] = [described["type"], "null"]
    elif not required and isinstance(described.get("type"), list):
        described["type"] = [*described["type"], "null"]
    return named(f, described)


def record_schema(actor: Actor, object_type: ObjectType) -> Json:
    """A record of the type as this reader sees it."""
    seen = {n: f for n, f in access.fields(actor, object_type).items() if f.kind != "secret" and not f.is_looked_up}
    properties = {n: {**read_schema(f), **({"x-operators": list(_operators(f))} if _operators(f) else {})} for n, f in seen.items()}
    for entry in access.lines(actor, object_type):
        rows = {"id": {"type": "string", "format": "uuid"}} | {n: read_schema(f) for n, f in entry.fields.items()}
        properties[entry.name] = {"type": "array", "title": str(entry.label), "items": {"type": "object", "properties": rows}}
    properties["url"] = {"type": "string", "format": "uri"}
    return {"type": "object", "title": str(object_type.label), "properties": properties, "required": [*properties]}


def input_schema(actor: Actor, object_type: ObjectType, action: str) -> Json:
    """What a POST or a PATCH may bring."""
    known = write.writable(actor, object_type, action)
    new = action == "add"
    properties: Json = {"id": {"type": "string", "format": "uuid", "description": _("An unused UUID of version 7.")}} if new else {}
    properties |= {n: written_schema(f, f.required) for n, f in known.items()}
    for entry in write.writable_lines(actor, object_type, action):
        properties[entry.name] = _lines_schema(entry)
    required = [n for n, f in known.items() if new and f.required and f.default is None]
    return {"type": "object", "properties": properties, "additionalProperties": False, **({"required": required} if required else {})}


def _lines_schema(entry: registry.Lines) -> Json:
    writable = {n: f for n, f in entry.fields.items() if not f.readonly}
    rows = {"id": {"type": "string", "format": "uuid", "description": _("Keeps this line; without it the line is new.")}}
    rows |= {n: written_schema(f, f.required) for n, f in writable.items()}
    return {"type": "array", "maxItems": 1000, "title": str(entry.label), "items": {"type": "object", "properties": rows}}


def _operators(f: Field) -> tuple[str, ...]:
    return f.rules.ops if f.is_in_sql else ()


# Addresses ----------------------------------------------------------------------------------------------------------


def type_paths(actor: Actor, object_type: ObjectType) -> Json:
    """Every address of one type that this reader may use."""
    slug, may = object_type.slug, lambda action: access.allows(actor, object_type, action)
    one: Json = {
        "parameters": [_id_parameter()],
        "get": _operation(object_type, "read", _("Read one"), _answer("200", slug, etag=True), (404,)),
    }
    several: Json = {"get": list_operation(actor, object_type)}
    found: Json = {f"/{slug}/": several, f"/{slug}/{{id}}/": one}
    if object_type.writable and may("add"):
        body = _body(_ref(f"{slug}.new"))
        several["post"] = _operation(
            object_type, "create", _("Make one"), _answer("201", slug, etag=True), (400, 403, 409, 422), body, [_once()]
        )
        found[f"/{slug}/batch/"] = {"post": _batch_operation(object_type)}
    if object_type.writable and may("change"):
        answers = (400, 403, 404, 409, 412, 422, 428)
        body = _body(_ref(f"{slug}.change"))
        one["patch"] = _operation(object_type, "change", _("Change one"), _answer("200", slug, etag=True), answers, body, [_if_match(True)])
    if object_type.writable and may("delete"):
        gone = {"204": {"description": _("It is gone, or archived where something points to it.")}}
        one["delete"] = _operation(object_type, "delete", _("Delete one"), gone, (403, 404, 409, 412, 428), None, [_if_match(True)])
    for deed in _deeds(actor, object_type):
        found[f"/{slug}/{{id}}/{deed.name}/"] = {"parameters": [_id_parameter()], "post": _act_operation(object_type, deed)}
    if chain.is_part(object_type):
        found[f"/{slug}/{{id}}/chain/"] = {"parameters": [_id_parameter()], "get": _chain_operation(object_type)}
    return found


def _chain_operation(object_type: ObjectType) -> Json:
    end = _object(type=TEXT, id=TEXT)
    rest = _object(label=TEXT, value=TEXT)
    node = _object(
        type=TEXT, id=TEXT, label=TEXT, url=TEXT, status=TEXT, date=MAYBE, amount=MAYBE, currency=TEXT, remains={"type": "array", "items": rest},
        differs={"type": "array", "items": TEXT},
    )  # fmt: skip
    edge = _object(**{"from": end, "to": end, "text": TEXT})
    whole = _object(
        nodes={"type": "array", "items": node}, edges={"type": "array", "items": edge}, adds_up={"type": ["boolean", "null"]}, more={"type": "boolean"},
    )  # fmt: skip
    answer = {"200": {"description": _("The documents before and after this one."), "content": {"application/json": {"schema": whole}}}}
    return _operation(object_type, "chain", _("The chain it stands in"), answer, (404,))


def list_operation(actor: Actor, object_type: ObjectType) -> Json:
    """The list: one parameter for each field it can be filtered by, and those every list has."""
    fields = {n: f for n, f in access.fields(actor, object_type).items() if _operators(f) and n not in listings.RESERVED}
    filters = [
        {"name": n, "in": "query", "schema": {"type": "string"}, "description": _("%(label)s. Also %(ops)s.") % {
            "label": str(f.label), "ops": ", ".join(f"{n}__{op}" for op in _operators(f)) or n}}
        for n, f in fields.items()
    ]  # fmt: skip
    words = ("q", "filter", "sort", "limit", "cursor", "count", "sum", "format", "archived", *(("as_of",) if object_type.as_of else ()))
    rows, added = {"type": "array", "items": _ref(object_type.slug)}, {"count": {"type": "integer"}, "sums": {"type": "object", "additionalProperties": TEXT}}
    page = _object(results=rows, next=MAYBE, previous=MAYBE)
    page["properties"] |= added
    if not object_type.rows and "group_by" not in fields:
        words = (*words, "list_group_by")
        group = _object(key={"type": ["string", "boolean", "null"]}, label=TEXT, results=rows, next=MAYBE)
        group["properties"] |= added
        page = {"anyOf": [page, _object(groups={"type": "array", "items": group})]}
    answer = {"200": {"description": _("One page, or with format=csv or xlsx a file of all."), "content": {
        "application/json": {"schema": page}, "text/csv": {"schema": TEXT}, workbooks.TYPE: {"schema": {"type": "string", "format": "binary"}}}}}  # fmt: skip
    return _operation(object_type, "list", _("List"), answer, (400, 403, 422), None, [*map(_parameter, words), *filters])


def _batch_operation(object_type: ObjectType) -> Json:
    body = _body({"type": "array", "maxItems": 1000, "items": _ref(f"{object_type.slug}.new")})
    made = {"type": "object", "properties": {"results": {"type": "array", "items": _ref(object_type.slug)}}, "required": ["results"]}
    answer = {"201": {"description": _("All of them."), "content": {"application/json": {"schema": made}}}}
    return _operation(object_type, "batch", _("Make up to a thousand, all or none"), answer, (400, 403, 409, 422), body, [_once()])


def _act_operation(object_type: ObjectType, deed: Act) -> Json:
    properties = {f.name: written_schema(f, f.required) for f in deed.fields}
    properties |= {entry.name: _lines_schema(entry) for entry in (*(e for e in object_type.lines if e.name in deed.lines), *deed.takes)}
    required = [f.name for f in deed.fields if f.required]
    described = {"type": "object", "properties": properties, "additionalProperties": False, **({"required": required} if required else {})}
    body = _body(described, bool(required))
    answers = (400, 403, 404, 409, 412, 422)
    answered = _answer("201", deed.makes, etag=True) if deed.makes else _answer("200", object_type.slug, etag=True)
    return _operation(object_type, deed.name, str(deed.label), answered, answers, body, [_if_match(False), _once()])


def _deeds(actor: Actor, object_type: ObjectType) -> list[Act]:
    common = [
        a
        for name, a in write.ARCHIVE.items()
        if object_type.archivable and object_type.writable and access.allows(actor, object_type, name)
    ]
    return [*access.acts(actor, object_type), *common]


def kpi_paths(made: Json) -> Json:
    """The addresses of KPIs: what they are and come to, beside those by which they are made and changed. Cost: one query."""
    known = [one.key for one in kpi.every_definition()]
    key = {"name": "key", "in": "path", "required": True, "schema": {"type": "string", **({"enum": known} if known else {})}}
    words = ("period", "group_by", "kpi_filter", "as_of", "structure", "rollup")

    def get(name: str, summary: str, described: Json, parameters: list, refusals: tuple) -> Json:
        answer = {"200": {"description": summary, "content": {"application/json": {"schema": described}}}}
        return {"get": {"operationId": f"kpis.{name}", "tags": ["kpis"], "summary": summary, "parameters": parameters, "responses": {
            **answer, **_refusals(refusals)}}}  # fmt: skip

    several = {"type": "object", "properties": {"results": {"type": "array", "items": _ref("Kpi")}}, "required": ["results"]}
    one = made.pop("/kpis/{id}/", {})
    changes = {verb: {**one[verb], "parameters": [key, *one[verb].get("parameters", [])]} for verb in ("patch", "delete") if verb in one}
    return {
        "/kpis/": made.get("/kpis/", {}) | get("list", _("Every KPI"), several, [], ()),
        "/kpis/{key}/": changes | get("read", _("Formula and dimensions"), _ref("Kpi"), [key], (404,)),
        "/kpis/{key}/value/": get(
            "value", _("The figure, and the facts that add up to it"), _ref("KpiValue"), [key, *map(_parameter, words)], (404, 422)
        ),
    }


def duplicates_path() -> Json:
    """The address that tells who was entered before."""
    text = {"type": "string"}
    words = [{"name": name, "in": "query", "schema": text} for name in likeness.names()]
    one = _object(type=text, id=text, label=text, url=text, why=text)
    page = _object(results={"type": "array", "items": one}, next=MAYBE, previous=MAYBE)
    answer = {"200": {"description": _("Records that may be the same."), "content": {"application/json": {"schema": page}}}}
    summary = _("Who shares a name, an e-mail address or a telephone number")
    return {"/duplicates/": {"get": {"operationId": "duplicates.list", "tags": ["duplicates"], "summary": summary, "parameters": words,
        "responses": {**answer, **_refusals((422,))}}}}  # fmt: skip


# Pieces -------------------------------------------------------------------------------------------------------------


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _parameter(name: str) -> Json:
    return {"$ref": f"#/components/parameters/{name}"}


def _once() -> Json:
    return _parameter("Idempotency-Key")


def _if_match(required: bool) -> Json:
    return _parameter("If-Match" if required else "If-Match-optional")


def _id_parameter() -> Json:
    return {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}


def _body(described: Json, required: bool = True) -> Json:
    return {"required": required, "content": {"application/json": {"schema": described}}}


def _answer(status: str, slug: str, etag: bool = False) -> Json:
    headers = {"headers": {"ETag": {"$ref": "#/components/headers/ETag"}}} if etag else {}
    return {status: {"description": _("The record."), **headers, "content": {"application/json": {"schema": _ref(slug)}}}}


def _refusals(codes: tuple[int, ...]) -> Json:
    return {str(code): {"$ref": f"#/components/responses/{code}"} for code in sorted({401, 429, *codes})}


def _operation(
    object_type: ObjectType,
    name: str,
    summary: str,
    answer: Json,
    refusals: tuple[int, ...],
    body: Json | None = None,
    parameters: list | tuple = (),
) -> Json:
    found: Json = {"operationId": f"{object_type.slug}.{name}", "tags": [object_type.slug], "summary": summary}
    if parameters:
        found["parameters"] = list(parameters)
    if body:
        found["requestBody"] = body
    return found | {"responses": {**answer, **_refusals(refusals)}}


def shared_parameters() -> Json:
    """Words that every list or every KPI takes, and headers."""
    lists = {
        "q": _("Search."),
        "filter": _('JSON: ["amount","gte","10"], {"all": [...]} or {"any": [...]}, nested.'),
        "sort": _("Fields by comma, falling with a minus. Empty values come last."),
        "cursor": _("From “next” or “previous” of an earlier page."),
        "sum": _("Fields by comma, summed over all that match."),
        "as_of": _("The as_of of an earlier answer, or a date: known by the end of that day."),
        "period": _("2026, 2026-Q3, 2026-07, 2026-07-01..2026-07-15, last-30-days, this-month or all."),
        "group_by": _("Up to two dimensions by comma."),
    }
    made = {name: {"name": name, "in": "query", "description": text, "schema": {"type": "string"}} for name, text in lists.items()}

    def closed(name: str, text: str, *words: str) -> Json:
        return {"name": name, "in": "query", "description": text, "schema": {"type": "string", "enum": list(words)}}

    made["kpi_filter"] = {**made["filter"], "description": _("A filter over the KPI's dimensions and, through them, their fields.")}
    by_group = _("A choice, a reference or a yes-or-no field: of each of its values the first records, with count and sums, instead of one page.")
    made["list_group_by"] = {**made["group_by"], "description": by_group}
    made["limit"] = {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}}
    made["count"] = closed("count", _("Also count all that match."), "exact")
    files = _("A page as JSON, or all that match as a CSV or XLSX file; with _lines a row for each line, as an import takes it.")
    made["format"] = closed("format", files, "json", *export.FORMS)
    made["archived"] = closed("archived", _("Archived records instead of present ones."), "true", "false")
    made["structure"] = closed("structure", _("The tree as it is now, or as it was at each fact's business date."), "now", "then")
    made["rollup"] = closed("rollup", _("One row for each node of the tree, with all below it."), "true", "false")
    header = {"in": "header", "schema": {"type": "string"}}
    version = _("The version that was read, quoted as in its ETag.")
    made["If-Match"] = {"name": "If-Match", "required": True, "description": version, **header}
    made["If-Match-optional"] = {"name": "If-Match", "description": version, **header}
    made["Idempotency-Key"] = {
        "name": "Idempotency-Key",
        "description": _("Sent again within 24 hours, the first answer is given again."),
        **header,
    }
    return made


def shared_responses() -> Json:
    words = {
        400: _("The body or a filter cannot be parsed."),
        401: _("No valid key."),
        403: _("Not allowed."),
        404: _("Not there, or not to be seen."),
        409: _("Not possible in the present state."),
        422: _("Rules, unknown fields, operators or names."),
        428: _("If-Match is missing."),
        429: _("Too many requests in this second."),
    }
    made: Json = {str(code): _refused(text, "Errors") for code, text in words.items()}
    made["412"] = _refused(_("The record has changed; its present form is under “current”."), "Stale")
    made["429"]["headers"] = {"Retry-After": {"description": _("Seconds to wait."), "schema": {"type": "integer"}}}
    return made


def _refused(text: str, name: str) -> Json:
    return {"description": text, "content": {"application/json": {"schema": _ref(name)}}}


def shared_schemas() -> Json:
    """References, errors and KPIs."""
    text, amount, maybe = TEXT, {"type": "string", "format": "decimal"}, MAYBE
    number = {"type": ["string", "null"], "format": "decimal"}  # null where there is nothing to divide by, or nothing is known
    drills = _object(numerator=text, denominator=text)
    compared = or_null(_drilled(drills, value=number))
    sentences = {"type": "object", "additionalProperties": {"type": "array", "items": text}}
    group = _drilled(drills, keys={"type": "array", "items": maybe}, labels={"type": "array", "items": text}, value=number)
    group["properties"] |= {"own": number, "parent": maybe, "level": {"type": "integer"}, "target": amount}
    lineage = _object(
        formula=text, measures={"type": "array", "items": text}, filters={"type": "array"}, date_basis=text, time_zone=text, currency=maybe,
        rows={"type": "integer"},
    )  # fmt: skip
    reference = {"id": text, "label": text, "url": maybe}
    stale = _object(errors=sentences, request_id=text, current={"type": ["object", "null"]})
    return {
        "Reference": _object(**reference),
        "AnyReference": {**_object(type=text, **reference), "properties": {"type": text, **reference, "line": maybe}},
        "Errors": _object(errors=sentences, request_id=text),
        "Stale": stale,
        "Kpi": _object(
            key=text, name=text, formula=text, measure=maybe, measures={"type": "array", "items": text}, measured_in=text, date_basis=text, filter={},
            up_is_good={"type": "boolean"}, format=text, thresholds={"type": "array"}, definition={"type": ["object", "null"]},
            version={"type": ["integer", "null"]}, dimensions={"type": "array", "items": _object(key=text, label=text)}, url=text, value_url=text,
        ),
        "KpiValue": _drilled(
            drills, value=number, measured_in=text, as_of=text, hidden={"type": "integer"}, previous=compared, year_ago=compared,
            target=number, lineage=lineage, groups={"type": "array", "items": group},
        ),
    }  # fmt: skip


def _drilled(drills: Json, **properties: Json) -> Json:
    """A figure: a sum of facts has one list of them (``drill``), a ratio two (``drills``)."""
    made = _object(**properties)
    made["properties"] |= {"drill": TEXT, "drills": drills}
    return made


def _object(**properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": [*properties]}


__all__ = ["document", "input_schema", "read_schema", "record_schema", "type_paths", "written_schema"]
