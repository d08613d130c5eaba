"""The generic pages of every type: they open, save, refuse and show as the registry says; and cost the same for few and for many."""

import re

import pytest

from core import access, door, registry, write

SLUGS = sorted(t.slug for t in registry.every())
WRITTEN = sorted(t.slug for t in registry.every() if t.writable)


def make(user, slug, **data):
    return door.writing(lambda: write.create(access.actor_for(user), registry.get(slug), data))


def values_for(user, slug):
    """Valid texts of a form for a new record of this type."""
    made = {
        "org-units": {"name": "North"},
        "users": {"name": "Erin", "email": f"erin{len(SLUGS)}@example.com", "password": "plum-orchard-lantern"},
        "roles": {"name": "Guests", "grants.0.type": "accounts", "grants.0.actions": "view", "grants.0.scope": "own"},
        "custom-fields": {"type": "contacts", "key": "nickname", "kind": "text", "label": "Nickname"},
        "tax-codes": {"code": "VAT7", "rate": "7"}, "accounts": {"name": "Form Ltd", "roles": ["customer"]}, "contacts": {"name": "Frank"},
        "activities": {"kind": "call", "subject": "Called"},
        "product-categories": {"name": "Tools"}, "products": {"sku": "F-1", "name": "Hammer", "unit_price": "9.90"},
    }  # fmt: skip
    if slug == "orders":
        account = make(user, "accounts", name="Orders Ltd")
        return {"account": str(account.pk), "lines.0.description": "Work", "lines.0.quantity": "2", "lines.0.unit_price": "10", "lines.0.discount": "5%"}
    return made[slug]


def ident_in(response):
    return re.search(r'name="id" value="([^"]+)"', response.content.decode())[1]


def version_in(response):
    return re.search(r'name="version" value="(\d+)"', response.content.decode())[1]


@pytest.fixture(scope="module")
def order(alice):
    account = make(alice, "accounts", name="Acme", country="DE", roles=["customer"], email="info@acme.example", phone="+49 30 901820")
    product = make(alice, "products", sku="P-1", name="Bolt", unit_price="10")
    lines = [{"product": str(product.pk), "quantity": "3"}, {"product": str(product.pk), "quantity": "1", "unit_price": "9.99", "discount": "0.1"}]
    return make(alice, "orders", account=str(account.pk), lines=lines, charges=[{"name": "Freight", "amount": "5"}])


@pytest.mark.parametrize("slug", SLUGS)
def test_the_list_of_every_type_opens(slug, alice, client_for, order):
    response = client_for(alice).get(f"/{slug}/")
    assert response.status_code == 200
    assert str(registry.get(slug).plural) in response.content.decode()


@pytest.mark.parametrize("slug", WRITTEN)
def test_every_type_is_made_read_and_changed_by_its_forms(slug, alice, client_for):
    client = client_for(alice)
    blank = client.get(f"/{slug}/new/")
    assert blank.status_code == 200, blank.content
    sent = {"whole": "1", "id": ident_in(blank), **values_for(alice, slug)}
    made = client.post(f"/{slug}/new/", sent)
    assert made.status_code == 302, re.findall(r"<span>(.*?)</span>", made.content.decode())
    assert made["Location"] == f"/{slug}/{sent['id']}/"
    again = client.post(f"/{slug}/new/", sent)
    assert (again.status_code, again["Location"]) == (302, made["Location"])  # a second click makes no second record
    page = client.get(made["Location"])
    assert page.status_code == 200
    assert client.get(f"{made['Location']}?tab=history").status_code == 200
    form = client.get(f"{made['Location']}edit/")
    assert form.status_code == 200
