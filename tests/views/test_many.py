"""Lists of very many: what is unasked costs as much in any company, and a number that is shown is exact."""

import html
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import access, registry, write
from core.views import lists
from tests import factories
from tests.people import writing


@pytest.fixture(scope="module")
def deals(company, alice):
    """Six deals of one account, of 100 each; and the account."""
    owner = access.actor_for(alice)
    account = factories.make("accounts", owner, name="Many Ltd")
    items = [{"name": f"Deal {n}", "amount": "100", "account": str(account.pk)} for n in range(6)]
    writing(lambda: write.create_many(owner, registry.types["opportunities"], items))
    return account


def foot(client, address):
    """The foot of a list: its words, and its links."""
    said = client.get(address).content.decode()
    part = said[said.index('<div class="card-foot">') :]
    part = part[: part.index("<nav") if "<nav" in part else part.index("</section>")]
    return " ".join(re.sub(r"<[^>]+>", " ", part).split()), [html.unescape(link) for link in re.findall(r'<a href="([^"]+)"', part)]


@pytest.mark.parametrize("asked", ["", "&sort=-amount&name__contains=Deal", "&limit=2"])
def test_many_are_counted_and_added_up_when_asked(asked, company, alice, client_for, deals, monkeypatch):
    monkeypatch.setattr(lists, "COUNTED", 5)
    client, address = client_for(alice), f"/opportunities/?account={deals.pk}&limit=4{asked}"
    words, links = foot(client, address)
    assert words.startswith("More than 5 records Count and add up all") and "Sum of" not in words
    words, links = foot(client, links[0])
    assert words.startswith("6 records") and "Sum of Amount $600.00" in words and not links


def test_few_are_counted_at_once(company, alice, client_for, deals, monkeypatch):
    monkeypatch.setattr(lists, "COUNTED", 6)
    words, links = foot(client_for(alice), f"/opportunities/?account={deals.pk}&limit=4")
    assert words.startswith("6 records") and "Sum of Amount $600.00" in words and not links


def test_a_page_that_holds_all_counts_itself(company, alice, client_for, deals, monkeypatch):
    monkeypatch.setattr(lists, "COUNTED", 5)
    words, _links = foot(client_for(alice), "/accounts/?name=Many+Ltd")
    assert words.startswith("1 record")


def test_what_is_not_asked_for_is_not_counted(company, alice, client_for, deals, monkeypatch):
    """The rows are gone through as far as the limit and no further: the database is told so."""
    monkeypatch.setattr(lists, "COUNTED", 5)
    client = client_for(alice)
    with CaptureQueriesContext(connection) as asked:
        client.get(f"/opportunities/?account={deals.pk}&limit=4")
    [counted] = [one["sql"] for one in asked if "COUNT(*)" in one["sql"]]
    assert re.search(r"NOT EXISTS\(SELECT .* LIMIT 1 OFFSET 5\)", counted)


def test_the_facts_of_a_figure_are_always_added_up(company, alice, client_for, deals, monkeypatch):
    monkeypatch.setattr(lists, "COUNTED", 1)
    said = client_for(alice).get(f"/facts/?account={deals.pk}&measure=pipeline&sum=value&limit=2").content.decode()
    assert "6 facts add up to it" in said and "$600.00" in said
