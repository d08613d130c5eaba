"""What a formula can do with values, each in two languages side by side: a pattern of SQL, and Python that gives the same.

Every operation is total: where there is no answer, it is empty. Numbers are exact and rounded once; days never leave the calendar.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

from core.formulas.values import BOUNDED, CUT, DATE, EXACT, LONGEST, NUMBER, TEXT, WIDE, YESNO, Typed, bounded, cut
from core.money import plain

EPOCH = date(1, 1, 1)
LAST_DAY = (date(9999, 12, 31) - EPOCH).days
LAST_MONTH = 9999 * 12 - 1
MOST_MONTHS = 24_000
SPACES = " \t\n\r\u00a0\u3000"


def strict(work: Callable) -> Callable:
    """Nothing comes of nothing."""
    return lambda *values: None if any(v is None for v in values) else work(*values)


def within(pattern: str, low: int, high: int) -> str:
    """A whole number of SQL between these, else NULL; what it is made of is written once."""
    return f"NULLIF(NULLIF(LEAST(GREATEST({pattern}, {low - 1}), {high + 1}), {low - 1}), {high + 1})::int"


def join(n: int, between: str = ", ", each: str = "{%d}") -> str:
    return between.join(each % i for i in range(n))


# numbers ---------------------------------------------------------------------------------------------------------------


def number(pattern: str, work: Callable, *parts: Typed, kind: str = "number") -> Typed:
    """A step of arithmetic: exact, then rounded and bounded."""
    return Typed(NUMBER, kind, BOUNDED.replace("{0}", f"({pattern})"), lambda *values: bounded(strict(work)(*values)), parts)


def add(parts: tuple[Typed, ...], signs: list[str], kind: str) -> Typed:
    pattern = "{0}" + "".join(f" {sign} {{{i}}}" for i, sign in enumerate(signs, 1))

    def work(first, *rest):
        for sign, value in zip(signs, rest, strict=True):
            first = WIDE.add(first, value) if sign == "+" else WIDE.subtract(first, value)
        return first

    return number(pattern, work, *parts, kind=kind)


def multiply(a: Typed, b: Typed, kind: str) -> Typed:
    return number("{0} * {1}", WIDE.multiply, a, b, kind=kind)


def divide(a: Typed, b: Typed, kind: str = "number") -> Typed:
    """With 45 decimals no quotient of two numbers of ours lies so near a half that rounding it twice tells."""
    return number("ROUND({0}, 45) / NULLIF({1}, 0)", lambda x, y: WIDE.divide(x, y) if y else None, a, b, kind=kind)


def exchanged(a: Typed, rate: Typed, places: int) -> Typed:
    """An amount in another currency, rounded once to its smallest unit."""
    step = Decimal(1).scaleb(-places)

    def work(x, y):
        return WIDE.multiply(x, y).quantize(step, ROUND_HALF_UP, WIDE)

    return replace(number(f"ROUND({{0}} * {{1}}, {places})", work, a, rate, kind="money"), foreign=False)


def negate(a: Typed) -> Typed:
    return Typed(NUMBER, a.kind, "-{0}", strict(WIDE.minus), (a,))


def power(a: Typed, n: int) -> Typed:
    """PostgreSQL multiplies exactly where its base is written with all the decimals the result may have."""
    if n < 0:
        return divide(Typed(NUMBER, "number", value=Decimal(1)), power(a, -n))
    return number(f"POWER(ROUND({{0}}, {10 * n}), {n})", lambda x: EXACT.power(x, n) if n else Decimal(1), a)


def modulo(a: Typed, b: Typed) -> Typed:
    return number("MOD({0}, NULLIF({1}, 0))", lambda x, y: WIDE.remainder(x, y) if y else None, a, b, kind=a.kind)


def rounded(a: Typed, places: int, how: str) -> Typed:
    step = Decimal(1).scaleb(-places)
    up, down = f"{Decimal(1).scaleb(places):f}", f"{step:f}"
    patterns = {
        "ROUND": f"ROUND({{0}}, {places})", "ROUNDDOWN": f"TRUNC({{0}}, {places})", "FLOOR": "FLOOR({0})", "CEILING": "CEIL({0})",
        "ROUNDUP": f"(CASE WHEN {{0}} < 0 THEN FLOOR({{0}} * {up}) ELSE CEIL({{0}} * {up}) END) * {down}",
    }  # fmt: skip
    ways = {"ROUND": ROUND_HALF_UP, "ROUNDDOWN": ROUND_DOWN, "FLOOR": ROUND_FLOOR, "CEILING": ROUND_CEILING}

    def work(x):
        way = ways.get(how) or (ROUND_FLOOR if x < 0 else ROUND_CEILING)
        return x.quantize(step, way, WIDE)

    return number(patterns[how], work, a, kind=a.kind)


def absolute(a: Typed) -> Typed:
    return Typed(NUMBER, a.kind, "ABS({0})", strict(Decimal.copy_abs), (a,))


def extreme(parts: tuple[Typed, ...], smallest: bool, kind: str) -> Typed:
    choose = min if smallest else max
    return Typed(
        parts[0].type, kind, f"{'LEAST' if smallest else 'GREATEST'}({join(len(parts))})",
        lambda *values: choose((v for v in values if v is not None), default=None), parts,
    )  # fmt: skip


def total(parts: tuple[Typed, ...], kind: str) -> Typed:
    def work(*values):
        found = Decimal(0)
        for value in values:
            found = WIDE.add(found, value or Decimal(0))
        return bounded(found)

    return Typed(NUMBER, kind, BOUNDED.replace("{0}", join(len(parts), " + ", "COALESCE({%d}, 0)")), work, parts)


# texts -----------------------------------------------------------------------------------------------------------------


def text(pattern: str, work: Callable, *parts: Typed) -> Typed:
    return Typed(TEXT, "text", CUT.replace("{0}", pattern), lambda *values: cut(work(*values)), parts)


def joined(parts: tuple[Typed, ...]) -> Typed:
    return text(f"CONCAT({join(len(parts))})", lambda *values: "".join(v for v in values if v is not None), *parts)


def _simple(letter: str) -> str:
    """The capital of one letter as PostgreSQL's C.UTF-8 has it: one for one, so that ß stays."""
    capital = letter.upper()
    if len(capital) > 1:
        capital = letter.title()
    return capital if len(capital) == 1 else letter


# Letters of Unicode 15 and 16, small and capital: PostgreSQL 18 knows them, Python 3.11 does not.
YOUNG = {0x19B: 0xA7DC, 0x264: 0xA7CB, 0x1C8A: 0x1C89, 0xA7CD: 0xA7CC, 0xA7DB: 0xA7DA, **{0x10D70 + i: 0x10D50 + i for i in range(22)}}


class Letters(dict[int, str]):
    """Letters by the code of each, worked out when one is first met: for all of Unicode that would take a tenth of a start."""

    def __init__(self, known: dict[int, str], work: Callable[[str], str]):
        super().__init__(known)
        self.work = work

    def __missing__(self, code: int) -> str:
        found = self[code] = self.work(chr(code))
        return found


UPPER = Letters({small: chr(big) for small, big in YOUNG.items()}, _simple)
LOWER = Letters({**{big: chr(small) for small, big in YOUNG.items()}, 0x130: "i"}, lambda letter: letter.lower() if len(letter.lower()) == 1 else letter)
UPPER_SQL, LOWER_SQL = 'UPPER({%d} COLLATE "pg_c_utf8")', 'LOWER({%d} COLLATE "pg_c_utf8")'


def capital(value: str) -> str:
    return value.upper() if value.isascii() else value.translate(UPPER)


def upper(a: Typed) -> Typed:
    return Typed(TEXT, "text", UPPER_SQL % 0, strict(capital), (a,))


def lower(a: Typed) -> Typed:
    return Typed(TEXT, "text", LOWER_SQL % 0, strict(lambda x: x.lower() if x.isascii() else x.translate(LOWER)), (a,))


def length(a: Typed) -> Typed:
    return Typed(NUMBER, "number", "COALESCE(LENGTH({0}), 0)::numeric", lambda x: Decimal(len(x or "")), (a,))


def _count(place: int, low: int = 0) -> str:
    return f"TRUNC(LEAST(GREATEST(COALESCE({{{place}}}, {low}), {low}), {LONGEST}))::int"


def count(value: Decimal | None, low: int = 0) -> int:
    return int(min(max(low if value is None else value, low), LONGEST))


def left(a: Typed, n: Typed) -> Typed:
    return text(f"LEFT({{0}}, {_count(1)})", lambda x, k: (x or "")[: count(k)], a, n)


def right(a: Typed, n: Typed) -> Typed:
    return text(f"RIGHT({{0}}, {_count(1)})", lambda x, k: (x or "")[-count(k) :] if count(k) else "", a, n)


def middle(a: Typed, start: Typed, n: Typed) -> Typed:
    pattern = f"SUBSTR({{0}}, {_count(1, 1)}, {_count(2)})"
    return text(pattern, lambda x, s, k: (x or "")[count(s, 1) - 1 : count(s, 1) - 1 + count(k)], a, start, n)


def trim(a: Typed) -> Typed:
    return text("BTRIM({0}, E' \\t\\n\\r\\u00a0\\u3000')", lambda x: (x or "").strip(SPACES), a)


def replaced(a: Typed, old: Typed, new: Typed) -> Typed:
    def work(x, before, after):
        return x.replace(before, after or "") if x and before else x

    return text("REPLACE({0}, COALESCE({1}, ''), COALESCE({2}, ''))", work, a, old, new)


def contains(a: Typed, part: Typed) -> Typed:
    pattern = f"COALESCE(STRPOS({UPPER_SQL % 0}, {UPPER_SQL % 1}) > 0, FALSE)"
    return Typed(YESNO, "yesno", pattern, lambda x, y: bool(x and y and capital(y) in capital(x)), (a, part))


def starts(a: Typed, part: Typed) -> Typed:
    pattern = f"COALESCE(STARTS_WITH({UPPER_SQL % 0}, {UPPER_SQL % 1}), FALSE)"
    return Typed(YESNO, "yesno", pattern, lambda x, y: bool(x and y and capital(x).startswith(capital(y))), (a, part))


def holds_choice(a: Typed, one: Typed) -> Typed:
    return Typed(YESNO, "yesno", "COALESCE({0} @> to_jsonb({1}), FALSE)", lambda x, y: bool(x and y in x), (a, one))


def number_as_text(a: Typed, places: int | None = None) -> Typed:
    if places is None:
        return Typed(TEXT, "text", "TRIM_SCALE({0})::text", strict(plain), (a,))

    def work(x):
        return f"{WIDE.plus(x.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, WIDE)):f}"

    return Typed(TEXT, "text", f"ROUND({{0}}, {places})::text", strict(work), (a,))


NUMERAL = "([-+]?[0-9]{1,20}([.][0-9]{1,10})?)"


def text_as_number(a: Typed) -> Typed:
    found = re.compile(f"[ ]*{NUMERAL}[ ]*")
    pattern = f"SUBSTRING({{0}} FROM '^[ ]*{NUMERAL}[ ]*$')::numeric"

    def work(x):
        match = found.fullmatch(x)
        return WIDE.plus(Decimal(match[1])) if match else None

    return Typed(NUMBER, "number", pattern, strict(work), (a,))


def yesno_as_text(a: Typed) -> Typed:
    return Typed(TEXT, "text", "CASE WHEN {0} THEN 'TRUE' WHEN NOT {0} THEN 'FALSE' END", strict(lambda x: "TRUE" if x else "FALSE"), (a,))


def day_as_text(a: Typed) -> Typed:
    return Typed(TEXT, "text", "TO_CHAR({0}, 'YYYY-MM-DD')", strict(date.isoformat), (a,))


def instant_as_text(a: Typed, zone: Typed) -> Typed:
    def work(x, place):
        return x.astimezone(place).replace(tzinfo=None).isoformat(" ", "minutes")

    return Typed(TEXT, "text", "TO_CHAR({0} AT TIME ZONE {1}, 'YYYY-MM-DD HH24:MI')", strict(work), (a, zone))


def relabelled(a: Typed, labels: dict[str, str]) -> Typed:
    """A choice as people read it; a key that is no longer among the options stays as it is."""
    said = [Typed(TEXT, "text", value=v) for pair in labels.items() for v in pair]
    branches = "".join(f" WHEN {{{i}}} THEN {{{i + 1}}}" for i in range(1, len(said), 2))
    pattern = f"CASE {{0}}{branches} ELSE {{0}} END" if branches else "{0}"
    return Typed(TEXT, "text", pattern, lambda x, *_rest: labels.get(x, x), (a, *said))


# days ------------------------------------------------------------------------------------------------------------------


def _day(pattern: str) -> str:
    return f"(DATE '0001-01-01' + {within(pattern, 0, LAST_DAY)})"


def from_epoch(days: int) -> date | None:
    return EPOCH + timedelta(days=days) if 0 <= days <= LAST_DAY else None


def add_days(a: Typed, n: Typed, sign: int = 1) -> Typed:
    pattern = _day(f"({{0}} - DATE '0001-01-01') {'+' if sign > 0 else '-'} TRUNC({{1}})")
    return Typed(DATE, "date", pattern, strict(lambda d, k: from_epoch((d - EPOCH).days + sign * int(k))), (a, n))


def add_months(a: Typed, n: Typed) -> Typed:
    """The same day of another month, or its last; at most 2,000 years away."""

    def work(day, k):
        k = int(k)
        month = (day.year - 1) * 12 + day.month - 1 + k
        if abs(k) > MOST_MONTHS or not 0 <= month <= LAST_MONTH:
            return None
        year, place = month // 12 + 1, month % 12 + 1
        return date(year, place, min(day.day, monthrange(year, place)[1]))

    months = within("TRUNC({1})", -MOST_MONTHS, MOST_MONTHS)
    return Typed(DATE, "date", _day(f"(({{0}} + MAKE_INTERVAL(months => {months}))::date - DATE '0001-01-01')"), strict(work), (a, n))


def make_day(year: Typed, month: Typed, day: Typed) -> Typed:
    """Months and days beyond their year's and month's run on into the next, as in spreadsheets."""

    def work(y, m, d):
        place = (int(y) - 1) * 12 + int(m) - 1
        return from_epoch((date(place // 12 + 1, place % 12 + 1, 1) - EPOCH).days + int(d) - 1) if 0 <= place <= LAST_MONTH else None

    months = within("(TRUNC({0}) - 1) * 12 + TRUNC({1}) - 1", 0, LAST_MONTH)
    first = f"((DATE '0001-01-01' + MAKE_INTERVAL(months => {months}))::date - DATE '0001-01-01')"
    return Typed(DATE, "date", _day(f"{first} + TRUNC({{2}}) - 1"), strict(work), (year, month, day))


def day_of(a: Typed, zone: Typed) -> Typed:
    return Typed(DATE, "date", "({0} AT TIME ZONE {1})::date", strict(lambda at, place: at.astimezone(place).date()), (a, zone))


def days_between(a: Typed, b: Typed) -> Typed:
    return Typed(NUMBER, "number", "({0} - {1})::numeric", strict(lambda x, y: Decimal((x - y).days)), (a, b))


PARTS = {"YEAR": "YEAR", "MONTH": "MONTH", "DAY": "DAY", "WEEKDAY": "ISODOW"}


def part_of_day(a: Typed, name: str) -> Typed:
    def work(day):
        return Decimal(day.isoweekday() if name == "WEEKDAY" else {"YEAR": day.year, "MONTH": day.month, "DAY": day.day}[name])

    return Typed(NUMBER, "number", f"EXTRACT({PARTS[name]} FROM {{0}})::numeric", strict(work), (a,))


# yes or no -------------------------------------------------------------------------------------------------------------


def logical(pattern: str, work: Callable, *parts: Typed) -> Typed:
    return Typed(YESNO, "yesno", pattern, work, parts)


def both(parts: tuple[Typed, ...]) -> Typed:
    return logical(join(len(parts), " AND ", "COALESCE({%d}, FALSE)"), lambda *values: all(values), *parts)


def either(parts: tuple[Typed, ...]) -> Typed:
    return logical(join(len(parts), " OR ", "COALESCE({%d}, FALSE)"), lambda *values: any(values), *parts)


def denied(a: Typed) -> Typed:
    return logical("NOT COALESCE({0}, FALSE)", lambda x: not x, a)


def equal(a: Typed, b: Typed) -> Typed:
    return logical("{0} IS NOT DISTINCT FROM {1}", lambda x, y: x == y, a, b)


ORDERS: dict[str, Callable[[Any, Any], bool]] = {"<": lambda x, y: x < y, "<=": lambda x, y: x <= y, ">": lambda x, y: x > y, ">=": lambda x, y: x >= y}


def ordered(a: Typed, b: Typed, operator: str) -> Typed:
    collation = ' COLLATE "C"' if a.type == TEXT else ""
    work = ORDERS[operator]
    return logical(
        f"COALESCE({{0}}{collation} {operator} {{1}}{collation}, FALSE)", lambda x, y: x is not None and y is not None and work(x, y), a, b
    )  # fmt: skip


def among(a: Typed, items: tuple[Typed, ...]) -> Typed:
    inside = ", ".join(f"{{{i}}}" for i in range(1, len(items) + 1))
    return logical(f"COALESCE({{0}} IN ({inside}), FALSE)", lambda x, *values: x is not None and x in values, a, *items)


def empty(a: Typed) -> Typed:
    if a.type == "list":
        return logical("COALESCE({0}, '[]'::jsonb) IN ('[]'::jsonb, 'null'::jsonb)", lambda x: not x, a)
    return logical("{0} IS NULL", lambda x: x is None, a)


def branches(parts: tuple[Typed, ...], kind: str, type_: str) -> Typed:
    """Condition and value in turn, at the end a value for all else."""
    pairs = "".join(f" WHEN COALESCE({{{i}}}, FALSE) THEN {{{i + 1}}}" for i in range(0, len(parts) - 1, 2))

    def work(*values):
        return next((values[i + 1] for i in range(0, len(values) - 1, 2) if values[i]), values[-1])

    return Typed(type_, kind, f"CASE{pairs} ELSE {{{len(parts) - 1}}} END", work, parts)


def switched(parts: tuple[Typed, ...], kind: str, type_: str) -> Typed:
    """A value, then what it may equal and the result in turn, at the end a result for all else."""
    pairs = "".join(f" WHEN {{{i}}} THEN {{{i + 1}}}" for i in range(1, len(parts) - 1, 2))

    def work(value, *rest):
        found = (rest[i + 1] for i in range(0, len(rest) - 1, 2) if value is not None and rest[i] == value)
        return next(found, rest[-1])

    return Typed(type_, kind, f"CASE {{0}}{pairs} ELSE {{{len(parts) - 1}}} END", work, parts)


def first_of(parts: tuple[Typed, ...], kind: str, type_: str) -> Typed:
    return Typed(type_, kind, f"COALESCE({join(len(parts))})", lambda *values: next((v for v in values if v is not None), None), parts)
