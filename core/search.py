"""Finding records by what people type: one SearchEntry a record, trigrams for three letters or more, grams for less.

Written by ``core.write`` for fields a type names in ``search``; fields some roles do not see are left out of it, so that
searching never tells what reading does not.
"""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q, QuerySet

from core import collation, context, edition, prepared, registry, schema, sql
from core.models import Grant, Record, SearchEntry
from core.models.record import permit
from core.models.work import APART
from core.registry import ObjectType

LETTERS = 3  # from which on a word is looked for by its trigrams
FEW = 1000  # of a type: so many are named by their ids; of 400 PostgreSQL hopes to meet so many early in the whole table, and reads all of it
HIDDEN = prepared.Prepared(lambda: Grant.objects.exclude(hidden=[]).values_list("type", "hidden"))


def hidden_somewhere(slug: str) -> set[str]:
    """Fields that some role hides on this type. Cost: one query for each edition of the set-up; what a role comes to hide is indexed anew in a job."""
    return {name for of, names in edition.keep("hidden somewhere", HIDDEN.rows) if of in (slug, "*") for name in names}


def index(object_type: ObjectType, records: Iterable[Record], fresh: bool = False) -> None:
    """Write what of these records can be found; ``fresh`` ones are new. Of a rehearsal nothing is to be found. Cost: two statements for all of them."""
    if not object_type.search or context.is_rehearsal():
        return
    known, closed = schema.fields(object_type), hidden_somewhere(object_type.slug)
    fields = [known[n] for n in object_type.search if n not in closed]
    rows = (_row(object_type.slug, record.pk, [f.value(record) for f in fields]) for record in records)
    if not all(f.held for f in fields):  # what has to be asked for is asked before the rows are on their way
        rows = list(rows)
    names, changing = ("about_id", "about_type", "text", "grams"), ("text", "grams")
    with permit():
        SearchEntry.objects.add_values(names, rows, *(() if fresh else ("about_id", changing)))


def _row(slug: str, ident: UUID, values: list) -> tuple[UUID, str, str, list[str]]:
    text = collation.search_text([str(value) for value in values if value])
    return ident, slug, text, collation.grams(text)


def reindex(slug: str) -> None:
    """Index a whole type anew, when what roles hide has changed. Cost: grows with the type."""
    object_type = registry.get(slug)
    if object_type:
        index(object_type, object_type.all().iterator(chunk_size=2000))


def forget(ids: Iterable) -> None:
    with permit():
        SearchEntry.objects.filter(about_id__among=ids).erase()


def matches(object_type: ObjectType, text: str) -> Q:
    """Rows of the type in which every word is found."""
    entries = hits(text).filter(about_type=object_type.slug)
    return Q(pk__in=entries.values("about_id"))


def of_types(slugs: list[str], text: str, room: tuple[int, int] | None = None) -> tuple[dict[str, str | None], list[str]]:
    """Which of these types hold the text, in their order: slug -> the ids of what holds every word of it, listed as a query is given them; None where those
    are many. And the types not looked at, where there was ``room`` for so many of each type, and so many in all. Cost: one query."""
    words = _words(text)
    found = sql.found_of(slugs, [w for w in words if len(w) < LETTERS], [w for w in words if len(w) >= LETTERS], FEW, room, APART)
    at, held = found[-1][:2] if found else (0, 0)
    return {slug: ids for _at, _held, slug, ids in found}, slugs[at:] if room and held >= room[1] else []


def hits(text: str) -> QuerySet:
    """Entries of all types that hold every word of the text."""
    found = SearchEntry.objects.all()
    for word in _words(text):
        found = found.filter(grams__contains=[word]) if len(word) < LETTERS else found.filter(text__contains=word)
    return found


def long_words(text: str) -> list[str] | None:
    """What a text is searched for by, where each word is long enough to stand within the text of an entry; none where one is not."""
    found = _words(text)
    return found if all(len(word) >= LETTERS for word in found) else None


def _words(text: str) -> list[str]:
    return collation.fold(text[:200]).split()[:8]
