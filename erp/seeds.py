"""What default roles may do with the types of erp."""

from core.seeds import READ, WORK, grant

ACTS = ["confirm", "amend", "close", "cancel"]
grant("sales-manager", ("orders", [*WORK, *ACTS], "subtree"))
grant("sales", ("orders", [*WORK, "confirm", "amend"], "own"))
grant("operations", ("orders", [*WORK, *ACTS], "all"))
grant("finance", ("orders", READ, "all"))
