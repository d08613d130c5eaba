"""Random histories from order to cash against the oracle; eight who write at once; and the doctor, who finds nothing after either."""

import os
import random
from functools import partial

import pytest
from django.db import connection

from core import context, doctor, structures
from tests import people
from tests.core.racing import race
from tests.erp.histories import History

LONG = bool(os.environ.get("ODOS_LONG"))
STEPS = int(os.environ.get("ODOS_STEPS", 20_000 if LONG else 150))
WRITES = int(os.environ.get("ODOS_WRITES", 1_000 if LONG else 8))  # of each of those who write at once
EVERY = int(os.environ.get("ODOS_EVERY", 500 if LONG else 50))


def differences(report: doctor.Report) -> list:
    return [(r.name, r.error, r.found[:5]) for r in report.results if r.differences or r.error]


@pytest.mark.parametrize("seed", [int(os.environ.get("ODOS_SEED", 3))])
def test_a_history_is_what_the_oracle_says(seed):
    company = people.new_company(currency="EUR")
    with context.bind(company):
        history = History(people.api(people.owner_of(company), company), seed, structures.today())
        for step in range(1, STEPS + 1):
            history.step()
            if step % EVERY == 0 or step == STEPS:
                history.compare_all()
                history.compare_figures()
        assert differences(doctor.examine()) == []


class Writer:
    """One of those who write at once: random deeds on the same few documents, whatever they are answered, as long as it is no defect."""

    def __init__(self, history: History, api: people.Api, seed: int, pools: dict[str, list]):
        self.history, self.api, self.pick, self.pools, self.answers = history, api, random.Random(seed), pools, []

    def post(self, path: str, body: dict) -> dict | None:
        answer = self.answered("POST", path, body)
        return answer.json() if answer.status_code in (200, 201) else None

    def answered(self, method: str, path: str, body: dict | None = None):
        """Gives the connection back after each answer, as a server does: eight share the few that a process like this one has."""
        try:
            answer = self.api.send(method, path, body)
        finally:
            connection.close()
        self.answers.append((path, answer.status_code, answer.content[:300] if answer.status_code >= 500 else b""))
        return answer

    def lines(self, path: str) -> list[dict]:
        answer = self.answered("GET", path)
        return answer.json()["lines"] if answer.status_code == 200 else []

    def one(self, name: str) -> str | None:
        return self.pick.choice(self.pools[name][-5:]) if self.pools[name] else None

    def then(self, made: dict | None, slug: str, act: str, pool: str = "") -> None:
        """What was made goes on its way, unless somebody else is to do it."""
        if made and self.post(f"{slug}/{made['id']}/{act}/", {}) and pool:
            self.pools[pool].append(made["id"])

    def work(self, steps: int) -> None:
        for _step in range(steps):
            deeds = [self.order, self.deliver, self.deliver, self.bring_back, self.invoice, self.invoice, self.credit, self.pay, self.amend, self.end]
            self.pick.choice(deeds)()

    def order(self) -> None:
        history = self.history
        lines = [{"product": p.id, "quantity": str(self.pick.randint(1, 9)), "unit_price": "9.99"} for p in self.pick.sample(history.products[:3], 2)]
        body = {"account": history.accounts[0].id, "currency": "EUR", "lines": lines, "charges": [{"name": "Freight", "amount": "5"}]}
        self.then(self.post("orders/", body | ({"warehouse": history.strict} if self.pick.random() < 0.6 else {})), "orders", "confirm", "orders")

    def deliver(self) -> None:
        if order := self.one("orders"):
            lines = [{"order_line": row["id"], "quantity": "1"} for row in self.lines(f"orders/{order}/")]
            made = self.post(f"orders/{order}/deliver/", {"lines": lines} if lines and self.pick.random() < 0.7 else {})
            self.then(made, "deliveries", "ship", "deliveries")

    def bring_back(self) -> None:
        if delivery := self.one("deliveries"):
            self.then(self.post(f"deliveries/{delivery}/return/", {}), "deliveries", "ship")

    def invoice(self) -> None:
        if order := self.one("orders"):
            made = self.post(f"orders/{order}/invoice/", {"basis": self.pick.choice(["ordered", "delivered"])})
            self.then(made, "invoices", "post", "invoices")

    def credit(self) -> None:
        if invoice := self.one("invoices"):
            lines = self.lines(f"invoices/{invoice}/")
            part = {"lines": [{"invoice_line": lines[0]["id"], "quantity": "1"}]} if lines else {}
            self.then(self.post(f"invoices/{invoice}/credit/", part), "credit-notes", "post")

    def pay(self) -> None:
        made = self.post("payments/", {"account": self.history.accounts[0].id, "currency": "EUR", "date": "2026-01-05", "amount": "40"})
        self.then(made, "payments", "post", "payments")
        if (payment := self.one("payments")) and (invoice := self.one("invoices")):
            self.post(f"payments/{payment}/allocate/", {"items": [{"invoice": invoice, "amount": str(self.pick.choice([7, 15, 40]))}]})

    def amend(self) -> None:
        if order := self.one("orders"):
            lines = self.lines(f"orders/{order}/")
            self.post(f"orders/{order}/amend/", {"lines": [{"id": row["id"], "quantity": str(self.pick.randint(1, 12))} for row in lines]})

    def end(self) -> None:
        if (order := self.one("orders")) and self.pick.random() < 0.4:
            name = self.pick.choice(["cancel", "close"])
            self.post(f"orders/{order}/{name}/", {"reason": "Because"} if name == "cancel" else {})


def test_eight_who_write_at_once_leave_sound_books():
    company = people.new_company(currency="EUR")
    with context.bind(company):
        owner = people.owner_of(company)
        history = History(people.api(owner, company), 1, structures.today())
        for product in history.products[:3]:
            history.made("stock-moves/", {"warehouse": history.strict, "product": product.id, "quantity": "25", "unit_cost": "3.21"})
        pools: dict[str, list] = {name: [] for name in ("orders", "deliveries", "invoices", "payments")}
        writers = [Writer(history, people.api(owner, company), seed, pools) for seed in range(8)]
        assert not [one for one in race(*(partial(writer.work, WRITES) for writer in writers)) if isinstance(one, BaseException)]
        answers = [answer for writer in writers for answer in writer.answers]
        assert {status for _path, status, _told in answers} <= {200, 201, 409, 422}, [a for a in answers if a[1] not in (200, 201, 409, 422)]
        assert sum(status in (200, 201) for _path, status, _told in answers) > len(answers) / 3
        assert differences(doctor.examine()) == []
