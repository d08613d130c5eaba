"""Several reads in one request: each as its own GET, all of one moment, and nothing that the reader could not ask alone."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import access, registry, write
from tests import factories, people
from tests.people import writing

ACCOUNT, NOWHERE = "accounts/{}/", "00000000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def account(company, alice):
    """A customer with three contacts and a deal."""
    owner = access.actor_for(alice)
    made = factories.make("accounts", owner, name="Read Ltd")
    writing(lambda: write.create_many(owner, registry.types["contacts"], [{"name": f"Person {n}", "account": str(made.pk)} for n in range(3)]))
    factories.make("opportunities", owner, account=str(made.pk), amount="100")
    return made


def same(answer):
    """A body but for what is of its own request."""
    return {k: v for k, v in answer.items() if k not in ("request_id", "as_of")}


def test_each_is_answered_as_alone(api, account):
    asked = [
        f"accounts/{account.pk}/", f"contacts/?account={account.pk}&limit=2&count=exact", f"opportunities/?account={account.pk}&sum=amount",
        f"opportunities/?account={account.pk}&group_by=stage&limit=5", f"accounts/{NOWHERE}/", "contacts/?nothing=1", "no-such-thing/",
    ]  # fmt: skip
    told = api.post("/api/v1/reads/", asked)
    assert told.status_code == 200
    answers = told.json()["answers"]
    assert [one["status"] for one in answers] == [200, 200, 200, 200, 404, 422, 404]
    for address, one in zip(asked, answers, strict=True):
        alone = api.get(f"/api/v1/{address}")
        assert (alone.status_code, same(alone.json())) == (one["status"], same(one["body"])), address


def test_a_figure_is_read_with_the_list_it_adds_up(api, account):
    [figure] = api.post("/api/v1/reads/", ["kpis/pipeline/value/?period=all"]).json()["answers"]
    assert figure["status"] == 200 and figure["body"]["value"] == api.get("/api/v1/kpis/pipeline/value/?period=all").json()["value"]


def test_who_may_not_see_it_alone_does_not_see_it_here(company, account):
    seller = people.new_user("Rita", "sales")
    [told] = people.api(seller, company).post("/api/v1/reads/", ["users/?limit=1", f"accounts/{account.pk}/"][1:]).json()["answers"]
    alone = people.api(seller, company).get(f"/api/v1/accounts/{account.pk}/")
    assert told["status"] == alone.status_code


@pytest.mark.parametrize("asked", [{}, [1], "accounts/", ["accounts/"] * 21])
def test_what_is_not_a_list_of_addresses_is_refused(api, account, asked):
    assert api.post("/api/v1/reads/", asked).status_code == 422


@pytest.mark.parametrize("address", [
    "", "/", "accounts", "accounts//", "../accounts/", "accounts/x/", "files/", "kpis/", "kpis/pipeline/", "schema/", "reads/", "accounts/?format=csv",
    f"accounts/{NOWHERE}/archive/", "https://example.com/", "accounts/?limit=0", "accounts/\x00/", "accounts/%00/",
])  # fmt: skip
def test_other_addresses_are_not_reached(api, account, address):
    told = api.post("/api/v1/reads/", [address])
    assert told.status_code == 200 and told.json()["answers"][0]["status"] in (404, 422)


def test_one_moment_and_one_key(api, account):
    """Five reads cost what their own statements cost: who asks is found once, and the snapshot is taken once."""
    asked = [f"accounts/{account.pk}/", f"contacts/?account={account.pk}", "opportunities/?limit=1", "orders/?limit=1", f"activities/?about={account.pk}"]
    api.post("/api/v1/reads/", asked)
    with CaptureQueriesContext(connection) as together:
        api.post("/api/v1/reads/", asked)
    with CaptureQueriesContext(connection) as alone:
        for address in asked:
            api.get(f"/api/v1/{address}")
    taken = [[one["sql"] for one in seen if "core_apikey" in one["sql"] or "ISOLATION LEVEL" in one["sql"]] for seen in (together, alone)]
    assert len(taken[1]) == 5 * len(taken[0]) > 0
    assert len(together) <= len(alone) - len(taken[1]) + len(taken[0])
    assert len(together) <= 6, "the record and the lists are asked for in one message"
