"""Papers of records for those who work here: a PDF in the language of whoever gets it, or another."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.text import slugify
from django.utils.translation import gettext as _

from core import paper
from core.access import Actor
from core.errors import Denied, Missing
from core.models.record import Record
from core.registry import ObjectType
from core.views import pages

NAMES = {"en": "English", "zh-Hans": "简体中文"}  # each in its own


def offered(actor: Actor, object_type: ObjectType, record: Record) -> list[dict[str, str]]:
    """The papers of a record this reader may have, the language of whoever gets it first. Cost: that of ``demand_readable``."""
    if object_type.paper is None:
        return []
    try:
        paper.demand_readable(actor, object_type, record)
    except Denied:
        return []
    own = paper.language_of(object_type, record)
    home = pages.address(object_type, record.pk)
    return [
        {"label": _("PDF · %(language)s") % {"language": NAMES[tag]}, "url": f"{home}pdf/?language={tag}"} for tag in sorted(NAMES, key=lambda tag: tag != own)
    ]


def answer(contents: dict[str, Any]) -> HttpResponse:
    """The PDF of these contents under a name people recognise."""
    name = slugify(f"{contents['title']} {contents['number']}", allow_unicode=False) or slugify(contents["number"]) or "document"
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"', "X-Robots-Tag": "noindex, nofollow"}
    return HttpResponse(paper.pdf(contents), content_type="application/pdf", headers=headers)


@pages.page
def printed(request: HttpRequest, actor: Actor, slug: str, ident: str) -> HttpResponse:
    """``/<slug>/<id>/pdf/?language=``. Cost: that of the paper, and some 30 ms of printing."""
    object_type = pages.type_or_missing(slug, actor)
    if object_type.paper is None:
        raise Missing
    record = pages.record_or_missing(actor, object_type, ident)
    paper.demand_readable(actor, object_type, record)
    return answer(paper.contents(object_type, record, paper.language_of(object_type, record, request.GET.get("language", ""))))
