"""A figure on the map of a dashboard: marks where its groups lie, each with the number and the address of its list; countries and points."""

import html
import json
import math
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from core.models import Dashboard
from core.views import map_tiles
from tests import factories, people
from tests.people import Api

KIEL, ULM = {"lat": "54.3233", "lng": "10.1228"}, {"lat": "48.4011", "lng": "9.9876"}


@pytest.fixture(scope="module")
def api(company, alice) -> Api:
    return people.api(alice, company)


@pytest.fixture(scope="module")
def sold(api):
    """Deals of accounts in three countries and in none, and of branches with a point, some without."""
    api.post("custom-objects/", {"key": "branches", "label": "Branch", "plural": "Branches"})
    api.post("custom-fields/", {"type": "branches", "key": "spot", "kind": "geo", "label": "Spot"})
    api.post("custom-fields/", {"type": "accounts", "key": "site", "kind": "address", "label": "Site"})
    api.post("custom-fields/", {"type": "opportunities", "key": "branch", "kind": "ref", "target": "branches", "label": "Branch"})
    named = (("North", {"spot": KIEL}), ("South", {"spot": ULM}), ("Nowhere", {}))
    branches = [api.post("branches/", {"name": name, **more}).json()["id"] for name, more in named]
    for n, (country, amount) in enumerate((("DE", "100"), ("DE", "300"), ("CN", "250"), ("", "70"))):
        account = factories.make("accounts", api, country=country, site={"city": "Kiel", "country": country} if country else None)
        factories.make("opportunities", api, account=account["id"], amount=amount, branch=branches[n % 3])
    api.post("kpis/", {"name": "Worth", "key": "worth", "definition": {"of": {"type": "opportunities"}, "aggregate": "sum", "field": "base_amount"}})
    api.post("kpis/", {"name": "Customers", "key": "customers", "definition": {"of": {"type": "accounts"}, "aggregate": "count"}})
    return branches


def shown(api, browser, *tiles):
    """The page of a dashboard of these map tiles: (figure, split)."""
    made = api.post("dashboards/", {"name": " ".join(key + by for key, by in tiles), "tiles": [
        {"kpi": key, "shape": "map", "period": "all", **({"group_by": by} if by else {}), "x": 0, "y": i, "w": 6, "h": 2} for i, (key, by) in enumerate(tiles)
    ]})  # fmt: skip
    assert made.status_code == 201, made.content
    return browser.get(f"/?board={made.json()['id']}").content.decode()


def marks(page):
    """Label -> address of the marks."""
    found = re.findall(r'<a class="map-spot map-mark[^"]*" href="([^"]+)" aria-label="([^"]+)">', page)
    return {html.unescape(label): html.unescape(url) for url, label in found}


def listed(api, url):
    """What the list behind a mark adds up to."""
    words = parse_qs(urlsplit(url).query)
    return api.get(f"{urlsplit(url).path.strip('/')}/?" + urlsplit(url).query).json(), json.loads(words["filter"][0])


def test_countries_are_marks_with_their_lists(api, client_for, alice, sold):
    page = shown(api, client_for(alice), ("worth", "account.country"))
    found = marks(page)
    assert len(found) == 2 and next(iter(found)).startswith("Germany: ") and "400" in next(iter(found)), "the largest comes first"
    answer, _filter = listed(api, found[next(label for label in found if label.startswith("Germany"))])
    assert len(answer["results"]) == 2 and float(next(iter(answer["sums"].values()))) == 400
    assert "One group has no place on this map" in page
    assert '<th scope="row"><a href=' in page and "China" in page, "the table says the same"


def test_records_lie_where_their_point_is_or_by_their_country(api, client_for, alice, sold):
    points = marks(shown(api, client_for(alice), ("worth", "branch")))
    assert {label.partition(":")[0] for label in points} == {"North", "South"}
    by_country = marks(shown(api, client_for(alice), ("worth", "account")))
    assert {label.partition(":")[0] for label in by_country} >= {"Germany", "China"}, "without a point of its own, an account counts for its country"
    site = marks(shown(api, client_for(alice), ("customers", "site.country"), ("worth", "account.site.country")))
    assert {label.partition(":")[0] for label in site} == {"Germany", "China"}


def test_the_size_says_how_much_and_no_mark_hides_another(api, client_for, alice, sold):
    page = shown(api, client_for(alice), ("worth", "account.country"))
    drawn = re.findall(r'<g transform="translate\((\d+) (\d+)\)"><g class="map-scale"><circle r="([\d.]+)"/>', page.split("map-mark", 1)[1])
    (x, y, large), (other_x, other_y, small) = [tuple(map(float, one)) for one in drawn]
    assert map_tiles.LARGEST == large > small > map_tiles.LEAST
    assert math.dist((x, y), (other_x, other_y)) >= large + small
    assert "data-chart" not in page.split("map-tile")[1].split("</figure>")[0], "it is drawn without a script"


def test_marks_nearer_than_a_finger_are_one_where_a_tile_is_narrow(api, client_for, alice, sold):
    near = [api.post("branches/", {"name": f"Near {n}", "spot": {"lat": f"53.{n + 6}", "lng": "10.6"}}).json()["id"] for n in range(3)]
    account = factories.make("accounts", api)["id"]
    for branch in near:
        factories.make("opportunities", api, account=account, amount="5", branch=branch)
    page = shown(api, client_for(alice), ("worth", "branch"))
    assert len(marks(page)) == 5, "where there is room each has its own"
    crowds = re.findall(r'map-crowd map-tight" href="(/kpis/worth/[^"]+)" aria-label="([^"]+)">', page)
    assert len(crowds) == 1 and crowds[0][1].startswith("4 groups: North, Near")
    alone = re.findall(r'<a class="map-spot map-mark" href="[^"]+" aria-label="([^"]+)">', page)
    assert [label.partition(":")[0] for label in alone] == ["South"]


def test_what_has_no_room_near_its_place_is_one_with_what_has(api, client_for, alice, sold):
    account = factories.make("accounts", api)["id"]
    for n in range(8):
        branch = api.post("branches/", {"name": f"Same {n}", "spot": {"lat": "-33.9", "lng": "151.2"}}).json()["id"]
        factories.make("opportunities", api, account=account, amount=str(900 + n), branch=branch)
    page = shown(api, client_for(alice), ("worth", "branch"))
    crowds = re.findall(r'map-crowd map-roomy" href="([^"]+)" aria-label="(\d+) groups: Same', page)
    assert [count for _url, count in crowds] == ["8"] and "Same" not in " ".join(marks(page)), "nothing is drawn far from where it is"


def test_what_has_no_place_says_so(api, client_for, alice, sold):
    page = shown(api, client_for(alice), ("worth", "stage"), ("worth", "month"), ("worth", ""))
    assert page.count("Nothing that this figure is split by says where it is") == 2
    assert len(marks(page)) >= 2, "where nobody said by what, by the first that has a place"


def test_only_what_has_a_place_can_be_chosen_for_a_map(api, client_for, alice, sold):
    words = {"name": "x", "tile": ["t7"], "t7.kpi": "worth", "t7.shape": "map", "t7.w": "6", "t7.h": "2"}
    page = client_for(alice).post("/dashboards/new/", words | {"do": "again:t7"}).content.decode()
    tile = page.split('id="tile-t7-splits"')[1].split("</ol>")[0].split("t7.period")[0]
    assert 'value="account.country"' in tile and 'value="branch"' in tile and 'value="stage"' not in tile and 'value="month"' not in tile
    saved = client_for(alice).post("/dashboards/new/", {**words, "name": "Kept", "t7.by": "account.country"})
    assert saved.status_code == 302 and Dashboard.objects.get(name="Kept").tiles == [
        {"kpi": "worth", "shape": "map", "group_by": "account.country", "x": 0, "y": 0, "w": 6, "h": 2}
    ]  # fmt: skip


def test_who_does_not_see_where_things_are_sees_no_map_of_them(company, api, client_for, sold):
    view = {"actions": ["view"], "scope": "all"}
    role = api.post("roles/", {"name": "No places", "grants": [
        {"type": "opportunities", **view}, {"type": "branches", **view, "hidden": ["spot"]}, {"type": "dashboards", **view},
    ]})  # fmt: skip
    reader = people.new_user("Blind", roles=[role.json()["id"]])
    page = shown(people.api(reader, company), client_for(reader), ("worth", "branch"))
    assert not marks(page) and "says where it is" in page
