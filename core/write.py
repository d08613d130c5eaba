"""The only way a record changes. Access, cleaning, rules, saving, trail and facts, in that order, in one transaction.

Callers hold a transaction (``core.door`` opens one around every request and job). The hooks of a type are exactly
prepare, check, guard, run, totals, facts, moves, locked, after; there is no branch on a type in here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import access, batches, cleaning, clock, collation, constraints, entering, facts, filling, lines, own_values, reach, schema, search, trail, validation
from core.access import Actor
from core.cleaning import Cleaned
from core.errors import Denied, Missing, RuleError, Stale, VersionRequired, WrongState
from core.models.record import Record, permit
from core.prepared import ask_together
from core.registry import Act, Field, ObjectType, get


@dataclass(frozen=True)
class History:
    """That a load of the past is written (decisions, History loads); only imports say so.

    ``at_business_date`` records facts as known on their business dates. ``settled`` tells rules that this happened already,
    so that what judges the present (is the product still sold?) does not apply.
    """

    at_business_date: bool = True
    settled: bool = True


NOW = History(at_business_date=False, settled=False)


def writable(actor: Actor, object_type: ObjectType, action: str = "change") -> dict[str, Field]:
    """The fields the actor may set with this action."""
    closed = access.readonly_names(actor, object_type, action)
    seen = access.fields(actor, object_type)
    return {n: f for n, f in seen.items() if not f.readonly and not f.compute and n not in closed and not (f.once and action == "change")}


def writable_lines(actor: Actor, object_type: ObjectType, action: str = "change"):
    closed = access.readonly_names(actor, object_type, action)
    return [entry for entry in object_type.lines if entry.name not in closed]


def create(actor: Actor, object_type: ObjectType, data: dict) -> Record:
    """One new record; errors are named without a number. Cost: about a dozen statements, whatever its lines."""
    try:
        return create_many(actor, object_type, [data])[0]
    except RuleError as error:
        raise RuleError({name.removeprefix("0."): sentences for name, sentences in error.errors.items()}) from None


def create_many(actor: Actor, object_type: ObjectType, items: list[Any], history: History = NOW, act: str = "add") -> list[Record]:
    """New records, all or none. Errors are named ``3.name``. Cost: as many statements for a thousand as for one."""
    if not object_type.writable:
        raise Denied(_("%(type)s are written by the system alone.") % {"type": object_type.plural})
    access.demand(actor, object_type, "add")
    schema.hold(object_type)
    known = writable(actor, object_type, "add")
    cleaned = cleaning.clean(actor, known, writable_lines(actor, object_type, "add"), items, True)
    constraints.demand_unused_ids(object_type, cleaned)
    records = [filling.new_record(actor, object_type, made) for made in cleaned]
    filling.own(records, actor)
    for record, made in zip(records, cleaned, strict=True):
        filling.demand_required(object_type, record, made)
        filling.demand_options(object_type, record, made)
    _raise_together(cleaned)
    own_values.number_new(object_type, records)
    object_type.prepare(actor, list(zip(records, cleaned, strict=True)))
    rows = [lines.build(object_type, record, made) for record, made in zip(records, cleaned, strict=True)]
    for record, made, built in zip(records, cleaned, rows, strict=True):
        _check(actor, object_type, record, made, dict.fromkeys(made.values), built)
    validation.judge(actor, object_type, list(zip(records, cleaned, strict=True)))
    if not history.settled:
        entering.demand(actor, object_type, [(record, made, made.values) for record, made in zip(records, cleaned, strict=True)])
    constraints.refuse_duplicates(object_type, list(zip(records, cleaned, strict=True)))
    _raise_together(cleaned)
    with constraints.named(object_type), permit():
        with batches.together():
            object_type.all().add(records)
            lines.store_new(object_type, rows)
        _store_several(object_type, records)
    for record, made in zip(records, cleaned, strict=True):
        object_type.after(actor, record, made.values)
    _demand_still_mine(actor, object_type, records, "add")
    changes = (_first_said(known, made) | lines.told_new(object_type, built) for made, built in zip(cleaned, rows, strict=True))
    with batches.together():
        trail.note(trail.entries(actor, object_type, act, zip(records, changes, strict=True)))
        facts.state(object_type, records, fresh=True, history=history.at_business_date)
        search.index(object_type, records, fresh=True)
    _restate(object_type, records, history)
    return records


def change(actor: Actor, object_type: ObjectType, record_id: UUID, data: dict, version: int | None) -> Record:
    """Change the named fields of one record. ``version`` is the one the actor read. Cost: about ten statements."""
    if version is None:
        locked_row(actor, object_type, record_id, "change")  # who may not see or change it hears that first
        raise VersionRequired(_("Say which version you change: send it in If-Match."))
    try:
        return change_many(actor, object_type, [(record_id, data, version)])[0]
    except RuleError as error:
        raise RuleError({name.removeprefix("0."): sentences for name, sentences in error.errors.items()}) from None


def change_many(actor: Actor, object_type: ObjectType, items: list[tuple[UUID, dict, int]]) -> list[Record]:
    """Change records, each ``(id, fields, version)`` once, all or none. Errors are named ``3.name``.

    Cost: about a dozen statements, whatever their number.
    """
    schema.hold(object_type)
    records = locked_with_lines(actor, object_type, [record_id for record_id, _data, _version in items], "change")
    for record, (_id, _data, version) in zip(records, items, strict=True):
        demand_version(record, version)
    known = writable(actor, object_type)
    cleaned = cleaning.clean(actor, known, writable_lines(actor, object_type), [data for _id, data, _version in items], False)
    pairs = list(zip(records, cleaned, strict=True))
    changes = [_apply(object_type, known, record, made) for record, made in pairs]
    _raise_together(cleaned)
    filling.own([record for record, changed in zip(records, changes, strict=True) if "owner" in changed], actor)
    object_type.prepare(actor, pairs)
    rebuilt = lines.rebuild(object_type, pairs)
    for (record, made), changed, rows in zip(pairs, changes, rebuilt, strict=True):
        _check(actor, object_type, record, made, changed, rows)
    validation.judge(actor, object_type, pairs)
    entering.demand(actor, object_type, [(*pair, changed) for pair, changed in zip(pairs, changes, strict=True)])
    constraints.refuse_duplicates(object_type, pairs, {name: None for changed in changes for name in changed})
    _raise_together(cleaned)
    writes = [Write(*one) for one in zip(records, changes, rebuilt, strict=True)]
    return _store_many(actor, object_type, "change", writes, known, NOW)


def _apply(object_type: ObjectType, known: dict[str, Field], record: Record, made: Cleaned) -> dict[str, Any]:
    """Put the values on the record in hand, where its state allows it; returns name -> value before."""
    for name in (made.values.keys() | made.lines.keys()) & object_type.locked(record):
        if name in made.lines or known[name].value(record) != made.values[name]:
            made.refuse(name, _("This no longer changes in the present state (%(state)s).") % {"state": state_label(object_type, record)})
    filling.demand_unlocked(object_type, known, record, made)
    changed = filling.put(known, record, made)
    filling.demand_required(object_type, record, made)
    filling.demand_options(object_type, record, made, changed)
    return changed


def act(
    actor: Actor, object_type: ObjectType, record_id: UUID, name: str, data: dict | None = None, version: int | None = None, history: History = NOW
) -> Record:  # fmt: skip
    """Do a named act on one record: a transition of the type, another deed of it, or ``archive`` and ``restore``."""
    try:
        return act_many(actor, object_type, name, [(record_id, data)], history, {} if version is None else {record_id: version})[0]
    except RuleError as error:
        raise RuleError({name.removeprefix("0."): sentences for name, sentences in error.errors.items()}) from None


def act_many(
    actor: Actor, object_type: ObjectType, name: str, items: list[tuple[UUID, dict | None]], history: History = NOW, versions: Mapping[UUID, int] | None = None
) -> list[Record]:  # fmt: skip
    """Do an act on several records in this order, on all or none. Errors are named ``3.date``.

    Cost: a dozen statements for all, and for each record one and what its rule needs.
    """
    deed = _deed(object_type, name)
    if deed is None:
        raise Missing
    versions = versions or {}
    records = locked_with_lines(actor, object_type, [record_id for record_id, _data in items], name)
    for record in records:
        if record.pk in versions:
            demand_version(record, versions[record.pk])
        _demand_possible(actor, object_type, deed, record)
    cleaned = cleaning.inputs(actor, deed, writable_lines(actor, object_type, name), [data for _id, data in items])
    _raise_together(cleaned)
    if deed.lines:
        object_type.prepare(actor, list(zip(records, cleaned, strict=True)))
    rebuilt = lines.rebuild(object_type, list(zip(records, cleaned, strict=True)))
    _raise_together(cleaned)
    writes, results = _do(actor, object_type, deed, list(zip(records, cleaned, rebuilt, strict=True)), history)
    if name != "archive":  # what is put away is no longer judged
        validation.judge(actor, object_type, list(zip(records, cleaned, strict=True)))
        _demand_place(actor, object_type, name, list(zip(records, cleaned, strict=True)), writes)
    _raise_together(cleaned)
    fresh = _make_together(actor, deed, results)
    stored = _store_many(actor, object_type, name, writes, object_type.fields, history)
    return fresh if deed.makes else stored


def _demand_possible(actor: Actor, object_type: ObjectType, deed: Act, record: Record) -> None:
    if deed.sources and record.status not in deed.sources:
        raise WrongState(_("“%(act)s” is not possible while the record is %(state)s.") % {"act": deed.label, "state": state_label(object_type, record)})
    deed.guard(actor, record)


def _do(
    actor: Actor, object_type: ObjectType, deed: Act, work: list[tuple[Record, Cleaned, dict]], history: History
) -> tuple[list["Write"], list[Any]]:  # fmt: skip
    """The deed itself, on the records in hand: what is to be stored of each, and what each came to.

    What its rule refuses is added to the ``errors`` of what was given for the record.
    """
    kept = {n: f for n, f in object_type.fields.items() if f.kind != "refs" and not f.compute}  # what is computed is nothing anybody wrote
    before = [({n: f.value(record) for n, f in kept.items()}, record.archived_at) for record, _made, _rows in work]
    asked = []
    for record, made, rows in work:
        if deed.target:
            record.status = deed.target
        taken = {entry.name: [row.values for row in made.taken[entry.name]] if entry.name in made.taken else None for entry in deed.takes}
        asked.append((record, {**made.values, **taken, "rows": rows, "history": history}))
    results = deed.together(actor, asked) if deed.together else [_run(actor, deed, record, data) for record, data in asked]
    writes = []
    for (record, made, rows), (values, archived), result in zip(work, before, results, strict=True):
        if isinstance(result, RuleError):
            made.errors.update(result.errors)
            continue
        _count(object_type, record, made, rows)
        changed = {n: values[n] for n, f in object_type.fields.items() if n in values and f.value(record) != values[n]}
        writes.append(Write(record, changed if record.archived_at == archived else changed | {"archived_at": archived}, rows))
    return writes, results


def _run(actor: Actor, deed: Act, record: Record, data: dict) -> Any:
    try:
        return deed.run(actor, record, data)
    except RuleError as error:
        return error


def _count(object_type: ObjectType, record: Record, made: Cleaned, rows: dict) -> None:
    if object_type.totals is None:
        return
    try:
        object_type.totals(record, {n: r.now for n, r in rows.items()})
    except RuleError as error:
        made.errors.update(error.errors)


def _demand_place(actor: Actor, object_type: ObjectType, name: str, pairs: list[tuple[Record, Cleaned]], writes: list["Write"]) -> None:
    """Add what the stage a record enters asks for; a move on the board is judged like the change of a form that it is."""
    changed = {one.record.pk: one.changed for one in writes}
    done = [(record, made, changed[record.pk]) for record, made in pairs if record.pk in changed]
    if name == object_type.board_act and not actor.system:
        for record, made, names in done:
            filling.demand_shape(object_type, record, made, names)
    entering.demand(actor, object_type, done)


def _make_together(actor: Actor, deed: Act, results: list[Any]) -> list[Any]:
    """What the deed makes: records it made itself, or those made now of what it said."""
    said = [result for result in results if isinstance(result, dict)]
    if not said:
        return results
    made = iter(create_many(access.on_behalf(actor), get(deed.makes), said))
    return [next(made) if isinstance(result, dict) else result for result in results]


def locked_row(actor: Actor, object_type: ObjectType, record_id: UUID, action: str) -> Record:
    """The row, locked, if the actor sees it (else Missing) and may do this with it (else Denied). Cost: two statements at most."""
    return locked_rows(actor, object_type, [record_id], action)[0]


def locked_rows(actor: Actor, object_type: ObjectType, ids: list[UUID], action: str) -> list[Record]:
    """The rows in the order of their ids given, locked in the order of keys. Errors and cost: as of ``locked_row``, for all."""
    if object_type.rows or not access.allows(actor, object_type, "view"):
        raise Missing
    found = reach.records(actor, object_type, ids, lock=True)
    if len(found) != len(ids):
        raise Missing
    if not access.allows(actor, object_type, action) or not all_within(actor, object_type, action, ids):
        raise Denied(_("You may not do this with this record."))
    return [found[record_id] for record_id in ids]


def locked_with_lines(actor: Actor, object_type: ObjectType, ids: list[UUID], action: str) -> list[Record]:
    """As ``locked_rows``, with their lines for ``lines.rebuild`` read in the same message, once they are locked.

    What they have stated is read where they state anew: what they cost may be stated by who sends goods, and does not hold them.
    """
    if not object_type.rows and access.allows(actor, object_type, "view") and (locked := reach.asked(actor, object_type, ids, lock=True)):
        ask_together([*locked, *lines.asked(object_type, ids)])
    return locked_rows(actor, object_type, ids, action)


def all_within(actor: Actor, object_type: ObjectType, action: str, ids: list[UUID]) -> bool:
    """Whether the actor may do this with all of these rows, which are there. Cost: one query, none where he may with every row."""
    if access.is_unlimited(actor, object_type, "view") and access.is_unlimited(actor, object_type, action):
        return True
    return len(reach.present(actor, object_type, ids, action)) == len(ids)


def demand_version(record: Record, version: int) -> None:
    if record.version != version:
        raise Stale(record)


def state_label(object_type: ObjectType, record: Record) -> str:
    return str(next((s[1] for s in object_type.statuses if s[0] == getattr(record, "status", "")), ""))


def _deed(object_type: ObjectType, name: str) -> Act | None:
    if object_type.archivable and name in ("archive", "restore"):
        return ARCHIVE[name]
    return object_type.act(name)


def _archive(record: Record) -> None:
    if record.archived_at is not None:
        raise WrongState(_("The record is archived already."))
    record.archived_at = clock.now()


def _restore(record: Record) -> None:
    if record.archived_at is None:
        raise WrongState(_("The record is not archived."))
    record.archived_at = None


def put_away(actor: Actor, object_type: ObjectType, records: list[Record]) -> None:
    """Archive records that are locked, of any type. Cost: about ten statements, whatever their number."""
    for record in records:
        _archive(record)
    _store_many(actor, object_type, "archive", [Write(record, {"archived_at": None}, {}) for record in records], {}, NOW)


ARCHIVE = {
    "archive": Act("archive", gettext_lazy("Archive"), run=lambda actor, record, data: _archive(record)),
    "restore": Act("restore", gettext_lazy("Restore"), run=lambda actor, record, data: _restore(record)),
}


def _check(actor: Actor, object_type: ObjectType, record: Record, made: Cleaned, changed: dict, rows: dict) -> None:
    """The type's own check, then totals. What is wrong is added to ``made.errors``."""
    if made.errors:
        return
    if not actor.system:
        filling.demand_shape(object_type, record, made, changed)
    try:
        object_type.check(actor, record, changed, {n: r.now for n, r in rows.items() if r.given})
        if hasattr(record, "sort_key"):
            record.sort_key = collation.sort_key(record.name)
        if object_type.totals:
            object_type.totals(record, {n: r.now for n, r in rows.items()})
    except RuleError as error:
        for name, sentences in error.errors.items():
            made.errors.setdefault(name, []).extend(sentences)


@dataclass(frozen=True)
class Write:
    """A record as it will be, what changed (name -> value before), and what became of its rows."""

    record: Record
    changed: dict[str, Any]
    rows: dict[str, lines.Rows]


def _store_many(actor: Actor, object_type: ObjectType, name: str, writes: list[Write], known: dict[str, Field], history: History) -> list[Record]:
    entries, stored = [], []
    for one in writes:
        told = {n: [_told(known[n], before), _told(known[n], known[n].value(one.record))] for n, before in one.changed.items() if n in known}
        told |= lines.told(object_type, one.rows)
        if not told and name == "change":
            continue
        one.record.version += 1
        one.record.updated_at = clock.now()
        entries.append((one.record, told))
        stored.append(one)
    records = [one.record for one in stored]
    with constraints.named(object_type), permit():
        lines.store(object_type, [one.rows for one in stored])  # before their record, which may freeze them
        object_type.all().store(records)
        _store_several(object_type, records)
    for one in stored:
        object_type.after(actor, one.record, one.changed)
    if name == "change" and records:
        _demand_still_mine(actor, object_type, records, "view")
    with batches.together():
        trail.note(trail.entries(actor, object_type, name, entries))
        facts.state(object_type, records, history=history.at_business_date)
        if found := [one.record for one in stored if name == "change" or not one.changed.keys().isdisjoint(object_type.search)]:
            search.index(object_type, found)
    _restate(object_type, records, history)
    return [one.record for one in writes]


def _restate(object_type: ObjectType, records: list[Record], history: History) -> None:
    """Let the documents whose facts hang on these records say anew what is true of them."""
    for slug, others in object_type.moves(records).items():
        if others:
            facts.state(get(slug), others, history=history.at_business_date)


def _store_several(object_type: ObjectType, records: list[Record]) -> None:
    """Store fields that hold several references, where they changed."""
    for record in records:
        for name, values in record.__dict__.pop("_several", {}).items():
            getattr(record, object_type.fields[name].path).set(values or [])


def _demand_still_mine(actor: Actor, object_type: ObjectType, records: list[Record], action: str) -> None:
    """Nobody writes a record out of his own sight, or into a scope he may not write in. Cost: as of ``all_within``."""
    if actor.system or all_within(actor, object_type, action, [r.pk for r in records]):
        return
    if any(getattr(r, "owner_id", None) not in (None, actor.id) for r in records):
        raise RuleError({"owner": [_("You may not give this record to somebody outside your own scope.")]})
    raise RuleError({"_": [_("With these values the record would lie outside what you may see or write.")]})


def _first_said(known: dict[str, Field], made: Cleaned) -> dict[str, list]:
    """What the trail says of a new record's fields: those that hold anything."""
    return {
        name: [None, value if type(value) is str and known[name].is_told_as_is else _told(known[name], value)]
        for name, value in made.values.items()
        if (value if type(value) is str else value is not None and not known[name].rules.is_empty(value))
    }


def _told(f: Field, value: Any) -> Any:
    """A value as the trail holds it; secrets only as a mark that they changed."""
    return "•" if f.kind == "secret" else f.rules.to_json(f, value)


def _raise_together(cleaned: list[Cleaned]) -> None:
    errors = {f"{i}.{name}": sentences for i, made in enumerate(cleaned) for name, sentences in made.errors.items()}
    if errors:
        raise RuleError(errors)
