"""From clean values to the record in hand: what a new one starts with, whose it is, what changed, what is still missing. Stores nothing."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from core import access, clock, context, prepared, schema, shaped
from core.access import Actor
from core.cleaning import Cleaned
from core.form_rules import demand_rules, locked_by_rules, state_of
from core.models import OwnedRecord, User
from core.models.record import Record
from core.record_types import demand_sort
from core.registry import Field, ObjectType


@dataclass(frozen=True)
class _Shape:
    """What of a type's fields is asked about every record that is written."""

    known: dict[str, Field]
    defaults: tuple[Field, ...]  # own fields with one
    plain: dict[str, str]  # name -> the attribute of a record that is its value, of the type's own
    required: tuple[Field, ...]
    choosing: tuple[Field, ...]  # the company's own choices


def _shape(object_type: ObjectType) -> _Shape:
    """Cost: none after the first record of a use-case."""
    memo = context.memo()
    key = ("filling", object_type.slug)
    if key not in memo:
        known = access.fields(access.system("filling"), object_type)
        memo[key] = _Shape(
            known, tuple(f for f in known.values() if f.custom and f.default is not None and not f.readonly),
            {name: f.held for name, f in known.items() if f.is_plain and not f.custom},
            tuple(f for f in known.values() if f.required and not f.readonly and not f.compute and f.kind != "secret"),
            tuple(f for f in schema.own_fields(object_type) if f.kind in ("choice", "choices")),
        )  # fmt: skip
    return memo[key]


def new_record(actor: Actor, object_type: ObjectType, made: Cleaned) -> Record:
    """A record with what was given, and the defaults of the company's own fields. Cost: none."""
    record = object_type.new()
    if clock.told():
        record.created_at = record.updated_at = clock.now()
    if made.id is not None:
        record.pk = made.id
    shape = _shape(object_type)
    for f in shape.defaults:
        if f.name not in made.values:
            f.put(record, f.rules.clean(f, f.default))
    plain, held = shape.plain, record.__dict__
    for name, value in made.values.items():
        if name in plain and (value if type(value) is str else value is not None):  # what a new row refers to was never read, so there is nothing to forget
            held[plain[name]] = value
            continue
        f = shape.known[name]
        if value is None and not f.custom and not f.required:
            continue  # nothing given: the column's own default holds
        value = _or_start(f, value) if value == "" else value
        f.put(record, value)
    return record


def own(records: list[Record], actor: Actor) -> None:
    """Stamp owner and unit: the actor's where none is given, the unit always from the owner. Cost: at most one query."""
    owned = [r for r in records if isinstance(r, OwnedRecord)]
    ids = {r.owner_id or actor.id for r in owned} - {None}
    units = {actor.id: actor.unit_id} if ids <= {actor.id} else {pk: unit for pk, (unit,) in prepared.columns(User, ids, "unit_id").items()}
    for record in owned:
        owner = record.owner_id or actor.id
        _point(record, "owner_id", owner)
        _point(record, "unit_id", units.get(owner))


def _point(record: Record, name: str, ident: Any) -> None:
    """Refer to another record. What was not read yet need not be forgotten."""
    if not record._state.__dict__.get("fields_cache"):
        record.__dict__[name] = ident
    elif getattr(record, name) != ident:
        setattr(record, name, ident)


def put(known: dict[str, Field], record: Record, made: Cleaned) -> dict[str, Any]:
    """Set what differs; returns name -> value before."""
    changed = {}
    for name, value in made.values.items():
        f = known[name]
        before, value = f.value(record), _or_start(f, value, None)
        if f.kind == "secret" or (set(before) != set(value) if f.kind == "refs" else before != value):
            changed[name] = before
            f.put(record, value)
    return changed


def _or_start(f: Field, value: Any, *nothings: Any) -> Any:
    """Nothing, where the column needs something: what it starts with. A payment is in or out, a product a good or a service. Cost: none."""
    if not (value in nothings or (value == "" and not f.required)) or f.custom or f.kind in ("anyref", "refs", "secret"):
        return value
    column = f.model._meta.get_field(f.path)
    return column.get_default() if not column.null and column.has_default() else value


def demand_options(object_type: ObjectType, record: Record, made: Cleaned, before: dict[str, Any] | None = None) -> None:
    """Say where an option chosen now is no longer offered, or does not go with what it depends on. ``before`` are values that stay possible."""
    for f in _shape(object_type).choosing:
        if not {f.name, f.depends_on} & made.values.keys() or f.name in made.errors:
            continue
        kept, looks = _several((before or {}).get(f.name)), {o["key"]: o for o in f.looks}
        for key in _several(f.value(record)):
            option, label = looks.get(key, {}), f.choices().get(key, key)
            if option.get("archived") and f.name in made.values and key not in kept:
                made.refuse(f.name, _("“%(value)s” is no longer offered.") % {"value": label})
            elif option.get("for") and record.custom.get(f.depends_on) not in option["for"]:
                other = next((o.label for o in schema.own_fields(object_type) if o.name == f.depends_on), f.depends_on)
                made.refuse(f.name, _("“%(value)s” does not go with the choice made in “%(other)s”.") % {"value": label, "other": other})


def _several(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []


def demand_required(object_type: ObjectType, record: Record, made: Cleaned) -> None:
    """Say at each field that needs a value and has none. An own field that is not shown now is not asked for either."""
    given = made.values
    needed = [f for f in _shape(object_type).required if type(given.get(f.name)) is not str or not given[f.name]]  # a text that was given is there
    if not needed:
        return
    unseen = state_of(object_type, record).hidden if any(f.custom for f in needed) else frozenset()
    for f in needed:
        name = f.name
        if name in made.errors or (f.custom and name in unseen):
            continue
        unsaid = record._state.adding and not f.custom and name not in made.values  # what the column starts with is nobody's answer
        if unsaid or f.rules.is_empty(f.value(record)):
            made.refuse(name, _("This field is required."))


def demand_shape(object_type: ObjectType, record: Record, made: Cleaned, changed: dict[str, Any]) -> None:
    """Say at each field what the record's own sort and the rules of its form do not allow. Cost: that of the rules' conditions."""
    if (shape := shaped.of(object_type)) is shaped.NOTHING or shape == shaped.NOTHING:
        return
    demand_sort(object_type, record, made, changed)
    demand_rules(object_type, record, made, changed)


def demand_unlocked(object_type: ObjectType, known: dict[str, Field], record: Record, made: Cleaned) -> None:
    """Say at each field that a rule of the form closes on the record as it stands, where it would change."""
    for name in sorted(locked_by_rules(object_type, record) & made.values.keys()):
        if known[name].value(record) != made.values[name]:
            made.refuse(name, _("This field is locked in a record like this, so it stays as it is."))
