"""Records on their days: which lie on each day of a stretch, and how many there are. Two queries, whatever the number of records.

A record lies on the day of one field, or on all days from there to that of a second one; an instant's day is that of the company's time zone.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, DateField, DateTimeField, F, Model, Value, Window
from django.db.models.functions import Cast, Greatest, Least, RowNumber, TruncDate

from core import access, context, query
from core.access import Actor
from core.listings import Listing
from core.registry import Field, ObjectType

DAY = timedelta(days=1)
SPANS = ("month", "week")
STAMPS = ("created_at", "updated_at", "archived_at")


@dataclass
class Day:
    """A day: how many records lie on it, and those of them that are shown, each with its first and last day within the stretch."""

    date: date
    count: int = 0
    records: list[tuple[Model, date, date]] = field(default_factory=list)


def fields(actor: Actor, object_type: ObjectType) -> dict[str, Field]:
    """The fields a calendar can be made by, those the type's list shows first, stamps last. Cost: none."""
    known = access.fields(actor, object_type)
    able = {n: f for n, f in known.items() if f.kind in ("date", "datetime") and f.is_in_sql and not f.is_looked_up and n != "archived_at"}
    order = sorted(able, key=lambda n: (n in STAMPS, n not in object_type.columns))
    return {n: able[n] for n in order}


def condition(start: Field, end: Field | None, first: date, after: date) -> Any:
    """The filter of exactly the records that lie on a day from ``first`` to before ``after``."""
    begins = {"all": [[start.name, "gte", _moment(start, first)], [start.name, "lt", _moment(start, after)]]}
    if end is None:
        return begins
    return {"any": [begins, {"all": [[start.name, "lt", _moment(start, first)], [end.name, "gte", _moment(end, first)]]}]}


def _moment(f: Field, day: date) -> str:
    return f"{day.isoformat()}T00:00" if f.kind == "datetime" else day.isoformat()


def days(actor: Actor, object_type: ObjectType, wanted: Listing, start: Field, end: Field | None, first: date, after: date, most: int) -> list[Day]:
    """Each day from ``first`` to before ``after``; of those that begin on one day at most ``most`` records. Cost: two queries."""
    wanted = replace(wanted, conditions=(*wanted.conditions, condition(start, end, first, after)))
    begins = Greatest(_day(start), Value(first, output_field=DateField()))
    ends = Least(Greatest(begins, _day(end)) if end is not None else begins, Value(after - DAY, output_field=DateField()))
    found = query.matching(actor, object_type, wanted).order_by().alias(_sort=start.rules.expr(start)).annotate(_first=begins, _last=ends)
    made = {first + DAY * i: Day(first + DAY * i) for i in range((after - first).days)}
    for row in found.values("_first", "_last").annotate(_count=Count("pk")):
        for day in _from(row["_first"], row["_last"]):
            made[day].count += row["_count"]
    nth = Window(RowNumber(), partition_by=[F("_first")], order_by=[F("_sort").asc(), F("pk").asc()])
    for record in found.annotate(_nth=nth).filter(_nth__lte=most).order_by("_first", "_nth"):
        for day in _from(record._first, record._last):
            if len(made[day].records) < most:
                made[day].records.append((record, record._first, record._last))
    return list(made.values())


def _from(first: date, last: date) -> list[date]:
    return [first + DAY * i for i in range((last - first).days + 1)]


def _day(f: Field) -> Any:
    """The day of a field in SQL."""
    expr = f.rules.expr(f)
    if f.kind == "datetime":
        return TruncDate(Cast(expr, DateTimeField()) if f.custom else expr, tzinfo=context.company().zone)
    return Cast(expr, DateField()) if f.custom else expr


def moved(f: Field, value: Any, by: timedelta) -> str:
    """The value so many days on, at the same time of the company's day, as it is written."""
    if f.kind == "date":
        return (value + by).isoformat()
    here = value.astimezone(context.company().zone).replace(tzinfo=None) + by
    return here.isoformat()
