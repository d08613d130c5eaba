"""Child rows of a record: what becomes of them when their record is written. Which columns they have, their type says."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.utils.translation import gettext as _

from core import prepared
from core.cleaning import Cleaned
from core.models import Line
from core.models.record import Record
from core.prepared import Asked
from core.registry import Lines, ObjectType


@dataclass
class Rows:
    """The rows of one name as they will be (``now``), and how they get there. ``given`` is False where nobody touched them."""

    entry: Lines
    now: list[Line] = field(default_factory=list)
    added: list[Line] = field(default_factory=list)
    removed: list[Line] = field(default_factory=list)
    before: list[dict] = field(default_factory=list)
    columns: dict[Any, list] = field(default_factory=dict)  # id -> what the stored row holds
    given: bool = False


def build(object_type: ObjectType, record: Record, made: Cleaned) -> dict[str, Rows]:
    """Rows of a new record."""
    built = {}
    for entry in object_type.lines:
        rows = Rows(entry, given=entry.name in made.lines)
        for position, item in enumerate(made.lines.get(entry.name, ())):
            row = entry.model.blank()
            setattr(row, entry.parent, record)
            row.position = position
            if item.id is not None:
                row.pk = item.id
            _fill(entry, row, item)
            rows.now.append(row)
        rows.added = rows.now
        built[entry.name] = rows
    return built


def asked(object_type: ObjectType, ids: Iterable[UUID]) -> list[Asked]:
    """What ``rebuild`` asks of the database where totals hang on the rows, to be asked together with more."""
    return [(prepared.children(entry.model, entry.parent), (prepared.listed(ids),)) for entry in object_type.lines] if object_type.totals else []


def rebuild(object_type: ObjectType, pairs: list[tuple[Record, Cleaned]]) -> list[dict[str, Rows]]:
    """Rows of records that change: an id keeps a row, a missing one is removed, no list leaves all.

    Cost: a query a name for those records whose rows are needed, however many they are.
    """
    needed = [(record, made) for record, made in pairs if object_type.totals or made.lines] if object_type.lines else []
    built: dict[Any, dict[str, Rows]] = {record.pk: {} for record, _made in pairs}
    for entry in object_type.lines if needed else ():
        present: dict[Any, list] = {record.pk: [] for record, _made in needed}
        for row in prepared.children(entry.model, entry.parent).records(prepared.listed(present)):
            present[getattr(row, f"{entry.parent}_id")].append(row)
        for record, made in needed:
            built[record.pk][entry.name] = _rows(entry, record, made, present[record.pk])
    return [built[record.pk] for record, _made in pairs]


def _rows(entry: Lines, record: Record, made: Cleaned, present: list[Line]) -> Rows:
    for row in present:
        setattr(row, entry.parent, record)
    rows = Rows(entry, now=present, before=[_told(entry, row) for row in present], given=entry.name in made.lines)
    rows.columns = {row.pk: _columns(row) for row in present}
    if rows.given:
        _replace(rows, record, made.lines[entry.name], made)
    return rows


def _columns(row: Line) -> list:
    return [getattr(row, column.attname) for column in row._meta.concrete_fields]


def _replace(rows: Rows, record: Record, items: list[Cleaned], made: Cleaned) -> None:
    entry, by_id = rows.entry, {row.pk: row for row in rows.now}
    kept, now = set(), []
    for position, item in enumerate(items):
        row = by_id.get(item.id) if item.id else entry.model(**{entry.parent: record})
        if row is None or row.pk in kept:
            made.refuse(f"{entry.name}.{position}.id", _("This record has no such line."))
            continue
        if item.id is None:
            rows.added.append(row)
        kept.add(row.pk)
        row.position = position
        _fill(entry, row, item)
        now.append(row)
    rows.removed = [row for row in rows.now if row.pk not in kept]
    rows.now = now


def _fill(entry: Lines, row: Line, item: Cleaned) -> None:
    for name, value in item.values.items():
        f = entry.fields[name]
        column = entry.model._meta.get_field(f.path)
        if (value is None and not column.null) or (value == "" and column.has_default()):
            value = column.get_default()  # nothing given, in a choice too: what the column starts with
        f.put(row, value)


def store_new(object_type: ObjectType, built: list[dict[str, Rows]]) -> None:
    """Insert the rows of new records. Cost: one statement for each name and thousand rows."""
    for entry in object_type.lines:
        entry.model.objects.add(row for rows in built for row in rows[entry.name].now)


def store(object_type: ObjectType, rebuilt: list[dict[str, Rows]]) -> None:
    """Write what became of the rows of several records. Cost: at most three statements a name; none where nothing changed."""
    for entry in object_type.lines:
        every = [rows[entry.name] for rows in rebuilt if entry.name in rows]
        model = entry.model
        removed = [row.pk for rows in every for row in rows.removed]
        if removed:
            model.objects.filter(pk__in=removed).delete()
        added = [row for rows in every for row in rows.added]
        fresh = {row.pk for row in added}
        moved = [row for rows in every for row in rows.now if row.pk not in fresh and rows.columns.get(row.pk) != _columns(row)]
        if moved:
            model.objects.store(moved)
        if added:
            model.objects.add(added)


def now(object_type: ObjectType, record: Record) -> dict[str, list[dict]]:
    """The stored rows of a record, as the trail tells them. Cost: one query a name."""
    return {e.name: [_told(e, row) for row in e.model.objects.filter(**{e.parent: record}).order_by("position", "pk")] for e in object_type.lines}


def _told(entry: Lines, row: Model) -> dict[str, Any]:
    written = {n: f.rules.to_json(f, f.value(row)) for n, f in entry.fields.items() if not (f.compute or (f.readonly and f.kind == "json"))}
    return {"id": str(row.pk), **{n: v for n, v in written.items() if v not in (None, "", [])}}


def told_now(object_type: ObjectType, record: Model) -> dict[str, list[dict[str, Any]]]:
    """All rows of a stored record as the trail tells them. Cost: one query for each kind of rows."""
    return {e.name: [_told(e, row) for row in e.model.objects.filter(**{e.parent: record}).order_by("position", "pk")] for e in object_type.lines}


def told_new(object_type: ObjectType, rows: dict[str, Rows]) -> dict[str, list]:
    return {name: [None, [_told(r.entry, row) for row in r.now]] for name, r in rows.items() if r.now}


def told(object_type: ObjectType, rows: dict[str, Rows]) -> dict[str, list]:
    """What the trail says of rows that changed: all of them before and after."""
    found = {}
    for name, r in rows.items():
        after = [_told(r.entry, row) for row in r.now]
        if r.given and after != r.before:
            found[name] = [r.before, after]
    return found


__all__ = ["Rows", "build", "now", "rebuild", "store", "store_new", "told", "told_new", "told_now"]
