"""A company mails to nobody outside before its owner proved his address: the link, what it is good for, and what it lets go out."""

import re
from email import message_from_bytes, policy
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.core import signing
from django.core.cache import cache
from django.test import override_settings

from core import access, attempts, context, jobs, recovery, registry, write
from core.models import Job, User
from tenants import directory, verification
from tenants.models import Company
from tests import factories, people
from tests.core.racing import race

LINK = re.compile(r"http://\S+/confirm/\?token=\S+")
DAY = 24 * 3600
FORM = {
    "email": "mei@example.com", "user_name": "Mei", "name": "Green Hills", "subdomain": "green-hills", "password": people.PASSWORD,
    "country": "CN", "currency": "CNY", "timezone": "Asia/Shanghai", "language": "en",
}  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path):
    """The mail folder: each mail is a file, as where no mail server is named."""
    cache.clear()
    attempts._local._counts.clear()
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.filebased.EmailBackend", EMAIL_FILE_PATH=str(tmp_path)):
        yield tmp_path


@pytest.fixture
def fresh():
    """A company nobody has verified."""
    return people.new_company()


def mails(folder: Path) -> list[tuple[str, str]]:
    """Whom each mail in the folder is for, and what it says; in no order."""
    found = [message_from_bytes(f.read_bytes().split(b"\n" + b"-" * 79)[0], policy=policy.default) for f in folder.iterdir()]
    return [(m["To"], m.get_content()) for m in found]


def is_verified(company) -> bool:
    with context.bind_public():
        return Company.objects.get(id=company.id).verified_at is not None


def token_for(company, user=None) -> str:
    with context.bind(company):
        return verification.issue(user or people.owner_of(company))


def look(company, token):
    return people.browser(company).get("/confirm/", {"token": token})


def press(company, token):
    return people.browser(company).post("/confirm/", {"token": token})


def do_jobs(company) -> None:
    with context.bind(company):
        jobs.run_due()


def change(company, user, **values) -> None:
    with context.bind(company):
        held = User.objects.get(pk=user.pk)
        people.writing(lambda: write.change(access.system("tests"), registry.get("users"), held.pk, values, held.version))


# From the sign-up to the first mail ---------------------------------------------------------------------------------


def test_who_signs_up_gets_a_link_and_its_button_verifies(folder):
    """The link leads to the company's own host; a program that follows it, and nobody's press, verify nothing."""
    public = people.browser(HTTP_HOST="localhost:8000")
    assert public.post("/signup/", FORM).status_code == 302
    company = directory.by_subdomain("green-hills")
    assert not company.verified
    do_jobs(company)
    ((to, body),) = mails(folder)
    assert to == "mei@example.com" and "Green Hills" in body and "Mei" in body
    link = urlsplit(LINK.search(body)[0])
    assert link.netloc == "green-hills.localhost:8000"
    token = parse_qs(link.query)["token"][0]
    page = look(company, token)
    assert page.status_code == 200 and "mei@example.com" in page.content.decode()
    assert page.headers["Cache-Control"].count("no-store") and page.headers["Referrer-Policy"] in ("no-referrer", "same-origin")
    assert people.browser(company).head("/confirm/", {"token": token}).status_code == 200
    assert people.browser(company).put("/confirm/").status_code == 405
    assert not is_verified(company)
    assert "is confirmed" in press(company, token).content.decode()
    assert is_verified(company) and directory.by_id(company.id).verified


def test_a_sign_up_that_fails_promises_no_mail(folder):
    taken = people.new_company()
    assert people.browser(HTTP_HOST="localhost:8000").post("/signup/", {**FORM, "subdomain": taken.subdomain}).status_code == 422
    with context.bind(taken):
        assert not Job.objects.filter(kind="mail-verification").exists()


def test_a_quote_is_mailed_only_from_a_verified_company(fresh, folder):
    with context.bind(fresh):
        api = people.api(people.owner_of(fresh), fresh)
        account = factories.make("accounts", api, email="customer@example.com")["id"]
        quote = factories.make("quotes", api, account=account)
        refused = api.post(f"{quote['url']}send/", {"mail": True})
        assert refused.status_code == 422 and "confirmed" in refused.json()["errors"]["mail"][0]
        assert api.get(quote["url"]).json()["status"] == "draft"
    do_jobs(fresh)
    assert mails(folder) == []
    assert press(fresh, token_for(fresh)).status_code == 200
    assert api.post(f"{quote['url']}send/", {"mail": True}).status_code == 200
    do_jobs(directory.by_id(fresh.id))
    ((to, body),) = mails(folder)
    assert to == "customer@example.com" and "/d/" in body


def test_a_new_password_is_mailed_from_any_company(fresh, folder):
    email = people.owner_of(fresh).email
    assert people.browser(fresh).post("/password/reset/", {"email": email}).status_code == 200
    do_jobs(fresh)
    ((to, body),) = mails(folder)
    assert to == email and "/password/new/" in body


# What a link is worth -----------------------------------------------------------------------------------------------


def test_a_link_of_one_company_is_nothing_at_another(fresh, other_company):
    """I-21: neither to look at nor to press."""
    token = token_for(other_company)
    assert look(fresh, token).status_code == press(fresh, token).status_code == 410
    assert not is_verified(fresh) and not is_verified(other_company)


def test_a_link_ends_after_seven_days(fresh, monkeypatch):
    token, made = token_for(fresh), signing.time.time()
    monkeypatch.setattr(signing.time, "time", lambda: made + 7 * DAY + 5)
    assert look(fresh, token).status_code == press(fresh, token).status_code == 410
    assert not is_verified(fresh)
    monkeypatch.setattr(signing.time, "time", lambda: made + 7 * DAY - 60)
    assert press(fresh, token).status_code == 200 and is_verified(fresh)


def test_a_link_proves_the_address_it_was_sent_to_and_no_other(fresh):
    owner = people.owner_of(fresh)
    token = token_for(fresh, owner)
    change(fresh, owner, email="moved@example.com")
    assert look(fresh, token).status_code == press(fresh, token).status_code == 410
    assert not is_verified(fresh)
    assert press(fresh, token_for(fresh)).status_code == 200 and is_verified(fresh)


def test_whoever_may_no_longer_speak_for_the_company_verifies_nothing(fresh):
    with context.bind(fresh):
        bob, ann, left = (people.new_user(name, role) for name, role in (("Bob", "sales"), ("Ann", "admin"), ("Leo", "admin")))
        people.writing(lambda: write.act(access.system("tests"), registry.get("users"), left.pk, "archive"))
    for user in (bob, left):
        assert press(fresh, token_for(fresh, user)).status_code == 410 and not is_verified(fresh)
    assert press(fresh, token_for(fresh, ann)).status_code == 200 and is_verified(fresh)


BAD = ["", "x", "\x00", "é" * 5000, "\ud800", "a:b:c", "' OR 1=1 --", "a" * 100_000]


def test_what_is_no_link_verifies_nothing(fresh):
    browser = people.browser(fresh)
    for bad in BAD:
        typed = urlencode({"token": bad}, errors="surrogatepass")
        assert browser.generic("POST", "/confirm/", typed, "application/x-www-form-urlencoded").status_code == 410
        assert browser.get("/confirm/?" + typed[:2000]).status_code == 410
        with context.bind(fresh):
            assert verification.holder(bad) is None
    assert not is_verified(fresh)


def test_a_link_for_a_new_password_verifies_nothing(fresh):
    with context.bind(fresh):
        token = recovery.issue(people.owner_of(fresh))
    assert press(fresh, token).status_code == 410 and not is_verified(fresh)


def test_pressing_again_changes_nothing(fresh):
    token = token_for(fresh)
    press(fresh, token)
    with context.bind_public():
        first = Company.objects.get(id=fresh.id).verified_at
    assert press(fresh, token).status_code == look(fresh, token).status_code == 200
    assert '<form method="post" action="/confirm/' not in look(fresh, token).content.decode()
    with context.bind_public():
        assert Company.objects.get(id=fresh.id).verified_at == first


def test_two_at_once_verify_once(fresh):
    token = token_for(fresh)
    with context.bind(fresh):
        found = race(*[lambda: people.writing(lambda: verification.confirm(token))] * 4)
    assert found == [True] * 4 and is_verified(fresh)


def test_guessing_is_braked(fresh):
    token = token_for(fresh)
    for _ in range(30):
        assert press(fresh, "guess").status_code == 410
    assert press(fresh, token).status_code == 410 and not is_verified(fresh)
    cache.clear()
    assert press(fresh, token).status_code == 200


def test_the_button_needs_its_forms_token(fresh):
    strict = people.browser(fresh)
    strict.handler.enforce_csrf_checks = True
    assert strict.post("/confirm/", {"token": token_for(fresh)}).status_code == 403 and not is_verified(fresh)


# Until then ---------------------------------------------------------------------------------------------------------


def test_those_who_manage_the_company_are_asked_and_nobody_else(fresh):
    owner = people.owner_of(fresh)
    with context.bind(fresh):
        others = [people.new_user("Bob", "sales"), people.new_user("Carol", "read-only")]
    ask = 'action="/confirm/again/"'
    assert ask in people.signed_in(owner, fresh).get("/me/").content.decode()
    for user in others:
        client = people.signed_in(user, fresh)
        assert ask not in client.get("/me/").content.decode()
        assert client.post("/confirm/again/").status_code == 403
    press(fresh, token_for(fresh))
    assert ask not in people.signed_in(owner, fresh).get("/me/").content.decode()


def test_the_link_is_sent_again_a_few_times(fresh, folder):
    client = people.signed_in(people.owner_of(fresh), fresh)
    for _ in range(4):
        assert client.post("/confirm/again/", {"next": "/kpis/"}).headers["Location"] == "/kpis/"
    assert "several times" in client.get("/kpis/").content.decode()
    do_jobs(fresh)
    sent = mails(folder)
    assert len(sent) == 3 and {to for to, _ in sent} == {people.owner_of(fresh).email}
    token = parse_qs(urlsplit(LINK.search(sent[0][1])[0]).query)["token"][0]
    assert press(fresh, token).status_code == 200 and is_verified(fresh)
    cache.clear()
    assert client.post("/confirm/again/").status_code == 302
    do_jobs(fresh)
    assert len(mails(folder)) == 3
    assert client.get("/confirm/again/").status_code == 405
    assert people.browser(fresh).post("/confirm/again/").headers["Location"].startswith("/sign-in/")


def test_a_mail_that_waits_goes_to_the_address_of_the_moment(fresh, folder):
    owner = people.owner_of(fresh)
    people.signed_in(owner, fresh).post("/confirm/again/")
    change(fresh, owner, email="corrected@example.com")
    do_jobs(fresh)
    ((to, body),) = mails(folder)
    assert to == "corrected@example.com"
    assert press(fresh, parse_qs(urlsplit(LINK.search(body)[0]).query)["token"][0]).status_code == 200


def test_other_processes_see_it_within_the_directorys_memory(fresh, monkeypatch):
    """As with any change of a company's row: what another process remembers lasts TTL seconds."""
    assert not directory.by_id(fresh.id).verified
    with context.bind(fresh):
        assert people.writing(lambda: verification.confirm(token_for(fresh)))
    assert not directory.by_id(fresh.id).verified, "what is remembered lasts; the page forgets it"
    later = directory.time.monotonic() + directory.TTL + 0.1
    monkeypatch.setattr(directory.time, "monotonic", lambda: later)
    assert directory.by_id(fresh.id).verified
