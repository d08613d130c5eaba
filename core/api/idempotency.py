"""A POST that is sent again gets the answer of the first time: one row a key, written in the transaction of the effect (C-01).

The row and the effect stand or fall together, so a key never remembers what did not happen; refusals are not kept.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from core.access import Actor
from core.errors import RuleError, WrongState
from core.models import IdempotencyKey
from core.models.record import permit

KEPT = timedelta(hours=24)
SWEPT = 20  # expired rows that each new one takes with it, so that the table never grows beyond a day
PRINTABLE = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,198}[\x21-\x7e])?", re.ASCII)


@dataclass(frozen=True)
class Reply:
    """An answer before it is HTTP: what is kept of it, and what is sent."""

    status: int
    body: str
    headers: dict[str, str]


def once(actor: Actor, route: str, key: str | None, raw: bytes, work: Callable[[], Reply]) -> Reply:
    """Do the work, or give the answer it had when this key came first. Runs inside the writing door.

    A second request with the key waits for the first one; where that takes too long it is refused (409). Another body
    under the same key is a RuleError. Cost: six statements, none without a key.
    """
    if key is None:
        return work()
    if not PRINTABLE.fullmatch(key):
        raise RuleError({"Idempotency-Key": [_("A key has 1 to 200 printable characters.")]})
    mark = {"user": actor.id, "route": route[:200], "key": key}
    digest = hashlib.sha256(raw).hexdigest()
    _sweep()
    if not _begin(mark, digest):
        return _earlier(mark, digest)
    reply = work()
    with permit():
        IdempotencyKey.objects.filter(**mark).update(status=reply.status, response=reply.body, headers=reply.headers)
    return reply


def _begin(mark: dict, digest: str) -> bool:
    """Whether this request is the first with the key within a day; waits for another one that runs."""
    expired = IdempotencyKey.objects.filter(**mark, created_at__lt=timezone.now() - KEPT)
    with permit():
        expired.delete()
        IdempotencyKey.objects.bulk_create([IdempotencyKey(**mark, body_hash=digest)], ignore_conflicts=True)
    # Another request's row is committed, hence complete; ours, written in this transaction, has no status yet.
    return IdempotencyKey.objects.filter(**mark, status=None).exists()


def _earlier(mark: dict, digest: str) -> Reply:
    held = IdempotencyKey.objects.filter(**mark).first()
    if held is None:
        raise WrongState(_("A request with this Idempotency-Key is still running. Try again."))
    if held.body_hash != digest:
        raise RuleError({"Idempotency-Key": [_("This key came with another body before; use a new one.")]})
    return Reply(held.status, held.response, held.headers)


def _sweep() -> None:
    """Remove what is older than a day, from the oldest on; rows that others are removing are left to them. Cost: one query, mostly."""
    oldest, limit = IdempotencyKey.objects.order_by("pk"), timezone.now() - KEPT
    if (oldest.values_list("created_at", flat=True).first() or limit) >= limit:
        return
    expired = [pk for pk, at in oldest.select_for_update(skip_locked=True).values_list("pk", "created_at")[:SWEPT] if at < limit]
    with permit():
        IdempotencyKey.objects.filter(pk__in=expired).delete()
