"""Where the Northwind files are, and a company made of them by the product's own command. Asserts nothing."""

import json
import os
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
    """A company with Northwind's history. Some ten seconds. Not bound."""
    call_command(
        "company", "create", subdomain, "--name=Northwind Traders", f"--email=owner@{subdomain}.example", f"--password={PASSWORD}",
        f"--import={FOLDER}", stdout=stdout, stderr=stderr,
    )  # fmt: skip
    with context.bind_public():
        return Company.objects.get(subdomain=subdomain).frozen()
