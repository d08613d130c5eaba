"""The form of any type, for a new record and for one there is: typed texts go to ``core.write``, its sentences come back to their fields.

Nothing typed is lost: a refused form shows what was sent, a stale one also what somebody else saved meanwhile.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from core import access, context, forms, read, write
from core.access import Actor
from core.errors import Missing, OdosError, RuleError, Stale, WrongState
from core.forms import Entry, Offer
from core.layouts import Plan
from core.models.record import Record, new_id
from core.registry import ObjectType
from core.views import conditions, conflicts, controls, designer, pages, shaped_forms, uploads
from core.views.pages import Again


def show_new(request: HttpRequest, actor: Actor, slug: str, error: OdosError | None = None) -> HttpResponseBase:
    """The form for a new record, filled from defaults and the address; or as it was sent."""
    object_type = _type_to_write(slug, actor, "add")
    if (elsewhere := designer.instead(object_type, None, request.GET)) is not None:
        return HttpResponseRedirect(elsewhere)
    if error is not None and isinstance(error, WrongState):
        there = _made_before(request, actor, object_type)
        if there is not None:  # the first of two clicks arrived
            return HttpResponseRedirect(pages.back(request, pages.address(object_type, there.pk)))
    drawn = shaped_forms.of_new(request, actor, object_type, error)
    with_room(drawn.offer, drawn.entry, request)
    values = {
        "title": _("New %(type)s") % {"type": object_type.label}, "new_id": request.POST.get("id") or str(new_id()),
        "cancel": pages.back(request, pages.address(object_type)), "submit": _("Save"), "alike": alike(drawn.offer),
        "new_field": pages.new_field(request, actor, object_type),
        **drawn.arranged(form(actor, drawn.offer, drawn.entry, error, context.company().currency, sent=request.POST)),
    }  # fmt: skip
    return pages.render(request, actor, "object/form.html", {**values, "type": object_type, "next": pages.back(request, "")})


def save_new(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    object_type = _type_to_write(slug, actor, "add")
    demand_sent(request)
    uploads.take(request, actor)
    drawn = shaped_forms.of_new(request, actor, object_type, Again())
    data = forms.data_of_new(drawn.asked(), drawn.entry)
    if request.POST.get("id"):
        data["id"] = request.POST["id"]
    record = write.create(actor, object_type, data)
    told = _("%(type)s saved: %(name)s.") % {"type": object_type.label, "name": read.label(actor, object_type, record)}
    return pages.done(request, pages.back(request, pages.address(object_type, record.pk)), told)


def show_edit(request: HttpRequest, actor: Actor, slug: str, ident: str, error: OdosError | None = None) -> HttpResponseBase:
    """The form for a record as it stands; or as it was sent, beside what stands now where somebody was faster."""
    object_type = _type_to_write(slug, actor, "change")
    record = pages.record_or_missing(actor, object_type, ident, "change")
    if (elsewhere := designer.instead(object_type, record, request.GET)) is not None:
        return HttpResponseRedirect(elsewhere)
    drawn = shaped_forms.of_record(request, actor, object_type, record, error)
    made, entry, stored = drawn.offer, drawn.entry, drawn.stored
    version, conflict = record.version, None
    if error is not None:
        conflicts.keep_theirs(made, entry, stored, request.POST)
        version = request.POST.get("version", "")
    if isinstance(error, Stale):
        conflict = conflicts.of(actor, made, record, entry, stored, version_of(request) or 0)
        version = record.version
    with_room(made, entry, request)
    controls_of = form(actor, made, entry, None if isinstance(error, Stale) else error, _currency(record), record, request.POST)
    values = {
        "title": _("Edit"), "record_title": read.label(actor, object_type, record), "record": record, "version": version,
        "conflict": conflict, "submit": _("Save"),
        "cancel": pages.back(request, pages.address(object_type, record.pk)), "locked": _locked(actor, object_type, record),
        "alike": alike(made, record), "new_field": pages.new_field(request, actor, object_type),
        **drawn.arranged(controls_of),
    }  # fmt: skip
    return pages.render(request, actor, "object/form.html", {**values, "type": object_type, "next": pages.back(request, "")})


def save_edit(request: HttpRequest, actor: Actor, slug: str, ident: str) -> HttpResponse:
    object_type = _type_to_write(slug, actor, "change")
    record = pages.record_or_missing(actor, object_type, ident, "change")
    demand_sent(request)
    uploads.take(request, actor)
    drawn = shaped_forms.of_record(request, actor, object_type, record, Again())
    data = forms.data_of_change(drawn.asked(), drawn.entry, drawn.stored, conflicts.kept(request.POST))
    record = write.change(actor, object_type, record.pk, data, version_of(request))
    told = _("%(type)s saved: %(name)s.") % {"type": object_type.label, "name": read.label(actor, object_type, record)}
    return pages.done(request, pages.back(request, pages.address(object_type, record.pk)), told)


def show_live(request: HttpRequest, actor: Actor, slug: str, ident: str = "", error: OdosError | None = None) -> HttpResponseBase:
    """What of a form that is being filled in is shown otherwise now: the controls that hang on others, as the server judges it.

    Where another record type was chosen the form is laid out anew. Cost: that of the form.
    """
    object_type = _type_to_write(slug, actor, "change" if ident else "add")
    record = pages.record_or_missing(actor, object_type, ident, "change") if ident else None
    again = Again()
    drawn = shaped_forms.of_record(request, actor, object_type, record, again) if record else shaped_forms.of_new(request, actor, object_type, again)
    currency = _currency(record) if record else context.company().currency
    found = drawn.arranged(form(actor, drawn.offer, drawn.entry, again, currency, record, request.POST))
    values = {**found, "type": object_type, "record": record, "changes": drawn.changes(found["controls"], request.POST)}
    return pages.render(request, actor, "object/form_live.html", values)


def save_live(request: HttpRequest, actor: Actor, slug: str, ident: str = "") -> HttpResponse:
    raise Again


new = pages.page(show_new, save_new, uploads.take)
edit = pages.page(show_edit, save_edit, uploads.take)
live = pages.page(show_live, save_live)


def previewed(request: HttpRequest, actor: Actor, object_type: ObjectType, record: Record, plan: Plan) -> HttpResponse:
    """The form of a record as a layout that is still being made would have it; it sends nothing."""
    drawn = shaped_forms.of_record(request, actor, object_type, record, None, plan)
    found = drawn.arranged(form(actor, drawn.offer, drawn.entry, None, _currency(record), record))
    values = {"title": _("Edit"), "record_title": read.label(actor, object_type, record), "record": record, "submit": _("Save"), "shell": "object/preview.html"}
    return pages.render(request, actor, "object/form.html", {**values, **found, "live": "", "type": object_type})


# What forms of records and of acts share ----------------------------------------------------------------------------


def form(
    actor: Actor, made: Offer, entry: Entry, error: OdosError | None, currency: str, record: Record | None = None, sent: Any = None
) -> dict[str, Any]:
    """Controls with their sentences, as object/form.html reads them."""
    errors = error.errors if isinstance(error, RuleError) else {}
    found = controls.of_offer(actor, made, entry, errors, currency, sent)
    if error is not None and not isinstance(error, RuleError | Again):
        found["sentences"] = [*found["sentences"], *pages.sentences(error)]
    found["failed"] = error is not None and not isinstance(error, Again)
    if found["editors"] and made.type.totals:
        found["editors"][-1]["totals"] = controls.totals(record, made.type, access.fields(actor, made.type), currency)
    return found


def alike(made: Offer, record: Record | None = None) -> dict[str, str] | None:
    """Where the form asks whether something like it was entered before, and by which of its controls."""
    names = [n for n in made.type.alike_by if n in made.fields]
    if not names:
        return None
    without = f"?without={record.pk}" if record is not None else ""
    return {"url": f"/alike/{made.type.slug}/{without}", "include": ", ".join(f"#id_{name}" for name in names)}


def with_room(made: Offer, entry: Entry, request: HttpRequest) -> None:
    """A blank row more where one was asked for; one to start with where rows are what the type is about."""
    for index, lines in enumerate(made.lines):
        if lines.name in made.picks:
            continue
        rows = entry.rows.setdefault(lines.name, [])
        if request.POST.get("add") == lines.name or (index == 0 and not rows):
            rows.append({})


def demand_sent(request: HttpRequest) -> None:
    """Raise where a button inside the form sent it: it is shown again with a row more or less, or with what was looked for."""
    if {"add", "remove", "find"} & request.POST.keys() or conditions.is_edited(request.POST):
        raise Again


def version_of(request: HttpRequest) -> int | None:
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _currency(record: Record) -> str:
    return getattr(record, "currency", "") or context.company().currency


def _type_to_write(slug: str, actor: Actor, action: str) -> ObjectType:
    object_type = pages.type_or_missing(slug, actor)
    if not object_type.writable:
        raise Missing
    access.demand(actor, object_type, action)
    return object_type


def _made_before(request: HttpRequest, actor: Actor, object_type: ObjectType) -> Any:
    try:
        return pages.record_or_missing(actor, object_type, request.POST.get("id", ""))
    except Missing:
        return None


def _locked(actor: Actor, object_type: ObjectType, record: Record) -> dict[str, Any] | None:
    """What of the record a save no longer changes, and the acts that do."""
    closed = object_type.locked(record)
    known = write.writable(actor, object_type) | {e.name: e for e in write.writable_lines(actor, object_type)}
    labels = [str(f.label or n) for n, f in known.items() if n in closed]
    if not labels:
        return None
    acts = [a for a in access.acts(actor, object_type) if a.lines and (not a.sources or record.status in a.sources)]
    links = [{"label": a.label, "url": f"{pages.address(object_type, record.pk)}{a.name}/"} for a in acts]
    return {"labels": ", ".join(labels), "acts": links}
