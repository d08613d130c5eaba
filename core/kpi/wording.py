"""What a built KPI is, as a sentence in the reader's language, made from its definition."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import conditions, dimensions, registry
from core.kpi.built import Built, Piece, fields_of
from core.registry import ObjectType


def in_words(made: Built) -> str:
    """Such as: Number of opportunities where status is won, by closing date. Cost: none."""
    told = _piece(made.of)
    if made.per is not None:
        told = _("%(top)s, divided by %(bottom)s") % {"top": told, "bottom": _lower(_piece(made.per))}
        if made.scale != 1:
            told = _("%(ratio)s, times %(scale)s") % {"ratio": told, "scale": made.scale}
    if made.then == "running":
        told = _("%(figure)s; added up from the beginning of the period") % {"figure": told}
    elif made.then == "average":
        told = _("%(figure)s; the moving average over %(n)d periods") % {"figure": told, "n": made.window}
    elif made.then == "year-on-year":
        told = _("%(figure)s; the change against the same period a year ago") % {"figure": told}
    return told


def date_in_words(made: Built) -> str:
    """The dates whose days are those of the period."""
    names = []
    for piece in made.pieces:
        f = fields_of(piece).get(piece.date)
        label = str(f.label) if f is not None else piece.date
        names.append(_over(label, piece.over))
    return ", ".join(dict.fromkeys(names))


def _over(label: str, over: str | int) -> str:
    if over == "period":
        return label
    if over == "until":
        return _("%(date)s, all up to the end of the period") % {"date": label}
    return ngettext("%(date)s, the last day of the period", "%(date)s, the last %(n)d days of the period", int(over)) % {"date": label, "n": over}


def _piece(piece: Piece) -> str:
    what = _what(piece)
    if piece.filter:
        what = _("%(what)s where %(condition)s") % {"what": what, "condition": conditions_in_words(piece.object_type, piece.filter)}
    return what


def _what(piece: Piece) -> str:
    if piece.of_facts:
        of = " + ".join(str(registry.measures[m].label) for m in piece.measures if m in registry.measures)
        if piece.aggregate == "sum" and piece.field == "value":
            return of
        of = _("facts of “%(measures)s”") % {"measures": of}
    else:
        of = str(piece.object_type.plural)
    f = fields_of(piece).get(piece.field)
    words = {"of": of, "field": str(f.label) if f is not None else piece.field}
    sentences = {
        "count": _("Number of %(of)s"), "sum": _("Sum of “%(field)s” of %(of)s"), "average": _("Average of “%(field)s” of %(of)s"),
        "min": _("Smallest “%(field)s” of %(of)s"), "max": _("Largest “%(field)s” of %(of)s"),
        "distinct": _("Number of different “%(field)s” of %(of)s"), "median": _("Median of “%(field)s” of %(of)s"),
    }  # fmt: skip
    return sentences[piece.aggregate] % words


def _lower(text: str) -> str:
    """The first letter small, unless the word is a short form."""
    return text[:1].lower() + text[1:] if len(text) > 1 and not text[1].isupper() else text


OPERATORS = {
    "eq": "=", "ne": "≠", "lt": "<", "lte": "≤", "gt": ">", "gte": "≥",
}  # fmt: skip


def conditions_in_words(object_type: ObjectType, node: Any) -> str:
    """A filter by the labels of its fields and choices; records stay ids, whose names are up to who reads them."""
    if word := conditions.joining(node):
        joint = _(" and ") if word == "all" else _(" or ")
        return joint.join(f"({conditions_in_words(object_type, p)})" if isinstance(p, dict) else conditions_in_words(object_type, p) for p in node[word])
    name, op, value = node
    known = fields_of(Piece(object_type.slug, date="created_at"))
    head, _dot, rest = name.partition(".")
    f, label = known.get(head), head
    if f is not None:
        label = str(f.label)
        if rest and (target := registry.get(f.target)) is not None:
            inner = dimensions.named(fields_of(Piece(target.slug)), rest) or fields_of(Piece(target.slug)).get(rest.partition(".")[0])
            label, f = f"{label} → {inner.label if inner else rest}", inner
        elif rest and (part := dimensions.named(known, name)) is not None:
            label, f = str(part.label), part
    if op == "empty":
        yes = value in (True, "true", 1)
        return _("%(field)s is empty") % {"field": label} if yes else _("%(field)s is not empty") % {"field": label}
    choices = f.choices() if f is not None and f.options and not f.is_reference else {}
    values = [str(choices.get(v, v)) for v in (value if isinstance(value, list) else str(value).split(",") if op == "in" else [value])]
    words = {"in": _("is one of"), "contains": _("contains"), "starts": _("begins with")} | OPERATORS
    return f"{label} {words.get(op, op)} {', '.join(values)}"
