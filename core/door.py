"""The transaction around a request or a job, and nothing else.

GET and HEAD read one snapshot that cannot be written to. Everything else runs READ COMMITTED, whole, and again up to
three times where PostgreSQL asks for it (C-06). An error of any kind rolls back all of it (Z-04).
"""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, transaction

from core import context, sql

T = TypeVar("T")
AGAIN = ("40001", "40P01")  # serialization failure, deadlock
TRIES = 3


def reading(work: Callable[[], T]) -> T:
    """Do the work in one consistent, read-only snapshot."""
    with sql.snapshot(), context.remembering():
        return work()


def writing(work: Callable[[], T]) -> T:
    """Do the whole work in one transaction; ``work`` may run up to three times and so keeps its effects in the database."""
    for attempt in range(1, TRIES + 1):
        try:
            with transaction.atomic(durable=True), context.remembering():
                return work()
        except OperationalError as error:
            if attempt == TRIES or getattr(error.__cause__, "sqlstate", None) not in AGAIN:
                raise
            time.sleep(random.uniform(0.01, 0.05) * attempt)
    raise AssertionError("unreachable")
