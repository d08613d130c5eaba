"""Acts that take rows, by their page alone: what is left is offered, what is zero stays out, and a refusal stands at its row."""

import re

import pytest

from core import access, door, registry, write
from erp.models import Delivery, DeliveryLine
from tests import factories


def do(user, slug, record, act, **data):
    return door.writing(lambda: write.act(access.actor_for(user), registry.get(slug), record.pk, act, data))


@pytest.fixture
def order(alice):
    """A confirmed order of 6 bolts and 2 nuts."""
    actor = access.actor_for(alice)
    bolts, nuts = (factories.make("products", actor, name=name) for name in ("Bolt", "Nut"))
    lines = [{"product": str(bolts.pk), "quantity": "6", "description": "Bolt"}, {"product": str(nuts.pk), "quantity": "2", "description": "Nut"}]
    made = factories.make("orders", actor, lines=lines, charges=[])
    do(alice, "orders", made, "confirm")
    return made


@pytest.fixture
def form(alice, client_for, order):
    """The form of the act with its hidden values, as a browser without a script would send it."""
    client = client_for(alice)
    address = f"/orders/{order.pk}/deliver/"

    def send(**over):
        page = client.get(address).content.decode()
        shown = dict(re.findall(r'<input[^>]* name="((?:lines\.\d+\.[a-z_]+|version|whole))"[^>]* value="([^"]*)"', page))
        return client.post(address, {name: value for name, value in (shown | over).items() if value is not None})

    return send


def delivered(order):
    return {row.order_line.position: row.quantity for row in DeliveryLine.objects.filter(delivery__order=order).select_related("order_line")}


def test_all_that_is_left_is_offered_and_the_answer_is_the_new_record(form, order):
    answer = form()
    made = Delivery.objects.get(order=order)
    assert (answer.status_code, answer["Location"]) == (302, f"/deliveries/{made.pk}/")
    assert delivered(order) == {0: 6, 1: 2}


def test_the_form_says_what_its_rows_are_about(alice, client_for, order):
    page = client_for(alice).get(f"/orders/{order.pk}/deliver/").content.decode()
    assert [text for text in ("Bolt", "Nut") if re.search(rf'class="fixed">\s*{text}', page)] == ["Bolt", "Nut"]
    assert 'name="add"' not in page  # rows are picked, none is made up


@pytest.mark.parametrize("nothing", ["", "0", "0.00", None])
def test_a_row_that_is_empty_zero_or_gone_is_left_out(form, order, nothing):
    gone = {"lines.0.order_line": None} if nothing is None else {}
    assert form(**{"lines.0.quantity": nothing}, **gone).status_code == 302
    assert delivered(order) == {1: 2}


def test_wanting_nothing_is_refused_and_does_nothing(form, order):
    answer = form(**{"lines.0.quantity": "0", "lines.1.quantity": ""})
    assert answer.status_code == 422
    assert "Nothing is chosen" in answer.content.decode()
    assert not Delivery.objects.filter(order=order).exists()


@pytest.mark.parametrize("typed", ["3", "many"])
def test_a_refusal_stands_at_the_row_it_is_about(form, order, typed):
    """The row before it was left out and not sent: the place named by the rule is not the place in the form."""
    answer = form(**{"lines.0.quantity": "0", "lines.1.quantity": typed})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert re.findall(r'name="(lines\.\d+\.quantity)"[^>]*aria-invalid="true"', page) == ["lines.1.quantity"]
    assert f'value="{typed}"' in page  # nothing typed is lost
    assert not Delivery.objects.filter(order=order).exists()


def test_a_row_is_taken_out_without_a_script(form, order, client_for, alice):
    answer = form(remove="lines.0")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert ("Bolt</span>" in page, "Nut</span>" in page) == (False, True)
    assert not Delivery.objects.filter(order=order).exists()


def test_what_was_delivered_meanwhile_is_offered_no_more(form, order, client_for, alice):
    form(**{"lines.0.quantity": "4", "lines.1.quantity": "0"})
    page = client_for(alice).get(f"/orders/{order.pk}/deliver/").content.decode()
    assert re.findall(r'name="lines\.\d+\.quantity"[^>]* value="([^"]*)"', page) == ["2", "2"]
    form()
    assert "Nothing is left to choose from." in client_for(alice).get(f"/orders/{order.pk}/deliver/").content.decode()


def test_an_act_with_a_default_shows_it(alice, client_for, order):
    page = client_for(alice).get(f"/orders/{order.pk}/invoice/").content.decode()
    assert re.search(r'<option value="delivered" selected>', page)


def test_what_has_nothing_left_is_not_offered(alice, client_for, order):
    client = client_for(alice)

    def offered():
        page = client.get(f"/orders/{order.pk}/").content.decode()
        return [act for act in ("deliver", "invoice", "amend") if f'/orders/{order.pk}/{act}/"' in page]

    assert offered() == ["deliver", "invoice", "amend"]
    delivery = do(alice, "orders", order, "deliver")
    assert offered() == ["invoice", "amend"]  # a draft has it all
    do(alice, "deliveries", delivery, "ship")
    invoice = do(alice, "orders", order, "invoice", basis="delivered")
    do(alice, "invoices", invoice, "post")
    assert offered() == ["amend"]
