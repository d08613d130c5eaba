"""What one person was told: a list, the newest first, and how many are not read yet, for the bell."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from core import kinds
from core.access import Actor
from core.models import Notice
from core.models.record import permit
from core.registry import Field
from core.views import pages

MOST = 100


def _show(request: HttpRequest, actor: Actor, error: Exception | None = None) -> HttpResponse:
    """Cost: one query."""
    when, stamp = kinds.KINDS["datetime"], Field("at", "datetime")
    rows = [
        {"text": n.text, "url": n.url, "at": when.text(stamp, n.at), "new": n.read_at is None}
        for n in Notice.objects.filter(user=actor.id).order_by("-at", "-id")[:MOST]
    ]  # fmt: skip
    return pages.render(request, actor, "pages/notices.html", {"notices": rows, "unread": any(r["new"] for r in rows)})


def _read(request: HttpRequest, actor: Actor) -> HttpResponse:
    """All of them are read now."""
    with permit():
        Notice.objects.filter(user=actor.id, read_at=None).update(read_at=timezone.now())
    return pages.done(request, "/notices/", _("All are marked as read."))


notices = pages.page(_show, _read)


@pages.page
def count(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The number beside the bell; nothing where all are read. Cost: one query."""
    unread = Notice.objects.filter(user=actor.id, read_at=None).count()
    return pages.render(request, actor, "parts/bell.html", {"unread": min(unread, 99)})
