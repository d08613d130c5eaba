"""Rules of forms: fields that are shown, required or locked only while a condition in the filter language holds of the record in hand.

The form asks ``state_of`` what to show; ``core.filling`` asks the rest before anything is stored, so that every door keeps them.
"""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from core import conditions, registry, schema, shaped
from core.access import Actor
from core.cleaning import Cleaned
from core.errors import RuleError
from core.models import FormRule
from core.models.record import Record
from core.registry import ObjectType
from core.shaped import RECORD_TYPE, Condition

MOST = 50  # rules of one type
FIELDS = 50


@dataclass(frozen=True)
class State:
    """What is to become of fields now: names."""

    hidden: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    locked: frozenset[str] = frozenset()


FREE = State()


def state_of(object_type: ObjectType, record: Record, before: Record | None = None) -> State:
    """What the rules make of the record in hand; fields are locked by what held ``before`` the change, so never of a new record.

    A field is shown while any of the rules that show it holds. Cost: that of the conditions.
    """
    rules = shaped.of(object_type).conditions
    if not rules:
        return FREE
    held = {rule.name: _holds(object_type, rule, record) for rule in rules if rule.effect != "lock"}
    showing = [rule for rule in rules if rule.effect == "show"]
    shown = {name for rule in showing if held[rule.name] for name in rule.fields}
    return State(
        hidden=frozenset(name for rule in showing for name in rule.fields if name not in shown),
        required=frozenset(name for rule in rules if rule.effect == "require" and held[rule.name] for name in rule.fields),
        locked=locked_by_rules(object_type, before) if before is not None else frozenset(),
    )


def _holds(object_type: ObjectType, rule: Condition, record: Record) -> bool:
    """Whether the rule's condition holds. One about what is no more, such as a field that was archived, shows and asks nothing away."""
    try:
        return conditions.holds(object_type, rule.condition, record)
    except RuleError:
        return rule.effect == "show"


def locked_by_rules(object_type: ObjectType, record: Record) -> frozenset[str]:
    """Fields that the rules close on this record as it is stored. Cost: that of the conditions."""
    return frozenset(n for rule in shaped.of(object_type).conditions if rule.effect == "lock" and _holds(object_type, rule, record) for n in rule.fields)


def dependents(object_type: ObjectType) -> frozenset[str]:
    """The fields whose controls hang on what stands in others. Cost: none after the first type of a use-case."""
    made = shaped.of(object_type)
    restricted = {name for sort in made.sorts for name in sort.choices}
    return frozenset(n for rule in made.conditions for n in rule.fields) | restricted


def demand_rules(object_type: ObjectType, record: Record, made: Cleaned, changed: Any) -> None:
    """Say at the field what the rules want of the record as it will be. ``changed`` holds names. Cost: that of the conditions."""
    now = state_of(object_type, record)
    if now == FREE:
        return
    known = schema.fields(object_type)
    for name in sorted(now.hidden & set(changed)):
        if name in known and not known[name].rules.is_empty(known[name].value(record)):
            made.refuse(name, _("This field is not asked for in a record like this, so it stays as it is."))
    for name in sorted(now.required - now.hidden):
        f = known.get(name)
        if f is not None and not f.compute and name not in made.errors and f.rules.is_empty(f.value(record)):
            made.refuse(name, _("This field is required in a record like this."))


# The hooks of the type itself ---------------------------------------------------------------------------------------


def type_choices() -> dict[str, Any]:
    """Slug -> label of the types that have a form of their own."""
    return {t.slug: t.plural for t in registry.every() if t.is_listed and t.writable}


def check(actor: Actor, row: FormRule, changed: dict, rows: dict) -> None:
    """A rule's type, condition and fields make sense together; what a record cannot be without is never hidden."""
    object_type = registry.get(row.type)
    if object_type is None or not object_type.writable or object_type.rows:
        raise RuleError({"type": [_("There is no type “%(slug)s” with a form.") % {"slug": row.type[:60]}]})
    errors: dict[str, list[str]] = {}
    if not row.condition:
        errors["condition"] = [_("Say when this rule applies.")]
    else:
        try:
            conditions.compile(object_type, row.condition, conditions.EVERYTHING)
        except RuleError as error:
            errors["condition"] = error.sentences
    if problem := _fields_problem(object_type, row):
        errors["fields"] = [problem]
    if row.active and row.archived_at is None and FormRule.objects.filter(type=row.type, active=True, archived_at=None).exclude(pk=row.pk).count() >= MOST:
        errors["_"] = [_("A type has at most %(n)d rules of its form.") % {"n": MOST}]
    if errors:
        raise RuleError(errors)


def _fields_problem(object_type: ObjectType, row: FormRule) -> str | None:
    known = schema.fields(object_type)
    if not isinstance(row.fields, list) or not row.fields or len(row.fields) > FIELDS or not all(isinstance(n, str) for n in row.fields):
        return _("Name the fields that this rule is about, at most %(n)d.") % {"n": FIELDS}
    for name in row.fields:
        f = known.get(name)
        if f is None or f.readonly or f.compute or f.unasked or f.kind == "secret" or name == RECORD_TYPE:
            return _("“%(name)s” is no field of the form of %(type)s.") % {"name": name[:60], "type": object_type.plural}
        if row.effect == "show" and f.required and not f.custom:
            return _("“%(name)s” is always required, so it is always shown.") % {"name": f.label}
        if row.effect == "show" and row.condition and name in _named(row.condition):
            return _("“%(name)s” cannot be shown by what stands in itself.") % {"name": f.label}
    row.fields[:] = list(dict.fromkeys(row.fields))
    return None


def _named(node: Any) -> set[str]:
    """The fields a condition names, by their first word."""
    if isinstance(node, dict):
        return {name for parts in node.values() if isinstance(parts, list) for part in parts for name in _named(part)}
    return {node[0].partition(".")[0]} if isinstance(node, list) and node and isinstance(node[0], str) else set()


def changed(actor: Actor, row: FormRule, changes: dict) -> None:
    """Forms of the company are read anew."""
    schema.forget()
