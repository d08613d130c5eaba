"""Figures as people read them: answers of ``core.kpi`` in the reader's language, each number with the address of its facts.

Computes nothing that a number is made of and knows no page: a figure's words, its arrow, its small line, its chart.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_compact_currency, format_compact_decimal, format_currency, format_decimal, format_percent
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import context, kpi, periods, registry, structures
from core.asof import AsOf
from core.kinds import locale
from core.money import plain
from core.periods import Period

FACTS = "/facts/"
WHOLE_UP_TO = 100_000  # larger figures are shortened where there is little room; their full text stays in the title


@dataclass(frozen=True)
class Number:
    """One value: ``short`` for a tile, ``full`` to the minor unit, ``url`` of the facts that add up to it."""

    short: str
    full: str
    url: str


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


def number(definition: kpi.Definition, value: Decimal, drill: str) -> Number:
    return Number(short(definition, value), full(definition, value), f"{FACTS}?{drill}" if drill else "")


def short(definition: kpi.Definition, value: Decimal) -> str:
    """At most some eight characters: €38,420 or €8.4M."""
    large, currency = abs(value) >= WHOLE_UP_TO, context.company().currency
    if definition.measure.money and large:
        return format_compact_currency(value, currency, locale=locale(), fraction_digits=1)
    if definition.measure.money:
        return format_currency(value.quantize(Decimal(1), ROUND_HALF_UP), currency, locale=locale(), format="¤#,##0", currency_digits=False)
    if large:
        return format_compact_decimal(value, locale=locale(), fraction_digits=1)
    return format_decimal(value, format="#,##0.##", locale=locale())


def full(definition: kpi.Definition, value: Decimal) -> str:
    if definition.measure.money:
        return format_currency(value, context.company().currency, locale=locale())
    return format_decimal(value, format="#,##0.######", locale=locale())


def compare(answer: kpi.Answer) -> list[Comparison]:
    """The figure beside the period before and the same period a year ago, as far as the period has them."""
    found = []
    for label, other in ((_("Previous period"), answer.previous), (_("A year ago"), answer.year_ago)):
        if other is not None:
            period, value, drill = other
            trend = "" if answer.value == value else "up" if answer.value > value else "down"
            good = "" if not trend else "yes" if (trend == "up") == answer.definition.up_is_good else "no"
            then = number(answer.definition, value, drill)
            words = period_label(period)
            word = str(label) if period.shape == "range" else words
            found.append(Comparison(str(label), words, word, then, change(answer.definition, answer.value, value), trend, good))
    return found


def change(definition: kpi.Definition, value: Decimal, before: Decimal) -> str:
    """How much more or less, with its sign; in percent where there was something before."""
    if value == before:
        return _("unchanged")
    sign = "+" if value > before else "\N{MINUS SIGN}"
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
    most = max((abs(g.value) for g in groups), default=Decimal(0))
    return [
        Row(
            group_label(answer, g), _record_url(answer, g), number(answer.definition, g.value, g.drill),
            plain((abs(g.value) / most * 100).quantize(Decimal("0.1"))) if most else "0", g.level or 0,
        )
        for g in groups
    ]  # fmt: skip


def group_label(answer: kpi.Answer, group: kpi.Group) -> str:
    return " · ".join(key_label(name, key, label) for name, key, label in zip(answer.dimensions, group.keys, group.labels, strict=True))


def key_label(dimension: str, key: Any, label: str) -> str:
    """One key of a group in words; what the reader may not see by name is said to be so."""
    if registry.dimensions[dimension].period and key:
        return period_label(periods.parse(str(key), structures.today(), context.company().fiscal_year_start))
    return label or (_("Not visible to you") if key is not None else _("None"))


def _record_url(answer: kpi.Answer, group: kpi.Group) -> str:
    """The page of the record a group of one dimension is about."""
    if len(answer.dimensions) != 1 or group.keys[0] is None or not group.labels[0]:
        return ""
    dimension = registry.dimensions[answer.dimensions[0]]
    if dimension.period or not dimension.target:
        return ""
    slug = dimension.target
    if dimension.through:
        through = registry.types[slug].fields[dimension.through]
        slug = through.target if through.is_reference else ""
    return f"/{slug}/{group.keys[0]}/" if slug else ""


# Lines and charts ----------------------------------------------------------------------------------------------------


def months(answer: kpi.Answer, last: date, count: int = 12) -> list[tuple[str, str, Decimal, str]]:
    """Key, label, value and drill of each of the months that end with the one of ``last``; a month without facts has no drill.

    ``answer`` is grouped by month.
    """
    by_key = {g.keys[0]: g for g in answer.groups}
    found = []
    for back in range(count - 1, -1, -1):
        index = last.year * 12 + last.month - 1 - back
        first = date(index // 12, index % 12 + 1, 1)
        group = by_key.get(f"{first:%Y-%m}")
        label = format_skeleton("yMMM", first, locale=locale())
        found.append((f"{first:%Y-%m}", label, group.value if group else Decimal(0), group.drill if group else ""))
    return found


def spark(values: list[Decimal]) -> str:
    """Points of a small line through these values, in a box of 100 by 28."""
    if len(values) < 2 or not any(values):
        return ""
    low, high = min(values), max(values)
    height = (high - low) or Decimal(1)
    return " ".join(f"{i * 100 / (len(values) - 1):.1f},{float(26 - (v - low) / height * 24):.1f}" for i, v in enumerate(values))


def month_chart(answer: kpi.Answer, last: date, title: str) -> dict[str, Any]:
    """Bars of twelve months, as parts/chart.html reads them."""
    return chart(answer.definition, title, "bar", _("Month"), [(label, value, drill) for _key, label, value, drill in months(answer, last)])


def group_chart(answer: kpi.Answer, title: str, most: int = 12) -> dict[str, Any] | None:
    """Bars of the groups of one dimension: through time upright, else the largest ones lying. None where there are none."""
    if not answer.groups:
        return None
    dimension = registry.dimensions[answer.dimensions[0]]
    groups = answer.groups if dimension.period else sorted(answer.groups, key=lambda g: -abs(g.value))[:most]
    bars = [(group_label(answer, g), g.value, g.drill) for g in (groups[-36:] if dimension.period else groups)]
    return chart(answer.definition, title, "bar" if dimension.period else "rows", str(dimension.label), bars)


def chart(definition: kpi.Definition, title: str, shape: str, head: str, bars: list[tuple[str, Decimal, str]]) -> dict[str, Any]:
    """``bars`` are label, value, drill."""
    unit = context.company().currency if definition.measure.money else ""
    drawn = {
        "type": shape, "unit": unit,
        "categories": [{"label": label, "url": f"{FACTS}?{drill}" if drill else ""} for label, _value, drill in bars],
        "series": [{"name": definition.name, "values": [plain(value) for _label, value, _drill in bars]}],
    }  # fmt: skip
    rows = [
        {"label": bar["label"], "url": bar["url"], "values": [full(definition, value)]}
        for bar, (_label, value, _drill) in zip(drawn["categories"], bars, strict=True)
    ]
    return {"title": title, "json": json.dumps(drawn, ensure_ascii=False), "head": [head, definition.name], "rows": rows}
