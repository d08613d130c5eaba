"""Dimensions looked up in several ways: the first that says something counts, closed ones say nothing; figure, groups and drills agree."""

from decimal import Decimal

import pytest

from core import access, measuring, registry, write
from core.errors import RuleError
from core.measuring import Dimension, Measure, Part, Sheet, ShippedDashboard, ShippedKpi
from tests import people
from tests.erp import figures


@pytest.fixture(scope="module")
def owner(alice):
    return access.actor_for(alice)


@pytest.fixture(scope="module", autouse=True)
def sold(owner, bob):
    """Leads with a source and country of their own; an opportunity with its own source, at an account of another country."""

    def make():
        make_one = lambda slug, **data: write.create(owner, registry.get(slug), data)  # noqa: E731 - six records
        for name, source, country in (("Ann", "fair", "FR"), ("Ben", "web", ""), ("Cem", "", "DE"), ("Dee", "fair", "DE")):
            make_one("leads", name=name, lead_source=source, country=country)
        account = make_one("accounts", name="Acme", country="US")
        make_one("opportunities", name="Pumps", account=str(account.pk), lead_source="web", amount="100")
        make_one("opportunities", name="Valves", account=str(account.pk), amount="7", owner=str(bob.pk))

    people.writing(make)


def parts(actor, key, by, **words):
    answer = figures.ask(actor, key, period="all", group_by=by, **words)
    figures.demand_agreement(actor, answer)
    figures.demand_partition(answer)
    return {g.keys[0]: g.value for g in answer.groups}


def test_the_document_itself_says_it(owner):
    assert parts(owner, "leads-created", "lead_source") == {"fair": 2, "web": 1, None: 1}
    assert parts(owner, "pipeline", "lead_source") == {"web": Decimal(100), None: Decimal(7)}
    assert parts(owner, "leads-created", "lead_source", filter='["lead_source","eq","fair"]') == {"fair": 2}
    assert parts(owner, "leads-created", "lead_source", filter='["lead_source","empty",true]') == {None: 1}


def test_the_first_way_that_says_something_counts(owner):
    """The country of a lead is its own, that of a deal its account's."""
    assert parts(owner, "leads-created", "country") == {"FR": 1, "DE": 2, None: 1}
    assert parts(owner, "pipeline", "country") == {"US": Decimal(107)}
    assert parts(owner, "leads-created", "country", filter='{"any":[["country","eq","FR"],["country","empty",true]]}') == {"FR": 1, None: 1}


def test_a_stage_has_its_name_and_its_link(owner):
    answer = figures.ask(owner, "pipeline", period="all", group_by="pipeline,stage")
    figures.demand_agreement(owner, answer)
    assert answer.value == 107 and all(all(g.labels) and None not in g.keys for g in answer.groups)


def test_a_way_that_is_closed_says_nothing(owner):
    """Who sees opportunities but no leads splits by what opportunities say; where the field is hidden on all, by nothing."""

    def role(name, *grants):
        stated = {"name": name, "grants": [{"actions": ["view"], "scope": "all", **g} for g in grants]}
        made = people.writing(lambda: write.create(owner, registry.get("roles"), stated))
        return access.actor_for(people.new_user(name, roles=[str(made.pk)]))

    dealer = role("Dealer", {"type": "opportunities"})
    assert parts(dealer, "pipeline", "lead_source") == {"web": Decimal(100), None: Decimal(7)}
    assert figures.ask(dealer, "leads-created", period="all").value == 0
    nobody = role("Blind", {"type": "opportunities", "hidden": ["lead_source"]})
    for words in ({"group_by": "lead_source"}, {"filter": '["lead_source","eq","web"]'}):
        with pytest.raises(RuleError):
            figures.ask(nobody, "pipeline", period="all", **words)
    assert figures.ask(nobody, "pipeline", period="all").value == 107


def test_what_a_row_does_not_show_its_dimension_does_not_tell(bob):
    """Bob sees his own opportunity: the source of the other is not even counted."""
    assert parts(access.actor_for(bob), "pipeline", "lead_source") == {None: Decimal(7)}


@pytest.mark.parametrize("wrong", [
    ShippedKpi("x", "X", "nothing", "", ""), ShippedKpi("x", "X", "orders", "", "", per=Part(("nothing",), 90)),
    ShippedKpi("x", "X", "orders", "", "", known_by=("nothing",)), ShippedKpi("x", "X", "orders", "", "", ("nothing",)),
    Measure("x", "X", ("orders", "nothing")), Dimension("x", "X", ways=(("source_id", "nothing", "name"),)),
    ShippedDashboard("x", "X", ({"kpi": "nothing"},)), Sheet("x", "X", ("nothing",), ("account",)), Sheet("x", "X", ("orders",), ("nothing",)),
])  # fmt: skip
def test_a_wrong_word_is_a_mistake_of_the_start(wrong):
    names = {ShippedKpi: "kpis", Measure: "measures", Dimension: "dimensions", ShippedDashboard: "dashboards", Sheet: "sheets"}
    homes = {name: dict(getattr(registry, name)) for name in ("types", "measures", "dimensions", "kpis", "dashboards", "sheets")}
    assert measuring.undeclared(**homes) == []
    homes[names[type(wrong)]]["x"] = wrong
    assert ("x", "nothing") in measuring.undeclared(**homes)
