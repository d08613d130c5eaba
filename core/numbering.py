"""Numbers of documents: without gaps, given in the transaction that confirms or posts (M-06)."""

from datetime import date

from core.models import Sequence
from core.models.record import permit
from core.sql import take_number


def next_number(prefix: str, on: date) -> str:
    """The next number of a series in the year of ``on``: ``SO-2026-00001``. Holds the series until commit. Cost: one statement."""
    series = f"{prefix}-{on.year:04d}"
    return f"{series}-{take(series):05d}"


def take(series: str, count: int = 1) -> int:
    """The last of the next ``count`` numbers of a series, from 1, without gaps. Holds the series until commit. Cost: one statement."""
    with permit():
        return take_number(Sequence._meta.db_table, series, count)


def patterned(series: str, pattern: str, on: date, count: int) -> list[str]:
    """The next ``count`` numbers of a series as its pattern writes them: ``TD-{year}-{0000}``. Cost: one statement."""
    written = pattern.replace("{year}", f"{on.year:04d}")
    start = written.index("{0")
    digits = written[start : written.index("}", start) + 1]
    last = take(f"{series}:{on.year:04d}" if "{year}" in pattern else series, count)
    return [written.replace(digits, str(n).zfill(len(digits) - 2)) for n in range(last - count + 1, last + 1)]
