"""Queries of every request, put into words once in a process: Django takes up to a millisecond to word one, again each time.

What stands in a prepared query besides its values is the same for every company and everyone who asks; what is not, its key has to tell.
"""

from collections.abc import Callable, Iterable
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler

from core import context

TOGETHER = "asked together"  # in the memory of a use-case: what is there for who asks it next


class Bent(ValueError):
    """A value is made another on its way into the query, so the query cannot be put into words without it."""


class Prepared:
    """A query worded once: afterwards only its values differ. ``make`` is given a mark of its kind in place of each: a UUID, a date or a text.

    A mark is one nobody else holds, of a day by being itself, so nothing that stands in the query is ever taken for one; an id may be read from its text
    on its way, and is the same; a text may be looked for within others. No value is nothing: that is another query.
    It reaches the schema that is bound when it is sent, as every statement does. Cost: a tenth of what Django takes to word it.
    """

    def __init__(self, make: Callable[..., models.QuerySet], *like: UUID | date | str):
        self._make, self.marks = make, tuple(_own(one) for one in like)
        self._worded: tuple[str, list, list, dict] | None = None
        self._build: Callable[[list], models.Model] | None = None
        self._text: str | None = None

    def words(self) -> tuple[str, list, list, dict]:
        """The text, what is sent along with it, where in that the values stand, and how columns become what Python holds. Errors: Bent.

        No text where nothing can ever be found.
        """
        if self._worded is None:
            query = self._make(*self.marks).query
            compiler = query.get_compiler(connection.alias)
            try:
                text, params = compiler.as_sql()
            except EmptyResultSet:  # whatever the values
                text, params = "", ()
            places = [(place, n, way) for place, p in enumerate(params) for n, mark in enumerate(self.marks) if (way := _way(p, mark)) is not None]
            held = {place for place, *_way in places}
            if any(p in self.marks for place, p in enumerate(params) if place not in held and isinstance(p, str | UUID | date)):
                raise Bent(text)
            converters = compiler.get_converters([column for column, *_rest in compiler.select[: compiler.col_count]]) if text else {}
            self._build = _builder(compiler) if text and compiler.klass_info else None
            self._worded = text, list(params), places, converters
        return self._worded

    def rows(self, *values: object) -> list[list]:
        """What it finds with these values: of each row its columns, as Python holds them."""
        text, _params, _places, converters = self.words()
        if None in values or len(values) != len(self.marks):
            raise ValueError(f"{len(self.marks)} values, none of them nothing, for: {text}")
        if not text:
            return []
        found = context.memo().get(TOGETHER, {}).pop((self, values), None)
        if found is None:
            with connection.cursor() as cursor:
                cursor.execute(self.sent(), self.params(values))
                found = cursor.fetchall()
        found = [list(row) for row in found]
        for place, (steps, expression) in converters.items():
            is_json = isinstance(expression.output_field, models.JSONField)
            for row in found:
                if is_json and row[place] == "{}":  # as most of what a company adds of its own
                    row[place] = {}
                    continue
                for step in steps:
                    row[place] = step(row[place], expression, connection)
        return found

    def params(self, values: tuple) -> list:
        """What is sent along with ``sent`` for these values."""
        return [way(values[n]) for _place, n, way in self.words()[2]]

    def sent(self) -> str:
        """The statement with a place for each value alone, which the server may keep with its plan."""
        if self._text is None:
            text, params, places, _converters = self.words()
            self._text = connection.kept(text, params, [place for place, *_rest in places])
        return self._text

    def records(self, *values: object) -> list[models.Model]:
        """What it finds as records, where it asks for all columns of a model, with those it selects along."""
        found = self.rows(*values)
        return [self._build(row) for row in found]


Asked = tuple[Prepared, tuple]  # a query and its values


def ask_together(asked: Iterable[Asked]) -> None:
    """Ask these in one message, in their order; who asks for one of them next finds its answer there, once.

    A way to the server and back costs as much as to find the rows of a record. Nothing is asked twice, nor outside of a use-case, which has no memory,
    and what is written forgets what nobody asked for yet (``forget``). Cost: one query, none for fewer than two.
    """
    if not context.is_remembering():
        return
    held = context.memo().setdefault(TOGETHER, {})
    new = [one for one in dict.fromkeys(asked) if one not in held and one[0].words()[0]]
    if len(new) < 2:
        return
    with connection.cursor() as cursor:
        cursor.execute(connection.in_one_message([query.sent() for query, _values in new]), [p for query, values in new for p in query.params(values)])
        for place, one in enumerate(new):
            if place:
                cursor.nextset()
            held[one] = cursor.fetchall()


def forget() -> None:
    """Something is written: what was asked together before is no longer what it was."""
    if held := context.memo().get(TOGETHER):
        held.clear()


def _own(like: UUID | date | str) -> UUID | date | str:
    """A mark that nobody else holds: a UUID or text that never was, or the same day."""
    if isinstance(like, UUID):
        return uuid4()
    return date.fromordinal(like.toordinal()) if isinstance(like, date) else uuid4().hex


def _way(param: object, mark: UUID | date | str) -> Callable[[Any], Any] | None:
    """How a value comes to stand where its mark does; none where that is no mark. Days are equal to many, and known by being themselves alone."""
    if param is mark or (isinstance(mark, UUID) and isinstance(param, UUID) and param == mark):
        return _itself
    if isinstance(mark, str) and isinstance(param, str):
        return {f"%{mark}%": _contained, f"{mark}%": _begun}.get(param)
    return None


def _itself(value: Any) -> Any:
    return value


def _contained(value: str) -> str:
    return f"%{connection.ops.prep_for_like_query(value)}%"


def _begun(value: str) -> str:
    return f"{connection.ops.prep_for_like_query(value)}%"


def _builder(compiler: SQLCompiler) -> Callable[[list], models.Model]:
    """What makes a record, with what was asked beside it and those selected along, of a row; as Django itself does."""
    info, beside = compiler.klass_info, compiler.annotation_col_map.items()
    start, end = info["select_fields"][0], info["select_fields"][-1] + 1
    names = [column.target.attname for column, *_rest in compiler.select[start:end]]
    alias = connection.alias
    model, along = info["model"], get_related_populators(info, compiler.select, alias)

    def build(row: list) -> models.Model:
        record = model.from_db(alias, names, row[start:end])
        for one in along:
            one.populate(row, record)
        for name, place in beside:
            setattr(record, name, row[place])
        return record

    return build


def listed(ids: Iterable[UUID]) -> str:
    """Ids as the one value that a query ``among`` them is given. Their digits alone take a third of the time of their usual form."""
    return f"{{{','.join([ident.hex if isinstance(ident, UUID) else str(ident) for ident in ids])}}}"


@cache
def by_id(model: type[models.Model], *names: str) -> Prepared:
    """The rows of some ids: records, or the id and these columns."""

    def make(ids: str) -> models.QuerySet:
        rows = model._default_manager.filter(pk__among=ids).order_by()
        return rows.values_list("pk", *names) if names else rows

    return Prepared(make, "ids")


def in_bulk(model: type[models.Model], ids: Iterable[UUID | None]) -> dict[UUID, Any]:
    """Id -> record, of those there are. Cost: one query, none for no ids."""
    wanted = {ident for ident in ids if ident is not None}
    return {record.pk: record for record in by_id(model).records(listed(wanted))} if wanted else {}


def columns(model: type[models.Model], ids: Iterable[UUID | None], *names: str) -> dict[UUID, tuple]:
    """Id -> these columns, of those there are. Cost: one query, none for no ids."""
    wanted = {ident for ident in ids if ident is not None}
    return {pk: tuple(values) for pk, *values in by_id(model, *names).rows(listed(wanted))} if wanted else {}


@cache
def children(model: type[models.Model], parent: str) -> Prepared:
    """The rows of a kind of lines of some records, in their order."""
    return Prepared(lambda ids: model._default_manager.filter(**{f"{parent}__among": ids}).order_by("position", "pk"), "ids")
