"""A layout drawn: the cards of a record's page above, in and beside the open tab, and the sections of a form.

What a card shows is read by whoever calls; here it is only put where the layout has it. Nothing of a closed tab is read.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Protocol

from django.utils.translation import gettext as _

from core import access, registry
from core.access import Actor
from core.layouts import Item, Plan, Section, Tab
from core.registry import ObjectType

APART = ("chain", "excerpts", "notes", "people")  # blocks that are cards of their own


def seen(actor: Actor, object_type: ObjectType, plan: Plan) -> Plan:
    """The layout without what this reader does not see, and without tabs of which nothing is left; the first stays. Cost: none."""
    known = access.fields(actor, object_type)

    def shows(item: Item) -> bool:
        if item.kind == "field":
            return item.name in known
        return item.kind != "related" or list_of(actor, item) is not None

    def kept(section: Section) -> Section:
        return Section(section.label, section.columns, section.place, section.folded, tuple(i for i in section.items if shows(i)))

    tabs = [Tab(tab.key, tab.label, tuple(kept(s) for s in tab.sections)) for tab in plan.tabs]
    return Plan(tuple(t for i, t in enumerate(tabs) if i == 0 or any(s.items for s in t.sections)), plan.made)


def list_of(actor: Actor, item: Item) -> tuple[ObjectType, str] | None:
    """The type and field of a related list, if the actor sees both."""
    slug, _point, name = item.name.partition(".")
    other = registry.get(slug)
    if other is None or not access.allows(actor, other, "view") or name not in access.fields(actor, other):
        return None
    return other, name


def label_of(actor: Actor, tab: Tab, first: bool, tabs: Iterable[Tab]) -> Any:
    """What a tab is called: as the layout says, else after the list it holds."""
    if str(tab.label):
        return tab.label
    for item in tab.named("related"):
        found = list_of(actor, item)
        if found is not None:
            other, name = found
            alike = [i for t in tabs for i in t.named("related") if i.name.partition(".")[0] == other.slug]
            field = access.fields(actor, other)[name].label
            return other.plural if alike[0].name == item.name else _("%(things)s: %(field)s") % {"things": other.plural, "field": field}
    return _("Overview") if first else _("More")


# A record's page ------------------------------------------------------------------------------------------------------


class Drawing(Protocol):
    """What of a page the items of a layout are. Each is None, or an empty list, where there is nothing of it."""

    def facts(self, names: list[str]) -> list[dict[str, Any]]: ...

    def figures(self, items: list[Item]) -> list[dict[str, Any]]: ...

    def related(self, item: Item) -> dict[str, Any] | None: ...

    def block(self, name: str) -> dict[str, Any] | None: ...


def page(plan: Plan, tab: Tab | None, drawing: Drawing) -> dict[str, list[dict[str, Any]]]:
    """Cards by place: those of the open tab, and of the first one what stands on every tab. A tab of None is one no layout has."""
    first = plan.tabs[0]
    areas: dict[str, list[dict[str, Any]]] = {"top": [], "main": [], "side": []}
    for one in (first,) if tab is None or tab is first else (first, tab):
        for section in one.sections:
            here = section if one is tab else _everywhere(section)
            if here is not None:
                _place(areas[here.place], here, drawing)
    return areas


def _everywhere(section: Section) -> Section | None:
    """What of a section of the first tab stands on the others too: figures above, and what is beside but short lists."""
    if section.place == "top":
        items = tuple(i for i in section.items if i.kind == "figure")
        return replace(section, items=items) if items else None
    items = tuple(i for i in section.items if i.name != "people")
    return replace(section, items=items) if section.place == "side" else None


def _place(cards: list[dict[str, Any]], section: Section, drawing: Drawing) -> None:
    names = section.fields()
    if section.folded and cards and cards[-1].get("names"):  # folded in the form; here it is read with what stands before it
        last = cards[-1]
        last["names"] = [*last["names"], *names]
        last["pieces"][0]["facts"] = drawing.facts(last["names"])
        return
    pieces, apart = [], []
    if names:
        pieces.append({"kind": "facts", "facts": drawing.facts(names), "columns": section.columns, "narrow": section.place == "side"})
    strip = [i for i in section.items if i.kind == "figure"]
    if strip and (told := drawing.figures(strip)):
        pieces.append({"kind": "figures", "figures": told})
    for item in section.items:
        piece = drawing.related(item) if item.kind == "related" else drawing.block(item.name) if item.kind == "block" else None
        if piece is not None:
            (apart if item.name in APART else pieces).append(piece | {"kind": "related" if item.kind == "related" else item.name})
    if any(p["kind"] != "facts" or p["facts"] for p in pieces) or (names and section.place == "side" and not str(section.label)):
        cards.append({"heading": section.label, "pieces": pieces, "names": names, "place": section.place})
    cards += [{"apart": piece} for piece in apart]


# A form ---------------------------------------------------------------------------------------------------------------


def form(plan: Plan, controls: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Sections of controls by tab, then what is folded, then required fields that no section has. Controls nobody placed are left out.

    The sections of a form have their fields in two columns unless the layout says one.
    """
    tabs, folded = [], []
    for index, tab in enumerate(plan.tabs):
        sections: list[dict[str, Any]] = []
        for section in tab.sections:
            found = [controls[n] for n in section.fields() if n in controls]
            must = [c for c in found if c["required"]] if section.folded else []
            if must and sections:
                sections[-1]["fields"] += must
                found = [c for c in found if c not in must]
            if not found:
                continue
            made = {"label": section.label, "columns": 2 if section.place == "side" else section.columns, "fields": found}
            if section.folded:
                folded.append(made | {"label": section.label or _("More"), "open": any(c.get("given") or c["errors"] for c in found)})
            else:
                sections.append(made)
        if sections:
            tabs.append({"key": tab.key, "label": tab.label or (_("More") if index else _("Overview")), "sections": sections})
    placed = set(plan.fields())
    also = [c for n, c in controls.items() if n not in placed and (c["required"] or c["errors"])]
    return {"tabs": tabs, "folded": folded, "also": also}
