"""Numbers of documents have no gap and no twin, whoever confirms at once and whatever is rolled back (M-06)."""

import os
import random

import pytest

from core import access, door, registry, write
from tests import people
from tests.core.racing import race

LONG = bool(os.environ.get("ODOS_LONG"))
THREADS, EACH = 8, 1250 if LONG else 10


class Abandoned(Exception):
    """The use-case fails after the number was given."""


@pytest.mark.usefixtures("company")
def test_eight_threads_with_rollbacks_leave_no_gap(alice):
    owner, orders = access.actor_for(alice), registry.get("orders")
    account = people.writing(lambda: write.create(owner, registry.get("accounts"), {"name": "A"}))
    order = {"account": str(account.pk), "lines": [{"quantity": "1", "unit_price": "1", "description": "x"}]}
    ids = [o.pk for _ in range(THREADS) for o in people.writing(lambda: write.create_many(owner, orders, [order] * EACH))]

    def confirm(seed: int) -> list[str]:
        draw, given = random.Random(seed), []
        for pk in ids[seed * EACH : (seed + 1) * EACH]:
            while True:

                def work(pk=pk):
                    number = write.act(owner, orders, pk, "confirm", {"date": f"{2024 + draw.randint(0, 1)}-06-01"}).number
                    if draw.random() < 0.2:
                        raise Abandoned
                    return number

                try:
                    given.append(door.writing(work))
                    break
                except Abandoned:
                    continue
        return given

    found = race(*[lambda seed=seed: confirm(seed) for seed in range(THREADS)])
    assert not [f for f in found if isinstance(f, Exception)], found
    numbers = [n for some in found for n in some]
    assert len(set(numbers)) == len(numbers) == THREADS * EACH
    for year in (2024, 2025):
        series = sorted(int(n.rpartition("-")[2]) for n in numbers if n.startswith(f"SO-{year}-"))
        assert series == list(range(1, len(series) + 1))
    for some in found:  # within one thread a later number is a later confirmation
        for year in (2024, 2025):
            mine = [n for n in some if n.startswith(f"SO-{year}-")]
            assert mine == sorted(mine)
