"""The engine's doors on the first types: what is written is read, refused, recorded, and adds up."""

from decimal import Decimal

import pytest

from core import access, door, kpi, listings, query, read, registry, write
from core.errors import RuleError, Stale
from core.models import Fact, TrailEntry


@pytest.fixture(scope="module")
def owner(alice):
    return access.actor_for(alice)


def _order(actor, **more):
    account = write.create(actor, registry.get("accounts"), {"name": "Acme", "country": "DE", "roles": ["customer"]})
    product = write.create(actor, registry.get("products"), {"sku": f"P-{account.pk}", "name": "Bolt", "unit_price": "10"})
    lines = [{"product": str(product.pk), "quantity": "3"}, {"product": str(product.pk), "quantity": 1, "unit_price": "9.99", "discount": "0.1"}]
    return write.create(actor, registry.get("orders"), {"account": str(account.pk), "lines": lines, "charges": [{"name": "Freight", "amount": "5"}], **more})


def test_an_order_adds_up_and_its_facts_follow_it(owner):
    orders = registry.get("orders")

    def scenario():
        order = _order(owner)
        assert (order.net, order.total) == (Decimal("38.99"), Decimal("43.99"))
        order = write.act(owner, orders, order.pk, "confirm", {"date": "2026-03-05"})
        assert order.number.startswith("SO-2026-")
        lines = read.present(owner, orders, [order])[0].lines["lines"]
        kept = {"id": str(lines[0].id), "quantity": "5"}
        return write.act(owner, orders, order.pk, "amend", {"lines": [kept], "date": "2026-04-02"})

    order = door.writing(scenario)
    ordered = Fact.objects.filter(source_id=order.pk, measure="ordered")
    assert sum(f.value for f in ordered) == order.base_net == Decimal("50.00")
    march = kpi.value(owner, kpi.definition("order-intake"), kpi.Question("2026-03"))
    april = kpi.value(owner, kpi.definition("order-intake"), kpi.Question("2026-04", ("account",)))
    assert (march.value, april.value) == (Decimal("38.99"), Decimal("11.01"))
    assert april.groups[0].labels == ["Acme"] and april.previous[1] == march.value
    assert TrailEntry.objects.filter(about_id=order.pk).count() == 3


def test_a_stale_version_is_refused_and_changes_nothing(owner):
    accounts = registry.get("accounts")
    account = door.writing(lambda: write.create(owner, accounts, {"name": "Müller"}))
    door.writing(lambda: write.change(owner, accounts, account.pk, {"city": "Bonn"}, 1))
    with pytest.raises(Stale):
        door.writing(lambda: write.change(owner, accounts, account.pk, {"city": "Köln"}, 1))
    account.refresh_from_db()
    assert account.city == "Bonn"


def test_errors_are_sentences_at_their_fields(owner):
    with pytest.raises(RuleError) as refused:
        door.writing(lambda: write.create(owner, registry.get("orders"), {"lines": [{"quantity": "many"}], "nonsense": 1, "currency": "XXX"}))
    assert {"account", "lines.0.quantity", "nonsense", "currency"} <= set(refused.value.errors)


def test_own_fields_are_filtered_sorted_and_summed(owner):
    accounts = registry.get("accounts")

    def scenario():
        write.create(owner, registry.get("custom-fields"), {"type": "accounts", "key": "score", "kind": "number", "label": "Score"})
        for name, score in (("Low", "2"), ("High", "10"), ("None", None)):
            write.create(owner, accounts, {"name": name, "score": score, "industry": "Scored"})

    door.writing(scenario)

    def names(*pairs):
        found = query.page(owner, accounts, listings.listing([("industry", "Scored"), *pairs]))
        return [r.name for r in found.records], found

    assert names(("sort", "score"))[0] == ["Low", "High", "None"]
    assert names(("sort", "-score"))[0] == ["High", "Low", "None"]
    assert names(("score__gte", "3"))[0] == ["High"]
    assert names(("sum", "score"))[1].sums == {"score": Decimal(12)}
    first = names(("sort", "score"), ("limit", "1"))[1]
    second = names(("sort", "score"), ("limit", "1"), ("cursor", first.next))
    third = names(("sort", "score"), ("limit", "1"), ("cursor", second[1].next))
    back = names(("sort", "score"), ("limit", "1"), ("cursor", third[1].previous))
    assert (second[0], third[0], back[0]) == (["High"], ["None"], ["High"])


def test_search_finds_chinese_by_characters_and_by_pinyin(owner):
    accounts = registry.get("accounts")
    door.writing(lambda: write.create(owner, accounts, {"name": "华为技术有限公司"}))

    def found(text):
        return [r.name for r in query.page(owner, accounts, listings.listing([("q", text)])).records]

    assert found("华为") == found("为") == found("hwjs") == found("技术有限") == ["华为技术有限公司"]
