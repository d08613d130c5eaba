"""A form as the company shaped it: its layout, what rules show, require and lock now, the options of its record type.

The server alone decides: the form asks it again whenever somebody changed something, and what it saves is judged the same way.
"""

import copy
import json
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

from django.http import HttpRequest
from django.utils.translation import gettext as _

from core import cleaning, filling, form_rules, forms, layouts, record_types, shaped
from core.access import Actor
from core.errors import OdosError, RuleError
from core.form_rules import State
from core.forms import Entry, Offer
from core.models.record import Record
from core.registry import ObjectType
from core.shaped import RECORD_TYPE
from core.views import composed
from core.views import layouts as drawing

WAS = "was."  # before a field's name: how its control stood when it was sent
OFF = "off."  # and that it had none, or one that sends nothing


@dataclass
class Form:
    """One form: what it offers, what stands in it, and what the rules make of that."""

    actor: Actor
    offer: Offer
    entry: Entry
    stored: Entry
    plan: layouts.Plan
    state: State
    sort: str
    sent: Any
    record: Record | None

    @property
    def sorted(self) -> bool:
        """Whether its records are of several sorts; what is called so otherwise, as of a rule, is a field like any other."""
        f = self.offer.fields.get(RECORD_TYPE)
        return f is not None and f.custom

    def asked(self) -> Offer:
        """What is written of it: not what is hidden or locked now."""
        closed = self.state.hidden | self.state.locked
        return replace(self.offer, fields={n: f for n, f in self.offer.fields.items() if n not in closed})

    def arranged(self, found: dict[str, Any]) -> dict[str, Any]:
        """The controls in the sections of the layout, each as the rules have it."""
        made = found["controls"]
        about = getattr(self.record, "type", "") if self.record is not None else ""
        for name in composed.names(self.offer):
            sent = self.sent if self.sent and f"{name}{composed.SHAPE}" in self.sent else None
            made[name].update(composed.control(self.actor, self.offer, name, self.entry, made[name]["errors"], sent, about))
        self._judge(made)
        placed = drawing.form(self.plan, made)
        lively = any("was" in c for c in made.values())
        address = f"/live/{self.offer.type.slug}/" + (f"{self.record.pk}/" if self.record is not None else "")
        return {**found, **placed, "arranged": True, "live": address if lively else "", "sorted_by": made.get(RECORD_TYPE) if self.sorted else None}

    def _judge(self, made: dict[str, dict[str, Any]]) -> None:
        """Put what the rules, the record type and the type a row is about make of each control into it."""
        hanging = form_rules.dependents(self.offer.type) | composed.names(self.offer).keys()
        for name, control in made.items():
            f = self.offer.fields[name]
            if control.get("options") and (f.kind in record_types.CHOOSES):
                kept = record_types.allowed(self.offer.type, self.sort, f)
                control["options"] = [o for o in control["options"] if o["value"] in kept or o["selected"]]
            if name == RECORD_TYPE and self.sorted:
                control["was"] = _mark(self.sort)
            if name not in hanging:
                continue
            control["hidden"] = name in self.state.hidden and not control["errors"]
            control["readonly"] = name in self.state.locked
            control["required"] = control["required"] or name in self.state.required
            judged = [control["hidden"], control["readonly"], control["required"], [o["value"] for o in control.get("options", ())], control.get("about", "")]
            control["was"] = str(crc32(json.dumps(judged).encode()))

    def changes(self, made: dict[str, dict[str, Any]], sent: Any) -> dict[str, Any]:
        """Which controls stand otherwise than they were sent, and a sentence about it; or that all is laid out anew."""
        known = {n: c for n, c in made.items() if "was" in c and (n != RECORD_TYPE or not self.sorted) and f"{WAS}{n}" in sent}
        differing = [c for n, c in known.items() if sent.get(f"{WAS}{n}") != c["was"]]
        anew = self.sorted and RECORD_TYPE in made and sent.get(f"{WAS}{RECORD_TYPE}", "") not in ("", _mark(self.sort))
        shown = [str(c["label"]) for c in differing if not c.get("hidden")]
        gone = [str(c["label"]) for c in differing if c.get("hidden")]
        said = [_("Look at these fields again: %(names)s.") % {"names": ", ".join(shown)}] if shown else []
        said += [_("No longer asked for: %(names)s.") % {"names": ", ".join(gone)}] if gone else []
        return {"fields": differing, "anew": anew, "said": " ".join(said)}


def _mark(sort: str) -> str:
    return f"sort:{sort}"


def of_new(request: HttpRequest, actor: Actor, object_type: ObjectType, error: OdosError | None) -> Form:
    """The form of a new record: from defaults and the address, or as it was sent where something went wrong. Cost: that of the rules' conditions."""
    made = forms.offer(actor, object_type)
    if error is None:
        entry = forms.of_nothing(actor, made)
        entry.texts |= forms.of_address(made, request.GET).texts
    else:
        entry = forms.of_form(made, composed.plain(actor, made, request.POST))
    return _form(request, actor, made, entry, Entry(), None, error)


def of_record(
    request: HttpRequest, actor: Actor, object_type: ObjectType, record: Record, error: OdosError | None, plan: layouts.Plan | None = None
) -> Form:  # fmt: skip
    """The form of a record as it stands, or as it was sent. Cost: a query for each kind of rows, and that of the rules' conditions."""
    made = forms.offer(actor, object_type, record)
    stored = forms.of_record(made, record)
    entry = stored
    if error is not None:
        entry = forms.of_form(made, composed.plain(actor, made, request.POST, getattr(record, "type", "")))
    return _form(request, actor, made, entry, stored, record, error, plan)


def _form(
    request: HttpRequest, actor: Actor, made: Offer, entry: Entry, stored: Entry, record: Record | None, error: OdosError | None,
    plan: layouts.Plan | None = None,
) -> Form:  # fmt: skip
    blank = stored if record is not None else forms.of_nothing(actor, made) if error is not None else stored
    entry.texts |= {n: blank.texts.get(n, "") for n in made.fields if f"{OFF}{n}" in request.POST}
    sort = entry.texts.get(RECORD_TYPE) or (record.custom.get(RECORD_TYPE, "") if record is not None and hasattr(record, "custom") else "")
    plan = plan or layouts.of(actor, made.type, sort)
    state = _state(actor, made, entry, record)
    named = {n.partition(".")[0] for n in (error.errors if isinstance(error, RuleError) else ())}
    placed = {*plan.fields(), *request.GET, *request.POST, *named, RECORD_TYPE}
    kept = {n: f for n, f in made.fields.items() if n in placed or f.required or n in state.required}
    return Form(actor, replace(made, fields=kept), entry, stored, plan, state, sort, request.POST or None, record)


def _state(actor: Actor, made: Offer, entry: Entry, record: Record | None) -> State:
    """What the rules make of the record as it stands in the form; what cannot be read there counts as not typed."""
    if not shaped.of(made.type).conditions:
        return form_rules.FREE
    typed = {n: forms.value_of(f, entry.texts[n]) for n, f in made.fields.items() if n in entry.texts and f.kind != "secret"}
    cleaned = cleaning.clean(actor, made.fields, (), [typed], False)[0]
    if record is None:
        hand = filling.new_record(actor, made.type, cleaned)
        filling.own([hand], actor)
        return form_rules.state_of(made.type, hand)
    hand = copy.copy(record)
    hand.custom = dict(getattr(record, "custom", {}))
    filling.put(made.fields, hand, cleaned)
    return form_rules.state_of(made.type, hand, record)
