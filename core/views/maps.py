"""The map of a type: where its records are, drawn by ourselves, what is close together as one spot, with the records of it beside.

The same address, filters and words as the list; ``by-place`` names the field, ``map-box`` what is seen. Moving and zooming are links.
"""

import math
from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import codes, conditions, places, query, read
from core.access import Actor
from core.errors import Missing
from core.listings import Listing
from core.places import WORLD, Box, Spot
from core.registry import Field, ObjectType
from core.views import atlas, filters, pages
from core.views.atlas import HIGH, LEAST, WIDE

LISTED = 30  # records beside the map; the list has the others
CELL = 42.0  # units a cell of the map is wide
CLOSE = 0.0005  # degrees a cell is high when zooming further shows nothing new
PHONE = 2.4  # how much larger letters and spots are on a phone
POINTER, FINGER = 30.0, 112.0  # units of the sheet that a pointer and, on a phone, a finger need for one spot


def map_of(request: HttpRequest, actor: Actor, object_type: ObjectType, wanted: Listing) -> dict[str, Any]:
    """What templates/object/map.html reads. Cost: four queries, one more for each field that is empty throughout, and names."""
    able = places.fields(actor, object_type)
    chosen, asked = able.get(request.GET.get("by-place", "")), _box(request.GET.get("map-box", ""))
    tried = [chosen] if chosen else list(able.values())
    if not tried:
        raise Missing
    f, box = next(((one, b) for one in tried if (b := places.bounds(actor, object_type, wanted, one))), (tried[0], None))  # one that says where anything is
    found = asked or box
    box = atlas.fitted(found, LEAST[f.kind], 0 if asked else 0.12) if found else WORLD
    there = places.spots(actor, object_type, wanted, f, box) if found else []
    spots, fewer = _together(there, box, 1.0, POINTER), _together(there, box, PHONE, FINGER)
    inside = places.within(f, box)
    listed = query.page(actor, object_type, replace(wanted, conditions=(*wanted.conditions, inside), cursor="", limit=LISTED)).records if spots else []
    count = sum(s.count for s in spots)
    return {
        "wide": WIDE, "high": HIGH, "spots": _drawn(request, object_type, f, box, spots, fewer), "lines": atlas.graticule(box), "land": atlas.land(box),
        "cities": atlas.cities(box, _taken(box, spots), PHONE),
        "count": count, "url": filters.behind(request, _words(f, inside)) if count else "", "moves": _moves(request, box), "any": bool(found),
        "rows": _rows(actor, object_type, f, listed), "more": count > len(listed), "field": f.label, "pans": f.kind == "geo",
        "without": filters.behind(request, [(f"{places.placed(f)[0]}__empty", "true")]), "carried": filters.hidden(request, ("by-place", "map-box")),
        "choices": [{"value": n, "label": one.label, "selected": n == f.name} for n, one in able.items()],
    }  # fmt: skip


# What is seen -------------------------------------------------------------------------------------------------------


def _box(text: str) -> Box | None:
    try:
        south, west, north, east = (float(part) for part in text.split(","))
    except ValueError:
        return None
    good = all(math.isfinite(n) for n in (south, west, north, east)) and -90 <= south < north <= 90 and -360 <= west < east <= 360
    return (south, west, north, east) if good else None


def _moves(request: HttpRequest, box: Box) -> list[dict[str, str]]:
    """The buttons that move and zoom; none that would lead off the world."""
    south, west, north, east = box
    high, wide = north - south, east - west

    def to(zoom: float, up: float = 0.0, right: float = 0.0) -> str:
        lat, lng = (south + north) / 2 + up * high, (west + east) / 2 + right * wide
        tall = min(high * zoom, 179.9)
        lat = min(max(lat, tall / 2 - 90), 90 - tall / 2)
        return _addressed(request, (lat - tall / 2, lng - wide * zoom / 2, lat + tall / 2, lng + wide * zoom / 2))

    made = [
        {"icon": "zoom-in", "label": _("Zoom in"), "url": to(0.5) if high > CLOSE else ""},
        {"icon": "zoom-out", "label": _("Zoom out"), "url": to(2) if high < 120 else ""},
        {"icon": "arrow-left", "label": _("To the west"), "url": to(1, right=-0.33)},
        {"icon": "arrow-right", "label": _("To the east"), "url": to(1, right=0.33)},
        {"icon": "arrow-up", "label": _("To the north"), "url": to(1, up=0.33)},
        {"icon": "arrow-down", "label": _("To the south"), "url": to(1, up=-0.33)},
        {"icon": "focus-centered", "label": _("Show all"), "url": filters.address(request, ("map-box",))},
    ]  # fmt: skip
    return [m for m in made if m["url"]]


def _addressed(request: HttpRequest, box: Box) -> str:
    return filters.address(request, **{"map-box": ",".join(f"{n:.6f}" for n in box)}) if _box(",".join(map(str, box))) else ""


# What is drawn ------------------------------------------------------------------------------------------------------


def _size(count: int) -> float:
    return min(9 + 2.5 * math.log2(count), 26.0)


def _together(spots: list[Spot], box: Box, scale: float, room: float) -> list[Spot]:
    """Spots that would lie on each other, or nearer than one can be pressed, as one, at the place of the largest."""
    kept: list[Spot] = []
    for s in spots:
        at = atlas.at(box, s.lat, s.lng)
        near = (i for i, k in enumerate(kept) if math.dist(at, atlas.at(box, k.lat, k.lng)) < max(room, 0.8 * scale * (_size(s.count) + _size(k.count))))
        i = next(near, None)
        if i is None:
            kept.append(s)
        else:
            kept[i] = Spot(kept[i].lat, kept[i].lng, kept[i].count + s.count)
    return kept


def _taken(box: Box, spots: list[Spot]) -> list[atlas.Room]:
    """The room that spots take."""
    made = []
    for s in spots:
        (x, y), size = atlas.at(box, s.lat, s.lng), _size(s.count)
        made.append((x - size, y - size, x + size, y + size))
    return made


def _drawn(request: HttpRequest, object_type: ObjectType, f: Field, box: Box, spots: list[Spot], fewer: list[Spot]) -> list[dict[str, Any]]:
    """The spots, each a link: of one record to it, of several close together to the map of them, of a country to their list.

    ``fewer`` are those a phone has room for; what is only there, or only on a desk, says so.
    """
    made = []
    for s in dict.fromkeys([*spots, *fewer]):
        only = "small" if s not in spots else "wide" if s not in fewer else ""
        x, y = atlas.at(box, s.lat, s.lng)
        if s.ident:
            url, label = pages.address(object_type, s.ident), _("One record")
        else:
            url = filters.behind(request, [(places.placed(f)[0], s.country)]) if s.country else _closer(request, f, box, s, FINGER if only == "small" else CELL)
            label = ngettext("%(n)d record", "%(n)d records", s.count) % {"n": s.count}
        if s.country:
            label = _("%(label)s: %(value)s") % {"label": codes.countries().get(s.country, s.country), "value": label}
        made.append({"x": x, "y": y, "size": round(_size(s.count), 1), "count": s.count, "label": label, "url": url, "only": only})
    return made


def _closer(request: HttpRequest, f: Field, box: Box, s: Spot, reach: float) -> str:
    """The map of so many units around a spot; where that is as close as it gets, the list of its records."""
    south, west, north, east = box
    high, wide = (north - south) / HIGH * 2 * reach, (east - west) / WIDE * 2 * reach
    around = (max(s.lat - high / 2, -90.0), s.lng - wide / 2, min(s.lat + high / 2, 90.0), s.lng + wide / 2)
    if high < CLOSE:
        return filters.behind(request, _words(f, places.within(f, around)))
    return _addressed(request, around)


def _words(f: Field, node: Any) -> list[tuple[str, str]]:
    """A box as words of the list's address."""
    if f.kind == "geo":
        return [(f"{path}__{op}", value) for path, op, value in node["all"]]
    return [("filter", conditions.text(node))]


def _rows(actor: Actor, object_type: ObjectType, f: Field, records: list) -> list[dict[str, Any]]:
    shown = read.present(actor, object_type, records, only={object_type.title, f.name})
    return [{"url": pages.address(object_type, one.id), "label": one.label, "place": one.text(f.name)} for one in shown]


__all__ = ["map_of"]
