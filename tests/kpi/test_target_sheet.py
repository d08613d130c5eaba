"""Targets as a sheet: typed, spread to the cent, saved and taken back at once; two people at once hear of each other by the cell."""

import json
import random
import re
from decimal import Decimal
from html import unescape

import pytest

from core import structures
from core.models import Target
from core.models.record import permit
from core.target_grid import shares
from tests import factories, people

HOME = "/targets/sheet/"
MONTHS = [f"2027-{n:02d}" for n in range(1, 13)]


@pytest.fixture(scope="module")
def api(company, alice) -> people.Api:
    return people.api(alice, company)


@pytest.fixture(scope="module")
def bob(company, alice):
    return people.new_user("Bob", "sales", unit=str(alice.unit_id))


@pytest.fixture
def empty(company):
    yield
    with permit():
        Target.objects.all().delete()


def form(browser, query, status=200):
    """What a browser would send of the sheet at this address: its hidden words and every cell."""
    page = browser.get(f"{HOME}?{query}")
    assert page.status_code == status
    return words(page.content.decode())


def words(text):
    text = text[text.index('id="target-sheet"'):]
    found = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text))
    found |= dict(re.findall(r'<input class="control num[^"]*" name="(c\.[^"]*)" value="([^"]*)"', text))
    return {unescape(k): unescape(v) for k, v in found.items() if k != "csrfmiddlewaretoken"}


def stored(**where):
    return {(t.subject, t.period): t.value for t in Target.objects.filter(archived_at=None, **where)}


def test_a_years_figure_is_spread_saved_and_taken_back(client_for, alice, empty):
    browser = client_for(alice)
    sent = form(browser, "kpi=order-intake&year=2027") | {"c..2027": "100,000"}
    spread = browser.post(HOME, sent | {"do": "spread:", "how": "evenly"})
    assert spread.status_code == 200
    sent = words(spread.content.decode())
    assert sum(Decimal(sent[f"c..{m}"].replace(",", "")) for m in MONTHS) == 100_000 and sent["c..2027-01"] == "8,333.34"
    saved = browser.post(HOME, sent)
    assert saved.status_code == 302, saved.content.decode()[-2000:]
    assert set(stored()) == {("", m) for m in MONTHS}, "the months say the year: it is not kept beside them"
    page = browser.get(saved["Location"]).content.decode()
    assert words(page)["c..2027"] == "100,000" and "12 targets were saved" in page
    figure = browser.get("/kpis/order-intake/?period=2027").content.decode()
    assert "100" in figure and "0%" in figure
    batch = re.search(r'name="undo" value="([^"]+)"', page)[1]
    undone = browser.post(HOME, {"undo": batch, "kpi": "order-intake", "year": "2027"})
    assert undone.status_code == 302 and stored() == {}
    assert client_for(people.new_user("Other", "owner")).post(HOME, {"undo": batch}).status_code == 404


def test_months_change_clear_and_come_back_with_the_year_that_follows(client_for, alice, empty):
    browser = client_for(alice)
    sent = form(browser, "kpi=order-intake&year=2027")
    saved = browser.post(HOME, sent | {f"c..{m}": "10" for m in MONTHS} | {"c..2027": "130"})
    assert saved.status_code == 422 and "come to 120" in saved.content.decode() and stored() == {}
    assert browser.post(HOME, sent | {f"c..{m}": "10" for m in MONTHS}).status_code == 302
    sent = form(browser, "kpi=order-intake&year=2027")
    assert sent["c..2027"] == "120"
    first = browser.post(HOME, sent | {"c..2027-03": "25.5", "c..2027-04": ""})
    assert stored() == {("", m): Decimal("25.5") if m == "2027-03" else 10 for m in MONTHS if m != "2027-04"}
    sent = form(browser, "kpi=order-intake&year=2027")
    assert sent["c..2027"] == ""
    assert browser.post(HOME, sent | {"c..2027-04": "7"}).status_code == 302, "a target that was taken away comes back"
    assert stored()["", "2027-04"] == 7
    late = browser.post(HOME, {"undo": first["Location"].partition("saved=")[2], "kpi": "order-intake", "year": "2027"})
    assert late.status_code == 409 and stored()["", "2027-04"] == 7 and stored()["", "2027-03"] == Decimal("25.5"), "all of it or nothing"


def test_each_member_a_row_quarters_and_what_is_made_of_months(client_for, alice, bob, empty):
    browser = client_for(alice)
    sent = form(browser, "kpi=orders&by=person&year=2027&parts=quarter")
    page = browser.get(f"{HOME}?kpi=orders&by=person&year=2027&parts=quarter").content.decode()
    assert " readonly" not in page[page.index('id="target-sheet"'):] and page.count('value="spread:') >= 2
    cells = {f"c.{u.pk}.2027-Q{n}": str(n) for u in (alice, bob) for n in (1, 2, 3, 4)}
    assert cells.keys() <= sent.keys()
    assert browser.post(HOME, sent | cells).status_code == 302
    page = browser.get(f"{HOME}?kpi=orders&by=person&year=2027&parts=quarter").content.decode()
    assert words(page)[f"c.{bob.pk}.2027"] == "10" and re.search(r"<tfoot>.*>20<.*>2<.*>8<", page, re.S), page[page.index("<tfoot"):][:600]
    assert {t.owner_id for t in Target.objects.all()} == {alice.pk, bob.pk}
    months = form(browser, "kpi=orders&by=person&year=2027")
    assert months[f"c.{bob.pk}.2027"] == "10", "the quarters say the year"
    done = browser.post(HOME, months | {f"c.{bob.pk}.{m}": "2" for m in MONTHS})
    assert done.status_code == 302 and {p for s, p in stored() if s == str(bob.pk)} == set(MONTHS), "the quarters give way to their months"
    quarters = browser.get(f"{HOME}?kpi=orders&by=person&year=2027&parts=quarter").content.decode()
    assert words(quarters)[f"c.{bob.pk}.2027-Q2"] == "6" and "readonly" in quarters


def test_two_at_once_hear_of_each_other_by_the_cell_and_nothing_is_half_done(client_for, alice, empty):
    mia = people.new_user("Mia", "owner")
    one, other = client_for(alice), client_for(mia)
    query = "kpi=order-intake&year=2027"
    assert one.post(HOME, form(one, query) | {"c..2027-01": "100", "c..2027-02": "200"}).status_code == 302
    mine, hers = form(one, query), form(other, query)
    assert other.post(HOME, hers | {"c..2027-01": "111", "c..2027-05": "500", "c..2027-06": "600"}).status_code == 302
    late = one.post(HOME, mine | {"c..2027-01": "122", "c..2027-02": "222", "c..2027-05": "555", "c..2027-06": "600", "c..2027-07": "700"})
    text = late.content.decode()
    assert late.status_code == 422 and "Somebody else has set 111 here" in text and "Somebody else has set 500 here" in text
    assert "January 2027" in text and "May 2027" in text
    assert stored() == {("", "2027-01"): 111, ("", "2027-02"): 200, ("", "2027-05"): 500, ("", "2027-06"): 600}, "nothing is half done"
    again = words(text)
    assert again["c..2027-01"] == "122" and again["c..2027-06"] == "600"
    assert one.post(HOME, again).status_code == 302
    assert stored()["", "2027-01"] == 122 and stored()["", "2027-02"] == 222 and stored()["", "2027-07"] == 700


def test_who_sets_whose_targets(client_for, company, alice, bob, api, empty):
    north = factories.make("org-units", api, name="North", parent=str(alice.unit_id))["id"]
    mia = people.new_user("Mona", "sales-manager", unit=north)
    sam = people.new_user("Sam", "sales", unit=north)
    sent = form(client_for(mia), "kpi=order-intake&by=person&year=2027")
    assert f"c.{sam.pk}.2027-01" in sent and f"c.{alice.pk}.2027-01" not in sent
    assert client_for(mia).post(HOME, sent | {f"c.{sam.pk}.2027-01": "5"}).status_code == 302
    forged = client_for(mia).post(HOME, sent | {f"c.{alice.pk}.2027-01": "5", f"c.{sam.pk}.2027-02": "5"})
    assert forged.status_code == 422 and len(stored()) == 1
    page = client_for(sam).get(f"{HOME}?kpi=order-intake&by=person&year=2027").content.decode()
    assert f"c.{sam.pk}.2027-01" in words(page) and "readonly" in page and ">Save<" not in page
    assert client_for(sam).post(HOME, words(page) | {f"c.{sam.pk}.2027-01": "6"}).status_code in (403, 422) and stored()[str(sam.pk), "2027-01"] == 5
    assert client_for(people.new_user("Nobody")).get(HOME).status_code == 404


def test_a_figure_of_records_has_targets_by_its_own_fields(client_for, api, alice, empty):
    made = api.post("kpis/", {"key": "deals", "name": "Deals", "definition": {"of": {"type": "opportunities"}, "aggregate": "count"}})
    assert made.status_code == 201
    browser = client_for(alice)
    sent = form(browser, "kpi=deals&by=owner&year=2027")
    assert browser.post(HOME, sent | {f"c.{alice.pk}.2027-01": "3"}).status_code == 302
    assert stored(kpi="deals", dimension="owner") == {(str(alice.pk), "2027-01"): 3}
    factories.make("opportunities", api, owner=str(alice.pk))
    this = f"{structures.today():%Y-%m}"
    assert api.post("targets/", {"kpi": "deals", "dimension": "owner", "subject": str(alice.pk), "period": this, "value": "4"}).status_code == 201
    [group] = api.get(f"kpis/deals/value/?period={this}&group_by=owner").json()["groups"]
    assert group["value"] == "1"
    page = browser.get(f"/kpis/deals/?period={this}&group_by=owner").content.decode()
    assert "of 4" in page or "25%" in page
    assert api.post("targets/", {"kpi": "deals", "dimension": "product", "subject": "x", "period": this, "value": "4"}).status_code == 422


def test_a_ratio_is_copied_into_each_month_and_typed_in_percent(client_for, alice, empty):
    browser = client_for(alice)
    sent = form(browser, "kpi=win-rate&year=2027") | {"c..2027": "42.5%"}
    copied = words(browser.post(HOME, sent | {"do": "spread-all"}).content.decode())
    assert {copied[f"c..{m}"] for m in MONTHS} == {"42.5"}
    assert browser.post(HOME, copied).status_code == 302
    assert set(stored().values()) == {Decimal("0.425")} and len(stored()) == 13


@pytest.mark.parametrize(("text", "value"), [
    ("1,234.50", "1234.5"), ("1 234,5", None), ("1.234,50", "1234.5"), ("12,345,678", "12345678"), ("€ 1,000", "1000"), ("USD 1000", "1000"), ("-5", "-5"),
    ("１２３", "123"), ("12x", None), ("1e3", "1000"), ("∞", None), ("NaN", None), ("1.2345678", None), ("=1+1", None), ("1'000", "1000"),
])  # fmt: skip
def test_numbers_are_read_as_people_type_and_paste_them(client_for, alice, empty, text, value):
    browser = client_for(alice)
    answer = browser.post(HOME, form(browser, "kpi=order-intake&year=2027") | {"c..2027-01": text})
    if value is None:
        assert answer.status_code == 422 and "January 2027" in answer.content.decode() and stored() == {}
    else:
        assert answer.status_code == 302 and stored() == {("", "2027-01"): Decimal(value)}


@pytest.mark.parametrize("broken", [
    {"seen": "x"}, {"seen": "[1]"}, {"seen": '{"a": 1}'}, {"seen": json.dumps({"|2027-01": ["x", 1]})}, {"c.": "5"}, {"c.x.2027-01": "5"}, {"c..2020-01": "5"},
    {"kpi": "nothing"}, {"year": "x"}, {"by": "month"}, {"page": "-1"}, {"undo": "x"}, {"do": "dance"}, {"do": "spread:nobody"}, {"c..2027-01\x00": "1"},
])
def test_a_broken_form_is_no_accident(client_for, alice, empty, broken):
    browser = client_for(alice)
    assert browser.post(HOME, form(browser, "kpi=order-intake&year=2027") | broken).status_code in (200, 302, 404, 422)


def test_parts_sum_to_exactly_the_whole():
    rng = random.Random(7)
    for _n in range(2000):
        total = Decimal(rng.randrange(-10**9, 10**9)).scaleb(-rng.randrange(4))
        weights = [Decimal(rng.randrange(-50, 1000)) / 7 for _ in range(rng.choice([4, 12]))]
        parts = shares(total, weights, Decimal(rng.choice(["1", "0.01"])))
        assert sum(parts) == total
        heavy = [max(w, Decimal(0)) for w in weights]
        step = max((abs(total) / 1000, Decimal("1.01")))
        assert all(abs(abs(p) - abs(total) * w / sum(heavy)) <= step for p, w in zip(parts, heavy, strict=True))
    assert shares(Decimal(100), [Decimal(0)] * 12, Decimal("0.01"))[0] == Decimal("8.34")
    assert shares(Decimal(0), [Decimal(1)] * 3, Decimal("0.01")) == [0, 0, 0]


def test_last_years_pattern_goes_by_what_was(client_for, company, alice, api, empty):
    year = structures.today().year
    for month, price in ((1, "30"), (7, "10")):
        order = factories.make("orders", api, lines=[{"description": "x", "quantity": "1", "unit_price": price}])
        assert api.post(f"{order['url']}confirm/", {"date": f"{year - 1}-{month:02d}-05"}).status_code == 200
    browser = client_for(alice)
    sent = form(browser, f"kpi=order-intake&year={year}") | {f"c..{year}": "1000.03", "do": "spread-all", "how": "pattern"}
    spread = words(browser.post(HOME, sent).content.decode())
    assert [spread[f"c..{year}-{n:02d}"] for n in (1, 2, 7)] == ["750.02", "0", "250.01"]
    beside = browser.post(HOME, sent | {"by": "product_category", f"c..{year}": ""}).status_code
    assert beside == 200
