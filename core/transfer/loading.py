"""One file into one type, through ``core.write``: rehearsed or for good, every error with its row and column.

Both are the same work, all of it that can be refused: a rehearsal is rolled back. So what it promises is what happens, also
where the rows with errors are left out and the others written.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from core import access, batches, cleaning, columns, context, piecemeal, sql, write
from core.access import Actor
from core.cleaning import Cleaned
from core.collation import sort_key
from core.errors import RuleError
from core.models import Line, SearchEntry
from core.models.record import Record
from core.registry import Field, ObjectType
from core.transfer import mapping as mappings
from core.transfer import options
from core.transfer.ahead import Ahead, Understood
from core.transfer.cells import reader
from core.transfer.grouping import Grouping, Item
from core.transfer.mapping import ID, Mapping
from core.transfer.reading import Row, Table
from core.transfer.references import NotFound, References, called
from core.transfer.workbooks import BROKEN

BATCH = 1000
KEPT_ERRORS = 20_000
PLAIN = ("text", "longtext", "email", "phone", "url", "barcode", "choice", "code", "date", "integer")  # such values are cleaned each by itself

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
    """What a file did, or would do. ``faults`` holds the first twenty thousand of ``errors``, by row; ``bad`` the numbers of all rows with any,
    and of those that belong to one record with them.

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
    added: dict[str, list[str]] = field(default_factory=dict)  # label of a choice -> options it got

    @property
    def good(self) -> int:
        """Rows that make or change a record."""
        return self.new + self.changed

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


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
    try:
        with transaction.atomic(), context.rehearsing(not keep):
            added = options.add(actor, object_type, table, mapping) if mapping.options == "add" else {}
            loading = _Loading(actor, object_type, table, mapping, progress)
            with sql.much_written([object_type.model._meta.db_table, SearchEntry._meta.db_table]) if table.size > BATCH else nullcontext():
                loading.run()
            if not keep or (loading.report.errors and not partly):
                raise _Undone
    except _Undone:
        context.memo().clear()  # what was read of rows that are gone again
    loading.report.faults.sort(key=lambda fault: fault.row)
    loading.report.bad, loading.report.added = sorted(loading.bad), added
    return loading.report


class _Loading:
    """One file being loaded."""

    def __init__(self, actor: Actor, object_type: ObjectType, table: Table, mapping: Mapping, progress: Progress):
        self.actor, self.type, self.table, self.mapping, self.progress = actor, object_type, table, mapping, progress
        self.known = mappings.targets(actor, object_type)
        self.grouping = Grouping(object_type, mapping)
        self.fields = {name: self.known[name] for name in self.grouping.heads}
        self.heading = {name: table.headers[position] for position, name in mapping.columns.items()}
        self.position = {name: position for position, name in mapping.columns.items()}
        self.pointing = [n for n in self.position if n != ID and (self.known[n].is_reference or self.known[n].kind == "anyref")]
        self.references = References(actor)
        self.readers = {name: self._reader(name) for name in self.position}
        self.cells = [(name, self.position[name], self.readers[name]) for name in self.fields]
        self.pointed = [cell for cell in self.cells if cell[0] in self.pointing]
        self.blank = dict.fromkeys(self.fields)  # in their order, which the trail keeps
        plain = {name: f for name, f in self.fields.items() if f.kind in PLAIN and name != ID}
        simple = {name: f.rules.longest(f) for name, f in plain.items() if self.readers[name] is str}  # such a text is stored as it stands in its cell
        self.plain = [(*cell, plain.get(cell[0]), simple.get(cell[0], 0)) for cell in self.cells if cell[0] not in self.pointing]
        self.ahead = Ahead(table.rows(), BATCH, None if self.grouping.lines else self._understand_ahead)
        self.keys = mappings.keys(actor, object_type).get(mapping.key, [])
        self.seen_keys: dict[tuple, int] = {}
        self.bad: set[int] = set()
        self.report = Report()

    def _reader(self, name: str) -> Callable[[str], Any]:
        f = self.known[name]
        if name in self.pointing:
            value = partial(self.references.value, f)
            return _remembered(value) if f.kind == "ref" else value
        return reader(f, self.table.delimiter, self.mapping.days)

    def run(self) -> None:
        """All rows, batch by batch; records that refer to others further down come again at the end."""
        later, total = [], self.table.size
        self.progress(0, total)
        for items in self.grouping.batches(self.ahead, BATCH):
            with batches.meanwhile(self.ahead.work):
                later += self._batch(items, patient=True)
            self.report.rows += sum(len(item.rows) for item in items)
            self.progress(self.report.rows, total)
        while later:
            self.references.forget(self.type.slug)
            waiting = [item for items in _batches(later, BATCH) for item in self._batch([item.again() for item in items], patient=True)]
            if len(waiting) == len(later):
                self._batch([item.again() for item in waiting], patient=False)
                waiting = []
            later = waiting

    def _batch(self, items: list[Item], patient: bool) -> list[Item]:
        """Write what can be written; returns the records that wait for others of the file."""
        self._look_up_references(items)
        sound = [item for item in items if self._understand(item, patient)]
        waiting = [item for item in items if item.waits]
        self._find_more([item for item in items if item.row.number in self.bad])
        sound = self._find_existing(sound)
        self._create([item for item in sound if item.record is None])
        self._change([item for item in sound if item.record is not None])
        return waiting

    # cells to values

    def _look_up_references(self, items: list[Item]) -> None:
        named = ((self.known[n], self.position[n], "." in n) for n in self.pointing)
        texts = ((f, {row.cells[position] for item in items for row in (item.rows if below else item.rows[:1])}) for f, position, below in named)
        self.references.look_up((f, text) for f, some in texts for text in some)

    def _understand(self, item: Item, patient: bool) -> bool:
        """Fill ``item.values`` and ``item.lines``; False where a cell cannot be understood, or where the record waits."""
        before, row, known = self.report.errors, item.rows[0], self.ahead.understood(item.rows[0])
        if known is not None:
            item.values, item.stored = known
        values, cells = item.values, row.cells
        for name, position, understand in self.cells if known is None else self.pointed:
            try:
                value = values[name] = _value(cells[position], understand)
                if type(value) is UUID and self.known[name].kind == "ref":
                    item.stored[name] = value
            except NotFound as error:
                if patient and self.known[name].target == self.type.slug:
                    item.waits = True
                    return False
                self._fault(item, name, str(error))
            except ValueError as error:
                self._fault(item, name, str(error))
        for other in item.rows[1:]:
            for name in self.grouping.otherwise(row, other):
                self._fault(item, name, _("Row %(row)d begins this record and says something else.") % {"row": row.number}, other)
        for entry, row in self.grouping.lines_of(item) if self.grouping.lines else ():
            item.lines.setdefault(entry, []).append((row, self._line(item, entry, row)))
        return self.report.errors == before

    def _understand_ahead(self, row: Row) -> Understood:
        """The cells of a row that is a record, but for its references: they may be of this file. Errors: ValueError where one cannot be understood."""
        values: dict[str, Any] = self.blank.copy()
        stored, cells = {}, row.cells
        for name, position, understand, f, longest in self.plain:
            if not (text := cells[position].strip()):
                continue
            if len(text) <= longest and text.isprintable() and text != BROKEN:
                values[name] = stored[name] = text
                continue
            value = values[name] = _value(text, understand)
            if f is not None and value is not None and value != "":
                stored[name] = f.rules.clean(f, value)
        return Understood(values, stored)

    def _find_more(self, items: list[Item]) -> None:
        """Of records that are refused already, note what is wrong in their other cells, so that all of it is told at once."""
        if not items:
            return
        heads, told = {n: f for n, f in self.fields.items() if n != ID}, {(fault.row, fault.column) for fault in self.report.faults}
        entries = [entry for entry in self.type.lines if entry.name in self.grouping.lines]
        given = [{n: v for n, v in self._given(item).items() if n != ID} for item in items]
        for item, made in zip(items, cleaning.clean(self.actor, heads, entries, given, True), strict=True):
            for name, sentences in made.errors.items():
                row, column = self._place(item, name)
                if (row.number, self._head(column)) not in told:
                    self._fault(item, column, sentences[0], row)

    def _line(self, item: Item, entry: str, row: Row) -> dict[str, Any]:
        values = {}
        for inner in self.grouping.lines[entry]:
            try:
                values[inner] = _value(row.cells[self.position[f"{entry}.{inner}"]], self.readers[f"{entry}.{inner}"])
            except ValueError as error:
                self._fault(item, f"{entry}.{inner}", str(error), row)
        return values

    def _find_existing(self, items: list[Item]) -> list[Item]:
        """Give each item the record its key names; returns those to be written. Cost: one query."""
        if not self.keys:
            return items
        asked = [tuple([item.stored.get(f.name) or _cleaned(f, item.values[f.name]) for f in self.keys]) for item in items]
        whole = [values for values in asked if None not in values]
        rows = access.rows(self.actor, self.type).filter(**({} if self.mapping.key == ID else {"archived_at": None}))
        for i, f in enumerate(self.keys):
            rows = _holding(rows, f, {values[i] for values in whole})
        found: dict[tuple, list[Record]] = {}
        for record in rows if whole else ():
            found.setdefault(tuple(_comparable(f, record.pk if f.name == ID else f.value(record)) for f in self.keys), []).append(record)
        return [item for item, values in zip(items, asked, strict=True) if self._match(item, values, found) and self._is_wanted(item)]

    def _match(self, item: Item, asked: tuple, found: dict[tuple, list[Record]]) -> bool:
        """Whether the row names no record, or one, and no row above names it too."""
        if None in asked:
            return True
        key, first = tuple([_comparable(f, value) for f, value in zip(self.keys, asked, strict=True)]), self.keys[0].name
        if self.seen_keys.setdefault(key, number := item.rows[0].number) != number:
            apart = _("Row %(row)d has the same value; put the rows of a record below each other.")
            twice = _("Row %(row)d has the same value; each record comes once.")
            self._fault(item, first, (apart if self.grouping.lines else twice) % {"row": self.seen_keys[key]})
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
        self.report.skipped += 0 if wanted else len(item.rows)
        return wanted

    # values to records

    def _create(self, items: list[Item]) -> None:
        self.report.new += self._written(items, lambda data: write.create_many(self.actor, self.type, [given for _item, given in data]), self._given)

    def _given(self, item: Item) -> dict[str, Any]:
        """An empty cell of a new record, or line, says nothing: its field holds what it holds by default."""
        stored = item.stored
        given = cleaning.Given({n: stored.get(n, v) for n, v in item.values.items() if v is not None})
        given.stored = stored
        for entry, rows in item.lines.items():
            given[entry] = [_filled(values) for _row, values in rows]
        return given

    def _change(self, items: list[Item]) -> None:
        """Change existing records, those alone that differ. Cost: one query for each type referred to and each kind of lines, and ``write.change_many``."""
        if not items:
            return
        access.demand(self.actor, self.type, "change")
        known, entries = write.writable(self.actor, self.type, "change"), write.writable_lines(self.actor, self.type, "change")
        present = {e.name: columns.lines_of(e, [item.record for item in items]) for e in entries if e.name in self.grouping.lines}
        wanted = {}
        for item in items:
            wanted[item.row.number] = {n: v for n, v in item.values.items() if n in known and not self._keeps(known[n], v)}
            wanted[item.row.number] |= {n: self._lines_given(item, n, rows[item.record.pk]) for n, rows in present.items() if self._says_lines(item, n)}
        cleaned = cleaning.clean(self.actor, known, entries, [wanted[item.row.number] for item in items], False)
        differing = []
        for item, made in zip(items, cleaned, strict=True):
            same = all(_same(known[n], known[n].value(item.record), value) for n, value in made.values.items())
            if made.errors or not same or not all(self._same_lines(n, made.lines[n], present[n][item.record.pk]) for n in made.lines):
                differing.append(item)
            else:
                self.report.unchanged += 1
        self.report.changed += self._written(differing, self._change_batch, lambda item: wanted[item.row.number])

    def _keeps(self, f: Field, value: Any) -> bool:
        """An empty cell empties its field where that was asked for, unless that field always holds something."""
        return value is None and (self.mapping.empties == "leave" or f.default is not None or f.kind == "yesno")

    def _says_lines(self, item: Item, entry: str) -> bool:
        return entry in item.lines or self.mapping.empties == "clear"

    def _lines_given(self, item: Item, entry: str, present: list[Line]) -> list[dict[str, Any]]:
        """The lines of a record there is, in the place of those it has: the first of the file is its first, and so on."""
        given = []
        for position, (_row, values) in enumerate(item.lines.get(entry, ())):
            if position < len(present):
                kept = {n: v for n, v in values.items() if not self._keeps(self.known[f"{entry}.{n}"], v)}
                given.append({"id": str(present[position].pk), **kept})
            else:
                given.append(_filled(values))
        return given

    def _same_lines(self, entry: str, rows: list[Cleaned], present: list[Line]) -> bool:
        fields = next(e.fields for e in self.type.lines if e.name == entry)
        pairs = zip(rows, present, strict=True) if len(rows) == len(present) else ()
        return len(rows) == len(present) and all(_same(fields[n], fields[n].value(line), v) for row, line in pairs for n, v in row.values.items())

    def _change_batch(self, data: list[tuple[Item, dict]]) -> None:
        write.change_many(self.actor, self.type, [(item.record.pk, given, item.record.version) for item, given in data])

    def _written(self, items: list[Item], store: Callable[[list[tuple[Item, dict]]], Any], given: Callable[[Item], dict]) -> int:
        """Write a batch; returns how many records could be. What refuses the others is noted at their rows."""
        refused = piecemeal.do(lambda some: store([(item, given(item)) for item in some]), items)
        for item, error in refused:
            for name, sentences in (error.errors if isinstance(error, RuleError) else {"_": [str(error)]}).items():
                row, column = self._place(item, name)
                for sentence in sentences:
                    self._fault(item, column, sentence, row)
        return len(items) - len(refused)

    def _place(self, item: Item, name: str) -> tuple[Row, str]:
        """The row and the field that an error is about: ``lines.2.quantity`` is one of the third line's."""
        entry, _dot, rest = name.partition(".")
        position, _dot, inner = rest.partition(".")
        rows = item.lines.get(entry, ())
        if position.isdigit() and int(position) < len(rows):
            return rows[int(position)][0], f"{entry}.{inner}"
        return item.row, name

    def _fault(self, item: Item, name: str, sentence: str, row: Row | None = None) -> None:
        """Note what is wrong in a cell; no row of its record can be written."""
        row = row or item.row
        self.report.errors += 1
        self.bad.update(one.number for one in item.rows)
        if len(self.report.faults) >= KEPT_ERRORS:
            return
        value = row.cells[self.position[name]][:100] if name in self.position else ""
        self.report.faults.append(Fault(row.number, self._head(name), value, str(sentence)))

    def _head(self, name: str) -> str:
        """What the file calls a field; its label where the file has no such column."""
        if name in self.heading:
            return self.heading[name]
        f = self.known.get(name) or access.fields(self.actor, self.type).get(name.partition(".")[0])
        entry = next((e for e in self.type.lines if e.name == name.partition(".")[0]), None)
        return str(f.label) if f else str(entry.label) if entry else ""


def _value(cell: str, understand: Callable[[str], Any]) -> Any:
    """What ``core.write`` takes for a cell; None for an empty one. Errors: ValueError with a sentence."""
    text = cell.strip()
    if not text:
        return None
    if text == BROKEN:
        raise ValueError(_("The formula of this cell failed; correct it in the workbook."))
    return understand(text)


def _remembered(value: Callable[[str], Any]) -> Callable[[str], Any]:
    """The same, asked once for each text; what is refused is asked again."""
    known: dict[str, Any] = {}

    def found(text: str) -> Any:
        if text not in known:
            known[text] = value(text)
        return known[text]

    return found


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    return {n: v for n, v in values.items() if v is not None}


def _cleaned(f: Field, value: Any) -> Any:
    """The key as a record may hold it; None for an empty one and for one that its kind refuses (writing says why)."""
    try:
        return None if value is None else f.rules.clean(f, value)
    except ValueError:
        return None


def _holding(rows: QuerySet, f: Field, values: set) -> QuerySet:
    """Those of the rows that hold one of these values, by the field's index; a name's is that of the key it sorts by."""
    if f.custom:  # an e-mail as it is spelled, and in small letters
        return rows.filter(f.rules.condition(f, "in", [one for value in values for one in {value, _comparable(f, value)}]))
    if f.kind not in ("text", "email"):
        return rows.filter(**{"pk__in" if f.name == ID else f"{f.path}__in": values})
    return called(called(rows, f, f.sort_path, map(sort_key, values)) if f.sort_path else rows, f, f.path, values)


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
