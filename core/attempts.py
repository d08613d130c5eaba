"""How often somebody failed, or asked, in the last minutes: the brake on guessing passwords. Decides nothing about who is let in.

Counts live in the shared cache, keyed by company. Where the cache does not answer, this process counts for itself, so that
people still get in and guessing stays slow.
"""

import hashlib
import logging
import threading
import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from redis.exceptions import RedisError

from core import context

log = logging.getLogger("odos.attempts")
KEPT = 10_000  # counters a process keeps for itself at most


@dataclass(frozen=True)
class Brake:
    """At most ``most`` times of ``what`` in ``seconds``, for each ``who`` that is asked about."""

    what: str
    most: int
    seconds: int

    def free(self, *who: str) -> bool:
        """Whether one more is all right; counts nothing. Cost: one round trip."""
        key = self._key(who)
        try:
            return int(cache.get(key, 0)) < self.most
        except RedisError:
            return _local.count(_scoped(key)) < self.most

    def count(self, *who: str) -> None:
        """One more happened. Cost: two round trips."""
        key = self._key(who)
        try:
            cache.add(key, 0, self.seconds)
            cache.incr(key)
        except ValueError:  # it ran out between the two
            return
        except RedisError:
            log.warning("The cache does not answer: this process counts %s for itself.", self.what)
            _local.add(_scoped(key), self.seconds)

    def forget(self, *who: str) -> None:
        key = self._key(who)
        _local.drop(_scoped(key))
        try:
            cache.delete(key)
        except RedisError:
            return

    def _key(self, who: tuple[str, ...]) -> str:
        """No address of a person stands in the cache, and none is too long for it."""
        return f"attempts:{self.what}:{hashlib.sha256(chr(0).join(who).encode(errors='replace')).hexdigest()}"


def _scoped(key: str) -> str:
    return f"{context.company().id}:{key}"


class _Local:
    """The counts of one process, for the time the cache is away."""

    def __init__(self):
        self._counts: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def count(self, key: str) -> int:
        with self._lock:
            number, until = self._counts.get(key, (0, 0.0))
            return number if until > time.monotonic() else 0

    def add(self, key: str, seconds: int) -> None:
        now = time.monotonic()
        with self._lock:
            if len(self._counts) >= KEPT:
                self._counts = {k: held for k, held in self._counts.items() if held[1] > now}
            number, until = self._counts.get(key, (0, 0.0))
            if len(self._counts) < KEPT or key in self._counts:
                self._counts[key] = (number + 1, until) if until > now else (1, now + seconds)

    def drop(self, key: str) -> None:
        with self._lock:
            self._counts.pop(key, None)


_local = _Local()


def address(request: HttpRequest) -> str:
    """Who asks: the peer, or behind the HTTPS proxy whom that one names last."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.HTTPS else ""
    return forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")


__all__ = ["Brake", "address"]
