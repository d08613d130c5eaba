"""A list's filters as people see them: one chip for each condition, the address without it, and the form that adds one.

The conditions themselves are read and applied by ``core.query``; here they only get words.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import access, conditions, listings, read, registry, schema
from core.access import Actor
from core.registry import Field, ObjectType
from core.views import controls

KINDS = ("list", "board", "calendar", "map", "pivot")  # ways to look at the records of a type
COLUMN = "in-column"  # names the column of a board that goes on
# Words of a page's address that are no filter; no field has a hyphen in its name.
OWN_WORDS = (
    "columns", "field", "op", "value", "add", "tab", "before", "view", "view-as", "by-field", "by-date", "by-place", "pivot-rows", "pivot-cols",
    "pivot-value", "pivot-of", "on-day", "span", "by-until", "map-box", COLUMN,
)  # fmt: skip
SEEN = ("by-field", "by-date", "by-until", "by-place", "on-day", "span", "map-box")  # how records are seen that no list knows
STAMPS = ("unit", "created_at", "updated_at")  # what every record has comes after what the type declares
PAGING = ("cursor", "add", COLUMN)
OPERATORS = {
    "eq": gettext_lazy("is"), "ne": gettext_lazy("is not"), "lt": gettext_lazy("less than"), "lte": gettext_lazy("at most"),
    "gt": gettext_lazy("more than"), "gte": gettext_lazy("at least"), "in": gettext_lazy("one of"), "contains": gettext_lazy("contains"),
    "starts": gettext_lazy("starts with"), "empty": gettext_lazy("is empty"),
}  # fmt: skip
DATED = {
    "lt": gettext_lazy("before"), "lte": gettext_lazy("up to"), "gt": gettext_lazy("after"), "gte": gettext_lazy("from"),
}  # fmt: skip


@dataclass(frozen=True)
class Chip:
    """One condition in words, and the address of the list without it."""

    label: str
    op: str
    value: str
    url: str


def pairs(request: HttpRequest) -> list[tuple[str, str]]:
    return [(name, value) for name, values in request.GET.lists() for value in values]


def listing(request: HttpRequest) -> listings.Listing:
    return listings.listing(pairs(request), ignored=OWN_WORDS)


def address(request: HttpRequest, without: tuple[str, ...] = (), **words: str) -> str:
    """This list's address with other words; a page further on means nothing to a changed list."""
    left_out = {*PAGING, *without, *words}
    sent = [said for name, said in _said(request) if name not in left_out]
    sent += [urlencode([(name, value)]) for name, value in words.items() if value]
    return f"{request.path}?{'&'.join(sent)}" if sent else request.path


def _said(request: HttpRequest) -> list[tuple[str, str]]:
    """Each word of the address by its name, as it is sent: once for the dozens of links of a page, and anew where a saved view put in its own."""
    held = request.__dict__.get("_said")
    if held is None or held[0] is not request.GET:
        held = request.__dict__["_said"] = request.GET, [(name, urlencode([(name, value)])) for name, value in pairs(request)]
    return held[1]


def shown_as(request: HttpRequest) -> str:
    """The kind of view the address asks for; of a saved view the one it is seen as."""
    return request.GET.get("view-as") or request.GET.get("view", "")


def as_kind(request: HttpRequest, kind: str, without: tuple[str, ...] = (), **words: str) -> str:
    """The same records seen another way, still within the saved view that is open."""
    if "view-as" in request.GET:
        return address(request, without, **{"view-as": kind, **words})
    return address(request, (*without, "view"), **({} if kind == "list" else {"view": kind}), **words)


def behind(request: HttpRequest, words: list[tuple[str, str]], without: tuple[str, ...] = ()) -> str:
    """The list of those of the records seen that pass these words too, outside the saved view that is open."""
    sent = QueryDict(mutable=True)
    left_out = {*PAGING, *SEEN, *without, "view", "view-as", "columns", "sort"}
    for name, value in [("view", "list"), *((n, v) for n, v in pairs(request) if n not in left_out), *words]:
        sent.appendlist(name, value)
    return f"{request.path}?{sent.urlencode()}"


def columns_of(words: QueryDict) -> list[str]:
    """The columns an address names, in their order: by comma, or one by one as a form sends them."""
    return list(dict.fromkeys(name for text in words.getlist("columns") for name in text.split(",") if name))


def hidden(request: HttpRequest, without: tuple[str, ...]) -> list[tuple[str, str]]:
    """What a form that changes one word of the address carries along."""
    left_out = {*PAGING, "field", "op", "value", *without}
    return [(name, value) for name, value in pairs(request) if name not in left_out]


# Chips --------------------------------------------------------------------------------------------------------------


def chips(actor: Actor, object_type: ObjectType, request: HttpRequest) -> list[Chip]:
    """The conditions of the address, in its order. Cost: one query for each type whose records are named."""
    leaves: list[tuple[Any, str]] = []
    for name, value in pairs(request):
        if name == "filter":
            leaves += _parts(request, value)
        elif name not in listings.RESERVED and name not in OWN_WORDS:
            path, mark, op = name.rpartition("__")
            leaves.append(([path if mark else name, op if mark else "eq", value], _without(request, name, value)))
    labels = read.labels(actor, _named(actor, object_type, [leaf for leaf, _url in leaves]))
    return [Chip(*_words(actor, object_type, leaf, labels), url) for leaf, url in leaves]


def _without(request: HttpRequest, name: str, value: str, instead: str = "") -> str:
    sent = QueryDict(mutable=True)
    dropped = False
    for one, text in pairs(request):
        if one in PAGING:
            continue
        if not dropped and (one, text) == (name, value):
            dropped = True
            if not instead:
                continue
            text = instead
        sent.appendlist(one, text)
    return f"{request.path}?{sent.urlencode()}" if sent else request.path


def _parts(request: HttpRequest, text: str) -> list[tuple[Any, str]]:
    """The conditions of a ``filter``: each of an outer "all" by itself, any other one whole."""
    tree = conditions.parse(text)
    if not (isinstance(tree, dict) and list(tree) == ["all"] and isinstance(tree["all"], list)):
        return [(tree, _without(request, "filter", text))]
    found = []
    for index, part in enumerate(tree["all"]):
        rest = [p for i, p in enumerate(tree["all"]) if i != index]
        instead = conditions.text({"all": rest}) if rest else ""
        found.append((part, _without(request, "filter", text, instead)))
    return found


def field_at(actor: Actor, object_type: ObjectType, path: str) -> tuple[Field | None, str]:
    """The field a path ends at and its label, each step in words. None where the path leads nowhere."""
    words, here = [], object_type
    f = None
    for step in path.split("."):
        f = access.fields(actor, here).get(step) if here is not None else None
        if f is None:
            return None, path
        words.append(str(f.label))
        here = registry.get(f.target) if f.target else None
    return f, " · ".join(words)


def leaves(node: Any) -> list:
    if isinstance(node, dict):
        return [leaf for parts in node.values() if isinstance(parts, list) for part in parts for leaf in leaves(part)]
    return [node] if isinstance(node, list) and len(node) == 3 and isinstance(node[0], str) else []


def _named(actor: Actor, object_type: ObjectType, nodes: list) -> dict[str, set]:
    wanted: dict[str, set] = {}
    for path, _op, value in (leaf for node in nodes for leaf in leaves(node)):
        f, _label = field_at(actor, object_type, path)
        for slug, ident in _ids(f, value):
            wanted.setdefault(slug, set()).add(ident)
    return wanted


def _ids(f: Field | None, value: Any) -> list[tuple[str, UUID]]:
    """The records a condition names: (slug, id)."""
    if f is None or not (f.is_reference or f.kind in ("anyref", "within")):
        return []
    found = []
    for one in value if isinstance(value, list) else str(value).split(","):
        slug, _colon, ident = str(one).strip().rpartition(":")
        try:
            found.append((slug or f.target, UUID(ident)))
        except ValueError:
            continue
    return found


def _words(actor: Actor, object_type: ObjectType, node: Any, labels: dict) -> tuple[str, str, str]:
    """Label, operator, value of one condition; a group's as one sentence."""
    if isinstance(node, dict) and len(node) == 1:
        word = _(" or ") if "any" in node else _(" and ")
        parts = [_words(actor, object_type, part, labels) for part in next(iter(node.values()))]
        return (_("Filter"), "", word.join(" ".join(p for p in part if p) for part in parts))
    if not (isinstance(node, list) and len(node) == 3):
        return (_("Filter"), "", str(node))
    path, op, value = node
    f, label = field_at(actor, object_type, str(path))
    if op == "empty":
        return (label, "", _("empty") if value in (True, "true") else _("not empty"))
    named = OPERATORS.get(op, op)
    if f is not None and f.kind in ("date", "datetime"):
        named = DATED.get(op, named)
    return (label, "" if op in ("eq", "in") else str(named), _value(f, value, labels, _beside(actor, object_type, str(path)) if f is not None else {}))


def sentence(actor: Actor, object_type: ObjectType, node: Any) -> str:
    """A filter in words. Cost: one query for each type whose records it names."""
    words = _words(actor, object_type, node, read.labels(actor, _named(actor, object_type, [node])))
    return words[2] if isinstance(node, dict) else " ".join(word for word in words if word)


def _beside(actor: Actor, object_type: ObjectType, path: str) -> dict[str, Field]:
    """The fields of the record that a path ends at."""
    here = object_type
    for step in path.split(".")[:-1]:
        here = registry.get(access.fields(actor, here)[step].target)
    return access.fields(actor, here)


def _value(f: Field | None, value: Any, labels: dict, known: dict[str, Field]) -> str:
    if value in ("", None):
        return _("empty")
    ids = _ids(f, value)
    if ids:
        return ", ".join(labels.get(slug, {}).get(ident) or _("(not visible)") for slug, ident in ids)
    if f is None:
        return str(value)
    texts = []
    for one in value if isinstance(value, list) else str(value).split(",") if f.options else [value]:
        if f.name == "measure" and one in registry.measures:
            texts.append(str(registry.measures[one].label))
            continue
        try:
            cleaned = conditions.clean(f, "eq", one)
            texts.append(schema.told(known, f, [cleaned] if f.kind == "choices" else cleaned))
        except ValueError:
            texts.append(str(one))
    return ", ".join(texts)


# Adding one ---------------------------------------------------------------------------------------------------------


def offered(actor: Actor, object_type: ObjectType, request: HttpRequest) -> list[dict[str, str]]:
    """The fields a filter may be added for, those the type names first, each with the address that asks for its value."""
    known = access.fields(actor, object_type)
    able = {n: f for n, f in known.items() if n not in ("id", "archived_at", "version") and _filterable(f)}
    order = sorted(able, key=lambda n: (object_type.filters.index(n) if n in object_type.filters else len(able), n in STAMPS))
    return [{"label": able[n].label, "url": address(request, add=n) + "#filter-value"} for n in order]


def _filterable(f: Field) -> bool:
    return bool(f.rules.ops) and f.kind not in ("json", "within") and f.is_in_sql


def asked(actor: Actor, object_type: ObjectType, request: HttpRequest) -> dict[str, Any] | None:
    """The form for the value of the field just chosen (``add``), with the control of its kind."""
    f = access.fields(actor, object_type).get(request.GET.get("add", ""))
    if f is None or not _filterable(f):
        return None
    choices = controls.Choices(actor)
    control = controls.control(f, "value", "", [], choices)
    control |= {"id": "filter-value", "required": False, "label": f.label, "help": ""}
    if f.kind == "yesno":
        control |= {"kind": "choice", "options": [{"value": "true", "label": _("Yes")}, {"value": "false", "label": _("No")}]}
    elif f.kind in ("choices", "refs"):
        control |= {"kind": "choice"}
    elif f.kind in ("longtext", "words"):
        control |= {"kind": "text"}
    dated = f.kind in ("date", "datetime")
    ops = [{"value": op, "label": DATED.get(op, OPERATORS[op]) if dated else OPERATORS[op]} for op in _order(f)]
    return {"field": f.name, "label": f.label, "ops": ops, "control": control}


def _order(f: Field) -> list[str]:
    """The operators in the order people need them; "one of" is what several chips of an address say."""
    known = [op for op in f.rules.ops if op not in ("in", "starts") and not (op == "contains" and f.kind == "choices")]
    first = ("contains", "eq") if "contains" in known else ("gte", "lte", "eq") if "gte" in known else ("eq",)
    return [*first, *(op for op in known if op not in first)]


def added(actor: Actor, object_type: ObjectType, request: HttpRequest) -> str:
    """The address with the filter a sent form asks for, in the words of the contract; empty where none was sent."""
    name, op, value = (request.GET.get(word, "") for word in ("field", "op", "value"))
    f = access.fields(actor, object_type).get(name)
    if f is None or op not in f.rules.ops:
        return ""
    if op == "empty":
        value = "true"
    elif f.kind == "percent" and value:
        value = f.rules.to_json(f, f.rules.clean(f, f.rules.from_form(f, value))) if _is_number(value) else value
    word = name if op == "eq" else f"{name}__{op}"
    sent = request.GET.copy()
    for other in (*PAGING, "field", "op", "value"):
        sent.pop(other, None)
    sent[word] = value
    return f"{request.path}?{sent.urlencode()}"


def _is_number(text: str) -> bool:
    return text.strip().rstrip("%").strip().replace(".", "", 1).lstrip("-").isdigit()
