"""What of a company's set-up uses one of its own fields in such a way that it would break, or mean something else, were the field of another kind."""

import json
import re
from collections.abc import Iterator
from typing import Any

from django.db import transaction

from core import access, conditions, read, registry, schema
from core.access import Actor
from core.errors import OdosError
from core.models import CustomField, Grant
from core.models.record import Record, permit
from core.registry import ObjectType

USERS = ("custom-fields", "record-types", "form-rules", "rules", "saved-views", "kpis", "watches", "custom-objects")  # rows that may name a field
SAID = {"rules": ("condition",), "form-rules": ("condition",), "custom-fields": ("formula",), "kpis": ("filter",), "watches": ("filter",)}
WORDS = (("choice", "choices"), ("ref", "refs", "user"), ("number", "integer", "money"), ("percent",), ("yesno",))  # kinds that write one thing alike


class _TakenBack(Exception):
    """It was only tried."""


def broken(actor: Actor, own: CustomField, becomes: CustomField) -> list[str]:
    """What would no longer work, by name: what its own check refuses then and not now, and conditions whose words would mean nothing any more.

    Cost: every row of the set-up is read and checked twice. Callers hold a transaction.
    """
    system = access.on_behalf(actor)
    before = dict(_faulty(system, own))
    try:
        with transaction.atomic(), permit():
            CustomField.objects.filter(pk=own.pk).update(**{n: getattr(becomes, n) for n in ("kind", "options", "target", "depends_on")})
            schema.forget()
            after = dict(_faulty(system, own))
            raise _TakenBack
    except _TakenBack:
        schema.forget()
    found = {key: name for key, name in after.items() if key not in before}
    if _speaks_anew(own.kind, becomes.kind):
        found |= dict(_naming(system, own))
    return sorted(dict.fromkeys(found.values()))


def _speaks_anew(old: str, new: str) -> bool:
    """Whether a value written in a condition would be written otherwise then."""
    return any(old in alike and new not in alike for alike in WORDS)


def _rows(own: CustomField) -> Iterator[tuple[ObjectType, Record]]:
    for slug in USERS:
        object_type = registry.types[slug]
        for row in object_type.all().filter(archived_at=None):
            if row.pk != own.pk and (slug != "custom-fields" or row.kind in schema.COMPUTED or row.depends_on == own.key):
                yield object_type, row


def _faulty(system: Actor, own: CustomField) -> Iterator[tuple[Any, str]]:
    """(which, name) of what its own check refuses as things are."""
    for object_type, row in _rows(own):
        told = {} if object_type.slug == "custom-fields" else {n: f.value(row) for n, f in object_type.fields.items() if not f.compute}
        try:
            object_type.check(system, row, told, {})
        except OdosError:
            yield row.pk, read.label(system, object_type, row)
    for grant in Grant.objects.exclude(filter=None).select_related("role"):
        target = registry.get(grant.type)
        try:
            if grant.filter and target is not None:
                conditions.compile(target, grant.filter, conditions.EVERYTHING)
        except OdosError:
            yield grant.pk, grant.role.name


def _naming(system: Actor, own: CustomField) -> Iterator[tuple[Any, str]]:
    """(which, name) of the rows whose conditions name the field."""
    word = re.compile(rf"(?<!\w){re.escape(own.key)}(?!\w)")
    through = re.compile(rf"\.{re.escape(own.key)}(?!\w)")
    for object_type, row in _rows(own):
        said = _said(object_type.slug, row)
        same = getattr(row, "type", own.type) == own.type
        if (word if same else through).search(said):
            yield row.pk, read.label(system, object_type, row)
    for grant in Grant.objects.exclude(filter=None).select_related("role"):
        if (word if grant.type == own.type else through).search(_text(grant.filter)):
            yield grant.pk, grant.role.name


def _said(slug: str, row: Record) -> str:
    """The conditions of a row, as one text."""
    found = [getattr(row, name) for name in SAID.get(slug, ())]
    if slug == "saved-views":
        found.append(row.content.get("filter"))
    if slug == "custom-fields":
        found.append((row.rollup or {}).get("filter"))
    if slug == "kpis":
        found += [part.get("filter") for part in (row.definition, (row.definition or {}).get("per")) if isinstance(part, dict)]
    return " ".join(_text(one) for one in found if one)


def _text(said: Any) -> str:
    return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)


__all__ = ["broken"]
