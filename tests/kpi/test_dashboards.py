"""Dashboards are laid out, kept for oneself or the company, narrowed through all tiles; a tile that cannot be told says why."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.models import Dashboard, Role
from tests import factories, people
from tests.people import Api

SHAPES = ("number", "bar", "line", "funnel", "pivot", "league", "map", "tree")


@pytest.fixture(scope="module")
def api(company, alice) -> Api:
    return people.api(alice, company)


@pytest.fixture(scope="module")
def deals(api):
    api.post("kpis/", {"name": "Deals", "key": "deals", "definition": {"of": {"type": "opportunities"}, "aggregate": "count"}})
    api.post("kpis/", {"name": "Deal size", "key": "deal-size", "definition": {"of": {"type": "opportunities"}, "aggregate": "median", "field": "amount"}})
    return [factories.make("opportunities", api, amount=a) for a in ("100", "250")]


def tiles(*given):
    """A form's words for these tiles: (kpi, shape, by, width)."""
    words = {"tile": [f"t{i}" for i in range(len(given))]}
    for i, (key, shape, by, width) in enumerate(given):
        words |= {f"t{i}.kpi": key, f"t{i}.shape": shape, f"t{i}.by": by, f"t{i}.w": str(width), f"t{i}.h": "1"}
    return words


def test_every_shape_shows_its_figure_and_leads_to_it(client_for, alice, deals):
    browser = client_for(alice)
    given = [(key, shape, "owner" if shape != "number" else "", 6) for key in ("deals", "deal-size") for shape in SHAPES]
    given += [("order-intake", shape, "account" if shape in ("league", "funnel", "pivot") else "unit" if shape == "tree" else "", 3) for shape in SHAPES]
    saved = browser.post("/dashboards/new/", {"name": "Everything", **tiles(*given)})
    assert saved.status_code == 302, saved.content.decode()[-3000:]
    text = browser.get(saved["Location"]).content.decode()
    assert text.count('class="card tile ') == len(given) and "/opportunities/?filter=" in text
    assert "cannot be rolled up" in text or "is a tree" in text, "a tile that cannot be told says why"
    row = Dashboard.objects.get(name="Everything")
    assert [(t["x"], t["w"]) for t in row.tiles[:4]] == [(0, 6), (6, 6), (0, 6), (6, 6)] and row.tiles[2]["y"] == 1


def test_of_nothing_no_axes_are_drawn_and_two_boards_of_one_name_are_two(client_for, alice, deals):
    browser = client_for(alice)
    empty = browser.get("/kpis/deals/?period=2001&group_by=month").content.decode()
    assert "data-chart" not in empty and "Nothing in this period." in empty
    first, second = (browser.post("/dashboards/new/", {"name": "Twin", **tiles(("deals", shape, "", 3))})["Location"] for shape in ("number", "bar"))
    assert 'class="kpi card figure"' in browser.get(first).content.decode() and 'class="kpi card figure"' not in browser.get(second).content.decode()


def test_a_figure_that_is_chosen_brings_what_its_tile_is_split_by(client_for, alice, deals):
    """The groups of its select: the figure's own, then the fields of each record it refers to; readers can narrow by what it has."""
    words = {"name": "Chosen", **tiles(("deals", "number", "", 3), ("", "number", "", 3))}
    page = client_for(alice).post("/dashboards/new/", words | {"do": "again:t0"}).content.decode()
    first, second = page.split('id="tile-t1"')
    tile = first.split('id="tile-t0"')[1]
    assert '<optgroup label="Account"><option value="account.unit">' in tile and 'value="account.industry"' in tile and " open>" in tile
    assert "<optgroup" not in second.split("</li>")[0] and 'name="filters" value="account"' in second
    saved = client_for(alice).post("/dashboards/new/", words | tiles(("deals", "league", "account.country", 6), ("order-intake", "bar", "account.industry", 6)))
    text = client_for(alice).get(saved["Location"]).content.decode()
    assert "account.country" in text and text.count('class="card tile ') == 2 and "is split by" not in text


def test_eight_tiles_cost_hardly_more_than_four(client_for, alice, deals):
    """Figures of the ledger are read together; each split by more than time costs two queries."""
    def cost(name, *given):
        saved = client_for(alice).post("/dashboards/new/", {"name": name, **tiles(*given)})
        browser = client_for(alice)
        with CaptureQueriesContext(connection) as caught:
            assert browser.get(saved["Location"]).content.decode().count('class="card tile ') == len(given)
        return len(caught)

    four = [(key, "number", "", 3) for key in ("order-intake", "orders", "won", "pipeline")]
    more = [("invoiced-net", "number", "", 3), ("order-intake", "line", "", 6), ("orders", "bar", "", 6), ("order-intake", "league", "account.industry", 6)]
    least, most = cost("Four", *four), cost("Eight", *four, *more)
    assert most <= least + 4 and most <= 45, (least, most)


def test_tiles_are_moved_and_removed_without_a_script(client_for, alice, deals):
    words = {"name": "Moved", **tiles(("deals", "number", "", 3), ("orders", "number", "", 4))}
    moved = client_for(alice).post("/dashboards/new/", words | {"do": "later:t0"}).content.decode()
    assert moved.index('value="orders" selected') < moved.index('value="deals" selected')
    removed = client_for(alice).post("/dashboards/new/", words | {"do": "remove:t0"}).content.decode()
    assert 'value="deals" selected' not in removed and 'value="orders" selected' in removed
    assert client_for(alice).post("/dashboards/new/", words | {"do": "add"}).content.decode().count("data-tile>") == 3
    assert not Dashboard.objects.filter(name="Moved").exists()


def test_one_filter_goes_through_all_tiles(client_for, company, alice, api, deals):
    bob = people.new_user("Bobby", "sales")
    factories.make("opportunities", api, amount="70", owner=str(bob.pk))
    two = tiles(("deals", "number", "", 3), ("order-intake", "number", "", 3))
    saved = client_for(alice).post("/dashboards/new/", {"name": "Narrow", "filters": ["owner"], **two})
    page = client_for(alice).get(f"{saved['Location']}&period=all&f.owner={bob.pk}").content.decode()
    assert 'title="1">1</a>' in page and f"%22{bob.pk}%22" in page
    assert client_for(alice).get(f"{saved['Location']}&f.owner=nobody").status_code == 200
    month = client_for(alice).get(f"{saved['Location']}&period=all").content.decode()
    assert 'title="3">3</a>' in month


def test_whose_it_is(client_for, company, alice, deals):
    bob = people.new_user("Bo", "sales")
    mine = client_for(bob).post("/dashboards/new/", {"name": "Mine", **tiles(("orders", "number", "", 3))})
    assert mine.status_code == 302
    row = Dashboard.objects.get(name="Mine")
    assert row.owner_id == bob.pk and client_for(bob).get("/").content.decode().count("Mine") >= 1
    assert client_for(alice).get(f"/dashboards/{row.pk}/edit/").status_code == 404
    forged = client_for(bob).post("/dashboards/new/", {"name": "For all", "company": "true", **tiles(("orders", "number", "", 3))})
    assert forged.status_code == 302 and Dashboard.objects.get(name="For all").owner_id == bob.pk
    assert people.api(bob, company).post("dashboards/", {"name": "All", "owner": None, "tiles": []}).status_code == 422
    words = {"name": "Sales board", "company": "true", "role": "sales", "first": "true", **tiles(("orders", "number", "", 3))}
    sales = client_for(alice).post("/dashboards/new/", words)
    assert sales.status_code == 302 and Role.objects.filter(key="sales").exists()
    assert "Sales board" in client_for(bob).get("/").content.decode()
    assert client_for(bob).get(f"/dashboards/{Dashboard.objects.get(name='Sales board').pk}/edit/").status_code == 403
    changed = client_for(bob).post(f"/dashboards/{row.pk}/edit/", {"name": "Mine too", "version": str(row.version), **tiles(("orders", "line", "", 6))})
    assert changed.status_code == 302
    assert client_for(bob).post(f"/dashboards/{row.pk}/edit/", {"name": "Late", "version": str(row.version), **tiles()}).status_code == 412
    row.refresh_from_db()
    assert client_for(bob).post(f"/dashboards/{row.pk}/delete/", {"version": str(row.version)}).status_code == 302
    assert not Dashboard.objects.filter(name="Mine too", archived_at=None).exists()


@pytest.mark.parametrize("wrong", [
    {"tiles": "x"}, {"tiles": [{"kpi": "nothing"}]}, {"tiles": [{"kpi": "orders", "shape": "pie"}]}, {"tiles": [{"kpi": "orders", "w": 0}]},
    {"tiles": [{"kpi": "orders", "x": 11, "w": 4}]}, {"tiles": [{"kpi": "orders", "period": "soon"}]}, {"tiles": [{"kpi": "orders", "more": 1}]},
    {"tiles": [{"kpi": "orders"}] * 61}, {"tiles": [{"kpi": {}}]}, {"filters": "x"}, {"filters": ["a"] * 9}, {"name": ""}, {"schedule": {"every": "hour"}},
    {"schedule": {"every": "day", "hour": 25, "to": []}}, {"schedule": {"every": "day", "hour": 7, "to": ["nobody"]}}, {"labels": {"zh-Hans": []}},
])
def test_what_makes_no_sense_is_refused(api, wrong):
    response = api.post("dashboards/", {"name": "Wrong", "tiles": [], **wrong})
    assert response.status_code == 422 and all(s.strip() for found in response.json()["errors"].values() for s in found)


def test_the_dashboards_of_before_are_copied(client_for, alice, deals):
    page = client_for(alice).get("/").content.decode()
    assert "copy=" in page
    ident = page.split("/dashboards/new/?copy=")[1].split('"')[0]
    copy = client_for(alice).get(f"/dashboards/new/?copy={ident}")
    assert copy.status_code == 200 and "data-tile>" in copy.content.decode()
    assert client_for(alice).get("/dashboards/new/?copy=nothing").status_code == 404
