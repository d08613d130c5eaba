"""Two admins, and an admin and a seller, at the same moment: one gets the sentence, and nothing half is left."""

import pytest

from core import access, door, registry, write
from core.errors import RuleError, Stale, WrongState
from core.models import CustomObject, CustomRecord, SearchEntry, TrailEntry
from tests import dealer
from tests.core.racing import race


@pytest.fixture(scope="module")
def owner(company, alice):
    return access.actor_for(alice)


def objects():
    return registry.types["custom-objects"]


def test_the_same_key_twice_is_one_object_and_one_sentence(owner):
    stated = {"key": "bookings", "label": "Booking", "plural": "Bookings"}
    found = race(*[lambda: door.writing(lambda: write.create(owner, objects(), dict(stated)))] * 6)
    assert [type(f) for f in found].count(CustomObject) == 1
    refused = [f for f in found if not isinstance(f, CustomObject)]
    assert all(isinstance(f, RuleError) and f.errors["key"] == ["Another record has this value already."] for f in refused), refused
    row = CustomObject.objects.get(key="bookings")
    assert TrailEntry.objects.filter(about_type="custom-objects", about_id=row.pk).count() == 1


def test_of_two_admins_the_second_hears_that_the_first_was_faster(owner):
    row = CustomObject.objects.get(key="bookings")
    found = race(*[lambda n=n: door.writing(lambda: write.change(owner, objects(), row.pk, {"plural": f"Bookings {n}"}, row.version)) for n in range(4)])
    assert sorted(type(f).__name__ for f in found) == ["CustomObject", "Stale", "Stale", "Stale"]
    assert all(isinstance(f, CustomObject | Stale) for f in found)
    row.refresh_from_db()
    assert row.version == 2


def test_an_object_archived_while_records_are_saved_leaves_nothing_half(owner):
    """Whoever saves is in time or hears that there is no such thing; each record that is there has its trail and can be found again."""
    dealer.build(owner)
    row = CustomObject.objects.get(key="vehicles")

    def save():
        def work():
            object_type = registry.get("vehicles")
            return write.create(owner, object_type, dealer.vehicle()) if object_type else None

        return door.writing(work)

    found = race(*[save] * 5, lambda: door.writing(lambda: write.act(owner, objects(), row.pk, "archive")), *[save] * 5)
    assert isinstance(found[5], CustomObject)
    assert all(f is None or isinstance(f, CustomRecord | WrongState) for i, f in enumerate(found) if i != 5), found
    kept = set(CustomRecord.objects.filter(object="vehicles").values_list("pk", flat=True))
    assert kept == {f.pk for f in found if isinstance(f, CustomRecord)}
    assert set(TrailEntry.objects.filter(about_type="vehicles", act="add").values_list("about_id", flat=True)) == kept
    assert set(SearchEntry.objects.filter(about_type="vehicles").values_list("about_id", flat=True)) == kept
    assert registry.get("vehicles") is None
    row.refresh_from_db()
    door.writing(lambda: write.act(owner, objects(), row.pk, "restore"))
    assert set(registry.get("vehicles").all().values_list("pk", flat=True)) == kept


def test_a_limit_is_one_for_two_at_once(owner, monkeypatch):
    from core import limits  # noqa: PLC0415 - only this test lowers it

    room = CustomObject.objects.filter(archived_at=None).count() + 1
    monkeypatch.setitem(limits.SAFETY, "custom_objects", room)
    made = [lambda n=n: door.writing(lambda: write.create(owner, objects(), {"key": f"limit-{n}", "label": "L", "plural": "Ls"})) for n in range(6)]
    found = race(*made)
    assert [type(f) for f in found].count(CustomObject) == 1 and CustomObject.objects.filter(archived_at=None).count() == room
