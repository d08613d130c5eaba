"""Verified of the ledgers: facts are what documents say, records are what their trail says, numbers have no gap."""

import re
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Q, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import facts, registry, schema
from core.doctor import CHUNK, Check, Difference, chunks, differs, register, text
from core.models import Fact, Record, Sequence, TrailEntry
from core.registry import ObjectType

ZERO = Decimal(0)
NUMBER = re.compile(r"([A-Z]+-\d{4})-(\d{5,})", re.ASCII)
SERIES = re.compile(r"[A-Z]+-\d{4}", re.ASCII)
BORN = ("add", "import")  # acts that make a record
restated: dict[str, frozenset[str]] = {}  # slug -> fields that follow other records without an entry of their own
told_elsewhere: dict[str, Q] = {}  # slug -> those of its records whose making stands in the trail of the record that made them


# Facts


def facts_are_what_documents_say() -> Iterator[Difference]:
    """Cost: for every 500 documents one query and those of their type's facts; one for each type that states any."""
    for object_type in registry.every():
        if object_type.facts is None:
            continue
        for records in chunks(object_type.all()):
            stated, said = _stated([r.pk for r in records]), object_type.facts(records)
            for record in records:
                yield from _facts_of(record, said.get(record.pk, ()), stated.get(record.pk, {}))


def _stated(ids: list) -> dict[Any, dict[tuple, Decimal]]:
    found: dict[Any, dict[tuple, Decimal]] = defaultdict(dict)
    for source, *key, value in Fact.objects.filter(source_id__in=ids).values_list("source_id", *facts.GROUPED).annotate(sum=Sum("value")):
        found[source][tuple(key)] = value
    return found


def _facts_of(record: Record, said: Any, stated: dict[tuple, Decimal]) -> Iterator[Difference]:
    now: dict[tuple, Decimal] = defaultdict(Decimal)
    for statement in said:
        now[statement.key()] += statement.value
    for key in sorted(now.keys() | stated.keys(), key=str):
        if now.get(key, ZERO) != stated.get(key, ZERO):
            measure, day = key[:2]
            line = f", {key[-1]}" if key[-1] else ""
            label = registry.measures[measure].label if measure in registry.measures else measure
            yield differs(record, f"{label} @ {day}{line}", now.get(key, ZERO), stated.get(key, ZERO))


def facts_have_documents() -> Iterator[Difference]:
    """Cost: one query for each type of document, and one."""
    homes = {t.slug: t for t in registry.every() if t.facts is not None}
    orphans = Fact.objects.exclude(source_type__in=homes).values("source_type", "source_id").annotate(total=Sum("value"))
    for row in orphans.iterator(CHUNK):
        yield Difference(f"{row['source_type']} {row['source_id']}", _("Facts"), _("a document"), text(row["total"]))
    for slug, object_type in homes.items():
        lost = Fact.objects.filter(source_type=slug).exclude(Exists(object_type.all().filter(pk=OuterRef("source_id"))))
        for row in lost.values("source_id", "measure").annotate(total=Sum("value")).iterator(CHUNK):
            yield Difference(f"{slug} {row['source_id']}", row["measure"], _("a document"), text(row["total"]), slug, str(row["source_id"]))


# The trail


def trailed() -> list[ObjectType]:
    """The types whose records are written by people, and so have a trail."""
    return [t for t in registry.every() if t.writable and t.rows is None and issubclass(t.model, Record)]


def records_are_what_their_trail_says() -> Iterator[Difference]:
    """Cost: two queries for every 500 records, and three for each type."""
    for object_type in trailed():
        untold = {"version", "created_at", "updated_at", *restated.get(object_type.slug, ())}
        known = {n: f for n, f in schema.fields(object_type).items() if n not in untold and not f.compute and f.kind not in ("secret", "refs")}
        for records in chunks(object_type.all().exclude(told_elsewhere.get(object_type.slug, Q(pk__in=[])))):
            told: dict[Any, list] = defaultdict(list)
            entries = TrailEntry.objects.filter(about_id__in=[r.pk for r in records], about_type=object_type.slug).order_by("id")
            for about, act, version, changes in entries.values_list("about_id", "act", "version", "changes"):
                told[about].append((act, version, changes))
            for record in records:
                yield from _trail_of(record, told[record.pk], known)
            yield from _rows_of(object_type, records, told)


def _trail_of(record: Record, entries: list[tuple], known: dict) -> Iterator[Difference]:
    if not entries or entries[0][0] not in BORN or entries[0][1] != 1:
        yield differs(record, _("First entry of its trail"), f"{BORN[0]} 1", f"{entries[0][0]} {entries[0][1]}" if entries else None)
    version, last = 0, {}
    for act, stood, changes in entries:
        if stood not in (version, version + 1):  # an entry may tell of a deed that changed no field, at the version that stood
            yield differs(record, _("Version after %(act)s") % {"act": act}, version + 1, stood)
        version = stood
        if act == "change":  # what is worked out from the fields that were changed is not told with them
            last = {name: value for name, value in last.items() if not known[name].readonly}
        for name, pair in changes.items():
            if name in known and isinstance(pair, list) and len(pair) == 2:
                if name in last and last[name] != pair[0]:
                    yield differs(record, _("%(field)s before %(act)s") % {"field": known[name].label, "act": act}, text(last[name]), text(pair[0]))
                last[name] = pair[1]
    if version != record.version:
        yield differs(record, _("Version"), version, record.version)
    for name, value in last.items():
        f = known[name]
        now = f.rules.to_json(f, f.value(record))
        if now != value:
            yield differs(record, f.label, value, now)


def _rows_of(object_type: ObjectType, records: list, told: dict[Any, list]) -> Iterator[Difference]:
    """What people wrote into the rows of these records is still there."""
    for entry in object_type.lines:
        written = {n: f for n, f in entry.fields.items() if not f.readonly and not f.compute}
        last = {pk: changes[entry.name][1] for pk, entries in told.items() for _a, _v, changes in entries if entry.name in changes}
        wanted = {r.pk: r for r in records if r.pk in last}
        if not wanted:
            continue
        rows: dict[Any, dict[str, Any]] = defaultdict(dict)
        for row in entry.model.objects.filter(**{f"{entry.parent}__in": wanted}):
            rows[getattr(row, f"{entry.parent}_id")][str(row.pk)] = row
        for pk, record in wanted.items():
            by_id = {told_row["id"]: told_row for told_row in last[pk] or []}
            for ident in by_id.keys() ^ rows[pk].keys():
                yield differs(record, entry.label or entry.name, ident if ident in by_id else None, ident if ident in rows[pk] else None)
            for ident in by_id.keys() & rows[pk].keys():
                row = rows[pk][ident]
                for name, f in written.items():
                    expected, now = by_id[ident].get(name), f.rules.to_json(f, f.value(row))
                    if (expected or None) != (now or None):
                        yield differs(record, f.label, text(expected), text(now), row)


# Numbers


def numbers_have_no_gaps() -> Iterator[Difference]:
    """Each series is 1 to n, each number is one record's, given in their order. Cost: one query for each type with numbers, and two."""
    last: dict[str, int] = defaultdict(int)
    given = TrailEntry.objects.filter(changes__has_key="number").order_by("id").values_list("about_type", "about_id", "changes__number")
    for slug, ident, pair in given.iterator(CHUNK):
        series, number = _parsed(pair[1] if isinstance(pair, list) else None)
        if series:
            if number != last[series] + 1:
                yield Difference(str(pair[1]), _("Number"), f"{series}-{last[series] + 1:05d}", str(pair[1]), slug, str(ident))
            last[series] = max(number, last[series])
    held: dict[str, int] = defaultdict(int)
    for object_type in registry.every():
        if object_type.rows is None and any(f.name == "number" for f in object_type.model._meta.fields):
            before: dict[str, int] = defaultdict(int)
            numbers = object_type.all().exclude(number="").order_by("number", "pk").values_list("pk", "number")
            for ident, told in numbers.iterator(CHUNK):
                series, number = _parsed(told)
                if series is None:
                    continue
                if number != before[series] + 1 and len(told) == len(f"{series}-00000"):
                    yield Difference(told, _("Number"), f"{series}-{before[series] + 1:05d}", told, object_type.slug, str(ident))
                before[series] = number
                held[series] += 1
    sequences = {key: last for key, last in Sequence.objects.values_list("key", "last") if SERIES.fullmatch(key)}  # a company's own may have gaps
    for series in sorted(sequences.keys() | held.keys()):
        if sequences.get(series, 0) != held[series]:
            yield Difference(series, _("Numbers given"), text(sequences.get(series, 0)), text(held[series]))


def _parsed(told: Any) -> tuple[str | None, int]:
    """Series and number of ``SO-2026-00001``; no series for what is not one, as ``QU-2026-00001-2``, a later version of what has its number."""
    found = NUMBER.fullmatch(str(told or ""))
    return (found[1], int(found[2])) if found else (None, 0)


register(
    Check("facts", gettext_lazy("The facts of every document add up to what the document says now."), facts_are_what_documents_say),
    Check("facts-sources", gettext_lazy("Every fact is of a document that is there."), facts_have_documents),
    Check(
        "trail", gettext_lazy("Every record has its trail from its making on, without a version left out, and is what the trail says last."),
        records_are_what_their_trail_says,
    ),
    Check("numbers", gettext_lazy("Numbers of every series run from 1 without gap or duplicate, in the order in which they were given."), numbers_have_no_gaps),
)  # fmt: skip
