"""Taking back what was written: one entry of the trail, or all of a batch, where nothing has changed since. Only through ``core.write``.

A record is taken back whole or not at all; what cannot be is returned as a conflict: its type, its id, and a sentence why.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from uuid_utils.compat import uuid7

from core import access, context, deleting, lines, piecemeal, registry, write
from core.access import Actor
from core.errors import Missing, OdosError
from core.models import TrailEntry
from core.models.record import Record
from core.registry import ObjectType

BATCH = 1000
OPPOSITE = {"archive": "restore", "restore": "archive"}
POSSIBLE = ("add", "change", *OPPOSITE)

Conflict = tuple[str, UUID, str]
Progress = Callable[[int, int], None]


def entry(actor: Actor, one: TrailEntry) -> list[Conflict]:
    """Take back one write. Callers hold a transaction. Cost: as of the write that takes it back, and three queries."""
    return _of_entries(actor, [one], {one.batch} if one.batch else set(), False)


def batch(actor: Actor, ident: UUID, progress: Progress = lambda done, total: None) -> list[Conflict]:
    """Take back all that was written under this batch, the last first. Callers hold a transaction.

    What this actor made under it and nobody has touched since goes even where he may not delete: it was his to bring.
    Cost: a few dozen statements for each thousand entries; constant memory, but for the conflicts.
    """
    entries = TrailEntry.objects.filter(batch=ident)
    total, done, conflicts, last = entries.count(), 0, [], None
    mine = uuid7()
    progress(0, total)
    with context.calling(replace(context.call(), batch=mine)):
        while chunk := list((entries.filter(id__lt=last) if last else entries).order_by("-id")[:BATCH]):
            conflicts += _of_entries(actor, chunk, {ident, mine}, True)
            done, last = done + len(chunk), chunk[-1].id
            progress(done, total)
    return conflicts


def possible(actor: Actor, one: TrailEntry) -> bool:
    """Whether undoing may be offered for an entry: that it is a change of fields or an archiving, and the actor may do such things. Cost: none."""
    object_type = registry.get(one.about_type)
    if object_type is None or not object_type.writable:
        return False
    if one.act in OPPOSITE:
        return access.allows(actor, object_type, OPPOSITE[one.act])
    if one.act != "change" or not access.allows(actor, object_type, "change"):
        return False
    known = {*write.writable(actor, object_type), *(entry.name for entry in write.writable_lines(actor, object_type))}
    return bool(one.changes) and one.changes.keys() <= known


def _of_entries(actor: Actor, entries: list[TrailEntry], own: set[UUID], whole: bool) -> list[Conflict]:
    """Those of a chunk in their order, neighbours of one type and act together."""
    conflicts = []
    for (slug, act), group in groupby(entries, key=lambda one: (one.about_type, one.act)):
        object_type = registry.get(slug)
        for together in _each_once(list(group)):
            if object_type is None or act not in POSSIBLE or not object_type.writable:
                conflicts += [(slug, one.about_id, _impossible(object_type, act)) for one in together]
            else:
                conflicts += _Undoing(actor, object_type, together, own, whole).run(act)
    return conflicts


def _each_once(entries: list[TrailEntry]) -> Iterator[list[TrailEntry]]:
    """Runs in which each record comes once."""
    run: dict[UUID, TrailEntry] = {}
    for one in entries:
        if one.about_id in run:
            yield list(run.values())
            run = {}
        run[one.about_id] = one
    yield list(run.values())


def _impossible(object_type: ObjectType | None, act: str) -> str:
    if act == "delete":
        return _("What was deleted is gone for good.")
    deed = object_type.act(act) if object_type else None
    return _("“%(act)s” cannot be undone; the record's own actions lead on from here.") % {"act": deed.label if deed else act}


class _Undoing:
    """Entries of one type and one act, each of another record, being taken back together."""

    def __init__(self, actor: Actor, object_type: ObjectType, entries: list[TrailEntry], own: set[UUID], whole: bool):
        self.actor, self.type, self.own, self.whole = actor, object_type, own, whole
        self.entries = {one.about_id: one for one in entries}
        self.conflicts: list[Conflict] = []

    def run(self, act: str) -> list[Conflict]:
        if act == "add":
            mine = {ident: one for ident, one in self.entries.items() if self.whole and one.actor == self.actor.id}
            self._delete(access.on_behalf(self.actor), list(mine))
            self._delete(self.actor, [ident for ident in self.entries if ident not in mine])
        elif act == "change":
            self._set_back()
        else:
            self._do(OPPOSITE[act])
        return self.conflicts

    def _refuse(self, ident: UUID, sentence: str) -> None:
        self.conflicts.append((self.type.slug, ident, str(sentence)))

    def _locked(self, actor: Actor, idents: list[UUID], action: str, *only: str) -> dict[UUID, Record]:
        """Those of these records there still are and on which the actor may do this, locked in the order of keys; the others are conflicts.

        ``only`` names the columns that are looked at.
        """
        rows = access.rows(actor, self.type).filter(pk__among=idents).order_by("pk").select_for_update(of=("self",)) if idents else ()
        found = {record.pk: record for record in (rows.only(*only) if idents and only else rows)}
        may = found.keys()
        if found and not write.all_within(actor, self.type, action, list(found)):
            may = set(access.rows(actor, self.type, action).filter(pk__among=found).values_list("pk", flat=True))
        for ident in idents:
            if ident not in found:
                self._refuse(ident, _("The record is gone."))
            elif ident not in may:
                self._refuse(ident, _("You may not do this with this record."))
        return {ident: found[ident] for ident in idents if ident in may}

    # what was made

    def _delete(self, actor: Actor, idents: list[UUID]) -> None:
        found = self._locked(actor, idents, "delete", "version")
        touched = self._touched(list(found))
        for ident in touched:
            self._refuse(ident, _("The record was changed since."))
        self._attempt([(ident, record.version) for ident, record in found.items() if ident not in touched], lambda some: self._delete_all(actor, some))

    def _touched(self, idents: list[UUID]) -> set[UUID]:
        """Records something else was done to after their entry. Cost: one query."""
        if not idents:
            return set()
        since = TrailEntry.objects.filter(about_id__among=idents, id__gt=min(one.id for one in self.entries.values())).exclude(act="view")
        return {about for about, ident, batch in since.values_list("about_id", "id", "batch") if ident > self.entries[about].id and batch not in self.own}

    def _delete_all(self, actor: Actor, items: list[tuple[UUID, int]]) -> None:
        for (ident, _version), gone in zip(items, deleting.delete_many(actor, self.type, items), strict=True):
            if not gone:
                self._refuse(ident, _("The record was archived instead of deleted, since others or figures point to it."))

    # what was changed

    def _set_back(self) -> None:
        found = self._locked(self.actor, list(self.entries), "change")
        items = []
        for ident, record in found.items():
            data = self._before(record, self.entries[ident])
            if data is not None:
                items.append((ident, data, record.version))
        self._attempt(items, lambda some: write.change_many(self.actor, self.type, some))

    def _before(self, record: Record, one: TrailEntry) -> dict[str, Any] | None:
        """What to write so that all is as before this entry; None, and a conflict, where it is no longer as the entry left it."""
        known = write.writable(self.actor, self.type)
        rows = {e.name for e in write.writable_lines(self.actor, self.type)}
        now = lines.now(self.type, record) if rows & one.changes.keys() else {}
        data = {}
        for name, (before, after) in one.changes.items():
            f = known.get(name)
            if (f is None and name not in rows) or (f is not None and f.kind == "secret"):
                self._refuse(record.pk, _("“%(field)s” cannot be set back.") % {"field": f.label if f else name})
                return None
            present = now[name] if f is None else f.rules.to_json(f, f.value(record))
            if present != after:
                self._refuse(record.pk, _("“%(field)s” was changed since.") % {"field": f.label if f else name})
                return None
            data[name] = before if f is not None else _rows_again(before or [], present)
        return data

    # what was archived or restored

    def _do(self, act: str) -> None:
        found = self._locked(self.actor, list(self.entries), act)
        self._attempt([(ident, None) for ident in found], lambda some: write.act_many(self.actor, self.type, act, some))

    def _attempt(self, items: list[tuple], work: Callable[[list[tuple]], Any]) -> None:
        """Do the work on all that no rule refuses."""
        for item, error in piecemeal.do(work, items):
            self._refuse(item[0], _sentence(error))


def _rows_again(before: list[dict], present: list[dict]) -> list[dict]:
    """Rows as they were: those that are there keep their id and lose what they did not have, those that were removed come as new ones."""
    there = {row["id"]: dict.fromkeys(row) for row in present}
    return [there[row["id"]] | row if row["id"] in there else {n: v for n, v in row.items() if n != "id"} for row in before]


def _sentence(error: Exception) -> str:
    if isinstance(error, Missing):
        return _("The record is gone.")
    return " ".join(error.sentences) if isinstance(error, OdosError) else _("A value is outside of what is possible.")


__all__ = ["Conflict", "batch", "entry", "possible"]
