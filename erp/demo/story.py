"""Twelve months of the demo company, from the first word of a stranger to his money, and what is left open today.

Seeded, so that it comes out the same for the same day; all of it goes through ``core.write``, as if people had done it, at the
times they did it.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from core import access, clock, context, door, sql, write
from core.access import Actor
from core.registry import get
from crm.models import Opportunity
from erp.demo import world
from erp.demo.agenda import Agenda, ends_of_steps, moment, months
from erp.demo.billing import Billing
from erp.demo.opening import MONTHS, SEASON, Opening
from erp.demo.selling import DEALS, LEADS, Selling
from erp.demo.trading import Trading

ORDERS = 35  # that come by themselves in an average month
SPREAD = {"lead": 75, "answer": 400, "quote": 100, "send quote": 150}  # minutes within which such work is done; all other: half an hour

Say = Callable[[str], None]


class Story:
    """The year as it is written down. Each chapter and each month is one transaction."""

    def __init__(self, owner: Actor, password: str, domain: str, say: Say):
        self.there = Opening(owner, password, domain)
        self.agenda, self.say = Agenda(), say
        self.random, self.today = self.there.random, self.there.today

    def tell(self) -> None:
        there = self.there
        before = moment(there.first - timedelta(days=3), 9, 0, timedelta(0), context.company().zone)
        for sentence, chapter in (
            ("people and units", there.hire), ("currencies and taxes", there.count_money), ("products and stock", there.fill_the_shelves),
            ("customers", there.meet_customers), ("targets", there.set_targets),
        ):  # fmt: skip
            self.say(f"Demo company: {sentence} ...")
            with clock.at(before):
                _written(chapter)
        self.selling, self.trading, self.billing = Selling(there, self.agenda), Trading(there, self.agenda), Billing(there, self.agenda)
        self.foresee()
        steps = list(ends_of_steps(there.first, self.today))
        for first, _length in months(there.first, MONTHS):
            inside = [day for day in steps if (day.year, day.month) == (first.year, first.month)]
            self.say(f"Demo company: {first:%B %Y} ...")
            _written(lambda days=inside: [self.step(day) for day in days])
        self.say("Demo company: what is open today ...")
        _written(self.leave_open)

    def foresee(self) -> None:
        """Orders, leads and deals that come by themselves, a few more each month; and that stock is looked after."""
        customers = [a for a in self.there.accounts.values() if "customer" in a.roles]
        weights = [1 / (1 + i) ** 0.7 for i in range(len(customers))]
        self.random.shuffle(weights)
        for kind, usual in (("order", ORDERS), ("deal", DEALS), ("lead", LEADS)):
            for day in self._days(usual):
                self.agenda.plan(day, kind, None if kind == "lead" else self.random.choices(customers, weights)[0])
        self.agenda.plan(self.there.first + timedelta(days=7), "replenish", None)

    def _days(self, usual: int) -> Iterator[date]:
        for n, (first, length) in enumerate(months(self.there.first, MONTHS)):
            for _ in range(round(usual * SEASON[first.month - 1] * (0.85 + n * 0.025))):
                day = first + timedelta(days=self.random.randrange(length))
                if day <= self.today:
                    yield day

    def step(self, day: date) -> None:
        """All that is due by this day, in the order of a day's work; what follows at once is done with it."""
        sell, trade, bill = self.selling, self.trading, self.billing
        for kind, deed, hour, minute in (
            ("receive", trade.receive, 7, 30), ("replenish", trade.replenish, 8, 0), ("lead", sell.lead, 8, 10), ("deal", sell.deal, 9, 40),
            ("convert lead", sell.convert_lead, 10, 5), ("lose lead", sell.lose_lead, 10, 10), ("move", sell.move, 10, 30), ("quote", sell.quote, 10, 45),
            ("order", trade.order, 11, 10), ("answer", sell.answer, 9, 50), ("new version", sell.new_version, 13, 20),
            ("send quote", sell.send_quote, 14, 10), ("talk", sell.talk, 14, 45), ("expire quote", sell.expire_quote, 15, 0), ("win", sell.win, 15, 10),
            ("lose", sell.lose, 15, 20), ("order quote", trade.order_quote, 15, 40), ("amend", trade.amend, 15, 50), ("cancel", trade.cancel, 15, 55),
            ("close", trade.close, 16, 0),
            ("deliver", trade.deliver, 16, 10), ("return", trade.bring_back, 16, 20), ("invoice", bill.invoice, 16, 40), ("correct", bill.correct, 16, 50),
            ("credit", bill.credit, 16, 55), ("pay", bill.pay, 17, 10), ("refund", bill.refund, 17, 20),
        ):  # fmt: skip
            batch: list[tuple[date, Any]] = self.agenda.take(kind, day)
            if batch:
                later = timedelta(minutes=self.random.randrange(SPREAD.get(kind, 30)))
                with clock.at(moment(day, hour, minute, later, context.company().zone)):
                    deed(batch)

    def leave_open(self) -> None:
        """Drafts on the desks, calls and visits of the past, tasks of the coming days."""
        there = self.there
        customers = [a for a in there.accounts.values() if "customer" in a.roles]
        for account in self.random.sample(customers, 7):
            write.create(there.actors[account.owner_id], get("orders"), self.trading.wish(self.today, account))
        self._leave_no_stage_empty()
        deals = list(Opportunity.objects.filter(status="open", stage__order=2).order_by("pk").values_list("pk", flat=True)[:3])
        write.act_many(there.as_("ingrid"), get("opportunities"), "quote", [(pk, None) for pk in deals])
        items = []
        for account in there.accounts.values():
            for _ in range(self.random.choice((1, 2, 3))):
                kind, subject, body = self.random.choice(world.ACTIVITIES)
                day = self.today - timedelta(days=self.random.randint(1, 330))
                items.append(self._activity("accounts", account, kind, subject, body, day, done=True))
            if self.random.random() < 0.3:
                day = self.today + timedelta(days=self.random.randint(-4, 14))
                items.append(self._activity("accounts", account, "task", self.random.choice(world.TASKS), "", day, done=False))
        for deal in access.rows(there.owner, get("opportunities")).filter(status="open").order_by("pk"):
            if self.random.random() < 0.7:
                day = self.today + timedelta(days=self.random.randint(-3, 16))
                items.append(self._activity("opportunities", deal, "task", self.random.choice(world.DEAL_TASKS), "", day, done=False))
        write.create_many(there.owner, get("activities"), items)
        self._expect_soon()

    def _leave_no_stage_empty(self) -> None:
        """A deal of the stage before moves into one that holds none today: on some days nothing is as far as the last."""
        for before, stage in pairwise(self.selling.stages):
            deals = Opportunity.objects.filter(status="open")
            if not deals.filter(stage=stage).exists():
                moved = deals.filter(stage=before).order_by("pk").values_list("pk", flat=True)[:1]
                self.selling.do(get("opportunities"), "move", [(pk, {"stage": str(stage.pk)}) for pk in moved])

    def _expect_soon(self) -> None:
        """Most open deals close in days to come; a few are forgotten."""
        late = list(Opportunity.objects.filter(status="open", close_date__lt=self.today).order_by("pk"))
        moved = [(o.pk, {"close_date": (self.today + timedelta(days=self.random.randint(3, 45))).isoformat()}, o.version) for o in late[: len(late) * 3 // 4]]
        write.change_many(self.there.owner, get("opportunities"), moved)

    def _activity(self, slug: str, about: Any, kind: str, subject: str, body: str, day: date, done: bool) -> dict[str, Any]:
        return {
            "kind": kind, "subject": subject, "body": body, "about": {"type": slug, "id": str(about.pk)}, "owner": str(about.owner_id),
            "due_at": f"{day.isoformat()}T{self.random.randint(8, 16):02d}:{self.random.choice((0, 15, 30)):02d}", "done": done,
        }  # fmt: skip


def _written(chapter: Callable[[], Any]) -> None:
    """One transaction, however slow the machine: making a dozen passwords alone takes it seconds."""

    def work() -> None:
        sql.be_patient()
        chapter()

    door.writing(work)
