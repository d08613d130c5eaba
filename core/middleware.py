"""What surrounds every request of a company or of the public site: its id, who is signed in, the language, the headers.

Nothing here opens a transaction (``core.door``) or decides who may do what (``core.access``).
"""

import random
import re

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.utils import translation
from django.utils.cache import patch_vary_headers

from core import attempts, context, sessions

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,40}", re.ASCII)
DJANGO_LANGUAGE = {"en": "en", "zh-Hans": "zh-hans"}


def _call(request) -> context.Call:
    given = request.headers.get("X-Request-Id", "")
    request_id = given if REQUEST_ID.fullmatch(given) else f"{random.getrandbits(128):032x}"  # a name for the log, no secret
    channel = "api" if request.path_info.startswith("/api/") else "page"
    origin = f"{request.scheme}://{request.get_host()}"
    return context.Call(request_id, attempts.address(request)[:60], channel, origin, request.headers.get("User-Agent", "")[:300])


class SignedInMiddleware:
    """Sets ``request.user``: the signed-in user of this company, or None. Cost: two queries where there is a session."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        bound = context.company_or_none()
        request.user = sessions.user_of(request) if bound else None
        call = _call(request)
        request.request_id = call.request_id
        with context.calling(call), translation.override(_language(request)):
            request.LANGUAGE_CODE = translation.get_language()
            response = self.get_response(request)
        response.headers["X-Request-Id"] = call.request_id
        return response


def _language(request) -> str:
    """The user's own language; else the one chosen on this browser; else the company's, or what the browser asks for."""
    user = request.user
    if user is not None and user.language in DJANGO_LANGUAGE:
        return DJANGO_LANGUAGE[user.language]
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
    if chosen in DJANGO_LANGUAGE.values():
        return chosen
    bound = context.company_or_none()
    return DJANGO_LANGUAGE.get(bound.language, "en") if bound else request.LANGUAGE_CODE


class LocaleMiddleware:
    """The language a browser asks for, until the signed-in user's is known."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        language = translation.get_language_from_request(request)
        with translation.override(language):
            request.LANGUAGE_CODE = translation.get_language()
            response = self.get_response(request)
        patch_vary_headers(response, ("Accept-Language",))
        return response


class PolicyMiddleware(CSPMiddleware):
    """The content security policy of every answer, worded once; anew only for a page that asks for one of its own."""

    def __init__(self, get_response):
        super().__init__(get_response)
        self.usual = build_policy()

    def process_response(self, request, response):
        if request.__dict__.get("_csp_nonce") or any(name.startswith("_csp") for name in response.__dict__):
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, self.usual)
        return response


class HeadersMiddleware:
    """Headers of every answer: no sniffing, no foreign frames or openers, nothing of a signed-in person kept by a cache."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("X-Frame-Options", settings.X_FRAME_OPTIONS)
        response.headers["Referrer-Policy"] = settings.SECURE_REFERRER_POLICY
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers.setdefault("Cache-Control", "no-store")
        patch_vary_headers(response, ("Cookie",))
        return response
