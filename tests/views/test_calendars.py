"""The calendar and the map of a type, by HTTP: what lies where, for whom, at what cost, and what a move changes."""

import math
import re
from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import access, calendars, door, places, query, registry, write
from core.errors import RuleError
from core.listings import Listing
from core.models import SavedView
from core.views import atlas, maps

HERE = "/trips/?view=calendar&by-date=starts&on-day=2026-03-15"
BERLIN, KIEL, SYDNEY = ("52.52", "13.405"), ("54.3233", "10.1228"), ("-33.8688", "151.2093")


def make(user, to, **data):
    return door.writing(lambda: write.create(access.actor_for(user), registry.get(to), data))


@pytest.fixture(scope="module", autouse=True)
def trips(company, alice):
    """An object of the company's own with days, an instant, a point, an address and an amount."""
    make(alice, "custom-objects", key="trips", label="Trip", plural="Trips")
    for key, kind in (("starts", "date"), ("ends", "date"), ("at", "datetime"), ("spot", "geo"), ("site", "address"), ("secret", "date")):
        make(alice, "custom-fields", type="trips", key=key, kind=kind, label=key.title())


def trip(user, name, **data):
    return make(user, "trips", name=name, **data)


def cells(page):
    """Day -> the titles on it, in their order."""
    found = {}
    for section in re.findall(r'<section class="calendar-day.*?</section>', page, re.S):
        day = re.search(r'id="day-([\d-]+)"', section)[1]
        found[day] = re.findall(r'class="board-title" href="[^"]*" draggable="false" title="([^"·]*?)(?: ·[^"]*)?">', section)
    return found


def text_of(client, address):
    response = client.get(address)
    assert response.status_code == 200, re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", response.content.decode().split("<main")[-1]))
    return response.content.decode()


# The calendar -------------------------------------------------------------------------------------------------------


def test_records_stand_on_their_days_in_whole_weeks_from_monday(alice, client_for):
    trip(alice, "Fair", starts="2026-03-03")
    trip(alice, "Before", starts="2026-02-22")
    trip(alice, "Edge", starts="2026-02-23")
    page = text_of(client_for(alice), HERE)
    found = cells(page)
    assert min(found) == "2026-02-23" and max(found) == "2026-04-05" and len(found) == 42
    assert found["2026-03-03"] == ["Fair"] and found["2026-02-23"] == ["Edge"] and "Before" not in page
    week = cells(text_of(client_for(alice), "/trips/?view=calendar&by-date=starts&on-day=2026-03-05&span=week"))
    assert list(week) == [f"2026-03-0{n}" for n in range(2, 9)] and week["2026-03-03"] == ["Fair"]


def test_a_record_with_an_end_lies_on_every_day_to_it(alice, client_for):
    trip(alice, "Tour", starts="2026-06-29", ends="2026-07-02")
    trip(alice, "Odd", starts="2026-07-10", ends="2026-07-01")
    page = text_of(client_for(alice), "/trips/?view=calendar&by-date=starts&by-until=ends&on-day=2026-07-15")
    found = cells(page)
    assert [day for day, names in found.items() if "Tour" in names] == ["2026-06-29", "2026-06-30", "2026-07-01", "2026-07-02"]
    assert [day for day, names in found.items() if "Odd" in names] == ["2026-07-10"]
    inside = cells(text_of(client_for(alice), "/trips/?view=calendar&by-date=starts&by-until=ends&on-day=2026-07-01&span=week"))
    assert [day for day, names in inside.items() if "Tour" in names] == ["2026-06-29", "2026-06-30", "2026-07-01", "2026-07-02"]


def test_days_agree_with_plain_python_and_each_count_with_its_list(alice):
    actor, trips_ = access.actor_for(alice), registry.get("trips")
    first = date(2027, 5, 1)
    spans = [(first + timedelta(days=n * 5 % 23 - 4), n % 4) for n in range(60)]
    for n, (start, length) in enumerate(spans):
        trip(alice, f"N{n}", starts=start.isoformat(), **({"ends": (start + timedelta(days=length)).isoformat()} if length else {}))
    known = access.fields(actor, trips_)
    made = calendars.days(actor, trips_, Listing(), known["starts"], known["ends"], first, first + timedelta(days=14), 4)
    for day in made:
        assert day.count == sum(1 for s, length in spans if s <= day.date <= s + timedelta(days=length))
        only = calendars.condition(known["starts"], known["ends"], day.date, day.date + timedelta(days=1))
        assert day.count == query.matching(actor, trips_, Listing(conditions=(only,))).count()
        assert len(day.records) == min(4, day.count) or len(day.records) >= 4


def test_an_instant_stands_on_the_day_of_the_company(alice, client_for, company):
    trip(alice, "Late call", at="2026-03-20T23:30")
    page = text_of(client_for(alice), "/trips/?view=calendar&by-date=at&on-day=2026-03-15")
    assert cells(page)["2026-03-20"] == ["Late call"]
    assert "23:30" in page


def test_a_full_day_says_how_many_more_and_costs_no_more(alice, client_for):
    day = "2028-08-08"

    def cost():
        with CaptureQueriesContext(connection) as queries:
            page = text_of(client_for(alice), "/trips/?view=calendar&by-date=starts&on-day=2028-08-08")
        return len(queries), page

    trip(alice, "One", starts=day)
    few, _page = cost()
    actor = access.actor_for(alice)
    door.writing(lambda: write.create_many(actor, registry.get("trips"), [{"name": f"Trip {n:03}", "starts": day} for n in range(199)]))
    many, page = cost()
    assert many <= few
    assert len(cells(page)[day]) == 5 and "+195" in page
    link = re.search(r'class="calendar-more" href="([^"]+)"', page)[1].replace("&amp;", "&")
    assert "200 records" in text_of(client_for(alice), link)


def test_it_obeys_filters_access_and_hidden_fields(alice, bob, client_for):
    trip(alice, "Alpha", starts="2029-01-10", secret="2029-01-11")
    trip(alice, "Beta", starts="2029-01-10")
    client = client_for(alice)
    page = text_of(client, "/trips/?view=calendar&by-date=starts&on-day=2029-01-10&name=Beta")
    assert cells(page)["2029-01-10"] == ["Beta"]
    grants = [{"type": "trips", "actions": ["view", "change"], "scope": "own"}]
    own = make(alice, "roles", name="Own trips", grants=grants)
    ivy = make(alice, "users", name="Ivy", email="ivy-days@example.com", roles=[str(own.pk)])
    assert cells(text_of(client_for(ivy), "/trips/?view=calendar&by-date=starts&on-day=2029-01-10"))["2029-01-10"] == []
    hides = make(alice, "roles", name="No secret", grants=[{"type": "trips", "actions": ["view"], "scope": "all", "hidden": ["secret"]}])
    jon = make(alice, "users", name="Jon", email="jon-days@example.com", roles=[str(hides.pk)])
    assert cells(text_of(client, "/trips/?view=calendar&by-date=secret&on-day=2029-01-10"))["2029-01-11"] == ["Alpha"]
    page = text_of(client_for(jon), "/trips/?view=calendar&by-date=secret&on-day=2029-01-10")
    assert cells(page)["2029-01-11"] == [] and cells(page)["2029-01-10"] == ["Alpha", "Beta"] and '<option value="secret"' not in page
    kept = make(alice, "saved-views", type="trips", name="Secret days", kind="calendar", owner=None, content={"date": "secret"})
    page = text_of(client_for(jon), f"/trips/?view={kept.pk}").split('id="list"')[1]
    assert "Secret days" in page and "secret" not in page.replace("Secret days", "").lower()


def test_a_move_keeps_length_and_time_and_asks_for_the_version(alice, carol, client_for):
    tour = trip(alice, "Mover", starts="2026-09-07", ends="2026-09-09", at="2026-09-07T08:15")
    client = client_for(alice)
    address = "/trips/?view=calendar&by-date=starts&by-until=ends&on-day=2026-09-01"
    sent = {"id": str(tour.pk), "version": tour.version, "from": "2026-09-08", "value": "2026-09-15"}
    assert client.post(address, sent).status_code == 302
    moved = registry.get("trips").all().get(pk=tour.pk)
    assert (moved.custom["starts"], moved.custom["ends"]) == ("2026-09-14", "2026-09-16")
    assert client.post(address, sent).status_code == 412
    at = "/trips/?view=calendar&by-date=at&on-day=2026-09-01"
    assert client.post(at, {"id": str(tour.pk), "version": moved.version, "by": "-7"}).status_code == 302
    moved = registry.get("trips").all().get(pk=tour.pk)
    assert datetime.fromisoformat(moved.custom["at"]).strftime("%m-%d %H:%M") == "08-31 08:15"
    for bad in ({"value": "soon"}, {"value": ""}, {"by": "x"}):
        assert client.post(at, {"id": str(tour.pk), "version": moved.version, **bad}).status_code == 422
    assert client_for(carol).post(address, {**sent, "version": moved.version}).status_code in (403, 404, 409)


@pytest.mark.parametrize("words", ["on-day=nonsense", "on-day=9999-12-31", "span=year", "by-date=name", "by-date=starts&by-until=starts", "map-box=1"])
def test_words_of_no_meaning_show_the_calendar_all_the_same(alice, client_for, words):
    assert len(cells(text_of(client_for(alice), f"/trips/?view=calendar&{words}"))) >= 28


# The map ------------------------------------------------------------------------------------------------------------


def spots(page):
    """Those of a desk, as address and label."""
    return re.findall(r'<a class="map-spot(?: wide-only)?" href="([^"]+)" aria-label="([^"]+)">', page)


def moves(page):
    """What a button of the map says -> where it leads."""
    return {label: url.replace("&amp;", "&") for url, label in re.findall(r'<a class="btn btn-icon" href="([^"]+)"[^>]*aria-label="([^"]+)"', page)}


def at(place):
    return {"lat": place[0], "lng": place[1]}


@pytest.fixture(scope="module")
def placed(alice, trips):
    found = [trip(alice, f"Berlin {n}", spot=at(BERLIN), site={"city": "Berlin", "country": "DE"}) for n in range(12)]
    return [*found, trip(alice, "Kiel", spot=at(KIEL), site={"country": "DE"}), trip(alice, "Sydney", spot=at(SYDNEY), site={"country": "AU"})]


def test_what_is_close_together_is_one_spot_that_leads_closer(alice, client_for, placed):
    client = client_for(alice)
    page = text_of(client, "/trips/?view=map&by-place=spot")
    found = spots(page)
    assert sum(int(re.match(r"\d+", label)[0]) if label[0].isdigit() else 1 for _url, label in found) == 14
    url = next(url for url, label in found if label == "One record")
    assert url == f"/trips/{placed[-1].pk}/"
    assert "Show all 14 records" in page and "Records without a place" in page
    for _step in range(30):
        more = [url for url, label in spots(page) if label.startswith("1") and "map-box" in url]
        if not more:
            break
        page = text_of(client, more[0].replace("&amp;", "&"))
    assert [label for _url, label in spots(page)] == ["12 records"]
    listed = text_of(client, spots(page)[0][0].replace("&amp;", "&"))
    assert "12 records" in listed and "Berlin 3" in listed and "Kiel" not in listed


def test_a_phone_has_room_for_fewer_spots_that_hold_as_many(alice, client_for, placed):
    page = text_of(client_for(alice), "/trips/?view=map&by-place=spot&map-box=30,-25,70,40")
    small = re.findall(r'<a class="map-spot(?: small-only)?" href="[^"]+" aria-label="([^"]+)">', page)
    assert sorted(label for _url, label in spots(page)) == ["12 records", "One record"]
    assert small == ["13 records"]


def test_on_a_phone_no_two_spots_are_nearer_than_a_finger(alice, client_for, placed):
    client = client_for(alice)

    def pressed(page):
        found = re.findall(r'<a class="map-spot(?: small-only)?" href="([^"]+)" aria-label="([^"]+)">.*?translate\((\d+) (\d+)\)', page)
        return {label: (url.replace("&amp;", "&"), (int(x), int(y))) for url, label, x, y in found}

    found = pressed(text_of(client, "/trips/?view=map&by-place=spot&map-box=30,-25,70,40"))
    assert list(found) == ["13 records"]
    closer = pressed(text_of(client, found["13 records"][0]))
    assert sorted(closer) == ["12 records", "One record"], "it leads to where they stand apart"
    (_url, one), (_other, two) = closer.values()
    assert math.dist(one, two) >= maps.FINGER


def test_the_outline_of_the_land_lies_where_the_records_do(alice, client_for, placed):
    page = text_of(client_for(alice), "/trips/?view=map&by-place=spot")
    assert re.search(r'<use class="map-land" href="[^"]*land[^"]*\.svg#land" transform="matrix\(', page)
    box = (30.0, -25.0, 70.0, 40.0)
    right, _b, _c, down, x, y = (float(n) for n in atlas.land(box)[0].removeprefix("matrix(").removesuffix(")").split())
    lat, lng = (float(n) for n in KIEL)
    assert math.dist((lng * right + x, -lat * down + y), atlas.at(box, lat, lng)) < 1
    assert len(atlas.land((-40.0, 100.0, 40.0, 260.0))) == 2, "round the world it goes on"
    assert atlas.land((54.0, 10.0, 55.0, 11.0)) == [], "too near for so coarse an outline"


def test_a_map_moves_and_zooms_by_links(alice, client_for, placed):
    client = client_for(alice)
    page = text_of(client, "/trips/?view=map&by-place=spot&map-box=40,0,60,30")
    assert len(spots(page)) == 2
    assert "Sydney" not in page
    assert "Sydney" in text_of(client, moves(page)["Show all"])
    assert len(spots(text_of(client, moves(page)["Zoom out"]))) >= 1
    for _step in range(3):
        page = text_of(client, moves(page)["To the east"])
    assert spots(page) == []
    for bad in ("x", "1,2,3", "60,0,40,30", "nan,0,1,1", "inf,0,inf,1", "0,0,91,1"):
        assert text_of(client, f"/trips/?view=map&by-place=spot&map-box={bad}")


def test_addresses_stand_by_country(alice, client_for, placed):
    page = text_of(client_for(alice), "/trips/?view=map&by-place=site")
    assert [label for _url, label in spots(page)] == ["Germany: 13 records", "Australia: One record"]
    url = spots(page)[0][0].replace("&amp;", "&")
    assert "13 records" in text_of(client_for(alice), url)
    assert [label for _url, label in spots(text_of(client_for(alice), "/trips/?view=map&by-place=site&name=Kiel"))] == ["Germany: One record"]


def test_a_map_costs_the_same_however_many_there_are(alice, client_for, placed):
    def cost():
        client = client_for(alice)
        text_of(client, "/trips/?view=map&by-place=spot")  # what is remembered between requests is read anew after a change
        with CaptureQueriesContext(connection) as queries:
            text_of(client, "/trips/?view=map&by-place=spot")
        return len(queries)

    few = cost()
    rows = [{"name": f"Far {n}", "spot": {"lat": str(n % 60 - 30), "lng": str(n % 170)}} for n in range(150)]
    door.writing(lambda: write.create_many(access.actor_for(alice), registry.get("trips"), rows))
    assert cost() <= few


def test_cities_of_the_world_are_where_they_are():
    known = places.main_cities()
    assert known["CN"] == (31.2333, 121.4667) and known["BR"][0] < 0 and known["US"][1] < 0
    assert len(known) > 230
    assert [name for _lat, _lng, name in places.cities((51, 12, 54, 15), "en")] == ["Berlin"]
    assert [name for _lat, _lng, name in places.cities((31, 121, 32, 122), "zh_Hans_CN")] == ["上海"]


# Saved --------------------------------------------------------------------------------------------------------------


def test_calendar_and_map_are_saved_and_opened_again(alice, client_for):
    client = client_for(alice)
    client.post("/trips/views/", {"name": "Weeks", "state": "view=calendar&by-date=starts&by-until=ends&span=week&name__contains=Fair", "whose": "company"})
    kept = SavedView.objects.get(name="Weeks")
    assert (kept.kind, kept.content) == ("calendar", {"date": "starts", "until": "ends", "span": "week", "filter": ["name", "contains", "Fair"]})
    page = text_of(client, f"/trips/?view={kept.pk}&on-day=2026-03-03")
    assert len(cells(page)) == 7 and cells(page)["2026-03-03"] == ["Fair"] and "Changed" not in page
    client.post("/trips/views/", {"name": "Where", "state": "view=map&by-place=site", "whose": "shared"})
    kept = SavedView.objects.get(name="Where")
    assert (kept.kind, kept.content, kept.shared) == ("map", {"place": "site"}, True)
    assert "map-spot" in text_of(client, f"/trips/?view={kept.pk}")


@pytest.mark.parametrize("data", [
    {"kind": "calendar", "content": {"date": "name"}}, {"kind": "calendar", "content": {"date": "starts", "until": "spot"}},
    {"kind": "calendar", "content": {"span": "year"}}, {"kind": "map", "content": {"place": "starts"}}, {"kind": "map", "type": "products"},
])  # fmt: skip
def test_what_makes_no_calendar_or_map_is_refused(alice, data):
    with pytest.raises(RuleError):
        make(alice, "saved-views", **{"type": "trips", "name": "No", "content": {}, **data})


def test_a_map_begins_with_the_field_that_says_where_something_is(alice, client_for, trips):
    trip(alice, "No point", site={"country": "FR"})
    client = client_for(alice)
    page = text_of(client, "/trips/?view=map&name=No+point")
    assert '<option value="site" selected' in page and len(spots(page)) == 1
    closer = text_of(client, moves(page)["Zoom in"])
    assert '<option value="site" selected' in closer and len(spots(closer)) == 1
    assert '<option value="spot" selected' in text_of(client, "/trips/?view=map&name=nobody"), "where none does, the first"
