"""A column of a list's order, and its cursors: from where a page goes on, in whichever direction, as text that travels in an address.

Keyset paging: a page costs the same everywhere.
"""

import base64
import json
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Model, Q
from django.utils.translation import gettext as _

from core import registry
from core.errors import RuleError
from core.registry import Field


@dataclass(frozen=True)
class Key:
    """One column of the order: its expression under an alias, whether it falls, and whether it may be empty."""

    alias: str
    expr: Any
    falls: bool
    field: Field | None
    nullable: bool


def beyond(keys: list[Key], values: list, backwards: bool) -> list[Q]:
    """Rows after (before) the one with these values in the order: keyset paging, so a page costs the same everywhere.

    Those with a value of the first key and those without are stretches of their own: an index is read from a value on, never from "this or empty" on.
    """
    test, same, bound, first = Q(pk__in=[]), Q(), Q(), keys[0]
    for k, value in zip(keys, values, strict=True):
        name = "pk" if k.alias == "_pk" else k.alias
        step = "lt" if k.falls != backwards else "gt"
        if value is None:
            further = Q(**{f"{name}__isnull": False}) if backwards and k is not first else Q(pk__in=[])
            equal = Q(**{f"{name}__isnull": True})
        else:
            further = Q(**{f"{name}__{step}": value})
            equal = Q(**{name: value})
            if k is first:
                bound = Q(**{f"{name}__{step}e": value})
                equal = Q()  # within the bound, whatever is not further: what costs much is worked out once less, and after the cheaper ones
            elif k.nullable and not backwards:
                further |= Q(**{f"{name}__isnull": True})
        test = same & further | test if k is not first else further
        same &= equal
    goes_on = first.nullable and (values[0] is None) == backwards
    return [bound & test, *([Q(**{f"{first.alias}__isnull": not backwards})] if goes_on else ())]


def encode(keys: list[Key], record: Model, backwards: bool) -> str:
    values = [str(record.pk) if k.alias == "_pk" else getattr(record, k.alias) for k in keys]
    text = json.dumps([int(backwards), *(v if v is None or isinstance(v, bool | int) else _plain(v) for v in values)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def decode(keys: list[Key], cursor: str) -> tuple[bool, list]:
    """The cursor's values as this order's columns hold them; anything else is refused in one sentence."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        backwards, rest = bool(values[0]), values[1:]
        if len(rest) != len(keys):
            raise ValueError
        return backwards, [_decode_one(k, value) for k, value in zip(keys, rest, strict=True)]
    except (ValueError, TypeError, IndexError, KeyError, UnicodeDecodeError, RecursionError):
        raise RuleError({"cursor": [_("This cursor does not belong to this list; start again without it.")]}) from None


def _decode_one(key: Key, value: Any) -> Any:
    """One value of a cursor as its column holds it. Errors: ValueError."""
    f = key.field
    if f is None:
        number = str(value).isascii() and str(value).isdigit() and len(str(value)) < 19  # a ledger's rows have numbers for ids
        return int(value) if number else registry.KINDS["ref"].clean(Field("pk"), str(value))
    if value is None:
        return None
    sorts_as_text = (f.custom and f.expression is None and not f.rules.cast) or f.sort_path
    if f.kind in ("ref", "user", "date", "datetime", "number", "money", "percent", "integer", "yesno") and not sorts_as_text:
        rules = registry.KINDS["number"] if f.expression is not None and f.rules.sums else f.rules  # a figure may have more decimals than its kind
        return rules.clean(replace(f, minimum=None, maximum=None), value)
    return str(value).encode("utf-8", "replace").decode().replace("\x00", "")
