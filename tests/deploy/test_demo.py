"""The demo company is made once; what an interrupted start has left of it is made anew. What is in it looks like a living company."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.db.models import F

from core import access, context, doctor, door, kpi, structures
from core.models import Fact, Target
from crm.models import Account, Contact, Lead, Opportunity, Quote
from deploy import demo
from erp.models import Allocation, CreditNote, Delivery, Invoice, OrderLine, Payment, SalesOrder, StockMove
from tenants.models import Company
from tests import people


@pytest.fixture
def built(monkeypatch) -> list[str]:
    """The companies that were filled; nothing is really written into them."""
    companies: list[str] = []
    monkeypatch.setattr(demo.demo, "build", lambda company, password, say: companies.append(str(company.id)))
    return companies


def present() -> list[str]:
    with context.bind_public():
        return [str(key) for key in Company.objects.filter(subdomain=demo.SUBDOMAIN).values_list("id", flat=True)]


def test_it_is_made_once_and_anew_after_an_interruption(built, monkeypatch):
    def interrupt(company, password, say):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(demo.demo, "build", interrupt)
        with pytest.raises(KeyboardInterrupt):
            demo.ensure(lambda sentence: None)
    (half,) = present()
    demo.ensure(lambda sentence: None)
    (whole,) = present()
    assert whole != half and built == [whole]
    demo.ensure(lambda sentence: None)
    assert present() == built == [whole]


def test_its_sign_ins_are_this_installations_own():
    lines = list(demo.sign_ins("http://{}.localhost:8000"))
    assert "http://demo.localhost:8000" in lines[0] and settings.HOME.secrets["demo"] in lines[0]
    assert any(demo.EMAIL in line for line in lines[1:])


# What is in it


@pytest.fixture(scope="module")
def harbour():
    company = people.new_company(currency="USD", country="US")
    demo.demo.build(company, people.PASSWORD)
    with context.bind(company):
        yield company


@pytest.fixture(scope="module")
def owner(harbour):
    return access.actor_for(people.owner_of(harbour))


def ask(actor, key, **words):
    return door.reading(lambda: kpi.value(actor, kpi.definition(key), kpi.question({"period": "all", **words})))


def share(actor, key, part):
    return ask(actor, key).value / ask(actor, part).value


def test_its_figures_are_those_of_a_living_company(owner):
    assert Decimal("0.25") <= ask(owner, "win-rate").value <= Decimal("0.40")
    assert 30 <= ask(owner, "dso").value <= 60
    assert Decimal("0.30") <= share(owner, "gross-margin", "invoiced-net") <= Decimal("0.50")
    assert Decimal("0.80") <= ask(owner, "on-time-delivery").value <= Decimal("0.95")
    assert Decimal("0.15") <= ask(owner, "lead-conversion").value <= Decimal("0.45")
    for key in ("pipeline", "weighted-pipeline", "overdue", "cash-received", "discount-given", "sales-cycle-days", "quote-turnaround-hours"):
        assert ask(owner, key).value > 0, key
    assert ask(owner, "exchange-gain").value


def test_the_whole_chain_has_happened(harbour):
    for model, states in (
        (Lead, {"open", "converted", "lost"}), (Opportunity, {"open", "won", "lost"}), (Quote, {"draft", "sent", "accepted", "declined", "expired"}),
        (SalesOrder, {"draft", "confirmed", "cancelled"}), (Delivery, {"shipped"}), (Invoice, {"posted"}), (CreditNote, {"posted"}), (Payment, {"posted"}),
    ):  # fmt: skip
        assert states <= set(model.objects.values_list("status", flat=True)), model.__name__
    assert set(Invoice.objects.values_list("currency", flat=True)) == {"USD", "EUR", "CNY"}
    assert Quote.objects.filter(revision=2).exists() and Delivery.objects.filter(kind="return").exists()
    assert Payment.objects.filter(direction="out").exists() and Payment.objects.filter(unallocated__gt=0).exists()
    assert set(Opportunity.objects.filter(status="open").values_list("stage__order", flat=True)) == {1, 2, 3, 4, 5}
    assert Allocation.objects.exclude(base_used=0).filter(payment__currency="EUR").exists()
    assert Contact.objects.filter(account__country="CN", name__regex=r"^[\u4e00-\u9fff]+$").exists()
    names = list(Account.objects.values_list("name", flat=True))
    assert len(names) == len(set(names))
    several = Delivery.objects.filter(kind="delivery").values_list("order", flat=True)
    assert len(several) > len(set(several))
    assert OrderLine.objects.filter(order__status="confirmed", shipped__gt=0, quantity__gt=F("shipped")).exists()
    assert Target.objects.filter(dimension="person").count() >= 9 * 12


def test_late_payers_are_of_every_age(harbour):
    today = structures.today()
    ages = {(today - due).days for due in Invoice.objects.filter(open__gt=0).values_list("due_date", flat=True)}
    for first, last in ((-60, 0), (1, 30), (31, 60), (61, 90), (91, 400)):
        assert any(first <= age <= last for age in ages), (first, last)


def test_its_history_is_known_on_its_own_days(harbour, owner):
    today = structures.today()
    assert not Fact.objects.filter(business_date__lt=today - timedelta(days=20), recorded_at__date__gt=today - timedelta(days=1), measure="invoiced").exists()
    assert not StockMove.objects.filter(date__gt=today).exists()
    half = today - timedelta(days=180)
    then = ask(owner, "order-intake", as_of=half.isoformat()).value
    assert 0 < then < ask(owner, "order-intake").value
    assert Lead.objects.filter(created_at__date__lt=half).exists()


def test_the_doctor_finds_nothing(harbour):
    report = doctor.examine()
    assert [(r.name, r.error, [str(d) for d in r.found[:3]]) for r in report.results if r.differences or r.error] == []
