"""The API's description of itself, for programs. What it says is ``core.openapi``; the page for people is ``core.views``."""

from django.http import HttpResponse

from core import openapi
from core.api import answers
from core.api.views import Endpoint


class Schema(Endpoint):
    """``/schema/``: OpenAPI 3.1, as far as the one who asks may see and do."""

    def get(self, request) -> HttpResponse:
        return answers.answer(self.reading(lambda actor: openapi.document(actor, answers.address(request._request))))
