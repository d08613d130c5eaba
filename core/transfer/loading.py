"""One file into one type, through ``core.write``: rehearsed or for good, every error with its row and column.

Both are the same work, all of it: a rehearsal is rolled back. So what it promises is what happens, also where the rows
with errors are left out and the others written.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core import access, cleaning, context, piecemeal, write
from core.access import Actor
from core.errors import RuleError
from core.models.record import Record
from core.registry import Field, ObjectType
from core.transfer import mapping as mappings
from core.transfer.cells import understood
from core.transfer.mapping import ID, Mapping
from core.transfer.reading import Row, Table
from core.transfer.references import NotFound, References
from core.transfer.workbooks import BROKEN

BATCH = 500
KEPT_ERRORS = 20_000

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Fault:
    """What is wrong in one cell; ``column`` is the file's heading, or the field's label where the file has no such column."""

    row: int
    column: str
    value: str
    sentence: str


@dataclass
class Report:
    """What a file did, or would do. ``faults`` holds the first twenty thousand of ``errors``, by row; ``bad`` the numbers of all rows with any.

    ``skipped`` rows are those that only make, or only change, records, and would have had to do the other.
    """

    rows: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    skipped: int = 0
    errors: int = 0
    faults: list[Fault] = field(default_factory=list)
    bad: list[int] = field(default_factory=list)

    @property
    def good(self) -> int:
        """Rows that make or change a record."""
        return self.new + self.changed

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Item:
    """A row on its way: its values by field, the record it changes, and whether a reference of it may still come to be."""

    row: Row
    values: dict[str, Any] = field(default_factory=dict)
    record: Record | None = None
    waits: bool = False


class _Undone(Exception):
    """Rolls a rehearsal, or a file with errors, back."""


def load(
    actor: Actor, object_type: ObjectType, table: Table, mapping: Mapping, keep: bool, progress: Progress = lambda done, total: None, partly: bool = False
) -> Report:  # fmt: skip
    """Write the file where ``keep``, else only say what it would do. With any error nothing is written, or ``partly`` the rows without one.

    Callers hold a transaction. Errors: RuleError where the mapping or the file as a whole cannot be used, Denied.
    Cost: a batch of 500 new rows about fifteen statements; one of changed rows ten, and one a row.
    """
    access.demand(actor, object_type, "import")
    mappings.demand(actor, object_type, mapping, len(table.headers))
    loading = _Loading(actor, object_type, table, mapping, progress)
    try:
        with transaction.atomic():
            loading.run()
            if not keep or (loading.report.errors and not partly):
                raise _Undone
    except _Undone:
        context.memo().clear()  # what was read of rows that are gone again
    loading.report.faults.sort(key=lambda fault: fault.row)
    loading.report.bad = sorted(loading.bad)
    return loading.report


class _Loading:
    """One file being loaded."""

    def __init__(self, actor: Actor, object_type: ObjectType, table: Table, mapping: Mapping, progress: Progress):
        self.actor, self.type, self.table, self.mapping, self.progress = actor, object_type, table, mapping, progress
        self.fields = {name: f for name, f in mappings.targets(actor, object_type).items() if name in mapping.columns.values()}
        self.heading = {name: table.headers[position] for position, name in mapping.columns.items()}
        self.position = {name: position for position, name in mapping.columns.items()}
        self.references = References(actor)
        self.keys = mappings.keys(actor, object_type).get(mapping.key, [])
        self.seen_keys: dict[tuple, int] = {}
        self.bad: set[int] = set()
        self.report = Report()

    def run(self) -> None:
        """All rows, batch by batch; rows that refer to rows further down come again at the end."""
        later, done = [], 0
        total = self.table.size
        self.progress(0, total)
        for rows in _batches(self.table.rows(), BATCH):
            later += self._batch([Item(row) for row in rows], patient=True)
            done += len(rows)
            self.report.rows = done
            self.progress(done, total)
        while later:
            self.references.forget(self.type.slug)
            waiting = [item for items in _batches(later, BATCH) for item in self._batch([Item(item.row) for item in items], patient=True)]
            if len(waiting) == len(later):
                self._batch([Item(item.row) for item in waiting], patient=False)
                waiting = []
            later = waiting

    def _batch(self, items: list[Item], patient: bool) -> list[Item]:
        """Write what can be written; returns the rows that wait for others of the file."""
        self._look_up_references(items)
        sound = [item for item in items if self._understand(item, patient)]
        waiting = [item for item in items if item.waits]
        sound = self._find_existing(sound)
        self._create([item for item in sound if item.record is None])
        self._change([item for item in sound if item.record is not None])
        return waiting

    # cells to values

    def _look_up_references(self, items: list[Item]) -> None:
        named = [f for n, f in self.fields.items() if n != ID and (f.is_reference or f.kind == "anyref")]
        self.references.look_up((f, item.row.cells[self.position[f.name]]) for f in named for item in items)

    def _understand(self, item: Item, patient: bool) -> bool:
        """Fill ``item.values``; False where a cell cannot be understood, or where the row waits."""
        before = self.report.errors
        for name, f in self.fields.items():
            text = item.row.cells[self.position[name]].strip()
            try:
                if text == BROKEN:
                    raise ValueError(_("The formula of this cell failed; correct it in the workbook."))
                if not text:
                    item.values[name] = None
                elif name != ID and (f.is_reference or f.kind == "anyref"):
                    item.values[name] = self.references.value(f, text)
                else:
                    item.values[name] = understood(f, text, self.table.delimiter, self.mapping.days)
            except NotFound as error:
                if patient and f.target == self.type.slug:
                    item.waits = True
                    return False
                self._fault(item, name, str(error))
            except ValueError as error:
                self._fault(item, name, str(error))
        return self.report.errors == before

    def _find_existing(self, items: list[Item]) -> list[Item]:
        """Give each item the record its key names; returns those to be written. Cost: one query."""
        if not self.keys:
            return items
        asked = {item.row.number: tuple(_cleaned(f, item.values[f.name]) for f in self.keys) for item in items}
        whole = [values for values in asked.values() if None not in values]
        matching = {_column(f): list(_as_stored(f, {values[i] for values in whole})) for i, f in enumerate(self.keys)}
        living = {} if self.mapping.key == ID else {"archived_at": None}
        found: dict[tuple, list[Record]] = {}
        for record in access.rows(self.actor, self.type).filter(**{f"{column}__in": values for column, values in matching.items()}, **living) if whole else ():
            found.setdefault(tuple(_comparable(f, record.pk if f.name == ID else f.value(record)) for f in self.keys), []).append(record)
        return [item for item in items if self._match(item, asked[item.row.number], found) and self._is_wanted(item)]

    def _match(self, item: Item, asked: tuple, found: dict[tuple, list[Record]]) -> bool:
        """Whether the row names no record, or one, and no row above names it too."""
        if None in asked:
            return True
        key, first = tuple(_comparable(f, value) for f, value in zip(self.keys, asked, strict=True)), self.keys[0].name
        if self.seen_keys.setdefault(key, item.row.number) != item.row.number:
            self._fault(item, first, _("Row %(row)d has the same value; each record comes once.") % {"row": self.seen_keys[key]})
            return False
        records = found.get(key, ())
        if len(records) > 1:
            self._fault(item, first, _("%(n)d records have this value; find them by another field.") % {"n": len(records)})
            return False
        item.record = records[0] if records else None
        return True

    def _is_wanted(self, item: Item) -> bool:
        """Whether the file may do to the record what this row would."""
        wanted = self.mapping.mode == "both" or (self.mapping.mode == "create") == (item.record is None)
        self.report.skipped += not wanted
        return wanted

    # values to records

    def _create(self, items: list[Item]) -> None:
        self.report.new += self._written(items, lambda data: write.create_many(self.actor, self.type, [given for _item, given in data]), self._given)

    def _given(self, item: Item) -> dict[str, Any]:
        """An empty cell of a new record says nothing: its field holds what it holds by default."""
        return {n: v for n, v in item.values.items() if v is not None}

    def _change(self, items: list[Item]) -> None:
        """Change existing records, those alone that differ. Cost: one query for each type referred to, and ``write.change_many``."""
        if not items:
            return
        access.demand(self.actor, self.type, "change")
        known = write.writable(self.actor, self.type, "change")
        wanted = {item.row.number: {n: v for n, v in item.values.items() if n in known and not self._keeps(known[n], v)} for item in items}
        cleaned = cleaning.clean(self.actor, known, (), [wanted[item.row.number] for item in items], False)
        differing = []
        for item, made in zip(items, cleaned, strict=True):
            if made.errors or not all(_same(known[n], known[n].value(item.record), value) for n, value in made.values.items()):
                differing.append(item)
            else:
                self.report.unchanged += 1
        self.report.changed += self._written(differing, self._change_batch, lambda item: wanted[item.row.number])

    def _keeps(self, f: Field, value: Any) -> bool:
        """An empty cell empties its field where that was asked for, unless that field always holds something."""
        return value is None and (self.mapping.empties == "leave" or f.default is not None or f.kind == "yesno")

    def _change_batch(self, data: list[tuple[Item, dict]]) -> None:
        write.change_many(self.actor, self.type, [(item.record.pk, given, item.record.version) for item, given in data])

    def _written(self, items: list[Item], store: Callable[[list[tuple[Item, dict]]], Any], given: Callable[[Item], dict]) -> int:
        """Write a batch; returns how many rows could be. What refuses the others is noted at their rows."""
        refused = piecemeal.do(lambda some: store([(item, given(item)) for item in some]), items)
        for item, error in refused:
            for name, sentences in (error.errors if isinstance(error, RuleError) else {"_": [str(error)]}).items():
                for sentence in sentences:
                    self._fault(item, name, sentence)
        return len(items) - len(refused)

    def _fault(self, item: Item, name: str, sentence: str) -> None:
        self.report.errors += 1
        self.bad.add(item.row.number)
        if len(self.report.faults) >= KEPT_ERRORS:
            return
        value = item.row.cells[self.position[name]][:100] if name in self.position else ""
        self.report.faults.append(Fault(item.row.number, self.heading.get(name) or self._label(name), value, str(sentence)))

    def _label(self, name: str) -> str:
        f = access.fields(self.actor, self.type).get(name.partition(".")[0])
        return str(f.label) if f else ""


def _cleaned(f: Field, value: Any) -> Any:
    """The key as a record may hold it; None for an empty one and for one that its kind refuses (writing says why)."""
    try:
        return None if value is None else f.rules.clean(f, value)
    except ValueError:
        return None


def _column(f: Field) -> str:
    return "pk" if f.name == ID else f"custom__{f.name}" if f.custom else f.path


def _as_stored(f: Field, values: Iterable[Any]) -> set:
    """The values as the column may hold them: an e-mail as it is spelled, and in small letters."""
    every = {spelled for value in values for spelled in (value, _comparable(f, value))}
    return {f.rules.to_json(f, value) for value in every} if f.custom else every


def _comparable(f: Field, value: Any) -> Any:
    """E-mails are compared without regard to case."""
    return value.lower() if f.kind == "email" and value else value


def _same(f: Field, before: Any, now: Any) -> bool:
    if f.kind in ("refs", "choices"):
        return set(before or ()) == set(now or ())
    return before == now or (f.rules.is_empty(before) and f.rules.is_empty(now))


def _batches(things: Iterable, size: int) -> Iterator[list]:
    walk = iter(things)
    while batch := list(islice(walk, size)):
        yield batch
