"""What default roles may do with the types of erp, and the warehouse a new company starts with."""

from django.utils.translation import gettext as _

from core import access, registry, write
from core.access import Actor
from core.registry import get
from core.seeds import READ, WORK, grant

ACTS = ["confirm", "amend", "deliver", "close", "cancel"]
SHIP = ["ship", "return"]
STOCK = ("warehouses", "stock-moves")

grant("sales-manager", ("orders", [*WORK, *ACTS], "subtree"), ("deliveries", READ, "subtree"), *((slug, READ, "all") for slug in STOCK))
grant("sales", ("orders", [*WORK, "confirm", "amend"], "own"), ("deliveries", READ, "own"), *((slug, READ, "all") for slug in STOCK))
grant("operations", ("orders", [*WORK, *ACTS], "all"), ("deliveries", [*WORK, *SHIP], "all"), *((slug, WORK, "all") for slug in STOCK))
grant("finance", ("orders", READ, "all"), ("deliveries", READ, "all"), *((slug, READ, "all") for slug in STOCK))


def _warehouse(owner: Actor) -> None:
    """A company's own warehouse may go below zero: nobody counts stock on the first day."""
    write.create(access.on_behalf(owner), get("warehouses"), {"name": _("Main warehouse"), "allow_negative": True})


registry.seeds.append(_warehouse)
