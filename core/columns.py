"""The values of many records of a type, column by column: one step for a whole column takes a fraction of what it takes value by value."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter
from typing import Any

from django.db.models import Model, prefetch_related_objects

from core import access, derived, files, prepared
from core.access import Actor
from core.registry import Field, Lines, ObjectType

REFERRING = frozenset(("ref", "user", "refs", "anyref", *files.KINDS))

Word = Callable[..., Any]  # (field, slug, id[, line]): what stands for a reference


@dataclass
class Table:
    """Records with the values of these fields, each field's in one column, and their lines: a table of all of them, and how many each record has."""

    type: ObjectType
    records: list[Model]
    fields: dict[str, Field]
    columns: dict[str, Sequence]
    lines: dict[str, tuple["Table", list[int]]] = field(default_factory=dict)

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
    """These records for this reader, references as ids. Cost: one query for each kind of lines and each field with several references."""
    records, visible = list(records), access.fields(actor, object_type)
    fields = {n: f for n, f in visible.items() if (only is None or n in only) and f.kind != "secret" and not f.is_looked_up}
    if any(f.compute and not f.custom for f in fields.values()):
        object_type.gather(actor, records)
    derived.gather(object_type, records, fields.values())
    if many := [f.path for f in fields.values() if f.kind == "refs" and not f.custom]:
        prefetch_related_objects(records, *many)
    table = Table(object_type, records, fields, _columns(fields, records))
    if with_lines or (with_lines is None and only is None):
        table.lines = {entry.name: _lines(object_type, entry, records) for entry in access.lines(actor, object_type)}
    if object_type.redact:
        object_type.redact(actor, table)
    return table


def _columns(fields: dict[str, Field], records: list[Model]) -> dict[str, Sequence]:
    """The values of these fields, those that are attributes of a record taken all at once."""
    held = [n for n, f in fields.items() if f.held]
    if len(held) < 2 or not records:  # of one attribute, no tuple is taken
        return {n: [f.value(r) for r in records] for n, f in fields.items()}
    taken = dict(zip(held, zip(*map(attrgetter(*(fields[n].held for n in held)), records), strict=True), strict=True))
    return {n: taken[n] if n in taken else [f.value(r) for r in records] for n, f in fields.items()}


def _lines(object_type: ObjectType, entry: Lines, parents: list[Model]) -> tuple[Table, list[int]]:
    by_parent = lines_of(entry, parents)
    rows = [row for parent in parents for row in by_parent[parent.pk]]
    fields = {"id": Field("id", "ref", readonly=True, path="pk")} | entry.fields
    return Table(object_type, rows, fields, _columns(fields, rows)), [len(by_parent[parent.pk]) for parent in parents]


def lines_of(entry: Lines, parents: list[Model]) -> dict[Any, list[Model]]:
    """Parent id -> its rows in order, each holding its parent. Cost: one query."""
    grouped: dict[Any, list[Model]] = defaultdict(list)
    by_id = {p.pk: p for p in parents}
    for row in prepared.children(entry.model, entry.parent).records(prepared.listed(by_id)):
        parent_id = getattr(row, f"{entry.parent}_id")
        setattr(row, entry.parent, by_id[parent_id])
        grouped[parent_id].append(row)
    return grouped


def refers(name: str, f: Field) -> bool:
    """Whether values of this field are ids of other records, or of people or files."""
    return f.kind in REFERRING and name != "id"


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
    return [(f, table.columns[n]) for table in tables for n, f in table.fields.items() if refers(n, f)]


def _slug(f: Field) -> str:
    return files.SLUG if f.kind in files.KINDS else f.target


def reworded(f: Field, column: Sequence, word: Word, empty: Callable[[Any], Any]) -> list:
    """A column of references with what ``word`` makes of each, the same for all that refer to the same; ``empty`` tells what there is in place of none."""
    if f.kind == "anyref":
        return [word(f, *value) if value else empty(value) for value in column]
    if f.kind == "refs":
        return [[word(f, f.target, one) for one in value] if value else empty(value) for value in column]
    slug = _slug(f)
    told = {value: word(f, slug, value) if value else empty(value) for value in set(column)}
    return [told[value] for value in column]
