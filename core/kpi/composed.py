"""Figures that a company built of any aggregate over records or facts: one by another, and what becomes of it through time.

Answers have the shape of all others. Each number's list holds exactly the rows it is made of: a sum is that of the list, a
count its length, an average the one by the other, the smallest, largest and middle one stand in it in their order, a ratio
and a change from year to year have two lists.
"""

from collections.abc import Iterable
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils.translation import gettext as _

from core import asof, context, periods, structures
from core.access import Actor
from core.asof import AsOf
from core.errors import Denied, RuleError
from core.kpi import groups, questions
from core.kpi.built import ADDING, Built, Piece
from core.kpi.definitions import ALIKE, Definition, may
from core.kpi.drills import Drills, of_member
from core.kpi.groups import Asked, Group
from core.kpi.parts import SIX_PLACES, ZERO, Amount, Source, read
from core.kpi.questions import Question
from core.measuring import Dimension
from core.periods import Period

MOST_SPANS = 400
MOST_GROUPS = 20_000


class Composed:
    """One question to a built KPI, worked out. Runs inside one snapshot; see ``core.kpi.answers`` for its answer."""

    def __init__(self, actor: Actor, wanted: Definition, question: Question, compared: bool):
        if not may(actor, wanted):
            raise Denied(_("This figure is made of records or fields that you may not see."))
        self.wanted, self.built, self.question = wanted, wanted.built, question
        self.today, self.fiscal = structures.today(), context.company().fiscal_year_start
        self.period = periods.parse(question.period, self.today, self.fiscal)
        self.as_of = _as_of(wanted, question)
        self.splits = questions.splits(actor, wanted, question)
        if question.rollup:
            raise RuleError({"rollup": [_("This figure cannot be rolled up.")]})
        self.sources = [Source(actor, p, tuple(self._extra(actor, p)), self.as_of) for p in self.built.pieces]
        self.asked = Asked(actor, wanted, self.splits, self.period, list(self.sources[0].extra), self.as_of, self.today, most=question.most)
        others = (periods.previous(self.period, self.fiscal), periods.year_ago(self.period, self.fiscal)) if compared else (None, None)
        self.others = others
        self._totals()

    def _extra(self, actor: Actor, piece: Piece) -> list:
        """The company's and the reader's further conditions, in the words of this part."""
        found = [self.wanted.filter] if self.wanted.filter and piece == self.built.of else []
        if self.question.filter is not None:
            bare = Source(actor, piece, (), self.as_of)
            node = questions.over_dimensions(self.wanted, self.question.filter, bare.dated)
            found.append(_reworded(node, {a: b for a, b in ALIKE.items() if piece is not self.built.of and a in self.wanted.dimensions and b in bare.known}))
        questions.demand_room(actor, piece.type, found)
        return found

    # Windows

    def windows(self, span: Period, whole: Period) -> list[Period]:
        """The days that a figure of this span looks at: one stretch, or this one and a year ago. None where it has no beginning."""
        if self.built.then == "running":
            return [replace(span, start=whole.start)]
        if self.built.then == "average":
            first: Period | None = span
            for _back in range(self.built.window - 1):
                first = periods.previous(first, self.fiscal) if first is not None else None
            return [replace(span, start=first.start)] if first is not None and first.start else []
        if self.built.then == "year-on-year":
            ago = periods.year_ago(span, self.fiscal)
            return [span, ago] if ago is not None else []
        return [span]

    def _slots(self, spans: Iterable[tuple[Period, Period]]) -> list[list[Period]]:
        return [self.windows(span, whole) for span, whole in spans]

    def _days(self, source: Source, slots: list[list[Period]]) -> list:
        return list(dict.fromkeys(source.days(w, self.today) for slot in slots for w in slot))

    # Reading

    def _totals(self) -> None:
        """Cost: one query for each part, one for what is hidden, one more where time splits all there is."""
        self.spans = self._inside() if self.asked.through_time else []
        time_alone = bool(self.spans) and len(self.splits) == 1
        slots = [(self.period, self.period), *((o, o) for o in self.others if o), *((s, self.period) for s in (self.spans if time_alone else ()))]
        self._whole = [self._read(source, [], self._slots(slots)) for source in self.sources]

    def _read(self, source: Source, splits: list[Dimension], slots: list[list[Period]]) -> dict[tuple, dict[Any, Amount]]:
        days = self._days(source, slots)
        return {keys: dict(zip(days, amounts, strict=True)) for keys, amounts in read(source, splits, days).items()} if days else {}

    def _inside(self) -> list[Period]:
        first, last = self.period.start, self.period.last
        if first is None:
            bounds = [source.bounds() for source in self.sources]
            firsts, lasts = [b[0] for b in bounds if b[0]], [b[1] for b in bounds if b[1]]
            if not firsts:
                return []
            first, last = min(firsts), max(lasts)
        if any(p.over != "period" for p in self.built.pieces):
            last = min(last, self.today)
        if last < first:
            return []
        found = [groups.clipped(s, self.period) for s in periods.inside(first, last, groups.finest(self.asked), self.fiscal)]
        if len(found) > MOST_SPANS:
            raise RuleError({"group_by": [_("More than %(n)d groups; narrow the period or the filter.") % {"n": MOST_SPANS}]})
        return found

    # Values

    def worth(self, told: list[dict[Any, Amount]], windows: list[Period]) -> Decimal | None:
        """What a slot comes to. ``told`` holds for each part its amounts by days."""
        if not windows:
            return None
        top = self._of(0, told, windows[0]).value
        if self.built.then == "year-on-year":
            before = self._of(0, told, windows[1]).value
            return ((top - before) / abs(before)).quantize(SIX_PLACES, ROUND_HALF_UP) if before and top is not None else None
        if self.built.per is not None:
            bottom = self._of(1, told, windows[0]).value
            return (top * self.built.scale / bottom).quantize(SIX_PLACES, ROUND_HALF_UP) if bottom and top is not None else None
        if self.built.then == "average" and self.built.of.aggregate in ADDING:
            return (top / self.built.window).quantize(SIX_PLACES, ROUND_HALF_UP)
        return top

    def _of(self, part: int, told: list[dict[Any, Amount]], window: Period) -> Amount:
        source = self.sources[part]
        nothing = Amount(None if source.piece.nothing is None else ZERO, 0)
        return told[part].get(source.days(window, self.today), nothing)

    def rows(self, told: list[dict[Any, Amount]], windows: list[Period]) -> int:
        """How many rows a slot is made of."""
        return sum(self._of(part, told, w).rows for part in range(len(self.sources)) for w in windows)

    def drill(self, windows: list[Period], by: dict[str, Any] | None = None) -> Any:
        """Where the rows are. None of a figure that has no beginning: the list of all it would be of."""
        windows = windows or [self.period]
        if self.built.then == "year-on-year" and len(windows) == 2:
            return Drills(*(self._list(0, w, by) for w in windows))
        if self.built.per is not None:
            return Drills(self._list(0, windows[0], by), self._list(1, windows[0], by))
        return self._list(0, windows[0], by)

    def _list(self, part: int, window: Period, by: dict[str, Any] | None) -> str:
        source, more = self.sources[part], []
        for dimension in self.splits:
            if by and not dimension.period:
                own = self._own(part, dimension)
                more.append(of_member(own, by[dimension.key]))
        return source.drill(source.days(window, self.today), more)

    def _own(self, part: int, dimension: Dimension) -> Dimension:
        """The dimension as this part calls it."""
        return dimension if part == 0 else self.wanted.per_dimension(dimension)

    def whole(self, period: Period) -> tuple[Decimal | None, Any, int]:
        told, windows = [w.get((), {}) for w in self._whole], self.windows(period, period)
        return self.worth(told, windows), self.drill(windows), self.rows(told, windows)

    def hidden(self) -> int:
        windows = self.windows(self.period, self.period) or [self.period]
        return sum(source.hidden([source.days(w, self.today) for w in windows]) for source in self.sources)

    # Groups

    def groups(self) -> list[Group]:
        """The parts, largest first, periods in their order. Cost: one query for each part, one for the names of each dimension."""
        if not self.splits:
            return []
        members = [d for d in self.splits if not d.period]
        spans: list[Period] = self.spans if self.asked.through_time else [self.period]
        slots = self._slots((span, self.period) for span in spans)
        if members:
            told = [self._read(s, [self._own(i, d) for d in members], slots) for i, s in enumerate(self.sources)]
        else:
            told = self._whole
        keys = list(dict.fromkeys(k for part in told for k in part))
        if len(keys) * len(spans) > MOST_GROUPS:
            raise RuleError({"group_by": [_("More than %(n)d groups; narrow the period or the filter.") % {"n": MOST_GROUPS}]})
        named = {d.key: groups.labels(self.asked.actor, d, {k[i] for k in keys}) for i, d in enumerate(members)}
        made = [
            self._group(dict(zip([d.key for d in members], key, strict=True)), span, windows, [part.get(key, {}) for part in told], named)
            for key in keys for span, windows in zip(spans, slots, strict=True)
        ]  # fmt: skip
        return sorted((g for g in made if g is not None), key=self._order)

    def _group(self, by: dict[str, Any], span: Period, windows: list[Period], told: list, named: dict) -> Group | None:
        if not self.rows(told, windows):
            return None
        keys = [groups.period_key(d, span) if d.period else by[d.key] for d in self.splits]
        words = [key if d.period else named[d.key].get(key, "") for d, key in zip(self.splits, keys, strict=True)]
        value = self.worth(told, windows)
        return Group(keys, words, value, self.drill(windows, by), counted=value or ZERO)

    def _order(self, group: Group) -> tuple:
        through = tuple(str(k) if d.period else "" for k, d in zip(group.keys, self.splits, strict=True))
        return (*through, group.value is None, -(group.value or ZERO), str(group.labels))


def _as_of(wanted: Definition, question: Question) -> AsOf:
    """Facts keep every snapshot; records are as they are now, in the snapshot that all of a page is read in. Errors: RuleError at ``as_of``."""
    asked = asof.parse(question.as_of)
    if wanted.has_past or not question.as_of:
        return asked
    if asked.known_by is None and asked.snapshot == asof.now().snapshot:
        return asked
    raise RuleError({"as_of": [_("%(kpi)s is made of records as they are now: it cannot be read as of an earlier time.") % {"kpi": wanted.name}]})


def _reworded(node: Any, words: dict[str, str]) -> Any:
    """A filter with the names of another part."""
    if isinstance(node, dict):
        return {word: [_reworded(part, words) for part in parts] for word, parts in node.items()}
    head, dot, rest = node[0].partition(".")
    return [words.get(head, head) + dot + rest, *node[1:]]


def needs(built: Built | None) -> bool:
    """Whether a KPI is worked out here."""
    return built is not None and not built.is_plain
