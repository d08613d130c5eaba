"""Where the Northwind files are, and a company made of them by the product's own command. Asserts nothing."""

import csv
import json
import os
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from django.core.management import call_command

from core import context
from tenants.models import Company
from tests.people import PASSWORD

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("ODOS_NORTHWIND") or CHECKOUT.parent / "shared" / "data" / "northwind")
MISSING = f"The Northwind files are not at {FOLDER}; ODOS_NORTHWIND names their folder."


def expected() -> dict[str, Any]:
    return json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))


def company(subdomain: str, stdout: Any, stderr: Any) -> context.Company:
    """A company with Northwind's history. Some tens of seconds. Not bound."""
    call_command(
        "company", "create", subdomain, "--name=Northwind Traders", f"--email=owner@{subdomain}.example", f"--password={PASSWORD}",
        f"--import={FOLDER}", stdout=stdout, stderr=stderr,
    )  # fmt: skip
    with context.bind_public():
        return Company.objects.get(subdomain=subdomain).frozen()


def rows(name: str) -> list[dict[str, str]]:
    """A file as it is, read by the standard library alone."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def shipped() -> list[dict[str, Any]]:
    """Lines of the orders that were shipped, each with its order's days and its net by the rule of ``expected.json``."""
    orders = {row["order_id"]: row for row in rows("orders") if row["shipped_date"]}
    found = []
    for line in rows("order_details"):
        if line["order_id"] in orders:
            full = Decimal(line["unit_price"]) * Decimal(line["quantity"])
            net = (full * (1 - Decimal(line["discount"]))).quantize(Decimal("0.01"), ROUND_HALF_UP)
            found.append({**orders[line["order_id"]], **line, "net": net})
    return found
