"""The transaction around a request or a job, and nothing else.

GET and HEAD read one snapshot that cannot be written to. Everything else runs READ COMMITTED, whole, and is repeated up
to three times where PostgreSQL asks for it; who then still meets others is told so (C-06). An error of any kind rolls back all of it (Z-04).
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import OperationalError, transaction
from django.utils.translation import gettext as _

from core import context, edition, sql
from core.errors import WrongState

T = TypeVar("T")
AGAIN = ("40001", "40P01", "55P03")  # serialization failure, deadlock, a lock waited for too long
TRIES = 4  # the first, and three more


@contextmanager
def snapshot() -> Iterator[None]:
    """The snapshot alone, for what goes on after its caller has its answer: a file that is sent in pieces."""
    with sql.snapshot() as told, context.remembering():
        edition.enter(told)
        yield


def reading(work: Callable[[], T]) -> T:
    """Do the work in one consistent, read-only snapshot."""
    with snapshot():
        return work()


def writing(work: Callable[[], T], begun: edition.Begun = None) -> T:
    """Do the whole work in one transaction; ``work`` may run up to four times and so keeps its effects in the database.

    ``begun`` is the edition by which it was found just now who asks (``edition.begun``).
    """
    for attempt in range(1, TRIES + 1):
        try:
            with transaction.atomic(durable=True), context.remembering():
                edition.go_on(begun if attempt == 1 else None)
                done = work()
                edition.publish()
                return done
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) not in AGAIN:
                raise
            if attempt == TRIES:
                raise WrongState(_("Others are changing the same records at this moment. Try again.")) from error
            time.sleep(random.uniform(0.02, 0.1) * 2**attempt)
    raise AssertionError("unreachable")
