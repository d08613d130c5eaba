"""The demo company's year before an order: leads answered, lost or converted, deals that move on, are won or lost, and their quotes."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from core import access, write
from core.access import Actor
from core.registry import ObjectType, get
from core.structures import today
from crm.models import Lead, Opportunity, Quote, Stage
from erp.demo import world
from erp.demo.agenda import DAILY, Agenda
from erp.demo.opening import HISTORY, Opening, currency_of

LEADS = 23  # in an average month
DEALS = 12  # in an average month, besides those that come of leads
OUTCOMES = ("won", "lost", "lost", "won", "lost", "won", "lost", "lost", "lost")  # of nine deals, in an order drawn anew each time
Batch = list[tuple[date, Any]]


class Selling:
    """Handlers of one kind of deed each; they take all of it that is due, and plan what follows."""

    def __init__(self, there: Opening, agenda: Agenda):
        self.there, self.agenda, self.random = there, agenda, there.random
        self.actor = there.as_("ingrid")
        self.stages = list(Stage.objects.order_by("order"))
        self.names: set[str] = set()
        self.outcomes: list[str] = []

    def do(self, object_type: ObjectType, act: str, items: list[tuple[Any, dict | None]]) -> list[Any]:
        """An act on records; lately each owner does it himself, before that their head for all."""
        owners = dict(object_type.all().filter(pk__in=[pk for pk, _data in items]).values_list("pk", "owner")) if self._is_recent() else {}
        return self._by_whom([owners.get(pk) for pk, _data in items], items, lambda actor, some: write.act_many(actor, object_type, act, some, HISTORY))

    def make(self, object_type: ObjectType, items: list[dict[str, Any]]) -> list[Any]:
        """New records of their owners, made as in ``do``."""
        owners = [UUID(values["owner"]) if self._is_recent() else None for values in items]
        return self._by_whom(owners, items, lambda actor, some: write.create_many(actor, object_type, some, HISTORY))

    def _is_recent(self) -> bool:
        return (self.there.today - today()).days <= DAILY

    def _by_whom(self, owners: list[UUID | None], items: list[Any], deed: Callable[[Actor, list[Any]], list[Any]]) -> list[Any]:
        """Results in the order of the items."""
        found: dict[int, Any] = {}
        for owner in dict.fromkeys(owners):
            places = [n for n, who in enumerate(owners) if who == owner]
            actor = self.there.actors[owner] if owner else self.actor
            found |= dict(zip(places, deed(actor, [items[n] for n in places]), strict=True))
        return [found[n] for n in range(len(items))]

    def plan(self, day: date, days: int, kind: str, what: Any) -> None:
        self.agenda.plan(day + timedelta(days=days), kind, what)

    # Leads

    def lead(self, batch: Batch) -> None:
        """New leads; some of a company that is a customer already."""
        told = [self._lead() for _day, _what in batch]
        made = self.make(get("leads"), [values for values, _known in told])
        for (day, _what), lead, (values, known) in zip(batch, made, told, strict=True):
            if self.random.random() < 0.9:
                self.plan(day, self.random.choice((0, 0, 0, 1, 1, 2, 4)), "answer", lead.pk)
            what = self.random.choices(("convert", "lose", "wait"), (34, 54, 12))[0]
            if what != "wait":
                self.plan(day, self.random.randint(4, 26), f"{what} lead", (lead.pk, values, known))

    def _lead(self) -> tuple[dict[str, Any], Any]:
        source, campaign, _weight = self.random.choices(world.SOURCES, [weight for *_rest, weight in world.SOURCES])[0]
        buyers = [account for account in self.there.accounts.values() if {"customer", "prospect"} & set(account.roles)]
        known = self.random.choice(buyers) if self.random.random() < 0.12 else None
        country = known.country if known else self.random.choices(list(world.NEWCOMERS), (8, 4, 2, 2, 2, 1, 1, 1, 3))[0]
        company = known.name if known else self._newcomer(country)
        region = self.there.regions[known.pk] if known else world.REGIONS.get(country, "Sales Europe")
        name = self.there.name_in(country)
        address = f"{'.'.join(name.lower().split())}@" if name.isascii() else f"contact{len(self.names)}@"
        seller = self.random.choice(self.there.sellers.get(region) or [self.there.people["tomas"]])
        return {
            "name": name, "company": company, "email": f"{address}{_domain(company, len(self.names))}.example", "lead_source": source, "campaign": campaign,
            "country": country, "need": self.random.choice(world.NEEDS), "owner": str(seller.pk),
        }, known  # fmt: skip

    def _newcomer(self, country: str) -> str:
        first, last = world.NEWCOMERS[country]
        name = f"{self.random.choice(first)}{'' if country == 'CN' else ' '}{self.random.choice(last)}"
        self.names.add(name)
        return name

    def answer(self, batch: Batch) -> None:
        """The first word to a lead stops its clock."""
        owners = dict(Lead.objects.filter(pk__in=[pk for _day, pk in batch]).values_list("pk", "owner"))
        items = [
            {
                "kind": self.random.choice(("call", "email")), "subject": "First answer", "about": {"type": "leads", "id": str(pk)}, "done": True,
                "due_at": f"{day.isoformat()}T{self.random.randint(9, 16):02d}:00", "owner": str(owners[pk]),
            }
            for day, pk in batch
        ]  # fmt: skip
        self.make(get("activities"), items)

    def lose_lead(self, batch: Batch) -> None:
        items = [(pk, {"reason": self.random.choice(world.LEAD_LOST)}) for _day, (pk, _values, _known) in batch]
        self.do(get("leads"), "lose", items)

    def convert_lead(self, batch: Batch) -> None:
        """Into a deal; the account is the one that is there already, else a new one."""
        by_name = {account.name: account for account in self.there.accounts.values()}
        for day, (pk, values, known) in batch:
            account = known or by_name.get(values["company"])
            deal = self._deal(values["country"], day) | {"owner": values["owner"], "lead_source": values["lead_source"], "campaign": values["campaign"]}
            head = {"account": {
                "name": values["company"], "roles": ["prospect"], "country": values["country"], "owner": values["owner"], "payment_days": 30,
                "currency": currency_of(values["country"]),
            } if account is None else str(account.pk), "opportunity": deal}  # fmt: skip
            lead = write.act(self.actor, get("leads"), pk, "convert", head, history=HISTORY)
            if account is None:
                account = by_name[values["company"]] = lead.account
                self.there.welcome(account, world.REGIONS.get(values["country"], "Sales Europe"))
            self.there.contacts.setdefault(account.pk, []).append(lead.contact)
            self._course(day, lead.opportunity)

    # Deals

    def deal(self, batch: Batch) -> None:
        """Customers who speak of a project without having been a lead."""
        items = []
        for day, account in batch:
            source = self.random.choice(("Referral", "Trade fair", "Web site", "Partner", ""))
            items.append(self._deal(account.country, day) | {
                "account": str(account.pk), "contact": self.there.contact_of(account), "owner": str(account.owner_id), "lead_source": source,
            })  # fmt: skip
        for (day, _account), made in zip(batch, self.make(get("opportunities"), items), strict=True):
            self._course(day, made)

    def _deal(self, country: str, day: date) -> dict[str, Any]:
        """A deal's own fields, not whose it is."""
        return {
            "name": self.random.choice(world.PROJECTS), "opened_on": day.isoformat(), "lines": self.there.lines(country, self.random.choice((2, 3, 3, 4)), 1.5),
            "close_date": (day + timedelta(days=self.random.randint(40, 110))).isoformat(),
        }  # fmt: skip

    def _course(self, day: date, deal: Opportunity) -> None:
        """What becomes of it: how far it comes, how long that takes, and how it ends."""
        if not self.outcomes:
            self.outcomes = self.random.sample(OUTCOMES, len(OUTCOMES))
        outcome = self.outcomes.pop()
        length = self.random.randint(24, 95) if outcome == "won" else self.random.randint(14, 110)
        reached = 4 if outcome == "won" else self.random.choices((1, 2, 3, 4), (25, 35, 30, 10))[0]
        for n, share in zip(range(1, reached + 1), (0.15, 0.35, 0.7, 0.9), strict=False):
            self.plan(day, round(length * share), "move", (deal.pk, n))
            if n > 1 and self.random.random() < 0.5:
                self.plan(day, round(length * share) - 1, "talk", deal)
        quoted = reached >= 2
        if quoted:
            self.plan(day, round(length * 0.35) + 1, "quote", deal.pk)
        if quoted and reached >= 3 and self.random.random() < 0.25:
            self.plan(day, round(length * 0.7) + 1, "new version", deal.pk)
        self.plan(day, length, "win" if outcome == "won" else "lose", deal.pk)

    def move(self, batch: Batch) -> None:
        there = set(Opportunity.objects.filter(pk__in=[pk for _day, (pk, _n) in batch], status="open").values_list("pk", flat=True))
        furthest = {pk: n for _day, (pk, n) in batch if pk in there}
        items = [(pk, {"stage": str(self.stages[min(n, len(self.stages) - 1)].pk)}) for pk, n in furthest.items()]
        self.do(get("opportunities"), "move", items)

    def talk(self, batch: Batch) -> None:
        items = []
        for day, deal in batch:
            kind, subject, body = self.random.choice(world.DEAL_ACTIVITIES)
            items.append({
                "kind": kind, "subject": subject, "body": body, "about": {"type": "opportunities", "id": str(deal.pk)}, "owner": str(deal.owner_id),
                "due_at": f"{day.isoformat()}T{self.random.randint(8, 16):02d}:30", "done": True,
            })  # fmt: skip
        self.make(get("activities"), items)

    def win(self, batch: Batch) -> None:
        """The newest quote is accepted, the deal won; what was offered is ordered the same day."""
        ids = [pk for _day, pk in batch]
        newest = self._newest(ids)
        accepted = [quote for quote in newest.values() if quote.status == "sent"]
        names = {quote.pk: quote.contact.name if quote.contact else "" for quote in accepted}
        self.do(get("quotes"), "accept", [(quote.pk, {"name": names[quote.pk]}) for quote in accepted])
        self.do(get("opportunities"), "win", [(pk, {"date": day.isoformat()}) for day, pk in batch])
        self._become_customers({quote.account_id for quote in accepted})
        for day, pk in batch:
            if pk in newest and newest[pk] in accepted:
                self.agenda.plan(day, "order quote", newest[pk])

    def _become_customers(self, ids: set) -> None:
        prospects = [self.there.accounts[pk] for pk in ids if "customer" not in self.there.accounts[pk].roles]
        changed = write.change_many(self.actor, get("accounts"), [
            (a.pk, {"roles": ["customer", *(r for r in a.roles if r != "prospect")]}, a.version) for a in access.rows(self.actor, get("accounts")).filter(
                pk__in=[a.pk for a in prospects]
            )
        ])  # fmt: skip
        for account in changed:
            self.there.accounts[account.pk] = account

    def lose(self, batch: Batch) -> None:
        """Some decline the quote first, others let it lie until it expires."""
        newest = self._newest([pk for _day, pk in batch])
        declined = [quote for quote in newest.values() if quote.status == "sent" and self.random.random() < 0.6]
        self.do(get("quotes"), "decline", [(q.pk, {"reason": self.random.choice(world.DECLINED)}) for q in declined])
        items = [(pk, {"reason": self.random.choice(world.LOST), "date": day.isoformat()}) for day, pk in batch]
        self.do(get("opportunities"), "lose", items)

    # Quotes

    def _newest(self, deals: list) -> dict[Any, Quote]:
        """Deal -> its newest quote that can be answered."""
        rows = Quote.objects.filter(opportunity__in=deals, is_superseded=False).exclude(status="draft").select_related("contact")
        return {quote.opportunity_id: quote for quote in rows.order_by("created_at", "pk")}

    def quote(self, batch: Batch) -> None:
        """Of a deal, whole; most are sent the same day, others later."""
        deals = Opportunity.objects.filter(pk__in=[pk for _day, pk in batch], status="open").order_by("pk").values_list("pk", flat=True)
        made = self.do(get("opportunities"), "quote", [(pk, None) for pk in deals])
        valid = (batch[-1][0] + timedelta(days=self.random.choice((65, 70, 75)))).isoformat()
        terms = "Payment as agreed. Delivery free carrier Houston or Rotterdam. Prices hold for the whole quantity."
        write.change_many(self.actor, get("quotes"), [(q.pk, {"valid_until": valid, "terms": terms}, q.version) for q in made])
        for quote in made:
            self.plan(batch[-1][0], self.random.choice((0, 0, 0, 1, 3)), "send quote", quote.pk)

    def new_version(self, batch: Batch) -> None:
        """With a little more discount."""
        newest = self._newest([pk for _day, pk in batch])
        asked = [quote.pk for quote in newest.values() if quote.status == "sent"]
        made = self.do(get("quotes"), "new-version", [(pk, None) for pk in asked])
        items = []
        for quote in made:
            more = Decimal(self.random.choice((2, 3, 5))) / 100
            lines = [{"id": str(row.pk), "discount": str(row.discount + more)} for row in quote.lines.order_by("position")]
            items.append((quote.pk, {"lines": lines, "valid_until": (batch[-1][0] + timedelta(days=45)).isoformat()}, quote.version))
        for quote in write.change_many(self.actor, get("quotes"), items):
            self.agenda.plan(batch[-1][0], "send quote", quote.pk)

    def send_quote(self, batch: Batch) -> None:
        """What is of a deal that ended meanwhile stays a draft."""
        drafts = Quote.objects.filter(pk__in=[pk for _day, pk in batch], status="draft", opportunity__status="open")
        sent = self.do(get("quotes"), "send", [(pk, None) for pk in drafts.order_by("pk").values_list("pk", flat=True)])
        for quote in sent:
            self.agenda.plan(quote.valid_until + timedelta(days=3), "expire quote", quote.pk)

    def expire_quote(self, batch: Batch) -> None:
        over = Quote.objects.filter(pk__in=[pk for _day, pk in batch], status="sent").order_by("pk").values_list("pk", flat=True)
        write.act_many(access.system("quotes expire"), get("quotes"), "expire", [(pk, None) for pk in over], HISTORY)


def _domain(company: str, number: int) -> str:
    plain = "".join(c for c in company.lower() if c.isascii() and c.isalnum())
    return plain or f"company{number}"
