"""A quote under its link: who sees it, what may be answered to it, what is kept of the answer; and links of others, forged or old."""

import re
from datetime import timedelta
from uuid import UUID

import pytest

from core import access, context, paper, registry, sharing, structures
from core.models import TrailEntry
from core.models.record import permit
from core.views import shared
from crm.models import Quote
from tests import factories, people
from tests.core.racing import race


@pytest.fixture(scope="module")
def api(alice, company):
    return people.api(alice, company)


@pytest.fixture
def customer(company):
    """A browser of somebody outside, who has an address of his own."""
    return visitor(company)


_address = iter(range(1, 100_000))


def visitor(company, **headers):
    number = next(_address)
    return people.browser(company, REMOTE_ADDR=f"10.0.{number // 250}.{number % 250}", **headers)


def act(api, quote, name, body=None):
    response = api.post(f"{quote['url']}{name}/", body or {})
    assert response.status_code in (200, 201), response.content
    return response.json()


@pytest.fixture
def quote(api):
    tax = factories.make("tax-codes", api, rate="0.19")["id"]
    product = factories.make("products", api, name="Nordlicht <b>lamp</b>", uom="pcs")["id"]
    account = factories.make("accounts", api, name="Ernst Handel", street="Kirchgasse 6", city="Graz", postal_code="8010", country="AT")["id"]
    line = {"product": product, "quantity": "3", "unit_price": "1234.5678", "discount": "0.1", "tax_code": tax}
    return act(api, factories.make("quotes", api, account=account, lines=[line]), "send")


def path(quote):
    return "/" + quote["public_url"].split("/", 3)[3]


def answer(client, quote, deed, **fields):
    """Send the form of the page as it stands."""
    page = client.get(path(quote)).content.decode()
    found = re.search(r'name="shown" value="([0-9a-f]{64})"', page)
    return client.post(path(quote), {"act": deed, "shown": found[1] if found else "", **fields})


# Looking ------------------------------------------------------------------------------------------------------------


def test_the_page_shows_the_quote_to_whoever_has_the_link(api, customer, quote, company):
    response = customer.get(path(quote))
    page = response.content.decode()
    assert response.status_code == 200
    for text in (company.name, "Ernst Handel", "Kirchgasse 6", quote["number"], "Nordlicht &lt;b&gt;lamp&lt;/b&gt;", "3 pcs", "1,234.5678", "10%", "$3,333.33"):
        assert text in page, text
    assert "<b>lamp" not in page and "noindex" in response["X-Robots-Tag"] and "no-store" in response["Cache-Control"]
    assert "script-src 'self'" in response["Content-Security-Policy"] and not re.search(r"<script(?![^>]*src=)|\sstyle=|\son\w+=", page)
    assert not response.cookies.get("sessionid")


def test_the_page_speaks_the_language_of_its_reader(api, company, quote):
    assert 'lang="zh-Hans"' in visitor(company, HTTP_ACCEPT_LANGUAGE="zh-CN").get(path(quote)).content.decode()
    assert 'lang="en"' in visitor(company, HTTP_ACCEPT_LANGUAGE="en-GB").get(path(quote)).content.decode()
    chosen = visitor(company, HTTP_ACCEPT_LANGUAGE="en")
    assert chosen.post("/preferences/", {"language": "zh-hans", "next": path(quote)}).status_code == 302
    assert 'lang="zh-Hans"' in chosen.get(path(quote)).content.decode()
    chinese = factories.make("accounts", api, country="CN")["id"]
    silent = visitor(company).get(path(act(api, factories.make("quotes", api, account=chinese), "send")))
    assert 'lang="zh-Hans"' in silent.content.decode()


def test_the_first_look_is_noted_once_and_changes_no_version(api, alice, client_for, customer, quote):
    customer.head(path(quote))
    client_for(alice).get(path(quote))
    assert api.get(quote["url"]).json()["viewed_at"] is None, "neither a look of one's own people nor a robot's"
    customer.get(path(quote))
    seen = api.get(quote["url"]).json()
    assert seen["viewed_at"] and seen["version"] == quote["version"]
    customer.get(path(quote))
    entries = TrailEntry.objects.filter(about_id=quote["id"], act="view")
    assert [(e.channel, e.actor) for e in entries] == [("public", None)] and api.get(quote["url"]).json()["viewed_at"] == seen["viewed_at"]


def test_the_pdf_is_the_same_document(customer, quote):
    response = customer.get(f"{path(quote)}pdf/?language=en")
    assert response.status_code == 200 and response["Content-Type"] == "application/pdf" and response.content.startswith(b"%PDF-")
    assert quote["number"].lower() in response["Content-Disposition"] and "noindex" in response["X-Robots-Tag"]
    assert customer.post(f"{path(quote)}pdf/").status_code == 405


def test_what_was_sent_stays_though_names_and_taxes_change(api, customer, quote):
    before = customer.get(path(quote)).content.decode()
    account = api.get(f"accounts/{quote['account']['id']}/").json()
    assert api.patch(account["url"], {"name": "Another name", "street": "Elsewhere 1"}, account["version"]).status_code == 200
    tax = api.get(f"tax-codes/{quote['lines'][0]['tax_code']['id']}/").json()
    assert api.patch(tax["url"], {"rate": "0.5"}, tax["version"]).status_code == 200
    after = customer.get(path(quote)).content.decode()
    digest = re.compile(r'name="shown" value="([0-9a-f]+)"')
    assert digest.search(after)[1] == digest.search(before)[1] and "Another name" not in after and "19%" in after


# Links --------------------------------------------------------------------------------------------------------------


def test_a_link_of_another_company_leads_nowhere(company, other_company, quote):
    assert visitor(other_company).get(path(quote)).status_code == 404
    with context.bind(other_company):
        theirs = sharing.token(registry.types["quotes"], UUID(quote["id"]))
    assert theirs not in path(quote) and visitor(company).get(f"/d/{theirs}/").status_code == 404


@pytest.mark.parametrize("forge", [
    lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"), lambda token: token.split(".")[0], lambda token: "." + token, lambda token: token * 5,
    lambda token: "x", lambda token: "%00", lambda token: "%ED%A0%80", lambda token: token.swapcase(),
])  # fmt: skip
def test_forged_links_lead_nowhere(customer, quote, forge):
    token = path(quote).split("/")[2]
    for place in (f"/d/{forge(token)}/", f"/d/{forge(token)}/pdf/"):
        assert customer.get(place).status_code == 404, place
        assert customer.post(f"/d/{forge(token)}/", {"act": "accept"}).status_code == 404


def test_a_signed_link_to_what_nobody_shares_leads_nowhere(api, customer, company):
    account = factories.make("accounts", api)["id"]
    draft = factories.make("quotes", api)
    archived = act(api, factories.make("quotes", api), "send")
    act(api, archived, "archive")
    for slug, ident in (("accounts", account), ("quotes", draft["id"]), ("quotes", archived["id"]), ("quotes", account), ("facts", account)):
        token = sharing._signer().sign_object([slug, ident.replace("-", "")])
        assert customer.get(f"/d/{token}/").status_code == 404, slug
    assert not draft["public_url"]


def test_guessing_is_braked(company, quote):
    guesser = visitor(company)
    answers = [guesser.get(f"/d/guess{n}.x/").status_code for n in range(shared.FORGED.most + 2)]
    assert answers[0] == 404 and answers[-1] == 429 and guesser.get(path(quote)).status_code == 429
    assert visitor(company).get(path(quote)).status_code == 200


def test_answers_are_braked(api, company, quote):
    sender = visitor(company)
    answers = [sender.post(path(quote), {"act": "accept"}).status_code for _n in range(shared.ANSWERED.most + 1)]
    assert answers[0] == 422 and answers[-1] == 429


# Answering ----------------------------------------------------------------------------------------------------------


def test_accepting_keeps_who_when_from_where_and_what(api, company, quote):
    customer = visitor(company, HTTP_USER_AGENT="Their browser 1.0")
    response = answer(customer, quote, "accept", name="Roland Mendel", agreed="true")
    assert response.status_code == 303 and response["Location"] == path(quote)
    stored = Quote.objects.get(pk=quote["id"])
    kept = stored.evidence["accepted"]
    assert stored.status == "accepted" and (kept["name"], kept["channel"], kept["agent"]) == ("Roland Mendel", "public", "Their browser 1.0")
    assert kept["address"] == customer.defaults["REMOTE_ADDR"] and kept["at"] and kept["sha256"] == paper.digest(stored.evidence["sent"])
    (entry,) = TrailEntry.objects.filter(about_id=quote["id"], act="accept")
    assert (entry.channel, entry.actor, entry.address) == ("public", None, kept["address"])
    page = customer.get(path(quote)).content.decode()
    assert "Accepted by Roland Mendel" in page and 'name="agreed"' not in page


def test_accepting_twice_is_accepting_once(api, customer, quote):
    first = answer(customer, quote, "accept", name="Once", agreed="true")
    again = customer.post(path(quote), {"act": "accept", "name": "Twice", "agreed": "true", "shown": "0" * 64})
    assert first.status_code == again.status_code == 303
    assert Quote.objects.get(pk=quote["id"]).evidence["accepted"]["name"] == "Once"
    assert TrailEntry.objects.filter(about_id=quote["id"], act="accept").count() == 1


def test_two_clicks_at_once_are_one_acceptance(api, company, quote):
    def click():
        with context.bind(company):
            return answer(visitor(company), quote, "accept", name="Clicker", agreed="true").status_code

    assert set(race(*[click] * 4)) == {303}
    assert TrailEntry.objects.filter(about_id=quote["id"], act="accept").count() == 1


@pytest.mark.parametrize(("fields", "sentence"), [
    ({"name": "", "agreed": "true"}, "This field is required."), ({"name": "  ", "agreed": "true"}, "This field is required."),
    ({"name": "Somebody"}, "Please tick this box first."),
])  # fmt: skip
def test_an_acceptance_needs_a_name_and_the_tick(api, customer, quote, fields, sentence):
    response = answer(customer, quote, "accept", **fields)
    assert response.status_code == 422 and sentence in response.content.decode()
    assert Quote.objects.get(pk=quote["id"]).status == "sent"


def test_declining_needs_a_reason(api, customer, quote):
    assert answer(customer, quote, "decline", reason="").status_code == 422
    assert answer(customer, quote, "decline", reason="Too dear").status_code == 303
    stored = Quote.objects.get(pk=quote["id"])
    assert (stored.status, stored.reason) == ("declined", "Too dear")
    assert answer(customer, quote, "accept", name="Late", agreed="true").status_code == 409


def test_only_what_stood_before_the_reader_is_accepted(customer, quote):
    response = customer.post(path(quote), {"act": "accept", "name": "Blind", "agreed": "true", "shown": "0" * 64})
    assert response.status_code == 409 and "has changed since you opened it" in response.content.decode()
    assert Quote.objects.get(pk=quote["id"]).status == "sent"


@pytest.mark.parametrize("name", ["send", "new-version", "expire", "archive", "delete", "", "\x00"])
def test_no_other_act_is_possible_under_a_link(customer, quote, name):
    assert answer(customer, quote, name, name="x", reason="x", agreed="true").status_code == 404
    assert Quote.objects.get(pk=quote["id"]).status == "sent"


@pytest.mark.parametrize("name", ["x" * 300, "nul \x00", "\ud800", "a\u202eb", "' OR 1=1", "<script>"])
def test_whatever_is_typed_is_answered(customer, quote, name):
    found = answer(customer, quote, "accept", name=name.encode("utf-8", "surrogatepass"), agreed="true")
    assert found.status_code in (303, 422), found.content
    assert "<script>" not in customer.get(path(quote)).content.decode()


def test_an_old_version_and_an_expired_quote_say_so_and_take_no_answer(api, customer, quote):
    held = re.search(r'name="shown" value="([0-9a-f]{64})"', customer.get(path(quote)).content.decode())[1]
    newer = act(api, act(api, quote, "new-version"), "send")
    page = customer.get(path(quote)).content.decode()
    assert "replaced by a newer one" in page and 'name="agreed"' not in page
    late = customer.post(path(quote), {"act": "accept", "name": "Late", "agreed": "true", "shown": held})
    assert late.status_code == 409 and Quote.objects.get(pk=quote["id"]).status == "sent"
    with permit():
        Quote.objects.filter(pk=newer["id"]).update(valid_until=structures.today() - timedelta(days=1))
    page = customer.get(path(newer)).content.decode()
    assert "was valid until" in page and 'name="agreed"' not in page
    assert answer(customer, newer, "accept", name="Late", agreed="true").status_code == 409


def test_an_answer_needs_the_token_of_the_page_against_forged_forms(company, quote):
    client = people.browser(company, REMOTE_ADDR="10.9.9.9")
    client.handler.enforce_csrf_checks = True
    assert client.post(path(quote), {"act": "accept", "name": "x", "agreed": "true"}).status_code == 403


def test_staff_sees_link_and_evidence_on_the_record(api, alice, client_for, customer, quote):
    page = client_for(alice).get(f"/quotes/{quote['id']}/").content.decode()
    assert quote["public_url"] in page and "Not looked at yet." in page
    answer(customer, quote, "accept", name="Roland Mendel", agreed="true")
    page = client_for(alice).get(f"/quotes/{quote['id']}/").content.decode()
    assert "Under the link, from 10." in page and "First looked at" in page and "Roland Mendel" in page


def test_the_link_stands_in_no_trail(api, quote):
    """Who reads what happened to a quote does not thereby get the customer's key to it."""
    for entry in TrailEntry.objects.filter(about_id=quote["id"]):
        assert "/d/" not in str(entry.changes) and "public_url" not in entry.changes


def test_nobody_outside_is_the_system_afterwards(quote, customer, company):
    """What is done under a link does not make its holder anybody here."""
    answer(customer, quote, "accept", name="x", agreed="true")
    assert customer.get("/quotes/")["Location"].startswith("/sign-in/")
    assert access.system("link").id is None
