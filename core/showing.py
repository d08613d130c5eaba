"""How records are shown to people: as papers, under links for those outside, with notes and reasons. Declarations only; prints nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Column:
    """A column of a paper's table. ``align`` is left or right; a ``wide`` one takes what room the others leave, a ``spare`` one
    is left out on narrow screens.
    """

    label: Any
    align: str = "left"
    wide: bool = False
    spare: bool = False


@dataclass(frozen=True)
class Printed:
    """What stands on one paper, in one language: every value is a text as its reader sees it, none of it is markup.

    ``party`` is the address block, ``facts`` are (label, text) beside it, ``rows`` hold a text for each column, or (text, text
    below it) where a cell has two; ``sums`` are (label, text, whether it is the one that counts), ``notes`` are (heading, text).
    """

    title: str
    number: str
    party: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[str | tuple[str, str], ...], ...] = ()
    sums: tuple[tuple[str, str, bool], ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    party_label: str = ""


@dataclass(frozen=True)
class Paper:
    """That a type's records are printed. ``write(record)`` -> Printed, called with the paper's language active.

    ``language(record)`` is the one of whoever gets it (``en`` or ``zh-Hans``). ``reveals`` names the fields, kinds of rows and,
    as ``account.street``, fields of referred records that stand on it: who may not see them all does not get the paper.
    ``mark(record)`` says across its top what it is not: a draft, superseded. ``kept(record)`` is what ``core.paper.keep`` made
    of it when it was sent, by language: that is then printed for good, whatever became of names and tax codes since.
    """

    write: Callable[[Any], Printed]
    language: Callable[[Any], str] = lambda record: ""
    reveals: tuple[str, ...] = ()
    mark: Callable[[Any], str] = lambda record: ""
    kept: Callable[[Any], dict[str, Any] | None] = lambda record: None


@dataclass(frozen=True)
class PublicAct:
    """An act that whoever holds the link may do. ``asks`` names the inputs of the act that are asked for there, and needed.

    ``consent`` is a sentence to tick before it. ``done(record)``: whether it was done, so that doing it again changes nothing and is
    no mistake.
    """

    act: str
    asks: tuple[str, ...]
    done: Callable[[Any], bool]
    consent: Any = ""


@dataclass(frozen=True)
class Shared:
    """That a record with a paper is shown under an unguessable link to people who have no account here.

    ``is_open(record)``: whether the link works. ``may(record)``: whether ``acts`` are possible now. ``state(record)`` -> (tone,
    sentence) tells what became of it, or None. ``viewed`` names the column that keeps when it was first looked at.
    ``addressee(record)`` -> (name, e-mail) of whom it is sent to, or None.
    """

    is_open: Callable[[Any], bool]
    acts: tuple[PublicAct, ...] = ()
    may: Callable[[Any], bool] = lambda record: True
    state: Callable[[Any], tuple[str, str] | None] = lambda record: None
    viewed: str = ""
    addressee: Callable[[Any], tuple[str, str] | None] = lambda record: None


# A sentence in pieces: a text, or (slug, id) of a record whose name and link stand there.
Sentence = tuple[str | tuple[str, Any], ...]


@dataclass(frozen=True)
class Note:
    """Something to know about a record, beside it: a heading and sentences; ``links`` are (label, address, whether it is the one meant first)."""

    heading: Any
    sentences: tuple[Sentence, ...] = ()
    links: tuple[tuple[Any, str, bool], ...] = field(default=())


@dataclass(frozen=True)
class Reason:
    """Why a figure of a row is what it is. ``trace`` is the field that keeps it for programs and is not shown to people as it is.

    ``tell(actor, record, rows)`` -> {row id: (Sentence, ...)} in the language of the reader, for all rows at once.
    """

    name: str
    trace: str
    tell: Callable[[Any, Any, list[Any]], dict[Any, tuple[Sentence, ...]]]


__all__ = ["Column", "Note", "Paper", "Printed", "PublicAct", "Reason", "Sentence", "Shared"]


@dataclass(frozen=True)
class Excerpt:
    """A short list on the page of another record: those of a type that refer to it by ``field`` and of which ``filter`` holds.

    Its sum is that of the first money column. ``aside`` stands beside the page's main column: people, say. ``late`` is a
    date that marks its row once it has passed.
    """

    slug: str
    field: str
    label: Any
    filter: list | dict | None = None
    columns: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    aside: bool = False
    late: str = ""


@dataclass(frozen=True)
class Intake:
    """That anybody may make a record of a type at the company's address, not signed in: a form of these ``fields``.

    ``carried`` fields are taken from the form's own address (``?campaign=fair``). ``given()`` are values nobody outside chooses.
    """

    title: Any
    text: Any
    thanks: Any
    fields: tuple[str, ...]
    required: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()
    given: Callable[[], dict[str, Any]] = dict
