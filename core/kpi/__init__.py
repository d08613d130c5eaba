"""What it adds up to: KPIs over facts, each with the address of the facts that add up to exactly it (N1).

A value is an aggregate over the facts the reader sees, in one snapshot; its drill is the list of facts under the same
conditions and the same snapshot. Nothing is cached and nothing is ever evaluated from text.
"""

from core.kpi.answers import Answer, Compared, Group, value, values
from core.kpi.definitions import Definition, definition, every_definition, may
from core.kpi.drills import Drills
from core.kpi.questions import Question, question

__all__ = [
    "Answer", "Compared", "Definition", "Drills", "Group", "Question", "definition", "every_definition", "may", "question", "value", "values",
]  # fmt: skip
