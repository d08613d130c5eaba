"""Kinds of time: a day, and an instant. What a period is: core.periods."""

import re
from datetime import UTC, date, datetime, time
from functools import lru_cache

from babel.dates import format_date, format_time
from django.db import models
from django.db.models import Value
from django.utils.translation import gettext as _

from core import context
from core.kinds.kind import EQUALITY, ORDER, Kind, locale


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
        if field.custom and field.expression is None and op != "empty":
            value = [v.isoformat() for v in value] if op == "in" else value.isoformat()
            return super().condition(field, op, value)
        return super().condition(field, op, value)

    def _operand(self, value):
        return Value(value) if isinstance(value, str) else Value(value, output_field=models.DateField())

    def text(self, field, value, currency=""):
        return _day(value, locale()) if value else ""


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
            if not 2 <= at.year <= 9998:  # every zone can show it then
                raise ValueError
            return at.astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValueError(_("Enter a date and time as YYYY-MM-DDTHH:MM.")) from None

    def to_json(self, field, value):
        if not value:
            return None
        at = value if value.tzinfo is UTC else value.astimezone(UTC)
        # A company's own are sorted and compared as this text, so all of them have the same places.
        return at.isoformat(timespec="microseconds" if field.custom else "auto")[:-6] + "Z"

    def from_json(self, field, value):
        return datetime.fromisoformat(value) if value else None

    def to_form(self, field, value):
        return value.astimezone(context.company().zone).replace(tzinfo=None).isoformat(timespec="minutes") if value else ""

    def sort_expr(self, field):
        return self.expr(field)

    def condition(self, field, op, value):
        if field.custom and field.expression is None and op != "empty":
            value = [self.to_json(field, v) for v in value] if op == "in" else self.to_json(field, value)
            return super().condition(field, op, value)
        return super().condition(field, op, value)

    def _operand(self, value):
        return Value(value) if isinstance(value, str) else Value(value, output_field=models.DateTimeField())

    def text(self, field, value, currency=""):
        if not value:
            return ""
        here = value.astimezone(context.company().zone)
        return f"{_day(here.date(), locale())} {_minute(here.time().replace(second=0, microsecond=0), locale())}"  # seconds say nothing to people


@lru_cache(maxsize=4096)
def _day(day: date, language: str) -> str:
    return format_date(day, "medium", locale=language)


@lru_cache(maxsize=4096)
def _minute(at: time, language: str) -> str:
    return format_time(at, "short", locale=language)
