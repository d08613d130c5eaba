"""The pages of bulk edit: what to do to the records selected in a list, what would come of it, how far it is. The work itself: ``core.bulk``."""

import csv
import io
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from core import access, bulk, conditions, context, forms, listings, read, registry, schema, write
from core.access import Actor
from core.errors import OdosError, RuleError
from core.export import BOM, safe
from core.forms import Entry, Offer
from core.listings import Listing
from core.models import BulkRun
from core.registry import ObjectType
from core.views import controls, filters, pages

OWN = ("selected", "bulk-all", "bulk-do")
BUTTONS = 3
SHOWN = 50  # refused records named on the page; the file names all
NOT_TOGETHER = ("json", "secret", "anyref", "refnew", "file", "image")  # kinds nobody sets on many at once
ICONS = {"change": "edit", "archive": "archive", "restore": "arrow-back-up", "delete": "trash"}


def bar(request: HttpRequest, actor: Actor, object_type: ObjectType, wanted: Listing, count: int | None) -> dict[str, Any] | None:
    """What a list offers to do to the records ticked in it, or to all of them, too many to be counted where there is no number; None where there is nothing."""
    found = bulk.possible(actor, object_type, wanted.archived)
    if not found or count == 0:
        return None
    deeds = [{"do": do, "label": _label(object_type, do), "icon": _icon(object_type, do), "danger": _is_danger(object_type, do)} for do in found]
    home = f"{pages.address(object_type)}bulk/"
    words = filters.hidden(request, OWN)
    return {
        "url": home, "words": words, "deeds": deeds[:BUTTONS], "others": deeds[BUTTONS:], "more": count != 1,
        "text": "" if count is None else registry.KINDS["integer"].text(None, count), "all": f"{home}?{_encoded([*words, ('bulk-all', '1')])}",
    }  # fmt: skip


def _encoded(words: list[tuple[str, str]]) -> str:
    made = QueryDict(mutable=True)
    for name, value in words:
        made.appendlist(name, value)
    return made.urlencode()


def _label(object_type: ObjectType, do: str) -> Any:
    plain = {"change": _("Edit fields"), "delete": _("Delete")}
    return plain[do] if do in plain else bulk.deed_of(object_type, do).label


def _icon(object_type: ObjectType, do: str) -> str:
    return ICONS.get(do) or bulk.deed_of(object_type, do).icon


def _is_danger(object_type: ObjectType, do: str) -> bool:
    return do == "delete" or (do != "change" and bulk.deed_of(object_type, do).danger)


# Asking -------------------------------------------------------------------------------------------------------------


def _words(request: HttpRequest) -> QueryDict:
    """The list's address that was selected from: the page's own, or what its form carried along."""
    return QueryDict(request.POST.get("bulk-state", "")[:100_000]) if request.method == "POST" else request.GET


def _selection(words: QueryDict) -> bulk.Selection:
    """The records ticked, or all that match the words. Errors: RuleError."""
    pairs = [(name, value) for name, values in words.lists() for value in values if name not in OWN]
    wanted = listings.listing(pairs, ignored=filters.OWN_WORDS)
    if words.get("bulk-all") != "1":
        return bulk.selection({"ids": words.getlist("selected"), "archived": wanted.archived})
    parts = [p for node in wanted.conditions for p in (node["all"] if conditions.joining(node) == "all" else [node])]
    return bulk.selection({"filter": {"all": parts} if parts else None, "q": wanted.q, "archived": wanted.archived})


def _offer(actor: Actor, object_type: ObjectType, do: str) -> Offer:
    """The fields a form for this deed has."""
    if do == "delete":
        return Offer(object_type, {}, [])
    if do != "change":
        return Offer(object_type, {f.name: f for f in bulk.deed_of(object_type, do).fields}, [])
    able = write.writable(actor, object_type)
    offered = forms.offer(actor, object_type).fields
    return Offer(object_type, {n: f for n, f in offered.items() if n in able and not f.unique and f.kind not in NOT_TOGETHER}, [])


def show(request: HttpRequest, actor: Actor, slug: str, error: OdosError | None = None) -> HttpResponseBase:
    """What may be done to the selected records, and the form for it."""
    object_type = pages.type_or_missing(slug, actor)
    words = _words(request)
    chosen = _selection(words)
    found = bulk.possible(actor, object_type, chosen.archived)
    asked = request.POST.get("bulk-do") or words.get("bulk-do") or "change"
    do = asked if asked in found else next(iter(found), "")
    if not do:
        access.demand(actor, object_type, "change")
    made = _offer(actor, object_type, do)
    entry = forms.of_form(made, request.POST) if error is not None else Entry()
    count = chosen.rows(actor, object_type).count() if chosen.ids or words.get("bulk-all") == "1" else 0
    errors = error.errors if isinstance(error, RuleError) else {}
    choices = controls.Choices(actor, request.POST if error is not None else None)
    for n, f in made.fields.items():
        choices.expect(f, entry.texts.get(n))
    choices.name()
    ticked, currency = set(request.POST.getlist("bulk-set")), context.company().currency
    known = access.fields(actor, object_type)
    units = {n: "" if schema.is_foreign(known, f) else currency for n, f in made.fields.items()}  # the records may be in several
    fields = [controls.control(f, n, entry.texts.get(n, ""), errors.get(n, []), choices, units[n]) for n, f in made.fields.items()]
    fields = [f | {"ticked": f["name"] in ticked, "required": f["required"] and do != "change"} for f in fields]
    state = words.copy()
    state.pop("bulk-do", None)
    deeds = [{"label": _label(object_type, d), "url": f"{request.path}?{state.urlencode()}&bulk-do={d}", "current": d == do} for d in found]
    told = [s if n == "_" else f"{n}: {s}" for n, found in errors.items() if n not in made.fields for s in found]
    told += pages.sentences(error) if error is not None and not isinstance(error, RuleError) else []
    values = {
        "type": object_type, "do": do, "deeds": deeds, "fields": fields, "count": count, "state": state.urlencode(), "sentences": told,
        "all": words.get("bulk-all") == "1", "sets": do == "change", "danger": _is_danger(object_type, do), "title": _label(object_type, do),
        "cancel": _back(object_type, state),
    }  # fmt: skip
    return pages.render(request, actor, "object/bulk.html", values)


def _back(object_type: ObjectType, state: QueryDict) -> str:
    there = state.copy()
    for name in OWN:
        there.pop(name, None)
    return f"{pages.address(object_type)}?{there.urlencode()}" if there else pages.address(object_type)


def save(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """Try it on all that are selected."""
    object_type = pages.type_or_missing(slug, actor)
    words, do = _words(request), request.POST.get("bulk-do", "")
    if not words.getlist("selected") and words.get("bulk-all") != "1":
        raise RuleError({"_": [_("Nothing is selected.")]})
    made = _offer(actor, object_type, do)
    entry = forms.of_form(made, request.POST)
    if do == "change":
        ticked = [n for n in request.POST.getlist("bulk-set") if n in made.fields]
        texts = {n: entry.texts.get(n, [] if made.fields[n].kind in forms.SEVERAL else "") for n in ticked}
        data = {n: forms.value_of(made.fields[n], text) for n, text in texts.items()}
    else:
        data = forms.data_of_act(made, entry, Entry())
    run = bulk.ask(actor, object_type, _selection(words), do, data)
    return pages.done(request, f"{pages.address(object_type)}bulk/{run.pk}/")


# Following ----------------------------------------------------------------------------------------------------------


def show_run(request: HttpRequest, actor: Actor, slug: str, ident: UUID, error: OdosError | None = None) -> HttpResponseBase:
    """How far it is, what would come of it or what came of it, and the records left as they are. Cost: two queries and their names."""
    object_type = pages.type_or_missing(slug, actor)
    run = bulk.find(actor, ident)
    told = bulk.told(run, SHOWN)
    labels = read.labels(actor, {slug: {UUID(r["id"]) for r in told["refusals"]}}).get(slug, {})
    refused = []
    for one in told["refusals"]:
        label = labels.get(UUID(one["id"]), "")
        refused.append({"label": label or _("(not visible)"), "reason": one["reason"], "url": pages.address(slug, one["id"]) if label else ""})
    values = {
        "type": object_type, "run": run, "told": told, "refused": refused, "busy": run.state in bulk.BUSY, "state": run.get_state_display(),
        "title": _label(object_type, run.what["do"]), "able": told["changed"] + told["archived"], "says": _says(actor, object_type, run),
        "more": told["refused"] - len(refused), "sentence": " ".join(pages.sentences(error)) if error is not None else "",
        "danger": _is_danger(object_type, run.what["do"]), "undoes": bulk.can_undo(run),
    }  # fmt: skip
    return pages.render(request, actor, "object/bulk_run.html#run" if pages.is_partial(request) else "object/bulk_run.html", values)


def _says(actor: Actor, object_type: ObjectType, run: BulkRun) -> list[dict[str, Any]]:
    """What is set, in words."""
    known = _offer(actor, object_type, run.what["do"]).fields
    found = []
    for name, value in run.what["data"].items():
        f = known.get(name)
        if f is None:
            continue
        cleaned = None if f.rules.is_empty(value) else f.rules.clean(f, value)
        text = schema.told(access.fields(actor, object_type), f, cleaned) if cleaned is not None else _("empty")
        if cleaned is not None and f.is_reference and f.target:
            ids = cleaned if isinstance(cleaned, list) else [cleaned]
            names = read.labels(actor, {f.target: set(ids)}).get(f.target, {})
            text = ", ".join(names.get(i) or _("(not visible)") for i in ids)
        found.append({"label": f.label, "text": text})
    return found


def save_run(request: HttpRequest, actor: Actor, slug: str, ident: UUID) -> HttpResponse:
    """Do what was tried, or take back what was done."""
    pages.type_or_missing(slug, actor)
    deed = bulk.take_back if request.POST.get("do") == "undo" else bulk.confirm
    deed(actor, ident)
    return pages.done(request, request.path)


@pages.page
def refused(request: HttpRequest, actor: Actor, slug: str, ident: UUID) -> HttpResponse:
    """The records left as they are, with the reasons, as a file. Cost: one query a part, and one for names."""
    object_type = pages.type_or_missing(slug, actor)
    run = bulk.find(actor, ident)
    found = list(bulk.faults(run))
    labels: dict[Any, str] = {}
    for at in range(0, len(found), 1000):
        labels |= read.labels(actor, {slug: {UUID(fault[0]) for fault in found[at : at + 1000]}}).get(slug, {})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    valued = any(len(fault) > 3 for fault in found)  # what of it could not be converted
    writer.writerow([_("Id"), str(object_type.label), _("Reason"), *([_("Value")] if valued else [])])
    writer.writerows([pk, safe(labels.get(UUID(pk), "")), safe(told), *map(safe, value)] for pk, _kind, told, *value in found)
    headers = {"Content-Disposition": f'attachment; filename="{slug}-refused.csv"'}
    return HttpResponse(BOM + text.getvalue().encode("utf-8", "replace"), content_type="text/csv; charset=utf-8", headers=headers)


asked = pages.page(show, save)
progress = pages.page(show_run, save_run)

__all__ = ["asked", "bar", "progress", "refused"]
