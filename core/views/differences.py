"""Structured data of the set-up as its reader understands it: conditions and figures as sentences, parts by their names, never the data itself."""

import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import access, kpi, registry
from core.access import Actor
from core.codes import LANGUAGES
from core.errors import RuleError
from core.kpi import built, wording
from core.labels import in_language, is_wording
from core.layouts import BLOCKS
from core.registry import Field, ObjectType
from core.views import filters

MOST = 8  # names in one sentence
CONDITIONS = ("condition", "filter")
INNER = ("tabs", "sections", "items")  # of a layout, each within the one before
CALLED = ("label", "title", "name", "key")
WORDS = {
    "tabs": (gettext_lazy("Tabs added: %(names)s."), gettext_lazy("Tabs removed: %(names)s."), gettext_lazy("Tabs changed: %(names)s.")),
    "sections": (
        gettext_lazy("Sections added: %(names)s."), gettext_lazy("Sections removed: %(names)s."), gettext_lazy("Sections changed: %(names)s."),
    ),
    "items": (gettext_lazy("Added: %(names)s."), gettext_lazy("Removed: %(names)s."), gettext_lazy("Moved: %(names)s.")),
}  # fmt: skip
OTHERS = (gettext_lazy("Added: %(names)s."), gettext_lazy("Removed: %(names)s."), gettext_lazy("Changed: %(names)s."))

Ident = tuple[str, ...]
Parts = dict[Ident, tuple[Any, Ident]]


def told(actor: Actor, f: Field, about: ObjectType | None, pair: list, roles: dict[Any, str]) -> dict[str, Any]:
    """A change in words: before and after, or, where these are long, the sentence ``said`` of what differs.

    ``about`` is the type that the record says something of; ``roles`` maps the ids of roles to their names. Cost: one query where it names figures.
    """
    old, new = (text(actor, f, about, value, roles) for value in pair)
    if old is not None and new is not None:
        return {"label": f.label, "old": old, "new": new}
    return {"label": f.label, "old": "", "new": "", "said": _differing(actor, about, f.name, *pair)}


def text(actor: Actor, f: Field, about: ObjectType | None, value: Any, roles: dict[Any, str]) -> str | None:
    """The value in words; None where it would be long."""
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, bool):
        return str(registry.KINDS["yesno"].text(f, value))
    if not isinstance(value, dict | list):
        return str(value)
    if f.name in CONDITIONS:
        return filters.sentence(actor, about, value) if about is not None else None
    if is_wording(value):
        return ", ".join(f"{word} ({LANGUAGES.get(language, language)})" for language, word in value.items() if word)
    if f.name == "definition":
        return _figure(value)
    if isinstance(value, list) and len(value) <= MOST and all(isinstance(one, str) for one in value):
        return ", ".join(roles.get(one) or _field(actor, about, one) for one in value)
    if f.name == "choices" and isinstance(value, dict):
        return "; ".join(_left(actor, about, name, keys) for name, keys in value.items())
    return None


def _figure(definition: Any) -> str | None:
    try:
        return wording.in_words(built.read(definition))
    except RuleError:  # it names what is no more
        return None


def _field(actor: Actor, about: ObjectType | None, name: str) -> str:
    """The label of the field of this name; of what is no field, the name itself."""
    found = access.fields(actor, about).get(name) if about is not None else None
    return str(found.label) if found is not None else name


def _left(actor: Actor, about: ObjectType | None, name: str, keys: Any) -> str:
    """The options that are left of one choice."""
    found = access.fields(actor, about).get(name) if about is not None else None
    words = found.choices() if found is not None else {}
    return _("%(things)s: %(field)s") % {"things": _field(actor, about, name), "field": ", ".join(str(words.get(k, k)) for k in keys)}


# What differs -------------------------------------------------------------------------------------------------------


def _differing(actor: Actor, about: ObjectType | None, name: str, old: Any, new: Any) -> str:
    """Parts added, removed and changed by their names; where they have none, that it was changed."""
    before, after = dict(_parts(name, old)), dict(_parts(name, new))
    sentences = []
    for sort in dict.fromkeys(ident[0] for ident in (*after, *before)):
        added = {i: p for i, p in after.items() if i[0] == sort and i not in before}
        removed = {i: p for i, p in before.items() if i[0] == sort and i not in after}
        other = {i: p for i, p in after.items() if i[0] == sort and i in before and before[i] != p}
        for parts, words in zip((added, removed, other), WORDS.get(sort, OTHERS), strict=True):
            names = [n for n in (called(actor, about, one) for one, _home in parts.values()) if n]
            if names:
                sentences.append(str(words) % {"names": _some(names)})
    if not sentences and before.keys() == after.keys() and list(before) != list(after):
        return _("The order was changed.")
    return " ".join(sentences) or (_("It was changed.") if old else _("It was set."))


def _some(names: list[str]) -> str:
    more = len(names) - MOST
    return ", ".join(names) if more <= 0 else _("%(names)s and %(n)d more") % {"names": ", ".join(names[:MOST]), "n": more}


def _parts(sort: str, value: Any) -> Iterator[tuple[Ident, tuple[Any, Ident]]]:
    """Each part by what tells it from the others, with what it says itself and in which other it is."""
    if isinstance(value, dict):
        for name in INNER:
            yield from _walk(name, value.get(name), ())
    else:
        yield from _walk(sort, value, ())


def _walk(sort: str, rows: Any, home: Ident) -> Iterator[tuple[Ident, tuple[Any, Ident]]]:
    for n, one in enumerate(rows if isinstance(rows, list) else ()):
        own = {k: v for k, v in one.items() if k not in INNER} if isinstance(one, dict) else one
        ident = (sort, *(home[1:] if sort == "sections" else ()), _key(sort, own, n))
        yield ident, (own, home)
        for name in INNER if isinstance(one, dict) else ():
            yield from _walk(name, one.get(name), ident)


def _key(sort: str, own: Any, n: int) -> str:
    if not isinstance(own, dict) or sort == "items":
        return json.dumps(own, sort_keys=True)
    return str(own.get("key") or own.get("id") or own.get("label") or n)


def called(actor: Actor, about: ObjectType | None, one: Any) -> str:
    """What people call a part; empty where it has no name."""
    if not isinstance(one, dict):
        return _field(actor, about, str(one))
    if "field" in one:
        return _field(actor, about, str(one["field"]))
    if "related" in one:
        other = registry.get(str(one["related"]).partition(".")[0])
        return str(other.plural) if other is not None else str(one["related"])
    if "block" in one:
        return str(BLOCKS.get(one["block"], one["block"]))
    figure = one.get("figure") or one.get("kpi")
    if figure and not one.get("title"):
        return next((str(d.name) for d in kpi.every_definition() if d.key == figure), str(figure))
    return str(next((in_language(str(one[n]), one.get("labels")) for n in CALLED if one.get(n)), ""))


__all__ = ["called", "text", "told"]
