"""Values made of several controls, whose JSON nobody sees: conditions, names in other languages, lists of fields, options by field.

``control`` makes what parts/composed.html reads, ``plain`` turns what was sent back into the text of one field.
"""

import json
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from core import access, record_types, registry
from core.access import Actor
from core.codes import LANGUAGES
from core.forms import Entry, Offer
from core.models.columns import FilterField
from core.registry import Field, ObjectType
from core.shaped import RECORD_TYPE
from core.views import conditions, filters

WORDS = ("labels", "plurals", "helps", "messages")
BY_TYPE = {("form-rules", "fields"): "names", ("record-types", "choices"): "options"}
CHOSEN = {("rules", "field"): "field", ("rules", "record_type"): "sort"}  # texts that are chosen among what the row's type has
SHAPE = ".shape"


def shape_of(slug: str, f: Field) -> str:
    """The sort of composed control a field has, none where it is a plain one. What is about a type hangs on the field ``type`` beside it."""
    if (slug, f.name) in CHOSEN:
        return CHOSEN[slug, f.name]
    if f.kind != "json" or f.custom:
        return ""
    if f.model is not None and isinstance(f.model._meta.get_field(f.path), FilterField):
        return "condition"
    return "words" if f.name in WORDS else BY_TYPE.get((slug, f.name), "")


def names(made: Offer) -> dict[str, str]:
    """Field -> shape, of the composed ones that a form offers."""
    found = {n: shape_of(made.type.slug, f) for n, f in made.fields.items()}
    return {n: shape for n, shape in found.items() if shape and (shape == "words" or "type" in made.type.fields)}


def about(actor: Actor, text: Any) -> ObjectType | None:
    """The type a row of the set-up is about, if the actor sees it."""
    found = registry.get(text) if isinstance(text, str) and text else None
    return found if found is not None and access.allows(actor, found, "view") else None


# Reading ------------------------------------------------------------------------------------------------------------


def plain(actor: Actor, made: Offer, sent: QueryDict, slug: str = "") -> QueryDict:
    """What was sent, each composed control as the JSON text of its field. ``slug`` is the type of a row that says it no longer changes."""
    shapes = {n: shape for n, shape in names(made).items() if f"{n}{SHAPE}" in sent}
    if not shapes:
        return sent
    told = sent.copy()
    for name, shape in shapes.items():
        value = _read(actor, about(actor, sent.get("type", "") or slug), sent, name, shape)
        told[name] = "" if value in (None, [], {}) else json.dumps(value, ensure_ascii=False)
    return told


def _read(actor: Actor, object_type: ObjectType | None, sent: QueryDict, name: str, shape: str) -> Any:
    if shape == "words":
        return {tag: text for tag in LANGUAGES if (text := sent.get(f"{name}.{tag}", "").strip())}
    if object_type is None:
        return None
    if shape == "condition":
        node = conditions.edited(actor, object_type, sent, name) if f"{name}{conditions.DO}" in sent else None
        return conditions.of_group(actor, object_type, node) if node is not None else conditions.read(actor, object_type, sent, name)
    if shape == "names":
        return sent.getlist(f"{name}.names")
    return {n: chosen for n in _choices(actor, object_type) if (chosen := sent.getlist(f"{name}.{n}"))}


# Showing ------------------------------------------------------------------------------------------------------------


def control(
    actor: Actor, made: Offer, name: str, entry: Entry, errors: list[str], sent: Any = None, slug: str = ""
) -> dict[str, Any]:  # fmt: skip
    """The control of a composed field. Cost: that of ``conditions.control``."""
    f, shape = made.fields[name], names(made)[name]
    value = _value(entry.texts.get(name, ""))
    object_type = about(actor, entry.texts.get("type", "") or slug)
    if shape in CHOSEN.values():
        return _chosen(actor, object_type, shape, entry.texts.get(name, ""))
    base = {
        "name": name, "kind": "composed", "shape": shape, "label": f.label, "required": f.required, "errors": errors, "help": f.help, "full": True,
        "about": object_type.slug if object_type is not None else "",
    }  # fmt: skip
    if shape == "words":
        given = value if isinstance(value, dict) else {}
        return base | {"words": [{"tag": tag, "label": label, "text": given.get(tag, "")} for tag, label in LANGUAGES.items() if tag != "en"]}
    if object_type is None:
        return base | {"waiting": _("Choose the type first.")}
    if shape == "condition":
        if sent is not None and conditions.is_sent(sent, name):
            group = conditions.edited(actor, object_type, sent, name)
            return base | {"condition": conditions.shown(actor, object_type, group, name, errors, f.label)}
        return base | {"condition": conditions.control(actor, object_type, value, name, errors, f.label)}
    if shape == "names":
        chosen = value if isinstance(value, list) else []
        known = {n: o.label or n for n, o in access.fields(actor, object_type).items() if _in_forms(n, o)}
        return base | {"options": [{"value": n, "label": label, "selected": n in chosen} for n, label in known.items()]}
    chosen = value if isinstance(value, dict) else {}
    return base | {
        "choices": [
            {"name": f"{name}.{n}", "label": o.label, "options": [{"value": k, "label": v, "selected": k in chosen.get(n, ())} for k, v in o.choices().items()]}
            for n, o in _choices(actor, object_type).items()
        ]
    }  # fmt: skip


def _chosen(actor: Actor, object_type: ObjectType | None, shape: str, text: str) -> dict[str, Any]:
    """A choice among the fields, or the record types, of the type a row is about; what was said before stays possible."""
    known: dict[str, Any] = {}
    if object_type is not None:
        fields = access.fields(actor, object_type)
        sort = fields.get(RECORD_TYPE)
        known = {n: o.label or n for n, o in fields.items() if _in_forms(n, o)} if shape == "field" else sort.choices() if sort is not None else {}
    options = [{"value": k, "label": label, "selected": k == text} for k, label in known.items()]
    options += [{"value": text, "label": text, "selected": True}] if text and text not in known else []
    return {"kind": "choice", "options": options, "about": object_type.slug if object_type is not None else ""}


def _value(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) and text else text or None
    except ValueError:
        return None


def _in_forms(name: str, f: Field) -> bool:
    return not (f.readonly or f.compute or f.unasked or f.kind == "secret" or name == RECORD_TYPE or f.expression is not None)


def _choices(actor: Actor, object_type: ObjectType) -> dict[str, Field]:
    return {n: f for n, f in access.fields(actor, object_type).items() if f.kind in record_types.CHOOSES and _in_forms(n, f)}


def told(actor: Actor, object_type: ObjectType, f: Field, record: Any) -> str | None:
    """A composed value in words, None where it is none. Cost: one query for each type whose records a condition names."""
    shape, value = shape_of(object_type.slug, f), f.value(record)
    if not shape or not value:
        return None
    if shape == "words":
        return ", ".join(str(v) for v in value.values()) if isinstance(value, dict) else None
    other = about(actor, getattr(record, "type", ""))
    if other is None:
        return None
    known = access.fields(actor, other)
    if shape in CHOSEN.values():
        labels = {n: o.label for n, o in known.items()} if shape == "field" else known[RECORD_TYPE].choices() if RECORD_TYPE in known else {}
        return str(labels.get(value) or value)
    if shape == "condition":
        return filters.sentence(actor, other, value)
    if shape == "names":
        return ", ".join(str(known[n].label) for n in value if n in known)
    parts = [f"{known[n].label}: {', '.join(str(known[n].choices().get(k, k)) for k in keys)}" for n, keys in value.items() if n in known]
    return "; ".join(parts)


__all__ = ["control", "names", "plain", "shape_of", "told"]
