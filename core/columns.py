"""The values of many records of a type, column by column: one step for a whole column takes a fraction of what it takes value by value."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from operator import attrgetter, itemgetter
from typing import Any
from uuid import UUID

from django.db.models import Model, prefetch_related_objects

from core import access, derived, edition, files, prepared
from core.access import Actor
from core.prepared import Asked
from core.registry import Field, Lines, ObjectType

REFERRING = frozenset(("ref", "user", "refs", "anyref", *files.KINDS))

Word = Callable[..., Any]  # (field, slug, id[, line]): what stands for a reference


@dataclass(frozen=True)
class Shape:
    """Which fields are shown of a type, and what has to be known of them to show a record: of the set-up and the reader's rights alone."""

    fields: dict[str, Field]

    @cached_property
    def held(self) -> list[str]:
        """Those that are attributes of a record."""
        return [n for n, f in self.fields.items() if f.held]

    @cached_property
    def take(self) -> tuple[Callable[[dict], tuple], Callable[[Model], tuple]] | None:
        """All of these attributes of a record at once, by what it holds of columns, and by all that it has; of one alone, no tuple would be taken."""
        names = [self.fields[n].held for n in self.held]
        return (itemgetter(*names), attrgetter(*names)) if len(names) > 1 else None

    @cached_property
    def referring(self) -> list[tuple[str, Field]]:
        """Those whose values are ids of other records, or of people or files."""
        return [(n, f) for n, f in self.fields.items() if f.kind in REFERRING and n != "id"]

    @cached_property
    def worded(self) -> list[tuple[str, Callable[[Field, Any], Any], Field]]:
        """Those whose values JSON holds in other words, and what words them; moments of the database, in UTC, whoever sends them writes."""
        told = {n for n, _f in self.referring} | {n for n, f in self.fields.items() if f.is_told_as_is or (f.kind == "datetime" and f.held)} - {"id"}
        return [(n, f.rules.to_json, f) for n, f in self.fields.items() if n not in told]

    @cached_property
    def several(self) -> list[str]:
        """The paths of those that refer to several records each."""
        return [f.path for f in self.fields.values() if f.kind == "refs" and not f.custom]

    @cached_property
    def is_gathered(self) -> bool:
        """Whether a value is worked out of more than the record's own row."""
        return any(f.compute and not f.custom for f in self.fields.values())


@dataclass
class Table:
    """Records with the values of these fields, each field's in one column, and their lines: a table of all of them, and how many each record has."""

    type: ObjectType
    records: list[Model]
    shape: Shape
    columns: dict[str, Sequence]
    lines: dict[str, tuple["Table", list[int]]] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, Field]:
        return self.shape.fields

    def whole(self) -> Iterator["Table"]:
        """It and the tables of its lines."""
        yield self
        for table, _counts in self.lines.values():
            yield from table.whole()

    def rows(self) -> list[dict[str, Any]]:
        """Of each record its values by name."""
        names = list(self.columns)
        return [dict(zip(names, values, strict=True)) for values in zip(*self.columns.values(), strict=True)] if names else [{} for _one in self.records]

    def under(self, name: str, rows: Iterable) -> Iterator[list]:
        """What there is of each row of these lines, for one record after the other."""
        rest = iter(rows)
        return (list(islice(rest, count)) for count in self.lines[name][1])


def of(actor: Actor, object_type: ObjectType, records: Iterable[Model], only: Iterable[str] | None, with_lines: bool | None) -> Table:
    """These records for this reader, references as ids. Cost: one query for what they have of lines and look up, one for each field with several references."""
    return _each(actor, [(object_type, list(records), only, with_lines or (with_lines is None and only is None))])[0]


def of_each(actor: Actor, lists: Iterable[tuple[ObjectType, Iterable[Model], Iterable[str] | None]]) -> list[Table]:
    """Several lists, each of a type, its records and the fields wanted; lines come with all fields. Cost: as of ``of``, whatever their number."""
    return _each(actor, [(object_type, list(records), only, only is None) for object_type, records, only in lists])


def _each(actor: Actor, lists: list[tuple[ObjectType, list[Model], Iterable[str] | None, bool]]) -> list[Table]:
    shapes = [_shape(actor, object_type, only if only is None else tuple(only)) for object_type, _records, only, _with_lines in lists]
    asked = (
        _asked(actor, object_type, [r.pk for r in records], with_lines, shape.is_gathered)
        for (object_type, records, _only, with_lines), shape in zip(lists, shapes, strict=True)
    )
    prepared.ask_together(chain.from_iterable(asked))
    return [_table(actor, object_type, records, shape, with_lines) for (object_type, records, _only, with_lines), shape in zip(lists, shapes, strict=True)]


def _table(actor: Actor, object_type: ObjectType, records: list[Model], shape: Shape, with_lines: bool) -> Table:
    if shape.is_gathered:
        object_type.gather(actor, records)
    derived.gather(object_type, records, shape.fields.values())
    if shape.several:
        prefetch_related_objects(records, *shape.several)
    table = Table(object_type, records, shape, _columns(shape, records))
    if with_lines:
        table.lines = {entry.name: _lines(object_type, entry, records) for entry in access.lines(actor, object_type)}
    if object_type.redact:
        object_type.redact(actor, table)
    return table


def asked(actor: Actor, object_type: ObjectType, ids: Collection[UUID]) -> list[Asked]:
    """What is asked of these records beside themselves when they are told whole, to be asked together with more."""
    return _asked(actor, object_type, ids, True, True)


def _asked(actor: Actor, object_type: ObjectType, ids: Collection[UUID], with_lines: bool, is_gathered: bool) -> list[Asked]:
    if not ids:
        return []
    lines = [(prepared.children(entry.model, entry.parent), (prepared.listed(ids),)) for entry in access.lines(actor, object_type)] if with_lines else []
    return [*lines, *(object_type.gathers(actor, ids) if is_gathered else ())]


def _shape(actor: Actor, object_type: ObjectType, only: tuple[str, ...] | None) -> Shape:
    """Cost: none; made once for all who have the same rights, where no field is computed as its reader sees it."""
    visible = access.fields(actor, object_type)

    def made() -> Shape:
        return Shape({n: f for n, f in visible.items() if (only is None or n in only) and f.kind != "secret" and not f.is_looked_up})

    if not access.sees_alike(object_type):
        return made()
    return edition.keep(("shape", access.rights(actor), object_type.slug, only), made)


def _columns(shape: Shape, records: list[Model]) -> dict[str, Sequence]:
    """The values of these fields, those that are attributes of a record taken all at once."""
    if shape.take is None or not records:
        return {n: [f.value(r) for r in records] for n, f in shape.fields.items()}
    by_column, by_attribute = shape.take
    try:
        rows = [*map(by_column, map(vars, records))]  # a reference's attribute takes Django three times as long
    except KeyError:  # one is no column, or was not read
        rows = [*map(by_attribute, records)]
    taken = dict(zip(shape.held, zip(*rows, strict=True), strict=True))
    return {n: taken[n] if n in taken else [f.value(r) for r in records] for n, f in shape.fields.items()}


def _lines(object_type: ObjectType, entry: Lines, parents: list[Model]) -> tuple[Table, list[int]]:
    by_parent = lines_of(entry, parents)
    rows = [row for parent in parents for row in by_parent[parent.pk]]
    shape = _of_lines(entry)
    return Table(object_type, rows, shape, _columns(shape, rows)), [len(by_parent[parent.pk]) for parent in parents]


def _of_lines(entry: Lines) -> Shape:
    """The shape of a kind of lines, made once."""
    held = entry.__dict__
    if "shape" not in held:
        held["shape"] = Shape({"id": Field("id", "ref", readonly=True, path="pk")} | entry.fields)
    return held["shape"]


def lines_of(entry: Lines, parents: list[Model]) -> dict[Any, list[Model]]:
    """Parent id -> its rows in order, each holding its parent. Cost: one query, none for nobody."""
    grouped: dict[Any, list[Model]] = defaultdict(list)
    by_id = {p.pk: p for p in parents}
    for row in prepared.children(entry.model, entry.parent).records(prepared.listed(by_id)) if by_id else ():
        parent_id = getattr(row, f"{entry.parent}_id")
        setattr(row, entry.parent, by_id[parent_id])
        grouped[parent_id].append(row)
    return grouped


def referred(tables: Iterable[Table]) -> dict[str, set]:
    """Slug -> the ids that these refer to. Cost: none."""
    wanted: dict[str, set] = defaultdict(set)
    for f, column in _references(tables):
        if f.kind == "anyref":
            for slug, ident, *_line in filter(None, column):
                wanted[slug].add(ident)
        elif f.kind == "refs":
            wanted[f.target].update(*filter(None, column))
        else:
            wanted[_slug(f)].update(filter(None, column))
    return {slug: ids for slug, ids in wanted.items() if ids}


def _references(tables: Iterable[Table]) -> list[tuple[Field, Sequence]]:
    return [(f, table.columns[n]) for table in tables for n, f in table.shape.referring]


def _slug(f: Field) -> str:
    return files.SLUG if f.kind in files.KINDS else f.target


def reworded(f: Field, column: Sequence, word: Word, empty: Callable[[Any], Any]) -> list:
    """A column of references with what ``word`` makes of each, the same for all that refer to the same; ``empty`` tells what there is in place of none."""
    if f.kind == "anyref":
        return [word(f, *value) if value else empty(value) for value in column]
    if f.kind == "refs":
        return [[word(f, f.target, one) for one in value] if value else empty(value) for value in column]
    slug = _slug(f)
    told = _Once(lambda value: word(f, slug, value) if value else empty(value))
    return [told[value] for value in column]


class _Once(dict):
    """What is made of each value when it is first asked for."""

    def __init__(self, make: Callable[[Any], Any]):
        super().__init__()
        self._make = make

    def __missing__(self, value: Any) -> Any:
        made = self[value] = self._make(value)
        return made
