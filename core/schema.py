"""The fields of a type for the bound company: what every record has, what the type declares, what the company added.

Callers never learn which of the three a field is. Cost: one query for each type and use-case (context.memo).
"""

from django.utils.translation import gettext_lazy as _

from core import context
from core.labels import in_language
from core.models import CustomField, OwnedRecord, Record
from core.registry import Field, ObjectType, derive
from core.shaped import record_type_field

FIELD_LIMIT = 200
TEXT = 600  # characters of a company's own text: four bytes each still fit an index entry


def _common(object_type: ObjectType) -> dict[str, Field]:
    """Fields of every record: id, owner's unit, version and stamps."""
    model = object_type.model
    found = {"id": Field("id", "ref", _("Id"), target=object_type.slug, readonly=True, path="pk", model=None)}
    if issubclass(model, OwnedRecord):
        found["unit"] = derive(model, "unit", readonly=True, target="org-units", sort_path="unit__sort_key")
    if issubclass(model, Record):
        found |= {name: derive(model, name, readonly=True) for name in ("version", "created_at", "updated_at", "archived_at")}
    return found


def own_fields(object_type: ObjectType) -> tuple[Field, ...]:
    """The company's own fields of a type, in their order; archived ones are left out. Cost: see above."""
    return own_fields_of(object_type.slug)


def own_fields_of(slug: str) -> tuple[Field, ...]:
    """The same by the type's slug, for who is about to make the type."""
    return tuple(_every_own_field().get(slug, ()))


def pointing(slug: str) -> list[tuple[str, Field]]:
    """The company's own fields that refer to records of this type, each with the slug of its own type. Cost: see above."""
    return [(home, f) for home, found in _every_own_field().items() for f in found if f.target == slug and f.kind in ("ref", "refs")]


def _every_own_field() -> dict[str, list[Field]]:
    memo = context.memo()
    if "custom fields" not in memo:
        grouped: dict[str, list[Field]] = {}
        for row in CustomField.objects.filter(archived_at=None).order_by("position", "created_at", "id")[: FIELD_LIMIT * 20]:
            grouped.setdefault(row.type, []).append(as_field(row))
        memo["custom fields"] = grouped
    return memo["custom fields"]


def as_field(row: CustomField) -> Field:
    """A company's own field as every other one."""
    return Field(
        name=row.key, kind=row.kind, label=in_language(row.label, row.labels), required=row.required, unique=row.unique,
        help=in_language(row.help, row.helps), custom=True, minimum=row.minimum, maximum=row.maximum,
        options=tuple((o["key"], in_language(o["label"], o.get("labels"))) for o in row.options or ()), default=row.default, path=row.key,
        target="users" if row.kind == "user" else row.target, max_length={"text": TEXT, "longtext": 100_000}.get(row.kind, 500),
        wide=row.kind == "longtext",
    )  # fmt: skip


def fields(object_type: ObjectType) -> dict[str, Field]:
    """Name -> field, declared ones first. Cost: none after the first type of a use-case."""
    memo = context.memo()
    key = ("fields", object_type.slug)
    if key not in memo:
        own = own_fields(object_type) if issubclass(object_type.model, Record) else ()
        memo[key] = _common(object_type) | record_type_field(object_type) | object_type.fields | {f.name: f for f in own}
    return memo[key]


def forget() -> None:
    """The set-up changed inside this use-case: read it again."""
    context.memo().clear()
