"""Verified of what is kept ready of records: that it is what they come to."""

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import registry, summaries
from core.doctor import Check, Difference, register, text

NOTHING = (0,)


def summaries_say_what_records_say() -> Iterator[Difference]:
    """Cost: two queries for each type with a summary."""
    for object_type in registry.every():
        if object_type.summary is None:
            continue
        counted, kept = summaries.counted(object_type), summaries.kept(object_type.summary)
        for key in counted.keys() | kept.keys():
            if counted.get(key) != kept.get(key):
                expected, found = (", ".join(map(text, of.get(key, NOTHING))) for of in (counted, kept))
                yield Difference(f"{object_type.plural}: {', '.join(map(text, key))}", _("Number and sums"), expected, found)


register(Check("summaries", gettext_lazy("What boards show of all records is what the records come to."), summaries_say_what_records_say))
