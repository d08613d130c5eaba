"""KPIs over HTTP: what they are, and what they come to. How they are computed is ``core.kpi``; here their words and addresses."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core import context, kpi
from core.access import Actor
from core.api import answers, views
from core.api.parsing import ID
from core.api.views import Collection, Endpoint, Single, Target
from core.errors import Missing, RuleError
from core.kpi import Address, Answer, Definition, Drills, Group
from core.models import Kpi as Row
from core.money import plain

Write = Callable[[Decimal | None], str | None]
UNITS = {"percent": "ratio", "days": "days", "hours": "hours"}


def _definition(wanted: Definition, request: HttpRequest) -> dict[str, Any]:
    return {
        "key": wanted.key,
        "name": wanted.name,
        "formula": wanted.formula,
        "measure": wanted.measure.key if wanted.measure else None,
        "measures": wanted.measures,
        "measured_in": _measured_in(wanted),
        "date_basis": wanted.date_basis,
        "filter": wanted.filter,
        "up_is_good": wanted.up_is_good,
        "format": wanted.format,
        "thresholds": list(wanted.thresholds),
        "definition": wanted.given,
        "version": wanted.version or None,
        "dimensions": [{"key": key, "label": str(wanted.dimension(key).label)} for key in wanted.dimensions],
        "url": answers.address(request, f"kpis/{wanted.key}/"),
        "value_url": answers.address(request, f"kpis/{wanted.key}/value/"),
    }


def _measured_in(wanted: Definition) -> str:
    if wanted.in_money:
        return context.company().currency
    return UNITS.get(wanted.format) or wanted.unit or ("ratio" if wanted.is_ratio else "count")


class Kpis(Collection):
    """``/kpis/``: every KPI of the company that its reader may see, in its order; and new ones, which are records like all others."""

    def get(self, request, slug: str) -> HttpResponse:
        def work(actor: Actor) -> list[dict[str, Any]]:
            return [_definition(one, request._request) for one in kpi.every_definition() if one.built is None or kpi.may(actor, one)]

        body: dict[str, Any] = {"results": self.reading(work), "next": None, "previous": None}
        if request._request.GET.get("count") == "exact":
            body["count"] = len(body["results"])
        return answers.answer(body)


class Kpi(Single):
    """``/kpis/<key>/``: the formula and the dimensions that apply. It is changed as a record, by its key or its id."""

    def target(self, slug: str, ident: str) -> Target:
        row = Row.objects.filter(key=ident).first() if "\x00" not in ident else None
        return super().target(slug, str(row.pk) if row is not None else ident)

    def get(self, request, slug: str, ident: str) -> HttpResponse:
        def work(actor: Actor) -> dict[str, Any]:
            row = Row.objects.filter(pk=UUID(ident)).first() if ID.fullmatch(ident) else None
            found = kpi.definition(row.key if row is not None else ident)
            if found.built is not None and not kpi.may(actor, found):
                raise Missing
            further = [{"key": d.key, "label": str(d.label)} for d in kpi.further(actor, found)]
            told = _definition(found, request._request)
            return told | {"dimensions": told["dimensions"] + further}

        body = self.reading(work)
        return answers.answer(body, headers={"ETag": f'"{body["version"]}"'} if body["version"] else None)


class Deed(Kpi, views.Deed):
    """``/kpis/<key>/<act>/``: an act on the row of a KPI."""


class Value(Endpoint):
    """``/kpis/<key>/value/``: the figure, its comparisons and parts, each with the address of the facts that add up to it."""

    def get(self, request, key: str) -> HttpResponse:
        return answers.answer(self.reading(lambda actor: value(actor, key, request._request)))


def value(actor: Actor, key: str, request: HttpRequest) -> dict[str, Any]:
    """The figure that the request's query string asks for, as the contract writes it."""
    words = request.GET.dict()
    if any("\x00" in text for pair in words.items() for text in pair):
        raise RuleError(_("Remove the control characters."))
    return _answer(kpi.value(actor, kpi.definition(key), kpi.question(words)), request)


def _answer(found: Answer, request: HttpRequest) -> dict[str, Any]:
    wanted = found.definition
    places = 2 if wanted.in_money else 0

    def write(value: Decimal | None) -> str | None:
        if value is None:
            return None
        return plain(value, places) if value else "0"

    def drill(query: Address | Drills) -> dict[str, Any]:
        """A sum has one list of facts or records, a ratio two."""
        if isinstance(query, Drills):
            return {"drills": {name: address(one) for name, one in zip(("numerator", "denominator"), query, strict=True)}}
        return {"drill": address(query)}

    def address(one: Address) -> str:
        return f"{answers.address(request, one.slug)}/?{one}"

    def compared(other) -> dict[str, Any] | None:
        return {"value": write(other.value), **drill(other.drill)} if other else None

    return {
        "value": write(found.value),
        "measured_in": _measured_in(wanted),
        "as_of": found.as_of.token,
        "hidden": found.hidden,
        "previous": compared(found.previous),
        "year_ago": compared(found.year_ago),
        "target": write(found.target),
        "lineage": _lineage(found),
        **drill(found.drill),
        "groups": [_group(group, write, drill) for group in found.groups],
    }


def _lineage(found: Answer) -> dict[str, Any]:
    wanted, company = found.definition, context.company()
    told = {
        "formula": wanted.formula,
        "measures": wanted.measures,
        "filters": found.filters,
        "date_basis": wanted.date_basis,
        "time_zone": company.timezone,
        "currency": company.currency if wanted.in_money else None,
        "rows": found.rows,
    }
    if wanted.given is not None:
        told["definition"] = wanted.given
    if found.unknown is not None:
        told[wanted.unknown_called] = int(found.unknown)
    return told


def _group(group: Group, write: Write, drill: Callable[[Address | Drills], dict[str, Any]]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "keys": [None if key is None else str(key) for key in group.keys],
        "labels": group.labels,
        "value": write(group.value),
        **drill(group.drill),
    }
    if group.target is not None:
        body["target"] = write(group.target)
    if group.level is not None:
        parent = None if group.parent is None else str(group.parent)
        body |= {"own": write(group.own), "parent": parent, "level": group.level}
    return body
