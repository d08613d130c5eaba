"""The board of a type: its records as cards in columns, by a reference or choice the type names, and moved from one to another.

A move is the type's own act, or where it names none a plain change of that field, with the version the card was shown with. The same address,
filters and words as the list. ``by-field`` in the address names another choice of the type for the columns.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Model
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from core import access, context, edition, query, read, registry, structures
from core.access import Actor
from core.errors import Denied, Missing, OdosError, RuleError, Stale, WrongState
from core.listings import Listing
from core.read import Ref, Shown
from core.registry import Field, ObjectType
from core.views import filters, pages, steps, tables

T = TypeVar("T")
MOST = 20  # cards of a column, more than a screen shows; as many come each time its end is reached
KEPT = 200  # cards of a column that stay when a card was moved; the list has all
COLUMNS = 30
WORDED_ALIKE = (Decimal, int, str)  # what says the same on each card, as a list does not
COLUMN, SHOWN = filters.COLUMN, "shown"  # words that ask for more cards of one column; that say how many of one are there already
BY = "by-field"  # the word of the address that names the field of the columns
EMPTY = "none"  # what the column of those without a value is called


@dataclass
class Column:
    """One value of the field: what it is called, how many records have it, and their sums by name."""

    value: Any
    label: str
    note: str = ""
    count: int = 0
    sums: dict[str, Decimal] | None = None


def is_asked(request: HttpRequest, actor: Actor, object_type: ObjectType) -> bool:
    """Whether the address asks for the board, and there is one for this reader."""
    return filters.shown_as(request) == "board" and has_board(actor, object_type, request.GET.get(BY, ""))


def has_board(actor: Actor, object_type: ObjectType, by: str = "") -> bool:
    return steps.field_of(actor, object_type, by) is not None


def board(request: HttpRequest, actor: Actor, object_type: ObjectType, wanted: Listing) -> dict[str, Any]:
    """What templates/object/board.html reads. Cost: about a dozen queries, however many columns."""
    by = steps.field_of(actor, object_type, request.GET.get(BY, ""))
    groups = _groups(request, actor, object_type, wanted)
    chosen = _chosen(groups)
    wanted = replace(
        wanted, conditions=(*wanted.conditions, *_unsaid(actor, object_type, wanted, chosen)), sums=_summed(actor, object_type), cursor="",
        limit=_kept(request),
    )  # fmt: skip
    columns = _columns(actor, object_type, by, wanted, chosen)
    movable = steps.movable(actor, object_type, by)
    first = _first(actor, object_type, by, columns, _in_order(actor, object_type, wanted))
    cards = _cards(actor, object_type, by, [r for page in first.values() for r in page.records], movable, request)
    shown = [_column(request, actor, object_type, by, column, cards.get(_mark(column.value), []), first.get(_mark(column.value))) for column in columns]
    return {
        "columns": shown, "groups": groups, "by": by.label, "value": by.name, "movable": movable is not None, "shown": wanted.limit,
        "totals": _totals(actor, object_type, columns, wanted), "targets": [{"value": c["value"], "label": c["label"]} for c in shown if c["value"] != EMPTY],
    }  # fmt: skip


def more(request: HttpRequest, actor: Actor, object_type: ObjectType, wanted: Listing) -> dict[str, Any]:
    """The next cards of the column the address names, from its cursor on, as templates/object/board.html reads a column. Errors: RuleError."""
    by, value = steps.field_of(actor, object_type, request.GET.get(BY, "")), request.GET.get(COLUMN, "")
    column = Column(None if value == EMPTY else value, "")
    unsaid = _unsaid(actor, object_type, wanted, _chosen(_groups(request, actor, object_type, wanted)))
    wanted = replace(wanted, conditions=(*wanted.conditions, *unsaid, _test(by, column)), count=False, limit=MOST)
    found = query.page(actor, object_type, _in_order(actor, object_type, wanted))
    cards = _cards(actor, object_type, by, found.records, steps.movable(actor, object_type, by), request)
    url = _address(request, object_type, by, column)
    return {"url": url, "cards": [card for some in cards.values() for card in some], "rest": _rest(request, column, found.next)}


# Which columns ------------------------------------------------------------------------------------------------------


def _groups(request: HttpRequest, actor: Actor, object_type: ObjectType, wanted: Listing) -> list[dict[str, Any]]:
    """The sets of columns there are (pipelines), the one asked for marked, else the one there was first. Cost: as ``_settled``."""
    f = access.fields(actor, object_type).get(object_type.board_groups)
    target = registry.get(f.target) if f is not None else None
    if target is None or not access.allows(actor, target, "view"):
        return []

    def named() -> list[tuple[UUID, str]]:
        records = query.page(actor, target, Listing(sort=("created_at",), limit=COLUMNS)).records
        read.remember(actor, target, records)
        return [(r.pk, read.label(actor, target, r)) for r in records]

    found = _settled(actor, target, ("groups of a board",), named)
    asked = {str(leaf[2]) for node in wanted.conditions for leaf in filters.leaves(node) if leaf[0] == f.name and leaf[1] == "eq"}
    current = next((str(pk) for pk, _name in found if str(pk) in asked), str(found[0][0]) if found else "")
    return [
        {"value": str(pk), "label": name, "current": str(pk) == current, "url": filters.address(request, **{f.name: str(pk)})} for pk, name in found
    ]  # fmt: skip


def _settled(actor: Actor, target: ObjectType, what: tuple, make: Callable[[], T]) -> T:
    """What is made of the own values of a type's records. Cost: one query; of a settled type, as pipelines are, none but for the first in an edition."""
    if not (target.settled and edition.is_fixed() and access.sees_all(actor, target)):
        return make()
    return edition.keep_today((what, target.slug, access.reader(actor), get_language()), structures.today(), make)


def _chosen(groups: list[dict[str, Any]]) -> str:
    return next((g["value"] for g in groups if g["current"]), "")


def _unsaid(actor: Actor, object_type: ObjectType, wanted: Listing, group: str) -> list[Any]:
    """Conditions of the board beyond those of its address: its group, and only what is still to be moved."""
    named = {leaf[0] for node in wanted.conditions for leaf in filters.leaves(node)}
    found: list[Any] = []
    if group and object_type.board_groups not in named:
        found.append([object_type.board_groups, "eq", group])
    if object_type.board_hides and "status" not in named and "status" in access.fields(actor, object_type):
        states = _open_states(object_type)
        found.append(["status", "in", states] if len(states) != 1 else ["status", "eq", states[0]])  # lists by one value alone are put into words once
    return found


def _open_states(object_type: ObjectType) -> list[str]:
    return [s[0] for s in object_type.statuses if s[0] not in object_type.board_hides]


def _summed(actor: Actor, object_type: ObjectType) -> tuple[str, ...]:
    known = access.fields(actor, object_type)
    return tuple(n for n in object_type.card if n in known and known[n].kind == "money" and not known[n].compute)


def _columns(actor: Actor, object_type: ObjectType, by: Field, wanted: Listing, group: str) -> list[Column]:
    """All values in their order, also those nobody has; one for records without a value, where there are such. Cost: two queries."""
    found = query.by_value(actor, object_type, wanted, by)
    columns = _of_reference(actor, object_type, by, group) if by.is_reference else [Column(k, str(label)) for k, label in by.choices().items()]
    for column in columns:
        column.count, column.sums = found.get(column.value, (0, dict.fromkeys(wanted.sums, Decimal(0))))
    without = [told for value, told in found.items() if value in (None, "")]
    return [*(Column(None, _("None"), "", *told) for told in without), *columns]


def _of_reference(actor: Actor, object_type: ObjectType, by: Field, group: str) -> list[Column]:
    target = registry.get(by.target)
    if target is None:
        return []
    percent = next((f for f in access.fields(actor, target).values() if f.kind == "percent" and not f.is_looked_up and f.expression is None), None)

    def told() -> list[tuple[UUID, str, str]]:
        found = steps.columns_of(actor, object_type, by, group, COLUMNS)
        return [(r.pk, read.label(actor, target, r), percent.rules.text(percent, percent.value(r)) if percent else "") for r in found]

    return [Column(*one) for one in _settled(actor, target, ("columns of a board", object_type.slug, by.name, group), told)]


# A column and its cards ---------------------------------------------------------------------------------------------


def _mark(value: Any) -> str:
    """What tells one column from another: no value is none, whether a column of text or a reference has none."""
    return str(value or "")


def _kept(request: HttpRequest) -> int:
    """How many cards a column shows at first: as many as there were of one when a card was moved, so that nobody loses his place."""
    told = request.POST.get(SHOWN, "")
    there = min(int(told), KEPT) if told.isascii() and told.isdigit() and len(told) < 5 else 0
    return max(MOST, -(-there // MOST) * MOST)


def _in_order(actor: Actor, object_type: ObjectType, wanted: Listing) -> Listing:
    """The cards asked for in their order: that of the address, else by the day they name."""
    known = access.fields(actor, object_type)
    day = next((n for n in object_type.card if n in known and known[n].kind == "date"), "")
    return replace(wanted, sort=wanted.sort or ((day,) if day else object_type.sort), sums=())


def _test(by: Field, column: Column) -> list[Any]:
    return [by.name, "empty", True] if column.value is None else [by.name, "eq", str(column.value)]


def _first(actor: Actor, object_type: ObjectType, by: Field, columns: list[Column], wanted: Listing) -> dict[str, query.Page]:
    """The first records of each column, in their order, and how it goes on. Cost: one query for all."""
    tests = [_test(by, column) for column in columns if column.count]
    found: dict[str, list[Model]] = {}
    for record in query.first_of_each(actor, object_type, wanted, tests, wanted.limit + 1):
        found.setdefault(_mark(by.value(record)), []).append(record)
    return {mark: query.first_page(actor, object_type, wanted, records, len(records), {}, "") for mark, records in found.items()}


def _rest(request: HttpRequest, column: Column, cursor: str) -> str:
    """The address of the next cards of a column; none where these are all."""
    return filters.address(request, **{COLUMN: EMPTY if column.value is None else str(column.value), "cursor": cursor}) if cursor else ""


def _column(
    request: HttpRequest, actor: Actor, object_type: ObjectType, by: Field, column: Column, cards: list[dict[str, Any]], first: query.Page | None
) -> dict[str, Any]:  # fmt: skip
    url = _address(request, object_type, by, column)
    return {
        "value": EMPTY if column.value is None else str(column.value), "label": column.label, "note": column.note, "count": column.count, "url": url,
        "sums": [{"label": label, "text": text, "url": url} for label, text in _sums(actor, object_type, column.sums or {})],
        "cards": cards, "rest": _rest(request, column, first.next if first else ""),
    }  # fmt: skip


def _address(request: HttpRequest, object_type: ObjectType, by: Field, column: Column) -> str:
    """The list of exactly what the column holds."""
    words = {by.name: str(column.value)} if column.value is not None else {f"{by.name}__empty": "true"}
    if object_type.board_hides and not any(name.partition("__")[0] == "status" for name, _value in filters.pairs(request)):
        states = _open_states(object_type)
        words |= {"status": states[0]} if len(states) == 1 else {"status__in": ",".join(states)}
    return filters.as_kind(request, "list", **words)


def _sums(actor: Actor, object_type: ObjectType, sums: dict[str, Decimal]) -> list[tuple[Any, str]]:
    known, currency = access.fields(actor, object_type), context.company().currency
    return [(known[n].label, known[n].rules.text(known[n], value, currency)) for n, value in sums.items()]


def _totals(actor: Actor, object_type: ObjectType, columns: list[Column], wanted: Listing) -> list[dict[str, Any]]:
    totals = {n: sum((c.sums[n] for c in columns if c.sums), Decimal(0)) for n in wanted.sums}
    return [{"label": label, "text": text} for label, text in _sums(actor, object_type, totals)]


def _cards(
    actor: Actor, object_type: ObjectType, by: Field, records: list[Model], movable: steps.Move | None, request: HttpRequest
) -> dict[str, list[dict[str, Any]]]:  # fmt: skip
    """The cards of each column. Cost: that of reading so many records, once for all columns."""
    names = {object_type.title, *object_type.card}
    mine = {r.pk for r in records}
    if movable is None:
        mine = set()
    elif not access.is_unlimited(actor, object_type, movable.action):
        mine = set(access.rows(actor, object_type, movable.action).filter(pk__in=mine).values_list("pk", flat=True))
    notes = object_type.card_notes(actor, records) if records else {}
    found: dict[str, list[dict[str, Any]]] = {}
    shown = read.present(actor, object_type, records, only=names)
    cards, way = Cards(object_type, shown[0].fields if shown else {}), _way(object_type, by, request)
    for one in shown:
        card = cards.of(one, notes.get(one.id, []))
        card |= {"moves": one.id in mine and movable.is_possible(one.record), "form": f"{card['url']}{way}"}
        found.setdefault(_mark(by.value(one.record)), []).append(card)
    return found


def _way(object_type: ObjectType, by: Field, request: HttpRequest) -> str:
    """Where below its record a browser without a script moves a card: the page of its way, or for another choice than the type's own its form."""
    place = steps.PLACE if by.name == object_type.board else "edit"
    return f"{place}/?{urlencode({'next': filters.address(request)})}"


class Cards:
    """What makes the cards of one board of records that show the same ``fields``; what several say alike is worded once."""

    def __init__(self, object_type: ObjectType, fields: dict[str, Field]):
        self.type, self.today, self.overdue, self.unseen = object_type, structures.today(), _("%(date)s, overdue"), _("(not visible)")
        self.opens, self.home = object_type.statuses[0][0] if object_type.has_status else None, pages.address(object_type)
        self.asked = [(name, f, str(f.label), f.rules.is_empty) for name in object_type.card if (f := fields.get(name)) is not None]
        self.labelled = {name: _("%(label)s: %(value)s") % {"label": label, "value": "\0"} for name, _f, label, _empty in self.asked}
        self.naughts = {name for name, f, *_rest in self.asked if f.rules.sums and f.kind != "money"}  # of which none need not be said
        self.texts: dict[tuple[str, Any], str] = {}
        self.days: dict[tuple[str, Any, bool], dict[str, Any]] = {}
        self.people: dict[str, dict[str, Any]] = {}
        self.states: dict[str, dict[str, Any]] = {}

    def of(self, shown: Shown, notes: list) -> dict[str, Any]:
        """A card: its title, what it refers to, its first amount, whose it is, and the rest as small print."""
        told = [{"icon": icon, "text": text, "tone": tone} for icon, text, tone in notes]
        state, ident, values = shown.record.status if self.type.has_status else None, str(shown.id), shown.values
        open_still = state == self.opens
        card: dict[str, Any] = {
            "id": ident, "version": shown.record.version, "title": shown.label, "url": f"{self.home}{ident}/", "person": None,
            "amount": "", "refs": [], "notes": told,
        }  # fmt: skip
        for name, f, label, is_empty in self.asked:
            value = values.get(name)
            if value is None or is_empty(value) or (value == 0 and name in self.naughts):
                continue
            if isinstance(value, Ref):
                if f.kind == "user":
                    card["person"] = self._person(value.label) if value.label else None
                else:
                    (card["notes"] if card["refs"] else card["refs"]).append(self._reference(value, label))
            elif f.kind == "money":
                card["amount"] = card["amount"] or shown.text(name)
            elif f.kind in ("date", "datetime"):
                told.append(self._day(shown, name, value, f.kind, label, open_still))
            else:
                told.append({"icon": "", "text": self.labelled[name].replace("\0", self._text(shown, name, value)), "tone": ""})
        if not open_still:
            card["status"] = self._state(state)
        return card

    def _reference(self, to: Ref, label: str) -> dict[str, Any]:
        url = pages.address(to.slug, to.id) if to.seen else ""
        return {"text": to.label or self.unseen, "url": url, "icon": registry.get(to.slug).icon, "tone": "", "label": label}

    def _day(self, shown: Shown, name: str, value: Any, kind: str, label: str, open_still: bool) -> dict[str, Any]:
        key = name, value, open_still
        if key not in self.days:
            past, text = open_still and _day(value) < self.today, shown.text(name)
            text = self.overdue % {"date": text} if past else text
            self.days[key] = {"icon": "calendar" if kind == "date" else "clock", "text": text, "tone": "late" if past else "", "label": label}
        return self.days[key]

    def _text(self, shown: Shown, name: str, value: Any) -> str:
        """A value in words, which hang on nothing but the value: no amount. What is a list is worded each time."""
        if not isinstance(value, WORDED_ALIKE):
            return shown.text(name)
        if (name, value) not in self.texts:
            self.texts[name, value] = shown.text(name)
        return self.texts[name, value]

    def _person(self, name: str) -> dict[str, Any]:
        if name not in self.people:
            self.people[name] = {"initials": pages.initials(name), "hue": pages.hue(name), "name": name}
        return self.people[name]

    def _state(self, status: str) -> dict[str, Any]:
        if status not in self.states:
            self.states[status] = {"label": tables.status_label(self.type, status), "tone": tables.tone(self.type, status)}
        return self.states[status]


def _day(value: date | datetime) -> date:
    return timezone.localtime(value).date() if isinstance(value, datetime) else value


# Moving a card ------------------------------------------------------------------------------------------------------


def move(request: HttpRequest, actor: Actor, object_type: ObjectType) -> str:
    """Move the card the form names to the column it names; what is said then. Errors: those of the act, all as refusals of this page."""
    by = steps.field_of(actor, object_type, request.GET.get(BY, ""))
    how = steps.movable(actor, object_type, by)
    if how is None:
        raise Denied(_("You may not do this with this record."))
    try:
        found = pages.record_or_missing(actor, object_type, request.POST.get("id", ""), how.action)
        name = read.label(actor, object_type, found)
        moved = steps.move(request, actor, object_type, by, found, request.POST.get("value", ""))
    except (Missing, Denied):
        raise WrongState(_("This card is no longer here, or you may not move it.")) from None
    shown = read.present(actor, object_type, [moved], only={by.name})[0]
    return _("%(name)s is now in %(column)s.") % {"name": name, "column": shown.text(by.name)}


def asks(request: HttpRequest, actor: Actor, object_type: ObjectType, error: OdosError | None) -> dict[str, Any] | None:
    """The sheet that asks for what a refused move names; None where that is nothing to be filled in."""
    by = steps.field_of(actor, object_type, request.GET.get(BY, ""))
    if not isinstance(error, RuleError) or by is None:
        return None
    try:
        found = pages.record_or_missing(actor, object_type, request.POST.get("id", ""), "change")
    except (Missing, Denied):
        return None
    return steps.sheet(request, actor, object_type, by, found, error)


def sentence(error: OdosError) -> str:
    """Why a card went back, in one sentence."""
    if isinstance(error, Stale):
        return _("Somebody changed this record meanwhile, so it was not moved. This is how it stands now.")
    return " ".join(error.sentences)


def with_toast(response: HttpResponseBase, text: str, tone: str) -> HttpResponseBase:
    response["HX-Trigger"] = json.dumps({"toast": {"text": text, "tone": tone}})
    return response


__all__ = ["asks", "board", "has_board", "is_asked", "more", "move", "sentence", "with_toast"]
