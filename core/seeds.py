"""What a new company starts with: its first unit, default roles, its owner, shipped KPIs, a dashboard.

Floors above add their own through ``registry.seeds``. All of it is written through ``core.write``, so it has its trail.
"""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core import access, codes, context, registry, trail, write
from core.models import Currency, Dashboard, Kpi, Role, User
from core.models.record import permit
from core.money import minor_unit
from core.registry import get

READ = ["view", "export"]
WORK = ["view", "add", "change", "delete", "export", "import", "archive", "restore"]

SETUP = ("tax-codes", "currencies", "exchange-rates")  # what anybody who writes documents needs to see

# key, name, grants as (type, actions, scope). Floors above extend the lists of these roles before any company is made.
ROLES: dict[str, tuple] = {
    "owner": (pgettext_lazy("role", "Owner"), [("*", ["*"], "all")]),
    "admin": (_("Admin"), [("*", ["*"], "all")]),
    "sales-manager": (_("Sales manager"), [("users", READ, "all"), ("org-units", READ, "all"), *((slug, READ, "all") for slug in SETUP)]),
    "sales": (_("Sales"), [("users", ["view"], "all"), ("org-units", ["view"], "all"), *((slug, ["view"], "all") for slug in SETUP)]),
    "operations": (_("Operations"), [("users", ["view"], "all"), ("org-units", ["view"], "all"), *((slug, ["view"], "all") for slug in SETUP)]),
    "finance": (
        _("Finance"),
        [
            *((slug, ["view"], "all") for slug in ("users", "org-units")), ("currencies", READ, "all"),
            *((slug, WORK, "all") for slug in ("tax-codes", "exchange-rates")),
        ],
    ),
    "read-only": (_("Read only"), [("*", READ, "all")]),
}


def grant(role: str, *grants: tuple) -> None:
    """Add grants ``(type, actions, scope)`` to a default role; for floors above, at start."""
    ROLES[role][1].extend(grants)


grant("sales-manager", ("targets", WORK, "subtree"))
grant("sales", ("targets", READ, "own"))  # a target is its member's, not that of who set it
grant("finance", ("targets", READ, "all"))


def plant(owner_email: str, owner_password: str, owner_name: str) -> User:
    """Fill the bound, empty company; returns its owner. Runs in the caller's transaction. Cost: about forty statements."""
    system = access.system("company created")
    company = context.company()
    unit = write.create(system, get("org-units"), {"name": company.name[:200]})
    roles = write.create_many(system, get("roles"), [_role(name, grants) for name, grants in ROLES.values()])
    with permit():
        for role, key in zip(roles, ROLES, strict=True):
            Role.objects.filter(pk=role.pk).update(key=key)
    owner = write.create(
        system,
        get("users"),
        {"email": owner_email, "name": owner_name, "password": owner_password, "unit": str(unit.pk), "roles": [str(roles[0].pk)], "language": company.language},
    )
    write.change(system, get("org-units"), unit.pk, {"manager": str(owner.pk)}, unit.version)
    _plant_performance()
    for seed in registry.seeds:
        seed(access.actor_for(owner))
    return owner


def _role(name, grants: list) -> dict:
    return {"name": str(name), "grants": [{"type": t, "actions": list(actions), "scope": scope} for t, actions, scope in grants]}


def _plant_performance() -> None:
    kpis = [Kpi(key=k.key, measure=k.top.measures[0], position=i) for i, k in enumerate(registry.kpis.values())]
    currencies = [Currency(code=code, places=-minor_unit(code).as_tuple().exponent) for code in codes.currencies()]
    boards = [
        Dashboard(key=board.key, tiles=list(board.tiles), role=role, is_default=not role)
        for board in registry.dashboards.values() for role in board.roles or ("",)
    ]  # fmt: skip
    if not any(board.is_default for board in boards):
        boards.append(Dashboard(tiles=[{"kpi": k.key} for k in kpis], is_default=True))
    with permit():
        Currency.objects.bulk_create(currencies)
        Kpi.objects.bulk_create(kpis)
        Dashboard.objects.bulk_create(boards)
    system = access.system("company created")
    trail.note([trail.entry(system, get(slug), row, "add", {}) for slug, rows in (("kpis", kpis), ("dashboards", boards)) for row in rows])
