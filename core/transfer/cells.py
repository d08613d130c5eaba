"""From the text of a cell to what a field's kind takes: dates, numbers, countries as files of many origins spell them. Stores nothing.

What cannot be understood is handed on as it is: the kind then says what is wrong with it.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache, partial

from babel import Locale
from babel.core import get_global
from django.utils import translation

from core import codes
from core.collation import fold
from core.registry import Field

Convert = Callable[[str], str]

DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]0{1,2}:00(?::00(?:\.0+)?)?)?", re.ASCII)
MONTHS = {name: number for number, name in enumerate(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], start=1)}
ENGLISH_DAY = re.compile(rf"({'|'.join(MONTHS)}) (\d{{1,2}}), (\d{{4}})", re.ASCII)
MOMENT = re.compile(
    r"(?P<day>\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?|[A-Z][a-z]{2} \d{1,2}, \d{4}),? (?P<hour>\d{1,2}):(?P<minutes>\d\d(:\d\d)?)(?: (?P<half>[AaPp][Mm]))?"
)
ENGLISH = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
NUMBERED_DAY = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})((?:[ T,]+\d{1,2}:\d\d.*)?)", re.ASCII)
SEVERAL = re.compile(r"[,;，；]")
YES_OR_NO = {"y": "true", "j": "true", "ja": "true", "oui": "true", "x": "true", "✓": "true", "√": "true", "t": "true", "n": "false", "nein": "false",
             "non": "false", "f": "false", "✗": "false", "有": "true", "无": "false"}  # fmt: skip
DECIMAL_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?", re.ASCII)


def reader(f: Field, delimiter: str, days: str = "") -> Convert:
    """How a cell's text becomes what the field's kind reads; made once for a column. ``days`` is the order in which the file writes days: dmy or mdy."""
    if f.kind in ("date", "datetime"):
        read = day if f.kind == "date" else moment
        return lambda text: read(ordered_day(text, days))
    if f.rules.sums:
        return partial(number, decimal_comma=delimiter == ";")
    if f.kind == "code" and f.options is codes.CODES["country"]:
        return country
    if f.kind == "choice":
        return chooser(f)
    if f.kind == "choices":
        choose = chooser(f)
        return lambda text: ",".join(choose(part.strip()) for part in SEVERAL.split(text) if part.strip())
    if f.kind == "yesno":
        return lambda text: YES_OR_NO.get(text.lower(), text)
    return str


def chooser(f: Field) -> Convert:
    """The key of an option by its key, or its label in any of our languages; the text as it is where it names none."""
    options, keys = f.choices(), {}
    for language in codes.LANGUAGES:
        with translation.override(language.lower()):
            for key, label in options.items():
                keys.setdefault(fold(key), key)
                keys.setdefault(fold(str(label)), key)
    return lambda text: text if text in options else keys.get(fold(text), text)


def ordered_day(text: str, days: str) -> str:
    """``5.3.2026`` as ``2026-3-5`` in files that write the day first, ``3/5/2026`` in those that write the month first; a time behind it stays."""
    found = NUMBERED_DAY.fullmatch(text) if days else None
    if not found:
        return text
    month, date = (found[3], found[1]) if days == "dmy" else (found[1], found[3])
    return f"{found[4]}-{month}-{date}{found[5]}"


def order_of_days(texts: Iterable[str]) -> str:
    """The order in which these cells write days: told by a number above twelve, or by the dots of countries that write the day first."""
    found = [m for m in map(NUMBERED_DAY.fullmatch, texts) if m]
    if any(int(m[1]) > 12 for m in found):
        return "dmy"
    if any(int(m[3]) > 12 for m in found):
        return "mdy"
    return "dmy" if any(m[2] == "." for m in found) else ""


def day(text: str) -> str:
    """``2026/3/5``, ``2026年3月5日``, ``2026-03-05 00:00:00``, ``Mar 5, 2026`` as ``2026-03-05``: as spreadsheets and our own pages write days."""
    if found := DAY.fullmatch(text):
        return f"{found[1]}-{int(found[2]):02d}-{int(found[3]):02d}"
    if found := ENGLISH_DAY.fullmatch(text):
        return f"{found[3]}-{MONTHS[found[1]]:02d}-{int(found[2]):02d}"
    return text


def moment(text: str) -> str:
    """A day as above with a time after it, ``Mar 5, 2026, 3:04:00 PM`` too, as ``2026-03-05T15:04:00``."""
    found = MOMENT.fullmatch(" ".join(text.split()))
    if not found:
        return text
    hour = int(found["hour"])
    if found["half"]:
        hour = hour % 12 + (12 if found["half"].upper() == "PM" else 0)
    return f"{day(found['day'])}T{hour:02d}:{found['minutes']}"


def number(text: str, decimal_comma: bool = False) -> str:
    """``1,234.50`` as ``1234.50``; in files divided by semicolons ``1.234,50`` as well, as spreadsheets of those countries write."""
    if decimal_comma and "," in text and DECIMAL_COMMA.fullmatch(text):
        return text.replace(".", "").replace(",", ".")
    return text.replace(",", "") if ENGLISH.fullmatch(text) else text


@cache
def _countries() -> dict[str, str]:
    """Folded names in English and Chinese, and codes of two and three letters -> ISO 3166-1 alpha-2."""
    known = codes.countries()
    found = {fold(alias): codes_[0] for alias, codes_ in get_global("territory_aliases").items() if len(codes_) == 1 and codes_[0] in known}
    for language in ("en", "zh_Hans"):
        found |= {fold(name): code for code, name in Locale.parse(language).territories.items() if code in known}
    return found | {fold(code): code for code in known}


def country(text: str) -> str:
    """``USA``, ``Germany``, ``德国``, ``UK`` as US, DE, DE, GB."""
    return _countries().get(fold(text), text)


def newlines(text: str) -> str:
    """A line break that a database dump wrote as two characters."""
    return text.replace("\\r\\n", "\n").replace("\\n", "\n")


def opposite(text: str) -> str:
    """Yes for no, and the other way round: ``discontinued`` as ``active``."""
    return {"1": "false", "true": "false", "yes": "false", "0": "true", "false": "true", "no": "true"}.get(text.strip().lower(), text)
