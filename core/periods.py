"""Periods of time as KPIs name them: fiscal years and quarters, months, ranges, running ones. Pure arithmetic on dates.

A period is a half-open interval of days in the company's time zone. A fiscal year has the name of the calendar year it
starts in.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from django.utils.translation import gettext as _

from core.errors import RuleError

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """Days from ``start`` to before ``end``; both None: all time. ``key`` is how it is asked for."""

    key: str
    shape: str  # year, quarter, month, range, last-30-days, all
    start: date | None = None
    end: date | None = None

    @property
    def last(self) -> date | None:
        return self.end - DAY if self.end else None


def _month_after(year: int, month: int, months: int) -> date:
    index = year * 12 + month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def year(number: int, fiscal_start: int) -> Period:
    start = date(number, fiscal_start, 1)
    return Period(f"{number:04d}", "year", start, _month_after(number, fiscal_start, 12))


def quarter(number: int, which: int, fiscal_start: int) -> Period:
    start = _month_after(number, fiscal_start, 3 * (which - 1))
    return Period(f"{number:04d}-Q{which}", "quarter", start, _month_after(start.year, start.month, 3))


def month(number: int, which: int) -> Period:
    return Period(f"{number:04d}-{which:02d}", "month", date(number, which, 1), _month_after(number, which, 1))


def range_of(start: date, last: date, shape: str = "range", key: str = "") -> Period:
    return Period(key or f"{start.isoformat()}..{last.isoformat()}", shape, start, last + DAY)


@lru_cache(maxsize=500)  # the figures of a page are of few periods
def parse(text: str, today: date, fiscal_start: int) -> Period:
    """The period a word names, seen from ``today``. Errors: RuleError at ``period``."""
    text = text or "this-month"
    try:
        if text == "all":
            return Period("all", "all")
        if text == "this-month":
            return month(today.year, today.month)
        if text == "last-30-days":
            return range_of(today - 30 * DAY, today - DAY, "last-30-days", text)
        if m := re.fullmatch(r"(\d{4})", text, re.ASCII):
            return year(_sane(m[1]), fiscal_start)
        if m := re.fullmatch(r"(\d{4})-Q([1-4])", text, re.ASCII):
            return quarter(_sane(m[1]), int(m[2]), fiscal_start)
        if m := re.fullmatch(r"(\d{4})-(\d\d)", text, re.ASCII):
            return month(_sane(m[1]), int(m[2]))
        if m := re.fullmatch(r"(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)", text, re.ASCII):
            start, last = date.fromisoformat(m[1]), date.fromisoformat(m[2])
            if start <= last and _sane(m[1][:4]) and _sane(m[2][:4]):
                return range_of(start, last)
    except (ValueError, OverflowError):
        pass
    raise RuleError({"period": [_("A period is 2026, 2026-Q3, 2026-07, 2026-07-01..2026-07-15, last-30-days, this-month or all.")]})


def _sane(text: str) -> int:
    number = int(text)
    if not 1000 <= number <= 9000:
        raise ValueError
    return number


@lru_cache(maxsize=500)
def previous(period: Period, fiscal_start: int) -> Period | None:
    """The whole period before; None before all time."""
    if period.start is None:
        return None
    if period.shape == "month":
        before = _month_after(period.start.year, period.start.month, -1)
        return month(before.year, before.month)
    if period.shape == "quarter":
        return containing(period.start - DAY, "quarter", fiscal_start)
    if period.shape == "year":
        return year(period.start.year - 1, fiscal_start)
    length = period.end - period.start
    return range_of(period.start - length, period.start - DAY)


@lru_cache(maxsize=500)
def year_ago(period: Period, fiscal_start: int) -> Period | None:
    """The same period a year before; None for all time."""
    if period.start is None:
        return None
    if period.shape == "month":
        return month(period.start.year - 1, period.start.month)
    if period.shape == "quarter":
        number, which = int(period.key[:4]), int(period.key[-1])
        return quarter(number - 1, which, fiscal_start)
    if period.shape == "year":
        return year(period.start.year - 1, fiscal_start)
    return range_of(_a_year_before(period.start), _a_year_before(period.last))


def _a_year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=min(day.day, monthrange(day.year - 1, day.month)[1]))


def containing(day: date, shape: str, fiscal_start: int) -> Period:
    """The month, quarter or year that holds the day."""
    if shape == "month":
        return month(day.year, day.month)
    months = (day.year * 12 + day.month - 1) - (fiscal_start - 1)
    if shape == "year":
        return year(months // 12, fiscal_start)
    return quarter(months // 12, months % 12 // 3 + 1, fiscal_start)


def inside(first: date, last: date, shape: str, fiscal_start: int) -> list[Period]:
    """The months, quarters or years that these days touch, in their order, whole."""
    return list(_inside(first, last, shape, fiscal_start))


@lru_cache(maxsize=500)
def _inside(first: date, last: date, shape: str, fiscal_start: int) -> tuple[Period, ...]:
    found = [containing(first, shape, fiscal_start)]
    while found[-1].end <= last:
        found.append(containing(found[-1].end, shape, fiscal_start))
    return tuple(found)
