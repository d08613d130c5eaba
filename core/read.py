"""Records as their reader may see them: visible fields only, references with labels, lines included.

The one way from a stored row to a page, the API, a file or a conflict. Cost for any number of records: one query for
each type referred to, one for each kind of lines, one for each field with several references.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db.models import CharField, Model, TextField, UUIDField
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from core import access, columns, context, edition, files, registry, sql
from core.access import Actor
from core.columns import Table
from core.registry import Field, ObjectType

FEW = 300  # references of a page, whose labels are remembered while it is made


@dataclass(frozen=True)
class Ref:
    """A reference as it is read. A record the reader may not see has no label and no link."""

    id: Any
    label: str
    slug: str
    seen: bool
    line: Any = None


@dataclass
class Shown:
    """One record for one reader: ``values`` by field name (references as Ref), ``lines`` by name as lists of such."""

    type: ObjectType
    record: Model
    values: dict[str, Any]
    fields: dict[str, Field]
    lines: dict[str, list["Shown"]]
    label: str = ""

    @property
    def id(self):
        return self.record.pk

    @property
    def currency(self) -> str:
        return getattr(self.record, "currency", "") or context.company().currency

    def text(self, name: str) -> str:
        """A field as its reader sees it."""
        f, value = self.fields[name], self.values[name]
        if isinstance(value, Ref):
            return value.label
        if isinstance(value, list) and value and isinstance(value[0], Ref):
            return ", ".join(v.label for v in value)
        return f.rules.text(f, value, self.currency)


def label_fields(actor: Actor, object_type: ObjectType) -> list[str]:
    """The columns that name a record, as far as this reader sees them."""
    hidden = access.hidden_names(actor, object_type)
    names = [object_type.title, object_type.title_else]
    return [object_type.fields[n].path for n in names if n and n not in hidden] or ["pk"]


def labels(actor: Actor, wanted: dict[str, set]) -> dict[str, dict[Any, str]]:
    """Slug -> id -> label, of those records the reader sees.

    Cost: one query for all types of which he sees everything, and one for each other; in a snapshot none for what a page has named before, nor for
    settled types (stages, people) what any page has named in this edition.
    """
    if not edition.is_fixed():
        return _read_labels(actor, wanted)
    held = _labels_and_more(actor, wanted)
    return {slug: {i: n for i in ids if (n := held[slug].get(i)) is not None} for slug, ids in wanted.items()}


def _labels_and_more(actor: Actor, wanted: dict[str, set]) -> dict[str, dict[Any, str]]:
    """The same, with what else is remembered of how records of these types are called."""
    if not edition.is_fixed():
        return _read_labels(actor, wanted)
    few = sum(map(len, wanted.values())) <= FEW
    held = {slug: _held(actor, slug, few) for slug in wanted}
    missing = {slug: new for slug, ids in wanted.items() if (new := ids.difference(held[slug]))}
    for slug, named in (_read_labels(actor, missing) if missing else {}).items():
        held[slug].update(named)
    return held


def _held(actor: Actor, slug: str, few: bool = True) -> dict[Any, str]:
    """What is remembered of how records of a type are called: in this edition, or in this use-case where they are ``few``."""
    object_type = registry.get(slug)
    if object_type is not None and object_type.settled and access.sees_all(actor, object_type):
        return edition.keep(("labels", slug, *label_fields(actor, object_type), get_language()), dict)
    return context.memo().setdefault(("labels", slug, access.reader(actor)), {}) if few else {}


def remember(actor: Actor, object_type: ObjectType, records: Iterable[Model]) -> None:
    """What these, which the reader sees, are called need not be read again while the page is made. Cost: none."""
    if edition.is_fixed():
        _held(actor, object_type.slug).update({r.pk: label(actor, object_type, r) for r in records})


def _read_labels(actor: Actor, wanted: dict[str, set]) -> dict[str, dict[Any, str]]:
    found: dict[str, dict[Any, str]] = {}
    together: dict[str, tuple[ObjectType, list[str]]] = {}
    for slug, ids in wanted.items():
        object_type = registry.get(slug)
        if object_type is None or not ids or not access.allows(actor, object_type, "view"):
            continue
        names = label_fields(actor, object_type)
        if _is_read_plainly(actor, object_type, names):
            together[slug], found[slug] = (object_type, names), {}
        else:
            rows = access.rows(actor, object_type).filter(pk__in=ids)
            found[slug] = {pk: _named(object_type, texts) for pk, *texts in rows.values_list("pk", *names)}
    if together:
        for slug, pk, texts in sql.texts_of({slug: (t.model, names, list(wanted[slug])) for slug, (t, names) in together.items()}):
            found[slug][pk] = _named(together[slug][0], texts)
    return found


def _is_read_plainly(actor: Actor, object_type: ObjectType, names: list[str]) -> bool:
    """Whether all rows of the type's table may be seen, and these are columns of text: then one statement reads those of several types.

    Of lines that is so where all their records may be seen.
    """
    known = {c.name: c for c in object_type.model._meta.concrete_fields}
    texts = isinstance(object_type.model._meta.pk, UUIDField) and all(isinstance(known.get(n), CharField | TextField) for n in names)
    return texts and (object_type.rows is None or object_type.referable) and access.sees_all(actor, object_type)


def label(actor: Actor, object_type: ObjectType, record: Model) -> str:
    """A record's name as its own page says it to this reader."""
    return _named(object_type, (getattr(record, path) for path in label_fields(actor, object_type)))


def _named(object_type: ObjectType, texts: Iterable[Any]) -> str:
    """The first of these that says something; what is chosen among options in their words."""
    title = object_type.fields.get(object_type.title)
    words = title.choices() if title is not None and title.options else {}
    return next((str(words.get(t) or object_type.called.get(t, t)) for t in texts if t), "") or unnamed(object_type)


def unnamed(object_type: ObjectType) -> str:
    """What a record is called that has no number or name yet: "Draft order"."""
    label = str(object_type.label)
    return _("Draft %(type)s") % {"type": label[:1].lower() + label[1:] if label[1:2].islower() else label}


def present(actor: Actor, object_type: ObjectType, records: Iterable[Model], only: Iterable[str] | None = None, with_lines: bool | None = None) -> list[Shown]:
    """These records for this reader; ``only`` names the fields wanted (a list's columns). Cost: see the module."""
    table = columns.of(actor, object_type, records, only, with_lines)
    _name_references(actor, [table])
    return _shown(actor, table)


def present_each(actor: Actor, lists: Iterable[tuple[ObjectType, Iterable[Model], Iterable[str]]]) -> list[list[Shown]]:
    """Several lists as ``present`` gives each, of a type, its records and the fields wanted; what they refer to is named for all of them together."""
    tables = columns.of_each(actor, lists)
    _name_references(actor, tables)
    return [_shown(actor, table) for table in tables]


def _name_references(actor: Actor, tables: list[Table]) -> None:
    """Turn the ids of references into Refs. Cost: one query for each type referred to."""
    tables = [each for table in tables for each in table.whole()]
    known = _named_by(actor, tables)

    def word(f: Field, slug: str, ident: Any, line: Any = None) -> Ref:
        named = known.get(slug, {})
        return Ref(ident, named.get(ident, ""), slug, ident in named, line)

    for table in tables:
        for name, f in table.shape.referring:
            table.columns[name] = columns.reworded(f, table.columns[name], word, lambda value: value)


def _named_by(actor: Actor, tables: list[Table]) -> dict[str, dict[Any, str]]:
    """Slug -> id -> label of all that these refer to, as far as the reader sees it."""
    wanted = columns.referred(tables)
    held = files.names(wanted.pop(files.SLUG, ()))
    return _labels_and_more(actor, wanted) | {files.SLUG: held}


def _shown(actor: Actor, table: Table) -> list[Shown]:
    """The records of a table one by one, each with its lines and its name."""
    object_type, named = table.type, label_fields(actor, table.type)
    found = [
        Shown(object_type, record, values, table.fields, {}, _named(object_type, [getattr(record, path) for path in named]))
        for record, values in zip(table.records, table.rows(), strict=True)
    ]
    for name, (lines, _counts) in table.lines.items():
        rows = [Shown(object_type, row, values, lines.fields, {}) for row, values in zip(lines.records, lines.rows(), strict=True)]
        for one, own in zip(found, table.under(name, rows), strict=True):
            one.lines[name] = own
    return found


def written(actor: Actor, object_type: ObjectType, records: Iterable[Model], url: Callable[[str, Any], str]) -> list[dict[str, Any]]:
    """All of these records as the contract writes them, but for moments: as ``as_json`` of what ``present`` gives, without the steps between.

    Cost: see the module.
    """
    return written_each(actor, [(object_type, records)], url)[0]


def written_each(actor: Actor, lists: Iterable[tuple[ObjectType, Iterable[Model]]], url: Callable[[str, Any], str]) -> list[list[dict[str, Any]]]:
    """Several lists, each as ``written``; what they refer to is named for all of them together."""
    tables = columns.of_each(actor, ((object_type, records, None) for object_type, records in lists))
    known = _named_by(actor, [each for table in tables for each in table.whole()])

    def word(f: Field, slug: str, ident: Any, line: Any = None) -> dict[str, Any]:
        label, text = known.get(slug, {}).get(ident), str(ident)
        return _reference(f, text, label or "", slug, url(slug, text) if label is not None else None, line)

    return [_written(table, word) for table in tables]


def _written(table: Table, word: columns.Word) -> list[dict[str, Any]]:
    for name, f in table.shape.referring:
        table.columns[name] = columns.reworded(f, table.columns[name], word, partial(f.rules.to_json, f))
    for name, to_json, f in table.shape.worded:
        table.columns[name] = [to_json(f, value) for value in table.columns[name]]
    found = table.rows()
    for name, (lines, _counts) in table.lines.items():
        for one, rows in zip(found, table.under(name, _written(lines, word)), strict=True):
            one[name] = rows
    return found


def as_json(shown: Shown, url: Callable[[str, Any], str]) -> dict[str, Any]:
    """The record as the contract writes it; ``url(slug, id)`` gives addresses."""
    written = {name: _json(shown.fields[name], value, url) for name, value in shown.values.items()}
    for name, rows in shown.lines.items():
        written[name] = [as_json(row, url) for row in rows]
    return written


def _json(f: Field, value: Any, url: Callable[[str, Any], str]) -> Any:
    if isinstance(value, Ref):
        return _reference(f, str(value.id), value.label, value.slug, url(value.slug, value.id) if value.seen else None, value.line)
    if isinstance(value, list) and value and isinstance(value[0], Ref):
        return [_json(f, v, url) for v in value]
    return f.rules.to_json(f, value)


def _reference(f: Field, ident: str, label: str, slug: str, url: str | None, line: Any) -> dict[str, Any]:
    found = {"id": ident, "label": label, "url": url}
    if f.kind != "anyref":
        return found
    return {"type": slug, **found, **({} if line is None else {"line": str(line) or None})}
