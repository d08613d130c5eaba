"""The types of erp, one module for each idea. Importing this enters them in the registry, in the order of the menu."""

from erp.types import orders, supply, billing, money  # noqa: F401, I001 - the order is that of the menu
