"""Whatever bytes are sent: an answer below 500 in the contract's form, and nothing changed by a refusal (Z-04)."""

import base64
import json
from urllib.parse import quote

import pytest
from django.conf import settings as settings_of_django
from django.db import OperationalError, connection
from hypothesis import given, settings
from hypothesis import strategies as st
from uuid_utils import uuid7

from core import registry
from core.models import IdempotencyKey, TrailEntry
from crm.models import Account
from tests import dealer, factories

SLUGS = [*(t.slug for t in registry.every()), *dealer.SLUGS]
WRITABLE = [*factories.writable(), *dealer.SLUGS]
ACTS = sorted({a.name for t in registry.every() for a in t.acts} | {"archive", "restore"})
NAMES = sorted({n for t in registry.every() for n in t.fields} | {"id", "version", "lines", "charges", "grants", "unit", "created_at"})
NASTY = [
    "", "\x00", "\ud800", "é", "华为", "=1+1", "' OR 1=1 --", "%", "_", "\\", "{}", "[]", "null", "true", "NaN", "Infinity", "-1", "1e400", "9" * 400,
    "0" * 50, "2026-02-30", "9999-12-31", "0001-01-01", "2026-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "a" * 5000, str(uuid7()), "👩‍👩‍👧", "\u202e",
]  # fmt: skip

words = st.one_of(st.sampled_from(NASTY), st.text(max_size=20), st.sampled_from(NAMES))
scalars = st.one_of(words, st.none(), st.booleans(), st.integers(), st.floats(), st.integers(-(10**30), 10**30))
values = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.one_of(st.sampled_from(NAMES), words), inner, max_size=5)), max_leaves=8
)
ops = st.sampled_from(["eq", "ne", "lt", "lte", "gt", "gte", "in", "contains", "starts", "empty", "nonsense"])
paths = st.one_of(st.sampled_from(NAMES), st.builds("{}.{}".format, st.sampled_from(NAMES), st.sampled_from(NAMES)), words)
conditions = st.recursive(
    st.one_of(st.tuples(paths, ops, scalars).map(list), st.tuples(paths, ops, st.lists(scalars, max_size=3)).map(list), values),
    lambda inner: st.one_of(st.fixed_dictionaries({"all": st.lists(inner, max_size=3)}), st.fixed_dictionaries({"any": st.lists(inner, max_size=3)})),
    max_leaves=5,
)
reserved = st.sampled_from(
    ["q", "filter", "sort", "limit", "cursor", "count", "sum", "format", "archived", "as_of", "period", "group_by", "structure", "rollup"]
)
queries = st.dictionaries(st.one_of(reserved, st.builds("{}__{}".format, paths, ops), paths), words, max_size=4)


often = settings(max_examples=settings.default.max_examples * 6)


@pytest.fixture(scope="module", autouse=True)
def _some(api):
    dealer.build(api)
    for slug in WRITABLE:
        factories.make(slug, api)
    order = factories.make("orders", api)
    api.post(f"{order['url']}confirm/")
    for kind in ("text", "number", "integer", "money", "percent", "date", "datetime", "yesno", "email", "phone", "url", "longtext", "user"):
        assert api.post("custom-fields/", {"type": "accounts", "key": f"own_{kind}", "kind": kind, "label": kind}).status_code == 201
    own = {"type": "accounts", "key": "own_ref", "kind": "ref", "label": "Ref", "target": "accounts"}
    assert api.post("custom-fields/", own).status_code == 201


OWN = ["text", "number", "integer", "money", "percent", "date", "datetime", "yesno", "email", "phone", "url", "longtext", "user", "ref"]


def clean(text):
    return text.encode("utf-8", "replace").decode()


def sound(response):
    """Below 500, and a refusal in the one form."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    assert response.status_code < 500, (response.status_code, body[:500])
    if response.status_code >= 400 and response.wsgi_request.method != "HEAD":
        told = json.loads(body)
        assert told["request_id"] and told["errors"], body
        assert all(isinstance(v, list) and v and all(isinstance(s, str) and s for s in v) for v in told["errors"].values()), body
    return response


def ask(api, path, query):
    text = "&".join(f"{quote(clean(k), safe='')}={quote(clean(v), safe='')}" for k, v in query.items())
    return sound(api.client.generic("GET", f"/api/v1/{path}?{text}", headers={"Authorization": f"Bearer {api.key}"}))


@given(slug=st.sampled_from(SLUGS), query=queries)
def test_any_query_of_any_list(api, slug, query):
    ask(api, f"{slug}/", query)


@given(slug=st.sampled_from(SLUGS), condition=conditions)
def test_any_filter_of_any_list(api, slug, condition):
    try:
        text = json.dumps(condition)
    except ValueError:
        return
    ask(api, f"{slug}/", {"filter": text})


@often
@given(data=st.data(), slug=st.sampled_from(SLUGS), operand=st.sampled_from(NASTY), op=ops)
def test_a_field_against_a_nasty_operand(api, data, slug, operand, op):
    own = [*(f"own_{kind}" for kind in OWN if slug == "accounts"), *(f["key"] for f in dealer.FIELDS.get(slug, ()))]
    name = data.draw(st.sampled_from([*registry.get(slug).fields, *own, "id", "version", "created_at"]))
    ask(api, f"{slug}/", {f"{name}__{op}": operand})


@given(query=st.dictionaries(reserved, words, max_size=4), condition=conditions)
def test_any_question_to_a_kpi(api, query, condition):
    ask(api, "kpis/order-intake/value/", query)
    ask(api, "kpis/orders/value/", {**query, "filter": json.dumps(condition, allow_nan=True)})


@given(cursor=st.one_of(st.binary(max_size=40), st.lists(scalars, max_size=4)), slug=st.sampled_from(SLUGS), sort=paths)
def test_any_cursor(api, cursor, slug, sort):
    raw = cursor if isinstance(cursor, bytes) else json.dumps(cursor).encode()
    ask(api, f"{slug}/", {"cursor": base64.urlsafe_b64encode(raw).decode().rstrip("="), "sort": sort})
    ask(api, f"{slug}/", {"cursor": base64.urlsafe_b64encode(raw).decode()})


@given(slug=st.sampled_from(SLUGS), body=st.one_of(values, st.dictionaries(st.sampled_from(NAMES), values, max_size=6)))
def test_any_json_as_a_new_record(api, slug, body):
    sound(api.post(f"{slug}/", json.dumps(body).encode()))
    sound(api.post(f"{slug}/batch/", json.dumps([body, body]).encode()))


@given(slug=st.sampled_from(WRITABLE), extra=st.dictionaries(st.sampled_from(NAMES), scalars, max_size=2))
def test_a_valid_record_with_a_nasty_value(api, slug, extra):
    sound(api.post(f"{slug}/", json.dumps(factories.data(slug, api) | extra).encode()))


@pytest.fixture(scope="module")
def one_of_each(api, _some):
    return {slug: factories.make(slug, api)["url"] for slug in WRITABLE}


@often
@given(data=st.data(), slug=st.sampled_from(WRITABLE), value=st.sampled_from([*NASTY, 10**30, -1, 0.1, [], {}, [None], True, None]))
def test_a_field_of_a_record_with_a_nasty_value(api, one_of_each, data, slug, value):
    fields = [n for n, f in registry.get(slug).fields.items() if not f.readonly]
    own = [*(f"own_{kind}" for kind in OWN if slug == "accounts"), *(f["key"] for f in dealer.FIELDS.get(slug, ()))]
    name = data.draw(st.sampled_from([*fields, *own]))
    response = sound(api.patch(one_of_each[slug], {name: value}, If_Match="*"))
    assert response.status_code in (200, 400, 403, 409, 422)


@given(slug=st.sampled_from([*SLUGS, "kpis", "schema", "docs"]), rest=st.lists(st.one_of(words, st.sampled_from(ACTS)), max_size=3),
       method=st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS", "TRACE"]), body=st.binary(max_size=50))  # fmt: skip
def test_any_address(api, slug, rest, method, body):
    path = "/".join(quote(clean(part), safe="") for part in [slug, *rest])
    if path == "docs":
        return
    sound(api.send(method, f"/api/v1/{path}/", body, If_Match="*"))


@given(
    body=st.binary(max_size=200),
    kind=st.sampled_from(["application/json", "text/plain", "multipart/form-data; boundary=x", "", "application/x-www-form-urlencoded", "é"]),
)
def test_any_bytes(api, body, kind):
    for path in ("accounts/", "accounts/batch/", f"accounts/{uuid7()}/archive/"):
        sound(api.client.generic("POST", f"/api/v1/{path}", body, kind, headers={"Authorization": f"Bearer {api.key}"}))


@given(name=st.sampled_from(["Authorization", "If-Match", "Idempotency-Key", "X-CSRFToken", "Accept", "Accept-Language", "X-Request-Id"]), value=words)
def test_any_header(api, name, value):
    headers = {"Authorization": f"Bearer {api.key}", name: clean(value).replace("\r", "").replace("\n", "")}
    if name == "Authorization":
        headers[name] = f"Bearer {headers[name]}"
    sound(api.client.generic("POST", "/api/v1/accounts/", b'{"name": "Header"}', "application/json", headers=headers))
    sound(api.client.generic("PATCH", f"/api/v1/accounts/{uuid7()}/", b"{}", "application/json", headers=headers))


def digest():
    """What is in every table of the company, but for what a refusal may leave: nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1")
        tables = [name for (name,) in cursor.fetchall()]
        found = {}
        for table in tables:
            cursor.execute(f"SELECT count(*), md5(coalesce(string_agg(md5(t::text), '' ORDER BY md5(t::text)), '')) FROM \"{table}\" t")
            found[table] = cursor.fetchone()
    return found


def test_a_refusal_changes_nothing(api, bobs, carols, daves):
    """Z-04: every sort of refusal, on each kind of write; the tables of the company are the same after it."""
    order, account = factories.make("orders", api), factories.make("accounts", api)
    confirmed = api.post(f"{factories.make('orders', api)['url']}confirm/").json()
    refused = [
        (api, "POST", "accounts/", {"name": "X", "nonsense": 1}, {}),
        (api, "POST", "accounts/", b"{", {}),
        (api, "POST", "accounts/batch/", [{"name": "X"}, {}], {}),
        (api, "POST", "orders/", {"account": account["id"], "lines": [{"quantity": "1", "discount": "2"}]}, {}),
        (api, "POST", "orders/", {"account": account["id"], "lines": [{"quantity": "0"}]}, {}),
        (api, "PATCH", account["url"], {"city": "X"}, {}),
        (api, "PATCH", account["url"], {"city": "X"}, {"If-Match": '"9"'}),
        (api, "PATCH", account["url"], {"parent": account["id"]}, {"If-Match": '"1"'}),
        (api, "DELETE", account["url"], None, {"If-Match": '"9"'}),
        (api, "POST", f"{order['url']}cancel/", {"reason": "X"}, {}),
        (api, "POST", f"{confirmed['url']}confirm/", None, {}),
        (api, "POST", f"{confirmed['url']}amend/", {"lines": []}, {}),
        (api, "POST", f"{confirmed['url']}amend/", {"date": "1999-01-01"}, {}),
        (api, "PATCH", confirmed["url"], {"currency": "JPY"}, {"If-Match": '"2"'}),
        (api, "POST", "accounts/", {"name": "X", "nonsense": 1}, {"Idempotency-Key": "z-04"}),
        (carols, "PATCH", account["url"], {"city": "X"}, {"If-Match": '"1"'}),
        (carols, "POST", f"{order['url']}confirm/", None, {}),
        (carols, "POST", "accounts/", {"name": "X"}, {"Idempotency-Key": "z-04"}),
        (bobs, "PATCH", account["url"], {"city": "X"}, {"If-Match": '"1"'}),
        (bobs, "DELETE", account["url"], None, {"If-Match": '"1"'}),
        (bobs, "POST", "roles/", {"name": "X"}, {}),
        (daves, "DELETE", f"accounts/{account['id']}/", None, {"If-Match": '"1"'}),
    ]  # fmt: skip
    before = digest()
    for who, method, path, body, headers in refused:
        response = sound(who.send(method, path, body, **headers))
        assert 400 <= response.status_code < 500, (method, path, response.content)
        assert digest() == before, (method, path, body)


def test_the_digest_sees_a_change(api):
    before = digest()
    factories.make("accounts", api)
    assert digest() != before


def test_an_outage_of_the_database_is_503_and_changes_nothing(api, monkeypatch):
    def fail(*args, **kwargs):
        raise OperationalError("the connection is lost")

    before = Account.objects.count(), TrailEntry.objects.count(), IdempotencyKey.objects.count()
    monkeypatch.setattr("core.trail.note", fail)
    response = api.post("accounts/", {"name": "Outage"}, idempotency_key="outage")
    assert response.status_code == 503 and response["Retry-After"] and response.json()["errors"]["_"]
    assert (Account.objects.count(), TrailEntry.objects.count(), IdempotencyKey.objects.count()) == before
    monkeypatch.undo()
    assert api.post("accounts/", {"name": "Outage"}, idempotency_key="outage").status_code == 201


@pytest.mark.parametrize("rest", [
    "accounts/?name=%ff%00", "%ff/", "accounts/%00/", "accounts/?filter=%7B%ff", "accounts/?%ff__eq=1", "%2e%2e/", "kpis/%00/",
    "kpis/%ff/value/?period=%00",
])  # fmt: skip
def test_bytes_in_addresses_that_are_no_text(api, rest):
    assert sound(api.client.generic("GET", f"/api/v1/{rest}", headers={"Authorization": f"Bearer {api.key}"})).status_code in (200, 400, 404, 422)


def test_too_large_a_body_is_400(api, monkeypatch):
    monkeypatch.setattr(settings_of_django, "DATA_UPLOAD_MAX_MEMORY_SIZE", 1000)
    response = sound(api.post("accounts/", {"name": "x" * 1000}))
    assert response.status_code == 400 and not Account.objects.filter(name__startswith="xxxx").exists()
