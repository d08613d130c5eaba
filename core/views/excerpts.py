"""Short lists on the page of a record: its people, what is open, what is due; each with its count, its sum and the whole list behind it."""

from collections.abc import Callable, Hashable
from itertools import chain
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from core import access, conditions, context, query, read, registry, structures, worded
from core.access import Actor
from core.listings import Listing
from core.models.record import Record
from core.prepared import ask_together
from core.read import Ref, Shown
from core.registry import Excerpt, Field, ObjectType
from core.views import pages, tables
from core.views.behind import Added, Part

FEW = 5
PLACE = "excerpt "  # and the place of the list among those declared
REACHED = {"email": ("mailto:", "mail"), "phone": ("tel:", "phone")}


def parts(actor: Actor, object_type: ObjectType) -> dict[str, Part]:
    """The lists that this reader sees of a type's records, in the order declared, by the place of each. Cost: none."""
    made = {}
    for i, entry in enumerate(object_type.overview):
        other = registry.get(entry.slug)
        known = access.fields(actor, other) if other is not None and access.allows(actor, other, "view") else {}
        if entry.field in known and _names(entry.filter) <= known.keys():  # who may not see what it is chosen by cannot be told what it holds
            money = next((n for n in _columns(actor, other, entry) if known[n].kind == "money" and not known[n].compute), "")
            made[f"{PLACE}{i}"] = Part(other, entry.field, entry.filter, money)
    return made


def of_record(actor: Actor, object_type: ObjectType, found: Record, added: dict[str, Added]) -> dict[str, list[dict[str, Any]]]:
    """Lists that hold something, in the order declared: ``main`` and ``aside``. Cost: one query for all, and one for what they refer to."""
    made: dict[str, list] = {"main": [], "aside": []}
    named = [(object_type.overview[int(name.removeprefix(PLACE))], part, added[name]) for name, part in parts(actor, object_type).items() if added[name].count]
    firsts = [_first(actor, part, entry) for entry, part, _added in named]
    ask_together(chain.from_iterable(worded.asked(actor, *first, found.pk) for first in firsts))
    wanted = [
        (part.type, worded.records(actor, *first, found.pk), {*_columns(actor, part.type, entry), part.type.title})
        for (entry, part, _added), first in zip(named, firsts, strict=True)
    ]
    for (entry, part, told), shown in zip(named, read.present_each(actor, wanted), strict=True):
        made["aside" if entry.aside else "main"].append(_card(actor, part, entry, found, told, shown))
    return made


def _first(actor: Actor, part: Part, entry: Excerpt) -> tuple[Hashable, Callable[[UUID], QuerySet]]:
    """What finds the records that the list shows, as ``core.worded`` has it."""
    other = part.type

    def first(ident: UUID) -> QuerySet:
        return query.ordered(actor, other, Listing(conditions=(part.conditions(ident),), sort=entry.sort or other.sort))[:FEW]

    return ("excerpt", other.slug, entry.field, str(entry.filter), entry.sort), first


def _columns(actor: Actor, other: ObjectType, entry: Excerpt) -> list[str]:
    known = access.fields(actor, other)
    return [n for n in entry.columns or other.columns if n in known]


def _card(actor: Actor, part: Part, entry: Excerpt, found: Record, added: Added, shown: list[Shown]) -> dict[str, Any]:
    other, money = part.type, part.money
    names, known, home = _columns(actor, other, entry), access.fields(actor, other), pages.address(other)
    return {
        "label": entry.label, "icon": other.icon, "count": added.count, "url": _address(home, entry, part, found),
        "sum": known[money].rules.text(known[money], added.sum, context.company().currency) if money else "",
        "rows": [_row(other, one, names, money, entry) for one in shown], "more": added.count > len(shown),
        "new": f"{home}new/?{entry.field}={found.pk}" if entry.aside and other.writable and access.allows(actor, other, "add") else "",
    }  # fmt: skip


def _names(node: Any) -> set[str]:
    """The fields a filter names."""
    if isinstance(node, dict):
        return {name for parts in node.values() for part in parts for name in _names(part)}
    return {node[0].partition(".")[0]} if node else set()


def _address(home: str, entry: Excerpt, part: Part, found: Record) -> str:
    """The list of exactly these, in plain words of the address where the filter is one comparison."""
    if entry.filter is None:
        return f"{home}?{entry.field}={found.pk}"
    if isinstance(entry.filter, list) and entry.filter[1] == "eq" and isinstance(entry.filter[2], str):
        return f"{home}?{entry.field}={found.pk}&{entry.filter[0]}={entry.filter[2]}"
    return f"{home}?{pages.urlencode({'filter': conditions.text(part.conditions(found.pk))})}"


def _row(other: ObjectType, shown: Shown, names: list[str], money: str, entry: Excerpt) -> dict[str, Any]:
    said, reached = [], []
    for name in names:
        f, value = shown.fields[name], shown.values[name]
        if name in (other.title, money) or f.rules.is_empty(value):
            continue
        if f.kind in REACHED:
            scheme, icon = REACHED[f.kind]
            reached.append({"url": f"{scheme}{str(value).replace(';ext=', ',')}", "icon": icon, "label": f"{f.label}: {shown.text(name)}"})
            continue
        text = _said(other, shown, name, f, value)
        if text:
            late = name == entry.late and value < structures.today()
            said.append({"text": _("%(label)s %(date)s") % {"label": f.label, "date": text} if f.kind == "date" else text, "late": late})
    return {
        "title": shown.label, "url": pages.address(other, shown.id), "said": said, "reached": reached,
        "amount": shown.text(money) if money else "",
        "avatar": {"initials": pages.initials(shown.label), "hue": pages.hue(shown.label)} if entry.aside and other.title == "name" else None,
    }  # fmt: skip


def _said(other: ObjectType, shown: Shown, name: str, f: Field, value: Any) -> str:
    if name == "status" and other.has_status:
        return tables.status_label(other, value)
    return value.label if isinstance(value, Ref) else shown.text(name)
