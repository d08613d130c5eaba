"""The quiet warning below a form: records like the one being typed. It blocks nothing and is empty where there are none."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse

from core import likeness
from core.access import Actor
from core.errors import Missing
from core.views import pages


@pages.page
def alike(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """``?name=...``: a part of a page. Cost: that of ``likeness.find``."""
    object_type = pages.type_or_missing(slug, actor)
    if object_type.alike is None:
        raise Missing
    stated = {name: request.GET[name] for name in object_type.alike_by if name in request.GET}
    found = likeness.find(actor, stated, object_type, _itself(request))
    told = [{"label": one.label, "url": pages.address(one.type, one.id), "type": one.type.label, "why": one.why} for one in found]
    return pages.render(request, actor, "object/alike.html", {"found": told})


def _itself(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.GET.get("without", ""))
    except ValueError:
        return None
