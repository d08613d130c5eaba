"""Record types: several sorts of records of one type, each with its own layout and its own options to choose from.

``demand_sort`` is asked by ``core.write`` about every record it stores; ``check`` and ``changed`` are the hooks of the type itself.
"""

import re
from typing import Any

from django.utils.translation import gettext as _

from core import context, registry, schema, shaped, sql
from core.access import Actor
from core.cleaning import Cleaned
from core.errors import RuleError
from core.labels import wording_errors
from core.models import RecordType
from core.models.record import Record
from core.registry import Field, ObjectType
from core.shaped import RECORD_TYPE, Sort

KEY = re.compile(r"[a-z][a-z0-9_]{0,40}", re.ASCII)
CHOOSES = ("choice", "choices")


def takes(object_type: ObjectType | None) -> bool:
    """Whether records of this type can be of several sorts: their sort is kept with the company's own fields. The set-up's cannot."""
    return bool(object_type and object_type.writable and hasattr(object_type.model, "custom") and object_type.in_menu and not object_type.is_setup)


def type_choices() -> dict[str, Any]:
    """Slug -> label of the types that can have record types."""
    return {t.slug: t.plural for t in registry.every() if takes(t) and t.rows is None}


def of_record(object_type: ObjectType, record: Record | None) -> Sort | None:
    """The sort a record is of. Cost: none after the first type of a use-case."""
    key = getattr(record, "custom", {}).get(RECORD_TYPE) if record is not None else None
    return next((s for s in shaped.of(object_type).sorts if s.key == key), None) if key else None


def allowed(object_type: ObjectType, key: str, f: Field) -> dict[str, Any]:
    """The options of a choice that a record of this sort may have."""
    options = f.choices()
    if f.name == RECORD_TYPE:
        gone = {s.key for s in shaped.of(object_type).sorts if s.archived}
        return {k: label for k, label in options.items() if k not in gone}
    sort = next((s for s in shaped.of(object_type).sorts if s.key == key), None)
    kept = sort.choices.get(f.name) if sort is not None else None
    return options if kept is None else {k: label for k, label in options.items() if k in kept}


def demand_sort(object_type: ObjectType, record: Record, made: Cleaned, changed: Any) -> None:
    """Say at the field what a record of its sort may not hold, where the field or the sort changes. ``changed`` holds names. Cost: none."""
    sorts = shaped.of(object_type).sorts
    if not sorts:
        return
    known = schema.fields(object_type)
    sort = of_record(object_type, record)
    if RECORD_TYPE in changed and sort is not None and sort.archived:
        made.refuse(RECORD_TYPE, _("“%(label)s” is archived: choose another record type.") % {"label": sort.label})
    for name, kept in sort.choices.items() if sort is not None else ():
        f = known.get(name)
        if f is None or f.kind not in CHOOSES or not ({name, RECORD_TYPE} & set(changed)):
            continue
        value = f.value(record)
        for one in value if isinstance(value, list) else [value]:
            if one and one not in kept:
                told = {"value": f.choices().get(one, one), "sort": sort.label}
                made.refuse(name, _("“%(value)s” is not one of the choices of record type “%(sort)s”.") % told)


def check(actor: Actor, row: RecordType, changed: dict, rows: dict) -> None:
    """A record type's type, key, words and options make sense, and one of them is chosen at first."""
    object_type = registry.get(row.type)
    if not takes(object_type):
        raise RuleError({"type": [_("There is no type “%(slug)s” that takes record types.") % {"slug": row.type[:60]}]})
    errors = wording_errors(labels=row.labels)
    if not KEY.fullmatch(row.key) or "__" in row.key:
        errors["key"] = [_("A key is lower-case letters, digits and single underscores, and begins with a letter.")]
    if problem := _choices_problem(object_type, row.choices):
        errors["choices"] = [problem]
    if row.is_default and row.archived_at is None:
        sql.lock(context.company().id, "record types")
        other = RecordType.objects.filter(type=row.type, is_default=True, archived_at=None).exclude(pk=row.pk).first()
        if other is not None:
            errors["is_default"] = [_("“%(label)s” is chosen at first already: unmark it before.") % {"label": other.label}]
    if errors:
        raise RuleError(errors)


def _choices_problem(object_type: ObjectType, choices: Any) -> str | None:
    known = schema.fields(object_type)
    if not isinstance(choices, dict) or len(choices) > 100:
        return _("Say for each choice field which of its options are left: {\"field\": [\"key\"]}.")
    for name, keys in choices.items():
        f = known.get(name)
        if f is None or f.kind not in CHOOSES or f.readonly or f.name == RECORD_TYPE:
            return _("“%(name)s” is no choice field of %(type)s.") % {"name": str(name)[:60], "type": object_type.plural}
        if not isinstance(keys, list) or not keys or not all(isinstance(k, str) for k in keys):
            return _("Leave at least one option of “%(name)s”.") % {"name": f.label}
        unknown = [k for k in keys if k not in f.choices()]
        if unknown:
            return _("“%(value)s” is no option of “%(name)s”.") % {"value": unknown[0][:60], "name": f.label}
    return None


def changed(actor: Actor, row: RecordType, changes: dict) -> None:
    """The types of the company are read anew. One that comes back, or is made at the same moment, is not a second one chosen at first."""
    schema.forget()
    if "archived_at" in changes and row.archived_at is None and row.is_default:
        check(actor, row, changes, {})
