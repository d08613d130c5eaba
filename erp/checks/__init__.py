"""What erp verifies in every company, entered at start: quantities along the chain, money owed, goods."""

from erp.checks import billing, orders, stock  # noqa: F401 - importing enters them, in this order
