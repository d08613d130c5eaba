"""Coming in, going out, a forgotten password, language and theme, one's own profile and keys."""

import re
import time

import pytest
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.test import override_settings
from redis.exceptions import ConnectionError as CacheIsDown

from core import access, attempts, context, door, jobs, recovery, registry, write
from core.models import ApiKey, Job
from core.views import account
from core.views.account import safe_next
from tests import people
from tests.people import PASSWORD

NEW = "walnut-harbour-kite"
SESSION = settings.SESSION_COOKIE_NAME


@pytest.fixture(autouse=True)
def _no_attempts_yet(company):
    cache.clear()
    attempts._local._counts.clear()


@pytest.fixture
def outbox():
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
        mail.outbox = []
        yield mail.outbox


def person(name, *roles):
    return people.new_user(name, *(roles or ("sales",)))


def sign_in(client, email, password=PASSWORD, **more):
    return client.post("/sign-in/", {"email": email, "password": password, **more})


def is_in(client):
    return client.get("/me/").status_code == 200


def text(response):
    """The answer without what differs in any two answers."""
    return re.sub(rb'(csrfmiddlewaretoken" value="|X-CSRFToken": ")[^"]*', rb"\1", response.content)


# Sign-in


def test_signing_in_and_out(company):
    eve, client = person("Eve"), people.browser(company)
    assert client.get("/me/").headers["Location"] == "/sign-in/?next=%2Fme%2F"
    answer = sign_in(client, f" {eve.email.upper()} ", next="/search/?q=a")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/search/?q=a")
    assert is_in(client)
    assert client.get("/sign-out/").status_code == 405 and is_in(client)
    assert client.post("/sign-out/").status_code == 302
    assert not is_in(client)


def test_an_unknown_address_gets_the_answer_of_a_wrong_password(company):
    known = person("Ann").email
    unknown = "x" * len(known.split("@")[0]) + "@example.com"
    answers = [sign_in(people.browser(company), email, "not-the-password") for email in (known, unknown)]
    assert [a.status_code for a in answers] == [422, 422]
    assert text(answers[0]).replace(known.encode(), b"") == text(answers[1]).replace(unknown.encode(), b"")


@pytest.mark.parametrize("email, password", [("", ""), ("a\0b@example.com", "x"), ("a@example.com", "x\0y"), ("x" * 5000, "y" * 5000)])
def test_odd_input_is_refused_like_any_other(company, email, password):
    assert sign_in(people.browser(company), email, password).status_code == 422


def test_the_session_gets_a_new_id_at_sign_in(company):
    fay, client = person("Fay"), people.browser(company)
    sign_in(client, fay.email)
    planted = client.cookies[SESSION].value
    sign_in(client, fay.email)
    assert client.cookies[SESSION].value != planted
    thief = people.browser(company)
    thief.cookies[SESSION] = planted
    assert not is_in(thief)


def test_forms_of_strangers_are_guarded_and_their_token_changes_at_sign_in(company):
    lou, client = person("Lou"), people.browser(company)
    client.handler.enforce_csrf_checks = True
    assert sign_in(client, lou.email).status_code == 403
    asked = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get("/sign-in/").content.decode())[1]
    before = client.cookies[settings.CSRF_COOKIE_NAME].value
    assert sign_in(client, lou.email, csrfmiddlewaretoken=asked).status_code == 302
    assert client.cookies[settings.CSRF_COOKIE_NAME].value != before
    assert client.post("/sign-out/", {"csrfmiddlewaretoken": asked}).status_code == 403 and is_in(client)


def test_a_session_of_one_company_means_nothing_in_another(company, other_company, client_for, alice):
    client = people.browser(other_company)
    client.cookies[SESSION] = client_for(alice).cookies[SESSION].value
    assert not is_in(client)


def test_an_archived_person_is_out_at_once(company, alice, client_for):
    gus = person("Gus")
    client = client_for(gus)
    assert is_in(client)
    owner = access.actor_for(alice)
    door.writing(lambda: write.act(owner, registry.get("users"), gus.pk, "archive"))
    assert not is_in(client)
    assert sign_in(people.browser(company), gus.email).status_code == 422


def test_guessing_is_slowed_down_for_one_address_and_not_for_others(company):
    hal = person("Hal")
    guesser = people.browser(company, REMOTE_ADDR="10.0.0.1")
    codes = [sign_in(guesser, hal.email, f"guess-{n}").status_code for n in range(10)]
    assert codes == [422] * 8 + [429] * 2
    assert sign_in(guesser, hal.email).status_code == 429, "even the right password has to wait"
    assert sign_in(guesser, "nobody@example.com", "x").status_code == 422
    assert sign_in(people.browser(company, REMOTE_ADDR="10.0.0.2"), hal.email).status_code == 302


def test_guessing_many_addresses_from_one_place_is_slowed_down(company):
    guesser = people.browser(company, REMOTE_ADDR="10.0.0.3")
    for _ in range(79):
        account.FAILED_FROM_ONE.count("10.0.0.3")  # by the page itself it would take ten seconds of hashing
    assert sign_in(guesser, "one@example.com", "x").status_code == 422
    assert sign_in(guesser, "another@example.com", "x").status_code == 429


def test_without_the_cache_people_get_in_and_guessing_stays_slow(company, monkeypatch):
    def down(*_args, **_kwargs):
        raise CacheIsDown

    for name in ("get", "add", "incr", "delete"):
        monkeypatch.setattr(f"django.core.cache.backends.redis.RedisCache.{name}", down)
    ida = person("Ida")
    client = people.browser(company)
    assert sign_in(client, ida.email).status_code == 302 and is_in(client)
    guesser = people.browser(company)
    assert [sign_in(guesser, ida.email, f"guess-{n}").status_code for n in range(9)] == [422] * 8 + [429]


ELSEWHERE = [
    "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example", "http://evil.example", "https:evil.example",
    "javascript:alert(1)", "data:text/html,x", "/\t/evil.example", "\t//evil.example", "/\n/evil.example", "\r\n//evil.example", "//evil.example/%2f..",
    "http:///evil.example", "evil.example", "@evil.example", "//user@evil.example", "/\0/evil.example", " //evil.example", "", "/" * 2001,
    "ftp://evil.example", "//evil.example:80/", "////evil.example", "/\\/evil.example", "\x01//evil.example",
]  # fmt: skip


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_nobody_is_led_elsewhere(company, wanted):
    assert safe_next(wanted) == "/"
    assert people.browser(company).post("/preferences/", {"next": wanted}).headers["Location"] == "/"


def test_signing_in_leads_nobody_elsewhere(company):
    assert sign_in(people.browser(company), person("Jan").email, next="//evil.example").headers["Location"] == "/"


@pytest.mark.parametrize("wanted", ["/", "/accounts/?q=a%20b", "/orders/1/#lines", "/%5cevil.example", "/search/?q=//x"])
def test_addresses_of_this_host_are_kept(wanted):
    assert safe_next(wanted) == wanted


# A new password


def ask(company, email, **headers):
    return people.browser(company, **headers).post("/password/reset/", {"email": email})


def link(outbox):
    jobs.run_due()
    return re.search(r"http://\S+(/password/new/\?token=\S+)", outbox[-1].body)[1]


def test_a_forgotten_password(company, client_for, outbox):
    kim = person("Kim")
    elsewhere = client_for(kim)
    assert ask(company, kim.email).status_code == 200
    address = link(outbox)
    assert outbox[-1].to == [kim.email] and f"http://{company.subdomain}.localhost/password/new/" in outbox[-1].body
    client = people.browser(company)
    token = address.split("=", 1)[1]
    assert client.get(address).status_code == client.get(address).status_code == 200, "looking at the link does not use it up"
    assert client.post("/password/new/", {"token": token, "password": NEW, "again": "other"}).status_code == 422
    assert client.post("/password/new/", {"token": token, "password": "short", "again": "short"}).status_code == 422
    assert client.post("/password/new/", {"token": token, "password": NEW, "again": NEW}).status_code == 302
    assert is_in(client) and not is_in(elsewhere)
    again = people.browser(company).post("/password/new/", {"token": token, "password": NEW, "again": NEW})
    assert again.status_code == 410, "a link is good once"
    assert sign_in(people.browser(company), kim.email, NEW).status_code == 302
    assert sign_in(people.browser(company), kim.email).status_code == 422


def test_asking_tells_nothing_and_does_the_same_work_for_an_unknown_address(company, outbox):
    lea = person("Lea")
    before = Job.objects.count()
    answers = [ask(company, email, REMOTE_ADDR=f"10.1.0.{n}") for n, email in enumerate((lea.email, "x" * (len(lea.email) - 12) + "@example.com"))]
    assert Job.objects.count() == before + 2
    assert [a.status_code for a in answers] == [200, 200]
    assert len({re.sub(rb"[\w.]+@example\.com", b"", text(a)) for a in answers}) == 1
    jobs.run_due()
    assert [m.to for m in outbox] == [[lea.email]]


def test_a_mailbox_is_not_flooded(company):
    mia, before = person("Mia"), Job.objects.count()
    assert {ask(company, mia.email).status_code for _ in range(6)} == {200}
    assert Job.objects.count() == before + 3


def test_the_token_is_stored_nowhere(company, outbox):
    ned = person("Ned")
    ask(company, ned.email)
    address = link(outbox)
    assert address.split("=", 1)[1] not in str(list(Job.objects.values_list("payload", flat=True)))


def test_a_token_is_bound_to_company_password_address_and_time(company, other_company, monkeypatch):
    ola = person("Ola")
    token = recovery.issue(ola)
    assert recovery.holder(token).pk == ola.pk
    with context.bind(other_company):
        assert recovery.holder(token) is None
        assert people.browser(other_company).get(f"/password/new/?token={token}").status_code == 410
    for broken in ("", "x", token[:-1], token + "x", "\0", "a" * 10_000, token.replace(":", ".")):
        assert recovery.holder(broken) is None
    hour_later = time.time() + recovery.SECONDS + 1
    with monkeypatch.context() as patch:
        patch.setattr("django.core.signing.time.time", lambda: hour_later)
        assert recovery.holder(token) is None
    owner = access.system("tests")
    door.writing(lambda: write.change(owner, registry.get("users"), ola.pk, {"email": f"new-{ola.email}"}, ola.version))
    assert recovery.holder(token) is None


def test_an_archived_person_gets_no_new_password(company, outbox):
    pia = person("Pia")
    token = recovery.issue(pia)
    door.writing(lambda: write.act(access.system("tests"), registry.get("users"), pia.pk, "archive"))
    ask(company, pia.email)
    jobs.run_due()
    assert outbox == [] and recovery.holder(token) is None


# Language and theme


def test_a_language_stays_with_the_person(company, client_for):
    quy = person("Quy")
    client = client_for(quy)
    answer = client.post("/preferences/", {"language": "zh-hans", "next": "/search/"})
    assert answer.headers["Location"] == "/search/"
    quy.refresh_from_db()
    assert quy.language == "zh-Hans"
    fresh = client_for(quy)
    assert 'lang="zh-Hans"' in fresh.get("/me/").content.decode()


def test_without_an_account_language_and_theme_are_kept_in_cookies(company):
    client = people.browser(company)
    client.post("/preferences/", {"language": "zh-hans"})
    client.post("/preferences/", {"theme": "dark", "next": "https://evil.example/"})
    page = client.get("/sign-in/").content.decode()
    assert 'lang="zh-Hans"' in page and 'data-theme="dark"' in page
    assert client.post("/preferences/", {"language": "xx", "theme": "pink", "next": "//evil.example"}).headers["Location"] == "/"
    assert 'data-theme="dark"' in client.get("/sign-in/").content.decode()


# One's own


def test_a_salesperson_changes_his_own_name_and_nothing_else(company, client_for):
    rob = person("Rob")
    client = client_for(rob)
    roles = list(rob.roles.values_list("pk", flat=True))
    sent = {"do": "about", "name": "Robert", "language": "en", "email": "other@example.com", "roles": "x", "id": str(rob.pk)}
    assert client.post("/me/", sent).status_code == 302
    rob.refresh_from_db()
    assert (rob.name, rob.language, list(rob.roles.values_list("pk", flat=True))) == ("Robert", "en", roles)
    assert rob.email != "other@example.com"
    refused = client.post("/me/", {"do": "about", "name": "", "language": "en"})
    assert refused.status_code == 422 and "This field is required." in refused.content.decode()


def test_changing_the_password_asks_for_the_present_one_and_ends_other_sessions(company, client_for):
    sam = person("Sam")
    here, elsewhere = client_for(sam), client_for(sam)
    wrong = here.post("/me/", {"do": "password", "present": "nope", "password": NEW, "again": NEW})
    assert wrong.status_code == 422 and "This is not your current password." in wrong.content.decode()
    assert here.post("/me/", {"do": "password", "present": PASSWORD, "password": "", "again": ""}).status_code == 422
    assert here.post("/me/", {"do": "password", "present": PASSWORD, "password": "short", "again": "short"}).status_code == 422
    assert is_in(here) and is_in(elsewhere)
    assert here.post("/me/", {"do": "password", "present": PASSWORD, "password": NEW, "again": NEW}).status_code == 302
    assert is_in(here) and not is_in(elsewhere)
    assert sign_in(people.browser(company), sam.email, NEW).status_code == 302


def test_a_key_is_shown_once_works_and_can_be_revoked_by_its_holder_alone(company, client_for):
    tim, uma = person("Tim"), person("Uma")
    client = client_for(tim)
    shown = client.post("/me/", {"do": "make-key"})
    key = re.search(r"ok_[a-z0-9]{8}_[\w-]{43}", shown.content.decode())[0]
    assert key not in client.get("/me/").content.decode()
    api = people.Api(people.browser(company), key)
    assert api.get("accounts/").status_code == 200
    ident = str(ApiKey.objects.get(user=tim, revoked_at=None).pk)
    assert client_for(uma).post("/me/", {"do": "revoke-key", "key": ident}).status_code == 422
    assert api.get("accounts/").status_code == 200
    assert client.post("/me/", {"do": "revoke-key", "key": ident}).status_code == 302
    assert api.get("accounts/").status_code == 401
    for odd in (ident, "", "x", "\0"):
        assert client.post("/me/", {"do": "revoke-key", "key": odd}).status_code == 422
    assert client.post("/me/", {"do": "become-owner"}).status_code == 422
