"""Packs: the set-up of a company as one readable file, and the way back: what it would change, installing it, taking it away.

A file names everything by what people and the API call it (types, keys, names of roles), never by an id, so that it means
the same in every company. Parts enter through ``core.write`` alone: what a person may not make, his pack may not either.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import access, clock, context, deleting, pack_parts, registry, schema, write
from core.access import Actor
from core.errors import OdosError, RuleError, Unparsable
from core.labels import in_language, is_wording
from core.models import Grant, Pack, Role
from core.models.record import Record, permit
from core.pack_parts import Values, identity
from core.registry import Field, ObjectType

FORMAT = 1  # of the file; a newer one is refused
MOST = 2000  # parts in one file
FILE = Field("content", "json", max_length=1_000_000)
LATER = {"custom-objects": ("columns", "board")}  # what names other parts, written once all are there

CHOICES = (
    Field("take", "json", gettext_lazy("Take from the pack where both have it")),
    Field("force", "yesno", gettext_lazy("Leave what has changed since as it is")),
)


@dataclass
class Step:
    """What becomes of one part: ``state`` is new, same, differs or impossible; ``fields`` are those that differ, with both values."""

    slug: str
    name: str
    values: Values
    state: str
    found: Record | None = None
    fields: dict[str, list[Any]] = field(default_factory=dict)
    problem: str = ""

    @property
    def id(self) -> str:
        return f"{self.slug}:{self.name}"


def parts_of(actor: Actor, archived: bool = False, everything: bool = False) -> dict[str, list[Step]]:
    """All of the company's set-up that a pack may hold, by type; or what of it is archived. Cost: two queries for each type.

    With ``everything`` also records that every company starts with, as they are untouched: a pack may bring its own in their place.
    """
    names = pack_parts.role_names()
    known = [t for t in map(registry.get, pack_parts.kinds()) if t is not None and access.allows(actor, t, "view")]
    return {t.slug: _steps(actor, t, names, archived, everything) for t in known}


def _steps(actor: Actor, object_type: ObjectType, names: dict[str, str], archived: bool, everything: bool = False) -> list[Step]:
    stored = access.rows(actor, object_type).filter(archived_at__isnull=not archived).order_by("created_at", "id")
    rows = [r for r in stored if pack_parts.is_shaped(object_type, r) or (everything and object_type.packed is not None)]
    told = [(values, row) for row in rows if (values := pack_parts.values(object_type, row, names))]
    return [Step(object_type.slug, identity(object_type, values), values, "same", row) for values, row in told]


def export(actor: Actor, head: Values, chosen: Iterable[str]) -> Values:
    """A pack of these parts (``type:name``), under what ``head`` says of it: key, name, names, about, edition."""
    wanted = set(chosen)
    parts = {slug: [s.values for s in steps if s.id in wanted] for slug, steps in parts_of(actor).items()}
    known = {k: head[k] for k in ("key", "name", "names", "about", "abouts", "edition") if head.get(k)}
    return {"odos_pack": FORMAT, "edition": 1, **known, "parts": {slug: values for slug, values in parts.items() if values}}


# Reading a file -----------------------------------------------------------------------------------------------------


def demand(content: Any) -> None:
    """Refuse what is no pack, a pack from a newer version, and parts nobody knows, each in a sentence."""
    made = content.get("odos_pack") if isinstance(content, dict) else None
    if not isinstance(made, int) or isinstance(made, bool) or made < 1:
        raise RuleError({"content": [_("This file is no pack.")]})
    if made > FORMAT:
        raise RuleError({"content": [_("This pack was made by a newer version of Odos; update first.")]})
    try:
        registry.KINDS["json"].clean(FILE, content)
    except ValueError as error:
        raise RuleError({"content": [str(error)]}) from None
    if errors := list(_faults(content)):
        raise RuleError({"content": errors[:20]})


def _faults(content: Values) -> Iterator[str]:
    for name in ("key", "name"):
        if not isinstance(content.get(name), str) or not 0 < len(content[name]) <= 60:
            yield _("A pack has a “%(name)s” of at most 60 characters.") % {"name": name}
    if not isinstance(content.get("about", ""), str) or not all(is_wording(content.get(name) or {}) for name in ("names", "abouts")):
        yield _("Name and description of a pack are texts, those in other languages written as {\"zh-Hans\": \"…\"}.")
    edition = content.get("edition", 1)
    if not isinstance(edition, int) or isinstance(edition, bool) or not 0 < edition < 2**31:
        yield _("The edition of a pack is a whole number from 1.")
    parts = content.get("parts")
    if not isinstance(parts, dict) or not all(isinstance(p, list) and all(isinstance(v, dict) for v in p) for p in parts.values()):
        yield _("A pack has “parts”: for each type a list of what is to be made.")
        return
    if sum(len(p) for p in parts.values()) > MOST:
        yield _("A pack holds at most %(n)d parts.") % {"n": MOST}
    for slug in parts:
        if slug not in pack_parts.kinds() or registry.get(slug) is None:
            yield _("A pack cannot hold “%(type)s”.") % {"type": str(slug)[:60]}
    for slug, values in ((slug, v) for slug, p in parts.items() if slug in pack_parts.kinds() and registry.get(slug) for v in p):
        object_type = registry.get(slug)
        known = {*pack_parts.fields(object_type), *(entry.name for entry in object_type.lines), *(("key",) if slug == "roles" else ())}
        spoken = values.get("in", {})
        if not isinstance(spoken, dict) or not all(isinstance(one, dict) and one.keys() <= known for one in spoken.values()):
            yield _("“in” of “%(part)s” holds its texts by language.") % {"part": f"{slug}: {identity(object_type, values)}"[:120]}
        for name in values.keys() - known - {"in"}:
            yield _("“%(part)s” has no field “%(name)s”.") % {"part": f"{slug}: {identity(object_type, values)}"[:120], "name": str(name)[:60]}


def plan(actor: Actor, content: Any) -> list[Step]:
    """What installing would do, part by part, against the set-up as it is. Cost: that of ``parts_of``. Errors: RuleError."""
    demand(content)
    present = {step.id: step for steps in parts_of(actor, everything=True).values() for step in steps}
    gone = {step.id: step for steps in parts_of(actor, archived=True).values() for step in steps}
    steps, seen = [], set()
    for slug in pack_parts.kinds():
        for values in _spoken(content, slug):
            object_type = registry.get(slug)
            step = Step(slug, identity(object_type, values), values, "new")
            if step.id in seen:
                raise RuleError({"content": [_("“%(part)s” is in the pack twice.") % {"part": step.id[:120]}]})
            seen.add(step.id)
            if slug == "roles" and values.get("key"):
                _plan_default_role(step)
            elif (mine := present.get(step.id) or gone.get(step.id)) is not None:
                step.found = mine.found
                step.fields = _differing(pack_parts.fields(object_type), mine.values, values)
                step.state = "new" if mine.found.archived_at else "differs" if step.fields else "same"
            if not access.allows(actor, object_type, "add"):
                step.state, step.problem = "impossible", _("You may not make this.")
            steps.append(step)
    return steps


def _spoken(content: Values, slug: str) -> list[Values]:
    """The parts of a type with their texts in the company's language, where the file has them in it (``in``)."""
    language = context.company().language
    return [{**{n: v for n, v in values.items() if n != "in"}, **values.get("in", {}).get(language, {})} for values in content["parts"].get(slug, ())]


def steps_of(content: Values) -> dict[str, Step]:
    """The parts of a file by their ids, whatever there is of them here. Cost: none."""
    found = (Step(slug, identity(registry.get(slug), values), values, "same") for slug in pack_parts.kinds() for values in _spoken(content, slug))
    return {step.id: step for step in found}


def _differing(fields: dict[str, Field], mine: Values, theirs: Values) -> dict[str, list[Any]]:
    """Both values of what the file says otherwise. What either leaves unsaid is as it starts."""
    pairs = {n: [mine.get(n, pack_parts.start(fields[n]) if n in fields else []), v] for n, v in theirs.items() if n != "grants"}
    return {n: pair for n, pair in pairs.items() if pair[0] != pair[1]}


def _plan_default_role(step: Step) -> None:
    """Grants are added to a role that every company has, for types it has none of."""
    step.found = Role.objects.filter(key=step.values["key"], archived_at=None).first()
    if step.found is None:
        step.state, step.problem = "impossible", _("There is no role “%(name)s” here.") % {"name": str(step.values["key"])[:80]}
        return
    held = set(step.found.grants.values_list("type", flat=True))
    said = step.values.get("grants")
    missing = [g for g in said if isinstance(g, dict) and str(g.get("type")) not in held] if isinstance(said, list) else []
    step.state, step.fields = ("differs", {"grants": [None, missing]}) if missing else ("same", {})


# Installing ---------------------------------------------------------------------------------------------------------


def install(actor: Actor, content: Values, take: Iterable[str] = ()) -> dict[str, Any]:
    """Make all of it, or nothing; of what differs only what ``take`` names (its ids, or ``*``). Returns what a Pack remembers.

    Parts that stand on others are tried again once those are there. Errors: RuleError that names the part.
    """
    steps, wanted = plan(actor, content), set(take)
    conflicts = [s.id for s in steps if s.state == "differs" and s.slug != "roles" and s.id not in wanted and "*" not in wanted]
    if conflicts:
        raise RuleError({"take": [_("“%(part)s” is here already and differs: say whether to take the pack's.") % {"part": c[:120]} for c in conflicts[:20]]})
    if impossible := [s for s in steps if s.state == "impossible"]:
        raise RuleError({"content": [f"{s.id[:120]}: {s.problem}" for s in impossible[:20]]})
    made: dict[str, Any] = {}
    waiting = [s for s in steps if s.state != "same"]
    while waiting:
        refused = [(step, error) for step in waiting if (error := _try(actor, step, made)) is not None]
        if len(refused) == len(waiting):
            raise RuleError({"content": [sentence for step, error in refused for sentence in _told(step, error)][:20]})
        waiting = [step for step, _error in refused]
    for step in steps:
        if (later := {n: step.values[n] for n in LATER.get(step.slug, ()) if n in step.values}) and step.state != "same":
            _change(actor, step.slug, UUID(made[step.id]["id"]), later)
            made[step.id]["version"] = _row(step.slug, made[step.id]["id"]).version
    return made


def _told(step: Step, error: OdosError) -> list[str]:
    return [f"{step.id[:120]}: {sentence}" for sentence in error.sentences]


def _try(actor: Actor, step: Step, made: dict[str, Any]) -> OdosError | None:
    """Make one part; what refuses it is returned, and nothing of it stays."""
    try:
        with transaction.atomic():
            made[step.id] = _make(actor, step)
    except OdosError as error:
        schema.forget()
        return error
    schema.forget()
    return None


def _make(actor: Actor, step: Step) -> dict[str, Any]:
    values = pack_parts.written(step.slug, {n: v for n, v in step.values.items() if n not in LATER.get(step.slug, ())}, pack_parts.role_names())
    if step.slug == "roles" and step.values.get("key"):
        return _add_grants(actor, step)
    object_type = registry.get(step.slug)
    if step.found is None and object_type.personal is not None:
        _look_again(actor, object_type, step)
    if step.found is None:
        row = write.create(actor, object_type, values)
        return {"id": str(row.pk), "version": row.version, "how": "made"}
    before = {n: mine for n, (mine, _theirs) in step.fields.items()}
    fixed = {n for n, f in object_type.fields.items() if f.once}
    if blocked := sorted(fixed & step.fields.keys()):
        raise RuleError({"content": [_("“%(field)s” of what is here cannot change any more.") % {"field": blocked[0]}]})
    again = step.found.archived_at is not None
    if again:
        write.act(actor, object_type, step.found.pk, "restore")
    differing = {n: values[n] for n in step.fields if n in values}
    row = _change(actor, step.slug, step.found.pk, differing) if differing else _row(step.slug, str(step.found.pk))
    return {"id": str(row.pk), "version": row.version, **({"how": "made"} if again else {"how": "changed", "before": before})}


def _look_again(actor: Actor, object_type: ObjectType, step: Step) -> None:
    """Nobody sees the views of an object that is archived: once the pack has brought it back, those it had are found. Cost: two queries."""
    gone = next((s for s in _steps(actor, object_type, pack_parts.role_names(), archived=True) if s.id == step.id), None)
    if gone is not None:
        step.found, step.fields = gone.found, _differing(pack_parts.fields(object_type), gone.values, step.values)


def _add_grants(actor: Actor, step: Step) -> dict[str, Any]:
    _mine, missing = step.fields["grants"]
    kept = [{"id": str(g.pk), **{n: getattr(g, n) for n in ("type", "actions", "scope", "filter", "hidden", "readonly")}} for g in _grants(step.found)]
    row = _change(actor, "roles", step.found.pk, {"grants": [*kept, *missing]})
    return {"id": str(row.pk), "version": row.version, "how": "granted", "types": [g["type"] for g in missing]}


def _grants(role: Role) -> list[Grant]:
    return list(role.grants.order_by("position", "pk"))


def _row(slug: str, ident: str) -> Record | None:
    return registry.get(slug).all().filter(pk=ident).first()


def _change(actor: Actor, slug: str, ident: UUID, values: Values) -> Record:
    row, object_type = _row(slug, str(ident)), registry.get(slug)
    return write.change(actor, object_type, row.pk, pack_parts.with_ids(object_type, row, values), row.version)


# Taking it away -----------------------------------------------------------------------------------------------------


def uninstall(actor: Actor, made: dict[str, Any]) -> list[str]:
    """Archive what a pack made and set back what it changed, the last first; returns what stays because it changed since.

    Values that people entered into its fields are kept, as of any field that is archived.
    """
    left: list[str] = []
    waiting = list(reversed(list(made.items())))
    while waiting:
        refused = [(name, told, error) for name, told in waiting if (error := _undo(actor, name, told, left)) is not None]
        if len(refused) == len(waiting):
            left += [f"{name}: {sentence}" for name, told, error in refused for sentence in _told(Step("", name, {}, ""), error)]
            break
        waiting = [(name, told) for name, told, _error in refused]
    return left


def _undo(actor: Actor, name: str, told: dict[str, Any], left: list[str]) -> OdosError | None:
    slug = name.partition(":")[0]
    row = _row(slug, told["id"])
    try:
        with transaction.atomic():
            if row is None or row.archived_at is not None:
                pass
            elif told["how"] == "granted":
                grants = [{"id": str(g.pk)} for g in _grants(row) if g.type not in told["types"]]
                _change(actor, "roles", row.pk, {"grants": grants})
            elif told["how"] == "changed" and row.version != told["version"]:
                left.append(_("%(part)s has changed since and stays as it is.") % {"part": name})
            elif told["how"] == "changed":
                _change(actor, slug, row.pk, told["before"])
            elif registry.get(slug).archivable:
                write.act(actor, registry.get(slug), row.pk, "archive")
            else:
                deleting.delete(actor, registry.get(slug), row.pk, row.version)
    except OdosError as error:
        schema.forget()
        return error
    schema.forget()
    return None


# The type -----------------------------------------------------------------------------------------------------------


def prepare(actor: Actor, pairs: list) -> None:
    """Key, name and edition are those of the file, before anything asks for them."""
    for pack, _made in pairs:
        if pack._state.adding:
            demand(pack.content)
            _name(pack)


def _name(pack: Pack) -> None:
    pack.key, pack.name, pack.edition = pack.content["key"], pack.content["name"], pack.content.get("edition", 1)


def after(actor: Actor, pack: Pack, changed: dict) -> None:
    """A pack that is new is installed, in its transaction: it is there with all its parts, or not at all."""
    if pack.version == 1:
        pack.made = install(actor, pack.content, pack.take)
        with permit():
            Pack.objects.filter(pk=pack.pk).update(made=pack.made)


def update(actor: Actor, pack: Pack, data: Values) -> None:
    """The act that installs another edition: its parts enter, those it no longer has go."""
    content = data["content"]
    demand(content)
    if content["key"] != pack.key:
        raise RuleError({"content": [_("This is the pack “%(key)s”, not an edition of “%(mine)s”.") % {"key": content["key"], "mine": pack.key}]})
    before = pack.made
    made = install(actor, content, data.get("take") or ())
    named = {f"{slug}:{identity(registry.get(slug), values)}" for slug in content["parts"] for values in _spoken(content, slug)}
    _demand_all(uninstall(actor, {name: told for name, told in before.items() if name not in named}), data)
    pack.content, pack.made = content, {**{n: t for n, t in before.items() if n in named}, **made}
    _name(pack)


def remove(actor: Actor, pack: Pack, data: Values) -> None:
    """The act that takes a pack away. Errors: RuleError that names what has changed since, unless ``force`` leaves that as it is."""
    _demand_all(uninstall(actor, pack.made), data)
    pack.archived_at = clock.now()


def _demand_all(left: list[str], data: Values) -> None:
    if left and not data.get("force"):
        raise RuleError({"force": left[:20]})


# Shipped ones -------------------------------------------------------------------------------------------------------


def shipped() -> dict[str, Values]:
    """The packs that come with the product, by key, in the order declared. Cost: none, they are read once."""
    return {content["key"]: content for content in _read(tuple(registry.packs))}


@cache
def _read(paths: tuple[Path, ...]) -> tuple[Values, ...]:
    return tuple(json.loads(path.read_text(encoding="utf-8")) for path in paths)


def called(content: Values) -> Any:
    """The pack's name in the reader's language."""
    return in_language(content.get("name", ""), content.get("names"))


def described(content: Values) -> Any:
    """What it is for, in the reader's language."""
    return in_language(content.get("about", ""), content.get("abouts"))


def parse(text: str | bytes) -> Any:
    """A pack from its file. Errors: Unparsable."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Unparsable(_("This file is no pack: it is not valid JSON.")) from None
