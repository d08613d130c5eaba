"""Words of the contract that are easily read past: where ties go, which line was wrong, what is refused first, what DELETE keeps."""

from datetime import date

from tests import factories, people


def test_ties_run_by_id_upwards_whichever_way_a_list_falls(api):
    made = [factories.make("accounts", api, industry="Ties", payment_days=days) for days in (7, 30, 7, 30, None, 7, None)]
    for sort, first in (("payment_days", [7, 30, None]), ("-payment_days", [30, 7, None]), ("-industry,-payment_days", [30, 7, None])):
        wanted = [a["id"] for days in first for a in sorted(made, key=lambda a: a["id"]) if a["payment_days"] == days]
        assert [a["id"] for a in api.get(f"accounts/?industry=Ties&sort={sort}").json()["results"]] == wanted
        paged, path = [], f"accounts/?industry=Ties&sort={sort}&limit=2"
        while path:
            page = api.get(path).json()
            paged, path = paged + [a["id"] for a in page["results"]], page["next"]
        assert paged == wanted
    newest = [a["id"] for a in reversed(made)]
    assert [a["id"] for a in api.get("accounts/?industry=Ties").json()["results"]] == newest


def test_a_quantity_of_nothing_is_said_at_its_line(api):
    order = factories.make("orders", api)
    kept, nothing = {"id": order["lines"][0]["id"]}, {"product": order["lines"][0]["product"]["id"], "quantity": "0"}
    new = {"account": order["account"]["id"], "lines": [nothing | {"quantity": 1}, nothing]}
    assert list(api.post("orders/", new).json()["errors"]) == ["lines.1.quantity"]
    assert list(api.post("orders/batch/", [new | {"lines": []}, new]).json()["errors"]) == ["1.lines.1.quantity"]
    assert list(api.patch(order["url"], {"lines": [kept, nothing]}, 1).json()["errors"]) == ["lines.1.quantity"]
    assert list(api.patch(order["url"], {"lines": [kept | {"quantity": 0}]}, 1).json()["errors"]) == ["lines.0.quantity"]
    assert api.post(f"{order['url']}confirm/", {"date": str(date(2026, 3, 5))}).status_code == 200
    refused = api.post(f"{order['url']}amend/", {"lines": [kept, nothing]})
    assert refused.status_code == 422 and list(refused.json()["errors"]) == ["lines.1.quantity"]


def test_what_one_may_not_see_or_do_is_refused_before_a_missing_version(api, bobs, carols):
    account = factories.make("accounts", api)
    for send in (lambda by: by.patch(account["url"], {"name": "Other"}), lambda by: by.delete(account["url"])):
        assert send(bobs).status_code == 404, "Bob, sales, sees his own records"
        assert send(carols).status_code == 403, "Carol reads all and changes nothing"
        assert send(api).status_code == 428
    assert api.get(account["url"]).json() == account


def test_an_own_field_deleted_is_archived_with_its_values(api):
    field = factories.make("custom-fields", api, type="accounts")
    account = factories.make("accounts", api, **{field["key"]: "kept"})
    assert api.delete(field["url"], field["version"]).status_code == 204
    archived = api.get(field["url"]).json()
    assert archived["archived_at"] and field["key"] not in api.get(account["url"]).json()
    assert api.post(f"{field['url']}restore/").status_code == 200
    assert api.get(account["url"]).json()[field["key"]] == "kept"


def test_values_that_lead_out_of_ones_own_sight_are_not_blamed_on_the_owner(api, company):
    grants = [{"type": "accounts", "actions": ["view", "add", "change"], "scope": "all", "filter": ["country", "eq", "DE"]}]
    role = factories.make("roles", api, grants=grants)
    finn = people.api(people.new_user("Finn", roles=[role["id"]]), company)
    mine = factories.make("accounts", finn, country="DE")
    for refused in (finn.post("accounts/", {"name": "Paris", "country": "FR"}), finn.patch(mine["url"], {"country": "FR"}, 1)):
        assert refused.status_code == 422 and list(refused.json()["errors"]) == ["_"]
    assert finn.get(mine["url"]).json()["country"] == "DE"


def test_a_new_tax_code_needs_its_rate(api):
    for body in ({"code": "Unsaid"}, {"code": "Unsaid", "rate": None}, {"code": "Unsaid", "rate": ""}):
        refused = api.post("tax-codes/", body)
        assert refused.status_code == 422 and list(refused.json()["errors"]) == ["rate"]
    assert factories.make("tax-codes", api, rate=0)["rate"] == "0"


def test_the_sums_of_a_confirmed_order_change_only_by_amending_it(api):
    code = factories.make("tax-codes", api, rate="0.10")
    line = {"description": "Work", "quantity": 1, "unit_price": "100", "tax_code": code["id"]}
    draft, order = (factories.make("orders", api, lines=[line], charges=[]) for _ in range(2))
    order = api.post(f"{order['url']}confirm/", {"date": "2026-03-05"}).json()
    assert order["total"] == draft["total"] == "110.00"
    assert api.patch(code["url"], {"rate": "0.20"}, code["version"]).status_code == 200
    sums = ("net", "tax", "charges_total", "total", "base_net", "base_total")
    moved = api.patch(order["url"], {"ship_city": "Bonn", "external_number": "PO 7"}, order["version"]).json()
    assert [moved[n] for n in sums] == [order[n] for n in sums]
    amended = api.post(f"{order['url']}amend/", {"charges": [], "date": "2026-03-06"}).json()
    assert (amended["net"], amended["tax"], amended["total"]) == ("100.00", "20.00", "120.00")
    assert api.patch(code["url"], {"rate": "0.30"}, code["version"] + 1).status_code == 200
    ended = api.post(f"{order['url']}cancel/", {"reason": "Late", "date": "2026-03-07"}).json()
    assert [ended[n] for n in sums] == [amended[n] for n in sums]
    late = api.post(f"{draft['url']}confirm/", {"date": "2026-03-08"}).json()
    assert late["total"] == "130.00", "a draft is confirmed at the rates of that day"


def test_the_docs_are_read_with_a_key_too(api, company, daves):
    docs = api.get("docs/")
    assert docs.status_code == 200 and b"/api/v1/orders/{id}/confirm/" in docs.content
    for key in (daves.key, "", "ok_no_such"):
        refused = people.browser(company).get("/api/v1/docs/", headers={"Authorization": f"Bearer {key}"})
        assert refused.status_code == 302 and "/sign-in/" in refused["Location"]
