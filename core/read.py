"""Records as their reader may see them: visible fields only, references with labels, lines included.

The one way from a stored row to a page, the API, a file or a conflict. Cost for any number of records: one query for
each type referred to, one for each kind of lines, one for each field with several references.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any

from django.db.models import CharField, Model, QuerySet, TextField, UUIDField, prefetch_related_objects
from django.utils.translation import gettext as _

from core import access, context, derived, edition, files, prepared, registry, sql
from core.access import Actor
from core.registry import Field, Lines, ObjectType

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

    Cost: one query for all types of which he sees everything, and one for each other; in a snapshot none for what a page has named before.
    """
    if not edition.is_fixed() or sum(map(len, wanted.values())) > FEW:
        return _read_labels(actor, wanted)
    held = context.memo().setdefault(("labels", access.reader(actor)), {})
    missing = {slug: new for slug, ids in wanted.items() if (new := {i for i in ids if i not in held.get(slug, {})})}
    new = _read_labels(actor, missing) if missing else {}
    for slug, named in new.items():
        held.setdefault(slug, {}).update(dict.fromkeys(missing[slug]) | named)
    return {s: {i: n for i in ids if (n := held[s].get(i)) is not None} | new.get(s, {}) for s, ids in wanted.items() if s in held}


def remember(actor: Actor, object_type: ObjectType, records: Iterable[Model]) -> None:
    """What these, which the reader sees, are called need not be read again while the page is made. Cost: none."""
    if edition.is_fixed():
        held = context.memo().setdefault(("labels", access.reader(actor)), {})
        held.setdefault(object_type.slug, {}).update({r.pk: label(actor, object_type, r) for r in records})


def _read_labels(actor: Actor, wanted: dict[str, set]) -> dict[str, dict[Any, str]]:
    found: dict[str, dict[Any, str]] = {}
    together: dict[str, tuple[ObjectType, list[str]]] = {}
    for slug, ids in wanted.items():
        object_type = registry.get(slug)
        if object_type is None or not ids or not access.allows(actor, object_type, "view"):
            continue
        names, rows = label_fields(actor, object_type), access.rows(actor, object_type)
        if _is_read_plainly(object_type, names, rows):
            together[slug], found[slug] = (object_type, names), {}
        else:
            found[slug] = {pk: _named(object_type, texts) for pk, *texts in rows.filter(pk__in=ids).values_list("pk", *names)}
    if together:
        for slug, pk, texts in sql.texts_of({slug: (t.model, names, list(wanted[slug])) for slug, (t, names) in together.items()}):
            found[slug][pk] = _named(together[slug][0], texts)
    return found


def _is_read_plainly(object_type: ObjectType, names: list[str], rows: QuerySet) -> bool:
    """Whether all rows of the type's table may be seen, and these are columns of text: then one statement reads those of several types.

    Of lines that is so where all their records may be seen.
    """
    known = {c.name: c for c in object_type.model._meta.concrete_fields}
    texts = all(isinstance(known.get(n), CharField | TextField) for n in names)
    return texts and (object_type.rows is None or object_type.referable) and not rows.query.where and isinstance(object_type.model._meta.pk, UUIDField)


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
    shown = _gathered(actor, object_type, records, only, with_lines)
    name_references(actor, _all_of(shown))
    return shown


def present_each(actor: Actor, lists: Iterable[tuple[ObjectType, Iterable[Model], Iterable[str]]]) -> list[list[Shown]]:
    """Several lists as ``present`` gives each, of a type, its records and the fields wanted; what they refer to is named for all of them together."""
    shown = [_gathered(actor, object_type, records, only, None) for object_type, records, only in lists]
    name_references(actor, _all_of([one for each in shown for one in each]))
    return shown


def written(actor: Actor, object_type: ObjectType, records: Iterable[Model], url: Callable[[str, Any], str]) -> list[dict[str, Any]]:
    """All of these records as the contract writes them: as ``as_json`` of what ``present`` gives, without the steps between. Cost: see the module."""
    shown = _gathered(actor, object_type, records, None, None)
    found, writers, known = _named_by(actor, _all_of(shown)), {}, {}

    def write(one: Shown) -> dict[str, Any]:
        if id(one.fields) not in writers:
            writers[id(one.fields)] = [(n, _writer(f, found, known, url)) for n, f in one.fields.items() if n == "id" or not f.is_told_as_is or _refers(f)]
        told = one.values.copy()
        for name, word in writers[id(one.fields)]:
            if name in told:  # unless it was taken out for this reader
                told[name] = word(told[name])
        for name, rows in one.lines.items():
            told[name] = [write(row) for row in rows]
        return told

    return [write(one) for one in shown]


def _writer(f: Field, found: dict, known: dict, url: Callable[[str, Any], str]) -> Callable[[Any], Any]:
    """What turns values of a field into what the contract writes; a record that many refer to is worded once, in ``known``."""
    to_json = f.rules.to_json
    if f.name == "id" or not _refers(f):
        return partial(to_json, f)
    alike = known.setdefault((f.kind, f.target), {})

    def one(value: Any) -> Any:
        if not value:
            return to_json(f, value)
        if isinstance(value, list):
            return [one(v) for v in value]
        if f.kind == "anyref":
            return _json(f, _refs(f, value, found), url)
        told = alike.get(value)
        if told is None:
            told = alike[value] = _json(f, _refs(f, value, found), url)
        return told

    return one


def _gathered(actor: Actor, object_type: ObjectType, records: Iterable[Model], only: Iterable[str] | None, with_lines: bool | None) -> list[Shown]:
    """What ``present`` gives, references still as ids."""
    records = list(records)
    visible = access.fields(actor, object_type)
    fields = {n: f for n, f in visible.items() if (only is None or n in only) and f.kind != "secret" and not f.is_looked_up}
    if any(f.compute and not f.custom for f in fields.values()):
        object_type.gather(actor, records)
    derived.gather(object_type, records, fields.values())
    many = [f.path for f in fields.values() if f.kind == "refs" and not f.custom]
    if many:
        prefetch_related_objects(records, *many)
    named = label_fields(actor, object_type)
    values = _values(fields)
    shown = [Shown(object_type, r, values(r), fields, {}, _named(object_type, [getattr(r, path) for path in named])) for r in records]
    if with_lines or (with_lines is None and only is None):
        _attach_lines(actor, object_type, shown)
    if object_type.redact:
        for one in shown:
            object_type.redact(actor, one)
    return shown


def _all_of(shown: list[Shown]) -> list[Shown]:
    """These and their lines."""
    return [s for one in shown for s in (one, *(line for rows in one.lines.values() for line in rows))]


def _values(fields: dict[str, Field]) -> Callable[[Model], dict[str, Any]]:
    """What takes the values of these fields from a record, those that are its attributes all at once."""
    held, others = [n for n, f in fields.items() if f.held], [(n, f) for n, f in fields.items() if not f.held]
    if len(held) < 2:  # of one attribute, no tuple is taken
        return lambda record: {n: f.value(record) for n, f in fields.items()}
    blank, take = dict.fromkeys(fields), attrgetter(*(fields[n].held for n in held))

    def values(record: Model) -> dict[str, Any]:
        found = blank.copy()
        found.update(zip(held, take(record), strict=True))
        for name, f in others:
            found[name] = f.value(record)
        return found

    return values


def _attach_lines(actor: Actor, object_type: ObjectType, shown: list[Shown]) -> None:
    for entry in access.lines(actor, object_type):
        by_parent = lines_of(entry, [s.record for s in shown])
        fields = {"id": Field("id", "ref", readonly=True, path="pk")} | entry.fields
        values = _values(fields)
        for one in shown:
            one.lines[entry.name] = [Shown(object_type, row, values(row), fields, {}) for row in by_parent[one.record.pk]]


def lines_of(entry: Lines, parents: list[Model]) -> dict[Any, list[Model]]:
    """Parent id -> its rows in order, each holding its parent. Cost: one query."""
    grouped: dict[Any, list[Model]] = defaultdict(list)
    by_id = {p.pk: p for p in parents}
    for row in prepared.children(entry.model, entry.parent).records(prepared.listed(by_id)):
        parent_id = getattr(row, f"{entry.parent}_id")
        setattr(row, entry.parent, by_id[parent_id])
        grouped[parent_id].append(row)
    return grouped


def name_references(actor: Actor, shown: list[Shown]) -> None:
    """Turn the ids of references into Refs. Cost: one query for each type referred to."""
    naming = _naming(shown)
    found = _named_by(actor, shown)
    for one in shown:
        for name, f in naming[id(one.fields)]:
            if value := one.values[name]:
                one.values[name] = _refs(f, value, found)


def _naming(shown: list[Shown]) -> dict[int, list[tuple[str, Field]]]:
    """Those fields that refer to others, once for all records that have the same fields."""
    naming: dict[int, list[tuple[str, Field]]] = {}
    for one in shown:
        if id(one.fields) not in naming:
            naming[id(one.fields)] = [(n, f) for n, f in one.fields.items() if n != "id" and _refers(f)]
    return naming


def _named_by(actor: Actor, shown: list[Shown]) -> dict[str, dict[Any, str]]:
    """Slug -> id -> label of all that these refer to, as far as the reader sees it."""
    wanted: dict[str, set] = defaultdict(set)
    naming = _naming(shown)
    for one in shown:
        for name, f in naming[id(one.fields)]:
            value = one.values[name]
            if not value:
                continue
            if f.kind in files.KINDS:
                wanted[files.SLUG].add(value)
            elif f.kind == "anyref":
                wanted[value[0]].add(value[1])
            else:
                wanted[f.target].update(value if isinstance(value, list) else [value])
    held = files.names(wanted.pop(files.SLUG, ()))
    return labels(actor, wanted) | {files.SLUG: held}


REFERRING = frozenset(("ref", "user", "refs", "anyref", *files.KINDS))


def _refers(f: Field) -> bool:
    return f.kind in REFERRING


def _refs(f: Field, value: Any, found: dict) -> Any:
    def one(slug: str, ident: Any, line: Any = None) -> Ref:
        named = found.get(slug, {})
        return Ref(ident, named.get(ident, ""), slug, ident in named, line)

    if f.kind in files.KINDS:
        return one(files.SLUG, value)
    if f.kind == "anyref":
        return one(*value)
    return [one(f.target, v) for v in value] if isinstance(value, list) else one(f.target, value)


def as_json(shown: Shown, url: Callable[[str, Any], str]) -> dict[str, Any]:
    """The record as the contract writes it; ``url(slug, id)`` gives addresses."""
    written = {name: _json(shown.fields[name], value, url) for name, value in shown.values.items()}
    for name, rows in shown.lines.items():
        written[name] = [as_json(row, url) for row in rows]
    return written


def _json(f: Field, value: Any, url: Callable[[str, Any], str]) -> Any:
    if isinstance(value, Ref):
        found = {"id": str(value.id), "label": value.label, "url": url(value.slug, value.id) if value.seen else None}
        if f.kind != "anyref":
            return found
        return {"type": value.slug, **found, **({} if value.line is None else {"line": str(value.line) or None})}
    if isinstance(value, list) and value and isinstance(value[0], Ref):
        return [_json(f, v, url) for v in value]
    return f.rules.to_json(f, value)
