"""The language of formulas: read by a grammar, typed, written as SQL and worked out in Python with the same results. Never code."""

from core.formulas.circles import circle
from core.formulas.completing import Completion, complete, describe
from core.formulas.formula import Formula, check, made, moment
from core.formulas.holding import held
from core.formulas.parser import parse
from core.formulas.scopes import Scope, resolver, scope
from core.formulas.tree import FormulaError, Tree
from core.formulas.values import Moment

__all__ = [
    "Completion", "Formula", "FormulaError", "Moment", "Scope", "Tree", "check", "circle", "complete", "describe", "held", "made", "moment", "parse",
    "resolver", "scope",
]  # fmt: skip
