"""Finding a record to refer to: by name, for those who may see it, with what it brings along (Z-09)."""

from core import access, door, registry, write


def make(user, slug, **data):
    return door.writing(lambda: write.create(access.actor_for(user), registry.get(slug), data))


def test_lookups_find_by_name_and_fill_from_the_product(alice, bob, client_for):
    make(alice, "products", sku="LK-1", name="Lookup bolt", unit_price="3.20")
    found = client_for(alice).get("/lookup/products/?fill=1&q=lookup").json()["results"]
    assert [r["label"] for r in found] == ["Lookup bolt"] and found[0]["fill"]["unit_price"] == "3.20"
    hidden_account = make(alice, "accounts", name="Hidden lookup")
    everywhere = client_for(alice).get("/lookup/any/?q=hidden").json()["results"]
    assert everywhere[0]["id"] == f"accounts:{hidden_account.pk}"
    for place in ("accounts", "any"):
        assert client_for(bob).get(f"/lookup/{place}/?q=hidden").json()["results"] == [], place
