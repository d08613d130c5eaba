"""A streamed answer keeps its company, whoever asks for its next piece and whenever (I-05)."""

import os
import threading
from contextlib import suppress

import pytest
from django.db import connection, connections
from django.http import FileResponse, StreamingHttpResponse
from django.test import RequestFactory

from core import context
from core.models import User
from tenants import directory
from tenants.middleware import HostMiddleware
from tests import people

PAIRS = 500 if os.environ.get("ODOS_LONG") else 20


@pytest.fixture(scope="module")
def pair():
    made = [people.new_company(), people.new_company()]
    return [(company, people.owner_of(company).email.encode()) for company in made]


def streaming(pieces: int = 3):
    """The middleware before a view that streams the owner's address several times, one query for each."""

    def steps():
        for _ in range(pieces):
            yield User.objects.get().email.encode()

    return HostMiddleware(lambda request: StreamingHttpResponse(steps()))


def ask(handler, company):
    return handler(RequestFactory().get("/", headers={"host": directory.host_of(company.subdomain)}))


def test_two_streams_read_in_turn_each_stay_in_their_company(pair):
    for _ in range(PAIRS):
        streams = [(iter(ask(streaming(), company).streaming_content), expected) for company, expected in pair]
        for _ in range(3):
            for stream, expected in streams:
                assert next(stream) == expected
    assert context.company_or_none() is None


def test_streams_on_two_threads_each_stay_in_their_company(pair):
    wrong: list[bytes] = []
    together = threading.Barrier(2)

    def read(company, expected):
        try:
            for _ in range(PAIRS):
                together.wait(30)
                wrong.extend(piece for piece in ask(streaming(), company).streaming_content if piece != expected)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=read, args=one) for one in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_stream_that_is_dropped_leaves_its_blocks_in_its_own_binding(pair):
    """What a generator entered it leaves in the same context, or leaving would fail."""
    left: list[context.Company | None] = []

    def steps():
        with context.remembering():
            try:
                yield b"1"
                yield b"2"
            finally:
                left.append(context.company_or_none())

    response = ask(HostMiddleware(lambda request: StreamingHttpResponse(steps())), pair[0][0])
    assert next(iter(response.streaming_content)) == b"1"
    with context.bind(pair[1][0]):
        response.close()
    assert left == [pair[0][0]]


def test_files_stream_as_before(pair, tmp_path):
    place = tmp_path / "file.bin"
    place.write_bytes(b"x" * 10_000)
    response = ask(HostMiddleware(lambda request: FileResponse(place.open("rb"))), pair[0][0])
    assert b"".join(response.streaming_content) == b"x" * 10_000
    response.close()


def test_an_error_in_a_stream_does_not_change_what_is_bound(pair):
    def steps():
        yield b"1"
        raise ValueError("broken")

    stream = iter(ask(HostMiddleware(lambda request: StreamingHttpResponse(steps())), pair[0][0]).streaming_content)
    with context.bind(pair[1][0]):
        next(stream)
        with suppress(ValueError):
            next(stream)
        assert User.objects.get().email.encode() == pair[1][1]
    connection.close()
