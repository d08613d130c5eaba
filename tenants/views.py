"""The pages of the public site, and the one page of a company at which its new owner arrives.

What is stated there is checked in ``tenants.signup`` and made true in ``tenants.provision``.
"""

import json
from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

from csp.decorators import csp_update
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from core import attempts, cache, codes, context, packs, registry, sessions, write
from core.access import Actor
from core.errors import RuleError
from core.models import User
from tenants import directory, provision, verification
from tenants import signup as rules
from tenants.models import Company, SignInToken
from tenants.tasks import fill_stock

YEAR = 365 * 24 * 3600  # seconds
HOUR = 3600
THEMES = ("light", "dark", "auto")
PURPOSE = "welcome"


def _public(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """In the language of ``?lang=``, which is remembered; without it in the one the request is in already."""

    @wraps(view)
    def in_language(request: HttpRequest) -> HttpResponse:
        chosen = _interface_language(request.GET.get("lang", ""))
        with translation.override(chosen or translation.get_language()):
            response = view(request)
        if chosen:
            _remember(response, settings.LANGUAGE_COOKIE_NAME, chosen)
        return response

    return in_language


@require_safe
@_public
def home(request: HttpRequest) -> HttpResponse:
    return _page(request, "public/home.html", domain=directory.domain(), wrong=request.GET.get("wrong", ""))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@_public
def signup(request: HttpRequest) -> HttpResponse:
    """The form, and with POST the company: then straight on to its host, signed in by a one-use token."""
    if request.method != "POST":
        start = {"language": _listed_language(), **rules.guess(request.headers.get("Accept-Language", ""))}
        return _form(request, start, {})
    stated = {name: request.POST.get(name, "") for name in rules.FIELDS}
    try:
        rules.check(stated)
        # Who mistypes has signed up nothing yet, so only what was in order counts.
        if not cache.seldom_enough("signup", attempts.address(request), settings.SIGNUPS_PER_HOUR, HOUR):
            sentence = _("Too many companies were signed up from your network. Please try again in an hour.")
            return _form(request, stated, {"_": [sentence]}, status=429)
        origin = _origin(request, stated["subdomain"].strip().lower())
        pack = request.POST.get("pack", "")
        company = provision.create_company(**stated, fill=lambda owner: _fill(owner, origin, pack))
    except RuleError as error:
        return _form(request, stated, error.errors, status=422)
    transaction.on_commit(lambda: fill_stock.apply_async(retry=False), robust=True)  # who signed up does not suffer where no message is to be sent
    return HttpResponseRedirect(_welcome_address(request, company))


def _fill(owner: Actor, origin: str, pack: str) -> None:
    """What a new company starts with besides: the proof of its owner's address, and the pack that he chose."""
    verification.promise(owner, origin)
    if pack in packs.shipped():
        write.create(owner, registry.types["packs"], {"content": packs.shipped()[pack]})


@require_safe
@never_cache
@_public
def open_company(request: HttpRequest) -> HttpResponse:
    """To the company whose subdomain someone types. Whether there is one, its own address says."""
    subdomain = request.GET.get("subdomain", "").strip().lower()
    if not rules.SUBDOMAIN.match(subdomain):
        return HttpResponseRedirect("/?" + urlencode({"wrong": subdomain[:40] or "-"}) + "#open")
    return HttpResponseRedirect(f"{_origin(request, subdomain)}/")


@require_http_methods(["POST"])
@never_cache
def preferences(request: HttpRequest) -> HttpResponse:
    """Language and theme of someone who has no account here, kept in cookies; back to the page it was chosen on."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = "/"
    response = HttpResponseRedirect(back)
    language = _interface_language(request.POST.get("language", ""))
    if language:
        _remember(response, settings.LANGUAGE_COOKIE_NAME, language)
    if request.POST.get("theme") in THEMES:
        _remember(response, "theme", request.POST["theme"])
    return response


@require_http_methods(["GET"])
@never_cache
def welcome(request: HttpRequest) -> HttpResponse:
    """Signs in whoever brings a token of this company: the end of the sign-up's redirect, never a link that is sent anywhere.

    A GET that writes, for once: the token is worth one use, five minutes and one company, and nobody meets it but this browser.
    """
    company = context.company()
    with context.bind_public():
        user_id = SignInToken.redeem(PURPOSE, company.id, request.GET.get("token", ""))
    user = User.objects.filter(pk=user_id, archived_at=None).first() if user_id else None
    if user is None:
        return _page(request, "public/welcome.html", status=410, site=company.name)
    sessions.sign_in(request, user)
    return HttpResponseRedirect("/")


# What the pages are made of -----------------------------------------------------------------------------------------


def _form(request: HttpRequest, values: dict[str, str], errors: dict[str, list[str]], status: int = 200) -> HttpResponse:
    shown = {"fields": [*_fields(values, errors), _packs(request.POST.get("pack", ""))], "errors": errors.get("_", []), "failed": bool(errors)}
    response = _page(request, "public/signup.html", status=status, fits=json.dumps(rules.fits(), separators=(",", ":")), **shown)
    # The form's answer leads to the new company's host, and browsers hold a redirect to this rule of the form's page too.
    return csp_update({"form-action": [_origin(request, "*")]})(lambda request: response)(request)


def _fields(values: dict[str, str], errors: dict[str, list[str]]) -> list[dict]:
    """The form's controls in their order. A password is never sent back."""
    lists = {
        "country": codes.countries(), "currency": codes.currencies(), "language": codes.languages(),
        "timezone": {zone: zone.replace("_", " ") for zone in codes.time_zones()},
    }  # fmt: skip
    labels = {
        "email": _("Your e-mail address"), "user_name": _("Your name"), "name": _("Company"), "subdomain": _("Subdomain"),
        "password": _("Password"), "country": _("Country"), "currency": _("Currency"), "timezone": _("Time zone"),
        "language": _("Language"),
    }  # fmt: skip
    helps = {
        "subdomain": _("Your company's address will be %(example)s.") % {"example": directory.host_of(_("subdomain"))},
        "currency": _("Books are kept in this currency. It cannot be changed later."),
    }
    kinds = {"email": "email", "password": "password"}
    completes = {"email": "email", "user_name": "name", "name": "organization", "password": "new-password", "country": "country"}
    return [
        {
            "name": name, "label": label, "required": True, "kind": "choice" if name in lists else kinds.get(name, "text"),
            "value": "" if name == "password" else values.get(name, ""), "errors": errors.get(name, []), "help": helps.get(name, ""),
            "autocomplete": completes.get(name, "off"),
            "options": [{"value": v, "label": text, "selected": v == values.get(name)} for v, text in lists.get(name, {}).items()],
        }
        for name, label in labels.items()
    ]  # fmt: skip


def _packs(chosen: str) -> dict:
    """The choice of what a company starts with: nothing but the standard, or a pack for its trade."""
    offered = {"": _("The standard, to be shaped later"), **{key: packs.called(content) for key, content in packs.shipped().items()}}
    return {
        "name": "pack", "label": _("What your company does"), "kind": "choice", "blank": offered[""],
        "help": _("Adds what your trade needs. It can be changed and taken away later."),
        "options": [{"value": key, "label": label, "selected": key == chosen} for key, label in offered.items() if key],
    }  # fmt: skip


def _page(request: HttpRequest, template: str, status: int = 200, **values) -> HttpResponse:
    theme = request.COOKIES.get("theme")
    frame = {"lang": translation.get_language(), "theme": theme if theme in THEMES else "auto"}
    return render(request, template, {**frame, **values}, status=status)


def _welcome_address(request: HttpRequest, company: Company) -> str:
    with context.bind(company.frozen()):
        owner = User.objects.order_by("created_at", "pk").values_list("pk", flat=True).first()
    token = SignInToken.issue(PURPOSE, company.id, owner)
    return f"{_origin(request, company.subdomain)}/welcome/?{urlencode({'token': token})}"


def _origin(request: HttpRequest, subdomain: str) -> str:
    """Scheme, host and port of a company, as seen from the browser that made this request."""
    port = request.META["HTTP_HOST"].rpartition("]")[2].partition(":")[2]
    return f"{request.scheme}://{directory.host_of(subdomain)}{':' + port if port else ''}"


def _interface_language(text: str) -> str:
    """One of the interface's languages as the framework names it, or nothing."""
    return text.lower() if text.lower() in dict(settings.LANGUAGES) else ""


def _listed_language() -> str:
    """The reader's language as the closed list of languages names it."""
    return next(tag for tag in codes.languages() if tag.lower() == (translation.get_language() or "en").lower())


def _remember(response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=YEAR, secure=settings.HTTPS, httponly=False, samesite="Lax")
