"""The dashboard: figures of one snapshot, each a link to facts that add up to exactly it; what is left out is said."""

import html
import json
import re
from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

import pytest

from core import access, door, figures, kpi, listings, query, registry, structures, write
from core.views import dashboard
from tests import people


def make_order(actor, account, product, day, quantity="3", **more):
    lines = [{"product": str(product.pk), "quantity": quantity}]
    order = write.create(actor, registry.get("orders"), {"account": str(account.pk), "lines": lines, **more})
    return write.act(actor, registry.get("orders"), order.pk, "confirm", {"date": day.isoformat()})


@pytest.fixture(scope="module")
def today(company):
    return structures.today()


@pytest.fixture(scope="module", autouse=True)
def orders(company, alice, bob, today):
    actor = access.actor_for(alice)

    def make():
        account = write.create(actor, registry.get("accounts"), {"name": "Acme <GmbH>", "country": "DE"})
        product = write.create(actor, registry.get("products"), {"sku": "P-1", "name": "Bolt", "unit_price": "1000.10"})
        for back in (0, 1, 40, 400):
            make_order(actor, account, product, today - timedelta(days=back))
        make_order(actor, account, product, today, quantity="1", owner=str(bob.pk))

    door.writing(make)


def page(client, path="/"):
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def drills(text):
    """Addresses of facts on the page."""
    return {html.unescape(u) for u in re.findall(r'href="(/facts/\?[^"]+)"', text)}


def total(client_user, url):
    """What the facts behind an address add up to, for this user."""
    pairs = parse_qsl(urlsplit(url).query)

    def read():
        actor = access.actor_for(client_user)
        return query.page(actor, registry.get("facts"), listings.listing(pairs)).sums["value"]

    return door.reading(read)


def figure_links(text):
    """(what is shown in full, address) of every figure."""
    found = re.findall(r'href="(/facts/\?[^"]+)" title="([^"]+)"', text)
    return [(html.unescape(title).split(": ")[-1], html.unescape(url)) for url, title in found]


def as_number(text):
    return Decimal(re.sub(r"[^\d.\-]", "", text.replace("\N{MINUS SIGN}", "-")))


@pytest.mark.parametrize("period", ["this-month", "last-30-days", "all", "quarter", "year"])
def test_every_figure_is_a_link_to_facts_that_add_up_to_it(client_for, alice, today, period):
    key = {"quarter": dashboard.period_choices(today)[2][0], "year": dashboard.period_choices(today)[3][0]}.get(period, period)
    links = figure_links(page(client_for(alice), f"/?period={key}"))
    assert len(links) >= 8
    for shown, url in links:
        assert total(alice, url) == as_number(shown), (shown, url)


def test_the_bars_are_links_to_facts_that_add_up_to_them(client_for, alice):
    text = page(client_for(alice))
    chart = json.loads(html.unescape(re.search(r'data-chart="([^"]+)"', text)[1]))
    assert len(chart["categories"]) == len(chart["series"][0]["values"]) == 12
    for category, value in zip(chart["categories"], chart["series"][0]["values"], strict=True):
        assert bool(category["url"]) == (value != "0")
        if category["url"]:
            assert total(alice, category["url"]) == Decimal(value)
            assert category["url"] in drills(text), "the table beside the chart has the same links"


def test_the_page_stays_true_while_others_write(client_for, alice, bob, today):
    text = page(client_for(alice))
    snapshots = {dict(parse_qsl(urlsplit(url).query))["as_of"].split(":")[0] for _shown, url in figure_links(text)}
    assert len(snapshots) == 1, "all figures of the page are of one snapshot"
    actor = access.actor_for(bob)
    product = registry.get("products").model.objects.get()

    def write_more():
        account = write.create(actor, registry.get("accounts"), {"name": "Later"})
        make_order(actor, account, product, today)

    door.writing(write_more)
    for shown, url in figure_links(text):
        assert total(alice, url) == as_number(shown)


def test_what_access_leaves_out_is_said(client_for, alice, bob):
    text = page(client_for(bob))
    assert re.search(r"\d+ facts? that you may not see (is|are) left out", text)
    links = figure_links(text)
    assert links
    for shown, url in links:
        assert total(bob, url) == as_number(shown)
    assert "left out" not in page(client_for(alice))


def test_who_sees_no_documents_sees_no_figures(client_for, company, alice):
    stated = {"name": "Clerk", "grants": [{"type": "products", "actions": ["view"], "scope": "all"}]}
    role = door.writing(lambda: write.create(access.actor_for(alice), registry.get("roles"), stated))
    clerk = people.new_user("Clerk", roles=[str(role.pk)])
    text = page(client_for(clerk))
    assert "No figures to show." in text and figure_links(text) == []


def test_names_are_escaped(client_for, alice):
    text = page(client_for(alice))
    assert "Acme &lt;GmbH&gt;" in text and "Acme <GmbH>" not in text


def test_an_unknown_period_is_the_usual_one(client_for, alice):
    assert 'href="/?period=this-month" aria-current="true"' in page(client_for(alice), "/?period=%00;drop")


def test_what_is_due_is_shown_to_whom_it_belongs(client_for, alice, bob, today):
    actor = access.actor_for(bob)
    stated = [("Call back", -1, False), ("Plan next year", 9, False), ("Done already", -2, True)]

    def plan():
        for subject, days, is_done in stated:
            due = f"{today + timedelta(days=days)}T09:00"
            write.create(actor, registry.get("activities"), {"kind": "task", "subject": subject, "due_at": due, "done": is_done})

    door.writing(plan)
    text = page(client_for(bob))
    assert text.index("Call back") < text.index("Plan next year") and "Done already" not in text
    assert 'aria-label="Overdue"' in text
    assert "Call back" not in page(client_for(alice))


def test_a_change_is_told_by_words_and_arrow_and_not_by_colour_alone(company):
    definition = kpi.definition("discount-given")
    assert figures.short(definition, Decimal("1234.50")) == "$1,235"  # half up, like every amount
    assert figures.change(definition, Decimal(150), Decimal(100)) == "+50%"
    assert figures.change(definition, Decimal(50), Decimal(100)) == "\N{MINUS SIGN}50%"
    assert figures.change(definition, Decimal(5), Decimal(5)) == "unchanged"
    assert figures.change(definition, Decimal(5), Decimal(0)) == "+$5"
    assert figures.change(definition, Decimal(50), Decimal(-100)) == "+150%"


def test_the_line_of_a_tile_stays_in_its_box():
    points = figures.spark([Decimal(n) for n in (3, 0, -4, 10)])
    assert points == "0.0,14.0 33.3,19.1 66.7,26.0 100.0,2.0"
    assert figures.spark([Decimal(0)] * 12) == ""
