"""Which modules of tests take longest. They begin first, so that no worker is left alone with one of them at the end."""

LONGEST = (
    "tests/deploy/test_demo.py", "tests/api/test_conformance.py", "tests/kpi/test_random_kpis.py", "tests/fields/test_random_fields.py",
    "tests/browser/test_pages.py", "tests/browser/test_dealer.py", "tests/pages/test_objects.py", "tests/erp/test_histories.py", "tests/pages/test_chinese.py",
    "tests/pages/test_kpis.py",
    "tests/tenancy/test_provisioning.py", "tests/deploy/test_up.py", "tests/erp/test_billing_random.py", "tests/erp/test_order_facts.py",
    "tests/crm/test_selling_facts.py", "tests/transfer/test_northwind.py", "tests/core/test_kpi_snapshot.py", "tests/erp/test_billing_races.py",
    "tests/formulas/test_equal.py", "tests/shaping/test_yielding.py", "tests/core/test_access.py", "tests/deploy/test_servers.py", "tests/core/test_jobs.py",
    "tests/pages/test_customer_page.py", "tests/fields/test_sheet.py", "tests/shaping/test_packs.py", "tests/browser/test_target_sheet.py",
    "tests/browser/test_chain.py", "tests/browser/test_designer.py", "tests/browser/test_formulas.py", "tests/browser/test_forms.py",
)  # fmt: skip
PLACES = {name: place for place, name in enumerate(LONGEST)}


def place(nodeid: str) -> int:
    """Where a test stands among those of other modules: after the longest, they stay in the order they were found."""
    return PLACES.get(nodeid.partition("::")[0], len(PLACES))
