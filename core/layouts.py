"""How form and page of a type are laid out: the layout a reader gets of a record, the standard one, and what may stand in one.

A layout's ``content`` is ``{"tabs": [{"key", "label", "labels", "sections": [{"label", "labels", "columns", "place", "folded",
"items": [...]}]}]}``; an item is a field, a related list ``slug.field``, a figure with its dimension, or a block of the page.
"""

import re
from dataclasses import dataclass
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import access, kpi, registry, schema, shaped
from core.access import Actor
from core.codes import LANGUAGES
from core.errors import RuleError
from core.labels import in_language, wording_problem
from core.models import Layout
from core.registry import Field, ObjectType
from core.shaped import RECORD_TYPE, Made

# What a page is made of besides fields, related lists and figures.
BLOCKS = {
    "chain": gettext_lazy("Chain of documents"), "excerpts": gettext_lazy("Short lists"), "lines": gettext_lazy("Lines"),
    "timeline": gettext_lazy("Timeline"), "notes": gettext_lazy("Notes"), "people": gettext_lazy("Short lists beside"),
}  # fmt: skip
PLACES = ("top", "main", "side")
STAMPS = ("id", "version", "created_at", "updated_at", "archived_at")
SUMS = ("net", "charges_total", "tax", "total")  # of a document: they stand under its lines
TABS, SECTIONS, ITEMS, LABEL = 12, 40, 300, 80
TAB_KEY = re.compile(r"([a-z0-9][a-z0-9.-]{0,59})?", re.ASCII)
TAKEN = ("history",)  # a tab every record has


@dataclass(frozen=True)
class Item:
    """One thing of a section: ``kind`` is field, related, figure or block."""

    kind: str
    name: str
    dimension: str = ""


@dataclass(frozen=True)
class Section:
    """``place`` is above the tabs, in the tab, or beside it. A ``folded`` one is folded in the form; on the page it joins the one before it."""

    label: Any = ""
    columns: int = 2
    place: str = "main"
    folded: bool = False
    items: tuple[Item, ...] = ()

    def fields(self) -> list[str]:
        return [i.name for i in self.items if i.kind == "field"]


@dataclass(frozen=True)
class Tab:
    key: str
    label: Any
    sections: tuple[Section, ...]

    def named(self, kind: str) -> list[Item]:
        return [i for s in self.sections for i in s.items if i.kind == kind]


@dataclass(frozen=True)
class Plan:
    """A layout to draw; ``made`` is its row, none where it is the standard one."""

    tabs: tuple[Tab, ...]
    made: Made | None = None

    def fields(self) -> list[str]:
        return [i.name for tab in self.tabs for i in tab.named("field")]


# Which layout ---------------------------------------------------------------------------------------------------------


def of(actor: Actor, object_type: ObjectType, record_type: str = "") -> Plan:
    """The layout this reader gets of a record of this sort: that of his role before that of all, that of the sort before any. Cost: none."""
    fitting = [m for m in shaped.of(object_type).layouts if m.record_type in ("", record_type) and (not m.role or m.role in actor.roles)]
    if not fitting:
        return plan(standard(actor, object_type))
    made = min(fitting, key=lambda m: (not m.role, not m.record_type, m.id))
    return plan(made.content, made)


def stored(object_type: ObjectType, role: str, record_type: str) -> Made | None:
    """Exactly the layout of this role and sort, where there is one. Cost: none."""
    return next((m for m in shaped.of(object_type).layouts if (m.role, m.record_type) == (role, record_type)), None)


def plan(content: dict[str, Any], made: Made | None = None) -> Plan:
    """The content of a layout, which was checked when it was saved, to draw from."""
    return Plan(tuple(_tab(one) for one in content.get("tabs", ())), made)


def _tab(one: dict[str, Any]) -> Tab:
    return Tab(one.get("key", ""), _words(one), tuple(_section(s) for s in one.get("sections", ())))


def _section(one: dict[str, Any]) -> Section:
    items = tuple(_item(i) for i in one.get("items", ()))
    return Section(_words(one), one.get("columns", 2), one.get("place", "main"), bool(one.get("folded")), items)


def _words(one: dict[str, Any]) -> Any:
    return in_language(one.get("label", ""), one.get("labels") or {})


def _item(one: dict[str, Any]) -> Item:
    kind = next(k for k in ("field", "related", "figure", "block") if k in one)
    return Item(kind, one[kind], one.get("dimension", ""))


# The standard one -----------------------------------------------------------------------------------------------------


def standard(actor: Actor, object_type: ObjectType) -> dict[str, Any]:
    """The content that shows all this reader sees of a type, as the registry declares it. Cost: none."""
    main, more, own = _parted(actor, object_type)
    side = [
        {"place": "side", "items": [{"block": "notes"}, {"block": "people"}]},
        {"place": "side", "items": _as_fields(main)},
        {"place": "side", "folded": True, **_in_all_languages(gettext_lazy("More")), "items": _as_fields(more)},
        {"place": "side", **_in_all_languages(gettext_lazy("Own fields")), "items": _as_fields(own)},
    ]
    top = [
        {"place": "top", "items": [{"figure": key, "dimension": dimension} for key, dimension in object_type.figures]},
        {"place": "top", "items": [{"block": "chain"}, {"block": "excerpts"}]},
    ]
    middle = [{"place": "main", "items": [{"block": "lines"}, {"block": "timeline"}]}]
    first = {"key": "", "label": "", "sections": [s for s in (*top, *middle, *side) if s["items"]]}
    lists = [{"key": key, "label": "", "sections": [{"items": [{"related": name}]}]} for key, name in related_tabs(object_type).items()]
    return {"tabs": [first, *lists]}


def _parted(actor: Actor, object_type: ObjectType) -> tuple[list[str], list[str], list[str]]:
    """Names of fields: those of the form, those most people leave as they are, the company's own."""
    known = {n: f for n, f in access.fields(actor, object_type).items() if placeable(object_type, n, f)}
    sort = {n for n, f in known.items() if n == RECORD_TYPE and f.custom}  # rows of the set-up may have a field of that name
    order = sorted(known, key=lambda n: (n not in sort, n == "unit"))
    main = [n for n in order if n in sort or not known[n].custom]
    more = [n for n in main if n in object_type.aside]
    return [n for n in main if n not in more], more, [n for n in order if n not in main]


def _as_fields(names: list[str]) -> list[dict[str, str]]:
    return [{"field": name} for name in names]


def placeable(object_type: ObjectType, name: str, f: Field) -> bool:
    """Whether a field stands in a section: not what says itself elsewhere, such as the state in the head or the sums under the lines."""
    if name in STAMPS or (f.expression is not None and f.compute is None) or (f.compute and f.kind == "url"):
        return False
    return not (name == "status" and object_type.has_status) and not (name in SUMS and object_type.totals is not None)


def related_tabs(object_type: ObjectType) -> dict[str, str]:
    """Tab key -> ``slug.field`` of the lists that hang on records of a type: a second one of the same type is keyed by its field as well."""
    found: dict[str, str] = {}
    for slug, name in related(object_type):
        found[f"{slug}.{name}" if slug in found else slug] = f"{slug}.{name}"
    return found


def related(object_type: ObjectType) -> list[tuple[str, str]]:
    """The lists of records that refer to those of this type: those declared, then by the company's own fields."""
    return [*object_type.related, *((slug, f.name) for slug, f in schema.pointing(object_type.slug))]


def referring(actor: Actor, object_type: ObjectType) -> dict[str, str]:
    """``slug.field`` -> label of every list a layout may hold. Cost: none."""
    first, found = [f"{slug}.{name}" for slug, name in related(object_type)], {}
    for slug, name in related(object_type):
        other = registry.get(slug)
        if other is not None and access.allows(actor, other, "view") and name in access.fields(actor, other):
            found[f"{slug}.{name}"] = _("%(things)s: %(field)s") % {"things": other.plural, "field": access.fields(actor, other)[name].label}
    for other in registry.every():
        if other.rows is None and access.allows(actor, other, "view"):
            for name, f in access.fields(actor, other).items():
                if name not in ("id", "unit") and f.is_reference and f.target == object_type.slug and f.rules.ops and not f.compute and f.expression is None:
                    found[f"{other.slug}.{name}"] = _("%(things)s: %(field)s") % {"things": other.plural, "field": f.label}
    return dict(sorted(found.items(), key=lambda item: (item[0] not in first, item[1])))


def figures(actor: Actor, object_type: ObjectType) -> dict[tuple[str, str], str]:
    """(kpi, dimension) -> label of every figure about one record of this type. Cost: that of ``kpi.every_definition``."""
    mine = [d for d in registry.dimensions.values() if d.target == object_type.slug or d.key in {key for _kpi, key in object_type.figures}]
    found = {}
    for definition in kpi.every_definition():
        for dimension in mine:
            if dimension.key in definition.dimensions and kpi.may(actor, definition):
                found[definition.key, dimension.key] = str(definition.name) if len(mine) == 1 else f"{definition.name} · {dimension.label}"
    return found


def _in_all_languages(word: Any) -> dict[str, Any]:
    """A word of the product as a company's own would say it, in each language."""
    said = {}
    for language in LANGUAGES:
        with translation.override(language.lower()):
            said[language] = str(word)
    return {"label": said.pop("en"), "labels": said}


# What may stand in one ------------------------------------------------------------------------------------------------


def type_choices() -> dict[str, Any]:
    """Slug -> label of the types that have pages of their own."""
    return {t.slug: t.plural for t in registry.every() if t.is_listed}


def check(actor: Actor, row: Layout, changed: dict, rows: dict) -> None:
    """A layout names what exists, each thing once, within limits."""
    object_type = registry.get(row.type)
    if object_type is None or object_type.rows:
        raise RuleError({"type": [_("There is no type “%(slug)s” with pages of its own.") % {"slug": row.type[:60]}]})
    if row.record_type and not any(s.key == row.record_type for s in shaped.of(object_type).sorts):
        raise RuleError({"record_type": [_("There is no record type “%(key)s”.") % {"key": row.record_type}]})
    demand(object_type, row.content)


def demand(object_type: ObjectType, content: Any) -> None:
    """Raise RuleError at ``content`` where it is no layout of this type. Cost: that of ``kpi.every_definition``."""
    try:
        _demand_content(object_type, content)
    except ValueError as error:
        raise RuleError({"content": [str(error)]}) from None


def _demand_content(object_type: ObjectType, content: Any) -> None:
    tabs = content.get("tabs") if isinstance(content, dict) and content.keys() == {"tabs"} else None
    if not isinstance(tabs, list) or not 0 < len(tabs) <= TABS:
        raise ValueError(_("A layout has from one to %(n)d tabs.") % {"n": TABS})
    keys, placed = [], []
    for tab in tabs:
        _demand_shape(tab, {"key", "label", "labels", "sections"}, "sections", SECTIONS)
        key = tab.get("key", "")
        if not isinstance(key, str) or not TAB_KEY.fullmatch(key) or key in TAKEN or key in keys:
            raise ValueError(_("Each tab has a key of its own: lower-case letters, digits, points and hyphens."))
        keys.append(key)
        for section in tab["sections"]:
            _demand_shape(section, {"label", "labels", "columns", "place", "folded", "items"}, "items", ITEMS)
            if section.get("columns", 2) not in (1, 2) or section.get("place", "main") not in PLACES or not isinstance(section.get("folded", False), bool):
                raise ValueError(_("A section has one or two columns, and stands above the tabs, in its tab or beside it."))
            placed += section["items"]
    if len(placed) > ITEMS:
        raise ValueError(_("A layout holds at most %(n)d things.") % {"n": ITEMS})
    _demand_items(object_type, placed)


def _demand_shape(one: Any, known: set[str], inside: str, most: int) -> None:
    if not isinstance(one, dict) or one.keys() - known or not isinstance(one.get(inside), list) or len(one[inside]) > most:
        raise ValueError(_("A layout is tabs of sections of items: this one is not, or has too many."))
    if problem := wording_problem(one.get("labels", {}) if isinstance(one.get("label", ""), str) else None):
        raise ValueError(problem)
    if max(len(text) for text in (one.get("label", ""), *one.get("labels", {}).values())) > LABEL:
        raise ValueError(_("A name has at most %(n)d characters.") % {"n": LABEL})


def _demand_items(object_type: ObjectType, placed: list[Any]) -> None:
    met, known = set(), _nameable(object_type)
    for one in placed:
        said = {k: v for k, v in one.items() if isinstance(v, str)} if isinstance(one, dict) else {}
        kind = next((k for k in known if k in said), "")
        if not kind or said != one or said.keys() - ({kind, "dimension"} if kind == "figure" else {kind}):
            raise ValueError(_("An item is a field, a related list, a figure with its dimension, or a block."))
        name = (said[kind], said.get("dimension", "")) if kind == "figure" else said[kind]
        if name not in known[kind]:
            raise ValueError(_("There is no “%(name)s” to place here.") % {"name": said[kind][:60]})
        if (kind, name) in met:
            raise ValueError(_("“%(name)s” stands here twice.") % {"name": said[kind][:60]})
        met.add((kind, name))


def _nameable(object_type: ObjectType) -> dict[str, Any]:
    """What a layout of this type may name: archived fields too, so that it can be saved while one is away."""
    everyone = access.system("layout")
    fields = {n for n, f in schema.fields(object_type).items() if n not in ("id", "version")} | shaped.archived_fields(object_type)
    return {
        "field": fields, "related": referring(everyone, object_type), "figure": figures(everyone, object_type), "block": BLOCKS,
    }  # fmt: skip


def changed(actor: Actor, row: Layout, changes: dict) -> None:
    """Layouts of the company are read anew."""
    schema.forget()
