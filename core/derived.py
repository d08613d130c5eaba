"""A company's own computed fields: formulas, and roll-ups over the records that refer to this one. Made for one reader, since they show him nothing else would.

Each is a field with an expression, by which lists filter, sort and add up, and with a value that one query gathers for all records shown.
So no figure of a page ever differs from a filter. What a reader does not see of their inputs, he does not see through them either.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.db.models import Avg, CharField, Count, F, Max, Min, Model, OuterRef, Sum, UUIDField, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from core import conditions, context, formulas, registry, schema
from core.conditions import Sight
from core.errors import OdosError
from core.formulas.values import BOUNDED, OUTPUT, TYPE_OF, Written, normal_sql
from core.models import CustomField
from core.registry import Field, ObjectType
from core.rolling import RollUp

AGGREGATES = {"count": Count, "sum": Sum, "average": Avg, "min": Min, "max": Max}
FIGURES = ("number", "integer", "money", "percent", "rate")
MOMENTS = ("date", "datetime")
LONGEST = 100_000  # characters of SQL that one field may come to, with all it is made of

Name = tuple[str, str]  # (slug of a type, name of a field)


class Derived:
    """The fields of every type as one reader knows them, computed ones included, each made when somebody first asks for it."""

    def __init__(self, raw: Sight):
        self.raw = raw
        self.sight = Sight(self.of, raw.rows)
        self.made: dict[Name, Field | None] = {}
        self.making: set[Name] = set()

    def of(self, object_type: ObjectType) -> Mapping[str, Field]:
        raw = self.raw.fields(object_type)
        return _Fields(self, object_type, raw) if any(is_computed(f) for f in raw.values()) else raw

    def field(self, object_type: ObjectType, f: Field) -> Field | None:
        """The field with its expression; none where an input is hidden, gone, or itself again."""
        name = (object_type.slug, f.name)
        if not is_computed(f) or name in self.made:
            return self.made.get(name, f)
        if name in self.making:
            return None
        self.making.add(name)
        try:
            self.made[name] = self._make(object_type, f)
        except OdosError:
            self.made[name] = None
        finally:
            self.making.discard(name)
        return self.made[name]

    def _make(self, object_type: ObjectType, f: Field) -> Field:
        if f.source.kind == "rollup":
            (expression, kind), in_base = _rollup(object_type, f.source.rollup, self.sight), True
        else:
            made = formulas.made(f.source.formula, formulas.scope(object_type, self.sight))
            expression, kind, in_base = made.sql(formulas.resolver(object_type, self.sight)), made.kind, made.in_base
        return replace(
            f, kind=kind, expression=expression, readonly=True, in_base=in_base,
            compute=lambda record: _value(object_type, record, expression),
        )  # fmt: skip


class _Fields(Mapping):
    """Fields by name, computed ones made when they are asked for."""

    def __init__(self, home: Derived, object_type: ObjectType, raw: Mapping[str, Field]):
        self.home, self.type, self.raw = home, object_type, raw

    def __getitem__(self, name: str) -> Field:
        found = self.home.field(self.type, self.raw[name])
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return (name for name, f in self.raw.items() if self.home.field(self.type, f) is not None)

    def __len__(self) -> int:
        return sum(1 for _name in self)


def is_computed(f: Field) -> bool:
    return isinstance(f.source, CustomField)


def _everything(object_type: ObjectType, raw: dict[str, Field]) -> dict[str, Field]:
    """What ``schema.fields`` gives: the same for a reader who sees all there is."""
    if not any(is_computed(f) for f in raw.values()):
        return raw
    memo = context.memo()
    home = memo.get("derived") or Derived(Sight(schema.stored_fields, lambda other: other.all()))
    memo["derived"] = home
    return dict(home.of(object_type))


schema.provide_derived(_everything)


# Values -------------------------------------------------------------------------------------------------------------


def gather(object_type: ObjectType, records: list[Model], fields: Iterable[Field]) -> None:
    """Read the computed values of these records. Cost: one query for all; none where none of the fields is computed."""
    wanted = {f"_derived{i}": f for i, f in enumerate(f for f in fields if is_computed(f) and f.expression is not None)}
    if not wanted or not records:
        return
    found = object_type.all().filter(pk__in=[r.pk for r in records]).order_by()
    by_id = {row.pop("pk"): row for row in found.annotate(**{n: f.expression for n, f in wanted.items()}).values("pk", *wanted)}
    for record in records:
        row = by_id.get(record.pk, {})
        record.__dict__.setdefault("_derived", {}).update({id(f.expression): _plain(f, row.get(n)) for n, f in wanted.items()})


def _plain(f: Field, value: Any) -> Any:
    if value is None:
        return f.rules.empty
    return int(value) if f.kind == "integer" else value


def _value(object_type: ObjectType, record: Model, expression: Any) -> Any:
    """What was gathered; of a record that nobody gathered for, it is asked now."""
    held = record.__dict__.get("_derived", {})
    if id(expression) in held:
        return held[id(expression)]
    return object_type.all().filter(pk=record.pk).order_by().annotate(_value=expression).values_list("_value", flat=True).first()


# Roll-ups -----------------------------------------------------------------------------------------------------------


def _rollup(object_type: ObjectType, said: dict[str, Any], sight: Sight) -> tuple[Any, str]:
    """The expression and its kind. It counts the rows the reader's own list of them shows. Errors: RuleError, KeyError as Missing inputs."""
    other = registry.get(said["type"])
    known = sight.fields(other) if other is not None else {}
    by = known.get(said["field"])
    of = known.get(said.get("of") or "")
    if by is None or by.target != object_type.slug or (of is None and said["aggregate"] != "count"):
        raise OdosError(_("What this field is made of is not there."))
    rows = sight.rows(other)
    if any(column.name == "archived_at" for column in other.model._meta.fields):
        rows = rows.filter(archived_at=None)
    if said.get("filter"):
        rows = rows.filter(conditions.compile(other, said["filter"], sight))
    kind = kind_of_rollup(said["aggregate"], of)
    counted = Count("pk") if of is None or said["aggregate"] == "count" else AGGREGATES[said["aggregate"]](_summed(known, of))
    rows, held = rows.order_by(), KT(f"custom__{by.name}") if by.custom else F(by.attname)
    each = rows.alias(_held=held).filter(_held=Cast(OuterRef("pk"), CharField()) if by.custom else OuterRef("pk")).annotate(_all=Value(1)).values("_all")
    grouped = rows.annotate(_by=Cast(held, UUIDField()) if by.custom else held).values("_by").annotate(_n=counted)
    value = RollUp(each.annotate(_n=counted).values("_n"), grouped, OUTPUT[TYPE_OF[kind]])
    if said["aggregate"] in ("count", "sum"):
        return Written("COALESCE({0}, 0)", value, output_field=OUTPUT["number"]), kind
    return (Written(BOUNDED, value, output_field=OUTPUT["number"]) if TYPE_OF[kind] == "number" else value), kind


def _summed(known: Mapping[str, Field], of: Field) -> Any:
    """What is added up of a row: money in the company's currency, as a list sums it."""
    expr = schema.in_base(known, of)
    return expr if schema.is_foreign(known, of) else normal_sql(TYPE_OF[of.kind], expr)


def kind_of_rollup(aggregate: str, of: Field | None) -> str:
    if aggregate == "count" or of is None:
        return "integer"
    return of.kind if of.kind in ("money", "percent", *MOMENTS) or (of.kind == "integer" and aggregate != "average") else "number"


def drills(f: Field) -> bool:
    """Whether it is a roll-up, so that its value leads to a list."""
    return is_computed(f) and f.source.kind == "rollup"


def drill(f: Field, ident: Any) -> str:
    """The address of the list a roll-up adds up, for the record of this id; empty for other fields."""
    if not drills(f):
        return ""
    said = f.source.rollup
    words = {said["field"]: str(ident)}
    if said.get("filter"):
        words["filter"] = conditions.text(said["filter"])
    if said.get("of") and said["aggregate"] == "sum":
        words["sum"] = said["of"]
    return f"/{said['type']}/?{urlencode(words)}"


# The set-up ---------------------------------------------------------------------------------------------------------


def stored_sight() -> Sight:
    """Fields as they are set up, computed ones by their kind alone: enough to judge a formula, and never in a circle."""
    return Sight(schema.stored_fields, lambda object_type: object_type.all())


def problems(own: CustomField) -> dict[str, list[str]]:
    """What is wrong with how a field is computed, by the name of the setting; sets what kind its values are of. Cost: a few queries."""
    object_type = registry.get(own.type)
    try:
        if own.kind == "formula":
            made = formulas.made(own.formula, formulas.scope(object_type, stored_sight()))
            own.returns, needed = made.kind, set(made.names)
        else:
            own.returns, needed = _checked_rollup(object_type, own.rollup, stored_sight())
    except formulas.FormulaError as error:
        return error.errors
    except OdosError as error:
        return {"rollup": error.sentences}
    labels, needs = _needs(stored_sight())
    name = (own.type, own.key)
    needs[name], labels[name] = needed, own.label
    if way := formulas.circle(needs, name):
        return {own.kind: [_("These fields would need each other in a circle: %(names)s.") % {"names": " → ".join(labels.get(n, n[1]) for n in way)}]}
    return _size_problem(object_type, own)


def _size_problem(object_type: ObjectType, own: CustomField) -> dict[str, list[str]]:
    """Fields made of fields made of fields grow: what the database would choke on is refused."""
    home = Derived(Sight(lambda other: _with(own, other), lambda other: other.all()))
    made = home.field(object_type, schema.as_field(own))
    if made is None:
        return {own.kind: [_("What this field is made of is not there.")]}
    written = object_type.all().annotate(_value=made.expression).values("_value").query.sql_with_params()[0]
    return {own.kind: [_("This field would be made of too many others.")]} if len(written) > LONGEST else {}


def _with(own: CustomField, object_type: ObjectType) -> dict[str, Field]:
    """The fields of a type, this one as it is about to be."""
    known = schema.stored_fields(object_type)
    return {**known, own.key: schema.as_field(own)} if object_type.slug == own.type else known


def _checked_rollup(object_type: ObjectType, said: Any, sight: Sight) -> tuple[str, set[Name]]:
    """The kind of a roll-up's values, and the fields it needs. Errors: OdosError."""
    if not isinstance(said, dict) or said.keys() - {"type", "field", "aggregate", "of", "filter"} or said.get("aggregate") not in AGGREGATES:
        raise OdosError(_("A roll-up names the type, the field that refers to this one, and count, sum, average, min or max of another."))
    other = registry.get(said["type"]) if isinstance(said.get("type"), str) else None
    if other is None or other.rows:
        raise OdosError(_("Name the type this adds up."))
    known = sight.fields(other)
    by = known.get(said["field"]) if isinstance(said.get("field"), str) else None
    if by is None or by.kind not in ("ref", "user") or by.target != object_type.slug:
        raise OdosError(_("“%(name)s” of %(type)s does not refer to %(target)s.") % {
            "name": str(said.get("field"))[:60], "type": other.plural, "target": object_type.plural})  # fmt: skip
    of = known.get(said["of"]) if isinstance(said.get("of"), str) else None
    allowed = {"count": None, "sum": FIGURES, "average": FIGURES}.get(said["aggregate"], (*FIGURES, *MOMENTS))
    if allowed is not None and (of is None or of.kind not in allowed or not of.is_in_sql):
        raise OdosError(_("Name a field of %(type)s to work this out of.") % {"type": other.plural})
    needed = {(other.slug, by.name), *([(other.slug, of.name)] if of else [])}
    if said.get("filter"):
        conditions.compile(other, said["filter"], sight)
        needed |= {(other.slug, path.partition(".")[0]) for path in _named(said["filter"])}
    return kind_of_rollup(said["aggregate"], of), needed


def _named(node: Any) -> Iterator[str]:
    """The paths a filter names."""
    if word := conditions.joining(node):
        for part in node[word]:
            yield from _named(part)
    elif isinstance(node, list) and node and isinstance(node[0], str):
        yield node[0]


def _needs(sight: Sight) -> tuple[dict[Name, str], dict[Name, set[Name]]]:
    """The labels of all computed fields of the company, and what each needs. Cost: one query."""
    labels, needs = {}, {}
    for row in CustomField.objects.filter(kind__in=schema.COMPUTED, archived_at=None):
        name, object_type = (row.type, row.key), registry.get(row.type)
        labels[name] = row.label
        try:
            if row.kind == "rollup":
                needs[name] = _checked_rollup(object_type, row.rollup, sight)[1]
            else:
                needs[name] = set(formulas.made(row.formula, formulas.scope(object_type, sight)).names)
        except (OdosError, AttributeError):
            needs[name] = set()
    return labels, needs


def readers(own: CustomField) -> list[CustomField]:
    """The computed fields that need this one, which may be archived already. Cost: two queries."""
    _labels, needs = _needs(Sight(lambda other: _with(own, other), lambda other: other.all()))
    wanted = {name for name, needed in needs.items() if (own.type, own.key) in needed and name != (own.type, own.key)}
    return [row for row in CustomField.objects.filter(kind__in=schema.COMPUTED, archived_at=None) if (row.type, row.key) in wanted]
