"""The calendar of a type: its records as links on the days of a month or a week, moved from day to day. The figures: ``core.calendars``.

The same address, filters and words as the list; ``by-date`` and ``by-until`` name the fields, ``span`` the stretch, ``on-day`` a day of it. A move is
a plain change of those fields, with the version the record was shown with.
"""

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from babel.dates import format_date
from django.http import HttpRequest
from django.utils.translation import gettext as _

from core import access, calendars, conditions, context, read, structures, write
from core.access import Actor
from core.calendars import DAY, Day
from core.errors import Denied, Missing, RuleError, WrongState
from core.kinds.kind import locale
from core.listings import Listing
from core.registry import Field, ObjectType
from core.views import edits, filters, pages, tables

MOST = {"month": 5, "week": 50}  # records shown of a day; the list has the others
WEEK = 7 * DAY
FARTHEST = 50 * 366  # days from today: who leafs further has lost the way


def asked(request: HttpRequest, actor: Actor, object_type: ObjectType) -> tuple[Field, Field | None]:
    """The fields a calendar goes by: those the address names, else the first there is. Errors: Missing where there is none."""
    able = calendars.fields(actor, object_type)
    start = able.get(request.GET.get("by-date", "")) or next(iter(able.values()), None)
    if start is None:
        raise Missing
    end = able.get(request.GET.get("by-until", ""))
    return start, end if end is not None and end.name != start.name else None


def calendar(request: HttpRequest, actor: Actor, object_type: ObjectType, wanted: Listing) -> dict[str, Any]:
    """What templates/object/calendar.html reads. Cost: two queries, one for what may be moved, and names."""
    start, end = asked(request, actor, object_type)
    span = "week" if request.GET.get("span") == "week" else "month"
    here = _day(request.GET.get("on-day", ""))
    first, after = _stretch(here, span)
    made = calendars.days(actor, object_type, wanted, start, end, first, after, MOST[span])
    cards = _cards(request, actor, object_type, made, start, end)
    days = [_shown(request, object_type, day, cards, start, end, span == "week" or day.date.month == here.month) for day in made]
    before, further = _beside(here, span, -1), _beside(here, span, 1)
    return {
        "weeks": [days[i : i + 7] for i in range(0, len(days), 7)], "heads": [_called(d.date, "EEE") for d in made[:7]], "span": span,
        "title": _title(here, first, after, span), "movable": _movable(actor, object_type, start, end),
        "previous": filters.address(request, **{"on-day": before.isoformat()}), "next": filters.address(request, **{"on-day": further.isoformat()}),
        "today": filters.address(request, ("on-day",)), "spans": [_span(request, span, s, label) for s, label in _spans()],
        "choices": _choices(actor, object_type, start, end), "carried": filters.hidden(request, ("by-date", "by-until")),
        "any": any(day.count for day in made), "makes": object_type.writable and start.name in write.writable(actor, object_type, "add"),
    }  # fmt: skip


# Stretches of days --------------------------------------------------------------------------------------------------


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return structures.today()
    return day if abs((day - structures.today()).days) <= FARTHEST else structures.today()


def _stretch(day: date, span: str) -> tuple[date, date]:
    """The whole weeks, from Monday, that hold the day's week or month: the first day, and the one after the last."""
    if span == "week":
        monday = day - DAY * day.weekday()
        return monday, monday + WEEK
    first, after = day.replace(day=1), _beside(day, "month", 1)
    return first - DAY * first.weekday(), after + DAY * (-after.weekday() % 7)


def _beside(day: date, span: str, step: int) -> date:
    if span == "week":
        return day + WEEK * step
    index = day.year * 12 + day.month - 1 + step
    return date(index // 12, index % 12 + 1, 1)


def _called(day: date, pattern: str) -> str:
    return format_date(day, pattern, locale=locale())


def _title(day: date, first: date, after: date, span: str) -> str:
    if span == "month":
        return _called(day, "yyyy年M月" if locale().startswith("zh") else "MMMM yyyy")
    return f"{format_date(first, 'medium', locale=locale())} – {format_date(after - DAY, 'medium', locale=locale())}"


def _spans() -> list[tuple[str, str]]:
    return [("month", _("Month")), ("week", _("Week"))]


def _span(request: HttpRequest, current: str, span: str, label: str) -> dict[str, Any]:
    return {"label": label, "url": filters.address(request, span="" if span == "month" else span), "current": span == current}


def _choices(actor: Actor, object_type: ObjectType, start: Field, end: Field | None) -> list[dict[str, Any]]:
    able = calendars.fields(actor, object_type)

    def one(word: str, label: str, blank: str, chosen: Field | None) -> dict[str, Any]:
        listed = [{"value": n, "label": f.label, "selected": chosen is not None and n == chosen.name} for n, f in able.items()]
        return {"name": word, "label": label, "blank": blank, "options": listed}

    return [one("by-date", _("On the day of"), "", start), one("by-until", _("Until"), _("The same day"), end)]


# A day and its records ----------------------------------------------------------------------------------------------


def _shown(
    request: HttpRequest, object_type: ObjectType, day: Day, cards: dict[Any, dict], start: Field, end: Field | None, within: bool
) -> dict[str, Any]:  # fmt: skip
    shown = [{**cards[r.pk], "begins": first == day.date, "ends": last == day.date} for r, first, last in day.records]
    preset = day.date.isoformat() + ("T09:00" if start.kind == "datetime" else "")
    return {
        "date": day.date.isoformat(), "number": day.date.day, "label": _called(day.date, "full"), "short": _called(day.date, "EEEMMMd"), "within": within,
        "today": day.date == structures.today(), "cards": shown, "count": day.count, "more": day.count - len(shown),
        "url": _list_of(request, calendars.condition(start, end, day.date, day.date + DAY)),
        "new": f"{pages.address(object_type)}new/?{urlencode({start.name: preset, 'next': request.get_full_path()})}",
    }  # fmt: skip


def _list_of(request: HttpRequest, node: Any) -> str:
    """The list of exactly the records of a day."""
    words = [(f"{name}__{op}", value) for name, op, value in node["all"]] if "all" in node else [("filter", conditions.text(node))]
    return filters.behind(request, words)


def _cards(request: HttpRequest, actor: Actor, object_type: ObjectType, made: list[Day], start: Field, end: Field | None) -> dict[Any, dict[str, Any]]:
    """Record id -> its link, once however many days it lies on. Cost: one query where records can be moved, and names."""
    records = list({record.pk: record for day in made for record, _first, _last in day.records}.values())
    mine = set()
    if records and _movable(actor, object_type, start, end):
        mine = set(access.rows(actor, object_type, "change").filter(pk__in=[r.pk for r in records]).values_list("pk", flat=True))
    names = {object_type.title, start.name, *(("status",) if object_type.has_status else ())}
    back = urlencode({"next": request.get_full_path()})
    found = {}
    for one in read.present(actor, object_type, records, only=names):
        url = pages.address(object_type, one.id)
        found[one.id] = {
            "id": str(one.id), "version": getattr(one.record, "version", ""), "title": one.label, "url": url, "form": f"{url}edit/?{back}",
            "moves": one.id in mine, "time": _time(start, one), "tone": tables.tone(object_type, one.values["status"]) if "status" in one.values else "",
            "note": tables.status_label(object_type, one.values["status"]) if "status" in one.values else "",
        }  # fmt: skip
    return found


def _time(start: Field, one: read.Shown) -> str:
    if start.kind != "datetime":
        return ""
    return one.values[start.name].astimezone(context.company().zone).strftime("%H:%M")


def _movable(actor: Actor, object_type: ObjectType, start: Field, end: Field | None) -> bool:
    able = write.writable(actor, object_type)
    return object_type.writable and access.allows(actor, object_type, "change") and all(f is None or f.name in able for f in (start, end))


# Moving a record ----------------------------------------------------------------------------------------------------


def move(request: HttpRequest, actor: Actor, object_type: ObjectType) -> str:
    """Move the record the form names so many days on, or to the day it names; what is said then. Errors: those of the change."""
    start, end = asked(request, actor, object_type)
    if not _movable(actor, object_type, start, end):
        raise Denied(_("You may not do this with this record."))
    try:
        found = pages.record_or_missing(actor, object_type, request.POST.get("id", ""), "change")
    except (Missing, Denied):
        raise WrongState(_("This record is no longer here, or you may not move it.")) from None
    by = _distance(request, start, found)
    if by:
        data = {f.name: calendars.moved(f, f.value(found), by) for f in (start, end) if f is not None and f.value(found)}
        found = write.change(actor, object_type, found.pk, data, edits.version_of(request))
    shown = read.present(actor, object_type, [found], only={object_type.title, start.name})[0]
    return _("%(name)s is now on %(day)s.") % {"name": shown.label, "day": shown.text(start.name)}


def _distance(request: HttpRequest, start: Field, record: Any) -> timedelta:
    """How far it moves: from the day it was taken at, else its first, to the one named; or as many days as a button says. Errors: RuleError."""
    try:
        if request.POST.get("by"):
            return DAY * int(request.POST["by"][:4])
        value = start.value(record)
        own = value.astimezone(context.company().zone).date() if start.kind == "datetime" else value
        taken = date.fromisoformat(request.POST["from"]) if request.POST.get("from") else own
        by = date.fromisoformat(request.POST.get("value", "")) - taken
        return by if abs(by.days) <= FARTHEST else timedelta(0)
    except (ValueError, AttributeError, TypeError):
        raise RuleError({start.name: [_("Enter a date as YYYY-MM-DD.")]}) from None


__all__ = ["calendar", "move"]
