"""Kinds whose value is one, or several, of a known few: yes or no, choices, codes of a standard, words. The standards: core.codes."""

import re

from django.db import models
from django.db.models import Q
from django.db.models.fields.json import HasAnyKeys, KeyTransform
from django.utils.translation import gettext as _

from core.collation import fold
from core.kinds.kind import CONTROL, EQUALITY, KINDS, Kind


def listed(field, op: str, value) -> Q:
    """What a company's own list of keys or ids holds, in SQL that an index on it serves."""
    if op == "empty":
        some = Q(custom__has_key=field.name)
        return ~some if value else some
    if op == "in" and not value:
        return Q(pk__in=[])
    wanted = [str(v) for v in value] if isinstance(value, list) else [str(value)]
    test = Q(HasAnyKeys(KeyTransform(field.name, "custom"), wanted))
    return ~test | ~Q(custom__has_key=field.name) if op == "ne" else test


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
        if CONTROL.search(str(value)):
            raise ValueError(_("Remove the control characters."))
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

    def expr(self, field):
        return KeyTransform(field.name, "custom") if field.custom and field.expression is None else super().expr(field)

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

    def from_json(self, field, value):
        return list(value)

    def condition(self, field, op, value):
        if field.custom:
            return listed(field, op, value)
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
    """A list of free words. Those among a field's ``options`` are keys of the system, which people read as labels."""

    name = "words"
    widget = "text"

    def clean(self, field, value):
        if isinstance(value, str):
            value = re.split(r"[,;\s，；]+", value)
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) and len(v) <= 60 and not CONTROL.search(v) for v in value):
            raise ValueError(_("Enter a list of words."))
        return list(dict.fromkeys(v.strip() for v in value if v.strip()))
