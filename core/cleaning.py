"""From loose input to clean values: names known, kinds cleaned, references found and seen. Stores nothing, knows no rule.

Works on a batch, so that a thousand records cost as many queries as one. Errors come back by name, as the contract has them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from core import access, files, reach, registry
from core.access import Actor
from core.prepared import Asked, ask_together
from core.registry import Field, Lines, ObjectType

LINE_LIMIT = 1000
MOST_FIELDS = 1000  # one record names; more than any type has


@dataclass
class Cleaned:
    """One item's clean values, its line rows (each with its ``id`` or None), and what was wrong."""

    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, list["Cleaned"]] = field(default_factory=dict)
    taken: dict[str, list["Cleaned"]] = field(default_factory=dict)  # rows that an act takes, by name
    errors: dict[str, list[str]] = field(default_factory=dict)
    id: UUID | None = None

    def refuse(self, name: str, sentence: str) -> None:
        self.errors.setdefault(name, []).append(sentence)


class Given(dict[str, Any]):
    """An item of which the fields in ``stored`` hold what their kinds made of their values before, none of it empty. Our own code makes it."""

    stored: Mapping[str, Any] = MappingProxyType({})


def clean(
    actor: Actor, writable: dict[str, Field], lines: Iterable[Lines], items: list[Any], new: bool, fresh: Iterable[str] = ()
) -> list[Cleaned]:  # fmt: skip
    """Every item cleaned. ``new`` items may bring an id. Cost: one query for each type referred to.

    A row of a record there is needs what is required only where its id says that it is new; those named ``fresh`` are all new.
    """
    lines = {entry.name: entry for entry in lines}
    kept = frozenset() if new else lines.keys() - set(fresh)
    cleaned = [_clean_item(writable, lines, item, new, kept) for item in items]
    _find_references(actor, writable, lines, cleaned)
    return cleaned


def _clean_item(
    writable: dict[str, Field], lines: dict[str, Lines], item: Any, may_have_id: bool, kept: frozenset[str] = frozenset()
) -> Cleaned:  # fmt: skip
    made = Cleaned()
    if not isinstance(item, dict):
        made.refuse("_", _("A record is an object of fields."))
        return made
    if len(item) > MOST_FIELDS:
        made.refuse("_", _("A record names at most %(n)d fields.") % {"n": MOST_FIELDS})
        return made
    stored = item.stored if isinstance(item, Given) else {}
    if len(stored) == len(item) and item and writable.keys() >= stored.keys():  # all of it was cleaned before
        made.values.update(item)
        return made
    for name, value in item.items():
        if name in stored and name in writable:
            made.values[name] = value
        elif name in writable and name not in lines:
            _clean_value(made, writable[name], value)
        elif name == "id" and may_have_id:
            made.id = _clean_id(made, value)
        elif name in lines:
            made.lines[name] = _clean_lines(made, lines[name], value, name in kept)
        else:
            made.refuse(str(name)[:100].replace("\x00", ""), _("There is no such field, or you may not write it."))
    return made


def _clean_value(made: Cleaned, f: Field, value: Any) -> None:
    if value is None or value == "":
        made.values[f.name] = [] if f.rules.empty == [] else f.rules.empty
        return
    try:
        made.values[f.name] = f.rules.clean(f, value)
    except ValueError as error:
        made.refuse(f.name, str(error))


def _clean_id(made: Cleaned, value: Any) -> UUID | None:
    if value in (None, ""):
        return None
    try:
        return registry.KINDS["ref"].clean(Field("id"), value)
    except ValueError:
        made.refuse("id", _("An id is a UUID."))
        return None


def _clean_lines(made: Cleaned, entry: Lines, value: Any, may_be_kept: bool) -> list[Cleaned]:
    if not isinstance(value, list) or len(value) > LINE_LIMIT:
        made.refuse(entry.name, _("Enter a list of at most %(n)d lines.") % {"n": LINE_LIMIT})
        return []
    writable = {n: f for n, f in entry.fields.items() if not f.readonly}
    rows = []
    for position, item in enumerate(value):
        if isinstance(item, dict):  # a line may be sent back as it was read; what rules compute is not written
            item = {n: v for n, v in item.items() if n not in entry.fields or n in writable}
        row = _clean_item(writable, {}, item, True)
        for name, f in writable.items():
            stays = may_be_kept and row.id is not None and name not in row.values
            if f.required and not stays and name not in row.errors and f.rules.is_empty(row.values.get(name)):
                row.refuse(name, _("This field is required."))
        for name, sentences in row.errors.items():
            made.errors[f"{entry.name}.{position}.{name}"] = sentences
        rows.append(row)
    return rows


def _find_references(actor: Actor, writable: dict[str, Field], lines: dict[str, Lines], cleaned: list[Cleaned]) -> None:
    """Refuse references to what the actor does not see or what isn't (Z-03)."""
    asked: dict[str, set] = defaultdict(set)
    uses: list[tuple[Cleaned, str, str, Any]] = []
    pointing, within = _pointing(writable), {name: _pointing(entry.fields) for name, entry in lines.items()}
    for made in cleaned:
        for f in pointing:
            if value := made.values.get(f.name):
                _ask(f, value, asked, uses, made, f.name)
        for name, rows in made.lines.items():
            for position, row in enumerate(rows):
                for f in within[name]:
                    if value := row.values.get(f.name):
                        _ask(f, value, asked, uses, made, f"{name}.{position}.{f.name}")
    ask_together(chain.from_iterable(_asked(actor, slug, ids) for slug, ids in asked.items()))
    seen = {slug: _seen(actor, slug, ids) for slug, ids in asked.items()}
    unseen = {slug: ids - seen[slug] for slug, ids in asked.items()}
    for made, where, slug, ident in uses if any(unseen.values()) else ():
        if ident in unseen[slug]:
            made.refuse(where, _("There is no such picture.") if slug == files.PICTURES else _("There is no such record."))


def _pointing(fields: dict[str, Field]) -> list[Field]:
    return [f for f in fields.values() if f.is_reference or f.kind in ("anyref", "refnew", *files.KINDS)]


def _ask(f: Field, value: Any, asked: dict, uses: list, made: Cleaned, where: str) -> None:
    """Note which records a value names; what is to be made anew (a dict) names none yet."""
    if type(value) is UUID and f.kind == "ref":  # of most
        asked[f.target].add(value)
        uses.append((made, where, f.target, value))
        return
    if f.kind == "refnew" and not isinstance(value, UUID):
        return
    slug = {"file": files.SLUG, "image": files.PICTURES}.get(f.kind, f.target)
    pairs = [value] if f.kind == "anyref" else [(slug, v) for v in (value if isinstance(value, list) else [value])]
    for slug, ident in pairs:
        asked[slug].add(ident)
        uses.append((made, where, slug, ident))


def _asked(actor: Actor, slug: str, ids: set) -> list[Asked]:
    object_type = None if slug in (files.SLUG, files.PICTURES) else _referable(actor, slug)
    return reach.asked_present(actor, object_type, ids) if object_type else []


def _seen(actor: Actor, slug: str, ids: set) -> set:
    if slug in (files.SLUG, files.PICTURES):
        return files.usable(actor, ids, slug == files.PICTURES)
    object_type = _referable(actor, slug)
    return reach.present(actor, object_type, ids) if object_type else set()


def _referable(actor: Actor, slug: str) -> ObjectType | None:
    """The type, where the actor may refer to its records at all."""
    object_type = registry.get(slug)
    if object_type is None or (object_type.rows and not object_type.referable) or not access.allows(actor, object_type, "view"):
        return None
    return object_type


def inputs(actor: Actor, act: registry.Act, lines: Iterable[Lines], items: list[Any]) -> list[Cleaned]:
    """The inputs of an act, for each record it is done to. Raises nothing; look at ``errors``."""
    named = {f.name: f for f in act.fields}
    taken = [*(entry for entry in lines if entry.name in act.lines), *act.takes]
    cleaned = clean(actor, named, taken, [{} if data is None else data for data in items], False, [e.name for e in act.takes])
    for made in cleaned:
        made.taken = {entry.name: made.lines.pop(entry.name) for entry in act.takes if entry.name in made.lines}
        for f in act.fields:
            if f.required and f.name not in made.errors and f.rules.is_empty(made.values.get(f.name)):
                made.refuse(f.name, _("This field is required."))
    return cleaned
