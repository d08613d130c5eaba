"""Ageing and statements: they add up to the receivables, in every bucket, for whoever asks; on the page and in its file."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db.models import DateField, Value

from core import access, context
from core.reporting import Link
from core.structures import today
from erp.models import Invoice
from erp.rules import statements
from tests import people
from tests.erp import figures
from tests.erp.trading import add, allocate, do, pay

D = Decimal


@pytest.fixture(scope="module")
def company():
    with context.bind(people.new_company(currency="EUR", country="DE")) as made:
        yield made


@pytest.fixture(scope="module")
def actor(alice):
    return access.actor_for(alice)


def invoice(api, account, amount, day, due, **values):
    lines = [{"description": "Work", "unit_price": amount}]
    return do(api, "invoices", add(api, "invoices", account=account["id"], due_date=due, lines=lines, **values), "post", date=day)


@pytest.fixture(scope="module")
def trade(company, alice):
    """Two accounts with invoices of every age, paid and credited in part, in two currencies, one owned by a sales person."""
    api, now = people.api(alice, company), today()
    add(api, "exchange-rates", currency="USD", date="2026-01-01", rate="0.91377")
    sal = people.new_user("Sal", "sales")
    first, second = add(api, "accounts", name="Oldest"), add(api, "accounts", name="Newest", owner=str(sal.pk))
    day = (now - timedelta(days=200)).isoformat()
    made = [invoice(api, first, "100", day, (now - timedelta(days=late)).isoformat()) for late in (-5, 0, 1, 30, 31, 60, 61, 90, 91)]
    dollars = invoice(api, second, "333.33", day, (now - timedelta(days=40)).isoformat(), currency="USD")
    allocate(api, pay(api, first, "130", (now - timedelta(days=50)).isoformat()), (made[8], "100"), (made[7], "20"))
    allocate(api, pay(api, second, "77.77", (now - timedelta(days=20)).isoformat(), currency="USD"), (dollars, "77.77"))
    do(api, "credit-notes", do(api, "invoices", made[8], "credit", 201), "post", date=(now - timedelta(days=10)).isoformat())
    pay(api, first, "15", (now - timedelta(days=9)).isoformat(), direction="out")
    add(api, "invoices", account=first["id"], lines=[{"description": "Draft", "unit_price": "999"}])
    return {"first": first, "second": second, "sal": sal, "dollars": dollars}


@pytest.mark.parametrize(("due", "expected"), [(5, 0), (0, 0), (-1, 1), (-30, 1), (-31, 2), (-60, 2), (-61, 3), (-90, 3), (-91, 4)])
def test_a_bucket_goes_up_to_its_last_day(trade, due, expected):
    on = date(2026, 7, 1)
    said = Invoice.objects.annotate(due=Value(on + timedelta(days=due), DateField())).annotate(place=statements.bucket("due", on))
    assert set(said.values_list("place", flat=True)) == {expected}


def test_ages_add_up_to_the_receivables(actor, trade):
    found = statements.ages(actor, today())
    assert found[Invoice.objects.filter(account=trade["first"]["id"]).first().account_id] == [200, 200, 200, 180, 0, -10 - 100 + 15]
    for back in (0, 5, 9, 10, 20, 49, 50, 51, 120, 199, 201):
        on = today() - timedelta(days=back)
        ages = statements.ages(actor, on)
        assert sum(sum(amounts) for amounts in ages.values()) == figures.ask(actor, "receivables", period=f"{on}..{on}").value, back
        assert sum(sum(amounts[1:5]) for amounts in ages.values()) == figures.ask(actor, "overdue", period=f"{on}..{on}").value, back


def test_a_reader_sees_the_ages_of_his_own(trade):
    seller = access.actor_for(trade["sal"])
    ages = statements.ages(seller, today())
    assert [sum(amounts) for amounts in ages.values()] == [figures.ask(seller, "receivables", period="all").value]
    assert len(ages) == 1


def test_a_statement_goes_from_balance_to_balance(actor, trade):
    account = Invoice.objects.get(pk=trade["dollars"]["id"]).account
    (section,) = statements.statement(actor, account, {"from": today() - timedelta(days=100), "to": today()})
    assert section.currency == "USD" and section.first[-1] == D("333.33") and section.last[-1] == D("255.56")
    assert [(row[-2], row[-1]) for row in section.rows] == [(D("77.77"), D("255.56"))]
    (whole,) = statements.statement(actor, account, {"from": date(2026, 1, 1), "to": today()})
    assert whole.first[-1] == 0 and [row[-1] for row in whole.rows] == [D("333.33"), D("255.56")]
    account = Invoice.objects.exclude(account=account).first().account
    (section,) = statements.statement(actor, account, {"from": date(2025, 1, 1), "to": today()})
    assert section.last[-1] == figures.ask(actor, "receivables", period="all", filter=f'["account","eq","{account.pk}"]').value


def test_the_pages_show_it_and_the_files_hold_it(alice, trade, client_for):
    browser = client_for(alice)
    page = browser.get("/reports/ageing/")
    assert page.status_code == 200 and f"/accounts/{trade['first']['id']}/statement/" in page.content.decode()
    rows = list(csv.reader(io.StringIO(browser.get("/reports/ageing/?format=csv").content.decode("utf-8-sig"))))
    assert D(rows[-1][-1]) == sum(D(row[-1]) for row in rows[1:-1]) and {row[0] for row in rows[1:]} == {"EUR"}
    home = f"/accounts/{trade['second']['id']}/"
    assert f"{home}statement/" in browser.get(home).content.decode()
    page = browser.get(f"{home}statement/?from=2026-01-01&to=2026-12-31").content.decode()
    assert trade["dollars"]["number"] in page and f"/invoices/{trade['dollars']['id']}/" in page
    assert browser.get(f"{home}statement/?from=2026-02-01&to=2026-01-01").status_code == 422
    assert browser.get(f"{home}statement/?from=nonsense").status_code == 422
    assert browser.get("/reports/nothing/").status_code == 404


def test_a_page_makes_no_more_rows_than_it_shows(actor, trade, monkeypatch):
    """Of a company with ten thousand customers it shows some; the file has them all."""
    made = []
    monkeypatch.setattr(statements, "Link", lambda *args, **kwargs: made.append(args) or Link(*args, **kwargs))
    (section,) = statements.ageing(actor, None, {"on": today()})
    before = len(made)
    assert len(section.rows) == 2 and len(made) == before, made
    assert section.rows[:1][0][0].value == "Oldest" and [row[0].value for row in section.rows] == ["Oldest", "Newest"]
    assert [sum(column) for column in zip(*([getattr(v, "value", v) for v in row[1:]] for row in section.rows), strict=True)] == [
        getattr(v, "value", v) for v in section.last[1:]
    ]  # fmt: skip


def test_whoever_sees_no_invoices_gets_no_report(trade, client_for):
    user = people.new_user("Nobody")
    nobody = client_for(user)
    assert nobody.get("/reports/ageing/").status_code == 404
    assert nobody.get(f"/accounts/{trade['first']['id']}/statement/").status_code == 404
    seller = client_for(trade["sal"])
    assert seller.get(f"/accounts/{trade['first']['id']}/statement/").status_code == 404
    assert seller.get(f"/accounts/{trade['second']['id']}/statement/").status_code == 200
    assert statements.ages(access.actor_for(user), today()) == {}
