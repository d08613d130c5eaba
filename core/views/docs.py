"""The page that explains the API to people: the description programs get, as tables. It says nothing the schema does not."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from core import keys, openapi
from core.access import Actor
from core.views import pages

ROOT = "/api/v1"


def docs(request: HttpRequest) -> HttpResponseBase:
    """For people who are signed in, and like all else under this root for whoever shows a key."""
    scheme, _space, key = request.headers.get("Authorization", "").partition(" ")
    if request.user is None and scheme.lower() == "bearer":
        request.user = keys.holder(key.strip())
    return _page(request)


@pages.page
def _page(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Everything this reader may ask of the API. Cost: two queries."""
    found = openapi.document(actor, request.build_absolute_uri(f"{ROOT}/"))
    values = {
        "about": found["info"]["description"],
        "root": found["servers"][0]["url"],
        "example": f'curl -H "Authorization: Bearer $KEY" {found["servers"][0]["url"]}/accounts/?limit=5',
        "shared": [_parameter(one) for one in found["components"]["parameters"].values()],
        "statuses": [(code, one["description"]) for code, one in sorted(found["components"]["responses"].items())],
        "sections": [_section(found, tag) for tag in found["tags"]],
    }
    return pages.render(request, actor, "api/docs.html", values)


def _section(found: dict[str, Any], tag: dict[str, str]) -> dict[str, Any]:
    schemas = found["components"]["schemas"]
    read, new, change = (schemas.get(f"{tag['name']}{more}", {}) for more in ("", ".new", ".change"))
    operations = [
        _operation(path, verb, one)
        for path, item in found["paths"].items()
        for verb, one in item.items()
        if verb != "parameters" and one["tags"] == [tag["name"]]
    ]
    written = {**change.get("properties", {}), **new.get("properties", {})}
    fields = [_field(name, read, written, new) for name in dict.fromkeys([*read.get("properties", {}), *written])]
    return {"slug": tag["name"], "title": tag["description"], "operations": operations, "fields": fields}


def _operation(path: str, verb: str, one: dict[str, Any]) -> dict[str, Any]:
    body = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    inputs = [(name, type_of(described), name in body.get("required", ())) for name, described in body.get("properties", {}).items()]
    return {"verb": verb.upper(), "path": f"{ROOT}{path}", "summary": one["summary"], "inputs": inputs}


def _field(name: str, read: dict, written: dict, new: dict) -> dict[str, Any]:
    described = read.get("properties", {}).get(name) or written[name]
    inner = described.get("items", {}).get("properties", {})
    return {
        "name": name,
        "label": described.get("title", ""),
        "help": described.get("description", ""),
        "type": type_of(described),
        "written": _("required") if name in new.get("required", ()) else _("yes") if name in written else "",
        "operators": ", ".join(described.get("x-operators", ())),
        "lines": ", ".join(inner),
    }


def _parameter(one: dict[str, Any]) -> dict[str, str]:
    return {"name": one["name"], "place": one["in"], "text": one.get("description", ""), "type": type_of(one["schema"])}


def type_of(described: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in described:
        return described["$ref"].rsplit("/", 1)[1]
    if "anyOf" in described:
        return " | ".join(dict.fromkeys(type_of(one) for one in described["anyOf"]))
    if "enum" in described:
        return " | ".join(str(word) for word in described["enum"] if word not in ("", None))
    names = described.get("type", "any")
    if names == "array":
        return f"[{type_of(described.get('items', {}))}]"
    words = " | ".join(names) if isinstance(names, list) else names
    return f"{words} ({described['format']})" if "format" in described else words
