"""Short lists on the page of a record: its people, what is open, what is due; each with its count, its sum and the whole list behind it."""

import json
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from core import access, context, query, read, registry, structures
from core.access import Actor
from core.models.record import Record
from core.query import Listing
from core.read import Ref, Shown
from core.registry import Excerpt, Field, ObjectType
from core.views import pages, tables

FEW = 5
REACHED = {"email": ("mailto:", "mail"), "phone": ("tel:", "phone")}


def of_record(actor: Actor, object_type: ObjectType, found: Record) -> dict[str, list[dict[str, Any]]]:
    """Lists that hold something, in the order declared: ``main`` and ``aside``. Cost: for each two queries and one a type referred to."""
    made: dict[str, list] = {"main": [], "aside": []}
    for entry in object_type.overview:
        other = registry.get(entry.slug)
        if other is None or not access.allows(actor, other, "view") or entry.field not in access.fields(actor, other):
            continue
        card = _card(actor, other, entry, found)
        if card is not None:
            made["aside" if entry.aside else "main"].append(card)
    return made


def _card(actor: Actor, other: ObjectType, entry: Excerpt, found: Record) -> dict[str, Any] | None:
    known = access.fields(actor, other)
    condition = [entry.field, "eq", str(found.pk)]
    whole = {"all": [condition, *([entry.filter] if entry.filter else [])]}
    if not _names(entry.filter) <= known.keys():
        return None  # whoever may not see what it is chosen by cannot be told what it holds
    names = [n for n in entry.columns or other.columns if n in known]
    money = next((n for n in names if known[n].kind == "money" and not known[n].compute), "")
    wanted = Listing(conditions=(whole,), sort=entry.sort or other.sort, limit=FEW)
    records = query.page(actor, other, wanted).records
    if not records:
        return None
    count, sums = query.total(actor, other, replace(wanted, sums=(money,) if money else ()))
    shown = read.present(actor, other, records, only={*names, other.title})
    home = pages.address(other)
    return {
        "label": entry.label, "icon": other.icon, "count": count, "url": _address(home, entry, condition, whole),
        "sum": known[money].rules.text(known[money], sums[money], context.company().currency) if money else "",
        "rows": [_row(other, one, names, money, entry) for one in shown], "more": count > len(records),
        "new": f"{home}new/?{entry.field}={found.pk}" if entry.aside and other.writable and access.allows(actor, other, "add") else "",
    }  # fmt: skip


def _names(node: Any) -> set[str]:
    """The fields a filter names."""
    if isinstance(node, dict):
        return {name for parts in node.values() for part in parts for name in _names(part)}
    return {node[0].partition(".")[0]} if node else set()


def _address(home: str, entry: Excerpt, condition: list, whole: dict) -> str:
    """The list of exactly these, in plain words of the address where the filter is one comparison."""
    if entry.filter is None:
        return f"{home}?{condition[0]}={condition[2]}"
    if isinstance(entry.filter, list) and entry.filter[1] == "eq" and isinstance(entry.filter[2], str):
        return f"{home}?{condition[0]}={condition[2]}&{entry.filter[0]}={entry.filter[2]}"
    return f"{home}?{pages.urlencode({'filter': json.dumps(whole, separators=(',', ':'))})}"


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
