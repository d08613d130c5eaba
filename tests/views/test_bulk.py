"""The same done to many records: tried first, done part by part, what cannot be done named, through every door and beside others who write."""

import csv
import io
import json
import re
import threading

import pytest
from django.db import connections

from core import access, bulk, context, deleting, door, jobs, registry, write
from core.errors import Missing, RuleError, WrongState
from core.models import BulkRun, TrailEntry
from tests import people

GRANTS = [{"type": "accounts", "actions": ["view", "add"], "scope": "all"}, {"type": "accounts", "actions": ["change"], "scope": "own"}]


def make(user, slug, **data):
    return door.writing(lambda: write.create(access.actor_for(user), registry.get(slug), data))


def ask(user, do, data, dry_run=True, slug="accounts", **chosen):
    found = bulk.selection(chosen)
    return door.writing(lambda: bulk.ask(access.actor_for(user), registry.get(slug), found, do, data, dry_run))


def finished(run):
    jobs.run_due()
    run.refresh_from_db()
    return run


def confirmed(user, run):
    door.writing(lambda: bulk.confirm(access.actor_for(user), run.pk))
    return finished(run)


def accounts(user, count, city, **more):
    items = [{"name": f"{city} {n}", "city": city, "roles": ["customer"], **more} for n in range(count)]
    return door.writing(lambda: write.create_many(access.actor_for(user), registry.get("accounts"), items))


def fresh(records):
    found = registry.get("accounts").all().in_bulk([r.pk for r in records])
    return [found[r.pk] for r in records]


def test_it_is_tried_first_and_then_done_in_parts(alice, monkeypatch):
    monkeypatch.setattr(bulk, "PART", 4)
    made = accounts(alice, 10, "Aachen", industry="Old")
    made += accounts(alice, 2, "Aachen", industry="New")
    run = finished(ask(alice, "change", {"industry": "New"}, filter=["city", "eq", "Aachen"]))
    assert (run.state, run.total, run.done) == ("checked", 12, 12)
    assert (run.report["changed"], run.report["unchanged"], run.report["refused"]) == (10, 2, 0)
    assert [r.industry for r in fresh(made)] == ["Old"] * 10 + ["New"] * 2
    assert not TrailEntry.objects.filter(batch=run.pk).exists()
    run = confirmed(alice, run)
    assert (run.state, run.report["changed"], run.report["unchanged"]) == ("done", 10, 2)
    assert [r.industry for r in fresh(made)] == ["New"] * 12
    assert [r.version for r in fresh(made)] == [2] * 10 + [1] * 2
    entries = TrailEntry.objects.filter(batch=run.pk)
    assert len(entries) == 10 and {e.actor for e in entries} == {alice.pk}
    with pytest.raises(WrongState):
        door.writing(lambda: bulk.confirm(access.actor_for(alice), run.pk))


def test_who_may_not_change_some_is_told_how_many_and_which(alice, api_for):
    role = make(alice, "roles", name="Some of them", grants=GRANTS)
    ida = make(alice, "users", name="Ida", email="ida-bulk@example.com", roles=[str(role.pk)])
    theirs, own = accounts(alice, 3, "Bremen"), accounts(ida, 2, "Bremen")
    run = finished(ask(ida, "change", {"industry": "Ships"}, dry_run=False, filter=["city", "eq", "Bremen"]))
    assert (run.report["changed"], run.report["refused"]) == (2, 3)
    assert {fault[0] for fault in bulk.faults(run)} == {str(r.pk) for r in theirs}
    assert [reason[0] for reason in run.report["reasons"]] == ["denied"]
    assert {r.industry for r in fresh(own)} == {"Ships"} and {r.industry for r in fresh(theirs)} == {""}
    with pytest.raises(Missing):
        bulk.find(access.actor_for(alice), run.pk)
    assert api_for(alice).get(f"jobs/{run.pk}/").status_code == 404


def test_what_a_rule_refuses_is_named_and_the_rest_is_done(alice):
    """Of some the rule names the place in the batch; of others only that it does not go: both are found."""
    good = accounts(alice, 5, "Celle")
    lines = [{"description": "x", "quantity": "1", "unit_price": "2"}]
    draft, sent = (make(alice, "orders", account=str(good[0].pk), order_date="2026-03-05", lines=lines) for _n in (1, 2))
    door.writing(lambda: write.act(access.actor_for(alice), registry.get("orders"), sent.pk, "confirm"))
    run = finished(ask(alice, "confirm", {}, slug="orders", ids=[str(draft.pk), str(sent.pk)]))
    assert (run.state, run.report["changed"], run.report["refused"]) == ("checked", 1, 1)
    assert registry.get("orders").all().get(pk=draft.pk).status == draft.status
    run = confirmed(alice, run)
    assert (run.report["changed"], [f[1] for f in bulk.faults(run)]) == (1, ["state"])
    assert "not possible" in run.report["reasons"][0][1]
    seller = registry.get("orders").all().get(pk=draft.pk)
    assert seller.status != draft.status and TrailEntry.objects.filter(batch=run.pk, about_id=draft.pk).exists()


def test_a_field_that_only_some_can_have_stops_only_those(alice):
    parent = accounts(alice, 1, "Dessau")[0]
    others = accounts(alice, 6, "Dessau")
    run = finished(ask(alice, "change", {"parent": str(parent.pk)}, dry_run=False, filter=["city", "eq", "Dessau"]))
    assert (run.report["changed"], run.report["refused"]) == (6, 1)
    assert [f[0] for f in bulk.faults(run)] == [str(parent.pk)] and {r.parent_id for r in fresh(others)} == {parent.pk}


def test_who_changed_meanwhile_or_left_the_filter_is_left_alone_and_named(alice):
    made = accounts(alice, 4, "Erfurt", industry="Old")
    run = finished(ask(alice, "change", {"industry": "New"}, filter=["city", "eq", "Erfurt"]))
    actor = access.actor_for(alice)
    door.writing(lambda: write.change(actor, registry.get("accounts"), made[0].pk, {"website": "https://example.com"}, 1))
    door.writing(lambda: write.change(actor, registry.get("accounts"), made[1].pk, {"city": "Fulda"}, 1))
    door.writing(lambda: deleting.delete(actor, registry.get("accounts"), made[2].pk, 1))
    run = confirmed(alice, run)
    assert (run.report["changed"], run.report["refused"]) == (1, 3)
    assert {f[0]: f[1] for f in bulk.faults(run)} == {str(made[0].pk): "changed", str(made[1].pk): "left", str(made[2].pk): "gone"}
    assert fresh(made[:2])[0].industry == "Old" and fresh(made[:2])[1].industry == "Old" and fresh([made[3]])[0].industry == "New"


def test_a_writer_at_the_same_moment_loses_nothing(alice, company, monkeypatch):
    """While the run works, somebody changes its records one by one: each has both changes, or is named."""
    monkeypatch.setattr(bulk, "PART", 5)
    made = accounts(alice, 30, "Gera", industry="Old")
    run = ask(alice, "change", {"industry": "New"}, dry_run=False, filter=["city", "eq", "Gera"])
    moved = []

    def others():
        try:
            with context.bind(company):
                for record in reversed(made):
                    try:
                        door.writing(lambda r=record: write.change(access.actor_for(alice), registry.get("accounts"), r.pk, {"city": "Halle"}, 1))
                        moved.append(record.pk)
                    except Exception:  # the run was first: that one's version is another
                        pass
        finally:
            connections.close_all()

    thread = threading.Thread(target=others)
    thread.start()
    run = finished(run)
    thread.join()
    refused = {f[0] for f in bulk.faults(run)}
    assert run.state == "done" and run.report["changed"] + run.report["refused"] == 30
    for record in fresh(made):
        assert (record.industry == "New") == (str(record.pk) not in refused)
        assert (record.city == "Halle") == (record.pk in moved)
        assert record.version == 1 + (record.industry == "New") + (record.city == "Halle")
    assert {str(pk) for pk in moved} == refused


def test_archiving_restoring_and_deleting(alice):
    made = accounts(alice, 3, "Jena")
    pointed = make(alice, "contacts", name="Jo", account=str(made[0].pk))
    run = finished(ask(alice, "archive", {}, dry_run=False, filter=["city", "eq", "Jena"]))
    assert run.report["changed"] == 3 and all(r.archived_at for r in fresh(made))
    run = finished(ask(alice, "restore", {}, dry_run=False, filter=["city", "eq", "Jena"], archived=True))
    assert run.report["changed"] == 3 and not any(r.archived_at for r in fresh(made))
    run = finished(ask(alice, "delete", {}, filter=["city", "eq", "Jena"]))
    assert (run.report["changed"], run.report["archived"]) == (2, 1) and len(fresh(made)) == 3
    run = confirmed(alice, run)
    assert (run.report["changed"], run.report["archived"]) == (2, 1)
    assert [r.pk for r in registry.get("accounts").all().filter(pk__in=[m.pk for m in made])] == [made[0].pk] and pointed.account_id == made[0].pk


def test_the_whole_is_undone_but_for_what_changed_since(alice, api_for):
    made = accounts(alice, 4, "Singen", industry="Old")
    run = finished(ask(alice, "change", {"industry": "New"}, dry_run=False, filter=["city", "eq", "Singen"]))
    door.writing(lambda: write.change(access.actor_for(alice), registry.get("accounts"), made[0].pk, {"industry": "Mine"}, 2))
    answer = api_for(alice).post(f"jobs/{run.pk}/undo/", {})
    assert answer.status_code == 202, answer.content
    run = finished(run)
    assert run.state == "undone" and [r.industry for r in fresh(made)] == ["Mine", "Old", "Old", "Old"]
    assert [f[0] for f in bulk.faults(run)] == [str(made[0].pk)] and run.report["changed"] == 3
    assert api_for(alice).post(f"jobs/{run.pk}/undo/", {}).status_code == 409
    tried = finished(ask(alice, "change", {"industry": "Other"}, filter=["city", "eq", "Singen"]))
    assert api_for(alice).post(f"jobs/{tried.pk}/undo/", {}).status_code == 409


@pytest.mark.parametrize(("do", "data", "chosen"), [
    ("change", {}, {"filter": ["city", "eq", "Kiel"]}), ("change", {"nothing": 1}, {"filter": ["city", "eq", "Kiel"]}),
    ("change", {"country": "Atlantis"}, {"filter": ["city", "eq", "Kiel"]}), ("change", {"industry": "x"}, {"filter": ["city", "eq", "Nowhere"]}),
    ("change", {"industry": "x"}, {"filter": ["no_such", "eq", "1"]}), ("change", {"industry": "x"}, {"ids": ["x"]}),
    ("change", {"industry": "x"}, {"ids": "x"}),
    ("change", {"parent": "01a20011-c8b1-7166-8537-31081113866f"}, {"filter": ["city", "eq", "Kiel"]}), ("change", [], {"filter": ["city", "eq", "Kiel"]}),
])  # fmt: skip
def test_what_cannot_be_done_to_any_is_refused_at_once(alice, do, data, chosen):
    accounts(alice, 1, "Kiel")
    with pytest.raises(RuleError):
        ask(alice, do, data, **chosen)
    with pytest.raises(Missing):
        ask(alice, "explode", {}, filter=["city", "eq", "Kiel"])


def test_a_selection_has_a_limit(alice, monkeypatch):
    from core import limits  # noqa: PLC0415 - only this test changes it

    monkeypatch.setitem(limits.SAFETY, "bulk", 3)
    accounts(alice, 4, "Lahr")
    with pytest.raises(RuleError, match="At most"):
        ask(alice, "change", {"industry": "x"}, filter=["city", "eq", "Lahr"])
    assert ask(alice, "change", {"industry": "x"}, filter=["name", "eq", "Lahr 1"]).total == 1


# Over HTTP ----------------------------------------------------------------------------------------------------------


def test_a_program_asks_follows_and_confirms(alice, api_for):
    made = accounts(alice, 3, "Mainz")
    api = api_for(alice)
    answer = api.post("accounts/bulk/", {"filter": ["city", "eq", "Mainz"], "set": {"industry": "Wine"}})
    assert answer.status_code == 202 and answer["Location"] == answer.json()["url"] and answer.json()["state"] == "checking"
    jobs.run_due()
    told = api.get(answer["Location"]).json()
    assert (told["state"], told["changed"], told["refused"], told["total"]) == ("checked", 3, 0, 3)
    assert api.post(f"jobs/{told['id']}/confirm/", {}).status_code == 202
    assert api.post(f"jobs/{told['id']}/confirm/", {}).status_code == 409
    jobs.run_due()
    assert api.get(answer["Location"]).json()["state"] == "done" and {r.industry for r in fresh(made)} == {"Wine"}
    once = api.post("accounts/bulk/", {"ids": [str(made[0].pk)], "act": "archive", "dry_run": False}, idempotency_key="bulk-1")
    again = api.post("accounts/bulk/", {"ids": [str(made[0].pk)], "act": "archive", "dry_run": False}, idempotency_key="bulk-1")
    assert once.json() == again.json() and BulkRun.objects.filter(what__do="archive", what__ids=[str(made[0].pk)]).count() == 1


@pytest.mark.parametrize(("slug", "body", "status"), [
    ("accounts", {}, 422), ("accounts", [], 422), ("accounts", {"filter": None}, 422), ("accounts", {"ids": [], "set": {"industry": "x"}}, 422),
    ("accounts", {"filter": ["city", "eq", "x"], "set": {"industry": "x"}, "act": "archive"}, 422), ("accounts", {"ids": ["x"], "act": "archive"}, 422),
    ("accounts", {"filter": ["city", "eq", "Mainz"], "act": "explode"}, 404), ("accounts", {"filter": ["city", "eq", "Mainz"], "act": 7}, 422),
    ("accounts", {"filter": ["city", "eq", "Mainz"], "set": {"industry": "x"}, "dry_run": "no"}, 422), ("accounts", {"other": 1}, 422),
    ("trail", {"filter": ["act", "eq", "add"], "set": {"act": "x"}}, 403), ("nothing", {"filter": None, "set": {}}, 404), ("accounts", b"{", 400),
])  # fmt: skip
def test_a_program_that_asks_wrongly_is_told(alice, api_for, slug, body, status):
    answer = api_for(alice).post(f"{slug}/bulk/", body)
    assert answer.status_code == status and answer.json()["errors"]


def test_the_pages_select_try_do_and_name_what_is_left(alice, client_for):
    made = accounts(alice, 3, "Norden")
    client = client_for(alice)
    page = client.get("/accounts/?city=Norden").content.decode()
    assert page.count('name="selected"') == 3 and "All 3 that match" in page
    page = client.get("/accounts/bulk/?city=Norden&bulk-all=1&bulk-do=change").content.decode()
    assert "All 3 records that match" in page
    sent = {"bulk-state": "city=Norden&bulk-all=1", "bulk-do": "change", "whole": "1", "industry": "Fish", "bulk-set": ["industry"]}
    refused = client.post("/accounts/bulk/", {**sent, "bulk-set": []})
    assert refused.status_code == 422 and "Choose at least one field" in refused.content.decode() and "Fish" in refused.content.decode()
    answer = client.post("/accounts/bulk/", sent)
    place = answer["Location"]
    assert "Being checked" in client.get(place).content.decode()
    jobs.run_due()
    door.writing(lambda: write.change(access.actor_for(alice), registry.get("accounts"), made[0].pk, {"website": "https://example.com"}, 1))
    page = client.get(place).content.decode()
    assert "Edit fields: 3 records" in page and "Fish" in page
    client.post(place)
    jobs.run_due()
    page = client.get(place).content.decode()
    assert "Somebody changed it" in page and "Norden 0" in page
    rows = list(csv.reader(io.StringIO(client.get(f"{place}refused.csv").content.decode("utf-8-sig"))))
    assert rows[1] == [str(made[0].pk), "Norden 0", "Somebody changed it after it was selected."] and len(rows) == 2
    assert {r.industry for r in fresh(made[1:])} == {"Fish"}
    ticked = f"selected={made[0].pk}&selected={made[1].pk}"
    assert "2 selected records" in client.get(f"/accounts/bulk/?{ticked}&bulk-do=archive").content.decode()
    assert client.post("/accounts/bulk/", {"bulk-state": "", "bulk-do": "archive"}).status_code == 422


def test_who_may_change_nothing_is_offered_nothing(alice, bob, carol, client_for):
    accounts(alice, 1, "Oelde")
    page = client_for(carol).get("/accounts/").content.decode()
    assert 'name="selected"' not in page and "/accounts/bulk/" not in page
    assert client_for(carol).get("/accounts/bulk/?bulk-all=1").status_code == 403
    assert client_for(carol).post("/accounts/bulk/", {"bulk-state": "bulk-all=1", "bulk-do": "archive"}).status_code == 403
    run = ask(alice, "archive", {}, filter=["city", "eq", "Oelde"])
    for user in (bob, carol):
        assert client_for(user).get(f"/accounts/bulk/{run.pk}/").status_code == 404
        assert client_for(user).get(f"/accounts/bulk/{run.pk}/refused.csv").status_code == 404
        assert client_for(user).post(f"/accounts/bulk/{run.pk}/").status_code == 404


def test_a_view_whose_filter_is_hidden_selects_nothing(alice, client_for):
    grants = [{"type": "accounts", "actions": ["*"], "scope": "all", "hidden": ["payment_days"]}]
    role = make(alice, "roles", name="Days hidden", grants=grants)
    pia = make(alice, "users", name="Pia", email="pia-bulk@example.com", roles=[str(role.pk)])
    view = make(alice, "saved-views", type="accounts", name="Days", kind="list", owner=None, content={"filter": ["payment_days", "eq", "14"]})
    page = client_for(pia).get(f"/accounts/?view={view.pk}").content.decode()
    assert "data-bulk" not in page and not re.search(r"bulk-all", page) and "payment_days" not in json.dumps(page)


def test_reasons_are_in_the_language_of_who_asked(alice):
    role = make(alice, "roles", name="Own only", grants=GRANTS)
    lin = make(alice, "users", name="Lin", email="lin-bulk@example.com", roles=[str(role.pk)], language="zh-Hans")
    accounts(alice, 1, "Passau")
    run = finished(ask(lin, "change", {"industry": "x"}, filter=["city", "eq", "Passau"]))
    assert not re.search(r"[a-z]{4}", run.report["reasons"][0][1])


def test_a_new_person_has_no_run_of_another_company(alice, dave, other_company):
    run = ask(alice, "archive", {}, ids=[str(accounts(alice, 1, "Rheine")[0].pk)])
    with context.bind(other_company), pytest.raises(Missing):
        bulk.find(access.actor_for(dave), run.pk)
    assert people.api(dave, other_company).get(f"jobs/{run.pk}/").status_code == 404
