"""What invoices, credit notes and payments let the company measure: what was billed, what it cost, what is owed, what came in."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.registry import Excerpt, Measure, Part, Report, ShippedKpi, extend, register
from erp.rules import statements

BILLS = ("invoices", "credit-notes")
OWED = (*BILLS, "payments")
WHOSE = ("account", "owner", "unit", "status", "invoice_date", "date", "invoice")  # every fact of these tells this of its document
AMOUNT = (*WHOSE, "base_total", "base_amount", "amount", "direction", "unallocated", "base_unallocated")
LINE = (*WHOSE, "lines", "base_net")
NO_PRODUCT = ("account", "person", "unit", "country", "month", "quarter", "year")
INVOICED = _("Invoice date; credit notes on theirs")
COST_DATE = _("Invoice date; goods billed before they are shipped on the day of shipping; credit notes on theirs")

register(
    Measure("invoiced", pgettext_lazy("figure", "Invoiced"), BILLS, reveals=LINE),
    Measure("cost-of-sales", _("Cost of sales"), BILLS, reveals=LINE),
    Measure("costed-lines", _("Invoice lines with a known cost"), "invoices", money=False, reveals=LINE),
    Measure("uncosted-lines", _("Invoice lines without a known cost"), "invoices", money=False, reveals=LINE),
    Measure("invoiced-gross", _("Invoiced with tax"), BILLS, reveals=AMOUNT),
    Measure("receivable", _("Receivable"), OWED, reveals=AMOUNT),
    Measure("overdue", pgettext_lazy("figure", "Overdue"), OWED, reveals=(*AMOUNT, "due_date")),
    Measure("cash", _("Cash"), "payments", reveals=AMOUNT),
    Measure("exchange-gain", _("Exchange gain"), ("credit-notes", "payments"), reveals=(*AMOUNT, "rate", "currency")),
    ShippedKpi(
        "invoiced-net", _("Invoiced net"), "invoiced", _("Net of the lines of posted invoices less those of credit notes, in base currency."), INVOICED,
    ),
    ShippedKpi(
        "cash-received", _("Cash received"), "cash", _("Posted payments received less those paid out, in base currency."), _("Payment date"), NO_PRODUCT,
    ),
    ShippedKpi(
        "receivables", _("Receivables"), "receivable",
        _("What is open of posted invoices, less payments and credit notes that no invoice took, in base currency."),
        _("Balance at the end of the period, today at the latest"), NO_PRODUCT, up_is_good=False, over="until",
    ),
    ShippedKpi(
        "overdue", pgettext_lazy("figure", "Overdue"), "overdue", _("What is open of invoices that were due before that day, in base currency."),
        _("Balance at the end of the period, today at the latest"), NO_PRODUCT, up_is_good=False, over="until",
    ),
    ShippedKpi(
        "dso", _("Days sales outstanding"), "receivable", _("Receivables / (invoices less credit notes, with tax, of the 90 days up to that day) x 90."),
        _("Balance at the end of the period, today at the latest; invoices of the 90 days before"), NO_PRODUCT, up_is_good=False, over="until",
        per=Part(("invoiced-gross",), 90), scale=90, format="days",
    ),
    ShippedKpi(
        "gross-margin", _("Gross margin"), ("invoiced", "cost-of-sales"),
        _("Invoiced net less the cost of what was invoiced and not credited; lines without a known cost count at a cost of zero."), COST_DATE,
        known_by=("costed-lines",), unknown_by=("uncosted-lines",), unknown_called="without_cost",
    ),
    ShippedKpi(
        "profit", _("Profit"), ("invoiced", "cost-of-sales"), _("Gross margin less costs charged to the same customer, product, person or unit."), COST_DATE,
        known_by=("costed-lines",), unknown_by=("uncosted-lines",), unknown_called="without_cost",
    ),
    ShippedKpi(
        "exchange-gain", _("Exchange gain"), "exchange-gain",
        _("What allocated amounts were worth on the day of the payment less what they were worth on the invoice."), _("Payment date"), NO_PRODUCT,
    ),
)  # fmt: skip

extend(
    "accounts", related=(("invoices", "account"), ("payments", "account"), ("credit-notes", "account")),
    overview=(
        Excerpt(
            "invoices", "account", _("Invoices due"), {"all": [["status", "eq", "posted"], ["open", "gt", "0"]]}, ("number", "due_date", "open"),
            ("due_date",), late="due_date",
        ),
    ),
    figures=tuple((key, "account") for key in ("invoiced-net", "cash-received", "receivables", "overdue", "gross-margin")),
)  # fmt: skip
register(
    Report(
        "ageing", _("Ageing"), statements.ageing, statements.ageing_inputs, statements.sees, icon="calendar-stats",
        explains=_("What is open of posted invoices by how long it is overdue, in base currency, less what no invoice took yet."),
    ),
    Report(
        "statement", _("Statement"), statements.statement, statements.statement_inputs, statements.sees, slug="accounts", icon="report-money",
        explains=_("Posted invoices, credit notes and payments, and what was owed after each."),
    ),
)  # fmt: skip
extend("products", figures=(("invoiced-net", "product"), ("gross-margin", "product")))
