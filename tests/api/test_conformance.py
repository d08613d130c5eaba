"""What holds for every type of the registry, and for a company's own: a new type gets these tests by existing."""

import csv
import io
import json
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import access, context, door, listings, query, read, registry
from core.api import answers
from tests import dealer, factories

ELSEWHERE = ("kpis",)  # these answer as the contract words KPIs: tests/api/test_kpis.py, tests/kpi
SLUGS = [*(t.slug for t in registry.every() if t.slug not in ELSEWHERE), *dealer.SLUGS]
WRITABLE = [*(slug for slug in factories.writable() if slug not in ELSEWHERE), *dealer.SLUGS]
KEPT = ("layouts", "packs")  # nobody archives these: tests/layouts, tests/shaping/test_packs.py
LEDGERS = ("stock-moves",)  # rows are only added: tests/erp/test_deliveries.py


@pytest.fixture(scope="module", autouse=True)
def _some_of_each(api):
    """Five records of each type, and the facts and trail entries they leave."""
    dealer.build(api)
    for slug in WRITABLE:
        for _each in range(5):
            factories.make(slug, api)
    for order in api.get("orders/?limit=3&status=draft").json()["results"]:
        assert api.post(f"{order['url']}confirm/").status_code == 200
    for note in api.get("credit-notes/?limit=5&status=draft").json()["results"]:  # what they settle are allocations
        assert api.post(f"{note['url']}post/").status_code == 200


def visible(slug, owner):
    with context.remembering():
        return access.fields(owner, registry.get(slug))


def results(api, path, query=None):
    """The rows of a page; with the longest pages there are, those of all pages."""
    response = api.get(path, query)
    assert response.status_code == 200, (path, query, response.content)
    page = response.json()
    found = page["results"]
    while page["next"] and ("limit=200" in path or (query or {}).get("limit") == "200"):
        page = api.get(page["next"]).json()
        found += page["results"]
    return found


@pytest.mark.parametrize("slug", SLUGS)
def test_what_is_written_at_once_is_what_is_read_step_by_step(slug, owner, carol):
    """The API writes rows without the references, labels and lines that pages are drawn from: both say the same, in the same order."""
    object_type = registry.get(slug)

    def url(other, ident):
        return f"{other}/{ident}"

    for actor in (owner, access.actor_for(carol)):
        with context.remembering():
            records = list(access.rows(actor, object_type)[:20])
            steps = [read.as_json(one, url) for one in read.present(actor, object_type, records)]
            assert answers.written(read.written(actor, object_type, records, url)) == answers.written(steps)


def lists_of(object_type, known):
    """Lists by each reference and choice as records have them, alone and with another, sorted and summed."""
    found = [{}]
    for f in known.values():
        if f.kind in ("ref", "user", "anyref", "choice") and f.name != "id" and f.is_in_sql and f.rules.ops and not f.is_looked_up:
            values = {f.value(record) for record in object_type.all()[:20]} - {None, ""}
            found += [{f.name: str(value[1] if f.kind == "anyref" else value)} for value in sorted(values, key=str)[:3]]
    sums = [n for n, f in known.items() if f.rules.sums and f.is_in_sql and not f.is_looked_up][:3]
    sorts = [n for n, f in known.items() if f.rules.sorts and f.is_in_sql and not f.is_looked_up][:4]
    for n, words in enumerate([*found, *({**a, **b} for a, b in zip(found, found[3:], strict=False))]):
        yield {**words, "limit": str(1 + n % 3), "count": "exact", "sum": ",".join(sums), "sort": sorts[n % len(sorts)] if n % 2 and sorts else ""}


@pytest.mark.parametrize("slug", SLUGS)
def test_a_list_in_words_made_once_is_the_list(slug, owner, carol, monkeypatch):
    """Lists that differ in ids alone are worded once for each edition of the set-up: those after the first say what they said before."""
    object_type = registry.get(slug)

    def told(actor, words):
        page = query.page(actor, object_type, listings.listing(words.items()))
        return [vars(r) | {"_state": None} for r in page.records], page.next, page.previous, page.count, page.sums, page.currency

    for actor in (owner, access.actor_for(carol)):
        with door.snapshot():
            wanted = list(lists_of(object_type, access.fields(actor, object_type)))
            once = [told(actor, words) for words in wanted]
            with monkeypatch.context() as patched:
                patched.setattr(query, "_alike", lambda *_asked: None)
                plainly = [told(actor, words) for words in wanted]
            assert once == plainly == [told(actor, words) for words in wanted]


def test_every_factory_is_one_of_a_type_that_people_write():
    assert set(factories.DATA) <= {*WRITABLE, *ELSEWHERE}


@pytest.mark.parametrize("slug", [s for s in WRITABLE if s not in (*LEDGERS, *KEPT)])
def test_a_record_lives_from_post_to_delete(api, slug):
    made = factories.make(slug, api)
    assert api.get(made["url"]).json() == made
    fields = {n: f for n, f in registry.get(slug).fields.items() if f.kind in ("text", "rate") and not (f.readonly or f.once or f.compute)}
    name = next((n for n, f in fields.items() if f.kind == "text"), None) or next(iter(fields))
    value = f"{made[name]} changed" if fields[name].kind == "text" else "7.25"
    changed = api.patch(made["url"], {name: value}, made["version"])
    assert changed.status_code == 200 and changed.json()[name] == value.strip() and changed["ETag"] == '"2"'
    archived = api.post(f"{made['url']}archive/")
    assert archived.status_code == 200 and archived.json()["archived_at"]
    assert made["id"] not in [r["id"] for r in results(api, f"{slug}/?limit=200")]
    assert made["id"] in [r["id"] for r in results(api, f"{slug}/?limit=200&archived=true")]
    restored = api.post(f"{made['url']}restore/")
    assert restored.status_code == 200 and restored.json()["archived_at"] is None
    gone = api.delete(made["url"], restored.json()["version"])
    assert gone.status_code == 204 and gone.content == b""
    goes, after = registry.get(slug).deletable, api.get(made["url"])
    assert after.status_code == 404 if goes else after.json()["archived_at"], "what a type keeps is archived instead"
    acts = [e["act"] for e in results(api, f"trail/?about={made['id']}")]
    assert acts == ["delete" if goes else "archive", "restore", "archive", "change", "add"] or acts == []


@pytest.mark.parametrize("slug", WRITABLE)
def test_a_batch_makes_what_a_post_makes(api, slug):
    items = [factories.data(slug, api) for _each in range(3)]
    made = api.post(f"{slug}/batch/", items)
    assert made.status_code == 201, made.content
    assert [api.get(r["url"]).json() for r in made.json()["results"]] == made.json()["results"]


@pytest.mark.parametrize("slug", SLUGS)
def test_every_field_is_filtered_by_each_of_its_operators(api, owner, slug):
    records = results(api, f"{slug}/?limit=200")
    assert records
    for name, f in visible(slug, owner).items():
        if f.compute or f.kind == "within":
            continue
        for op in f.rules.ops:
            probe = _probe(name, f, op, records)
            if probe is None:
                continue
            found = results(api, f"{slug}/", {f"{name}__{op}": probe, "limit": "200"})
            if op == f.rules.ops[-1]:
                in_json = results(api, f"{slug}/", {"filter": json.dumps([name, op, probe]), "limit": "200"})
                assert [r["id"] for r in found] == [r["id"] for r in in_json], (name, op)
            if f.expression is None:
                assert {r["id"] for r in found} == {r["id"] for r in records if _holds(f, r[name], op, probe)}, (name, op, probe)


def _probe(name, f, op, records):
    """A value to compare with: that of the first record that has one."""
    if op == "empty":
        return "true"
    if f.expression is not None:
        return None
    value = next((r[name] for r in records if r.get(name) not in (None, "", [])), None)
    value = value[0] if isinstance(value, list) else value
    value = value["id"] if isinstance(value, dict) else value
    if f.name == "id" and "-" not in str(value):
        return None  # a ledger's own number
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _holds(f, value, op, probe):
    """The operator in plain Python, as an oracle."""
    if op == "empty":
        return (value in (None, "", [])) == (probe == "true")
    values = value if isinstance(value, list) else [value]
    held = [v["id"] if isinstance(v, dict) else str(v).lower() if isinstance(v, bool) else v for v in values if v not in (None, "")]
    if f.rules.sums:
        held, probe = [Decimal(str(v)) for v in held], Decimal(probe)
    if op in ("eq", "in"):
        return probe in held
    if op == "ne":
        return probe not in held
    if not held:
        return False
    one = held[0]
    if op in ("contains", "starts"):
        if isinstance(value, list):
            return probe in held
        return probe.lower() in one.lower() if op == "contains" else one.lower().startswith(probe.lower())
    return {"lt": one < probe, "lte": one <= probe, "gt": one > probe, "gte": one >= probe}[op]


@pytest.mark.parametrize("slug", SLUGS)
def test_every_sortable_field_sorts_and_pages_give_each_row_once(api, owner, slug):
    everything = {r["id"] for r in results(api, f"{slug}/?limit=200")}
    for name, f in visible(slug, owner).items():
        if f.compute or f.expression is not None or not f.rules.sorts:
            refused = api.get(f"{slug}/?sort={name}")
            assert refused.status_code == 422 and refused.json()["errors"]["sort"]
            continue
        if name in ("id", "archived_at"):
            continue
        up = [r["id"] for r in results(api, f"{slug}/?limit=200&sort={name}")]
        assert set(up) == everything and len(up) == len(everything), name
    sortable = [n for n, f in visible(slug, owner).items() if not f.compute and f.expression is None and f.rules.sorts and n != "id"]  # lines have no names
    sort = next((n for n in ("name", "subject", "label", "number", "code", "act", "measure", "created_at") if n in sortable), sortable[0])
    forward, backward = walk(api, slug, f"{slug}/?limit=7&sort={sort}")
    assert forward == [r["id"] for r in results(api, f"{slug}/?limit=200&sort={sort}")]
    assert backward == forward


def walk(api, slug, path):
    """Ids of all pages from first to last, and again of all pages from last to first."""
    pages, page = [], api.get(path).json()
    assert page["previous"] is None
    while True:
        pages.append([r["id"] for r in page["results"]])
        if page["next"] is None:
            break
        assert page["next"].startswith("http://") and f"/api/v1/{slug}/?" in page["next"]
        page = api.get(page["next"]).json()
    back = [pages[-1]]
    while page["previous"]:
        page = api.get(page["previous"]).json()
        back.insert(0, [r["id"] for r in page["results"]])
    return [i for p in pages for i in p], [i for p in back for i in p]


@pytest.mark.parametrize("slug", SLUGS)
def test_a_file_of_all_that_match_says_what_the_list_says(api, owner, slug):
    listed = results(api, f"{slug}/?limit=200")
    response = api.get(f"{slug}/?format=csv&limit=1")
    raw = b"".join(response.streaming_content)
    assert response["Content-Type"] == "text/csv; charset=utf-8" and raw.startswith(b"\xef\xbb\xbf")
    assert f'filename="{slug}.csv"' in response["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))
    assert [row["id"] for row in rows] == [r["id"] for r in listed]
    for name, f in visible(slug, owner).items():
        assert (name in rows[0]) == (f.kind != "secret" and f.expression is None), name
        if f.rules.sums and name in rows[0]:
            assert [row[name] for row in rows] == ["" if r[name] is None else str(r[name]) for r in listed]
        if f.kind in ("ref", "user") and name in rows[0] and name != "id":
            assert [row[name] for row in rows] == [r[name]["id"] if r[name] else "" for r in listed]


@pytest.mark.parametrize("slug", SLUGS)
def test_sums_and_counts_are_over_all_that_match(api, owner, slug):
    listed = results(api, f"{slug}/?limit=200")
    summed = [n for n, f in visible(slug, owner).items() if f.rules.sums and not f.compute and f.expression is None]
    assert api.get(f"{slug}/", {"limit": "1", "count": "exact"}).json()["count"] == len(listed)
    sums = api.get(f"{slug}/", {"limit": "1", "sum": ",".join(summed)}).json()["sums"] if summed else {}
    for name in summed:
        assert Decimal(sums[name]) == sum(Decimal(str(r[name])) for r in listed if r[name] is not None), name
    if summed:
        nothing = api.get(f"{slug}/", {"archived": "true", "sum": summed[0], "id__in": ""} if "archived_at" in listed[0] else {"q": "x", "sum": summed[0]})
        assert nothing.json()["sums"] == {summed[0]: "0"}


@pytest.mark.parametrize("slug", SLUGS)
def test_a_list_costs_as_many_queries_for_many_rows_as_for_few(api, slug):
    while slug in WRITABLE and len(results(api, f"{slug}/?limit=200")) < 50:
        items = [factories.data(slug, api) for _each in range(20)]
        assert api.post(f"{slug}/batch/", items).status_code == 201
    counts, named = [], []
    for limit in (5, 50):
        with CaptureQueriesContext(connection) as queries:
            rows = results(api, f"{slug}/?limit={limit}")
        assert len(rows) >= min(limit, 5)
        named.append({address.split("/api/v1/")[1].split("/")[0] for address in addresses(rows)})
        # Which company a host is, a process remembers for some seconds, so that look-up is in one run and not in the other.
        counts.append(sum("tenants_domain" not in query["sql"] for query in queries))
    assert counts[1] - counts[0] <= len(named[1] - named[0]) and counts[1] <= 20, counts  # one for each type that only more rows name


def addresses(value):
    """Addresses of records anywhere in an answer."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from [one] if name == "url" and one and "/api/v1/" in one else addresses(one)
    elif isinstance(value, list):
        for one in value:
            yield from addresses(one)
