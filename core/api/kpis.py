"""KPIs over HTTP: what they are, and what they come to. How they are computed is ``core.kpi``; here their words and addresses."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core import context, kpi, registry
from core.access import Actor
from core.api import answers
from core.api.views import Endpoint
from core.errors import RuleError
from core.kpi import Answer, Definition, Drills, Group
from core.money import plain

Write = Callable[[Decimal | None], str | None]
UNITS = {"percent": "ratio", "days": "days", "hours": "hours"}


def _definition(wanted: Definition, request: HttpRequest) -> dict[str, Any]:
    return {
        "key": wanted.key,
        "name": wanted.name,
        "formula": wanted.formula,
        "measure": wanted.measure.key,
        "measures": wanted.measures,
        "measured_in": _measured_in(wanted),
        "date_basis": wanted.date_basis,
        "filter": wanted.filter,
        "up_is_good": wanted.up_is_good,
        "dimensions": [{"key": key, "label": str(registry.dimensions[key].label)} for key in wanted.dimensions],
        "url": answers.address(request, f"kpis/{wanted.key}/"),
        "value_url": answers.address(request, f"kpis/{wanted.key}/value/"),
    }


def _measured_in(wanted: Definition) -> str:
    return context.company().currency if wanted.in_money else UNITS.get(wanted.format, "ratio" if wanted.is_ratio else "count")


class Kpis(Endpoint):
    """``/kpis/``: every KPI of the company, in its order."""

    def get(self, request) -> HttpResponse:
        def work(actor: Actor) -> list[dict[str, Any]]:
            return [_definition(one, request._request) for one in kpi.every_definition()]

        return answers.answer({"results": self.reading(work), "next": None, "previous": None})


class Kpi(Endpoint):
    """``/kpis/<key>/``: the formula and the dimensions that apply."""

    def get(self, request, key: str) -> HttpResponse:
        return answers.answer(self.reading(lambda actor: _definition(kpi.definition(key), request._request)))


class Value(Endpoint):
    """``/kpis/<key>/value/``: the figure, its comparisons and parts, each with the address of the facts that add up to it."""

    def get(self, request, key: str) -> HttpResponse:
        words = request._request.GET.dict()
        if any("\x00" in text for pair in words.items() for text in pair):
            raise RuleError(_("Remove the control characters."))

        def work(actor: Actor) -> Answer:
            return kpi.value(actor, kpi.definition(key), kpi.question(words))

        return answers.answer(_answer(self.reading(work), request._request))


def _answer(found: Answer, request: HttpRequest) -> dict[str, Any]:
    wanted = found.definition
    places = 2 if wanted.in_money else 0

    def write(value: Decimal | None) -> str | None:
        if value is None:
            return None
        return plain(value, places) if value else "0"

    def drill(query: str | Drills) -> dict[str, Any]:
        """A sum of facts has one list of them, a ratio two."""
        facts = answers.address(request, "facts/")
        if isinstance(query, Drills):
            return {"drills": {"numerator": f"{facts}?{query.numerator}", "denominator": f"{facts}?{query.denominator}"}}
        return {"drill": f"{facts}?{query}"}

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
    if found.unknown is not None:
        told[wanted.unknown_called] = int(found.unknown)
    return told


def _group(group: Group, write: Write, drill: Callable[[str | Drills], dict[str, Any]]) -> dict[str, Any]:
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
