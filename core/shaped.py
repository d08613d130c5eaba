"""What the bound company made of its types: sorts of records, rules of their forms, layouts. One query for all of it and each edition of the set-up.

What these mean, ``core.record_types``, ``core.form_rules`` and ``core.layouts`` know.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import F, Value
from django.db.models.functions import JSONObject
from django.utils.translation import gettext_lazy as _

from core import context, edition, prepared
from core.labels import in_language
from core.models import CustomField, FormRule, Layout, RecordType
from core.registry import Field, ObjectType

RECORD_TYPE = "record_type"  # the field that says of which sort a record is


@dataclass(frozen=True)
class Sort:
    """A record type. ``choices`` are the options left of each choice field it names; an archived one is no longer chosen."""

    key: str
    label: Any
    choices: dict[str, list[str]]
    is_default: bool = False
    archived: bool = False


@dataclass(frozen=True)
class Condition:
    """A rule of a form: what becomes of its fields where its condition holds."""

    name: str
    condition: Any
    effect: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Made:
    """A layout as it is stored."""

    id: str
    version: int
    role: str
    record_type: str
    content: dict[str, Any]


@dataclass(frozen=True)
class Shaped:
    sorts: tuple[Sort, ...] = ()
    conditions: tuple[Condition, ...] = ()
    layouts: tuple[Made, ...] = ()


NOTHING = Shaped()
SORT = {name: F(name) for name in ("key", "label", "labels", "position", "is_default", "choices", "archived_at")}
RULE = {name: F(name) for name in ("name", "condition", "effect", "fields")}
LAYOUT = {name: F(name) for name in ("id", "version", "role_id", "record_type", "content")}


def of(object_type: ObjectType) -> Shaped:
    """Cost: one query for the first type of an edition of the set-up, none after it."""
    return edition.keep("shaped", _read).get(object_type.slug, NOTHING)


def _read() -> dict[str, Shaped]:
    grouped: dict[str, dict[str, list]] = {}
    for what, slug, said in ALL.rows() if context.company_or_none() is not None else ():
        grouped.setdefault(slug, {"sort": [], "rule": [], "layout": []})[what].append(said)
    return {slug: Shaped(_sorts(found["sort"]), _rules(found["rule"]), _layouts(found["layout"])) for slug, found in grouped.items()}


def _rows(rows: Any, what: str, columns: dict[str, F]) -> Any:
    return rows.order_by().annotate(_what=Value(what), _said=JSONObject(**columns)).values_list("_what", "type", "_said")


def _all() -> Any:
    rules = FormRule.objects.filter(active=True, archived_at=None)
    layouts = Layout.objects.filter(archived_at=None)
    return _rows(RecordType.objects.all(), "sort", SORT).union(_rows(rules, "rule", RULE), _rows(layouts, "layout", LAYOUT), all=True)


ALL = prepared.Prepared(_all)


def _sorts(rows: list[dict]) -> tuple[Sort, ...]:
    rows = sorted(rows, key=lambda r: (r["position"], r["label"], r["key"]))
    return tuple(Sort(r["key"], in_language(r["label"], r["labels"]), r["choices"] or {}, r["is_default"], r["archived_at"] is not None) for r in rows)


def _rules(rows: list[dict]) -> tuple[Condition, ...]:
    return tuple(Condition(r["name"], r["condition"], r["effect"], tuple(r["fields"] or ())) for r in sorted(rows, key=lambda r: r["name"]))


def _layouts(rows: list[dict]) -> tuple[Made, ...]:
    return tuple(Made(r["id"], r["version"], r["role_id"] or "", r["record_type"], r["content"]) for r in rows)


def record_type_field(object_type: ObjectType) -> dict[str, Field]:
    """The field by which a record says of which sort it is, where its type has several. Archived ones are still told."""
    sorts = of(object_type).sorts
    if not sorts:
        return {}
    first = next((s.key for s in sorts if s.is_default and not s.archived), None)
    options = tuple((s.key, s.label) for s in sorts)
    made = Field(RECORD_TYPE, "choice", _("Record type"), options=options, custom=True, path=RECORD_TYPE, default=first, max_length=41)
    return {RECORD_TYPE: made}


def archived_fields(object_type: ObjectType) -> set[str]:
    """Keys of the company's own fields of a type that are archived. Cost: one query."""
    return set(CustomField.objects.filter(type=object_type.slug).exclude(archived_at=None).values_list("key", flat=True))
