"""Leads from first contact to conversion through the API: the clock, the links both ways, rights, and nothing half done."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core import access, door, registry, structures, write
from core.errors import WrongState
from core.models import Fact, TrailEntry
from crm.models import Account, Contact, Lead, Opportunity
from tests import people
from tests.core.racing import race

LEAD = {
    "name": "Lena Weber", "company": "Weber Tools GmbH", "email": "lena@weber.example", "phone": "+49 30 901820", "country": "DE", "lead_source": "fair",
    "campaign": "Hannover",
}  # fmt: skip
MADE = (Account, Contact, Opportunity)


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


@pytest.fixture(scope="module")
def bobs(company, bob):
    return people.api(bob, company)


def lead(api, **over):
    made = api.post("leads/", {**LEAD, **over})
    assert made.status_code == 201, made.content
    return made.json()


def convert(api, made, data=None):
    return api.post(f"{made['url']}convert/", data if data is not None else {})


def read(api, reference):
    return api.get(reference["url"]).json()


def counts():
    return [model.objects.count() for model in MADE]


def test_a_lead_becomes_account_contact_and_opportunity_linked_both_ways(api):
    made = lead(api)
    assert (made["status"], made["account"], made["first_response_at"]) == ("open", None, None)
    answer = convert(api, made)
    assert answer.status_code == 200, answer.content
    done = answer.json()
    account, contact, opportunity = (read(api, done[name]) for name in ("account", "contact", "opportunity"))
    assert done["status"] == "converted" and done["converted_on"] == structures.today().isoformat() and done["first_response_at"]
    assert (account["name"], account["roles"], account["phone"], account["email"], account["country"]) == (
        "Weber Tools GmbH", ["prospect"], "+4930901820", "lena@weber.example", "DE",
    )  # fmt: skip
    assert (contact["name"], contact["email"], contact["account"]["id"]) == ("Lena Weber", "lena@weber.example", account["id"])
    assert opportunity["lead"]["id"] == made["id"] and opportunity["account"]["id"] == account["id"] and opportunity["contact"]["id"] == contact["id"]
    assert (opportunity["lead_source"], opportunity["campaign"], opportunity["stage"]["label"], opportunity["status"]) == (
        "fair", "Hannover", "Qualified", "open",
    )  # fmt: skip


def test_what_is_named_is_taken_and_what_is_described_is_made(api):
    known = api.post("accounts/", {"name": "Known Ltd"}).json()
    done = convert(api, lead(api, company=""), {"account": known["id"], "contact": {"name": "Anna"}, "opportunity": {"name": "Big one", "amount": "500"}})
    assert done.status_code == 200, done.content
    found = done.json()
    assert found["account"]["id"] == known["id"]
    contact, opportunity = read(api, found["contact"]), read(api, found["opportunity"])
    assert (contact["name"], contact["email"], contact["account"]["id"]) == ("Anna", "", known["id"])
    assert (opportunity["name"], opportunity["amount"], opportunity["lead_source"]) == ("Big one", "500.00", "fair")
    again = convert(api, lead(api), {"account": known["id"], "contact": found["contact"], "opportunity": False}).json()
    assert again["contact"]["id"] == contact["id"] and again["opportunity"] is None
    linked = convert(api, lead(api), {"opportunity": opportunity["id"]}).json()
    assert linked["account"]["id"] == known["id"] and linked["opportunity"]["id"] == opportunity["id"]
    assert read(api, linked["opportunity"])["lead"]["id"] == found["id"], "the lead it came of first stays"


@pytest.mark.parametrize(("given", "field"), [
    ({"account": {}}, "account.name"), ({"account": {"name": "X", "email": "no"}}, "account.email"), ({"contact": {"name": ""}}, "contact.name"),
    ({"contact": {"name": "X", "wrong": 1}}, "contact.wrong"), ({"opportunity": {"name": "X", "amount": "-1"}}, "opportunity.amount"),
    ({"opportunity": {"name": "X", "currency": "CHF"}}, "opportunity.currency"), ({"account": 7}, "account"), ({"account": False}, "account"),
    ({"opportunity": True}, "opportunity"), ({"account": "01890000-0000-7000-8000-000000000000"}, "account"), ({"strange": 1}, "strange"),
])  # fmt: skip
def test_a_conversion_that_fails_anywhere_leaves_nothing(api, given, field):
    made, before, entries = lead(api), counts(), TrailEntry.objects.count()
    refused = convert(api, made, given)
    assert refused.status_code == 422 and list(refused.json()["errors"]) == [field], refused.content
    assert counts() == before and TrailEntry.objects.count() == entries
    assert api.get(made["url"]).json() == made


def test_links_across_accounts_are_refused(api):
    one, other = (api.post("accounts/", {"name": name}).json() for name in ("One", "Other"))
    contact = api.post("contacts/", {"name": "Olga", "account": other["id"]}).json()
    made = lead(api)
    for given, field in (
        ({"account": one["id"], "contact": contact["id"]}, "contact"),
        ({"account": one["id"], "contact": {"name": "X", "account": other["id"]}}, "contact.account"),
    ):
        assert list(convert(api, made, given).json()["errors"]) == [field]
    assert convert(api, made, {"contact": contact["id"], "opportunity": False}).json()["account"]["id"] == other["id"]


def test_what_one_may_not_see_is_not_converted_into(api, bobs, bob):
    hidden = api.post("accounts/", {"name": "Hidden"}).json()
    mine = lead(bobs)
    refused, unknown = (convert(bobs, mine, {"account": ident}) for ident in (hidden["id"], "01890000-0000-7000-8000-000000000000"))
    assert refused.status_code == 422 and refused.json()["errors"] == unknown.json()["errors"]
    done = convert(bobs, mine).json()
    assert {read(bobs, done[name])["owner"]["id"] for name in ("account", "contact", "opportunity")} == {str(bob.pk)}
    assert convert(bobs, lead(api)).status_code == 404


def test_who_may_make_no_accounts_converts_into_none(api, company):
    role = api.post("roles/", {"name": "Callers", "grants": [{"type": "leads", "actions": ["view", "add", "convert"], "scope": "all"}]}).json()
    caller = people.new_user("Cem")
    version = api.get(f"users/{caller.pk}/").json()["version"]
    assert api.patch(f"users/{caller.pk}/", {"roles": [role["id"]]}, version).status_code == 200
    cems = people.api(caller, company)
    made, before = lead(cems), counts()
    assert convert(cems, made).status_code == 403
    assert counts() == before and cems.get(made["url"]).json()["status"] == "open"


def test_a_manager_converts_for_his_people_and_they_keep_what_comes_of_it(api, bob):
    made = lead(api, owner=str(bob.pk))
    done = convert(api, made).json()
    assert read(api, done["account"])["owner"]["id"] == str(bob.pk) and read(api, done["opportunity"])["owner"]["id"] == str(bob.pk)


def test_lose_reopen_and_what_is_not_possible(api):
    made = lead(api)
    assert list(api.post(f"{made['url']}lose/", {}).json()["errors"]) == ["reason"]
    assert api.post(f"{made['url']}reopen/").status_code == 409
    lost = api.post(f"{made['url']}lose/", {"reason": "Too small"}).json()
    assert (lost["status"], lost["reason"]) == ("lost", "Too small") and lost["first_response_at"]
    assert convert(api, made).status_code == 409
    back = api.post(f"{made['url']}reopen/").json()
    assert (back["status"], back["reason"]) == ("open", "")
    assert convert(api, made).status_code == 200
    for act in ("convert", "reopen", "lose"):
        assert api.post(f"{made['url']}{act}/", {"reason": "x"} if act == "lose" else {}).status_code == 409, act


def test_of_two_who_convert_at_once_one_does(company, alice):
    actor = access.actor_for(alice)
    made = door.writing(lambda: write.create(actor, registry.get("leads"), LEAD))
    before = counts()
    found = race(*[lambda: door.writing(lambda: write.act(actor, registry.get("leads"), made.pk, "convert", {}))] * 3)
    assert sorted(type(one).__name__ for one in found) == ["Lead", "WrongState", "WrongState"] and any(isinstance(one, WrongState) for one in found)
    assert counts() == [n + 1 for n in before]


# The clock


def activity(api, made, **over):
    answer = api.post("activities/", {"kind": "call", "subject": "Called", "about": {"type": "leads", "id": made["id"]}, **over})
    assert answer.status_code == 201, answer.content
    return answer.json()


def responded(api, made):
    return api.get(made["url"]).json()["first_response_at"]


def test_the_clock_stops_at_the_first_word_and_not_before(api):
    made = lead(api)
    waiting = {r["id"] for r in api.get("leads/?first_response_at__empty=true&limit=200").json()["results"]}
    assert made["id"] in waiting
    later = (timezone.now() + timedelta(days=1)).isoformat()
    activity(api, made, kind="note")
    task = activity(api, made, kind="task")
    activity(api, made, kind="meeting", due_at=later)
    assert responded(api, made) is None
    assert api.post(f"{task['url']}finish/").status_code == 200
    first = responded(api, made)
    assert first and api.get(made["url"]).json()["version"] == made["version"], "nobody's edit is in the way"
    activity(api, made)
    assert responded(api, made) == first
    assert made["id"] not in {r["id"] for r in api.get("leads/?first_response_at__empty=true&limit=200").json()["results"]}


def test_hours_waited_are_shown(api):
    made = lead(api)
    assert api.get(made["url"]).json()["hours_waited"] == "0"
    call = activity(api, lead(api), kind="call")
    assert call["about"]["type"] == "leads"


# Facts


def test_a_lead_is_counted_when_made_and_when_converted(api, company):
    made = lead(api)
    convert(api, made)
    today = structures.today()
    stated = sorted(Fact.objects.filter(source_id=made["id"]).values_list("measure", "value", "business_date"))
    assert stated == [("leads-converted", 1, today), ("leads-created", 1, today)]
    everything = Lead.objects.count()
    value = api.get("kpis/leads-created/value/?period=all").json()
    assert value["value"] == str(everything)
    drill = api.get(value["drill"]).json()
    assert drill["sums"]["value"] == str(everything)
    converted = Lead.objects.filter(status="converted").count()
    rate = api.get("kpis/lead-conversion/value/?period=this-month").json()
    assert float(rate["value"]) == pytest.approx(converted / everything, abs=1e-6)
    by_source = api.get("kpis/leads-created/value/?period=all&group_by=lead_source").json()["groups"]
    assert {g["keys"][0]: g["value"] for g in by_source} == {"fair": str(everything)}
    by_country = api.get("kpis/leads-created/value/?period=all&group_by=country").json()["groups"]
    assert {g["keys"][0]: g["value"] for g in by_country} == {"DE": str(everything)}
