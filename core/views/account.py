"""Coming in and going out: sign-in, sign-out, a forgotten password, language and theme. What is one's own lives in ``profile``.

No page here says whether an e-mail address is known. Attempts are braked by address and by e-mail (``core.attempts``).
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from core import access, attempts, door, jobs, recovery, sessions
from core.attempts import Brake
from core.errors import OdosError, RuleError
from core.models import User
from core.views import own, pages

MINUTES = int(timedelta(minutes=15).total_seconds())
YEAR = int(timedelta(days=365).total_seconds())
FAILED_FOR_ONE = Brake("sign-in", 8, MINUTES)  # an e-mail from one address
FAILED_FROM_ONE = Brake("sign-in-address", 80, MINUTES)  # any e-mail from one address
ASKED_FOR_ONE = Brake("new-password", 3, MINUTES)
ASKED_FROM_ONE = Brake("new-password-address", 30, MINUTES)
TRIED_TOKENS = Brake("new-password-token", 30, MINUTES)
THEMES = ("light", "dark", "auto")
LANGUAGES = {"en": "en", "zh-hans": "zh-Hans"}  # as the interface names them -> as a person's record does


def safe_next(wanted: str, otherwise: str = "/") -> str:
    """An address of this host, or ``otherwise``: nobody is led elsewhere by a link (W-07)."""
    if not wanted.startswith("/") or len(wanted) > 2000 or any(c in wanted for c in "\\\t\r\n\0") or wanted.startswith("//"):
        return otherwise
    return wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) else otherwise


def _bare(request: HttpRequest, template: str, values: dict[str, Any], status: int = 200) -> HttpResponse:
    """A page of somebody who is not signed in."""
    return pages.render(request, None, template, values, status)


# In and out ---------------------------------------------------------------------------------------------------------


@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """E-mail and password. Cost: two queries, and the time of one password hash whoever it is (A-04)."""
    wanted = safe_next(request.POST.get("next") or request.GET.get("next") or "/")
    if request.method in pages.SAFE:
        return HttpResponseRedirect(wanted) if request.user else _sign_in_form(request, wanted)
    if request.method != "POST":
        return HttpResponseNotAllowed([*pages.SAFE, "POST"])
    email, password = request.POST.get("email", "").strip().lower()[:200], request.POST.get("password", "")
    who = attempts.address(request)
    if not FAILED_FOR_ONE.free(email, who) or not FAILED_FROM_ONE.free(who):
        return _sign_in_form(request, wanted, email, _("There were too many attempts. Please try again in some minutes."), 429)
    user = sessions.authenticate(email, password) if 0 < len(password) <= 128 and "\0" not in password else None
    if user is None:
        FAILED_FOR_ONE.count(email, who)
        FAILED_FROM_ONE.count(who)
        wrong = _("This e-mail address and password do not belong together. Please check both.")
        return _sign_in_form(request, wanted, email, wrong, 422)
    FAILED_FOR_ONE.forget(email, who)
    sessions.sign_in(request, user)
    return HttpResponseRedirect(wanted)


def _sign_in_form(request: HttpRequest, wanted: str, email: str = "", error: str = "", status: int = 200) -> HttpResponse:
    fields = [
        own.control("email", "email", _("E-mail"), value=email, required=True, autocomplete="username"),
        own.control("password", "password", _("Password"), required=True, autocomplete="current-password"),
    ]
    return _bare(request, "pages/sign_in.html", {"fields": fields, "next": wanted, "error": error}, status)


@never_cache
def sign_out(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    sessions.sign_out(request)
    return HttpResponseRedirect("/sign-in/")


# A forgotten password -----------------------------------------------------------------------------------------------


@never_cache
def forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for a link by mail. The answer, and the work behind it, are the same whether the address is known or not."""
    if request.method in pages.SAFE:
        return _forgotten_form(request)
    if request.method != "POST":
        return HttpResponseNotAllowed([*pages.SAFE, "POST"])
    email = request.POST.get("email", "").strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        return _forgotten_form(request, email[:200], [_("Enter an e-mail address such as name@example.com.")], 422)
    who = attempts.address(request)
    if ASKED_FOR_ONE.free(email, who) and ASKED_FROM_ONE.free(who):
        ASKED_FOR_ONE.count(email, who)
        ASKED_FROM_ONE.count(who)
        payload = {"email": email, "origin": f"{request.scheme}://{request.get_host()}"}
        door.writing(lambda: jobs.promise("mail-new-password", payload, access.system("new password")))
    return _bare(request, "pages/password_asked.html", {"email": email})


def _forgotten_form(request: HttpRequest, email: str = "", errors: list[str] | None = None, status: int = 200) -> HttpResponse:
    field = own.control("email", "email", _("E-mail"), {"email": errors or []}, value=email, required=True, autocomplete="username")
    return _bare(request, "pages/password_forgotten.html", {"fields": [field]}, status)


@never_cache
def new_password(request: HttpRequest) -> HttpResponse:
    """The page behind the link. Looking at it uses nothing up; choosing a password ends the link and every session (A-05, A-07)."""
    token = request.POST.get("token") or request.GET.get("token") or ""
    if request.method not in (*pages.SAFE, "POST"):
        return HttpResponseNotAllowed([*pages.SAFE, "POST"])
    who = attempts.address(request)
    user = recovery.holder(token) if TRIED_TOKENS.free(who) else None
    if user is None:
        TRIED_TOKENS.count(who)
        return _bare(request, "pages/password_link_used.html", {}, 410)
    if request.method != "POST":
        return _new_password_form(request, token)
    password = request.POST.get("password", "")
    if password != request.POST.get("again", ""):
        return _new_password_form(request, token, {"again": [_("The two entries differ.")]})

    def choose() -> User | None:
        User.objects.select_for_update().filter(pk=user.pk).first()
        held = recovery.holder(token)  # once more under the lock: of two that hold the link, one chooses
        return None if held is None else own.change(held, {"password": password})

    try:
        changed = door.writing(choose)
    except RuleError as error:
        return _new_password_form(request, token, {"password": error.errors.get("password") or pages.sentences(error)})
    if changed is None:
        return _bare(request, "pages/password_link_used.html", {}, 410)
    sessions.sign_in(request, changed)
    return pages.done(request, "/", _("Your password is changed."))


def _new_password_form(request: HttpRequest, token: str, errors: dict[str, list[str]] | None = None) -> HttpResponse:
    return _bare(request, "pages/password_new.html", {"fields": own.new_password(errors or {}), "token": token}, 422 if errors else 200)


# Language and theme -------------------------------------------------------------------------------------------------


@never_cache
def preferences(request: HttpRequest) -> HttpResponse:
    """Language and theme: kept in cookies, the language of somebody signed in with the person. Back to the page it was chosen on."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    response = HttpResponseRedirect(safe_next(request.POST.get("next", "/")))
    language, theme = request.POST.get("language", "").lower(), request.POST.get("theme", "")
    if language in LANGUAGES:
        _remember(response, settings.LANGUAGE_COOKIE_NAME, language)
        if request.user and LANGUAGES[language] != request.user.language:
            try:
                door.writing(lambda: own.change(User.objects.get(pk=request.user.pk), {"language": LANGUAGES[language]}))
            except OdosError as error:
                return pages.refusal(request, error)
    if theme in THEMES:
        _remember(response, "theme", theme)
    return response


def _remember(response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=YEAR, secure=settings.HTTPS, httponly=True, samesite="Lax")


__all__ = ["forgotten", "new_password", "preferences", "safe_next", "sign_in", "sign_out"]
