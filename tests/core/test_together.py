"""What is asked of the database in one message: the same answers, each once, and none that something written has made old."""

from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import access, context, door, prepared, query, reach, registry, write
from core.listings import Listing
from tests import factories, people


@pytest.fixture
def made(company, alice, api_for):
    return factories.make("opportunities", api_for(alice))


def asked(count: bool = True) -> list:
    return query.begin(access.system("tests"), registry.get("accounts"), Listing(count=count, limit=1)).asked()


def test_several_are_one_message_and_each_answer_is_taken_once(company, alice, api_for):
    api = api_for(alice)
    ids = [UUID(api.post("accounts/", {"name": f"Account {n}"}).json()["id"]) for n in range(3)]
    actor, accounts, users = access.system("tests"), registry.get("accounts"), registry.get("users")

    def work():
        several = [*reach.asked(actor, accounts, ids), *reach.asked(actor, users, [alice.pk])]
        with CaptureQueriesContext(connection) as seen:
            prepared.ask_together(several)
            prepared.ask_together(several)  # what is there already is not asked again
            there = reach.records(actor, accounts, ids), reach.records(actor, users, [alice.pk])
        with CaptureQueriesContext(connection) as again:
            assert reach.records(actor, accounts, ids) == there[0] and reach.records(actor, users, [alice.pk]) == there[1]
        return len(seen), len(again), {*there[0]}, [*there[1]]

    assert door.reading(work) == (1, 2, set(ids), [alice.pk])


def test_what_is_written_forgets_what_was_asked_before(company, alice, api_for):
    """Without it whoever asks next would get the record as it was."""
    ident = UUID(api_for(alice).post("accounts/", {"name": "Before"}).json()["id"])
    actor, accounts, users = access.system("tests"), registry.get("accounts"), registry.get("users")

    def work():
        prepared.ask_together([*reach.asked(actor, accounts, [ident]), *reach.asked(actor, users, [alice.pk])])
        write.change(actor, accounts, ident, {"name": "After"}, 1)
        return next(iter(reach.records(actor, accounts, [ident]).values())).name

    assert people.writing(work) == "After"


def test_nothing_is_asked_outside_of_a_use_case_nor_one_alone(company, alice):
    users, actor = registry.get("users"), access.system("tests")
    both = [*reach.asked(actor, users, [alice.pk]), *reach.asked(actor, registry.get("accounts"), [alice.pk])]
    with CaptureQueriesContext(connection) as seen:
        prepared.ask_together(both)
        assert prepared.TOGETHER not in context.memo()
        door.reading(lambda: prepared.ask_together(both[:1]))
    assert not [one for one in seen.captured_queries if "core_user" in one["sql"]]


def test_a_list_like_one_that_went_on_is_asked_with_its_number(company, alice, api_for):
    api = api_for(alice)
    for n in range(3):
        api.post("accounts/", {"name": f"Account {n}"})
    assert len(door.reading(asked)) == 1  # nobody knows yet whether it goes on
    with CaptureQueriesContext(connection) as first:
        told = door.reading(lambda: query.page(access.system("tests"), registry.get("accounts"), Listing(count=True, limit=1)))
    assert len(door.reading(asked)) == 2
    with CaptureQueriesContext(connection) as next_time:
        again = door.reading(lambda: query.page(access.system("tests"), registry.get("accounts"), Listing(count=True, limit=1)))
    assert told.count == again.count >= 3 and len(first) - len(next_time) == 1
    assert len(door.reading(lambda: asked(count=False))) == 1


def test_a_record_changed_by_the_api_is_read_again_in_one_message(made, alice, api_for):
    """Its row, its lines and what comes next of it; and the same words as a GET has."""
    api = api_for(alice)
    with CaptureQueriesContext(connection) as seen:
        changed = api.patch(made["url"], {"name": "Another"}, made["version"]).json()
    after = [one["sql"] for one in seen.captured_queries if 'FROM "crm_opportunityline"' in one["sql"]]
    assert len(after) == 2 and all('FROM "crm_opportunity"' in text for text in after)  # when it is locked, and when it is told
    assert changed == api.get(made["url"]).json()
