"""What happened to a record, newest first: its trail, the activities about it, and what of the company's own names it; only what the reader sees."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from core import access, context, pack_parts, read, registry, schema, trail, worded
from core.access import Actor
from core.read import Shown
from core.registry import Field, Lines, ObjectType
from core.views import differences, pages, spelled, undoing

LENGTH = 20
IN_BASE = frozenset({"rate", "base_net", "base_total"})  # the same again where a document is in the company's currency
ICONS = {"call": "phone", "meeting": "users", "task": "list-check", "visit": "map-pin", "email": "mail", "note": "note"}
ACT_ICONS = {"add": "plus", "change": "pencil", "archive": "archive", "restore": "arrow-back-up", "delete": "trash", "import": "upload", "view": "eye"}


@dataclass(frozen=True)
class Event:
    """One thing that happened, as parts/timeline.html reads it."""

    moment: datetime
    entry: dict[str, Any]


def of(actor: Actor, object_type: ObjectType, record: Model, before: str = "", whole: bool = False) -> dict[str, Any]:
    """A page of events and the instant to go on from. ``whole``: the trail alone, with every change.

    Cost: one query for the trail and one for each type with a timeline, and a query for each type named in them.
    """
    until = _instant(before)
    events = _of_trail(actor, object_type, record, until, whole)
    if not whole:
        for other in registry.every():
            if other.timeline and access.allows(actor, other, "view"):
                f = other.fields[other.timeline]
                events += _about(actor, other, object_type, record, until, lambda ident, f=f: f.rules.condition(f, "eq", (object_type.slug, ident)))
        for other, about in _naming(actor, object_type, record).items():
            events += [_activity(other, one) for one in read.present(actor, other, _newest(actor, other, about, until))]
    events.sort(key=lambda e: e.moment, reverse=True)
    page = events[:LENGTH]
    return {"entries": [e.entry for e in page], "next": page[-1].moment.isoformat() if len(events) > LENGTH else ""}


def _naming(actor: Actor, object_type: ObjectType, record: Model) -> dict[ObjectType, Q]:
    """The company's own types whose records name this one, each with the test that they do. Cost: none beyond the types'."""
    found: dict[ObjectType, Q] = {}
    for slug, f in schema.pointing(object_type.slug):
        other = registry.get(slug)
        if other is not None and other.own and access.allows(actor, other, "view") and f.name in access.fields(actor, other):
            found[other] = found.get(other, Q(pk__in=[])) | f.rules.condition(f, "eq", record.pk)
    return found


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.replace(" ", "+")) if text else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo else None


def _when(moment: datetime) -> dict[str, str]:
    return {"when": registry.KINDS["datetime"].text(None, moment), "at": moment.isoformat()}


# Activities ---------------------------------------------------------------------------------------------------------


def _about(
    actor: Actor, other: ObjectType, object_type: ObjectType, record: Model, until: datetime | None, test: Callable[[Any], Q]
) -> list[Event]:  # fmt: skip
    """Records of a type that are about the one shown, as the ``test`` of its id says."""
    key = ("about", other.slug, object_type.slug) if until is None else None
    rows = worded.records(actor, key, lambda ident: _newest(actor, other, test(ident), until), record.pk)
    return [_activity(other, one) for one in read.present(actor, other, rows)]


def _newest(actor: Actor, other: ObjectType, about: Q, until: datetime | None) -> QuerySet:
    rows = access.rows(actor, other).filter(about, archived_at=None)
    return (rows if until is None else rows.filter(created_at__lt=until)).order_by("-created_at")[: LENGTH + 1]


def _first(shown: Shown, kind: str) -> Any:
    return next((v for n, v in shown.values.items() if shown.fields[n].kind == kind and not shown.fields[n].readonly), None)


def _activity(other: ObjectType, shown: Shown) -> Event:
    due, done = (None, None) if other.own else (_first(shown, "datetime"), _first(shown, "yesno"))  # what its fields mean, only the company knows
    late = due is not None and not done and due < timezone.now()
    label = shown.text(next((n for n, f in shown.fields.items() if f.kind == "choice"), "")) if _first(shown, "choice") else ""
    when = _when(shown.record.created_at)
    person = shown.values.get("owner")
    said = [label]
    if due is not None:
        said.append(_("due %(day)s") % {"day": shown.text(next(n for n, f in shown.fields.items() if f.kind == "datetime" and not f.readonly))})
    if done:
        said.append(_("done"))
    return Event(shown.record.created_at, {
        "icon": ICONS.get(_first(shown, "choice"), other.icon), "tone": "late" if late else "", "title": shown.label,
        "url": pages.address(other, shown.id), "text": _first(shown, "longtext") or "",
        "who": " · ".join(p for p in (person.label if person else "", *said) if p), "changes": [], **when,
    })  # fmt: skip


# The trail ----------------------------------------------------------------------------------------------------------


def _of_trail(actor: Actor, object_type: ObjectType, record: Model, until: datetime | None, whole: bool) -> list[Event]:
    def entries(ident: UUID) -> QuerySet:
        rows = trail.about(object_type, ident)
        return (rows if until is None else rows.filter(at__lt=until)).order_by("-id")[: LENGTH + 1]

    rows = worded.records(actor, ("trail", object_type.slug) if until is None else None, entries, _uuid(record.pk))
    found = [(e, trail.readable_changes(actor, object_type.slug, e.changes)) for e in rows]
    labels = _labels(actor, object_type, found)
    undoes = whole and access.rows(actor, object_type, "change").filter(pk=record.pk).exists()
    told = []
    for e, changes in found:
        event = Event(e.at, _entry(actor, object_type, record, e, changes, labels, whole))
        event.entry["undo"] = undoing.offered(actor, e) if undoes else ""
        told.append(event)
    return told


def of_entries(actor: Actor, object_type: ObjectType, found: list[tuple[Any, dict]], records: dict[UUID, Model]) -> list[dict[str, Any]]:
    """Entries about these records of one type, each with the changes that the actor may read, in their order. Cost: a query for each type they name."""
    labels = _labels(actor, object_type, found)
    return [_entry(actor, object_type, records.get(one.about_id), one, changes, labels, True) for one, changes in found]


def _uuid(key: Any) -> UUID:
    return key if isinstance(key, UUID) else UUID(int=0)  # ledgers have no trail of their own


def _entry(actor: Actor, object_type: ObjectType, record: Model | None, e: Any, changes: dict, labels: dict, whole: bool) -> dict[str, Any]:
    act = object_type.act(e.act)
    called = act.label if act else trail.ACTS.get(e.act) or trail.act_choices().get(e.act, e.act)  # an act of another type settles an invoice
    names = [] if e.act == "add" and not whole else _in_order(actor, object_type, record, changes)
    told = [t for name in names for t in _told(actor, object_type, record, name, changes[name], labels)]
    who = labels.get("users", {}).get(e.actor, "") if e.actor else "" if e.channel == "public" else _("Odos")
    via = {"api": _("via the API"), "import": _("by an import"), "public": _("under the link sent out")}.get(e.channel, "")
    return {
        "icon": act.icon if act else ACT_ICONS.get(e.act, "clock"), "tone": "quiet", "title": str(called),
        "url": "", "text": "", "who": " · ".join(p for p in (who, via) if p), "changes": told, **_when(e.at),
    }  # fmt: skip


def _in_order(actor: Actor, object_type: ObjectType, record: Model, changes: dict) -> list[str]:
    """What changed in the order of the form, rows last; amounts in base currency only where they are not the same again."""
    base = getattr(record, "currency", "") == context.company().currency
    known = [*access.fields(actor, object_type), *(e.name for e in object_type.lines)]
    return [n for n in known if n in changes and not (base and n in IN_BASE)]


def _told(actor: Actor, object_type: ObjectType, record: Model, name: str, pair: list, labels: dict) -> list[dict[str, Any]]:
    """One change in words: before and after; of rows, one for each that differs."""
    f = access.fields(actor, object_type).get(name)
    currency = getattr(record, "currency", "") or context.company().currency
    if f is not None and (spelt := spelled.change(actor, object_type, f, record, pair)) is not None:
        return [spelt]
    if f is not None and f.kind == "json":
        return [differences.told(actor, f, registry.get(getattr(record, "type", "")), pair, {str(k): v for k, v in labels.get("roles", {}).items()})]
    if f is not None:
        return [{"label": f.label, "old": _words(f, pair[0], labels, currency), "new": _words(f, pair[1], labels, currency)}]
    entry = next((e for e in object_type.lines if e.name == name), None)
    return _told_rows(actor, entry, pair[0] or [], pair[1] or [], labels, currency) if entry else []


def _told_rows(actor: Actor, entry: Lines, old: list[dict], new: list[dict], labels: dict, currency: str) -> list[dict[str, Any]]:
    before, after = {r["id"]: r for r in old}, {r["id"]: r for r in new}
    told = []
    for ident in dict.fromkeys([*before, *after]):
        was, now = before.get(ident, {}), after.get(ident, {})
        names = [n for n, f in entry.fields.items() if n not in IN_BASE and not f.compute and was.get(n) != now.get(n)]
        if names:
            old_words, new_words = (_row(actor, entry, side, names, labels, currency) for side in (was, now))
            which = f"{entry.label or entry.name} · {_name(entry, now, labels, currency)}" if was and now else entry.label or entry.name
            told.append({"label": which, "old": old_words, "new": new_words})
    return told


def _name(entry: Lines, row: dict, labels: dict, currency: str) -> str:
    return next((t for n, f in entry.fields.items() if (t := _words(f, row.get(n), labels, currency))), "")


def _row(actor: Actor, entry: Lines, row: dict, names: list[str], labels: dict, currency: str) -> str:
    about = registry.get(str(row.get("type", "")))
    told = {n: differences.text(actor, f, about, row.get(n), {}) for n, f in entry.fields.items() if n in names and f.kind == "json"}
    texts = ((entry.fields[n].label, told.get(n) or _words(entry.fields[n], row.get(n), labels, currency)) for n in names)
    return ", ".join(f"{label} {text}" for label, text in texts if text)


def _words(f: Field, value: Any, labels: dict, currency: str) -> str:
    """A value of the trail as its reader sees it."""
    if value in (None, "", []):
        return ""
    if (f.is_reference or f.kind == "anyref") and (ids := _ids(f, value)):
        return ", ".join(labels.get(slug, {}).get(ident) or _("(not visible)") for slug, ident in ids)
    try:
        return f.rules.text(f, f.rules.from_json(f, value), currency)
    except (ValueError, TypeError, ArithmeticError, AttributeError, LookupError):  # of the kind the field was of then
        return str(value)


def _ids(f: Field, value: Any) -> list[tuple[str, UUID]]:
    found = []
    for one in value if isinstance(value, list) else [value]:
        slug, ident = (one.get("type", ""), one.get("id", "")) if isinstance(one, dict) else (f.target, one)
        try:
            found.append((slug, UUID(str(ident))))
        except ValueError:
            continue
    return found


def _labels(actor: Actor, object_type: ObjectType, found: list[tuple[Any, dict]]) -> dict:
    """Names of all people and records these entries mention. Cost: one query for each type."""
    wanted: dict[str, set] = defaultdict(set)
    known = access.fields(actor, object_type)
    for e, changes in found:
        wanted["users"].update({e.actor} - {None})
        for name, pair in changes.items():
            entry = next((x for x in object_type.lines if x.name == name), None)
            fields = [(f, row.get(n)) for side in pair for row in side or [] for n, f in entry.fields.items()] if entry else []
            for f, value in fields or [(known[name], value) for value in pair if name in known]:
                if value and (f.is_reference or f.kind == "anyref"):
                    for slug, ident in _ids(f, value):
                        wanted[slug].add(ident)
                elif value and name in pack_parts.ROLES.get(object_type.slug, ()):
                    wanted["roles"].update(ident for _slug, ident in _ids(f, value))
    return read.labels(actor, wanted)
