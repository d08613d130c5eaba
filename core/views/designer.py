"""The designer of layouts: what may be placed, what is placed, a preview with a real record; saved as a row like every other, or reset.

Two people at once never overwrite each other: whoever is slower keeps what he made on the page and is told who was faster.
"""

import json
from typing import Any
from uuid import UUID

from csp.decorators import csp_replace, csp_update
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from core import access, deleting, layouts, own_fields, read, registry, shaped, write
from core.access import Actor
from core.codes import LANGUAGES
from core.errors import Missing, OdosError, RuleError, Stale, WrongState
from core.models import Layout, Role
from core.registry import ObjectType
from core.views import layouts as drawing
from core.views import pages

HOME = "/settings/layouts/"
LONGEST = 100_000  # characters of a layout, as of every structured value


def instead(object_type: ObjectType, record: Any, asked: Any) -> str | None:
    """Where a layout is made and changed: not in a form of its row."""
    if object_type.slug != "layouts":
        return None
    if record is None:
        return f"{HOME}{asked['type']}/" if registry.get(asked.get("type", "")) else HOME
    return f"{HOME}{record.type}/?role={record.role_id or ''}&record_type={record.record_type}"


@pages.page
def index(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The types whose pages can be laid out, and how many layouts each has. Cost: one query."""
    _demand(actor)
    made: dict[str, int] = {}
    for slug in Layout.objects.values_list("type", flat=True):
        made[slug] = made.get(slug, 0) + 1
    known = [t for t in registry.every() if t.slug in layouts.type_choices() and access.allows(actor, t, "view")]
    types = [t for t in known if not t.is_setup or own_fields.takes(t)]  # first what people work with, then who works
    rows = [{"label": t.plural, "icon": t.icon, "url": f"{HOME}{t.slug}/", "count": made.get(t.slug, 0)} for t in sorted(types, key=lambda t: t.is_setup)]
    return pages.render(request, actor, "pages/layouts.html", {"rows": rows})


def show(request: HttpRequest, actor: Actor, slug: str, error: OdosError | None = None) -> HttpResponseBase:
    """The designer for a role and a record type (none: for all). Cost: about eight queries."""
    object_type = _type(actor, slug)
    role, sort = _asked(request, object_type)
    made = layouts.stored(object_type, role, sort)
    usual = layouts.standard(actor, object_type)
    content = made.content if made is not None else usual
    if error is not None:
        content = _sent(request) or content
    conflict = made is not None and (isinstance(error, Stale) or (isinstance(error, RuleError) and not request.POST.get("version")))
    record = _example(request, actor, object_type, sort)
    values = {
        "type": object_type, "content": _text(content), "usual": _text(usual), "version": made.version if made is not None else "", "made": made,
        "palette": _palette(actor, object_type), "languages": [{"tag": tag, "label": label} for tag, label in LANGUAGES.items()],
        "roles": _roles(role), "sorts": [{"key": s.key, "label": s.label, "selected": s.key == sort} for s in shaped.of(object_type).sorts],
        "role": role, "record_type": sort, "record": record, "record_title": read.label(actor, object_type, record) if record is not None else "",
        "conflict": _who(actor, made) if conflict else None, "address": request.get_full_path(), "dirty": error is not None,
        "sentences": [] if conflict or error is None else error.sentences,
    }  # fmt: skip
    return pages.render(request, actor, "pages/layout.html", values)


def save(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """Keep what was made, or go back to the standard."""
    object_type = _type(actor, slug)
    role, sort = _asked(request, object_type)
    home, made = registry.types["layouts"], layouts.stored(object_type, role, sort)
    text = request.POST.get("version", "")
    version = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
    if made is None and version is not None:
        raise WrongState(_("Somebody reset this layout to the standard meanwhile. What you made is kept here: save again to make it anew."))
    if made is not None and version is None:
        raise Stale(Layout.objects.get(pk=made.id))
    if request.POST.get("do") == "reset":
        if made is not None:
            deleting.delete(actor, home, UUID(made.id), version)
        return pages.done(request, request.get_full_path(), _("The pages of %(type)s look like the standard again.") % {"type": object_type.plural})
    content = _sent(request)
    if content is None:
        raise RuleError({"content": [_("A layout is tabs of sections of items: this one is not, or has too many.")]})
    if made is None:
        write.create(actor, home, {"type": object_type.slug, "role": role or None, "record_type": sort, "content": content})
    else:
        write.change(actor, home, UUID(made.id), {"content": content}, version)
    return pages.done(request, request.get_full_path(), _("The layout of %(type)s is saved.") % {"type": object_type.plural})


def show_preview(request: HttpRequest, actor: Actor, slug: str, error: OdosError | None = None) -> HttpResponseBase:
    """The page, or the form, of a real record by the layout that was sent; nothing is saved. Cost: that of the page."""
    from core.views import edits, records  # noqa: PLC0415 - they send people here

    object_type = _type(actor, slug)
    record = _example(request, actor, object_type, _asked(request, object_type)[1])
    content, told = _sent(request), ""
    try:
        layouts.demand(object_type, content)
    except RuleError as refused:
        told = " ".join(refused.errors["content"])
    if record is None or told:
        told = told or _("There is no record to show yet: make one, and it is shown here.")
        response = pages.render(request, actor, "object/preview.html", {"told": told})
    elif request.GET.get("as") == "form" and access.allows(actor, object_type, "change"):
        response = edits.previewed(request, actor, object_type, record, layouts.plan(content))
    else:
        plan = drawing.seen(actor, object_type, layouts.plan(content))
        response = records.show(request, actor, object_type, record, plan, shell="object/preview.html")
    response["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _again(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    raise pages.Again


design = csp_update({"frame-src": ["'self'"]})(pages.page(show, save))
preview = csp_replace({"frame-ancestors": ["'self'"]})(pages.page(show_preview, _again))


def _demand(actor: Actor) -> None:
    home = registry.types["layouts"]
    if not access.allows(actor, home, "view"):
        raise Missing
    access.demand(actor, home, "change")


def _type(actor: Actor, slug: str) -> ObjectType:
    _demand(actor)
    object_type = pages.type_or_missing(slug, actor)
    if slug not in layouts.type_choices():
        raise Missing
    return object_type


def _asked(request: HttpRequest, object_type: ObjectType) -> tuple[str, str]:
    """For which role (its id) and record type; what is neither is for all."""
    try:
        role = str(UUID(request.GET.get("role", ""))) if request.GET.get("role") else ""
    except ValueError:
        role = ""
    sort = request.GET.get("record_type", "")
    return role, sort if any(s.key == sort for s in shaped.of(object_type).sorts) else ""


def _roles(role: str) -> list[dict[str, Any]]:
    rows = Role.objects.filter(archived_at=None).order_by("name").values_list("pk", "name")
    return [{"id": str(pk), "name": name, "selected": str(pk) == role} for pk, name in rows]


def _sent(request: HttpRequest) -> Any:
    text = request.POST.get("content", "")
    try:
        found = json.loads(text) if 0 < len(text) <= LONGEST else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _text(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False)


def _example(request: HttpRequest, actor: Actor, object_type: ObjectType, sort: str) -> Any:
    """The record named in the address, else the newest of that sort. Cost: one query."""
    if request.GET.get("record"):
        try:
            return pages.record_or_missing(actor, object_type, request.GET["record"])
        except Missing:
            pass
    rows = access.rows(actor, object_type)
    rows = rows.filter(custom__record_type=sort) if sort else rows
    return rows.order_by("-pk").first()


def _palette(actor: Actor, object_type: ObjectType) -> list[dict[str, Any]]:
    """Everything that can be placed, by sort, each with its label. What is placed already the page leaves out itself."""
    known = access.fields(actor, object_type)
    fields = [(n, f.label or n) for n, f in known.items() if n not in ("id", "version") and (f.expression is None or f.compute is not None)]
    must = {n for n, f in known.items() if f.required and not f.readonly}
    return [
        {
            "kind": "field", "label": pgettext("layout", "Fields"),
            "items": [{"item": _text({"field": n}), "label": label, "must": n in must} for n, label in fields],
        },
        {
            "kind": "related", "label": _("Related lists"),
            "items": [{"item": _text({"related": n}), "label": label} for n, label in layouts.referring(actor, object_type).items()],
        },
        {
            "kind": "figure", "label": _("Figures"),
            "items": [{"item": _text({"figure": k, "dimension": d}), "label": label} for (k, d), label in layouts.figures(actor, object_type).items()],
        },
        {"kind": "block", "label": _("Parts of the page"), "items": [{"item": _text({"block": n}), "label": label} for n, label in layouts.BLOCKS.items()]},
    ]  # fmt: skip


def _who(actor: Actor, made: shaped.Made) -> dict[str, str]:
    """Who saved the layout last, and when. Cost: two queries."""
    trail = registry.types["trail"]
    last = access.rows(actor, trail).filter(about_type="layouts", about_id=made.id).order_by("-id").first()
    name = read.labels(actor, {"users": {last.actor}}).get("users", {}).get(last.actor, "") if last is not None and last.actor else ""
    when = registry.KINDS["datetime"].text(None, last.at) if last is not None else ""
    return {"who": name or _("Somebody"), "when": when}
