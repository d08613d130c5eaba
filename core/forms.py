"""Between what people type and what ``core.write`` takes: an Entry of texts, read from a form, a record or an address.

A form never decides whether an entry is right: it carries texts there and sentences back. No HTML and no HTTP here.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from core import access, columns, files, registry, write
from core.access import Actor
from core.errors import RuleError
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
    """What one form offers to write: fields, and rows by name. The same for showing a form and for reading it back.

    ``picks`` are rows to choose among, by name: what they refer to stands fixed, their figures are typed, and a row whose
    figures are empty or zero is left out. A row's ``hint`` tells what is possible of it.
    """

    type: ObjectType
    fields: dict[str, Field]
    lines: list[Lines]
    picks: dict[str, list[Row]] = field(default_factory=dict)


@dataclass
class Entry:
    """What stands in a form: name -> text (a list of texts for several), rows as such dicts with their ``id`` where they have one."""

    texts: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)


def offer(actor: Actor, object_type: ObjectType, record: Record | None = None) -> Offer:
    """What the actor may write of a new record or of this one in its present state."""
    action = "change" if record else "add"
    closed = object_type.locked(record) if record else frozenset()
    fields = {n: f for n, f in write.writable(actor, object_type, action).items() if n not in closed and not f.unasked and _choosable(actor, f)}
    return Offer(object_type, fields, [e for e in write.writable_lines(actor, object_type, action) if e.name not in closed and not e.apart])


def offer_of_act(actor: Actor, object_type: ObjectType, act: Act, record: Record) -> Offer:
    """The inputs of an act on this record. Cost: that of what the act offers."""
    offers = act.offers(actor, record) if act.takes else {}
    picks = {entry.name: [_pick(entry, row) for row in offers[entry.name]] for entry in act.takes if entry.name in offers}
    return Offer(object_type, {f.name: f for f in act.fields}, [*(e for e in object_type.lines if e.name in act.lines), *act.takes], picks)


def _pick(entry: Lines, row: dict[str, Any]) -> Row:
    """An offered row as texts, with its hint."""
    known = open_fields(entry)
    return {n: text_of(known[n], v) for n, v in row.items() if n in known} | {"hint": row.get("hint", "")}


def identity(entry: Lines, row: Row) -> tuple:
    """What a row of a pick refers to: tells it from the others."""
    return tuple(row.get(n) or "" for n, f in open_fields(entry).items() if f.is_reference)


def is_left_out(entry: Lines, row: Row) -> bool:
    """Whether nothing of what this row offers is wanted: its figures are empty or zero."""
    figures = [value_of(f, row.get(n, "")) for n, f in open_fields(entry).items() if f.rules.sums]
    return all(v is None or str(v).strip("0") in ("", ".") for v in figures)


def _choosable(actor: Actor, f: Field) -> bool:
    """A reference to what the actor does not see cannot be chosen, so it stays as it is."""
    target = registry.get(f.target) if f.is_reference else None
    return target is None or access.allows(actor, target, "view")


def open_fields(entry: Lines) -> dict[str, Field]:
    """The fields of a row that are typed."""
    return {n: f for n, f in entry.fields.items() if not f.readonly and not f.compute and not f.unasked}


# Reading an entry ---------------------------------------------------------------------------------------------------


def text_of(f: Field, value: Any) -> Any:
    """A value as its control holds it."""
    if f.kind in SEVERAL:
        return [str(v) for v in value or []]
    if f.kind == "yesno":
        return "true" if value else ""
    if f.rules.parts:
        return f.rules.to_parts(value)
    return f.rules.to_form(f, value)


def of_act(made: Offer, record: Record) -> Entry:
    """What the form of an act starts with: the record's own rows, and those to pick from. Cost: a query for each kind of own rows."""
    own = [entry for entry in made.lines if entry in made.type.lines]
    given = {n: text_of(f, f.rules.clean(f, f.default)) for n, f in made.fields.items() if f.default is not None}
    entry = Entry(given, of_record(Offer(made.type, {}, own), record).rows)
    entry.rows |= {name: [dict(row) for row in rows] for name, rows in made.picks.items()}
    return entry


def of_record(made: Offer, record: Record) -> Entry:
    """What a form shows of a stored record. Cost: a query for each kind of rows."""
    entry = Entry({n: text_of(f, f.value(record)) for n, f in made.fields.items() if f.kind != "secret"})
    for lines in made.lines:
        rows = columns.lines_of(lines, [record])[record.pk]
        entry.rows[lines.name] = [{"id": str(r.pk), **{n: text_of(f, f.value(r)) for n, f in open_fields(lines).items()}} for r in rows]
    return entry


def of_nothing(actor: Actor, made: Offer) -> Entry:
    """What a form for a new record starts with: defaults, the actor as owner, and his unit where one is asked for: a new user's."""
    entry = Entry()
    for name, f in made.fields.items():
        if f.default is not None:
            entry.texts[name] = text_of(f, f.rules.clean(f, f.default))
        elif f.kind == "user" and not f.custom and f.attname == made.type.owner and actor.id:
            entry.texts[name] = str(actor.id)
        elif f.is_reference and not f.custom and f.attname == made.type.unit and actor.unit_id:
            entry.texts[name] = str(actor.unit_id)
    return entry


def of_form(made: Offer, sent: Sent) -> Entry:
    """What was typed. A form that shows every field says ``whole``: what a browser leaves out then is an empty box or list."""
    whole, entry = "whole" in sent, Entry()
    for name, f in made.fields.items():
        if f.kind in SEVERAL:
            if name in sent or whole:
                entry.texts[name] = [v for v in sent.getlist(name) if v]
        elif f.rules.parts:
            if any(f"{name}.{part}" in sent for part in f.rules.parts):
                entry.texts[name] = {part: sent.get(f"{name}.{part}", "").strip() for part in f.rules.parts}
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
    if not (f.is_reference or f.kind in ("anyref", "refnew", *files.KINDS)):
        return []
    found = []
    for one in text if isinstance(text, list) else [text or ""]:
        slug, _colon, ident = one.rpartition(":") if f.kind == "anyref" else (files.SLUG if f.kind in files.KINDS else f.target, ":", one)
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
    """What ``write.act`` takes: inputs that were filled in, and rows, all of them where they are offered.

    Of rows to pick from only those wanted; a form that showed some and wants none is refused, since an act that is told
    nothing may take that for everything. Errors: RuleError.
    """
    data = {n: value_of(f, entry.texts[n]) for n, f in made.fields.items() if n in entry.texts}
    data = {n: v for n, v in data.items() if v not in (None, [])}
    for lines in made.lines:
        own = lines in made.type.lines
        if not own and lines.name not in entry.rows:
            continue
        rows = entry.rows.get(lines.name, stored.rows.get(lines.name, []) if own else [])
        if lines.name in made.picks:
            rows = [row for row in rows if not is_left_out(lines, row)]
            if not rows and made.picks[lines.name]:
                raise RuleError({lines.name: [_("Nothing is chosen: enter more than zero in at least one row.")]})
        if own or rows:
            data[lines.name] = [_row(lines, r) for r in rows]
    return data


def sent_positions(made: Offer, entry: Entry, errors: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Errors named by the place of a row among those sent, named by its place in the form: rows left out were not sent."""
    places = {
        lines.name: [i for i, row in enumerate(entry.rows.get(lines.name, [])) if not is_left_out(lines, row)]
        for lines in made.lines if lines.name in made.picks
    }  # fmt: skip
    renamed = {}
    for name, sentences in errors.items():
        head, _dot, rest = name.partition(".")
        index, _dot, part = rest.partition(".")
        at = places.get(head, [])
        moved = index.isdigit() and int(index) < len(at)
        renamed[f"{head}.{at[int(index)]}.{part}" if moved else name] = sentences
    return renamed


def same(f: Field, typed: Any, shown: Any) -> bool:
    if f.kind in SEVERAL:
        return set(typed or []) == set(shown or [])
    if f.rules.parts:
        return (typed or {}) == (shown or f.rules.to_parts(None))
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
    if f.rules.parts:
        return {part: typed for part, typed in (text or {}).items() if typed} or None
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
