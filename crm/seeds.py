"""What default roles may do with the types of crm, and the pipeline a new company starts with."""

from decimal import Decimal

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core import registry, write
from core.access import Actor
from core.seeds import READ, WORK, grant

LEAD_ACTS, DEAL_ACTS = ["convert", "lose", "reopen"], ["move", "win", "lose", "reopen", "quote"]
QUOTE_ACTS = ["send", "accept", "decline", "new-version", "expire"]

# name, how likely a deal is won from there
STAGES = (
    (_("Qualified"), "0.10"), (_("Needs understood"), "0.25"), (pgettext_lazy("stage", "Proposal"), "0.50"), (_("Negotiation"), "0.75"),
    (_("Agreed verbally"), "0.90"),
)  # fmt: skip

grant("sales-manager", *((slug, WORK, "subtree") for slug in ("accounts", "contacts")), ("activities", [*WORK, "finish", "reopen"], "subtree"))
grant("sales", *((slug, WORK, "own") for slug in ("accounts", "contacts")), ("activities", [*WORK, "finish", "reopen"], "own"))
for role in ("sales-manager", "sales"):
    grant(role, ("products", READ, "all"), ("product-categories", READ, "all"))
for role in ("operations", "finance"):
    grant(role, *((slug, READ, "all") for slug in ("accounts", "contacts")), ("activities", [*WORK, "finish", "reopen"], "all"))
grant("operations", ("products", WORK, "all"), ("product-categories", WORK, "all"))
grant("finance", ("products", READ, "all"), ("product-categories", READ, "all"))
grant("sales-manager", ("leads", [*WORK, *LEAD_ACTS], "subtree"), ("opportunities", [*WORK, *DEAL_ACTS], "subtree"))
grant("sales", ("leads", [*WORK, *LEAD_ACTS], "own"), ("opportunities", [*WORK, *DEAL_ACTS], "own"))
for role in ("operations", "finance"):
    grant(role, ("leads", READ, "all"), ("opportunities", READ, "all"))
for role in ("sales-manager", "sales", "operations", "finance"):
    grant(role, ("pipelines", READ, "all"))
grant("sales-manager", ("quotes", [*WORK, *QUOTE_ACTS], "subtree"), ("price-books", WORK, "all"))
grant("sales", ("quotes", [*WORK, *QUOTE_ACTS], "own"), ("price-books", READ, "all"))
for role in ("operations", "finance"):
    grant(role, ("quotes", READ, "all"), ("price-books", WORK if role == "operations" else READ, "all"))


def plant(actor: Actor) -> None:
    """One way to sell, for a company to change as it likes. Cost: about ten statements."""
    stages = [{"name": str(name), "probability": Decimal(probability)} for name, probability in STAGES]
    write.create(actor, registry.types["pipelines"], {"name": str(_("Sales")), "stages": stages})


registry.seeds.append(plant)
