"""Statements that a connection keeps with their plan: found by name where they are asked often, by each company its own, by nobody else (I-03, I-31)."""

import random
from datetime import date
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError, DataError

from core import context
from core.models import User
from core.prepared import Prepared
from tenants.backend import base, plans
from tenants.backend.plans import Kept, Shelf
from tests.tenancy.conftest import LONG, beside, emails

pytestmark = pytest.mark.usefixtures("unbound")
TOOK, IS_SOUND = plans.Pace.took, base._Guarded._is_sound
ALL = Prepared(lambda: User.objects.order_by("email").values_list("email"))
BY_ID = Prepared(lambda ids: User.objects.filter(pk__among=ids).values_list("email"), "ids")


@pytest.fixture(autouse=True)
def _new_connection(monkeypatch):
    """A connection that keeps nothing yet, of statements that nobody asked before; however long they take, they are asked by their names."""
    monkeypatch.setattr(plans.Pace, "took", lambda pace, seconds, by_name: None)
    monkeypatch.setattr(plans, "IN_FULL", 1_000_000)
    monkeypatch.setattr(base._Guarded, "_is_sound", lambda *_told: True)
    plans._paces.clear()
    connection.close()
    connection.close_pool()
    yield
    connection.close()


def server() -> dict[str, tuple[int, int]]:
    """Name -> how often it was planned for its values, and how often for any, by what the server itself says."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, custom_plans, generic_plans FROM pg_prepared_statements")
        return {name: (custom, general) for name, custom, general in cursor.fetchall()}


def kept() -> dict[str, tuple[int, int]]:
    """The same, and the connection knows of all of them."""
    found = server()
    assert set(found) == set(Shelf.of(connection.connection).names())
    return found


def test_what_is_asked_often_is_kept_and_planned_no_more(pair):
    with context.bind(pair[0][0]):
        someone = User.objects.first().pk
        for asked in range(1, plans.AFTER + 20):
            assert BY_ID.rows(f"{{{someone}}}") == [[User.objects.get(pk=someone).email]]
            assert len(kept()) == (1 if asked > plans.AFTER else 0)
        [(custom, general)] = kept().values()
        assert (custom, general) == (0, 19), "planned for any values, and no more for these"


def test_each_company_has_its_own_plans_on_the_same_connection(pair):
    """I-03: the same words, whatever was asked before and by whom, given back and taken again."""
    for _ in range(5_000 if LONG else 200):
        company, expected = random.choice(pair)
        with context.bind(company):
            assert [email for (email,) in ALL.rows()] == emails() == expected
        if random.random() < 0.2:
            connection.close()
    with context.bind(pair[0][0]):
        assert len(kept()) in (1, 2)


def test_a_name_taken_by_one_company_finds_the_rows_of_whoever_calls_it(pair):
    """The second guard, the server's own: a plan is made anew where the search path is another."""
    with context.bind(pair[0][0]), connection.cursor() as cursor:
        for _ in range(20):
            cursor.execute(Kept.of("SELECT email FROM core_user ORDER BY email", []), [])
        [name] = kept()
    with context.bind(pair[1][0]), connection.cursor() as cursor:
        cursor.execute(f"SELECT 1; EXECUTE {name}")
        cursor.nextset()
        assert [email for (email,) in cursor.fetchall()] == pair[1][1]


@pytest.mark.parametrize(("filler", "kept_by_name"), [(0, True), (40_000, False)])
def test_a_large_table_is_never_gone_through_for_whatever_value(pair, monkeypatch, filler, kept_by_name):
    """A plan for any owner goes through the newest of all, which finds those of most owners soon, and of one with few rows never."""
    monkeypatch.setattr(base._Guarded, "_is_sound", IS_SOUND)
    with context.bind(pair[0][0]), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE papers AS SELECT n AS id, n %% 5 AS owner FROM generate_series(1, %s) n", [filler or 20])
        try:
            cursor.execute("CREATE INDEX ON papers (id); CREATE INDEX ON papers (owner); ANALYZE papers")
            text = Kept.of("SELECT id FROM papers WHERE owner = %s::int ORDER BY id LIMIT 3", [""])
            for owner in [3] * (plans.AFTER + 5):
                cursor.execute(text, [owner])
                assert cursor.fetchall() == [(3,), (8,), (13,)]
            [(_custom, general)] = kept().values()
            assert general == (6 if kept_by_name else 1), "its plan was looked at, and it is called by its name or not"
            [pace] = [own for (_path, said), own in plans._paces.items() if said == text]
            assert pace.is_sound is kept_by_name
            cursor.execute("TRUNCATE papers")
            cursor.execute("ANALYZE papers")
            pace.asked = plans.LOOK_AGAIN - 1
            cursor.execute(text, [3])
            assert cursor.fetchall() == [] and pace.is_sound is True, "tables change: it is looked at again"
        finally:
            cursor.execute("DROP TABLE papers")


def test_no_more_are_kept_than_may_be(pair, monkeypatch):
    monkeypatch.setattr(plans, "MOST", 3)
    with context.bind(pair[0][0]):
        for number in (*range(8), 7, 6, 5):
            text = Kept.of(f"SELECT {number} + length(%s)", [""])
            for _ in range(plans.AFTER + 2):
                with connection.cursor() as cursor:
                    cursor.execute(text, ["abc"])
                    assert cursor.fetchone() == (number + 3,)
        assert len(kept()) == 3


@pytest.mark.parametrize("value", ["50%", "it's", "$1", "%s", "a\\b", "üß 你好", "100%% {}"])
def test_values_and_what_stands_in_a_statement_arrive_as_they_are(pair, value):
    with context.bind(pair[0][0]), connection.cursor() as cursor:
        text = connection.kept("SELECT %s::text, 7 %% 4, %s::text, %s::uuid", [value, value, uuid4()], [1, 2])
        for _ in range(plans.AFTER + 3):
            own = uuid4()
            cursor.execute(text, [value, own])
            assert cursor.fetchall() == [(value, 3, value, own)]
        assert len(kept()) == 1


def test_several_in_one_message_are_each_kept_and_take_their_own_values(pair):
    with context.bind(pair[0][0]), connection.cursor() as cursor:
        both = connection.in_one_message([Kept.of("SELECT %s || 'a'", [""]), Kept.of("SELECT %s + length(%s)", [1, ""])])
        for asked in range(plans.AFTER + 3):
            cursor.execute(both, [f"b{asked}", asked, "abc"])
            assert cursor.fetchall() == [(f"b{asked}a",)]
            assert cursor.nextset() and cursor.fetchall() == [(asked + 3,)]
        assert [*kept().values()] == [(0, 3), (0, 3)]


def test_one_that_fails_for_its_values_is_kept_all_the_same(pair):
    with context.bind(pair[0][0]):
        text, answers = Kept.of("SELECT 1 / length(%s)", [""]), []
        for given in [*["a"] * (plans.AFTER + 1), "", "a"]:
            try:
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute(text, [given])
                    answers += cursor.fetchall()
            except DataError:
                answers.append(given)
        assert answers == [*[(1,)] * (plans.AFTER + 1), "", (1,)]
        assert [*kept().values()] == [(0, 3)]


def test_one_that_fails_as_it_gets_its_name_leaves_nothing_in_doubt(pair):
    """Whether the name was taken is not certain then: nothing is asked by name any more, and the next borrower finds none."""
    with context.bind(pair[0][0]):
        ALL.rows(), ALL.rows(), ALL.rows()
        text = Kept.of("SELECT 1 / length(%s)", [""])
        for given in ["a"] * plans.AFTER + [""]:
            try:
                with connection.cursor() as cursor:
                    cursor.execute(text, [given])
            except DataError:
                assert given == ""
        named = server()
        assert len(named) == 2
        for _ in range(3):
            assert ALL.rows() == [[pair[0][1][0]]]
            with connection.cursor() as cursor:
                cursor.execute(text, ["ab"])
                assert cursor.fetchone() == (0,)
        assert server() == named, "nothing was asked by its name"
        pid = connection.connection.info.backend_pid
        connection.close()
        connection.ensure_connection()
        assert connection.connection.info.backend_pid == pid and kept() == {}


def test_one_that_cannot_be_kept_fails_once_and_is_asked_in_full_from_then_on(pair):
    """Of what kind a place is may be told by the value in it alone."""
    text, answers = Kept.of("SELECT %s IS NULL", [""]), []
    for _ in range(plans.AFTER + 5):
        with context.bind(pair[0][0]), connection.cursor() as cursor:
            try:
                cursor.execute(text, ["a"])
                answers += cursor.fetchall()
            except DatabaseError as error:
                answers.append(str(error).partition("\n")[0])
        connection.close()
    assert answers == [(False,)] * plans.AFTER + ["could not determine data type of parameter $1"] + [(False,)] * 4


def test_one_that_is_slower_by_its_name_is_asked_in_full_for_a_while(pair):
    """A plan for any values may be the wrong one for most that are asked."""
    with context.bind(pair[0][0]):
        for _ in range(plans.AFTER + 3):
            ALL.rows()
        named = sum(map(sum, kept().values()))
        assert named == 3
        [pace] = [own for (_path, text), own in plans._paces.items() if text == ALL.sent()]
        pace.full, pace.named = 0.001, 0.002
        asked = 0
        while sum(map(sum, kept().values())) == named:
            ALL.rows()
            asked += 1
        assert 20 < asked < 30, "forgotten by and by, and tried again"


def test_now_and_then_one_is_asked_in_full(pair, monkeypatch):
    """Else nobody would know whether its name is worth it."""
    monkeypatch.setattr(plans, "IN_FULL", 4)
    with context.bind(pair[0][0]):
        for _ in range(40):
            ALL.rows()
        assert sum(map(sum, kept().values())) == 40 - plans.AFTER - 10


def test_an_average_follows_what_is_measured(pair, monkeypatch):
    monkeypatch.setattr(plans.Pace, "took", TOOK)
    with context.bind(pair[0][0]):
        for _ in range(plans.AFTER + 3):
            ALL.rows()
    [pace] = [own for (_path, text), own in plans._paces.items() if text == ALL.sent()]
    assert 0 < pace.full < 1 and 0 < pace.named < 1
    pace = plans.Pace()
    for seconds in (1.0, 1.0, 2.0):
        pace.took(seconds, by_name=True)
    pace.took(3.0, by_name=False)
    assert (round(pace.named, 6), pace.full) == (1.2, 3.0)


def test_a_column_that_becomes_of_another_type_fails_one_request_at_most(pair):
    """The server refuses to answer by a plan of before; what asked is rolled back, and the same is right from then on."""
    with context.bind(pair[0][0]):
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE shifting (id int); INSERT INTO shifting VALUES (7)")
        try:
            text = Kept.of("SELECT id FROM shifting", [])

            def read() -> list:
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute(text, [])
                    return cursor.fetchall()

            assert [read() for _ in range(plans.AFTER + 8)] == [[(7,)]] * (plans.AFTER + 8)
            with beside() as other:
                other.execute(f"ALTER TABLE {connection.schema_name}.shifting ALTER id TYPE text")
            with pytest.raises(DatabaseError, match="cached plan"):
                read()
            assert [read() for _ in range(plans.AFTER + 8)] == [[("7",)]] * (plans.AFTER + 8)
        finally:
            with connection.cursor() as cursor:
                cursor.execute("DROP TABLE shifting")


def test_ids_days_and_texts_are_told_apart():

    assert Kept.of("", [UUID(int=1), date(2026, 1, 1), "{}"]).types == ("uuid", "date", "unknown")
