"""Layouts: what a reader gets of a record, what may stand in one, and that no layout loses a required field or shows a hidden one."""

import json
import random
import re

import pytest

from core import access, door, layouts, registry
from core.errors import RuleError
from core.models import Role
from core.views import layouts as drawing
from tests import people

BASICS = {"label": "Basics", "columns": 1, "items": [{"field": "name"}, {"field": "phone"}]}
FIRST = {"tabs": [{"label": "Mine", "labels": {"zh-Hans": "我的"}, "sections": [BASICS]}]}


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


@pytest.fixture
def layout(api):
    """Makes layouts, and takes them away after the test."""
    made = []

    def make(content, slug="accounts", **more):
        answer = api.post("layouts/", {"type": slug, "content": content, **more})
        assert answer.status_code == 201, answer.json()
        made.append(answer.json())
        return answer.json()

    yield make
    for one in made:
        present = api.get(f"layouts/{one['id']}/")
        if present.status_code == 200:
            api.delete(f"layouts/{one['id']}/", version=present.json()["version"])


def account(api, **more):
    made = api.post("accounts/", {"name": "Laid Ltd", "phone": "+49 228 4711", "city": "Bonn", **more})
    assert made.status_code == 201, made.json()
    return made.json()["id"]


def test_a_page_shows_what_its_layout_has_and_the_standard_everything(api, alice, client_for, layout):
    client, ident = client_for(alice), account(api)
    before = client.get(f"/accounts/{ident}/").content.decode()
    assert "Bonn" in before
    assert "Details" in before
    layout(FIRST)
    page = client.get(f"/accounts/{ident}/").content.decode()
    assert "Basics" in page
    assert "4711" in page.replace(" ", "")
    assert "<dd>Bonn</dd>" not in page
    form = client.get(f"/accounts/{ident}/edit/").content.decode()
    assert 'name="phone"' in form
    assert 'name="city"' not in form
    wang = people.new_user("Wang", "read-only", language="zh-Hans")
    assert "我的" in client_for(wang).get(f"/accounts/{ident}/").content.decode()


def test_what_is_not_in_the_form_stays_as_it_is(api, alice, client_for, layout):
    ident = account(api, roles=["customer"], phone="+49 228 1")
    layout(FIRST)
    client = client_for(alice)
    blank = client.get(f"/accounts/{ident}/edit/").content.decode()
    version = re.search(r'name="version" value="(\d+)"', blank)[1]
    answer = client.post(f"/accounts/{ident}/edit/", {"whole": "1", "version": version, "name": "Laid anew", "phone": "+49 228 2"})
    assert answer.status_code == 302, answer.content.decode()
    kept = api.get(f"accounts/{ident}/").json()
    assert (kept["name"], kept["roles"], kept["city"]) == ("Laid anew", ["customer"], "Bonn")


def test_a_required_field_nobody_placed_is_asked_for_all_the_same(api, alice, client_for, layout):
    layout({"tabs": [{"sections": [{"items": [{"field": "phone"}]}]}]})
    form = client_for(alice).get("/accounts/new/").content.decode()
    assert "Also required" in form
    assert form.index('name="phone"') < form.index("Also required") < form.index('name="name"')


def test_the_most_special_layout_is_the_one(company, api, alice, bob, layout):
    role = str(Role.objects.get(key="sales").pk)
    sort = api.post("record-types/", {"type": "contacts", "key": "vip", "label": "VIP"})
    assert sort.status_code == 201

    def named(text):
        return {"tabs": [{"label": text, "sections": [{"items": [{"field": "name"}]}]}]}

    def seen(user, record_type=""):
        def work():
            return str(layouts.of(access.actor_for(user), registry.get("contacts"), record_type).tabs[0].label)

        return door.reading(work)

    assert seen(bob) == ""
    layout(named("all"), "contacts")
    assert (seen(bob), seen(alice), seen(bob, "vip")) == ("all", "all", "all")
    layout(named("vip"), "contacts", record_type="vip")
    assert (seen(bob, "vip"), seen(bob)) == ("vip", "all")
    layout(named("sales"), "contacts", role=role)
    assert (seen(bob, "vip"), seen(bob), seen(alice)) == ("sales", "sales", "all")
    layout(named("sales vip"), "contacts", role=role, record_type="vip")
    assert (seen(bob, "vip"), seen(alice, "vip")) == ("sales vip", "vip")


@pytest.mark.parametrize(
    "content",
    [
        None, [], {}, {"tabs": []}, {"tabs": [1]}, {"tabs": [{}]}, {"tabs": [{"sections": [{"items": [{"field": "nothing"}]}]}]},
        {"tabs": [{"sections": [{"items": [{"field": "name"}, {"field": "name"}]}]}]}, {"tabs": [{"sections": [{"items": ["name"]}]}]},
        {"tabs": [{"sections": [{"columns": 3, "items": []}]}]}, {"tabs": [{"sections": [{"place": "below", "items": []}]}]},
        {"tabs": [{"key": "history", "sections": []}]}, {"tabs": [{"sections": []}, {"sections": []}]}, {"tabs": [{"sections": [], "more": 1}]},
        {"tabs": [{"label": "x" * 81, "sections": []}]}, {"tabs": [{"labels": {"zh": 1}, "sections": []}]},
        {"tabs": [{"sections": [{"items": [{"related": "contacts.nothing"}]}]}]}, {"tabs": [{"sections": [{"items": [{"block": "roof"}]}]}]},
        {"tabs": [{"sections": [{"items": [{"figure": "won", "dimension": "product"}]}]}]},
        {"tabs": [{"key": str(n), "sections": []} for n in range(13)]}, {"tabs": [{"sections": [{"items": []}] * 41}]},
        {"tabs": [{"sections": [{"items": [{"field": "name", "block": "lines"}]}]}]}, {"tabs": [{"sections": [{"items": [{"field": ["name"]}]}]}]},
    ],
    ids=lambda content: str(content)[:60],
)  # fmt: skip
def test_what_is_no_layout_is_refused_in_a_sentence(api, content):
    refused = api.post("layouts/", {"type": "accounts", "content": content})
    assert refused.status_code == 422, refused.json()
    assert "content" in refused.json()["errors"]


def test_names_in_any_writing_are_kept(api, layout):
    said = '客户 "A" <b>'
    made = layout({"tabs": [{"label": said, "sections": [{"label": said, "items": [{"field": "name"}]}]}]})
    assert made["content"]["tabs"][0]["label"] == said


@pytest.mark.parametrize("slug", sorted(t.slug for t in registry.every() if t.group and t.rows is None))
def test_the_standard_layout_holds_all_there_is(company, alice, slug):
    """Every field a reader sees stands in it once, and it is a layout that could be saved."""

    def work():
        actor, object_type = access.actor_for(alice), registry.get(slug)
        content = layouts.standard(actor, object_type)
        layouts.demand(object_type, content)
        placed = layouts.plan(content).fields()
        known = {n for n, f in access.fields(actor, object_type).items() if layouts.placeable(object_type, n, f)}
        assert sorted(placed) == sorted(known)
        drawn = drawing.seen(actor, object_type, layouts.plan(content))
        named = {i.name for tab in drawn.tabs for i in tab.named("related")}
        wanted = {f"{s}.{f}" for s, f in object_type.related if f in access.fields(actor, registry.get(s))}
        assert wanted <= named
        return content

    assert door.reading(work)


def random_layout(draw, slug):
    """Any layout of this type that can be saved."""
    object_type = registry.get(slug)
    named = layouts._nameable(object_type)
    things = [{"field": n} for n in sorted(named["field"])] + [{"block": n} for n in named["block"]] + [{"related": n} for n in named["related"]]
    draw.shuffle(things)
    things, tabs = things[: draw.randint(0, len(things))], []
    for n in range(draw.randint(1, 4)):
        sections = []
        for _each in range(draw.randint(0, 3)):
            taken = [things.pop() for _one in range(min(len(things), draw.randint(0, 8)))]
            place = draw.choice(layouts.PLACES)
            sections.append({"label": draw.choice(["", "Part"]), "columns": draw.choice([1, 2]), "place": place, "folded": draw.random() < 0.2, "items": taken})
        tabs.append({"key": f"t{n}", "label": draw.choice(["", "Tab"]), "sections": sections})
    return {"tabs": tabs}


@pytest.mark.parametrize("slug", ["accounts", "contacts", "opportunities", "orders", "invoices", "products"])
def test_random_layouts_lose_no_required_field_and_show_no_hidden_one(company, api, client_for, alice, layout, slug):
    draw = random.Random(slug)
    kept = {"accounts": "industry", "contacts": "phone", "opportunities": "amount", "orders": "requested_date", "invoices": "due_date"}
    hidden = kept.get(slug, "cost")
    grant = {"type": slug, "actions": ["*"], "scope": "all", "hidden": [hidden]}
    role = api.post("roles/", {"name": f"Without {hidden} of {slug}", "grants": [grant]}).json()
    user = people.new_user(f"Blind{slug}")
    assert api.patch(f"users/{user.pk}/", {"roles": [role["id"]]}, version=1).status_code == 200
    reader, owner = client_for(user), client_for(alice)
    object_type = registry.get(slug)
    required = {n for n, f in object_type.fields.items() if f.required and not f.readonly and not f.unasked and not f.compute}
    made = layout(random_layout(draw, slug), slug)
    for turn in range(5):
        content = random_layout(draw, slug)
        answer = api.patch(f"layouts/{made['id']}/", {"content": content}, version=api.get(f"layouts/{made['id']}/").json()["version"])
        assert answer.status_code == 200, (turn, answer.json(), json.dumps(content))
        form = owner.get(f"/{slug}/new/")
        assert form.status_code == 200
        there = set(re.findall(r'name="([a-z_]+)"', form.content.decode()))
        assert required <= there, (turn, required - there)
        blind = reader.get(f"/{slug}/new/")
        assert blind.status_code == 200
        assert f'name="{hidden}"' not in blind.content.decode()


def test_a_layout_names_what_was_archived_without_showing_it(api, alice, client_for, layout):
    own = api.post("custom-fields/", {"type": "accounts", "key": "shade", "kind": "text", "label": "Shade of paint"}).json()
    ident = account(api, shade="Teal")
    layout({"tabs": [{"sections": [{"items": [{"field": "name"}, {"field": "shade"}]}]}]})
    client = client_for(alice)
    assert "Teal" in client.get(f"/accounts/{ident}/").content.decode()
    assert api.post(f"custom-fields/{own['id']}/archive/").status_code == 200
    page = client.get(f"/accounts/{ident}/")
    assert page.status_code == 200
    assert "Teal" not in page.content.decode()


def test_the_check_raises_sentences_only(company):
    with pytest.raises(RuleError) as refused:
        door.reading(lambda: layouts.demand(registry.get("accounts"), {"tabs": [{"sections": [{"items": [{"field": "x"}]}]}]}))
    assert list(refused.value.errors) == ["content"]
