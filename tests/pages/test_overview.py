"""What concerns one person: due, open by type, own figures against own targets; and which dashboard people land on."""

import html
import re
from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import access, door, listings, query, registry, structures, write
from core.models import Dashboard
from core.models.record import permit
from tests import people


@pytest.fixture(scope="module", autouse=True)
def work(company, alice, bob):
    """Bob: two drafts, one confirmed order, one task; Alice: one order. A target for Bob, and one for the company."""
    today, owner, seller = structures.today(), access.actor_for(alice), access.actor_for(bob)

    def make():
        product = write.create(owner, registry.get("products"), {"sku": "P-1", "name": "Bolt", "unit_price": "100"})
        lines = [{"product": str(product.pk), "quantity": "3"}]
        for actor, name, confirmed in ((seller, "One", True), (seller, "Two", False), (seller, "Three", False), (owner, "Four", True)):
            account = write.create(actor, registry.get("accounts"), {"name": name})
            order = write.create(actor, registry.get("orders"), {"account": str(account.pk), "lines": lines})
            if confirmed:
                write.act(actor, registry.get("orders"), order.pk, "confirm", {})
        due = f"{today + timedelta(days=1)}T09:00"
        write.create(seller, registry.get("activities"), {"kind": "task", "subject": "Call One", "due_at": due})
        month = f"{today:%Y-%m}"
        targets = registry.get("targets")
        write.create(owner, targets, {"kpi": "order-intake", "period": month, "value": "500", "dimension": "person", "subject": "Bob"})
        write.create(owner, targets, {"kpi": "order-intake", "period": month, "value": "2400"})

    door.writing(make)


def page(client, path="/overview/"):
    answer = client.get(path)
    assert answer.status_code == 200, answer.content[-800:]
    return answer.content.decode()


def test_it_shows_what_is_mine_and_waits(client_for, bob):
    text = page(client_for(bob))
    assert "Call One" in text
    card = re.search(r'<section class="card" aria-label="Orders \(3\)">(.*?)</section>', text, re.DOTALL)[1]
    states = {html.unescape(url): int(n) for url, n in re.findall(r'href="(/orders/[^"]*status=[^"]*)">.*?</span>\s+(\d+)</a>', card)}
    assert sorted(states.values()) == [1, 2] and "3 open" in card
    for url, count in states.items():
        pairs = parse_qsl(urlsplit(url).query)

        def listed(pairs=pairs):
            return query.page(access.actor_for(bob), registry.get("orders"), listings.listing([*pairs, ("count", "exact")])).count

        assert door.reading(listed) == count, url


def test_nothing_to_do_is_said_once(client_for, carol):
    text = page(client_for(carol))
    assert ("Nothing is due for you." in text) + ("Nothing of yours is open" in text) == 1


def test_my_figures_are_mine_beside_my_target(client_for, alice, bob):
    text = page(client_for(bob))
    tile = re.search(r'<article class="kpi card figure" aria-label="Order intake">(.*?)</article>', text, re.DOTALL)[1]
    assert "60% of $500" in tile and '<progress max="100" value="60"' in tile
    url = html.unescape(re.search(r'class="kpi-value" href="([^"]+)"', tile)[1])
    pairs = parse_qsl(urlsplit(url).query)
    for user in (bob, alice):
        found = door.reading(lambda user=user: query.page(access.actor_for(user), registry.get("facts"), listings.listing(pairs)).sums["value"])
        assert found == Decimal(300), "a link to his own facts, whoever follows it"
    hers = page(client_for(alice))
    tile = re.search(r'<article class="kpi card figure" aria-label="Order intake">(.*?)</article>', hers, re.DOTALL)[1]
    assert "$300" in tile and "progress" not in tile, "neither the company's target nor Bob's is hers"


def test_targets_stand_on_dashboard_figures_and_their_list(client_for, alice):
    client = client_for(alice)
    for path in ("/", "/kpis/", "/kpis/order-intake/"):
        assert "25% of $2,400" in page(client, path), path
    split = page(client, "/kpis/order-intake/?group_by=person")
    assert "60% of $500" in split and "25% of $2,400" in split
    assert "of $2,400" not in page(client, "/kpis/order-intake/?period=last-30-days")


def headings(text):
    return {html.unescape(label) for label in re.findall(r'<article class="kpi card figure" aria-label="([^"]+)"', text)}


def test_people_land_on_the_dashboard_of_their_role(client_for, alice, bob, carol):
    finance = people.new_user("Fin", "finance")
    assert {"Receivables", "Days sales outstanding"} <= headings(page(client_for(finance), "/"))
    assert "Leads created" in headings(page(client_for(bob), "/")) and "Days sales outstanding" not in headings(page(client_for(bob), "/"))
    assert "Order intake" in headings(page(client_for(carol), "/")), "a role without one sees the company's"
    owner = page(client_for(alice), "/")
    assert len(headings(owner)) == 12
    others = re.findall(r'<a class="tab" href="(/\?board=[^"]+)"( aria-current="page")?>([^<]+)</a>', owner)
    assert [label for _url, _current, label in others] == ["The whole business", "Company"] and others[0][1]
    assert headings(page(client_for(alice), html.unescape(others[1][0]))) < headings(owner)


def test_ones_own_dashboard_comes_first(client_for, company):
    user = people.new_user("Own", "sales")
    with permit():
        Dashboard(name="Mine", owner=user, tiles=[{"kpi": "won", "period": "all"}, {"kpi": "nothing"}]).save(force_insert=True)
    assert headings(page(client_for(user), "/")) == {"Won"}
    assert "Won" not in headings(page(client_for(people.new_user("Other", "finance")), "/"))


def test_a_company_from_before_has_what_is_shipped_since(client_for, alice):
    """A dashboard that was put away stays away; one that no row tells of is there."""
    with permit():
        Dashboard.objects.filter(key="owner").delete()
    assert len(headings(page(client_for(alice), "/"))) == 12


def test_a_dashboard_costs_a_few_queries(client_for, alice):
    client = client_for(alice)
    page(client, "/")
    with CaptureQueriesContext(connection) as queries:
        page(client, "/")
    assert len(queries) <= 45, len(queries)
