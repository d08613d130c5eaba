"""A figure and the list behind it agree while others write: the token of the answer holds the snapshot (C-07, N1, N3, N4)."""

import json
import os
import random
import threading
from contextvars import copy_context
from datetime import datetime, time, timedelta
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import access, asof, context, door, kpi, registry, structures, write
from core.errors import RuleError
from core.models import Fact
from tests import people
from tests.erp import figures

LONG = bool(os.environ.get("ODOS_LONG"))
READS = 10_000 if LONG else 60


@pytest.fixture(scope="module")
def owner(alice):
    return access.actor_for(alice)


@pytest.fixture(scope="module")
def sellers(owner):
    return [people.new_user(n, "sales") for n in ("Bob", "Eve")]


def order_of(owner, seller, **words):
    accounts, orders = registry.get("accounts"), registry.get("orders")

    def work():
        account = accounts.model.objects.first() or write.create(owner, accounts, {"name": "Acme", "country": "DE"})
        lines = [{"quantity": str(n), "unit_price": "3.33", "description": "x"} for n in (1, 2)]
        order = write.create(owner, orders, {"account": str(account.pk), "owner": str(seller.pk), "lines": lines})
        return write.act(owner, orders, order.pk, "confirm", {"date": "2026-03-03"}, history=words.get("history", write.NOW))

    return people.writing(work)


def keep_writing(owner, sellers, stop: threading.Event, failures: list) -> None:
    draw, orders = random.Random(2), registry.get("orders")
    try:
        while not stop.is_set():
            order = order_of(owner, draw.choice(sellers))
            amended = {"lines": [{"quantity": "7", "unit_price": "1.11", "description": "x"}], "date": "2026-03-09"}
            people.writing(lambda order=order, amended=amended: write.act(owner, orders, order.pk, "amend", amended))
            now = orders.model.objects.get(pk=order.pk)
            people.writing(lambda now=now: write.change(owner, orders, now.pk, {"owner": str(sellers[0].pk)}, now.version))
            if draw.random() < 0.5:
                people.writing(lambda order=order: write.act(owner, orders, order.pk, "cancel", {"reason": "x", "date": "2026-03-10"}))
    except Exception as error:
        failures.append(error)
    finally:
        connection.close()


def test_figure_and_list_agree_while_others_write(owner, sellers):
    """The list is read in a later transaction, under the answer's token: never one mismatch, though the ledger grows all the while."""
    order_of(owner, sellers[0])
    stop, failures = threading.Event(), []
    writers = [threading.Thread(target=copy_context().run, args=(keep_writing, owner, sellers, stop, failures)) for _ in range(2)]
    draw, grew = random.Random(9), 0
    for writer in writers:
        writer.start()
    try:
        for _ in range(READS):
            key = draw.choice(["order-intake", "orders", "discount-given"])
            words = draw.choice([{}, {"group_by": "person"}, {"group_by": "account,month"}, {"group_by": "unit", "rollup": "true"}])
            answer = figures.ask(owner, key, period="2026-03", **words)
            figures.demand_agreement(owner, answer)
            if words and "rollup" not in words:
                figures.demand_partition(answer)
            again = figures.ask(owner, key, period="2026-03", as_of=answer.as_of.token, **words)
            assert (again.value, again.rows, again.hidden) == (answer.value, answer.rows, answer.hidden)
            grew += figures.ask(owner, key, period="2026-03").rows != answer.rows
    finally:
        stop.set()
        for writer in writers:
            writer.join(60)
    assert not failures, failures
    assert grew, "nobody wrote between the reads: nothing was tested"


def test_of_the_present_nothing_is_asked_of_transactions(owner, sellers):
    """What a transaction finds at all was known in it, so the index of a measure's days answers alone; an earlier answer's token still asks."""
    order_of(owner, sellers[0])
    said = {}
    for token in ("", figures.ask(owner, "order-intake", period="2026-03").as_of.token):
        order_of(owner, sellers[0])
        with CaptureQueriesContext(connection) as asked:
            said[token] = figures.ask(owner, "order-intake", period="2026-03", group_by="person", as_of=token)
        sums = [one["sql"] for one in asked if 'SUM("core_fact"."value")' in one["sql"]]
        assert len(sums) == 2
        assert {"pg_visible_in_snapshot" in text for text in sums} == {bool(token)}
    present, earlier = said.values()
    assert present.value == sum(group.value for group in present.groups) == earlier.value + Decimal("9.99")  # the order that came in between


def test_without_the_token_the_list_moves_on(owner, sellers):
    """The control: what was written after the figure is in the list of now, and not in the figure's."""
    answer = figures.ask(owner, "order-intake", period="2026-03")
    order = order_of(owner, sellers[0])
    moved = figures.listed(owner, urlencode([("filter", json.dumps(["measure", "eq", "ordered"])), ("sum", "value")]))
    assert moved[0] == answer.value + order.base_net
    assert figures.listed(owner, answer.drill)[0] == answer.value


def test_what_access_hides_is_counted(owner, sellers):
    order_of(owner, sellers[1])
    whole = figures.ask(owner, "order-intake", period="all")
    bob = access.actor_for(sellers[0])
    part = figures.ask(bob, "order-intake", period="all", group_by="person")
    assert 0 < part.rows < whole.rows
    assert (part.hidden, whole.hidden) == (whole.rows - part.rows, 0)
    assert part.value == sum(f.value for f in Fact.objects.filter(measure="ordered", person=sellers[0].pk))
    assert [g.keys for g in part.groups] == [[sellers[0].pk]]
    figures.demand_agreement(bob, part)


def test_as_known_on_an_earlier_day_an_order_has_its_earlier_owner(owner, sellers):
    """A settled history is known on its business date; what changes today was not known yesterday."""
    bob, eve = sellers
    order = order_of(owner, bob, history=write.History())
    known = {f.recorded_at for f in Fact.objects.filter(source_id=order.pk)}
    assert known == {datetime.combine(order.order_date, time(), context.company().zone)}
    people.writing(lambda: write.change(owner, registry.get("orders"), order.pk, {"owner": str(eve.pk)}, order.version))
    asked = {"period": "2026-03-03..2026-03-03", "group_by": "person"}

    def parts(day):
        answer = figures.ask(owner, "orders", as_of=day.isoformat(), **asked)
        figures.demand_agreement(owner, answer)
        return {g.keys[0]: g.value for g in answer.groups if g.value}

    assert parts(order.order_date - timedelta(days=1)) == {}
    assert parts(order.order_date) == {bob.pk: Decimal(1)} == parts(structures.today() - timedelta(days=1))
    now = parts(structures.today())
    assert now[eve.pk] >= 1
    assert now == {g.keys[0]: g.value for g in figures.ask(owner, "orders", **asked).groups if g.value}


def test_a_token_is_of_its_company_and_untouched(owner, new_company):
    token = figures.ask(owner, "orders", period="all").as_of.token
    other = new_company()
    with context.bind(other):
        stranger = access.actor_for(people.owner_of(other))
        with pytest.raises(RuleError) as refused:
            figures.ask(stranger, "orders", period="all", as_of=token)
    assert set(refused.value.errors) == {"as_of"}
    tomorrow = (structures.today() + timedelta(days=1)).isoformat()
    for text in (token[:-1], token + "x", tomorrow, "2026-02-30", "0001-01-01x", "x" * 5000, "1:1:"):
        with pytest.raises(RuleError) as refused:
            figures.ask(owner, "orders", period="all", as_of=text)
        assert set(refused.value.errors) == {"as_of"}
    assert asof.SNAPSHOT.fullmatch(door.reading(lambda: asof.now().snapshot))


def test_a_filter_at_the_limit_has_a_list_too_or_is_refused(owner):
    """Whatever is answered can be drilled: conditions and depth count with what the list adds."""
    leaf = ["account.country", "ne", "FR"]
    for size in (1, 40, 43, 44, 50):
        node, deep = {"all": [leaf] * size}, leaf
        for _ in range(min(size, 8)):
            deep = {"all": [deep]}
        for asked in (node, deep):
            words = {"period": "2026-03", "group_by": "month,person", "filter": json.dumps(asked)}
            try:
                answer = figures.ask(owner, "orders", **words)
            except RuleError:
                assert size > 1
                continue
            figures.demand_agreement(owner, answer)
    with pytest.raises(RuleError):
        door.reading(lambda: kpi.value(owner, kpi.definition("orders"), kpi.question({"group_by": "product"})))
