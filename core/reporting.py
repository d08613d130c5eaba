"""Reports as floors declare them: tables made for one page, of one record or of the whole company. Declarations only; reads nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Link:
    """A value that leads somewhere: to a record of a type, or without ``id`` to a list of them, filtered by ``words``."""

    value: Any
    slug: str
    id: Any = None
    words: tuple[tuple[str, str], ...] = ()
    page: str = ""  # a report of that record instead of its own page


@dataclass(frozen=True)
class Heading:
    """A column of a section: ``kind`` is text, date or money."""

    label: Any
    kind: str = "text"


@dataclass(frozen=True)
class Section:
    """One table. A row has a value for each heading: None, a text, a date, an amount in ``currency``, or a Link around one of these."""

    headings: tuple[Heading, ...]
    rows: Sequence[tuple]
    currency: str
    heading: Any = ""
    first: tuple | None = None  # stands above the rows: an opening balance
    last: tuple | None = None  # and below them: a sum, a closing balance


@dataclass(frozen=True)
class Report:
    """``make(actor, record, words)`` -> Sections as this reader may see them; ``words`` are the inputs, cleaned, by name.

    With a ``slug`` it is about one record of that type and stands at ``/<slug>/<id>/<key>/``, else at ``/reports/<key>/`` and
    ``record`` is None. ``inputs()`` -> [(name, label, default)], each a date. ``sees(actor)`` says who is offered it. Errors of
    ``make``: RuleError at an input.
    """

    key: str
    label: Any
    make: Callable[[Any, Any, dict[str, Any]], list[Section]]
    inputs: Callable[[], list[tuple[str, Any, Any]]] = list
    sees: Callable[[Any], bool] = lambda actor: True
    slug: str = ""
    icon: str = "report"
    explains: Any = ""


__all__ = ["Heading", "Link", "Report", "Section"]
