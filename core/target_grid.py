"""Targets as a sheet: a row for each member, a column for each month or quarter and one for the year; read, spread and stored as one batch.

Where all months of a year or quarter have a target, their sum is its target: no other is kept beside them, so that columns always add up.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from uuid_utils.compat import uuid7

from core import access, context, dimensions, kpi, periods, read, registry, sql, write
from core.access import Actor
from core.collation import sort_key
from core.errors import RuleError, Stale
from core.models import Target, TrailEntry
from core.money import minor_unit, plain
from core.periods import Period
from core.registry import KINDS, Dimension

Place = tuple[str, str]  # the member's id or key, empty for the company; the period's key
FEW = 60  # members that are all shown; of more, those that have targets, the largest and those asked for
LARGEST = 25
HUNDRED = Decimal(100)


@dataclass(frozen=True)
class Seen:
    """A cell as its reader saw it: the text in it, and the version of the target; 0 where there was none of its own."""

    text: str
    version: int


NOTHING = Seen("", 0)


@dataclass(frozen=True)
class Sheet:
    """The targets of one figure for one year, by the members of one dimension or of the company, as one person may see and set them."""

    actor: Actor
    wanted: kpi.Definition
    dimension: Dimension | None
    year: Period
    shape: str  # month or quarter

    @cached_property
    def spans(self) -> list[Period]:
        return self.inside(self.year, self.shape)

    @property
    def periods(self) -> list[Period]:
        """The columns: the year, then its parts."""
        return [self.year, *self.spans]

    @property
    def adds(self) -> bool:
        """Whether the parts of a year come to the year's target."""
        return self.wanted.is_additive

    @cached_property
    def stored(self) -> dict[Place, Target]:
        """Every target of the year, also of other lengths and archived ones, that the actor sees. Cost: one query."""
        keys = [p.key for shape in ("year", "quarter", "month") for p in self.inside(self.year, shape)]
        rows = access.rows(self.actor, registry.types["targets"]).filter(
            kpi=self.wanted.key, dimension=self.dimension.key if self.dimension else "", period__in=keys
        )
        return {(t.subject, t.period): t for t in rows}

    def live(self, place: Place) -> Target | None:
        found = self.stored.get(place)
        return found if found is not None and found.archived_at is None else None

    def value(self, subject: str, period: Period) -> Decimal | None:
        """The target there: its own, or what its parts come to."""
        own = self.live((subject, period.key))
        return own.value if own is not None else self.of_parts(subject, period)

    def of_parts(self, subject: str, period: Period) -> Decimal | None:
        """The sum of the shorter targets a longer period is made of, where all of them are set."""
        if not self.adds or period.shape == "month":
            return None
        months = [self.live((subject, p.key)) for p in self.inside(period, "month")]
        if None not in months:
            return sum((t.value for t in months), Decimal(0))
        if period.shape == "quarter":
            return None
        quarters = [self.value(subject, p) for p in self.inside(period, "quarter")]
        return None if None in quarters else sum(quarters, Decimal(0))

    def inside(self, period: Period, shape: str) -> list[Period]:
        """The months, quarters or years of a longer period."""
        return periods.inside(period.start, period.last, shape, context.company().fiscal_year_start)

    # Members

    def members(self, asked: Iterable[str] = ()) -> list[tuple[str, str]]:
        """(id or key, name) of the rows, by name: all where they are few. ``asked`` are ids besides. Cost: four queries at most, and one figure."""
        if self.dimension is None:
            return [("", _("Company"))]
        slug, choices = dimensions.members(self.dimension)
        keys = {subject for subject, period in self.stored if self.live((subject, period)) is not None} | set(asked)
        if not slug:
            found = {k: str(v) for k, v in choices.items()} if len(choices) <= FEW else {}
            if not found:
                keys |= self._largest()
            found |= {k: str(choices.get(k, k)) for k in keys - found.keys()}
            return sorted(found.items(), key=lambda one: sort_key(one[1]))
        object_type = registry.get(slug)
        if not access.allows(self.actor, object_type, "view"):
            return []
        rows = access.rows(self.actor, object_type)
        if any(f.name == "archived_at" for f in object_type.model._meta.fields):
            rows = rows.filter(archived_at=None)
        some = [str(pk) for pk in rows.filter(pk__in=self.open_to(slug)).values_list("pk", flat=True)[: FEW + 1]]
        keys |= set(some) if len(some) <= FEW else self._largest()
        named = read.labels(self.actor, {slug: {UUID(k) for k in keys if _is_id(k)}}).get(slug, {})
        return sorted(((str(pk), name) for pk, name in named.items()), key=lambda one: (sort_key(one[1]), one[0]))

    def _largest(self) -> set[str]:
        return {key for key, _value in sorted(self.past().items(), key=lambda one: -one[1])[:LARGEST]}

    def open_to(self, slug: str) -> Any:
        """Ids of the members whose targets the actor may set, as a subquery. Cost: none until used."""
        targets, rows = registry.types["targets"], access.rows(self.actor, registry.get(slug))
        owner, unit = {"users": ("pk", "unit"), "org-units": ("pk", "pk")}.get(slug, ("", None))  # whose a target is, see ``core.targets``
        return rows.filter(access.scope_through(self.actor, targets, "add", owner, unit)).values_list("pk", flat=True)

    def opened(self, subjects: list[str]) -> set[str]:
        """Those of these members whose targets the actor may set. Cost: one query."""
        targets = registry.types["targets"]
        slug = dimensions.members(self.dimension)[0] if self.dimension is not None else ""
        if not access.allows(self.actor, targets, "add"):
            return set()
        if slug:
            return {str(pk) for pk in self.open_to(slug).filter(pk__in=[s for s in subjects if _is_id(s)])}
        every = self.actor.system or any(p.scope == "all" for p in access.permissions(self.actor, targets, "add"))
        return set(subjects) if every else set()

    # What was

    def past(self) -> dict[str, Decimal]:
        """What the figure came to in the year before, by member. Cost: one figure; nothing where the actor may not ask."""
        return {subject: sum(parts, Decimal(0)) for subject, parts in self.pattern().items()} if self.adds else self._values(())

    def pattern(self) -> dict[str, list[Decimal]]:
        """What it came to in each part of the year before, by member. Cost: as ``past``."""
        before = self.inside(periods.previous(self.year, context.company().fiscal_year_start), self.shape)
        told = self._values((self.shape,))
        found: dict[str, list[Decimal]] = {}
        for (subject, key), value in told.items():
            if key in (keys := [p.key for p in before]):
                found.setdefault(subject, [Decimal(0)] * len(before))[keys.index(key)] = value
        return found

    def _values(self, through: tuple[str, ...]) -> dict[Any, Decimal]:
        memo = context.memo()
        name = ("the year before", self.wanted.key, self.dimension, self.year, through)
        if name not in memo:
            memo[name] = self._asked(through)
        return memo[name]

    def _asked(self, through: tuple[str, ...]) -> dict[Any, Decimal]:
        before = periods.previous(self.year, context.company().fiscal_year_start)
        by = (*([self.dimension.key] if self.dimension else []), *through)
        if not kpi.may(self.actor, self.wanted) or not all(kpi.may_split(self.actor, self.wanted, d) for d in map(self.wanted.dimension, by) if d):
            return {}
        try:
            answer = kpi.value(self.actor, self.wanted, kpi.Question(before.key, by), compared=False)
        except RuleError:  # more members than figures are split into
            return {}
        if not by:
            return {"": answer.value} if answer.value is not None else {}
        made: dict[Any, Decimal] = {}
        for group in answer.groups:
            subject = str(group.keys[0]) if self.dimension and group.keys[0] is not None else "" if not self.dimension else None
            if subject is not None and group.value is not None:
                made[(subject, group.keys[-1]) if through else subject] = group.value
        return made

    # Numbers as they are typed

    @property
    def is_percent(self) -> bool:
        return self.wanted.format == "percent"

    def text(self, value: Decimal | None) -> str:
        """A number as it stands in a cell."""
        return "" if value is None else f"{Decimal(plain(value * HUNDRED if self.is_percent else value)):,f}"

    def number(self, text: str) -> Decimal | None:
        """What somebody typed or pasted, also with spaces, marks of thousands, a currency or a percent sign. Errors: ValueError with a sentence."""
        bare = re.sub(r"[\s\u00a0\u202f'’_]", "", text).replace("，", ",").replace("％", "%").removesuffix("%")
        bare = re.sub(r"^([-−]?)(?:[A-Z]{3}|[¥€$£￥])|(?:[A-Z]{3}|[¥€$£￥])$", r"\1", bare).replace("−", "-")
        if not bare:
            return None
        if re.fullmatch(r"-?\d{1,3}(\.\d{3})+,\d+|-?\d{1,3}(\.\d{3}){2,}", bare):  # as much of Europe writes it
            bare = bare.replace(".", "").replace(",", ".")
        elif re.fullmatch(r"-?\d{1,3}(,\d{3})*(\.\d*)?", bare):
            bare = bare.replace(",", "")
        field = registry.types["targets"].fields["value"]
        found = field.rules.clean(field, bare)
        return found / HUNDRED if self.is_percent else found

    @property
    def step(self) -> Decimal:
        """The smallest amount a target is spread in."""
        return minor_unit(context.company().currency) if self.wanted.in_money else Decimal(1)

    # Spreading

    def spread(self, total: Decimal, weights: Sequence[Decimal] = ()) -> list[Decimal]:
        """A year's target over its parts: what adds up in parts that sum to exactly it, all else as it is in each of them."""
        if not self.adds:
            return [total] * len(self.spans)
        return shares(total, weights or [Decimal(1)] * len(self.spans), self.step)


def shares(total: Decimal, weights: Sequence[Decimal], step: Decimal) -> list[Decimal]:
    """The total in proportion to the weights, in whole steps where it has such; the parts sum to exactly the total.

    What does not divide goes to the largest remainders, the earlier first. Weights below zero count as none; where there are none, all are alike.
    """
    step = min(step, Decimal(1).scaleb(total.normalize().as_tuple().exponent))
    heavy = [max(w, Decimal(0)) for w in weights]
    if not any(heavy):
        heavy = [Decimal(1)] * len(heavy)
    units, whole = abs(total) / step, sum(heavy)
    exact = [units * w / whole for w in heavy]
    parts = [e.to_integral_value(ROUND_FLOOR) for e in exact]
    rest = int(units - sum(parts))
    for i in sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))[:rest]:
        parts[i] += 1
    return [p * step if total >= 0 else -p * step for p in parts]


# Storing ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Saved:
    """What became of a sheet: how many targets changed, and the batch by which that is taken back."""

    batch: UUID
    count: int


def save(sheet: Sheet, typed: Mapping[Place, str], seen: Mapping[Place, Seen]) -> Saved:
    """Store what was changed, all or nothing. Callers hold a transaction. Errors are named by their places, ``<member>|<period>``.

    ``seen`` is what stood in the cells when they were shown: what is still so was not changed. A cell that somebody else changed
    meanwhile is refused. Cost: some twenty statements, however many cells.
    """
    sql.lock(context.company().id, f"targets {sheet.wanted.key}")
    errors: dict[Place, str] = {}
    changed: dict[Place, Decimal | None] = {}
    for place, text in typed.items():
        if text == seen.get(place, NOTHING).text:
            continue
        try:
            changed[place] = sheet.number(text)
        except ValueError as error:
            errors[place] = str(error)
    for subject in dict.fromkeys(subject for subject, _period in changed):
        _settle(sheet, subject, changed, errors)
    for place, value in changed.items():
        if place in typed and (sentence := _conflict(sheet, place, value, seen.get(place, NOTHING))):
            errors[place] = sentence
    if errors:
        raise refused(errors)
    return _store(sheet, changed)


def refused(errors: Mapping[Place, str]) -> RuleError:
    return RuleError({"|".join(place): [sentence] for place, sentence in errors.items()})


def _settle(sheet: Sheet, subject: str, changed: dict[Place, Decimal | None], errors: dict[Place, str]) -> None:
    """Where all parts of a year or quarter are set, it has no target of its own beside them."""
    if not sheet.adds:
        return

    def of(period: Period) -> Decimal | None:
        place = subject, period.key
        own = sheet.live(place)
        return changed.get(place, own.value if own is not None else None)

    def months_of(period: Period) -> list[Decimal | None]:
        return [of(month) for month in sheet.inside(period, "month")]

    quarters = sheet.inside(sheet.year, "quarter")
    for period in (*quarters, sheet.year):
        place, parts = (subject, period.key), months_of(period)
        if None in parts and period is sheet.year:
            parts = [own if (own := of(q)) is not None or None in months_of(q) else sum(months_of(q), Decimal(0)) for q in quarters]
        if None in parts:
            continue
        told = sum(parts, Decimal(0))
        if changed.get(place) not in (None, told):
            errors[place] = _("The parts come to %(sum)s: spread the year over them, or change them.") % {"sum": sheet.text(told)}
        elif sheet.live(place) is not None:
            changed[place] = None
        else:
            changed.pop(place, None)


def _conflict(sheet: Sheet, place: Place, value: Decimal | None, was: Seen) -> str:
    """What somebody else did to this cell since it was shown, if it is not what is asked for anyway."""
    now = sheet.live(place)
    if (now.version if now else 0) == was.version or (now.value if now else None) == value:
        return ""
    if now is None:
        return _("Somebody else has taken this target away meanwhile. Save again to set it.")
    return _("Somebody else has set %(value)s here meanwhile. Save again to replace it.") % {"value": sheet.text(now.value)}


def _store(sheet: Sheet, changed: dict[Place, Decimal | None]) -> Saved:
    targets, batch = registry.types["targets"], uuid7()
    again, new, other, gone = [], [], [], []
    for place, value in changed.items():
        there = sheet.stored.get(place)
        if value is None:
            gone += [place] if sheet.live(place) else []
        elif there is None:
            new.append(place)
        elif there.archived_at is not None or there.value != value:
            again += [place] if there.archived_at is not None else []
            other += [place] if there.value != value else []
    told = {p: KINDS["number"].to_json(targets.fields["value"], v) for p, v in changed.items()}
    with context.calling(replace(context.call(), batch=batch)):
        versions = {place: sheet.stored[place].version for place in other}
        for act, places in (("restore", again), ("archive", gone)):
            if places:
                done = _named(places, lambda act=act, places=places: write.act_many(sheet.actor, targets, act, [(sheet.stored[p].pk, None) for p in places]))
                versions |= {place: record.version for place, record in zip(places, done, strict=True) if place in versions}
        if other:
            items = [(sheet.stored[p].pk, {"value": told[p]}, versions[p]) for p in other]
            _named(other, lambda: write.change_many(sheet.actor, targets, items))
        if new:
            head = {"kpi": sheet.wanted.key, "dimension": sheet.dimension.key if sheet.dimension else ""}
            made = [head | {"subject": subject, "period": period, "value": told[subject, period]} for subject, period in new]
            _named(new, lambda: write.create_many(sheet.actor, targets, made))
    return Saved(batch, len({*again, *other, *new, *gone}))


def _named(places: list[Place], work: Any) -> Any:
    """Do the work; what it refuses is named by the places it is about."""
    try:
        return work()
    except Stale as error:
        record = error.record
        raise refused({(record.subject, record.period): _("Somebody else has changed this target at the same moment. Save again.")}) from None
    except RuleError as error:
        found: dict[Place, str] = {}
        for name, sentences in error.errors.items():
            number = name.partition(".")[0]
            found[places[int(number)] if number.isdigit() and int(number) < len(places) else places[0]] = " ".join(sentences)
        raise refused(found) from None


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def of_batch(actor: Actor, ident: UUID) -> int:
    """How many targets the actor set under this batch; none where it was somebody else's, or something else. Cost: one query."""
    found = list(TrailEntry.objects.filter(batch=ident).values_list("actor", "about_type", "about_id")[:20_000])
    mine = all(who == actor.id and slug == "targets" for who, slug, _about in found)
    return len({about for _who, _slug, about in found}) if mine else 0

