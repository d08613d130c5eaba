"""E-mail to people, sent by a job so that no page waits for a mail server and no mail is lost. Knows no templates of pages.

A job holds what is needed to write the mail, never the mail: a link that lets somebody in is made when it is sent.
"""

from typing import Any

from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _

from core import context, jobs, recovery
from core.access import Actor
from core.models import User

INTERFACE = {"en": "en", "zh-Hans": "zh-hans"}


def send(to: str, subject: str, body: str) -> None:
    """Hand one mail to the mail server of the settings. Errors: those of the server, so that the job is tried again."""
    EmailMessage(subject=" ".join(subject.split()), body=body, to=[to]).send()


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
