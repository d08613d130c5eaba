"""The chain a document stands in, over HTTP: ``GET /<slug>/<id>/chain/``. What it is made of, ``core.chain`` says."""

from django.http import HttpResponse

from core import access, chain
from core.access import Actor
from core.api import answers
from core.api.views import Single
from core.errors import Missing


class Chain(Single):
    """``/<slug>/<id>/chain/``: documents with their amounts and what is left of each, and the links between them."""

    http_method_names = ("get", "head", "options")

    def get(self, request, slug: str, ident: str) -> HttpResponse:
        named, plain = self.target(slug, ident), request._request

        def work(actor: Actor) -> dict:
            found = access.rows(actor, named.type).filter(pk=named.id).first() if access.allows(actor, named.type, "view") else None
            if found is None or not chain.is_part(named.type):
                raise Missing
            return chain.as_json(chain.around(actor, named.type, found), answers.addresser(plain))

        return answers.answer(self.reading(work))
