"""Reading and writing records through the API, section by section of the contract."""

import json
from datetime import UTC, datetime

import pytest
from uuid_utils import uuid4, uuid7

from core.api import answers
from core.models import TrailEntry
from tests import factories, people


def test_a_new_record_is_answered_as_it_is_read(api):
    response = api.post("accounts/", {"name": "Acme", "roles": ["customer"], "country": "DE", "payment_days": 30})
    record = response.json()
    assert response.status_code == 201 and response["Location"] == record["url"] and response["ETag"] == '"1"'
    read = api.get(record["url"])
    assert read.json() == record and read["ETag"] == '"1"' and read["Cache-Control"] == "no-store"
    assert {"id", "version", "owner", "unit", "created_at", "updated_at", "url"} <= record.keys()
    assert record["owner"]["label"] == "Alice" and set(record["owner"]) == {"id", "label", "url"}
    assert api.get(record["owner"]["url"]).json()["name"] == "Alice"
    assert record["payment_days"] == 30 and record["created_at"].endswith("Z")


def test_numbers_are_read_as_strings_or_numbers_and_written_as_strings(api):
    as_text = factories.make("products", api, unit_price="12.5", cost="1e1")
    as_number = factories.make("products", api, unit_price=12.5, cost=10)
    assert as_text["unit_price"] == as_number["unit_price"] == "12.50"
    assert as_text["cost"] == as_number["cost"] == "10.00"
    assert factories.make("tax-codes", api, rate=0.15)["rate"] == "0.15"


def test_a_post_may_bring_an_unused_uuid7(api):
    brought = str(uuid7())
    assert factories.make("accounts", api, id=brought)["id"] == brought
    again = api.post("accounts/", {"name": "Again", "id": brought})
    assert again.status_code == 409 and "errors" in again.json()
    assert "id" in api.post("accounts/", {"name": "Again", "id": str(uuid4())}).json()["errors"]


def test_rules_are_422_at_their_fields(api):
    response = api.post("orders/", {"lines": [{"quantity": "many"}], "nonsense": 1})
    assert response.status_code == 422
    assert {"account", "lines.0.quantity", "nonsense"} <= response.json()["errors"].keys()
    assert response.json()["request_id"] == response["X-Request-Id"]


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"name": "\\ud800"}', b'{"payment_days": NaN}', b'{"a": 1e999}', b"[" * 100_000])
def test_what_is_no_json_is_400(api, body):
    response = api.post("accounts/", body)
    assert response.status_code == 400 and response.json()["errors"]["_"]


@pytest.mark.parametrize("body", [[], "text", 7, None, True])
def test_a_record_is_an_object(api, body):
    assert api.post("accounts/", body).status_code == 422


def test_another_content_type_is_400(api):
    headers = {"Authorization": f"Bearer {api.key}"}
    response = api.client.generic("POST", "/api/v1/accounts/", b"name=Acme", "application/x-www-form-urlencoded", headers=headers)
    assert response.status_code == 400 and response.json()["errors"]


def test_a_change_names_the_version_it_was_made_against(api):
    """C-05."""
    made = factories.make("accounts", api)
    assert api.patch(made["url"], {"city": "Bonn"}).status_code == 428
    changed = api.patch(made["url"], {"city": "Köln"}, 1)
    assert changed.status_code == 200 and changed["ETag"] == '"2"' and changed.json()["city"] == "Köln"
    stale = api.patch(made["url"], {"city": "Mainz"}, 1)
    assert stale.status_code == 412 and stale.json()["current"] == api.get(made["url"]).json() == changed.json()
    assert stale.json()["errors"]["_"] and stale["ETag"] == '"2"'
    assert api.delete(made["url"]).status_code == 428 and api.delete(made["url"], 1).status_code == 412


IF_MATCH = [('W/"1"', 200), ("*", 200), ('"7", "1"', 200), ('"7", "8"', 412), ("nonsense", 412), ('""', 412)]


@pytest.mark.parametrize(("given", "status"), IF_MATCH)
def test_if_match_in_all_its_forms(api, given, status):
    made = factories.make("accounts", api)
    response = api.patch(made["url"], {"city": "Ulm"}, If_Match=given)
    assert response.status_code == status
    assert api.get(made["url"]).json()["city"] == ("Ulm" if status == 200 else "Bonn")


def test_two_editors_never_lose_a_change_silently(api):
    """C-05: whoever wrote against an old version is told; what was answered with 200 is there."""
    made = factories.make("accounts", api, city="0")
    known = {"first": 1, "second": 1}
    accepted = []
    for step, who in enumerate(["first", "second", "second", "first", "first", "second"] * 3, 1):
        response = api.patch(made["url"], {"city": str(step)}, known[who])
        if response.status_code == 200:
            accepted.append(str(step))
            known[who] = response.json()["version"]
        else:
            assert response.status_code == 412
            known[who] = response.json()["current"]["version"]
    cities = [e.changes["city"] for e in TrailEntry.objects.filter(about_id=made["id"], act="change").order_by("id")]
    assert [after for _before, after in cities] == accepted and [before for before, _after in cities] == ["0", *accepted[:-1]]


def test_a_draft_is_deleted_and_what_is_pointed_to_is_archived(api):
    order = factories.make("orders", api)
    account = api.get(order["account"]["url"]).json()
    assert api.delete(account["url"], account["version"]).status_code == 204
    archived = api.get(account["url"])
    assert archived.status_code == 200 and archived.json()["archived_at"]
    assert api.delete(order["url"], order["version"]).status_code == 204
    assert api.get(order["url"]).status_code == 404


def test_archived_records_are_listed_when_asked_and_restored(api):
    made = factories.make("accounts", api, industry="Archived")
    assert api.post(f"{made['url']}archive/").json()["archived_at"]
    assert api.post(f"{made['url']}archive/").status_code == 409
    assert api.get("accounts/?industry=Archived").json()["results"] == []
    assert [r["id"] for r in api.get("accounts/?industry=Archived&archived=true").json()["results"]] == [made["id"]]
    assert api.post(f"{made['url']}restore/", None, If_Match='"2"').json()["archived_at"] is None
    assert [r["id"] for r in api.get("accounts/?industry=Archived").json()["results"]] == [made["id"]]


def test_a_batch_is_all_or_nothing(api):
    before = api.get("accounts/?count=exact").json()["count"]
    wrong = api.post("accounts/batch/", [{"name": "One"}, {"name": "Two", "country": "Narnia"}, {}])
    assert wrong.status_code == 422 and {"1.country", "2.name"} <= wrong.json()["errors"].keys()
    assert api.get("accounts/?count=exact").json()["count"] == before
    right = api.post("accounts/batch/", [{"name": f"Batch {n}"} for n in range(1000)])
    assert right.status_code == 201 and [r["name"] for r in right.json()["results"]][:2] == ["Batch 0", "Batch 1"]
    assert api.get("accounts/?count=exact").json()["count"] == before + 1000
    assert api.post("accounts/batch/", [{"name": "Many"}] * 1001).status_code == 422
    assert api.post("accounts/batch/", {"name": "One"}).status_code == 422
    assert api.post("accounts/batch/", []).json() == {"results": []}


def test_acts_follow_the_state(api):
    order = factories.make("orders", api)
    assert order["status"] == "draft" and order["number"] == "" and order["net"] == "22.50" and order["total"] == "26.70"
    confirmed = api.post(f"{order['url']}confirm/", {"date": "2026-03-09"}, If_Match='"1"')
    assert confirmed.status_code == 200 and confirmed.json()["number"].startswith("SO-2026-")
    assert confirmed.json()["order_date"] == "2026-03-09" and confirmed["ETag"] == '"2"'
    assert api.post(f"{order['url']}confirm/").status_code == 409
    assert api.post(f"{order['url']}amend/", {"date": "2026-04-01"}, If_Match='"1"').status_code == 412
    assert "reason" in api.post(f"{order['url']}cancel/", {}).json()["errors"]
    assert api.post(f"{order['url']}cancel/", {"reason": "Lost", "nonsense": 1}).status_code == 422
    assert api.post(f"{order['url']}fly/").status_code == 404
    locked = api.patch(order["url"], {"lines": []}, 2)
    assert locked.status_code == 422 and "lines" in locked.json()["errors"]
    line = confirmed.json()["lines"][0]
    amended = api.post(f"{order['url']}amend/", {"lines": [{**line, "quantity": "3"}], "date": "2026-04-01"})
    assert amended.json()["net"] == "33.75" and amended.json()["lines"][0]["id"] == line["id"]
    facts = api.get(f"facts/?source={order['id']}&sum=value&measure=ordered&sort=business_date").json()
    assert [f["value"] for f in facts["results"]] == ["22.5", "11.25"] and facts["sums"] == {"value": "33.75"}
    assert facts["results"][0]["source"]["line"] == line["id"] and facts["results"][0]["source"]["url"] == order["url"]
    dimensions = {"person", "unit", "account", "product", "campaign", "work", "ledger"}
    assert dimensions | {"measure", "value", "business_date", "recorded_at", "source"} <= facts["results"][0].keys()
    counted = api.get(f"facts/?source={order['id']}&measure=orders").json()["results"][0]
    number = confirmed.json()["number"]
    assert counted["source"] == {"type": "orders", "id": order["id"], "line": None, "url": order["url"], "label": number}
    assert counted["account"]["label"] == api.get(order["account"]["url"]).json()["name"]


def test_the_trail_of_a_record_says_who_did_what(api, alice):
    made = factories.make("accounts", api)
    api.patch(made["url"], {"city": "Ulm"}, 1)
    entries = api.get(f"trail/?about={made['id']}").json()["results"]
    assert [e["act"] for e in entries] == ["change", "add"]
    assert entries[0]["changes"] == {"city": ["Bonn", "Ulm"]} and entries[0]["actor"]["label"] == "Alice"
    assert entries[0]["about"]["url"] == made["url"] and entries[0]["about"]["type"] == "accounts"


def test_own_fields_are_fields_like_all_others(api):
    own = {"type": "products", "key": "score", "kind": "number", "label": "Score", "required": True}
    refused = api.post("custom-fields/", own) if api.get("products/?limit=1").json()["results"] else None
    assert refused is None or "required" in refused.json()["errors"], "records that are there would have none"
    assert api.post("custom-fields/", {**own, "default": "1"}).status_code == 201
    assert api.get("products/?score__ne=1").json()["results"] == []
    field = api.get("custom-fields/?key=score").json()["results"][0]
    assert api.patch(field["url"], {"default": None}, field["version"]).status_code == 200
    assert "score" in api.post("products/", factories.data("products", api)).json()["errors"]
    made = factories.make("products", api, score="7.50")
    assert made["score"] == "7.5"
    assert api.get("products/?score__gte=7&sum=score").json()["sums"] == {"score": "7.5"}
    for key in ("sort", "name", "a__b", "id", "Upper", "url", "version"):
        assert "key" in api.post("custom-fields/", {**own, "key": key}).json()["errors"], key


def test_what_one_may_not_see_is_404_and_what_one_may_not_do_is_403(api, bobs, carols, daves):
    made = factories.make("accounts", api)
    for path in (made["url"], f"accounts/{made['id']}/", "accounts/1/", f"accounts/{uuid7()}/", "nothing/", "accounts/x/y/z/"):
        assert bobs.get(path).status_code == 404
    assert bobs.patch(made["url"], {"city": "Rom"}, 1).status_code == 404
    assert bobs.post(f"{made['url']}archive/").status_code == 404
    assert daves.get(f"accounts/{made['id']}/").status_code == 404
    assert carols.get(made["url"]).status_code == 200
    assert carols.patch(made["url"], {"city": "Rom"}, 1).status_code == 403
    assert carols.delete(made["url"], 1).status_code == 403
    assert carols.post(f"{made['url']}archive/").status_code == 403
    assert carols.post("accounts/", {"name": "X"}).status_code == 403


def test_without_a_key_401_and_a_session_needs_its_token(api, company, alice, client_for):
    nobody = people.browser(company)
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic YTpi"}, {"Authorization": f"Bearer {api.key}x"}):
        response = nobody.get("/api/v1/accounts/", headers=headers)
        assert response.status_code == 401 and response["WWW-Authenticate"] == "Bearer" and response.json()["errors"]["_"]
    browser = client_for(alice)
    browser.handler.enforce_csrf_checks = True
    assert browser.get("/api/v1/accounts/").status_code == 200
    refused = browser.post("/api/v1/accounts/", {"name": "X"}, "application/json")
    assert refused.status_code == 403 and refused.json()["errors"]["_"]
    browser.cookies["csrf"] = token = "a" * 32
    accepted = browser.post("/api/v1/accounts/", {"name": "X"}, "application/json", headers={"X-CSRFToken": token})
    assert accepted.status_code == 201


def test_a_key_of_another_company_is_none_here(company, daves):
    stranger = people.Api(people.browser(company), daves.key)
    assert stranger.get("accounts/").status_code == 401


def test_every_address_below_api_answers_in_the_one_form(api):
    for path in ("/api/", "/api", "/api/v2/accounts/", "/api/v1/accounts", "/api/v1/accounts/a/b/c/d/"):
        for method in ("GET", "POST", "PUT"):
            response = api.send(method, path)
            assert response.status_code == 404 and response.json()["errors"]["_"], path
    wrong = api.send("PUT", "accounts/")
    assert wrong.status_code == 405 and wrong["Allow"] == "GET, POST, HEAD, OPTIONS" and wrong.json()["errors"]
    assert api.send("OPTIONS", "accounts/").status_code == 204
    head = api.send("HEAD", "accounts/")
    assert head.status_code == 200 and head.content == b""


def test_what_no_fast_encoder_takes_is_answered_all_the_same():
    """Half of a character is sent as a question mark, a whole number in all its length."""
    said = json.loads(answers.written({"half": "a\ud800b", "long": 2**70, "中": None, "nested": [{"a": 1.5}]}))
    assert said == {"half": "a?b", "long": 2**70, "中": None, "nested": [{"a": 1.5}]}
    moments = [datetime(2026, 11, 23, 5, 13, 43, tzinfo=UTC), datetime(2026, 1, 2, 3, 4, 5, 60, tzinfo=UTC)]
    for more in ([], ["\ud800"]):
        assert json.loads(answers.written([*moments, *more]))[:2] == ["2026-11-23T05:13:43Z", "2026-01-02T03:04:05.000060Z"]
    assert answers.written({"a": [1, "é\u2028"]}) == '{"a":[1,"é\u2028"]}'.encode()
