"""Keys of the shared cache, and a count of how often something happened. What is cached, and for how long, its caller decides.

Every key carries the bound company's id, so that no two companies ever meet in one entry (I-10, I-25).
"""

import logging

from django.core.cache import cache
from redis.exceptions import RedisError

from core import context

log = logging.getLogger("odos.cache")


def make_key(key: str, key_prefix: str, version: int) -> str:
    """``t:<company's id>:...`` for a company, ``g:...`` for the public site; raises Unbound where neither is bound."""
    company = context.company_or_none()
    if company is not None:
        return f"t:{company.id}:{version}:{key}"
    if context.public_is_bound():
        return f"g:{version}:{key}"
    raise context.Unbound("The cache is used outside of a company and of the public site.")


def seldom_enough(what: str, who: str, most: int, seconds: int) -> bool:
    """True while ``who`` did ``what`` at most ``most`` times in the present window of ``seconds``; this time counts.

    0 as ``most`` means no limit. Where the cache does not answer, nobody is kept out. Cost: two round trips.
    """
    if not most:
        return True
    key = f"often:{what}:{who}"
    try:
        cache.add(key, 0, seconds)
        return cache.incr(key) <= most
    except ValueError:  # it ran out between the two
        return True
    except RedisError:
        log.warning("The cache does not answer: %s is not limited for now.", what)
        return True
