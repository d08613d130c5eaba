"""The filter language, orders and pages against plain Python, over declared fields, a company's own of every kind, and paths."""

import base64
import json
import os
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core import access, collation, conditions, door, listings, query, registry, write
from core.errors import RuleError, Unparsable
from core.models import SearchEntry
from tests import people

LONG = bool(os.environ.get("ODOS_LONG"))
TEXTS = [
    "",
    "Ä",
    "abc",
    "ABC",
    "a%b",
    "a_b",
    "back\\slash",
    "50% off",
    "'; DROP TABLE core_user; --",
    "华为",
    "é",
    "É",
    "zz top",
    "0",
    "10",
    "9",
    "𝔘nicode",
]
NUMBERS = [None, "0", "-1", "2", "10", "9.5", "0.000001", "123456789012345678"]
MONEY = [None, "0", "-1.50", "2", "10.25", "9.9999"]
DAYS = [None, "2024-02-29", "1999-12-31", "2026-01-01", "0900-05-05"]
INSTANTS = [None, "2026-01-01T10:00:00Z", "2026-01-01T10:00:00.500000Z", "2026-01-01T18:00:00.25+08:00", "1999-01-01T00:00:00Z"]
OWN = {
    "text": TEXTS,
    "longtext": ["", "one\ntwo", "abc", "Ä"],
    "number": NUMBERS,
    "integer": [None, 0, -5, 7, 10, 999],
    "money": MONEY,
    "percent": [None, "0", "0.15", "1", "-0.5"],
    "date": DAYS,
    "datetime": INSTANTS,
    "yesno": [None, True, False],
    "choice": ["", "a", "b", "c"],
    "ref": [None],
    "user": [None],
    "email": ["", "a@b.example", "Z@b.example"],
    "phone": ["", "+16502530000", "ring me"],
    "url": ["", "https://a.example", "https://b.example/x?y=1"],
}
DECLARED = {
    "industry": ("text", TEXTS),
    "payment_days": ("integer", [None, 0, 7, 30, 3650]),
    "country": ("code", ["", "DE", "CN", "US"]),
    "roles": ("choices", [[], ["customer"], ["supplier", "partner"], ["customer", "supplier"]]),
    "phone": ("phone", ["", "+16502530000", "by post"]),
}
ORDERED = ("lt", "lte", "gt", "gte")


@dataclass
class World:
    actor: access.Actor
    rows: list[dict[str, Any]]
    kinds: dict[str, str]
    people: dict[UUID, dict]

    def by_id(self, ident):
        return next((r for r in self.rows if r["id"] == ident), None)


@pytest.fixture(scope="module")
def world(company, alice):
    """Sixty accounts; half of them below another, with own fields of all kinds, some empty."""
    actor, draw = access.actor_for(alice), random.Random(7)
    folk = {
        u.pk: {"name": u.name, "id": u.pk} for u in [alice, people.new_user("Zoe", "owner"), people.new_user("陈", "owner", email="chen@example.com")]
    }

    def define():
        for kind in OWN:
            more = (
                {"options": [{"key": k, "label": k.upper()} for k in "abc"]} if kind == "choice" else {"target": "accounts"} if kind == "ref" else {}
            )
            write.create(actor, registry.get("custom-fields"), {"type": "accounts", "key": f"own_{kind}", "kind": kind, "label": kind, **more})

    people.writing(define)
    rows: list[dict] = []
    for i in range(60):
        near = [r["id"] for r in rows[-9:]]
        row = {
            "name": draw.choice(["Acme", "acme", "阿里", "百度", "Zoo", "apple", f"N{i}"]),
            "owner": draw.choice(list(folk)),
            "parent": draw.choice([None, *near]),
        }
        row |= {n: draw.choice(values) for n, (_kind, values) in DECLARED.items()}
        row |= {f"own_{kind}": draw.choice(values) for kind, values in OWN.items()}
        row |= {"own_ref": draw.choice([None, *near]), "own_user": draw.choice([None, *folk])}
        sent = {n: str(v) if isinstance(v, UUID) else v for n, v in row.items() if v not in (None, "")}
        made = people.writing(lambda sent=sent: write.create(actor, registry.get("accounts"), sent))
        rows.append({**row, "id": made.pk})
    kinds = {"name": "text", "owner": "user", "parent": "ref", **{n: k for n, (k, _v) in DECLARED.items()}, **{f"own_{k}": k for k in OWN}}
    for row in rows:
        row |= {n: native(kinds[n], row[n]) for n in kinds}
    return World(actor, rows, kinds, folk)


def native(kind: str, value: Any) -> Any:
    """The value as it compares."""
    if value in (None, "", []) or isinstance(value, UUID | date):
        return value
    if kind in ("number", "money", "percent", "integer"):
        return Decimal(value)
    if kind == "date":
        return date.fromisoformat(value)
    if kind == "datetime":
        return datetime.fromisoformat(value).astimezone(UTC)
    return value


def holds(world: World, row: dict, node: Any) -> bool:
    """The filter language in plain Python."""
    if isinstance(node, dict):
        ((word, parts),) = node.items()
        return (all if word == "all" else any)(holds(world, row, part) for part in parts)
    path, op, asked = node
    head, dot, rest = path.partition(".")
    value = row[head]
    if dot:
        if head in ("owner", "own_user"):
            return value is not None and compare("text", world.people[value][rest], op, asked)
        return value is not None and holds(world, world.by_id(value), [rest, op, asked])
    return compare(world.kinds[head], value, op, asked)


def compare(kind: str, value: Any, op: str, asked: Any) -> bool:
    nothing = value in (None, "", [])
    if op == "empty":
        return nothing == (asked in (True, "true"))
    if op in ("eq", "ne") and asked in (None, ""):
        return nothing == (op == "eq")
    if kind == "choices":
        wanted = asked if isinstance(asked, list) else [asked]
        found = bool(set(value) & set(wanted)) if op == "in" else asked in value
        return not found if op == "ne" else found
    if op == "in":
        return not nothing and any(value == native(kind, a) for a in asked if a not in (None, ""))
    if op == "ne":
        return nothing or value != native(kind, asked)
    if nothing:
        return False
    if op in ("contains", "starts"):
        return asked.lower() in value.lower() if op == "contains" else value.lower().startswith(asked.lower())
    asked = native(kind, asked)
    return (
        {"eq": value == asked, "lt": value < asked, "lte": value <= asked, "gt": value > asked, "gte": value >= asked}[op]
        if op != "eq"
        else value == asked
    )


def leaves(world: World):
    """Conditions over every field, some through a path."""

    def one(name: str, kind: str, pool: list):
        pool = [str(v) if isinstance(v, UUID) else v for v in pool]
        some = [v for v in pool if v not in (None, "", [])]
        flat = sorted({x for v in some for x in v}) if kind == "choices" else some
        options = [st.tuples(st.just("empty"), st.sampled_from([True, False, "true", "false"]))]
        options += [st.tuples(st.sampled_from(["eq", "ne"]), st.sampled_from([*flat, None, ""]))]
        options += [st.tuples(st.just("in"), st.lists(st.sampled_from(flat), max_size=3))]
        ops = registry.KINDS[kind].ops
        if "lt" in ops:
            options += [st.tuples(st.sampled_from(ORDERED), st.sampled_from(flat))]
        if "starts" in ops:
            options += [st.tuples(st.sampled_from(["contains", "starts"]), st.sampled_from(flat) | st.sampled_from(["a", "%", "_", "\\", "o", "为"]))]
        return st.one_of(options).map(lambda pair: [name, *pair])

    ids = [r["id"] for r in world.rows[:12]]
    pools = {"name": ["Acme", "acme", "阿里", "Zoo"], "owner": list(world.people), "parent": ids, "own_ref": ids, "own_user": list(world.people)}
    pools |= {n: v for n, (_k, v) in DECLARED.items()} | {f"own_{k}": v for k, v in OWN.items() if k not in ("ref", "user")}
    plain = [one(n, world.kinds[n], pool) for n, pool in pools.items()]
    paths = [plain_leaf.map(lambda leaf, head=head: [f"{head}.{leaf[0]}", *leaf[1:]]) for head in ("parent", "own_ref") for plain_leaf in plain[:6]]
    names = one("name", "text", ["Zoe", "Alice", "陈"])
    paths += [names.map(lambda leaf, head=head: [f"{head}.name", *leaf[1:]]) for head in ("owner", "own_user", "parent.owner")]
    return st.one_of(*plain, *paths)


def as_uuid(node: Any) -> Any:
    """Ids as the oracle holds them."""
    if isinstance(node, dict):
        return {word: [as_uuid(p) for p in parts] for word, parts in node.items()}

    def turned(v):
        try:
            return UUID(v) if isinstance(v, str) and len(v) == 36 else v
        except ValueError:
            return v

    name, op, value = node
    return [name, op, [turned(v) for v in value] if isinstance(value, list) else turned(value)]


@given(data=st.data())
@settings(max_examples=1500 if LONG else 70, deadline=None)
def test_filters_find_what_plain_python_finds(world, data):
    node = data.draw(
        st.recursive(
            leaves(world), lambda parts: st.builds(lambda w, ps: {w: ps}, st.sampled_from(["all", "any"]), st.lists(parts, max_size=3)), max_leaves=5
        )
    )
    found = door.reading(
        lambda: list(
            query.matching(world.actor, registry.get("accounts"), listings.Listing(conditions=(json.loads(json.dumps(node)),))).values_list(
                "pk", flat=True
            )
        )
    )
    wanted = [r["id"] for r in world.rows if holds(world, r, as_uuid(node))]
    assert sorted(found) == sorted(wanted), node


def place(world: World, row: dict, name: str) -> Any:
    """What a list sorts a row by; None where there is nothing."""
    value = row[name]
    if name == "name":
        return collation.sort_key(value)
    if name == "parent":
        return collation.sort_key(world.by_id(value)["name"]) if value else None
    if name == "owner":
        return collation.sort_key(world.people[value]["name"])
    if isinstance(value, UUID):
        return str(value)
    return None if value == "" else value


def in_order(world: World, names: list[str]) -> list[UUID]:
    rows = sorted(world.rows, key=lambda r: r["id"].int)  # ties by id
    for name in reversed(names):
        bare = name.removeprefix("-")
        held = [r for r in rows if place(world, r, bare) is not None]
        held.sort(key=lambda r: place(world, r, bare), reverse=name.startswith("-"))
        if name.startswith("-"):  # Python keeps equal rows in place, so turn each run of equals back
            held = _stable_reverse(held, lambda r, bare=bare: place(world, r, bare), rows)
        rows = held + [r for r in rows if place(world, r, bare) is None]
    return [r["id"] for r in rows]


def _stable_reverse(held: list, key, before: list) -> list:
    at = {r["id"]: i for i, r in enumerate(before)}
    runs: list[list] = []
    for row in held:
        if runs and key(runs[-1][0]) == key(row):
            runs[-1].append(row)
        else:
            runs.append([row])
    return [r for run in runs for r in sorted(run, key=lambda r: at[r["id"]])]


SORTS = ["name", "industry", "payment_days", "country", "owner", "parent", *(f"own_{k}" for k in OWN)]


@given(
    names=st.lists(st.sampled_from(SORTS), min_size=1, max_size=3, unique=True),
    falls=st.lists(st.booleans(), min_size=3, max_size=3),
    limit=st.integers(3, 25),
)
@settings(max_examples=400 if LONG else 25, deadline=None)
def test_every_order_is_read_page_by_page_there_and_back(world, names, falls, limit):
    names = [f"-{n}" if f else n for n, f in zip(names, falls, strict=False)]
    accounts = registry.get("accounts")

    def read(cursor: str):
        wanted = listings.listing([("sort", ",".join(names)), ("limit", str(limit)), *([("cursor", cursor)] if cursor else [])])
        return door.reading(lambda: query.page(world.actor, accounts, wanted))

    wanted, forward, page = in_order(world, names), [], read("")
    while True:
        forward.append([r.pk for r in page.records])
        if not page.next:
            break
        page = read(page.next)
    assert [pk for part in forward for pk in part] == wanted
    backward = [forward[-1]]
    while page.previous:
        page = read(page.previous)
        backward.insert(0, [r.pk for r in page.records])
    assert [pk for part in backward for pk in part] == wanted


def test_names_sort_by_pinyin_among_latin_ones(world):
    keys = sorted(["Zoo", "百度", "apple", "阿里", "张三", "Bai"], key=collation.sort_key)
    assert keys == ["阿里", "apple", "Bai", "百度", "张三", "Zoo"]


def test_a_reference_among_several_shows_a_record_once(world):
    """Users with two roles are found once by a condition on their roles, and by one through them."""
    roles = {r.key: r for r in access.rows(world.actor, registry.get("roles"))}
    user = people.new_user("Both", "sales", "finance")
    found = {}
    for name, node in {
        "path": ["roles.name", "in", "Sales,Finance"],
        "in": ["roles", "in", [str(roles["sales"].pk), str(roles["finance"].pk)]],
        "some": ["roles", "empty", False],
        "ne": ["roles", "ne", str(roles["owner"].pk)],
    }.items():
        rows = door.reading(lambda node=node: list(query.matching(world.actor, registry.get("users"), listings.Listing(conditions=(node,)))))
        found[name] = [r.pk for r in rows]
        assert len(set(found[name])) == len(found[name]), name
        assert user.pk in found[name], name


HOSTILE = [
    "_connector",
    "_negated",
    "__",
    "id__in",
    "custom",
    "custom__own_text",
    "pk",
    "password",
    "owner__password",
    "owner.password",
    "owner.custom",
    "1=1",
    "name'--",
    "name\x00",
    "\ud800",
    "",
    "name.name",
    "parent.parent.parent.parent.parent.name",
    "facts",
    "objects",
    "own_text__",
    "x" * 5000,
    "sort_key",
]
VALUES = [
    None,
    "",
    "x",
    "\x00",
    "\ud800",
    "%",
    10**40,
    -1,
    1.5,
    float("nan"),
    float("inf"),
    True,
    [],
    {},
    ["a", ["b"]],
    [None],
    {"id": {}},
    "x" * 100_000,
    "1e999999",
    "٣",
]
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["all", "any", "name", "eq", "empty"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["all", "any", "_connector", "x"]), inner, max_size=2),
    max_leaves=12,
)


@given(
    node=junk
    | st.tuples(st.sampled_from(HOSTILE + SORTS), st.sampled_from([*conditions.OPS, "regex", "__eq", "isnull", ""]), st.sampled_from(VALUES)).map(
        list
    )
)
@example(node=json.loads("[" * 300 + "]" * 300))
@example(node={"all": [["name", "eq", "x"]] * 60})
@settings(max_examples=3000 if LONG else 150, deadline=None)
def test_hostile_filters_are_refused_in_a_sentence_or_find_rows(world, node):
    try:
        found = door.reading(lambda: query.page(world.actor, registry.get("accounts"), listings.Listing(conditions=(node,))))
    except (RuleError, Unparsable) as error:
        assert str(error).encode()
        return
    assert len(found.records) <= 50


def test_unknown_names_are_refused_wherever_they_stand(world):
    accounts = registry.get("accounts")
    for name in filter(None, HOSTILE):
        for pair in (("sort", name), ("sum", name), (f"{name}__eq", "1")):
            with pytest.raises(RuleError):
                door.reading(lambda pair=pair: query.page(world.actor, accounts, listings.listing([pair])))


@given(
    text=st.text(max_size=60)
    | st.binary(max_size=60).map(lambda b: base64.urlsafe_b64encode(b).decode())
    | junk.map(lambda v: base64.urlsafe_b64encode(json.dumps(v).encode()).decode())
)
@settings(max_examples=2000 if LONG else 80, deadline=None)
def test_a_cursor_of_any_bytes_is_refused_or_read(world, text):
    for sort in ("name", "parent", "own_datetime", "created_at", "payment_days"):
        try:
            door.reading(lambda sort=sort: query.page(world.actor, registry.get("accounts"), listings.Listing(sort=(sort,), cursor=text)))
        except RuleError:
            pass


def test_a_deep_filter_is_unparsable_or_refused(world):
    for depth in (9, 100, 5_000, 200_000):
        with pytest.raises((RuleError, Unparsable)):
            node = conditions.parse('{"all":[' * depth + '["name","eq","x"]' + "]}" * depth)
            door.reading(lambda node=node: query.page(world.actor, registry.get("accounts"), listings.Listing(conditions=(node,))))


def test_places_in_a_tree_take_an_id_and_nothing_else(world):
    for value in ("", None, "x", True, str(uuid4())):
        try:
            found = door.reading(
                lambda value=value: query.page(world.actor, registry.get("facts"), listings.Listing(conditions=(["unit_within", "eq", value],)))
            )
            assert found.records == []
        except RuleError:
            assert not isinstance(value, str) or len(value) != 36


def test_instants_with_and_without_fractions_sort_as_instants(world):
    held = sorted(r["own_datetime"] for r in world.rows if r["own_datetime"])
    assert max(held) - min(held) > timedelta(days=1)
    page = door.reading(lambda: query.page(world.actor, registry.get("accounts"), listings.listing([("sort", "own_datetime"), ("limit", "200")])))
    got = [r.custom.get("own_datetime") for r in page.records]
    read = [datetime.fromisoformat(v).astimezone(UTC) for v in got if v]
    assert read == held
    assert SearchEntry.objects.filter(about_type="accounts").count() == len(world.rows)
