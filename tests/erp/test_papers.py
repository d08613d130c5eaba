"""Papers of an order's road, printed for whom they are; and what a credit note has left over, settling another invoice."""

from decimal import Decimal

import pytest

from core import context
from tests import people
from tests.erp import trading
from tests.erp.trading import add, allocate, bill, do, figure, ok, pay, read, ship


@pytest.fixture(scope="module")
def company():
    with context.bind(people.new_company(currency="EUR", country="DE")) as made:
        yield made


@pytest.fixture(scope="module")
def owner(company):
    return people.owner_of(company)


@pytest.fixture(scope="module")
def api(company, owner):
    return people.api(owner, company)


@pytest.fixture(scope="module")
def road(api):
    """An order, what was shipped and brought back of it, billed and credited."""
    tax = add(api, "tax-codes", code="VAT 19", rate="0.19")
    thing = trading.product(api, "100.00", cost="60.00", tax_code=tax["id"])
    customer = add(api, "accounts", name="上海精密仪器有限公司", roles=["customer"], country="CN", city="上海", street="南京西路 1 号", payment_days=30)
    sold = trading.order(api, customer, [{"product": thing["id"], "quantity": "3"}], "2026-01-10", charges=[{"name": "Freight", "amount": "12.00"}])
    sent = ship(api, sold, "2026-01-12")
    billed = bill(api, sold, "2026-01-13")
    back = do(api, "deliveries", do(api, "deliveries", sent, "return", 201, lines=[{"delivery_line": sent["lines"][0]["id"], "quantity": "1"}]), "ship")
    note = do(api, "invoices", billed, "credit", 201, lines=[{"invoice_line": billed["lines"][0]["id"], "quantity": "1"}])
    return {"orders": sold, "deliveries": sent, "returns": back, "invoices": billed, "credit-notes": note, "customer": customer, "thing": thing}


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
@pytest.mark.parametrize(("slug", "step"), [(slug, slug) for slug in ("orders", "deliveries", "invoices", "credit-notes")] + [("deliveries", "returns")])
def test_every_step_has_its_paper(company, owner, road, slug, step, language):
    answer = people.signed_in(owner, company).get(f"/{slug}/{road[step]['id']}/pdf/", {"language": language})
    assert answer.status_code == 200 and answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF") and len(answer.content) > 5000


def test_who_may_not_see_what_stands_on_a_paper_does_not_get_it(company, road):
    stranger = people.new_user("Nobody")
    assert people.signed_in(stranger, company).get(f"/invoices/{road['invoices']['id']}/pdf/").status_code == 404


def test_what_a_credit_note_has_left_over_settles_another_invoice(api, road):
    sold = trading.order(api, road["customer"], [{"product": road["thing"]["id"], "quantity": "2"}], "2026-02-01")
    ship(api, sold, "2026-02-01")
    first = bill(api, sold, "2026-02-02")
    allocate(api, pay(api, road["customer"], first["total"], "2026-02-03"), (first, first["total"]))
    note = do(api, "credit-notes", do(api, "invoices", first, "credit", 201), "post", date="2026-02-04")
    assert Decimal(note["unallocated"]) == Decimal(first["total"]) == 238
    owed = figure(api, "receivables")
    other = trading.order(api, road["customer"], [{"product": road["thing"]["id"], "quantity": "1"}], "2026-02-05")
    ship(api, other, "2026-02-05")
    second = bill(api, other, "2026-02-05")
    refused = api.post(f"credit-notes/{note['id']}/allocate/", {"items": [{"invoice": second["id"], "amount": "120"}]})
    assert refused.status_code == 422 and "items.0.amount" in refused.json()["errors"]
    do(api, "credit-notes", note, "allocate", items=[{"invoice": second["id"], "amount": "119"}])
    second, note = read(api, "invoices", second), read(api, "credit-notes", note)
    assert [Decimal(second[n]) for n in ("paid", "credited", "open")] == [0, 119, 0]
    assert Decimal(note["unallocated"]) == 119
    assert figure(api, "receivables") == owed + 119
    ok(api.post(f"credit-notes/{note['id']}/allocate/", {"items": [{"invoice": first["id"], "amount": "1"}]}), 422)
