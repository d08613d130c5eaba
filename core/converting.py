"""A company's own field becomes one of another kind: tried on every value first, then done at one stroke, and taken back with what stood there.

A conversion is a bulk run (``core.bulk``). Its parts hold [id, value as it is, value as it becomes], made beside all who work; nothing else changes
until the last of them is there. Then one transaction shuts the writers of the type out for a moment, reads again what was written since,
and exchanges all values together with the field's kind: nobody ever reads or writes half of it. The parts stay, and are the way back.
"""

from collections import Counter
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from core import access, bulk, context, jobs, own_fields, own_values, registry, schema, shaping_use, sql, trail, write
from core.access import Actor
from core.errors import OdosError, RuleError, WrongState
from core.kinds import KINDS
from core.models import BulkPart, BulkRun, CustomField
from core.models.record import permit
from core.models.setup import FIELD_KINDS
from core.registry import Field, ObjectType
from core.retelling import BECOMES, Retelling, options_of

WORK = "convert-own-field"
PART = 1000  # values of one transaction
LATE = 20_000  # values written since that are read again at once
OPTIONS = 200  # different texts a choice is made of
RESTS = ("stop", "empty")  # what becomes of values that cannot be converted: nothing of it all is done, or they go
SETTINGS = ("kind", "options", "target", "default", "minimum", "maximum", "depends_on", "pattern", "unique", "fast")


def _type() -> ObjectType:
    return registry.types["custom-fields"]


# Asking -------------------------------------------------------------------------------------------------------------


def kinds_for(own: CustomField) -> tuple[str, ...]:
    """The kinds its values can be read as."""
    return BECOMES.get(own.kind, ())


def ask(actor: Actor, ident: UUID, said: dict[str, Any], rest: str = "stop", dry_run: bool = True) -> BulkRun:
    """A conversion to ``{kind, options, target}``, only tried unless ``dry_run`` is off. Cost: some dozen statements, and those of the set-up's own checks.

    Errors: RuleError, Denied, Missing, WrongState where one is under way.
    """
    own = write.locked_row(actor, _type(), ident, "change")
    object_type = registry.get(own.type)
    if own.archived_at is not None or object_type is None:
        raise WrongState(_("The record is archived already."))
    _demand_sight(actor, object_type, own)
    _demand_quiet(own)
    if rest not in RESTS:
        raise RuleError({"rest": [_("Values that cannot be converted stop it all (stop), or are emptied (empty).")]})
    _demand_may_empty(own, rest)
    before, after = settings_of(own), settled(actor, object_type, own, said)
    demand_fits(actor, own, after)
    what = {"do": "convert-field", "work": WORK, "field": str(own.pk), "before": before, "after": after, "rest": rest, "dry_run": dry_run, "last": None}
    total = _values(object_type, own).count()
    run = BulkRun(type=own.type, owner_id=actor.id, what=what, state="checking" if dry_run else "writing", total=total)
    with permit():
        run.save(force_insert=True)
    jobs.promise(WORK, {"run": str(run.pk)}, actor)
    return run


def is_one(run: BulkRun) -> bool:
    """Whether a run is a conversion."""
    return run.what.get("work") == WORK


def of_field(own: CustomField) -> BulkRun | None:
    """The last conversion of a field. Cost: one query."""
    return BulkRun.objects.filter(what__work=WORK, what__field=str(own.pk)).order_by("-created_at", "-pk").first()


def _demand_sight(actor: Actor, object_type: ObjectType, own: CustomField) -> None:
    """Who converts values reads them all, so he must see them all."""
    if actor.system:
        return
    if own.key not in access.fields(actor, object_type) or access.rows(actor, object_type).count() < object_type.all().count():
        raise RuleError({"_": [_("Only who sees this field on all records may change its kind.")]})


def _demand_quiet(own: CustomField) -> None:
    last = of_field(own)
    if last is not None and last.state in bulk.BUSY:
        raise WrongState(_("This field is being converted already."))
    if own.fast_state == "building":
        raise WrongState(_("The index of “%(name)s” is being built. Try again when it is ready.") % {"name": own.label})


def _demand_may_empty(own: CustomField, rest: str) -> None:
    if rest == "empty" and own.required:
        raise RuleError({"rest": [_("This field is required, so no record may be left without a value.")]})


def _values(object_type: ObjectType, own: CustomField) -> Any:
    return object_type.all().filter(custom__has_key=own.key)


# What the field becomes ---------------------------------------------------------------------------------------------


def settings_of(own: CustomField) -> dict[str, Any]:
    """What a conversion changes of a field, as JSON."""
    known = _type().fields
    return {n: known[n].rules.to_json(known[n], known[n].value(own)) for n in SETTINGS}


def with_settings(own: CustomField, settings: dict[str, Any]) -> CustomField:
    """The field as it would be; nothing is stored."""
    made = copy(own)
    known = _type().fields
    for name, value in settings.items():
        f = known[name]
        f.put(made, None if value is None else f.rules.from_json(f, value))
    return made


def settled(actor: Actor, object_type: ObjectType, own: CustomField, said: dict[str, Any]) -> dict[str, Any]:
    """The settings of the field as it becomes; what the new kind does not have goes, a choice gets its options from the texts there are. Errors: RuleError."""
    kind = said.get("kind")
    if kind not in kinds_for(own):
        names = dict(FIELD_KINDS)
        allowed = ", ".join(str(names[k]) for k in kinds_for(own))
        told = _("“%(field)s” (%(kind)s) can become one of: %(allowed)s.") if allowed else _("“%(field)s” (%(kind)s) cannot become another kind.")
        raise RuleError({"kind": [told % {"field": own.label, "kind": names[own.kind], "allowed": allowed}]})
    after = settings_of(own) | {"kind": kind, "default": None, "pattern": "", "options": [], "target": "", "depends_on": ""}
    fits = KINDS[kind].indexed
    after["unique"] = own.unique and fits and kind not in own_fields.NOT_UNIQUE and KINDS[kind].empty != []
    after["fast"] = own.fast and fits and kind not in own_fields.FILES
    if "percent" in (kind, own.kind) or kind not in own_fields.FIGURES:
        after |= {"minimum": None, "maximum": None}
    if kind in own_fields.POINTS:
        after["target"] = said.get("target") or own.target or ("users" if own.kind == "user" else "")
        if own.kind in (*own_fields.POINTS, "user") and after["target"] != (own.target or "users"):
            raise RuleError({"target": [_("It refers to the same type as before.")]})
    if kind == "user" and own.kind in own_fields.POINTS and own.target != "users":
        raise RuleError({"kind": [_("Only a reference to people becomes a person.")]})
    if kind in own_fields.CHOOSES:
        keeps = own.kind in own_fields.CHOOSES
        after["depends_on"] = own.depends_on if keeps else ""
        after["options"] = said.get("options") or (own.options if keeps else _options(actor, object_type, own, kind))
    if own.default is not None:
        old, new = schema.as_field(own), schema.as_field(with_settings(own, after))
        after["default"] = Retelling(actor, old, new).tell([own.default])[0][0]
    return after


def _options(actor: Actor, object_type: ObjectType, own: CustomField, kind: str) -> list[dict[str, Any]]:
    """Options made of the different values there are. Cost: one query for them, one for the names of those that refer."""
    different = list(_values(object_type, own).order_by().values_list(f"custom__{own.key}", flat=True).distinct()[: OPTIONS * 5])
    found = options_of(Retelling(actor, schema.as_field(own), Field(own.key, kind, custom=True)).texts(different), kind == "choices")
    if len(found) > OPTIONS:
        raise RuleError({"options": [_("There are more than %(n)d different values; name the options yourself.") % {"n": OPTIONS}]})
    return found or [{"key": "option", "label": _("Option")}]


def demand_fits(actor: Actor, own: CustomField, after: dict[str, Any]) -> None:
    """The field is in order as it becomes, and nothing of the set-up breaks. Errors: RuleError. Cost: a few queries, and each row of the set-up is read."""
    own_fields.check(access.on_behalf(actor), with_settings(own, after), {}, {})
    if used := shaping_use.broken(actor, own, with_settings(own, after)):
        raise RuleError({"_": [_("This would no longer work: %(names)s. Change these first.") % {"names": ", ".join(used)}]})


# Confirming ---------------------------------------------------------------------------------------------------------


def confirm(actor: Actor, ident: UUID, rest: str = "") -> BulkRun:
    """Do what was tried; ``rest`` may say now what becomes of the others. Errors: WrongState, RuleError."""
    run = bulk.find(actor, ident, lock=True)
    own = write.locked_row(actor, _type(), UUID(run.what["field"]), "change")
    if run.state != "checked" or not run.what["dry_run"]:
        raise WrongState(_("This was confirmed already, or is still being checked."))
    _demand_quiet(own)
    if "sentence" in run.report:
        raise WrongState(run.report["sentence"])
    run.what["rest"] = rest if rest in RESTS else run.what["rest"]
    _demand_may_empty(own, run.what["rest"])
    if run.report.get("refused") and run.what["rest"] == "stop":
        raise WrongState(_("Some values cannot be converted: correct them and try again, or let them be emptied."))
    run.state, run.what["dry_run"] = "writing", False
    with permit():
        run.save()
    jobs.promise(WORK, {"run": str(run.pk)}, actor)
    return run


def can_undo(run: BulkRun) -> bool:
    """Whether the field can become what it was: it is still what the run made of it. Cost: two queries."""
    own = CustomField.objects.filter(pk=run.what["field"], archived_at=None).first()
    last = of_field(own) if own is not None else None
    return run.state == "done" and last is not None and last.pk == run.pk and own.kind == run.what["after"]["kind"]


def take_back(actor: Actor, ident: UUID) -> BulkRun:
    """Let the field be what it was, with the values it had; what was written since is converted back. Errors: WrongState."""
    run = bulk.find(actor, ident, lock=True)
    write.locked_row(actor, _type(), UUID(run.what["field"]), "change")
    if not can_undo(run):
        raise WrongState(_("This cannot be undone any more."))
    run.state = "undoing"
    with permit():
        run.save()
    jobs.promise(WORK, {"run": str(run.pk)}, actor)
    return run


# Doing --------------------------------------------------------------------------------------------------------------


@jobs.does(WORK)
def work(actor: Actor, payload: dict[str, Any], progress: Callable[[int, int], None]) -> None:
    """One step of a conversion, and a job for the next: a part tried, or at the end all of it exchanged."""
    run = BulkRun.objects.select_for_update().get(pk=payload["run"])
    own = CustomField.objects.select_for_update().filter(pk=run.what["field"]).first()
    object_type = registry.get(own.type) if own is not None else None
    if run.state not in bulk.BUSY or object_type is None:
        return
    with translation.override(bulk.language_of(actor)):
        more = _step(actor, object_type, own, run)
    if not more:
        run.finished_at = timezone.now()
    with permit():
        run.save()
    if more:
        jobs.promise(WORK, payload, actor)


def _step(actor: Actor, object_type: ObjectType, own: CustomField, run: BulkRun) -> bool:
    """Whether there is more to do."""
    if run.state == "undoing":
        run.state = _attempt(actor, object_type, own, run, True, ("undone", "done"))
        return False
    if run.what["last"] != "" and _try_part(actor, object_type, own, run):
        return True
    if run.what["dry_run"] or "sentence" in run.report or (run.report.get("refused") and run.what["rest"] == "stop"):
        run.state, run.what["dry_run"] = "checked", True
        return False
    if own.fast and not run.what.get("cleared"):  # beside the readers, who would else wait for the exchange
        own_values.index_of(object_type, own).drop("f", "d")
        run.what["cleared"] = True
        return True
    run.state = _attempt(actor, object_type, own, run, False, ("done", "checked"))
    return False


def _try_part(actor: Actor, object_type: ObjectType, own: CustomField, run: BulkRun) -> bool:
    """Convert the next values, storing none of them; whether there were any. Cost: two statements, and one for names."""
    rows = _values(object_type, own).order_by("pk").values_list("pk", f"custom__{own.key}")
    found = list((rows.filter(pk__gt=run.what["last"]) if run.what["last"] else rows)[:PART])
    run.what["last"] = str(found[-1][0]) if found else ""
    if found:
        _add_part(actor, own, run, found, False)
    elif run.what["after"]["unique"] and _exchange(object_type, own, run, False).shares():
        _stop(run, _("Some records would share a value of this field, which is unique."))
    return bool(found)


def _add_part(actor: Actor, own: CustomField, run: BulkRun, found: list[tuple[UUID, Any]], back: bool) -> list[tuple[UUID, Any]]:
    """Note what becomes of these values, and give those of which nothing does."""
    old, new = _fields(own, run)
    told = Retelling(actor, new, old).tell([v for _pk, v in found]) if back else Retelling(actor, old, new).tell([v for _pk, v in found])
    pairs = list(zip(found, told, strict=True))
    rows = [[str(pk), becomes, value] if back else [str(pk), value, becomes] for (pk, value), (becomes, _why) in pairs]
    faults = [[str(pk), "value", why, _said(value)] for (pk, value), (_none, why) in pairs if why]
    with permit():
        BulkPart(run=run, position=run.parts.count(), rows=rows, faults=faults, open=False).save(force_insert=True)
    run.done += len(found)
    run.total = max(run.total, run.done)
    run.report = bulk.added(run.report, Counter(changed=len(found) - len(faults)), faults)
    return [(pk, value) for (pk, value), (_none, why) in pairs if why]


def _said(value: Any) -> str:
    return str(value)[:200]


def _fields(own: CustomField, run: BulkRun) -> tuple[Field, Field]:
    return tuple(schema.as_field(with_settings(own, run.what[side])) for side in ("before", "after"))


def _stop(run: BulkRun, sentence: str) -> None:
    """Nothing is done, and this is why."""
    run.report = {**run.report, "sentence": sentence}


def _exchange(object_type: ObjectType, own: CustomField, run: BulkRun, back: bool) -> sql.Exchange:
    return sql.Exchange(object_type.model._meta.db_table, own.key, BulkPart._meta.db_table, run.pk, back, tuple(object_type.among.items()))


# At one stroke ------------------------------------------------------------------------------------------------------


def _attempt(actor: Actor, object_type: ObjectType, own: CustomField, run: BulkRun, back: bool, states: tuple[str, str]) -> str:
    """Exchange it all, or nothing; the state the run comes to."""
    try:
        with transaction.atomic(), context.calling(replace(context.call(), batch=run.pk)):
            _swap(actor, object_type, own, run, back)
        return states[0]
    except OdosError as error:
        schema.forget()
        _stop(run, bulk.sentence_of(error))
        if run.what.get("cleared") and own.fast:  # what was taken away for the exchange
            own_values.index_later(access.on_behalf(actor), _type(), own)
        run.what["cleared"] = False
        return states[1]


def _swap(actor: Actor, object_type: ObjectType, own: CustomField, run: BulkRun, back: bool) -> None:
    """The values and the field, in this transaction. Errors: OdosError, and nothing is done."""
    was, becomes = (run.what["after"], run.what["before"]) if back else (run.what["before"], run.what["after"])
    now = settings_of(own)
    if own.archived_at is not None or (now["kind"] != was["kind"] if back else now != was):  # afterwards its other settings may have changed
        raise WrongState(_("The field was changed since."))
    sql.be_patient()
    sql.lock(context.company().id, schema.lock_of(own.type))
    demand_fits(actor, own, becomes)
    exchange, told, lost = _exchange(object_type, own, run, back), _emptied(run), []
    while late := exchange.unsaid(LATE):
        for at in range(0, len(late), PART):
            lost += _add_part(actor, own, run, late[at : at + PART], back)
    if lost and not back and run.what["rest"] == "stop":
        raise WrongState(_("Some values cannot be converted: correct them and try again, or let them be emptied."))
    if lost and own.required:
        raise WrongState(_("This field is required, so no record may be left without a value."))
    own_values.index_of(object_type, own).drop("u", "f", "d")
    exchange.do()
    _tell_emptied(actor, object_type, own, dict(told + lost), back)
    _put_field(actor, own, becomes)


def _emptied(run: BulkRun) -> list[tuple[UUID, Any]]:
    """What has no value on the other side, and what it was."""
    rows = (row for part in run.parts.exclude(faults=[]).order_by("position").iterator(chunk_size=20) for row in part.rows)
    return [(UUID(pk), one) for pk, one, other in rows if other is None]


def _tell_emptied(actor: Actor, object_type: ObjectType, own: CustomField, lost: dict[UUID, Any], back: bool) -> None:
    """The history of a record says that it lost a value, or has it again; one only written otherwise is no news. Cost: two statements a thousand."""
    idents = list(lost)
    for at in range(0, len(idents), PART):
        entries = []
        for record in object_type.all().filter(pk__in=idents[at : at + PART]):
            now, other = record.custom.get(own.key), lost[record.pk]
            if now is None or (back and now == other):
                entries.append(trail.entry(actor, object_type, record, "change", {own.key: [None, now] if now is not None else [other, None]}))
        trail.note(entries)


def _put_field(actor: Actor, own: CustomField, becomes: dict[str, Any]) -> None:
    """Store the field as it is now, tell its history, and let its indexes follow."""
    before = settings_of(own)
    made = with_settings(own, becomes)
    for name in SETTINGS:
        setattr(own, name, getattr(made, name))
    own.version += 1
    own.updated_at = timezone.now()
    with permit():
        own.save()
    changes = {n: v for n, v in before.items() if becomes[n] != v}
    trail.note([trail.entry(actor, _type(), own, "change", {n: [v, becomes[n]] for n, v in changes.items()})])
    own_fields.changed(actor, own, changes | {"unique": before["unique"], "fast": before["fast"]})


def told(run: BulkRun, most: int = 1000) -> dict[str, Any]:
    """A conversion as programs read it: as of any run, with the values that cannot be converted. Cost: one query."""
    sentence = {"sentence": run.report["sentence"]} if "sentence" in run.report else {}
    return bulk.told(run, most) | {"field": run.what["field"], "kind": run.what["after"]["kind"], "options": run.what["after"]["options"], **sentence}


__all__ = ["ask", "can_undo", "confirm", "is_one", "kinds_for", "of_field", "take_back", "told", "work"]
