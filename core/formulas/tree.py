"""What a formula is once it is read: nodes with their places in the text. And what can be wrong with it, in sentences."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from core.errors import RuleError

# N-05: a formula is bounded before anything is done with it. Nothing in it repeats, so its nodes are its steps.
LENGTH = 2000  # characters
DEPTH = 32  # brackets, functions and products inside one another
NODES = 500
ARGUMENTS = 60  # of one function
WEIGHT = 4000  # nodes of the SQL it becomes, what is written twice counted twice
DOTS = 3  # references a path may follow


class FormulaError(RuleError):
    """What is wrong with a formula. ``sentence`` says it, ``position`` and ``length`` where, in characters from 0."""

    def __init__(self, sentence: str, position: int = 0, length: int = 1):
        self.sentence, self.position, self.length = str(sentence), position, length
        super().__init__({"formula": [_("%(sentence)s (character %(n)d)") % {"sentence": sentence, "n": position + 1}]})

    def at(self, name: str) -> RuleError:
        """The same as an error of the field ``name``."""
        return RuleError({name: self.errors["formula"]})


@dataclass(frozen=True)
class Node:
    """A part of a formula, from ``start`` to ``end`` (exclusive) in its text."""

    start: int
    end: int

    @property
    def parts(self) -> tuple["Node", ...]:
        return ()


@dataclass(frozen=True)
class Number(Node):
    value: Decimal
    percent: bool = False


@dataclass(frozen=True)
class Text(Node):
    value: str


@dataclass(frozen=True)
class Truth(Node):
    value: bool


@dataclass(frozen=True)
class Nothing(Node):
    """The word EMPTY."""


@dataclass(frozen=True)
class Name(Node):
    """A field, or a path through references to one: ``account.country``. ``quoted`` was written in square brackets."""

    path: tuple[str, ...]
    quoted: bool = False


@dataclass(frozen=True)
class Call(Node):
    """A function with its inputs; AND, OR, NOT, IN are among them. ``name`` is upper case, ``at`` where it stands."""

    name: str
    arguments: tuple[Node, ...]
    at: int

    @property
    def parts(self):
        return self.arguments


@dataclass(frozen=True)
class Chain(Node):
    """Operands with the operators between them, of one rank: ``a + b - c``. Comparisons have two operands."""

    operators: tuple[tuple[str, int], ...]  # the operator, and where it stands
    operands: tuple[Node, ...]

    @property
    def parts(self):
        return self.operands


@dataclass(frozen=True)
class Negative(Node):
    operand: Node

    @property
    def parts(self):
        return (self.operand,)


@dataclass(frozen=True)
class Tree:
    """A formula as it was read: its text and the node on top."""

    text: str
    top: Node

    def walk(self) -> Iterator[Node]:
        waiting = [self.top]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(node.parts)
