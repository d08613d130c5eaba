"""Records shown to people outside under an unguessable link: the link itself, what they may do there, when they first looked.

Nothing of a link is stored. It is signed for one record of one company, so it means nothing elsewhere, and it works only as
long as the record's type says so. Whoever does something there is the system, on the channel ``public`` of the trail.
"""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from core import access, context, paper, registry, trail, write
from core.errors import Missing, RuleError, WrongState
from core.models.record import Record, permit
from core.registry import ObjectType
from core.showing import PublicAct

LONGEST = 200  # characters of a token


def _signer() -> signing.Signer:
    return signing.Signer(salt=f"odos.shared:{context.company().id}", algorithm="sha256", sep=".")


def token(object_type: ObjectType, ident: UUID) -> str:
    return _signer().sign_object([object_type.slug, ident.hex])


def path(object_type: ObjectType, record: Record) -> str:
    """Where the record is shown on the company's host; empty where it is shown to nobody outside. Cost: none."""
    if object_type.shared is None or record.archived_at is not None or not object_type.shared.is_open(record):
        return ""
    return f"/d/{token(object_type, record.pk)}/"


def origin() -> str:
    """Scheme and host of the company's pages: those of the request, else as the settings have them."""
    named = context.call().origin
    if named:
        return named
    port = "" if settings.HTTPS or settings.PORT == 80 else f":{settings.PORT}"
    return f"{'https' if settings.HTTPS else 'http'}://{context.company().subdomain}.{settings.DOMAIN}{port}"


def url(record: Record) -> str:
    """The whole address of a record's link, or empty. Cost: none."""
    there = path(registry.type_of(record), record)
    return f"{origin()}{there}" if there else ""


def find(text: str) -> tuple[ObjectType, Record]:
    """The record a link shows. Cost: one query for a token that is good. Errors: Missing, whatever is wrong with it."""
    try:
        slug, ident = _signer().unsign_object(text[: LONGEST + 1])
        object_type = registry.get(slug)
        record = object_type.all().filter(pk=UUID(ident)).first()
    except (signing.BadSignature, ValueError, TypeError, AttributeError):
        raise Missing from None
    if record is None or not path(object_type, record):
        raise Missing
    return object_type, record


def offered(object_type: ObjectType, record: Record) -> list[PublicAct]:
    """The acts the link offers now."""
    return list(object_type.shared.acts) if object_type.shared.may(record) else []


def do(object_type: ObjectType, record: Record, name: str, data: dict[str, Any], agreed: bool, shown: str, language: str) -> None:
    """Do an act under the link. ``shown`` is the digest of what its reader had before him: should something else stand there now, he is told.

    Done before, it changes nothing. Errors: RuleError at inputs, WrongState, Missing. Cost: that of the act, and of the paper.
    """
    public = next((a for a in object_type.shared.acts if a.act == name), None)
    deed = object_type.act(name) if public else None
    if public is None or deed is None:
        raise Missing
    if public.done(record):
        return
    known = {f.name: f for f in deed.fields}
    errors = {n: [_("This field is required.")] for n in public.asks if known[n].rules.is_empty(str(data.get(n) or "").strip())}
    if public.consent and not agreed:
        errors["agreed"] = [_("Please tick this box first.")]
    if errors:
        raise RuleError(errors)
    if not constant_time_compare(shown, paper.digest(paper.contents(object_type, record, language))):
        raise WrongState(_("This document has changed since you opened it. Please read it again."))
    with context.calling(replace(context.call(), channel="public")):
        write.act(access.system("link"), object_type, record.pk, name, {n: data.get(n) for n in public.asks})


def note_view(object_type: ObjectType, ident: UUID) -> None:
    """Keep that somebody looked for the first time. Cost: one statement, and one more the first time. Changes no version: nothing was edited."""
    column = object_type.shared.viewed
    now = timezone.now()
    with permit():
        first = object_type.all().filter(pk=ident, **{column: None}).update(**{column: now})
    if first:
        record = object_type.all().get(pk=ident)
        with context.calling(replace(context.call(), channel="public")):
            trail.note([trail.entry(access.system("link"), object_type, record, "view", {})])


__all__ = ["do", "find", "note_view", "offered", "origin", "path", "token", "url"]
