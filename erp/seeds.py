"""What default roles may do with the types of erp, and the warehouse a new company starts with."""

from django.utils.translation import gettext as _

from core import access, registry, write
from core.access import Actor
from core.registry import get
from core.seeds import READ, WORK, grant

ACTS = ["confirm", "amend", "deliver", "close", "cancel"]
SHIP = ["ship", "return"]
BILL = {"invoices": ["post", "credit"], "credit-notes": ["post", "allocate"], "payments": ["post", "allocate"]}
STOCK = ("warehouses", "stock-moves")

grant("sales-manager", ("orders", [*WORK, *ACTS], "subtree"), ("deliveries", READ, "subtree"), *((slug, READ, "all") for slug in STOCK))
for role, scope in (("sales-manager", "subtree"), ("sales", "own"), ("operations", "all")):
    grant(role, ("quotes", ["order"], scope))
grant("sales", ("orders", [*WORK, "confirm", "amend"], "own"), ("deliveries", READ, "own"), *((slug, READ, "all") for slug in STOCK))
grant("operations", ("orders", [*WORK, *ACTS, "invoice"], "all"), ("deliveries", [*WORK, *SHIP], "all"), *((slug, WORK, "all") for slug in STOCK))
grant("finance", ("orders", [*READ, "invoice"], "all"), ("deliveries", READ, "all"), *((slug, READ, "all") for slug in STOCK))

grant("sales-manager", *((slug, READ, "subtree") for slug in BILL))
grant("sales", *((slug, READ, "own") for slug in BILL))
grant("operations", *((slug, READ, "all") for slug in BILL))
grant("finance", *((slug, [*WORK, *acts], "all") for slug, acts in BILL.items()))


def _warehouse(owner: Actor) -> None:
    """A company's own warehouse may go below zero: nobody counts stock on the first day."""
    write.create(access.on_behalf(owner), get("warehouses"), {"name": _("Main warehouse"), "allow_negative": True})


registry.seeds.append(_warehouse)
