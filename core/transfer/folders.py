"""A folder of files that belong together, such as a database's dump, loaded whole by its shape (``core.transfer.shapes``).

All of it goes through ``core.write``, in the caller's one transaction: a folder comes in whole or not at all.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from core import access, context, write
from core.access import Actor
from core.errors import Denied, RuleError
from core.models import Role
from core.models.record import Record
from core.registry import ObjectType, get
from core.transfer import reading, shapes
from core.transfer.shapes import Children, Row, Shape, Source, Step

BATCH = 500
SHOWN_ERRORS = 20
Progress = Callable[[str], None]


def import_folder(actor: Actor, folder: str | Path, recorded: str = "business", progress: Progress = lambda sentence: None) -> dict[str, int]:
    """Load the folder and return how many records each step wrote. ``progress`` hears a sentence at each step and batch.

    ``recorded`` is ``business`` (what happened counts as known on its own day; decisions, History loads) or ``now``. For those
    who may do everything. Errors: RuleError with sentences that name file, row and column; Denied. Callers hold a transaction.
    """
    if not actor.system and not any(p.type == "*" and "*" in p.actions and p.scope == "all" and not p.filter for p in actor.permissions):
        raise Denied(_("Only an owner may load a history."))
    tables = _tables(Path(folder))
    shape, files = recognise(tables)
    progress(_("Recognised %(shape)s in %(files)s.") % {"shape": shape.label, "files": ", ".join(sorted(name for name, _table in files.values()))})
    unused = sorted(tables.keys() - {name for name, _table in files.values()})
    if unused:
        progress(_("Not used: %(files)s.") % {"files": ", ".join(unused)})
    history = write.History(at_business_date=recorded == "business")
    load = Load(actor, shape, files, history, progress)
    with context.calling(context.Call(channel="import")):
        for step in shape.steps:
            load.run(step)
    return load.written


def _tables(folder: Path) -> dict[str, reading.Table]:
    """File name -> what is in it, for every CSV file of the folder."""
    if not folder.is_dir():
        raise RuleError(_("%(folder)s is not a folder.") % {"folder": folder})
    found = {}
    for path in sorted(folder.glob("*.csv")):
        try:
            found[path.name] = reading.read(path.read_bytes())
        except RuleError as error:
            raise RuleError(f"{path.name}: {' '.join(error.errors['_'])}") from None
        except OSError as error:
            raise RuleError(_("%(file)s cannot be read: %(reason)s.") % {"file": path.name, "reason": error.strerror}) from None
    return found


def recognise(tables: dict[str, reading.Table]) -> tuple[Shape, dict[str, tuple[str, reading.Table]]]:
    """The shape these tables have, and which of them is which of its files. Errors: RuleError with what was found and what is known."""
    for shape in shapes.every():
        files = {}
        for role, columns in shape.files.items():
            fitting = [(name, table) for name, table in tables.items() if set(columns) <= set(table.headers)]
            if len(fitting) > 1:
                names = ", ".join(name for name, _table in fitting)
                raise RuleError(_("%(names)s could each be the file of %(role)s; leave one in the folder.") % {"names": names, "role": role})
            files |= {role: fitting[0]} if fitting else {}
        if len(files) == len(shape.files):
            return shape, files
    found = "; ".join(f"{name} ({', '.join(table.headers[:8])})" for name, table in tables.items()) or _("no CSV files")
    known = " ".join(
        f"{shape.label}: " + "; ".join(f"{role} ({', '.join(columns)})" for role, columns in shape.files.items()) + "." for shape in shapes.every()
    )
    raise RuleError(
        _("The folder holds %(found)s, which is none of the sets of files known here. Known are these, by their columns: %(known)s")
        % {"found": found, "known": known}
    )


class Load:
    """A folder on its way in: its rows, and which record each became. ``made`` maps step -> id in the file -> id of the record."""

    def __init__(self, actor: Actor, shape: Shape, files: dict[str, tuple[str, reading.Table]], history: write.History, progress: Progress):
        self.actor, self.history, self.progress = actor, history, progress
        self.types = {step.name: get(step.type) for step in shape.steps}
        self.names = {role: name for role, (name, _table) in files.items()}
        self.rows = {role: _rows(name, table) for role, (name, table) in files.items()}
        self.roles = dict(Role.objects.exclude(key="").values_list("key", "pk"))
        self.made: dict[str, dict[str, UUID]] = defaultdict(dict)
        self.written: dict[str, int] = {}
        self._values: dict[tuple[str, str], set[str]] = {}
        self._groups: dict[tuple[str, str], dict[str, list[Row]]] = {}
        self._oldest: dict[str, UUID | None] = {}

    def values_of(self, file: str, column: str) -> set[str]:
        """Every value of a column, gathered once."""
        if (file, column) not in self._values:
            self._values[file, column] = {row[column] for row in self.rows[file] if row[column]}
        return self._values[file, column]

    def rows_by(self, file: str, column: str) -> dict[str, list[Row]]:
        """The rows of a file by their values of a column, grouped once."""
        if (file, column) not in self._groups:
            grouped: dict[str, list[Row]] = defaultdict(list)
            for row in self.rows[file]:
                grouped[row[column]].append(row)
            self._groups[file, column] = dict(grouped)
        return self._groups[file, column]

    def oldest(self, slug: str) -> UUID | None:
        """The record of a type that has been there longest. Cost: one query the first time."""
        if slug not in self._oldest:
            there = access.rows(self.actor, get(slug)).filter(archived_at=None).order_by("created_at", "pk")
            self._oldest[slug] = there.values_list("pk", flat=True).first()
        return self._oldest[slug]

    def run(self, step: Step) -> None:
        """Write the records of one step, batch by batch, those above before those below."""
        rows = [row for row in self.rows[step.file] if step.where is None or step.where.holds(row, self)]
        rows.sort(key=lambda row: [row[column] for column in step.order])
        total, done = len(rows), 0
        for depth, level in enumerate(self._levels(step, rows)):
            for batch in _batches(level, BATCH):
                self._write(step, batch, onto_root=step.onto_root and depth == 0 and len(level) == 1)
                done += len(batch)
                self.progress(_("%(step)s: %(done)d of %(total)d") % {"step": step.name, "done": done, "total": total})
        self.written[step.name] = done

    def _levels(self, step: Step, rows: list[Row]) -> list[list[Row]]:
        """The rows by their depth in the tree that ``above`` makes; all of them at once where there is none."""
        if not step.above:
            return [rows]
        levels, placed, left = [], set(), rows
        present = {row[step.id] for row in rows}
        while left:
            level = [row for row in left if row[step.above] not in present or row[step.above] in placed]
            if not level:
                raise self._error(step, left[0], (step.above,), _("These rows stand below each other in a circle."))
            levels.append(level)
            placed |= {row[step.id] for row in level}
            left = [row for row in left if row[step.id] not in placed]
        return levels

    def _write(self, step: Step, rows: list[Row], onto_root: bool) -> None:
        object_type = get(step.type)
        data = [self._data(step, row) for row in rows]
        if step.change:
            self._change(step, object_type, rows, data)
            return
        try:
            if onto_root:
                records = [self._onto_root(object_type, data[0])]
            elif step.out_of:
                records = self._make_out_of(step, rows, data)
            else:
                records = write.create_many(self.actor, object_type, data, self.history)
            for name, fields in step.acts.items():
                inputs = [(record.pk, {n: self._read(step, row, n, s) for n, s in fields.items()}) for record, row in zip(records, rows, strict=True)]
                write.act_many(self.actor, object_type, name, inputs, self.history)
        except RuleError as error:
            raise self._named(step, rows, error) from None
        for row, record in zip(rows, records, strict=True):
            self.made[step.name][row[step.id]] = record.pk

    def _make_out_of(self, step: Step, rows: list[Row], data: list[dict]) -> list[Record]:
        """What the act of an earlier step's records makes of each."""
        earlier, act = step.out_of
        return write.act_many(
            self.actor, self.types[earlier], act, [(self.made[earlier][row[step.id]], values) for row, values in zip(rows, data, strict=True)], self.history
        )

    def _onto_root(self, object_type: ObjectType, data: dict) -> Record:
        """The company's own top unit becomes this one; a new one where there is no single top."""
        roots = list(access.rows(self.actor, object_type).filter(parent=None, archived_at=None)[:2])
        if len(roots) != 1:
            return write.create_many(self.actor, object_type, [data], self.history)[0]
        return write.change(self.actor, object_type, roots[0].pk, {n: v for n, v in data.items() if n != "parent"}, roots[0].version)

    def _change(self, step: Step, object_type: ObjectType, rows: list[Row], data: list[dict]) -> None:
        for row, values in zip(rows, data, strict=True):
            ident = self.made[step.change][row[step.id]]
            version = access.rows(self.actor, object_type).values_list("version", flat=True).get(pk=ident)
            try:
                write.change(self.actor, object_type, ident, values, version)
            except RuleError as error:
                raise self._named(step, [row], RuleError({f"0.{name}": s for name, s in error.errors.items()})) from None

    def _data(self, step: Step, row: Row) -> dict[str, Any]:
        """What ``core.write`` takes for one row; what is empty is left out."""
        values = {name: self._read(step, row, name, source) for name, source in step.fields.items()}
        found = {name: value for name, value in values.items() if value not in (None, "")}
        for name, children in step.lines.items():
            found[name] = [
                {n: v for n, s in children.fields.items() if (v := self._read(step, child, n, s, children.file)) not in (None, "")}
                for child in self._rows_below(step, children, row)
            ]
        return found

    def _rows_below(self, step: Step, children: Children, row: Row) -> list[Row]:
        if not children.file:
            return [row] if row[children.unless_zero].strip("0.,") else []
        return self.rows_by(children.file, children.by).get(row[step.id], [])

    def _read(self, step: Step, row: Row, name: str, source: Source, file: str = "") -> Any:
        try:
            return source.read(row, self)
        except ValueError as error:
            raise self._error(step, row, source.columns, str(error), file) from None

    # errors

    def _error(self, step: Step, row: Row, columns: Iterable[str], sentence: str, file: str = "") -> RuleError:
        return RuleError(self._sentence(step, row, columns, sentence, file))

    def _sentence(self, step: Step, row: Row, columns: Iterable[str], sentence: str, file: str = "") -> str:
        place = {"file": self.names[file or step.file], "row": row.number, "columns": ", ".join(columns), "sentence": sentence}
        return (_("%(file)s, row %(row)d, %(columns)s: %(sentence)s") if place["columns"] else _("%(file)s, row %(row)d: %(sentence)s")) % place

    def _named(self, step: Step, rows: list[Row], error: RuleError) -> RuleError:
        """The error of a batch with its names as file, row and column."""
        said = []
        for name, sentences in error.errors.items():
            number, _dot, rest = name.partition(".")
            if not number.isdigit() or int(number) >= len(rows):
                said += sentences
                continue
            row, source, file = rows[int(number)], step.fields.get(rest), ""
            entry, _dot, inner = rest.partition(".")
            position, _dot, inner = inner.partition(".")
            if entry in step.lines and position.isdigit():
                children = step.lines[entry]
                row, source, file = self._rows_below(step, children, row)[int(position)], children.fields.get(inner), children.file
            said += [self._sentence(step, row, source.columns if source else (rest,), sentence, file) for sentence in sentences]
        return RuleError({"_": said[:SHOWN_ERRORS] + ([_("and %(n)d more") % {"n": len(said) - SHOWN_ERRORS}] if len(said) > SHOWN_ERRORS else [])})


def _rows(name: str, table: reading.Table) -> list[Row]:
    try:
        return [Row(zip(table.headers, row.cells, strict=True), row.number) for row in table.rows()]
    except RuleError as error:
        raise RuleError(f"{name}: {' '.join(error.errors['_'])}") from None


def _batches(things: Iterable, size: int) -> Iterator[list]:
    walk = iter(things)
    while batch := list(islice(walk, size)):
        yield batch
