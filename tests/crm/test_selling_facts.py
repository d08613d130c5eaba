"""Leads and opportunities through random histories against a plain model of the same rules: what the ledger says of them."""

import os
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core import access, context, registry, structures, write
from core.errors import RuleError, WrongState
from core.models import Fact
from crm.models import Lead, Opportunity
from tests import people
from tests.erp import figures

LONG = bool(os.environ.get("ODOS_LONG"))
CENT = Decimal("0.01")
RATES = {"EUR": Decimal(1), "USD": Decimal("0.95")}
COUNTED = ("pipeline", "weighted-pipeline", "won", "lost")

amounts = st.one_of(st.none(), st.decimals(min_value=0, max_value=99999, places=2))
chances = st.one_of(st.none(), st.sampled_from(["0", "0.333", "0.5", "0.125", "1"]).map(Decimal))
days = st.integers(-400, 400)


def half_up(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


@dataclass
class Deal:
    account: UUID
    person: UUID
    unit: UUID
    stage: UUID
    amount: Decimal | None
    currency: str
    chance: Decimal | None
    opened: date
    close: date | None
    status: str = "open"
    ended: date | None = None
    archived: bool = False

    @property
    def base(self) -> Decimal:
        return half_up((self.amount or Decimal(0)) * RATES[self.currency])


class Selling(RuleBasedStateMachine):
    """Each example has a company of its own: two sellers, two pipelines, deals in two currencies."""

    def __init__(self):
        super().__init__()
        self.bound = context.bind(replace(people.new_company(timezone="Asia/Shanghai", currency="EUR"), fiscal_year_start=4))
        self.bound.__enter__()
        self.today = structures.today()
        self.deals: dict[UUID, Deal] = {}
        self.leads: dict[UUID, dict] = {}
        self.remembered: list[tuple[str, dict]] = []

    def teardown(self):
        self.bound.__exit__(None, None, None)

    def create(self, slug: str, **values):
        return people.writing(lambda: write.create(self.owner, registry.get(slug), {n: v for n, v in values.items() if v is not None}))

    def change(self, slug: str, ident: UUID, **values):
        object_type = registry.get(slug)
        version = object_type.model.objects.get(pk=ident).version
        return people.writing(lambda: write.change(self.owner, object_type, ident, values, version))

    def act(self, slug: str, ident: UUID, name: str, **data):
        return people.writing(lambda: write.act(self.owner, registry.get(slug), ident, name, data))

    @initialize()
    def begin(self):
        alice = people.owner_of(context.company())
        self.owner = access.actor_for(alice)
        west = self.create("org-units", name="West", parent=str(alice.unit_id)).pk
        bob = people.new_user("Bob", "sales", unit=str(west))
        self.people = {alice.pk: alice.unit_id, bob.pk: west}
        self.bob = access.actor_for(bob)
        self.accounts = [self.create("accounts", name=name).pk for name in ("A", "B")]
        self.create("exchange-rates", currency="USD", date="2020-01-01", rate="0.95")
        self.chances: dict[UUID, Decimal] = {}
        self.pipelines: dict[UUID, list[UUID]] = {}
        for name in ("One", "Two"):
            made = self.create("pipelines", name=name, stages=[{"name": n, "probability": p} for n, p in (("S", "0.2"), ("T", "0.65"))])
            rows = list(made.stages.order_by("position"))
            self.pipelines[made.pk] = [row.pk for row in rows]
            self.chances |= {row.pk: row.probability for row in rows}

    def some(self, data, *statuses) -> tuple[UUID, Deal] | None:
        found = [(k, d) for k, d in self.deals.items() if d.status in statuses]
        return data.draw(st.sampled_from(found)) if found else None

    # What happens

    @rule(data=st.data(), amount=amounts, chance=chances, opened=st.integers(0, 300), close=st.one_of(st.none(), days))
    def deal_comes(self, data, amount, chance, opened, close):
        pipeline = data.draw(st.sampled_from(list(self.pipelines)))
        stage, person = data.draw(st.sampled_from(self.pipelines[pipeline])), data.draw(st.sampled_from(list(self.people)))
        deal = Deal(
            data.draw(st.sampled_from(self.accounts)), person, self.people[person], stage, amount, data.draw(st.sampled_from(list(RATES))), chance,
            self.today - timedelta(days=opened), None if close is None else self.today + timedelta(days=close),
        )  # fmt: skip
        made = self.create(
            "opportunities", name="D", account=str(deal.account), owner=str(person), stage=str(stage), currency=deal.currency,
            amount=None if amount is None else str(amount), probability=None if chance is None else str(chance), opened_on=deal.opened.isoformat(),
            close_date=deal.close.isoformat() if deal.close else None,
        )  # fmt: skip
        assert made.pipeline_id == pipeline
        self.deals[made.pk] = deal

    @precondition(lambda self: self.deals)
    @rule(data=st.data(), amount=amounts, chance=chances, close=st.one_of(st.none(), days), person=st.booleans())
    def deal_is_edited(self, data, amount, chance, close, person):
        if chosen := self.some(data, "open"):
            ident, deal = chosen
            deal.amount, deal.chance, deal.close = amount, chance, None if close is None else self.today + timedelta(days=close)
            values = {
                "amount": None if amount is None else str(amount), "probability": None if chance is None else str(chance),
                "close_date": deal.close.isoformat() if deal.close else None,
            }  # fmt: skip
            if person:
                deal.person = data.draw(st.sampled_from(list(self.people)))
                deal.unit, values["owner"] = self.people[deal.person], str(deal.person)
            self.change("opportunities", ident, **values)

    @precondition(lambda self: self.deals)
    @rule(data=st.data())
    def deal_moves(self, data):
        if chosen := self.some(data, "open"):
            ident, deal = chosen
            stage = data.draw(st.sampled_from(list(self.chances)))
            if any(stage in stages and deal.stage in stages for stages in self.pipelines.values()):
                self.act("opportunities", ident, "move", stage=str(stage))
                deal.stage = stage
            else:
                with pytest.raises(RuleError):
                    self.act("opportunities", ident, "move", stage=str(stage))

    @precondition(lambda self: self.deals)
    @rule(data=st.data(), name=st.sampled_from(["win", "lose"]), later=st.integers(0, 500))
    def deal_ends(self, data, name, later):
        if chosen := self.some(data, "open"):
            ident, deal = chosen
            deal.status, deal.ended = {"win": "won", "lose": "lost"}[name], deal.opened + timedelta(days=later)
            self.act("opportunities", ident, name, date=deal.ended.isoformat(), **({"reason": "x"} if name == "lose" else {}))

    @precondition(lambda self: self.deals)
    @rule(data=st.data())
    def deal_is_reopened(self, data):
        if chosen := self.some(data, "won", "lost"):
            ident, deal = chosen
            with pytest.raises(WrongState):
                self.act("opportunities", ident, "win")
            self.act("opportunities", ident, "reopen")
            deal.status, deal.ended = "open", None

    @precondition(lambda self: self.deals)
    @rule(data=st.data())
    def deal_is_archived_or_comes_back(self, data):
        ident, deal = self.some(data, "open", "won", "lost")
        self.act("opportunities", ident, "restore" if deal.archived else "archive")
        deal.archived = not deal.archived

    @rule(data=st.data(), chance=st.sampled_from(["0", "0.15", "0.42", "0.999999", "1"]))
    def stage_is_worth_more_or_less(self, data, chance):
        pipeline = data.draw(st.sampled_from(list(self.pipelines)))
        stage = data.draw(st.sampled_from(self.pipelines[pipeline]))
        self.chances[stage] = Decimal(chance)
        rows = [{"id": str(s), "probability": str(self.chances[s])} for s in self.pipelines[pipeline]]
        self.change("pipelines", pipeline, stages=rows)

    @rule(data=st.data())
    def lead_comes(self, data):
        person = data.draw(st.sampled_from(list(self.people)))
        made = self.create("leads", name="L", company="C", owner=str(person))
        self.leads[made.pk] = {"person": person, "account": None}

    @precondition(lambda self: self.leads)
    @rule(data=st.data())
    def lead_is_converted(self, data):
        ident, lead = data.draw(st.sampled_from(list(self.leads.items())))
        if lead["account"]:
            with pytest.raises(WrongState):
                self.act("leads", ident, "convert")
            return
        done = self.act("leads", ident, "convert")
        lead["account"] = done.account_id
        made = Opportunity.objects.get(pk=done.opportunity_id)
        assert made.lead_id == ident and made.owner_id == lead["person"]
        self.chances.setdefault(made.stage_id, made.stage.probability)
        person = lead["person"]
        self.deals[made.pk] = Deal(done.account_id, person, self.people[person], made.stage_id, None, "EUR", None, self.today, None)
        self.pipelines.setdefault(made.pipeline_id, list(made.pipeline.stages.order_by("position").values_list("pk", flat=True)))
        self.chances |= dict(made.pipeline.stages.values_list("pk", "probability"))

    @rule()
    def answer_is_remembered(self):
        answer = figures.ask(self.owner, "pipeline", period="all", group_by="person,stage")
        self.remembered.append((answer.as_of.token, {tuple(g.keys): g.value for g in answer.groups}))

    # What must hold

    def says(self) -> dict[tuple, Decimal]:
        found: dict[tuple, Decimal] = defaultdict(Decimal)
        for deal in self.deals.values():
            who = (deal.person, deal.unit, deal.account)
            if deal.status == "open":
                if not deal.archived:
                    chance = self.chances[deal.stage] if deal.chance is None else deal.chance
                    found["pipeline", deal.close or deal.opened, *who] += deal.base
                    found["weighted-pipeline", deal.close or deal.opened, *who] += half_up(deal.base * chance)
                continue
            found[deal.status, deal.ended, *who] += deal.base
            found[f"{deal.status}-count", deal.ended, *who] += 1
            if deal.status == "won":
                found["sales-cycle-days", deal.ended, *who] += (deal.ended - deal.opened).days
        for lead in self.leads.values():
            found["leads-created", self.today, lead["person"], self.people[lead["person"]], None] += 1
            if lead["account"]:
                found["leads-converted", self.today, lead["person"], self.people[lead["person"]], lead["account"]] += 1
        return {k: v for k, v in found.items() if v}

    @invariant()
    def ledger_says_what_the_records_say(self):
        stated: dict[tuple, Decimal] = defaultdict(Decimal)
        for fact in Fact.objects.all():
            stated[fact.measure, fact.business_date, fact.person, fact.unit, fact.account] += fact.value
        assert {k: v for k, v in stated.items() if v} == self.says()

    @invariant()
    def earlier_answers_stand(self):
        for token, parts in self.remembered[-1:]:
            again = figures.ask(self.owner, "pipeline", period="all", group_by="person,stage", as_of=token)
            assert sum(g.value for g in again.groups) == sum(parts.values())

    @invariant()
    def open_deals_add_up_to_the_pipeline(self):
        rows = Opportunity.objects.filter(status="open", archived_at=None)
        answers = [figures.ask(self.owner, key, period="all") for key in ("pipeline", "weighted-pipeline")]
        assert [a.value for a in answers] == [sum((getattr(o, name) for o in rows), Decimal(0)) for name in ("base_amount", "weighted")]

    @rule(key=st.sampled_from(COUNTED), split=st.sampled_from(["person", "unit", "account", "stage", "pipeline", "month"]))
    def figure_is_asked(self, key, split):
        says = self.says()
        for actor in (self.owner, self.bob):
            answer = figures.ask(actor, key, period="all", group_by=split)
            mine = [v for k, v in says.items() if k[0] == key and (actor is self.owner or k[2] == self.bob.id)]
            assert answer.value == sum(mine, Decimal(0))
            figures.demand_agreement(actor, answer)
            if actor is self.owner:
                figures.demand_partition(answer)

    @rule()
    def ratios_are_those_of_the_model(self):
        says = self.says()
        counts = {k: sum((v for key, v in says.items() if key[0] == k), Decimal(0)) for k in ("won-count", "lost-count", "sales-cycle-days")}
        ended = counts["won-count"] + counts["lost-count"]
        asked = {key: figures.ask(self.owner, key, period="all").value for key in ("win-rate", "sales-cycle-days", "lead-conversion")}
        six = Decimal("0.000001")
        assert asked["win-rate"] == ((counts["won-count"] / ended).quantize(six, ROUND_HALF_UP) if ended else None)
        won = counts["won-count"]
        assert asked["sales-cycle-days"] == ((counts["sales-cycle-days"] / won).quantize(six, ROUND_HALF_UP) if won else None)
        leads = Lead.objects.count()
        converted = sum(1 for lead in self.leads.values() if lead["account"])
        assert asked["lead-conversion"] == ((Decimal(converted) / leads).quantize(six, ROUND_HALF_UP) if leads else None)


Selling.TestCase.settings = settings(max_examples=60 if LONG else 4, stateful_step_count=60 if LONG else 20, deadline=None)
TestSelling = Selling.TestCase
