"""The types of a formula's parts: each node is typed against the fields that may be named, and what does not fit is said in a sentence."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from core import context, rates
from core.collation import fold
from core.formulas import operations as op
from core.formulas.functions import FUNCTIONS
from core.formulas.scopes import Scope
from core.formulas.tree import DOTS, WEIGHT, Call, Chain, FormulaError, Name, Negative, Node, Nothing, Number, Text, Tree, Truth
from core.formulas.values import CHOICE, DATE, DATETIME, LIST, NOTHING, NUMBER, REF, TEXT, TYPE_OF, YESNO, Typed
from core.money import minor_unit
from core.registry import Field
from core.structures import today


def said(type_: str) -> str:
    """A sort of value as a sentence names it."""
    return {
        NUMBER: _("A number"), TEXT: _("A text"), CHOICE: _("A choice"), DATE: _("A date"), DATETIME: _("A date with time"), YESNO: _("A yes or no"),
        REF: _("A reference"), LIST: _("A list of choices"), NOTHING: _("EMPTY"),
    }[type_]  # fmt: skip


def labels(options: dict[str, Any]) -> dict[str, str]:
    """Key -> label in the company's language: what a formula gives does not depend on who reads it."""
    bound = context.company_or_none()
    with translation.override(bound.language if bound else "en"):
        return {key: str(label) for key, label in options.items()}


@dataclass
class Checker:
    """One formula being typed."""

    scope: Scope
    names: set[tuple[str, str]]
    uses_today: bool = False

    def type(self, node: Node) -> Typed:
        work = {
            Number: self._number, Text: self._text, Truth: self._truth, Nothing: self._nothing, Name: self._name, Call: self._call, Chain: self._chain,
            Negative: self._negative,
        }[type(node)]  # fmt: skip
        return replace(work(node), place=(node.start, node.end))

    def refuse(self, sentence: str, node: Node | Typed) -> FormulaError:
        start, end = (node.start, node.end) if isinstance(node, Node) else node.place
        return FormulaError(sentence, start, max(1, end - start))

    # leaves
    def _number(self, node: Number) -> Typed:
        return Typed(NUMBER, "percent" if node.percent else "number", value=node.value)

    def _text(self, node: Text) -> Typed:
        return Typed(TEXT, "text", value=node.value) if node.value else self._nothing(node)

    def _truth(self, node: Truth) -> Typed:
        return Typed(YESNO, "yesno", value=node.value)

    def _nothing(self, node: Node) -> Typed:
        return Typed(NOTHING, "text")

    def _name(self, node: Name) -> Typed:
        word = node.path[0].upper()
        if len(node.path) == 1 and not node.quoted and word in ("TODAY", "NOW") and self._field(self.scope, node.path[0]) is None:
            return self.word(word)
        if len(node.path) > DOTS + 1:
            raise self.refuse(_("A path follows at most %(n)d references.") % {"n": DOTS}, node)
        scope, place, path = self.scope, node.start + node.quoted, []
        for i, part in enumerate(node.path):
            f = self._field(scope, part)
            if f is None:
                raise FormulaError(self._unknown(scope, part, node), place, max(1, len(part)))
            self.names.add((scope.slug, f.name))
            path.append(f.name)
            if i == len(node.path) - 1:
                break
            scope = scope.through(f.name)
            if scope is None:
                raise FormulaError(_("“%(name)s” is no reference, so nothing follows it.") % {"name": f.name}, place, len(part))
            place += len(part) + 1
        return self._read(scope, tuple(path), f)

    def _read(self, scope: Scope, path: tuple[str, ...], f: Field) -> Typed:
        """The field at the end of a path. Money of another record is taken in the company's currency: whose else would it be in."""
        options = f.choices() if f.kind in ("choice", "choices", "code", "words") else None
        foreign = f.kind == "money" and not f.is_base and "currency" in scope.object_type.fields
        found = Typed(TYPE_OF[f.kind], f.kind, path=path, options=options, target=f.target, foreign=foreign)
        return self.in_base(found, scope) if foreign and len(path) > 1 else found

    # currencies
    def meet(self, parts: Iterable[Typed]) -> tuple[Typed, ...]:
        """Values that are added or compared: amounts in the record's currency are converted where one in the company's is among them."""
        parts = tuple(parts)
        mixed = len({part.is_foreign for part in parts if part.kind == "money"}) > 1
        return tuple(self.in_base(part, self.scope) if mixed and part.is_foreign else part for part in parts)

    def in_base(self, a: Typed, scope: Scope) -> Typed:
        """An amount in its record's currency as one in the company's: as the record keeps it, else at its rate, else at the rate of today."""
        declared = scope.object_type.fields
        f, kept = (declared.get(a.path[-1]), f"base_{a.path[-1]}") if a.path else (None, "")
        if f is not None and f.readonly and kept in declared:  # what people enter may be empty, or not stored yet
            return replace(self._beside(a, scope, kept), place=a.place)
        rate = self._beside(a, scope, "rate") if "rate" in declared else self._rate_today(self._beside(a, scope, "currency"))
        places = -minor_unit(context.company().currency).as_tuple().exponent
        return replace(op.exchanged(a, rate, places), place=a.place)

    def _beside(self, a: Typed, scope: Scope, name: str) -> Typed:
        """Another field of the record an amount is of. Whoever does not see it does not see through the amount either."""
        f = scope.field(name)
        if f is None:
            raise self.refuse(_("There is no field “%(name)s” that a formula could use.") % {"name": name}, a)
        self.names.add((scope.slug, name))
        return self._read(scope, (*a.path[:-1], name), f)

    def _rate_today(self, currency: Typed) -> Typed:
        self.uses_today = True
        known = {**rates.on_day(today()), context.company().currency: Decimal(1)}
        pairs = [one for code, rate in known.items() for one in (Typed(CHOICE, "code", value=code), Typed(NUMBER, "rate", value=rate))]
        return op.switched((currency, *pairs, Typed(NUMBER, "rate")), "rate", NUMBER)

    def _field(self, scope: Scope, name: str):
        return scope.field(name) or scope.field(name.lower())

    def _unknown(self, scope: Scope, part: str, node: Name) -> str:
        known = [f.name for f in scope.names()]
        near = difflib.get_close_matches(part.lower(), known, 1, 0.6)
        if near:
            return _("There is no field “%(name)s”. Did you mean “%(near)s”?") % {"name": part[:60], "near": near[0]}
        if len(node.path) == 1 and part.upper() in FUNCTIONS:
            return _("%(name)s is a function; write its inputs in brackets.") % {"name": part.upper()}
        return _("There is no field “%(name)s” that a formula could use.") % {"name": part[:60]}

    def word(self, word: str) -> Typed:
        """The present day or moment, or the company's time zone."""
        self.uses_today = self.uses_today or word != "ZONE"
        return {"TODAY": Typed(DATE, "date", word="today"), "NOW": Typed(DATETIME, "datetime", word="now"), "ZONE": Typed(TEXT, "text", word="zone")}[word]

    # what stands between others
    def _negative(self, node: Negative) -> Typed:
        a = self.type(node.operand)
        if a.type not in (NUMBER, NOTHING):
            raise self.refuse(_("%(what)s has no negative.") % {"what": said(a.type)}, node)
        return op.negate(self.as_number(a))

    def _chain(self, node: Chain) -> Typed:
        parts = tuple(self.type(operand) for operand in node.operands)
        first = node.operators[0][0]
        if first == "&":
            return op.joined(tuple(self.as_text(part) for part in parts))
        if first in "+-":
            return self._sum(node, parts)
        if first in "*/":
            return self._product(node, parts)
        return self.compare(first, *parts)

    def _sum(self, node: Chain, parts: tuple[Typed, ...]) -> Typed:
        """Numbers in one step; a date takes days from left to right."""
        if any(part.type == DATE for part in parts):
            found = parts[0]
            for (sign, place), part in zip(node.operators, parts[1:], strict=True):
                found = self._shift(found, part, sign, place)
            return found
        sentence = {"+": _("%(what)s cannot be added."), "-": _("%(what)s cannot be subtracted.")}
        for (sign, place), part in zip((node.operators[0], *node.operators), parts, strict=True):
            if part.type not in (NUMBER, NOTHING):
                hint = " " + _("Texts are joined with &.") if part.type in (TEXT, CHOICE) else ""
                raise FormulaError(sentence[sign] % {"what": said(part.type)} + hint, place, 1)
        parts = self.meet(parts)
        kinds = {part.kind for part in parts if part.type == NUMBER}
        kind = "money" if "money" in kinds else "percent" if kinds == {"percent"} else "number"
        return op.add(tuple(self.as_number(part) for part in parts), [sign for sign, _place in node.operators], kind)

    def _shift(self, a: Typed, b: Typed, sign: str, place: int) -> Typed:
        if a.type == DATE and b.type in (NUMBER, NOTHING):
            return op.add_days(a, self.as_number(b), 1 if sign == "+" else -1)
        if a.type == NUMBER and b.type == DATE and sign == "+":
            return op.add_days(b, a)
        if a.type == b.type == DATE and sign == "-":
            return op.days_between(a, b)
        if a.type == b.type == NUMBER:
            return op.add((a, b), [sign], "number")
        if a.type == b.type == DATE:
            raise FormulaError(_("Two dates cannot be added."), place, 1)
        other = b if a.type == DATE else a
        raise FormulaError(_("%(what)s cannot be added to a date or taken from it.") % {"what": said(other.type)}, place, 1)

    def _product(self, node: Chain, parts: tuple[Typed, ...]) -> Typed:
        found = parts[0]
        for (sign, place), part in zip(node.operators, parts[1:], strict=True):
            for one in (found, part):
                if one.type not in (NUMBER, NOTHING):
                    sentence = _("%(what)s cannot be multiplied.") if sign == "*" else _("%(what)s cannot be divided.")
                    raise FormulaError(sentence % {"what": said(one.type)}, place, 1)
            a, b = self.meet((self.as_number(found), self.as_number(part)))
            if sign == "*":
                kinds = {a.kind, b.kind}
                found = op.multiply(a, b, "money" if "money" in kinds else "percent" if kinds == {"percent"} else "number")
            else:
                ratio = a.kind == b.kind or a.kind not in ("money", "percent") or b.kind == "money"
                found = op.divide(a, b, "number" if ratio else a.kind)
            if found.kind == "money" and any(one.path == ("rate",) and one.kind == "rate" for one in (a, b)):
                found = replace(found, foreign=sign == "/")  # somebody converts by hand
        return found

    def compare(self, operator: str, a: Typed, b: Typed) -> Typed:
        a, b = self.alike(a, b)
        if operator in ("=", "<>"):
            if a.type == LIST:
                raise self.refuse(_("A list of choices is asked with CONTAINS."), a)
            if NOTHING in (a.type, b.type):
                found = op.empty(b if a.type == NOTHING else a)
            else:
                found = op.equal(a, b)
            return found if operator == "=" else op.denied(found)
        if NOTHING in (a.type, b.type):
            raise self.refuse(_("EMPTY is neither more nor less than something. Use = or ISEMPTY."), a if a.type == NOTHING else b)
        if a.type in (YESNO, REF, LIST) or a.type == CHOICE:
            raise self.refuse(_("%(what)s is compared with = or <> only.") % {"what": said(a.type)}, a)
        return op.ordered(a, b, operator)

    # making values alike
    def alike(self, a: Typed, b: Typed) -> tuple[Typed, Typed]:
        """Two values to be compared, as one type and in one currency."""
        a, b = self.meet((a, b))
        if a.type == CHOICE and b.type == TEXT and b.is_constant:
            return a, self.key_of(a, b)
        if b.type == CHOICE and a.type == TEXT and a.is_constant:
            return self.key_of(b, a), b
        if a.type == DATE and b.type == TEXT and b.is_constant:
            return a, self.day_of(b)
        if b.type == DATE and a.type == TEXT and a.is_constant:
            return self.day_of(a), b
        if {a.type, b.type} == {CHOICE, TEXT}:
            return self.as_text(a), self.as_text(b)
        if {a.type, b.type} == {DATE, DATETIME}:
            raise self.refuse(_("A date and a date with time are not compared; write DATE(...) around the latter."), b)
        if a.type != b.type and NOTHING not in (a.type, b.type):
            raise self.refuse(_("%(a)s and %(b)s are not compared.") % {"a": said(a.type), "b": _lower(said(b.type))}, b)
        if a.type == b.type == REF and a.target != b.target:
            raise self.refuse(_("These references point to different types."), b)
        return a, b

    def key_of(self, choice: Typed, constant: Typed) -> Typed:
        """The key of an option named by its key or label."""
        known = choice.options or {}
        wanted = constant.value
        if wanted is None:  # an empty text is nothing
            return replace(constant, type=CHOICE)
        for key in known:
            if wanted == key:
                return replace(constant, type=CHOICE)
        for key, label in labels(known).items():
            if fold(wanted) in (fold(key), fold(label)):
                return replace(constant, type=CHOICE, value=key)
        if choice.kind == "words":
            return replace(constant, type=CHOICE)
        raise self.refuse(_("“%(value)s” is not one of the choices of “%(name)s”.") % {"value": wanted[:60], "name": ".".join(choice.path)}, constant)

    def day_of(self, constant: Typed) -> Typed:
        try:
            if len(constant.value) != 10:
                raise ValueError
            return replace(constant, type=DATE, kind="date", value=date.fromisoformat(constant.value))
        except ValueError:
            raise self.refuse(_("Write a date as 'YYYY-MM-DD', or with DATE."), constant) from None

    def as_number(self, a: Typed) -> Typed:
        return Typed(NUMBER, "number", place=a.place) if a.type == NOTHING else a

    def as_text(self, a: Typed) -> Typed:
        """The value as text, as TEXT and & have it."""
        if a.type == TEXT:
            return a
        if a.type == NOTHING:
            return Typed(TEXT, "text", place=a.place)
        if a.type in (REF, LIST):
            raise self.refuse(_("%(what)s is no text. Name one of its fields.") % {"what": said(a.type)}, a)
        if a.type == CHOICE:
            return op.relabelled(a, labels(a.options or {}) if a.kind == "choice" else {})
        if a.type == DATETIME:
            return op.instant_as_text(a, self.word("ZONE"))
        return {NUMBER: op.number_as_text, DATE: op.day_as_text, YESNO: op.yesno_as_text}[a.type](a)

    def as_day(self, a: Typed) -> Typed:
        if a.type == DATETIME:
            return op.day_of(a, self.word("ZONE"))
        if a.type == TEXT and a.is_constant and a.value:
            return self.day_of(a)
        return Typed(DATE, "date", place=a.place) if a.type == NOTHING else a

    def as_yesno(self, a: Typed) -> Typed:
        if a.type == NOTHING:
            return Typed(YESNO, "yesno", place=a.place)
        if a.type != YESNO:
            raise self.refuse(_("A condition is missing here: %(what)s is neither true nor false.") % {"what": _lower(said(a.type))}, a)
        return a

    def unify(self, parts: Iterable[Typed]) -> tuple[list[Typed], str, str]:
        """Values one of which will be the result, as one type and in one currency: with its kind and name."""
        parts = list(self.meet(parts))
        types = {part.type for part in parts if part.type != NOTHING}
        if CHOICE in types and types <= {CHOICE, TEXT}:
            parts = [self.as_text(part) for part in parts]
            types = {TEXT}
        if len(types) > 1:
            first = next(part for part in parts if part.type != NOTHING)
            other = next(part for part in parts if part.type not in (NOTHING, first.type))
            what = {"a": said(first.type), "b": _lower(said(other.type))}
            raise self.refuse(_("%(a)s and %(b)s cannot both be the result.") % what, other)
        type_ = types.pop() if types else NOTHING
        if type_ in (LIST, REF):
            raise self.refuse(_("%(what)s cannot be a result.") % {"what": said(type_)}, parts[0])
        kinds = {part.kind for part in parts if part.type == type_}
        kind = "text" if type_ in (TEXT, NOTHING) else kinds.pop() if len(kinds) == 1 else "money" if "money" in kinds else type_
        kind = "number" if kind in ("integer", "rate") else kind
        return [replace(part, type=type_) if part.type == NOTHING else part for part in parts], kind, type_

    # functions
    def _call(self, node: Call) -> Typed:
        function = FUNCTIONS.get(node.name)
        if function is None:
            near = difflib.get_close_matches(node.name, FUNCTIONS, 1, 0.6)
            hint = " " + _("Did you mean %(near)s?") % {"near": near[0]} if near else ""
            raise FormulaError(_("There is no function “%(name)s”.") % {"name": node.name[:40]} + hint, node.at, len(node.name))
        given = len(node.arguments)
        if given < function.least or (function.most is not None and given > function.most) or not function.fits(given):
            raise FormulaError(_("%(name)s is written %(signature)s.") % {"name": node.name, "signature": function.signature}, node.at, len(node.name))
        return function.build(self, [self.type(argument) for argument in node.arguments])

    def demand(self, a: Typed, type_: str) -> Typed:
        """The value as this type, where it is one or can be."""
        if type_ == TEXT:
            return self.as_text(a)
        if type_ == DATE:
            a = self.as_day(a)
        if type_ == YESNO:
            return self.as_yesno(a)
        if a.type == NOTHING:
            return Typed(type_, type_, place=a.place)
        if a.type != type_:
            what = {"what": said(type_), "found": _lower(said(a.type))}
            raise self.refuse(_("%(what)s is needed here, not %(found)s.") % what, a)
        return a

    def whole(self, a: Typed, low: int, high: int) -> int:
        """A whole number written as such."""
        value, signs = a.value, 1
        if len(a.parts) == 1 and a.pattern == "-{0}" and a.parts[0].is_constant:
            value, signs = a.parts[0].value, -1
        if not isinstance(value, Decimal) or value != int(value) or not low <= signs * value <= high:
            raise self.refuse(_("Write a whole number from %(low)d to %(high)d here.") % {"low": low, "high": high}, a)
        return signs * int(value)

    def constant_text(self, a: Typed, most: int) -> Typed:
        if a.type not in (TEXT, NOTHING) or not a.is_constant or len(a.value or "") > most:
            raise self.refuse(_("Write a text of at most %(n)d characters in quotation marks here.") % {"n": most}, a)
        return self.as_text(a)


def _lower(sentence: str) -> str:
    """The beginning of a sentence inside one; EMPTY stays."""
    return sentence if sentence.isupper() else sentence[:1].lower() + sentence[1:]


def typed(tree: Tree, scope: Scope) -> tuple[Typed, Checker]:
    """The formula with every part typed. Errors: FormulaError at the part."""
    checker = Checker(scope, set())
    top = checker.type(tree.top)
    if top.type in (REF, LIST):
        raise checker.refuse(_("%(what)s cannot be a result.") % {"what": said(top.type)}, tree.top)
    if top.type == CHOICE:
        top = checker.as_text(top)
    if top.weight > WEIGHT:
        raise FormulaError(_("This formula is too large. Split it into several fields."), 0, len(tree.text))
    return top, checker
