"""What every kind of field can do, and the plain way to do it. Which kinds there are: the modules beside this one."""

import re
from math import inf
from typing import Any

from django.db import models
from django.db.models import F, Func, OuterRef, Q, QuerySet, Subquery, Value, lookups
from django.db.models.fields.json import KT
from django.db.models.functions import NullIf
from django.utils.translation import get_language
from django.utils.translation import gettext as _

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


class LookedUp(Subquery):
    """What another record says: the one whose id stands in ``column``, as ``_said`` in its ``rows``."""

    def __init__(self, column: str, rows: QuerySet, **extra: Any):
        super().__init__(rows.filter(pk=OuterRef(column)).values("_said")[:1], **extra)
        self.column, self.rows = column, rows

    def among(self, values: list) -> Q:
        """That it says one of these: told of the other records first, where it takes one look, not of each row, where it takes as many looks as rows."""
        said = {"_said": values[0]} if len(values) == 1 else {"_said__in": values}
        return Q(**{f"{self.column}__in": self.rows.filter(**said).values("pk")})


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
    indexed = True  # whether a company's own field of this kind can be made fast, or unique
    parts: dict[str, tuple[Any, str]] = {}  # of a value of several parts: part -> its label and kind, each with a control of its own

    def __init_subclass__(cls):
        if cls.name:
            KINDS[cls.name] = cls()

    # values
    def clean(self, field, value: Any) -> Any:
        """The value as Python holds it, from JSON, a form or a file; ValueError with a sentence where it cannot be one."""
        if type(value) is not str:
            if isinstance(value, bool | list | dict | float):
                raise ValueError(_("Enter text."))
            value = str(value)
        if not value.isprintable() and CONTROL.search(value):
            raise ValueError(_("Remove the control characters."))
        text = value.strip()
        if field.max_length and len(text) > field.max_length:
            raise ValueError(_("Enter at most %(n)d characters.") % {"n": field.max_length})
        return text

    def longest(self, field) -> float:
        """Up to which length ``clean`` leaves any printable text as it is, but for the blanks around it; 0 where the kind looks at more."""
        return field.max_length or inf if type(self).clean is Kind.clean else 0

    def is_empty(self, value: Any) -> bool:
        return value is None or value == "" or value == []

    def to_json(self, field, value: Any) -> Any:
        """The value as the contract writes it."""
        return value

    def from_json(self, field, value: Any) -> Any:
        """The value back from ``custom``; it was cleaned when it was stored."""
        return value

    def from_form(self, field, text: Any) -> Any:
        return text

    def part(self, field, name: str) -> Any:
        """A part of the value as a field of its own, to filter by; none where it has no such part."""
        return None

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
        """What a list is ordered by; empty text counts as nothing, so that it comes last. Where there is none, an index on the column gives the order."""
        if field.custom:
            return self.expr(field)  # nothing is stored where there is nothing, and an index is on this very expression
        if field.sort_path:
            return F(field.sort_path) if field.is_never_blank else NullIf(F(field.sort_path), Value(""))
        if isinstance(self.output, models.TextField):
            return NullIf(self.expr(field), Value(""), output_field=models.TextField())
        return self.expr(field)

    def condition(self, field, op: str, value: Any) -> Q:
        """``field op value`` as SQL. ``value`` is cleaned, a list of cleaned ones for ``in``, a bool for ``empty``."""
        expr, empty = self.expr(field), self.empty
        if isinstance(expr, LookedUp) and op in ("eq", "in") and value:
            return expr.among([self._plain_operand(v) for v in (value if op == "in" else [value])])
        if empty == "" and field.expression is not None and field.compute is not None:
            expr, empty = NullIf(expr, Value(""), output_field=models.TextField()), None  # one that is worked out takes time each time it is named
        if op == "empty":
            test = Q(lookups.IsNull(expr, True))
            if empty == "":
                test |= Q(lookups.Exact(expr, Value("")))
            return test if value else ~test
        if op == "ne":
            return ~Q(lookups.Exact(expr, self._operand(value))) | Q(lookups.IsNull(expr, True))
        if op == "in":
            return self._there(field) & Q(lookups.In(expr, [self._plain_operand(v) for v in value])) if value else Q(pk__in=[])
        if op in ("contains", "starts"):
            return Q(COMPARE[op](expr, value))
        test = self._there(field) & Q(COMPARE[op](expr, self._operand(value)))
        if empty == "" and op in ("lt", "lte"):
            test &= ~Q(lookups.Exact(expr, Value("")))  # nothing is less than no text, as for a field that may be null
        return test

    def _there(self, field) -> Q:
        """That there is a value, where it is unique: the index that keeps it so holds no others, and is used for what says so."""
        return Q(custom__has_key=field.name) if field.custom and field.unique else Q()

    def _plain_operand(self, value):
        return value

    def _operand(self, value):
        return Value(self._plain_operand(value), output_field=self.output)
