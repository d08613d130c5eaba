"""Files on pages: those a form brings, and the address under which a file is read."""

from django.http import HttpRequest, HttpResponse

from core import attachments, files
from core.access import Actor
from core.views import pages

FILE = ".file"  # after a field's name: the control that takes the file itself; the field holds its id
NONE = ".none"  # and the tick that takes a file away


def take(request: HttpRequest, actor: Actor) -> None:
    """Keep each file a form brought, and let the form name it by its id. Cost: a statement a file. Errors: RuleError at the field."""
    sent = request.POST.copy()
    for name in request.POST:
        if name.endswith(NONE):
            sent[name.removesuffix(NONE)] = ""
    for name, given in request.FILES.items():
        if name.endswith(FILE):
            with files.said_at(name.removesuffix(FILE)):
                sent[name.removesuffix(FILE)] = str(files.store(actor, given.name, _content(given)).pk)
    request.POST = sent


def _content(given) -> bytes:
    given.seek(0)  # the work may be done again, after another writer was in its way
    return given.read()


@pages.page
def stored(request: HttpRequest, actor: Actor, ident: str) -> HttpResponse:
    """``/files/<id>/``: the file, for who may see it."""
    return attachments.answer(attachments.find(actor, ident))
