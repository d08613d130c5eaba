"""A record's way through the columns of its type's board: where it stands, what the next ask for, and a sheet that asks for exactly what is missing.

A move is the type's own act, or where it names none a plain change of that field. Where something is filled in with it, it is one change of
both. The board and the path on a record's page move in the same way.
"""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from core import access, context, entering, forms, query, read, registry, write
from core.access import Actor
from core.errors import Denied, Missing, OdosError, RuleError, Stale
from core.listings import Listing
from core.models.record import Record
from core.registry import Field, ObjectType
from core.views import controls, edits, pages

MOST = 12  # steps of a path; of more the board is the better picture
PLACE = "to"  # the last word of the address that moves a record


@dataclass(frozen=True)
class Move:
    """How a record changes its column: the action that asks for the right, and the act behind it where it is no plain change."""

    action: str
    act: registry.Act | None = None

    def is_possible(self, record: Any) -> bool:
        return self.act is None or not self.act.sources or record.status in self.act.sources


def field_of(actor: Actor, object_type: ObjectType, by: str = "") -> Field | None:
    """The field whose values are the columns: the one named, which is a choice, else the type's own; none where this reader sees no such field."""
    known = access.fields(actor, object_type)
    named = known.get(by or object_type.board)
    if named is None or (named.name != object_type.board and (named.kind != "choice" or not named.rules.ops)):
        return None
    return named


def movable(actor: Actor, object_type: ObjectType, by: Field) -> Move | None:
    """How this person moves records between these columns, if he may."""
    act = object_type.act(object_type.board_act) if by.name == object_type.board else None
    if act is not None:
        return Move(act.name, act) if access.allows(actor, object_type, act.name) else None
    changes = object_type.writable and access.allows(actor, object_type, "change") and by.name in write.writable(actor, object_type)
    return Move("change") if changes else None


def columns_of(actor: Actor, object_type: ObjectType, by: Field, group: str, most: int) -> list[Record]:
    """The records that are the columns, where they are records: those of one group (a pipeline), in their order. Cost: one query."""
    target = registry.get(by.target)
    if target is None or not access.allows(actor, target, "view"):
        return []
    known = access.fields(actor, target)
    only = ([object_type.board_groups, "eq", group],) if group and object_type.board_groups in known else ()
    return query.page(actor, target, Listing(conditions=only, sort=target.sort or (target.title,), limit=most)).records


# Moving -------------------------------------------------------------------------------------------------------------


def move(request: HttpRequest, actor: Actor, object_type: ObjectType, by: Field, found: Record, value: str) -> Record:
    """Move this record to the column, with what the form fills in besides. Errors: those of ``core.write``."""
    how = movable(actor, object_type, by)
    if how is None:
        raise Denied(_("You may not do this with this record."))
    filled = _filled(request, actor, object_type, found)
    version = edits.version_of(request)
    if how.act is None or filled:
        return write.change(actor, object_type, found.pk, {by.name: value or None, **filled}, version)
    return write.act(actor, object_type, found.pk, how.act.name, {by.name: value}, version)


def _filled(request: HttpRequest, actor: Actor, object_type: ObjectType, record: Record) -> dict[str, Any]:
    """What the sheet sent besides the column: the fields it names in ``fill``."""
    names = request.POST.getlist("fill")
    if not names:
        return {}
    made = _asking(actor, object_type, record, names)
    entry = forms.of_form(made, request.POST)
    return forms.data_of_change(made, entry, forms.of_record(made, record))


def _asking(actor: Actor, object_type: ObjectType, record: Record, names: list[str]) -> forms.Offer:
    offered = forms.offer(actor, object_type, record)
    return forms.Offer(object_type, {n: offered.fields[n] for n in names if n in offered.fields}, [])


def sheet(request: HttpRequest, actor: Actor, object_type: ObjectType, by: Field, record: Record, error: OdosError | None) -> dict[str, Any] | None:
    """The controls that ask for what a refused move names, with what was typed; None where that is nothing this person could fill in."""
    if not isinstance(error, RuleError) or not access.allows(actor, object_type, "change"):
        return None
    names = list(dict.fromkeys([*request.POST.getlist("fill"), *error.errors]))
    made = _asking(actor, object_type, record, names)
    if not set(error.errors) <= made.fields.keys() or by.name in error.errors or not access.rows(actor, object_type, "change").filter(pk=record.pk).exists():
        return None
    entry = forms.of_record(made, record)
    entry.texts |= forms.of_form(made, request.POST).texts
    currency = getattr(record, "currency", "") or context.company().currency
    found = controls.of_offer(actor, made, entry, error.errors if request.POST.getlist("fill") else {}, currency, request.POST)
    for control in found["fields"]:
        control["required"] = control["name"] in error.errors or control["required"]
    return {
        "id": str(record.pk), "version": record.version, "name": read.label(actor, object_type, record), "value": request.POST.get("value", ""),
        "column": _label(actor, by, request.POST.get("value", "")), "fields": found["fields"],
    }  # fmt: skip


def _label(actor: Actor, by: Field, value: str) -> str:
    """What a column is called."""
    if not by.is_reference:
        return str(by.choices().get(value, value))
    ids = {ident for _slug, ident in forms.chosen_ids(by, value)}
    return next(iter(read.labels(actor, {by.target: ids}).get(by.target, {}).values()), "")


# The page -----------------------------------------------------------------------------------------------------------


def show(request: HttpRequest, actor: Actor, slug: str, ident: str, error: OdosError | None = None) -> HttpResponseBase:
    """Where to, and what is missing for that. Also what a move is shown as that was refused."""
    object_type, by, record = _asked(actor, slug, ident)
    if error is None or isinstance(error, Stale):
        asks, refused = None, error
    else:
        asks = sheet(request, actor, object_type, by, record, error)
        refused = error if asks is None else None
    steps = _steps(actor, object_type, by, record)
    chosen = request.POST.get("value") or request.GET.get("value", "")
    choice = {
        "name": "value", "kind": "choice", "label": by.label, "required": True, "errors": [],
        "options": [{"value": s["value"], "label": s["label"], "selected": s["value"] == chosen} for s in steps if not s["current"]],
    }  # fmt: skip
    told = refused.sentences if refused else []
    values = {
        "title": _("Move"), "record": record, "record_title": read.label(actor, object_type, record), "version": record.version, "type": object_type,
        "cancel": pages.back(request, pages.address(object_type, record.pk)), "submit": _("Move"), "next": pages.back(request, ""),
        "fields": [choice, *(asks["fields"] if asks else ())], "fill": [f["name"] for f in asks["fields"]] if asks else [],
        "failed": bool(told or asks), "stale": isinstance(error, Stale),
        "sentences": told if asks is None else [_("To enter “%(stage)s” this is still missing.") % {"stage": asks["column"]}],
    }  # fmt: skip
    return pages.render(request, actor, "object/form.html", values)


def save(request: HttpRequest, actor: Actor, slug: str, ident: str) -> HttpResponse:
    object_type, by, record = _asked(actor, slug, ident)
    edits.demand_sent(request)
    moved = move(request, actor, object_type, by, record, request.POST.get("value", ""))
    told = read.present(actor, object_type, [moved], only={by.name})[0]
    sentence = _("%(name)s is now in %(column)s.") % {"name": told.label, "column": told.text(by.name)}
    return pages.done(request, pages.back(request, pages.address(object_type, record.pk)), sentence)


def _asked(actor: Actor, slug: str, ident: str) -> tuple[ObjectType, Field, Record]:
    object_type = pages.type_or_missing(slug, actor)
    by = field_of(actor, object_type) if object_type.board else None
    how = movable(actor, object_type, by) if by is not None else None
    if how is None:
        raise Missing
    return object_type, by, pages.record_or_missing(actor, object_type, ident, how.action)


step = pages.page(show, save)


# The path on a record's page ----------------------------------------------------------------------------------------


def path(actor: Actor, object_type: ObjectType, record: Record) -> dict[str, Any] | None:
    """Where the record stands among the columns of its type's board, and what those it does not stand in still ask for.

    Cost: two queries where columns are records, and that of the conditions of rules that require something.
    """
    by = field_of(actor, object_type) if object_type.board else None
    if by is None or record.archived_at is not None:
        return None
    found = _steps(actor, object_type, by, record)
    if not 1 < len(found) <= MOST:
        return None
    for one in found:
        one["title"] = _("Asks for: %(names)s.") % {"names": ", ".join(str(label) for label in one["missing"])} if one["missing"] else ""
    how = movable(actor, object_type, by)
    moves = how is not None and how.is_possible(record) and access.rows(actor, object_type, how.action).filter(pk=record.pk).exists()
    return {"label": by.label, "steps": found, "url": f"{pages.address(object_type, record.pk)}{PLACE}/" if moves else ""}


def _steps(actor: Actor, object_type: ObjectType, by: Field, record: Record) -> list[dict[str, Any]]:
    here, seen = by.value(record), access.fields(actor, object_type)
    if by.is_reference:
        group = getattr(record, f"{object_type.board_groups}_id", None) if object_type.board_groups else None
        target = registry.get(by.target)
        columns = [(r.pk, read.label(actor, target, r), r) for r in columns_of(actor, object_type, by, str(group or ""), MOST + 1)]
    else:
        retired = {o["key"] for o in by.looks if o.get("archived")}
        columns = [(key, str(label), key) for key, label in by.choices().items() if key not in retired or key == here]
    position = next((i for i, (value, _name, _it) in enumerate(columns) if value == here), -1)
    return [
        {
            "value": str(value), "label": label, "current": index == position, "done": index < position,
            "missing": [f.label for f in entering.missing(object_type, record, by, it) if f.name in seen] if index != position else [],
        }
        for index, (value, label, it) in enumerate(columns)
    ]  # fmt: skip


__all__ = ["PLACE", "Move", "columns_of", "field_of", "movable", "move", "path", "sheet", "step"]
