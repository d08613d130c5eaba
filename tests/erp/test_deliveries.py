"""Orders delivered in parts, brought back, cancelled half-way; stock that runs out; two who want the last piece."""

from decimal import Decimal
from functools import partial
from itertools import count

import pytest

from tests.core.racing import race

_number = count(1)


def D(text):
    return Decimal(str(text))


class Shop:
    """A company as a program sees it: products, a customer, orders and what is done with them."""

    def __init__(self, api):
        self.api = api
        self.account = self.post("accounts/", {"name": "Birch & Sons", "roles": ["customer"], "payment_days": 14})["id"]
        self.a = self.product("100.00", "60.00")
        self.b = self.product("9.99", "4.00")

    def product(self, price, cost=None):
        number = next(_number)
        return self.post("products/", {"sku": f"P{number}", "name": f"Product {number}", "unit_price": price, "cost": cost})["id"]

    def post(self, path, body=None, status=201):
        response = self.api.post(path, body or {})
        assert response.status_code == status, response.content.decode()
        return response.json()

    def get(self, path):
        response = self.api.get(path)
        assert response.status_code == 200, response.content.decode()
        return response.json()

    def order(self, *lines, **more):
        rows = [dict(zip(("product", "quantity", "discount"), line, strict=False)) for line in lines]
        made = self.post("orders/", {"account": self.account, "lines": rows, **more})
        return self.post(f"orders/{made['id']}/confirm/", status=200)

    def deliver(self, order, lines=None, **more):
        return self.post(f"orders/{order['id']}/deliver/", ({} if lines is None else {"lines": lines}) | more)

    def ship(self, delivery, **more):
        return self.post(f"deliveries/{delivery['id']}/ship/", more, status=200)

    def value(self, key, **words):
        return self.get(f"kpis/{key}/value/?" + "&".join(f"{k}={v}" for k, v in words.items()))["value"]

    def level(self, product, warehouse=None):
        found = self.get(f"stock-levels/?product={product}" + (f"&warehouse={warehouse}" if warehouse else ""))["results"]
        return {n: D(found[0][n]) for n in ("on_hand", "reserved", "free")} if found else {}


@pytest.fixture
def shop(api_for, alice):
    return Shop(api_for(alice))


def test_an_order_is_delivered_in_parts_and_part_comes_back(shop):
    order = shop.order((shop.a, "10", "0.05"), (shop.b, "7"))
    line_a, line_b = (line["id"] for line in order["lines"])
    before = D(shop.value("delivered"))
    assert shop.level(shop.a)["reserved"] == 10
    first = shop.deliver(order, [{"order_line": line_a, "quantity": "4"}, {"order_line": line_b, "quantity": "7"}])
    assert first["status"] == "draft" and first["lines"][0]["order_line"]["id"] == line_a
    rest = shop.deliver(order)
    assert [D(line["quantity"]) for line in rest["lines"]] == [6]
    assert shop.api.post(f"orders/{order['id']}/deliver/", {}).status_code == 409  # drafts count as taken
    first = shop.ship(first)
    assert first["number"].startswith("DO-") and first["status"] == "shipped"
    assert D(shop.value("delivered")) - before == D("449.93")
    assert shop.level(shop.a) == {"on_hand": -4, "reserved": 6, "free": -10}
    shop.ship(rest)
    back = shop.post(f"deliveries/{first['id']}/return/", {"lines": [{"delivery_line": first["lines"][0]["id"], "quantity": "1"}]})
    assert back["kind"] == "return" and back["status"] == "draft"
    assert D(shop.value("delivered")) - before == D("1019.93")
    assert shop.ship(back)["number"].startswith("RT-")
    assert D(shop.value("delivered")) - before == D("924.93")
    order = shop.get(f"orders/{order['id']}/")
    assert [(D(x["shipped"]), D(x["returned"]), D(x["open"])) for x in order["lines"]] == [(10, 1, 0), (7, 0, 0)]
    assert shop.level(shop.a) == {"on_hand": -9, "reserved": 0, "free": -9}
    too_much = shop.api.post(f"deliveries/{first['id']}/return/", {"lines": [{"delivery_line": first["lines"][0]["id"], "quantity": "4"}]})
    assert too_much.status_code == 422 and "lines.0.quantity" in too_much.json()["errors"]


def test_cancelling_takes_back_what_was_not_shipped(shop):
    intake, orders = D(shop.value("order-intake")), D(shop.value("orders"))
    order = shop.order((shop.a, "10", "0.05"))
    shop.ship(shop.deliver(order, [{"order_line": order["lines"][0]["id"], "quantity": "4"}]))
    waiting = shop.deliver(order)
    order = shop.post(f"orders/{order['id']}/cancel/", {"reason": "too late"}, status=200)
    line = order["lines"][0]
    assert [D(line[n]) for n in ("quantity", "shipped", "cancelled", "open")] == [10, 4, 6, 0]
    assert D(shop.value("order-intake")) - intake == 380
    assert D(shop.value("orders")) - orders == 1  # something was shipped
    assert shop.api.post(f"deliveries/{waiting['id']}/ship/", {}).status_code == 409


def test_an_amendment_does_not_fall_below_what_was_shipped(shop):
    order = shop.order((shop.a, "10"))
    line = order["lines"][0]["id"]
    shop.ship(shop.deliver(order, [{"order_line": line, "quantity": "4"}]))
    for lines, field in (([{"id": line, "quantity": "3"}], "lines.0.quantity"), ([{"product": shop.b, "quantity": "1"}], "lines")):
        refused = shop.api.post(f"orders/{order['id']}/amend/", {"lines": lines})
        assert refused.status_code == 422 and field in refused.json()["errors"], refused.content
    assert D(shop.get(f"orders/{order['id']}/")["lines"][0]["quantity"]) == 10
    amended = shop.post(f"orders/{order['id']}/amend/", {"lines": [{"id": line, "quantity": "4"}]}, status=200)
    assert D(amended["lines"][0]["open"]) == 0


def test_orders_in_time_are_counted_when_the_last_of_them_leaves(shop):
    before = shop.get("kpis/on-time-delivery/value/?period=all")
    order = shop.order((shop.a, "2"), requested_date="2026-01-31", order_date="2026-01-10")
    late = shop.order((shop.a, "2"), requested_date="2026-01-31", order_date="2026-01-10")
    assert before["value"] is None
    shop.ship(shop.deliver(order, [{"order_line": order["lines"][0]["id"], "quantity": "1"}]), date="2026-01-20")
    assert shop.value("on-time-delivery", period="2026-01") is None
    shop.ship(shop.deliver(order), date="2026-01-31")
    assert D(shop.value("on-time-delivery", period="2026-01")) == 1
    shop.ship(shop.deliver(late), date="2026-02-01")
    assert D(shop.value("on-time-delivery", period="all")) == D("0.5")


def test_stock_that_may_not_go_below_zero_is_kept_for_the_first(shop):
    store = shop.post("warehouses/", {"name": "Strict store"})["id"]
    product = shop.product("5", "2")
    shop.post("stock-moves/", {"warehouse": store, "product": product, "quantity": "3", "unit_cost": "2.50"})
    first = shop.order((product, "2"), warehouse=store)
    second = shop.order((product, "2"), warehouse=store)
    assert shop.level(product, store) == {"on_hand": 3, "reserved": 3, "free": 0}
    refused = shop.api.post(f"deliveries/{shop.deliver(second)['id']}/ship/", {})
    assert refused.status_code == 422 and "lines.0.quantity" in refused.json()["errors"]
    assert shop.level(product, store)["on_hand"] == 3
    shop.ship(shop.deliver(first))
    assert shop.level(product, store) == {"on_hand": 1, "reserved": 1, "free": 0}
    shop.post("stock-moves/", {"warehouse": store, "product": product, "quantity": "5", "unit_cost": "4"})
    assert shop.level(product, store) == {"on_hand": 6, "reserved": 2, "free": 4}  # who waited has it now
    cost = shop.get(f"stock-levels/?product={product}")["results"][0]["average_cost"]
    assert D(cost) == D("3.75")  # (1 x 2.50 + 5 x 4.00) / 6
    below = shop.api.post("stock-moves/", {"warehouse": store, "product": product, "quantity": "-7", "kind": "adjustment"})
    assert below.status_code == 422 and shop.level(product, store)["on_hand"] == 6


def test_of_two_who_ship_the_last_piece_one_wins(shop):
    store = shop.post("warehouses/", {"name": "Last piece"})["id"]
    product = shop.product("5", "2")
    orders = [shop.order((product, "1"), warehouse=store) for _ in range(2)]
    drafts = [shop.deliver(order) for order in orders]
    shop.post("stock-moves/", {"warehouse": store, "product": product, "quantity": "1", "unit_cost": "2"})
    answers = race(*(partial(shop.api.post, f"deliveries/{draft['id']}/ship/", {}) for draft in drafts))
    assert sorted(answer.status_code for answer in answers) == [200, 422]
    assert shop.level(product, store) == {"on_hand": 0, "reserved": 0, "free": 0}


def test_a_move_is_never_changed(shop):
    product = shop.product("5")
    store = shop.get("warehouses/")["results"][-1]["id"]
    move = shop.post("stock-moves/", {"warehouse": store, "product": product, "quantity": "5", "unit_cost": "1"})
    assert shop.api.patch(f"stock-moves/{move['id']}/", {"quantity": "6"}, version=move["version"]).status_code == 422
    assert shop.api.delete(f"stock-moves/{move['id']}/", version=move["version"]).status_code == 409
    assert shop.level(product)["on_hand"] == 5


def test_a_return_is_valued_at_what_it_left_with(shop):
    store = shop.post("warehouses/", {"name": "Valued"})["id"]
    product = shop.product("5", "9")
    shop.post("stock-moves/", {"warehouse": store, "product": product, "quantity": "10", "unit_cost": "2"})
    order = shop.order((product, "4"), warehouse=store)
    sent = shop.ship(shop.deliver(order))
    assert D(sent["lines"][0]["unit_cost"]) == 2
    shop.post("stock-moves/", {"warehouse": store, "product": product, "quantity": "6", "unit_cost": "4"})  # (6 x 2 + 6 x 4) / 12 = 3
    shop.ship(shop.post(f"deliveries/{sent['id']}/return/", {}))
    cost = shop.get(f"stock-levels/?product={product}")["results"][0]["average_cost"]
    assert D(cost) == D("2.75")  # (12 x 3 + 4 x 2) / 16




def test_orders_are_found_by_what_is_left_of_them(shop):
    order = shop.order((shop.a, "2"))

    def found(word):
        return order["id"] in [row["id"] for row in shop.get(f"orders/?{word}=true&limit=200")["results"]]

    assert found("to_ship") and not found("to_invoice")
    shop.ship(shop.deliver(order))
    assert not found("to_ship") and found("to_invoice")
