"""Options that a file names and a choice of the company's own does not have yet: added to the field, where whoever imports may change it and asked for that."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from core import access, registry, write
from core.access import Actor
from core.collation import fold, key_of
from core.errors import RuleError
from core.models import CustomField
from core.registry import Field, ObjectType
from core.transfer import cells, mapping
from core.transfer.mapping import Mapping
from core.transfer.reading import Table

MOST = 100  # new options of one field: a column with more is none of a choice
LABEL = 200


def possible(actor: Actor, object_type: ObjectType) -> list[Field]:
    """The choices to which the actor may add options."""
    if not access.allows(actor, registry.get("custom-fields"), "change"):
        return []
    return [f for f in mapping.targets(actor, object_type).values() if f.custom and f.kind in ("choice", "choices") and f.source]


def add(actor: Actor, object_type: ObjectType, table: Table, chosen: Mapping) -> dict[str, list[str]]:
    """Add what the file's columns name to their fields, through ``core.write``; returns label of the field -> labels of the new options.

    Errors: RuleError by the position of a column that is none of a choice. Cost: reads the file once, and a change for each field.
    """
    fields = {f.name: f for f in possible(actor, object_type)}
    columns = {position: fields[name] for position, name in chosen.columns.items() if name in fields}
    added = {}
    for position, new in _unknown(table, columns).items():
        f = columns[position]
        if len(new) > MOST:
            raise RuleError({str(position): [_("The column holds more than %(n)d values that are no options yet.") % {"n": MOST}]})
        own = CustomField.objects.get(pk=f.source)
        taken = {o["key"] for o in own.options}
        options = [{"key": _key(text, taken), "label": text} for text in new]
        write.change(actor, registry.get("custom-fields"), own.pk, {"options": [*own.options, *options]}, own.version)
        added[str(f.label)] = list(new)
    return added


def _unknown(table: Table, columns: dict[int, Field]) -> dict[int, list[str]]:
    """Position -> the texts that are no option, each as it first stands in the file."""
    known: dict[int, dict[str, str]] = {position: {} for position in columns}
    choose = {position: cells.chooser(f) for position, f in columns.items()}
    seen: dict[int, set[str]] = {position: set() for position in columns}
    for row in table.rows() if columns else ():
        for position, f in columns.items():
            cell = row.cells[position].strip()
            if not cell or cell in seen[position] or len(known[position]) > MOST:
                continue
            seen[position].add(cell)
            for text in _parts(f, cell):
                if len(text) <= LABEL and text.isprintable() and choose[position](text) not in f.choices():
                    known[position].setdefault(fold(text), text)
    return {position: list(found.values()) for position, found in known.items() if found}


def _parts(f: Field, cell: str) -> Iterable[str]:
    parts = cells.SEVERAL.split(cell) if f.kind == "choices" else [cell]
    return [part.strip() for part in parts if part.strip()]


def _key(text: str, taken: set[str]) -> str:
    """A key of its own for a new option."""
    stem = key_of(text, "_")[:60] or "option"
    key, n = stem, 1
    while key in taken:
        n += 1
        key = f"{stem}_{n}"
    taken.add(key)
    return key
