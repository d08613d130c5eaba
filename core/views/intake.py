"""The public form of a type: whoever finds the address may leave a message, which becomes a record. Tells nobody what is known.

Against spam: a field that people do not see, a signed time of opening, a stamp that is good for one record, a brake by address.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from core import access, attempts, context, door, forms, registry, schema, write
from core.access import Actor
from core.attempts import Brake
from core.errors import Missing, OdosError, RuleError, WrongState
from core.forms import Entry, Offer
from core.models.record import new_id
from core.registry import ObjectType
from core.views import controls, pages

SENT = Brake("intake", 10, 15 * 60)  # messages from one address
QUICKEST, LONGEST = 3, 24 * 60 * 60  # seconds between opening a form and sending it
TRAP = "homepage"  # nobody sees it, so nobody fills it in
PLAIN = ("text", "longtext", "email", "phone", "url", "number", "money", "percent", "integer", "date", "yesno", "choice", "choices", "code")


def type_of(slug: str) -> ObjectType:
    """Errors: Missing where the type takes nothing from outside."""
    object_type = registry.get(slug)
    if object_type is None or object_type.intake is None:
        raise Missing
    return object_type


def address_of(request: HttpRequest, object_type: ObjectType) -> str:
    """Where the public form of a type is; empty where it has none."""
    return request.build_absolute_uri(f"/form/{object_type.slug}/") if object_type.intake else ""


def in_visitors_language(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """What the browser asks for, where nobody signed in or chose a language here and it asks for one."""

    @wraps(view)
    def spoken(request: HttpRequest, slug: str) -> HttpResponse:
        chosen = request.user is not None or settings.LANGUAGE_COOKIE_NAME in request.COOKIES or not request.headers.get("Accept-Language")
        with translation.override(translation.get_language() if chosen else translation.get_language_from_request(request)):
            return view(request, slug)

    return spoken


@never_cache
@in_visitors_language
def form(request: HttpRequest, slug: str) -> HttpResponse:
    """The form, and what it sends. Cost: about the queries of making one record."""
    try:
        object_type = type_of(slug)
    except Missing as error:
        return pages.refusal(request, error)
    if request.method in pages.SAFE:
        return door.reading(lambda: _show(request, object_type))
    if request.method != "POST":
        return HttpResponseNotAllowed([*pages.SAFE, "POST"])
    return _take(request, object_type)


@never_cache
@in_visitors_language
def thanks(request: HttpRequest, slug: str) -> HttpResponse:
    try:
        object_type = type_of(slug)
    except Missing as error:
        return pages.refusal(request, error)
    values = {"intake": object_type.intake, "again": f"/form/{slug}/", "done": True}
    return door.reading(lambda: pages.render(request, None, "pages/intake.html", values))


def _take(request: HttpRequest, object_type: ObjectType) -> HttpResponse:
    who, arrived = attempts.address(request), HttpResponseRedirect(f"/form/{object_type.slug}/thanks/")
    if not SENT.free(who):
        return _again(request, object_type, RuleError(_("There were too many messages from your address. Please try again in some minutes.")), 429)
    SENT.count(who)
    if request.POST.get(TRAP):
        return arrived  # who fills in everything is told what people are told
    try:
        ident = _opened(request, object_type)
        door.writing(lambda: _make(request, object_type, ident))
    except OdosError as error:
        twice = isinstance(error, WrongState) and door.reading(lambda: object_type.all().filter(pk=ident).exists())
        return arrived if twice else _again(request, object_type, error, pages.status_of(error))
    return arrived


def _make(request: HttpRequest, object_type: ObjectType, ident: UUID) -> None:
    """The record, as the system makes it. Errors: RuleError."""
    made = _offer(object_type)
    data = forms.data_of_new(made, forms.of_form(made, request.POST))
    missing = [n for n, f in made.fields.items() if n not in data and (f.required or n in object_type.intake.required)]
    if missing:
        raise RuleError({name: [_("This field is required.")] for name in missing})
    carried = {n: request.POST[n] for n in object_type.intake.carried if request.POST.get(n)}
    write.create(_actor(), object_type, {**carried, **data, **object_type.intake.given(), "id": str(ident)})


def _actor() -> Actor:
    return access.system("form")


def _offer(object_type: ObjectType) -> Offer:
    """The declared fields and those of the company's own without which there is no record, as far as a stranger can fill them in."""
    known = schema.fields(object_type)
    names = [*object_type.intake.fields, *(f.name for f in schema.own_fields(object_type) if f.required and f.kind in PLAIN)]
    return Offer(object_type, {n: known[n] for n in names if n in known}, [])


# When it was opened -------------------------------------------------------------------------------------------------


def _signer(object_type: ObjectType) -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=f"intake:{context.company().id}:{object_type.slug}")


def _opened(request: HttpRequest, object_type: ObjectType) -> UUID:
    """The id the record will have, from the stamp of a form opened neither just now nor long ago. Errors: RuleError."""
    signer, stamp = _signer(object_type), request.POST.get("stamp", "")[:200]
    try:
        ident = UUID(signer.unsign(stamp, max_age=LONGEST))
    except (signing.BadSignature, ValueError):
        raise RuleError(_("This page was open for a long time. Please send it once more.")) from None
    try:
        signer.unsign(stamp, max_age=QUICKEST)
    except signing.SignatureExpired:
        return ident
    raise RuleError(_("That was quick. Please look at what you wrote and send it once more."))


def _stamp(request: HttpRequest, object_type: ObjectType) -> str:
    """A new one; the one sent, where it still holds: who corrects an entry opened the form when he did."""
    signer, sent = _signer(object_type), request.POST.get("stamp", "")[:200]
    try:
        signer.unsign(sent, max_age=LONGEST)
    except signing.BadSignature:
        return signer.sign(str(new_id()))
    return sent


# The page -----------------------------------------------------------------------------------------------------------


def _again(request: HttpRequest, object_type: ObjectType, error: OdosError, status: int) -> HttpResponse:
    return door.reading(lambda: _show(request, object_type, error, status))


def _show(request: HttpRequest, object_type: ObjectType, error: OdosError | None = None, status: int = 200) -> HttpResponse:
    """The form as it was sent, or empty."""
    made, intake, actor = _offer(object_type), object_type.intake, _actor()
    entry = Entry() if error is None else forms.of_form(made, request.POST)
    errors = error.errors if isinstance(error, RuleError) else {}
    found: list[dict[str, Any]] = []
    choices = controls.Choices(actor)
    for name, f in made.fields.items():
        control = controls.control(f, name, entry.texts.get(name, ""), errors.get(name, []), choices)
        control |= {"required": f.required or name in intake.required, "autocomplete": AUTOCOMPLETE.get(name, "on")}
        found.append(control)
    sent = request.GET if error is None else request.POST
    carried = [(n, sent.get(n, "")[:200]) for n in intake.carried if sent.get(n)]
    told = [s for name, sentences in errors.items() if name not in made.fields for s in sentences]
    values = {
        "intake": intake, "fields": found, "carried": carried, "trap": TRAP, "stamp": _stamp(request, object_type),
        "sentences": [*told, *(pages.sentences(error) if error and not errors else [])],
        "failed": error is not None, "bad": sum(1 for name in errors if name in made.fields),
    }  # fmt: skip
    return pages.render(request, None, "pages/intake.html", values, status)


AUTOCOMPLETE = {"name": "name", "company": "organization", "email": "email", "phone": "tel", "country": "country"}
