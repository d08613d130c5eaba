"""The doctor finds nothing in sound books, and of every fault planted by SQL exactly the checks it breaks, with the document they name."""

import json
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from core import doctor, jobs
from core.models import Checkup, Fact
from crm.models import Activity
from tests.erp.test_deliveries import Shop

SLOW = "figures"


class Books:
    """A small company's year: what each fault is planted in."""

    def __init__(self, shop: Shop):
        self.shop = shop
        self.store = shop.post("warehouses/", {"name": "Strict"})["id"]
        for quantity, cost in (("20", "58"), ("5", "63")):
            shop.post("stock-moves/", {"warehouse": self.store, "product": shop.a, "quantity": quantity, "unit_cost": cost})
        self.order = shop.order((shop.a, "10", "0.05"), (shop.b, "7"), warehouse=self.store, charges=[{"name": "Freight", "amount": "4.20"}])
        line = self.order["lines"][0]["id"]
        shop.post("stock-moves/", {"warehouse": self.store, "product": shop.b, "quantity": "50", "unit_cost": "4"})
        self.sent = shop.ship(shop.deliver(self.order, [{"order_line": line, "quantity": "4"}]))
        self.back = shop.ship(shop.post(f"deliveries/{self.sent['id']}/return/", {"lines": [{"delivery_line": self.sent["lines"][0]["id"], "quantity": "1"}]}))
        self.invoice = self.posted("invoices", shop.post(f"orders/{self.order['id']}/invoice/", {"basis": "ordered"}))
        lines = [{"invoice_line": self.invoice["lines"][0]["id"], "quantity": "1"}]
        self.note = self.posted("credit-notes", shop.post(f"invoices/{self.invoice['id']}/credit/", {"lines": lines}))
        self.payment = self.posted("payments", shop.post("payments/", {"account": shop.account, "date": "2026-03-01", "amount": "100"}))
        shop.post(f"payments/{self.payment['id']}/allocate/", {"items": [{"invoice": self.invoice["id"], "amount": "40"}]}, status=200)
        closed = shop.order((shop.a, "3"))
        self.closed = shop.post(f"orders/{closed['id']}/close/", {}, status=200)
        pipeline = shop.get("pipelines/")["results"][0]
        self.deal = shop.post("opportunities/", {"name": "Deal", "account": shop.account, "pipeline": pipeline["id"], "amount": "500", "probability": "0.2"})

    def posted(self, slug: str, draft: dict) -> dict:
        return self.shop.post(f"{slug}/{draft['id']}/post/", {}, status=200)


@pytest.fixture(scope="module")
def books(company, alice) -> Books:
    from tests import people  # noqa: PLC0415 - a key for the whole module, as the fixture of functions has one for each

    return Books(Shop(people.api(alice, company)))


def table(name: str) -> str:
    return f'"{name}"'


def run(statement: str, values: tuple = ()) -> list:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def unguarded(*names: str):
    """The guards of these tables let everything through inside the block, which is one transaction."""
    with transaction.atomic():
        for name in names:
            run(f"ALTER TABLE {table(name)} DISABLE TRIGGER USER")
        yield
        run("SET CONSTRAINTS ALL IMMEDIATE")
        for name in names:
            run(f"ALTER TABLE {table(name)} ENABLE TRIGGER USER")


@contextmanager
def changed(home: str, where: str, values: tuple, **columns: str):
    """One row differs, by SQL expressions, inside the block."""
    names = list(columns)
    pk = "key" if home == "core_sequence" else "id"
    ((ident, *before),) = run(f"SELECT {pk}, {', '.join(names)} FROM {table(home)} WHERE {where}", values)
    with unguarded(home):
        run(f"UPDATE {table(home)} SET {', '.join(f'{n} = {e}' for n, e in columns.items())} WHERE {pk} = %s", (ident,))
    try:
        yield
    finally:
        with unguarded(home):
            run(f"UPDATE {table(home)} SET {', '.join(f'{n} = %s' for n in names)} WHERE {pk} = %s", (*before, ident))


@contextmanager
def removed(name: str, where: str, values: tuple):
    """Rows are missing inside the block."""
    with unguarded(name):
        run(f"CREATE TABLE kept_by_a_test AS SELECT * FROM {table(name)} WHERE {where}", values)
        assert run("SELECT count(*) FROM kept_by_a_test") != [(0,)]
        run(f"DELETE FROM {table(name)} WHERE {where}", values)
    try:
        yield
    finally:
        run(f"INSERT INTO {table(name)} OVERRIDING SYSTEM VALUE SELECT * FROM kept_by_a_test")
        run("DROP TABLE kept_by_a_test")


@contextmanager
def added(name: str, columns: str, select: str, values: tuple = ()):
    """A row too much inside the block."""
    ((ident,),) = run(f"INSERT INTO {table(name)} ({columns}) {select} RETURNING id", values)
    try:
        yield
    finally:
        with unguarded(name):
            run(f"DELETE FROM {table(name)} WHERE id = %s", (ident,))


def found(*only: str) -> dict[str, list[doctor.Difference]]:
    report = doctor.examine(only=only or [name for name in doctor.checks if name != SLOW])
    assert not [r.error for r in report.results if r.error]
    return {r.name: r.found for r in report.results if r.differences}


FACT = "measure, value, business_date, source_type, source_id, account, unit"
SALE = "SELECT 'ordered', 1, business_date, source_type, source_id, account, unit FROM core_fact WHERE source_id = %s LIMIT 1"
LINE = "order_id = %s AND position = 0"

OF_B = "warehouse_id = %s AND on_hand > 40"

# what is planted -> (how, the checks that find it, and the document that the first of them names)
FAULTS = {
    "a fact too much": (lambda b: added("core_fact", FACT, SALE, (b.order["id"],)), ("facts",), "order"),
    "a fact is missing": (
        lambda b: removed("core_fact", "source_id = %s AND measure = 'receivable' AND value > 100", (b.invoice["id"],)), ("facts", "receivables"), "invoice",
    ),
    "a fact of nothing": (
        lambda b: added("core_fact", FACT, "SELECT 'ordered', 1, now()::date, 'orders', uuidv7(), NULL, NULL"), ("facts-sources",), None,
    ),
    "more was shipped of a line than its deliveries say": (
        lambda b: changed("erp_orderline", LINE, (b.order["id"],), shipped="shipped + 1"), ("order-documents", "stock-kept"), "order",
    ),
    "more was returned": (lambda b: changed("erp_orderline", LINE, (b.order["id"],), returned="returned + 1"), ("order-documents",), "order"),
    "less was invoiced": (lambda b: changed("erp_orderline", LINE, (b.order["id"],), invoiced="invoiced - 1"), ("order-documents",), "order"),
    "more was credited": (lambda b: changed("erp_orderline", LINE, (b.order["id"],), credited="credited + 1"), ("order-documents",), "order"),
    "an ordered quantity": (
        lambda b: changed("erp_orderline", LINE, (b.order["id"],), quantity="quantity + 1"), ("documents", "order-revisions", "trail"), "order",
    ),
    "a cancelled quantity": (lambda b: changed("erp_orderline", LINE, (b.closed["id"],), cancelled="cancelled - 1"), ("order-quantities",), "closed"),
    "a net of an order": (lambda b: changed("erp_salesorder", "id = %s", (b.order["id"],), net="net + 1", total="total + 1"), ("documents",), "order"),
    "a base amount": (lambda b: changed("erp_salesorder", "id = %s", (b.order["id"],), base_net="base_net + 0.01"), ("documents",), "order"),
    "a rate of the company's own currency": (
        lambda b: changed("erp_salesorder", "id = %s", (b.closed["id"],), rate="1.5"), ("rates", "documents"), "closed",
    ),
    "a day of a revision": (
        lambda b: changed("erp_orderrevision", "order_id = %s", (b.order["id"],), date="date - 1"), ("order-revisions", "facts"), "order",
    ),
    "a net of an invoice's line": (
        lambda b: changed("erp_invoiceline", "invoice_id = %s AND position = 0", (b.invoice["id"],), net="net + 1"), ("documents",), "invoice",
    ),
    "a tax of an invoice": (
        lambda b: changed("erp_invoice", "id = %s", (b.invoice["id"],), tax="tax + 1", charges_total="charges_total - 1"), ("documents",), "invoice",
    ),
    "what was paid": (
        lambda b: changed("erp_invoice", "id = %s", (b.invoice["id"],), paid="paid + 1", open="open - 1"), ("invoices", "trail"), "invoice",
    ),
    "what is open in base currency": (
        lambda b: changed("erp_invoice", "id = %s", (b.invoice["id"],), base_open="base_open + 1"), ("invoices", "receivables", "trail"), "invoice",
    ),
    "a day an invoice is due": (
        lambda b: changed("erp_invoice", "id = %s", (b.invoice["id"],), due_date="due_date + 3"), ("overdue", "facts", "trail"), "invoice",
    ),
    "what an allocation took off": (
        lambda b: changed("erp_allocation", "payment_id = %s", (b.payment["id"],), base_settled="base_settled + 1"), ("invoices", "facts"), "invoice",
    ),
    "what is left of a payment": (
        lambda b: changed("erp_payment", "id = %s", (b.payment["id"],), unallocated="unallocated - 1"), ("credits", "trail"), "payment",
    ),
    "what a payment is worth": (
        lambda b: changed("erp_payment", "id = %s", (b.payment["id"],), base_amount="base_amount + 1"), ("payments", "credits", "facts"), "payment",
    ),
    "what was credited of a line": (
        lambda b: changed("erp_invoiceline", "invoice_id = %s AND position = 0", (b.invoice["id"],), credited="credited + 1"), ("credited-lines",), "invoice",
    ),
    "a price of a credit note": (
        lambda b: changed("erp_creditnoteline", "credit_note_id = %s", (b.note["id"],), unit_price="unit_price + 1"), ("credited-lines", "documents"), "note",
    ),
    "what lies in stock": (lambda b: changed("erp_stocklevel", OF_B, (b.store,), on_hand="on_hand + 1"), ("stock-levels",), None),
    "what is reserved": (lambda b: changed("erp_stocklevel", OF_B, (b.store,), reserved="reserved + 1"), ("stock-levels",), None),
    "an average cost": (
        lambda b: changed("erp_stocklevel", OF_B, (b.store,), average_cost="average_cost + 0.01"), ("stock-costs",), None,
    ),
    "a reservation beyond what is open": (
        lambda b: changed("erp_reservation", "order_line_id = %s", (b.order["lines"][0]["id"],), quantity="quantity + 1"),
        ("stock-kept", "stock-levels"), "order",
    ),
    "a move is missing": (
        lambda b: removed("erp_stockmove", "delivery_id = %s", (b.sent["id"],)), ("stock-moves", "stock-levels"), "sent",
    ),
    "a cost that left": (
        lambda b: changed("erp_stockmove", "delivery_id = %s", (b.sent["id"],), unit_cost="unit_cost + 1"), ("stock-moves", "stock-costs"), "sent",
    ),
    "a worth of a delivery": (
        lambda b: changed("erp_deliveryline", "delivery_id = %s", (b.sent["id"],), base_net="base_net + 1"), ("deliveries", "facts"), "sent",
    ),
    "more came back than went": (
        lambda b: changed("erp_deliveryline", "delivery_id = %s", (b.back["id"],), quantity="5"),
        ("returns", "order-documents", "deliveries", "stock-moves", "trail"), "sent",
    ),
    "a number": (
        lambda b: changed("erp_invoice", "id = %s", (b.invoice["id"],), number="left(number, -5) || '00009'"), ("numbers", "trail"), "invoice",
    ),
    "a counter of numbers": (lambda b: changed("core_sequence", "key LIKE 'SO-%%'", (), last="last + 1"), ("numbers",), None),
    "an entry of the trail is missing": (
        lambda b: removed("core_trailentry", "about_id = %s AND act = 'add'", (b.shop.account,)), ("trail",), None,
    ),
    "a name that nobody changed": (lambda b: changed("crm_account", "id = %s", (b.shop.account,), name="'Somebody else'"), ("trail",), None),
    "a weight of a deal": (
        lambda b: changed("crm_opportunity", "id = %s", (b.deal["id"],), weighted="weighted + 1"), ("opportunities", "facts", "summaries"), None,
    ),
    "a deal counted twice": (lambda b: changed("crm_opportunitysummary", "true", (), records="records + 1"), ("summaries",), None),
    "a place in a tree": (lambda b: changed("core_orgunitlink", "depth = 0", (), depth="3"), ("trees",), None),
}  # fmt: skip


def test_sound_books_differ_nowhere(books):
    assert found(*doctor.checks) == {}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_named(books, fault):
    plant, checks, named = FAULTS[fault]
    with plant(books):
        differences = found()
    assert set(differences) == set(checks), differences
    if named:
        document = getattr(books, named)
        assert any(d.ident == document["id"] and (document["number"] in d.where or fault == "a number") for d in differences[checks[0]]), differences
    assert all(d.where and d.expected != d.found for some in differences.values() for d in some)


def test_a_figure_that_loses_facts_is_found(books):
    """A fact of a unit that is in no tree is in the total and in no unit's roll-up."""
    select = SALE.replace("'ordered', 1", "'delivered', 5").replace("account, unit", "account, uuidv7()")
    with added("core_fact", FACT, select, (books.sent["id"],)):
        assert "facts" in found("facts", SLOW)
    assert found(SLOW) == {}


def test_a_job_whose_worker_is_gone_is_found(books):
    columns = "id, kind, payload, state, attempts, lease_until, done, total, error"
    with added("core_job", columns, "SELECT uuidv7(), 'reindex', '{}', 'running', 1, now() - interval '2 hours', 0, 0, ''"):
        (difference,) = found("jobs")["jobs"]
    assert difference.where.startswith("reindex") and "running" in difference.found and jobs.ATTEMPTS == 8


def test_a_guard_that_is_off_is_found(books):
    run("ALTER TABLE core_fact DISABLE TRIGGER facts_only_grow")
    try:
        (difference,) = found("schema")["schema"]
    finally:
        run("ALTER TABLE core_fact ENABLE TRIGGER facts_only_grow")
    assert (difference.where, difference.what) == ("core_fact", "facts_only_grow")


def test_a_guard_that_is_missing_is_found(books, company):
    run("ALTER TRIGGER facts_only_grow ON core_fact RENAME TO facts_may_shrink")
    try:
        (difference,) = found("version")["version"]
    finally:
        run("ALTER TRIGGER facts_may_shrink ON core_fact RENAME TO facts_only_grow")
    assert (difference.where, difference.expected) == (company.name, "facts_only_grow")


def test_what_points_to_another_schema_is_found(books):
    run("CREATE VIEW seen_elsewhere AS SELECT * FROM public.tenants_company")
    try:
        differences = found("isolation")["isolation"]
    finally:
        run("DROP VIEW seen_elsewhere")
    assert any("seen_elsewhere" in d.found and "tenants_company" in d.found for d in differences)


def test_a_check_that_breaks_is_reported_and_the_others_are_done(books, monkeypatch):
    def broken():
        yield doctor.Difference("somewhere", "something", "1", "2")
        raise ZeroDivisionError("no")

    monkeypatch.setitem(doctor.checks, "broken", doctor.Check("broken", "It holds.", broken))
    report = doctor.examine(only=["broken", "jobs", "trees"])
    assert [(r.name, r.differences, r.error) for r in report.results if r.name == "broken"] == [("broken", 1, "ZeroDivisionError: no")]
    assert len(report.results) == 3 and report.differences == 2


def command(company, *more: str) -> tuple[int, str]:
    out, code = StringIO(), 0
    try:
        call_command("doctor", "--company", company.subdomain, *more, stdout=out, stderr=StringIO())
    except SystemExit as end:
        code = end.code
    return code, out.getvalue()


def test_the_command_says_what_differs(books, company):
    code, told = command(company)
    assert code == 0 and f"{len(doctor.checks)} checks, nothing differs" in told
    with changed("erp_salesorder", "id = %s", (books.order["id"],), base_net="base_net + 0.01"):
        code, told = command(company, "--check", "documents")
        again, as_json = command(company, "--check", "documents", "--json")
    assert code == again == 1 and books.order["number"] in told and f"/orders/{books.order['id']}/" in told
    (finding,) = json.loads(as_json)[company.subdomain]["findings"]
    assert finding["check"] == "documents" and finding["where"] == books.order["number"] and float(finding["found"]) - float(finding["expected"]) < 0.011


def test_the_night_keeps_what_it_found_and_tells_the_owner_once(books, alice, bob, client_for):
    page = client_for(alice).get("/settings/verification/")
    assert page.status_code == 200 and "not verified yet" in page.content.decode()
    assert doctor.nightly().differences == 0 and not Activity.objects.filter(subject__startswith="Verification").exists()
    assert f"{len(doctor.checks)} checks, nothing differs" in client_for(alice).get("/settings/verification/").content.decode()
    with changed("erp_salesorder", "id = %s", (books.order["id"],), base_net="base_net + 0.01"):
        kept = doctor.nightly()
        doctor.nightly()
    assert kept.differences == 1 and Checkup.objects.count() == 3
    page = client_for(alice).get(f"/settings/verification/{kept.pk}/").content.decode()
    assert f'<a href="/orders/{books.order["id"]}/">{books.order["number"]}</a>' in page and "1 difference" in page
    (task,) = Activity.objects.filter(subject__startswith="Verification")
    assert task.owner_id == alice.pk and "Lines are quantity x price" in task.body
    assert client_for(bob).get("/settings/verification/").status_code == 404
    assert "/settings/verification/" in client_for(alice).get("/").content.decode()
    assert "/settings/verification/" not in client_for(bob).get("/").content.decode()
    assert Fact.objects.exists()
