"""What default roles may do with the types of crm."""

from core.seeds import READ, WORK, grant

grant("sales-manager", *((slug, WORK, "subtree") for slug in ("accounts", "contacts")), ("activities", [*WORK, "finish", "reopen"], "subtree"))
grant("sales", *((slug, WORK, "own") for slug in ("accounts", "contacts")), ("activities", [*WORK, "finish", "reopen"], "own"))
for role in ("sales-manager", "sales"):
    grant(role, ("products", READ, "all"), ("product-categories", READ, "all"))
for role in ("operations", "finance"):
    grant(role, *((slug, READ, "all") for slug in ("accounts", "contacts")), ("activities", [*WORK, "finish", "reopen"], "all"))
grant("operations", ("products", WORK, "all"), ("product-categories", WORK, "all"))
grant("finance", ("products", READ, "all"), ("product-categories", READ, "all"))
