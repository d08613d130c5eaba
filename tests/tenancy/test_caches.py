"""Nothing shared by processes or kept in one mixes companies: cache keys, limits, locks, what is remembered (I-09, I-10, I-25, I-30)."""

import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.core.cache.backends.redis import RedisCache
from django.db import connection, connections, transaction
from django.utils import translation

from core import access, context, registry, schema, sql, write
from core import cache as keys
from core.models import Role
from tests import people

ROUNDS = 200 if os.environ.get("ODOS_LONG") else 10
KEY = re.compile(r"(t:[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|g):1:.+")


@pytest.fixture(scope="module")
def pair():
    return [people.new_company(), people.new_company()]


def store() -> redis.Redis:
    return redis.Redis.from_url(settings.CACHES["default"]["LOCATION"])


# Keys -------------------------------------------------------------------------------------------------------------------


def test_a_key_names_the_bound_company(pair):
    with context.bind(pair[0]):
        assert keys.make_key("x", "", 1) == f"t:{pair[0].id}:1:x"
    with context.bind_public():
        assert keys.make_key("x", "", 1) == "g:1:x"


def test_the_cache_refuses_code_that_is_bound_to_nothing():
    for act in (lambda: cache.get("x"), lambda: cache.set("x", 1), lambda: cache.delete("x"), lambda: cache.get_many(["x"])):
        with pytest.raises(context.Unbound):
            act()


def test_two_companies_never_meet_in_one_entry(pair):
    """I-10: the same key set by both and by the public site holds three values, also when asked for many and with a default."""
    first, second = pair
    for place, value in ((context.bind(first), "first"), (context.bind(second), "second"), (context.bind_public(), "public")):
        with place:
            cache.set("canary", value)
            cache.set_many({"canary-2": value})
            assert cache.get_or_set("canary-3", value) == value
    for place, value in ((context.bind(first), "first"), (context.bind(second), "second"), (context.bind_public(), "public")):
        with place:
            assert cache.get_many(["canary", "canary-2", "canary-3"]) == dict.fromkeys(["canary", "canary-2", "canary-3"], value)
            cache.delete("canary-2")
            assert cache.incr("number", 1) if cache.add("number", 1) else False
    with context.bind(first):
        assert cache.get("canary") == "first"


def test_every_key_in_the_store_is_of_a_company_or_of_the_public_site(pair):
    """I-10: whatever this worker's tests have put there."""
    with context.bind(pair[0]):
        cache.set("one-of-ours", 1)
    found = [key.decode() for key in store().scan_iter(count=1000)]
    assert found
    assert [key for key in found if not KEY.fullmatch(key)] == []


# Limits -----------------------------------------------------------------------------------------------------------------


def test_one_company_that_uses_up_its_limit_leaves_the_others_theirs(pair):
    """I-25."""
    first, second = pair
    with context.bind(first):
        assert [keys.seldom_enough("test", "alice", 2, 60) for _ in range(4)] == [True, True, False, False]
        assert keys.seldom_enough("test", "bob", 2, 60)
        assert keys.seldom_enough("another", "alice", 2, 60)
    with context.bind(second):
        assert keys.seldom_enough("test", "alice", 2, 60)
    with context.bind_public():
        assert keys.seldom_enough("test", "alice", 2, 60)
        assert all(keys.seldom_enough("unlimited", "alice", 0, 60) for _ in range(50))


def test_a_limit_ends_with_its_window(pair):
    with context.bind(pair[0]):
        assert keys.seldom_enough("window", "alice", 1, 60)
        assert not keys.seldom_enough("window", "alice", 1, 60)
        assert 0 < store().ttl(cache.make_key("often:window:alice")) <= 60


def test_a_store_that_is_away_keeps_nobody_out(pair, monkeypatch):
    nowhere = RedisCache("redis://127.0.0.1:1/0", {"KEY_FUNCTION": keys.make_key})
    monkeypatch.setattr(keys, "cache", nowhere)
    with context.bind(pair[0]):
        assert [keys.seldom_enough("away", "alice", 1, 60) for _ in range(2)] == [True, True]


# Locks ------------------------------------------------------------------------------------------------------------------


@contextmanager
def held_elsewhere(company, purpose: str):
    """Another connection holds this lock of this company inside the block."""
    holds, ends = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with context.bind(company), transaction.atomic():
                sql.lock(company.id, purpose)
                holds.set()
                ends.wait(30)
        finally:
            connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    assert holds.wait(30)
    try:
        yield
    finally:
        ends.set()
        thread.join()


def takes(company, purpose: str) -> bool:
    """Whether the lock is to be had within half a second."""
    try:
        with context.bind(company), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = 500")
            sql.lock(company.id, purpose)
    except Exception as error:
        assert getattr(error.__cause__, "sqlstate", "") == "55P03"
        return False
    return True


def test_companies_do_not_wait_for_each_others_locks(pair):
    """I-30: locks are global to the database, so the key holds the company."""
    first, second = pair
    with held_elsewhere(first, "numbering"):
        assert takes(second, "numbering")
        assert takes(first, "another purpose")
        assert not takes(first, "numbering")
    assert takes(first, "numbering")


# What a process remembers ------------------------------------------------------------------------------------------------


def known_fields(company) -> set[str]:
    with context.bind(company):
        return set(schema.fields(registry.get("accounts")))


def add_field(company, key: str) -> None:
    with context.bind(company):
        stated = {"type": "accounts", "key": key, "kind": "text", "label": key}
        people.writing(lambda: write.create(access.system("tests"), registry.get("custom-fields"), stated))


def test_fields_of_one_company_are_not_those_of_another(pair):
    """I-09: a company's own fields, asked for in turn and on four threads of one process."""
    first, second = pair
    add_field(first, "only_first")
    add_field(second, "only_second")

    def look(number: int) -> None:
        own, foreign = (("only_first", "only_second"), ("only_second", "only_first"))[number % 2]
        try:
            for _ in range(ROUNDS):
                names = known_fields(pair[number % 2])
                assert own in names and foreign not in names
        finally:
            connections.close_all()

    look(0)
    look(1)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(look, range(4)))


def test_what_a_use_case_remembers_is_not_remembered_in_another_company(pair):
    """I-09: also where both are served inside one remembering block."""
    with context.remembering():
        assert "only_first" in known_fields(pair[0])
        names = known_fields(pair[1])
        assert "only_second" in names and "only_first" not in names


def test_a_process_that_served_one_company_serves_the_next_its_own(pair):
    """I-09: the same requests for both in one process, again and again: nothing of the other is in an answer."""
    canaries = []
    for number, company in enumerate(pair):
        with context.bind(company):
            canaries.append(f"canary-{number}-{company.id.hex}")
            people.new_user(canaries[-1])
            assert Role.objects.filter(key="owner").exists()
    clients = [people.api(people.owner_of(company), company) for company in pair]
    seen = [0, 0]
    for _ in range(ROUNDS):
        for number, client in enumerate(clients):
            for path in ("users/", "users/?q=canary", "roles/", "org-units/", "schema/"):
                with translation.override("en"):
                    answer = client.get(path)
                assert canaries[1 - number].encode() not in answer.content
                assert pair[1 - number].schema.encode() not in answer.content
                seen[number] += canaries[number].encode() in answer.content
    assert min(seen) >= 2 * ROUNDS, "Each company must see its own canary, or this test sees nothing."
