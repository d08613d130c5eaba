"""The kind of structured data: options, filters. Its shape is the check of the type that has it."""

import json

from django.db.models import JSONField, Q, Value, lookups
from django.utils.translation import gettext as _

from core.kinds.kind import Kind

LONGEST = 100_000  # characters


class Json(Kind):
    """Structured data of the set-up: options, filters. Its shape is its type's own check."""

    name = "json"
    ops, sorts, empty, widget = ("empty",), False, None, "json"
    schema: dict = {}

    def clean(self, field, value):
        try:
            if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):  # as a form or file brings it; other text is text
                value = json.loads(value)
            written = json.dumps(value, ensure_ascii=False, allow_nan=False)
            written.encode()  # half of a surrogate pair is no text
        except (ValueError, RecursionError):
            raise ValueError(_("Enter valid JSON.")) from None
        if len(written) > (field.max_length or LONGEST):
            raise ValueError(_("This value is too long."))
        if "\\u0000" in written:
            raise ValueError(_("Remove the control characters."))
        return value

    def condition(self, field, op, value):
        expr = self.expr(field)
        test = Q(lookups.IsNull(expr, True)) | Q(lookups.Exact(expr, Value([], output_field=JSONField())))
        return test if value else ~test

    def to_form(self, field, value):
        if isinstance(value, str):
            return value
        return "" if value in (None, []) else json.dumps(value, ensure_ascii=False)

    def text(self, field, value, currency=""):
        return self.to_form(field, value)
