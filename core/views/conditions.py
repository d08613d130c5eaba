"""The control of the filter language: rows of field, operator and value, in groups of "all" and "any". Its JSON nobody sees.

``control`` is what parts/condition.html reads, ``read`` makes the filter of what was sent. Its buttons and changed fields ask
``/conditions/<slug>/`` for the control as it is then; without a script the form around it sends them, which ``is_edited`` tells.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core import access, conditions, forms, registry
from core.access import Actor
from core.errors import OdosError
from core.forms import Sent
from core.registry import Field, ObjectType
from core.views import controls, filters, pages

DEPTH = 3  # groups within groups that can be made here; deeper ones that exist are shown and kept
MOST = 50  # rows of one group
DO = ".do"
UNFIT = ("json", "within", "secret")
LEFT_OUT = ("id", "version", "archived_at")


@dataclass
class Row:
    """A condition as it stands in its controls: texts."""

    field: str = ""
    op: str = ""
    values: list[str] = dataclasses.field(default_factory=list)


@dataclass
class Group:
    """Rows of which all, or any, are to hold."""

    join: str = "all"
    rows: list["Row | Group"] = dataclasses.field(default_factory=list)


def offered(f: Field) -> bool:
    """Whether people may choose this field for a condition."""
    return bool(f.rules.ops) and f.kind not in UNFIT and (f.compute is None or f.expression is not None)


# Reading it back ----------------------------------------------------------------------------------------------------


def read(actor: Actor, object_type: ObjectType, sent: Sent, name: str) -> Any:
    """The filter that the control of this name holds, None where it holds nothing. Cost: none. What is wrong in it, its compiler says."""
    return of_group(actor, object_type, _sent(sent, name))


def of_group(actor: Actor, object_type: ObjectType, group: Group) -> Any:
    """The filter of these rows, None of none. Cost: none."""
    return _node(actor, object_type, group)


def is_sent(sent: Sent, name: str) -> bool:
    return f"{name}.join" in sent


def is_edited(sent: Sent) -> bool:
    """Whether a button inside such a control sent the form: then nothing is saved, it is shown again with a row more or less."""
    return any(key.endswith(DO) for key in sent)


def edited(actor: Actor, object_type: ObjectType, sent: Sent, name: str) -> Group:
    """What stands in the control of this name after the button that was pressed in it."""
    group = _sent(sent, name)
    verb, _colon, path = sent.get(f"{name}{DO}", "").partition(":")
    if verb in ("add", "group", "remove"):
        _edit(group, verb, [int(step) for step in path.split(".") if step.isascii() and step.isdigit() and len(step) < 4])
    return group


def _sent(sent: Sent, name: str, depth: int = 0) -> Group:
    group = Group(join="any" if sent.get(f"{name}.join") == "any" else "all")
    for index in range(MOST):
        place = f"{name}.{index}"
        if f"{place}.join" in sent and depth < conditions.DEPTH:
            group.rows.append(_sent(sent, place, depth + 1))
        elif f"{place}.field" in sent:
            group.rows.append(Row(sent.get(f"{place}.field", ""), sent.get(f"{place}.op", ""), sent.getlist(f"{place}.value")))
    return group


def _edit(group: Group, verb: str, path: list[int]) -> None:
    last = path.pop() if verb == "remove" and path else None
    for step in path:
        inner = group.rows[step] if step < len(group.rows) else None
        if not isinstance(inner, Group):
            return
        group = inner
    if verb == "remove" and last is not None and last < len(group.rows):
        del group.rows[last]
    elif verb == "add" and len(group.rows) < MOST:
        group.rows.append(Row())
    elif verb == "group" and len(group.rows) < MOST:
        group.rows.append(Group("any" if group.join == "all" else "all", [Row()]))


def _node(actor: Actor, object_type: ObjectType, group: Group) -> Any:
    """Groups of nothing and rows without a field are left out; a single condition stands by itself."""
    parts = []
    for row in group.rows:
        part = _node(actor, object_type, row) if isinstance(row, Group) else _condition(actor, object_type, row)
        if part is not None:
            parts.append(part)
    if len(parts) == 1:
        return parts[0]
    return {group.join: parts} if parts else None


def _condition(actor: Actor, object_type: ObjectType, row: Row) -> list | None:
    if not row.field:
        return None
    f, _label = filters.field_at(actor, object_type, row.field)
    op = row.op or (_ops(f)[0] if f is not None else "eq")
    if op == "empty":
        return [row.field, op, (row.values or ["true"])[0] != "false"]
    if op == "in":
        return [row.field, op, [_value(f, text) for one in row.values for text in one.split(",") if text.strip()]]
    return [row.field, op, _value(f, row.values[0] if row.values else "")]


def _value(f: Field | None, text: str) -> Any:
    """A typed value as JSON; what cannot be one stays as typed, so that its refusal can name it."""
    text = text.strip()
    if f is None or not text:
        return text
    try:
        value = forms.value_of(f, [text] if f.kind in forms.SEVERAL else text)
        if f.kind == "yesno":
            return text == "true"
        cleaned = conditions.clean(f, "eq", value)
    except ValueError:
        return text
    if f.kind in forms.SEVERAL or f.kind == "anyref" or f.is_reference:
        return text
    return f.rules.to_json(f, cleaned)


# Showing it ---------------------------------------------------------------------------------------------------------


def control(
    actor: Actor, object_type: ObjectType, node: Any, name: str = "filter", errors: list[str] | None = None, label: Any = ""
) -> dict[str, Any]:  # fmt: skip
    """What parts/condition.html reads for this filter (None: nothing). Cost: two queries for each type whose records are chosen among."""
    return shown(actor, object_type, of_node(actor, object_type, node), name, errors, label)


def of_node(actor: Actor, object_type: ObjectType, node: Any) -> Group:
    """The rows of a filter. What is no filter has none."""
    word = conditions.joining(node)
    if word:
        return Group(word, [_part(actor, object_type, part) for part in node[word][:MOST]])
    return Group("all", [_part(actor, object_type, node)] if isinstance(node, list) and len(node) == 3 else [])


def _part(actor: Actor, object_type: ObjectType, node: Any) -> Row | Group:
    if conditions.joining(node):
        return of_node(actor, object_type, node)
    if not (isinstance(node, list) and len(node) == 3):
        return Row()
    path, op, value = (str(node[0]), str(node[1]), node[2])
    f, _label = filters.field_at(actor, object_type, path)
    values = value if isinstance(value, list) else value.split(",") if op == "in" and isinstance(value, str) else [value]
    return Row(path, op, [_text(f, op, one) for one in values])


def _text(f: Field | None, op: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if f is None or op == "empty" or f.is_reference or f.kind in (*forms.SEVERAL, "anyref"):
        return str(value)
    try:
        return str(f.rules.to_form(f, conditions.clean(f, "eq", value)))
    except ValueError:
        return str(value)


def shown(actor: Actor, object_type: ObjectType, group: Group, name: str, errors: list[str] | None = None, label: Any = "") -> dict[str, Any]:
    choices = controls.Choices(actor)
    _expect(actor, object_type, group, choices)
    choices.name()
    fields = _fields(actor, object_type)
    return {
        "name": name, "id": name.replace(".", "-"), "url": f"/conditions/{object_type.slug}/?name={name}", "label": label, "errors": errors or [],
        "group": _group(actor, object_type, group, name, choices, fields, 0, ""),
    }  # fmt: skip


def _expect(actor: Actor, object_type: ObjectType, group: Group, choices: controls.Choices) -> None:
    for row in group.rows:
        if isinstance(row, Group):
            _expect(actor, object_type, row, choices)
            continue
        f, _label = filters.field_at(actor, object_type, row.field) if row.field else (None, "")
        for text in row.values if f is not None else ():
            choices.expect(f, [text] if f.kind in forms.SEVERAL else text)


def _group(
    actor: Actor, object_type: ObjectType, group: Group, name: str, choices: controls.Choices, fields: list[dict], depth: int, path: str
) -> dict[str, Any]:  # fmt: skip
    rows = []
    for index, row in enumerate(group.rows):
        place, step = f"{name}.{index}", f"{path}.{index}".removeprefix(".")
        if isinstance(row, Group):
            rows.append({"group": _group(actor, object_type, row, place, choices, fields, depth + 1, step), "step": step, "index": index + 1})
        else:
            rows.append(_row(actor, object_type, row, place, choices, fields) | {"step": step, "index": index + 1})
    return {"name": name, "id": name.replace(".", "-"), "join": group.join, "rows": rows, "path": path, "deeper": depth < DEPTH, "inner": depth > 0}


def _row(actor: Actor, object_type: ObjectType, row: Row, place: str, choices: controls.Choices, fields: list[dict]) -> dict[str, Any]:
    f, label = filters.field_at(actor, object_type, row.field) if row.field else (None, "")
    known = any(o["value"] == row.field for g in fields for o in g["options"])
    made = {
        "name": place, "id": place.replace(".", "-"), "value": None, "ops": [],
        "fields": [{"label": g["label"], "options": [o | {"selected": o["value"] == row.field} for o in g["options"]]} for g in fields],
        "other": {"value": row.field, "label": label} if row.field and not known else None,
    }  # fmt: skip
    if f is None:
        return made
    ops = _ops(f)
    op = row.op if row.op in f.rules.ops else ops[0]
    named = filters.OPERATORS | filters.DATED if f.kind in ("date", "datetime") else filters.OPERATORS
    made["ops"] = [{"value": o, "label": named.get(o, o), "selected": o == op} for o in ([*ops, op] if op not in ops else ops)]
    made["value"] = _value_control(f, op, row.values, f"{place}.value", choices) | {"aria": _("%(field)s: value") % {"field": label}, "label": label}
    return made


def _ops(f: Field) -> list[str]:
    """In the order people need them; "one of" where its values are few or are written with commas."""
    known = [o for o in f.rules.ops if not (o == "contains" and f.kind == "choices") and not (o == "in" and (f.is_reference or f.kind == "yesno"))]
    first = ("contains", "eq") if "contains" in known else ("gte", "lte", "eq") if "gte" in known else ("eq",)
    return [*first, *(o for o in known if o not in first)]


def _value_control(f: Field, op: str, values: list[str], name: str, choices: controls.Choices) -> dict[str, Any]:
    text = values[0] if values else ""
    yes_no = [{"value": "true", "label": _("Yes"), "selected": text != "false"}, {"value": "false", "label": _("No"), "selected": text == "false"}]
    plain = {"name": name, "id": name.replace(".", "-"), "required": False, "errors": [], "help": "", "value": text}
    if op == "empty" or f.kind == "yesno":
        return plain | {"kind": "choice", "options": yes_no}
    if op == "in" and f.kind not in ("choice", "code", "choices"):
        return plain | {"kind": "text", "value": ", ".join(values)}
    several = f.kind in forms.SEVERAL or op == "in"
    made = controls.control(f, name, values if several else text, [], choices) | plain | {"full": False}
    if op == "in":
        return made | {"kind": "choices"}
    if f.kind in forms.SEVERAL:
        made |= {"kind": "choice"}
    elif f.kind in ("longtext", "words"):
        made |= {"kind": "text"}
    return made


def _fields(actor: Actor, object_type: ObjectType) -> list[dict[str, Any]]:
    """What can be chosen: the type's own fields, then those of each record it refers to."""
    known = {n: f for n, f in access.fields(actor, object_type).items() if n not in LEFT_OUT and offered(f)}
    late = sorted(known, key=lambda n: n in filters.STAMPS)
    groups = [{"label": "", "options": [{"value": n, "label": known[n].label or n} for n in late]}]
    for name, f in known.items():
        target = registry.get(f.target) if f.kind in ("ref", "refs") else None
        if target is None or not access.allows(actor, target, "view"):
            continue
        inner = {n: i for n, i in access.fields(actor, target).items() if n not in (*LEFT_OUT, *filters.STAMPS) and offered(i)}
        groups.append({"label": f.label or name, "options": [{"value": f"{name}.{n}", "label": i.label or n} for n, i in inner.items()]})
    return groups


# Asked for while somebody builds it ---------------------------------------------------------------------------------


def _show(request: HttpRequest, actor: Actor, slug: str, error: OdosError | None = None) -> HttpResponse:
    """The control ``?name=`` of what was sent, after the button pressed in it."""
    object_type = pages.type_or_missing(slug, actor)
    name = request.GET.get("name", "filter")[:60]
    made = shown(actor, object_type, edited(actor, object_type, request.POST, name), name)
    return pages.render(request, actor, "parts/condition.html", {"condition": made})


def _again(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    raise pages.Again


condition = pages.page(_show, _again)

__all__ = ["condition", "control", "edited", "is_edited", "is_sent", "of_group", "read", "shown"]
