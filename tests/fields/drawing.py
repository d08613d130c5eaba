"""Random own fields with random values, and what plain Python says of them: which rows a filter finds, and their order. Knows nothing of SQL."""

import string
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

OPTIONS = [{"key": key, "label": label} for key, label in (("a", "High"), ("b", "Middle"), ("c", "低"), ("d", "Ends, with a \"comma\""), ("Z", "last"))]
KEYS = [o["key"] for o in OPTIONS]
WORDS = [
    "Metal", "metal", "华为技术", "中国", "Öl", "été", "Жук", "100% _x\\", "it's \"so\"", "O'Neil;--", " in  the middle", "ａｂｃ", "12", "-3", "true",
    "🚲", "ﬁ",
]  # fmt: skip
CITIES = ["Bonn", "上海", "Zürich", "New York", "bonn"]
EMPTY_SHARE = 0.15

Find = Callable[[str], Any]  # id of a row -> its value, None where it has none


@dataclass
class World:
    """What random values refer to: ids, and what those are called."""

    contacts: dict[str, str] = field(default_factory=dict)
    products: dict[str, str] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)


def _word(draw: Random) -> str:
    letters = "".join(draw.choice(string.ascii_letters) for _n in range(draw.randint(1, 6)))
    return draw.choice(WORDS).strip() + draw.choice(["", letters]) if draw.random() < 0.4 else letters


def _plain_word(draw: Random) -> str:
    return "".join(draw.choice(string.ascii_lowercase) for _n in range(draw.randint(1, 6)))


def _number(draw: Random, places: int, most: int = 10**7) -> str:
    return str(Decimal(draw.choice([draw.randint(-most, most), draw.randint(-9, 9)])) / 10 ** draw.randint(0, places))


def _moment(draw: Random) -> str:
    at = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=draw.randint(0, 200_000_000), microseconds=draw.choice([0, 0, 500_000, draw.randint(0, 999_999)]))
    return at.isoformat().replace("+00:00", "Z")


def _address(draw: Random) -> dict:
    parts = {
        "street": f"{_plain_word(draw)} {draw.randint(1, 99)}", "postal_code": f"{draw.randint(0, 99999):05}", "city": draw.choice(CITIES),
        "country": draw.choice(["DE", "CN", "US"]),
    }  # fmt: skip
    return {name: part for name, part in parts.items() if draw.random() < 0.7} or {"city": "Bonn"}


DRAWS: dict[str, Callable[[Random, World], Any]] = {
    "text": lambda draw, world: _word(draw), "longtext": lambda draw, world: f"{_word(draw)}\n{_plain_word(draw)}",
    "number": lambda draw, world: _number(draw, 6), "integer": lambda draw, world: draw.randint(-50, 50), "money": lambda draw, world: _number(draw, 2),
    "percent": lambda draw, world: _number(draw, 6, 900), "date": lambda draw, world: str(date(1990, 1, 1) + timedelta(draw.randint(0, 20_000))),
    "datetime": lambda draw, world: _moment(draw), "yesno": lambda draw, world: draw.random() < 0.5, "choice": lambda draw, world: draw.choice(KEYS),
    "choices": lambda draw, world: draw.sample(KEYS, draw.randint(1, 3)), "ref": lambda draw, world: draw.choice(list(world.contacts)),
    "refs": lambda draw, world: draw.sample(list(world.products), draw.randint(1, 3)), "user": lambda draw, world: draw.choice(list(world.people)),
    "email": lambda draw, world: f"{_plain_word(draw)}@example.com", "phone": lambda draw, world: f"+49 228 {draw.randint(100000, 999999)}",
    "url": lambda draw, world: f"https://{_plain_word(draw)}.example.com/", "barcode": lambda draw, world: f"{draw.randint(0, 10**12):013}",
    "address": lambda draw, world: _address(draw),
    "geo": lambda draw, world: {"lat": str(Decimal(draw.randint(-890_000, 890_000)) / 10_000), "lng": str(draw.randint(-180, 180))},
    "file": lambda draw, world: draw.choice(world.files), "image": lambda draw, world: draw.choice(world.images),
}  # fmt: skip
NUMBERS = ("number", "integer", "money", "percent")


def value(kind: str, draw: Random, world: World) -> Any:
    """What a program sends for a field of this kind; None for nothing."""
    return None if draw.random() < EMPTY_SHARE else DRAWS[kind](draw, world)


def plain(kind: str, sent: Any) -> Any:
    """The value as Python compares and sorts it."""
    if sent is None:
        return None
    if kind in NUMBERS:
        return Decimal(str(sent))
    if kind == "datetime":
        return datetime.fromisoformat(sent)
    if kind == "phone":
        return sent.replace(" ", "")
    if kind == "address":
        return " ".join(sent[name] for name in ("street", "postal_code", "city", "region", "country") if name in sent)
    return sent


def paths(key: str, kind: str, world: World) -> list[tuple[str, str, Callable[[Any], Any]]]:
    """What can be asked of the parts of a value, or of what it refers to: (path, kind of that, value -> that)."""
    if kind == "geo":
        return [(f"{key}.lat", "number", lambda v: Decimal(v["lat"])), (f"{key}.lng", "number", lambda v: Decimal(v["lng"]))]
    if kind == "address":
        return [(f"{key}.city", "text", lambda v: v.get("city")), (f"{key}.country", "choice", lambda v: v.get("country"))]
    names = {"ref": world.contacts, "user": world.people}.get(kind)
    return [(f"{key}.name", "text", lambda v: names[v])] if names else []


def operand(op: str, held: list, draw: Random) -> Any:
    """Something to ask for by this operator, taken from the values there are."""
    one = draw.choice(held)
    if op == "empty":
        return draw.random() < 0.5
    if op == "in":
        several = [draw.choice(held) for _n in range(3)]
        return [draw.choice(v) for v in several] if isinstance(one, list) else several
    if isinstance(one, list):
        return draw.choice(one)
    if op == "contains" and isinstance(one, str):
        start = draw.randint(0, len(one) - 1)
        return _in_other_letters(one[start : start + draw.randint(1, 4)].strip() or one)
    if op == "starts":
        return _in_other_letters(one[: draw.randint(1, 3)].strip() or one)
    return one


def _in_other_letters(text: str) -> str:
    return text.swapcase() if text.swapcase().swapcase() == text else text


def holds(held: Any, op: str, asked: Any) -> bool:
    """Whether ``held op asked``. What is empty equals nothing, differs from everything, and is neither more nor less."""
    if op == "empty":
        return (held is None) == asked
    among = held if isinstance(held, list) else [held]
    if op in ("eq", "in", "ne") or (op == "contains" and isinstance(held, list)):
        found = any(one in among for one in (asked if isinstance(asked, list) else [asked]))
        return not found if op == "ne" else found
    if held is None:
        return False
    if op in ("contains", "starts"):
        return _capital(asked) in _capital(held) if op == "contains" else _capital(held).startswith(_capital(asked))
    return {"lt": held < asked, "lte": held <= asked, "gt": held > asked, "gte": held >= asked}[op]


def _capital(text: str) -> str:
    """Letter by letter, as a database does it: what has no capital of one letter keeps its form."""
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in text)


def ordered(ids: list[str], *keys: tuple[Find, bool]) -> list[str]:
    """The ids by these values, each rising or falling: empty last either way, ties by id."""
    found = sorted(ids)
    for find, falls in reversed(keys):
        full = [i for i in found if find(i) is not None]
        found = [*sorted(full, key=find, reverse=falls), *(i for i in found if find(i) is None)]
    return found


def asked_as(asked: Any) -> Any:
    """An operand as JSON takes it."""
    if isinstance(asked, list):
        return [asked_as(one) for one in asked]
    if isinstance(asked, Decimal):
        return str(asked)
    return asked.isoformat() if isinstance(asked, datetime) else asked
