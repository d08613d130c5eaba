"""Kinds of field. A kind owns everything about one sort of value: cleaning, JSON, SQL, lookups, text, schema.

Nothing else branches on a kind. A declared column and a company's own field (a key of ``custom``) differ in ``expr``
alone. ``clean`` raises ValueError with a sentence; who asked turns it into an error at the field.
"""

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import phonenumbers
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal, format_percent
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.db import models
from django.db.models import F, Func, Q, Value, lookups
from django.db.models.fields.json import KT
from django.db.models.functions import NullIf
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from core import context
from core.collation import fold
from core.money import plain

KINDS: dict[str, "Kind"] = {}
EQUALITY = ("eq", "ne", "in", "empty")
ORDER = ("lt", "lte", "gt", "gte")
TEXTUAL = (*EQUALITY, *ORDER, "contains", "starts")
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
COMPARE = {
    "eq": lookups.Exact, "lt": lookups.LessThan, "lte": lookups.LessThanOrEqual, "gt": lookups.GreaterThan,
    "gte": lookups.GreaterThanOrEqual, "contains": lookups.IContains, "starts": lookups.IStartsWith, "in": lookups.In,
}  # fmt: skip


def locale() -> str:
    """The reader's language as Babel spells it."""
    return "zh_Hans_CN" if (get_language() or "").lower().startswith("zh") else "en"


class Kind:
    """Behaviour of one sort of value. ``field`` is a ``registry.Field``."""

    name = ""
    ops: tuple[str, ...] = TEXTUAL
    cast: str | None = None  # the SQL type a custom value's text is cast to, so that it sorts and sums as what it is
    output: models.Field = models.TextField()
    empty: Any = ""  # what a declared column holds when there is nothing
    sums = False
    sorts = True
    widget = "text"
    schema: dict = {"type": "string"}

    def __init_subclass__(cls):
        if cls.name:
            KINDS[cls.name] = cls()

    # values
    def clean(self, field, value: Any) -> Any:
        """The value as Python holds it, from JSON, a form or a file; ValueError with a sentence where it cannot be one."""
        if isinstance(value, bool | list | dict | float):
            raise ValueError(_("Enter text."))
        text = str(value)
        if CONTROL.search(text):
            raise ValueError(_("Remove the control characters."))
        text = text.strip()
        if field.max_length and len(text) > field.max_length:
            raise ValueError(_("Enter at most %(n)d characters.") % {"n": field.max_length})
        return text

    def is_empty(self, value: Any) -> bool:
        return value is None or value == "" or value == []

    def to_json(self, field, value: Any) -> Any:
        """The value as the contract writes it."""
        return value

    def from_json(self, field, value: Any) -> Any:
        """The value back from ``custom``; it was cleaned when it was stored."""
        return value

    def from_form(self, field, text: str) -> Any:
        return text

    def to_form(self, field, value: Any) -> str:
        return "" if value is None else str(self.to_json(field, value))

    def text(self, field, value: Any, currency: str = "") -> str:
        """The value as its reader sees it, in the reader's language."""
        return "" if value is None else str(value)

    # SQL
    def expr(self, field):
        """The one SQL expression of this field: filters, sorts, sums and indexes all use it."""
        if field.expression is not None:
            return field.expression
        if not field.custom:
            return F(field.path)
        text = KT(f"custom__{field.name}")
        return Func(text, template=f"(%(expressions)s)::{self.cast}", output_field=self.output) if self.cast else text

    def sort_expr(self, field):
        """What a list is ordered by; empty text counts as nothing, so that it comes last."""
        if field.sort_path and not field.custom:
            return NullIf(F(field.sort_path), Value(""))
        if isinstance(self.output, models.TextField):
            return NullIf(self.expr(field), Value(""), output_field=models.TextField())
        return self.expr(field)

    def condition(self, field, op: str, value: Any) -> Q:
        """``field op value`` as SQL. ``value`` is cleaned, a list of cleaned ones for ``in``, a bool for ``empty``."""
        expr = self.expr(field)
        if op == "empty":
            test = Q(lookups.IsNull(expr, True))
            if self.empty == "":
                test |= Q(lookups.Exact(expr, Value("")))
            return test if value else ~test
        if op == "ne":
            return ~Q(lookups.Exact(expr, self._operand(value))) | Q(lookups.IsNull(expr, True))
        if op == "in":
            return Q(lookups.In(expr, [self._plain_operand(v) for v in value])) if value else Q(pk__in=[])
        if op in ("contains", "starts"):
            return Q(COMPARE[op](expr, value))
        return Q(COMPARE[op](expr, self._operand(value)))

    def _plain_operand(self, value):
        return value

    def _operand(self, value):
        return Value(self._plain_operand(value), output_field=self.output)


class Text(Kind):
    name = "text"


class LongText(Kind):
    name = "longtext"
    widget = "textarea"


class Number(Kind):
    name = "number"
    ops = (*EQUALITY, *ORDER)
    cast, output, empty, sums = "numeric", models.DecimalField(max_digits=30, decimal_places=10), None, True
    widget = "number"
    schema = {"type": "string", "format": "decimal"}
    whole_digits, places = 18, 6

    def clean(self, field, value):
        if isinstance(value, bool | list | dict):
            raise ValueError(_("Enter a number."))
        try:
            number = Decimal(str(value).strip())
        except InvalidOperation:
            raise ValueError(_("Enter a number.")) from None
        if not number.is_finite():
            raise ValueError(_("Enter a number."))
        if number and number.adjusted() >= self.whole_digits:
            raise ValueError(_("This number is too large."))
        if number.adjusted() < -40 or -number.normalize().as_tuple().exponent > self.places:
            raise ValueError(_("Enter at most %(n)d decimals.") % {"n": self.places})
        if field.minimum is not None and number < field.minimum:
            raise ValueError(_("Enter at least %(n)s.") % {"n": field.minimum})
        if field.maximum is not None and number > field.maximum:
            raise ValueError(_("Enter at most %(n)s.") % {"n": field.maximum})
        return number + 0  # -0 becomes 0

    def to_json(self, field, value):
        return None if value is None else plain(value)

    def from_json(self, field, value):
        return None if value is None else Decimal(value)

    def text(self, field, value, currency=""):
        return "" if value is None else format_decimal(value, format="#,##0.######", locale=locale())


class Integer(Number):
    name = "integer"
    output = models.DecimalField(max_digits=30, decimal_places=0)
    schema = {"type": "integer"}
    whole_digits, places = 15, 0

    def clean(self, field, value):
        return int(super().clean(field, value))

    def to_json(self, field, value):
        return value

    def from_json(self, field, value):
        return None if value is None else int(value)


class Money(Number):
    name = "money"
    widget = "money"
    whole_digits, places = 15, 4

    def to_json(self, field, value):
        return None if value is None else plain(value, 2)

    def text(self, field, value, currency=""):
        if value is None:
            return ""
        return format_currency(value, currency or context.company().currency, locale=locale(), decimal_quantization=value == round(value, 2))


class Percent(Number):
    """A fraction. People type and read it in percent; the API and files carry the fraction, files also take ``15%``."""

    name = "percent"
    widget = "percent"
    whole_digits, places = 3, 6

    def clean(self, field, value):
        if isinstance(value, str) and value.strip().endswith("%"):
            try:
                value = Decimal(value.strip()[:-1].strip()) / 100
            except InvalidOperation:
                raise ValueError(_("Enter a number.")) from None
        return super().clean(field, value)

    def from_form(self, field, text):
        return text if not text.strip() or text.strip().endswith("%") else f"{text.strip()}%"

    def to_form(self, field, value):
        return "" if value is None else plain(value * 100)

    def text(self, field, value, currency=""):
        return "" if value is None else format_percent(value, format="#,##0.####%", locale=locale())


class Date(Kind):
    name = "date"
    ops = (*EQUALITY, *ORDER)
    empty, widget = None, "date"  # a company's own are ISO text, which sorts as dates do and needs no cast in its index
    schema = {"type": "string", "format": "date"}

    def clean(self, field, value):
        if isinstance(value, datetime):
            raise ValueError(_("Enter a date as YYYY-MM-DD."))
        if isinstance(value, date):
            return value
        try:
            text = str(value).strip()
            if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
                raise ValueError
            return date.fromisoformat(text)
        except ValueError:
            raise ValueError(_("Enter a date as YYYY-MM-DD.")) from None

    def to_json(self, field, value):
        return value.isoformat() if value else None

    def from_json(self, field, value):
        return date.fromisoformat(value) if value else None

    def sort_expr(self, field):
        return self.expr(field)

    def condition(self, field, op, value):
        if field.custom and op != "empty":
            value = [v.isoformat() for v in value] if op == "in" else value.isoformat()
            return super().condition(field, op, value)
        return super().condition(field, op, value)

    def _operand(self, value):
        return Value(value) if isinstance(value, str) else Value(value, output_field=models.DateField())

    def text(self, field, value, currency=""):
        return format_date(value, "medium", locale=locale()) if value else ""


class DateTime(Kind):
    """An instant. Stored in UTC; one typed without an offset is in the company's time zone."""

    name = "datetime"
    ops = (*EQUALITY, *ORDER)
    empty, widget = None, "datetime"
    schema = {"type": "string", "format": "date-time"}

    def clean(self, field, value):
        try:
            text = str(value).strip()
            if not isinstance(value, datetime) and not re.match(r"\d{4}-\d\d-\d\d", text, re.ASCII):
                raise ValueError
            at = value if isinstance(value, datetime) else datetime.fromisoformat(text)
            at = at if at.tzinfo else at.replace(tzinfo=context.company().zone)
            return at.astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValueError(_("Enter a date and time as YYYY-MM-DDTHH:MM.")) from None

    def to_json(self, field, value):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value else None

    def from_json(self, field, value):
        return datetime.fromisoformat(value) if value else None

    def to_form(self, field, value):
        return value.astimezone(context.company().zone).strftime("%Y-%m-%dT%H:%M") if value else ""

    def sort_expr(self, field):
        return self.expr(field)

    def condition(self, field, op, value):
        if field.custom and op != "empty":
            value = [self.to_json(field, v) for v in value] if op == "in" else self.to_json(field, value)
            return super().condition(field, op, value)
        return super().condition(field, op, value)

    def _operand(self, value):
        return Value(value) if isinstance(value, str) else Value(value, output_field=models.DateTimeField())

    def text(self, field, value, currency=""):
        return format_datetime(value, "medium", tzinfo=context.company().zone, locale=locale()) if value else ""


class YesNo(Kind):
    name = "yesno"
    ops = EQUALITY
    cast, output, empty, widget = "boolean", models.BooleanField(), None, "checkbox"
    schema = {"type": "boolean"}

    def clean(self, field, value):
        if isinstance(value, bool):
            return value
        known = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False, "on": True, "是": True, "否": False}
        found = known.get(str(value).strip().lower())
        if found is None:
            raise ValueError(_("Answer yes or no."))
        return found

    def sort_expr(self, field):
        return self.expr(field)

    def text(self, field, value, currency=""):
        return "" if value is None else _("Yes") if value else _("No")


class Choice(Kind):
    name = "choice"
    ops = EQUALITY
    widget = "select"

    def clean(self, field, value):
        options = field.choices()
        if isinstance(value, str) and value in options:
            return value
        folded = fold(str(value))
        for key, label in options.items():  # a file may bring the label, or the key in another case
            if folded in (fold(key), fold(str(label))):
                return key
        raise ValueError(_("“%(value)s” is not one of the choices.") % {"value": str(value)[:60]})

    def text(self, field, value, currency=""):
        return str(field.choices().get(value, value)) if value else ""


class Code(Choice):
    """A code of an international standard; its options are known to all and labelled in the reader's language."""

    name = "code"


class Choices(Kind):
    """Several choices. ``eq`` asks whether a value is among them."""

    name = "choices"
    ops = ("eq", "ne", "in", "contains", "empty")
    empty, sorts, widget = [], False, "checkboxes"
    schema = {"type": "array", "items": {"type": "string"}}

    def clean(self, field, value):
        if isinstance(value, str):
            value = [part for part in re.split(r"[,;，；]", value) if part.strip()]
        if not isinstance(value, list | tuple):
            raise ValueError(_("Enter a list."))
        return list(dict.fromkeys(KINDS["choice"].clean(field, v.strip() if isinstance(v, str) else v) for v in value))

    def is_empty(self, value):
        return not value

    def to_json(self, field, value):
        return list(value or [])

    def from_form(self, field, text):
        return text

    def to_form(self, field, value):
        return ",".join(value or [])

    def condition(self, field, op, value):
        if op == "empty":
            test = Q(**{field.path: []})
            return test if value else ~test
        if op == "in":
            return Q(**{f"{field.path}__overlap": value}) if value else Q(pk__in=[])
        test = Q(**{f"{field.path}__contains": value if isinstance(value, list) else [value]})
        return ~test if op == "ne" else test

    def text(self, field, value, currency=""):
        options = field.choices()
        return ", ".join(str(options.get(v, v)) for v in value or [])


class Words(Choices):
    """A list of free words."""

    name = "words"
    widget = "text"

    def clean(self, field, value):
        if isinstance(value, str):
            value = re.split(r"[,;\s，；]+", value)
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) and len(v) <= 60 and not CONTROL.search(v) for v in value):
            raise ValueError(_("Enter a list of words."))
        return list(dict.fromkeys(v.strip() for v in value if v.strip()))

    def text(self, field, value, currency=""):
        return ", ".join(value or [])


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
        if op == "in":
            return Q(lookups.In(field.expression, value)) if value else Q(pk__in=[])
        test = Q(lookups.Exact(field.expression, Value(value, output_field=models.UUIDField())))
        return test if op == "eq" else ~test | Q(lookups.IsNull(field.expression, True))


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

    def condition(self, field, op, value):
        if op == "empty":
            return Q(**{f"{field.path}__isnull": value})
        through = field.model._meta.get_field(field.path)
        rows = through.remote_field.through.objects.filter(**{f"{through.m2m_reverse_field_name()}__in": value if op == "in" else value if isinstance(value, list) else [value]})
        test = Q(pk__in=rows.values(f"{through.m2m_field_name()}_id"))
        return ~test if op == "ne" else test


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
        if not isinstance(value, dict) or not isinstance(value.get("type"), str) or len(value["type"]) > 60 or CONTROL.search(value["type"]):
            raise ValueError(_("Name the record by its type and id."))
        return (value["type"], KINDS["ref"].clean(field, value.get("id")))

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


class Email(Text):
    name = "email"
    widget = "email"
    schema = {"type": "string", "format": "email"}

    def clean(self, field, value):
        text = super().clean(field, value)
        try:
            validate_email(text)
        except ValidationError:
            raise ValueError(_("Enter an e-mail address, such as name@example.com.")) from None
        return text


class Phone(Text):
    """E.164 where it parses in the company's country; otherwise as typed."""

    name = "phone"
    widget = "tel"

    def clean(self, field, value):
        text = super().clean(field, value)
        try:
            number = phonenumbers.parse(re.sub("转|分机", "x", text), context.company().country)
            if phonenumbers.is_valid_number(number):
                extension = f";ext={number.extension}" if number.extension else ""
                return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) + extension
        except phonenumbers.NumberParseException:
            return text
        return text


class Url(Text):
    name = "url"
    widget = "url"
    schema = {"type": "string", "format": "uri"}

    def clean(self, field, value):
        text = super().clean(field, value)
        text = text if re.match(r"[a-z][a-z0-9+.-]*:", text, re.I) and not re.match(r"[^:]+:\d", text) else f"https://{text}"
        try:
            URLValidator(schemes=["http", "https"])(text)
        except ValidationError:
            raise ValueError(_("Enter a web address, such as https://example.com.")) from None
        return text


class Secret(Kind):
    """Written, never read: a password. ``core.write`` hashes it through the record's ``set_password``."""

    name = "secret"
    ops, sorts, widget = (), False, "password"

    def clean(self, field, value):
        if not isinstance(value, str) or not 1 <= len(value) <= 128 or "\x00" in value:
            raise ValueError(_("Enter a password of at most 128 characters."))
        return value

    def to_json(self, field, value):
        return None

    def to_form(self, field, value):
        return ""


class Json(Kind):
    """Structured data of the set-up: options, filters. Its shape is its type's own check."""

    name = "json"
    ops, sorts, empty, widget = ("empty",), False, None, "json"
    schema: dict = {}

    def clean(self, field, value):
        if isinstance(value, str):
            try:
                return json.loads(value) if value.strip() else None
            except ValueError:
                raise ValueError(_("Enter valid JSON.")) from None
        if len(json.dumps(value)) > 100_000 or "\\u0000" in json.dumps(value):
            raise ValueError(_("This value is too long."))
        return value

    def to_form(self, field, value):
        return "" if value in (None, []) else json.dumps(value, ensure_ascii=False)

    def text(self, field, value, currency=""):
        return self.to_form(field, value)
