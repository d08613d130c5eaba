"""The page on which a figure is built: its number while it is built is the figure's own, what is wrong is said, a shipped one is copied."""

import re

import pytest

from core import door, kpi, registry
from core.access import actor_for
from core.models import Kpi
from tests import factories, people

WORDS = {"name": "Deals won", "of": "t:opportunities", "aggregate": "sum", "field": "amount", "date": "close_date", "over": "period", "up_is_good": "true"}


@pytest.fixture(scope="module")
def deals(company, alice):
    api = people.api(alice, company)
    return [factories.make("opportunities", api, amount=a, close_date="2026-03-02")["id"] for a in ("100", "250")]


def test_a_figure_is_built_previewed_and_saved(client_for, alice, deals):
    browser = client_for(alice)
    assert browser.get("/kpis/new/").status_code == 200
    part = browser.post("/kpis/build/?part=preview", WORDS | {"period": "all"})
    assert part.status_code == 200 and "350.00" in part.content.decode() and "<html" not in part.content.decode()
    whole = browser.post("/kpis/build/", WORDS | {"filter.join": "all", "filter.do": "add:"})
    assert whole.status_code == 200 and 'name="filter.0.field"' in whole.content.decode()
    filtered = {"filter.join": "all", "filter.0.field": "amount", "filter.0.op": "gte", "filter.0.value": "200", "step.0.from": "1", "step.0.tone": "good"}
    saved = browser.post("/kpis/new/", WORDS | filtered | {"name.zh-Hans": "赢单"})
    assert saved.status_code == 302, saved.content.decode()[:3000]
    row = Kpi.objects.get(key=saved["Location"].strip("/").split("/")[-1])
    assert row.definition["filter"] == ["amount", "gte", "200.00"] and row.labels == {"zh-Hans": "赢单"}
    page = browser.get(saved["Location"] + "?period=2026-03").content.decode()
    assert "250.00" in page and "tone-good" in page
    assert browser.get(f"/kpis/{row.pk}/")["Location"] == f"/kpis/{row.key}/"
    again = browser.get(f"/kpis/{row.key}/edit/").content.decode()
    assert 'value="200.00"' in again and re.search(r'value="sum"\s+selected', again)
    changed = browser.post(f"/kpis/{row.key}/edit/", WORDS | {"name": "All deals", "version": str(row.version), "key": row.key})
    assert changed.status_code == 302
    late = browser.post(f"/kpis/{row.key}/edit/", WORDS | {"name": "Late", "version": str(row.version), "key": row.key})
    assert late.status_code == 412 and "Late" in late.content.decode()


def test_every_shipped_figure_can_be_copied_and_says_the_same(client_for, alice, deals):
    browser, actor = client_for(alice), actor_for(alice)
    for key in registry.kpis:
        assert browser.get(f"/kpis/new/?copy={key}").status_code == 200, key
    page = browser.get("/kpis/new/?copy=order-intake").content.decode()
    assert 'value="m:ordered" selected' in page
    saved = browser.post("/kpis/new/", {"name": "Copy", "of": "m:ordered", "aggregate": "sum", "over": "period", "up_is_good": "true"})
    copy = kpi.definition(saved["Location"].strip("/").split("/")[-1])
    values = [door.reading(lambda d=d: kpi.value(actor, d, kpi.Question("all")).value) for d in (copy, kpi.definition("order-intake"))]
    assert values[0] == values[1]
    shipped = browser.get("/kpis/order-intake/edit/").content.decode()
    assert "copy=order-intake" in shipped and 'name="of"' not in shipped


@pytest.mark.parametrize("words", [
    {"of": "t:nothing"}, {"of": "m:nothing"}, {"of": ""}, {"of": "x"}, {"field": "name"}, {"date": "name"}, {"over": "soon"}, {"ratio": "true"},
    {"then": "average.x"}, {"then": "back"}, {"scale": "x", "ratio": "true", "per.of": "t:accounts"}, {"aggregate": "mode"},
    {"step.0.from": "x", "step.0.tone": "good"},
])
def test_what_is_wrong_is_said_beside_what_was_typed(client_for, alice, words):
    browser = client_for(alice)
    for address in ("/kpis/build/?part=preview", "/kpis/build/"):
        assert browser.post(address, WORDS | words).status_code == 200
    refused = browser.post("/kpis/new/", WORDS | words)
    assert refused.status_code == 422 and "Deals won" in refused.content.decode() and "alert-late" in refused.content.decode()


def test_who_may_not_build_is_told_so(client_for, bob):
    assert client_for(bob).get("/kpis/new/").status_code == 403 == client_for(bob).post("/kpis/build/", WORDS).status_code
    assert "/kpis/new/" not in client_for(bob).get("/kpis/").content.decode()
