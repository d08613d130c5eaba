"""One's own profile: name, language, password, API keys. What an administrator does to people is the page of users.

Everybody may change these of himself, whatever his roles say; nothing else of a person is reached from here.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import check_password
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from core import access, attempts, codes, context, figures, keys, registry, sessions, trail, write
from core.access import Actor, Permission
from core.attempts import Brake
from core.errors import OdosError, RuleError
from core.models import ApiKey, User
from core.views import pages

MINE = Permission("users", frozenset({"view", "change"}), "own")
FIELDS = frozenset({"name", "language", "password"})
TRIED_PASSWORDS = Brake("own-password", 8, 15 * 60)
MOST_KEYS = 20
NOTHING: Mapping[str, list[str]] = {}


def change(user: User, data: dict[str, Any]) -> User:
    """Change one's own record, in the caller's transaction. ``data`` names fields of FIELDS alone. Errors: those of ``core.write``."""
    if not data.keys() <= FIELDS:
        raise RuleError(_("Only your name, language and password are changed here."))
    actor = replace(access.actor_for(user), permissions=(MINE,))
    return write.change(actor, registry.types["users"], user.pk, data, user.version)


def show(request: HttpRequest, actor: Actor, error: OdosError | None = None, issued: str = "") -> HttpResponse:
    """Cost: one query for the keys."""
    user, refused = request.user, error.errors if isinstance(error, RuleError) else {}
    typed = request.POST if error and request.POST.get("do") == "about" else {}
    values = {
        "about": [
            control("name", "text", pgettext("person", "Name"), refused, required=True, autocomplete="name", value=typed.get("name", user.name)),
            control("email", "email", _("E-mail"), value=user.email, readonly=True, help=_("Whoever manages the users can change it.")),
            control("language", "choice", _("Language"), refused, options=_languages(typed.get("language", user.language))),
        ],
        "password": [
            control("present", "password", _("Current password"), refused, required=True, autocomplete="current-password"),
            *new_password(refused),
        ],
        "keys": _keys(user), "issued": issued, "errors": pages.sentences(error) if error else [],
        "failed": request.POST.get("do", "") if error else "",
    }  # fmt: skip
    return pages.render(request, actor, "pages/profile.html", values)


def control(name: str, kind: str, label: str, refused: Mapping[str, list[str]] = NOTHING, **more: Any) -> dict[str, Any]:
    """A control as parts/field.html reads it, with what was refused of it."""
    return {"name": name, "kind": kind, "label": label, "errors": refused.get(name, []), **more}


def new_password(refused: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    """The two controls of a new password."""
    hint = _("At least ten characters; a few words make a good one.")
    return [
        control("password", "password", _("New password"), refused, required=True, autocomplete="new-password", help=hint),
        control("again", "password", _("The new password again"), refused, required=True, autocomplete="new-password"),
    ]


def _languages(chosen: str) -> list[dict[str, Any]]:
    return [{"value": tag, "label": name, "selected": tag == chosen} for tag, name in codes.languages().items()]


def _keys(user: User) -> list[dict[str, str]]:
    held = ApiKey.objects.filter(user=user, revoked_at=None).order_by("-created_at")
    zone = context.company().zone
    return [{"id": str(k.pk), "prefix": f"ok_{k.prefix}_…", "made": figures.day(k.created_at.astimezone(zone).date())} for k in held]


def save(request: HttpRequest, actor: Actor) -> HttpResponse:
    """One of the page's forms, named by its field ``do``."""
    deed = DEEDS.get(request.POST.get("do", ""))
    if deed is None:
        raise RuleError(_("This form is not known. Please load the page again."))
    return deed(request, actor)


def _fresh(request: HttpRequest) -> User:
    """The signed-in person's row, locked, as it is now. Cost: one query."""
    return User.objects.select_for_update(of=("self",)).get(pk=request.user.pk)


def _about(request: HttpRequest, actor: Actor) -> HttpResponse:
    change(_fresh(request), {"name": request.POST.get("name", ""), "language": request.POST.get("language", "")})
    return pages.done(request, "/me/", _("Your profile is saved."))


def _password(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Asks for the present one. Every other session of the person ends, since the stamp in it no longer fits; this one goes on."""
    user, given = _fresh(request), request.POST
    who = attempts.address(request)
    if not TRIED_PASSWORDS.free(str(user.pk), who):
        raise RuleError({"present": [_("There were too many attempts. Please try again in some minutes.")]})
    present = given.get("present", "")
    if not 0 < len(present) <= 128 or not check_password(present, user.password):
        TRIED_PASSWORDS.count(str(user.pk), who)
        raise RuleError({"present": [_("This is not your current password.")]})
    if given.get("password", "") != given.get("again", ""):
        raise RuleError({"again": [_("The two entries differ.")]})
    if not given.get("password"):
        raise RuleError({"password": [_("This field is required.")]})
    changed = change(user, {"password": given["password"]})
    sessions.sign_in(request, changed)
    return pages.done(request, "/me/", _("Your password is changed. You are signed out everywhere else."))


def _make_key(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A new key, shown in this answer and never again."""
    user = _fresh(request)
    if ApiKey.objects.filter(user=user, revoked_at=None).count() >= MOST_KEYS:
        raise RuleError(_("You have %(most)d keys. Please revoke one that is no longer used.") % {"most": MOST_KEYS})
    key = keys.issue(user)
    _note(actor, user, "make-key", key.split("_")[1])
    return show(request, actor, issued=key)


def _revoke_key(request: HttpRequest, actor: Actor) -> HttpResponse:
    user = _fresh(request)
    try:
        prefix = keys.end(user, UUID(request.POST.get("key", "")))
    except ValueError:
        prefix = ""
    if not prefix:
        raise RuleError(_("This key is revoked already."))
    _note(actor, user, "revoke-key", prefix)
    return pages.done(request, "/me/", _("The key is revoked and no longer works."))


def _note(actor: Actor, user: User, act: str, prefix: str) -> None:
    trail.note([trail.entry(actor, registry.types["users"], user, act, {"api_key": [None, prefix]})])


DEEDS: dict[str, Callable[[HttpRequest, Actor], HttpResponse]] = {
    "about": _about, "password": _password, "make-key": _make_key, "revoke-key": _revoke_key,
}  # fmt: skip
profile = pages.page(show, save)
