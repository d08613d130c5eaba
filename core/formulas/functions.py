"""The functions of formulas: what each is called, takes and says of itself, and how a call of it becomes a typed part."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.formulas import operations as op
from core.formulas.values import CHOICE, DATE, DATETIME, LIST, NOTHING, NUMBER, TEXT, Typed

if TYPE_CHECKING:
    from core.formulas.checking import Checker


@dataclass(frozen=True)
class Function:
    """``least`` to ``most`` inputs (None: any number); ``build`` types a call of it."""

    name: str
    inputs: str
    least: int
    most: int | None
    help: Any
    build: Callable[["Checker", list[Typed]], Typed]
    group: Any = ""
    fits: Callable[[int], bool] = lambda given: True

    @property
    def signature(self) -> str:
        return f"{self.name}({self.inputs})"


def _over(types: tuple[str, ...], work: Callable[..., Typed]) -> Callable:
    """A function each of whose inputs has one type."""
    return lambda check, given: work(*(check.demand(a, type_) for a, type_ in zip(given, types, strict=True)))


def _numbers(check: "Checker", given: list[Typed]) -> tuple[tuple[Typed, ...], str]:
    parts = check.meet(check.demand(a, NUMBER) for a in given)
    kinds = {part.kind for part in parts if part.value is not None or not part.is_constant}
    return parts, kinds.pop() if len(kinds) == 1 and kinds <= {"money", "percent"} else "money" if "money" in kinds else "number"


def _rounding(how: str) -> Callable:
    def build(check, given):
        places = check.whole(given[1], -18, 10) if len(given) > 1 else 0
        return op.rounded(check.demand(given[0], NUMBER), places, how)

    return build


def _extreme(smallest: bool) -> Callable:
    def build(check, given):
        parts, kind, type_ = check.unify(given)
        if type_ not in (NUMBER, DATE, DATETIME, NOTHING):
            raise check.refuse(_("The smallest and largest are found among numbers and dates only."), given[0])
        return op.extreme(tuple(parts), smallest, kind)

    return build


def _contains(check, given):
    a, part = given
    if a.type != LIST:
        return op.contains(check.as_text(a), check.as_text(part))
    if part.type == TEXT and part.is_constant:
        return op.holds_choice(a, check.key_of(a, part))
    return op.holds_choice(a, part if part.type == CHOICE else check.as_text(part))


def _text(check, given):
    if len(given) == 1:
        return check.as_text(given[0])
    return op.number_as_text(check.demand(given[0], NUMBER), check.whole(given[1], 0, 10))


def _date(check, given):
    if len(given) == 1:
        return check.demand(given[0], DATE)
    if len(given) == 2:
        raise check.refuse(_("%(name)s is written %(signature)s.") % {"name": "DATE", "signature": FUNCTIONS["DATE"].signature}, given[1])
    return op.make_day(*(check.demand(a, NUMBER) for a in given))


def _part(name: str) -> Callable:
    return lambda check, given: op.part_of_day(check.demand(given[0], DATE), name)


def _if(check, given):
    condition = check.as_yesno(given[0])
    values, kind, type_ = check.unify(given[1:] if len(given) == 3 else [given[1], Typed(NOTHING, "text")])
    return op.branches((condition, *values), kind, type_)


def _case(check, given):
    conditions = [check.as_yesno(a) for a in given[0 : len(given) - 1 : 2]]
    values, kind, type_ = check.unify([*given[1::2], given[-1] if len(given) % 2 else Typed(NOTHING, "text")])
    pairs = [part for pair in zip(conditions, values, strict=False) for part in pair]
    return op.branches((*pairs, values[-1]), kind, type_)


def _switch(check, given):
    value, *rest = given
    default = rest[-1] if len(rest) % 2 else Typed(NOTHING, "text")
    value, wanted = _alike(check, value, rest[: len(rest) - len(rest) % 2 : 2])
    results, kind, type_ = check.unify([*rest[1::2], default])
    pairs = [part for pair in zip(wanted, results, strict=False) for part in pair]
    return op.switched((value, *pairs, results[-1]), kind, type_)


def _alike(check, value: Typed, wanted: list[Typed]) -> tuple[Typed, list[Typed]]:
    """A value and those it is compared with, as one type; a choice is compared by its key where all others are constants."""
    value, *wanted = check.meet((value, *wanted))
    if value.type == LIST:
        raise check.refuse(_("A list of choices is asked with CONTAINS."), value)
    if value.type == NOTHING:
        value = replace(value, type=next((w.type for w in wanted if w.type not in (NOTHING, CHOICE)), TEXT))
    if value.type == CHOICE and not all(w.type in (NOTHING, TEXT) and w.is_constant for w in wanted):
        value = check.as_text(value)
    if value.type == TEXT and value.is_constant and any(w.type == DATE for w in wanted):
        value = check.day_of(value)
    found = [check.alike(value, w)[1] for w in wanted]
    found = [check.as_text(w) if w.type == CHOICE and value.type == TEXT else w for w in found]
    return value, [replace(w, type=value.type, kind=value.kind) if w.type == NOTHING else w for w in found]


def _in(check, given):
    value, wanted = _alike(check, given[0], given[1:])
    return op.among(value, tuple(wanted))


def _coalesce(check, given):
    parts, kind, type_ = check.unify(given)
    return op.first_of(tuple(parts), kind, type_)


def _replace(check, given):
    return op.replaced(check.as_text(given[0]), check.constant_text(given[1], 200), check.constant_text(given[2], 200))


def _modulo(check, given):
    return op.modulo(*check.meet(check.demand(a, NUMBER) for a in given))


def _sum(check, given):
    return op.total(*_numbers(check, given))


N, T, D, L = gettext_lazy("Numbers"), gettext_lazy("Texts"), gettext_lazy("Dates"), gettext_lazy("Conditions")

DECLARED = (
    Function("IF", "condition, then, else", 2, 3, gettext_lazy("The second input where the condition holds, else the third."), _if, L),
    Function("CASE", "condition, value, ..., else", 2, None, gettext_lazy("The value after the first condition that holds."), _case, L),
    Function("SWITCH", "value, case, result, ..., else", 3, None, gettext_lazy("The result after the first case that equals the value."), _switch, L),
    Function("AND", "a, b, ...", 1, None, gettext_lazy("Whether all hold. Also written a AND b."),
             lambda check, given: op.both(tuple(check.as_yesno(a) for a in given)), L),
    Function("OR", "a, b, ...", 1, None, gettext_lazy("Whether one holds. Also written a OR b."),
             lambda check, given: op.either(tuple(check.as_yesno(a) for a in given)), L),
    Function("NOT", "a", 1, 1, gettext_lazy("Whether it does not hold. Also written NOT a."), lambda check, given: op.denied(check.as_yesno(given[0])), L),
    Function("IN", "value, a, b, ...", 2, None, gettext_lazy("Whether the value is one of these. Written value IN (a, b)."), _in, L),
    Function("COALESCE", "a, b, ...", 1, None, gettext_lazy("The first of these that is not empty."), _coalesce, L),
    Function("ISEMPTY", "a", 1, 1, gettext_lazy("Whether there is nothing."), lambda check, given: op.empty(given[0]), L),
    Function("ROUND", "number, decimals", 1, 2, gettext_lazy("Rounded half up, to a whole number or to these decimals."), _rounding("ROUND"), N),
    Function("ROUNDUP", "number, decimals", 1, 2, gettext_lazy("Rounded away from zero."), _rounding("ROUNDUP"), N),
    Function("ROUNDDOWN", "number, decimals", 1, 2, gettext_lazy("Rounded towards zero."), _rounding("ROUNDDOWN"), N),
    Function("FLOOR", "number", 1, 1, gettext_lazy("The next whole number below."), _rounding("FLOOR"), N),
    Function("CEILING", "number", 1, 1, gettext_lazy("The next whole number above."), _rounding("CEILING"), N),
    Function("ABS", "number", 1, 1, gettext_lazy("The number without its sign."), _over((NUMBER,), op.absolute), N),
    Function("MIN", "a, b, ...", 1, None, gettext_lazy("The smallest; what is empty does not count."), _extreme(True), N),
    Function("MAX", "a, b, ...", 1, None, gettext_lazy("The largest; what is empty does not count."), _extreme(False), N),
    Function("SUM", "a, b, ...", 1, None, gettext_lazy("The sum; what is empty counts as 0."), _sum, N),
    Function("POWER", "number, n", 2, 2, gettext_lazy("The number multiplied by itself n times, n from -60 to 60."),
             lambda check, given: op.power(check.demand(given[0], NUMBER), check.whole(given[1], -60, 60)), N),
    Function("MOD", "a, b", 2, 2, gettext_lazy("What is left of a after division by b, with the sign of a."), _modulo, N),
    Function("VALUE", "text", 1, 1, gettext_lazy("The number a text holds; empty where it is none."), _over((TEXT,), op.text_as_number), N),
    Function("LEN", "text", 1, 1, gettext_lazy("How many characters a text has."), _over((TEXT,), op.length), T),
    Function("LEFT", "text, n", 2, 2, gettext_lazy("The first n characters."), _over((TEXT, NUMBER), op.left), T),
    Function("RIGHT", "text, n", 2, 2, gettext_lazy("The last n characters."), _over((TEXT, NUMBER), op.right), T),
    Function("MID", "text, start, n", 3, 3, gettext_lazy("n characters from place start on, the first being 1."), _over((TEXT, NUMBER, NUMBER), op.middle), T),
    Function("UPPER", "text", 1, 1, gettext_lazy("In capitals."), _over((TEXT,), op.upper), T),
    Function("LOWER", "text", 1, 1, gettext_lazy("In small letters."), _over((TEXT,), op.lower), T),
    Function("TRIM", "text", 1, 1, gettext_lazy("Without spaces at both ends."), _over((TEXT,), op.trim), T),
    Function("CONCAT", "a, b, ...", 1, None, gettext_lazy("Joined into one text. Also written a & b."),
             lambda check, given: op.joined(tuple(check.as_text(a) for a in given)), T),
    Function("CONTAINS", "text, part", 2, 2, gettext_lazy("Whether the part occurs, in capitals or not; of a list, whether it has the choice."), _contains, T),
    Function("STARTS", "text, part", 2, 2, gettext_lazy("Whether the text begins with the part, in capitals or not."), _over((TEXT, TEXT), op.starts), T),
    Function("REPLACE", "text, old, new", 3, 3, gettext_lazy("With each occurrence of one text replaced by another."), _replace, T),
    Function("TEXT", "value, decimals", 1, 2, gettext_lazy("The value as text: dates as YYYY-MM-DD, choices as their labels."), _text, T),
    Function("TODAY", "", 0, 0, gettext_lazy("The day it is where the company is."), lambda check, given: check.word("TODAY"), D),
    Function("NOW", "", 0, 0, gettext_lazy("This moment."), lambda check, given: check.word("NOW"), D),
    Function("DATE", "year, month, day", 1, 3, gettext_lazy("The day of these numbers, or of a date with time."), _date, D),
    Function("YEAR", "date", 1, 1, gettext_lazy("The year of a day."), _part("YEAR"), D),
    Function("MONTH", "date", 1, 1, gettext_lazy("The month of a day, 1 to 12."), _part("MONTH"), D),
    Function("DAY", "date", 1, 1, gettext_lazy("The day of the month, 1 to 31."), _part("DAY"), D),
    Function("WEEKDAY", "date", 1, 1, gettext_lazy("The day of the week, Monday is 1."), _part("WEEKDAY"), D),
    Function("DAYS", "end, start", 2, 2, gettext_lazy("How many days lie between two dates."), _over((DATE, DATE), op.days_between), D),
    Function("ADDDAYS", "date, n", 2, 2, gettext_lazy("The day n days later."), _over((DATE, NUMBER), op.add_days), D),
    Function("ADDMONTHS", "date, n", 2, 2, gettext_lazy("The same day n months later, or the last of its month."), _over((DATE, NUMBER), op.add_months), D),
)  # fmt: skip

FUNCTIONS: dict[str, Function] = {function.name: function for function in DECLARED}
