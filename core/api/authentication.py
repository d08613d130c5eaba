"""Who asks: the holder of a key, or a signed-in user whose unsafe requests prove that they come from our own pages.

Who may do what is ``core.access``; nothing here looks at rights.
"""

from django.middleware.csrf import CsrfViewMiddleware
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from core import keys
from core.models import User


class Key(BaseAuthentication):
    """``Authorization: Bearer <key>``. A header that names no valid key is refused, whatever session comes with it."""

    def authenticate(self, request: Request) -> tuple[User, str] | None:
        given = request.META.get("HTTP_AUTHORIZATION", "")
        if not given:
            return None
        scheme, _space, key = given.partition(" ")
        user = keys.holder(key.strip()) if scheme.lower() == "bearer" else None
        if user is None:
            raise AuthenticationFailed(_("This is not a valid API key. Send “Authorization: Bearer” and a key of this company."))
        return user, f"key:{key.strip().split('_')[1]}"

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class _Csrf(CsrfViewMiddleware):
    def _reject(self, request, reason: str) -> str:
        return reason


class Session(BaseAuthentication):
    """The session of a page. Everything but reading needs the CSRF token in ``X-CSRFToken``."""

    def authenticate(self, request: Request) -> tuple[User, str] | None:
        plain = request._request
        user = getattr(plain, "user", None)
        if user is None:
            return None
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            check = _Csrf(lambda _request: None)
            check.process_request(plain)
            if check.process_view(plain, None, (), {}):
                raise PermissionDenied(_("The request does not prove that it comes from a page of this company: send the CSRF token."))
        return user, f"user:{user.pk}"

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
