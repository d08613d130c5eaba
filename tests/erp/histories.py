"""Random histories of a company, done through its API and in the oracle at once. Each deed is compared as it is done; asserts."""

import json
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from tests.erp import oracle_figures
from tests.erp.oracle import MADE, OK, REFUSED, ZERO, Account, Delivery, Invoice, Line, Note, Order, Payment, Person, Product
from tests.erp.oracle_money import Oracle
from tests.people import Api

DAYS = 425  # some fourteen months
SLUG = {Order: "orders", Delivery: "deliveries", Invoice: "invoices", Note: "credit-notes", Payment: "payments"}
SUMS = {"net": "net", "tax": "tax", "charges_total": "charged", "total": "total", "base_net": "base_net", "base_total": "base_total"}
DONE = ("shipped", "returned", "invoiced", "credited", "cancelled", "open")
LATEST = 40  # of each kind of document, so many are worked on


def D(text) -> Decimal:
    return Decimal(str(text))


DOZEN = D(12)


class History:
    """One company and its oracle. ``step()`` does something at random."""

    def __init__(self, api: Api, seed: int, today: date):
        self.api, self.pick, self.look, self.today = api, Random(seed), Random(seed), today
        self.begin, self.done, self.remembered = today - timedelta(days=DAYS), [], []
        self.build()

    # The company

    def made(self, path: str, body: dict, status: int = MADE) -> dict:
        answer = self.api.post(path, body)
        assert answer.status_code == status, (path, body, answer.content.decode()[:2000])
        return answer.json()

    def got(self, path: str, query: dict | None = None) -> dict:
        answer = self.api.get(path, query)
        assert answer.status_code == 200, (path, query, answer.content.decode()[:2000])
        return answer.json()

    def build(self) -> None:
        rates = [(self.begin + timedelta(days=days), D(rate)) for days, rate in ((20, "0.90"), (160, "0.95"), (300, "0.8734"))]
        for since, rate in rates:
            self.made("exchange-rates/", {"currency": "USD", "date": since.isoformat(), "rate": str(rate)})
        taxes = {self.made("tax-codes/", {"code": f"VAT {rate}", "rate": rate})["id"]: D(rate) for rate in ("0.19", "0.07")}
        me = self.got("users/")["results"][0]
        self.people = [Person(me["id"], me["unit"]["id"])]
        for name in ("East", "West"):
            unit = self.made("org-units/", {"name": name, "parent": me["unit"]["id"]})["id"]
            user = self.made("users/", {"name": f"Of {name}", "email": f"{name.lower()}@example.com", "unit": unit})
            self.people.append(Person(user["id"], unit))
        self.accounts = []
        for n, (currency, days) in enumerate((("EUR", 0), ("USD", 30), ("EUR", 14), ("USD", 60))):
            owner = self.people[n % 3]
            body = {"name": f"Customer {n}", "roles": ["customer"], "currency": currency, "payment_days": days, "owner": owner.id}
            self.accounts.append(Account(self.made("accounts/", body)["id"], currency, days, owner))
        self.products = []
        codes = list(taxes)
        for sku, kind, price, cost, tax in (
            ("A", "good", "100", "60", codes[0]), ("B", "good", "9.99", "4", codes[1]), ("C", "good", "33.33", None, None),
            ("S", "service", "120", "55.5", codes[0]), ("T", "service", "7.77", None, None), ("E", "good", "0.05", "0.0123", codes[1]),
        ):  # fmt: skip
            made = self.made("products/", {"sku": sku, "name": sku, "kind": kind, "unit_price": price, "cost": cost, "tax_code": tax})
            self.products.append(Product(made["id"], kind, D(price), D(made["cost"]) if cost else None, tax))
        own = self.got("warehouses/")["results"][0]["id"]
        strict = self.made("warehouses/", {"name": "Strict"})["id"]
        self.world = Oracle(self.today, "EUR", {"USD": rates}, taxes, {own: True, strict: False})
        self.strict = strict

    # Choosing

    def day(self, after: date | None = None, spread: int = 40, by: Random | None = None) -> date:
        if after is None:
            return self.begin + timedelta(days=(by or self.pick).randint(0, DAYS))
        return min(max(after + timedelta(days=self.pick.randint(-3, spread)), self.begin), self.today)

    def quantity(self, most: Decimal = DOZEN) -> Decimal:
        steps = int(most / oracle_figures.STEP)
        return oracle_figures.STEP * self.pick.randint(1, max(steps, 1))

    def some(self, kind, *statuses):
        found = self.world.all(kind, *statuses)[-LATEST:] if statuses else self.world.all(kind)[-LATEST:]
        return self.pick.choice(found) if found else None

    def usually(self, kind, *statuses):
        """Mostly one of which the deed is possible, sometimes any."""
        return (self.some(kind, *statuses) if self.pick.random() < 0.93 else None) or self.some(kind)

    def line(self) -> Line:
        product = self.pick.choice([*self.products, *self.products[:3], None])
        price = D(self.pick.choice(["100", "9.99", "33.335", "0.0149", "111.11", "1234.5", str(product.price) if product else "5"]))
        return Line(product, self.quantity(), price, D(self.pick.choice(["0", "0", "0.05", "0.333333", "1"])), self.pick.choice([None, *self.world.taxes]))

    @staticmethod
    def written(line: Line) -> dict:
        body = {
            "product": line.product and line.product.id, "description": "x", "quantity": str(line.quantity), "unit_price": str(line.price),
            "discount": str(line.discount), "tax_code": line.tax,
        }  # fmt: skip
        return body | ({"id": line.id} if line.id else {})

    def part_of(self, lines: list[Line], key: str, most=lambda line: line.quantity) -> tuple[dict | None, list | None]:
        """Sometimes all that is left (nothing said), sometimes part of it, sometimes too much."""
        if not lines or self.pick.random() < 0.4:
            return None, None
        chosen = [line for line in lines if self.pick.random() < 0.7] or [lines[0]]
        wanted = {line.id: self.quantity(max(most(line), oracle_figures.STEP)) for line in chosen}
        if self.pick.random() < 0.05:
            wanted[chosen[0].id] = D(1000)
        return wanted, [{key: ident, "quantity": str(quantity)} for ident, quantity in wanted.items()]

    # Doing

    def tell(self, expected: int, path: str, body: dict) -> dict:
        """Do it through the API, as the oracle says it is answered."""
        answer = self.api.post(path, body)
        self.done.append((path, body, answer.status_code))
        assert answer.status_code == expected, (f"the oracle says {expected}", answer.status_code, answer.content.decode()[:1500], self.done[-8:])
        return answer.json()

    def make(self, status: int, paper, path: str, body: dict) -> None:
        told = self.tell(status, path, body)
        if status == MADE:
            self.world.keep(paper, told["id"], [row["id"] for row in told.get("lines", [])])
            self.compare(paper, told)

    def act(self, status: int, paper, name: str, body: dict) -> None:
        told = self.tell(status, f"{SLUG[type(paper)]}/{paper.id}/{name}/", body)
        if status == OK:
            self.compare(paper, told)

    def step(self) -> None:
        deeds = {
            self.new_order: 10, self.confirm: 11, self.amend: 6, self.end: 3, self.new_owner: 3, self.deliver: 12, self.ship: 12, self.bring_back: 4,
            self.receive: 5, self.invoice: 12, self.bill: 3, self.post_invoice: 12, self.credit: 5, self.post_note: 5, self.pay: 6, self.post_payment: 6,
            self.allocate: 9, self.throw_away: 3, self.edit: 2,
        }  # fmt: skip
        self.pick.choices(list(deeds), list(deeds.values()))[0]()

    def new_order(self) -> None:
        account, owner = self.pick.choice(self.accounts), self.pick.choice(self.people)
        currency = self.pick.choice([account.currency, "EUR"])
        lines, day = [self.line() for _ in range(self.pick.randint(1, 4))], self.day()
        charges = [("Freight", D(self.pick.choice(["4.20", "15"])), self.pick.choice([None, *self.world.taxes]))] if self.pick.random() < 0.4 else []
        requested = day + timedelta(days=self.pick.randint(0, 30)) if self.pick.random() < 0.5 else None
        warehouse = self.strict if self.pick.random() < 0.35 else ""
        order = self.world.order(account, owner, currency, lines, charges, warehouse, requested)
        body = {
            "account": account.id, "owner": owner.id, "currency": currency, "lines": [self.written(line) for line in lines],
            "charges": [{"name": n, "amount": str(a), "tax_code": c} for n, a, c in charges], "requested_date": requested and requested.isoformat(),
        }  # fmt: skip
        self.make(MADE, order, "orders/", body | ({"warehouse": warehouse} if warehouse else {}))

    def confirm(self) -> None:
        if order := self.usually(Order, "draft"):
            day = self.day()
            self.act(self.world.confirm(order, day), order, "confirm", {"date": day.isoformat()})

    def amend(self) -> None:
        if not (order := self.usually(Order, "confirmed")):
            return
        lines = []
        for line in order.lines:
            if self.pick.random() < 0.85 or line.shipped or line.invoiced:
                now = Line(line.product, line.quantity, line.price, line.discount, line.tax, line.id)
                match self.pick.randint(0, 5):
                    case 0:
                        now.quantity += self.quantity(D(5))
                    case 1 | 2:
                        now.quantity = max(now.quantity - self.quantity(D(5)), oracle_figures.STEP)
                    case 3 if self.pick.random() < 0.3:
                        now.product = self.pick.choice(self.products)
                    case 3:
                        now.price = D(self.pick.choice(["80", "12.345", "0.99"]))
                lines.append(now)
        lines += [self.line() for _ in range(self.pick.choice([0, 0, 1]))]
        day = self.day(order.revisions[-1][0] if order.revisions else None)
        body = {"lines": [self.written(line) for line in lines], "date": day.isoformat()}
        status = self.world.amend(order, lines, day)
        told = self.tell(status, f"orders/{order.id}/amend/", body)
        if status == OK:
            self.world.amend_named([row["id"] for row in told["lines"]])
            self.compare(order, told)

    def end(self) -> None:
        if order := self.usually(Order, "confirmed"):
            name, status = self.pick.choice([("cancel", "cancelled"), ("close", "closed")])
            day = self.day(order.revisions[-1][0] if order.revisions else None)
            self.act(self.world.end(order, status, day), order, name, {"date": day.isoformat()} | ({"reason": "Because"} if name == "cancel" else {}))

    def new_owner(self) -> None:
        if order := self.some(Order, "confirmed", "closed", "cancelled"):
            person = self.pick.choice(self.people)
            told = self.api.patch(f"orders/{order.id}/", {"owner": person.id}, self.got(f"orders/{order.id}/")["version"])
            assert told.status_code == self.world.give_to(order, person), told.content

    def edit(self) -> None:
        if order := self.some(Order, "draft"):
            order.lines = [self.line() for _ in range(self.pick.randint(1, 3))]
            for line in order.lines:
                line.order = order
            self.world.count_draft(order)
            body = {"lines": [self.written(line) for line in order.lines]}
            told = self.api.patch(f"orders/{order.id}/", body, self.got(f"orders/{order.id}/")["version"])
            assert told.status_code == OK, told.content
            for line, row in zip(order.lines, told.json()["lines"], strict=True):
                line.id = row["id"]
            self.compare(order, told.json())

    def deliver(self) -> None:
        if order := self.usually(Order, "confirmed"):
            wanted, lines = self.part_of(order.lines, "order_line", lambda line: line.open)
            status, made = self.world.deliver(order, wanted)
            self.make(status, made, f"orders/{order.id}/deliver/", {} if lines is None else {"lines": lines})

    def ship(self) -> None:
        if delivery := self.usually(Delivery, "draft"):
            day = self.day(delivery.order.on)
            self.act(self.world.ship(delivery, day), delivery, "ship", {"date": day.isoformat()})

    def bring_back(self) -> None:
        if delivery := self.usually(Delivery, "shipped"):
            wanted, lines = self.part_of(delivery.lines, "delivery_line")
            status, made = self.world.give_back(delivery, wanted)
            self.make(status, made, f"deliveries/{delivery.id}/return/", {} if lines is None else {"lines": lines})

    def receive(self) -> None:
        warehouse, product = self.pick.choice(list(self.world.store.allow_negative)), self.pick.choice([p for p in self.products if p.kind == "good"])
        kind = self.pick.choice(["receipt", "receipt", "adjustment"])
        quantity = self.quantity(D(60)) * (-1 if kind == "adjustment" and self.pick.random() < 0.6 else 1)
        cost = self.pick.choice([None, D("61.237"), D("3.5"), D("58")])
        status = MADE if self.world.store.move(warehouse, product, quantity, cost, kind) else REFUSED
        body = {"warehouse": warehouse, "product": product.id, "quantity": str(quantity), "kind": kind, "date": self.day().isoformat()}
        self.tell(status, "stock-moves/", body | ({"unit_cost": str(cost)} if cost is not None else {}))

    def invoice(self) -> None:
        if order := self.usually(Order, "confirmed", "closed", "cancelled"):
            basis, day = self.pick.choice(["ordered", "delivered", "delivered"]), self.pick.choice([None, self.day(order.on)])
            status, made = self.world.invoice(order, basis, day)
            self.make(status, made, f"orders/{order.id}/invoice/", {"basis": basis} | ({"date": day.isoformat()} if day else {}))

    def bill(self) -> None:
        account, lines, day = self.pick.choice(self.accounts), [self.line() for _ in range(self.pick.randint(1, 3))], self.day()
        status, made = self.world.bill(account, account.currency, lines, day)
        body = {"account": account.id, "invoice_date": day.isoformat(), "lines": [self.written(line) for line in lines]}
        self.make(status, made, "invoices/", body)

    def post_invoice(self) -> None:
        if invoice := self.usually(Invoice, "draft"):
            day = self.day(invoice.order.on if invoice.order else invoice.on)
            self.act(self.world.post_invoice(invoice, day), invoice, "post", {"date": day.isoformat()})

    def credit(self) -> None:
        if invoice := self.usually(Invoice, "posted"):
            wanted, lines = self.part_of(invoice.lines, "invoice_line")
            status, made = self.world.credit(invoice, wanted)
            self.make(status, made, f"invoices/{invoice.id}/credit/", {} if lines is None else {"lines": lines})

    def post_note(self) -> None:
        if note := self.usually(Note, "draft"):
            day = self.day(note.invoice.on)
            self.act(self.world.post_note(note, day), note, "post", {"date": day.isoformat()})

    def pay(self) -> None:
        account, direction = self.pick.choice(self.accounts), self.pick.choice(["in"] * 6 + ["out"])
        currency, day = self.pick.choice([account.currency, account.currency, "EUR"]), self.day()
        amount = D(self.pick.choice(["100.00", "1213.72", "0.01", "333.33", "5000", str(self.pick.randint(1, 300000) / D(100))]))
        status, made = self.world.pay(account, currency, amount, day, direction)
        body = {"account": account.id, "currency": currency, "date": day.isoformat(), "amount": str(amount), "direction": direction}
        self.make(status, made, "payments/", body)

    def post_payment(self) -> None:
        if payment := self.usually(Payment, "draft"):
            day = self.day(payment.on)
            self.act(self.world.post_payment(payment, day), payment, "post", {"date": day.isoformat()})

    def allocate(self) -> None:
        payment = self.usually(Payment, "posted")
        if payment is None:
            return
        fits = [i for i in self.world.all(Invoice, "posted") if i.account is payment.account and i.currency == payment.currency and i.open]
        if self.pick.random() < 0.05:
            fits = self.world.all(Invoice) or fits
        items, left = [], payment.left
        for invoice in self.pick.sample(fits, min(len(fits), self.pick.randint(1, 3))):
            most = min(left, invoice.open)
            part = (most * self.pick.randint(1, 99) / 100).quantize(D("0.01"))
            amount = self.pick.choice([most, most, part, part, invoice.open if self.pick.random() < 0.3 else most])
            items.append((invoice, amount))
            left -= min(amount, left)
        if items:
            body = {"items": [{"invoice": invoice.id, "amount": str(amount)} for invoice, amount in items]}
            self.act(self.world.allocate(payment, items), payment, "allocate", body)

    def throw_away(self) -> None:
        paper = self.some(self.pick.choice([Order, Delivery, Invoice, Note, Payment]))
        if paper is None or (isinstance(paper, Order) and paper.status != "draft"):
            return  # an order that is more than a draft is archived, since facts point to it
        path = f"{SLUG[type(paper)]}/{paper.id}/"
        version = self.got(path)["version"]
        answer = self.api.delete(path, version)
        assert answer.status_code == self.world.forget(paper), (path, answer.content)

    # Comparing

    def compare(self, paper, told: dict) -> None:
        """A document as the product tells it."""
        wrong = {}

        def same(name: str, expected, found) -> None:
            if expected != found:
                wrong[name] = (str(expected), str(found))

        same("status", paper.status, told["status"])
        same("number", paper.number, told["number"])
        if isinstance(paper, Order | Invoice | Note) and not isinstance(paper, Payment):
            for name, mine in SUMS.items():
                same(name, getattr(paper, mine), D(told[name]))
        if isinstance(paper, Invoice):
            for name in ("paid", "credited", "open", "base_open"):
                same(name, getattr(paper, name), D(told[name]))
            same("due_date", paper.due and paper.due.isoformat(), told["due_date"])
        if isinstance(paper, Note):
            same("unallocated", paper.left, D(told["unallocated"]))
            same("base_unallocated", paper.base_left, D(told["base_unallocated"]))
        if isinstance(paper, Payment):
            same("base_amount", paper.base_amount, D(told["base_amount"]))
        if isinstance(paper, Delivery):
            same("base_net", paper.base_net, D(told["base_net"]))
        for n, (line, row) in enumerate(zip(paper.lines, told.get("lines", []), strict=True)):
            same(f"{n}.id", line.id, row["id"])
            same(f"{n}.quantity", line.quantity, D(row["quantity"]))
            if not (isinstance(paper, Delivery) and paper.status == "draft"):
                same(f"{n}.net", line.net, D(row["net"]))
                same(f"{n}.base_net", line.base, D(row["base_net"]))
            for name in DONE if isinstance(paper, Order) else ():
                same(f"{n}.{name}", getattr(line, name), D(row[name]))
            if isinstance(paper, Delivery) and paper.status == "shipped":
                same(f"{n}.unit_cost", line.cost, None if row["unit_cost"] is None else D(row["unit_cost"]))
        assert not wrong, (SLUG[type(paper)], paper.id, wrong, self.done[-8:])

    def listed(self, slug: str, **query: str) -> list[dict]:
        page = self.got(f"{slug}/", {"limit": "200", **query})
        found = page["results"]
        while page["next"]:
            page = self.got(page["next"])
            found += page["results"]
        return found

    def compare_all(self) -> None:
        """Every order line, invoice, credit note, payment, due item and stock level."""
        rows = {row["id"]: row for row in self.listed("order-lines")}
        lines = [line for order in self.world.all(Order) for line in order.lines]
        assert rows.keys() == {line.id for line in lines}
        for line in lines:
            row = rows[line.id]
            assert [getattr(line, name) for name in ("quantity", *DONE)] == [D(row[name]) for name in ("quantity", *DONE)], (line.order.id, row)
            assert (line.net, line.base) == (D(row["net"]), D(row["base_net"])), row
        for kind in (Invoice, Note, Payment):
            told = {row["id"]: row for row in self.listed(SLUG[kind])}
            assert told.keys() == {paper.id for paper in self.world.all(kind)}
            for paper in self.world.all(kind):
                self.compare(paper, told[paper.id] | ({} if told[paper.id].get("lines") else {"lines": self.got(f"{SLUG[kind]}/{paper.id}/").get("lines", [])}))
        due = {row["invoice"]["id"]: (D(row["amount"]), D(row["open"]), row["due_date"]) for row in self.listed("due-items")}
        assert due == {i.id: (i.total, i.open, i.due.isoformat()) for i in self.world.all(Invoice, "posted")}
        kept = {row["order_line"]["id"]: D(row["quantity"]) for row in self.listed("reservations")}
        mine = {line: quantity for level in self.world.store.levels.values() for line, quantity in level.kept.items()}
        assert kept == mine, ([(k, mine.get(k), kept.get(k)) for k in mine.keys() | kept.keys() if mine.get(k) != kept.get(k)], self.done[-8:])
        levels = {(row["warehouse"]["id"], row["product"]["id"]): row for row in self.listed("stock-levels")}
        for place, level in self.world.store.levels.items():
            row = levels.get(place)
            expected = (level.on_hand, level.reserved, level.average)
            found = (D(row["on_hand"]), D(row["reserved"]), None if row["average_cost"] is None else D(row["average_cost"])) if row else (ZERO, ZERO, None)
            assert expected == found, (place, expected, found, self.done[-8:])

    def compare_figures(self) -> None:
        """Every KPI over a period and by a dimension chosen at random; each with its drill; and what was answered before, under its token."""
        said = oracle_figures.facts(self.world)
        for key in oracle_figures.KPIS:
            by = self.look.choice([d for d in ("month", "account", "person", "unit", "product") if d != "product" or key not in oracle_figures.NO_PRODUCT])
            period, first, last = self.look.choice(self.periods())
            if by == "month" and period == "all" and key not in oracle_figures.SUMS:
                period, first, last = self.periods()[1]
            words = {"period": period, "group_by": by}
            answer = self.got(f"kpis/{key}/value/", words)
            expected = oracle_figures.value(key, said, first, last, self.today)
            assert self.number(answer["value"]) == expected, (key, words, answer["value"], expected)
            self.compare_parts(key, words, answer, oracle_figures.grouped(key, said, by, first, last, self.today), said)
            self.compare_drills(answer)
            self.remembered.append((key, words, answer["as_of"], answer["value"], {json.dumps(g["keys"]): g["value"] for g in answer["groups"]}))
        for key, words, token, value, groups in self.look.sample(self.remembered, min(len(self.remembered), 12)):
            again = self.got(f"kpis/{key}/value/", {**words, "as_of": token})
            assert (again["value"], {json.dumps(g["keys"]): g["value"] for g in again["groups"]}) == (value, groups), (key, words)
        before = self.got("kpis/order-intake/value/", {"period": "all", "as_of": (self.today - timedelta(days=1)).isoformat()})
        assert D(before["value"]) == 0, "nothing was known yesterday"

    def periods(self) -> list[tuple[str, date, date]]:
        one = self.day(by=self.look).strftime("%Y-%m")
        year = str(self.look.choice([self.begin.year, self.today.year]))
        span = sorted([self.day(by=self.look), self.day(by=self.look)])
        return [
            ("all", date.min, date.max), (year, date(int(year), 1, 1), date(int(year), 12, 31)), (one, *oracle_figures.month(one)),
            ("..".join(day.isoformat() for day in span), *span),
        ]  # fmt: skip

    @staticmethod
    def number(text) -> Decimal | None:
        return None if text is None else D(text)

    def compare_parts(self, key: str, words: dict, answer: dict, expected: dict, said: list) -> None:
        found = {g["keys"][0]: self.number(g["value"]) for g in answer["groups"]}
        assert len(found) == len(answer["groups"])
        if words["group_by"] == "month" and key not in oracle_figures.SUMS and key != "on-time-delivery":
            expected = {m: oracle_figures.value(key, said, *oracle_figures.month(m), self.today) for m in found}
            if ".." in words["period"]:
                return  # the ends of a span that is no month are read inside of it
        for member in expected.keys() | found.keys():
            assert (found.get(member) or ZERO) == (expected.get(member) or ZERO), (key, words, member, found.get(member), expected.get(member))

    def compare_drills(self, answer: dict) -> None:
        for one in (answer, *self.look.sample(answer["groups"], min(len(answer["groups"]), 2))):
            if one.get("drill"):
                listed = self.got(one["drill"], None)
                assert one["value"] is None or D(listed["sums"]["value"]) == D(one["value"]), one
