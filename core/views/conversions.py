"""The pages on which a field becomes one of another kind: the sheet that asks for it, and the run that tells what would come of it, and what came.

The work itself: ``core.converting``.
"""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from core import bulk, converting, own_fields, read, registry, schema
from core.access import Actor
from core.errors import Missing, OdosError
from core.models import BulkRun, CustomField
from core.models.setup import FIELD_KINDS
from core.registry import ObjectType
from core.views import fields, pages

SHOWN = 50  # values named on the page; the file names all


def _own(actor: Actor, ident: UUID | str) -> tuple[CustomField, ObjectType]:
    """The field and its type, for who may change it. Errors: Missing, Denied."""
    own = pages.record_or_missing(actor, registry.types[fields.SLUG], str(ident), "change")
    return own, pages.type_or_missing(own.type, actor)


def show(request: HttpRequest, actor: Actor, ident: UUID, error: OdosError | None = None) -> HttpResponseBase:
    """The kinds the field can become. Cost: a few queries."""
    own, object_type = _own(actor, ident)
    names, able = dict(FIELD_KINDS), set(converting.kinds_for(own))
    groups = [{"label": label, "kinds": [{"key": k, "label": names[k], "icon": icon} for k, icon in members if k in able]} for label, members in fields.GROUPS]
    chosen = request.POST.get("target", "")
    targets = () if own.kind in (*own_fields.POINTS, "user") else (t for t in registry.every() if fields.may_be_target(actor, t))
    values = {
        "type": object_type, "own": own, "label": schema.as_field(own).label, "kind_label": names[own.kind], "kind": request.POST.get("kind", ""),
        "groups": [g for g in groups if g["kinds"]], "targets": [{"value": t.slug, "label": t.plural, "selected": t.slug == chosen} for t in targets],
        "sentences": error.sentences if error else [],
        "back": f"{fields.HOME}{object_type.slug}/", "points": " ".join(own_fields.POINTS),
    }  # fmt: skip
    return pages.render(request, actor, "pages/conversion_sheet.html", values)


def save(request: HttpRequest, actor: Actor, ident: UUID) -> HttpResponse:
    """Try it on all values."""
    _own(actor, ident)
    said = {"kind": request.POST.get("kind", "")}
    if said["kind"] in own_fields.POINTS:
        said["target"] = request.POST.get("target", "")
    return pages.done(request, address(converting.ask(actor, ident, said)))


def address(run: BulkRun) -> str:
    return f"{fields.HOME}conversions/{run.pk}/"


def show_run(request: HttpRequest, actor: Actor, ident: UUID, error: OdosError | None = None) -> HttpResponseBase:
    """How far it is, what would become of the values, and those that cannot be converted. Cost: some five queries."""
    run = _run(actor, ident)
    own, object_type = _own(actor, run.what["field"])
    told = converting.told(run, SHOWN)
    labels = read.labels(actor, {object_type.slug: {UUID(r["id"]) for r in told["refusals"]}}).get(object_type.slug, {})
    rows = [_row(object_type, labels, one) for one in told["refusals"]]
    names = dict(FIELD_KINDS)
    values: dict[str, Any] = {
        "type": object_type, "own": own, "label": schema.as_field(own).label, "run": run, "told": told, "rows": rows, "busy": run.state in bulk.BUSY,
        "state": run.get_state_display(), "before": names[run.what["before"]["kind"]], "after": names[run.what["after"]["kind"]],
        "options": [o["label"] for o in told["options"]], "more": told["refused"] - len(rows), "back": f"{fields.HOME}{object_type.slug}/",
        "sentence": " ".join(pages.sentences(error)) if error is not None else told.get("sentence", ""), "stopped": "sentence" in told,
        "undoes": converting.can_undo(run),
    }  # fmt: skip
    partial = request.headers.get("HX-Request") == "true" and request.headers.get("HX-Request-Type") != "full"
    return pages.render(request, actor, "pages/conversion.html#run" if partial else "pages/conversion.html", values)


def _row(object_type: ObjectType, labels: dict, one: dict[str, Any]) -> dict[str, Any]:
    label = labels.get(UUID(one["id"]), "")
    return one | {"label": label or _("(not visible)"), "url": pages.address(object_type, one["id"]) if label else ""}


def _run(actor: Actor, ident: UUID) -> BulkRun:
    run = bulk.find(actor, ident)
    if not converting.is_one(run):
        raise Missing
    return run


def save_run(request: HttpRequest, actor: Actor, ident: UUID) -> HttpResponse:
    """Do what was tried (``rest`` says what becomes of the other values), or take back what was done."""
    _run(actor, ident)
    if request.POST.get("do") == "undo":
        converting.take_back(actor, ident)
    else:
        converting.confirm(actor, ident, request.POST.get("rest", ""))
    return pages.done(request, request.path)


sheet = pages.page(show, save)
progress = pages.page(show_run, save_run)

__all__ = ["progress", "sheet"]
