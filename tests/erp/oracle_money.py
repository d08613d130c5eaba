"""Money in the oracle: invoices by what was ordered or delivered, credit notes, payments and what they settle. Plain Python after the contract."""

from datetime import date, timedelta
from decimal import Decimal

from tests.erp.oracle import MADE, NOT_NOW, OK, REFUSED, ZERO, Chain, Invoice, Line, Note, Order, Payment, cents


class Oracle(Chain):
    """The whole chain."""

    # Invoices

    def to_bill(self, order: Order, line: Line, basis: str, drafts: bool = True) -> Decimal:
        due = line.shipped if basis == "delivered" else line.quantity - line.cancelled
        taken = [row.quantity for i in order.invoices if i.status == "draft" and drafts for row in i.lines if row.of is line]
        return due - line.returned - line.invoiced + line.credited - sum(taken, ZERO)

    def invoice(self, order: Order, basis: str, day: date | None) -> tuple[int, Invoice | None]:
        if order.status == "draft":
            return NOT_NOW, None
        status, taken = self.left(order.lines, lambda line: self.to_bill(order, line, basis), None)
        if status != MADE:
            return status, None
        if self.rate(order.currency, day or self.today) is None:
            return REFUSED, None
        made = Invoice(order.account, order.owner, order.currency, order=order, on=day)
        made.lines = [
            Line(line.product, taken[line.id], line.price, line.discount, line.tax, of=line) for line in order.lines if line.id in taken
        ]  # fmt: skip
        made.charges = [] if order.invoices else list(order.charges)
        made.rate = self.rate(made.currency, day or self.today)
        self.count(made)
        order.invoices.append(made)
        return MADE, made

    def bill(self, account, currency, lines, day: date | None) -> tuple[int, Invoice | None]:
        """An invoice by hand."""
        rate = self.rate(currency, day or self.today)
        if rate is None:
            return REFUSED, None
        made = Invoice(account, account.owner, currency, lines, on=day, rate=rate)
        self.count(made)
        return MADE, made

    def post_invoice(self, invoice: Invoice, day: date) -> int:
        if invoice.status != "draft":
            return NOT_NOW
        rate = self.rate(invoice.currency, day)
        if rate is None or any(row.of and self.beyond(invoice, row) for row in invoice.lines):
            return REFUSED
        invoice.status, invoice.on, invoice.rate = "posted", day, rate
        invoice.due = day + timedelta(days=invoice.account.days)
        self.count(invoice)
        for row in invoice.lines:
            goods_of_order = invoice.order is not None and row.product and row.product.kind == "good"
            row.cost = self.store.cost(invoice.order.warehouse, row.product) if goods_of_order else row.product.cost if row.product else None
            row.order = invoice
            if row.of:
                row.of.invoiced += row.quantity
                row.of.billed.append(("take", row))
        invoice.open, invoice.base_open = invoice.total, invoice.base_total
        self.give_number(invoice, "INV", day)
        return OK

    def beyond(self, invoice: Invoice, row: Line) -> bool:
        return row.product is not row.of.product or row.quantity > self.to_bill(invoice.order, row.of, "ordered", drafts=False)

    # Credit notes

    def credit(self, invoice: Invoice, wanted=None) -> tuple[int, Note | None]:
        if invoice.status != "posted":
            return NOT_NOW, None
        taken = [row for note in invoice.notes for row in note.lines]
        charges = [] if wanted is not None or any(note.charges for note in invoice.notes) else [c for c in invoice.charges if c[1] > 0]
        status, lines = self.left(invoice.lines, lambda line: line.quantity - sum((r.quantity for r in taken if r.of is line), ZERO), wanted)
        if status == NOT_NOW and charges:
            status = MADE
        if status != MADE:
            return status, None
        made = Note(invoice.account, invoice.owner, invoice.currency, rate=invoice.rate, invoice=invoice, unit=invoice.unit)
        made.lines = [Line(row.product, lines[row.id], row.price, row.discount, row.tax, of=row) for row in invoice.lines if row.id in lines]
        made.charges = charges
        self.count(made)
        invoice.notes.append(made)
        return MADE, made

    def post_note(self, note: Note, day: date) -> int:
        if note.status != "draft":
            return NOT_NOW
        note.status, note.on = "posted", day
        for row in note.lines:
            row.order = note
            row.of.credited += row.quantity
            if row.of.of:
                row.of.of.credited += row.quantity
                row.of.of.billed.append(("give", row))
        note.left, note.base_left = note.total, note.base_total
        self.settle(note, note.invoice, min(note.total, note.invoice.open), "credited")
        self.give_number(note, "CN", day)
        return OK

    # Payments

    def pay(self, account, currency, amount: Decimal, day: date, direction: str = "in") -> tuple[int, Payment | None]:
        rate = self.rate(currency, day)
        if rate is None:
            return REFUSED, None
        made = Payment(account, account.owner, currency, on=day, rate=rate, amount=amount, base_amount=cents(amount * rate), direction=direction)
        return MADE, made

    def post_payment(self, payment: Payment, day: date) -> int:
        if payment.status != "draft":
            return NOT_NOW
        rate = self.rate(payment.currency, day)
        if rate is None:
            return REFUSED
        payment.status, payment.on, payment.rate = "posted", day, rate
        payment.base_amount = cents(payment.amount * rate)
        if payment.direction == "in":
            payment.left, payment.base_left = payment.amount, payment.base_amount
        self.give_number(payment, "PAY", day)
        return OK

    def allocate(self, payment: Payment, items: list[tuple[Invoice, Decimal]]) -> int:
        if payment.status != "posted" or payment.direction != "in":
            return NOT_NOW
        left, open_ = payment.left, {id(invoice): invoice.open for invoice, _amount in items}
        for invoice, amount in items:
            if invoice.status != "posted" or invoice.account is not payment.account or invoice.currency != payment.currency:
                return REFUSED
            if not 0 < amount <= min(left, open_[id(invoice)]):
                return REFUSED
            left -= amount
            open_[id(invoice)] -= amount
        for invoice, amount in items:
            self.settle(payment, invoice, amount, "paid")
        return OK

    def settle(self, source: Note, invoice: Invoice, amount: Decimal, name: str) -> None:
        """Whoever takes the rest takes it in base currency too."""
        if amount <= 0:
            return
        off = invoice.base_open if amount == invoice.open else cents(amount * invoice.rate)
        used = source.base_left if amount == source.left else cents(amount * source.rate)
        setattr(invoice, name, getattr(invoice, name) + amount)
        invoice.open -= amount
        invoice.base_open -= off
        source.left -= amount
        source.base_left -= used
        source.settled.append((invoice, source.on, off, used))
