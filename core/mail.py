"""E-mail to people, sent by a job so that no page waits for a mail server and no mail is lost. Knows no templates of pages.

A job holds what is needed to write the mail, never the mail: a link that lets somebody in is made when it is sent.
"""

from typing import Any

from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _

from core import access, context, jobs, paper, recovery, registry, sharing
from core.access import Actor
from core.errors import RuleError
from core.models import User
from core.models.record import Record

INTERFACE = {"en": "en", "zh-Hans": "zh-hans"}


def send(to: str, subject: str, body: str, answers_to: str = "") -> None:
    """Hand one mail to the mail server of the settings. Errors: those of the server, so that the job is tried again."""
    EmailMessage(subject=" ".join(subject.split()), body=body, to=[to], reply_to=[answers_to] if answers_to else None).send()


@jobs.does("mail-new-password")
def mail_new_password(actor: Actor, payload: dict[str, Any], progress) -> None:
    """Send the link for a new password, where the address is that of an active user; else nothing happens, here and unseen."""
    user = User.objects.filter(email=payload["email"], archived_at=None).first()
    if user is None:
        return
    company = context.company()
    with translation.override(INTERFACE.get(user.language) or INTERFACE.get(company.language, "en")):
        link = f"{payload['origin']}/password/new/?token={recovery.issue(user)}"
        subject = _("Your new password for %(company)s") % {"company": company.name}
        body = _(
            "Hello %(name)s,\n\nsomebody asked for a new password for your account at %(company)s. To choose one, open this link "
            "within %(minutes)d minutes:\n\n%(link)s\n\nIf it was not you, you need not do anything: your password stays as it is."
        ) % {"name": user.name, "company": company.name, "minutes": recovery.SECONDS // 60, "link": link}
    send(user.email, str(subject), str(body) + "\n")


def may_prove(actor: Actor) -> bool:
    """Whether an address of this person's stands for the company: he manages its people. Cost: none."""
    return not actor.system and access.allows(actor, registry.types["users"], "change")


def promise_link(actor: Actor, record: Record) -> None:
    """Have the link of a shared record mailed to whom its type names, in their language. Cost: a query or two, and that of a job.

    Nothing leaves a company whose own address nobody has verified (decisions, Accounts). Errors: RuleError at ``mail``.
    """
    object_type = registry.type_of(record)
    if not context.company().verified:
        sentence = _("Mails to customers are not switched on before an owner has confirmed his e-mail address: copy the link and send it yourself.")
        raise RuleError({"mail": [sentence]})
    if object_type.shared is None or object_type.shared.addressee(record) is None:
        raise RuleError({"mail": [_("Neither the contact nor the account has an e-mail address.")]})
    jobs.promise("mail-link", {"type": object_type.slug, "id": str(record.pk), "origin": sharing.origin()}, actor)


@jobs.does("mail-link")
def mail_link(actor: Actor, payload: dict[str, Any], progress) -> None:
    """Send the link, unless by now it leads nowhere or its reader has no address."""
    object_type = registry.get(payload["type"])
    record = object_type.all().filter(pk=payload["id"]).first()
    path = sharing.path(object_type, record) if record is not None else ""
    to = object_type.shared.addressee(record) if path else None
    if to is None:
        return
    name, address = to
    language = paper.language_of(object_type, record)
    told = paper.contents(object_type, record, language)
    sender = User.objects.filter(pk=getattr(record, "owner_id", None)).first()
    with translation.override(paper.LANGUAGES[language]):
        words = {
            "name": name, "company": context.company().name, "title": told["title"], "number": told["number"], "link": payload["origin"] + path,
            "sender": sender.name if sender else context.company().name,
        }  # fmt: skip
        subject = _("%(title)s %(number)s from %(company)s") % words
        body = _(
            "Hello %(name)s,\n\nhere is our %(title)s %(number)s. Open this link to read it, to download it as PDF and to answer it:\n\n%(link)s\n\n"
            "With kind regards\n%(sender)s\n%(company)s"
        ) % words
    send(address, str(subject), str(body) + "\n", sender.email if sender else "")
