"""Roll-ups of a whole table: its children are added up once and joined, where a page's few records have theirs added up each by itself.

Which of the two a query takes is up to it: ``at_once`` marks one that goes through so many rows that adding up all children is less work.
"""

from typing import Any

from django.db.models import Field, QuerySet, Subquery
from django.db.models.expressions import Col
from django.db.models.sql.constants import LOUTER
from django.db.models.sql.query import Query

BY, VALUE = "_by", "_n"


def at_once(found: QuerySet) -> QuerySet:
    """The same rows, as a query that joins what its roll-ups come to. Only for conditions and orders it is given from here on."""
    marked = found.all()
    marked.query.rolls_up_at_once = True
    return marked


def has_joined(found: QuerySet) -> bool:
    """Whether the rows are told apart by what roll-ups come to, all children added up beside them."""
    return any(isinstance(table, _Join) for table in found.query.alias_map.values())


class RollUp(Subquery):
    """What the children of a record come to: ``each``, a sub-query of the record outside, or one row of ``grouped``, which has all.

    ``grouped`` names the parent's id ``_by`` and the value ``_n``.
    """

    def __init__(self, each: QuerySet, grouped: QuerySet, output_field: Field):
        super().__init__(each, output_field=output_field)
        self.grouped, self.bound = grouped.query, False

    def resolve_expression(self, query: Query | None = None, *args: Any, **kwargs: Any) -> Any:
        if self.bound or not getattr(query, "rolls_up_at_once", False):
            made = super().resolve_expression(query, *args, **kwargs)
            made.bound = True  # to this query, of whichever it becomes a part
            return made
        alias = query.join(_Join(self.grouped, query.get_initial_alias()))
        column = self.output_field.clone()
        column.column = VALUE
        return Col(alias, column)


class _Join:
    """All parents' values beside the rows of a query; what Django asks of a join (django.db.models.sql.datastructures.Join)."""

    table_name, join_type, nullable, filtered_relation, join_field = "rolled", LOUTER, True, None, None

    def __init__(self, grouped: Query, parent_alias: str, table_alias: str | None = None):
        self.grouped, self.parent_alias, self.table_alias = grouped, parent_alias, table_alias

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list]:
        quote, name = connection.ops.quote_name, compiler.quote_name_unless_alias(self.table_alias)
        # A reader who sees no children at all has none added up: that empties the sub-query, not the list.
        inner, params = self.grouped.clone().get_compiler(connection=connection, elide_empty=False).as_sql()
        ident = f"{compiler.quote_name_unless_alias(self.parent_alias)}.{quote(compiler.query.get_meta().pk.column)}"
        return f"{self.join_type} ({inner}) {name} ON ({name}.{quote(BY)} = {ident})", list(params)

    def relabeled_clone(self, change_map: dict[str, str]) -> "_Join":
        return _Join(self.grouped, *(change_map.get(alias, alias) for alias in (self.parent_alias, self.table_alias)))

    def promote(self) -> "_Join":
        return self

    demote = promote  # who has no children stays in the list

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Join) and self.grouped is other.grouped and self.parent_alias == other.parent_alias

    def __hash__(self) -> int:
        return hash((id(self.grouped), self.parent_alias))
