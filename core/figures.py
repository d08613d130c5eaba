"""Figures as people read them: answers of ``core.kpi`` in the reader's language, each number with the address of its facts.

Computes nothing that a number is made of and knows no page: a figure's words, its arrow, its small line, its chart.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_compact_currency, format_compact_decimal, format_currency, format_decimal, format_percent
from babel.units import format_unit
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import conditions, context, dimensions, kpi, periods, structures
from core.asof import AsOf
from core.kinds import locale
from core.kinds.numbers import amount
from core.kpi.drills import quoted
from core.measuring import Dimension
from core.money import plain
from core.periods import Period

NO_VALUE = "\N{EN DASH}"
UNITS = {"days": "duration-day", "hours": "duration-hour"}
WHOLE_UP_TO = 100_000  # larger figures are shortened where there is little room; their full text stays in the title
BARS = 12  # groups that a chart shows


@dataclass(frozen=True)
class Number:
    """One value: ``short`` for a tile, ``full`` to the minor unit, ``url`` of the facts or records it is made of.

    A ratio is no sum of facts: its ``url`` is the page of the figure, ``parts`` are those of the facts it is made of.
    """

    short: str
    full: str
    url: str
    parts: tuple[str, ...] = ()
    tone: str = ""  # of the threshold it has reached


@dataclass(frozen=True)
class Goal:
    """What a figure is meant to come to, and in words how much of it there is; ``bar`` is that from 0 to 100."""

    full: str
    words: str
    bar: str
    reached: bool


@dataclass(frozen=True)
class Comparison:
    """A figure beside that of another period. ``good`` is yes, no, or empty where nothing changed."""

    label: str
    period: str
    word: str  # the period where it is short, else the label
    number: Number
    change: str
    trend: str  # up, down or empty
    good: str


@dataclass(frozen=True)
class Row:
    """One group of a figure. ``url`` is that of the record the group is about, empty where there is none."""

    label: str
    url: str
    number: Number
    share: str  # of the largest, 0 to 100, for a small bar
    level: int = 0
    goal: Goal | None = None


def number(definition: kpi.Definition, value: Decimal | None, drill: str | kpi.Address | kpi.Drills, page: str = "") -> Number:
    """``page`` is the address of the figure asked for just so, where a ratio leads to."""
    told = short(definition, value), full(definition, value)
    if isinstance(drill, kpi.Drills):
        return Number(*told, page, tuple(one.path for one in drill), definition.tone(value))
    return Number(*told, drill.path if isinstance(drill, kpi.Address) else "", (), definition.tone(value))


def shown(answer: kpi.Answer) -> Number:
    """The figure itself."""
    return number(answer.definition, answer.value, answer.drill, page_of(answer))


def page_of(answer: kpi.Answer, period: str = "", more: list | None = None) -> str:
    """The page of a figure: asked as this one was, in the same snapshot, or for another period or a group of it."""
    asked, every = answer.question, list(more or [])
    if asked.filter is not None:
        every.append(asked.filter)
    words = {"period": period or answer.period.key} | ({"as_of": answer.as_of.token} if answer.definition.has_past else {})
    if every:
        words["filter"] = conditions.text({"all": every} if len(every) > 1 else every[0])
    return f"/kpis/{answer.definition.key}/?{'&'.join([f'{word}={quoted(said)}' for word, said in words.items()])}"


def short(definition: kpi.Definition, value: Decimal | None) -> str:
    """At most some eight characters: €38,420 or €8.4M; a dash where there is no value."""
    if value is None:
        return NO_VALUE
    if definition.in_money:
        return _short_amount(value or Decimal(0), context.company().currency, locale())
    if definition.format != "number":
        return _of_format(definition, value, "#,##0.#")
    return _with_unit(definition, _short_number(value or Decimal(0), locale()))


@lru_cache(maxsize=4000)  # most of them are nothing, and each is said several times
def _short_amount(value: Decimal, currency: str, language: str) -> str:
    if abs(value) >= WHOLE_UP_TO:
        return format_compact_currency(value, currency, locale=language, fraction_digits=1)
    return format_currency(value.quantize(Decimal(1), ROUND_HALF_UP), currency, locale=language, format="¤#,##0", currency_digits=False)


@lru_cache(maxsize=4000)
def _short_number(value: Decimal, language: str) -> str:
    if abs(value) >= WHOLE_UP_TO:
        return format_compact_decimal(value, locale=language, fraction_digits=1)
    return format_decimal(value, format="#,##0.##", locale=language)


def _with_unit(definition: kpi.Definition, text: str) -> str:
    return f"{text} {definition.unit}" if definition.unit else text


def full(definition: kpi.Definition, value: Decimal | None) -> str:
    if value is None:
        return NO_VALUE
    if definition.in_money:
        return amount(value, context.company().currency)
    if definition.format != "number":
        return _of_format(definition, value, "#,##0.##")
    return _with_unit(definition, _full_number(value or Decimal(0), locale()))


@lru_cache(maxsize=4000)
def _full_number(value: Decimal, language: str) -> str:
    return format_decimal(value, format="#,##0.######", locale=language)


def _of_format(definition: kpi.Definition, value: Decimal, pattern: str) -> str:
    """42.1 %, 3.5 days."""
    if definition.format == "percent":
        return format_percent(value, format=f"{pattern}%", locale=locale())
    places = Decimal("0.1") if pattern.endswith(".#") else Decimal("0.01")
    return format_unit(value.quantize(places, ROUND_HALF_UP), UNITS[definition.format], length="short", format=pattern, locale=locale())


def goal(definition: kpi.Definition, value: Decimal | None, target: Decimal | None) -> Goal | None:
    """A figure against its target; none where there is none. Where less is better, the target is kept while the figure stays below."""
    if target is None:
        return None
    share = Decimal(0) if value is None or not target else max(Decimal(0), value / target)
    reached = value is not None and (value >= target if definition.up_is_good else value <= target)
    done = format_percent(share, format="#,##0%", locale=locale())
    if definition.in_money or definition.format == "number":
        words = _("%(done)s of %(target)s") if definition.up_is_good else _("%(done)s of at most %(target)s")
    else:  # a percentage of percent, or of days, says nothing
        words = _("Target: %(target)s") if definition.up_is_good else _("Target: at most %(target)s")
    bar = plain((min(share, Decimal(1)) * 100).quantize(Decimal("0.1")))
    return Goal(full(definition, target), words % {"done": done, "target": short(definition, target)}, bar, reached)


def compare(answer: kpi.Answer) -> list[Comparison]:
    """The figure beside the period before and the same period a year ago, as far as the period has them."""
    found = []
    for label, other in ((_("Previous period"), answer.previous), (_("A year ago"), answer.year_ago)):
        if other is not None and not (found and other.period == answer.previous.period):  # of a year, both are the same
            period, value, drill = other
            known = answer.value is not None and value is not None
            trend = "" if not known or answer.value == value else "up" if answer.value > value else "down"
            good = "" if not trend else "yes" if (trend == "up") == answer.definition.up_is_good else "no"
            then = number(answer.definition, value, drill, page_of(answer, period.key))
            words = period_label(period)
            word = str(label) if period.shape == "range" else format_skeleton("yMMM", period.start, locale=locale()) if period.shape == "month" else words
            told = change(answer.definition, answer.value, value) if known else ""
            found.append(Comparison(str(label), words, word, then, told, trend, good))
    return found


def change(definition: kpi.Definition, value: Decimal, before: Decimal) -> str:
    """How much more or less, with its sign; in percent where there was something before, of percents in points."""
    if value == before:
        return _("unchanged")
    sign = "+" if value > before else "\N{MINUS SIGN}"
    if definition.format == "percent":
        points = format_decimal(abs(value - before) * 100, format="#,##0.#", locale=locale())
        return sign + _("%(points)s points") % {"points": points}
    if not before:
        return sign + short(definition, abs(value))
    ratio = abs((value - before) / before)
    return sign + format_percent(ratio, format="#,##0%" if ratio >= 1 else "#,##0.#%", locale=locale())


def period_label(period: Period) -> str:
    """A period in words: November 2026, 2026 Q3, 1 Jul 2026 to 15 Jul 2026."""
    if period.start is None:
        return _("All time")
    if period.shape == "month":
        return format_skeleton("yMMMM", period.start, locale=locale())
    if period.shape == "quarter":
        return _("Q%(quarter)s %(year)s") % {"quarter": period.key[-1], "year": period.key[:4]}
    if period.shape == "year":
        return _("Year %(year)s") % {"year": period.key}
    if period.shape == "last-30-days":
        return _("Last 30 days")
    return _("%(first)s to %(last)s") % {"first": day(period.start), "last": day(period.last)}


def day(value: date) -> str:
    return format_date(value, "medium", locale=locale())


def as_of(taken: AsOf) -> str:
    """The instant all numbers of a page are from, with the company's zone and currency."""
    company = context.company()
    moment = format_datetime(taken.taken, "medium", tzinfo=company.zone, locale=locale())
    if taken.known_by is not None:
        moment = _("the end of %(day)s, read %(moment)s") % {"day": day(taken.known_by), "moment": moment}
    return f"{moment}, {company.timezone}, {company.currency}"


def hidden(count: int) -> str:
    """What access leaves out, in words; empty where nothing is."""
    if not count:
        return ""
    words = ngettext("%(count)d fact that you may not see is left out.", "%(count)d facts that you may not see are left out.", count)
    return words % {"count": count}


def rows(answer: kpi.Answer, groups: Iterable[kpi.Group] | None = None) -> list[Row]:
    """Groups as rows of a table, in their order."""
    groups = list(answer.groups if groups is None else groups)
    most = max((abs(g.value) for g in groups if g.value is not None), default=Decimal(0))
    definition, word = answer.definition, Labels(answer)
    return [
        Row(
            word.whole(g), record_url(answer, g), number(definition, g.value, g.drill, group_page(answer, g)),
            plain((abs(g.value) / most * 100).quantize(Decimal("0.1"))) if most and g.value is not None else "0", g.level or 0,
            goal(definition, g.value, g.target),
        )
        for g in groups
    ]  # fmt: skip


def group_page(answer: kpi.Answer, group: kpi.Group) -> str:
    """The page of the figure for one group of it alone. Of a node in a tree the page is that of the node without those below."""
    period, more = "", []
    for key, dimension in zip(group.keys, (answer.definition.dimension(d) for d in answer.dimensions), strict=True):
        if dimension.period:
            period = period or str(key)
        else:
            more.append(kpi.of_member(dimension, key))
    return page_of(answer, period, more)


def group_url(answer: kpi.Answer, group: kpi.Group) -> str:
    """Where a group's number leads: to its facts, of a ratio to the page of the figure for that group alone."""
    if isinstance(group.drill, kpi.Drills):
        return group_page(answer, group)
    return group.drill.path if isinstance(group.drill, kpi.Address) else ""


class Labels:
    """What groups of an answer are called. Many groups have a key in common, such as a month: it is worded once."""

    def __init__(self, answer: kpi.Answer):
        self._dimensions = [answer.definition.dimension(d) for d in answer.dimensions]
        self._known: dict[tuple, str] = {}

    def each(self, group: kpi.Group) -> list[str]:
        """A word for each dimension."""
        return [self._word(i, key, label) for i, (key, label) in enumerate(zip(group.keys, group.labels, strict=True))]

    def whole(self, group: kpi.Group) -> str:
        return " · ".join(self.each(group))

    def _word(self, place: int, key: Any, label: str) -> str:
        if (place, key, label) not in self._known:
            self._known[place, key, label] = key_label(self._dimensions[place], key, label)
        return self._known[place, key, label]


def key_label(dimension: Dimension, key: Any, label: str) -> str:
    """One key of a group in words; what the reader may not see by name is said to be so."""
    if dimension.period and key:
        return period_label(periods.parse(str(key), structures.today(), context.company().fiscal_year_start))
    return label or (_("Not visible to you") if key is not None else _("None"))


def record_url(answer: kpi.Answer, group: kpi.Group) -> str:
    """The page of the record a group of one dimension is about."""
    if len(answer.dimensions) != 1 or group.keys[0] is None or not group.labels[0]:
        return ""
    dimension = answer.definition.dimension(answer.dimensions[0])
    slug = "" if dimension.period else dimensions.members(dimension)[0]
    return f"/{slug}/{group.keys[0]}/" if slug else ""


# Lines and charts ----------------------------------------------------------------------------------------------------


Bar = tuple[str, Decimal | None, str]  # label, value, address


def months(answer: kpi.Answer, last: date, count: int = 12) -> list[Bar]:
    """Label, value and address of each of the months that end with the one of ``last``; a month without facts has no address.

    ``answer`` is grouped by month.
    """
    by_key = {g.keys[0]: g for g in answer.groups}
    nothing = answer.definition.nothing
    found = []
    for back in range(count - 1, -1, -1):
        index = last.year * 12 + last.month - 1 - back
        first = date(index // 12, index % 12 + 1, 1)
        group = by_key.get(f"{first:%Y-%m}")
        label = format_skeleton("yMMM", first, locale=locale())
        found.append((label, group.value if group else nothing, group_url(answer, group) if group else ""))
    return found


def spark(values: list[Decimal | None]) -> str:
    """Points of a small line through these values, in a box of 100 by 28; where there is none, the line goes on."""
    known = [v for v in values if v is not None]
    if len(known) < 2 or not any(known):
        return ""
    low, high = min(known), max(known)
    height = (high - low) or Decimal(1)
    points = [(i, v) for i, v in enumerate(values) if v is not None]
    return " ".join(f"{i * 100 / (len(values) - 1):.1f},{float(26 - (v - low) / height * 24):.1f}" for i, v in points)


def month_chart(answer: kpi.Answer, last: date, title: str) -> dict[str, Any]:
    """Twelve months, as parts/chart.html reads them: bars of what adds up, a line of what does not."""
    return chart(answer.definition, title, "bar" if answer.definition.is_additive else "line", _("Month"), months(answer, last))


def group_chart(answer: kpi.Answer, title: str, most: int = BARS) -> dict[str, Any] | None:
    """Bars of the groups of one dimension: through time upright, else the largest ones lying. None where there are none."""
    if not answer.groups:
        return None
    dimension = answer.definition.dimension(answer.dimensions[0])
    groups = answer.groups if dimension.period else sorted(answer.groups, key=lambda g: -abs(g.value or 0))[:most]
    word = Labels(answer)
    bars = [(word.whole(g), g.value, group_url(answer, g)) for g in (groups[-36:] if dimension.period else groups)]
    upright = "bar" if answer.definition.is_additive else "line"
    return chart(answer.definition, title, upright if dimension.period else "rows", str(dimension.label), bars)


def chart(definition: kpi.Definition, title: str, shape: str, head: str, bars: list[Bar]) -> dict[str, Any]:
    unit = context.company().currency if definition.in_money else "%" if definition.format == "percent" else definition.unit
    scale = 100 if unit == "%" else 1
    drawn = {
        "type": shape, "unit": unit,
        "categories": [{"label": label, "url": url} for label, _value, url in bars],
        "series": [{"name": definition.name, "values": [None if value is None else plain(value * scale) for _label, value, _url in bars]}],
    }  # fmt: skip
    rows = [{"label": label, "url": url, "values": [full(definition, value)]} for label, value, url in bars]
    nothing = not any(value for _label, value, _url in bars)
    return {"title": title, "json": json.dumps(drawn, ensure_ascii=False), "nothing": nothing, "head": [head, definition.name], "rows": rows}
