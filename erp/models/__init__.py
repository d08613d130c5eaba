"""The tables of erp, one module for each idea: orders, goods, money."""

from erp.models.billing import (
    POSTED_STATES,
    Allocation,
    CreditNote,
    CreditNoteCharge,
    CreditNoteLine,
    DueItem,
    Invoice,
    InvoiceCharge,
    InvoiceLine,
    Payment,
)  # fmt: skip
from erp.models.orders import ORDER_STATES, OrderCharge, OrderLine, OrderRevision, SalesOrder
from erp.models.supply import DELIVERY_STATES, Delivery, DeliveryLine, Reservation, StockLevel, StockMove, Warehouse

__all__ = [
    "DELIVERY_STATES", "ORDER_STATES", "POSTED_STATES", "Allocation", "CreditNote", "CreditNoteCharge", "CreditNoteLine", "Delivery", "DeliveryLine",
    "DueItem", "Invoice", "InvoiceCharge", "InvoiceLine", "OrderCharge", "OrderLine", "OrderRevision", "Payment", "Reservation", "SalesOrder", "StockLevel",
    "StockMove", "Warehouse",
]  # fmt: skip
