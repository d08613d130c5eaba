"""The rules by which a company refuses records: formulas that must not be true of what is saved. What is stored stays until it is changed."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from core import access, conditions, context, edition, formulas, prepared, registry, schema
from core.access import Actor
from core.cleaning import Cleaned
from core.errors import RuleError
from core.formulas import Formula, FormulaError
from core.labels import in_language, wording_errors
from core.models import Rule
from core.registry import ObjectType

UNRULED = ("rules",)  # a rule about rules could not be taken back


def judge(actor: Actor, object_type: ObjectType, pairs: Iterable[tuple[Any, Cleaned]]) -> None:
    """Add to the errors of each record what the company's rules say against it.

    Cost: one query for all rules of a use-case; for each path of a rule one for each record referred to.
    """
    ruled = active(object_type)
    if not ruled:
        return
    seen, at, met = access.fields(actor, object_type), formulas.moment(), {}
    for record, made in pairs:
        if made.errors:
            continue
        get = formulas.held(object_type, record, conditions.EVERYTHING, at, met)
        for rule, formula in ruled:
            if rule.record_type and getattr(record, "custom", {}).get("record_type") != rule.record_type:
                continue
            if isinstance(formula, FormulaError):
                made.refuse("_", _("The rule “%(rule)s” can no longer be judged: %(sentence)s") % {"rule": rule.name, "sentence": formula.sentence})
            elif formula.value(get, at):
                made.refuse(rule.field if rule.field in seen else "_", str(in_language(rule.message, rule.messages)))


RULES = prepared.Prepared(lambda: Rule.objects.filter(active=True, archived_at=None).order_by("name", "id"))


def active(object_type: ObjectType) -> list[tuple[Rule, Formula | FormulaError]]:
    """The rules of a type with their formulas, by name. Cost: one query for each edition of the set-up."""
    memo = context.memo()
    key = ("rules", object_type.slug)
    if key not in memo:
        memo[key] = [(rule, _formula(object_type, rule)) for rule in edition.keep("rules", RULES.records) if rule.type == object_type.slug]
    return memo[key]


def _formula(object_type: ObjectType, rule: Rule) -> Formula | FormulaError:
    try:
        return formulas.made(rule.condition, formulas.scope(object_type, conditions.EVERYTHING))
    except FormulaError as error:
        return error


def naming(slug: str, name: str) -> list[str]:
    """The names of active rules whose formula needs this field of this type, through whatever path. Cost: one query."""
    found = []
    for rule in Rule.objects.filter(active=True, archived_at=None).order_by("name", "id"):
        object_type = registry.get(rule.type)
        formula = _formula(object_type, rule) if object_type else None
        if isinstance(formula, Formula) and (slug, name) in formula.names:
            found.append(rule.name)
    return found


# The rules as records


def type_choices() -> dict[str, Any]:
    """Slug -> label of the types that can have rules."""
    return {slug: label for slug, label in registry.type_choices().items() if slug not in UNRULED and registry.get(slug).writable}


def check(actor: Actor, rule: Rule, changed: dict, rows: dict) -> None:
    """A rule names a type, a condition that is true or false, of fields its author sees, and a message. Errors: RuleError at the field."""
    object_type = registry.get(rule.type) if rule.type in type_choices() else None
    if object_type is None:
        raise RuleError({"type": [_("There is no type “%(slug)s” that takes rules.") % {"slug": rule.type[:60]}]})
    sight = access.sight(actor)
    errors: dict[str, list[str]] = {}
    if rule.archived_at is None:
        errors |= problem(object_type, rule.condition, sight)
    if rule.field and rule.field not in sight.fields(object_type):
        errors["field"] = [_("%(type)s have no field “%(name)s”.") % {"type": object_type.plural, "name": rule.field}]
    errors |= wording_errors(messages=rule.messages)
    if errors:
        raise RuleError(errors)


def problem(object_type: ObjectType, condition: str, sight: conditions.Sight) -> dict[str, list[str]]:
    """What is wrong with a rule's condition, if anything."""
    try:
        formula = formulas.made(condition, formulas.scope(object_type, sight))
    except FormulaError as error:
        return error.at("condition").errors
    if formula.kind != "yesno":
        return {"condition": [_("A rule asks something that is true or false, such as amount < 0.")]}
    return {}


def changed(actor: Actor, rule: Rule, changes: dict) -> None:
    """The rules are read anew inside this use-case."""
    schema.forget()
