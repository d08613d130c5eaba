"""Numbers of documents: without gaps, given in the transaction that confirms or posts (M-06)."""

import re
from datetime import date

from core.models import Sequence
from core.models.record import permit
from core.sql import take_number

PATTERN = re.compile(r"[^{}]*(\{year\}[^{}]*)?(\{0{1,9}\})[^{}]*(\{year\}[^{}]*)?")


def next_number(prefix: str, on: date) -> str:
    """The next number of a series in the year of ``on``: ``SO-2026-00001``. Holds the series until commit. Cost: one statement."""
    series = f"{prefix}-{on.year:04d}"
    return f"{series}-{take(series):05d}"


def take(series: str, count: int = 1) -> int:
    """The last of the next ``count`` numbers of a series, from 1, without gaps. Holds the series until commit. Cost: one statement."""
    with permit():
        return take_number(Sequence._meta.db_table, series, count)


def is_pattern(text: str) -> bool:
    """Whether numbers can be written by this: ``TD-{year}-{0000}``, the year before the digits, after them or not at all."""
    return bool(PATTERN.fullmatch(text))


def patterned(series: str, pattern: str, on: date, count: int) -> list[str]:
    """The next ``count`` numbers of a series as its pattern writes them. One with the year begins anew each year. Cost: one statement."""
    last = take(f"{series}:{on.year:04d}" if "{year}" in pattern else series, count)
    return [written(pattern, on, n) for n in range(last - count + 1, last + 1)]


def written(pattern: str, on: date, number: int) -> str:
    """One number as a pattern writes it."""
    digits = PATTERN.fullmatch(pattern)[2]
    return pattern.replace("{year}", f"{on.year:04d}").replace(digits, str(number).zfill(len(digits) - 2))
