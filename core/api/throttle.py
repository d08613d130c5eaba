"""How many requests a second one key or one signed-in user may send. Counted in Valkey, by company; in this process where that is down."""

import threading
import time

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.throttling import BaseThrottle

from core import context

_local: dict[str, int] = {}
_guard = threading.Lock()


class Rate(BaseThrottle):
    """At most ``RATE_LIMIT`` requests in each second of the clock; 0 lifts it. Cost: two round trips to Valkey."""

    def allow_request(self, request, view) -> bool:
        if not settings.RATE_LIMIT:
            return True
        key = f"rate:{request.auth}:{int(time.time())}"
        return _count(key) <= settings.RATE_LIMIT

    def wait(self) -> float:
        return 1.0


def _count(key: str) -> int:
    """How often this key was counted, this time included."""
    try:
        cache.add(key, 0, 5)  # seconds; longer than the second it counts
        return cache.incr(key)
    except (RedisError, ValueError):
        return _count_here(f"{context.company().id}:{key}")


def _count_here(key: str) -> int:
    with _guard:
        if key not in _local and len(_local) > 1000:
            _local.clear()
        _local[key] = _local.get(key, 0) + 1
        return _local[key]
