"""Which column of a file is which field of a type, and by which field an existing record is found. Reads no file, writes nothing.

A field of a type's lines goes by the name of the lines and its own: ``lines.quantity``.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace

from django.utils import translation
from django.utils.text import format_lazy
from django.utils.translation import gettext as _

from core import access, codes, constraints, registry, write
from core.access import Actor
from core.collation import fold
from core.errors import RuleError
from core.registry import Field, Lines, ObjectType
from core.transfer import synonyms

ID = "id"
MODES = ("both", "create", "update")
EMPTIES = ("clear", "leave")
ORDERS = ("", "dmy", "mdy")
OPTIONS = ("refuse", "add")


@dataclass(frozen=True)
class Mapping:
    """``columns`` maps the position of a column to a field's name. ``key`` is the field that finds a record, several joined by ``+``; none: all are new.

    ``mode`` says whether records are made, changed or both; ``empties`` what an empty cell does to a record there is;
    ``days`` in which order files of text write days that do not begin with the year; ``options`` what becomes of texts that are no
    option of a choice of the company's own.
    """

    columns: dict[int, str] = field(default_factory=dict)
    key: str = ""
    mode: str = "both"
    empties: str = "clear"
    days: str = ""
    options: str = "refuse"

    @property
    def keys(self) -> list[str]:
        return self.key.split("+") if self.key else []

    def as_json(self) -> dict:
        return {**asdict(self), "columns": {str(position): name for position, name in self.columns.items()}}

    @classmethod
    def from_json(cls, held: dict) -> "Mapping":
        columns = {int(position): name for position, name in held.get("columns", {}).items()}
        said = {name: held[name] for name in ("key", "mode", "empties", "days", "options") if name in held}
        return cls(columns, **said)


def targets(actor: Actor, object_type: ObjectType) -> dict[str, Field]:
    """The fields a column may fill: the id, and all the actor may write on a new or an existing record."""
    known, lines = {ID: access.fields(actor, object_type)[ID]}, {}
    for action in ("add", "change"):
        if access.allows(actor, object_type, action):
            known |= {n: f for n, f in write.writable(actor, object_type, action).items() if n not in known}
            lines |= {entry.name: entry for entry in write.writable_lines(actor, object_type, action)}
    known |= {f"{entry.name}.{n}": _of_lines(entry, f) for entry in lines.values() for n, f in entry.fields.items() if not (f.readonly or f.compute)}
    return {n: f for n, f in known.items() if f.kind != "secret" and not f.is_looked_up}


def _of_lines(entry: Lines, f: Field) -> Field:
    return replace(f, name=f"{entry.name}.{f.name}", label=format_lazy("{}: {}", entry.label, f.label))


def keys(actor: Actor, object_type: ObjectType) -> dict[str, list[Field]]:
    """The fields, or sets of fields, by which an existing record may be found: its id, what is unique, and what people know it by."""
    known = {n: f for n, f in targets(actor, object_type).items() if "." not in n}
    unique = [n for n, f in known.items() if f.unique]
    several = [names for names in constraints.unique_sets(object_type) if len(names) > 1]
    parts = {n for names in several for n in names}
    single = [n for n in dict.fromkeys((*object_type.keys, *unique)) if n in known and not known[n].is_reference and n not in parts]
    found = {n: [known[n]] for n in (*single, ID)}
    for names in several:
        if all(n in known and known[n].kind != "refs" for n in names):
            found["+".join(names)] = [known[n] for n in names]
    return found


def suggest(actor: Actor, object_type: ObjectType, headers: Iterable[str]) -> Mapping:
    """Columns whose heading is a field's key, its label in any of our languages, or a usual word for it, in whatever case and spacing."""
    known = targets(actor, object_type)
    exact, usual = _names(object_type, known)
    headers, columns = list(headers), {}
    for names in (exact, usual):
        for position, header in enumerate(headers):
            name = names.get(_folded(header)) or names.get(_folded(header.partition("(")[0])) or names.get(_folded(header.partition("（")[0]))
            if name and position not in columns and name not in columns.values():
                columns[position] = name
    usable = [key for key in (ID, *keys(actor, object_type)) if set(key.split("+")) <= set(columns.values())]
    return Mapping(columns, usable[0] if usable else "")


def _names(object_type: ObjectType, known: dict[str, Field]) -> tuple[dict[str, str], dict[str, str]]:
    """Folded words -> field: those that are a field's own, and those people use for it."""
    exact: dict[str, str] = {}
    usual: dict[str, str] = {}
    first = synonyms.of_lines(object_type)
    for language in codes.LANGUAGES:
        with translation.override(language.lower()):
            for name, f in known.items():
                exact.setdefault(_folded(str(f.label)), name)
                if name.startswith(first):  # what a line says is often headed by its own word alone
                    usual.setdefault(_folded(str(f.label).partition(": ")[2]), name)
            for word, name in synonyms.words(object_type, known):
                usual.setdefault(_folded(word), name)
    return exact | {_folded(name): name for name in known}, usual


def _folded(text: str) -> str:
    return "".join(c for c in fold(text) if c.isalnum())


def missing_fields(known: dict[str, Field], mapping: Mapping) -> list[Field]:
    """Fields without which no new record can be, and which no column fills; those of lines where other columns fill such lines."""
    if mapping.mode == "update":
        return []
    filled = set(mapping.columns.values())
    started = {n.partition(".")[0] for n in filled if "." in n}
    needed = {n: f for n, f in known.items() if "." not in n or n.partition(".")[0] in started}
    return [f for n, f in needed.items() if f.required and f.default is None and n not in filled]


def demand(actor: Actor, object_type: ObjectType, mapping: Mapping, width: int) -> None:
    """Raise RuleError, by the position of the column or at ``key``, where the mapping cannot be used."""
    known, errors, seen = targets(actor, object_type), {}, set()
    for position, name in mapping.columns.items():
        if name not in known or not 0 <= position < width:
            errors[str(position)] = [_("There is no such field, or you may not write it.")]
        elif name in seen:
            errors[str(position)] = [_("Another column already fills this field.")]
        seen.add(name)
    if mapping.key and not set(mapping.keys) <= set(mapping.columns.values()):
        errors["key"] = [_("The field that finds a record must be one of the columns.")]
    elif mapping.key and mapping.key not in keys(actor, object_type):
        errors["key"] = [_("Records cannot be found by this field.")]
    elif mapping.mode == "update" and not mapping.key:
        errors["key"] = [_("To change records, say by which field they are found.")]
    if mapping.options == "add" and not access.allows(actor, registry.get("custom-fields"), "change"):
        errors["options"] = [_("You may not change the fields, so you cannot add options to them.")]
    if mapping.mode not in MODES or mapping.empties not in EMPTIES or mapping.days not in ORDERS or mapping.options not in OPTIONS:
        errors["_"] = [_("Choose one of what is offered.")]
    missing = [] if mapping.key else missing_fields(known, mapping)
    if not mapping.columns:
        errors["_"] = [_("Choose a field for at least one column.")]
    elif missing:
        errors["_"] = [_("New records need a column for %(fields)s.") % {"fields": ", ".join(str(f.label) for f in missing)}]
    if errors:
        raise RuleError(errors)
