"""Shapes of foreign data that bring commercial documents. Declarations only; ``core.transfer`` reads them."""
