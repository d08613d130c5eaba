"""What the last nights' verifications of the books found, with the way to each record that differs. Computes nothing itself."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from core import doctor, figures
from core.access import Actor
from core.context import company
from core.errors import Missing
from core.models import Checkup
from core.views import pages

EARLIER = 30  # nights in the list


def _show(request: HttpRequest, actor: Actor, ident: UUID | None = None) -> HttpResponse:
    """The last verification, or the one asked for. Cost: two queries. Errors: Missing for who may not see every record."""
    if not doctor.may_read(actor):
        raise Missing
    held = list(Checkup.objects.order_by("-at").defer("results")[:EARLIER])
    shown = Checkup.objects.filter(pk=ident).first() if ident else doctor.latest()
    if ident and shown is None:
        raise Missing
    values = {"checkup": _head(shown) if shown else None, "results": _results(shown) if shown else [], "earlier": [_head(one) for one in held]}
    return pages.render(request, actor, "pages/verification.html", values)


def _head(one: Checkup) -> dict[str, Any]:
    at = one.at.astimezone(company().zone)
    return {
        "when": f"{figures.day(at.date())}, {at:%H:%M}", "checks": one.checks, "differences": one.differences, "url": f"/settings/verification/{one.pk}/",
    }  # fmt: skip


def _results(one: Checkup) -> list[dict[str, Any]]:
    """Those that found something first. A check that is no longer made is told by its name."""
    told = [
        {
            **result, "sentence": doctor.checks[result["name"]].sentence if result["name"] in doctor.checks else result["name"],
            "more": result["differences"] - len(result["found"]), "wrong": bool(result["differences"] or result["error"]),
        }
        for result in one.results
    ]  # fmt: skip
    return sorted(told, key=lambda result: not result["wrong"])


verification = pages.page(_show)
