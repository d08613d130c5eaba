"""A million records with fifty own fields: each filters and sorts them within 1.5 seconds, on the first page and deep down. ``ODOS_LONG`` alone.

What took how long is printed as a table: ``ODOS_LONG=1 pytest tests/fields/test_million.py -s``. The rows are written by SQL, since they only have to be there.
"""

import json
import os
import time
from collections import defaultdict
from decimal import Decimal
from random import Random

import pytest
from django.db import OperationalError, connection

from core import access, context, cursors, door, jobs, ordering, query, registry
from core.listings import Listing
from core.models import CustomField
from tests import people
from tests.fields.test_random_fields import FORMULAS, ROLLUPS

pytestmark = pytest.mark.skipif(not os.environ.get("ODOS_LONG"), reason="a million records take minutes")
ROWS = int(os.environ.get("ODOS_ROWS", 1_000_000))
SECONDS = 1.5
WORD = "substr(md5(random()::text), 1, 2 + (random() * 8)::int)"
DAY = "to_char(date '1990-01-01' + (random() * 20000)::int, 'YYYY-MM-DD')"
KEY = "(ARRAY['a', 'b', 'c', 'd', 'Z'])[1 + floor(random() * 5)::int]"
OPTIONS = [{"key": k, "label": k} for k in ("a", "b", "c", "d", "Z")]
SQL = {
    "text": WORD, "longtext": f"{WORD} || ' ' || repeat({WORD} || ' ', 4)", "number": "round((random() * 2000000 - 1000000)::numeric, 2)::text",
    "integer": "(random() * 100)::int - 50", "money": "round((random() * 100000)::numeric, 2)::text", "percent": "round(random()::numeric, 4)::text",
    "date": DAY, "datetime": f"{DAY} || 'T0' || (random() * 9)::int || ':30:00.000000Z'", "yesno": "random() < 0.5", "choice": KEY,
    "choices": f"jsonb_build_array({KEY})", "ref": "{contact}", "refs": "jsonb_build_array({contact})", "user": "{person}",
    "email": f"{WORD} || '@example.com'", "phone": "'+4922' || (1000000 + random() * 8999999)::int", "url": f"'https://' || {WORD} || '.example.com/'",
    "barcode": "lpad((random() * 1000000000)::int::text, 13, '0')", "autonumber": "'N-' || lpad(n::text, 7, '0')",
    "address": f"jsonb_build_object('street', {WORD}, 'city', (ARRAY['Bonn', '上海', 'Zürich'])[1 + floor(random() * 3)::int], 'country', 'DE')",
    "geo": "jsonb_build_object('lat', round((random() * 180 - 90)::numeric, 4)::text, 'lng', round((random() * 360 - 180)::numeric, 4)::text)",
    "file": "{contact}", "image": "{contact}",
}  # fmt: skip
NUMBERS = ("number", "integer", "money", "percent")


@pytest.fixture(scope="module")
def fields(company, alice):
    """Kind by field, once the million is there."""
    kinds, draw, made = list(SQL), Random(4), {}
    for n in range(50 - len(FORMULAS) - len(ROLLUPS)):
        kind = kinds[n] if n < len(kinds) else draw.choice(kinds[:16])
        made[f"{'n' if n < len(kinds) else f'm{n}'}_{kind}"] = kind
    api = people.api(alice, company)
    for slug, key, kind, more in [
        *(("accounts", key, kind, _more(kind)) for key, kind in made.items()),
        ("contacts", "belongs", "ref", {"target": "accounts"}), ("contacts", "score", "number", {}), ("contacts", "seen_on", "date", {}),
        *(("accounts", key, "formula", {"formula": text}) for key, (text, _kind) in FORMULAS.items()),
        *(("accounts", key, "rollup", {"rollup": rollup}) for key, (rollup, _kind) in ROLLUPS.items()),
    ]:  # fmt: skip
        answer = api.post("custom-fields/", {"type": slug, "key": key, "kind": kind, "label": key, **more})
        assert answer.status_code == 201, answer.json()
    folk = [alice, *(people.new_user(f"Seller{n}", "sales") for n in range(9))]
    jobs.run_due()  # references get their index
    _write_rows(made, [str(user.pk) for user in folk])
    return made | {key: kind for key, (_said, kind) in (FORMULAS | ROLLUPS).items()}


def _more(kind: str) -> dict:
    return {
        "choice": {"options": OPTIONS}, "choices": {"options": OPTIONS}, "ref": {"target": "contacts"}, "refs": {"target": "contacts"},
        "autonumber": {"pattern": "N-{0000000}"},
    }.get(kind, {})  # fmt: skip


def _write_rows(made: dict[str, str], folk: list[str]) -> None:
    people_of = "(ARRAY[" + ", ".join(f"'{pk}'" for pk in folk) + "])[1 + floor(random() * 10)::int]"
    pairs = ", ".join(f"'{key}', CASE WHEN random() > 0.15 THEN {SQL[kind]} END" for key, kind in made.items())
    pairs = pairs.replace("{contact}", "contacts[1 + floor(random() * 500)::int]").replace("{person}", people_of)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        insert = "INSERT INTO {table} SELECT made.* FROM {source}, jsonb_populate_record(NULL::{table}, %s::jsonb || jsonb_build_object({values})) AS made"
        named = "'id', uuidv7(), 'name', 'R ' || n, 'sort_key', 'r ' || n, 'created_at', now() - n * interval '1 second', "
        account, contact = _blank("accounts"), _blank("contacts")
        cursor.execute(insert.format(table="crm_contact", source="generate_series(1, 500) n", values=f"{named} 'title', ''"), [contact])
        cursor.execute("SELECT array_agg(id::text) FROM crm_contact")
        contacts = cursor.fetchone()[0]
        values = f"{named} 'owner_id', {people_of}, 'custom', jsonb_strip_nulls(jsonb_build_object({pairs}))"
        for first in range(1, ROWS, 100_000):
            source = f"generate_series({first}, {min(first + 99_999, ROWS)}) n, (SELECT %s::text[] AS contacts) AS known"
            cursor.execute(insert.format(table="crm_account", source=source, values=values), [contacts, account])
        any_account = "ids[1 + floor(random() * array_length(ids, 1))::int]"
        values = (
            f"{named} 'account_id', {any_account}, 'custom', "
            f"jsonb_build_object('belongs', {any_account}, 'score', (random() * 20)::int::text, 'seen_on', {DAY})"
        )
        source = f"generate_series(1, {ROWS // 4}) n, (SELECT array_agg(id) AS ids FROM crm_account) AS known"
        cursor.execute(insert.format(table="crm_contact", source=source, values=values), [contact])
        cursor.execute("VACUUM ANALYZE crm_account")
        cursor.execute("VACUUM ANALYZE crm_contact")
        cursor.execute("RESET statement_timeout")


def _blank(slug: str) -> str:
    """What every column of a new record holds, as JSON."""
    record = registry.get(slug).new()
    values = {f.column: getattr(record, f.attname) for f in record._meta.concrete_fields if not f.generated}
    return json.dumps({name: value if isinstance(value, list | dict | int | type(None)) else str(value) for name, value in values.items()})


class Watch:
    """Seconds by (kind, what)."""

    def __init__(self):
        self.seconds: dict[tuple[str, str], float] = defaultdict(float)
        self.slow: list[str] = []

    def time(self, actor, kind: str, what: str, wanted: Listing) -> query.Page | None:
        def work():
            begun = time.perf_counter()
            try:
                found = query.page(actor, registry.get("accounts"), wanted)
            except OperationalError:  # the server ends what takes too long for anybody
                found = None
            return found, time.perf_counter() - begun

        found, took = door.reading(work)
        self.seconds[kind, what] = max(took, self.seconds[kind, what])
        if took > SECONDS:
            self.slow.append(f"{took:.2f} s: {kind} {what} {wanted}")
        return found

    def table(self) -> str:
        whats = list(dict.fromkeys(what for _kind, what in self.seconds))
        kinds = list(dict.fromkeys(kind for kind, _what in self.seconds))
        rows = [f"| {kind} | " + " | ".join(f"{self.seconds[kind, w]:.2f}" if (kind, w) in self.seconds else "" for w in whats) + " |" for kind in kinds]
        return "\n".join([f"| kind | {' | '.join(whats)} |", "|---" * (len(whats) + 1) + "|", *rows])


def _samples(fields: dict[str, str]) -> dict[str, list]:
    """Some values of each field that there are."""
    accounts = registry.get("accounts")

    def work():
        known = access.fields(access.system("samples"), accounts)
        found = {}
        for key in fields:
            rows = accounts.all().order_by("pk").annotate(_v=known[key].rules.expr(known[key])).values_list("_v", flat=True)[:60]
            found[key] = [v for v in rows if v not in (None, "", [])]
        return found

    return door.reading(work)


def test_each_field_filters_and_sorts_a_million_rows_in_time(company, alice, fields):
    watch, actor = Watch(), access.actor_for(alice)
    seller = access.actor_for(people.owner_of(company).__class__.objects.get(name="Seller3"))
    draw, samples = Random(8), _samples(fields)
    watch.time(actor, "(none)", "count", Listing(count=True))
    computed = {**dict.fromkeys(FORMULAS, "formula"), **dict.fromkeys(ROLLUPS, "roll-up")}
    for key, kind in fields.items():
        rules, shown = registry.KINDS[kind], computed.get(key, kind)
        held = samples[key]
        for op in rules.ops if not key.startswith("m") else ():  # a kind's second field is as its first
            value = held[0][0] if isinstance(held[0], list) else held[0]
            value = str(value) if isinstance(value, Decimal) or hasattr(value, "isoformat") else value
            asked = {"empty": True, "in": [value], "contains": str(value)[:4], "starts": str(value)[:2]}.get(op, value)
            if kind in ("address", "geo") and op != "empty":
                asked = "bonn"
            watch.time(actor, shown, op, Listing(conditions=([key, op, asked],), count=True))
            watch.time(seller, shown, "own", Listing(conditions=([key, op, asked],), count=True))
        if rules.sorts:
            _sorts(watch, actor, seller, shown, key, draw)
    print("\n" + watch.table())
    assert not watch.slow, "\n".join(watch.slow)


def _sorts(watch: Watch, actor, seller, kind: str, key: str, draw: Random) -> None:
    for sort in (key, f"-{key}"):
        first = watch.time(actor, kind, "sort", Listing(sort=(sort,)))
        assert first is None or first.next
        watch.time(seller, kind, "sort own", Listing(sort=(sort,)))
        deep = _deep(actor, sort)
        found = watch.time(actor, kind, "deep", Listing(sort=(sort,), cursor=deep))
        if found is not None:
            assert found.records
            watch.time(actor, kind, "back", Listing(sort=(sort,), cursor=found.previous))


def _deep(actor, sort: str) -> str:
    """The cursor of a row in the middle of the list."""

    def work():
        keys = ordering.keys(actor, registry.get("accounts"), (sort,))
        found = query.matching(actor, registry.get("accounts"), Listing())
        middle = ordering.by(found, keys).values_list("pk", flat=True)[ROWS // 2]
        return cursors.encode(keys, ordering.by(found.filter(pk=middle), keys).get(), False)

    with context.remembering():
        return work()


def test_a_fast_field_takes_a_hundredth_of_that(company, alice, fields):
    watch, actor = Watch(), access.actor_for(alice)
    api = people.api(alice, company)
    fast = [key for key, kind in fields.items() if key.startswith("n_") and kind in ("text", "number", "date", "choice", "choices", "yesno", "ref", "datetime")]
    for key in fast:
        row = CustomField.objects.get(type="accounts", key=key)
        assert api.patch(f"custom-fields/{row.pk}/", {"fast": True}, row.version).status_code == 200
    begun = time.perf_counter()
    jobs.run_due()
    print(f"\n{len(fast)} fast fields were built in {time.perf_counter() - begun:.0f} s")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE crm_account")
    for key in fast:
        kind, value = fields[key], _samples({key: ""})[key][0]
        value = value[0] if isinstance(value, list) else str(value) if isinstance(value, Decimal) else value
        watch.time(actor, kind, "eq", Listing(conditions=([key, "eq", value],)))
        watch.time(actor, kind, "count", Listing(conditions=([key, "eq", value],), count=True))
        if registry.KINDS[kind].sorts:
            _sorts(watch, actor, actor, kind, key, Random(1))
    print("\n" + watch.table())
    assert not watch.slow, "\n".join(watch.slow)
