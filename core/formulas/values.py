"""The sorts of value a formula works with, what is empty among them, and each operation: how it is written in SQL beside how Python does it.

One value is empty in both: NULL, which is None; a text without letters counts as it. Numbers have 20 digits and 10 decimals, rounded half up
after each step; what is larger is empty, and so is a day outside the years 1 to 9999. Texts are cut after 10,000 characters. Nothing fails.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Func

NUMBER, TEXT, CHOICE, DATE, DATETIME, YESNO, REF, LIST, NOTHING = "number", "text", "choice", "date", "datetime", "yesno", "ref", "list", "nothing"

TYPE_OF = {
    "number": NUMBER, "integer": NUMBER, "rate": NUMBER, "money": NUMBER, "percent": NUMBER,
    "text": TEXT, "longtext": TEXT, "email": TEXT, "phone": TEXT, "url": TEXT, "barcode": TEXT, "autonumber": TEXT,
    "choice": CHOICE, "code": CHOICE, "date": DATE, "datetime": DATETIME, "yesno": YESNO, "ref": REF, "user": REF,
    "choices": LIST, "words": LIST,
}  # fmt: skip
SQL_OF = {NUMBER: "numeric", TEXT: "text", CHOICE: "text", DATE: "date", DATETIME: "timestamptz", YESNO: "boolean", REF: "text", LIST: "jsonb"}
OUTPUT = {
    NUMBER: models.DecimalField(max_digits=30, decimal_places=10), TEXT: models.TextField(), CHOICE: models.TextField(), REF: models.TextField(),
    DATE: models.DateField(), DATETIME: models.DateTimeField(), YESNO: models.BooleanField(), LIST: models.JSONField(), NOTHING: models.TextField(),
}  # fmt: skip

PLACES = Decimal("0.0000000001")
LIMIT = Decimal(10) ** 20
LONGEST = 10_000  # characters of a text
WIDE = Context(prec=150, rounding=ROUND_HALF_UP)
EXACT = Context(prec=2000, rounding=ROUND_HALF_UP)
BOUNDED = f"NULLIF(NULLIF(LEAST(GREATEST(ROUND({{0}}, 10), -{LIMIT}), {LIMIT}), {LIMIT}), -{LIMIT})"
PLACE = re.compile(r"\{(\d+)\}")
CUT = f"NULLIF(LEFT({{0}}, {LONGEST}), '')"


class Written(Func):
    """SQL in a fixed pattern of the product's own, ``{0}`` for its first part, which a pattern may hold twice."""

    def __init__(self, pattern: str, *parts, output_field):
        self.pattern = pattern
        super().__init__(*parts, output_field=output_field)

    def as_sql(self, compiler, connection, **context):
        done = [compiler.compile(part) for part in self.get_source_expressions()]
        sql, params = [], []
        for i, piece in enumerate(PLACE.split(self.pattern)):
            if i % 2:
                part, values = done[int(piece)]
                sql.append(f"({part})")
                params.extend(values)
            else:
                sql.append(piece)
        return "".join(sql), tuple(params)


@dataclass(frozen=True)
class Moment:
    """What a whole evaluation takes as the present: the instant, the company's day, its time zone."""

    now: datetime
    today: date
    zone: Any


@dataclass(frozen=True)
class Typed:
    """A part of a checked formula. ``kind`` is the registry's, ``type`` the sort above. A leaf has a ``path``, a ``value`` or a ``word``."""

    type: str
    kind: str
    pattern: str = ""
    work: Callable | None = field(default=None, compare=False)
    parts: tuple["Typed", ...] = ()
    path: tuple[str, ...] = ()
    value: Any = None
    word: str = ""  # today, now or zone
    place: tuple[int, int] = (0, 0)
    options: Any = field(default=None, compare=False)  # of a choice: key -> label
    target: str = ""  # of a reference: the slug it points to
    foreign: bool | None = None  # of an amount: whether it is in its record's currency rather than the company's; None: as its parts are

    @property
    def is_constant(self) -> bool:
        return not self.parts and not self.path and not self.word

    @property
    def is_foreign(self) -> bool:
        """Whether it is an amount in the currency of the formula's own record."""
        return self.kind == "money" and (any(part.is_foreign for part in self.parts) if self.foreign is None else self.foreign)

    @property
    def depth(self) -> int:
        return 1 + max((part.depth for part in self.parts), default=0)

    @property
    def weight(self) -> int:
        return 1 + sum(part.weight * max(1, self.pattern.count(f"{{{i}}}")) for i, part in enumerate(self.parts))


def bounded(number: Decimal | None) -> Decimal | None:
    if number is None or number.copy_abs() > LIMIT:
        return None
    number = number.quantize(PLACES, ROUND_HALF_UP, WIDE)
    return None if number.copy_abs() >= LIMIT else WIDE.plus(number)  # minus zero becomes zero


def cut(text: str | None) -> str | None:
    return text[:LONGEST] or None if text else None


def normal(type_: str, value: Any) -> Any:
    """A field's value in Python as formulas have it."""
    if value is None or value == "" or value == []:
        return None
    if type_ == NUMBER:
        return value if isinstance(value, Decimal) else Decimal(str(value))
    if type_ in (TEXT, CHOICE):
        return cut(str(value))
    if type_ == REF:
        return str(value.pk if isinstance(value, models.Model) else value if isinstance(value, UUID) else UUID(str(value)))
    if type_ == DATETIME:
        return value.astimezone(UTC)
    if type_ == LIST:
        return [str(v) for v in value]
    return value


NORMAL = {TEXT: CUT.replace("{0}", "{0}::text"), CHOICE: CUT.replace("{0}", "{0}::text"), LIST: "to_jsonb({0})"}


def normal_sql(type_: str, expression: Any) -> Written:
    """A field's expression as formulas have it. A company's own day is stored as text, hence the cast."""
    return Written(NORMAL.get(type_, f"{{0}}::{SQL_OF[type_]}"), expression, output_field=OUTPUT[type_])
