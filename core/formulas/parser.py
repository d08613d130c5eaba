"""The grammar of formulas, and its reading into nodes. Full-width punctuation, as Chinese keyboards type it, is the same as plain."""

import re
from decimal import Decimal
from functools import cache

from django.utils.translation import gettext as _
from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args
from lark.exceptions import UnexpectedEOF, VisitError

from core.formulas.tree import ARGUMENTS, DEPTH, LENGTH, NODES, Call, Chain, FormulaError, Name, Negative, Node, Nothing, Number, Text, Tree, Truth

GRAMMAR = r"""
?start: either
?either: both (OR both)*
?both: denied (AND denied)*
denied: NOT* compared
?compared: joined
         | joined COMPARE joined      -> comparison
         | joined NOT? IN OPEN _inputs CLOSE -> among
?joined: sum (JOIN sum)*
?sum: product ((PLUS | MINUS) product)*
?product: signed (TIMES signed)*
signed: (PLUS | MINUS)* atom
?atom: NUMBER            -> number
     | TEXT              -> text
     | TRUTH             -> truth
     | EMPTY             -> nothing
     | FIELD             -> quoted
     | NAME              -> name
     | NAME OPEN _inputs? CLOSE -> call
     | (AND | OR) OPEN _inputs CLOSE -> call
     | OPEN either CLOSE -> bracket
_inputs: either (_COMMA either)*

OR.3: /OR(?![\w.])/i
AND.3: /AND(?![\w.])/i
NOT.3: /NOT(?![\w.])/i
IN.3: /IN(?![\w.])/i
TRUTH.3: /(TRUE|FALSE)(?![\w.])/i
EMPTY.3: /EMPTY(?![\w.])/i
NAME.2: /[^\W\d]\w*(\.[^\W\d]\w*)*/
FIELD: /\[[^\[\]]*\]/
NUMBER: /([0-9]+(\.[0-9]*)?|\.[0-9]+)[%％]?/
TEXT: /'([^']|'')*'|"([^"]|"")*"|“[^”]*”|‘[^’]*’|「[^」]*」/
COMPARE: /<>|<=|>=|!=|＜＞|＜＝|＞＝|[=<>＝＜＞≠≤≥]/
JOIN: /[&＆]/
PLUS: /[+＋]/
MINUS: /[-－−]/
TIMES: /[*\/＊×／÷]/
OPEN: /[(（]/
CLOSE: /[)）]/
_COMMA: /[,;，；]/
%ignore /[\s\u3000]+/
"""

PLAIN = {"＜＞": "<>", "!=": "<>", "≠": "<>", "＜＝": "<=", "≤": "<=", "＞＝": ">=", "≥": ">=", "＝": "=", "＜": "<", "＞": ">", "＆": "&",
         "＋": "+", "－": "-", "−": "-", "＊": "*", "×": "*", "／": "/", "÷": "/"}  # fmt: skip
WHOLE_DIGITS, PLACES = 20, 10
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def parse(text: str) -> Tree:
    """The formula as nodes. Cost: none but time, at most some milliseconds. Errors: FormulaError with the place."""
    _demand_readable(text)
    try:
        tokens = list(grammar().lex(text))
        _demand_shallow(tokens)
        top = Read().transform(grammar().parse(text))
    except UnexpectedCharacters as error:
        raise _unexpected_letter(text, error.pos_in_stream) from None
    except UnexpectedEOF:
        raise _unfinished(text) from None
    except UnexpectedToken as error:
        raise _unexpected(text, error.token) from None
    except VisitError as error:
        raise error.orig_exc from None
    tree = Tree(text, top)
    if sum(1 for _node in tree.walk()) > NODES:
        raise FormulaError(_("This formula has more than %(n)d parts.") % {"n": NODES})
    _demand_low(top)
    return tree


def _demand_readable(text: str) -> None:
    if not isinstance(text, str) or not text.strip():
        raise FormulaError(_("Write a formula."))
    if len(text) > LENGTH:
        raise FormulaError(_("A formula has at most %(n)d characters.") % {"n": LENGTH}, LENGTH)
    if found := CONTROL.search(text):
        raise FormulaError(_("Remove the control characters."), found.start())


def _demand_shallow(tokens: list[Token]) -> None:
    depth = 0
    for token in tokens:
        depth += (token.type == "OPEN") - (token.type == "CLOSE")
        if depth > DEPTH:
            raise FormulaError(_("This formula is nested too deeply."), token.start_pos)


def _demand_low(top: Node) -> None:
    """Each step of a product is rounded, so its operands lie as deep as it is long."""
    waiting = [(top, 0)]
    while waiting:
        node, depth = waiting.pop()
        depth += len(node.operators) if isinstance(node, Chain) and node.operators[0][0] in "*/" else 1
        if depth > 2 * DEPTH:
            raise FormulaError(_("This formula is nested too deeply."), node.start)
        waiting.extend((part, depth) for part in node.parts)


def _unfinished(text: str) -> FormulaError:
    return FormulaError(_("The formula is not finished."), len(text.rstrip()), 1)


def _unexpected_letter(text: str, place: int) -> FormulaError:
    letter = text[place]
    if letter in "'\"“‘「":
        return FormulaError(_("This text has no closing quotation mark."), place, len(text) - place)
    if letter == "[":
        return FormulaError(_("This name has no closing bracket."), place, len(text) - place)
    return FormulaError(_("“%(letter)s” has no meaning here.") % {"letter": letter}, place)


def _unexpected(text: str, token: Token) -> FormulaError:
    if token.type == "$END":
        return _unfinished(text)
    if token.type == "COMPARE":
        return FormulaError(_("Compare two values only; join comparisons with AND."), token.start_pos, len(token))
    if token.type == "CLOSE":
        return FormulaError(_("A value is missing before this bracket, or it was never opened."), token.start_pos, len(token))
    if token.type in ("NAME", "NUMBER", "TEXT", "FIELD", "TRUTH", "EMPTY", "OPEN", "NOT"):
        return FormulaError(_("An operator such as + or AND is missing before “%(word)s”.") % {"word": token[:40]}, token.start_pos, len(token))
    return FormulaError(_("A value is missing before “%(word)s”.") % {"word": token[:40]}, token.start_pos, len(token))


def _ends(items: list) -> tuple[int, int]:
    first, last = items[0], items[-1]
    return (first.start_pos if isinstance(first, Token) else first.start), (last.end_pos if isinstance(last, Token) else last.end)


def _chain(items: list) -> Node:
    """Operands and operators in turn."""
    operators = tuple((PLAIN.get(str(t), str(t)), t.start_pos) for t in items[1::2])
    return Chain(*_ends(items), operators, tuple(items[::2]))


def _call(name: str, items: list, at: Token) -> Call:
    if len(items) > ARGUMENTS:
        raise FormulaError(_("A function takes at most %(n)d inputs.") % {"n": ARGUMENTS}, at.start_pos, len(at))
    return Call(*_ends([at, *items]), name, tuple(items), at.start_pos)


class Read(Transformer):
    """Lark's tree into ours, from the leaves up."""

    sum = product = joined = comparison = staticmethod(_chain)

    def either(self, items):
        return _joined("OR", items)

    def both(self, items):
        return _joined("AND", items)

    def denied(self, items):
        *words, node = items
        return Call(*_ends(items), "NOT", (node,), words[0].start_pos) if len(words) % 2 else node

    def among(self, items):
        value, *words = [i for i in items if not (isinstance(i, Token) and i.type in ("OPEN", "CLOSE", "IN"))]
        denied = words[0] if isinstance(words[0], Token) else None
        place = next(i for i in items if isinstance(i, Token) and i.type == "IN")
        inside = words[1:] if denied else words
        node = _call("IN", [value, *inside], place)
        node = Call(value.start, items[-1].end_pos, "IN", node.arguments, node.at)
        return Call(node.start, node.end, "NOT", (node,), denied.start_pos) if denied else node

    def signed(self, items):
        *signs, node = items
        minus = [s for s in signs if s.type == "MINUS"]
        return Negative(*_ends(items), node) if len(minus) % 2 else node

    @v_args(inline=True)
    def number(self, token):
        text = token.rstrip("%％")
        value = Decimal(text)
        whole, _dot, rest = text.partition(".")
        if len(whole.lstrip("0")) > WHOLE_DIGITS or len(rest.rstrip("0")) > PLACES:
            said = {"whole": WHOLE_DIGITS, "places": PLACES}
            raise FormulaError(_("A number has at most %(whole)d digits and %(places)d decimals.") % said, token.start_pos, len(token))
        percent = len(text) < len(token)
        return Number(token.start_pos, token.end_pos, value / 100 if percent else value, percent)

    @v_args(inline=True)
    def text(self, token):
        mark = token[0]
        inside = token[1:-1]
        return Text(token.start_pos, token.end_pos, inside.replace(mark * 2, mark) if mark in "'\"" else inside)

    @v_args(inline=True)
    def truth(self, token):
        return Truth(token.start_pos, token.end_pos, token.upper() == "TRUE")

    @v_args(inline=True)
    def nothing(self, token):
        return Nothing(token.start_pos, token.end_pos)

    @v_args(inline=True)
    def name(self, token):
        return Name(token.start_pos, token.end_pos, tuple(token.split(".")))

    @v_args(inline=True)
    def quoted(self, token):
        return Name(token.start_pos, token.end_pos, tuple(part.strip() for part in token[1:-1].split(".")), True)

    def call(self, items):
        name, _open, *inside, close = items
        if "." in name:
            raise FormulaError(_("There is no function “%(name)s”.") % {"name": name[:40]}, name.start_pos, len(name))
        made = _call(name.upper(), inside, name)
        return Call(made.start, close.end_pos, made.name, made.arguments, made.at)

    @v_args(inline=True)
    def bracket(self, _open, node, _close):
        return node


def _joined(word: str, items: list) -> Call:
    """``a AND b AND c`` is one call with three inputs."""
    return Call(*_ends(items), word, tuple(items[::2]), items[1].start_pos)


@cache
def grammar() -> Lark:
    """Made when the first formula is read. Cost: a tenth of a second, once a process."""
    return Lark(GRAMMAR, parser="lalr", lexer="basic", propagate_positions=False, maybe_placeholders=False)
