"""What the demo company has before its year begins: people, currencies and taxes, products with their prices, stock, customers, targets."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

from core import access, write
from core.access import Actor
from core.models import Role, User
from core.registry import get
from core.structures import today
from erp.demo import world
from erp.demo.agenda import months

HISTORY = write.History()
MONTHS = 13  # the year, and the month it is, so that this month too has one of a year ago
SEASON = (0.9, 0.95, 1.1, 1.0, 1.05, 1.1, 0.85, 0.7, 1.1, 1.15, 1.2, 0.95)  # January to December
STOCKED = {"Rotterdam": 0.55, "Houston": 1.0}  # of what a year takes


class Opening:
    """Who and what there is; the chapters of the year ask this. Its own chapters fill it, in the order they stand here."""

    def __init__(self, owner: Actor, password: str, domain: str):
        self.owner, self.password, self.domain = owner, password, domain
        self.random = Random(2009)
        self.today = today()
        self.first = (self.today.replace(day=1) - timedelta(days=364)).replace(day=1)
        self.people: dict[str, User] = {}
        self.sellers: dict[str, list[User]] = {}
        self.actors: dict[Any, Actor] = {}
        self.products: list[Any] = []
        self.warehouses: dict[str, Any] = {}
        self.taxes: dict[str, Any] = {}
        self.accounts: dict[Any, Any] = {}
        self.regions: dict[Any, str] = {}
        self.contacts: dict[Any, list[Any]] = {}
        self.habits: dict[Any, str] = {}

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

    def as_(self, mail: str) -> Actor:
        return self.actors[self.people[mail].pk]

    def count_money(self) -> None:
        """Tax codes, and a rate of each currency for every month."""
        codes = {**world.TAXES, "": world.EXPORT}
        made = write.create_many(self.owner, get("tax-codes"), [{"code": code, "rate": rate} for code, rate in codes.values()])
        self.taxes = {country: str(row.pk) for country, row in zip(codes, made, strict=True)}
        rates = []
        for currency, (start, move) in world.RATES.items():
            for n, (day, _length) in enumerate(months(self.first, MONTHS)):
                wobble = Decimal(self.random.randint(-40, 40)) / 4000 * Decimal(start)
                rate = (Decimal(start) + Decimal(move) * n / (MONTHS - 1) + wobble).quantize(Decimal("0.0001"), ROUND_HALF_UP)
                rates.append({"currency": currency, "date": day.isoformat(), "rate": str(rate)})
        write.create_many(self.owner, get("exchange-rates"), rates)

    def tax(self, country: str) -> str:
        return self.taxes.get(country, self.taxes[""])

    def fill_the_shelves(self) -> None:
        """Categories, products, price books; two warehouses, and what lies in them on the first day."""
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
        write.create_many(self.owner, get("price-books"), [self._price_book(*book) for book in world.PRICE_BOOKS])
        main = access.rows(self.owner, get("warehouses")).get()
        write.change(self.owner, get("warehouses"), main.pk, {"name": world.WAREHOUSES[0], "allow_negative": False}, main.version)
        other = write.create(self.owner, get("warehouses"), {"name": world.WAREHOUSES[1]})
        self.warehouses = dict(zip(world.WAREHOUSES, (str(main.pk), str(other.pk)), strict=True))
        self.receive(
            (self.first, warehouse, product, round(self.usual(product) * share * 2.2) + 2)
            for warehouse, share in STOCKED.items() for product in self.products if product.kind == "good"
        )  # fmt: skip

    def _price_book(self, name: str, currency: str, roles: tuple, factor: str, step: tuple[int, str]) -> dict[str, Any]:
        def price(product: Any, factor: str) -> str:
            return str((product.unit_price * Decimal(factor)).quantize(Decimal(1) if product.unit_price > 100 else Decimal("0.1"), ROUND_HALF_UP))

        goods = [product for product in self.products if product.kind == "good"]
        entries = [{"product": str(p.pk), "unit_price": price(p, factor)} for p in self.products]
        entries += [{"product": str(p.pk), "min_quantity": step[0], "unit_price": price(p, step[1])} for p in goods]
        return {"name": name, "currency": currency, "customer_roles": list(roles), "valid_from": self.first.isoformat(), "entries": entries}

    def usual(self, product: Any) -> int:
        """About how many of a good leave in a month."""
        return 62 if product.unit_price < 200 else 19 if product.unit_price < 1000 else 8

    def receive(self, wanted: Iterable[tuple[date, str, Any, int]]) -> None:
        """Goods arrive: ``(day, warehouse, product, quantity)`` each, at costs that rise through the year and differ a little."""
        items = []
        for day, warehouse, product, quantity in wanted:
            through = Decimal((day - self.first).days) / 365
            cost = product.cost * (1 + Decimal("0.05") * through) * Decimal(self.random.randint(970, 1030)) / 1000
            items.append({
                "warehouse": self.warehouses[warehouse], "product": str(product.pk), "quantity": quantity, "kind": "receipt", "date": day.isoformat(),
                "unit_cost": str(cost.quantize(Decimal("0.01"), ROUND_HALF_UP)),
            })  # fmt: skip
        if items:
            write.create_many(self.as_("piet"), get("stock-moves"), items, HISTORY)

    def meet_customers(self) -> None:
        """Accounts with two or three people each, and how each of them pays."""
        items = []
        for name, industry, city, country, roles, region in world.ACCOUNTS:
            owner = self.random.choice(self.sellers.get(region) or [self.people["piet"]])
            items.append({
                "name": name, "industry": industry, "city": city, "country": country, "roles": roles.split(","), "owner": str(owner.pk),
                "currency": currency_of(country), "payment_days": self.random.choice((14, 30, 30, 30, 45)), "external_id": f"A-{1001 + len(items)}",
            })  # fmt: skip
        for account, (*_rest, region) in zip(write.create_many(self.owner, get("accounts"), items), world.ACCOUNTS, strict=True):
            self.welcome(account, region)
        people = [self.person(account) for account in self.accounts.values() for _ in range(self.random.choice((1, 2, 2, 3)))]
        for contact in write.create_many(self.owner, get("contacts"), people):
            self.contacts.setdefault(contact.account_id, []).append(contact)

    def welcome(self, account: Any, region: str) -> None:
        """An account is known from now on."""
        self.accounts[account.pk], self.regions[account.pk] = account, region
        self.habits[account.pk] = self.random.choices(("prompt", "slow", "late"), (53, 32, 15))[0]

    def person(self, account: Any) -> dict[str, Any]:
        name = self.name_in(account.country)
        return {"name": name, "account": str(account.pk), "title": self.random.choice(world.TITLES), "owner": str(account.owner_id)}

    def contact_of(self, account: Any) -> str:
        """One of the account's people whom its own seller looks after: others he may not see."""
        return str(self.random.choice([contact for contact in self.contacts[account.pk] if contact.owner_id == account.owner_id]).pk)

    def name_in(self, country: str) -> str:
        given = self.random.choice(world.GIVEN.get(country, world.GIVEN[""]))
        family = self.random.choice(world.FAMILY.get(country, world.FAMILY[""]))
        return family + given if country == "CN" else f"{given} {family}"

    def lines(self, country: str, count: int, bulk: float = 1.0) -> list[dict[str, Any]]:
        """So many products as lines of a document, taxed as in the country."""
        found = []
        for product in self.random.sample(self.products, count):
            most = 40 if product.unit_price < Decimal(200) else 12 if product.unit_price < Decimal(1000) else 5
            found.append({
                "product": str(product.pk), "quantity": str(max(1, round(self.random.randint(1, most) * bulk))), "tax_code": self.tax(country),
                "discount": self.random.choice(("0", "0", "0", "0", "0.05", "0.1", "0.12")),
            })  # fmt: skip
        return found

    def set_targets(self) -> None:
        """What each seller, and all together, are meant to bring in each month of this and the next quarter, a little more each time."""
        items = []
        for n, (day, _length) in enumerate(months(self.first, MONTHS + 2)):
            period, season = f"{day.year}-{day.month:02d}", SEASON[day.month - 1] * (1 + n * 0.02)
            items.append({"kpi": "order-intake", "period": period, "value": str(round(415 * season) * 1000)})
            for region in self.sellers.values():
                items += [
                    {"kpi": "order-intake", "period": period, "dimension": "person", "subject": str(user.pk), "value": str(round(43 * season) * 1000)}
                    for user in region
                ]
        write.create_many(self.owner, get("targets"), items)


def currency_of(country: str) -> str:
    return "EUR" if country in world.EURO else "CNY" if country == "CN" else "USD"
