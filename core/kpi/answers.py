"""Answers: a figure with its comparisons, parts, target and drills; and many figures at the cost of one."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from heapq import nlargest
from typing import Any, NamedTuple

from core import asof, context, periods, structures
from core.access import Actor
from core.asof import AsOf
from core.kpi import groups, questions, trees
from core.kpi.composed import Composed
from core.kpi.definitions import Definition
from core.kpi.drills import Address, Drills, drill, of_member
from core.kpi.groups import Amounts, Asked, Group, Parts
from core.kpi.questions import Question
from core.kpi.tally import Added, Tally, days_of, same
from core.kpi.targets import Targets
from core.periods import Period


class Compared(NamedTuple):
    """The figure of another period."""

    period: Period
    value: Decimal | None
    drill: Address | Drills


@dataclass(frozen=True)
class Answer:
    """A figure, how it came about, and where its facts are. ``drill`` is a query string for the list of facts, of a ratio two.

    ``unknown`` says of how much the amount is not known, None where the KPI has no such thing; ``counted`` is its sum all the same.
    """

    definition: Definition
    period: Period
    value: Decimal | None
    as_of: AsOf
    hidden: int
    rows: int
    drill: Address | Drills
    previous: Compared | None
    year_ago: Compared | None
    filters: list
    groups: list[Group] = field(default_factory=list)
    count: int = 0  # of the groups, with those that were left out
    dimensions: tuple[str, ...] = ()
    target: Decimal | None = None
    unknown: Decimal | None = None
    counted: Decimal = Decimal(0)
    question: Question = field(default_factory=Question)


@dataclass(frozen=True)
class Task:
    """One question as it is worked out, with the sums it shares with others."""

    question: Question
    asked: Asked
    others: tuple[Period | None, Period | None]  # the one before, and the same a year ago
    seen: Tally | None = None
    everyone: Tally | None = None

    @cached_property
    def parts(self) -> Parts:
        """What the members of its dimensions come to. Cost: one query."""
        return groups.parts(self.asked)

    @property
    def adds_up(self) -> bool:
        """Whether the figure is the sum of its parts, so that these are read alone."""
        asked, top = self.asked, self.asked.wanted.top
        alone = asked.wanted.is_additive and not asked.wanted.unknown.measures and len(top.measures) == 1
        return alone and bool(asked.splits) and not asked.rollup and not asked.reads_largest and not self.spans

    @property
    def spans(self) -> list[Period]:
        """The months, quarters or years of a figure that only time splits, where they are few enough to be read with it."""
        asked = self.asked
        if len(asked.splits) != 1 or not asked.splits[0].period or asked.period.start is None or asked.rollup:
            return []
        last = asked.period.last if all(p.over == "period" for p in asked.wanted.parts) else min(asked.period.last, asked.today)
        if last < asked.period.start or (last - asked.period.start).days > 800:
            return []
        return periods.inside(asked.period.start, last, asked.splits[0].period, context.company().fiscal_year_start)


def value(actor: Actor, wanted: Definition, asked: Question, compared: bool = True) -> Answer:
    """One figure. ``compared=False`` spares the comparisons where nobody reads them. See ``values``."""
    return values(actor, [(wanted, asked)], compared)[0]


Choice = Callable[[list[dict[Any, Decimal]]], Collection]


def values(actor: Actor, asked: Iterable[tuple[Definition, Question]], compared: bool = True, choose: Choice | None = None) -> list[Answer]:
    """Figures with their comparisons, parts, targets and drills, in the order asked. Runs inside one snapshot.

    ``choose`` is told what each member of the first dimension adds to each of the figures, and says which of them are to be groups: of ten thousand
    customers a page shows some. Nobody's groups but theirs are made, named and given targets.

    Cost: four queries for all of those with the same conditions, however many; one more for each that is split otherwise
    than by time alone, whose sum is then that of its parts, and one for the names of each dimension.
    """
    today, fiscal = structures.today(), context.company().fiscal_year_start
    known: dict[str, AsOf] = {}
    tallies: dict[tuple[str, str], tuple[Tally, Tally]] = {}
    tasks = []
    composed: dict[int, Composed] = {}
    for wanted, question in asked:
        if wanted.composed:
            one = composed[len(tasks)] = Composed(actor, wanted, question, compared and question.compared)
            tasks.append(Task(question, one.asked, one.others))
            continue
        period = periods.parse(question.period, today, fiscal)
        as_of = known.get(question.as_of) or known.setdefault(question.as_of, asof.parse(question.as_of))
        splits, extra = questions.splits(actor, wanted, question), questions.filters(actor, wanted, question)
        if (key := same(extra, as_of)) not in tallies:
            tallies[key] = Tally(actor, extra, as_of), Tally(actor, extra, as_of, every_row=True)
        others = (periods.previous(period, fiscal), periods.year_ago(period, fiscal)) if compared and question.compared else (None, None)
        made = Asked(actor, wanted, splits, period, extra, as_of, today, question.structure, question.rollup, question.most)
        task = Task(question, made, others, *tallies[key])
        for span in (*((period,) if question.whole and not task.adds_up else ()), *others, *(groups.clipped(s, period) for s in task.spans)):
            if span is not None:
                task.seen.want(wanted, span, today)
        if question.whole:
            task.everyone.want(wanted, period, today, [p for p in (wanted.top, wanted.bottom) if p.measures])
        tasks.append(task)
    _read_together([task for i, task in enumerate(tasks) if i not in composed])
    for task in filter(lambda t: t.adds_up, tasks):
        _add_up(task)
    for mine, everyone in tallies.values():
        mine.read()
        if mine.sees_all() and everyone.sees_all():
            everyone.take(mine)
        else:
            everyone.read()
    told = {i: _told(one) for i, one in composed.items()}
    only = set(choose([_counted(told[i]) if i in told else _added(task) for i, task in enumerate(tasks)])) if choose else None
    return _with_targets(actor, [(task, told[i] if i in told else _answer(task, only)) for i, task in enumerate(tasks)])


def _read_together(tasks: list[Task]) -> None:
    """Read the parts of figures that are split alike in one go. Cost: one query for each lot of them."""
    lots: dict[Hashable, list[Task]] = defaultdict(list)
    for task in tasks:
        if (alike := task.asked.alike) is not None:
            lots[alike].append(task)
    for lot in lots.values():
        for task, parts in zip(lot, groups.together([t.asked for t in lot]) if len(lot) > 1 else (), strict=False):
            task.__dict__["parts"] = parts


def _added(task: Task) -> dict[Any, Decimal]:
    """What the members of the first dimension add to a figure. Cost: that of its parts."""
    return {keys[0]: amounts.sums[0] for (keys, _span), amounts in task.parts.found.items() if keys}


def _counted(answer: Answer) -> dict[Any, Decimal]:
    return {group.keys[0]: group.counted for group in answer.groups}


def _add_up(task: Task) -> None:
    """The figure's own sum out of its parts. Cost: the query that its groups need anyway."""
    wanted, parts = task.asked.wanted, task.parts.found.values()
    added = Added(sum((p.sums[0] for p in parts), Decimal(0)), sum(p.rows[0] for p in parts))
    task.seen.know(wanted.top.measures[0], days_of(wanted.top, task.asked.period, task.asked.today), added)


def _answer(task: Task, only: Collection | None = None) -> Answer:
    asked, seen = task.asked, task.seen
    wanted, period, today = asked.wanted, asked.period, asked.today
    amounts, rows = seen.amounts(wanted, period, today), seen.rows(wanted, period, today)
    value, hidden = (wanted.worth(amounts), task.everyone.rows(wanted, period, today) - rows) if task.question.whole else (None, 0)
    previous, year_ago = (_compared(task, other) for other in task.others)
    found, count = _groups(task, only)
    return Answer(
        wanted, period, value, asked.as_of, hidden, rows, asked.drill(), previous, year_ago, asked.extra, found, count, task.question.group_by,
        unknown=amounts[3] if wanted.unknown.measures else None, counted=amounts[0], question=task.question,
    )  # fmt: skip


def _told(one: Composed) -> Answer:
    """The answer to a question that is more than sums of facts."""
    value, drill, rows = one.whole(one.period)
    previous, year_ago = (Compared(o, *one.whole(o)[:2]) if o is not None else None for o in one.others)
    every = some = one.groups()
    if one.asked.takes_largest:
        some = groups.in_order(nlargest(one.asked.most, every, key=lambda g: abs(g.value or 0)), one.splits)
    return Answer(
        one.wanted, one.period, value, one.as_of, one.hidden(), rows, drill, previous, year_ago, list(one.sources[0].extra), some, len(every),
        one.question.group_by, counted=value or Decimal(0), question=one.question,
    )  # fmt: skip


def _compared(task: Task, other: Period | None) -> Compared | None:
    if other is None:
        return None
    wanted, today = task.asked.wanted, task.asked.today
    return Compared(other, wanted.worth(task.seen.amounts(wanted, other, today)), task.asked.drill(other))


def _groups(task: Task, only: Collection | None = None) -> tuple[list[Group], int]:
    """The groups, of these members alone where they are named, and how many there are with those that were left out."""
    asked = task.asked
    if not asked.splits:
        return [], 0
    if asked.rollup:
        found = trees.rolled_up(asked)
    elif spans := task.spans:
        found = groups.made_of(asked, {((), span): told for span in spans if any((told := _in_span(task, span, asked.today)).rows)})
    else:
        chosen = task.parts.found if only is None else {key: amounts for key, amounts in task.parts.found.items() if key[0][0] in only}
        return groups.made_of(asked, chosen), task.parts.count
    return found, len(found)


def _in_span(task: Task, span: Period, today: date) -> Amounts:
    inside, wanted = groups.clipped(span, task.asked.period), task.asked.wanted
    return Amounts(task.seen.amounts(wanted, inside, today), (task.seen.rows(wanted, inside, today), 0))


def by_first(answer: Answer) -> Answer | None:
    """The answer split by the first of its dimensions alone: its groups added up. None where they do not simply add up. Cost: none."""
    wanted, question = answer.definition, answer.question
    if wanted.composed or question.rollup or not wanted.is_additive or wanted.unknown.measures:
        return None
    first, today, fiscal = wanted.dimension(answer.dimensions[0]), structures.today(), context.company().fiscal_year_start
    summed: dict[Any, Decimal] = defaultdict(Decimal)
    labels = {}
    for group in answer.groups:
        summed[group.keys[0]] += group.counted
        labels[group.keys[0]] = group.labels[0]
    made = []
    for key, value in summed.items():
        where = groups.clipped(periods.parse(str(key), today, fiscal), answer.period) if first.period else answer.period
        address = drill(wanted, answer.filters, where, today, answer.as_of, [] if first.period else [of_member(first, key)])
        made.append(Group([key], [labels[key]], value, address, counted=value))
    return replace(answer, groups=groups.in_order(made, [first]), dimensions=answer.dimensions[:1], question=replace(question, group_by=question.group_by[:1]))


# Targets ------------------------------------------------------------------------------------------------------------


def _with_targets(actor: Actor, made: list[tuple[Task, Answer]]) -> list[Answer]:
    """The answers with what they, and their groups of one dimension, are meant to come to. Cost: one query for all."""
    fiscal = context.company().fiscal_year_start
    members = {"", *(d.key for task, _answer in made for d in task.asked.splits if not d.period)}
    members |= {about[0] for task, _answer in made if (about := questions.subject(task.question))}
    spans = [answer.period for _task, answer in made]
    for task, answer in made:
        spans += [span for d in task.asked.through_time if len(task.asked.splits) == 1 for span in _keyed(answer, d.period, fiscal)]
    targets = Targets(actor, (task.asked.wanted for task, _answer in made), spans, members)
    return [_targeted(targets, task, answer) for task, answer in made]


def _keyed(answer: Answer, shape: str, fiscal: int) -> list[Period]:
    return [periods.parse(g.keys[0], answer.period.start or date.min, fiscal) for g in answer.groups]


def _targeted(targets: Targets, task: Task, answer: Answer) -> Answer:
    wanted, about = task.asked.wanted, questions.subject(task.question)
    parts = [group if (goal := _of_group(targets, task, answer, group, about)) is None else replace(group, target=goal) for group in answer.groups]
    goal = targets.of(wanted, about, answer.period)
    return answer if goal is None and parts == answer.groups else replace(answer, target=goal, groups=parts)


def _of_group(targets: Targets, task: Task, answer: Answer, group: Group, about) -> Decimal | None:
    if len(task.asked.splits) != 1 or group.keys[0] is None:
        return None
    dimension = task.asked.splits[0]
    if dimension.period:
        span = periods.parse(str(group.keys[0]), task.asked.today, context.company().fiscal_year_start)
        return targets.of(task.asked.wanted, about, span) if groups.clipped(span, answer.period) == span else None
    return targets.of(task.asked.wanted, (dimension.key, str(group.keys[0])), answer.period) if about == ("", "") else None
