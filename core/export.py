"""A list as a CSV or XLSX file: all that matches, as its reader sees it, streamed. API and pages send it; reading files in is ``core.transfer``.

The file is made in a snapshot of its own, since it outlives the request that asked for it; memory stays constant.
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

from django.db.models import DateTimeField, F, Func, TextField, Value
from django.utils import translation

from core import access, context, door, query, read, workbooks
from core.access import Actor
from core.listings import Listing
from core.models import User
from core.read import Ref
from core.registry import Field, ObjectType

BOM = b"\xef\xbb\xbf"  # spreadsheet programs take a file without it for one in the old encoding of their country
FORMULA = re.compile("[\\s\x00-\x1f\x7f\u200b-\u200f\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\\s\x00-\x1f]*[\t\r]")
AT_ONCE = 2000  # rows that are read and written together
KNOWN = 50_000  # references whose names are remembered
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


def columns_of(actor: Actor, object_type: ObjectType, only: Iterable[str] = ()) -> dict[str, Field]:
    """The fields a file has a column for: those the actor sees, all of them or the named ones in their order."""
    seen = {n: f for n, f in access.fields(actor, object_type).items() if f.kind != "secret" and not f.is_looked_up}
    return {n: seen[n] for n in only if n in seen} if only else seen


def demand(actor: Actor, object_type: ObjectType, wanted: Listing) -> None:
    """Refuse now what could not be refused once the file has begun. Cost: one query."""
    access.demand(actor, object_type, "export")
    query.page(actor, object_type, replace(wanted, limit=1, cursor="", count=False, sums=()))


def stream(
    user: User, object_type: ObjectType, wanted: Listing, only: Iterable[str] = (), as_read: bool = False, lines: bool = False
) -> Iterator[bytes]:  # fmt: skip
    """The file in pieces of a thousand rows; call ``demand`` before.

    ``as_read`` gives labels and values as pages show them; otherwise headings are keys, values those of the API, and each
    reference has its id in its own column and its name in ``<key>.label``. With ``lines`` it is what an import takes: see ``_whole``.
    Cost: a query for each piece, and its labels.
    """
    language = translation.get_language()  # of who asks: the pieces are made when the middleware is left
    return _pieces(user, object_type, wanted, tuple(only), as_read, lines, language)


def _pieces(user: User, object_type: ObjectType, wanted: Listing, only: tuple, as_read: bool, lines: bool, language: str | None) -> Iterator[bytes]:
    with door.snapshot(), translation.override(language):
        heads, rows = _table(access.actor_for(user), object_type, wanted, only, as_read, lines, _texts)
        yield BOM + _written([[safe(head) for head in heads]])
        for some in rows:
            yield _written(some)


def _table(
    actor: Actor, object_type: ObjectType, wanted: Listing, only: tuple, as_read: bool, lines: bool, cells: Callable[[Field, bool], list["Make"]]
) -> tuple[list[str], Iterator[Iterable]]:  # fmt: skip
    """The headings of the file, and its rows, so many at a time."""
    if lines:
        return _whole(actor, object_type, wanted, as_read, cells)
    columns = columns_of(actor, object_type, only)
    return _heads(columns, as_read), _rows(actor, object_type, wanted, columns, partial(cells, as_read=as_read))


def _written(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def workbook(
    user: User, object_type: ObjectType, wanted: Listing, only: Iterable[str] = (), as_read: bool = False, lines: bool = False
) -> Iterator[bytes]:  # fmt: skip
    """The same as an XLSX file: numbers, days and times are such, times in the company's zone; percents and yes or no as well.

    Cost: as of ``stream``; no piece comes before the last record was read.
    """
    return _workbook(user, object_type, wanted, tuple(only), as_read, lines, translation.get_language())


def _workbook(user: User, object_type: ObjectType, wanted: Listing, only: tuple, as_read: bool, lines: bool, language: str | None) -> Iterator[bytes]:
    with door.snapshot(), translation.override(language):
        heads, rows = _table(access.actor_for(user), object_type, wanted, only, as_read, lines, _cells)
        yield from workbooks.pieces(heads, (row for some in rows for row in some), str(object_type.plural))


def _heads(columns: dict[str, Field], as_read: bool) -> list[str]:
    if as_read:
        return [str(f.label) for f in columns.values()]
    return [key for name, f in columns.items() for key in ((name, f"{name}.label") if _is_named(f) else (name,))]


# Rows ---------------------------------------------------------------------------------------------------------------

Make = Callable[[Any], Any]  # of a field's value as its reader sees it, a cell


def _rows(actor: Actor, object_type: ObjectType, wanted: Listing, columns: dict[str, Field], cells: Callable[[Field], list[Make]]) -> Iterator[Iterable]:
    """The rows of the file, so many at a time. What is stored as it is shown is read without making records of it."""
    wanted = replace(wanted, cursor="", sums=())
    if object_type.rows or object_type.redact or wanted.as_of or not all(map(_is_stored, columns.values())):
        makers = [(name, make) for name, f in columns.items() for make in cells(f)]
        for records in query.chunks(actor, object_type, wanted):
            yield [[make(one.values[name]) for name, make in makers] for one in read.present(actor, object_type, records, only=columns)]
        return
    made = [(f, cells(f)) for f in columns.values()]
    sources = {_source(f, makers): None for f, makers in made}
    held = [(list(sources).index(_source(f, makers)), f, makers) for f, makers in made]
    names, asked = _Names(actor), [_worded(path) if by_database else path for path, by_database in sources]
    for rows in query.chunks(actor, object_type, wanted, AT_ONCE, asked):
        stored = list(zip(*rows, strict=True))
        pointing = {f.name: _idents(f, stored[at]) for at, f, _makers in held if _is_named(f)}
        names.look_up((f.target, pointing[f.name]) for _at, f, _makers in held if f.name in pointing)
        yield zip(*(column for at, f, makers in held for column in _cells_of(f, makers, stored[at], pointing.get(f.name), names)), strict=True)


def _cells_of(f: Field, makers: list[Make], stored: Sequence[Any], idents: list[int | None] | None, names: "_Names") -> Iterator[Iterable[Any]]:
    """The columns of a field, each for all rows at once: a call for each cell would take most of the time."""
    for make in makers:
        if idents is not None:  # the same few are referred to again and again
            worded = {ident: make(names.known[f.target][ident]) for ident in set(idents)}
            yield [worded[ident] for ident in idents]
        elif f.custom:
            yield [make(_held(f, custom)) for custom in stored]
        elif make is _harmless:
            yield ["" if not text else text if text[0].isalnum() or _is_phone(text) else safe(text) for text in stored]
        elif isinstance(make, _Moment):
            yield [text and text.replace(".000000Z", "Z") for text in stored]
        else:
            yield map(make, stored)


def _is_phone(text: str) -> bool:
    return text[0] == "+" and text[1:].isdigit() and text.isascii()


def _source(f: Field, makers: list[Make]) -> tuple[str, bool]:
    """The column in which a field's values stand, and whether the database words them."""
    return "custom" if f.custom else f.attname, not f.custom and isinstance(makers[0], _Moment)


def _worded(path: str) -> Func:
    """A moment as the API has it, but for the zeros of a whole second: as Python words it that takes a third of the time of a file."""
    there = Func(Value("UTC"), F(path), function="TIMEZONE", output_field=DateTimeField())
    return Func(there, Value('YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), function="TO_CHAR", output_field=TextField())


def _is_stored(f: Field) -> bool:
    """Whether a column of the record, or its ``custom``, holds the very value that is shown."""
    return not f.compute and f.expression is None and f.kind not in ("refs", "anyref", "file", "image")


def _held(f: Field, custom: dict[str, Any]) -> Any:
    stored = custom.get(f.name)
    return f.rules.empty if stored is None else f.rules.from_json(f, stored)


def _idents(f: Field, stored: Sequence[Any]) -> list[int | None]:
    """What these rows refer to, as numbers, which are found faster than ids."""
    return [None if ident is None else ident.int for ident in ((_held(f, custom) for custom in stored) if f.custom else stored)]


class _Names:
    """The references of a file by the numbers of their ids, each looked up once while not too many are known."""

    def __init__(self, actor: Actor):
        self.actor = actor
        self.known: dict[str, dict[int | None, Ref | None]] = defaultdict(lambda: {None: None})

    def look_up(self, pointing: Iterable[tuple[str, list[int | None]]]) -> None:
        """Cost: one query for each type referred to of which new ones came."""
        if sum(map(len, self.known.values())) > KNOWN:
            self.known.clear()
        wanted: dict[str, set[int | None]] = defaultdict(set)
        for slug, idents in pointing:
            wanted[slug].update(idents)
        for slug, idents in wanted.items():
            fresh = {UUID(int=ident) for ident in idents - self.known[slug].keys()}
            found = read.labels(self.actor, {slug: fresh}).get(slug, {}) if fresh else {}
            self.known[slug] |= {ident.int: Ref(ident, found.get(ident, ""), slug, ident in found) for ident in fresh}


def _with_lines(actor: Actor, object_type: ObjectType) -> dict[str, dict[str, Field]]:
    """The fields of each kind of lines that an import takes, of those this reader sees."""
    return {entry.name: _given(entry.fields) for entry in access.lines(actor, object_type) if object_type.writable}


def _given(fields: dict[str, Field]) -> dict[str, Field]:
    return {n: f for n, f in fields.items() if not (f.readonly or f.compute or f.is_looked_up or f.kind in ("secret", "file", "image"))}


def _whole(
    actor: Actor, object_type: ObjectType, wanted: Listing, as_read: bool, cells: Callable[[Field, bool], list[Make]]
) -> tuple[list[str], Iterator[list[list]]]:  # fmt: skip
    """Records with their lines as an import takes them: all that may be written, exactly, each reference by its name.

    A row for each line; the first has the head, which begins with the id, so that no two records that say the same become one.
    """
    seen = access.fields(actor, object_type)
    columns, inner = {"id": seen["id"]} | _given(seen), _with_lines(actor, object_type)
    labels = {entry.name: entry.label for entry in object_type.lines}
    heads = [str(f.label) if as_read else name for name, f in columns.items()]
    heads += [f"{labels[name]}: {f.label}" if as_read else f"{name}.{n}" for name, fields in inner.items() for n, f in fields.items()]
    return heads, _grouped(actor, object_type, replace(wanted, cursor="", sums=()), columns, inner, cells)


def _grouped(
    actor: Actor, object_type: ObjectType, wanted: Listing, columns: dict[str, Field], inner: dict[str, dict[str, Field]], cells: Callable
) -> Iterator[list[list]]:  # fmt: skip
    parts = [(name, [(f, _exactly(f, cells)) for f in fields.values()]) for name, fields in (("", columns), *inner.items())]
    for records in query.chunks(actor, object_type, wanted):
        rows = []
        for one in read.present(actor, object_type, records, only=columns, with_lines=True):
            for at in range(max([1, *(len(one.lines[name]) for name in inner)])):
                shown = [(([one] if not name else one.lines[name])[at : at + 1], makers) for name, makers in parts]
                rows.append([make(found[0].values[f.name] if found else f.rules.empty) for found, makers in shown for f, make in makers])
        yield rows


def _exactly(f: Field, cells: Callable[[Field, bool], list[Make]]) -> Make:
    """The one cell of a field from which an import makes the same value again."""
    make = cells(f, as_read=_is_named(f))[0]
    return make if f.kind != "anyref" else lambda value: make(value and replace(value, label=f"{value.slug}:{value.label}"))


# Cells --------------------------------------------------------------------------------------------------------------


def _texts(f: Field, as_read: bool) -> list[Make]:
    """The cells of a field in a file of text: of a reference its id and its name. Numbers stay plain, so that a spreadsheet can add them up."""
    if f.rules.sums:
        return [partial(_text, f)]
    if _is_named(f):
        return [_name] if as_read else [partial(_addresses, f), _name]
    if _is_plain(f):
        return [_harmless]
    if not as_read:
        return [_id if f.name == "id" else _Moment(f) if f.kind == "datetime" else lambda value: _harmless(_text(f, value))]
    return [_remembering(f, lambda value: safe(_as_read(f, value)))]


def _id(value: UUID | None) -> str:
    return str(value) if value else ""


class _Moment:
    """The cell of a moment as the API has it. Those of a column the database words."""

    def __init__(self, field: Field):
        self.field = field

    def __call__(self, value: datetime | None) -> str:
        return _text(self.field, value)


def _cells(f: Field, as_read: bool) -> list[Make]:
    """The same in a workbook: each a value, and how it is shown."""
    if _is_named(f):
        return [_named] if as_read else [lambda value: (_addresses(f, value), ""), _named]
    if _is_plain(f):
        return [lambda value: (value, "")]
    text = _remembering(f, partial(_as_read, f)) if as_read else partial(_text, f)
    return [partial(_cell, f, text)]


def _named(value: Any) -> tuple[str, str]:
    return ", ".join(ref.label for ref in _refs(value)), ""


def _cell(f: Field, text: Make, value: Any) -> tuple[Any, str]:
    if isinstance(value, datetime):
        here = value.astimezone(context.company().zone)
        return (here if not here.microsecond else f.rules.to_json(f, value)), "datetime"
    return (value, f.kind) if isinstance(value, bool | date) or f.rules.sums else (text(value), "")


def _is_named(f: Field) -> bool:
    return f.name != "id" and (f.is_reference or f.kind in ("anyref", "file", "image"))


def _is_plain(f: Field) -> bool:
    """Whether pages and the API show the very text that is stored."""
    return f.kind in ("text", "longtext", "email", "phone", "url", "barcode", "autonumber") and not f.options


def _remembering(f: Field, make: Make) -> Make:
    """Days, choices and the like come again and again, and take long to be worded. A page shows no seconds."""
    if f.kind not in ("date", "datetime", "choice", "code", "yesno"):
        return make
    worded = lru_cache(maxsize=4096)(make)
    return (lambda value: worded(value and value.replace(second=0, microsecond=0))) if f.kind == "datetime" else worded


def _refs(value: Any) -> list[Ref]:
    return value if isinstance(value, list) else [value] if value else []


def _name(value: Any) -> str:
    return safe(", ".join(ref.label for ref in _refs(value)))


def _addresses(f: Field, value: Any) -> str:
    return ",".join(f"{ref.slug}:{ref.id}" if f.kind == "anyref" else str(ref.id) for ref in _refs(value))


def _as_read(f: Field, value: Any) -> str:
    """The value as pages show it."""
    return f.rules.text(f, value)


def _text(f: Field, value: Any) -> str:
    """The value as the API has it, in one text."""
    given = f.rules.to_json(f, value)
    if type(given) is str:
        return given
    if given is None:
        return ""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, list) and f.rules.empty == []:
        return ",".join(given)
    return f.rules.to_form(f, value) if isinstance(given, list | dict) and not f.rules.sums else str(given)


def _harmless(text: str | None) -> str:
    return "" if not text else text if text[0].isalnum() else safe(text)


def safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe before what begins like one (F-07). Numbers stay numbers."""
    return f"'{text}" if FORMULA.match(text.lstrip("'")) and not NUMBER.fullmatch(text) else text


FORMS = {"csv": (stream, "text/csv; charset=utf-8"), "xlsx": (workbook, workbooks.TYPE)}  # how a file is made, and what it is
FORMS |= {f"{form}_lines": (partial(made, lines=True), media) for form, (made, media) in FORMS.items()}  # with a row for each line


def forms_of(actor: Actor, object_type: ObjectType) -> dict[str, tuple[Callable[..., Iterator[bytes]], str]]:
    """The sorts of files this actor may have of a type: of what has no lines none with them."""
    if not access.allows(actor, object_type, "export"):
        return {}
    return {name: form for name, form in FORMS.items() if not name.endswith("_lines") or _with_lines(actor, object_type)}


def file_name(object_type: ObjectType, form: str) -> str:
    """Says whose records they are."""
    return f"{object_type.slug}-{context.company().subdomain}.{form.removesuffix('_lines')}"
