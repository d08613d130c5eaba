"""The form that anybody may send: what becomes of it, whose it is, and what keeps machines out."""

import re
import time

import pytest
from django.core import signing

from core import context
from core.models import TrailEntry
from core.views import intake
from crm.models import Lead
from tests import people

TYPED = {"name": "Zoe Klein", "company": "Klein KG", "email": "zoe@klein.example", "phone": "+49 30 901820", "country": "DE", "need": "Two pumps\r\nby May"}


@pytest.fixture
def visitor(company):
    """Somebody at an address of his own."""
    return people.browser(company, REMOTE_ADDR=f"10.0.{time.monotonic_ns() % 250}.{time.monotonic_ns() // 1000 % 250}")


def stamp_of(response):
    return re.search(r'name="stamp" value="([^"]+)"', response.content.decode())[1]


def opened(visitor, seconds=5, path="/form/leads/"):
    """The stamp of a form that was opened some seconds ago."""
    page = visitor.get(path)
    assert page.status_code == 200
    ident = signing.TimestampSigner(salt=f"intake:{context.company().id}:leads").unsign(stamp_of(page))
    signer = signing.TimestampSigner(salt=f"intake:{context.company().id}:leads")
    signer.timestamp = lambda: signing.b62_encode(int(time.time()) - seconds)
    return signer.sign(ident)


def send(visitor, stamp, **over):
    return visitor.post("/form/leads/", {"whole": "1", "stamp": stamp, **TYPED, **over})


def test_what_is_sent_becomes_a_lead_of_whoever_hands_leads_out(company, alice, visitor):
    answer = send(visitor, opened(visitor), campaign="spring")
    assert (answer.status_code, answer["Location"]) == (302, "/form/leads/thanks/")
    assert "Thank you" in visitor.get("/form/leads/thanks/").content.decode()
    made = Lead.objects.get(email="zoe@klein.example")
    assert (made.name, made.company, made.phone, made.country, made.need) == ("Zoe Klein", "Klein KG", "+4930901820", "DE", "Two pumps\nby May")
    assert (made.lead_source, made.campaign, made.status, made.owner_id, made.first_response_at) == ("Web form", "spring", "open", alice.pk, None)
    assert made.match_key == "klein" and TrailEntry.objects.get(about_id=made.pk).actor is None
    mia, _eve = people.new_user("Mia", "sales-manager"), people.new_user("Eve", "sales-manager")
    assert send(visitor, opened(visitor), email="two@klein.example").status_code == 302
    assert Lead.objects.get(email="two@klein.example").owner_id == mia.pk


def test_nobody_chooses_more_than_the_form_asks(company, visitor, bob):
    sent = {"owner": str(bob.pk), "lead_source": "fair", "status": "converted", "id": "01890000-0000-7000-8000-000000000000", "email": "more@klein.example"}
    assert send(visitor, opened(visitor), **sent).status_code == 302
    made = Lead.objects.get(email="more@klein.example")
    assert (made.lead_source, made.status) == ("Web form", "open") and made.owner_id != bob.pk and str(made.pk) != sent["id"]


@pytest.mark.parametrize(("over", "name"), [
    ({"name": ""}, "name"), ({"email": ""}, "email"), ({"email": "nobody"}, "email"), ({"name": "x" * 201}, "name"), ({"need": "x" * 5001}, "need"),
    ({"country": "XX"}, "country"), ({"company": "a\x00b"}, "company"),
])  # fmt: skip
def test_what_is_wrong_is_said_at_its_field_and_kept(company, visitor, over, name):
    before = Lead.objects.count()
    answer = send(visitor, opened(visitor), **over)
    page = answer.content.decode()
    assert answer.status_code == 422 and f'id="id_{name}-error"' in page and Lead.objects.count() == before
    assert "Two pumps" in page or name == "need"


def test_machines_are_kept_out(company, visitor):
    before = Lead.objects.count()
    fresh = stamp_of(visitor.get("/form/leads/"))
    assert send(visitor, fresh).status_code == 422, "faster than anybody types"
    trapped = send(visitor, opened(visitor), **{intake.TRAP: "https://spam.example"})
    assert (trapped.status_code, trapped["Location"]) == (302, "/form/leads/thanks/")
    foreign = signing.TimestampSigner(salt="intake:other:leads").sign("01890000-0000-7000-8000-000000000000")
    for stamp in ("", "x", foreign, opened(visitor, seconds=25 * 3600)):
        assert send(visitor, stamp).status_code == 422, stamp
    assert Lead.objects.count() == before


def test_one_stamp_makes_one_lead(company, visitor):
    stamp, before = opened(visitor), Lead.objects.count()
    assert [send(visitor, stamp).status_code for _each in range(3)] == [302, 302, 302]
    assert Lead.objects.count() == before + 1


def test_who_corrects_an_entry_need_not_wait_again(company, visitor):
    answer = send(visitor, opened(visitor), email="")
    assert send(visitor, stamp_of(answer)).status_code == 302


def test_one_address_is_braked(company, visitor):
    codes = [send(visitor, opened(visitor)).status_code for _each in range(intake.SENT.most + 2)]
    assert codes == [302] * intake.SENT.most + [429, 429]
    assert visitor.get("/form/leads/").status_code == 200


def test_it_is_there_for_what_takes_it_and_tells_nothing_else(company, visitor, client_for, alice):
    for path in ("/form/accounts/", "/form/nothing/", "/form/accounts/thanks/"):
        assert visitor.get(path).status_code == 404 == visitor.post(path, TYPED).status_code, path
    assert visitor.put("/form/leads/").status_code == 405
    page = visitor.get("/form/leads/")
    assert "default-src" in page["Content-Security-Policy"] and "no-store" in page["Cache-Control"]
    assert "<script>" not in page.content.decode() and "style=" not in page.content.decode()
    listed = client_for(alice).get("/leads/").content.decode()
    assert 'href="http://' in listed and "/form/leads/" in listed


def test_it_speaks_chinese(company, visitor):
    visitor.cookies["language"] = visitor.cookies["django_language"] = "zh-hans"
    assert 'lang="zh-Hans"' in visitor.get("/form/leads/").content.decode()


def test_it_speaks_the_language_a_browser_asks_for_and_notes_the_source_in_the_companys(company, visitor):
    asked = {"accept-language": "zh-CN,zh;q=0.9"}
    for path in ("/form/leads/", "/form/leads/thanks/"):
        assert 'lang="zh-Hans"' in visitor.get(path, headers=asked).content.decode()
        assert 'lang="en"' in visitor.get(path, headers={"accept-language": "en-GB"}).content.decode()
    sent = {"whole": "1", "stamp": opened(visitor), **TYPED, "email": "zh@klein.example"}
    assert visitor.post("/form/leads/", sent, headers=asked).status_code == 302
    assert Lead.objects.get(email="zh@klein.example").lead_source == "Web form"
    visitor.cookies["django_language"] = visitor.cookies["language"] = "en"
    assert 'lang="en"' in visitor.get("/form/leads/", headers=asked).content.decode(), "what was chosen here wins"


def test_without_a_token_of_the_page_nothing_is_taken(company):
    strict = people.browser(company)
    strict.handler.enforce_csrf_checks = True
    assert send(strict, "x").status_code == 403
