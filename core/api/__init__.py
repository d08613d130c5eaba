"""The REST API: HTTP around the doors of core, for every registered type alike. No rule, no right and no query of its own."""
