"""The orders of a trading company's database, as the Northwind sample has them: confirmed on their date, freight as a charge.

What they may say of shipping is for the day deliveries are known here.
"""

from core.transfer import cells
from core.transfer.shapes import Children, Column, Made, Step, Text, extend
from crm.imports.trading import TRADING

extend(
    TRADING,
    {
        "orders": ("order_id", "customer_id", "employee_id", "order_date", "freight"),
        "order lines": ("order_id", "product_id", "unit_price", "quantity", "discount"),
    },
    (
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
    ),
)  # fmt: skip
