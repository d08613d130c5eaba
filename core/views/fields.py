"""A company's own fields in the browser: the one sheet that makes or changes one, with a preview of its control, and the page that keeps a type's fields.

The same rows stand in the API as ``custom-fields``; a sheet only says them in words, and goes to ``core.write`` like every form.
"""

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from core import access, codes, collation, converting, forms, formulas, own_fields, own_values, registry, schema, write
from core.access import Actor
from core.errors import Missing, OdosError, RuleError
from core.models import CustomField, Role
from core.models.setup import FIELD_KINDS
from core.registry import ObjectType
from core.views import controls, edits, pages, rollups

SLUG = "custom-fields"
HOME = "/settings/fields/"
# The kinds as people look for them, each with what a picture says faster than a word.
GROUPS = (
    (gettext_lazy("Text"), (
        ("text", "letter-case"), ("longtext", "align-left"), ("email", "mail"), ("phone", "phone"), ("url", "link"), ("barcode", "barcode"),
    )),
    (pgettext_lazy("field", "Numbers"), (
        ("number", "decimal"), ("integer", "list-numbers"), ("money", "coins"), ("percent", "percentage"), ("autonumber", "hash"),
    )),
    (gettext_lazy("Time"), (("date", "calendar"), ("datetime", "clock"))),
    (gettext_lazy("Choices"), (("choice", "circle-dot"), ("choices", "checks"), ("yesno", "checkbox"))),
    (gettext_lazy("Other records"), (("ref", "arrow-up-right"), ("refs", "arrows-split"), ("user", "user"), ("rollup", "sum"))),
    (gettext_lazy("Worked out"), (("formula", "math-function"),)),
    (gettext_lazy("Files and places"), (("file", "paperclip"), ("image", "photo"), ("address", "map-pin"), ("geo", "map-2"))),
)  # fmt: skip
PLAIN = ("label", "key", "help", "pattern", "formula", "depends_on", "minimum", "maximum", "default")
TICKS = ("required", "unique", "fast", "personal", "sensitive")
ROLES = ("seen_by", "edited_by")
BLANK = 3  # rows to type options in, before a script adds more


def _type() -> ObjectType:
    return registry.types[SLUG]


def _about(actor: Actor, slug: str, action: str) -> ObjectType:
    """The type a field is of, if the actor may shape its fields. Errors: Missing, Denied."""
    pages.type_or_missing(SLUG, actor, action)
    object_type = pages.type_or_missing(slug, actor)
    if not own_fields.takes(object_type):
        raise Missing
    return object_type


# Making and changing ------------------------------------------------------------------------------------------------


def show_new(request: HttpRequest, actor: Actor, error: OdosError | None = None) -> HttpResponseBase:
    """The sheet of a new field of the type in the address; where none is, the types to choose from."""
    slug = request.POST.get("type") or request.GET.get("type", "")
    if not slug:
        pages.type_or_missing(SLUG, actor, "add")
        types = [{"label": t.plural, "icon": t.icon, "url": f"/{SLUG}/new/?type={t.slug}"} for t in _takers(actor)]
        return pages.render(request, actor, "pages/field_types.html", {"rows": types})
    object_type = _about(actor, slug, "add")
    sent = request.POST if error is not None else request.GET
    return _sheet(request, actor, object_type, _texts(sent), None, error)


def save_new(request: HttpRequest, actor: Actor) -> HttpResponse:
    object_type = _about(actor, request.POST.get("type", ""), "add")
    edits.demand_sent(request)
    data = _data(actor, request.POST) | {"type": object_type.slug, "kind": request.POST.get("kind", "")}
    data["key"] = data.get("key") or suggested_key(object_type, data.get("label", ""))
    data["position"] = CustomField.objects.filter(type=object_type.slug).count()
    made = write.create(actor, _type(), {n: v for n, v in data.items() if v not in (None, "")})
    told = _("The field “%(name)s” is there: in the list, the form, filters, files and the API.") % {"name": made.label}
    onward = _onward(request, object_type, made)
    if "another" in request.POST:
        onward = f"/{SLUG}/new/?{urlencode({'type': object_type.slug, 'next': onward, **({'listed': '1'} if request.POST.get('listed') else {})})}"
    return pages.done(request, onward, told)


def show_edit(request: HttpRequest, actor: Actor, ident: UUID, error: OdosError | None = None) -> HttpResponseBase:
    own = pages.record_or_missing(actor, _type(), str(ident), "change")
    object_type = _about(actor, own.type, "change")
    texts = _texts(request.POST) if error is not None else _texts_of(own)
    return _sheet(request, actor, object_type, {**texts, "kind": own.kind, "key": own.key}, own, error)


def save_edit(request: HttpRequest, actor: Actor, ident: UUID) -> HttpResponse:
    own = pages.record_or_missing(actor, _type(), str(ident), "change")
    object_type = _about(actor, own.type, "change")
    edits.demand_sent(request)
    fixed = {n for n, f in _type().fields.items() if f.once}
    data = {n: v for n, v in _data(actor, request.POST).items() if n not in fixed}
    write.change(actor, _type(), own.pk, data, edits.version_of(request))
    told = _("%(type)s saved: %(name)s.") % {"type": _type().label, "name": data.get("label") or own.label}
    return pages.done(request, pages.back(request, f"{HOME}{object_type.slug}/"), told)


new = pages.page(show_new, save_new)
edit = pages.page(show_edit, save_edit)


def _takers(actor: Actor) -> list[ObjectType]:
    """The types that take fields, as far as the actor sees them."""
    return [t for t in registry.every() if own_fields.takes(t) and access.allows(actor, t, "view")]


def _onward(request: HttpRequest, object_type: ObjectType, made: CustomField) -> str:
    """Back to where the field was asked for; a list with the new column in it."""
    wanted = pages.back(request, f"{HOME}{object_type.slug}/")
    parts = urlsplit(wanted)
    if parts.path != pages.address(object_type) or not request.POST.get("listed"):
        return wanted
    words = dict(parse_qsl(parts.query))
    columns = [n for n in words.get("columns", "").split(",") if n] or [n for n in object_type.columns if n in schema.fields(object_type)]
    words["columns"] = ",".join(dict.fromkeys([*columns, made.key]))
    return f"{parts.path}?{urlencode(words)}"


def suggested_key(object_type: ObjectType, label: str) -> str:
    """A free key for a field of this label: letters and digits, Chinese by pinyin. Cost: one query."""
    base = collation.key_of(label, "_").lstrip("0123456789_")[:36].strip("_") or "field"
    taken = set(CustomField.objects.filter(type=object_type.slug, key__startswith=base).values_list("key", flat=True))
    for n in range(1, 1000):
        key = base if n == 1 else f"{base}_{n}"
        if key not in taken and own_fields.key_problem(object_type, CustomField(type=object_type.slug, key=key)) is None:
            return key
    return ""


# What a sheet sends -------------------------------------------------------------------------------------------------


def _data(actor: Actor, sent: Any) -> dict[str, Any]:
    """The settings as the API has them. What stands in rows and lists is put together; what a kind does not have is left empty."""
    kind = sent.get("kind", "")
    data: dict[str, Any] = {n: sent.get(n, "").strip() or None for n in PLAIN if n in sent}
    data["label"] = data.get("label") or ""
    data |= {n: sent.get(n) in ("1", "true", "on") for n in TICKS}
    data |= {n: [v for v in sent.getlist(n) if v] for n in ROLES if f"{n}.shown" in sent}
    data |= {n: {tag: text for tag in codes.LANGUAGES if (text := sent.get(f"{n}.{tag}", "").strip())} for n in ("labels", "helps") if _says(sent, n)}
    for name, kinds in (("minimum", own_fields.FIGURES), ("maximum", own_fields.FIGURES), ("pattern", ("autonumber",)), ("formula", ("formula",)),
                        ("depends_on", own_fields.CHOOSES)):  # fmt: skip
        if kind and kind not in kinds and name in data:
            data[name] = None
    if kind in own_fields.GIVEN:
        data["default"] = None
    if not kind or kind in own_fields.CHOOSES:
        data["options"] = _options(sent)
    if kind in own_fields.POINTS:
        data["target"] = sent.get("target", "")
    if kind == "rollup":
        data["rollup"] = rollups.read(actor, sent)
    if kind == "percent" and data.get("default"):
        data["default"] = registry.KINDS["percent"].from_form(None, data["default"])
    return {n: v if v is not None or n not in ("help", "pattern", "formula", "depends_on") else "" for n, v in data.items()}


def _says(sent: Any, name: str) -> bool:
    return any(f"{name}.{tag}" in sent for tag in codes.LANGUAGES)


def _options(sent: Any) -> list[dict[str, Any]]:
    """The rows of the options editor in their order; one without a label is none. Keys of new ones follow from their labels."""
    if not any(n.startswith("option.") for n in sent):
        return _json(sent.get("options", "")) or []
    rows, used = [], set()
    for key, label, color, state, goes_with, words in zip(
        *(sent.getlist(f"option.{part}") for part in ("key", "label", "color", "state", "for", "more")), strict=False
    ):
        if not label.strip():
            continue
        made = key or _free(collation.key_of(label, "_")[:60] or "option", used)
        used.add(made)
        row = {"key": made, "label": label.strip(), **(_json(words) or {})}
        row |= ({"color": color} if color else {}) | ({"archived": True} if state == "archived" else {})
        rows.append(row | ({"for": wanted} if (wanted := _goes_with(sent, goes_with)) else {}))
    return rows


def _free(base: str, used: set[str]) -> str:
    return next(key for n in range(1, 1000) if (key := base if n == 1 else f"{base}_{n}") not in used)


def _goes_with(sent: Any, text: str) -> list[str]:
    """Keys of the options of the field this one depends on, typed by their labels or keys."""
    parent = CustomField.objects.filter(type=sent.get("type", ""), key=sent.get("depends_on", ""), archived_at=None).first() if text.strip() else None
    if parent is None:
        return []
    by_name = {collation.fold(name): o["key"] for o in parent.options for name in (o["label"], o["key"])}
    return [by_name.get(collation.fold(part), part.strip()) for part in text.replace("，", ",").split(",") if part.strip()]


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text.strip() else None
    except ValueError:
        return None


def _texts(sent: Any) -> dict[str, Any]:
    """What stands in the sheet, as it was sent."""
    texts: dict[str, Any] = {n: sent.get(n, "") for n in (*PLAIN, "kind", "target", *rollups.TEXTS)}
    texts |= {n: sent.get(n) in ("1", "true", "on") for n in TICKS} | {n: sent.getlist(n) for n in ROLES}
    texts |= {f"{n}.{tag}": sent.get(f"{n}.{tag}", "") for n in ("labels", "helps") for tag in codes.LANGUAGES}
    return texts | {"options": _options(sent), "listed": "whole" not in sent or "listed" in sent}


def _texts_of(own: CustomField) -> dict[str, Any]:
    """What stands in the sheet of a field there is."""
    f = schema.as_field(own)
    texts: dict[str, Any] = {n: "" if (value := getattr(own, n)) is None else str(value) for n in PLAIN}
    for name in ("minimum", "maximum"):
        value = getattr(own, name)
        texts[name] = "" if value is None else f"{value.normalize():f}"
    if own.default is not None and own.kind not in schema.COMPUTED:
        texts["default"] = forms.text_of(f, f.rules.from_json(f, own.default))
        texts["default"] = ", ".join(texts["default"]) if isinstance(texts["default"], list) else texts["default"]
    texts |= {n: getattr(own, n) for n in (*TICKS, *ROLES)} | {"options": own.options or [], "target": own.target, "listed": False}
    texts |= {f"{n}.{tag}": getattr(own, n).get(tag, "") for n in ("labels", "helps") for tag in codes.LANGUAGES}
    return texts | rollups.texts(own.rollup)


# The sheet ----------------------------------------------------------------------------------------------------------


def _sheet(request: HttpRequest, actor: Actor, object_type: ObjectType, texts: dict, own: CustomField | None, error: OdosError | None) -> HttpResponse:
    """Everything the sheet shows. Cost: a few queries."""
    errors = error.errors if isinstance(error, RuleError) else {}
    kinds = dict(FIELD_KINDS)
    shown = {"label", "key", "kind", "options", "target", "pattern", "formula", "rollup", "default", "minimum", "maximum", "depends_on", "help", *TICKS, *ROLES}
    values = {
        "type": object_type, "own": own, "new": own is None, "texts": texts, "errors": errors,
        "failed": error is not None and not isinstance(error, pages.Again),
        "sentences": [*pages.sentences(error), *(s for n, found in errors.items() if n not in shown and n != "_" for s in found)] if error else [],
        "groups": [{"label": label, "kinds": [{"key": k, "label": kinds[k], "icon": icon} for k, icon in members]} for label, members in GROUPS],
        "kind": texts["kind"] or "text", "kind_label": kinds.get(texts["kind"], ""), "rows": _option_rows(object_type, texts), "colors": own_fields.COLORS,
        "targets": [{"value": t.slug, "label": t.plural, "selected": t.slug == texts["target"]} for t in registry.every() if may_be_target(actor, t)],
        "parents": [{"value": f.name, "label": f.label, "selected": f.name == texts["depends_on"]} for f in schema.own_fields(object_type)
                    if f.kind == "choice" and (own is None or f.name != own.key)],
        **rollups.choices(actor, object_type, texts, (own.rollup or {}).get("filter") if own else None, request.POST),
        "roles": _roles(texts), "words": _words(texts),
        "formula": {
            "name": "formula", "kind": "formulatext", "label": _("Formula"), "value": texts["formula"], "errors": errors.get("formula", []),
            "groups": formulas.describe(),
        },
        "record": {"type": object_type.slug, "pk": own.pk if own else ""}, "version": own.version if own else "",
        "converts": own is not None and bool(converting.kinds_for(own)),
        "cancel": pages.back(request, f"{HOME}{object_type.slug}/"), "next": pages.back(request, ""), "from_list": _is_list(request, object_type),
    }  # fmt: skip
    if own is not None and "version" in request.POST and error is not None and not isinstance(error, RuleError):
        values["version"] = own.version
    return pages.render(request, actor, "pages/field_sheet.html", values)


def _is_list(request: HttpRequest, object_type: ObjectType) -> bool:
    return urlsplit(pages.back(request, "")).path == pages.address(object_type)


def may_be_target(actor: Actor, t: ObjectType) -> bool:
    """Whether a field may refer to records of the type, as far as the actor sees them."""
    return t.is_listed and access.allows(actor, t, "view")


def _option_rows(object_type: ObjectType, texts: dict) -> list[dict[str, Any]]:
    rows = []
    for option in texts["options"]:
        more = {n: option[n] for n in ("labels",) if option.get(n)}
        rows.append({
            "key": option.get("key", ""), "label": option.get("label", ""), "color": option.get("color", ""), "archived": option.get("archived"),
            "for": ", ".join(option.get("for", [])), "more": json.dumps(more, ensure_ascii=False) if more else "",
        })  # fmt: skip
    return rows + [{"key": "", "label": "", "color": "", "archived": False, "for": "", "more": ""} for _n in range(1 if rows else BLANK)]


def _roles(texts: dict) -> list[dict[str, Any]]:
    rows = Role.objects.filter(archived_at=None).order_by("sort_key", "name")
    return [{"id": str(r.pk), "name": r.name, "seen": str(r.pk) in texts["seen_by"], "edited": str(r.pk) in texts["edited_by"]} for r in rows]


def _words(texts: dict) -> list[dict[str, str]]:
    return [{"tag": tag, "called": name, "label": texts[f"labels.{tag}"], "help": texts[f"helps.{tag}"]} for tag, name in codes.LANGUAGES.items()]


@pages.page
def suggest(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The key that follows from a label, while it is typed."""
    object_type = _about(actor, request.GET.get("type", ""), "add")
    label = request.GET.get("label", "")[:200].replace("\x00", "")
    return HttpResponse(suggested_key(object_type, label) if label.strip() else "", content_type="text/plain; charset=utf-8")


def show_preview(request: HttpRequest, actor: Actor, error: OdosError | None = None) -> HttpResponseBase:
    """The control as it will stand in forms, made from what the sheet says so far."""
    sent = request.POST
    _about(actor, sent.get("type", ""), "add")
    data, kind = _data(actor, sent), sent.get("kind", "text")
    own = CustomField(type=sent.get("type", ""), key="preview", kind=kind if kind in dict(FIELD_KINDS) else "text", label=data["label"] or _("Label"))
    own.options, own.help, own.required, own.target = data.get("options", []), data.get("help") or "", data["required"], data.get("target", "")
    f = schema.as_field(own)
    choices = controls.Choices(actor)
    control = None if own.kind in own_fields.GIVEN else controls.control(f, "preview", [] if f.kind in forms.SEVERAL else "", [], choices)
    return pages.render(request, actor, "pages/field_sheet.html#preview", {"preview": control, "preview_label": f.label})


preview = pages.page(show_preview, show_preview)


# The fields of a type -----------------------------------------------------------------------------------------------


@pages.page
def index(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """Every own field of a type in its order, how far its index is, and those archived. Cost: a query, and one for each index that is being built."""
    object_type = _about(actor, slug, "view")
    rows = list(access.rows(actor, _type()).filter(type=slug).order_by("position", "created_at", "id"))
    kinds = dict(FIELD_KINDS)
    told = []
    for own in rows:
        state, percent = own_values.state_of(object_type, own)
        told.append({
            "id": str(own.pk), "label": schema.as_field(own).label, "key": own.key, "kind": kinds.get(own.kind, own.kind), "row": own,
            "url": f"/{SLUG}/{own.pk}/edit/?next={request.path}", "state": state, "percent": percent, "page": f"/{SLUG}/{own.pk}/",
            "converts": bool(converting.kinds_for(own)),
        })  # fmt: skip
    values = {
        "type": object_type, "living": [r for r in told if r["row"].archived_at is None], "gone": [r for r in told if r["row"].archived_at is not None],
        "may": {name: access.allows(actor, _type(), name) for name in ("add", "change", "archive", "restore")},
        "building": any(r["state"] == "building" for r in told), "add": f"/{SLUG}/new/?type={slug}&next={request.path}",
    }  # fmt: skip
    return pages.render(request, actor, "pages/fields.html#rows" if pages.is_partial(request) else "pages/fields.html", values)


@pages.deed
def order(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """Put the fields of a type in the order sent (``field``, one for each), or move one a place up or down (``up``, ``down``)."""
    _about(actor, slug, "change")
    rows = {str(r.pk): r for r in access.rows(actor, _type(), "change").filter(type=slug, archived_at=None).order_by("position", "created_at", "id")}
    wanted = [i for i in request.POST.getlist("field") if i in rows]
    wanted += [i for i in rows if i not in wanted]
    for name, step in (("up", -1), ("down", 1)):
        if (one := request.POST.get(name, "")) in rows:
            at = wanted.index(one)
            to = min(max(at + step, 0), len(wanted) - 1)
            wanted.insert(to, wanted.pop(at))
    changes = [(rows[i].pk, {"position": n}, rows[i].version) for n, i in enumerate(wanted) if rows[i].position != n]
    if changes:
        write.change_many(actor, _type(), changes)
    return pages.done(request, f"{HOME}{slug}/", _("The fields stand in this order now."))


@pages.deed
def keep(request: HttpRequest, actor: Actor, ident: UUID, act: str) -> HttpResponse:
    """Archive a field, restore it, or try its index again."""
    own = pages.record_or_missing(actor, _type(), str(ident))
    if act == "retry":
        own_values.index_later(actor, _type(), own)
        return pages.done(request, f"{HOME}{own.type}/", _("The index of “%(name)s” is being built.") % {"name": own.label})
    if act not in ("archive", "restore"):
        raise Missing
    write.act(actor, _type(), own.pk, act, None, edits.version_of(request))
    told = {"archive": _("“%(name)s” is archived; its values are kept."), "restore": _("“%(name)s” is back, with its values.")}[act]
    return pages.done(request, f"{HOME}{own.type}/", told % {"name": own.label})
