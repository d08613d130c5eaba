"""Shapes of foreign data that bring people, accounts and products. Declarations only; ``core.transfer`` reads them."""
