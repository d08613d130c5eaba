"""What concerns the reader alone (A22): what is due, what of his records still waits, and his own figures against his targets."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from babel.dates import format_skeleton
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core import access, context, figures, kpi, listings, query, read, registry
from core.access import Actor
from core.kinds import locale
from core.registry import ObjectType
from core.views import pages, tables

TO_DO_ROWS = 8
DUE = {"due_at", "done", "owner"}  # fields by which a type's records fall due
OPEN_ROWS = 5
MOST = 12  # figures


@pages.page
def overview(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Cost: two queries for what is due and for each type that waits, some five for all figures together, and labels."""
    answers = mine(actor)
    values = {
        "to_do": to_do(actor), "waiting": waiting(actor), "tiles": [_tile(a) for a in answers],
        "period": figures.period_label(answers[0].period) if answers else "", "as_of": figures.as_of(answers[0].as_of) if answers else "",
    }  # fmt: skip
    return pages.render(request, actor, "pages/overview.html", values)


# Due ----------------------------------------------------------------------------------------------------------------


def to_do(actor: Actor) -> dict[str, Any] | None:
    """What is due and not done of the reader's own, of the first type whose records fall due. Cost: two queries and labels."""
    object_type = next((t for t in registry.every() if t.fields.keys() >= DUE and access.allows(actor, t, "view")), None)
    if object_type is None or not access.fields(actor, object_type).keys() >= DUE:
        return None
    pairs = [("done", "false"), ("owner", str(actor.id)), ("due_at__empty", "false"), ("sort", "due_at")]
    found = query.page(actor, object_type, replace(listings.listing(pairs), limit=TO_DO_ROWS, count=True))
    shown = read.present(actor, object_type, found.records, with_lines=False)
    address = pages.address(object_type)
    return {
        "title": _("Due for you"), "count": found.count, "url": f"{address}?done=false&owner={actor.id}&due_at__empty=false&sort=due_at",
        "rows": [_due(object_type, one) for one in shown], "plural": object_type.plural,
        "new": f"{address}new/" if access.allows(actor, object_type, "add") else "",
    }  # fmt: skip


def _due(object_type: ObjectType, one: read.Shown) -> dict[str, Any]:
    due = one.values["due_at"].astimezone(context.company().zone)
    now = datetime.now(context.company().zone)
    about = one.values.get("about")
    words = [one.text("kind") if "kind" in one.fields else "", about.label if isinstance(about, read.Ref) else ""]
    return {
        "label": one.label, "url": pages.address(object_type, one.id), "sub": " · ".join(w for w in words if w), "icon": object_type.icon,
        "when": format_skeleton("MMMd", due, locale=locale()) if due.year == now.year else figures.day(due.date()), "late": due < now,
        "at": due.isoformat(),
    }  # fmt: skip


# Waiting ------------------------------------------------------------------------------------------------------------


def waiting(actor: Actor) -> list[dict[str, Any]]:
    """The reader's own records in a state that is not the end, by type: how many in each state, and the latest. Cost: two queries a type."""
    found = []
    for object_type in registry.every():
        known = access.fields(actor, object_type) if object_type.waits and access.allows(actor, object_type, "view") else {}
        if not {"owner", "status"} <= known.keys():
            continue
        own = access.rows(actor, object_type).filter(owner=actor.id, archived_at=None, status__in=object_type.waits)
        counts = dict(own.order_by().values_list("status").annotate(n=Count("pk")))
        if counts:
            address = f"{pages.address(object_type)}?owner={actor.id}&status"
            latest = list(own.order_by("-created_at")[:OPEN_ROWS])
            found.append({
                "title": object_type.plural, "icon": object_type.icon, "count": sum(counts.values()), "url": f"{address}__in={','.join(object_type.waits)}",
                "states": [_state(object_type, key, counts[key], address) for key in object_type.waits if key in counts],
                "rows": [_open(object_type, one) for one in read.present(actor, object_type, latest, with_lines=False)],
            })  # fmt: skip
    return found


def _state(object_type: ObjectType, key: str, count: int, address: str) -> dict[str, Any]:
    label, tone = tables.status_label(object_type, key), tables.tone(object_type, key)
    return {"label": label, "tone": tone, "count": count, "url": f"{address}={key}"}


def _open(object_type: ObjectType, one: read.Shown) -> dict[str, str]:
    """A record in one line: its name, what else its list says of it first, and its amount or day."""
    names = [n for n in object_type.columns if n in one.fields and n not in (object_type.title, "status", "owner") and one.text(n)]
    last = next((n for kind in ("money", "date") for n in reversed(names) if one.fields[n].kind == kind), "")
    return {
        "label": one.label, "url": pages.address(object_type, one.id), "sub": " · ".join([one.text(n) for n in names if n != last][:2]),
        "last": one.text(last) if last else "",
    }  # fmt: skip


# Figures ------------------------------------------------------------------------------------------------------------


def mine(actor: Actor) -> list[kpi.Answer]:
    """This month's figures of the reader himself: those with a target, then those that come to something."""
    if actor.id is None:
        return []
    about = ["person", "eq", str(actor.id)]
    asked = [(d, kpi.Question(filter=about)) for d in kpi.every_definition() if "person" in d.dimensions and kpi.may(actor, d)]
    told = [a for a in kpi.values(actor, asked) if a.target is not None or a.value or (a.previous and a.previous.value)]
    return sorted(told, key=lambda a: a.target is None)[:MOST]


def _tile(answer: kpi.Answer) -> dict[str, Any]:
    definition = answer.definition
    return {
        "label": definition.name, "url": figures.page_of(answer), "number": figures.shown(answer), "comparisons": figures.compare(answer), "spark": "",
        "hidden": "", "goal": figures.goal(definition, answer.value, answer.target),
    }  # fmt: skip
