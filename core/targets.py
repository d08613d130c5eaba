"""What a target may be: of a known KPI, for a month, quarter or year, of the company or of one member of a dimension."""

from collections import Counter, defaultdict
from typing import Any

from django.utils.translation import gettext as _

from core import access, context, dimensions, kpi, periods, registry, structures
from core.access import Actor
from core.errors import RuleError
from core.models import Target, User
from core.registry import KINDS, Dimension, Field


def known_figures() -> dict[str, kpi.Definition]:
    """Key -> figure of the company. Cost: one query, once for each request."""
    memo = context.memo()
    if "figures with targets" not in memo:
        memo["figures with targets"] = {d.key: d for d in kpi.every_definition()}
    return memo["figures with targets"]


def kpi_choices() -> dict[str, Any]:
    """Key -> name of the company's KPIs. Cost: see ``known_figures``."""
    return {key: d.name for key, d in known_figures().items()}


def dimension_choices() -> dict[str, Any]:
    """Dimensions whose members may have targets: all but those of time, which is the target's period. Cost: see ``known_figures``."""
    own = {key: d.label for made in known_figures().values() for key, d in made.own}
    return own | {d.key: d.label for d in registry.dimensions.values() if not d.period}


def prepare(actor: Actor, pairs: list[tuple[Target, Any]]) -> None:
    """A member given by name becomes its id; owner and unit follow from whom the target is of. Cost: two queries for each type of members."""
    by_type: dict[str, list[Target]] = defaultdict(list)
    for target in (t for t, _made in pairs if t._state.adding):  # what a target is for never changes after
        target.owner_id = target.unit_id = None
        target.subject_name = ""
        dimension = _dimension(target)
        if dimension is None or not target.subject:
            continue
        slug, choices = dimensions.members(dimension)
        if slug:
            by_type[slug].append(target)
        else:
            target.subject_name = str(choices.get(target.subject, target.subject))
    for slug, some in by_type.items():
        found = _members(actor, slug, {t.subject for t in some})
        for target in (t for t in some if t.subject in found):
            member = found[target.subject]
            target.subject, target.subject_name = str(member.pk), _name(slug, member)[:200]
            target.owner_id = member.pk if slug == "users" else None
            target.unit_id = member.pk if slug == "org-units" else member.unit_id if isinstance(member, User) else None


def _dimension(target: Target) -> Dimension | None:
    """What a target is set for, as its figure calls it."""
    wanted = known_figures().get(target.kpi)
    return wanted.dimension(target.dimension) if wanted is not None else None


def _members(actor: Actor, slug: str, texts: set[str]) -> dict[str, Any]:
    """Text -> the record with this id, else the only one of this name, as far as the actor sees it."""
    object_type = registry.get(slug)
    if not access.allows(actor, object_type, "view"):
        return {}
    ids: dict[str, Any] = {}
    for text in texts:
        try:
            ids[text] = KINDS["ref"].clean(Field("subject", "ref"), text)
        except ValueError:
            continue
    rows, path = access.rows(actor, object_type), object_type.fields[object_type.title].path
    by_id = rows.in_bulk(list(ids.values())) if ids else {}
    found = {text: by_id[ident] for text, ident in ids.items() if ident in by_id}
    if names := texts - ids.keys():
        named = list(rows.filter(**{f"{path}__in": names}))
        often = Counter(getattr(record, path) for record in named)
        found |= {getattr(record, path): record for record in named if often[getattr(record, path)] == 1}
    return found


def _name(slug: str, record: Any) -> str:
    object_type = registry.get(slug)
    names = (n for n in (object_type.title, object_type.title_else) if n)
    return next((str(told) for n in names if (told := object_type.fields[n].value(record))), "")


def check(actor: Actor, target: Target, changed: dict, rows: dict) -> None:
    """The KPI is split by the dimension, the member is there, the period is a month, quarter or year. Cost: see ``known_figures``."""
    if not target._state.adding:
        return
    errors: dict[str, list[str]] = {}
    wanted = known_figures().get(target.kpi)
    if wanted is None:
        errors["kpi"] = [_("There is no such figure.")]
    elif target.dimension and target.dimension not in wanted.dimensions:
        errors["dimension"] = [_("%(kpi)s is split by: %(known)s.") % {"kpi": wanted.name, "known": ", ".join(wanted.dimensions)}]
    elif sentence := _wrong_subject(_dimension(target), target):
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
