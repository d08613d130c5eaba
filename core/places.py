"""Records on the map: how many lie where, by a point of their own or by the country of their address. Two queries, whatever their number.

No tiles of others are asked for: what is around is told by the names of the world's cities, which come with the time zone database.
A country stands at its main city. A box is south, west, north, east in decimal degrees.
"""

import re
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from babel.dates import get_timezone_location
from django.db.models import Avg, CharField, Count, FloatField, Max, Min, QuerySet, Value
from django.db.models.functions import Cast, Floor

from core import access, dimensions, query, registry
from core.access import Actor
from core.codes import CODES
from core.listings import Listing
from core.registry import Dimension, Field, ObjectType

Box = tuple[float, float, float, float]
ACROSS, DOWN = 24, 15  # the cells of a map; what lies in one is shown as one
WORLD: Box = (-58.0, -170.0, 78.0, 180.0)


@dataclass(frozen=True)
class Spot:
    """So many records close together, or of one country. ``ident`` is the record where there is one alone."""

    lat: float
    lng: float
    count: int
    ident: str = ""
    country: str = ""


def fields(actor: Actor, object_type: ObjectType) -> dict[str, Field]:
    """The fields that say where a record is, points first. Cost: none."""
    known = {n: f for n, f in access.fields(actor, object_type).items() if f.is_in_sql and not f.is_looked_up}
    able = {n: f for n, f in known.items() if f.kind in ("geo", "address") or (f.kind == "code" and f.options is CODES["country"])}
    return {n: able[n] for n in sorted(able, key=lambda n: ("geo", "address", "code").index(able[n].kind))}


def placed(f: Field) -> Any:
    """The filter of the records that say where they are."""
    return [f"{f.name}.country" if f.kind == "address" else f.name, "empty", False]


def within(f: Field, box: Box) -> Any:
    """The filter of exactly the records of a box; of countries, of those whose main city lies in it."""
    south, west, north, east = box
    if f.kind == "geo":
        ends = [("lat", "gte", south), ("lat", "lt", north), ("lng", "gte", west), ("lng", "lt", east)]
        return {"all": [[f"{f.name}.{part}", op, f"{value:.6f}"] for part, op, value in ends]}
    there = [code for code, (lat, lng) in main_cities().items() if south <= lat < north and west <= lng < east]
    return [placed(f)[0], "in", sorted(there)]


def bounds(actor: Actor, object_type: ObjectType, wanted: Listing, f: Field) -> Box | None:
    """The box that holds all that match; none where nothing says where it is. Cost: one query."""
    if f.kind != "geo":
        found = [(s.lat, s.lng) for s in _of_countries(_matching(actor, object_type, wanted, f), f)]
        lats, lngs = [lat for lat, _lng in found], [lng for _lat, lng in found]
        return (min(lats), min(lngs), max(lats), max(lngs)) if found else None
    lat, lng = _degrees(f)
    row = _matching(actor, object_type, wanted, f).aggregate(south=Min(lat), west=Min(lng), north=Max(lat), east=Max(lng))
    return None if row["south"] is None else (row["south"], row["west"], row["north"], row["east"])


def spots(actor: Actor, object_type: ObjectType, wanted: Listing, f: Field, box: Box) -> list[Spot]:
    """What lies in a box, by cells of it, largest first; by country where the field knows no more. Cost: one query."""
    found = _matching(actor, object_type, replace(wanted, conditions=(*wanted.conditions, within(f, box))), f)
    if f.kind != "geo":
        return _of_countries(found, f)
    south, west, north, east = box
    lat, lng = _degrees(f)
    found = found.annotate(_x=Floor((lng - Value(west)) / Value((east - west) / ACROSS)), _y=Floor((lat - Value(south)) / Value((north - south) / DOWN)))
    rows = found.values("_x", "_y").annotate(_count=Count("pk"), _lat=Avg(lat), _lng=Avg(lng), _one=Min(Cast("pk", CharField())))
    made = [Spot(row["_lat"], row["_lng"], row["_count"], row["_one"] if row["_count"] == 1 else "") for row in rows]
    return sorted(made, key=lambda s: -s.count)


# Members of a figure ------------------------------------------------------------------------------------------------


def are_countries(dimension: Dimension) -> bool:
    """Whether the members of a dimension are countries. Cost: none."""
    return dimensions.members(dimension)[1].keys() == CODES["country"]().keys()


def of_members(actor: Actor, dimension: Dimension) -> list[Field]:
    """The fields that say where the records are that a dimension's members are, points first; none where they are no records. Cost: none."""
    target = registry.get(dimension.target) if dimension.target and not dimension.looks else None
    return list(fields(actor, target).values()) if target is not None and access.allows(actor, target, "view") else []


def any_placed(actor: Actor, object_type: ObjectType, f: Field) -> bool:
    """Whether any record the actor sees says where it is. Cost: one query."""
    return _matching(actor, object_type, Listing(), f).exists()


def points(actor: Actor, object_type: ObjectType, f: Field, ids: list) -> dict[Any, tuple[float, float]]:
    """Id -> where it is, of those records that say so. Cost: one query."""
    lat, lng = _degrees(f)
    rows = access.rows(actor, object_type).filter(pk__in=ids).annotate(_lat=lat, _lng=lng).values_list("pk", "_lat", "_lng")
    return {pk: (north, east) for pk, north, east in rows if north is not None and east is not None}


def _matching(actor: Actor, object_type: ObjectType, wanted: Listing, f: Field) -> QuerySet:
    return query.matching(actor, object_type, replace(wanted, conditions=(*wanted.conditions, placed(f)))).order_by()


def _degrees(f: Field) -> tuple[Any, Any]:
    lat, lng = (Cast(f.rules.part(f, name)[1], FloatField()) for name in ("lat", "lng"))
    return lat, lng


def _of_countries(found: QuerySet, f: Field) -> list[Spot]:
    expr = f.rules.part(f, "country")[1] if f.kind == "address" else f.rules.expr(f)
    rows = found.annotate(_country=expr).values("_country").annotate(_count=Count("pk"), _one=Min(Cast("pk", CharField())))
    known = main_cities()
    made = [
        Spot(*known[row["_country"]], row["_count"], row["_one"] if row["_count"] == 1 else "", row["_country"])
        for row in rows if row["_country"] in known
    ]  # fmt: skip
    return sorted(made, key=lambda s: -s.count)


# Where things are ---------------------------------------------------------------------------------------------------


@cache
def _cities() -> tuple[tuple[str, float, float, str], ...]:
    """(country, latitude, longitude, time zone) of the cities that time zones are named after, a country's main one first."""
    lines = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return tuple((row[0], *_point(row[1]), row[2]) for row in rows)


def _point(text: str) -> tuple[float, float]:
    """Degrees of ``+3114+12128`` or ``-690022+0393524``: degrees, minutes and perhaps seconds."""
    lat, lng = re.fullmatch(r"([+-]\d+)([+-]\d+)", text, re.ASCII).groups()
    return _decimal(lat, 2), _decimal(lng, 3)


def _decimal(text: str, places: int) -> float:
    digits = text[1:]
    whole, minutes, seconds = int(digits[:places]), int(digits[places : places + 2]), int(digits[places + 2 :] or 0)
    return (-1 if text[0] == "-" else 1) * round(whole + minutes / 60 + seconds / 3600, 4)


@cache
def main_cities() -> dict[str, tuple[float, float]]:
    """Country -> where its main city is."""
    found: dict[str, tuple[float, float]] = {}
    for country, lat, lng, _zone in _cities():
        found.setdefault(country, (lat, lng))
    return found


@cache
def _named(locale: str) -> tuple[tuple[float, float, str], ...]:
    """Cities by name in the reader's language: the main ones of countries before others."""
    seen: set[str] = set()
    main, others = [], []
    for country, lat, lng, zone in _cities():
        if country == "AQ":  # stations, not cities
            continue
        name = get_timezone_location(zone, locale=locale, return_city=True).rpartition("/")[2]
        (others if country in seen else main).append((lat, lng, name))
        seen.add(country)
    return (*main, *others)


def cities(box: Box, locale: str) -> list[tuple[float, float, str]]:
    """The cities within a box, those that matter more first. Cost: none."""
    south, west, north, east = box
    return [one for one in _named(locale) if south <= one[0] <= north and west <= one[1] <= east]


__all__ = [
    "ACROSS", "DOWN", "WORLD", "Box", "Spot", "any_placed", "are_countries", "bounds", "cities", "fields", "main_cities", "of_members", "placed", "points",
    "spots", "within",
]  # fmt: skip
