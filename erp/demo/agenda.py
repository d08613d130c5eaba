"""What is to happen in the demo company and when: deeds by kind, each planned for a day, taken in the order of their days. Stores nothing."""

import calendar
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from heapq import heappop, heappush
from typing import Any
from zoneinfo import ZoneInfo

from core import clock

DAILY = 21  # days before today that are told day by day


class Agenda:
    """Planned deeds. What is planned for a day long gone is still taken, with the next of its kind."""

    def __init__(self) -> None:
        self._planned: dict[str, list[tuple[date, int, Any]]] = defaultdict(list)
        self._count = 0

    def plan(self, day: date, kind: str, what: Any) -> None:
        self._count += 1
        heappush(self._planned[kind], (workday(day), self._count, what))

    def take(self, kind: str, until: date) -> list[tuple[date, Any]]:
        """Deeds of this kind planned up to this day, with their days."""
        heap, found = self._planned[kind], []
        while heap and heap[0][0] <= until:
            day, _order, what = heappop(heap)
            found.append((day, what))
        return found


def workday(day: date) -> date:
    """The day itself, or the Friday before a weekend."""
    return day - timedelta(days=max(0, day.weekday() - 4))


def months(first: date, count: int) -> list[tuple[date, int]]:
    """First day and length of so many months."""
    found = []
    for n in range(count):
        year, month = divmod(first.year * 12 + first.month - 1 + n, 12)
        found.append((date(year, month + 1, 1), calendar.monthrange(year, month + 1)[1]))
    return found


def ends_of_steps(first: date, last: date) -> Iterator[date]:
    """The days up to which the year is told at once: Fridays, and every working day at the end."""
    day = first
    while day < last:
        if day.weekday() == 4 or (day.weekday() < 5 and (last - day).days <= DAILY):
            yield day
        day += timedelta(days=1)
    yield last


def moment(day: date, hour: int, minute: int, later: timedelta, zone: ZoneInfo) -> datetime:
    """So much after a time of a day where the company is, never a time to come."""
    return min(datetime.combine(day, time(hour, minute), zone) + later, clock.now().astimezone(zone))
