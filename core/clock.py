"""What time it is for those who write: now, or the moment in the past that a history being told has come to. Imports nothing of Odos."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.utils import timezone

_told: ContextVar[datetime | None] = ContextVar("odos_clock", default=None)


def now() -> datetime:
    return _told.get() or timezone.now()


def told() -> datetime | None:
    """The moment a history has come to; None where it is simply now."""
    return _told.get()


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """What is written inside the block is written as of this moment: records, trail and facts say so. For loads of the past alone."""
    token = _told.set(moment)
    try:
        yield
    finally:
        _told.reset(token)
