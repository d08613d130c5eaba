"""An accepted quote becomes orders, in part and then the rest; never more than was quoted."""

from decimal import Decimal

import pytest

from tests.erp.test_deliveries import Shop


@pytest.fixture
def shop(api_for, alice):
    return Shop(api_for(alice))


def _quote(shop, **more):
    lines = [{"product": shop.a, "quantity": "10", "discount": "0.05"}, {"product": shop.b, "quantity": "7"}]
    quote = shop.post("quotes/", {"account": shop.account, "lines": lines, **more})
    return shop.post(f"quotes/{quote['id']}/send/", status=200)


def test_a_quote_is_ordered_in_part_and_then_the_rest(shop):
    quote = _quote(shop)
    line = quote["lines"][0]["id"]
    part = shop.post(f"quotes/{quote['id']}/order/", {"lines": [{"quote_line": line, "quantity": "4"}]})
    assert part["status"] == "draft" and part["quote"]["id"] == quote["id"] and part["lines"][0]["quote_line"]["id"] == line
    assert Decimal(part["net"]) == 380
    too_much = shop.api.post(f"quotes/{quote['id']}/order/", {"lines": [{"quote_line": line, "quantity": "7"}]})
    assert too_much.status_code == 422 and "lines.0.quantity" in too_much.json()["errors"]
    shop.post(f"quotes/{quote['id']}/accept/", status=200)
    rest = shop.post(f"quotes/{quote['id']}/order/")
    assert [Decimal(row["quantity"]) for row in rest["lines"]] == [6, 7]
    assert shop.api.post(f"quotes/{quote['id']}/order/", {}).status_code == 409  # drafts count as taken
    assert Decimal(part["net"]) + Decimal(rest["net"]) == Decimal(quote["net"])


def test_what_a_cancelled_order_did_not_ship_can_be_ordered_again(shop):
    quote = _quote(shop)
    order = shop.post(f"quotes/{quote['id']}/order/")
    shop.post(f"orders/{order['id']}/confirm/", status=200)
    shop.post(f"orders/{order['id']}/cancel/", {"reason": "wrong address"}, status=200)
    again = shop.post(f"quotes/{quote['id']}/order/")
    assert Decimal(again["net"]) == Decimal(quote["net"])


def test_a_draft_quote_and_lines_of_another_are_not_ordered(shop):
    quote, other = _quote(shop), _quote(shop)
    draft = shop.post("quotes/", {"account": shop.account, "lines": [{"product": shop.a, "quantity": "1"}]})
    assert shop.api.post(f"quotes/{draft['id']}/order/", {}).status_code == 409
    stranger = {"lines": [{"quote_line": other["lines"][0]["id"], "quantity": "1"}]}
    assert shop.api.post(f"quotes/{quote['id']}/order/", stranger).status_code == 422
    line = {"product": shop.a, "quantity": "1", "quote_line": other["lines"][0]["id"]}
    refused = shop.api.post("orders/", {"account": shop.account, "quote": quote["id"], "lines": [line]})
    assert refused.status_code == 422 and "lines.0.quote_line" in refused.json()["errors"]
    assert shop.get(f"orders/?quote={quote['id']}")["results"] == []
