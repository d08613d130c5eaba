"""Between rows of the set-up and their parts in the file of a pack: what a part says, what tells it from others, and how it is written again."""

from typing import Any

from django.utils.translation import gettext as _

from core import registry
from core.errors import RuleError
from core.models import Role
from core.models.record import Record
from core.registry import Field, Lines, ObjectType

LEFT_OUT = {"owner", "users", "schedule"}  # people are those of one company
ROLES = {"custom-fields": ("seen_by", "edited_by"), "saved-views": ("default_for",)}  # lists of ids of roles
KINDS = ("custom-objects", "custom-fields", "record-types", "roles", "form-rules", "rules", "layouts", "saved-views", "kpis", "dashboards")
NAMED_BY = {"layouts": ("type", "role", "record_type"), "saved-views": ("type", "name"), "dashboards": ("name",)}

Values = dict[str, Any]


def kinds() -> tuple[str, ...]:
    """The types whose records a pack may hold, those others are made of first. Cost: none."""
    return (*KINDS, *(t.slug for t in registry.types.values() if t.packed is not None))


def identity(object_type: ObjectType, values: Values) -> str:
    """What tells a part from the others of its type, in words of the file."""
    named_by = NAMED_BY.get(object_type.slug) or (("key",) if object_type.slug == "roles" and values.get("key") else object_type.keys)
    return " / ".join(str(values.get(name) or "") for name in named_by)


def is_shaped(object_type: ObjectType, row: Record) -> bool:
    """Whether the company made this itself; what everybody has, and what is somebody's own, belongs in no pack."""
    if getattr(row, "owner_id", None) is not None:
        return False
    if object_type.packed is not None:
        return object_type.packed(row)
    return bool(row.definition) if object_type.slug == "kpis" else not row.key if object_type.slug == "dashboards" else True


def fields(object_type: ObjectType) -> dict[str, Field]:
    """The fields of a type that its parts say."""
    return _said(object_type.fields)


def _said(known: dict[str, Field]) -> dict[str, Field]:
    return {n: f for n, f in known.items() if not f.readonly and not f.compute and n not in LEFT_OUT and f.kind != "secret"}


def role_names() -> dict[str, str]:
    """Id -> the key of a default role, the name of another. Cost: one query."""
    return {str(pk): key or name for pk, key, name in Role.objects.filter(archived_at=None).values_list("pk", "key", "name")}


def values(object_type: ObjectType, row: Record, roles: dict[str, str]) -> Values:
    """A row as the file has it: what was said of it, and nothing that was left as it starts but what must be said. Cost: a query for each of its lines."""
    told: Values = {}
    for name, f in fields(object_type).items():
        value = f.rules.to_json(f, f.value(row))
        if name in ROLES.get(object_type.slug, ()):
            value = [roles[one] for one in value or [] if one in roles]
        elif f.is_reference and f.target == "roles":
            value = roles.get(str(value), "")
        if value not in (None, "", [], {}) and (f.required or value != start(f)):
            told[name] = value
    if object_type.slug == "roles":
        return _role(row, told)
    return told | {entry.name: _lines(entry, row) for entry in object_type.lines}


def start(f: Field) -> Any:
    """What a field holds of which nothing is said."""
    return bool(f.default) if f.kind == "yesno" else f.default


def _lines(entry: Lines, row: Record) -> list[Values]:
    rows = entry.model.objects.filter(**{entry.parent: row}).order_by("position", "pk")
    return [{n: v for n, f in _said(entry.fields).items() if (v := f.rules.to_json(f, f.value(one))) not in (None, "", [])} for one in rows]


def _role(row: Role, told: Values) -> Values:
    """A role: of a default one only what it grants on the company's own objects."""
    own = registry.own_types()
    rows = [g for g in row.grants.all() if not row.key or g.type in own]
    grants = [{n: v for n in ("type", "actions", "scope", "filter", "hidden", "readonly") if (v := getattr(g, n)) not in (None, [], "")} for g in rows]
    if row.key:
        return {"key": row.key, "grants": grants} if grants else {}
    return {**told, "grants": grants}


def written(slug: str, part: Values, roles: dict[str, str]) -> Values:
    """A part as ``core.write`` takes it: roles by their ids. Errors: RuleError where a role is not there."""
    made = dict(part)
    for name in ROLES.get(slug, ()):
        if name in made:
            made[name] = [_role_id(roles, one) for one in made[name]]
    if "owner" in registry.get(slug).fields:
        made["owner"] = None  # what a pack brings is the company's
    if slug == "layouts" and made.get("role"):
        made["role"] = _role_id(roles, made["role"])
    return made


def _role_id(roles: dict[str, str], name: str) -> str:
    found = next((pk for pk, known in roles.items() if known == name), None)
    if found is None:
        raise RuleError({"roles": [_("There is no role “%(name)s” here.") % {"name": str(name)[:80]}]})
    return found


def with_ids(object_type: ObjectType, row: Record, part: Values) -> Values:
    """The part with the ids of the row's own lines that are called as lines of the part are: other records point to them. Cost: a query each."""
    made = dict(part)
    for entry in object_type.lines:
        if not isinstance(made.get(entry.name), list) or any(not isinstance(one, dict) or "id" in one for one in made[entry.name]):
            continue
        title = next(iter(entry.fields.values()))
        known = {str(title.value(one)): str(one.pk) for one in entry.model.objects.filter(**{entry.parent: row}).order_by("-position", "-pk")}
        unsaid = dict.fromkeys(_said(entry.fields))
        made[entry.name] = [
            {**unsaid, "id": known.pop(str(one.get(title.name))), **one} if str(one.get(title.name)) in known else one for one in made[entry.name]
        ]
    return made
