"""Which record a cell means: by its id, or by what people know it by, an account by its external id or name, a person by e-mail.

Only records the actor sees are found. Several that fit are an error, never a guess.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from core import access, registry
from core.access import Actor
from core.collation import sort_key
from core.registry import Field, ObjectType

UUID_TEXT = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
SEVERAL = re.compile(r"[,;，；]")


class References:
    """What was looked up for one file; nothing is asked twice."""

    def __init__(self, actor: Actor):
        self.actor = actor
        self._found: dict[str, dict[str, list[UUID]]] = defaultdict(dict)

    def look_up(self, cells: Iterable[tuple[Field, str]]) -> None:
        """Find what these cells of one batch mean. Cost: a query for each type referred to and each of its keys."""
        wanted: dict[str, set[str]] = defaultdict(set)
        for f, text in cells:
            for slug, name in _names(f, text):
                if name not in self._found[slug]:
                    wanted[slug].add(name)
        for slug, names in wanted.items():
            self._found[slug] |= self._search(slug, names)

    def forget(self, slug: str) -> None:
        """Records of the type were written: look again for what was not found."""
        self._found[slug] = {name: ids for name, ids in self._found[slug].items() if ids}

    def value(self, f: Field, text: str) -> Any:
        """What ``core.write`` takes for the cell, after ``look_up``. Errors: ValueError with a sentence."""
        found = [self._one(slug, name) for slug, name in _names(f, text)]
        if f.kind == "refs":
            return list(map(str, found))
        if f.kind == "anyref":
            slug = _names(f, text)[0][0]
            return {"type": slug, "id": str(found[0])}
        return found[0]

    def _one(self, slug: str, name: str) -> UUID | str:
        if 32 <= len(name) <= 36 and UUID_TEXT.fullmatch(name):
            return name
        ids = self._found[slug].get(name, [])
        object_type = registry.get(slug)
        if not ids:
            raise NotFound(_("There is no %(type)s “%(name)s”.") % {"type": object_type.label if object_type else slug, "name": name[:60]})
        if len(ids) > 1:
            raise ValueError(_("%(n)d records are called “%(name)s”; use the id.") % {"n": len(ids), "name": name[:60]})
        return ids[0]

    def _search(self, slug: str, names: set[str]) -> dict[str, list[UUID]]:
        found: dict[str, list[UUID]] = {name: [] for name in names}
        object_type = registry.get(slug)
        if object_type is None or (object_type.rows and not object_type.referable) or not access.allows(self.actor, object_type, "view"):
            return found
        for f in keys_of(self.actor, object_type):
            missing = {key: name for name in names if not found[name] and (key := _as_stored(f, name)) is not None}
            kept = {"archived_at": None} if object_type.archivable else {}
            rows = access.rows(self.actor, object_type).filter(**kept)
            column = f.sort_path or f.path
            for ident, held in called(rows, f, column, missing).values_list("pk", column) if missing else ():
                found[missing[held.lower() if f.kind == "email" else held]].append(ident)
        return found


class NotFound(ValueError):
    """The cell names a record that is not there, or not yet."""


def keys_of(actor: Actor, object_type: ObjectType) -> list[Field]:
    """The fields a record of the type is known by, in the order they are tried: its keys, then its title."""
    seen = access.fields(actor, object_type)
    names = dict.fromkeys((*object_type.keys, object_type.title, object_type.title_else))
    return [seen[n] for n in names if n in seen and not seen[n].custom and not seen[n].compute and not seen[n].is_reference]


def called(rows: QuerySet, f: Field, column: str, texts: Iterable[str]) -> QuerySet:
    """Those of the rows of which a column of text holds one of these, e-mails in whatever case, by an index.

    Those of what may be empty hold no empty ones, and PostgreSQL does not look whether any of many texts is empty.
    """
    test = "caseless" if f.kind == "email" else "among"
    return rows.filter(**{f"{column}__{test}": list(texts)}).exclude(**{column: ""})


def _as_stored(f: Field, name: str) -> str | None:
    """The text as the column a record is found by holds it."""
    if f.sort_path:
        return sort_key(name)
    return name.lower() if f.kind == "email" else name


def _names(f: Field, text: str) -> list[tuple[str, str]]:
    """``(slug, name)`` of each record the cell names."""
    if f.kind == "anyref":
        slug, mark, name = text.partition(":")
        return [(slug.strip(), name.strip())] if mark else [("", text.strip())]
    parts = SEVERAL.split(text) if f.kind == "refs" else [text]
    return [(f.target, part.strip()) for part in parts if part.strip()]
