"""The types of crm, one module for each idea. Importing this enters them in the registry, in the order of the menu."""

from crm.types import parties, selling, quotes, catalogue  # noqa: F401, I001 - the order is that of the menu
