"""A value of one kind told as one of another: in numbers where both are, by keys where both choose or refer, else as a form or file would bring it.

What cannot be told is never guessed: it comes back with the sentence that a form would say.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import translation
from django.utils.translation import gettext as _

from core import context, files, read
from core.access import Actor
from core.collation import fold, key_of
from core.money import plain
from core.registry import Field
from core.transfer.cells import SEVERAL, reader
from core.transfer.references import References

TEXTS = ("text", "longtext", "email", "phone", "url", "barcode")
LONG = ("text", "longtext")
FIGURES = ("number", "integer", "money", "percent")
TIMES = ("date", "datetime")
CHOOSES = ("choice", "choices")
POINTS = ("ref", "refs", "user")


def _others(kind: str, *groups: Iterable[str]) -> tuple[str, ...]:
    return tuple(k for group in groups for k in group if k != kind)


BECOMES = {
    **{k: _others(k, TEXTS, FIGURES, TIMES, CHOOSES, ("yesno", "geo"), POINTS) for k in TEXTS},
    "autonumber": TEXTS,
    **{k: _others(k, TEXTS, FIGURES, TIMES, CHOOSES, ("yesno",), POINTS) for k in CHOOSES},
    **{k: _others(k, (*LONG, "phone", "barcode"), FIGURES, CHOOSES, ("yesno",)) for k in FIGURES},
    **{k: _others(k, LONG, TIMES, CHOOSES) for k in TIMES},
    "yesno": (*LONG, "number", "integer", *CHOOSES),
    **{k: _others(k, LONG, CHOOSES, POINTS) for k in POINTS},
    **{k: _others(k, LONG, ("file", "image")) for k in ("file", "image")},
    "address": LONG,
    "geo": LONG,
}  # from what a field can be made: the others have nothing that could be read, or are worked out


class Retelling:
    """Stored values of one field told as those of another, for a reader: what he does not see is not told."""

    def __init__(self, actor: Actor, old: Field, new: Field):
        self.actor, self.old, self.new = actor, old, new
        self.references = References(actor)
        self.names: dict[Any, str] = {}
        self.pictures: set[UUID] = set()
        self._read = reader(new, ",")

    def tell(self, stored: list[Any]) -> list[tuple[Any, str]]:
        """For each value (as JSON) what it becomes, None where nothing does, and then a sentence why. Cost: a query for what they refer to or name."""
        values = [self.old.rules.from_json(self.old, one) for one in stored]
        self._look_up(values)
        return [self._tell(value) for value in values]

    def texts(self, stored: list[Any]) -> list[str]:
        """The values as people read them; empty where one cannot be read. Cost: as ``tell``."""
        values = [self.old.rules.from_json(self.old, one) for one in stored]
        self._look_up(values)
        found = []
        for value in values:
            try:
                found.append(self._written(value))
            except ValueError:
                found.append("")
        return found

    def _look_up(self, values: list[Any]) -> None:
        idents = {one for value in values for one in (value if isinstance(value, list) else [value]) if isinstance(one, UUID)}
        if self.old.kind in POINTS:
            self.names |= read.labels(self.actor, {self.old.target: idents}).get(self.old.target, {})
        elif self.old.kind in files.KINDS:
            self.names |= files.names(idents)
            self.pictures |= files.usable(self.actor, idents, True) if self.new.kind == "image" else set()
        elif self.new.kind in POINTS:
            self.references.look_up((self.new, self._written(value)) for value in values)

    def _tell(self, value: Any) -> tuple[Any, str]:
        try:
            made = self._become(value)
        except ValueError as error:
            return None, str(error)
        rules = self.new.rules
        return (None, _("Nothing would be left of it.")) if rules.is_empty(made) else (rules.to_json(self.new, made), "")

    def _become(self, value: Any) -> Any:
        """The value in Python, cleaned by the new kind. Errors: ValueError."""
        old, new = self.old.kind, self.new.kind
        rules = self.new.rules
        if old in FIGURES and new in FIGURES:
            return rules.clean(self.new, rules.from_form(self.new, self.old.rules.to_form(self.old, value)))
        if old == "yesno" and new in FIGURES:
            return rules.clean(self.new, int(value))
        if old == "datetime" and new == "date":
            return value.astimezone(context.company().zone).date()
        if {old, new} <= {*CHOOSES} or {old, new} <= {*POINTS}:
            return self._of_several(value)
        if old in files.KINDS and new in files.KINDS:
            if new == "image" and value not in self.pictures:
                raise ValueError(_("There is no such picture."))
            return value
        text = self._written(value)
        if new in POINTS:
            found = self.references.value(self.new, text)
            return rules.clean(self.new, found)
        return rules.clean(self.new, rules.from_form(self.new, self._read(text.strip())))

    def _of_several(self, value: Any) -> Any:
        """One of several or several of one; options are found by their keys, or else by their labels."""
        several = value if isinstance(value, list) else [value]
        known = self.new.choices() if self.new.kind in CHOOSES else {}
        labels = self.old.choices() if self.old.kind in CHOOSES else {}
        several = [one if one in known or one not in labels else str(labels[one]) for one in several] if known else several
        if self.new.rules.empty == []:
            return self.new.rules.clean(self.new, several)
        if len(several) > 1:
            raise ValueError(_("It holds several values."))
        return self.new.rules.clean(self.new, several[0])

    def _written(self, value: Any) -> str:
        """The value as people write it, in the company's language. Errors: ValueError where it is not to be seen."""
        f = self.old
        if f.kind in POINTS or f.kind in files.KINDS:
            several = value if isinstance(value, list) else [value]
            if any(one not in self.names for one in several):
                raise ValueError(_("What it refers to is gone, or you do not see it."))
            return ", ".join(self.names[one] for one in several)
        if f.kind == "percent":
            return f"{plain(value * 100)}%"
        if f.rules.sums:
            return str(f.rules.to_json(f, value))
        if isinstance(value, datetime):
            return value.astimezone(context.company().zone).replace(tzinfo=None).isoformat(" ")
        if f.kind in (*CHOOSES, "yesno", "address", "geo"):
            with translation.override(context.company().language):
                return f.rules.text(f, value)
        return str(value)


def options_of(texts: Iterable[str], several: bool) -> list[dict[str, Any]]:
    """Options made of texts in their order: each once however it is written, with a key that follows from it."""
    parts = (part.strip() for text in texts for part in (SEVERAL.split(text) if several else [text]))
    labels = {fold(part): part[:200] for part in sorted((p for p in parts if p), reverse=True)}
    made: dict[str, str] = {}
    for label in sorted(labels.values()):
        base = key_of(label, "_")[:60] or "option"
        key = next(k for n in range(1, len(labels) + 2) if (k := base if n == 1 else f"{base}_{n}") not in made)
        made[key] = label
    return [{"key": key, "label": label} for key, label in made.items()]


__all__ = ["BECOMES", "Retelling", "options_of"]
