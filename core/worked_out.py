"""What a costly expression comes to, worked out once for each row of a query, however often its conditions and its order name it."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import Col
from django.db.models.sql.query import Query


def once(found: QuerySet, exprs: Mapping[str, Any]) -> tuple[QuerySet, dict[str, Col]]:
    """The ids of these rows with what each expression comes to, as a query to which conditions and an order can be given; and its columns by name."""
    key = found.model._meta.pk.attname
    inner = found.order_by().annotate(**exprs).values(key, *exprs)
    outer = found.model._base_manager.all()
    alias = outer.query.get_initial_alias()
    outer.query.alias_map[alias] = _Rows(inner.query, found.model._meta.db_table, alias)
    columns = {}
    for name in exprs:
        field = inner.query.annotations[name].output_field.clone()
        field.column = name
        columns[name] = Col(alias, field)
    return outer, columns


class _Rows:
    """The rows of a query in place of a table; what Django asks of one (django.db.models.sql.datastructures.BaseTable)."""

    join_type, parent_alias, filtered_relation = None, None, None

    def __init__(self, query: Query, table_name: str, table_alias: str):
        self.query, self.table_name, self.table_alias = query, table_name, table_alias

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list]:
        inner, params = self.query.clone().get_compiler(connection=connection, elide_empty=False).as_sql()
        # What has an OFFSET is not written into the query around it. As a number it would keep parallel workers out as well.
        return f"({inner} OFFSET '0') {compiler.quote_name_unless_alias(self.table_alias)}", list(params)

    def relabeled_clone(self, change_map: Mapping[str, str]) -> "_Rows":
        return _Rows(self.query, self.table_name, change_map.get(self.table_alias, self.table_alias))
