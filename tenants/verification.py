"""Proof that whoever signed a company up reads the mails sent to the address stated there: the link, its mail, the mark it leaves.

Nothing of a link is stored. It is signed for one person of one company and for his address, so it means nothing elsewhere and
nothing once that address has changed. Until a company is verified, core mails nothing to people outside of it.
"""

from typing import Any
from uuid import UUID

from django.core import signing
from django.utils import translation
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.timezone import now
from django.utils.translation import gettext as _

from core import access, context, jobs, mail
from core.access import Actor
from core.models import User
from tenants import directory
from tenants.models import Company

DAYS = 7
PATH = "/confirm/"


def _salt() -> str:
    return f"odos.verification:{context.company().id}"


def _stamp(user: User) -> str:
    return salted_hmac(_salt(), f"{user.pk}\0{user.email}", algorithm="sha256").hexdigest()


def issue(user: User) -> str:
    """A token that proves this user's present address, good for seven days in the bound company. Cost: none."""
    return signing.dumps([str(user.pk), _stamp(user)], salt=_salt())


def holder(token: str, lock: bool = False) -> User | None:
    """Whose address the token proves, if it is still his and he still speaks for the company; else None. Cost: two queries.

    ``lock`` holds him as he is until the end of the transaction.
    """
    users = User.objects.select_for_update() if lock else User.objects.all()
    try:
        ident, stamp = signing.loads(token[:500], salt=_salt(), max_age=DAYS * 24 * 3600)
        user = users.filter(pk=UUID(ident), archived_at=None).first()
    except (signing.BadSignature, ValueError, TypeError):
        return None
    if user is None or not constant_time_compare(stamp, _stamp(user)):
        return None
    return user if mail.may_prove(access.actor_for(user)) else None


def confirm(token: str) -> bool:
    """Mark the bound company as verified, if the token is good. Done twice, or by two at once, it stays as it was first.

    Runs in the caller's transaction; once that stands, ``directory.forget`` lets this process see it, others see it within
    the directory's memory. Cost: three statements.
    """
    if holder(token, lock=True) is None:
        return False
    company = context.company()
    with context.bind_public():
        Company.objects.filter(id=company.id, verified_at=None).update(verified_at=now())
    return True


def promise(actor: Actor, origin: str) -> None:
    """Have the link mailed to this person in the running transaction. ``origin`` is where the company's pages are. Cost: a statement."""
    jobs.promise("mail-verification", {"user": str(actor.id), "origin": origin}, actor)


@jobs.does("mail-verification")
def mail_verification(actor: Actor, payload: dict[str, Any], progress) -> None:
    """Send the link to the address the person has by now; nothing where he may not prove anything, or the company is verified already."""
    user = User.objects.filter(pk=payload["user"], archived_at=None).first()
    company = directory.by_id(context.company().id)
    if user is None or company.verified or not mail.may_prove(access.actor_for(user)):
        return
    with translation.override(mail.INTERFACE.get(user.language) or mail.INTERFACE.get(company.language, "en")):
        words = {"name": user.name, "company": company.name, "days": DAYS, "link": f"{payload['origin']}{PATH}?token={issue(user)}"}
        subject = _("Please confirm your e-mail address for %(company)s") % words
        body = _(
            "Hello %(name)s,\n\n%(company)s was signed up with this e-mail address. To confirm that it is yours, open this link within "
            "%(days)d days and press the button there:\n\n%(link)s\n\nUntil then nothing is mailed to your customers; everything else "
            "works already. If you do not know of this, you need not do anything."
        ) % words
    mail.send(user.email, str(subject), str(body) + "\n")


__all__ = ["confirm", "holder", "issue", "promise"]
