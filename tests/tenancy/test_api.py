"""The API of one company has nothing of another: ids, keys of requests, keys of people, files (I-13, I-25)."""

from uuid import uuid4

import pytest
from django.conf import settings

from core import context
from core.models import User
from tests import people


@pytest.fixture(scope="module")
def pair():
    return [people.new_company(), people.new_company()]


@pytest.fixture(scope="module")
def clients(pair):
    return [people.api(people.owner_of(company), company) for company in pair]


def test_one_idempotency_key_in_two_companies_makes_two_independent_answers(clients):
    """I-25: the table of answers is the company's own."""
    key = str(uuid4())
    first = clients[0].post("accounts/", {"name": "Made in the first"}, idempotency_key=key)
    second = clients[1].post("accounts/", {"name": "Made in the second"}, idempotency_key=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]
    again = clients[1].post("accounts/", {"name": "Made in the second"}, idempotency_key=key)
    assert (again.status_code, again.json()) == (201, second.json())
    for client, name in zip(clients, ("Made in the first", "Made in the second"), strict=True):
        names = [account["name"] for account in client.get("accounts/").json()["results"]]
        assert names == [name]


def test_a_record_of_another_company_is_not_found_by_any_verb(clients):
    record = clients[0].post("accounts/", {"name": "Hidden from the second"}).json()
    path = f"accounts/{record['id']}/"
    assert clients[0].get(path).status_code == 200
    answers = [
        clients[1].get(path),
        clients[1].patch(path, {"name": "Taken"}, version=1),
        clients[1].delete(path, version=1),
        clients[1].post(f"{path}archive/", {}),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert clients[1].get("accounts/", {"q": "Hidden"}).json()["results"] == []
    assert clients[0].get(path).json() == record


def test_a_reference_to_a_record_of_another_company_is_refused(clients):
    account = clients[0].post("accounts/", {"name": "Of the first"}).json()
    answer = clients[1].post("contacts/", {"name": "Mallory", "account": account["id"]})
    assert answer.status_code == 422 and "account" in answer.json()["errors"]
    assert clients[1].get("contacts/").json()["results"] == []


def test_an_id_of_another_company_may_be_used_anew_and_stays_two_records(clients):
    """Ids are the company's own: that one is taken elsewhere cannot be found out by trying."""
    record = clients[0].post("accounts/", {"name": "Original"}).json()
    answer = clients[1].post("accounts/", {"name": "Namesake", "id": record["id"]})
    assert answer.status_code == 201
    assert clients[0].get(f"accounts/{record['id']}/").json()["name"] == "Original"
    assert clients[1].get(f"accounts/{record['id']}/").json()["name"] == "Namesake"


def test_a_key_of_one_company_opens_nothing_in_another(pair, clients):
    stolen = people.Api(people.browser(pair[1]), clients[0].key)
    assert stolen.get("accounts/").status_code == 401
    assert stolen.post("accounts/", {"name": "Mallory"}).status_code == 401
    public = people.Api(people.browser(), clients[0].key)
    assert public.get("accounts/").status_code == 404
    with context.bind(pair[1]):
        assert not User.objects.filter(name="Mallory").exists()


def test_no_address_serves_the_folder_of_files(pair):
    """I-13: what is kept on disk is reached through views that check who asks, or not at all."""
    place = settings.MEDIA_ROOT / "secret.txt"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("canary")
    tries = ["/files/secret.txt", "/media/secret.txt", "/secret.txt", "/static/../files/secret.txt", "/static/%2e%2e/files/secret.txt",
             "/static//" + str(place), "/static/secret.txt"]  # fmt: skip
    for browser in (people.browser(), people.browser(pair[0]), people.signed_in(people.owner_of(pair[0]), pair[0])):
        for path in tries:
            answer = browser.get(path)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            assert b"canary" not in body, path
    place.unlink()
