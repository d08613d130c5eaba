"""How much a company may have: the hook through which a plan speaks. Without a provider nothing is limited but by safety."""

from collections.abc import Callable

from django.utils.translation import gettext as _

from core import context
from core.errors import RuleError

SAFETY = {
    "custom_fields_per_type": 200, "fast_fields_per_type": 8, "custom_objects": 100, "batch": 1000, "reads": 20, "filter_conditions": 50, "view_columns": 40,
    "bulk": 100_000,
}  # fmt: skip

_providers: list[Callable[[str], int | None]] = []


def provide(limit: Callable[[str], int | None]) -> None:
    """Called once by the floor that sells plans: the limit of the bound company for a key, or None."""
    _providers[:] = [limit]


def limit(key: str) -> int | None:
    """The smaller of what the company's plan and safety allow; None where neither limits."""
    bound = context.company_or_none()
    found = [p(key) for p in _providers] + [SAFETY.get(key), bound.limits.get(key) if bound else None]
    return min((n for n in found if n is not None), default=None)


def demand(key: str, wanted: int, what: str) -> None:
    """Raise a sentence where ``wanted`` is above the limit; ``what`` names the things counted."""
    allowed = limit(key)
    if allowed is not None and wanted > allowed:
        raise RuleError(_("At most %(allowed)d %(what)s are possible here.") % {"allowed": allowed, "what": what})
