"""Who may do what through the API, and that nothing on any surface says more than its reader may know (Z-01, Z-03, Z-05, Z-06)."""

import csv
import io
import json

import pytest
from django.urls import get_resolver
from uuid_utils import uuid7

from core import jobs, registry
from core.models import Role
from tests import dealer, factories, people

SECRET = "Hidden-industry-canary"
PRICE = "7345.67"
HIDDEN_OF_ORDERS = ["net", "total", "base_net", "base_total", "lines"]


@pytest.fixture(scope="module")
def eves(company, api):
    """A program of somebody who sees everything but the industry of accounts, the net and lines of orders, and the cost of products."""
    grants = [
        {"type": "accounts", "actions": ["view", "add", "change", "export"], "scope": "all", "hidden": ["industry"]},
        {"type": "orders", "actions": ["view", "export"], "scope": "all", "hidden": HIDDEN_OF_ORDERS},
        {"type": "products", "actions": ["view", "export"], "scope": "all", "hidden": ["cost"]},
        {"type": "contacts", "actions": ["view", "add", "export"], "scope": "all"},
    ]
    role = api.post("roles/", {"name": "Eve's", "grants": grants})
    assert role.status_code == 201, role.content
    jobs.run_due()
    eve = people.new_user("Eve")
    assert api.patch(f"users/{eve.pk}/", {"roles": [role.json()["id"]]}, If_Match="*").status_code == 200
    return people.api(eve, company)


@pytest.fixture(scope="module")
def order(api, eves):
    """A confirmed order of an account with a canary in a field that Eve does not see."""
    account = factories.make("accounts", api, industry=SECRET, name="Open name")
    product = factories.make("products", api, cost=PRICE)
    line = {"product": product["id"], "quantity": "1", "unit_price": PRICE}
    made = factories.make("orders", api, account=account["id"], lines=[line])
    api.patch(account["url"], {"city": "Ulm"}, 1)
    return api.post(f"{made['url']}confirm/").json()


# Every route, every verb -------------------------------------------------------------------------------------------

OPEN: set[str] = set()  # addresses anyone may read; none
VERBS = {
    "api": {"GET"}, "api-schema": {"GET"}, "api-docs": {"GET"}, "api-kpis": {"GET", "POST"}, "api-kpi": {"GET", "PATCH", "DELETE"},
    "api-kpi-value": {"GET"}, "api-kpis-batch": {"POST"}, "api-kpi-act": {"POST"},
    "api-list": {"GET", "POST"}, "api-batch": {"POST"}, "api-record": {"GET", "PATCH", "DELETE"}, "api-act": {"POST"}, "api-unknown": set(),
    "api-chain": {"GET"}, "api-duplicates": {"GET"}, "api-files": {"POST"}, "api-file": {"GET"}, "api-bulk": {"POST"}, "api-job": {"GET"},
    "api-job-confirm": {"POST"}, "api-job-undo": {"POST"}, "api-convert": {"POST"},
    "api-imports": {"POST"}, "api-import": {"GET"}, "api-import-refused": {"GET"}, "api-import-check": {"POST"}, "api-import-confirm": {"POST"},
    "api-import-undo": {"POST"}, "api-reads": {"POST"},
}  # fmt: skip
EXAMPLES = {"slug": "accounts", "key": "orders", "act": "archive"}


def routes():
    """Every address below /api/ by its name."""
    found = {}

    def walk(patterns, before=""):
        for one in patterns:
            here = before + str(one.pattern)
            if hasattr(one, "url_patterns"):
                walk(one.url_patterns, here)
            elif here.startswith("api/v1/"):
                found[one.name] = here

    walk(get_resolver("core.urls").url_patterns)
    return found


def test_every_route_is_classified():
    """Z-01: a new address must say who may use it before this passes."""
    assert routes().keys() == VERBS.keys()


@pytest.mark.parametrize("name", VERBS)
def test_every_route_and_verb_asks_who_it_is(company, api, name):
    account = factories.make("accounts", api)
    path = "/" + routes()[name].replace("<str:", "<").replace("<uuid:", "<")
    for word, value in {**EXAMPLES, "ident": account["id"]}.items():
        path = path.replace(f"<{word}>", value)
    anonymous = people.browser(company)
    for verb in ("GET", "POST", "PATCH", "DELETE", "PUT"):
        response = anonymous.generic(verb, path, b"{}", "application/json")
        if name == "api-docs":
            assert response.status_code in (302, 405) and b"Acme" not in response.content
        elif name == "api-unknown":
            assert response.status_code in (401, 404)
        else:
            assert response.status_code == 401, (verb, path)
            known = api.send(verb, path, {}, If_Match="*").status_code
            assert (known == 405) == (verb not in VERBS[name]), (verb, path, known)


ROLES = ["owner", "admin", "sales-manager", "sales", "operations", "finance", "read-only"]


@pytest.fixture(scope="module")
def alices(api):
    """One record of each type, of the owner's."""
    dealer.build(api)
    return {slug: factories.make(slug, api) for slug in (*factories.writable(), *dealer.SLUGS)}


@pytest.mark.parametrize("role", ROLES)
def test_each_default_role_may_do_what_its_grants_say(company, alices, role):
    """Z-01: each type and verb, on a record of somebody else, against the matrix of grants read on its own."""
    user = people.new_user(f"Role{role.replace('-', '')}", role)
    program = people.api(user, company)
    grants = list(Role.objects.get(key=role).grants.all())

    def scope(slug, action):
        widths = [g.scope for g in grants if g.type in (slug, "*") and {action, "*"} & set(g.actions)]
        return max(widths, key=["own", "unit", "subtree", "all"].index, default=None)

    for slug, made in alices.items():
        if registry.get(slug).personal or slug == "kpis":  # everybody may have his own; figures are seen by who sees what they are made of
            continue
        ownerless = registry.get(slug).owner is None or scope(slug, "view") == "all"
        sees = scope(slug, "view") is not None and ownerless
        assert program.get(made["url"]).status_code == (200 if sees else 404), slug
        may_list = scope(slug, "view") is not None
        assert program.get(f"{slug}/?limit=1").status_code == (200 if may_list else 403), slug
        changed = program.patch(made["url"], {}, made["version"]).status_code
        wide = scope(slug, "change") == "all" or (registry.get(slug).owner is None and scope(slug, "change"))
        assert changed == (404 if not sees else 200 if wide else 403), (slug, changed)
        if not scope(slug, "add"):
            assert program.post(f"{slug}/", {}).status_code == 403, slug
        if not scope(slug, "export"):
            assert program.get(f"{slug}/?format=csv").status_code == 403, slug


# Ids of others -----------------------------------------------------------------------------------------------------


def test_an_id_of_another_a_hidden_a_deleted_or_a_broken_record_is_never_taken(api, bobs, daves, order):
    """Z-03: in the path, in bodies, in lines, in filters, in batches and acts; nothing is found and nothing changes."""
    foreign = factories.make("accounts", daves)["id"]
    hidden = order["account"]["id"]
    deleted = factories.make("accounts", api)
    api.delete(deleted["url"], 1)
    bobs_own = factories.make("accounts", bobs)
    product = factories.make("products", api)["id"]
    before = api.get("trail/?count=exact&limit=1").json()["count"]
    for swapped in (foreign, hidden, deleted["id"], str(uuid7()), "nonsense", bobs_own["id"][:-1], "1", bobs_own["id"] + "'"):
        assert bobs.get(f"accounts/{swapped}/").status_code == 404
        assert bobs.patch(f"accounts/{swapped}/", {"city": "X"}, 1).status_code == 404
        assert bobs.delete(f"accounts/{swapped}/", 1).status_code == 404
        assert bobs.post(f"accounts/{swapped}/archive/").status_code == 404
        refused = [
            bobs.patch(bobs_own["url"], {"parent": swapped}, 1),
            bobs.patch(bobs_own["url"], {"owner": swapped}, 1),
            bobs.post("contacts/", {"name": "X", "account": swapped}),
            bobs.post("contacts/batch/", [{"name": "X", "account": swapped}]),
            bobs.post("activities/", {"kind": "call", "subject": "X", "about": {"type": "accounts", "id": swapped}}),
            bobs.post("orders/", {"account": swapped}),
            bobs.post("orders/", {"account": bobs_own["id"], "lines": [{"product": swapped, "quantity": "1"}]}),
            bobs.post("orders/", {"account": bobs_own["id"], "lines": [{"product": product, "tax_code": swapped}]}),
        ]
        assert {r.status_code for r in refused} == {422}, [(r.status_code, r.content) for r in refused if r.status_code != 422]
        for query in ({"parent": swapped}, {"filter": json.dumps(["parent", "eq", swapped])}, {"id": swapped}, {"id__in": swapped}):
            found = bobs.get("accounts/", query)
            assert found.status_code == 422 or found.json()["results"] == [], query
        found = bobs.get("trail/", {"about": swapped})
        assert found.status_code == 422 or found.json()["results"] == []
    assert api.get("trail/?count=exact&limit=1").json()["count"] == before


# Fields that are hidden --------------------------------------------------------------------------------------------


def everything(response):
    return (b"".join(response.streaming_content) if response.streaming else response.content).decode()


def test_a_hidden_field_is_on_no_surface(eves, api, order):
    """Z-05: record, list, file, trail, search, schema, conflict, answers of writes."""
    account, product = order["account"]["url"], order["lines"][0]["product"]["url"]
    version = api.get(account).json()["version"]
    assert SECRET in everything(api.get(account)) and PRICE in everything(api.get(product))
    surfaces = [
        eves.get(account), eves.get("accounts/"), eves.get("accounts/?format=csv"), eves.get("accounts/?sort=-name&limit=200"),
        eves.get("trail/?limit=200"), eves.get(f"trail/?about={order['account']['id']}"), eves.get("trail/?format=csv"),
        eves.patch(account, {"city": "X"}, version + 7), eves.patch(account, {"city": "Bonn"}, version), eves.get("schema/"),
        eves.get(order["url"]), eves.get("orders/"), eves.get("orders/?format=csv"), eves.get(product), eves.get("products/?format=csv"),
        eves.get("facts/"), eves.get("facts/?format=csv"), eves.get("kpis/order-intake/value/?period=all&group_by=account"),
        eves.get("kpis/discount-given/value/?period=all"), eves.get(f"trail/?about={order['id']}"), eves.get(f"accounts/?q={SECRET}"),
    ]  # fmt: skip
    for response in surfaces:
        text = everything(response)
        assert response.status_code in (200, 412), (response.status_code, text[:300])
        assert SECRET not in text and PRICE not in text, text[:2000]
    assert "industry" not in eves.get(account).json() and "lines" not in eves.get(order["url"]).json()
    header = next(csv.reader(io.StringIO(everything(eves.get("accounts/?format=csv")).removeprefix("\ufeff"))))
    assert "industry" not in header and "name" in header
    assert eves.get(f"accounts/?q={SECRET}").json()["results"] == []


def test_a_hidden_field_cannot_be_guessed_by_asking_through_it(eves, api, order):
    """Z-06: filter, sort, sum, KPI, path through a reference, writing; always refused as a name that is not there."""
    unknown = eves.get("accounts/?nothing=x").json()["errors"]["nothing"][0].replace("nothing", "industry")
    refused = [
        ("accounts/", {"industry": SECRET}), ("accounts/", {"industry__starts": "H"}), ("accounts/", {"industry__empty": "true"}),
        ("accounts/", {"filter": json.dumps({"any": [["name", "eq", "x"], ["industry", "eq", SECRET]]})}), ("accounts/", {"sort": "industry"}),
        ("accounts/", {"sort": "-name,industry"}), ("orders/", {"account.industry": SECRET}), ("contacts/", {"account.industry__in": SECRET}),
        ("orders/", {"filter": json.dumps(["account.industry", "eq", SECRET])}), ("orders/", {"sum": "net"}), ("orders/", {"net__gte": "1"}),
        ("orders/", {"sort": "net"}), ("products/", {"sum": "cost"}), ("facts/", {"account.industry": SECRET}), ("facts/", {"product.cost__gt": "1"}),
        ("kpis/orders/value/", {"period": "all", "filter": json.dumps(["account.industry", "eq", SECRET])}),
        ("kpis/order-intake/value/", {"period": "all", "filter": json.dumps(["product.cost", "gt", "1"])}),
        ("accounts/", {"format": "csv", "sort": "industry"}), ("accounts/", {"format": "csv", "industry": SECRET}),
    ]  # fmt: skip
    for path, query in refused:
        response = eves.get(path, query)
        assert response.status_code == 422, (path, query, response.content)
        assert api.get(path, query).status_code == 200, (path, query)
    assert eves.get("accounts/", {"industry": SECRET}).json()["errors"]["industry"] == [unknown]
    for written in (eves.post("accounts/", {"name": "X", "industry": "Y"}), eves.patch(order["account"]["url"], {"industry": "Y"}, If_Match="*")):
        assert written.status_code == 422 and "industry" in written.json()["errors"]
    assert api.get(order["account"]["url"]).json()["industry"] == SECRET


def test_measures_that_reveal_a_hidden_field_are_not_told(eves, api, order):
    """Z-06: Eve does not see the net of orders, so order intake is hidden from her, and said to be."""
    mine, hers = (one.get("kpis/order-intake/value/?period=all").json() for one in (api, eves))
    assert mine["value"] != "0" and hers["value"] == "0" and hers["hidden"] == mine["lineage"]["rows"] > 0
    assert eves.get("facts/?measure=ordered").json()["results"] == []
    assert eves.get("kpis/orders/value/?period=all").json()["value"] == api.get("kpis/orders/value/?period=all").json()["value"] != "0"


def test_files_are_safe_to_open(api):
    """F-07: no cell is a formula; numbers stay numbers."""
    risky = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", " =1", "＝1"]
    for name in risky:
        factories.make("contacts", api, name=name, title="Risky")
    raw = everything(api.get("contacts/?format=csv&title=Risky")).removeprefix("\ufeff")
    names = [row["name"] for row in csv.DictReader(io.StringIO(raw))]
    assert sorted(names) == sorted("'" + name.strip() for name in risky)
