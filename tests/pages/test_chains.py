"""The chain of documents around a record: the same from each of them, with what is left, and never more than its reader sees (N18)."""

import re

import pytest

from core import access, chain, door, registry, write
from tests import factories, people


def do(user, slug, record, act, **data):
    return door.writing(lambda: write.act(access.actor_for(user), registry.get(slug), record.pk, act, data))


@pytest.fixture(scope="module")
def documents(alice):
    """An order of 5 at 10.00, of which 2 were shipped and invoiced, and 15.00 of the 20.00 paid."""
    actor = access.actor_for(alice)
    product = factories.make("products", actor, kind="good", name="Bolt", unit_price="10")
    order = factories.make("orders", actor, lines=[{"product": str(product.pk), "quantity": "5", "unit_price": "10"}], charges=[])
    do(alice, "orders", order, "confirm")
    order = registry.get("orders").model.objects.get(pk=order.pk)
    warehouse = {"warehouse": str(order.warehouse_id)} if order.warehouse_id else {"warehouse": str(factories.make("warehouses", actor).pk)}
    factories.make("stock-moves", actor, product=str(product.pk), quantity="9", unit_cost="4", kind="receipt", **warehouse)
    line = str(order.lines.get().pk)
    delivery = do(alice, "orders", order, "deliver", lines=[{"order_line": line, "quantity": "2"}])
    do(alice, "deliveries", delivery, "ship")
    invoice = do(alice, "orders", order, "invoice", basis="delivered")
    do(alice, "invoices", invoice, "post")
    payment = factories.make("payments", actor, account=str(order.account_id), amount="15", direction="in")
    do(alice, "payments", payment, "post")
    do(alice, "payments", payment, "allocate", items=[{"invoice": str(invoice.pk), "amount": "15"}])
    return {"orders": order, "deliveries": delivery, "invoices": invoice, "payments": payment}


def around(user, slug, record):
    return door.reading(lambda: chain.around(access.actor_for(user), registry.get(slug), registry.get(slug).model.objects.get(pk=record.pk)))


def test_every_document_of_a_chain_shows_the_whole_of_it(alice, documents):
    all_of_them = {(slug, record.pk) for slug, record in documents.items()}
    for slug, record in documents.items():
        found = around(alice, slug, record)
        assert found.nodes.keys() == all_of_them, slug
        assert {(early[0], late[0]) for early, late in found.edges} == {("orders", "deliveries"), ("orders", "invoices"), ("invoices", "payments")}
        assert found.verified
        assert found.differs == []


def test_what_is_left_stands_at_its_step(alice, documents):
    nodes = {key[0]: node for key, node in around(alice, "payments", documents["payments"]).nodes.items()}
    left = {slug: {str(label): str(text) for label, text in node.remains} for slug, node in nodes.items()}
    assert left["orders"]["To ship"] == "3"
    assert "5.00" in left["invoices"]["Open"]
    assert nodes["orders"].rank < nodes["deliveries"].rank == nodes["invoices"].rank < nodes["payments"].rank


def test_the_page_draws_it_with_a_link_to_each_and_the_present_one_marked(alice, client_for, documents):
    for slug, record in documents.items():
        page = client_for(alice).get(f"/{slug}/{record.pk}/").content.decode()
        card = page[page.index('id="chain-title"') : page.index("</section>", page.index('id="chain-title"'))]
        linked = set(re.findall(r'class="chain-name"><a href="/([a-z-]+)/', card))
        assert linked == documents.keys() - {slug}
        assert card.count('aria-current="true"') == 1
        assert card.count("<path") == 3
        assert "adds up" in card


def test_the_api_tells_amounts_and_what_went_over(alice, api_for, documents):
    found = api_for(alice).get(f"invoices/{documents['invoices'].pk}/chain/").json()
    amounts = {node["type"]: node["amount"] for node in found["nodes"]}
    assert amounts == {"orders": "50.00", "deliveries": "20.00", "invoices": "20.00", "payments": "15.00"}
    went = {(edge["from"]["type"], edge["to"]["type"]): edge["text"] for edge in found["edges"]}
    assert "15.00" in went["invoices", "payments"]
    assert (found["adds_up"], found["more"]) == (True, False)


def test_who_does_not_see_a_document_finds_a_chain_without_it(alice, api_for, documents):
    grants = [{"type": slug, "actions": ["view"], "scope": "all"} for slug in ("orders", "payments")]
    role = factories.make("roles", access.actor_for(alice), name="Watchers", grants=grants)
    watcher = people.new_user("Wanda", roles=[str(role.pk)])
    assert {key[0] for key in around(watcher, "orders", documents["orders"]).nodes} == {"orders"}  # what lies beyond the unseen is not reached
    assert api_for(watcher).get(f"invoices/{documents['invoices'].pk}/chain/").status_code == 404
    found = api_for(watcher).get(f"orders/{documents['orders'].pk}/chain/").content.decode()
    assert not any(str(documents[slug].pk) in found for slug in ("deliveries", "invoices", "payments"))


def test_who_sees_no_amounts_is_told_none(alice, api_for, documents):
    grants = [
        {"type": "orders", "actions": ["view"], "scope": "all", "hidden": ["total", "lines", "net"]},
        {"type": "invoices", "actions": ["view"], "scope": "all", "hidden": ["open", "total"]},
        {"type": "payments", "actions": ["view"], "scope": "all"},
    ]
    role = factories.make("roles", access.actor_for(alice), name="Half blind", grants=grants)
    found = api_for(people.new_user("Hal", roles=[str(role.pk)])).get(f"invoices/{documents['invoices'].pk}/chain/").json()
    by_type = {node["type"]: node for node in found["nodes"]}
    assert by_type["invoices"]["remains"] == by_type["orders"]["remains"] == []
    assert all(edge["text"] == "" for edge in found["edges"] if edge["from"]["type"] == "invoices")


def test_types_without_a_chain_have_none(alice, api_for):
    account = factories.make("accounts", access.actor_for(alice))
    assert api_for(alice).get(f"accounts/{account.pk}/chain/").status_code == 404


def test_what_is_over_shows_the_day_it_ended(alice):
    actor = access.actor_for(alice)
    deal = factories.make("opportunities", actor, close_date="2031-12-24")
    before = around(alice, "opportunities", deal).nodes[("opportunities", deal.pk)]
    assert before.shown.values[before.date].isoformat() == "2031-12-24"
    do(alice, "opportunities", deal, "win")
    after = around(alice, "opportunities", deal).nodes[("opportunities", deal.pk)]
    assert after.shown.values[after.date] == registry.get("opportunities").model.objects.get(pk=deal.pk).ended_on


def test_what_another_document_did_to_one_is_said_in_words(alice, documents, client_for):
    page = client_for(alice).get(f"/invoices/{documents['invoices'].pk}/?tab=history").content.decode()
    assert ">Allocate<" in page and ">allocate<" not in page
