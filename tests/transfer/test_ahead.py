"""Rows of a file are read and understood while the database stores those before; what comes of it is what comes without."""

import pytest
from django.db import connection

from core import access, batches, door, registry
from core.errors import RuleError
from core.models import TrailEntry
from core.transfer import loading, mapping
from core.transfer.ahead import PIECE, Ahead, Understood
from core.transfer.loading import Fault
from core.transfer.reading import Row, read
from crm.models import Contact

MANY = 3 * loading.BATCH


@pytest.fixture(scope="module")
def owner(alice):
    return access.actor_for(alice)


def load(actor, text, keep=True, partly=False):
    table, object_type = read(text.encode()), registry.get("contacts")
    return door.writing(lambda: loading.load(actor, object_type, table, mapping.suggest(actor, object_type, table.headers), keep, partly=partly))


def file(mark):
    """Phones to be cleaned, a title in some, one bad address in the third batch and the same external id twice."""
    rows = []
    for n in range(MANY):
        email = "nobody" if n == MANY - 5 else f"{mark}{n}@example.com"
        rows.append(f"{mark} {n},{email},+49 30 {100_000 + n},{'Buyer' if n % 3 else ''},{mark}-{n - 1 if n == MANY - 2 else n}\n")
    return "name,email,phone,title,external_id\n" + "".join(rows)


def held(mark):
    rows = Contact.objects.filter(external_id__startswith=f"{mark}-").order_by("created_at", "id")
    return [(c.name.removeprefix(mark), c.email.removeprefix(mark), c.phone, c.title) for c in rows]


def told(mark):
    """What the trail says of each, in the order in which it says it."""
    ids = Contact.objects.filter(external_id__startswith=f"{mark}-").values("pk")
    entries = TrailEntry.objects.filter(about_id__in=ids).order_by("id")
    return [[(name, change if name in ("phone", "title") else None) for name, change in entry.changes.items()] for entry in entries]


def test_what_is_understood_ahead_is_what_is_understood_in_its_turn(owner, monkeypatch):
    used = []
    known = Ahead.understood
    monkeypatch.setattr(Ahead, "understood", lambda self, row: used.append(found := known(self, row)) or found)
    ahead = load(owner, file("ahead"), partly=True)
    assert sum(one is not None for one in used) > MANY // 3  # two batches are known before their turn, but for what is wrong
    monkeypatch.setattr(Ahead, "understood", lambda self, row: None)
    plain = load(owner, file("plain"), partly=True)
    assert (ahead.new, ahead.errors, ahead.bad) == (plain.new, plain.errors, plain.bad) == (MANY - 2, 2, [MANY - 3, MANY])
    assert [(f.row, f.column, f.sentence) for f in ahead.faults] == [(f.row, f.column, f.sentence) for f in plain.faults]
    assert ahead.faults[0] == Fault(MANY - 3, "email", "nobody", "Enter an e-mail address, such as name@example.com.")
    assert held("ahead") == held("plain")
    assert told("ahead") == told("plain")


def test_what_is_asked_of_the_database_meanwhile_is_refused_and_asked_again(owner, monkeypatch):
    real, busy = loading._Loading._understand_ahead, []

    def asking(self, row):
        try:
            Contact.objects.exists()
        except batches.Busy:
            busy.append(row.number)
            raise
        return real(self, row)

    monkeypatch.setattr(loading._Loading, "_understand_ahead", asking)
    assert load(owner, file("busy"), partly=True).new == MANY - 2
    assert busy


def test_rows_come_in_order_and_what_is_wrong_with_the_file_is_told_in_its_turn():
    def rows():
        yield from (Row(n, [str(n)]) for n in range(PIECE + 3))
        raise RuleError("The file ends in the middle of a row.")

    ahead = Ahead(rows(), 1000, lambda row: Understood({"n": row.number}, {}))
    while ahead.work():
        pass
    for n in range(PIECE + 3):
        row = next(ahead)
        assert (row.number, ahead.understood(row)) == (n, Understood({"n": n}, {}))
        assert ahead.understood(row) is None
    with pytest.raises(RuleError, match="in the middle"):
        next(ahead)


def test_no_more_rows_than_a_batch_are_held():
    ahead = Ahead((Row(n, []) for n in range(10_000)), 100, None)
    while ahead.work():
        pass
    assert len(ahead._held) == 100
    assert [row.number for row in ahead] == list(range(10_000))


def test_after_a_large_file_nothing_waits_to_be_sorted_into_the_indexes_of_words(owner):
    load(owner, file("sorted"), partly=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT gin_clean_pending_list('contact_named'), gin_clean_pending_list('search_text'), current_setting('gin_pending_list_limit')")
        assert cursor.fetchone() == (0, 0, "256kB")
