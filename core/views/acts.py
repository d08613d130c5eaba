"""What may be done to a record by name: the buttons of its page, and the page that takes an act's inputs and does it."""

from typing import Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from core import access, context, deleting, forms, read, registry, write
from core.access import Actor
from core.errors import Denied, Missing, OdosError, RuleError, Stale, WrongState
from core.models.record import Record
from core.registry import Act, ObjectType
from core.views import edits, pages

BUTTONS = 3  # so many acts are buttons, what most people do next first; the others stand in the menu, on a phone all but the first


def deed_of(object_type: ObjectType, name: str) -> Act:
    """The act of this name, ``archive`` and ``restore`` among them. Errors: Missing."""
    deed = write.ARCHIVE.get(name) if object_type.archivable else None
    deed = deed or object_type.act(name)
    if deed is None or object_type.rows:
        raise Missing
    return deed


def allowed(actor: Actor, object_type: ObjectType, record: Record, names: list[str]) -> set[str]:
    """Which of these actions the actor may do on this record, which he sees. Cost: one query, none where his rights know no limits."""
    if object_type.rows:
        return set()
    able = {n for n in names if access.allows(actor, object_type, n)}
    free = {n for n in able if access.is_unlimited(actor, object_type, n)}
    asked = [n for n in names if n in able - free]
    tests = {f"_may{i}": Exists(access.rows(actor, object_type, n).filter(pk=OuterRef("pk"))) for i, n in enumerate(asked)}
    found = access.rows(actor, object_type).filter(pk=record.pk).values(**tests).first() or {} if asked else {}
    return free | {n for i, n in enumerate(asked) if found.get(f"_may{i}")}


def buttons(actor: Actor, object_type: ObjectType, record: Record) -> dict[str, Any]:
    """What the head of a record's page offers: acts possible now, the usual ones, what stands behind the three dots."""
    if object_type.rows or not object_type.writable:
        return {"acts": [], "edit": "", "more": []}
    may = allowed(actor, object_type, record, ["change", "delete", "archive", "restore", *(a.name for a in object_type.acts)])
    home = pages.address(object_type, record.pk)
    possible = [a for a in object_type.acts if a.name in may and a.name != object_type.board_act and _is_possible(actor, record, a)]
    kept = "restore" if record.archived_at else "archive"
    usual = sorted((a for a in possible if not a.danger), key=lambda a: (not a.primary, not a.makes))
    more = [_button(home, a) for a in usual[BUTTONS:]] + [_button(home, a) for a in possible if a.danger]
    desk = pages.DESKS.get(object_type.slug)
    if desk is not None and "change" in may and not record.archived_at:
        more.insert(0, {"label": desk.label, "url": desk.address.format(row=record), "icon": desk.icon, "danger": False})
    if object_type.archivable and kept in may:
        more.append(_button(home, write.ARCHIVE[kept]) | {"icon": "archive" if kept == "archive" else "arrow-back-up"})
    if object_type.deletable and "delete" in may and "delete" not in object_type.locked(record):
        more.append({"label": _("Delete"), "url": f"{home}delete/", "icon": "trash", "danger": True})
    return {
        "acts": [_button(home, a) | {"primary": i == 0 and a.primary, "folds": i > 0} for i, a in enumerate(usual[:BUTTONS])],
        "edit": f"{home}edit/" if "change" in may and _is_open(actor, object_type, record) else "", "more": more,
        "restore": f"{home}restore/" if record.archived_at and "restore" in may else "",
    }  # fmt: skip


def _is_open(actor: Actor, object_type: ObjectType, record: Record) -> bool:
    """Whether anything of the record can still be written by hand: of what is posted nothing is."""
    offered = forms.offer(actor, object_type, record)
    return bool(offered.fields or offered.lines)


def _button(home: str, act: Act) -> dict[str, Any]:
    return {
        "name": act.name, "label": act.label, "url": f"{home}{act.name}/", "icon": act.icon, "primary": act.primary, "danger": act.danger,
        "direct": not (act.fields or act.lines or act.takes or act.danger),
    }  # fmt: skip


def _is_possible(actor: Actor, record: Record, act: Act) -> bool:
    if record.archived_at or (act.sources and getattr(record, "status", "") not in act.sources):
        return False
    try:
        act.guard(actor, record)
    except (WrongState, RuleError):
        return False
    return not act.takes or any(act.offers(actor, record).values())  # with nothing left to take it would only be refused


def show(request: HttpRequest, actor: Actor, slug: str, ident: str, act: str, error: OdosError | None = None) -> HttpResponseBase:
    """The inputs of an act, and the button that does it. Shown for a refused act too, with what was typed."""
    object_type = pages.type_or_missing(slug, actor)
    deed = deed_of(object_type, act)
    record = pages.record_or_missing(actor, object_type, ident, act)
    made = forms.offer_of_act(actor, object_type, deed, record)
    entry = stored = forms.of_act(made, record)
    if error is not None:
        entry = forms.of_form(made, request.POST)
        if "whole" not in request.POST:
            entry.rows = stored.rows
        if isinstance(error, RuleError):
            error = RuleError(forms.sent_positions(made, entry, error.errors))
    edits.with_room(made, entry, request)
    currency = getattr(record, "currency", "") or context.company().currency
    stale = isinstance(error, Stale)
    values = {
        "title": deed.label, "record": record, "record_title": read.label(actor, object_type, record), "version": record.version,
        "cancel": pages.address(object_type, record.pk), "submit": deed.label, "danger": deed.danger, "act": deed, "type": object_type,
        "sentence": _sentence(deed, object_type), "plain": not (made.fields or made.lines), "stale": stale,
        "nothing_left": [name for name, rows in made.picks.items() if not rows],
        **edits.form(actor, made, entry, None if stale else error, currency, record, request.POST),
    }  # fmt: skip
    return pages.render(request, actor, "object/form.html", values)


def save(request: HttpRequest, actor: Actor, slug: str, ident: str, act: str) -> HttpResponse:
    object_type = pages.type_or_missing(slug, actor)
    deed = deed_of(object_type, act)
    record = pages.record_or_missing(actor, object_type, ident, act)
    made = forms.offer_of_act(actor, object_type, deed, record)
    edits.demand_sent(request)
    data = forms.data_of_act(made, forms.of_form(made, request.POST), forms.of_act(made, record))
    done = write.act(actor, object_type, record.pk, act, data, edits.version_of(request))
    new = registry.get(deed.makes) if deed.makes else None
    home, name = pages.address(object_type, record.pk), read.label(actor, object_type, record if new else done)  # what is done may number it
    if new is None:
        return pages.done(request, pages.back(request, home), _("%(act)s: done for %(name)s.") % {"act": deed.label, "name": name})
    seen = access.allows(actor, new, "view") and access.rows(actor, new).filter(pk=done.pk).exists()
    told = _("%(type)s made from %(name)s.") % {"type": new.label, "name": name}
    return pages.done(request, pages.address(new, done.pk) if seen else home, told)


def _sentence(deed: Act, object_type: ObjectType) -> str:
    """What the act does, where its name does not say it all."""
    return {
        "archive": _("It leaves the lists and is no longer found; its history stays, and it can be restored at any time."),
        "restore": _("It appears in the lists again."),
    }.get(deed.name, "")


def show_delete(request: HttpRequest, actor: Actor, slug: str, ident: str, error: OdosError | None = None) -> HttpResponseBase:
    """Asks before a record goes."""
    object_type = pages.type_or_missing(slug, actor)
    record = pages.record_or_missing(actor, object_type, ident, "delete") if object_type.writable else _nothing()
    if not object_type.deletable or "delete" in object_type.locked(record):
        raise Denied(_("This record can no longer be deleted."))
    values = {
        "title": _("Delete"), "record": record, "record_title": read.label(actor, object_type, record), "version": record.version,
        "cancel": pages.address(object_type, record.pk), "submit": _("Delete"), "danger": True, "type": object_type, "plain": True,
        "sentence": _("It is gone for good. What other records or figures point to is archived instead, so that they stay true."),
        "stale": isinstance(error, Stale), "failed": error is not None and not isinstance(error, Stale), "sentences": pages.sentences(error) if error else [],
    }  # fmt: skip
    return pages.render(request, actor, "object/form.html", values)


def save_delete(request: HttpRequest, actor: Actor, slug: str, ident: str) -> HttpResponse:
    object_type = pages.type_or_missing(slug, actor)
    record = pages.record_or_missing(actor, object_type, ident, "delete") if object_type.writable else _nothing()
    name = read.label(actor, object_type, record)
    if deleting.delete(actor, object_type, record.pk, edits.version_of(request)):
        return pages.done(request, pages.address(object_type), _("%(name)s was deleted.") % {"name": name})
    told = _("%(name)s was archived, since other records or figures point to it.") % {"name": name}
    return pages.done(request, pages.address(object_type, record.pk), told)


def _nothing() -> Any:
    raise Missing


act = pages.page(show, save)
delete = pages.page(show_delete, save_delete)

__all__ = ["act", "allowed", "buttons", "delete"]
