"""The store of sessions asks once what Django's asks, and takes no session that is over or of no one."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.sessions import SessionStore


@pytest.fixture
def kept(company):
    store = SessionStore()
    store["a"] = "b"
    store.save()
    return store.session_key


def test_a_session_is_read_with_one_query(kept):
    with CaptureQueriesContext(connection) as queries:
        assert SessionStore(kept)["a"] == "b"
    assert len(queries) == 1


def test_a_session_that_is_over_is_no_session(kept):
    Session.objects.filter(session_key=kept).update(expire_date=timezone.now() - timedelta(seconds=1))
    over = SessionStore(kept)
    assert over.get("a") is None
    assert over.session_key is None


@pytest.mark.parametrize("key", ["x" * 40, "nobody's key"])
def test_a_key_of_no_session_is_none(company, key):
    store = SessionStore(key)
    assert store.get("a") is None
    assert store.session_key is None
