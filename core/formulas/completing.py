"""What may come next in a formula that is being written, and the list of functions: for editors."""

import re
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from core.formulas.functions import DECLARED
from core.formulas.scopes import Scope
from core.formulas.tree import DOTS
from core.registry import Field

MOST = 30
QUOTES = {"'": "'", '"': '"', "“": "”", "‘": "’", "「": "」"}
OPEN = re.compile(r"([^\W\d][\w.]*)\s*(?:=|＝|<>|≠|!=)\s*$")
WORD = re.compile(r"[\w.]*$")


@dataclass(frozen=True)
class Completion:
    """``insert`` goes in place of the text from ``start`` to the position that was asked about. ``kind`` is field, function, word or option."""

    label: str
    insert: str
    kind: str
    help: str
    start: int


def complete(text: str, position: int, scope: Scope) -> list[Completion]:
    """What fits where the text is being written, best first. Cost: none."""
    before = text[:position]
    opened = _opened(before)
    if opened is not None:
        return _options(before[:opened], before[opened + 1 :], opened, QUOTES[before[opened]], scope)
    word = WORD.search(before)[0]
    start = position - len(word)
    *way, part = word.split(".")
    if way:
        return _fields(_inside(scope, way), part, ".".join(way) + ".", start) if len(way) <= DOTS else []
    return [*_fields(scope, part, "", start), *_functions(part, start), *_words(part, start)][:MOST]


def _opened(before: str) -> int | None:
    """Where a text begins that is not closed yet."""
    place = None
    for i, letter in enumerate(before):
        if place is None and letter in QUOTES:
            place = i
        elif place is not None and letter == QUOTES[before[place]]:
            place = None
    return place


def _inside(scope: Scope, way: list[str]) -> Scope | None:
    for name in way:
        scope = scope.through(name) or scope.through(name.lower()) if scope else None
    return scope


def _fields(scope: Scope | None, part: str, prefix: str, start: int) -> list[Completion]:
    wanted = part.lower()
    if scope is None:
        return []
    known = [f for f in scope.names() if wanted in f.name or wanted in str(f.label).lower()]
    known.sort(key=lambda f: not (f.name.startswith(wanted) or str(f.label).lower().startswith(wanted)))
    return [Completion(str(f.label or f.name), prefix + f.name, "field", prefix + f.name, start) for f in known[:MOST]]


def _functions(part: str, start: int) -> list[Completion]:
    wanted = part.upper()
    known = [f for f in DECLARED if wanted and f.name.startswith(wanted) and f.name != "IN"]
    return [Completion(f.signature, f.name + ("()" if f.most == 0 else "("), "function", str(f.help), start) for f in known]


def _words(part: str, start: int) -> list[Completion]:
    wanted = part.upper()
    said = {"AND": _("Both hold."), "OR": _("One holds."), "NOT": _("It does not hold."), "IN": _("It is one of these."), "TRUE": _("Yes"), "FALSE": _("No"),
            "EMPTY": _("Nothing.")}  # fmt: skip
    return [Completion(word, f"{word} ", "word", help, start) for word, help in said.items() if wanted and word.startswith(wanted)]


def _options(before: str, typed: str, opened: int, closing: str, scope: Scope) -> list[Completion]:
    """The options of a choice that is compared with the text being written."""
    found = OPEN.search(before)
    *way, name = found[1].split(".") if found else [""]
    inner = _inside(scope, way)
    f = (inner.field(name) or inner.field(name.lower())) if inner and name else None
    if f is None or f.kind not in ("choice", "code"):
        return []
    return [_option(f, key, label, opened + 1, closing) for key, label in f.choices().items() if typed.lower() in f"{key} {label}".lower()][:MOST]


def _option(f: Field, key: str, label: Any, start: int, closing: str) -> Completion:
    return Completion(str(label), key + closing, "option", str(f.label), start)


def describe() -> list[dict[str, Any]]:
    """The functions by group: name, signature, and what each gives, in a sentence."""
    groups: dict[str, list] = {}
    for function in DECLARED:
        groups.setdefault(str(function.group), []).append({"name": function.name, "signature": function.signature, "help": str(function.help)})
    return [{"label": label, "functions": known} for label, known in groups.items()]
