"""API keys: made once, shown once, stored as a digest. A key acts with its user's present rights (A-12)."""

import hashlib
import hmac
import secrets
from uuid import UUID

from django.db import connection
from django.utils import timezone

from core import edition, prepared
from core.errors import Missing
from core.models import ApiKey, User
from core.models.record import permit

ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def issue(user: User) -> str:
    """A new key of this user, ``ok_<8>_<43>``; nobody can read it again."""
    prefix = "".join(secrets.choice(ALPHABET) for _ in range(8))
    key = f"ok_{prefix}_{secrets.token_urlsafe(32)}"
    with permit():
        ApiKey(user=user, prefix=prefix, digest=_digest(key)).save(force_insert=True)
    return key


COLUMNS = [f.attname for f in User._meta.concrete_fields]
HOLDER = prepared.Prepared(lambda prefix: ApiKey.objects.filter(prefix=prefix, revoked_at=None).values_list("digest", *(f"user__{n}" for n in COLUMNS)), "mark")


def holder(key: str) -> User | None:
    """The active user whose key this is. Cost: one query for each edition of the set-up; for what is no key, each time."""
    parts = key.split("_", 2)
    if len(parts) != 3 or parts[0] != "ok" or not key.isascii() or len(key) > 100 or "\x00" in key:
        return None
    try:
        digest, *columns = edition.keep(("key", parts[1]), lambda: _held(parts[1]))
    except Missing:
        return None
    user = User.from_db(connection.alias, COLUMNS, columns)
    return user if hmac.compare_digest(digest, _digest(key)) and user.is_active else None


def _held(prefix: str) -> tuple:
    """The digest of a key and the columns of its user. Errors: Missing, so that nothing is kept of what is tried."""
    found = HOLDER.rows(prefix)
    if not found:
        raise Missing
    return found[0]


def revoke(user: User) -> int:
    """End every key of this user; returns how many."""
    with permit():
        return ApiKey.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())


def end(user: User, key_id: UUID) -> str:
    """End one key of this user; returns its prefix, nothing where it is not his or has ended already."""
    found = ApiKey.objects.filter(user=user, pk=key_id, revoked_at=None).first()
    if found is None:
        return ""
    with permit():
        ApiKey.objects.filter(pk=found.pk).update(revoked_at=timezone.now())
    return found.prefix
