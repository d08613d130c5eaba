"""The customer page: what is open and due stands on it, each with its sum and the list behind it, at a cost that does not grow (A27, A45-A47)."""

import html
import re

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from core import access, door, registry, write
from tests import factories, people

MOST_QUERIES = 40  # eleven figures of two periods, five short lists, counts of nine tabs, the timeline, the session


def do(user, slug, record, act, **data):
    return door.writing(lambda: write.act(access.actor_for(user), registry.get(slug), record.pk, act, data))


@pytest.fixture(scope="module")
def customer(alice):
    """A customer with two people, two deals, a quote out, and two orders of 30.00 to ship."""
    actor = access.actor_for(alice)
    account = factories.make("accounts", actor, name="Hafenwerk GmbH")
    here = {"account": str(account.pk)}
    for name in ("Ada Berg", "Bo Lind"):
        factories.make("contacts", actor, name=name, phone="+49 228 9999", **here)
    for amount in ("1000", "500"):
        factories.make("opportunities", actor, name=f"Deal of {amount}", amount=amount, **here)
    lost = factories.make("opportunities", actor, name="Gone", amount="77", **here)
    do(alice, "opportunities", lost, "lose", reason="Price")
    lines = [{"description": "Winch", "quantity": "3", "unit_price": "10"}]
    quote = factories.make("quotes", actor, lines=lines, **here)
    do(alice, "quotes", quote, "send")
    for _n in range(2):
        order = factories.make("orders", actor, lines=lines, charges=[], requested_date="2026-01-05", **here)
        do(alice, "orders", order, "confirm")
    return account


def cards(client, record):
    """Heading -> what its card says, of the short lists of a page."""
    page = client.get(f"/accounts/{record.pk}/").content.decode()
    found = re.findall(r'<section class="card excerpt">(.*?)</section>', page, re.S)
    return {re.search(r"<h2[^>]*>(?:<a[^>]*>)?([^<]+)", card)[1]: html.unescape(card) for card in found}


def test_what_is_open_stands_on_it_with_its_sum(alice, client_for, customer):
    found = cards(client_for(alice), customer)
    assert {"Open opportunities", "Open quotes", "Orders to ship", "People"} <= found.keys()
    assert "Gone" not in found["Open opportunities"]
    assert "1,500.00" in found["Open opportunities"]
    assert "60.00" in found["Orders to ship"]
    assert 'class="late"' in found["Orders to ship"]  # it was asked for by a day that has passed
    assert 'href="tel:+492289999"' in found["People"]
    assert "Invoices due" not in found  # nothing is due, so nothing is said


def test_each_leads_to_the_list_of_exactly_what_it_counts(alice, client_for, customer):
    client = client_for(alice)
    for label, card in cards(client, customer).items():
        count = int(re.search(r'class="count">(\d+)', card)[1])
        behind = client.get(re.search(r'<h2[^>]*><a href="([^"]+)"', card)[1])
        assert behind.status_code == 200, label
        assert len(re.findall(r"<tr data-href", behind.content.decode())) == count, label


def test_tabs_count_what_stands_behind_them(alice, client_for, customer):
    page = client_for(alice).get(f"/accounts/{customer.pk}/").content.decode()
    tabs = re.search(r'aria-label="Parts of this record">(.*?)</nav>', page, re.S)[1]
    counts = dict(re.findall(r'>([A-Z][a-z ]+)<span class="count">(\d+)', tabs))
    assert {name: counts[name] for name in ("Contacts", "Opportunities", "Quotes", "Orders")} == {
        "Contacts": "2", "Opportunities": "3", "Quotes": "1", "Orders": "2",
    }  # fmt: skip


def test_it_costs_the_same_with_many_documents(alice, client_for, customer):
    client, actor = client_for(alice), access.actor_for(alice)

    def queries():
        with CaptureQueriesContext(connections["default"]) as caught:
            assert client.get(f"/accounts/{customer.pk}/").status_code == 200
        return len(caught)

    queries()  # what a process reads once, it has read
    few = queries()
    for n in range(7):
        factories.make("contacts", actor, name=f"Person {n}", account=str(customer.pk))
        factories.make("opportunities", actor, name=f"Deal {n}", amount="10", account=str(customer.pk))
    queries()  # a process remembers hosts for some seconds only
    assert queries() == few
    assert few <= MOST_QUERIES


def test_who_may_not_see_a_kind_of_document_is_told_nothing_of_it(alice, client_for, customer):
    grants = [{"type": slug, "actions": ["view"], "scope": "all"} for slug in ("accounts", "opportunities")]
    role = factories.make("roles", access.actor_for(alice), name="Sales only", grants=grants)
    found = cards(client_for(people.new_user("Stig", roles=[str(role.pk)])), customer)
    assert found.keys() == {"Open opportunities"}
