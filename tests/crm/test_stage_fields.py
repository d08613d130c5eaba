"""What a stage asks for before a deal enters it: kept at every door, asked for in one sheet, carried by packs and undone like every set-up."""

import pytest

from core import access, context, door, packs, undo
from core.models import TrailEntry
from crm.models import Opportunity, Pipeline
from tests import people
from tests.transfer.test_imports import loaded
from tests.views.test_bulk import ask, finished

ASKED = ["amount", "close_date", "budget_ok"]


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


def post(api, path, body, status=201):
    answer = api.post(path, body)
    assert answer.status_code == status, (path, answer.content)
    return answer.json()


def patch(api, record, status=200, **values):
    answer = api.patch(record["url"], values, api.get(record["url"]).json()["version"])
    assert answer.status_code == status, answer.content
    return answer.json()


@pytest.fixture(scope="module")
def account(api):
    return post(api, "accounts/", {"name": "Bauer AG"})


@pytest.fixture(scope="module")
def field(api):
    options = [{"key": "yes", "label": "Agreed"}, {"key": "no", "label": "Not yet"}]
    return post(api, "custom-fields/", {"type": "opportunities", "key": "budget_ok", "kind": "choice", "label": "Budget", "options": options})


@pytest.fixture(scope="module")
def pipeline(api, field):
    stages = [{"name": "Heard of", "probability": "0.1"}, {"name": "Offered", "probability": "0.5", "required_fields": ASKED}]
    return post(api, "pipelines/", {"name": "Machines", "stages": stages})


@pytest.fixture
def deal(api, account, pipeline):
    return post(api, "opportunities/", {"name": "Press", "account": account["id"], "pipeline": pipeline["id"]})


def offered(pipeline):
    return pipeline["stages"][1]["id"]


def named(errors):
    return {name: " ".join(said) for name, said in errors["errors"].items()}


def test_a_stage_says_what_it_asks_for_and_only_of_what_there_is(api, pipeline):
    assert pipeline["stages"][1]["required_fields"] == ASKED
    assert api.get(f"stages/{offered(pipeline)}/").json()["required_fields"] == ASKED
    wrong = post(api, "pipelines/", {"name": "X", "stages": [{"name": "A", "required_fields": ["nothing"]}]}, 422)
    assert "stages.0.required_fields" in wrong["errors"]
    computed = post(api, "pipelines/", {"name": "X", "stages": [{"name": "A", "required_fields": ["weighted"]}]}, 422)
    assert "stages.0.required_fields" in computed["errors"]


def test_no_door_lets_a_deal_in_without_it(api, account, pipeline, deal, alice):
    stage, url = offered(pipeline), deal["url"]
    by_act = post(api, f"{url}move/", {"stage": stage}, 422)
    assert named(by_act) == {
        "amount": "Fill in “Amount” to enter “Offered”.", "close_date": "Fill in “Expected close” to enter “Offered”.",
        "budget_ok": "Fill in “Budget” to enter “Offered”.",
    }  # fmt: skip
    assert set(patch(api, deal, 422, stage=stage)["errors"]) == set(ASKED)
    assert set(patch(api, deal, 422, stage=stage, amount="5")["errors"]) == {"close_date", "budget_ok"}
    fresh = post(api, "opportunities/", {"name": "New", "account": account["id"], "stage": stage}, 422)
    assert set(fresh["errors"]) == set(ASKED)
    batch = post(api, "opportunities/batch/", [{"name": "New", "account": account["id"], "stage": stage}], 422)
    assert set(batch["errors"]) == {f"0.{name}" for name in ASKED}
    run = finished(ask(alice, "move", {"stage": stage}, slug="opportunities", ids=[deal["id"]]))
    assert run.report["changed"] == 0
    assert run.report["refused"] == 1
    assert str(Opportunity.objects.get(pk=deal["id"]).stage_id) == pipeline["stages"][0]["id"]


def test_an_import_names_the_row_and_what_is_missing(alice, account, pipeline):
    file = "name,account,pipeline,stage,amount\nFull,Bauer AG,Machines,Offered,7\nEarly,Bauer AG,Machines,Heard of,\n"
    row = loaded(access.actor_for(alice), "opportunities", file)
    assert (row.report["new"], Opportunity.objects.filter(name="Early").count(), Opportunity.objects.filter(name="Full").count()) == (1, 1, 0)
    assert "Offered" in str(row.report)


def test_filled_in_with_the_move_it_is_one_step_and_is_not_emptied_there(api, pipeline, deal):
    moved = patch(api, deal, stage=offered(pipeline), amount="5", close_date="2026-12-01", budget_ok="yes")
    assert moved["stage"]["label"] == "Offered"
    assert set(patch(api, moved, 422, amount=None)["errors"]) == {"amount"}
    assert patch(api, moved, amount="6")["amount"] == "6.00"


def test_what_stood_in_the_stage_before_stays_as_it_is(api, account):
    made = post(api, "pipelines/", {"name": "Later", "stages": [{"name": "Only"}]})
    old = post(api, "opportunities/", {"name": "Old", "account": account["id"], "pipeline": made["id"]})
    stage = made["stages"][0]
    patch(api, made, stages=[{"id": stage["id"], "name": "Only", "required_fields": ["close_date"]}])
    assert patch(api, old, name="Older")["name"] == "Older"
    changed = TrailEntry.objects.filter(about_id=made["id"], act="change").latest("id")
    door.writing(lambda: undo.entry(access.actor_for(people.owner_of(context.company())), changed))
    assert api.get(made["url"]).json()["stages"][0]["required_fields"] == []


def test_a_field_a_stage_asks_for_is_not_put_away(api, field, pipeline):
    refused = post(api, f"{field['url']}archive/", {}, 422)
    assert "Offered" in str(refused)


def test_who_does_not_see_the_field_is_told_so_without_its_name(api, account, company):
    roles = api.get("roles/?name=Owner").json()["results"]
    post(api, "custom-fields/", {"type": "opportunities", "key": "secret_margin", "kind": "number", "label": "Hidden margin", "seen_by": [roles[0]["id"]]})
    made = post(api, "pipelines/", {"name": "Quiet", "stages": [{"name": "First"}, {"name": "Second", "required_fields": ["secret_margin"]}]})
    bob = people.new_user("Bob", "sales")
    his = people.api(bob, company)
    theirs = post(api, "opportunities/", {"name": "His", "account": account["id"], "pipeline": made["id"], "owner": str(bob.pk)})
    refused = post(his, f"{theirs['url']}move/", {"stage": made["stages"][1]["id"]}, 422)
    assert "Hidden margin" not in str(refused)
    assert "Second" in refused["errors"]["_"][0]


def test_the_board_asks_for_exactly_that_and_moves_in_one_step(alice, client_for, pipeline, deal):
    browser = client_for(alice)
    board = f"/opportunities/?view=board&pipeline={pipeline['id']}"
    sent = {"id": deal["id"], "version": deal["version"], "value": offered(pipeline)}
    asked = browser.post(board, sent, headers={"HX-Request": "true"})
    page = asked.content.decode()
    assert asked.status_code == 422
    assert 'data-asks' in page
    assert [f'name="{name}"' in page for name in ("amount", "close_date", "budget_ok", "contact")] == [True, True, True, False]
    again = browser.post(board, {**sent, "fill": ASKED, "amount": "5", "close_date": ""}, headers={"HX-Request": "true"})
    assert "Fill in “Expected close” to enter “Offered”." in again.content.decode()
    done = browser.post(board, {**sent, "fill": ASKED, "amount": "5", "close_date": "2026-12-01", "budget_ok": "yes"}, headers={"HX-Request": "true"})
    assert done.status_code == 200
    stored = Opportunity.objects.get(pk=deal["id"])
    assert (str(stored.stage_id), stored.amount, stored.version) == (offered(pipeline), 5, deal["version"] + 1)


def test_the_path_of_a_record_shows_it_and_leads_there(alice, client_for, pipeline, deal):
    browser = client_for(alice)
    page = browser.get(f"/opportunities/{deal['id']}/").content.decode()
    assert "Asks for: Amount, Expected close, Budget." in page
    sent = {"version": deal["version"], "value": offered(pipeline)}
    asked = browser.post(f"/opportunities/{deal['id']}/to/", sent)
    assert asked.status_code == 422
    assert "To enter “Offered” this is still missing." in asked.content.decode()
    assert 'name="close_date"' in asked.content.decode()
    done = browser.post(f"/opportunities/{deal['id']}/to/", {**sent, "fill": ASKED, "amount": "5", "close_date": "2026-12-01", "budget_ok": "yes"})
    assert done.status_code == 302
    assert str(Opportunity.objects.get(pk=deal["id"]).stage_id) == offered(pipeline)


def test_a_choice_as_board_asks_by_the_rules_of_its_form(api, alice, client_for):
    post(api, "custom-objects/", {"key": "drives", "label": "Drive", "plural": "Drives"})
    options = [{"key": "planned", "label": "Planned"}, {"key": "driven", "label": "Driven"}]
    post(api, "custom-fields/", {"type": "drives", "key": "state", "kind": "choice", "label": "State", "options": options, "default": "planned"})
    post(api, "custom-fields/", {"type": "drives", "key": "mileage", "kind": "integer", "label": "Mileage"})
    patch(api, api.get("custom-objects/?key=drives").json()["results"][0], board="state")
    rule = {"type": "drives", "name": "Driven", "condition": ["state", "eq", "driven"], "effect": "require", "fields": ["mileage"]}
    post(api, "form-rules/", rule)
    drive = post(api, "drives/", {"name": "One"})
    browser = client_for(alice)
    assert "Asks for: Mileage." in browser.get(f"/drives/{drive['id']}/").content.decode()
    sent = {"id": drive["id"], "version": drive["version"], "value": "driven"}
    asked = browser.post("/drives/?view=board", sent, headers={"HX-Request": "true"})
    assert 'name="mileage"' in asked.content.decode()
    done = browser.post("/drives/?view=board", {**sent, "fill": "mileage", "mileage": "12"}, headers={"HX-Request": "true"})
    assert done.status_code == 200
    assert api.get(drive["url"]).json()["state"] == "driven"


def test_a_rule_of_the_form_holds_for_the_act_that_moves_too(api, account):
    made = post(api, "pipelines/", {"name": "Ruled", "stages": [{"name": "Start"}, {"name": "Proof"}]})
    rule = {"type": "opportunities", "name": "Proof", "condition": ["stage.name", "eq", "Proof"], "effect": "require", "fields": ["campaign"]}
    post(api, "form-rules/", rule)
    deal = post(api, "opportunities/", {"name": "Ruled", "account": account["id"], "pipeline": made["id"]})
    refused = post(api, f"{deal['url']}move/", {"stage": made["stages"][1]["id"]}, 422)
    assert set(refused["errors"]) == {"campaign"}


def test_a_pack_carries_it_and_keeps_the_deals_of_a_pipeline_it_changes(alice, pipeline):
    actor = access.actor_for(alice)
    chosen = ["custom-fields:opportunities / budget_ok", "pipelines:Machines"]
    content = packs.export(actor, {"key": "machines", "name": "Machines"}, chosen)
    stages = content["parts"]["pipelines"][0]["stages"]
    assert [(one["name"], one.get("required_fields")) for one in stages] == [("Heard of", None), ("Offered", ASKED)]
    with context.bind(people.new_company()) as made:
        there = people.api(people.owner_of(made), made)
        assert "pipelines" not in packs.export(access.actor_for(people.owner_of(made)), {"key": "x", "name": "x"}, [
            step.id for steps in packs.parts_of(access.actor_for(people.owner_of(made))).values() for step in steps])["parts"]  # fmt: skip
        mine = post(there, "pipelines/", {"name": "Machines", "stages": [{"name": "Heard of", "probability": "0.2"}]})
        account = post(there, "accounts/", {"name": "A"})
        deal = post(there, "opportunities/", {"name": "D", "account": account["id"], "pipeline": mine["id"]})
        assert there.post("packs/", {"content": content}).status_code == 422
        pack = post(there, "packs/", {"content": content, "take": ["pipelines:Machines"]})
        now = there.get(mine["url"]).json()
        assert [s["required_fields"] for s in now["stages"]] == [[], ASKED]
        assert there.get(deal["url"]).json()["stage"]["id"] == now["stages"][0]["id"] == mine["stages"][0]["id"]
        assert there.post(f"{pack['url']}uninstall/", {}).status_code == 200
        assert [s["name"] for s in there.get(mine["url"]).json()["stages"]] == ["Heard of"]
        assert Pipeline.objects.filter(name="Machines").count() == 1
