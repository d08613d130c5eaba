"""Profit and loss: a row for each customer, product, person or unit, whose sums are the company's to the cent, each amount its facts (N12)."""

import html
import random
import re
from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import access, door, figures, kpi, listings, query, registry, structures, write
from core.kpi import groups
from core.models import Fact
from core.models.record import permit
from core.views import sheets
from tests import people

AMOUNTS = ("invoiced-net", "cost-of-sales", "gross-margin", "profit")


@pytest.fixture(scope="module", autouse=True)
def sold(company, alice, bob):
    """Facts as invoices state them: of accounts, products, people and units, some of none; of one account no cost is known."""
    actor, draw = access.actor_for(alice), random.Random(5)

    def make():
        accounts = [write.create(actor, registry.get("accounts"), {"name": name}).pk for name in ("Acme", "Beta", "Gamma")]
        products = [write.create(actor, registry.get("products"), {"sku": s, "name": f"Product {s}", "unit_price": "1"}).pk for s in ("A", "B")]
        branch = write.create(actor, registry.get("org-units"), {"name": "Branch", "parent": str(alice.unit_id)}).pk
        unknown = write.create(actor, registry.get("accounts"), {"name": "Costless"}).pk
        facts = []
        for _ in range(80):
            known = draw.random() < 0.8
            account = draw.choice([*accounts, None]) if known else unknown
            words = {"account": account, "product": draw.choice([*products, None]), "person": draw.choice([alice.pk, bob.pk])}
            words |= {"unit": draw.choice([alice.unit_id, branch, None]), "business_date": structures.today() - timedelta(days=draw.randint(0, 300))}
            source = {"source_type": "invoices", "source_id": uuid4()}
            net = Decimal(draw.randint(-500_00, 2000_00)) / 100
            told = [("invoiced", net), ("costed-lines" if known else "uncosted-lines", Decimal(1))]
            if known:
                told.append(("cost-of-sales", -(net * Decimal("0.6")).quantize(Decimal("0.01"))))
            facts += [Fact(measure=m, value=v, **words, **source) for m, v in told]
        with permit():
            Fact.objects.bulk_create(facts)

    door.writing(make)


def page(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.content[-800:]
    return answer.content.decode()


def table(text):
    """Label and (shown, address, mark) of each column, of each row; the last row is the company's."""
    body = re.search(r'id="sheet">(.*?)</table>', text, re.DOTALL)[1]
    found = []
    for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)[1:]:
        label = re.sub(r"<[^>]+>", "", re.search(r"<th[^>]*>(.*?)</th>", row, re.DOTALL)[1])
        cells = []
        for cell in re.findall(r'<td class="num">(.*?)</td>', row, re.DOTALL):
            url = re.search(r'href="([^"]+)"', cell)
            cells.append((html.unescape(re.sub(r"<sup>.*|<[^>]+>", "", cell)), html.unescape(url[1]) if url else "", "<sup>*" in cell))
        found.append((html.unescape(label), cells))
    return found


def amount(text):
    return Decimal(re.sub(r"[^\d.\-]", "", text.replace("\N{MINUS SIGN}", "-")))


def total(user, url):
    pairs = parse_qsl(urlsplit(url).query)
    return door.reading(lambda: query.page(access.actor_for(user), registry.get("facts"), listings.listing(pairs)).sums["value"])


@pytest.mark.parametrize("by", ["account", "product", "person", "unit"])
@pytest.mark.parametrize("period", ["all", "", "last-30-days"])
def test_rows_add_up_to_the_company_and_each_amount_to_its_facts(client_for, alice, by, period):
    *rows, (label, company) = table(page(client_for(alice), f"/profit-and-loss/?by={by}&period={period}"))
    keys = registry.sheets["profit-and-loss"].columns
    assert label == "Company" and rows
    for at, key in enumerate(keys):
        if key in AMOUNTS:
            assert sum(amount(cells[at][0]) for _label, cells in rows) == amount(company[at][0]), key
            for shown, url, _mark in [company[at], *(cells[at] for _label, cells in rows)]:
                assert (url or amount(shown) == 0) and (not url or total(alice, url) == amount(shown)), (key, shown, url)
        else:
            assert all(url.startswith("/kpis/margin-rate/") or shown == figures.NO_VALUE for shown, url, _m in (cells[at] for _l, cells in rows))


def test_what_has_no_known_cost_counts_with_a_mark(client_for, alice):
    """As a figure it has no value; in the sheet it is shown as it counts, so that the rows still add up."""
    rows = dict(table(page(client_for(alice), "/profit-and-loss/?by=account&period=all")))
    keys = registry.sheets["profit-and-loss"].columns
    costless = dict(zip(keys, rows["Costless"], strict=True))
    assert costless["gross-margin"][2] and costless["gross-margin"][0] == costless["invoiced-net"][0] and costless["cost-of-sales"][1] == ""
    assert costless["margin-rate"][0] == figures.NO_VALUE
    assert not any(mark for _shown, _url, mark in rows["Acme"])
    groups = door.reading(lambda: kpi.value(access.actor_for(alice), kpi.definition("gross-margin"), kpi.Question("all", ("account",)))).groups
    assert [g.value for g in groups if g.labels == ["Costless"]] == [None]


def test_a_ratio_leads_to_its_own_page_that_says_the_same(client_for, alice):
    client = client_for(alice)
    rows = dict(table(page(client, "/profit-and-loss/?by=person&period=all")))
    at = registry.sheets["profit-and-loss"].columns.index("margin-rate")
    shown, url, _mark = rows["Alice"][at]
    text = page(client, url)
    assert re.search(r'id="value">([^<]+)<', text)[1] == shown and shown.endswith("%")
    top, bottom = (html.unescape(u) for u in re.findall(r'<a class="btn[^"]*" href="(/facts/[^"]+)">', text) if "format=csv" not in u)
    rate = total(alice, top) / total(alice, bottom)
    assert amount(shown) == (rate * 100).quantize(Decimal("0.01")), (shown, rate)


def test_a_period_that_makes_no_sense_is_said(client_for, alice):
    answer = client_for(alice).get("/profit-and-loss/?period=2026-13")
    assert answer.status_code == 422 and 'role="alert"' in answer.content.decode()


def test_who_sees_no_invoices_has_no_such_page(client_for, alice):
    stated = {"name": "Clerk", "grants": [{"type": "products", "actions": ["view"], "scope": "all"}]}
    role = door.writing(lambda: write.create(access.actor_for(alice), registry.get("roles"), stated))
    client = client_for(people.new_user("Clerk", roles=[str(role.pk)]))
    assert client.get("/profit-and-loss/").status_code == 404
    assert "/profit-and-loss/" not in page(client, "/")


def test_all_columns_are_read_in_one_go_and_what_is_not_shown_is_not_made(alice, client_for, monkeypatch):
    """However many customers there are, a page makes the figures of those on it."""
    whole = table(page(client_for(alice), "/profit-and-loss/?by=account&period=all"))
    made, group = [], groups.Group
    monkeypatch.setattr(groups, "Group", lambda *args, **kwargs: made.append(args[0]) or group(*args, **kwargs))
    monkeypatch.setattr(sheets, "ROWS", 2)
    with CaptureQueriesContext(connection) as queries:
        first = table(page(client_for(alice), "/profit-and-loss/?by=account&period=all"))
    assert len([q for q in queries if 'GROUP BY "core_fact"."account"' in q["sql"] or ("GROUP BY 1" in q["sql"] and '"core_fact"."account"' in q["sql"])]) == 1
    assert len({key for keys in made for key in keys}) == 2 and len(first) == 3, made
    told = [row for n in range(1, len(whole) // 2 + 1) for row in table(page(client_for(alice), f"/profit-and-loss/?by=account&period=all&page={n}"))[:-1]]
    assert [shown(row) for row in told] == [shown(row) for row in whole[:-1]]


def test_members_that_add_the_same_stand_by_name_over_pages(alice, client_for, monkeypatch):
    """Those that a page begins or ends among are told apart as on one page."""
    actor = access.actor_for(alice)
    made = door.writing(lambda: [write.create(actor, registry.get("accounts"), {"name": f"Same {n}"}).pk for n in (3, 1, 2, 5, 4)])
    monkeypatch.setattr(sheets, "ROWS", 2)
    by, seen = registry.dimensions["account"], []
    for n in (1, 2, 3, 4):
        members = sheets.Members(actor, by, 0, n)
        door.reading(lambda asked=members: asked.choose([{pk: Decimal(7) for pk in made} | {None: Decimal(9)}, {made[0]: Decimal(1)}]))
        assert members.count == 6
        seen += members.shown
    assert seen == [made[i] for i in (1, 2, 0, 4, 3)] + [None]


def shown(row):
    """What a row says, without its addresses, which name the moment."""
    label, cells = row
    return label, [cell[0] for cell in cells]
