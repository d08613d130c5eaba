"""Selling in a real browser: the quiet warning while one types, a lead converted by keyboard, the public form from outside."""

import re

import pytest
from playwright.sync_api import expect

from core import access, door, registry, write
from core.views import intake
from crm.models import Lead


@pytest.fixture(scope="module")
def acme(company, alice):
    actor = access.actor_for(alice)

    def make():
        made = write.create(actor, registry.get("accounts"), {"name": "Acme GmbH"})
        for n in range(30):  # more than a plain list shows
            write.create(actor, registry.get("accounts"), {"name": f"Other {n}"})
        return made

    return door.writing(make)


@pytest.mark.parametrize("width", [390, 1440])
def test_a_form_warns_while_one_types_and_saves_all_the_same(screen, company, alice, acme, width):
    tab = screen(company, alice, width=width)
    page = tab.open("/leads/new/")
    page.locator("#id_name").fill(f"Lena {width}")
    page.locator("#id_company").fill("ACME Ltd")
    link = page.locator("#alike").get_by_role("link", name="Acme GmbH")
    link.wait_for()
    assert f"/accounts/{acme.pk}/" in link.get_attribute("href")
    assert tab.problems() == []
    page.locator("#id_company").fill("Somebody else")
    link.wait_for(state="detached")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile(r"/leads/[0-9a-f-]{36}/$"))
    assert Lead.objects.get(name=f"Lena {width}").company == "Somebody else"


def test_a_lead_is_converted_into_a_known_account(screen, company, alice, acme):
    made = door.writing(lambda: write.create(access.actor_for(alice), registry.get("leads"), {"name": "Kurt Kaiser", "company": "Acme"}))
    tab = screen(company, alice)
    page = tab.open(f"/leads/{made.pk}/")
    page.get_by_role("link", name="Convert").click()
    page.wait_for_url(re.compile("/convert/$"))
    box = page.locator("#id_account")
    expect(box).to_have_value("New, from this record")
    box.focus()
    page.keyboard.type("acme")
    page.get_by_role("option", name="Acme GmbH").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator("#id_opportunity").select_option("none")
    assert tab.problems() == []
    page.locator("main form button.btn-primary").click()
    page.wait_for_url(re.compile(rf"/leads/{made.pk}/$"))
    done = Lead.objects.get(pk=made.pk)
    assert (done.status, done.account_id, done.opportunity_id) == ("converted", acme.pk, None) and done.contact_id
    assert tab.problems() == []


@pytest.mark.parametrize(("width", "javascript"), [(390, True), (1440, True), (1440, False)])
def test_anybody_writes_from_outside(screen, company, monkeypatch, width, javascript):
    monkeypatch.setattr(intake, "QUICKEST", 0)
    tab = screen(company, None, width=width, javascript=javascript)
    page = tab.open("/form/leads/")
    if javascript:
        assert tab.problems() == []
    name = f"Visitor {width} {javascript}"
    page.locator("#id_name").fill(name)
    page.wait_for_timeout(1100)  # a stamp counts whole seconds
    page.get_by_role("button", name="Send").click()
    page.locator("#id_email-error").wait_for()
    page.locator("#id_email").fill("v@example.com")
    page.get_by_role("button", name="Send").click()
    page.wait_for_url(re.compile("/form/leads/thanks/$"))
    tab.wrong.clear()  # a browser notes each 422 in its console
    if javascript:
        assert tab.problems() == []
    assert Lead.objects.filter(name=name, lead_source="Web form").count() == 1
