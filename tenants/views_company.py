"""Where somebody confirms his e-mail address for a company, and asks for the link once more. What it proves is ``tenants.verification``'s."""

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from core import attempts, context, door, mail
from core.access import Actor
from core.attempts import Brake
from core.errors import Denied
from core.views import pages
from tenants import directory, verification

QUARTER = 15 * 60  # seconds
DAY = 24 * 3600
TRIED = Brake("verification-token", 30, QUARTER)  # tokens that are no good, from one peer
ASKED = Brake("verification-mail", 3, QUARTER)
ASKED_TODAY = Brake("verification-mail-day", 10, DAY)


@never_cache
def confirm(request: HttpRequest) -> HttpResponse:
    """The page behind the link. Looking at it confirms nothing, since programs look at links in mails too; its button does.

    Nobody needs to be signed in: the mail may be read on another device. Cost: three queries, four statements with POST.
    """
    if request.method not in (*pages.SAFE, "POST"):
        return HttpResponseNotAllowed([*pages.SAFE, "POST"])
    token = request.POST.get("token") or request.GET.get("token") or ""
    who, sent = attempts.address(request), request.method == "POST"
    user = None
    if TRIED.free(who):
        user = door.reading(lambda: verification.holder(token))
        if user is None:
            TRIED.count(who)
    if user is None or (sent and not door.writing(lambda: verification.confirm(token))):
        return _page(request, 410, state="gone")
    if sent:
        directory.forget()
    done = sent or directory.by_id(context.company().id).verified
    return _page(request, 200, state="done" if done else "asked", email=user.email, token=token)


def _page(request: HttpRequest, status: int, **values) -> HttpResponse:
    return pages.render(request, None, "public/confirm.html", values, status)


@never_cache
@pages.deed
def send_again(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Mail the link to the person who asks. Braked for the whole company. Errors: Denied for those who do not speak for it."""
    if not mail.may_prove(actor):
        raise Denied(_("Only those who manage the company's users may do this."))
    back = HttpResponseRedirect(pages.back(request, "/"))
    if context.company().verified:
        return _said(request, back, _("The e-mail address is confirmed already."), "up")
    if not ASKED.free() or not ASKED_TODAY.free():
        return _said(request, back, _("The link was sent several times already. Please look into your spam folder, or try again later."), "late")
    ASKED.count()
    ASKED_TODAY.count()
    verification.promise(actor, f"{request.scheme}://{request.get_host()}")
    return _said(request, back, _("The link is on its way to %(email)s.") % {"email": request.user.email}, "up")


def _said(request: HttpRequest, response: HttpResponse, sentence: str, tone: str) -> HttpResponse:
    request.session[pages.TOASTS] = [{"text": sentence, "tone": tone}]
    return response
