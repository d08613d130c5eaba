"""A formula that was checked: what it gives, what it needs, and its value in SQL and in Python."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import TextField, Value

from core import clock, context
from core.formulas.checking import typed
from core.formulas.parser import parse
from core.formulas.scopes import Scope
from core.formulas.tree import Tree
from core.formulas.values import NOTHING, OUTPUT, SQL_OF, TYPE_OF, Moment, Typed, Written, cut, normal, normal_sql
from core.structures import today

Path = tuple[str, ...]


def moment() -> Moment:
    """The present of the bound company."""
    return Moment(clock.now(), today(), context.company().zone)


@dataclass(frozen=True)
class Formula:
    """``kind`` is the kind of its result; ``names`` are the fields it needs as (slug, name), those of the way included."""

    tree: Tree
    kind: str
    names: frozenset[tuple[str, str]]
    uses_today: bool
    top: Typed
    paths: frozenset[Path]

    @property
    def in_base(self) -> bool:
        """Whether what it gives is money in the company's currency, whatever its record's."""
        return self.kind == "money" and not self.top.is_foreign

    def sql(self, resolve: Callable[[Path], Any], at: Moment | None = None) -> Any:
        """The formula as an expression over rows; ``resolve(path)`` gives that of a field. Cost: none until used."""
        made = _sql(self.top, resolve, at or moment())
        return made if isinstance(made, Written) else Written("{0}", made, output_field=OUTPUT[self.top.type])

    def value(self, get: Callable[[Path], Any], at: Moment | None = None) -> Any:
        """The formula in Python; ``get(path)`` gives a field's value or None. Cost: none but that of ``get``, asked once for each path."""
        at = at or moment()
        return _value(self.top, {path: get(path) for path in self.paths}, at)


def check(tree: Tree, scope: Scope) -> Formula:
    """The formula with every part typed against what may be named. Cost: none. Errors: FormulaError at the part."""
    top, checker = typed(tree, scope)
    kind = "text" if top.type == NOTHING else "number" if top.kind in ("integer", "rate") else top.kind
    kind = "text" if TYPE_OF.get(kind) == "text" else kind
    return Formula(tree, kind, frozenset(checker.names), checker.uses_today, top, frozenset(_paths(top)))


def made(text: str, scope: Scope) -> Formula:
    """Read and checked in one."""
    return check(parse(text), scope)


def _paths(node: Typed) -> set[Path]:
    return {node.path} if node.path else set().union(*(_paths(part) for part in node.parts))


def _constant(node: Typed) -> Any:
    if node.value is None or node.type == NOTHING:
        return Written(f"NULL::{SQL_OF.get(node.type, 'text')}", output_field=OUTPUT[node.type])
    return Written(f"{{0}}::{SQL_OF[node.type]}", Value(node.value, output_field=OUTPUT[node.type]), output_field=OUTPUT[node.type])


def _sql(node: Typed, resolve: Callable[[Path], Any], at: Moment) -> Any:
    if node.path:
        return normal_sql(node.type, resolve(node.path))
    if node.word:
        value = {"today": at.today, "now": at.now, "zone": str(at.zone)}[node.word]
        output = TextField() if node.word == "zone" else OUTPUT[node.type]
        return Written(f"{{0}}::{SQL_OF[node.type]}", Value(value, output_field=output), output_field=output)
    if not node.pattern:
        return _constant(node)
    return Written(node.pattern, *(_sql(part, resolve, at) for part in node.parts), output_field=OUTPUT[node.type])


def _value(node: Typed, found: dict[Path, Any], at: Moment) -> Any:
    if node.path:
        return normal(node.type, found[node.path])
    if node.word:
        return {"today": at.today, "now": at.now, "zone": at.zone}[node.word]
    if node.work is None:
        return cut(node.value) if isinstance(node.value, str) else node.value
    return node.work(*(_value(part, found, at) for part in node.parts))
