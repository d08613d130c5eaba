"""A list as a CSV or XLSX file: all that matches, as its reader sees it, streamed. API and pages send it; reading files in is ``core.transfer``.

The file is made in a snapshot of its own, since it outlives the request that asked for it; memory stays constant.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from django.utils import translation

from core import access, context, query, read, sql, workbooks
from core.access import Actor
from core.models import User
from core.query import Listing
from core.read import Ref, Shown
from core.registry import Field, ObjectType

BOM = b"\xef\xbb\xbf"  # spreadsheet programs take a file without it for one in the old encoding of their country
FORMULA = re.compile("[\\s\x00-\x1f\x7f\u200b-\u200f\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\\s\x00-\x1f]*[\t\r]")
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


class _Line:
    """Where a csv writer writes: it hands each line on instead of keeping it."""

    def write(self, text: str) -> str:
        return text


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
        writer = csv.writer(_Line(), lineterminator="\r\n")
        heading = [str(f.label) for f in columns.values()] if as_read else _keys(columns)
        yield BOM + writer.writerow(safe(name) for name in heading).encode()
        for records in query.chunks(actor, object_type, replace(wanted, cursor="", sums=())):
            shown = read.present(actor, object_type, records, only=columns)
            row = _row_as_read if as_read else _row
            yield "".join(writer.writerow(row(one, columns)) for one in shown).encode("utf-8", "replace")


def workbook(user: User, object_type: ObjectType, wanted: Listing, only: Iterable[str] = (), as_read: bool = False) -> Iterator[bytes]:
    """The same as an XLSX file: numbers, days and times are such, times in the company's zone; percents and yes or no as well.

    Cost: as of ``stream``; no piece comes before the last record was read.
    """
    return _workbook(user, object_type, wanted, tuple(only), as_read, translation.get_language())


def _workbook(user: User, object_type: ObjectType, wanted: Listing, only: tuple, as_read: bool, language: str | None) -> Iterator[bytes]:
    with sql.snapshot(), context.remembering(), translation.override(language):
        actor = access.actor_for(user)
        columns = columns_of(actor, object_type, only)
        heading = [str(f.label) for f in columns.values()] if as_read else _keys(columns)
        shown = (one for records in query.chunks(actor, object_type, replace(wanted, cursor="", sums=()))
                 for one in read.present(actor, object_type, records, only=columns))  # fmt: skip
        yield from workbooks.pieces(heading, (_cells(one, columns, as_read) for one in shown), str(object_type.plural))


def _cells(shown: Shown, columns: dict[str, Field], as_read: bool) -> Iterator[tuple[Any, str]]:
    for name, f in columns.items():
        value = shown.values[name]
        if _is_named(f):
            refs = value if isinstance(value, list) else [value] if value else []
            if not as_read:
                yield ",".join(_address(f, ref) for ref in refs), ""
            yield ", ".join(ref.label for ref in refs), ""
        elif isinstance(value, datetime):
            here = value.astimezone(context.company().zone)
            yield (here if not here.microsecond else f.rules.to_json(f, value)), "datetime"
        elif isinstance(value, bool | date) or f.rules.sums:
            yield value, f.kind
        else:
            yield (shown.text(name) if as_read else _text(f, value)), ""


def _is_named(f: Field) -> bool:
    return f.name != "id" and (f.is_reference or f.kind in ("anyref", "file", "image"))


def _keys(columns: dict[str, Field]) -> list[str]:
    return [key for name, f in columns.items() for key in ((name, f"{name}.label") if _is_named(f) else (name,))]


def _row(shown: Shown, columns: dict[str, Field]) -> list[str]:
    cells = []
    for name, f in columns.items():
        value = shown.values[name]
        if _is_named(f):
            refs = value if isinstance(value, list) else [value] if value else []
            cells += [",".join(_address(f, ref) for ref in refs), safe(", ".join(ref.label for ref in refs))]
        else:
            cells.append(_cell(f, value))
    return cells


def _address(f: Field, ref: Ref) -> str:
    return f"{ref.slug}:{ref.id}" if f.kind == "anyref" else str(ref.id)


def _cell(f: Field, value: Any) -> str:
    text = _text(f, value)
    return text if f.rules.sums else safe(text)


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


def _row_as_read(shown: Shown, columns: dict[str, Field]) -> list[str]:
    """Numbers stay plain, so that a spreadsheet can add them up; all else as pages show it."""
    return [_cell(f, shown.values[name]) if f.rules.sums else safe(shown.text(name)) for name, f in columns.items()]


def safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe before what begins like one (F-07). Numbers stay numbers."""
    return f"'{text}" if FORMULA.match(text.lstrip("'")) and not NUMBER.fullmatch(text) else text


FORMS = {"csv": (stream, "text/csv; charset=utf-8"), "xlsx": (workbook, workbooks.TYPE)}  # how a file is made, and what it is
