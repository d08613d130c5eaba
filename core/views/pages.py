"""What every page shares: who is signed in, the door around it, the shell's context, and what a refusal looks like.

A page is a function that shows and, where something can be sent, one that saves. Neither opens a transaction nor catches
an error of the engine: ``page`` does both, so that all pages do it alike.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from zlib import crc32

from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from core import access, context, doctor, door, edition, mail, own_fields, query, registry
from core.access import Actor
from core.errors import Denied, Missing, OdosError, RuleError, Stale, Unparsable, VersionRequired, WrongState
from core.models import User
from core.registry import SETTINGS, ObjectType
from core.views.tags import Marked


@dataclass(frozen=True)
class Desk:
    """A page of its own on which a record of a type of set-up is worked or looked at; ``address`` takes the record as ``row``."""

    label: Any
    icon: str
    address: str


class Again(OdosError):
    """A form asks to be shown again as it stands, with a row more or less: nothing was refused and nothing is saved."""


SAFE = ("GET", "HEAD")
THEMES = ("light", "dark")
STATUS = {Missing: 404, Denied: 403, RuleError: 422, Unparsable: 400, Stale: 412, VersionRequired: 428, WrongState: 409}
TOASTS = "toasts"
HUES = 6
CHANGES = "/settings/changes/"
PACKS = "/settings/packs/"
SHAPED_AT = {"custom-objects": "/settings/objects/", "targets": "/targets/sheet/"}  # types of set-up with pages of their own: there the menu leads
OPEN = gettext_lazy("Open")
DESKS = {
    "roles": Desk(gettext_lazy("Rights"), "shield-check", "/settings/roles/{row.pk}/"), "packs": Desk(OPEN, "package", "/settings/packs/{row.pk}/"),
    "dashboards": Desk(OPEN, "layout-dashboard", "/?board={row.pk}"), "custom-objects": Desk(OPEN, "box", "/settings/objects/{row.pk}/"),
    "saved-views": Desk(OPEN, "bookmark", "/{row.type}/?view={row.pk}"),
}  # fmt: skip
VERIFICATION = "/settings/verification/"
BY_FIRST_WORD = ("list", "record", "record-act")  # addresses that match any words, whether or not something is there


def page(
    show: Callable[..., HttpResponseBase], save: Callable[..., HttpResponse] | None = None, keep: Callable[[HttpRequest, Actor], None] | None = None
) -> Callable[..., HttpResponseBase]:  # fmt: skip
    """A page for signed-in people. Use as a decorator for one that only shows, or call it with both functions.

    ``show(request, actor, **names)`` answers GET and HEAD in one read-only snapshot. ``save(request, actor, **names)`` answers
    POST in one transaction and returns a redirect; where it raises a refusal, all of it is rolled back and
    ``show(request, actor, error=..., **names)`` shows the page again in a snapshot of its own, with what was typed in
    ``request.POST`` and the refusal's status. Missing and Denied become their own pages wherever they come from.
    ``keep(request, actor)`` then first stores, in a transaction of its own, what no browser sends twice: the files that were chosen.
    """

    @wraps(show)
    def view(request: HttpRequest, **names: Any) -> HttpResponseBase:
        if request.user is None:
            return _to_sign_in(request)
        if request.method in SAFE:
            return _refusing(request, lambda: door.reading(lambda: show(request, access.actor_for(request.user), **names)))
        if request.method != "POST" or save is None:
            return HttpResponseNotAllowed([*SAFE, "POST"] if save else SAFE)
        try:
            return _worded(lambda: door.writing(lambda: save(request, access.actor_for(request.user), **names)))
        except (Missing, Denied) as error:
            return refusal(request, error)
        except OdosError as error:
            refused = error
        if keep is not None and request.FILES:
            with suppress(RuleError):  # one that cannot be kept is what was refused
                door.writing(lambda: keep(request, access.actor_for(request.user)))
        return _refusing(request, lambda: _again(request, show, refused, names))

    return view


def deed(save: Callable[..., HttpResponse]) -> Callable[..., HttpResponseBase]:
    """An address that only takes POSTs from signed-in people; a refusal is a page that says so."""

    @wraps(save)
    def view(request: HttpRequest, **names: Any) -> HttpResponseBase:
        if request.user is None:
            return _to_sign_in(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return _refusing(request, lambda: door.writing(lambda: save(request, access.actor_for(request.user), **names)))

    return view


def _again(request: HttpRequest, show: Callable, error: OdosError, names: dict) -> HttpResponseBase:
    response = door.reading(lambda: show(request, access.actor_for(request.user), error=error, **names))
    if response.status_code == 200 and not isinstance(error, Again):
        response.status_code = status_of(error)
    return response


def _refusing(request: HttpRequest, work: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    try:
        return _worded(work)
    except OdosError as error:
        return refusal(request, error)


def _worded(work: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """Do the work; what the database alone could refuse becomes a sentence."""
    try:
        return work()
    except DataError:
        raise RuleError(_("A value is outside of what is possible.")) from None
    except IntegrityError:
        raise WrongState(_("Another record refers to this one, or changed at the same moment. Try again.")) from None


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """To the sign-in, and back to where somebody wanted to go; after a POST to where its form stood."""
    wanted = request.get_full_path() if request.method in SAFE else request.path
    response = HttpResponseRedirect("/sign-in/?" + urlencode({"next": wanted}))
    if request.headers.get("HX-Request"):  # a part of a page cannot hold the sign-in: the whole page goes there
        response = HttpResponse(headers={"HX-Redirect": response.url})
    return response


def status_of(error: OdosError) -> int:
    return next((code for kind, code in STATUS.items() if isinstance(error, kind)), 400)


def sentences(error: OdosError) -> list[str]:
    """What a refusal says that belongs to no field of a form."""
    if isinstance(error, RuleError):
        return error.errors.get("_", [])
    return [str(error)] if str(error) else []


def is_partial(request: HttpRequest) -> bool:
    """Whether only a part of the page is to be swapped. What the browser's Back asks for is a whole page."""
    headers = request.headers
    return headers.get("HX-Request") == "true" and headers.get("HX-Request-Type") != "full" and not headers.get("HX-History-Restore-Request")


# Answers ------------------------------------------------------------------------------------------------------------


def render(request: HttpRequest, actor: Actor | None, template: str, values: Mapping[str, Any], status: int = 200) -> HttpResponse:
    """A template inside the shell, rendered now, so that all it reads is of the same snapshot."""
    return HttpResponse(render_to_string(template, {**shell(request, actor), **values}, request), status=status)


def done(request: HttpRequest, address: str, sentence: str = "") -> HttpResponse:
    """After a write: on to an address of this company, with a sentence that the next page shows once."""
    if sentence:
        request.session[TOASTS] = [{"text": sentence, "tone": "up"}]
    return HttpResponseRedirect(address)


def back(request: HttpRequest, otherwise: str) -> str:
    """Where a form was asked to return to (``next``), if that is an address of this host."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return wanted if wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) else otherwise


def refusal(request: HttpRequest, error: OdosError) -> HttpResponse:
    """The page of a refusal that no form shows. What one may not see and what isn't look the same."""
    code = status_of(error)
    template = {404: "404.html", 403: "403.html"}.get(code, "refused.html")

    def work() -> HttpResponse:
        actor = access.actor_for(request.user) if request.user else None
        return render(request, actor, template, {"sentences": error.sentences, "shell": "base.html" if actor else "bare.html"}, code)

    return door.reading(work)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler for addresses nobody knows."""
    return refusal(request, Missing())


# The shell ----------------------------------------------------------------------------------------------------------


def shell(request: HttpRequest, actor: Actor | None) -> dict[str, Any]:
    """What templates/base.html and bare.html read. Cost: none, the person was read with the session."""
    language = get_language() or "en"
    values = {
        "company": context.company().name, "site": context.company().name, "lang": "zh-Hans" if language.startswith("zh") else "en",
        "theme": theme(request), "density": "compact" if request.COOKIES.get("density") == "compact" else "",
        "actor": actor,
        # A part of a page has no place for them: one asked for by the page before would only swallow what the next one is to say.
        "toasts": request.session.pop(TOASTS, []) if TOASTS in request.session and not is_partial(request) else [],
    }  # fmt: skip
    if actor is None:
        return values
    unproven = not context.company().verified and mail.may_prove(actor)
    return {**values, "nav": nav(request.path, actor), "new_items": new_items(actor), "person": person(request.user), "unproven": unproven}


def theme(request: HttpRequest) -> str:
    chosen = request.COOKIES.get("theme", "")
    return chosen if chosen in THEMES else "auto"


def person(user: User) -> dict[str, str]:
    return {"name": user.name, "email": user.email, "initials": initials(user.name), "url": "/me/"}


def initials(name: str) -> str:
    """Two letters of a name; of a Chinese one the first character."""
    words = [w for w in name.split() if w[0].isalnum()]
    if not words:
        return "?"
    if "\u3400" <= words[0][0] <= "\u9fff":
        return words[0][0]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else words[0][1:2])).upper()


def hue(name: str) -> int:
    """One of the avatars' colours, the same for the same name everywhere and always."""
    return crc32(name.encode()) % HUES


def nav(path: str, actor: Actor) -> Marked:
    """The rail as it is seen on this page. Cost: none; the places are gathered once for each reader, language and edition of the set-up."""
    groups, seen = edition.keep(("places", access.reader(actor), get_language()), lambda: (places(actor), {}))
    current = tuple([item["url"] for group in groups for item in group["items"] if _is_at(path, item)])
    if current not in seen:
        marked = [{**group, "items": [{**item, "current": item["url"] in current} for item in group["items"]]} for group in groups]
        seen[current] = Marked(marked)
    return seen[current]


def _is_at(path: str, item: dict[str, Any]) -> bool:
    return path.startswith(item["within"]) if item["within"] else path == item["url"]


def places(actor: Actor) -> list[dict[str, Any]]:
    """The dashboard, then the types the actor may view by group; settings stand last. A place is where the address begins as it has it ``within``."""
    groups: dict[str, list[dict]] = {}
    letters = shortcuts()
    for object_type in registry.every():
        if object_type.in_menu and access.allows(actor, object_type, "view"):
            groups.setdefault(str(object_type.group), []).append(_place(object_type, letters))
    if doctor.may_read(actor):
        verified = {"label": _("Verification"), "url": VERIFICATION, "icon": "circle-check", "within": (VERIFICATION,), "key": ""}
        groups.setdefault(str(SETTINGS), []).append(verified)
    if access.allows(actor, registry.types["custom-fields"], "change"):
        changed = {"label": _("Changes"), "url": CHANGES, "icon": "history", "within": (CHANGES,), "key": ""}
        groups.setdefault(str(SETTINGS), []).append(changed)
    if access.allows(actor, registry.types["packs"], "add"):
        packs = {"label": _("Packs"), "url": PACKS, "icon": "package", "within": (PACKS,), "key": ""}
        groups.setdefault(str(SETTINGS), []).append(packs)
    ordered = sorted(groups.items(), key=lambda item: item[0] == str(SETTINGS))
    home = {"label": _("Dashboard"), "url": "/", "icon": "layout-dashboard", "within": (), "key": "d"}
    numbers = {"label": _("Figures"), "url": "/kpis/", "icon": "chart-bar", "within": ("/kpis/",), "key": ""}
    own = {"label": _("My overview"), "url": "/overview/", "icon": "user", "within": (), "key": ""}
    return [{"label": "", "items": [home, own, numbers, *sheets(actor)]}, *({"label": label, "items": items} for label, items in ordered)]


def sheets(actor: Actor) -> list[dict[str, Any]]:
    """Pages of several figures side by side, where the actor sees what any of them is made of; then reports of the company."""
    found = []
    for one in registry.sheets.values():
        slugs = {slug for key in one.columns for measure in registry.kpis[key].top.measures for slug in registry.measures[measure].sources}
        if any(access.allows(actor, registry.get(slug), "view") for slug in slugs):
            found.append({"label": str(one.label), "url": f"/{one.key}/", "icon": one.icon, "within": (), "key": ""})
    for report in registry.reports.values():
        if not report.slug and report.sees(actor):
            found.append({"label": str(report.label), "url": f"/reports/{report.key}/", "icon": report.icon, "within": (), "key": ""})
    return found


def _place(object_type: ObjectType, letters: dict[str, str]) -> dict[str, Any]:
    url, key = SHAPED_AT.get(object_type.slug) or address(object_type), letters.get(object_type.slug, "")
    return {"label": str(object_type.plural), "url": url, "icon": object_type.icon, "within": (url, address(object_type)), "key": key}


def new_items(actor: Actor) -> Marked:
    """What the actor may make, the company's set-up left out: that is made where it is looked at. Cost: none, see ``nav``."""
    return edition.keep(("new items", access.reader(actor), get_language()), lambda: Marked(_new_items(actor)))


def _new_items(actor: Actor) -> list[dict[str, Any]]:
    letters = shortcuts()
    return [
        {"label": str(t.label), "url": f"{address(t)}new/", "icon": t.icon, "key": letters.get(t.slug, "")}
        for t in registry.every()
        if t.in_menu and not t.is_setup and t.writable and access.allows(actor, t, "add")
    ]


def shortcuts() -> dict[str, str]:
    """Slug -> the letter that follows G and N: the first of the slug that is still free, in the order of the registry."""
    memo = context.memo()
    if "shortcuts" in memo:
        return memo["shortcuts"]
    taken, found = {"d"}, memo.setdefault("shortcuts", {})
    for object_type in sorted(registry.every(), key=lambda t: t.is_setup):
        letter = next((c for c in object_type.slug if c.isalpha() and c not in taken), "") if object_type.in_menu else ""
        if letter:
            taken.add(letter)
            found[object_type.slug] = letter
    return found


# Types and addresses ------------------------------------------------------------------------------------------------


def type_or_missing(slug: str, actor: Actor, action: str = "view") -> ObjectType:
    """The type at this address, if the actor may see any of it (else Missing) and do this with it (else Denied)."""
    object_type = registry.get(slug)
    if object_type is None or not access.allows(actor, object_type, "view"):
        raise Missing
    if action != "view":
        access.demand(actor, object_type, action)
    return object_type


def record_or_missing(actor: Actor, object_type: ObjectType, ident: str, action: str = "view") -> Model:
    """The record with this id, if the actor sees it (else Missing) and may do this with it (else Denied). Cost: one query, or two."""
    try:
        key = object_type.model._meta.pk.to_python(ident)
    except ValidationError:
        raise Missing from None
    record = query.one(actor, object_type, key)
    if record is None:
        raise Missing
    if action != "view" and not access.is_unlimited(actor, object_type, action) and not access.rows(actor, object_type, action).filter(pk=key).exists():
        raise Denied(_("You may not do this with this record."))
    return record


def address(object_type: ObjectType | str, ident: Any = None) -> str:
    """The page of a type's list, or of one of its records."""
    slug = object_type if isinstance(object_type, str) else object_type.slug
    return f"/{slug}/" if ident is None else f"/{slug}/{ident}/"


def new_field(request: HttpRequest, actor: Actor, object_type: ObjectType) -> str:
    """Where a field of the company's own is added to the type, and back here; empty where the actor may not, or the type takes none."""
    may = own_fields.takes(object_type) and access.allows(actor, registry.types["custom-fields"], "add")
    return f"/custom-fields/new/?{urlencode({'type': object_type.slug, 'next': request.get_full_path()})}" if may else ""


def exists(path: str) -> bool:
    """Whether some page answers at this address: links lead nowhere else."""
    try:
        return resolve(path).url_name not in BY_FIRST_WORD
    except (Resolver404, Http404):
        return False
