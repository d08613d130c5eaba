"""What may be said of a company's own field, and what follows when one is made, changed, archived or restored: indexes, numbers, first values.

How values are filled in or turned into another kind, ``core.own_values`` knows; what computed fields are made of, ``core.derived``.
"""

import re
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import derived, entering, jobs, limits, numbering, own_values, registry, schema, sql
from core.access import Actor
from core.context import company
from core.errors import RuleError
from core.labels import wording_errors, wording_problem
from core.listings import RESERVED
from core.models import CustomField, FormRule, Role, Rule
from core.models.record import permit
from core.registry import ObjectType

KEY = re.compile(r"[a-z][a-z0-9_]{0,40}", re.ASCII)
COLORS = ("gray", "blue", "green", "amber", "red", "purple", "teal", "pink")
CHOOSES = ("choice", "choices")
POINTS = ("ref", "refs")
FIGURES = ("number", "integer", "money", "percent")
GIVEN = (*schema.COMPUTED, "autonumber")  # nobody types their values
NOT_UNIQUE = ("yesno", "choice", "file", "image", *schema.COMPUTED)
FILES = ("file", "image")
PEOPLE = ("users", "org-units")  # of the set-up these alone are described further: all else of it says how the company works


# What may be said ---------------------------------------------------------------------------------------------------


def takes(object_type: ObjectType | None) -> bool:
    """Whether a company may give this type fields of its own."""
    has_room = object_type is not None and object_type.writable and object_type.is_listed and hasattr(object_type.model, "custom")
    return bool(has_room and (not object_type.is_setup or object_type.slug in PEOPLE))


def type_choices() -> dict[str, Any]:
    """Slug -> label of the types that take fields."""
    return {t.slug: t.plural for t in registry.every() if takes(t)}


def check(actor: Actor, own: CustomField, changed: dict, rows: dict) -> None:
    """A field's key, kind and settings make sense together, to the other fields and to the records there are."""
    if own._state.adding or {"formula", "rollup", "depends_on", "fast"} & changed.keys():
        _one_at_a_time()
    object_type = registry.get(own.type)
    if not takes(object_type):
        raise RuleError({"type": [_("There is no type “%(slug)s” that takes fields.") % {"slug": own.type[:60]}]})
    errors: dict[str, list[str]] = {}
    for name, problem in (
        ("key", key_problem(object_type, own)), ("options", _options_problem(own)), ("target", _target_problem(own)), ("pattern", _pattern_problem(own)),
        ("unique", _unique_problem(own)), ("fast", _fast_problem(own)), ("depends_on", _dependence_problem(own)), ("maximum", _bounds_problem(own)),
        ("seen_by", _roles_problem(own.seen_by)),
        ("edited_by", _roles_problem(own.edited_by)), ("required", _required_problem(own)),
    ):  # fmt: skip
        if problem:
            errors[name] = [problem]
    errors |= wording_errors(labels=own.labels, helps=own.helps)
    errors |= derived.problems(own) if own.kind in schema.COMPUTED and not errors else {}
    _clean_default(own, errors)
    _demand_sight(actor, own, changed, errors)
    if errors:
        raise RuleError(errors)
    _demand_fits_records(object_type, own, changed)
    if own.kind == "autonumber":
        own.unique = True
    if own._state.adding or "fast" in changed:
        own.fast_state = "building" if own.fast else ""


def _one_at_a_time() -> None:
    """Fields are judged by the other fields, so of two that are changed at once the second sees the first: two formulas make no circle together."""
    sql.lock(company().id, "own fields")
    schema.forget()


def key_problem(object_type: ObjectType, own: CustomField) -> str | None:
    """Why the field cannot have this key; nothing where it can. Cost: one query for a new field."""
    declared = object_type.fields.keys() | schema.common_names(object_type) | {"url", "record_type", *(e.name for e in object_type.lines)}
    if not KEY.fullmatch(own.key) or "__" in own.key:
        return _("A key is lower-case letters, digits and single underscores, and begins with a letter.")
    if own.key in RESERVED or own.key in declared:
        return _("This key is taken by the product itself.")
    if own._state.adding and CustomField.objects.filter(type=own.type, key=own.key).exclude(archived_at=None).exists():
        return _("An archived field has this key; restore it, or choose another key.")
    return None


def _is_option(option: Any) -> bool:
    known = {"key": str, "label": str, "color": str, "labels": dict, "archived": bool, "for": list}
    if not isinstance(option, dict) or not all(name in known and isinstance(value, known[name]) for name, value in option.items()):
        return False
    key = option.get("key", "")
    goes_with = option.get("for", [])
    return (
        0 < len(key) <= 100 and "," not in key and key.isprintable() and len(option.get("label", "")) <= 200
        and option.get("color", "") in ("", *COLORS) and all(isinstance(k, str) for k in goes_with)
    )  # fmt: skip


def _options_problem(own: CustomField) -> str | None:
    if own.kind not in CHOOSES:
        return _("Only a choice has options.") if own.options else None
    if not isinstance(own.options, list) or not own.options:
        return _("Name at least one option.")
    for option in own.options:
        if not _is_option(option):
            return _("An option has a key (without commas) and a label.")
        if problem := wording_problem(option.get("labels", {})):
            return problem
        option.setdefault("label", option["key"])
    if len({o["key"] for o in own.options}) < len(own.options):
        return _("Two options have the same key.")
    return None


def _target_problem(own: CustomField) -> str | None:
    if own.kind not in POINTS:
        return _("Only a reference refers to something.") if own.target else None
    target = registry.get(own.target)
    return _("Name the type this refers to.") if target is None or target.rows else None


def _pattern_problem(own: CustomField) -> str | None:
    if own.kind != "autonumber":
        return _("Only an auto number is numbered.") if own.pattern else None
    return None if numbering.is_pattern(own.pattern) else _("A numbering holds its digits in braces, such as TD-{year}-{0000}.")


def _unique_problem(own: CustomField) -> str | None:
    fits = registry.KINDS[own.kind].indexed and own.kind not in NOT_UNIQUE and registry.KINDS[own.kind].empty != []
    return _("A field of this kind cannot be unique.") if own.unique and not fits else None


def _fast_problem(own: CustomField) -> str | None:
    if not own.fast or (registry.KINDS[own.kind].indexed and own.kind not in FILES):
        return None
    return _("A field of this kind is too long for an index.") if own.kind == "longtext" else _("A field of this kind cannot have an index.")


def _bounds_problem(own: CustomField) -> str | None:
    if own.kind not in FIGURES:
        return _("Only a number has a least and a most.") if (own.minimum, own.maximum) != (None, None) else None
    crossed = own.minimum is not None and own.maximum is not None and own.minimum > own.maximum
    return _("The most is less than the least.") if crossed else None


def _roles_problem(ids: Any) -> str | None:
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        return _("Name roles by their ids.")
    known = {str(pk) for pk in Role.objects.values_list("pk", flat=True)} if ids else set()
    return None if set(ids) <= known else _("There is no such role.")


def _required_problem(own: CustomField) -> str | None:
    return _("Nobody types the values of this field, so it cannot be required.") if own.required and own.kind in GIVEN else None


def _dependence_problem(own: CustomField) -> str | None:
    """Options go with those of one other choice of the type, and not in a circle. Cost: one query where it depends."""
    if not own.depends_on:
        stray = own.kind in CHOOSES and any(isinstance(o, dict) and o.get("for") for o in own.options or ())
        return _("Name the field on which the options depend.") if stray else None
    others = {row.key: row for row in CustomField.objects.filter(type=own.type, archived_at=None, kind="choice").exclude(key=own.key)}
    parent = others.get(own.depends_on)
    if own.kind not in CHOOSES or parent is None:
        return _("Options depend on another own field that is a choice.")
    step = parent
    while step is not None and step.depends_on:
        if step.depends_on == own.key:
            return _("These fields would depend on each other in a circle: %(names)s.") % {"names": f"{own.label}, {parent.label}"}
        step = others.get(step.depends_on)
    known = {o["key"] for o in parent.options}
    unknown = [k for o in own.options or () if isinstance(o, dict) for k in o.get("for", []) if k not in known]
    return _("“%(name)s” has no option “%(key)s”.") % {"name": parent.label, "key": str(unknown[0])[:60]} if unknown else None


def _clean_default(own: CustomField, errors: dict) -> None:
    if own.default in (None, "", []) or errors:
        own.default = None
        return
    if own.kind in (*GIVEN, *FILES):
        errors["default"] = [_("A field of this kind has no default.")]
        return
    if own.unique:
        errors["default"] = [_("A unique field has no default: the second record would have the value of the first.")]
        return
    f = schema.as_field(own)
    try:
        own.default = f.rules.to_json(f, f.rules.clean(f, own.default))
    except ValueError as error:
        errors["default"] = [str(error)]


def _demand_sight(actor: Actor, own: CustomField, changed: dict, errors: dict) -> None:
    """Who does not see a field does not decide who sees it (Z-08)."""
    if actor.system or own._state.adding or not {"seen_by", "sensitive", "edited_by"} & changed.keys():
        return
    before = changed.get("seen_by", own.seen_by) or (schema.TRUSTED if changed.get("sensitive", own.sensitive) else ())
    if before and not actor.roles & set(before):
        name = next(n for n in ("seen_by", "sensitive", "edited_by") if n in changed)
        errors[name] = [_("Only those who see this field may decide who sees and edits it.")]


def _demand_room(own: CustomField) -> None:
    same_type = CustomField.objects.filter(type=own.type, archived_at=None).exclude(pk=own.pk)
    limits.demand("custom_fields_per_type", same_type.count() + 1, _("own fields"))
    if own.fast:
        limits.demand("fast_fields_per_type", same_type.filter(fast=True).count() + 1, _("fast fields"))


def _demand_fits_records(object_type: ObjectType, own: CustomField, changed: dict) -> None:
    """What the change would make wrong of records there are is refused with their number. Cost: a query for each question."""
    fresh = own._state.adding
    becomes_required = own.required and own.default is None and (fresh or "required" in changed)
    before = {o["key"] for o in changed.get("options") or ()} if not fresh and "options" in changed and own.kind in CHOOSES else set()
    removed = before - {o["key"] for o in own.options}
    if becomes_required or removed or (own.unique and "unique" in changed):
        sql.lock(company().id, schema.lock_of(own.type))
    if becomes_required and (count := own_values.without_value(object_type, own).count()):
        told = ngettext(
            "%(n)d record has no value; give a default, or make the field required later.",
            "%(n)d records have no value; give a default, or make the field required later.", count,
        )  # fmt: skip
        raise RuleError({"required": [told % {"n": count}]})
    for key in sorted(removed):
        if count := own_values.with_option(object_type, own, key).count():
            told = ngettext(
                "The option “%(key)s” is in use by %(n)d record; archive the option instead.",
                "The option “%(key)s” is in use by %(n)d records; archive the option instead.", count,
            )  # fmt: skip
            raise RuleError({"options": [told % {"key": key[:60], "n": count}]})


# What follows -------------------------------------------------------------------------------------------------------


def changed(actor: Actor, own: CustomField, changes: dict) -> None:
    """Indexes, numbers and first values follow in this transaction or in jobs; the fields of the type are read anew."""
    fresh = own.version == 1
    schema.forget()
    object_type = registry.get(own.type)
    if object_type is None:  # its object is archived: there is nothing to index
        return
    if own.archived_at is None and (fresh or {"fast", "archived_at"} & changes.keys()):
        _demand_room(own)  # here, where all of a batch are stored, each sees the others
    if "archived_at" in changes:
        _archived(own) if own.archived_at is not None else _restored(object_type, own)
    index = own_values.index_of(object_type, own)
    if fresh or {"unique", "archived_at"} & changes.keys():
        _keep_unique(own, index, fresh)
    if fresh or {"fast", "archived_at"} & changes.keys():
        _keep_fast(actor, own, index, fresh)
    if own.archived_at is None and (fresh or "archived_at" in changes) and own.kind == "autonumber":
        own_values.number_later(actor, object_type, own)
    if own.archived_at is None and own.required and own.default is not None and (fresh or {"required", "default"} & changes.keys()):
        own_values.fill_later(actor, object_type, own)


def _keep_unique(own: CustomField, index: sql.OwnIndex, fresh: bool) -> None:
    if own.unique and own.archived_at is None:
        if index.has_duplicates():
            raise RuleError({"unique": [_("Some records share a value of this field; it cannot become unique.")]})
        index.keep_unique()
    elif not fresh:
        index.drop("u")


def _keep_fast(actor: Actor, own: CustomField, index: sql.OwnIndex, fresh: bool) -> None:
    wanted = own.fast and own.archived_at is None
    state = "building" if wanted else ""
    if own.fast_state != state:
        own.fast_state = state
        with permit():
            CustomField.objects.filter(pk=own.pk).update(fast_state=state)
    kept = own_values.indexes(own)
    if kept:
        jobs.promise("index-own-field", {"field": str(own.pk)}, actor)
    if not fresh:
        index.drop(*({"f", "d"} - set(kept)))


def _archived(own: CustomField) -> None:
    _one_at_a_time()
    used = users_of(own)
    if used:
        raise RuleError({"_": [_("This field is used by: %(names)s. Change these first.") % {"names": ", ".join(used)}]})


def _restored(object_type: ObjectType, own: CustomField) -> None:
    own._state.adding = False
    if problem := key_problem(object_type, own):
        raise RuleError({"_": [problem]})
    if own.kind in schema.COMPUTED and (problems := derived.problems(own)):
        raise RuleError({"_": [sentence for sentences in problems.values() for sentence in sentences]})


def users_of(own: CustomField) -> list[str]:
    """What of the set-up reads this field, by name. Cost: five queries."""
    found = [row.label for row in derived.readers(own)] + entering.asking_for(own.type, own.key)
    found += [row.label for row in CustomField.objects.filter(type=own.type, depends_on=own.key, archived_at=None)]
    word = re.compile(rf"(?<![\w.]){re.escape(own.key)}(?!\w)")
    found += [row.name for row in Rule.objects.filter(type=own.type, archived_at=None) if word.search(row.condition)]
    for row in FormRule.objects.filter(type=own.type, archived_at=None):
        if own.key in row.fields or f'"{own.key}"' in str(row.condition).replace("'", '"'):
            found.append(row.name)
    return sorted(dict.fromkeys(found))
