"""Who sees and does what, against a plain reading of grants: rows, fields, second surfaces, and that rights never grow (Z-05 to Z-08)."""

import os
import random
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import access, deleting, door, jobs, listings, query, read, registry, search, write
from core.errors import Denied, Missing, RuleError
from core.models import Fact, Role, TrailEntry, User
from tests import people
from tests.digests import digest
from tests.erp import figures

LONG = bool(os.environ.get("ODOS_LONG"))
SLUGS = ("accounts", "contacts", "orders")
SYSTEM = "tests"
_number = count(1)


def system() -> access.Actor:
    return access.system(SYSTEM)


def make(slug: str, **values):
    return people.writing(lambda: write.create(system(), registry.get(slug), values))


@pytest.fixture(scope="module")
def world(company, alice):
    """A tree of five units, six people in them, and records of each with an order confirmed."""
    root = alice.unit_id
    units = {"root": root}
    for name, above in (("a", "root"), ("a1", "a"), ("a2", "a"), ("b", "root")):
        units[name] = make("org-units", name=name, parent=str(units[above])).pk
    folk = [people.new_user(f"P{i}", unit=str(units[u])) for i, u in enumerate(("a", "a1", "a1", "a2", "b", "root"))]
    product = make("products", sku="X", name="X", unit_price="10")
    draw = random.Random(3)
    for person in folk:
        for i in range(2):
            account = make(
                "accounts",
                name=f"{person.name}-{i}",
                country=draw.choice(["DE", "CN", ""]),
                industry=draw.choice(["Retail", "Steel"]),
                phone="+16502530000",
                owner=str(person.pk),
            )
            make("contacts", name=f"{person.name}'s contact {i}", account=str(account.pk), owner=str(person.pk))
            line = {"product": str(product.pk), "quantity": str(draw.randint(1, 9))}
            order = make("orders", account=str(account.pk), owner=str(person.pk), lines=[line], external_number=f"E-{account.pk}")
            people.writing(lambda order=order: write.act(system(), registry.get("orders"), order.pk, "confirm", {"date": "2026-02-03"}))
    return folk


def role(*grants: dict) -> Role:
    grants = [
        {"type": g["type"], "actions": g["actions"], "scope": g["scope"], **{k: v for k, v in g.items() if k in ("filter", "hidden", "readonly")}}
        for g in grants
    ]
    return make("roles", name=f"R{next(_number)}", grants=grants)


def with_roles(user: User, *roles: Role) -> access.Actor:
    """The user with exactly these roles."""
    user = User.objects.get(pk=user.pk)
    people.writing(lambda: write.change(system(), registry.get("users"), user.pk, {"roles": [str(r.pk) for r in roles]}, user.version))
    return access.actor_for(User.objects.get(pk=user.pk))


FILTERS = {
    "accounts": [["industry", "eq", "Retail"], {"any": [["country", "eq", "DE"], ["name", "starts", "P1"]]}],
    "contacts": [["account.industry", "eq", "Retail"]],
    "orders": [["account.country", "eq", "DE"], ["total", "gte", "40"]],
}
HIDEABLE = {"accounts": ["phone", "industry", "country"], "contacts": ["account", "email"], "orders": ["total", "external_number"]}


@st.composite
def grants(draw):
    slug = draw(st.sampled_from([*SLUGS, "*"]))
    some = draw(st.sets(st.sampled_from(["view", "change", "delete", "export"]), min_size=1))
    found = {"type": slug, "actions": sorted(some), "scope": draw(st.sampled_from(["own", "unit", "subtree", "all"]))}
    if slug != "*":
        if draw(st.booleans()):
            found["filter"] = draw(st.sampled_from(FILTERS[slug]))
        found["hidden"] = sorted(draw(st.sets(st.sampled_from(HIDEABLE[slug]), max_size=2)))
        found["readonly"] = sorted(draw(st.sets(st.sampled_from(HIDEABLE[slug]), max_size=2)))
    return found


def passes(record, node) -> bool:
    if isinstance(node, dict):
        return any(passes(record, part) for part in node["any"])
    path, op, value = node
    for name in path.split("."):
        record = getattr(record, name)
    return {"eq": lambda: record == value, "starts": lambda: record.startswith(value), "gte": lambda: record >= Decimal(value)}[op]()


def above(unit_id) -> list:
    parents = dict(registry.get("org-units").model.objects.values_list("pk", "parent_id"))
    found = []
    while unit_id:
        found.append(unit_id)
        unit_id = parents[unit_id]
    return found


def within(actor, scope: str, owner, unit) -> bool:
    return {
        "all": True,
        "own": owner == actor.id,
        "unit": owner == actor.id or unit == actor.unit_id,
        "subtree": owner == actor.id or actor.unit_id in above(unit),
    }[scope]


def may(actor, given_: list[dict], slug: str, action: str, record) -> bool:
    """The grants, read plainly."""

    def one(wanted: str) -> bool:
        return any(
            g["type"] in (slug, "*")
            and wanted in g["actions"]
            and within(actor, g["scope"], record.owner_id, record.unit_id)
            and (not g.get("filter") or passes(record, g["filter"]))
            for g in given_
        )

    return one("view") and one(action)


@given(who=st.integers(0, 5), sets=st.lists(st.lists(grants(), min_size=1, max_size=3), min_size=1, max_size=2))
@settings(max_examples=250 if LONG else 15, deadline=None)
def test_rows_and_facts_are_those_that_grants_give(world, who, sets):
    actor = with_roles(world[who], *(role(*g) for g in sets))
    given_ = [g for some in sets for g in some]

    def look():
        for slug in SLUGS:
            object_type = registry.get(slug)
            for action in ("view", "change", "delete", "export"):
                wanted = {r.pk for r in object_type.model.objects.all() if may(actor, given_, slug, action, r)}
                assert set(access.rows(actor, object_type, action).values_list("pk", flat=True)) == wanted, (slug, action)
        orders = {o.pk: o for o in registry.get("orders").model.objects.all()}
        hidden = access.hidden_names(actor, registry.get("orders"))
        told = {m.key for m in registry.measures.values() if not hidden & set(m.reveals)}
        facts = {f.pk for f in Fact.objects.all() if f.measure in told and may(actor, given_, "orders", "view", orders[f.source_id])}
        assert set(access.rows(actor, registry.get("facts")).values_list("pk", flat=True)) == facts

    door.reading(look)


@given(who=st.integers(0, 5), first=st.lists(grants(), min_size=1, max_size=2), more=st.lists(grants(), min_size=1, max_size=2))
@settings(max_examples=150 if LONG else 8, deadline=None)
def test_a_further_role_never_takes_rows_away(world, who, first, more):
    one, two = role(*first), role(*more)
    fewer, both = with_roles(world[who], one), with_roles(world[who], one, two)
    for slug in SLUGS:
        rows = [
            set(door.reading(lambda a=a, slug=slug: list(access.rows(a, registry.get(slug)).values_list("pk", flat=True)))) for a in (fewer, both)
        ]
        assert rows[0] <= rows[1]


@pytest.mark.parametrize(
    "slug,field,value",
    [
        ("accounts", "phone", "+16502530000"),
        ("accounts", "industry", "Retail"),
        ("accounts", "name", "P0-0"),
        ("contacts", "account", None),
        ("orders", "external_number", "E-"),
    ],
)
def test_a_hidden_field_shows_on_no_surface(world, slug, field, value):
    """Z-05 and Z-06: read, label, filter, path, sort, sum, search, trail, KPI filter and split, write."""
    actor = with_roles(
        world[0],
        role(
            {"type": "*", "actions": ["view", "export", "change"], "scope": "all"},
            {"type": slug, "actions": ["view", "change"], "scope": "all", "hidden": [field]},
        ),
    )
    open_actor = with_roles(world[1], role({"type": "*", "actions": ["view", "export", "change"], "scope": "all"}))
    narrow = with_roles(
        world[0],
        role(
            {"type": slug, "actions": ["view", "change", "export"], "scope": "all", "hidden": [field]},
            *({"type": t, "actions": ["view"], "scope": "all"} for t in ("accounts", "contacts", "orders") if t != slug),
        ),
    )
    assert field in access.fields(actor, registry.get(slug)), "a grant as wide without the mark shows it"
    object_type, actor = registry.get(slug), narrow
    people.writing(lambda: search.reindex(slug))
    shown = door.reading(lambda: read.present(actor, object_type, access.rows(actor, object_type)))
    text = str([read.as_json(s, lambda slug, ident: f"/{slug}/{ident}/") for s in shown]) + str([s.label for s in shown])
    assert all(field not in s.values and field not in s.fields for s in shown)
    if value:
        assert value not in text
    for pairs in ([(field, "x")], [(f"{field}__empty", "true")], [("sort", field)], [("sum", field)], [("filter", f'["{field}","empty",true]')]):
        with pytest.raises(RuleError):
            door.reading(lambda pairs=pairs: query.page(actor, object_type, listings.listing(pairs)))
    if slug == "accounts":
        with pytest.raises(RuleError):
            door.reading(lambda: query.page(actor, registry.get("contacts"), listings.listing([(f"account.{field}", "x")])))
        with pytest.raises(RuleError):
            figures.ask(actor, "order-intake", period="all", filter=f'["account.{field}","eq","x"]')
    if value:
        assert not door.reading(lambda: query.page(actor, object_type, listings.listing([("q", value[:6])]))).records
        assert slug == "orders" or any(value in str(e) for e in TrailEntry.objects.filter(about_type=slug).values_list("changes", flat=True))
    trail = registry.get("trail")
    entries = door.reading(lambda: read.present(actor, trail, access.rows(actor, trail).filter(about_type=slug)))
    assert entries and all(field not in (e.values["changes"] or {}) for e in entries)
    known = door.reading(lambda: read.present(open_actor, trail, access.rows(open_actor, trail).filter(about_type=slug)))
    assert any(field in (e.values["changes"] or {}) for e in known)
    record = access.rows(actor, object_type).first()
    before = digest()
    with pytest.raises(RuleError):
        people.writing(lambda: write.change(actor, object_type, record.pk, {field: value}, record.version))
    assert digest() == before


def test_a_split_by_a_hidden_field_is_refused(world):
    actor = with_roles(
        world[0],
        role(
            {"type": "accounts", "actions": ["view"], "scope": "all", "hidden": ["country"]}, {"type": "orders", "actions": ["view"], "scope": "all"}
        ),
    )
    assert figures.ask(actor, "order-intake", period="all").value > 0
    for words in ({"group_by": "country"}, {"filter": '["country","eq","DE"]'}):
        with pytest.raises(RuleError):
            figures.ask(actor, "order-intake", period="all", **words)


@pytest.mark.parametrize("field", ["account", "owner", "net", "lines"])
def test_facts_do_not_tell_what_their_order_hides(world, field):
    actor = with_roles(world[0], role({"type": "orders", "actions": ["view"], "scope": "all", "hidden": [field]}))
    answer = figures.ask(actor, "order-intake", period="all")
    assert (answer.value, answer.rows) == (0, 0)
    assert answer.hidden == Fact.objects.filter(measure="ordered").count()


def test_the_title_of_a_record_is_hidden_with_its_field(world):
    actor = with_roles(
        world[0],
        role(
            {"type": "accounts", "actions": ["view"], "scope": "all", "hidden": ["name"]}, {"type": "contacts", "actions": ["view"], "scope": "all"}
        ),
    )
    accounts = door.reading(lambda: read.present(actor, registry.get("accounts"), access.rows(actor, registry.get("accounts"))))
    contacts = door.reading(lambda: read.present(actor, registry.get("contacts"), access.rows(actor, registry.get("contacts"))))
    names = set(registry.get("accounts").model.objects.values_list("name", flat=True))
    assert not names & {a.label for a in accounts}
    assert not names & {c.values["account"].label for c in contacts}


PLANTED = (
    "version",
    "created_at",
    "updated_at",
    "archived_at",
    "custom",
    "sort_key",
    "id",
    "pk",
    "unit",
    "number",
    "status",
    "net",
    "total",
    "tenant",
    "is_staff",
    "is_superuser",
    "created_by",
    "_state",
    "__class__",
    "url",
    "label",
    "company",
)


def test_what_a_role_begins_to_hide_is_no_longer_found_by_searching(world):
    """The index is made anew by the job that the change of the role promised."""
    accounts = registry.get("accounts")
    made = make("accounts", name="Sought", tax_id="Z-PLUM-77")

    def found() -> list:
        return [r.pk for r in door.reading(lambda: query.page(system(), accounts, listings.Listing(q="plum-77"))).records]

    assert found() == [made.pk]
    role({"type": "accounts", "actions": ["view"], "scope": "own", "hidden": ["tax_id"]})
    jobs.run_due()
    assert found() == []


def test_what_is_not_on_the_list_is_never_written(world, alice):
    """Z-07: each column of each type and classic names; refused by name, nothing changes."""
    actor = access.actor_for(alice)
    for object_type in registry.every():
        if not object_type.writable:
            continue
        record = access.rows(actor, object_type).order_by("pk").first()
        if record is None:
            continue
        names = {*PLANTED, *(c.attname for c in object_type.model._meta.concrete_fields), *(n for n, f in object_type.fields.items() if f.readonly)}
        for name in sorted(names - write.writable(actor, object_type).keys()):
            before = digest() if name in ("version", "unit", "status", "custom") else None
            with pytest.raises(RuleError) as refused:
                people.writing(lambda t=object_type, r=record, name=name: write.change(actor, t, r.pk, {name: "1"}, r.version))
            assert name in refused.value.errors
            assert before is None or digest() == before


def test_a_denied_write_changes_nothing(world):
    """Z-04: every door, by somebody who may only look, and by somebody who may not even see."""
    looker = with_roles(world[0], role({"type": "*", "actions": ["view"], "scope": "all"}))
    stranger = with_roles(world[1], role({"type": "products", "actions": ["view"], "scope": "all"}))
    for actor, error in ((looker, Denied), (stranger, (Missing, Denied))):
        for slug in SLUGS:
            object_type = registry.get(slug)
            record = object_type.model.objects.first()
            deeds = [
                lambda a=actor, t=object_type: write.create(a, t, {"name": "New"}),
                lambda a=actor, t=object_type, r=record: write.change(a, t, r.pk, {"external_id": "1"}, r.version),
                lambda a=actor, t=object_type, r=record: deleting.delete(a, t, r.pk, r.version),
                lambda a=actor, t=object_type, r=record: write.act(a, t, r.pk, "archive"),
                *([lambda a=actor, t=object_type, r=record: write.act(a, t, r.pk, "amend", {"lines": []})] if slug == "orders" else []),
            ]
            for deed in deeds:
                before = digest()
                with pytest.raises(error):
                    people.writing(deed)
                assert digest() == before


def test_each_door_keeps_to_the_scope_of_its_own_action(world):
    """Who sees everything, and may change and export what is his own, lists it all, and writes and exports his own."""
    mine, theirs = world[0], world[4]
    deeds_of_his_own = ["change", "delete", "export", "archive"]
    wide = with_roles(
        mine, role({"type": "accounts", "actions": ["view"], "scope": "all"}, {"type": "accounts", "actions": deeds_of_his_own, "scope": "own"})
    )
    accounts = registry.get("accounts")
    every = set(accounts.model.objects.filter(archived_at=None).values_list("pk", flat=True))
    own = set(accounts.model.objects.filter(archived_at=None, owner=mine).values_list("pk", flat=True))
    assert listed(wide, accounts) == every > own
    assert exported(wide, accounts) == own
    other = accounts.model.objects.filter(owner=theirs).first()
    before = digest()
    for deed in (
        lambda: write.change(wide, accounts, other.pk, {"city": "X"}, other.version),
        lambda: deleting.delete(wide, accounts, other.pk, other.version),
        lambda: write.act(wide, accounts, other.pk, "archive"),
    ):
        with pytest.raises(Denied):
            people.writing(deed)
    assert digest() == before
    narrow = with_roles(mine, role({"type": "accounts", "actions": ["view", "export"], "scope": "own"}))
    assert listed(narrow, accounts) == exported(narrow, accounts) == own


def listed(actor: access.Actor, object_type) -> set:
    return {r.pk for r in door.reading(lambda: query.page(actor, object_type, listings.Listing(limit=listings.MOST))).records}


def exported(actor: access.Actor, object_type) -> set:
    return {r.pk for records in door.reading(lambda: list(query.chunks(actor, object_type, listings.Listing()))) for r in records}


def test_references_to_what_one_does_not_see_are_refused(world):
    """Z-03: in a field, a line, an act and a filter's path; the answer is that of an id that does not exist."""
    mine, theirs = world[0], world[4]
    actor = with_roles(
        mine,
        role(
            {"type": "accounts", "actions": ["view"], "scope": "own"},
            {"type": "contacts", "actions": ["view", "add", "change"], "scope": "own"},
            {"type": "orders", "actions": ["view", "add", "amend", "change"], "scope": "own"},
        ),
    )
    accounts, contacts, orders = (registry.get(s) for s in SLUGS)
    foreign = accounts.model.objects.filter(owner=theirs).first()
    own = accounts.model.objects.filter(owner=mine).first()
    order = orders.model.objects.filter(owner=mine).first()
    product = registry.get("products").model.objects.first()
    contact = people.writing(lambda: write.create(actor, contacts, {"name": "Fits", "account": str(own.pk)}))
    before = digest()
    for deed, name in (
        (lambda: write.create(actor, contacts, {"name": "x", "account": str(foreign.pk)}), "account"),
        (lambda: write.change(actor, contacts, contact.pk, {"account": str(foreign.pk)}, contact.version), "account"),
        (lambda: write.create(actor, orders, {"account": str(own.pk), "lines": [{"product": str(product.pk)}]}), "lines.0.product"),
        (lambda: write.act(actor, orders, order.pk, "amend", {"lines": [{"product": str(product.pk), "quantity": "1"}]}), "lines.0.product"),
        (lambda: write.create(actor, contacts, {"name": "x", "owner": str(theirs.pk)}), "owner"),
    ):
        with pytest.raises(RuleError) as refused:
            people.writing(deed)
        assert name in refused.value.errors
        assert digest() == before
    found = door.reading(lambda: query.page(actor, contacts, listings.listing([("account.name__contains", "P4")])))
    assert found.records == []


def test_an_act_takes_only_lines_its_actor_may_write(world):
    mine = world[0]
    orders = registry.get("orders")
    order = orders.model.objects.filter(owner=mine).first()
    for mark in ("hidden", "readonly"):
        actor = with_roles(
            mine,
            role(
                {"type": "orders", "actions": ["view", "amend"], "scope": "own", mark: ["lines"]},
                {"type": "products", "actions": ["view"], "scope": "all"},
            ),
        )
        before = digest()
        with pytest.raises(RuleError):
            people.writing(lambda actor=actor: write.act(actor, orders, order.pk, "amend", {"lines": [{"quantity": "1", "unit_price": "1"}]}))
        assert digest() == before


def test_nobody_gives_a_record_out_of_his_own_scope(world):
    mine, theirs = world[0], world[4]
    actor = with_roles(
        mine, role({"type": "accounts", "actions": ["view", "add", "change"], "scope": "own"}, {"type": "users", "actions": ["view"], "scope": "all"})
    )
    account = registry.get("accounts").model.objects.filter(owner=mine).first()
    before = digest()
    for deed in (
        lambda: write.change(actor, registry.get("accounts"), account.pk, {"owner": str(theirs.pk)}, account.version),
        lambda: write.create(actor, registry.get("accounts"), {"name": "x", "owner": str(theirs.pk)}),
    ):
        with pytest.raises(RuleError) as refused:
            people.writing(deed)
        assert "owner" in refused.value.errors
    assert digest() == before
