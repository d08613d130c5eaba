"""Numbers of documents: without gaps, given in the transaction that confirms or posts (M-06)."""

from datetime import date

from core.models import Sequence
from core.models.record import permit
from core.sql import take_number


def next_number(prefix: str, on: date) -> str:
    """The next number of a series in the year of ``on``: ``SO-2026-00001``. Holds the series until commit. Cost: one statement."""
    series = f"{prefix}-{on.year:04d}"
    return f"{series}-{take(series):05d}"


def take(series: str) -> int:
    """The next number of a series, from 1, without gaps. Holds the series until commit. Cost: one statement."""
    with permit():
        return take_number(Sequence._meta.db_table, series)
