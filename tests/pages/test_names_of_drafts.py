"""What has no number yet is called by what it is; the sentence after an act says the number that the act gave."""

import pytest

from core import access, door, read, registry
from core.views.pages import TOASTS
from tests import factories


@pytest.fixture
def order(alice):
    actor = access.actor_for(alice)
    return factories.make("orders", actor, lines=[{"description": "Bolt", "quantity": "1", "unit_price": "5"}], charges=[])


def test_a_draft_says_of_which_type_it_is(alice, client_for, order):
    actor, orders = access.actor_for(alice), registry.get("orders")
    assert door.reading(lambda: read.label(actor, orders, order)) == "Draft order"
    assert door.reading(lambda: read.labels(actor, {"orders": {order.pk}})) == {"orders": {order.pk: "Draft order"}}
    assert "<h1>Draft order" in client_for(alice).get(f"/orders/{order.pk}/").content.decode()


def test_what_an_act_numbered_is_told_by_its_number(alice, client_for, order):
    client = client_for(alice)
    assert client.post(f"/orders/{order.pk}/confirm/", {"version": order.version}).status_code == 302
    order.refresh_from_db()
    assert order.number
    assert client.session[TOASTS][0]["text"] == f"Confirm: done for {order.number}."


def test_what_is_called_by_a_choice_is_called_in_its_words(alice, client_for):
    actor, moves = access.actor_for(alice), registry.get("stock-moves")
    made = factories.make("stock-moves", actor, kind="receipt", quantity="3", unit_cost="2")
    assert door.reading(lambda: read.label(actor, moves, made)) == "Receipt"
    assert door.reading(lambda: read.labels(actor, {"stock-moves": {made.pk}})) == {"stock-moves": {made.pk: "Receipt"}}
    assert "<h1>Receipt" in client_for(alice).get(f"/stock-moves/{made.pk}/").content.decode()
