"""What is exported without making records of it is, byte for byte, what comes of the records as their reader sees them."""

import pytest
from django.db import connection

from core import access, door, export, listings, query, registry, write
from core.transfer.reading import read
from tests import factories

OWN = (
    ("rank", "choice", {"options": [{"key": "a", "label": "First"}, {"key": "b", "label": "=Second"}]}), ("size", "number", {}), ("money", "money", {}),
    ("tags", "choices", {"options": [{"key": "a", "label": "A, a"}, {"key": "b", "label": "B"}]}), ("since", "date", {}), ("at", "datetime", {}),
    ("who", "user", {}), ("other", "ref", {"target": "accounts"}), ("several", "refs", {"target": "accounts"}), ("spot", "address", {}), ("yes", "yesno", {}),
    ("twice", "formula", {"formula": "size * 2"}),
)  # fmt: skip


@pytest.fixture(scope="module")
def owner(alice):
    actor = access.actor_for(alice)
    for slug in factories.writable():
        factories.make(slug, actor)
    return actor


@pytest.fixture(scope="module")
def contacts(owner, alice):
    def work():
        for key, kind, more in OWN:
            write.create(owner, registry.get("custom-fields"), {"type": "contacts", "key": key, "kind": kind, "label": key.title(), **more})
        account = write.create(owner, registry.get("accounts"), {"name": "-Minus & Co"})
        rows = [
            {"name": name, "account": str(account.pk) if n % 2 else None, "phone": ("+4930901820", "@call", "")[n % 3], "title": ("\tx", "'=1", "１")[n % 3],
             "rank": ("a", "b", None)[n % 3], "size": n * 1.5 if n % 4 else None, "money": str(n), "tags": (["a"], ["a", "b"], [])[n % 3],
             "since": f"2026-03-{n % 28 + 1:02d}", "at": f"2026-03-05T10:{n % 60:02d}:{n % 7:02d}Z" if n % 5 else None, "who": str(alice.pk) if n % 2 else None,
             "other": str(account.pk) if n % 3 else None, "yes": (True, False, None)[n % 3], "spot": {"city": "Bonn", "country": "DE"} if n % 2 else None}
            for n, name in enumerate(["=1+1", 'Line, "quoted"', "two\nlines", "王小明", "Ω\u3000mega", "'quoted", "Plain", " +x"] * 4)
        ]  # fmt: skip
        write.create_many(owner, registry.get("contacts"), rows)

    door.writing(work)


def files(user, slug, only=(), words=()):
    """The files in each form, those for people and those for programs; of workbooks their cells."""
    object_type, wanted = registry.get(slug), listings.listing(words)
    for as_read in (False, True):
        yield b"".join(export.stream(user, object_type, wanted, only, as_read))
        table = read(b"".join(export.workbook(user, object_type, wanted, only, as_read)))
        yield table.headers, [row.cells for row in table.rows()]


def both_ways(monkeypatch, *asked):
    short = list(files(*asked))
    monkeypatch.setattr(export, "_is_stored", lambda f: False)
    long = list(files(*asked))
    monkeypatch.undo()
    return short, long


@pytest.mark.parametrize("slug", sorted(factories.writable()))
def test_each_type_comes_out_the_same_both_ways(owner, alice, monkeypatch, slug):
    object_type = registry.get(slug)
    stored = [n for n, f in export.columns_of(owner, object_type).items() if export._is_stored(f)]
    short, long = both_ways(monkeypatch, alice, slug, stored)
    assert short == long and len(short[0].splitlines()) > 1


def test_own_fields_names_and_what_looks_like_formulas_come_out_the_same(contacts, owner, alice, monkeypatch):
    columns = [n for n, f in export.columns_of(owner, registry.get("contacts")).items() if export._is_stored(f)]
    assert {"rank", "size", "tags", "at", "who", "other", "spot", "account", "owner", "id"} <= set(columns) and not {"several", "twice"} & set(columns)
    for words in ([("sort", "name")], [("sort", "-size,rank")], [("rank", "a"), ("sort", "since")], [("q", "quoted")]):
        short, long = both_ways(monkeypatch, alice, "contacts", columns, words)
        assert short == long and len(short[0].splitlines()) > 2, words
    assert b"'=1+1" in short[0] or b"'quoted" in short[0]
    assert list(files(alice, "contacts"))  # with what is computed among it


def test_who_sees_less_gets_less_both_ways(contacts, owner, bob, monkeypatch):
    assert len(next(files(bob, "contacts", ("name", "account"))).splitlines()) == 1  # none of them is his
    account = next(iter(registry.get("accounts").all().filter(name="-Minus & Co")))
    data = {"name": "Bob's", "account": None, "owner": str(bob.pk), "other": str(account.pk)}
    door.writing(lambda: write.create(owner, registry.get("contacts"), data))
    short, long = both_ways(monkeypatch, bob, "contacts", ("name", "other", "owner"))
    assert short == long and short[2].decode("utf-8-sig").splitlines()[1] == "Bob's,,Bob"


def test_names_are_looked_up_again_when_too_many_are_known(contacts, alice, monkeypatch):
    before = list(files(alice, "contacts", ("name", "account", "who")))
    monkeypatch.setattr(export, "KNOWN", 0)
    monkeypatch.setattr(export, "AT_ONCE", 5)
    assert list(files(alice, "contacts", ("name", "account", "who"))) == before


def test_a_file_goes_out_while_it_is_read_and_the_database_words_its_moments(contacts, alice, monkeypatch):
    asked, read_on = [], []
    monkeypatch.setattr(export, "AT_ONCE", 5)
    chunks = query.chunks

    def counted(*given):
        for rows in chunks(*given):
            read_on.append(len(rows))
            yield rows

    monkeypatch.setattr(query, "chunks", counted)
    with connection.execute_wrapper(lambda execute, sql, *rest: asked.append(sql) or execute(sql, *rest)):
        pieces = export.stream(alice, registry.get("contacts"), listings.listing(()), ("name", "created_at", "account"))
        assert next(pieces).startswith(export.BOM) and read_on == []
        assert next(pieces).count(b"\r\n") == 5 == sum(read_on)
        whole = sum(piece.count(b"\r\n") for piece in pieces) + 5
    assert whole == sum(read_on) >= 32
    assert [sql for sql in asked if "TO_CHAR" in sql and "TIMEZONE" in sql]
