"""What every map is drawn of: a box of the world on a sheet of units, the outline of its land, lines of latitude and longitude, and cities by name.

Drawn by ourselves: no tiles of others are asked for. Knows no record and no figure.
"""

import math
from typing import Any

from core import places
from core.kinds.kind import locale
from core.places import Box

WIDE, HIGH = 1000, 620  # units of the drawing
STEPS = (45.0, 30.0, 15.0, 10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
LEAST = {"geo": 0.02, "address": 12.0, "code": 12.0}  # degrees a map is high at least, by the kind of field that says where things are
OUTLINED = 8.0  # degrees a map is high at least to show the outline of the land
LETTER, LINE = 7.5, 18  # units a letter is wide and a line high
Room = tuple[float, float, float, float]


def fitted(box: Box, least: float, margin: float) -> Box:
    """The box with a margin, as wide as the drawing is beside its height where it lies, and no smaller than says something."""
    south, west, north, east = box
    high = min(max((north - south) * (1 + 2 * margin), least if margin else 0.0), 180.0)
    squeeze = max(math.cos(math.radians((south + north) / 2)), 0.2)
    wide = max((east - west) * (1 + 2 * margin), high * WIDE / HIGH / squeeze)
    high = min(max(high, wide * squeeze * HIGH / WIDE), 180.0)
    lat, lng = (south + north) / 2, (west + east) / 2
    lat = min(max(lat, high / 2 - 90), 90 - high / 2)
    return (lat - high / 2, lng - wide / 2, lat + high / 2, lng + wide / 2)


def at(box: Box, lat: float, lng: float) -> tuple[int, int]:
    """Where a place of the box stands on the drawing."""
    south, west, north, east = box
    return round((lng - west) / (east - west) * WIDE), round((north - lat) / (north - south) * HIGH)


def land(box: Box) -> list[str]:
    """How the outline of the world's land, in degrees, is stretched to the sheet: once for each time the box goes round the world that it meets.

    None where so little is seen that the outline would be too coarse.
    """
    south, west, north, east = box
    if north - south < OUTLINED:
        return []
    right, down = WIDE / (east - west), HIGH / (north - south)
    turns = range(math.floor((west + 180) / 360), math.floor((east + 180) / 360) + 1)
    return [f"matrix({right:.3f} 0 0 {down:.3f} {(360 * turn - west) * right:.1f} {north * down:.1f})" for turn in turns]


def graticule(box: Box) -> list[dict[str, Any]]:
    """Lines of latitude and longitude with their degrees."""
    south, west, north, east = box
    step = next((s for s in reversed(STEPS) if (north - south) / s <= 6 and (east - west) / s <= 9), STEPS[0])
    lines = []
    for i in range(math.ceil(south / step), math.floor(north / step) + 1):
        lines.append({"y": at(box, i * step, west)[1], "label": _degrees(i * step, "N", "S")})
    for i in range(math.ceil(west / step), math.floor(east / step) + 1):
        lines.append({"x": at(box, south, i * step)[0], "label": _degrees((i * step + 180) % 360 - 180, "E", "W")})
    return lines


def _degrees(value: float, plus: str, minus: str) -> str:
    return f"{round(abs(value), 3):g}°{plus if value > 0 else minus if value < 0 else ''}"


def cities(box: Box, taken: list[Room], phone: float, desk: float = 1.0) -> list[dict[str, Any]]:
    """Names of cities that stand in the way of nothing that is ``taken`` and of no other name.

    Letters are ``phone`` times as large where there is little room, ``desk`` times where there is more: names for which there is
    only room then say so.
    """
    taken, made = list(taken), []
    found = places.cities(box, locale())
    for scale, wide_only in ((phone, False), (desk, True)):
        for lat, lng, name in found:
            x, y = at(box, lat, lng)
            room = (x - 8, y - LINE * scale, x + 12 + width(name) * scale, y + LINE * scale / 2)
            if is_free(room, taken):
                taken.append(room)
                made.append({"x": x, "y": y, "name": name, "wide_only": wide_only})
    return made


def width(name: str) -> float:
    """Units a name is wide; a Chinese character is as wide as two letters."""
    return sum(2 if ord(c) > 0x2E80 else 1 for c in name) * LETTER


def is_free(room: Room, taken: list[Room]) -> bool:
    """Whether a room lies on the sheet and on nothing else."""
    if room[0] < 0 or room[2] > WIDE or room[1] < 0 or room[3] > HIGH:
        return False
    return not any(room[0] < t[2] and t[0] < room[2] and room[1] < t[3] and t[1] < room[3] for t in taken)
