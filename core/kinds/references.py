"""Kinds that point to records: of one type, of several, of any, and a place in a tree. Whether the record is seen: core.cleaning."""

import re
from uuid import UUID

from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q, Value, lookups
from django.db.models.fields.json import KT, KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, NullIf
from django.utils.translation import gettext as _

from core.kinds.choices import listed
from core.kinds.kind import CONTROL, EQUALITY, KINDS, Kind, LookedUp


def held_id(field):
    """The id that a company's own reference holds, seen from inside the rows it refers to."""
    return Cast(KeyTextTransform(field.name, OuterRef("custom")), models.UUIDField())


class Ref(Kind):
    """A reference to a record of ``field.target``, by id. Whether the actor may see it, ``core.write`` asks."""

    name = "ref"
    ops = EQUALITY
    cast, empty, widget = None, None, "lookup"
    schema = {"type": "string", "format": "uuid"}

    def clean(self, field, value):
        if isinstance(value, dict):  # as it was read: {"id", "label", "url"}
            value = value.get("id")
        if isinstance(value, UUID):
            return value
        try:
            if not isinstance(value, str) or len(value.strip()) not in (32, 36):
                raise ValueError
            return UUID(value.strip())
        except ValueError:
            raise ValueError(_("Choose a record from the list.")) from None

    def to_json(self, field, value):
        return str(value) if value else None

    def from_json(self, field, value):
        return UUID(value) if value else None

    def expr(self, field):
        if field.expression is not None:
            return field.expression
        return KT(f"custom__{field.name}") if field.custom else F(field.path)

    def sort_expr(self, field):
        return NullIf(F(field.sort_path), Value("")) if field.sort_path else self.expr(field)

    def any_of(self, field, rows):
        """Whether one of a company's own references is among these rows, seen from outside of them.

        Said twice, so that an index leads either way: from a record to what it refers to, and from few of those to all that refer to them.
        """
        held = KeyTextTransform(field.name, OuterRef("custom"))
        return Exists(rows.alias(_text=Cast("pk", models.CharField())).filter(pk=held_id(field), _text=held))

    def condition(self, field, op, value):
        if field.expression is not None:
            return self._looked_up(field, op, value)
        if op == "empty":
            return super().condition(field, op, value) if field.custom else Q(**{f"{field.path}__isnull": value})
        if field.custom:
            return super().condition(field, op, [str(v) for v in value] if op == "in" else str(value))
        if op == "in":
            return Q(**{f"{field.path}__in": value})
        return Q(**{field.path: value}) if op == "eq" else ~Q(**{field.path: value}) | Q(**{f"{field.path}__isnull": True})

    def _looked_up(self, field, op, value):
        if op == "empty":
            return Q(lookups.IsNull(field.expression, value))
        if isinstance(field.expression, LookedUp) and op in ("eq", "in") and value:
            return field.expression.among(value if op == "in" else [value])
        if op == "in":
            return Q(lookups.In(field.expression, value)) if value else Q(pk__in=[])
        test = Q(lookups.Exact(field.expression, Value(value, output_field=models.UUIDField())))
        return test if op == "eq" else ~test | Q(lookups.IsNull(field.expression, True))


class RefOrNew(Ref):
    """An input of an act: a record there is, by its id, or the fields of a new one; where ``options`` names NONE, also ``False`` for none.

    Nothing given is None, and means what the act says. Whether a new one may be made with these fields, making it decides.
    """

    name = "refnew"
    ops, sorts = (), False
    schema = {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "object"}, {"type": "boolean", "const": False}, {"type": "null"}]}
    NONE = "none"  # as a form sends it

    def clean(self, field, value):
        if value is False or value == self.NONE:
            if field.options:
                return False
            raise ValueError(_("Choose a record, or give the fields of a new one."))
        if isinstance(value, dict) and not ("id" in value and value.keys() <= {"id", "label", "url"}):
            return value
        try:
            return super().clean(field, value)
        except ValueError:
            raise ValueError(_("Choose a record, or give the fields of a new one.")) from None


class Within(Ref):
    """A place in a tree or anything below it. ``field.options(id)`` is the condition; nothing else is asked of it."""

    name = "within"
    ops, sorts = ("eq",), False

    def condition(self, field, op, value):
        return field.options(value)


class User(Ref):
    """A reference to a person of the company."""

    name = "user"


class Refs(Ref):
    """References to several records. ``eq`` asks whether one is among them."""

    name = "refs"
    empty, sorts, widget = [], False, "checkboxes"
    schema = {"type": "array", "items": {"type": "string", "format": "uuid"}}

    def clean(self, field, value):
        if isinstance(value, str):
            value = [part for part in re.split(r"[,;，；]", value) if part.strip()]
        if not isinstance(value, list | tuple):
            raise ValueError(_("Enter a list."))
        return list(dict.fromkeys(super(Refs, self).clean(field, v) for v in value))

    def is_empty(self, value):
        return not value

    def to_json(self, field, value):
        return [str(v) for v in value or []]

    def to_form(self, field, value):
        return ",".join(str(v) for v in value or [])

    def text(self, field, value, currency=""):
        return ", ".join(str(v) for v in value or [])

    def from_json(self, field, value):
        return [UUID(v) for v in value]

    def expr(self, field):
        return KeyTransform(field.name, "custom") if field.custom and field.expression is None else super().expr(field)

    def any_of(self, field, rows):
        """Whether one of a company's own references is among these rows, which are looked up by their ids however many they are."""
        held = KeyTransform(field.name, OuterRef("custom"))
        is_held = Func(
            F("pk"), held, template="(%(expressions)s)::uuid)))", arg_joiner=" = ANY (ARRAY(SELECT jsonb_array_elements_text(",
            output_field=models.BooleanField(),
        )  # fmt: skip
        return Exists(rows.filter(is_held))

    def condition(self, field, op, value):
        if field.custom:
            return listed(field, op, value)
        through = field.model._meta.get_field(field.path)
        if op == "empty":  # by a subquery: a join would show a record once for each reference
            some = Q(pk__in=through.remote_field.through.objects.values(f"{through.m2m_field_name()}_id"))
            return ~some if value else some
        among = [value] if op in ("eq", "ne") and not isinstance(value, list) else value
        rows = through.remote_field.through.objects.filter(**{f"{through.m2m_reverse_field_name()}__in": among})
        test = Q(pk__in=rows.values(f"{through.m2m_field_name()}_id"))
        return ~test if op == "ne" else test


class File(Ref):
    """A file somebody brought, by its id. Who sees it: core.files."""

    name = "file"
    widget = "file"
    sorts = False


class Image(File):
    """A file that is a picture, and shown as one."""

    name = "image"


class AnyRef(Kind):
    """A reference to a record of any type: ``{"type": slug, "id": id}``, in the columns ``<path>_type`` and ``<path>_id``."""

    name = "anyref"
    ops = ("eq", "ne", "in", "empty")
    empty, sorts, widget = None, False, "anyref"
    schema = {"type": "object", "properties": {"type": {"type": "string"}, "id": {"type": "string", "format": "uuid"}}}

    def clean(self, field, value):
        """``(slug, id)``; a filter may bring the id alone, then the slug is empty."""
        if isinstance(value, tuple):
            return value
        if isinstance(value, str) and ":" in value:
            slug, _colon, ident = value.partition(":")
            value = {"type": slug, "id": ident}
        if isinstance(value, str | UUID):
            return ("", KINDS["ref"].clean(field, value))
        slug = value.get("type") if isinstance(value, dict) else None
        if not isinstance(slug, str) or len(slug) > 60 or CONTROL.search(slug):
            raise ValueError(_("Name the record by its type and id."))
        return (slug, KINDS["ref"].clean(field, value.get("id")))

    def to_json(self, field, value):
        return {"type": value[0], "id": str(value[1])} if value else None

    def to_form(self, field, value):
        return f"{value[0]}:{value[1]}" if value else ""

    def condition(self, field, op, value):
        if op == "empty":
            return Q(**{f"{field.path}_id__isnull": value})
        tests = Q(pk__in=[])
        for slug, ident in value if op == "in" else [value]:
            tests |= Q(**{f"{field.path}_id": ident, **({f"{field.path}_type": slug} if slug else {})})
        return ~tests if op == "ne" else tests
