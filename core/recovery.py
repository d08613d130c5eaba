"""The token that lets somebody choose a new password: signed, short-lived, good once, and in its own company alone (A-05, I-21).

Nothing of it is stored. It holds a digest of the present password's hash, so the first use ends it, as does any other change
of password or e-mail address.
"""

from uuid import UUID

from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac

from core import context
from core.models import User

SECONDS = 30 * 60


def _salt() -> str:
    return f"odos.new-password:{context.company().id}"


def _stamp(user: User) -> str:
    return salted_hmac(_salt(), f"{user.pk}\0{user.email}\0{user.password}", algorithm="sha256").hexdigest()


def issue(user: User) -> str:
    """A token for this user, good for half an hour."""
    return signing.dumps([str(user.pk), _stamp(user)], salt=_salt())


def holder(token: str) -> User | None:
    """The active user whom the token lets choose a password; None for any that is not good, or no longer. Cost: one query."""
    try:
        ident, stamp = signing.loads(token[:500], salt=_salt(), max_age=SECONDS)
        user = User.objects.filter(pk=UUID(ident), archived_at=None).first()
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return user if user is not None and constant_time_compare(stamp, _stamp(user)) else None
