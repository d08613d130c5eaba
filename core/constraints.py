"""Rules the database keeps, said in sentences: uniqueness, checks, ids in use, who points to whom.

A rule that matters is a constraint; this room only finds its words, before the write where that is cheap, after it where
two writers raced.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import IntegrityError
from django.db.models import PROTECT, CheckConstraint, F, Model, Q, UniqueConstraint, lookups
from django.db.models.fields.json import KT
from django.utils.translation import gettext as _

from core import registry, schema, sql
from core.cleaning import Cleaned
from core.errors import RuleError, WrongState
from core.models import CustomField, CustomRecord, Record
from core.registry import Field, ObjectType


def demand_unused_ids(object_type: ObjectType, cleaned: list[Cleaned]) -> None:
    """Ids brought along are UUIDv7 and free; a used one is a conflict (409), as the first try may have arrived."""
    brought = [made.id for made in cleaned if made.id is not None]
    for made in cleaned:
        if made.id is not None and made.id.version != 7:
            made.refuse("id", _("An id that you supply is a UUID of version 7."))
    if len(set(brought)) < len(brought) or (brought and object_type.all().filter(pk__in=brought).exists()):
        raise WrongState(_("A record with this id exists already."))


def unique_sets(object_type: ObjectType) -> list[tuple[str, ...]]:
    """The names of fields whose values together no two records of the type share."""
    found = [_columns(c) for c in object_type.model._meta.constraints if isinstance(c, UniqueConstraint) and not c.condition]
    return [names for names in found if names and all(n in object_type.fields for n in names)]


def _columns(constraint: UniqueConstraint) -> tuple[str, ...]:
    """The columns of a constraint, which Django keeps as fields or, named in passing, as expressions."""
    return constraint.fields or tuple(e.name for e in constraint.expressions if isinstance(e, F))


def refuse_duplicates(object_type: ObjectType, pairs: list[tuple[Record, Cleaned]], changed: dict | None = None) -> None:
    """Say at the field what a unique constraint would refuse. Cost: one query for each constraint of the type."""
    for names in unique_sets(object_type):
        if changed is None or changed.keys() & set(names):
            fields = [object_type.fields[n] for n in names]
            _refuse(object_type, pairs, names[0], partial(_values, fields), partial(_any_of, fields))
    for f in schema.own_fields(object_type):
        if f.unique and (changed is None or f.name in changed):
            _refuse(object_type, pairs, f.name, partial(_stored, f), partial(_any_stored, f))


def _values(fields: list[Field], record: Record) -> tuple:
    return tuple(f.value(record) for f in fields)


def _stored(own: Field, record: Record) -> tuple:
    return (record.custom.get(own.name),)


def _any_stored(own: Field, values: set[tuple]) -> Q:
    return own.rules.condition(own, "in", [own.rules.from_json(own, value) for (value,) in values])


def _any_of(fields: list[Field], values: set[tuple]) -> Q:
    if len(fields) == 1:
        return Q(**{f"{fields[0].path}__in": [v[0] for v in values]})
    found = Q(pk__in=[])
    for value in values:
        found |= Q(**{f.path: v for f, v in zip(fields, value, strict=True)})
    return found


def _refuse(object_type: ObjectType, pairs, name: str, key, matching) -> None:
    keys = [(record, made, key(record)) for record, made in pairs]
    asked = {k for _record, _made, k in keys if all(v not in (None, "") for v in k)}
    if not asked:
        return
    taken: dict[Any, set] = {}
    for row in object_type.all().filter(matching(asked)):
        taken.setdefault(key(row), set()).add(row.pk)
    seen: set = set()
    for record, made, k in keys:
        if k in asked and (taken.get(k, set()) - {record.pk} or k in seen):
            made.refuse(name, _("Another record has this value already."))
        seen.add(k)


@contextmanager
def named(object_type: ObjectType) -> Iterator[None]:
    """Turn a broken constraint into the sentence at its field; the transaction is over then and rolls back."""
    try:
        yield
    except IntegrityError as error:
        name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""
        raise _sentence(object_type, name) from error


def _sentence(object_type: ObjectType, name: str) -> Exception:
    models = [object_type.model, *(entry.model for entry in object_type.lines)]
    for constraint in (c for model in models for c in model._meta.constraints):
        if constraint.name != name:
            continue
        if isinstance(constraint, UniqueConstraint):
            return RuleError({next(iter(_columns(constraint)), "_"): [_("Another record has this value already.")]})
        if isinstance(constraint, CheckConstraint):
            return RuleError({"_": [str(constraint.violation_error_message)]})
    for f in schema.own_fields(object_type):
        if name == sql.OwnIndex(object_type.model._meta.db_table, f.name, among=tuple(object_type.among.items())).name("u"):
            return RuleError({f.name: [_("Another record has this value already.")]})
    if name.endswith("_pkey"):
        return WrongState(_("A record with this id exists already."))
    return WrongState(_("Another record refers to this one, or changed at the same moment. Try again."))


def _pointing(model: type[Model]) -> list[Any]:
    """The references to rows of this table, from whatever table."""
    return [r for r in model._meta.get_fields(include_hidden=True) if r.auto_created and r.is_relation and not r.concrete]


def stand_alone(model: type[Model]) -> bool:
    """Whether nothing goes with a row of this table: ``pointed_to`` then knows all that keeps it."""
    return all(r.one_to_many and r.on_delete is PROTECT for r in _pointing(model))


def pointed_to(object_type: ObjectType, ids: list) -> set:
    """Those of these records that another one refers to, by a declared reference or a company's own. Cost: a query for each way, whatever their number."""
    found, by_text = set(), {str(ident): ident for ident in ids}
    for relation in _pointing(object_type.model):
        if relation.one_to_many and relation.on_delete is PROTECT:
            rows = relation.related_model._base_manager.filter(**{f"{relation.field.name}__among": by_text})
            found |= set(rows.values_list(relation.field.attname, flat=True).distinct())
        if relation.many_to_many:
            column = relation.field.m2m_reverse_field_name()
            found |= set(relation.through.objects.filter(**{f"{column}__among": by_text}).values_list(f"{column}_id", flat=True).distinct())
    for other in registry.every():
        for f in other.fields.values():
            if f.kind == "anyref" and not other.rows:
                rows = other.all().filter(**{f"{f.path}_type": object_type.slug, f"{f.path}_id__among": by_text})
                found |= set(rows.values_list(f"{f.path}_id", flat=True).distinct())
    own = Q(target=object_type.slug, kind__in=("ref", "refs")) | (Q(kind="user") if object_type.slug == "users" else Q(pk__in=[]))
    for row in CustomField.objects.filter(own):
        other = registry.get(row.type)
        one = Q(**{f"custom__{row.key}__has_any_keys": list(by_text)}) if row.kind == "refs" else Q(lookups.In(KT(f"custom__{row.key}"), list(by_text)))
        rows = other.all() if other else CustomRecord.objects.filter(object=row.type)  # none of an object that is archived: its records are there all the same
        for value in rows.filter(one).values_list(f"custom__{row.key}", flat=True):
            found |= {by_text[text] for text in (value if isinstance(value, list) else [value]) if text in by_text}
    return found
