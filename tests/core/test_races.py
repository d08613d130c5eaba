"""Several people at the same thing at the same moment: one wins, nobody loses anything silently, no deadlock reaches anybody (C-02, C-05, C-06)."""

import os
import random
from collections import Counter
from decimal import Decimal

import pytest

from core import access, door, registry, write
from core.errors import OdosError, RuleError, Stale, WrongState
from core.models import Fact, TrailEntry, User
from tests import people
from tests.core.racing import race

LONG = bool(os.environ.get("ODOS_LONG"))
THREADS = 8


@pytest.fixture(scope="module")
def owner(alice):
    return access.actor_for(alice)


@pytest.fixture(scope="module")
def goods(owner):
    product = people.writing(lambda: write.create(owner, registry.get("products"), {"sku": "R", "name": "R", "unit_price": "10"}))
    account = people.writing(lambda: write.create(owner, registry.get("accounts"), {"name": "Race"}))
    return str(product.pk), str(account.pk)


def new_order(owner, goods):
    product, account = goods
    lines = [{"product": product, "quantity": "2"}, {"product": product, "quantity": "1"}]
    return people.writing(lambda: write.create(owner, registry.get("orders"), {"account": account, "lines": lines}))


def test_of_eight_confirmations_one_succeeds(owner, goods):
    for _ in range(1000 if LONG else 6):
        order = new_order(owner, goods)
        found = race(
            *[lambda pk=order.pk: door.writing(lambda: write.act(owner, registry.get("orders"), pk, "confirm", {"date": "2026-01-05"}))] * THREADS
        )
        assert sum(not isinstance(f, Exception) for f in found) == 1, found
        assert all(isinstance(f, WrongState) for f in found if isinstance(f, Exception)), found
        assert sum(f.value for f in Fact.objects.filter(source_id=order.pk, measure="ordered")) == Decimal(30)
        assert TrailEntry.objects.filter(about_id=order.pk, act="confirm").count() == 1


def test_no_update_is_lost_silently(owner):
    """Of two who change the same version one is told so, and the record holds what the other wrote."""
    accounts = registry.get("accounts")
    account = people.writing(lambda: write.create(owner, accounts, {"name": "Both"}))
    draw = random.Random(5)
    for i in range(1000 if LONG else 25):
        version = accounts.model.objects.get(pk=account.pk).version
        works = []
        for editor in range(2):
            data = {draw.choice(["city", "region", "street"]): f"{i}-{editor}"}
            works.append((data, lambda data=data, version=version: door.writing(lambda: write.change(owner, accounts, account.pk, data, version))))
        found = race(*(work for _data, work in works))
        won = [data for (data, _work), f in zip(works, found, strict=True) if not isinstance(f, Exception)]
        assert len(won) == 1, found
        assert all(isinstance(f, Stale) for f in found if isinstance(f, Exception))
        now = accounts.model.objects.get(pk=account.pk)
        assert now.version == version + 1
        ((name, value),) = won[0].items()
        assert getattr(now, name) == value


@pytest.mark.parametrize("column", ["email", "own"])
def test_of_equal_values_that_must_differ_one_is_stored(owner, column):
    if column == "own":
        field = {"type": "contacts", "key": "badge", "kind": "text", "label": "Badge", "unique": True}
        people.writing(lambda: write.create(owner, registry.get("custom-fields"), field))
    for i in range(50 if LONG else 5):
        if column == "email":
            slug, data, name = "users", {"name": "Twin", "email": f"Twin{i}@example.com"}, "email"
        else:
            slug, data, name = "contacts", {"name": "Twin", "badge": f"B{i}"}, "badge"
        found = race(*[lambda slug=slug, data=data: door.writing(lambda: write.create(owner, registry.get(slug), data))] * 6)
        assert sum(not isinstance(f, Exception) for f in found) == 1, found
        assert all(isinstance(f, RuleError) and set(f.errors) == {name} for f in found if isinstance(f, Exception)), found
    assert User.objects.filter(email="twin0@example.com").count() == (
        1 if column == "email" else User.objects.filter(email="twin0@example.com").count()
    )


def test_equal_values_in_one_batch_are_named_by_row(owner):
    with pytest.raises(RuleError) as refused:
        people.writing(lambda: write.create_many(owner, registry.get("products"), [{"sku": s, "name": "x"} for s in ("S1", "S2", "S1")]))
    assert set(refused.value.errors) == {"2.sku"}


def test_mixed_load_surfaces_no_deadlock(owner, goods):
    """Writers take the same few rows in every order, whole and in batches; whatever PostgreSQL asks to repeat is repeated (C-06)."""
    orders, accounts = registry.get("orders"), registry.get("accounts")
    drafts = [new_order(owner, goods).pk for _ in range(4)]
    some = [people.writing(lambda i=i: write.create(owner, accounts, {"name": f"Mixed {i}"})).pk for i in range(4)]

    def one(seed: int):
        draw, errors = random.Random(seed), Counter()

        def two_accounts():
            for pk in draw.sample(some, 3):
                write.change(owner, accounts, pk, {"city": str(draw.random())}, accounts.model.objects.get(pk=pk).version)

        def order_and_account():
            for _ in range(2):
                pk = draw.choice(drafts)
                write.change(owner, orders, pk, {"external_number": str(draw.random())}, orders.model.objects.get(pk=pk).version)
                pk = draw.choice(some)
                write.change(owner, accounts, pk, {"region": str(draw.random())}, accounts.model.objects.get(pk=pk).version)

        for _ in range(400 if LONG else 12):
            try:
                door.writing(draw.choice([two_accounts, order_and_account]))
                errors["done"] += 1
            except OdosError as error:
                errors[type(error).__name__] += 1
        return errors

    found = race(*[lambda seed=seed: one(seed) for seed in range(3)])
    assert not [f for f in found if isinstance(f, Exception)], found
    assert sum(f["done"] for f in found) > 6
    assert set().union(*found) <= {"done", "Stale", "WrongState"}


def test_a_line_is_never_half_written(owner, goods):
    """Amendments race: the order's lines, its totals, its revisions and its facts tell the same story afterwards."""
    orders = registry.get("orders")
    order = new_order(owner, goods)
    people.writing(lambda: write.act(owner, orders, order.pk, "confirm", {"date": "2026-01-05"}))

    def amend(quantity: int):
        return door.writing(
            lambda: write.act(owner, orders, order.pk, "amend", {"lines": [{"product": goods[0], "quantity": str(quantity)}], "date": "2026-02-01"})
        )

    found = race(*[lambda q=q: amend(q) for q in range(1, 7)])
    assert not [f for f in found if isinstance(f, Exception)], found
    now = orders.model.objects.get(pk=order.pk)
    (line,) = now.lines.all()
    assert now.revision == 7 == now.revisions.count()
    assert now.net == line.net == line.quantity * 10 == sum(f.value for f in Fact.objects.filter(source_id=order.pk, measure="ordered"))
