"""Packs in the browser: what is offered and installed, what one would change, what a company hands on as a file."""

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core import access, context, packs, registry, write
from core.access import Actor
from core.errors import Missing, OdosError, RuleError
from core.labels import in_language, is_wording
from core.models import Pack, Role
from core.registry import Field
from core.views import differences, pages

HOME = "/settings/packs/"
LARGEST = 2**20  # bytes of a file


def may_read(actor: Actor) -> bool:
    return access.allows(actor, registry.types["packs"], "add")


def _demand(actor: Actor) -> None:
    if not may_read(actor):
        raise Missing


# What there is ------------------------------------------------------------------------------------------------------


def _show(request: HttpRequest, actor: Actor, error: OdosError | None = None) -> HttpResponse:
    """Packs installed and packs offered. Cost: one query."""
    _demand(actor)
    installed = {row.key: row for row in Pack.objects.filter(archived_at=None).order_by("name")}
    offered = [_offered(content, installed.get(key)) for key, content in packs.shipped().items()]
    mine = [
        {"name": packs.called(row.content), "about": packs.described(row.content), "edition": row.edition, "url": f"{HOME}{row.pk}/"}
        for row in installed.values()
    ]
    values = {"installed": mine, "offered": [one for one in offered if one], "errors": _sentences(error), "largest": LARGEST // 2**20}
    return pages.render(request, actor, "pages/packs.html", values)


def _offered(content: dict[str, Any], row: Pack | None) -> dict[str, Any] | None:
    """A shipped pack as a card; none where this edition of it is installed."""
    if row is not None and row.edition >= content.get("edition", 1):
        return None
    return {
        "name": packs.called(content), "about": packs.described(content), "url": f"{HOME}look/?key={content['key']}", "newer": row is not None,
        "holds": [{"label": _type_name(slug, len(parts)), "count": len(parts)} for slug, parts in content["parts"].items()],
    }  # fmt: skip


def _type_name(slug: str, count: int) -> Any:
    return registry.types[slug].label if count == 1 else registry.types[slug].plural


def _sentences(error: OdosError | None) -> list[str]:
    return error.sentences if error is not None else []


index = pages.page(_show)


# What one would do --------------------------------------------------------------------------------------------------


def _content(request: HttpRequest) -> Any:
    """The pack a request is about: a shipped one, a file that came, or one that was looked at already. Errors: RuleError."""
    if key := request.GET.get("key") or request.POST.get("key"):
        if key not in packs.shipped():
            raise Missing
        return packs.shipped()[key]
    file = request.FILES.get("file")
    if file is not None:
        if file.size > LARGEST:
            raise RuleError({"file": [_("The file is larger than %(n)d MB.") % {"n": LARGEST // 2**20}]})
        file.seek(0)
        return _parsed(file.read())
    if request.POST.get("content"):
        return _parsed(request.POST["content"])
    raise RuleError({"file": [_("Choose a file.")]})


def _parsed(text: str | bytes) -> Any:
    try:
        return packs.parse(text)
    except OdosError as error:
        raise RuleError({"file": [str(error)]}) from None


def _look(request: HttpRequest, actor: Actor, error: OdosError | None = None) -> HttpResponse:
    """What installing this pack would make and change, part by part; nothing is written. Cost: that of ``packs.plan``."""
    _demand(actor)
    if request.method == "GET" and not request.GET.get("key"):
        return pages.done(request, HOME)
    try:
        content = _content(request)
        steps = packs.plan(actor, content)
    except RuleError as refused:
        return _show(request, actor, refused)
    row = Pack.objects.filter(key=content["key"], archived_at=None).first()
    names = _names(steps)
    groups = [
        {"label": registry.types[slug].plural, "steps": [_step(actor, s, names) for s in steps if s.slug == slug]}
        for slug in dict.fromkeys(s.slug for s in steps)
    ]  # fmt: skip
    values = {
        "name": packs.called(content), "about": packs.described(content), "groups": groups, "content": json.dumps(content, ensure_ascii=False),
        "counts": {state: sum(s.state == state for s in steps) for state in ("new", "same", "differs", "impossible")}, "errors": _sentences(error),
        "home": HOME, "installed": row,
    }  # fmt: skip
    return pages.render(request, actor, "pages/pack_plan.html", values)


def _names(steps: Iterable[packs.Step]) -> dict[str, Any]:
    """What objects and figures of the pack are called, by the keys other parts name them by."""
    return {(f"{s.slug}:" if s.slug == "kpis" else "") + str(s.values.get("key")): _called(s, {}) for s in steps if s.slug in ("custom-objects", "kpis")}


def _step(actor: Actor, step: packs.Step, names: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": step.id, "name": _called(step, names), "of": _of(step, names), "state": step.state,
        "problem": step.problem, "asks": step.state == "differs" and step.slug != "roles",
        "fields": [_change(actor, step, name, pair, names) for name, pair in step.fields.items()],
    }  # fmt: skip


def _change(actor: Actor, step: packs.Step, name: str, pair: list[Any], names: dict[str, Any]) -> dict[str, Any]:
    """What is here and what the pack has, in words."""
    object_type = registry.types[step.slug]
    f = object_type.fields.get(name)
    if name == "tiles":  # their figures may come with the pack
        pair = [[{"title": str(names.get(f"kpis:{tile.get('kpi')}", "")), **tile} if isinstance(tile, dict) else tile for tile in side or ()] for side in pair]
    if f is not None and f.kind == "json":
        return differences.told(actor, f, registry.get(str(step.values.get("type", ""))), pair, {})
    label = f.label if f is not None else next((entry.label or name for entry in object_type.lines if entry.name == name), name)
    old, new = (_grants(value, names) if name == "grants" else _text(f, value) for value in pair)
    return {"label": label, "old": old, "new": new}


def _called(step: packs.Step, names: dict[str, Any]) -> Any:
    """What people call a part, in the reader's language where the file says it."""
    for one, others in (("plural", "plurals"), ("label", "labels"), ("name", "labels")):
        if step.values.get(one):
            return in_language(str(step.values[one]), said if is_wording(said := step.values.get(others)) else None)
    if step.slug == "roles" and step.found is not None:
        return step.found.name
    return _plural(str(step.values["type"]), names) if step.slug == "layouts" and "type" in step.values else step.name


def _of(step: packs.Step, names: dict[str, Any]) -> Any:
    """What tells a part from others of its name: the type it is about; of a layout, whose it is."""
    if step.slug == "layouts":
        return ", ".join(str(step.values[n]) for n in ("role", "record_type") if step.values.get(n))
    return _plural(str(step.values["type"]), names) if step.values.get("type") else ""


def _plural(slug: str, names: dict[str, Any]) -> Any:
    """What records of a type are called: of one that is there, or of one that comes with the pack."""
    found = registry.get(slug)
    return found.plural if found else names.get(slug, slug)


def _grants(rows: list[dict[str, Any]] | None, names: dict[str, Any]) -> str:
    """The types on which a role gets rights."""
    return ", ".join(str(_plural(str(row.get("type", "")), names)) for row in rows or ())


def _text(f: Field | None, value: Any) -> str:
    """A value of the file in words; of rows each by what it says."""
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return "; ".join(" · ".join(", ".join(map(str, v)) if isinstance(v, list) else str(v) for v in one.values()) for one in value)
    try:
        return str(f.rules.text(f, f.rules.from_json(f, value), context.company().currency)) if f is not None and not f.is_reference else str(value)
    except (ValueError, TypeError, ArithmeticError, AttributeError, LookupError):  # a file edited by hand; installing says what is wrong
        return str(value)


def _install(request: HttpRequest, actor: Actor) -> HttpResponse:
    _demand(actor)
    content = _content(request)
    if request.POST.get("do") != "install":
        return _look(request, actor)
    take = [name for name in request.POST.getlist("take") if name]
    row = Pack.objects.filter(key=content.get("key"), archived_at=None).first() if isinstance(content, dict) else None
    if row is not None:
        write.act(actor, registry.types["packs"], row.pk, "update", {"content": content, "take": take, "force": True})
    else:
        row = write.create(actor, registry.types["packs"], {"content": content, "take": take})
    return pages.done(request, f"{HOME}{row.pk}/", _("“%(name)s” is installed.") % {"name": packs.called(content)})


look = pages.page(_look, _install)


# One that is installed ----------------------------------------------------------------------------------------------


def _pack(actor: Actor, ident: UUID) -> Pack:
    _demand(actor)
    row = Pack.objects.filter(pk=ident, archived_at=None).first()
    if row is None:
        raise Missing
    return row


def _show_one(request: HttpRequest, actor: Actor, ident: UUID, error: OdosError | None = None) -> HttpResponse:
    row = _pack(actor, ident)
    steps = packs.steps_of(row.content)
    roles = {str(role.pk): role for role in Role.objects.filter(pk__in=[told["id"] for name, told in row.made.items() if name.startswith("roles:")])}
    for name, told in row.made.items():
        if name in steps:
            steps[name].found = roles.get(told["id"])
    names = _names(steps.values())
    parts = [(name.partition(":")[0], steps.get(name), name, told) for name, told in row.made.items()]
    groups = [
        {"label": registry.types[slug].plural, "parts": [_made(step, name, told, names) for s, step, name, told in parts if s == slug]}
        for slug in dict.fromkeys([*(s.slug for s in steps.values()), *(slug for slug, *_rest in parts)])
    ]  # fmt: skip
    groups = [group for group in groups if group["parts"]]
    values = {"row": row, "name": packs.called(row.content), "about": packs.described(row.content), "groups": groups, "left": _sentences(error), "home": HOME}
    return pages.render(request, actor, "pages/pack.html", values)


def _made(step: packs.Step | None, name: str, told: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    """A part that the pack made, as people call it; by the words of the file where that no longer names it."""
    slug, _colon, plain = name.partition(":")
    url = pages.address(slug, told["id"])
    return {"name": plain, "of": "", "url": url} if step is None else {"name": _called(step, names), "of": _of(step, names), "url": url}


def _uninstall(request: HttpRequest, actor: Actor, ident: UUID) -> HttpResponse:
    row = _pack(actor, ident)
    write.act(actor, registry.types["packs"], row.pk, "uninstall", {"force": "force" in request.POST})
    return pages.done(request, HOME, _("“%(name)s” is taken away. What was entered into its fields is kept.") % {"name": packs.called(row.content)})


one = pages.page(_show_one, _uninstall)


def _download(request: HttpRequest, actor: Actor, ident: UUID) -> HttpResponse:
    row = _pack(actor, ident)
    return _file(row.content)


download = pages.page(_download)


# Handing on ---------------------------------------------------------------------------------------------------------


def _show_export(request: HttpRequest, actor: Actor, error: OdosError | None = None) -> HttpResponse:
    """What of the company's set-up may go into a pack, all of it marked. Cost: that of ``packs.parts_of``."""
    _demand(actor)
    groups = [{"label": registry.types[slug].plural, "parts": [_part(s) for s in steps if s.values]} for slug, steps in packs.parts_of(actor).items()]
    sent = request.POST
    values = {
        "groups": [g for g in groups if g["parts"]], "errors": _sentences(error), "home": HOME,
        "name": sent.get("name", ""), "key": sent.get("key", ""), "about": sent.get("about", ""), "edition": sent.get("edition", "1"),
    }  # fmt: skip
    return pages.render(request, actor, "pages/pack_export.html", values)


def _part(step: packs.Step) -> dict[str, str]:
    return {"id": step.id, "name": str(_called(step, {})), "of": str(_of(step, {}))}


def _export(request: HttpRequest, actor: Actor) -> HttpResponse:
    _demand(actor)
    chosen = request.POST.getlist("part")
    if not chosen:
        raise RuleError({"part": [_("Choose at least one part.")]})
    head = {name: request.POST.get(name, "").strip() for name in ("key", "name", "about")}
    edition = request.POST.get("edition", "")
    content = packs.export(actor, head | {"edition": int(edition) if edition.isdigit() and len(edition) < 10 else 0}, chosen)
    packs.demand(content)
    return _file(content)


export = pages.page(_show_export, _export)


def _file(content: dict[str, Any]) -> HttpResponse:
    text = json.dumps(content, ensure_ascii=False, indent=2)
    name = "".join(c for c in content["key"] if c.isascii() and (c.isalnum() or c in "-_")) or "pack"
    headers = {"Content-Disposition": f'attachment; filename="{name}-{content.get("edition", 1)}.odos.json"'}
    return HttpResponse(text + "\n", content_type="application/json; charset=utf-8", headers=headers)
