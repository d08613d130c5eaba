"""Saved views: whose they are, what their readers may use of them, and what an address with one says."""

import json
import re

import pytest

from core import access, door, registry, saved_views, write
from core.errors import Denied, Missing, RuleError
from core.models import Role, SavedView
from tests import factories, people


def make(user, slug, **data):
    return door.writing(lambda: write.create(access.actor_for(user), registry.get(slug), data))


def change(user, record, **data):
    return door.writing(lambda: write.change(access.actor_for(user), registry.get("saved-views"), record.pk, data, record.version))


def view(user, **data):
    stated = {"type": "accounts", "name": f"View {SavedView.objects.count()}", "kind": "list", "content": {"filter": ["city", "eq", "Bonn"], "sort": ["-name"]}}
    return make(user, "saved-views", **{**stated, **data})


def seen(api, **words):
    return {row["id"] for row in api.get("saved-views/", {"limit": 200, **words}).json()["results"]}


def role_hiding(alice, name, *hidden, slug="accounts"):
    """A role that sees all of a type but these fields."""
    grants = [{"type": slug, "actions": ["view", "export"], "scope": "all", "hidden": list(hidden)}]
    return make(alice, "roles", name=name, grants=grants)


@pytest.fixture(scope="module", autouse=True)
def accounts(alice):
    for name, city in (("Alder", "Bonn"), ("Birch", "Bonn"), ("Cedar", "Kiel")):
        make(alice, "accounts", name=name, city=city, roles=["customer"], payment_days="14" if city == "Bonn" else "30")


# Whose they are -----------------------------------------------------------------------------------------------------


def test_one_s_own_is_seen_by_nobody_else_not_even_by_the_owner_of_the_company(alice, bob, carol, api_for):
    mine, shared = view(bob), view(bob, shared=True)
    companys = view(alice, owner=None)
    for user in (alice, carol):
        api = api_for(user)
        assert str(shared.pk) in seen(api) and str(companys.pk) in seen(api)
        assert str(mine.pk) not in seen(api) and str(mine.pk) not in seen(api, q=mine.name)
        assert api.get(f"saved-views/{mine.pk}/").status_code == 404
        assert api.patch(f"saved-views/{mine.pk}/", {"name": "Taken"}, mine.version).status_code == 404
        assert api.delete(f"saved-views/{mine.pk}/", mine.version).status_code == 404
        assert str(mine.pk) not in json.dumps(api.get("trail/", {"limit": 200}).json())
    assert {str(mine.pk), str(shared.pk), str(companys.pk)} <= seen(api_for(bob))


def test_the_company_s_are_made_and_changed_only_by_who_has_a_grant_for_it(alice, bob, carol):
    companys = view(alice, owner=None)
    for user in (bob, carol):
        with pytest.raises(RuleError) as refused:
            view(user, owner=None)
        assert "owner" in refused.value.errors
        with pytest.raises(Denied):
            change(user, companys, name="Taken")
        mine = view(user)
        with pytest.raises(RuleError):
            change(user, mine, owner=None)
        with pytest.raises(RuleError):
            change(user, mine, owner=str(alice.pk))
    grants = [{"type": "saved-views", "actions": ["add", "change"], "scope": "own"}, {"type": "accounts", "actions": ["view"], "scope": "all"}]
    role = make(alice, "roles", name="Keeper of views", grants=grants)
    keeper = make(alice, "users", name="Kim", email="kim-views@example.com", roles=[str(role.pk)])
    made = view(keeper, owner=None)
    assert made.owner_id is None
    assert change(keeper, companys, name="Better").name == "Better"


def test_what_is_shared_is_changed_by_its_owner_alone(alice, bob):
    shared = view(bob, shared=True)
    with pytest.raises(Denied):
        change(alice, shared, name="Taken")
    assert change(bob, shared, shared=False).shared is False
    with pytest.raises(Missing):
        change(alice, shared, name="Taken")


def test_a_view_of_a_type_one_does_not_see_is_not_seen_either(alice, api_for):
    role = make(alice, "roles", name="Contacts only", grants=[{"type": "contacts", "actions": ["view"], "scope": "all"}])
    erin = make(alice, "users", name="Erin", email="erin-views@example.com", roles=[str(role.pk)])
    shared = view(alice, shared=True)
    assert str(shared.pk) not in seen(api_for(erin))
    with pytest.raises(RuleError) as refused:
        view(erin)
    assert "type" in refused.value.errors


# What readers may use of one ----------------------------------------------------------------------------------------


def test_a_filter_by_what_its_reader_does_not_see_is_refused_and_told_nowhere(alice, client_for, api_for):
    role = role_hiding(alice, "Without days", "payment_days")
    fred = make(alice, "users", name="Fred", email="fred-views@example.com", roles=[str(role.pk)])
    content = {"filter": {"all": [["payment_days", "eq", "14"], ["city", "eq", "Bonn"]]}, "sort": ["payment_days"], "columns": ["name", "payment_days", "city"]}
    shared = view(alice, owner=None, name="Secret days", content=content)
    page = client_for(fred).get(f"/accounts/?view={shared.pk}").content.decode()
    assert "This view filters by something that is not available to you" in page
    assert not {"Alder", "Birch", "Cedar"} & set(re.findall(r"[A-Z][a-z]+", page.split('id="list"')[1]))
    assert "payment_days" not in page
    for text in (api_for(fred).get(f"saved-views/{shared.pk}/").content, api_for(fred).get("trail/", {"limit": 200}).content):
        assert b"payment_days" not in text
    told = api_for(fred).get(f"saved-views/{shared.pk}/").json()["content"]
    assert told == {"columns": ["name", "city"], "unavailable": True}
    file = b"".join(client_for(fred).get(f"/accounts/?view={shared.pk}&format=csv").streaming_content)
    assert b"Alder" not in file and b"payment_days" not in file
    file = b"".join(client_for(fred).get("/saved-views/?format=csv").streaming_content)
    assert b"payment_days" not in file
    assert "Alder" in client_for(alice).get(f"/accounts/?view={shared.pk}").content.decode()
    assert api_for(alice).get(f"saved-views/{shared.pk}/").json()["content"] == content


def test_columns_and_orders_by_what_its_reader_does_not_see_are_left_out(alice, client_for):
    role = role_hiding(alice, "Without days too", "payment_days")
    gina = make(alice, "users", name="Gina", email="gina-views@example.com", roles=[str(role.pk)])
    shared = view(alice, owner=None, content={"sort": ["-payment_days", "name"], "columns": ["payment_days", "name"], "filter": ["city", "eq", "Bonn"]})
    page = client_for(gina).get(f"/accounts/?view={shared.pk}").content.decode()
    assert "Alder" in page and "payment_days" not in page and "Changed" not in page


def test_an_archived_field_is_treated_the_same(alice, client_for):
    own = make(alice, "custom-fields", type="accounts", key="grade", kind="text", label="Grade")
    by_filter = view(alice, content={"filter": ["grade", "empty", True]})
    by_column = view(alice, content={"columns": ["name", "grade"], "sort": ["grade"]})
    door.writing(lambda: write.act(access.actor_for(alice), registry.get("custom-fields"), own.pk, "archive"))
    client = client_for(alice)
    assert "not available to you" in client.get(f"/accounts/?view={by_filter.pk}").content.decode()
    page = client.get(f"/accounts/?view={by_column.pk}").content.decode()
    assert "Alder" in page and "Grade" not in page
    assert change(alice, by_filter, name="Renamed all the same").version == 2
    door.writing(lambda: write.act(access.actor_for(alice), registry.get("custom-fields"), own.pk, "restore"))
    assert "Alder" in client.get(f"/accounts/?view={by_filter.pk}").content.decode()


@pytest.mark.parametrize("content", [
    [], "x", {"filter": ["no_such", "eq", "1"]}, {"filter": "x"}, {"columns": ["no_such"]}, {"columns": "name"}, {"sort": [1]}, {"other": 1},
    {"q": "x" * 201}, {"archived": "yes"}, {"unavailable": True}, {"date": "name_"}, {"columns": ["name"] * 41}, {"filter": {"all": [["city", "near", "x"]]}},
])  # fmt: skip
def test_content_that_makes_no_view_is_refused_in_a_sentence(alice, content):
    with pytest.raises(RuleError) as refused:
        view(alice, content=content)
    assert refused.value.errors["content"][0].endswith((".", "”.", "cimals."))


@pytest.mark.parametrize("data", [
    {"type": "nothing"}, {"type": "trail"}, {"kind": "cinema"}, {"kind": "board", "type": "contacts"}, {"default_for": ["x"]}, {"default_for": {}},
    {"owner": None, "default_for": ["00000000-0000-0000-0000-000000000000"]}, {"name": ""}, {"name": "x" * 121},
])  # fmt: skip
def test_what_makes_no_view_is_refused(alice, data):
    with pytest.raises(RuleError):
        view(alice, **data)


# The page -----------------------------------------------------------------------------------------------------------


def test_what_is_seen_is_kept_under_a_name_and_opened_again(alice, client_for):
    client = client_for(alice)
    state = "city=Bonn&sort=-name&columns=city,name&q=birch"
    response = client.post("/accounts/views/", {"name": "中文 “quoted”", "state": state, "whose": "own"}, follow=True)
    page = response.content.decode()
    kept = SavedView.objects.get(name="中文 “quoted”")
    assert kept.content == {"q": "birch", "sort": ["-name"], "columns": ["city", "name"], "filter": ["city", "eq", "Bonn"]}
    assert kept.owner_id == alice.pk and not kept.shared
    assert "Birch" in page and "Alder" not in page and "Cedar" not in page and "中文" in page
    heads = re.findall(r"<th[^>]*>(?:<a[^>]*>)?([^<]+)", page.split("<thead>")[1].split("</thead>")[0])
    assert [h for h in heads if h.strip()] == ["City", "Name"]


def test_changes_on_top_are_said_saved_kept_apart_and_discarded(alice, client_for):
    client = client_for(alice)
    kept = view(alice, name="On top")
    plain = client.get(f"/accounts/?view={kept.pk}").content.decode()
    assert "Changed" not in plain and plain.index("Birch") < plain.index("Alder")
    without = re.search(r'class="chip-x" href="([^"]+)"', plain)[1].replace("&amp;", "&")
    changed = client.get(without).content.decode()
    assert "Changed" in changed and "Cedar" in changed and f'href="/accounts/?view={kept.pk}"' in changed
    state = re.search(r'name="state" value="([^"]*)"', changed)[1].replace("&amp;", "&")
    client.post(f"/accounts/views/{kept.pk}/", {"do": "save", "state": state, "version": kept.version})
    kept.refresh_from_db()
    assert kept.content == {"sort": ["-name"]} and kept.version == 2
    assert "Cedar" in client.get(f"/accounts/?view={kept.pk}").content.decode()


def test_a_second_saver_who_saw_an_older_view_is_told(alice, client_for):
    kept = view(alice, owner=None, name="Of two")
    client = client_for(alice)
    client.post(f"/accounts/views/{kept.pk}/", {"do": "rename", "name": "Of one", "version": 1})
    response = client.post(f"/accounts/views/{kept.pk}/", {"do": "save", "state": "sort=name", "version": 1})
    assert response.status_code == 412
    kept.refresh_from_db()
    assert kept.name == "Of one" and kept.content["sort"] == ["-name"]


def test_deeds_share_order_and_delete(alice, bob, client_for):
    client = client_for(bob)
    one, two = view(bob, name="Left"), view(bob, name="Right")
    client.post(f"/accounts/views/{two.pk}/", {"do": "earlier", "version": two.version})
    mine = [v.name for v in saved_views.of_type(access.actor_for(bob), registry.get("accounts")) if v.owner_id == bob.pk]
    assert mine.index("Right") < mine.index("Left")
    one.refresh_from_db()
    client.post(f"/accounts/views/{one.pk}/", {"do": "share", "version": one.version})
    assert "Left" in client_for(alice).get("/accounts/").content.decode()
    assert client_for(alice).post(f"/accounts/views/{one.pk}/", {"do": "delete", "version": 2}).status_code == 403
    one.refresh_from_db()
    client.post(f"/accounts/views/{one.pk}/", {"do": "delete", "version": one.version})
    assert not SavedView.objects.filter(pk=one.pk).exists()
    assert client.post(f"/accounts/views/{two.pk}/", {"do": "explode", "version": 1}).status_code == 404
    assert client_for(alice).post(f"/accounts/views/{two.pk}/", {"do": "rename", "name": "Taken", "version": 1}).status_code == 404


def test_a_list_opens_with_the_view_of_a_role_and_one_s_own_comes_before_it(alice, client_for):
    sales = Role.objects.get(key="sales")
    hana = people.new_user("Hana", "sales")
    for name in ("Dogwood", "Elm"):
        make(hana, "contacts", name=name)
    of_role = make(alice, "saved-views", type="contacts", name="For sales", kind="list", owner=None, content={"filter": ["name", "eq", "Elm"]},
                   default_for=[str(sales.pk)])  # fmt: skip
    client = client_for(hana)
    page = client.get("/contacts/").content.decode()
    assert "Elm" in page and "Dogwood" not in page and of_role.name in page
    assert "Dogwood" in client.get("/contacts/?view=list").content.decode()
    assert "Dogwood" in client.get("/contacts/?name=Dogwood").content.decode()
    own = make(hana, "saved-views", type="contacts", name="Mine", kind="list", content={"filter": ["name", "eq", "Dogwood"]})
    client.post(f"/contacts/views/{own.pk}/", {"do": "first", "version": own.version})
    page = client.get("/contacts/").content.decode()
    assert "Dogwood" in page and "Elm" not in page
    assert "For sales" not in client_for(alice).get("/contacts/").content.decode().split('aria-current="page"')[1][:60]


def test_a_board_is_saved_as_a_board(alice, client_for):
    client = client_for(alice)
    made = factories.make("opportunities", access.actor_for(alice))
    client.post("/opportunities/views/", {"name": "My board", "state": "view=board&lead_source=fair", "whose": "own"})
    kept = SavedView.objects.get(name="My board")
    assert kept.kind == "board"
    page = client.get(f"/opportunities/?view={kept.pk}").content.decode()
    assert "data-board" in page and made.name in page and "Changed" not in page


def test_addresses_of_no_view_are_missing(alice, bob, client_for):
    mine = view(bob)
    client = client_for(alice)
    assert client.get(f"/accounts/?view={mine.pk}").status_code == 404
    assert client.get("/accounts/?view=nothing").status_code == 404
    assert client.get(f"/contacts/?view={view(alice).pk}").status_code == 404
    assert client.get("/accounts/?view=cinema&view-as=list").status_code == 404
    assert client.get("/accounts/?view-as=cinema").status_code == 200


def test_one_person_keeps_so_many_views_of_a_list_and_no_more(alice, monkeypatch):
    monkeypatch.setattr(saved_views, "MOST", SavedView.objects.filter(type="products", owner=alice).count() + 1)
    view(alice, type="products", content={})
    with pytest.raises(RuleError, match="At most"):
        view(alice, type="products", content={})
