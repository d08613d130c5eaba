"""Pivot tables: each cell against plain Python over the records one sees, and against the list it links to."""

import csv
import io
import random
import re
from decimal import Decimal
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from core import access, door, listings, periods, pivot, query, registry, write
from core.errors import RuleError
from core.listings import Listing
from core.views import filters
from tests import people


def make(user, slug, **data):
    return door.writing(lambda: write.create(access.actor_for(user), registry.get(slug), data))


@pytest.fixture(scope="module")
def zoe(company):
    """Sees her own alone."""
    return people.new_user("Zoe", "sales")


@pytest.fixture(scope="module", autouse=True)
def opportunities(alice, zoe):
    """Sixty of two owners, with own fields of every kind that groups, some of it empty."""
    actor = access.actor_for(alice)
    colours = [{"key": "r", "label": "Red"}, {"key": "b", "label": "Blue"}]
    make(alice, "custom-fields", type="opportunities", key="colour", kind="choice", label="Colour", options=colours)
    make(alice, "custom-fields", type="opportunities", key="hot", kind="yesno", label="Hot")
    make(alice, "custom-fields", type="opportunities", key="seen", kind="date", label="Seen")
    make(alice, "custom-fields", type="opportunities", key="met", kind="datetime", label="Met")
    make(alice, "custom-fields", type="opportunities", key="weight", kind="number", label="Weight")
    make(alice, "custom-fields", type="opportunities", key="friend", kind="user", label="Friend")
    accounts = [make(alice, "accounts", name=f"Pivot {n}", roles=["customer"]) for n in range(3)]
    draw = random.Random(7)
    items = []
    for n in range(60):
        item = {"name": f"Chance {n}", "account": str(draw.choice(accounts).pk), "amount": f"{draw.randrange(1, 9000)}.{draw.randrange(100):02}"}
        item["close_date"] = f"20{draw.choice((25, 26))}-{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}"
        item["owner"] = str(draw.choice((alice.pk, zoe.pk)))
        extra = {
            "colour": draw.choice(("r", "b")), "hot": draw.choice((True, False)), "seen": f"2026-{draw.randrange(1, 13):02}-0{draw.randrange(1, 10)}",
            "met": f"2026-{draw.randrange(1, 13):02}-01T{draw.randrange(24):02}:30:00Z", "weight": str(draw.randrange(-50, 50)), "friend": str(zoe.pk),
        }  # fmt: skip
        items.append(item | {k: v for k, v in extra.items() if draw.random() < 0.7})
    door.writing(lambda: write.create_many(actor, registry.get("opportunities"), items))


DIMENSIONS = [
    "owner", "account", "status", "stage", "colour", "hot", "friend", "close_date:month", "close_date:quarter", "close_date:year", "seen:month",
    "seen:quarter", "met:month", "met:year", "created_at:month",
]  # fmt: skip
VALUES = ["amount", "weight"]


def folded(company, f, period, value):
    if value in (None, ""):
        return None
    if not period:
        return str(value)
    day = value.astimezone(company.zone).date() if hasattr(value, "tzinfo") else value
    return periods.containing(day, period, company.fiscal_year_start).key


def by_hand(company, records, known, keys):
    """Records by their groups, in plain Python."""
    found = {}
    for record in records:
        group = tuple(folded(company, known[k.partition(":")[0]], k.partition(":")[2], known[k.partition(":")[0]].value(record)) for k in keys)
        found.setdefault(group, []).append(record)
    return found


def plain(group):
    return tuple(None if v is None else str(v) for v in group)


@given(
    rows=st.lists(st.sampled_from(DIMENSIONS), unique=True, max_size=2), cols=st.lists(st.sampled_from(DIMENSIONS), unique=True, max_size=2),
    value=st.sampled_from(VALUES), aggregate=st.sampled_from(pivot.AGGREGATES), narrow=st.sampled_from([None, ["amount", "gte", "3000"], ["hot", "eq", True]]),
    whose=st.sampled_from(["alice", "zoe"]),
)  # fmt: skip
def test_every_cell_is_what_plain_python_and_its_list_say(company, alice, zoe, rows, cols, value, aggregate, narrow, whose):
    user = {"alice": alice, "zoe": zoe}[whose]
    cols = [c for c in cols if c not in rows]
    actor, object_type = access.actor_for(user), registry.get("opportunities")
    known = access.fields(actor, object_type)
    wanted = Listing(conditions=(narrow,) if narrow else ())
    down, across = (pivot.read_dimensions(actor, object_type, names, "x") for names in (rows, cols))
    made = pivot.table(actor, object_type, wanted, down, across, value, aggregate)
    seen = list(query.matching(actor, object_type, wanted))
    assert all(r.owner_id == user.pk for r in seen) or whose == "alice"
    amount = made.value or known[value]
    groups = by_hand(company, seen, known, [*rows, *cols])
    assert {(plain(d), plain(a)) for d, a in made.cells if len(d) == len(rows) and len(a) == len(cols)} == {(g[: len(rows)], g[len(rows) :]) for g in groups}
    for (d, a), cell in made.cells.items():
        mine = [r for g, rs in groups.items() for r in rs if plain(d) in (g[: len(rows)], ()) and plain(a) in (g[len(rows) :], ())]
        numbers = [v for v in (amount.value(r) for r in mine) if v is not None]
        expected = {
            "count": len(mine), "sum": sum(numbers, Decimal(0)), "average": sum(numbers, Decimal(0)) / len(numbers) if numbers else None,
            "min": min(numbers, default=None), "max": max(numbers, default=None),
        }[aggregate]  # fmt: skip
        assert cell.value(aggregate) == expected
        listed = listings.listing(made.words(d, a), ignored=filters.OWN_WORDS)
        page = query.page(actor, object_type, Listing(conditions=(*wanted.conditions, *listed.conditions), count=True, sums=listed.sums))
        assert page.count == len(mine) == cell.count
        if aggregate == "sum":
            assert page.sums[made.value.name] == expected


def test_it_is_one_grouped_query_however_many_cells(alice):
    actor, object_type = access.actor_for(alice), registry.get("opportunities")
    down, across = (pivot.read_dimensions(actor, object_type, [n], "x") for n in ("colour", "close_date:month"))
    with CaptureQueriesContext(connection) as caught:
        pivot.table(actor, object_type, Listing(), down, across, "amount", "sum")
    assert sum("GROUP BY" in one["sql"] for one in caught.captured_queries) == 1


@pytest.mark.parametrize(("rows", "value", "aggregate"), [
    (["nothing"], "", "count"), (["close_date:week"], "", "count"), (["owner:month"], "", "count"), (["owner", "stage", "status"], "", "count"),
    (["owner"], "name", "sum"), (["owner"], "amount", "median"), (["owner"], "", "sum"), (["name"], "", "count"),
])  # fmt: skip
def test_what_makes_no_table_is_a_sentence(alice, client_for, rows, value, aggregate):
    actor, object_type = access.actor_for(alice), registry.get("opportunities")
    with pytest.raises(RuleError):
        pivot.table(actor, object_type, Listing(), pivot.read_dimensions(actor, object_type, rows, "x"), [], value, aggregate)
    words = {"view": "pivot", "pivot-rows": ",".join(rows), "pivot-value": value, "pivot-of": aggregate}
    assert client_for(alice).get("/opportunities/", words).status_code == 200


def test_a_hidden_field_neither_groups_nor_adds_up(alice, client_for):
    grants = [{"type": "opportunities", "actions": ["view", "export"], "scope": "all", "hidden": ["amount", "base_amount", "colour"]}]
    role = make(alice, "roles", name="Without amounts", grants=grants)
    max_ = make(alice, "users", name="Max", email="max-pivot@example.com", roles=[str(role.pk)])
    page = client_for(max_).get("/opportunities/?view=pivot&pivot-rows=colour&pivot-value=amount").content.decode()
    assert "Colour" not in page and "Amount" not in page and "cannot be grouped" in page


def test_the_page_links_each_cell_to_its_list_and_gives_the_same_as_a_file(alice, client_for):
    client = client_for(alice)
    address = "/opportunities/?view=pivot&pivot-rows=colour&pivot-cols=close_date:year&pivot-value=amount&pivot-of=sum"
    page = client.get(address).content.decode()
    links = [unescape(link) for link in re.findall(r'<td class="num[^"]*"><a href="([^"]+)"', page)]
    assert len(links) == 12  # red, blue, none and all; two years and both
    for link in links:
        answer = client.get(link)
        assert answer.status_code == 200 and dict(parse_qsl(urlsplit(link).query))["sum"]
    rows = list(csv.reader(io.StringIO(client.get(address + "&format=csv").content.decode("utf-8-sig"))))
    assert rows[0] == ["", "2025", "2026", "Total"] and [r[0] for r in rows[2:]] == ["Red", "Blue", "(empty)", "Total"]
    assert sum(Decimal(r[3]) for r in rows[2:5]) == Decimal(rows[5][3])


@pytest.mark.parametrize("content", [{"rows": ["colour"], "aggregate": "mode"}, {"rows": ["colour"], "value": "name", "aggregate": "sum"}])
def test_what_makes_no_pivot_is_refused_when_it_is_saved(company, alice, content):
    answer = people.api(alice, company).post("saved-views/", {"type": "opportunities", "name": "No", "kind": "pivot", "content": content})
    assert answer.status_code == 422 and answer.json()["errors"]["content"]


def test_it_is_saved_with_its_fields(alice, client_for):
    client = client_for(alice)
    state = "view=pivot&pivot-rows=colour&pivot-rows=owner&pivot-cols=close_date:quarter&pivot-value=amount&pivot-of=max"
    client.post("/opportunities/views/", {"name": "Pivot kept", "state": state, "whose": "own"})
    kept = registry.get("saved-views").all().get(name="Pivot kept")
    assert kept.kind == "pivot"
    assert kept.content == {"rows": ["colour", "owner"], "cols": ["close_date:quarter"], "value": "amount", "aggregate": "max"}
    page = client.get(f"/opportunities/?view={kept.pk}").content.decode()
    assert 'class="table pivot"' in page and "Changed" not in page
