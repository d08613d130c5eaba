"""The formula editor's side of the server: what a formula gives while it is typed, what fits next, and the fields it may name."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from core import access, context, formulas, read, validation
from core.access import Actor
from core.errors import Denied, Missing, OdosError
from core.formulas import Formula, FormulaError
from core.registry import Field, ObjectType
from core.views import pages

SHOWN = 3  # records on which a formula is tried out
BEFORE, AFTER = 30, 15  # characters shown around what is wrong


def gives(object_type: ObjectType, formula: Formula) -> str:
    """What a formula gives, as a sentence."""
    if formula.kind == "money" and "currency" in object_type.fields:
        own = context.company().currency
        return _("This gives an amount of money in %(currency)s.") % {"currency": own} if formula.in_base else _(
            "This gives an amount of money in the currency of its record.")  # fmt: skip
    return {
        "number": _("This gives a number."), "money": _("This gives an amount of money."), "percent": _("This gives a percentage."),
        "text": _("This gives a text."), "date": _("This gives a date."), "datetime": _("This gives a date with time."), "yesno": _("This gives yes or no."),
    }[formula.kind]  # fmt: skip


def _type(request: HttpRequest, actor: Actor) -> ObjectType | None:
    slug = request.POST.get("type") or request.GET.get("type") or ""
    try:
        object_type = pages.type_or_missing(slug, actor)
        access.demand(actor, object_type, "view")
    except (Missing, Denied):
        return None
    return object_type


def _show(request: HttpRequest, actor: Actor, error: OdosError | None = None) -> HttpResponse:
    """What there is to say of the formula in the control ``?name=``. Cost: one query for the records it is tried out on."""
    object_type, name = _type(request, actor), request.GET.get("name", "formula")[:60]
    text = request.POST.get(name, "").replace("\r\n", "\n")
    if object_type is None or not text.strip():
        return pages.render(request, actor, "parts/formula_said.html", {"said": "" if object_type else _("Choose a type first.")})
    try:
        formula = formulas.made(text, formulas.scope(object_type, access.sight(actor)))
    except FormulaError as refused:
        return pages.render(request, actor, "parts/formula_said.html", _refused(text, refused))
    said = gives(object_type, formula)
    if request.GET.get("of") == "rules" and formula.kind != "yesno":
        values = {"failed": True, "said": validation.problem(object_type, text, access.sight(actor))["condition"][0]}
    else:
        values = {"said": said, "tried": _tried(actor, object_type, formula)}
    return pages.render(request, actor, "parts/formula_said.html", values)


def _refused(text: str, error: FormulaError) -> dict[str, Any]:
    """The sentence, and the place in the text that it is about."""
    start, end = error.position, error.position + error.length
    head, tail = text[max(0, start - BEFORE) : start], text[end : end + AFTER]
    return {
        "failed": True, "said": error.sentence, "before": ("…" if start > BEFORE else "") + head, "bad": text[start:end] or "␣",
        "after": tail + ("…" if len(text) > end + AFTER else ""),
    }  # fmt: skip


def _tried(actor: Actor, object_type: ObjectType, formula: Formula) -> list[dict[str, str]]:
    """What it gives for the newest records the reader sees."""
    sight = access.sight(actor)
    f = Field("formula", formula.kind, in_base=formula.in_base)
    rows = access.rows(actor, object_type).annotate(_formula=formula.sql(formulas.resolver(object_type, sight))).order_by("-pk")[:SHOWN]
    return [{"label": read.label(actor, object_type, row), "text": f.rules.text(f, row._formula, getattr(row, "currency", "")) or "–"} for row in rows]


def _again(request: HttpRequest, actor: Actor) -> HttpResponse:
    raise pages.Again


check = pages.page(_show, _again)


@pages.page
def complete(request: HttpRequest, actor: Actor) -> JsonResponse:
    """``{"results": [{label, hint, insert, start}]}``: what fits at the end of ``text``, with places counted in it."""
    object_type, text = _type(request, actor), request.GET.get("text", "")[-500:]
    if object_type is None:
        return JsonResponse({"results": []})
    found = formulas.complete(text, len(text), formulas.scope(object_type, access.sight(actor)))
    return JsonResponse({"results": [{"id": c.insert, "label": c.label, "hint": c.help, "insert": c.insert, "start": c.start - len(text)} for c in found]})


def _words(request: HttpRequest, actor: Actor, error: OdosError | None = None) -> HttpResponse:
    """The fields of the type chosen in the form, each to be put into the formula."""
    object_type = _type(request, actor)
    known = formulas.scope(object_type, access.sight(actor)).names() if object_type else []
    references = [f for f in known if f.kind in ("ref", "user") and f.target and f.name != "id"]
    return pages.render(request, actor, "parts/formula_fields.html", {"known": known, "references": references})


words = pages.page(_words, _again)

__all__ = ["check", "complete", "gives", "words"]
