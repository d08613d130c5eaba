"""A hundredth of the measured company, made by the engine itself: with all rules, trail, facts and search. What is large is copied from it."""

from collections.abc import Callable, Iterable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core import access, clock, write
from core.access import Actor
from core.models import User
from core.registry import get
from tests.bench.shape import ANCHOR, OWNERS, PEOPLE, STAGES, Shape, amount, day, h, name, owner

HISTORY = write.History()
AT_ONCE = 100  # of one day, so that they come on many
NOON = time(12, tzinfo=ZoneInfo("UTC"))
COUNTRIES = ("DE", "US", "FR")
EMAIL = "seller{}@bench.example"
PASSWORD = "measured-by-the-clock"
BODY = "Talked about the next delivery, prices for the coming quarter and who decides on their side; they ask for an offer by the end of the month. "


class Sample:
    """Makes the sample in the bound company. ``say`` is told of each step."""

    def __init__(self, actor: Actor, shape: Shape, say: Callable[[str], None]):
        self.actor, self.shape, self.say = actor, shape, say

    def make(self) -> None:
        for step in (self.people, self.goods, self.parties, self.leads, self.opportunities, self.orders, self.invoices, self.activities):
            self.say(f"The sample: {step.__name__} ...")
            step()

    def _many(self, slug: str, items: Iterable[dict[str, Any]], when: Callable[[int], Any] | None = None) -> list[Any]:
        """New records in batches, those of a batch as of the day of its first."""
        items, made = list(items), []
        for at in range(0, len(items), AT_ONCE):
            moment = datetime.combine(when(at) if when else ANCHOR - timedelta(days=730), NOON)
            with clock.at(moment):
                made += write.create_many(self.actor, get(slug), items[at : at + AT_ONCE], HISTORY)
        return made

    def people(self) -> None:
        """Fifty sellers in two teams who see all that there is."""
        root = access.rows(self.actor, get("org-units")).get(parent=None)
        teams = [write.create(self.actor, get("org-units"), {"name": f"Team {n}", "parent": str(root.pk)}) for n in (1, 2)]
        role = write.create(self.actor, get("roles"), {"name": "Seller of all", "grants": [{"type": "*", "actions": ["*"], "scope": "all"}]})
        items = [
            {"name": name(n, "user"), "email": EMAIL.format(n), "password": PASSWORD, "unit": str(teams[n % 2].pk), "roles": [str(role.pk)]}
            for n in range(PEOPLE)
        ]  # fmt: skip
        made = write.create_many(self.actor, get("users"), items)
        self.owners = [str(user.pk) for user in made[:OWNERS]]
        self.actors = [access.actor_for(User.objects.get(pk=user.pk)) for user in made]

    def goods(self) -> None:
        """Two hundred products, three of four kept in stock; and enough of them."""
        tax = write.create(self.actor, get("tax-codes"), {"code": "B15", "rate": "0.15"})
        self.tax = str(tax.pk)
        self.products = self._many("products", (
            {
                "sku": f"B-{n:04d}", "name": name(n, "product"), "kind": "good" if n < self.shape.goods else "service", "cost": amount(n, "cost"),
                "unit_price": f"{float(amount(n, 'cost')) * 1.6:.2f}", "tax_code": self.tax,
            }
            for n in range(self.shape.goods + self.shape.services)
        ))  # fmt: skip
        house = access.rows(self.actor, get("warehouses")).order_by("created_at").first()
        self._many("stock-moves", (
            {"warehouse": str(house.pk), "product": str(p.pk), "quantity": "5000", "kind": "receipt", "unit_cost": str(p.cost), "date": str(day(0, "start"))}
            for p in self.products[: self.shape.goods]
        ))  # fmt: skip

    def parties(self) -> None:
        self.accounts = self._many("accounts", (
            {
                "name": f"{name(n, 'account')} GmbH", "owner": self.owners[owner(n, "account")], "roles": ["customer"], "country": COUNTRIES[n % 3],
                "city": name(n % 300, "city"), "street": f"{name(n, 'street')} {n % 90 + 1}", "email": f"office{n}@company.example", "phone": f"+49 30 {n:07d}",
            }
            for n in range(self.shape.accounts)
        ), lambda n: day(n, "account"))  # fmt: skip
        per = self.shape.contacts // self.shape.accounts
        self._many("contacts", (
            {
                "name": name(n, "contact"), "account": str(self.accounts[n // per].pk), "email": f"person{n}@company.example",
                "phone": f"+49 40 {n:07d}", "owner": self.owners[owner(n, "contact")],
            }
            for n in range(self.shape.contacts)
        ), lambda n: day(n, "contact"))  # fmt: skip

    def leads(self) -> None:
        self._many("leads", (
            {
                "name": name(n, "lead"), "company": f"{name(n, 'lead of')} Ltd", "email": f"lead{n}@lead.example", "country": COUNTRIES[n % 3],
                "owner": self.owners[owner(n, "lead")], "lead_source": ("Web", "Fair", "Call")[n % 3],
            }
            for n in range(self.shape.leads)
        ), lambda n: day(n, "lead"))  # fmt: skip

    def opportunities(self) -> None:
        """By stage as people have them; one of five was won, one of ten lost."""
        pipeline = write.create(self.actor, get("pipelines"), {
            "name": "Measured", "stages": [{"name": label, "probability": chance, "order": n} for n, (label, chance, _share) in enumerate(STAGES)],
        })  # fmt: skip
        stages = list(pipeline.stages.order_by("order"))
        self.deals = self._many("opportunities", (
            {
                "name": f"{name(n, 'deal')} {n}", "account": str(self.accounts[int(h(n, "deal of") * len(self.accounts))].pk), "amount": amount(n, "deal"),
                "pipeline": str(pipeline.pk), "stage": str(stages[_stage(n)].pk), "owner": self.owners[owner(n, "deal")], "currency": "EUR",
                "opened_on": str(day(n, "deal")), "close_date": str(day(n, "deal") + timedelta(days=90)),
            }
            for n in range(self.shape.opportunities)
        ), lambda n: day(n, "deal"))  # fmt: skip
        for act, found in (("win", lambda c: c < 0.2), ("lose", lambda c: 0.2 <= c < 0.3)):
            some = [(d, n) for n, d in enumerate(self.deals) if found(h(n, "ending"))]
            data = [(d.pk, {"date": str(day(n, "deal") + timedelta(days=30)), **({"reason": "Price"} if act == "lose" else {})}) for d, n in some]
            for at in range(0, len(data), AT_ONCE):
                write.act_many(self.actor, get("opportunities"), act, data[at : at + AT_ONCE], HISTORY)

    def orders(self) -> None:
        """Of twenty orders three are drafts, one was cancelled; all others are confirmed, three lines each."""
        items = [self.order(n) for n in range(self.shape.orders)]
        self.orders_made = self._many("orders", items, lambda n: day(n, "order"))
        self.confirmed = [(o, n) for n, o in enumerate(self.orders_made) if n % 20 > 2]
        self._act("orders", "confirm", [(o.pk, {"date": str(day(n, "order"))}) for o, n in self.confirmed])
        self._act("orders", "cancel", [(o.pk, {"reason": "Changed plans", "date": str(day(n, "order"))}) for o, n in self.confirmed if n % 20 == 3])

    def order(self, n: int) -> dict[str, Any]:
        lines = [
            {"product": str(self.products[int(h(n * 3 + i, "line") * len(self.products))].pk), "quantity": str(1 + int(h(n * 3 + i, "quantity") * 20)),
             "tax_code": self.tax}
            for i in range(3)
        ]  # fmt: skip
        account = self.accounts[int(h(n, "order of") * len(self.accounts))]
        return {"account": str(account.pk), "owner": self.owners[owner(n, "order")], "order_date": str(day(n, "order")), "currency": "EUR", "lines": lines}

    def _act(self, slug: str, act: str, items: list[tuple[Any, dict]]) -> list[Any]:
        made = []
        for at in range(0, len(items), AT_ONCE):
            made += write.act_many(self.actor, get(slug), act, items[at : at + AT_ONCE], HISTORY)
        return made

    def invoices(self) -> None:
        """As many as orders, nine of ten posted; seven of ten come from an order."""
        living = [(o, n) for o, n in self.confirmed if n % 20 > 3][: int(self.shape.orders * 0.7)]
        drafts = self._act("orders", "invoice", [(o.pk, {"basis": "ordered", "date": str(day(n, "order"))}) for o, n in living])
        rest = self.shape.orders - len(drafts)
        drafts += self._many("invoices", (
            {**{k: v for k, v in self.order(n).items() if k != "order_date"}, "invoice_date": str(day(n, "order"))} for n in range(10_000, 10_000 + rest)
        ))  # fmt: skip
        self._act("invoices", "post", [(i.pk, {}) for n, i in enumerate(drafts) if n % 10])

    def activities(self) -> None:
        about = [("accounts", a, n) for a in self.accounts for n in range(10)]
        about += [("opportunities", d, n) for d in self.deals for n in range(2)]
        about += [("orders", o, n) for o in self.orders_made for n in range(2)]
        self._many("activities", (
            {
                "kind": ("call", "meeting", "email", "note")[i % 4], "subject": f"{name(i, 'subject')} {n}", "body": BODY * 2, "done": True,
                "about": {"type": slug, "id": str(record.pk)}, "owner": self.owners[owner(i, "activity")],
            }
            for i, (slug, record, n) in enumerate(about)
        ))  # fmt: skip


def _stage(n: int) -> int:
    chance, reached = h(n, "stage") * 100, 0
    for at, (_label, _chance, share) in enumerate(STAGES):
        reached += share
        if chance < reached:
            return at
    return len(STAGES) - 1
