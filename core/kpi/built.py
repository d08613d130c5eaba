"""What a company built a KPI of: a part over facts or records, perhaps by another part, and what is made of it through time.

Reads and refuses definitions (contract, KPIs); computes nothing. A definition is data: nothing of it is ever evaluated.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import access, conditions, registry, schema
from core.errors import RuleError, Unparsable
from core.registry import Field, ObjectType

AGGREGATES = {
    "count": gettext_lazy("Number of records"), "sum": gettext_lazy("Sum"), "average": gettext_lazy("Average"), "min": gettext_lazy("Smallest"),
    "max": gettext_lazy("Largest"), "distinct": gettext_lazy("Number of different values"), "median": gettext_lazy("Median"),
}  # fmt: skip
ADDING = ("count", "sum")  # those whose parts add up to the whole
COUNTING = ("count", "sum", "distinct")  # those that come to nothing where nothing is
FACTS = "facts"
PART = {"of", "aggregate", "field", "date", "filter", "over"}
WHOLE = PART | {"per", "scale", "then"}
DAYS, WINDOW, SCALE = 3660, 60, 1_000_000
DISTINCT = ("text", "choice", "code", "ref", "user", "number", "integer", "money", "percent", "date", "email", "phone", "url", "yesno", "anyref")


@dataclass(frozen=True)
class Piece:
    """One aggregate: of the rows of a type, or of the facts of some measures, over which days of which date."""

    type: str
    measures: tuple[str, ...] = ()
    aggregate: str = "sum"
    field: str = ""
    date: str = ""
    filter: Any = None
    over: str | int = "period"

    @property
    def of_facts(self) -> bool:
        return self.type == FACTS

    @property
    def adds(self) -> bool:
        return self.aggregate in ADDING

    @property
    def object_type(self) -> ObjectType:
        found = registry.get(self.type)
        if found is None:
            raise refuse(_("There is no object “%(type)s”.") % {"type": self.type[:60]})
        return found

    @property
    def nothing(self) -> int | None:
        """What it comes to where there is nothing."""
        return 0 if self.aggregate in COUNTING else None


@dataclass(frozen=True)
class Built:
    """A KPI as somebody built it. ``then`` is nothing, running, average (over ``window`` periods) or year-on-year."""

    of: Piece
    per: Piece | None = None
    scale: int = 1
    then: str = ""
    window: int = 1

    @property
    def pieces(self) -> list[Piece]:
        return [self.of] if self.per is None else [self.of, self.per]

    @property
    def is_plain(self) -> bool:
        """Whether it is a sum of facts, or one by another under the same conditions: then it is asked as shipped ones are."""
        same = self.per is None or self.per.filter == self.of.filter
        return same and not self.then and all(p.of_facts and p.aggregate == "sum" for p in self.pieces)


def refuse(sentence: str) -> RuleError:
    return RuleError({"definition": [sentence]})


def read(definition: Any) -> Built:
    """A definition as what it says. Errors: RuleError at ``definition``. Cost: none."""
    if not isinstance(definition, dict):
        raise refuse(_("A definition is an object with “of” and “aggregate”."))
    _demand_known(definition, WHOLE)
    per = definition.get("per")
    scale = definition.get("scale", 1)
    if scale in (None, ""):
        scale = 1
    if isinstance(scale, str) and scale.isascii() and scale.isdigit():
        scale = int(scale[:9])
    if not isinstance(scale, int) or isinstance(scale, bool) or not 1 <= scale <= SCALE:
        raise refuse(_("A ratio is times a whole number from 1 to %(most)d.") % {"most": SCALE})
    if per is not None and not isinstance(per, dict):
        raise refuse(_("What it is divided by is a part of its own, with “of” and “aggregate”."))
    if per is not None:
        _demand_known(per, PART)
    return Built(_piece(definition), None if per is None else _piece(per), scale, *_then(definition.get("then")))


def _demand_known(given: dict, known: set[str]) -> None:
    if unknown := [str(k) for k in given if k not in known]:
        raise refuse(_("A definition has no “%(name)s”; it has: %(known)s.") % {"name": unknown[0][:40], "known": ", ".join(sorted(known))})


def _piece(given: dict) -> Piece:
    of, aggregate = given.get("of"), given.get("aggregate", "sum")
    if aggregate not in list(AGGREGATES):
        raise refuse(_("An aggregate is one of: %(known)s.") % {"known": ", ".join(AGGREGATES)})
    texts = {name: given.get(name) or "" for name in ("field", "date")}
    if not all(isinstance(text, str) and len(text) <= 60 for text in texts.values()):
        raise refuse(_("A field is named by its key."))
    over = _over("period" if given.get("over") in (None, "") else given["over"])
    if isinstance(of, dict) and of.keys() == {"measure"}:
        keys = [of["measure"]] if isinstance(of["measure"], str) else of["measure"]
        if not isinstance(keys, list) or not keys or len(keys) > 20 or not all(isinstance(k, str) for k in keys):
            raise refuse(_("Name the measures by their keys."))
        field = "" if aggregate == "count" else texts["field"] or "value"
        return Piece(FACTS, tuple(dict.fromkeys(keys)), aggregate, field, "business_date", given.get("filter") or None, over)
    if isinstance(of, dict) and of.keys() == {"type"} and isinstance(of["type"], str):
        field = "" if aggregate == "count" else texts["field"]
        return Piece(of["type"], (), aggregate, field, texts["date"] or "created_at", given.get("filter") or None, over)
    raise refuse(_("Say what it is of: {\"measure\": [keys]} or {\"type\": slug}."))


def _over(given: Any) -> str | int:
    if given in ("period", "until"):
        return given
    if isinstance(given, str) and given.isascii() and given.isdigit():
        given = int(given[:6])
    if isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= DAYS:
        return given
    raise refuse(_("It is over the period, until its end, or over 1 to %(most)d days.") % {"most": DAYS})


def _then(given: Any) -> tuple[str, int]:
    if given in (None, ""):
        return "", 1
    if given in ("running", "year-on-year"):
        return given, 1
    window = given.get("average") if isinstance(given, dict) and given.keys() == {"average"} else None
    if isinstance(window, int) and not isinstance(window, bool) and 2 <= window <= WINDOW:
        return "average", window
    said = {"most": WINDOW, "running": '"running"', "year": '"year-on-year"', "average": '{"average": 3}'}
    raise refuse(_("Through time it is a running total (%(running)s), year on year (%(year)s), or an average over 2 to %(most)d periods (%(average)s).") % said)


# Whether it makes sense in this company ------------------------------------------------------------------------------


def demand_sense(built: Built) -> None:
    """What it names is there, and can be asked so. Errors: RuleError at ``definition``. Cost: one query for own fields."""
    for piece in built.pieces:
        _demand_piece(piece)
    if built.then in ("running", "average") and any(p.over != "period" for p in built.pieces):
        raise refuse(_("Running totals and moving averages are of what happens in a period, not of a balance."))
    if built.then == "year-on-year" and built.per is not None:
        raise refuse(_("Year on year is of one amount, not of a ratio: the page of the ratio compares it with a year ago anyway."))
    if built.per is not None and not (built.of.aggregate in COUNTING or built.of.field):
        raise refuse(_("Choose the field."))


def _demand_piece(piece: Piece) -> None:
    if piece.of_facts:
        if unknown := [m for m in piece.measures if m not in registry.measures]:
            raise refuse(_("There is no measure “%(name)s”.") % {"name": unknown[0][:60]})
    elif registry.get(piece.type) is None or piece.type == FACTS:
        raise refuse(_("There is no object “%(type)s”.") % {"type": piece.type[:60]})
    known = fields_of(piece)
    if piece.aggregate != "count":
        f = known.get(piece.field)
        if f is None:
            raise refuse(_("Choose the field.") if not piece.field else _("There is no field “%(name)s”.") % {"name": piece.field[:60]})
        if not fits(f, piece.aggregate):
            raise refuse(_("“%(field)s” is no number: it can be counted, and its different values can.") % {"field": f.label})
    dated = known.get(piece.date)
    if dated is None or dated.kind not in ("date", "datetime") or not usable(dated):
        raise refuse(_("Choose a date field: the days of the period are days of it."))
    if piece.filter is not None:
        try:
            conditions.compile(piece.object_type, piece.filter, access.sight(access.system("kpi")))
        except (RuleError, Unparsable) as error:
            raise refuse(" ".join(error.sentences)) from None


def fields_of(piece: Piece) -> dict[str, Field]:
    """The fields of what it is of, whoever asks."""
    object_type = piece.object_type
    return schema.fields(object_type) | (object_type.looked_up(access.system("kpi")) if piece.of_facts and object_type.looked_up else {})


def usable(f: Field) -> bool:
    """Whether the database can say it: stored, or looked up there."""
    return f.kind not in ("secret", "within") and (not f.compute or f.expression is not None)


def fits(f: Field, aggregate: str) -> bool:
    return usable(f) and (f.kind in DISTINCT if aggregate == "distinct" else f.rules.sums and not f.is_reference)


def seen(actor: access.Actor, built: Built, more: Callable[[Piece], list] = lambda piece: []) -> bool:
    """Whether the actor sees all that the KPI is made of: the records, the fields, what its conditions look at. Cost: none."""
    return all(_sees(actor, piece, more(piece)) for piece in built.pieces)


def _sees(actor: access.Actor, piece: Piece, more: list) -> bool:
    object_type = registry.get(piece.type)
    if object_type is None or not access.allows(actor, object_type, "view"):
        return False
    if piece.of_facts and not any(access.allows(actor, registry.get(s), "view") for m in piece.measures for s in registry.measures[m].sources):
        return False
    known = access.fields(actor, object_type)
    if any(name and name not in known for name in (piece.field, piece.date)):
        return False
    f, every = known.get(piece.field), fields_of(piece)
    if f is not None and schema.is_foreign(every, f) and (schema.twin(every, f) or schema.rate_of(every)).name not in known:
        return False
    try:
        for condition in (*([piece.filter] if piece.filter is not None else []), *more):
            conditions.compile(object_type, condition, access.sight(actor))
    except RuleError:
        return False
    return True
