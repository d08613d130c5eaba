"""A list as a CSV or XLSX file: all that matches, as its reader sees it, streamed. API and pages send it; reading files in is ``core.transfer``.

The file is made in a snapshot of its own, since it outlives the request that asked for it; memory stays constant.
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache, partial
from typing import Any

from django.utils import translation

from core import access, context, query, read, sql, workbooks
from core.access import Actor
from core.models import User
from core.query import Listing
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


def stream(user: User, object_type: ObjectType, wanted: Listing, only: Iterable[str] = (), as_read: bool = False) -> Iterator[bytes]:
    """The file in pieces of a thousand rows; call ``demand`` before.

    ``as_read`` gives labels and values as pages show them; otherwise headings are keys, values those of the API, and each
    reference has its id in its own column and its name in ``<key>.label``. Cost: a query for each piece, and its labels.
    """
    language = translation.get_language()  # of who asks: the pieces are made when the middleware is left
    return _pieces(user, object_type, wanted, tuple(only), as_read, language)


def _pieces(user: User, object_type: ObjectType, wanted: Listing, only: tuple, as_read: bool, language: str | None) -> Iterator[bytes]:
    with sql.snapshot(), context.remembering(), translation.override(language):
        actor = access.actor_for(user)
        columns = columns_of(actor, object_type, only)
        yield BOM + _lines([[safe(name) for name in _heads(columns, as_read)]])
        for rows in _rows(actor, object_type, wanted, columns, partial(_texts, as_read=as_read)):
            yield _lines(rows)


def _lines(rows: Iterable[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def workbook(user: User, object_type: ObjectType, wanted: Listing, only: Iterable[str] = (), as_read: bool = False) -> Iterator[bytes]:
    """The same as an XLSX file: numbers, days and times are such, times in the company's zone; percents and yes or no as well.

    Cost: as of ``stream``; no piece comes before the last record was read.
    """
    return _workbook(user, object_type, wanted, tuple(only), as_read, translation.get_language())


def _workbook(user: User, object_type: ObjectType, wanted: Listing, only: tuple, as_read: bool, language: str | None) -> Iterator[bytes]:
    with sql.snapshot(), context.remembering(), translation.override(language):
        actor = access.actor_for(user)
        columns = columns_of(actor, object_type, only)
        rows = (row for some in _rows(actor, object_type, wanted, columns, partial(_cells, as_read=as_read)) for row in some)
        yield from workbooks.pieces(_heads(columns, as_read), rows, str(object_type.plural))


def _heads(columns: dict[str, Field], as_read: bool) -> list[str]:
    if as_read:
        return [str(f.label) for f in columns.values()]
    return [key for name, f in columns.items() for key in ((name, f"{name}.label") if _is_named(f) else (name,))]


# Rows ---------------------------------------------------------------------------------------------------------------

Make = Callable[[Any], Any]  # of a field's value as its reader sees it, a cell


def _rows(actor: Actor, object_type: ObjectType, wanted: Listing, columns: dict[str, Field], cells: Callable[[Field], list[Make]]) -> Iterator[list[list]]:
    """The rows of the file, so many at a time. What is stored as it is shown is read without making records of it."""
    wanted = replace(wanted, cursor="", sums=())
    if object_type.rows or object_type.redact or wanted.as_of or not all(map(_is_stored, columns.values())):
        makers = [(name, make) for name, f in columns.items() for make in cells(f)]
        for records in query.chunks(actor, object_type, wanted):
            yield [[make(one.values[name]) for name, make in makers] for one in read.present(actor, object_type, records, only=columns)]
        return
    paths = list(dict.fromkeys(map(_path, columns.values())))
    names, held = _Names(actor), []
    for f in columns.values():
        get = names.of(f) if _is_named(f) else None
        held += [(paths.index(_path(f)), _through(f, get, make)) for make in cells(f)]
    pointing = [(paths.index(_path(f)), f) for f in columns.values() if _is_named(f)]
    for rows in query.chunks(actor, object_type, wanted, AT_ONCE, paths):
        names.look_up(pointing, rows)
        yield [[make(row[place]) for place, make in held] for row in rows]


def _is_stored(f: Field) -> bool:
    """Whether a column of the record, or its ``custom``, holds the very value that is shown."""
    return not f.compute and f.expression is None and f.kind not in ("refs", "anyref", "file", "image")


def _path(f: Field) -> str:
    return "custom" if f.custom else f.attname


def _held(f: Field, custom: dict[str, Any]) -> Any:
    stored = custom.get(f.name)
    return f.rules.empty if stored is None else f.rules.from_json(f, stored)


def _through(f: Field, get: Callable[[Any], Any] | None, make: Make) -> Make:
    """From what stands in the column to the cell."""
    if f.custom and get:
        return lambda custom: make(get(_held(f, custom)))
    if f.custom:
        return lambda custom: make(_held(f, custom))
    return (lambda ident: make(get(ident))) if get else make


class _Names:
    """The references of a file by the ids they have, each looked up once while not too many are known."""

    def __init__(self, actor: Actor):
        self.actor = actor
        self.known: dict[str, dict[Any, Ref | None]] = defaultdict(lambda: {None: None})

    def of(self, f: Field) -> Callable[[Any], Ref | None]:
        return lambda ident: self.known[f.target][ident]

    def look_up(self, pointing: list[tuple[int, Field]], rows: list[tuple]) -> None:
        """Cost: one query for each type referred to of which new ones came."""
        if sum(map(len, self.known.values())) > KNOWN:
            self.known.clear()
        wanted: dict[str, set] = defaultdict(set)
        for place, f in pointing:
            wanted[f.target].update({_held(f, row[place]) for row in rows} if f.custom else {row[place] for row in rows})
        for slug, idents in wanted.items():
            fresh = idents - self.known[slug].keys()
            found = read.labels(self.actor, {slug: fresh}).get(slug, {}) if fresh else {}
            self.known[slug] |= {ident: Ref(ident, found.get(ident, ""), slug, ident in found) for ident in fresh}


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
        return [lambda value: safe(_text(f, value))]
    return [_remembering(f, lambda value: safe(_as_read(f, value)))]


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
