"""What records come to by the values that most questions tell them apart by, read from a few hundred rows in place of all records.

A type names such a table (``core.models.summary``). Triggers keep it in the transaction that changes a record, so in every snapshot it says what the
records say; the doctor compares both. A question takes it where it asks for nothing but its columns, else the records themselves.
"""

from collections.abc import Iterator
from typing import Any

from django.db.models import Aggregate, Count, F, IntegerField, QuerySet, Sum
from django.db.models.expressions import Col, RawSQL, Star
from django.db.models.functions import Coalesce
from django.db.models.lookups import IsNull
from django.db.models.sql.datastructures import BaseTable
from django.db.models.sql.query import Query
from django.db.models.sql.where import AND

from core.models.summary import Summary
from core.registry import ObjectType

UNARCHIVED = "archived_at"
UNKNOWN = ""  # what is no column by itself


def added(object_type: ObjectType, rows: QuerySet, asked: dict[str, Aggregate]) -> QuerySet:
    """Groups of records with what is asked of each, read from the type's summary where that tells it. Cost: none until used."""
    summary = object_type.summary
    if summary is None or not all(_is_counted(summary, one) for one in asked.values() if isinstance(one, Count)):
        return rows.annotate(**asked)
    table = rows.model._meta.db_table
    told = rows.annotate(**{name: _of_several(summary, table, one) for name, one in asked.items()})
    if not _tells(summary, told.query):
        return rows.annotate(**asked)
    told.query.where.children[:] = [test for test in told.query.where.children if not _is_unarchived(test)]
    told.query.alias_map[table] = _Folded(summary, table)
    return told


def _is_counted(summary: type[Summary], one: Count) -> bool:
    """Whether it counts records: all, or those with a value that each has."""
    [what] = one.get_source_expressions()[:1]
    return isinstance(what, Star) or (isinstance(what, F) and what.name in summary.key_columns() and not summary._meta.get_field(what.name).null)


def _of_several(summary: type[Summary], table: str, one: Aggregate) -> Aggregate | Coalesce:
    """The same over rows that stand for several records each."""
    if not isinstance(one, Count):
        return one
    return Coalesce(Sum(Col(table, summary._meta.get_field("records")), filter=one.filter, output_field=IntegerField()), 0)


def _tells(summary: type[Summary], query: Query) -> bool:
    """Whether the summary has all that a question looks at: it tells records apart by its keys alone, and adds up nothing but its sums."""
    tables = {alias for alias, times in query.alias_refcount.items() if times}
    if query.extra or query.combinator or query.distinct or query.is_sliced or tables - {query.get_meta().db_table}:
        return False
    if query.where.negated or query.where.connector != AND or not any(map(_is_unarchived, query.where.children)):
        return False
    tests = [test for test in query.where.children if not _is_unarchived(test)]
    asked = [one for one in query.annotations.values() if not _is_sum(summary, one)]
    return {*summary.key_columns(), "records"}.issuperset(column for thing in (*tests, *asked) for column in _columns(thing))


def _is_sum(summary: type[Summary], one: Any) -> bool:
    what, *others = one.get_source_expressions() if isinstance(one, Sum) else (None,)
    return isinstance(what, Col) and what.target.column in summary.sum_columns() and not any(others) and not one.distinct


def _is_unarchived(test: Any) -> bool:
    return isinstance(test, IsNull) and test.rhs is True and isinstance(test.lhs, Col) and test.lhs.target.column == UNARCHIVED


def _columns(thing: Any) -> Iterator[str]:
    """The columns that a part of a question looks at."""
    if isinstance(thing, Col):
        yield thing.target.column
    elif isinstance(thing, Query | RawSQL) or not hasattr(thing, "get_source_expressions"):
        yield UNKNOWN
    else:
        for part in thing.get_source_expressions():
            if part is not None:
                yield from _columns(part)


class _Folded(BaseTable):
    """A summary in place of the table of its records: each of its rows folded into one, those that stand for no record left out."""

    def __init__(self, summary: type[Summary], alias: str):
        super().__init__(alias, alias)
        self.summary = summary

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list]:
        quote = connection.ops.quote_name
        keys = ", ".join(map(quote, self.summary.key_columns()))
        sums = ", ".join(f"SUM({quote(name)}) AS {quote(name)}" for name in self.summary.sum_columns())
        rows = f"SELECT {keys}, SUM(records)::integer AS records, {sums} FROM {quote(self.summary._meta.db_table)} GROUP BY {keys} HAVING SUM(records) > 0"
        return f"({rows}) {quote(self.table_alias)}", []

    def relabeled_clone(self, change_map: dict[str, str]) -> "_Folded":
        return _Folded(self.summary, change_map.get(self.table_alias, self.table_alias))


def kept(summary: type[Summary]) -> dict[tuple, tuple]:
    """What the summary says of each combination of its keys: how many records, and their sums. Cost: one query."""
    return _come_to(summary, summary.objects.all(), Sum("records"))


def counted(object_type: ObjectType) -> dict[tuple, tuple]:
    """What the records themselves say of it. Cost: one query that goes through all of them."""
    return _come_to(object_type.summary, object_type.model.objects.filter(archived_at__isnull=True), Count("*"))


def _come_to(summary: type[Summary], rows: QuerySet, number: Aggregate) -> dict[tuple, tuple]:
    keys, sums = summary.key_columns(), [Coalesce(Sum(name), 0, output_field=summary._meta.get_field(name)) for name in summary.sum_columns()]
    asked = {f"_{n}": one for n, one in enumerate((number, *sums))}
    found = rows.order_by().values_list(*keys).annotate(**asked)
    return {row[: len(keys)]: row[len(keys) :] for row in found if row[len(keys)]}
