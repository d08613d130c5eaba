"""Who was entered before, over HTTP: records that share a name, an e-mail or a telephone number with what is asked about."""

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from core import likeness
from core.access import Actor
from core.api import answers
from core.api.views import Endpoint
from core.errors import RuleError


class Duplicates(Endpoint):
    """``/duplicates/?name=&company=&email=&phone=``: records of all types that may be the same, as far as the reader sees them."""

    def get(self, request) -> HttpResponse:
        plain = request._request
        known = likeness.names()
        strange = [name for name in plain.GET if name not in known]
        if strange:
            raise RuleError({name: [_("Ask by %(names)s.") % {"names": ", ".join(known)}] for name in strange})
        url = answers.addresser(plain)

        def work(actor: Actor) -> list[dict[str, Any]]:
            found = likeness.find(actor, plain.GET.dict())
            return [{"type": one.type.slug, "id": str(one.id), "label": one.label, "url": url(one.type.slug, one.id), "why": one.why} for one in found]

        return answers.answer({"results": self.reading(work), "next": None, "previous": None})
