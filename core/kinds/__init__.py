"""Kinds of field. A kind owns everything about one sort of value: cleaning, JSON, SQL, lookups, text, schema.

Nothing else branches on a kind. A declared column and a company's own field (a key of ``custom``) differ in ``expr``
alone. ``clean`` raises ValueError with a sentence; who asked turns it into an error at the field.
"""

from core.kinds import choices, numbers, places, references, structured, text, times  # each adds its kinds to KINDS
from core.kinds.kind import KINDS, Kind, locale

__all__ = ["KINDS", "Kind", "choices", "locale", "numbers", "places", "references", "structured", "text", "times"]
