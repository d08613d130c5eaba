"""Periods of days: each day is in one month, quarter and year; what comes before and a year before, with any fiscal start."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import codes, periods
from core.errors import RuleError

DAY = timedelta(days=1)
days = st.dates(date(1900, 1, 1), date(2999, 12, 31))
starts = st.integers(1, 12)
shapes = st.sampled_from(["month", "quarter", "year"])
TODAY = date(2026, 3, 15)


@given(day=days, fiscal=starts, shape=shapes)
def test_each_day_is_in_one_period_whose_name_finds_it_again(day, fiscal, shape):
    period = periods.containing(day, shape, fiscal)
    assert period.start <= day < period.end
    assert periods.parse(period.key, TODAY, fiscal) == period
    assert periods.containing(period.start - DAY, shape, fiscal).end == period.start
    assert periods.containing(period.end, shape, fiscal).start == period.end
    assert periods.containing(period.last, shape, fiscal) == period


@given(
    instant=st.integers(-600_000_000, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    zone=st.sampled_from(codes.time_zones()),
    shape=shapes,
)
def test_each_instant_is_in_one_period_of_any_zone(instant, zone, shape):
    """The day is the zone's own; around a change of its clock no instant falls between two periods."""
    day = instant.astimezone(ZoneInfo(zone)).date()
    period = periods.containing(day, shape, 1)
    inside = [p for p in (periods.previous(period, 1), period, periods.containing(period.end, shape, 1)) if p.start <= day < p.end]
    assert inside == [period]


@given(day=days, fiscal=starts, shape=shapes)
def test_the_period_before_ends_where_it_starts_and_is_of_its_shape(day, fiscal, shape):
    period = periods.containing(day, shape, fiscal)
    before = periods.previous(period, fiscal)
    assert (before.end, before.shape) == (period.start, shape)
    ago = periods.year_ago(period, fiscal)
    assert ago.shape == shape
    assert (ago.start.year, ago.start.month, ago.start.day) == (period.start.year - 1, period.start.month, period.start.day)
    assert (ago.end.year, ago.end.month, ago.end.day) == (period.end.year - 1, period.end.month, period.end.day)


@given(fiscal=starts, year=st.integers(1900, 2900))
def test_quarters_and_months_make_the_year(fiscal, year):
    whole = periods.parse(str(year), TODAY, fiscal)
    quarters = [periods.parse(f"{year}-Q{i}", TODAY, fiscal) for i in range(1, 5)]
    assert [q.start for q in quarters] == [whole.start, *(q.end for q in quarters[:-1])]
    assert quarters[-1].end == whole.end
    day, months = whole.start, []
    while day < whole.end:
        months.append(periods.containing(day, "month", fiscal))
        day = months[-1].end
    assert len(months) == 12
    assert day == whole.end


@given(start=days, length=st.integers(0, 800))
def test_a_range_is_compared_with_as_many_days_before_it(start, length):
    last = min(start + length * DAY, date(2999, 12, 31))
    period = periods.parse(f"{start}..{last}", TODAY, 1)
    before = periods.previous(period, 1)
    assert before.end == period.start
    assert before.end - before.start == period.end - period.start
    assert periods.year_ago(period, 1).start.year == start.year - 1


@pytest.mark.parametrize("text,start,last", [
    ("2024-02", date(2024, 2, 1), date(2024, 2, 29)), ("2026-Q1", date(2026, 4, 1), date(2026, 6, 30)), ("2026-Q4", date(2027, 1, 1), date(2027, 3, 31)),
    ("2026", date(2026, 4, 1), date(2027, 3, 31)), ("this-month", date(2026, 3, 1), date(2026, 3, 31)), ("", date(2026, 3, 1), date(2026, 3, 31)),
    ("last-30-days", date(2026, 2, 13), date(2026, 3, 14)), ("2026-07-01..2026-07-15", date(2026, 7, 1), date(2026, 7, 15)),
])  # fmt: skip
def test_the_words_of_the_contract_with_a_year_that_starts_in_april(text, start, last):
    period = periods.parse(text, TODAY, 4)
    assert (period.start, period.last) == (start, last)


def test_a_leap_day_a_year_before_is_the_last_of_february():
    period = periods.parse("2024-02-29..2024-02-29", TODAY, 1)
    assert periods.year_ago(period, 1).key == "2023-02-28..2023-02-28"
    month = periods.parse("2024-02", TODAY, 1)
    assert (periods.year_ago(month, 1).last, periods.previous(month, 1).key) == (date(2023, 2, 28), "2024-01")


def test_all_time_has_nothing_before_it():
    whole = periods.parse("all", TODAY, 1)
    assert (periods.previous(whole, 1), periods.year_ago(whole, 1)) == (None, None)


@pytest.mark.parametrize(
    "text",
    [
        "2026-13",
        "2026-00",
        "2026-Q5",
        "2026-02-30..2026-03-01",
        "2026-03-02..2026-03-01",
        "0000",
        "9999",
        "٢٠٢٦",
        "2026-Q",
        "x",
        "2026\x00",
        "1" * 500,
    ],
)
def test_what_is_no_period_is_refused(text):
    with pytest.raises(RuleError) as refused:
        periods.parse(text, TODAY, 1)
    assert set(refused.value.errors) == {"period"}
