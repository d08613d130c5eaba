"""Twelve months of the demo company: what its people sell, to whom, when, and what changes afterwards.

Seeded, so that it comes out the same for the same day; all of it goes through ``core.write``, as if people had done it.
"""

import calendar
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from core import access, door, write
from core.access import Actor
from core.models import Role, User
from core.registry import get
from core.structures import today
from erp.demo import world

HISTORY = write.History()
SEASON = (0.9, 0.95, 1.1, 1.0, 1.05, 1.1, 0.85, 0.7, 1.1, 1.15, 1.2, 0.95)  # January to December
ORDERS = 46  # in an average month

Say = Callable[[str], None]


class Story:
    """The year as it is written down. Each chapter is one transaction."""

    def __init__(self, owner: Actor, password: str, domain: str, say: Say):
        self.owner, self.password, self.domain, self.say = owner, password, domain, say
        self.random = Random(2009)
        self.today = today()
        self.people: dict[str, User] = {}
        self.sellers: dict[str, list[User]] = {}
        self.actors: dict[Any, Actor] = {}
        self.products: list[Any] = []
        self.accounts: list[Any] = []
        self.contacts: dict[Any, list[Any]] = {}

    def tell(self) -> None:
        for sentence, chapter in (
            ("people and units", self.hire), ("products", self.stock_the_shelves), ("customers", self.meet_customers),
            ("orders", self.sell), ("activities", self.keep_in_touch),
        ):  # fmt: skip
            self.say(f"Demo company: {sentence} ...")
            door.writing(chapter)

    def hire(self) -> None:
        """Units, then people; the first of a unit heads it."""
        units: dict[str, Any] = {}
        root = access.rows(self.owner, get("org-units")).get(parent=None)
        for name, above in world.UNITS.items():
            units[name] = write.create(self.owner, get("org-units"), {"name": name, "parent": str(units[above].pk if above else root.pk)})
        roles = dict(Role.objects.values_list("key", "pk"))
        people = [
            {
                "name": name, "email": f"{mail}@{self.domain}", "password": self.password, "unit": str(units[unit].pk), "roles": [str(roles[role])],
                "language": language,
            }
            for name, mail, unit, role, language in world.PEOPLE
        ]  # fmt: skip
        heads: dict[str, User] = {}
        for (_name, mail, unit, role, _language), user in zip(world.PEOPLE, write.create_many(self.owner, get("users"), people), strict=True):
            self.people[mail] = user
            if unit not in heads:
                heads[unit] = user
                write.change(self.owner, get("org-units"), units[unit].pk, {"manager": str(user.pk)}, units[unit].version)
            else:
                write.change(self.owner, get("users"), user.pk, {"manager": str(heads[unit].pk)}, user.version)
            if role.startswith("sales"):
                self.sellers.setdefault(unit, []).append(user)
        self.actors = {user.pk: access.actor_for(User.objects.get(pk=user.pk)) for user in self.people.values()}

    def stock_the_shelves(self) -> None:
        categories: dict[str, Any] = {}
        for name, above in world.CATEGORIES.items():
            parent = str(categories[above].pk) if above else None
            categories[name] = write.create(self.owner, get("product-categories"), {"name": name, "parent": parent})
        self.products = write.create_many(self.owner, get("products"), [
            {
                "sku": sku, "name": name, "category": str(categories[category].pk), "unit_price": price, "cost": cost,
                "kind": "service" if category == "Services" else "good", "uom": "h" if category == "Services" else "pcs",
            }
            for sku, name, category, price, cost in world.PRODUCTS
        ])  # fmt: skip

    def meet_customers(self) -> None:
        """Accounts with two or three people each."""
        items = []
        for name, industry, city, country, roles, region in world.ACCOUNTS:
            owner = self.random.choice(self.sellers.get(region) or [self.people["piet"]])
            items.append({
                "name": name, "industry": industry, "city": city, "country": country, "roles": roles.split(","), "owner": str(owner.pk),
                "payment_days": self.random.choice((14, 30, 30, 45, 60)), "external_id": f"A-{1001 + len(items)}",
            })  # fmt: skip
        self.accounts = write.create_many(self.owner, get("accounts"), items)
        people = [self._person(account) for account in self.accounts for _ in range(self.random.choice((1, 2, 2, 3)))]
        for contact in write.create_many(self.owner, get("contacts"), people):
            self.contacts.setdefault(contact.account_id, []).append(contact)

    def _person(self, account: Any) -> dict[str, Any]:
        given = self.random.choice(world.GIVEN.get(account.country, world.GIVEN[""]))
        family = self.random.choice(world.FAMILY.get(account.country, world.FAMILY[""]))
        name = family + given if account.country == "CN" else f"{given} {family}"
        return {"name": name, "account": str(account.pk), "title": self.random.choice(world.TITLES), "owner": str(account.owner_id)}

    def sell(self) -> None:
        """A year of orders, growing a little each month, and the amendments, cancellations and drafts among them."""
        customers = [a for a in self.accounts if "customer" in a.roles]
        weights = [1 / (1 + i) ** 0.7 for i in range(len(customers))]
        self.random.shuffle(weights)
        planned = [(day, self.random.choices(customers, weights)[0]) for day in sorted(self._days())]
        for i, (day, account) in enumerate(planned):
            if i % 50 == 0:
                self.say(f"Demo company: order {i} of {len(planned)} ...")
            self._order(day, account)
        for _ in range(9):
            account = self.random.choices(customers, weights)[0]
            write.create(self.actors[account.owner_id], get("orders"), self._wish(self.today, account))

    def _days(self):
        first = (self.today.replace(day=1) - timedelta(days=335)).replace(day=1)
        months = [(first.year + (first.month - 1 + m) // 12, (first.month - 1 + m) % 12 + 1) for m in range(12)]
        for growth, (year, month) in enumerate(months):
            length = calendar.monthrange(year, month)[1]
            for _ in range(round(ORDERS * SEASON[month - 1] * (0.85 + growth * 0.025))):
                day = date(year, month, self.random.randint(1, length))
                while day.weekday() > 4:
                    day -= timedelta(days=1)
                if first <= day <= self.today:
                    yield day

    def _wish(self, day: date, account: Any) -> dict[str, Any]:
        chosen = self.random.sample(self.products, self.random.choice((1, 2, 2, 3, 3, 4, 5)))
        lines = [
            {"product": str(p.pk), "quantity": self._quantity(p), "discount": self.random.choice(("0", "0", "0", "0.05", "0.1", "0.12"))} for p in chosen
        ]
        contact = self.random.choice(self.contacts[account.pk])
        freight = self.random.choice((None, "18.50", "35.00", "64.00"))
        return {
            "account": str(account.pk), "contact": str(contact.pk), "order_date": day.isoformat(),
            "requested_date": (day + timedelta(days=self.random.choice((14, 21, 28, 42)))).isoformat(), "lines": lines,
            "charges": [{"name": "Freight", "amount": freight}] if freight else [],
            "ship_name": account.name, "ship_city": account.city, "ship_country": account.country,
        }  # fmt: skip

    def _quantity(self, product: Any) -> str:
        most = 40 if product.unit_price < Decimal(200) else 12 if product.unit_price < Decimal(1000) else 5
        return str(self.random.randint(1, most))

    def _order(self, day: date, account: Any) -> None:
        actor = self.actors[account.owner_id]
        order = write.create(actor, get("orders"), self._wish(day, account))
        order = write.act(actor, get("orders"), order.pk, "confirm", {"date": day.isoformat()}, history=HISTORY)
        what, later = self.random.random(), day + timedelta(days=self.random.randint(2, 25))
        if later > self.today:
            return
        if what < 0.06:
            lines = [{"id": str(row.pk), "quantity": str(row.quantity + (1 if n == 0 else 0))} for n, row in enumerate(order.lines.order_by("position"))]
            write.act(actor, get("orders"), order.pk, "amend", {"lines": lines, "date": later.isoformat()}, history=HISTORY)
        elif what < 0.1:
            reason = self.random.choice(("Project postponed", "Ordered elsewhere", "Duplicate order"))
            write.act(self.owner, get("orders"), order.pk, "cancel", {"reason": reason, "date": later.isoformat()}, history=HISTORY)

    def keep_in_touch(self) -> None:
        """Calls, visits and notes of the past, tasks of the coming days."""
        items = []
        for account in self.accounts:
            for _ in range(self.random.choice((1, 2, 3, 4))):
                kind, subject, body = self.random.choice(world.ACTIVITIES)
                day = self.today - timedelta(days=self.random.randint(1, 330))
                items.append(self._activity(account, kind, subject, body, day, done=True))
            if self.random.random() < 0.5:
                day = self.today + timedelta(days=self.random.randint(-4, 14))
                items.append(self._activity(account, "task", self.random.choice(world.TASKS), "", day, done=False))
        write.create_many(self.owner, get("activities"), items)

    def _activity(self, account: Any, kind: str, subject: str, body: str, day: date, done: bool) -> dict[str, Any]:
        return {
            "kind": kind, "subject": subject, "body": body, "about": {"type": "accounts", "id": str(account.pk)}, "owner": str(account.owner_id),
            "due_at": f"{day.isoformat()}T{self.random.randint(8, 16):02d}:{self.random.choice((0, 15, 30)):02d}", "done": done,
        }  # fmt: skip
