"""The orders of a trading company's database, as the Northwind sample has them: confirmed on their date, freight as a charge.

Those with a day of shipping left whole on it, and were billed as they left. Before the first order there lay in stock what is
on hand now and all that was shipped since; nobody says what it cost.
"""

from core.transfer import cells
from core.transfer.shapes import Children, Column, DayBefore, Filled, Made, MoreThanZero, Number, Oldest, Step, Sum, Text, Total, extend
from crm.imports.trading import TRADING

SHIPPED = Filled("shipped_date")
SHIPPED_ON = Column("shipped_date", cells.day)
ON_HAND_AND_SHIPPED = Sum((
    Number("units_in_stock", cells.number), Total("order lines", "quantity", by="product_id", id="product_id", among=("orders", "order_id", SHIPPED)),
))  # fmt: skip

extend(
    TRADING,
    {
        "orders": ("order_id", "customer_id", "employee_id", "order_date", "freight"),
        "order lines": ("order_id", "product_id", "unit_price", "quantity", "discount"),
    },
    (
        Step(
            "opening stock", "stock-moves", "products", "product_id",
            {
                "warehouse": Oldest("warehouses"), "product": Made("products", ("product_id",)), "quantity": ON_HAND_AND_SHIPPED,
                "date": DayBefore("orders", "order_date", cells.day), "kind": Text("receipt"), "note": Text("Opening stock"),
            },
            where=MoreThanZero(ON_HAND_AND_SHIPPED),
        ),
        Step(
            "orders", "orders", "orders", "order_id",
            {
                "account": Made("customers", ("customer_id",)), "owner": Made("people", ("employee_id",)), "external_number": Column("order_id"),
                "order_date": Column("order_date", cells.day), "requested_date": Column("required_date", cells.day), "ship_name": Column("ship_name"),
                "ship_street": Column("ship_address", lambda text: cells.newlines(text).replace("\n", ", ")), "ship_city": Column("ship_city"),
                "ship_region": Column("ship_region"), "ship_postal_code": Column("ship_postal_code"), "ship_country": Column("ship_country", cells.country),
            },
            order=("order_date", "order_id"),
            lines={
                "lines": Children(
                    {
                        "product": Made("products", ("product_id",)), "quantity": Column("quantity"), "unit_price": Column("unit_price"),
                        "discount": Column("discount"),
                    },
                    file="order lines", by="order_id",
                ),
                "charges": Children({"name": Text("Freight"), "amount": Column("freight")}, unless_zero="freight"),
            },
            acts={"confirm": {"date": Column("order_date", cells.day)}},
        ),
        Step(
            "deliveries", "deliveries", "orders", "order_id", {"date": SHIPPED_ON}, where=SHIPPED, order=("shipped_date", "order_id"),
            out_of=("orders", "deliver"), acts={"ship": {"date": SHIPPED_ON}},
        ),
        Step(
            "invoices", "invoices", "orders", "order_id", {"basis": Text("delivered"), "date": SHIPPED_ON}, where=SHIPPED,
            order=("shipped_date", "order_id"), out_of=("orders", "invoice"), acts={"post": {"date": SHIPPED_ON}},
        ),
    ),
)  # fmt: skip
