"""What a company of traders watches: the figures of profit and loss, its sheet, a dashboard for each role, and what waits for whom."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

import erp.types  # noqa: F401 - what is declared below refers to their KPIs
from core.registry import Sheet, ShippedDashboard, ShippedKpi, extend, register

COST_DATE = _("Invoice date; goods billed before they are shipped on the day of shipping; credit notes on theirs")
KNOWN = {"known_by": ("costed-lines",), "unknown_by": ("uncosted-lines",), "unknown_called": "without_cost"}


def _numbers(*keys: str) -> tuple[dict[str, str], ...]:
    return tuple({"kpi": key} for key in keys)


def _months(key: str) -> dict[str, str]:
    return {"kpi": key, "shape": "months"}


def _by(key: str, dimension: str, shape: str = "groups") -> dict[str, str]:
    return {"kpi": key, "shape": shape, "group_by": dimension}


register(
    ShippedKpi(
        "cost-of-sales", _("Cost of sales"), "cost-of-sales", _("Cost of what was invoiced and not credited, as a negative amount."), COST_DATE,
    ),
    ShippedKpi(
        "margin-rate", _("Margin"), ("invoiced", "cost-of-sales"), _("Gross margin, divided by invoiced net."), COST_DATE, per="invoiced",
        format="percent", **KNOWN,
    ),
    Sheet(
        "profit-and-loss", _("Profit and loss"), ("invoiced-net", "cost-of-sales", "gross-margin", "margin-rate", "profit"),
        ("account", "product", "person", "unit"), sort="profit",
    ),
    ShippedDashboard(
        "company", pgettext_lazy("dashboard", "Company"),
        (
            *_numbers("order-intake", "invoiced-net", "gross-margin", "cash-received", "receivables", "overdue", "weighted-pipeline", "win-rate"),
            _months("order-intake"), _months("gross-margin"), _by("order-intake", "account"), _by("order-intake", "person"),
            _by("gross-margin", "product_category"), _by("order-intake", "unit", "tree"),
        ),
    ),
    ShippedDashboard(
        "owner", pgettext_lazy("dashboard", "The whole business"),
        (
            *_numbers(
                "order-intake", "orders", "invoiced-net", "gross-margin", "margin-rate", "cash-received", "receivables", "overdue", "weighted-pipeline",
                "win-rate", "on-time-delivery", "discount-given",
            ),
            _months("order-intake"), _months("gross-margin"), _by("order-intake", "account"), _by("order-intake", "person"),
            _by("gross-margin", "product_category"), _by("order-intake", "unit", "tree"),
        ),
        roles=("owner", "admin"),
    ),
    ShippedDashboard(
        "sales", pgettext_lazy("dashboard", "My sales"),
        (
            *_numbers("order-intake", "won", "weighted-pipeline", "leads-created", "lead-conversion", "win-rate", "quote-turnaround-hours", "overdue"),
            _months("order-intake"), _by("order-intake", "account"), _by("pipeline", "stage"), _by("overdue", "account"),
        ),
        roles=("sales",),
    ),
    ShippedDashboard(
        "sales-manager", pgettext_lazy("dashboard", "Sales"),
        (
            *_numbers(
                "order-intake", "won", "lost", "pipeline", "weighted-pipeline", "win-rate", "sales-cycle-days", "lead-conversion", "quote-turnaround-hours",
                "discount-given",
            ),
            _months("won"), _months("order-intake"), _by("order-intake", "person"), _by("pipeline", "stage"), _by("leads-created", "lead_source"),
            _by("order-intake", "unit", "tree"),
        ),
        roles=("sales-manager",),
    ),
    ShippedDashboard(
        "finance", pgettext_lazy("dashboard", "Finance"),
        (
            *_numbers("invoiced-net", "cash-received", "receivables", "overdue", "dso", "gross-margin", "margin-rate", "exchange-gain"),
            _months("cash-received"), _months("receivables"), _by("overdue", "account"), _by("receivables", "account"), _by("gross-margin", "account"),
        ),
        roles=("finance",),
    ),
    ShippedDashboard(
        "operations", pgettext_lazy("dashboard", "Operations"),
        (*_numbers("orders", "order-intake", "delivered", "on-time-delivery"), _months("delivered"), _by("delivered", "account"), _by("delivered", "product")),
        roles=("operations",),
    ),
)  # fmt: skip

extend("leads", waits=("open",))
extend("opportunities", waits=("open",))
extend("quotes", waits=("draft", "sent"))
extend("orders", waits=("draft", "confirmed"))
for slug in ("deliveries", "invoices", "credit-notes"):
    extend(slug, waits=("draft",))
