"""Patterns of digits, as plans of telephone numbers are written, kept as automata: a thousand area codes are told apart digit by digit.

A regular expression tries one after the other. Only what such plans are made of is known: digits, classes, groups, choices, counted repeats.
"""

from collections.abc import Iterable
from functools import cache

Node = tuple  # (digits,) one of them; (branches, least, most) any of several sequences, so many times
Rest = tuple  # the nodes that are still to be met

CLASS = "0123456789-"


class State:
    """How far a text got: what may follow for it to match. States are made as they are first met, and the same ones met again."""

    def __init__(self, rests: frozenset[Rest]):
        self.rests, self.accepts = rests, () in rests
        self.next: dict[str, State] = {}

    def after(self, digit: str) -> "State":
        """The state one digit further on."""
        met = (expanded for rest in self.rests if rest and digit in rest[0][0] for expanded in _expanded(rest[1:]))
        self.next[digit] = state = _state(frozenset(met))
        return state


@cache
def _state(rests: frozenset[Rest]) -> State:
    return State(rests)


def automaton(patterns: Iterable[str]) -> State:
    """The state in which texts begin that are to match one of the patterns in full. Errors: ValueError where one holds what is not known here."""
    return _state(frozenset(rest for pattern in patterns for rest in _expanded(_read(pattern))))


class Both:
    """As a state of two automata at once: how far a text got in each, which is told with one look-up a digit."""

    def __init__(self, one: "State", other: "State"):
        self.states, self.accepts = (one, other), one.accepts and other.accepts
        self.next: dict[str, Both] = {}

    def after(self, digit: str) -> "Both":
        one, other = (state.next.get(digit) or state.after(digit) for state in self.states)
        self.next[digit] = both = together(one, other)
        return both


@cache
def together(one: State, other: State) -> Both:
    """The state in which texts begin that are to match what leads on from both."""
    return Both(one, other)


def matches(start: "State | Both", text: str) -> bool:
    """Whether a text of digits matches. Cost: a look-up a digit."""
    state = start
    for digit in text:
        state = state.next.get(digit) or state.after(digit)
    return state.accepts


def _expanded(rest: Rest) -> Iterable[Rest]:
    """The same, each beginning with a digit, or over."""
    if not rest or len(rest[0]) == 1:
        yield rest
        return
    (branches, least, most), tail = rest[0], rest[1:]
    if least == 0:
        yield from _expanded(tail)
    if most:
        again = ((branches, max(least - 1, 0), most - 1),) if most > 1 else ()
        for branch in branches:
            yield from _expanded((*branch, *again, *tail))


@cache
def _read(pattern: str) -> Rest:
    nodes, at = _choice(pattern, 0)
    if at != len(pattern):
        raise ValueError(pattern)
    return (nodes,)


def _choice(text: str, at: int) -> tuple[Node, int]:
    """Branches up to the end of their group, and where it is."""
    branches: list[Rest] = []
    sequence: list[Node] = []
    while at < len(text) and text[at] != ")":
        if text[at] == "|":
            branches.append(tuple(sequence))
            sequence, at = [], at + 1
            continue
        node, at = _one(text, at)
        least, most, at = _times(text, at)
        sequence.append(node if (least, most) == (1, 1) else (((node,),), least, most))
    return ((*branches, tuple(sequence)), 1, 1), at


def _one(text: str, at: int) -> tuple[Node, int]:
    if text.startswith("(?:", at):
        node, at = _choice(text, at + 3)
        if text[at : at + 1] != ")":
            raise ValueError(text)
        return node, at + 1
    if text.startswith(r"\d", at):
        return ("0123456789",), at + 2
    if text[at] == "[":
        end = text.index("]", at)
        return (_class(text[at + 1 : end]),), end + 1
    if text[at] not in "0123456789":
        raise ValueError(text)
    return (text[at],), at + 1


def _class(inside: str) -> str:
    """``13-57`` as 13457."""
    if not inside or set(inside) - set(CLASS):
        raise ValueError(inside)
    found, at = "", 0
    while at < len(inside):
        if inside[at + 1 : at + 2] == "-":
            found += "".join(map(str, range(int(inside[at]), int(inside[at + 2]) + 1)))
            at += 3
        else:
            found += str(int(inside[at]))
            at += 1
    return found


def _times(text: str, at: int) -> tuple[int, int, int]:
    """How often what stands before comes, at least and at most, and where the text goes on."""
    if text[at : at + 1] == "?":
        return 0, 1, at + 1
    if text[at : at + 1] != "{":
        return 1, 1, at
    end = text.index("}", at)
    least, comma, most = text[at + 1 : end].partition(",")
    return int(least), int(most if comma else least), end + 1
