"""A company's own objects in the browser: the list of them, the one sheet that makes one, and the page on which one is looked after.

The same rows stand in the API as ``custom-objects``; what a sheet sends goes to ``core.write`` and is one transaction with the rights it gives.
"""

from typing import Any
from uuid import UUID

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from core import access, codes, limits, objects, registry, schema, write
from core.access import Actor
from core.errors import Missing, OdosError, RuleError, Stale
from core.models import CustomField, CustomObject, CustomRecord, Role
from core.registry import ObjectType
from core.views import edits, icons, pages

HOME = pages.SHAPED_AT["custom-objects"]
SUGGESTED = {"plural": objects.suggested_plural, "key": objects.suggested_key}
WORK = ["view", "add", "change", "delete", "export", "import", "archive", "restore"]
LOOK = ["view", "export"]
# What a role does with the records of an object, as a sheet offers it: actions and scope of the grant.
SHARES: dict[str, tuple[Any, list[str], str]] = {
    "none": (gettext_lazy("Nothing"), [], ""),
    "look": (gettext_lazy("Looks at all records"), LOOK, "all"),
    "own": (gettext_lazy("Works with own records"), WORK, "own"),
    "subtree": (gettext_lazy("Works with records of the team"), WORK, "subtree"),
    "all": (gettext_lazy("Works with all records"), WORK, "all"),
}


def object_types() -> ObjectType:
    return registry.types["custom-objects"]


def _demand(actor: Actor, action: str = "view") -> None:
    pages.type_or_missing("custom-objects", actor, action)


# The list -----------------------------------------------------------------------------------------------------------


@pages.page
def index(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every object with how many records and fields it has. Cost: three queries."""
    _demand(actor)
    rows = list(access.rows(actor, object_types()).order_by("plural", "key"))
    records, fields = _records_of(actor), dict(CustomField.objects.filter(archived_at=None).values_list("type").annotate(n=Count("pk")))
    told = [
        {
            "name": str(objects.called(row)), "key": row.key, "icon": row.icon or "box", "url": f"{HOME}{row.pk}/", "list": f"/{row.key}/",
            "records": records.get(row.key), "fields": fields.get(row.key, 0), "archived": row.archived_at, "version": row.version, "id": str(row.pk),
        }
        for row in rows
    ]  # fmt: skip
    may = {name: access.allows(actor, object_types(), name) for name in ("add", "restore")}
    values = {
        "objects": [o for o in told if not o["archived"]], "gone": [o for o in told if o["archived"]], "may": may, "most": limits.limit("custom_objects"),
    }
    return pages.render(request, actor, "pages/objects.html", values)


def _records_of(actor: Actor) -> dict[str, int]:
    """Key -> how many records of the object this reader sees; no key where he sees none of them. Cost: one query."""
    seen = {slug: access.rows(actor, t) for slug, t in registry.own_types().items() if access.allows(actor, t, "view")}
    allowed = Q(pk__in=[])
    for rows in seen.values():
        allowed |= Q(pk__in=rows.filter(archived_at=None).values("pk"))
    counted = dict(CustomRecord.objects.filter(allowed).order_by().values_list("object").annotate(n=Count("pk"))) if seen else {}
    return {slug: counted.get(slug, 0) for slug in seen}


# The sheet ----------------------------------------------------------------------------------------------------------


def _show_new(request: HttpRequest, actor: Actor, error: OdosError | None = None) -> HttpResponse:
    _demand(actor, "add")
    sent = request.POST if error is not None else {}
    texts = {n: sent.get(n, "") for n in ("label", "plural", "key", "title_label", "pattern", *_names_elsewhere())}
    values = {
        "new": True, "texts": texts, **_icons(sent.get("icon")), "numbered": sent.get("titled") == "numbered", "roles": _roles(actor, sent),
        "shares": [{"value": k, "label": label} for k, (label, *_rest) in SHARES.items()], "everyone": sent.get("everyone") or "all", **_sheet(error),
        "suggested": _suggestions(texts, sent), "cancel": HOME,
    }  # fmt: skip
    return pages.render(request, actor, "pages/object_sheet.html", values)


def _save_new(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The object and the grants of the roles that work with it, all or nothing."""
    _demand(actor, "add")
    sent = request.POST
    data = _data(sent) | {"plural": sent.get("plural", "").strip() or objects.suggested_plural(sent.get("label", ""))}
    data["key"] = sent.get("key", "").strip() or objects.suggested_key(data["plural"] or sent.get("label", ""))
    if sent.get("titled") == "numbered":
        data["pattern"] = sent.get("pattern", "").strip()
        if not data["pattern"]:
            raise RuleError({"pattern": [_("This field is required.")]})
    row = write.create(actor, object_types(), data)
    _share(actor, row.key, {role["id"]: role["share"] for role in _roles(actor, sent)})
    return pages.done(request, f"{HOME}{row.pk}/", _("%(name)s: add the fields it needs.") % {"name": objects.called(row)})


new = pages.page(_show_new, _save_new)


def _sheet(error: OdosError | None) -> dict[str, Any]:
    """What both sheets show: languages besides the reader's own, icons, sentences."""
    errors = error.errors if isinstance(error, RuleError) else {}
    shown = {"label", "plural", "key", "icon", "title_label", "pattern", "columns", "board"}
    above = [s for name, found in errors.items() if name not in shown for s in found]
    if isinstance(error, Stale):
        above.append(_("Somebody changed this object after you opened this page, and nothing was saved. Open it again, and change it as it is now."))
    elif error is not None and not isinstance(error, RuleError):
        above += pages.sentences(error)
    return {"errors": errors, "sentences": above, "failed": error is not None, "others": _others()}


def _icons(chosen: str | None) -> dict[str, Any]:
    return {"icon": chosen or "box", "icons": icons.offered(chosen or "box")}


def _others() -> list[dict[str, str]]:
    """The product's languages besides the one this sheet is read in."""
    mine = (get_language() or "en").lower().partition("-")[0]
    return [{"tag": tag, "name": name} for tag, name in codes.languages().items() if tag.lower().partition("-")[0] != mine]


def _names_elsewhere() -> list[str]:
    return [f"{name}.{other['tag']}" for other in _others() for name in ("labels", "plurals")]


def _data(sent: Any) -> dict[str, Any]:
    """What both sheets send. Names in languages that this sheet did not ask for stay as they are."""
    return {
        "label": sent.get("label", ""), "icon": sent.get("icon") or "box", "title_label": sent.get("title_label", ""),
        **{name: {o["tag"]: text for o in _others() if (text := sent.get(f"{name}.{o['tag']}", "").strip())} for name in ("labels", "plurals")},
    }  # fmt: skip


@pages.page
def suggest(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What the sheet fills in by itself while its name is typed: plural, key, and how numbers will look; what was typed there stays."""
    _demand(actor, "add")
    texts = {n: request.GET.get(n, "")[:200].replace("\x00", "") for n in ("label", "plural", "key", "pattern")}
    return pages.render(request, actor, "pages/object_sheet.html#suggested", {"texts": texts, "suggested": _suggestions(texts, request.GET), "errors": {}})


@pages.page
def example(request: HttpRequest, actor: Actor) -> HttpResponse:
    """How the first title of a numbering will look."""
    _demand(actor, "add")
    shown = objects.example(request.GET.get("pattern", "").strip()[:60])
    return pages.render(request, actor, "pages/object_sheet.html#example", {"suggested": {"example": shown}})


def _suggestions(texts: dict[str, str], sent: Any) -> dict[str, str]:
    """Suggestions, put into ``texts`` where nothing else was typed. What was suggested before comes back as ``was_<name>``."""
    found = {}
    for name, source in (("plural", "label"), ("key", "plural")):
        found[name] = SUGGESTED[name](texts[source])
        if not texts[name].strip() or texts[name] == sent.get(f"was_{name}"):
            texts[name] = found[name]
    return found | {"example": objects.example(texts["pattern"].strip())}


# Who works with it --------------------------------------------------------------------------------------------------


def _roles(actor: Actor, sent: Any) -> list[dict[str, Any]]:
    """The roles that hold no right to everything, each with what it is to do with the object: as sent, else as is said for all. Cost: one query."""
    if not access.allows(actor, registry.types["roles"], "change"):
        return []
    found = access.rows(actor, registry.types["roles"], "change").filter(archived_at=None).exclude(grants__type="*").order_by("sort_key", "pk")
    everyone = sent.get("everyone", "all")
    return [_role(role, sent.get(f"role.{role.pk}", ""), everyone if everyone in SHARES else "none") for role in found.distinct()]


def _role(role: Role, chosen: str, everyone: str) -> dict[str, Any]:
    return {"id": role.pk, "name": role.name, "chosen": chosen if chosen in SHARES else "", "share": chosen if chosen in SHARES else everyone}


def _share(actor: Actor, slug: str, shares: dict[UUID, str]) -> None:
    """Give roles their grant of a new type. Cost: a dozen statements a role. Errors: those of writing roles (Z-08)."""
    roles = registry.types["roles"]
    held = {r.pk: r for r in write.locked_rows(actor, roles, [pk for pk, share in shares.items() if SHARES[share][1]], "change")}
    for pk, share in shares.items():
        _label, actions, scope = SHARES[share]
        if actions:
            kept = [{"id": str(row)} for row in held[pk].grants.order_by("position", "pk").values_list("pk", flat=True)]
            write.change(actor, roles, pk, {"grants": [*kept, {"type": slug, "actions": actions, "scope": scope}]}, held[pk].version)


# One object ---------------------------------------------------------------------------------------------------------


def _row(actor: Actor, ident: UUID, action: str = "view") -> CustomObject:
    _demand(actor)
    return pages.record_or_missing(actor, object_types(), str(ident), action)


@pages.page
def one(request: HttpRequest, actor: Actor, ident: UUID) -> HttpResponse:
    """An object with its fields: where they are added, and where its name, list and board are set. Cost: three queries."""
    row = _row(actor, ident)
    fields = CustomField.objects.filter(type=row.key).order_by("archived_at", "position", "created_at", "id")
    makes = not row.archived_at and access.allows(actor, registry.types["custom-fields"], "add")
    told = [
        {"label": schema.as_field(f).label, "key": f.key, "kind": f.get_kind_display(), "required": f.required, "unique": f.unique, "archived": f.archived_at,
         "url": f"/custom-fields/{f.pk}/" + (f"edit/?next={request.path}" if makes and not f.archived_at else ""),
         "target": registry.type_choices().get(f.target, "") if f.kind in ("ref", "refs") else ""}
        for f in fields
    ]  # fmt: skip
    may = {n: access.rows(actor, object_types(), n).filter(pk=row.pk).exists() for n in ("change", "archive", "restore")}
    values = {
        "row": row, "name": objects.called(row), "fields": told, "may": may, "home": f"{HOME}{row.pk}/", "example": objects.example(row.pattern),
        "add": f"/custom-fields/new/?type={row.key}&next={HOME}{row.pk}/" if makes else "", "count": _records_of(actor).get(row.key),
        "shaping": _shaping(actor, row),
    }  # fmt: skip
    return pages.render(request, actor, "pages/object.html", values)


def _shaping(actor: Actor, row: CustomObject) -> list[dict[str, Any]]:
    """What else of an object is shaped, each at its own place, as far as the actor may. Cost: none."""
    if row.archived_at is not None:
        return []
    places = [
        ("layouts", f"/settings/layouts/{row.key}/", "layout-2", _("Layout"), _("How its form and its page are laid out.")),
        ("rules", f"/rules/?type={row.key}", "shield-check", _("Validation rules"), _("What is refused, and with which sentence.")),
        ("form-rules", f"/form-rules/?type={row.key}", "eye", _("Rules of its form"), _("Fields that are shown, required or locked while something holds.")),
        ("record-types", f"/record-types/?type={row.key}", "copy", _("Record types"), _("Sorts of it, each with its own layout and options.")),
        ("kpis", f"/kpis/new/?of=t:{row.key}", "chart-bar", _("New figure"), _("Count, add up or average its records, with a goal and colours.")),
    ]  # fmt: skip
    return [
        {"url": url, "icon": icon, "label": label, "text": text}
        for slug, url, icon, label, text in places
        if access.allows(actor, registry.types[slug], "add")
    ]


def _show_edit(request: HttpRequest, actor: Actor, ident: UUID, error: OdosError | None = None) -> HttpResponse:
    row = _row(actor, ident, "change")
    sent = request.POST if error is not None else None
    stored = {n: getattr(row, n) for n in ("label", "plural", "title_label")}
    stored |= {f"{n}.{o['tag']}": getattr(row, n).get(o["tag"], "") for n in ("labels", "plurals") for o in _others()}
    made = registry.own_types().get(row.key)
    known = access.fields(actor, made) if made else {}
    columns = sent.getlist("columns") if sent is not None else (row.columns or (made.columns if made else ()))
    board = sent.get("board", "") if sent is not None else row.board
    values = {
        "new": False, "row": row, "texts": {n: sent.get(n, "") for n in stored} if sent is not None else stored, "key": row.key, "cancel": f"{HOME}{row.pk}/",
        **_icons(sent.get("icon") if sent is not None else row.icon), "version": row.version, **_sheet(error),
        "columns": [{"value": n, "label": f.label, "checked": n in columns} for n, f in known.items() if f.custom or n == "owner"],
        "boards": [{"value": n, "label": f.label, "selected": n == board} for n, f in known.items() if f.kind == "choice" and f.custom],
    }  # fmt: skip
    return pages.render(request, actor, "pages/object_sheet.html", values)


def _save_edit(request: HttpRequest, actor: Actor, ident: UUID) -> HttpResponse:
    row, sent = _row(actor, ident, "change"), request.POST
    data = _data(sent) | {"plural": sent.get("plural", ""), "columns": [n for n in sent.getlist("columns") if n], "board": sent.get("board", "")}
    for name in ("labels", "plurals"):  # those of further languages stay
        data[name] = {k: v for k, v in getattr(row, name).items() if k not in {o["tag"] for o in _others()}} | data[name]
    changed = write.change(actor, object_types(), row.pk, data, edits.version_of(request))
    return pages.done(request, f"{HOME}{row.pk}/", _("%(type)s saved: %(name)s.") % {"type": object_types().label, "name": objects.called(changed)})


edit = pages.page(_show_edit, _save_edit)


def _keep(request: HttpRequest, actor: Actor, ident: UUID, act: str) -> HttpResponse:
    """Archive an object, or bring it back; its records and fields stay as they are. It is never deleted."""
    if act not in ("archive", "restore"):
        raise Missing
    row = _row(actor, ident)
    changed = write.act(actor, object_types(), row.pk, act, None, edits.version_of(request))
    said = _("%(name)s is archived: its records are kept, and nobody sees them until it is restored.") if act == "archive" else _("%(name)s is back.")
    return pages.done(request, HOME if act == "archive" else f"{HOME}{row.pk}/", said % {"name": objects.called(changed)})


keep = pages.deed(_keep)
