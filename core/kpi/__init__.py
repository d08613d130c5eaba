"""What it adds up to: KPIs over facts, each with the address of the facts that add up to exactly it (N1).

A value is an aggregate over the facts the reader sees, in one snapshot; its drill is the list of facts under the same
conditions and the same snapshot. Nothing is cached and nothing is ever evaluated from text.
"""

from core.kpi.answers import Answer, Compared, Group, by_first, value, values
from core.kpi.built import Built
from core.kpi.definitions import Definition, define, definition, every_definition, further, may, may_split
from core.kpi.drills import Address, Drills, of_member
from core.kpi.groups import labels
from core.kpi.questions import Question, demand_filter, question

__all__ = [
    "Address", "Answer", "Built", "Compared", "Definition", "Drills", "Group", "Question", "by_first", "define", "definition", "demand_filter",
    "every_definition", "further", "labels", "may", "may_split", "of_member", "question", "value", "values",
]  # fmt: skip
