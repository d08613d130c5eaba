"""The page of a figure: the same answer as the API's, its groups as links, its lineage, and questions that make no sense."""

import csv
import html
import io
import re
from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

import pytest

from core import access, door, listings, query, registry, structures, write


@pytest.fixture(scope="module")
def today(company):
    return structures.today()


@pytest.fixture(scope="module", autouse=True)
def orders(company, alice, bob, today):
    """Two accounts, two products, two people in two units; this month and more than a year ago."""
    actor, made = access.actor_for(alice), {}

    def make():
        branch = write.create(actor, registry.get("org-units"), {"name": "Branch", "parent": str(alice.unit_id)})
        user = write.change(actor, registry.get("users"), bob.pk, {"unit": str(branch.pk)}, bob.version)
        for name, country in (("Acme", "DE"), ("Beta", "FR")):
            made[name] = write.create(actor, registry.get("accounts"), {"name": name, "country": country})
        for sku in ("P-1", "P-2"):
            made[sku] = write.create(actor, registry.get("products"), {"sku": sku, "name": f"Product {sku}", "unit_price": "100.10"})
        for account, product, back, owner in (("Acme", "P-1", 0, alice), ("Beta", "P-2", 0, user), ("Acme", "P-2", 400, alice)):
            lines = [{"product": str(made[product].pk), "quantity": "2"}]
            order = write.create(actor, registry.get("orders"), {"account": str(made[account].pk), "lines": lines, "owner": str(owner.pk)})
            write.act(actor, registry.get("orders"), order.pk, "confirm", {"date": (today - timedelta(days=back)).isoformat()})

    door.writing(make)
    return made


def page(client, path, status=200):
    answer = client.get(path)
    assert answer.status_code == status, answer.content[-500:]
    return answer.content.decode()


def value(text):
    return amount(re.search(r'id="value">([^<]+)<', text)[1])


def amount(text):
    return Decimal(re.sub(r"[^\d.\-]", "", text))


def groups(text):
    """(label, what is shown, address of its facts) of each row of the table; the last number of the row."""
    body = re.search(r'id="groups">.*?<tbody>(.*?)</tbody>', text, re.DOTALL)[1]
    found = []
    for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL):
        label = re.sub(r"<[^>]+>", "", re.search(r"<th[^>]*>(.*?)</th>", row, re.DOTALL)[1])
        url, shown = re.findall(r'<td class="num"><a href="(/facts/[^"]+)">([^<]+)</a>', row)[-1]
        found.append((html.unescape(label), amount(shown), html.unescape(url)))
    return found


def total(user, url):
    pairs = parse_qsl(urlsplit(url).query)
    return door.reading(lambda: query.page(access.actor_for(user), registry.get("facts"), listings.listing(pairs)).sums["value"])


@pytest.mark.parametrize("group_by", ["account", "product", "person", "unit", "country", "month", "quarter", "year", "account,month", "country,product"])
def test_groups_add_up_to_the_figure_and_each_to_its_facts(client_for, alice, group_by):
    text = page(client_for(alice), f"/kpis/order-intake/?period=all&group_by={group_by}")
    found = groups(text)
    assert value(text) == sum(shown for _label, shown, _url in found) == Decimal("600.60")
    for _label, shown, url in found:
        assert total(alice, url) == shown


def test_a_roll_up_counts_what_stands_below(client_for, alice):
    found = groups(page(client_for(alice), "/kpis/order-intake/?period=all&group_by=unit&rollup=true"))
    assert [shown for _label, shown, _url in found] == [Decimal("600.60"), Decimal("200.20")]
    for _label, shown, url in found:
        assert total(alice, url) == shown


def test_the_form_says_the_same_as_the_words_of_the_api(client_for, alice, orders):
    client = client_for(alice)
    by_form = page(client, f"/kpis/order-intake/?period=all&by.1=country&by.2=&f.account={orders['Acme'].pk}&structure=now&as_of=")
    assert value(by_form) == Decimal("400.40") and [label for label, _shown, _url in groups(by_form)] == ["Germany"]
    by_word = page(client, "/kpis/order-intake/", 200)
    assert value(by_word) == Decimal("400.40"), "this month is the usual period"
    raw = page(client, '/kpis/order-intake/?period=all&filter=["country","eq","FR"]')
    assert value(raw) == Decimal("200.20") and "Country = France" in html.unescape(raw)


def test_without_a_script_a_filter_lists_what_is_looked_for(client_for, alice, orders):
    """The records to choose from are read when they are asked for: by a script as it opens the control, or by the button beside it."""
    client, option = client_for(alice), f'<option value="{orders["Acme"].pk}"'
    asked = "/kpis/order-intake/?period=all"
    assert option not in page(client, asked) and 'data-lookup="/lookup/accounts/"' in page(client, asked)
    chosen = page(client, f"{asked}&f.account={orders['Acme'].pk}")
    assert f"{option} selected>Acme<" in chosen and "Account = Acme" in html.unescape(chosen)
    for sought in ("find.f.account=acm&find=f.account", "find.f.account=&find=f.account", "find.f.account=acm"):
        text = page(client, f"{asked}&{sought}")
        assert option in text and '<details class="question-more" open>' in text, sought
    assert option not in page(client, f"{asked}&find.f.account=nobody&find=f.account")


BY = [f"/kpis/order-intake/?period=all&group_by={by}" for by in ("account", "month", "unit&rollup=true")]


@pytest.mark.parametrize("place", ["/", "/kpis/", "/accounts/ID/", *BY])
def test_every_link_to_facts_holds_the_pages_snapshot(client_for, alice, orders, place):
    """Figures, comparisons, groups, bars of charts and the file: whichever one follows, later writes do not change what it adds up to."""
    text = html.unescape(page(client_for(alice), place.replace("ID", str(orders["Acme"].pk))))
    links = re.findall(r'/facts/\?[^"]+', text)
    assert links
    tokens = {dict(parse_qsl(urlsplit(link).query)).get("as_of") for link in links}
    assert None not in tokens
    assert len(tokens) == 1


def test_two_dates_are_a_period(client_for, alice, today):
    text = page(client_for(alice), f"/kpis/order-intake/?period=all&from={today - timedelta(days=401)}&to={today - timedelta(days=399)}")
    assert value(text) == Decimal("200.20")


def test_what_was_known_then(client_for, alice, today):
    yesterday = today - timedelta(days=1)
    text = page(client_for(alice), f"/kpis/order-intake/?period=all&as_of={yesterday}")
    assert value(text) == 0, "nothing of this was recorded yesterday"
    assert f'value="{yesterday}"' in text


def test_the_lineage_is_told(client_for, alice):
    text = html.unescape(page(client_for(alice), "/kpis/order-intake/"))
    for told in ("Net of the lines of confirmed orders", "Order date; amendments", "UTC", "USD", "Time zone", "As of", "no further condition"):
        assert told in text


def test_the_file_holds_the_facts_of_the_figure(client_for, alice):
    client = client_for(alice)
    text = page(client, "/kpis/order-intake/?period=all")
    url = html.unescape(re.search(r'href="(/facts/[^"]+format=csv)"', text)[1])
    heads, *lines = csv.reader(io.StringIO(b"".join(client.get(url).streaming_content).decode("utf-8-sig")))
    at = heads.index("Value")
    assert len(lines) == 3 and sum(Decimal(line[at]) for line in lines) == value(text)


def test_what_access_leaves_out_is_said_and_not_counted(client_for, bob):
    text = page(client_for(bob), "/kpis/order-intake/?period=all&group_by=account")
    assert value(text) == Decimal("200.20")
    assert "2 facts that you may not see are left out." in text
    assert [label for label, _shown, _url in groups(text)] == ["Not visible to you"], "the account belongs to somebody else"


WRONG = [
    "period=yesterday", "period=2026-13", "group_by=account,month,unit", "group_by=nonsense", "by.1=account&rollup=true", "as_of=2999-01-01", "as_of=x",
    "structure=maybe", "rollup=perhaps", 'filter=["total","gt","1"]', 'filter={"all":1}', "filter=[", 'filter=["account","eq","not-an-id"]',
    "from=2026-01-02&to=2026-01-01",
    "from=2026-01-01", "f.account=%00", "f.nothing=1", "period=%00", "group_by=" + "a," * 500, "filter=" + "[" * 3000,
]  # fmt: skip


@pytest.mark.parametrize("question", WRONG)
def test_a_question_that_makes_no_sense_is_answered_in_words(client_for, alice, question):
    answer = client_for(alice).get(f"/kpis/order-intake/?{question}")
    assert answer.status_code in (200, 400, 422), question
    if answer.status_code != 200:
        text = answer.content.decode()
        assert 'role="alert"' in text and '<form class="card no-print" method="get"' in text and 'id="value"' not in text
    else:
        assert question in ("f.account=%00", "period=%00"), "without its control characters nothing was asked"


def test_an_unknown_figure_is_missing(client_for, alice):
    for key in ("nothing", "%00", "order-intake%2F.."):
        assert client_for(alice).get(f"/kpis/{key}/").status_code == 404


def test_the_list_of_figures(client_for, alice):
    text = page(client_for(alice), "/kpis/")
    assert {"order-intake", "orders", "discount-given"} <= set(re.findall(r'href="/kpis/([^/"]+)/"', text))
    shown = [(amount(t), html.unescape(u)) for u, t in re.findall(r'href="(/facts/[^"]+)" title="([^"]+)"', text)]
    assert len(shown) >= 3
    for number, url in shown:
        assert total(alice, url) == number


@pytest.mark.parametrize("key", list(registry.kpis))
def test_every_figure_has_a_page_in_every_split(client_for, alice, key):
    """And each number on it leads somewhere that answers: facts, or for a ratio the page of the figure for that part."""
    client = client_for(alice)
    for split in ("", *registry.kpis[key].dimensions):
        text = page(client, f"/kpis/{key}/?period=all&group_by={split}")
        body = re.search(r'id="groups">.*?<tbody>(.*?)</tbody>', text, re.DOTALL)
        for url in re.findall(r'<td class="num"><a href="([^"]+)">', body[1])[:1] if body else ():
            page(client, html.unescape(url))
