"""The life of a quote: draft, sent, answered, expired; its versions, its facts; and who comes first where two things happen at once."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import mail as django_mail
from django.test import override_settings

from core import access, context, door, mail, registry, structures, tasks, write
from core.errors import RuleError, WrongState
from core.models import Fact, Job, TrailEntry
from core.models.record import permit
from crm.models import Quote
from tests import factories, people
from tests.core.racing import race


@pytest.fixture(scope="module")
def owner(alice):
    return access.actor_for(alice)


@pytest.fixture(scope="module")
def api(alice, company):
    return people.api(alice, company)


def do(api, quote, act, body=None, status=200, **headers):
    response = api.post(f"{quote['url']}{act}/", body or {}, **headers)
    assert response.status_code == status, response.content
    return response.json()


def sent(api, **over):
    return do(api, factories.make("quotes", api, **over), "send")


def read(api, quote):
    return api.get(quote["url"]).json()


def make_older(quote, days):
    """As though it had been sent with a validity that ended."""
    with permit():
        Quote.objects.filter(pk=quote["id"]).update(valid_until=structures.today() - timedelta(days=days))


# One quote ----------------------------------------------------------------------------------------------------------


def test_a_draft_counts_its_lines_and_has_no_number_and_no_link(api):
    quote = factories.make("quotes", api, lines=[{"quantity": "3", "unit_price": "9.99", "discount": "0.1", "description": "By hand"}])
    assert quote["number"] == "" and quote["status"] == "draft" and not quote["public_url"] and quote["revision"] == 1
    assert quote["net"] == quote["total"] == "26.97" and quote["lines"][0]["price_trace"] == []


def test_sending_gives_number_date_validity_and_a_link(api):
    quote = sent(api)
    today = structures.today()
    assert quote["status"] == "sent" and quote["number"].startswith(f"QU-{today.year}-") and quote["quote_date"] == today.isoformat()
    assert quote["valid_until"] == (today + timedelta(days=30)).isoformat() and quote["first_sent_at"]
    assert quote["public_url"].startswith("http://") and "/d/" in quote["public_url"]
    other = sent(api)
    assert int(other["number"][-5:]) == int(quote["number"][-5:]) + 1


@pytest.mark.parametrize(("over", "field"), [({"lines": []}, "lines"), ({"valid_until": "2020-01-01"}, "valid_until")])
def test_what_cannot_be_sent_says_why(api, over, field):
    quote = factories.make("quotes", api, **over)
    assert field in do(api, quote, "send", status=422)["errors"]
    assert read(api, quote)["status"] == "draft" and read(api, quote)["number"] == ""


def test_a_product_no_longer_sold_is_not_quoted(api):
    product = factories.make("products", api)
    quote = factories.make("quotes", api, lines=[{"product": product["id"]}])
    assert api.patch(product["url"], {"active": False}, product["version"]).status_code == 200
    assert "lines.0.product" in do(api, quote, "send", status=422)["errors"]


def test_what_was_sent_stays_as_it_was_sent(api):
    quote = sent(api)
    for change in ({"lines": []}, {"terms": "Others"}, {"valid_until": "2099-01-01"}, {"currency": "EUR"}):
        assert api.patch(quote["url"], change, quote["version"]).status_code == 422, change
    assert api.patch(quote["url"], {"external_number": "Theirs 7"}, quote["version"]).status_code == 200
    assert api.delete(quote["url"], quote["version"] + 1).status_code == 409
    do(api, quote, "send", status=409)


def test_the_rate_is_that_of_the_day_it_is_sent(api):
    assert api.post("exchange-rates/", {"currency": "CHF", "date": "2026-01-01", "rate": "1.1"}).status_code == 201
    quote = factories.make("quotes", api, currency="CHF")
    assert quote["rate"] == "1.1"
    assert api.post("exchange-rates/", {"currency": "CHF", "date": structures.today().isoformat(), "rate": "1.25"}).status_code == 201
    after = do(api, quote, "send")
    assert (after["rate"], after["net"], after["base_net"]) == ("1.25", "22.50", "28.13")
    given = do(api, factories.make("quotes", api, currency="CHF", rate="2"), "send")
    assert given["rate"] == "2"
    assert "currency" in api.post("quotes/", factories.data("quotes", api, currency="AUD")).json()["errors"]


def test_accept_and_decline(api):
    quote = do(api, sent(api), "accept", {"name": "Roland Mendel"})
    assert quote["status"] == "accepted" and quote["decided_at"]
    stored = Quote.objects.get(pk=quote["id"]).evidence
    assert stored["accepted"]["name"] == "Roland Mendel" and stored["accepted"]["channel"] == "api" and len(stored["accepted"]["sha256"]) == 64
    do(api, quote, "accept", status=409)
    do(api, quote, "decline", {"reason": "Late"}, status=409)
    declined = sent(api)
    assert "reason" in do(api, declined, "decline", status=422)["errors"]
    declined = do(api, declined, "decline", {"reason": "Too dear"})
    assert (declined["status"], declined["reason"]) == ("declined", "Too dear")
    do(api, factories.make("quotes", api), "accept", status=409)


def test_a_contact_and_an_opportunity_belong_to_the_account(api):
    other = factories.make("accounts", api)["id"]
    contact = factories.make("contacts", api, account=other)["id"]
    deal = factories.make("opportunities", api, account=other)["id"]
    stated = factories.data("quotes", api)
    refused = api.post("quotes/", {**stated, "contact": contact, "opportunity": deal}).json()["errors"]
    assert set(refused) == {"contact", "opportunity"}


# Expiry -------------------------------------------------------------------------------------------------------------


def test_after_its_last_day_a_quote_is_accepted_no_more_whether_or_not_the_job_ran(api, company):
    quote, valid = sent(api), sent(api)
    assert "valid" in do(api, quote, "expire", status=409)["errors"]["_"][0]
    make_older(quote, 1)
    assert "valid until" in do(api, quote, "accept", status=409)["errors"]["_"][0]
    assert read(api, quote)["status"] == "sent"
    tasks.daily(str(company.id))
    assert read(api, quote)["status"] == "expired" and read(api, valid)["status"] == "sent"
    do(api, quote, "accept", status=409)
    make_older(valid, 0)
    assert do(api, valid, "accept")["status"] == "accepted", "its last day is one on which it is valid"


# Versions -----------------------------------------------------------------------------------------------------------


def test_a_new_version_is_a_draft_of_the_same_that_supersedes_when_it_is_sent(api):
    first = sent(api)
    second = do(api, first, "new-version", status=201)
    assert second["status"] == "draft" and second["revision"] == 2 and second["origin"]["id"] == first["id"] and second["number"] == ""
    same = ("product", "description", "quantity", "unit_price", "discount", "tax_code")
    assert [[line[n] for n in same] for line in second["lines"]] == [[line[n] for n in same] for line in first["lines"]]
    assert not {line["id"] for line in second["lines"]} & {line["id"] for line in first["lines"]}
    assert not read(api, first)["is_superseded"]
    second = do(api, second, "send")
    assert second["number"] == f"{first['number']}-2" and read(api, first)["is_superseded"]
    for act, body in (("accept", {}), ("decline", {"reason": "x"})):
        do(api, first, act, body, status=409)
    third = do(api, do(api, first, "new-version", status=201), "send")
    assert third["number"] == f"{first['number']}-3" and third["origin"]["id"] == first["id"]
    assert read(api, second)["is_superseded"] and not read(api, third)["is_superseded"]
    assert do(api, third, "accept")["status"] == "accepted"


def test_versions_are_sent_in_their_order(api):
    first = sent(api)
    second, third = (do(api, first, "new-version", status=201) for _each in range(2))
    do(api, third, "send")
    assert "later version" in do(api, second, "send", status=409)["errors"]["_"][0]


def test_a_version_made_before_the_customer_accepted_is_not_sent_over_his_head(api):
    first = sent(api)
    second = do(api, first, "new-version", status=201)
    do(api, first, "accept")
    assert "accepted" in do(api, second, "send", status=409)["errors"]["_"][0]
    knowing = do(api, first, "new-version", status=201)
    assert do(api, knowing, "send")["revision"] == 3 and read(api, first)["is_superseded"]


def test_the_page_says_what_a_version_changes(api, alice, client_for):
    one, two, three = (factories.make("products", api, name=name)["id"] for name in ("Lamp", "Desk", "Chair"))
    first = sent(api, lines=[{"product": one, "quantity": "2", "unit_price": "5"}, {"product": two, "quantity": "1", "unit_price": "8"}])
    second = do(api, first, "new-version", status=201)
    lines = [{**second["lines"][0], "product": one, "unit_price": "4"}, {"product": three, "quantity": "3", "unit_price": "1"}]
    assert api.patch(second["url"], {"lines": lines}, second["version"]).status_code == 200
    page = client_for(alice).get(f"/quotes/{second['id']}/").content.decode()
    assert "Changed since version 1" in page
    for sentence in ("Added: Chair, 3 × $1.00", "Removed: Desk, 1 × $8.00", "Lamp · Unit price: $5.00 → $4.00", "Total: $18.00 → $11.00"):
        assert sentence in page, sentence
    assert "Changed since" not in client_for(alice).get(f"/quotes/{first['id']}/").content.decode()


# Two at once --------------------------------------------------------------------------------------------------------


def test_of_many_acceptances_one_counts(owner, api):
    for _each in range(4):
        quote = sent(api)
        found = race(*[lambda q=quote: door.writing(lambda: write.act(owner, registry.types["quotes"], Quote.objects.get(pk=q["id"]).pk, "accept"))] * 6)
        assert sum(not isinstance(f, Exception) for f in found) == 1, found
        assert all(isinstance(f, WrongState) for f in found if isinstance(f, Exception)), found
        assert TrailEntry.objects.filter(about_id=quote["id"], act="accept").count() == 1


def test_a_version_is_accepted_or_superseded_never_both(owner, api):
    quotes = registry.types["quotes"]
    outcomes = set()
    for _each in range(8):
        first = sent(api)
        second = do(api, first, "new-version", status=201)
        works = [
            lambda pk=pk, act=act: door.writing(lambda: write.act(owner, quotes, Quote.objects.get(pk=pk).pk, act))
            for pk, act in ((first["id"], "accept"), (second["id"], "send"))
        ]
        found = race(*works)
        assert sum(not isinstance(f, Exception) for f in found) == 1, found
        assert all(isinstance(f, WrongState) for f in found if isinstance(f, Exception)), found
        first, second = read(api, first), read(api, second)
        assert (first["status"] == "accepted") != first["is_superseded"] and (second["status"] == "sent") == first["is_superseded"]
        outcomes.add(first["status"])
    assert outcomes <= {"accepted", "sent"}


def test_new_versions_made_at_once_have_different_revisions(owner, api):
    first = sent(api)
    found = race(*[lambda: door.writing(lambda: write.act(owner, registry.types["quotes"], Quote.objects.get(pk=first["id"]).pk, "new-version"))] * 5)
    assert not [f for f in found if isinstance(f, Exception)], found
    assert sorted(Quote.objects.filter(origin=first["id"]).values_list("revision", flat=True)) == [2, 3, 4, 5, 6]


# Out of an opportunity, into figures --------------------------------------------------------------------------------


def test_an_opportunity_becomes_a_quote(api):
    product = factories.make("products", api)["id"]
    deal = factories.make("opportunities", api, lines=[{"product": product, "quantity": "4", "unit_price": "11", "discount": "0.5"}])
    quote = do(api, deal, "quote", status=201)
    assert quote["opportunity"]["id"] == deal["id"] and quote["account"]["id"] == deal["account"]["id"] and quote["status"] == "draft"
    assert [(line["product"]["id"], line["quantity"], line["unit_price"], line["discount"]) for line in quote["lines"]] == [(product, "4", "11.00", "0.5")]
    assert quote["net"] == "22.00"


def test_turnaround_counts_a_quote_once_at_its_first_sending(api, owner, company):
    account = factories.make("accounts", api)["id"]
    quote = factories.make("quotes", api, account=account)
    with permit():
        made = Quote.objects.get(pk=quote["id"])
        Quote.objects.filter(pk=made.pk).update(created_at=made.created_at - timedelta(hours=5))
    quote = do(api, quote, "send")
    do(api, do(api, quote, "new-version", status=201), "send")
    stated = {f.measure: f.value for f in Fact.objects.filter(account=account)}
    assert stated["quotes-sent"] == 1 and Decimal("5") <= stated["quote-hours"] < Decimal("5.1")
    assert Fact.objects.filter(account=account).count() == 2
    asked = {"period": "all", "filter": f'["account", "eq", "{account}"]'}
    answer = api.get("kpis/quote-turnaround-hours/value/", asked).json()
    assert Decimal("5") <= Decimal(answer["value"]) < Decimal("5.1")


# Mail ---------------------------------------------------------------------------------------------------------------


def test_nothing_is_mailed_from_a_company_nobody_has_verified(api):
    account = factories.make("accounts", api, email="customer@example.com")["id"]
    quote = factories.make("quotes", api, account=account)
    refused = do(api, quote, "send", {"mail": True}, status=422)
    assert "not switched on" in refused["errors"]["mail"][0] and read(api, quote)["status"] == "draft"
    assert not Job.objects.filter(kind="mail-link").exists()


def test_a_verified_company_mails_the_link_to_the_contact_in_his_language(api, owner, company, outbox):
    account = factories.make("accounts", api, country="CN")["id"]
    contact = factories.make("contacts", api, account=account, email="li@example.com", name="Li Lei")["id"]
    quote = factories.make("quotes", api, account=account, contact=contact)
    with context.bind(verified(company)):
        door.writing(lambda: write.act(owner, registry.types["quotes"], Quote.objects.get(pk=quote["id"]).pk, "send", {"mail": True}))
        job = Job.objects.get(kind="mail-link")
        door.reading(lambda: mail.mail_link(owner, job.payload, None))
    (message,) = outbox
    assert message.to == ["li@example.com"] and message.reply_to == [owner_mail(owner)]
    link = read(api, quote)["public_url"]
    assert link.split("/d/")[1] in message.body and "Li Lei" in message.body


def test_without_an_address_there_is_nobody_to_mail(owner, api, company):
    quote = factories.make("quotes", api)
    with context.bind(verified(company)), pytest.raises(RuleError, match="e-mail address"):
        door.writing(lambda: write.act(owner, registry.types["quotes"], Quote.objects.get(pk=quote["id"]).pk, "send", {"mail": True}))


def verified(company):
    """The company as it is once somebody proved who signed it up."""
    return context.Company(**{**company.__dict__, "verified": True})


def owner_mail(owner):
    return registry.types["users"].model.objects.get(pk=owner.id).email


@pytest.fixture
def outbox():
    """What is mailed while the test runs."""
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
        django_mail.outbox = []
        yield django_mail.outbox
