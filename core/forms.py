"""Between what people type and what ``core.write`` takes: an Entry of texts, read from a form, a record or an address.

A form never decides whether an entry is right: it carries texts there and sentences back. No HTML and no HTTP here.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core import access, read, registry, write
from core.access import Actor
from core.models.record import Record
from core.registry import Act, Field, Lines, ObjectType

SEVERAL = ("choices", "refs")  # kinds whose control sends a list
NOTHING = "none"  # what a line's short list of references sends where "none" is meant, as against "as its product has it"
GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", re.ASCII)

Row = dict[str, Any]


class Sent(Mapping):
    """What a form or an address brought; ``getlist`` gives all values of a name. Django's QueryDict is one."""

    getlist: Any


@dataclass(frozen=True)
class Offer:
    """What one form offers to write: fields, and rows by name. The same for showing a form and for reading it back."""

    type: ObjectType
    fields: dict[str, Field]
    lines: list[Lines]


@dataclass
class Entry:
    """What stands in a form: name -> text (a list of texts for several), rows as such dicts with their ``id`` where they have one."""

    texts: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)


def offer(actor: Actor, object_type: ObjectType, record: Record | None = None) -> Offer:
    """What the actor may write of a new record or of this one in its present state."""
    action = "change" if record else "add"
    closed = object_type.locked(record) if record else frozenset()
    fields = {n: f for n, f in write.writable(actor, object_type, action).items() if n not in closed and _choosable(actor, f)}
    return Offer(object_type, fields, [e for e in write.writable_lines(actor, object_type, action) if e.name not in closed])


def offer_of_act(object_type: ObjectType, act: Act) -> Offer:
    """The inputs of an act."""
    return Offer(object_type, {f.name: f for f in act.fields}, [*(e for e in object_type.lines if e.name in act.lines), *act.takes])


def _choosable(actor: Actor, f: Field) -> bool:
    """A reference to what the actor does not see cannot be chosen, so it stays as it is."""
    target = registry.get(f.target) if f.is_reference else None
    return target is None or access.allows(actor, target, "view")


def open_fields(entry: Lines) -> dict[str, Field]:
    """The fields of a row that are typed."""
    return {n: f for n, f in entry.fields.items() if not f.readonly and not f.compute}


# Reading an entry ---------------------------------------------------------------------------------------------------


def text_of(f: Field, value: Any) -> Any:
    """A value as its control holds it."""
    if f.kind in SEVERAL:
        return [str(v) for v in value or []]
    if f.kind == "yesno":
        return "true" if value else ""
    return f.rules.to_form(f, value)


def of_record(made: Offer, record: Record) -> Entry:
    """What a form shows of a stored record. Cost: a query for each kind of rows."""
    entry = Entry({n: text_of(f, f.value(record)) for n, f in made.fields.items() if f.kind != "secret"})
    for lines in made.lines:
        rows = read.lines_of(lines, [record])[record.pk]
        entry.rows[lines.name] = [{"id": str(r.pk), **{n: text_of(f, f.value(r)) for n, f in open_fields(lines).items()}} for r in rows]
    return entry


def of_nothing(actor: Actor, made: Offer) -> Entry:
    """What a form for a new record starts with: defaults, and the actor as owner."""
    entry = Entry()
    for name, f in made.fields.items():
        if f.default is not None:
            entry.texts[name] = text_of(f, f.rules.clean(f, f.default))
        elif f.kind == "user" and not f.custom and f.attname == made.type.owner and actor.id:
            entry.texts[name] = str(actor.id)
    return entry


def of_form(made: Offer, sent: Sent) -> Entry:
    """What was typed. A form that shows every field says ``whole``: what a browser leaves out then is an empty box or list."""
    whole, entry = "whole" in sent, Entry()
    for name, f in made.fields.items():
        if f.kind in SEVERAL:
            if name in sent or whole:
                entry.texts[name] = [v for v in sent.getlist(name) if v]
        elif name in sent:
            entry.texts[name] = sent.get(name, "")
        elif whole and f.kind == "yesno":
            entry.texts[name] = ""
    for lines in made.lines:
        if whole:
            entry.rows[lines.name] = _rows(lines, sent)
    return entry


def of_address(made: Offer, sent: Sent) -> Entry:
    """What the address of a form for a new record already says: ``?account=<id>``."""
    named = {n: f for n, f in made.fields.items() if n in sent and f.kind != "secret"}
    return Entry({n: sent.getlist(n) if f.kind in SEVERAL else sent.get(n, "") for n, f in named.items()})


def _rows(lines: Lines, sent: Sent) -> list[Row]:
    """The rows of one name in their order, without those removed just now and without blank new ones."""
    known, found = open_fields(lines), {}
    for key in sent:
        name, _dot, rest = key.partition(".")
        index, _dot, part = rest.partition(".")
        if name == lines.name and index.isascii() and index.isdigit() and len(index) < 6 and (part == "id" or part in known):
            several = part in known and known[part].kind in SEVERAL
            found.setdefault(int(index), {})[part] = sent.getlist(key) if several else sent.get(key, "")
    removed = sent.get("remove", "")
    return [row for index, row in sorted(found.items()) if removed != f"{lines.name}.{index}" and not is_blank(row)]


def is_blank(row: Row) -> bool:
    return not any(v.strip() if isinstance(v, str) else v for v in row.values())


def chosen_ids(f: Field, text: Any) -> list[tuple[str, UUID]]:
    """(slug, id) of the records a control's text names; what is no id names nobody."""
    if not (f.is_reference or f.kind == "anyref"):
        return []
    found = []
    for one in text if isinstance(text, list) else [text or ""]:
        slug, _colon, ident = one.rpartition(":") if f.kind == "anyref" else (f.target, ":", one)
        try:
            found.append((slug, UUID(ident)))
        except ValueError:
            continue
    return found


# Sending it to write ------------------------------------------------------------------------------------------------


def data_of_new(made: Offer, entry: Entry) -> dict[str, Any]:
    """What ``write.create`` takes. What was left empty is left out, so that the type may fill it in."""
    data = {n: value_of(f, entry.texts[n]) for n, f in made.fields.items() if n in entry.texts}
    data = {n: v for n, v in data.items() if v not in (None, [])}
    return data | {lines.name: [_row(lines, r) for r in entry.rows[lines.name]] for lines in made.lines if entry.rows.get(lines.name)}


def data_of_change(made: Offer, entry: Entry, stored: Entry, keep: Iterable[str] = ()) -> dict[str, Any]:
    """What ``write.change`` takes: what differs from what the form showed. Names in ``keep`` stay as they are stored."""
    keep = set(keep)
    typed = {n: f for n, f in made.fields.items() if n in entry.texts and n not in keep}
    typed = {n: f for n, f in typed.items() if entry.texts[n] or f.kind != "secret"}
    data = {n: value_of(f, entry.texts[n]) for n, f in typed.items() if not same(f, entry.texts[n], stored.texts.get(n))}
    for lines in made.lines:
        rows = entry.rows.get(lines.name)
        if rows is not None and lines.name not in keep and not same_rows(lines, rows, stored.rows.get(lines.name, [])):
            data[lines.name] = [_row(lines, r) for r in rows]
    return data


def data_of_act(made: Offer, entry: Entry, stored: Entry) -> dict[str, Any]:
    """What ``write.act`` takes: inputs that were filled in, and rows, all of them where they are offered."""
    data = {n: value_of(f, entry.texts[n]) for n, f in made.fields.items() if n in entry.texts}
    data = {n: v for n, v in data.items() if v not in (None, [])}
    rows = {lines.name: entry.rows.get(lines.name, stored.rows.get(lines.name, [])) for lines in made.lines}
    return data | {lines.name: [_row(lines, r) for r in rows[lines.name]] for lines in made.lines}


def same(f: Field, typed: Any, shown: Any) -> bool:
    if f.kind in SEVERAL:
        return set(typed or []) == set(shown or [])
    return _line_ends(typed) == _line_ends(shown)


def same_rows(lines: Lines, typed: list[Row], shown: list[Row]) -> bool:
    names = ("id", *open_fields(lines))
    return [[_line_ends(r.get(n)) for n in names] for r in typed] == [[_line_ends(r.get(n)) for n in names] for r in shown]


def _line_ends(text: Any) -> Any:
    """Browsers send every line break as two characters."""
    return text.replace("\r\n", "\n").strip() if isinstance(text, str) else text or ""


def value_of(f: Field, text: Any) -> Any:
    """What a control's text means to the field's kind. Nothing typed is nothing."""
    if f.kind in SEVERAL:
        return list(text)
    if f.kind == "yesno":
        return text == "true"
    text = text.replace("\r\n", "\n")
    if not text.strip():
        return None
    if f.rules.sums:
        text = _plain_number(text)
    return f.rules.from_form(f, text)


def _plain_number(text: str) -> str:
    """A number as people type it: thousands apart, full-width digits. What is no number stays as it was typed."""
    plain = unicodedata.normalize("NFKC", text).strip().replace("\u00a0", "").replace(" ", "").replace("'", "")
    return plain.replace(",", "") if GROUPED.fullmatch(plain.rstrip("%")) else plain


def _row(lines: Lines, row: Row) -> dict[str, Any]:
    """A row's values. What is blank in a new row is left out, so that its product may fill it in; in an old one it is emptied."""
    known, old = open_fields(lines), bool(row.get("id"))
    made: dict[str, Any] = {"id": row["id"]} if old else {}
    for name, f in known.items():
        if name not in row:
            continue
        value = None if row[name] == NOTHING and f.is_reference else value_of(f, row[name])
        if old or value not in (None, []) or row[name] == NOTHING:
            made[name] = value
    return made
