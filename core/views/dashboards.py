"""Dashboards are laid out: tiles dragged or moved by their buttons, each with its figure, shape and size; kept for oneself or the company.

A form over rows of ``dashboards``. The order in which the tiles stand and their widths say where they are; a browser without a
script sends the same form.
"""

import re
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _

from core import access, dimensions, kpi, registry, steering, write
from core.access import Actor
from core.errors import Missing, OdosError, Stale
from core.models import Dashboard, Role, User
from core.views import map_tiles, pages
from core.views.dashboard import Board, boards_of, called
from core.views.picks import choice, options, splits

SLUG = "dashboards"
WIDTHS = (2, 3, 4, 6, 8, 12)
HEIGHTS = (1, 2, 3)
KEY = re.compile(r"t\d{1,4}")  # of a tile in the form
OTHER = "zh-Hans"


def show(request: HttpRequest, actor: Actor, ident: Any = "", error: OdosError | None = None) -> HttpResponse:
    """The editor: empty, of a copy, or of a dashboard there is. Cost: some six queries."""
    row = _row(actor, ident)
    sent = request.POST if error is not None else None
    words = _sent(sent) if sent is not None else _stored(actor, row, request.GET.get("copy", ""))
    asked = sent.get("do", "") if isinstance(error, pages.Again) else ""
    if asked:
        _do(words, asked)
    known = [d for d in kpi.every_definition() if kpi.may(actor, d)]
    keeps = bool(access.permissions(actor, registry.types[SLUG], "change"))
    told = [] if error is None or isinstance(error, pages.Again) else error.sentences
    if isinstance(error, Stale):
        told = [_("Somebody else has changed this dashboard meanwhile. Open it again to go on from there.")]
    values = {
        "title": _("Edit: %(name)s") % {"name": called(row)} if ident else _("New dashboard"), "row": row, "words": words,
        "errors": told,
        "action": f"/dashboards/{ident}/edit/" if ident else "/dashboards/new/", "delete": f"/dashboards/{ident}/delete/" if ident else "",
        "tiles": [_tile(actor, i, tile, known, asked == f"again:{tile['key']}") for i, tile in enumerate(words["tiles"])], "fields": _fields(words, keeps),
        "send": _schedule(actor, words, keeps), "filters": _filters(words, known),
    }  # fmt: skip
    return pages.render(request, actor, "pages/dashboard_editor.html", values)


def save(request: HttpRequest, actor: Actor, ident: Any = "") -> HttpResponse:
    """Store what was sent; the buttons of a tile only ask for the form again."""
    row, sent = _row(actor, ident), request.POST
    if sent.get("do"):
        raise pages.Again
    words = _sent(sent)
    labels = {**(row.labels or {}), OTHER: words["other"]}
    data: dict[str, Any] = {
        "name": words["name"], "labels": {k: v for k, v in labels.items() if v}, "filters": words["filters"], "tiles": laid_out(words["tiles"]),
        "schedule": {"every": words["every"], "hour": words["hour"], "to": words["to"] or [str(actor.id)]} if words["every"] else None,
    }  # fmt: skip
    if access.permissions(actor, registry.types[SLUG], "change"):
        data |= {"owner": None if words["company"] else str(actor.id), "role": words["role"] if words["company"] else "", "is_default": words["first"]}
    object_type = registry.types[SLUG]
    if ident:
        made = write.change(actor, object_type, row.pk, data, int(sent["version"]) if sent.get("version", "").isdigit() else 0)
    else:
        made = write.create(actor, object_type, data)
    return pages.done(request, f"/?board={made.pk}", _("%(name)s is saved.") % {"name": called(made)})


editor = pages.page(show, save)


def _row(actor: Actor, ident: Any) -> Dashboard:
    if not ident:
        return Dashboard(name="", tiles=[])
    return pages.record_or_missing(actor, registry.types[SLUG], ident, "change")


def laid_out(tiles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tiles with their places: one after the other, a new row where one is full."""
    made, x, y, high = [], 0, 0, 0
    for tile in tiles:
        w = min(tile["w"], steering.WIDTH)
        if x + w > steering.WIDTH:
            x, y, high = 0, y + high, 0
        made.append({k: v for k, v in tile.items() if v not in ("", None) and k != "key"} | {"x": x, "y": y, "w": w})
        x, high = x + w, max(high, tile["h"])
    return made


# What is sent, and what stands ----------------------------------------------------------------------------------------


def _stored(actor: Actor, row: Dashboard, copy: str) -> dict[str, Any]:
    source: Board | None = None
    if copy:
        source = next((b for b in boards_of(actor) if b.ident == copy), None)
        if source is None:
            raise Missing
    plan = (row.schedule or {}) if not copy else {}
    tiles = source.tiles if source else row.tiles
    return {
        "name": _("%(name)s (copy)") % {"name": source.name} if source else row.name, "other": (row.labels or {}).get(OTHER, ""),
        "company": row.owner_id is None and not row._state.adding, "role": row.role, "first": row.is_default, "version": str(row.version or ""),
        "filters": list(source.filters if source else row.filters), "every": plan.get("every", ""), "hour": plan.get("hour", 7), "to": plan.get("to", []),
        "tiles": [_placed(i, t) for i, t in enumerate(sorted(tiles, key=lambda t: (t.get("y", 0), t.get("x", 0))))],
    }  # fmt: skip


def _placed(i: int, tile: dict[str, Any]) -> dict[str, Any]:
    """A tile as the form knows it, also one that nobody had laid out yet."""
    shape = steering.OLD_SHAPES.get(tile.get("shape", "number"), tile.get("shape", "number"))
    usual = (3, 1) if shape == "number" else (6, 2)
    return {
        "key": f"t{i}", "kpi": tile.get("kpi", ""), "shape": shape, "group_by": tile.get("group_by", ""),
        "period": tile.get("period", ""), "title": tile.get("title", ""),
        "w": tile.get("w", usual[0]), "h": tile.get("h", usual[1]),
    }  # fmt: skip


def _sent(sent: QueryDict) -> dict[str, Any]:
    """The form's words; ``tile`` names the tiles in the order in which they stand, each by the key it keeps wherever it goes."""
    tiles = []
    for key in dict.fromkeys(k for k in sent.getlist("tile")[: steering.TILES + 1] if KEY.fullmatch(k)):
        words = {n: sent.get(f"{key}.{n}", "").replace("\x00", "") for n in ("kpi", "shape", "period", "title")}
        by = [sent.get(f"{key}.{n}", "") for n in ("by", "across")]
        size = {"w": _number(sent.get(f"{key}.w"), 4), "h": _number(sent.get(f"{key}.h"), 1)}
        tiles.append(words | {"key": key, "group_by": ",".join(dict.fromkeys(b for b in by if b)), **size})
    return {
        "name": sent.get("name", ""), "other": sent.get(f"name.{OTHER}", ""), "company": sent.get("company") == "true", "role": sent.get("role", ""),
        "first": sent.get("first") == "true", "version": sent.get("version", ""), "filters": sent.getlist("filters"), "every": sent.get("every", ""),
        "hour": _number(sent.get("hour"), 7), "to": sent.getlist("to"), "tiles": tiles,
    }  # fmt: skip


def _number(text: str | None, otherwise: int) -> int:
    return int(text[:3]) if text and text.isascii() and text.isdigit() else otherwise


def _do(words: dict[str, Any], button: str) -> None:
    """What a button of the form does to its tiles: add, remove, earlier and later, by the key of the tile."""
    verb, _colon, key = button.partition(":")
    tiles = words["tiles"]
    i = next((i for i, tile in enumerate(tiles) if tile["key"] == key), -1)
    if verb == "add":
        free = next(k for n in range(len(tiles), 10_000) if (k := f"t{n}") not in {tile["key"] for tile in tiles})
        tiles.append({"key": free, "kpi": "", "shape": "number", "group_by": "", "period": "", "title": "", "w": 3, "h": 1})
    elif i >= 0:
        tile = tiles.pop(i)
        if verb != "remove":
            tiles.insert(max(0, i - 1) if verb == "earlier" else i + 1 if verb == "later" else i, tile)


# The form -----------------------------------------------------------------------------------------------------------


def _tile(actor: Actor, i: int, tile: dict[str, Any], known: list[kpi.Definition], is_open: bool) -> dict[str, Any]:
    name = tile["key"]
    wanted = next((d for d in known if d.key == tile["kpi"]), None)
    first, second, *_more = [*tile["group_by"].split(","), "", ""]
    able = (lambda d: map_tiles.has_ground(actor, wanted, d)) if tile["shape"] == "map" else (lambda d: True)
    periods = options(((p, steering.period_label(p)) for p in _periods(tile["period"])), tile["period"])
    shown = [
        choice(f"{name}.kpi", _("Figure"), options([(d.key, d.name) for d in known], tile["kpi"]), required=True),
        choice(f"{name}.shape", _("Shown as"), options(steering.SHAPES.items(), tile["shape"]), required=True),
    ]  # fmt: skip
    split = [
        {**choice(f"{name}.{word}", label, splits(actor, wanted, of, able) if wanted else []), "grouped": True}
        for word, label, of in (("by", _("Split by"), first), ("across", _("and across by"), second))
    ]  # fmt: skip
    kinds = [
        {**choice(f"{name}.period", _("Period"), periods), "blank": _("as chosen on the page")},
        {"name": f"{name}.title", "kind": "text", "label": _("Title"), "value": tile["title"]},
        choice(f"{name}.w", _("Width"), options(((str(w), _("%(n)d of 12 columns") % {"n": w}) for w in sorted({*WIDTHS, tile["w"]})), str(tile["w"])), True),
        choice(f"{name}.h", _("Height"), options([(str(h), str(h)) for h in sorted({*HEIGHTS, tile["h"]})], str(tile["h"])), required=True),
    ]  # fmt: skip
    return {
        "name": name, "number": i + 1, "label": tile["title"] or (wanted.name if wanted else _("New tile")), "shape": steering.SHAPES.get(tile["shape"], ""),
        "shown": shown, "splits": split, "fields": kinds, "w": tile["w"], "open": is_open or not wanted,
    }  # fmt: skip


def _periods(chosen: str) -> list[str]:
    return [*steering.PERIODS, *([chosen] if chosen and chosen not in steering.PERIODS and steering.is_period(chosen) else [])]


def _fields(words: dict[str, Any], keeps: bool) -> list[dict[str, Any]]:
    made = [
        {"name": "name", "kind": "text", "label": _("Name"), "value": words["name"]},
        {"name": f"name.{OTHER}", "kind": "text", "label": _("Name in Chinese"), "value": words["other"]},
    ]  # fmt: skip
    if not keeps:
        return made
    roles = options(Role.objects.filter(archived_at=None).exclude(key="").values_list("key", "name"), words["role"])
    return [
        *made, {"name": "company", "kind": "yesno", "label": _("The company's: others see it too"), "value": words["company"]},
        {**choice("role", _("For the role"), roles), "blank": _("everybody")},
        {"name": "first", "kind": "yesno", "label": _("Its readers land on it"), "value": words["first"]},
    ]  # fmt: skip


def _schedule(actor: Actor, words: dict[str, Any], keeps: bool) -> list[dict[str, Any]]:
    made = [
        {**choice("every", _("Sent by e-mail"), options(steering.EVERY.items(), words["every"])), "blank": _("never")},
        choice("hour", _("At"), options([(str(h), f"{h:02d}:00") for h in range(24)], str(words["hour"])), required=True),
    ]  # fmt: skip
    if keeps and words["company"]:
        people = [(str(pk), name) for pk, name in User.objects.filter(archived_at=None).order_by("sort_key")[:200].values_list("pk", "name")]
        made.append({
            "name": "to", "kind": "refs", "label": _("To"), "options": [{"value": pk, "label": name, "selected": pk in words["to"]} for pk, name in people],
        })  # fmt: skip
    return made


def _filters(words: dict[str, Any], known: list[kpi.Definition]) -> list[dict[str, Any]]:
    """The dimensions by which the readers may narrow all tiles at once: those of the tiles' figures."""
    keys = {t["kpi"] for t in words["tiles"]}
    found: dict[str, str] = {}
    for wanted in (d for d in known if d.key in keys):
        for key in wanted.dimensions:
            dimension = wanted.dimension(key)
            slug, choices = dimensions.members(dimension)
            if not dimension.period and (slug or choices):
                found.setdefault(key, str(dimension.label))
    return [{"key": key, "label": label, "chosen": key in words["filters"]} for key, label in sorted(found.items(), key=lambda one: one[1])]
