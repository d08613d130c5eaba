"""The OpenAPI description: well formed, complete, and true of what the API answers. The docs page shows it."""

import re

import pytest

from core import registry
from tests import dealer, factories, people


@pytest.fixture(scope="module")
def document(api):
    own = {"type": "accounts", "key": "grade", "kind": "choice", "label": "Grade", "options": [{"key": "a", "label": "A"}]}
    assert api.post("custom-fields/", own).status_code == 201
    dealer.build(api)
    response = api.get("schema/")
    assert response.status_code == 200
    return response.json()


def _nodes(node, path=()):
    yield path, node
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from _nodes(value, (*path, key))


def _resolve(document, reference):
    found = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


TYPES = {
    "string": str, "array": list, "object": dict, "boolean": bool, "null": type(None), "integer": int, "number": (int, float),
}  # fmt: skip


def breaches(document, schema, value, path="$"):
    """Where a value is not what a schema says; enough of JSON Schema for the schemas we write."""
    if "$ref" in schema:
        return breaches(document, _resolve(document, schema["$ref"]), value, path)
    if "anyOf" in schema:
        tried = [breaches(document, one, value, path) for one in schema["anyOf"]]
        return [] if [] in tried else tried[0]
    names = schema.get("type", [])
    kinds = tuple(TYPES[name] for name in ([names] if isinstance(names, str) else names))
    flat = tuple(k for kind in kinds for k in (kind if isinstance(kind, tuple) else (kind,)))
    if flat and (not isinstance(value, flat) or (isinstance(value, bool) and bool not in flat)):
        return [f"{path} is {value!r}, not {names}"]
    found = [] if "enum" not in schema or value in schema["enum"] else [f"{path} is {value!r}, none of {schema['enum']}"]
    if isinstance(value, dict):
        known = schema.get("properties", {})
        found += [f"{path}.{name} is missing" for name in schema.get("required", ()) if name not in value]
        for name, inner in value.items():
            further = known.get(name, schema.get("additionalProperties", {} if not known else None))
            here = f"{path}.{name}"
            found += [f"{here} is not described"] if further in (None, False) else breaches(document, further, inner, here)
    if isinstance(value, list):
        found += [b for i, inner in enumerate(value) for b in breaches(document, schema.get("items", {}), inner, f"{path}[{i}]")]
    return found


def test_the_checker_finds_what_is_wrong(document):
    schema = {"type": "object", "properties": {"a": {"type": ["integer", "null"]}, "b": {"enum": ["x"]}}, "required": ["a"]}
    assert breaches(document, schema, {"a": None, "b": "x"}) == []
    for wrong in ({"b": "x"}, {"a": "1"}, {"a": True}, {"a": 1, "b": "y"}, {"a": 1, "c": 2}, []):
        assert breaches(document, schema, wrong), wrong


def test_it_is_well_formed(document):
    assert document["openapi"] == "3.1.0" and document["info"]["title"] and document["info"]["version"]
    operations = [(path, verb, one) for path, item in document["paths"].items() for verb, one in item.items() if verb != "parameters"]
    names = [one["operationId"] for _path, _verb, one in operations]
    assert len(set(names)) == len(names) > 50
    for path, verb, one in operations:
        assert verb in ("get", "post", "patch", "delete") and one["responses"] and {"401", "429"} <= one["responses"].keys()
        parameters = [*document["paths"][path].get("parameters", ()), *one.get("parameters", ())]
        parameters = [_resolve(document, p["$ref"]) if "$ref" in p else p for p in parameters]
        assert {p["name"] for p in parameters if p["in"] == "path"} == set(re.findall(r"{(\w+)}", path)), path
        places = [(p["in"], p["name"]) for p in parameters]
        assert len(set(places)) == len(places), path
        assert all("schema" in p and p["in"] in ("path", "query", "header") for p in parameters)
    for path, node in _nodes(document):
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            assert _resolve(document, node["$ref"]) is not None, path
        if isinstance(node, dict) and isinstance(node.get("type"), str) and "in" not in node and path[-1:] != ("properties",):
            assert node["type"] in {*TYPES, "http"}, path


def test_every_type_act_and_kpi_is_described(document):
    for object_type in registry.every():
        assert f"/{object_type.slug}/" in document["paths"] and object_type.slug in document["components"]["schemas"]
        for act in object_type.acts:
            assert f"/{object_type.slug}/{{id}}/{act.name}/" in document["paths"]
    assert document["components"]["schemas"]["accounts"]["properties"]["grade"]["enum"] == ["a", ""]
    assert "grade" in document["components"]["schemas"]["accounts.new"]["properties"]
    parameters = document["paths"]["/accounts/"]["get"]["parameters"]
    assert {"grade", "country", "name"} <= {p.get("name") for p in parameters}
    key = document["paths"]["/kpis/{key}/"]["get"]["parameters"][0]
    assert set(registry.kpis) <= set(key["schema"]["enum"])
    assert document["components"]["schemas"]["orders.new"]["required"] == ["account"]


def test_what_is_answered_is_what_is_described(api, document):
    for slug in (*factories.writable(), *dealer.SLUGS):
        factories.make(slug, api)
    document = api.get("schema/").json()
    for object_type in (t for t in registry.every() if t.slug != "kpis"):  # those are described and answered as the contract words them: below
        page = api.get(f"{object_type.slug}/?limit=20&count=exact").json()
        listed = document["paths"][f"/{object_type.slug}/"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert page["results"] or object_type.slug in ("facts", "allocations") or (object_type.own and object_type.slug not in dealer.SLUGS)
        assert breaches(document, listed, page) == []
    for slug in (*factories.writable(), *dealer.SLUGS):
        if slug != "custom-fields":
            assert breaches(document, document["components"]["schemas"][f"{slug}.new"], factories.data(slug, api)) == [], slug


def test_errors_and_kpis_are_as_described(api, document):
    schemas = document["components"]["schemas"]
    order = factories.make("orders", api)
    api.post(f"{order['url']}confirm/")
    assert breaches(document, schemas["Errors"], api.post("orders/", {}).json()) == []
    assert breaches(document, schemas["Stale"], api.patch(order["url"], {}, 1).json()) == []
    assert breaches(document, {"type": "array", "items": schemas["Kpi"]}, api.get("kpis/").json()["results"]) == []
    for query in ("", "?period=all", "?period=2026&group_by=account,month", "?period=2026&group_by=unit&rollup=true"):
        assert breaches(document, schemas["KpiValue"], api.get(f"kpis/order-intake/value/{query}").json()) == []


def test_it_says_no_more_than_its_reader_may_know(bobs, carols, document):
    bob, carol = bobs.get("schema/").json(), carols.get("schema/").json()
    assert "roles" not in bob["components"]["schemas"] and "/roles/" not in bob["paths"]
    assert "post" not in carol["paths"]["/accounts/"] and "/accounts/batch/" not in carol["paths"]
    assert "/orders/{id}/confirm/" in bob["paths"] and "/orders/{id}/cancel/" not in bob["paths"]


def test_the_schema_needs_a_key(company):
    assert people.browser(company).get("/api/v1/schema/").status_code == 401


def test_the_docs_page_shows_it_to_people_who_are_signed_in(company, client_for, alice, bob, document):
    page = client_for(alice).get("/api/v1/docs/")
    text = page.content.decode()
    assert page.status_code == 200 and "/api/v1/orders/{id}/confirm/" in text and "grade" in text and "Idempotency-Key" in text
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", text), "only first-party assets"
    assert "/api/v1/roles/" not in client_for(bob).get("/api/v1/docs/").content.decode()
    anonymous = people.browser(company).get("/api/v1/docs/")
    assert anonymous.status_code == 302 and "/sign-in/" in anonymous["Location"]
