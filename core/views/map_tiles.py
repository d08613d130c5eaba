"""A figure on the map: a mark where each of its groups lies, as large as what it comes to, each a link to its rows; and the same as a table."""

import math
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from core import figures, kpi, places, registry
from core.access import Actor
from core.errors import RuleError
from core.measuring import Dimension
from core.places import WORLD
from core.registry import Field
from core.views import atlas

NAMED = 8  # groups of a crowd that are named
MOST = 60  # marks there is room for; the largest
LEAST, LARGEST = 12.0, 32.0  # radius of a mark
AROUND = 140  # places tried around a mark's own, the last some eighty units off
COUNTED = 14.0  # radius of a mark that has room for a count
FINGER = 120.0  # units that a finger covers where a tile is narrow
SCALE, NARROW = 1.8, 2.4  # how much larger marks and letters are than on a whole page, and where a tile is narrow


@dataclass(frozen=True)
class Ground:
    """By what a figure is split on its map: a dimension whose members are countries, or records that ``field`` says the point of."""

    dimension: Dimension
    field: Field | None = None


def ground(actor: Actor, wanted: kpi.Definition, chosen: str = "") -> Ground:
    """What is chosen, else the first that has a place. Errors: RuleError where it has none. Cost: one query for each type with points."""
    for key in [chosen] if chosen else wanted.dimensions:
        dimension = wanted.dimension(key)
        found = _ground(actor, wanted, dimension) if dimension is not None and kpi.may_split(actor, wanted, dimension) else None
        if found is not None:
            return found
    raise RuleError(_("Nothing that this figure is split by says where it is: choose a country, or records with a place."))


def has_ground(actor: Actor, wanted: kpi.Definition, dimension: Dimension) -> bool:
    """Whether the members of a dimension can lie on a map. Cost: none."""
    return not dimension.period and (places.are_countries(dimension) or bool(places.of_members(actor, dimension)))


def _ground(actor: Actor, wanted: kpi.Definition, dimension: Dimension) -> Ground | None:
    if not has_ground(actor, wanted, dimension):
        return None
    if places.are_countries(dimension):
        return Ground(dimension)
    for f in places.of_members(actor, dimension):
        if f.kind == "geo":
            if places.any_placed(actor, registry.get(dimension.target), f):
                return Ground(dimension, f)
            continue
        country = wanted.dimension(f"{dimension.key}.{places.placed(f)[0]}")
        if country is not None and kpi.may_split(actor, wanted, country):
            return Ground(country)
    return None


def chart(actor: Actor, answer: kpi.Answer, where: Ground, title: str) -> dict[str, Any]:
    """The map and its table, as parts/chart.html reads them; nothing where no group comes to anything. Cost: one query for points."""
    groups = sorted((g for g in answer.groups if g.value), key=lambda g: -abs(g.value))
    known = _points(actor, where, groups)
    lying = [g for g in groups if g.keys[0] in known][:MOST]
    rows = [{"label": row.label, "url": row.number.url, "values": [row.number.full]} for row in figures.rows(answer, groups[: MOST * 2])]
    found = [known[g.keys[0]] for g in lying]
    lats, lngs = [lat for lat, _lng in found], [lng for _lat, lng in found]
    least = atlas.LEAST["geo" if where.field else "code"]
    box = atlas.fitted((min(lats), min(lngs), max(lats), max(lngs)), least, 0.15) if found else WORLD
    marks = _marks(answer, lying, [atlas.at(box, *place) for place in found])
    few, fewer, taken = _crowds(marks, 0.0), _crowds(marks, FINGER), _name(marks)
    drawn = {
        "wide": atlas.WIDE, "high": atlas.HIGH, "marks": [m for m in marks if not m["with"]], "few": few, "fewer": fewer,
        "lines": atlas.graticule(box), "land": atlas.land(box), "elsewhere": len(groups) - len(lying),
        "cities": atlas.cities(box, taken, NARROW, SCALE) if where.field else [],
    }  # fmt: skip
    return {"title": title, "map": drawn if rows else None, "head": [str(where.dimension.label), answer.definition.name], "rows": rows}


def _points(actor: Actor, where: Ground, groups: list[kpi.Group]) -> dict[Any, tuple[float, float]]:
    if where.field is None:
        return places.main_cities()
    return places.points(actor, registry.get(where.dimension.target), where.field, [g.keys[0] for g in groups if g.keys[0] is not None])


def _marks(answer: kpi.Answer, groups: list[kpi.Group], at: list[tuple[int, int]]) -> list[dict[str, Any]]:
    """The largest first, so that smaller ones lie on top. Those that would hide each other stand side by side; what has no room there is ``with`` it."""
    most = max((abs(g.value) for g in groups), default=1)
    made: list[dict[str, Any]] = []
    for row, group, place in zip(figures.rows(answer, groups), groups, at, strict=True):
        size = LEAST + (LARGEST - LEAST) * math.sqrt(abs(group.value) / most)
        found = _free(place, size, made)
        if found is None:
            min(made, key=lambda m: math.dist(place, (m["x"], m["y"])))["with"].append(row.label)
            continue
        x, y = found
        text = row.number.short if atlas.width(row.number.short) <= 2 * size else ""
        label, title = (_("%(label)s: %(value)s") % {"label": row.label, "value": value} for value in (text or row.number.full, row.number.full))
        made.append({
            "x": x, "y": y, "size": round(size, 1), "edge": round(size + 3, 1), "url": row.number.url, "label": label, "title": title, "text": text,
            "name": row.label, "beside": "", "tone": row.number.tone, "less": group.value < 0, "with": [], "crowded": False,
        })  # fmt: skip
    return made


def _crowds(marks: list[dict[str, Any]], room: float) -> list[dict[str, Any]]:
    """What is nearer to a larger mark than can be pressed, as one with it: how many, which, and where. With a ``room`` such marks are ``crowded``."""
    kept: list[list[dict[str, Any]]] = []
    for m in marks:
        near = next((crowd for crowd in kept if math.dist((m["x"], m["y"]), (crowd[0]["x"], crowd[0]["y"])) < room), None)
        if near is None:
            kept.append([m])
        else:
            near.append(m)
    made = []
    for crowd in kept:
        names = [name for m in crowd for name in (m["name"], *m["with"])]
        if len(names) > 1:
            label = _("%(n)d groups: %(names)s") % {"n": len(names), "names": ", ".join(names[:NAMED])}
            made.append({"x": crowd[0]["x"], "y": crowd[0]["y"], "size": max(crowd[0]["size"], COUNTED), "count": len(names), "label": label})
        if room:
            for m in crowd:
                m["crowded"] = len(names) > 1
    return made


def _name(marks: list[dict[str, Any]]) -> list[atlas.Room]:
    """Say on which side of a mark there is room for its name; returns all the room that is taken."""
    taken = [_around(m, SCALE) for m in marks]
    for scale, roomy in ((NARROW, False), (SCALE, True)):
        for m in (m for m in marks if not m["with"]):
            wide, high, far = atlas.width(m["name"]) * scale, atlas.LINE * scale / 2, (m["size"] + 2) * scale
            right = (m["x"] + far, m["y"] - high, m["x"] + far + wide, m["y"] + high)
            left = (m["x"] - far - wide, m["y"] - high, m["x"] - far, m["y"] + high)
            side = next((one for one, room in (("right", right), ("left", left)) if atlas.is_free(room, taken)), "") if not m["beside"] else ""
            if side:
                m |= {"beside": side, "roomy": roomy or m["crowded"]}
                taken.append(right if side == "right" else left)
    return taken


def _around(mark: dict[str, Any], scale: float) -> atlas.Room:
    size = mark["size"] * scale
    return (mark["x"] - size, mark["y"] - size, mark["x"] + size, mark["y"] + size)


def _free(place: tuple[int, int], size: float, made: list[dict[str, Any]]) -> tuple[int, int] | None:
    """Where a mark hides no other: there, or the next place around it, on the sheet; none where that is too far off to be where it is."""
    edge = size * NARROW
    for step in range(AROUND):
        turn, far = step * 2.4, 7.0 * math.sqrt(step)
        x = round(min(max(place[0] + far * math.cos(turn), edge), atlas.WIDE - edge))
        y = round(min(max(place[1] + far * math.sin(turn), edge), atlas.HIGH - edge))
        if all(math.dist((x, y), (m["x"], m["y"])) >= SCALE * (size + m["size"]) for m in made):
            return x, y
    return None
