"""What a target may be: of a known KPI, for a month, quarter or year, of the company or of one member of a dimension."""

from typing import Any

from django.utils.translation import gettext as _

from core import access, context, dimensions, kpi, periods, registry, structures
from core.access import Actor
from core.errors import RuleError
from core.models import Target, User
from core.registry import KINDS, Dimension, Field


def kpi_choices() -> dict[str, Any]:
    """Key -> name of the company's KPIs. Cost: one query, once for each request."""
    memo = context.memo()
    if "kpi-choices" not in memo:
        memo["kpi-choices"] = {d.key: d.name for d in kpi.every_definition()}
    return memo["kpi-choices"]


def dimension_choices() -> dict[str, Any]:
    """Dimensions whose members may have targets: all but those of time, which is the target's period."""
    return {d.key: d.label for d in registry.dimensions.values() if not d.period}


def prepare(actor: Actor, pairs: list[tuple[Target, Any]]) -> None:
    """A member given by name becomes its id; owner and unit follow from whom the target is of. Cost: one query a new record, few are made at once."""
    for target in (t for t, _made in pairs if t._state.adding):  # what a target is for never changes after
        target.owner_id = target.unit_id = None
        target.subject_name = ""
        dimension = registry.dimensions.get(target.dimension)
        if dimension is None or not target.subject:
            continue
        slug, choices = dimensions.members(dimension)
        if not slug:
            target.subject_name = str(choices.get(target.subject, target.subject))
            continue
        found = _member(actor, slug, target.subject)
        if found is not None:
            target.subject, target.subject_name = str(found.pk), _name(slug, found)[:200]
            target.owner_id = found.pk if dimension.target == "users" else None
            target.unit_id = found.pk if dimension.target == "org-units" else found.unit_id if isinstance(found, User) else None


def _member(actor: Actor, slug: str, text: str) -> Any:
    """The record of this type with this id, else the only one of this name, as far as the actor sees it."""
    object_type = registry.get(slug)
    if not access.allows(actor, object_type, "view"):
        return None
    rows = access.rows(actor, object_type)
    try:
        return rows.filter(pk=KINDS["ref"].clean(Field("subject", "ref"), text)).first()
    except ValueError:
        named = list(rows.filter(**{object_type.fields[object_type.title].path: text})[:2])
        return named[0] if len(named) == 1 else None


def _name(slug: str, record: Any) -> str:
    object_type = registry.get(slug)
    names = (n for n in (object_type.title, object_type.title_else) if n)
    return next((str(told) for n in names if (told := object_type.fields[n].value(record))), "")


def check(actor: Actor, target: Target, changed: dict, rows: dict) -> None:
    """The KPI is split by the dimension, the member is there, the period is a month, quarter or year. Cost: one query for a new one."""
    if not target._state.adding:
        return
    errors: dict[str, list[str]] = {}
    wanted = next((d for d in kpi.every_definition() if d.key == target.kpi), None)
    if wanted is None:
        errors["kpi"] = [_("There is no such figure.")]
    elif target.dimension and target.dimension not in wanted.dimensions:
        errors["dimension"] = [_("%(kpi)s is split by: %(known)s.") % {"kpi": wanted.name, "known": ", ".join(wanted.dimensions)}]
    elif sentence := _wrong_subject(registry.dimensions.get(target.dimension), target):
        errors["subject"] = [sentence]
    try:
        if periods.parse(target.period or "-", structures.today(), context.company().fiscal_year_start).shape not in ("month", "quarter", "year"):
            errors["period"] = [_("A target is for a month, a quarter or a year: 2026-07, 2026-Q3 or 2026.")]
    except RuleError:
        errors["period"] = [_("A target is for a month, a quarter or a year: 2026-07, 2026-Q3 or 2026.")]
    if errors:
        raise RuleError(errors)


def _wrong_subject(dimension: Dimension | None, target: Target) -> str:
    if dimension is None:
        return _("A target of the company is of nobody in particular: leave this empty, or say for each of what it is.") if target.subject else ""
    if not target.subject:
        return _("Say whose target this is.")
    slug, choices = dimensions.members(dimension)
    if slug and not target.subject_name:
        return _("%(type)s has no such record, or more than one of this name.") % {"type": registry.get(slug).plural}
    if not slug and choices and target.subject not in choices:
        return _("%(dimension)s is one of: %(known)s.") % {"dimension": dimension.label, "known": ", ".join(list(choices)[:20])}
    return ""
