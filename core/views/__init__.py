"""What a company's people see: pages made from the registry, and the few that are about no single type. No rule lives here."""
