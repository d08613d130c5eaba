"""Undoing a change where it is told: on the history of a record. What undoing is, ``core.undo`` says."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core import access, read, registry, undo
from core.access import Actor
from core.errors import Missing, WrongState
from core.models import TrailEntry
from core.views import pages


def _save(request: HttpRequest, actor: Actor, slug: str, ident: str, entry: int) -> HttpResponse:
    object_type = pages.type_or_missing(slug, actor)
    record = pages.record_or_missing(actor, object_type, ident)
    rows = access.rows(actor, registry.types["trail"])
    found = rows.filter(pk=entry, about_type=slug, about_id=record.pk).first() if object_type.rows is None and entry < 2**63 else None
    if found is None:
        raise Missing
    if not undo.possible(actor, found):
        raise WrongState(_("This cannot be undone."))
    name, conflicts = read.label(actor, object_type, record), undo.entry(actor, found)
    if conflicts:
        raise WrongState(" ".join(sentence for _slug, _ident, sentence in conflicts))
    return pages.done(request, pages.back(request, pages.address(object_type, record.pk)), _("%(name)s: undone.") % {"name": name})


def offered(actor: Actor, entry: TrailEntry) -> str:
    """The address that undoes this entry; empty where that is not offered. Cost: none."""
    return f"{pages.address(entry.about_type, entry.about_id)}undo/{entry.pk}/" if undo.possible(actor, entry) else ""


once = pages.deed(_save)

__all__ = ["offered", "once"]
