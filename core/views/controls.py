"""The controls of a form as the templates read them: kind, text, options, sentences. What they mean, ``core.forms`` knows."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from babel.numbers import get_currency_precision
from django.utils.translation import gettext as _

from core import access, collation, context, files, forms, formulas, listings, query, read, registry
from core.access import Actor
from core.codes import CODES
from core.forms import NOTHING, SEVERAL, Entry, Offer, chosen_ids
from core.money import plain
from core.registry import Field, Lines, ObjectType

# A kind of field -> the control of templates/parts/control.html that shows it, where the names differ.
IN_A_ROW = {"longtext": "text", "choices": "ticks"}  # a row is one line high
CONTROL = {"code": "choice", "words": "text", "json": "longtext", "secret": "password", "anyref": "ref", "refnew": "ref", "within": "ref"}
SHORT = 20  # as many records are a plain list; where there are more, the list is searched
OF_EACH = 5
FIND = "find."  # before a field's name: what somebody without a script looks for in a long list
LISTED = 100  # and as many stand in it for those whose browser cannot ask
PARTS = ("quantity", "unit_price", "discount", "tax_code", "amount")  # what the running sums are made of (js/lines.js)
FILLS = ("unit_price", "tax_code", "description")  # what a chosen record fills into the empty controls of its row
SUMS = (("net", "net"), ("charges", "charges_total"), ("tax", "tax"), ("total", "total"))


@dataclass
class Listed:
    """The records a reference may point to, as far as they are listed; ``more`` where there are others."""

    options: list[dict[str, Any]] = field(default_factory=list)
    more: bool = False


class Choices:
    """Options of references for one form, read once for each type. Cost: two queries for each type referred to."""

    def __init__(self, actor: Actor, sent: Any = None):
        self.actor = actor
        self.sought = {n.removeprefix(FIND): t for n, t in (sent or {}).items() if n.startswith(FIND) and t.strip()}
        self.listed: dict[str, Listed] = {}
        self.wanted: dict[str, set] = defaultdict(set)
        self.labels: dict[str, dict] = {}

    def expect(self, f: Field, text: Any) -> None:
        """Note which records are chosen now, so that their names are read together."""
        for slug, ident in chosen_ids(f, text):
            self.wanted[slug].add(ident)

    def name(self) -> None:
        held = self.wanted.pop(files.SLUG, ())
        self.labels = read.labels(self.actor, self.wanted) | {files.SLUG: files.names(held)}

    def of(self, f: Field, text: Any, name: str = "") -> Listed:
        """Options of this reference, what is chosen among them and marked."""
        target = registry.get(f.target)
        if f.kind == "anyref":
            known = Listed(of_any(self.actor, self.sought[name]) if name in self.sought else [], True)
        elif target is not None and name in self.sought:
            known = Listed(list_of(self.actor, target, LISTED, self.sought[name]).options, True)
        else:
            known = self._listed(target) if target else Listed()
        chosen = {(f"{slug}:{i}" if f.kind == "anyref" else str(i)): self.labels.get(slug, {}).get(i, "") for slug, i in chosen_ids(f, text)}
        options = [{**o, "selected": o["value"] in chosen} for o in known.options]
        there = {o["value"] for o in options}
        options += [{"value": v, "label": label or _("(not visible)"), "selected": True} for v, label in chosen.items() if v not in there]
        return Listed(options, known.more)

    def _listed(self, target: ObjectType) -> Listed:
        if target.slug not in self.listed:
            self.listed[target.slug] = list_of(self.actor, target, LISTED)
        return self.listed[target.slug]


def list_of(actor: Actor, target: ObjectType, limit: int, q: str = "") -> Listed:
    """The first records of a type by name, as options; none where the actor sees none. Cost: one query.

    Of documents and lines, whose names are numbers or sentences that no index is of, the newest where they are more than ``limit``.
    """
    if (target.rows and not target.referable) or not access.allows(actor, target, "view"):
        return Listed()
    seen = access.fields(actor, target)
    title = seen.get(target.title)
    sort = target.sort if target.grouped else by_name(title, q)
    found = query.page(actor, target, listings.Listing(q=q, sort=sort, limit=limit)) if title is not None else query.Page([], "", "")
    groups = _groups(actor, target, seen, found.records)
    options = [_option(actor, target, seen, r) | {"group": groups.get(r.pk, "")} for r in found.records]
    if not sort and not found.next:
        options.sort(key=lambda option: collation.sort_key(option["label"]))
    return Listed(options, bool(found.next))


def by_name(title: Field | None, q: str) -> tuple[str, ...]:
    """In which order what a form offers is read: by name, where an index has that order or words have made it few; else the newest first."""
    return (title.name,) if title is not None and title.rules.sorts and (q or title.sort_path) else ()


def _groups(actor: Actor, target: ObjectType, seen: dict[str, Field], records: list) -> dict[Any, str]:
    """Record id -> what it is grouped by, in words. Cost: one query where its type says by what."""
    f = seen.get(target.grouped)
    if f is None or not f.is_reference:
        return {}
    of = {r.pk: f.value(r) for r in records}
    labels = read.labels(actor, {f.target: {v for v in of.values() if v}}).get(f.target, {})
    return {pk: labels.get(value, "") for pk, value in of.items()}


def of_any(actor: Actor, q: str) -> list[dict[str, Any]]:
    """Records of all types by name, as options: ``<slug>:<id>``, with the type as hint. Cost: one query a type."""
    found = []
    for t in registry.every():
        if t.is_listed and t.search and access.allows(actor, t, "view"):
            listed = list_of(actor, t, OF_EACH, q).options
            found += [{"value": f"{t.slug}:{o['value']}", "label": o["label"], "hint": str(t.label)} for o in listed]
    return found


def _option(actor: Actor, target: ObjectType, seen: dict[str, Field], record: Any) -> dict[str, Any]:
    option = {"value": str(record.pk), "label": read.label(actor, target, record)}
    if "rate" in seen and seen["rate"].kind == "percent":
        option["rate"] = plain(record.rate)
    return option


def of_offer(actor: Actor, offer: Offer, entry: Entry, errors: dict[str, list[str]], currency: str, sent: Any = None) -> dict[str, Any]:
    """Controls by name, line editors, and sentences that belong to none. Cost: two queries for each type referred to."""
    choices = Choices(actor, sent)
    for name, f in offer.fields.items():
        choices.expect(f, entry.texts.get(name))
    for lines in offer.lines:
        for row in entry.rows.get(lines.name, []):
            for name, f in forms.open_fields(lines).items():
                choices.expect(f, row.get(name))
    choices.name()
    unit = "" if "currency" in offer.fields else currency  # beside a choice of currency a fixed one would mislead
    made = {n: control(f, n, entry.texts.get(n, ""), errors.get(n, []), choices, unit) for n, f in offer.fields.items()}
    editors = [_editor(lines, entry.rows.get(lines.name, []), errors, choices, currency, offer.picks.get(lines.name)) for lines in offer.lines]
    shown = {*made, *(name for editor in editors for name in editor["names"])}
    return {
        "controls": made, "fields": list(made.values()),
        "editors": editors,
        "sentences": [s if n == "_" else f"{n}: {s}" for n, found in errors.items() if n not in shown for s in found],
        "bad": sum(1 for n in errors if n in shown),
    }


def control(f: Field, name: str, text: Any, errors: list[str], choices: Choices, currency: str = "") -> dict[str, Any]:
    control = {
        "name": name, "kind": CONTROL.get(f.kind, f.kind), "label": f.label, "value": text, "required": f.required, "errors": errors,
        "help": f.help, "full": f.wide, "given": f.kind == "text" and bool(text), "autocomplete": "new-password" if f.kind == "secret" else "off",
    }  # fmt: skip
    if f.kind == "refnew":
        control["blank"] = _("New, from this record")
    if f.kind == "refnew" and f.options:
        control["options"] = [{"value": k, "label": label, "selected": text == k} for k, label in f.choices().items()]
    elif f.is_reference or f.kind in ("anyref", "refnew"):
        listed = choices.of(f, text, name)
        control |= {"options": listed.options, "seek": FIND + name if listed.more else "", "grouped": any(o.get("group") for o in listed.options)}
        if f.kind == "anyref":
            control["lookup"] = "/lookup/any/"
        elif f.kind not in SEVERAL and (listed.more or len(listed.options) > SHORT):
            control["lookup"] = f"/lookup/{f.target}/"
    elif f.kind in ("choice", "choices", "code") or (f.kind == "text" and f.options):
        chosen = text if isinstance(text, list) else [text]
        control["options"] = [{"value": k, "label": label, "selected": k in chosen} for k, label in f.choices().items()]
        if f.kind == "text":
            control["kind"] = "choice"
            if text and text not in f.choices():  # a key of before, such as that of a type that is no more
                control["options"].append({"value": text, "label": text, "selected": True})
        control |= _dependence(f, control["options"])
    elif f.rules.parts:
        control |= {"parts": _parts(f, name, text), "full": True}
    elif f.kind in files.KINDS:
        named = choices.labels.get(files.SLUG, {})
        control["file"] = next(({"name": named.get(i, ""), "url": f"/{files.SLUG}/{i}/"} for _slug, i in chosen_ids(f, text)), None)
    elif f.kind == "formulatext":
        control["groups"] = formulas.describe()
    elif f.kind == "percent":
        control["unit"] = "%"
    elif f.kind == "money" and (f.is_base or currency):
        control["unit"] = context.company().currency if f.is_base else currency
    return control


def _dependence(f: Field, options: list[dict[str, Any]]) -> dict[str, Any]:
    """Of a company's own choice: which options are offered no more, their colours, and with which options of another choice each goes."""
    looks = {o["key"]: o for o in f.looks}
    for option in options:
        look = looks.get(option["value"], {})
        option |= {"color": look.get("color", ""), "goes_with": " ".join(look.get("for", []))}
    options[:] = [o for o in options if o["selected"] or not looks.get(o["value"], {}).get("archived")]
    return {"depends_on": f"id_{f.depends_on}"} if f.depends_on else {}


def _parts(f: Field, name: str, text: Any) -> list[dict[str, Any]]:
    """A control for each part of an address or a point."""
    made = []
    for part, (label, kind) in f.rules.parts.items():
        value = (text or {}).get(part, "") if isinstance(text, dict) else ""
        one = {"name": f"{name}.{part}", "kind": CONTROL.get(kind, kind), "label": label, "value": value, "autocomplete": "off"}
        if kind == "code":
            one["options"] = [{"value": k, "label": words, "selected": k == value} for k, words in CODES["country"]().items()]
        made.append(one)
    return made


# Lines --------------------------------------------------------------------------------------------------------------


def _editor(
    lines: Lines, rows: list[dict], errors: dict[str, list[str]], choices: Choices, currency: str, picks: list[dict] | None = None
) -> dict[str, Any]:
    """What parts/lines.html reads, and under ``names`` which errors it shows. ``picks`` are the rows offered, where no others can be made."""
    known = forms.open_fields(lines)
    cells = [(f, _width(f)) for f in known.values()]
    columns = [{"label": f.label, "css": css, "num": f.rules.sums} for f, css in cells]
    net = lines.fields.get("net")
    if net is not None:
        columns.append({"label": net.label, "css": "l-number", "num": True})
    hints = None if picks is None else {forms.identity(lines, row): row["hint"] for row in picks}
    made = [_row(lines, index, row, errors, choices, hints) for index, row in enumerate(rows)]
    names = [f"{lines.name}.{i}.{n}" for i in range(len(rows)) for n in (*known, "id")] + [lines.name]
    return {
        "name": lines.name, "title": lines.label or _("Lines"), "currency": currency,
        "add": _("Add line"), "remove": _("Remove line") if picks is None else _("Leave this row out"),
        "minor": get_currency_precision(currency), "columns": columns, "rows": made, "blank": _row(lines, "__n__", {}, {}, choices),
        "names": names, "errors": errors.get(lines.name, []), "pick": picks is not None,
    }  # fmt: skip


def _row(lines: Lines, index: Any, row: dict, errors: dict[str, list[str]], choices: Choices, hints: dict[tuple, str] | None = None) -> dict[str, Any]:
    """One row; with ``hints`` it is one to pick: what it refers to stands as text and is only carried along."""
    cells, hint = [], (hints or {}).get(forms.identity(lines, row), "")
    for name, f in forms.open_fields(lines).items():
        place = f"{lines.name}.{index}.{name}"
        if hints is not None and f.is_reference and row.get(name):
            cells.append(_fixed(f, place, row[name], errors.get(place, []), choices, hint))
            hint = ""
            continue
        cell = control(f, place, row.get(name, ""), errors.get(place, []), choices)
        cell |= {"css": _width(f), "num": f.rules.sums, "aria": f.label, "help": "", "small": False, "part": name if name in PARTS and hints is None else ""}
        cell.pop("unit", None)
        if cell["kind"] in IN_A_ROW:
            cell["kind"] = IN_A_ROW[cell["kind"]]
        if f.kind in ("ref", "user"):
            _offer_none(lines, f, cell, row)
        cells.append(cell)
    if "net" in lines.fields:
        cells.append({"kind": "output", "label": lines.fields["net"].label, "css": "l-number", "num": True})
    wrong = errors.get(f"{lines.name}.{index}.id", [])
    if wrong:
        cells[0]["errors"] = [*cells[0]["errors"], *wrong]
    return {"index": index, "id": row.get("id", ""), "cells": cells, "net": ""}


def _fixed(f: Field, place: str, text: str, errors: list[str], choices: Choices, hint: str) -> dict[str, Any]:
    """A reference that cannot be changed: its name, and its id carried along."""
    names = [choices.labels.get(slug, {}).get(ident, "") for slug, ident in chosen_ids(f, text)]
    shown = ", ".join(n for n in names if n) or _("(not visible)")
    return {"kind": "fixed", "name": place, "value": text, "text": shown, "hint": hint, "label": f.label, "css": "l-wide", "num": False, "errors": errors}


def _offer_none(lines: Lines, f: Field, cell: dict[str, Any], row: dict) -> None:
    """A record that fills its row is always searched for; an optional short list says "none" apart from "nothing chosen"."""
    target = registry.get(f.target)
    if target is not None and any(name in target.fields for name in FILLS if name in lines.fields):
        cell["lookup"] = f"/lookup/{f.target}/?fill=1"
    elif "lookup" not in cell and not f.required and not row.get("id"):
        cell["options"] = [{"value": NOTHING, "label": _("None"), "selected": row.get(f.name) == NOTHING}, *cell["options"]]


def _width(f: Field) -> str:
    if f.kind in ("percent", "integer") or f.name == "quantity":
        return "l-short"
    return "l-number" if f.rules.sums or (f.is_reference and f.name == "tax_code") or f.kind == "choice" else "l-wide"


def totals(record: Any, object_type: ObjectType, names: Iterable[str], currency: str) -> list[dict[str, Any]]:
    """The sums of a document under its lines, of those the reader sees."""
    seen, found = set(names), []
    for key, name in SUMS:
        f = object_type.fields.get(name)
        if f is not None and name in seen:
            value = f.value(record) if record is not None else 0
            found.append({"key": key, "label": f.label, "value": f.rules.text(f, value or 0, currency or context.company().currency)})
    return found
