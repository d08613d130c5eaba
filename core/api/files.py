"""Files by the API: brought with a multipart POST, named by their id in records, read back as what they are and nothing that runs."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import JSONRenderer

from core import access, attachments, door, files
from core.access import Actor
from core.api import answers, views
from core.api.idempotency import Reply
from core.errors import RuleError
from core.models import StoredFile


class Multipart(BaseContentNegotiation):
    """The body is a form with a file; every answer is JSON."""

    def select_parser(self, request, parsers):
        return parsers[0] if (request.content_type or "").startswith("multipart/form-data") else None

    def select_renderer(self, request, renderers, format_suffix=None):
        return JSONRenderer(), "application/json"


class Files(views.Endpoint):
    """``/files/``: bring one, in the part ``file``."""

    parser_classes = (MultiPartParser,)
    content_negotiation_class = Multipart

    def post(self, request) -> HttpResponse:
        given, plain = request.data.get("file"), request._request
        if given is None or not hasattr(given, "read"):
            raise RuleError({"file": [_("Send the file as the part “file” of a multipart form.")]})
        if given.size > files.LARGEST:
            raise RuleError({"file": [_("A file may have at most %(n)d MB.") % {"n": files.LARGEST // 1024 // 1024}]})
        content = given.read()

        def work(actor: Actor) -> Reply:
            made = described(files.store(actor, given.name, content), plain)
            return Reply(201, answers.written(made).decode(), {"Location": made["url"]})

        reply = door.writing(lambda: work(access.actor_for(self.request.user)))
        return HttpResponse(reply.body, status=reply.status, content_type="application/json", headers=reply.headers)


class File(views.Endpoint):
    """``/files/<id>/``: its bytes."""

    def get(self, request, ident: str) -> HttpResponse:
        return attachments.answer(self.reading(lambda actor: attachments.find(actor, ident)))


def described(made: StoredFile, request: HttpRequest) -> dict:
    return {
        "id": str(made.pk), "name": made.name, "media_type": made.media_type, "size": made.size, "width": made.width, "height": made.height,
        "url": answers.addresser(request)(files.SLUG, made.pk),
    }  # fmt: skip
