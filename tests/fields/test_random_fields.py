"""Fifty random own fields, filled by programs, filtered and sorted by each through the API, against plain Python. ``ODOS_LONG`` takes 100,000 records."""

import json
import os
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from random import Random

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from core import access, context, jobs, listings, query, registry
from core.collation import sort_key
from tests import people
from tests.fields import drawing
from tests.fields.drawing import World

LONG = bool(os.environ.get("ODOS_LONG"))
ROWS = int(os.environ.get("ODOS_ROWS", 100_000 if LONG else 120))
FIELDS = 50 if LONG else 31
PAGE = 200 if LONG else 50
WALKED = 3 if LONG else 1000  # pages there and back
PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde\x00\x00\x00\x0cIDATx\x9cc\xf8\xcf\xc0\x00\x00\x03\x01\x01\x00"
    b"\xc9\xfe\x92\xef\x00\x00\x00\x00IEND\xaeB`\x82"
)  # fmt: skip
FORMULAS = {
    "f_number": ("COALESCE(n_number, 0) * 3 - COALESCE(n_integer, 1)", "number"),
    "f_divided": ("n_money / n_integer", "number"),
    "f_text": ("n_text & '-' & n_email", "text"),
    "f_late": ("n_date > '2010-06-15'", "yesno"),
}
ROLLUPS = {
    "u_count": ({"type": "contacts", "field": "account", "aggregate": "count"}, "number"),
    "u_own_count": ({"type": "contacts", "field": "belongs", "aggregate": "count"}, "number"),
    "u_sum": ({"type": "contacts", "field": "belongs", "aggregate": "sum", "of": "score"}, "number"),
    "u_last": ({"type": "contacts", "field": "account", "aggregate": "max", "of": "seen_on", "filter": ["score", "gt", "0"]}, "date"),
}


class Drawn:
    """What was drawn: kinds by field, and of each row what was sent, by its id. ``children`` are contacts: (account, belongs, score, seen_on)."""

    def __init__(self):
        self.world, self.kinds, self.rows, self.children = World(), {}, {}, []
        self.owner: dict[str, str] = {}

    def find(self, key: str) -> Callable[[str], object]:
        """Row -> what Python compares of this field."""
        kind = self.kinds[key]
        found = {i: drawing.plain(kind, item[key]) for i, item in self.rows.items() if item.get(key) is not None}
        return found.get


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


@pytest.fixture(scope="module")
def drawn(company, alice, bob, api):
    draw, made = Random(4), Drawn()
    made.world = _world(api, alice, bob)
    kinds = [*drawing.DRAWS, "autonumber"]
    for n in range(FIELDS - len(FORMULAS) - len(ROLLUPS)):
        kind = kinds[n] if n < len(kinds) else draw.choice(kinds[:-1])
        key = f"{'n' if n < len(kinds) else f'm{n}'}_{kind}"
        _field(api, "accounts", key, kind, **_more(kind))
        made.kinds[key] = kind
    for key, kind in (("belongs", "ref"), ("score", "number"), ("seen_on", "date")):
        _field(api, "contacts", key, kind, **({"target": "accounts"} if kind == "ref" else {}))
    _fill(api, draw, made)
    _children(api, draw, made)
    for key, (formula, kind) in FORMULAS.items():
        _field(api, "accounts", key, "formula", formula=formula)
        made.kinds[key] = kind
    for key, (rollup, kind) in ROLLUPS.items():
        _field(api, "accounts", key, "rollup", rollup=rollup)
        made.kinds[key] = kind
    _work_out(made)
    jobs.run_due()  # references get their index
    with connection.cursor() as cursor:  # as a server does by itself within a minute; those of the tests do not
        cursor.execute("ANALYZE crm_account, crm_contact")
    return made


def _world(api, alice, bob) -> World:
    def named(slug: str, items: list[dict]) -> dict[str, str]:
        answer = api.post(f"{slug}/batch/", items)
        assert answer.status_code == 201, answer.json()
        return {r["id"]: r["name"] for r in answer.json()["results"]}

    def bring(name: str, content: bytes) -> str:
        sent = api.client.post("/api/v1/files/", {"file": SimpleUploadedFile(name, content)}, headers={"Authorization": f"Bearer {api.key}"})
        assert sent.status_code == 201, sent.content
        return sent.json()["id"]

    return World(
        named("contacts", [{"name": name} for name in ("Ann", "Zoë", "李雷", "韩梅梅", "Zed", "ann")]),
        named("products", [{"name": f"Product {n}", "sku": f"P{n}"} for n in range(8)]),
        {str(alice.pk): alice.name, str(bob.pk): bob.name},
        [bring(f"note {n}.txt", f"text {n}".encode()) for n in range(4)], [bring(f"dot {n}.png", PNG) for n in range(3)],
    )  # fmt: skip


def _more(kind: str) -> dict:
    targets = {"ref": {"target": "contacts"}, "refs": {"target": "products"}, "autonumber": {"pattern": "N-{000}"}}
    return {"options": drawing.OPTIONS} if kind in ("choice", "choices") else targets.get(kind, {})


def _field(api, slug: str, key: str, kind: str, **more) -> None:
    answer = api.post("custom-fields/", {"type": slug, "key": key, "kind": kind, "label": key, **more})
    assert answer.status_code == 201, answer.json()


def _fill(api, draw: Random, made: Drawn) -> None:
    given = {key: kind for key, kind in made.kinds.items() if kind != "autonumber"}
    for start in range(0, ROWS, 1000):
        items = []
        for n in range(start, min(start + 1000, ROWS)):
            item = {key: value for key, kind in given.items() if (value := drawing.value(kind, draw, made.world)) is not None}
            items.append({"name": f"{draw.choice(drawing.WORDS).strip()} {n}", "owner": draw.choice(list(made.world.people)), **item})
        answer = api.post("accounts/batch/", items)
        assert answer.status_code == 201, answer.json()
        for row, item in zip(answer.json()["results"], items, strict=True):
            made.rows[row["id"]] = {**item, "n_autonumber": row["n_autonumber"]}
            made.owner[row["id"]] = item["owner"]
            assert all(same(kind, item.get(key), row[key]) for key, kind in given.items()), (item, row)


def same(kind: str, sent, read) -> bool:
    """Whether what was read is what was sent."""
    if kind in ("ref", "user", "file", "image"):
        read = read and read["id"]
    if kind == "refs":
        read = [r["id"] for r in read]
    if kind == "geo":
        return (sent and {n: Decimal(p) for n, p in sent.items()}) == (read and {n: Decimal(p) for n, p in read.items()})
    if kind == "address":
        return sent == read
    return drawing.plain(kind, sent) == drawing.plain(kind, None if read in ("", []) else read)


def _children(api, draw: Random, made: Drawn) -> None:
    ids = list(made.rows)
    for start in range(0, ROWS // 4, 1000):
        items = []
        for n in range(start, min(start + 1000, ROWS // 4)):
            account, belongs = draw.choice(ids), draw.choice([None, draw.choice(ids)])
            child = {"account": account, "belongs": belongs, "score": str(draw.randint(-5, 20)), "seen_on": f"2026-0{draw.randint(1, 9)}-11"}
            made.children.append(child)
            items.append({"name": f"Child {n}", **{k: v for k, v in child.items() if v is not None}})
        answer = api.post("contacts/batch/", items)
        assert answer.status_code == 201, answer.json()


def _work_out(made: Drawn) -> None:
    """Formulas and roll-ups in plain Python."""
    nothing = Decimal(0)
    counts: dict[str, dict[str, list]] = {"account": {}, "belongs": {}}
    for child in made.children:
        for name, grouped in counts.items():
            grouped.setdefault(child[name], []).append(child)
    for ident, item in made.rows.items():
        number, integer, money = (drawing.plain("number", item.get(f"n_{n}")) for n in ("number", "integer", "money"))
        item["f_number"] = (number or nothing) * 3 - (1 if integer is None else integer)
        item["f_divided"] = (money / integer).quantize(Decimal("0.0000000001"), ROUND_HALF_UP) if integer and money is not None else None
        item["f_text"] = f"{item.get('n_text') or ''}-{item.get('n_email') or ''}"
        item["f_late"] = item.get("n_date", "") > "2010-06-15"  # nothing is not more
        mine, own = counts["account"].get(ident, []), counts["belongs"].get(ident, [])
        item["u_count"], item["u_own_count"] = len(mine), len(own)
        item["u_sum"] = sum((Decimal(c["score"]) for c in own), nothing)
        item["u_last"] = max((c["seen_on"] for c in mine if int(c["score"]) > 0), default=None)


# What programs ask --------------------------------------------------------------------------------------------------


def asked(api, words: dict) -> dict:
    answer = api.get("accounts/", words)
    assert answer.status_code == 200, (words, answer.json())
    return answer.json()


def pages(api, words: dict):
    """Ids page by page, forwards; then backwards from the last."""
    answer, there = asked(api, {**words, "limit": PAGE}), []
    while True:
        there.append([r["id"] for r in answer["results"]])
        if len(there) >= WALKED or not answer["next"]:
            break
        answer = api.get(answer["next"]).json()
    back = [there[-1]]
    while answer["previous"]:
        answer = api.get(answer["previous"]).json()
        back.append([r["id"] for r in answer["results"]])
    return there, back[::-1]


def whole_order(alice, sort: str) -> list[str]:
    wanted = listings.Listing(sort=(sort,))
    with context.remembering():
        return [str(pk) for pk in query.ordered(access.actor_for(alice), registry.get("accounts"), wanted).values_list("pk", flat=True)]


def test_each_operator_of_each_field_finds_what_plain_python_finds(api, drawn, bob, company):
    draw, wrong, seller = Random(5), [], people.api(bob, company)
    for key, kind in drawn.kinds.items():
        rules, find = registry.KINDS[kind], drawn.find(key)
        tests = [(key, op, find, drawn.rows) for op in rules.ops]
        for path, of, part in drawing.paths(key, kind, drawn.world):
            raw = {i: item[key] for i, item in drawn.rows.items() if item.get(key) is not None}
            held = {i: part(v) for i, v in raw.items() if part(v) is not None}
            through = raw if kind in ("ref", "user") else drawn.rows
            tests += [(path, op, held.get, through) for op in registry.KINDS[of].ops]
        for path, op, value, among in tests:
            held = [v for i in drawn.rows if (v := value(i)) is not None]
            operand = drawing.operand(op, held, draw) if held else True
            expected = {i for i in among if drawing.holds(value(i), op, operand)}
            words = {"filter": _filter(path, op, operand), "count": "exact", "sort": "id", "limit": PAGE}
            asking = [(api, expected)]
            if (LONG or op == "ne") and "." not in path and path not in ROLLUPS:  # what he does not see is not there for him
                asking.append((seller, {i for i in expected if drawn.owner[i] == str(bob.pk)}))
            for program, rows in asking:
                found = asked(program, words)
                if found["count"] != len(rows) or [r["id"] for r in found["results"]] != sorted(rows)[:PAGE]:
                    wrong.append((path, kind, op, operand, found["count"], len(rows)))
    assert not wrong, "\n".join(map(str, wrong))


def _filter(path: str, op: str, operand) -> str:
    return json.dumps([path, op, drawing.asked_as(operand)])


def test_each_field_sorts_as_plain_python_does_on_every_page_there_and_back(api, alice, drawn):
    ids, wrong, draw = list(drawn.rows), [], Random(9)
    for key, kind in drawn.kinds.items():
        if not registry.KINDS[kind].sorts:
            continue
        find = drawn.find(key)
        for falls in (False, True) if LONG else (draw.random() < 0.5,):
            sort, expected = f"{'-' * falls}{key}", drawing.ordered(ids, (find, falls))
            if whole_order(alice, sort) != expected:
                wrong.append((sort, "all"))
            there, back = pages(api, {"sort": sort})
            flat = [i for page in there for i in page]
            if flat != expected[: len(flat)] or there != back or (not LONG and len(flat) != len(expected)):
                wrong.append((sort, "pages"))
    assert not wrong, wrong


def test_two_columns_and_names_sort_together(api, drawn):
    ids, draw = list(drawn.rows), Random(6)
    name = {i: sort_key(item["name"]) for i, item in drawn.rows.items()}.get
    for low, other in (("n_choice", "n_number"), ("n_yesno", "f_text"), ("n_user", "u_sum"), ("n_date", "n_datetime"), ("u_count", "name")):
        falls, further = draw.random() < 0.5, draw.random() < 0.5
        expected = drawing.ordered(ids, (drawn.find(low), falls), (name if other == "name" else drawn.find(other), further))
        there, back = pages(api, {"sort": f"{'-' * falls}{low},{'-' * further}{other}"})
        flat = [i for page in there for i in page]
        assert flat == expected[: len(flat)], (low, other)
        assert there == back


def test_filters_nest_and_figures_add_up(api, drawn):
    draw = Random(7)
    plain = [k for k, kind in drawn.kinds.items() if registry.KINDS[kind].sorts and kind != "address"]
    for _n in range(10):
        keys = draw.sample(plain, 3)
        parts = []
        for key in keys:
            find = drawn.find(key)
            op = draw.choice([o for o in registry.KINDS[drawn.kinds[key]].ops if o != "in"])
            parts.append((key, op, drawing.operand(op, [v for i in drawn.rows if (v := find(i)) is not None], draw), find))
        (a, b, c) = ([key, op, drawing.asked_as(operand)] for key, op, operand, _find in parts)
        x, y, z = ({i for i in drawn.rows if drawing.holds(find(i), op, operand)} for _key, op, operand, find in parts)
        found = asked(api, {"filter": json.dumps({"any": [a, {"all": [b, c]}]}), "count": "exact", "sum": "n_number,u_sum,f_number", "limit": 1})
        rows = x | y & z
        assert found["count"] == len(rows), (a, b, c)
        for key, total in found["sums"].items():
            values = map(drawn.find(key), rows)
            assert Decimal(total) == sum((v for v in values if v is not None), Decimal(0)), key
