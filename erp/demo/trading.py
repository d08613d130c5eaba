"""The demo company's orders: entered, confirmed, amended, cancelled, shipped as far as goods are there, and what comes back."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F

from core import write
from core.registry import get
from crm.models import Quote
from erp.demo.agenda import Agenda
from erp.demo.opening import HISTORY, STOCKED, Opening
from erp.models import OrderLine, Reservation, SalesOrder, StockLevel

FREIGHT = {"USD": ("18.50", "35.00", "64.00"), "EUR": ("17.00", "32.00", "58.00"), "CNY": ("130.00", "250.00", "460.00")}
CANCELLED = ("Project postponed", "Ordered elsewhere", "Duplicate order")
Batch = list[tuple[date, Any]]


class Trading:
    """Handlers as in ``Selling``; Nora keeps the order desk, Piet the warehouses."""

    def __init__(self, there: Opening, agenda: Agenda):
        self.there, self.agenda, self.random = there, agenda, there.random
        self.desk, self.store = there.as_("nora"), there.as_("piet")
        self.on_the_way: dict[tuple[str, str], Decimal] = defaultdict(Decimal)

    # Orders

    def wish(self, day: date, account: Any) -> dict[str, Any]:
        freight = self.random.choice((None, *FREIGHT[account.currency or "USD"]))
        return {
            "account": str(account.pk), "contact": self.there.contact_of(account), "order_date": day.isoformat(),
            "owner": str(account.owner_id), "lines": self.there.lines(account.country, self.random.choice((1, 2, 2, 3, 3, 4, 5))),
            "charges": [{"name": "Freight", "amount": freight}] if freight else [], **self._head(day, account),
        }  # fmt: skip

    def _head(self, day: date, account: Any) -> dict[str, Any]:
        europe = self.there.regions[account.pk] == "Sales Europe"
        return {
            "requested_date": (day + timedelta(days=self.random.choice((14, 21, 21, 28, 35)))).isoformat(),
            "warehouse": self.there.warehouses["Rotterdam" if europe else "Houston"],
            "ship_name": account.name, "ship_city": account.city, "ship_country": account.country,
        }  # fmt: skip

    def order(self, batch: Batch) -> None:
        """Orders that come by themselves, of customers who know what they want."""
        items = [self.wish(day, account) for day, account in batch]
        orders = write.create_many(self.desk, get("orders"), items, HISTORY)
        self._confirm([(day, order) for (day, _account), order in zip(batch, orders, strict=True)])

    def order_quote(self, batch: Batch) -> None:
        """What was accepted is ordered as it was offered."""
        quotes: dict[Any, Quote] = {quote.pk: quote for _day, quote in batch}
        orders = write.act_many(self.desk, get("quotes"), "order", [(pk, None) for pk in quotes], HISTORY)
        heads = [self._head(day, self.there.accounts[quote.account_id]) for day, quote in batch]
        orders = write.change_many(self.desk, get("orders"), [(o.pk, head, o.version) for o, head in zip(orders, heads, strict=True)])
        self._confirm([(day, order) for (day, _quote), order in zip(batch, orders, strict=True)])

    def _confirm(self, pairs: list[tuple[date, SalesOrder]]) -> None:
        items = [(order.pk, {"date": day.isoformat()}) for day, order in pairs]
        for (day, _order), order in zip(pairs, write.act_many(self.desk, get("orders"), "confirm", items, HISTORY), strict=True):
            what = self.random.random()
            later = day + timedelta(days=self.random.randint(2, 6))
            if what < 0.03:
                self.agenda.plan(later, "cancel", order.pk)
                continue
            if what < 0.08:
                self.agenda.plan(later, "amend", order.pk)
            elif what < 0.10:
                self.agenda.plan(day, "invoice", (order.pk, "ordered"))
            self.agenda.plan(self._shipping_day(day, order), "deliver", (order.pk, what > 0.93))

    def _shipping_day(self, day: date, order: SalesOrder) -> date:
        """A little before it is wanted; now and then after."""
        if self.random.random() < 0.95:
            return max(order.requested_date - timedelta(days=self.random.randint(1, 7)), day + timedelta(days=3))
        return order.requested_date + timedelta(days=self.random.randint(1, 9))

    def amend(self, batch: Batch) -> None:
        lines: dict[Any, list[OrderLine]] = defaultdict(list)
        for row in OrderLine.objects.filter(order__in=[pk for _day, pk in batch], order__status="confirmed").order_by("position"):
            lines[row.order_id].append(row)
        items = [
            (pk, {"date": day.isoformat(), "lines": [
                {"id": str(row.pk), "quantity": str(row.quantity + (2 if n == 0 else 0))} for n, row in enumerate(lines[pk])
            ]})
            for day, pk in batch if pk in lines
        ]  # fmt: skip
        write.act_many(self.desk, get("orders"), "amend", items, HISTORY)

    def cancel(self, batch: Batch) -> None:
        items = [(pk, {"date": day.isoformat(), "reason": self.random.choice(CANCELLED)}) for day, pk in batch]
        write.act_many(self.desk, get("orders"), "cancel", items, HISTORY)

    def close(self, batch: Batch) -> None:
        """Orders of which nothing is left to ship."""
        days = {pk: day for day, pk in batch}
        waiting = OrderLine.objects.filter(order__in=days, quantity__gt=F("shipped") + F("cancelled")).values("order")
        done = SalesOrder.objects.filter(pk__in=days, status="confirmed").exclude(pk__in=waiting).order_by("number").values_list("pk", flat=True)
        write.act_many(self.desk, get("orders"), "close", [(pk, {"date": days[pk].isoformat()}) for pk in done], HISTORY)

    # Goods

    def replenish(self, batch: Batch) -> None:
        """Every other week: what runs low is ordered from the suppliers and arrives in one to four weeks."""
        day = batch[-1][0]
        levels = {(str(level.warehouse_id), str(level.product_id)): level for level in StockLevel.objects.all()}
        waiting: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for row in OrderLine.objects.filter(order__status="confirmed").select_related("order"):
            waiting[str(row.order.warehouse_id), str(row.product_id)] += row.quantity - row.shipped - row.cancelled
        for name, share in STOCKED.items():
            for product in self.there.products:
                place = (self.there.warehouses[name], str(product.pk))
                level, usual = levels.get(place), self.there.usual(product) * share
                free = (level.on_hand if level else Decimal(0)) - waiting[place] + self.on_the_way[place]
                if product.kind == "good" and free < usual * 0.9:
                    quantity = round(usual * 2.0 - float(free)) + 1
                    self.on_the_way[place] += quantity
                    self.agenda.plan(day + timedelta(days=self.random.randint(7, 24)), "receive", (name, product, quantity))
        self.agenda.plan(day + timedelta(days=14), "replenish", None)

    def receive(self, batch: Batch) -> None:
        self.there.receive((day, name, product, quantity) for day, (name, product, quantity) in batch)
        for _day, (name, product, quantity) in batch:
            self.on_the_way[self.there.warehouses[name], str(product.pk)] -= quantity

    def deliver(self, batch: Batch) -> None:
        """What stock is kept for leaves; for the rest there is another try. Some send half first, though all is there."""
        asked = {pk: (day, half) for day, (pk, half) in batch}
        lines: dict[Any, list[OrderLine]] = defaultdict(list)
        for row in OrderLine.objects.filter(order__in=asked, order__status="confirmed").order_by("order__number", "position"):
            if row.quantity > row.shipped + row.cancelled:
                lines[row.order_id].append(row)
        kept = dict(Reservation.objects.filter(order_line__order__in=asked).values_list("order_line", "quantity"))
        goods = {product.pk for product in self.there.products if product.kind == "good"}
        items, rest = [], []
        for pk, rows in lines.items():
            day, half = asked[pk]
            wanted = []
            for n, row in enumerate(rows):
                left = row.quantity - row.shipped - row.cancelled
                there = min(left, kept.get(row.pk, Decimal(0))) if row.product_id in goods else left
                there = there if not half else there // 2 if len(rows) == 1 else there if n % 2 == 0 else Decimal(0)
                if there > 0:
                    wanted.append({"order_line": str(row.pk), "quantity": str(there)})
                if there < left and pk not in rest:
                    rest.append(pk)
            if wanted:
                items.append((pk, {"lines": wanted, "date": day.isoformat()}))
        for pk in rest:
            self.agenda.plan(asked[pk][0] + timedelta(days=self.random.randint(4, 9)), "deliver", (pk, False))
        self._ship(items)

    def _ship(self, items: list[tuple[Any, dict]]) -> None:
        drafts = write.act_many(self.store, get("orders"), "deliver", items, HISTORY)
        dated = [(draft.pk, {"date": data["date"]}) for draft, (_pk, data) in zip(drafts, items, strict=True)]
        for delivery in write.act_many(self.store, get("deliveries"), "ship", dated, HISTORY):
            self.agenda.plan(delivery.date + timedelta(days=self.random.choice((0, 0, 1, 1, 2, 4))), "invoice", (delivery.order_id, "delivered"))
            if self.random.random() < 0.04:
                self.agenda.plan(delivery.date + timedelta(days=self.random.randint(8, 20)), "return", delivery)

    def bring_back(self, batch: Batch) -> None:
        """One line of a delivery, some of it; credited two days later."""
        items, lines = [], {}
        for day, delivery in batch:
            row = self.random.choice(list(delivery.lines.order_by("position")))
            quantity = max(1, int(row.quantity) // self.random.choice((2, 3, 4)))
            lines[delivery.pk] = (row.order_line_id, quantity)
            items.append((delivery.pk, {"lines": [{"delivery_line": str(row.pk), "quantity": str(min(row.quantity, quantity))}], "date": day.isoformat()}))
        drafts = write.act_many(self.store, get("deliveries"), "return", items, HISTORY)
        write.act_many(self.store, get("deliveries"), "ship", [(d.pk, {"date": i["date"]}) for d, (_pk, i) in zip(drafts, items, strict=True)], HISTORY)
        for day, delivery in batch:
            self.agenda.plan(day + timedelta(days=2), "credit", lines[delivery.pk])
