"""Sentences beside the fields of a record: why a figure of a row is what it is, and what its type notes of it. Names only what the reader sees."""

from collections import defaultdict
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _

from core import read
from core.access import Actor
from core.read import Shown
from core.registry import Lines, ObjectType
from core.showing import Sentence
from core.views import pages

Told = list[dict[str, str]]  # pieces {text, url}


def reasons(actor: Actor, record: Model, entry: Lines, rows: list[Shown]) -> dict[tuple[Any, str], list[Told]]:
    """(row id, field) -> sentences, of one kind of rows. Cost: one query for each type the reasons name."""
    found = {
        (key, reason.name): sentences
        for reason in entry.reasons
        for key, sentences in reason.tell(actor, record, [row.record for row in rows]).items()
    }  # fmt: skip
    told = _worded(actor, [s for sentences in found.values() for s in sentences])
    return {key: [told.pop(0) for _each in sentences] for key, sentences in found.items()}


def of_record(actor: Actor, object_type: ObjectType, record: Model) -> list[dict[str, Any]]:
    """The notes of a record as object/notes.html reads them. Cost: that of the type's own hook, and a query for each type named."""
    made = object_type.notes(actor, record)
    told = _worded(actor, [s for note in made for s in note.sentences])
    return [
        {
            "heading": note.heading, "sentences": [told.pop(0) for _each in note.sentences],
            "links": [{"label": label, "url": url, "primary": primary} for label, url, primary in note.links],
        }
        for note in made
    ]  # fmt: skip


def _worded(actor: Actor, sentences: list[Sentence]) -> list[Told]:
    """Sentences with the names and addresses of the records in them."""
    wanted: dict[str, set] = defaultdict(set)
    for sentence in sentences:
        for piece in sentence:
            if not isinstance(piece, str):
                wanted[piece[0]].add(piece[1])
    labels = read.labels(actor, wanted)

    def piece_of(piece: str | tuple[str, Any]) -> dict[str, str]:
        if isinstance(piece, str):
            return {"text": piece, "url": ""}
        label = labels.get(piece[0], {}).get(piece[1], "")
        return {"text": label or _("(not visible)"), "url": pages.address(*piece) if label else ""}

    return [[piece_of(piece) for piece in sentence] for sentence in sentences]
