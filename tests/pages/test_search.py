"""Searching everything: hits by type, the best first, as a page and as JSON; and never what one may not see."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import access, door, registry, search, write
from core.views.search import _of_many
from tests import people


@pytest.fixture(scope="module", autouse=True)
def records(company, alice):
    actor = access.actor_for(alice)

    def make():
        accounts = registry.get("accounts")
        for name in ("Zeta Holding", "Beta & <b>Zeta</b>", "Zeta", "华为技术有限公司"):
            write.create(actor, accounts, {"name": name, "city": "Bonn"})
        gone = write.create(actor, accounts, {"name": "Zeta Old"})
        write.act(actor, accounts, gone.pk, "archive")
        write.create(actor, registry.get("products"), {"sku": "ZETA-1", "name": "Bolt"})

    door.writing(make)


def hits(client, q):
    answer = client.get("/search/", {"q": q}, headers={"Accept": "application/json"})
    assert answer.headers["Content-Type"] == "application/json"
    return [(h["label"], h["url"].split("/")[1]) for h in json.loads(answer.content)["results"]]


def test_the_very_name_comes_first_and_archived_records_do_not_come(client_for, alice):
    accounts = [(name, "accounts") for name in ("Zeta", "Zeta Holding", "Beta & <b>Zeta</b>")]
    assert hits(client_for(alice), "zeta") == [*accounts, ("Bolt", "products")]


@pytest.mark.parametrize("q", ["华为", "hwjs", "技术"])
def test_chinese_is_found_by_characters_and_initials(client_for, alice, q):
    assert hits(client_for(alice), q) == [("华为技术有限公司", "accounts")]


def test_the_page_groups_by_type_links_and_escapes(client_for, alice):
    page = client_for(alice).get("/search/", {"q": "zeta"}).content.decode()
    assert "Beta &amp; &lt;b&gt;Zeta&lt;/b&gt;" in page and "<b>Zeta</b>" not in page
    assert page.index("Accounts</h2>") < page.index("Products</h2>")
    assert "4 hits" in page
    for _label, url in [("Zeta", "/accounts/"), ("Bolt", "/products/")]:
        assert f'href="{url}' in page


def test_nobody_finds_what_he_may_not_see(client_for, company):
    mallory = people.new_user("Mallory", "sales")
    assert hits(client_for(mallory), "zeta") == [("Bolt", "products")], "accounts of others are not in a salesperson's scope"
    assert "Zeta" not in client_for(mallory).get("/search/", {"q": "zeta h"}).content.decode().replace("zeta h", "")


@pytest.mark.parametrize("q", ["", " ", "\0", "\x00zeta\x07", "%", "_", "\\", "'", '"', "a" * 5000, "\ud83d\ude00", "zeta " * 50])
def test_odd_words_find_nothing_or_something_but_never_break(client_for, alice, q):
    client = client_for(alice)
    assert client.get("/search/", {"q": q.encode("utf-8", "replace")}).status_code == 200
    assert client.get("/search/", {"q": q.encode("utf-8", "replace"), "format": "json"}).status_code == 200


def test_one_must_be_signed_in(company):
    assert people.browser(company).get("/search/?q=zeta").headers["Location"].startswith("/sign-in/")


def test_many_hits_are_found_as_few_are(client_for, alice, monkeypatch):
    few = [hits(client_for(alice), q) for q in ("zeta", "ze", "华为")]
    monkeypatch.setattr("core.search.FEW", 0)
    assert [hits(client_for(alice), q) for q in ("zeta", "ze", "华为")] == few
    assert all(few)


def test_only_types_that_hold_it_are_asked(client_for, alice):
    client = client_for(alice)
    client.get("/search/", {"q": "zeta"})
    with CaptureQueriesContext(connection) as queries:
        client.get("/search/", {"q": "zeta"})
    asked = [q["sql"] for q in queries if "core_searchentry" in q["sql"] or "_rank" in q["sql"]]
    assert len(asked) == 3, asked  # one for all types, one for each of two


def test_of_many_the_names_that_begin_with_it_come_first_and_then_the_newest(client_for, alice, monkeypatch):
    def make():
        for name in ("Old quark", "Quark Works", "New quark", "Quark"):
            write.create(access.actor_for(alice), registry.get("accounts"), {"name": name})

    door.writing(make)
    monkeypatch.setattr("core.search.FEW", 0)
    assert [label for label, _type in hits(client_for(alice), "quark")] == ["Quark", "Quark Works", "New quark", "Old quark"]


@pytest.mark.parametrize("slug", [t.slug for t in registry.every() if t.search and not t.rows])
def test_of_many_of_every_type_is_to_be_asked(alice, slug):
    for q in ("a name that nobody has", "100%_\\ Rabatt", "Ж", "twice twice"):
        assert door.reading(lambda q=q: _of_many(access.actor_for(alice), registry.get(slug), q, 5)) == []


def test_the_box_asks_for_types_until_it_is_full(client_for, alice, monkeypatch):
    def make():
        actor = access.actor_for(alice)
        account = write.create(actor, registry.get("accounts"), {"name": "Gravel One"})
        for slug in ("contacts", "opportunities"):
            for n in range(3):
                write.create(actor, registry.get(slug), {"name": f"Gravel {slug} {n}", "account": str(account.pk)})

    door.writing(make)
    asked, real = [], search.of_types
    monkeypatch.setattr(search, "of_types", lambda *given: asked.append(given[1:]) or real(*given))
    whole = hits(client_for(alice), "gravel")
    assert (len(whole), asked) == (7, [("gravel", (4, 13))])
    for room, of_each, types in ((3, 3, 2), (14, 14, 3), (5, 2, 3), (4, 2, 2), (2, 1, 1)):  # no further type for a single place
        asked.clear()
        monkeypatch.setattr("core.views.search.IN_BOX", room)
        monkeypatch.setattr("core.views.search.OF_EACH", of_each)
        kept = [hit for slug in ("accounts", "contacts", "opportunities")[:types] for hit in [h for h in whole if h[1] == slug][:of_each]]
        with CaptureQueriesContext(connection) as queries:
            assert hits(client_for(alice), "gravel") == kept[:room]
        assert len(asked) == 1
        assert sum("_rank" in q["sql"] for q in queries) == types, "each type with hits is asked once, the others not"


def test_the_box_asks_on_where_hits_are_not_to_be_seen(client_for, alice, monkeypatch):
    def make():
        actor, accounts = access.actor_for(alice), registry.get("accounts")
        for n in range(2):
            write.act(actor, accounts, write.create(actor, accounts, {"name": f"Shale Old {n}"}).pk, "archive")
        write.create(actor, registry.get("products"), {"sku": "SHALE", "name": "Shale"})

    door.writing(make)
    monkeypatch.setattr("core.views.search.IN_BOX", 2)
    assert hits(client_for(alice), "shale") == [("Shale", "products")]
