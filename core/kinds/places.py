"""Kinds whose value has parts: a postal address, and a point on the map. Each part can be filtered by under its own name."""

import json
import re
from decimal import Decimal, InvalidOperation
from types import SimpleNamespace
from typing import Any

from django.db import models
from django.db.models import Func, Q, Value, lookups
from django.db.models.fields.json import KT, KeyTransform
from django.db.models.functions import Cast
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.codes import CODES
from core.kinds.kind import COMPARE, KINDS, Kind
from core.money import plain


class _Parted(Kind):
    """A value of several parts, stored as an object."""

    indexed = False
    empty = None

    def _given(self, value: Any) -> dict:
        """The parts as they came: an object, or its JSON as a file or form brings it. Errors: ValueError."""
        if isinstance(value, str) and value.lstrip()[:1] == "{":
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                value = None
        if not isinstance(value, dict) or value.keys() - self.parts.keys():
            raise ValueError(_("Enter an object of %(parts)s.") % {"parts": ", ".join(self.parts)})
        return {name: part for name, part in value.items() if part not in (None, "")}

    def to_form(self, field, value):
        return json.dumps(value, ensure_ascii=False) if value else ""

    def to_parts(self, value: dict | None) -> dict[str, str]:
        """What the control of each part holds."""
        return {name: str((value or {}).get(name, "")) for name in self.parts}

    def is_empty(self, value):
        return not value

    def _of_part(self, name: str) -> Any:
        """What a part's own kind needs to know of it."""
        options = CODES["country"] if self.parts[name][1] == "code" else ()
        found = options() if options else {}
        return SimpleNamespace(max_length=200, minimum=None, maximum=None, options=options, choices=lambda: found)


class Address(_Parted):
    """Where something is, as an envelope has it."""

    name = "address"
    ops = ("contains", "empty")
    widget = "address"
    parts = {
        "street": (gettext_lazy("Street"), "text"), "postal_code": (gettext_lazy("Postal code"), "text"), "city": (gettext_lazy("City"), "text"),
        "region": (gettext_lazy("Region"), "text"), "country": (gettext_lazy("Country"), "code"),
    }  # fmt: skip
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in parts}, "additionalProperties": False}

    def clean(self, field, value):
        cleaned = {}
        for name, part in self._given(value).items():
            kind = KINDS[self.parts[name][1]]
            try:
                cleaned[name] = kind.clean(self._of_part(name), part)
            except ValueError as error:
                raise ValueError(f"{self.parts[name][0]}: {error}") from None
        return {name: cleaned[name] for name in self.parts if cleaned.get(name)} or None

    def text(self, field, value, currency=""):
        if not value:
            return ""
        town = " ".join(value[n] for n in ("postal_code", "city") if value.get(n))
        country = str(CODES["country"]().get(value.get("country", ""), value.get("country", "")))
        return ", ".join(part for part in (value.get("street"), town, value.get("region"), country) if part)

    def expr(self, field):
        """The parts as one text."""
        if field.expression is not None:
            return field.expression
        parts = (Func(KeyTransform(field.name, "custom"), Value(name), arg_joiner=" ->> ", template="(%(expressions)s)") for name in self.parts)
        return Func(Value(" "), *parts, function="concat_ws", output_field=models.TextField())

    def sort_expr(self, field):
        return Func(self.expr(field), Value(""), function="NULLIF", output_field=models.TextField())

    def condition(self, field, op, value):
        if op == "empty":
            some = Q(custom__has_key=field.name)
            return ~some if value else some
        return Q(COMPARE[op](self.expr(field), value))

    def part(self, field, name):
        return (self.parts[name][1], KT(f"custom__{field.name}__{name}"), CODES["country"] if name == "country" else ()) if name in self.parts else None


class Geo(_Parted):
    """A point on the map, in decimal degrees (WGS 84)."""

    name = "geo"
    ops, sorts, widget = ("empty",), False, "geo"
    parts = {"lat": (gettext_lazy("Latitude"), "number"), "lng": (gettext_lazy("Longitude"), "number")}
    schema = {
        "type": "object", "properties": {"lat": {"type": ["string", "number"]}, "lng": {"type": ["string", "number"]}},
        "additionalProperties": False, "required": ["lat", "lng"],
    }  # fmt: skip
    FARTHEST = {"lat": 90, "lng": 180}

    def clean(self, field, value):
        if isinstance(value, str) and (found := re.fullmatch(r"\s*(-?[\d.]+)\s*[,;，\s]\s*(-?[\d.]+)\s*", value)):
            value = {"lat": found[1], "lng": found[2]}
        given = self._given(value)
        if not given:
            return None
        try:
            found = {name: Decimal(str(given[name])) for name in self.parts if not isinstance(given[name], bool)}
            if any(not n.is_finite() or abs(n) > self.FARTHEST[name] for name, n in found.items()) or len(found) < 2:
                raise ValueError
        except (ValueError, KeyError, InvalidOperation):
            raise ValueError(_("Enter latitude and longitude in decimal degrees, such as 31.2304, 121.4737.")) from None
        return {name: plain(round(n, 7)) for name, n in found.items()}

    def to_form(self, field, value):
        return f"{value['lat']}, {value['lng']}" if value else ""

    def text(self, field, value, currency=""):
        return self.to_form(field, value)

    def condition(self, field, op, value):
        test = Q(lookups.IsNull(self.expr(field), True))
        return test if value else ~test

    def part(self, field, name):
        if name not in self.parts:
            return None
        number = KINDS["number"].output
        return ("number", Cast(KT(f"custom__{field.name}__{name}"), number), ())
