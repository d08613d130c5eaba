"""The part of the sheet of a field that says what a roll-up adds up: over which records, what of them, and only where what holds."""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import access, own_fields, registry
from core.access import Actor
from core.errors import OdosError
from core.registry import Field, ObjectType
from core.views import conditions, pages

AGGREGATES = (
    ("count", gettext_lazy("How many")), ("sum", gettext_lazy("Sum")), ("average", gettext_lazy("Average")), ("min", gettext_lazy("Least")),
    ("max", gettext_lazy("Most")),
)  # fmt: skip
TEXTS = ("rollup.from", "rollup.aggregate", "rollup.of")
ONLY = "rollup.only"  # the control of its filter
OVER = "rollup.over"  # the type that the control is about: of another one its words would mean nothing


def read(actor: Actor, sent: Any) -> dict[str, Any]:
    """The roll-up as the API has it. Cost: none."""
    slug, _dot, field = sent.get("rollup.from", "").partition(".")
    made = {"type": slug, "field": field, "aggregate": sent.get("rollup.aggregate", "count")}
    of, other = sent.get("rollup.of", "").rpartition(".")[2], _other(actor, slug)
    only = conditions.read(actor, other, sent, ONLY) if other is not None and sent.get(OVER) == slug else None
    return made | ({"of": of} if made["aggregate"] != "count" and of else {}) | ({"filter": only} if only else {})


def texts(said: dict[str, Any] | None) -> dict[str, str]:
    """What stands in the sheet of a roll-up there is."""
    said = said or {}
    of_type = said.get("type", "")
    return {"rollup.from": f"{of_type}.{said.get('field', '')}", "rollup.aggregate": said.get("aggregate", ""), "rollup.of": f"{of_type}.{said.get('of', '')}"}


def choices(actor: Actor, object_type: ObjectType, standing: dict[str, Any], stored: Any, sent: Any) -> dict[str, Any]:
    """The references to this type, the fields of what refers to it, and the control of the filter: as it was sent, else as it is ``stored``."""
    froms, ofs = [], []
    for other in registry.every():
        if other.rows or not other.in_menu or not access.allows(actor, other, "view"):
            continue
        known = access.fields(actor, other)
        by = [f for f in known.values() if f.kind in ("ref", "user") and f.target == object_type.slug and not f.compute and f.name != "id"]
        froms += [_choice(other, f, standing["rollup.from"]) | {"label": f"{other.plural} · {f.label}"} for f in by]
        if by:
            figures = [f for f in known.values() if f.kind in (*own_fields.FIGURES, "date", "datetime") and f.is_in_sql and f.name not in ("version", "rate")]
            ofs += [_choice(other, f, standing["rollup.of"]) for f in figures]
    aggregates = [{"value": k, "label": label, "selected": k == standing["rollup.aggregate"]} for k, label in AGGREGATES]
    return {"froms": froms, "ofs": ofs, "aggregates": aggregates, **_only(actor, standing["rollup.from"], stored, sent)}


def _only(actor: Actor, chosen: str, stored: Any, sent: Any) -> dict[str, Any]:
    """The control for the records of the type chosen; nothing where none is."""
    slug = chosen.partition(".")[0]
    other = _other(actor, slug)
    if other is None:
        return {"over": "", "only": None}
    same = sent.get(OVER) == slug
    group = conditions.edited(actor, other, sent, ONLY) if same else conditions.of_node(actor, other, stored)
    return {"over": slug, "only": conditions.shown(actor, other, group, ONLY, label=_("Only where"))}


def _other(actor: Actor, slug: str) -> ObjectType | None:
    other = registry.get(slug)
    return other if other is not None and not other.rows and access.allows(actor, other, "view") else None


def _choice(object_type: ObjectType, f: Field, chosen: str) -> dict[str, Any]:
    value = f"{object_type.slug}.{f.name}"
    return {"value": value, "label": f.label, "group": object_type.plural, "selected": value == chosen}


def _show(request: HttpRequest, actor: Actor, error: OdosError | None = None) -> HttpResponseBase:
    """The control anew, where another type was chosen."""
    pages.type_or_missing("custom-fields", actor, "view")
    return pages.render(request, actor, "pages/field_sheet.html#only", _only(actor, request.POST.get("rollup.from", ""), None, request.POST))


only = pages.page(_show, _show)

__all__ = ["TEXTS", "choices", "only", "read", "texts"]
