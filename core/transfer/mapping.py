"""Which column of a file is which field of a type, and by which field an existing record is found. Reads no file, writes nothing."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils import translation
from django.utils.translation import gettext as _

from core import access, codes, write
from core.access import Actor
from core.collation import fold
from core.errors import RuleError
from core.registry import Field, ObjectType

ID = "id"


@dataclass(frozen=True)
class Mapping:
    """``columns`` maps the position of a column to a field's name. ``key`` is the field that finds a record; none: all are new."""

    columns: dict[int, str] = field(default_factory=dict)
    key: str = ""

    def as_json(self) -> dict:
        return {"columns": {str(position): name for position, name in self.columns.items()}, "key": self.key}

    @classmethod
    def from_json(cls, held: dict) -> "Mapping":
        return cls({int(position): name for position, name in held.get("columns", {}).items()}, held.get("key", ""))


def targets(actor: Actor, object_type: ObjectType) -> dict[str, Field]:
    """The fields a column may fill: the id, and all the actor may write on a new or an existing record."""
    known = {ID: access.fields(actor, object_type)[ID]}
    for action in ("add", "change"):
        if access.allows(actor, object_type, action):
            known |= {n: f for n, f in write.writable(actor, object_type, action).items() if n not in known}
    return {n: f for n, f in known.items() if f.kind != "secret" and f.expression is None}


def keys(actor: Actor, object_type: ObjectType) -> dict[str, Field]:
    """The fields by which an existing record may be found."""
    known = targets(actor, object_type)
    unique = [n for n, f in known.items() if f.unique]
    return {n: known[n] for n in dict.fromkeys((*object_type.keys, *unique, ID)) if (n in known and not known[n].is_reference) or n == ID}


def suggest(actor: Actor, object_type: ObjectType, headers: Iterable[str]) -> Mapping:
    """Columns whose heading is a field's key, or its label in any of our languages, in whatever case and spacing."""
    known = targets(actor, object_type)
    by_name: dict[str, str] = {}
    for language in codes.LANGUAGES:
        with translation.override(language.lower()):
            for name, f in known.items():
                by_name.setdefault(_folded(str(f.label)), name)
    by_name |= {_folded(name): name for name in known}
    columns: dict[int, str] = {}
    for position, header in enumerate(headers):
        name = by_name.get(_folded(header))
        if name and name not in columns.values():
            columns[position] = name
    usable = [n for n in (ID, *keys(actor, object_type)) if n in columns.values()]
    return Mapping(columns, usable[0] if usable else "")


def _folded(text: str) -> str:
    return "".join(c for c in fold(text) if c.isalnum())


def missing_fields(known: dict[str, Field], mapping: Mapping) -> list[Field]:
    """Fields without which no new record can be, and which no column fills."""
    return [f for n, f in known.items() if f.required and f.default is None and n not in mapping.columns.values()]


def demand(actor: Actor, object_type: ObjectType, mapping: Mapping, width: int) -> None:
    """Raise RuleError, by the position of the column or at ``key``, where the mapping cannot be used."""
    known, errors, seen = targets(actor, object_type), {}, set()
    for position, name in mapping.columns.items():
        if name not in known or not 0 <= position < width:
            errors[str(position)] = [_("There is no such field, or you may not write it.")]
        elif name in seen:
            errors[str(position)] = [_("Another column already fills this field.")]
        seen.add(name)
    if mapping.key and mapping.key not in mapping.columns.values():
        errors["key"] = [_("The field that finds a record must be one of the columns.")]
    elif mapping.key and mapping.key not in keys(actor, object_type):
        errors["key"] = [_("Records cannot be found by this field.")]
    missing = [] if mapping.key else missing_fields(known, mapping)
    if not mapping.columns:
        errors["_"] = [_("Choose a field for at least one column.")]
    elif missing:
        errors["_"] = [_("New records need a column for %(fields)s.") % {"fields": ", ".join(str(f.label) for f in missing)}]
    if errors:
        raise RuleError(errors)
