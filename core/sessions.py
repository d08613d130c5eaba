"""Signing in and out. A session is a row in the company's schema that also names the company, so a cookie means nothing elsewhere (I-15)."""

import hmac
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.middleware.csrf import rotate_token
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from core import context, prepared
from core.models import User
from core.models.record import permit

USER, COMPANY, STAMP = "user", "company", "stamp"
ACTIVE = prepared.Prepared(lambda user: User.objects.filter(pk=user, archived_at=None), UUID(int=0))
HELD = prepared.Prepared(lambda key: Session.objects.filter(session_key=key), "key")


class SessionStore(db.SessionStore):
    """Django's own, whose one query of every page is put into words once."""

    def _get_session_from_db(self) -> Session | None:
        found = next(iter(HELD.records(self.session_key)), None)
        if found is None or found.expire_date <= timezone.now():
            self._session_key = None
            return None
        return found


def authenticate(email: str, password: str) -> User | None:
    """The active user with this e-mail and password. Takes as long for an unknown e-mail (A-04). Cost: one query."""
    user = User.objects.filter(email=email.strip().lower(), archived_at=None).first() if "\x00" not in email else None
    if user is None or not user.password:
        make_password(password)
        return None

    def upgrade(raw: str) -> None:
        user.password = make_password(raw)
        with permit():
            User.objects.filter(pk=user.pk).update(password=user.password)

    return user if check_password(password, user.password, upgrade) else None


def sign_in(request: HttpRequest, user: User) -> None:
    """Start a session under a new id (A-06)."""
    request.session.flush()
    request.session[COMPANY] = str(context.company().id)
    request.session[USER] = str(user.pk)
    request.session[STAMP] = user.get_session_auth_hash()
    rotate_token(request)  # what a page asked for before stays useless after
    request.user = user


def sign_out(request: HttpRequest) -> None:
    request.session.flush()
    request.user = None


def user_of(request: HttpRequest) -> User | None:
    """Who is signed in here: an active user whose password is still the one of the sign-in (A-07). Cost: two queries."""
    session = request.session
    if not session.get(USER) or not constant_time_compare(session.get(COMPANY, ""), str(context.company().id)):
        return None
    user = next(iter(ACTIVE.records(UUID(session[USER]))), None)
    if user is None or not hmac.compare_digest(session.get(STAMP, ""), user.get_session_auth_hash()):
        return None
    return user
