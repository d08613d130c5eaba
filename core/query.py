"""A list as somebody asks for it (``core.listings``): its rows, their order, pages and sums. Pages, API, exports and drills all come here."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from django.db.models import Aggregate, Count, Exists, Model, Q, QuerySet, Subquery, TextField, Value, Window
from django.db.models.functions import Coalesce, NullIf
from django.utils.translation import gettext as _

from core import access, conditions, context, cursors, derived, edition, ordering, rolling, schema, search, structures, summaries, sums, worded
from core.access import Actor
from core.errors import RuleError
from core.listings import Listing
from core.prepared import Asked, ask_together
from core.registry import Field, ObjectType

NEWEST = 5000  # rows at the start of the list in which a page is looked for before all are gone through


@dataclass(frozen=True)
class Page:
    """One page of records and how to go on; ``sums`` and ``count`` are over all that match, ``currency`` that of sums of documents all in one.

    ``beyond``: so many rows and more match, too many to count and add up unasked.
    """

    records: list[Model]
    next: str
    previous: str
    count: int | None = None
    sums: dict[str, Decimal] | None = None
    currency: str = ""
    beyond: int = 0


def matching(actor: Actor, object_type: ObjectType, wanted: Listing, action: str = "view", few: bool = False) -> QuerySet:
    """All rows that match, in no order; ``few``: of which few are looked at. Cost: none until used."""
    access.demand(actor, object_type, action)
    found = access.rows(actor, object_type, action)
    sight = access.sight(actor)
    tests = [conditions.compile(object_type, condition, sight) for condition in wanted.conditions]
    known = access.fields(actor, object_type)
    if not few and not wanted.q and not any(_narrows(condition, known) for condition in wanted.conditions):
        found = rolling.at_once(found)
    for test in tests:
        found = found.filter(test)
    if wanted.q:
        found = found.filter(search.matches(object_type, wanted.q)) if object_type.search else found.none()
    if wanted.as_of:
        if object_type.as_of is None:
            raise RuleError({"as_of": [_("%(type)s cannot be read as of an earlier time.") % {"type": object_type.plural}]})
        found = object_type.as_of(found, wanted.as_of)
    if any(f.name == "archived_at" for f in object_type.model._meta.fields):
        found = found.filter(archived_at__isnull=not wanted.archived)
    return found


def _narrows(node: Any, known: Mapping[str, Field]) -> bool:
    """Whether a filter leaves few rows, as one by any field that is stored is taken to do: then each row's roll-ups are worked out by themselves."""
    if word := conditions.joining(node):
        return (any if word == "all" else all)(_narrows(part, known) for part in node[word])
    return not derived.is_computed(known[node[0].partition(".")[0]])


def ordered(actor: Actor, object_type: ObjectType, wanted: Listing) -> QuerySet:
    """All rows that match, in order: empty last, ties by id."""
    keys = ordering.keys(actor, object_type, wanted.sort)
    return ordering.by(matching(actor, object_type, wanted), keys)


def _first(
    object_type: ObjectType, wanted: Listing, found: QuerySet, keys: list[cursors.Key], count: int, stretches: Sequence[Q] = (Q(),), backwards: bool = False
) -> list[Model]:
    """So many rows from the start of these stretches of the order. A million ids are sorted in half the time that a million rows take.

    Cost: one query, one more where a page goes on into the empty ones.
    """
    records: list[Model] = []
    for stretch in stretches:
        records += _top(object_type, wanted, found, keys, count - len(records), stretch, backwards)
        if len(records) == count:
            break
    return records


def _top(object_type: ObjectType, wanted: Listing, found: QuerySet, keys: list[cursors.Key], count: int, stretch: Q, backwards: bool = False) -> QuerySet:
    if object_type.rows or wanted.as_of:  # such rows carry more than their columns
        return ordering.by(found, keys, backwards).filter(stretch)[:count]
    shown = ordering.worked_out_once(found, keys) if wanted.cursor else (found, keys)
    rows = ordering.by(*shown, backwards).filter(stretch)[:count]
    return ordering.by(object_type.all().filter(pk__in=rows.values("pk")), keys, backwards)


def _first_of_all(
    actor: Actor, object_type: ObjectType, wanted: Listing, found: QuerySet, keys: list[cursors.Key]
) -> tuple[list[Model], int, Sequence]:
    """The rows of the first page, how many there are in all, and the sums of all, by going through them once. Cost: two queries."""
    ids: list[Any] = []

    def ask(asked: dict[str, Aggregate]) -> list[dict[str, Any]]:
        over_all = {name: Window(one) for name, one in asked.items()}
        rows = list(ordering.by(found, keys, fenced=True).annotate(**over_all).values_list("pk", *asked)[: wanted.limit + 1])
        ids[:] = [row[0] for row in rows]
        return [dict(zip(asked, rows[0][1:] if rows else [None] * len(asked), strict=True))]

    count, *summed = sums.asked(actor, object_type, wanted.sums).answers(ask)[0]
    return list(ordering.by(object_type.all().filter(pk__in=ids), keys)), count or 0, summed


def _searches(node: Any, known: Mapping[str, Field]) -> bool:
    """Whether a filter names a company's own field: then neither statistics nor, mostly, an index tell how many rows it leaves."""
    if word := conditions.joining(node):
        return any(_searches(part, known) for part in node[word])
    f = known[node[0].partition(".")[0]]
    return f.custom or derived.is_computed(f)


def _is_searched(actor: Actor, object_type: ObjectType, wanted: Listing) -> bool:
    known = access.fields(actor, object_type)
    return "created_at" in known and any(_searches(condition, known) for condition in wanted.conditions)


def _looked_for(
    actor: Actor, object_type: ObjectType, wanted: Listing, found: QuerySet, keys: list[cursors.Key]
) -> tuple[list[Model], int | None, Sequence]:
    """The first page of what a filter leaves, nobody knows how much: where the newest rows hold little of it, by going through all once, which counts
    them and adds them up.

    Along the order, what is rare would be looked for row by row, and then counted. Cost: one query, one or two more but for the newest of much.
    """
    newest, oldest = (object_type.all().order_by(order).values("created_at") for order in ("-created_at", "created_at"))
    begins = Q(created_at__gte=Coalesce(Subquery(newest[NEWEST : NEWEST + 1]), Subquery(oldest[:1])))
    adds_up = rolling.has_joined(found)
    few = matching(actor, object_type, wanted, few=True) if adds_up else found
    records = _first(object_type, wanted, few, ordering.keys(actor, object_type, ()), wanted.limit + 1, [begins])
    if len(records) <= wanted.limit or (adds_up and wanted.sort):
        records, count, summed = _first_of_all(actor, object_type, wanted, found, keys)
        too_many = bool(wanted.sums and wanted.within and not wanted.q) and count > wanted.within
        return (records, 0, ()) if too_many else (records, count, summed)
    return (_first(object_type, wanted, found, keys, wanted.limit + 1) if wanted.sort else records), None, ()


def one(actor: Actor, object_type: ObjectType, ident: UUID | int) -> Model | None:
    """The record of this id where the actor sees it, archived or not. Cost: one query."""
    if not access.allows(actor, object_type, "view"):
        return None
    if not _is_worded(object_type, ident):
        return access.rows(actor, object_type).filter(pk=ident).first()
    return next(iter(worded.records(actor, *_one(actor, object_type), ident)), None)


def asked_for_one(actor: Actor, object_type: ObjectType, ident: UUID | int) -> list[Asked]:
    """What ``one`` asks of the database, to be asked together with more."""
    if not _is_worded(object_type, ident) or not access.allows(actor, object_type, "view"):
        return []
    return worded.asked(actor, *_one(actor, object_type), ident)


def _is_worded(object_type: ObjectType, ident: UUID | int) -> bool:
    return isinstance(ident, UUID) and not (object_type.rows or object_type.personal)


def _one(actor: Actor, object_type: ObjectType) -> tuple[Hashable, Callable[..., QuerySet]]:
    return ("one", object_type.slug), lambda pk: access.rows(actor, object_type).filter(pk=pk)[:1]


def page(actor: Actor, object_type: ObjectType, wanted: Listing) -> Page:
    """One page, with count and sums where asked for.

    Cost: one query, another where its empty ones begin or an own field leaves few, one for the sums or the count of what goes on.
    """
    begun = begin(actor, object_type, wanted)
    ask_together(begun.asked())
    return begun.page()


def _unlike(actor: Actor, object_type: ObjectType, wanted: Listing) -> Page:
    """A page of a list that is worded for itself alone."""
    keys = ordering.keys(actor, object_type, wanted.sort)
    found = matching(actor, object_type, wanted)
    backwards, stretches = False, [Q()]
    if wanted.cursor:
        backwards, values = cursors.decode(keys, wanted.cursor)
        stretches = cursors.beyond(keys, values, backwards)
    count, summed = None, ()
    searched = _is_searched(actor, object_type, wanted) and not (object_type.rows or wanted.as_of)
    if searched and not wanted.cursor:
        records, count, summed = _looked_for(actor, object_type, wanted, found, keys)
    else:
        records = _first(object_type, wanted, found, keys, wanted.limit + 1, stretches, backwards)
    if count is None and (wanted.sums or (wanted.count and searched)):
        count, *summed = _added_up(actor, object_type, wanted, found, searched)
    elif count is None and wanted.count:
        count = _count(wanted, found) if len(records) > wanted.limit or wanted.cursor else len(records)
    return _page(wanted, keys, records, count, summed if wanted.sums else (), backwards)


def _count(wanted: Listing, found: QuerySet) -> int:
    """How many rows match; none where they are too many. Whether they are is found out while they are counted, so that all are gone through once at most."""
    if not wanted.within or wanted.q:
        return found.count()
    count = found.order_by()[: wanted.within + 1].count()
    return count if count <= wanted.within else 0


def _few(wanted: Listing, found: QuerySet) -> QuerySet:
    """The rows where they are few enough to be counted and added up, else none: found out by going through so many at most.

    What is searched for by letters is looked up as a whole before its first row is there, so it is counted at once.
    """
    if not wanted.within or wanted.q:
        return found
    return found.filter(~Exists(found.order_by().values("pk")[wanted.within : wanted.within + 1]))


def _page(wanted: Listing, keys: list[cursors.Key], records: list[Model], count: int | None, summed: Sequence, backwards: bool = False) -> Page:
    """The page of these records, one more than it holds where it goes on."""
    more = len(records) > wanted.limit
    records = records[: wanted.limit]
    if backwards:
        records.reverse()
    goes_on = more if not backwards else bool(records)
    went_before = bool(wanted.cursor and records) if not backwards else more
    beyond = wanted.within if count == 0 and records else 0
    if beyond:
        count, summed = None, ()
    return Page(
        records,
        cursors.encode(keys, records[-1], False) if goes_on and records else "",
        cursors.encode(keys, records[0], True) if went_before and records else "",
        count if wanted.count else None, *(summed or (None, "")), beyond,
    )  # fmt: skip


@dataclass(frozen=True)
class _Alike:
    """Lists that differ in ids, and in the words they search for, alone: what names them all, their conditions without the ids, their order,
    what is asked of all rows, and how that is read."""

    key: Hashable
    words: tuple[tuple[str, str, str], ...]
    keys: list[cursors.Key]
    sums: sums.Question
    goes_on: list = field(default_factory=list)  # a hint whether their number will be asked for, right or not

    def of(self, wanted: Listing, own: Sequence[UUID | str]) -> Listing:
        """The list that names these ids and searches for these words."""
        left = iter(own)
        named = tuple([path, op, word or str(next(left))] for path, op, word in self.words)
        return replace(wanted, conditions=named, q=" ".join(map(str, left)))


def _alike(actor: Actor, object_type: ObjectType, wanted: Listing) -> tuple[_Alike, list[UUID | str]] | None:
    """What the list has in common with those that name others, and its own ids and words; none where it differs from them in more. Cost: none, mostly."""
    if object_type.rows or object_type.personal or wanted.cursor or wanted.as_of or wanted.extra:
        return None
    known = access.fields(actor, object_type)
    ids, searched = conditions.ids(known, wanted.conditions), search.long_words(wanted.q) if wanted.q else []
    named = [known.get(n.removeprefix("-")) for n in (*wanted.sort, *wanted.sums)]
    if ids is None or searched is None or (wanted.q and not searched) or any(f is None or f.expression is not None for f in named):
        return None
    words = tuple((path, op, "" if known[path].is_reference or known[path].kind == "anyref" else value) for path, op, value in wanted.conditions)
    money = (context.company().currency, *(schema.rates_asked(known, known[n]) for n in wanted.sums))
    key = ("list", object_type.slug, words, len(searched), wanted.sort, wanted.limit, wanted.sums, wanted.archived, wanted.within, money)

    def make() -> _Alike:
        matching(actor, object_type, wanted)  # refuses what may not be asked
        return _Alike(key, words, ordering.keys(actor, object_type, wanted.sort), sums.asked(actor, object_type, wanted.sums))

    return edition.keep_today((key, access.reader(actor)), structures.today(), make), [*ids, *searched]


@dataclass(frozen=True)
class Begun:
    """A list before it is read, so that several are asked of the database together. Whatever is worded for it holds for all lists like it."""

    actor: Actor
    type: ObjectType
    wanted: Listing
    alike: tuple[_Alike, list[UUID | str]] | None

    def asked(self) -> list[Asked]:
        """What ``page`` asks first: its rows, and their number and sums where these are wanted or where a list like it went on beyond its page."""
        if self.alike is None:
            return []
        (lists, own), wanted = self.alike, self.wanted
        asked = worded.asked(self.actor, lists.key, self._top, *own)
        if asked and (wanted.sums or (wanted.count and lists.goes_on)):
            asked += worded.asked(self.actor, *self._added(lists.sums.first()), *own)
        return asked

    def page(self) -> Page:
        """Cost: as of the function ``page``."""
        if self.alike is None:
            return _unlike(self.actor, self.type, self.wanted)
        (lists, own), wanted = self.alike, self.wanted
        records = worded.records(self.actor, lists.key, self._top, *own)
        if len(records) > wanted.limit:
            lists.goes_on[:] = [True]
        if not wanted.sums and (len(records) <= wanted.limit or not wanted.count):
            return _page(wanted, lists.keys, records, len(records), ())

        def ask(of_all: dict[str, Aggregate]) -> list[dict[str, Any]]:
            return [dict(zip(of_all, row, strict=True)) for row in worded.rows(self.actor, *self._added(of_all), *own)]

        [(count, *summed)] = lists.sums.answers(ask)
        return _page(wanted, lists.keys, records, count, summed)

    def _named(self, given: Sequence[UUID | str]) -> QuerySet:
        return matching(self.actor, self.type, self.alike[0].of(self.wanted, given))

    def _top(self, *given: UUID | str) -> QuerySet:
        return _top(self.type, self.wanted, self._named(given), self.alike[0].keys, self.wanted.limit + 1, Q())

    def _added(self, of_all: dict[str, Aggregate]) -> tuple[Hashable, Callable[..., QuerySet]]:
        def rows(*given: UUID | str) -> QuerySet:
            return _few(self.wanted, self._named(given)).order_by().annotate(_all=Value(1)).values("_all").annotate(**of_all).values_list(*of_all)

        return ("added", tuple(of_all), self.alike[0].key), rows


def begin(actor: Actor, object_type: ObjectType, wanted: Listing) -> Begun:
    """Cost: none, mostly."""
    return Begun(actor, object_type, wanted, _alike(actor, object_type, wanted))


def _added_up(actor: Actor, object_type: ObjectType, wanted: Listing, found: QuerySet, searched: bool = False) -> tuple[int, dict[str, Decimal], str]:
    """How many rows match, the sum of each named field over all of them, and the currency of documents all in one.

    Where documents of several are present, it is none, and all is in the base currency. Of what no index leads to (``searched``), whether the rows are few
    enough is found out while they are added up, since finding it out first would go through all of them twice. Cost: one query.
    """
    asked = sums.asked(actor, object_type, wanted.sums)
    if searched and wanted.within and not wanted.q:
        told = asked.answers(lambda of_all: [found.order_by()[: wanted.within + 1].aggregate(**of_all)])[0]
        return told if told[0] <= wanted.within else (0, {}, "")
    return asked.answers(lambda of_all: [_few(wanted, found).order_by().aggregate(**of_all)])[0]


def by_value(actor: Actor, object_type: ObjectType, wanted: Listing, by: Field) -> dict[Any, tuple[int, dict[str, Decimal]]]:
    """How many of all that match have each value of a field, and the sums of theirs, money in base currency. Cost: one query."""
    asked = {"_count": Count("*"), **sums.in_base(actor, object_type, wanted.sums)}

    def valued(wanted: Listing) -> QuerySet:
        rows = matching(actor, object_type, wanted).order_by().annotate(_by=by.rules.expr(by)).values("_by")
        return summaries.added(object_type, rows, asked).values_list("_by", *asked)

    if by.expression is None and (alike := _alike(actor, object_type, wanted)):
        lists, own = alike
        rows = worded.rows(actor, ("by value", lists.key, by.name), lambda *given: valued(lists.of(wanted, given)), *own)
    else:
        rows = valued(wanted)
    return {value: (count, {n: summed or Decimal(0) for n, summed in zip(wanted.sums, told, strict=True)}) for value, count, *told in rows}


def added_by_value(actor: Actor, object_type: ObjectType, wanted: Listing, by: Field, most: int) -> list[tuple[Any, tuple]]:
    """The values of a field, so many at most, each with the number, sums and currency of the records that have it, as in a list of them. Cost: one query."""
    value = NullIf(by.rules.expr(by), Value(""), output_field=TextField()) if by.kind == "choice" else by.rules.expr(by)
    alike, values = _alike(actor, object_type, wanted) if by.expression is None else None, []

    def valued(wanted: Listing, asked: dict[str, Aggregate]) -> QuerySet:
        rows = matching(actor, object_type, wanted).order_by().annotate(_by=value).values("_by")
        return summaries.added(object_type, rows, asked).values_list("_by", *asked)[:most]

    def ask(asked: dict[str, Aggregate]) -> list[dict[str, Any]]:
        if alike:
            key = ("added by value", tuple(asked), alike[0].key, by.name, most)
            found = worded.rows(actor, key, lambda *given: valued(alike[0].of(wanted, given), asked), *alike[1])
        else:
            found = valued(wanted, asked)
        values[:] = [row[0] for row in found]
        return [dict(zip(asked, row[1:], strict=True)) for row in found]

    told = (alike[0].sums if alike else sums.asked(actor, object_type, wanted.sums)).answers(ask)
    return list(zip(values, told, strict=True))


def first_page(actor: Actor, object_type: ObjectType, wanted: Listing, records: list[Model], count: int, sums: dict[str, Decimal], currency: str) -> Page:
    """The first page of a list whose records, one more than it holds where it goes on, are known already. Cost: none."""
    return _page(wanted, ordering.keys(actor, object_type, wanted.sort), records, count, (sums if wanted.sums else None, currency))


def first_of_each(actor: Actor, object_type: ObjectType, wanted: Listing, tests: Iterable[list], count: int) -> list[Model]:
    """The first so many rows of each list that one further condition makes of this one, in its order. Cost: one query for all lists."""
    alike, tests = _alike(actor, object_type, replace(wanted, sums=())), list(tests)
    ids = conditions.ids(access.fields(actor, object_type), tests)
    if alike is None or not ids or len(ids) < len(tests):
        return list(_first_of_each(actor, object_type, wanted, tests, count))
    lists, own = alike

    def general(*given: UUID | str) -> QuerySet:
        named = lists.of(wanted, given[: len(own)])
        return _first_of_each(actor, object_type, named, [[test[0], "eq", str(i)] for test, i in zip(tests, given[len(own) :], strict=True)], count)

    key = ("first of each", lists.key, tuple(test[0] for test in tests), count)
    return worded.records(actor, key, general, *own, *ids)


def _first_of_each(actor: Actor, object_type: ObjectType, wanted: Listing, tests: list[list], count: int) -> QuerySet:
    keys = ordering.keys(actor, object_type, wanted.sort)
    wholes = (matching(actor, object_type, replace(wanted, conditions=(*wanted.conditions, test))) for test in tests)
    ids = [ordering.by(whole, keys)[:count].values("pk") for whole in wholes]
    return ordering.by(object_type.all().filter(pk__in=ids[0].union(*ids[1:], all=True) if ids else []), keys)


def chunks(actor: Actor, object_type: ObjectType, wanted: Listing, size: int = 1000, columns: Iterable[str] = ()) -> Iterator[list]:
    """All that match, in order, so many at a time, for exports: the values of these columns, without any the records. Callers hold a transaction.

    Cost: one query, which is read as it goes on, in constant memory.
    """
    access.demand(actor, object_type, "export")
    found = ordering.by(matching(actor, object_type, replace(wanted, count=False), "export"), ordering.keys(actor, object_type, wanted.sort))
    walk = (found.values_list(*columns) if columns else found).iterator(chunk_size=size)
    while some := list(islice(walk, size)):
        yield some
